/* SPDX-License-Identifier: MIT
 * How much of a session is undone between two governed statements: nothing after a select that ran
 * nobody's code, settings after such a write, everything after all others, and everything after
 * some seconds at the latest. */
#include "postgresql_helpers.h"

#define WHOLE "SELECT pg_catalog.pg_advisory_unlock_all()"
#define SETTINGS "RESET ALL"
#define NOTHING "ROLLBACK"

static mseq_database *database;
static const char *administrator;

/* What a superuser's connection of its own says. */
static void script(const char *sql) {
    run_on(administrator, sql);
}

static void execute(const char *operation, const char *table, const char *sql) {
    mseq_governed_table scope = {table, MSEQ_ACCESS_WRITE, NULL};
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = operation;
    statement.sql = sql;
    statement.sql_length = strlen(sql);
    statement.tables = &scope;
    statement.table_count = 1;
    statement.max_rows = 1000;
    statement.timeout_ms = 10000;
    statement.revision = 1;
    mseq_connection *connection = connect_to(database);
    mseq_governed_result result = {.rows = NULL};
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_run_governed(connection, &statement, &result, &err) != MSEQ_OK)
        fail_msg("%s: %s (%s)", sql, err.message, err.code);
    mseq_value_free(result.rows);
    mseq_connection_release(connection);
}

/* The last command of the session that governed statements run in; it is in the midst of one: "".
 */
static void last_command(char text[256]) {
    static const char question[] =
        "SELECT query FROM pg_stat_activity WHERE usename = 'reader' AND state = 'idle'";
    mseq_database *server = open_uri(administrator);
    mseq_connection *connection = connect_to(server);
    mseq_value *rows = NULL;
    assert_int_equal(mseq_connection_execute(connection, question, NULL, &rows, NULL, NULL),
                     MSEQ_OK);
    assert_true(mseq_value_length(rows) <= 1);
    const char *last = mseq_object_get_text(mseq_array_get(rows, 0), "query");
    snprintf(text, 256, "%s", last ? last : "");
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(server);
}

/* Whether the session's last command becomes that one, sooner than the last one of a whole reset. A
 * reset comes behind the reply. */
static bool ends_with(const char *expected, char text[256]) {
    for (int i = 0; i < 100; i++) {
        usleep(20000);
        last_command(text);
        if (strcmp(text, expected) == 0)
            return true;
        if (strcmp(text, WHOLE) == 0)
            return false;
    }
    return false;
}

static void assert_last(const char *sql, const char *expected) {
    char text[256];
    if (!ends_with(expected, text))
        fail_msg("%s: the session ends with %s, not %s", sql, text, expected);
}

/* The first run of a text asks the database about it, the next one knows. On a machine that is slow
 * enough it comes when everything is reset all the same. */
static void expect_reset(const char *operation, const char *table, const char *sql,
                         const char *expected) {
    char text[256];
    execute(operation, table, sql);
    assert_last(sql, WHOLE);
    for (int i = 0; i < 3; i++) {
        execute(operation, table, sql);
        if (ends_with(expected, text))
            return;
    }
    fail_msg("%s: the session ends with %s, not %s", sql, text, expected);
}

static int start(void **state) {
    (void)state;
    administrator = postgresql_uri();
    script("CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT CREATE ON SCHEMA public TO PUBLIC;"
           "CREATE FUNCTION same(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
           " $$ BEGIN RETURN $1; END $$;"
           "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;"
           "CREATE FUNCTION leave() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
           " PERFORM set_config('work_mem', '77MB', false), pg_advisory_lock(42); RETURN 1; END $$;"
           "CREATE FUNCTION leave_row() RETURNS trigger LANGUAGE plpgsql AS"
           " $$ BEGIN PERFORM leave(); RETURN new; END $$");
    return 0;
}

static void open_reader(void) {
    const char *uri = postgresql_uri(), *place = strchr(uri, '@');
    char *text = mseq_text_format("postgresql://reader:reader%s", place);
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    options.uri = text;
    options.governed_schema = "public";
    options.governed_timeout_ms = 10000;
    if (mseq_database_open(&options, &database, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    free(text);
}

static int make_table(void **state) {
    (void)state;
    script("DROP TABLE IF EXISTS item, part CASCADE; DROP VIEW IF EXISTS item_view;"
           "CREATE TABLE item (id int PRIMARY KEY, kind text CHECK (kind <> ''), n int DEFAULT 7);"
           "CREATE INDEX ON item (kind) WHERE n > 0;"
           "GRANT ALL ON item TO reader");
    open_reader();
    return 0;
}

static int forget(void **state) {
    (void)state;
    mseq_database_close(database);
    return 0;
}

/* ---- What is plain -----------------------------------------------------------------------------
 */

static const char READ[] = "SELECT id, kind FROM item WHERE n > 0 AND id < 5";
static const char PUT[] = "INSERT INTO item (id, kind) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE "
                          "SET kind = excluded.kind";

static void plain(void **state) {
    (void)state;
    expect_reset("select", "item", READ, NOTHING);
    expect_reset("upsert", "item", PUT, SETTINGS);
    execute("select", "item", READ);
    assert_last(READ, NOTHING);
    script("CREATE MATERIALIZED VIEW item_view AS SELECT id FROM item;"
           "GRANT SELECT ON item_view TO reader");
    expect_reset("select", "item_view", "SELECT id FROM item_view", NOTHING);
    script("DROP MATERIALIZED VIEW item_view");
}

/* A key with a sequence, and references that change nothing elsewhere. */
static void plain_keys(void **state) {
    (void)state;
    script("DROP TABLE item; CREATE TABLE item (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY "
           "KEY, kind text); CREATE TABLE part (item int REFERENCES item);"
           "GRANT ALL ON item, part TO reader");
    expect_reset("insert", "item", "INSERT INTO item (kind) VALUES ('a')", SETTINGS);
    expect_reset("update", "item", "UPDATE item SET kind = 'b' WHERE id = 1", SETTINGS);
}

/* ---- What may run code -------------------------------------------------------------------------
 */

static void reading(const char *ddl) {
    script(ddl);
    expect_reset("select", "item", READ, WHOLE);
}

static void view(void **state) {
    (void)state;
    reading("ALTER TABLE item RENAME TO part; CREATE VIEW item AS SELECT * FROM part;"
            "GRANT SELECT ON item TO reader");
    script("DROP VIEW item");
}

static void policy(void **state) {
    (void)state;
    reading("ALTER TABLE item ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY p ON item USING (leave() = 1)");
}

static void index_predicate(void **state) {
    (void)state;
    reading("CREATE INDEX ON item (id) WHERE same(1) = n");
}

static void index_expression(void **state) {
    (void)state;
    reading("CREATE INDEX ON item (same(n))");
}

static void check_constraint(void **state) {
    (void)state;
    reading("ALTER TABLE item ADD CHECK (same(1) = 1)");
}

static void operator_of_its_own(void **state) {
    (void)state;
    reading("CREATE FUNCTION equal(int, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS"
            " $$ BEGIN RETURN true; END $$;"
            "CREATE OPERATOR ~~~ (LEFTARG = int, RIGHTARG = text, FUNCTION = equal);"
            "ALTER TABLE item ADD CHECK (1 ~~~ 'a')");
}

static void domain_cast(void **state) {
    (void)state;
    reading("CREATE DOMAIN checked AS int CHECK (same(VALUE) > 0);"
            "ALTER TABLE item ADD CHECK (1::checked = 1)");
}

static void statistics(void **state) {
    (void)state;
    reading("CREATE STATISTICS item_statistics ON (same(n)), id FROM item");
}

static void partitions(void **state) {
    (void)state;
    reading("DROP TABLE item; CREATE TABLE item (id int, kind text, n int) PARTITION BY RANGE "
            "(same(n)); CREATE TABLE part PARTITION OF item FOR VALUES FROM (0) TO (9);"
            "GRANT ALL ON item TO reader");
}

static void trigger(void **state) {
    (void)state;
    script("CREATE TRIGGER keep BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION keep()");
    expect_reset("upsert", "item", PUT, WHOLE);
    expect_reset("select", "item", READ, NOTHING);
}

static void default_value(void **state) {
    (void)state;
    script("ALTER TABLE item ALTER n SET DEFAULT same(7)");
    expect_reset("upsert", "item", PUT, WHOLE);
    expect_reset("select", "item", READ, NOTHING);
}

static void cascade(void **state) {
    (void)state;
    script("CREATE TABLE part (item int REFERENCES item ON DELETE CASCADE);"
           "GRANT ALL ON part TO reader; INSERT INTO item VALUES (1, 'x')");
    expect_reset("update", "item", "UPDATE item SET kind = 'b' WHERE id = 1", WHOLE);
    expect_reset("delete", "item", "DELETE FROM item WHERE id = 1", WHOLE);
}

/* ---- Code that comes after the verdict ---------------------------------------------------------
 */

static void assert_setting(const char *expected) {
    mseq_connection *connection = connect_to(database);
    run(connection, "SHOW work_mem", NULL, expected);
    mseq_connection_release(connection);
}

static int64_t locks(void) {
    return number_on(administrator, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
}

/* A select that was plain reads a view that leaves a setting and a lock behind. */
static void slip_in_view(void) {
    expect_reset("select", "item", READ, NOTHING);
    script("ALTER TABLE item RENAME TO part; CREATE VIEW item AS SELECT p.* FROM part p,"
           " (SELECT leave()) AS left_behind; GRANT SELECT ON item TO reader;"
           "GRANT SELECT ON part TO reader; INSERT INTO part VALUES (1, 'x')");
    execute("select", "item", READ);
    assert_last(READ, NOTHING); /* the verdict is still believed */
}

static void slipped_in_reading(void **state) {
    (void)state;
    slip_in_view();
    assert_int_equal(locks(), 1);
    sleep(6);
    execute("select", "item", READ);
    assert_last(READ, WHOLE);
    assert_int_equal(locks(), 0);
    assert_setting("[{\"work_mem\": \"4MB\"}]");
    script("DROP VIEW item");
}

static void slipped_in_setting(void **state) {
    (void)state;
    slip_in_view();
    assert_setting("[{\"work_mem\": \"4MB\"}]");
    script("DROP VIEW item");
}

static void slipped_in_writing(void **state) {
    (void)state;
    expect_reset("upsert", "item", PUT, SETTINGS);
    script("CREATE TRIGGER leave BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION leave_row()");
    execute("upsert", "item", PUT);
    assert_last(PUT, SETTINGS);
    assert_int_equal(locks(), 1);
    assert_setting("[{\"work_mem\": \"4MB\"}]"); /* by a connection that was used for anything */
    for (int i = 0; i < 100 && locks(); i++)
        usleep(20000);
    assert_int_equal(locks(), 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_table, forget)
    const struct CMUnitTest tests[] = {
        CASE(plain),
        CASE(plain_keys),
        CASE(view),
        CASE(policy),
        CASE(index_predicate),
        CASE(index_expression),
        CASE(check_constraint),
        CASE(operator_of_its_own),
        CASE(domain_cast),
        CASE(statistics),
        CASE(partitions),
        CASE(trigger),
        CASE(default_value),
        CASE(cascade),
        CASE(slipped_in_reading),
        CASE(slipped_in_setting),
        CASE(slipped_in_writing),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
