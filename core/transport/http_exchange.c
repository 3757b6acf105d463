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

/* What a caller could smuggle into the request's head. */
static mseq_status check_request(const mseq_request *request, mseq_error *err) {
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

static bool add_headers(http_exchange *exchange) {
    const mseq_request *request = exchange->request;
    bool good = add_header(exchange, "Accept: application/json, */*;q=0.5") &&
                add_header(exchange, "Expect:"); /* nobody waits for 100 Continue */
    if (good && request->text)
        good = add_header(exchange, "Content-Type: text/plain");
    else if (good)
        good = add_header(exchange,
                          request->body ? "Content-Type: application/json" : "Content-Type:");
    if (good && request->authorization) {
        char *line = mseq_text_format("Authorization: %s", request->authorization);
        good = add_header(exchange, line);
        free(line);
    }
    return good;
}

#define SET(option, value) (curl_easy_setopt(exchange->handle, option, value) == CURLE_OK)

static bool set_body(http_exchange *exchange) {
    const char *bytes = NULL;
    size_t length = 0;
    body_of(exchange, &bytes, &length);
    if (!SET(CURLOPT_POST, 1L) || !SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length))
        return false;
    if (!exchange->request->send_once)
        return SET(CURLOPT_POSTFIELDS, bytes);
    return SET(CURLOPT_READFUNCTION, give_body) && SET(CURLOPT_READDATA, exchange) &&
           SET(CURLOPT_SEEKFUNCTION, refuse_rewind) && SET(CURLOPT_SEEKDATA, exchange);
}

static bool set_method(http_exchange *exchange) {
    const mseq_request *request = exchange->request;
    if (strcmp(request->method, "HEAD") == 0)
        return SET(CURLOPT_NOBODY, 1L);
    bool post = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                strcmp(request->method, "PATCH") == 0;
    bool with_body = request->body || request->text || post;
    /* Without a body there is nothing that libcurl would have to rewind before it sends again. */
    if (request->send_once && !request->body && !request->text && !SET(CURLOPT_FRESH_CONNECT, 1L))
        return false;
    return (with_body ? set_body(exchange) : SET(CURLOPT_HTTPGET, 1L)) &&
           SET(CURLOPT_CUSTOMREQUEST, request->method);
}

static long milliseconds(int64_t given, int64_t otherwise) {
    int64_t chosen = given > 0 ? given : otherwise;
    return chosen > 86400000 ? 86400000L : (long)chosen;
}

/* Whether a request waits for a connection that is being made, because it may carry several. Over
 * TLS the handshake tells; without, only the first reply would. */
static long may_share_connection(const http_settings *settings) {
    return strncasecmp(settings->origin, "https:", 6) == 0 ? 1L : 0L;
}

static bool set_connection(http_exchange *exchange, const http_settings *settings) {
    return SET(CURLOPT_PIPEWAIT, may_share_connection(settings)) &&
           SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_TCP_KEEPALIVE, 1L) &&
           SET(CURLOPT_PATH_AS_IS, 1L) &&
           SET(CURLOPT_USERAGENT, "libmainsequence/" MSEQ_VERSION_STRING) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (!settings->ca_file || SET(CURLOPT_CAINFO, settings->ca_file)) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(settings->connect_timeout_ms, 0));
}

/* A stream is read at the reader's pace: no time for the whole, neither a window of HTTP/2 nor a
 * decoder that would have to be filled ahead of it. */
static bool set_reply(http_exchange *exchange, const http_settings *settings) {
    if (exchange->request->takes_stream)
        return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) &&
           SET(CURLOPT_ACCEPT_ENCODING, "gzip, deflate") &&
           SET(CURLOPT_TIMEOUT_MS,
               milliseconds(exchange->request->timeout_ms, settings->timeout_ms));
}

static bool set_callbacks(http_exchange *exchange) {
    return SET(CURLOPT_PRIVATE, exchange) && SET(CURLOPT_ERRORBUFFER, exchange->reason) &&
           SET(CURLOPT_WRITEFUNCTION, http_exchange_receive) && SET(CURLOPT_WRITEDATA, exchange) &&
           SET(CURLOPT_HEADERFUNCTION, receive_header) && SET(CURLOPT_HEADERDATA, exchange) &&
           SET(CURLOPT_NOPROGRESS, 0L) && SET(CURLOPT_XFERINFOFUNCTION, watch) &&
           SET(CURLOPT_XFERINFODATA, exchange);
}

static mseq_status set_url(http_exchange *exchange, const http_settings *settings,
                           mseq_error *err) {
    const mseq_request *request = exchange->request;
    mseq_buffer_append_format(&exchange->url, "%s%s", settings->origin, request->path);
    if (request->query && request->query[0])
        mseq_buffer_append_format(&exchange->url, "?%s", request->query);
    if (exchange->url.status != MSEQ_OK)
        return mseq_error_no_memory(err);
    CURLcode code =
        curl_easy_setopt(exchange->handle, CURLOPT_URL, mseq_buffer_text(&exchange->url));
    return code == CURLE_OK ? MSEQ_OK
                            : mseq_error_set(err, MSEQ_E_ARGUMENT, "%s %s: %s", request->method,
                                             request->path, curl_easy_strerror(code));
}

mseq_status http_exchange_prepare(http_exchange *exchange, const http_settings *settings,
                                  const mseq_request *request, mseq_outcome *outcome,
                                  mseq_error *err) {
    mseq_status status = check_request(request, err);
    if (status != MSEQ_OK)
        return status;
    curl_easy_reset(exchange->handle);
    exchange->request = request;
    exchange->outcome = outcome;
    exchange->received.maximum = settings->maximum_reply;
    status = set_url(exchange, settings, err);
    if (status == MSEQ_OK && request->body && !request->text)
        status = mseq_json_write(request->body, 0, &exchange->sent, err);
    if (status == MSEQ_OK &&
        !(add_headers(exchange) && SET(CURLOPT_HTTPHEADER, exchange->headers) &&
          set_connection(exchange, settings) && set_reply(exchange, settings) &&
          set_callbacks(exchange) && set_method(exchange)))
        status = mseq_error_no_memory(err);
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

void http_exchange_clear(http_exchange *exchange) {
    curl_slist_free_all(exchange->headers);
    mseq_buffer_free(&exchange->url);
    mseq_buffer_free(&exchange->sent);
    mseq_buffer_free(&exchange->received);
    free(exchange->retry_after);
    free(exchange->location);
    *exchange = (http_exchange){.handle = exchange->handle};
}
