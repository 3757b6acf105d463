/* SPDX-License-Identifier: MIT
 * Rooms `transport` and `client`: a scripted TS Manager answers; what the client makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mainsequence/client.h"

/* ---- A TS Manager that reads its answers from a list -------------------------------------------
 */

typedef struct answer {
    int status;
    const char *json; /* NULL: no body */
    const char *text; /* a body that is not JSON */
} answer;

typedef struct script {
    const answer *answers;
    size_t count;
    size_t served;
    char method[8];
    char path[256];
    char query[256];
    char text[64];
    mseq_value *body; /* of the last request */
    bool released;
} script;

static mseq_value *parse(const char *json) {
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_json_parse(json, strlen(json), 0, &value, &err), MSEQ_OK);
    return value;
}

static void serve(void *data, const mseq_request *request, mseq_reply *reply) {
    script *s = data;
    snprintf(s->method, sizeof s->method, "%s", request->method);
    snprintf(s->path, sizeof s->path, "%s", request->path);
    snprintf(s->query, sizeof s->query, "%s", request->query ? request->query : "");
    snprintf(s->text, sizeof s->text, "%s", request->text ? request->text : "");
    mseq_value_free(s->body);
    s->body = request->body ? mseq_value_dup(request->body) : NULL;
    assert_true(s->served < s->count);
    const answer *a = &s->answers[s->served++];
    reply->status = a->status;
    reply->body = a->json ? parse(a->json) : NULL;
    reply->text = mseq_text_dup(a->text);
}

static void release(void *data) {
    script *s = data;
    mseq_value_free(s->body);
    s->body = NULL;
    s->released = true;
}

static mseq_client *client_of(script *s, const answer *answers, size_t count,
                              const mseq_client_options *options) {
    static const mseq_client_options once = {.size = sizeof once, .attempts = 1};
    *s = (script){.answers = answers, .count = count};
    mseq_transport *transport = NULL;
    mseq_client *client = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_transport_local_new(serve, s, release, "local:/test", &transport, &err),
                     MSEQ_OK);
    assert_int_equal(mseq_client_new(transport, options ? options : &once, &client, &err), MSEQ_OK);
    return client;
}

#define CLIENT(s, answers) client_of(&(s), answers, sizeof(answers) / sizeof *(answers), NULL)

/* ---- Refusals
 * ------------------------------------------------------------------------------------ */

static void expect_refusal(const answer *a, mseq_status status, const char *message) {
    script s;
    mseq_client *client = client_of(&s, a, 1, NULL);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *reply = NULL;
    assert_int_equal(mseq_client_call(client, "GET", "/x/", NULL, NULL, &reply, &err), status);
    assert_null(reply);
    assert_string_equal(err.message, message);
    assert_int_equal(err.http_status, a->status);
    mseq_client_free(client);
    assert_true(s.released);
}

static void test_refusals(void **state) {
    (void)state;
    expect_refusal(&(answer){404, "{\"detail\": \"Not found.\"}", NULL}, MSEQ_E_NOT_FOUND,
                   "404 GET local:/test/x/: Not found.");
    expect_refusal(&(answer){400, "{\"detail\": \"\", \"error\": \"bad\"}", NULL}, MSEQ_E_REQUEST,
                   "400 GET local:/test/x/: bad");
    expect_refusal(&(answer){400, "{\"message\": {\"a\": 1}}", NULL}, MSEQ_E_REQUEST,
                   "400 GET local:/test/x/: {\"a\": 1}");
    expect_refusal(&(answer){400, "{\"non_field_errors\": [\"x\"]}", NULL}, MSEQ_E_REQUEST,
                   "400 GET local:/test/x/: [\"x\"]");
    expect_refusal(&(answer){400, "{\"errors\": {\"f\": [\"required\"]}}", NULL}, MSEQ_E_REQUEST,
                   "400 GET local:/test/x/: {\"f\": [\"required\"]}");
    expect_refusal(&(answer){401, NULL, "who are you"}, MSEQ_E_AUTHENTICATION,
                   "401 GET local:/test/x/: who are you");
    expect_refusal(&(answer){403, NULL, NULL}, MSEQ_E_PERMISSION,
                   "403 GET local:/test/x/: the TS Manager refused without saying why");
    expect_refusal(&(answer){409, "[\"taken\"]", NULL}, MSEQ_E_CONFLICT,
                   "409 GET local:/test/x/: [\"taken\"]");
    expect_refusal(&(answer){429, "{}", NULL}, MSEQ_E_RATE_LIMIT, "429 GET local:/test/x/: {}");
    expect_refusal(&(answer){503, "{\"detail\": \"busy\"}", NULL}, MSEQ_E_SERVER,
                   "503 GET local:/test/x/: busy");
    expect_refusal(&(answer){418, "{\"detail\": \"teapot\"}", NULL}, MSEQ_E_API,
                   "418 GET local:/test/x/: teapot");
}

static void test_refusal_code_and_hint(void **state) {
    (void)state;
    static const answer answers[] = {
        {400, "{\"detail\": \"d\", \"code\": \"scope_violation\", \"hint\": \"add it\"}", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_client_call(client, "POST", "/x/", NULL, NULL, NULL, &err),
                     MSEQ_E_REQUEST);
    assert_string_equal(err.code, "scope_violation");
    assert_string_equal(err.hint, "add it");
    mseq_client_free(client);
}

/* Who is refused is told to log in again, unless that is what they just did. */
static void test_hints_of_refused_credentials(void **state) {
    (void)state;
    static const answer answers[] = {
        {401, "{\"detail\": \"d\", \"code\": \"token_expired\"}", NULL},
        {401, "{\"detail\": \"d\", \"code\": \"bad_credentials\"}", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    for (int i = 0; i < 2; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_client_call(client, "POST", "/x/", NULL, NULL, NULL, &err),
                         MSEQ_E_AUTHENTICATION);
        assert_string_equal(err.hint, i == 0 ? "log in again with mainsequence login" : "");
    }
    mseq_client_free(client);
}

static void test_reply_that_is_no_json(void **state) {
    (void)state;
    static const answer answers[] = {{200, NULL, "<html>"}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_client_call(client, "GET", "/x/", NULL, NULL, NULL, &err),
                     MSEQ_E_TRANSPORT);
    assert_non_null(strstr(err.message, "not JSON"));
    mseq_client_free(client);
}

static void test_no_answer(void **state) {
    (void)state;
    static const answer answers[] = {{0, NULL, NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_client_call(client, "GET", "/x/", NULL, NULL, NULL, &err),
                     MSEQ_E_TRANSPORT);
    mseq_client_free(client);
}

static void test_accepted_refusal(void **state) {
    (void)state;
    static const answer answers[] = {{409, "{\"ok\": false}", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *reply = NULL;
    int http_status = 0;
    assert_int_equal(mseq_client_call_accepting(client, "POST", "/f/", NULL, NULL, 409,
                                                &http_status, &reply, &err),
                     MSEQ_OK);
    assert_int_equal(http_status, 409);
    assert_false(mseq_object_get_boolean(reply, "ok", true));
    mseq_value_free(reply);
    mseq_client_free(client);
}

static void test_cancelled_before_sending(void **state) {
    (void)state;
    mseq_cancellation *token = mseq_cancellation_new();
    mseq_cancellation_set(token);
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.cancellation = token;
    script s;
    mseq_client *client = client_of(&s, NULL, 0, &options);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_client_call(client, "GET", "/x/", NULL, NULL, NULL, &err),
                     MSEQ_E_CANCELLED);
    assert_int_equal(s.served, 0);
    mseq_client_free(client);
    mseq_cancellation_free(token);
}

static void test_query_and_text(void **state) {
    (void)state;
    static const answer answers[] = {{200, "{}", NULL}, {200, "{\"ok\": true}", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *query =
        parse("{\"labels__in\": [\"a b\", \"c,d\"], \"x__isnull\": true, \"n\": null}");
    assert_int_equal(mseq_client_call(client, "GET", "/x/", query, NULL, NULL, &err), MSEQ_OK);
    assert_string_equal(s.query, "labels__in=a+b%2Cc%2Cd&x__isnull=True");
    mseq_value_free(query);
    mseq_value *reply = NULL;
    assert_int_equal(mseq_client_call_text(client, "POST", "/q/", "SELECT 1", 8, &reply, &err),
                     MSEQ_OK);
    assert_string_equal(s.text, "SELECT 1");
    mseq_value_free(reply);
    mseq_client_free(client);
}

/* ---- Lists
 * --------------------------------------------------------------------------------------- */

static void test_list_follows_links(void **state) {
    (void)state;
    static const answer answers[] = {
        {200, "{\"results\": [1, 2], \"next\": \"https://other.example/l/?page=2\"}", NULL},
        {200, "{\"results\": [3], \"next\": \"local:/l/?page=3\"}", NULL},
        {200, "{\"results\": [4], \"next\": null}", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *rows = NULL;
    assert_int_equal(mseq_client_list(client, "/l/", NULL, &rows, &err), MSEQ_OK);
    assert_int_equal(mseq_value_length(rows), 4);
    assert_int_equal(s.served, 3);
    assert_string_equal(s.path, "/l/");
    assert_string_equal(s.query, "page=3");
    mseq_value_free(rows);
    mseq_client_free(client);
}

/* An empty page in the middle is no end; a page can be asked for alone. */
static void test_pages(void **state) {
    (void)state;
    static const answer answers[] = {{200, "{\"results\": [], \"next\": \"/l/?page=2\"}", NULL},
                                     {200, "{\"results\": [2], \"next\": \"\"}", NULL},
                                     {200, "{\"results\": [], \"next\": \"/l/?page=2\"}", NULL},
                                     {200, "[1]", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *rows = NULL, *query = parse("{\"q\": \"x\"}");
    char *next = NULL;
    assert_int_equal(mseq_client_page(client, "/l/", query, &rows, &next, &err), MSEQ_OK);
    mseq_value_free(query);
    assert_string_equal(s.query, "q=x");
    assert_int_equal(mseq_value_length(rows), 0);
    assert_string_equal(next, "/l/?page=2");
    mseq_value_free(rows);
    char *end = next;
    assert_int_equal(mseq_client_page(client, next, NULL, &rows, &end, &err), MSEQ_OK);
    assert_string_equal(s.query, "page=2");
    assert_null(end);
    free(next);
    mseq_value_free(rows);
    rows = NULL;
    assert_int_equal(mseq_client_list(client, "/l/", NULL, &rows, &err), MSEQ_OK);
    assert_int_equal(mseq_value_length(rows), 1);
    mseq_value_free(rows);
    mseq_client_free(client);
}

/* run_query's answer is one whatever its status; anything else is mapped as always. */
static void test_envelope(void **state) {
    (void)state;
    static const answer answers[] = {{400, "{\"ok\": false}", NULL},
                                     {400, "{\"detail\": \"x\"}", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *reply = NULL;
    assert_int_equal(mseq_client_call_text(client, "POST", "/q/", "S", 1, &reply, &err), MSEQ_OK);
    assert_false(mseq_object_get_boolean(reply, "ok", true));
    mseq_value_free(reply);
    reply = NULL;
    assert_int_equal(mseq_client_call_text(client, "POST", "/q/", "S", 1, &reply, &err),
                     MSEQ_E_REQUEST);
    assert_null(reply);
    mseq_client_free(client);
}

static void test_list_of_a_bare_array(void **state) {
    (void)state;
    static const answer answers[] = {{200, "[{\"uid\": \"a\"}]", NULL}};
    script s;
    mseq_client *client = CLIENT(s, answers);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *rows = NULL;
    assert_int_equal(mseq_client_list(client, "/l/", NULL, &rows, &err), MSEQ_OK);
    assert_int_equal(mseq_value_length(rows), 1);
    mseq_value_free(rows);
    mseq_client_free(client);
}

static void test_lists_that_are_none(void **state) {
    (void)state;
    static const answer shapeless[] = {{200, "{\"rows\": []}", NULL}};
    static const answer endless[] = {{200, "{\"results\": [], \"next\": \"/l/?page=2\"}", NULL},
                                     {200, "{\"results\": [], \"next\": \"/l/?page=2\"}", NULL}};
    static const answer broken[] = {{200, "{\"results\": [1], \"next\": \"/l/?page=2\"}", NULL},
                                    {500, "{\"detail\": \"gone\"}", NULL}};
    static const answer unlinked[] = {{200, "{\"results\": [1], \"next\": 2}", NULL}};
    const struct {
        const answer *answers;
        size_t count;
        mseq_status status;
    } cases[] = {{shapeless, 1, MSEQ_E_TRANSPORT},
                 {unlinked, 1, MSEQ_E_TRANSPORT},
                 {endless, 2, MSEQ_E_TRANSPORT},
                 {broken, 2, MSEQ_E_SERVER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script s;
        mseq_client *client = client_of(&s, cases[i].answers, cases[i].count, NULL);
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_value *rows = NULL;
        assert_int_equal(mseq_client_list(client, "/l/", NULL, &rows, &err), cases[i].status);
        assert_null(rows);
        mseq_client_free(client);
    }
}

/* ---- The session data source
 * ----------------------------------------------------------------------- */

#define SOURCE(status)                                                                             \
    "{\"uid\": \"ds\", \"related_resource\": {\"status\": \"" status "\"},"                        \
    " \"related_resource_class_type\": \"sqlite\"}"
#define PROJECT(source)                                                                            \
    "{\"uid\": \"p\", \"project_name\": \"p\", \"is_initialized\": true, \"data_source\": " source \
    "}"

static void test_session_data_source(void **state) {
    (void)state;
    static const answer answers[] = {{200, PROJECT(SOURCE("AVAILABLE")), NULL}};
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.project_uid = "a/b";
    script s;
    mseq_client *client = client_of(&s, answers, 1, &options);
    mseq_error err = MSEQ_ERROR_INIT;
    for (int i = 0; i < 2; i++) { /* the second time without a request */
        mseq_value *source = NULL;
        assert_int_equal(mseq_client_session_data_source(client, &source, &err), MSEQ_OK);
        assert_string_equal(mseq_object_get_text(source, "uid"), "ds");
        mseq_value_free(source);
    }
    assert_string_equal(s.path, "/orm/api/pods/projects/a%2Fb/");
    mseq_client_free(client);
}

static void expect_no_source(const answer *answers, size_t count, const char *project_uid,
                             bool only_project, const char *word) {
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.project_uid = project_uid;
    options.only_project = only_project;
    script s;
    mseq_client *client = client_of(&s, answers, count, &options);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *source = NULL;
    assert_int_not_equal(mseq_client_session_data_source(client, &source, &err), MSEQ_OK);
    assert_null(source);
    if (!strstr(err.message, word) && !strstr(err.hint, word))
        fail_msg("neither message nor hint has '%s': %s / %s", word, err.message, err.hint);
    mseq_client_free(client);
}

static void test_no_session_data_source(void **state) {
    (void)state;
    expect_no_source(NULL, 0, NULL, false, "MAIN_SEQUENCE_PROJECT_UID");
    expect_no_source(NULL, 0, NULL, false, "mainsequence project list");
    expect_no_source(&(answer){404, "{\"detail\": \"Not found.\"}", NULL}, 1, "p", false,
                     "mainsequence project list");
    expect_no_source(&(answer){404, "{\"detail\": \"Not found.\"}", NULL}, 1, "p", false,
                     "MAIN_SEQUENCE_PROJECT_UID");
    expect_no_source(&(answer){200, PROJECT("null"), NULL}, 1, "p", false, "no data source");
    expect_no_source(&(answer){200, PROJECT(SOURCE("DOWN")), NULL}, 1, "p", false, "DOWN");
    expect_no_source(&(answer){200, "[]", NULL}, 1, NULL, true, "0 projects");
    expect_no_source(&(answer){200, "[" PROJECT("null") "," PROJECT("null") "]", NULL}, 1, NULL,
                     true, "2 projects");
}

/* ---- Operations
 * ------------------------------------------------------------------------------------ */

static const char select_five[] =
    "{\"operation\": \"select\", \"limits\": {\"max_rows\": 5, \"offset\": 10}}";

static mseq_value *execute(script *s, const answer *answers, size_t count, const char *operation,
                           mseq_status expected, mseq_error *err) {
    mseq_client *client = client_of(s, answers, count, NULL);
    mseq_value *document = parse(operation);
    mseq_value *result = NULL;
    assert_int_equal(mseq_client_execute_operation(client, document, &result, err), expected);
    mseq_value_free(document);
    mseq_client_free(client);
    return result;
}

#define PAGE(rows, more, next)                                                                     \
    "{\"ok\": true, \"rows\": " rows ", \"pagination\": {\"has_more\": " more                      \
    ", \"next_offset\": " next "}}"

static void test_pages_of_a_select(void **state) {
    (void)state;
    static const answer answers[] = {{200, PAGE("[1, 2]", "true", "12"), NULL},
                                     {200, PAGE("[3, 4]", "true", "\"14\""), NULL},
                                     {200, PAGE("[5]", "false", "null"), NULL}};
    script s;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *result = execute(&s, answers, 3, select_five, MSEQ_OK, &err);
    mseq_value *expected = parse("{\"ok\": true, \"rows\": [1, 2, 3, 4, 5], \"row_count\": 5, "
                                 "\"max_rows\": 5, \"truncated\": "
                                 "false, \"pagination\": {\"limit\": 5, \"offset\": 10, "
                                 "\"returned_count\": 5, \"has_more\": "
                                 "false, \"next_offset\": null}}");
    assert_true(mseq_value_equal(result, expected));
    mseq_value_free(expected);
    mseq_value_free(result);
}

/* A page that gives more than was asked for is cut, and the next offset is that of the first row
 * cut. */
static void test_page_with_too_many_rows(void **state) {
    (void)state;
    static const answer answers[] = {{200, PAGE("[1, 2, 3, 4]", "true", "14"), NULL},
                                     {200, PAGE("[5, 6, 7]", "false", "null"), NULL}};
    script s;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *result = execute(&s, answers, 2, select_five, MSEQ_OK, &err);
    assert_int_equal(mseq_value_length(mseq_object_get(result, "rows")), 5);
    const mseq_value *pagination = mseq_object_get(result, "pagination");
    assert_true(mseq_object_get_boolean(pagination, "has_more", false));
    assert_int_equal(mseq_object_get_integer(pagination, "next_offset", 0), 15);
    mseq_value_free(result);
}

static void test_empty_page_ends(void **state) {
    (void)state;
    static const answer answers[] = {{200, PAGE("[1]", "true", "11"), NULL},
                                     {200, PAGE("[]", "true", "11"), NULL}};
    script s;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *result = execute(&s, answers, 2, select_five, MSEQ_OK, &err);
    assert_int_equal(mseq_value_length(mseq_object_get(result, "rows")), 1);
    mseq_value_free(result);
}

/* More rows without a place to ask for them: nothing is lost silently, the result says so. */
static void test_more_without_an_offset(void **state) {
    (void)state;
    static const answer answers[] = {{200, PAGE("[1]", "true", "11"), NULL},
                                     {200, PAGE("[2]", "true", "null"), NULL}};
    script s;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *result = execute(&s, answers, 2, select_five, MSEQ_OK, &err);
    assert_int_equal(mseq_value_length(mseq_object_get(result, "rows")), 2);
    assert_true(mseq_object_get_boolean(result, "truncated", false));
    const mseq_value *pagination = mseq_object_get(result, "pagination");
    assert_true(mseq_object_get_boolean(pagination, "has_more", false));
    assert_true(mseq_value_is_null(mseq_object_get(pagination, "next_offset")));
    mseq_value_free(result);
}

/* A first page that ends the reading is given back as it came. */
static void test_first_page_is_left_alone(void **state) {
    (void)state;
    static const char *const pages[] = {
        PAGE("[1, 2, 3, 4, 5, 6]", "true", "16"), /* enough */
        PAGE("[1]", "true", "\"soon\""),          /* nowhere to go on */
        PAGE("{}", "true", "11"),                 /* no rows */
        "{\"rows\": [1]}",
    };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        const answer only = {200, pages[i], NULL};
        script s;
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_value *result = execute(&s, &only, 1, select_five, MSEQ_OK, &err);
        mseq_value *expected = parse(pages[i]);
        assert_true(mseq_value_equal(result, expected));
        mseq_value_free(expected);
        mseq_value_free(result);
    }
}

static void test_malformed_results(void **state) {
    (void)state;
    static const answer nothing[] = {{204, NULL, NULL}};
    static const answer list[] = {{200, "[]", NULL}};
    static const answer no_rows[] = {{200, PAGE("[1]", "true", "11"), NULL},
                                     {200, PAGE("{\"a\": 1}", "true", "12"), NULL}};
    static const answer no_progress[] = {{200, PAGE("[1]", "true", "11"), NULL},
                                         {200, PAGE("[2]", "true", "11"), NULL}};
    const struct {
        const answer *answers;
        size_t count;
        const char *word;
    } cases[] = {{nothing, 1, "no JSON object"},
                 {list, 1, "no JSON object"},
                 {no_rows, 2, "got object"},
                 {no_progress, 2, "offset 11"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script s;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_null(
            execute(&s, cases[i].answers, cases[i].count, select_five, MSEQ_E_TRANSPORT, &err));
        if (!strstr(err.message, cases[i].word))
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void test_failure_of_a_later_page(void **state) {
    (void)state;
    static const answer answers[] = {{200, PAGE("[1, 2]", "true", "12"), NULL},
                                     {500, "{\"detail\": \"gone\"}", NULL}};
    script s;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_null(execute(&s, answers, 2, select_five, MSEQ_E_SERVER, &err));
    assert_non_null(strstr(err.detail, "2 rows"));
    assert_non_null(strstr(err.detail, "12"));
}

static void test_writes_are_never_repeated(void **state) {
    (void)state;
    static const answer answers[] = {{200, PAGE("[1]", "true", "1"), NULL}};
    script s;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *result = execute(&s, answers, 1, "{\"operation\": \"insert\"}", MSEQ_OK, &err);
    assert_int_equal(s.served, 1);
    mseq_value_free(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusal_code_and_hint),
        cmocka_unit_test(test_hints_of_refused_credentials),
        cmocka_unit_test(test_reply_that_is_no_json),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_accepted_refusal),
        cmocka_unit_test(test_cancelled_before_sending),
        cmocka_unit_test(test_query_and_text),
        cmocka_unit_test(test_list_follows_links),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_list_of_a_bare_array),
        cmocka_unit_test(test_lists_that_are_none),
        cmocka_unit_test(test_session_data_source),
        cmocka_unit_test(test_no_session_data_source),
        cmocka_unit_test(test_pages_of_a_select),
        cmocka_unit_test(test_page_with_too_many_rows),
        cmocka_unit_test(test_empty_page_ends),
        cmocka_unit_test(test_more_without_an_offset),
        cmocka_unit_test(test_first_page_is_left_alone),
        cmocka_unit_test(test_malformed_results),
        cmocka_unit_test(test_failure_of_a_later_page),
        cmocka_unit_test(test_writes_are_never_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
