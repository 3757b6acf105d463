/* SPDX-License-Identifier: MIT
 * Room `transport` when memory is short: every allocation of ours fails once, alone and with all
 * that follow. The server is another process, so that only the client's allocations fail. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_server.h"

#include "support.h"

#include "mainsequence/transport.h"

#include "failing_allocator.h"

static int port;
static pid_t server;

/* Answers every request alike; the connections of a client are served one after the other. */
static void serve(int listener, const char *answer) {
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        char request[4096];
        while (recv(connection, request, sizeof request, 0) > 0)
            if (send(connection, answer, strlen(answer), MSG_NOSIGNAL) <= 0)
                break;
        close(connection);
    }
}

static void start(const char *answer) {
    int listener = http_listen(&port);
    server = fork();
    assert_true(server >= 0);
    if (server == 0)
        serve(listener, answer);
    close(listener);
}

static void stop(void) {
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* Two requests, the second with a body. */
static mseq_status exchange(const char *origin, const mseq_value *body, mseq_error *err) {
    mseq_transport *transport = NULL;
    mseq_http_options options = MSEQ_HTTP_OPTIONS_INIT;
    options.ca_file = "/nowhere";
    mseq_status status = mseq_transport_http_new(origin, &options, &transport, err);
    for (int i = 0; status == MSEQ_OK && i < 2; i++) {
        mseq_request request = MSEQ_REQUEST_INIT;
        mseq_reply reply = MSEQ_REPLY_INIT;
        request.method = i ? "POST" : "GET";
        request.path = "/x/";
        request.query = "a=b";
        request.authorization = "Bearer a";
        request.body = i ? body : NULL;
        request.send_once = i;
        status = mseq_transport_send(transport, &request, &reply, err);
        assert_true(status == MSEQ_OK || (!reply.body && !reply.text && !reply.status));
        mseq_reply_free(&reply);
    }
    mseq_transport_free(transport);
    return status;
}

enum { ROWS = 3 };

/* The rows of a stream: all of them, or an error; also as objects and as lines. */
static mseq_status read_stream(const char *origin, const mseq_value *body, mseq_error *err) {
    mseq_transport *transport = NULL;
    mseq_http_options options = MSEQ_HTTP_OPTIONS_INIT;
    mseq_outcome outcome = MSEQ_OUTCOME_INIT;
    mseq_row *row = NULL;
    int64_t rows = 0;
    mseq_status status = mseq_transport_http_new(origin, &options, &transport, err);
    if (status != MSEQ_OK)
        return status;
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = "POST";
    request.path = "/x/";
    request.body = body;
    request.takes_stream = true;
    mseq_transport_send_many(transport, &request, 1, &outcome);
    *err = outcome.error;
    status = err->status;
    assert_true(status != MSEQ_OK || outcome.reply.stream);
    while (status == MSEQ_OK) {
        mseq_value *object = NULL;
        mseq_buffer line = MSEQ_BUFFER_INIT;
        status = mseq_row_stream_next(outcome.reply.stream, &row, err);
        if (status != MSEQ_OK || !row)
            break;
        assert_int_equal(row->count, rows == 1 ? 1 : 4);
        status = mseq_row_write(row, &line, err);
        if (status == MSEQ_OK)
            status = mseq_row_to_object(row, &object, err);
        if (status == MSEQ_OK)
            assert_int_equal(mseq_value_length(object), row->count);
        mseq_value_free(object);
        mseq_buffer_free(&line);
        rows++;
    }
    assert_true(status != MSEQ_OK || rows == ROWS);
    mseq_reply_free(&outcome.reply);
    mseq_transport_free(transport);
    return status;
}

static void sweep(mseq_status (*ask)(const char *origin, const mseq_value *body, mseq_error *err),
                  const char *answer) {
    char origin[64];
    mseq_value *body = document("{'a': [1, 2.5, 'x']}");
    start(answer);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", port);
    for (int all = 0; all < 2; all++) {
        long n = 0;
        for (mseq_status status = MSEQ_E_NO_MEMORY; status != MSEQ_OK; n++) {
            mseq_error err = MSEQ_ERROR_INIT;
            fail_all = all;
            allocations_left = n;
            status = ask(origin, body, &err);
            allocations_left = -1;
            if (status != MSEQ_OK && (status != MSEQ_E_NO_MEMORY || err.status != status))
                fail_msg("allocation %ld: %s", n, err.message);
            assert_true(n < 1000);
        }
        assert_true(n > 10);
    }
    stop();
    mseq_value_free(body);
}

static void test_json(void **state) {
    (void)state;
    sweep(exchange,
          "HTTP/1.1 429 Later\r\nRetry-After: 1\r\nLocation: /x/\r\nContent-Length: 10\r\n\r\n"
          "{\"a\": [1]}");
}

static void test_text(void **state) {
    (void)state;
    sweep(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
}

/* Cells of all kinds, keys that change, escapes that only the slow reader takes. */
static void test_stream(void **state) {
    (void)state;
    static const char lines[] = "{\"a\": 1, \"b\": \"x\\ny\", \"c\": [1.5], \"d\": {\"e\": null}}\n"
                                "{\"f\": \"\\u00fc\"}\n"
                                "{\"a\": 2, \"b\": \"\\u00fc\", \"c\": [], \"d\": true}\n"
                                "[{\"ok\": true, \"row_count\": 3, \"truncated\": false}]\n";
    char *answer = mseq_text_format("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                                    "Content-Length: %zu\r\n\r\n%s",
                                    sizeof lines - 1, lines);
    sweep(read_stream, answer);
    free(answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_json), cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_stream)};
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
