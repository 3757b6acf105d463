/* SPDX-License-Identifier: MIT
 * Room `database` on storage that fails: a disk that is full (by max_page_count and by a file
 * system that refuses the n-th write), reads and syncs that fail, files that are damaged. After
 * each failure the file holds all of a transaction or nothing. */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database_helpers.h"

/* ---- A file system of SQLite's that fails: every call goes to the real one, after a countdown */

static sqlite3_vfs *real_vfs;
static sqlite3_vfs failing_vfs;
static struct {
    long writes, syncs, reads; /* that still succeed; negative: all */
    int write_error;
} left = {-1, -1, -1, SQLITE_FULL};

typedef struct failing_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
} failing_file;

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((failing_file *)file)->real;
}

static bool spent(long *count) {
    if (*count < 0)
        return false;
    return *count == 0 || (*count)-- == 0;
}

static int file_close(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}
static int file_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at) {
    if (spent(&left.reads))
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), to, size, at);
}
static int file_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at) {
    if (spent(&left.writes))
        return left.write_error;
    return real_of(file)->pMethods->xWrite(real_of(file), from, size, at);
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}
static int file_sync(sqlite3_file *file, int flags) {
    if (spent(&left.syncs))
        return SQLITE_IOERR_FSYNC;
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}
static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
static int file_lock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}
static int file_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
static int file_check_lock(sqlite3_file *file, int *held) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}
static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
static int file_sector(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}
static int file_features(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}
static int shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
static void shm_barrier(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}
static int shm_unmap(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods failing_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_features,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags) {
    (void)vfs;
    failing_file *failing = (failing_file *)file;
    failing->real = (sqlite3_file *)(failing + 1);
    int code = real_vfs->xOpen(real_vfs, name, failing->real, flags, out_flags);
    failing->base.pMethods = failing->real->pMethods ? &failing_methods : NULL;
    return code;
}

static char folder[] = "/tmp/mseq-faults-XXXXXX";

static int install(void **state) {
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    failing_vfs = *real_vfs;
    failing_vfs.zName = "failing";
    failing_vfs.szOsFile = (int)sizeof(failing_file) + real_vfs->szOsFile;
    failing_vfs.xOpen = vfs_open;
    failing_vfs.pNext = NULL;
    if (sqlite3_vfs_register(&failing_vfs, 1) != SQLITE_OK)
        return -1;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); // NOLINT(cert-env33-c): a name of our own
}

/* ---- Helpers */

static mseq_database *open_file(const char *name) {
    char *uri = mseq_text_format("sqlite:///%s/%s", folder, name);
    mseq_database *database = open_uri(uri);
    free(uri);
    return database;
}

static void heal(void) {
    left.writes = left.syncs = left.reads = -1;
    left.write_error = SQLITE_FULL;
}

static const char FILL[] =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) "
    "INSERT INTO t SELECT NULL, printf('%.*c', 400, 'x') FROM n";

/* ---- A full disk */

static void test_max_page_count(void **state) {
    (void)state;
    mseq_database *database = open_file("pages.db");
    mseq_connection *c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); PRAGMA max_page_count = 6");
    assert_int_equal(mseq_connection_begin(c, true, &err), MSEQ_OK);
    run(c, "INSERT INTO t VALUES (1, 'before')", NULL, NULL);
    assert_int_equal(fails(c, FILL, NULL, &err), MSEQ_E_DATABASE_FULL);
    assert_mentions(err.message, "pages.db");
    assert_mentions(err.message, "full");
    mseq_connection_rollback(c);
    run(c, "SELECT count(*) AS n FROM t", NULL, "[{\"n\": 0}]");
    run_script(c, "PRAGMA max_page_count = 100000");
    run(c, FILL, NULL, NULL);
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* One transaction on a file whose n-th write or sync fails. True when nothing failed. */
static bool fails_at(long writes, long syncs, int write_error, mseq_status expected) {
    char path[96];
    snprintf(path, sizeof path, "%s/fault.db", folder);
    mseq_database *database = open_file("fault.db");
    mseq_connection *c = connect_to(database);
    run_script(c, "DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT);"
                  "INSERT INTO t VALUES (1, 'before')");
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_begin(c, true, &err);
    assert_int_equal(status, MSEQ_OK);
    left.writes = writes;
    left.syncs = syncs;
    left.write_error = write_error;
    status = mseq_connection_execute(c, FILL, NULL, NULL, NULL, &err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(c, &err);
    bool reached = left.writes == 0 || left.syncs == 0;
    mseq_connection_release(c); /* rolls back while the storage still fails */
    heal();
    if (status != MSEQ_OK) {
        assert_int_equal(status, expected);
        assert_mentions(err.message, "fault.db");
    }
    c = connect_to(database);
    /* a commit whose sync failed may have reached the file: then all of it did */
    const char *count = syncs >= 0 && status != MSEQ_OK
                            ? "SELECT iif(count(*) IN (1, 61), 1, -1) AS n FROM t"
                            : "SELECT count(*) AS n FROM t";
    run(c, count, NULL, status == MSEQ_OK ? "[{\"n\": 61}]" : "[{\"n\": 1}]");
    run(c, "PRAGMA integrity_check", NULL, "[{\"integrity_check\": \"ok\"}]");
    mseq_connection_release(c);
    mseq_database_close(database);
    return !reached;
}

static void test_failing_writes(void **state) {
    (void)state;
    long n = 0;
    while (!fails_at(n, -1, SQLITE_FULL, MSEQ_E_DATABASE_FULL))
        n++;
    assert_true(n > 5);
    for (n = 0; !fails_at(n, -1, SQLITE_IOERR_WRITE, MSEQ_E_DATABASE);)
        n++;
    assert_true(n > 5);
}

static void test_failing_syncs(void **state) {
    (void)state;
    long n = 0;
    while (!fails_at(-1, n, SQLITE_FULL, MSEQ_E_DATABASE))
        n++;
    assert_true(n > 0);
}

static void test_failing_reads(void **state) {
    (void)state;
    mseq_database *database = open_file("reads.db");
    mseq_connection *c = connect_to(database);
    run_script(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)");
    run(c, FILL, NULL, NULL);
    run_script(c, "PRAGMA wal_checkpoint(TRUNCATE)");
    mseq_connection_release(c);
    mseq_database_close(database);
    bool read = false;
    for (long n = 0; !read; n++) {
        char *uri = mseq_text_format("sqlite:///%s/reads.db", folder);
        mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
        options.uri = uri;
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_value *rows = NULL;
        database = NULL;
        left.reads = n;
        mseq_status status = mseq_database_open(&options, &database, &err);
        if (status == MSEQ_OK)
            status = mseq_database_connect(database, &c, &err);
        if (status == MSEQ_OK) {
            status = mseq_connection_execute(c, "SELECT s FROM t", NULL, &rows, NULL, &err);
            mseq_connection_release(c);
        }
        mseq_database_close(database);
        read = left.reads > 0;
        heal();
        if (status == MSEQ_OK)
            assert_int_equal(mseq_value_length(rows), 60);
        else
            assert_int_equal(status, MSEQ_E_DATABASE);
        mseq_value_free(rows);
        free(uri);
        assert_true(n < 1000);
    }
}

/* A connection that saw such an error does not go back to the pool. */
static void test_serious_errors_leave_the_pool(void **state) {
    (void)state;
    mseq_database *database = open_file("pool.db");
    mseq_connection *c = connect_to(database);
    run_script(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)");
    mseq_connection_release(c);
    c = connect_to(database);
    mseq_error err = MSEQ_ERROR_INIT;
    left.writes = 0;
    left.write_error = SQLITE_IOERR_WRITE;
    assert_int_equal(fails(c, FILL, NULL, &err), MSEQ_E_DATABASE);
    heal();
    mseq_connection_release(c);
    mseq_connection *next = connect_to(database);
    run(next, FILL, NULL, NULL);
    mseq_connection_release(next);
    mseq_database_close(database);
}

static void test_governed_on_a_full_disk(void **state) {
    (void)state;
    static const mseq_governed_table scope[] = {{"t", MSEQ_ACCESS_WRITE, NULL}};
    mseq_database *database = open_file("governed.db");
    mseq_connection *c = connect_to(database);
    run_script(c, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)");
    for (int returning = 0; returning < 2; returning++) {
        char sql[256];
        snprintf(sql, sizeof sql, "INSERT INTO t SELECT NULL, printf('%%.*c', 9000, 'x')%s",
                 returning ? " RETURNING id" : "");
        mseq_governed_statement s = MSEQ_GOVERNED_STATEMENT_INIT;
        s.operation = "insert";
        s.sql = sql;
        s.sql_length = strlen(sql);
        s.tables = scope;
        s.table_count = 1;
        s.max_rows = 10;
        mseq_governed_result result = {.rows = NULL};
        mseq_error err = MSEQ_ERROR_INIT;
        left.writes = 1;
        assert_int_equal(mseq_connection_run_governed(c, &s, &result, &err), MSEQ_E_DATABASE_FULL);
        heal();
        assert_null(strstr(err.message, folder));
        run(c, "SELECT count(*) AS n FROM t", NULL, "[{\"n\": 0}]");
        assert_int_equal(mseq_connection_run_governed(c, &s, &result, NULL), MSEQ_OK);
        mseq_value_free(result.rows);
        run(c, "DELETE FROM t", NULL, NULL);
    }
    mseq_connection_release(c);
    mseq_database_close(database);
}

/* ---- Damage */

static void damage(const char *name, long at, const char *bytes, size_t size) {
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_corrupt_pages(void **state) {
    (void)state;
    char junk[4096];
    memset(junk, 0x5A, sizeof junk);
    for (long page = 0; page < 3; page++) {
        mseq_database *database = open_file("corrupt.db");
        mseq_connection *c = connect_to(database);
        run_script(c, "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, s TEXT)");
        run(c, FILL, NULL, NULL);
        run_script(c, "PRAGMA wal_checkpoint(TRUNCATE)");
        mseq_connection_release(c);
        mseq_database_close(database);
        damage("corrupt.db", page * 4096 + (page == 0 ? 100 : 0), junk, 3000);
        char *uri = mseq_text_format("sqlite:///%s/corrupt.db", folder);
        mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
        options.uri = uri;
        mseq_error err = MSEQ_ERROR_INIT;
        database = NULL;
        mseq_status status = mseq_database_open(&options, &database, &err);
        if (status == MSEQ_OK)
            status = mseq_database_connect(database, &c, &err);
        if (status == MSEQ_OK) {
            status = fails(c, "SELECT sum(length(s)) FROM t", NULL, &err);
            mseq_metadata *metadata = NULL; /* an error or not: no crash */
            if (mseq_connection_reflect(c, NULL, &metadata, NULL) == MSEQ_OK)
                mseq_metadata_free(metadata);
            mseq_connection_release(c);
        }
        mseq_database_close(database);
        assert_int_equal(status, MSEQ_E_DATABASE);
        assert_mentions(err.message, "corrupt.db");
        assert_mentions(err.message, "malformed");
        char path[96];
        snprintf(path, sizeof path, "%s/corrupt.db", folder);
        assert_int_equal(unlink(path), 0);
        free(uri);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_page_count),
        cmocka_unit_test(test_failing_writes),
        cmocka_unit_test(test_failing_syncs),
        cmocka_unit_test(test_failing_reads),
        cmocka_unit_test(test_serious_errors_leave_the_pool),
        cmocka_unit_test(test_governed_on_a_full_disk),
        cmocka_unit_test(test_corrupt_pages),
    };
    return cmocka_run_group_tests(tests, install, remove_folder);
}
