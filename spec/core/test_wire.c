/* SPDX-License-Identifier: MIT
 * Room `wire`: requests built from tables, documents that arrive, query strings. */
#include "mainsequence/wire.h"

#include "support.h"

static const char account[] =
    "{'name': 'a__account', 'kind': 'platform_managed', 'class_name': 'Account', 'module': 'm', "
    "'columns': [{'name': 'uid', 'type': 'Uuid', 'primary_key': true}], 'meta': {'namespace': 'n', "
    "'identifier': 'a.Account', 'labels': ['x'], 'provisioning': {'create_table': false}}}";
static const char ticks[] =
    "{'name': 'a__ticks', 'kind': 'time_index', 'class_name': 'Ticks', 'module': 'm', 'columns': "
    "[{'name': 'time_index', 'type': {'name': 'DateTime', 'args': {'timezone': true}}, 'nullable': "
    "false}], 'meta': {'namespace': 'n', 'cadence': '1D'}}";

#define ACCOUNT_CONTRACT                                                                           \
    "{'version': 'relational-table.v1', 'physical': {'table_name': 'a__account'}, 'columns': "     \
    "[{'name': 'uid', 'data_type': 'uuid', 'backend_type': 'UUID', 'nullable': false, "            \
    "'primary_key': true, 'unique': false, 'server_default': 'gen_random_uuid()'}], "              \
    "'constraints': [], 'authoring': {'table_model': {'kind': 'lua', 'module': 'm', 'qualname': "  \
    "'Account'}}}"
#define TICKS_COLUMNS                                                                              \
    "[{'name': 'time_index', 'data_type': 'timestamp with time zone', 'backend_type': 'TIMESTAMP " \
    "WITH TIME ZONE', 'nullable': false, 'primary_key': false, 'unique': false}]"
#define TICKS_CONTRACT(physical)                                                                   \
    "{'version': 'relational-table.v1', 'table_kind': 'time_indexed', 'authoring': "               \
    "{'table_model': {'kind': 'lua', 'module': 'm', 'qualname': 'Ticks'}, 'time_indexed': "        \
    "{'time_index_name': 'time_index', 'index_names': ['time_index'], 'cadence': '1d'}}, "         \
    "'physical': {" physical "}, 'columns': " TICKS_COLUMNS "}"

/* ---- Building
 * --------------------------------------------------------------------------------------------- */

static mseq_wire_options all_options(void) {
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    options.data_source_uid = "D";
    options.migration_package = "p";
    options.migration_namespace = "ns";
    return options;
}

typedef mseq_status (*builder)(const mseq_table *, const mseq_wire_options *, mseq_value **,
                               mseq_error *);

static void assert_built(builder build, const char *description, const char *expected) {
    mseq_table *table = table_of(description);
    mseq_wire_options options = all_options();
    mseq_value *request = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (build(table, &options, &request, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    assert_document(request, expected);
    mseq_value_free(request);
    mseq_table_free(table);
}

static void requests_have_the_references_order(void **state) {
    (void)state;
    assert_built(mseq_wire_registration_request, account,
                 "{'data_source_uid': 'D', 'table_contract': " ACCOUNT_CONTRACT
                 ", 'identifier': 'a.Account', 'namespace': 'n', 'protect_from_deletion': false, "
                 "'labels': ['x'], 'management_mode': 'platform_managed', 'provisioning': "
                 "{'create_table': false, 'if_not_exists': true}, 'introspect': false}");
    assert_built(
        mseq_wire_registration_request, ticks,
        "{'data_source_uid': 'D', 'namespace': 'n', 'labels': [], 'protect_from_deletion': "
        "false, 'provisioning': {'create_table': true, 'if_not_exists': true}, "
        "'time_index_name': 'time_index', 'cadence': '1d', 'partition_strategy': "
        "'backend_default', 'table_contract': " TICKS_CONTRACT(
            "'schema': 'public', 'table_name': 'a__ticks'") "}");
    assert_built(mseq_wire_reservation_row, ticks,
                 "{'data_source_uid': 'D', 'identifier': 'a__ticks', 'namespace': 'n', "
                 "'description': null, 'labels': [], 'management_mode': 'platform_managed', "
                 "'provisioning_status': 'reserved', 'is_alembic_managed': true, "
                 "'migration_package': 'p', 'migration_namespace': 'ns', 'migration_provider_key': "
                 "'p:ns', 'alembic_version_meta_table_uid': null, 'alembic_revision': null, "
                 "'physical_table_name': 'a__ticks', 'protect_from_deletion': false, "
                 "'table_contract': " TICKS_CONTRACT(
                     "'table_name': 'a__ticks'") ", 'time_index_name': 'time_index', 'cadence': "
                                                 "'1d', 'partition_strategy': 'backend_default'}");
    assert_built(mseq_wire_external_registration_request, account,
                 "{'data_source_uid': 'D', 'table_contract': " ACCOUNT_CONTRACT
                 ", 'identifier': 'a.Account', 'namespace': 'n', 'protect_from_deletion': false, "
                 "'labels': ['x'], 'management_mode': 'external_registered', 'introspect': true}");
    assert_built(mseq_wire_refresh_request, account,
                 "{'data_source_uid': 'D', 'table_contract': " ACCOUNT_CONTRACT
                 ", 'identifier': 'a.Account', 'namespace': 'n', 'protect_from_deletion': false, "
                 "'labels': ['x'], 'schema_management': {'mode': 'alembic_managed', 'alembic': "
                 "{'package': 'p', 'migration_namespace': 'ns', 'provider_key': 'p:ns'}}, "
                 "'management_mode': 'platform_managed', 'provisioning': {'create_table': false, "
                 "'if_not_exists': true}, 'introspect': false}");
}

static void requests_that_cannot_be_built(void **state) {
    (void)state;
    mseq_table *table = table_of(account);
    mseq_table *plain = table_of("{'name': 't', 'columns': [{'name': 'a', 'type': 'Date'}]}");
    mseq_table *bare = table_of("{'name': 'a__t', 'kind': 'platform_managed', 'columns': [{'name': "
                                "'a', 'type': 'Date'}]}");
    mseq_wire_options none = MSEQ_WIRE_OPTIONS_INIT, options = all_options();
    mseq_value *request = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_wire_registration_request(table, &none, &request, &err), MSEQ_E_REQUEST);
    assert_error(&err, MSEQ_E_REQUEST, "no data source", "data_source_uid");
    mseq_error_clear(&err);
    assert_int_equal(mseq_wire_registration_request(plain, &options, &request, &err),
                     MSEQ_E_REQUEST);
    assert_error(&err, MSEQ_E_REQUEST, "plain table", "external registration");
    mseq_error_clear(&err);
    assert_int_equal(mseq_wire_registration_request(bare, &options, &request, &err),
                     MSEQ_E_CONTRACT);
    assert_error(&err, MSEQ_E_CONTRACT, "require namespace", NULL);
    mseq_error_clear(&err);
    options.migration_package = "";
    assert_int_equal(mseq_wire_reservation_row(table, &options, &request, &err), MSEQ_E_REQUEST);
    assert_error(&err, MSEQ_E_REQUEST, "migration package", NULL);
    mseq_error_clear(&err);
    assert_int_equal(
        mseq_wire_alembic_version_request("", NULL, NULL, NULL, NULL, "v", NULL, &request, &err),
        MSEQ_E_REQUEST);
    assert_null(request);
    mseq_table_free(table);
    mseq_table_free(plain);
    mseq_table_free(bare);
}

static void the_version_table(void **state) {
    (void)state;
    mseq_value *request = NULL;
    assert_int_equal(mseq_wire_alembic_version_request("D", "alembic_version", "n", NULL, NULL,
                                                       "alembic_version", NULL, &request, NULL),
                     MSEQ_OK);
    assert_document(
        request,
        "{'data_source_uid': 'D', 'table_contract': {'version': 'relational-table.v1', 'physical': "
        "{'table_name': 'alembic_version'}, 'columns': [{'name': 'version_num', 'data_type': "
        "'string', 'backend_type': 'VARCHAR', 'nullable': false, 'primary_key': true, 'unique': "
        "false}], 'constraints': [], 'authoring': {'owner': 'alembic', 'schema': 'public', "
        "'version_table': 'alembic_version'}}, 'identifier': 'alembic_version', 'namespace': 'n', "
        "'description': 'Alembic revision state table.', 'protect_from_deletion': false, 'labels': "
        "[], 'management_mode': 'external_registered', 'introspect': false}");
    mseq_value_free(request);
}

/* ---- What arrives
 * ----------------------------------------------------------------------------------------- */

static mseq_status registration(const mseq_value *v, mseq_value **out, mseq_error *err) {
    return mseq_wire_validate_registration(v, false, out, err);
}
static mseq_status time_indexed_registration(const mseq_value *v, mseq_value **out,
                                             mseq_error *err) {
    return mseq_wire_validate_registration(v, true, out, err);
}
static mseq_status reservation(const mseq_value *v, mseq_value **out, mseq_error *err) {
    return mseq_wire_validate_reservation(v, false, out, err);
}
static mseq_status time_indexed_reservation(const mseq_value *v, mseq_value **out,
                                            mseq_error *err) {
    return mseq_wire_validate_reservation(v, true, out, err);
}

typedef mseq_status (*validator)(const mseq_value *, mseq_value **, mseq_error *);

/* What we build arrives unchanged. */
static void assert_arrives(builder build, validator validate, const char *description, bool row) {
    mseq_table *table = table_of(description);
    mseq_wire_options options = all_options();
    mseq_value *request = NULL, *out = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(build(table, &options, &request, &err), MSEQ_OK);
    if (row) {
        mseq_value *rows = mseq_value_array();
        assert_int_equal(mseq_array_add(rows, request), MSEQ_OK);
        request = rows;
    }
    if (validate(request, &out, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    char *sent = text_of(request), *received = text_of(out);
    assert_string_equal(sent, received);
    free(sent);
    free(received);
    mseq_value_free(request);
    mseq_value_free(out);
    mseq_table_free(table);
}

static void what_we_send_arrives(void **state) {
    (void)state;
    assert_arrives(mseq_wire_registration_request, registration, account, false);
    assert_arrives(mseq_wire_refresh_request, registration, account, false);
    assert_arrives(mseq_wire_external_registration_request, registration, account, false);
    assert_arrives(mseq_wire_registration_request, time_indexed_registration, ticks, false);
    assert_arrives(mseq_wire_reservation_row, reservation, account, true);
    assert_arrives(mseq_wire_reservation_row, time_indexed_reservation, ticks, true);
}

static void assert_accepted(validator validate, const char *given, const char *expected) {
    mseq_value *value = document(given), *out = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (validate(value, &out, &err) != MSEQ_OK)
        fail_msg("%s: %s", given, err.message);
    assert_document(out, expected);
    mseq_value_free(value);
    mseq_value_free(out);
}

static void assert_rejected(validator validate, const char *given, const char *message) {
    mseq_value *value = document(given), *out = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (validate(value, &out, &err) == MSEQ_OK)
        fail_msg("accepted: %s", given);
    assert_error(&err, MSEQ_E_REQUEST, message, NULL);
    assert_null(out);
    mseq_value_free(value);
}

#define CONTRACT "'table_contract': {'physical': {'table_name': 't'}, 'columns': []}"
#define FULL_CONTRACT                                                                              \
    "'table_contract': {'version': 'relational-table.v1', 'physical': {'table_name': 't'}, "       \
    "'columns': [], 'constraints': []}"

static void registrations(void **state) {
    (void)state;
    assert_accepted(
        registration,
        "{'management_mode': 'external_registered', 'storage_hash': 'old', 'orm_class': "
        "'C', 'data_source_uid': 'D', " CONTRACT ", 'identifier': null}",
        "{'data_source_uid': 'D', " FULL_CONTRACT
        ", 'protect_from_deletion': false, 'labels': [], 'management_mode': "
        "'external_registered', 'introspect': false}");
    /* the reference leaks its class names on this route */
    assert_accepted(
        time_indexed_registration,
        "{'orm_class': 'R', 'data_source_uid': 'D', 'time_index_name': 'd', 'cadence': ' 1D ', "
        "'schema_management': {'orm_class': 'S', 'mode': 'backend_managed'}, 'table_contract': "
        "{'orm_class': 'T', 'physical': {'schema': 'public', 'table_name': 't'}, 'columns': "
        "[{'orm_class': 'C', 'name': 'd', 'data_type': 'date'}]}}",
        "{'data_source_uid': 'D', 'labels': [], 'protect_from_deletion': false, "
        "'schema_management': {'mode': 'backend_managed'}, 'provisioning': {'create_table': true, "
        "'if_not_exists': true}, 'time_index_name': 'd', 'cadence': '1d', 'partition_strategy': "
        "'backend_default', 'table_contract': {'version': 'relational-table.v1', 'table_kind': "
        "'time_indexed', 'physical': {'schema': 'public', 'table_name': 't'}, 'columns': [{'name': "
        "'d', 'data_type': 'date', 'nullable': true, 'primary_key': false, 'unique': false}]}}");
    /* later SDKs than 4.4.0 say the schema beside the contract too */
    assert_accepted(registration,
                    "{'management_mode': 'external_registered', 'data_source_uid': 'D', "
                    "'physical_schema': 's', " CONTRACT "}",
                    "{'data_source_uid': 'D', 'table_contract': {'version': "
                    "'relational-table.v1', 'physical': {'table_name': 't', 'schema': 's'}, "
                    "'columns': [], 'constraints': []}, 'protect_from_deletion': false, 'labels': "
                    "[], 'management_mode': 'external_registered', 'introspect': false}");
    static const char *const bad[][2] = {
        {"[]", "must be an object"},
        {"{'data_source_uid': 'D', 'management_mode': 'platform_managed', 'physical_schema': 'a', "
         "'table_contract': {'physical': {'schema': 'b', 'table_name': 't'}, 'columns': []}}",
         "physical_schema: 'a' differs from the contract's 'b'"},
        {"{'data_source_uid': 'D', " CONTRACT "}", "management_mode: is required"},
        {"{'data_source_uid': '', " CONTRACT ", 'management_mode': 'platform_managed'}",
         "data_source_uid: must not be empty"},
        {"{'data_source_uid': 'D', 'management_mode': 'x', " CONTRACT "}",
         "management_mode: 'x' is not one of"},
        {"{'data_source_uid': 'D', 'management_mode': 'platform_managed', 'table_contract': "
         "{'physical': {'table_name': 't'}, 'columns': [{'name': 'a', 'data_type': 'timestamp'}]}}",
         "table_contract: columns[0].data_type: "},
        {"{'data_source_uid': 'D', 'management_mode': 'platform_managed', " CONTRACT
         ", 'schema_management': {'mode': 'alembic_managed'}}",
         "schema_management.alembic: is required"},
        {"{'data_source_uid': 'D', 'management_mode': 'external_registered', " CONTRACT
         ", 'provisioning': {'create_table': true}}",
         "provisioning: "},
        {"{'data_source_uid': 'D', 'management_mode': 'platform_managed', " CONTRACT
         ", 'labels': ['a', 5]}",
         "labels[1]: must be a string"},
        {"{'data_source_uid': 'D', 'management_mode': 'platform_managed', " CONTRACT
         ", 'introspec': true}",
         "introspec: is not a known key"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_rejected(registration, bad[i][0], bad[i][1]);
    assert_rejected(time_indexed_registration,
                    "{'data_source_uid': 'D', 'time_index_name': 'd', 'cadence': '0d', " CONTRACT
                    "}",
                    "cadence: ");
    assert_rejected(time_indexed_registration, "{'data_source_uid': 'D', " CONTRACT "}",
                    "time_index_name: is required");
}

static void reservations(void **state) {
    (void)state;
#define ROW                                                                                        \
    "'data_source_uid': 'D', 'migration_package': 'p', 'migration_namespace': 'ns', " CONTRACT
    assert_accepted(reservation, "[]", "[]");
    assert_accepted(
        reservation, "[{" ROW ", 'physical_table_name': 't', 'identifier': null}]",
        "[{'data_source_uid': 'D', 'identifier': null, 'labels': [], "
        "'management_mode': 'platform_managed', 'provisioning_status': 'reserved', "
        "'is_alembic_managed': true, 'migration_package': 'p', 'migration_namespace': "
        "'ns', 'physical_table_name': 't', 'protect_from_deletion': false, " FULL_CONTRACT
        ", 'migration_provider_key': 'p:ns'}]");
    assert_accepted(reservation,
                    "[{" ROW ", 'physical_table_name': 't', 'physical_schema': 'public'}]",
                    "[{'data_source_uid': 'D', 'labels': [], 'management_mode': "
                    "'platform_managed', 'provisioning_status': 'reserved', 'is_alembic_managed': "
                    "true, 'migration_package': 'p', 'migration_namespace': 'ns', "
                    "'physical_table_name': 't', 'protect_from_deletion': false, "
                    "'table_contract': {'version': 'relational-table.v1', 'physical': "
                    "{'table_name': 't', 'schema': 'public'}, 'columns': [], 'constraints': []}, "
                    "'migration_provider_key': 'p:ns'}]");
    assert_rejected(reservation, "{}", "must be an array of rows");
    assert_rejected(reservation, "[{" ROW ", 'physical_table_name': 't', 'physical_schema': 7}]",
                    "[0].physical_schema: must be a string");
    assert_rejected(reservation, "[{" ROW ", 'physical_table_name': 't'}, {}]",
                    "[1].data_source_uid: is required");
    assert_rejected(reservation, "[{" ROW ", 'physical_table_name': 'u'}]",
                    "[0].physical_table_name: 'u' differs from the contract's 't'");
    assert_rejected(reservation, "[{" ROW ", 'physical_table_name': 't', 'cadence': '1d'}]",
                    "[0].cadence: is not a known key");
    assert_rejected(reservation,
                    "[{" ROW ", 'physical_table_name': 't', 'provisioning_status': 'active'}]",
                    "[0].provisioning_status: 'active' is not one of: reserved");
}

static void finalizations_and_connections(void **state) {
    (void)state;
    assert_accepted(mseq_wire_validate_finalization,
                    "{'meta_table_uids': ['a', 'b', 'a'], 'migration_package': 'p', "
                    "'migration_namespace': 'ns', 'alembic_revision': null}",
                    "{'meta_table_uids': ['a', 'b'], 'migration_package': 'p', "
                    "'migration_namespace': 'ns', 'migration_provider_key': 'p:ns'}");
    assert_rejected(mseq_wire_validate_finalization, "{'meta_table_uids': []}",
                    "meta_table_uids: must not be empty");
    assert_rejected(mseq_wire_validate_finalization, "{'meta_table_uids': ['']}",
                    "meta_table_uids[0]: must not be empty");
    assert_accepted(mseq_wire_validate_migration_connection, "{}",
                    "{'purpose': 'schema_migration', 'package': '', 'migration_namespace': '', "
                    "'ttl_seconds': 900}");
    assert_rejected(mseq_wire_validate_migration_connection, "{'ttl_seconds': 0}",
                    "ttl_seconds: 0 is less than 1");
    assert_rejected(mseq_wire_validate_migration_connection, "{'purpose': 'reading'}",
                    "purpose: 'reading' is not one of");
}

/* ---- compiled-sql.v1
 * -------------------------------------------------------------------------------------- */

static mseq_value *read_golden(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", MSEQ_SPEC_DIR, name);
    FILE *file = fopen(path, "rb");
    mseq_buffer text = MSEQ_BUFFER_INIT;
    char block[4096];
    if (!file)
        fail_msg("%s is not there", path);
    for (size_t count; (count = fread(block, 1, sizeof block, file)) > 0;)
        mseq_buffer_append(&text, block, count);
    fclose(file);
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_json_parse(text.data, text.length, 0, &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", path, err.message);
    mseq_buffer_free(&text);
    return value;
}

/* A tagged Python value ({"$date": …}) as a front end would send it; false: it has no JSON form. */
static bool untag(mseq_value *container, const char *key, size_t index, const mseq_value *value);

static bool untag_all(mseq_value *container) {
    bool array = mseq_value_kind(container) == MSEQ_ARRAY;
    for (size_t i = 0; i < mseq_value_length(container); i++) {
        const char *key = array ? NULL : mseq_object_key_at(container, i);
        const mseq_value *item =
            array ? mseq_array_get(container, i) : mseq_object_value_at(container, i);
        if (!untag(container, key, i, item))
            return false;
    }
    return true;
}

static bool untag(mseq_value *container, const char *key, size_t index, const mseq_value *value) {
    static const char *const texts[] = {"$date", "$datetime", "$uuid", "$decimal", "$time"};
    mseq_kind kind = mseq_value_kind(value);
    if (kind != MSEQ_OBJECT && kind != MSEQ_ARRAY)
        return true;
    const char *tag = kind == MSEQ_OBJECT ? mseq_object_key_at(value, 0) : NULL;
    if (!tag || tag[0] != '$')
        return untag_all(key ? mseq_object_peek(container, key)
                             : mseq_array_peek(container, index));
    mseq_value *plain = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(tag, texts[i]) == 0)
            plain = mseq_value_dup(mseq_object_get(value, tag));
    if (strcmp(tag, "$float") == 0)
        plain = mseq_value_null();
    if (strcmp(tag, "$tuple") == 0)
        plain = mseq_value_dup(mseq_object_get(value, tag));
    if (!plain || !key)
        mseq_value_free(plain);
    return plain && key && mseq_object_put(container, key, plain) == MSEQ_OK;
}

static void move(mseq_value *from, const char *key, mseq_value *to) {
    mseq_value *value = mseq_object_take(from, key);
    if (value && mseq_object_put(to, key, value) != MSEQ_OK)
        fail_msg("out of memory");
}

/* The arguments of build_operation(…) → the document it builds. */
static mseq_value *operation_of(const mseq_value *test) {
    static const char *const statement_keys[] = {"sql", "parameters", "parameter_types",
                                                 "paramstyle"};
    mseq_value *document = mseq_value_dup(mseq_object_get(test, "args"));
    if (strcmp(mseq_object_get_text(test, "entry"), "build_operation") != 0)
        return document;
    mseq_value *statement = mseq_value_object();
    if (mseq_value_is_null(mseq_object_get(document, "parameters")))
        mseq_object_remove(document, "parameters");
    for (size_t i = 0; i < sizeof statement_keys / sizeof *statement_keys; i++)
        move(document, statement_keys[i], statement);
    assert_int_equal(mseq_object_put(document, "statement", statement), MSEQ_OK);
    return document;
}

/* What JSON cannot ask: a session's data source, Python's types, a string as a sequence. */
static bool is_expressible(const mseq_value *test, mseq_value *operation) {
    static const char *const dropped[] = {
        "build-parameters-007", "build-temporal-002", "build-temporal-003", "build-temporal-027",
        "build-scope-012",      "build-shape-012" /* sqlite is our extension */};
    if (mseq_object_get(test, "session_data_source") || !untag_all(operation))
        return false;
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        if (strcmp(mseq_object_get_text(test, "id"), dropped[i]) == 0)
            return false;
    return true;
}

static void operations_are_the_references(void **state) {
    (void)state;
    mseq_value *tests = read_golden("compiled_sql/build_operation.json");
    size_t checked = 0;
    for (size_t i = 0; i < mseq_value_length(tests); i++) {
        const mseq_value *test = mseq_array_get(tests, i), *wire = mseq_object_get(test, "wire");
        const char *id = mseq_object_get_text(test, "id");
        mseq_value *operation = operation_of(test), *out = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        if (is_expressible(test, operation)) {
            mseq_status status = mseq_wire_validate_operation(operation, &out, &err);
            if (wire && status != MSEQ_OK)
                fail_msg("%s: %s", id, err.message);
            if (!wire && status == MSEQ_OK)
                fail_msg("%s: accepted", id);
            char *ours = text_of(out), *theirs = text_of(wire);
            if (wire && strcmp(ours, theirs) != 0)
                fail_msg("%s: %s instead of %s", id, ours, theirs);
            free(ours);
            free(theirs);
            checked++;
        }
        mseq_value_free(operation);
        mseq_value_free(out);
    }
    assert_in_range(checked, mseq_value_length(tests) - 12, mseq_value_length(tests));
    mseq_value_free(tests);
}

#define OPERATION(statement, rest)                                                                 \
    "{'operation': 'select', 'statement': {'sql': 'SELECT 1'" statement                            \
    "}, 'scope': {'data_source_uid': 'D', 'tables': [{'meta_table_uid': 'M'}]}" rest "}"

static void operations(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {OPERATION(", 'parameters': {'t': '2026-05-28'}, 'parameter_types': {'t': 'timestamptz'}",
                   ""),
         "statement.parameters.t: "},
        {OPERATION(", 'parameters': {'t': true}, 'parameter_types': {'t': 'timestamptz'}", ""),
         "statement.parameters.t: a timestamp must be a string with an offset"},
        {OPERATION(", 'parameters': {'t': '2026-05-28T00:00:00\\u0000Z'}, 'parameter_types': {'t': "
                   "'timestamptz'}",
                   ""),
         "contains a NUL"},
        {OPERATION(", 'parameters': {'d': '2026-02-30'}, 'parameter_types': {'d': 'date'}", ""),
         "statement.parameters.d: must be a date"},
        {OPERATION(", 'parameters': {'d': '2026-02-28x'}, 'parameter_types': {'d': 'date'}", ""),
         "statement.parameters.d: must be a date"},
        {OPERATION(", 'parameter_types': {'d': 5}", ""), "statement.parameter_types.d: must be"},
        {OPERATION("", ", 'limits': {'max_rows': true}"), "limits.max_rows: must be an integer"},
        {OPERATION("", ", 'limits': {'max_rows': 1.5}"), "limits.max_rows: must be an integer"},
        {OPERATION("", ", 'limits': {'max_rows': 1e300}"), "limits.max_rows: must be an integer"},
        {OPERATION("", ", 'limits': {'max_rows': '1x'}"), "limits.max_rows: must be an integer"},
        {OPERATION("", ", 'dialect': 'mysql'"), "dialect: 'mysql' is not one of"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_rejected(mseq_wire_validate_operation, bad[i][0], bad[i][1]);
    assert_accepted(
        mseq_wire_validate_operation,
        OPERATION(", 'parameters': {'a': '2026-05-28T01:02:03.000045678Z', 'b': "
                  "1779930123000045678, 'c': null}, 'parameter_types': {'a': "
                  "'timestamptz', 'b': 'timestamptz', 'c': 'date', 'absent': 'date'}",
                  ", 'dialect': 'sqlite', 'limits': {'max_rows': 25.0, 'offset': '3'}"),
        "{'operation': 'select', 'version': 'compiled-sql.v1', 'dialect': 'sqlite', "
        "'statement': {'sql': 'SELECT 1', 'parameters': {'a': "
        "'2026-05-28T01:02:03.000045678Z', 'b': '2026-05-28T01:02:03.000045678Z', 'c': "
        "null}, 'parameter_types': {'a': 'timestamp with time zone', 'b': 'timestamp "
        "with time zone', 'c': 'date', 'absent': 'date'}, 'paramstyle': 'pyformat'}, "
        "'scope': {'data_source_uid': 'D', 'tables': [{'meta_table_uid': 'M', 'access': "
        "'read'}]}, 'limits': {'max_rows': 25, 'offset': 3, 'statement_timeout_ms': "
        "15000}}");
}

/* ---- Query strings
 * ---------------------------------------------------------------------------------------- */

static void query_strings(void **state) {
    (void)state;
    mseq_value *parameters = document("{'a b': 'x&y=z', 'n': 5, 'f': 1.5, 't': true, 'no': false, "
                                      "'null': null, 'in': ['p', 'q,r', 7], 'u': '\\u00e9'}"),
               *back = NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_wire_query(parameters, &text, NULL), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&text),
                        "a+b=x%26y%3Dz&n=5&f=1.5&t=True&no=False&in=p%2Cq%2Cr"
                        "%2C7&u=%C3%A9");
    assert_int_equal(mseq_wire_parse_query(text.data, &back, NULL), MSEQ_OK);
    assert_document(back,
                    "{'a b': 'x&y=z', 'n': '5', 'f': '1.5', 't': 'True', 'no': 'False', 'in': "
                    "'p,q,r,7', 'u': '\\u00e9'}");
    mseq_value_free(back);
    mseq_buffer_clear(&text);
    assert_int_equal(mseq_wire_escape("a/b c~", false, &text), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&text), "a%2Fb%20c~");
    mseq_value_free(parameters);
    assert_int_equal(mseq_wire_parse_query("a=1&a=2&b&&c=%41", &back, NULL), MSEQ_OK);
    assert_document(back, "{'a': '2', 'b': '', 'c': 'A'}");
    mseq_value_free(back);
    assert_int_equal(mseq_wire_parse_query("", &back, NULL), MSEQ_OK);
    assert_document(back, "{}");
    mseq_value_free(back);
    parameters = document("[['a', 1], ['b', null], ['a', true]]");
    mseq_buffer_clear(&text);
    assert_int_equal(mseq_wire_query(parameters, &text, NULL), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&text), "a=1&a=True");
    mseq_buffer_free(&text);
    mseq_value_free(parameters);
    static const char *const no_pairs[] = {"['a']", "[['a']]", "[[1, 2]]", "[['a', 1, 2]]"};
    for (size_t i = 0; i < sizeof no_pairs / sizeof *no_pairs; i++) {
        parameters = document(no_pairs[i]);
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_wire_query(parameters, &text, &err), MSEQ_E_REQUEST);
        mseq_value_free(parameters);
    }
    static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%FF", "%00=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        back = NULL;
        assert_int_equal(mseq_wire_parse_query(bad[i], &back, &err), MSEQ_E_REQUEST);
        assert_null(back);
    }
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_reply_free(&reply);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_have_the_references_order),
        cmocka_unit_test(requests_that_cannot_be_built),
        cmocka_unit_test(the_version_table),
        cmocka_unit_test(what_we_send_arrives),
        cmocka_unit_test(registrations),
        cmocka_unit_test(reservations),
        cmocka_unit_test(finalizations_and_connections),
        cmocka_unit_test(operations_are_the_references),
        cmocka_unit_test(operations),
        cmocka_unit_test(query_strings),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
