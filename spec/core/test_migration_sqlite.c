/* SPDX-License-Identifier: MIT
 * Operations on real SQLite databases: what a rebuild must not lose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mainsequence/database.h"
#include "mainsequence/migration.h"

typedef struct fixture {
    mseq_database *database;
    mseq_connection *connection;
} fixture;

static fixture open_with(const char *script) {
    mseq_error err = MSEQ_ERROR_INIT;
    fixture f = {NULL, NULL};
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = "sqlite://";
    if (mseq_database_open(&options, &f.database, &err) != MSEQ_OK ||
        mseq_database_connect(f.database, &f.connection, &err) != MSEQ_OK ||
        mseq_connection_script(f.connection, "PRAGMA foreign_keys = OFF", &err) != MSEQ_OK ||
        mseq_connection_script(f.connection, script, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return f;
}

static void close_fixture(fixture *f) {
    mseq_connection_release(f->connection);
    mseq_database_close(f->database);
}

static mseq_value *json(const char *text) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = NULL;
    if (mseq_json_parse(text, strlen(text), 0, &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", err.message, text);
    return value;
}

/* The rows of a query as JSON text. */
static char *rows(const fixture *f, const char *sql) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *list = NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (mseq_connection_execute(f->connection, sql, NULL, &list, NULL, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
    assert_int_equal(mseq_json_write(list, 0, &text, &err), MSEQ_OK);
    mseq_value_free(list);
    return mseq_buffer_take(&text);
}

static void assert_rows(const fixture *f, const char *sql, const char *expected) {
    char *text = rows(f, sql);
    assert_string_equal(text, expected);
    free(text);
}

static void script(const fixture *f, const char *sql) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(f->connection, sql, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
}

static void refused_script(const fixture *f, const char *sql, const char *part) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(f->connection, sql, &err) == MSEQ_OK)
        fail_msg("ran: %s", sql);
    if (!strstr(err.message, part))
        fail_msg("'%s' is not in '%s'", part, err.message);
}

static char *description(const fixture *f, const char *name) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *table = NULL;
    mseq_value *described = NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (mseq_connection_reflect_table(f->connection, NULL, name, &table, &err) != MSEQ_OK ||
        mseq_table_describe(table, &described, &err) != MSEQ_OK ||
        mseq_json_write(described, 0, &text, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_table_free(table);
    mseq_value_free(described);
    return mseq_buffer_take(&text);
}

/* One operation as the runner does it, without the transaction. */
static mseq_status run_one(const fixture *f, const mseq_value *operation, mseq_error *err) {
    mseq_migration_context context = MSEQ_MIGRATION_CONTEXT_INIT;
    mseq_table *table = NULL;
    mseq_value *dependents = NULL;
    mseq_strings statements = MSEQ_STRINGS_INIT;
    const char *name = mseq_migration_needs_table(operation, MSEQ_SQLITE);
    mseq_status status = MSEQ_OK;
    if (name)
        status = mseq_connection_reflect_table(f->connection, NULL, name, &table, err);
    if (name && status == MSEQ_OK)
        status = mseq_connection_dependents(f->connection, name, &dependents, err);
    context.table = table;
    context.dependents = dependents;
    if (status == MSEQ_OK)
        status = mseq_migration_render(operation, MSEQ_SQLITE, &context, &statements, err);
    for (size_t i = 0; status == MSEQ_OK && i < statements.count; i++)
        status = mseq_connection_script(f->connection, statements.items[i], err);
    mseq_strings_free(&statements);
    mseq_value_free(dependents);
    mseq_table_free(table);
    return status;
}

static mseq_status check_foreign_keys(const fixture *f, mseq_error *err) {
    mseq_value *violations = NULL;
    mseq_status status = mseq_connection_execute(f->connection, "PRAGMA foreign_key_check", NULL,
                                                 &violations, NULL, err);
    if (status == MSEQ_OK && mseq_value_length(violations))
        status = mseq_error_set(err, MSEQ_E_DATABASE_CONSTRAINT, "foreign keys are violated");
    mseq_value_free(violations);
    return status;
}

/* A transaction of operations (a JSON array), as the runner does it. */
static mseq_status run(const fixture *f, const mseq_value *operations, mseq_error *err) {
    mseq_status status = mseq_connection_begin(f->connection, true, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(operations); i++)
        status = run_one(f, mseq_array_get(operations, i), err);
    if (status == MSEQ_OK)
        status = check_foreign_keys(f, err);
    if (status == MSEQ_OK)
        return mseq_connection_commit(f->connection, err);
    mseq_connection_rollback(f->connection);
    return status;
}

static void migrate(const fixture *f, const char *operations_text) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operations = json(operations_text);
    if (run(f, operations, &err) != MSEQ_OK)
        fail_msg("%s: %s", operations_text, err.message);
    mseq_value_free(operations);
    assert_rows(f, "SELECT name FROM sqlite_schema WHERE name LIKE '\\_mseq%' ESCAPE '\\'", "[]");
    assert_rows(f, "PRAGMA integrity_check", "[{\"integrity_check\": \"ok\"}]");
}

/* It fails, and says `part`. */
static void refuses(const fixture *f, const char *operations_text, const char *part) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operations = json(operations_text);
    if (run(f, operations, &err) == MSEQ_OK)
        fail_msg("ran: %s", operations_text);
    if (!strstr(err.message, part))
        fail_msg("'%s' is not in '%s'", part, err.message);
    mseq_value_free(operations);
}

#define ALTER(table, column, rest)                                                                 \
    "{\"op\":\"alter_column\",\"table\":\"" table "\",\"column\":\"" column "\"," rest "}"

/* ---- Rows ------------------------------------------------------------------------------------ */

static void test_children_survive(void **state) {
    (void)state;
    fixture f = open_with(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, a INTEGER);"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE);"
        "INSERT INTO p VALUES (1, 10), (2, 20); INSERT INTO c VALUES (7, 1), (8, 2)");
    migrate(&f, "[" ALTER("p", "a", "\"type\":\"BigInteger\",\"nullable\":false") "]");
    assert_rows(&f, "SELECT * FROM p", "[{\"id\": 1, \"a\": 10}, {\"id\": 2, \"a\": 20}]");
    assert_rows(&f, "SELECT * FROM c", "[{\"id\": 7, \"p_id\": 1}, {\"id\": 8, \"p_id\": 2}]");
    assert_rows(&f, "SELECT type FROM pragma_table_info('p') WHERE name = 'a'",
                "[{\"type\": \"BIGINT\"}]");
    /* the child still refers to the table, and cascades once foreign keys are on */
    script(&f, "PRAGMA foreign_keys = ON; DELETE FROM p WHERE id = 1");
    assert_rows(&f, "SELECT id FROM c", "[{\"id\": 8}]");
    close_fixture(&f);
}

static void test_self_reference(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE n (id INTEGER PRIMARY KEY, up INTEGER REFERENCES n (id) ON "
                          "DELETE CASCADE, x INTEGER);"
                          "INSERT INTO n VALUES (1, NULL, 5), (2, 1, 6), (3, 2, 7)");
    migrate(&f, "[" ALTER("n", "x", "\"nullable\":false") "]");
    assert_rows(&f, "SELECT id, up FROM n",
                "[{\"id\": 1, \"up\": null}, {\"id\": 2, \"up\": 1}, {\"id\": 3, \"up\": 2}]");
    assert_rows(&f, "SELECT \"table\", \"on_delete\" FROM pragma_foreign_key_list('n')",
                "[{\"table\": \"n\", \"on_delete\": \"CASCADE\"}]");
    close_fixture(&f);
}

static void test_failure_keeps_all(void **state) {
    (void)state;
    static const char before[] = "[{\"id\": 1, \"a\": null}, {\"id\": 2, \"a\": 3}]";
    fixture f = open_with("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER);"
                          "INSERT INTO t VALUES (1, NULL), (2, 3)");
    refuses(&f, "[" ALTER("t", "a", "\"nullable\":false") "]", "NOT NULL");
    assert_rows(&f, "SELECT * FROM t", before);
    script(&f, "INSERT INTO t VALUES (3, 3)");
    refuses(&f, "[{\"op\":\"create_unique_constraint\",\"table\":\"t\",\"columns\":[\"a\"]}]",
            "UNIQUE");
    script(&f, "DELETE FROM t WHERE id = 3");
    refuses(&f, "[{\"op\":\"create_check_constraint\",\"table\":\"t\",\"sqltext\":\"a > 5\"}]",
            "CHECK");
    refuses(&f,
            "[{\"op\":\"create_foreign_key\",\"source_table\":\"t\",\"referred_table\":\"t\","
            "\"columns\":[\"a\"],\"referred_columns\":[\"id\"]}]",
            "foreign keys are violated");
    assert_rows(&f, "SELECT * FROM t", before);
    assert_rows(&f, "SELECT name FROM sqlite_schema", "[{\"name\": \"t\"}]");
    close_fixture(&f);
}

static void test_values_keep_their_types(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(9), b);"
                          "INSERT INTO t VALUES (1, 'abc', x'00ff'), (2, '17', 1.5)");
    /* what is no number stays as it is: nothing is cast away */
    migrate(&f, "[" ALTER("t", "a", "\"type\":\"Integer\"") "]");
    assert_rows(&f, "SELECT a, typeof(a) AS t, typeof(b) AS u FROM t",
                "[{\"a\": \"abc\", \"t\": \"text\", \"u\": \"blob\"}, {\"a\": 17, \"t\": "
                "\"integer\", \"u\": \"real\"}]");
    close_fixture(&f);
}

static void test_autoincrement(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a INTEGER);"
                          "INSERT INTO t (a) VALUES (1), (2), (3); DELETE FROM t WHERE id > 1;"
                          "CREATE TABLE e (id INTEGER PRIMARY KEY AUTOINCREMENT, a INTEGER);"
                          "INSERT INTO e (a) VALUES (1); DELETE FROM e");
    migrate(&f, "[" ALTER("t", "a", "\"nullable\":false") "," ALTER("e", "a",
                                                                    "\"nullable\":false") "]");
    script(&f, "INSERT INTO t (a) VALUES (9); INSERT INTO e (a) VALUES (9)");
    assert_rows(&f, "SELECT id FROM t ORDER BY id", "[{\"id\": 1}, {\"id\": 4}]");
    assert_rows(&f, "SELECT id FROM e", "[{\"id\": 2}]");
    assert_rows(&f, "SELECT name FROM sqlite_sequence ORDER BY name",
                "[{\"name\": \"e\"}, {\"name\": \"t\"}]");
    close_fixture(&f);
}

/* ---- What hangs on a table ------------------------------------------------------------------- */

static void test_views_and_triggers(void **state) {
    (void)state;
    fixture f = open_with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT); CREATE TABLE log (x TEXT);"
        "CREATE TABLE other (id INTEGER PRIMARY KEY);"
        "CREATE VIEW v1 AS SELECT id, a FROM t; CREATE VIEW \"V 2\" AS SELECT a FROM v1;"
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('t ' || new.a); END;"
        "CREATE TRIGGER vi INSTEAD OF INSERT ON v1 BEGIN INSERT INTO t (a) VALUES (new.a); END;"
        "CREATE TRIGGER o AFTER INSERT ON other BEGIN INSERT INTO t (a) VALUES (new.id); END;"
        "INSERT INTO t (a) VALUES (1)");
    migrate(&f,
            "[" ALTER("t", "a", "\"nullable\":false") ","
                                                      "{\"op\":\"create_check_constraint\","
                                                      "\"table\":\"t\",\"sqltext\":\"a > 0\"}]");
    script(&f, "INSERT INTO v1 (a) VALUES (2); INSERT INTO other VALUES (3)");
    assert_rows(&f, "SELECT a FROM \"V 2\" ORDER BY a", "[{\"a\": 1}, {\"a\": 2}, {\"a\": 3}]");
    assert_rows(&f, "SELECT x FROM log", "[{\"x\": \"t 1\"}, {\"x\": \"t 2\"}, {\"x\": \"t 3\"}]");
    /* a column that a view or a trigger needs does not go */
    refuses(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"a\"}]", "a");
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"b\"}]");
    /* SQLite renames inside views and triggers, but not in a view of a view: refused, not broken */
    refuses(&f, "[" ALTER("t", "a", "\"new_name\":\"amount\"") "]", "V 2");
    script(&f, "DROP VIEW \"V 2\"; DROP TRIGGER vi");
    migrate(&f, "[" ALTER("t", "a", "\"new_name\":\"amount\"") "]");
    script(&f, "INSERT INTO t (amount) VALUES (4)");
    assert_rows(&f, "SELECT max(amount) AS a FROM v1", "[{\"a\": 4}]");
    assert_rows(&f, "SELECT count(*) AS n FROM log", "[{\"n\": 4}]");
    refused_script(&f, "INSERT INTO t (amount) VALUES (0)", "CHECK");
    close_fixture(&f);
}

static void test_indexes(void **state) {
    (void)state;
    fixture f = open_with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c TEXT);"
        "CREATE UNIQUE INDEX part ON t (a) WHERE b = 'x:y' AND c IS NOT NULL;"
        "CREATE INDEX expr ON t (lower(b), a DESC); CREATE INDEX coll ON t (c COLLATE NOCASE);");
    char *before =
        rows(&f, "SELECT s.name, \"desc\", coll, \"key\" FROM sqlite_schema s, "
                 "pragma_index_xinfo(s.name) WHERE type = 'index' ORDER BY s.name, seqno");
    migrate(&f, "[" ALTER("t", "a", "\"nullable\":false") "]");
    assert_rows(&f,
                "SELECT s.name, \"desc\", coll, \"key\" FROM sqlite_schema s, "
                "pragma_index_xinfo(s.name) WHERE type = 'index' ORDER BY s.name, seqno",
                before);
    free(before);
    script(&f, "INSERT INTO t VALUES (1, 1, 'x:y', 'p'), (2, 1, 'z', 'p')");
    refused_script(&f, "INSERT INTO t VALUES (3, 1, 'x:y', 'p')", "UNIQUE");
    /* the partial index uses b, the expression index too; the other stays */
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"b\"}]");
    assert_rows(&f, "SELECT name FROM sqlite_schema WHERE type = 'index'",
                "[{\"name\": \"coll\"}]");
    close_fixture(&f);
}

/* ---- Kinds of tables and columns ---------------------------------------------------------------
 */

static void test_kinds_of_tables(void **state) {
    (void)state;
    fixture f = open_with(
        "CREATE TABLE w (k TEXT NOT NULL PRIMARY KEY, a INTEGER) WITHOUT ROWID;"
        "CREATE TABLE s (id INTEGER PRIMARY KEY, a INTEGER, b ANY) STRICT;"
        "CREATE TABLE u (id INTEGER PRIMARY KEY, a UUID, b MONEY(3) DEFAULT ('it''s' || ':x'), c);"
        "INSERT INTO w VALUES ('b', 1), ('a', 2); INSERT INTO s VALUES (1, 2, 'x');"
        "INSERT INTO u (id, a) VALUES (1, 'q')");
    migrate(&f,
            "[" ALTER("w", "a", "\"nullable\":false") "," ALTER(
                "s", "a",
                "\"nullable\":false") "," ALTER("u", "c",
                                                "\"type\":\"Text\",\"server_default\":\"d\"") "]");
    refused_script(&f, "SELECT rowid FROM w", "rowid");
    refused_script(&f, "INSERT INTO s VALUES (2, 'no number', 1)", "cannot store TEXT");
    assert_rows(&f, "SELECT * FROM w", "[{\"k\": \"a\", \"a\": 2}, {\"k\": \"b\", \"a\": 1}]");
    script(&f, "INSERT INTO u (id) VALUES (2)");
    assert_rows(&f, "SELECT * FROM u",
                "[{\"id\": 1, \"a\": \"q\", \"b\": \"it's:x\", \"c\": null}, {\"id\": 2, \"a\": "
                "null, \"b\": \"it's:x\", \"c\": \"d\"}]");
    assert_rows(&f, "SELECT name, type FROM pragma_table_info('u')",
                "[{\"name\": \"id\", \"type\": \"INTEGER\"}, {\"name\": \"a\", \"type\": "
                "\"UUID\"}, {\"name\": \"b\", \"type\": \"MONEY(3)\"}, {\"name\": \"c\", \"type\": "
                "\"TEXT\"}]");
    close_fixture(&f);
}

static void test_generated_columns(void **state) {
    (void)state;
    fixture f =
        open_with("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, v INTEGER AS (a * 2), "
                  "s INTEGER GENERATED ALWAYS AS (a + 1) STORED);"
                  "INSERT INTO t (id, a) VALUES (1, 5)");
    migrate(&f,
            "[" ALTER("t", "a",
                      "\"nullable\":false") ","
                                            "{\"op\":\"add_column\",\"table\":\"t\",\"column\":{"
                                            "\"name\":\"n\",\"type\":"
                                            "\"Integer\",\"computed\":{\"sqltext\":\"a * "
                                            "10\",\"persisted\":true}}},"
                                            "{\"op\":\"add_column\",\"table\":\"t\",\"column\":{"
                                            "\"name\":\"m\",\"type\":"
                                            "\"Integer\",\"computed\":{\"sqltext\":\"a - 1\"}}}]");
    script(&f, "UPDATE t SET a = 6");
    assert_rows(&f, "SELECT a, v, s, n, m FROM t",
                "[{\"a\": 6, \"v\": 12, \"s\": 7, \"n\": 60, \"m\": 5}]");
    refuses(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"a\"}]", "a");
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"s\"}]");
    close_fixture(&f);
}

static void test_odd_names(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE \"order\" (\"group\" INTEGER PRIMARY KEY, \"Select\" TEXT, "
                          "\"a\"\"b\" TEXT CHECK (\"a\"\"b\" <> ''), \"select 2\" TEXT UNIQUE);"
                          "INSERT INTO \"order\" VALUES (1, 'x', 'y', 'z')");
    migrate(&f, "[" ALTER("order", "Select", "\"nullable\":false,\"new_name\":\"from\"") "," ALTER(
                    "order", "a\\\"b", "\"nullable\":false") "]");
    assert_rows(&f, "SELECT * FROM \"order\"",
                "[{\"group\": 1, \"from\": \"x\", \"a\\\"b\": \"y\", \"select 2\": \"z\"}]");
    refused_script(&f, "INSERT INTO \"order\" VALUES (2, 'x', '', 'w')", "CHECK");
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"order\",\"column\":\"a\\\"b\"},"
                "{\"op\":\"drop_column\",\"table\":\"order\",\"column\":\"select 2\"}]");
    assert_rows(&f, "SELECT * FROM \"order\"", "[{\"group\": 1, \"from\": \"x\"}]");
    close_fixture(&f);
}

/* ---- Columns ------------------------------------------------------------------------------------
 */

static void test_add_column(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE p (id INTEGER PRIMARY KEY);"
                          "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, CHECK (a <> 9));"
                          "INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1), (2, 2)");
#define ADD(column) "{\"op\":\"add_column\",\"table\":\"t\",\"column\":{" column "}}"
    migrate(
        &f,
        "[" ADD(
            "\"name\":\"n\",\"type\":\"Integer\",\"nullable\":false,\"server_default\":{"
            "\"text\":\"7\"}") "," ADD("\"name\":\"ts\",\"type\":\"DateTime\",\"nullable\":false,"
                                       "\"server_default\":{"
                                       "\"func\":\"now\"}") "," ADD("\"name\":\"p_id\",\"type\":"
                                                                    "\"Integer\",\"foreign_key\":{"
                                                                    "\"referred_table\":"
                                                                    "\"p\",\"referred_columns\":["
                                                                    "\"id\"],\"ondelete\":"
                                                                    "\"CASCADE\"}") "," ADD("\"name"
                                                                                            "\":"
                                                                                            "\"u\","
                                                                                            "\"type"
                                                                                            "\":"
                                                                                            "\"Inte"
                                                                                            "ger\","
                                                                                            "\"uniq"
                                                                                            "ue\":"
                                                                                            "true") "," ADD("\"name\":\"ix\",\"type\":\"Integer\",\"index\":true") "," ADD("\"name\":\"k\",\"type\":{\"name\":\"Enum\",\"args\":{\"values\":[\"a\",\"b\"],"
                                                                                                                                                                           "\"create_constraint\":true,\"native_enum\":false,\"name\":\"kind\"}}") "]");
    assert_rows(&f, "SELECT id, a, n, ts IS NOT NULL AS filled, u FROM t",
                "[{\"id\": 1, \"a\": 1, \"n\": 7, \"filled\": 1, \"u\": null}, {\"id\": 2, \"a\": "
                "2, \"n\": 7, \"filled\": 1, \"u\": null}]");
    refused_script(&f, "UPDATE t SET u = 1", "UNIQUE");
    refused_script(&f, "UPDATE t SET k = 'c'", "CHECK");
    refused_script(&f, "UPDATE t SET a = 9", "CHECK");
    char *text = description(&f, "t");
    assert_non_null(strstr(text, "\"fk__t__p_id__p__id\""));
    assert_non_null(strstr(text, "\"uq__t__u\""));
    assert_non_null(strstr(text, "\"ix__t__ix\""));
    assert_non_null(strstr(text, "\"ck__t__kind\""));
    free(text);
    /* by names that the convention gave, also natively added ones, they can be dropped again */
    migrate(&f, "[{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"fk__t__p_id__p__id\","
                "\"type\":\"foreignkey\"},{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":"
                "\"kind\",\"type\":\"check\"}]");
    script(&f, "UPDATE t SET k = 'c', p_id = 99");
    refuses(&f, "[" ADD("\"name\":\"A\",\"type\":\"Integer\",\"unique\":true") "]", "already");
    refuses(&f, "[" ADD("\"name\":\"x\",\"type\":\"Integer\",\"primary_key\":true") "]",
            "primary key already");
    refuses(&f, "[" ADD("\"name\":\"x\",\"type\":\"Integer\",\"nullable\":false") "]", "NOT NULL");
    migrate(&f,
            "[{\"op\":\"add_column\",\"table\":\"t\",\"if_not_exists\":true,\"column\":{\"name\":"
            "\"a\",\"type\":\"Integer\"}}]");
#undef ADD
    close_fixture(&f);
}

static void test_column_positions(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER);"
                          "INSERT INTO t VALUES (1, 2)");
    migrate(&f,
            "[{\"op\":\"add_column\",\"table\":\"t\",\"insert_before\":\"a\",\"column\":{\"name\":"
            "\"x\",\"type\":\"Integer\"}},{\"op\":\"add_column\",\"table\":\"t\",\"insert_after\":"
            "\"id\",\"column\":{\"name\":\"y\",\"type\":\"Integer\"}}]");
    assert_rows(&f, "SELECT * FROM t", "[{\"id\": 1, \"y\": null, \"x\": null, \"a\": 2}]");
    refuses(&f,
            "[{\"op\":\"add_column\",\"table\":\"t\",\"insert_before\":\"aa\",\"column\":{\"name\":"
            "\"z\",\"type\":\"Integer\"}}]",
            "no column 'aa'");
    close_fixture(&f);
}

static void test_drop_column(void **state) {
    (void)state;
    fixture f = open_with(
        "CREATE TABLE p (id INTEGER PRIMARY KEY);"
        "CREATE TABLE t (id INTEGER NOT NULL, a INTEGER, b INTEGER, c INTEGER REFERENCES p (id), "
        "d INTEGER, PRIMARY KEY (id), UNIQUE (a, b), CONSTRAINT pos CHECK (a > 0 AND d > 0), "
        "CHECK (b < 100));"
        "CREATE INDEX i ON t (d); INSERT INTO p VALUES (3); INSERT INTO t VALUES (1, 1, 2, 3, 4)");
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"A\"},"
                "{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"c\"},"
                "{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"d\"}]");
    assert_rows(&f, "SELECT * FROM t", "[{\"id\": 1, \"b\": 2}]");
    refused_script(&f, "INSERT INTO t VALUES (2, 100)", "CHECK");
    script(&f, "INSERT INTO t VALUES (2, 2)");
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"id\"}]");
    assert_rows(&f, "SELECT * FROM t", "[{\"b\": 2}, {\"b\": 2}]");
    refuses(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"bb\"}]", "no column 'bb'");
    migrate(&f, "[{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"bb\",\"if_exists\":true}]");
    refuses(&f, "[{\"op\":\"drop_column\",\"table\":\"none\",\"column\":\"b\"}]", "none");
    close_fixture(&f);
}

/* ---- Constraints --------------------------------------------------------------------------------
 */

static void test_constraints_without_names(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE p (id INTEGER PRIMARY KEY);"
                          "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER UNIQUE CHECK (b > 0), "
                          "c INTEGER REFERENCES p, UNIQUE (b, c), CHECK (c > 1), CHECK (c > 2))");
    char *before = description(&f, "t");
    migrate(&f,
            "[" ALTER("t", "b", "\"nullable\":false") "," ALTER("t", "b", "\"nullable\":true") "]");
    char *after = description(&f, "t");
    assert_string_equal(after, before);
    free(after);
    migrate(
        &f,
        "[{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"uq__t__b\",\"type\":\"unique\"},"
        "{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"fk__t__c__p__id\",\"type\":"
        "\"foreignkey\"},{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"pk__t\","
        "\"type\":\"primary\"}]");
    after = description(&f, "t");
    assert_null(strstr(after, "foreign_keys"));
    assert_null(strstr(after, "primary_key"));
    assert_non_null(strstr(after, "\"unique_constraints\": [{\"columns\": [\"b\", \"c\"]}]"));
    /* one of several checks without names is told by what it says */
    migrate(&f,
            "[{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"ck__t\",\"name_final\":true,"
            "\"type\":\"check\",\"existing_constraint\":{\"sqltext\":\"(c>2)\"}}]");
    script(&f, "INSERT INTO t VALUES (1, 1, 2)");
    refused_script(&f, "INSERT INTO t VALUES (2, 2, 1)", "CHECK");
    refuses(&f, "[{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"nope\"}]",
            "no constraint 'nope'");
    migrate(&f,
            "[{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"nope\",\"if_exists\":true}]");
    free(before);
    free(after);
    close_fixture(&f);
}

static void test_constraint_errors(void **state) {
    (void)state;
    fixture f = open_with("CREATE TABLE t (a INTEGER, b INTEGER, CONSTRAINT u UNIQUE (a))");
#define UNIQUE_ON(rest) "[{\"op\":\"create_unique_constraint\",\"table\":\"t\"," rest "}]"
    refuses(&f, UNIQUE_ON("\"columns\":[\"aa\"]"), "no column 'aa'");
    refuses(&f, UNIQUE_ON("\"columns\":[\"b\"],\"name\":\"U\",\"name_final\":true"), "already");
    refuses(&f, UNIQUE_ON("\"columns\":[\"b\"],\"deferrable\":true"), "defers foreign keys only");
    migrate(&f, "[{\"op\":\"create_primary_key\",\"table\":\"t\",\"columns\":[\"b\"]}]");
    refuses(&f, "[{\"op\":\"create_primary_key\",\"table\":\"t\",\"columns\":[\"a\"]}]",
            "primary key already");
    refuses(&f, "[" ALTER("t", "a", "\"server_default\":{\"identity\":{}}") "]", "identity");
#undef UNIQUE_ON
    close_fixture(&f);
}

/* ---- There and back
 * ------------------------------------------------------------------------------ */

static void test_reverses(void **state) {
    (void)state;
    static const char *const steps[] = {
        "{\"op\":\"add_column\",\"table\":\"t\",\"column\":{\"name\":\"n\",\"type\":\"Integer\","
        "\"unique\":true}}",
        "{\"op\":\"create_index\",\"table\":\"t\",\"expressions\":[\"a\",{\"func\":\"lower\","
        "\"args\":["
        "\"b\"]}],\"sqlite\":{\"where\":\"a > 0\"}}",
        "{\"op\":\"create_unique_constraint\",\"table\":\"t\",\"columns\":[\"b\",\"a\"]}",
        "{\"op\":\"create_check_constraint\",\"table\":\"t\",\"name\":\"pos\",\"sqltext\":\"a > "
        "0\"}",
        "{\"op\":\"create_foreign_key\",\"source_table\":\"t\",\"referred_table\":\"p\","
        "\"columns\":["
        "\"a\"],\"referred_columns\":[\"id\"],\"ondelete\":\"SET NULL\",\"deferrable\":true}",
        ALTER("t", "b",
              "\"type\":{\"name\":\"VARCHAR\",\"args\":{\"length\":9}},\"existing_type\":\"TEXT\","
              "\"nullable\":false,\"server_default\":\"x\",\"existing_server_default\":{\"drop\":"
              "true},"
              "\"new_name\":\"b2\""),
        "{\"op\":\"rename_table\",\"old_name\":\"t\",\"new_name\":\"t2\"}",
        "{\"op\":\"create_table\",\"table\":{\"name\":\"q\",\"columns\":[{\"name\":\"id\",\"type\":"
        "\"Integer\",\"primary_key\":true}]}}",
        "{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"z\",\"existing_column\":{\"name\":"
        "\"z\","
        "\"type\":\"INTEGER\"}}",
        "{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"uz\",\"name_final\":true,\"type\":"
        "\"unique\",\"existing_constraint\":{\"columns\":[\"z\"]}}",
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        bool with_unique = strstr(steps[i], "\"uz\"") != NULL;
        fixture f = open_with(with_unique ? "CREATE TABLE p (id INTEGER PRIMARY KEY);"
                                            "CREATE TABLE t (a INTEGER, b TEXT, z INTEGER, "
                                            "CONSTRAINT uz UNIQUE (z));"
                                          : "CREATE TABLE p (id INTEGER PRIMARY KEY);"
                                            "CREATE TABLE t (a INTEGER, b TEXT, z INTEGER)");
        script(&f, "INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 'x', NULL)");
        char *before = description(&f, "t");
        mseq_value *operation = json(steps[i]), *reverse = NULL, *list = mseq_value_array();
        assert_int_equal(mseq_migration_reverse(operation, &reverse, &err), MSEQ_OK);
        assert_int_equal(mseq_array_add(list, operation), MSEQ_OK);
        assert_int_equal(mseq_array_add(list, reverse), MSEQ_OK);
        if (run(&f, list, &err) != MSEQ_OK)
            fail_msg("%s: %s", steps[i], err.message);
        char *after = description(&f, "t");
        assert_string_equal(after, before);
        assert_rows(&f, "SELECT a, b FROM t", "[{\"a\": 1, \"b\": \"x\"}]");
        assert_rows(&f, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
                    "[{\"name\": \"p\"}, {\"name\": \"t\"}]");
        free(before);
        free(after);
        mseq_value_free(list);
        close_fixture(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children_survive),  cmocka_unit_test(test_self_reference),
        cmocka_unit_test(test_failure_keeps_all), cmocka_unit_test(test_values_keep_their_types),
        cmocka_unit_test(test_autoincrement),     cmocka_unit_test(test_views_and_triggers),
        cmocka_unit_test(test_indexes),           cmocka_unit_test(test_kinds_of_tables),
        cmocka_unit_test(test_generated_columns), cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_add_column),        cmocka_unit_test(test_column_positions),
        cmocka_unit_test(test_drop_column),       cmocka_unit_test(test_constraints_without_names),
        cmocka_unit_test(test_constraint_errors), cmocka_unit_test(test_reverses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
