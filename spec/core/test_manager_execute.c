/* SPDX-License-Identifier: MIT
 * Room `manager`: execute-operation and run_query on the SQLite data source. */
#include "manager_helpers.h"

#define ITEM                                                                                       \
    "{\"data_source_uid\": \"$S\", \"identifier\": \"demo.Item\", \"namespace\": \"demo\","        \
    " \"management_mode\": \"platform_managed\", \"labels\": [], \"provisioning\":"                \
    " {\"create_table\": true, \"if_not_exists\": true}, \"table_contract\": {\"physical\":"       \
    " {\"table_name\": \"demo__item\"}, \"columns\": ["                                            \
    "{\"name\": \"uid\", \"data_type\": \"uuid\", \"backend_type\": \"UUID\", \"nullable\": "      \
    "false,"                                                                                       \
    " \"primary_key\": true},"                                                                     \
    "{\"name\": \"name\", \"data_type\": \"string\", \"backend_type\": \"VARCHAR(64)\"},"          \
    "{\"name\": \"active\", \"data_type\": \"bool\", \"backend_type\": \"BOOLEAN\"},"              \
    "{\"name\": \"seen\", \"data_type\": \"timestamp with time zone\", \"backend_type\":"          \
    " \"TIMESTAMP WITH TIME ZONE\"},"                                                              \
    "{\"name\": \"facts\", \"data_type\": \"json\", \"backend_type\": \"JSON\"},"                  \
    "{\"name\": \"image\", \"data_type\": \"BLOB\", \"backend_type\": \"BLOB\"},"                  \
    "{\"name\": \"price\", \"data_type\": \"numeric\", \"backend_type\": \"NUMERIC(20, 4)\"},"     \
    "{\"name\": \"born\", \"data_type\": \"date\", \"backend_type\": \"DATE\"},"                   \
    "{\"name\": \"amount\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}"

typedef struct shop {
    fixture *made;
    char item[37];
    char other[37];
} shop;

static char *register_table(const fixture *made, const char *text) {
    char *body = fill(made, text, NULL);
    mseq_value *row = expect(made->manager, "POST", META "register/", body, 201);
    check_model("MetaTable", row);
    assert_string_equal(text_at(row, "provisioning_status"), "active");
    char *uid = strdup(text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
    return uid;
}

static int open_shop(void **state) {
    if (set_up(state) != 0)
        return -1;
    shop *made = calloc(1, sizeof *made);
    made->made = *state;
    char *uid = register_table(made->made, ITEM);
    snprintf(made->item, sizeof made->item, "%s", uid);
    free(uid);
    uid = register_table(made->made, "{\"data_source_uid\": \"$S\", \"management_mode\":"
                                     " \"platform_managed\", \"provisioning\": {\"create_table\":"
                                     " true}, \"table_contract\": {\"physical\": {\"table_name\":"
                                     " \"demo__secret\"}, \"columns\": [{\"name\": \"word\","
                                     " \"data_type\": \"string\", \"backend_type\": \"TEXT\"}]}}");
    snprintf(made->other, sizeof made->other, "%s", uid);
    free(uid);
    *state = made;
    return 0;
}

static int close_shop(void **state) {
    shop *made = *state;
    *state = made->made;
    free(made);
    return tear_down(state);
}

/* Body of an operation on the item table; `more` follows the statement. */
static char *operation(const shop *made, const char *kind, const char *access, const char *sql,
                       const char *parameters, const char *types, const char *limits) {
    mseq_value *text = mseq_value_string(sql);
    char *quoted = to_text(text);
    mseq_value_free(text);
    char *body = mseq_text_format(
        "{\"operation\": \"%s\", \"dialect\": \"sqlite\", \"statement\": {\"sql\": %s,"
        " \"parameters\": %s%s%s}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
        " [{\"meta_table_uid\": \"%s\", \"access\": \"%s\"}]}%s%s}",
        kind, quoted, parameters, types ? ", \"parameter_types\": " : "", types ? types : "",
        made->made->source, made->item, access, limits ? ", \"limits\": " : "",
        limits ? limits : "");
    free(quoted);
    return body;
}

static mseq_value *run_at(const char *file, int line, const shop *made, const char *kind,
                          const char *access, const char *sql, const char *parameters,
                          const char *types, const char *limits, int status) {
    char *body = operation(made, kind, access, sql, parameters, types, limits);
    mseq_value *reply =
        expect_at(file, line, made->made->manager, "POST", META "execute-operation/", body, status);
    free(body);
    return reply;
}
#define run(...) run_at(__FILE__, __LINE__, __VA_ARGS__)

static void refused_at(const char *file, int line, const shop *made, const char *kind,
                       const char *access, const char *sql, const char *parameters,
                       const char *types, int status, const char *code, const char *words) {
    char *body = operation(made, kind, access, sql, parameters, types, NULL);
    refuse_at(file, line, made->made->manager, "POST", META "execute-operation/", body, status,
              code, words);
    free(body);
}
#define refused(...) refused_at(__FILE__, __LINE__, __VA_ARGS__)

static void check_rows_at(const char *file, int line, mseq_value *reply, const char *expected) {
    mseq_value *wanted = parse(expected);
    const mseq_value *rows = mseq_object_get(reply, "rows");
    if (!mseq_value_equal(rows, wanted)) {
        char *text = to_text(rows);
        print_error("%s:%d: rows are %s, not %s\n", file, line, text, expected);
        free(text);
        fail();
    }
    mseq_value_free(wanted);
    mseq_value_free(reply);
}
#define check_rows(reply, expected) check_rows_at(__FILE__, __LINE__, reply, expected)

#define UID "11111111-2222-4333-8444-555555555555"

static void insert_one(const shop *made) {
    mseq_value *reply =
        run(made, "insert", "write",
            "INSERT INTO demo__item (uid, name, active, seen, facts, image, price, born, amount)"
            " VALUES (%(uid)s, %(name)s, %(active)s, %(seen)s, %(facts)s, %(image)s, %(price)s,"
            " %(born)s, %(amount)s)",
            "{\"uid\": \"11111111222243338444555555555555\", \"name\": \"100%\","
            " \"active\": true, \"seen\": \"2026-03-01T10:00:00.5+01:00\","
            " \"facts\": {\"a\": [1, 2.5, null]}, \"image\": \"AAEC/w==\","
            " \"price\": \"12.50\", \"born\": \"2026-03-01\", \"amount\": 9223372036854775807}",
            NULL, NULL, 200);
    assert_int_equal(mseq_object_get_integer(reply, "row_count", -1), 1);
    assert_int_equal(mseq_value_length(mseq_object_get(reply, "rows")), 0);
    mseq_value_free(reply);
}

/* ---- Values */

static void test_values(void **state) {
    const shop *made = *state;
    insert_one(made);
    check_rows(run(made, "select", "read", "SELECT * FROM demo__item", "{}", NULL, NULL, 200),
               "[{\"uid\": \"" UID "\", \"name\": \"100%\", \"active\": true,"
               " \"seen\": \"2026-03-01T09:00:00.500000Z\", \"facts\": {\"a\": [1, 2.5, null]},"
               " \"image\": \"AAEC/w==\", \"price\": 12.5, \"born\": \"2026-03-01\","
               " \"amount\": 9223372036854775807}]");
    /* compared as they are kept */
    check_rows(run(made, "select", "read",
                   "SELECT name FROM demo__item AS i WHERE i.uid = %(u)s AND i.seen <= %(t)s"
                   " AND i.active = %(b)s",
                   "{\"u\": \"11111111-2222-4333-8444-555555555555\", \"t\":"
                   " \"2026-03-01T09:00:00.5Z\", \"b\": true}",
                   NULL, NULL, 200),
               "[{\"name\": \"100%\"}]");
    check_rows(run(made, "select", "read", "SELECT count(*) AS n, max(seen) AS m FROM demo__item",
                   "{}", NULL, NULL, 200),
               "[{\"n\": 1, \"m\": \"2026-03-01T09:00:00.500000Z\"}]");
    check_rows(run(made, "update", "write",
                   "UPDATE demo__item SET active = %(a)s, facts = %(f)s, seen = CURRENT_TIMESTAMP"
                   " WHERE uid = %(u)s RETURNING active, facts, length(seen) AS l",
                   "{\"a\": false, \"f\": \"[true]\", \"u\": \"" UID "\"}", NULL, NULL, 200),
               "[{\"active\": false, \"facts\": [true], \"l\": 19}]");
    mseq_value *reply =
        run(made, "select", "read", "SELECT seen FROM demo__item", "{}", NULL, NULL, 200);
    const char *seen = text_at(mseq_array_get(mseq_object_get(reply, "rows"), 0), "seen");
    assert_int_equal(strlen(seen), 27);
    mseq_value_free(reply);
}

static void test_declared_types(void **state) {
    const shop *made = *state;
    check_rows(
        run(made, "select", "read",
            "SELECT %(u)s AS u, %(t)s AS t, %(n)s AS n, %(w)s AS w, %(b)s AS b, %(j)s AS j,"
            " typeof(%(x)s) AS x",
            "{\"u\": \"{11111111-2222-4333-8444-555555555555}\", \"t\":"
            " \"2026-03-01T00:00:00Z\", \"n\": \"1.10\", \"w\": \"12345678901234567\","
            " \"b\": \"TRUE\", \"j\": 5, \"x\": \"AAEC\"}",
            "{\"u\": \"uuid\", \"t\": \"timestamptz\", \"n\": \"numeric\", \"w\": \"numeric\","
            " \"b\": \"bool\", \"j\": \"json\", \"x\": \"bytea\"}",
            NULL, 200),
        "[{\"u\": \"" UID "\", \"t\": \"2026-03-01T00:00:00.000000Z\", \"n\": 1.1,"
        " \"w\": 12345678901234567, \"b\": 1, \"j\": \"5\", \"x\": \"blob\"}]");
    static const struct {
        const char *value, *type, *words;
    } bad[] = {
        {"\"123456789.0123456789\"", "numeric", "'v': a SQLite data source keeps 15"},
        {"\"1e999\"", "numeric", "out of range"},
        {"\"abc\"", "numeric", "no number"},
        {"\"NaN\"", "numeric", "no number"},
        {"\"nonsense\"", "uuid", "no uuid"},
        {"\"maybe\"", "bool", "no boolean"},
        {"\"{broken\"", "json", "no JSON"},
        {"\"?!\"", "bytea", "base64"},
        {"\"2026-03-01T00:00:00.123456789Z\"", "timestamptz", "microseconds"},
        {"\"2026-03-01T00:00:00\"", "timestamptz", "v"},
        {"\"a\\u0000b\"", "string", "NUL"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char parameters[96], types[64];
        snprintf(parameters, sizeof parameters, "{\"v\": %s}", bad[i].value);
        snprintf(types, sizeof types, "{\"v\": \"%s\"}", bad[i].type);
        refused(made, "select", "read", "SELECT %(v)s AS v", parameters, types, 400, "bad_value",
                bad[i].words);
    }
    /* 15 digits, and zeros that carry nothing */
    check_rows(run(made, "select", "read", "SELECT %(v)s AS v",
                   "{\"v\": \"0.00123456789012345000\"}", "{\"v\": \"numeric\"}", NULL, 200),
               "[{\"v\": 0.00123456789012345}]");
}

static void test_types_of_columns(void **state) {
    const shop *made = *state;
    refused(made, "insert", "write",
            "INSERT INTO \"demo__item\" (uid, price) VALUES (%(u)s, 1), (%(v)s, %(p)s)",
            "{\"u\": \"" UID "\", \"v\": \"x\", \"p\": \"1.2345678901234567\"}", NULL, 400,
            "bad_value", "'v': it is no uuid");
    refused(made, "insert", "write", "INSERT INTO demo__item (uid, price) VALUES (%(u)s, %(p)s)",
            "{\"u\": \"" UID "\", \"p\": \"1.2345678901234567\"}", NULL, 400, "bad_value",
            "'p': a SQLite data source keeps 15");
    refused(made, "update", "write", "UPDATE demo__item SET name = %(n)s, seen = %(t)s WHERE 1 = 0",
            "{\"n\": \"2026\", \"t\": \"2026-03-01 10:00\"}", NULL, 400, "bad_value", "'t'");
    refused(made, "update", "write", "UPDATE demo__item SET facts = %(f)s WHERE 1 = 0",
            "{\"f\": \"{\"}", NULL, 400, "bad_value", "no JSON");
    /* compared with what it is not: allowed, and false */
    check_rows(run(made, "select", "read", "SELECT name FROM demo__item WHERE uid = %(u)s",
                   "{\"u\": \"x\"}", NULL, NULL, 200),
               "[]");
    /* a placeholder inside a text is none */
    check_rows(run(made, "select", "read", "SELECT 'uid = ?1 %(u)s' AS t, %(a)s AS a",
                   "{\"a\": \"UPPER\"}", NULL, NULL, 200),
               "[{\"t\": \"uid = ?1 %(u)s\", \"a\": \"UPPER\"}]");
}

/* ---- Limits */

static void test_pages(void **state) {
    const shop *made = *state;
    mseq_value_free(run(made, "insert", "write",
                        "INSERT INTO demo__item (uid, amount) WITH RECURSIVE n (i) AS (SELECT 1"
                        " UNION ALL SELECT i + 1 FROM n WHERE i < 7) SELECT 'u' || i, i FROM n",
                        "{}", NULL, NULL, 200));
    mseq_value *reply = run(made, "select", "read", "SELECT amount FROM demo__item ORDER BY 1",
                            "{}", NULL, "{\"max_rows\": 3, \"offset\": 2}", 200);
    mseq_value *wanted = parse("{\"limit\": 3, \"offset\": 2, \"returned_count\": 3, \"has_more\":"
                               " true, \"next_offset\": 5}");
    assert_true(mseq_value_equal(mseq_object_get(reply, "pagination"), wanted));
    assert_true(mseq_object_get_boolean(reply, "truncated", false));
    assert_int_equal(mseq_object_get_integer(reply, "max_rows", 0), 3);
    assert_int_equal(mseq_object_get_integer(reply, "row_count", 0), 3);
    mseq_value_free(wanted);
    static const char *const keys[] = {"ok",        "operation", "dialect",    "row_count", "rows",
                                       "truncated", "max_rows",  "pagination", "scope"};
    assert_int_equal(mseq_value_length(reply), 9);
    for (size_t i = 0; i < 9; i++)
        assert_string_equal(mseq_object_key_at(reply, i), keys[i]);
    const mseq_value *scope = mseq_object_get(reply, "scope");
    assert_string_equal(text_at(scope, "data_source_uid"), made->made->source);
    assert_string_equal(
        mseq_value_get_text(mseq_array_get(mseq_object_get(scope, "meta_table_uids"), 0)),
        made->item);
    check_rows(reply, "[{\"amount\": 3}, {\"amount\": 4}, {\"amount\": 5}]");
    reply = run(made, "select", "read", "SELECT amount FROM demo__item ORDER BY 1", "{}", NULL,
                "{\"max_rows\": 3, \"offset\": 5}", 200);
    assert_false(mseq_object_get_boolean(reply, "truncated", true));
    assert_true(
        mseq_value_is_null(mseq_object_get(mseq_object_get(reply, "pagination"), "next_offset")));
    check_rows(reply, "[{\"amount\": 6}, {\"amount\": 7}]");
    /* what is asked for beyond the cap comes in pages */
    reply =
        run(made, "select", "read", "SELECT 1 AS a", "{}", NULL, "{\"max_rows\": 100000000}", 200);
    assert_int_equal(mseq_object_get_integer(reply, "max_rows", 0), 10000);
    mseq_value_free(reply);
    char *body =
        operation(made, "update", "write", "UPDATE demo__item SET name = 'x' RETURNING uid", "{}",
                  NULL, "{\"max_rows\": 3}");
    refuse(made->made->manager, "POST", META "execute-operation/", body, 400, "row_limit",
           "7 rows");
    free(body);
    check_rows(run(made, "select", "read", "SELECT count(*) AS n FROM demo__item WHERE name = 'x'",
                   "{}", NULL, NULL, 200),
               "[{\"n\": 0}]");
    body = operation(made, "select", "read",
                     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                     " SELECT count(*) FROM n",
                     "{}", NULL, "{\"statement_timeout_ms\": 50}");
    mseq_reply late = call(made->made->manager, "POST", META "execute-operation/", body);
    assert_int_equal(late.status, 408);
    mseq_reply_free(&late);
    free(body);
}

/* ---- What is refused */

static void test_scope(void **state) {
    const shop *made = *state;
    mseq_manager *manager = made->made->manager;
    refused(made, "select", "read", "SELECT word FROM demo__secret", "{}", NULL, 400,
            "scope_violation", "demo__secret");
    refused(made, "select", "read", "SELECT 1 FROM sqlite_master", "{}", NULL, 400,
            "scope_violation", NULL);
    refused(made, "delete", "read", "DELETE FROM demo__item", "{}", NULL, 400,
            "write_not_permitted", "demo__item");
    refused(made, "select", "write", "DELETE FROM demo__item", "{}", NULL, 400, "kind_mismatch",
            NULL);
    refused(made, "select", "read", "SELECT 1; SELECT 2", "{}", NULL, 400, "multiple_statements",
            NULL);
    refused(made, "select", "read", "SELECT %(a)s AS a", "{}", NULL, 400, "parameter_missing", "a");
    refused(made, "select", "read", "SELECT 1 AS a", "{\"b\": 1}", NULL, 400, "parameter_unused",
            "b");
    char *body = operation(made, "select", "read", "SELECT 1", "{}", NULL, NULL);
    char *dialect = strstr(body, "sqlite");
    memcpy(dialect, "oracle", 6);
    refuse(manager, "POST", META "execute-operation/", body, 400, "bad_value", "dialect");
    free(body);
    char text[1024];
    snprintf(text, sizeof text,
             "{\"operation\": \"select\", \"statement\": {\"sql\": \"SELECT 1\"}, \"scope\":"
             " {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\"}]}}",
             made->made->source, made->item);
    refuse(manager, "POST", META "execute-operation/", text, 400, "dialect_mismatch", "'sqlite'");
    snprintf(text, sizeof text,
             "{\"operation\": \"select\", \"dialect\": \"sqlite\", \"statement\": {\"sql\":"
             " \"SELECT 1\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
             " [{\"meta_table_uid\": \"none\"}]}}",
             made->made->source);
    refuse(manager, "POST", META "execute-operation/", text, 404, "not_found", "none");
    snprintf(text, sizeof text,
             "{\"operation\": \"select\", \"dialect\": \"sqlite\", \"statement\": {\"sql\":"
             " \"SELECT 1\"}, \"scope\": {\"data_source_uid\": \"other\", \"tables\":"
             " [{\"meta_table_uid\": \"%s\"}]}}",
             made->item);
    refuse(manager, "POST", META "execute-operation/", text, 400, "data_source_mismatch", "other");
    snprintf(text, sizeof text,
             "{\"operation\": \"select\", \"dialect\": \"sqlite\", \"statement\": {\"sql\":"
             " \"SELECT 1\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
             " [{\"meta_table_uid\": \"%s\", \"alias\": \"a\"}, {\"meta_table_uid\": \"%s\","
             " \"alias\": \"a\"}]}}",
             made->made->source, made->item, made->other);
    refuse(manager, "POST", META "execute-operation/", text, 400, "repeated_alias", "'a'");
}

static void test_same_table_twice(void **state) {
    const shop *made = *state;
    char text[1024];
    snprintf(text, sizeof text,
             "{\"operation\": \"delete\", \"dialect\": \"sqlite\", \"statement\": {\"sql\":"
             " \"DELETE FROM demo__item\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
             " [{\"meta_table_uid\": \"%s\"}, {\"meta_table_uid\": \"%s\", \"access\": \"write\"},"
             " {\"meta_table_uid\": \"%s\"}]}}",
             made->made->source, made->item, made->item, made->item);
    mseq_value *reply = expect(made->made->manager, "POST", META "execute-operation/", text, 200);
    assert_int_equal(
        mseq_value_length(mseq_object_get(mseq_object_get(reply, "scope"), "meta_table_uids")), 1);
    mseq_value_free(reply);
}

static void test_sizes(void **state) {
    const shop *made = *state;
    char *sql = malloc(1000100);
    snprintf(sql, 32, "SELECT 1 --");
    memset(sql + 11, 'x', 1000000);
    sql[1000011] = '\0';
    refused(made, "select", "read", sql, "{}", NULL, 413, "statement_too_long", NULL);
    mseq_buffer text = MSEQ_BUFFER_INIT, parameters = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&text, "SELECT 1 IN (%(p0)s");
    mseq_buffer_append_text(&parameters, "{\"p0\": 0");
    for (int i = 1; i < 32800; i++) {
        mseq_buffer_append_format(&text, ",%%(p%d)s", i);
        mseq_buffer_append_format(&parameters, ", \"p%d\": 0", i);
    }
    mseq_buffer_append_text(&text, ") AS a");
    mseq_buffer_append_text(&parameters, "}");
    refused(made, "select", "read", mseq_buffer_text(&text), mseq_buffer_text(&parameters), NULL,
            400, "too_many_parameters", "32800");
    mseq_buffer_free(&text);
    mseq_buffer_free(&parameters);
    free(sql);
}

/* ---- Reserved tables */

static void test_reserved(void **state) {
    const shop *made = *state;
    char *body = fill(made->made,
                      "[{\"data_source_uid\": \"$S\", \"identifier\": \"demo__late\","
                      " \"namespace\": \"demo\", \"migration_package\": \"demo\","
                      " \"migration_namespace\": \"demo\", \"physical_table_name\":"
                      " \"demo__late\", \"table_contract\": {\"physical\": {\"table_name\":"
                      " \"demo__late\"}, \"columns\": [{\"name\": \"on\", \"data_type\": \"bool\","
                      " \"backend_type\": \"BOOLEAN\"}]}}]",
                      NULL);
    mseq_value *rows = expect(made->made->manager, "POST", META, body, 201);
    free(body);
    shop late = {.made = made->made};
    snprintf(late.item, sizeof late.item, "%s", text_at(mseq_array_get(rows, 0), "uid"));
    mseq_value_free(rows);
    refused(&late, "select", "read", "SELECT * FROM demo__late", "{}", NULL, 409, "table_reserved",
            "demo__late");
    char text[512];
    snprintf(text, sizeof text,
             "{\"operation\": \"select\", \"dialect\": \"sqlite\", \"statement\": {\"sql\":"
             " \"SELECT * FROM demo__late\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
             " [{\"meta_table_uid\": \"%s\", \"reserved_policy\": \"reconcile\"}]}}",
             made->made->source, late.item);
    refuse(made->made->manager, "POST", META "execute-operation/", text, 409,
           "physical_table_missing", "demo__late");
    run_on_data(made->made, "CREATE TABLE demo__late (\"on\" BOOLEAN); INSERT INTO demo__late"
                            " VALUES (1)");
    check_rows(expect(made->made->manager, "POST", META "execute-operation/", text, 200),
               "[{\"on\": true}]");
    check_rows(run(&late, "select", "read", "SELECT * FROM demo__late", "{}", NULL, NULL, 200),
               "[{\"on\": true}]");
}

/* ---- run_query */

static mseq_value *query(const shop *made, const char *uid, const char *sql, int status) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    char path[128];
    snprintf(path, sizeof path, META "%s/run_query/", uid);
    request.method = "POST";
    request.path = path;
    request.text = sql;
    request.text_length = strlen(sql);
    mseq_manager_handle(made->made->manager, &request, &reply);
    if (reply.status != status) {
        char *text = to_text(reply.body);
        fail_msg("%s gave %d: %s", sql, reply.status, text);
    }
    mseq_value *body = reply.body;
    reply.body = NULL;
    mseq_reply_free(&reply);
    return body;
}

static void test_run_query(void **state) {
    const shop *made = *state;
    insert_one(made);
    mseq_value *reply =
        query(made, made->item, "SELECT name, active, '%' AS p FROM DEMO__Item", 200);
    mseq_value *wanted = parse("[{\"name\": \"100%\", \"active\": true, \"p\": \"%\"}]");
    assert_true(mseq_value_equal(mseq_object_get(reply, "results"), wanted));
    assert_true(mseq_object_get_boolean(reply, "ok", false));
    mseq_value_free(wanted);
    mseq_value_free(reply);
    /* the scope is what it names, not only the table of the route */
    mseq_value_free(query(made, made->item,
                          "WITH w AS (SELECT word FROM \"demo__secret\")"
                          " SELECT * FROM w",
                          200));
    static const char *const bad[] = {"DELETE FROM demo__item",      "EXPLAIN SELECT 1",
                                      "SELECT * FROM sqlite_master", "SELECT",
                                      "PRAGMA user_version",         "SELECT 1; SELECT 2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mseq_reply answer = MSEQ_REPLY_INIT;
        mseq_request request = MSEQ_REQUEST_INIT;
        char path[128];
        snprintf(path, sizeof path, META "%s/run_query/", made->item);
        request.method = "POST";
        request.path = path;
        request.text = bad[i];
        request.text_length = strlen(bad[i]);
        mseq_manager_handle(made->made->manager, &request, &answer);
        assert_true(answer.status >= 400);
        assert_false(mseq_object_get_boolean(answer.body, "ok", true));
        assert_non_null(mseq_object_get_text(mseq_object_get(answer.body, "error"), "message"));
        mseq_reply_free(&answer);
    }
    char path[128];
    snprintf(path, sizeof path, META "%s/run_query/", made->item);
    refuse(made->made->manager, "POST", path, "{}", 400, "wrong_kind", "plain text");
    /* as later SDKs ask */
    reply = expect(made->made->manager, "POST", path, "\"SELECT name FROM demo__item\"", 200);
    assert_int_equal(mseq_object_get_integer(reply, "row_count", 0), 1);
    mseq_value_free(reply);
    refuse(made->made->manager, "POST", path, "\"SELECT '\\u0000'\"", 400, "bad_value", "NUL");
    refuse(made->made->manager, "POST", META "none/run_query/", "{}", 404, "not_found", "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_declared_types, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_types_of_columns, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_pages, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_scope, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_same_table_twice, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_sizes, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_reserved, open_shop, close_shop),
        cmocka_unit_test_setup_teardown(test_run_query, open_shop, close_shop),
    };
    return cmocka_run_group_tests_name("manager execute", tests, NULL, NULL);
}
