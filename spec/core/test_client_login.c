/* SPDX-License-Identifier: MIT
 * Room `client`: logins that are stored in a file, by several processes too. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authentication_helpers.h"

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
