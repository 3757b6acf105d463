/* SPDX-License-Identifier: MIT
 * Room `client` when memory is short: every allocation of ours fails once, alone and with all that
 * follow, on the ways that renew tokens, repeat requests and keep logins. */
#include <unistd.h>

#include "support.h"

#include "../../core/client/client_private.h"

#include "failing_allocator.h"

static char folder[32];

/* ---- A TS Manager that remembers nothing
 * ----------------------------------------------------------------------------------------- */

typedef struct manager {
    int requests;
} manager;

static mseq_status answer(void *data, const mseq_request *request, mseq_reply *reply,
                          mseq_error *err) {
    manager *m = data;
    long left = allocations_left; /* the server's memory is its own */
    allocations_left = -1;
    (void)err;
    m->requests++;
    const char *json = "[]";
    bool old = request->authorization && strcmp(request->authorization, "Bearer a1") == 0;
    if (strstr(request->path, "/auth/")) {
        json = "{'access': 'a2', 'refresh': 'r2'}";
        old = false;
    }
    reply->status = strcmp(request->path, "/moved/") == 0 ? 302 : old ? 401 : 200;
    reply->location = reply->status == 302 ? mseq_text_dup("/x/?a=b") : NULL;
    if (m->requests == 1) {
        reply->status = 503;
        reply->retry_after = mseq_text_dup("1");
    }
    reply->body = document(json);
    allocations_left = left;
    return MSEQ_OK;
}

static void close_nothing(void *data) {
    (void)data;
}

static int64_t still(void *data) {
    (void)data;
    return 0;
}

static void no_sleep(void *data, int64_t milliseconds) {
    (void)data;
    (void)milliseconds;
}

static const client_clock stopped = {still, still, no_sleep, NULL};

static mseq_status connect_to(manager *m, mseq_client **client, mseq_error *err) {
    static const mseq_transport_functions functions = {
        .size = sizeof functions, .send = answer, .close = close_nothing};
    mseq_transport *transport = NULL;
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = "a1";
    options.refresh_token = "r1";
    options.login = "https://ts.example";
    options.login_folder = folder;
    mseq_status status = mseq_transport_new(&functions, m, "https://ts.example", &transport, err);
    if (status == MSEQ_OK)
        status = mseq_client_new(transport, &options, client, err);
    if (status == MSEQ_OK)
        (*client)->clock = &stopped;
    return status;
}

/* ---- Ways
 * ----------------------------------------------------------------------------------------- */

static mseq_status look_up(mseq_client *client, mseq_error *err) {
    mseq_value *body = NULL;
    mseq_status status = mseq_client_call(client, "GET", "/moved/", NULL, NULL, &body, err);
    assert_true(status == MSEQ_OK || !body);
    mseq_value_free(body);
    return status;
}

static mseq_status look_up_many(mseq_client *client, mseq_error *err) {
    const mseq_call calls[] = {{"GET", "/1/", NULL, NULL}, {"GET", "/moved/", NULL, NULL}};
    mseq_error errors[2];
    memset(errors, 0, sizeof errors);
    mseq_value *bodies = NULL;
    mseq_status status = mseq_client_parallel(client, calls, 2, &bodies, errors, err);
    assert_true(status == MSEQ_OK || !bodies);
    mseq_value_free(bodies);
    for (size_t i = 0; i < 2 && status == MSEQ_OK; i++)
        status = errors[i].status;
    return status;
}

static mseq_status log_in_and_out(mseq_client *client, mseq_error *err) {
    bool revoked = false;
    mseq_status status = mseq_client_log_in(client, "ada", "password", err);
    return status == MSEQ_OK ? mseq_client_log_out(client, &revoked, err) : status;
}

static mseq_status choose(mseq_client *client, mseq_error *err) {
    (void)client;
    char *server = NULL;
    mseq_status status = mseq_login_save(folder, "https://other", "u", "a", "r", err);
    if (status == MSEQ_OK)
        status = mseq_logins_chosen(folder, &server, err);
    free(server);
    return status;
}

typedef mseq_status (*way)(mseq_client *client, mseq_error *err);

static mseq_status travel(way go, mseq_error *err) {
    manager m = {0};
    mseq_client *client = NULL;
    mseq_status status = connect_to(&m, &client, err);
    if (status == MSEQ_OK)
        status = go(client, err);
    mseq_client_free(client);
    return status;
}

static void reset_store(void) {
    static const char text[] = "{\"by_backend\": {\"https://ts.example\": {\"username\": \"ada\", "
                               "\"access\": \"a1\", \"refresh\": \"r1\"}}}";
    char path[128];
    snprintf(path, sizeof path, "%s/auth.json", folder);
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* A renewal that fails leaves the refusal that it followed: that too is a right answer. */
static void sweep(way go) {
    for (int all = 0; all < 2; all++) {
        long n = 0;
        for (bool through = false; !through; n++) {
            mseq_error err = MSEQ_ERROR_INIT;
            reset_store();
            fail_all = all;
            allocations_left = n;
            mseq_status status = travel(go, &err);
            through = allocations_left >= 0 && status == MSEQ_OK;
            allocations_left = -1;
            if (status != MSEQ_OK && status != MSEQ_E_NO_MEMORY && status != MSEQ_E_AUTHENTICATION)
                fail_msg("allocation %ld: %d %s", n, status, err.message);
            if (n > 2000)
                fail_msg("no end: %d %s", status, err.message);
        }
        assert_true(n > 10);
    }
}

static void test_look_up(void **state) {
    (void)state;
    sweep(look_up);
}

static void test_look_up_many(void **state) {
    (void)state;
    sweep(look_up_many);
}

static void test_log_in_and_out(void **state) {
    (void)state;
    sweep(log_in_and_out);
}

static void test_choose(void **state) {
    (void)state;
    sweep(choose);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_up), cmocka_unit_test(test_look_up_many),
        cmocka_unit_test(test_log_in_and_out), cmocka_unit_test(test_choose)};
    char command[64];
    /* Where there is a disk of memory, the thousands of syncs cost nothing. */
    snprintf(folder, sizeof folder, "%s/mseq-memory-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command) == 0 ? failed : 1; // NOLINT(cert-env33-c): a fixed command in a test
}
