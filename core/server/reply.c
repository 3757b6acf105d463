/* SPDX-License-Identifier: MIT
 * Responses. JSON by the canonical writer; refusals are {"detail", "code"}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server_private.h"

static void add_header(server_exchange *exchange, const char *name, const char *value) {
    /* Fails on memory, and on values with line ends, which none of ours has. */
    if (exchange->response)
        (void)MHD_add_response_header(exchange->response, name, value);
}

/* What every response says. */
static void add_headers(server_exchange *exchange, const char *type) {
    if (type)
        add_header(exchange, "Content-Type", type);
    /* Replies hold what only their caller may see, sometimes credentials. */
    add_header(exchange, "Cache-Control", "no-store");
    add_header(exchange, "X-Content-Type-Options", "nosniff");
    add_header(exchange, "X-Request-Id", exchange->id);
    if (exchange->status == 401)
        add_header(exchange, "WWW-Authenticate", "Bearer");
    if (atomic_load(&exchange->server->stopping))
        add_header(exchange, "Connection", "close");
}

/* Becomes owner of `text` (malloc'ed), even on failure. */
static void respond(server_exchange *exchange, int status, const char *type, char *text,
                    size_t length) {
    exchange->status = status;
    exchange->response_length = length;
    exchange->response = MHD_create_response_from_buffer(
        length, text, text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (exchange->response)
        add_headers(exchange, type);
    else
        free(text);
}

/* Takes the rows over from the reply. */
static void respond_with_rows(server_exchange *exchange, mseq_reply *reply) {
    exchange->status = reply->status;
    exchange->response = server_stream_response(exchange, reply->stream);
    reply->stream = NULL;
    add_headers(exchange, MSEQ_ROW_STREAM_TYPE);
}

void server_reply_text(server_exchange *exchange, int status, const char *type, char *text) {
    respond(exchange, status, type, text, text ? strlen(text) : 0);
}

static mseq_status append_refusal(mseq_buffer *text, const char *code, const char *detail) {
    mseq_value *body = mseq_value_object();
    mseq_status status = body ? MSEQ_OK : MSEQ_E_NO_MEMORY;
    if (status == MSEQ_OK)
        status = mseq_object_put_text(body, "detail", detail);
    if (status == MSEQ_OK)
        status = mseq_object_put_text(body, "code", code);
    if (status == MSEQ_OK)
        status = mseq_json_write(body, 0, text, NULL);
    mseq_value_free(body);
    return status;
}

void server_reply_refusal(server_exchange *exchange, int status, const char *code,
                          const char *detail) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status written = append_refusal(&text, code, detail);
    size_t length = text.length;
    char *bytes = written == MSEQ_OK ? mseq_buffer_take(&text) : NULL;
    mseq_buffer_free(&text);
    snprintf(exchange->code, sizeof exchange->code, "%s", code);
    respond(exchange, status, "application/json", bytes, bytes ? length : 0);
    if (status == 503)
        add_header(exchange, "Retry-After", "1");
}

size_t server_reply_raw(int status, const char *code, const char *detail, char *text, size_t size) {
    char body[512];
    int length =
        snprintf(body, sizeof body, "{\"detail\": \"%s\", \"code\": \"%s\"}", detail, code);
    int whole = snprintf(text, size,
                         "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
                         "Content-Length: %d\r\n%sConnection: close\r\n\r\n%s",
                         status, MHD_get_reason_phrase_for((unsigned)status), length,
                         status == 503 ? "Retry-After: 1\r\n" : "", body);
    return whole > 0 && (size_t)whole < size ? (size_t)whole : 0;
}

static void keep_facts(server_exchange *exchange, const mseq_reply *reply) {
    exchange->route = reply->route;
    snprintf(exchange->user, sizeof exchange->user, "%s", reply->user_uid);
    const char *code = reply->status >= 400 ? mseq_object_get_text(reply->body, "code") : NULL;
    snprintf(exchange->code, sizeof exchange->code, "%s", code ? code : "");
}

void server_reply(server_exchange *exchange, mseq_reply *reply) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    const char *type = NULL;
    keep_facts(exchange, reply);
    if (reply->stream) {
        respond_with_rows(exchange, reply);
        return;
    }
    if (reply->body) {
        type = "application/json";
        if (mseq_json_write(reply->body, 0, &text, &err) != MSEQ_OK) {
            mseq_buffer_free(&text);
            server_reply_refusal(exchange, mseq_status_to_http(err.status), err.code, err.message);
            return;
        }
    } else if (reply->text) {
        type = reply->content_type ? reply->content_type : "text/plain; charset=utf-8";
        mseq_buffer_append_text(&text, reply->text);
    }
    size_t length = text.length;
    char *bytes = length ? mseq_buffer_take(&text) : NULL;
    bool lost = length && !bytes;
    mseq_buffer_free(&text);
    if (lost) {
        server_reply_refusal(exchange, 503, "no_memory", "the server is out of memory");
        return;
    }
    bool options = reply->status == 405 && strcmp(exchange->method, "OPTIONS") == 0;
    if (options) { /* what the route allows is all that was asked for */
        free(bytes);
        exchange->code[0] = '\0';
        respond(exchange, 204, NULL, NULL, 0);
    } else {
        respond(exchange, reply->status, type, bytes, length);
    }
    if (reply->allow)
        add_header(exchange, "Allow", reply->allow);
    if (reply->retry_after)
        add_header(exchange, "Retry-After", reply->retry_after);
}
