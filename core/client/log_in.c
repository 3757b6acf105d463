/* SPDX-License-Identifier: MIT
 * Logging in with a password, and logging out. */
#include <string.h>

#include "client_private.h"

#define OBTAIN "/auth/jwt-token/token/"
#define REVOKE "/auth/cli/revoke/"
#define LOG_OUT "/auth/jwt-token/logout/"

/* A POST of {key: value, …} without the client's credentials. */
static mseq_status post_texts(mseq_client *client, const char *path, const char *const *texts,
                              bool repeat, int *http_status, mseq_value **reply, mseq_error *err) {
    mseq_value *body = mseq_value_object();
    bool whole = body != NULL;
    for (size_t i = 0; whole && texts[i]; i += 2)
        whole = mseq_object_put_text(body, texts[i], texts[i + 1]) == MSEQ_OK;
    mseq_status status = MSEQ_OK;
    if (whole) {
        mseq_request request = client_request(client, "POST", path);
        request.body = body;
        status = client_send_plain(client, &request, repeat, http_status, reply, err);
    } else {
        status = mseq_error_no_memory(err);
    }
    mseq_value_free(body);
    return status;
}

static mseq_status take_tokens(mseq_client *client, const char *username, const mseq_value *reply,
                               mseq_error *err) {
    const char *access = mseq_object_get_text(reply, "access");
    const char *refresh = mseq_object_get_text(reply, "refresh");
    if (!access || !*access)
        return mseq_error_set(err, MSEQ_E_TRANSPORT,
                              "%s gave no access token, is this a TS Manager?",
                              mseq_client_endpoint(client));
    mseq_status status = credentials_log_in(client, access, refresh, err);
    if (status == MSEQ_OK)
        status = mseq_login_save(client->credentials.login_folder, mseq_client_endpoint(client),
                                 username, access, refresh, err);
    return status;
}

mseq_status mseq_client_log_in(mseq_client *client, const char *username, const char *password,
                               mseq_error *err) {
    const char *const texts[] = {"username", username, "password", password, NULL};
    mseq_value *reply = NULL;
    mseq_status status = post_texts(client, OBTAIN, texts, true, NULL, &reply, err);
    if (status != MSEQ_OK)
        return status;
    status = take_tokens(client, username, reply, err);
    mseq_value_free(reply);
    return status;
}

/* Servers without the one route have the other; what neither knows cannot be revoked. */
static mseq_status revoke(mseq_client *client, bool *revoked, mseq_error *err) {
    const char *refresh = client->credentials.refresh;
    if (!refresh)
        return MSEQ_OK;
    const char *const texts[] = {"refresh", refresh, NULL};
    mseq_error reason = MSEQ_ERROR_INIT;
    int http_status = 0;
    mseq_status status = post_texts(client, REVOKE, texts, false, &http_status, NULL, &reason);
    if (status == MSEQ_E_NOT_FOUND) {
        mseq_error_clear(&reason);
        mseq_value *body = mseq_value_object();
        status = mseq_object_put_text(body, "refresh", refresh);
        if (status == MSEQ_OK)
            status = mseq_client_call(client, "POST", LOG_OUT, NULL, body, NULL, &reason);
        else
            mseq_error_no_memory(&reason);
        mseq_value_free(body);
    }
    *revoked = status == MSEQ_OK;
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = reason;
    return status;
}

mseq_status mseq_client_log_out(mseq_client *client, bool *revoked, mseq_error *err) {
    bool done = false;
    client_credentials *credentials = &client->credentials;
    mseq_status status = revoke(client, &done, err);
    mseq_error later = MSEQ_ERROR_INIT;
    mseq_status removal = credentials->login ? mseq_login_remove(credentials->login_folder,
                                                                 credentials->login, NULL, &later)
                                             : MSEQ_OK;
    credentials_forget(credentials);
    if (revoked)
        *revoked = done;
    if (status == MSEQ_OK && removal != MSEQ_OK) {
        if (err && err->status == MSEQ_OK)
            *err = later;
        status = removal;
    }
    return status;
}
