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
    assert_null(strstr(mseq_buffer_text(&own->log), "secret-x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_methods, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_without_a_token, set_up_server, tear_down_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
