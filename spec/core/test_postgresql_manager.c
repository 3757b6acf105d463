/* SPDX-License-Identifier: MIT
 * Room `manager` on PostgreSQL: every test of the manager once more with its catalog there, and
 * what only such a catalog has. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "access_helpers.h"
#include "postgresql_helpers.h"

/* ---- The other tests ---------------------------------------------------------------------------
 */

/* Runs the program beside this one; its output is shown when it fails. */
static void run_program(const char *name) {
    char line[1024], last[1024] = "";
    const char *self = program_invocation_name, *slash = strrchr(self, '/');
    mseq_buffer output = MSEQ_BUFFER_INIT;
    char *command = mseq_text_format("'%.*s/%s' 2>&1", slash ? (int)(slash - self) : 1,
                                     slash ? self : ".", name);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): a program of our own
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe)) {
        mseq_buffer_append_text(&output, line);
        if (line[0] != '\n')
            snprintf(last, sizeof last, "%s", line);
    }
    int status = pclose(pipe);
    if (status != 0 || !strstr(last, "PASSED"))
        fail_msg("%s:\n%s", name, mseq_buffer_text(&output));
    mseq_buffer_free(&output);
    free(command);
}

#define RUN_PROGRAM(name)                                                                          \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        run_program(#name);                                                                        \
    }
RUN_PROGRAM(test_manager)
RUN_PROGRAM(test_manager_access)
RUN_PROGRAM(test_manager_auth)
RUN_PROGRAM(test_manager_discovery)
RUN_PROGRAM(test_manager_execute)
RUN_PROGRAM(test_manager_registration)
RUN_PROGRAM(test_manager_series)
RUN_PROGRAM(test_manager_shared)
RUN_PROGRAM(test_manager_sharing)
RUN_PROGRAM(test_manager_tables)

/* ---- Versions ----------------------------------------------------------------------------------
 */

static void run_on_catalog(const char *folder, const char *sql) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *connection = open_catalog(folder, &database);
    if (mseq_connection_script(connection, sql, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static void refuse_open(const char *folder, const char *code) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.directory = folder;
    options.catalog = test_catalog(folder);
    assert_int_not_equal(mseq_manager_open(&options, &manager, &err), MSEQ_OK);
    assert_string_equal(err.code, code);
    assert_null(strstr(err.message, "password"));
    const char *password = strchr(strchr(postgresql_uri(), ':') + 3, ':') + 1;
    char secret[64];
    snprintf(secret, sizeof secret, "%.*s", (int)strcspn(password, "@"), password);
    assert_null(strstr(err.message, secret));
}

static void test_versions(void **state) {
    const fixture *made = *state;
    run_on_catalog(made->folder, "UPDATE catalog_version SET version = version + 1");
    refuse(made->manager, "POST", META, "[]", 500, "catalog_changed", "version");
    refuse_open(made->folder, "catalog_too_new");
    run_on_catalog(made->folder, "UPDATE catalog_version SET version = 1");
    refuse_open(made->folder, "catalog_too_old");
    refuse(made->manager, "POST", META, "[]", 500, "catalog_changed", "version");
}

static void test_other_database(void **state) {
    char folder[] = "/tmp/mseq-other-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    change_schema(folder, "CREATE", "");
    refuse_open(folder, "catalog_missing");
    run_on_catalog(folder, "CREATE TABLE something_else (a integer)");
    refuse_open(folder, "database");
    change_schema(folder, "DROP", " CASCADE");
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a name of our own
}

/* Several at a time make one catalog. */
static void test_upgrades_at_once(void **state) {
    enum { COUNT = 3 };
    char folder[] = "/tmp/mseq-upgrade-XXXXXX", command[128];
    pid_t children[COUNT];
    (void)state;
    assert_non_null(mkdtemp(folder));
    change_schema(folder, "CREATE", "");
    for (int i = 0; i < COUNT; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
            mseq_value *report = NULL;
            options.directory = folder;
            options.catalog = test_catalog(folder);
            _exit(mseq_manager_upgrade(&options, &report, NULL) == MSEQ_OK ? 0 : 1);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    mseq_manager *manager = open_manager(folder);
    mseq_value *list = expect(manager, "GET", "/orm/api/pods/projects/", NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 1);
    const mseq_value *project = mseq_array_get(mseq_object_get(list, "results"), 0);
    check_model("Project", project);
    assert_true(mseq_value_is_null(mseq_object_get(project, "data_source")));
    mseq_value_free(list);
    mseq_manager_close(manager);
    change_schema(folder, "DROP", " CASCADE");
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a name of our own
}

/* ---- Several servers ---------------------------------------------------------------------------
 */

#define TABLE                                                                                      \
    "{\"data_source_uid\": \"%s\", \"identifier\": \"%s\", \"namespace\": \"demo\", \"labels\":"   \
    " [\"%s\", \"shared\"], \"management_mode\": \"platform_managed\", \"provisioning\":"          \
    " {\"create_table\": true, \"if_not_exists\": true}, \"table_contract\": {\"version\":"        \
    " \"relational-table.v1\", \"physical\": {\"table_name\": \"%s\"}, \"columns\": [{\"name\":"   \
    " \"uid\", \"data_type\": \"uuid\", \"backend_type\": \"UUID\", \"nullable\": false,"          \
    " \"primary_key\": true, \"unique\": false}]}}"
#define RESERVATION                                                                                \
    "{\"data_source_uid\": \"%s\", \"identifier\": \"%s\", \"namespace\": \"demo\","               \
    " \"management_mode\": \"platform_managed\", \"provisioning_status\": \"reserved\","           \
    " \"is_alembic_managed\": true, \"migration_package\": \"demo\", \"migration_namespace\":"     \
    " \"demo\", \"migration_provider_key\": \"demo:demo\", \"physical_table_name\": \"%s\","       \
    " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\": {\"table_name\":"   \
    " \"%s\"}, \"columns\": [{\"name\": \"uid\", \"data_type\": \"uuid\", \"backend_type\":"       \
    " \"UUID\", \"nullable\": false, \"primary_key\": true, \"unique\": false}]}}"

enum { SERVERS = 3, ROUNDS = 12 };

/* What one server does: registers and reserves the same tables as the others, in its own order. */
static int act(const fixture *made, int number) {
    mseq_manager *manager = open_manager(made->folder);
    int failures = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int which = (i * (number + 1)) % ROUNDS;
        char name[32], label[32], body[2048];
        snprintf(name, sizeof name, "demo__registered_%d", which);
        snprintf(label, sizeof label, "label %d", which);
        snprintf(body, sizeof body, TABLE, made->source, name, label, name);
        mseq_reply reply = call(manager, "POST", META "register/", body);
        failures += reply.status != 201 && reply.status != 200;
        mseq_reply_free(&reply);
        snprintf(name, sizeof name, "demo__reserved_%d", which);
        snprintf(body, sizeof body, "[" RESERVATION "]", made->source, name, name, name);
        reply = call(manager, "POST", META, body);
        failures += reply.status != 201 && reply.status != 200;
        mseq_reply_free(&reply);
    }
    mseq_manager_close(manager);
    return failures;
}

/* They find one row for each table, and one of each label. */
static void test_servers(void **state) {
    const fixture *made = *state;
    pid_t children[SERVERS];
    for (int i = 0; i < SERVERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(act(made, i));
    }
    for (int i = 0; i < SERVERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    mseq_value *list = expect(made->manager, "GET", META "?labels=shared", NULL, 200);
    const mseq_value *rows = mseq_object_get(list, "results");
    assert_int_equal(mseq_value_length(rows), ROUNDS);
    for (size_t i = 0; i < mseq_value_length(rows); i++)
        assert_string_equal(text_at(mseq_array_get(rows, i), "provisioning_status"), "active");
    mseq_value_free(list);
    list = expect(made->manager, "GET", META "?provisioning_status=reserved", NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), ROUNDS);
    mseq_value_free(list);
}

/* What one server changed, the other knows at its next request. */
static void test_nothing_is_stale(void **state) {
    const fixture *made = *state;
    mseq_manager *other = open_manager(made->folder);
    char body[2048], path[128];
    snprintf(body, sizeof body, TABLE, made->source, "demo__one", "x", "demo__one");
    mseq_value *row = expect(made->manager, "POST", META "register/", body, 201);
    snprintf(path, sizeof path, META "%s/", text_at(row, "uid"));
    mseq_value_free(row);
    mseq_value_free(expect(other, "GET", path, NULL, 200));
    mseq_value_free(expect(other, "PATCH", path, "{\"description\": \"changed\"}", 200));
    row = expect(made->manager, "GET", path, NULL, 200);
    assert_string_equal(text_at(row, "description"), "changed");
    mseq_value_free(row);
    mseq_value *source = expect(other, "POST", "/orm/api/ts_manager/data_sources/",
                                "{\"class_type\": \"sqlite\", \"path\": \"more.sqlite\"}", 201);
    snprintf(body, sizeof body, TABLE, text_at(source, "uid"), "demo__two", "x", "demo__two");
    row = expect(made->manager, "POST", META "register/", body, 201);
    snprintf(path, sizeof path, META "%s/?full_delete_selected=true", text_at(row, "uid"));
    mseq_value_free(row);
    mseq_value_free(expect(other, "DELETE", path, NULL, 200));
    snprintf(path, sizeof path, "/orm/api/ts_manager/data_sources/%s/", text_at(source, "uid"));
    mseq_value_free(expect(other, "DELETE", path, NULL, 200));
    refuse(made->manager, "POST", META "register/", body, 400, "data_source_not_found", NULL);
    mseq_value_free(source);
    mseq_manager_close(other);
}

/* A writer that holds the catalog for too long makes the others give up, not hang. */
static void test_writers_wait(void **state) {
    const fixture *made = *state;
    mseq_database *database = NULL;
    mseq_connection *connection = open_catalog(made->folder, &database);
    assert_int_equal(mseq_connection_begin(connection, true, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_execute(connection,
                                             "SELECT version FROM catalog_version FOR UPDATE", NULL,
                                             NULL, NULL, NULL),
                     MSEQ_OK);
    refuse(made->manager, "POST", META, "[]", 503, "database_locked", NULL);
    mseq_value_free(expect(made->manager, "GET", META, NULL, 200)); /* readers do not wait */
    mseq_connection_release(connection);
    mseq_database_close(database);
    mseq_value_free(expect(made->manager, "POST", META, "[]", 200));
}

/* ---- A database that goes away -----------------------------------------------------------------
 */

/* Idle connections that were cut are not handed out; the next request works. */
static void test_cut_connections(void **state) {
    const fixture *made = *state;
    mseq_value_free(expect(made->manager, "GET", META, NULL, 200));
    run_on_catalog(made->folder,
                   "DO $$ DECLARE other integer; BEGIN"
                   " FOR other IN SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                   " AND datname = current_database() LOOP"
                   " PERFORM pg_terminate_backend(other, 10000); END LOOP; END $$");
    mseq_value_free(expect(made->manager, "GET", META, NULL, 200));
    mseq_value_free(expect(made->manager, "POST", META, "[]", 200));
}

static void test_lock_is_cut(void **state) {
    const fixture *made = *state;
    mseq_database *database = NULL;
    mseq_connection *connection = open_catalog(made->folder, &database);
    assert_int_equal(mseq_connection_begin(connection, true, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_execute(connection,
                                             "SELECT version FROM catalog_version FOR UPDATE", NULL,
                                             NULL, NULL, NULL),
                     MSEQ_OK);
    pid_t child = fork();
    if (child == 0) { /* ends the session that waits for the lock */
        for (;;) {
            run_on_catalog(made->folder,
                           "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                           " wait_event_type = 'Lock' AND query LIKE '%catalog_version%'");
            usleep(50000);
        }
    }
    refuse(made->manager, "POST", META, "[]", 503, "database_unavailable", NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    mseq_connection_release(connection);
    mseq_database_close(database);
    mseq_value_free(expect(made->manager, "POST", META, "[]", 200));
}

static int use_catalog(void **state) {
    (void)state;
    char *uri = postgresql_database("catalog");
    int status = setenv("MSEQ_TEST_CATALOG", uri, 1);
    free(uri);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_versions, set_up, tear_down),
        cmocka_unit_test(test_other_database),
        cmocka_unit_test(test_upgrades_at_once),
        cmocka_unit_test_setup_teardown(test_servers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_is_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writers_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock_is_cut, set_up, tear_down),
        cmocka_unit_test(test_manager),
        cmocka_unit_test(test_manager_access),
        cmocka_unit_test(test_manager_auth),
        cmocka_unit_test(test_manager_discovery),
        cmocka_unit_test(test_manager_execute),
        cmocka_unit_test(test_manager_registration),
        cmocka_unit_test(test_manager_series),
        cmocka_unit_test(test_manager_shared),
        cmocka_unit_test(test_manager_sharing),
        cmocka_unit_test(test_manager_tables),
    };
    return cmocka_run_group_tests_name("manager on PostgreSQL", tests, use_catalog, NULL);
}
