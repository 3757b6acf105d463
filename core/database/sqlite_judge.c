/* SPDX-License-Identifier: MIT
 * The judge: whether a text may run under a scope. */
#include <string.h>

#include "sqlite_governed.h"

static mseq_status keep_version(void *version, mseq_value *row, mseq_error *err) {
    (void)err;
    *(int64_t *)version = mseq_object_get_integer(row, "schema_version", 0);
    mseq_value_free(row);
    return MSEQ_OK;
}

mseq_status sqlite_schema_enter(sqlite_handle *handle, int64_t *version, mseq_error *err) {
    database_sink nothing = {NULL, NULL}, keep = {keep_version, version};
    int64_t affected;
    mseq_status status = sqlite_run(handle, "BEGIN", NULL, &nothing, &affected, err);
    if (status != MSEQ_OK)
        return status;
    /* a statement that runs makes SQLite compare its idea of the schema with the file's */
    status =
        sqlite_run(handle, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, &nothing, &affected, err);
    if (status == MSEQ_OK)
        status = sqlite_run(handle, "PRAGMA schema_version", NULL, &keep, &affected, err);
    return status == MSEQ_OK ? status : sqlite_schema_leave(handle, status, err);
}

mseq_status sqlite_schema_leave(sqlite_handle *handle, mseq_status status, mseq_error *err) {
    database_sink nothing = {NULL, NULL};
    int64_t affected;
    mseq_status left = sqlite_run(handle, "ROLLBACK", NULL, &nothing, &affected, err);
    if (left != MSEQ_OK) /* it still holds its lock */
        handle->serious = true;
    return status != MSEQ_OK ? status : left;
}

/* Names that the authorizer heard without schema and column are CTEs unless something in the
 * database has the name: then a statement could read it, and is refused. (A CTE of such a name, of
 * which no column is used, is refused too; that is harmless.) */
static mseq_status check_unclear(sqlite_handle *judge, mseq_error *err) {
    const sqlite_guard *guard = judge->guard;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < guard->unclear.count; i++) {
        const char *name = guard->unclear.items[i];
        bool json =
            sqlite3_stricmp(name, "json_each") == 0 || sqlite3_stricmp(name, "json_tree") == 0;
        mseq_value *rows = NULL;
        status = sqlite_query(judge,
                              json ? "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE"
                                   : "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE "
                                     "UNION ALL SELECT 1 FROM pragma_module_list WHERE name = ?1 "
                                     "COLLATE NOCASE",
                              name, NULL, &rows, err);
        if (status == MSEQ_OK && mseq_value_length(rows)) {
            status = mseq_error_set(err, MSEQ_E_STATEMENT,
                                    "table '%s' is not in the scope of the statement", name);
            mseq_error_hint(err, "list every table of the statement in scope_tables");
            mseq_error_code(err, "scope_violation");
        }
        mseq_value_free(rows);
    }
    return status;
}

/* What can be asked of a prepared statement. */
static mseq_status check_prepared(sqlite3_stmt *stmt, const sqlite_guard *guard, const char *tail,
                                  const char *end, mseq_error *err) {
    const char *code = NULL, *message = NULL;
    bool select = guard->operation == LITE_SELECT;
    if (!stmt) {
        code = "kind_mismatch";
        message = "there is no statement in the text";
    } else if (!sqlite_only_blank(tail, end)) {
        code = "multiple_statements";
        message = "the text holds more than one statement";
    } else if (sqlite3_stmt_isexplain(stmt)) {
        code = "statement_not_allowed";
        message = "EXPLAIN is not allowed in a governed statement";
    } else if ((select && !sqlite3_stmt_readonly(stmt)) || (!select && !guard->wrote)) {
        code = "kind_mismatch";
        message = select ? "the operation is 'select', the statement changes the database"
                         : "the statement does not change a table in the way of its operation";
    }
    if (!code)
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_STATEMENT, "%s", message);
    mseq_error_code(err, code);
    return MSEQ_E_STATEMENT;
}

mseq_status sqlite_judge(sqlite_handle *judge, const char *sql, size_t length,
                         const mseq_governed_statement *statement, lite_operation operation,
                         int64_t *version, mseq_error *err) {
    mseq_status status = sqlite_schema_enter(judge, version, err);
    if (status != MSEQ_OK)
        return status;
    sqlite3_stmt *stmt = NULL;
    const char *tail = sql;
    sqlite_guard_enter(judge->guard, LITE_PHASE_JUDGE, statement, operation);
    int code = sqlite3_prepare_v2(judge->db, sql, (int)length + 1, &stmt, &tail);
    judge->guard->phase = LITE_PHASE_INTERNAL;
    if (code != SQLITE_OK || judge->guard->code)
        status = sqlite_guard_fail(judge, code, statement, err);
    else
        status = check_prepared(stmt, judge->guard, tail, sql + length, err);
    sqlite3_finalize(stmt);
    if (status == MSEQ_OK)
        status = check_unclear(judge, err);
    sqlite_guard_leave(judge->guard);
    return sqlite_schema_leave(judge, status, err);
}
