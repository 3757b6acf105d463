/* SPDX-License-Identifier: MIT
 * Running statements and scripts. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

/* ---- Column names ----------------------------------------------------------------------------
 */

static mseq_status read_columns(sqlite_statement *statement, mseq_error *err) {
    size_t count = (size_t)sqlite3_column_count(statement->stmt);
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        names[i] = sqlite3_column_name(statement->stmt, (int)i); /* NULL without memory */
    mseq_status status = database_row_columns(&statement->row, names, count, err);
    free((void *)names);
    return status;
}

/* SQLite prepares anew when the schema changed, which may change the columns. */
mseq_status sqlite_columns(sqlite_statement *statement, mseq_error *err) {
    int prepared = sqlite3_stmt_status(statement->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
    if (statement->row.form && prepared == statement->prepared)
        return MSEQ_OK;
    mseq_status status = read_columns(statement, err);
    if (status == MSEQ_OK)
        statement->prepared = prepared;
    return status;
}

/* ---- Preparing -------------------------------------------------------------------------------
 */

/* Statements after which settings of the connection may be others than the next user expects. */
static bool changes_settings(const char *sql, const char *end) {
    sqlite_token first = sqlite_next_token(&sql, end);
    if (sqlite_token_is(&first, "PRAGMA") || sqlite_token_is(&first, "ATTACH"))
        return true;
    sqlite_token second = sqlite_next_token(&sql, end);
    return sqlite_token_is(&first, "CREATE") &&
           (sqlite_token_is(&second, "TEMP") || sqlite_token_is(&second, "TEMPORARY"));
}

/* The caller finalizes *stmt, also after a failure. */
static mseq_status prepare_one(sqlite_handle *handle, const char *sql, size_t length,
                               sqlite3_stmt **stmt, mseq_error *err) {
    const char *tail;
    if (length > INT_MAX - 1)
        return mseq_error_set(err, MSEQ_E_LIMIT, "the statement is too long");
    /* the NUL is counted, which spares SQLite a copy */
    int code = sqlite3_prepare_v3(handle->db, sql, (int)length + 1, SQLITE_PREPARE_PERSISTENT, stmt,
                                  &tail);
    if (code != SQLITE_OK)
        return sqlite_fail(handle, code, sql, err);
    if (!*stmt)
        return mseq_error_set(err, MSEQ_E_STATEMENT, "there is no statement in the text");
    if (sqlite_only_blank(tail, sql + length))
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_STATEMENT, "the text holds more than one statement");
    mseq_error_code(err, "multiple_statements");
    return MSEQ_E_STATEMENT;
}

static mseq_status acquire(sqlite_handle *handle, const char *sql, sqlite_statement **statement,
                           mseq_error *err) {
    size_t length = strlen(sql);
    uint64_t hash = sqlite_cache_hash(sql, length, NULL);
    sqlite_statement *found = sqlite_cache_find(handle, sql, length, hash, NULL);
    if (!found) {
        found = sqlite_statement_new(sql, length, hash, NULL);
        if (!found) {
            mseq_error_no_memory(err);
            return MSEQ_E_NO_MEMORY;
        }
        mseq_status status = prepare_one(handle, sql, length, &found->stmt, err);
        if (status != MSEQ_OK) {
            sqlite_statement_free(found);
            return status;
        }
        handle->dirty = handle->dirty || changes_settings(sql, sql + length);
        sqlite_cache_keep(handle, found);
    }
    sqlite_cache_use(handle, found);
    *statement = found;
    return MSEQ_OK;
}

/* ---- Running ---------------------------------------------------------------------------------
 */

static mseq_status step_all(sqlite_handle *handle, sqlite_statement *statement, const char *sql,
                            const database_sink *sink, mseq_error *err) {
    for (;;) {
        int code = sqlite3_step(statement->stmt);
        if (code == SQLITE_DONE)
            return MSEQ_OK;
        if (code != SQLITE_ROW)
            return sqlite_fail(handle, code, sql, err);
        if (!sink->take)
            continue;
        mseq_value *row;
        mseq_status status = sqlite_row_object(statement, &row, err);
        if (status == MSEQ_OK)
            status = sink->take(sink->data, row, err);
        if (status != MSEQ_OK)
            return status;
    }
}

mseq_status sqlite_run(sqlite_handle *handle, const char *sql, const mseq_value *parameters,
                       const database_sink *sink, int64_t *affected, mseq_error *err) {
    sqlite_statement *statement = NULL;
    mseq_status status = acquire(handle, sql, &statement, err);
    if (status != MSEQ_OK)
        return status;
    /* sqlite3_changes keeps the count of the last INSERT, UPDATE or DELETE, whatever runs since */
    int64_t before = sqlite3_total_changes64(handle->db);
    status = sqlite_bind(handle, statement->stmt, parameters, err);
    if (status == MSEQ_OK)
        status = step_all(handle, statement, sql, sink, err);
    if (status == MSEQ_OK)
        *affected =
            sqlite3_total_changes64(handle->db) == before ? 0 : sqlite3_changes64(handle->db);
    sqlite_release(statement);
    return status;
}

/* One statement of a script; *rest gets what follows it. */
static mseq_status script_step(sqlite_handle *handle, const char *sql, const char *end,
                               const char **rest, bool *empty, mseq_error *err) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle->db, sql, (int)(end - sql) + 1, &stmt, rest);
    if (code != SQLITE_OK)
        return sqlite_fail(handle, code, NULL, err);
    *empty = !stmt;
    if (!stmt)
        return MSEQ_OK;
    mseq_status status = MSEQ_OK;
    handle->dirty = handle->dirty || changes_settings(sql, end);
    if (sqlite3_bind_parameter_count(stmt) > 0)
        status = mseq_error_set(err, MSEQ_E_STATEMENT, "a script has no parameters to bind");
    while (status == MSEQ_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        ;
    if (status == MSEQ_OK && code != SQLITE_DONE)
        status = sqlite_fail(handle, code, NULL, err);
    sqlite3_finalize(stmt);
    return status;
}

mseq_status sqlite_script(sqlite_handle *handle, const char *sql, mseq_error *err) {
    const char *end = sql + strlen(sql), *rest = sql;
    if ((size_t)(end - sql) > INT_MAX - 1)
        return mseq_error_set(err, MSEQ_E_LIMIT, "the script is too long");
    for (unsigned number = 1; !sqlite_only_blank(rest, end); number++) {
        const char *start = sqlite_skip_blank(rest, end), *next = end;
        bool empty = false;
        mseq_status status = script_step(handle, start, end, &next, &empty, err);
        if (status != MSEQ_OK) {
            mseq_error_prefix(err, "statement %u of the script: ", number);
            mseq_error_detail(err, "%.*s", (int)(next - start < 400 ? next - start : 400), start);
            return status;
        }
        if (empty)
            number--;
        rest = next;
    }
    return MSEQ_OK;
}
