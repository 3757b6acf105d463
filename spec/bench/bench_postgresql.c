/* SPDX-License-Identifier: MIT
 * The PostgreSQL driver beside bare libpq with statements prepared once, on one connection to the
 * server whose URI is the first argument (spec/support/postgresql.sh start DIR prints one). Units:
 * microseconds a call for one row by key, one upsert and a transaction of one upsert; microseconds
 * a row for reading many. Best of five rounds; the two sides take turns. The bare side reads its
 * columns, as any caller would. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mainsequence/database.h"

static const char SCHEMA[] = "DROP TABLE IF EXISTS bench_asset; CREATE TABLE bench_asset (uid uuid "
                             "PRIMARY KEY, symbol text NOT NULL, price float8, quantity bigint)";
static const char SELECT[] = "SELECT uid, symbol, price, quantity FROM bench_asset WHERE uid = $1";
static const char UPSERT[] =
    "INSERT INTO bench_asset (uid, symbol, price, quantity) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "(uid) DO UPDATE SET symbol = excluded.symbol, price = excluded.price, quantity = "
    "excluded.quantity";
static const char MANY[] = "SELECT x AS quantity, 'BTC' AS symbol, x * 1.5::float8 AS price FROM "
                           "generate_series(1, 100000) x";
enum { CALLS = 2000, MANY_ROWS = 100000, ROUNDS = 5 };

static void fail(const char *what) {
    fprintf(stderr, "bench_postgresql: %s\n", what);
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

typedef struct sides {
    PGconn *bare;
    mseq_connection *ours;
    double sum;
} sides;

/* ---- bare libpq */

static void check(PGconn *bare, PGresult *result, ExecStatusType wanted) {
    if (PQresultStatus(result) != wanted)
        fail(PQerrorMessage(bare));
    PQclear(result);
}

static void bare_open(sides *s, const char *uri) {
    s->bare = PQconnectdb(uri);
    if (PQstatus(s->bare) != CONNECTION_OK)
        fail(PQerrorMessage(s->bare));
    PQsetNoticeProcessor(s->bare, NULL, NULL);
    check(s->bare, PQexec(s->bare, "SET client_min_messages = warning"), PGRES_COMMAND_OK);
    check(s->bare, PQexec(s->bare, SCHEMA), PGRES_COMMAND_OK);
    check(s->bare, PQprepare(s->bare, "select", SELECT, 0, NULL), PGRES_COMMAND_OK);
    check(s->bare, PQprepare(s->bare, "upsert", UPSERT, 0, NULL), PGRES_COMMAND_OK);
    check(s->bare, PQprepare(s->bare, "many", MANY, 0, NULL), PGRES_COMMAND_OK);
}

static void bare_select(sides *s, int row) {
    char key[40];
    const char *values[] = {key};
    key_of(row, key);
    PGresult *result = PQexecPrepared(s->bare, "select", 1, values, NULL, NULL, 0);
    if (PQntuples(result) != 1)
        fail("no row");
    s->sum += strtod(PQgetvalue(result, 0, 2), NULL) +
              (double)strtoll(PQgetvalue(result, 0, 3), NULL, 10);
    PQclear(result);
}

static void bare_upsert(sides *s, int row) {
    char key[40], number[16];
    const char *values[] = {key, "BTC", "1.5", number};
    key_of(row, key);
    snprintf(number, sizeof number, "%d", row);
    check(s->bare, PQexecPrepared(s->bare, "upsert", 4, values, NULL, NULL, 0), PGRES_COMMAND_OK);
}

static void bare_transaction(sides *s, int row) {
    check(s->bare, PQexec(s->bare, "BEGIN"), PGRES_COMMAND_OK);
    bare_upsert(s, row);
    check(s->bare, PQexec(s->bare, "COMMIT"), PGRES_COMMAND_OK);
}

static void bare_many(sides *s, int row) {
    (void)row;
    if (!PQsendQueryPrepared(s->bare, "many", 0, NULL, NULL, NULL, 0) ||
        !PQsetSingleRowMode(s->bare))
        fail(PQerrorMessage(s->bare));
    for (PGresult *result; (result = PQgetResult(s->bare));) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            s->sum += strtod(PQgetvalue(result, 0, 2), NULL);
        PQclear(result);
    }
}

/* ---- ours */

static void ours_open(sides *s, const char *uri) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database *database = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = uri;
    if (mseq_database_open(&options, &database, &err) != MSEQ_OK ||
        mseq_database_connect(database, &s->ours, &err) != MSEQ_OK)
        fail(err.message);
    mseq_database_close(database);
}

static mseq_value *ours_run(sides *s, const char *sql, int row, bool all) {
    char key[40];
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *list = mseq_value_array(), *rows = NULL;
    key_of(row, key);
    if (mseq_array_add(list, mseq_value_string(key)) != MSEQ_OK ||
        (all && (mseq_array_add(list, mseq_value_string("BTC")) != MSEQ_OK ||
                 mseq_array_add(list, mseq_value_float(1.5)) != MSEQ_OK ||
                 mseq_array_add(list, mseq_value_integer(row)) != MSEQ_OK)))
        fail("memory");
    if (mseq_connection_execute(s->ours, sql, list, &rows, NULL, &err) != MSEQ_OK)
        fail(err.message);
    mseq_value_free(list);
    return rows;
}

static void ours_select(sides *s, int row) {
    mseq_value *rows = ours_run(s, SELECT, row, false);
    const mseq_value *first = mseq_array_get(rows, 0);
    if (!first)
        fail("no row");
    s->sum += mseq_value_get_float(mseq_object_get(first, "price"), 0) +
              (double)mseq_object_get_integer(first, "quantity", 0);
    mseq_value_free(rows);
}

static void ours_upsert(sides *s, int row) {
    mseq_value_free(ours_run(s, UPSERT, row, true));
}

static void ours_transaction(sides *s, int row) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_begin(s->ours, true, &err) != MSEQ_OK)
        fail(err.message);
    ours_upsert(s, row);
    if (mseq_connection_commit(s->ours, &err) != MSEQ_OK)
        fail(err.message);
}

static mseq_status add(void *sum, const mseq_value *row, mseq_error *err) {
    (void)err;
    *(double *)sum += mseq_value_get_float(mseq_object_get(row, "price"), 0);
    return MSEQ_OK;
}

static void ours_many(sides *s, int row) {
    (void)row;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_each(s->ours, MANY, NULL, add, &s->sum, &err) != MSEQ_OK)
        fail(err.message);
}

/* ---- */

static double round_of(sides *s, void (*call)(sides *, int), int calls) {
    double start = now_us();
    for (int row = 0; row < calls; row++)
        call(s, row);
    return now_us() - start;
}

static void compare(sides *s, const char *what, void (*bare)(sides *, int),
                    void (*ours)(sides *, int), int calls, int units) {
    double best[2] = {0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        double times[2] = {round_of(s, bare, calls), round_of(s, ours, calls)};
        for (int side = 0; side < 2; side++)
            if (i == 0 || times[side] < best[side])
                best[side] = times[side];
    }
    printf("%-34s libpq %8.2f us   ours %8.2f us   ratio %.2f\n", what, best[0] / units,
           best[1] / units, best[1] / best[0]);
}

int main(int count, char **arguments) {
    sides s = {.sum = 0};
    if (count != 2)
        fail("usage: bench_postgresql URI");
    bare_open(&s, arguments[1]);
    ours_open(&s, arguments[1]);
    for (int row = 0; row < CALLS; row++)
        bare_upsert(&s, row);
    compare(&s, "one row by key", bare_select, ours_select, CALLS, CALLS);
    compare(&s, "upsert", bare_upsert, ours_upsert, CALLS, CALLS);
    compare(&s, "begin, upsert, commit", bare_transaction, ours_transaction, CALLS, CALLS);
    compare(&s, "100,000 rows, a row", bare_many, ours_many, 1, MANY_ROWS);
    check(s.bare, PQexec(s.bare, "DROP TABLE bench_asset"), PGRES_COMMAND_OK);
    PQfinish(s.bare);
    mseq_connection_release(s.ours);
    return s.sum > 0 ? 0 : 1;
}
