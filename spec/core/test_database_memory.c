/* SPDX-License-Identifier: MIT
 * Room `database` when memory is short: every allocation of ours and of SQLite's fails once, alone
 * and with all that follow. The result is success or a clear error, nothing leaks (sanitizers and
 * valgrind watch), and the database is whole. */
#include <sqlite3.h>

#include "database_helpers.h"
#include "failing_allocator.h"

/* ---- SQLite's allocator, on the same count */

static sqlite3_mem_methods real_methods;

static void *failing_malloc(int size) {
    return allocation_fails() ? NULL : real_methods.xMalloc(size);
}

static void *failing_realloc(void *old, int size) {
    return allocation_fails() ? NULL : real_methods.xRealloc(old, size);
}

static int install(void **state) {
    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK)
        return -1;
    sqlite3_mem_methods methods = real_methods;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK ? 0 : -1;
}

/* ---- The sweep */

static const char SCHEMA[] =
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, a TEXT, CONSTRAINT a_uq UNIQUE (a));"
    "CREATE TABLE t (id INTEGER PRIMARY KEY, p INT CONSTRAINT p_fk REFERENCES parent ON DELETE "
    "CASCADE, s VARCHAR(9) COLLATE NOCASE DEFAULT ('a' || 'b') CHECK (s <> ''), g INT AS (p + 1));"
    "CREATE INDEX i ON t (lower(s) DESC, p) WHERE p > 0;"
    "CREATE VIEW v AS SELECT * FROM t; CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;"
    "INSERT INTO parent VALUES (1, 'one'), (2, 'two');"
    "INSERT INTO t (id, p, s) VALUES (1, 1, 'x'), (2, 2, 'y')";

typedef mseq_status (*operation)(mseq_connection *connection, mseq_error *err);

static mseq_connection *fresh(void) {
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *connection = connect_to(database);
    mseq_database_close(database);
    run_script(connection, SCHEMA);
    return connection;
}

/* Whether the operation succeeded although the n-th allocation failed; *reached: it was asked for.
 */
static void attempt(operation run_it, long n, bool all, bool *reached) {
    mseq_connection *connection = fresh();
    mseq_error err = MSEQ_ERROR_INIT;
    allocations_left = n;
    fail_all = all;
    mseq_status status = run_it(connection, &err);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    if (status != MSEQ_OK && status != MSEQ_E_NO_MEMORY)
        fail_msg("allocation %ld: %s: %s", n, mseq_status_name(status), err.message);
    if (status != MSEQ_OK)
        assert_int_equal(err.status, status);
    mseq_connection_rollback(connection);
    run(connection, "SELECT count(*) AS n FROM t", NULL, "[{\"n\": 2}]");
    /* and it works when memory is back */
    mseq_error_clear(&err);
    if (run_it(connection, &err) != MSEQ_OK)
        fail_msg("after allocation %ld failed: %s", n, err.message);
    mseq_connection_release(connection);
}

static void sweep(operation run_it) {
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n += n < 300 ? 1 : 7)
            attempt(run_it, n, all, &reached);
    }
}

static mseq_value *parameters; /* made while memory is there */

static mseq_status select_rows(mseq_connection *c, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = mseq_connection_execute(
        c, "SELECT t.*, ?1 AS s, ?2 AS b, ?3 AS j, x'00' AS x, 1.5 AS f FROM t", parameters, &rows,
        NULL, err);
    if (status == MSEQ_OK)
        assert_int_equal(mseq_value_length(rows), 2);
    mseq_value_free(rows);
    return status;
}

static mseq_status transaction(mseq_connection *c, mseq_error *err) {
    mseq_status status = mseq_connection_begin(c, true, err);
    if (status == MSEQ_OK)
        status = mseq_connection_script(
            c, "DELETE FROM t; CREATE TABLE u (a); INSERT INTO u VALUES (1)", err);
    mseq_connection_rollback(c);
    return status;
}

static mseq_status reflect(mseq_connection *c, mseq_error *err) {
    mseq_metadata *metadata = NULL;
    mseq_status status = mseq_connection_reflect(c, NULL, &metadata, err);
    if (status == MSEQ_OK)
        assert_int_equal(mseq_metadata_count(metadata), 2);
    mseq_metadata_free(metadata);
    return status;
}

static mseq_status dependents(mseq_connection *c, mseq_error *err) {
    mseq_value *found = NULL;
    mseq_status status = mseq_connection_dependents(c, "t", &found, err);
    if (status == MSEQ_OK)
        assert_int_equal(mseq_value_length(found), 2);
    mseq_value_free(found);
    return status;
}

static mseq_status governed(mseq_connection *c, const char *kind, const char *sql,
                            mseq_error *err) {
    static const mseq_governed_table scope[] = {{"t", MSEQ_ACCESS_WRITE, NULL},
                                                {"parent", MSEQ_ACCESS_READ, NULL}};
    mseq_governed_result result = {.rows = NULL};
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = kind;
    statement.sql = sql;
    statement.sql_length = strlen(sql);
    statement.tables = scope;
    statement.table_count = 2;
    statement.max_rows = 10;
    mseq_status status = mseq_connection_run_governed(c, &statement, &result, err);
    if (status != MSEQ_OK)
        assert_null(result.rows);
    mseq_value_free(result.rows);
    return status;
}

static mseq_status governed_select(mseq_connection *c, mseq_error *err) {
    return governed(c, "select", "WITH x AS (SELECT 1 AS k) SELECT s, a, k FROM t, parent, x", err);
}

static mseq_status governed_update(mseq_connection *c, mseq_error *err) {
    return governed(c, "update", "UPDATE t SET s = s || 'z' RETURNING id, s", err);
}

static void test_select(void **state) {
    (void)state;
    parameters = json("[\"x\", {\"$bytes\": \"AAEC\"}, [1, 2]]");
    sweep(select_rows);
    mseq_value_free(parameters);
}

static void test_transaction(void **state) {
    (void)state;
    sweep(transaction);
}

static void test_reflect(void **state) {
    (void)state;
    sweep(reflect);
}

static void test_dependents(void **state) {
    (void)state;
    sweep(dependents);
}

static void test_governed(void **state) {
    (void)state;
    sweep(governed_select);
    sweep(governed_update);
}

static void test_open(void **state) {
    (void)state;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = "sqlite://";
    mseq_status status = MSEQ_E_NO_MEMORY;
    for (long n = 0; n < 400; n++) {
        mseq_database *database = NULL;
        mseq_connection *connection = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        allocations_left = n;
        fail_all = true;
        status = mseq_database_open(&options, &database, &err);
        if (status == MSEQ_OK)
            status = mseq_database_connect(database, &connection, &err);
        allocations_left = -1;
        if (status != MSEQ_OK)
            assert_int_equal(status, MSEQ_E_NO_MEMORY);
        mseq_connection_release(connection);
        mseq_database_close(database);
    }
    assert_int_equal(status, MSEQ_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),        cmocka_unit_test(test_select),
        cmocka_unit_test(test_transaction), cmocka_unit_test(test_reflect),
        cmocka_unit_test(test_dependents),  cmocka_unit_test(test_governed),
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
