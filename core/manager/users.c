/* SPDX-License-Identifier: MIT
 * Routes of users. Every member of the organization may look them up, as sharing needs their
 * numbers; admins change them, and everyone their own password. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "authentication.h"
#include "directory.h"
#include "routes.h"

enum { LOCAL_USER_ID = 1 }; /* whom in-process requests come from */

static mseq_value *user_object(const mseq_value *record) {
    manager_draft user = {manager_user_summary(record), false};
    user.failed = user.value == NULL;
    manager_put_boolean(&user, "is_organization_admin",
                        mseq_object_get_integer(record, "is_admin", 0) != 0);
    manager_put_boolean(&user, "is_disabled",
                        mseq_object_get_integer(record, "is_disabled", 0) != 0);
    manager_put_copy(&user, "created_at", mseq_object_get(record, "created_at"));
    return manager_draft_take(&user);
}

/* Answers with the user of that uid or name. */
static mseq_status answer(manager_call *call, int http_status, const char *reference,
                          mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status = manager_find_user(call, reference, &record, err);
    if (status == MSEQ_OK)
        status = manager_answer(call, http_status, user_object(record), err);
    mseq_value_free(record);
    return status;
}

mseq_status manager_list_users(manager_call *call, mseq_error *err) {
    static const char *const filters[] = {"username", NULL};
    mseq_value *records = NULL;
    mseq_status status = manager_check_keys(call->query, "the query", filters, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &records, err,
                               "SELECT " MANAGER_USER_COLUMNS " FROM platform_user"
                               " WHERE organization_uid = ?1 AND username = COALESCE(?2, username)"
                               " ORDER BY platform_user.created_at, platform_user.uid",
                               "ss", call->caller->organization_uid,
                               mseq_object_get_text(call->query, "username"));
    return status == MSEQ_OK ? manager_answer_list(call, records, user_object, err) : status;
}

mseq_status manager_get_user(manager_call *call, mseq_error *err) {
    return answer(call, 200, call->uid, err);
}

/* ---- Making and changing -----------------------------------------------------------------------
 */

static mseq_status check_password(const char *password, mseq_error *err) {
    size_t length = strlen(password);
    return length >= MANAGER_PASSWORD_MINIMUM && length <= MANAGER_PASSWORD_MAXIMUM
               ? MSEQ_OK
               : manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                "password: it takes %d to %d bytes", MANAGER_PASSWORD_MINIMUM,
                                MANAGER_PASSWORD_MAXIMUM);
}

/* `password` NULL: none, *hash stays NULL. Before the catalog is locked, as it takes its time. */
static mseq_status hash_password(const manager_call *call, const char *password, char **hash,
                                 mseq_error *err) {
    if (!password)
        return MSEQ_OK;
    mseq_status status = check_password(password, err);
    if (status == MSEQ_OK)
        status = manager_hash_begin(call->manager, err);
    if (status != MSEQ_OK)
        return status;
    status = manager_password_hash(password, &call->manager->password_cost, hash, err);
    manager_hash_end(call->manager);
    return status;
}

static mseq_status check_free(const manager_call *call, const char *username, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status =
        manager_query(call->catalog, &rows, err,
                      "SELECT uid FROM platform_user WHERE username = ?1", "s", username);
    if (status == MSEQ_OK && mseq_value_length(rows) > 0)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "username_conflict",
                                "username: there is a user '%s' already", username);
    mseq_value_free(rows);
    return status;
}

static mseq_status insert(manager_call *call, const mseq_value *fields, const char *username,
                          const char *hash, mseq_error *err) {
    char uid[MANAGER_UID_SIZE], now[32];
    mseq_status status = mseq_uuid_new(uid);
    manager_time_after(call, 0, now);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = check_free(call, username, err);
    if (status == MSEQ_OK)
        status = manager_query(
            call->catalog, NULL, err,
            "INSERT INTO platform_user (uid, id, organization_uid, username, first_name, last_name,"
            " email, is_admin, password_hash, created_at) VALUES (?1, (SELECT MAX(id) + 1 FROM"
            " platform_user), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            "ssssssbss", uid, call->caller->organization_uid, username,
            mseq_object_get_text(fields, "first_name"), mseq_object_get_text(fields, "last_name"),
            mseq_object_get_text(fields, "email"),
            (int)mseq_object_get_boolean(fields, "is_organization_admin", false), hash, now);
    const manager_access_change change = {.user_uid = uid, .can_wait = true};
    return status == MSEQ_OK ? manager_access_changed(call, &change, err) : status;
}

mseq_status manager_create_user(manager_call *call, mseq_error *err) {
    static const mseq_field known[] = {
        {.name = "username", .flags = MSEQ_FIELD_REQUIRED},
        {.name = "password", .flags = MSEQ_FIELD_OMIT_NULL},
        {.name = "first_name", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = ""},
        {.name = "last_name", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = ""},
        {.name = "email", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = ""},
        {.name = "is_organization_admin", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *fields = NULL;
    char *username = NULL, *hash = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &fields, err);
    if (status == MSEQ_OK)
        status = manager_check_name("username", mseq_object_get_text(fields, "username"), false,
                                    &username, err);
    if (status == MSEQ_OK)
        status = hash_password(call, mseq_object_get_text(fields, "password"), &hash, err);
    if (status == MSEQ_OK)
        status = insert(call, fields, username, hash, err);
    if (status == MSEQ_OK)
        status = answer(call, 201, username, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(fields);
    free(username);
    free(hash);
    return status;
}

/* In-process requests come from the user `local`: without it nobody could set things right. */
static mseq_status check_patch(const mseq_value *record, const mseq_value *patch, mseq_error *err) {
    bool loses = mseq_object_get_boolean(patch, "is_disabled", false) ||
                 !mseq_object_get_boolean(patch, "is_organization_admin", true);
    if (mseq_object_get_integer(record, "id", 0) != LOCAL_USER_ID || !loses)
        return MSEQ_OK;
    return manager_refuse(err, MSEQ_E_CONFLICT, "local_user",
                          "the user '%s' stands for whoever may read the catalog itself, and stays "
                          "an enabled admin",
                          mseq_object_get_text(record, "username"));
}

static mseq_status apply_patch(manager_call *call, const mseq_value *record,
                               const mseq_value *patch, mseq_error *err) {
    static const struct {
        const char *key, *sql;
    } columns[] = {
        {"first_name", "UPDATE platform_user SET first_name = ?2 WHERE uid = ?1"},
        {"last_name", "UPDATE platform_user SET last_name = ?2 WHERE uid = ?1"},
        {"email", "UPDATE platform_user SET email = ?2 WHERE uid = ?1"},
        {"is_organization_admin", "UPDATE platform_user SET is_admin = ?2 WHERE uid = ?1"},
        {"is_disabled", "UPDATE platform_user SET is_disabled = ?2 WHERE uid = ?1"},
    };
    const char *uid = mseq_object_get_text(record, "uid");
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && status == MSEQ_OK; i++) {
        const mseq_value *value = mseq_object_get(patch, columns[i].key);
        if (mseq_value_kind(value) == MSEQ_STRING)
            status = manager_query(call->catalog, NULL, err, columns[i].sql, "ss", uid,
                                   mseq_value_get_text(value));
        else if (value)
            status = manager_query(call->catalog, NULL, err, columns[i].sql, "sb", uid,
                                   (int)mseq_value_get_boolean(value, false));
    }
    if (status == MSEQ_OK && mseq_object_get_boolean(patch, "is_disabled", false))
        status = manager_end_sessions(call, uid, err);
    const manager_access_change change = {.user_uid = uid};
    return status == MSEQ_OK ? manager_access_changed(call, &change, err) : status;
}

mseq_status manager_patch_user(manager_call *call, mseq_error *err) {
    static const mseq_field known[] = {
        {.name = "first_name"},
        {.name = "last_name"},
        {.name = "email"},
        {.name = "is_organization_admin", .type = MSEQ_FIELD_BOOLEAN},
        {.name = "is_disabled", .type = MSEQ_FIELD_BOOLEAN},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *patch = NULL, *record = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &patch, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_find_user(call, call->uid, &record, err);
    if (status == MSEQ_OK)
        status = check_patch(record, patch, err);
    if (status == MSEQ_OK)
        status = apply_patch(call, record, patch, err);
    if (status == MSEQ_OK)
        status = answer(call, 200, mseq_object_get_text(record, "uid"), err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(patch);
    mseq_value_free(record);
    return status;
}

/* ---- Passwords ---------------------------------------------------------------------------------
 */

/* Who changes their own password shows that they know it; an admin need not, nor a user without
 * one who has another way in. */
static mseq_status check_current(const manager_call *call, const mseq_value *record,
                                 const char *password, mseq_error *err) {
    const char *uid = mseq_object_get_text(record, "uid");
    mseq_value *rows = NULL;
    bool equal = false;
    if (call->caller->admin)
        return MSEQ_OK;
    if (strcmp(uid, call->caller->user_uid) != 0)
        return manager_require_admin(call, err);
    mseq_status status =
        manager_query(call->catalog, &rows, err,
                      "SELECT password_hash FROM platform_user WHERE uid = ?1", "s", uid);
    const char *hash = mseq_object_get_text(mseq_array_get(rows, 0), "password_hash");
    if (status == MSEQ_OK && hash) {
        status = manager_hash_begin(call->manager, err);
        if (status == MSEQ_OK) {
            status = manager_password_verify(password ? password : "", hash,
                                             &call->manager->password_cost, &equal, err);
            manager_hash_end(call->manager);
        }
        if (status == MSEQ_OK && !equal)
            status = manager_refuse(err, MSEQ_E_PERMISSION, "bad_credentials",
                                    "current_password: it is not the password of '%s'",
                                    call->caller->username);
    }
    mseq_value_free(rows);
    return status;
}

static mseq_status store_password(manager_call *call, const char *uid, const char *hash,
                                  mseq_error *err) {
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "UPDATE platform_user SET password_hash = ?2 WHERE uid = ?1", "ss",
                               uid, hash);
    return status == MSEQ_OK ? manager_end_sessions(call, uid, err) : status;
}

mseq_status manager_set_password(manager_call *call, mseq_error *err) {
    static const mseq_field known[] = {
        {.name = "password", .flags = MSEQ_FIELD_REQUIRED},
        {.name = "current_password", .flags = MSEQ_FIELD_OMIT_NULL},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *fields = NULL, *record = NULL;
    char *hash = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &fields, err);
    if (status == MSEQ_OK)
        status = manager_find_user(call, call->uid, &record, err);
    if (status == MSEQ_OK)
        status = check_current(call, record, mseq_object_get_text(fields, "current_password"), err);
    if (status == MSEQ_OK)
        status = hash_password(call, mseq_object_get_text(fields, "password"), &hash, err);
    if (status == MSEQ_OK)
        status = store_password(call, mseq_object_get_text(record, "uid"), hash, err);
    if (status == MSEQ_OK)
        status = answer(call, 200, mseq_object_get_text(record, "uid"), err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(fields);
    mseq_value_free(record);
    free(hash);
    return status;
}
