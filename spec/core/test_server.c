/* SPDX-License-Identifier: MIT
 * Room `server`: what it answers itself, statuses, headers, the log. */
#include "server_helpers.h"

static heard get(const served *own, const char *request) {
    int client = dial(own);
    assert_true(say(client, request));
    heard reply = hear(client);
    close(client);
    return reply;
}

static void test_pages(void **state) {
    served *own = *state;
    heard reply = get(own, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"status\": \"alive\"}");
    assert_non_null(strstr(reply.head, "\r\nX-Request-Id: "));
    heard_free(&reply);
    expect_alive(own);

    reply = get(own, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    mseq_value *page = parse(reply.body);
    const mseq_value *routes = mseq_object_get(page, "routes");
    assert_int_equal(reply.status, 200);
    assert_string_equal(text_at(page, "version"), mseq_version());
    assert_int_equal(
        mseq_value_length(mseq_object_get(routes, "/orm/api/ts_manager/{kind}/{uid}/")), 3);
    mseq_value_free(page);
    heard_free(&reply);

    reply = get(own, "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n");
    assert_non_null(strstr(reply.head, "text/html"));
    assert_non_null(strstr(reply.body, "/orm/api/ts_manager/{kind}/{uid}/"));
    heard_free(&reply);
    assert_true(logged(own, "\"route\": \"/\", \"status\": 200"));
}

static void test_methods(void **state) {
    served *own = *state;
    heard reply = get(own, "POST / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(reply.head, "\r\nAllow: GET, HEAD\r\n"));
    expect_refused(&reply, 405, "method_not_allowed");
    reply = get(own, "PUT " META " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(reply.head, "\r\nAllow: GET, POST\r\n"));
    expect_refused(&reply, 405, "method_not_allowed");
    refused(own, "BREW " META " HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed");
    refused(own, "GET /nowhere/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "unknown_route");
    refused(own, "GET /orm/api/ts_manager/meta_table HTTP/1.1\r\nHost: x\r\n\r\n", 404,
            "missing_trailing_slash");

    reply = get(own, "OPTIONS " META " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply.status, 204);
    assert_non_null(strstr(reply.head, "\r\nAllow: GET, POST\r\n"));
    assert_int_equal(reply.body_length, 0);
    heard_free(&reply);

    int client = dial(own);
    assert_true(say(client, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                            "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    while (hear_some(client, &bytes, 4096))
        ;
    const char *second = strstr(mseq_buffer_text(&bytes) + 1, "HTTP/1.1 200");
    assert_non_null(second); /* where HEAD's body would be */
    assert_memory_equal(second - 4, "\r\n\r\n", 4);
    assert_non_null(strstr(second, "{\"status\": \"alive\"}"));
    mseq_buffer_free(&bytes);
    close(client);
}

static void test_without_a_token(void **state) {
    served *own = *state;
    heard reply = get(own, "GET " META " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(reply.head, "\r\nWWW-Authenticate: Bearer\r\n"));
    expect_refused(&reply, 401, "not_authenticated");
    refused(own, "GET " META " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret-x\r\n\r\n", 401,
            "invalid_token");
    assert_true(logged(own, "\"method\": \"GET\", \"route\": \"/orm/api/ts_manager/{kind}/\", "
                            "\"status\": 401"));
    assert_true(unlogged(own, "secret-x"));
}

/* ---- What is no request ------------------------------------------------------------------------
 */

static void test_heads(void **state) {
    served *own = *state;
    static const struct {
        const char *text;
        int status;
        const char *code;
    } bad[] = {
        {"GARBAGE\r\n\r\n", 400, "bad_request"},
        {"\x16\x03\x01\x02", 400, "bad_request"}, /* TLS */
        {"GET /healthz\r\n\r\n", 400, "bad_request"},
        {"GET  HTTP/1.1\r\n\r\n", 400, "bad_request"},
        {"G\x01T / HTTP/1.1\r\n\r\n", 400, "bad_request"},
        {"GET /a\tb HTTP/1.1\r\n\r\n", 400, "bad_request"},
        {"GET / FTP/1.1\r\n\r\n", 400, "bad_request"},
        {"GET / HTTP/2.0\r\n\r\n", 505, "version_not_supported"},
        {"GET / HTTP/1.10\r\n\r\n", 505, "version_not_supported"},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"},
        {"GET / HTTP/1.1\r\n: empty\r\n\r\n", 400, "bad_request"},
        {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400, "bad_request"},
        {"GET / HTTP/1.1\r\nA: \x01\r\n\r\n", 400, "bad_request"},
        {"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "bad_framing"},
        {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "bad_framing"},
        {"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400, "bad_framing"},
        {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413, "body_too_large"},
        {"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "bad_framing"},
        {"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "bad_framing"},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, "bad_framing"},
        {"GET /%zz/ HTTP/1.1\r\n\r\n", 400, "bad_path"},
        {"GET /%00/ HTTP/1.1\r\n\r\n", 400, "bad_path"},
        {"GET /%ff/ HTTP/1.1\r\n\r\n", 400, "bad_path"},
        {"GET //x/ HTTP/1.1\r\n\r\n", 404, "unknown_route"},
        {"OPTIONS * HTTP/1.1\r\n\r\n", 404, "unknown_route"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(own, bad[i].text, bad[i].status, bad[i].code);
    refused_at(__FILE__, __LINE__, own, "GET /\0 HTTP/1.1\r\n\r\n", 20, 400, "bad_request");
    refused_at(__FILE__, __LINE__, own, "GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24, 400, "bad_request");
    expect_alive(own);
}

static void test_large_heads(void **state) {
    served *own = *state;
    enum { SIZE = 4 * 1024 * 1024 }; /* much more than fits into the sockets' buffers */
    char *many = malloc(SIZE + 1);
    memset(many, 'a', SIZE);
    many[SIZE] = '\0';
    memcpy(many, "GET /", 5);
    refused_at(__FILE__, __LINE__, own, many, SIZE, 414, "target_too_long");
    memcpy(many, "GET / HTTP/1.1\r\nA: ", 19);
    refused_at(__FILE__, __LINE__, own, many, SIZE, 431, "headers_too_large");
    for (size_t i = 16; i + 6 <= SIZE; i += 6)
        memcpy(many + i, "A: b\r\n", 6);
    refused_at(__FILE__, __LINE__, own, many, SIZE, 431, "headers_too_large");
    free(many);
    expect_alive(own);
}

static void test_targets(void **state) {
    served *own = *state;
    static const char *const good[] = {
        "GET /healthz?a=b HTTP/1.1\r\n\r\n", "GET http://x/healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n", "\r\nGET /healthz HTTP/1.1\n\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        heard reply = get(own, good[i]);
        assert_int_equal(reply.status, 200);
        heard_free(&reply);
    }
    /* an escaped slash belongs to the uid, not to the path */
    log_in(own);
    int client = ask(own, "GET", META "a%2Fb/", "", "");
    heard reply = hear(client);
    assert_non_null(strstr(reply.body, "a/b"));
    expect_refused(&reply, 404, "not_found");
    close(client);
}

/* ---- Bodies ------------------------------------------------------------------------------------
 */

#define JSON "Content-Type: application/json\r\n"

static void refused_body(const served *own, const char *headers, const char *body, int status,
                         const char *code) {
    int client = ask(own, "POST", META "register/", headers, body);
    heard reply = hear(client);
    expect_refused(&reply, status, code);
    close(client);
}

static void test_bodies(void **state) {
    served *own = *state;
    log_in(own);
    refused_body(own, JSON, "{\"a\": ", 400, "json");
    refused_body(own, JSON, "hello", 400, "json");
    refused_body(own, JSON, "{} {}", 400, "json");
    refused_body(own, JSON, "{\"a\": 1, \"a\": 2}", 400, "json");
    refused_body(own, JSON, "{\"a\": NaN}", 400, "json");
    refused_body(own, JSON, "{\"a\": 99999999999999999999}", 400, "json");
    refused_body(own, JSON, "{\"a\": \"\xff\"}", 400, "json");
    refused_body(own, JSON, "{\"a\": \"\\ud800\"}", 400, "json");
    refused_body(own, JSON, "[]", 400, "wrong_kind");
    refused_body(own, JSON, "{\"no_such_key\": 1}", 400, "unknown_key");
    refused_body(own, JSON, "{\"data_source_uid\": \"a\\u0000b\"}", 400, "bad_value");
    refused_body(own, JSON, "", 400, "wrong_kind");
    refused_body(own, "Content-Type: text/html\r\n", "{}", 415, "unsupported_media_type");
    refused_body(own, "Content-Type: application/jsonx\r\n", "{}", 415, "unsupported_media_type");
    refused_body(own, "Content-Type: application/json; charset=utf-16\r\n", "{}", 415,
                 "unsupported_media_type");
    refused_body(own, JSON "Content-Encoding: gzip\r\n", "{}", 415, "unsupported_encoding");
    /* these two get as far as the manager */
    refused_body(own, "Content-Type: Application/JSON;charset=\"UTF-8\"\r\n", "[]", 400,
                 "wrong_kind");
    refused_body(own, "", "[]", 400, "wrong_kind");

    enum { DEEP = 1000 * 1000 };
    char *deep = malloc(DEEP + 1);
    memset(deep, '[', DEEP);
    deep[DEEP] = '\0';
    refused_body(own, JSON, deep, 400, "limit");
    free(deep);

    enum { MANY = 4000 * 1000 + 4 };
    char *many = malloc(MANY + 1);
    for (int i = 0; i < MANY; i++)
        many[i] = i % 2 ? ',' : '0';
    many[0] = '[', many[1] = '0';
    many[MANY - 1] = ']';
    many[MANY] = '\0';
    refused_body(own, JSON, many, 400, "too_many_values");
    for (int i = 2; i < MANY - 2; i++)
        many[i] = i == 2 || i == MANY - 3 ? '"' : ','; /* all of it in one string */
    many[1] = ' ', many[MANY - 2] = ' ';
    refused_body(own, JSON, many, 400, "wrong_kind");
    free(many);
    expect_alive(own);
    assert_true(unlogged(own, "no_such_key")); /* no bodies in logs */
    assert_true(unlogged(own, own->token));
}

static void test_nul_in_body(void **state) {
    served *own = *state;
    log_in(own);
    char *text = request_text(own, "POST", META "register/", JSON, "{\"a\": \"?\"}");
    size_t length = strlen(text);
    *strrchr(text, '?') = '\0';
    refused_at(__FILE__, __LINE__, own, text, length, 400, "json");
    free(text);
}

static void test_large_bodies(void **state) {
    served *own = *state;
    log_in(own);
    mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
    options.maximum_body = 1000;
    restart_server(own, &options);
    char body[1101];
    memset(body, ' ', sizeof body);
    body[0] = '[', body[999] = ']', body[1000] = '\0';
    refused_body(own, JSON, body, 400, "wrong_kind"); /* fits */
    body[1000] = ' ', body[1001] = '\0';
    refused_body(own, JSON, body, 413, "body_too_large");
    /* announced, and the client waits to be asked for it */
    refused(own, "POST " META " HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99999\r\n\r\n",
            413, "body_too_large");
    /* not announced */
    char *chunked =
        mseq_text_format("POST " META "register/ HTTP/1.1\r\nAuthorization: Bearer %s\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n44c\r\n%1100s\r\n0\r\n\r\n",
                         own->token, "");
    refused(own, chunked, 413, "body_too_large");
    free(chunked);
    chunked = mseq_text_format("POST " META "register/ HTTP/1.1\r\nAuthorization: Bearer %s\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
                               own->token);
    refused(own, chunked, 400, "wrong_kind");
    free(chunked);
    expect_alive(own);
}

/* ---- What the manager is told ------------------------------------------------------------------
 */

static heard answer_to(const served *own, const char *method, const char *path, const char *headers,
                       const char *body) {
    int client = ask(own, method, path, headers, body);
    heard reply = hear(client);
    close(client);
    return reply;
}

static void test_replies(void **state) {
    served *own = *state;
    log_in(own);
    char *uid = make_table(own, "demo__item"), path[128];
    snprintf(path, sizeof path, META "%s/", uid);
    heard reply = answer_to(own, "GET", path, "", "");
    mseq_value *row = parse(reply.body);
    assert_int_equal(reply.status, 200);
    check_model("MetaTable", row);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_json_write(row, 0, &text, NULL), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&text), reply.body); /* the canonical text */
    mseq_buffer_free(&text);
    mseq_value_free(row);
    heard_free(&reply);

    snprintf(path, sizeof path, META "%s/run_query/", uid);
    reply = answer_to(own, "POST", path, "Content-Type: text/plain\r\n",
                      "SELECT count(*) AS n FROM demo__item");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "[{\"n\": 0}]"));
    heard_free(&reply);
    assert_true(logged(own, "/orm/api/ts_manager/{kind}/{uid}/run_query/\", \"status\": 200"));
    assert_true(unlogged(own, "SELECT"));
    free(uid);
}

static void test_links(void **state) {
    served *own = *state;
    log_in(own);
    for (int i = 0; i < 101; i++) {
        char name[32];
        snprintf(name, sizeof name, "demo__t%d", i);
        free(make_table(own, name));
    }
    heard reply = answer_to(own, "GET", META, "", "");
    assert_non_null(strstr(reply.body, "\"next\": \"http://example.org:1/orm/api/"));
    heard_free(&reply);
    reply = answer_to(own, "GET", META, "X-Forwarded-Proto: https\r\n", "");
    assert_non_null(strstr(reply.body, "\"next\": \"https://example.org:1/orm/api/"));
    heard_free(&reply);
}

static void test_who_is_local(void **state) {
    served *own = *state;
    log_in(own);
    char path[128];
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", own->made->source);
    heard reply = answer_to(own, "POST", path, "", "{}");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body, "sqlite:////"));
    heard_free(&reply);
    static const char *const proxied[] = {"X-Forwarded-For: 127.0.0.1\r\n", "Forwarded: for=x\r\n",
                                          "Via: 1.1 proxy\r\n", "X-Real-IP: 10.0.0.1\r\n"};
    for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++) {
        reply = answer_to(own, "POST", path, proxied[i], "{}");
        assert_int_equal(reply.status, 409);
        assert_null(strstr(reply.body, "sqlite:////"));
        heard_free(&reply);
    }
}

static void test_log_is_escaped(void **state) {
    served *own = *state;
    refused(own, "G'\"T / HTTP/1.1\r\n\r\n", 400, "bad_request");
    refused(own, "A|B / HTTP/1.1\r\n\r\n", 405, "method_not_allowed");
    assert_true(logged(own, "\"method\": \"A|B\""));
    pthread_mutex_lock(&own->lock);
    char *copy = strdup(mseq_buffer_text(&own->log)), *rest = NULL;
    pthread_mutex_unlock(&own->lock);
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        mseq_value_free(parse(line));
    free(copy);
}

/* ---- Options -----------------------------------------------------------------------------------
 */

static void test_options(void **state) {
    served *own = *state;
    static const char *const bad[] = {"",       "127.0.0.1",  "127.0.0.1:", "127.0.0.1:x",
                                      ":80",    "::1:80",     "[::1]",      "[::1]80",
                                      "[]:80",  "a:123456",   "1.2.3.4:-1", "127.0.0.1:65536",
                                      "x y:80", "256.1.1.1:1"};
    mseq_server *server = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
        mseq_error err = MSEQ_ERROR_INIT;
        options.manager = own->made->manager;
        options.listen = bad[i];
        if (mseq_server_start(&options, &server, &err) != MSEQ_E_ARGUMENT)
            fail_msg("'%s' is an address: %s", bad[i], err.message);
    }
    mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    options.manager = own->made->manager;
    options.listen = mseq_server_address(own->server) + strlen("http://"); /* taken */
    assert_int_equal(mseq_server_start(&options, &server, &err), MSEQ_E_IO);
    options.listen = "127.0.0.1:0";
    options.certificate = "/nowhere";
    assert_int_equal(mseq_server_start(&options, &server, NULL), MSEQ_E_ARGUMENT);
    options.key = "/nowhere";
    assert_int_equal(mseq_server_start(&options, &server, NULL), MSEQ_E_IO);
    options.certificate = options.key = "/dev/null";
    assert_int_equal(mseq_server_start(&options, &server, NULL), MSEQ_E_IO);
    options.certificate = options.key = MSEQ_SPEC_DIR "/CMakeLists.txt";
    assert_int_equal(mseq_server_start(&options, &server, NULL), MSEQ_E_IO);
    options.certificate = options.key = NULL;
    options.workers = -1;
    assert_int_equal(mseq_server_start(&options, &server, NULL), MSEQ_E_ARGUMENT);
    assert_null(server);
    expect_alive(own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_methods, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_without_a_token, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_heads, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_large_heads, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_targets, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_bodies, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_nul_in_body, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_large_bodies, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_replies, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_links, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_who_is_local, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_log_is_escaped, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_options, set_up_server, tear_down_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
