/* SPDX-License-Identifier: MIT
 * Routes of teams. Every member of the organization may look them up; admins change them. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "authentication.h"
#include "directory.h"
#include "routes.h"

static mseq_value *team_object(const mseq_value *record) {
    manager_draft team = {manager_team_summary(record), false};
    team.failed = team.value == NULL;
    manager_put_copy(&team, "created_at", mseq_object_get(record, "created_at"));
    return manager_draft_take(&team);
}

/* Answers with the team of that uid or name, and its members. */
static mseq_status answer(manager_call *call, int http_status, const char *reference,
                          mseq_error *err) {
    mseq_value *record = NULL, *members = NULL;
    mseq_status status = manager_find_team(call, reference, &record, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &members, err,
                               "SELECT " MANAGER_USER_COLUMNS " FROM platform_user"
                               " JOIN team_member ON team_member.user_uid = platform_user.uid"
                               " WHERE team_member.team_uid = ?1"
                               " ORDER BY platform_user.created_at, platform_user.uid",
                               "s", mseq_object_get_text(record, "uid"));
    if (status == MSEQ_OK) {
        manager_draft team = {team_object(record), false}, users;
        team.failed = team.value == NULL;
        manager_draft_array(&users);
        for (size_t i = 0; i < mseq_value_length(members); i++)
            manager_append(&users, manager_user_summary(mseq_array_get(members, i)));
        manager_put_draft(&team, "members", &users);
        status = manager_answer(call, http_status, manager_draft_take(&team), err);
    }
    mseq_value_free(record);
    mseq_value_free(members);
    return status;
}

mseq_status manager_list_teams(manager_call *call, mseq_error *err) {
    static const char *const filters[] = {"name", NULL};
    mseq_value *records = NULL;
    mseq_status status = manager_check_keys(call->query, "the query", filters, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &records, err,
                               "SELECT " MANAGER_TEAM_COLUMNS " FROM team"
                               " WHERE organization_uid = ?1 AND name = COALESCE(?2, name)"
                               " ORDER BY team.created_at, team.uid",
                               "ss", call->caller->organization_uid,
                               mseq_object_get_text(call->query, "name"));
    return status == MSEQ_OK ? manager_answer_list(call, records, team_object, err) : status;
}

mseq_status manager_get_team(manager_call *call, mseq_error *err) {
    return answer(call, 200, call->uid, err);
}

/* ---- Making and changing -----------------------------------------------------------------------
 */

static mseq_status read_fields(const manager_call *call, bool create, mseq_value **fields,
                               mseq_error *err) {
    const mseq_field known[] = {
        {.name = "name", .flags = create ? MSEQ_FIELD_REQUIRED : 0},
        {.name = "description", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = create ? "" : NULL},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_object_body(call, false, &body, err);
    return status == MSEQ_OK ? mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, fields, err)
                             : status;
}

/* `uid` NULL: of a new team. */
static mseq_status check_free(const manager_call *call, const char *name, const char *uid,
                              mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(call->catalog, &rows, err,
                                       "SELECT uid FROM team WHERE organization_uid = ?1"
                                       " AND name = ?2 AND uid <> ?3",
                                       "sss", call->caller->organization_uid, name, uid ? uid : "");
    if (status == MSEQ_OK && mseq_value_length(rows) > 0)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "team_conflict",
                                "name: there is a team '%s' already", name);
    mseq_value_free(rows);
    return status;
}

mseq_status manager_create_team(manager_call *call, mseq_error *err) {
    mseq_value *fields = NULL;
    char *name = NULL, uid[MANAGER_UID_SIZE], now[32];
    mseq_status status = read_fields(call, true, &fields, err);
    if (status == MSEQ_OK)
        status = manager_check_name("name", mseq_object_get_text(fields, "name"), true, &name, err);
    if (status == MSEQ_OK)
        status = mseq_uuid_new(uid);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = check_free(call, name, NULL, err);
    if (status == MSEQ_OK) {
        manager_time_after(call, 0, now);
        status = manager_query(call->catalog, NULL, err,
                               "INSERT INTO team (uid, id, organization_uid, name, description,"
                               " created_at) VALUES (?1, (SELECT COALESCE(MAX(id), 0) + 1"
                               " FROM team), ?2, ?3, ?4, ?5)",
                               "sssss", uid, call->caller->organization_uid, name,
                               mseq_object_get_text(fields, "description"), now);
    }
    if (status == MSEQ_OK)
        status = answer(call, 201, uid, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(fields);
    free(name);
    return status;
}

mseq_status manager_patch_team(manager_call *call, mseq_error *err) {
    mseq_value *fields = NULL, *record = NULL;
    char *name = NULL;
    mseq_status status = read_fields(call, false, &fields, err);
    const char *given = mseq_object_get_text(fields, "name");
    if (status == MSEQ_OK && given)
        status = manager_check_name("name", given, true, &name, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_find_team(call, call->uid, &record, err);
    const char *uid = mseq_object_get_text(record, "uid");
    if (status == MSEQ_OK && name)
        status = check_free(call, name, uid, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "UPDATE team SET name = COALESCE(?2, name),"
                               " description = COALESCE(?3, description) WHERE uid = ?1",
                               "sss", uid, name, mseq_object_get_text(fields, "description"));
    if (status == MSEQ_OK)
        status = answer(call, 200, uid, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(fields);
    mseq_value_free(record);
    free(name);
    return status;
}

mseq_status manager_delete_team(manager_call *call, mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_find_team(call, call->uid, &record, err);
    const manager_access_change change = {.team_uid = mseq_object_get_text(record, "uid")};
    if (status == MSEQ_OK) /* while it has its members */
        status = manager_access_changed(call, &change, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err, "DELETE FROM team WHERE uid = ?1", "s",
                               mseq_object_get_text(record, "uid"));
    if (status == MSEQ_OK)
        status = manager_answer(call, 200, team_object(record), err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(record);
    return status;
}

/* ---- Members -----------------------------------------------------------------------------------
 */

static mseq_status read_member(const manager_call *call, mseq_value **user, mseq_error *err) {
    static const mseq_field known[] = {{.name = "user", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = NULL}};
    const mseq_value *body = NULL;
    mseq_value *fields = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &fields, err);
    if (status == MSEQ_OK)
        status = manager_find_user(call, mseq_object_get_text(fields, "user"), user, err);
    mseq_value_free(fields);
    return status;
}

static mseq_status change_member(manager_call *call, const char *sql, mseq_error *err) {
    mseq_value *team = NULL, *user = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_find_team(call, call->uid, &team, err);
    if (status == MSEQ_OK)
        status = read_member(call, &user, err);
    if (status == MSEQ_OK)
        status =
            manager_query(call->catalog, NULL, err, sql, "ss", mseq_object_get_text(team, "uid"),
                          mseq_object_get_text(user, "uid"));
    const manager_access_change change = {.user_uid = mseq_object_get_text(user, "uid")};
    if (status == MSEQ_OK)
        status = manager_access_changed(call, &change, err);
    if (status == MSEQ_OK)
        status = answer(call, 200, mseq_object_get_text(team, "uid"), err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(team);
    mseq_value_free(user);
    return status;
}

mseq_status manager_add_member(manager_call *call, mseq_error *err) {
    return change_member(call,
                         "INSERT INTO team_member (team_uid, user_uid) VALUES (?1, ?2)"
                         " ON CONFLICT DO NOTHING",
                         err);
}

mseq_status manager_remove_member(manager_call *call, mseq_error *err) {
    return change_member(call, "DELETE FROM team_member WHERE team_uid = ?1 AND user_uid = ?2",
                         err);
}
