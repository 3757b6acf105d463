/* SPDX-License-Identifier: MIT
 *
 * Room `transport`: carries a request to a TS Manager and brings the reply back. One function
 * table; http (libcurl) and local (a handler in this process) fill it. One thread at a time per
 * transport, unless the implementation says otherwise.
 */
#ifndef MSEQ_TRANSPORT_H
#define MSEQ_TRANSPORT_H

#include "mainsequence/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mseq_transport mseq_transport;

/* What became of one request of several. */
typedef struct mseq_outcome {
    mseq_reply reply; /* when error.status is MSEQ_OK; the caller frees it */
    mseq_error error;
} mseq_outcome;
#define MSEQ_OUTCOME_INIT                                                                          \
    { MSEQ_REPLY_INIT, MSEQ_ERROR_INIT }

/* The function table. `send` fills *reply and returns MSEQ_OK whenever an answer came, whatever its
 * status; it fails only when none came. Then err->code is "unreachable" when no connection was
 * made, so that nothing of the request was sent. */
typedef struct mseq_transport_functions {
    size_t size;
    mseq_status (*send)(void *data, const mseq_request *request, mseq_reply *reply,
                        mseq_error *err);
    void (*close)(void *data); /* destroys data */
    /* Several requests side by side; outcomes[i], which comes in initialised, is that of
     * requests[i]. NULL: they are sent one after the other. */
    void (*send_many)(void *data, const mseq_request *requests, size_t count,
                      mseq_outcome *outcomes);
} mseq_transport_functions;

/* Becomes owner of `data`, even on failure. `description` says where it leads ("local:", a URL
 * without secrets). */
MSEQ_API mseq_status mseq_transport_new(const mseq_transport_functions *functions, void *data,
                                        const char *description, mseq_transport **transport,
                                        mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_transport_free(mseq_transport *transport);
MSEQ_API const char *mseq_transport_description(const mseq_transport *transport);
MSEQ_API mseq_status mseq_transport_send(mseq_transport *transport, const mseq_request *request,
                                         mseq_reply *reply, mseq_error *err) MSEQ_MUST_CHECK;

/* Sends several requests, where the transport can side by side. Fills all of `outcomes`, which the
 * caller has initialised with MSEQ_OUTCOME_INIT. */
MSEQ_API void mseq_transport_send_many(mseq_transport *transport, const mseq_request *requests,
                                       size_t count, mseq_outcome *outcomes);

/* ---- HTTP (libcurl)
 * --------------------------------------------------------------------------------------- */

typedef struct mseq_http_options {
    size_t size;
    const char *ca_file;        /* PEM file of trusted authorities; NULL: the system's */
    int64_t connect_timeout_ms; /* name look-up, TCP and TLS; 0: 5000 */
    int64_t timeout_ms;         /* whole call, where a request names none; 0: 120000 */
    size_t maximum_reply;       /* bytes of a decoded body; 0: 256 MiB (MSEQ_BUFFER_MAXIMUM) */
    size_t maximum_parallel;    /* requests side by side in send_many; 0: 8 */
} mseq_http_options;
#define MSEQ_HTTP_OPTIONS_INIT                                                                     \
    { .size = sizeof(mseq_http_options) }

/* Over HTTP to an origin: "http://host[:port]" or "https://host[:port]", perhaps with a path that
 * goes before every request's; without user, password, query and fragment. Connections are kept,
 * replies may be compressed, HTTP/2 is used over TLS when offered, proxies come from the
 * environment (http_proxy, https_proxy, all_proxy, no_proxy), certificates are always verified,
 * and redirects are never followed: the reply says where they lead. Nothing is sent before the
 * first request. No message holds a header or a body that was sent. Options NULL: defaults.
 *
 * Errors of sending: CANCELLED; TIMEOUT; LIMIT (the reply is too large); TRANSPORT with the code
 * unreachable, untrusted (the server's certificate), interrupted or transport. One thread at a time
 * per transport; different transports are independent. Raises no SIGPIPE and sets no other signal
 * handling; the first call in a process initialises libcurl. */
MSEQ_API mseq_status mseq_transport_http_new(const char *origin, const mseq_http_options *options,
                                             mseq_transport **transport,
                                             mseq_error *err) MSEQ_MUST_CHECK;

/* ---- In this process
 * --------------------------------------------------------------------------------------- */

/* A handler in this process: answers every request, always fills *reply. */
typedef void (*mseq_handler)(void *data, const mseq_request *request, mseq_reply *reply);
/* `release` (may be NULL) gets `data` when the transport is freed, also when this call fails. */
MSEQ_API mseq_status mseq_transport_local_new(mseq_handler handler, void *data,
                                              void (*release)(void *data), const char *description,
                                              mseq_transport **transport,
                                              mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
