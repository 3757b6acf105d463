/* SPDX-License-Identifier: MIT
 * Running a governed statement: verdict and prepared statement from the cache or new, then rows up
 * to the limits. */
#include <stdlib.h>
#include <string.h>

#include "governed.h"
#include "sqlite_governed.h"

/* ---- Handles ---------------------------------------------------------------------------------
 */

static mseq_status governed_handle(sqlite_session *session, sqlite_handle **handle, bool judge,
                                   bool query_only, mseq_error *err) {
    if (*handle && (*handle)->serious) { /* of no use any more */
        sqlite_handle_close(*handle);
        *handle = NULL;
    }
    if (*handle)
        return MSEQ_OK;
    sqlite_handle *opened = NULL;
    mseq_status status = sqlite_handle_open(session->target, &opened, err);
    if (status != MSEQ_OK)
        return status;
    status = sqlite_guard_install(opened, judge, query_only, err);
    if (status != MSEQ_OK) {
        sqlite_handle_close(opened);
        return status;
    }
    *handle = opened;
    return MSEQ_OK;
}

static void arm(const sqlite_governed *run, sqlite_handle *handle) {
    handle->stop = LITE_STOP_NONE;
    handle->deadline = run->deadline;
    handle->cancellation = run->statement->cancellation;
}

static void disarm(sqlite_handle *handle) {
    handle->stop = LITE_STOP_NONE;
    handle->deadline = 0;
    handle->cancellation = NULL;
}

/* ---- The prepared statement ------------------------------------------------------------------
 */

mseq_status sqlite_schema_moved(mseq_error *err) {
    mseq_error_set(err, MSEQ_E_DATABASE_LOCKED,
                   "the schema of the database keeps changing; the statement was not run");
    mseq_error_hint(err, "wait until the migration that runs has ended, and try again");
    return MSEQ_E_DATABASE_LOCKED;
}

/* Prepares on the runner under the schema of that version. *moved: it is another one now. */
static mseq_status prepare_runner(sqlite_governed *run, sqlite_statement *made, int64_t version,
                                  bool *moved, mseq_error *err) {
    sqlite_handle *runner = run->runner;
    int64_t current;
    mseq_status status = sqlite_schema_enter(runner, &current, err);
    if (status != MSEQ_OK)
        return status;
    *moved = current != version;
    if (!*moved) {
        sqlite_guard_enter(runner->guard, LITE_PHASE_PREPARE, run->statement, run->operation);
        int code = sqlite3_prepare_v3(runner->db, made->key, (int)made->key_length + 1,
                                      SQLITE_PREPARE_PERSISTENT, &made->stmt, NULL);
        runner->guard->phase = LITE_PHASE_INTERNAL;
        if (code != SQLITE_OK)
            status = sqlite_guard_fail(runner, code, run->statement, err);
        sqlite_guard_leave(runner->guard);
    }
    return sqlite_schema_leave(runner, status, err);
}

typedef struct preparation {
    sqlite_governed *run;
    sqlite_statement *made;
} preparation;

static mseq_status judge_and_prepare(void *data, mseq_error *err) {
    const preparation *of = data;
    sqlite_governed *run = of->run;
    sqlite_statement *made = of->made;
    mseq_status status = sqlite_check_kind(made->key, made->key_length, run->operation, err);
    bool moved = true;
    for (int attempt = 0; status == MSEQ_OK && moved; attempt++) {
        int64_t version = 0;
        if (attempt == LITE_SCHEMA_ATTEMPTS)
            return sqlite_schema_moved(err);
        status = sqlite_judge(run->judge, made->key, made->key_length, run->statement,
                              run->operation, &version, err);
        if (status == MSEQ_OK)
            status = prepare_runner(run, made, version, &moved, err);
    }
    return status;
}

/* SQLite calls itself for each level of an expression, 1,000 at most, and needs half a kilobyte for
 * each. A short text cannot hold many; for others the caller's stack may be too small. Stepping
 * does not recurse: a statement that SQLite would prepare again meanwhile is refused before that.
 */
static mseq_status prepare(sqlite_governed *run, sqlite_statement *made, mseq_error *err) {
    enum { SHORT = 200, STACK_SIZE = 8 * 1024 * 1024 };
    preparation of = {run, made};
    return made->key_length <= SHORT ? judge_and_prepare(&of, err)
                                     : mseq_on_stack(STACK_SIZE, judge_and_prepare, &of, err);
}

mseq_status sqlite_governed_obtain(sqlite_governed *run, mseq_error *err) {
    uint64_t hash =
        sqlite_cache_hash(run->statement->sql, run->statement->sql_length, run->statement);
    run->prepared = sqlite_cache_find(run->runner, run->statement->sql, run->statement->sql_length,
                                      hash, run->statement);
    if (!run->prepared) {
        sqlite_statement *made = sqlite_statement_new(
            run->statement->sql, run->statement->sql_length, hash, run->statement);
        if (!made)
            return mseq_error_no_memory(err);
        mseq_status status = prepare(run, made, err);
        if (status != MSEQ_OK) {
            sqlite_statement_free(made);
            return status;
        }
        sqlite_cache_keep(run->runner, made);
        run->prepared = made;
    }
    sqlite_cache_use(run->runner, run->prepared);
    return MSEQ_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------
 */

static mseq_status take_row(sqlite_governed *run, mseq_error *err) {
    mseq_value *row = NULL;
    mseq_status status = sqlite_row_object(run->prepared, &row, err);
    return status == MSEQ_OK ? governed_keep_row(run->statement, run->rows, row, &run->bytes, err)
                             : status;
}

/* Steps to the end, or for a select to the row behind the last that is wanted. */
static mseq_status step_rows(sqlite_governed *run, mseq_error *err) {
    bool select = run->operation == LITE_SELECT;
    int64_t offset = select ? run->statement->offset : 0;
    int64_t wanted = run->statement->max_rows;
    for (;;) {
        int code = sqlite3_step(run->prepared->stmt);
        if (code == SQLITE_DONE)
            return MSEQ_OK;
        if (code != SQLITE_ROW) {
            run->again = run->runner->guard->prepared_anew;
            return run->again ? MSEQ_E_DATABASE
                              : sqlite_guard_fail(run->runner, code, run->statement, err);
        }
        run->row_count++;
        if (run->row_count <= offset)
            continue;
        if (run->row_count - offset > wanted) {
            run->has_more = true;
            if (select)
                return MSEQ_OK;
            continue; /* count them for the message */
        }
        mseq_status status = take_row(run, err);
        if (status != MSEQ_OK)
            return status;
    }
}

static mseq_status run_prepared(sqlite_governed *run, mseq_error *err) {
    sqlite_handle *runner = run->runner;
    int64_t before = sqlite3_total_changes64(runner->db);
    mseq_status status = sqlite_bind(runner, run->prepared->stmt, run->statement->parameters, err);
    if (status != MSEQ_OK)
        return status;
    sqlite_guard_enter(runner->guard, LITE_PHASE_STEP, run->statement, run->operation);
    status = step_rows(run, err);
    sqlite_guard_leave(runner->guard);
    if (status == MSEQ_OK && sqlite3_total_changes64(runner->db) != before)
        run->affected = sqlite3_changes64(runner->db);
    return status;
}

/* ---- Writing ---------------------------------------------------------------------------------
 */

static mseq_status run_plain(sqlite_handle *handle, const char *sql, mseq_error *err) {
    database_sink nothing = {NULL, NULL};
    int64_t affected;
    return sqlite_run(handle, sql, NULL, &nothing, &affected, err);
}

/* RETURNING: the first step has done the whole change, so that only a transaction around it can
 * take it back when its rows are too many, or when the caller says no. */
static mseq_status run_transaction(sqlite_governed *run, mseq_error *err) {
    sqlite_handle *writer = run->runner;
    mseq_status status = run_plain(writer, "BEGIN IMMEDIATE", err);
    if (status != MSEQ_OK)
        return status;
    status = run_prepared(run, err);
    if (status == MSEQ_OK && run->has_more)
        status = governed_too_many_rows(run->statement, run->row_count, err);
    sqlite3_reset(run->prepared->stmt);
    if (status == MSEQ_OK)
        status = governed_confirm(run->statement, err);
    if (status == MSEQ_OK)
        status = run_plain(writer, "COMMIT", err);
    if (status != MSEQ_OK && !sqlite3_get_autocommit(writer->db)) {
        writer->stop = LITE_STOP_NONE;
        if (run_plain(writer, "ROLLBACK", NULL) != MSEQ_OK)
            writer->serious = true;
    }
    return status;
}

mseq_status sqlite_governed_origins(sqlite_governed *run, mseq_error *err) {
    sqlite3_stmt *stmt = run->prepared->stmt;
    mseq_value_free(run->origins);
    run->origins = mseq_value_array();
    bool whole = run->origins != NULL;
    for (int i = 0; whole && i < sqlite3_column_count(stmt); i++) {
        const char *table = sqlite3_column_table_name(stmt, i);
        const char *column = table ? sqlite3_column_origin_name(stmt, i) : NULL;
        whole = mseq_array_add(run->origins, mseq_value_string(table)) == MSEQ_OK &&
                mseq_array_add(run->origins, mseq_value_string(column)) == MSEQ_OK;
    }
    return whole ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Without rows to return, and for a select, SQLite's own transaction of the one statement will do.
 */
static mseq_status run_once(sqlite_governed *run, mseq_error *err) {
    mseq_status status = sqlite_governed_obtain(run, err);
    if (status != MSEQ_OK)
        return status;
    run->has_rows = sqlite3_column_count(run->prepared->stmt) > 0;
    bool write = run->operation != LITE_SELECT;
    status =
        run->has_rows && run->statement->with_origins ? sqlite_governed_origins(run, err) : MSEQ_OK;
    if (status == MSEQ_OK)
        status = write && (run->has_rows || run->statement->confirm) ? run_transaction(run, err)
                                                                     : run_prepared(run, err);
    if (status == MSEQ_OK && !write)
        status = governed_confirm(run->statement, err);
    if (run->again)
        sqlite_cache_drop(run->runner, run->prepared);
    sqlite_release(run->prepared);
    return status;
}

static mseq_status run_until_stable(sqlite_governed *run, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (int attempt = 0; attempt < LITE_SCHEMA_ATTEMPTS; attempt++) {
        run->again = false;
        status = run_once(run, err);
        if (!run->again)
            return status;
    }
    return sqlite_schema_moved(err);
}

mseq_status sqlite_governed_start(sqlite_governed *run, sqlite_session *session,
                                  const mseq_governed_statement *statement, mseq_error *err) {
    *run = (sqlite_governed){.statement = statement};
    mseq_status status = governed_check_arguments(statement, err);
    if (status == MSEQ_OK && !sqlite_operation_from_name(statement->operation, &run->operation))
        status = mseq_error_set(err, MSEQ_E_ARGUMENT, "unknown operation '%s'",
                                statement->operation ? statement->operation : "");
    if (status != MSEQ_OK)
        return status;
    bool select = run->operation == LITE_SELECT;
    sqlite_handle **runner = select ? &session->reader : &session->writer;
    status = governed_handle(session, &session->judge, true, true, err);
    if (status == MSEQ_OK)
        status = governed_handle(session, runner, false, select, err);
    if (status != MSEQ_OK)
        return status;
    run->judge = session->judge;
    run->runner = *runner;
    run->deadline = statement->timeout_ms > 0 ? mseq_monotonic_ms() + statement->timeout_ms : 0;
    arm(run, run->judge);
    arm(run, run->runner);
    return MSEQ_OK;
}

void sqlite_governed_stop(sqlite_governed *run) {
    if (!run->runner)
        return;
    disarm(run->judge);
    disarm(run->runner);
}

mseq_status sqlite_run_governed(sqlite_session *session, const mseq_governed_statement *statement,
                                mseq_governed_result *result, mseq_error *err) {
    sqlite_governed run;
    mseq_status status = sqlite_governed_start(&run, session, statement, err);
    if (status == MSEQ_OK && !(run.rows = mseq_value_array()))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = run_until_stable(&run, err);
    sqlite_governed_stop(&run);
    if (status != MSEQ_OK) {
        mseq_value_free(run.rows);
        mseq_value_free(run.origins);
        return status;
    }
    *result = (mseq_governed_result){.rows = run.rows,
                                     .origins = run.origins,
                                     .has_more = run.has_more,
                                     .has_rows = run.has_rows,
                                     .affected = run.affected};
    return MSEQ_OK;
}
