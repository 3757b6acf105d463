/* SPDX-License-Identifier: MIT
 * The transport over HTTP: replies that are read row by row, from a server that may say anything.
 */
#include "support.h"

#include "http_server.h"

#include "mainsequence/transport.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define END "[{\"ok\": true, \"row_count\": 2, \"truncated\": false}]\n" /* 51 bytes */
#define WHOLE CHUNKED "12\r\n{\"n\": 1}\n{\"n\": 2}\n\r\n33\r\n" END "\r\n0\r\n\r\n"

typedef struct scene {
    http_server server;
    mseq_transport *transport;
    mseq_request request;
    mseq_reply reply;
    mseq_error err;
} scene;

static void begin(scene *own, const http_answer *answers, size_t count) {
    char origin[64];
    *own = (scene){.request = MSEQ_REQUEST_INIT};
    http_server_start(&own->server, answers, count);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", own->server.port);
    assert_int_equal(mseq_transport_http_new(origin, NULL, &own->transport, &own->err), MSEQ_OK);
    own->request.method = "POST";
    own->request.path = "/rows/";
    own->request.takes_stream = true;
    own->request.timeout_ms = 20000;
}

static void end(scene *own) {
    mseq_reply_free(&own->reply);
    mseq_transport_free(own->transport);
    http_server_stop(&own->server);
}

static mseq_status ask(scene *own) {
    mseq_reply_free(&own->reply);
    mseq_error_clear(&own->err);
    mseq_outcome outcome = MSEQ_OUTCOME_INIT;
    mseq_transport_send_many(own->transport, &own->request, 1, &outcome);
    own->reply = outcome.reply;
    own->err = outcome.error;
    return own->err.status;
}

/* Rows until the end (-1: a failure, in own->err). */
static int64_t read_rows(scene *own) {
    for (;;) {
        mseq_row *row = NULL;
        if (mseq_row_stream_next(own->reply.stream, &row, &own->err) != MSEQ_OK)
            return -1;
        if (!row)
            return mseq_row_stream_count(own->reply.stream);
    }
}

static void test_rows(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {WHOLE, 0, HTTP_KEEP}, {WHOLE, 0, HTTP_KEEP}, {WHOLE, 0, HTTP_CLOSE}};
    scene own;
    begin(&own, answers, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&own), MSEQ_OK);
        assert_non_null(own.reply.stream);
        assert_int_equal(read_rows(&own), 2);
    }
    mseq_reply_free(&own.reply);
    assert_int_equal(own.server.connections, 1); /* kept from stream to stream */
    end(&own);
}

static void test_other_replies(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
         "{\"detail\": \"d\"}",
         0, HTTP_KEEP},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 0,
         HTTP_KEEP},
        {"HTTP/1.1 503 Busy\r\nContent-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n{}",
         0, HTTP_KEEP},
        {"HTTP/1.1 204 No Content\r\n\r\n", 0, HTTP_KEEP}};
    static const int statuses[] = {404, 200, 503, 204};
    scene own;
    begin(&own, answers, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(&own), MSEQ_OK);
        assert_int_equal(own.reply.status, statuses[i]);
        assert_null(own.reply.stream);
    }
    end(&own);
}

static void test_broken_off(void **state) {
    (void)state;
    static const struct {
        http_answer answer;
        const char *code;
    } cases[] = {
        {{CHUNKED "9\r\n{\"n\": 1}\n\r\n", 0, HTTP_CLOSE}, "stream_incomplete"},
        {{CHUNKED "9\r\n{\"n\": 1}\n\r\n", 0, HTTP_RESET}, "stream_incomplete"},
        {{CHUNKED "9\r\n{\"n\": 1}\n\r\n0\r\n\r\n", 0, HTTP_KEEP}, "stream_incomplete"},
        {{CHUNKED "20\r\n{\"n\": 1}\n", 0, HTTP_CLOSE}, "stream_incomplete"},
        {{HEAD "Connection: close\r\n\r\n{\"n\": 1}\n{\"n\"", 0, HTTP_CLOSE}, "stream_incomplete"},
        {{CHUNKED "9\r\n{\"n\": 1}\n\r\nxx\r\n", 0, HTTP_CLOSE}, "stream_incomplete"},
        {{CHUNKED "9\r\n{\"n\": 1}\n\r\n4\r\nrow\n\r\n0\r\n\r\n", 0, HTTP_KEEP},
         "malformed_stream"},
        {{CHUNKED "9\r\n{\"n\": 1}\n\r\n33\r\n" END "\r\n0\r\n\r\n", 0, HTTP_KEEP},
         "malformed_stream"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene own;
        begin(&own, &cases[i].answer, 1);
        assert_int_equal(ask(&own), MSEQ_OK);
        assert_int_equal(read_rows(&own), -1);
        if (strcmp(own.err.code, cases[i].code) != 0)
            fail_msg("case %zu: %s (%s)", i, own.err.code, own.err.message);
        assert_int_equal(mseq_row_stream_count(own.reply.stream), 1);
        end(&own);
    }
}

static void test_failure_in_the_last_line(void **state) {
    (void)state;
    static const http_answer answer = {
        HEAD "Connection: close\r\n\r\n{\"n\": 1}\n[{\"ok\": false, \"row_count\": 1, \"status\": "
             "409, \"detail\": \"changed\", \"code\": \"access_changed\", \"hint\": \"\"}]\n",
        0, HTTP_CLOSE};
    scene own;
    begin(&own, &answer, 1);
    assert_int_equal(ask(&own), MSEQ_OK);
    assert_int_equal(read_rows(&own), -1);
    assert_int_equal(own.err.status, MSEQ_E_CONFLICT);
    assert_int_equal(own.err.http_status, 409);
    assert_string_equal(own.err.code, "access_changed");
    end(&own);
}

static void test_time_and_cancellation(void **state) {
    (void)state;
    static const http_answer answers[] = {{CHUNKED "9\r\n{\"n\": 1}\n\r\n", 0, HTTP_SILENT},
                                          {NULL, 0, HTTP_SILENT},
                                          {CHUNKED "9\r\n{\"n\": 1}\n\r\n", 0, HTTP_SILENT}};
    scene own;
    mseq_cancellation *token = mseq_cancellation_new();
    begin(&own, answers, 3);
    own.request.timeout_ms = 2000; /* the first row comes in that time, on any machine */
    assert_int_equal(ask(&own), MSEQ_OK);
    assert_int_equal(read_rows(&own), -1);
    assert_int_equal(own.err.status, MSEQ_E_TIMEOUT);
    assert_int_equal(ask(&own), MSEQ_E_TIMEOUT);
    own.request.timeout_ms = 20000;
    own.request.cancellation = token;
    assert_int_equal(ask(&own), MSEQ_OK);
    mseq_row *row = NULL;
    assert_int_equal(mseq_row_stream_next(own.reply.stream, &row, &own.err), MSEQ_OK);
    mseq_cancellation_set(token);
    assert_int_equal(read_rows(&own), -1);
    assert_int_equal(own.err.status, MSEQ_E_CANCELLED);
    end(&own);
    mseq_cancellation_free(token);
}

/* Left in the midst; other requests go on beside it and after it. */
static void test_leaving_early(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {CHUNKED "9\r\n{\"n\": 1}\n\r\n", 0, HTTP_SILENT},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0, HTTP_KEEP},
        {WHOLE, 0, HTTP_KEEP}};
    scene own;
    begin(&own, answers, 3);
    assert_int_equal(ask(&own), MSEQ_OK);
    mseq_request plain = own.request;
    mseq_reply reply = MSEQ_REPLY_INIT;
    plain.takes_stream = false;
    assert_int_equal(mseq_transport_send(own.transport, &plain, &reply, &own.err), MSEQ_OK);
    assert_int_equal(reply.status, 200);
    mseq_reply_free(&reply);
    mseq_row *row = NULL;
    assert_int_equal(mseq_row_stream_next(own.reply.stream, &row, &own.err), MSEQ_OK);
    assert_int_equal(ask(&own), MSEQ_OK);
    assert_int_equal(read_rows(&own), 2);
    end(&own);
}

/* More than is read ahead, and a line that is longer than that. */
static void test_much(void **state) {
    (void)state;
    enum { ROWS = 20000, LONG = 1 << 20 };
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&text, HEAD "Connection: close\r\n\r\n");
    for (int i = 0; i < ROWS; i++) {
        mseq_buffer_append_text(&text, "{\"n\": \"abcdefghijklmnopqrstuvwxyz\", \"x\": \"");
        for (int more = 0; i == ROWS / 2 && more < LONG; more++)
            mseq_buffer_append_char(&text, 'x');
        mseq_buffer_append_text(&text, "\"}\n");
    }
    mseq_buffer_append_format(&text, "[{\"ok\": true, \"row_count\": %d}]\n", ROWS);
    http_answer answer = {mseq_buffer_text(&text), text.length, HTTP_CLOSE};
    scene own;
    begin(&own, &answer, 1);
    assert_int_equal(ask(&own), MSEQ_OK);
    assert_int_equal(read_rows(&own), ROWS);
    assert_false(mseq_row_stream_truncated(own.reply.stream));
    end(&own);
    mseq_buffer_free(&text);
}

static void test_nobody_there(void **state) {
    (void)state;
    scene own;
    begin(&own, NULL, 0);
    mseq_transport_free(own.transport);
    assert_int_equal(mseq_transport_http_new("http://127.0.0.1:1", NULL, &own.transport, &own.err),
                     MSEQ_OK);
    assert_int_equal(ask(&own), MSEQ_E_TRANSPORT);
    assert_string_equal(own.err.code, "unreachable");
    end(&own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_other_replies),
        cmocka_unit_test(test_broken_off),
        cmocka_unit_test(test_failure_in_the_last_line),
        cmocka_unit_test(test_time_and_cancellation),
        cmocka_unit_test(test_leaving_early),
        cmocka_unit_test(test_much),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
