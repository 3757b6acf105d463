/* SPDX-License-Identifier: MIT
 * Prepared statements of a session, by text and types of the parameters. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

enum { OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };

/* 0: no integer. */
static int width(Oid type) {
    return type == OID_INT2 ? 2 : type == OID_INT4 ? 4 : type == OID_INT8 ? 8 : 0;
}

static bool serves(const postgresql_statement *statement, const postgresql_parameters *parameters) {
    for (size_t i = 0; i < parameters->count; i++) {
        Oid made = statement->types[i], asked = parameters->types[i];
        if (made != asked && !postgresql_parameter_is_null(parameters, i) &&
            !(width(asked) && width(made) > width(asked)))
            return false;
    }
    return true;
}

static bool has_text(const postgresql_statement *statement, const char *sql, size_t length,
                     uint64_t hash, size_t type_count) {
    return statement->hash == hash && statement->length == length &&
           statement->type_count == type_count && memcmp(statement->sql, sql, length) == 0;
}

/* Types that also serve the values that this statement had. */
static void widen(postgresql_parameters *parameters, const postgresql_statement *statement) {
    for (size_t i = 0; i < parameters->count; i++) {
        Oid made = statement->types[i], asked = parameters->types[i];
        if (postgresql_parameter_is_null(parameters, i) ||
            (width(asked) && width(made) > width(asked)))
            parameters->types[i] = made;
    }
}

postgresql_statement *postgresql_cache_find(postgresql_session *session, const char *sql,
                                            postgresql_parameters *parameters) {
    size_t length = strlen(sql), count = parameters->count;
    uint64_t hash = mseq_hash_bytes(sql, length);
    for (size_t i = 0; i < session->cache_count; i++) {
        postgresql_statement *statement = session->cache[i];
        if (has_text(statement, sql, length, hash, count) && serves(statement, parameters)) {
            statement->last_used = ++session->clock;
            return statement;
        }
    }
    for (size_t i = 0; i < session->cache_count; i++)
        if (has_text(session->cache[i], sql, length, hash, count))
            widen(parameters, session->cache[i]);
    return NULL;
}

postgresql_statement *postgresql_statement_new(const char *sql, const Oid *types,
                                               size_t type_count) {
    postgresql_statement *statement = calloc(1, sizeof *statement);
    if (!statement)
        return NULL;
    size_t room = type_count ? type_count : 1;
    statement->length = strlen(sql);
    statement->hash = mseq_hash_bytes(sql, statement->length);
    statement->type_count = type_count;
    statement->sql = strdup(sql);
    statement->types = malloc(room * sizeof *statement->types);
    statement->found = malloc(room * sizeof *statement->found);
    if (!statement->sql || !statement->types || !statement->found) {
        postgresql_statement_free(statement);
        return NULL;
    }
    for (size_t i = 0; i < type_count; i++)
        statement->types[i] = statement->found[i] = types[i];
    return statement;
}

void postgresql_statement_free(postgresql_statement *statement) {
    if (!statement)
        return;
    mseq_row_free(&statement->row);
    free(statement->column_types);
    free(statement->column_forms);
    free(statement->found);
    free(statement->types);
    free(statement->sql);
    free(statement);
}

void postgresql_cache_drop(postgresql_session *session, postgresql_statement *statement) {
    for (size_t i = 0; i < session->cache_count; i++) {
        if (session->cache[i] == statement) {
            session->cache[i] = session->cache[--session->cache_count];
            break;
        }
    }
    postgresql_statement_free(statement);
}

void postgresql_cache_make_room(postgresql_session *session, char name[16]) {
    name[0] = '\0';
    if (session->cache_count < POSTGRESQL_CACHE_SIZE)
        return;
    size_t oldest = 0;
    for (size_t i = 1; i < session->cache_count; i++)
        if (session->cache[i]->last_used < session->cache[oldest]->last_used)
            oldest = i;
    memcpy(name, session->cache[oldest]->name, 16);
    postgresql_cache_drop(session, session->cache[oldest]);
}

void postgresql_cache_keep(postgresql_session *session, postgresql_statement *statement) {
    statement->last_used = ++session->clock;
    session->cache[session->cache_count++] = statement;
}

void postgresql_cache_clear(postgresql_session *session) {
    for (size_t i = 0; i < session->cache_count; i++)
        postgresql_statement_free(session->cache[i]);
    session->deallocate = session->deallocate || session->cache_count > 0 || session->fixed;
    session->fixed = false;
    session->cache_count = 0;
}
