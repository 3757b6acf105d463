/* SPDX-License-Identifier: MIT
 * Any SQL text as a governed statement on a small database with a fixed scope. Whatever the text
 * does: what is out of scope stays as it is, nothing of it comes back, and a select changes
 * nothing. First byte: the operation. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/database.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char SCHEMA[] =
    "CREATE TABLE asset (uid TEXT PRIMARY KEY, symbol TEXT, price REAL);"
    "CREATE TABLE account (uid INTEGER PRIMARY KEY, s TEXT UNIQUE);"
    "CREATE TABLE holding (uid INTEGER PRIMARY KEY, account INT REFERENCES account (uid) ON DELETE "
    "CASCADE, q INT);"
    "CREATE TABLE hidden (id INTEGER PRIMARY KEY, v TEXT);"
    "CREATE VIEW v_hidden AS SELECT v FROM hidden;"
    "INSERT INTO asset VALUES ('a', 'BTC', 1.5), ('b', 'ETH', 2.5);"
    "INSERT INTO account VALUES (1, 'main'), (2, 'other');"
    "INSERT INTO holding VALUES (1, 1, 5);";
/* A text that no statement can hold: another one in each run, for the fuzzer learns what it sees.
 */
static char secret[17];
static const char HIDDEN_STATE[] =
    "SELECT (SELECT group_concat(id || v) FROM hidden) || (SELECT group_concat(uid || symbol || "
    "price) FROM asset) || (SELECT group_concat(name || coalesce(sql, '')) FROM sqlite_schema) AS "
    "s";
static const char WRITABLE_STATE[] =
    "SELECT (SELECT group_concat(uid || coalesce(s, '')) FROM account) || (SELECT "
    "group_concat(uid || coalesce(account, '') || coalesce(q, '')) FROM holding) AS s";

static void check(bool condition) {
    if (!condition)
        abort();
}

static void new_secret(void) {
    static uint64_t state;
    state += 0x9E3779B97F4A7C15u;
    uint64_t mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    for (int i = 0; i < 16; i++)
        secret[i] = "bcdfghjklmnpqrst"[(mixed >> (4 * i)) & 15];
}

static void fill(mseq_connection *connection) {
    static const char clear[] =
        "DROP VIEW IF EXISTS v_hidden; DROP TABLE IF EXISTS holding; DROP TABLE IF EXISTS account; "
        "DROP TABLE IF EXISTS asset; DROP TABLE IF EXISTS hidden";
    mseq_value *parameters = mseq_value_array();
    check(mseq_array_add(parameters, mseq_value_string(secret)) == MSEQ_OK);
    check(mseq_connection_script(connection, clear, NULL) == MSEQ_OK &&
          mseq_connection_script(connection, SCHEMA, NULL) == MSEQ_OK &&
          mseq_connection_execute(connection, "INSERT INTO hidden VALUES (1, ?1)", parameters, NULL,
                                  NULL, NULL) == MSEQ_OK);
    mseq_value_free(parameters);
}

static char *state_of(mseq_connection *connection, const char *sql) {
    mseq_value *rows = NULL;
    check(mseq_connection_execute(connection, sql, NULL, &rows, NULL, NULL) == MSEQ_OK);
    const char *text = mseq_object_get_text(mseq_array_get(rows, 0), "s");
    char *copy = strdup(text ? text : "");
    mseq_value_free(rows);
    return copy;
}

static bool tells_the_secret(const mseq_value *value) {
    if (mseq_value_get_text(value))
        return memmem(mseq_value_get_text(value), mseq_value_get_text_length(value), secret, 16) !=
               NULL;
    for (size_t i = 0; i < mseq_value_length(value); i++)
        if (tells_the_secret(mseq_value_kind(value) == MSEQ_ARRAY ? mseq_array_get(value, i)
                                                                  : mseq_object_value_at(value, i)))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const operations[] = {"select", "insert", "update", "delete", "upsert"};
    static const mseq_governed_table scope[] = {{"asset", MSEQ_ACCESS_READ},
                                                {"account", MSEQ_ACCESS_WRITE},
                                                {"holding", MSEQ_ACCESS_WRITE}};
    static mseq_database *database;
    if (size < 1 || size > 4096)
        return 0;
    if (!database) {
        mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
        options.uri = "sqlite://";
        check(mseq_database_open(&options, &database, NULL) == MSEQ_OK);
    }
    mseq_connection *connection = NULL;
    check(mseq_database_connect(database, &connection, NULL) == MSEQ_OK);
    new_secret();
    fill(connection);
    char *hidden = state_of(connection, HIDDEN_STATE);
    char *writable = state_of(connection, WRITABLE_STATE);
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = operations[data[0] % 5];
    statement.sql = (const char *)data + 1;
    statement.sql_length = size - 1;
    statement.tables = scope;
    statement.table_count = 3;
    statement.max_rows = 20;
    statement.max_bytes = 100000;
    statement.timeout_ms = 200;
    mseq_governed_result result;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_run_governed(connection, &statement, &result, &err);
    char *hidden_after = state_of(connection, HIDDEN_STATE);
    char *writable_after = state_of(connection, WRITABLE_STATE);
    check(strcmp(hidden, hidden_after) == 0);
    if (status != MSEQ_OK || data[0] % 5 == 0)
        check(strcmp(writable, writable_after) == 0);
    check(!strstr(writable_after, secret) && !strstr(err.message, secret));
    if (status == MSEQ_OK) {
        check(!tells_the_secret(result.rows));
        mseq_value_free(result.rows);
    }
    free(hidden);
    free(writable);
    free(hidden_after);
    free(writable_after);
    mseq_connection_release(connection);
    return 0;
}
