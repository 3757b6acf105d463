/* SPDX-License-Identifier: MIT
 * Sharing: grants of view and edit to users and teams. Who may edit a table may share it; who may
 * view it may see with whom it is shared. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "directory.h"
#include "routes.h"

typedef struct share {
    const char *action; /* as the reply names it */
    const char *access; /* "view", "edit" */
    bool team;
    bool add;
} share;

static const char *object_type(const manager_row *row) {
    return row->time_indexed ? "ts_manager.timeindexmetatable" : "ts_manager.metatable";
}

/* ---- Changing ----------------------------------------------------------------------------------
 */

static mseq_status read_subject(const manager_call *call, bool team, mseq_value **subject,
                                mseq_error *err) {
    const mseq_field known[] = {
        {.name = team ? "team_id" : "user_id",
         .type = MSEQ_FIELD_INTEGER,
         .flags = MSEQ_FIELD_REQUIRED},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *fields = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &fields, err);
    int64_t id = mseq_object_get_integer(fields, known[0].name, 0);
    if (status == MSEQ_OK)
        status = team ? manager_find_team_id(call, id, subject, err)
                      : manager_find_user_id(call, id, subject, err);
    mseq_value_free(fields);
    return status;
}

static mseq_status write_grant(const manager_call *call, const share *what, const manager_row *row,
                               const mseq_value *to, mseq_error *err) {
    static const char *const statements[2][2] = {
        {"DELETE FROM user_grant WHERE meta_table_uid = ?1 AND user_uid = ?2 AND access = ?3",
         "INSERT INTO user_grant (meta_table_uid, user_uid, access) VALUES (?1, ?2, ?3)"
         " ON CONFLICT DO NOTHING"},
        {"DELETE FROM team_grant WHERE meta_table_uid = ?1 AND team_uid = ?2 AND access = ?3",
         "INSERT INTO team_grant (meta_table_uid, team_uid, access) VALUES (?1, ?2, ?3)"
         " ON CONFLICT DO NOTHING"},
    };
    const char *uid = mseq_object_get_text(to, "uid");
    const manager_access_change change = {
        .user_uid = what->team ? NULL : uid,
        .team_uid = what->team ? uid : NULL,
        .data_source_uid = manager_row_text(row, "data_source_uid"),
    };
    mseq_status status = manager_query(call->catalog, NULL, err, statements[what->team][what->add],
                                       "sss", call->uid, uid, what->access);
    return status == MSEQ_OK ? manager_access_changed(call, &change, err) : status;
}

/* The numbers of those that hold a grant, as a member of the reply. */
static mseq_status put_holders(const manager_call *call, manager_draft *reply, bool team,
                               const char *access, const char *key, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err,
                      team ? "SELECT id FROM team_grant JOIN team ON team.uid = team_grant.team_uid"
                             " WHERE meta_table_uid = ?1 AND access = ?2 ORDER BY id"
                           : "SELECT id FROM user_grant JOIN platform_user"
                             " ON platform_user.uid = user_grant.user_uid"
                             " WHERE meta_table_uid = ?1 AND access = ?2 ORDER BY id",
                      "ss", call->uid, access);
    manager_draft ids;
    manager_draft_array(&ids);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_append(&ids, mseq_value_dup(mseq_object_get(mseq_array_get(records, i), "id")));
    manager_put_draft(reply, key, &ids);
    mseq_value_free(records);
    return status;
}

static bool holds(const manager_draft *reply, const char *key, const mseq_value *id) {
    const mseq_value *ids = mseq_object_get(reply->value, key);
    for (size_t i = 0; i < mseq_value_length(ids); i++)
        if (mseq_value_equal(mseq_array_get(ids, i), id))
            return true;
    return false;
}

static mseq_status answer_change(manager_call *call, const share *what, const manager_row *row,
                                 const mseq_value *subject, mseq_error *err) {
    static const char *const keys[2][2] = {
        {"explicit_can_view_user_ids", "explicit_can_edit_user_ids"},
        {"explicit_can_view_team_ids", "explicit_can_edit_team_ids"}};
    static const char *const levels[] = {"view", "edit"};
    const mseq_value *id = mseq_object_get(subject, "id");
    int64_t object = 0;
    manager_draft reply;
    mseq_status status = manager_row_id(call, row, &object, err);
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_text(&reply, "action", what->action);
    manager_put(&reply, "detail",
                mseq_value_string(what->add ? "Access granted." : "Access revoked."));
    manager_put_text(&reply, "object_uid", call->uid);
    manager_put_integer(&reply, "object_id", object);
    manager_put_text(&reply, "object_type", object_type(row));
    if (what->team)
        manager_put(&reply, "team", manager_team_summary(subject));
    else
        manager_put(&reply, "user", manager_user_summary(subject));
    for (size_t i = 0; i < 4 && status == MSEQ_OK; i++)
        status = put_holders(call, &reply, i >= 2, levels[i % 2], keys[i / 2][i % 2], err);
    manager_put_boolean(&reply, "explicit_can_view", holds(&reply, keys[what->team][0], id));
    manager_put_boolean(&reply, "explicit_can_edit", holds(&reply, keys[what->team][1], id));
    if (status != MSEQ_OK) {
        manager_draft_free(&reply);
        return status;
    }
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

static mseq_status change(manager_call *call, share what, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_value *subject = NULL;
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_row_to_edit(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = read_subject(call, what.team, &subject, err);
    if (status == MSEQ_OK)
        status = write_grant(call, &what, &row, subject, err);
    if (status == MSEQ_OK)
        status = answer_change(call, &what, &row, subject, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    manager_row_free(&row);
    mseq_value_free(subject);
    return status;
}

mseq_status manager_add_to_view(manager_call *call, mseq_error *err) {
    return change(call, (share){"add_to_view", "view", false, true}, err);
}

mseq_status manager_add_to_edit(manager_call *call, mseq_error *err) {
    return change(call, (share){"add_to_edit", "edit", false, true}, err);
}

mseq_status manager_remove_from_view(manager_call *call, mseq_error *err) {
    return change(call, (share){"remove_from_view", "view", false, false}, err);
}

mseq_status manager_remove_from_edit(manager_call *call, mseq_error *err) {
    return change(call, (share){"remove_from_edit", "edit", false, false}, err);
}

mseq_status manager_add_team_to_view(manager_call *call, mseq_error *err) {
    return change(call, (share){"add_team_to_view", "view", true, true}, err);
}

mseq_status manager_add_team_to_edit(manager_call *call, mseq_error *err) {
    return change(call, (share){"add_team_to_edit", "edit", true, true}, err);
}

mseq_status manager_remove_team_from_view(manager_call *call, mseq_error *err) {
    return change(call, (share){"remove_team_from_view", "view", true, false}, err);
}

mseq_status manager_remove_team_from_edit(manager_call *call, mseq_error *err) {
    return change(call, (share){"remove_team_from_edit", "edit", true, false}, err);
}

/* ---- Listing -----------------------------------------------------------------------------------
 */

/* The owner and whoever holds a grant that holds for `access`; admins and, where a table is open,
 * everyone else may too without being listed. ?2 is 1 where only edit counts. */
static const char users_sql[] =
    "SELECT " MANAGER_USER_COLUMNS " FROM platform_user WHERE platform_user.uid IN"
    " (SELECT created_by_user_uid FROM meta_table WHERE uid = ?1"
    " UNION SELECT user_uid FROM user_grant"
    " WHERE meta_table_uid = ?1 AND (?2 = 0 OR access = 'edit')) ORDER BY platform_user.id";
static const char teams_sql[] =
    "SELECT " MANAGER_TEAM_COLUMNS " FROM team WHERE team.uid IN"
    " (SELECT team_uid FROM team_grant"
    " WHERE meta_table_uid = ?1 AND (?2 = 0 OR access = 'edit')) ORDER BY team.id";

static mseq_status put_subjects(const manager_call *call, manager_draft *reply, const char *key,
                                const char *sql, bool edit,
                                mseq_value *(*summary)(const mseq_value *record), mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err, sql, "sb", call->uid, (int)edit);
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_append(&list, summary(mseq_array_get(records, i)));
    manager_put_draft(reply, key, &list);
    mseq_value_free(records);
    return status;
}

static mseq_status list(manager_call *call, bool edit, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    int64_t id = 0;
    manager_draft reply;
    mseq_status status = manager_row_by_uid(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_row_id(call, &row, &id, err);
    manager_draft_object(&reply);
    manager_put_integer(&reply, "object_id", id);
    manager_put_text(&reply, "object_type", object_type(&row));
    manager_put_text(&reply, "access_level", edit ? "edit" : "view");
    if (status == MSEQ_OK)
        status = put_subjects(call, &reply, "users", users_sql, edit, manager_user_summary, err);
    if (status == MSEQ_OK)
        status = put_subjects(call, &reply, "teams", teams_sql, edit, manager_team_summary, err);
    manager_row_free(&row);
    if (status != MSEQ_OK) {
        manager_draft_free(&reply);
        return status;
    }
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

mseq_status manager_can_view(manager_call *call, mseq_error *err) {
    return list(call, false, err);
}

mseq_status manager_can_edit(manager_call *call, mseq_error *err) {
    return list(call, true, err);
}
