/* SPDX-License-Identifier: MIT
 * For the tests of who a client says it is and how often it tries: a scripted TS Manager answers;
 * time stands still except where the client sleeps. */
#ifndef SPEC_AUTHENTICATION_HELPERS_H
#define SPEC_AUTHENTICATION_HELPERS_H

#include "support.h"

#include "../../core/client/client_private.h"

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

static inline mseq_status answer(void *data, const mseq_request *request, mseq_reply *reply,
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

static inline void close_nothing(void *data) {
    (void)data;
}

static inline int64_t play_now(void *data) {
    return ((play *)data)->now_us;
}

static inline int64_t play_monotonic(void *data) {
    return ((play *)data)->monotonic_ms;
}

static inline void play_sleep(void *data, int64_t milliseconds) {
    play *p = data;
    p->monotonic_ms += milliseconds;
    p->now_us += milliseconds * 1000;
    p->slept_ms[p->served] += milliseconds;
}

static inline void play_begin(play *p, const step *steps, size_t count,
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

static inline void play_end(play *p) {
    assert_int_equal(p->served, p->count);
    mseq_client_free(p->client);
}

static inline mseq_status get(play *p) {
    mseq_value *reply = NULL;
    mseq_error_clear(&p->err);
    mseq_status status = mseq_client_call(p->client, "GET", "/x/", NULL, NULL, &reply, &p->err);
    mseq_value_free(reply);
    return status;
}

static inline mseq_status post(play *p, const char *path, const char *json) {
    mseq_value *body = document(json), *reply = NULL;
    mseq_error_clear(&p->err);
    mseq_status status = mseq_client_call(p->client, "POST", path, NULL, body, &reply, &p->err);
    mseq_value_free(body);
    mseq_value_free(reply);
    return status;
}

/* An unsigned token that ends some seconds from now. */
static inline const char *token(char text[256], int64_t seconds) {
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

static inline const char *bearer(char text[300], const char *access) {
    snprintf(text, 300, "Bearer %s", access);
    return text;
}

#define REFRESH_PATH "/auth/jwt-token/token/refresh/"
#define EXCHANGE_PATH "/orm/api/pods/runtime-credentials/token/"

#endif
