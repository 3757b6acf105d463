/* SPDX-License-Identifier: MIT
 * Room `manager`: the catalog's tables: lists, changes, deletion. */
#include "table_helpers.h"

/* ---- Lists */

static size_t count(const fixture *made, const char *path) {
    mseq_value *page = expect(made->manager, "GET", path, NULL, 200);
    size_t found = mseq_value_length(mseq_object_get(page, "results"));
    check_models("MetaTable", mseq_object_get(page, "results"));
    mseq_value_free(page);
    return found;
}

static void test_filters(void **state) {
    const fixture *made = *state;
    char uid[37], path[256];
    put(made,
        external(made, "alpha",
                 ", \"identifier\": \"demo.Alpha\", \"namespace\": \"demo\","
                 " \"labels\": [\"red\", \"Big Thing\"]"),
        201, uid);
    put(made,
        external(made, "beta",
                 ", \"identifier\": \"demo.beta\", \"namespace\": \"demo.x\","
                 " \"labels\": [\"red\"]"),
        201, NULL);
    put(made, external(made, "gamma", ", \"labels\": [\"blue\"], \"physical_schema\": \"other\""),
        201, NULL);
    static const struct {
        const char *query;
        size_t rows;
    } cases[] = {
        {"", 3},
        {"?identifier=demo.Alpha", 1},
        {"?identifier=demo.alpha", 0},
        {"?identifier__in=demo.Alpha%2C+demo.beta", 2},
        {"?identifier__in=", 0},
        {"?identifier__contains=demo.", 2},
        {"?identifier__contains=DEMO", 0},
        {"?namespace=demo", 1},
        {"?namespace__contains=demo", 2},
        {"?namespace__in=demo,demo.x", 2},
        {"?namespace__isnull=True", 1},
        {"?namespace__isnull=false", 2},
        {"?management_mode=external_registered", 3},
        {"?management_mode__in=platform_managed", 0},
        {"?provisioning_status=active&physical_table_name=alpha", 1},
        {"?provisioning_status__in=reserved", 0},
        {"?schema_management_mode=external_registered", 3},
        {"?schema_management_mode__in=alembic_managed,backend_managed", 0},
        {"?migration_provider_key=x", 0},
        {"?migration_provider_key__in=x", 0},
        {"?physical_schema=public", 2},
        {"?physical_schema__in=other,none", 1},
        {"?physical_schema__in=public,other&physical_table_name=gamma", 1},
        {"?physical_table_name__contains=a", 3},
        {"?physical_table_name__in=alpha,gamma,none", 2},
        {"?labels=red", 2},
        {"?labels=Red", 0},
        {"?labels=red,Big+Thing", 1},
        {"?labels=red&labels=Big+Thing", 1},
        {"?labels__in=blue,Big+Thing", 2},
        {"?labels__contains=Thing", 1},
        {"?uid=none", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, META "%s", cases[i].query);
        if (count(made, path) != cases[i].rows)
            fail_msg("%s gave %zu rows", cases[i].query, count(made, path));
    }
    snprintf(path, sizeof path, META "?uid=%s", uid);
    assert_int_equal(count(made, path), 1);
    snprintf(path, sizeof path, META "?uid__in=%s%%2Cnone", uid);
    assert_int_equal(count(made, path), 1);
    snprintf(path, sizeof path, META "?data_source__uid=%s", made->source);
    assert_int_equal(count(made, path), 3);
    snprintf(path, sizeof path, META "?data_source__uid__in=%s,none", made->source);
    assert_int_equal(count(made, path), 3);
    refuse(made->manager, "GET", META "?data_source__id=1", NULL, 400, "unknown_filter",
           "data_source__id");
    refuse(made->manager, "GET", META "?uid__contains=1", NULL, 400, "unknown_filter", NULL);
    refuse(made->manager, "GET", DYNAMIC "?management_mode=x", NULL, 400, "unknown_filter", NULL);
    refuse(made->manager, "GET", META "?namespace__isnull=maybe", NULL, 400, "bad_value", "maybe");
    refuse(made->manager, "GET", META "?cursor=5", NULL, 400, "bad_value", "cursor");
    refuse(made->manager, "GET", META "?identifier=%ZZ", NULL, 400, "request", NULL);
}

static void test_pages(void **state) {
    const fixture *made = *state;
    mseq_buffer rows = MSEQ_BUFFER_INIT;
    for (int i = 0; i < 250; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%03d", i);
        char *one = reservation(made, name, "p");
        mseq_buffer_append_format(&rows, "%s%s", i ? ", " : "[", one);
        free(one);
    }
    mseq_buffer_append_text(&rows, "]");
    mseq_value_free(expect(made->manager, "POST", META, mseq_buffer_text(&rows), 201));
    mseq_buffer_free(&rows);
    char path[512] = META "?namespace=demo&labels__in=";
    assert_int_equal(count(made, path), 0);
    snprintf(path, sizeof path, META "?namespace=demo");
    mseq_value *seen = mseq_value_object();
    size_t pages = 0;
    for (bool more = true; more; pages++) {
        mseq_value *page = expect(made->manager, "GET", path, NULL, 200);
        const mseq_value *list = mseq_object_get(page, "results");
        const char *next = mseq_object_get_text(page, "next");
        assert_int_equal(mseq_value_length(list), pages < 2 ? 100 : 50);
        for (size_t i = 0; i < mseq_value_length(list); i++)
            mseq_object_put_boolean(seen, text_at(mseq_array_get(list, i), "uid"), true);
        more = next != NULL;
        if (more) {
            assert_int_equal(strncmp(next, "local:" META "?namespace=demo&cursor=",
                                     strlen("local:" META "?namespace=demo&cursor=")),
                             0);
            snprintf(path, sizeof path, "%s", next + strlen("local:"));
        }
        mseq_value_free(page);
    }
    assert_int_equal(pages, 3);
    assert_int_equal(mseq_value_length(seen), 250);
    mseq_value_free(seen);
    /* one page for a body */
    mseq_value *page =
        expect(made->manager, "POST", META "filter/", "{\"namespace\": \"demo\"}", 200);
    assert_int_equal(mseq_object_get_integer(page, "count", 0), 250);
    assert_true(mseq_value_is_null(mseq_object_get(page, "next")));
    mseq_value_free(page);
    page = expect(made->manager, "POST", META "filter/",
                  "{\"physical_table_name__in\": [\"t001\", \"t200\", \"none\"], \"limit\": 3,"
                  " \"namespace__isnull\": false}",
                  200);
    assert_int_equal(mseq_object_get_integer(page, "count", 0), 2);
    mseq_value_free(page);
    page = expect(made->manager, "POST", META "filter/",
                  "{\"identifiers\": [\"t001\"], \"offset\": 0, \"limit\": null}", 200);
    assert_int_equal(mseq_object_get_integer(page, "count", 0), 1);
    mseq_value_free(page);
    page = expect(made->manager, "POST", META "filter/", "{\"limit\": 10, \"offset\": 245}", 200);
    assert_int_equal(mseq_object_get_integer(page, "count", 0), 5);
    mseq_value_free(page);
    page = expect(made->manager, "POST", META "filter/", "{\"identifier\": null}", 200);
    assert_int_equal(mseq_object_get_integer(page, "count", -1), 0);
    mseq_value_free(page);
    refuse(made->manager, "POST", META "filter/", "{\"limit\": 0}", 400, "bad_value", "limit");
    refuse(made->manager, "POST", META "filter/", "{\"limit\": 10001}", 400, "bad_value", "limit");
    refuse(made->manager, "POST", META "filter/", "{\"identifier\": 5}", 400, "bad_value",
           "identifier");
    refuse(made->manager, "POST", META "filter/", "{\"uid__in\": [5]}", 400, "bad_value",
           "uid__in");
    refuse(made->manager, "POST", META "filter/", "{\"colour\": 5}", 400, "unknown_filter",
           "colour");
    refuse(made->manager, "POST", META "filter/", "[]", 400, "wrong_kind", NULL);
}

/* ---- Patch */

static void test_patch(void **state) {
    const fixture *made = *state;
    char uid[37], path[128];
    put(made, external(made, "one", ", \"identifier\": \"demo.One\""), 201, uid);
    put(made, external(made, "two", ", \"identifier\": \"demo.Two\""), 201, NULL);
    snprintf(path, sizeof path, META "%s/", uid);
    mseq_value *row = expect(made->manager, "PATCH", path,
                             "{\"description\": \"d\", \"labels\": [\"x\"],"
                             " \"protect_from_deletion\": true, \"open_for_everyone\": true,"
                             " \"namespace\": null}",
                             200);
    check_model("MetaTable", row);
    assert_string_equal(text_at(row, "description"), "d");
    assert_true(mseq_object_get_boolean(row, "protect_from_deletion", false));
    mseq_value_free(row);
    assert_int_equal(count(made, META "?labels=x"), 1);
    refuse(made->manager, "PATCH", path, "{\"uid\": \"x\"}", 400, "unknown_key", "uid");
    refuse(made->manager, "PATCH", path, "{\"identifier\": \"demo.Two\"}", 409,
           "identifier_conflict", "'two'");
    refuse(made->manager, "PATCH", path, "{\"protect_from_deletion\": \"yes\"}", 400, "wrong_kind",
           "protect_from_deletion");
    refuse(made->manager, "PATCH", META "none/", "{}", 404, "not_found", "none");
    refuse(made->manager, "PATCH", path, NULL, 400, "wrong_kind", NULL);
}

/* ---- Deletion */

static void delete_path(char path[256], const char *uid, const char *flags) {
    snprintf(path, 256,
             META "%s/?full_delete_selected=%s&full_delete_downstream_tables=%s"
                  "&delete_with_no_table=%s&override_protection=%s",
             uid, flags[0] == '1' ? "True" : "False", flags[1] == '1' ? "True" : "False",
             flags[2] == '1' ? "True" : "False", flags[3] == '1' ? "True" : "False");
}

static void test_delete(void **state) {
    const fixture *made = *state;
    char parent[37], child[37], path[256];
    put(made, managed(made, "parent", "", ""), 201, parent);
    put(made, managed(made, "child", KEY_TO("parent"), ""), 201, child);
    run_on_data(made, "INSERT INTO parent VALUES (1, NULL); INSERT INTO child VALUES (1, 1)");
    /* the row alone */
    delete_path(path, child, "0000");
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    assert_true(table_exists(made, "child"));
    mseq_value *row = detail(made, parent);
    assert_int_equal(mseq_value_length(mseq_object_get(row, "incoming_fks")), 0);
    mseq_value_free(row);
    refuse(made->manager, "DELETE", path, NULL, 404, "not_found", child);
    /* with what refers to it */
    put(made, managed(made, "child", KEY_TO("parent"), ""), 201, child);
    delete_path(path, parent, "1000");
    refuse(made->manager, "DELETE", path, NULL, 409, "table_referenced", "'child'");
    delete_path(path, parent, "1100");
    mseq_value *reply = expect(made->manager, "DELETE", path, NULL, 200);
    const mseq_value *deleted = mseq_object_get(reply, "deleted");
    assert_int_equal(mseq_value_length(deleted), 2);
    assert_string_equal(text_at(mseq_array_get(deleted, 0), "physical_table_name"), "child");
    mseq_value_free(reply);
    assert_false(table_exists(made, "child"));
    assert_false(table_exists(made, "parent"));
    assert_int_equal(count(made, META), 0);
}

/* Whatever the order in which keys are found, who refers goes first. */
static void test_delete_order(void **state) {
    const fixture *made = *state;
    char a[37], path[256];
    put(made, managed(made, "a", "", ""), 201, a);
    put(made, managed(made, "b", KEY_TO("a"), ""), 201, NULL);
    char *both = managed(made, "c",
                         ", \"foreign_keys\": [{\"source_columns\": [\"parent_id\"],"
                         " \"target_table\": \"a\", \"target_columns\": [\"id\"]},"
                         " {\"source_columns\": [\"id\"], \"target_table\": \"b\","
                         " \"target_columns\": [\"id\"]}]",
                         "");
    put(made, both, 201, NULL);
    put(made, managed(made, "tree", KEY_TO("tree"), ""), 201, NULL);
    run_on_data(made, "INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (1, 1);"
                      " INSERT INTO c VALUES (1, 1)");
    delete_path(path, a, "1100");
    mseq_value *reply = expect(made->manager, "DELETE", path, NULL, 200);
    const mseq_value *deleted = mseq_object_get(reply, "deleted");
    assert_int_equal(mseq_value_length(deleted), 3);
    assert_string_equal(text_at(mseq_array_get(deleted, 0), "physical_table_name"), "c");
    assert_string_equal(text_at(mseq_array_get(deleted, 2), "physical_table_name"), "a");
    mseq_value_free(reply);
    assert_int_equal(count(made, META), 1);
}

static void test_protection(void **state) {
    const fixture *made = *state;
    char uid[37], path[256];
    put(made, managed(made, "safe", "", ", \"protect_from_deletion\": true"), 201, uid);
    delete_path(path, uid, "0000");
    refuse(made->manager, "DELETE", path, NULL, 409, "protected", "'safe'");
    delete_path(path, uid, "1000");
    refuse(made->manager, "DELETE", path, NULL, 409, "protected", "'safe'");
    delete_path(path, uid, "0001");
    refuse(made->manager, "DELETE", path, NULL, 400, "bad_value", "full_delete_selected");
    delete_path(path, uid, "1001");
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    assert_false(table_exists(made, "safe"));
    /* what migrations keep */
    char *one = reservation(made, "kept", "p"), *list = mseq_text_format("[%s]", one);
    mseq_value *rows = expect(made->manager, "POST", META, list, 201);
    delete_path(path, text_at(mseq_array_get(rows, 0), "uid"), "1000");
    refuse(made->manager, "DELETE", path, NULL, 409, "migration_managed", "'kept'");
    delete_path(path, text_at(mseq_array_get(rows, 0), "uid"), "1001");
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    mseq_value_free(rows);
    free(one);
    free(list);
    /* an application's own table is never dropped */
    run_on_data(made, "CREATE TABLE app_log (id INTEGER)");
    put(made, external(made, "app_log", ""), 201, uid);
    delete_path(path, uid, "1000");
    refuse(made->manager, "DELETE", path, NULL, 409, "external_table", "'app_log'");
    delete_path(path, uid, "0000");
    mseq_value_free(expect(made->manager, "DELETE", path, NULL, 200));
    assert_true(table_exists(made, "app_log"));
    refuse(made->manager, "DELETE", META "x/?colour=1", NULL, 400, "unknown_key", "colour");
    refuse(made->manager, "DELETE", META "x/?override_protection=2", NULL, 400, "bad_value", "'2'");
}

static void test_delete_orphans(void **state) {
    const fixture *made = *state;
    char one[37], path[256];
    put(made, managed(made, "one", "", ""), 201, one);
    put(made, managed(made, "two", "", ""), 201, NULL);
    put(made, managed(made, "three", "", ", \"protect_from_deletion\": true"), 201, NULL);
    put(made, managed(made, "four", "", ""), 201, NULL);
    run_on_data(made, "DROP TABLE two; DROP TABLE three");
    delete_path(path, one, "0010");
    mseq_value *reply = expect(made->manager, "DELETE", path, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(reply, "deleted")), 2);
    mseq_value_free(reply);
    assert_int_equal(count(made, META), 2);
    assert_int_equal(count(made, META "?physical_table_name__in=three,four"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_filters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_protection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_orphans, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("manager tables", tests, NULL, NULL);
}
