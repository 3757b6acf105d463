/* SPDX-License-Identifier: MIT
 * Room `manager`: who a request is from. Passwords, access and refresh tokens, credentials. */
#include <pthread.h>

#include "access_helpers.h"

static mseq_value *get_details(mseq_manager *manager, const char *token, int status) {
    return expect_remote(manager, token, "GET", DETAILS, NULL, status);
}

static void expect_user(mseq_manager *manager, const char *token, const char *name) {
    mseq_value *details = get_details(manager, token, 200);
    assert_string_equal(text_at(mseq_object_get(details, "user"), "username"), name);
    mseq_value_free(details);
}

static void expect_code(mseq_manager *manager, const char *token, const char *code) {
    mseq_value *body = get_details(manager, token, 401);
    assert_string_equal(text_at(body, "code"), code);
    assert_null(strstr(text_at(body, "detail"), token ? token : "\1"));
    mseq_value_free(body);
}

static mseq_value *refresh_with(mseq_manager *manager, const char *refresh, int status) {
    char body[300];
    snprintf(body, sizeof body, "{\"refresh\": \"%s\"}", refresh);
    return expect_remote(manager, NULL, "POST", REFRESH, body, status);
}

/* ---- Without a token ---------------------------------------------------------------------------
 */

static void test_without_a_token(void **state) {
    const fixture *made = *state;
    static const char *const nonsense[] = {
        "", "x", "a.b.c",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAA"};
    refuse_remote(made->manager, NULL, "GET", META, NULL, 401, "not_authenticated");
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        refuse_remote(made->manager, nonsense[i], "GET", META, NULL, 401, "invalid_token");
    refuse_remote(made->manager, NULL, "GET", "/nowhere/", NULL, 404, "unknown_route");
    refuse_remote(made->manager, NULL, "PUT", LOGIN, NULL, 405, "method_not_allowed");
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    request.method = "GET";
    request.path = META;
    request.authorization = "Basic bG9jYWw6eA==";
    mseq_manager_handle_remote(made->manager, &request, &reply);
    assert_int_equal(reply.status, 401);
    assert_string_equal(text_at(reply.body, "code"), "invalid_token");
    mseq_reply_free(&reply);
}

/* ---- Passwords ---------------------------------------------------------------------------------
 */

static void test_login(void **state) {
    const fixture *made = *state;
    static const char *const wrong[] = {
        "{\"username\": \"ada\", \"password\": \"password of bob\"}",
        "{\"username\": \"Ada\", \"password\": \"password of ada\"}",
        "{\"username\": \"nobody\", \"password\": \"password of nobody\"}",
        "{\"username\": \"local\", \"password\": \"password of local\"}"}; /* has none */
    static const char *const malformed[] = {
        "{}",
        "{\"username\": \"ada\"}",
        "{\"username\": \"ada\", \"password\": 5}",
        "[]",
        "{\"username\": \"ada\", \"password\": \"\"}",
        "{\"username\": \"ada\", \"password\": \"password of ada\", \"otp\": \"1\"}",
        "{\"username\": \"ada\", \"password\": \"password of ada\\u0000\"}"};
    add_user(made->manager, "ada", false);
    char *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
    expect_user(made->manager, access, "ada");
    char *detail = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mseq_value *body = expect_remote(made->manager, NULL, "POST", LOGIN, wrong[i], 401);
        assert_string_equal(text_at(body, "code"), "bad_credentials");
        if (detail) /* all the same: nobody learns who has an account */
            assert_string_equal(text_at(body, "detail"), detail);
        free(detail);
        detail = strdup(text_at(body, "detail"));
        mseq_value_free(body);
    }
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        mseq_value_free(expect_remote(made->manager, NULL, "POST", LOGIN, malformed[i], 400));
    free(detail);
    free(access);
    free(refresh);
}

static void test_password_change(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    add_user(made->manager, "bob", false);
    char *access = log_in(made->manager, "ada", NULL), *other = log_in(made->manager, "bob", NULL);
    refuse_remote(made->manager, other, "POST", USERS "ada/set-password/",
                  "{\"password\": \"stolen account\"}", 403, "admin_only");
    refuse_remote(made->manager, access, "POST", USERS "ada/set-password/",
                  "{\"password\": \"a new password\"}", 403, "bad_credentials");
    refuse_remote(made->manager, access, "POST", USERS "ada/set-password/",
                  "{\"password\": \"short\", \"current_password\": \"password of ada\"}", 400,
                  "bad_value");
    mseq_value_free(expect_remote(
        made->manager, access, "POST", USERS "ada/set-password/",
        "{\"password\": \"a new password\", \"current_password\": \"password of ada\"}", 200));
    expect_code(made->manager, access, "invalid_token"); /* its sessions have ended */
    refuse_remote(made->manager, NULL, "POST", LOGIN,
                  "{\"username\": \"ada\", \"password\": \"password of ada\"}", 401,
                  "bad_credentials");
    mseq_value_free(expect_remote(made->manager, NULL, "POST", LOGIN,
                                  "{\"username\": \"ada\", \"password\": \"a new password\"}",
                                  200));
    expect_user(made->manager, other, "bob");
    free(access);
    free(other);
}

/* ---- Access tokens -----------------------------------------------------------------------------
 */

/* The claims as a client reads them: the second of three parts, base64url. */
static mseq_value *claims_of(const char *token) {
    const char *from = strchr(token, '.') + 1;
    size_t length = (size_t)(strchr(from, '.') - from);
    char text[400] = "";
    memcpy(text, from, length);
    for (char *at = text; *at; at++)
        *at = (char)(*at == '-' ? '+' : *at == '_' ? '/' : *at);
    while (length % 4)
        text[length++] = '=';
    mseq_buffer decoded = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_base64_decode(text, length, &decoded, NULL), MSEQ_OK);
    mseq_value *claims = parse(mseq_buffer_text(&decoded));
    mseq_buffer_free(&decoded);
    return claims;
}

static void test_expiry(void **state) {
    const fixture *made = *state;
    int64_t start = test_time;
    add_user(made->manager, "ada", false);
    char *access = log_in(made->manager, "ada", NULL);
    mseq_value *claims = claims_of(access);
    int64_t expires = mseq_object_get_integer(claims, "exp", 0);
    assert_int_equal(expires, start / 1000000 + 3600);
    mseq_value_free(claims);
    test_time = expires * 1000000 - 1;
    expect_user(made->manager, access, "ada");
    test_time = expires * 1000000;
    expect_code(made->manager, access, "token_expired");
    test_time = start;
    free(access);
}

/* Whatever is changed, it is no token any more. */
static void test_tampering(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    char *access = log_in(made->manager, "ada", NULL);
    size_t length = strlen(access);
    for (size_t i = 0; i < length; i++) {
        char before = access[i];
        access[i] = before == 'A' ? 'B' : 'A';
        expect_code(made->manager, access, "invalid_token");
        access[i] = before;
    }
    access[length - 1] = '\0';
    expect_code(made->manager, access, "invalid_token");
    free(access);
}

static void test_other_server(void **state) {
    const fixture *made = *state;
    void *second = NULL;
    assert_int_equal(set_up_timed(&second), 0);
    const fixture *other = second;
    add_user(made->manager, "ada", true);
    add_user(other->manager, "ada", true);
    char *access = log_in(other->manager, "ada", NULL);
    expect_user(other->manager, access, "ada");
    expect_code(made->manager, access, "invalid_token");
    free(access);
    tear_down(&second);
}

/* Two managers of one catalog are one server. */
static void test_one_catalog(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    mseq_manager *beside = open_timed(made->folder);
    char *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
    expect_user(beside, access, "ada");
    mseq_value_free(refresh_with(beside, refresh, 200));
    mseq_value_free(refresh_with(made->manager, refresh, 401));
    expect_code(beside, access, "invalid_token"); /* the reuse ended the family for both */
    mseq_manager_close(beside);
    free(access);
    free(refresh);
}

static void test_disabled(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    char *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
    mseq_value *personal =
        expect_remote(made->manager, access, "POST", TOKENS, "{\"name\": \"ci\"}", 201);
    mseq_value_free(expect(made->manager, "PATCH", USERS "ada/", "{\"is_disabled\": true}", 200));
    expect_code(made->manager, access, "invalid_token");
    expect_code(made->manager, text_at(personal, "access"), "user_disabled");
    mseq_value_free(refresh_with(made->manager, refresh, 401));
    refuse_remote(made->manager, NULL, "POST", LOGIN,
                  "{\"username\": \"ada\", \"password\": \"password of ada\"}", 401,
                  "bad_credentials");
    mseq_value_free(expect(made->manager, "PATCH", USERS "ada/", "{\"is_disabled\": false}", 200));
    expect_user(made->manager, text_at(personal, "access"), "ada");
    refuse(made->manager, "PATCH", USERS "local/", "{\"is_disabled\": true}", 409, "local_user",
           NULL);
    mseq_value_free(personal);
    free(access);
    free(refresh);
}

/* ---- Refresh tokens ----------------------------------------------------------------------------
 */

static void test_rotation(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    char *first = NULL, *access = log_in(made->manager, "ada", &first);
    char *elsewhere = log_in(made->manager, "ada", NULL); /* another family */
    mseq_value *second = refresh_with(made->manager, first, 200);
    assert_string_not_equal(text_at(second, "refresh"), first);
    assert_string_not_equal(text_at(second, "access"), access);
    expect_user(made->manager, text_at(second, "access"), "ada");
    expect_user(made->manager, access, "ada");
    mseq_value *third = refresh_with(made->manager, text_at(second, "refresh"), 200);
    /* the first is used again: whoever holds the newest is out too */
    mseq_value *refused = refresh_with(made->manager, first, 401);
    assert_string_equal(text_at(refused, "code"), "invalid_refresh_token");
    mseq_value_free(refused);
    mseq_value_free(refresh_with(made->manager, text_at(third, "refresh"), 401));
    expect_code(made->manager, text_at(third, "access"), "invalid_token");
    expect_code(made->manager, access, "invalid_token");
    expect_user(made->manager, elsewhere, "ada");
    mseq_value_free(second);
    mseq_value_free(third);
    free(first);
    free(access);
    free(elsewhere);
}

static void test_refresh_refusals(void **state) {
    const fixture *made = *state;
    int64_t start = test_time;
    add_user(made->manager, "ada", false);
    char *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
    mseq_value_free(refresh_with(made->manager, access, 401)); /* an access token is none */
    expect_code(made->manager, refresh, "invalid_token");      /* and the other way round */
    mseq_value_free(refresh_with(made->manager, "x", 401));
    char first = refresh[30]; /* a forgery does not end the family */
    refresh[30] = first == 'A' ? 'B' : 'A';
    mseq_value_free(refresh_with(made->manager, refresh, 401));
    refresh[30] = first;
    test_time = start + INT64_C(30) * 24 * 3600 * 1000000;
    mseq_value_free(refresh_with(made->manager, refresh, 401));
    test_time -= 1;
    mseq_value_free(refresh_with(made->manager, refresh, 200));
    test_time = start;
    free(access);
    free(refresh);
}

static void test_logout(void **state) {
    const fixture *made = *state;
    static const char *const ways[] = {"/auth/jwt-token/logout/", "/auth/cli/revoke/"};
    add_user(made->manager, "ada", false);
    add_user(made->manager, "bob", false);
    for (size_t i = 0; i < 2; i++) {
        char body[300], *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
        char *other = log_in(made->manager, "bob", NULL);
        snprintf(body, sizeof body, "{\"refresh\": \"%s\"}", refresh);
        if (i == 0) { /* by its owner only */
            refuse_remote(made->manager, NULL, "POST", ways[i], body, 401, "not_authenticated");
            mseq_value_free(expect_remote(made->manager, other, "POST", ways[i], body, 200));
            expect_user(made->manager, access, "ada");
        }
        mseq_value_free(
            expect_remote(made->manager, i ? NULL : access, "POST", ways[i], body, 200));
        expect_code(made->manager, access, "invalid_token");
        mseq_value_free(refresh_with(made->manager, refresh, 401));
        free(access);
        free(refresh);
        free(other);
    }
    mseq_value_free(
        expect_remote(made->manager, NULL, "POST", ways[1], "{\"refresh\": \"gone\"}", 200));
}

/* ---- Personal tokens and credentials -----------------------------------------------------------
 */

static void test_personal_tokens(void **state) {
    const fixture *made = *state;
    int64_t start = test_time;
    add_user(made->manager, "ada", false);
    add_user(made->manager, "bob", false);
    char *ada = log_in(made->manager, "ada", NULL), *bob = log_in(made->manager, "bob", NULL);
    mseq_value *token = expect_remote(made->manager, ada, "POST", TOKENS,
                                      "{\"name\": \"ci\", \"expires_in_days\": 2}", 201);
    mseq_value *lasting = expect(made->manager, "POST", TOKENS,
                                 "{\"name\": \"server\", \"user\": \"ada\","
                                 " \"expires_in_days\": null}",
                                 201);
    refuse_remote(made->manager, bob, "POST", TOKENS, "{\"name\": \"x\", \"user\": \"ada\"}", 403,
                  "admin_only");
    expect_user(made->manager, text_at(token, "access"), "ada");
    test_time = start + INT64_C(2) * 24 * 3600 * 1000000;
    expect_code(made->manager, text_at(token, "access"), "token_expired");
    expect_user(made->manager, text_at(lasting, "access"), "ada");
    mseq_value *claims = claims_of(text_at(lasting, "access"));
    assert_null(mseq_object_get(claims, "exp"));
    mseq_value_free(claims);
    test_time = start;

    mseq_value *list = expect_remote(made->manager, ada, "GET", TOKENS, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 2);
    char *text = to_text(list);
    assert_null(strstr(text, text_at(token, "access")));
    free(text);
    mseq_value_free(list);
    list = expect_remote(made->manager, bob, "GET", TOKENS, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 0);
    mseq_value_free(list);
    char path[128];
    snprintf(path, sizeof path, TOKENS "%s/", text_at(token, "uid"));
    refuse_remote(made->manager, bob, "DELETE", path, NULL, 404, "not_found");
    mseq_value_free(expect_remote(made->manager, ada, "DELETE", path, NULL, 200));
    expect_code(made->manager, text_at(token, "access"), "invalid_token");
    mseq_value_free(token);
    mseq_value_free(lasting);
    free(ada);
    free(bob);
}

static void test_runtime_credentials(void **state) {
    const fixture *made = *state;
    char body[300], path[128];
    add_user(made->manager, "ada", false);
    mseq_value *credential = expect(made->manager, "POST", TOKENS,
                                    "{\"name\": \"job\", \"user\": \"ada\", \"kind\":"
                                    " \"runtime_credential\", \"expires_in_days\": null}",
                                    201);
    snprintf(body, sizeof body, "{\"credential_id\": \"%s\", \"credential_secret\": \"%s\"}",
             text_at(credential, "credential_id"), text_at(credential, "credential_secret"));
    mseq_value *token = expect_remote(made->manager, NULL, "POST", EXCHANGE, body, 200);
    assert_string_equal(text_at(token, "token_type"), "Bearer");
    assert_int_equal(mseq_object_get_integer(token, "expires_in", 0), 3600);
    expect_user(made->manager, text_at(token, "access"), "ada");
    char *last = &body[strlen(body) - 3]; /* of the secret */
    *last = *last == 'A' ? 'B' : 'A';
    refuse_remote(made->manager, NULL, "POST", EXCHANGE, body, 401, "bad_credentials");
    refuse_remote(made->manager, NULL, "POST", EXCHANGE,
                  "{\"credential_id\": \"x\", \"credential_secret\": \"y\"}", 401,
                  "bad_credentials");
    snprintf(path, sizeof path, TOKENS "%s/", text_at(credential, "uid"));
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    expect_code(made->manager, text_at(token, "access"), "invalid_token");
    mseq_value_free(credential);
    mseq_value_free(token);
}

/* ---- Through a browser -------------------------------------------------------------------------
 */

#define AUTHORIZE "/auth/cli/authorize/"
/* RFC 7636, appendix B */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define CALLBACK "http://127.0.0.1:4711/callback"

static char *authorization(const char *redirect, const char *challenge, const char *password) {
    return mseq_text_format("{\"client_id\": \"mainsequence-cli\", \"response_type\": \"code\","
                            " \"state\": \"a b&c\", \"redirect_uri\": \"%s\", \"code_challenge\":"
                            " \"%s\", \"code_challenge_method\": \"S256\", \"username\": \"ada\","
                            " \"password\": \"%s\"}",
                            redirect, challenge, password);
}

/* Logs ada in at the page; gives the code, free() it. */
static char *get_code(const fixture *made) {
    char *body = authorization(CALLBACK, CHALLENGE, "password of ada");
    mseq_value *reply = expect_remote(made->manager, NULL, "POST", AUTHORIZE, body, 200);
    const char *to = text_at(reply, "redirect_to");
    assert_ptr_equal(strstr(to, CALLBACK "?code="), to);
    assert_non_null(strstr(to, "&state=a+b%26c"));
    const char *code = strchr(to, '=') + 1;
    char *copy = strndup(code, strcspn(code, "&"));
    mseq_value_free(reply);
    free(body);
    return copy;
}

static void redeem(const fixture *made, const char *code, const char *verifier,
                   const char *redirect, int status) {
    char *body = mseq_text_format("{\"client_id\": \"mainsequence-cli\", \"code\": \"%s\","
                                  " \"code_verifier\": \"%s\", \"redirect_uri\": \"%s\"}",
                                  code, verifier, redirect);
    mseq_value *reply =
        expect_remote(made->manager, NULL, "POST", "/auth/cli/token/", body, status);
    if (status == 200) {
        expect_user(made->manager, text_at(reply, "access"), "ada");
        mseq_value_free(refresh_with(made->manager, text_at(reply, "refresh"), 200));
    } else {
        assert_string_equal(text_at(reply, "code"), "invalid_code");
    }
    mseq_value_free(reply);
    free(body);
}

static void test_browser(void **state) {
    const fixture *made = *state;
    int64_t start = test_time;
    static const char query[] = "?client_id=mainsequence-cli&response_type=code&state=s"
                                "&redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback"
                                "&code_challenge=" CHALLENGE "&code_challenge_method=S256";
    char *path = mseq_text_format(AUTHORIZE "%s", query);
    add_user(made->manager, "ada", false);
    mseq_reply reply = remote(made->manager, NULL, "GET", path, NULL);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
    assert_non_null(strstr(reply.text, "<form"));
    mseq_reply_free(&reply);
    free(path);
    char *code = get_code(made);
    redeem(made, code, VERIFIER, CALLBACK, 200);
    redeem(made, code, VERIFIER, CALLBACK, 401); /* once */
    free(code);
    code = get_code(made);
    redeem(made, code, "x" VERIFIER, CALLBACK, 401);
    redeem(made, code, VERIFIER, CALLBACK, 401); /* a wrong one uses it up too */
    free(code);
    code = get_code(made);
    redeem(made, code, VERIFIER, "http://127.0.0.1:4712/callback", 401);
    free(code);
    code = get_code(made);
    test_time += INT64_C(300) * 1000000;
    redeem(made, code, VERIFIER, CALLBACK, 401);
    test_time = start;
    redeem(made, "nonsense", VERIFIER, CALLBACK, 401);
    free(code);
}

static void test_browser_refusals(void **state) {
    const fixture *made = *state;
    static const char *const elsewhere[] = {
        "http://example.test/",       "http://127.0.0.1.example.test/", "https://127.0.0.1/",
        "http://127.0.0.1@evil.test", "http://localhost\\u000a:1/",     "javascript:alert(1)"};
    add_user(made->manager, "ada", false);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        char *body = authorization(elsewhere[i], CHALLENGE, "password of ada");
        refuse_remote(made->manager, NULL, "POST", AUTHORIZE, body, 400, "bad_value");
        free(body);
    }
    char *body = authorization(CALLBACK, "short", "password of ada");
    refuse_remote(made->manager, NULL, "POST", AUTHORIZE, body, 400, "bad_value");
    free(body);
    body = authorization(CALLBACK, CHALLENGE, "a guess");
    refuse_remote(made->manager, NULL, "POST", AUTHORIZE, body, 401, "bad_credentials");
    free(body);
    mseq_value_free(expect_remote(made->manager, NULL, "GET", AUTHORIZE, NULL, 400));
}

/* ---- What the catalog holds --------------------------------------------------------------------
 */

/* All that the catalog of a folder holds. */
static void read_catalog(const char *folder, mseq_buffer *text) {
    char path[128];
    if (test_catalog(folder)) {
        mseq_database *database = NULL;
        mseq_value *rows = NULL;
        mseq_connection *connection = open_catalog(folder, &database);
        assert_int_equal(
            mseq_connection_execute(
                connection,
                "SELECT CAST(schema_to_xml(current_schema(), true, true, '') AS text) AS all_of_it",
                NULL, &rows, NULL, NULL),
            MSEQ_OK);
        mseq_buffer_append_text(text, text_at(mseq_array_get(rows, 0), "all_of_it"));
        mseq_value_free(rows);
        mseq_connection_release(connection);
        mseq_database_close(database);
        return;
    }
    snprintf(path, sizeof path, "%s/catalog.sqlite", folder);
    assert_int_equal(mseq_file_read(path, SIZE_MAX, text, NULL), MSEQ_OK);
}

/* Neither a password nor a token stands in the catalog. */
static void test_no_secret_is_kept(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    char *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
    mseq_manager_close(made->manager);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    read_catalog(made->folder, &text);
    assert_non_null(memmem(text.data, text.length, "$scrypt$ln=1,r=1,p=1$", 21));
    assert_null(memmem(text.data, text.length, "password of ada", 15));
    assert_null(memmem(text.data, text.length, access, strlen(access)));
    assert_null(memmem(text.data, text.length, strrchr(access, '.'), 64));
    assert_null(memmem(text.data, text.length, refresh, strlen(refresh)));
    mseq_buffer_free(&text);
    ((fixture *)*state)->manager = open_timed(made->folder);
    free(access);
    free(refresh);
}

/* ---- Threads -----------------------------------------------------------------------------------
 */

enum { THREADS = 8, ROUNDS = 12 };

typedef struct worker {
    pthread_t thread;
    mseq_manager *manager;
    const char *refresh;
    int good, refused, other;
} worker;

static void *use_once(void *data) {
    worker *self = data;
    char body[300];
    snprintf(body, sizeof body, "{\"refresh\": \"%s\"}", self->refresh);
    mseq_reply reply = remote(self->manager, NULL, "POST", REFRESH, body);
    self->good += reply.status == 200;
    self->refused += reply.status == 401;
    self->other += reply.status != 200 && reply.status != 401;
    mseq_reply_free(&reply);
    return NULL;
}

/* Of many who use one refresh token at once, at most one gets the next. */
static void test_race(void **state) {
    const fixture *made = *state;
    add_user(made->manager, "ada", false);
    for (int round = 0; round < ROUNDS; round++) {
        char *refresh = NULL, *access = log_in(made->manager, "ada", &refresh);
        worker workers[THREADS] = {{.manager = NULL}};
        int good = 0, refused = 0;
        for (size_t i = 0; i < THREADS; i++) {
            workers[i] = (worker){.manager = made->manager, .refresh = refresh};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, use_once, &workers[i]), 0);
        }
        for (size_t i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
            good += workers[i].good;
            refused += workers[i].refused;
            assert_int_equal(workers[i].other, 0);
        }
        assert_int_equal(good, 1);
        assert_int_equal(refused, THREADS - 1);
        free(access);
        free(refresh);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_a_token, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_login, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_password_change, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_expiry, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_tampering, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_other_server, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_one_catalog, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_disabled, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_refresh_refusals, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_logout, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_personal_tokens, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_runtime_credentials, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_browser, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_browser_refusals, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_no_secret_is_kept, set_up_timed, tear_down),
        cmocka_unit_test_setup_teardown(test_race, set_up_timed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
