/* SPDX-License-Identifier: MIT
 * For the tests of governed statements on PostgreSQL: a database on a private server, a scope,
 * statements that are allowed or refused. */
#ifndef SPEC_POSTGRESQL_GOVERNED_HELPERS_H
#define SPEC_POSTGRESQL_GOVERNED_HELPERS_H

#include "postgresql_helpers.h"

static const char SCHEMA[] =
    "CREATE TABLE asset (uid int PRIMARY KEY, symbol text, price numeric(20, 8));"
    "CREATE TABLE account (uid int PRIMARY KEY, s text, asset_uid int REFERENCES asset);"
    "CREATE TABLE holding_set (uid int PRIMARY KEY);"
    "CREATE TABLE holding (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, set_uid int, q float8,"
    " h int);"
    "CREATE TABLE hidden (id int PRIMARY KEY, v text); INSERT INTO hidden VALUES (1, 'secret');"
    "CREATE TABLE child (id int PRIMARY KEY, account_uid int REFERENCES account ON DELETE CASCADE,"
    " strict_uid int REFERENCES holding_set);"
    "CREATE VIEW v_hidden AS SELECT v FROM hidden; CREATE VIEW v_asset AS SELECT * FROM asset;"
    "INSERT INTO asset SELECT i, 's' || i, i * 1.5 FROM generate_series(1, 300) i;"
    "INSERT INTO account VALUES (1, 'a', 1), (2, 'b', 2);"
    "INSERT INTO holding_set VALUES (7);"
    "CREATE SCHEMA other_schema; CREATE TABLE other_schema.asset (uid int);";

static const mseq_governed_table SCOPE[] = {{"asset", MSEQ_ACCESS_READ, NULL},
                                            {"account", MSEQ_ACCESS_WRITE, NULL},
                                            {"holding", MSEQ_ACCESS_WRITE, NULL},
                                            {"holding_set", MSEQ_ACCESS_WRITE, NULL}};

enum { SCOPE_COUNT = sizeof SCOPE / sizeof *SCOPE };

static mseq_database *database;

static mseq_connection *connection, *other;

static inline mseq_governed_statement governed(const char *operation, const char *sql) {
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = operation;
    statement.sql = sql;
    statement.sql_length = strlen(sql);
    statement.tables = SCOPE;
    statement.table_count = SCOPE_COUNT;
    statement.max_rows = 1000;
    statement.timeout_ms = 10000;
    return statement;
}

/* Rows as JSON with ' for ". */
static inline void allowed(const mseq_governed_statement *statement, const char *rows) {
    mseq_governed_result result = {.rows = NULL};
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_run_governed(connection, statement, &result, &err) != MSEQ_OK)
        fail_msg("%s: %s (%s)", statement->sql, err.message, err.code);
    if (rows)
        assert_document(result.rows, rows);
    mseq_value_free(result.rows);
}

static inline void allow(const char *operation, const char *sql, const char *rows) {
    mseq_governed_statement statement = governed(operation, sql);
    allowed(&statement, rows);
}

static inline void denied(const mseq_governed_statement *statement, mseq_status status,
                          const char *code, mseq_error *err) {
    mseq_governed_result result = {.rows = NULL};
    mseq_error_clear(err);
    if (mseq_connection_run_governed(connection, statement, &result, err) == MSEQ_OK)
        fail_msg("%s: allowed", statement->sql);
    if (err->status != status || strcmp(err->code, code) != 0)
        fail_msg("%s: %s (%s), expected %s", statement->sql, err->message, err->code, code);
    assert_null(strstr(err->message, "secret"));
    assert_null(strstr(err->detail, "secret"));
    /* one that saw an error is closed, as it is between two users */
    mseq_connection_release(connection);
    connection = connect_to(database);
}

static inline mseq_error deny(const char *operation, const char *sql, mseq_status status,
                              const char *code) {
    mseq_governed_statement statement = governed(operation, sql);
    mseq_error err = MSEQ_ERROR_INIT;
    denied(&statement, status, code, &err);
    return err;
}

static inline void script(const char *sql) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(other, sql, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
}

static inline void expect_answer(const char *sql, const char *expected) {
    char *text = first_value(other, sql);
    assert_string_equal(text, expected);
    free(text);
}

static inline mseq_status say_no(void *data, mseq_error *err) {
    assert_ptr_equal(data, &database);
    return mseq_error_set(err, MSEQ_E_PERMISSION, "not any more");
}

/* ---- The program -------------------------------------------------------------------------------
 */

static inline int start(void **state) {
    char *uri = postgresql_database("governed");
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    database = open_uri(uri);
    free(uri);
    connection = connect_to(database);
    other = connect_to(database);
    if (mseq_connection_script(other, SCHEMA, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return 0;
}

static inline int stop(void **state) {
    (void)state;
    mseq_connection_release(connection);
    mseq_connection_release(other);
    mseq_database_close(database);
    return 0;
}

#endif
