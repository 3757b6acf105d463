/* SPDX-License-Identifier: MIT
 * Room `manager`: who may do what. Every route under every kind of user; and that nobody learns of
 * a table that they may not view. */
#include "people_helpers.h"

/* ---- Every route of a table --------------------------------------------------------------------
 */

typedef struct table_route {
    const char *method;
    const char *rest;
    const char *body; /* "=…": plain text */
    bool edit;        /* needs more than view */
} table_route;

/* In this order, each works for its owner; the last one ends the table. */
static const table_route table_routes[] = {
    {"GET", "", NULL, false},
    {"POST", "validate-contract/",
     "{\"table_contract\": {\"physical\": {\"table_name\": \"middle\"}, \"columns\": [{\"name\":"
     " \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}",
     false},
    {"GET", "schema-graph/?depth=2&include_incoming=True", NULL, false},
    {"POST", "run_query/", "=SELECT id FROM middle", false},
    {"GET", "can-view/", NULL, false},
    {"GET", "can-edit/", NULL, false},
    {"PATCH", "", "{\"description\": \"changed\"}", true},
    {"POST", "introspect/", "{}", true},
    {"POST", "refresh-table-search-index/", NULL, true},
    {"POST", "add-label/", "{\"labels\": [\"new\"]}", true},
    {"POST", "remove-label/", "{\"labels\": [\"new\"]}", true},
    {"POST", "add-to-view/", "{\"user_id\": 1}", true},
    {"POST", "add-to-edit/", "{\"user_id\": 1}", true},
    {"POST", "remove-from-view/", "{\"user_id\": 1}", true},
    {"POST", "remove-from-edit/", "{\"user_id\": 1}", true},
    {"POST", "add-team-to-view/", "{\"team_id\": 1}", true},
    {"POST", "add-team-to-edit/", "{\"team_id\": 1}", true},
    {"POST", "remove-team-from-view/", "{\"team_id\": 99}", true},
    {"POST", "remove-team-from-edit/", "{\"team_id\": 99}", true},
    {"DELETE", "", NULL, true},
};

enum { TABLE_ROUTES = sizeof table_routes / sizeof *table_routes };

static mseq_reply ask(const people *all, const char *token, const char *uid,
                      const table_route *route) {
    char *path = table_path(uid, route->rest);
    mseq_reply reply = remote(all->made->manager, token, route->method, path, route->body);
    free(path);
    return reply;
}

static void check_status(const table_route *route, const mseq_reply *reply, const char *who,
                         int status, const char *code) {
    if (reply->status == status && strcmp(text_at(reply->body, "code"), code) == 0)
        return;
    char *text = to_text(reply->body);
    print_error("%s …/%s by %s gave %d, not %d %s: %s\n", route->method, route->rest, who,
                reply->status, status, code, text);
    free(text);
    fail();
}

/* The text of a reply with one uid in place of another. */
static char *text_with(const mseq_value *body, const char *uid, const char *other) {
    char *text = to_text(body);
    for (char *at = strstr(text, uid); at; at = strstr(at, uid))
        memcpy(at, other, strlen(other));
    return text;
}

/* To a stranger the table is like one that there never was, word for word. */
static void test_strangers(void **state) {
    const people *all = *state;
    static const char nowhere[] = "00000000-0000-4000-8000-00000000abcd";
    for (size_t i = 0; i < TABLE_ROUTES; i++) {
        const table_route *route = &table_routes[i];
        mseq_reply hidden = ask(all, all->stranger, all->middle, route);
        mseq_reply missing = ask(all, all->stranger, nowhere, route);
        check_status(route, &hidden, "a stranger", 404, "not_found");
        char *one = text_with(hidden.body, all->middle, nowhere);
        char *other = to_text(missing.body);
        assert_int_equal(missing.status, 404);
        assert_string_equal(one, other);
        free(one);
        free(other);
        mseq_reply_free(&hidden);
        mseq_reply_free(&missing);
    }
}

static void test_viewers(void **state) {
    const people *all = *state;
    const char *const viewers[] = {all->viewer, all->in_viewing_team};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < TABLE_ROUTES; i++) {
            const table_route *route = &table_routes[i];
            mseq_reply reply = ask(all, viewers[k], all->middle, route);
            if (route->edit) {
                check_status(route, &reply, "a viewer", 403, "edit_required");
                assert_non_null(strstr(text_at(reply.body, "hint"), "'owner'"));
            } else {
                check_status(route, &reply, "a viewer", 200, "(none)");
            }
            mseq_reply_free(&reply);
        }
}

static void test_editors(void **state) {
    const people *all = *state;
    const char *const editors[] = {all->editor, all->in_editing_team, all->owner, all->admin};
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i + 1 < TABLE_ROUTES; i++) {
            const table_route *route = &table_routes[i];
            bool nobody = route->body && strstr(route->body, "99"); /* there is no such team */
            mseq_reply reply = ask(all, editors[k], all->middle, route);
            check_status(route, &reply, "an editor", nobody ? 404 : 200,
                         nobody ? "not_found" : "(none)");
            mseq_reply_free(&reply);
        }
    mseq_reply reply = ask(all, all->editor, all->middle, &table_routes[TABLE_ROUTES - 1]);
    check_status(&table_routes[TABLE_ROUTES - 1], &reply, "an editor", 200, "(none)");
    mseq_reply_free(&reply);
}

static void test_lists(void **state) {
    const people *all = *state;
    const struct {
        const char *token;
        size_t count;
    } users[] = {{all->owner, 3},   {all->admin, 3},           {all->editor, 1},
                 {all->viewer, 1},  {all->in_editing_team, 1}, {all->in_viewing_team, 1},
                 {all->stranger, 0}};
    static const struct {
        const char *method, *path, *body;
    } lists[] = {
        {"GET", META, NULL},
        {"GET", META "?physical_table_name__in=source,middle,target", NULL},
        {"GET", META "?labels=shared", NULL},
        {"POST", META "filter/",
         "{\"identifiers\": [\"app.source\", \"app.middle\","
         " \"app.target\"]}"},
        {"POST", META "description-search/", "{\"q\": \"kept\"}"},
        {"GET", META "column-search/?q=parent", NULL},
    };
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
            assert_int_equal(
                count_of(all, users[i].token, lists[k].method, lists[k].path, lists[k].body),
                users[i].count);
}

/* All pages of a list. */
static size_t count_pages(const people *all, const char *token) {
    char *path = mseq_text_dup(META);
    size_t count = 0;
    while (path) {
        mseq_value *page = expect_remote(all->made->manager, token, "GET", path, NULL, 200);
        const char *next = mseq_object_get_text(page, "next");
        count += mseq_value_length(mseq_object_get(page, "results"));
        free(path);
        path = next ? mseq_text_dup(strchr(next, '/')) : NULL;
        mseq_value_free(page);
    }
    return count;
}

/* Whoever may view many tables gets them by another way than who may view few. */
static void test_many_tables(void **state) {
    const people *all = *state;
    enum { MANY = 1050 };
    mseq_buffer body = MSEQ_BUFFER_INIT;
    for (int i = 0; i < MANY; i++)
        mseq_buffer_append_format(
            &body,
            "%s{\"data_source_uid\": \"%s\", \"identifier\": \"t%d\", \"management_mode\":"
            " \"platform_managed\", \"provisioning_status\": \"reserved\", \"is_alembic_managed\":"
            " true, \"migration_package\": \"d\", \"migration_namespace\": \"d\","
            " \"physical_table_name\": \"t%d\", \"table_contract\": {\"version\":"
            " \"relational-table.v1\", \"physical\": {\"table_name\": \"t%d\"}, \"columns\":"
            " [{\"name\": \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}",
            i ? ", " : "[", all->made->source, i, i, i);
    mseq_buffer_append_char(&body, ']');
    mseq_value_free(
        expect_remote(all->made->manager, all->viewer, "POST", META, mseq_buffer_text(&body), 201));
    mseq_buffer_free(&body);
    assert_int_equal(count_pages(all, all->viewer), MANY + 1);
    assert_int_equal(count_pages(all, all->admin), MANY + 3);
    assert_int_equal(count_pages(all, all->owner), 3);
    assert_int_equal(count_pages(all, all->stranger), 0);
    assert_int_equal(count_of(all, all->stranger, "GET", META "?physical_table_name=t7", NULL), 0);
    assert_int_equal(count_of(all, all->viewer, "GET", META "?physical_table_name=t7", NULL), 1);
}

/* Keys to and from tables that may not be viewed look as if those were not registered. */
static void test_keys(void **state) {
    const people *all = *state;
    mseq_value *row = detail(all, all->owner, "");
    const mseq_value *key = mseq_array_get(mseq_object_get(row, "foreign_keys"), 0);
    assert_string_equal(text_at(key, "target_table_uid"), all->target);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 1);
    mseq_value_free(row);
    row = detail(all, all->viewer, "");
    check_model("MetaTable", row);
    key = mseq_array_get(mseq_object_get(row, "foreign_keys"), 0);
    assert_true(mseq_value_is_null(mseq_object_get(key, "target_table_uid")));
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 0);
    char *text = to_text(row);
    assert_null(strstr(text, all->target));
    assert_null(strstr(text, all->source));
    free(text);
    mseq_value_free(row);
    share(all, all->target, "add-to-view/", "user_id", all->viewer_id);
    row = detail(all, all->viewer, "");
    key = mseq_array_get(mseq_object_get(row, "foreign_keys"), 0);
    assert_string_equal(text_at(key, "target_table_uid"), all->target);
    mseq_value_free(row);
}

static void check_graph(const people *all, const char *token, size_t nodes, size_t edges,
                        int64_t hidden) {
    mseq_value *graph = detail(all, token, "schema-graph/?depth=3&include_incoming=True");
    assert_int_equal(mseq_value_length(mseq_object_get(graph, "nodes")), nodes);
    assert_int_equal(mseq_value_length(mseq_object_get(graph, "edges")), edges);
    assert_int_equal(mseq_object_get_integer(graph, "hidden_edges", -1), hidden);
    mseq_value_free(graph);
}

static void test_graph(void **state) {
    const people *all = *state;
    check_graph(all, all->owner, 3, 2, 0);
    check_graph(all, all->admin, 3, 2, 0);
    check_graph(all, all->viewer, 1, 0, 2);
    share(all, all->source, "add-to-view/", "user_id", all->viewer_id);
    check_graph(all, all->viewer, 2, 1, 1);
}

static void test_label_counts(void **state) {
    const people *all = *state;
    const struct {
        const char *token;
        int64_t count;
    } users[] = {{all->owner, 3}, {all->editor, 1}};
    for (size_t i = 0; i < 2; i++) {
        char *path = table_path(all->middle, "add-label/");
        mseq_value *reply = expect_remote(all->made->manager, users[i].token, "POST", path,
                                          "{\"labels\": [\"shared\"]}", 200);
        const mseq_value *label = mseq_array_get(mseq_object_get(reply, "labels"), 0);
        assert_int_equal(mseq_object_get_integer(label, "usage_count", 0), users[i].count);
        mseq_value_free(reply);
        free(path);
    }
}

/* A name that is taken is refused without a word on who has it. */
static void test_conflicts(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    char *taken = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\", \"identifier\":"
        " \"mine\", \"table_contract\": {\"physical\": {\"table_name\": \"middle\"}, \"columns\":"
        " [{\"name\": \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}",
        all->made->source);
    refuse_remote(manager, all->stranger, "POST", META "register/", taken, 409, "name_unavailable");
    refuse_remote(manager, all->viewer, "POST", META "register/", taken, 403, "edit_required");
    char *identifier = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\", \"identifier\":"
        " \"app.middle\", \"table_contract\": {\"physical\": {\"table_name\": \"mine\"},"
        " \"columns\": [{\"name\": \"id\", \"data_type\": \"int64\", \"backend_type\":"
        " \"BIGINT\"}]}}",
        all->made->source);
    mseq_value *reply =
        expect_remote(manager, all->stranger, "POST", META "register/", identifier, 409);
    assert_string_equal(text_at(reply, "code"), "identifier_conflict");
    assert_null(strstr(text_at(reply, "detail"), "table 'middle'"));
    mseq_value_free(reply);
    reply = expect_remote(manager, all->viewer, "POST", META "register/", identifier, 409);
    assert_non_null(strstr(text_at(reply, "detail"), "table 'middle'"));
    mseq_value_free(reply);
    free(taken);
    free(identifier);
}

/* ---- Statements --------------------------------------------------------------------------------
 */

static char *operation(const people *all, const char *kind, const char *access, const char *sql,
                       const char *uid) {
    char *text = mseq_text_format(
        "{\"version\": \"compiled-sql.v1\", \"operation\": \"%s\", \"dialect\": \"sqlite\","
        " \"scope\": {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\","
        " \"access\": \"%s\"}]}, \"statement\": {\"sql\": \"%s\", \"parameters\": {}}}",
        kind, all->made->source, uid, access, sql);
    assert_non_null(text);
    return text;
}

static void test_statements(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    char *read = operation(all, "select", "read", "SELECT id FROM middle", all->middle);
    char *write =
        operation(all, "update", "write", "UPDATE middle SET parent_id = NULL", all->middle);
    char *beyond = operation(all, "select", "read", "SELECT id FROM source", all->middle);
    const char *const readers[] = {all->viewer, all->in_viewing_team, all->editor, all->owner,
                                   all->admin};
    const char *const writers[] = {all->editor, all->in_editing_team, all->owner, all->admin};
    for (size_t i = 0; i < 5; i++)
        mseq_value_free(
            expect_remote(manager, readers[i], "POST", META "execute-operation/", read, 200));
    for (size_t i = 0; i < 4; i++)
        mseq_value_free(
            expect_remote(manager, writers[i], "POST", META "execute-operation/", write, 200));
    for (size_t i = 0; i < 2; i++)
        refuse_remote(manager, readers[i], "POST", META "execute-operation/", write, 403,
                      "edit_required");
    refuse_remote(manager, all->stranger, "POST", META "execute-operation/", read, 404,
                  "not_found");
    refuse_remote(manager, all->viewer, "POST", META "execute-operation/", beyond, 400,
                  "scope_violation");
    /* run_query sees what its caller may view */
    char *path = table_path(all->middle, "run_query/");
    mseq_value *reply =
        expect_remote(manager, all->viewer, "POST", path, "=SELECT id FROM source", 400);
    assert_false(mseq_object_get_boolean(reply, "ok", true));
    mseq_value_free(reply);
    mseq_value_free(
        expect_remote(manager, all->owner, "POST", path, "=SELECT id FROM source", 200));
    free(path);
    free(read);
    free(write);
    free(beyond);
}

/* ---- Deleting ----------------------------------------------------------------------------------
 */

static void test_deletion(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    char *full = table_path(all->middle, "?full_delete_selected=True");
    char *down =
        table_path(all->middle, "?full_delete_selected=True&full_delete_downstream_tables=True");
    char *override = table_path(all->middle, "?full_delete_selected=True&override_protection=True");
    for (size_t i = 0; i < 2; i++) { /* "source" refers to it, which the editor may not view */
        mseq_value *reply =
            expect_remote(manager, all->editor, "DELETE", i ? down : full, NULL, 409);
        assert_string_equal(text_at(reply, "code"), "table_referenced");
        assert_null(strstr(text_at(reply, "detail"), "source"));
        mseq_value_free(reply);
    }
    share(all, all->source, "add-to-view/", "user_id", all->editor_id);
    mseq_value *reply = expect_remote(manager, all->editor, "DELETE", full, NULL, 409);
    assert_non_null(strstr(text_at(reply, "detail"), "'source'"));
    mseq_value_free(reply);
    refuse_remote(manager, all->editor, "DELETE", down, NULL, 403, "edit_required");
    refuse_remote(manager, all->owner, "DELETE", override, NULL, 403, "admin_only");
    mseq_value_free(expect_remote(manager, all->owner, "DELETE", down, NULL, 200));
    assert_int_equal(count_of(all, all->owner, "GET", META, NULL), 1);
    free(full);
    free(down);
    free(override);
}

/* Not even its owner deletes what migrations keep. */
static void test_managed_deletion(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    char *body = mseq_text_format(
        "[{\"data_source_uid\": \"%s\", \"identifier\": \"kept\", \"management_mode\":"
        " \"platform_managed\", \"provisioning_status\": \"reserved\", \"is_alembic_managed\":"
        " true, \"migration_package\": \"d\", \"migration_namespace\": \"d\","
        " \"physical_table_name\": \"kept\", \"table_contract\": {\"version\":"
        " \"relational-table.v1\", \"physical\": {\"table_name\": \"kept\"}, \"columns\":"
        " [{\"name\": \"id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}]",
        all->made->source);
    mseq_value *rows = expect_remote(manager, all->owner, "POST", META, body, 201);
    const char *uid = text_at(mseq_array_get(rows, 0), "uid");
    char *plain = table_path(uid, "?full_delete_selected=True");
    char *override = table_path(uid, "?full_delete_selected=True&override_protection=True");
    refuse_remote(manager, all->owner, "DELETE", plain, NULL, 409, "migration_managed");
    refuse_remote(manager, all->admin, "DELETE", plain, NULL, 409, "migration_managed");
    refuse_remote(manager, all->owner, "DELETE", override, NULL, 403, "admin_only");
    mseq_value_free(expect_remote(manager, all->admin, "DELETE", override, NULL, 200));
    mseq_value_free(rows);
    free(plain);
    free(override);
    free(body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_strangers, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_viewers, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_editors, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_lists, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_many_tables, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_keys, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_graph, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_label_counts, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_conflicts, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_statements, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_deletion, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_managed_deletion, set_up_people, tear_down_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
