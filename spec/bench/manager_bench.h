/* SPDX-License-Identifier: MIT
 * What benchmarks of a TS Manager share: clocks, a server in a process of its own, clients. */
#ifndef SPEC_BENCH_MANAGER_BENCH_H
#define SPEC_BENCH_MANAGER_BENCH_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mainsequence/endpoint.h"
#include "mainsequence/server.h"

static inline void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1); // NOLINT(concurrency-mt-unsafe)
}

static inline double clock_us(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static inline mseq_value *parse(const char *json) {
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_json_parse(json, strlen(json), 0, &value, &err) != MSEQ_OK)
        fail(err.message);
    return value;
}

/* The reply, owned by the caller; `json` NULL: no body. */
static inline mseq_value *ask(mseq_client *client, const char *method, const char *path,
                              const char *json) {
    mseq_value *body = json ? parse(json) : NULL, *reply = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_client_call(client, method, path, NULL, body, &reply, &err) != MSEQ_OK)
        fail(err.message);
    mseq_value_free(body);
    return reply;
}

static inline mseq_client *open_client(const char *endpoint, const char *folder,
                                       const char *token) {
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    mseq_client *client = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.access_token = token;
    options.authentication = token ? MSEQ_AUTHENTICATION_SESSION_JWT : MSEQ_AUTHENTICATION_JWT;
    if (mseq_endpoint_open(endpoint, folder, &options, &client, &err) != MSEQ_OK)
        fail(err.message);
    return client;
}

/* A server of that folder (and catalog, or NULL) in a process that ends with SIGTERM. */
static inline pid_t start_server(const char *folder, const char *catalog, char address[64]) {
    int ends[2];
    if (pipe(ends) != 0)
        fail("cannot make a pipe");
    pid_t child = fork();
    if (child == 0) {
        mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
        mseq_server *server = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        int number = 0;
        options.listen = "127.0.0.1:0";
        if (mseq_endpoint_manager(folder, catalog, &options.manager, &err) != MSEQ_OK ||
            mseq_server_signals_hold(&err) != MSEQ_OK ||
            mseq_server_start(&options, &server, &err) != MSEQ_OK)
            fail(err.message);
        snprintf(address, 64, "%s", mseq_server_address(server));
        if (write(ends[1], address, 64) != 64 || mseq_server_signals_wait(&number, NULL) != MSEQ_OK)
            fail("the server's process cannot go on");
        mseq_server_stop(server);
        mseq_manager_close(options.manager);
        _exit(0);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], address, 64) != 64)
        fail("the server does not start");
    close(ends[0]);
    return child;
}

#endif
