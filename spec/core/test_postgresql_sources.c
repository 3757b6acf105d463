/* SPDX-License-Identifier: MIT
 * Room `manager`: data sources on PostgreSQL: how they are added and tested, and tables that are
 * registered, made, seen and dropped there. */
#include <sys/stat.h>

#include "source_helpers.h"

/* ---- Adding ------------------------------------------------------------------------------------
 */

static void assert_no_secret(const mseq_value *value) {
    char *text = to_text(value);
    assert_null(strstr(text, "secret@"));
    assert_null(strstr(text, KEEPER_PASSWORD));
    free(text);
}

static const mseq_value *find_check(const mseq_value *report, const char *name) {
    const mseq_value *checks = mseq_object_get(report, "checks");
    for (size_t i = 0; i < mseq_value_length(checks); i++)
        if (strcmp(text_at(mseq_array_get(checks, i), "name"), name) == 0)
            return mseq_array_get(checks, i);
    fail_msg("there is no check '%s'", name);
    return NULL;
}

static void test_add(void **state) {
    const fixture *made = *state;
    char path[160], file[256];
    struct stat information;
    mseq_value *list = expect(made->manager, "GET", ADMIN, NULL, 200);
    assert_no_secret(list);
    const mseq_value *source = mseq_array_get(mseq_object_get(list, "results"), 1);
    assert_string_equal(text_at(source, "display_name"), "shop");
    assert_string_equal(text_at(source, "secret_kind"), "file");
    assert_non_null(strstr(text_at(source, "location"), "postgresql://keeper@127.0.0.1:"));
    assert_true(mseq_object_get_boolean(source, "is_default", false));
    mseq_value_free(list);
    snprintf(file, sizeof file, "%s/secrets/%s.uri", made->folder, made->source);
    assert_int_equal(stat(file, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0600);

    path_of(made, "test/", path);
    mseq_value *report = expect(made->manager, "POST", path, "{}", 200);
    assert_true(mseq_object_get_boolean(report, "ok", false));
    assert_no_secret(report);
    assert_true(mseq_object_get_boolean(find_check(report, "create_roles"), "ok", false));
    const mseq_value *capabilities = mseq_object_get(report, "capabilities");
    assert_int_equal(mseq_value_length(capabilities), 9);
    for (size_t i = 0; i < mseq_value_length(capabilities); i++)
        assert_true(mseq_value_get_boolean(mseq_object_value_at(capabilities, i), false));
    snprintf(path, sizeof path, SOURCES "%s/", made->source);
    mseq_value *shown = expect(made->manager, "GET", path, NULL, 200);
    check_model("DynamicTableDataSource", shown);
    assert_no_secret(shown);
    assert_true(
        mseq_value_equal(mseq_object_get(mseq_object_get(mseq_object_get(shown, "related_resource"),
                                                         "extra_arguments"),
                                         "capabilities"),
                         capabilities));
    mseq_value_free(shown);
    mseq_value_free(report);
    list = expect(made->manager, "GET", "/orm/api/pods/projects/", NULL, 200);
    const mseq_value *project = mseq_array_get(mseq_object_get(list, "results"), 0);
    assert_string_equal(text_at(mseq_object_get(project, "data_source"), "uid"), made->source);
    mseq_value_free(list);

    path_of(made, "", path);
    refuse(made->manager, "DELETE", path, NULL, 409, "data_source_in_use", "project");
    list = expect(made->manager, "GET", ADMIN, NULL, 200);
    char other[160];
    snprintf(other, sizeof other, ADMIN "%s/",
             text_at(mseq_array_get(mseq_object_get(list, "results"), 0), "uid"));
    mseq_value_free(list);
    mseq_value_free(expect(made->manager, "PATCH", other, "{\"is_default\": true}", 200));
    refuse(made->manager, "PATCH", other, "{\"is_default\": false}", 400, "bad_value", NULL);
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    assert_int_not_equal(stat(file, &information), 0);
    refuse(made->manager, "DELETE", path, NULL, 404, "data_source_not_found", NULL);
}

static void refuse_addition(const fixture *made, char *body, int status, const char *code,
                            const char *words) {
    mseq_value *reply = expect(made->manager, "POST", ADMIN, body, status);
    assert_string_equal(text_at(reply, "code"), code);
    assert_no_secret(reply);
    if (words && !strstr(text_at(reply, "detail"), words))
        fail_msg("%s", text_at(reply, "detail"));
    mseq_value_free(reply);
    free(body);
}

static void test_refused_additions(void **state) {
    const fixture *made = *state;
    char *uri = mseq_text_format("%s", postgresql_uri());
    char *wrong = mseq_text_format("postgresql://keeper:" KEEPER_PASSWORD "-wrong@%s/shop",
                                   strrchr(uri, '@') + 1);
    *strrchr(wrong, '/') = '\0'; /* ".../postgres/shop" */
    refuse_addition(made, add_body(wrong, ""), 503, "database_unavailable", "not added");
    refuse_addition(made, add_body("postgresql://u:secret@127.0.0.1:1/x", ""), 503,
                    "database_unavailable", NULL);
    refuse_addition(made, add_body("mysql://u:secret@h/x", ""), 400, "bad_value", "postgresql://");
    refuse_addition(made, strdup("{\"class_type\": \"postgresql\"}"), 400, "bad_value",
                    "uri_environment");
    refuse_addition(made, strdup("{\"class_type\": \"duck_db\", \"path\": \"x\"}"), 400,
                    "bad_value", NULL);
    refuse_addition(made, strdup("{\"class_type\": \"postgresql\", \"path\": \"x\"}"), 400,
                    "bad_value", NULL);
    refuse_addition(made, strdup("{\"class_type\": \"sqlite\", \"path\": \"../x\"}"), 400,
                    "bad_value", NULL);
    refuse_addition(made, strdup("{\"class_type\": \"sqlite\", \"path\": \"catalog.sqlite\"}"), 400,
                    "bad_value", "catalog");
    refuse_addition(made, strdup("{\"class_type\": \"sqlite\", \"path\": \"/no/such/folder/x\"}"),
                    500, "io", NULL);
    refuse_addition(made,
                    strdup("{\"class_type\": \"postgresql\", \"uri_environment\":"
                           " \"MSEQ_TEST_UNSET\"}"),
                    500, "secret_unavailable", "MSEQ_TEST_UNSET");
    /* the same database twice */
    char *same =
        mseq_text_format("postgresql://keeper:" KEEPER_PASSWORD "@%s", strrchr(uri, '@') + 1);
    snprintf(strrchr(same, '/'), 6, "/shop");
    refuse_addition(made, add_body(same, ""), 409, "data_source_exists", made->source);
    free(same);
    free(wrong);
    free(uri);
    /* who is no admin */
    add_user(made->manager, "ada", false);
    char *token = log_in(made->manager, "ada", NULL), path[160];
    path_of(made, "", path);
    refuse_remote(made->manager, token, "GET", ADMIN, NULL, 403, "admin_only");
    refuse_remote(made->manager, token, "POST", ADMIN, "{}", 403, "admin_only");
    refuse_remote(made->manager, token, "DELETE", path, NULL, 403, "admin_only");
    refuse_remote(made->manager, token, "PATCH", path, "{}", 403, "admin_only");
    path_of(made, "test/", path);
    refuse_remote(made->manager, token, "POST", path, "{}", 403, "admin_only");
    free(token);
}

/* The variable is read each time: a changed password needs no restart. */
static void test_environment(void **state) {
    const fixture *made = *state;
    char path[160];
    char *uri = make_database("keeper_two", "CREATEROLE", "shop_two");
    setenv("MSEQ_TEST_URI", uri, 1);
    mseq_value *source =
        expect(made->manager, "POST", ADMIN,
               "{\"class_type\": \"postgresql\", \"uri_environment\": \"MSEQ_TEST_URI\"}", 201);
    assert_no_secret(source);
    assert_string_equal(text_at(source, "secret_kind"), "environment");
    assert_string_equal(text_at(source, "secret_name"), "MSEQ_TEST_URI");
    snprintf(path, sizeof path, ADMIN "%s/test/", text_at(source, "uid"));
    free(ask("postgres", "ALTER ROLE keeper_two PASSWORD 'changed'"));
    free(ask("postgres", "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                         " WHERE usename = 'keeper_two'"));
    mseq_value *report = expect(made->manager, "POST", path, "{}", 200);
    assert_false(mseq_object_get_boolean(report, "ok", true));
    const mseq_value *check = mseq_array_get(mseq_object_get(report, "checks"), 0);
    assert_string_equal(text_at(check, "name"), "reachable");
    assert_non_null(strstr(text_at(check, "detail"), "authentication failed"));
    assert_no_secret(report);
    mseq_value_free(report);
    char *changed = mseq_text_format("postgresql://keeper_two:changed@%s", strrchr(uri, '@') + 1);
    setenv("MSEQ_TEST_URI", changed, 1);
    report = expect(made->manager, "POST", path, "{}", 200);
    assert_true(mseq_object_get_boolean(report, "ok", false));
    mseq_value_free(report);
    unsetenv("MSEQ_TEST_URI");
    report = expect(made->manager, "POST", path, "{}", 200);
    check = mseq_array_get(mseq_object_get(report, "checks"), 0);
    assert_non_null(strstr(text_at(check, "detail"), "MSEQ_TEST_URI"));
    mseq_value_free(report);
    mseq_value_free(source);
    free(changed);
    free(uri);
}

/* ---- What a database does not allow ------------------------------------------------------------
 */

static void test_without_createrole(void **state) {
    fixture *made = *state;
    char path[160];
    char *uri = make_database("plain", "NOCREATEROLE", "shop_plain"), *body = add_body(uri, "");
    mseq_value *source = expect(made->manager, "POST", ADMIN, body, 201);
    snprintf(made->source, sizeof made->source, "%s", text_at(source, "uid"));
    const mseq_value *capabilities = mseq_object_get(source, "capabilities");
    assert_false(mseq_object_get_boolean(capabilities, "supports_table_migration", true));
    assert_false(mseq_object_get_boolean(capabilities, "supports_compiled_select", true));
    assert_true(mseq_object_get_boolean(capabilities, "supports_table_ddl", false));
    mseq_value_free(source);
    mseq_value *reply = issue(made, "{}", 409);
    assert_string_equal(text_at(reply, "code"), "capability_missing");
    assert_non_null(strstr(text_at(reply, "detail"), "may not create roles"));
    assert_non_null(strstr(text_at(reply, "hint"), "CREATEROLE"));
    mseq_value_free(reply);
    path_of(made, "test/", path);
    mseq_value *report = expect(made->manager, "POST", path, "{}", 200);
    assert_false(mseq_object_get_boolean(report, "ok", true));
    assert_non_null(strstr(text_at(find_check(report, "create_roles"), "hint"), "CREATEROLE"));
    mseq_value_free(report);
    path_of(made, "", path);
    mseq_value_free(expect(made->manager, "PATCH", path, "{\"fence\": \"parser_only\"}", 200));
    path_of(made, "test/", path);
    report = expect(made->manager, "POST", path, "{}", 200);
    assert_true(mseq_object_get_boolean(mseq_object_get(report, "capabilities"),
                                        "supports_compiled_select", false));
    mseq_value_free(report);
    /* what is allowed later is known at the next request */
    free(ask("postgres", "ALTER ROLE plain CREATEROLE"));
    mseq_value_free(issue(made, "{}", 200));
    free(body);
    free(uri);
    free(ask("postgres", "DROP DATABASE shop_plain WITH (FORCE)"));
    free(ask("postgres", "DROP ROLE mseq_owner_shop_plain"));
}

/* A role that owns neither the database nor the schema. */
static void test_without_rights(void **state) {
    fixture *made = *state;
    char *uri = make_database("guest", "CREATEROLE", "shop_guest"), *body = add_body(uri, "");
    free(ask("postgres", "ALTER DATABASE shop_guest OWNER TO postgres"));
    mseq_value *source = expect(made->manager, "POST", ADMIN, body, 201);
    snprintf(made->source, sizeof made->source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    mseq_value *reply = issue(made, "{}", 409);
    assert_string_equal(text_at(reply, "code"), "capability_missing");
    assert_non_null(strstr(text_at(reply, "hint"), "GRANT CREATE, USAGE ON SCHEMA \"public\""));
    mseq_value_free(reply);
    free(body);
    body = fill(made,
                "{\"data_source_uid\": \"$S\", \"management_mode\": \"platform_managed\","
                " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"physical\":"
                " {\"table_name\": \"t\"}, \"columns\": [{\"name\": \"id\", \"data_type\":"
                " \"int64\"}]}}",
                NULL);
    refuse(made->manager, "POST", META "register/", body, 409, "capability_missing",
           "supports_table_ddl");
    free(body);
    free(uri);
    free(ask("postgres", "DROP DATABASE shop_guest WITH (FORCE)"));
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

#define COLUMN(name, type, backend, tail)                                                          \
    "{\"name\": \"" name "\", \"data_type\": \"" type "\", \"backend_type\": \"" backend "\"" tail \
    "}"

#define MANAGED(name, columns, tail)                                                               \
    "{\"data_source_uid\": \"$S\", \"identifier\": \"demo." name                                   \
    "\", \"management_mode\": \"platform_managed\", \"provisioning\": {\"create_table\": true,"    \
    " \"if_not_exists\": true}, \"table_contract\": {\"physical\": {\"table_name\": \"" name       \
    "\"}, \"columns\": [" columns "]" tail "}}"
#define KEY ", \"primary_key\": true, \"nullable\": false"

static mseq_value *send(const fixture *made, const char *method, const char *path, const char *text,
                        int status) {
    char *body = text ? fill(made, text, NULL) : NULL;
    mseq_value *reply = expect(made->manager, method, path, body, status);
    free(body);
    return reply;
}

static void test_provisioning(void **state) {
    const fixture *made = *state;
    char path[160];
    mseq_value *account =
        send(made, "POST", META "register/",
             MANAGED("account",
                     COLUMN("uid", "uuid", "UUID", KEY) ", " COLUMN(
                         "name", "string", "VARCHAR(64)",
                         ", \"label\": \"Name\"") ", " COLUMN("tags", "json", "JSON", ""),
                     ", \"indexes\": [{\"name\": \"ix__account__name\", \"columns\": [\"name\"],"
                     " \"unique\": true}]"),
             201);
    check_model("MetaTable", account);
    assert_string_equal(text_at(account, "provisioning_status"), "active");
    mseq_value *asset =
        send(made, "POST", META "register/",
             MANAGED("asset",
                     COLUMN("uid", "uuid", "UUID", KEY) ", " COLUMN("account_uid", "uuid", "UUID",
                                                                    ", \"nullable\": false"),
                     ", \"foreign_keys\": [{\"name\": \"fk__asset\", \"source_columns\":"
                     " [\"account_uid\"], \"target_table\": \"account\", \"target_columns\":"
                     " [\"uid\"], \"on_delete\": \"RESTRICT\"}]"),
             201);
    check_model("MetaTable", asset);
    const mseq_value *key = mseq_array_get(mseq_object_get(asset, "foreign_keys"), 0);
    assert_string_equal(text_at(key, "target_table_uid"), text_at(account, "uid"));
    assert_string_equal(text_at(key, "on_delete"), "RESTRICT");
    expect_answer("shop",
                  "SELECT string_agg(tableowner, ' ') FROM pg_tables WHERE schemaname = 'public'",
                  "mseq_owner_shop mseq_owner_shop");
    snprintf(path, sizeof path, META "%s/", text_at(account, "uid"));
    mseq_value *row = expect(made->manager, "GET", path, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 1);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "indexes_meta")), 1);
    assert_string_equal(text_at(mseq_array_get(mseq_object_get(row, "columns"), 1), "label"),
                        "Name");
    assert_int_equal(mseq_value_length(mseq_object_get(
                         mseq_object_get(row, "introspection_snapshot"), "differences")),
                     0);
    mseq_value_free(row);
    /* what the table really has is seen */
    free(ask("shop", "ALTER TABLE account ADD COLUMN opened timestamptz"));
    snprintf(path, sizeof path, META "%s/introspect/", text_at(account, "uid"));
    mseq_value_free(expect(made->manager, "POST", path, "{}", 200));
    snprintf(path, sizeof path, META "%s/", text_at(account, "uid"));
    row = expect(made->manager, "GET", path, NULL, 200);
    check_model("MetaTable", row);
    const mseq_value *column = mseq_array_get(mseq_object_get(row, "columns"), 3);
    assert_string_equal(text_at(column, "name"), "opened");
    assert_string_equal(text_at(column, "data_type"), "timestamp with time zone");
    mseq_value_free(row);
    /* dropped: who is referred to only with those that refer to it */
    snprintf(path, sizeof path, META "%s/?full_delete_selected=true", text_at(account, "uid"));
    refuse(made->manager, "DELETE", path, NULL, 409, "table_referenced", "asset");
    snprintf(path, sizeof path,
             META "%s/?full_delete_selected=true&full_delete_downstream_tables=true",
             text_at(account, "uid"));
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    expect_answer("shop", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "0");
    mseq_value_free(account);
    mseq_value_free(asset);
}

/* A table that the database refuses leaves neither a table nor a row. */
static void test_provisioning_fails(void **state) {
    const fixture *made = *state;
    char *body = fill(
        made,
        MANAGED("bad",
                COLUMN("uid", "uuid", "UUID", KEY ", \"server_default\": \"no_such_function()\""),
                ""),
        NULL);
    mseq_reply reply = call(made->manager, "POST", META "register/", body);
    assert_true(reply.status >= 400);
    assert_non_null(strstr(text_at(reply.body, "detail"), "no_such_function"));
    mseq_reply_free(&reply);
    free(body);
    expect_answer("shop", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "0");
    mseq_value *list = expect(made->manager, "GET", META, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 0);
    mseq_value_free(list);
}

#define RESERVED                                                                                   \
    "[{\"data_source_uid\": \"$S\", \"identifier\": \"demo.t\", \"management_mode\":"              \
    " \"platform_managed\", \"provisioning_status\": \"reserved\", \"is_alembic_managed\": true,"  \
    " \"migration_package\": \"demo\", \"migration_namespace\": \"demo\","                         \
    " \"migration_provider_key\": \"demo:demo\", \"physical_table_name\": \"demo__t\","            \
    " \"table_contract\": {\"physical\": {\"table_name\": \"demo__t\"}, \"columns\": ["            \
    "{\"name\": \"uid\", \"data_type\": \"uuid\", \"backend_type\": \"UUID\", \"primary_key\":"    \
    " true, \"nullable\": false}, {\"name\": \"note\", \"data_type\": \"string\","                 \
    " \"backend_type\": \"TEXT\", \"description\": \"kept\"}]}}]"

static mseq_value *finalize(const fixture *made, const char *uid, int status) {
    char body[256];
    snprintf(body, sizeof body,
             "{\"meta_table_uids\": [\"%s\"], \"migration_provider_key\":"
             " \"demo:demo\"}",
             uid);
    mseq_value *reply = expect(made->manager, "POST", META "finalize-managed/", body, status);
    check_model("FinalizeResponse", reply);
    return reply;
}

/* Reserved, made by a migration, seen by finalize, dropped by a downgrade. */
static void test_migration(void **state) {
    const fixture *made = *state;
    mseq_database *database = NULL;
    char path[160];
    mseq_value *rows = send(made, "POST", META, RESERVED, 201);
    const char *uid = text_at(mseq_array_get(rows, 0), "uid");
    mseq_value_free(finalize(made, uid, 409));
    mseq_value *credential = issue(made, "{}", 200);
    mseq_connection *connection = use_credential(credential, &database);
    run(connection, "SET ROLE mseq_owner_shop", NULL, NULL);
    run(connection, "CREATE TABLE demo__t (uid uuid PRIMARY KEY, note text, extra numeric(10, 2))",
        NULL, NULL);
    mseq_value *reply = finalize(made, uid, 200);
    assert_int_equal(mseq_object_get_integer(reply, "finalized_count", -1), 1);
    mseq_value_free(reply);
    snprintf(path, sizeof path, META "%s/", uid);
    mseq_value *row = expect(made->manager, "GET", path, NULL, 200);
    check_model("MetaTable", row);
    assert_string_equal(text_at(row, "provisioning_status"), "active");
    const mseq_value *columns = mseq_object_get(row, "columns");
    assert_int_equal(mseq_value_length(columns), 3);
    assert_string_equal(text_at(mseq_array_get(columns, 1), "description"), "kept");
    const mseq_value *differences =
        mseq_object_get(mseq_object_get(row, "introspection_snapshot"), "differences");
    assert_int_equal(mseq_value_length(differences), 1);
    assert_string_equal(text_at(mseq_array_get(differences, 0), "code"), "column_unexpected");
    mseq_value_free(row);
    run(connection, "DROP TABLE demo__t", NULL, NULL);
    reply = finalize(made, uid, 200);
    assert_int_equal(mseq_object_get_integer(reply, "reserved_count", -1), 1);
    mseq_value_free(reply);
    mseq_connection_release(connection);
    mseq_database_close(database);
    mseq_value_free(credential);
    mseq_value_free(rows);
}

/* The database is away: an error that says so, and no restart when it is back. */
static void test_source_goes_away(void **state) {
    const fixture *made = *state;
    mseq_value *rows = send(made, "POST", META, RESERVED, 201);
    const char *uid = text_at(mseq_array_get(rows, 0), "uid");
    char body[256];
    mseq_value_free(finalize(made, uid, 409));
    free(ask("postgres", "ALTER DATABASE shop ALLOW_CONNECTIONS false"));
    free(ask("postgres", "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                         " WHERE datname = 'shop'"));
    snprintf(body, sizeof body, "{\"meta_table_uids\": [\"%s\"]}", uid);
    mseq_value *reply = expect(made->manager, "POST", META "finalize-managed/", body, 503);
    assert_string_equal(text_at(reply, "code"), "database_unavailable");
    assert_non_null(strstr(text_at(reply, "detail"), "the data source"));
    assert_no_secret(reply);
    mseq_value_free(reply);
    reply = issue(made, "{}", 503);
    assert_no_secret(reply);
    mseq_value_free(reply);
    free(ask("postgres", "ALTER DATABASE shop ALLOW_CONNECTIONS true"));
    mseq_value_free(finalize(made, uid, 409));
    mseq_value_free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_add, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_refused_additions, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_createrole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_rights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_provisioning, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_provisioning_fails, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_migration, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_source_goes_away, set_up_source, tear_down_source),
    };
    return cmocka_run_group_tests_name("data sources on PostgreSQL", tests, NULL, NULL);
}
