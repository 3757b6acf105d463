/* SPDX-License-Identifier: MIT
 * Room `database`, PostgreSQL: the pool between two users, cancellation and time limits, servers
 * that go away, limits of connections, many rows, many threads. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <valgrind/valgrind.h>

#include "postgresql_helpers.h"

/* Ends the session of another connection from the server's side. */
static void terminate(mseq_connection *by, int64_t pid) {
    char parameters[32];
    snprintf(parameters, sizeof parameters, "[%lld]", (long long)pid);
    run(by, "SELECT pg_terminate_backend($1::int, 5000) AS ok", parameters, "[{\"ok\": true}]");
}

static int64_t number_of(mseq_connection *c, const char *sql) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *rows = NULL;
    if (mseq_connection_execute(c, sql, NULL, &rows, NULL, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
    int64_t number = mseq_object_get_integer(mseq_array_get(rows, 0), "n", -1);
    mseq_value_free(rows);
    return number;
}

static const char PID[] = "SELECT pg_backend_pid() AS n";

/* ---- Between two users */

static void test_nothing_is_left(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    int64_t pid = number_of(c, PID);
    run_script(c, "CREATE TABLE left_behind (a int); SET search_path TO pg_catalog; SET TimeZone "
                  "TO 'Asia/Tokyo';"
                  "SET ROLE pg_monitor; LISTEN channel; CREATE TEMP TABLE mine (a int)");
    run(c, "SELECT pg_advisory_lock(7)", NULL, NULL);
    run(c, "SELECT set_config('work_mem', '1MB', false)", NULL, NULL);
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run(c, "DECLARE cursor CURSOR WITH HOLD FOR SELECT 1", NULL, "[]");
    mseq_connection_release(c);
    c = connect_to(database);
    assert_int_equal(number_of(c, PID), pid);
    assert_false(mseq_connection_in_transaction(c));
    run(c,
        "SELECT current_setting('TimeZone') AS zone, current_user AS name, "
        "to_regclass('mine')::text AS temporary, to_regclass('left_behind')::text AS kept, "
        "current_setting('work_mem') AS memory",
        NULL,
        "[{\"zone\": \"UTC\", \"name\": \"postgres\", \"temporary\": null, \"kept\": "
        "\"left_behind\", "
        "\"memory\": \"4MB\"}]");
    run(c, "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'", NULL, "[{\"n\": 0}]");
    run(c, "SELECT count(*) AS n FROM pg_listening_channels()", NULL, "[{\"n\": 0}]");
    run(c, "SELECT count(*) AS n FROM pg_cursors WHERE name = 'cursor'", NULL, "[{\"n\": 0}]");
    run_script(c, "DROP TABLE left_behind");
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_prepared_statements_stay(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    run(c, "SELECT 'stays' AS a", NULL, NULL);
    mseq_connection_release(c);
    c = connect_to(database);
    run(c,
        "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%''stays''%' AND "
        "name <> ''",
        NULL, "[{\"n\": 2}]");
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_failed_connection_is_closed(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    int64_t pid = number_of(c, PID);
    assert_int_equal(fails(c, "SELECT 1/0", NULL, NULL), MSEQ_E_DATABASE);
    mseq_connection_release(c);
    c = connect_to(database);
    assert_true(number_of(c, PID) != pid);
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* ---- Ends before the end */

static void test_timeout(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection_limit(c, NULL, 60000);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_connection_limit(c, NULL, 50);
    assert_int_equal(fails(c, "SELECT pg_sleep(60)", NULL, &err), MSEQ_E_TIMEOUT);
    assert_string_equal(err.sqlstate, "57014");
    mseq_connection_release(c);
    c = connect_to(database); /* without the limit */
    run(c, "SELECT pg_sleep(0.1)", NULL, NULL);
    run(c, "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'",
        NULL, "[{\"n\": 0}]");
    /* the server's own */
    mseq_error_clear(&err);
    run_script(c, "SET statement_timeout = 20");
    assert_int_equal(fails(c, "SELECT pg_sleep(60)", NULL, &err), MSEQ_E_TIMEOUT);
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_rollback_after_timeout(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_cancellation *token = mseq_cancellation_new();
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run(c, "CREATE TABLE undone (a int)", NULL, "[]");
    mseq_connection_limit(c, token, 50);
    assert_int_equal(fails(c, "SELECT pg_sleep(60)", NULL, &err), MSEQ_E_TIMEOUT);
    mseq_cancellation_set(token);
    mseq_connection_rollback(c);
    assert_false(mseq_connection_in_transaction(c));
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT 1", NULL, &err), MSEQ_E_CANCELLED);
    mseq_connection_release(c);
    mseq_cancellation_free(token);
    c = connect_to(database);
    run(c, "SELECT to_regclass('undone')::text AS a", NULL, "[{\"a\": null}]");
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void *cancel_when_asleep(void *token) {
    mseq_database *database = NULL;
    mseq_connection *c = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = postgresql_uri();
    mseq_error err = MSEQ_ERROR_INIT;
    int64_t asleep = 0;
    if (mseq_database_open(&options, &database, &err) == MSEQ_OK &&
        mseq_database_connect(database, &c, &err) == MSEQ_OK) {
        while (!asleep) {
            mseq_value *rows = NULL;
            if (mseq_connection_execute(c,
                                        "SELECT count(*) AS n FROM pg_stat_activity WHERE "
                                        "wait_event = 'PgSleep' AND state = 'active'",
                                        NULL, &rows, NULL, &err) != MSEQ_OK)
                break;
            asleep = mseq_object_get_integer(mseq_array_get(rows, 0), "n", 0);
            mseq_value_free(rows);
        }
    }
    mseq_cancellation_set(token);
    mseq_connection_release(c);
    mseq_database_close(database);
    return NULL;
}

static void test_cancellation(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_cancellation *token = mseq_cancellation_new();
    pthread_t thread;
    mseq_connection_limit(c, token, 0);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_asleep, token), 0);
    assert_int_equal(fails(c, "SELECT pg_sleep(60)", NULL, &err), MSEQ_E_CANCELLED);
    pthread_join(thread, NULL);
    mseq_connection_release(c);
    mseq_cancellation_free(token);
    mseq_database_close(database);
}

static mseq_status cancel_at_ten(void *token, const mseq_value *row, mseq_error *err) {
    (void)err;
    if (mseq_object_get_integer(row, "x", 0) == 10)
        mseq_cancellation_set(token);
    return MSEQ_OK;
}

static void test_cancellation_among_rows(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_cancellation *token = mseq_cancellation_new();
    mseq_connection_limit(c, token, 0);
    assert_int_equal(mseq_connection_each(c, "SELECT generate_series(1, 100000000) AS x", NULL,
                                          cancel_at_ten, token, &err),
                     MSEQ_E_CANCELLED);
    mseq_connection_release(c);
    mseq_cancellation_free(token);
    mseq_database_close(database);
}

static mseq_status refuse_row(void *data, const mseq_value *row, mseq_error *err) {
    (void)data;
    (void)row;
    return mseq_error_set(err, MSEQ_E_LIMIT, "enough");
}

/* Rows that nobody wants are many enough for the server to be asked to stop, and end all the same
 * before it does: what comes next must not be stopped instead. */
static void test_late_cancellation(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    for (int i = 0; i < 200; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_connection_each(c, "SELECT generate_series(1, 1010) AS x", NULL,
                                              refuse_row, NULL, &err),
                         MSEQ_E_LIMIT);
        run(c, "SELECT count(*) AS n FROM generate_series(1, 5000)", NULL, "[{\"n\": 5000}]");
    }
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_locks(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri()); /* waits 50 ms for a lock */
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(c, "CREATE TABLE locked (a int)");
    assert_int_equal(mseq_connection_begin(other, true, &err), MSEQ_OK);
    run_script(other, "LOCK TABLE locked");
    assert_int_equal(fails(c, "SELECT * FROM locked", NULL, &err), MSEQ_E_DATABASE_LOCKED);
    assert_string_equal(err.sqlstate, "55P03");
    assert_mentions(err.hint, "holds the lock");
    mseq_connection_rollback(other);
    run_script(other, "DROP TABLE locked");
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
}

/* ---- Servers that go away */

static void assert_gone(const mseq_error *err) {
    assert_int_equal(err->status, MSEQ_E_DATABASE);
    assert_string_equal(err->code, "database_unavailable");
    assert_true(err->hint[0]);
}

static void test_terminated(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    terminate(other, number_of(c, PID));
    assert_int_equal(fails(c, "SELECT 1", NULL, &err), MSEQ_E_DATABASE);
    assert_gone(&err);
    mseq_error_clear(&err);
    assert_int_equal(fails(c, "SELECT 1", NULL, &err), MSEQ_E_DATABASE); /* stays so */
    assert_gone(&err);
    mseq_connection_release(c);
    c = connect_to(database);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    /* in a transaction */
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    int64_t pid = number_of(c, PID);
    terminate(other, pid);
    assert_int_equal(mseq_connection_commit(c, &err), MSEQ_E_DATABASE);
    assert_string_equal(err.code, "commit_unknown");
    assert_mentions(err.message, "is not known");
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
}

static void test_idle_connections_are_replaced(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri()), *second = open_uri(postgresql_uri());
    mseq_connection *list[3], *other = connect_to(second);
    int64_t pids[3];
    for (size_t i = 0; i < 3; i++) {
        list[i] = connect_to(database);
        pids[i] = number_of(list[i], PID);
    }
    for (size_t i = 0; i < 3; i++)
        mseq_connection_release(list[i]);
    for (size_t i = 0; i < 3; i++)
        terminate(other, pids[i]);
    mseq_connection *c = connect_to(database);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
    mseq_database_close(second);
}

typedef struct killing {
    mseq_connection *by;
    int64_t pid, at;
} killing;

static mseq_status kill_at(void *data, const mseq_value *row, mseq_error *err) {
    (void)err;
    const killing *k = data;
    if (mseq_object_get_integer(row, "x", 0) == k->at)
        terminate(k->by, k->pid);
    return MSEQ_OK;
}

static void test_killed_among_rows(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database), *other = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    killing k = {other, number_of(c, PID), 1000};
    mseq_status status = mseq_connection_each(c, "SELECT generate_series(1, 100000000) AS x", NULL,
                                              kill_at, &k, &err);
    assert_int_equal(status, MSEQ_E_DATABASE);
    assert_gone(&err);
    mseq_connection_release(c);
    mseq_connection_release(other);
    mseq_database_close(database);
}

/* A server that does not answer at all, not even to the cancel request. */
static void test_silent_server(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    pid_t pid = (pid_t)number_of(c, PID);
    if (kill(pid, SIGSTOP) != 0) /* another user's process */
        skip();
    mseq_connection_limit(c, NULL, 50);
    mseq_status status = fails(c, "SELECT 1", NULL, &err);
    kill(pid, SIGCONT);
    assert_int_equal(status, MSEQ_E_TIMEOUT);
    mseq_connection_release(c);
    c = connect_to(database);
    run(c, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* A server of its own, which is stopped and started again while a query runs. */
static void *stop_when_asleep(void *command) {
    struct timespec pause = {0, 200 * 1000 * 1000};
    nanosleep(&pause, NULL);
    if (system(command) != 0) // NOLINT(cert-env33-c): a command of our own
        fprintf(stderr, "the server was not stopped\n");
    return NULL;
}

static void server_command(char text[512], const char *folder, const char *command) {
    snprintf(text, 512, "'%s/support/postgresql.sh' %s '%s' >/dev/null 2>&1", MSEQ_SPEC_DIR,
             command, folder);
}

static void test_server_stops(void **state) {
    (void)state;
    char folder[] = "/tmp/mseq-spec-XXXXXX", command[512], uri[256], path[64];
    assert_non_null(mkdtemp(folder));
    server_command(command, folder, "start");
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c)
    snprintf(path, sizeof path, "%s/uri", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(uri, sizeof uri, file));
    fclose(file);
    uri[strcspn(uri, "\n")] = '\0';
    mseq_database *database = open_uri(uri);
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    pthread_t thread;
    server_command(command, folder, "stop");
    assert_int_equal(pthread_create(&thread, NULL, stop_when_asleep, command), 0);
    assert_int_equal(fails(c, "SELECT pg_sleep(60)", NULL, &err), MSEQ_E_DATABASE);
    assert_gone(&err);
    pthread_join(thread, NULL);
    mseq_connection_release(c);
    mseq_error_clear(&err);
    assert_int_equal(mseq_database_connect(database, &c, &err), MSEQ_E_DATABASE);
    assert_gone(&err);
    assert_mentions(err.message, "cannot connect");
    mseq_database_close(database);
}

static void test_connection_limit(void **state) {
    (void)state;
    mseq_database *server = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(server);
    run_script(c,
               "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 2");
    char *uri = mseq_text_format("postgresql://few:few%s", strchr(postgresql_uri(), '@'));
    mseq_database *database = open_uri(uri);
    mseq_connection *first = connect_to(database), *second = connect_to(database), *third = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_database_connect(database, &third, &err), MSEQ_E_DATABASE);
    assert_gone(&err);
    assert_mentions(err.message, "too many connections");
    mseq_connection_release(first);
    third = connect_to(database);
    run(third, "SELECT 1 AS a", NULL, "[{\"a\": 1}]");
    mseq_connection_release(second);
    mseq_connection_release(third);
    mseq_database_close(database);
    free(uri);
    mseq_connection_release(c);
    mseq_database_close(server);
}

/* ---- Much */

static mseq_status add_up(void *sum, const mseq_value *row, mseq_error *err) {
    (void)err;
    *(int64_t *)sum += mseq_object_get_integer(row, "x", 0);
    return MSEQ_OK;
}

static void test_a_million_rows(void **state) {
    (void)state;
    mseq_database *database = open_uri(postgresql_uri());
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    struct rusage before, after;
    int64_t sum = 0;
    run(c, "SELECT 1 AS x", NULL, NULL);
    getrusage(RUSAGE_SELF, &before);
    if (mseq_connection_each(c,
                             "SELECT x, repeat('x', 100) AS t FROM generate_series(1, 1000000) x",
                             NULL, add_up, &sum, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(sum, INT64_C(500000500000));
#ifndef __SANITIZE_ADDRESS__ /* it and valgrind keep freed memory, so that they can't tell */
    if (!RUNNING_ON_VALGRIND)
        assert_true(after.ru_maxrss - before.ru_maxrss <
                    16 * 1024); /* KiB; the rows are over 100 MiB */
#endif
    mseq_connection_release(c);
    mseq_database_close(database);
}

typedef struct work {
    mseq_database *database;
    atomic_int *failures;
    int number;
} work;

static mseq_status transfer(mseq_connection *c, int number, mseq_error *err) {
    mseq_value *parameters = mseq_value_array();
    mseq_status status = mseq_array_add(parameters, mseq_value_integer(number));
    if (status == MSEQ_OK)
        status = mseq_connection_begin(c, true, err);
    if (status == MSEQ_OK)
        status = mseq_connection_execute(c, "UPDATE account SET n = n - 1 WHERE id = $1",
                                         parameters, NULL, NULL, err);
    if (status == MSEQ_OK)
        status = mseq_connection_execute(c, "UPDATE account SET n = n + 1 WHERE id = 100", NULL,
                                         NULL, NULL, err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(c, err);
    mseq_value_free(parameters);
    return status;
}

static void *work_through(void *data) {
    const work *w = data;
    for (int i = 0; i < 50; i++) {
        mseq_connection *c = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        if (mseq_database_connect(w->database, &c, &err) != MSEQ_OK ||
            transfer(c, w->number, &err) != MSEQ_OK) {
            fprintf(stderr, "%s\n", err.message);
            atomic_fetch_add(w->failures, 1);
        }
        mseq_connection_release(c);
    }
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    enum { THREADS = 8 };
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    options.uri = postgresql_uri();
    assert_int_equal(mseq_database_open(&options, &database, &err), MSEQ_OK);
    mseq_connection *c = connect_to(database);
    run_script(
        c, "CREATE TABLE account (id int PRIMARY KEY, n int);"
           "INSERT INTO account SELECT x, 1000 FROM generate_series(0, 7) x; INSERT INTO account "
           "VALUES (100, 0)");
    atomic_int failures = 0;
    pthread_t threads[THREADS];
    work works[THREADS];
    for (int i = 0; i < THREADS; i++) {
        works[i] = (work){database, &failures, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work_through, &works[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    run(c, "SELECT sum(n) AS n FROM account", NULL, "[{\"n\": 8000}]");
    run(c, "SELECT n FROM account WHERE id = 100", NULL, "[{\"n\": 400}]");
    run_script(c, "DROP TABLE account");
    mseq_connection_release(c);
    mseq_database_close(database);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_prepared_statements_stay),
        cmocka_unit_test(test_failed_connection_is_closed),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_rollback_after_timeout),
        cmocka_unit_test(test_cancellation),
        cmocka_unit_test(test_cancellation_among_rows),
        cmocka_unit_test(test_late_cancellation),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_terminated),
        cmocka_unit_test(test_idle_connections_are_replaced),
        cmocka_unit_test(test_killed_among_rows),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_server_stops),
        cmocka_unit_test(test_connection_limit),
        cmocka_unit_test(test_a_million_rows),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
