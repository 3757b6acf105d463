/* SPDX-License-Identifier: MIT
 * A client: one transport, and the calls that every other call is made of. */
#include <stdlib.h>
#include <string.h>

#include "client_private.h"

#define DEFAULT_TIMEOUT_MS 120000
#define DEFAULT_ATTEMPTS 4

static mseq_status copy_options(mseq_client *client, const mseq_client_options *options,
                                mseq_error *err) {
    client->only_project = options->only_project;
    client->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    client->attempts = options->attempts > 0 ? options->attempts : DEFAULT_ATTEMPTS;
    client->cancellation = options->cancellation;
    client->clock = &client_system_clock;
    client->project_uid = mseq_text_dup(options->project_uid);
    if (options->project_uid && !client->project_uid)
        return mseq_error_no_memory(err);
    return credentials_init(&client->credentials, options, err);
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
    client_streams_end(client);
    mseq_transport_free(client->transport);
    credentials_free(&client->credentials);
    free(client->project_uid);
    mseq_value_free(client->session_data_source);
    free(client);
}

const char *mseq_client_endpoint(const mseq_client *client) {
    return mseq_transport_description(client->transport);
}

/* The body of a reply that counts as success, or the error that the outcome stands for. */
static mseq_status take_outcome(const mseq_client *client, const mseq_request *request,
                                mseq_outcome *outcome, int also_accept, int *http_status,
                                mseq_value **body, mseq_error *err) {
    mseq_reply *reply = &outcome->reply;
    mseq_status status = outcome->error.status;
    if (status != MSEQ_OK) {
        if (err && err->status == MSEQ_OK)
            *err = outcome->error;
        return status;
    }
    bool success = (reply->status >= 200 && reply->status <= 299) || reply->status == also_accept ||
                   (also_accept == CLIENT_ACCEPT_ENVELOPE && mseq_object_get(reply->body, "ok"));
    if (!success)
        status = client_refusal(client, request, reply, err);
    else if (reply->text && reply->text[0])
        status = client_no_json(client, request, reply, err);
    if (http_status)
        *http_status = reply->status;
    if (status == MSEQ_OK && body) {
        *body = reply->body;
        reply->body = NULL;
    }
    mseq_reply_free(reply);
    return status;
}

mseq_status client_send(mseq_client *client, const mseq_request *request, int also_accept,
                        int *http_status, mseq_value **body, mseq_error *err) {
    mseq_outcome outcome = MSEQ_OUTCOME_INIT;
    client_exchange_many(client, request, 1, &outcome);
    return take_outcome(client, request, &outcome, also_accept, http_status, body, err);
}

mseq_status client_send_plain(mseq_client *client, const mseq_request *request, bool repeat,
                              int *http_status, mseq_value **body, mseq_error *err) {
    mseq_outcome outcome = MSEQ_OUTCOME_INIT;
    client_exchange_plain(client, request, repeat, &outcome);
    return take_outcome(client, request, &outcome, 0, http_status, body, err);
}

const char *client_path_of(const mseq_client *client, const char *link) {
    const char *endpoint = mseq_client_endpoint(client);
    const char *host = strstr(endpoint, "://");
    const char *below = strchr(host ? host + 3 : endpoint, '/'); /* the endpoint's own path */
    size_t origin = below ? (size_t)(below - endpoint) : strlen(endpoint);
    if (strncmp(link, endpoint, origin) == 0 && link[origin] == '/')
        link += origin;
    if (link[0] != '/' || link[1] == '/')
        return NULL;
    size_t prefix = below ? strlen(below) : 0;
    if (prefix && (strncmp(link, below, prefix) != 0 || link[prefix] != '/'))
        return NULL;
    return link + prefix;
}

mseq_request client_request(const mseq_client *client, const char *method, const char *path) {
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = method;
    request.path = path;
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

/* ---- Several calls
 * ------------------------------------------------------------------------------------------- */

static mseq_status write_queries(const mseq_call *calls, size_t count, mseq_buffer *queries,
                                 mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < count && status == MSEQ_OK; i++)
        if (calls[i].query)
            status = mseq_wire_query(calls[i].query, &queries[i], err);
    return status;
}

static void prepare_requests(const mseq_client *client, const mseq_call *calls, size_t count,
                             const mseq_buffer *queries, mseq_request *requests) {
    for (size_t i = 0; i < count; i++) {
        requests[i] = client_request(client, calls[i].method, calls[i].path);
        requests[i].query = queries[i].length ? mseq_buffer_text(&queries[i]) : NULL;
        requests[i].body = calls[i].body;
    }
}

static mseq_status take_outcomes(const mseq_client *client, const mseq_request *requests,
                                 size_t count, mseq_outcome *outcomes, mseq_value *bodies,
                                 mseq_error *errors, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < count; i++) {
        mseq_value *body = NULL;
        mseq_error_clear(&errors[i]);
        mseq_status own =
            take_outcome(client, &requests[i], &outcomes[i], 0, NULL, &body, &errors[i]);
        if (own != MSEQ_OK || !body)
            body = mseq_value_null();
        if (mseq_array_add(bodies, body) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    return status;
}

/* What several calls need while they are under way. */
typedef struct batch {
    mseq_buffer *queries;
    mseq_request *requests;
    mseq_outcome *outcomes;
    mseq_value *bodies;
} batch;

static mseq_status run_batch(mseq_client *client, const mseq_call *calls, size_t count,
                             const batch *b, mseq_error *errors, mseq_error *err) {
    mseq_status status = write_queries(calls, count, b->queries, err);
    if (status != MSEQ_OK)
        return status;
    prepare_requests(client, calls, count, b->queries, b->requests);
    client_exchange_many(client, b->requests, count, b->outcomes);
    return take_outcomes(client, b->requests, count, b->outcomes, b->bodies, errors, err);
}

mseq_status mseq_client_parallel(mseq_client *client, const mseq_call *calls, size_t count,
                                 mseq_value **bodies, mseq_error *errors, mseq_error *err) {
    batch b = {calloc(count + 1, sizeof *b.queries), calloc(count + 1, sizeof *b.requests),
               calloc(count + 1, sizeof *b.outcomes), mseq_value_array()};
    bool whole = b.queries && b.requests && b.outcomes && b.bodies;
    mseq_status status =
        whole ? run_batch(client, calls, count, &b, errors, err) : mseq_error_no_memory(err);
    for (size_t i = 0; b.queries && i < count; i++)
        mseq_buffer_free(&b.queries[i]);
    free(b.queries);
    free(b.requests);
    free(b.outcomes);
    if (status == MSEQ_OK)
        *bodies = b.bodies;
    else
        mseq_value_free(b.bodies);
    return status;
}
