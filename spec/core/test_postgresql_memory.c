/* SPDX-License-Identifier: MIT
 * Room `database`, PostgreSQL, when memory is short: every allocation of ours fails once, alone and
 * with all that follow. The result is success or a clear error, nothing leaks, nothing that failed
 * was done, and the connection works when memory is back. */
#include "failing_allocator.h"
#include "postgresql_helpers.h"

typedef mseq_status (*operation)(mseq_database *database, mseq_connection *connection,
                                 mseq_error *err);

static mseq_value *parameters; /* made while memory is there */

static mseq_status select_rows(mseq_database *database, mseq_connection *c, mseq_error *err) {
    (void)database;
    mseq_value *rows = NULL;
    mseq_status status = mseq_connection_execute(
        c,
        "SELECT t.*, $1::int AS i, $2::text AS s, $3::bytea AS b, $4::jsonb AS j, $5::text[] AS l, "
        "'{\"a\": [1]}'::jsonb AS k, ARRAY[[1, 2]] AS m, 1.5 AS n, now() AS w FROM own t",
        parameters, &rows, NULL, err);
    if (status == MSEQ_OK)
        mseq_value_free(rows);
    return status;
}

static mseq_status write_row(mseq_database *database, mseq_connection *c, mseq_error *err) {
    (void)database;
    mseq_status status = mseq_connection_begin(c, true, err);
    if (status == MSEQ_OK)
        status = mseq_connection_execute(c, "UPDATE own SET id = id", NULL, NULL, NULL, err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(c, err);
    mseq_connection_rollback(c);
    return status;
}

static mseq_status run_text(mseq_database *database, mseq_connection *c, mseq_error *err) {
    (void)database;
    return mseq_connection_script(c, "SELECT 1; SET work_mem TO '4MB'", err);
}

static mseq_status reflect(mseq_database *database, mseq_connection *c, mseq_error *err) {
    (void)database;
    mseq_table *table = NULL;
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_connection_table_names(c, NULL, &names, err);
    if (status == MSEQ_OK)
        status = mseq_connection_reflect_table(c, NULL, "own", &table, err);
    if (status == MSEQ_OK)
        mseq_table_free(table);
    mseq_strings_free(&names);
    return status;
}

static mseq_status connect_anew(mseq_database *database, mseq_connection *c, mseq_error *err) {
    (void)database;
    (void)c;
    mseq_database *other = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = postgresql_uri();
    options.read_only = true;
    options.busy_timeout_ms = 1000;
    mseq_status status = mseq_database_open(&options, &other, err);
    if (status == MSEQ_OK)
        mseq_database_close(other);
    return status;
}

static mseq_status refuse(mseq_database *database, mseq_connection *c, mseq_error *err) {
    (void)database;
    mseq_error own = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_execute(c, "SELECT 1/0", NULL, NULL, NULL, &own);
    if (status == MSEQ_E_DATABASE)
        return MSEQ_OK;
    if (err && err->status == MSEQ_OK)
        *err = own;
    return status;
}

/* *reached: the n-th allocation was asked for. */
static void attempt(mseq_database *database, operation run_it, long n, bool all, bool *reached) {
    mseq_connection *connection = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    allocations_left = n;
    fail_all = all;
    mseq_status status = run_it(database, connection, &err);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    if (status != MSEQ_OK && status != MSEQ_E_NO_MEMORY)
        fail_msg("allocation %ld: %s: %s", n, mseq_status_name(status), err.message);
    if (status != MSEQ_OK)
        assert_int_equal(err.status, status);
    run(connection, "SELECT count(*) AS n FROM own", NULL, "[{\"n\": 2}]");
    mseq_error_clear(&err);
    if (run_it(database, connection, &err) != MSEQ_OK)
        fail_msg("after allocation %ld failed: %s", n, err.message);
    mseq_connection_release(connection);
}

static void sweep(operation run_it) {
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n += n < 60 ? 1 : 11) {
            mseq_database *database = open_uri(postgresql_uri());
            attempt(database, run_it, n, all, &reached);
            mseq_database_close(database);
        }
    }
}

static void test_select(void **state) {
    (void)state;
    sweep(select_rows);
}

static void test_write(void **state) {
    (void)state;
    sweep(write_row);
}

static void test_script(void **state) {
    (void)state;
    sweep(run_text);
}

static void test_reflect(void **state) {
    (void)state;
    sweep(reflect);
}

static void test_connect(void **state) {
    (void)state;
    sweep(connect_anew);
}

static void test_error(void **state) {
    (void)state;
    sweep(refuse);
}

static int prepare(void **state) {
    (void)state;
    parameters =
        json("[70000, \"text\", {\"$bytes\": \"AP8=\"}, {\"a\": [1]}, [\"x\", null, \"y\"]]");
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    run_script(
        c, "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN moods AS mood[];"
           "CREATE TABLE own (id int PRIMARY KEY, m mood, ms moods, v varchar(3)[] DEFAULT '{}', "
           "g int GENERATED ALWAYS AS (id + 1) STORED, i int GENERATED BY DEFAULT AS IDENTITY, "
           "p int REFERENCES own ON DELETE CASCADE, UNIQUE (m, id), CHECK (id > 0));"
           "CREATE INDEX own_ix ON own (lower(v[1]) DESC, id) INCLUDE (p) WHERE id > 1;"
           "COMMENT ON TABLE own IS 'c';"
           "INSERT INTO own (id, m, ms) VALUES (1, 'sad', '{sad,ok}'), (2, NULL, NULL)");
    mseq_connection_release(c);
    mseq_database_close(database);
    return 0;
}

static int forget(void **state) {
    (void)state;
    mseq_value_free(parameters);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),  cmocka_unit_test(test_write),
        cmocka_unit_test(test_script),  cmocka_unit_test(test_reflect),
        cmocka_unit_test(test_connect), cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, prepare, forget);
}
