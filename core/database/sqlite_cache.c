/* SPDX-License-Identifier: MIT
 * A small cache of prepared statements per handle; the one not used longest goes first. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

/* Eight bytes a step (the mixing of splitmix64). It only preselects; keys are compared whole. */
static uint64_t mix_bytes(uint64_t hash, const char *bytes, size_t length) {
    uint64_t word;
    hash ^= length;
    while (length) {
        size_t size = length < sizeof word ? length : sizeof word;
        word = 0;
        memcpy(&word, bytes, size);
        hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
        hash ^= hash >> 31;
        bytes += size;
        length -= size;
    }
    return hash;
}

uint64_t sqlite_cache_hash(const char *sql, size_t length, const mseq_governed_statement *scope) {
    uint64_t hash = mix_bytes(0, sql, length);
    if (!scope)
        return hash;
    hash = mix_bytes(hash, scope->operation, strlen(scope->operation));
    for (size_t i = 0; i < scope->table_count; i++) {
        const char *name = scope->tables[i].name;
        hash = mix_bytes(hash + (uint64_t)scope->tables[i].access, name, strlen(name));
    }
    return hash;
}

/* ---- Scopes: "operation NUL" and "access name NUL" for each table
 * --------------------------------
 */

static size_t packed_length(const mseq_governed_statement *scope) {
    size_t length = strlen(scope->operation) + 1;
    for (size_t i = 0; i < scope->table_count; i++)
        length += strlen(scope->tables[i].name) + 2;
    return length;
}

static void pack(const mseq_governed_statement *scope, char *out) {
    out = stpcpy(out, scope->operation) + 1;
    for (size_t i = 0; i < scope->table_count; i++) {
        *out++ = (char)('0' + (int)scope->tables[i].access);
        out = stpcpy(out, scope->tables[i].name) + 1;
    }
}

static bool same_text(const char **packed, const char *end, const char *text) {
    size_t size = strlen(text) + 1;
    if ((size_t)(end - *packed) < size || memcmp(*packed, text, size) != 0)
        return false;
    *packed += size;
    return true;
}

static bool same_scope(const sqlite_statement *statement, const mseq_governed_statement *scope) {
    const char *packed = statement->scope;
    if (!packed || !scope)
        return !packed && !scope;
    const char *end = packed + statement->scope_length;
    if (!same_text(&packed, end, scope->operation))
        return false;
    for (size_t i = 0; i < scope->table_count; i++) {
        if (packed == end || *packed++ != (char)('0' + (int)scope->tables[i].access) ||
            !same_text(&packed, end, scope->tables[i].name))
            return false;
    }
    return packed == end;
}

/* ---- Statements --------------------------------------------------------------------------------
 */

sqlite_statement *sqlite_statement_new(const char *sql, size_t length, uint64_t hash,
                                       const mseq_governed_statement *scope) {
    sqlite_statement *statement = calloc(1, sizeof *statement);
    if (!statement)
        return NULL;
    statement->hash = hash;
    statement->key_length = length;
    statement->key = malloc(length + 1);
    if (scope) {
        statement->scope_length = packed_length(scope);
        statement->scope = malloc(statement->scope_length);
    }
    if (!statement->key || (scope && !statement->scope)) {
        sqlite_statement_free(statement);
        return NULL;
    }
    memcpy(statement->key, sql, length);
    statement->key[length] = '\0';
    if (scope)
        pack(scope, statement->scope);
    return statement;
}

void sqlite_statement_free(sqlite_statement *statement) {
    sqlite3_finalize(statement->stmt);
    mseq_row_free(&statement->row);
    free(statement->key);
    free(statement->scope);
    free(statement);
}

/* ---- Cache -------------------------------------------------------------------------------------
 */

sqlite_statement *sqlite_cache_find(sqlite_handle *handle, const char *sql, size_t length,
                                    uint64_t hash, const mseq_governed_statement *scope) {
    for (size_t i = 0; i < handle->cache_count; i++) {
        sqlite_statement *candidate = handle->cache[i];
        if (candidate->hash == hash && candidate->key_length == length && !candidate->busy &&
            memcmp(candidate->key, sql, length) == 0 && same_scope(candidate, scope))
            return candidate;
    }
    return NULL;
}

void sqlite_cache_keep(sqlite_handle *handle, sqlite_statement *statement) {
    if (handle->cache_count < LITE_CACHE_SIZE) {
        handle->cache[handle->cache_count++] = statement;
        statement->cached = true;
        return;
    }
    sqlite_statement **oldest = NULL;
    for (size_t i = 0; i < LITE_CACHE_SIZE; i++)
        if (!handle->cache[i]->busy &&
            (!oldest || handle->cache[i]->last_used < (*oldest)->last_used))
            oldest = &handle->cache[i];
    if (!oldest)
        return;
    sqlite_statement_free(*oldest);
    *oldest = statement;
    statement->cached = true;
}

void sqlite_cache_use(sqlite_handle *handle, sqlite_statement *statement) {
    statement->busy = true;
    statement->last_used = ++handle->clock;
}

void sqlite_cache_drop(sqlite_handle *handle, sqlite_statement *statement) {
    for (size_t i = 0; i < handle->cache_count; i++)
        if (handle->cache[i] == statement)
            handle->cache[i] = handle->cache[--handle->cache_count];
    statement->cached = false;
}

void sqlite_release(sqlite_statement *statement) {
    sqlite3_reset(statement->stmt);
    sqlite3_clear_bindings(statement->stmt);
    statement->busy = false;
    if (!statement->cached)
        sqlite_statement_free(statement);
}

void sqlite_cache_clear(sqlite_handle *handle) {
    for (size_t i = 0; i < handle->cache_count; i++)
        sqlite_statement_free(handle->cache[i]);
    handle->cache_count = 0;
}
