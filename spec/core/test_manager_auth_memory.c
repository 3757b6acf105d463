/* SPDX-License-Identifier: MIT
 * Room `manager` when memory is short: every allocation of the requests about users, tokens and
 * sharing fails once, alone and with all that follow. What comes out is the right reply or a 5xx,
 * nothing is half done, and nothing leaks (sanitizers and valgrind watch). */
#include "access_helpers.h"

#include "failing_allocator.h"

typedef struct attempt {
    const char *token, *method, *path;
    char *body; /* free()d by the caller */
} attempt;

/* The reply of a request while the allocation `left` from now fails. */
static mseq_reply try_at(mseq_manager *manager, const attempt *what, long left, bool all) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *body = what->body ? parse(what->body) : NULL;
    char header[1200];
    snprintf(header, sizeof header, "Bearer %s", what->token ? what->token : "");
    request.method = what->method;
    request.path = what->path;
    request.body = body;
    request.authorization = what->token ? header : NULL;
    fail_all = all;
    allocations_left = left;
    mseq_manager_handle_remote(manager, &request, &reply);
    allocations_left = -1;
    mseq_value_free(body);
    return reply;
}

/* Fails every allocation of a request in turn until it succeeds; gives that reply's body. `good` is
 * its status. */
static mseq_value *sweep(mseq_manager *manager, const attempt *what, int good, bool all) {
    for (long left = 0; left < 20000; left++) {
        mseq_reply reply = try_at(manager, what, left, all);
        if (reply.status == good && reply.body) {
            mseq_value *body = reply.body;
            reply.body = NULL;
            mseq_reply_free(&reply);
            return body;
        }
        if (reply.status < 500) {
            char *text = to_text(reply.body);
            fail_msg("%s %s: after %ld allocations it gave %d: %s", what->method, what->path, left,
                     reply.status, text);
        }
        mseq_reply_free(&reply);
    }
    fail_msg("%s %s never succeeds", what->method, what->path);
    return NULL;
}

static void test_sessions(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    for (int all = 0; all < 2; all++) {
        attempt login = {NULL, "POST", LOGIN,
                         strdup("{\"username\": \"ada\", \"password\": \"password of ada\"}")};
        mseq_value *tokens = sweep(made->manager, &login, 200, all);
        attempt details = {text_at(tokens, "access"), "GET", DETAILS, NULL};
        mseq_value_free(sweep(made->manager, &details, 200, all));
        /* a failed refresh has not used the token up */
        attempt refresh = {NULL, "POST", REFRESH,
                           mseq_text_format("{\"refresh\": \"%s\"}", text_at(tokens, "refresh"))};
        mseq_value *next = sweep(made->manager, &refresh, 200, all);
        attempt logout = {text_at(next, "access"), "POST", "/auth/jwt-token/logout/",
                          mseq_text_format("{\"refresh\": \"%s\"}", text_at(next, "refresh"))};
        mseq_value_free(sweep(made->manager, &logout, 200, all));
        mseq_value_free(
            expect_remote(made->manager, text_at(next, "access"), "GET", DETAILS, NULL, 401));
        mseq_value_free(tokens);
        mseq_value_free(next);
        free(login.body);
        free(refresh.body);
        free(logout.body);
    }
}

static void test_users_and_tokens(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "boss", true);
    char *boss = log_in(made->manager, "boss", NULL);
    for (int all = 0; all < 2; all++) {
        const char *name = all ? "bob" : "ada";
        char user[64], password[96], team[64];
        attempt add = {
            boss, "POST", USERS,
            mseq_text_format("{\"username\": \"%s\", \"password\": \"long enough\"}", name)};
        mseq_value_free(sweep(made->manager, &add, 201, all));
        snprintf(user, sizeof user, USERS "%s/", name);
        snprintf(password, sizeof password, USERS "%s/set-password/", name);
        attempt patch = {boss, "PATCH", user, strdup("{\"email\": \"x@example.test\"}")};
        mseq_value_free(sweep(made->manager, &patch, 200, all));
        attempt set = {boss, "POST", password, strdup("{\"password\": \"another one\"}")};
        mseq_value_free(sweep(made->manager, &set, 200, all));
        attempt create = {boss, "POST", TEAMS, mseq_text_format("{\"name\": \"of %s\"}", name)};
        mseq_value_free(sweep(made->manager, &create, 201, all));
        snprintf(team, sizeof team, TEAMS "of%%20%s/add-member/", name);
        attempt join = {boss, "POST", team, mseq_text_format("{\"user\": \"%s\"}", name)};
        mseq_value_free(sweep(made->manager, &join, 200, all));
        attempt credential = {boss, "POST", TOKENS,
                              mseq_text_format("{\"name\": \"job\", \"user\": \"%s\", \"kind\":"
                                               " \"runtime_credential\"}",
                                               name)};
        mseq_value *secret = sweep(made->manager, &credential, 201, all);
        attempt exchange = {
            NULL, "POST", EXCHANGE,
            mseq_text_format("{\"credential_id\": \"%s\", \"credential_secret\": \"%s\"}",
                             text_at(secret, "credential_id"),
                             text_at(secret, "credential_secret"))};
        mseq_value_free(sweep(made->manager, &exchange, 200, all));
        const char *const lists[] = {USERS, TEAMS, TOKENS};
        for (size_t i = 0; i < 3; i++) {
            attempt list = {boss, "GET", lists[i], NULL};
            mseq_value_free(sweep(made->manager, &list, 200, all));
        }
        char *const bodies[] = {add.body,  patch.body,      set.body,     create.body,
                                join.body, credential.body, exchange.body};
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
            free(bodies[i]);
        mseq_value_free(secret);
    }
    free(boss);
}

static void test_tables(void **state) {
    const fixture *made = *state;
    int64_t id = add_user(made->manager, "ada", false);
    char *ada = log_in(made->manager, "ada", NULL), path[5][128];
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"x.y\", \"management_mode\":"
        " \"platform_managed\", \"labels\": [\"l\"], \"provisioning\": {\"create_table\": true},"
        " \"table_contract\": {\"physical\": {\"table_name\": \"y\"}, \"columns\": [{\"name\":"
        " \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}",
        made->source);
    mseq_value *row = expect(made->manager, "POST", META "register/", body, 201);
    const char *uid = text_at(row, "uid");
    static const char *const routes[] = {"add-to-view", "can-view", "", "schema-graph",
                                         "add-label"};
    for (size_t i = 0; i < 5; i++)
        snprintf(path[i], sizeof path[i], META "%s/%s%s", uid, routes[i], *routes[i] ? "/" : "");
    add_user(made->manager, "boss", true);
    char *boss = log_in(made->manager, "boss", NULL);
    for (int all = 0; all < 2; all++) {
        attempt share = {boss, "POST", path[0],
                         mseq_text_format("{\"user_id\": %lld}", (long long)id)};
        attempt label = {boss, "POST", path[4], strdup("{\"labels\": [\"m\"]}")};
        attempt search = {ada, "POST", META "description-search/", strdup("{\"q\": \"x.y\"}")};
        const attempt reads[] = {{ada, "GET", path[1], NULL},
                                 {ada, "GET", path[2], NULL},
                                 {ada, "GET", path[3], NULL},
                                 {ada, "GET", META, NULL}};
        mseq_value_free(sweep(made->manager, &share, 200, all));
        mseq_value_free(sweep(made->manager, &label, 200, all));
        mseq_value *found = sweep(made->manager, &search, 200, all);
        assert_int_equal(mseq_value_length(mseq_object_get(found, "results")), 1);
        mseq_value_free(found);
        for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
            mseq_value_free(sweep(made->manager, &reads[i], 200, all));
        free(share.body);
        free(label.body);
        free(search.body);
    }
    mseq_value_free(row);
    free(body);
    free(ada);
    free(boss);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sessions, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_users_and_tokens, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_tables, set_up_timed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
