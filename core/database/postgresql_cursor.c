/* SPDX-License-Identifier: MIT
 * A governed select row by row: a cursor of the server in a READ ONLY transaction, read by FETCHes
 * of about CHUNK_BYTES each, and each FETCH in libpq's single-row mode. So libpq never holds more
 * than a row and what the socket's buffer had; and between two FETCHes the server waits for us and
 * runs nothing, however long the reader takes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "postgresql_governed.h"

enum {
    FIRST_ROWS = 100,        /* of the first FETCH, when nothing is known of their size */
    MOST_ROWS = 5000,        /* of a FETCH */
    CHUNK_BYTES = 256 * 1024 /* of a FETCH, about; what sockets buffer */
};

typedef struct postgresql_cursor {
    postgresql_governed run;
    PGresult *result; /* rows that were not handed out from `position` on; NULL: none */
    int position;
    bool fetching; /* results of a FETCH are still to come */
    bool ended;
    int64_t asked, came; /* rows of this FETCH */
    int64_t bytes;       /* of its rows */
    int64_t left_ms;     /* of the statement's time, while nobody waits */
} postgresql_cursor;

/* ---- Time --------------------------------------------------------------------------------------
 * It counts only while somebody waits for a row. The server's own limit would also count the time
 * in which a slow reader keeps it from sending, so it only is the last resort here. */

static void resume(postgresql_cursor *cursor) {
    cursor->run.session->deadline =
        mseq_monotonic_ms() + (cursor->left_ms > 0 ? cursor->left_ms : 0);
}

static void pause(postgresql_cursor *cursor) {
    cursor->left_ms = cursor->run.session->deadline - mseq_monotonic_ms();
}

/* What a cursor needs beside the settings of every governed statement: a plan for all rows, and a
 * transaction that waits for its reader. */
static mseq_status set_limits(postgresql_cursor *cursor, mseq_error *err) {
    enum { IDLE_MS = 600000 };
    char text[256];
    mseq_error raw = MSEQ_ERROR_INIT;
    int64_t limit = postgresql_governed_time(&cursor->run);
    snprintf(text, sizeof text,
             "SET LOCAL cursor_tuple_fraction = 1; SET LOCAL statement_timeout = %lld; "
             "SET LOCAL idle_in_transaction_session_timeout = %d",
             (long long)limit + IDLE_MS, IDLE_MS);
    mseq_status status = postgresql_command(cursor->run.session, text, NULL, &raw);
    return status == MSEQ_OK ? MSEQ_OK : postgresql_filter_error(&raw, cursor->run.statement, err);
}

/* ---- Sending -----------------------------------------------------------------------------------
 */

static mseq_status send_text(postgresql_cursor *cursor, const char *text,
                             const postgresql_parameters *p, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    if (mseq_cancellation_is_set(session->cancellation))
        return mseq_error_set(err, MSEQ_E_CANCELLED, "the statement was cancelled");
    int sent = p ? PQsendQueryParams(session->connection, text, (int)p->count, p->types, p->values,
                                     p->lengths, p->formats, 0)
                 : PQsendQueryParams(session->connection, text, 0, NULL, NULL, NULL, NULL, 0);
    return sent ? postgresql_flush(session, err) : postgresql_fail_send(session, err);
}

/* A command without rows. */
static mseq_status run_text(postgresql_cursor *cursor, const char *text,
                            const postgresql_parameters *parameters, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    mseq_status first = send_text(cursor, text, parameters, err);
    for (bool more = first == MSEQ_OK; more;) {
        PGresult *result = NULL;
        mseq_status status = postgresql_result(session, &result, err);
        if (status != MSEQ_OK)
            return status;
        more = result != NULL;
        if (result && first == MSEQ_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
            first = postgresql_fail_governed(session, result, cursor->run.statement, err);
        PQclear(result);
    }
    return first;
}

static mseq_status declare(postgresql_cursor *cursor, mseq_error *err) {
    char *text =
        mseq_text_format("DECLARE mseq_rows NO SCROLL CURSOR WITHOUT HOLD FOR %s", cursor->run.sql);
    if (!text)
        return mseq_error_no_memory(err);
    mseq_status status = run_text(cursor, text, &cursor->run.parameters, err);
    free(text);
    return status;
}

static mseq_status skip_offset(postgresql_cursor *cursor, mseq_error *err) {
    char text[64];
    int64_t offset = cursor->run.statement->offset;
    if (offset == 0)
        return MSEQ_OK;
    if (offset > INT_MAX) {
        mseq_error_set(err, MSEQ_E_LIMIT, "offset can be %d at most", INT_MAX);
        mseq_error_hint(err, "continue behind the last row by its key: WHERE key > …");
        return MSEQ_E_LIMIT;
    }
    snprintf(text, sizeof text, "MOVE FORWARD %lld IN mseq_rows", (long long)offset);
    return run_text(cursor, text, NULL, err);
}

/* As many rows as the last ones suggest, at most four times as many as before. */
static int64_t next_count(const postgresql_cursor *cursor) {
    if (!cursor->came)
        return FIRST_ROWS;
    int64_t fitting = CHUNK_BYTES / (cursor->bytes / cursor->came + 1) + 1;
    int64_t most = cursor->asked * 4 < MOST_ROWS ? cursor->asked * 4 : MOST_ROWS;
    return fitting < most ? fitting : most;
}

static mseq_status fetch(postgresql_cursor *cursor, mseq_error *err) {
    char text[64];
    cursor->asked = next_count(cursor);
    cursor->came = cursor->bytes = 0;
    snprintf(text, sizeof text, "FETCH FORWARD %lld FROM mseq_rows", (long long)cursor->asked);
    mseq_status status = send_text(cursor, text, NULL, err);
    cursor->fetching = status == MSEQ_OK;
    if (status == MSEQ_OK)
        PQsetSingleRowMode(cursor->run.session->connection);
    return status;
}

/* ---- Receiving ---------------------------------------------------------------------------------
 */

/* The description may be of an earlier form of the tables. */
static bool is_described(const postgresql_statement *prepared, const PGresult *result) {
    if ((size_t)PQnfields(result) != prepared->column_count)
        return false;
    for (size_t i = 0; i < prepared->column_count; i++)
        if (PQftype(result, (int)i) != prepared->columns[i].type)
            return false;
    return true;
}

static mseq_status check_description(postgresql_cursor *cursor, const PGresult *result,
                                     mseq_error *err) {
    if (is_described(cursor->run.prepared, result))
        return MSEQ_OK;
    cursor->run.stale = true;
    return mseq_error_set(err, MSEQ_E_DATABASE,
                          "the tables of the statement have changed while it was prepared");
}

/* A result without waiting for it, if it is there. */
static mseq_status take_result(postgresql_cursor *cursor, PGresult **result, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    if (cursor->left_ms > 0 && !PQisBusy(session->connection)) {
        *result = PQgetResult(session->connection);
        return MSEQ_OK;
    }
    return postgresql_result(session, result, err);
}

/* The next result that has rows; none when the FETCH has no more. */
static mseq_status receive(postgresql_cursor *cursor, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    while (!cursor->result && cursor->fetching) {
        PGresult *result = NULL;
        mseq_status status = take_result(cursor, &result, err);
        if (status != MSEQ_OK)
            return status;
        if (!result) {
            cursor->fetching = false;
            if (PQstatus(session->connection) == CONNECTION_BAD)
                return postgresql_fail_lost(session, err);
            return MSEQ_OK;
        }
        ExecStatusType kind = PQresultStatus(result);
        if (kind != PGRES_SINGLE_TUPLE && kind != PGRES_TUPLES_OK)
            status = postgresql_fail_governed(session, result, cursor->run.statement, err);
        else if (cursor->came == 0)
            status = check_description(cursor, result, err);
        if (status != MSEQ_OK || PQntuples(result) == 0) {
            PQclear(result);
            if (status != MSEQ_OK)
                return status;
            continue;
        }
        cursor->result = result;
        cursor->position = 0;
        cursor->came += PQntuples(result);
    }
    return MSEQ_OK;
}

/* Until there is a row, or it is known that there is none. */
static mseq_status wait_for_row(postgresql_cursor *cursor, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    while (status == MSEQ_OK && !cursor->result && !cursor->ended) {
        if (!cursor->fetching)
            status = fetch(cursor, err);
        if (status == MSEQ_OK)
            status = receive(cursor, err);
        cursor->ended = !cursor->result && !cursor->fetching && cursor->came < cursor->asked;
    }
    return status;
}

static void count_bytes(postgresql_cursor *cursor) {
    for (int i = 0; i < PQnfields(cursor->result); i++)
        cursor->bytes += PQgetlength(cursor->result, cursor->position, i) + 8;
}

/* ---- Opening and closing -----------------------------------------------------------------------
 */

/* Up to the first row that is wanted. */
static mseq_status start_once(postgresql_cursor *cursor, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    cursor->ended = false;
    cursor->came = cursor->asked = 0;
    mseq_status status = postgresql_governed_prepare(&cursor->run, err);
    if (status == MSEQ_OK) {
        postgresql_governed_use_types(&cursor->run);
        status = set_limits(cursor, err);
    }
    if (status == MSEQ_OK)
        status = postgresql_start(session, err);
    if (status == MSEQ_OK) {
        cursor->left_ms = cursor->run.deadline - mseq_monotonic_ms();
        resume(cursor);
        status = declare(cursor, err);
    }
    if (status == MSEQ_OK)
        status = skip_offset(cursor, err);
    if (status == MSEQ_OK)
        status = wait_for_row(cursor, err);
    pause(cursor);
    return status;
}

/* Rows that have come already are read and dropped, so that the connection stays of use; for
 * others the server is told to stop. */
static void drop_rows(postgresql_cursor *cursor) {
    postgresql_session *session = cursor->run.session;
    PQclear(cursor->result);
    cursor->result = NULL;
    while (cursor->fetching && !session->lost && !PQisBusy(session->connection)) {
        PGresult *result = PQgetResult(session->connection);
        cursor->fetching = result != NULL;
        PQclear(result);
    }
    if (cursor->fetching && !session->lost) {
        postgresql_cancel(session, POSTGRESQL_STOP_UNWANTED);
        postgresql_drain(session);
    }
    cursor->fetching = false;
}

static void end_attempt(postgresql_cursor *cursor) {
    drop_rows(cursor);
    cursor->run.session->running = false;
    postgresql_governed_end(&cursor->run, MSEQ_E_CANCELLED); /* nothing to commit */
}

/* A plan that no longer holds has given no row: once more, with a new one. */
static mseq_status start(postgresql_cursor *cursor, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    mseq_error failure = MSEQ_ERROR_INIT;
    bool healthy = !session->saw_error;
    mseq_status status = start_once(cursor, &failure);
    if (status != MSEQ_OK && cursor->run.stale && !session->lost) {
        mseq_error_clear(&failure);
        end_attempt(cursor);
        cursor->run.stale = cursor->run.checked = false;
        session->saw_error = !healthy;
        postgresql_cache_clear(session);
        status = start_once(cursor, &failure);
    }
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = failure;
    return status;
}

mseq_status postgresql_cursor_open(postgresql_session *session,
                                   const mseq_governed_statement *statement, void **opened,
                                   mseq_error *err) {
    postgresql_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return mseq_error_no_memory(err);
    mseq_status status = postgresql_governed_start(&cursor->run, session, statement, err);
    if (status == MSEQ_OK && !cursor->run.select)
        status = governed_no_cursor(statement, err);
    if (status == MSEQ_OK) {
        status = start(cursor, err);
        if (status != MSEQ_OK)
            end_attempt(cursor);
    }
    if (status != MSEQ_OK) {
        postgresql_governed_stop(&cursor->run);
        free(cursor);
        return status;
    }
    session->running = true;
    *opened = cursor;
    return MSEQ_OK;
}

mseq_status postgresql_cursor_next(void *given, mseq_value **row, mseq_error *err) {
    postgresql_cursor *cursor = given;
    resume(cursor);
    mseq_status status = wait_for_row(cursor, err);
    if (status == MSEQ_OK && !cursor->result)
        *row = NULL;
    if (status == MSEQ_OK && cursor->result) {
        status = postgresql_governed_row(&cursor->run, cursor->result, cursor->position, row, err);
        count_bytes(cursor);
        if (++cursor->position == PQntuples(cursor->result)) {
            PQclear(cursor->result);
            cursor->result = NULL;
        }
    }
    pause(cursor);
    return status;
}

void postgresql_cursor_close(void *given) {
    postgresql_cursor *cursor = given;
    end_attempt(cursor);
    postgresql_governed_stop(&cursor->run);
    free(cursor);
}
