/* SPDX-License-Identifier: MIT
 * One-row select by key and one-row upsert through mseq_connection_run_governed, beside bare
 * sqlite3 with a statement prepared once. Unit: microseconds a call, best of five rounds. The bare
 * side reads its columns, as any caller would. Each runs on a database of its own in one temporary
 * folder: memory shows the work of the CPU, a file the commit. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mainsequence/database.h"

static const char SCHEMA[] = "CREATE TABLE asset (uid TEXT PRIMARY KEY, symbol TEXT NOT NULL, "
                             "price REAL, quantity INTEGER)";
static const char SELECT[] = "SELECT asset.uid, asset.symbol, asset.price, asset.quantity FROM "
                             "asset WHERE asset.uid = ?1";
static const char UPSERT[] = "INSERT INTO asset (uid, symbol, price, quantity) VALUES (?1, ?2, ?3, "
                             "?4) ON CONFLICT (uid) DO UPDATE SET symbol = excluded.symbol, price "
                             "= excluded.price, quantity = excluded.quantity";
enum { ROWS = 1000, ROUNDS = 5 };

static void fail(const char *what) {
    fprintf(stderr, "bench_database: %s\n", what);
    exit(1); // NOLINT(concurrency-mt-unsafe)
}

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void key_of(int row, char key[40]) {
    snprintf(key, 40, "00000000-0000-4000-8000-%012d", row);
}

/* ---- bare sqlite3 */

typedef struct bare {
    sqlite3 *db;
    sqlite3_stmt *select, *upsert;
    long long sum;
} bare;

static void bare_open(bare *b, const char *name) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(name, &b->db, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(b->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(b->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(b->db, SCHEMA, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(b->db, SELECT, -1, &b->select, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(b->db, UPSERT, -1, &b->upsert, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(b->db));
}

static void bare_upsert(void *data, int row) {
    bare *b = data;
    char key[40];
    key_of(row, key);
    sqlite3_bind_text(b->upsert, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(b->upsert, 2, "BTC", -1, SQLITE_STATIC);
    sqlite3_bind_double(b->upsert, 3, 1.5);
    sqlite3_bind_int64(b->upsert, 4, row);
    if (sqlite3_step(b->upsert) != SQLITE_DONE)
        fail(sqlite3_errmsg(b->db));
    sqlite3_reset(b->upsert);
}

static void bare_select(void *data, int row) {
    bare *b = data;
    char key[40];
    key_of(row, key);
    sqlite3_bind_text(b->select, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_step(b->select) != SQLITE_ROW)
        fail("no row");
    b->sum += sqlite3_column_bytes(b->select, 0) + sqlite3_column_text(b->select, 1)[0] +
              (long long)sqlite3_column_double(b->select, 2) + sqlite3_column_int64(b->select, 3);
    if (sqlite3_step(b->select) != SQLITE_DONE)
        fail("more rows");
    sqlite3_reset(b->select);
}

/* ---- governed */

typedef struct ours {
    mseq_connection *connection;
    mseq_value *key;
    long long sum;
} ours;

static void ours_open(ours *o, const char *uri) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = uri;
    if (mseq_database_open(&options, &database, &err) != MSEQ_OK ||
        mseq_database_connect(database, &o->connection, &err) != MSEQ_OK ||
        mseq_connection_execute(o->connection, SCHEMA, NULL, NULL, NULL, &err) != MSEQ_OK)
        fail(err.message);
    mseq_database_close(database);
}

static mseq_value *parameters_of(int row, bool all) {
    char key[40];
    key_of(row, key);
    mseq_value *list = mseq_value_array();
    if (mseq_array_add(list, mseq_value_string(key)) != MSEQ_OK ||
        (all && (mseq_array_add(list, mseq_value_string("BTC")) != MSEQ_OK ||
                 mseq_array_add(list, mseq_value_float(1.5)) != MSEQ_OK ||
                 mseq_array_add(list, mseq_value_integer(row)) != MSEQ_OK)))
        fail("memory");
    return list;
}

static void ours_run(ours *o, const char *operation, const char *sql, int row) {
    static const mseq_governed_table scope[] = {{"asset", MSEQ_ACCESS_WRITE, NULL}};
    bool upsert = sql == UPSERT;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_governed_result result;
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    mseq_value *parameters = parameters_of(row, upsert);
    statement.operation = operation;
    statement.sql = sql;
    statement.sql_length = strlen(sql);
    statement.parameters = parameters;
    statement.tables = scope;
    statement.table_count = 1;
    statement.max_rows = 1000;
    statement.timeout_ms = 30000;
    if (mseq_connection_run_governed(o->connection, &statement, &result, &err) != MSEQ_OK)
        fail(err.message);
    if (!upsert && mseq_value_length(result.rows) != 1)
        fail("not one row");
    o->sum += result.affected;
    mseq_value_free(result.rows);
    mseq_value_free(parameters);
}

static void ours_upsert(void *data, int row) {
    ours_run(data, "upsert", UPSERT, row);
}

static void ours_select(void *data, int row) {
    ours_run(data, "select", SELECT, row);
}

/* ---- measuring */

static double measure(void (*call)(void *, int), void *data, int calls) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_us();
        for (int i = 0; i < calls; i++)
            call(data, (i * 7919) % ROWS);
        double each = (now_us() - start) / calls;
        best = each < best ? each : best;
    }
    return best;
}

static void compare(const char *what, bare *b, void (*bare_call)(void *, int), ours *o,
                    void (*our_call)(void *, int), int calls) {
    double theirs = measure(bare_call, b, calls), mine = measure(our_call, o, calls);
    printf("%-28s bare sqlite3 %8.2f us   governed %8.2f us   ratio %.2f\n", what, theirs, mine,
           mine / theirs);
}

static void bench(const char *place, const char *bare_name, const char *uri, int upserts) {
    bare b = {NULL, NULL, NULL, 0};
    ours o = {NULL, NULL, 0};
    char what[64];
    bare_open(&b, bare_name);
    ours_open(&o, uri);
    for (int i = 0; i < ROWS; i++) {
        bare_upsert(&b, i);
        ours_upsert(&o, i);
    }
    snprintf(what, sizeof what, "select by key, %s", place);
    compare(what, &b, bare_select, &o, ours_select, 20000);
    snprintf(what, sizeof what, "upsert one row, %s", place);
    compare(what, &b, bare_upsert, &o, ours_upsert, upserts);
    sqlite3_finalize(b.select);
    sqlite3_finalize(b.upsert);
    sqlite3_close(b.db);
    mseq_connection_release(o.connection);
}

int main(void) {
    char folder[] = "/tmp/mseq-bench-XXXXXX", bare_file[64], uri[64], command[64];
    if (!mkdtemp(folder))
        fail("no temporary folder");
    snprintf(bare_file, sizeof bare_file, "%s/bare.db", folder);
    snprintf(uri, sizeof uri, "sqlite:///%s/ours.db", folder);
    bench("memory", "file:/bench-bare?vfs=memdb", "sqlite://", 20000);
    bench("file", bare_file, uri, 500);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1; // NOLINT(cert-env33-c,concurrency-mt-unsafe)
}
