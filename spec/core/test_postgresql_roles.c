/* SPDX-License-Identifier: MIT
 * Roles of users follow a change of access before it is answered, also when the data source did not
 * answer then; they have no password that anybody keeps; they are dropped. The data source's user
 * is no superuser. */
#include <pthread.h>

#include "fence_helpers.h"

static void select_as_reader(int status, const char *code) {
    execute("select", all.asset, "read", "SELECT id FROM asset", status, code);
}

/* The reader's role exists and is up to date. */
static void use(void) {
    select_as_reader(200, NULL);
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 200, NULL);
}

static void post(const char *path, const char *json, int status) {
    mseq_value_free(expect(all.made->manager, "POST", path, json, status));
}

static void patch_reader(const char *json) {
    mseq_value_free(expect(all.made->manager, "PATCH", USERS "reader/", json, 200));
}

static char *exists_sql(const char *role) {
    return mseq_text_format("SELECT count(*) FROM pg_roles WHERE rolname = '%s'", role);
}

static void expect_roles(const char *role, const char *count) {
    char *sql = exists_sql(role);
    expect_answer(sql, count);
    free(sql);
}

/* ---- Before the answer -------------------------------------------------------------------------
 * No statement of the reader comes between a change and the look at their role. */

static void test_shares(void **state) {
    (void)state;
    use();
    share(all.asset, "remove-from-view");
    role_may("SELECT id FROM asset", false);
    share(all.asset, "add-to-edit");
    role_may("UPDATE asset SET v = 'x'", true);
    share(all.asset, "remove-from-edit");
    role_may("UPDATE asset SET v = 'x'", false);
    role_may("SELECT id FROM asset", false);
    share(all.account, "add-to-view");
    share(all.account, "remove-from-edit");
    role_may("SELECT id FROM account", true);
    role_may("INSERT INTO account (v) VALUES ('x')", false);
    role_may("SELECT nextval('account_id_seq')", false);
    share(all.account, "add-to-edit");
    share(all.account, "remove-from-view");
    share(all.asset, "add-to-view");
    role_may("INSERT INTO account (v) VALUES ('x')", true);
}

static void share_with_team(const char *uid, const char *route, int64_t team) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"team_id\": %lld}", (long long)team);
    snprintf(path, sizeof path, META "%s/%s/", uid, route);
    post(path, body, 200);
}

static void test_teams(void **state) {
    (void)state;
    use();
    mseq_value *team = expect(all.made->manager, "POST", TEAMS, "{\"name\": \"desk\"}", 201);
    int64_t id = mseq_object_get_integer(team, "id", 0);
    mseq_value_free(team);
    share_with_team(all.hidden, "add-team-to-view", id);
    role_may("SELECT * FROM hidden", false);
    post(TEAMS "desk/add-member/", "{\"user\": \"reader\"}", 200);
    role_may("SELECT * FROM hidden", true);
    post(TEAMS "desk/remove-member/", "{\"user\": \"reader\"}", 200);
    role_may("SELECT * FROM hidden", false);
    post(TEAMS "desk/add-member/", "{\"user\": \"reader\"}", 200);
    share_with_team(all.hidden, "remove-team-from-view", id);
    role_may("SELECT * FROM hidden", false);
    share_with_team(all.hidden, "add-team-to-edit", id);
    role_may("DELETE FROM hidden", true);
    mseq_value_free(expect(all.made->manager, "DELETE", TEAMS "desk/", NULL, 200));
    role_may("SELECT * FROM hidden", false);
}

static void patch_hidden(const char *json) {
    char path[160];
    snprintf(path, sizeof path, META "%s/", all.hidden);
    mseq_value_free(expect(all.made->manager, "PATCH", path, json, 200));
}

static void test_open_tables(void **state) {
    (void)state;
    use();
    patch_hidden("{\"open_for_everyone\": true}");
    role_may("SELECT * FROM hidden", true);
    role_may("DELETE FROM hidden", false);
    patch_hidden("{\"open_for_everyone\": false}");
    role_may("SELECT * FROM hidden", false);
}

static void test_admins(void **state) {
    (void)state;
    use();
    patch_reader("{\"is_organization_admin\": true}");
    role_may("DELETE FROM hidden", true);
    patch_reader("{\"is_organization_admin\": false}");
    role_may("SELECT * FROM hidden", false);
    role_may("SELECT id FROM asset", true);
}

static void test_modes(void **state) {
    (void)state;
    use();
    char *role = reader_role();
    patch_source("{\"access_mode\": \"read_only\"}");
    role_may("SELECT id FROM account", true);
    role_may("INSERT INTO account (v) VALUES ('x')", false);
    patch_source("{\"access_mode\": \"disabled\"}");
    expect_roles(role, "0");
    free(role);
    patch_source("{\"access_mode\": \"read_write\"}");
    use();
    role_may("INSERT INTO account (v) VALUES ('x')", true);
    role = reader_role();
    patch_source("{\"fence\": \"parser_only\"}");
    expect_roles(role, "0");
    free(role);
    patch_source("{\"fence\": \"roles\"}");
    use();
}

/* The row goes, the table stays: nobody has rights on it but its owner. */
static void test_deletion(void **state) {
    (void)state;
    char path[160];
    share(all.hidden, "add-to-view");
    execute("select", all.hidden, "read", "SELECT v FROM hidden", 200, NULL);
    role_may("SELECT * FROM hidden", true);
    snprintf(path, sizeof path, META "%s/", all.hidden);
    mseq_value_free(expect(all.made->manager, "DELETE", path, NULL, 200));
    role_may("SELECT * FROM hidden", false);
    register_table("hidden", all.hidden);
}

/* ---- Roles that go -----------------------------------------------------------------------------
 */

static void test_disabled_users(void **state) {
    (void)state;
    use();
    char *role = reader_role();
    patch_reader("{\"is_disabled\": true}");
    expect_roles(role, "0");
    patch_reader("{\"is_disabled\": false}");
    free(role);
    free(all.reader);
    all.reader = log_in(all.made->manager, "reader", NULL);
    use();
}

static void test_last_table(void **state) {
    (void)state;
    use();
    char *role = reader_role();
    share(all.asset, "remove-from-view");
    expect_roles(role, "1");
    share(all.account, "remove-from-edit");
    expect_roles(role, "0");
    char *none = reader_role();
    assert_string_equal(none, "");
    free(none);
    free(role);
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
    use();
}

/* What a role owns goes with it: a temporary table, a large object. */
static void test_owner_of_something(void **state) {
    (void)state;
    use();
    role_may("SELECT lo_create(4711)", true);
    char *role = reader_role();
    expect_answer("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711", "1");
    share(all.asset, "remove-from-view");
    share(all.account, "remove-from-edit");
    expect_roles(role, "0");
    expect_answer("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711", "0");
    free(role);
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
}

static void on_catalog(const char *sql) {
    mseq_database *catalog = NULL;
    mseq_connection *connection = open_catalog(all.made->folder, &catalog);
    run_script(connection, sql);
    mseq_connection_release(connection);
    mseq_database_close(catalog);
}

/* A manager that stays, which is what has a janitor. */
static void serve_again(void) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_manager_close(all.made->manager);
    options.directory = all.made->folder;
    options.catalog = test_catalog(all.made->folder);
    options.served = true;
    options.clock = test_clock;
    options.password_cost = cheap;
    assert_int_equal(mseq_manager_open(&options, &all.made->manager, NULL), MSEQ_OK);
}

static void test_leftovers(void **state) {
    (void)state;
    char path[128];
    use();
    char *role = reader_role(), *sql = exists_sql(role);
    on_catalog("DELETE FROM fence_role");
    serve_again();
    snprintf(path, sizeof path, DATA_SOURCES "%s/test/", all.source);
    post(path, "{}", 200); /* the first use of the data source wakes the janitor */
    wait_on(all.uri, sql, "0");
    free(sql);
    free(role);
    use();
}

/* Somebody else's role, or one without a mark, is none of ours. */
static void test_roles_of_others(void **state) {
    (void)state;
    char path[128];
    on_database("CREATE ROLE mseq_user_strange; CREATE ROLE mseq_user_other;"
                "GRANT CONNECT ON DATABASE roles TO mseq_user_strange, mseq_user_other;"
                "COMMENT ON ROLE mseq_user_other IS 'mainsequence: a user of the organization x'");
    use();
    char *role = reader_role(), *sql = exists_sql(role);
    on_catalog("DELETE FROM fence_role");
    serve_again();
    snprintf(path, sizeof path, DATA_SOURCES "%s/test/", all.source);
    post(path, "{}", 200);
    wait_on(all.uri, sql, "0");
    expect_roles("mseq_user_strange", "1");
    expect_roles("mseq_user_other", "1");
    on_database("DROP OWNED BY mseq_user_strange, mseq_user_other;"
                "DROP ROLE mseq_user_strange, mseq_user_other");
    free(sql);
    free(role);
}

/* Dropped by hand, it is made again. */
static void test_dropped_by_hand(void **state) {
    (void)state;
    use();
    char *role = reader_role();
    mseq_manager_close(all.made->manager);
    char *sql = mseq_text_format("DROP OWNED BY %s; DROP ROLE %s", role, role);
    on_database(sql);
    free(sql);
    all.made->manager = open_timed(all.made->folder);
    use();
    expect_roles(role, "1");
    free(role);
}

/* ---- A server that does not answer -------------------------------------------------------------
 */

static void cut_off(void) {
    on_database("ALTER ROLE keeper NOLOGIN;"
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'");
    wait_on(all.uri, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'keeper'", "0");
}

static void test_unreachable(void **state) {
    (void)state;
    use();
    cut_off();
    share(all.asset, "remove-from-view"); /* answered all the same */
    select_as_reader(404, "not_found");   /* and judged so */
    role_may("SELECT id FROM asset", true);
    on_database("ALTER ROLE keeper LOGIN");
    execute("select", all.account, "read", "SELECT id FROM account", 200, NULL);
    role_may("SELECT id FROM asset", false); /* it followed before it was used */
    share(all.asset, "add-to-view");
    role_may("SELECT id FROM asset", true);
}

static void test_unreachable_and_janitor(void **state) {
    (void)state;
    char path[128];
    use();
    cut_off();
    share(all.asset, "remove-from-view");
    on_database("ALTER ROLE keeper LOGIN");
    char *role = reader_role();
    char *sql = mseq_text_format("SELECT has_table_privilege('%s', 'asset', 'SELECT')", role);
    expect_answer(sql, "true");
    serve_again();
    snprintf(path, sizeof path, DATA_SOURCES "%s/test/", all.source);
    post(path, "{}", 200);
    wait_on(all.uri, sql, "false");
    free(sql);
    free(role);
    share(all.asset, "add-to-view");
}

/* ---- Passwords ---------------------------------------------------------------------------------
 */

/* Neither the catalog nor a file has one; what the server has lets in for a minute at most. */
static void test_no_password(void **state) {
    (void)state;
    use();
    mseq_database *catalog = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *connection = open_catalog(all.made->folder, &catalog);
    assert_int_not_equal(fails(connection, "SELECT password FROM fence_role", NULL, &err), MSEQ_OK);
    mseq_connection_release(connection);
    mseq_database_close(catalog);
    serve_again();
    use(); /* sets another one */
    expect_answer("SELECT bool_and(rolvaliduntil <= now() + interval '61 seconds')"
                  " FROM pg_roles WHERE starts_with(rolname, 'mseq_user_')",
                  "true");
    expect_answer("SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid"
                  " WHERE starts_with(rolname, 'mseq_user_')",
                  "true");
}

/* Those that an older TS Manager kept are of no use once its catalog is upgraded and the role is
 * used. */
static void test_old_passwords(void **state) {
    (void)state;
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_value *report = NULL;
    use();
    char *role = reader_role();
    mseq_manager_close(all.made->manager);
    char *sql = mseq_text_format("COMMENT ON ROLE %s IS NULL; REVOKE %s FROM keeper;"
                                 "ALTER ROLE %s PASSWORD 'an-old-one' VALID UNTIL 'infinity'",
                                 role, role, role);
    on_database(sql);
    free(sql);
    on_catalog("CREATE TABLE old_role (user_uid TEXT NOT NULL, data_source_uid TEXT NOT NULL,"
               " role_name TEXT NOT NULL, password TEXT NOT NULL, schema_name TEXT NOT NULL,"
               " revision INTEGER NOT NULL);"
               "INSERT INTO old_role SELECT user_uid, data_source_uid, role_name, 'an-old-one',"
               " schema_name, revision FROM fence_role; DROP TABLE fence_role;"
               "ALTER TABLE old_role RENAME TO fence_role;"
               "ALTER TABLE access_state DROP COLUMN catalog_revision;"
               "UPDATE catalog_version SET version = 8");
    options.directory = all.made->folder;
    options.catalog = test_catalog(all.made->folder);
    assert_int_equal(mseq_manager_upgrade(&options, &report, NULL), MSEQ_OK);
    assert_int_equal(mseq_object_get_integer(report, "version_before", 0), 8);
    mseq_value_free(report);
    all.made->manager = open_timed(all.made->folder);
    use();
    char *same = reader_role();
    assert_string_equal(same, role);
    free(same);
    char *uri = mseq_text_format("postgresql://%s:an-old-one%s", role, strchr(all.uri, '@'));
    mseq_database_options old = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_database *database = NULL;
    old.uri = uri;
    assert_int_not_equal(mseq_database_open(&old, &database, NULL), MSEQ_OK);
    free(uri);
    share(all.asset, "remove-from-view");
    share(all.account, "remove-from-edit");
    expect_roles(role, "0"); /* it is one of ours again, which can be dropped */
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
    free(role);
}

enum { THREADS = 4, TURNS = 6 };

/* Each turn opens the data source anew, so that each sets a password. */
static void *use_some(void *given) {
    const char *folder = given;
    char body[2048];
    intptr_t failures = 0;
    operation_body(body, "select", all.asset, "read", "SELECT id FROM asset");
    for (int i = 0; i < TURNS; i++) {
        mseq_manager *manager = open_timed(folder);
        mseq_reply reply = remote(manager, all.reader, "POST", META "execute-operation/", body);
        failures += reply.status != 200;
        if (reply.status != 200)
            print_error("%s\n", text_at(reply.body, "detail"));
        mseq_reply_free(&reply);
        mseq_manager_close(manager);
    }
    return (void *)failures;
}

/* Several servers set passwords of one role at a time. */
static void test_several_servers(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    use();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_some, all.made->folder), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failures = NULL;
        pthread_join(threads[i], &failures);
        assert_null(failures);
    }
}

/* One server takes a right away that another one's role has in use. */
static void test_another_server(void **state) {
    (void)state;
    use();
    mseq_manager *first = all.made->manager;
    all.made->manager = open_timed(all.made->folder);
    share(all.asset, "remove-from-view");
    role_may("SELECT id FROM asset", false);
    mseq_manager_close(all.made->manager);
    all.made->manager = first;
    select_as_reader(404, "not_found");
    share(all.asset, "add-to-view");
    use();
}

/* ---- Limits ------------------------------------------------------------------------------------
 */

static void test_settings(void **state) {
    (void)state;
    use();
    char *role = reader_role();
    char *sql = mseq_text_format("SELECT array_to_string(rolconfig, ' ') FROM pg_roles"
                                 " WHERE rolname = '%s'",
                                 role);
    /* only a superuser may bound temporary files, or whom they have let */
    expect_answer(sql, "statement_timeout=300s lock_timeout=10s"
                       " idle_in_transaction_session_timeout=60s");
    free(sql);
    share(all.asset, "remove-from-view");
    share(all.account, "remove-from-edit");
    on_database("GRANT SET ON PARAMETER temp_file_limit TO keeper");
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
    use();
    free(role);
    role = reader_role();
    sql = mseq_text_format("SELECT rolconfig @> ARRAY['temp_file_limit=1GB'] FROM pg_roles"
                           " WHERE rolname = '%s'",
                           role);
    expect_answer(sql, "true");
    on_database("REVOKE SET ON PARAMETER temp_file_limit FROM keeper");
    free(sql);
    free(role);
}

/* ---- The data source goes ----------------------------------------------------------------------
 */

static void test_removed_source(void **state) {
    (void)state;
    char path[160];
    use();
    const char *const tables[] = {all.asset, all.account, all.hidden};
    char *role = reader_role();
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, META "%s/", tables[i]);
        mseq_value_free(expect(all.made->manager, "DELETE", path, NULL, 200));
    }
    expect_roles(role, "0"); /* with its last table */
    free(role);
    snprintf(path, sizeof path, DATA_SOURCES "%s/", all.source);
    mseq_value *reply = expect(all.made->manager, "DELETE", path, NULL, 200);
    assert_true(mseq_object_get_boolean(reply, "roles_dropped", false));
    mseq_value_free(reply);
    expect_answer("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'mseq_user_')", "0");
}

/* Removed while its server does not answer: done, and told; the next time the database is a data
 * source its roles go. */
static void test_removed_unreachable(void **state) {
    (void)state;
    char path[160];
    char *uri = mseq_text_format("postgresql://keeper:keepers%s", strchr(all.uri, '@'));
    make_source(uri);
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
    use();
    char *role = reader_role(), *sql = exists_sql(role);
    const char *const tables[] = {all.asset, all.account, all.hidden};
    cut_off();
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, META "%s/", tables[i]);
        mseq_value_free(expect(all.made->manager, "DELETE", path, NULL, 200));
    }
    snprintf(path, sizeof path, DATA_SOURCES "%s/", all.source);
    mseq_value *reply = expect(all.made->manager, "DELETE", path, NULL, 200);
    assert_false(mseq_object_get_boolean(reply, "roles_dropped", true));
    mseq_value_free(reply);
    expect_roles(role, "1");
    on_database("ALTER ROLE keeper LOGIN");
    serve_again();
    make_source(uri);
    snprintf(path, sizeof path, DATA_SOURCES "%s/test/", all.source);
    post(path, "{}", 200);
    wait_on(all.uri, sql, "0");
    free(sql);
    free(role);
    free(uri);
}

static int start(void **state) {
    return start_keeper_world(state, "roles");
}

/* The same with a catalog on PostgreSQL. */
static int start_on_postgresql(void **state) {
    char *uri = postgresql_database("roles_catalog");
    int status = setenv("MSEQ_TEST_CATALOG", uri, 1);
    free(uri);
    return status == 0 ? start(state) : status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_teams),
        cmocka_unit_test(test_open_tables),
        cmocka_unit_test(test_admins),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_deletion),
        cmocka_unit_test(test_disabled_users),
        cmocka_unit_test(test_last_table),
        cmocka_unit_test(test_owner_of_something),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_roles_of_others),
        cmocka_unit_test(test_dropped_by_hand),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_unreachable_and_janitor),
        cmocka_unit_test(test_no_password),
        cmocka_unit_test(test_old_passwords),
        cmocka_unit_test(test_several_servers),
        cmocka_unit_test(test_another_server),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_removed_source),
        cmocka_unit_test(test_removed_unreachable),
    };
    int failed = cmocka_run_group_tests(tests, start, stop_world);
    return failed + cmocka_run_group_tests(tests, start_on_postgresql, stop_world);
}
