/* SPDX-License-Identifier: MIT
 * For the tests of the roles that statements run under: a PostgreSQL data source, a user who may
 * view one of its tables and edit another, and what their role may do when nobody judges. */
#ifndef FENCE_HELPERS_H
#define FENCE_HELPERS_H

#include "access_helpers.h"
#include "postgresql_helpers.h"

#define DATA_SOURCES "/orm/api/ts_manager/data_sources/"

typedef struct world {
    fixture *made;
    char *uri;    /* the superuser's, of the data source's database */
    char *reader; /* the access token of a user who is no admin */
    int64_t reader_id;
    char source[37], asset[37], account[37], hidden[37];
} world;

static world all;

static inline void on_database(const char *sql) {
    run_on(all.uri, sql);
}

static inline void register_table(const char *name, char uid[37]) {
    char body[1024];
    snprintf(body, sizeof body,
             "{\"data_source_uid\": \"%s\", \"identifier\": \"app.%s\", \"namespace\": \"app\","
             " \"management_mode\": \"external_registered\", \"introspect\": true,"
             " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\":"
             " {\"table_name\": \"%s\"}, \"columns\": [{\"name\": \"id\", \"data_type\": \"int32\","
             " \"backend_type\": \"INTEGER\"}], \"constraints\": []}}",
             all.source, name, name);
    mseq_value *row = expect(all.made->manager, "POST", META "register/", body, 201);
    snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
}

static inline void share(const char *uid, const char *route) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)all.reader_id);
    snprintf(path, sizeof path, META "%s/%s/", uid, route);
    mseq_value_free(expect(all.made->manager, "POST", path, body, 200));
}

static inline void operation_body(char body[2048], const char *kind, const char *uid,
                                  const char *access, const char *sql) {
    snprintf(body, 2048,
             "{\"operation\": \"%s\", \"version\": \"compiled-sql.v1\", \"dialect\": "
             "\"postgresql\", \"statement\": {\"sql\": \"%s\", \"parameters\": {}, \"paramstyle\": "
             "\"pyformat\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\": "
             "[{\"meta_table_uid\": \"%s\", \"access\": \"%s\"}]}}",
             kind, sql, all.source, uid, access);
}

/* As the reader; `code` NULL: it succeeds. */
static inline void execute(const char *kind, const char *uid, const char *access, const char *sql,
                           int status, const char *code) {
    char body[2048];
    operation_body(body, kind, uid, access, sql);
    mseq_value *reply = expect_remote(all.made->manager, all.reader, "POST",
                                      META "execute-operation/", body, status);
    if (code)
        assert_string_equal(text_at(reply, "code"), code);
    mseq_value_free(reply);
}

/* ---- The role without any judge ----------------------------------------------------------------
 */

/* What the superuser gets; see value_on. */
static inline char *ask_database(const char *sql) {
    return value_on(all.uri, sql);
}

static inline void expect_answer(const char *sql, const char *expected) {
    expect_on(all.uri, sql, expected);
}

/* The name of the reader's role in the data source, "" when they have none; free() it. */
static inline char *reader_role(void) {
    mseq_database *catalog = NULL;
    mseq_value *rows = NULL;
    mseq_connection *connection = open_catalog(all.made->folder, &catalog);
    assert_int_equal(mseq_connection_execute(connection,
                                             "SELECT role_name FROM fence_role WHERE "
                                             "user_uid IN (SELECT uid FROM platform_user WHERE "
                                             "username = 'reader')",
                                             NULL, &rows, NULL, NULL),
                     MSEQ_OK);
    const char *name = mseq_object_get_text(mseq_array_get(rows, 0), "role_name");
    char *role = strdup(name ? name : "");
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(catalog);
    return role;
}

/* A connection as the reader's role, with a password that the superuser gives it. */
static inline mseq_connection *as_role(mseq_database **database) {
    char *role = reader_role();
    char *sql =
        mseq_text_format("ALTER ROLE %s PASSWORD 'of-the-test' VALID UNTIL 'infinity'", role);
    assert_string_not_equal(role, "");
    on_database(sql);
    char *uri = mseq_text_format("postgresql://%s:of-the-test%s", role, strchr(all.uri, '@'));
    *database = open_uri(uri);
    free(uri);
    free(sql);
    free(role);
    return connect_to(*database);
}

static inline void role_may(const char *sql, bool may) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *connection = as_role(&database);
    mseq_status status = fails(connection, sql, NULL, &err);
    if (may && status != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
    if (!may && (status == MSEQ_OK || strcmp(err.sqlstate, "42501") != 0))
        fail_msg("%s: %s (%s)", sql, status == MSEQ_OK ? "done" : err.message, err.sqlstate);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static inline void patch_source(const char *json) {
    char path[128];
    snprintf(path, sizeof path, DATA_SOURCES "%s/", all.source);
    mseq_value_free(expect(all.made->manager, "PATCH", path, json, 200));
}

/* ---- The world ---------------------------------------------------------------------------------
 */

/* A data source at `uri` (NULL: the superuser's) in all.uri's database: its tables asset, account
 * and hidden, of which the reader may view the first and edit the second. */
static inline void make_source(const char *uri) {
    char body[512];
    snprintf(body, sizeof body, "{\"class_type\": \"postgresql\", \"uri\": \"%s\"}",
             uri ? uri : all.uri);
    mseq_value *source = expect(all.made->manager, "POST", DATA_SOURCES, body, 201);
    snprintf(all.source, sizeof all.source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    register_table("asset", all.asset);
    register_table("account", all.account);
    register_table("hidden", all.hidden);
}

static inline void make_reader(void) {
    all.reader_id = add_user(all.made->manager, "reader", false);
    all.reader = log_in(all.made->manager, "reader", NULL);
    share(all.asset, "add-to-view");
    share(all.account, "add-to-edit");
}

#define FENCE_TABLES                                                                               \
    "CREATE TABLE asset (id int PRIMARY KEY, v text);"                                             \
    "CREATE TABLE account (id serial PRIMARY KEY, v text);"                                        \
    "CREATE TABLE hidden (id int, v text); CREATE VIEW v_hidden AS SELECT * FROM hidden"

static inline int start_world(void **state, const char *database) {
    if (set_up_timed(state) != 0)
        return -1;
    all.made = *state;
    all.uri = postgresql_database(database);
    on_database(FENCE_TABLES);
    make_source(NULL);
    make_reader();
    return 0;
}

/* The same, but the data source's user is no superuser: it owns the database and may make roles. */
static inline int start_keeper_world(void **state, const char *database) {
    if (set_up_timed(state) != 0)
        return -1;
    all.made = *state;
    all.uri = postgresql_database(database);
    on_database(
        "DROP ROLE IF EXISTS keeper; CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'keepers'");
    char *sql = mseq_text_format(
        "ALTER DATABASE %s OWNER TO keeper; SET ROLE keeper; " FENCE_TABLES, database);
    on_database(sql);
    free(sql);
    char *uri = mseq_text_format("postgresql://keeper:keepers%s", strchr(all.uri, '@'));
    make_source(uri);
    free(uri);
    make_reader();
    return 0;
}

static inline int stop_world(void **state) {
    free(all.reader);
    free(all.uri);
    return tear_down(state);
}

#endif
