/* SPDX-License-Identifier: MIT
 * Routes of what a user may give to programs: personal access tokens and runtime credentials. Their
 * secrets are shown once, when they are made. Everyone has their own; admins see and make those of
 * others. */
#include <stdlib.h>
#include <string.h>

#include "authentication.h"
#include "directory.h"
#include "routes.h"

enum { DAYS_DEFAULT = 90, DAYS_MAXIMUM = 3650, DAY_SECONDS = 24 * 3600 };

#define SELECT_TOKENS                                                                              \
    "SELECT * FROM (SELECT access_token.uid AS uid, 'personal' AS kind, name, username, user_uid," \
    " organization_uid, access_token.created_at AS created_at, expires_at FROM access_token"       \
    " JOIN platform_user ON platform_user.uid = access_token.user_uid WHERE access_token.kind = "  \
    "'personal'"                                                                                   \
    " UNION ALL SELECT runtime_credential.uid AS uid, 'runtime_credential' AS kind, name,"         \
    " username, user_uid, organization_uid, runtime_credential.created_at AS created_at,"          \
    " expires_at FROM runtime_credential"                                                          \
    " JOIN platform_user ON platform_user.uid = runtime_credential.user_uid) AS token"             \
    " WHERE organization_uid = ?1 AND (?2 = 1 OR user_uid = ?3)"

static mseq_value *token_object(const mseq_value *record) {
    static const char *const keys[] = {"uid",      "kind",       "name",      "username",
                                       "user_uid", "created_at", "expires_at"};
    manager_draft token;
    manager_draft_object(&token);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        manager_put_copy(&token, keys[i], mseq_object_get(record, keys[i]));
    return manager_draft_take(&token);
}

mseq_status manager_list_tokens(manager_call *call, mseq_error *err) {
    static const char *const filters[] = {NULL};
    mseq_value *records = NULL;
    mseq_status status = manager_check_keys(call->query, "the query", filters, err);
    if (status == MSEQ_OK)
        status = manager_query(
            call->catalog, &records, err, SELECT_TOKENS " ORDER BY created_at, uid", "sbs",
            call->caller->organization_uid, (int)call->caller->admin, call->caller->user_uid);
    return status == MSEQ_OK ? manager_answer_list(call, records, token_object, err) : status;
}

static mseq_status find_token(const manager_call *call, const char *uid, mseq_value **records,
                              mseq_error *err) {
    mseq_status status = manager_query(call->catalog, records, err, SELECT_TOKENS " AND uid = ?4",
                                       "sbss", call->caller->organization_uid,
                                       (int)call->caller->admin, call->caller->user_uid, uid);
    return status == MSEQ_OK && mseq_value_length(*records) == 0
               ? manager_refuse(err, MSEQ_E_NOT_FOUND, "not_found", "there is no token '%.100s'",
                                uid)
               : status;
}

/* ---- Making ------------------------------------------------------------------------------------
 */

static mseq_status issue_credential(manager_call *call, const char *user_uid, const char *name,
                                    int64_t seconds, manager_token *token, mseq_error *err) {
    char now[32], expires[32];
    mseq_status status = manager_token_opaque(token, err);
    manager_time_after(call, 0, now);
    manager_time_after(call, seconds, expires);
    return status == MSEQ_OK
               ? manager_query(call->catalog, NULL, err,
                               "INSERT INTO runtime_credential (uid, user_uid, name, digest,"
                               " created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                               "ssssss", token->uid, user_uid, name, token->digest, now,
                               seconds ? expires : NULL)
               : status;
}

/* The token as the list shows it, with its secret. */
static mseq_status answer_new(manager_call *call, const manager_token *token, bool credential,
                              mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = find_token(call, token->uid, &records, err);
    if (status == MSEQ_OK) {
        manager_draft reply = {token_object(mseq_array_get(records, 0)), false};
        reply.failed = reply.value == NULL;
        if (credential)
            manager_put_text(&reply, "credential_id", token->uid);
        manager_put_text(&reply, credential ? "credential_secret" : "access", token->text);
        status = manager_answer(call, 201, manager_draft_take(&reply), err);
    }
    mseq_value_free(records);
    return status;
}

/* The user whom a token is for: the caller, or for admins anyone. */
static mseq_status find_owner(const manager_call *call, const char *reference, char uid[37],
                              mseq_error *err) {
    mseq_value *user = NULL;
    mseq_status status =
        manager_find_user(call, reference ? reference : call->caller->user_uid, &user, err);
    const char *found = mseq_object_get_text(user, "uid");
    if (status == MSEQ_OK && strcmp(found, call->caller->user_uid) != 0)
        status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        memcpy(uid, found, strlen(found) + 1);
    mseq_value_free(user);
    return status;
}

mseq_status manager_create_token(manager_call *call, mseq_error *err) {
    static const char *const kinds[] = {"personal", "runtime_credential", NULL};
    static const mseq_field known[] = {
        {.name = "name", .flags = MSEQ_FIELD_REQUIRED},
        {.name = "user", .flags = MSEQ_FIELD_OMIT_NULL},
        {.name = "kind", .choices = kinds, .fallback = "personal"},
        {.name = "expires_in_days",
         .type = MSEQ_FIELD_INTEGER,
         .flags = MSEQ_FIELD_KEEP_NULL, /* null: never */
         .minimum = 1,
         .maximum = DAYS_MAXIMUM},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *fields = NULL;
    manager_token token = MANAGER_TOKEN_INIT;
    char *name = NULL, user[37] = "";
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &fields, err);
    if (status == MSEQ_OK)
        status = manager_check_name("name", mseq_object_get_text(fields, "name"), true, &name, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = find_owner(call, mseq_object_get_text(fields, "user"), user, err);
    bool credential =
        status == MSEQ_OK && strcmp(mseq_object_get_text(fields, "kind"), kinds[1]) == 0;
    const mseq_value *days = mseq_object_get(fields, "expires_in_days");
    int64_t seconds =
        DAY_SECONDS * (days ? mseq_value_get_integer(days, 0) : (int64_t)DAYS_DEFAULT);
    if (status == MSEQ_OK)
        status = credential ? issue_credential(call, user, name, seconds, &token, err)
                            : manager_issue_access(call, user, "personal", name, NULL, seconds,
                                                   &token, err);
    if (status == MSEQ_OK)
        status = answer_new(call, &token, credential, err);
    if (status == MSEQ_OK)
        status = manager_commit_unseen(call, err);
    manager_token_free(&token);
    mseq_value_free(fields);
    free(name);
    return status;
}

/* The tokens that a credential was exchanged for end with it. */
mseq_status manager_delete_token(manager_call *call, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = find_token(call, call->uid, &records, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err, "DELETE FROM access_token WHERE uid = ?1",
                               "s", call->uid);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "DELETE FROM runtime_credential WHERE uid = ?1", "s", call->uid);
    if (status == MSEQ_OK)
        status = manager_end_family(call, call->uid, err);
    if (status == MSEQ_OK)
        status = manager_answer(call, 200, token_object(mseq_array_get(records, 0)), err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(records);
    return status;
}
