/* SPDX-License-Identifier: MIT
 * For the tests of who may do what: users of a manager, their tokens, requests under them. */
#ifndef ACCESS_HELPERS_H
#define ACCESS_HELPERS_H

#include "manager_helpers.h"

#define USERS "/orm/api/ts_manager/users/"
#define TEAMS "/orm/api/ts_manager/teams/"
#define TOKENS "/orm/api/ts_manager/tokens/"
#define LOGIN "/auth/jwt-token/token/"
#define REFRESH "/auth/jwt-token/token/refresh/"
#define EXCHANGE "/orm/api/pods/runtime-credentials/token/"
#define DETAILS "/user/api/user/get_user_details/"

/* A derivation that takes no time: what is tested is not its cost. */
static const mseq_scrypt_cost cheap = {.log2_n = 1, .block = 1, .parallel = 1};

static int64_t test_time = INT64_C(1893456000000000); /* 2030-01-01, until a test moves it */
static inline int64_t test_clock(void) {
    return test_time;
}

static inline mseq_manager *open_timed(const char *folder) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.directory = folder;
    options.catalog = test_catalog(folder);
    options.clock = test_clock;
    options.password_cost = cheap;
    if (mseq_manager_open(&options, &manager, &err) != MSEQ_OK)
        fail_msg("cannot open %s: %s", folder, err.message);
    return manager;
}

/* As set_up, with that clock and cost. */
static inline int set_up_timed(void **state) {
    if (set_up(state) != 0)
        return -1;
    fixture *made = *state;
    mseq_manager_close(made->manager);
    made->manager = open_timed(made->folder);
    return 0;
}

/* A request of whoever `token` (may be NULL) is from. `path` may end with "?query". */
static inline mseq_reply remote(mseq_manager *manager, const char *token, const char *method,
                                const char *path, const char *json) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    char *copy = strdup(path), *mark = strchr(copy, '?'), header[1200];
    mseq_value *body = json && json[0] != '=' ? parse(json) : NULL;
    if (mark)
        *mark = '\0';
    snprintf(header, sizeof header, "Bearer %s", token ? token : "");
    request.method = method;
    request.path = copy;
    request.query = mark ? mark + 1 : NULL;
    request.body = body;
    if (json && json[0] == '=') { /* plain text */
        request.text = json + 1;
        request.text_length = strlen(json + 1);
    }
    request.authorization = token ? header : NULL;
    mseq_manager_handle_remote(manager, &request, &reply);
    mseq_value_free(body);
    free(copy);
    return reply;
}

static inline mseq_value *expect_remote_at(const char *file, int line, mseq_manager *manager,
                                           const char *token, const char *method, const char *path,
                                           const char *json, int status) {
    mseq_reply reply = remote(manager, token, method, path, json);
    return take_body_at(file, line, &reply, method, path, status);
}
#define expect_remote(manager, token, method, path, json, status)                                  \
    expect_remote_at(__FILE__, __LINE__, manager, token, method, path, json, status)

static inline void refuse_remote_at(const char *file, int line, mseq_manager *manager,
                                    const char *token, const char *method, const char *path,
                                    const char *json, int status, const char *code) {
    mseq_value *body = expect_remote_at(file, line, manager, token, method, path, json, status);
    if (strcmp(text_at(body, "code"), code) != 0) {
        print_error("%s:%d: %s %s was refused with code %s: %s\n", file, line, method, path,
                    text_at(body, "code"), text_at(body, "detail"));
        fail();
    }
    mseq_value_free(body);
}
#define refuse_remote(manager, token, method, path, json, status, code)                            \
    refuse_remote_at(__FILE__, __LINE__, manager, token, method, path, json, status, code)

/* Makes a user of that name whose password is "password of NAME", and gives their number. */
static inline int64_t add_user(mseq_manager *manager, const char *name, bool admin) {
    char body[256];
    snprintf(body, sizeof body,
             "{\"username\": \"%s\", \"password\": \"password of %s\","
             " \"is_organization_admin\": %s}",
             name, name, admin ? "true" : "false");
    mseq_value *user = expect(manager, "POST", USERS, body, 201);
    int64_t id = mseq_object_get_integer(user, "id", 0);
    mseq_value_free(user);
    return id;
}

/* Logs such a user in; free() the access token. `refresh` may be NULL. */
static inline char *log_in(mseq_manager *manager, const char *name, char **refresh) {
    char body[256];
    snprintf(body, sizeof body, "{\"username\": \"%s\", \"password\": \"password of %s\"}", name,
             name);
    mseq_value *tokens = expect_remote(manager, NULL, "POST", LOGIN, body, 200);
    char *access = strdup(text_at(tokens, "access"));
    if (refresh)
        *refresh = strdup(text_at(tokens, "refresh"));
    mseq_value_free(tokens);
    return access;
}

#endif
