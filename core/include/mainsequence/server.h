/* SPDX-License-Identifier: MIT
 *
 * Room `server`: a TS Manager on HTTP (libmicrohttpd). One thread moves bytes, a pool of workers
 * answers, a watchdog keeps deadlines: however slow a client or a query is, the others go on.
 * A server may be started in one thread and stopped in another.
 *
 * A build without the HTTP server (MSEQ_WITH_SERVER=OFF) has no such functions.
 */
#ifndef MSEQ_SERVER_H
#define MSEQ_SERVER_H

#include "mainsequence/manager.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mseq_server mseq_server;

/* Every number may be 0: then the default in brackets holds. */
typedef struct mseq_server_options {
    size_t size;
    mseq_manager *manager;   /* borrowed: must live longer than the server */
    const char *listen;      /* "127.0.0.1:8765", "[::1]:8765", port 0 for any; NULL: the first */
    const char *certificate; /* PEM file with the certificate chain; NULL: no TLS */
    const char *key;         /* PEM file with its private key */
    int workers;             /* threads that answer requests [16] */
    int maximum_waiting;     /* requests that wait for a worker; more get 503 [1000] */
    int maximum_connections; /* in total; more get 503 [1000] */
    int maximum_connections_per_address; /* more get 503 [500] */
    size_t maximum_body;                 /* bytes of one request's body [32 MiB] */
    int64_t header_ms; /* from the first byte of a request to the last of its headers [10000] */
    int64_t body_ms;   /* for all of a body [60000] */
    /* for taking a reply, and a second more for every MiB; of a stream of rows, ten times as long
     * for each piece [60000] */
    int64_t write_ms;
    int64_t idle_ms;  /* a connection without a request is kept that long [75000] */
    int64_t drain_ms; /* what runs when the server stops may go on that long [30000] */
    /* Gets a JSON text without line end for every request: id, user, route, status, ms. Called from
     * several threads, one at a time. NULL: no log. */
    void (*log)(void *data, const char *line);
    void *log_data;
} mseq_server_options;
#define MSEQ_SERVER_OPTIONS_INIT                                                                   \
    { .size = sizeof(mseq_server_options) }

/* Listens and answers from now on. Errors: MSEQ_E_ARGUMENT for an address or a number that makes no
 * sense, MSEQ_E_IO for an address that cannot be had or a file that cannot be read. */
MSEQ_API mseq_status mseq_server_start(const mseq_server_options *options, mseq_server **server,
                                       mseq_error *err) MSEQ_MUST_CHECK;
/* "http://127.0.0.1:8765", with the port that was given; borrowed. */
MSEQ_API const char *mseq_server_address(const mseq_server *server);
/* Takes no new connection, answers new requests with 503, lets what runs finish (drain_ms, then it
 * is cancelled), and releases the server. */
MSEQ_API void mseq_server_stop(mseq_server *server);

/* The two halves of a process that serves until it is told to end. `hold` keeps SIGTERM and SIGINT
 * back in the calling thread and those it starts: call it before mseq_server_start. `wait` returns
 * the number of the one that came; from then on both have their default action, so that a second
 * one ends the process at once. */
MSEQ_API mseq_status mseq_server_signals_hold(mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_server_signals_wait(int *signal_number, mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
