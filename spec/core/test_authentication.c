/* SPDX-License-Identifier: MIT
 * Room `client`: who it says it is, and how often it tries. A scripted TS Manager answers; time
 * stands still except where the client sleeps. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#include "../../core/client/client_private.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define NOW 1800000000

/* ---- A scripted TS Manager
 * ----------------------------------------------------------------------------------------- */

typedef struct step {
    const char *method;
    const char *path;
    const char *authorization; /* expected; NULL: none */
    const char *body;          /* expected, with ' for "; NULL: not asked */
    int status;                /* of the answer; 0: none comes */
    const char *json;          /* with ' for "; NULL: no body */
    const char *header;        /* Retry-After, or Location of a redirect; or the failure's code */
} step;

typedef struct play {
    const step *steps;
    size_t count;
    size_t served;
    int64_t now_us;
    int64_t monotonic_ms;
    int64_t slept_ms[16]; /* before the step of that number */
    client_clock clock;
    mseq_client *client;
    mseq_error err;
    int64_t last_timeout_ms;
} play;

static mseq_status answer(void *data, const mseq_request *request, mseq_reply *reply,
                          mseq_error *err) {
    play *p = data;
    if (p->served >= p->count)
        fail_msg("unexpected request %s %s", request->method, request->path);
    const step *s = &p->steps[p->served++];
    const char *authorization = request->authorization ? request->authorization : "(none)";
    assert_string_equal(request->method, s->method);
    assert_string_equal(request->path, s->path);
    assert_string_equal(authorization, s->authorization ? s->authorization : "(none)");
    if (s->body)
        assert_document(request->body, s->body);
    p->last_timeout_ms = request->timeout_ms;
    if (s->status == 0) {
        mseq_error_set(err, MSEQ_E_TRANSPORT, "%s", s->header);
        mseq_error_code(err, s->header);
        return MSEQ_E_TRANSPORT;
    }
    reply->status = s->status;
    reply->body = s->json ? document(s->json) : NULL;
    bool redirect = s->status >= 300 && s->status < 400;
    *(redirect ? &reply->location : &reply->retry_after) = mseq_text_dup(s->header);
    return MSEQ_OK;
}

static void close_nothing(void *data) {
    (void)data;
}

static int64_t play_now(void *data) {
    return ((play *)data)->now_us;
}

static int64_t play_monotonic(void *data) {
    return ((play *)data)->monotonic_ms;
}

static void play_sleep(void *data, int64_t milliseconds) {
    play *p = data;
    p->monotonic_ms += milliseconds;
    p->now_us += milliseconds * 1000;
    p->slept_ms[p->served] += milliseconds;
}

static void play_begin(play *p, const step *steps, size_t count,
                       const mseq_client_options *options) {
    static const mseq_transport_functions functions = {
        .size = sizeof functions, .send = answer, .close = close_nothing};
    mseq_transport *transport = NULL;
    *p = (play){.steps = steps, .count = count, .now_us = (int64_t)NOW * 1000000};
    p->clock = (client_clock){play_now, play_monotonic, play_sleep, p};
    assert_int_equal(mseq_transport_new(&functions, p, "https://ts.example", &transport, &p->err),
                     MSEQ_OK);
    assert_int_equal(mseq_client_new(transport, options, &p->client, &p->err), MSEQ_OK);
    p->client->clock = &p->clock;
}

static void play_end(play *p) {
    assert_int_equal(p->served, p->count);
    mseq_client_free(p->client);
}

static mseq_status get(play *p) {
    mseq_value *reply = NULL;
    mseq_error_clear(&p->err);
    mseq_status status = mseq_client_call(p->client, "GET", "/x/", NULL, NULL, &reply, &p->err);
    mseq_value_free(reply);
    return status;
}

static mseq_status post(play *p, const char *path, const char *json) {
    mseq_value *body = document(json), *reply = NULL;
    mseq_error_clear(&p->err);
    mseq_status status = mseq_client_call(p->client, "POST", path, NULL, body, &reply, &p->err);
    mseq_value_free(body);
    mseq_value_free(reply);
    return status;
}

/* An unsigned token that ends some seconds from now. */
static const char *token(char text[256], int64_t seconds) {
    char payload[64];
    mseq_buffer base64 = MSEQ_BUFFER_INIT;
    snprintf(payload, sizeof payload, "{\"exp\": %lld, \"?\": \"\\u00ff~~\"}",
             (long long)(NOW + seconds));
    assert_int_equal(mseq_base64_encode(payload, strlen(payload), &base64), MSEQ_OK);
    for (char *c = base64.data; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
    snprintf(text, 256, "e30.%s.x", base64.data);
    mseq_buffer_free(&base64);
    return text;
}

static const char *bearer(char text[300], const char *access) {
    snprintf(text, 300, "Bearer %s", access);
    return text;
}

#define REFRESH_PATH "/auth/jwt-token/token/refresh/"
#define EXCHANGE_PATH "/orm/api/pods/runtime-credentials/token/"

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
    const step steps[] = {
        {"POST", path, NULL, NULL, 0, NULL, "unreachable"}, /* nothing was sent */
        {"POST", path, NULL, NULL, 429, "{}", "1"},
        {"POST", path, NULL, NULL, 503, "{}", "1"},
        {"POST", path, NULL, NULL, 503, "{}", NULL}, /* it may have been done */
        {"POST", path, NULL, NULL, 503, "{}", NULL},
        {"POST", path, NULL, NULL, 500, "{}", "1"},
        {"POST", path, NULL, NULL, 0, NULL, "interrupted"},
    };
    play p;
    play_begin(&p, steps, COUNT(steps), NULL);
    assert_int_equal(post(&p, path, body), MSEQ_E_SERVER);
    assert_int_equal(p.served, 4);
    assert_int_equal(post(&p, path, body), MSEQ_E_SERVER);
    assert_int_equal(p.served, 5);
    assert_int_equal(post(&p, path, body), MSEQ_E_SERVER);
    assert_int_equal(p.served, 6);
    assert_int_equal(post(&p, path, body), MSEQ_E_TRANSPORT);
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

/* ---- Stored logins
 * ----------------------------------------------------------------------------------------- */

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/mseq-login-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); // NOLINT(cert-env33-c): a fixed command in a test
}

static void write_file(const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mseq_file_replace(path, text, strlen(text), 0600, NULL), MSEQ_OK);
}

static void expect_file(const char *name, const char *json) {
    char path[128];
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_value *value = NULL;
    struct stat information;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mseq_file_read(path, 1 << 20, &text, NULL), MSEQ_OK);
    assert_int_equal(mseq_json_parse(text.data, text.length, 0, &value, NULL), MSEQ_OK);
    assert_document(value, json);
    assert_int_equal(stat(path, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0600);
    mseq_value_free(value);
    mseq_buffer_free(&text);
}

static void test_login_and_logout(void **state) {
    (void)state;
    static const step steps[] = {
        {"POST", "/auth/jwt-token/token/", NULL, "{'username': 'ada', 'password': 'pass word'}",
         401, "{'detail': 'unknown'}", NULL},
        {"POST", "/auth/jwt-token/token/", NULL, NULL, 200, "{'refresh': 'r'}", NULL},
        {"POST", "/auth/jwt-token/token/", NULL, NULL, 200,
         "{'access': 'a1', 'refresh': 'r1', 'user': {'id': 1}}", NULL},
        {"GET", "/x/", "Bearer a1", NULL, 200, "[]", NULL},
        {"POST", "/auth/cli/revoke/", NULL, "{'refresh': 'r1'}", 200, "{}", NULL},
    };
    write_file("auth.json", "{\"version\": 2, \"kept\": 1, \"by_backend\": {\"https://other\": "
                            "{\"username\": \"x\", \"access\": \"y\", \"refresh\": \"\"}}}");
    write_file("config.json", "{\"version\": 1, \"backend_url\": \"https://other/\"}");
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.login_folder = folder;
    options.authentication_required = true;
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(mseq_client_log_in(p.client, "ada", "pass word", &p.err),
                     MSEQ_E_AUTHENTICATION);
    assert_null(strstr(p.err.message, "pass word"));
    mseq_error_clear(&p.err);
    assert_int_equal(mseq_client_log_in(p.client, "ada", "x", &p.err), MSEQ_E_TRANSPORT);
    mseq_error_clear(&p.err);
    assert_int_equal(mseq_client_log_in(p.client, "ada", "x", &p.err), MSEQ_OK);
    expect_file("auth.json",
                "{'version': 2, 'kept': 1, 'by_backend': {'https://other': {'username': 'x', "
                "'access': 'y', 'refresh': ''}, 'https://ts.example': {'username': 'ada', "
                "'access': 'a1', 'refresh': 'r1'}}}");
    expect_file("config.json", "{'version': 1, 'backend_url': 'https://ts.example'}");
    assert_int_equal(get(&p), MSEQ_OK);
    bool revoked = false;
    assert_int_equal(mseq_client_log_out(p.client, &revoked, &p.err), MSEQ_OK);
    assert_true(revoked);
    expect_file("auth.json", "{'version': 2, 'kept': 1, 'by_backend': {'https://other': "
                             "{'username': 'x', 'access': 'y', 'refresh': ''}}}");
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    play_end(&p);
}

static void test_logout_on_servers_without_revocation(void **state) {
    (void)state;
    static const step steps[] = {
        {"POST", "/auth/cli/revoke/", NULL, NULL, 404, "{}", NULL},
        {"POST", "/auth/jwt-token/logout/", "Bearer a", "{'refresh': 'r'}", 204, NULL, NULL},
        {"POST", "/auth/cli/revoke/", NULL, NULL, 400, "{'detail': 'bad token'}", NULL},
    };
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = "a";
    options.refresh_token = "r";
    options.login_folder = folder;
    options.login = "https://ts.example";
    play p;
    play_begin(&p, steps, 2, &options);
    bool revoked = false;
    assert_int_equal(mseq_client_log_out(p.client, &revoked, &p.err), MSEQ_OK);
    assert_true(revoked);
    play_end(&p);
    write_file("auth.json", "{\"by_backend\": {\"https://ts.example\": {\"access\": \"a\"}}}");
    play_begin(&p, steps + 2, 1, &options);
    assert_int_equal(mseq_client_log_out(p.client, &revoked, &p.err), MSEQ_E_REQUEST);
    assert_false(revoked);
    char path[128];
    snprintf(path, sizeof path, "%s/auth.json", folder);
    assert_int_not_equal(access(path, F_OK), 0); /* the last login takes the file with it */
    play_end(&p);
}

static mseq_client_options stored_options(void) {
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = "a1";
    options.refresh_token = "r1";
    options.login_folder = folder;
    options.login = "https://ts.example";
    return options;
}

static void test_rotation_is_stored(void **state) {
    (void)state;
    static const step steps[] = {
        {"GET", "/x/", "Bearer a1", NULL, 401, "{}", NULL},
        {"POST", REFRESH_PATH, "Bearer a1", "{'refresh': 'r1'}", 200,
         "{'access': 'a2', 'refresh': 'r2'}", NULL},
        {"GET", "/x/", "Bearer a2", NULL, 200, "[]", NULL},
    };
    write_file("auth.json", "{\"version\": 2, \"by_backend\": {\"https://ts.example\": "
                            "{\"username\": \"ada\", \"access\": \"a1\", \"refresh\": \"r1\"}}}");
    mseq_client_options options = stored_options();
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_OK);
    expect_file("auth.json", "{'version': 2, 'by_backend': {'https://ts.example': {'username': "
                             "'ada', 'access': 'a2', 'refresh': 'r2'}}}");
    play_end(&p);
}

static void test_what_another_process_refreshed_is_taken(void **state) {
    (void)state;
    static const step steps[] = {{"GET", "/x/", "Bearer a1", NULL, 401, "{}", NULL},
                                 {"GET", "/x/", "Bearer a2", NULL, 200, "[]", NULL}};
    write_file("auth.json", "{\"by_backend\": {\"https://ts.example\": "
                            "{\"username\": \"ada\", \"access\": \"a2\", \"refresh\": \"r2\"}}}");
    mseq_client_options options = stored_options();
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_OK);
    play_end(&p);
}

static void test_ended_login(void **state) {
    (void)state;
    static const step steps[] = {
        {"GET", "/x/", "Bearer a1", NULL, 401, "{'detail': 'revoked'}", NULL}};
    write_file("auth.json", "{\"by_backend\": {}}");
    mseq_client_options options = stored_options();
    play p;
    play_begin(&p, steps, COUNT(steps), &options);
    assert_int_equal(get(&p), MSEQ_E_AUTHENTICATION);
    play_end(&p);
}

/* Many processes write their logins at once: none is lost. */
static void test_processes_share_the_store(void **state) {
    (void)state;
    enum { PROCESSES = 8 };
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            char server[32];
            snprintf(server, sizeof server, "https://host-%d", i);
            bool good = mseq_login_save(folder, server, "u", "a", "r", NULL) == MSEQ_OK;
            _exit(good ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    mseq_value *logins = NULL;
    assert_int_equal(mseq_logins_read(folder, &logins, NULL), MSEQ_OK);
    assert_int_equal(mseq_value_length(logins), PROCESSES);
    mseq_value_free(logins);
}

static void test_which_login_is_meant(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    char *server = NULL;
    assert_int_equal(mseq_logins_chosen(folder, &server, &err), MSEQ_OK);
    assert_null(server);
    assert_int_equal(mseq_login_save(folder, "https://a", NULL, "t", NULL, &err), MSEQ_OK);
    assert_int_equal(mseq_login_save(folder, "https://b", NULL, NULL, "t", &err), MSEQ_OK);
    assert_int_equal(mseq_logins_chosen(folder, &server, &err), MSEQ_OK);
    assert_string_equal(server, "https://b");
    free(server);
    write_file("config.json", "{}");
    assert_int_equal(mseq_logins_chosen(folder, &server, &err), MSEQ_E_REQUEST);
    assert_error(&err, MSEQ_E_REQUEST, "several servers: https://a, https://b", "choose one");
    bool removed = false;
    assert_int_equal(mseq_login_remove(folder, "https://b", &removed, NULL), MSEQ_OK);
    assert_true(removed);
    assert_int_equal(mseq_login_remove(folder, "https://b", &removed, NULL), MSEQ_OK);
    assert_false(removed);
    assert_int_equal(mseq_logins_chosen(folder, &server, NULL), MSEQ_OK);
    assert_string_equal(server, "https://a");
    free(server);
    write_file("auth.json", "[]");
    mseq_error_clear(&err);
    assert_int_equal(mseq_logins_chosen(folder, &server, &err), MSEQ_E_IO);
    assert_error(&err, MSEQ_E_IO, "is not readable JSON", "repair or delete");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

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
        cmocka_unit_test(test_four_attempts),
        cmocka_unit_test(test_not_repeated),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_broken_connections),
        cmocka_unit_test(test_what_must_happen_once),
        cmocka_unit_test(test_the_timeout_holds_for_the_whole_call),
        cmocka_unit_test(test_cancelled_while_it_waits),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_redirects_end),
        cmocka_unit_test(test_parallel),
        STORE_TEST(test_login_and_logout),
        STORE_TEST(test_logout_on_servers_without_revocation),
        STORE_TEST(test_rotation_is_stored),
        STORE_TEST(test_what_another_process_refreshed_is_taken),
        STORE_TEST(test_ended_login),
        STORE_TEST(test_processes_share_the_store),
        STORE_TEST(test_which_login_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
