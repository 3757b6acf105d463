/* SPDX-License-Identifier: MIT
 * Room `client`: how often it tries: repetition, its pauses, what must happen once, redirects. */
#include "authentication_helpers.h"

/* ---- Repetition
 * ----------------------------------------------------------------------------------------- */

static void expect_pauses(const play *p, size_t first, int64_t least, int64_t most) {
    int64_t pause = p->slept_ms[first];
    if (pause < least || pause > most)
        fail_msg("pause before request %zu: %lld ms, not %lld to %lld", first, (long long)pause,
                 (long long)least, (long long)most);
}

static void test_four_attempts(void **state) {
    (void)state;
    static const int statuses[] = {429, 500, 502, 503, 504};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        step steps[4];
        for (size_t k = 0; k < 4; k++)
            steps[k] = (step){"GET", "/x/", NULL, NULL, statuses[i], "{'detail': 'busy'}", NULL};
        play p;
        play_begin(&p, steps, 4, NULL);
        assert_int_equal(get(&p), mseq_status_from_http(statuses[i]));
        assert_int_equal(p.err.http_status, statuses[i]);
        expect_pauses(&p, 1, 0, 0);
        expect_pauses(&p, 2, 1000, 1249);
        expect_pauses(&p, 3, 2000, 2499);
        play_end(&p);
    }
}

static void test_not_repeated(void **state) {
    (void)state;
    static const int statuses[] = {400, 401, 403, 404, 405, 409, 413, 422, 501, 505};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        const step steps[] = {{"GET", "/x/", NULL, NULL, statuses[i], "{}", NULL}};
        play p;
        play_begin(&p, steps, 1, NULL);
        assert_int_equal(get(&p), mseq_status_from_http(statuses[i]));
        play_end(&p);
    }
}

static void test_retry_after(void **state) {
    (void)state;
    static const step steps[] = {
        {"GET", "/x/", NULL, NULL, 413, "{}", "3"},
        {"GET", "/x/", NULL, NULL, 503, "{}", "Fri, 15 Jan 2027 08:00:08 GMT"}, /* NOW + 8 s */
        {"GET", "/x/", NULL, NULL, 429, "{}", "0"},
        {"GET", "/x/", NULL, NULL, 200, "[]", NULL},
        {"GET", "/x/", NULL, NULL, 429, "{}", "soon"},
        {"GET", "/x/", NULL, NULL, 429, "{'detail': 'slow'}", "3600"}, /* longer than the timeout */
    };
    play p;
    play_begin(&p, steps, COUNT(steps), NULL);
    assert_int_equal(get(&p), MSEQ_OK);
    expect_pauses(&p, 1, 3000, 3000);
    expect_pauses(&p, 2, 5000, 5000);
    expect_pauses(&p, 3, 2000, 2499);
    assert_int_equal(get(&p), MSEQ_E_RATE_LIMIT);
    assert_string_equal(p.err.detail, "Retry-After: 3600");
    play_end(&p);
}

static void test_broken_connections(void **state) {
    (void)state;
    static const step steps[] = {
        {"GET", "/x/", NULL, NULL, 0, NULL, "unreachable"},
        {"GET", "/x/", NULL, NULL, 0, NULL, "interrupted"},
        {"GET", "/x/", NULL, NULL, 503, "{}", NULL},
        {"GET", "/x/", NULL, NULL, 0, NULL, "unreachable"}, /* the fourth and last */
        {"GET", "/x/", NULL, NULL, 0, NULL, "untrusted"},   /* not repeated */
    };
    play p;
    play_begin(&p, steps, COUNT(steps), NULL);
    assert_int_equal(get(&p), MSEQ_E_TRANSPORT);
    assert_string_equal(p.err.code, "unreachable");
    assert_int_equal(get(&p), MSEQ_E_TRANSPORT);
    assert_string_equal(p.err.code, "untrusted");
    play_end(&p);
}

static void expect_once(const char *path, const char *body) {
    const step invited[] = {
        {"POST", path, NULL, NULL, 0, NULL, "unreachable"}, /* nothing was sent */
        {"POST", path, NULL, NULL, 429, "{}", "1"},
        {"POST", path, NULL, NULL, 503, "{}", "Fri, 15 Jan 2027 08:00:08 GMT"},
        {"POST", path, NULL, NULL, 200, "{}", NULL},
    };
    const step final[] = {/* it may have been done */
                          {"POST", path, NULL, NULL, 503, "{}", NULL},
                          {"POST", path, NULL, NULL, 503, "{}", "soon"},
                          {"POST", path, NULL, NULL, 429, "{}", NULL},
                          {"POST", path, NULL, NULL, 429, "{}", ""},
                          {"POST", path, NULL, NULL, 413, "{}", "1"},
                          {"POST", path, NULL, NULL, 500, "{}", "1"},
                          {"POST", path, NULL, NULL, 504, "{}", "1"},
                          {"POST", path, NULL, NULL, 0, NULL, "interrupted"}};
    play p;
    play_begin(&p, invited, COUNT(invited), NULL);
    assert_int_equal(post(&p, path, body), MSEQ_OK);
    play_end(&p);
    play_begin(&p, final, COUNT(final), NULL);
    for (size_t i = 0; i < COUNT(final); i++) {
        mseq_status status = post(&p, path, body);
        assert_int_equal(status, final[i].status ? (int)mseq_status_from_http(final[i].status)
                                                 : (int)MSEQ_E_TRANSPORT);
        assert_int_equal(p.served, i + 1);
    }
    play_end(&p);
}

static void test_what_must_happen_once(void **state) {
    (void)state;
    expect_once("/orm/api/ts_manager/meta_table/execute-operation/", "{'operation': 'insert'}");
    expect_once("/orm/api/ts_manager/meta_table/execute-operation/", "{}");
    expect_once("/orm/api/ts_manager/meta_table/u/run_query/", "{}");
    expect_once("/orm/api/ts_manager/dynamic_table/u/delete_after_date/", "{}");
    expect_once("/orm/api/ts_manager/local_time_serie/u/insert_data_into_table/", "{}");
    static const char path[] = "/orm/api/ts_manager/meta_table/execute-operation/";
    static const step steps[] = {{"POST", path, NULL, NULL, 0, NULL, "interrupted"},
                                 {"POST", path, NULL, NULL, 500, "{}", NULL},
                                 {"POST", path, NULL, NULL, 200, "{}", NULL}};
    play p;
    play_begin(&p, steps, COUNT(steps), NULL);
    assert_int_equal(post(&p, path, "{'operation': 'select'}"), MSEQ_OK);
    play_end(&p);
}

static void test_the_timeout_holds_for_the_whole_call(void **state) {
    (void)state;
    static const step steps[] = {{"GET", "/x/", NULL, NULL, 503, "{}", NULL},
                                 {"GET", "/x/", NULL, NULL, 503, "{}", "2"},
                                 {"GET", "/x/", NULL, NULL, 503, "{'detail': 'end'}", NULL}};
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.timeout_ms = 3500;
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_E_SERVER); /* the next pause would pass it */
    assert_int_equal(p.last_timeout_ms, 1500);
    play_end(&p);
}

static void test_cancelled_while_it_waits(void **state) {
    (void)state;
    static const step steps[] = {{"GET", "/x/", NULL, NULL, 503, "{}", "30"}};
    mseq_cancellation *token_of_call = mseq_cancellation_new();
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.cancellation = token_of_call;
    play p;
    play_begin(&p, steps, 1, &options);
    p.client->cancellation = NULL; /* let the first one go out */
    mseq_cancellation_set(token_of_call);
    p.client->cancellation = token_of_call;
    assert_int_equal(get(&p), MSEQ_E_CANCELLED);
    p.served = 1; /* it was never sent */
    play_end(&p);
    mseq_cancellation_free(token_of_call);
}

/* ---- Redirects
 * ----------------------------------------------------------------------------------------- */

static void test_redirects(void **state) {
    (void)state;
    static const step steps[] = {
        {"GET", "/x/", NULL, NULL, 302, NULL, "/y/?a=b#c"},
        {"GET", "/y/", NULL, NULL, 308, NULL, "https://ts.example/z/"},
        {"GET", "/z/", NULL, NULL, 200, "[]", NULL},
        {"POST", "/f/", NULL, "{'a': 1}", 307, NULL, "/g/"},
        {"POST", "/g/", NULL, "{'a': 1}", 200, "{}", NULL},
        {"POST", "/f/", NULL, NULL, 301, NULL, "/g/"}, /* would become a GET */
        {"GET", "/x/", NULL, NULL, 302, NULL, "https://elsewhere.example/x/?token=1"},
        {"GET", "/x/", NULL, NULL, 302, NULL, "//elsewhere.example/x/"},
        {"GET", "/x/", NULL, NULL, 302, NULL, "https://ts.example.evil/x/"},
    };
    play p;
    play_begin(&p, steps, COUNT(steps), NULL);
    assert_int_equal(get(&p), MSEQ_OK);
    assert_int_equal(post(&p, "/f/", "{'a': 1}"), MSEQ_OK);
    assert_int_equal(post(&p, "/f/", "{}"), MSEQ_E_API);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get(&p), MSEQ_E_API);
        assert_int_equal(p.err.http_status, 302);
        assert_non_null(strstr(p.err.hint, "redirects to"));
        assert_null(strstr(p.err.hint, "token"));
    }
    play_end(&p);
}

static void test_redirects_end(void **state) {
    (void)state;
    step steps[6];
    for (size_t i = 0; i < COUNT(steps); i++)
        steps[i] = (step){"GET", "/x/", NULL, NULL, 302, NULL, "/x/"};
    play p;
    play_begin(&p, steps, COUNT(steps), NULL);
    assert_int_equal(get(&p), MSEQ_E_API);
    play_end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_attempts),
        cmocka_unit_test(test_not_repeated),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_broken_connections),
        cmocka_unit_test(test_what_must_happen_once),
        cmocka_unit_test(test_the_timeout_holds_for_the_whole_call),
        cmocka_unit_test(test_cancelled_while_it_waits),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_redirects_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
