/* SPDX-License-Identifier: MIT
 * Room `client`: who it says it is: tokens that end, sessions, runtime credentials. */
#include "authentication_helpers.h"

/* ---- JWT
 * ----------------------------------------------------------------------------------------- */

static void test_refreshed_early_and_rotated(void **state) {
    (void)state;
    char old[256], next[256], next_header[300];
    token(old, 60);
    bearer(next_header, token(next, 61));
    char reply[400];
    snprintf(reply, sizeof reply, "{'access': '%s', 'refresh': 'r2'}", next);
    const step steps[] = {
        {"POST", REFRESH_PATH, NULL, "{'refresh': 'r1'}", 200, reply, NULL},
        {"GET", "/x/", next_header, NULL, 200, "[]", NULL},
        {"GET", "/x/", next_header, NULL, 200, "[]", NULL},
        {"POST", REFRESH_PATH, next_header, "{'refresh': 'r2'}", 200, "{'access': 'a3'}", NULL},
        {"GET", "/x/", "Bearer a3", NULL, 200, "[]", NULL},
    };
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = old;
    options.refresh_token = " r1 ";
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_OK);
    assert_int_equal(get(&p), MSEQ_OK);
    p.now_us += 1000000;
    assert_int_equal(get(&p), MSEQ_OK);
    play_end(&p);
}

static void test_tokens_that_say_nothing_are_used(void **state) {
    (void)state;
    static const char *const tokens[] = {"opaque",  "a.b",     "a.!!.c",
                                         "a.e30.c", "a.W10.c", "a.b.c.d"};
    for (size_t i = 0; i < COUNT(tokens); i++) {
        char header[300];
        const step steps[] = {{"GET", "/x/", bearer(header, tokens[i]), NULL, 200, "[]", NULL}};
        mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
        options.access_token = tokens[i];
        options.refresh_token = "r";
        play p;
        play_begin(&p, steps, 1, &options);
        assert_int_equal(get(&p), MSEQ_OK);
        play_end(&p);
    }
}

static void test_ended_token_without_refresh_is_sent(void **state) {
    (void)state;
    char access[256], header[300];
    bearer(header, token(access, -5));
    const step steps[] = {{"GET", "/x/", header, NULL, 200, "[]", NULL}};
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = access;
    play p;
    play_begin(&p, steps, 1, &options);
    assert_int_equal(get(&p), MSEQ_OK);
    play_end(&p);
}

static void test_401_is_refreshed_once(void **state) {
    (void)state;
    static const step steps[] = {
        {"POST", "/f/", "Bearer a1", "{'a': 1}", 401, "{'detail': 'no'}", NULL},
        {"POST", REFRESH_PATH, "Bearer a1", "{'refresh': 'r1'}", 200, "{'access': 'a2'}", NULL},
        {"POST", "/f/", "Bearer a2", "{'a': 1}", 200, "[]", NULL},
        {"GET", "/x/", "Bearer a2", NULL, 401, "{'detail': 'no'}", NULL},
        {"POST", REFRESH_PATH, "Bearer a2", NULL, 200, "{'access': 'a3', 'refresh': null}", NULL},
        {"GET", "/x/", "Bearer a3", NULL, 401, "{'detail': 'still no'}", NULL},
        {"GET", "/x/", "Bearer a3", NULL, 401, "{'detail': 'the first'}", NULL},
        {"POST", REFRESH_PATH, "Bearer a3", NULL, 401, "{'detail': 'blacklisted'}", NULL},
    };
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = "a1";
    options.refresh_token = "r1";
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(post(&p, "/f/", "{'a': 1}"), MSEQ_OK);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_string_equal(p.err.message, "401 GET https://ts.example/x/: still no");
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_string_equal(p.err.message, "401 GET https://ts.example/x/: the first");
    assert_non_null(strstr(p.err.hint, "mainsequence login"));
    play_end(&p);
}

static void test_failed_early_refresh(void **state) {
    (void)state;
    static const step steps[] = {
        {"POST", REFRESH_PATH, NULL, NULL, 401, "{'detail': 'blacklisted'}", NULL},
        {"POST", REFRESH_PATH, NULL, NULL, 201, "{'access': 'a'}", NULL},
        {"POST", REFRESH_PATH, NULL, NULL, 200, "{'access': ''}", NULL},
        {"POST", REFRESH_PATH, NULL, NULL, 0, NULL, "untrusted"},
        {"POST", REFRESH_PATH, NULL, NULL, 503, "{}", NULL},
        {"POST", REFRESH_PATH, NULL, NULL, 200, "{'access': 'a'}", NULL},
        {"GET", "/x/", "Bearer a", NULL, 200, "[]", NULL},
    };
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.refresh_token = "secret-refresh-token";
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_string_equal(p.err.message, "401 JWT refresh failed with status 401");
    assert_non_null(strstr(p.err.detail, "blacklisted"));
    assert_int_equal(p.err.http_status, 401);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_string_equal(p.err.message, "401 JWT refresh failed with status 201");
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_non_null(strstr(p.err.message, "no access token"));
    assert_int_equal(get(&p), MSEQ_E_TRANSPORT);
    assert_int_equal(get(&p), MSEQ_OK); /* the refresh itself is tried again */
    play_end(&p);
}

static void test_nothing_is_sent_without_credentials(void **state) {
    (void)state;
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.authentication_required = true;
    options.access_token = "  ";
    play p;
    play_begin(&p, NULL, 0, &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_string_equal(p.err.message, "401 nobody is logged in to https://ts.example");
    play_end(&p);
    options.authentication = MSEQ_AUTHENTICATION_SESSION_JWT;
    play_begin(&p, NULL, 0, &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    play_end(&p);
    options.access_token = "a";
    options.refresh_token = "r";
    play_begin(&p, NULL, 0, &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_non_null(strstr(p.err.message, "MAINSEQUENCE_REFRESH_TOKEN is not allowed"));
    play_end(&p);
}

static void test_session_token_is_never_refreshed(void **state) {
    (void)state;
    static const step steps[] = {{"GET", "/x/", "Bearer a", NULL, 401, "{'detail': 'no'}", NULL}};
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.authentication = MSEQ_AUTHENTICATION_SESSION_JWT;
    options.access_token = "a";
    play p;
    play_begin(&p, steps, 1, &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    play_end(&p);
}

/* ---- Runtime credentials
 * ----------------------------------------------------------------------------------------- */

static mseq_client_options runtime_options(void) {
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.authentication = MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL;
    options.runtime_credential_id = "id";
    options.runtime_credential_secret = "secret";
    options.refresh_token = "ignored";
    return options;
}

static void test_runtime_exchange(void **state) {
    (void)state;
    static const step steps[] = {
        {"POST", EXCHANGE_PATH, NULL, "{'credential_id': 'id', 'credential_secret': 'secret'}", 201,
         "{'access': 'a1', 'token_type': 'Token', 'expires_in': '300'}", NULL},
        {"GET", "/x/", "Token a1", NULL, 200, "[]", NULL},
        {"GET", "/x/", "Token a1", NULL, 200, "[]", NULL},
        {"POST", EXCHANGE_PATH, NULL, NULL, 200, "{'access': 'a2', 'expires_in': 0}", NULL},
        {"GET", "/x/", "Token a2", NULL, 200, "[]", NULL},
        {"GET", "/x/", "Token a2", NULL, 401, "{}", NULL},
        {"POST", EXCHANGE_PATH, NULL, NULL, 200, "{'access': 'a3', 'token_type': 'bearer'}", NULL},
        {"GET", "/x/", "bearer a3", NULL, 200, "[]", NULL},
    };
    mseq_client_options options = runtime_options();
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_OK);
    p.now_us += (int64_t)269 * 1000000;
    assert_int_equal(get(&p), MSEQ_OK);
    p.now_us += 1000000;
    assert_int_equal(get(&p), MSEQ_OK);
    assert_int_equal(get(&p), MSEQ_OK);
    play_end(&p);
}

static void test_runtime_token_that_ends_at_once(void **state) {
    (void)state;
    char access[256], reply[300];
    snprintf(reply, sizeof reply, "{'access': '%s'}", token(access, 20));
    const step steps[] = {{"POST", EXCHANGE_PATH, NULL, NULL, 200, reply, NULL},
                          {"POST", EXCHANGE_PATH, NULL, NULL, 200, "{'access': 'a2'}", NULL},
                          {"GET", "/x/", "Bearer a2", NULL, 200, "[]", NULL}};
    mseq_client_options options = runtime_options();
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_OK);
    play_end(&p);
}

static void test_runtime_failures(void **state) {
    (void)state;
    static const step steps[] = {
        {"POST", EXCHANGE_PATH, NULL, NULL, 503, "{'detail': 'busy'}", NULL}, /* never repeated */
        {"POST", EXCHANGE_PATH, NULL, NULL, 200, "{}", NULL}};
    mseq_client_options options = runtime_options();
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_string_equal(p.err.message,
                        "401 the runtime credential exchange failed with status 503");
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_non_null(strstr(p.err.message, "no access token"));
    play_end(&p);
    options.runtime_credential_id = NULL;
    play_begin(&p, NULL, 0, &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_non_null(strstr(p.err.message, "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID is required"));
    play_end(&p);
    options = runtime_options();
    options.runtime_credential_secret = " ";
    play_begin(&p, NULL, 0, &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    assert_non_null(strstr(p.err.message, "MAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET is required"));
    play_end(&p);
}

/* ---- Several calls
 * ----------------------------------------------------------------------------------------- */

static void test_parallel(void **state) {
    (void)state;
    static const step steps[] = {
        {"GET", "/1/", "Bearer a1", NULL, 401, "{}", NULL},
        {"GET", "/2/", "Bearer a1", NULL, 200, "[2]", NULL},
        {"POST", "/3/", "Bearer a1", "{}", 401, "{}", NULL},
        {"GET", "/4/", "Bearer a1", NULL, 404, "{'detail': 'none'}", NULL},
        {"GET", "/5/", "Bearer a1", NULL, 503, "{}", NULL},
        {"POST", REFRESH_PATH, "Bearer a1", NULL, 200, "{'access': 'a2'}", NULL}, /* one for both */
        {"GET", "/1/", "Bearer a2", NULL, 200, "[1]", NULL},
        {"POST", "/3/", "Bearer a2", "{}", 204, NULL, NULL},
        {"GET", "/5/", "Bearer a2", NULL, 503, "{}", NULL},
        {"GET", "/5/", "Bearer a2", NULL, 200, "[5]", NULL},
    };
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = "a1";
    options.refresh_token = "r1";
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    mseq_value *empty = mseq_value_object(), *bodies = NULL;
    const mseq_call calls[] = {{"GET", "/1/", NULL, NULL},
                               {"GET", "/2/", NULL, NULL},
                               {"POST", "/3/", NULL, empty},
                               {"GET", "/4/", NULL, NULL},
                               {"GET", "/5/", empty, NULL}};
    mseq_error errors[COUNT(calls)];
    memset(errors, 0, sizeof errors);
    assert_int_equal(mseq_client_parallel(p.client, calls, COUNT(calls), &bodies, errors, &p.err),
                     MSEQ_OK);
    assert_document(bodies, "[[1], [2], null, null, [5]]");
    for (size_t i = 0; i < COUNT(calls); i++)
        assert_int_equal(errors[i].status, i == 3 ? MSEQ_E_NOT_FOUND : MSEQ_OK);
    assert_string_equal(errors[3].message, "404 GET https://ts.example/4/: none");
    mseq_value_free(bodies);
    mseq_value_free(empty);
    assert_int_equal(mseq_client_parallel(p.client, NULL, 0, &bodies, NULL, &p.err), MSEQ_OK);
    assert_int_equal(mseq_value_length(bodies), 0);
    mseq_value_free(bodies);
    play_end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refreshed_early_and_rotated),
        cmocka_unit_test(test_tokens_that_say_nothing_are_used),
        cmocka_unit_test(test_ended_token_without_refresh_is_sent),
        cmocka_unit_test(test_401_is_refreshed_once),
        cmocka_unit_test(test_failed_early_refresh),
        cmocka_unit_test(test_nothing_is_sent_without_credentials),
        cmocka_unit_test(test_session_token_is_never_refreshed),
        cmocka_unit_test(test_runtime_exchange),
        cmocka_unit_test(test_runtime_token_that_ends_at_once),
        cmocka_unit_test(test_runtime_failures),
        cmocka_unit_test(test_parallel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
