/* SPDX-License-Identifier: MIT
 * Governed statements on SQLite: kinds, scope, functions, triggers and foreign keys, a schema that
 * changes under a verdict. */
#include "governed_helpers.h"

/* ---- Kinds */

static void test_select(void **state) {
    allow(*state, "select", "SELECT symbol FROM asset WHERE uid = 'a'", "[{\"symbol\": \"BTC\"}]");
    allow(*state, "select", "VALUES (1), (2)", "[{\"column1\": 1}, {\"column1\": 2}]");
    allow(*state, "select", "/* a ; b */ SELECT 1 AS a -- tail ; x\n;", "[{\"a\": 1}]");
    allow(*state, "select", "SELECT ';DELETE FROM account; --' AS s, \"symbol\" FROM asset LIMIT 1",
          "[{\"s\": \";DELETE FROM account; --\", \"symbol\": \"BTC\"}]");
    allow(*state, "select",
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) "
          "SELECT max(i) AS m FROM n",
          "[{\"m\": 3}]");
    allow(*state, "select", "SELECT count(*) AS n FROM main.ASSET", "[{\"n\": 3}]");
    allow(*state, "select", "SELECT value FROM json_each('[1, 2]')",
          "[{\"value\": 1}, {\"value\": 2}]");
}

static void test_kinds(void **state) {
    static const char *const statements[][2] = {
        {"select", "SELECT 1"},
        {"insert", "INSERT INTO account (s) VALUES ('x')"},
        {"update", "UPDATE account SET s = 'y' WHERE uid = 99"},
        {"delete", "WITH d AS (SELECT 99 AS i) DELETE FROM account WHERE uid IN (SELECT i FROM d)"},
        {"upsert", "WITH replace (select_) AS (VALUES (1)) INSERT INTO account (uid, s) SELECT 7, "
                   "'z' FROM replace WHERE true ON CONFLICT (uid) DO UPDATE SET s = excluded.s"},
    };
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            if (i == k)
                allow(*state, statements[i][0], statements[i][1], NULL);
            else
                deny(*state, statements[k][0], statements[i][1], "kind_mismatch");
}

static void test_conflicts(void **state) {
    static const char nothing[] = "INSERT INTO account VALUES (1, 'x') ON CONFLICT DO NOTHING";
    allow(*state, "insert", nothing, "[]");
    allow(*state, "upsert", nothing, "[]");
    allow(*state, "insert", "INSERT OR IGNORE INTO account VALUES (1, 'x')", "[]");
    allow(*state, "insert", "INSERT OR ABORT INTO account VALUES (11, 'eleven')", "[]");
    static const char *const words[] = {"REPLACE", "ROLLBACK", "FAIL"};
    for (size_t i = 0; i < 3; i++) {
        char sql[96];
        snprintf(sql, sizeof sql, "INSERT OR %s INTO account VALUES (1, 'x')", words[i]);
        deny(*state, "insert", sql, "statement_not_allowed");
        deny(*state, "upsert", sql, "statement_not_allowed");
        snprintf(sql, sizeof sql, "UPDATE OR %s account SET s = 'x'", words[i]);
        deny(*state, "update", sql, "statement_not_allowed");
    }
    deny(*state, "insert", "REPLACE INTO account VALUES (1, 'x')", "statement_not_allowed");
    deny(*state, "upsert", "WITH a AS (SELECT 1) REPLACE INTO account VALUES (1, 'x')",
         "statement_not_allowed");
}

static void test_not_statements(void **state) {
    static const char *const texts[] = {
        "PRAGMA user_version",
        "ATTACH 'x' AS y",
        "VACUUM",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "CREATE TABLE x (a)",
        "DROP TABLE account",
        "ALTER TABLE account RENAME TO x",
        "REINDEX",
        "ANALYZE",
        "EXPLAIN SELECT 1",
        "EXPLAIN QUERY PLAN DELETE FROM account",
        "TABLE asset",
        "",
        " ; -- nothing\n;",
        "(SELECT 1)",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        deny(*state, "select", texts[i], "kind_mismatch");
    deny(*state, "select", "WITH a AS (SELECT 1) PRAGMA user_version", "kind_mismatch");
    deny(*state, "select", "SELECT FROM", "invalid_statement");
    deny(*state, "select", "SELECT 1; DELETE FROM account", "multiple_statements");
    deny(*state, "delete", "DELETE FROM account; COMMIT", "multiple_statements");
    deny(*state, "select", "SELECT 1; x", "multiple_statements");
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement nul = governed("select", "SELECT 1");
    nul.sql = "SELECT 1\0; DELETE FROM account";
    nul.sql_length = 30;
    deny_statement(*state, &nul, MSEQ_E_STATEMENT, "statement", &err);
    run(*state, "SELECT count(*) AS n FROM account", NULL, "[{\"n\": 2}]");
}

/* ---- Scope */

static void test_scope_reads(void **state) {
    static const char *const texts[] = {
        "SELECT v FROM hidden",
        "SELECT v FROM HIDDEN",
        "SELECT v FROM \"hidden\"",
        "SELECT v FROM 'hidden'",
        "SELECT v FROM main.hidden",
        "SELECT 1 FROM hidden",
        "SELECT count(*) FROM hidden",
        "SELECT EXISTS (SELECT 1 FROM hidden)",
        "SELECT symbol FROM asset WHERE uid IN hidden",
        "SELECT symbol FROM asset WHERE uid IN (SELECT v FROM hidden)",
        "SELECT symbol FROM asset ORDER BY (SELECT max(v) FROM hidden)",
        "SELECT symbol FROM asset UNION SELECT v FROM hidden",
        "SELECT symbol FROM asset JOIN hidden ON true",
        "SELECT symbol, (SELECT v FROM hidden) FROM asset",
        "WITH c AS (SELECT v FROM hidden) SELECT v FROM c",
        "WITH c AS MATERIALIZED (SELECT v FROM hidden) SELECT 1 FROM c",
        "WITH asset_log AS (SELECT v FROM hidden) SELECT v FROM asset_log",
        "WITH hidden AS (SELECT 1 AS v) SELECT v FROM main.hidden",
        "SELECT v FROM v_hidden",
        "SELECT count(*) FROM v_hidden",
        "SELECT 1 FROM v_asset",
        "SELECT * FROM sqlite_master",
        "SELECT 1 FROM sqlite_schema",
        "SELECT count(*) FROM sqlite_schema",
        "SELECT 1 FROM sqlite_temp_schema",
        "SELECT * FROM pragma_table_list",
        "SELECT count(*) FROM pragma_table_list",
        "SELECT 1 FROM pragma_user_version",
        "SELECT count(*) FROM dbstat",
        "SELECT * FROM dbstat",
        "SELECT * FROM sqlite_stmt",
        "SELECT 1 FROM missing",
        "SELECT v FROM missing",
        "SELECT v FROM main.missing",
    };
    for (int round = 0; round < 2; round++) /* a refusal is not cached as a permission */
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            deny(*state, "select", texts[i], "scope_violation");
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement statement = governed("select", "SELECT v FROM hidden");
    deny_statement(*state, &statement, MSEQ_E_STATEMENT, "scope_violation", &err);
    assert_string_equal(err.message, "table 'hidden' is not in the scope of the statement");
    /* a CTE may have the name of a table out of scope, where it hides it */
    allow(*state, "select", "WITH hidden AS (SELECT 1 AS v) SELECT v FROM hidden", "[{\"v\": 1}]");
    allow(*state, "select", "WITH c AS (SELECT 1 AS v) SELECT 2 AS two FROM c", "[{\"two\": 2}]");
    allow(*state, "select", "WITH c AS MATERIALIZED (SELECT 1 AS v) SELECT count(*) AS n FROM c",
          "[{\"n\": 1}]");
}

static void test_scope_writes(void **state) {
    static const char *const texts[][3] = {
        {"insert", "INSERT INTO asset VALUES ('x', 'x', 1)", "write_not_permitted"},
        {"update", "UPDATE asset SET price = 0", "write_not_permitted"},
        {"delete", "DELETE FROM asset", "write_not_permitted"},
        {"insert", "INSERT INTO hidden VALUES (9, 'x', 1)", "scope_violation"},
        {"update", "UPDATE hidden SET v = ''", "scope_violation"},
        {"delete", "DELETE FROM hidden", "scope_violation"},
        {"insert", "INSERT INTO account (s) SELECT v FROM hidden", "scope_violation"},
        {"insert", "INSERT INTO account (s) VALUES ((SELECT v FROM hidden))", "scope_violation"},
        {"insert", "INSERT INTO account (s) VALUES ('r') RETURNING (SELECT v FROM hidden)",
         "scope_violation"},
        {"upsert",
         "INSERT INTO account VALUES (1, 'm') ON CONFLICT (uid) DO UPDATE SET s = (SELECT v FROM "
         "hidden)",
         "scope_violation"},
        {"update", "UPDATE account SET s = v FROM hidden", "scope_violation"},
        {"update", "UPDATE account SET s = 'x' WHERE uid IN (SELECT account FROM hidden)",
         "scope_violation"},
        /* a child of a foreign key is not readable because its key is checked */
        {"delete", "DELETE FROM account WHERE uid IN (SELECT account FROM hidden)",
         "scope_violation"},
        {"delete", "DELETE FROM account WHERE EXISTS (SELECT 1 FROM hidden)", "scope_violation"},
        {"delete", "DELETE FROM account WHERE (SELECT count(*) FROM v_hidden) > 0",
         "scope_violation"},
        {"insert", "INSERT INTO sqlite_sequence VALUES ('x', 1)", "scope_violation"},
        {"update", "UPDATE sqlite_schema SET sql = ''", "invalid_statement"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        deny(*state, texts[i][0], texts[i][1], texts[i][2]);
    run(*state,
        "SELECT (SELECT count(*) FROM asset) AS a, (SELECT count(*) FROM account) AS b, "
        "(SELECT count(*) FROM hidden) AS c",
        NULL, "[{\"a\": 3, \"b\": 2, \"c\": 1}]");
}

static void test_effects_of_the_schema(void **state) {
    /* a column that has the name of a table: what the foreign key reads is not the author's */
    allow(*state, "insert", "INSERT INTO holding (uid, account, quantity) VALUES (1, 1, 5)", "[]");
    mseq_governed_statement only = governed("insert", "INSERT INTO holding (uid, account) VALUES "
                                                      "(2, 1)");
    only.tables = SCOPE + 2; /* the parent is out of scope */
    only.table_count = 1;
    allow_statement(*state, &only, "[]");
    only.sql = "INSERT INTO holding (uid, account) VALUES (3, 99)";
    only.sql_length = strlen(only.sql);
    mseq_error err = MSEQ_ERROR_INIT;
    deny_statement(*state, &only, MSEQ_E_DATABASE_CONSTRAINT, "foreign_key_violation", &err);
    /* a cascade reaches a table out of scope */
    allow(*state, "update", "UPDATE account SET uid = 3 WHERE uid = 2", "[]");
    run(*state, "SELECT account FROM hidden", NULL, "[{\"account\": 3}]");
    allow(*state, "delete", "DELETE FROM account WHERE uid = 3", "[]");
    run(*state, "SELECT count(*) AS n FROM hidden", NULL, "[{\"n\": 0}]");
    /* and so does a trigger */
    mseq_governed_statement insert =
        governed("insert", "INSERT INTO asset VALUES ('d', 'SOL', 4.5)");
    insert.tables = WRITE_ASSET;
    insert.table_count = 1;
    allow_statement(*state, &insert, "[]");
    run(*state, "SELECT what FROM log", NULL, "[{\"what\": \"SOL0\"}]");
}

static void test_functions(void **state) {
    static const char *const names[] = {
        "load_extension('x')", "readfile('x')",
        "writefile('x', 'y')", "edit('x')",
        "sqlite_version()",    "sqlite_source_id()",
        "fts3_tokenizer('x')", "last_insert_rowid()",
        "changes()",           "total_changes()",
        "sqlite_log(1, 'x')",  "sqlite_offset(1)",
        "missing_function(1)", "sqlite_compileoption_get(1)",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT %s", names[i]);
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_governed_statement statement = governed("select", sql);
        mseq_governed_result result;
        assert_int_equal(mseq_connection_run_governed(*state, &statement, &result, &err),
                         MSEQ_E_STATEMENT);
        if (strcmp(err.code, "function_not_allowed") != 0)
            assert_mentions(err.message, "no such function"); /* of the shell, not of the library */
    }
    allow(
        *state, "select",
        "SELECT lower('A') AS a, count(*) AS n, coalesce(NULL, 1) AS c, row_number() OVER () AS r "
        "FROM (SELECT 1)",
        "[{\"a\": \"a\", \"n\": 1, \"c\": 1, \"r\": 1}]");
    deny(*state, "select", "SELECT zeroblob(1000000000)", "invalid_statement");
}

/* ---- Golden verdicts (made for PostgreSQL): the same here, but for what SQLite cannot parse */

/* Dollar quotes, TABLE, data-modifying CTEs, an upsert that names a column the tables here do not
 * have, DELETE USING. */
static bool not_for_sqlite(int64_t id) {
    static const int64_t ids[] = {8, 10, 17, 19, 21};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void check_verdict(mseq_connection *c, const mseq_value *golden, const char *operation) {
    static const mseq_governed_table scope[] = {{"asset", MSEQ_ACCESS_READ, NULL},
                                                {"account", MSEQ_ACCESS_WRITE, NULL},
                                                {"holding", MSEQ_ACCESS_WRITE, NULL},
                                                {"holding_set", MSEQ_ACCESS_WRITE, NULL}};
    const char *sql = mseq_object_get_text(golden, "sql");
    const char *verdict = mseq_object_get_text(mseq_object_get(golden, "postgresql"), operation);
    mseq_sql_text text;
    if (mseq_sql_from_pyformat(sql, strlen(sql), MSEQ_SQLITE, &text, NULL) != MSEQ_OK) {
        assert_string_equal(verdict, "deny");
        return;
    }
    mseq_value *parameters = mseq_value_array();
    for (size_t i = 0; i < text.names.count; i++)
        assert_int_equal(mseq_array_add(parameters, mseq_value_integer((int64_t)i + 100)), MSEQ_OK);
    mseq_governed_statement s = governed(operation, text.text);
    s.tables = scope;
    s.table_count = 4;
    s.parameters = parameters;
    s.timeout_ms = 300;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_result result = {.rows = NULL};
    mseq_status status = mseq_connection_run_governed(c, &s, &result, &err);
    bool ran = status == MSEQ_OK || status == MSEQ_E_TIMEOUT ||
               status == MSEQ_E_DATABASE_CONSTRAINT; /* it was let through */
    if (ran != (strcmp(verdict, "allow") == 0))
        fail_msg("%s, expected %s: %s [%s] %s", operation, verdict, sql, err.code, err.message);
    mseq_value_free(result.rows);
    mseq_value_free(parameters);
    mseq_sql_text_free(&text);
}

static void test_golden_verdicts(void **state) {
    static const char *const operations[] = {"select", "insert", "update", "delete", "upsert"};
    run_script(*state,
               "DROP VIEW v_hidden; DROP VIEW v_asset; DROP TABLE hidden; DROP TABLE holding;"
               "CREATE TABLE hidden (id, v); CREATE VIEW v_hidden AS SELECT v FROM hidden;"
               "CREATE TABLE holding (uid INTEGER PRIMARY KEY, set_uid, q, account_uid);"
               "CREATE TABLE holding_set (uid INTEGER PRIMARY KEY, s)");
    mseq_value *golden = json_of_file(MSEQ_SPEC_DIR "/golden/governance.json");
    const mseq_value *cases = mseq_object_get(golden, "cases");
    assert_true(mseq_value_length(cases) > 50);
    for (size_t i = 0; i < mseq_value_length(cases); i++)
        for (size_t k = 0; k < 5; k++)
            if (!not_for_sqlite(mseq_object_get_integer(mseq_array_get(cases, i), "id", 0)))
                check_verdict(*state, mseq_array_get(cases, i), operations[k]);
    mseq_value_free(golden);
}

/* ---- Verdicts and the cache */

static void test_scopes_do_not_share_verdicts(void **state) {
    static const mseq_governed_table all[] = {{"asset", MSEQ_ACCESS_READ, NULL},
                                              {"hidden", MSEQ_ACCESS_WRITE, NULL}};
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement wide = governed("select", "SELECT v FROM hidden");
    wide.tables = all;
    wide.table_count = 2;
    allow_statement(*state, &wide, "[{\"v\": \"secret\"}]");
    deny(*state, "select", "SELECT v FROM hidden", "scope_violation");
    wide.table_count = 1;
    deny_statement(*state, &wide, MSEQ_E_STATEMENT, "scope_violation", &err);
    wide.table_count = 0;
    mseq_error_clear(&err);
    deny_statement(*state, &wide, MSEQ_E_STATEMENT, "scope_violation", &err);
    mseq_governed_statement writes = governed("update", "UPDATE hidden SET v = 'x'");
    mseq_governed_table one = {"hidden", MSEQ_ACCESS_WRITE, NULL};
    writes.tables = &one;
    writes.table_count = 1;
    allow_statement(*state, &writes, "[]");
    one.access = MSEQ_ACCESS_READ;
    mseq_error_clear(&err);
    deny_statement(*state, &writes, MSEQ_E_STATEMENT, "write_not_permitted", &err);
    /* the operation belongs to the key too */
    deny(*state, "insert", "SELECT symbol FROM asset", "kind_mismatch");
    allow(*state, "select", "SELECT symbol FROM asset LIMIT 1", NULL);
    deny(*state, "upsert", "SELECT symbol FROM asset LIMIT 1", "kind_mismatch");
}

/* A verdict ends with the schema it was made for. */
static void test_schema_changes(void **state) {
    const char *sql = "SELECT symbol FROM asset ORDER BY uid LIMIT 1";
    allow(*state, "select", sql, "[{\"symbol\": \"BTC\"}]");
    run_script(*state,
               "ALTER TABLE asset RENAME TO moved; CREATE VIEW asset AS SELECT v AS symbol, "
               "id AS uid FROM hidden");
    deny(*state, "select", sql, "scope_violation"); /* it is a view over hidden now */
    run_script(*state, "DROP VIEW asset; ALTER TABLE moved RENAME TO asset");
    allow(*state, "select", sql, "[{\"symbol\": \"BTC\"}]");
    run_script(*state, "ALTER TABLE asset ADD COLUMN extra INT DEFAULT 4");
    allow(*state, "select", "SELECT * FROM asset WHERE uid = 'a'",
          "[{\"uid\": \"a\", \"symbol\": \"BTC\", \"price\": 1.5, \"extra\": 4}]");
    run_script(*state, "ALTER TABLE asset DROP COLUMN extra");
    allow(*state, "select", "SELECT * FROM asset WHERE uid = 'a'",
          "[{\"uid\": \"a\", \"symbol\": \"BTC\", \"price\": 1.5}]");
    /* under a write with rows */
    const char *insert = "INSERT INTO account (s) VALUES ('n') RETURNING s";
    allow(*state, "insert", insert, "[{\"s\": \"n\"}]");
    run_script(*state, "DELETE FROM account WHERE s = 'n'; CREATE INDEX i ON account (s, uid)");
    allow(*state, "insert", insert, "[{\"s\": \"n\"}]");
    run_script(*state, "DROP TABLE holding; DROP TABLE hidden; DROP TABLE account");
    deny(*state, "insert", insert, "invalid_statement");
}

/* Settings of governed statements do not reach the ordinary ones of the connection. */
static void test_ordinary_statements_are_free(void **state) {
    allow(*state, "select", "SELECT 1", NULL);
    run(*state, "SELECT v FROM v_hidden", NULL, "[{\"v\": \"secret\"}]");
    run(*state, "CREATE TABLE more (a)", NULL, NULL);
    run(*state, "SELECT sqlite_version() IS NOT NULL AS v", NULL, "[{\"v\": 1}]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DATABASE(test_select),
        WITH_DATABASE(test_kinds),
        WITH_DATABASE(test_conflicts),
        WITH_DATABASE(test_not_statements),
        WITH_DATABASE(test_scope_reads),
        WITH_DATABASE(test_scope_writes),
        WITH_DATABASE(test_effects_of_the_schema),
        WITH_DATABASE(test_functions),
        WITH_DATABASE(test_golden_verdicts),
        WITH_DATABASE(test_scopes_do_not_share_verdicts),
        WITH_DATABASE(test_schema_changes),
        WITH_DATABASE(test_ordinary_statements_are_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
