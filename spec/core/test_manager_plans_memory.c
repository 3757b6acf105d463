/* SPDX-License-Identifier: MIT
 * execute-operation when memory is short: every allocation of ours fails once, alone and with all
 * that follow, when the operation is new and when it is remembered. The reply is the rows or a
 * refusal, a write is done whole or not at all, and all is well when memory is back. */
#include "manager_helpers.h"

#include "failing_allocator.h"

#define EXECUTE META "execute-operation/"

static fixture *made;
static mseq_value *reading, *writing;

static mseq_value *operation_on(const char *uid, const char *kind, const char *access,
                                const char *sql, const char *parameters) {
    char *text = mseq_text_format(
        "{\"operation\": \"%s\", \"dialect\": \"sqlite\", \"scope\": {\"data_source_uid\": \"%s\","
        " \"tables\": [{\"meta_table_uid\": \"%s\", \"access\": \"%s\"}]}, \"statement\": {\"sql\":"
        " \"%s\", \"parameters\": %s, \"parameter_types\": {\"at\": \"timestamp with time "
        "zone\"}}}",
        kind, made->source, uid, access, sql, parameters);
    mseq_value *value = parse(text);
    free(text);
    return value;
}

static int set_up_table(void **state) {
    if (set_up(state) != 0)
        return -1;
    made = *state;
    run_on_data(made, "CREATE TABLE thing (id INTEGER PRIMARY KEY, good BOOLEAN, seen TIMESTAMP);"
                      "INSERT INTO thing VALUES (1, 1, '2026-01-01T00:00:00.000000Z')");
    char *body = fill(made,
                      "{\"data_source_uid\": \"$S\", \"management_mode\": \"external_registered\","
                      " \"introspect\": true, \"table_contract\": {\"version\":"
                      " \"relational-table.v1\", \"physical\": {\"table_name\": \"thing\"},"
                      " \"columns\": [{\"name\": \"id\", \"data_type\": \"int64\","
                      " \"backend_type\": \"INTEGER\"}], \"constraints\": []}}",
                      NULL);
    mseq_value *row = expect(made->manager, "POST", META "register/", body, 201);
    reading = operation_on(text_at(row, "uid"), "select", "read",
                           "SELECT good, %(n)s AS n FROM thing WHERE seen >= %(at)s",
                           "{\"n\": \"text\", \"at\": \"2026-01-01T01:00:00+01:00\"}");
    writing =
        operation_on(text_at(row, "uid"), "upsert", "write",
                     "INSERT INTO thing (id, good, seen) VALUES (1, %(n)s, %(at)s)"
                     " ON CONFLICT (id) DO UPDATE SET good = excluded.good RETURNING good, id",
                     "{\"n\": true, \"at\": \"2026-01-01T01:00:00+01:00\"}");
    mseq_value_free(row);
    free(body);
    return 0;
}

static int tear_down_table(void **state) {
    mseq_value_free(reading);
    mseq_value_free(writing);
    return tear_down(state);
}

/* A change of the catalog that no operation depends on, so that none is remembered any more. */
static void forget(void) {
    mseq_value_free(expect(made->manager, "POST", "/orm/api/ts_manager/teams/",
                           "{\"name\": \"passing\"}", 201));
    mseq_value_free(
        expect(made->manager, "DELETE", "/orm/api/ts_manager/teams/passing/", NULL, 200));
}

static mseq_reply send(const mseq_value *operation) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    request.method = "POST";
    request.path = EXECUTE;
    request.body = operation;
    mseq_manager_handle(made->manager, &request, &reply);
    return reply;
}

static void check_rows(const mseq_reply *reply, long n) {
    const mseq_value *rows = mseq_object_get(reply->body, "rows");
    if (mseq_value_length(rows) != 1 ||
        !mseq_object_get_boolean(mseq_array_get(rows, 0), "good", false))
        fail_msg("allocation %ld: not the row", n);
}

static void attempt(const mseq_value *operation, long n, bool all, bool *reached) {
    allocations_left = n;
    fail_all = all;
    mseq_reply reply = send(operation);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    if (reply.status == 200)
        check_rows(&reply, n);
    else if (reply.status < 500)
        fail_msg("allocation %ld: answered with %d", n, reply.status);
    mseq_reply_free(&reply);
    reply = send(operation);
    if (reply.status != 200)
        fail_msg("after allocation %ld failed: %d", n, reply.status);
    check_rows(&reply, n);
    mseq_reply_free(&reply);
}

static void sweep(const mseq_value *operation, bool remembered) {
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n++) {
            if (!remembered)
                forget();
            attempt(operation, n, all, &reached);
        }
    }
}

static void test_new(void **state) {
    (void)state;
    sweep(reading, false);
    sweep(writing, false);
}

static void test_remembered(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        const mseq_value *operation = i ? writing : reading;
        mseq_reply reply = send(operation);
        assert_int_equal(reply.status, 200);
        mseq_reply_free(&reply);
        sweep(operation, true);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new, set_up_table, tear_down_table),
        cmocka_unit_test_setup_teardown(test_remembered, set_up_table, tear_down_table),
    };
    return cmocka_run_group_tests_name("operations without memory", tests, NULL, NULL);
}
