/* SPDX-License-Identifier: MIT
 * Governed selects row by row, on SQLite and on a private PostgreSQL: the same rows as of a whole
 * run, limits, leaving early, what ends them, and the connection afterwards. */
#include <unistd.h>

#include "postgresql_helpers.h"

static const mseq_governed_table SCOPE[] = {{"item", MSEQ_ACCESS_READ, NULL}};

#define SCHEMA                                                                                     \
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price NUMERIC);"                        \
    "INSERT INTO item WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n <"    \
    " 3000) SELECT n, 'item ' || n, n * 1.5 FROM r;"
#define ENDLESS "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"

typedef struct world {
    mseq_database *database;
    mseq_connection *connection, *other;
    bool sqlite;
    char folder[64];
} world;

static int open_world(void **state, bool sqlite) {
    world *own = calloc(1, sizeof *own);
    snprintf(own->folder, sizeof own->folder, "%s", "/tmp/mseq-cursor-XXXXXX");
    own->sqlite = sqlite;
    assert_non_null(mkdtemp(own->folder));
    char *uri = sqlite ? mseq_text_format("sqlite:///%s/c.db", own->folder)
                       : postgresql_database("cursors");
    own->database = open_uri(uri);
    free(uri);
    own->connection = connect_to(own->database);
    own->other = connect_to(own->database);
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(own->other, SCHEMA, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    *state = own;
    return 0;
}

static int on_sqlite(void **state) {
    return open_world(state, true);
}

static int on_postgresql(void **state) {
    return open_world(state, false);
}

static int close_world(void **state) {
    world *own = *state;
    char command[96];
    mseq_connection_release(own->connection);
    mseq_connection_release(own->other);
    mseq_database_close(own->database);
    snprintf(command, sizeof command, "rm -rf %s", own->folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a name of our own
    free(own);
    return 0;
}

static mseq_governed_statement select_of(const char *sql) {
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = "select";
    statement.sql = sql;
    statement.sql_length = strlen(sql);
    statement.tables = SCOPE;
    statement.table_count = 1;
    statement.max_rows = INT64_MAX;
    statement.timeout_ms = 20000;
    return statement;
}

static mseq_governed_cursor *open_cursor(world *own, const mseq_governed_statement *statement) {
    mseq_governed_cursor *cursor = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_governed_cursor_open(own->connection, statement, &cursor, &err) != MSEQ_OK)
        fail_msg("%s: %s", statement->sql, err.message);
    return cursor;
}

/* Rows until the end or a failure, which goes to *err. */
static int64_t read_rest(mseq_governed_cursor *cursor, mseq_error *err) {
    int64_t count = 0;
    for (;; count++) {
        mseq_row *row = NULL;
        if (mseq_governed_cursor_next(cursor, &row, err) != MSEQ_OK || !row)
            return count;
    }
}

static int64_t count_of(world *own, const mseq_governed_statement *statement, mseq_error *err) {
    mseq_governed_cursor *cursor = NULL;
    if (mseq_governed_cursor_open(own->connection, statement, &cursor, err) != MSEQ_OK)
        return -1;
    int64_t count = read_rest(cursor, err);
    mseq_governed_cursor_close(cursor);
    return count;
}

/* A fresh one, as the next user gets it. */
static void renew(world *own) {
    mseq_connection_release(own->connection);
    own->connection = connect_to(own->database);
}

static void test_same_rows(void **state) {
    world *own = *state;
    mseq_governed_statement statement =
        select_of("SELECT id, name, price FROM item ORDER BY id DESC");
    mseq_governed_result whole = {.rows = NULL};
    mseq_row *row = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    statement.max_rows = 5000;
    assert_int_equal(mseq_connection_run_governed(own->connection, &statement, &whole, &err),
                     MSEQ_OK);
    assert_int_equal(mseq_value_length(whole.rows), 3000);
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
        mseq_value *object = NULL;
        assert_int_equal(mseq_row_to_object(row, &object, &err), MSEQ_OK);
        assert_true(mseq_value_equal(object, mseq_array_get(whole.rows, i)));
        mseq_value_free(object);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
        assert_null(row);
    }
    assert_false(mseq_governed_cursor_has_more(cursor));
    mseq_governed_cursor_close(cursor);
    mseq_value_free(whole.rows);
    mseq_governed_cursor_close(NULL);
}

static void test_limits(void **state) {
    world *own = *state;
    static const struct {
        int64_t offset, max_rows, count;
        bool more;
    } cases[] = {{0, 1, 1, true},      {0, 2999, 2999, true}, {0, 3000, 3000, false},
                 {2990, 5, 5, true},   {2990, 10, 10, false}, {2999, INT64_MAX, 1, false},
                 {3000, 10, 0, false}, {9000, 10, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_governed_statement statement = select_of("SELECT id FROM item ORDER BY id");
        statement.offset = cases[i].offset;
        statement.max_rows = cases[i].max_rows;
        mseq_governed_cursor *cursor = open_cursor(own, &statement);
        assert_int_equal(read_rest(cursor, &err), cases[i].count);
        assert_int_equal(err.status, MSEQ_OK);
        assert_int_equal(mseq_governed_cursor_has_more(cursor), cases[i].more);
        mseq_governed_cursor_close(cursor);
        renew(own);
    }
}

static void test_refused(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_cursor *cursor = NULL;
    mseq_governed_statement statement = select_of("SELECT * FROM hidden");
    assert_int_equal(mseq_governed_cursor_open(own->connection, &statement, &cursor, &err),
                     MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "scope_violation");
    assert_null(cursor);
    mseq_error_clear(&err);
    statement = select_of("SELECT id FROM item; SELECT 1");
    assert_int_equal(mseq_governed_cursor_open(own->connection, &statement, &cursor, &err),
                     MSEQ_E_STATEMENT);
    mseq_error_clear(&err);
    statement = select_of("DELETE FROM item");
    statement.operation = "delete";
    static const mseq_governed_table writable[] = {{"item", MSEQ_ACCESS_WRITE, NULL}};
    statement.tables = writable;
    assert_int_equal(mseq_governed_cursor_open(own->connection, &statement, &cursor, &err),
                     MSEQ_E_ARGUMENT);
    renew(own);
    mseq_error_clear(&err);
    statement = select_of("SELECT id FROM item");
    assert_int_equal(count_of(own, &statement, &err), 3000);
}

static void test_leaving_early(void **state) {
    world *own = *state;
    for (int i = 0; i < 20; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_row *row = NULL;
        mseq_governed_statement statement =
            select_of(i % 2 ? ENDLESS : "SELECT id AS n FROM item ORDER BY id");
        mseq_governed_cursor *cursor = open_cursor(own, &statement);
        for (int taken = 1; taken <= i; taken++) {
            assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
            assert_int_equal(row->cells[0].as.integer, taken);
        }
        mseq_governed_cursor_close(cursor);
        renew(own);
        run(own->connection, "SELECT count(*) AS n FROM item", NULL, "[{\"n\": 3000}]");
    }
}

static void test_one_state(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement statement = select_of("SELECT id FROM item ORDER BY id");
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    run(own->other, "DELETE FROM item WHERE id > 10", NULL, NULL);
    assert_int_equal(read_rest(cursor, &err), 3000);
    mseq_governed_cursor_close(cursor);
    assert_int_equal(count_of(own, &statement, &err), 10);
    assert_int_equal(err.status, MSEQ_OK);
}

static void test_error_in_the_midst(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_row *row = NULL;
    mseq_governed_statement statement =
        select_of(own->sqlite ? "SELECT json_extract(CASE WHEN id = 2500 THEN '{' ELSE '1' END,"
                                " '$') AS d FROM item ORDER BY id"
                              : "SELECT 1 / (id - 2500) AS d FROM item");
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    assert_int_equal(read_rest(cursor, &err), 2499);
    assert_int_equal(err.status, MSEQ_E_STATEMENT);
    assert_string_equal(err.sqlstate, own->sqlite ? "" : "22012");
    mseq_error_clear(&err);
    assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_E_STATEMENT);
    mseq_governed_cursor_close(cursor);
    renew(own);
    mseq_error_clear(&err);
    statement = select_of("SELECT id FROM item");
    assert_int_equal(count_of(own, &statement, &err), 3000);
}

/* The time counts while somebody waits, and only then. */
static void test_time(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_row *row = NULL;
    mseq_governed_statement statement = select_of(ENDLESS);
    statement.timeout_ms = 400;
    assert_true(count_of(own, &statement, &err) > 0);
    assert_int_equal(err.status, MSEQ_E_TIMEOUT);
    renew(own);
    mseq_error_clear(&err);
    statement = select_of(ENDLESS " WHERE n < 0");
    statement.timeout_ms = 200;
    assert_int_equal(count_of(own, &statement, &err), -1);
    assert_int_equal(err.status, MSEQ_E_TIMEOUT);
    renew(own);
    mseq_error_clear(&err);
    statement = select_of("SELECT id FROM item");
    statement.timeout_ms = 2000;
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
    usleep(2100 * 1000);
    assert_int_equal(read_rest(cursor, &err), 2999);
    assert_int_equal(err.status, MSEQ_OK);
    mseq_governed_cursor_close(cursor);
}

static void test_cancelled(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_row *row = NULL;
    mseq_cancellation *token = mseq_cancellation_new();
    mseq_governed_statement statement = select_of(ENDLESS);
    statement.cancellation = token;
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
    mseq_cancellation_set(token);
    read_rest(cursor, &err);
    assert_int_equal(err.status, MSEQ_E_CANCELLED);
    mseq_governed_cursor_close(cursor);
    mseq_cancellation_free(token);
    renew(own);
}

static mseq_status disagree(void *data, mseq_error *err) {
    ++*(int *)data;
    return mseq_error_set(err, MSEQ_E_CONFLICT, "it has changed");
}

static void test_confirmed_at_the_end(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_row *row = NULL;
    int asked = 0;
    mseq_governed_statement statement = select_of("SELECT id FROM item");
    statement.confirm = disagree;
    statement.confirm_data = &asked;
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
    }
    assert_int_equal(asked, 0);
    assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_E_CONFLICT);
    assert_int_equal(asked, 1);
    mseq_governed_cursor_close(cursor);
}

/* A prepared statement whose table has changed since. */
static void test_schema_changes(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement statement = select_of("SELECT * FROM item WHERE id < 3");
    assert_int_equal(count_of(own, &statement, &err), 2);
    run(own->other, "ALTER TABLE item ADD COLUMN more TEXT", NULL, NULL);
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    mseq_row *row = NULL;
    assert_int_equal(mseq_governed_cursor_next(cursor, &row, &err), MSEQ_OK);
    assert_int_equal(row->count, 4);
    mseq_governed_cursor_close(cursor);
    renew(own);
    run(own->other, "DROP TABLE item", NULL, NULL);
    assert_int_equal(count_of(own, &statement, &err), -1);
    assert_int_equal(err.status, MSEQ_E_STATEMENT);
    renew(own);
}

/* The connection belongs to the cursor while it is open. */
static void test_busy_connection(void **state) {
    world *own = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_statement statement = select_of("SELECT id FROM item");
    mseq_governed_cursor *cursor = open_cursor(own, &statement);
    assert_int_equal(
        mseq_connection_execute(own->connection, "SELECT 1 AS n", NULL, NULL, NULL, &err),
        MSEQ_E_ARGUMENT);
    assert_int_equal(read_rest(cursor, &(mseq_error)MSEQ_ERROR_INIT), 3000);
    mseq_governed_cursor_close(cursor);
    run(own->connection, "SELECT 1 AS n", NULL, "[{\"n\": 1}]");
}

int main(void) {
#define ON_BOTH(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, on_sqlite, close_world),                                 \
        cmocka_unit_test_setup_teardown(test, on_postgresql, close_world)
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_same_rows),
        ON_BOTH(test_limits),
        ON_BOTH(test_refused),
        ON_BOTH(test_leaving_early),
        ON_BOTH(test_one_state),
        ON_BOTH(test_error_in_the_midst),
        ON_BOTH(test_time),
        ON_BOTH(test_cancelled),
        ON_BOTH(test_confirmed_at_the_end),
        ON_BOTH(test_schema_changes),
        cmocka_unit_test_setup_teardown(test_busy_connection, on_postgresql, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
