/* SPDX-License-Identifier: MIT
 * Room `database`: the PostgreSQL driver: values both ways, statements, transactions, errors. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_helpers.h"

static mseq_connection *connect_fresh(void) {
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *connection = connect_to(database);
    mseq_database_close(database);
    return connection;
}

/* ---- Values */

static void test_values_out(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run(c, "SELECT 1::int2 AS a, (-2147483648)::int4 AS b, 9223372036854775807 AS c, 7::oid AS d",
        NULL, "[{\"a\": 1, \"b\": -2147483648, \"c\": 9223372036854775807, \"d\": 7}]");
    run(c,
        "SELECT 1.5::float4 AS a, 0.1::float8 AS b, 'NaN'::float8 AS c, '-Infinity'::float4 AS d",
        NULL, "[{\"a\": 1.5, \"b\": 0.1, \"c\": \"NaN\", \"d\": \"-Infinity\"}]");
    run(c,
        "SELECT 1.50::numeric AS a, 12::numeric AS b, 9223372036854775808::numeric AS c, "
        "'NaN'::numeric AS d, sum(x) AS e FROM (VALUES (1::int8), (2)) v (x)",
        NULL,
        "[{\"a\": \"1.50\", \"b\": 12, \"c\": \"9223372036854775808\", \"d\": \"NaN\", \"e\": 3}]");
    run(c, "SELECT true AS a, false AS b, NULL AS c, 'x'::text AS d, 'y'::char(3) AS e", NULL,
        "[{\"a\": true, \"b\": false, \"c\": null, \"d\": \"x\", \"e\": \"y  \"}]");
    run(c,
        "SELECT '2026-05-28 12:30:00.5+02'::timestamptz AS a, '2026-05-28 01:02:03'::timestamp AS "
        "b, "
        "'2026-05-28'::date AS c, '01:02:03.25'::time AS d, '1 day 2 hours'::interval AS e",
        NULL,
        "[{\"a\": \"2026-05-28T10:30:00.500000Z\", \"b\": \"2026-05-28T01:02:03.000000\", "
        "\"c\": \"2026-05-28\", \"d\": \"01:02:03.25\", \"e\": \"P1DT2H\"}]");
    run(c,
        "SELECT '0044-03-15 BC'::timestamptz AS a, 'infinity'::timestamptz AS b, "
        "'12345-01-01'::timestamp AS c",
        NULL,
        "[{\"a\": \"0044-03-15 00:00:00+00 BC\", \"b\": \"infinity\", \"c\": \"12345-01-01 "
        "00:00:00\"}]");
    run(c,
        "SELECT '{\"b\": 1, \"a\": [1.5, null]}'::json AS a, '{\"n\": 1e400}'::jsonb AS b, "
        "'\\x00ff'::bytea AS c, ''::bytea AS d, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid AS e",
        NULL,
        "[{\"a\": {\"b\": 1, \"a\": [1.5, null]}, \"b\": \"{\\\"n\\\": 1"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000}\", \"c\": {\"$bytes\": \"AP8=\"}, "
        "\"d\": {\"$bytes\": \"\"}, \"e\": \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"}]");
    run(c, "SELECT 1 AS a, 2 AS a, 3 AS a_1", NULL, "[{\"a\": 1, \"a_1\": 2, \"a_1_1\": 3}]");
    mseq_connection_release(c);
}

static void test_arrays_out(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run(c,
        "SELECT ARRAY[1, NULL, 3] AS a, ARRAY['x', 'a\"b\\c', 'NULL', '', NULL, '{,}'] AS b, "
        "ARRAY[[1, 2], [3, 4]] AS c, '{}'::int[] AS d, '[0:1]={5,6}'::int[] AS e",
        NULL,
        "[{\"a\": [1, null, 3], \"b\": [\"x\", \"a\\\"b\\\\c\", \"NULL\", \"\", null, \"{,}\"], "
        "\"c\": [[1, 2], [3, 4]], \"d\": [], \"e\": [5, 6]}]");
    run(c,
        "SELECT ARRAY[1.5::float8, 'NaN'] AS a, ARRAY[true] AS b, ARRAY['{\"k\": [1]}'::jsonb] AS "
        "c, "
        "ARRAY['\\x0a'::bytea] AS d, ARRAY['2026-01-01 00:00:00+00'::timestamptz] AS e",
        NULL,
        "[{\"a\": [1.5, \"NaN\"], \"b\": [true], \"c\": [{\"k\": [1]}], "
        "\"d\": [{\"$bytes\": \"Cg==\"}], \"e\": [\"2026-01-01T00:00:00.000000Z\"]}]");
    mseq_connection_release(c);
}

/* Enumerations, domains and their arrays have numbers of their own in every database. */
static void test_types_of_the_database(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run_script(
        c,
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
        "CREATE DOMAIN small AS positive CHECK (VALUE < 100);"
        "CREATE TABLE own (m mood, ms mood[], p positive, ps positive[], s small[])");
    run(c, "INSERT INTO own VALUES ($1, $2, $3, $4, $5)",
        "[\"ok\", [\"sad\", \"ok\"], 3, [1, 2], [7]]", NULL);
    run(c, "SELECT * FROM own WHERE m = $1 AND ms @> $2", "[\"ok\", [\"ok\"]]",
        "[{\"m\": \"ok\", \"ms\": [\"sad\", \"ok\"], \"p\": 3, \"ps\": [1, 2], \"s\": [7]}]");
    run_script(c, "DROP TABLE own; DROP DOMAIN small; DROP DOMAIN positive; DROP TYPE mood");
    mseq_connection_release(c);
}

static void test_parameters(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run(c,
        "SELECT pg_typeof($1)::text AS a, pg_typeof($2)::text AS b, pg_typeof($3)::text AS c, "
        "pg_typeof($4)::text AS d, pg_typeof($5)::text AS e",
        "[1, 40000, 5000000000, 1.5, true]",
        "[{\"a\": \"smallint\", \"b\": \"integer\", \"c\": \"bigint\", "
        "\"d\": \"double precision\", \"e\": \"boolean\"}]");
    run(c, "SELECT $1::text AS a, $2::int AS b, $3::jsonb AS c, $4::jsonb AS d, $5::text[] AS e",
        "[\"'; DROP TABLE x; --\", null, {\"k\": [1]}, [1, \"a\"], [\"x\", null, \"a\\\"\\\\b\"]]",
        "[{\"a\": \"'; DROP TABLE x; --\", \"b\": null, \"c\": {\"k\": [1]}, \"d\": [1, \"a\"], "
        "\"e\": [\"x\", null, \"a\\\"\\\\b\"]}]");
    run(c, "SELECT $1::bytea AS a, length($2) AS b, $3::bytea[] AS c",
        "[{\"$bytes\": \"AP8=\"}, {\"$bytes\": \"\"}, [{\"$bytes\": \"AP8=\"}]]",
        "[{\"a\": {\"$bytes\": \"AP8=\"}, \"b\": 0, \"c\": [{\"$bytes\": \"AP8=\"}]}]");
    run(c, "SELECT x FROM generate_series(1, 5) x WHERE x = ANY($1)", "[[2, 4]]",
        "[{\"x\": 2}, {\"x\": 4}]");
    run(c, "SELECT $1::int[] AS a, $2::jsonb[] AS b",
        "[[[1, 2], [3, 4]], [{\"a\": 1}, [2], \"x\"]]",
        "[{\"a\": [[1, 2], [3, 4]], \"b\": [{\"a\": 1}, [2], \"x\"]}]");
    run(c, "SELECT $1::numeric AS a", "[\"123456789012345678901234567890.10\"]",
        "[{\"a\": \"123456789012345678901234567890.10\"}]");
    mseq_connection_release(c);
}

static void test_parameters_refused(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(fails(c, "SELECT $1::text", "[\"a\\u0000b\"]", &err), MSEQ_E_STATEMENT);
    assert_mentions(err.message, "parameter 1 holds a NUL");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT $1::text, $2::text", "[\"a\"]", &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "parameter_missing");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT $1::bytea", "[{\"$bytes\": \"?\"}]", &err), MSEQ_E_REQUEST);
    mseq_error_clear(&err);
    mseq_value *many = mseq_value_array();
    for (int i = 0; i < 65536; i++)
        assert_int_equal(mseq_array_add(many, mseq_value_integer(i)), MSEQ_OK);
    assert_int_equal(mseq_connection_execute(c, "SELECT 1", many, NULL, NULL, &err),
                     MSEQ_E_STATEMENT);
    assert_mentions(err.message, "65536 parameters are given");
    assert_mentions(err.hint, "array");
    mseq_value_free(many);
    mseq_error_clear(&err);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_connection_release(c);
}

/* ---- Prepared statements */

/* Integers of all sizes and nulls end in few prepared forms, and the first is not too narrow for
 * the next. */
static void test_widening(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run_script(c, "CREATE TABLE wide (a int8, b int8)");
    static const char *const lists[] = {"[null, 1]",       "[1, 1]", "[40000, null]",
                                        "[1, 5000000000]", "[2, 2]", "[null, null]",
                                        "[5000000000, 1]"};
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
            assert_int_equal(run(c, "INSERT INTO wide VALUES ($1, $2)", lists[i], "[]"), 1);
    run(c, "SELECT count(*) AS n, sum(a) AS a, sum(b) AS b FROM wide", NULL,
        "[{\"n\": 14, \"a\": 10000080008, \"b\": 10000000010}]");
    run(c, "SELECT count(*) < 6 AS few FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'",
        NULL, "[{\"few\": true}]");
    run_script(c, "DROP TABLE wide");
    mseq_connection_release(c);
}

static void test_prepared_statements(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    for (int i = 0; i < 200; i++) { /* more than are kept */
        char sql[64], expected[64];
        snprintf(sql, sizeof sql, "SELECT %d + $1 AS a", i);
        snprintf(expected, sizeof expected, "[{\"a\": %d}]", i + 1);
        run(c, sql, "[1]", expected);
    }
    run(c, "SELECT count(*) <= 64 AS bounded FROM pg_prepared_statements", NULL,
        "[{\"bounded\": true}]");
    mseq_connection_release(c);
}

/* A plan that the server can no longer use is made again where nothing is lost by it. */
static void test_changed_tables(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(c, "CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)");
    run(c, "SELECT * FROM changing", NULL, "[{\"a\": 1}]");
    run_script(other, "ALTER TABLE changing ADD b int DEFAULT 2");
    run(c, "SELECT * FROM changing", NULL, "[{\"a\": 1, \"b\": 2}]");
    run_script(other, "ALTER TABLE changing ADD c int DEFAULT 3");
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run(c, "SELECT * FROM changing", NULL, "[{\"a\": 1, \"b\": 2, \"c\": 3}]");
    run(c, "ALTER TABLE changing DROP b", NULL, "[]");
    run(c, "SELECT * FROM changing", NULL, "[{\"a\": 1, \"c\": 3}]");
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_OK);
    run(c, "SELECT 7 AS a", NULL, "[{\"a\": 7}]");
    run(c, "DEALLOCATE ALL", NULL, "[]");
    run(c, "SELECT 7 AS a", NULL, "[{\"a\": 7}]");
    run_script(c, "DROP TABLE changing");
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
}

/* ---- Statements */

static void test_affected(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run_script(c, "CREATE TABLE counted (a int)");
    assert_int_equal(run(c, "INSERT INTO counted SELECT * FROM generate_series(1, 5)", NULL, "[]"),
                     5);
    assert_int_equal(run(c, "UPDATE counted SET a = a WHERE a > $1", "[3]", "[]"), 2);
    assert_int_equal(run(c, "SELECT count(*) AS n FROM counted", NULL, "[{\"n\": 5}]"), 0);
    assert_int_equal(run(c, "DELETE FROM counted WHERE a = 1 RETURNING a", NULL, "[{\"a\": 1}]"),
                     1);
    assert_int_equal(run(c, "CREATE INDEX ON counted (a)", NULL, "[]"), 0);
    run(c, "SHOW standard_conforming_strings", NULL, "[{\"standard_conforming_strings\": \"on\"}]");
    run_script(c, "DROP TABLE counted");
    mseq_connection_release(c);
}

static mseq_status count_row(void *data, const mseq_value *row, mseq_error *err) {
    int64_t *last = data;
    *last = mseq_object_get_integer(row, "x", -1);
    return *last == 5 ? mseq_error_set(err, MSEQ_E_LIMIT, "five are enough") : MSEQ_OK;
}

static mseq_status nested(void *data, const mseq_value *row, mseq_error *err) {
    (void)row;
    return mseq_connection_execute(data, "SELECT 1", NULL, NULL, NULL, err);
}

static void test_each(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    mseq_error err = MSEQ_ERROR_INIT;
    int64_t last = 0;
    assert_int_equal(mseq_connection_each(c, "SELECT x FROM generate_series(1, 4) x", NULL,
                                          count_row, &last, &err),
                     MSEQ_OK);
    assert_int_equal(last, 4);
    /* only a cancel request ends it in time; little is under way when it comes */
    const char *endless = "SELECT x, repeat('x', 9000) AS t FROM generate_series(1, 1000000) x "
                          "WHERE pg_sleep(0.01)::text = ''";
    assert_int_equal(mseq_connection_each(c, endless, NULL, count_row, &last, &err), MSEQ_E_LIMIT);
    assert_int_equal(last, 5);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_each(c, "SELECT 1", NULL, nested, c, &err), MSEQ_E_ARGUMENT);
    assert_mentions(err.message, "reads the rows of another statement");
    mseq_connection_release(c);
}

static void test_script(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(
        c,
        "CREATE TABLE scripted (a text); -- a comment; with a semicolon\n"
        "INSERT INTO scripted VALUES (';'), ($$;$$); CREATE INDEX CONCURRENTLY ON scripted (a);");
    assert_int_equal(mseq_connection_script(
                         c, "INSERT INTO scripted VALUES ('kept'); SELECT 1/0; SELECT 2", &err),
                     MSEQ_E_DATABASE);
    assert_mentions(err.message, "statement 2 of the script: division by zero");
    assert_string_equal(err.sqlstate, "22012");
    run(c, "SELECT count(*) AS n FROM scripted", NULL, "[{\"n\": 3}]");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_script(c, "COPY scripted FROM STDIN", &err), MSEQ_E_STATEMENT);
    mseq_error_clear(&err);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    run_script(c, "DROP TABLE scripted");
    mseq_connection_release(c);
}

/* ---- Transactions */

static void test_transactions(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(c, "CREATE TABLE kept (a int)");
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    assert_true(mseq_connection_in_transaction(c));
    run(c, "INSERT INTO kept VALUES (1)", NULL, "[]");
    mseq_connection_rollback(c);
    assert_false(mseq_connection_in_transaction(c));
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_OK); /* of nothing */
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run_script(c, "INSERT INTO kept VALUES (2)");
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_E_ARGUMENT);
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_OK);
    run(c, "SELECT a FROM kept", NULL, "[{\"a\": 2}]");
    /* PostgreSQL answers COMMIT of a failed transaction with success */
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run(c, "INSERT INTO kept VALUES (3)", NULL, "[]");
    assert_int_equal(fails(c, "SELECT 1/0", NULL, NULL), MSEQ_E_DATABASE);
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_E_DATABASE);
    assert_mentions(err.message, "was rolled back");
    run(c, "SELECT a FROM kept", NULL, "[{\"a\": 2}]");
    run_script(c, "DROP TABLE kept");
    mseq_connection_release(c);
}

static void test_one_state(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(c, "CREATE TABLE seen (a int)");
    assert_int_equal(mseq_connection_begin(c, false, &err), MSEQ_OK);
    run(c, "SELECT count(*) AS n FROM seen", NULL, "[{\"n\": 0}]");
    run(other, "INSERT INTO seen VALUES (1)", NULL, "[]");
    run(c, "SELECT count(*) AS n FROM seen", NULL, "[{\"n\": 0}]");
    mseq_connection_rollback(c);
    run(c, "SELECT count(*) AS n FROM seen", NULL, "[{\"n\": 1}]");
    run_script(c, "DROP TABLE seen");
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
}

/* ---- Errors */

static void expect_error(mseq_connection *c, const char *sql, mseq_status status,
                         const char *sqlstate, const char *code, const char *message) {
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(fails(c, sql, NULL, &err), status);
    assert_string_equal(err.sqlstate, sqlstate);
    assert_string_equal(err.code, code);
    assert_mentions(err.message, message);
}

static void test_errors(void **state) {
    (void)state;
    mseq_connection *c = connect_fresh();
    run_script(c, "CREATE TABLE strict (id int PRIMARY KEY, a int NOT NULL CHECK (a > 0), "
                  "p int REFERENCES strict); INSERT INTO strict VALUES (1, 1)");
    expect_error(c, "INSERT INTO strict VALUES (1, 1)", MSEQ_E_DATABASE_CONSTRAINT, "23505",
                 "database_constraint", "strict_pkey");
    expect_error(c, "INSERT INTO strict VALUES (2, NULL)", MSEQ_E_DATABASE_CONSTRAINT, "23502",
                 "database_constraint", "\"a\"");
    expect_error(c, "INSERT INTO strict VALUES (2, 0)", MSEQ_E_DATABASE_CONSTRAINT, "23514",
                 "database_constraint", "strict_a_check");
    expect_error(c, "INSERT INTO strict VALUES (2, 1, 7)", MSEQ_E_DATABASE_CONSTRAINT, "23503",
                 "database_constraint", "strict_p_fkey");
    expect_error(c, "SELECT * FROM missing", MSEQ_E_DATABASE, "42P01", "undefined_table",
                 "missing");
    expect_error(c, "SELEC 1", MSEQ_E_DATABASE, "42601", "database", "syntax error");
    expect_error(c, "", MSEQ_E_STATEMENT, "", "statement", "there is no statement");
    run_script(c, "DROP TABLE strict");
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(fails(c, "SELECT 'ä', nope", NULL, &err), MSEQ_E_DATABASE);
    assert_string_equal(err.detail, "at: nope");
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "CREATE ROLE x PASSWORD 'hush' nonsense", NULL, &err),
                     MSEQ_E_DATABASE);
    assert_null(strstr(err.detail, "hush"));
    mseq_connection_release(c);
}

static mseq_status open_status(const char *uri, mseq_error *err) {
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = uri;
    mseq_error_clear(err);
    mseq_status status = mseq_database_open(&options, &database, err);
    assert_null(database);
    assert_null(strstr(err->message, "hush"));
    assert_null(strstr(err->detail, "hush"));
    return status;
}

/* What a refused connection says is the same whatever the password was, so it tells nothing of it:
 * not that a letter of it stands in the text, nor that it is the user's name. */
static void test_refusals_tell_no_password(void **state) {
    static const char *const passwords[] = {
        "a", "p", "postgres", "authentication%20failed", "hush!", "%C3%A9", "FATAL"};
    static const char *const tails[] = {"/postgres", "/no_such_database", "/postgres?sslmode=x"};
    const char *address = strchr(postgresql_uri(), '@');
    int length = (int)(strrchr(address, '/') - address);
    (void)state;
    for (size_t t = 0; t < sizeof tails / sizeof *tails; t++) {
        mseq_error first = MSEQ_ERROR_INIT, err = MSEQ_ERROR_INIT;
        for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
            char *uri = mseq_text_format("postgresql://postgres:%s%.*s%s", passwords[i], length,
                                         address, tails[t]);
            assert_int_not_equal(open_status(uri, i ? &err : &first), MSEQ_OK);
            if (i) {
                assert_string_equal(err.message, first.message);
                assert_string_equal(err.detail, first.detail);
                assert_string_equal(err.hint, first.hint);
            }
            free(uri);
        }
    }
}

static void test_uris(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(open_status("postgresql://u:hush@127.0.0.1:1/x", &err), MSEQ_E_DATABASE);
    assert_string_equal(err.code, "database_unavailable");
    assert_mentions(err.message, "127.0.0.1:1");
    assert_int_equal(open_status("postgresql://u:a@hush@127.0.0.1/x", &err), MSEQ_E_ARGUMENT);
    assert_mentions(err.hint, "%40");
    assert_int_equal(open_status("postgresql://u:hu/hush@127.0.0.1/x", &err), MSEQ_E_ARGUMENT);
    assert_int_equal(open_status("postgresql://u:12/hush@127.0.0.1/x", &err), MSEQ_E_ARGUMENT);
    assert_int_equal(open_status("postgresql://u:x@127.0.0.1/x?hush=1", &err), MSEQ_E_ARGUMENT);
    /* a database may have such a name, encoded */
    assert_int_equal(open_status("postgresql://u:hush@127.0.0.1:1/x%40y", &err), MSEQ_E_DATABASE);
    assert_int_equal(open_status("postgresqlx://u:hush@h/x", &err), MSEQ_E_ARGUMENT);
    char *other = mseq_text_format("postgresql://postgres:hush%s", strchr(postgresql_uri(), '@'));
    assert_int_equal(open_status(other, &err), MSEQ_E_DATABASE);
    assert_mentions(err.message, "password authentication failed");
    assert_mentions(err.hint, "password of the database URI");
    free(other);
    /* as Python writes it */
    char *driver =
        mseq_text_format("postgresql+psycopg%s", postgresql_uri() + strlen("postgresql"));
    mseq_database *database = open_uri(driver);
    assert_int_equal(mseq_database_dialect(database), MSEQ_POSTGRESQL);
    mseq_database_close(database);
    free(driver);
}

static void test_read_only(void **state) {
    (void)state;
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = postgresql_uri();
    options.read_only = true;
    assert_int_equal(mseq_database_open(&options, &database, &err), MSEQ_OK);
    mseq_connection *c = connect_to(database);
    expect_error(c, "CREATE TABLE x (a int)", MSEQ_E_DATABASE_READ_ONLY, "25006",
                 "database_read_only", "read-only");
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* More parameters than libpq can be told the types of; lists among them still find theirs. */
static void test_many_parameters(void **state) {
    enum { COUNT = 9000 };
    (void)state;
    mseq_connection *c = connect_fresh();
    mseq_buffer sql = MSEQ_BUFFER_INIT, parameters = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "SELECT $1::int[] AS list, $2::jsonb AS json, 7 IN ($3::int");
    mseq_buffer_append_text(&parameters, "[[1, 2], [1, 2], 0");
    for (int i = 4; i <= COUNT; i++) {
        mseq_buffer_append_format(&sql, ", $%d", i);
        mseq_buffer_append_format(&parameters, ", %d", i);
    }
    mseq_buffer_append_text(&sql, ") AS found WHERE $1[1] = 1");
    mseq_buffer_append_text(&parameters, "]");
    for (int i = 0; i < 2; i++) /* prepared, then kept */
        run(c, mseq_buffer_text(&sql), mseq_buffer_text(&parameters),
            "[{\"list\": [1, 2], \"json\": [1, 2], \"found\": true}]");
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_buffer_free(&sql);
    mseq_buffer_free(&parameters);
    mseq_connection_release(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_parameters),
        cmocka_unit_test(test_values_out),
        cmocka_unit_test(test_arrays_out),
        cmocka_unit_test(test_types_of_the_database),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_parameters_refused),
        cmocka_unit_test(test_widening),
        cmocka_unit_test(test_prepared_statements),
        cmocka_unit_test(test_changed_tables),
        cmocka_unit_test(test_affected),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_script),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_one_state),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_refusals_tell_no_password),
        cmocka_unit_test(test_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
