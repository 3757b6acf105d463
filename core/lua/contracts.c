/* SPDX-License-Identifier: MIT
 *
 * Documents made of tables: contracts, fingerprints, requests; and the checks of documents that
 * stand alone. All of it is pure, so every failure is a wrong declaration or argument and raises.
 */
#include <string.h>

#include "binding.h"

/* Pushes the document in the first slot of the scratch.   [-0, +1, v] */
static int document_result(lua_State *L, const mseqi_scratch *scratch, mseq_status status,
                           const mseq_error *err) {
    mseqi_check(L, status, err);
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

/* Whether the list option `include` names `word`; another word raises. */
static void read_include(lua_State *L, int argument, mseq_contract_options *options) {
    if (lua_isnoneornil(L, argument) || lua_getfield(L, argument, "include") == LUA_TNIL) {
        return;
    }
    int list = lua_gettop(L);
    if (!lua_istable(L, list)) {
        luaL_argerror(L, argument, "option 'include' is a list of \"indexes\", \"foreign_keys\"");
    }
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, list); i++) {
        lua_rawgeti(L, list, i);
        const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        if (strcmp(word, "indexes") == 0) {
            options->include_indexes = true;
        } else if (strcmp(word, "foreign_keys") == 0) {
            options->include_foreign_keys = true;
        } else {
            mseq_error err = MSEQ_ERROR_INIT;
            mseq_error_set(&err, MSEQ_E_ARGUMENT, "option 'include': unknown part '%s'", word);
            mseq_error_hint(&err, "the parts are \"indexes\" and \"foreign_keys\"");
            mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
        }
        lua_pop(L, 1);
    }
}

/* table:contract(options?) -> contract    [-0, +1, v] */
static int table_contract(lua_State *L) {
    static const char *const names[] = {"authoring_kind", "relational", "with_schema", "include",
                                        NULL};
    const mseq_table *table = mseqi_check_table(L, 1);
    mseqi_check_options(L, 2, names);
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.authoring_kind = mseqi_option_text(L, 2, "authoring_kind");
    options.relational = mseqi_option_boolean(L, 2, "relational", false);
    options.with_schema = mseqi_option_boolean(L, 2, "with_schema", false);
    read_include(L, 2, &options);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return document_result(L, scratch,
                           mseq_contract_build(table, &options, &scratch->values[0], &err), &err);
}

/* table:fingerprint(options?) -> fingerprint, canonical_text    [-0, +2, v] */
static int table_fingerprint(lua_State *L) {
    static const char *const names[] = {
        "namespace", "schema", "hash_namespace", "extra_components", "include_table_name", NULL};
    const mseq_table *table = mseqi_check_table(L, 1);
    mseqi_check_options(L, 2, names);
    mseq_fingerprint_options options = MSEQ_FINGERPRINT_OPTIONS_INIT;
    options.fingerprint_namespace = mseqi_option_text(L, 2, "namespace");
    options.schema = mseqi_option_text(L, 2, "schema");
    options.hash_namespace = mseqi_option_text(L, 2, "hash_namespace");
    options.without_table_name = !mseqi_option_boolean(L, 2, "include_table_name", true);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_option_value(L, 2, "extra_components", &scratch->values[0]);
    options.extra_components = scratch->values[0];
    char fingerprint[MSEQ_FINGERPRINT_SIZE];
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_fingerprint_table(table, &options, fingerprint, &scratch->buffer, &err),
                &err);
    lua_pushstring(L, fingerprint);
    lua_pushlstring(L, mseq_buffer_text(&scratch->buffer), scratch->buffer.length);
    return 2;
}

/* Reads the options that requests share.   [-0, +0, v] */
static void read_request_options(lua_State *L, int argument, mseq_wire_options *options) {
    static const char *const names[] = {"data_source_uid",
                                        "authoring_kind",
                                        "migration_package",
                                        "migration_namespace",
                                        "migration_provider_key",
                                        "alembic_version_meta_table_uid",
                                        "labels",
                                        "namespace",
                                        NULL};
    mseqi_check_options(L, argument, names);
    options->data_source_uid = mseqi_option_required(L, argument, "data_source_uid");
    options->authoring_kind = mseqi_option_text(L, argument, "authoring_kind");
    options->migration_package = mseqi_option_text(L, argument, "migration_package");
    options->migration_namespace = mseqi_option_text(L, argument, "migration_namespace");
    options->migration_provider_key = mseqi_option_text(L, argument, "migration_provider_key");
    options->alembic_version_meta_table_uid =
        mseqi_option_text(L, argument, "alembic_version_meta_table_uid");
    options->meta_namespace = mseqi_option_text(L, argument, "namespace");
}

typedef mseq_status (*request_builder)(const mseq_table *table, const mseq_wire_options *options,
                                       mseq_value **request, mseq_error *err);

static int build_request(lua_State *L, request_builder build) {
    const mseq_table *table = mseqi_check_table(L, 1);
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    read_request_options(L, 2, &options);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_option_value(L, 2, "labels", &scratch->values[1]);
    options.labels = scratch->values[1];
    mseq_error err = MSEQ_ERROR_INIT;
    return document_result(L, scratch, build(table, &options, &scratch->values[0], &err), &err);
}

/* table:registration_request(options) -> request    [-0, +1, v] */
static int table_registration_request(lua_State *L) {
    return build_request(L, mseq_wire_registration_request);
}

/* table:reservation_row(options) -> row    [-0, +1, v] */
static int table_reservation_row(lua_State *L) {
    return build_request(L, mseq_wire_reservation_row);
}

/* table:external_registration_request(options) -> request    [-0, +1, v] */
static int table_external_request(lua_State *L) {
    return build_request(L, mseq_wire_external_registration_request);
}

/* table:refresh_request(options) -> request    [-0, +1, v] */
static int table_refresh_request(lua_State *L) {
    return build_request(L, mseq_wire_refresh_request);
}

const luaL_Reg mseqi_table_document_methods[] = {
    {"contract", table_contract},
    {"fingerprint", table_fingerprint},
    {"registration_request", table_registration_request},
    {"reservation_row", table_reservation_row},
    {"external_registration_request", table_external_request},
    {"refresh_request", table_refresh_request},
    {NULL, NULL},
};

/* core.alembic_version_request(options) -> request    [-0, +1, v] */
static int alembic_version_request(lua_State *L) {
    static const char *const names[] = {"data_source_uid", "identifier", "namespace",
                                        "description",     "schema",     "table_name",
                                        "version_column",  NULL};
    mseqi_check_options(L, 1, names);
    const char *data_source_uid = mseqi_option_required(L, 1, "data_source_uid");
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return document_result(
        L, scratch,
        mseq_wire_alembic_version_request(
            data_source_uid, mseqi_option_text(L, 1, "identifier"),
            mseqi_option_text(L, 1, "namespace"), mseqi_option_text(L, 1, "description"),
            mseqi_option_text(L, 1, "schema"), mseqi_option_text(L, 1, "table_name"),
            mseqi_option_text(L, 1, "version_column"), &scratch->values[0], &err),
        &err);
}

/* core.build_meta_table_storage_hash(options) -> fingerprint    [-0, +1, v] */
static int storage_hash(lua_State *L) {
    static const char *const names[] = {"namespace", "identifier", "schema", "hash_namespace",
                                        NULL};
    mseqi_check_options(L, 1, names);
    char fingerprint[MSEQ_FINGERPRINT_SIZE];
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L,
                mseq_fingerprint_storage(
                    mseqi_option_text(L, 1, "namespace"), mseqi_option_text(L, 1, "identifier"),
                    mseqi_option_text(L, 1, "schema"), mseqi_option_text(L, 1, "hash_namespace"),
                    fingerprint, &err),
                &err);
    lua_pushstring(L, fingerprint);
    return 1;
}

/* core.build_meta_table_configured_storage_hash(options) -> fingerprint    [-0, +1, v] */
static int configured_storage_hash(lua_State *L) {
    static const char *const names[] = {
        "namespace",      "schema",           "table_storage_identity",
        "hash_namespace", "extra_components", NULL};
    mseqi_check_options(L, 1, names);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_option_value(L, 1, "table_storage_identity", &scratch->values[0]);
    mseqi_option_value(L, 1, "extra_components", &scratch->values[1]);
    char fingerprint[MSEQ_FINGERPRINT_SIZE];
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L,
                mseq_fingerprint_configured_storage(
                    mseqi_option_text(L, 1, "namespace"), mseqi_option_text(L, 1, "schema"),
                    scratch->values[0], mseqi_option_text(L, 1, "hash_namespace"),
                    scratch->values[1], fingerprint, &err),
                &err);
    lua_pushstring(L, fingerprint);
    return 1;
}

typedef mseq_status (*document_check)(const mseq_value *document, mseq_value **normalized,
                                      mseq_error *err);

static int check_document(lua_State *L, const char *name, document_check check) {
    luaL_checkany(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 1, name, &scratch->values[1]);
    mseq_error err = MSEQ_ERROR_INIT;
    return document_result(L, scratch, check(scratch->values[1], &scratch->values[0], &err), &err);
}

/* core.normalize_contract(contract) -> normalized    [-0, +1, v] */
static int normalize_contract(lua_State *L) {
    return check_document(L, "contract", mseq_contract_normalize);
}

/* core.validate_operation(operation) -> normalized    [-0, +1, v] */
static int validate_operation(lua_State *L) {
    return check_document(L, "operation", mseq_wire_validate_operation);
}

/* core.normalize_data_type(text) -> token    [-0, +1, v] */
static int normalize_data_type(lua_State *L) {
    const char *text = mseqi_check_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_data_type_normalize(text, &scratch->texts[0], &err), &err);
    lua_pushstring(L, scratch->texts[0]);
    return 1;
}

/* core.normalize_backend_type(text) -> text | nil    [-0, +1, v] */
static int normalize_backend_type(lua_State *L) {
    const char *text = mseqi_optional_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_backend_type_normalize(text, &scratch->texts[0], &err), &err);
    lua_pushstring(L, scratch->texts[0]);
    return 1;
}

/* core.normalize_cadence(text) -> cadence | nil    [-0, +1, v] */
static int normalize_cadence(lua_State *L) {
    const char *text = mseqi_optional_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_contract_normalize_cadence(text, &scratch->texts[0], &err), &err);
    lua_pushstring(L, scratch->texts[0]);
    return 1;
}

/* core.compare_tables(declared, actual, dialect) -> differences    [-0, +1, v] */
static int compare_tables(lua_State *L) {
    const mseq_table *declared = mseqi_check_table(L, 1);
    const mseq_table *actual = mseqi_check_table(L, 2);
    mseq_dialect dialect = mseqi_check_dialect(L, 3);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(
        L, mseq_contract_compare_table(declared, actual, dialect, &scratch->values[0], &err), &err);
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

/* core.compare_contracts(declared, actual) -> differences    [-0, +1, v] */
static int compare_contracts(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 1, "declared", &scratch->values[1]);
    mseqi_check_value(L, 2, "actual", &scratch->values[2]);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(
        L, mseq_contract_compare(scratch->values[1], scratch->values[2], &scratch->values[0], &err),
        &err);
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

const luaL_Reg mseqi_contract_functions[] = {
    {"compare_tables", compare_tables},
    {"compare_contracts", compare_contracts},
    {"alembic_version_request", alembic_version_request},
    {"build_meta_table_storage_hash", storage_hash},
    {"build_meta_table_configured_storage_hash", configured_storage_hash},
    {"normalize_contract", normalize_contract},
    {"validate_operation", validate_operation},
    {"normalize_data_type", normalize_data_type},
    {"normalize_backend_type", normalize_backend_type},
    {"normalize_cadence", normalize_cadence},
    {NULL, NULL},
};
