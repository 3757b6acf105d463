/* SPDX-License-Identifier: MIT
 * Requests built from tables. Key order is the reference's (golden README, "Key order"). */
#include <stdlib.h>

#include "document.h"

bool mseq_wire_is_time_indexed(const mseq_table *table) {
    return mseq_table_get_meta(table)->kind == MSEQ_TABLE_TIME_INDEX;
}

/* What the builders of this file need besides the table. */
typedef struct request_parts {
    const mseq_table *table;
    const mseq_table_meta *meta;
    const mseq_wire_options *options;
    mseq_value *contract; /* owned */
    char *cadence;        /* owned, NULL when there is none */
} request_parts;

static void free_parts(request_parts *parts) {
    mseq_value_free(parts->contract);
    free(parts->cadence);
}

static mseq_status check_options(const mseq_table *table, const mseq_wire_options *options,
                                 mseq_error *err) {
    if (!options || !options->data_source_uid || !*options->data_source_uid) {
        mseq_error_set(err, MSEQ_E_REQUEST, "table '%s': no data source is given",
                       mseq_table_name(table));
        mseq_error_hint(err, "pass data_source_uid, or set it on the model");
        return MSEQ_E_REQUEST;
    }
    return MSEQ_OK;
}

static mseq_status check_managed(const request_parts *parts, mseq_error *err) {
    if (parts->meta->kind == MSEQ_TABLE_PLAIN) {
        mseq_error_set(err, MSEQ_E_REQUEST, "table '%s' is a plain table, not platform-managed",
                       mseq_table_name(parts->table));
        mseq_error_hint(err, "register it with the external registration request");
        return MSEQ_E_REQUEST;
    }
    return mseq_contract_require_namespace(parts->table, NULL, err);
}

static mseq_status gather(const mseq_table *table, const mseq_wire_options *options,
                          const mseq_contract_options *contract_options, request_parts *parts,
                          mseq_error *err) {
    *parts = (request_parts){table, mseq_table_get_meta(table), options, NULL, NULL};
    mseq_status status = check_options(table, options, err);
    if (status == MSEQ_OK && !contract_options->relational)
        status = check_managed(parts, err);
    if (status == MSEQ_OK && !contract_options->relational && parts->meta->cadence) {
        status = mseq_contract_normalize_cadence(parts->meta->cadence, &parts->cadence, err);
        if (status != MSEQ_OK)
            mseq_error_prefix(err, "table '%s': ", mseq_table_name(table));
    }
    if (status == MSEQ_OK)
        status = mseq_contract_build(table, contract_options, &parts->contract, err);
    if (status != MSEQ_OK)
        free_parts(parts);
    return status;
}

static mseq_contract_options contract_options_for(const mseq_wire_options *options) {
    mseq_contract_options contract_options = MSEQ_CONTRACT_OPTIONS_INIT;
    contract_options.authoring_kind = options ? options->authoring_kind : NULL;
    return contract_options;
}

/* The contract moves into the document. */
static void put_contract(wire_document *document, request_parts *parts) {
    wire_put(document, "table_contract", parts->contract);
    parts->contract = NULL;
}

static void put_provider_key(wire_document *document, const char *key,
                             const mseq_wire_options *options) {
    if (options->migration_provider_key) {
        wire_put_text(document, key, options->migration_provider_key);
        return;
    }
    char *text =
        mseq_text_format("%s:%s", options->migration_package, options->migration_namespace);
    wire_put(document, key, text ? mseq_value_string(text) : NULL);
    free(text);
}

/* {"mode": "alembic_managed", "alembic": {…}} */
static void put_schema_management(wire_document *document, const mseq_wire_options *options) {
    wire_document alembic, management;
    wire_begin(&alembic);
    wire_put_text(&alembic, "package", options->migration_package);
    wire_put_text(&alembic, "migration_namespace", options->migration_namespace);
    put_provider_key(&alembic, "provider_key", options);
    wire_put_text_if(&alembic, "alembic_version_meta_table_uid",
                     options->alembic_version_meta_table_uid);
    wire_begin(&management);
    wire_put_text(&management, "mode", "alembic_managed");
    wire_put_document(&management, "alembic", &alembic);
    wire_put_document(document, "schema_management", &management);
}

static void put_provisioning(wire_document *document, const mseq_value *given, bool refresh) {
    wire_document provisioning;
    wire_begin(&provisioning);
    wire_put_boolean(&provisioning, "create_table",
                     !refresh && mseq_object_get_boolean(given, "create_table", true));
    wire_put_boolean(&provisioning, "if_not_exists",
                     refresh || mseq_object_get_boolean(given, "if_not_exists", true));
    wire_put_document(document, "provisioning", &provisioning);
}

static mseq_status time_indexed_request(request_parts *parts, bool refresh, mseq_value **request,
                                        mseq_error *err) {
    const mseq_table_meta *meta = parts->meta;
    wire_document document;
    wire_begin(&document);
    wire_put_text(&document, "data_source_uid", parts->options->data_source_uid);
    wire_put_text_if(&document, "identifier", meta->identifier);
    wire_put_text_if(&document, "namespace", meta->meta_namespace);
    wire_put_text_if(&document, "description", meta->description);
    wire_put_copy(&document, "labels", meta->labels);
    wire_put_boolean(&document, "protect_from_deletion", meta->protect_from_deletion);
    if (refresh)
        put_schema_management(&document, parts->options);
    put_provisioning(&document, meta->provisioning, refresh);
    wire_put_text(&document, "time_index_name", meta->time_index_name);
    wire_put_text_if(&document, "cadence", parts->cadence);
    wire_put_text(&document, "partition_strategy", "backend_default");
    put_contract(&document, parts);
    return wire_end(&document, request, err);
}

static mseq_status relational_request(request_parts *parts, bool refresh, mseq_value **request,
                                      mseq_error *err) {
    const mseq_table_meta *meta = parts->meta;
    wire_document document;
    wire_begin(&document);
    wire_put_text(&document, "data_source_uid", parts->options->data_source_uid);
    put_contract(&document, parts);
    wire_put_text_if(&document, "identifier", meta->identifier);
    wire_put_text_if(&document, "namespace", meta->meta_namespace);
    wire_put_text_if(&document, "description", meta->description);
    wire_put_boolean(&document, "protect_from_deletion", meta->protect_from_deletion);
    wire_put_copy(&document, "labels", meta->labels);
    if (refresh)
        put_schema_management(&document, parts->options);
    wire_put_text(&document, "management_mode", "platform_managed");
    put_provisioning(&document, meta->provisioning, refresh);
    wire_put_boolean(&document, "introspect", meta->introspect == 1);
    return wire_end(&document, request, err);
}

static mseq_status managed_request(const mseq_table *table, const mseq_wire_options *options,
                                   bool refresh, mseq_value **request, mseq_error *err) {
    mseq_contract_options contract_options = contract_options_for(options);
    contract_options.with_schema = mseq_wire_is_time_indexed(table);
    request_parts parts;
    mseq_status status = gather(table, options, &contract_options, &parts, err);
    if (status != MSEQ_OK)
        return status;
    status = mseq_wire_is_time_indexed(table) ? time_indexed_request(&parts, refresh, request, err)
                                              : relational_request(&parts, refresh, request, err);
    free_parts(&parts);
    return status;
}

mseq_status mseq_wire_registration_request(const mseq_table *table,
                                           const mseq_wire_options *options, mseq_value **request,
                                           mseq_error *err) {
    return managed_request(table, options, false, request, err);
}

static mseq_status check_provider(const mseq_table *table, const mseq_wire_options *options,
                                  mseq_error *err) {
    if (options && options->migration_package && *options->migration_package &&
        options->migration_namespace && *options->migration_namespace)
        return MSEQ_OK;
    return mseq_error_set(err, MSEQ_E_REQUEST,
                          "table '%s': migration package and migration namespace are required",
                          mseq_table_name(table));
}

mseq_status mseq_wire_refresh_request(const mseq_table *table, const mseq_wire_options *options,
                                      mseq_value **request, mseq_error *err) {
    mseq_status status = check_provider(table, options, err);
    return status == MSEQ_OK ? managed_request(table, options, true, request, err) : status;
}

static void put_provider(wire_document *document, const mseq_wire_options *options) {
    wire_put_text(document, "migration_package", options->migration_package);
    wire_put_text(document, "migration_namespace", options->migration_namespace);
    put_provider_key(document, "migration_provider_key", options);
}

mseq_status mseq_wire_reservation_row(const mseq_table *table, const mseq_wire_options *options,
                                      mseq_value **row, mseq_error *err) {
    mseq_contract_options contract_options = contract_options_for(options);
    request_parts parts;
    mseq_status status = check_provider(table, options, err);
    if (status == MSEQ_OK)
        status = gather(table, options, &contract_options, &parts, err);
    if (status != MSEQ_OK)
        return status;
    wire_document document;
    wire_begin(&document);
    wire_put_text(&document, "data_source_uid", options->data_source_uid);
    wire_put_text(&document, "identifier", mseq_table_name(table));
    wire_put_text(&document, "namespace", parts.meta->meta_namespace);
    wire_put_text(&document, "description", parts.meta->description);
    wire_put_copy(&document, "labels", parts.meta->labels);
    wire_put_text(&document, "management_mode", "platform_managed");
    wire_put_text(&document, "provisioning_status", "reserved");
    wire_put_boolean(&document, "is_alembic_managed", true);
    put_provider(&document, options);
    wire_put_text(&document, "alembic_version_meta_table_uid",
                  options->alembic_version_meta_table_uid);
    wire_put_text(&document, "alembic_revision", NULL);
    wire_put_text(&document, "physical_table_name", mseq_table_name(table));
    wire_put_boolean(&document, "protect_from_deletion", parts.meta->protect_from_deletion);
    put_contract(&document, &parts);
    if (mseq_wire_is_time_indexed(table)) {
        wire_put_text(&document, "time_index_name", parts.meta->time_index_name);
        wire_put_text_if(&document, "cadence", parts.cadence);
        wire_put_text(&document, "partition_strategy", "backend_default");
    }
    status = wire_end(&document, row, err);
    free_parts(&parts);
    return status;
}

mseq_status mseq_wire_external_registration_request(const mseq_table *table,
                                                    const mseq_wire_options *options,
                                                    mseq_value **request, mseq_error *err) {
    mseq_contract_options contract_options = contract_options_for(options);
    contract_options.relational = true;
    request_parts parts;
    mseq_status status = gather(table, options, &contract_options, &parts, err);
    if (status != MSEQ_OK)
        return status;
    const mseq_table_meta *meta = parts.meta;
    wire_document document;
    wire_begin(&document);
    wire_put_text(&document, "data_source_uid", options->data_source_uid);
    put_contract(&document, &parts);
    wire_put_text_if(&document, "identifier", meta->identifier);
    wire_put_text_if(&document, "namespace",
                     options->meta_namespace ? options->meta_namespace : meta->meta_namespace);
    wire_put_text_if(&document, "description", meta->description);
    wire_put_boolean(&document, "protect_from_deletion", meta->protect_from_deletion);
    wire_put_copy(&document, "labels", options->labels ? options->labels : meta->labels);
    wire_put_text(&document, "management_mode", "external_registered");
    wire_put_boolean(&document, "introspect", meta->introspect != 0);
    status = wire_end(&document, request, err);
    free_parts(&parts);
    return status;
}

/* The one column of Alembic's version table. */
static void put_version_columns(wire_document *contract, const char *version_column) {
    wire_document column;
    wire_begin(&column);
    wire_put_text(&column, "name", version_column);
    wire_put_text(&column, "data_type", "string");
    wire_put_text(&column, "backend_type", "VARCHAR");
    wire_put_boolean(&column, "nullable", false);
    wire_put_boolean(&column, "primary_key", true);
    wire_put_boolean(&column, "unique", false);
    mseq_value *columns = mseq_value_array(), *value = NULL;
    mseq_error ignored = MSEQ_ERROR_INIT; /* the document below reports the lack of memory */
    bool complete = columns && wire_end(&column, &value, &ignored) == MSEQ_OK &&
                    mseq_array_add(columns, value) == MSEQ_OK;
    wire_abandon(&column);
    if (!complete) {
        mseq_value_free(columns);
        columns = NULL;
    }
    wire_put(contract, "columns", columns);
}

static void put_version_contract(wire_document *document, const char *schema,
                                 const char *table_name, const char *version_column) {
    wire_document contract, physical, authoring;
    wire_begin(&physical);
    wire_put_text(&physical, "table_name", table_name);
    wire_begin(&contract);
    wire_put_text(&contract, "version", MSEQ_CONTRACT_VERSION);
    wire_put_document(&contract, "physical", &physical);
    put_version_columns(&contract, version_column);
    wire_put(&contract, "constraints", mseq_value_array());
    wire_begin(&authoring);
    wire_put_text(&authoring, "owner", "alembic");
    wire_put_text(&authoring, "schema", schema);
    wire_put_text(&authoring, "version_table", table_name);
    wire_put_document(&contract, "authoring", &authoring);
    wire_put_document(document, "table_contract", &contract);
}

mseq_status mseq_wire_alembic_version_request(const char *data_source_uid, const char *identifier,
                                              const char *meta_namespace, const char *description,
                                              const char *schema, const char *table_name,
                                              const char *version_column, mseq_value **request,
                                              mseq_error *err) {
    if (!data_source_uid || !*data_source_uid || !table_name || !*table_name)
        return mseq_error_set(err, MSEQ_E_REQUEST,
                              "a version table needs a data source and a table name");
    wire_document document;
    wire_begin(&document);
    wire_put_text(&document, "data_source_uid", data_source_uid);
    put_version_contract(&document, schema ? schema : "public", table_name,
                         version_column ? version_column : "version_num");
    wire_put_text_if(&document, "identifier", identifier);
    wire_put_text_if(&document, "namespace", meta_namespace);
    wire_put_text(&document, "description",
                  description ? description : "Alembic revision state table.");
    wire_put_boolean(&document, "protect_from_deletion", false);
    wire_put(&document, "labels", mseq_value_array());
    wire_put_text(&document, "management_mode", "external_registered");
    wire_put_boolean(&document, "introspect", false);
    return wire_end(&document, request, err);
}
