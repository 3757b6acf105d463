/* SPDX-License-Identifier: MIT
 * Prepared statements: a small cache per handle (least recently used goes first), running them, and
 * scripts. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

/* Eight bytes a step (the mixing of splitmix64). It only preselects; keys are compared whole. */
static uint64_t hash_key(const char *key, size_t length) {
    uint64_t hash = length, word;
    while (length) {
        size_t size = length < sizeof word ? length : sizeof word;
        word = 0;
        memcpy(&word, key, size);
        hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
        hash ^= hash >> 31;
        key += size;
        length -= size;
    }
    return hash;
}

static void free_columns(sqlite_statement *statement) {
    for (size_t i = 0; i < statement->column_count; i++)
        free(statement->columns[i]);
    free(statement->columns);
    statement->columns = NULL;
    statement->column_count = 0;
}

static void free_statement(sqlite_statement *statement) {
    sqlite3_finalize(statement->stmt);
    free_columns(statement);
    free(statement->key);
    free(statement);
}

void sqlite_cache_clear(sqlite_handle *handle) {
    for (size_t i = 0; i < handle->cache_count; i++)
        free_statement(handle->cache[i]);
    handle->cache_count = 0;
}

/* ---- Column names ----------------------------------------------------------------------------
 */

static bool name_taken(const sqlite_statement *statement, const char *name) {
    for (size_t i = 0; i < statement->column_count; i++)
        if (strcmp(statement->columns[i], name) == 0)
            return true;
    return false;
}

/* A row is an object, so a second column of one name gets "_1" (then "_2", …) behind it. */
static char *unique_name(const sqlite_statement *statement, const char *name) {
    if (!name_taken(statement, name))
        return strdup(name);
    for (unsigned suffix = 1;; suffix++) {
        char *candidate = mseq_text_format("%s_%u", name, suffix);
        if (!candidate || !name_taken(statement, candidate))
            return candidate;
        free(candidate);
    }
}

/* SQLite prepares anew when the schema changed, which may change the columns. */
static mseq_status take_columns(sqlite_statement *statement, mseq_error *err) {
    int prepared = sqlite3_stmt_status(statement->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
    if (statement->columns && prepared == statement->prepared)
        return MSEQ_OK;
    free_columns(statement);
    size_t count = (size_t)sqlite3_column_count(statement->stmt);
    statement->columns = calloc(count ? count : 1, sizeof *statement->columns);
    if (!statement->columns)
        return mseq_error_no_memory(err);
    while (statement->column_count < count) {
        const char *name = sqlite3_column_name(statement->stmt, (int)statement->column_count);
        char *unique = name ? unique_name(statement, name) : NULL;
        if (!unique) {
            free_columns(statement);
            return mseq_error_no_memory(err);
        }
        statement->columns[statement->column_count++] = unique;
    }
    statement->prepared = prepared;
    return MSEQ_OK;
}

/* ---- Cache -----------------------------------------------------------------------------------
 */

static sqlite_statement *find(sqlite_handle *handle, const char *key, size_t length,
                              uint64_t hash) {
    for (size_t i = 0; i < handle->cache_count; i++) {
        sqlite_statement *candidate = handle->cache[i];
        if (candidate->hash == hash && candidate->key_length == length && !candidate->busy &&
            memcmp(candidate->key, key, length) == 0)
            return candidate;
    }
    return NULL;
}

/* A place in the cache; without a free one the statement stays outside and is freed after its use.
 */
static void keep(sqlite_handle *handle, sqlite_statement *statement) {
    if (handle->cache_count < LITE_CACHE_SIZE) {
        handle->cache[handle->cache_count++] = statement;
        return;
    }
    sqlite_statement **oldest = NULL;
    for (size_t i = 0; i < LITE_CACHE_SIZE; i++)
        if (!handle->cache[i]->busy &&
            (!oldest || handle->cache[i]->last_used < (*oldest)->last_used))
            oldest = &handle->cache[i];
    if (oldest) {
        free_statement(*oldest);
        *oldest = statement;
    } else {
        free(statement->key);
        statement->key = NULL;
    }
}

/* Statements after which settings of the connection may be others than the next user expects. */
static bool changes_settings(const char *sql, const char *end) {
    sqlite_token first = sqlite_next_token(&sql, end);
    if (sqlite_token_is(&first, "PRAGMA") || sqlite_token_is(&first, "ATTACH"))
        return true;
    sqlite_token second = sqlite_next_token(&sql, end);
    return sqlite_token_is(&first, "CREATE") &&
           (sqlite_token_is(&second, "TEMP") || sqlite_token_is(&second, "TEMPORARY"));
}

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
    sqlite3_finalize(*stmt);
    mseq_error_set(err, MSEQ_E_STATEMENT, "the text holds more than one statement");
    mseq_error_code(err, "multiple_statements");
    return MSEQ_E_STATEMENT;
}

mseq_status sqlite_acquire(sqlite_handle *handle, const char *sql, sqlite_statement **statement,
                           mseq_error *err) {
    size_t length = strlen(sql);
    uint64_t hash = hash_key(sql, length);
    sqlite_statement *found = find(handle, sql, length, hash);
    if (!found) {
        found = calloc(1, sizeof *found);
        if (!found || !(found->key = strdup(sql))) {
            free(found);
            return mseq_error_no_memory(err);
        }
        mseq_status status = prepare_one(handle, sql, length, &found->stmt, err);
        if (status != MSEQ_OK) {
            free(found->key);
            free(found);
            return status;
        }
        found->hash = hash;
        found->key_length = length;
        handle->dirty = handle->dirty || changes_settings(sql, sql + length);
        keep(handle, found);
    }
    found->busy = true;
    found->last_used = ++handle->clock;
    *statement = found;
    return MSEQ_OK;
}

void sqlite_release(sqlite_handle *handle, sqlite_statement *statement) {
    (void)handle;
    sqlite3_reset(statement->stmt);
    sqlite3_clear_bindings(statement->stmt);
    statement->busy = false;
    if (!statement->key)
        free_statement(statement);
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
        mseq_status status = take_columns(statement, err);
        if (status == MSEQ_OK)
            status = sqlite_row(statement, &row, err);
        if (status == MSEQ_OK)
            status = sink->take(sink->data, row, err);
        if (status != MSEQ_OK)
            return status;
    }
}

mseq_status sqlite_run(sqlite_handle *handle, const char *sql, const mseq_value *parameters,
                       const database_sink *sink, int64_t *affected, mseq_error *err) {
    sqlite_statement *statement;
    mseq_status status = sqlite_acquire(handle, sql, &statement, err);
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
    sqlite_release(handle, statement);
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
        bool empty;
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
