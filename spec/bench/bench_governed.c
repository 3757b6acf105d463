/* SPDX-License-Identifier: MIT
 * Governed statements of one row beside the same text without a TS Manager: one row by key and one
 * upsert through `local:` and over HTTP on a kept connection (both by the client, with its checks),
 * on SQLite and on PostgreSQL.
 *
 *     bench_governed [URI [CALLS [CATALOG]]]     URI of PostgreSQL (spec/support/postgresql.sh
 * start DIR prints one; "": only SQLite), calls a round, URI of an empty database for the catalog
 *
 * The peers: sqlite3 with the statement prepared once on a connection with the same settings; libpq
 * with the statement prepared once, in a transaction of its own as the server makes it for a single
 * statement ("bare"), and between BEGIN (READ ONLY for a select) and COMMIT, sent one after the
 * other, which is what a governed statement promises ("transaction"), and the same with all of it
 * prepared and as little waiting as that promise allows ("in flights": a select with BEGIN READ
 * ONLY and ROLLBACK in one round trip; a write with BEGIN, and COMMIT once its answer was seen),
 * which is the least that a governed statement can cost. All sides take turns, round by round.
 * Units: microseconds a call, least of the rounds; ratio of a side: the peer's time by its time in
 * the same round, median of the rounds, so that 1 is as fast as the peer. The server is a process
 * of its own. */
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "manager_bench.h"

enum { ROUNDS = 51, ROWS = 1000, SIDES = 5 };

/* ---- The table and its statements --------------------------------------------------------------
 */

#define TABLE                                                                                      \
    "CREATE TABLE IF NOT EXISTS bench_asset (id BIGINT PRIMARY KEY, symbol TEXT NOT NULL, price "  \
    "DOUBLE PRECISION, quantity BIGINT)"
#define SELECT(key) "SELECT id, symbol, price, quantity FROM bench_asset WHERE id = " key
#define UPSERT(a, b, c, d)                                                                         \
    "INSERT INTO bench_asset (id, symbol, price, quantity) VALUES (" a ", " b ", " c ", " d ")"    \
    " ON CONFLICT (id) DO UPDATE SET symbol = excluded.symbol, price = excluded.price, quantity"   \
    " = excluded.quantity"

typedef enum kind { ONE_ROW, ONE_UPSERT, KINDS } kind;
static const char *const kind_names[KINDS] = {"one row by key", "upsert of one"};

/* ---- Bare databases ----------------------------------------------------------------------------
 */

typedef struct world {
    PGconn *libpq;
    sqlite3 *sqlite;
    sqlite3_stmt *prepared[KINDS];
    mseq_client *local, *http;
    char source[37], table[37];
    const char *dialect;
    long sum; /* what was read, so that nobody leaves it out */
} world;

static void check(PGconn *libpq, PGresult *result, ExecStatusType wanted) {
    if (PQresultStatus(result) != wanted)
        fail(PQerrorMessage(libpq));
    PQclear(result);
}

static void open_libpq(world *own, const char *uri) {
    own->libpq = PQconnectdb(uri);
    if (PQstatus(own->libpq) != CONNECTION_OK)
        fail(PQerrorMessage(own->libpq));
    check(own->libpq, PQexec(own->libpq, "SET client_min_messages = warning"), PGRES_COMMAND_OK);
    check(own->libpq, PQexec(own->libpq, TABLE), PGRES_COMMAND_OK);
    check(own->libpq, PQprepare(own->libpq, "select", SELECT("$1"), 0, NULL), PGRES_COMMAND_OK);
    check(own->libpq, PQprepare(own->libpq, "upsert", UPSERT("$1", "$2", "$3", "$4"), 0, NULL),
          PGRES_COMMAND_OK);
    static const char *const commands[][2] = {{"begin_read", "BEGIN READ ONLY"},
                                              {"begin", "BEGIN"},
                                              {"rollback", "ROLLBACK"},
                                              {"commit", "COMMIT"}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        check(own->libpq, PQprepare(own->libpq, commands[i][0], commands[i][1], 0, NULL),
              PGRES_COMMAND_OK);
}

static void call_libpq(world *own, kind which, int row) {
    char key[16];
    const char *values[] = {key, "BTC", "1.5", key};
    snprintf(key, sizeof key, "%d", row);
    bool select = which == ONE_ROW;
    PGresult *result = PQexecPrepared(own->libpq, select ? "select" : "upsert", select ? 1 : 4,
                                      values, NULL, NULL, 0);
    if (select && PQntuples(result) == 1)
        own->sum += strtol(PQgetvalue(result, 0, 3), NULL, 10);
    check(own->libpq, result, select ? PGRES_TUPLES_OK : PGRES_COMMAND_OK);
}

static void call_libpq_transaction(world *own, kind which, int row) {
    const char *begin = which == ONE_ROW ? "BEGIN READ ONLY" : "BEGIN";
    check(own->libpq, PQexec(own->libpq, begin), PGRES_COMMAND_OK);
    call_libpq(own, which, row);
    check(own->libpq, PQexec(own->libpq, "COMMIT"), PGRES_COMMAND_OK);
}

static void send_prepared(world *own, const char *name, int count, const char *const *values) {
    if (!PQsendQueryPrepared(own->libpq, name, count, values, NULL, NULL, 0))
        fail(PQerrorMessage(own->libpq));
}

/* What was sent, up to its end. */
static void receive_flight(world *own) {
    if (!PQpipelineSync(own->libpq))
        fail(PQerrorMessage(own->libpq));
    for (bool ended = false; !ended;) {
        PGresult *result = PQgetResult(own->libpq);
        if (!result)
            continue;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            fail(PQresultErrorMessage(result));
        if (PQntuples(result) == 1)
            own->sum += strtol(PQgetvalue(result, 0, 3), NULL, 10);
        ended = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        PQclear(result);
    }
}

static void call_libpq_flights(world *own, kind which, int row) {
    char key[16];
    const char *values[] = {key, "BTC", "1.5", key};
    snprintf(key, sizeof key, "%d", row);
    bool select = which == ONE_ROW;
    if (!PQenterPipelineMode(own->libpq))
        fail(PQerrorMessage(own->libpq));
    send_prepared(own, select ? "begin_read" : "begin", 0, NULL);
    send_prepared(own, select ? "select" : "upsert", select ? 1 : 4, values);
    if (!select)
        receive_flight(own);
    send_prepared(own, select ? "rollback" : "commit", 0, NULL);
    receive_flight(own);
    if (!PQexitPipelineMode(own->libpq))
        fail(PQerrorMessage(own->libpq));
}

static void open_sqlite(world *own, const char *folder) {
    char path[128];
    snprintf(path, sizeof path, "%s/data.sqlite", folder);
    if (sqlite3_open(path, &own->sqlite) != SQLITE_OK ||
        sqlite3_exec(own->sqlite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; " TABLE,
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(own->sqlite, SELECT("?1"), -1, &own->prepared[ONE_ROW], NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(own->sqlite, UPSERT("?1", "?2", "?3", "?4"), -1,
                           &own->prepared[ONE_UPSERT], NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(own->sqlite));
}

static void call_sqlite(world *own, kind which, int row) {
    sqlite3_stmt *prepared = own->prepared[which];
    sqlite3_bind_int(prepared, 1, row);
    if (which == ONE_UPSERT) {
        sqlite3_bind_text(prepared, 2, "BTC", -1, SQLITE_STATIC);
        sqlite3_bind_double(prepared, 3, 1.5);
        sqlite3_bind_int(prepared, 4, row);
    }
    int code = sqlite3_step(prepared);
    if (code == SQLITE_ROW) {
        own->sum += sqlite3_column_int(prepared, 3) + *sqlite3_column_text(prepared, 1);
        code = sqlite3_step(prepared);
    }
    if (code != SQLITE_DONE || sqlite3_reset(prepared) != SQLITE_OK)
        fail(sqlite3_errmsg(own->sqlite));
}

/* ---- Through a TS Manager ----------------------------------------------------------------------
 */

static void execute(world *own, mseq_client *client, kind which, int row) {
    char json[1024], values[128];
    bool select = which == ONE_ROW;
    snprintf(values, sizeof values,
             select ? "\"id\": %d" : "\"id\": %d, \"symbol\": \"BTC\", \"price\": 1.5, \"n\": %d",
             row, row);
    snprintf(json, sizeof json,
             "{\"operation\": \"%s\", \"version\": \"compiled-sql.v1\", \"dialect\": \"%s\","
             " \"statement\": {\"sql\": \"%s\", \"parameters\": {%s}, \"parameter_types\": {},"
             " \"paramstyle\": \"pyformat\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
             " [{\"meta_table_uid\": \"%s\", \"access\": \"%s\"}]}, \"limits\": {\"max_rows\":"
             " 1000, \"offset\": 0, \"statement_timeout_ms\": 15000}}",
             select ? "select" : "upsert", own->dialect,
             select ? SELECT("%(id)s") : UPSERT("%(id)s", "%(symbol)s", "%(price)s", "%(n)s"),
             values, own->source, own->table, select ? "read" : "write");
    mseq_value *operation = parse(json), *result = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_client_execute_operation(client, operation, &result, &err) != MSEQ_OK)
        fail(err.message);
    if (select)
        own->sum += mseq_object_get_integer(mseq_array_get(mseq_object_get(result, "rows"), 0),
                                            "quantity", 0);
    mseq_value_free(result);
    mseq_value_free(operation);
}

static void call_local(world *own, kind which, int row) {
    execute(own, own->local, which, row);
}

static void call_http(world *own, kind which, int row) {
    execute(own, own->http, which, row);
}

static void register_table(world *own) {
    char json[1024];
    snprintf(json, sizeof json,
             "{\"data_source_uid\": \"%s\", \"identifier\": \"bench.%s\", \"namespace\": \"bench\","
             " \"management_mode\": \"external_registered\", \"introspect\": true,"
             " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\":"
             " {\"table_name\": \"bench_asset\"}, \"columns\": [{\"name\": \"id\", \"data_type\":"
             " \"int64\", \"backend_type\": \"BIGINT\"}], \"constraints\": []}}",
             own->source, own->dialect);
    mseq_value *row = ask(own->local, "POST", "/orm/api/ts_manager/meta_table/register/", json);
    snprintf(own->table, sizeof own->table, "%s", mseq_object_get_text(row, "uid"));
    mseq_value_free(row);
}

static void add_source(world *own, const char *class_type, const char *member, const char *value) {
    char json[512];
    snprintf(json, sizeof json,
             "{\"display_name\": \"bench %s\", \"class_type\": \"%s\", \"%s\": \"%s\"}", class_type,
             class_type, member, value);
    mseq_value *source = ask(own->local, "POST", "/orm/api/ts_manager/data_sources/", json);
    snprintf(own->source, sizeof own->source, "%s", mseq_object_get_text(source, "uid"));
    own->dialect = class_type;
    mseq_value_free(source);
}

/* That of the folder; a catalog that servers share begins without. */
static void find_source(world *own, const char *catalog) {
    if (catalog) {
        add_source(own, "sqlite", "path", "data.sqlite");
        return;
    }
    mseq_value *list =
        ask(own->local, "GET", "/orm/api/ts_manager/dynamic_table_data_source/", NULL);
    snprintf(own->source, sizeof own->source, "%s",
             mseq_object_get_text(mseq_array_get(mseq_object_get(list, "results"), 0), "uid"));
    own->dialect = "sqlite";
    mseq_value_free(list);
}

/* ---- Measuring ---------------------------------------------------------------------------------
 */

typedef struct side {
    const char *name;
    void (*call)(world *own, kind which, int row);
    double times[ROUNDS];
} side;

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double least(const side *one) {
    double found = one->times[0];
    for (int round = 1; round < ROUNDS; round++)
        found = one->times[round] < found ? one->times[round] : found;
    return found;
}

static double ratio(const side *peer, const side *one) {
    double all[ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        all[round] = peer->times[round] / one->times[round];
    qsort(all, ROUNDS, sizeof *all, by_size);
    return all[ROUNDS / 2];
}

/* The first side is the peer, and of PostgreSQL the second is one too. */
static void measure(world *own, kind which, side *sides, size_t count, int calls) {
    for (int round = -1; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            double begun = clock_us(CLOCK_MONOTONIC);
            for (int call = 0; call < (round < 0 ? 50 : calls); call++)
                sides[i].call(own, which, call * 7 % ROWS);
            if (round >= 0)
                sides[i].times[round] = (clock_us(CLOCK_MONOTONIC) - begun) / calls;
        }
    }
    for (size_t i = 0; i < count; i++) {
        printf("%-10s  %-14s  %-18s %8.1f us   %5.2f", own->dialect, kind_names[which],
               sides[i].name, least(&sides[i]), ratio(&sides[0], &sides[i]));
        if (own->libpq)
            printf("   %5.2f of transaction", ratio(&sides[1], &sides[i]));
        printf("\n");
    }
    fflush(stdout);
}

static void measure_source(world *own, side *sides, size_t count, int calls) {
    register_table(own);
    for (int row = 0; row < ROWS; row++)
        sides[0].call(own, ONE_UPSERT, row);
    for (kind which = ONE_ROW; which < KINDS; which++)
        measure(own, which, sides, count, calls);
}

int main(int argc, char **argv) {
    const char *uri = argc > 1 ? argv[1] : "";
    int calls = argc > 2 ? atoi(argv[2]) : 50;
    const char *catalog = argc > 3 ? argv[3] : NULL;
    char folder[] = "/tmp/mseq-bench-XXXXXX", command[64], address[64];
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *report = NULL;
    if (calls < 1 || !mkdtemp(folder))
        fail("usage: bench_governed [URI [CALLS [CATALOG]]]");
    if (catalog) {
        setenv("MAINSEQUENCE_CATALOG", catalog, 1); // NOLINT(concurrency-mt-unsafe)
        if (mseq_endpoint_upgrade(folder, catalog, &report, &err) != MSEQ_OK)
            fail(err.message);
        mseq_value_free(report);
    }
    world own = {.sum = 0};
    pid_t child = start_server(folder, catalog, address);
    own.local = open_client("local:", folder, NULL);
    mseq_value *token =
        ask(own.local, "POST", "/orm/api/ts_manager/tokens/", "{\"name\": \"bench\"}");
    own.http = open_client(address, NULL, mseq_object_get_text(token, "access"));
    mseq_value_free(token);

    open_sqlite(&own, folder);
    find_source(&own, catalog);
    measure_source(&own,
                   (side[]){{.name = "sqlite3", .call = call_sqlite},
                            {.name = "local:", .call = call_local},
                            {.name = "HTTP", .call = call_http}},
                   3, calls);
    for (kind which = ONE_ROW; which < KINDS; which++)
        sqlite3_finalize(own.prepared[which]);
    sqlite3_close(own.sqlite);
    if (*uri) {
        open_libpq(&own, uri);
        add_source(&own, "postgresql", "uri", uri);
        measure_source(&own,
                       (side[SIDES]){{.name = "libpq", .call = call_libpq},
                                     {.name = "libpq, transaction", .call = call_libpq_transaction},
                                     {.name = "libpq, in flights", .call = call_libpq_flights},
                                     {.name = "local:", .call = call_local},
                                     {.name = "HTTP", .call = call_http}},
                       SIDES, calls);
        PQfinish(own.libpq);
    }
    mseq_client_free(own.local);
    mseq_client_free(own.http);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); // NOLINT(cert-env33-c): a name of our own
}
