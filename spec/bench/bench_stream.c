/* SPDX-License-Identifier: MIT
 * Reads all rows of a statement once, and prints seconds, rows and the process's peak memory in kB.
 * spec/bench/stream.lua runs it in turn with the others.
 *
 *     bench_stream libpq URI SQL              bare libpq, single-row mode
 *     bench_stream sqlite3 PATH SQL           bare sqlite3
 *     bench_stream client ENDPOINT TOKEN FILE the client's stream of the operation in FILE (JSON);
 *                                             TOKEN "" for local:FOLDER
 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "mainsequence/endpoint.h"

static void fail(const char *what) {
    fprintf(stderr, "bench_stream: %s\n", what);
    exit(1); // NOLINT(concurrency-mt-unsafe)
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static volatile long touched; /* so that nobody leaves out the reading */

static long read_libpq(const char *uri, const char *sql) {
    long rows = 0;
    PGconn *libpq = PQconnectdb(uri);
    if (PQstatus(libpq) != CONNECTION_OK || !PQsendQuery(libpq, sql) || !PQsetSingleRowMode(libpq))
        fail(PQerrorMessage(libpq));
    for (PGresult *result; (result = PQgetResult(libpq)); PQclear(result)) {
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            fail(PQresultErrorMessage(result));
        rows += PQntuples(result);
        for (int i = 0; PQntuples(result) && i < PQnfields(result); i++)
            touched += *PQgetvalue(result, 0, i);
    }
    PQfinish(libpq);
    return rows;
}

static long read_sqlite(const char *path, const char *sql) {
    long rows = 0;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    for (; sqlite3_step(statement) == SQLITE_ROW; rows++)
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            touched += sqlite3_column_type(statement, i) == SQLITE_TEXT
                           ? *sqlite3_column_text(statement, i)
                           : (long)sqlite3_column_int64(statement, i);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rows;
}

static mseq_value *read_file(const char *path) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_file_read(path, 1 << 20, &text, &err) != MSEQ_OK ||
        mseq_json_parse(text.data, text.length, 0, &value, &err) != MSEQ_OK)
        fail(err.message);
    mseq_buffer_free(&text);
    return value;
}

static mseq_client *open_client(const char *endpoint, const char *token) {
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    mseq_client *client = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.access_token = *token ? token : NULL;
    options.authentication = *token ? MSEQ_AUTHENTICATION_SESSION_JWT : MSEQ_AUTHENTICATION_JWT;
    if (mseq_endpoint_open(endpoint, NULL, &options, &client, &err) != MSEQ_OK)
        fail(err.message);
    return client;
}

static long read_client(mseq_client *client, const mseq_value *operation) {
    mseq_client_stream *stream = NULL;
    mseq_value *row = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    long rows = 0;
    if (mseq_client_stream_operation(client, operation, &stream, &err) != MSEQ_OK)
        fail(err.message);
    for (;; rows++) {
        if (mseq_client_stream_next(stream, &row, &err) != MSEQ_OK)
            fail(err.message);
        if (!row)
            break;
        touched += (long)mseq_value_length(row);
        mseq_value_free(row);
    }
    mseq_client_stream_close(stream);
    return rows;
}

int main(int argc, char **argv) {
    if (argc < 4)
        fail("usage: bench_stream libpq URI SQL | sqlite3 PATH SQL | client ENDPOINT TOKEN FILE");
    bool through = strcmp(argv[1], "client") == 0 && argc > 4;
    mseq_client *client = through ? open_client(argv[2], argv[3]) : NULL;
    mseq_value *operation = through ? read_file(argv[4]) : NULL;
    double begun = now();
    long rows = through                         ? read_client(client, operation)
                : strcmp(argv[1], "libpq") == 0 ? read_libpq(argv[2], argv[3])
                                                : read_sqlite(argv[2], argv[3]);
    double seconds = now() - begun;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%.6f %ld %ld\n", seconds, rows, used.ru_maxrss);
    mseq_value_free(operation);
    mseq_client_free(client);
    return 0;
}
