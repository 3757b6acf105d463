/* SPDX-License-Identifier: MIT
 * Answers of the catalog that are asked for again with every statement: who a token belongs to,
 * what the caller may do with a table, where a data source is. Each holds for the revisions of the
 * catalog that were read before it, so that it can be newer than they say and never older: whoever
 * changes the catalog raises them in the transaction of the change, whatever server it is of. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"

enum {
    ANSWERS = 256,    /* a newer one takes the place of one that falls on the same */
    KEY_MAXIMUM = 512 /* bytes; a question that is longer is not remembered */
};

typedef struct query_key {
    char bytes[KEY_MAXIMUM];
    size_t length;
    size_t place;
} query_key;

typedef struct known_answer {
    char *key;
    size_t key_length;
    manager_revisions revisions;
    mseq_value *rows;
} known_answer;

struct manager_query_cache {
    known_answer answers[ANSWERS];
};

/* ---- Revisions ---------------------------------------------------------------------------------
 */

static mseq_status ask_revisions(const manager_call *call, manager_revisions *revisions,
                                 mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(call->catalog, &rows, err,
                                       "SELECT revision, catalog_revision FROM access_state", "");
    const mseq_value *row = mseq_array_get(rows, 0);
    if (status == MSEQ_OK)
        *revisions = (manager_revisions){mseq_object_get_integer(row, "revision", 0),
                                         mseq_object_get_integer(row, "catalog_revision", 0)};
    mseq_value_free(rows);
    return status;
}

/* What they were when the catalog had that mark. */
static bool find_revisions(mseq_manager *manager, const mseq_database_mark *mark,
                           manager_revisions *revisions) {
    pthread_mutex_lock(&manager->lock);
    bool known = manager->revisions.catalog >= 0 &&
                 memcmp(manager->revisions_mark.bytes, mark->bytes, sizeof mark->bytes) == 0;
    if (known)
        *revisions = manager->revisions;
    pthread_mutex_unlock(&manager->lock);
    return known;
}

static void keep_revisions(mseq_manager *manager, const mseq_database_mark *mark,
                           const manager_revisions *revisions) {
    pthread_mutex_lock(&manager->lock);
    manager->revisions_mark = *mark;
    manager->revisions = *revisions;
    pthread_mutex_unlock(&manager->lock);
}

/* A SQLite catalog is not asked again before something is committed in it: its mark, which is read
 * each time, is another one from the end of that commit on. The mark is read before the answer, so
 * that an answer which is newer than its mark is kept for a mark that does not come again. In a
 * transaction of its own the call may see what is not committed: then it asks. */
mseq_status manager_revisions_read(const manager_call *call, manager_revisions *revisions,
                                   mseq_error *err) {
    mseq_database_mark mark;
    bool marked = !mseq_connection_in_transaction(call->catalog) &&
                  mseq_connection_mark(call->catalog, &mark);
    if (marked && find_revisions(call->manager, &mark, revisions))
        return MSEQ_OK;
    mseq_status status = ask_revisions(call, revisions, err);
    if (status == MSEQ_OK && marked)
        keep_revisions(call->manager, &mark, revisions);
    return status;
}

mseq_status manager_revisions_ensure(manager_call *call, mseq_error *err) {
    return call->revisions.catalog >= 0 ? MSEQ_OK
                                        : manager_revisions_read(call, &call->revisions, err);
}

/* ---- Keys: the address of the text, which is a constant, and its parameters -------------------
 */

static bool add_bytes(query_key *key, const void *bytes, size_t length) {
    if (length > sizeof key->bytes - key->length)
        return false;
    memcpy(key->bytes + key->length, bytes, length);
    key->length += length;
    return true;
}

static bool make_key(query_key *key, const char *sql, const char *types, va_list arguments) {
    key->length = 0;
    bool whole = add_bytes(key, &sql, sizeof sql);
    for (; whole && *types; types++) {
        if (*types == 's') {
            const char *text = va_arg(arguments, const char *);
            whole = text ? add_bytes(key, "s", 1) && add_bytes(key, text, strlen(text) + 1)
                         : add_bytes(key, "n", 1);
        } else if (*types == 'b') {
            int truth = va_arg(arguments, int) != 0;
            whole = add_bytes(key, &truth, sizeof truth);
        } else {
            whole = false;
        }
    }
    key->place = (size_t)(mseq_hash_bytes(key->bytes, key->length) % ANSWERS);
    return whole;
}

/* ---- Answers -----------------------------------------------------------------------------------
 */

static bool same_revisions(const manager_revisions *a, const manager_revisions *b) {
    return a->access == b->access && a->catalog == b->catalog;
}

/* A copy of what is known; NULL: nothing, or no memory. */
static mseq_value *find(mseq_manager *manager, const query_key *key,
                        const manager_revisions *revisions) {
    mseq_value *rows = NULL;
    pthread_mutex_lock(&manager->lock);
    if (manager->queries) {
        const known_answer *known = &manager->queries->answers[key->place];
        if (known->key && same_revisions(&known->revisions, revisions) &&
            known->key_length == key->length && memcmp(known->key, key->bytes, key->length) == 0)
            rows = mseq_value_dup(known->rows);
    }
    pthread_mutex_unlock(&manager->lock);
    return rows;
}

static void free_answer(known_answer *answer) {
    free(answer->key);
    mseq_value_free(answer->rows);
}

/* Without memory nothing is remembered. */
static void keep(mseq_manager *manager, const query_key *key, const manager_revisions *revisions,
                 const mseq_value *rows) {
    known_answer made = {malloc(sizeof key->bytes), key->length, *revisions, mseq_value_dup(rows)};
    if (made.key && made.rows) {
        memcpy(made.key, key->bytes, key->length);
        pthread_mutex_lock(&manager->lock);
        if (!manager->queries)
            manager->queries = calloc(1, sizeof *manager->queries);
        if (manager->queries) {
            known_answer *place = &manager->queries->answers[key->place], before = *place;
            *place = made;
            made = before;
        }
        pthread_mutex_unlock(&manager->lock);
    }
    free_answer(&made);
}

void manager_query_cache_free(mseq_manager *manager) {
    for (size_t i = 0; manager->queries && i < ANSWERS; i++)
        free_answer(&manager->queries->answers[i]);
    free(manager->queries);
    manager->queries = NULL;
}

mseq_status manager_query_known(const manager_call *call, mseq_value **rows, mseq_error *err,
                                const char *sql, const char *types, ...) {
    query_key key;
    va_list arguments;
    bool known = call->revisions.catalog >= 0;
    if (known) {
        va_start(arguments, types);
        known = make_key(&key, sql, types, arguments);
        va_end(arguments);
    }
    mseq_value *found = known ? find(call->manager, &key, &call->revisions) : NULL;
    if (found) {
        *rows = found;
        return MSEQ_OK;
    }
    va_start(arguments, types);
    mseq_status status = manager_query_arguments(call->catalog, rows, err, sql, types, arguments);
    va_end(arguments);
    if (status == MSEQ_OK && known)
        keep(call->manager, &key, &call->revisions, *rows);
    return status;
}
