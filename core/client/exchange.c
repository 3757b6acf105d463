/* SPDX-License-Identifier: MIT
 * From a request to the reply that counts: authorization, repetition after failures (protocol
 * sections 1.3, 1.4), redirects, renewal after a 401. One request is the case of many with one.
 *
 * Differences from the reference client, on purpose: what must not happen twice is repeated only
 * when the server says that it did nothing; no outer loop goes round the attempts; the timeout
 * holds for the call with all its attempts and pauses; redirects never leave the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client_private.h"

#define REDIRECTS 5
#define PAUSE_SLICE_MS 100

/* ---- The clock
 * ---------------------------------------------------------------------------------------- */

static int64_t system_now(void *data) {
    (void)data;
    return mseq_time_now();
}

static int64_t system_monotonic(void *data) {
    (void)data;
    return mseq_monotonic_ms();
}

static void system_sleep(void *data, int64_t milliseconds) {
    (void)data;
    struct timespec pause = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

const client_clock client_system_clock = {system_now, system_monotonic, system_sleep, NULL};

static mseq_status sleep_for(const mseq_client *client, int64_t milliseconds, mseq_error *err) {
    const client_clock *clock = client->clock;
    for (int64_t left = milliseconds; left > 0; left -= PAUSE_SLICE_MS) {
        if (mseq_cancellation_is_set(client->cancellation))
            return mseq_error_set(err, MSEQ_E_CANCELLED,
                                  "the call was cancelled while it waited "
                                  "to try again");
        clock->sleep(clock->data, left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS);
    }
    return MSEQ_OK;
}

/* ---- What may be repeated, and when
 * ---------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Calls that do something each time they arrive. Everything else either only reads or leads to the
 * same state when it arrives twice. */
static bool must_happen_once(const mseq_request *request) {
    static const char *const paths[] = {"/run_query/", "/delete_after_date/",
                                        "/insert_data_into_table/"};
    if (strcmp(request->method, "POST") != 0)
        return false;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (ends_with(request->path, paths[i]))
            return true;
    const char *operation = mseq_object_get_text(request->body, "operation");
    return ends_with(request->path, "/execute-operation/") &&
           (!operation || strcmp(operation, "select") != 0);
}

/* Seconds since 1970 of an HTTP date ("Fri, 15 Jan 2027 08:00:08 GMT"; RFC 9110 section 5.6.7; the
 * two obsolete forms are not read). Not strptime, which knows the locale's names. */
static bool parse_http_date(const char *text, int64_t *seconds) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm date = {0};
    char month[4] = "";
    int length = 0;
    // NOLINTNEXTLINE(cert-err34-c): widths bound the numbers
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &date.tm_mday, month,
               &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec, &length) != 6 ||
        length == 0 || text[length] != '\0' || strlen(month) != 3)
        return false;
    const char *found = strstr(months, month);
    if (!found || (found - months) % 3 != 0)
        return false;
    date.tm_mon = (int)(found - months) / 3;
    date.tm_year -= 1900;
    *seconds = (int64_t)timegm(&date);
    return true;
}

/* Retry-After in milliseconds (seconds or a date, RFC 9110 section 10.2.3), at most a day; -1: not
 * said. */
static int64_t retry_after(const mseq_client *client, const char *header) {
    int64_t seconds = 0;
    if (!header)
        return -1;
    if (!mseq_parse_integer(header, &seconds)) {
        if (!parse_http_date(header, &seconds))
            return -1;
        seconds -= client->clock->now(client->clock->data) / 1000000;
    }
    return seconds < 0 ? 0 : seconds > 86400 ? 86400000 : seconds * 1000;
}

/* A bare 429 or 503 may come from a proxy whose server had begun; with the time when to come back
 * it is an invitation to send the request again, so that nothing of it was done (RFC 9110 section
 * 10.2.3, RFC 6585 section 4). */
static bool reply_invites_repetition(const mseq_client *client, const mseq_request *request,
                                     const mseq_reply *reply) {
    if (request->send_once)
        return (reply->status == 429 || reply->status == 503) &&
               retry_after(client, reply->retry_after) >= 0;
    switch (reply->status) {
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return reply->status == 413 && reply->retry_after;
    }
}

static bool failure_invites_repetition(const mseq_request *request, const mseq_error *failure) {
    if (failure->status != MSEQ_E_TRANSPORT && failure->status != MSEQ_E_TIMEOUT)
        return false;
    if (strcmp(failure->code, "untrusted") == 0)
        return false;
    return !request->send_once || strcmp(failure->code, "unreachable") == 0;
}

/* 0, 1, 2 seconds before the second to fourth attempt, and up to a quarter more, so that clients
 * that failed together don't come back together. */
static int64_t backoff(int attempt) {
    int64_t pause = attempt <= 1 ? 0 : (int64_t)1000 << (attempt - 2);
    char random[37];
    if (pause == 0 || mseq_uuid_new(random) != MSEQ_OK)
        return pause;
    random[8] = '\0';
    return pause + (int64_t)(strtoull(random, NULL, 16) % (unsigned long long)(pause / 4));
}

/* ---- One request on its way
 * ---------------------------------------------------------------------------------------- */

typedef struct journey {
    mseq_request request;
    mseq_outcome *outcome;
    char *redirected; /* path that a redirect gave, owned */
    int attempts;     /* of this sending */
    int redirects;
    bool pending;
    bool wants_renewal;
    bool renewed;
    int64_t pause_ms; /* before the next attempt */
} journey;

typedef struct travel {
    mseq_client *client;
    journey *journeys;
    size_t count;
    int64_t deadline; /* monotonic milliseconds */
    bool authorized;  /* requests show the client's credentials, a 401 renews them */
    bool repeat;
} travel;

/* The path of a redirect that stays on this server; NULL when it leaves, or would lose the body. */
static const char *path_to_follow(const mseq_client *client, const journey *j) {
    const mseq_reply *reply = &j->outcome->reply;
    bool reads = strcmp(j->request.method, "GET") == 0 || strcmp(j->request.method, "HEAD") == 0;
    bool keeps = reply->status == 307 || reply->status == 308;
    bool moves = keeps || (reads && reply->status >= 301 && reply->status <= 303);
    if (!moves || !reply->location || j->redirects >= REDIRECTS)
        return NULL;
    return client_path_of(client, reply->location);
}

/* Goes where a redirect leads. False: it leads nowhere, or the outcome is now that memory is short.
 */
static bool follow(const mseq_client *client, journey *j) {
    const char *path = path_to_follow(client, j);
    char *copy = mseq_text_dup(path);
    if (path && !copy) {
        mseq_reply_free(&j->outcome->reply);
        mseq_error_no_memory(&j->outcome->error);
    }
    if (!copy)
        return false;
    char *mark = strpbrk(copy, "?#");
    char *query = mark && *mark == '?' ? mark + 1 : NULL;
    if (mark)
        *mark = '\0';
    if (query)
        query[strcspn(query, "#")] = '\0';
    free(j->redirected);
    j->redirected = copy;
    j->request.path = copy;
    j->request.query = query;
    j->redirects++;
    j->attempts = 0;
    j->pause_ms = 0;
    return true;
}

/* How long to wait before the next attempt; -1: this outcome stands. */
static int64_t pause_before_next(const travel *t, const journey *j) {
    const mseq_outcome *outcome = j->outcome;
    if (!t->repeat || j->attempts >= t->client->attempts)
        return -1;
    bool failed = outcome->error.status != MSEQ_OK;
    if (failed ? !failure_invites_repetition(&j->request, &outcome->error)
               : !reply_invites_repetition(t->client, &j->request, &outcome->reply))
        return -1;
    int64_t asked = failed ? -1 : retry_after(t->client, outcome->reply.retry_after);
    int64_t pause = asked > 0 ? asked : backoff(j->attempts);
    const client_clock *clock = t->client->clock;
    return clock->monotonic_ms(clock->data) + pause < t->deadline ? pause : -1;
}

/* Looks at an outcome and decides whether the journey goes on. */
static void judge(const travel *t, journey *j) {
    mseq_outcome *outcome = j->outcome;
    int64_t pause = pause_before_next(t, j);
    bool replied = outcome->error.status == MSEQ_OK;
    j->pending = true;
    if (pause >= 0) {
        j->pause_ms = pause;
    } else if (replied && outcome->reply.status == 401 && t->authorized && !j->renewed) {
        j->wants_renewal = true;
        return; /* the reply is kept: it stands when the renewal fails */
    } else if (!replied || !follow(t->client, j)) {
        j->pending = false;
        return;
    }
    mseq_reply_free(&outcome->reply);
    mseq_error_clear(&outcome->error);
}

/* ---- Rounds
 * ---------------------------------------------------------------------------------------- */

static mseq_status authorize(travel *t, mseq_error *err) {
    if (!t->authorized)
        return MSEQ_OK;
    client_credentials *credentials = &t->client->credentials;
    mseq_status status = credentials_authorize(t->client, err);
    if (status == MSEQ_OK)
        status = credentials_mark_sent(credentials, err);
    for (size_t i = 0; i < t->count && status == MSEQ_OK; i++)
        t->journeys[i].request.authorization = credentials->authorization;
    return status;
}

/* One renewal for all that were refused; where it fails, their refusals stand. */
static void renew(travel *t) {
    bool wanted = false;
    for (size_t i = 0; i < t->count; i++)
        wanted = wanted || t->journeys[i].wants_renewal;
    if (!wanted)
        return;
    mseq_error err = MSEQ_ERROR_INIT;
    bool good = credentials_renewable(&t->client->credentials) &&
                credentials_renew(t->client, &err) == MSEQ_OK && authorize(t, &err) == MSEQ_OK;
    for (size_t i = 0; i < t->count; i++) {
        journey *j = &t->journeys[i];
        if (!j->wants_renewal)
            continue;
        j->wants_renewal = false;
        j->renewed = true;
        j->attempts = 0;
        j->pause_ms = 0;
        j->pending = good;
        if (good)
            mseq_reply_free(&j->outcome->reply);
    }
}

static size_t pending_count(const travel *t) {
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        count += t->journeys[i].pending;
    return count;
}

static void fail_pending(travel *t, const mseq_error *err) {
    for (size_t i = 0; i < t->count; i++) {
        journey *j = &t->journeys[i];
        if (j->pending)
            j->outcome->error = *err;
        j->pending = false;
    }
}

/* The time that is left for an attempt, at least one millisecond. */
static int64_t time_left(const travel *t) {
    const client_clock *clock = t->client->clock;
    int64_t left = t->deadline - clock->monotonic_ms(clock->data);
    int64_t limit = t->client->timeout_ms;
    return left < 1 ? 1 : left < limit ? left : limit;
}

static mseq_status pause_for_round(const travel *t, mseq_error *err) {
    int64_t pause = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->journeys[i].pending && t->journeys[i].pause_ms > pause)
            pause = t->journeys[i].pause_ms;
    return sleep_for(t->client, pause, err);
}

static void begin_attempt(const travel *t, journey *j) {
    j->request.timeout_ms = time_left(t);
    j->attempts++;
}

/* Sends the only one that is pending: from where it is, to where its outcome belongs. */
static void send_one(travel *t) {
    journey *j = t->journeys;
    while (!j->pending)
        j++;
    begin_attempt(t, j);
    mseq_transport_send_many(t->client->transport, &j->request, 1, j->outcome);
    judge(t, j);
}

static mseq_status send_many(travel *t, size_t count, mseq_error *err) {
    mseq_request *requests = calloc(count, sizeof *requests);
    mseq_outcome *outcomes = calloc(count, sizeof *outcomes);
    if (!requests || !outcomes) {
        free(requests);
        free(outcomes);
        return mseq_error_no_memory(err);
    }
    size_t next = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!t->journeys[i].pending)
            continue;
        begin_attempt(t, &t->journeys[i]);
        requests[next++] = t->journeys[i].request;
    }
    mseq_transport_send_many(t->client->transport, requests, count, outcomes);
    next = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!t->journeys[i].pending)
            continue;
        *t->journeys[i].outcome = outcomes[next++];
        judge(t, &t->journeys[i]);
    }
    free(requests);
    free(outcomes);
    return MSEQ_OK;
}

/* Sends all that is pending, side by side, and judges what came. */
static mseq_status send_round(travel *t, size_t count, mseq_error *err) {
    if (count > 1)
        return send_many(t, count, err);
    send_one(t);
    return MSEQ_OK;
}

static void go(travel *t) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = authorize(t, &err);
    for (size_t count; status == MSEQ_OK && (count = pending_count(t)) > 0;) {
        status = pause_for_round(t, &err);
        if (status == MSEQ_OK)
            status = send_round(t, count, &err);
        if (status == MSEQ_OK)
            renew(t);
    }
    if (status != MSEQ_OK)
        fail_pending(t, &err);
}

/* ---- Ways in
 * ---------------------------------------------------------------------------------------- */

static void exchange(mseq_client *client, const mseq_request *requests, size_t count,
                     bool authorized, bool repeat, mseq_outcome *outcomes) {
    const client_clock *clock = client->clock;
    travel t = {.client = client, .count = count, .authorized = authorized, .repeat = repeat};
    /* Of many, the last may begin when the first has ended: each has its own time. */
    t.deadline = count == 1 ? clock->monotonic_ms(clock->data) + client->timeout_ms : INT64_MAX;
    journey one;
    t.journeys = count == 1 ? &one : calloc(count, sizeof *t.journeys);
    for (size_t i = 0; i < count; i++) {
        if (!t.journeys) {
            mseq_error_no_memory(&outcomes[i].error);
            continue;
        }
        t.journeys[i] = (journey){.request = requests[i], .outcome = &outcomes[i], .pending = true};
        t.journeys[i].request.send_once = must_happen_once(&requests[i]);
    }
    if (t.journeys)
        go(&t);
    for (size_t i = 0; t.journeys && i < count; i++)
        free(t.journeys[i].redirected);
    if (t.journeys != &one)
        free(t.journeys);
}

void client_exchange_many(mseq_client *client, const mseq_request *requests, size_t count,
                          mseq_outcome *outcomes) {
    exchange(client, requests, count, true, true, outcomes);
}

void client_exchange_plain(mseq_client *client, const mseq_request *request, bool repeat,
                           mseq_outcome *outcome) {
    exchange(client, request, 1, false, repeat, outcome);
}
