/* SPDX-License-Identifier: MIT
 * For the tests of who may do what: an organization of people who stand differently to one table.
 */
#ifndef SPEC_PEOPLE_HELPERS_H
#define SPEC_PEOPLE_HELPERS_H

#include "access_helpers.h"

/* The organization: who owns "middle", and who stands where to it. */
typedef struct people {
    fixture *made;
    char *owner, *editor, *viewer, *in_editing_team, *in_viewing_team, *stranger, *admin;
    int64_t editor_id, viewer_id, stranger_id;
    char middle[37], target[37], source[37]; /* source → middle → target, the others the owner's */
} people;

static inline void register_table(const people *all, const char *token, const char *name,
                                  const char *identifier, const char *target, char uid[37],
                                  int status) {
    char key[256] = "";
    if (target)
        snprintf(key, sizeof key,
                 ", \"foreign_keys\": [{\"name\": \"fk_%s\", \"source_columns\": [\"parent_id\"],"
                 " \"target_table\": \"%s\", \"target_columns\": [\"id\"], \"on_delete\":"
                 " \"CASCADE\"}]",
                 name, target);
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"%s\", \"management_mode\":"
        " \"platform_managed\", \"labels\": [\"shared\"], \"description\": \"Where %s is kept\","
        " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"physical\":"
        " {\"table_name\": \"%s\"}, \"columns\": [{\"name\": \"id\", \"data_type\": \"int64\","
        " \"backend_type\": \"BIGINT\", \"primary_key\": true, \"nullable\": false}, {\"name\":"
        " \"parent_id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]%s}}",
        all->made->source, identifier, name, name, key);
    mseq_value *row =
        expect_remote(all->made->manager, token, "POST", META "register/", body, status);
    if (uid)
        snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

static inline char *table_path(const char *uid, const char *rest) {
    char *path = mseq_text_format(META "%s/%s", uid, rest);
    assert_non_null(path);
    return path;
}

static inline void share(const people *all, const char *uid, const char *route, const char *who,
                         int64_t id) {
    char body[64], *path = table_path(uid, route);
    snprintf(body, sizeof body, "{\"%s\": %lld}", who, (long long)id);
    mseq_value_free(expect_remote(all->made->manager, all->owner, "POST", path, body, 200));
    free(path);
}

static inline int64_t add_team(const people *all, const char *name, const char *member) {
    char body[128], path[128];
    snprintf(body, sizeof body, "{\"name\": \"%s\"}", name);
    mseq_value *team = expect(all->made->manager, "POST", TEAMS, body, 201);
    snprintf(path, sizeof path, TEAMS "%s/add-member/", text_at(team, "uid"));
    snprintf(body, sizeof body, "{\"user\": \"%s\"}", member);
    mseq_value_free(expect(all->made->manager, "POST", path, body, 200));
    int64_t id = mseq_object_get_integer(team, "id", 0);
    mseq_value_free(team);
    return id;
}

static inline int set_up_people(void **state) {
    people *all = calloc(1, sizeof *all);
    void *made = NULL;
    if (!all || set_up_timed(&made) != 0)
        return -1;
    all->made = made;
    mseq_manager *manager = all->made->manager;
    static const char *const names[] = {"owner",           "editor",          "viewer",
                                        "in_editing_team", "in_viewing_team", "stranger"};
    char **const tokens[] = {&all->owner,           &all->editor,          &all->viewer,
                             &all->in_editing_team, &all->in_viewing_team, &all->stranger};
    int64_t ids[6];
    for (size_t i = 0; i < 6; i++) {
        ids[i] = add_user(manager, names[i], false);
        *tokens[i] = log_in(manager, names[i], NULL);
    }
    all->editor_id = ids[1], all->viewer_id = ids[2], all->stranger_id = ids[5];
    add_user(manager, "admin", true);
    all->admin = log_in(manager, "admin", NULL);
    register_table(all, all->owner, "target", "app.target", NULL, all->target, 201);
    register_table(all, all->owner, "middle", "app.middle", "target", all->middle, 201);
    register_table(all, all->owner, "source", "app.source", "middle", all->source, 201);
    share(all, all->middle, "add-to-edit/", "user_id", all->editor_id);
    share(all, all->middle, "add-to-view/", "user_id", all->viewer_id);
    share(all, all->middle, "add-team-to-edit/", "team_id",
          add_team(all, "Editing team", "in_editing_team"));
    share(all, all->middle, "add-team-to-view/", "team_id",
          add_team(all, "Viewing team", "in_viewing_team"));
    *state = all;
    return 0;
}

static inline int tear_down_people(void **state) {
    people *all = *state;
    char *const tokens[] = {all->owner,           all->editor,   all->viewer, all->in_editing_team,
                            all->in_viewing_team, all->stranger, all->admin};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        free(tokens[i]);
    void *made = all->made;
    free(all);
    return tear_down(&made);
}

/* ---- Routes of many tables ---------------------------------------------------------------------
 */

static inline size_t count_of(const people *all, const char *token, const char *method,
                              const char *path, const char *body) {
    mseq_value *reply = expect_remote(all->made->manager, token, method, path, body, 200);
    size_t count = mseq_value_length(mseq_object_get(reply, "results"));
    mseq_value_free(reply);
    return count;
}

static inline mseq_value *detail(const people *all, const char *token, const char *rest) {
    char *path = table_path(all->middle, rest);
    mseq_value *row = expect_remote(all->made->manager, token, "GET", path, NULL, 200);
    free(path);
    return row;
}

#endif
