/* SPDX-License-Identifier: MIT
 * The role of each user in a PostgreSQL data source: what it may do although no statement is
 * judged, and how it follows the catalog. */
#include "access_helpers.h"
#include "postgresql_helpers.h"

#define DATA_SOURCES "/orm/api/ts_manager/data_sources/"

typedef struct world {
    fixture *made;
    char *uri, *reader;
    int64_t reader_id;
    char source[37], asset[37], account[37], hidden[37];
} world;

static world all;

static void on_database(const char *sql) {
    mseq_database *database = open_uri(all.uri);
    mseq_connection *connection = connect_to(database);
    run_script(connection, sql);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static void register_table(const char *name, char uid[37]) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"data_source_uid\": \"%s\", \"identifier\": \"app.%s\", \"namespace\": \"app\","
             " \"management_mode\": \"external_registered\", \"introspect\": true,"
             " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\":"
             " {\"table_name\": \"%s\"}, \"columns\": [{\"name\": \"id\", \"data_type\": \"int32\","
             " \"backend_type\": \"INTEGER\"}], \"constraints\": []}}",
             all.source, name, name);
    mseq_value *row = expect(all.made->manager, "POST", META "register/", body, 201);
    snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
}

static void share(const char *uid, const char *route) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)all.reader_id);
    snprintf(path, sizeof path, META "%s/%s/", uid, route);
    mseq_value_free(expect(all.made->manager, "POST", path, body, 200));
}

static void operation_body(char body[2048], const char *kind, const char *uid, const char *access,
                           const char *sql) {
    snprintf(body, 2048,
             "{\"operation\": \"%s\", \"version\": \"compiled-sql.v1\", \"dialect\": "
             "\"postgresql\", \"statement\": {\"sql\": \"%s\", \"parameters\": {}, \"paramstyle\": "
             "\"pyformat\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\": "
             "[{\"meta_table_uid\": \"%s\", \"access\": \"%s\"}]}}",
             kind, sql, all.source, uid, access);
}

/* As the reader; `code` NULL: it succeeds. */
static void execute(const char *kind, const char *uid, const char *access, const char *sql,
                    int status, const char *code) {
    char body[2048];
    operation_body(body, kind, uid, access, sql);
    mseq_value *reply = expect_remote(all.made->manager, all.reader, "POST",
                                      META "execute-operation/", body, status);
    if (code)
        assert_string_equal(text_at(reply, "code"), code);
    mseq_value_free(reply);
}

/* ---- The role without any judge ----------------------------------------------------------------
 */

/* A connection with the credential of the reader's role, as the catalog keeps it. */
static mseq_connection *as_role(mseq_database **database) {
    mseq_database *catalog = NULL;
    mseq_value *rows = NULL;
    mseq_connection *connection = open_catalog(all.made->folder, &catalog);
    assert_int_equal(mseq_connection_execute(connection,
                                             "SELECT role_name, password FROM fence_role WHERE "
                                             "user_uid IN (SELECT uid FROM platform_user WHERE "
                                             "username = 'reader')",
                                             NULL, &rows, NULL, NULL),
                     MSEQ_OK);
    const mseq_value *row = mseq_array_get(rows, 0);
    assert_non_null(row);
    const char *place = strchr(all.uri, '@');
    char *uri = mseq_text_format("postgresql://%s:%s%s", text_at(row, "role_name"),
                                 text_at(row, "password"), place);
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(catalog);
    *database = open_uri(uri);
    free(uri);
    return connect_to(*database);
}

static void role_may(const char *sql, bool may) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *connection = as_role(&database);
    mseq_status status = fails(connection, sql, NULL, &err);
    if (may && status != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
    if (!may && (status == MSEQ_OK || strcmp(err.sqlstate, "42501") != 0))
        fail_msg("%s: %s (%s)", sql, status == MSEQ_OK ? "done" : err.message, err.sqlstate);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static void least_privilege(void **state) {
    (void)state;
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 200, NULL);
    execute("select", all.hidden, "read", "SELECT v FROM hidden", 404, "not_found");
    execute("update", all.asset, "write", "UPDATE asset SET v = 'x'", 403, "edit_required");
    role_may("SELECT id FROM asset", true);
    role_may("INSERT INTO account (v) VALUES ('y')", true);
    role_may("SELECT v FROM hidden", false);
    role_may("SELECT count(*) FROM hidden", false);
    role_may("SELECT * FROM v_hidden", false);
    role_may("UPDATE asset SET v = 'x'", false);
    role_may("DELETE FROM asset", false);
    role_may("TRUNCATE account", false);
    role_may("DROP TABLE account", false);
    role_may("CREATE TABLE own (id int)", false);
    role_may("SET ROLE postgres", false);
    role_may("SET SESSION AUTHORIZATION postgres", false);
    role_may("SELECT pg_read_file('/etc/passwd')", false);
    role_may("COPY asset TO PROGRAM 'true'", false);
    role_may("SELECT query_to_xml('select v from hidden', true, true, '')", false);
    role_may("CREATE ROLE other", false);
}

/* A change of access changes the grants before the next statement. */
static void changes(void **state) {
    (void)state;
    share(all.account, "remove-from-edit");
    share(all.account, "add-to-view");
    execute("select", all.account, "read", "SELECT id FROM account", 200, NULL);
    role_may("SELECT id FROM account", true);
    role_may("INSERT INTO account (v) VALUES ('z')", false);
    role_may("SELECT nextval('account_id_seq')", false);
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 403,
            "edit_required");
    share(all.asset, "remove-from-view");
    execute("select", all.asset, "read", "SELECT id FROM asset", 404, "not_found");
    execute("select", all.account, "read", "SELECT id FROM account", 200, NULL);
    role_may("SELECT id FROM asset", false);
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 200, NULL);
    role_may("SELECT id FROM asset", true);
}

/* A table that is made again has lost its grants; they come back. */
static void made_again(void **state) {
    (void)state;
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    on_database("DROP TABLE asset; CREATE TABLE asset (id int PRIMARY KEY, v text)");
    role_may("SELECT id FROM asset", false);
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    role_may("SELECT id FROM asset", true);
}

static void patch_source(const char *json) {
    char path[128];
    snprintf(path, sizeof path, DATA_SOURCES "%s/", all.source);
    mseq_value_free(expect(all.made->manager, "PATCH", path, json, 200));
}

static void access_mode(void **state) {
    (void)state;
    patch_source("{\"access_mode\": \"read_only\"}");
    execute("select", all.account, "read", "SELECT id FROM account", 200, NULL);
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 409,
            "data_source_access");
    patch_source("{\"access_mode\": \"disabled\"}");
    execute("select", all.account, "read", "SELECT id FROM account", 409, "data_source_access");
    patch_source("{\"access_mode\": \"read_write\"}");
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 200, NULL);
}

/* Without roles the parser alone judges, if the operator said so. */
static void parser_only(void **state) {
    (void)state;
    patch_source("{\"fence\": \"parser_only\"}");
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    execute("select", all.asset, "read", "SELECT v FROM hidden", 400, "scope_violation");
    patch_source("{\"fence\": \"roles\"}");
}

/* Every execution is told, the last first; only to admins. */
static void operations(void **state) {
    (void)state;
    execute("select", all.asset, "read", "SELECT v FROM hidden", 400, "scope_violation");
    execute("select", all.account, "read", "SELECT id FROM account LIMIT 1", 200, NULL);
    mseq_value *page =
        expect(all.made->manager, "GET", "/orm/api/ts_manager/operations/?limit=2", NULL, 200);
    const mseq_value *list = mseq_object_get(page, "results");
    assert_int_equal(mseq_value_length(list), 2);
    const mseq_value *last = mseq_array_get(list, 0), *before = mseq_array_get(list, 1);
    assert_string_equal(text_at(last, "username"), "reader");
    assert_string_equal(text_at(last, "operation"), "select");
    assert_string_equal(text_at(last, "verdict"), "ok");
    assert_int_equal(mseq_object_get_integer(last, "rows", -1), 1);
    const mseq_value *table = mseq_array_get(mseq_object_get(last, "tables"), 0);
    assert_string_equal(text_at(table, "name"), "account");
    assert_string_equal(text_at(table, "access"), "read");
    assert_string_equal(text_at(before, "verdict"), "scope_violation");
    mseq_value_free(page);
    refuse_remote(all.made->manager, all.reader, "GET", "/orm/api/ts_manager/operations/", NULL,
                  403, "admin_only");
    refuse(all.made->manager, "GET", "/orm/api/ts_manager/operations/?limit=0", NULL, 400,
           "bad_value", "limit");
}

static int start(void **state) {
    char body[512];
    if (set_up_timed(state) != 0)
        return -1;
    all.made = *state;
    all.uri = postgresql_database("fence");
    on_database(
        "CREATE TABLE asset (id int PRIMARY KEY, v text);"
        "CREATE TABLE account (id serial PRIMARY KEY, v text);"
        "CREATE TABLE hidden (id int, v text); CREATE VIEW v_hidden AS SELECT * FROM hidden");
    snprintf(body, sizeof body, "{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", all.uri);
    mseq_value *source = expect(all.made->manager, "POST", DATA_SOURCES, body, 201);
    snprintf(all.source, sizeof all.source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    register_table("asset", all.asset);
    register_table("account", all.account);
    register_table("hidden", all.hidden);
    all.reader_id = add_user(all.made->manager, "reader", false);
    all.reader = log_in(all.made->manager, "reader", NULL);
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
    return 0;
}

static int stop(void **state) {
    free(all.reader);
    free(all.uri);
    return tear_down(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_privilege), cmocka_unit_test(changes),
        cmocka_unit_test(made_again),      cmocka_unit_test(access_mode),
        cmocka_unit_test(parser_only),     cmocka_unit_test(operations),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
