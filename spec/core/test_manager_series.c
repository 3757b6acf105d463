/* SPDX-License-Identifier: MIT
 * Room `manager`: data of time-indexed tables: ranges, last rows, statistics, the tail. */
#include "access_helpers.h"

typedef struct series {
    fixture *made;
    char uid[37];   /* prices: at, asset, venue */
    char plain[37]; /* rates: at */
} series;

#define COLUMN(name, type, backend)                                                                \
    "{\"name\": \"" name "\", \"data_type\": \"" type "\", \"backend_type\": \"" backend           \
    "\", \"nullable\": false}"
#define VALUE(name)                                                                                \
    "{\"name\": \"" name "\", \"data_type\": \"float64\", \"backend_type\": \"FLOAT\"}"
#define TIME(name) COLUMN(name, "timestamp with time zone", "TIMESTAMP WITH TIME ZONE")

static void register_series(series *all, const char *name, const char *columns,
                            const char *index_names, const char *time, char uid[37]) {
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"demo.%s\", \"time_index_name\": \"%s\","
        " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"table_kind\":"
        " \"time_indexed\", \"authoring\": {\"time_indexed\": {\"time_index_name\": \"%s\","
        " \"index_names\": %s}}, \"physical\": {\"table_name\": \"%s\"}, \"columns\": [%s]}}",
        all->made->source, name, time, time, index_names, name, columns);
    mseq_value *row = expect(all->made->manager, "POST", DYNAMIC "register/", body, 201);
    snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

static int set_up_series(void **state) {
    series *all = calloc(1, sizeof *all);
    void *made = NULL;
    if (!all || set_up_timed(&made) != 0)
        return -1;
    all->made = made;
    register_series(all, "prices",
                    TIME("at") ", " COLUMN("asset", "string", "VARCHAR(16)") ", " COLUMN(
                        "venue 100%", "int32", "INTEGER") ", " VALUE("price"),
                    "[\"at\", \"asset\", \"venue 100%\"]", "at", all->uid);
    register_series(all, "rates", COLUMN("day", "date", "DATE") ", " VALUE("rate"), "[\"day\"]",
                    "day", all->plain);
    run_on_data(all->made, "INSERT INTO prices VALUES"
                           " ('2026-03-01T00:00:00.000000Z', 'A', 1, 1.0),"
                           " ('2026-03-02T00:00:00.000000Z', 'A', 1, 2.0),"
                           " ('2026-03-03T00:00:00.500000Z', 'A', 2, 3.0),"
                           " ('2026-03-01T00:00:00.000000Z', 'B', 1, 4.0),"
                           " ('2026-03-04T00:00:00.000000Z', 'B', 1, NULL);"
                           "INSERT INTO rates VALUES ('2026-01-01', 0.1), ('2026-01-02', 0.2)");
    *state = all;
    return 0;
}

static int tear_down_series(void **state) {
    series *all = *state;
    void *made = all->made;
    free(all);
    return tear_down(&made);
}

static mseq_value *ask_at(const char *file, int line, const series *all, const char *uid,
                          const char *method, const char *route, const char *body, int status) {
    char path[160];
    snprintf(path, sizeof path, DYNAMIC "%s/%s/", uid, route);
    return expect_at(file, line, all->made->manager, method, path, body, status);
}
#define ask(...) ask_at(__FILE__, __LINE__, __VA_ARGS__)

static void equal_at(const char *file, int line, const mseq_value *value, const char *expected) {
    mseq_value *wanted = parse(expected);
    if (!mseq_value_equal(value, wanted)) {
        char *text = to_text(value);
        print_error("%s:%d: it is %s, not %s\n", file, line, text, expected);
        free(text);
        fail();
    }
    mseq_value_free(wanted);
}
#define equal(...) equal_at(__FILE__, __LINE__, __VA_ARGS__)

/* The prices of a range, in order. */
static void prices_at(const char *file, int line, const series *all, const char *body,
                      const char *expected) {
    mseq_value *reply =
        ask_at(file, line, all, all->uid, "POST", "get_data_between_dates_from_remote", body, 200);
    mseq_value *list = mseq_value_array();
    const mseq_value *rows = mseq_object_get(reply, "results");
    for (size_t i = 0; i < mseq_value_length(rows); i++) {
        const mseq_value *price = mseq_object_get(mseq_array_get(rows, i), "price");
        assert_int_equal(mseq_array_add(list, mseq_value_dup(price)), MSEQ_OK);
    }
    equal_at(file, line, list, expected);
    assert_true(mseq_value_is_null(mseq_object_get(reply, "next_offset")));
    mseq_value_free(list);
    mseq_value_free(reply);
}
#define prices(...) prices_at(__FILE__, __LINE__, __VA_ARGS__)

/* ---- Ranges */

static void test_ranges(void **state) {
    const series *all = *state;
    prices(all, "{}", "[1.0, 4.0, 2.0, 3.0, null]");
    prices(all,
           "{\"start_date\": null, \"end_date\": null, \"great_or_equal\": null,"
           " \"less_or_equal\": null, \"columns\": null, \"offset\": 0}",
           "[1.0, 4.0, 2.0, 3.0, null]");
    prices(all, "{\"start_date\": 1772409600.0}", "[2.0, 3.0, null]"); /* 2026-03-02 */
    prices(all, "{\"start_date\": 1772409600, \"great_or_equal\": false}", "[3.0, null]");
    prices(all, "{\"start_date\": 1772496000.5}", "[3.0, null]");
    prices(all, "{\"start_date\": 1772496000.5, \"great_or_equal\": false}", "[null]");
    prices(all, "{\"end_date\": 1772409600.0}", "[1.0, 4.0, 2.0]");
    prices(all, "{\"end_date\": \"2026-03-02T01:00:00+01:00\", \"less_or_equal\": false}",
           "[1.0, 4.0]");
    prices(all, "{\"dimension_filters\": {\"asset\": [\"B\", \"C\"]}}", "[4.0, null]");
    prices(all, "{\"dimension_filters\": {\"asset\": []}}", "[]");
    prices(all, "{\"dimension_filters\": {\"asset\": [\"A\"], \"venue 100%\": [2]}}", "[3.0]");
    prices(all,
           "{\"index_coordinates\": [{\"asset\": \"A\", \"venue 100%\": 2}, {\"asset\":"
           " \"B\"}]}",
           "[4.0, 3.0, null]");
    prices(all, "{\"index_coordinates\": []}", "[]");
    prices(all,
           "{\"dimension_range_map\": [{\"coordinate\": {\"asset\": \"A\", \"venue 100%\": 1,"
           " \"extra\": [1]}, \"start_date\": 1772323200, \"start_date_operand\": \">\"},"
           " {\"coordinate\": {\"asset\": \"B\", \"venue 100%\": 1}, \"start_date\": 1772323200,"
           " \"start_date_operand\": \">=\", \"end_date\": 1772582400, \"end_date_operand\":"
           " \"<\"}]}",
           "[4.0, 2.0]");
    prices(all, "{\"dimension_filters\": {\"asset\": [\"x' OR '1' = '1\"]}}", "[]");
}

static void test_range_columns(void **state) {
    const series *all = *state;
    mseq_value *reply = ask(all, all->uid, "POST", "get_data_between_dates_from_remote",
                            "{\"columns\": [\"price\"], \"end_date\": 1772323200}", 200);
    equal(mseq_object_get(reply, "results"),
          "[{\"at\": \"2026-03-01T00:00:00.000000Z\", \"asset\": \"A\", \"venue 100%\": 1,"
          " \"price\": 1.0}, {\"at\": \"2026-03-01T00:00:00.000000Z\", \"asset\": \"B\","
          " \"venue 100%\": 1, \"price\": 4.0}]");
    mseq_value_free(reply);
    reply = ask(all, all->plain, "POST", "get_data_between_dates_from_remote",
                "{\"start_date\": 1767312000.0}", 200); /* a day */
    equal(mseq_object_get(reply, "results"), "[{\"day\": \"2026-01-02\", \"rate\": 0.2}]");
    mseq_value_free(reply);
    reply =
        expect(all->made->manager, "POST", DYNAMIC "get_data_between_dates_from_node_identifier/",
               "{\"node_identifier\": \"demo.rates\"}", 200);
    check_model("TimeIndexMetaTable", mseq_object_get(reply, "storage_node"));
    assert_int_equal(mseq_value_length(mseq_object_get(reply, "results")), 2);
    mseq_value_free(reply);
    refuse(all->made->manager, "POST", DYNAMIC "get_data_between_dates_from_node_identifier/",
           "{\"node_identifier\": \"demo.none\"}", 404, "not_found", "demo.none");
    refuse(all->made->manager, "POST", DYNAMIC "get_data_between_dates_from_node_identifier/", "{}",
           400, "missing_field", "node_identifier");
}

/* More than a page comes in pages that follow each other. */
static void test_range_pages(void **state) {
    const series *all = *state;
    run_on_data(all->made, "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
                           " WHERE i < 10001) INSERT INTO rates"
                           " SELECT date('1950-01-01', '+' || i || ' days'), i FROM n");
    int64_t offset = 0;
    size_t count = 0;
    for (int page = 0; page < 2; page++) {
        char body[64];
        snprintf(body, sizeof body, "{\"offset\": %lld}", (long long)offset);
        mseq_value *reply =
            ask(all, all->plain, "POST", "get_data_between_dates_from_remote", body, 200);
        count += mseq_value_length(mseq_object_get(reply, "results"));
        offset = mseq_object_get_integer(reply, "next_offset", 0);
        assert_int_equal(offset, page ? 0 : 10000);
        mseq_value_free(reply);
    }
    assert_int_equal(count, 10004);
}

static void test_range_refusals(void **state) {
    const series *all = *state;
    static const struct {
        const char *body, *code;
    } cases[] = {
        {"{\"start_date\": true}", "bad_value"},
        {"{\"start_date\": 1e300}", "bad_value"},
        {"{\"start_date\": \"yesterday\"}", "bad_value"},
        {"{\"great_or_equal\": 1}", "wrong_kind"},
        {"{\"columns\": [\"none\"]}", "unknown_column"},
        {"{\"columns\": [\"price\\\"; DROP TABLE prices; --\"]}", "unknown_column"},
        {"{\"columns\": \"price\"}", "wrong_kind"},
        {"{\"offset\": -1}", "bad_value"},
        {"{\"offset\": \"1\"}", "bad_value"},
        {"{\"dimension_filters\": {\"price\": [1]}}", "unknown_dimension"},
        {"{\"dimension_filters\": {\"asset\": \"A\"}}", "wrong_kind"},
        {"{\"dimension_filters\": {\"asset\": [{}]}}", "wrong_kind"},
        {"{\"dimension_filters\": []}", "wrong_kind"},
        {"{\"index_coordinates\": [{\"colour\": 1}]}", "unknown_dimension"},
        {"{\"index_coordinates\": [5]}", "wrong_kind"},
        {"{\"index_coordinates\": {}}", "wrong_kind"},
        {"{\"dimension_range_map\": [{\"coordinate\": {\"asset\": \"A\"}}]}", "missing_field"},
        {"{\"dimension_range_map\": [{\"coordinate\": {\"asset\": \"A\", \"venue 100%\": 1},"
         " \"start_date\": 0, \"start_date_operand\": \"= 0 OR 1 >\"}]}",
         "bad_value"},
        {"{\"dates\": 1}", "unknown_key"},
        {"[]", "wrong_kind"},
    };
    char path[160];
    snprintf(path, sizeof path, DYNAMIC "%s/get_data_between_dates_from_remote/", all->uid);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(all->made->manager, "POST", path, cases[i].body, 400, cases[i].code, NULL);
    snprintf(path, sizeof path, META "%s/get_data_between_dates_from_remote/", all->uid);
    refuse(all->made->manager, "POST", path, "{}", 404, "unknown_route", NULL);
}

/* ---- The last rows, statistics, the tail */

static void test_last_observation(void **state) {
    const series *all = *state;
    mseq_value *rows = ask(all, all->uid, "POST", "get_last_observation", "{}", 200);
    equal(rows, "[{\"at\": \"2026-03-02T00:00:00.000000Z\", \"asset\": \"A\", \"venue 100%\": 1,"
                " \"price\": 2.0},"
                " {\"at\": \"2026-03-03T00:00:00.500000Z\", \"asset\": \"A\", \"venue 100%\": 2,"
                " \"price\": 3.0},"
                " {\"at\": \"2026-03-04T00:00:00.000000Z\", \"asset\": \"B\", \"venue 100%\": 1,"
                " \"price\": null}]");
    mseq_value_free(rows);
    rows = ask(all, all->uid, "POST", "get_last_observation",
               "{\"dimension_filters\": {\"asset\": [\"B\"]}}", 200);
    assert_int_equal(mseq_value_length(rows), 1);
    mseq_value_free(rows);
    rows = ask(all, all->plain, "POST", "get_last_observation", NULL, 200);
    equal(rows, "[{\"day\": \"2026-01-02\", \"rate\": 0.2}]");
    mseq_value_free(rows);
}

static void test_stats(void **state) {
    const series *all = *state;
    mseq_value *stats = ask(all, all->uid, "GET", "get-stats", NULL, 200);
    equal(stats, "{\"global_index_progress\": {\"max\": \"2026-03-04T00:00:00.000000Z\", \"min\":"
                 " \"2026-03-01T00:00:00.000000Z\"}, \"index_progress\": {\"A\": {\"1\":"
                 " \"2026-03-02T00:00:00.000000Z\", \"2\": \"2026-03-03T00:00:00.500000Z\"}, \"B\":"
                 " {\"1\": \"2026-03-04T00:00:00.000000Z\"}}, \"index_min\": {\"A\": {\"1\":"
                 " \"2026-03-01T00:00:00.000000Z\", \"2\": \"2026-03-03T00:00:00.500000Z\"}, \"B\":"
                 " {\"1\": \"2026-03-01T00:00:00.000000Z\"}}, \"multi_index_column_stats\": {}}");
    mseq_value_free(stats);
    stats = ask(all, all->plain, "GET", "get-stats", NULL, 200);
    equal(stats, "{\"global_index_progress\": {\"max\": \"2026-01-02\", \"min\": \"2026-01-01\"},"
                 " \"index_progress\": {}, \"index_min\": {}, \"multi_index_column_stats\": {}}");
    mseq_value_free(stats);
    run_on_data(all->made, "DELETE FROM rates");
    stats = ask(all, all->plain, "GET", "get-stats", NULL, 200);
    equal(mseq_object_get(stats, "global_index_progress"), "{\"max\": null, \"min\": null}");
    mseq_value_free(stats);
}

static void test_tail(void **state) {
    const series *all = *state;
    mseq_value *reply =
        ask(all, all->uid, "POST", "delete_after_date",
            "{\"after_date\": \"2026-03-02T00:00:00+00:00\", \"dimension_filters\": {\"asset\":"
            " [\"A\"]}}",
            200);
    assert_true(mseq_object_get_boolean(reply, "ok", false));
    assert_int_equal(mseq_object_get_integer(reply, "deleted_count", 0), 2);
    assert_false(mseq_object_get_boolean(reply, "table_empty", true));
    assert_string_equal(text_at(mseq_object_get(reply, "stats"), "last_time_index_value"),
                        "2026-03-04T00:00:00.000000Z");
    mseq_value_free(reply);
    prices(all, "{}", "[1.0, 4.0, null]");
    reply = ask(all, all->uid, "POST", "delete_after_date",
                "{\"after_date\": \"1970-01-01T00:00:00Z\"}", 200);
    assert_true(mseq_object_get_boolean(reply, "table_empty", false));
    mseq_value_free(reply);
    mseq_value_free(ask(all, all->uid, "POST", "delete_after_date", "{}", 400));
    mseq_value_free(ask(all, all->uid, "POST", "delete_after_date", "{\"after_date\": null}", 400));
    mseq_value_free(
        ask(all, all->uid, "POST", "delete_after_date", "{\"after_date\": \"2026-03-02\"}", 400));
}

/* ---- Who may, and what is no series */

static void test_access(void **state) {
    const series *all = *state;
    static const struct {
        const char *method, *route, *body;
        int viewer;
    } routes[] = {
        {"GET", "get-stats", NULL, 200},
        {"POST", "get_last_observation", "{}", 200},
        {"POST", "get_data_between_dates_from_remote", "{}", 200},
        {"POST", "delete_after_date", "{\"after_date\": \"2026-03-02T00:00:00Z\"}", 403},
    };
    char path[160], body[64];
    mseq_manager *manager = all->made->manager;
    int64_t viewer_id = add_user(manager, "viewer", false);
    add_user(manager, "stranger", false);
    char *viewer = log_in(manager, "viewer", NULL), *stranger = log_in(manager, "stranger", NULL);
    snprintf(path, sizeof path, DYNAMIC "%s/add-to-view/", all->uid);
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)viewer_id);
    mseq_value_free(expect(manager, "POST", path, body, 200));
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        snprintf(path, sizeof path, DYNAMIC "%s/%s/", all->uid, routes[i].route);
        mseq_value_free(expect_remote(manager, viewer, routes[i].method, path, routes[i].body,
                                      routes[i].viewer));
        refuse_remote(manager, stranger, routes[i].method, path, routes[i].body, 404, "not_found");
    }
    refuse_remote(manager, stranger, "POST", DYNAMIC "get_data_between_dates_from_node_identifier/",
                  "{\"node_identifier\": \"demo.prices\"}", 404, "not_found");
    mseq_value_free(expect_remote(manager, viewer, "POST",
                                  DYNAMIC "get_data_between_dates_from_node_identifier/",
                                  "{\"node_identifier\": \"demo.prices\"}", 200));
    free(viewer);
    free(stranger);
}

static void test_other_tables(void **state) {
    const series *all = *state;
    char path[160];
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
        " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"physical\":"
        " {\"table_name\": \"flat\"}, \"columns\": [" COLUMN("id", "int64", "BIGINT") "]}}",
        all->made->source);
    mseq_value *row = expect(all->made->manager, "POST", META "register/", body, 201);
    snprintf(path, sizeof path, DYNAMIC "%s/get-stats/", text_at(row, "uid"));
    refuse(all->made->manager, "GET", path, NULL, 400, "not_time_indexed", "flat");
    mseq_value_free(row);
    free(body);
    run_on_data(all->made, "DROP TABLE rates");
    snprintf(path, sizeof path, DYNAMIC "%s/get-stats/", all->plain);
    mseq_reply reply = call(all->made->manager, "GET", path, NULL);
    assert_in_range(reply.status, 400, 409); /* its table is gone: no crash, no 500 */
    mseq_reply_free(&reply);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ranges, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_range_columns, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_range_pages, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_range_refusals, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_last_observation, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_stats, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_tail, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_access, set_up_series, tear_down_series),
        cmocka_unit_test_setup_teardown(test_other_tables, set_up_series, tear_down_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
