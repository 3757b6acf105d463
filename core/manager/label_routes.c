/* SPDX-License-Identifier: MIT
 * Routes that add and remove labels of a table. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "routes.h"

static mseq_status read_labels(const manager_call *call, mseq_value **labels, mseq_error *err) {
    static const char *const keys[] = {"labels", NULL};
    const mseq_value *body = NULL;
    mseq_status status = manager_object_body(call, true, &body, err);
    if (status == MSEQ_OK)
        status = manager_check_keys(body, "the request", keys, err);
    const mseq_value *given = mseq_object_get(body, "labels");
    if (status != MSEQ_OK || given)
        return status == MSEQ_OK ? manager_labels_normalize(given, labels, err) : status;
    *labels = mseq_value_array();
    return *labels ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Both lists behind each other; repetitions go when they are normalised. */
static mseq_status joined(const mseq_value *before, const mseq_value *labels, mseq_value **result,
                          mseq_error *err) {
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_value_length(before); i++)
        manager_append(&list, mseq_value_dup(mseq_array_get(before, i)));
    for (size_t i = 0; i < mseq_value_length(labels); i++)
        manager_append(&list, mseq_value_dup(mseq_array_get(labels, i)));
    mseq_value *all = manager_draft_take(&list);
    mseq_status status =
        all ? manager_labels_normalize(all, result, err) : mseq_error_no_memory(err);
    mseq_value_free(all);
    return status;
}

/* The labels whose folded spelling is not among those to remove. */
static mseq_status without(const mseq_value *before, const mseq_value *labels, mseq_value **result,
                           mseq_error *err) {
    mseq_value *folded = mseq_value_object();
    manager_draft list;
    manager_draft_array(&list);
    bool whole = folded != NULL;
    for (size_t i = 0; whole && i < mseq_value_length(labels); i++) {
        char *text = mseq_text_casefold(mseq_value_get_text(mseq_array_get(labels, i)));
        whole = text && mseq_object_put_boolean(folded, text, true) == MSEQ_OK;
        free(text);
    }
    for (size_t i = 0; whole && i < mseq_value_length(before); i++) {
        char *text = mseq_text_casefold(mseq_value_get_text(mseq_array_get(before, i)));
        whole = text != NULL;
        if (whole && !mseq_object_get(folded, text))
            manager_append(&list, mseq_value_dup(mseq_array_get(before, i)));
        free(text);
    }
    mseq_value_free(folded);
    mseq_value *made = manager_draft_take(&list);
    if (!whole || !made) {
        mseq_value_free(made);
        return mseq_error_no_memory(err);
    }
    *result = made;
    return MSEQ_OK;
}

static mseq_value *label_record(const mseq_value *record) {
    manager_draft label;
    manager_draft_object(&label);
    manager_put_copy(&label, "id", mseq_object_get(record, "id"));
    manager_put_copy(&label, "name", mseq_object_get(record, "name"));
    manager_put_copy(&label, "slug", mseq_object_get(record, "slug"));
    manager_put_boolean(&label, "is_active", true);
    manager_put_copy(&label, "usage_count", mseq_object_get(record, "usage_count"));
    return manager_draft_take(&label);
}

static mseq_status answer(manager_call *call, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = manager_query(
        call->catalog, &records, err,
        "SELECT label.id AS id, label.name AS name, label.slug AS slug,"
        " (SELECT COUNT(*) FROM meta_table_label AS used JOIN meta_table"
        " ON meta_table.uid = used.meta_table_uid WHERE used.label_id = label.id"
        " AND " MANAGER_MAY_VIEW(
            "?2", "?3") ") AS usage_count"
                        " FROM meta_table_label JOIN label ON label.id = meta_table_label.label_id"
                        " WHERE meta_table_label.meta_table_uid = ?1 ORDER BY ordinal",
        "sbs", call->uid, (int)call->caller->admin, call->caller->user_uid);
    if (status != MSEQ_OK)
        return status;
    manager_draft reply, labels;
    manager_draft_object(&reply);
    manager_draft_array(&labels);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_append(&labels, label_record(mseq_array_get(records, i)));
    mseq_value_free(records);
    manager_put_draft(&reply, "labels", &labels);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

static mseq_status change_labels(manager_call *call, bool add, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_value *labels = NULL, *result = NULL;
    mseq_status status = read_labels(call, &labels, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_row_to_edit(call, call->uid, &row, err);
    const mseq_value *before = mseq_object_get(row.document, "labels");
    if (status == MSEQ_OK)
        status = add ? joined(before, labels, &result, err) : without(before, labels, &result, err);
    if (status == MSEQ_OK && mseq_object_put(row.document, "labels", result) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_row_update(call, &row, err);
    if (status == MSEQ_OK)
        status = answer(call, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(labels);
    manager_row_free(&row);
    return status;
}

mseq_status manager_add_labels(manager_call *call, mseq_error *err) {
    return change_labels(call, true, err);
}

mseq_status manager_remove_labels(manager_call *call, mseq_error *err) {
    return change_labels(call, false, err);
}
