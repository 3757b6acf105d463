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

/* Sends a request whose query is text already, and hands out the body of a reply that counts as
 * success. */
static mseq_status send_request(mseq_client *client, const mseq_request *request, int also_accept,
                                int *http_status, mseq_value **body, mseq_error *err) {
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_status status = mseq_transport_send(client->transport, request, &reply, err);
    if (status != MSEQ_OK)
        return status;
    bool success = (reply.status >= 200 && reply.status <= 299) || reply.status == also_accept;
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

static mseq_request client_request(const mseq_client *client, const char *method,
                                   const char *path) {
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
        status = send_request(client, &request, also_accept, http_status, reply, err);
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
    return send_request(client, &request, 0, NULL, reply, err);
}

/* ---- Lists
 * --------------------------------------------------------------------------------------- */

/* The path of a `next` link. It is always asked of the same transport: an access token never goes
 * to another host because a reply named one. */
static const char *path_of_link(const char *link) {
    const char *authority = strstr(link, "://");
    const char *path = strchr(authority ? authority + 3 : link, '/');
    return path ? path : link;
}

/* One page: moves its rows to `rows` and gives the path and query of the next one, or NULL. */
static mseq_status take_page(mseq_value *page, mseq_value *rows, char **next, mseq_error *err) {
    bool bare = mseq_value_kind(page) == MSEQ_ARRAY;
    const mseq_value *results = bare ? page : mseq_object_get(page, "results");
    if (mseq_value_kind(results) != MSEQ_ARRAY)
        return mseq_error_set(err, MSEQ_E_TRANSPORT,
                              "a list reply is neither an array nor an object with results");
    for (size_t i = 0; i < mseq_value_length(results); i++)
        if (mseq_array_add(rows, mseq_value_dup(mseq_array_get(results, i))) != MSEQ_OK)
            return mseq_error_no_memory(err);
    const mseq_value *following = bare ? NULL : mseq_object_get(page, "next");
    const char *link = mseq_value_get_text(following);
    if (!link && !mseq_value_is_null(following))
        return mseq_error_set(err, MSEQ_E_TRANSPORT, "a list reply's next is no link but %s",
                              mseq_kind_name(mseq_value_kind(following)));
    *next = link ? mseq_text_dup(path_of_link(link)) : NULL;
    return link && !*next ? mseq_error_no_memory(err) : MSEQ_OK;
}

/* Follows the links; `next` is consumed. */
static mseq_status follow_pages(mseq_client *client, char *next, mseq_value *rows,
                                mseq_error *err) {
    mseq_status status = MSEQ_OK;
    while (status == MSEQ_OK && next) {
        char *path = next;
        next = NULL;
        char *question = strchr(path, '?');
        if (question)
            *question = '\0';
        mseq_request request = client_request(client, "GET", path);
        request.query = question ? question + 1 : NULL;
        mseq_value *page = NULL;
        size_t before = mseq_value_length(rows);
        status = send_request(client, &request, 0, NULL, &page, err);
        if (status == MSEQ_OK)
            status = take_page(page, rows, &next, err);
        if (status == MSEQ_OK && next && mseq_value_length(rows) == before)
            status = mseq_error_set(err, MSEQ_E_TRANSPORT,
                                    "an empty page of the list %s names a next one", path);
        mseq_value_free(page);
        free(path);
    }
    free(next);
    return status;
}

mseq_status mseq_client_list(mseq_client *client, const char *path, const mseq_value *query,
                             mseq_value **rows, mseq_error *err) {
    mseq_value *page = NULL;
    mseq_status status = mseq_client_call(client, "GET", path, query, NULL, &page, err);
    if (status != MSEQ_OK)
        return status;
    mseq_value *all = mseq_value_array();
    char *next = NULL;
    status = all ? take_page(page, all, &next, err) : mseq_error_no_memory(err);
    mseq_value_free(page);
    if (status == MSEQ_OK)
        status = follow_pages(client, next, all, err);
    else
        free(next);
    if (status != MSEQ_OK) {
        mseq_value_free(all);
        return status;
    }
    *rows = all;
    return MSEQ_OK;
}
