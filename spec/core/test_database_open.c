/* SPDX-License-Identifier: MIT
 * Room `database`: the SQLite driver: its pool and threads, the URIs it takes, files that are not
 * as they should be. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "sqlite_helpers.h"

/* ---- Pool and threads */

static void test_pool(void **state) {
    (void)state;
    mseq_database *database = open_file("pool.db");
    mseq_connection *a = connect_to(database);
    run(a, "CREATE TABLE t (a)", NULL, NULL);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_begin(a, true, &err), MSEQ_OK);
    run(a, "INSERT INTO t VALUES (1)", NULL, NULL);
    mseq_connection_release(a); /* rolls back */
    mseq_connection *b = connect_to(database);
    assert_ptr_equal(a, b);
    run(b, "SELECT * FROM t", NULL, "[]");
    /* settings do not reach the next user */
    run(b, "PRAGMA foreign_keys = OFF", NULL, NULL);
    run(b, "CREATE TEMP TABLE mine (a)", NULL, NULL);
    mseq_connection_release(b);
    mseq_connection *c = connect_to(database);
    run(c, "PRAGMA foreign_keys", NULL, "[{\"foreign_keys\": 1}]");
    assert_int_equal(fails(c, "SELECT * FROM mine", NULL, &err), MSEQ_E_DATABASE);
    /* a connection outlives the handle of its database */
    mseq_database_close(database);
    run(c, "SELECT * FROM t", NULL, "[]");
    mseq_connection_release(c);
}

typedef struct worker {
    mseq_database *database;
    int failures;
} worker;

static void *insert_rows(void *data) {
    worker *w = data;
    for (int i = 0; i < 20; i++) {
        mseq_connection *c = NULL;
        if (mseq_database_connect(w->database, &c, NULL) != MSEQ_OK ||
            mseq_connection_begin(c, true, NULL) != MSEQ_OK ||
            mseq_connection_execute(c, "UPDATE t SET a = a + 1", NULL, NULL, NULL, NULL) !=
                MSEQ_OK ||
            mseq_connection_commit(c, NULL) != MSEQ_OK)
            w->failures++;
        mseq_connection_release(c);
    }
    return NULL;
}

static void check_threads(mseq_database *database) {
    enum { THREADS = 4 };
    mseq_connection *c = connect_to(database);
    run(c, "CREATE TABLE t (a)", NULL, NULL);
    run(c, "INSERT INTO t VALUES (0)", NULL, NULL);
    pthread_t threads[THREADS];
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){database, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, insert_rows, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    run(c, "SELECT a FROM t", NULL, "[{\"a\": 80}]");
    mseq_connection_release(c);
}

static void test_threads(void **state) {
    (void)state;
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    assert_int_equal(open_with(options, "threads.db", &database, NULL), MSEQ_OK);
    check_threads(database);
    mseq_database_close(database);
    options.uri = "sqlite://";
    assert_int_equal(mseq_database_open(&options, &database, NULL), MSEQ_OK);
    check_threads(database);
    mseq_database_close(database);
}

static void test_memory_is_one_database(void **state) {
    (void)state;
    mseq_database *database = open_uri("sqlite://"), *stranger = open_uri("sqlite://");
    mseq_connection *a = connect_to(database), *b = connect_to(database);
    mseq_connection *c = connect_to(stranger);
    run(a, "CREATE TABLE t (a)", NULL, NULL);
    run(b, "INSERT INTO t VALUES (1)", NULL, NULL);
    run(a, "SELECT * FROM t", NULL, "[{\"a\": 1}]");
    run(c, "SELECT * FROM sqlite_schema", NULL, "[]");
    mseq_connection_release(a);
    mseq_connection_release(b);
    mseq_connection_release(c);
    mseq_connection *again = connect_to(database);
    run(again, "SELECT * FROM t", NULL, "[{\"a\": 1}]");
    mseq_connection_release(again);
    mseq_database_close(database);
    mseq_database_close(stranger);
}

/* ---- Opening */

static void test_uris(void **state) {
    (void)state;
    static const struct {
        const char *uri;
        mseq_status status;
        const char *message;
    } cases[] = {
#ifndef MSEQ_WITH_POSTGRESQL
        {"postgresql://u:secret@h/d", MSEQ_E_DATABASE, "no PostgreSQL driver"},
#endif
        {"mysql://u:secret@h/d", MSEQ_E_ARGUMENT, "unknown scheme 'mysql'"},
        {"sqlite:relative.db", MSEQ_E_ARGUMENT, "not of SQLite's form"},
        {"nothing", MSEQ_E_ARGUMENT, "unknown scheme"},
        {"sqlite:////nowhere/at/all.db", MSEQ_E_DATABASE, "/nowhere/at/all.db"},
        {"sqlite:////tmp", MSEQ_E_DATABASE, "/tmp"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_database *database = NULL;
        mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
        options.uri = cases[i].uri;
        assert_int_equal(mseq_database_open(&options, &database, &err), cases[i].status);
        assert_null(database);
        assert_mentions(err.message, cases[i].message);
        assert_null(strstr(err.message, "secret"));
    }
}

static void test_file(void **state) {
    (void)state;
    mode_t before = umask(0);
    mseq_database *database = open_file("with space%20and?mark.db");
    umask(before);
    mseq_connection *c = connect_to(database);
    run(c, "CREATE TABLE t (a)", NULL, NULL);
    run(c, "PRAGMA journal_mode", NULL, "[{\"journal_mode\": \"wal\"}]");
    struct stat facts;
    char path[128];
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/with space%%20and?mark.db%s", folder, suffixes[i]);
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 0777, 0600);
    }
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_relative_path(void **state) {
    (void)state;
    char here[512];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = "sqlite:///relative.db";
    assert_int_equal(mseq_database_open(&options, &database, NULL), MSEQ_OK);
    assert_int_equal(chdir(here), 0);
    /* two connections: the second is opened after the folder changed */
    mseq_connection *a = connect_to(database), *b = connect_to(database);
    run(a, "CREATE TABLE t (a)", NULL, NULL);
    run(b, "SELECT * FROM t", NULL, "[]");
    mseq_connection_release(a);
    mseq_connection_release(b);
    mseq_database_close(database);
}

static void test_must_exist(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.must_exist = true;
    assert_int_equal(open_with(options, "missing.db", &database, &err), MSEQ_E_DATABASE);
    assert_string_equal(err.code, "database_missing");
    assert_mentions(err.message, "missing.db' does not exist");
    options.must_exist = false;
    options.read_only = true;
    mseq_error_clear(&err);
    assert_int_equal(open_with(options, "missing.db", &database, &err), MSEQ_E_DATABASE);
    assert_string_equal(err.code, "database_missing");
}

static void test_read_only(void **state) {
    (void)state;
    mseq_database *database = open_file("read.db");
    mseq_connection *c = connect_to(database);
    run(c, "CREATE TABLE t (a)", NULL, NULL);
    mseq_connection_release(c);
    mseq_database_close(database);
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.read_only = true;
    assert_int_equal(open_with(options, "read.db", &database, NULL), MSEQ_OK);
    c = connect_to(database);
    run(c, "SELECT * FROM t", NULL, "[]");
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(fails(c, "INSERT INTO t VALUES (1)", NULL, &err), MSEQ_E_DATABASE_READ_ONLY);
    assert_mentions(err.message, "read.db");
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_E_DATABASE_READ_ONLY);
    mseq_error_clear(&err);
    assert_int_equal(mseq_connection_begin(c, false, &err), MSEQ_OK);
    mseq_connection_release(c);
    mseq_database_close(database);
}

static void test_not_a_database(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/text.db", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 200; i++)
        fputs("this is no database at all\n", file);
    fclose(file);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    assert_int_equal(open_with(options, "text.db", &database, &err), MSEQ_E_DATABASE);
    assert_mentions(err.message, "text.db");
    assert_mentions(err.message, "not a database");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_memory_is_one_database),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_relative_path),
        cmocka_unit_test(test_must_exist),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_not_a_database),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
