/* SPDX-License-Identifier: MIT
 * A request as it comes in, and its answer as it goes out: libmicrohttpd's callbacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server_private.h"

enum { BUDGET_BODIES = 8 }; /* bodies of the maximum size that all requests may hold together */

/* ---- Birth and death ---------------------------------------------------------------------------
 */

/* A target is a path with or without a query; proxies may be sent "http://host/path" (RFC 9112
 * section 3.2.2). */
static void split_target(server_exchange *exchange) {
    char *path = exchange->target, *mark = strchr(path, '?');
    if (mark)
        *mark = '\0';
    exchange->query = mark ? mark + 1 : NULL;
    if (strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0)
        path = strchr(strchr(path, ':') + 3, '/');
    exchange->path = path ? path : "/";
}

void *server_exchange_new(void *data, const char *uri, struct MHD_Connection *mhd) {
    (void)mhd;
    mseq_server *server = data;
    server_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->server = server;
    exchange->begun_us = server_now_us();
    exchange->body.maximum = server->options.maximum_body;
    snprintf(exchange->id, sizeof exchange->id, "%s-%llx", server->prefix,
             (unsigned long long)atomic_fetch_add(&server->requests, 1) + 1);
    exchange->target = mseq_text_dup(uri);
    exchange->cancellation = mseq_cancellation_new();
    if (exchange->target)
        split_target(exchange);
    return exchange;
}

static void give_back_budget(server_exchange *exchange) {
    atomic_fetch_sub(&exchange->server->body_bytes, exchange->reserved);
    exchange->reserved = 0;
}

static void free_body(server_exchange *exchange) {
    mseq_buffer_free(&exchange->body);
    give_back_budget(exchange);
}

static void exchange_free(server_exchange *exchange) {
    server_stream_end(exchange->stream);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    free_body(exchange);
    mseq_cancellation_free(exchange->cancellation);
    free(exchange->method);
    free(exchange->target);
    free(exchange);
}

/* How a request ended that had no answer. */
static void account_for_loss(server_exchange *exchange, bool timed_out) {
    const char *code = timed_out ? "request_timeout" : "client_closed";
    exchange->status = timed_out ? 408 : 499;
    if (!timed_out && exchange->stage == SERVER_COLLECTING) {
        /* A client that only stopped sending can still be told; libmicrohttpd would not. */
        code = "truncated";
        exchange->status = 400;
        server_connection_end(exchange->server, exchange->connection, 400, code,
                              "the request's body ends too early");
    }
    snprintf(exchange->code, sizeof exchange->code, "%s", code);
}

void server_exchange_end(void *server, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code) {
    (void)mhd;
    server_exchange *exchange = *context;
    if (!exchange)
        return;
    if (exchange->connection) {
        bool alive = server_connection_enter(server, exchange->connection, SERVER_IDLE, 0, NULL);
        if (!exchange->status)
            account_for_loss(exchange, !alive && exchange->stage == SERVER_COLLECTING);
        server_log_exchange(exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    }
    exchange_free(exchange);
    *context = NULL;
}

/* ---- The headers -------------------------------------------------------------------------------
 */

static void refuse(server_exchange *exchange, int status, const char *code, const char *detail) {
    if (exchange->refusal.status == 0)
        exchange->refusal = (server_refusal){status, code, detail};
    free_body(exchange);
}

static const char *header(const server_exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

/* "application/json; charset=utf-8" is of the type "application/json". */
static bool is_type(const char *value, const char *type) {
    size_t length = strlen(type);
    return strncasecmp(value, type, length) == 0 && strchr("; \t", value[length]) != NULL;
}

/* A charset other than UTF-8 (of which ASCII is a part). */
static bool is_foreign_charset(const char *value) {
    const char *at = strcasestr(value, "charset=");
    if (!at)
        return false;
    at += strlen("charset=");
    at += *at == '"';
    return strncasecmp(at, "utf-8", 5) != 0 && strncasecmp(at, "utf8", 4) != 0 &&
           strncasecmp(at, "us-ascii", 8) != 0;
}

static void check_type(server_exchange *exchange) {
    const char *type = header(exchange, "Content-Type");
    const char *encoding = header(exchange, "Content-Encoding");
    if (encoding && strcasecmp(encoding, "identity") != 0)
        refuse(exchange, 415, "unsupported_encoding", "bodies are taken uncompressed only");
    if (!type)
        return;
    exchange->text = is_type(type, "text/plain");
    if ((!exchange->text && !is_type(type, "application/json")) || is_foreign_charset(type))
        refuse(exchange, 415, "unsupported_media_type",
               "bodies are application/json (or text/plain for run_query) in UTF-8");
}

typedef struct lengths {
    const char *first;
    size_t count;
    bool differ;
    size_t encodings; /* Transfer-Encoding headers */
    bool foreign;     /* one that is not "chunked" */
} lengths;

static enum MHD_Result see_header(void *data, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
    (void)kind;
    lengths *seen = data;
    const char *given = value ? value : "";
    if (strcasecmp(name, "Content-Length") == 0) {
        seen->differ = seen->differ || (seen->first && strcmp(seen->first, given) != 0);
        seen->first = given;
        seen->count++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        seen->foreign = seen->foreign || strcasecmp(given, "chunked") != 0;
        seen->encodings++;
    }
    return MHD_YES;
}

/* Two answers to "where does the body end?" are how requests are smuggled past proxies (RFC 9112
 * section 6.3). True when a body follows whose end is known. */
static bool check_length(server_exchange *exchange) {
    lengths seen = {NULL, 0, false, 0, false};
    MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, see_header, &seen);
    if (seen.differ || seen.encodings > 1 || seen.foreign || (seen.count && seen.encodings)) {
        refuse(exchange, 400, "bad_framing",
               "the request does not say clearly where its body ends (Content-Length and "
               "Transfer-Encoding)");
        return false;
    }
    if (!seen.first)
        return seen.encodings > 0;
    int64_t length = 0;
    if (!mseq_parse_integer(seen.first, &length) ||
        (uint64_t)length > exchange->server->options.maximum_body)
        refuse(exchange, 413, "body_too_large", "the body is larger than this server takes");
    return length > 0;
}

/* Knows after the headers what can be known. A request that is refused is still read to its end,
 * unread, so that the client sees the answer and no reset; one that waits for "100 Continue" gets
 * the answer at once. True when there is nothing to wait for. */
static bool begin(server_exchange *exchange, struct MHD_Connection *mhd, const char *method) {
    mseq_server *server = exchange->server;
    exchange->mhd = mhd;
    exchange->method = mseq_text_dup(method);
    const union MHD_ConnectionInfo *context =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    exchange->connection = context ? context->socket_context : NULL;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!exchange->target || !exchange->method || !exchange->cancellation)
        refuse(exchange, 503, "no_memory", "the server is out of memory");
    else if (atomic_load(&server->stopping))
        refuse(exchange, 503, "stopping", "the server is being stopped");
    else if (size && size->header_size > SERVER_HEADER_MAXIMUM)
        refuse(exchange, 431, "headers_too_large", "the request's headers are too large");
    bool body = check_length(exchange);
    if (body)
        check_type(exchange);
    return exchange->refusal.status && (!body || header(exchange, "Expect"));
}

/* ---- The body ----------------------------------------------------------------------------------
 */

static void collect(server_exchange *exchange, const char *bytes, size_t length) {
    mseq_server *server = exchange->server;
    if (exchange->refusal.status)
        return;
    exchange->reserved += length;
    size_t before = atomic_fetch_add(&server->body_bytes, length);
    if (before + length > BUDGET_BODIES * server->options.maximum_body) {
        refuse(exchange, 503, "busy", "the server holds too much for other requests: try again");
        return;
    }
    mseq_status status = mseq_buffer_append(&exchange->body, bytes, length);
    if (status == MSEQ_E_LIMIT)
        refuse(exchange, 413, "body_too_large", "the body is larger than this server takes");
    else if (status != MSEQ_OK)
        refuse(exchange, 503, "no_memory", "the server is out of memory");
}

/* ---- The answer --------------------------------------------------------------------------------
 */

static enum MHD_Result send_answer(server_exchange *exchange) {
    exchange->stage = SERVER_ANSWERED;
    if (!exchange->response ||
        !server_connection_enter(exchange->server, exchange->connection, SERVER_WRITING,
                                 exchange->response_length, NULL))
        return MHD_NO; /* closes the connection */
    return MHD_queue_response(exchange->mhd, (unsigned)exchange->status, exchange->response);
}

static enum MHD_Result send_refusal(server_exchange *exchange) {
    const server_refusal *refusal = &exchange->refusal;
    server_reply_refusal(exchange, refusal->status, refusal->code, refusal->detail);
    return send_answer(exchange);
}

/* The request is complete. This is the connection's own thread: it may wait. */
static enum MHD_Result answer(server_exchange *exchange) {
    if (exchange->refusal.status)
        return send_refusal(exchange);
    if (!server_connection_enter(exchange->server, exchange->connection, SERVER_ANSWERING, 0,
                                 exchange->cancellation))
        return MHD_NO;
    server_answer(exchange);
    free_body(exchange);
    return send_answer(exchange);
}

enum MHD_Result server_exchange_step(void *server, struct MHD_Connection *mhd, const char *url,
                                     const char *method, const char *version, const char *upload,
                                     size_t *upload_size, void **context) {
    (void)url, (void)version;
    server_exchange *exchange = *context;
    if (!exchange)
        return MHD_NO;
    switch (exchange->stage) {
    case SERVER_ARRIVED: {
        bool decided = begin(exchange, mhd, method);
        if (!exchange->connection ||
            !server_connection_enter(server, exchange->connection, SERVER_READING_BODY, 0, NULL))
            return MHD_NO;
        exchange->stage = SERVER_COLLECTING;
        return decided ? send_refusal(exchange) : MHD_YES;
    }
    case SERVER_COLLECTING:
        if (*upload_size == 0)
            return answer(exchange);
        collect(exchange, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    default:
        return MHD_YES;
    }
}
