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

static void sweep(const char *answer) {
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
            status = exchange(origin, body, &err);
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
    sweep("HTTP/1.1 429 Later\r\nRetry-After: 1\r\nLocation: /x/\r\nContent-Length: 10\r\n\r\n"
          "{\"a\": [1]}");
}

static void test_text(void **state) {
    (void)state;
    sweep("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_json), cmocka_unit_test(test_text)};
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
