/* SPDX-License-Identifier: MIT
 * The rows of a select one by one when memory is short: every allocation of ours fails once, alone
 * and with all that follow, from the client through the manager to the cursor and back, and when
 * rows become lines and lines rows. The outcome is success or an error that says so, and it works
 * when memory is back. */
#include "stream_memory.h"

static int set_up_client(void **state) {
    char text[1024];
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    if (mseq_endpoint_open("local:", folder, NULL, &client, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_value *sources = call("GET", "/orm/api/ts_manager/dynamic_table_data_source/", NULL);
    const char *source =
        mseq_object_get_text(mseq_array_get(mseq_object_get(sources, "results"), 0), "uid");
    snprintf(text, sizeof text,
             "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
             " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"physical\":"
             " {\"table_name\": \"item\"}, \"columns\": [{\"name\": \"word\", \"data_type\":"
             " \"string\", \"backend_type\": \"TEXT\"}, {\"name\": \"more\", \"data_type\":"
             " \"json\", \"backend_type\": \"JSON\"}]}}",
             source);
    mseq_value *row = call("POST", "/orm/api/ts_manager/meta_table/register/", json_document(text));
    const char *uid = mseq_object_get_text(row, "uid");
    snprintf(text, sizeof text, STATEMENT, "insert", "sqlite",
             "INSERT INTO item (word, more) VALUES (%(n)s, '{\\\"k\\\": 1}')", ROWS, source, uid,
             "write");
    mseq_value_free(
        call("POST", "/orm/api/ts_manager/meta_table/execute-operation/", json_document(text)));
    snprintf(text, sizeof text, STATEMENT, "select", "sqlite",
             "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %(n)s)"
             " SELECT n, 'text' AS t, x'00' AS b, more FROM r, item",
             ROWS, source, uid, "read");
    operation = json_document(text);
    mseq_value_free(row);
    mseq_value_free(sources);
    return 0;
}

/* ---- Lines */

typedef struct counter {
    int given;
    mseq_row row;
} counter;

/* Rows that are objects, and keys that change. */
static mseq_status next(void *data, mseq_row **row, mseq_error *err) {
    counter *own = data;
    mseq_value *made = mseq_value_object();
    *row = NULL;
    if (own->given == ROWS) {
        mseq_value_free(made);
        return MSEQ_OK;
    }
    const char *key = own->given++ % 3 ? "n" : "\u00fc";
    if (!made || mseq_object_put_integer(made, key, own->given) != MSEQ_OK) {
        mseq_value_free(made);
        return mseq_error_no_memory(err);
    }
    *row = &own->row;
    return mseq_row_take_object(&own->row, made, err);
}

static void close_counter(void *data) {
    mseq_row_free(&((counter *)data)->row);
}

static mseq_status read_lines(const mseq_buffer *text, int64_t *rows, mseq_error *err) {
    mseq_row_lines *lines = NULL;
    mseq_row_lines_state state = MSEQ_ROW_LINES_ROW;
    mseq_status status = mseq_row_lines_new(&lines, err);
    if (status == MSEQ_OK)
        status = mseq_row_lines_feed(lines, text->data, text->length, err);
    while (status == MSEQ_OK && state == MSEQ_ROW_LINES_ROW) {
        mseq_row *row = NULL;
        status = mseq_row_lines_next(lines, &state, &row, err);
        *rows += row != NULL;
    }
    mseq_row_lines_free(lines);
    return status;
}

static mseq_status write_and_read(int64_t *rows, mseq_error *err) {
    static const mseq_row_stream_functions functions = {
        .size = sizeof functions, .next = next, .close = close_counter};
    counter given = {0, MSEQ_ROW_INIT};
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_row_stream *stream = NULL;
    *rows = 0;
    mseq_status status = mseq_row_stream_new(&functions, &given, &stream, err);
    if (status != MSEQ_OK)
        return status;
    while (mseq_row_stream_write(stream, &text, err))
        continue;
    status = text.status != MSEQ_OK ? mseq_error_no_memory(err) : err->status;
    if (status == MSEQ_OK)
        status = read_lines(&text, rows, err);
    mseq_row_stream_free(stream);
    mseq_buffer_free(&text);
    return status;
}

static void test_client(void **state) {
    (void)state;
    sweep(read_client);
}

static void test_lines(void **state) {
    (void)state;
    sweep(write_and_read);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_client), cmocka_unit_test(test_lines)};
    if (!make_folder())
        return 1;
    return remove_folder(cmocka_run_group_tests(tests, set_up_client, tear_down_client));
}
