/* SPDX-License-Identifier: MIT
 * Governed statements on SQLite: parameters, pages, rows and bytes, time, cancellation, locks. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "governed_helpers.h"

/* ---- Parameters, rows, limits */

static void test_parameters(void **state) {
    mseq_governed_statement s = governed("select", "SELECT ?2 AS b, ?1 AS a, ?1 || '' AS again");
    mseq_value *parameters = json("[\"x'; DROP TABLE account; --\", 9223372036854775807]");
    s.parameters = parameters;
    for (int i = 0; i < 2; i++)
        allow_statement(*state, &s,
                        "[{\"b\": 9223372036854775807, \"a\": \"x'; DROP TABLE account; --\", "
                        "\"again\": \"x'; DROP TABLE account; --\"}]");
    mseq_value_free(parameters);
    parameters = json("[1]");
    s.parameters = parameters;
    mseq_error err = MSEQ_ERROR_INIT;
    deny_statement(*state, &s, MSEQ_E_STATEMENT, "parameter_missing", &err);
    mseq_value_free(parameters);
}

static void check_page(mseq_connection *c, int64_t max_rows, int64_t offset, const char *expected,
                       bool has_more) {
    mseq_governed_statement s = governed("select", "SELECT uid FROM asset ORDER BY uid LIMIT 3");
    s.max_rows = max_rows;
    s.offset = offset;
    mseq_governed_result result;
    assert_int_equal(mseq_connection_run_governed(c, &s, &result, NULL), MSEQ_OK);
    char *text = text_of(result.rows);
    assert_string_equal(text, expected);
    assert_int_equal(result.has_more, has_more);
    assert_true(result.has_rows);
    assert_int_equal(result.affected, 0);
    free(text);
    mseq_value_free(result.rows);
}

static void test_pages(void **state) {
    check_page(*state, 2, 0, "[{\"uid\": \"a\"}, {\"uid\": \"b\"}]", true);
    check_page(*state, 2, 2, "[{\"uid\": \"c\"}]", false);
    check_page(*state, 3, 0, "[{\"uid\": \"a\"}, {\"uid\": \"b\"}, {\"uid\": \"c\"}]", false);
    check_page(*state, 1, 1, "[{\"uid\": \"b\"}]", true);
    check_page(*state, 1, 9, "[]", false);
}

static void test_writes_and_rows(void **state) {
    mseq_governed_result result;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement s = governed(
        "insert", "INSERT INTO account (uid, s) VALUES (10, 'a'), (11, 'b'), (12, 'c') RETURNING "
                  "uid, s AS uid");
    s.max_rows = 2;
    deny_statement(*state, &s, MSEQ_E_STATEMENT, "row_limit", &err);
    assert_mentions(err.message, "returns 3 rows, max_rows is 2");
    run(*state, "SELECT count(*) AS n FROM account", NULL, "[{\"n\": 2}]");
    s.max_rows = 3;
    assert_int_equal(mseq_connection_run_governed(*state, &s, &result, NULL), MSEQ_OK);
    char *text = text_of(result.rows);
    assert_string_equal(text, "[{\"uid\": 10, \"uid_1\": \"a\"}, {\"uid\": 11, \"uid_1\": \"b\"}, "
                              "{\"uid\": 12, \"uid_1\": \"c\"}]");
    free(text);
    assert_int_equal(result.affected, 3);
    assert_true(result.has_rows);
    assert_false(result.has_more);
    mseq_value_free(result.rows);
    s = governed("update", "UPDATE account SET s = s || '!' WHERE uid >= 11");
    s.max_rows = 1; /* no rows come back, so none are too many */
    assert_int_equal(mseq_connection_run_governed(*state, &s, &result, NULL), MSEQ_OK);
    assert_int_equal(result.affected, 2);
    assert_false(result.has_rows);
    mseq_value_free(result.rows);
    /* a constraint takes everything back */
    mseq_error_clear(&err);
    s = governed("insert", "INSERT INTO account (uid, s) VALUES (20, 'p'), (1, 'q') RETURNING uid");
    deny_statement(*state, &s, MSEQ_E_DATABASE_CONSTRAINT, "unique_violation", &err);
    assert_string_equal(err.sqlstate, "23505");
    run(*state, "SELECT count(*) AS n FROM account WHERE uid = 20", NULL, "[{\"n\": 0}]");
}

static void test_bytes(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement s =
        governed("select", "SELECT printf('%.*c', 600, 'x') AS x FROM asset");
    s.max_bytes = 1000;
    deny_statement(*state, &s, MSEQ_E_LIMIT, "response_too_large", &err);
    assert_mentions(err.message, "1000 bytes");
    s.max_bytes = 2000;
    allow_statement(*state, &s, NULL);
    mseq_error_clear(&err);
    s = governed("insert", "INSERT INTO account (uid, s) VALUES (30, 'much') RETURNING "
                           "printf('%.*c', 600, 'x')");
    s.max_bytes = 100;
    deny_statement(*state, &s, MSEQ_E_LIMIT, "response_too_large", &err);
    run(*state, "SELECT count(*) AS n FROM account WHERE uid = 30", NULL, "[{\"n\": 0}]");
}

static const char ENDLESS[] =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

static void test_timeout(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement s = governed("select", ENDLESS);
    s.timeout_ms = 30;
    deny_statement(*state, &s, MSEQ_E_TIMEOUT, "timeout", &err);
    mseq_error_clear(&err);
    s = governed("insert", "INSERT INTO account (s) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                           "SELECT i + 1 FROM n) SELECT 'x' || i FROM n");
    s.timeout_ms = 30;
    deny_statement(*state, &s, MSEQ_E_TIMEOUT, "timeout", &err);
    /* the connection is as good as before, nothing is left behind */
    allow(*state, "select", "SELECT count(*) AS n FROM account", "[{\"n\": 2}]");
}

static void *set_later(void *token) {
    usleep(20000);
    mseq_cancellation_set(token);
    return NULL;
}

static void test_cancellation(void **state) {
    mseq_cancellation *token = mseq_cancellation_new();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_later, token), 0);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement s = governed("select", ENDLESS);
    s.cancellation = token;
    deny_statement(*state, &s, MSEQ_E_CANCELLED, "cancelled", &err);
    pthread_join(thread, NULL);
    mseq_error_clear(&err);
    s.sql = "SELECT 1"; /* set before the start */
    s.sql_length = 8;
    deny_statement(*state, &s, MSEQ_E_CANCELLED, "cancelled", &err);
    mseq_cancellation_free(token);
    allow(*state, "select", "SELECT 1 AS a", "[{\"a\": 1}]");
}

static void test_arguments(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_result result;
    mseq_governed_statement s = governed("merge", "SELECT 1");
    assert_int_equal(mseq_connection_run_governed(*state, &s, &result, &err), MSEQ_E_ARGUMENT);
    assert_mentions(err.message, "'merge'");
    s = governed("select", "SELECT 1");
    s.max_rows = 0;
    assert_int_equal(mseq_connection_run_governed(*state, &s, &result, NULL), MSEQ_E_ARGUMENT);
    assert_int_equal(mseq_connection_begin(*state, false, NULL), MSEQ_OK);
    s.max_rows = 1;
    assert_int_equal(mseq_connection_run_governed(*state, &s, &result, NULL), MSEQ_E_ARGUMENT);
    mseq_connection_rollback(*state);
}

static void test_locked(void **state) {
    (void)state;
    char folder[] = "/tmp/mseq-governed-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *uri = mseq_text_format("sqlite:///%s/g.db", folder);
    mseq_database *database = open_uri(uri);
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    run_script(c, SCHEMA);
    assert_int_equal(mseq_connection_begin(other, true, NULL), MSEQ_OK);
    run(other, "INSERT INTO account VALUES (5, 'five')", NULL, NULL);
    /* readers do not wait, writers do, up to the busy timeout or their own */
    allow(c, "select", "SELECT count(*) AS n FROM account", "[{\"n\": 2}]");
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement s = governed("delete", "DELETE FROM account WHERE uid = 1");
    deny_statement(c, &s, MSEQ_E_DATABASE_LOCKED, "database_locked", &err);
    assert_null(strstr(err.message, folder)); /* an author learns no path */
    mseq_error_clear(&err);
    s = governed("delete", "DELETE FROM account WHERE uid = 1 RETURNING uid");
    s.timeout_ms = 10;
    deny_statement(c, &s, MSEQ_E_TIMEOUT, "timeout", &err);
    mseq_connection_release(other);
    s.timeout_ms = 20000;
    allow_statement(c, &s, "[{\"uid\": 1}]");
    mseq_connection_release(c);
    mseq_database_close(database);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a name of our own
    free(uri);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(test_parameters),      WITH_DATABASE(test_pages),
        WITH_DATABASE(test_writes_and_rows), WITH_DATABASE(test_bytes),
        WITH_DATABASE(test_timeout),         WITH_DATABASE(test_cancellation),
        WITH_DATABASE(test_arguments),       cmocka_unit_test(test_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
