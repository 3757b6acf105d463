/* SPDX-License-Identifier: MIT
 * The rows of a select of a PostgreSQL data source one by one when memory is short, from the client
 * through the manager and its fence to the cursor and back: every allocation of ours fails once,
 * alone and with all that follow. The outcome is success or an error that says so, and it works
 * when memory is back. */
#include "postgresql_helpers.h"
#include "stream_memory.h"

static int set_up_client(void **state) {
    char text[1024];
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    char *uri = postgresql_database("streams");
    run_on(uri,
           "CREATE TABLE item (word TEXT, more JSONB, b BYTEA, list INTEGER[], at TIMESTAMPTZ);"
           "INSERT INTO item VALUES ('ä', '{\"k\": [1]}', '\\x00ff', '{1,NULL}',"
           " '2024-02-29T08:00:00Z')");
    if (mseq_endpoint_open("local:", folder, NULL, &client, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    snprintf(text, sizeof text, "{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", uri);
    free(uri);
    mseq_value *made = call("POST", "/orm/api/ts_manager/data_sources/", json_document(text));
    const char *source = mseq_object_get_text(made, "uid");
    snprintf(text, sizeof text,
             "{\"data_source_uid\": \"%s\", \"management_mode\": \"external_registered\","
             " \"introspect\": true, \"table_contract\": {\"physical\": {\"table_name\": \"item\"},"
             " \"columns\": [{\"name\": \"word\", \"data_type\": \"string\", \"backend_type\":"
             " \"TEXT\"}]}}",
             source);
    mseq_value *row = call("POST", "/orm/api/ts_manager/meta_table/register/", json_document(text));
    snprintf(text, sizeof text, STATEMENT, "select", "postgresql",
             "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %(n)s)"
             " SELECT n, n / 3.0 AS q, item.* FROM r, item",
             ROWS, source, mseq_object_get_text(row, "uid"), "read");
    operation = json_document(text);
    mseq_value_free(row);
    mseq_value_free(made);
    return 0;
}

static void test_client(void **state) {
    (void)state;
    sweep(read_client);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_client)};
    if (!make_folder())
        return 1;
    return remove_folder(cmocka_run_group_tests(tests, set_up_client, tear_down_client));
}
