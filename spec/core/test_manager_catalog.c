/* SPDX-License-Identifier: MIT
 * Room `manager`: versions of the catalog: made, upgraded after a copy, refused. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "manager_helpers.h"

/* ---- Folders with catalogs ---------------------------------------------------------------------
 */

typedef struct place {
    char folder[64];
    char file[128];    /* where the folder's own catalog is */
    char catalog[160]; /* the same as an option */
} place;

static int make_place(void **state) {
    place *made = calloc(1, sizeof *made);
    snprintf(made->folder, sizeof made->folder, "%s", "/tmp/mseq-catalog-XXXXXX");
    if (!mkdtemp(made->folder))
        return -1;
    snprintf(made->file, sizeof made->file, "%s/catalog.sqlite", made->folder);
    snprintf(made->catalog, sizeof made->catalog, "sqlite:%s", made->file);
    *state = made;
    return 0;
}

static int remove_place(void **state) {
    char command[256];
    place *made = *state;
    snprintf(command, sizeof command, "rm -rf %s", made->folder);
    int status = system(command); // NOLINT(cert-env33-c): a name of our own
    free(made);
    return status;
}

static mseq_connection *connect_file(const char *file, mseq_database **database) {
    char uri[256];
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *connection = NULL;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    snprintf(uri, sizeof uri, "sqlite:///%s", file);
    options.uri = uri;
    if (mseq_database_open(&options, database, &err) != MSEQ_OK ||
        mseq_database_connect(*database, &connection, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return connection;
}

static void run_on(const char *file, const char *sql) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_connection *connection = connect_file(file, &database);
    if (mseq_connection_script(connection, sql, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static int64_t version_in(const char *file) {
    mseq_database *database = NULL;
    mseq_value *rows = NULL;
    mseq_connection *connection = connect_file(file, &database);
    assert_int_equal(mseq_connection_execute(connection, "SELECT version FROM catalog_version",
                                             NULL, &rows, NULL, NULL),
                     MSEQ_OK);
    int64_t version = mseq_object_get_integer(mseq_array_get(rows, 0), "version", -1);
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(database);
    return version;
}

/* A catalog as the first version wrote it, with two tables, a label and a foreign key. */
static void write_version_1(const place *made) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    assert_int_equal(
        mseq_file_read(MSEQ_SPEC_DIR "/golden/catalog/version_1.sql", SIZE_MAX, &text, NULL),
        MSEQ_OK);
    run_on(made->file, mseq_buffer_text(&text));
    mseq_buffer_free(&text);
}

static mseq_manager_options options_of(const place *made, bool named) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    options.directory = made->folder;
    options.catalog = named ? made->catalog : NULL;
    return options;
}

static mseq_value *upgrade(const mseq_manager_options *options) {
    mseq_value *report = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_manager_upgrade(options, &report, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return report;
}

static void refuse_open(const mseq_manager_options *options, const char *code, const char *hint) {
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_not_equal(mseq_manager_open(options, &manager, &err), MSEQ_OK);
    assert_null(manager);
    assert_string_equal(err.code, code);
    if (hint && !strstr(err.hint, hint))
        fail_msg("the hint is: %s", err.hint);
}

/* ---- Tests -------------------------------------------------------------------------------------
 */

static void check_upgraded(const mseq_manager_options *options) {
    mseq_manager *manager = NULL;
    assert_int_equal(mseq_manager_open(options, &manager, NULL), MSEQ_OK);
    mseq_value *list = expect(manager, "GET", META "?labels=Core", NULL, 200);
    const mseq_value *rows = mseq_object_get(list, "results");
    assert_int_equal(mseq_value_length(rows), 2);
    check_models("MetaTable", rows);
    assert_int_equal(mseq_value_length(mseq_object_get(mseq_array_get(rows, 0), "incoming_fks")),
                     1);
    mseq_value_free(list);
    list = expect(manager, "GET", "/orm/api/pods/projects/", NULL, 200);
    check_model("Project", mseq_array_get(mseq_object_get(list, "results"), 0));
    mseq_value_free(list);
    mseq_manager_close(manager);
}

static void test_folder(void **state) {
    const place *made = *state;
    char copy[160];
    write_version_1(made);
    mseq_manager_options options = options_of(made, false);
    check_upgraded(&options);
    assert_true(version_in(made->file) > 1);
    snprintf(copy, sizeof copy, "%s.version-1", made->file);
    assert_int_equal(version_in(copy), 1);
}

/* A served catalog is left alone until it is told. */
static void test_served(void **state) {
    const place *made = *state;
    write_version_1(made);
    mseq_manager_options options = options_of(made, false);
    options.served = true;
    refuse_open(&options, "catalog_too_old", "mainsequence manager upgrade");
    options = options_of(made, true);
    refuse_open(&options, "catalog_too_old", "mainsequence manager upgrade");
    assert_int_equal(version_in(made->file), 1);

    mseq_value *report = upgrade(&options);
    assert_string_equal(text_at(report, "catalog"), made->file);
    assert_int_equal(mseq_object_get_integer(report, "version_before", -1), 1);
    assert_int_equal(mseq_object_get_integer(report, "version", -1), version_in(made->file));
    assert_int_equal(version_in(text_at(report, "copy")), 1);
    mseq_value_free(report);
    check_upgraded(&options);

    report = upgrade(&options); /* there is nothing left to do */
    assert_int_equal(mseq_object_get_integer(report, "version_before", -1),
                     mseq_object_get_integer(report, "version", -2));
    assert_true(mseq_value_is_null(mseq_object_get(report, "copy")));
    mseq_value_free(report);
}

static void test_fresh(void **state) {
    const place *made = *state;
    struct stat information;
    char path[160];
    mseq_manager_options options = options_of(made, true);
    snprintf(path, sizeof path, "%s/other.sqlite", made->folder);
    char named[200];
    snprintf(named, sizeof named, "sqlite:%s", path);
    options.catalog = named;
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_not_equal(mseq_manager_open(&options, &manager, &err), MSEQ_OK);
    assert_non_null(strstr(err.message, path));
    mseq_value *report = upgrade(&options);
    assert_int_equal(mseq_object_get_integer(report, "version_before", -1), 0);
    assert_true(mseq_value_is_null(mseq_object_get(report, "copy")));
    mseq_value_free(report);
    assert_int_equal(stat(path, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0600);
    assert_int_equal(mseq_manager_open(&options, &manager, NULL), MSEQ_OK);
    mseq_manager_close(manager);
    assert_int_not_equal(stat(made->file, &information), 0); /* the folder has none of its own */
    int descriptor = open(made->file, O_CREAT | O_WRONLY, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);
    options = options_of(made, true);
    refuse_open(&options, "catalog_missing", "mainsequence manager upgrade");
    options = options_of(made, false);
    options.served = true; /* a folder that nobody used yet */
    manager = NULL;
    assert_int_equal(mseq_manager_open(&options, &manager, NULL), MSEQ_OK);
    mseq_manager_close(manager);
}

static void test_too_new(void **state) {
    const place *made = *state;
    mseq_manager_options options = options_of(made, false);
    mseq_manager *manager = NULL;
    mseq_value *report = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_manager_open(&options, &manager, NULL), MSEQ_OK);
    int64_t ours = version_in(made->file);
    run_on(made->file, "UPDATE catalog_version SET version = version + 1");
    /* who has it open writes no more */
    refuse(manager, "POST", META, "[]", 500, "catalog_changed", "version");
    mseq_manager_close(manager);
    refuse_open(&options, "catalog_too_new", "newer version");
    options.served = true;
    refuse_open(&options, "catalog_too_new", "newer version");
    assert_int_not_equal(mseq_manager_upgrade(&options, &report, &err), MSEQ_OK);
    assert_string_equal(err.code, "catalog_too_new");
    assert_null(report);
    assert_int_equal(version_in(made->file), ours + 1);
}

static void test_refused(void **state) {
    const place *made = *state;
    mseq_manager_options options = options_of(made, true);
    mseq_value *report = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    run_on(made->file, "CREATE TABLE other (a)");
    assert_int_not_equal(mseq_manager_upgrade(&options, &report, &err), MSEQ_OK);
    assert_non_null(strstr(err.message, "no catalog of a TS Manager"));
    static const char *const catalogs[] = {"sqlite:", "mysql://user:secret@host/", "secret", ""};
    for (size_t i = 0; i < sizeof catalogs / sizeof *catalogs; i++) {
        mseq_error_clear(&err);
        options.catalog = catalogs[i];
        assert_int_equal(mseq_manager_upgrade(&options, &report, &err), MSEQ_E_ARGUMENT);
        assert_null(strstr(err.message, "secret"));
    }
}

/* The copy comes first: where it cannot be made, nothing is changed. */
static void test_copy_fails(void **state) {
    const place *made = *state;
    char blocker[200];
    write_version_1(made);
    snprintf(blocker, sizeof blocker, "%s.version-1", made->file);
    assert_int_equal(mkdir(blocker, 0700), 0);
    mseq_manager_options options = options_of(made, false);
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_manager_open(&options, &manager, &err), MSEQ_E_IO);
    assert_non_null(strstr(err.message, "was not upgraded"));
    assert_int_equal(version_in(made->file), 1);
}

/* ---- A full disk -------------------------------------------------------------------------------
 */

/* Files cannot grow any more: registrations are refused, what was there stays. */
static int register_without_room(const char *folder, const char *source) {
    struct stat information;
    struct rlimit limit;
    char path[160], body[512];
    mseq_manager *manager = open_manager(folder);
    snprintf(path, sizeof path, "%s/catalog.sqlite", folder);
    if (stat(path, &information) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return 1;
    limit.rlim_cur = limit.rlim_max = (rlim_t)information.st_size;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    int refused = 0;
    for (int i = 0; i < 200; i++) {
        snprintf(body, sizeof body,
                 "{\"data_source_uid\": \"%s\", \"management_mode\": \"external_registered\","
                 " \"table_contract\": {\"physical\": {\"table_name\": \"t%d\"}, \"columns\":"
                 " [{\"name\": \"id\", \"data_type\": \"int64\"}]}}",
                 source, i);
        mseq_reply reply = call(manager, "POST", META "register/", body);
        if (reply.status != 201 && reply.status < 500)
            return 3;
        if (reply.status >= 500 && !strstr(text_at(reply.body, "detail"), "the catalog"))
            return 4;
        refused += reply.status >= 500;
        mseq_reply_free(&reply);
    }
    mseq_manager_close(manager);
    return refused > 0 ? 0 : 5;
}

static void test_full_disk(void **state) {
    const fixture *made = *state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(register_without_room(made->folder, made->source));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    mseq_value_free(expect(made->manager, "GET", META, NULL, 200));
    mseq_value_free(expect(made->manager, "POST", META, "[]", 200));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_served, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_fresh, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_too_new, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_refused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_copy_fails, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
