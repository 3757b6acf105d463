/* SPDX-License-Identifier: MIT
 * Inside of the room `transport`: one exchange over libcurl. */
#ifndef MSEQ_HTTP_PRIVATE_H
#define MSEQ_HTTP_PRIVATE_H

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

/* One request on its way and what has come of its reply. The handle is kept for the next one. */
typedef struct http_exchange {
    CURL *handle;
    const mseq_request *request; /* NULL: idle */
    mseq_outcome *outcome;
    struct curl_slist *headers;
    mseq_buffer url;
    mseq_buffer sent; /* the JSON text */
    size_t sent_offset;
    mseq_buffer received;
    size_t header_bytes;
    bool headers_ended; /* with an empty line: libcurl takes the end of the connection for it too */
    char *retry_after;
    char *location;
    mseq_status status; /* of the callbacks: why they gave up */
    char reason[CURL_ERROR_SIZE];
} http_exchange;

/* Prepares the handle for a request; both are borrowed until http_exchange_finish. */
mseq_status http_exchange_prepare(http_exchange *exchange, const http_settings *settings,
                                  const mseq_request *request, mseq_outcome *outcome,
                                  mseq_error *err);
/* Turns what came into the outcome and makes the exchange idle. */
void http_exchange_finish(http_exchange *exchange, const http_settings *settings, CURLcode result);
/* Makes it idle, whatever it was doing. */
void http_exchange_clear(http_exchange *exchange);

#endif
