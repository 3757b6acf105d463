/* SPDX-License-Identifier: MIT
 * Governed statements on PostgreSQL, on a private server: selects, writes and their effects, kinds
 * of tables, scopes, values, verdicts. */
#include "postgresql_governed_helpers.h"

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
    expect_answer("SELECT count(*) FROM account", "2");
    expect_answer("SELECT symbol FROM asset WHERE uid = 1", "s1");
}

/* ---- What the database alone knows (F1 to F13) -------------------------------------------------
 */

static void effects(void **state) {
    (void)state;
    /* F1: a cascade is authorised by the foreign key */
    script("INSERT INTO child VALUES (1, 1, NULL)");
    allow("delete", "DELETE FROM account WHERE uid = 1", NULL);
    expect_answer("SELECT count(*) FROM child", "0");
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
    expect_answer("SELECT count(*) FROM split_1", "1");
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
    mseq_value *data = json_of_file(MSEQ_SPEC_DIR "/golden/governance.json");
    (void)state;
    const mseq_value *cases = mseq_object_get(data, "cases");
    for (size_t i = 0; i < mseq_value_length(cases); i++)
        golden_case(mseq_array_get(cases, i));
    mseq_value_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects),     cmocka_unit_test(writes),
        cmocka_unit_test(effects),     cmocka_unit_test(kinds_of_tables),
        cmocka_unit_test(constraints), cmocka_unit_test(changing_tables),
        cmocka_unit_test(scopes),      cmocka_unit_test(values),
        cmocka_unit_test(golden),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
