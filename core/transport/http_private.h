/* SPDX-License-Identifier: MIT
 * Inside of the room `transport`: one exchange over libcurl. */
#ifndef MSEQ_HTTP_PRIVATE_H
#define MSEQ_HTTP_PRIVATE_H

#include <signal.h>

#include "curl_library.h"
#include "mainsequence/transport.h"

/* What all exchanges of a transport share. */
typedef struct http_settings {
    char *origin; /* without a slash at its end */
    char *ca_file;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    size_t maximum_reply;
} http_settings;

/* What a handle was set up for. Another request that agrees in all of it needs only its URL, its
 * body and its time set, which is most of what preparing one costs. */
enum { HTTP_METHOD_SIZE = 32 };
typedef struct http_shape {
    char method[HTTP_METHOD_SIZE]; /* "": for nothing yet */
    const char *authorization;
    bool json, text, large, send_once, stream;
} http_shape;

/* One request on its way and what has come of its reply. The handle, how it is set up and the
 * memory of the buffers are kept for the next one. */
typedef struct http_exchange {
    CURL *handle;
    CURLU *target; /* the URL as the handle has it */
    struct curl_slist *headers;
    char *authorization; /* of the shape */
    http_shape shape;
    const mseq_request *request; /* NULL: idle */
    mseq_outcome *outcome;
    mseq_buffer url, former_url; /* of this request and of the one that `target` was set for */
    mseq_buffer sent;            /* the JSON text */
    size_t sent_offset;
    mseq_buffer received;
    size_t header_bytes;
    bool headers_ended; /* with an empty line: libcurl takes the end of the connection for it too */
    char *retry_after;
    char *location;
    mseq_status status; /* of the callbacks: why they gave up */
    char reason[CURL_ERROR_SIZE];
} http_exchange;

/* Makes the handle of a new one; false without memory. */
bool http_exchange_open(http_exchange *exchange);
/* CURLOPT_WRITEFUNCTION of an exchange that is read as a whole. */
size_t http_exchange_receive(char *bytes, size_t size, size_t count, void *exchange);
/* Prepares the handle for a request; both are borrowed until http_exchange_finish. */
mseq_status http_exchange_prepare(http_exchange *exchange, const http_settings *settings,
                                  const mseq_request *request, mseq_outcome *outcome,
                                  mseq_error *err);
/* Turns what came into the outcome and makes the exchange idle. */
void http_exchange_finish(http_exchange *exchange, const http_settings *settings, CURLcode result);
/* The error of an exchange that ended so without a whole reply. */
mseq_status http_exchange_fail(const http_exchange *exchange, const http_settings *settings,
                               CURLcode result, mseq_error *err);
/* Makes it idle, whatever it was doing. */
void http_exchange_clear(http_exchange *exchange);
/* Frees what an idle one keeps, its handle too. */
void http_exchange_destroy(http_exchange *exchange);

/* ---- http.c: SIGPIPE
 * With CURLOPT_NOSIGNAL libcurl leaves it to its user, and TLS libraries write to sockets without
 * MSG_NOSIGNAL. A program that embeds us may not expect the signal: it is held back in this thread
 * and taken away if it was ours. */

typedef struct http_pipe_guard {
    sigset_t before;
    bool was_pending;
} http_pipe_guard;
void http_pipe_guard_begin(http_pipe_guard *guard);
void http_pipe_guard_end(const http_pipe_guard *guard);

/* ---- http_stream.c: replies that are read row by row */

typedef struct http_stream http_stream;
typedef struct http_streams {
    http_settings settings;
    http_stream *idle; /* its connection is open; NULL: none */
} http_streams;
/* Sends a request that takes a stream. The streams that replies hold end before `streams` does. */
void http_stream_send(http_streams *streams, const mseq_request *request, mseq_outcome *outcome);
void http_streams_close(http_streams *streams);

#endif
