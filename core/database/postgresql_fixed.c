/* SPDX-License-Identifier: MIT
 * Commands of ours that every use of a session needs: they are prepared once, as parsing them costs
 * the server more than doing them; and what is undone between two uses. */
#include <stdio.h>
#include <string.h>

#include "postgresql_private.h"

static const struct {
    const char *name, *text;
} fixed[] = {{"f0", "BEGIN READ ONLY"},
             {"f1", "BEGIN"},
             {"f2", "ROLLBACK"},
             /* the reset, in this order; settings come first */
             {"f3", "SET SESSION AUTHORIZATION DEFAULT"},
             {"f4", "RESET ALL"},
             {"f5", "CLOSE ALL"},
             {"f6", "UNLISTEN *"},
             {"f7", "DISCARD TEMP"},
             {"f8", "DISCARD SEQUENCES"},
             {"f9", "SELECT pg_catalog.pg_advisory_unlock_all()"}};

enum { FIXED = sizeof fixed / sizeof *fixed, RESET_FROM = 3, SETTINGS_UNTIL = 5 };

/* ---- Preparing ---------------------------------------------------------------------------------
 */

/* Names that the cache has forgotten go first: they may be the same. */
static bool send_all(const postgresql_session *session) {
    PGconn *connection = session->connection;
    bool sent = PQenterPipelineMode(connection);
    if (sent && session->deallocate)
        sent = PQsendQueryParams(connection, "DEALLOCATE ALL", 0, NULL, NULL, NULL, NULL, 0);
    for (size_t i = 0; i < FIXED && sent; i++)
        sent = PQsendPrepare(connection, fixed[i].name, fixed[i].text, 0, NULL);
    return sent && PQpipelineSync(connection);
}

mseq_status postgresql_fixed_prepare(postgresql_session *session, mseq_error *err) {
    if (session->fixed)
        return MSEQ_OK;
    mseq_status status = postgresql_start(session, err);
    if (status != MSEQ_OK)
        return status;
    if (!send_all(session))
        return postgresql_fail_send(session, err);
    session->deallocate = false;
    status = postgresql_flush(session, err);
    if (status == MSEQ_OK)
        status = postgresql_pipeline_end(session, err);
    session->fixed = status == MSEQ_OK;
    return status;
}

/* ---- Sending -----------------------------------------------------------------------------------
 */

static bool send_prepared(postgresql_session *session, size_t number) {
    return PQsendQueryPrepared(session->connection, fixed[number].name, 0, NULL, NULL, NULL, 0);
}

bool postgresql_fixed_send(postgresql_session *session, const char *text) {
    for (size_t i = 0; i < RESET_FROM && session->fixed; i++)
        if (strcmp(fixed[i].text, text) == 0)
            return send_prepared(session, i);
    return PQsendQueryParams(session->connection, text, 0, NULL, NULL, NULL, NULL, 0);
}

/* ---- The reset ---------------------------------------------------------------------------------
 */

/* In one transaction of the server's own. */
static bool send_prepared_reset(postgresql_session *session, size_t until) {
    bool sent = PQenterPipelineMode(session->connection);
    for (size_t i = RESET_FROM; i < until && sent; i++)
        sent = send_prepared(session, i);
    return sent && PQpipelineSync(session->connection);
}

static bool send_reset_text(postgresql_session *session, bool idle) {
    char text[256] = "";
    size_t used = 0;
    if (!idle)
        used += (size_t)snprintf(text, sizeof text, "ROLLBACK; ");
    for (size_t i = RESET_FROM; i < FIXED; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s; ", fixed[i].text);
    if (session->deallocate)
        snprintf(text + used, sizeof text - used, "DEALLOCATE ALL");
    session->fixed = session->fixed && !session->deallocate;
    session->deallocate = false;
    return PQsendQuery(session->connection, text);
}

bool postgresql_reset_send(postgresql_session *session) {
    bool idle = PQtransactionStatus(session->connection) == PQTRANS_IDLE;
    bool prepared = session->fixed && idle && !session->deallocate;
    bool whole = !prepared || session->use == POSTGRESQL_USED;
    session->use = POSTGRESQL_UNUSED;
    if (whole)
        session->reset_at = mseq_monotonic_ms();
    return prepared ? send_prepared_reset(session, whole ? FIXED : SETTINGS_UNTIL)
                    : send_reset_text(session, idle);
}

void postgresql_use_plainly(postgresql_session *session, postgresql_use before, bool write) {
    enum { WHOLE_RESET_MS = 5000 }; /* as long as a verdict on the tables may be late */
    bool due = !session->reset_at || mseq_monotonic_ms() - session->reset_at >= WHOLE_RESET_MS;
    postgresql_use use = write ? POSTGRESQL_USED_PLAINLY : POSTGRESQL_UNUSED;
    if (!due)
        session->use = use > before ? use : before;
}

static bool receive_text(postgresql_session *session) {
    for (bool good = true;;) {
        PGresult *result = NULL;
        if (postgresql_result(session, &result, NULL) != MSEQ_OK)
            return false;
        if (!result)
            return good;
        good = good && (PQresultStatus(result) == PGRES_COMMAND_OK ||
                        PQresultStatus(result) == PGRES_TUPLES_OK);
        PQclear(result);
    }
}

bool postgresql_reset_anew(postgresql_session *session) {
    postgresql_cache_clear(session);
    session->saw_error = false; /* that was the reset's */
    return send_reset_text(session, true) && postgresql_flush(session, NULL) == MSEQ_OK &&
           receive_text(session);
}

bool postgresql_reset_receive(postgresql_session *session) {
    enum { RESET_MS = 5000 };
    if (!session->resetting)
        return true;
    session->resetting = false;
    session->stop = POSTGRESQL_RUNNING;
    session->deadline = mseq_monotonic_ms() + RESET_MS;
    if (PQpipelineStatus(session->connection) == PQ_PIPELINE_OFF)
        return receive_text(session);
    return postgresql_pipeline_end(session, NULL) == MSEQ_OK ||
           (!session->lost && postgresql_reset_anew(session));
}
