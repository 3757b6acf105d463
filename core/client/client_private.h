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

/* Turns a reply that is no success into an error: protocol section 1.5. */
mseq_status client_refusal(const mseq_client *client, const mseq_request *request,
                           const mseq_reply *reply, mseq_error *err);

#endif
