/* SPDX-License-Identifier: MIT
 * A transport: a function table and what it works on. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/transport.h"

struct mseq_transport {
    mseq_transport_functions functions;
    void *data;
    char *description;
};

mseq_status mseq_transport_new(const mseq_transport_functions *functions, void *data,
                               const char *description, mseq_transport **transport,
                               mseq_error *err) {
    mseq_transport *made = calloc(1, sizeof *made);
    if (made)
        made->description = mseq_text_dup(description);
    if (!made || !made->description) {
        free(made);
        functions->close(data);
        return mseq_error_no_memory(err);
    }
    size_t known =
        functions->size < sizeof made->functions ? functions->size : sizeof made->functions;
    memcpy(&made->functions, functions, known);
    made->data = data;
    *transport = made;
    return MSEQ_OK;
}

void mseq_transport_free(mseq_transport *transport) {
    if (!transport)
        return;
    transport->functions.close(transport->data);
    free(transport->description);
    free(transport);
}

const char *mseq_transport_description(const mseq_transport *transport) {
    return transport->description;
}

mseq_status mseq_transport_send(mseq_transport *transport, const mseq_request *request,
                                mseq_reply *reply, mseq_error *err) {
    if (mseq_cancellation_is_set(request->cancellation))
        return mseq_error_set(err, MSEQ_E_CANCELLED, "%s %s was cancelled before it was sent",
                              request->method, request->path);
    return transport->functions.send(transport->data, request, reply, err);
}

void mseq_transport_send_many(mseq_transport *transport, const mseq_request *requests, size_t count,
                              mseq_outcome *outcomes) {
    if (transport->functions.send_many) {
        transport->functions.send_many(transport->data, requests, count, outcomes);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        mseq_outcome *outcome = &outcomes[i];
        mseq_status status =
            mseq_transport_send(transport, &requests[i], &outcome->reply, &outcome->error);
        (void)status; /* the error holds it */
    }
}
