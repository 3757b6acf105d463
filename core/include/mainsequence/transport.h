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

/* The function table. `send` fills *reply and returns MSEQ_OK whenever an answer came, whatever its
 * status; it fails only when none came. */
typedef struct mseq_transport_functions {
    size_t size;
    mseq_status (*send)(void *data, const mseq_request *request, mseq_reply *reply,
                        mseq_error *err);
    void (*close)(void *data); /* destroys data */
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
