/* SPDX-License-Identifier: MIT
 * Room `manager`: the roles that migrations on PostgreSQL get: what they may do, how they end, what
 * becomes of those that are left behind. */
#include <pthread.h>

#include "source_helpers.h"

static void test_credential(void **state) {
    const fixture *made = *state;
    mseq_database *database = NULL;
    mseq_value *credential = issue(made, "{\"ttl_seconds\": 600}", 200);
    assert_string_equal(text_at(credential, "dialect"), "postgresql");
    assert_string_equal(text_at(credential, "owner_role_name"), "mseq_owner_shop");
    check_model("MigrationConnection", credential);
    mseq_connection *connection = use_credential(credential, &database);
    run(connection, "SET ROLE mseq_owner_shop", NULL, NULL);
    run(connection, "CREATE TABLE made_as_owner (id integer)", NULL, NULL);
    mseq_connection_release(connection);
    mseq_database_close(database);
    expect_answer("shop", "SELECT tableowner FROM pg_tables WHERE tablename = 'made_as_owner'",
                  "mseq_owner_shop");
    /* it is no more than a member of the owner */
    char *sql = mseq_text_format(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR"
        " rolvaliduntil IS NULL OR rolvaliduntil > now() + interval '600 seconds' AS bad"
        " FROM pg_roles WHERE rolname = '%s'",
        text_at(credential, "role_name"));
    expect_answer("shop", sql, "false");
    free(sql);
    /* another one has another name and password, and the owner is the same */
    mseq_value *second = issue(made, "{}", 200);
    assert_string_not_equal(text_at(second, "role_name"), text_at(credential, "role_name"));
    assert_string_equal(text_at(second, "owner_role_name"), "mseq_owner_shop");
    mseq_value_free(second);
    mseq_value_free(credential);
}

/* At its time nobody gets in with it any more, its sessions end, what it owns goes to the owner,
 * and it is gone. */
static void test_expiry(void **state) {
    const fixture *made = *state;
    mseq_database *database = NULL, *again = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *credential = issue(made, "{\"ttl_seconds\": 2}", 200);
    mseq_connection *connection = use_credential(credential, &database);
    run(connection, "CREATE TABLE made_as_itself (id integer)", NULL, NULL);
    char *sql = mseq_text_format("SELECT count(*) FROM pg_roles WHERE rolname = '%s'",
                                 text_at(credential, "role_name"));
    wait_for_answer("shop", sql, "0");
    free(sql);
    expect_answer("shop", "SELECT tableowner FROM pg_tables WHERE tablename = 'made_as_itself'",
                  "mseq_owner_shop");
    assert_int_not_equal(mseq_connection_execute(connection, "SELECT 1", NULL, NULL, NULL, &err),
                         MSEQ_OK);
    mseq_error_clear(&err);
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = text_at(credential, "uri");
    assert_int_not_equal(mseq_database_open(&options, &again, &err), MSEQ_OK);
    mseq_connection_release(connection);
    mseq_database_close(database);
    mseq_value_free(credential);
}

/* One that expired while nobody was there goes with the next that is issued. */
static void test_left_behind(void **state) {
    fixture *made = *state;
    mseq_value *credential = issue(made, "{\"ttl_seconds\": 1}", 200);
    char *sql = mseq_text_format("SELECT count(*) FROM pg_roles WHERE rolname = '%s'",
                                 text_at(credential, "role_name"));
    char *expired = mseq_text_format(
        "SELECT rolvaliduntil < clock_timestamp() FROM pg_roles WHERE rolname = '%s'",
        text_at(credential, "role_name"));
    mseq_manager_close(made->manager); /* its janitor ends too */
    wait_for_answer("shop", expired, "true");
    made->manager = open_manager(made->folder);
    expect_answer("shop", sql, "1");
    mseq_value_free(issue(made, "{}", 200));
    expect_answer("shop", sql, "0");
    mseq_value_free(credential);
    free(expired);
    free(sql);
}

/* A server that starts takes care of what the one before it gave out. */
static void test_next_server(void **state) {
    fixture *made = *state;
    char path[160];
    mseq_value *credential = issue(made, "{\"ttl_seconds\": 1}", 200);
    char *sql = mseq_text_format("SELECT count(*) FROM pg_roles WHERE rolname = '%s'",
                                 text_at(credential, "role_name"));
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_manager_close(made->manager);
    options.directory = made->folder;
    options.served = true;
    assert_int_equal(mseq_manager_open(&options, &made->manager, NULL), MSEQ_OK);
    path_of(made, "test/", path);
    mseq_value_free(expect(made->manager, "POST", path, "{}", 200));
    wait_for_answer("shop", sql, "0");
    mseq_value_free(credential);
    free(sql);
}

enum { THREADS = 4, CREDENTIALS = 3 };

static void *issue_some(void *given) {
    const fixture *made = given;
    intptr_t failures = 0;
    for (int i = 0; i < CREDENTIALS; i++) {
        char path[160];
        snprintf(path, sizeof path, SOURCES "%s/migration-connection/", made->source);
        mseq_reply reply = call(made->manager, "POST", path, "{\"ttl_seconds\": 1}");
        failures += reply.status != 200;
        if (reply.status != 200)
            print_error("%s\n", text_at(reply.body, "detail"));
        mseq_reply_free(&reply);
    }
    return (void *)failures;
}

/* Several managers of one database, each with several callers, issue and clean at a time. */
static void test_concurrency(void **state) {
    const fixture *made = *state;
    fixture other = *made;
    pthread_t threads[2 * THREADS];
    other.manager = open_manager(made->folder);
    for (int i = 0; i < 2 * THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, issue_some, i % 2 ? (void *)made : (void *)&other),
            0);
    for (int i = 0; i < 2 * THREADS; i++) {
        void *failures = NULL;
        pthread_join(threads[i], &failures);
        assert_null(failures);
    }
    wait_for_answer(
        "shop", "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'mseq_migration_')", "0");
    mseq_manager_close(other.manager);
}

/* A SQLite file is of no use to who is elsewhere. */
static void test_sqlite_is_local(void **state) {
    const fixture *made = *state;
    char path[160];
    add_user(made->manager, "ada", false);
    char *token = log_in(made->manager, "ada", NULL);
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", made->source);
    refuse_remote(made->manager, token, "POST", path, "{}", 409, "local_only");
    free(token);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_credential, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_expiry, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_left_behind, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_next_server, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_concurrency, set_up_source, tear_down_source),
        cmocka_unit_test_setup_teardown(test_sqlite_is_local, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("data sources on PostgreSQL", tests, NULL, NULL);
}
