/* SPDX-License-Identifier: MIT
 * A reply whose rows are read as they come. Each stream has a multi handle of its own, so that
 * other requests of the transport go on while it is open; what comes faster than it is read stays
 * with the server, because libcurl is paused when BUFFER_BYTES are there. The connection is kept
 * for the next stream when the reply was read to its end, and closed otherwise. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_private.h"

enum {
    BUFFER_BYTES = 256 * 1024, /* read ahead; one line may be longer */
    POLL_MS = 100,             /* how long a cancellation may go unnoticed */
    END_MS = 200               /* what is waited for the end of the reply behind its last line */
};

struct http_stream {
    http_streams *home;
    CURLM *multi;
    http_exchange exchange;
    mseq_request request; /* a copy: it outlives that of the caller */
    char *method, *path;
    mseq_outcome outcome;
    mseq_row_lines *lines;
    bool running; /* the handle is in the multi handle */
    bool paused;
    bool hungry; /* the reader waits for a whole line */
    bool streaming;
    CURLcode result;
    int64_t timeout_ms;
};

/* ---- What comes --------------------------------------------------------------------------------
 */

static bool is_stream(CURL *handle) {
    static const char type[] = MSEQ_ROW_STREAM_TYPE;
    long status = 0;
    char *given = NULL;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &given);
    return status == 200 && given && strncasecmp(given, type, sizeof type - 1) == 0 &&
           strchr("; \t", given[sizeof type - 1]);
}

static size_t receive(char *bytes, size_t size, size_t count, void *data) {
    http_stream *stream = data;
    size_t length = size * count;
    if (!stream->streaming && !is_stream(stream->exchange.handle))
        return http_exchange_receive(bytes, size, count, &stream->exchange);
    stream->streaming = true;
    if (!stream->hungry && mseq_row_lines_pending(stream->lines) >= BUFFER_BYTES) {
        stream->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (memchr(bytes, '\n', length))
        stream->hungry = false;
    /* A failure to keep it is told by the stream's reader. */
    mseq_error *err = &stream->outcome.error;
    return mseq_row_lines_feed(stream->lines, bytes, length, err) == MSEQ_OK ? length : 0;
}

/* ---- Running -----------------------------------------------------------------------------------
 */

static void take_out(http_stream *stream) {
    if (stream->running)
        curl_multi_remove_handle(stream->multi, stream->exchange.handle);
    stream->running = false;
}

/* Moves on what can be moved without waiting. */
static void perform(http_stream *stream) {
    http_pipe_guard guard;
    int active = 0, left = 0;
    http_pipe_guard_begin(&guard);
    if (stream->paused) {
        stream->paused = false;
        curl_easy_pause(stream->exchange.handle, CURLPAUSE_CONT);
    }
    CURLMcode code = curl_multi_perform(stream->multi, &active);
    CURLMsg *message = code == CURLM_OK ? curl_multi_info_read(stream->multi, &left) : NULL;
    if (code != CURLM_OK)
        stream->result = CURLE_RECV_ERROR;
    if (message && message->msg == CURLMSG_DONE)
        stream->result = message->data.result;
    if (code != CURLM_OK || (message && message->msg == CURLMSG_DONE))
        take_out(stream);
    http_pipe_guard_end(&guard);
}

/* Waits for bytes up to that time; false when it has passed or nobody wants them any more. */
static bool wait_until(http_stream *stream, int64_t deadline) {
    int64_t left = deadline - mseq_monotonic_ms();
    if (left > 0 && !mseq_cancellation_is_set(stream->request.cancellation) &&
        curl_multi_poll(stream->multi, NULL, 0, left < POLL_MS ? (int)left : POLL_MS, NULL) ==
            CURLM_OK)
        return true;
    stream->result = mseq_cancellation_is_set(stream->request.cancellation)
                         ? CURLE_ABORTED_BY_CALLBACK
                         : CURLE_OPERATION_TIMEDOUT;
    take_out(stream);
    return false;
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

/* The reply has ended, or broke off, before its last line. */
static mseq_status fail_incomplete(http_stream *stream, mseq_error *err) {
    if (stream->outcome.error.status != MSEQ_OK) { /* of a callback */
        *err = stream->outcome.error;
        return err->status;
    }
    if (stream->result == CURLE_OPERATION_TIMEDOUT || stream->result == CURLE_ABORTED_BY_CALLBACK)
        return http_exchange_fail(&stream->exchange, &stream->home->settings, stream->result, err);
    mseq_status status = mseq_row_lines_finish(stream->lines, err);
    if (status != MSEQ_OK && stream->result != CURLE_OK)
        mseq_error_detail(err, "%s",
                          stream->exchange.reason[0] ? stream->exchange.reason
                                                     : curl_easy_strerror(stream->result));
    return status;
}

/* Behind the last line there is only the end of the reply: it is read for the connection's sake. */
static void read_end(http_stream *stream) {
    int64_t deadline = mseq_monotonic_ms() + END_MS;
    perform(stream);
    while (stream->running && wait_until(stream, deadline))
        perform(stream);
}

static mseq_status next_row(void *data, mseq_row **row, mseq_error *err) {
    http_stream *stream = data;
    mseq_row_lines_state state = MSEQ_ROW_LINES_MORE;
    int64_t deadline = 0;
    for (;;) {
        mseq_status status = mseq_row_lines_next(stream->lines, &state, row, err);
        if (status != MSEQ_OK || state == MSEQ_ROW_LINES_ROW)
            return status;
        if (state == MSEQ_ROW_LINES_END)
            break;
        if (!stream->running)
            return fail_incomplete(stream, err);
        if (!deadline)
            deadline = mseq_monotonic_ms() + stream->timeout_ms;
        else if (!wait_until(stream, deadline))
            continue;
        stream->hungry = true;
        perform(stream);
    }
    if (stream->running)
        read_end(stream);
    if (stream->outcome.error.status != MSEQ_OK) /* there was more than the end */
        return fail_incomplete(stream, err);
    return MSEQ_OK;
}

static bool is_truncated(const void *data) {
    const http_stream *stream = data;
    return mseq_row_lines_truncated(stream->lines);
}

/* ---- Beginning and end -------------------------------------------------------------------------
 */

static void forget_request(http_stream *stream) {
    take_out(stream);
    http_exchange_clear(&stream->exchange);
    mseq_reply_free(&stream->outcome.reply);
    mseq_row_lines_free(stream->lines);
    free(stream->method);
    free(stream->path);
    *stream =
        (http_stream){.home = stream->home, .multi = stream->multi, .exchange = stream->exchange};
}

static void destroy(http_stream *stream) {
    if (!stream)
        return;
    forget_request(stream);
    http_exchange_destroy(&stream->exchange);
    if (stream->multi)
        curl_multi_cleanup(stream->multi);
    free(stream);
}

/* One that is idle keeps its connection for the next stream. */
static void close_stream(void *data) {
    http_stream *stream = data;
    http_streams *home = stream->home;
    forget_request(stream);
    if (home->idle) {
        destroy(stream);
        return;
    }
    home->idle = stream;
}

void http_streams_close(http_streams *streams) {
    destroy(streams->idle);
    streams->idle = NULL;
}

static http_stream *obtain(http_streams *home) {
    http_stream *stream = home->idle;
    home->idle = NULL;
    if (stream)
        return stream;
    stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->home = home;
    stream->multi = curl_multi_init();
    if (stream->multi && http_exchange_open(&stream->exchange))
        return stream;
    destroy(stream);
    return NULL;
}

static mseq_status prepare(http_stream *stream, const mseq_request *request, mseq_error *err) {
    const http_settings *settings = &stream->home->settings;
    stream->request = *request;
    stream->method = mseq_text_dup(request->method);
    stream->path = mseq_text_dup(request->path);
    stream->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : settings->timeout_ms;
    if (!stream->method || !stream->path)
        return mseq_error_no_memory(err);
    stream->request.method = stream->method;
    stream->request.path = stream->path;
    mseq_status status = mseq_row_lines_new(&stream->lines, err);
    if (status == MSEQ_OK)
        status = http_exchange_prepare(&stream->exchange, settings, &stream->request,
                                       &stream->outcome, err);
    if (status != MSEQ_OK)
        return status;
    CURL *handle = stream->exchange.handle;
    if (curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive) != CURLE_OK ||
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, stream) != CURLE_OK ||
        curl_multi_add_handle(stream->multi, handle) != CURLM_OK)
        return mseq_error_no_memory(err);
    stream->running = true;
    return MSEQ_OK;
}

/* Until the first rows come, or another reply is there as a whole. */
static void wait_for_reply(http_stream *stream) {
    int64_t deadline = mseq_monotonic_ms() + stream->timeout_ms;
    do {
        stream->hungry = true;
        perform(stream);
    } while (!stream->streaming && stream->running && wait_until(stream, deadline));
    /* what the caller lent is not needed again: the request has been sent */
    stream->request.body = NULL;
    stream->request.text = NULL;
    stream->request.query = stream->request.authorization = NULL;
}

void http_stream_send(http_streams *home, const mseq_request *request, mseq_outcome *outcome) {
    static const mseq_row_stream_functions functions = {.size = sizeof functions,
                                                        .next = next_row,
                                                        .truncated = is_truncated,
                                                        .close = close_stream};
    http_stream *stream = obtain(home);
    if (!stream) {
        mseq_error_no_memory(&outcome->error);
        return;
    }
    mseq_status status = prepare(stream, request, &outcome->error);
    if (status == MSEQ_OK)
        wait_for_reply(stream);
    if (status == MSEQ_OK && stream->streaming) {
        outcome->reply.status = 200;
        status = mseq_row_stream_new(&functions, stream, &outcome->reply.stream, &outcome->error);
        if (status != MSEQ_OK)
            mseq_reply_free(&outcome->reply);
        return;
    }
    if (status == MSEQ_OK) {
        http_exchange_finish(&stream->exchange, &home->settings, stream->result);
        *outcome = stream->outcome;
        stream->outcome = (mseq_outcome)MSEQ_OUTCOME_INIT;
    }
    close_stream(stream);
}
