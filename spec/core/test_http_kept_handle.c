/* SPDX-License-Identifier: MIT
 * Room `transport`: a handle stays set up for the next request. Nothing of a request may be seen in
 * another one. */
#include "transport_helpers.h"

/* One of each kind of request that is set up differently. Bodies are made by the test. */
typedef enum body_kind { NONE, SMALL, OTHER, LARGE, TEXT } body_kind;
typedef struct shape {
    const char *method, *path, *query, *authorization;
    body_kind body;
    bool once;
} shape;

static const shape shapes[] = {
    {"GET", "/x/", NULL, NULL, NONE, false},
    {"GET", "/x/", "a=b%2Fc&d=%c3%A9", "Bearer one", NONE, false},
    {"GET", "/x%2Fy/../z/", "", "Bearer one", NONE, false},
    {"HEAD", "/x/", NULL, "Bearer one", NONE, false},
    {"DELETE", "/x/", NULL, "Bearer one", NONE, false},
    {"DELETE", "/x/", NULL, "Bearer one", NONE, true},
    {"POST", "/x/", NULL, "Bearer one", NONE, false},
    {"POST", "/x/", NULL, "Bearer one", SMALL, false},
    {"POST", "/x/", NULL, "Bearer one", OTHER, false},
    {"POST", "/x/", NULL, "Bearer other", SMALL, false},
    {"POST", "/y/", NULL, "Bearer one", SMALL, true},
    {"POST", "/x/", NULL, "Bearer one", LARGE, false},
    {"POST", "/x/", NULL, "Bearer one", LARGE, true},
    {"POST", "/x/", NULL, NULL, TEXT, false},
    {"POST", "/x/", NULL, NULL, TEXT, true},
    {"PATCH", "/x/", NULL, "Bearer one", SMALL, false},
};
enum { SHAPES = COUNT(shapes) };

static void send_shape(mseq_transport *transport, const shape *one, mseq_value *const bodies[]) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    request.method = one->method;
    request.path = one->path;
    request.query = one->query;
    request.authorization = one->authorization;
    request.send_once = one->once;
    request.body = bodies[one->body];
    request.text = one->body == TEXT ? "select 1" : NULL;
    request.text_length = one->body == TEXT ? 8 : 0;
    if (mseq_transport_send(transport, &request, &reply, &err) != MSEQ_OK)
        fail_msg("%s %s: %s", one->method, one->path, err.message);
    assert_int_equal(reply.status, 204);
    mseq_reply_free(&reply);
}

static const char *last_sent(scene *s) {
    return s->server.requests[http_server_served(&s->server) - 1];
}

/* Every request after every other one is what a new transport would have sent. */
static void test_nothing_is_left_over(void **state) {
    (void)state;
    static http_answer answers[SHAPES + 2 * SHAPES * SHAPES];
    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] = (http_answer){NO_CONTENT, 0, HTTP_KEEP};
    char *text = repeat("", "abcdefgh", 1000);
    mseq_value *bodies[] = {[NONE] = NULL,
                            [SMALL] = document("{'a': 1}"),
                            [OTHER] = document("{'a': [1, 2, 3]}"),
                            [LARGE] = mseq_value_string(text),
                            [TEXT] = NULL};
    const char *expected[SHAPES];
    scene s;
    SCENE(s, answers);
    for (size_t i = 0; i < SHAPES; i++) {
        mseq_transport *fresh = NULL;
        assert_int_equal(mseq_transport_http_new(s.origin, NULL, &fresh, &s.err), MSEQ_OK);
        send_shape(fresh, &shapes[i], bodies);
        expected[i] = last_sent(&s);
        mseq_transport_free(fresh);
    }
    for (size_t i = 0; i < SHAPES; i++)
        for (size_t k = 0; k < SHAPES; k++) {
            send_shape(s.transport, &shapes[i], bodies);
            send_shape(s.transport, &shapes[k], bodies);
            if (strcmp(last_sent(&s), expected[k]) != 0)
                fail_msg("after request %zu request %zu is\n%s\ninstead of\n%s", i, k,
                         last_sent(&s), expected[k]);
        }
    for (size_t i = NONE; i <= TEXT; i++)
        mseq_value_free(bodies[i]);
    free(text);
    scene_end(&s);
}

static void test_heads(void **state) {
    (void)state;
    static const http_answer answers[] = {{NO_CONTENT, 0, HTTP_KEEP}, {NO_CONTENT, 0, HTTP_KEEP}};
    scene s;
    char head[512];
    SCENE(s, answers);
    mseq_value *body = document("{'a': 1}");
    s.request.method = "POST";
    s.request.authorization = "Bearer abc";
    s.request.body = body;
    for (size_t i = 0; i < COUNT(answers); i++) {
        assert_int_equal(scene_send(&s), MSEQ_OK);
        snprintf(head, sizeof head,
                 "POST /x/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\n"
                 "User-Agent: libmainsequence/" MSEQ_VERSION_STRING "\r\n"
                 "Accept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\n"
                 "Authorization: Bearer abc\r\nContent-Length: 8\r\n\r\n{\"a\": 1}",
                 s.server.port);
        assert_string_equal(s.server.requests[i], head);
    }
    mseq_value_free(body);
    scene_end(&s);
}

/* How an exchange failed says nothing about the next one. */
static void test_failures_are_forgotten(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {NO_CONTENT, 0, HTTP_KEEP},
        {OK_HEAD "Content-Length: 100\r\n\r\n{", 0, HTTP_CLOSE},
        {OK_HEAD "Content-Length: 2\r\nRetry-After: 3\r\n\r\n[]", 0, HTTP_KEEP},
        {NO_CONTENT, 0, HTTP_CLOSE}};
    scene s;
    SCENE(s, answers);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(scene_send(&s), MSEQ_E_TRANSPORT);
    assert_string_equal(s.err.code, "interrupted");
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_document(s.reply.body, "[]");
    assert_string_equal(s.reply.retry_after, "3");
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_null(s.reply.body);
    assert_null(s.reply.retry_after);
    scene_end(&s);
}

/* Though the exchange before it was connected. */
static void test_unreachable_after_success(void **state) {
    (void)state;
    static const http_answer answers[] = {{NO_CONTENT, 0, HTTP_CLOSE}};
    scene s;
    SCENE(s, answers);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    http_server_stop(&s.server);
    assert_int_equal(scene_send(&s), MSEQ_E_TRANSPORT);
    assert_string_equal(s.err.code, "unreachable");
    mseq_reply_free(&s.reply);
    mseq_transport_free(s.transport);
}

/* A request that is refused before it is sent leaves the handle as it was. */
static void test_refused_between(void **state) {
    (void)state;
    static const http_answer answers[] = {{NO_CONTENT, 0, HTTP_KEEP}, {NO_CONTENT, 0, HTTP_KEEP}};
    scene s;
    SCENE(s, answers);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    s.request.path = "x";
    assert_int_equal(scene_send(&s), MSEQ_E_ARGUMENT);
    s.request.path = "/x/";
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_string_equal(s.server.requests[0], s.server.requests[1]);
    assert_int_equal(s.server.connections, 1);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_left_over),      cmocka_unit_test(test_heads),
        cmocka_unit_test(test_failures_are_forgotten),    cmocka_unit_test(test_refused_between),
        cmocka_unit_test(test_unreachable_after_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
