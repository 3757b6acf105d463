/* SPDX-License-Identifier: MIT
 * Governed statements on PostgreSQL, on a private server: pages, rows and bytes, time,
 * cancellation, confirmation, locks, what a statement leaves on its connection. */
#include <pthread.h>

#include "postgresql_governed_helpers.h"

static void pages(void **state) {
    mseq_governed_statement statement = governed("select", "SELECT uid FROM asset ORDER BY uid");
    mseq_governed_result result = {.rows = NULL};
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    for (int round = 0; round < 3; round++) {
        int64_t seen = 0;
        for (bool more = true; more; seen += 70) {
            statement.max_rows = 70;
            statement.offset = seen;
            assert_int_equal(mseq_connection_run_governed(connection, &statement, &result, &err),
                             MSEQ_OK);
            more = result.has_more;
            assert_int_equal(mseq_value_length(result.rows), more ? 70 : 20);
            assert_int_equal(mseq_object_get_integer(mseq_array_get(result.rows, 0), "uid", 0),
                             seen + 1);
            mseq_value_free(result.rows);
            result.rows = NULL;
        }
        assert_int_equal(seen, 350);
    }
    statement.offset = 300;
    allowed(&statement, "[]");
    statement.offset = 299;
    statement.max_rows = 1;
    allowed(&statement, "[{'uid': 300}]");
}

/* A statement whose rows were few, and then are many: the wanted ones come, the rest is not read.
 */
static void few_then_many(void **state) {
    mseq_governed_statement statement =
        governed("select", "SELECT g FROM generate_series(1, $1::int) AS t(g)");
    mseq_value *parameters = document("[3]"), *many = document("[500000]");
    mseq_governed_result result = {.rows = NULL};
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    statement.parameters = parameters;
    for (int i = 0; i < 3; i++)
        allowed(&statement, "[{'g': 1}, {'g': 2}, {'g': 3}]");
    statement.parameters = many;
    statement.max_rows = 2;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mseq_connection_run_governed(connection, &statement, &result, &err),
                         MSEQ_OK);
        assert_true(result.has_more);
        assert_document(result.rows, "[{'g': 1}, {'g': 2}]");
        mseq_value_free(result.rows);
        result.rows = NULL;
        mseq_connection_release(connection); /* the server is no longer busy with it */
        connection = connect_to(database);
    }
    mseq_value_free(parameters);
    mseq_value_free(many);
}

static void limits(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    mseq_governed_statement statement =
        governed("select", "SELECT count(*) FROM asset a, asset b, asset c, asset d, asset e");
    statement.timeout_ms = 200;
    denied(&statement, MSEQ_E_TIMEOUT, "timeout", &err);
    assert_non_null(strstr(err.message, "200 ms"));
    statement = governed("select", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"
                                   " SELECT count(*) FROM r");
    statement.timeout_ms = 200;
    denied(&statement, MSEQ_E_TIMEOUT, "timeout", &err);
    statement = governed("select", "SELECT repeat('x', 1000) AS s FROM asset");
    statement.max_bytes = 10000;
    denied(&statement, MSEQ_E_LIMIT, "response_too_large", &err);
    statement = governed("select", "SELECT 1");
    statement.offset = (int64_t)1 << 40;
    statement.sql = "SELECT 1 AS other";
    statement.sql_length = strlen(statement.sql);
    denied(&statement, MSEQ_E_LIMIT, "limit", &err);
    statement.max_rows = 0;
    denied(&statement, MSEQ_E_ARGUMENT, "argument", &err);
}

/* One value of 60 MB: refused while it comes or, where libpq had it whole before, behind it. */
static void huge_values(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    script("INSERT INTO account VALUES (50, repeat('0123456789', 6000000), 1)");
    mseq_governed_statement statement = governed("select", "SELECT s FROM account WHERE uid = 50");
    statement.max_bytes = 1024 * 1024;
    denied(&statement, MSEQ_E_LIMIT, "response_too_large", &err);
    mseq_connection_release(connection);
    assert_int_equal(mseq_database_connect(database, &connection, NULL), MSEQ_OK);
    statement = governed("select", "SELECT length(s) AS n FROM account WHERE uid = 50");
    statement.max_bytes = 1024 * 1024;
    allowed(&statement, "[{'n': 60000000}]");
    script("DELETE FROM account WHERE uid = 50");
}

static void *cancel_soon(void *data) {
    usleep(150000);
    mseq_cancellation_set(data);
    return NULL;
}

static void cancellation(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_cancellation *token = mseq_cancellation_new();
    pthread_t thread;
    (void)state;
    mseq_governed_statement statement = governed(
        "select", "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 9) b");
    statement.cancellation = token;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, token), 0);
    denied(&statement, MSEQ_E_CANCELLED, "cancelled", &err);
    pthread_join(thread, NULL);
    denied(&statement, MSEQ_E_CANCELLED, "cancelled", &err); /* not even begun */
    mseq_cancellation_free(token);
    expect_answer("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                  "query LIKE '%generate_series(1, 100000000) a%' AND pid <> "
                  "pg_backend_pid()",
                  "0");
}

static void too_many_returned(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    mseq_governed_statement statement =
        governed("insert", "INSERT INTO holding_set SELECT g FROM generate_series(100, 149) AS "
                           "t(g) RETURNING uid");
    statement.max_rows = 49;
    denied(&statement, MSEQ_E_STATEMENT, "row_limit", &err);
    assert_non_null(strstr(err.message, "50 rows"));
    assert_non_null(strstr(err.message, "nothing was written"));
    expect_answer("SELECT count(*) FROM holding_set WHERE uid >= 100", "0");
    statement.max_rows = 50;
    allowed(&statement, NULL);
    expect_answer("SELECT count(*) FROM holding_set WHERE uid >= 100", "50");
    script("DELETE FROM holding_set WHERE uid >= 100");
}

static mseq_status say_yes(void *data, mseq_error *err) {
    (void)err;
    ++*(int *)data;
    return MSEQ_OK;
}

static void confirmation(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    int asked = 0;
    (void)state;
    mseq_governed_statement statement =
        governed("insert", "INSERT INTO account (uid, s) VALUES (20, 'x')");
    statement.confirm = say_no;
    statement.confirm_data = &database;
    denied(&statement, MSEQ_E_PERMISSION, "permission", &err);
    expect_answer("SELECT count(*) FROM account WHERE uid = 20", "0");
    statement.confirm = say_yes;
    statement.confirm_data = &asked;
    allowed(&statement, NULL);
    assert_int_equal(asked, 1);
    expect_answer("SELECT count(*) FROM account WHERE uid = 20", "1");
    statement = governed("select", "SELECT uid FROM account WHERE uid = 20");
    statement.confirm = say_no;
    statement.confirm_data = &database;
    denied(&statement, MSEQ_E_PERMISSION, "permission", &err);
    script("DELETE FROM account WHERE uid = 20");
}

/* F18 */
static void locks(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    mseq_governed_statement statement =
        governed("update", "UPDATE account SET s = 'l' WHERE uid = 1");
    statement.timeout_ms = 300;
    assert_int_equal(mseq_connection_begin(other, true, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_execute(other, "UPDATE account SET s = 'm' WHERE uid = 1",
                                             NULL, NULL, NULL, NULL),
                     MSEQ_OK);
    denied(&statement, MSEQ_E_DATABASE_LOCKED, "database_locked", &err);
    assert_string_equal(err.sqlstate, "55P03");
    mseq_connection_rollback(other);
}

/* E37: nothing of one use is left for the next. */
static void resets(void **state) {
    static const char sql[] =
        "SELECT current_setting('search_path') || current_setting('statement_timeout') || "
        "current_setting('lock_timeout') || current_setting('transaction_read_only') || "
        "(SELECT count(*) FROM pg_cursors WHERE name = 'mseq_rows') AS s";
    mseq_value *rows = NULL;
    (void)state;
    allow("select", "SELECT 1 AS n", NULL);
    assert_false(mseq_connection_in_transaction(connection));
    assert_int_equal(mseq_connection_execute(connection, sql, NULL, &rows, NULL, NULL), MSEQ_OK);
    assert_document(rows, "[{'s': '\\\'$user\\\', public050msoff0'}]");
    mseq_value_free(rows);
    /* one of its own, or none */
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement statement = governed("select", "SELECT 1");
    mseq_governed_result result = {.rows = NULL};
    assert_int_equal(mseq_connection_begin(connection, true, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_run_governed(connection, &statement, &result, &err),
                     MSEQ_E_ARGUMENT);
    mseq_connection_rollback(connection);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),        cmocka_unit_test(few_then_many),
        cmocka_unit_test(huge_values),  cmocka_unit_test(limits),
        cmocka_unit_test(cancellation), cmocka_unit_test(too_many_returned),
        cmocka_unit_test(confirmation), cmocka_unit_test(locks),
        cmocka_unit_test(resets),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
