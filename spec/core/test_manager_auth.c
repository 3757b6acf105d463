/* SPDX-License-Identifier: MIT
 * Room `manager`: who a request is from. */
#include "manager_helpers.h"

static mseq_reply remote(const fixture *made, const char *method, const char *path,
                         const char *authorization, const char *json) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *body = json ? parse(json) : NULL;
    request.method = method;
    request.path = path;
    request.authorization = authorization;
    request.body = body;
    mseq_manager_handle_remote(made->manager, &request, &reply);
    mseq_value_free(body);
    return reply;
}

static void expect_refusal(mseq_reply reply, int status, const char *code) {
    assert_int_equal(reply.status, status);
    assert_string_equal(text_at(reply.body, "code"), code);
    mseq_reply_free(&reply);
}

static void test_without_a_token(void **state) {
    const fixture *made = *state;
    static const char *const nonsense[] = {
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic bG9jYWw6eA==",
        "Bearer a.b.c",
        "Bearer "
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    expect_refusal(remote(made, "GET", META, NULL, NULL), 401, "not_authenticated");
    expect_refusal(remote(made, "GET", META, "", NULL), 401, "not_authenticated");
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        expect_refusal(remote(made, "GET", META, nonsense[i], NULL), 401, "invalid_token");
    expect_refusal(remote(made, "GET", "/nowhere/", NULL, NULL), 404, "unknown_route");
    expect_refusal(remote(made, "POST", "/auth/jwt-token/token/", NULL,
                          "{\"username\": \"local\", \"password\": \"guess\"}"),
                   401, "bad_credentials");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_a_token, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
