/* SPDX-License-Identifier: MIT
 * A governed select row by row: the statement stands on its row between two calls, in the read
 * transaction that its first step began. */
#include <stdlib.h>

#include "governed.h"
#include "sqlite_governed.h"

typedef struct sqlite_cursor {
    sqlite_governed run;
    bool waiting;    /* the statement stands on a row that was not handed out */
    bool done;       /* another step would begin anew */
    int64_t left_ms; /* of the statement's time, while nobody waits */
} sqlite_cursor;

/* The time counts only while the database works. */
static void resume_clock(sqlite_cursor *cursor) {
    if (cursor->run.deadline)
        cursor->run.runner->deadline = mseq_monotonic_ms() + cursor->left_ms;
}

static void pause_clock(sqlite_cursor *cursor) {
    if (cursor->run.deadline)
        cursor->left_ms = cursor->run.runner->deadline - mseq_monotonic_ms();
}

static mseq_status step(sqlite_cursor *cursor, mseq_error *err) {
    sqlite_governed *run = &cursor->run;
    int code = sqlite3_step(run->prepared->stmt);
    cursor->waiting = code == SQLITE_ROW;
    cursor->done = code != SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return MSEQ_OK;
    run->again = run->runner->guard->prepared_anew;
    return run->again ? MSEQ_E_DATABASE : sqlite_guard_fail(run->runner, code, run->statement, err);
}

static mseq_status skip_offset(sqlite_cursor *cursor, mseq_error *err) {
    mseq_status status = step(cursor, err);
    for (int64_t i = 0; status == MSEQ_OK && cursor->waiting && i < cursor->run.statement->offset;
         i++)
        status = step(cursor, err);
    return status;
}

/* Up to the first row that is wanted. */
static mseq_status start_once(sqlite_cursor *cursor, mseq_error *err) {
    sqlite_governed *run = &cursor->run;
    mseq_status status = sqlite_governed_obtain(run, err);
    if (status != MSEQ_OK)
        return status;
    if (run->statement->with_origins)
        status = sqlite_governed_origins(run, err);
    if (status == MSEQ_OK)
        status = sqlite_bind(run->runner, run->prepared->stmt, run->statement->parameters, err);
    if (status == MSEQ_OK) {
        sqlite_guard_enter(run->runner->guard, LITE_PHASE_STEP, run->statement, run->operation);
        status = skip_offset(cursor, err);
    }
    if (status == MSEQ_OK)
        return MSEQ_OK;
    sqlite_guard_leave(run->runner->guard);
    if (run->again)
        sqlite_cache_drop(run->runner, run->prepared);
    sqlite_release(run->prepared);
    return status;
}

/* Once there is a row, the transaction keeps the schema as it is. */
static mseq_status start(sqlite_cursor *cursor, mseq_error *err) {
    for (int attempt = 0; attempt < LITE_SCHEMA_ATTEMPTS; attempt++) {
        cursor->run.again = false;
        mseq_status status = start_once(cursor, err);
        if (!cursor->run.again)
            return status;
    }
    return sqlite_schema_moved(err);
}

mseq_status sqlite_cursor_open(sqlite_session *session, const mseq_governed_statement *statement,
                               void **opened, mseq_value **origins, mseq_error *err) {
    sqlite_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return mseq_error_no_memory(err);
    mseq_status status = sqlite_governed_start(&cursor->run, session, statement, err);
    if (status == MSEQ_OK && cursor->run.operation != LITE_SELECT)
        status = governed_no_cursor(statement, err);
    if (status == MSEQ_OK)
        status = start(cursor, err);
    if (status != MSEQ_OK) {
        sqlite_governed_stop(&cursor->run);
        mseq_value_free(cursor->run.origins);
        free(cursor);
        return status;
    }
    pause_clock(cursor);
    *origins = cursor->run.origins;
    *opened = cursor;
    return MSEQ_OK;
}

mseq_status sqlite_cursor_next(void *given, mseq_row **row, mseq_error *err) {
    sqlite_cursor *cursor = given;
    mseq_status status = MSEQ_OK;
    if (!cursor->waiting && !cursor->done) {
        resume_clock(cursor);
        status = step(cursor, err);
        pause_clock(cursor);
    }
    if (status != MSEQ_OK)
        return status;
    if (!cursor->waiting) {
        *row = NULL;
        return MSEQ_OK;
    }
    cursor->waiting = false;
    status = sqlite_row(cursor->run.prepared, err);
    if (status == MSEQ_OK)
        *row = &cursor->run.prepared->row;
    return status;
}

void sqlite_cursor_close(void *given) {
    sqlite_cursor *cursor = given;
    sqlite_guard_leave(cursor->run.runner->guard);
    mseq_row_clear(&cursor->run.prepared->row);
    sqlite_release(cursor->run.prepared);
    sqlite_governed_stop(&cursor->run);
    free(cursor);
}
