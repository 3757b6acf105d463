/* SPDX-License-Identifier: MIT
 * Documents of rows, made from reservations and registrations. */
#include <string.h>

#include "rows.h"

const char *manager_contract_table_name(const mseq_value *contract) {
    const char *name = mseq_object_get_text(mseq_object_get(contract, "physical"), "table_name");
    return name && *name ? name : NULL;
}

const mseq_value *manager_find_by_name(const mseq_value *list, const char *name) {
    for (size_t i = 0; name && i < mseq_value_length(list); i++) {
        const mseq_value *item = mseq_array_get(list, i);
        const char *text = mseq_object_get_text(item, "name");
        if (text && strcmp(text, name) == 0)
            return item;
    }
    return NULL;
}

/* ---- Columns -----------------------------------------------------------------------------------
 */

static mseq_value *column_row(const mseq_value *column, size_t position) {
    manager_draft row, fragment;
    manager_draft_object(&row);
    manager_draft_object(&fragment);
    manager_put_copy(&row, "name", mseq_object_get(column, "name"));
    manager_put_copy(&row, "logical_name", mseq_object_get(column, "logical_name"));
    manager_put_copy(&row, "data_type", mseq_object_get(column, "data_type"));
    manager_put_copy(&row, "backend_type", mseq_object_get(column, "backend_type"));
    manager_put_boolean(&row, "nullable", mseq_object_get_boolean(column, "nullable", true));
    manager_put_boolean(&row, "primary_key", mseq_object_get_boolean(column, "primary_key", false));
    manager_put_boolean(&row, "unique", mseq_object_get_boolean(column, "unique", false));
    manager_put_copy(&row, "server_default", mseq_object_get(column, "server_default"));
    manager_put_integer(&row, "ordinal_position", (int64_t)position);
    manager_put_copy(&row, "description", mseq_object_get(column, "description"));
    manager_put_copy(&row, "label", mseq_object_get(column, "label"));
    manager_put_draft(&row, "contract_fragment", &fragment);
    return manager_draft_take(&row);
}

mseq_value *manager_columns_of_contract(const mseq_value *contract) {
    const mseq_value *columns = mseq_object_get(contract, "columns");
    manager_draft rows;
    manager_draft_array(&rows);
    for (size_t i = 0; i < mseq_value_length(columns); i++)
        manager_append(&rows, column_row(mseq_array_get(columns, i), i));
    return manager_draft_take(&rows);
}

/* ---- The profile of a time-indexed table -------------------------------------------------------
 */

static mseq_value *index_names_of(const mseq_value *layout, const char *time_index) {
    const mseq_value *names = mseq_object_get(layout, "index_names");
    if (mseq_value_kind(names) == MSEQ_ARRAY && mseq_value_length(names) > 0)
        return mseq_value_dup(names);
    manager_draft list;
    manager_draft_array(&list);
    manager_append(&list, mseq_value_string(time_index));
    return manager_draft_take(&list);
}

static mseq_value *types_of(const mseq_value *columns) {
    manager_draft types;
    manager_draft_object(&types);
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        const mseq_value *column = mseq_array_get(columns, i);
        manager_put_copy(&types, mseq_object_get_text(column, "name"),
                         mseq_object_get(column, "data_type"));
    }
    return manager_draft_take(&types);
}

/* The profile follows the columns; what only a request says (time index, partition strategy) is
 * kept from the profile that is there. */
mseq_status manager_row_refresh_profile(mseq_value *document, mseq_error *err) {
    const mseq_value *before = mseq_object_get(document, "time_indexed_profile");
    const mseq_value *columns = mseq_object_get(document, "columns");
    const mseq_value *authoring =
        mseq_object_get(mseq_object_get(document, "table_contract"), "authoring");
    const mseq_value *layout = mseq_object_get(authoring, "time_indexed");
    const mseq_value *storage = mseq_object_get(layout, "storage_layout");
    const char *time_index = mseq_object_get_text(before, "time_index_name");
    manager_draft profile;
    manager_draft_object(&profile);
    manager_put_text(&profile, "time_index_name", time_index);
    manager_put(&profile, "index_names", index_names_of(layout, time_index));
    manager_put(&profile, "column_dtypes_map", types_of(columns));
    manager_put_copy(&profile, "columns", columns);
    manager_put_copy(&profile, "dynamic_table_uid", mseq_object_get(document, "uid"));
    manager_put_copy(&profile, "related_table_uid", mseq_object_get(document, "uid"));
    manager_put_copy(&profile, "cadence", mseq_object_get(document, "cadence"));
    manager_put_copy(&profile, "partition_strategy", mseq_object_get(before, "partition_strategy"));
    manager_put_copy(&profile, "storage_layout",
                     mseq_value_kind(storage) == MSEQ_OBJECT ? storage : NULL);
    mseq_value *made = manager_draft_take(&profile);
    if (!made || mseq_object_put(document, "time_indexed_profile", made) != MSEQ_OK)
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static bool has_column(const mseq_value *contract, const char *name) {
    return manager_find_by_name(mseq_object_get(contract, "columns"), name) != NULL;
}

static mseq_status check_time_index(const mseq_value *request, mseq_error *err) {
    const char *name = mseq_object_get_text(request, "time_index_name");
    const mseq_value *contract = mseq_object_get(request, "table_contract");
    const mseq_value *layout =
        mseq_object_get(mseq_object_get(contract, "authoring"), "time_indexed");
    const char *declared = mseq_object_get_text(layout, "time_index_name");
    const mseq_value *names = mseq_object_get(layout, "index_names");
    if (!has_column(contract, name))
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "time_index_name: the table '%s' has no column '%s'",
                              manager_contract_table_name(contract), name);
    if (declared && strcmp(declared, name) != 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "time_index_name: '%s' differs from the contract's '%s'", name,
                              declared);
    for (size_t i = 0; i < mseq_value_length(names); i++) {
        const char *column = mseq_value_get_text(mseq_array_get(names, i));
        if (!column || !has_column(contract, column))
            return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                  "index_names: the table '%s' has no column '%s'",
                                  manager_contract_table_name(contract), column ? column : "");
    }
    return MSEQ_OK;
}

/* Cadence and profile, as far as the request says something about them. */
static mseq_status apply_time_index(manager_row *row, const mseq_value *request, mseq_error *err) {
    mseq_status status = check_time_index(request, err);
    if (status != MSEQ_OK)
        return status;
    const mseq_value *layout = mseq_object_get(
        mseq_object_get(mseq_object_get(request, "table_contract"), "authoring"), "time_indexed");
    const mseq_value *cadence = mseq_object_get(request, "cadence");
    if (!cadence)
        cadence = mseq_object_get(layout, "cadence");
    manager_draft profile;
    manager_draft_object(&profile);
    manager_put_copy(&profile, "time_index_name", mseq_object_get(request, "time_index_name"));
    manager_put_copy(&profile, "partition_strategy",
                     mseq_object_get(request, "partition_strategy"));
    mseq_value *made = manager_draft_take(&profile);
    mseq_value *copy = cadence ? mseq_value_dup(cadence) : mseq_value_null();
    if (mseq_object_put(row->document, "cadence", copy) != MSEQ_OK) {
        mseq_value_free(made);
        return mseq_error_no_memory(err);
    }
    if (mseq_object_put(row->document, "time_indexed_profile", made) != MSEQ_OK)
        return mseq_error_no_memory(err);
    return manager_row_refresh_profile(row->document, err);
}

/* ---- Schema management -------------------------------------------------------------------------
 */

/* A reservation says it in flat keys, a registration as an object. */
static mseq_value *management_of_reservation(const mseq_value *request) {
    manager_draft management, alembic;
    manager_draft_object(&management);
    bool managed = mseq_object_get_boolean(request, "is_alembic_managed", true);
    manager_put_text(&management, "mode", managed ? "alembic_managed" : "backend_managed");
    manager_draft_object(&alembic);
    manager_put_copy(&alembic, "package", mseq_object_get(request, "migration_package"));
    manager_put_copy(&alembic, "migration_namespace",
                     mseq_object_get(request, "migration_namespace"));
    manager_put_copy(&alembic, "provider_key", mseq_object_get(request, "migration_provider_key"));
    manager_put_copy(&alembic, "alembic_version_meta_table_uid",
                     mseq_object_get(request, "alembic_version_meta_table_uid"));
    manager_put_draft(&management, "alembic", &alembic);
    return manager_draft_take(&management);
}

static mseq_value *provider_key_of(const mseq_value *alembic) {
    const mseq_value *given = mseq_object_get(alembic, "provider_key");
    if (mseq_value_kind(given) == MSEQ_STRING)
        return mseq_value_dup(given);
    const char *package = mseq_object_get_text(alembic, "package");
    const char *name_space = mseq_object_get_text(alembic, "migration_namespace");
    mseq_buffer key = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&key, "%s:%s", package ? package : "", name_space ? name_space : "");
    mseq_value *value = key.status == MSEQ_OK ? mseq_value_string(mseq_buffer_text(&key)) : NULL;
    mseq_buffer_free(&key);
    return value;
}

/* The flat keys of a row follow its schema_management object. */
static void put_management(manager_draft *document, const mseq_value *management) {
    const char *mode = mseq_object_get_text(management, "mode");
    const mseq_value *alembic = mseq_object_get(management, "alembic");
    manager_put_text(document, "schema_management_mode", mode);
    manager_put_copy(document, "schema_management", management);
    if (!alembic)
        return;
    manager_put_copy(document, "migration_package", mseq_object_get(alembic, "package"));
    manager_put_copy(document, "migration_namespace",
                     mseq_object_get(alembic, "migration_namespace"));
    manager_put(document, "migration_provider_key", provider_key_of(alembic));
    if (mseq_object_get(alembic, "alembic_version_meta_table_uid"))
        manager_put_copy(document, "alembic_version_meta_table_uid",
                         mseq_object_get(alembic, "alembic_version_meta_table_uid"));
}

static mseq_value *management_of(const mseq_value *request, bool reservation) {
    const mseq_value *given = mseq_object_get(request, "schema_management");
    if (reservation)
        return management_of_reservation(request);
    if (given)
        return mseq_value_dup(given);
    const char *mode = mseq_object_get_text(request, "management_mode");
    manager_draft management;
    manager_draft_object(&management);
    manager_put_text(&management, "mode",
                     mode && strcmp(mode, "external_registered") == 0 ? mode : "backend_managed");
    return manager_draft_take(&management);
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static void put_request(manager_draft *document, const mseq_value *request, bool reservation) {
    const char *const keys[] = {"identifier", "namespace", "description"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const mseq_value *value = mseq_object_get(request, keys[i]);
        if (mseq_value_kind(value) == MSEQ_STRING && mseq_value_get_text_length(value) > 0)
            manager_put_copy(document, keys[i], value);
    }
    const mseq_value *labels = mseq_object_get(request, "labels");
    mseq_value *normalized = NULL;
    if (mseq_value_length(labels) > 0) {
        if (manager_labels_normalize(labels, &normalized, NULL) == MSEQ_OK)
            manager_put(document, "labels", normalized);
        else
            document->failed = true;
    }
    if (reservation || mseq_object_get(request, "schema_management")) {
        mseq_value *management = management_of(request, reservation);
        if (management)
            put_management(document, management);
        else
            document->failed = true;
        mseq_value_free(management);
    }
    const mseq_value *contract = mseq_object_get(request, "table_contract");
    manager_put_copy(document, "table_contract", contract);
    manager_put_copy(document, "contract_version", mseq_object_get(contract, "version"));
    manager_put_boolean(document, "protect_from_deletion",
                        mseq_object_get_boolean(request, "protect_from_deletion", false));
}

static void put_skeleton(manager_draft *document, const manager_call *call,
                         const mseq_value *request, const char *uid, const char *created) {
    static const char *const lists[] = {"columns", "indexes_meta", "foreign_keys", "incoming_fks"};
    const mseq_value *contract = mseq_object_get(request, "table_contract");
    manager_put_text(document, "uid", uid);
    manager_put_copy(document, "data_source_uid", mseq_object_get(request, "data_source_uid"));
    manager_put_text(document, "identifier", NULL);
    manager_put_text(document, "namespace", NULL);
    manager_put_text(document, "description", NULL);
    manager_put(document, "labels", mseq_value_array());
    manager_put_text(document, "management_mode",
                     mseq_object_get_text(request, "management_mode")
                         ? mseq_object_get_text(request, "management_mode")
                         : "platform_managed");
    manager_put_text(document, "provisioning_status", "reserved");
    manager_put_text(document, "schema_management_mode", NULL);
    manager_put(document, "schema_management", mseq_value_object());
    manager_put_text(document, "migration_package", NULL);
    manager_put_text(document, "migration_namespace", NULL);
    manager_put_text(document, "migration_provider_key", NULL);
    manager_put_text(document, "alembic_version_meta_table_uid", NULL);
    manager_put_text(document, "alembic_revision", NULL);
    manager_put_text(document, "physical_table_name", manager_contract_table_name(contract));
    manager_put(document, "table_contract", mseq_value_object());
    manager_put_text(document, "contract_version", NULL);
    manager_put_text(document, "table_kind", call->time_indexed ? "time_indexed" : "relational");
    manager_put_boolean(document, "time_indexed", call->time_indexed);
    manager_put(document, "introspection_snapshot", mseq_value_object());
    manager_put_boolean(document, "protect_from_deletion", false);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        manager_put(document, lists[i], mseq_value_array());
    manager_put_text(document, "creation_date", created);
    manager_put_text(document, "created_by_user_uid", call->caller->user_uid);
    manager_put_text(document, "organization_owner_uid", call->caller->organization_uid);
}

mseq_status manager_row_new(const manager_call *call, const mseq_value *request, bool reservation,
                            manager_row *row, mseq_error *err) {
    char uid[MANAGER_UID_SIZE], created[32];
    if (mseq_uuid_new(uid) != MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_IO, "no random uid");
    mseq_time_format(mseq_time_now(), false, created);
    manager_draft document;
    manager_draft_object(&document);
    put_skeleton(&document, call, request, uid, created);
    mseq_value *management = management_of(request, reservation);
    if (management)
        put_management(&document, management);
    else
        document.failed = true;
    mseq_value_free(management);
    put_request(&document, request, reservation);
    manager_put(&document, "columns",
                manager_columns_of_contract(mseq_object_get(request, "table_contract")));
    manager_row made = {.document = manager_draft_take(&document),
                        .time_indexed = call->time_indexed};
    if (!made.document)
        return mseq_error_no_memory(err);
    mseq_status status = call->time_indexed ? apply_time_index(&made, request, err) : MSEQ_OK;
    if (status != MSEQ_OK) {
        manager_row_free(&made);
        return status;
    }
    *row = made;
    return MSEQ_OK;
}

/* Labels, descriptions and logical names are the author's; types and keys of a table that was
 * introspected are the database's. */
static mseq_status describe_columns(mseq_value *document, const mseq_value *contract,
                                    mseq_error *err) {
    static const char *const keys[] = {"label", "description", "logical_name"};
    const mseq_value *declared = mseq_object_get(contract, "columns");
    mseq_value *columns = mseq_object_peek(document, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        mseq_value *column = mseq_array_peek(columns, i);
        const mseq_value *from =
            manager_find_by_name(declared, mseq_object_get_text(column, "name"));
        for (size_t k = 0; from && k < sizeof keys / sizeof *keys; k++) {
            const mseq_value *text = mseq_object_get(from, keys[k]);
            if (text && mseq_object_put(column, keys[k], mseq_value_dup(text)) != MSEQ_OK)
                return mseq_error_no_memory(err);
        }
    }
    return MSEQ_OK;
}

mseq_status manager_row_apply(manager_row *row, const mseq_value *request, bool reservation,
                              mseq_error *err) {
    const mseq_value *contract = mseq_object_get(request, "table_contract");
    manager_draft document = {row->document, false};
    put_request(&document, request, reservation);
    bool introspected =
        mseq_value_length(mseq_object_get(row->document, "introspection_snapshot")) > 0;
    if (!introspected)
        manager_put(&document, "columns", manager_columns_of_contract(contract));
    if (document.failed)
        return mseq_error_no_memory(err);
    mseq_status status = introspected ? describe_columns(row->document, contract, err) : MSEQ_OK;
    if (status == MSEQ_OK && row->time_indexed)
        status = apply_time_index(row, request, err);
    return status;
}
