/* SPDX-License-Identifier: MIT
 * Who gets a credential for migrations: its role acts for the owner of all tables, so that only
 * those who may change some of what they ask for get one. */
#include "access_helpers.h"
#include "postgresql_helpers.h"

#define DATA_SOURCES "/orm/api/ts_manager/data_sources/"

typedef struct world {
    fixture *made;
    char source[37];
    char *owner, *member; /* tokens */
    int64_t member_id;
} world;

static world all;

/* As the owner of `token`; `name_space` NULL: the request does not name one. */
static void ask_credential(const char *token, const char *name_space, int status) {
    char path[160], body[256] = "{\"ttl_seconds\": 60}";
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", all.source);
    if (name_space)
        snprintf(body, sizeof body,
                 "{\"purpose\": \"schema_migration\", \"package\": \"p\", \"migration_namespace\":"
                 " \"%s\", \"ttl_seconds\": 60}",
                 name_space);
    if (status == 403) {
        mseq_value *reply = expect_remote(all.made->manager, token, "POST", path, body, status);
        assert_string_equal(text_at(reply, "code"), "edit_required");
        assert_null(mseq_object_get(reply, "uri"));
        assert_null(strstr(text_at(reply, "detail"), "first"));
        mseq_value_free(reply);
        return;
    }
    mseq_value *reply = expect_remote(all.made->manager, token, "POST", path, body, status);
    assert_string_equal(text_at(reply, "credential_kind"), "database_role");
    mseq_value_free(reply);
}

static void reserve(const char *token, const char *name, const char *name_space, char uid[37]) {
    char body[512];
    snprintf(body, sizeof body,
             "[{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
             " \"identifier\": \"demo.%s\", \"physical_table_name\": \"%s\", \"table_contract\":"
             " {\"version\": \"relational-table.v1\", \"physical\": {\"table_name\": \"%s\"},"
             " \"columns\": [], \"constraints\": []}, \"migration_package\": \"p\","
             " \"migration_namespace\": \"%s\"}]",
             all.source, name, name, name, name_space);
    mseq_value *rows = expect_remote(all.made->manager, token, "POST", META, body, 201);
    snprintf(uid, 37, "%s", text_at(mseq_array_get(rows, 0), "uid"));
    mseq_value_free(rows);
}

static void share(const char *uid, const char *route) {
    char body[64], path[160];
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)all.member_id);
    snprintf(path, sizeof path, META "%s/%s/", uid, route);
    mseq_value_free(expect_remote(all.made->manager, all.owner, "POST", path, body, 200));
}

static void test_who_may_ask(void **state) {
    (void)state;
    char first[37], own[37];
    ask_credential(all.member, NULL, 200); /* nothing is there yet: the first revision of all */
    ask_credential(all.member, "demo", 200);
    reserve(all.owner, "first", "demo", first);
    ask_credential(all.owner, "demo", 200);
    ask_credential(all.member, "demo", 403);
    ask_credential(all.member, NULL, 403);
    ask_credential(all.member, "", 403);
    ask_credential(all.member, "other", 200); /* the first revision of another project */
    ask_credential(all.member, "emo", 200);   /* ends like it, is another */
    ask_credential(all.member, "p:demo", 200);
    share(first, "add-to-view");
    ask_credential(all.member, "demo", 403); /* who may look may not drop */
    share(first, "add-to-edit");
    ask_credential(all.member, "demo", 200);
    ask_credential(all.member, NULL, 200);
    share(first, "remove-from-edit");
    ask_credential(all.member, "demo", 403);
    reserve(all.member, "own", "mine", own);
    ask_credential(all.member, "mine", 200);
    ask_credential(all.owner, "mine", 403);
    ask_credential(all.member, "demo", 403); /* one's own table opens no other namespace */
}

static void test_admins(void **state) {
    (void)state;
    char path[160];
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", all.source);
    mseq_value_free(
        expect(all.made->manager, "POST", path, "{\"migration_namespace\": \"demo\"}", 200));
}

static int start(void **state) {
    char body[512];
    if (set_up_timed(state) != 0)
        return -1;
    all.made = *state;
    char *uri = postgresql_database("migration_access");
    snprintf(body, sizeof body, "{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", uri);
    free(uri);
    mseq_value *source = expect(all.made->manager, "POST", DATA_SOURCES, body, 201);
    snprintf(all.source, sizeof all.source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    add_user(all.made->manager, "owner", false);
    all.member_id = add_user(all.made->manager, "member", false);
    all.owner = log_in(all.made->manager, "owner", NULL);
    all.member = log_in(all.made->manager, "member", NULL);
    return 0;
}

static int stop(void **state) {
    free(all.owner);
    free(all.member);
    return tear_down(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_ask),
        cmocka_unit_test(test_admins),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
