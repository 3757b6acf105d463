/* SPDX-License-Identifier: MIT
 * Who a request is from: the user of its access token. */
#include <string.h>
#include <strings.h>

#include "authentication.h"

static mseq_status refuse(mseq_error *err, const char *code, const char *text) {
    manager_refuse(err, MSEQ_E_AUTHENTICATION, code, "%s", text);
    mseq_error_hint(err, "log in again");
    return MSEQ_E_AUTHENTICATION;
}

/* The token after the scheme; NULL when the scheme is another. */
static const char *bearer(const char *authorization) {
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *token = authorization + sizeof scheme - 1;
    return token + strspn(token, " ");
}

/* As much of the text as there is room for. */
static void copy_text(char *to, size_t size, const char *text) {
    size_t length = strnlen(text, size - 1);
    memcpy(to, text, length);
    to[length] = '\0';
}

mseq_status manager_caller_from_record(const mseq_value *record, manager_caller *caller,
                                       mseq_error *err) {
    const char *uid = mseq_object_get_text(record, "uid");
    const char *organization = mseq_object_get_text(record, "organization_uid");
    const char *username = mseq_object_get_text(record, "username");
    if (!uid || !organization || !username)
        return mseq_error_set(err, MSEQ_E_DATABASE, "the catalog: a user cannot be read");
    copy_text(caller->user_uid, sizeof caller->user_uid, uid);
    copy_text(caller->organization_uid, sizeof caller->organization_uid, organization);
    copy_text(caller->username, sizeof caller->username, username);
    caller->admin = mseq_object_get_integer(record, "is_admin", 0) != 0;
    return MSEQ_OK;
}

/* Whoever holds the token may know why it counts no more; nobody else learns that it ever did. */
static mseq_status check(const manager_call *call, const manager_token *token,
                         const mseq_value *record, mseq_error *err) {
    char now[32];
    const char *digest = mseq_object_get_text(record, "digest");
    const char *expires = mseq_object_get_text(record, "expires_at");
    manager_time_after(call, 0, now);
    if (!digest || !manager_token_matches(token, digest))
        return refuse(err, "invalid_token",
                      "the access token is none of this TS Manager, or it was revoked");
    if (expires && strcmp(expires, now) <= 0)
        return refuse(err, "token_expired", "the access token has expired");
    if (mseq_object_get_integer(record, "is_disabled", 1))
        return refuse(err, "user_disabled", "the user of the access token is disabled");
    return MSEQ_OK;
}

mseq_status manager_authenticate(manager_call *call, manager_caller *caller, mseq_error *err) {
    const char *authorization = call->request->authorization;
    manager_token token = MANAGER_TOKEN_INIT;
    mseq_value *records = NULL;
    if (!authorization || !*authorization)
        return refuse(err, "not_authenticated", "the request carries no access token");
    const char *text = bearer(authorization);
    if (!text || !manager_token_read(text, &token))
        return refuse(err, "invalid_token",
                      text ? "the access token is none of this TS Manager, or it was revoked"
                           : "the Authorization header must be \"Bearer\" and an access token");
    mseq_status status = manager_query_known(
        call, &records, err,
        "SELECT digest, expires_at, platform_user.uid AS uid, organization_uid, username, is_admin,"
        " is_disabled FROM access_token JOIN platform_user"
        " ON platform_user.uid = access_token.user_uid WHERE access_token.uid = ?1",
        "s", token.uid);
    const mseq_value *record = mseq_array_get(records, 0);
    if (status == MSEQ_OK)
        status = check(call, &token, record, err);
    if (status == MSEQ_OK)
        status = manager_caller_from_record(record, caller, err);
    mseq_value_free(records);
    return status;
}
