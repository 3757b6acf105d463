/* SPDX-License-Identifier: MIT
 * Labels: for finding tables, never for permissions. One label an organization and case-folded
 * spelling; the first spelling wins. */
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* ---- Normalising -------------------------------------------------------------------------------
 */

/* The position in `labels` of one with the same folded spelling; its length when there is none. */
static size_t find_folded(const mseq_value *labels, const char *text, bool *no_memory) {
    char *folded = mseq_text_casefold(text);
    size_t position = 0, count = mseq_value_length(labels);
    *no_memory = folded == NULL;
    for (; folded && position < count; position++) {
        char *other = mseq_text_casefold(mseq_value_get_text(mseq_array_get(labels, position)));
        bool same = other && strcmp(folded, other) == 0;
        *no_memory = other == NULL;
        free(other);
        if (same || *no_memory)
            break;
    }
    free(folded);
    return position;
}

static mseq_status add_label(mseq_value *list, const mseq_value *label, mseq_error *err) {
    const char *given = mseq_value_get_text(label);
    if (!given || strlen(given) != mseq_value_get_text_length(label))
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                              "labels: each label must be a string without NUL");
    char *text = mseq_text_trim(given);
    if (!text)
        return mseq_error_no_memory(err);
    mseq_status status = MSEQ_OK;
    bool no_memory = false;
    if (*text && find_folded(list, text, &no_memory) == mseq_value_length(list) && !no_memory &&
        mseq_array_add(list, mseq_value_string(text)) != MSEQ_OK)
        no_memory = true;
    if (no_memory)
        status = mseq_error_no_memory(err);
    free(text);
    return status;
}

mseq_status manager_labels_normalize(const mseq_value *labels, mseq_value **normalized,
                                     mseq_error *err) {
    mseq_value *list = mseq_value_array();
    mseq_status status = list ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && mseq_value_kind(labels) == MSEQ_STRING)
        status = add_label(list, labels, err);
    else if (status == MSEQ_OK && mseq_value_kind(labels) != MSEQ_ARRAY)
        status =
            manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind", "labels must be an array, not %s",
                           mseq_kind_name(mseq_value_kind(labels)));
    for (size_t i = 0; i < mseq_value_length(labels) && status == MSEQ_OK; i++)
        status = add_label(list, mseq_array_get(labels, i), err);
    if (status != MSEQ_OK) {
        mseq_value_free(list);
        return status;
    }
    *normalized = list;
    return MSEQ_OK;
}

/* ---- Storing -----------------------------------------------------------------------------------
 */

/* The organization's label of that folded spelling, made when there is none; *label is its name. */
static mseq_status resolve(const manager_call *call, const char *name, mseq_value **label,
                           mseq_error *err) {
    char *folded = mseq_text_casefold(name), *slug = NULL, now[32];
    mseq_value *rows = NULL;
    mseq_status status = folded ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &rows, err,
                               "SELECT name FROM label WHERE organization_uid = ?1 AND folded = ?2",
                               "ss", call->caller->organization_uid, folded);
    if (status == MSEQ_OK && mseq_value_length(rows) == 0) {
        mseq_time_format(mseq_time_now(), false, now);
        mseq_value_free(rows);
        rows = NULL;
        status = mseq_naming_slugify(name, &slug, err);
        if (status == MSEQ_OK)
            status = manager_query(
                call->catalog, &rows, err,
                "INSERT INTO label (id, organization_uid, name, folded, slug, created_at)"
                " SELECT COALESCE(MAX(id), 0) + 1, ?1, ?2, ?3, ?4, ?5 FROM label RETURNING name",
                "sssss", call->caller->organization_uid, name, folded, slug, now);
    }
    if (status == MSEQ_OK) {
        *label = mseq_value_dup(mseq_object_get(mseq_array_get(rows, 0), "name"));
        status = *label ? MSEQ_OK : mseq_error_no_memory(err);
    }
    mseq_value_free(rows);
    free(folded);
    free(slug);
    return status;
}

mseq_status manager_labels_resolve(const manager_call *call, mseq_value *document,
                                   mseq_error *err) {
    const mseq_value *labels = mseq_object_get(document, "labels");
    if (mseq_value_length(labels) == 0)
        return MSEQ_OK;
    mseq_value *resolved = mseq_value_array();
    mseq_status status = resolved ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(labels) && status == MSEQ_OK; i++) {
        mseq_value *label = NULL;
        status = resolve(call, mseq_value_get_text(mseq_array_get(labels, i)), &label, err);
        if (status == MSEQ_OK && mseq_array_add(resolved, label) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(resolved);
        return status;
    }
    return mseq_object_put(document, "labels", resolved) == MSEQ_OK ? MSEQ_OK
                                                                    : mseq_error_no_memory(err);
}

static bool same_names(const mseq_value *rows, const mseq_value *labels) {
    if (mseq_value_length(rows) != mseq_value_length(labels))
        return false;
    for (size_t i = 0; i < mseq_value_length(rows); i++)
        if (!mseq_value_equal(mseq_object_get(mseq_array_get(rows, i), "name"),
                              mseq_array_get(labels, i)))
            return false;
    return true;
}

mseq_status manager_labels_store(const manager_call *call, const manager_row *row,
                                 mseq_error *err) {
    const char *uid = manager_row_text(row, "uid");
    const mseq_value *labels = mseq_object_get(row->document, "labels");
    mseq_value *rows = NULL;
    mseq_status status = manager_query(call->catalog, &rows, err,
                                       "SELECT label.name AS name FROM meta_table_label"
                                       " JOIN label ON label.id = meta_table_label.label_id"
                                       " WHERE meta_table_uid = ?1 ORDER BY ordinal",
                                       "s", uid);
    bool same = status == MSEQ_OK && same_names(rows, labels);
    mseq_value_free(rows);
    if (status != MSEQ_OK || same)
        return status;
    status = manager_query(call->catalog, NULL, err,
                           "DELETE FROM meta_table_label WHERE meta_table_uid = ?1", "s", uid);
    for (size_t i = 0; i < mseq_value_length(labels) && status == MSEQ_OK; i++)
        status = manager_query(call->catalog, NULL, err,
                               "INSERT INTO meta_table_label (meta_table_uid, label_id, ordinal)"
                               " SELECT ?1, id, ?2 FROM label"
                               " WHERE organization_uid = ?3 AND name = ?4",
                               "siss", uid, (int64_t)i, call->caller->organization_uid,
                               mseq_value_get_text(mseq_array_get(labels, i)));
    return status;
}
