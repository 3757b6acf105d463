/* SPDX-License-Identifier: MIT
 * Room `database`: the mark of a database, which is another one after every commit, whoever made
 * it. */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>

#include "database_helpers.h"

typedef struct place {
    char folder[64];
    char uri[128];
    mseq_database *database;
    mseq_connection *watcher, *writer;
} place;

static place *new_folder(void) {
    place *made = calloc(1, sizeof *made);
    assert_non_null(made);
    snprintf(made->folder, sizeof made->folder, "%s", "/tmp/mseq-mark-XXXXXX");
    assert_non_null(mkdtemp(made->folder));
    snprintf(made->uri, sizeof made->uri, "sqlite:///%s/a.sqlite", made->folder);
    return made;
}

static void open_place(place *made) {
    made->database = open_uri(made->uri);
    made->watcher = connect_to(made->database);
    made->writer = connect_to(made->database);
    run_script(made->writer, "CREATE TABLE t (n INTEGER)");
}

static int set_up(void **state) {
    place *made = new_folder();
    open_place(made);
    *state = made;
    return 0;
}

static int tear_down(void **state) {
    place *made = *state;
    char command[128];
    mseq_connection_release(made->watcher);
    mseq_connection_release(made->writer);
    mseq_database_close(made->database);
    snprintf(command, sizeof command, "rm -rf %s", made->folder);
    free(made);
    return system(command); // NOLINT(cert-env33-c): a name of our own
}

static mseq_database_mark mark_of(const mseq_connection *connection) {
    mseq_database_mark mark;
    assert_true(mseq_connection_mark(connection, &mark));
    return mark;
}

static bool same(const mseq_database_mark *a, const mseq_database_mark *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Whether the mark of the watcher is another one than before; *mark becomes the one of now. */
static bool moved(const place *made, mseq_database_mark *mark) {
    mseq_database_mark now = mark_of(made->watcher), writers = mark_of(made->writer);
    bool other = !same(&now, mark);
    assert_true(same(&now, &writers)); /* one database, one mark */
    *mark = now;
    return other;
}

static void test_commits(void **state) {
    const place *made = *state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database_mark mark = mark_of(made->watcher);
    run(made->watcher, "SELECT n FROM t", NULL, "[]");
    run(made->writer, "SELECT n FROM t", NULL, "[]");
    assert_false(moved(made, &mark));
    run(made->writer, "INSERT INTO t VALUES (1)", NULL, NULL);
    assert_true(moved(made, &mark));
    run(made->watcher, "INSERT INTO t VALUES (2)", NULL, NULL);
    assert_true(moved(made, &mark));
    assert_int_equal(mseq_connection_begin(made->writer, true, &err), MSEQ_OK);
    run(made->writer, "INSERT INTO t VALUES (3)", NULL, NULL);
    assert_false(moved(made, &mark)); /* not committed */
    assert_int_equal(mseq_connection_commit(made->writer, &err), MSEQ_OK);
    assert_true(moved(made, &mark));
    assert_int_equal(mseq_connection_begin(made->writer, true, &err), MSEQ_OK);
    run(made->writer, "DELETE FROM t", NULL, NULL);
    mseq_connection_rollback(made->writer);
    assert_false(moved(made, &mark));
    run(made->watcher, "SELECT count(*) AS n FROM t", NULL, "[{\"n\": 3}]");
}

/* A row that is put back and a journal that begins anew make no earlier mark again. */
static void test_same_content(void **state) {
    enum { TIMES = 40 };
    const place *made = *state;
    mseq_database_mark marks[TIMES];
    for (int i = 0; i < TIMES; i++) {
        run(made->writer, i % 2 ? "DELETE FROM t" : "INSERT INTO t VALUES (1)", NULL, NULL);
        if (i % 5 == 4)
            run(made->writer, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL);
        marks[i] = mark_of(made->watcher);
        for (int before = 0; before < i; before++)
            assert_false(same(&marks[before], &marks[i]));
    }
}

/* Another process writes a row for each byte that it reads, by SQLite alone as any program may, and
 * answers with one. It is begun before this one opens the file: what SQLite has open does not go
 * through a fork. */
static pid_t begin_writer(place *made, int commands[2], int answers[2]) {
    assert_int_equal(pipe(commands), 0);
    assert_int_equal(pipe(answers), 0);
    pid_t child = fork();
    if (child != 0) {
        close(commands[0]);
        close(answers[1]);
        return child;
    }
    char path[128], byte;
    bool good = true;
    close(commands[1]);
    snprintf(path, sizeof path, "%s/a.sqlite", made->folder);
    free(made);
    while (good && read(commands[0], &byte, 1) == 1) {
        sqlite3 *db = NULL;
        good = sqlite3_open(path, &db) == SQLITE_OK &&
               sqlite3_exec(db, "INSERT INTO t VALUES (7)", NULL, NULL, NULL) == SQLITE_OK;
        sqlite3_close(db);
        good = good && write(answers[1], &byte, 1) == 1;
    }
    _exit(good ? 0 : 1);
}

static void test_other_process(void **state) {
    int commands[2], answers[2];
    char byte = 'w';
    place *made = new_folder();
    void *given = made;
    (void)state;
    pid_t child = begin_writer(made, commands, answers);
    open_place(made);
    mseq_database_mark mark = mark_of(made->watcher);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(commands[1], &byte, 1), 1);
        assert_int_equal(read(answers[0], &byte, 1), 1);
        assert_true(moved(made, &mark));
        assert_false(moved(made, &mark));
    }
    close(commands[1]);
    close(answers[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(tear_down(&given), 0);
}

static void test_none(void **state) {
    const place *made = *state;
    mseq_database_mark mark = {{1}}, before = mark;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_database *read_only = NULL, *memory = open_uri("sqlite://");
    mseq_error err = MSEQ_ERROR_INIT;
    options.uri = made->uri;
    options.read_only = true;
    assert_int_equal(mseq_database_open(&options, &read_only, &err), MSEQ_OK);
    mseq_connection *readers = connect_to(read_only), *in_memory = connect_to(memory);
    assert_false(mseq_connection_mark(readers, &mark));
    assert_false(mseq_connection_mark(in_memory, &mark));
    assert_true(same(&mark, &before));
    mseq_connection_release(readers);
    mseq_connection_release(in_memory);
    mseq_database_close(read_only);
    mseq_database_close(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_content, set_up, tear_down),
        cmocka_unit_test(test_other_process),
        cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
