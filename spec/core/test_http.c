/* SPDX-License-Identifier: MIT
 * Room `transport`: requests over HTTP and their replies, from servers that behave, and from
 * servers that don't. */
#include "transport_helpers.h"

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

/* ---- Servers that don't behave
 * ----------------------------------------------------------------------------------------- */

/* One answer to one request, and the failure that must come of it. */
static void expect_failure(http_answer answer, mseq_status status, const char *code,
                           const char *message) {
    scene s;
    mseq_http_options options = MSEQ_HTTP_OPTIONS_INIT;
    options.maximum_reply = 100000;
    scene_begin(&s, &answer, 1, &options);
    s.request.timeout_ms = 300;
    s.request.authorization = "Bearer secret-token";
    mseq_status got = scene_send(&s);
    if (got != status)
        fail_msg("%.40s: %d instead of %d: %s", answer.bytes ? answer.bytes : "(nothing)", got,
                 status, s.err.message);
    if (strcmp(s.err.code[0] ? s.err.code : mseq_status_name(s.err.status), code) != 0 ||
        !strstr(s.err.message, message) || !strstr(s.err.message, s.origin))
        fail_msg("got %s: %s, expected %s: %s", s.err.code, s.err.message, code, message);
    assert_null(strstr(s.err.message, "secret-token"));
    assert_null(s.reply.body);
    assert_int_equal(s.reply.status, 0);
    scene_end(&s);
}

static void test_cut_off(void **state) {
    (void)state;
    expect_failure((http_answer){NULL, 0, HTTP_CLOSE}, MSEQ_E_TRANSPORT, "interrupted", "");
    expect_failure((http_answer){NULL, 0, HTTP_RESET}, MSEQ_E_TRANSPORT, "interrupted", "");
    expect_failure((http_answer){"HTTP/1.1 200 OK\r\nContent-Le", 0, HTTP_CLOSE}, MSEQ_E_TRANSPORT,
                   "interrupted", "");
    expect_failure((http_answer){OK_HEAD "Content-Length: 10\r\n\r\n{\"a\"", 0, HTTP_CLOSE},
                   MSEQ_E_TRANSPORT, "interrupted", "");
    expect_failure(
        (http_answer){OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n[1]", 0, HTTP_CLOSE},
        MSEQ_E_TRANSPORT, "interrupted", "");
    expect_failure(
        (http_answer){OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n[1]", 0, HTTP_CLOSE},
        MSEQ_E_TRANSPORT, "interrupted", "");
    expect_failure((http_answer){"no HTTP at all\r\n\r\n", 0, HTTP_CLOSE}, MSEQ_E_TRANSPORT,
                   "interrupted", "");
    expect_failure((http_answer){OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"
                                         "not a zip",
                                 0, HTTP_CLOSE},
                   MSEQ_E_TRANSPORT, "interrupted", "");
    expect_failure((http_answer){OK_HEAD "Content-Length: -5\r\n\r\n", 0, HTTP_CLOSE},
                   MSEQ_E_TRANSPORT, "interrupted", "");
}

static void test_slow(void **state) {
    (void)state;
    expect_failure((http_answer){NULL, 0, HTTP_SILENT}, MSEQ_E_TIMEOUT, "timeout",
                   "no whole reply within 300 ms");
    expect_failure((http_answer){"HTTP/1.1 200 OK\r\n", 0, HTTP_SILENT}, MSEQ_E_TIMEOUT, "timeout",
                   "no whole reply");
    expect_failure((http_answer){OK_HEAD "Content-Length: 10\r\n\r\n{\"a\"", 0, HTTP_SILENT},
                   MSEQ_E_TIMEOUT, "timeout", "no whole reply");
    /* a body that ends with the connection, which never ends */
    expect_failure((http_answer){OK_HEAD "\r\n{\"a\"", 0, HTTP_SILENT}, MSEQ_E_TIMEOUT, "timeout",
                   "no whole reply");
}

static void test_too_large(void **state) {
    (void)state;
    char *body = repeat(OK_HEAD "\r\n", "x", 100001);
    expect_failure((http_answer){body, 0, HTTP_CLOSE}, MSEQ_E_LIMIT, "limit",
                   "the reply is larger than 100000 bytes");
    free(body);
    char *headers = repeat("HTTP/1.1 200 OK\r\n", "X-Header: value of the header\r\n", 20000);
    expect_failure((http_answer){headers, 0, HTTP_CLOSE}, MSEQ_E_LIMIT, "limit",
                   "the headers of the reply are larger");
    free(headers);
    /* the size said is not believed, and the largest that fits is taken */
    char *whole = repeat(OK_HEAD "Content-Length: 100000\r\n\r\n", "1", 100000);
    http_answer answers[] = {{whole, 0, HTTP_CLOSE}};
    scene s;
    mseq_http_options options = MSEQ_HTTP_OPTIONS_INIT;
    options.maximum_reply = 100000;
    scene_begin(&s, answers, 1, &options);
    assert_int_equal(scene_send(&s), MSEQ_OK);
    assert_int_equal(strlen(s.reply.text), 100000); /* a number of 100,000 digits is no JSON */
    scene_end(&s);
    free(whole);
}

/* Bits of a deflate stream (RFC 1951): packed from the lowest bit of each byte. */
typedef struct bits {
    char *bytes;
    size_t count;
} bits;

/* A Huffman code goes in from its highest bit. */
static void put_code(bits *stream, unsigned code, int length) {
    for (int i = length - 1; i >= 0; i--, stream->count++)
        if (code >> i & 1)
            stream->bytes[stream->count / 8] |= (char)(1 << stream->count % 8);
}

/* Ten megabytes of zeros in 65 kB: after one zero, "258 more like the last one" again and again. */
static void test_compressed_too_large(void **state) {
    (void)state;
    static const char head[] = OK_HEAD "Content-Encoding: gzip\r\n\r\n"
                                       "\x1f\x8b\x08\0\0\0\0\0\0\3";
    size_t size = sizeof head - 1 + 70000;
    char *answer = calloc(1, size);
    assert_non_null(answer);
    memcpy(answer, head, sizeof head - 1);
    bits stream = {answer + sizeof head - 1, 0};
    put_code(&stream, 6, 3);    /* the last block, with the fixed codes */
    put_code(&stream, 0x30, 8); /* the byte 0 */
    for (int i = 0; i < 40000; i++) {
        put_code(&stream, 0xc5, 8); /* length 258 */
        put_code(&stream, 0, 5);    /* distance 1 */
    }
    expect_failure((http_answer){answer, sizeof head - 1 + stream.count / 8, HTTP_CLOSE},
                   MSEQ_E_LIMIT, "limit", "the reply is larger than 100000 bytes");
    free(answer);
}

static void test_bodies_that_are_no_json(void **state) {
    (void)state;
    static const char *const bodies[] = {"<html>",   "{\"a\": }", "{\"a\": 99999999999999999999}",
                                         "\"\xff\"", "[1] [2]",   "NaN"};
    http_answer answers[COUNT(bodies)];
    char bytes[COUNT(bodies)][200];
    for (size_t i = 0; i < COUNT(bodies); i++) {
        snprintf(bytes[i], sizeof bytes[i], OK_HEAD "Content-Length: %zu\r\n\r\n%s",
                 strlen(bodies[i]), bodies[i]);
        answers[i] = (http_answer){bytes[i], 0, HTTP_KEEP};
    }
    scene s;
    SCENE(s, answers);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        assert_int_equal(scene_send(&s), MSEQ_OK);
        assert_null(s.reply.body);
        assert_string_equal(s.reply.text, bodies[i]);
    }
    scene_end(&s);
}

/* ---- What is refused before anything is sent
 * ----------------------------------------------------------------------------------------- */

static void test_origins(void **state) {
    (void)state;
    static const struct {
        const char *origin;
        const char *message; /* NULL: accepted */
    } cases[] = {
        {"http://h", NULL},
        {"https://h:1/prefix/", NULL},
        {"HTTPS://h", NULL},
        {"http://[::1]:8000", NULL},
        {"ftp://h", "scheme is ftp"},
        {"http://user@h", "holds a user"},
        {"http://:secret@h", "holds"},
        {"http://h/?token=secret", "holds a query"},
        {"http://h/#x", "holds a fragment"},
        {"http://", "is not a URL"},
        {"", "is not a URL"},
        {"h", "is not a URL"},
        {"http://h:99999", "is not a URL"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        mseq_transport *transport = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_status status = mseq_transport_http_new(cases[i].origin, NULL, &transport, &err);
        if (cases[i].message)
            assert_error(&err, MSEQ_E_REQUEST, cases[i].message, "an endpoint is");
        else if (status != MSEQ_OK)
            fail_msg("%s: %s", cases[i].origin, err.message);
        assert_null(strstr(err.message, "secret"));
        mseq_transport_free(transport);
    }
}

static void test_requests_that_smuggle(void **state) {
    (void)state;
    static const http_answer answers[] = {{NO_CONTENT, 0, HTTP_KEEP}};
    static const struct {
        const char *path;
        const char *query;
        const char *authorization;
    } cases[] = {{"x/", NULL, NULL},   {"@elsewhere/", NULL, NULL},
                 {"/a b", NULL, NULL}, {"/a?b", NULL, NULL},
                 {"/a#b", NULL, NULL}, {"/a\r\nX: y", NULL, NULL},
                 {"/", "a=b c", NULL}, {"/", "a#b", NULL},
                 {"/", "a\nb", NULL},  {"/", NULL, "Bearer a\r\nX: y"}};
    scene s;
    SCENE(s, answers);
    for (size_t i = 0; i < COUNT(cases); i++) {
        s.request.path = cases[i].path;
        s.request.query = cases[i].query;
        s.request.authorization = cases[i].authorization;
        assert_int_equal(scene_send(&s), MSEQ_E_ARGUMENT);
    }
    static const char *const methods[] = {"", "GET ", "GE T", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET",
                                          "A-METHOD-LONGER-THAN-ANYBODY-NEEDS"};
    s.request.path = "/";
    s.request.query = s.request.authorization = NULL;
    for (size_t i = 0; i < COUNT(methods); i++) {
        s.request.method = methods[i];
        assert_int_equal(scene_send(&s), MSEQ_E_ARGUMENT);
        assert_non_null(strstr(s.err.message, "is no method"));
    }
    assert_int_equal(s.server.connections, 0);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_and_post),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_headers_the_client_needs),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_compressed_too_large),
        cmocka_unit_test(test_bodies_that_are_no_json),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_requests_that_smuggle),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
