/* SPDX-License-Identifier: MIT
 * Foreign keys between catalog rows: kept by name in the table foreign_key, shown in the documents
 * of both ends. */
#include <string.h>

#include "rows.h"

/* ---- What the documents show -------------------------------------------------------------------
 */

static mseq_value *names_of(const mseq_value *record, const char *key) {
    const mseq_value *text = mseq_object_get(record, key);
    mseq_value *names = NULL;
    if (mseq_value_kind(text) == MSEQ_STRING &&
        mseq_json_parse(mseq_value_get_text(text), mseq_value_get_text_length(text), 0, &names,
                        NULL) == MSEQ_OK)
        return names;
    return NULL;
}

/* `incoming`: seen from the target, so the fragment tells where the key comes from. */
static mseq_value *key_row(const mseq_value *record, bool incoming) {
    manager_draft row, fragment;
    manager_draft_object(&row);
    manager_draft_object(&fragment);
    manager_put_copy(&row, "name", mseq_object_get(record, "name"));
    manager_put(&row, "source_columns", names_of(record, "source_columns"));
    manager_put_copy(&row, "target_table_uid", mseq_object_get(record, "target_uid"));
    manager_put(&row, "target_columns", names_of(record, "target_columns"));
    manager_put_copy(&row, "on_delete", mseq_object_get(record, "on_delete"));
    if (incoming)
        manager_put_copy(&fragment, "source_table_uid", mseq_object_get(record, "source_uid"));
    if (incoming)
        manager_put_copy(&fragment, "source_table", mseq_object_get(record, "source_table"));
    manager_put_copy(&fragment, "target_table", mseq_object_get(record, "target_table"));
    if (!mseq_value_is_null(mseq_object_get(record, "on_update")))
        manager_put_copy(&fragment, "on_update", mseq_object_get(record, "on_update"));
    manager_put_draft(&row, "contract_fragment", &fragment);
    return manager_draft_take(&row);
}

/* The keys of a table, or those that lead to it, as its document shows them. */
static mseq_status shown_keys(const manager_call *call, const char *uid, bool incoming,
                              mseq_value **keys, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        incoming ? manager_query(call->catalog, &records, err,
                                 "SELECT foreign_key.name AS name, source_uid, source_columns,"
                                 " target_table, target_uid, target_columns, on_delete, on_update,"
                                 " meta_table.physical_table_name AS source_table"
                                 " FROM foreign_key JOIN meta_table ON meta_table.uid = source_uid"
                                 " WHERE target_uid = ?1 ORDER BY source_table, ordinal",
                                 "s", uid)
                 : manager_query(call->catalog, &records, err,
                                 "SELECT name, source_columns, target_table, target_uid,"
                                 " target_columns, on_delete, on_update FROM foreign_key"
                                 " WHERE source_uid = ?1 ORDER BY ordinal",
                                 "s", uid);
    if (status != MSEQ_OK)
        return status;
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_append(&list, key_row(mseq_array_get(records, i), incoming));
    mseq_value_free(records);
    mseq_value *made = manager_draft_take(&list);
    if (!made)
        return mseq_error_no_memory(err);
    *keys = made;
    return MSEQ_OK;
}

/* Brings the lists of a document up to date; *changed tells whether they differed. */
static mseq_status show_keys(const manager_call *call, mseq_value *document, bool *changed,
                             mseq_error *err) {
    static const char *const lists[] = {"foreign_keys", "incoming_fks"};
    for (size_t i = 0; i < 2; i++) {
        mseq_value *keys = NULL;
        mseq_status status =
            shown_keys(call, mseq_object_get_text(document, "uid"), i == 1, &keys, err);
        if (status != MSEQ_OK)
            return status;
        if (mseq_value_equal(keys, mseq_object_get(document, lists[i]))) {
            mseq_value_free(keys);
            continue;
        }
        *changed = true;
        if (mseq_object_put(document, lists[i], keys) != MSEQ_OK)
            return mseq_error_no_memory(err);
    }
    return MSEQ_OK;
}

/* Rewrites the document of another row; none of its look-up columns depends on keys. */
static mseq_status refresh(const manager_call *call, const char *uid, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    bool changed = false;
    mseq_status status = manager_row_any(call, uid, &row, err);
    if (status == MSEQ_OK)
        status = show_keys(call, row.document, &changed, err);
    if (status == MSEQ_OK && changed)
        status = manager_query(call->catalog, NULL, err,
                               "UPDATE meta_table SET document = ?2 WHERE uid = ?1", "sj", uid,
                               row.document);
    manager_row_free(&row);
    return status;
}

/* Refreshes the rows named by records of {"uid"}, except `except`. */
static mseq_status refresh_all(const manager_call *call, const mseq_value *records,
                               const char *except, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < mseq_value_length(records) && status == MSEQ_OK; i++) {
        const char *uid = mseq_object_get_text(mseq_array_get(records, i), "uid");
        if (uid && strcmp(uid, except) != 0)
            status = refresh(call, uid, err);
    }
    return status;
}

/* ---- Storing -----------------------------------------------------------------------------------
 */

static mseq_status targets_of(const manager_call *call, const char *uid, mseq_value **records,
                              mseq_error *err) {
    return manager_query(call->catalog, records, err,
                         "SELECT DISTINCT target_uid AS uid FROM foreign_key"
                         " WHERE source_uid = ?1 AND target_uid IS NOT NULL",
                         "s", uid);
}

static mseq_status sources_of(const manager_call *call, const char *uid, mseq_value **records,
                              mseq_error *err) {
    return manager_query(call->catalog, records, err,
                         "SELECT DISTINCT source_uid AS uid FROM foreign_key WHERE target_uid = ?1",
                         "s", uid);
}

static mseq_status insert_keys(const manager_call *call, const manager_row *row,
                               const mseq_value *keys, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < mseq_value_length(keys) && status == MSEQ_OK; i++) {
        const mseq_value *key = mseq_array_get(keys, i);
        status = manager_query(
            call->catalog, NULL, err,
            "INSERT INTO foreign_key (source_uid, ordinal, data_source_uid, name, source_columns,"
            " target_table, target_columns, on_delete, on_update, target_uid)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, (SELECT uid FROM meta_table"
            " WHERE data_source_uid = ?3 AND physical_table_name = ?6))",
            "sissjsjss", manager_row_text(row, "uid"), (int64_t)i,
            manager_row_text(row, "data_source_uid"), mseq_object_get_text(key, "name"),
            mseq_object_get(key, "source_columns"), mseq_object_get_text(key, "target_table"),
            mseq_object_get(key, "target_columns"), mseq_object_get_text(key, "on_delete"),
            mseq_object_get_text(key, "on_update"));
    }
    return status;
}

mseq_status manager_foreign_keys_store(const manager_call *call, manager_row *row,
                                       const mseq_value *keys, mseq_error *err) {
    const char *uid = manager_row_text(row, "uid");
    mseq_value *before = NULL, *after = NULL;
    bool changed = false;
    mseq_status status = targets_of(call, uid, &before, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "DELETE FROM foreign_key WHERE source_uid = ?1", "s", uid);
    if (status == MSEQ_OK)
        status = insert_keys(call, row, keys, err);
    if (status == MSEQ_OK)
        status = targets_of(call, uid, &after, err);
    if (status == MSEQ_OK)
        status = refresh_all(call, before, uid, err);
    if (status == MSEQ_OK)
        status = refresh_all(call, after, uid, err);
    if (status == MSEQ_OK)
        status = show_keys(call, row->document, &changed, err);
    mseq_value_free(before);
    mseq_value_free(after);
    return status;
}

mseq_status manager_foreign_keys_adopt(const manager_call *call, manager_row *row,
                                       mseq_error *err) {
    const char *uid = manager_row_text(row, "uid");
    mseq_value *sources = NULL;
    bool changed = false;
    mseq_status status =
        manager_query(call->catalog, &sources, err,
                      "UPDATE foreign_key SET target_uid = ?1 WHERE data_source_uid = ?2"
                      " AND target_table = ?3 AND target_uid IS NULL RETURNING source_uid AS uid",
                      "sss", uid, manager_row_text(row, "data_source_uid"),
                      manager_row_text(row, "physical_table_name"));
    if (status == MSEQ_OK)
        status = refresh_all(call, sources, uid, err);
    if (status == MSEQ_OK && mseq_value_length(sources) > 0)
        status = show_keys(call, row->document, &changed, err);
    if (status == MSEQ_OK && changed)
        status = manager_row_update(call, row, err);
    mseq_value_free(sources);
    return status;
}

mseq_status manager_foreign_keys_forget(const manager_call *call, const manager_row *row,
                                        mseq_error *err) {
    const char *uid = manager_row_text(row, "uid");
    mseq_value *sources = NULL, *targets = NULL;
    mseq_status status = sources_of(call, uid, &sources, err);
    if (status == MSEQ_OK)
        status = targets_of(call, uid, &targets, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "DELETE FROM foreign_key WHERE source_uid = ?1", "s", uid);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "UPDATE foreign_key SET target_uid = NULL WHERE target_uid = ?1",
                               "s", uid);
    if (status == MSEQ_OK)
        status = refresh_all(call, sources, uid, err);
    if (status == MSEQ_OK)
        status = refresh_all(call, targets, uid, err);
    mseq_value_free(sources);
    mseq_value_free(targets);
    return status;
}
