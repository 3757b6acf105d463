/* SPDX-License-Identifier: MIT
 * Bulk reservation: rows of migration-managed tables, before their tables exist. All or none. */
#include <string.h>

#include "access.h"
#include "data_sources.h"
#include "routes.h"

/* Whether a row that exists may be resolved for this request; the same rules for reservation and
 * registration. */
mseq_status manager_row_check_owner(const manager_call *call, const manager_row *row,
                                    const char *management_mode, const char *provider_key,
                                    mseq_error *err) {
    const char *name = manager_row_text(row, "physical_table_name");
    const char *mode = manager_row_text(row, "management_mode");
    const char *owner = manager_row_text(row, "migration_provider_key");
    if (!row->may_view)
        return manager_refuse(err, MSEQ_E_CONFLICT, "name_unavailable",
                              "the table name '%s' is not available in this data source", name);
    if (row->time_indexed != call->time_indexed)
        return manager_refuse(err, MSEQ_E_CONFLICT, "kind_conflict",
                              "the table '%s' is registered as %s", name,
                              row->time_indexed ? "time-indexed" : "relational");
    if (strcmp(mode, management_mode) != 0)
        return manager_refuse(err, MSEQ_E_CONFLICT, "management_conflict",
                              "the table '%s' is registered as %s, not as %s", name, mode,
                              management_mode);
    if (provider_key && owner && strcmp(owner, provider_key) != 0)
        return manager_refuse(
            err, MSEQ_E_CONFLICT, "provider_conflict",
            "the table '%s' is managed by the migration provider '%s', not by '%s'", name, owner,
            provider_key);
    return MSEQ_OK;
}

/* The registry that a provider names must be a table of that data source. */
mseq_status manager_check_registry(const manager_call *call, const char *data_source_uid,
                                   const char *uid, mseq_error *err) {
    mseq_value *rows = NULL;
    if (!uid)
        return MSEQ_OK;
    mseq_status status =
        manager_query(call->catalog, &rows, err,
                      "SELECT uid FROM meta_table WHERE uid = ?1"
                      " AND organization_uid = ?2 AND data_source_uid = ?3"
                      " AND " MANAGER_MAY_VIEW("?4", "?5"),
                      "sssbs", uid, call->caller->organization_uid, data_source_uid,
                      (int)call->caller->admin, call->caller->user_uid);
    if (status == MSEQ_OK && mseq_value_length(rows) == 0)
        status = manager_refuse(err, MSEQ_E_REQUEST, "registry_not_found",
                                "alembic_version_meta_table_uid: there is no MetaTable '%.100s' in "
                                "the data source '%.100s'",
                                uid, data_source_uid);
    mseq_value_free(rows);
    return status;
}

mseq_status manager_row_create(const manager_call *call, manager_row *row, mseq_error *err) {
    const manager_access_change change = {
        .data_source_uid = manager_row_text(row, "data_source_uid"),
        .creator_uid = row->open_for_everyone ? NULL : call->caller->user_uid,
        .can_wait = true,
    };
    mseq_status status = manager_row_insert(call, row, err);
    if (status == MSEQ_OK)
        status = manager_access_changed(call, &change, err);
    row->may_view = row->may_edit = status == MSEQ_OK;
    return status == MSEQ_OK ? manager_foreign_keys_adopt(call, row, err) : status;
}

/* A reserved row takes what the request says now, as nothing else describes it yet; an active one
 * is what its table is. */
static mseq_status resolve(const manager_call *call, manager_row *row, const mseq_value *request,
                           mseq_error *err) {
    mseq_status status =
        manager_row_check_owner(call, row, "platform_managed",
                                mseq_object_get_text(request, "migration_provider_key"), err);
    bool managed = manager_row_text(row, "migration_provider_key") != NULL;
    const char *provisioning = manager_row_text(row, "provisioning_status");
    if (status != MSEQ_OK || (managed && strcmp(provisioning, "active") == 0))
        return status;
    mseq_value *before = mseq_value_dup(row->document);
    if (!before)
        return mseq_error_no_memory(err);
    status = manager_row_apply(row, request, true, err);
    bool changed = status == MSEQ_OK && !mseq_value_equal(before, row->document);
    if (changed)
        status = manager_require_edit(call, row, err);
    if (changed && status == MSEQ_OK)
        status = manager_row_update(call, row, err);
    mseq_value_free(before);
    return status;
}

static mseq_status reserve(const manager_call *call, const mseq_value *request, bool *created,
                           mseq_value **reply, mseq_error *err) {
    const char *source = mseq_object_get_text(request, "data_source_uid");
    const char *name = mseq_object_get_text(request, "physical_table_name");
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_row_by_name(call, source, name, &row, err);
    if (status == MSEQ_OK && row.document) {
        status = resolve(call, &row, request, err);
    } else if (status == MSEQ_OK) {
        status = manager_check_data_source(call, source, err);
        if (status == MSEQ_OK)
            status = manager_check_registry(
                call, source, mseq_object_get_text(request, "alembic_version_meta_table_uid"), err);
        if (status == MSEQ_OK)
            status = manager_row_new(call, request, true, &row, err);
        if (status == MSEQ_OK)
            status = manager_row_create(call, &row, err);
        *created = true;
    }
    if (status == MSEQ_OK)
        status = manager_row_reply(call, &row, reply, err);
    manager_row_free(&row);
    return status;
}

/* One table twice in a request would be answered twice with one row, and a client that counts would
 * not notice its mistake. */
static mseq_status check_repetitions(const mseq_value *requests, mseq_error *err) {
    mseq_value *seen = mseq_value_object();
    mseq_status status = seen ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(requests) && status == MSEQ_OK; i++) {
        const mseq_value *request = mseq_array_get(requests, i);
        mseq_buffer key = MSEQ_BUFFER_INIT;
        mseq_buffer_append_format(&key, "%s/%s", mseq_object_get_text(request, "data_source_uid"),
                                  mseq_object_get_text(request, "physical_table_name"));
        int64_t first = mseq_object_get_integer(seen, mseq_buffer_text(&key), -1);
        if (first >= 0)
            status = manager_refuse(err, MSEQ_E_REQUEST, "repeated_table",
                                    "[%zu].physical_table_name: '%s' stands in [%lld] already", i,
                                    mseq_object_get_text(request, "physical_table_name"),
                                    (long long)first);
        else if (key.status != MSEQ_OK ||
                 mseq_object_put_integer(seen, mseq_buffer_text(&key), (int64_t)i) != MSEQ_OK)
            status = mseq_error_no_memory(err);
        mseq_buffer_free(&key);
    }
    mseq_value_free(seen);
    return status;
}

mseq_status manager_reserve_tables(manager_call *call, mseq_error *err) {
    mseq_value *requests = NULL;
    manager_draft replies;
    bool created = false;
    if (mseq_value_length(call->request->body) > MANAGER_BULK_MAXIMUM)
        return manager_refuse(err, MSEQ_E_LIMIT, "too_many_tables",
                              "at most %d tables in one request", MANAGER_BULK_MAXIMUM);
    mseq_status status =
        mseq_wire_validate_reservation(call->request->body, call->time_indexed, &requests, err);
    if (status == MSEQ_OK)
        status = check_repetitions(requests, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    manager_draft_array(&replies);
    for (size_t i = 0; i < mseq_value_length(requests) && status == MSEQ_OK; i++) {
        mseq_value *reply = NULL;
        status = reserve(call, mseq_array_get(requests, i), &created, &reply, err);
        if (status == MSEQ_OK)
            manager_append(&replies, reply);
        else
            mseq_error_prefix(err, "[%zu]: ", i);
    }
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status == MSEQ_OK)
        status = manager_answer(call, created ? 201 : 200, manager_draft_take(&replies), err);
    manager_draft_free(&replies);
    mseq_value_free(requests);
    return status;
}
