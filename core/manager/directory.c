/* SPDX-License-Identifier: MIT
 * The users and teams of an organization: looking them up, showing them. */
#include <stdlib.h>
#include <string.h>

#include "directory.h"

mseq_status manager_require_admin(const manager_call *call, mseq_error *err) {
    return call->caller->admin ? MSEQ_OK
                               : manager_refuse(err, MSEQ_E_PERMISSION, "admin_only",
                                                "this is for organization admins, which '%s' is "
                                                "not",
                                                call->caller->username);
}

/* ---- Looking up --------------------------------------------------------------------------------
 */

/* The one record of a query; `what` and `reference` are for the message when there is none. */
static mseq_status only(mseq_value *records, const char *what, const char *reference,
                        mseq_value **record, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    mseq_value *copy = NULL;
    if (mseq_value_length(records) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "not_found", "there is no %s '%.100s'", what,
                                reference);
    else if (!(copy = mseq_value_dup(mseq_array_get(records, 0))))
        status = mseq_error_no_memory(err);
    mseq_value_free(records);
    if (status == MSEQ_OK)
        *record = copy;
    return status;
}

mseq_status manager_find_user(const manager_call *call, const char *reference, mseq_value **user,
                              mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err,
                      "SELECT " MANAGER_USER_COLUMNS " FROM platform_user"
                      " WHERE organization_uid = ?1 AND (platform_user.uid = ?2 OR username = ?2)",
                      "ss", call->caller->organization_uid, reference);
    return status == MSEQ_OK ? only(records, "user", reference, user, err) : status;
}

mseq_status manager_find_team(const manager_call *call, const char *reference, mseq_value **team,
                              mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err,
                      "SELECT " MANAGER_TEAM_COLUMNS " FROM team"
                      " WHERE organization_uid = ?1 AND (team.uid = ?2 OR name = ?2)",
                      "ss", call->caller->organization_uid, reference);
    return status == MSEQ_OK ? only(records, "team", reference, team, err) : status;
}

static mseq_status find_id(const manager_call *call, const char *sql, const char *what, int64_t id,
                           mseq_value **record, mseq_error *err) {
    mseq_value *records = NULL;
    char *reference = mseq_text_format("%lld", (long long)id);
    mseq_status status = reference ? manager_query(call->catalog, &records, err, sql, "si",
                                                   call->caller->organization_uid, id)
                                   : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = only(records, what, reference, record, err);
    free(reference);
    return status;
}

mseq_status manager_find_user_id(const manager_call *call, int64_t id, mseq_value **user,
                                 mseq_error *err) {
    return find_id(call,
                   "SELECT " MANAGER_USER_COLUMNS " FROM platform_user"
                   " WHERE organization_uid = ?1 AND platform_user.id = ?2",
                   "user", id, user, err);
}

mseq_status manager_find_team_id(const manager_call *call, int64_t id, mseq_value **team,
                                 mseq_error *err) {
    return find_id(call,
                   "SELECT " MANAGER_TEAM_COLUMNS " FROM team"
                   " WHERE organization_uid = ?1 AND team.id = ?2",
                   "team", id, team, err);
}

/* ---- Showing -----------------------------------------------------------------------------------
 */

static mseq_value *copy_of(const mseq_value *record, const char *const *keys, size_t count) {
    manager_draft shown;
    manager_draft_object(&shown);
    for (size_t i = 0; i < count; i++)
        manager_put_copy(&shown, keys[i], mseq_object_get(record, keys[i]));
    return manager_draft_take(&shown);
}

mseq_value *manager_user_summary(const mseq_value *record) {
    static const char *const keys[] = {"id", "uid", "first_name", "last_name", "username", "email"};
    return copy_of(record, keys, sizeof keys / sizeof *keys);
}

mseq_value *manager_team_summary(const mseq_value *record) {
    static const char *const keys[] = {"id", "uid", "name", "description", "member_count"};
    return copy_of(record, keys, sizeof keys / sizeof *keys);
}

/* ---- Names -------------------------------------------------------------------------------------
 */

static bool name_character(uint32_t codepoint, bool spaces) {
    return mseq_unicode_is_alphanumeric(codepoint) ||
           (codepoint && codepoint < 128 && strchr("._-@+", (int)codepoint)) ||
           (spaces && codepoint == ' ');
}

static bool is_name(const char *text, bool spaces) {
    char uid[37];
    size_t length = strlen(text);
    if (length == 0 || length >= MANAGER_NAME_SIZE || mseq_uuid_normalize(text, uid))
        return false;
    for (size_t at = 0; at < length;) {
        uint32_t codepoint = 0;
        size_t size = mseq_utf8_next(text + at, length - at, &codepoint);
        if (size == 0 || !name_character(codepoint, spaces))
            return false;
        at += size;
    }
    return true;
}

mseq_status manager_check_name(const char *what, const char *given, bool spaces, char **name,
                               mseq_error *err) {
    char *trimmed = mseq_text_trim(given);
    if (!trimmed)
        return mseq_error_no_memory(err);
    if (!is_name(trimmed, spaces)) {
        manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "%s: '%.100s' is no name", what, given);
        mseq_error_hint(err,
                        "it takes letters, digits%s and . _ - @ +, at most %d bytes, and is no uid",
                        spaces ? ", spaces" : "", MANAGER_NAME_SIZE - 1);
        free(trimmed);
        return MSEQ_E_REQUEST;
    }
    *name = trimmed;
    return MSEQ_OK;
}
