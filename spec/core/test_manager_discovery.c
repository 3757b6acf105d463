/* SPDX-License-Identifier: MIT
 * Room `manager`: labels, search, schema graph, and the router. */
#include "manager_helpers.h"

static void put_table(const fixture *made, const char *name, const char *target, char uid[37]) {
    char key[256] = "";
    if (target)
        snprintf(key, sizeof key,
                 ", \"foreign_keys\": [{\"name\": \"fk_%s\", \"source_columns\": [\"parent_id\"],"
                 " \"target_table\": \"%s\", \"target_columns\": [\"id\"], \"on_delete\":"
                 " \"CASCADE\"}]",
                 name, target);
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
        " \"description\": \"Where %s is\", \"provisioning\": {\"create_table\": true},"
        " \"table_contract\": {\"physical\": {\"table_name\": \"%s\"}, \"columns\": [{\"name\":"
        " \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\", \"primary_key\": true,"
        " \"nullable\": false, \"label\": \"Größe %s\"}, {\"name\": \"parent_id\", \"data_type\":"
        " \"int64\", \"backend_type\": \"BIGINT\"}]%s}}",
        made->source, name, name, name, key);
    mseq_value *row = expect(made->manager, "POST", META "register/", body, 201);
    if (uid)
        snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

/* ---- Labels */

static mseq_value *change(const fixture *made, const char *uid, const char *verb, const char *json,
                          size_t labels) {
    char path[128];
    snprintf(path, sizeof path, META "%s/%s-label/", uid, verb);
    mseq_value *reply = expect(made->manager, "POST", path, json, 200);
    check_model("LabelSetResponse", reply);
    assert_int_equal(mseq_value_length(mseq_object_get(reply, "labels")), labels);
    return reply;
}

static void test_labels(void **state) {
    const fixture *made = *state;
    char one[37], two[37], path[128];
    put_table(made, "one", NULL, one);
    put_table(made, "two", NULL, two);
    mseq_value_free(
        change(made, one, "add", "{\"labels\": [\" Straße \", \"STRASSE\", \"\", \"x\"]}", 2));
    /* the organization's spelling is the first one */
    mseq_value *reply = change(made, two, "add", "{\"labels\": [\"strasse\"]}", 1);
    const mseq_value *label = mseq_array_get(mseq_object_get(reply, "labels"), 0);
    assert_string_equal(text_at(label, "name"), "Straße");
    assert_string_equal(text_at(label, "slug"), "stra_e");
    assert_int_equal(mseq_object_get_integer(label, "usage_count", 0), 2);
    mseq_value_free(reply);
    mseq_value_free(change(made, two, "add", "{\"labels\": [\"strasse\"]}", 1));
    mseq_value_free(change(made, one, "remove", "{\"labels\": [\"STRASSE\", \"none\"]}", 1));
    mseq_value_free(change(made, one, "add", NULL, 1));
    snprintf(path, sizeof path, META "%s/", one);
    mseq_value *row = expect(made->manager, "GET", path, NULL, 200);
    check_model("MetaTable", row);
    assert_string_equal(mseq_value_get_text(mseq_array_get(mseq_object_get(row, "labels"), 0)),
                        "x");
    mseq_value_free(row);
    snprintf(path, sizeof path, META "%s/add-label/", one);
    refuse(made->manager, "POST", path, "{\"labels\": [5]}", 400, "wrong_kind", "labels");
    refuse(made->manager, "POST", path, "{\"labels\": {}}", 400, "wrong_kind", "labels");
    refuse(made->manager, "POST", path, "{\"label\": []}", 400, "unknown_key", "label");
    refuse(made->manager, "POST", META "none/add-label/", "{\"labels\": []}", 404, "not_found",
           "none");
}

/* ---- Search */

static size_t found(const fixture *made, const char *method, const char *path, const char *json) {
    mseq_value *reply = expect(made->manager, method, path, json, 200);
    size_t count = mseq_value_length(mseq_object_get(reply, "results"));
    check_models("MetaTable", mseq_object_get(reply, "results"));
    mseq_value_free(reply);
    return count;
}

static void test_search(void **state) {
    const fixture *made = *state;
    char one[37], path[128];
    put_table(made, "one", NULL, one);
    put_table(made, "two", NULL, NULL);
    const char *search = META "description-search/";
    assert_int_equal(found(made, "POST", search,
                           "{\"q\": \"WHERE\", \"trigram_k\": 200, \"embed_k\": 200, \"w_trgm\":"
                           " 0.65, \"w_emb\": 0.35, \"embedding_model\": \"default\"}"),
                     2);
    assert_int_equal(found(made, "POST", search, "{\"q\": \" one \"}"), 1);
    assert_int_equal(found(made, "POST", search, "{\"q\": \"is\", \"trigram_k\": 1}"), 1);
    assert_int_equal(found(made, "POST", search, "{\"q\": \"no such word\"}"), 0);
    assert_int_equal(
        found(made, "POST", search, "{\"q\": \"where\", \"physical_table_name__in\": [\"two\"]}"),
        1);
    /* as later SDKs ask */
    assert_int_equal(found(made, "GET", META "description-search/?q=where&trigram_k=1", NULL), 1);
    assert_int_equal(found(made, "GET",
                           META "description-search/?q=WHERE&embed_k=200&w_trgm=0.65"
                                "&embedding_model=default&physical_table_name__in=two",
                           NULL),
                     1);
    refuse(made->manager, "GET", META "description-search/", NULL, 400, "missing_field", "q");
    refuse(made->manager, "GET", META "description-search/?q=a&trigram_k=x", NULL, 400, "bad_value",
           "trigram_k");
    refuse(made->manager, "POST", search, "{\"q\": \"  \"}", 400, "missing_field", "q");
    refuse(made->manager, "POST", search, "{}", 400, "missing_field", "q");
    refuse(made->manager, "POST", search, "{\"q\": \"a\", \"colour\": 1}", 400, "unknown_filter",
           "colour");
    assert_int_equal(found(made, "GET", META "column-search/?q=PARENT", NULL), 2);
    assert_int_equal(found(made, "GET", META "column-search/?q=gr%C3%B6sse+one", NULL), 1);
    assert_int_equal(found(made, "GET", META "column-search/?q=where", NULL), 0);
    assert_int_equal(found(made, "GET",
                           META "column-search/?q=id&physical_table_name__in=one"
                                "&physical_table_name__in=two&namespace__isnull=True",
                           NULL),
                     2);
    refuse(made->manager, "GET", META "column-search/", NULL, 400, "missing_field", "q");
    snprintf(path, sizeof path, META "%s/refresh-table-search-index/", one);
    mseq_value_free(expect(made->manager, "POST", path, NULL, 200));
    refuse(made->manager, "POST", META "none/refresh-table-search-index/", NULL, 404, "not_found",
           NULL);
}

/* A table whose identifier, description and column label are these. */
static void put_described(const fixture *made, const char *name, const char *identifier,
                          const char *description, const char *label) {
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"external_registered\","
        " \"introspect\": false, \"identifier\": \"%s\", \"description\": \"%s\","
        " \"table_contract\": {\"physical\": {\"table_name\": \"%s\"}, \"columns\": [{\"name\":"
        " \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\", \"label\": \"%s\"}]}}",
        made->source, identifier, description, name, label);
    mseq_value_free(expect(made->manager, "POST", META "register/", body, 201));
    free(body);
}

/* The physical names that a search finds, in order, joined with spaces; free() them. */
static char *names_found(const fixture *made, const char *question, bool columns) {
    mseq_buffer names = MSEQ_BUFFER_INIT, escaped = MSEQ_BUFFER_INIT;
    mseq_value *body = mseq_value_object();
    assert_int_equal(mseq_object_put_text(body, "q", question), MSEQ_OK);
    char *json = to_text(body), *path = NULL;
    assert_int_equal(mseq_wire_escape(question, true, &escaped), MSEQ_OK);
    path = mseq_text_format(META "column-search/?q=%s", mseq_buffer_text(&escaped));
    mseq_value *reply = columns
                            ? expect(made->manager, "GET", path, NULL, 200)
                            : expect(made->manager, "POST", META "description-search/", json, 200);
    const mseq_value *rows = mseq_object_get(reply, "results");
    for (size_t i = 0; i < mseq_value_length(rows); i++)
        mseq_buffer_append_format(&names, "%s%s", i ? " " : "",
                                  text_at(mseq_array_get(rows, i), "physical_table_name"));
    mseq_value_free(reply);
    mseq_value_free(body);
    mseq_buffer_free(&escaped);
    free(json);
    free(path);
    char *taken = mseq_text_dup(mseq_buffer_text(&names));
    mseq_buffer_free(&names);
    return taken;
}

static void finds(const fixture *made, const char *question, bool columns, const char *expected) {
    char *names = names_found(made, question, columns);
    if (strcmp(names, expected) != 0)
        fail_msg("'%s' finds '%s', not '%s'", question, names, expected);
    free(names);
}

static void test_ranking(void **state) {
    const fixture *made = *state;
    put_described(made, "by_column", "a.first", "Nothing of it", "Settlement of trades");
    put_described(made, "by_description", "a.second", "The settlement of trades", "Number");
    put_described(made, "by_name", "a.settlement", "Where it is kept", "Number");
    put_described(made, "quoted", "a.fourth", "Says \\\"so\\\" AND (more) * than 100%_", "Número");
    finds(made, "SETTLEMENT", false, "by_name by_description by_column");
    finds(made, "ettlemen", false, "by_name by_description by_column"); /* part of a word */
    finds(made, "settlement", true, "by_column");
    finds(made, "trades settlement", false, "by_description by_column"); /* all words */
    finds(made, "trades nowhere", false, "");
    finds(made, "settlement of", false, "by_description by_column");
    finds(made, "is", false, "by_name"); /* too short for the index */
    finds(made, "\"so\"", false, "quoted");
    finds(made, "AND (more)", false, "quoted");
    finds(made, "100%_", false, "quoted");
    finds(made, "100_%", false, "");
    finds(made, "n\xc3\xbamero", true, "quoted");
    finds(made, "N\xc3\x9aMERO", true, "quoted");
    finds(made, "\xc3\xba", true, "quoted");
    finds(made, "name_text : a", false, "");
    finds(made, "* NEAR ( NOT", false, "");
    char words[200] = "";
    for (size_t i = 0; i < 33; i++)
        strcat(words, "word ");
    char *body = mseq_text_format("{\"q\": \"%s\"}", words);
    refuse(made->manager, "POST", META "description-search/", body, 400, "too_many_words", "32");
    free(body);
}

/* What changes is found by its new words, and what goes is found no more. */
static void test_search_follows(void **state) {
    const fixture *made = *state;
    char uid[37], path[128];
    put_table(made, "moving", NULL, uid);
    snprintf(path, sizeof path, META "%s/", uid);
    finds(made, "moving", false, "moving");
    mseq_value_free(expect(made->manager, "PATCH", path,
                           "{\"description\": \"Elsewhere\", \"labels\": [\"zebra\"]}", 200));
    finds(made, "elsewhere", false, "moving");
    finds(made, "zebra", false, "moving");
    finds(made, "where moving is", false, "");
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    finds(made, "elsewhere", false, "");
    finds(made, "mov", false, "");
    put_table(made, "again", NULL, NULL); /* may get the number of one that is gone */
    finds(made, "again", false, "again");
}

/* Tables of a catalog that knew no such index are found when it is upgraded, and the better their
 * words are known the better they are ranked. */
static void test_search_after_upgrade(void **state) {
    fixture *made = *state;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_database *database = NULL;
    mseq_connection *connection = NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    char path[128], uri[160];
    if (test_catalog(made->folder)) /* PostgreSQL never had such a catalog */
        return;
    mseq_manager_close(made->manager);
    snprintf(path, sizeof path, "%s/catalog.sqlite", made->folder);
    assert_int_equal(unlink(path), 0);
    snprintf(uri, sizeof uri, "sqlite:///%s", path);
    assert_int_equal(
        mseq_file_read(MSEQ_SPEC_DIR "/golden/catalog/version_1.sql", SIZE_MAX, &text, NULL),
        MSEQ_OK);
    options.uri = uri;
    assert_int_equal(mseq_database_open(&options, &database, NULL), MSEQ_OK);
    assert_int_equal(mseq_database_connect(database, &connection, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_script(connection, mseq_buffer_text(&text), NULL), MSEQ_OK);
    mseq_connection_release(connection);
    mseq_database_close(database);
    mseq_buffer_free(&text);
    made->manager = open_manager(made->folder);
    finds(made, "shop.asset", false, "asset");
    finds(made, "the asset", false, "asset");
    finds(made, "account_uid", true, "asset");
    finds(made, "shop.ASSET", false, "asset");
    char *found = names_found(made, "account", false); /* both tell of it */
    assert_ptr_equal(strstr(found, "account"), found);
    free(found);
}

/* ---- Graph */

static mseq_value *graph(const fixture *made, const char *uid, const char *query, size_t nodes,
                         size_t edges) {
    char path[256];
    snprintf(path, sizeof path, META "%s/schema-graph/%s", uid, query);
    mseq_value *reply = expect(made->manager, "GET", path, NULL, 200);
    assert_string_equal(text_at(reply, "root_uid"), uid);
    if (mseq_value_length(mseq_object_get(reply, "nodes")) != nodes ||
        mseq_value_length(mseq_object_get(reply, "edges")) != edges) {
        char *text = to_text(reply);
        fail_msg("%s: %s", query, text);
    }
    return reply;
}

static void test_graph(void **state) {
    const fixture *made = *state;
    char root[37], middle[37], leaf[37], tree[37];
    put_table(made, "root", NULL, root);
    put_table(made, "middle", "root", middle);
    put_table(made, "leaf", "middle", leaf);
    put_table(made, "tree", "tree", tree);
    mseq_value *reply = graph(made, leaf, "", 2, 1);
    const mseq_value *edge = mseq_array_get(mseq_object_get(reply, "edges"), 0);
    assert_string_equal(text_at(edge, "source_uid"), leaf);
    assert_string_equal(text_at(edge, "target_uid"), middle);
    assert_string_equal(text_at(edge, "on_delete"), "cascade");
    assert_string_equal(text_at(edge, "relationship_type"), "meta_table_to_meta_table");
    assert_int_equal(mseq_object_get_integer(reply, "hidden_edges", -1), 0);
    mseq_value_free(reply);
    mseq_value_free(graph(made, leaf, "?depth=2", 3, 2));
    mseq_value_free(graph(made, leaf, "?depth=0", 1, 0));
    mseq_value_free(graph(made, root, "?depth=5", 1, 0));
    mseq_value_free(graph(made, root, "?depth=5&include_incoming=True", 3, 2));
    mseq_value_free(graph(made, middle, "?include_incoming=true", 3, 2));
    mseq_value_free(graph(made, tree, "?depth=3&include_incoming=1", 1, 1));
    reply = graph(made, root, "?depth=1000", 1, 0);
    assert_int_equal(mseq_object_get_integer(reply, "depth", 0), 16);
    mseq_value_free(reply);
    refuse(made->manager, "GET", META "none/schema-graph/", NULL, 404, "not_found", "none");
    char path[128];
    snprintf(path, sizeof path, META "%s/schema-graph/?depth=x", root);
    refuse(made->manager, "GET", path, NULL, 400, "bad_value", "depth");
    snprintf(path, sizeof path, META "%s/schema-graph/?deep=1", root);
    refuse(made->manager, "GET", path, NULL, 400, "unknown_key", "deep");
}

/* A key whose target is registered later finds it. */
static void test_late_target(void **state) {
    const fixture *made = *state;
    char path[128];
    run_on_data(made, "CREATE TABLE late (id INTEGER PRIMARY KEY NOT NULL);"
                      " CREATE TABLE early (id INTEGER NOT NULL, parent_id INTEGER"
                      " REFERENCES late (id))");
    const char *text = "{\"data_source_uid\": \"$S\", \"management_mode\": \"external_registered\","
                       " \"introspect\": true, \"table_contract\": {\"physical\": {\"table_name\":"
                       " \"$R\"}, \"columns\": [{\"name\": \"id\", \"data_type\": \"int32\"}]}}";
    char *body = fill(made, text, "early");
    mseq_value *early = expect(made->manager, "POST", META "register/", body, 201);
    const mseq_value *key = mseq_array_get(mseq_object_get(early, "foreign_keys"), 0);
    assert_true(mseq_value_is_null(mseq_object_get(key, "target_table_uid")));
    free(body);
    body = fill(made, text, "late");
    mseq_value *late = expect(made->manager, "POST", META "register/", body, 201);
    assert_int_equal(mseq_value_length(mseq_object_get(late, "incoming_fks")), 1);
    free(body);
    snprintf(path, sizeof path, META "%s/", text_at(early, "uid"));
    mseq_value *row = expect(made->manager, "GET", path, NULL, 200);
    key = mseq_array_get(mseq_object_get(row, "foreign_keys"), 0);
    assert_string_equal(text_at(key, "target_table_uid"), text_at(late, "uid"));
    mseq_value_free(row);
    mseq_value_free(graph(made, text_at(early, "uid"), "", 2, 1));
    mseq_value_free(early);
    mseq_value_free(late);
}

/* ---- Router */

static void test_routes(void **state) {
    const fixture *made = *state;
    mseq_manager *manager = made->manager;
    static const char *const unknown[] = {
        "/",
        "//",
        "",
        "orm/api/ts_manager/meta_table/",
        "/orm/api/",
        "/orm/api/ts_manager/other_table/",
        "/orm/api/ts_manager/meta_table//",
        "/orm/api/ts_manager/meta_table/x/unknown/",
        "/orm/api/ts_manager/meta_table/x/y/z/a/b/c/d/e/f/",
        "/orm/api/ts_manager/meta_table/x/can-dance/",
        "/orm/api/ts_manager/local_time_serie/",
        "/orm/api/ts_manager/meta%5Ftable%2F/",
        "/ORM/api/ts_manager/meta_table/",
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        refuse(manager, "GET", unknown[i], NULL, 404, "unknown_route", NULL);
    refuse(manager, "GET", "/orm/api/ts_manager/meta_table", NULL, 404, "missing_trailing_slash",
           "slash");
    refuse(manager, "GET", "/orm/api/ts_manager/meta_table/x", NULL, 404, "missing_trailing_slash",
           "slash");
    refuse(manager, "PUT", META, NULL, 405, "method_not_allowed", "GET, POST");
    refuse(manager, "GET", META "register/", NULL, 405, "method_not_allowed", "POST");
    refuse(manager, "POST", META "x/", "{}", 405, "method_not_allowed", "GET, PATCH, DELETE");
    refuse(manager, "get", META, NULL, 405, "method_not_allowed", NULL);
    refuse(manager, "GET", META "%zz/", NULL, 400, "bad_path", NULL);
    refuse(manager, "GET", META "%00/", NULL, 400, "bad_path", NULL);
    refuse(manager, "GET", META "%ff/", NULL, 400, "bad_path", NULL);
    refuse(manager, "GET", META "a%2Fb/", NULL, 404, "not_found", "'a/b'");
    refuse(manager, "GET", META "gr%C3%B6%C3%9Fe/", NULL, 404, "not_found", "größe");
    char *path = malloc(70000);
    memset(path, 'a', 70000);
    memcpy(path, META, strlen(META));
    memcpy(path + 69998, "/", 2);
    refuse(manager, "GET", path, NULL, 404, "unknown_route", NULL);
    /* a message is cut between characters */
    memset(path, 0, 70000);
    snprintf(path, 70000, META);
    for (int i = 0; i < 900; i++)
        memcpy(path + strlen(path), "\xc3\xb6", 3);
    memcpy(path + strlen(path), "/", 2);
    refuse(manager, "GET", path, NULL, 404, "not_found", NULL);
    free(path);
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_manager_handle(manager, &request, &reply);
    assert_int_equal(reply.status, 404);
    mseq_reply_free(&reply);
    request.method = "GET";
    request.path = META;
    mseq_cancellation *token = mseq_cancellation_new();
    mseq_cancellation_set(token);
    request.cancellation = token;
    mseq_manager_handle(manager, &request, &reply);
    assert_int_equal(reply.status, 499);
    mseq_reply_free(&reply);
    mseq_cancellation_free(token);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_search, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ranking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_search_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_search_after_upgrade, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_graph, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_target, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_routes, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("manager discovery", tests, NULL, NULL);
}
