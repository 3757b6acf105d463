/* SPDX-License-Identifier: MIT
 * One exchange over libcurl: the request's options, the callbacks, and what they make of the reply.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_private.h"

/* Nobody needs more; without a bound a server could send headers for ever. */
#define MAXIMUM_HEADER_BYTES ((size_t)256 * 1024)

/* ---- Callbacks
 * ------------------------------------------------------------------------------------------- */

size_t http_exchange_receive(char *bytes, size_t size, size_t count, void *data) {
    http_exchange *exchange = data;
    if (mseq_buffer_append(&exchange->received, bytes, size * count) == MSEQ_OK)
        return size * count;
    exchange->status = exchange->received.status;
    return 0;
}

/* The value of a header line when it has that name: malloc'ed, replaces *value. */
static bool take_header(const char *line, size_t length, const char *name, char **value) {
    size_t name_length = strlen(name);
    if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
        line[name_length] != ':')
        return true;
    const char *begin = line + name_length + 1, *end = line + length;
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (end > begin && strchr(" \t\r\n", end[-1]))
        end--;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append(&text, begin, (size_t)(end - begin));
    free(*value);
    *value = mseq_buffer_take(&text);
    return *value != NULL;
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *data) {
    http_exchange *exchange = data;
    size_t length = size * count;
    exchange->header_bytes += length;
    if (length > 5 && strncmp(bytes, "HTTP/", 5) == 0) /* again after 100 Continue */
        exchange->headers_ended = false;
    if (length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n'))
        exchange->headers_ended = true;
    if (exchange->header_bytes > MAXIMUM_HEADER_BYTES)
        exchange->status = MSEQ_E_LIMIT;
    else if (!take_header(bytes, length, "Retry-After", &exchange->retry_after) ||
             !take_header(bytes, length, "Location", &exchange->location))
        exchange->status = MSEQ_E_NO_MEMORY;
    return exchange->status == MSEQ_OK ? length : 0;
}

static void body_of(const http_exchange *exchange, const char **bytes, size_t *length) {
    *bytes = exchange->request->text ? exchange->request->text : mseq_buffer_text(&exchange->sent);
    *length = exchange->request->text ? exchange->request->text_length : exchange->sent.length;
}

static size_t give_body(char *room, size_t size, size_t count, void *data) {
    http_exchange *exchange = data;
    const char *bytes = NULL;
    size_t length = 0;
    body_of(exchange, &bytes, &length);
    size_t left = length - exchange->sent_offset, given = size * count < left ? size * count : left;
    memcpy(room, bytes + exchange->sent_offset, given);
    exchange->sent_offset += given;
    return given;
}

/* libcurl rewinds the body to send it again, when a kept connection breaks before the reply. For a
 * request that must not be sent twice this refuses, and the call fails. */
static int refuse_rewind(void *data, curl_off_t offset, int origin) {
    const http_exchange *exchange = data;
    (void)origin;
    return offset == 0 && exchange->sent_offset == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int watch(void *data, curl_off_t total_down, curl_off_t down, curl_off_t total_up,
                 curl_off_t up) {
    const http_exchange *exchange = data;
    (void)total_down, (void)down, (void)total_up, (void)up;
    return mseq_cancellation_is_set(exchange->request->cancellation) ? 1 : 0;
}

/* ---- The request
 * ------------------------------------------------------------------------------------------- */

static bool has_control_character(const char *text) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return true;
    return false;
}

/* Letters and dashes, as all that are registered. */
static bool is_method(const char *method) {
    size_t length = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");
    return length > 0 && length < HTTP_METHOD_SIZE && method[length] == '\0';
}

/* What a caller could smuggle into the request's head. */
static mseq_status check_request(const mseq_request *request, mseq_error *err) {
    if (!is_method(request->method))
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "'%s' is no method of a request: it is a word like GET",
                              request->method);
    if (request->path[0] != '/' || has_control_character(request->path) ||
        strpbrk(request->path, " ?#"))
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "'%s' is no path of a request: it starts with / and is escaped",
                              request->path);
    if (request->query && (has_control_character(request->query) || strpbrk(request->query, " #")))
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "the query of %s is not escaped",
                              request->path);
    if (request->authorization && has_control_character(request->authorization))
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "the access token holds a line break or another control character");
    return MSEQ_OK;
}

static bool add_header(http_exchange *exchange, const char *line) {
    struct curl_slist *longer = line ? curl_slist_append(exchange->headers, line) : NULL;
    if (longer)
        exchange->headers = longer;
    return longer != NULL;
}

static bool is_tls(const http_settings *settings) {
    return strncasecmp(settings->origin, "https:", 6) == 0;
}

#define USER_AGENT "libmainsequence/" MSEQ_VERSION_STRING
#define ACCEPTED_ENCODINGS "gzip, deflate"

/* libcurl writes headers of its own twice, byte by byte (a third of an exchange's instructions), so
 * that ours come in its list where that says the same. */
static bool add_headers(http_exchange *exchange, const http_settings *settings) {
    const http_shape *shape = &exchange->shape;
    bool good = true;
    if (!is_tls(settings)) /* else the option does, for a proxy's eyes too */
        good = add_header(exchange, "User-Agent: " USER_AGENT);
    if (good && !shape->stream)
        good = add_header(exchange, "Accept-Encoding: " ACCEPTED_ENCODINGS);
    if (good && shape->large)
        good = add_header(exchange, "Expect:"); /* nobody waits for 100 Continue */
    if (good && shape->text)
        good = add_header(exchange, "Content-Type: text/plain");
    else if (good)
        good =
            add_header(exchange, shape->json ? "Content-Type: application/json" : "Content-Type:");
    if (good && shape->authorization) {
        char *line = mseq_text_format("Authorization: %s", shape->authorization);
        good = add_header(exchange, line);
        free(line);
    }
    return good;
}

#define SET(option, value) (curl_easy_setopt(exchange->handle, option, value) == CURLE_OK)

/* The options of a body but for the body itself. */
static bool set_body_options(const http_exchange *exchange) {
    if (!SET(CURLOPT_POST, 1L))
        return false;
    if (!exchange->shape.send_once)
        return true;
    return SET(CURLOPT_POSTFIELDS, NULL) && SET(CURLOPT_READFUNCTION, give_body) &&
           SET(CURLOPT_READDATA, exchange) && SET(CURLOPT_SEEKFUNCTION, refuse_rewind) &&
           SET(CURLOPT_SEEKDATA, exchange);
}

/* POST, PUT and PATCH have one, though it may be empty. */
static bool has_body(const http_shape *shape) {
    return shape->json || shape->text || strcmp(shape->method, "POST") == 0 ||
           strcmp(shape->method, "PUT") == 0 || strcmp(shape->method, "PATCH") == 0;
}

static bool set_body(const http_exchange *exchange) {
    const char *bytes = NULL;
    size_t length = 0;
    if (strcmp(exchange->shape.method, "HEAD") == 0 || !has_body(&exchange->shape))
        return true;
    body_of(exchange, &bytes, &length);
    return SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length) &&
           (exchange->shape.send_once || SET(CURLOPT_POSTFIELDS, bytes));
}

static bool set_method(const http_exchange *exchange) {
    const http_shape *shape = &exchange->shape;
    if (strcmp(shape->method, "HEAD") == 0)
        return SET(CURLOPT_NOBODY, 1L);
    /* Without a body there is nothing that libcurl would have to rewind before it sends again. */
    if (shape->send_once && !shape->json && !shape->text && !SET(CURLOPT_FRESH_CONNECT, 1L))
        return false;
    return (has_body(shape) ? set_body_options(exchange) : SET(CURLOPT_HTTPGET, 1L)) &&
           SET(CURLOPT_CUSTOMREQUEST, shape->method);
}

static long milliseconds(int64_t given, int64_t otherwise) {
    int64_t chosen = given > 0 ? given : otherwise;
    return chosen > 86400000 ? 86400000L : (long)chosen;
}

static bool set_connection(const http_exchange *exchange, const http_settings *settings) {
    /* Whether a request waits for a connection that is being made, because it may carry several:
     * over TLS the handshake tells; without, only the first reply would. */
    return SET(CURLOPT_PIPEWAIT, is_tls(settings) ? 1L : 0L) &&
           (!is_tls(settings) || SET(CURLOPT_USERAGENT, USER_AGENT)) &&
           SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (!settings->ca_file || SET(CURLOPT_CAINFO, settings->ca_file)) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(settings->connect_timeout_ms, 0));
}

/* A stream is read at the reader's pace: neither a window of HTTP/2 nor a decoder that would have
 * to be filled ahead of it. */
static bool set_reply(const http_exchange *exchange) {
    if (exchange->shape.stream)
        return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) &&
           SET(CURLOPT_ACCEPT_ENCODING, ACCEPTED_ENCODINGS);
}

static bool set_callbacks(http_exchange *exchange) {
    return SET(CURLOPT_PRIVATE, exchange) && SET(CURLOPT_ERRORBUFFER, exchange->reason) &&
           SET(CURLOPT_WRITEFUNCTION, http_exchange_receive) && SET(CURLOPT_WRITEDATA, exchange) &&
           SET(CURLOPT_HEADERFUNCTION, receive_header) && SET(CURLOPT_HEADERDATA, exchange) &&
           SET(CURLOPT_NOPROGRESS, 0L) && SET(CURLOPT_XFERINFOFUNCTION, watch) &&
           SET(CURLOPT_XFERINFODATA, exchange);
}

/* ---- The shape of a request
 * ------------------------------------------------------------------------------------------- */

enum { SMALL_BODY = 1024 }; /* bytes; for no more no libcurl asks for 100 Continue */

/* Borrows the authorization. */
static http_shape shape_of(const http_exchange *exchange) {
    const mseq_request *request = exchange->request;
    const char *bytes = NULL;
    size_t length = 0;
    body_of(exchange, &bytes, &length);
    http_shape shape = {.authorization = request->authorization,
                        .json = request->body && !request->text,
                        .text = request->text != NULL,
                        .large = length > SMALL_BODY,
                        .send_once = request->send_once,
                        .stream = request->takes_stream};
    memcpy(shape.method, request->method, strlen(request->method)); /* see is_method */
    return shape;
}

static bool is_same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_shape(const http_shape *a, const http_shape *b) {
    return strcmp(a->method, b->method) == 0 && a->json == b->json && a->text == b->text &&
           a->large == b->large && a->send_once == b->send_once && a->stream == b->stream &&
           is_same_text(a->authorization, b->authorization);
}

static void forget_shape(http_exchange *exchange) {
    curl_easy_reset(exchange->handle);
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    free(exchange->authorization);
    exchange->authorization = NULL;
    exchange->shape = (http_shape){.method = ""};
}

static bool set_up(http_exchange *exchange, const http_settings *settings,
                   const http_shape *shape) {
    if (is_same_shape(shape, &exchange->shape))
        return true;
    forget_shape(exchange);
    exchange->shape = *shape;
    exchange->shape.authorization = exchange->authorization = mseq_text_dup(shape->authorization);
    return (!shape->authorization || exchange->authorization) && add_headers(exchange, settings) &&
           SET(CURLOPT_HTTPHEADER, exchange->headers) && SET(CURLOPT_CURLU, exchange->target) &&
           set_connection(exchange, settings) && set_reply(exchange) && set_callbacks(exchange) &&
           set_method(exchange);
}

/* The URL stays parsed while it is the same. */
static mseq_status set_url(http_exchange *exchange, const http_settings *settings,
                           mseq_error *err) {
    const mseq_request *request = exchange->request;
    mseq_buffer_append_text(&exchange->url, settings->origin);
    mseq_buffer_append_text(&exchange->url, request->path);
    if (request->query && request->query[0]) {
        mseq_buffer_append_char(&exchange->url, '?');
        mseq_buffer_append_text(&exchange->url, request->query);
    }
    if (exchange->url.status != MSEQ_OK)
        return mseq_error_no_memory(err);
    const char *url = mseq_buffer_text(&exchange->url);
    if (is_same_text(url, mseq_buffer_text(&exchange->former_url)))
        return MSEQ_OK;
    mseq_buffer_clear(&exchange->former_url);
    CURLUcode code = curl_url_set(exchange->target, CURLUPART_URL, url, CURLU_PATH_AS_IS);
    if (code == CURLUE_OUT_OF_MEMORY)
        return mseq_error_no_memory(err);
    if (code != CURLUE_OK)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "%s %s: %s", request->method, request->path,
                              curl_url_strerror(code));
    mseq_status status = mseq_buffer_append_text(&exchange->former_url, url);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status http_exchange_prepare(http_exchange *exchange, const http_settings *settings,
                                  const mseq_request *request, mseq_outcome *outcome,
                                  mseq_error *err) {
    mseq_status status = check_request(request, err);
    if (status != MSEQ_OK)
        return status;
    exchange->request = request;
    exchange->outcome = outcome;
    exchange->received.maximum = settings->maximum_reply;
    status = set_url(exchange, settings, err);
    if (status == MSEQ_OK && request->body && !request->text)
        status = mseq_json_write(request->body, 0, &exchange->sent, err);
    if (status == MSEQ_OK) {
        http_shape shape = shape_of(exchange);
        long limit = request->takes_stream
                         ? 0L /* of a stream the whole may take any time */
                         : milliseconds(request->timeout_ms, settings->timeout_ms);
        if (!set_up(exchange, settings, &shape) || !set_body(exchange) ||
            !SET(CURLOPT_TIMEOUT_MS, limit)) {
            forget_shape(exchange);
            status = mseq_error_no_memory(err);
        }
    }
    if (status != MSEQ_OK)
        http_exchange_clear(exchange);
    return status;
}

/* ---- The reply
 * ------------------------------------------------------------------------------------------- */

/* The body as JSON, else as text. */
static mseq_status take_body(http_exchange *exchange, mseq_reply *reply, mseq_error *err) {
    const mseq_buffer *received = &exchange->received;
    if (received->length == 0)
        return MSEQ_OK;
    mseq_error reason = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_json_parse(received->data, received->length, 0, &reply->body, &reason);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK && !(reply->text = mseq_buffer_take(&exchange->received)))
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static mseq_status take_reply(http_exchange *exchange, mseq_reply *reply, mseq_error *err) {
    long http_status = 0;
    curl_easy_getinfo(exchange->handle, CURLINFO_RESPONSE_CODE, &http_status);
    mseq_reply made = MSEQ_REPLY_INIT;
    made.status = (int)http_status;
    mseq_status status = take_body(exchange, &made, err);
    if (status != MSEQ_OK)
        return status;
    made.retry_after = exchange->retry_after;
    made.location = exchange->location;
    exchange->retry_after = exchange->location = NULL;
    *reply = made;
    return MSEQ_OK;
}

/* ---- Failures
 * ------------------------------------------------------------------------------------------- */

/* Whether a connection was ready for the request, so that some of it may have been sent. */
static bool was_connected(const http_exchange *exchange) {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(exchange->handle, CURLINFO_PRETRANSFER_TIME_T, &microseconds);
    return microseconds > 0;
}

static mseq_status too_large(const http_exchange *exchange, const http_settings *settings,
                             mseq_error *err) {
    const char *method = exchange->request->method, *url = mseq_buffer_text(&exchange->url);
    if (exchange->header_bytes > MAXIMUM_HEADER_BYTES)
        return mseq_error_set(err, MSEQ_E_LIMIT,
                              "%s %s: the headers of the reply are larger than %zu bytes", method,
                              url, MAXIMUM_HEADER_BYTES);
    mseq_error_set(err, MSEQ_E_LIMIT, "%s %s: the reply is larger than %zu bytes", method, url,
                   settings->maximum_reply);
    mseq_error_hint(err, "ask for less at a time, with filters or max_rows");
    return MSEQ_E_LIMIT;
}

static mseq_status timed_out(const http_exchange *exchange, const http_settings *settings,
                             mseq_error *err) {
    const mseq_request *request = exchange->request;
    const char *url = mseq_buffer_text(&exchange->url);
    long limit = milliseconds(request->timeout_ms, settings->timeout_ms);
    if (was_connected(exchange))
        return mseq_error_set(err, MSEQ_E_TIMEOUT, "%s %s: no whole reply within %ld ms",
                              request->method, url, limit);
    long connect = milliseconds(settings->connect_timeout_ms, 0);
    mseq_error_set(err, MSEQ_E_TIMEOUT, "%s %s: no connection within %ld ms", request->method, url,
                   connect < limit ? connect : limit);
    mseq_error_code(err, "unreachable");
    return MSEQ_E_TIMEOUT;
}

static bool is_distrust(CURLcode result) {
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
           result == CURLE_SSL_ISSUER_ERROR || result == CURLE_SSL_INVALIDCERTSTATUS;
}

static mseq_status broken(const http_exchange *exchange, CURLcode result, mseq_error *err) {
    const char *reason = exchange->reason[0] ? exchange->reason : curl_easy_strerror(result);
    if (result == CURLE_OK)
        reason = "the connection ended in the headers of the reply";
    mseq_error_set(err, MSEQ_E_TRANSPORT, "%s %s: %s", exchange->request->method,
                   mseq_buffer_text(&exchange->url), reason);
    if (is_distrust(result)) {
        mseq_error_code(err, "untrusted");
        mseq_error_hint(err, "name the authority that signed the server's certificate in "
                             "MAINSEQUENCE_CA_FILE");
    } else if (!was_connected(exchange)) {
        mseq_error_code(err, "unreachable");
    } else {
        mseq_error_code(err, "interrupted");
    }
    return MSEQ_E_TRANSPORT;
}

mseq_status http_exchange_fail(const http_exchange *exchange, const http_settings *settings,
                               CURLcode result, mseq_error *err) {
    if (exchange->status == MSEQ_E_LIMIT)
        return too_large(exchange, settings, err);
    if (exchange->status != MSEQ_OK || result == CURLE_OUT_OF_MEMORY)
        return mseq_error_no_memory(err);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        return mseq_error_set(err, MSEQ_E_CANCELLED, "%s %s was cancelled",
                              exchange->request->method, mseq_buffer_text(&exchange->url));
    if (result == CURLE_OPERATION_TIMEDOUT)
        return timed_out(exchange, settings, err);
    return broken(exchange, result, err);
}

void http_exchange_finish(http_exchange *exchange, const http_settings *settings, CURLcode result) {
    mseq_outcome *outcome = exchange->outcome;
    bool complete = result == CURLE_OK && exchange->headers_ended;
    mseq_status status = complete ? take_reply(exchange, &outcome->reply, &outcome->error)
                                  : http_exchange_fail(exchange, settings, result, &outcome->error);
    (void)status; /* the outcome's error holds it */
    http_exchange_clear(exchange);
}

/* ---- Birth, rest and death
 * ------------------------------------------------------------------------------------------- */

bool http_exchange_open(http_exchange *exchange) {
    if (!exchange->handle)
        exchange->handle = curl_easy_init();
    if (!exchange->target)
        exchange->target = curl_url();
    return exchange->handle && exchange->target;
}

/* Empties a buffer and keeps its memory, where that is little. */
static void rest(mseq_buffer *buffer) {
    enum { KEPT_BYTES = 64 * 1024 };
    if (buffer->capacity > KEPT_BYTES)
        mseq_buffer_free(buffer);
    else
        mseq_buffer_clear(buffer);
}

void http_exchange_clear(http_exchange *exchange) {
    rest(&exchange->url);
    rest(&exchange->sent);
    rest(&exchange->received);
    free(exchange->retry_after);
    free(exchange->location);
    exchange->retry_after = exchange->location = NULL;
    exchange->request = NULL;
    exchange->outcome = NULL;
    exchange->sent_offset = exchange->header_bytes = 0;
    exchange->headers_ended = false;
    exchange->status = MSEQ_OK;
    exchange->reason[0] = '\0';
}

void http_exchange_destroy(http_exchange *exchange) {
    http_exchange_clear(exchange);
    curl_easy_cleanup(exchange->handle);
    if (exchange->target)
        curl_url_cleanup(exchange->target);
    curl_slist_free_all(exchange->headers);
    free(exchange->authorization);
    mseq_buffer_free(&exchange->url);
    mseq_buffer_free(&exchange->former_url);
    mseq_buffer_free(&exchange->sent);
    mseq_buffer_free(&exchange->received);
    *exchange = (http_exchange){.handle = NULL};
}
