/* SPDX-License-Identifier: MIT
 * What happens while a governed statement runs (E34, E35, E38 of core/manager/GOVERNANCE.md):
 * access is taken away, the client goes away, the connection is lost in the middle of a COMMIT. */
#include <pthread.h>

#include "postgresql_helpers.h"
#include "server_helpers.h"

#define DATA_SOURCES "/orm/api/ts_manager/data_sources/"
#define EXECUTE META "execute-operation/"

typedef struct world {
    served *own;
    mseq_dialect dialect;
    char *uri; /* of the data source's database */
    char source[37], table[37];
    int64_t user_id;
    char *authorization; /* of one who may edit the table */
} world;

/* ---- Worlds ------------------------------------------------------------------------------------
 */

static mseq_manager *manager_of(const world *all) {
    return all->own->made->manager;
}

static void share(const world *all, const char *route) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)all->user_id);
    snprintf(path, sizeof path, META "%s/%s/", all->table, route);
    mseq_value_free(expect(manager_of(all), "POST", path, body, 200));
}

static void add_source(world *all) {
    char *body =
        all->dialect == MSEQ_SQLITE
            ? mseq_text_format("{\"class_type\": \"sqlite\", \"path\": \"%s/other.db\"}",
                               all->own->made->folder)
            : mseq_text_format("{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", all->uri);
    mseq_value *source = expect(manager_of(all), "POST", DATA_SOURCES, body, 201);
    snprintf(all->source, sizeof all->source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    free(body);
}

static void register_table(world *all) {
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"app.account\", \"namespace\": \"app\","
        " \"management_mode\": \"external_registered\", \"introspect\": true, \"table_contract\":"
        " {\"version\": \"relational-table.v1\", \"physical\": {\"table_name\": \"account\"},"
        " \"columns\": [{\"name\": \"uid\", \"data_type\": \"int32\", \"backend_type\":"
        " \"INTEGER\"}], \"constraints\": []}}",
        all->source);
    mseq_value *row = expect(manager_of(all), "POST", META "register/", body, 201);
    snprintf(all->table, sizeof all->table, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

static void add_writer(world *all) {
    mseq_value *user = expect(manager_of(all), "POST", "/orm/api/ts_manager/users/",
                              "{\"username\": \"writer\"}", 201);
    mseq_value *token = expect(manager_of(all), "POST", "/orm/api/ts_manager/tokens/",
                               "{\"name\": \"spec\", \"user\": \"writer\"}", 201);
    all->user_id = mseq_object_get_integer(user, "id", 0);
    all->authorization = mseq_text_format("Bearer %s", text_at(token, "access"));
    mseq_value_free(user);
    mseq_value_free(token);
}

/* An operation as that user. */
static mseq_reply execute(const world *all, const char *text) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *body = parse(text);
    request.method = "POST";
    request.path = EXECUTE;
    request.body = body;
    request.authorization = all->authorization;
    mseq_manager_handle_remote(manager_of(all), &request, &reply);
    mseq_value_free(body);
    return reply;
}

static int start_world(void **state, mseq_dialect dialect) {
    void *own = NULL;
    world *all = calloc(1, sizeof *all);
    if (!all)
        return -1;
    if (set_up_server(&own) != 0) {
        free(all);
        return -1;
    }
    all->own = own;
    all->dialect = dialect;
    all->uri = dialect == MSEQ_SQLITE
                   ? mseq_text_format("sqlite:///%s/other.db", all->own->made->folder)
                   : postgresql_database("races");
    run_on(all->uri, "CREATE TABLE account (uid INTEGER PRIMARY KEY, s VARCHAR(20))");
    add_source(all);
    register_table(all);
    add_writer(all);
    share(all, "add-to-edit");
    *state = all;
    return 0;
}

static int on_sqlite(void **state) {
    return start_world(state, MSEQ_SQLITE);
}

static int on_postgresql(void **state) {
    return start_world(state, MSEQ_POSTGRESQL);
}

static int stop_world(void **state) {
    world *all = *state;
    void *own = all->own;
    free(all->authorization);
    free(all->uri);
    free(all);
    return tear_down_server(&own);
}

static char *operation_of(const world *all, const char *kind, const char *access, const char *sql) {
    return mseq_text_format(
        "{\"operation\": \"%s\", \"dialect\": \"%s\", \"statement\": {\"sql\": \"%s\"}, \"scope\":"
        " {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\", \"access\":"
        " \"%s\"}]}, \"limits\": {\"statement_timeout_ms\": 120000}}",
        kind, mseq_dialect_name(all->dialect), sql, all->source, all->table, access);
}

/* ---- E38: access is taken away while the statement waits ---------------------------------------
 */

typedef struct sent {
    const world *all;
    char *body;
    mseq_reply reply;
} sent;

static void *send_it(void *data) {
    sent *s = data;
    s->reply = execute(s->all, s->body);
    return NULL;
}

/* Another session holds what the statement needs; meanwhile its author loses the right to it. */
static void taken_away(const world *all, const char *route, int status, const char *code) {
    mseq_database *database = open_uri(all->uri);
    mseq_connection *holder = connect_to(database);
    pthread_t thread;
    sent s = {all,
              operation_of(all, "upsert", "write",
                           "INSERT INTO account (uid, s) VALUES (7, 'stolen') ON CONFLICT (uid)"
                           " DO UPDATE SET s = excluded.s"),
              MSEQ_REPLY_INIT};
    assert_int_equal(mseq_connection_begin(holder, true, NULL), MSEQ_OK);
    run(holder, "INSERT INTO account (uid, s) VALUES (7, 'held')", NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, send_it, &s), 0);
    if (all->dialect == MSEQ_POSTGRESQL)
        wait_on(all->uri, "SELECT count(*) FROM pg_locks WHERE NOT granted", "1");
    else /* nothing tells that it waits; later, it is refused at once, which is as good */
        usleep(200000);
    share(all, route);
    mseq_connection_rollback(holder);
    pthread_join(thread, NULL);
    assert_int_equal(s.reply.status, status);
    assert_string_equal(text_at(s.reply.body, "code"), code);
    expect_on(all->uri, "SELECT count(*) FROM account", "0");
    mseq_reply_free(&s.reply);
    free(s.body);
    mseq_connection_release(holder);
    mseq_database_close(database);
}

static void test_access_taken_away(void **state) {
    const world *all = *state;
    share(all, "add-to-view");
    taken_away(all, "remove-from-edit", 403, "edit_required");
    share(all, "add-to-edit");
    share(all, "remove-from-view");
    taken_away(all, "remove-from-edit", 404, "not_found");
}

/* Access of others changes: the statement is judged again, and done once. */
static void test_access_of_others(void **state) {
    const world *all = *state;
    mseq_database *database = open_uri(all->uri);
    mseq_connection *holder = connect_to(database);
    pthread_t thread;
    sent s = {all, operation_of(all, "insert", "write", "INSERT INTO account (uid) VALUES (7)"),
              MSEQ_REPLY_INIT};
    assert_int_equal(mseq_connection_begin(holder, true, NULL), MSEQ_OK);
    run(holder, "INSERT INTO account (uid) VALUES (7)", NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, send_it, &s), 0);
    if (all->dialect == MSEQ_POSTGRESQL)
        wait_on(all->uri, "SELECT count(*) FROM pg_locks WHERE NOT granted", "1");
    share(all, "add-to-view"); /* of the same user, but nothing is lost by it */
    mseq_connection_rollback(holder);
    pthread_join(thread, NULL);
    assert_int_equal(s.reply.status, 200);
    assert_int_equal(mseq_object_get_integer(s.reply.body, "row_count", -1), 1);
    expect_on(all->uri, "SELECT count(*) FROM account", "1");
    mseq_reply_free(&s.reply);
    free(s.body);
    mseq_connection_release(holder);
    mseq_database_close(database);
}

/* ---- E35: the client goes away -----------------------------------------------------------------
 */

#define RUNNING                                                                                    \
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname ="                   \
    " current_database() AND pid <> pg_backend_pid()"

static void test_client_goes_away(void **state) {
    const world *all = *state;
    char *body = operation_of(all, "select", "read", ENDLESS);
    log_in(all->own);
    for (int hard = 0; hard < 2; hard++) {
        int client = ask(all->own, "POST", EXECUTE, "", body);
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        wait_on(all->uri, RUNNING, "1");
        if (hard)
            setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(client);
        wait_on(all->uri, RUNNING, "0"); /* long before its time limit */
    }
    free(body);
    assert_true(logged(all->own, "\"code\": \"cancelled\""));
}

/* A write that was given up has not happened. */
static void test_writer_goes_away(void **state) {
    const world *all = *state;
    mseq_database *database = open_uri(all->uri);
    mseq_connection *holder = connect_to(database);
    char *body = operation_of(all, "insert", "write", "INSERT INTO account (uid) VALUES (7)");
    log_in(all->own);
    assert_int_equal(mseq_connection_begin(holder, true, NULL), MSEQ_OK);
    run(holder, "INSERT INTO account (uid) VALUES (7)", NULL, NULL);
    int client = ask(all->own, "POST", EXECUTE, "", body);
    wait_on(all->uri, "SELECT count(*) FROM pg_locks WHERE NOT granted", "1");
    close(client);
    wait_on(all->uri, "SELECT count(*) FROM pg_locks WHERE NOT granted", "0");
    mseq_connection_rollback(holder);
    expect_on(all->uri, "SELECT count(*) FROM account", "0");
    free(body);
    mseq_connection_release(holder);
    mseq_database_close(database);
}

/* ---- E34: the connection is lost in the middle of a COMMIT -------------------------------------
 */

/* What is checked at the end of the transaction ends the session that commits. */
static void test_lost_commit(void **state) {
    const world *all = *state;
    run_on(all->uri, "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM"
                     " pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; CREATE"
                     " CONSTRAINT TRIGGER leaving AFTER INSERT ON account DEFERRABLE INITIALLY"
                     " DEFERRED FOR EACH ROW EXECUTE FUNCTION leave()");
    char *body = operation_of(all, "insert", "write", "INSERT INTO account (uid) VALUES (9)");
    mseq_reply reply = execute(all, body);
    char *text = to_text(reply.body);
    if (strcmp(text_at(reply.body, "code"), "reconciliation_required") != 0)
        fail_msg("%s", text);
    free(text);
    assert_int_equal(reply.status, 500);
    assert_null(reply.retry_after); /* nobody may take it for an invitation to send it again */
    assert_non_null(strstr(text_at(reply.body, "hint"), "read the rows"));
    mseq_reply_free(&reply);
    /* it was tried once, and what is told is what happened */
    mseq_value *page =
        expect(manager_of(all), "GET", "/orm/api/ts_manager/operations/?limit=10", NULL, 200);
    const mseq_value *list = mseq_object_get(page, "results");
    assert_int_equal(mseq_value_length(list), 1);
    assert_string_equal(text_at(mseq_array_get(list, 0), "verdict"), "reconciliation_required");
    mseq_value_free(page);
    run_on(all->uri, "DROP TRIGGER leaving ON account; DROP FUNCTION leave()");
    reply = execute(all, body);
    assert_int_equal(reply.status, 200);
    mseq_reply_free(&reply);
    expect_on(all->uri, "SELECT count(*) FROM account", "1");
    free(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_access_taken_away, on_sqlite, stop_world),
        cmocka_unit_test_setup_teardown(test_access_of_others, on_sqlite, stop_world),
        cmocka_unit_test_setup_teardown(test_access_taken_away, on_postgresql, stop_world),
        cmocka_unit_test_setup_teardown(test_access_of_others, on_postgresql, stop_world),
        cmocka_unit_test_setup_teardown(test_client_goes_away, on_postgresql, stop_world),
        cmocka_unit_test_setup_teardown(test_writer_goes_away, on_postgresql, stop_world),
        cmocka_unit_test_setup_teardown(test_lost_commit, on_postgresql, stop_world),
    };
    return cmocka_run_group_tests_name("while a governed statement runs", tests, NULL, NULL);
}
