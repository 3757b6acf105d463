/* SPDX-License-Identifier: MIT
 * The transport of this process: it calls a handler. */
#include <stdlib.h>

#include "mainsequence/transport.h"

typedef struct local_transport {
    mseq_handler handler;
    void *data;
    void (*release)(void *data);
} local_transport;

static mseq_status local_send(void *data, const mseq_request *request, mseq_reply *reply,
                              mseq_error *err) {
    const local_transport *local = data;
    mseq_reply answer = MSEQ_REPLY_INIT;
    local->handler(local->data, request, &answer);
    if (answer.status == 0) {
        mseq_reply_free(&answer);
        return mseq_error_set(err, MSEQ_E_TRANSPORT, "the TS Manager gave no answer to %s %s",
                              request->method, request->path);
    }
    *reply = answer;
    return MSEQ_OK;
}

static void local_close(void *data) {
    local_transport *local = data;
    if (local->release)
        local->release(local->data);
    free(local);
}

mseq_status mseq_transport_local_new(mseq_handler handler, void *data, void (*release)(void *data),
                                     const char *description, mseq_transport **transport,
                                     mseq_error *err) {
    static const mseq_transport_functions functions = {
        .size = sizeof(mseq_transport_functions), .send = local_send, .close = local_close};
    local_transport *local = malloc(sizeof *local);
    if (!local) {
        if (release)
            release(data);
        return mseq_error_no_memory(err);
    }
    *local = (local_transport){handler, data, release};
    return mseq_transport_new(&functions, local, description, transport, err);
}
