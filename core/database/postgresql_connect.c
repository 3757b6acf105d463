/* SPDX-License-Identifier: MIT
 * New connections: by the URI's password, or by one that is asked for each. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

enum { ATTEMPTS = 8 /* with passwords that are asked for: others may set another meanwhile */ };

static PGconn *connect_with(const postgresql_target *target, const char *password) {
    size_t count = target->keywords.count;
    const char **keywords = calloc(count + 2, sizeof *keywords);
    const char **values = calloc(count + 2, sizeof *values);
    PGconn *connection = NULL;
    if (keywords && values) {
        memcpy((void *)keywords, (const void *)target->keyword_list, count * sizeof *keywords);
        memcpy((void *)values, (const void *)target->value_list, count * sizeof *values);
        keywords[count] = "password"; /* of two the last counts */
        values[count] = password;
        connection = PQconnectdbParams(keywords, values, 0);
    }
    free((void *)keywords);
    free((void *)values);
    return connection;
}

static void forget(char *password) {
    if (password)
        mseq_secret_erase(password, strlen(password));
    free(password);
}

/* Whether the server wanted the password and did not like it. */
static bool is_refused(PGconn *connection) {
    return connection && PQstatus(connection) != CONNECTION_OK &&
           PQconnectionUsedPassword(connection);
}

static mseq_status connect_asking(const postgresql_target *target, PGconn **connection,
                                  mseq_error *err) {
    char *refused = NULL;
    for (int i = 0; i < ATTEMPTS; i++) {
        char *password = NULL;
        mseq_status status = target->ask_password(target->password_data, refused, &password, err);
        forget(refused);
        if (status != MSEQ_OK)
            return status;
        PQfinish(*connection);
        *connection = connect_with(target, password);
        refused = password;
        if (!is_refused(*connection))
            break;
    }
    forget(refused);
    return MSEQ_OK;
}

mseq_status postgresql_connect(const postgresql_target *target, PGconn **connection,
                               mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (target->ask_password)
        status = connect_asking(target, connection, err);
    else
        *connection = PQconnectdbParams(target->keyword_list, target->value_list, 0);
    if (status != MSEQ_OK)
        return status;
    if (!*connection)
        return mseq_error_no_memory(err);
    return PQstatus(*connection) == CONNECTION_OK
               ? MSEQ_OK
               : postgresql_fail_connect(target, *connection, err);
}
