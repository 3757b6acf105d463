/* SPDX-License-Identifier: MIT
 * Room `manager`: registering and reserving tables, their contracts, introspection. */
#include "table_helpers.h"

/* ---- Registration */

static void test_external(void **state) {
    const fixture *made = *state;
    char uid[37], again[37];
    put(made,
        external(made, "app_log", ", \"introspect\": true, \"labels\": [\"a\", \"A\", \" b \"]"),
        201, uid);
    mseq_value *row = detail(made, uid);
    assert_string_equal(text_at(row, "provisioning_status"), "active");
    assert_int_equal(mseq_value_length(mseq_object_get(row, "introspection_snapshot")), 0);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "labels")), 2);
    mseq_value_free(row);
    /* empty labels preserve; the same row */
    put(made, external(made, "app_log", ", \"description\": \"Log\""), 200, again);
    assert_string_equal(uid, again);
    row = detail(made, uid);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "labels")), 2);
    assert_string_equal(text_at(row, "description"), "Log");
    mseq_value_free(row);
    /* the table appears, and is read when asked for */
    run_on_data(made, "CREATE TABLE app_log (id INTEGER PRIMARY KEY NOT NULL, text VARCHAR(9))");
    put(made, external(made, "app_log", ", \"introspect\": true"), 200, again);
    row = detail(made, uid);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "columns")), 2);
    assert_true(mseq_value_length(mseq_object_get(row, "introspection_snapshot")) > 0);
    mseq_value_free(row);
}

static void test_provisioning(void **state) {
    const fixture *made = *state;
    char parent[37], child[37];
    refuse_body(made, managed(made, "child", KEY_TO("parent"), ""), 409, "referenced_table_missing",
                "'parent'");
    assert_false(table_exists(made, "child"));
    /* a row without a table, then its child: both are made */
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
        " \"table_contract\": {\"physical\": {\"table_name\": \"parent\"}, \"columns\":"
        " [{\"name\": \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\","
        " \"primary_key\": true, \"nullable\": false}]}}",
        made->source);
    put(made, body, 201, parent);
    mseq_value *row = detail(made, parent);
    assert_string_equal(text_at(row, "provisioning_status"), "reserved");
    mseq_value_free(row);
    put(made, managed(made, "child", KEY_TO("parent"), ", \"identifier\": \"demo.Child\""), 201,
        child);
    assert_true(table_exists(made, "parent"));
    assert_true(table_exists(made, "child"));
    row = detail(made, child);
    const mseq_value *key = mseq_array_get(mseq_object_get(row, "foreign_keys"), 0);
    assert_string_equal(text_at(key, "target_table_uid"), parent);
    mseq_value_free(row);
    put(made, managed(made, "parent", "", ""), 200, NULL);
    row = detail(made, parent);
    assert_string_equal(text_at(row, "provisioning_status"), "active");
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 1);
    mseq_value_free(row);
    body =
        mseq_text_format("{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
                         " \"provisioning\": {\"create_table\": true, \"if_not_exists\": false},"
                         " \"table_contract\": {\"physical\": {\"table_name\": \"parent\"},"
                         " \"columns\": [{\"name\": \"id\", \"data_type\": \"int64\"}]}}",
                         made->source);
    refuse_body(made, body, 409, "table_exists", "'parent'");
    /* a table that is its own parent */
    put(made, managed(made, "tree", KEY_TO("tree"), ""), 201, child);
    row = detail(made, child);
    assert_string_equal(
        text_at(mseq_array_get(mseq_object_get(row, "foreign_keys"), 0), "target_table_uid"),
        child);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 1);
    mseq_value_free(row);
}

/* A table that the database refuses leaves neither a table nor a row. */
static void test_provisioning_fails(void **state) {
    const fixture *made = *state;
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
        " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"physical\":"
        " {\"table_name\": \"broken\"}, \"columns\": [{\"name\": \"id\", \"data_type\": \"int64\","
        " \"backend_type\": \"BIGINT\"}], \"constraints\": [{\"kind\": \"check\", \"name\": \"c\","
        " \"sqltext\": \"no_such_column > (\"}]}}",
        made->source);
    mseq_reply reply = call(made->manager, "POST", META "register/", body);
    assert_true(reply.status >= 400);
    mseq_reply_free(&reply);
    free(body);
    mseq_value *page = expect(made->manager, "GET", META "?physical_table_name=broken", NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(page, "results")), 0);
    mseq_value_free(page);
    assert_false(table_exists(made, "broken"));
}

static void test_time_indexed(void **state) {
    const fixture *made = *state;
    char *body = mseq_text_format(
        "{\"orm_class\": \"TimeIndexMetaTableRegistrationRequest\", \"data_source_uid\": \"%s\","
        " \"identifier\": \"demo.Bars\", \"namespace\": \"demo\", \"labels\": [],"
        " \"protect_from_deletion\": false, \"provisioning\": {\"create_table\": true,"
        " \"if_not_exists\": true}, \"time_index_name\": \"at\", \"cadence\": \"1D\","
        " \"partition_strategy\": \"backend_default\", \"table_contract\": {\"table_kind\":"
        " \"time_indexed\", \"authoring\": {\"time_indexed\": {\"time_index_name\": \"at\","
        " \"index_names\": [\"at\", \"symbol\"]}}, \"physical\": {\"schema\": \"public\","
        " \"table_name\": \"bars\"}, \"columns\": [{\"orm_class\": \"C\", \"name\": \"at\","
        " \"data_type\": \"timestamptz\", \"nullable\": false}, {\"orm_class\": \"C\", \"name\":"
        " \"symbol\", \"data_type\": \"string\", \"backend_type\": \"VARCHAR(9)\", \"nullable\":"
        " false}, {\"name\": \"price\", \"data_type\": \"float64\", \"backend_type\": "
        "\"FLOAT\"}]}}",
        made->source);
    mseq_value *row = expect(made->manager, "POST", DYNAMIC "register/", body, 201);
    check_model("TimeIndexMetaTable", row);
    assert_string_equal(text_at(row, "provisioning_status"), "active");
    assert_string_equal(text_at(row, "cadence"), "1d");
    assert_int_equal(mseq_value_length(mseq_object_get(row, "indexes_meta")), 1);
    const mseq_value *index = mseq_array_get(mseq_object_get(row, "indexes_meta"), 0);
    assert_true(mseq_object_get_boolean(index, "unique", false));
    mseq_value_free(row);
    refuse(made->manager, "POST", META "register/", body, 400, "unknown_key", NULL);
    free(body);
    /* the other kind's registration of the same table */
    body = external(made, "bars", "");
    refuse_body(made, body, 409, "kind_conflict", "time-indexed");
    /* lists show each kind on its own route */
    mseq_value *page = expect(made->manager, "GET", META, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(page, "results")), 0);
    mseq_value_free(page);
    page = expect(made->manager, "GET", DYNAMIC, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(page, "results")), 1);
    check_models("TimeIndexMetaTable", mseq_object_get(page, "results"));
    mseq_value_free(page);
}

static void test_registration_refused(void **state) {
    const fixture *made = *state;
    put(made, external(made, "one", ", \"identifier\": \"demo.One\""), 201, NULL);
    refuse_body(made, external(made, "two", ", \"identifier\": \"demo.One\""), 409,
                "identifier_conflict", "'one'");
    refuse_body(made, managed(made, "one", "", ""), 409, "management_conflict",
                "external_registered");
    refuse_body(made, external(made, "two", ", \"colour\": 1"), 400, "unknown_key", "colour");
    refuse_body(made, external(made, "two", ", \"provisioning\": {\"create_table\": true}"), 400,
                "bad_value", "provisioning");
    refuse_body(made, external(made, "two", ", \"labels\": [1]"), 400, "wrong_kind", "labels");
    char *body = external(made, "two", "");
    char *uid = strstr(body, made->source);
    uid[0] = uid[0] == 'x' ? 'y' : 'x';
    refuse_body(made, body, 400, "data_source_not_found", "data source");
    refuse_body(made,
                external(made, "two",
                         ", \"schema_management\": {\"mode\": \"alembic_managed\", \"alembic\":"
                         " {\"package\": \"p\", \"migration_namespace\": \"n\","
                         " \"alembic_version_meta_table_uid\": \"none\"}}"),
                400, "registry_not_found", "none");
    refuse(made->manager, "POST", META "register/", "[]", 400, "wrong_kind", NULL);
    refuse(made->manager, "POST", META "register/", NULL, 400, "wrong_kind", NULL);
    mseq_value *page = expect(made->manager, "GET", META, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(page, "results")), 1);
    mseq_value_free(page);
}

/* ---- Reservation */

static void test_reservation(void **state) {
    const fixture *made = *state;
    char *a = reservation(made, "a", "p"), *b = reservation(made, "b", "p");
    char *c = reservation(made, "c", "q"), *other = reservation(made, "a", "q");
    char *both = mseq_text_format("[%s, %s]", a, b),
         *mixed = mseq_text_format("[%s, %s]", c, other);
    char *twice = mseq_text_format("[%s, %s]", a, a), *turned = mseq_text_format("[%s, %s]", b, a);
    mseq_value *first = expect(made->manager, "POST", META, both, 201);
    check_models("MetaTable", first);
    mseq_value *second = expect(made->manager, "POST", META, turned, 200);
    assert_string_equal(text_at(mseq_array_get(first, 0), "uid"),
                        text_at(mseq_array_get(second, 1), "uid"));
    assert_string_equal(text_at(mseq_array_get(first, 0), "migration_provider_key"), "p:demo");
    mseq_value_free(first);
    mseq_value_free(second);
    refuse(made->manager, "POST", META, mixed, 409, "provider_conflict", "'p:demo'");
    refuse(made->manager, "POST", META, twice, 400, "repeated_table", "[1]");
    refuse(made->manager, "POST", META, "{}", 400, "wrong_kind", NULL);
    refuse(made->manager, "POST", DYNAMIC, twice, 400, "missing_field", NULL);
    /* all or none */
    mseq_value *page = expect(made->manager, "GET", META "?physical_table_name=c", NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(page, "results")), 0);
    mseq_value_free(page);
    mseq_value *none = expect(made->manager, "POST", META, "[]", 200);
    assert_int_equal(mseq_value_length(none), 0);
    mseq_value_free(none);
    free(a), free(b), free(c), free(other), free(both), free(mixed), free(twice), free(turned);
}

/* ---- Contracts */

static void test_validate(void **state) {
    const fixture *made = *state;
    char uid[37], path[128];
    const char *body = "{\"table_contract\": {\"physical\": {\"table_name\": \"t\"}, \"columns\":"
                       " [{\"name\": \"a\", \"data_type\": \"BIGINT\"}]}, \"management_mode\":"
                       " \"platform_managed\"}";
    mseq_value *reply = expect(made->manager, "POST", META "validate-contract/", body, 200);
    const mseq_value *contract = mseq_object_get(reply, "table_contract");
    assert_string_equal(
        text_at(mseq_array_get(mseq_object_get(contract, "columns"), 0), "data_type"), "int64");
    assert_string_equal(text_at(contract, "version"), "relational-table.v1");
    mseq_value_free(reply);
    put(made, external(made, "t", ""), 201, uid);
    snprintf(path, sizeof path, META "%s/validate-contract/", uid);
    reply = expect(made->manager, "POST", path, body, 200);
    assert_true(mseq_value_length(mseq_object_get(reply, "differences")) > 0);
    mseq_value_free(reply);
    refuse(made->manager, "POST", META "validate-contract/", "{}", 400, "missing_field",
           "table_contract");
    refuse(made->manager, "POST", META "validate-contract/",
           "{\"table_contract\": {\"physical\": {\"table_name\": \"t\"}, \"columns\": [{\"name\":"
           " \"a\", \"data_type\": \"timestamp\"}]}}",
           400, "bad_value", "timestamp");
    refuse(made->manager, "POST", META "none/validate-contract/", body, 404, "not_found", "none");
}

static void test_introspect(void **state) {
    const fixture *made = *state;
    char uid[37], path[128];
    put(made, external(made, "log", ""), 201, uid);
    snprintf(path, sizeof path, META "%s/introspect/", uid);
    refuse(made->manager, "POST", path, "{}", 409, "physical_table_missing", "'log'");
    run_on_data(made, "CREATE TABLE log (id INTEGER NOT NULL PRIMARY KEY, note TEXT DEFAULT 'x',"
                      " CONSTRAINT positive CHECK (id > 0));"
                      " CREATE UNIQUE INDEX log_note ON log (note) WHERE note <> 'y'");
    mseq_value *reply = expect(made->manager, "POST", path, "{}", 200);
    assert_true(mseq_object_get_boolean(reply, "ok", false));
    assert_string_equal(text_at(reply, "meta_table_uid"), uid);
    const mseq_value *snapshot = mseq_object_get(reply, "introspection_snapshot");
    assert_int_equal(mseq_value_length(mseq_object_get(snapshot, "columns")), 2);
    assert_int_equal(mseq_value_length(mseq_object_get(snapshot, "indexes")), 1);
    assert_int_equal(mseq_value_length(mseq_object_get(snapshot, "constraints")), 2);
    mseq_value_free(reply);
    mseq_value *row = detail(made, uid);
    const mseq_value *note = mseq_array_get(mseq_object_get(row, "columns"), 1);
    assert_string_equal(text_at(note, "server_default"), "'x'");
    mseq_value_free(row);
    refuse(made->manager, "POST", META "none/introspect/", "{}", 404, "not_found", "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_external, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provisioning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provisioning_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_indexed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registration_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reservation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_validate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_introspect, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("manager tables", tests, NULL, NULL);
}
