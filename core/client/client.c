/* SPDX-License-Identifier: MIT
 * A client: one transport, and the calls that every other call is made of. */
#include <stdlib.h>
#include <string.h>

#include "client_private.h"

#define DEFAULT_TIMEOUT_MS 120000

static mseq_status copy_options(mseq_client *client, const mseq_client_options *options,
                                mseq_error *err) {
    client->only_project = options->only_project;
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    client->cancellation = options->cancellation;
    if (options->access_token)
        client->authorization = mseq_text_format("Bearer %s", options->access_token);
    client->project_uid = mseq_text_dup(options->project_uid);
    bool complete = (!options->access_token || client->authorization) &&
                    (!options->project_uid || client->project_uid);
    return complete ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status mseq_client_new(mseq_transport *transport, const mseq_client_options *options,
                            mseq_client **client, mseq_error *err) {
    static const mseq_client_options defaults = MSEQ_CLIENT_OPTIONS_INIT;
    mseq_client *made = calloc(1, sizeof *made);
    if (!made) {
        mseq_transport_free(transport);
        return mseq_error_no_memory(err);
    }
    made->transport = transport;
    mseq_status status = copy_options(made, options ? options : &defaults, err);
    if (status != MSEQ_OK) {
        mseq_client_free(made);
        return status;
    }
    *client = made;
    return MSEQ_OK;
}

void mseq_client_free(mseq_client *client) {
    if (!client)
        return;
    mseq_transport_free(client->transport);
    free(client->authorization);
    free(client->project_uid);
    mseq_value_free(client->session_data_source);
    free(client);
}

const char *mseq_client_endpoint(const mseq_client *client) {
    return mseq_transport_description(client->transport);
}

mseq_status client_send(mseq_client *client, const mseq_request *request, int also_accept,
                        int *http_status, mseq_value **body, mseq_error *err) {
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_status status = mseq_transport_send(client->transport, request, &reply, err);
    if (status != MSEQ_OK)
        return status;
    bool success = (reply.status >= 200 && reply.status <= 299) || reply.status == also_accept ||
                   (also_accept == CLIENT_ACCEPT_ENVELOPE && mseq_object_get(reply.body, "ok"));
    if (!success)
        status = client_refusal(client, request, &reply, err);
    else if (reply.text && reply.text[0])
        status = mseq_error_set(
            err, MSEQ_E_TRANSPORT, "%d %s %s%s: the reply is not JSON, is this a TS Manager?",
            reply.status, request->method, mseq_client_endpoint(client), request->path);
    if (status == MSEQ_OK) {
        if (http_status)
            *http_status = reply.status;
        if (body) {
            *body = reply.body;
            reply.body = NULL;
        }
    }
    mseq_reply_free(&reply);
    return status;
}

mseq_request client_request(const mseq_client *client, const char *method, const char *path) {
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = method;
    request.path = path;
    request.authorization = client->authorization;
    request.timeout_ms = client->timeout_ms;
    request.cancellation = client->cancellation;
    return request;
}

mseq_status mseq_client_call_accepting(mseq_client *client, const char *method, const char *path,
                                       const mseq_value *query, const mseq_value *body,
                                       int also_accept, int *http_status, mseq_value **reply,
                                       mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = query ? mseq_wire_query(query, &text, err) : MSEQ_OK;
    if (status == MSEQ_OK) {
        mseq_request request = client_request(client, method, path);
        request.query = text.length ? mseq_buffer_text(&text) : NULL;
        request.body = body;
        status = client_send(client, &request, also_accept, http_status, reply, err);
    }
    mseq_buffer_free(&text);
    return status;
}

mseq_status mseq_client_call(mseq_client *client, const char *method, const char *path,
                             const mseq_value *query, const mseq_value *body, mseq_value **reply,
                             mseq_error *err) {
    return mseq_client_call_accepting(client, method, path, query, body, 0, NULL, reply, err);
}

mseq_status mseq_client_call_text(mseq_client *client, const char *method, const char *path,
                                  const char *text, size_t length, mseq_value **reply,
                                  mseq_error *err) {
    mseq_request request = client_request(client, method, path);
    request.text = text;
    request.text_length = length;
    return client_send(client, &request, CLIENT_ACCEPT_ENVELOPE, NULL, reply, err);
}
