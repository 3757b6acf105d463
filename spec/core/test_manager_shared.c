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
        cmocka_unit_test_setup_teardown(test_data_sources, set_up_pair, tear_down_pair),
        cmocka_unit_test_setup_teardown(test_tables, set_up_pair, tear_down_pair),
    };
    return cmocka_run_group_tests_name("two managers, one catalog", tests, NULL, NULL);
}
