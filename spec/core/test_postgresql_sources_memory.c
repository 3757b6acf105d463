/* SPDX-License-Identifier: MIT
 * Room `manager` when memory is short: data sources, credentials for migrations and catalogs. Each
 * allocation fails once, alone and with all that follow. The answer is a success or says that
 * memory was short, nothing leaks, and what was asked for is done wholly or not at all. */
#include "failing_allocator.h"
#include "manager_helpers.h"
#include "postgresql_helpers.h"

#define ADMIN "/orm/api/ts_manager/data_sources/"

/* ---- Requests ----------------------------------------------------------------------------------
 */

/* The answer to a request whose n-th allocation fails; *reached: it was asked for. */
static mseq_reply ask_short(mseq_manager *manager, const char *method, const char *path,
                            const char *json_text, long n, bool all, bool *reached) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *body = json_text ? parse(json_text) : NULL;
    request.method = method;
    request.path = path;
    request.body = body;
    allocations_left = n;
    fail_all = all;
    mseq_manager_handle(manager, &request, &reply);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    mseq_value_free(body);
    return reply;
}

/* A database whose client library has no memory left says that it cannot be reached. */
static void assert_says_so(const mseq_reply *reply, long n) {
    const char *code = text_at(reply->body, "code");
    bool fine = reply->status < 300 || !reply->body || strcmp(code, "no_memory") == 0;
    if (!fine)
        fail_msg("allocation %ld gave %d %s: %s", n, reply->status, code,
                 text_at(reply->body, "detail"));
}

static size_t count_sources(mseq_manager *manager) {
    mseq_value *list = expect(manager, "GET", ADMIN, NULL, 200);
    size_t count = mseq_value_length(mseq_object_get(list, "results"));
    mseq_value_free(list);
    return count;
}

/* Sweeps one request; `each` (may be NULL) looks at the result and undoes it. */
static void sweep(mseq_manager *manager, const char *method, const char *path, const char *body,
                  void (*each)(mseq_manager *manager)) {
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n++) {
            mseq_reply reply = ask_short(manager, method, path, body, n, all != 0, &reached);
            assert_says_so(&reply, n);
            mseq_reply_free(&reply);
            if (each)
                each(manager);
            if (n > 20000)
                fail_msg("there is no end of allocations");
        }
    }
}

/* Every data source in the list can be tested, which needs its secret too; the second goes. */
static void check_and_remove(mseq_manager *manager) {
    char path[160];
    mseq_value *list = expect(manager, "GET", ADMIN, NULL, 200);
    const mseq_value *sources = mseq_object_get(list, "results");
    for (size_t i = 1; i < mseq_value_length(sources); i++) {
        const char *uid = text_at(mseq_array_get(sources, i), "uid");
        snprintf(path, sizeof path, ADMIN "%s/test/", uid);
        mseq_value *report = expect(manager, "POST", path, "{}", 200);
        const mseq_value *reachable = mseq_array_get(mseq_object_get(report, "checks"), 0);
        if (!mseq_object_get_boolean(reachable, "ok", false))
            fail_msg("%s", text_at(reachable, "detail"));
        mseq_value_free(report);
        snprintf(path, sizeof path, ADMIN "%s/", uid);
        mseq_value_free(expect(manager, "DELETE", path, NULL, 200));
    }
    mseq_value_free(list);
    assert_int_equal(count_sources(manager), 1);
}

static void test_sqlite(void **state) {
    const fixture *made = *state;
    char path[160];
    sweep(made->manager, "POST", ADMIN, "{\"class_type\": \"sqlite\", \"path\": \"more.sqlite\"}",
          check_and_remove);
    sweep(made->manager, "GET", ADMIN, NULL, NULL);
    snprintf(path, sizeof path, ADMIN "%s/test/", made->source);
    sweep(made->manager, "POST", path, "{}", NULL);
    snprintf(path, sizeof path, ADMIN "%s/", made->source);
    sweep(made->manager, "PATCH", path, "{\"display_name\": \"other\"}", NULL);
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", made->source);
    sweep(made->manager, "POST", path, "{}", NULL);
}

static void test_postgresql(void **state) {
    const fixture *made = *state;
    char path[160];
    char *uri = postgresql_database("scarce");
    char *body = mseq_text_format("{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", uri);
    sweep(made->manager, "POST", ADMIN, body, check_and_remove);
    mseq_value *source = expect(made->manager, "POST", ADMIN, body, 201);
    snprintf(path, sizeof path, ADMIN "%s/test/", text_at(source, "uid"));
    sweep(made->manager, "POST", path, "{}", NULL);
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", text_at(source, "uid"));
    sweep(made->manager, "POST", path, "{\"ttl_seconds\": 600}", NULL);
    mseq_value_free(source);
    free(body);
    free(uri);
}

/* ---- Catalogs ----------------------------------------------------------------------------------
 */

/* Opens (or upgrades) the catalog of a folder that the first version wrote. */
static mseq_status bring_up(const char *folder, bool by_command, long n, bool all, bool *reached) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_manager *manager = NULL;
    mseq_value *report = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.directory = folder;
    allocations_left = n;
    fail_all = all;
    mseq_status status = by_command ? mseq_manager_upgrade(&options, &report, &err)
                                    : mseq_manager_open(&options, &manager, &err);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    if (status != MSEQ_OK && status != MSEQ_E_NO_MEMORY)
        fail_msg("allocation %ld: %s: %s", n, mseq_status_name(status), err.message);
    mseq_manager_close(manager);
    mseq_value_free(report);
    return status;
}

/* The catalog as a file, to be put back quickly. */
static void make_version_1(const char *folder, mseq_buffer *bytes) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer script = MSEQ_BUFFER_INIT;
    char path[128];
    assert_int_equal(
        mseq_file_read(MSEQ_SPEC_DIR "/golden/catalog/version_1.sql", SIZE_MAX, &script, NULL),
        MSEQ_OK);
    mseq_connection *connection = open_catalog(folder, &database);
    if (mseq_connection_script(connection, mseq_buffer_text(&script), &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_connection_release(connection);
    mseq_database_close(database);
    mseq_buffer_free(&script);
    snprintf(path, sizeof path, "%s/catalog.sqlite", folder);
    assert_int_equal(mseq_file_read(path, SIZE_MAX, bytes, NULL), MSEQ_OK);
}

static void put_back(const char *folder, const mseq_buffer *bytes) {
    static const char *const others[] = {"catalog.sqlite-wal", "catalog.sqlite-shm",
                                         "catalog.sqlite.version-1", "catalog.sqlite.copy"};
    char path[128];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/catalog.sqlite", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->length, file), bytes->length);
    fclose(file);
}

static void test_upgrade(void **state) {
    char folder[64] = "/dev/shm/mseq-scarce-XXXXXX", command[128];
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    (void)state;
    if (!mkdtemp(folder)) { /* not everywhere, but there a file costs nothing */
        snprintf(folder, sizeof folder, "%s", "/tmp/mseq-scarce-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    make_version_1(folder, &bytes);
    for (int variant = 0; variant < 4; variant++) {
        bool reached = true;
        for (long n = 0; reached; n++) {
            put_back(folder, &bytes);
            mseq_status status = bring_up(folder, variant & 1, n, (variant & 2) != 0, &reached);
            if (status == MSEQ_OK)
                continue;
            mseq_manager *manager = open_manager(folder); /* nothing is half done */
            mseq_value *list = expect(manager, "GET", META, NULL, 200);
            assert_int_equal(mseq_value_length(mseq_object_get(list, "results")), 2);
            mseq_value_free(list);
            mseq_manager_close(manager);
        }
    }
    mseq_buffer_free(&bytes);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a name of our own
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sqlite, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_postgresql, set_up, tear_down),
        cmocka_unit_test(test_upgrade),
    };
    return cmocka_run_group_tests_name("data sources when memory is short", tests, NULL, NULL);
}
