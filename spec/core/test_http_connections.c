/* SPDX-License-Identifier: MIT
 * Room `transport`: connections that are not made, break, are cancelled, or are many. */
#include <signal.h>
#include <sys/wait.h>

#include "transport_helpers.h"

/* ---- Connections
 * ----------------------------------------------------------------------------------------- */

static void test_nobody_listens(void **state) {
    (void)state;
    int port = 0, listener = http_listen(&port);
    close(listener); /* nobody else gets the port in this moment */
    char origin[64];
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d/", port);
    mseq_transport *transport = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_transport_http_new(origin, NULL, &transport, &err), MSEQ_OK);
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = "GET";
    request.path = "/x/";
    mseq_reply reply = MSEQ_REPLY_INIT;
    assert_int_equal(mseq_transport_send(transport, &request, &reply, &err), MSEQ_E_TRANSPORT);
    assert_string_equal(err.code, "unreachable");
    mseq_transport_free(transport);
    mseq_error_clear(&err);
    assert_int_equal(mseq_transport_http_new("http://nowhere.invalid", NULL, &transport, &err),
                     MSEQ_OK);
    assert_int_equal(mseq_transport_send(transport, &request, &reply, &err), MSEQ_E_TRANSPORT);
    assert_string_equal(err.code, "unreachable");
    assert_int_equal(mseq_transport_send(transport, &request, &reply, NULL), MSEQ_E_TRANSPORT);
    mseq_transport_free(transport);
}

/* The accept queue is full: the connection is never made. */
static void test_no_connection_in_time(void **state) {
    (void)state;
    int port = 0, listener = http_listen(&port);
    assert_int_equal(listen(listener, 0), 0);
    int waiting[4];
    for (size_t i = 0; i < COUNT(waiting); i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    scene s = {0};
    snprintf(s.origin, sizeof s.origin, "http://127.0.0.1:%d", port);
    mseq_http_options options = MSEQ_HTTP_OPTIONS_INIT;
    options.connect_timeout_ms = 100;
    assert_int_equal(mseq_transport_http_new(s.origin, &options, &s.transport, &s.err), MSEQ_OK);
    s.request = (mseq_request)MSEQ_REQUEST_INIT;
    s.request.method = "GET";
    s.request.path = "/x/";
    assert_int_equal(scene_send(&s), MSEQ_E_TIMEOUT);
    assert_string_equal(s.err.code, "unreachable");
    assert_non_null(strstr(s.err.message, "no connection within 100 ms"));
    mseq_transport_free(s.transport);
    for (size_t i = 0; i < COUNT(waiting); i++)
        close(waiting[i]);
    close(listener);
}

/* A kept connection that breaks before the reply: what may be repeated is sent again at once, what
 * must not happen twice is not. */
static void test_broken_kept_connection(void **state) {
    (void)state;
    static const http_answer answers[] = {{NO_CONTENT, 0, HTTP_KEEP}, {NULL, 0, HTTP_CLOSE},
                                          {NO_CONTENT, 0, HTTP_KEEP}, {NULL, 0, HTTP_CLOSE},
                                          {NO_CONTENT, 0, HTTP_KEEP}, {NULL, 0, HTTP_CLOSE}};
    scene s;
    SCENE(s, answers);
    mseq_value *body = document("{'a': 1}");
    assert_int_equal(scene_send(&s), MSEQ_OK);
    s.request.method = "POST";
    s.request.body = body;
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(http_server_served(&s.server), 3);
    s.request.send_once = true;
    assert_int_equal(scene_send(&s), MSEQ_E_TRANSPORT);
    assert_string_equal(s.err.code, "interrupted");
    assert_int_equal(http_server_served(&s.server), 4);
    expect_sent(&s, 3, "Content-Length: 8\r\n");
    expect_sent(&s, 3, "\r\n\r\n{\"a\": 1}");
    s.request.body = NULL;
    s.request.send_once = false;
    assert_int_equal(scene_send(&s), MSEQ_OK);
    s.request.send_once = true; /* without a body it takes a connection of its own */
    assert_int_equal(scene_send(&s), MSEQ_E_TRANSPORT);
    assert_int_equal(http_server_served(&s.server), 6);
    mseq_value_free(body);
    scene_end(&s);
}

static void test_a_connection_closed_between_requests(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {NO_CONTENT, 0, HTTP_CLOSE}, {NO_CONTENT, 0, HTTP_RESET}, {NO_CONTENT, 0, HTTP_KEEP}};
    scene s;
    SCENE(s, answers);
    mseq_value *body = document("{}");
    for (size_t i = 0; i < COUNT(answers); i++) {
        s.request.method = "POST";
        s.request.body = body;
        s.request.send_once = true;
        assert_int_equal(scene_send(&s), MSEQ_OK);
        usleep(20000); /* the end has arrived, so that the next request sees it */
    }
    assert_int_equal(s.server.connections, 3);
    mseq_value_free(body);
    scene_end(&s);
}

static void *cancel_soon(void *data) {
    usleep(50000);
    mseq_cancellation_set(data);
    return NULL;
}

static void test_cancelled(void **state) {
    (void)state;
    static const http_answer answers[] = {{OK_HEAD "Content-Length: 9\r\n\r\n[", 0, HTTP_SILENT}};
    scene s;
    SCENE(s, answers);
    mseq_cancellation *token = mseq_cancellation_new();
    pthread_t thread;
    s.request.cancellation = token;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, token), 0);
    assert_int_equal(scene_send(&s), MSEQ_E_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(scene_send(&s), MSEQ_E_CANCELLED); /* and nothing more is sent */
    assert_int_equal(http_server_served(&s.server), 1);
    mseq_cancellation_free(token);
    scene_end(&s);
}

static void note_signal(int number) {
    (void)number;
    abort();
}

/* The server closes while the body is still being sent. */
static void test_no_sigpipe(void **state) {
    (void)state;
    int port = 0, listener = http_listen(&port);
    signal(SIGPIPE, note_signal);
    char origin[64];
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", port);
    mseq_transport *transport = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    assert_int_equal(mseq_transport_http_new(origin, NULL, &transport, &err), MSEQ_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int connection = accept(listener, NULL, NULL);
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                   sizeof(struct linger));
        close(connection);
        _exit(0);
    }
    char *large = repeat("", "0123456789", 2000000);
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = "POST";
    request.path = "/x/";
    request.text = large;
    request.text_length = strlen(large);
    assert_int_equal(mseq_transport_send(transport, &request, &reply, &err), MSEQ_E_TRANSPORT);
    mseq_transport_free(transport);
    free(large);
    waitpid(child, NULL, 0);
    close(listener);
    sigset_t pending;
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    signal(SIGPIPE, SIG_DFL);
}

/* Bodies of any size arrive whole, whether or not they may be sent again. */
static void test_large_requests(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 65536, 5000000};
    http_answer answers[2 * COUNT(counts)];
    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] = (http_answer){NO_CONTENT, 0, HTTP_KEEP};
    scene s;
    SCENE(s, answers);
    for (size_t i = 0; i < COUNT(answers); i++) {
        char head[64];
        char *text = repeat("", "x", counts[i / 2]);
        s.request.method = "POST";
        s.request.text = text;
        s.request.text_length = counts[i / 2];
        s.request.send_once = i % 2;
        assert_int_equal(scene_send(&s), MSEQ_OK);
        snprintf(head, sizeof head, "Content-Length: %zu\r\n", counts[i / 2]);
        expect_sent(&s, i, head);
        const char *body = strstr(s.server.requests[i], "\r\n\r\n");
        assert_non_null(body);
        assert_string_equal(body + 4, text);
        free(text);
    }
    assert_int_equal(s.server.connections, 1);
    scene_end(&s);
}

/* A proxy of the environment gets the request; its password is in no message. */
static void test_proxy(void **state) {
    (void)state;
    static const http_answer answers[] = {{NO_CONTENT, 0, HTTP_KEEP}, {NULL, 0, HTTP_CLOSE}};
    scene s;
    char proxy[64];
    SCENE(s, answers);
    mseq_transport_free(s.transport);
    s.transport = NULL;
    snprintf(proxy, sizeof proxy, "http://user:pass-word@127.0.0.1:%d", s.server.port);
    unsetenv("no_proxy");
    setenv("http_proxy", proxy, 1);
    assert_int_equal(mseq_transport_http_new("http://ts.example", NULL, &s.transport, &s.err),
                     MSEQ_OK);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(s.reply.status, 204);
    expect_sent(&s, 0, "GET http://ts.example/x/ HTTP/1.1\r\n");
    s.request.method = "POST";
    s.request.text = "x";
    s.request.text_length = 1;
    s.request.send_once = true;
    assert_int_equal(scene_send(&s), MSEQ_E_TRANSPORT);
    assert_null(strstr(s.err.message, "pass-word"));
    setenv("no_proxy", "*", 1);
    unsetenv("http_proxy");
    scene_end(&s);
}

/* ---- Several at once
 * ----------------------------------------------------------------------------------------- */

#define MANY 40

static void test_many(void **state) {
    (void)state;
    http_answer answers[MANY];
    for (size_t i = 0; i < MANY; i++)
        answers[i] = (http_answer){i % 7 == 3 ? "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
                                              : OK_HEAD "Content-Length: 2\r\n\r\n[]",
                                   0, i % 5 == 4 ? HTTP_CLOSE : HTTP_KEEP};
    scene s;
    SCENE(s, answers);
    char paths[MANY][16];
    mseq_request requests[MANY];
    mseq_outcome outcomes[MANY];
    memset(outcomes, 0, sizeof outcomes);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(paths[i], sizeof paths[i], "/%zu/", i);
        requests[i] = s.request;
        requests[i].path = i == 11 ? "no path" : paths[i];
    }
    mseq_transport_send_many(s.transport, requests, MANY, outcomes);
    size_t refused = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(outcomes[i].error.status, i == 11 ? MSEQ_E_ARGUMENT : MSEQ_OK);
        refused += outcomes[i].reply.status == 500;
        mseq_reply_free(&outcomes[i].reply);
    }
    assert_int_equal(refused, 6);
    assert_int_equal(http_server_served(&s.server), MANY - 1);
    for (size_t i = 0; i < MANY; i++) { /* each came once */
        char line[32];
        size_t seen = 0;
        snprintf(line, sizeof line, "GET /%zu/ ", i);
        for (size_t k = 0; k < MANY - 1; k++)
            seen += strncmp(s.server.requests[k], line, strlen(line)) == 0;
        assert_int_equal(seen, i == 11 ? 0 : 1);
    }
    scene_end(&s);
}

typedef struct gathering {
    http_server *server;
    mseq_cancellation *token;
    size_t expected;
} gathering;

/* Cancels them when all have arrived, or after 20 seconds. */
static void *cancel_when_all_came(void *data) {
    gathering *g = data;
    for (int64_t end = mseq_monotonic_ms() + 20000;
         http_server_served(g->server) < g->expected && mseq_monotonic_ms() < end;)
        usleep(1000);
    mseq_cancellation_set(g->token);
    return NULL;
}

/* All arrive though none is answered: they are really side by side. Then each is cancelled, or runs
 * out of time. */
static void test_side_by_side(void **state) {
    (void)state;
    enum { AT_ONCE = 8 };
    static const http_answer silent = {NULL, 0, HTTP_SILENT};
    http_answer answers[2 * AT_ONCE];
    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] = silent;
    scene s;
    SCENE(s, answers);
    gathering g = {&s.server, mseq_cancellation_new(), AT_ONCE};
    mseq_request requests[AT_ONCE];
    mseq_outcome outcomes[AT_ONCE];
    pthread_t thread;
    for (size_t i = 0; i < AT_ONCE; i++) {
        requests[i] = s.request;
        requests[i].cancellation = g.token;
    }
    memset(outcomes, 0, sizeof outcomes);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_all_came, &g), 0);
    mseq_transport_send_many(s.transport, requests, AT_ONCE, outcomes);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < AT_ONCE; i++)
        assert_int_equal(outcomes[i].error.status, MSEQ_E_CANCELLED);
    assert_int_equal(http_server_served(&s.server), AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        requests[i].cancellation = NULL;
        requests[i].timeout_ms = 100;
    }
    memset(outcomes, 0, sizeof outcomes);
    mseq_transport_send_many(s.transport, requests, AT_ONCE, outcomes);
    for (size_t i = 0; i < AT_ONCE; i++)
        assert_int_equal(outcomes[i].error.status, MSEQ_E_TIMEOUT);
    mseq_cancellation_free(g.token);
    scene_end(&s);
}

/* Transports of different threads have nothing to do with each other. */
static void *use_own_transport(void *data) {
    const char *origin = data;
    mseq_transport *transport = NULL;
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = "GET";
    request.path = "/x/";
    bool good = mseq_transport_http_new(origin, NULL, &transport, NULL) == MSEQ_OK;
    for (int i = 0; good && i < 10; i++) {
        mseq_reply reply = MSEQ_REPLY_INIT;
        good = mseq_transport_send(transport, &request, &reply, NULL) == MSEQ_OK &&
               reply.status == 204;
        mseq_reply_free(&reply);
    }
    mseq_transport_free(transport);
    return good ? data : NULL;
}

static void test_threads(void **state) {
    (void)state;
    http_answer answers[80];
    pthread_t threads[8];
    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] = (http_answer){NO_CONTENT, 0, HTTP_KEEP};
    scene s;
    SCENE(s, answers);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_own_transport, s.origin), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    assert_int_equal(http_server_served(&s.server), 80);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_no_connection_in_time),
        cmocka_unit_test(test_broken_kept_connection),
        cmocka_unit_test(test_a_connection_closed_between_requests),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_no_sigpipe),
        cmocka_unit_test(test_large_requests),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_threads),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
