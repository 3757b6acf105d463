/* SPDX-License-Identifier: MIT
 * Inside of the room `client`. */
#ifndef MSEQ_CLIENT_PRIVATE_H
#define MSEQ_CLIENT_PRIVATE_H

#include "mainsequence/client.h"

struct mseq_client {
    mseq_transport *transport;
    char *authorization; /* "Bearer …" or NULL */
    char *project_uid;   /* or NULL */
    bool only_project;
    int64_t timeout_ms;
    const mseq_cancellation *cancellation;
    mseq_value *session_data_source; /* once it was looked up */
};

/* For also_accept: an object with the key "ok" is an answer whatever the status (run_query). */
#define CLIENT_ACCEPT_ENVELOPE (-1)

/* A request with the client's own settings. */
mseq_request client_request(const mseq_client *client, const char *method, const char *path);
/* Sends a request whose query is text already, and hands out the body of a reply that counts as
 * success: 2xx, or also_accept. http_status and body may be NULL. */
mseq_status client_send(mseq_client *client, const mseq_request *request, int also_accept,
                        int *http_status, mseq_value **body, mseq_error *err);
/* Turns a reply that is no success into an error: protocol section 1.5. */
mseq_status client_refusal(const mseq_client *client, const mseq_request *request,
                           const mseq_reply *reply, mseq_error *err);

#endif
