/* SPDX-License-Identifier: MIT
 * What the server keeps of a password (libpq computes it, by the server's password_encryption). */
#include <string.h>

#include "postgresql_private.h"

mseq_status postgresql_encrypt_password(postgresql_session *session, const char *role,
                                        const char *password, char **verifier, mseq_error *err) {
    mseq_status status = postgresql_ready(session, err);
    if (status != MSEQ_OK)
        return status;
    /* libpq asks the server, and waits for the answer itself */
    PQsetnonblocking(session->connection, 0);
    char *text = PQencryptPasswordConn(session->connection, password, role, NULL);
    bool good = PQsetnonblocking(session->connection, 1) == 0;
    if (!text || !good) {
        PQfreemem(text);
        return PQstatus(session->connection) == CONNECTION_BAD
                   ? postgresql_fail_lost(session, err)
                   : mseq_error_set(err, MSEQ_E_DATABASE,
                                    "the password cannot be encrypted the way that the server "
                                    "wants it");
    }
    *verifier = mseq_text_dup(text);
    PQfreemem(text);
    return *verifier ? MSEQ_OK : mseq_error_no_memory(err);
}
