/* SPDX-License-Identifier: MIT
 * Room `transport`: requests over HTTP to a server that behaves, and to servers that don't. */
#include "http_server.h"

#include "support.h"

#include "mainsequence/transport.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

typedef struct scene {
    http_server server;
    mseq_transport *transport;
    char origin[64];
    mseq_request request;
    mseq_reply reply;
    mseq_error err;
} scene;

static void scene_begin(scene *s, const http_answer *answers, size_t count,
                        const mseq_http_options *options) {
    memset(s, 0, sizeof *s);
    http_server_start(&s->server, answers, count);
    snprintf(s->origin, sizeof s->origin, "http://127.0.0.1:%d", s->server.port);
    s->request = (mseq_request)MSEQ_REQUEST_INIT;
    s->request.method = "GET";
    s->request.path = "/x/";
    if (mseq_transport_http_new(s->origin, options, &s->transport, &s->err) != MSEQ_OK)
        fail_msg("%s", s->err.message);
}

#define SCENE(s, answers) scene_begin(&(s), answers, COUNT(answers), NULL)

static mseq_status scene_send(scene *s) {
    mseq_reply_free(&s->reply);
    mseq_error_clear(&s->err);
    return mseq_transport_send(s->transport, &s->request, &s->reply, &s->err);
}

static void scene_end(scene *s) {
    mseq_reply_free(&s->reply);
    mseq_transport_free(s->transport);
    http_server_stop(&s->server);
}

static void expect_sent(scene *s, size_t index, const char *part) {
    const char *request = s->server.requests[index];
    if (!request || !strstr(request, part))
        fail_msg("'%s' is not in:\n%s", part, request ? request : "(no request)");
}

static void expect_not_sent(scene *s, size_t index, const char *part) {
    if (strcasestr(s->server.requests[index], part))
        fail_msg("'%s' is in:\n%s", part, s->server.requests[index]);
}

/* ---- Requests and replies
 * ----------------------------------------------------------------------------------------- */

static void test_get_and_post(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {OK_HEAD "Content-Length: 11\r\n\r\n{\"a\": [1.0]", 0, HTTP_CLOSE},
        {OK_HEAD "Content-Length: 12\r\n\r\n{\"a\": [1.0]}", 0, HTTP_KEEP},
        {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
         0, HTTP_KEEP},
        {"HTTP/1.1 204 No Content\r\n\r\n", 0, HTTP_KEEP}};
    scene s;
    SCENE(s, answers);
    s.request.query = "a=b&c=d%20e";
    s.request.authorization = "Bearer abc";
    assert_int_equal(scene_send(&s), MSEQ_OK); /* half a document is text */
    assert_string_equal(s.reply.text, "{\"a\": [1.0]");
    assert_null(s.reply.body);
    expect_sent(&s, 0, "GET /x/?a=b&c=d%20e HTTP/1.1\r\n");
    expect_sent(&s, 0, "Authorization: Bearer abc\r\n");
    expect_sent(&s, 0, "Accept-Encoding: gzip, deflate\r\n");
    expect_not_sent(&s, 0, "Content-Type");

    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(s.reply.status, 200);
    assert_document(s.reply.body, "{'a': [1.0]}");
    assert_null(s.reply.text);

    mseq_value *body = document("{'b': 'é', 'a': 1}");
    s.request = (mseq_request)MSEQ_REQUEST_INIT;
    s.request.method = "POST";
    s.request.path = "/a/../b/";
    s.request.body = body;
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(s.reply.status, 201);
    assert_document(s.reply.body, "[1]");
    expect_sent(&s, 2, "POST /a/../b/ HTTP/1.1\r\n");
    expect_sent(&s, 2, "Content-Type: application/json\r\n");
    expect_sent(&s, 2, "\r\n\r\n{\"b\": \"\\u00e9\", \"a\": 1}");
    expect_not_sent(&s, 2, "Expect");
    expect_not_sent(&s, 2, "Authorization");
    mseq_value_free(body);

    s.request.body = NULL;
    s.request.text = "select 1";
    s.request.text_length = 8;
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(s.reply.status, 204);
    assert_null(s.reply.body);
    assert_null(s.reply.text);
    expect_sent(&s, 3, "Content-Type: text/plain\r\n");
    expect_sent(&s, 3, "\r\n\r\nselect 1");
    assert_int_equal(s.server.connections, 2); /* kept, except where the server closed it */
    scene_end(&s);
}

static void test_methods(void **state) {
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET", "HEAD"};
    static const http_answer answer = {"HTTP/1.1 204 No Content\r\n\r\n", 0, HTTP_KEEP};
    http_answer answers[2 * COUNT(methods)];
    for (size_t i = 0; i < COUNT(answers); i++)
        answers[i] = answer;
    scene s;
    SCENE(s, answers);
    mseq_value *body = document("[]");
    for (size_t i = 0; i < COUNT(methods); i++) {
        char line[32];
        snprintf(line, sizeof line, "%s /x/ HTTP/1.1\r\n", methods[i]);
        s.request.method = methods[i];
        s.request.body = NULL;
        assert_int_equal(scene_send(&s), MSEQ_OK);
        expect_sent(&s, 2 * i, line);
        expect_not_sent(&s, 2 * i, "Content-Type");
        if (i < 3)
            expect_sent(&s, 2 * i, "Content-Length: 0\r\n");
        s.request.body = strcmp(methods[i], "HEAD") == 0 ? NULL : body;
        assert_int_equal(scene_send(&s), MSEQ_OK);
        expect_sent(&s, 2 * i + 1, line);
        if (s.request.body)
            expect_sent(&s, 2 * i + 1, "\r\n\r\n[]");
    }
    assert_int_equal(s.server.connections, 1);
    mseq_value_free(body);
    scene_end(&s);
}

static void test_headers_the_client_needs(void **state) {
    (void)state;
    static const http_answer answers[] = {
        {"HTTP/1.1 429 Too Many Requests\r\nretry-after:  7 \r\nContent-Length: 2\r\n\r\n{}", 0,
         HTTP_KEEP},
        {"HTTP/1.1 308 Moved\r\nLocation: https://elsewhere/x/\r\nContent-Length: 0\r\n\r\n", 0,
         HTTP_KEEP},
        {OK_HEAD "Content-Length: 0\r\n\r\n", 0, HTTP_KEEP}};
    scene s;
    SCENE(s, answers);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_string_equal(s.reply.retry_after, "7");
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(s.reply.status, 308);
    assert_string_equal(s.reply.location, "https://elsewhere/x/");
    assert_null(s.reply.retry_after);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_null(s.reply.location);
    assert_int_equal(s.server.connections, 1);
    scene_end(&s);
}

static void test_compressed(void **state) {
    (void)state;
    static const char zipped[] =
        OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n"
                "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x54\xb2\x52\x30\xac"
                "\x05\x00\x97\x8e\xa1\xfb\x08\x00\x00\x00";
    http_answer answers[] = {{zipped, sizeof zipped - 1, HTTP_CLOSE}};
    scene s;
    SCENE(s, answers);
    mseq_status status = scene_send(&s);
    if (status != MSEQ_OK)
        fail_msg("%s", s.err.message);
    assert_document(s.reply.body, "{'a': 1}");
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_and_post),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_headers_the_client_needs),
        cmocka_unit_test(test_compressed),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
