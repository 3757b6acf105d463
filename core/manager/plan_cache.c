/* SPDX-License-Identifier: MIT
 * Plans of operations that were executed: the same document comes again with other values.
 *
 * What a plan says depends on the document without its parameters, on who asks, and on the catalog:
 * which tables are there, where, of which types, what the caller may do with them, what the data
 * source takes. So a plan is found by all three: the document is compared whole, the caller by
 * every member, and the catalog by its revisions, which whoever changes it raises in the
 * transaction of the change, whatever server it is of (query_cache.c). They are read anew for each
 * call, before the plan is looked for, and again before its rows are told or its changes committed.
 * What does not stand in the catalog (a secret URI, the database's own schema, grants of roles) is
 * no part of a plan: it is looked at with each execution. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "execution.h"

enum {
    SETS = 64,
    WAYS = 2, /* of a set, the one used last first: a newer one takes the last's place */
    BYTES_MAXIMUM = 16384, /* of a document's text; a larger one is not kept */
    CHARGE = 16            /* bytes that a member or item counts for beside its text */
};

typedef struct kept_plan {
    manager_plan plan; /* the first member, which is what others see */
    atomic_int owners;
    uint64_t hash;
    manager_caller caller;
    manager_revisions revisions;
    mseq_value *sent; /* the document as it came, without parameters */
} kept_plan;

struct manager_plan_cache {
    kept_plan *sets[SETS][WAYS];
};

/* ---- Plans -------------------------------------------------------------------------------------
 */

manager_plan *manager_plan_new(void) {
    kept_plan *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->owners, 1);
    return &made->plan;
}

static void release(kept_plan *kept) {
    if (!kept || atomic_fetch_sub(&kept->owners, 1) > 1)
        return;
    manager_text_free(&kept->plan.text);
    manager_scope_free(&kept->plan.scope);
    mseq_value_free(kept->plan.operation);
    mseq_value_free(kept->sent);
    free(kept->plan.tables);
    free(kept->plan.log_facts);
    free(kept);
}

void manager_plan_release(const manager_plan *plan) {
    release((kept_plan *)plan);
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

static const char statement_key[] = "statement", parameters_key[] = "parameters";

/* A copy of an object without the member `left_out`; `inner` replaces its statement. */
static mseq_value *copy_without(const mseq_value *object, const char *left_out,
                                mseq_value *(*inner)(const mseq_value *statement)) {
    manager_draft copy;
    manager_draft_object(&copy);
    for (size_t i = 0; i < mseq_value_length(object); i++) {
        const char *key = mseq_object_key_at(object, i);
        const mseq_value *value = mseq_object_value_at(object, i);
        if (inner && strcmp(key, statement_key) == 0)
            manager_put(&copy, key, inner(value));
        else if (!left_out || strcmp(key, left_out) != 0)
            manager_put_copy(&copy, key, value);
    }
    return manager_draft_take(&copy);
}

static mseq_value *copy_statement(const mseq_value *statement) {
    return copy_without(statement, parameters_key, NULL);
}

mseq_value *manager_without_parameters(const mseq_value *document) {
    return copy_without(document, NULL, copy_statement);
}

/* Whether `given` has the members of `kept` and, but for `left_out`, no others. */
static bool same_members(const mseq_value *kept, const mseq_value *given, const char *left_out,
                         bool (*same_inner)(const mseq_value *kept, const mseq_value *given)) {
    size_t count = mseq_value_length(given) - (left_out && mseq_object_get(given, left_out));
    if (mseq_value_kind(given) != MSEQ_OBJECT || count != mseq_value_length(kept))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *key = mseq_object_key_at(kept, i);
        const mseq_value *own = mseq_object_value_at(kept, i), *other = mseq_object_get(given, key);
        bool same = same_inner && strcmp(key, statement_key) == 0 ? same_inner(own, other)
                                                                  : mseq_value_equal(own, other);
        if (!other || !same)
            return false;
    }
    return true;
}

static bool same_statement(const mseq_value *kept, const mseq_value *given) {
    return same_members(kept, given, parameters_key, NULL);
}

static bool same_document(const mseq_value *kept, const mseq_value *given) {
    return same_members(kept, given, NULL, same_statement);
}

/* About the bytes of a value's texts, and something for each member and item. */
static size_t bytes_of(const mseq_value *value) { // NOLINT(misc-no-recursion): parsed JSON
    size_t bytes = CHARGE + mseq_value_get_text_length(value);
    bool object = mseq_value_kind(value) == MSEQ_OBJECT;
    for (size_t i = 0; i < mseq_value_length(value) && bytes <= BYTES_MAXIMUM; i++)
        bytes +=
            object ? mseq_object_key_length_at(value, i) + bytes_of(mseq_object_value_at(value, i))
                   : bytes_of(mseq_array_get(value, i));
    return bytes;
}

/* ---- The cache ---------------------------------------------------------------------------------
 */

/* Only preselects. */
static uint64_t hash_of(const manager_call *call) {
    const mseq_value *sql =
        mseq_object_get(mseq_object_get(call->request->body, statement_key), "sql");
    return mseq_hash_bytes(mseq_value_get_text(sql), mseq_value_get_text_length(sql)) ^
           mseq_hash_bytes(call->caller->user_uid, strlen(call->caller->user_uid));
}

static bool same_caller(const manager_caller *a, const manager_caller *b) {
    return a->admin == b->admin && a->local == b->local && strcmp(a->user_uid, b->user_uid) == 0 &&
           strcmp(a->organization_uid, b->organization_uid) == 0 &&
           strcmp(a->username, b->username) == 0;
}

static bool is_of(const kept_plan *kept, uint64_t hash, const manager_call *call) {
    return kept && kept->hash == hash && kept->revisions.access == call->revisions.access &&
           kept->revisions.catalog == call->revisions.catalog &&
           same_caller(&kept->caller, call->caller) &&
           same_document(kept->sent, call->request->body);
}

/* Moves a plan of a set to its front; those before it move back by one. */
static void use(kept_plan **set, size_t way) {
    kept_plan *used = set[way];
    for (; way > 0; way--)
        set[way] = set[way - 1];
    set[0] = used;
}

const manager_plan *manager_plan_find(const manager_call *call) {
    mseq_manager *manager = call->manager;
    kept_plan *found = NULL;
    if (call->revisions.catalog < 0)
        return NULL;
    uint64_t hash = hash_of(call);
    pthread_mutex_lock(&manager->lock);
    kept_plan **set = manager->plans ? manager->plans->sets[hash % SETS] : NULL;
    for (size_t way = 0; set && way < WAYS && !found; way++) {
        if (!is_of(set[way], hash, call))
            continue;
        found = set[way];
        atomic_fetch_add(&found->owners, 1);
        use(set, way);
    }
    pthread_mutex_unlock(&manager->lock);
    return found ? &found->plan : NULL;
}

void manager_plan_keep(const manager_call *call, manager_plan *plan) {
    mseq_manager *manager = call->manager;
    kept_plan *kept = (kept_plan *)plan, *surplus = NULL;
    if (call->revisions.catalog < 0) /* the call has changed the catalog itself */
        return;
    kept->sent = manager_without_parameters(call->request->body);
    if (!kept->sent || bytes_of(kept->sent) > BYTES_MAXIMUM)
        return;
    kept->hash = hash_of(call);
    kept->caller = *call->caller;
    kept->revisions = call->revisions;
    pthread_mutex_lock(&manager->lock);
    if (!manager->plans)
        manager->plans = calloc(1, sizeof *manager->plans);
    if (manager->plans) {
        kept_plan **set = manager->plans->sets[kept->hash % SETS];
        surplus = set[WAYS - 1];
        set[WAYS - 1] = kept;
        atomic_fetch_add(&kept->owners, 1);
        use(set, WAYS - 1);
    }
    pthread_mutex_unlock(&manager->lock);
    release(surplus);
}

void manager_plan_cache_free(mseq_manager *manager) {
    for (size_t i = 0; manager->plans && i < SETS; i++)
        for (size_t way = 0; way < WAYS; way++)
            release(manager->plans->sets[i][way]);
    free(manager->plans);
    manager->plans = NULL;
}
