/* SPDX-License-Identifier: MIT
 * Room `database`: the SQLite driver: values, statements, transactions. */
#include <math.h>

#include "sqlite_helpers.h"

/* ---- Values */

static void test_values(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    run(c, "CREATE TABLE t (a)", NULL, "[]");
    const char *same[] = {"null",
                          "9223372036854775807",
                          "-9223372036854775808",
                          "1.5",
                          "-0.0",
                          "1e-07",
                          "\"\"",
                          "\"gr\\u00f6\\u00dfe\"",
                          "\"nul\\u0000inside\"",
                          "{\"$bytes\": \"AAEC/w==\"}",
                          "{\"$bytes\": \"\"}"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char parameters[64], expected[64];
        snprintf(parameters, sizeof parameters, "[%s]", same[i]);
        snprintf(expected, sizeof expected, "[{\"v\": %s}]", same[i]);
        run(c, "SELECT ?1 AS v", parameters, expected);
    }
    run(c, "SELECT ?1 AS t, ?2 AS f, typeof(?1) AS k", "[true, false]",
        "[{\"t\": 1, \"f\": 0, \"k\": \"integer\"}]");
    run(c, "SELECT ?1 AS a, ?2 AS o", "[[1, \"x\", null], {\"k\": 1.0}]",
        "[{\"a\": \"[1, \\\"x\\\", null]\", \"o\": \"{\\\"k\\\": 1.0}\"}]");
    /* text that is no UTF-8 travels as bytes */
    run(c, "SELECT CAST(x'ff41' AS TEXT) AS v", NULL, "[{\"v\": {\"$bytes\": \"/0E=\"}}]");
    run(c, "SELECT 1 AS a, 2 AS a, 3 AS a, 4 AS a_1", NULL,
        "[{\"a\": 1, \"a_1\": 2, \"a_2\": 3, \"a_1_1\": 4}]");
    run(c, "SELECT 1 AS a_1, 2 AS a, 3 AS a", NULL, "[{\"a_1\": 1, \"a\": 2, \"a_2\": 3}]");
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_infinities(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *infinite = mseq_value_array(), *rows = NULL;
    assert_int_equal(mseq_array_add(infinite, mseq_value_float(INFINITY)), MSEQ_OK);
    if (mseq_connection_execute(c, "SELECT ?1 AS a, -?1 AS b, ?1 > 1e308 AS c", infinite, &rows,
                                NULL, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    const mseq_value *row = mseq_array_get(rows, 0);
    assert_string_equal(mseq_object_get_text(row, "a"), "Infinity");
    assert_string_equal(mseq_object_get_text(row, "b"), "-Infinity");
    assert_int_equal(mseq_object_get_integer(row, "c", 0), 1);
    mseq_value_free(infinite);
    mseq_value_free(rows);
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_values_refused(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *specials = mseq_value_array();
    assert_int_equal(mseq_array_add(specials, mseq_value_float(NAN)), MSEQ_OK);
    assert_int_equal(mseq_connection_execute(c, "SELECT ?1", specials, NULL, NULL, &err),
                     MSEQ_E_STATEMENT);
    assert_mentions(err.message, "parameter 1 is not a number");
    mseq_value_free(specials);
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT ?1", "[{\"$bytes\": \"!\"}]", &err), MSEQ_E_REQUEST);
    assert_mentions(err.message, "parameter 1");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT ?1, ?2", "[1]", &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "parameter_missing");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT ?1", "[1, 2]", &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "parameter_unused");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT ?1", "{\"a\": 1}", &err), MSEQ_E_ARGUMENT);
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* ---- Statements */

static mseq_status stop_at_two(void *data, const mseq_value *row, mseq_error *err) {
    int64_t *sum = data;
    int64_t n = mseq_object_get_integer(row, "n", 0);
    *sum += n;
    return n == 2 ? mseq_error_set(err, MSEQ_E_LIMIT, "enough") : MSEQ_OK;
}

static mseq_status nested(void *data, const mseq_value *row, mseq_error *err) {
    (void)row;
    (void)err;
    /* the same statement again while it runs */
    run(data, "SELECT 1 AS n UNION SELECT 2 UNION SELECT 3", NULL,
        "[{\"n\": 1}, {\"n\": 2}, {\"n\": 3}]");
    return MSEQ_OK;
}

static void test_each(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    const char *sql = "SELECT 1 AS n UNION SELECT 2 UNION SELECT 3";
    mseq_error err = MSEQ_ERROR_INIT;
    int64_t sum = 0;
    assert_int_equal(mseq_connection_each(c, sql, NULL, stop_at_two, &sum, &err), MSEQ_E_LIMIT);
    assert_int_equal(sum, 3);
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_each(c, sql, NULL, nested, c, &err), MSEQ_OK);
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_statement_errors(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(fails(c, "SELECT 1; SELECT 2", NULL, &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "multiple_statements");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, " -- nothing\n", NULL, &err), MSEQ_E_STATEMENT);
    mseq_error_clear(&err);
    run(c, "SELECT 1 AS a; -- done", NULL, "[{\"a\": 1}]");
    run(c, "SELECT 1 AS a /* open", NULL, "[{\"a\": 1}]");
    assert_int_equal(fails(c, "SELEC 1", NULL, &err), MSEQ_E_DATABASE);
    assert_mentions(err.message, "syntax error");
    assert_mentions(err.detail, "SELEC 1");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT absent", NULL, &err), MSEQ_E_DATABASE);
    assert_mentions(err.message, "no such column: absent");
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_affected(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    assert_int_equal(run(c, "CREATE TABLE t (a)", NULL, NULL), 0);
    assert_int_equal(run(c, "INSERT INTO t VALUES (1), (2), (3)", NULL, NULL), 3);
    assert_int_equal(run(c, "CREATE TABLE u (a)", NULL, NULL), 0);
    assert_int_equal(run(c, "SELECT count(*) AS n FROM t", NULL, "[{\"n\": 3}]"), 0);
    assert_int_equal(run(c, "UPDATE t SET a = a WHERE a > 1", NULL, NULL), 2);
    assert_int_equal(run(c, "DELETE FROM t WHERE a > 9", NULL, NULL), 0);
    assert_int_equal(
        run(c, "DELETE FROM t RETURNING a", NULL, "[{\"a\": 1}, {\"a\": 2}, {\"a\": 3}]"), 3);
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_constraints(void **state) {
    (void)state;
    static const struct {
        const char *sql, *sqlstate, *message;
    } cases[] = {
        {"INSERT INTO t VALUES (1, 1, 1)", "23505", "UNIQUE constraint failed: t.a"},
        {"INSERT INTO t VALUES (2, NULL, 1)", "23502", "NOT NULL constraint failed: t.b"},
        {"INSERT INTO t VALUES (2, -1, 1)", "23514", "CHECK constraint failed: positive"},
        {"INSERT INTO t VALUES (2, 1, 77)", "23503", "FOREIGN KEY constraint failed"},
    };
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    run(c,
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b INT NOT NULL CONSTRAINT positive CHECK (b > 0), "
        "c INT REFERENCES t (a))",
        NULL, NULL);
    run(c, "INSERT INTO t VALUES (1, 1, 1)", NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(fails(c, cases[i].sql, NULL, &err), MSEQ_E_DATABASE_CONSTRAINT);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        assert_string_equal(err.message, cases[i].message);
        assert_mentions(err.detail, "SQLITE_CONSTRAINT_");
    }
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* More statements than the cache holds, and a schema that changes under prepared ones. */
static void test_statement_cache(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    run(c, "CREATE TABLE t (a)", NULL, NULL);
    run(c, "INSERT INTO t VALUES (1)", NULL, NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            char sql[64], expected[64];
            snprintf(sql, sizeof sql, "SELECT a + %d AS n FROM t", i);
            snprintf(expected, sizeof expected, "[{\"n\": %d}]", i + 1);
            run(c, sql, NULL, expected);
        }
    }
    run(c, "SELECT * FROM t", NULL, "[{\"a\": 1}]");
    run(c, "ALTER TABLE t ADD COLUMN b DEFAULT 5", NULL, NULL);
    run(c, "SELECT * FROM t", NULL, "[{\"a\": 1, \"b\": 5}]");
    run(c, "ALTER TABLE t RENAME COLUMN a TO z", NULL, NULL);
    run(c, "SELECT * FROM t", NULL, "[{\"z\": 1, \"b\": 5}]");
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* ---- Scripts and transactions */

static void test_script(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    assert_int_equal(
        mseq_connection_script(c,
                               "CREATE TABLE a (x); ; -- a comment; with a semicolon\n"
                               "CREATE TRIGGER r AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;"
                               "INSERT INTO a VALUES ('a;b')",
                               &err),
        MSEQ_OK);
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_OK);
    run(c, "SELECT x FROM a", NULL, "[{\"x\": \"a;b\"}]");

    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    assert_int_equal(mseq_connection_script(c,
                                            "CREATE TABLE b (x); /* why */ INSERT INTO missing "
                                            "VALUES (1); CREATE TABLE c (x)",
                                            &err),
                     MSEQ_E_DATABASE);
    assert_mentions(err.message, "statement 2 of the script: ");
    assert_mentions(err.message, "missing");
    assert_string_equal(err.detail, "INSERT INTO missing VALUES (1);");
    mseq_connection_rollback(c);
    run(c, "SELECT name FROM sqlite_schema WHERE type = 'table'", NULL, "[{\"name\": \"a\"}]");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_script(c, "SELECT ?1", &err), MSEQ_E_STATEMENT);
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_transactions(void **state) {
    (void)state;
    mseq_database *database = open_file("transactions.db");
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    run(c, "CREATE TABLE t (a)", NULL, NULL);
    assert_false(mseq_connection_in_transaction(c));
    mseq_connection_rollback(c); /* harmless */
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_E_ARGUMENT);
    mseq_error_clear(&err);

    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    assert_true(mseq_connection_in_transaction(c));
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_E_ARGUMENT);
    mseq_error_clear(&err);
    run(c, "INSERT INTO t VALUES (1)", NULL, NULL);
    run(other, "SELECT * FROM t", NULL, "[]"); /* a reader neither waits nor sees it */
    assert_int_equal(fails(other, "INSERT INTO t VALUES (2)", NULL, &err), MSEQ_E_DATABASE_LOCKED);
    assert_mentions(err.message, "transactions.db");
    assert_mentions(err.message, "waited ");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_begin(other, true, &err), MSEQ_E_DATABASE_LOCKED);
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_OK);
    run(other, "SELECT * FROM t", NULL, "[{\"a\": 1}]");

    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run(c, "DELETE FROM t", NULL, NULL);
    run(c, "CREATE TABLE u (a)", NULL, NULL);
    mseq_connection_rollback(c);
    run(c, "SELECT * FROM t", NULL, "[{\"a\": 1}]");
    assert_int_equal(fails(c, "SELECT * FROM u", NULL, &err), MSEQ_E_DATABASE);
    mseq_error_clear(&err);

    /* a read transaction that others have overtaken cannot become a write transaction */
    assert_int_equal(mseq_connection_begin(c, false, &err), MSEQ_OK);
    run(c, "SELECT * FROM t", NULL, "[{\"a\": 1}]");
    run(other, "INSERT INTO t VALUES (2)", NULL, NULL);
    run(c, "SELECT * FROM t", NULL, "[{\"a\": 1}]");
    assert_int_equal(fails(c, "INSERT INTO t VALUES (3)", NULL, &err), MSEQ_E_DATABASE_LOCKED);
    assert_mentions(err.hint, "write transaction");
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
}

static void test_table_names(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    run(c, "CREATE TABLE b (a INTEGER PRIMARY KEY AUTOINCREMENT)", NULL, NULL);
    run(c, "CREATE TABLE \"A b\" (a UNIQUE)", NULL, NULL);
    run(c, "CREATE VIEW v AS SELECT 1", NULL, NULL);
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_table_names(c, NULL, &names, &err), MSEQ_OK);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "A b");
    assert_string_equal(names.items[1], "b");
    assert_int_equal(mseq_connection_table_names(c, "other", &names, &err), MSEQ_E_NOT_FOUND);
    assert_mentions(err.message, "other");
    assert_int_equal(names.count, 2);
    mseq_strings_free(&names);
    mseq_connection_release(c);
    mseq_database_close(database);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),           cmocka_unit_test(test_infinities),
        cmocka_unit_test(test_values_refused),   cmocka_unit_test(test_each),
        cmocka_unit_test(test_statement_errors), cmocka_unit_test(test_affected),
        cmocka_unit_test(test_constraints),      cmocka_unit_test(test_statement_cache),
        cmocka_unit_test(test_script),           cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_table_names),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
