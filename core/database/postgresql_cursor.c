/* SPDX-License-Identifier: MIT
 * A governed select row by row, in a READ ONLY transaction of its own and libpq's single-row mode:
 * nothing is held but a row and what the sockets buffer, and the server works ahead only as far as
 * these do. No cursor of the server's: a FETCH keeps all its rows back until it has made the last
 * one, and then waits for the next FETCH. */
#include <stdio.h>
#include <stdlib.h>

#include "postgresql_governed.h"

typedef struct postgresql_cursor {
    postgresql_governed run;
    PGresult *row;   /* the next one; NULL: it has not come */
    PGresult *given; /* the one that was handed out, which borrows from it; or NULL */
    bool running;    /* results are still to come */
    int64_t skip;    /* rows before the first that is wanted */
    int64_t left_ms; /* of the statement's time, while nobody waits */
} postgresql_cursor;

/* ---- Time --------------------------------------------------------------------------------------
 * It counts only while somebody waits for a row. The server's own limit would also count the time
 * in which a slow reader keeps it from sending, so it only is the last resort here. */

static void resume_clock(postgresql_cursor *cursor) {
    int64_t left = cursor->left_ms > 0 ? cursor->left_ms : 0;
    cursor->run.session->deadline = mseq_monotonic_ms() + left;
}

static void pause_clock(postgresql_cursor *cursor) {
    cursor->left_ms = cursor->run.session->deadline - mseq_monotonic_ms();
}

/* In place of the limit that every governed statement sets: an hour for the reader. */
static mseq_status set_limits(postgresql_cursor *cursor, mseq_error *err) {
    enum { READER_MS = 3600000 };
    char text[64];
    mseq_error raw = MSEQ_ERROR_INIT;
    postgresql_session *session = cursor->run.session;
    int64_t left = cursor->run.deadline - mseq_monotonic_ms();
    snprintf(text, sizeof text, "SET LOCAL statement_timeout = %lld",
             (long long)(left > 0 ? left : 0) + READER_MS);
    mseq_status status = postgresql_command(session, text, NULL, &raw);
    return status == MSEQ_OK ? MSEQ_OK : postgresql_filter_error(&raw, cursor->run.statement, err);
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static mseq_status send_statement(postgresql_cursor *cursor, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    if (!postgresql_send(session, cursor->run.prepared, &cursor->run.parameters) ||
        !PQsetSingleRowMode(session->connection))
        return postgresql_fail_send(session, err);
    cursor->running = true;
    return postgresql_flush(session, err);
}

/* A result without waiting for it, if it is there: then the clock need not be asked. */
static mseq_status take_result(postgresql_cursor *cursor, PGresult **result, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    if (cursor->left_ms > 0 && !PQisBusy(session->connection)) {
        *result = PQgetResult(session->connection);
        return MSEQ_OK;
    }
    resume_clock(cursor);
    mseq_status status = postgresql_result(session, result, err);
    pause_clock(cursor);
    return status;
}

static mseq_status take_end(postgresql_cursor *cursor, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    cursor->running = false;
    return PQstatus(session->connection) == CONNECTION_BAD ? postgresql_fail_lost(session, err)
                                                           : MSEQ_OK;
}

/* Until there is a row, or it is known that there is none. */
static mseq_status wait_for_row(postgresql_cursor *cursor, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    while (status == MSEQ_OK && !cursor->row && cursor->running) {
        PGresult *result = NULL;
        status = take_result(cursor, &result, err);
        if (status != MSEQ_OK)
            return status;
        if (!result)
            return take_end(cursor, err);
        ExecStatusType kind = PQresultStatus(result);
        if (kind == PGRES_SINGLE_TUPLE && cursor->skip == 0) {
            cursor->row = result;
            return MSEQ_OK;
        }
        if (kind == PGRES_SINGLE_TUPLE) {
            cursor->skip--;
        } else if (kind != PGRES_TUPLES_OK) {
            cursor->run.stale = postgresql_is_stale(result);
            status =
                postgresql_fail_governed(cursor->run.session, result, cursor->run.statement, err);
            postgresql_drain(cursor->run.session); /* the server has ended the statement */
            cursor->running = false;
        }
        PQclear(result);
    }
    return status;
}

/* ---- Opening and closing -----------------------------------------------------------------------
 */

/* Up to the first row that is wanted. */
static mseq_status start_once(postgresql_cursor *cursor, mseq_error *err) {
    postgresql_session *session = cursor->run.session;
    cursor->skip = cursor->run.statement->offset;
    mseq_status status = postgresql_governed_prepare(&cursor->run, err);
    if (status == MSEQ_OK)
        status = set_limits(cursor, err);
    if (status == MSEQ_OK)
        status = postgresql_start(session, err);
    if (status != MSEQ_OK)
        return status;
    cursor->left_ms = cursor->run.deadline - mseq_monotonic_ms();
    resume_clock(cursor);
    status = send_statement(cursor, err);
    pause_clock(cursor);
    return status == MSEQ_OK ? wait_for_row(cursor, err) : status;
}

/* Whether the next result has come. */
static bool has_come(PGconn *connection) {
    return !PQisBusy(connection) || (PQconsumeInput(connection) && !PQisBusy(connection));
}

/* Rows that have come already are read and dropped, unless they are many, so that the connection
 * stays of use. For others the server is told to stop; its answer would come behind all that it has
 * sent, so that a new connection costs less. */
static void drop_rows(postgresql_cursor *cursor) {
    enum { DROPPED_MAXIMUM = 1000 };
    postgresql_session *session = cursor->run.session;
    if (cursor->given)
        mseq_row_clear(&cursor->run.prepared->row);
    PQclear(cursor->given);
    PQclear(cursor->row);
    cursor->given = cursor->row = NULL;
    for (int i = 0; i < DROPPED_MAXIMUM && cursor->running && !session->lost; i++) {
        if (!has_come(session->connection))
            break;
        PGresult *result = PQgetResult(session->connection);
        cursor->running = result != NULL;
        PQclear(result);
    }
    if (cursor->running && !session->lost) {
        postgresql_cancel(session, POSTGRESQL_STOP_UNWANTED);
        session->lost = true;
    }
    cursor->running = false;
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
        cursor->run.stale = cursor->run.verdict.checked = false;
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

mseq_status postgresql_cursor_next(void *given, mseq_row **row, mseq_error *err) {
    postgresql_cursor *cursor = given;
    PQclear(cursor->given); /* cells that borrowed from it are not read again */
    cursor->given = NULL;
    mseq_status status = wait_for_row(cursor, err);
    cursor->given = cursor->row;
    cursor->row = NULL;
    if (!cursor->given)
        mseq_row_clear(&cursor->run.prepared->row);
    else if (status == MSEQ_OK)
        status = postgresql_governed_row(&cursor->run, cursor->given, 0, err);
    if (status == MSEQ_OK)
        *row = cursor->given ? &cursor->run.prepared->row : NULL;
    return status;
}

void postgresql_cursor_close(void *given) {
    postgresql_cursor *cursor = given;
    end_attempt(cursor);
    postgresql_governed_stop(&cursor->run);
    free(cursor);
}
