/* SPDX-License-Identifier: MIT
 * Statements that nest deep, through `local:` on a thread with a small stack and through HTTP, on
 * both databases: below the bounds they run or are refused by the database, beyond them they are
 * refused by name, a megabyte of them too; nothing ever crashes, and the next statement runs. */
#include <pthread.h>

#include "postgresql_helpers.h"
#include "server_helpers.h"

#include "mainsequence/endpoint.h"

#define EXECUTE META "execute-operation/"
enum {
    STACK = 256 * 1024,
    BOUND = 2000,
    MEGABYTE = 990000 /* below the bound on the length */,
    PLANNING_MS = 300
};

/* head, `count` times open, middle, `count` times close */
typedef struct shape {
    const char *head, *open, *middle, *close;
    size_t per;   /* how much of the construct one repetition is */
    bool foreign; /* not SQLite's */
} shape;

static const shape SHAPES[] = {
    {"SELECT ", "(", "1", ")", 1, false},
    {"SELECT ", "ARRAY[", "1", "]", 1, true},
    {"SELECT ", "abs(", "1", ")", 1, false},
    {"SELECT ", "CASE WHEN true THEN ", "1", " END", 1, false},
    {"SELECT ", "CASE WHEN ", "true", " THEN true END", 1, false},
    {"SELECT 1", "+1", "", "", 1, false},
    {"SELECT ", "- ", "1", "", 1, false},
    {"SELECT 1", "::int", "", "", 1, true},
    {"SELECT ", "NOT ", "true", "", 1, false},
    {"SELECT ", "1 BETWEEN 1 AND NOT ", "true", "", 2, false},
    {"SELECT ''", "||''", "", "", 1, false},
    {"SELECT 1 WHERE 1=1", " AND (1=1 OR NOT 1=1", "", ")", 1, false},
    {"", "(SELECT ", "1", ")", 1, true},
    {"SELECT 1 WHERE 1 IN ", "(SELECT 1 WHERE 1 IN ", "(1)", ")", 1, false},
    {"SELECT 1 FROM ", "(SELECT 1 FROM ", "account", ") q", 1, false},
    {"SELECT 1", " UNION ALL SELECT 1", "", "", 1, false},
    {"SELECT 1 FROM account", " CROSS JOIN account", "", "", 1, false},
    {"WITH ", "a AS (WITH ", "b AS (SELECT 1) SELECT 1", ") SELECT 1", 1, false},
};

typedef struct world {
    served *own;
    mseq_client *client; /* on local: */
    char *uri;
    char failure[512]; /* the first; threads other than cmocka's cannot fail */
    struct {
        mseq_dialect dialect;
        char source[37], table[37];
    } places[2];
} world;

/* ---- Worlds ------------------------------------------------------------------------------------
 */

static void add_place(world *all, size_t i, mseq_dialect dialect, const char *source) {
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"app.account\", \"management_mode\":"
        " \"platform_managed\", \"provisioning\": {\"create_table\": true}, \"table_contract\":"
        " {\"physical\": {\"table_name\": \"account\"}, \"columns\": [{\"name\": \"uid\","
        " \"data_type\": \"int32\", \"backend_type\": \"INTEGER\"}]}}",
        source);
    mseq_value *row = expect(all->own->made->manager, "POST", META "register/", body, 201);
    all->places[i].dialect = dialect;
    snprintf(all->places[i].source, 37, "%s", source);
    snprintf(all->places[i].table, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

static int start(void **state) {
    void *own = NULL;
    static world all;
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    char endpoint[96];
    if (set_up_server(&own) != 0)
        return -1;
    all.own = own;
    all.uri = postgresql_database("nesting");
    log_in(all.own);
    char *body = mseq_text_format("{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", all.uri);
    mseq_value *source =
        expect(all.own->made->manager, "POST", "/orm/api/ts_manager/data_sources/", body, 201);
    add_place(&all, 0, MSEQ_SQLITE, all.own->made->source);
    add_place(&all, 1, MSEQ_POSTGRESQL, text_at(source, "uid"));
    mseq_value_free(source);
    free(body);
    snprintf(endpoint, sizeof endpoint, "local:%s", all.own->made->folder);
    if (mseq_endpoint_open(endpoint, NULL, &options, &all.client, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    *state = &all;
    return 0;
}

static int stop(void **state) {
    world *all = *state;
    void *own = all->own;
    mseq_client_free(all->client);
    free(all->uri);
    return tear_down_server(&own);
}

/* ---- Statements --------------------------------------------------------------------------------
 */

static char *build(const shape *s, size_t count) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&text, s->head);
    for (size_t i = 0; i < count; i++)
        mseq_buffer_append_text(&text, s->open);
    mseq_buffer_append_text(&text, s->middle);
    for (size_t i = 0; i < count; i++)
        mseq_buffer_append_text(&text, s->close);
    return mseq_buffer_take(&text);
}

static char *operation_of(const world *all, size_t place, const char *sql, int timeout_ms) {
    return mseq_text_format(
        "{\"operation\": \"select\", \"dialect\": \"%s\", \"statement\": {\"sql\": \"%s\"},"
        " \"scope\": {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\"}]},"
        " \"limits\": {\"statement_timeout_ms\": %d}}",
        mseq_dialect_name(all->places[place].dialect), sql, all->places[place].source,
        all->places[place].table, timeout_ms);
}

/* The code of the refusal, or "". */
typedef struct outcome {
    int status;
    char code[64];
} outcome;

typedef outcome (*route)(const world *all, const char *body);

static outcome over_http(const world *all, const char *body) {
    outcome made = {0, ""};
    int client = ask(all->own, "POST", EXECUTE, "", body);
    heard reply = hear(client);
    mseq_value *parsed = NULL;
    made.status = reply.status;
    if (reply.status != 200) {
        assert_int_equal(mseq_json_parse(reply.body, reply.body_length, 0, &parsed, NULL), MSEQ_OK);
        snprintf(made.code, sizeof made.code, "%s", text_at(parsed, "code"));
    }
    mseq_value_free(parsed);
    heard_free(&reply);
    close(client);
    return made;
}

static outcome in_process(const world *all, const char *body) {
    outcome made = {200, ""};
    mseq_value *parsed = parse(body), *reply = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_client_call(all->client, "POST", EXECUTE, NULL, parsed, &reply, &err) != MSEQ_OK) {
        made.status = err.http_status;
        snprintf(made.code, sizeof made.code, "%s", err.code);
    }
    mseq_value_free(parsed);
    mseq_value_free(reply);
    return made;
}

static void note(world *all, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (!all->failure[0])
        vsnprintf(all->failure, sizeof all->failure, format, arguments);
    va_end(arguments);
}

static void check_depth(world *all, size_t place, const shape *s, size_t count, route take) {
    bool postgresql = all->places[place].dialect == MSEQ_POSTGRESQL;
    size_t bound = BOUND / s->per;
    char *sql = build(s, count),
         *body = operation_of(all, place, sql, postgresql ? PLANNING_MS : PATIENCE_MS);
    outcome made = take(all, body);
    bool named = strcmp(made.code, "nesting_too_deep") == 0;
    bool beyond = count > bound + 1;
    bool ended = postgresql && made.status == 408; /* it plans long for what nests deep */
    if ((made.status != 200 && made.status != 400 && !ended) || (named && count < bound - 2) ||
        (postgresql && beyond && !named) || (beyond && made.status != 400))
        note(all, "%zu times %s%s on %s: %d %s", count, s->head, s->open,
             postgresql ? "PostgreSQL" : "SQLite", made.status, made.code);
    free(body);
    free(sql);
}

/* On SQLite around its bound on expressions (1,000), on both around our own, and a megabyte. */
static void check_shapes(world *all, route take) {
    static const size_t counts[] = {990, 1010, BOUND - 3, BOUND + 2};
    for (size_t place = 0; place < 2; place++) {
        for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
            const shape *s = &SHAPES[i];
            if (s->foreign && all->places[place].dialect == MSEQ_SQLITE)
                continue;
            for (size_t k = place ? 2 : 0; k < sizeof counts / sizeof *counts; k++)
                check_depth(all, place, s, counts[k] / s->per, take);
            check_depth(all, place, s, MEGABYTE / (strlen(s->open) + strlen(s->close)), take);
        }
        char *body = operation_of(all, place, "SELECT count(*) FROM account", PATIENCE_MS);
        if (take(all, body).status != 200)
            note(all, "afterwards nothing runs");
        free(body);
    }
}

static void *in_a_small_thread(void *data) {
    check_shapes(data, in_process);
    return NULL;
}

static void test_local(void **state) {
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attributes, in_a_small_thread, *state), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_string_equal(((const world *)*state)->failure, "");
}

static void test_http(void **state) {
    check_shapes(*state, over_http);
    assert_string_equal(((const world *)*state)->failure, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_http),
    };
    return cmocka_run_group_tests_name("statements that nest deep", tests, start, stop);
}
