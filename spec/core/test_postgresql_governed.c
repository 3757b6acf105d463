/* SPDX-License-Identifier: MIT
 * Governed statements on PostgreSQL, on a private server. */
#include <pthread.h>

#include "postgresql_helpers.h"

/* A value from JSON with ' in place of " and ` in place of '. */
static mseq_value *document(const char *text) {
    char *quoted = strdup(text);
    for (char *c = quoted; *c; c++)
        if (*c == '\'' || *c == '`')
            *c = *c == '`' ? '\'' : '"';
    mseq_value *value = json(quoted);
    free(quoted);
    return value;
}

static void assert_document(const mseq_value *value, const char *expected) {
    mseq_value *wanted = document(expected);
    char *left = text_of(value), *right = text_of(wanted);
    assert_string_equal(left, right);
    free(left);
    free(right);
    mseq_value_free(wanted);
}

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

static mseq_governed_statement governed(const char *operation, const char *sql) {
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
static void allowed(const mseq_governed_statement *statement, const char *rows) {
    mseq_governed_result result = {.rows = NULL};
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_run_governed(connection, statement, &result, &err) != MSEQ_OK)
        fail_msg("%s: %s (%s)", statement->sql, err.message, err.code);
    if (rows)
        assert_document(result.rows, rows);
    mseq_value_free(result.rows);
}

static void allow(const char *operation, const char *sql, const char *rows) {
    mseq_governed_statement statement = governed(operation, sql);
    allowed(&statement, rows);
}

static void denied(const mseq_governed_statement *statement, mseq_status status, const char *code,
                   mseq_error *err) {
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

static mseq_error deny(const char *operation, const char *sql, mseq_status status,
                       const char *code) {
    mseq_governed_statement statement = governed(operation, sql);
    mseq_error err = MSEQ_ERROR_INIT;
    denied(&statement, status, code, &err);
    return err;
}

static void script(const char *sql) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(other, sql, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
}

/* The first value of the first row as text. */
static const char *ask(const char *sql) {
    static char text[128];
    mseq_value *rows = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_execute(other, sql, NULL, &rows, NULL, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
    const mseq_value *value = mseq_object_value_at(mseq_array_get(rows, 0), 0);
    if (mseq_value_kind(value) == MSEQ_INTEGER)
        snprintf(text, sizeof text, "%lld", (long long)mseq_value_get_integer(value, 0));
    else
        snprintf(text, sizeof text, "%s",
                 mseq_value_get_text(value) ? mseq_value_get_text(value) : "");
    mseq_value_free(rows);
    return text;
}

/* ---- Selects -----------------------------------------------------------------------------------
 */

static void selects(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) { /* by the cursor, then as the prepared statement */
        allow("select", "SELECT symbol FROM asset WHERE uid < 3 ORDER BY uid",
              "[{'symbol': 's1'}, {'symbol': 's2'}]");
        allow("select", "; /* x */ SELECT 1 AS n;;", "[{'n': 1}]");
        allow("select", "TABLE account ORDER BY uid LIMIT 1",
              "[{'uid': 1, 's': 'a', 'asset_uid': 1}]");
        allow("select", "VALUES (1, 'x')", "[{'column1': 1, 'column2': 'x'}]");
        allow("select", "SELECT symbol FROM asset WHERE uid < 0", "[]");
    }
    deny("select", "SELECT v FROM hidden", MSEQ_E_STATEMENT, "scope_violation");
    deny("select", "SELECT * FROM v_hidden", MSEQ_E_STATEMENT, "scope_violation");
    deny("select", "SELECT nothing FROM asset", MSEQ_E_STATEMENT, "invalid_statement");
    deny("select", "SELECT 1 / (uid - 1) FROM asset", MSEQ_E_STATEMENT, "invalid_value");
}

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
    assert_string_equal(ask("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                            "query LIKE '%generate_series(1, 100000000) a%' AND pid <> "
                            "pg_backend_pid()"),
                        "0");
}

/* ---- Writes ------------------------------------------------------------------------------------
 */

static void writes(void **state) {
    mseq_governed_result result = {.rows = NULL};
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    mseq_governed_statement statement =
        governed("insert", "INSERT INTO account (uid, s) VALUES (10, 'x'), (11, 'y')");
    assert_int_equal(mseq_connection_run_governed(connection, &statement, &result, &err), MSEQ_OK);
    assert_int_equal(result.affected, 2);
    assert_false(result.has_rows);
    mseq_value_free(result.rows);
    allow("insert", "INSERT INTO account (uid, s) VALUES (12, 'z') RETURNING uid, s",
          "[{'uid': 12, 's': 'z'}]");
    allow("update", "UPDATE account SET s = 'q' WHERE uid = 12 RETURNING s", "[{'s': 'q'}]");
    allow("upsert",
          "INSERT INTO account (uid, s) VALUES (12, 'r') ON CONFLICT (uid) DO UPDATE "
          "SET s = excluded.s RETURNING s",
          "[{'s': 'r'}]");
    allow("upsert",
          "WITH hs AS (INSERT INTO holding_set (uid) VALUES (1) ON CONFLICT (uid) DO "
          "UPDATE SET uid = excluded.uid WHERE true RETURNING uid), del AS (DELETE FROM "
          "holding h USING hs WHERE h.set_uid = hs.uid RETURNING 1), gate AS (SELECT "
          "count(*) AS n FROM del) INSERT INTO holding (set_uid, q) SELECT hs.uid, 1.5 "
          "FROM hs, gate WHERE gate.n >= 0 RETURNING set_uid, q",
          "[{'set_uid': 1, 'q': 1.5}]");
    allow("delete", "DELETE FROM account WHERE uid >= 10 RETURNING uid",
          "[{'uid': 10}, {'uid': 11}, {'uid': 12}]");
    deny("update", "UPDATE asset SET symbol = 'x'", MSEQ_E_STATEMENT, "write_not_permitted");
    assert_string_equal(ask("SELECT count(*) FROM account"), "2");
    assert_string_equal(ask("SELECT symbol FROM asset WHERE uid = 1"), "s1");
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
    assert_string_equal(ask("SELECT count(*) FROM holding_set WHERE uid >= 100"), "0");
    statement.max_rows = 50;
    allowed(&statement, NULL);
    assert_string_equal(ask("SELECT count(*) FROM holding_set WHERE uid >= 100"), "50");
    script("DELETE FROM holding_set WHERE uid >= 100");
}

/* ---- Confirmation ------------------------------------------------------------------------------
 */

static mseq_status say_no(void *data, mseq_error *err) {
    assert_ptr_equal(data, &database);
    return mseq_error_set(err, MSEQ_E_PERMISSION, "not any more");
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
    assert_string_equal(ask("SELECT count(*) FROM account WHERE uid = 20"), "0");
    statement.confirm = say_yes;
    statement.confirm_data = &asked;
    allowed(&statement, NULL);
    assert_int_equal(asked, 1);
    assert_string_equal(ask("SELECT count(*) FROM account WHERE uid = 20"), "1");
    statement = governed("select", "SELECT uid FROM account WHERE uid = 20");
    statement.confirm = say_no;
    statement.confirm_data = &database;
    denied(&statement, MSEQ_E_PERMISSION, "permission", &err);
    script("DELETE FROM account WHERE uid = 20");
}

/* ---- What the database alone knows (F1 to F13) -------------------------------------------------
 */

static void effects(void **state) {
    (void)state;
    /* F1: a cascade is authorised by the foreign key */
    script("INSERT INTO child VALUES (1, 1, NULL)");
    allow("delete", "DELETE FROM account WHERE uid = 1", NULL);
    assert_string_equal(ask("SELECT count(*) FROM child"), "0");
    script("INSERT INTO account VALUES (1, 'a', 1)");
    /* F4: a trigger with its owner's rights */
    script("CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
           "$$BEGIN INSERT INTO hidden VALUES (2, 'x'); RETURN NEW; END$$;"
           "CREATE TRIGGER spying BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION spy()");
    deny("insert", "INSERT INTO account (uid) VALUES (30)", MSEQ_E_STATEMENT,
         "relation_not_allowed");
    allow("select", "SELECT s FROM account WHERE uid = 1", "[{'s': 'a'}]");
    script("DROP TRIGGER spying ON account; DROP FUNCTION spy()");
    allow("insert", "INSERT INTO account (uid) VALUES (30)", NULL);
    allow("delete", "DELETE FROM account WHERE uid = 30", NULL);
    /* F5: rules */
    script("CREATE RULE spy AS ON UPDATE TO holding_set DO ALSO INSERT INTO hidden VALUES (3)");
    deny("update", "UPDATE holding_set SET uid = 8 WHERE uid = 7", MSEQ_E_STATEMENT,
         "relation_not_allowed");
    deny("select", "SELECT * FROM holding_set", MSEQ_E_STATEMENT, "relation_not_allowed");
    script("DROP RULE spy ON holding_set");
    /* F7: a default that runs code */
    script("CREATE FUNCTION roll() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 4';"
           "ALTER TABLE holding ALTER h SET DEFAULT roll()");
    deny("insert", "INSERT INTO holding (q) VALUES (1)", MSEQ_E_STATEMENT, "relation_not_allowed");
    script("ALTER TABLE holding ALTER h DROP DEFAULT");
    /* F13: a function of the database's own with a name of PostgreSQL's */
    script("CREATE FUNCTION lower(int) RETURNS text LANGUAGE sql AS 'SELECT v FROM hidden'");
    deny("select", "SELECT lower(1)", MSEQ_E_STATEMENT, "function_not_allowed");
    script("DROP FUNCTION lower(int); DROP FUNCTION roll()");
    /* a call in the form of a column */
    script("CREATE FUNCTION leak(asset) RETURNS text LANGUAGE sql SECURITY DEFINER AS "
           "'SELECT v FROM hidden'");
    deny("select", "SELECT a.leak FROM asset a LIMIT 1", MSEQ_E_STATEMENT, "function_not_allowed");
    script("DROP FUNCTION leak(asset)");
    /* F12 */
    script("CREATE FUNCTION plus(int, text) RETURNS text LANGUAGE sql AS 'SELECT v FROM hidden';"
           "CREATE OPERATOR + (LEFTARG = int, RIGHTARG = text, FUNCTION = plus)");
    deny("select", "SELECT 1 + 'a'::text", MSEQ_E_STATEMENT, "operator_not_allowed");
    script("DROP OPERATOR + (int, text); DROP FUNCTION plus(int, text)");
}

/* F6, F9, F11 */
static void kinds_of_tables(void **state) {
    static const mseq_governed_table scope[] = {{"v_asset", MSEQ_ACCESS_WRITE, NULL},
                                                {"split", MSEQ_ACCESS_WRITE, NULL},
                                                {"far", MSEQ_ACCESS_READ, NULL},
                                                {"asset", MSEQ_ACCESS_READ, "other_schema"}};
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    script("CREATE TABLE split (k int) PARTITION BY LIST (k);"
           "CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1);"
           "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;"
           "CREATE FOREIGN TABLE far (line text) SERVER s OPTIONS (filename '/etc/passwd')");
    mseq_governed_statement statement =
        governed("select", "SELECT symbol FROM v_asset WHERE uid = 1");
    statement.tables = scope;
    statement.table_count = 4;
    allowed(&statement, "[{'symbol': 's1'}]");
    statement.sql = "SELECT * FROM other_schema.asset";
    statement.sql_length = strlen(statement.sql);
    allowed(&statement, "[]");
    statement.sql = "SELECT * FROM far";
    statement.sql_length = strlen(statement.sql);
    denied(&statement, MSEQ_E_STATEMENT, "relation_not_allowed", &err);
    statement.operation = "update";
    statement.sql = "UPDATE v_asset SET symbol = 'x'";
    statement.sql_length = strlen(statement.sql);
    denied(&statement, MSEQ_E_STATEMENT, "relation_not_allowed", &err);
    statement.operation = "insert";
    statement.sql = "INSERT INTO split VALUES (1)";
    statement.sql_length = strlen(statement.sql);
    allowed(&statement, NULL);
    assert_string_equal(ask("SELECT count(*) FROM split_1"), "1");
    script("DROP TABLE split; DROP EXTENSION file_fdw CASCADE");
}

/* F14: constraints of tables outside the scope are not told. */
static void constraints(void **state) {
    (void)state;
    script("INSERT INTO child VALUES (5, NULL, 7)");
    mseq_error err = deny("delete", "DELETE FROM holding_set WHERE uid = 7",
                          MSEQ_E_DATABASE_CONSTRAINT, "foreign_key_violation");
    assert_null(strstr(err.message, "child"));
    assert_string_equal(err.detail, "");
    assert_string_equal(err.sqlstate, "23503");
    err = deny("insert", "INSERT INTO account (uid) VALUES (1)", MSEQ_E_DATABASE_CONSTRAINT,
               "unique_violation");
    assert_non_null(strstr(err.message, "'account_pkey' of table 'account'"));
    err = deny("insert", "INSERT INTO account (s) VALUES ('x')", MSEQ_E_DATABASE_CONSTRAINT,
               "database_constraint");
    assert_non_null(strstr(err.message, "column 'uid' of table 'account'"));
    script("DELETE FROM child");
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

/* ---- Statements that are kept ------------------------------------------------------------------
 */

static void changing_tables(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++)
        allow("select", "SELECT * FROM account WHERE uid = 2",
              "[{'uid': 2, 's': 'b', 'asset_uid': 2}]");
    script("ALTER TABLE account ADD extra int DEFAULT 4");
    allow("select", "SELECT * FROM account WHERE uid = 2",
          "[{'uid': 2, 's': 'b', 'asset_uid': 2, 'extra': 4}]");
    script("ALTER TABLE account DROP extra");
    allow("select", "SELECT * FROM account WHERE uid = 2",
          "[{'uid': 2, 's': 'b', 'asset_uid': 2}]");
    script("ALTER TABLE account RENAME TO moved");
    deny("select", "SELECT * FROM account WHERE uid = 2", MSEQ_E_STATEMENT, "invalid_statement");
    script("ALTER TABLE moved RENAME TO account");
    allow("select", "SELECT * FROM account WHERE uid = 2",
          "[{'uid': 2, 's': 'b', 'asset_uid': 2}]");
}

/* A verdict is of one operation and scope. */
static void scopes(void **state) {
    static const mseq_governed_table all[] = {{"hidden", MSEQ_ACCESS_WRITE, NULL}};
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    mseq_governed_statement statement = governed("select", "SELECT v FROM hidden");
    statement.tables = all;
    statement.table_count = 1;
    allowed(&statement, "[{'v': 'secret'}]");
    deny("select", "SELECT v FROM hidden", MSEQ_E_STATEMENT, "scope_violation");
    statement.operation = "update";
    denied(&statement, MSEQ_E_STATEMENT, "kind_mismatch", &err);
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

/* ---- Values ------------------------------------------------------------------------------------
 */

static void values(void **state) {
    static const char *const types[] = {
        "uuid", "date", "timestamp with time zone", NULL, "numeric", NULL, NULL, NULL, NULL};
    (void)state;
    mseq_value *parameters =
        document("['6f9619ff-8b86-d011-b42d-00c04fc964ff', '2024-02-29', "
                 "'2024-02-29T10:00:00+02:00', 9223372036854775807, '12345678901234567.89', true, "
                 "[1, 2], {'a': [1, null]}, null]");
    mseq_governed_statement statement =
        governed("select", "SELECT $1 AS u, $2 AS d, $3 AS t, $4 AS i, $5 AS n, $6 AS b, "
                           "$7::int[] AS l, $8::jsonb AS j, $9::text AS x, '\\x00ff'::bytea AS y, "
                           "ARRAY['\\x01'::bytea] AS ys, '{\"$bytes\": \"AA==\"}'::jsonb AS z, "
                           "interval '1 day' AS v, time '10:00' AS c");
    statement.parameters = parameters;
    statement.parameter_types = types;
    for (int i = 0; i < 2; i++)
        allowed(&statement,
                "[{'u': '6f9619ff-8b86-d011-b42d-00c04fc964ff', 'd': '2024-02-29', "
                "'t': '2024-02-29T08:00:00.000000Z', 'i': 9223372036854775807, "
                "'n': '12345678901234567.89', 'b': true, 'l': [1, 2], 'j': {'a': [1, null]}, "
                "'x': null, 'y': 'AP8=', 'ys': ['AQ=='], 'z': {'$bytes': 'AA=='}, 'v': 'P1D', "
                "'c': '10:00:00'}]");
    mseq_value_free(parameters);
}

/* ---- Golden ------------------------------------------------------------------------------------
 */

static void golden_case(const mseq_value *item) {
    const char *given = mseq_object_get_text(item, "sql");
    const mseq_value *verdicts = mseq_object_get(item, "postgresql");
    mseq_sql_text text = {.text = NULL};
    mseq_value *parameters = mseq_value_array();
    given = strcmp(given, "(empty)") == 0 ? "" : given;
    assert_int_equal(mseq_sql_from_pyformat(given, strlen(given), MSEQ_POSTGRESQL, &text, NULL),
                     MSEQ_OK);
    for (size_t i = 0; i < text.names.count; i++)
        assert_int_equal(mseq_array_add(parameters, mseq_value_null()), MSEQ_OK);
    for (size_t k = 0; k < mseq_value_length(verdicts); k++) {
        mseq_governed_statement statement = governed(mseq_object_key_at(verdicts, k), text.text);
        bool allows = strcmp(mseq_value_get_text(mseq_object_value_at(verdicts, k)), "allow") == 0;
        mseq_governed_result result = {.rows = NULL};
        mseq_error err = MSEQ_ERROR_INIT;
        statement.timeout_ms = 200;
        statement.parameters = parameters;
        statement.confirm = say_no; /* nothing is kept */
        statement.confirm_data = &database;
        mseq_status status = mseq_connection_run_governed(connection, &statement, &result, &err);
        bool refused = status == MSEQ_E_STATEMENT && strcmp(err.code, "invalid_value") != 0;
        if (status == MSEQ_OK || refused == allows)
            fail_msg("%s under %s: %s (%s)", given, statement.operation, err.message, err.code);
        mseq_value_free(result.rows);
        mseq_connection_release(connection);
        connection = connect_to(database);
    }
    mseq_value_free(parameters);
    mseq_sql_text_free(&text);
}

static void golden(void **state) {
    FILE *file = fopen(MSEQ_SPEC_DIR "/golden/governance.json", "rb");
    mseq_buffer content = MSEQ_BUFFER_INIT;
    mseq_value *data = NULL;
    char part[4096];
    (void)state;
    assert_non_null(file);
    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;)
        mseq_buffer_append(&content, part, got);
    fclose(file);
    assert_int_equal(mseq_json_parse(content.data, content.length, 0, &data, NULL), MSEQ_OK);
    const mseq_value *cases = mseq_object_get(data, "cases");
    for (size_t i = 0; i < mseq_value_length(cases); i++)
        golden_case(mseq_array_get(cases, i));
    mseq_value_free(data);
    mseq_buffer_free(&content);
}

/* ---- The program -------------------------------------------------------------------------------
 */

static int start(void **state) {
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

static int stop(void **state) {
    (void)state;
    mseq_connection_release(connection);
    mseq_connection_release(other);
    mseq_database_close(database);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects),         cmocka_unit_test(pages),
        cmocka_unit_test(few_then_many),   cmocka_unit_test(huge_values),
        cmocka_unit_test(limits),          cmocka_unit_test(cancellation),
        cmocka_unit_test(writes),          cmocka_unit_test(too_many_returned),
        cmocka_unit_test(confirmation),    cmocka_unit_test(effects),
        cmocka_unit_test(kinds_of_tables), cmocka_unit_test(constraints),
        cmocka_unit_test(locks),           cmocka_unit_test(changing_tables),
        cmocka_unit_test(scopes),          cmocka_unit_test(resets),
        cmocka_unit_test(values),          cmocka_unit_test(golden),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
