/* SPDX-License-Identifier: MIT
 * The schema graph around a table: nodes and foreign keys up to a depth. */
#include <string.h>

#include "access.h"
#include "routes.h"

enum { DEPTH_MAXIMUM = 16, NODES_MAXIMUM = 10000 };

typedef struct walk {
    const manager_call *call;
    bool incoming;
    mseq_value *depths; /* uid → distance from the root */
    mseq_value *queue;  /* uids in order of discovery */
    manager_draft nodes, edges;
    mseq_value *seen_edges; /* "<source uid>/<ordinal>" → true */
    int64_t hidden;         /* edges to tables that are not shown */
} walk;

static mseq_status discover(walk *from, const char *uid, int64_t depth, mseq_error *err) {
    if (mseq_object_get(from->depths, uid))
        return MSEQ_OK;
    if (mseq_value_length(from->queue) >= NODES_MAXIMUM)
        return manager_refuse(err, MSEQ_E_LIMIT, "graph_too_large",
                              "the graph has more than %d tables: ask for a smaller depth",
                              NODES_MAXIMUM);
    if (mseq_object_put_integer(from->depths, uid, depth) != MSEQ_OK ||
        mseq_array_add(from->queue, mseq_value_string(uid)) != MSEQ_OK)
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static void add_node(walk *from, const manager_row *row, int64_t depth) {
    static const char *const keys[] = {"uid",          "identifier",          "namespace",
                                       "description",  "physical_table_name", "table_kind",
                                       "time_indexed", "provisioning_status", "data_source_uid"};
    manager_draft node;
    manager_draft_object(&node);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        manager_put_copy(&node, keys[i], mseq_object_get(row->document, keys[i]));
    manager_put_integer(&node, "depth", depth);
    manager_append_draft(&from->nodes, &node);
}

/* "RESTRICT" → "restrict" */
static mseq_value *lower(const char *text) {
    char word[32] = "";
    for (size_t i = 0; text && text[i] && i + 1 < sizeof word; i++)
        word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    return text ? mseq_value_string(word) : mseq_value_null();
}

/* One key, told once though both its ends may show it. */
static mseq_status add_edge(walk *from, const mseq_value *key, const char *source,
                            const char *target, mseq_error *err) {
    const char *name = mseq_object_get_text(key, "name");
    mseq_buffer identity = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&identity, "%s/%s/%s/", source, target, name ? name : "");
    mseq_status status = mseq_json_write(mseq_object_get(key, "source_columns"), 0, &identity, err);
    bool known =
        status == MSEQ_OK && mseq_object_get(from->seen_edges, mseq_buffer_text(&identity)) != NULL;
    if (status == MSEQ_OK &&
        mseq_object_put_boolean(from->seen_edges, mseq_buffer_text(&identity), true) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    mseq_buffer_free(&identity);
    if (status != MSEQ_OK || known)
        return status;
    manager_draft edge;
    manager_draft_object(&edge);
    manager_put_copy(&edge, "name", mseq_object_get(key, "name"));
    manager_put_text(&edge, "source_uid", source);
    manager_put_text(&edge, "target_uid", target);
    manager_put_copy(&edge, "source_columns", mseq_object_get(key, "source_columns"));
    manager_put_copy(&edge, "target_columns", mseq_object_get(key, "target_columns"));
    manager_put(&edge, "on_delete", lower(mseq_object_get_text(key, "on_delete")));
    manager_put_text(&edge, "relationship_type", "meta_table_to_meta_table");
    manager_append_draft(&from->edges, &edge);
    return MSEQ_OK;
}

static const char *other_end(const mseq_value *key, bool incoming) {
    return incoming
               ? mseq_object_get_text(mseq_object_get(key, "contract_fragment"), "source_table_uid")
               : mseq_object_get_text(key, "target_table_uid");
}

/* Which of the tables that the keys lead to (or come from) the caller may view. */
static mseq_status visible_ends(const walk *from, const mseq_value *keys, bool incoming,
                                mseq_value **visible, mseq_error *err) {
    manager_draft uids;
    manager_draft_array(&uids);
    for (size_t i = 0; i < mseq_value_length(keys); i++)
        if (other_end(mseq_array_get(keys, i), incoming))
            manager_append(&uids, mseq_value_string(other_end(mseq_array_get(keys, i), incoming)));
    mseq_value *list = manager_draft_take(&uids);
    mseq_status status =
        list ? manager_visible_uids(from->call, list, visible, err) : mseq_error_no_memory(err);
    mseq_value_free(list);
    return status;
}

/* A key to a table without a row leads nowhere that could be shown: it is not an edge. */
static mseq_status follow(walk *from, const manager_row *row, int64_t depth, bool incoming,
                          mseq_error *err) {
    const char *uid = manager_row_text(row, "uid");
    const mseq_value *keys =
        mseq_object_get(row->document, incoming ? "incoming_fks" : "foreign_keys");
    mseq_value *visible = NULL;
    mseq_status status = visible_ends(from, keys, incoming, &visible, err);
    for (size_t i = 0; i < mseq_value_length(keys) && status == MSEQ_OK; i++) {
        const mseq_value *key = mseq_array_get(keys, i);
        const char *other = other_end(key, incoming);
        if (!other)
            continue;
        if (!mseq_object_get(visible, other)) {
            from->hidden++;
            continue;
        }
        status = discover(from, other, depth + 1, err);
        if (status == MSEQ_OK)
            status = add_edge(from, key, incoming ? other : uid, incoming ? uid : other, err);
    }
    mseq_value_free(visible);
    return status;
}

/* Tables in order of their distance; those at the last distance are shown, their keys are not
 * followed. */
static mseq_status visit_all(walk *from, int64_t maximum, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < mseq_value_length(from->queue) && status == MSEQ_OK; i++) {
        manager_row row = MANAGER_ROW_INIT;
        const char *uid = mseq_value_get_text(mseq_array_get(from->queue, i));
        int64_t depth = mseq_object_get_integer(from->depths, uid, 0);
        status = manager_row_by_uid(from->call, uid, &row, err);
        if (status == MSEQ_OK)
            add_node(from, &row, depth);
        if (status == MSEQ_OK && depth < maximum)
            status = follow(from, &row, depth, false, err);
        if (status == MSEQ_OK && depth < maximum && from->incoming)
            status = follow(from, &row, depth, true, err);
        manager_row_free(&row);
    }
    return status;
}

static mseq_status answer(manager_call *call, walk *from, int64_t depth, mseq_error *err) {
    manager_draft reply;
    manager_draft_object(&reply);
    manager_put_text(&reply, "root_uid", call->uid);
    manager_put_integer(&reply, "depth", depth);
    manager_put_boolean(&reply, "include_incoming", from->incoming);
    manager_put_draft(&reply, "nodes", &from->nodes);
    manager_put_draft(&reply, "edges", &from->edges);
    manager_put_integer(&reply, "hidden_edges", from->hidden);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

mseq_status manager_schema_graph(manager_call *call, mseq_error *err) {
    static const char *const names[] = {"depth", "include_incoming", NULL};
    walk from = {.call = call,
                 .depths = mseq_value_object(),
                 .queue = mseq_value_array(),
                 .seen_edges = mseq_value_object()};
    int64_t depth = 1;
    manager_draft_array(&from.nodes);
    manager_draft_array(&from.edges);
    mseq_status status = manager_check_keys(call->query, "the query", names, err);
    if (status == MSEQ_OK)
        status = manager_integer_parameter(call->query, "depth", 1, &depth, err);
    if (status == MSEQ_OK)
        status =
            manager_boolean_parameter(call->query, "include_incoming", false, &from.incoming, err);
    depth = depth < 0 ? 0 : depth > DEPTH_MAXIMUM ? DEPTH_MAXIMUM : depth;
    if (status == MSEQ_OK && (!from.depths || !from.queue || !from.seen_edges))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK) /* one state of the catalog for all steps */
        status = mseq_connection_begin(call->catalog, false, err);
    if (status == MSEQ_OK)
        status = discover(&from, call->uid, 0, err);
    if (status == MSEQ_OK)
        status = visit_all(&from, depth, err);
    if (status == MSEQ_OK)
        status = answer(call, &from, depth, err);
    manager_draft_free(&from.nodes);
    manager_draft_free(&from.edges);
    mseq_value_free(from.depths);
    mseq_value_free(from.queue);
    mseq_value_free(from.seen_edges);
    return status;
}
