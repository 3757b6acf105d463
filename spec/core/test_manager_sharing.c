/* SPDX-License-Identifier: MIT
 * Room `manager`: tables shared with users, teams and everyone; what an admin may do besides, and
 * the revision that every such change raises. */
#include "people_helpers.h"

/* ---- Sharing -----------------------------------------------------------------------------------
 */

static void test_sharing(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    char body[64], *add = table_path(all->middle, "add-to-view/");
    char *remove = table_path(all->middle, "remove-from-view/");
    char *edit = table_path(all->middle, "add-to-edit/");
    char *no_edit = table_path(all->middle, "remove-from-edit/");
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)all->stranger_id);
    mseq_value *reply = expect_remote(manager, all->editor, "POST", add, body, 200);
    assert_string_equal(text_at(reply, "action"), "add_to_view");
    assert_string_equal(text_at(reply, "object_uid"), all->middle);
    assert_string_equal(text_at(mseq_object_get(reply, "user"), "username"), "stranger");
    assert_true(mseq_object_get_boolean(reply, "explicit_can_view", false));
    assert_false(mseq_object_get_boolean(reply, "explicit_can_edit", true));
    assert_int_equal(mseq_value_length(mseq_object_get(reply, "explicit_can_view_user_ids")), 2);
    mseq_value_free(reply);
    mseq_value_free(expect_remote(manager, all->editor, "POST", add, body, 200)); /* again */
    mseq_value_free(detail(all, all->stranger, ""));
    mseq_value *state_of = detail(all, all->stranger, "can-view/");
    check_model("ShareableAccessState", state_of);
    assert_int_equal(mseq_value_length(mseq_object_get(state_of, "users")), 4);
    assert_int_equal(mseq_value_length(mseq_object_get(state_of, "teams")), 2);
    mseq_value_free(state_of);
    state_of = detail(all, all->stranger, "can-edit/");
    check_model("ShareableAccessState", state_of);
    assert_int_equal(mseq_value_length(mseq_object_get(state_of, "users")), 2);
    assert_int_equal(mseq_value_length(mseq_object_get(state_of, "teams")), 1);
    mseq_value_free(state_of);
    /* edit holds for viewing, and what is taken away is what was given */
    mseq_value_free(expect_remote(manager, all->owner, "POST", edit, body, 200));
    mseq_value_free(expect_remote(manager, all->owner, "POST", remove, body, 200));
    mseq_value_free(detail(all, all->stranger, ""));
    mseq_value_free(expect_remote(manager, all->stranger, "POST", no_edit, body, 200));
    refuse_remote(manager, all->stranger, "POST", add, body, 404, "not_found");
    refuse_remote(manager, all->owner, "POST", add, "{\"user_id\": 999}", 404, "not_found");
    refuse_remote(manager, all->owner, "POST", add, "{\"user_id\": \"7\"}", 400, "wrong_kind");
    refuse_remote(manager, all->owner, "POST", add, "{\"team_id\": 1}", 400, "unknown_key");
    free(add);
    free(remove);
    free(edit);
    free(no_edit);
}

static void test_open_for_everyone(void **state) {
    const people *all = *state;
    char *path = table_path(all->middle, "");
    mseq_value_free(expect_remote(all->made->manager, all->owner, "PATCH", path,
                                  "{\"open_for_everyone\": true}", 200));
    mseq_value_free(detail(all, all->stranger, ""));
    refuse_remote(all->made->manager, all->stranger, "PATCH", path, "{\"description\": \"x\"}", 403,
                  "edit_required");
    free(path);
}

/* Who leaves a team loses what it gave, and a team that goes takes its grants along. */
static void test_teams(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    mseq_value *teams = expect_remote(manager, all->stranger, "GET", TEAMS, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(teams, "results")), 2);
    mseq_value_free(teams);
    mseq_value_free(expect(manager, "POST", TEAMS "Viewing%20team/remove-member/",
                           "{\"user\": \"in_viewing_team\"}", 200));
    assert_int_equal(count_of(all, all->in_viewing_team, "GET", META, NULL), 0);
    mseq_value_free(expect(manager, "DELETE", TEAMS "Editing%20team/", NULL, 200));
    assert_int_equal(count_of(all, all->in_editing_team, "GET", META, NULL), 0);
    refuse(manager, "POST", TEAMS, "{\"name\": \"Viewing team\"}", 409, "team_conflict", NULL);
    refuse(manager, "POST", TEAMS, "{\"name\": \"a/b\"}", 400, "bad_value", "name");
    mseq_value *renamed =
        expect(manager, "PATCH", TEAMS "Viewing%20team/", "{\"name\": \"Seers\"}", 200);
    assert_string_equal(text_at(renamed, "name"), "Seers");
    mseq_value_free(renamed);
}

/* ---- Administration ----------------------------------------------------------------------------
 */

static void test_administration(void **state) {
    const people *all = *state;
    static const struct {
        const char *method, *path, *body;
    } routes[] = {
        {"POST", USERS, "{\"username\": \"new\"}"},
        {"PATCH", USERS "viewer/", "{\"is_organization_admin\": true}"},
        {"POST", TEAMS, "{\"name\": \"new\"}"},
        {"PATCH", TEAMS "Viewing%20team/", "{\"name\": \"new\"}"},
        {"DELETE", TEAMS "Viewing%20team/", NULL},
        {"POST", TEAMS "Viewing%20team/add-member/", "{\"user\": \"stranger\"}"},
        {"POST", TEAMS "Viewing%20team/remove-member/", "{\"user\": \"stranger\"}"},
    };
    mseq_manager *manager = all->made->manager;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        refuse_remote(manager, all->owner, routes[i].method, routes[i].path, routes[i].body, 403,
                      "admin_only");
        mseq_value *reply = remote(manager, all->admin, routes[i].method,
                                   i == 4 ? TEAMS "Editing%20team/" : routes[i].path,
                                   i == 3 ? "{\"description\": \"d\"}" : routes[i].body)
                                .body;
        assert_string_equal(text_at(reply, "code"), "(none)");
        mseq_value_free(reply);
    }
    refuse(manager, "POST", USERS, "{\"username\": \"new\"}", 409, "username_conflict", NULL);
    refuse(manager, "POST", USERS, "{\"username\": \"a b\"}", 400, "bad_value", NULL);
    refuse(manager, "POST", USERS, "{\"username\": \"00000000-0000-4000-8000-00000000abcd\"}", 400,
           "bad_value", "no name");
    refuse(manager, "POST", USERS, "{\"username\": \"x\", \"password\": \"short\"}", 400,
           "bad_value", "password");
    refuse(manager, "GET", USERS "nobody/", NULL, 404, "not_found", "nobody");
    mseq_value *users = expect_remote(manager, all->stranger, "GET", USERS, NULL, 200);
    assert_int_equal(mseq_value_length(mseq_object_get(users, "results")), 9);
    char *text = to_text(users);
    assert_null(strstr(text, "scrypt"));
    free(text);
    mseq_value_free(users);
}

/* ---- The revision ------------------------------------------------------------------------------
 */

static int64_t revision(const people *all) {
    mseq_database *database = NULL;
    mseq_value *rows = NULL;
    mseq_connection *connection = open_catalog(all->made->folder, &database);
    assert_int_equal(mseq_connection_execute(connection, "SELECT revision FROM access_state", NULL,
                                             &rows, NULL, NULL),
                     MSEQ_OK);
    int64_t number = mseq_object_get_integer(mseq_array_get(rows, 0), "revision", -1);
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(database);
    return number;
}

static void test_revision(void **state) {
    const people *all = *state;
    mseq_manager *manager = all->made->manager;
    int64_t before = revision(all);
    char *path = table_path(all->middle, "");
    mseq_value_free(expect_remote(manager, all->owner, "PATCH", path, "{\"description\": \"x\"}",
                                  200)); /* no change of access */
    mseq_value_free(detail(all, all->viewer, ""));
    assert_int_equal(revision(all), before);
    share(all, all->middle, "add-to-view/", "user_id", all->stranger_id);
    assert_true(revision(all) > before);
    before = revision(all);
    mseq_value_free(
        expect_remote(manager, all->owner, "PATCH", path, "{\"open_for_everyone\": true}", 200));
    assert_true(revision(all) > before);
    before = revision(all);
    mseq_value_free(expect(manager, "POST", TEAMS "Viewing%20team/add-member/",
                           "{\"user\": \"stranger\"}", 200));
    assert_true(revision(all) > before);
    before = revision(all);
    mseq_value_free(expect(manager, "PATCH", USERS "viewer/", "{\"is_disabled\": true}", 200));
    assert_true(revision(all) > before);
    before = revision(all);
    register_table(all, all->stranger, "fresh", "app.fresh", NULL, NULL, 201);
    assert_true(revision(all) > before);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sharing, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_open_for_everyone, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_teams, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_administration, set_up_people, tear_down_people),
        cmocka_unit_test_setup_teardown(test_revision, set_up_people, tear_down_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
