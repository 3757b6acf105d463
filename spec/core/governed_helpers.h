/* SPDX-License-Identifier: MIT
 * For the tests of governed statements on SQLite: a database, a scope, statements that are allowed
 * or refused. */
#ifndef SPEC_GOVERNED_HELPERS_H
#define SPEC_GOVERNED_HELPERS_H

#include "database_helpers.h"

static const char SCHEMA[] =
    "CREATE TABLE asset (uid TEXT PRIMARY KEY, symbol TEXT, price REAL);"
    "CREATE TABLE account (uid INTEGER PRIMARY KEY, s TEXT UNIQUE NOT NULL);"
    "CREATE TABLE holding (uid INTEGER PRIMARY KEY, account INT REFERENCES account (uid) "
    "  ON DELETE CASCADE, quantity INT);"
    "CREATE TABLE hidden (id INTEGER PRIMARY KEY, v TEXT, account INT REFERENCES account (uid) "
    "  ON DELETE CASCADE ON UPDATE CASCADE);"
    "CREATE TABLE log (what TEXT);"
    "CREATE VIEW v_hidden AS SELECT v FROM hidden;"
    "CREATE VIEW v_asset AS SELECT symbol FROM asset;"
    "CREATE TRIGGER asset_log AFTER INSERT ON asset BEGIN INSERT INTO log SELECT new.symbol "
    "  || (SELECT count(*) FROM hidden); END;"
    "INSERT INTO asset VALUES ('a', 'BTC', 1.5), ('b', 'ETH', 2.5), ('c', 'XRP', 3.5);"
    "INSERT INTO account VALUES (1, 'main'), (2, 'other');"
    "INSERT INTO hidden VALUES (1, 'secret', 2);"
    "DELETE FROM log;";

/* asset is read, account and holding are written; hidden, log and the views are out of scope */
static const mseq_governed_table SCOPE[] = {{"asset", MSEQ_ACCESS_READ, NULL},
                                            {"account", MSEQ_ACCESS_WRITE, NULL},
                                            {"Holding", MSEQ_ACCESS_WRITE, NULL}};

static const mseq_governed_table WRITE_ASSET[] = {{"asset", MSEQ_ACCESS_WRITE, NULL}};

static inline int setup(void **state) {
    mseq_database *database = open_uri("sqlite://");
    mseq_connection *c = connect_to(database);
    mseq_database_close(database);
    run_script(c, SCHEMA);
    *state = c;
    return 0;
}

static inline int teardown(void **state) {
    mseq_connection_release(*state);
    return 0;
}

static inline mseq_governed_statement governed(const char *operation, const char *sql) {
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = operation;
    statement.sql = sql;
    statement.sql_length = strlen(sql);
    statement.tables = SCOPE;
    statement.table_count = 3;
    statement.max_rows = 100;
    statement.timeout_ms = 20000;
    return statement;
}

static inline void allow_statement(mseq_connection *c, const mseq_governed_statement *statement,
                                   const char *expected) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_result result;
    if (mseq_connection_run_governed(c, statement, &result, &err) != MSEQ_OK)
        fail_msg("%s %s: %s [%s]", statement->operation, statement->sql, err.message, err.code);
    char *text = text_of(result.rows);
    if (expected)
        assert_string_equal(text, expected);
    free(text);
    mseq_value_free(result.rows);
}

static inline void allow(mseq_connection *c, const char *operation, const char *sql,
                         const char *expected) {
    mseq_governed_statement statement = governed(operation, sql);
    allow_statement(c, &statement, expected);
}

static inline void deny_statement(mseq_connection *c, const mseq_governed_statement *statement,
                                  mseq_status status, const char *code, mseq_error *err) {
    mseq_governed_result result = {.rows = NULL};
    mseq_status got = mseq_connection_run_governed(c, statement, &result, err);
    if (got != status || strcmp(err->code, code) != 0)
        fail_msg("%s %s: expected %s, got %s [%s] %s", statement->operation, statement->sql, code,
                 mseq_status_name(got), err->code, err->message);
    assert_null(result.rows);
}

static inline void deny(mseq_connection *c, const char *operation, const char *sql,
                        const char *code) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement statement = governed(operation, sql);
    deny_statement(c, &statement, MSEQ_E_STATEMENT, code, &err);
}

#define WITH_DATABASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
