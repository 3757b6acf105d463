/* SPDX-License-Identifier: MIT
 * Routes of data sources that everyone has. */
#include <string.h>

#include "data_sources.h"
#include "routes.h"

static mseq_value *data_source_object(const mseq_value *record) {
    manager_draft object, resource, extra;
    mseq_value *capabilities = NULL;
    const mseq_value *text = mseq_object_get(record, "capabilities");
    manager_draft_object(&extra);
    if (mseq_value_kind(text) == MSEQ_STRING &&
        mseq_json_parse(mseq_value_get_text(text), mseq_value_get_text_length(text), 0,
                        &capabilities, NULL) == MSEQ_OK)
        manager_put(&extra, "capabilities", capabilities);
    manager_draft_object(&object);
    manager_draft_object(&resource);
    manager_put_copy(&resource, "uid", mseq_object_get(record, "uid"));
    manager_put_copy(&resource, "data_source_uid", mseq_object_get(record, "uid"));
    manager_put_copy(&resource, "id", mseq_object_get(record, "id"));
    manager_put_copy(&resource, "display_name", mseq_object_get(record, "display_name"));
    manager_put_copy(&resource, "organization_uid", mseq_object_get(record, "organization_uid"));
    manager_put_copy(&resource, "class_type", mseq_object_get(record, "class_type"));
    manager_put_copy(&resource, "status", mseq_object_get(record, "status"));
    manager_put_draft(&resource, "extra_arguments", &extra);
    manager_put_copy(&object, "uid", mseq_object_get(record, "uid"));
    manager_put_copy(&object, "id", mseq_object_get(record, "id"));
    manager_put_draft(&object, "related_resource", &resource);
    manager_put_copy(&object, "related_resource_class_type", mseq_object_get(record, "class_type"));
    return manager_draft_take(&object);
}

mseq_status manager_data_sources(const manager_call *call, const char *uid, mseq_value **objects,
                                 mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = manager_query(
        call->catalog, &records, err,
        "SELECT uid, id, organization_uid, display_name, class_type, status, capabilities"
        " FROM data_source WHERE organization_uid = ?1 AND uid = COALESCE(?2, uid)"
        " ORDER BY created_at, uid",
        "ss", call->caller->organization_uid, uid);
    if (status != MSEQ_OK)
        return status;
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_append(&list, data_source_object(mseq_array_get(records, i)));
    mseq_value_free(records);
    mseq_value *made = manager_draft_take(&list);
    if (!made)
        return mseq_error_no_memory(err);
    *objects = made;
    return MSEQ_OK;
}

mseq_status manager_check_data_source(const manager_call *call, const char *uid, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status =
        manager_query(call->catalog, &rows, err,
                      "SELECT uid FROM data_source WHERE uid = ?1 AND organization_uid = ?2", "ss",
                      uid, call->caller->organization_uid);
    if (status == MSEQ_OK && mseq_value_length(rows) == 0)
        status = manager_refuse(err, MSEQ_E_REQUEST, "data_source_not_found",
                                "data_source_uid: there is no data source '%.100s'", uid);
    mseq_value_free(rows);
    return status;
}

/* ---- List and detail ---------------------------------------------------------------------------
 */

static bool text_matches(const mseq_value *query, const char *filter, const mseq_value *object,
                         const char *key) {
    const char *wanted = mseq_object_get_text(query, filter);
    const char *text = mseq_object_get_text(object, key);
    return !wanted || (text && strcmp(wanted, text) == 0);
}

mseq_status manager_list_data_sources(manager_call *call, mseq_error *err) {
    static const char *const filters[] = {"uid", "related_resource__status",
                                          "related_resource__class_type", NULL};
    mseq_value *objects = NULL;
    mseq_status status = manager_check_keys(call->query, "the query", filters, err);
    if (status == MSEQ_OK)
        status =
            manager_data_sources(call, mseq_object_get_text(call->query, "uid"), &objects, err);
    if (status != MSEQ_OK)
        return status;
    manager_draft results;
    manager_draft_array(&results);
    for (size_t i = 0; i < mseq_value_length(objects); i++) {
        const mseq_value *object = mseq_array_get(objects, i);
        const mseq_value *resource = mseq_object_get(object, "related_resource");
        if (text_matches(call->query, filters[1], resource, "status") &&
            text_matches(call->query, filters[2], resource, "class_type"))
            manager_append(&results, mseq_value_dup(object));
    }
    mseq_value_free(objects);
    return manager_answer_page(call, manager_draft_take(&results), false, err);
}

mseq_status manager_get_data_source(manager_call *call, mseq_error *err) {
    mseq_value *objects = NULL;
    mseq_status status = manager_data_sources(call, call->uid, &objects, err);
    if (status == MSEQ_OK && mseq_value_length(objects) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "data_source_not_found",
                                "there is no data source '%.100s'", call->uid);
    else if (status == MSEQ_OK)
        status = manager_answer(call, 200, mseq_value_dup(mseq_array_get(objects, 0)), err);
    mseq_value_free(objects);
    return status;
}
