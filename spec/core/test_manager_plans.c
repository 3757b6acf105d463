/* SPDX-License-Identifier: MIT
 * Operations that come again: what is remembered of the first execution holds for the same
 * document of the same caller under the same catalog, and for nothing else. Every case is sent
 * twice or more, so that the later ones are those that are remembered. */
#include <fcntl.h>
#include <sys/stat.h>

#include "access_helpers.h"

#define EXECUTE META "execute-operation/"

typedef struct shelf {
    fixture *made;
    char table[37], hidden[37];
    int64_t reader_id;
    char *token;
} shelf;

static void register_table(const shelf *own, const char *name, char uid[37]) {
    char *body = fill(own->made,
                      "{\"data_source_uid\": \"$S\", \"identifier\": \"app.$R\","
                      " \"management_mode\": \"external_registered\", \"introspect\": true,"
                      " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\":"
                      " {\"table_name\": \"$R\"}, \"columns\": [{\"name\": \"id\","
                      " \"data_type\": \"int64\", \"backend_type\": \"INTEGER\"}],"
                      " \"constraints\": []}}",
                      name);
    mseq_value *row = expect(own->made->manager, "POST", META "register/", body, 201);
    snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

static void change(const shelf *own, const char *method, const char *path, const char *json,
                   int status) {
    mseq_value_free(expect(own->made->manager, method, path, json, status));
}

static void share(const shelf *own, const char *route) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)own->reader_id);
    snprintf(path, sizeof path, META "%s/%s/", own->table, route);
    change(own, "POST", path, body, 200);
}

static int set_up_shelf(void **state) {
    void *made = NULL;
    if (set_up_timed(&made) != 0)
        return -1;
    shelf *own = calloc(1, sizeof *own);
    assert_non_null(own);
    own->made = made;
    run_on_data(own->made,
                "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT, good BOOLEAN, born DATE,"
                " seen TIMESTAMP);"
                "CREATE TABLE hidden (id INTEGER PRIMARY KEY);"
                "INSERT INTO thing VALUES (1, 'one', 1, '2026-01-01', NULL),"
                " (2, 'two', 0, '2026-01-02', NULL), (3, 'three', 1, '2026-01-03', NULL)");
    register_table(own, "thing", own->table);
    register_table(own, "hidden", own->hidden);
    own->reader_id = add_user(own->made->manager, "reader", false);
    own->token = log_in(own->made->manager, "reader", NULL);
    share(own, "add-to-view");
    *state = own;
    return 0;
}

static int tear_down_shelf(void **state) {
    shelf *own = *state;
    void *made = own->made;
    free(own->token);
    free(own);
    return tear_down(&made);
}

/* A document with what follows the scope's table and what stands in the statement. free() it. */
static char *document(const shelf *own, const char *kind, const char *access, const char *sql,
                      const char *statement, const char *more) {
    return mseq_text_format("{\"operation\": \"%s\", \"dialect\": \"sqlite\", \"scope\":"
                            " {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\":"
                            " \"%s\", \"access\": \"%s\"}]}, \"statement\": {\"sql\": \"%s\"%s}%s}",
                            kind, own->made->source, own->table, access, sql, statement, more);
}

static char *select_of(const shelf *own, const char *sql, const char *statement) {
    return document(own, "select", "read", sql, statement, "");
}

static void rows_at(int line, const shelf *own, const char *token, char *body, const char *rows) {
    mseq_value *reply =
        token ? expect_remote_at(__FILE__, line, own->made->manager, token, "POST", EXECUTE, body,
                                 200)
              : expect_at(__FILE__, line, own->made->manager, "POST", EXECUTE, body, 200);
    char *text = to_text(mseq_object_get(reply, "rows"));
    if (strcmp(text, rows) != 0)
        fail_msg("line %d: the rows are %s, not %s", line, text, rows);
    free(text);
    free(body);
    mseq_value_free(reply);
}
#define rows_are(own, token, body, rows) rows_at(__LINE__, own, token, body, rows)

static void denied_at(int line, const shelf *own, const char *token, char *body, int status,
                      const char *code) {
    if (token)
        refuse_remote_at(__FILE__, line, own->made->manager, token, "POST", EXECUTE, body, status,
                         code);
    else
        refuse_at(__FILE__, line, own->made->manager, "POST", EXECUTE, body, status, code, NULL);
    free(body);
}
#define denied(own, token, body, status, code) denied_at(__LINE__, own, token, body, status, code)

/* ---- Values ------------------------------------------------------------------------------------
 */

#define BY_ID "SELECT name FROM thing WHERE id = %(id)s"

static void test_values(void **state) {
    const shelf *own = *state;
    for (int i = 0; i < 3; i++) {
        rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"),
                 "[{\"name\": \"one\"}]");
        rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 2}"),
                 "[{\"name\": \"two\"}]");
        rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": \"3\"}"),
                 "[{\"name\": \"three\"}]");
        rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 4}"), "[]");
    }
}

static void test_wrong_parameters(void **state) {
    const shelf *own = *state;
    static const struct {
        const char *statement, *code;
    } wrong[] = {
        {"", "parameter_missing"},
        {", \"parameters\": {}", "parameter_missing"},
        {", \"parameters\": {\"id\": 1, \"more\": 2}", "parameter_unused"},
        {", \"parameters\": [1]", "parameter_unused"},
        {", \"parameters\": 7", "wrong_kind"},
        {", \"parameters\": null", "wrong_kind"},
        {", \"parameters\": {\"id\": 1}, \"parameter\": {}", "unknown_key"},
        {", \"parameters\": {\"id\": 1}, \"paramstyle\": \"named\"", "bad_value"},
    };
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"),
                     "[{\"name\": \"one\"}]");
            denied(own, NULL, select_of(own, BY_ID, wrong[k].statement), 400, wrong[k].code);
        }
    }
}

static void test_declared_types(void **state) {
    const shelf *own = *state;
    static const char sql[] = "SELECT id FROM thing WHERE born = %(day)s",
                      typed[] = ", \"parameter_types\": {\"day\": \"date\"}";
    static const char *const days[] = {"2026-01-01", "2026-01-02T10:00:00Z", "2026-01-03"};
    for (int i = 0; i < 9; i++) {
        char rows[32], *statement = mseq_text_format(", \"parameters\": {\"day\": \"%s\"}%s",
                                                     days[i % 3], typed);
        snprintf(rows, sizeof rows, "[{\"id\": %d}]", i % 3 + 1);
        rows_are(own, NULL, select_of(own, sql, statement), rows);
        free(statement);
        statement = mseq_text_format(", \"parameters\": {\"day\": \"%s\"}%s", "soon", typed);
        denied(own, NULL, select_of(own, sql, statement), 400, "bad_value");
        free(statement);
    }
    /* the same without a type is another document: the text is compared as it is */
    rows_are(own, NULL, select_of(own, sql, ", \"parameters\": {\"day\": \"2026-01-02\"}"),
             "[{\"id\": 2}]");
    rows_are(own, NULL, select_of(own, sql, ", \"parameters\": {\"day\": \"soon\"}"), "[]");
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

static void test_limits(void **state) {
    const shelf *own = *state;
    static const char sql[] = "SELECT id FROM thing ORDER BY id";
    for (int i = 0; i < 3; i++) {
        rows_are(own, NULL,
                 document(own, "select", "read", sql, "", ", \"limits\": {\"max_rows\": 1}"),
                 "[{\"id\": 1}]");
        rows_are(own, NULL,
                 document(own, "select", "read", sql, "",
                          ", \"limits\": {\"max_rows\": 1, \"offset\": 1}"),
                 "[{\"id\": 2}]");
        rows_are(own, NULL, document(own, "select", "read", sql, "", ", \"limits\": null"),
                 "[{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]");
        denied(own, NULL,
               document(own, "select", "read", sql, "", ", \"limits\": {\"max_rows\": 0}"), 400,
               "bad_value");
    }
}

static void test_documents(void **state) {
    const shelf *own = *state;
    static const char sql[] = "UPDATE thing SET name = name";
    for (int i = 0; i < 2; i++) {
        rows_are(own, NULL, document(own, "update", "write", sql, "", ""), "[]");
        denied(own, NULL, document(own, "update", "read", sql, "", ""), 400, "write_not_permitted");
        denied(own, NULL, document(own, "select", "write", sql, "", ""), 400, "kind_mismatch");
        denied(own, NULL, document(own, "update", "write", sql, "", ", \"more\": 1"), 400,
               "unknown_key");
        denied(own, NULL,
               document(own, "update", "write", sql, "", ", \"version\": \"compiled-sql.v2\""), 400,
               "bad_value");
    }
    refuse(own->made->manager, "POST", EXECUTE, "[]", 400, "wrong_kind", NULL);
    refuse(own->made->manager, "POST", EXECUTE, "{\"statement\": []}", 400, "missing_field", NULL);
}

/* More than are remembered, each with an answer of its own; and one that is too long to be. */
static void test_many(void **state) {
    const shelf *own = *state;
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 400; k++) {
            char sql[64], rows[64];
            snprintf(sql, sizeof sql, "SELECT id + %d AS n FROM thing WHERE id = 1", k);
            snprintf(rows, sizeof rows, "[{\"n\": %d}]", k + 1);
            rows_are(own, NULL, select_of(own, sql, ""), rows);
        }
        char *sql = mseq_text_format("SELECT id %20000s FROM thing WHERE id = %%(id)s", "");
        rows_are(own, NULL, select_of(own, sql, ", \"parameters\": {\"id\": 1}"), "[{\"id\": 1}]");
        rows_are(own, NULL, select_of(own, sql, ", \"parameters\": {\"id\": 2}"), "[{\"id\": 2}]");
        free(sql);
    }
}

/* ---- Callers -----------------------------------------------------------------------------------
 */

static void test_callers(void **state) {
    const shelf *own = *state;
    static const char sql[] = "UPDATE thing SET name = name RETURNING id";
    char path[96];
    for (int i = 0; i < 2; i++) {
        rows_are(own, NULL, document(own, "update", "write", sql, "", ""),
                 "[{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]");
        denied(own, own->token, document(own, "update", "write", sql, "", ""), 403,
               "edit_required");
    }
    share(own, "add-to-edit");
    rows_are(own, own->token, document(own, "update", "write", sql, "", ""),
             "[{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]");
    share(own, "remove-from-edit");
    denied(own, own->token, document(own, "update", "write", sql, "", ""), 403, "edit_required");
    /* an admin sees everything, until they are none */
    snprintf(path, sizeof path, USERS "reader/");
    change(own, "PATCH", path, "{\"is_organization_admin\": true}", 200);
    for (int i = 0; i < 2; i++)
        rows_are(own, own->token, document(own, "update", "write", sql, "", ""),
                 "[{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]");
    change(own, "PATCH", path, "{\"is_organization_admin\": false}", 200);
    denied(own, own->token, document(own, "update", "write", sql, "", ""), 403, "edit_required");
}

/* A stream judges the kind of its operation, however well another route knows the document. */
static void test_other_routes(void **state) {
    const shelf *own = *state;
    for (int i = 0; i < 2; i++) {
        char *body = document(own, "update", "write", "UPDATE thing SET name = name", "", "");
        mseq_request request = MSEQ_REQUEST_INIT;
        mseq_reply reply = MSEQ_REPLY_INIT;
        mseq_value *sent = parse(body);
        mseq_value_free(expect(own->made->manager, "POST", EXECUTE, body, 200));
        request.method = "POST";
        request.path = META "stream-operation/";
        request.body = sent;
        request.takes_stream = true;
        mseq_manager_handle(own->made->manager, &request, &reply);
        assert_int_equal(reply.status, 400);
        assert_string_equal(text_at(reply.body, "code"), "not_a_select");
        mseq_reply_free(&reply);
        mseq_value_free(sent);
        free(body);
    }
}

/* ---- The catalog -------------------------------------------------------------------------------
 */

/* The types that values are shown by follow the table when it is looked at again. */
static void test_types(void **state) {
    const shelf *own = *state;
    char path[160];
    static const char sql[] = "SELECT good FROM thing WHERE id = 1";
    for (int i = 0; i < 2; i++)
        rows_are(own, NULL, select_of(own, sql, ""), "[{\"good\": true}]");
    run_on_data(own->made, "ALTER TABLE thing RENAME COLUMN good TO fine;"
                           "ALTER TABLE thing ADD COLUMN good INTEGER; UPDATE thing SET good = 7");
    snprintf(path, sizeof path, META "%s/introspect/", own->table);
    change(own, "POST", path, "{}", 200);
    for (int i = 0; i < 2; i++)
        rows_are(own, NULL, select_of(own, sql, ""), "[{\"good\": 7}]");
}

static void test_table_gone(void **state) {
    const shelf *own = *state;
    char path[160];
    for (int i = 0; i < 2; i++)
        rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"),
                 "[{\"name\": \"one\"}]");
    /* from the database, behind the manager's back */
    run_on_data(own->made, "ALTER TABLE thing RENAME TO other");
    for (int i = 0; i < 2; i++)
        denied(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), 400,
               "invalid_statement");
    run_on_data(own->made, "ALTER TABLE other RENAME TO thing");
    rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 2}"),
             "[{\"name\": \"two\"}]");
    snprintf(path, sizeof path, META "%s/", own->table);
    change(own, "DELETE", path, NULL, 200);
    for (int i = 0; i < 2; i++)
        denied(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), 404, "not_found");
}

#define RAISE                                                                                      \
    "UPDATE access_state SET revision = revision + 1, catalog_revision = catalog_revision + 1"

/* Another program that writes the catalog itself, as every server does. */
static void test_written_by_others(void **state) {
    const shelf *own = *state;
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    for (int i = 0; i < 2; i++)
        rows_are(own, own->token, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"),
                 "[{\"name\": \"one\"}]");
    mseq_connection *catalog = open_catalog(own->made->folder, &database);
    assert_int_equal(mseq_connection_begin(catalog, true, &err), MSEQ_OK);
    assert_int_equal(mseq_connection_script(catalog, "DELETE FROM user_grant; " RAISE, &err),
                     MSEQ_OK);
    /* not committed: nobody has seen it yet */
    rows_are(own, own->token, select_of(own, BY_ID, ", \"parameters\": {\"id\": 2}"),
             "[{\"name\": \"two\"}]");
    assert_int_equal(mseq_connection_commit(catalog, &err), MSEQ_OK);
    for (int i = 0; i < 2; i++)
        denied(own, own->token, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), 404,
               "not_found");
    mseq_connection_release(catalog);
    mseq_database_close(database);
}

/* ---- Data sources whose URI is not in the catalog ----------------------------------------------
 */

static void write_catalog(const shelf *own, const char *script) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *catalog = open_catalog(own->made->folder, &database);
    if (mseq_connection_script(catalog, script, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_connection_release(catalog);
    mseq_database_close(database);
}

/* A second file beside data.sqlite, whose name is as long. */
static void make_twin(const shelf *own) {
    char uri[160];
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_database *database = NULL;
    mseq_connection *connection = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s/twin.sqlite", own->made->folder);
    options.uri = uri;
    assert_int_equal(mseq_database_open(&options, &database, &err), MSEQ_OK);
    assert_int_equal(mseq_database_connect(database, &connection, &err), MSEQ_OK);
    assert_int_equal(mseq_connection_script(connection,
                                            "CREATE TABLE thing (id INTEGER, name TEXT);"
                                            "INSERT INTO thing VALUES (1, 'twin')",
                                            &err),
                     MSEQ_OK);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static void write_secret(const shelf *own, const char *file) {
    char path[160];
    snprintf(path, sizeof path, "%s/secrets", own->made->folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/secrets/%s.uri", own->made->folder, own->made->source);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    assert_int_equal(dprintf(descriptor, "sqlite:///%s/%s", own->made->folder, file),
                     strlen(own->made->folder) + strlen(file) + 11);
    close(descriptor);
}

static void reads(const shelf *own, const char *name) {
    char rows[64];
    snprintf(rows, sizeof rows, "[{\"name\": \"%s\"}]", name);
    for (int i = 0; i < 2; i++)
        rows_are(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), rows);
}

/* Written over within the same tick of the file system's clock, and after a while. */
static void test_secret_file(void **state) {
    const shelf *own = *state;
    char path[160];
    make_twin(own);
    write_secret(own, "data.sqlite");
    write_catalog(own, "UPDATE data_source SET secret_kind = 'file'; " RAISE);
    for (int i = 0; i < 20; i++) {
        reads(own, "one");
        write_secret(own, "twin.sqlite");
        reads(own, "twin");
        write_secret(own, "data.sqlite");
    }
    sleep(4);
    for (int i = 0; i < 3; i++)
        reads(own, "one");
    write_secret(own, "twin.sqlite");
    reads(own, "twin");
    sleep(4);
    reads(own, "twin");
    snprintf(path, sizeof path, "%s/secrets/%s.uri", own->made->folder, own->made->source);
    assert_int_equal(chmod(path, 0644), 0);
    denied(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), 500,
           "secret_unavailable");
    assert_int_equal(chmod(path, 0600), 0);
    reads(own, "twin");
    assert_int_equal(unlink(path), 0);
    denied(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), 500,
           "secret_unavailable");
}

static void test_secret_variable(void **state) {
    const shelf *own = *state;
    char data[160], twin[160];
    make_twin(own);
    snprintf(data, sizeof data, "sqlite:///%s/data.sqlite", own->made->folder);
    snprintf(twin, sizeof twin, "sqlite:///%s/twin.sqlite", own->made->folder);
    setenv("MSEQ_TEST_PLANS_URI", data, 1);
    write_catalog(own, "UPDATE data_source SET secret_kind = 'environment',"
                       " secret_name = 'MSEQ_TEST_PLANS_URI'; " RAISE);
    for (int i = 0; i < 3; i++) {
        setenv("MSEQ_TEST_PLANS_URI", data, 1);
        reads(own, "one");
        setenv("MSEQ_TEST_PLANS_URI", twin, 1);
        reads(own, "twin");
    }
    unsetenv("MSEQ_TEST_PLANS_URI");
    denied(own, NULL, select_of(own, BY_ID, ", \"parameters\": {\"id\": 1}"), 500,
           "secret_unavailable");
}

/* ---- The log -----------------------------------------------------------------------------------
 */

static void check_line(const mseq_value *line, const char *user, const char *operation,
                       int64_t rows, const char *verdict) {
    const mseq_value *table = mseq_array_get(mseq_object_get(line, "tables"), 0);
    assert_string_equal(text_at(line, "username"), user);
    assert_string_equal(text_at(line, "operation"), operation);
    assert_string_equal(text_at(table, "name"), "thing");
    assert_int_equal(mseq_object_get_integer(line, "rows", -1), rows);
    assert_string_equal(text_at(line, "verdict"), verdict);
}

static void test_log(void **state) {
    const shelf *own = *state;
    static const char sql[] = "SELECT id FROM thing WHERE id > %(id)s";
    for (int i = 0; i < 3; i++) {
        rows_are(own, NULL, select_of(own, sql, ", \"parameters\": {\"id\": 1}"),
                 "[{\"id\": 2}, {\"id\": 3}]");
        rows_are(own, own->token, select_of(own, sql, ", \"parameters\": {\"id\": 2}"),
                 "[{\"id\": 3}]");
        denied(own, own->token, select_of(own, sql, ", \"parameters\": {}"), 400,
               "parameter_missing");
    }
    write_catalog(own, "UPDATE platform_user SET username = 'renamed \"x\"'"
                       " WHERE username = 'reader'; " RAISE);
    rows_are(own, own->token, select_of(own, sql, ", \"parameters\": {\"id\": 3}"), "[]");
    mseq_value *reply =
        expect(own->made->manager, "GET", "/orm/api/ts_manager/operations/?limit=10", NULL, 200);
    const mseq_value *lines = mseq_object_get(reply, "results");
    assert_int_equal(mseq_value_length(lines), 10);
    check_line(mseq_array_get(lines, 0), "renamed \"x\"", "select", 0, "ok");
    for (size_t i = 0; i < 9; i += 3) { /* the last first */
        check_line(mseq_array_get(lines, i + 1), "reader", "select", 0, "parameter_missing");
        check_line(mseq_array_get(lines, i + 2), "reader", "select", 1, "ok");
        check_line(mseq_array_get(lines, i + 3), "local", "select", 2, "ok");
    }
    mseq_value_free(reply);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_wrong_parameters, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_declared_types, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_limits, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_documents, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_many, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_callers, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_other_routes, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_types, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_table_gone, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_written_by_others, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_secret_file, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_secret_variable, set_up_shelf, tear_down_shelf),
        cmocka_unit_test_setup_teardown(test_log, set_up_shelf, tear_down_shelf),
    };
    return cmocka_run_group_tests_name("operations that come again", tests, NULL, NULL);
}
