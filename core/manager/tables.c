/* SPDX-License-Identifier: MIT
 * Lists, detail and patch of tables. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "filters.h"
#include "routes.h"

/* ---- Lists -------------------------------------------------------------------------------------
 */

/* The absolute address of the page that starts at `cursor`. In-process requests have no origin:
 * theirs is the scheme "local:". */
static mseq_value *next_page(const manager_call *call, const char *cursor) {
    if (!cursor)
        return mseq_value_null();
    mseq_value *query = mseq_value_dup(call->query), *address = NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&text, "%s/orm/api/ts_manager/%s/?",
                              call->request->origin ? call->request->origin : "local:",
                              call->time_indexed ? "dynamic_table" : "meta_table");
    if (query && mseq_object_put_text(query, "cursor", cursor) == MSEQ_OK &&
        mseq_wire_query(query, &text, NULL) == MSEQ_OK)
        address = mseq_value_string(mseq_buffer_text(&text));
    mseq_buffer_free(&text);
    mseq_value_free(query);
    return address;
}

mseq_status manager_list_tables(manager_call *call, mseq_error *err) {
    static const char *const others[] = {"cursor", NULL};
    manager_filter filter;
    mseq_value *rows = NULL;
    char *cursor = NULL;
    mseq_status status = manager_filter_begin(call, &filter, err);
    if (status == MSEQ_OK)
        status = manager_filter_add(&filter, call->query, others, err);
    if (status == MSEQ_OK)
        status =
            manager_filter_run(&filter, MANAGER_PAGE, 0,
                               mseq_object_get_text(call->query, "cursor"), &rows, &cursor, err);
    manager_filter_free(&filter);
    if (status != MSEQ_OK)
        return status;
    manager_draft page;
    manager_draft_object(&page);
    manager_put(&page, "next", next_page(call, cursor));
    manager_put_text(&page, "previous", NULL);
    manager_put(&page, "results", rows);
    free(cursor);
    return manager_answer(call, 200, manager_draft_take(&page), err);
}

/* `limit`, `offset` and `identifiers` of a filter body. */
static mseq_status read_window(const mseq_value *body, int64_t *limit, int64_t *offset,
                               mseq_error *err) {
    static const mseq_field fields[] = {
        {.name = "limit",
         .type = MSEQ_FIELD_INTEGER,
         .flags = MSEQ_FIELD_OMIT_NULL,
         .minimum = 1,
         .maximum = MANAGER_FILTER_MAXIMUM},
        {.name = "offset",
         .type = MSEQ_FIELD_INTEGER,
         .flags = MSEQ_FIELD_OMIT_NULL,
         .minimum = 0,
         .maximum = INT32_MAX},
        {.name = NULL},
    };
    manager_draft window;
    manager_draft_object(&window);
    for (size_t i = 0; fields[i].name; i++)
        if (mseq_object_get(body, fields[i].name))
            manager_put_copy(&window, fields[i].name, mseq_object_get(body, fields[i].name));
    mseq_value *given = manager_draft_take(&window), *checked = NULL;
    mseq_status status = given
                             ? mseq_record_check(given, MSEQ_E_REQUEST, NULL, fields, &checked, err)
                             : mseq_error_no_memory(err);
    if (status == MSEQ_OK) {
        *limit = mseq_object_get_integer(checked, "limit", MANAGER_FILTER_MAXIMUM);
        *offset = mseq_object_get_integer(checked, "offset", 0);
    }
    mseq_value_free(given);
    mseq_value_free(checked);
    return status;
}

/* `identifiers` is another spelling of identifier__in. */
static mseq_status add_identifiers(manager_filter *filter, const mseq_value *body,
                                   mseq_error *err) {
    static const char *const none[] = {NULL};
    const mseq_value *identifiers = mseq_object_get(body, "identifiers");
    if (!identifiers || mseq_value_is_null(identifiers))
        return MSEQ_OK;
    manager_draft draft;
    manager_draft_object(&draft);
    manager_put_copy(&draft, "identifier__in", identifiers);
    mseq_value *filters = manager_draft_take(&draft);
    mseq_status status =
        filters ? manager_filter_add(filter, filters, none, err) : mseq_error_no_memory(err);
    mseq_value_free(filters);
    return status;
}

mseq_status manager_filter_tables(manager_call *call, mseq_error *err) {
    static const char *const others[] = {"limit", "offset", "identifiers", NULL};
    const mseq_value *body = NULL;
    manager_filter filter;
    mseq_value *rows = NULL;
    int64_t limit = 0, offset = 0;
    mseq_status status = manager_object_body(call, true, &body, err);
    if (status == MSEQ_OK)
        status = read_window(body, &limit, &offset, err);
    if (status != MSEQ_OK)
        return status;
    status = manager_filter_begin(call, &filter, err);
    if (status == MSEQ_OK)
        status = manager_filter_add(&filter, body, others, err);
    if (status == MSEQ_OK)
        status = add_identifiers(&filter, body, err);
    if (status == MSEQ_OK)
        status = manager_filter_run(&filter, limit, offset, NULL, &rows, NULL, err);
    manager_filter_free(&filter);
    return status == MSEQ_OK ? manager_answer_page(call, rows, true, err) : status;
}

/* ---- Detail and patch --------------------------------------------------------------------------
 */

mseq_status manager_get_table(manager_call *call, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_row_by_uid(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_answer_row(call, 200, &row, err);
    manager_row_free(&row);
    return status;
}

static mseq_status apply_patch(manager_row *row, const mseq_value *patch, mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(patch); i++) {
        const char *key = mseq_object_key_at(patch, i);
        const mseq_value *value = mseq_object_value_at(patch, i);
        mseq_value *changed = NULL;
        if (strcmp(key, "open_for_everyone") == 0) {
            row->open_for_everyone = mseq_value_get_boolean(value, false);
            continue;
        }
        if (strcmp(key, "labels") != 0)
            changed = mseq_value_dup(value);
        else if (manager_labels_normalize(value, &changed, err) != MSEQ_OK)
            return err ? err->status : MSEQ_E_NO_MEMORY;
        if (mseq_object_put(row->document, key, changed) != MSEQ_OK)
            return mseq_error_no_memory(err);
    }
    return MSEQ_OK;
}

mseq_status manager_patch_table(manager_call *call, mseq_error *err) {
    static const mseq_field fields[] = {
        {.name = "identifier", .flags = MSEQ_FIELD_KEEP_NULL | MSEQ_FIELD_NOT_EMPTY},
        {.name = "namespace", .flags = MSEQ_FIELD_KEEP_NULL},
        {.name = "description", .flags = MSEQ_FIELD_KEEP_NULL},
        {.name = "labels", .type = MSEQ_FIELD_STRINGS},
        {.name = "protect_from_deletion", .type = MSEQ_FIELD_BOOLEAN},
        {.name = "open_for_everyone", .type = MSEQ_FIELD_BOOLEAN},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *patch = NULL;
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, fields, &patch, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_row_to_edit(call, call->uid, &row, err);
    bool was_open = row.open_for_everyone;
    const manager_access_change change = {
        .data_source_uid = row.document ? manager_row_text(&row, "data_source_uid") : NULL};
    if (status == MSEQ_OK)
        status = apply_patch(&row, patch, err);
    if (status == MSEQ_OK && was_open != row.open_for_everyone)
        status = manager_access_changed(call, &change, err);
    if (status == MSEQ_OK)
        status = manager_row_update(call, &row, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status == MSEQ_OK)
        status = manager_answer_row(call, 200, &row, err);
    mseq_value_free(patch);
    manager_row_free(&row);
    return status;
}
