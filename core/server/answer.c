/* SPDX-License-Identifier: MIT
 * From a complete request to its reply: through the manager, in its turn. */
#include <stdlib.h>
#include <string.h>

#include "server_private.h"

/* ---- One request -------------------------------------------------------------------------------
 */

enum {
    SMALL_BODY = 1024 * 1024,     /* bytes; what is smaller cannot hold too much */
    VALUES_MAXIMUM = 2000 * 1000, /* of one body: a value takes up to a hundred bytes of memory */
};

/* A body of nothing but "0," would become many times its size. Commas and brackets outside of
 * strings are a bound of the number of values. */
static bool holds_too_much(const char *bytes, size_t length) {
    size_t count = 0;
    bool quoted = false;
    if (length < SMALL_BODY)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"')
            quoted = !quoted;
        else if (bytes[i] == '\\')
            i++;
        else if (!quoted && (bytes[i] == ',' || bytes[i] == '[' || bytes[i] == '{'))
            count++;
    }
    return count > VALUES_MAXIMUM;
}

static mseq_status read_body(const server_exchange *exchange, mseq_value **body,
                             mseq_request *request, mseq_error *err) {
    const mseq_buffer *bytes = &exchange->body;
    if (bytes->length == 0)
        return MSEQ_OK;
    if (exchange->text) {
        if (!mseq_utf8_valid(bytes->data, bytes->length))
            return mseq_error_set(err, MSEQ_E_REQUEST, "the body is not UTF-8");
        request->text = bytes->data;
        request->text_length = bytes->length;
        return MSEQ_OK;
    }
    if (holds_too_much(bytes->data, bytes->length)) {
        mseq_error_set(err, MSEQ_E_LIMIT, "the body holds more than %d values", VALUES_MAXIMUM);
        mseq_error_code(err, "too_many_values");
        return MSEQ_E_LIMIT;
    }
    mseq_status status = mseq_json_parse(bytes->data, bytes->length, 0, body, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the body: ");
    request->body = *body;
    return status;
}

static const char *header(const server_exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

/* A proxy on this machine speaks for callers who may be anywhere. */
static bool is_local(const server_exchange *exchange) {
    static const char *const proxied[] = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                          "X-Real-IP", "Via"};
    for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++)
        if (header(exchange, proxied[i]))
            return false;
    return exchange->connection->loopback;
}

/* Where the caller believes to be: links in replies lead there. Owned by the caller; NULL: unknown.
 */
static char *origin_of(const server_exchange *exchange) {
    const char *host = header(exchange, "Host");
    const char *scheme = header(exchange, "X-Forwarded-Proto");
    if (!host || !*host || strlen(host) > 300 ||
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") !=
            strlen(host))
        return NULL;
    bool secure = exchange->server->tls || (scheme && strcmp(scheme, "https") == 0);
    return mseq_text_format("%s://%s", secure ? "https" : "http", host);
}

static void answer(server_exchange *exchange) {
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = strcmp(exchange->method, "HEAD") == 0 ? "GET" : exchange->method;
    request.path = exchange->path;
    request.query = exchange->query;
    request.authorization = header(exchange, "Authorization");
    request.cancellation = exchange->cancellation;
    request.loopback = is_local(exchange);
    request.takes_stream = true;
    char *origin = origin_of(exchange);
    request.origin = origin ? origin : exchange->server->address;
    mseq_value *body = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (read_body(exchange, &body, &request, &err) == MSEQ_OK) {
        mseq_reply reply = MSEQ_REPLY_INIT;
        mseq_manager_handle_remote(exchange->server->options.manager, &request, &reply);
        server_reply(exchange, &reply);
        mseq_reply_free(&reply);
    } else {
        /* limits are those of nesting and number: a bad request, not one that is too large */
        server_reply_refusal(exchange, err.status == MSEQ_E_NO_MEMORY ? 503 : 400, err.code,
                             err.message);
    }
    mseq_value_free(body);
    free(origin);
}

/* ---- In its turn -------------------------------------------------------------------------------
 */

static bool path_ends_with(const server_exchange *exchange, const char *ending) {
    size_t length = strlen(exchange->path), size = strlen(ending);
    return length > size && strcmp(exchange->path + length - size, ending) == 0;
}

static bool wants_stream(const server_exchange *exchange) {
    return path_ends_with(exchange, "/stream-operation/");
}

/* Whether the request runs SQL that its caller wrote. */
static bool runs_statement(const server_exchange *exchange) {
    return path_ends_with(exchange, "/execute-operation/") ||
           path_ends_with(exchange, "/run_query/") || wants_stream(exchange);
}

static void answer_in_turn(server_exchange *exchange) {
    bool statement = runs_statement(exchange);
    switch (server_place_take(exchange->server, statement, exchange->cancellation)) {
    case SERVER_PLACE_TAKEN:
        answer(exchange);
        server_place_leave(exchange->server, statement);
        break;
    case SERVER_PLACE_NONE:
        server_reply_refusal(exchange, 503, "busy", "too many requests wait already: try again");
        break;
    default:
        server_reply_refusal(exchange, 503, "cancelled", "the request was given up");
    }
}

void server_answer(server_exchange *exchange) {
    mseq_server *server = exchange->server;
    if (server_page(exchange))
        return;
    bool stream = wants_stream(exchange);
    if (stream && !server_stream_allowed(server)) {
        server_reply_refusal(exchange, 503, "too_many_streams",
                             "too many streams of rows are open already: try again");
        return;
    }
    answer_in_turn(exchange);
    if (stream && !exchange->stream) /* it was refused, or could not be made */
        server_stream_denied(server);
}
