/* SPDX-License-Identifier: MIT
 * Room `manager`: the whole of a migration as the catalog sees it: registry, reservation, look-up,
 * credential, finalization, and back. */
#include "manager_helpers.h"

#define REGISTRY                                                                                   \
    "{\"data_source_uid\": \"$S\", \"table_contract\": {\"version\": \"relational-table.v1\","     \
    " \"physical\": {\"table_name\": \"alembic_version\"}, \"columns\": [{\"name\":"               \
    " \"version_num\", \"data_type\": \"string\", \"backend_type\": \"VARCHAR\", \"nullable\":"    \
    " false, \"primary_key\": true, \"unique\": false}], \"constraints\": [], \"authoring\":"      \
    " {\"owner\": \"alembic\", \"schema\": \"public\", \"version_table\": \"alembic_version\"}},"  \
    " \"identifier\": \"demo.alembic_version\", \"namespace\": \"demo\", \"description\":"         \
    " \"Alembic revision state table.\", \"protect_from_deletion\": false, \"labels\": [],"        \
    " \"management_mode\": \"external_registered\", \"introspect\": false}"

#define RESERVED(name, tail)                                                                       \
    "\"data_source_uid\": \"$S\", \"identifier\": \"" name "\", \"namespace\": \"demo\","          \
    " \"description\": null, \"labels\": [\"core\"], \"management_mode\": \"platform_managed\","   \
    " \"provisioning_status\": \"reserved\", \"is_alembic_managed\": true,"                        \
    " \"migration_package\": \"demo\", \"migration_namespace\": \"demo\","                         \
    " \"migration_provider_key\": \"demo:demo\", \"alembic_version_meta_table_uid\": \"$R\","      \
    " \"alembic_revision\": null, \"physical_table_name\": \"" name "\","                          \
    " \"protect_from_deletion\": false, " tail

#define ACCOUNT                                                                                    \
    "{" RESERVED("demo__account",                                                                  \
                 "\"table_contract\": {\"version\": \"relational-table.v1\", \"physical\":"        \
                 " {\"table_name\": \"demo__account\"}, \"columns\": [{\"name\": \"uid\","         \
                 " \"data_type\": \"uuid\", \"backend_type\": \"UUID\", \"nullable\": false,"      \
                 " \"primary_key\": true, \"unique\": false, \"server_default\":"                  \
                 " \"gen_random_uuid()\"}, {\"name\": \"name\", \"data_type\": \"string\","        \
                 " \"backend_type\": \"VARCHAR(64)\", \"nullable\": false, \"primary_key\":"       \
                 " false, \"unique\": false, \"label\": \"Name\"}], \"constraints\": [],"          \
                 " \"authoring\": {\"table_model\": {\"kind\": \"lua\", \"module\": \"demo\","     \
                 " \"qualname\": \"Account\"}}}") "}"
#define HOLDINGS                                                                                   \
    "{" RESERVED(                                                                                  \
        "demo__holdings",                                                                          \
        "\"table_contract\": {\"version\": \"relational-table.v1\", \"table_kind\":"               \
        " \"time_indexed\", \"authoring\": {\"table_model\": {\"kind\": \"lua\", \"module\":"      \
        " \"demo\", \"qualname\": \"Holdings\"}, \"time_indexed\": {\"time_index_name\":"          \
        " \"at\", \"index_names\": [\"at\", \"account_uid\"], \"cadence\": \"1d\"}},"              \
        " \"physical\": {\"table_name\": \"demo__holdings\"}, \"columns\": [{\"name\":"            \
        " \"at\", \"data_type\": \"timestamp with time zone\", \"backend_type\":"                  \
        " \"TIMESTAMP WITH TIME ZONE\", \"nullable\": false, \"primary_key\": false,"              \
        " \"unique\": false}, {\"name\": \"account_uid\", \"data_type\": \"uuid\","                \
        " \"backend_type\": \"UUID\", \"nullable\": false, \"primary_key\": false,"                \
        " \"unique\": false}, {\"name\": \"quantity\", \"data_type\": \"float64\","                \
        " \"backend_type\": \"FLOAT\", \"nullable\": true, \"primary_key\": false,"                \
        " \"unique\": false}]}, \"time_index_name\": \"at\", \"cadence\": \"1d\","                 \
        " \"partition_strategy\": \"backend_default\"") "}"

#define TABLES                                                                                     \
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"                              \
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));"                                  \
    "INSERT INTO alembic_version VALUES ('0001');"                                                 \
    "CREATE TABLE demo__account (uid CHAR(32) NOT NULL, name VARCHAR(64) NOT NULL,"                \
    " CONSTRAINT pk__demo__account PRIMARY KEY (uid));"                                            \
    "CREATE TABLE demo__holdings (at DATETIME NOT NULL, account_uid CHAR(32) NOT NULL,"            \
    " quantity FLOAT, CONSTRAINT fk__demo__holdings FOREIGN KEY(account_uid)"                      \
    " REFERENCES demo__account (uid) ON DELETE RESTRICT);"                                         \
    "CREATE UNIQUE INDEX uix__demo__holdings__at__account_uid ON demo__holdings (at, account_uid)"

static mseq_value *post(const fixture *made, const char *path, const char *text, const char *other,
                        int status) {
    char *body = fill(made, text, other);
    mseq_value *reply = expect(made->manager, "POST", path, body, status);
    free(body);
    return reply;
}

/* Registers the registry and reserves both tables; gives the uids. */
static void reserve_all(const fixture *made, char registry[37], char account[37],
                        char holdings[37]) {
    mseq_value *row = post(made, META "register/", REGISTRY, NULL, 201);
    check_model("MetaTable", row);
    snprintf(registry, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    mseq_value *rows = post(made, META, "[" ACCOUNT "]", registry, 201);
    check_models("MetaTable", rows);
    snprintf(account, 37, "%s", text_at(mseq_array_get(rows, 0), "uid"));
    mseq_value_free(rows);
    rows = post(made, DYNAMIC, "[" HOLDINGS "]", registry, 201);
    check_models("TimeIndexMetaTable", rows);
    snprintf(holdings, 37, "%s", text_at(mseq_array_get(rows, 0), "uid"));
    mseq_value_free(rows);
}

static mseq_value *finalize(const fixture *made, const char *registry, const char *account,
                            const char *holdings, int status) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"meta_table_uids\": [\"%s\", \"%s\", \"%s\"], \"migration_package\": \"demo\","
             " \"migration_namespace\": \"demo\", \"migration_provider_key\": \"demo:demo\","
             " \"alembic_version_meta_table_uid\": \"%s\", \"alembic_revision\": \"head\"}",
             registry, account, holdings, registry);
    mseq_value *reply = expect(made->manager, "POST", META "finalize-managed/", body, status);
    check_model("FinalizeResponse", reply);
    return reply;
}

static mseq_value *detail(const fixture *made, const char *prefix, const char *uid) {
    char path[256];
    snprintf(path, sizeof path, "%s%s/", prefix, uid);
    return expect(made->manager, "GET", path, NULL, 200);
}

static int64_t count_of(const mseq_value *reply, const char *key) {
    return mseq_object_get_integer(reply, key, -1);
}

static void test_project(void **state) {
    const fixture *made = *state;
    mseq_value *list = expect(made->manager, "GET", "/orm/api/pods/projects/", NULL, 200);
    const mseq_value *project = mseq_array_get(mseq_object_get(list, "results"), 0);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 1);
    check_model("Project", project);
    const mseq_value *source = mseq_object_get(project, "data_source");
    assert_string_equal(text_at(source, "uid"), made->source);
    assert_string_equal(text_at(mseq_object_get(source, "related_resource"), "status"),
                        "AVAILABLE");
    mseq_value *same = detail(made, "/orm/api/pods/projects/", text_at(project, "uid"));
    assert_true(mseq_value_equal(same, project));
    mseq_value_free(same);
    mseq_value_free(list);
    refuse(made->manager, "GET", "/orm/api/pods/projects/none/", NULL, 404, "not_found", "none");
    mseq_value *user = expect(made->manager, "GET", "/user/api/user/get_user_details/", NULL, 200);
    assert_string_equal(text_at(mseq_object_get(user, "user"), "username"), "local");
    mseq_value_free(user);
    user = expect(made->manager, "GET", "/auth/rest-auth/user/", NULL, 200);
    assert_string_equal(text_at(user, "username"), "local");
    mseq_value_free(user);
}

static void test_data_source(void **state) {
    const fixture *made = *state;
    mseq_value *source = detail(made, SOURCES, made->source);
    check_model("DynamicTableDataSource", source);
    mseq_value_free(source);
    mseq_value *list =
        expect(made->manager, "GET", SOURCES "?related_resource__status=AVAILABLE", NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 1);
    mseq_value_free(list);
    list = expect(made->manager, "GET", SOURCES "?related_resource__status=GONE", NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 0);
    mseq_value_free(list);
    refuse(made->manager, "GET", SOURCES "?colour=red", NULL, 400, "unknown_key", "colour");
    refuse(made->manager, "GET", SOURCES "none/", NULL, 404, "data_source_not_found", "none");
}

static void test_migration_connection(void **state) {
    const fixture *made = *state;
    char path[256], uri[256];
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", made->source);
    mseq_value *reply = expect(made->manager, "POST", path,
                               "{\"purpose\": \"schema_migration\", \"package\": \"\","
                               " \"migration_namespace\": \"\", \"ttl_seconds\": 60}",
                               200);
    check_model("MigrationConnection", reply);
    snprintf(uri, sizeof uri, "sqlite:///%s/data.sqlite", mseq_manager_directory(made->manager));
    assert_string_equal(text_at(reply, "uri"), uri);
    assert_string_equal(text_at(reply, "dialect"), "sqlite");
    int64_t expires = 0, now = mseq_time_now();
    assert_int_equal(mseq_time_parse(text_at(reply, "expires_at"), &expires, NULL), MSEQ_OK);
    assert_true(expires > now && expires < now + 61 * INT64_C(1000000));
    mseq_value_free(reply);
    refuse(made->manager, "POST", path, "{\"ttl_seconds\": 0}", 400, "bad_value", "ttl_seconds");
    refuse(made->manager, "POST", path, "{\"purpose\": \"fun\"}", 400, "bad_value", "purpose");
    refuse(made->manager, "POST", SOURCES "none/migration-connection/", "{}", 404,
           "data_source_not_found", "none");
}

static void test_whole_migration(void **state) {
    const fixture *made = *state;
    char registry[37], account[37], holdings[37];
    reserve_all(made, registry, account, holdings);
    run_on_data(made, TABLES);
    mseq_value *reply = finalize(made, registry, account, holdings, 200);
    assert_true(mseq_object_get_boolean(reply, "ok", false));
    assert_int_equal(count_of(reply, "finalized_count"), 2);
    assert_int_equal(count_of(reply, "active_count"), 3);
    assert_int_equal(count_of(reply, "failed_count"), 0);
    const mseq_value *second = mseq_array_get(mseq_object_get(reply, "tables"), 1);
    assert_string_equal(text_at(second, "previous_provisioning_status"), "reserved");
    assert_string_equal(text_at(second, "provisioning_status"), "active");
    assert_string_equal(text_at(second, "alembic_revision"), "0001");
    mseq_value_free(reply);

    /* again: nothing is new */
    reply = finalize(made, registry, account, holdings, 200);
    assert_int_equal(count_of(reply, "finalized_count"), 0);
    assert_int_equal(count_of(reply, "active_count"), 3);
    mseq_value_free(reply);

    mseq_value *row = detail(made, META, account);
    check_model("MetaTable", row);
    assert_string_equal(text_at(row, "provisioning_status"), "active");
    assert_string_equal(text_at(row, "alembic_revision"), "0001");
    const mseq_value *column = mseq_array_get(mseq_object_get(row, "columns"), 0);
    assert_string_equal(text_at(column, "data_type"), "uuid");
    assert_string_equal(text_at(column, "backend_type"), "UUID");
    assert_string_equal(text_at(column, "server_default"), "gen_random_uuid()");
    column = mseq_array_get(mseq_object_get(row, "columns"), 1);
    assert_string_equal(text_at(column, "label"), "Name");
    const mseq_value *incoming = mseq_array_get(mseq_object_get(row, "incoming_fks"), 0);
    assert_string_equal(text_at(incoming, "target_table_uid"), account);
    assert_string_equal(text_at(mseq_object_get(incoming, "contract_fragment"), "source_table_uid"),
                        holdings);
    const mseq_value *snapshot = mseq_object_get(row, "introspection_snapshot");
    assert_int_equal(mseq_value_length(mseq_object_get(snapshot, "differences")), 0);
    mseq_value_free(row);

    row = detail(made, DYNAMIC, holdings);
    check_model("TimeIndexMetaTable", row);
    assert_string_equal(text_at(mseq_array_get(mseq_object_get(row, "columns"), 0), "data_type"),
                        "timestamp with time zone");
    const mseq_value *key = mseq_array_get(mseq_object_get(row, "foreign_keys"), 0);
    assert_string_equal(text_at(key, "target_table_uid"), account);
    assert_string_equal(text_at(key, "on_delete"), "RESTRICT");
    const mseq_value *profile = mseq_object_get(row, "time_indexed_profile");
    assert_string_equal(text_at(profile, "time_index_name"), "at");
    assert_int_equal(mseq_value_length(mseq_object_get(profile, "index_names")), 2);
    assert_int_equal(mseq_value_length(mseq_object_get(
                         mseq_object_get(row, "introspection_snapshot"), "differences")),
                     0);
    mseq_value_free(row);
    /* the same table by the route that does not know its kind */
    row = detail(made, META, holdings);
    check_model("MetaTable", row);
    mseq_value_free(row);
}

static void test_missing_table(void **state) {
    const fixture *made = *state;
    char registry[37], account[37], holdings[37];
    reserve_all(made, registry, account, holdings);
    mseq_value *reply = finalize(made, registry, account, holdings, 409);
    assert_false(mseq_object_get_boolean(reply, "ok", true));
    assert_int_equal(count_of(reply, "failed_count"), 3);
    assert_int_equal(count_of(reply, "reserved_count"), 2);
    const mseq_value *second = mseq_array_get(mseq_object_get(reply, "tables"), 1);
    assert_string_equal(text_at(mseq_object_get(second, "error"), "code"),
                        "physical_table_missing");
    mseq_value_free(reply);
    mseq_value *row = detail(made, META, account);
    assert_string_equal(text_at(row, "provisioning_status"), "reserved");
    mseq_value_free(row);
}

static void test_downgrade(void **state) {
    const fixture *made = *state;
    char registry[37], account[37], holdings[37];
    reserve_all(made, registry, account, holdings);
    run_on_data(made, TABLES);
    mseq_value_free(finalize(made, registry, account, holdings, 200));
    run_on_data(made, "DROP TABLE demo__holdings; DROP TABLE demo__account;"
                      " DELETE FROM alembic_version");
    for (int i = 0; i < 2; i++) { /* repeated, it says the same */
        mseq_value *reply = finalize(made, registry, account, holdings, 200);
        assert_int_equal(count_of(reply, "reserved_count"), 2);
        assert_int_equal(count_of(reply, "active_count"), 1);
        const mseq_value *second = mseq_array_get(mseq_object_get(reply, "tables"), 1);
        assert_string_equal(text_at(mseq_object_get(second, "error"), "code"),
                            "physical_table_missing");
        assert_false(mseq_object_get_boolean(second, "physical_table_exists", true));
        assert_true(mseq_value_is_null(mseq_object_get(second, "alembic_revision")));
        mseq_value_free(reply);
    }
    mseq_value *row = detail(made, META, account);
    assert_string_equal(text_at(row, "provisioning_status"), "reserved");
    assert_int_equal(mseq_value_length(mseq_object_get(row, "columns")), 2);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 0);
    mseq_value_free(row);
    run_on_data(made,
                "CREATE TABLE demo__account (uid CHAR(32) NOT NULL, name VARCHAR(64) NOT NULL,"
                " PRIMARY KEY (uid))");
    mseq_value *reply = finalize(made, registry, account, holdings, 200);
    assert_int_equal(count_of(reply, "finalized_count"), 1);
    mseq_value_free(reply);
}

static void test_differences(void **state) {
    const fixture *made = *state;
    char registry[37], account[37], holdings[37];
    reserve_all(made, registry, account, holdings);
    run_on_data(made, TABLES "; ALTER TABLE demo__account ADD COLUMN born DATETIME;"
                             " ALTER TABLE demo__account ADD COLUMN active BOOLEAN");
    mseq_value_free(finalize(made, registry, account, holdings, 200));
    mseq_value *row = detail(made, META, account);
    check_model("MetaTable", row);
    const mseq_value *columns = mseq_object_get(row, "columns");
    assert_int_equal(mseq_value_length(columns), 4);
    assert_string_equal(text_at(mseq_array_get(columns, 2), "data_type"),
                        "timestamp with time zone");
    assert_string_equal(text_at(mseq_array_get(columns, 3), "data_type"), "bool");
    const mseq_value *differences =
        mseq_object_get(mseq_object_get(row, "introspection_snapshot"), "differences");
    assert_int_equal(mseq_value_length(differences), 2);
    assert_string_equal(text_at(mseq_array_get(differences, 0), "code"), "column_unexpected");
    const mseq_value *contract = mseq_object_get(row, "table_contract");
    assert_int_equal(mseq_value_length(mseq_object_get(contract, "columns")), 4);
    assert_string_equal(
        text_at(mseq_object_get(mseq_object_get(contract, "authoring"), "table_model"), "qualname"),
        "Account");
    mseq_value_free(row);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_project, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_data_source, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_migration_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whole_migration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_downgrade, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_differences, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
