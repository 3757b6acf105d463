/* SPDX-License-Identifier: MIT
 * Tokens for a password, a refresh token or a runtime credential, and their end.
 *
 * A login starts a family: its refresh tokens, each good for one use, and the access tokens that
 * came with them. A refresh token that is used again was stolen, or its thief was first: the whole
 * family ends (OAuth 2.0 Security Best Current Practice, RFC 9700, section 4.14). */
#include <stdio.h>
#include <string.h>

#include "authentication.h"
#include "routes.h"

/* ---- What is kept ------------------------------------------------------------------------------
 */

void manager_time_after(const manager_call *call, int64_t seconds, char text[32]) {
    mseq_time_format(call->manager->clock() + seconds * 1000000, false, text);
}

mseq_status manager_issue_access(manager_call *call, const char *user_uid, const char *kind,
                                 const char *name, const char *family_uid, int64_t seconds,
                                 manager_token *token, mseq_error *err) {
    int64_t now = call->manager->clock() / 1000000;
    char created[32], expires[32];
    mseq_status status =
        manager_token_access(user_uid, now, seconds ? now + seconds : 0, token, err);
    if (status != MSEQ_OK)
        return status;
    mseq_time_format(now * 1000000, false, created);
    mseq_time_format((now + seconds) * 1000000, false, expires);
    return manager_query(call->catalog, NULL, err,
                         "INSERT INTO access_token (uid, user_uid, kind, name, digest, family_uid,"
                         " created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         "ssssssss", token->uid, user_uid, kind, name, token->digest, family_uid,
                         created, seconds ? expires : NULL);
}

static mseq_status issue_refresh(manager_call *call, const char *user_uid, const char *family_uid,
                                 manager_token *token, mseq_error *err) {
    char created[32], expires[32];
    mseq_status status = manager_token_opaque(token, err);
    if (status != MSEQ_OK)
        return status;
    manager_time_after(call, 0, created);
    manager_time_after(call, MANAGER_REFRESH_SECONDS, expires);
    return manager_query(call->catalog, NULL, err,
                         "INSERT INTO refresh_token (uid, family_uid, user_uid, digest, is_used,"
                         " created_at, expires_at) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)",
                         "ssssss", token->uid, family_uid, user_uid, token->digest, created,
                         expires);
}

mseq_status manager_end_family(const manager_call *call, const char *family_uid, mseq_error *err) {
    mseq_status status =
        manager_query(call->catalog, NULL, err, "DELETE FROM refresh_token WHERE family_uid = ?1",
                      "s", family_uid);
    return status == MSEQ_OK
               ? manager_query(call->catalog, NULL, err,
                               "DELETE FROM access_token WHERE family_uid = ?1", "s", family_uid)
               : status;
}

mseq_status manager_end_sessions(const manager_call *call, const char *user_uid, mseq_error *err) {
    mseq_status status = manager_query(
        call->catalog, NULL, err, "DELETE FROM refresh_token WHERE user_uid = ?1", "s", user_uid);
    return status == MSEQ_OK
               ? manager_query(call->catalog, NULL, err,
                               "DELETE FROM access_token WHERE user_uid = ?1 AND kind = 'session'",
                               "s", user_uid)
               : status;
}

/* What has expired is of no use but to tell a late reuse, which is refused either way. */
static mseq_status forget_expired(const manager_call *call, const char *user_uid, mseq_error *err) {
    char now[32];
    manager_time_after(call, 0, now);
    mseq_status status = manager_query(
        call->catalog, NULL, err,
        "DELETE FROM refresh_token WHERE user_uid = ?1 AND expires_at < ?2", "ss", user_uid, now);
    return status == MSEQ_OK
               ? manager_query(call->catalog, NULL, err,
                               "DELETE FROM access_token WHERE user_uid = ?1 AND expires_at < ?2"
                               " AND kind <> 'personal'",
                               "ss", user_uid, now)
               : status;
}

/* An access and a refresh token of a family, and the reply with them. Commits, last of all: whoever
 * gets no reply has not used anything up. */
mseq_status manager_give_session(manager_call *call, const char *user_uid, const char *family_uid,
                                 mseq_error *err) {
    manager_token access = MANAGER_TOKEN_INIT, refresh = MANAGER_TOKEN_INIT;
    mseq_status status = forget_expired(call, user_uid, err);
    if (status == MSEQ_OK)
        status = manager_issue_access(call, user_uid, "session", NULL, family_uid,
                                      MANAGER_ACCESS_SECONDS, &access, err);
    if (status == MSEQ_OK)
        status = issue_refresh(call, user_uid, family_uid, &refresh, err);
    if (status == MSEQ_OK) {
        manager_draft reply;
        manager_draft_object(&reply);
        manager_put_text(&reply, "access", access.text);
        manager_put_text(&reply, "refresh", refresh.text);
        status = manager_answer(call, 200, manager_draft_take(&reply), err);
    }
    if (status == MSEQ_OK)
        status = manager_commit_unseen(call, err);
    manager_token_free(&access);
    manager_token_free(&refresh);
    return status;
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

/* The body's texts of these names, both required; other keys are refused. */
static mseq_status read_body(const manager_call *call, const char *const names[2],
                             mseq_value **fields, mseq_error *err) {
    mseq_field known[3] = {{.name = NULL}, {.name = NULL}, {.name = NULL}};
    const mseq_value *body = NULL;
    for (size_t i = 0; i < 2 && names[i]; i++)
        known[i] = (mseq_field){.name = names[i],
                                .type = MSEQ_FIELD_TEXT,
                                .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY};
    mseq_status status = manager_object_body(call, false, &body, err);
    return status == MSEQ_OK ? mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, fields, err)
                             : status;
}

static mseq_status refuse_refresh(mseq_error *err) {
    manager_refuse(err, MSEQ_E_AUTHENTICATION, "invalid_refresh_token",
                   "the refresh token is unknown here, used, revoked or expired");
    mseq_error_hint(err, "log in again");
    return MSEQ_E_AUTHENTICATION;
}

/* ---- By password -------------------------------------------------------------------------------
 */

mseq_status manager_hash_begin(mseq_manager *manager, mseq_error *err) {
    pthread_mutex_lock(&manager->lock);
    bool free_place = manager->hashes < MANAGER_HASHES_MAXIMUM;
    manager->hashes += free_place;
    pthread_mutex_unlock(&manager->lock);
    return free_place ? MSEQ_OK
                      : manager_refuse(err, MSEQ_E_RATE_LIMIT, "too_many_logins",
                                       "too many passwords are being checked: try again");
}

void manager_hash_end(mseq_manager *manager) {
    pthread_mutex_lock(&manager->lock);
    manager->hashes--;
    pthread_mutex_unlock(&manager->lock);
}

/* Says nothing about which of both is wrong, neither in words nor in time. */
static mseq_status check_password(manager_call *call, const mseq_value *record,
                                  const char *password, mseq_error *err) {
    bool equal = false;
    mseq_status status = manager_hash_begin(call->manager, err);
    if (status != MSEQ_OK)
        return status;
    status = manager_password_verify(password, mseq_object_get_text(record, "password_hash"),
                                     &call->manager->password_cost, &equal, err);
    manager_hash_end(call->manager);
    if (status == MSEQ_OK && !equal)
        status = manager_refuse(err, MSEQ_E_AUTHENTICATION, "bad_credentials",
                                "the username or the password is wrong");
    return status;
}

mseq_status manager_check_login(manager_call *call, const char *username, const char *password,
                                char user_uid[MANAGER_UID_SIZE], mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = MSEQ_OK;
    if (strlen(password) > MANAGER_PASSWORD_MAXIMUM)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "password: more than %d bytes",
                              MANAGER_PASSWORD_MAXIMUM);
    status = manager_query(call->catalog, &records, err,
                           "SELECT uid, password_hash FROM platform_user"
                           " WHERE username = ?1 AND is_disabled = 0",
                           "s", username);
    const mseq_value *record = mseq_array_get(records, 0);
    if (status == MSEQ_OK)
        status = check_password(call, record, password, err);
    if (status == MSEQ_OK)
        snprintf(user_uid, MANAGER_UID_SIZE, "%s", mseq_object_get_text(record, "uid"));
    mseq_value_free(records);
    return status;
}

mseq_status manager_login(manager_call *call, mseq_error *err) {
    static const char *const names[] = {"username", "password"};
    mseq_value *fields = NULL;
    char family[MANAGER_UID_SIZE], user[MANAGER_UID_SIZE] = "";
    mseq_status status = read_body(call, names, &fields, err);
    if (status == MSEQ_OK)
        status = manager_check_login(call, mseq_object_get_text(fields, "username"),
                                     mseq_object_get_text(fields, "password"), user, err);
    if (status == MSEQ_OK)
        status = mseq_uuid_new(family);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_give_session(call, user, family, err);
    mseq_value_free(fields);
    return status;
}

/* ---- By refresh token --------------------------------------------------------------------------
 */

/* The record of the refresh token in the body, under the call's write transaction. `records` is
 * owned by the caller and empty when there is none. */
static mseq_status find_refresh(manager_call *call, mseq_value **records, mseq_error *err) {
    static const char *const names[] = {"refresh", NULL};
    mseq_value *fields = NULL;
    manager_token token = MANAGER_TOKEN_INIT;
    mseq_status status = read_body(call, names, &fields, err);
    bool ours =
        status == MSEQ_OK && manager_token_read(mseq_object_get_text(fields, "refresh"), &token);
    mseq_value_free(fields);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_query(
            call->catalog, records, err,
            "SELECT refresh_token.uid AS uid, family_uid, user_uid, digest, is_used, expires_at,"
            " is_disabled FROM refresh_token JOIN platform_user"
            " ON platform_user.uid = refresh_token.user_uid WHERE refresh_token.uid = ?1",
            "s", ours ? token.uid : NULL);
    const char *digest = mseq_object_get_text(mseq_array_get(*records, 0), "digest");
    if (status == MSEQ_OK && digest && !manager_token_matches(&token, digest)) {
        mseq_value_free(*records);
        *records = mseq_value_array();
        status = *records ? MSEQ_OK : mseq_error_no_memory(err);
    }
    return status;
}

static mseq_status rotate(manager_call *call, const mseq_value *record, mseq_error *err) {
    char now[32];
    const char *expires = mseq_object_get_text(record, "expires_at");
    const char *family = mseq_object_get_text(record, "family_uid");
    manager_time_after(call, 0, now);
    if (mseq_object_get_integer(record, "is_used", 1) ||
        mseq_object_get_integer(record, "is_disabled", 1)) {
        mseq_status status = manager_end_family(call, family, err);
        if (status == MSEQ_OK)
            status = manager_commit(call, err);
        return status == MSEQ_OK ? refuse_refresh(err) : status;
    }
    if (strcmp(expires, now) <= 0)
        return refuse_refresh(err);
    mseq_status status = manager_query(call->catalog, NULL, err,
                                       "UPDATE refresh_token SET is_used = 1 WHERE uid = ?1", "s",
                                       mseq_object_get_text(record, "uid"));
    return status == MSEQ_OK
               ? manager_give_session(call, mseq_object_get_text(record, "user_uid"), family, err)
               : status;
}

mseq_status manager_refresh(manager_call *call, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = find_refresh(call, &records, err);
    if (status == MSEQ_OK)
        status = mseq_value_length(records) > 0 ? rotate(call, mseq_array_get(records, 0), err)
                                                : refuse_refresh(err);
    mseq_value_free(records);
    return status;
}

/* Ends the family of the refresh token in the body, if it is one (of that user). As RFC 7009
 * section 2.2 has it, one that is no longer known is revoked already. */
static mseq_status end_session(manager_call *call, const char *user_uid, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = find_refresh(call, &records, err);
    const mseq_value *record = mseq_array_get(records, 0);
    if (status == MSEQ_OK && record &&
        (!user_uid || strcmp(user_uid, mseq_object_get_text(record, "user_uid")) == 0))
        status = manager_end_family(call, mseq_object_get_text(record, "family_uid"), err);
    if (status == MSEQ_OK) {
        manager_draft reply;
        manager_draft_object(&reply);
        manager_put_boolean(&reply, "ok", true);
        status = manager_answer(call, 200, manager_draft_take(&reply), err);
    }
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(records);
    return status;
}

mseq_status manager_revoke(manager_call *call, mseq_error *err) {
    return end_session(call, NULL, err);
}

mseq_status manager_logout(manager_call *call, mseq_error *err) {
    return end_session(call, call->caller->user_uid, err);
}

/* ---- By runtime credential ---------------------------------------------------------------------
 */

static mseq_status refuse_credential(mseq_error *err) {
    return manager_refuse(err, MSEQ_E_AUTHENTICATION, "bad_credentials",
                          "the runtime credential is unknown here, revoked or expired, or its "
                          "secret is wrong");
}

/* The secret is long and random: a plain digest is as good as a derivation, and quick. */
static mseq_status check_credential(const manager_call *call, const mseq_value *record,
                                    const char *secret, mseq_error *err) {
    manager_token token = MANAGER_TOKEN_INIT;
    char now[32];
    const char *expires = mseq_object_get_text(record, "expires_at");
    const char *digest = mseq_object_get_text(record, "digest");
    manager_time_after(call, 0, now);
    if (!digest || !manager_token_read(secret, &token) || !manager_token_matches(&token, digest) ||
        mseq_object_get_integer(record, "is_disabled", 1) || (expires && strcmp(expires, now) <= 0))
        return refuse_credential(err);
    return MSEQ_OK;
}

mseq_status manager_exchange_credential(manager_call *call, mseq_error *err) {
    static const char *const names[] = {"credential_id", "credential_secret"};
    mseq_value *fields = NULL, *records = NULL;
    manager_token access = MANAGER_TOKEN_INIT;
    mseq_status status = read_body(call, names, &fields, err);
    const char *credential = mseq_object_get_text(fields, "credential_id");
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &records, err,
                               "SELECT user_uid, digest, expires_at, is_disabled"
                               " FROM runtime_credential JOIN platform_user"
                               " ON platform_user.uid = runtime_credential.user_uid"
                               " WHERE runtime_credential.uid = ?1",
                               "s", credential);
    const mseq_value *record = mseq_array_get(records, 0);
    const char *user = mseq_object_get_text(record, "user_uid");
    if (status == MSEQ_OK)
        status =
            check_credential(call, record, mseq_object_get_text(fields, "credential_secret"), err);
    if (status == MSEQ_OK)
        status = forget_expired(call, user, err);
    if (status == MSEQ_OK)
        status = manager_issue_access(call, user, "runtime", NULL, credential,
                                      MANAGER_ACCESS_SECONDS, &access, err);
    if (status == MSEQ_OK) {
        manager_draft reply;
        manager_draft_object(&reply);
        manager_put_text(&reply, "access", access.text);
        manager_put_text(&reply, "token_type", "Bearer");
        manager_put_integer(&reply, "expires_in", MANAGER_ACCESS_SECONDS);
        status = manager_answer(call, 200, manager_draft_take(&reply), err);
    }
    if (status == MSEQ_OK)
        status = manager_commit_unseen(call, err);
    manager_token_free(&access);
    mseq_value_free(fields);
    mseq_value_free(records);
    return status;
}
