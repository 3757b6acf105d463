/* SPDX-License-Identifier: MIT
 * Reflection on SQLite: what PRAGMAs say, what only the text says, and tables that are odd. The
 * golden cases are in the golden runner (suite `reflection`). */
#include "database_helpers.h"

static int open_memory(void **state) {
    mseq_database *database = open_uri("sqlite://");
    *state = connect_to(database);
    mseq_database_close(database); /* the connection keeps it */
    return 0;
}

static int close_memory(void **state) {
    mseq_connection_release(*state);
    return 0;
}

static mseq_table *reflect(mseq_connection *c, const char *name) {
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_reflect_table(c, NULL, name, &table, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    assert_false(mseq_connection_in_transaction(c));
    return table;
}

/* Compares a member of the table's description with JSON text; "null" when it is absent. */
static void check(const mseq_table *table, const char *member, const char *expected) {
    mseq_value *description = NULL;
    assert_int_equal(mseq_table_describe(table, &description, NULL), MSEQ_OK);
    char *text = text_of(mseq_object_get(description, member));
    assert_string_equal(text, expected);
    free(text);
    mseq_value_free(description);
}

static void test_constraints(void **state) {
    run_script(
        *state,
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, a, b, UNIQUE (a, b));"
        "CREATE TABLE t (\n"
        "  id INTEGER NOT NULL CONSTRAINT t_pk PRIMARY KEY ASC ON CONFLICT ABORT, -- key\n"
        "  a INT CONSTRAINT a_pos CHECK (a > 0 -- positive\n) CONSTRAINT a_uq UNIQUE,\n"
        "  b VARCHAR(10) COLLATE NOCASE CHECK (b <> ')' AND b <> '--'),\n"
        "  c INT CONSTRAINT c_fk REFERENCES parent ON DELETE SET NULL NOT DEFERRABLE,\n"
        "  d INT NOT NULL DEFAULT (1 + 2) REFERENCES parent (id) MATCH FULL "
        "    DEFERRABLE INITIALLY DEFERRED,\n"
        "  CONSTRAINT \"the key\" FOREIGN KEY (A, \"b\") REFERENCES parent (a, b) ON UPDATE\n"
        "    CASCADE ON DELETE NO ACTION CHECK ((a + d) < 9) -- no comma before\n"
        "  , UNIQUE (B COLLATE BINARY DESC, d) ON CONFLICT IGNORE\n"
        ")");
    mseq_table *table = reflect(*state, "T"); /* any case finds it */
    assert_string_equal(mseq_table_name(table), "t");
    check(table, "primary_key",
          "{\"name\": \"t_pk\", \"name_final\": true, \"columns\": [\"id\"]}");
    check(table, "unique_constraints",
          "[{\"name\": \"a_uq\", \"name_final\": true, \"columns\": [\"a\"]}, "
          "{\"columns\": [\"b\", \"d\"]}]");
    check(table, "check_constraints",
          "[{\"name\": \"a_pos\", \"name_final\": true, \"sqltext\": \"a > 0\"}, "
          "{\"sqltext\": \"b <> ')' AND b <> '--'\"}, {\"sqltext\": \"(a + d) < 9\"}]");
    check(table, "foreign_keys",
          "[{\"name\": \"c_fk\", \"name_final\": true, \"columns\": [\"c\"], "
          "\"referred_table\": \"parent\", \"referred_columns\": [\"id\"], "
          "\"ondelete\": \"SET NULL\", \"deferrable\": false}, "
          "{\"columns\": [\"d\"], \"referred_table\": \"parent\", \"referred_columns\": [\"id\"], "
          "\"deferrable\": true, \"initially\": \"DEFERRED\", \"match\": \"FULL\"}, "
          "{\"name\": \"the key\", \"name_final\": true, \"columns\": [\"a\", \"b\"], "
          "\"referred_table\": \"parent\", \"referred_columns\": [\"a\", \"b\"], "
          "\"onupdate\": \"CASCADE\"}]");
    const mseq_column *b = mseq_table_column(table, "b"), *d = mseq_table_column(table, "d");
    assert_string_equal(b->type->name, "VARCHAR");
    assert_int_equal(b->type->length, 10);
    assert_string_equal(b->type->collation, "NOCASE");
    assert_false(d->nullable);
    assert_int_equal(d->server_default.kind, MSEQ_DEFAULT_TEXT);
    assert_string_equal(d->server_default.text, "1 + 2");
    mseq_table_free(table);
}

static void test_options(void **state) {
    run_script(*state, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);"
                       "CREATE TABLE b (id INTEGER, PRIMARY KEY (id AUTOINCREMENT));"
                       "CREATE TABLE c (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;");
    mseq_table *a = reflect(*state, "a"), *b = reflect(*state, "b"), *c = reflect(*state, "c");
    check(a, "sqlite", "{\"autoincrement\": true}");
    check(b, "sqlite", "{\"autoincrement\": true}");
    check(c, "sqlite", "{\"strict\": true, \"with_rowid\": false}");
    check(c, "columns",
          "[{\"name\": \"id\", \"type\": {\"name\": \"TEXT\"}, \"nullable\": false, "
          "\"primary_key\": true}]");
    mseq_table_free(a);
    mseq_table_free(b);
    mseq_table_free(c);
}

static void test_indexes(void **state) {
    run_script(
        *state,
        "CREATE TABLE t (\"A b\" INT, c TEXT, d INT);"
        "CREATE UNIQUE INDEX \"i 1\" ON t (\"a B\", 'c') -- plain\n;"
        "CREATE INDEX IF NOT EXISTS main.i2 ON t (lower(c) DESC, d + (1 * 2), c COLLATE NOCASE) "
        "WHERE d IS NOT NULL AND c <> ';' -- partial\n;"
        "CREATE INDEX i3 ON t (c DESC, d ASC)");
    mseq_table *table = reflect(*state, "t");
    check(table, "indexes",
          "[{\"name\": \"i 1\", \"name_final\": true, \"columns\": [\"A b\", \"c\"], "
          "\"unique\": true}, "
          "{\"name\": \"i2\", \"name_final\": true, \"expressions\": [{\"text\": \"lower(c)\", "
          "\"order\": \"desc\"}, {\"text\": \"d + (1 * 2)\"}, {\"text\": \"c COLLATE NOCASE\"}], "
          "\"sqlite\": {\"where\": \"d IS NOT NULL AND c <> ';'\"}}, "
          "{\"name\": \"i3\", \"name_final\": true, \"expressions\": [{\"column\": \"c\", "
          "\"order\": \"desc\"}, \"d\"]}]");
    mseq_table_free(table);
}

static void test_columns(void **state) {
    run_script(*state,
               "CREATE TABLE t (a INT, b UUID, c \"weird-type\", d TINYINT(1), e VARCHAR (5), "
               "f INT GENERATED ALWAYS AS (a * (2 + 1)) STORED NOT NULL, "
               "g TEXT AS (lower(')')) CHECK (g <> ''), h TEXT DEFAULT ('a' || 'b'), "
               "i INT DEFAULT ((1) + (2)), j TEXT DEFAULT 'x:y\\:z', k)");
    mseq_table *table = reflect(*state, "t");
    check(table, "columns",
          "[{\"name\": \"a\", \"type\": {\"name\": \"INTEGER\"}, \"nullable\": true}, "
          "{\"name\": \"b\", \"type\": {\"name\": \"NUMERIC\"}, \"nullable\": true, "
          "\"info\": {\"declared_type\": \"UUID\"}}, "
          "{\"name\": \"c\", \"type\": {\"name\": \"NUMERIC\"}, \"nullable\": true, "
          "\"info\": {\"declared_type\": \"weird-type\"}}, "
          "{\"name\": \"d\", \"type\": {\"name\": \"INTEGER\"}, \"nullable\": true, "
          "\"info\": {\"declared_type\": \"TINYINT(1)\"}}, "
          "{\"name\": \"e\", \"type\": {\"name\": \"VARCHAR\", \"args\": {\"length\": 5}}, "
          "\"nullable\": true}, "
          "{\"name\": \"f\", \"type\": {\"name\": \"INTEGER\"}, \"nullable\": false, "
          "\"computed\": {\"persisted\": true, \"sqltext\": \"a * (2 + 1)\"}}, "
          "{\"name\": \"g\", \"type\": {\"name\": \"TEXT\"}, \"nullable\": true, "
          "\"computed\": {\"persisted\": false, \"sqltext\": \"lower(')')\"}}, "
          "{\"name\": \"h\", \"type\": {\"name\": \"TEXT\"}, \"nullable\": true, "
          "\"server_default\": {\"text\": \"('a' || 'b')\"}}, "
          "{\"name\": \"i\", \"type\": {\"name\": \"INTEGER\"}, \"nullable\": true, "
          "\"server_default\": {\"text\": \"((1) + (2))\"}}, "
          "{\"name\": \"j\", \"type\": {\"name\": \"TEXT\"}, \"nullable\": true, "
          "\"server_default\": {\"text\": \"'x:y\\\\\\\\:z'\"}}, "
          "{\"name\": \"k\", \"type\": {\"name\": \"NullType\"}, \"nullable\": true, "
          "\"info\": {\"declared_type\": \"\"}}]");
    check(table, "check_constraints", "[{\"sqltext\": \"g <> ''\"}]");
    mseq_table_free(table);
}

static void test_after_alter(void **state) {
    run_script(*state, "CREATE TABLE t (a INT, UNIQUE (a));"
                       "ALTER TABLE t ADD COLUMN b TEXT CONSTRAINT b_ck CHECK (b <> '');"
                       "ALTER TABLE t RENAME COLUMN a TO z;"
                       "ALTER TABLE t RENAME TO u;");
    mseq_table *table = reflect(*state, "u");
    check(table, "unique_constraints", "[{\"columns\": [\"z\"]}]");
    check(table, "check_constraints",
          "[{\"name\": \"b_ck\", \"name_final\": true, \"sqltext\": \"b <> ''\"}]");
    mseq_table_free(table);
}

static void test_missing(void **state) {
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(*state, "CREATE VIEW v AS SELECT 1 AS a");
    assert_int_equal(mseq_connection_reflect_table(*state, NULL, "t", &table, &err),
                     MSEQ_E_NOT_FOUND);
    assert_mentions(err.message, "no table 't'");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_reflect_table(*state, NULL, "v", &table, &err),
                     MSEQ_E_NOT_FOUND);
    assert_mentions(err.message, "'v' is a view");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_reflect_table(*state, "x", "t", &table, &err),
                     MSEQ_E_NOT_FOUND);
    assert_mentions(err.message, "no schema 'x'");
    assert_null(table);
    assert_false(mseq_connection_in_transaction(*state));
}

static void test_attached_schema(void **state) {
    run_script(*state, "ATTACH ':memory:' AS \"s \"\"1\"; CREATE TABLE \"s \"\"1\".t (a INT);"
                       "CREATE INDEX \"s \"\"1\".i ON t (a)");
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_reflect_table(*state, "s \"1", "t", &table, &err), MSEQ_OK);
    assert_string_equal(mseq_table_schema(table), "s \"1");
    assert_int_equal(mseq_table_index_count(table), 1);
    mseq_table_free(table);
}

/* Names that must be quoted, empty and strange texts: an error at most. */
static void test_odd_tables(void **state) {
    run_script(*state, "CREATE TABLE \"a\"\"b (\" (\"x ) y\" INT, [z], `w``w` TEXT, 'q' INT, "
                       "CONSTRAINT c CHECK (\"x ) y\" <> [z]), PRIMARY KEY ('q', \"x ) y\"));"
                       "CREATE TABLE ctas AS SELECT 1 AS one, 'x' AS two;"
                       "CREATE TABLE keywords (key INT, \"primary\" INT, replace INT, always INT);"
                       "CREATE VIRTUAL TABLE f USING fts5 (body)");
    mseq_table *table = reflect(*state, "a\"b (");
    check(table, "primary_key", "{\"columns\": [\"q\", \"x ) y\"]}");
    check(table, "check_constraints",
          "[{\"name\": \"c\", \"name_final\": true, \"sqltext\": \"\\\"x ) y\\\" <> [z]\"}]");
    assert_int_equal(mseq_table_column_count(table), 4);
    mseq_table_free(table);
    table = reflect(*state, "ctas");
    assert_int_equal(mseq_table_column_count(table), 2);
    mseq_table_free(table);
    table = reflect(*state, "keywords");
    assert_int_equal(mseq_table_column_count(table), 4);
    mseq_table_free(table);
    table = reflect(*state, "f");
    assert_int_equal(mseq_table_column_count(table), 1);
    mseq_table_free(table);
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(*state, "CREATE TABLE empty_name (\"\" INT)");
    assert_int_equal(mseq_connection_reflect_table(*state, NULL, "empty_name", &table, &err),
                     MSEQ_E_SCHEMA);
    assert_mentions(err.message, "empty_name");
}

static void test_reflect_all(void **state) {
    run_script(*state, "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a);"
                       "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);"
                       "CREATE VIEW v AS SELECT * FROM a");
    mseq_metadata *metadata = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_reflect(*state, NULL, &metadata, &err), MSEQ_OK);
    assert_int_equal(mseq_metadata_count(metadata), 2);
    assert_non_null(mseq_metadata_find(metadata, NULL, "a"));
    const mseq_table *b = mseq_metadata_find(metadata, NULL, "b");
    assert_string_equal(mseq_table_constraint_at(b, 1)->referred_table, "a");
    mseq_metadata_free(metadata);
    /* inside a transaction of the caller, which stays open */
    assert_int_equal(mseq_connection_begin(*state, true, &err), MSEQ_OK);
    run_script(*state, "CREATE TABLE c (x)");
    assert_int_equal(mseq_connection_reflect(*state, NULL, &metadata, &err), MSEQ_OK);
    assert_int_equal(mseq_metadata_count(metadata), 3);
    assert_true(mseq_connection_in_transaction(*state));
    mseq_metadata_free(metadata);
}

static void test_dependents(void **state) {
    run_script(*state,
               "CREATE TABLE t (a); CREATE TABLE other (a);"
               "CREATE VIEW direct AS SELECT a FROM \"T\"; CREATE VIEW indirect AS SELECT * FROM "
               "direct;"
               "CREATE VIEW unrelated AS SELECT 't' || a AS x FROM other;"
               "CREATE TRIGGER on_t AFTER INSERT ON t BEGIN SELECT 1; END;"
               "CREATE TRIGGER on_view INSTEAD OF INSERT ON indirect BEGIN SELECT 1; END;"
               "CREATE TRIGGER writes_t AFTER DELETE ON other BEGIN DELETE FROM t; END;"
               "CREATE TRIGGER elsewhere AFTER DELETE ON other BEGIN SELECT 1; END;");
    mseq_value *dependents = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_dependents(*state, "t", &dependents, &err), MSEQ_OK);
    static const char *const expected[] = {"direct", "indirect", "unrelated",
                                           "on_t",   "on_view",  "writes_t"};
    /* 't' may be an identifier to SQLite, so `unrelated` counts */
    assert_int_equal(mseq_value_length(dependents), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(mseq_object_get_text(mseq_array_get(dependents, i), "name"),
                            expected[i]);
    assert_string_equal(mseq_object_get_text(mseq_array_get(dependents, 3), "type"), "trigger");
    assert_string_equal(mseq_object_get_text(mseq_array_get(dependents, 3), "sql"),
                        "CREATE TRIGGER on_t AFTER INSERT ON t BEGIN SELECT 1; END");
    mseq_value_free(dependents);
    assert_int_equal(mseq_connection_dependents(*state, "missing", &dependents, &err), MSEQ_OK);
    assert_int_equal(mseq_value_length(dependents), 0);
    mseq_value_free(dependents);
}

int main(void) {
#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)
    const struct CMUnitTest tests[] = {
        WITH_MEMORY(test_constraints),     WITH_MEMORY(test_options),
        WITH_MEMORY(test_indexes),         WITH_MEMORY(test_columns),
        WITH_MEMORY(test_after_alter),     WITH_MEMORY(test_missing),
        WITH_MEMORY(test_attached_schema), WITH_MEMORY(test_odd_tables),
        WITH_MEMORY(test_reflect_all),     WITH_MEMORY(test_dependents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
