/* SPDX-License-Identifier: MIT
 * Room `endpoint`: where a client talks to, and with whose credentials. */
#include "http_server.h"

#include "support.h"

#include "mainsequence/endpoint.h"

static char folder[] = "/tmp/mseq-endpoint-XXXXXX";

static const char *const names[] = {"MAINSEQUENCE_ENDPOINT",
                                    "MAINSEQUENCE_AUTH_MODE",
                                    "MAINSEQUENCE_ACCESS_TOKEN",
                                    "MAINSEQUENCE_REFRESH_TOKEN",
                                    "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID",
                                    "MAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET",
                                    "MAIN_SEQUENCE_PROJECT_UID"};

/* A clean environment, and no logins. */
static int clear(void **state) {
    (void)state;
    char path[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("XDG_CONFIG_HOME", folder, 1);
    setenv("MAINSEQUENCE_HOME", folder, 1);
    setenv("no_proxy", "*", 1);
    snprintf(path, sizeof path, "%s/mainsequence/auth.json", folder);
    (void)unlink(path);
    return 0;
}

static void expect_endpoint(const char *given, const char *endpoint, const char *source) {
    char *found = NULL;
    const char *from = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_endpoint_resolve(given, &found, &from, &err) != MSEQ_OK)
        fail_msg("%s: %s", given ? given : "(none)", err.message);
    assert_string_equal(found, endpoint);
    assert_string_equal(from, source);
    free(found);
}

static void expect_refusal(const char *given, const char *message, const char *hint) {
    char *found = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_endpoint_resolve(given, &found, NULL, &err), MSEQ_E_REQUEST);
    assert_error(&err, MSEQ_E_REQUEST, message, hint);
    assert_null(strstr(err.message, "secret"));
    assert_null(found);
}

static void save_login(const char *server, const char *access) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_login_save(NULL, server, "ada", access, NULL, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
}

static void test_order(void **state) {
    (void)state;
    expect_endpoint(NULL, "local:", "default");
    save_login("https://login.example", "a");
    expect_endpoint(NULL, "https://login.example", "login");
    setenv("MAINSEQUENCE_ENDPOINT", " https://environment.example/// ", 1);
    expect_endpoint(NULL, "https://environment.example", "environment");
    expect_endpoint("local:/x/", "local:/x/", "argument");
    expect_endpoint("HTTP://h:1/p/", "HTTP://h:1/p", "argument");
    setenv("MAINSEQUENCE_ENDPOINT", "  ", 1);
    expect_endpoint(NULL, "https://login.example", "login");
}

static void test_machine_without_a_home(void **state) {
    (void)state;
    char *home = mseq_text_format("%s", getenv("HOME") ? getenv("HOME") : "");
    assert_non_null(home);
    unsetenv("HOME");
    unsetenv("XDG_CONFIG_HOME");
    expect_endpoint(NULL, "local:", "default");
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

static void test_refusals(void **state) {
    (void)state;
    expect_refusal("ts.example", "'ts.example' is no endpoint", "an endpoint is");
    expect_refusal("ftp://h", "is no endpoint", NULL);
    expect_refusal("https://", "names no host", NULL);
    expect_refusal("https:///x", "names no host", NULL);
    expect_refusal("https://me:secret@h/", "holds a user or a password", NULL);
    expect_refusal("https://h?token=x", "holds a query", NULL);
    expect_refusal("", "is no endpoint", NULL);
    setenv("MAINSEQUENCE_ENDPOINT", "nowhere", 1);
    expect_refusal(NULL, "MAINSEQUENCE_ENDPOINT: 'nowhere' is no endpoint", NULL);
}

static void test_stray_credentials(void **state) {
    (void)state;
    for (size_t i = 2; i <= 5; i++) {
        clear(NULL);
        save_login("https://login.example", "a");
        setenv(names[i], "secret", 1);
        expect_refusal(NULL, names[i], "set MAINSEQUENCE_ENDPOINT");
        expect_endpoint("https://h", "https://h", "argument");
        setenv("MAINSEQUENCE_ENDPOINT", "local:", 1);
        expect_endpoint(NULL, "local:", "environment");
    }
}

/* ---- Credentials
 * ----------------------------------------------------------------------------------------- */

/* What a call to `server` through mseq_endpoint_connect(given, options) shows there; NULL: it is
 * not sent. */
static void expect_authorization(const char *given, const mseq_client_options *options,
                                 http_server *server, size_t index, const char *authorization) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_client *client = NULL;
    mseq_value *body = NULL;
    char line[128];
    if (mseq_endpoint_connect(given, NULL, options, &client, NULL, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_status status = mseq_client_call(client, "GET", "/x/", NULL, NULL, &body, &err);
    assert_int_equal(status, authorization ? MSEQ_OK : MSEQ_E_AUTHENTICATION);
    assert_int_equal(http_server_served(server), authorization ? index + 1 : index);
    if (authorization) {
        snprintf(line, sizeof line, "Authorization: %s\r\n", authorization);
        assert_non_null(strstr(server->requests[index], line));
    }
    mseq_value_free(body);
    mseq_client_free(client);
}

static void test_whose_credentials(void **state) {
    (void)state;
    static const http_answer answer = {"HTTP/1.1 204 No Content\r\n\r\n", 0, HTTP_CLOSE};
    http_answer answers[8];
    for (size_t i = 0; i < 8; i++)
        answers[i] = answer;
    http_server server;
    char origin[64], elsewhere[64];
    http_server_start(&server, answers, 8);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", server.port);
    snprintf(elsewhere, sizeof elsewhere, "http://localhost:%d", server.port);

    expect_authorization(origin, NULL, &server, 0, NULL);
    save_login(origin, "stored");
    expect_authorization(NULL, NULL, &server, 0, "Bearer stored");
    expect_authorization(origin, NULL, &server, 1, "Bearer stored");
    expect_authorization(elsewhere, NULL, &server, 2, NULL); /* another server by its name */

    setenv("MAINSEQUENCE_ACCESS_TOKEN", "environment", 1);
    expect_authorization(origin, NULL, &server, 2, "Bearer environment");
    setenv("MAINSEQUENCE_ENDPOINT", elsewhere, 1);
    expect_authorization(NULL, NULL, &server, 3, "Bearer environment");
    expect_authorization(origin, NULL, &server, 4, "Bearer stored"); /* the token is not for it */

    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.access_token = "argument";
    expect_authorization(NULL, &options, &server, 5, "Bearer argument");
    options.access_token = NULL;
    options.login = origin;
    setenv("MAINSEQUENCE_ENDPOINT", origin, 1);
    expect_authorization(NULL, &options, &server, 6, "Bearer stored");

    /* In this mode the stored login is not asked. */
    unsetenv("MAINSEQUENCE_ACCESS_TOKEN");
    setenv("MAINSEQUENCE_AUTH_MODE", " Session_JWT", 1);
    expect_authorization(NULL, NULL, &server, 7, NULL);
    http_server_stop(&server);
}

static void test_local_shows_none(void **state) {
    (void)state;
    setenv("MAINSEQUENCE_ENDPOINT", "local:", 1);
    setenv("MAINSEQUENCE_AUTH_MODE", "session_jwt", 1);
    setenv("MAINSEQUENCE_REFRESH_TOKEN", "not allowed elsewhere", 1);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_client *client = NULL;
    mseq_value *source = NULL;
    if (mseq_endpoint_connect(NULL, folder, NULL, &client, NULL, &err) != MSEQ_OK ||
        mseq_client_session_data_source(client, &source, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_value_free(source);
    mseq_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, clear),
        cmocka_unit_test_setup(test_machine_without_a_home, clear),
        cmocka_unit_test_setup(test_refusals, clear),
        cmocka_unit_test_setup(test_stray_credentials, clear),
        cmocka_unit_test_setup(test_whose_credentials, clear),
        cmocka_unit_test_setup(test_local_shows_none, clear),
    };
    char command[64];
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command) == 0 ? failed : 1; // NOLINT(cert-env33-c): a fixed command in a test
}
