/* SPDX-License-Identifier: MIT
 * The server as a whole: options, start, stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server_private.h"

enum {
    SERVER_BACKLOG = 512,
    /* What libmicrohttpd holds for a connection: more than the headers that we take, so that it is
     * us who refuse them. */
    SERVER_CONNECTION_MEMORY = 2 * SERVER_HEADER_MAXIMUM,
    SERVER_SPARE_CONNECTIONS = 64, /* those that are told that there are too many */
    SERVER_STACK = 2 * 1024 * 1024,
    SERVER_SPARE_FILES = 256, /* databases, libraries */
    SERVER_LAST_MS = 5000     /* what was cancelled has that long to end */
};

/* ---- Options -----------------------------------------------------------------------------------
 */

static void default_int(int *number, int otherwise) {
    if (*number == 0)
        *number = otherwise;
}

static void default_ms(int64_t *number, int64_t otherwise) {
    if (*number == 0)
        *number = otherwise;
}

static mseq_status fill_options(mseq_server_options *options, mseq_error *err) {
    if (!options->listen)
        options->listen = "127.0.0.1:8765";
    if (options->maximum_body == 0)
        options->maximum_body = (size_t)32 * 1024 * 1024;
    default_int(&options->workers, 16);
    default_int(&options->maximum_waiting, 1000);
    default_int(&options->maximum_connections, 1000);
    default_int(&options->maximum_connections_per_address, 500);
    default_ms(&options->header_ms, 10000);
    default_ms(&options->body_ms, 60000);
    default_ms(&options->write_ms, 60000);
    default_ms(&options->idle_ms, 75000);
    default_ms(&options->drain_ms, 30000);
    if (!options->manager)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "a server needs a TS Manager");
    if (!options->certificate != !options->key)
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "TLS needs both a certificate and its key, only one is given");
    if (options->workers < 1 || options->workers > 1000 || options->maximum_waiting < 1 ||
        options->maximum_connections < 1 || options->maximum_connections > 100000 ||
        options->maximum_connections_per_address < 1)
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "a server has 1 to 1000 workers, 1 to 100000 connections and at "
                              "least one place to wait");
    if (options->maximum_body > MSEQ_BUFFER_MAXIMUM)
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "bodies of %zu bytes are too large: at most %zu",
                              options->maximum_body, MSEQ_BUFFER_MAXIMUM);
    if (options->header_ms < 1 || options->body_ms < 1 || options->write_ms < 1 ||
        options->idle_ms < 1 || options->drain_ms < 1)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "a server's times are positive");
    return MSEQ_OK;
}

/* Every connection is a file: the process is allowed as many as it may allow itself. */
static void allow_files(const mseq_server_options *options) {
    struct rlimit limit;
    rlim_t wanted = (rlim_t)options->maximum_connections + SERVER_SPARE_CONNECTIONS +
                    SERVER_SPARE_FILES + (rlim_t)options->workers * 8;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- libmicrohttpd -----------------------------------------------------------------------------
 */

/* Paths stay as they came: the manager cuts them first and decodes the pieces then. */
static size_t leave_escaped(void *data, struct MHD_Connection *connection, char *text) {
    (void)data, (void)connection;
    return strlen(text);
}

static mseq_status start_daemon(mseq_server *server, char *certificate, char *key,
                                mseq_error *err) {
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    if (!server->tls)
        tls[0] = tls[3];
    else if (MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES)
        flags |= MHD_USE_TLS;
    else
        return mseq_error_set(err, MSEQ_E_IO, "this build of libmicrohttpd has no TLS");
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, server_exchange_step, server, MHD_OPTION_NOTIFY_CONNECTION,
        server_connection_notify, server, MHD_OPTION_NOTIFY_COMPLETED, server_exchange_end, server,
        MHD_OPTION_URI_LOG_CALLBACK, server_exchange_new, server, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)server->options.maximum_connections + SERVER_SPARE_CONNECTIONS,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)SERVER_STACK, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)SERVER_CONNECTION_MEMORY, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (server->daemon)
        return MSEQ_OK;
    return mseq_error_set(err, MSEQ_E_IO, "cannot start the HTTP server%s",
                          server->tls ? ": are the certificate and the key PEM files that belong "
                                        "together?"
                                      : "");
}

/* ---- Start -------------------------------------------------------------------------------------
 */

static mseq_status open_daemon(mseq_server *server, mseq_error *err) {
    char *certificate = NULL, *key = NULL, *authority = NULL;
    int listener = -1;
    mseq_status status = MSEQ_OK;
    if (server->tls)
        status = server_read_file(server->options.certificate, "certificate", &certificate, err);
    if (status == MSEQ_OK && server->tls)
        status = server_read_file(server->options.key, "key", &key, err);
    if (status == MSEQ_OK)
        status = server_listen(server->options.listen, SERVER_BACKLOG, &listener, &authority, err);
    if (status == MSEQ_OK) {
        server->address = mseq_text_format("%s://%s", server->tls ? "https" : "http", authority);
        status = server->address ? start_daemon(server, certificate, key, err)
                                 : mseq_error_no_memory(err);
    }
    if (status == MSEQ_OK)
        status = server_gate_start(server, listener, err);
    else if (listener >= 0)
        close(listener);
    if (key)
        explicit_bzero(key, strlen(key));
    free(certificate);
    free(key);
    free(authority);
    return status;
}

mseq_status mseq_server_start(const mseq_server_options *options, mseq_server **server,
                              mseq_error *err) {
    if (!options || !server)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "a server needs options");
    mseq_server_options filled = *options;
    mseq_status status = fill_options(&filled, err);
    if (status != MSEQ_OK)
        return status;
    char unique[37];
    status = microhttpd_load(err);
    if (status != MSEQ_OK)
        return status;
    status = mseq_uuid_new(unique);
    mseq_server *started = status == MSEQ_OK ? calloc(1, sizeof *started) : NULL;
    if (!started)
        return mseq_error_no_memory(err);
    started->options = filled;
    started->tls = filled.certificate != NULL;
    snprintf(started->prefix, sizeof started->prefix, "%.8s", unique);
    pthread_mutex_init(&started->log_lock, NULL);
    allow_files(&filled);
    started->gate = (server_gate){.listener = -1, .wake = -1, .events = -1, .spare = -1};
    server_connections_init(started);
    server_places_init(started);
    status = open_daemon(started, err);
    if (status != MSEQ_OK) {
        mseq_server_stop(started);
        return status;
    }
    *server = started;
    return MSEQ_OK;
}

const char *mseq_server_address(const mseq_server *server) {
    return server->address;
}

/* ---- Stop --------------------------------------------------------------------------------------
 */

/* New connections are refused by the system, new requests by us; what runs may finish. */
static void drain(mseq_server *server) {
    server_gate_close(server);
    server_connections_drain(server);
    if (server_connections_wait(server, server->options.drain_ms))
        return;
    server_connections_cancel(server);
    server_connections_wait(server, SERVER_LAST_MS);
}

void mseq_server_stop(mseq_server *server) {
    if (!server)
        return;
    atomic_store(&server->stopping, true);
    if (server->gate.running)
        drain(server);
    server_gate_stop(server);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    server_places_destroy(server);
    server_connections_destroy(server);
    pthread_mutex_destroy(&server->log_lock);
    free(server->address);
    free(server);
}
