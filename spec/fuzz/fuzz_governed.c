/* SPDX-License-Identifier: MIT
 * Any SQL text as a governed statement under a fixed scope, on two small databases that differ only
 * in what is out of scope. Whatever the text does: what it may not write stays as it is, and both
 * answer the same, to the byte: nothing out of scope was read. First byte: the operation. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "mainsequence/database.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char CLEAR[] =
    "DROP VIEW IF EXISTS v_hidden; DROP TABLE IF EXISTS holding; DROP TABLE "
    "IF EXISTS account; DROP TABLE IF EXISTS asset; DROP TABLE IF EXISTS "
    "hidden; DROP TABLE IF EXISTS log;";
static const char SCHEMA[] =
    "CREATE TABLE asset (uid TEXT PRIMARY KEY, symbol TEXT, price REAL);"
    "CREATE TABLE account (uid INTEGER PRIMARY KEY, s TEXT UNIQUE);"
    "CREATE TABLE holding (uid INTEGER PRIMARY KEY, account INT REFERENCES account (uid) ON DELETE "
    "CASCADE, q INT);"
    "CREATE TABLE hidden (id INTEGER PRIMARY KEY, v TEXT);"
    "CREATE TABLE log (n INTEGER);"
    "CREATE VIEW v_hidden AS SELECT v FROM hidden;"
    "CREATE TRIGGER account_log AFTER INSERT ON account BEGIN INSERT INTO log SELECT count(*) FROM "
    "hidden; END;"
    "INSERT INTO asset VALUES ('a', 'BTC', 1.5), ('b', 'ETH', 2.5);"
    "INSERT INTO account VALUES (1, 'main'), (2, 'other');"
    "INSERT INTO holding VALUES (1, 1, 5);";
static const char *const HIDDEN_ROWS[] = {"INSERT INTO hidden VALUES (1, 'alpha')",
                                          "INSERT INTO hidden VALUES (2, 'beta'), (3, 'gamma')"};
/* all that no statement may change (the trigger's log is its own) … */
static const char FIXED[] =
    "SELECT (SELECT group_concat(id || v) FROM hidden) || (SELECT group_concat(uid || symbol || "
    "price) FROM asset) || (SELECT group_concat(name || coalesce(sql, '')) FROM sqlite_schema) AS "
    "s";
/* … and what a write may */
static const char WRITABLE[] =
    "SELECT coalesce((SELECT group_concat(uid || quote(s)) FROM account), '') || "
    "coalesce((SELECT group_concat(uid || quote(account) || quote(q)) FROM holding), '') AS s";

static void check(bool condition) {
    if (!condition)
        abort();
}

typedef struct side {
    mseq_database *database;
    mseq_connection *connection;
    char *fixed, *writable; /* as filled */
    mseq_status status;
    mseq_error err;
    mseq_governed_result result;
} side;

static char *state_of(const side *s, const char *sql) {
    mseq_value *rows = NULL;
    check(mseq_connection_execute(s->connection, sql, NULL, &rows, NULL, NULL) == MSEQ_OK);
    const char *text = mseq_object_get_text(mseq_array_get(rows, 0), "s");
    char *copy = strdup(text ? text : "");
    mseq_value_free(rows);
    return copy;
}

static void fill(side *s, size_t which) {
    check(mseq_connection_script(s->connection, CLEAR, NULL) == MSEQ_OK &&
          mseq_connection_script(s->connection, SCHEMA, NULL) == MSEQ_OK &&
          mseq_connection_script(s->connection, HIDDEN_ROWS[which], NULL) == MSEQ_OK);
    free(s->fixed);
    free(s->writable);
    s->fixed = state_of(s, FIXED);
    s->writable = state_of(s, WRITABLE);
}

static void open_side(side *s, size_t which) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = "sqlite://";
    check(mseq_database_open(&options, &s->database, NULL) == MSEQ_OK &&
          mseq_database_connect(s->database, &s->connection, NULL) == MSEQ_OK);
    fill(s, which);
}

static void run_side(side *s, const mseq_governed_statement *statement) {
    s->err = (mseq_error)MSEQ_ERROR_INIT;
    s->result = (mseq_governed_result){.rows = NULL};
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_RESTORE); /* random() gives both the same */
    s->status = mseq_connection_run_governed(s->connection, statement, &s->result, &s->err);
}

static char *rows_of(const side *s) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    check(mseq_json_write(s->result.rows, 0, &buffer, NULL) == MSEQ_OK);
    return mseq_buffer_take(&buffer);
}

static void check_same(const side *a, const side *b, const char *a_state, const char *b_state) {
    check(a->status == b->status && strcmp(a->err.code, b->err.code) == 0 &&
          strcmp(a->err.message, b->err.message) == 0);
    check(strcmp(a_state, b_state) == 0);
    if (a->status != MSEQ_OK)
        return;
    char *left = rows_of(a), *right = rows_of(b);
    check(strcmp(left, right) == 0 && a->result.affected == b->result.affected &&
          a->result.has_more == b->result.has_more);
    free(left);
    free(right);
}

/* Two runs see two moments. */
static bool asks_for_the_time(const mseq_governed_statement *statement) {
    static const char *const words[] = {"now",   "current", "julian", "epoch", "strf", "date(",
                                        "time(", "date (",  "time (", "/*",    "--"};
    char *text = strndup(statement->sql, statement->sql_length);
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        found = found || strcasestr(text, words[i]);
    free(text);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const operations[] = {"select", "insert", "update", "delete", "upsert"};
    static const mseq_governed_table scope[] = {{"asset", MSEQ_ACCESS_READ, NULL},
                                                {"account", MSEQ_ACCESS_WRITE, NULL},
                                                {"holding", MSEQ_ACCESS_WRITE, NULL}};
    static side sides[2];
    if (size < 1 || size > 4096)
        return 0;
    if (!sides[0].database) {
        open_side(&sides[0], 0);
        open_side(&sides[1], 1);
        sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SAVE);
    }
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = operations[data[0] % 5];
    statement.sql = (const char *)data + 1;
    statement.sql_length = size - 1;
    statement.tables = scope;
    statement.table_count = 3;
    statement.max_rows = 20;
    statement.max_bytes = 100000;
    statement.timeout_ms = 300;
    char *after[2];
    for (size_t i = 0; i < 2; i++) {
        run_side(&sides[i], &statement);
        char *fixed = state_of(&sides[i], FIXED);
        after[i] = state_of(&sides[i], WRITABLE);
        check(strcmp(fixed, sides[i].fixed) == 0);
        if (sides[i].status != MSEQ_OK || data[0] % 5 == 0)
            check(strcmp(after[i], sides[i].writable) == 0);
        free(fixed);
    }
    if (sides[0].status != MSEQ_E_TIMEOUT && sides[1].status != MSEQ_E_TIMEOUT &&
        !asks_for_the_time(&statement))
        check_same(&sides[0], &sides[1], after[0], after[1]);
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(after[i], sides[i].writable) != 0)
            fill(&sides[i], i);
        mseq_value_free(sides[i].result.rows);
        free(after[i]);
    }
    return 0;
}
