/* SPDX-License-Identifier: MIT
 * The role of each user in a PostgreSQL data source: what it may do although no statement is
 * judged, and how it follows the catalog. */
#include "fence_helpers.h"

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

/* E37: what a trigger of the database's own leaves behind in the session is gone with the next use,
 * and that it forgets prepared statements is no failure. */
static void left_behind(void **state) {
    static const char question[] = "SELECT 1 AS n FROM pg_locks WHERE locktype = 'advisory'";
    mseq_value *rows = NULL;
    (void)state;
    on_database("CREATE TABLE note (v text); CREATE FUNCTION leave() RETURNS trigger LANGUAGE "
                "plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'nowhere', false), "
                "set_config('statement_timeout', '1', false), pg_advisory_lock(42); "
                "EXECUTE 'DEALLOCATE ALL'; EXECUTE 'LISTEN here'; RETURN new; END $$;"
                "CREATE TRIGGER leave BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION leave()");
    char note[37];
    register_table("note", note);
    share(note, "add-to-edit");
    for (int i = 0; i < 4; i++) {
        execute("insert", note, "write", "INSERT INTO note VALUES ('x')", 200, NULL);
        execute("select", note, "read", "SELECT v FROM note", 200, NULL);
        execute("select", all.account, "read", "SELECT id FROM account", 200, NULL);
    }
    mseq_database *database = open_uri(all.uri);
    mseq_connection *connection = connect_to(database);
    size_t count = 1;
    for (int i = 0; count && i < 200; i++) { /* the reset comes behind the reply */
        assert_int_equal(mseq_connection_execute(connection, question, NULL, &rows, NULL, NULL),
                         MSEQ_OK);
        count = mseq_value_length(rows);
        mseq_value_free(rows);
        if (count)
            usleep(10000);
    }
    assert_int_equal(count, 0);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

/* Other limits than those that sessions begin with hold too, and not for longer. */
static void own_limits(void **state) {
    char body[2048];
    (void)state;
    operation_body(
        body, "select", all.account, "read",
        "SELECT count(*) AS n FROM account a, account b, account c, account d, account e,"
        " account f, account g, account h, account i, account j, account k, account l");
    char *limited = mseq_text_format("%.*s, \"limits\": {\"statement_timeout_ms\": 50}}",
                                     (int)strlen(body) - 1, body);
    on_database("INSERT INTO account (v) SELECT 'x' FROM generate_series(1, 100)");
    for (int i = 0; i < 2; i++) {
        mseq_value_free(expect_remote(all.made->manager, all.reader, "POST",
                                      META "execute-operation/", limited, 408));
        execute("select", all.account, "read", "SELECT id FROM account", 200, NULL);
    }
    free(limited);
    on_database("DELETE FROM account");
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
    return start_world(state, "fence");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_privilege), cmocka_unit_test(changes),
        cmocka_unit_test(made_again),      cmocka_unit_test(left_behind),
        cmocka_unit_test(own_limits),      cmocka_unit_test(access_mode),
        cmocka_unit_test(parser_only),     cmocka_unit_test(operations),
    };
    return cmocka_run_group_tests(tests, start, stop_world);
}
