/* SPDX-License-Identifier: MIT
 * What the tests of streams with short memory share: a client of a TS Manager in the process, an
 * operation whose rows are read, and the sweep over all allocations. */
#ifndef SPEC_STREAM_MEMORY_H
#define SPEC_STREAM_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "mainsequence/endpoint.h"

#include "failing_allocator.h"

enum { ROWS = 5 };

static char folder[64];
static mseq_client *client;
static mseq_value *operation; /* gives ROWS rows with JSON in "more" and bytes in "b" */

static mseq_value *json_document(const char *text) {
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_json_parse(text, strlen(text), 0, &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", text, err.message);
    return value;
}

static mseq_value *call(const char *method, const char *path, mseq_value *body) {
    mseq_value *reply = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_client_call(client, method, path, NULL, body, &reply, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_value_free(body);
    return reply;
}

/* The statement with its kind, its SQL, the data source, the table and the access. */
#define STATEMENT                                                                                  \
    "{\"operation\": \"%s\", \"dialect\": \"%s\", \"statement\": {\"sql\": \"%s\","                \
    " \"parameters\": {\"n\": %d}, \"paramstyle\": \"pyformat\"}, \"scope\":"                      \
    " {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\", \"access\":"         \
    " \"%s\"}]}}"

static int tear_down_client(void **state) {
    (void)state;
    mseq_value_free(operation);
    mseq_client_free(client);
    return 0;
}

typedef mseq_status (*way)(int64_t *rows, mseq_error *err);

static mseq_status read_client(int64_t *rows, mseq_error *err) {
    mseq_client_stream *stream = NULL;
    mseq_value *row = NULL;
    *rows = 0;
    mseq_status status = mseq_client_stream_operation(client, operation, &stream, err);
    while (status == MSEQ_OK) {
        status = mseq_client_stream_next(stream, &row, err);
        if (status != MSEQ_OK || !row)
            break;
        *rows += mseq_value_kind(mseq_object_get(row, "more")) == MSEQ_OBJECT &&
                 mseq_value_kind(mseq_object_get(row, "b")) == MSEQ_STRING;
        mseq_value_free(row);
    }
    mseq_client_stream_close(stream);
    return status;
}

/* ---- The sweep */

static void attempt(way go, long n, bool all, bool *reached) {
    mseq_error err = MSEQ_ERROR_INIT;
    int64_t rows = 0;
    allocations_left = n;
    fail_all = all;
    mseq_status status = go(&rows, &err);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    if (status == MSEQ_OK && rows != ROWS)
        fail_msg("allocation %ld: %lld rows", n, (long long)rows);
    if (status != MSEQ_OK && err.status != status)
        fail_msg("allocation %ld: %s, but %s", n, mseq_status_name(status), err.message);
    mseq_error_clear(&err);
    if (go(&rows, &err) != MSEQ_OK || rows != ROWS)
        fail_msg("after allocation %ld failed: %s", n, err.message);
}

static void sweep(way go) {
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n++)
            attempt(go, n, all, &reached);
    }
}

static bool make_folder(void) {
    snprintf(folder, sizeof folder, "%s/mseq-stream-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder);
}

/* Gives the outcome of the tests on. */
static int remove_folder(int failed) {
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command) == 0 ? failed : 1; // NOLINT(cert-env33-c): a fixed command in a test
}

#endif
