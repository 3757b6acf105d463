/* SPDX-License-Identifier: MIT
 * Registration, reservation, finalization and migration connection: what arrives at a TS Manager.
 */
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "field.h"

static const char *const management_modes[] = {"external_registered", "platform_managed", NULL};
static const char *const schema_modes[] = {"backend_managed", "alembic_managed",
                                           "external_registered", NULL};
static const char *const platform_managed[] = {"platform_managed", NULL};
static const char *const reserved[] = {"reserved", NULL};
static const char *const migration_purposes[] = {"schema_migration", NULL};

static const mseq_field alembic_fields[] = {
    {.name = "package", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "migration_namespace", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "provider_key", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "alembic_version_meta_table_uid",
     .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "revision", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = NULL},
};

static const mseq_field schema_management_fields[] = {
    {.name = "mode", .flags = MSEQ_FIELD_REQUIRED, .choices = schema_modes},
    {.name = "alembic",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = alembic_fields},
    {.name = NULL},
};

static const mseq_field provisioning_fields[] = {
    {.name = "create_table", .type = MSEQ_FIELD_BOOLEAN, .fallback = "true"},
    {.name = "if_not_exists", .type = MSEQ_FIELD_BOOLEAN, .fallback = "true"},
    {.name = NULL},
};

/* Sent by later SDKs than 4.4.0; it says what table_contract.physical.schema says. */
#define PHYSICAL_SCHEMA_FIELD                                                                      \
    { .name = "physical_schema", .flags = MSEQ_FIELD_OMIT_NULL }

static const mseq_field registration_fields[] = {
    {.name = "data_source_uid", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    PHYSICAL_SCHEMA_FIELD,
    {.name = "table_contract", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_REQUIRED},
    {.name = "identifier", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "namespace", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "description", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "protect_from_deletion", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
    {.name = "labels", .type = MSEQ_FIELD_STRINGS, .fallback = ""},
    {.name = "schema_management",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = schema_management_fields},
    {.name = "management_mode", .flags = MSEQ_FIELD_REQUIRED, .choices = management_modes},
    {.name = "provisioning",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = provisioning_fields},
    {.name = "introspect", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
    {.name = "storage_hash", .type = MSEQ_FIELD_IGNORED},
    {.name = NULL},
};

static const mseq_field time_indexed_registration_fields[] = {
    {.name = "data_source_uid", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    PHYSICAL_SCHEMA_FIELD,
    {.name = "identifier", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "namespace", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "description", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "labels", .type = MSEQ_FIELD_STRINGS, .fallback = ""},
    {.name = "protect_from_deletion", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
    {.name = "schema_management",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = schema_management_fields},
    {.name = "provisioning",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fallback = "",
     .fields = provisioning_fields},
    {.name = "time_index_name", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "cadence", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "partition_strategy", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = "backend_default"},
    {.name = "table_contract", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_REQUIRED},
    {.name = "storage_hash", .type = MSEQ_FIELD_IGNORED},
    {.name = NULL},
};

/* The three last fields belong to time-indexed rows. */
#define RESERVATION_FIELDS                                                                         \
    {.name = "data_source_uid", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},              \
        {.name = "identifier", .flags = MSEQ_FIELD_KEEP_NULL},                                     \
        {.name = "namespace", .flags = MSEQ_FIELD_KEEP_NULL},                                      \
        {.name = "description", .flags = MSEQ_FIELD_KEEP_NULL},                                    \
        {.name = "labels", .type = MSEQ_FIELD_STRINGS, .fallback = ""},                            \
        {.name = "management_mode", .fallback = "platform_managed", .choices = platform_managed},  \
        {.name = "provisioning_status", .fallback = "reserved", .choices = reserved},              \
        {.name = "is_alembic_managed", .type = MSEQ_FIELD_BOOLEAN, .fallback = "true"},            \
        {.name = "migration_package", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},        \
        {.name = "migration_namespace", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},      \
        {.name = "migration_provider_key", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},  \
        {.name = "alembic_version_meta_table_uid",                                                 \
         .flags = MSEQ_FIELD_KEEP_NULL | MSEQ_FIELD_NOT_EMPTY},                                    \
        {.name = "alembic_revision", .flags = MSEQ_FIELD_KEEP_NULL}, PHYSICAL_SCHEMA_FIELD,        \
        {.name = "physical_table_name", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},      \
        {.name = "protect_from_deletion", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},        \
        {.name = "table_contract", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_REQUIRED}, {     \
        .name = "storage_hash", .type = MSEQ_FIELD_IGNORED                                         \
    }

static const mseq_field reservation_fields[] = {RESERVATION_FIELDS, {.name = NULL}};

static const mseq_field time_indexed_reservation_fields[] = {
    RESERVATION_FIELDS,
    {.name = "time_index_name", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "cadence", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "partition_strategy", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = "backend_default"},
    {.name = NULL},
};

static const mseq_field finalization_fields[] = {
    {.name = "meta_table_uids",
     .type = MSEQ_FIELD_STRINGS,
     .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "migration_package", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "migration_namespace", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "migration_provider_key", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "alembic_version_meta_table_uid", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "alembic_revision", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = NULL},
};

static const mseq_field migration_connection_fields[] = {
    {.name = "purpose", .fallback = "schema_migration", .choices = migration_purposes},
    {.name = "package", .fallback = ""},
    {.name = "migration_namespace", .fallback = ""},
    {.name = "ttl_seconds",
     .type = MSEQ_FIELD_INTEGER,
     .minimum = 1,
     .maximum = 86400,
     .fallback = "900"},
    {.name = NULL},
};

mseq_status wire_check_contract(mseq_value *record, const mseq_path *path, bool time_indexed,
                                mseq_error *err) {
    const mseq_path here = {path, "table_contract", 0};
    mseq_value *contract = mseq_object_peek(record, "table_contract"), *normalized = NULL;
    if (time_indexed && mseq_object_put_text(contract, "table_kind", "time_indexed") != MSEQ_OK)
        return mseq_error_no_memory(err);
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_contract_normalize(contract, &normalized, &cause);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        wire_refuse(&here, err, cause.code, "%s", cause.message);
        if (cause.hint[0])
            mseq_error_hint(err, "%s", cause.hint);
        return MSEQ_E_REQUEST;
    }
    if (mseq_object_put(record, "table_contract", normalized) != MSEQ_OK)
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

/* After wire_check_contract. The record keeps the schema in one place, the contract. */
static mseq_status check_physical_schema(mseq_value *record, const mseq_path *path,
                                         mseq_error *err) {
    const char *given = mseq_object_get_text(record, "physical_schema");
    mseq_value *physical = mseq_object_peek(mseq_object_peek(record, "table_contract"), "physical");
    const char *declared = mseq_object_get_text(physical, "schema");
    const mseq_path here = {path, "physical_schema", 0};
    if (!given)
        return MSEQ_OK;
    if (declared && *given && strcmp(given, declared) != 0)
        return wire_refuse(&here, err, "bad_value", "'%s' differs from the contract's '%s'", given,
                           declared);
    if (!declared && *given && physical &&
        mseq_object_put_text(physical, "schema", given) != MSEQ_OK)
        return mseq_error_no_memory(err);
    mseq_object_remove(record, "physical_schema");
    return MSEQ_OK;
}

mseq_status wire_check_cadence(mseq_value *record, const mseq_path *path, mseq_error *err) {
    const char *text = mseq_object_get_text(record, "cadence");
    if (!text)
        return MSEQ_OK;
    const mseq_path here = {path, "cadence", 0};
    char *cadence = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_contract_normalize_cadence(text, &cadence, &cause);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK)
        return wire_refuse(&here, err, "bad_value", "%s", cause.message);
    if (!cadence)
        mseq_object_remove(record, "cadence");
    else if (mseq_object_put_text(record, "cadence", cadence) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    free(cadence);
    return status;
}

mseq_status wire_complete_provider_key(mseq_value *record, mseq_error *err) {
    const char *package = mseq_object_get_text(record, "migration_package");
    const char *name_space = mseq_object_get_text(record, "migration_namespace");
    if (mseq_object_get_text(record, "migration_provider_key") || !package || !name_space)
        return MSEQ_OK;
    char *key = mseq_text_format("%s:%s", package, name_space);
    mseq_status status =
        key ? mseq_object_put_text(record, "migration_provider_key", key) : MSEQ_E_NO_MEMORY;
    free(key);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status check_modes(const mseq_value *record, mseq_error *err) {
    const mseq_value *management = mseq_object_get(record, "schema_management");
    const char *mode = mseq_object_get_text(management, "mode");
    const mseq_path top = {NULL, "schema_management", 0}, here = {&top, "alembic", 0};
    if (mode && strcmp(mode, "alembic_managed") == 0 && !mseq_object_get(management, "alembic"))
        return wire_refuse(&here, err, "missing_field", "is required with mode alembic_managed");
    const mseq_path provisioning = {NULL, "provisioning", 0};
    const char *kind = mseq_object_get_text(record, "management_mode");
    if (kind && strcmp(kind, "external_registered") == 0 &&
        mseq_object_get_boolean(mseq_object_get(record, "provisioning"), "create_table", false))
        return wire_refuse(&provisioning, err, "bad_value",
                           "a table of mode external_registered is never created here");
    return MSEQ_OK;
}

mseq_status mseq_wire_validate_registration(const mseq_value *request, bool time_indexed,
                                            mseq_value **normalized, mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status = mseq_record_check(
        request, MSEQ_E_REQUEST, NULL,
        time_indexed ? time_indexed_registration_fields : registration_fields, &record, err);
    if (status == MSEQ_OK)
        status = check_modes(record, err);
    if (status == MSEQ_OK)
        status = wire_check_cadence(record, NULL, err);
    if (status == MSEQ_OK)
        status = wire_check_contract(record, NULL, time_indexed, err);
    if (status == MSEQ_OK)
        status = check_physical_schema(record, NULL, err);
    if (status != MSEQ_OK) {
        mseq_value_free(record);
        return status;
    }
    *normalized = record;
    return MSEQ_OK;
}

static mseq_status check_reservation(const mseq_value *row, const mseq_path *path,
                                     bool time_indexed, mseq_value **out, mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status = mseq_record_check(
        row, MSEQ_E_REQUEST, path,
        time_indexed ? time_indexed_reservation_fields : reservation_fields, &record, err);
    if (status == MSEQ_OK)
        status = wire_check_cadence(record, path, err);
    if (status == MSEQ_OK)
        status = wire_check_contract(record, path, time_indexed, err);
    if (status == MSEQ_OK)
        status = check_physical_schema(record, path, err);
    if (status == MSEQ_OK)
        status = wire_complete_provider_key(record, err);
    if (status == MSEQ_OK) {
        const mseq_value *contract = mseq_object_get(record, "table_contract");
        const char *name = mseq_object_get_text(record, "physical_table_name");
        const char *contract_name =
            mseq_object_get_text(mseq_object_get(contract, "physical"), "table_name");
        const mseq_path here = {path, "physical_table_name", 0};
        if (!contract_name || strcmp(name, contract_name) != 0)
            status = wire_refuse(&here, err, "bad_value", "'%s' differs from the contract's '%s'",
                                 name, contract_name ? contract_name : "");
    }
    if (status != MSEQ_OK) {
        mseq_value_free(record);
        return status;
    }
    *out = record;
    return MSEQ_OK;
}

mseq_status mseq_wire_validate_reservation(const mseq_value *rows, bool time_indexed,
                                           mseq_value **normalized, mseq_error *err) {
    if (mseq_value_kind(rows) != MSEQ_ARRAY)
        return wire_refuse(NULL, err, "wrong_kind", "must be an array of rows, not %s",
                           mseq_kind_name(mseq_value_kind(rows)));
    mseq_value *array = mseq_value_array();
    mseq_status status = array ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(rows) && status == MSEQ_OK; i++) {
        const mseq_path path = {NULL, NULL, i};
        mseq_value *row = NULL;
        status = check_reservation(mseq_array_get(rows, i), &path, time_indexed, &row, err);
        if (status == MSEQ_OK && mseq_array_add(array, row) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(array);
        return status;
    }
    *normalized = array;
    return MSEQ_OK;
}

/* The array without repetitions, first place kept. */
static mseq_status drop_duplicates(mseq_value *record, const char *key, mseq_error *err) {
    const mseq_value *array = mseq_object_get(record, key);
    mseq_value *seen = mseq_value_object(), *unique = mseq_value_array();
    mseq_status status = seen && unique ? MSEQ_OK : MSEQ_E_NO_MEMORY;
    for (size_t i = 0; i < mseq_value_length(array) && status == MSEQ_OK; i++) {
        const char *text = mseq_value_get_text(mseq_array_get(array, i));
        if (mseq_object_get(seen, text))
            continue;
        status = mseq_object_put_boolean(seen, text, true);
        if (status == MSEQ_OK)
            status = mseq_array_add(unique, mseq_value_string(text));
    }
    mseq_value_free(seen);
    if (status != MSEQ_OK) {
        mseq_value_free(unique);
        return mseq_error_no_memory(err);
    }
    return mseq_object_put(record, key, unique) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status mseq_wire_validate_finalization(const mseq_value *request, mseq_value **normalized,
                                            mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status =
        mseq_record_check(request, MSEQ_E_REQUEST, NULL, finalization_fields, &record, err);
    if (status == MSEQ_OK)
        status = drop_duplicates(record, "meta_table_uids", err);
    if (status == MSEQ_OK)
        status = wire_complete_provider_key(record, err);
    if (status != MSEQ_OK) {
        mseq_value_free(record);
        return status;
    }
    *normalized = record;
    return MSEQ_OK;
}

mseq_status mseq_wire_validate_migration_connection(const mseq_value *request,
                                                    mseq_value **normalized, mseq_error *err) {
    return mseq_record_check(request, MSEQ_E_REQUEST, NULL, migration_connection_fields, normalized,
                             err);
}
