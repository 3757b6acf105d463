/* SPDX-License-Identifier: MIT
 * The authorizer, and what else keeps a connection safe from the text it is given
 * (https://sqlite.org/security.html). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_governed.h"

/* Functions an author may call: those that compute from their arguments, dates, aggregates and
 * windows. Not here: what reads or writes files, loads code, tells of the connection, or sleeps. */
static const char *const functions[] = {
    "->",
    "->>",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "random",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "soundex",
    "sqrt",
    "strftime",
    "substr",
    "substring",
    "sum",
    "tan",
    "tanh",
    "time",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
};

static bool function_allowed(const char *name) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (sqlite3_stricmp(functions[i], name) == 0)
            return true;
    return false;
}

static const char *action_name(int action) {
    switch (action) {
    case SQLITE_PRAGMA:
        return "PRAGMA";
    case SQLITE_ATTACH:
        return "ATTACH or VACUUM INTO";
    case SQLITE_DETACH:
        return "DETACH";
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return "transaction control";
    case SQLITE_ALTER_TABLE:
        return "ALTER TABLE";
    case SQLITE_REINDEX:
        return "REINDEX";
    case SQLITE_ANALYZE:
        return "ANALYZE";
    default:
        return "changing the schema";
    }
}

MSEQ_PRINTF(3, 4)
static int deny(sqlite_guard *guard, const char *code, const char *format, ...) {
    if (guard->code) /* the first refusal counts */
        return SQLITE_DENY;
    guard->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(guard->message, sizeof guard->message, format, arguments);
    va_end(arguments);
    return SQLITE_DENY;
}

const mseq_governed_table *sqlite_in_scope(const mseq_governed_statement *statement,
                                           const char *name) {
    for (size_t i = 0; i < statement->table_count; i++)
        if (sqlite3_stricmp(statement->tables[i].name, name) == 0)
            return &statement->tables[i];
    return NULL;
}

static bool is_internal(const char *table) {
    return sqlite3_strnicmp(table, "sqlite_", 7) == 0;
}

static int out_of_scope(sqlite_guard *guard, const char *table) {
    return deny(guard, "scope_violation", "table '%s' is not in the scope of the statement", table);
}

static int judge_read(sqlite_guard *guard, const char *table, const char *column,
                      const char *schema) {
    bool main = !schema || strcmp(schema, "main") == 0;
    if (main && !is_internal(table) && sqlite_in_scope(guard->statement, table))
        return SQLITE_OK;
    bool json =
        sqlite3_stricmp(table, "json_each") == 0 || sqlite3_stricmp(table, "json_tree") == 0;
    /* without a schema and a column it may be a CTE of the statement, of which nothing is used */
    bool unclear = json || (!schema && !*column);
    if (!unclear || is_internal(table) || sqlite3_strnicmp(table, "pragma_", 7) == 0)
        return out_of_scope(guard, table);
    if (mseq_strings_add(&guard->unclear, table) != MSEQ_OK) {
        guard->no_memory = true;
        return SQLITE_DENY;
    }
    return SQLITE_OK;
}

static bool action_fits(lite_operation operation, int action) {
    switch (operation) {
    case LITE_INSERT:
        return action == SQLITE_INSERT;
    case LITE_UPSERT:
        return action == SQLITE_INSERT || action == SQLITE_UPDATE;
    case LITE_UPDATE:
        return action == SQLITE_UPDATE;
    case LITE_DELETE:
        return action == SQLITE_DELETE;
    default:
        return false;
    }
}

static int judge_write(sqlite_guard *guard, int action, const char *table, const char *schema) {
    const mseq_governed_table *found = is_internal(table) || (schema && strcmp(schema, "main") != 0)
                                           ? NULL
                                           : sqlite_in_scope(guard->statement, table);
    if (!found)
        return out_of_scope(guard, table);
    if (found->access != MSEQ_ACCESS_WRITE)
        return deny(guard, "write_not_permitted",
                    "table '%s' is in the scope of the statement for reading only", table);
    if (!action_fits(guard->operation, action))
        return deny(guard, "kind_mismatch",
                    "the statement changes table '%s' in another way than "
                    "its operation says",
                    table);
    guard->wrote = true;
    return SQLITE_OK;
}

static int authorize(void *data, int action, const char *first, const char *second,
                     const char *schema, const char *accessor) {
    sqlite_guard *guard = data;
    (void)accessor; /* may be any name the author likes: it proves nothing */
    if (guard->phase == LITE_PHASE_INTERNAL)
        return SQLITE_OK;
    if (guard->phase == LITE_PHASE_STEP) {
        guard->prepared_anew = true;
        return SQLITE_DENY;
    }
    bool judge = guard->phase == LITE_PHASE_JUDGE;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return second && function_allowed(second)
                   ? SQLITE_OK
                   : deny(guard, "function_not_allowed", "function '%s' is not allowed",
                          second ? second : "");
    case SQLITE_READ:
        return judge ? judge_read(guard, first ? first : "", second ? second : "", schema)
                     : SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        if (judge)
            return judge_write(guard, action, first ? first : "", schema);
        if (guard->operation != LITE_SELECT && first && !is_internal(first))
            return SQLITE_OK;
        return out_of_scope(guard, first ? first : "");
    default:
        return deny(guard, "statement_not_allowed", "%s is not allowed in a governed statement",
                    action_name(action));
    }
}

/* ---- Handles ---------------------------------------------------------------------------------
 */

static void set_limits(sqlite3 *db) {
    static const struct {
        int what, most;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024}, /* bytes of a text, a BLOB, a row */
        {SQLITE_LIMIT_SQL_LENGTH, 4 * 1024 * 1024},
        {SQLITE_LIMIT_EXPR_DEPTH, 1000},
        {SQLITE_LIMIT_COMPOUND_SELECT, 200}, /* rows of VALUES do not count */
        {SQLITE_LIMIT_VDBE_OP, 5000000},
        {SQLITE_LIMIT_FUNCTION_ARG, 100},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 100},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db, limits[i].what, limits[i].most);
}

mseq_status sqlite_guard_install(sqlite_handle *handle, bool judge, bool query_only,
                                 mseq_error *err) {
    handle->guard = calloc(1, sizeof *handle->guard);
    if (!handle->guard)
        return mseq_error_no_memory(err);
    /* their first use declares them in the schema, which the authorizer would hear as a write */
    int code = sqlite3_exec(handle->db, "SELECT 1 FROM json_each('[]'), json_tree('[]')", NULL,
                            NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle->db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
    if (code == SQLITE_OK && query_only)
        code = sqlite3_exec(handle->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return sqlite_fail(handle, code, NULL, err);
    sqlite3_db_config(handle->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (judge) {
        sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
        sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    }
    set_limits(handle->db);
    sqlite3_progress_handler(handle->db, 1000, sqlite_progress, handle);
    sqlite3_set_authorizer(handle->db, authorize, handle->guard);
    return MSEQ_OK;
}

void sqlite_guard_free(sqlite_handle *handle) {
    if (handle->guard)
        mseq_strings_free(&handle->guard->unclear);
    free(handle->guard);
}

void sqlite_guard_enter(sqlite_guard *guard, lite_phase phase,
                        const mseq_governed_statement *statement, lite_operation operation) {
    guard->phase = phase;
    guard->statement = statement;
    guard->operation = operation;
    guard->wrote = guard->prepared_anew = guard->no_memory = false;
    guard->code = NULL;
    mseq_strings_free(&guard->unclear);
}

void sqlite_guard_leave(sqlite_guard *guard) {
    guard->phase = LITE_PHASE_INTERNAL;
    guard->statement = NULL;
}

/* ---- Errors ----------------------------------------------------------------------------------
 */

mseq_status sqlite_guard_error(const sqlite_guard *guard, mseq_error *err) {
    if (guard->no_memory)
        return mseq_error_no_memory(err);
    mseq_error_set(err, MSEQ_E_STATEMENT, "%s", guard->message);
    mseq_error_code(err, guard->code);
    if (strcmp(guard->code, "scope_violation") == 0)
        mseq_error_hint(err, "list every table of the statement in scope_tables");
    return MSEQ_E_STATEMENT;
}

/* A table that is not there is not in the scope either: the answer does not tell which. A view is
 * not expanded by the judge. */
static bool scope_error(const char *message, const mseq_governed_statement *statement,
                        mseq_error *err) {
    static const char missing[] = "no such table: ", view[] = "access to view \"";
    const char *name = NULL;
    size_t length = 0;
    if (strncmp(message, missing, sizeof missing - 1) == 0) {
        name = message + sizeof missing - 1;
        if (strncmp(name, "main.", 5) == 0)
            name += 5;
        if (sqlite_in_scope(statement, name))
            return false;
        length = strlen(name);
    } else if (strncmp(message, view, sizeof view - 1) == 0) {
        name = message + sizeof view - 1;
        length = strcspn(name, "\"");
    }
    if (!name)
        return false;
    mseq_error_set(err, MSEQ_E_STATEMENT, "table '%.*s' is not in the scope of the statement",
                   (int)(length < 200 ? length : 200), name);
    mseq_error_hint(err, "list every table of the statement in scope_tables; views cannot be used");
    mseq_error_code(err, "scope_violation");
    return true;
}

mseq_status sqlite_guard_fail(sqlite_handle *handle, int code,
                              const mseq_governed_statement *statement, mseq_error *err) {
    const sqlite_guard *guard = handle->guard;
    if (guard->code || guard->no_memory)
        return sqlite_guard_error(guard, err);
    int primary = code & 0xFF;
    if (handle->stop != LITE_STOP_NONE || (primary != SQLITE_ERROR && primary != SQLITE_TOOBIG &&
                                           primary != SQLITE_MISMATCH && primary != SQLITE_RANGE))
        return sqlite_fail(handle, code, NULL, err);
    const char *message = sqlite3_errmsg(handle->db);
    if (scope_error(message, statement, err))
        return MSEQ_E_STATEMENT;
    int offset = sqlite3_error_offset(handle->db);
    mseq_error_set(err, MSEQ_E_STATEMENT, "%s", message);
    mseq_error_code(err, "invalid_statement");
    if (offset >= 0)
        mseq_error_detail(err, "at byte %d of the statement", offset + 1);
    return MSEQ_E_STATEMENT;
}
