/* SPDX-License-Identifier: MIT
 * Two TS Managers on one catalog: what one of them remembers of it holds until the other changes
 * it, and no moment longer. */
#include "access_helpers.h"

#define EXECUTE META "execute-operation/"

typedef struct pair {
    fixture *made;       /* the one that changes things */
    mseq_manager *other; /* the one that is asked */
    int64_t reader_id;
    char token[1200], token_uid[37];
    char table[37];
    char read[1024], write[1024];
} pair;

static void operation(char text[1024], const char *kind, const char *access, const char *sql,
                      const pair *both) {
    snprintf(text, 1024,
             "{\"version\": \"compiled-sql.v1\", \"operation\": \"%s\", \"dialect\": \"sqlite\","
             " \"scope\": {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\","
             " \"access\": \"%s\"}]}, \"statement\": {\"sql\": \"%s\", \"parameters\": {}}}",
             kind, both->made->source, both->table, access, sql);
}

static void change(const pair *both, const char *method, const char *path, const char *json,
                   int status) {
    mseq_value_free(expect(both->made->manager, method, path, json, status));
}

static void share(const pair *both, const char *route) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)both->reader_id);
    snprintf(path, sizeof path, META "%s/%s/", both->table, route);
    change(both, "POST", path, body, 200);
}

static int set_up_pair(void **state) {
    void *made = NULL;
    if (set_up_timed(&made) != 0)
        return -1;
    pair *both = calloc(1, sizeof *both);
    assert_non_null(both);
    both->made = made;
    run_on_data(both->made, "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT);"
                            "INSERT INTO thing VALUES (1, 'one')");
    char *body = fill(both->made,
                      "{\"data_source_uid\": \"$S\", \"identifier\": \"app.thing\","
                      " \"management_mode\": \"external_registered\", \"introspect\": true,"
                      " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\":"
                      " {\"table_name\": \"thing\"}, \"columns\": [{\"name\": \"id\","
                      " \"data_type\": \"int64\", \"backend_type\": \"INTEGER\"}],"
                      " \"constraints\": []}}",
                      NULL);
    mseq_value *row = expect(both->made->manager, "POST", META "register/", body, 201);
    snprintf(both->table, sizeof both->table, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
    both->reader_id = add_user(both->made->manager, "reader", false);
    char *session = log_in(both->made->manager, "reader", NULL);
    mseq_value *token = expect_remote(both->made->manager, session, "POST", TOKENS,
                                      "{\"name\": \"of the test\"}", 201);
    snprintf(both->token, sizeof both->token, "%s", text_at(token, "access"));
    snprintf(both->token_uid, sizeof both->token_uid, "%s", text_at(token, "uid"));
    mseq_value_free(token);
    free(session);
    share(both, "add-to-view");
    operation(both->read, "select", "read", "SELECT name FROM thing", both);
    operation(both->write, "update", "write", "UPDATE thing SET name = 'two'", both);
    both->other = open_timed(both->made->folder);
    *state = both;
    return 0;
}

static int tear_down_pair(void **state) {
    pair *both = *state;
    void *made = both->made;
    mseq_manager_close(both->other);
    free(both);
    return tear_down(&made);
}

/* Twice: the second time it is remembered. */
static void allowed(const pair *both, const char *body) {
    for (int i = 0; i < 2; i++)
        mseq_value_free(expect_remote(both->other, both->token, "POST", EXECUTE, body, 200));
}

static void refused(const pair *both, const char *body, int status, const char *code) {
    for (int i = 0; i < 2; i++)
        refuse_remote(both->other, both->token, "POST", EXECUTE, body, status, code);
}

static void test_grants(void **state) {
    const pair *both = *state;
    allowed(both, both->read);
    refused(both, both->write, 403, "edit_required");
    share(both, "remove-from-view");
    refused(both, both->read, 404, "not_found");
    share(both, "add-to-edit");
    allowed(both, both->write);
    allowed(both, both->read);
    share(both, "remove-from-edit");
    refused(both, both->write, 404, "not_found");
}

static void test_teams(void **state) {
    const pair *both = *state;
    char path[160], body[64];
    share(both, "remove-from-view");
    mseq_value *team = expect(both->made->manager, "POST", TEAMS, "{\"name\": \"readers\"}", 201);
    snprintf(body, sizeof body, "{\"team_id\": %lld}",
             (long long)mseq_object_get_integer(team, "id", 0));
    mseq_value_free(team);
    snprintf(path, sizeof path, META "%s/add-team-to-view/", both->table);
    change(both, "POST", path, body, 200);
    refused(both, both->read, 404, "not_found");
    change(both, "POST", TEAMS "readers/add-member/", "{\"user\": \"reader\"}", 200);
    allowed(both, both->read);
    change(both, "POST", TEAMS "readers/remove-member/", "{\"user\": \"reader\"}", 200);
    refused(both, both->read, 404, "not_found");
}

static void test_tokens_and_users(void **state) {
    const pair *both = *state;
    char path[160];
    allowed(both, both->read);
    change(both, "PATCH", USERS "reader/", "{\"is_disabled\": true}", 200);
    mseq_value *reply = expect_remote(both->other, both->token, "POST", EXECUTE, both->read, 401);
    mseq_value_free(reply);
    change(both, "PATCH", USERS "reader/", "{\"is_disabled\": false}", 200);
    allowed(both, both->read);
    test_time += INT64_C(89) * 24 * 3600 * 1000000;
    allowed(both, both->read);
    test_time += INT64_C(2) * 24 * 3600 * 1000000; /* remembered, but 90 days old */
    refused(both, both->read, 401, "token_expired");
    test_time -= INT64_C(91) * 24 * 3600 * 1000000;
    allowed(both, both->read);
    snprintf(path, sizeof path, TOKENS "%s/", both->token_uid);
    change(both, "DELETE", path, NULL, 200);
    refused(both, both->read, 401, "invalid_token");
}

/* The revision that everything remembered holds for. */
static char *remembered_for(const pair *both) {
    mseq_database *database = NULL;
    mseq_value *rows = NULL;
    mseq_connection *connection = open_catalog(both->made->folder, &database);
    assert_int_equal(mseq_connection_execute(connection,
                                             "SELECT revision, catalog_revision FROM access_state",
                                             NULL, &rows, NULL, NULL),
                     MSEQ_OK);
    char *text = to_text(rows);
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(database);
    return text;
}

/* Posts without a token and gives the reply. */
static mseq_value *post(mseq_manager *manager, const char *path, const char *key, const char *value,
                        const char *tail, int status) {
    char body[512];
    snprintf(body, sizeof body, "{\"%s\": \"%s\"%s}", key, value, tail);
    return expect_remote(manager, NULL, "POST", path, body, status);
}

/* Whoever gets a token costs nobody else what is remembered of them; whoever loses one does. */
static void test_logins(void **state) {
    const pair *both = *state;
    mseq_manager *manager = both->made->manager;
    char *refresh = NULL, tail[256], path[160];
    mseq_value *credential =
        expect(manager, "POST", TOKENS, "{\"name\": \"c\", \"kind\": \"runtime_credential\"}", 201);
    allowed(both, both->read);
    char *before = remembered_for(both);
    char *first = log_in(manager, "reader", &refresh);
    mseq_value *second = post(manager, REFRESH, "refresh", refresh, "", 200);
    snprintf(tail, sizeof tail, ", \"credential_secret\": \"%s\"",
             text_at(credential, "credential_secret"));
    mseq_value *third =
        post(manager, EXCHANGE, "credential_id", text_at(credential, "credential_id"), tail, 200);
    mseq_value *fourth =
        expect_remote(manager, first, "POST", TOKENS, "{\"name\": \"another\"}", 201);
    char *after = remembered_for(both);
    assert_string_equal(after, before);
    /* each is known to the other server at once */
    const char *const tokens[] = {first, text_at(second, "access"), text_at(third, "access"),
                                  text_at(fourth, "access")};
    for (size_t i = 0; i < 4; i++)
        mseq_value_free(expect_remote(both->other, tokens[i], "POST", EXECUTE, both->read, 200));
    /* and is no more, however well it is remembered: by its end, its session's, its credential's */
    snprintf(path, sizeof path, TOKENS "%s/", text_at(fourth, "uid"));
    change(both, "DELETE", path, NULL, 200);
    refuse_remote(both->other, tokens[3], "POST", EXECUTE, both->read, 401, "invalid_token");
    mseq_value_free(
        post(manager, "/auth/cli/revoke/", "refresh", text_at(second, "refresh"), "", 200));
    for (size_t i = 0; i < 2; i++)
        refuse_remote(both->other, tokens[i], "POST", EXECUTE, both->read, 401, "invalid_token");
    snprintf(path, sizeof path, TOKENS "%s/", text_at(credential, "uid"));
    change(both, "DELETE", path, NULL, 200);
    refuse_remote(both->other, tokens[2], "POST", EXECUTE, both->read, 401, "invalid_token");
    free(after);
    free(before);
    free(first);
    free(refresh);
    mseq_value_free(credential);
    mseq_value_free(second);
    mseq_value_free(third);
    mseq_value_free(fourth);
}

/* A refresh token that is used twice ends its family, and another password the user's sessions. */
static void test_ended_sessions(void **state) {
    const pair *both = *state;
    char *refresh = NULL, *stolen = log_in(both->made->manager, "reader", &refresh);
    char *session = log_in(both->made->manager, "reader", NULL);
    for (int i = 0; i < 2; i++) {
        mseq_value_free(expect_remote(both->other, stolen, "POST", EXECUTE, both->read, 200));
        mseq_value_free(expect_remote(both->other, session, "POST", EXECUTE, both->read, 200));
    }
    mseq_value_free(post(both->made->manager, REFRESH, "refresh", refresh, "", 200));
    mseq_value_free(post(both->made->manager, REFRESH, "refresh", refresh, "", 401));
    refuse_remote(both->other, stolen, "POST", EXECUTE, both->read, 401, "invalid_token");
    mseq_value_free(expect_remote(both->other, session, "POST", EXECUTE, both->read, 200));
    change(both, "POST", USERS "reader/set-password/", "{\"password\": \"another password\"}", 200);
    refuse_remote(both->other, session, "POST", EXECUTE, both->read, 401, "invalid_token");
    allowed(both, both->read); /* a personal token is no session */
    free(refresh);
    free(stolen);
    free(session);
}

static void test_data_sources(void **state) {
    const pair *both = *state;
    char path[160];
    snprintf(path, sizeof path, "/orm/api/ts_manager/data_sources/%s/", both->made->source);
    share(both, "add-to-edit");
    allowed(both, both->write);
    change(both, "PATCH", path, "{\"access_mode\": \"read_only\"}", 200);
    allowed(both, both->read);
    refused(both, both->write, 409, "data_source_access");
    change(both, "PATCH", path, "{\"access_mode\": \"disabled\"}", 200);
    refused(both, both->read, 409, "data_source_access");
    change(both, "PATCH", path, "{\"access_mode\": \"read_write\"}", 200);
    allowed(both, both->write);
}

static void test_tables(void **state) {
    const pair *both = *state;
    char path[160];
    allowed(both, both->read);
    snprintf(path, sizeof path, META "%s/", both->table);
    change(both, "DELETE", path, NULL, 200);
    refused(both, both->read, 404, "not_found");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_grants, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_teams, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_tokens_and_users, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_logins, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_ended_sessions, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_data_sources, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_tables, set_up_pair, tear_down_pair),
    };
    return cmocka_run_group_tests_name("two managers, one catalog", tests, NULL, NULL);
}
