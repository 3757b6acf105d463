/* SPDX-License-Identifier: MIT
 * The transport over HTTP. All its requests run on one libcurl multi handle, which keeps the
 * connections; `send` is `send_many` with one. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_private.h"

#define DEFAULT_CONNECT_TIMEOUT_MS 5000
#define DEFAULT_TIMEOUT_MS 120000
#define DEFAULT_PARALLEL 8

/* How long a cancellation may go unnoticed. */
#define POLL_MS 100

typedef struct http_transport {
    http_streams streams; /* and the settings of all exchanges */
    CURLM *multi;
    http_exchange *exchanges;
    size_t exchange_count;
} http_transport;

/* ---- SIGPIPE ----------------------------------------------------------------------------------
 */

void http_pipe_guard_begin(http_pipe_guard *guard) {
    sigset_t pipe, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &guard->before);
    guard->was_pending = false;
    if (sigismember(&guard->before, SIGPIPE) != 1)
        return; /* one that was pending would have come */
    sigemptyset(&pending);
    sigpending(&pending);
    guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
}

void http_pipe_guard_end(const http_pipe_guard *guard) {
    static const struct timespec at_once = {0, 0};
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!guard->was_pending)
        (void)sigtimedwait(&pipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

/* ---- Running exchanges
 * ------------------------------------------------------------------------------------------- */

static http_exchange *idle_exchange(http_transport *http) {
    for (size_t i = 0; i < http->exchange_count; i++) {
        http_exchange *exchange = &http->exchanges[i];
        if (exchange->request)
            continue;
        return exchange;
    }
    return NULL;
}

/* Begins an exchange; one that cannot begin has its outcome at once. */
static bool begin(http_transport *http, http_exchange *exchange, const mseq_request *request,
                  mseq_outcome *outcome) {
    mseq_error *err = &outcome->error;
    if (!http_exchange_open(exchange)) {
        mseq_error_no_memory(err);
        return false;
    }
    if (http_exchange_prepare(exchange, &http->streams.settings, request, outcome, err) != MSEQ_OK)
        return false;
    if (curl_multi_add_handle(http->multi, exchange->handle) == CURLM_OK)
        return true;
    http_exchange_clear(exchange);
    mseq_error_no_memory(err);
    return false;
}

/* Takes the exchanges that ended; gives their number. */
static size_t take_finished(http_transport *http) {
    size_t finished = 0;
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *handle = message->easy_handle;
        CURLcode result = message->data.result;
        http_exchange *exchange = NULL;
        curl_easy_getinfo(handle, CURLINFO_PRIVATE, &exchange);
        curl_multi_remove_handle(http->multi, handle);
        http_exchange_finish(exchange, &http->streams.settings, result);
        finished++;
    }
    return finished;
}

/* Ends what still runs, when libcurl itself fails. */
static void abandon(http_transport *http, CURLMcode code) {
    for (size_t i = 0; i < http->exchange_count; i++) {
        http_exchange *exchange = &http->exchanges[i];
        if (!exchange->request)
            continue;
        curl_multi_remove_handle(http->multi, exchange->handle);
        mseq_error_set(&exchange->outcome->error, MSEQ_E_TRANSPORT, "%s %s: %s",
                       exchange->request->method, mseq_buffer_text(&exchange->url),
                       curl_multi_strerror(code));
        http_exchange_clear(exchange);
    }
}

static void run(http_transport *http, const mseq_request *requests, size_t count,
                mseq_outcome *outcomes) {
    size_t next = 0, running = 0;
    while (next < count || running > 0) {
        for (http_exchange *idle; next < count && (idle = idle_exchange(http)); next++)
            if (begin(http, idle, &requests[next], &outcomes[next]))
                running++;
        int active = 0;
        CURLMcode code = curl_multi_perform(http->multi, &active);
        running -= take_finished(http);
        if (code == CURLM_OK && running > 0 && (size_t)active == running)
            code = curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
        if (code != CURLM_OK) {
            abandon(http, code);
            running = 0;
        }
    }
}

static void http_send_many(void *data, const mseq_request *requests, size_t count,
                           mseq_outcome *outcomes) {
    http_transport *http = data;
    if (count == 1 && requests->takes_stream) {
        http_stream_send(&http->streams, requests, outcomes);
        return;
    }
    http_pipe_guard guard;
    http_pipe_guard_begin(&guard);
    run(http, requests, count, outcomes);
    http_pipe_guard_end(&guard);
}

static mseq_status http_send(void *data, const mseq_request *request, mseq_reply *reply,
                             mseq_error *err) {
    mseq_outcome outcome = MSEQ_OUTCOME_INIT;
    http_send_many(data, request, 1, &outcome);
    mseq_status status = outcome.error.status;
    if (status == MSEQ_OK)
        *reply = outcome.reply;
    else if (err && err->status == MSEQ_OK)
        *err = outcome.error;
    return status;
}

/* ---- Making and closing
 * ------------------------------------------------------------------------------------------- */

static void http_close(void *data) {
    http_transport *http = data;
    http_streams_close(&http->streams);
    for (size_t i = 0; i < http->exchange_count; i++)
        http_exchange_destroy(&http->exchanges[i]);
    if (http->multi)
        curl_multi_cleanup(http->multi);
    free(http->exchanges);
    free(http->streams.settings.origin);
    free(http->streams.settings.ca_file);
    free(http);
}

static mseq_status check_origin(const char *origin, mseq_error *err) {
    CURLU *url = curl_url();
    if (!url)
        return mseq_error_no_memory(err);
    static const struct {
        CURLUPart part;
        const char *name;
    } unwanted[] = {{CURLUPART_USER, "a user"},
                    {CURLUPART_PASSWORD, "a password"},
                    {CURLUPART_QUERY, "a query"},
                    {CURLUPART_FRAGMENT, "a fragment"}};
    mseq_status status = MSEQ_OK;
    char *part = NULL;
    if (curl_url_set(url, CURLUPART_URL, origin, 0) != CURLUE_OK)
        /* not shown: it may hold a password where nobody expects it */
        status = mseq_error_set(err, MSEQ_E_REQUEST, "the endpoint is not a URL");
    else if (curl_url_get(url, CURLUPART_SCHEME, &part, 0) == CURLUE_OK &&
             strcmp(part, "http") != 0 && strcmp(part, "https") != 0)
        status = mseq_error_set(err, MSEQ_E_REQUEST,
                                "the endpoint's scheme is %s, it must be http or https", part);
    curl_free(part);
    for (size_t i = 0; status == MSEQ_OK && i < sizeof unwanted / sizeof *unwanted; i++) {
        part = NULL;
        if (curl_url_get(url, unwanted[i].part, &part, 0) == CURLUE_OK)
            status = mseq_error_set(err, MSEQ_E_REQUEST, "the endpoint's URL holds %s",
                                    unwanted[i].name);
        curl_free(part);
    }
    curl_url_cleanup(url);
    if (status == MSEQ_E_REQUEST)
        mseq_error_hint(err, "an endpoint is https://host, http://host:port, local: or "
                             "local:FOLDER; log in with mainsequence login");
    return status;
}

static mseq_status fill(http_transport *http, const char *origin, const mseq_http_options *options,
                        mseq_error *err) {
    http_settings *settings = &http->streams.settings;
    settings->connect_timeout_ms =
        options->connect_timeout_ms > 0 ? options->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    settings->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    settings->maximum_reply = options->maximum_reply ? options->maximum_reply : MSEQ_BUFFER_MAXIMUM;
    http->exchange_count = options->maximum_parallel ? options->maximum_parallel : DEFAULT_PARALLEL;
    size_t length = strlen(origin);
    while (length > 0 && origin[length - 1] == '/')
        length--;
    settings->origin = mseq_text_format("%.*s", (int)length, origin);
    settings->ca_file = mseq_text_dup(options->ca_file);
    http->exchanges = calloc(http->exchange_count, sizeof *http->exchanges);
    http->multi = curl_multi_init();
    if (!settings->origin || (options->ca_file && !settings->ca_file) || !http->exchanges ||
        !http->multi)
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static CURLcode curl_started = CURLE_FAILED_INIT;

static void start_curl(void) {
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

mseq_status mseq_transport_http_new(const char *origin, const mseq_http_options *options,
                                    mseq_transport **transport, mseq_error *err) {
    static const mseq_transport_functions functions = {.size = sizeof(mseq_transport_functions),
                                                       .send = http_send,
                                                       .close = http_close,
                                                       .send_many = http_send_many};
    static const mseq_http_options defaults = MSEQ_HTTP_OPTIONS_INIT;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    mseq_status status = curl_load(err);
    if (status != MSEQ_OK)
        return status;
    pthread_once(&once, start_curl);
    if (curl_started != CURLE_OK)
        return mseq_error_set(err, MSEQ_E_TRANSPORT, "libcurl does not start: %s",
                              curl_easy_strerror(curl_started));
    status = check_origin(origin, err);
    if (status != MSEQ_OK)
        return status;
    http_transport *http = calloc(1, sizeof *http);
    if (!http)
        return mseq_error_no_memory(err);
    status = fill(http, origin, options ? options : &defaults, err);
    if (status != MSEQ_OK) {
        http->exchange_count = http->exchanges ? http->exchange_count : 0;
        http_close(http);
        return status;
    }
    return mseq_transport_new(&functions, http, http->streams.settings.origin, transport, err);
}
