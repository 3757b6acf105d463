/* SPDX-License-Identifier: MIT
 * What a client shows the TS Manager: the three modes of protocol section 1.2, early renewal, and
 * renewal after a 401. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client_private.h"

#define REFRESH "/auth/jwt-token/token/refresh/"
#define EXCHANGE "/orm/api/pods/runtime-credentials/token/"

/* Seconds before its end at which a token counts as ended. */
#define JWT_MARGIN 60
#define RUNTIME_MARGIN 30

/* ---- Tokens
 * -----------------------------------------------------------------------------------------------
 */

static void forget_text(char **text) {
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

/* A copy without white space around it; NULL for none and blank. */
static bool keep_text(char **slot, const char *text) {
    char *trimmed = text ? mseq_text_trim(text) : NULL;
    bool good = !text || trimmed;
    if (trimmed && !*trimmed) {
        free(trimmed);
        trimmed = NULL;
    }
    *slot = trimmed;
    return good;
}

static mseq_status payload_of(const char *token, mseq_value **payload) {
    const char *begin = strchr(token, '.'), *end = begin ? strchr(begin + 1, '.') : NULL;
    if (!end || strchr(end + 1, '.'))
        return MSEQ_E_REQUEST;
    mseq_buffer base64 = MSEQ_BUFFER_INIT, text = MSEQ_BUFFER_INIT;
    for (const char *c = begin + 1; c < end; c++)
        mseq_buffer_append_char(&base64, *c == '-' ? '+' : *c == '_' ? '/' : *c);
    while (base64.length % 4 != 0 && base64.status == MSEQ_OK)
        mseq_buffer_append_char(&base64, '=');
    mseq_status status = base64.status;
    if (status == MSEQ_OK)
        status = mseq_base64_decode(mseq_buffer_text(&base64), base64.length, &text, NULL);
    if (status == MSEQ_OK)
        status = mseq_json_parse(mseq_buffer_text(&text), text.length, 0, payload, NULL);
    mseq_buffer_free(&base64);
    mseq_buffer_free(&text);
    return status;
}

/* The time a JSON Web Token ends (seconds since 1970; RFC 7519, signature not checked: the server
 * does); false when the text is none or does not say. */
static bool token_end(const char *token, double *end) {
    mseq_value *payload = NULL;
    if (payload_of(token, &payload) != MSEQ_OK)
        return false;
    const mseq_value *exp = mseq_object_get(payload, "exp");
    mseq_kind kind = mseq_value_kind(exp);
    if (kind == MSEQ_INTEGER || kind == MSEQ_FLOAT)
        *end = mseq_value_get_float(exp, 0);
    mseq_value_free(payload);
    return kind == MSEQ_INTEGER || kind == MSEQ_FLOAT;
}

static bool ends_soon(const client_credentials *credentials, double now, double margin) {
    double end = credentials->deadline;
    if (end == 0 && !token_end(credentials->access, &end))
        return false;
    return end <= now + margin;
}

static double now_seconds(const mseq_client *client) {
    return (double)client->clock->now(client->clock->data) / 1e6;
}

/* ---- Settings
 * --------------------------------------------------------------------------------------------- */

mseq_status credentials_init(client_credentials *credentials, const mseq_client_options *options,
                             mseq_error *err) {
    credentials->mode = options->authentication;
    credentials->required = options->authentication_required;
    bool good = keep_text(&credentials->access, options->access_token) &&
                keep_text(&credentials->refresh, options->refresh_token) &&
                keep_text(&credentials->id, options->runtime_credential_id) &&
                keep_text(&credentials->secret, options->runtime_credential_secret) &&
                keep_text(&credentials->login, options->login) &&
                keep_text(&credentials->login_folder, options->login_folder);
    return good ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Replaces the tokens; a NULL refresh token leaves the old one. The header follows. */
static mseq_status set_tokens(client_credentials *credentials, const char *access,
                              const char *refresh, const char *scheme, mseq_error *err) {
    char *new_access = mseq_text_dup(access), *new_refresh = mseq_text_dup(refresh);
    char *new_scheme = mseq_text_dup(scheme);
    if (!new_access || (refresh && !new_refresh) || (scheme && !new_scheme)) {
        forget_text(&new_access);
        forget_text(&new_refresh);
        free(new_scheme);
        return mseq_error_no_memory(err);
    }
    forget_text(&credentials->access);
    credentials->access = new_access;
    credentials->deadline = 0;
    if (new_refresh) {
        forget_text(&credentials->refresh);
        credentials->refresh = new_refresh;
    }
    if (new_scheme) {
        free(credentials->scheme);
        credentials->scheme = new_scheme;
    }
    forget_text(&credentials->authorization);
    return MSEQ_OK;
}

mseq_status credentials_log_in(mseq_client *client, const char *access, const char *refresh,
                               mseq_error *err) {
    client_credentials *credentials = &client->credentials;
    char *login = mseq_text_dup(mseq_client_endpoint(client));
    if (!login)
        return mseq_error_no_memory(err);
    mseq_status status = set_tokens(credentials, access, refresh, "Bearer", err);
    if (status != MSEQ_OK) {
        free(login);
        return status;
    }
    if (!refresh)
        forget_text(&credentials->refresh);
    free(credentials->login);
    credentials->login = login;
    credentials->mode = MSEQ_AUTHENTICATION_JWT;
    return MSEQ_OK;
}

void credentials_forget(client_credentials *credentials) {
    forget_text(&credentials->access);
    forget_text(&credentials->refresh);
    forget_text(&credentials->authorization);
    forget_text(&credentials->sent);
    credentials->deadline = 0;
}

void credentials_free(client_credentials *credentials) {
    credentials_forget(credentials);
    forget_text(&credentials->secret);
    free(credentials->id);
    free(credentials->scheme);
    free(credentials->login);
    free(credentials->login_folder);
    *credentials = (client_credentials){.mode = MSEQ_AUTHENTICATION_JWT};
}

/* ---- Refusals
 * --------------------------------------------------------------------------------------------- */

static mseq_status refuse(mseq_error *err, const char *message, const char *hint) {
    mseq_error_set(err, MSEQ_E_AUTHENTICATION, "401 %s", message);
    mseq_error_hint(err, "%s", hint);
    if (err && err->http_status == 0)
        err->http_status = 401;
    return MSEQ_E_AUTHENTICATION;
}

static const char LOG_IN_AGAIN[] = "log in again with mainsequence login";

static mseq_status no_credentials(const mseq_client *client, mseq_error *err) {
    char *message = mseq_text_format("nobody is logged in to %s", mseq_client_endpoint(client));
    if (!message)
        return mseq_error_no_memory(err);
    refuse(err, message, "log in with mainsequence login, or set MAINSEQUENCE_ACCESS_TOKEN");
    free(message);
    return MSEQ_E_AUTHENTICATION;
}

/* The failure of a renewal as an authentication error, so that callers see what it means; that it
 * could not be asked (network, cancellation) stays what it is. */
static mseq_status renewal_failed(const char *what, int http_status, const mseq_error *reason,
                                  const char *hint, mseq_error *err) {
    if (http_status == 0) {
        if (err && err->status == MSEQ_OK)
            *err = *reason;
        return reason->status;
    }
    mseq_error_set(err, MSEQ_E_AUTHENTICATION, "401 %s failed with status %d", what, http_status);
    if (reason->message[0])
        mseq_error_detail(err, "%s", reason->message);
    mseq_error_hint(err, "%s", hint);
    if (err && err->http_status == 0)
        err->http_status = 401;
    return MSEQ_E_AUTHENTICATION;
}

/* ---- JWT: refresh
 * ----------------------------------------------------------------------------------------- */

/* Sends a renewal's request, without looking at credentials. */
static mseq_status ask(mseq_client *client, const char *path, const char *authorization,
                       bool repeat, mseq_value *body, int *http_status, mseq_value **reply,
                       mseq_error *err) {
    mseq_request request = client_request(client, "POST", path);
    request.authorization = authorization;
    request.body = body;
    *http_status = 0;
    mseq_status status = client_send_plain(client, &request, repeat, http_status, reply, err);
    mseq_value_free(body);
    return status;
}

/* The refresh carries the header of the request before it, as the reference client's does. */
static mseq_status ask_refresh(mseq_client *client, mseq_value **reply, mseq_error *err) {
    static const char what[] = "JWT refresh";
    client_credentials *credentials = &client->credentials;
    mseq_value *body = mseq_value_object();
    if (mseq_object_put_text(body, "refresh", credentials->refresh) != MSEQ_OK) {
        mseq_value_free(body);
        return mseq_error_no_memory(err);
    }
    mseq_error reason = MSEQ_ERROR_INIT;
    int http_status = 0;
    mseq_value *answer = NULL;
    mseq_status status =
        ask(client, REFRESH, credentials->sent, true, body, &http_status, &answer, &reason);
    if (status == MSEQ_OK && http_status == 200) {
        *reply = answer;
        return MSEQ_OK;
    }
    mseq_value_free(answer);
    return renewal_failed(what, http_status, &reason, LOG_IN_AGAIN, err);
}

static mseq_status refresh_tokens(mseq_client *client, mseq_error *err) {
    mseq_value *reply = NULL;
    mseq_status status = ask_refresh(client, &reply, err);
    if (status != MSEQ_OK)
        return status;
    const char *access = mseq_object_get_text(reply, "access");
    const char *refresh = mseq_object_get_text(reply, "refresh");
    if (!access || !*access)
        status = refuse(err, "the JWT refresh's reply has no access token", LOG_IN_AGAIN);
    else
        status = set_tokens(&client->credentials, access, refresh && *refresh ? refresh : NULL,
                            NULL, err);
    mseq_value_free(reply);
    return status;
}

/* ---- JWT of a stored login: one process refreshes, the others take what it stored */

static bool differs(const char *text, const char *other) {
    return text && *text && (!other || strcmp(text, other) != 0);
}

/* Takes newer tokens from the store; *fresh tells whether the access token can be used as it is. */
static mseq_status take_stored(mseq_client *client, const mseq_value *login, bool *fresh,
                               mseq_error *err) {
    client_credentials *credentials = &client->credentials;
    const char *access = mseq_object_get_text(login, "access");
    const char *refresh = mseq_object_get_text(login, "refresh");
    *fresh = false;
    if (!differs(access, credentials->access) && !differs(refresh, credentials->refresh))
        return MSEQ_OK;
    bool newer = differs(access, credentials->access);
    mseq_status status = set_tokens(credentials, access && *access ? access : credentials->access,
                                    refresh && *refresh ? refresh : NULL, NULL, err);
    if (status == MSEQ_OK)
        *fresh = newer && !ends_soon(credentials, now_seconds(client), JWT_MARGIN);
    return status;
}

static mseq_status refresh_locked(mseq_client *client, mseq_error *err) {
    client_credentials *credentials = &client->credentials;
    mseq_value *logins = NULL;
    mseq_status status = mseq_logins_read(credentials->login_folder, &logins, err);
    if (status != MSEQ_OK)
        return status;
    const mseq_value *login = mseq_object_get(logins, credentials->login);
    bool fresh = false;
    if (!login)
        status = refuse(err, "the login was ended by mainsequence logout", LOG_IN_AGAIN);
    else
        status = take_stored(client, login, &fresh, err);
    if (status == MSEQ_OK && !fresh) {
        status = refresh_tokens(client, err);
        if (status == MSEQ_OK)
            status = login_save_locked(credentials->login_folder, credentials->login,
                                       mseq_object_get_text(login, "username"), credentials->access,
                                       credentials->refresh, err);
    }
    mseq_value_free(logins);
    return status;
}

static mseq_status refresh_stored(mseq_client *client, mseq_error *err) {
    int lock = -1;
    mseq_status status =
        login_lock(client->credentials.login_folder, client->cancellation, &lock, err);
    if (status != MSEQ_OK)
        return status;
    status = refresh_locked(client, err);
    login_unlock(lock);
    return status;
}

/* ---- Runtime credentials: exchange
 * ----------------------------------------------------------------------------------------- */

static mseq_value *exchange_body(const client_credentials *credentials) {
    mseq_value *body = mseq_value_object();
    if (mseq_object_put_text(body, "credential_id", credentials->id) == MSEQ_OK &&
        mseq_object_put_text(body, "credential_secret", credentials->secret) == MSEQ_OK)
        return body;
    mseq_value_free(body);
    return NULL;
}

/* Seconds of expires_in, also as text; 0: not said. */
static int64_t lifetime(const mseq_value *reply) {
    const mseq_value *value = mseq_object_get(reply, "expires_in");
    const char *text = mseq_value_get_text(value);
    int64_t seconds = (int64_t)mseq_value_get_float(value, 0);
    if (text && !mseq_parse_integer(text, &seconds))
        seconds = 0;
    return seconds > 0 ? seconds : 0;
}

static mseq_status take_exchange(mseq_client *client, const mseq_value *reply, mseq_error *err) {
    const char *access = mseq_object_get_text(reply, "access");
    const char *scheme = mseq_object_get_text(reply, "token_type");
    if (!access || !*access)
        return refuse(err, "the runtime credential exchange's reply has no access token",
                      "check the server that MAINSEQUENCE_ENDPOINT names");
    mseq_status status =
        set_tokens(&client->credentials, access, NULL, scheme && *scheme ? scheme : NULL, err);
    int64_t seconds = lifetime(reply);
    if (status == MSEQ_OK && seconds > 0)
        client->credentials.deadline = now_seconds(client) + (double)seconds;
    return status;
}

static mseq_status exchange(mseq_client *client, mseq_error *err) {
    const client_credentials *credentials = &client->credentials;
    if (!credentials->id)
        return refuse(err,
                      "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID is required with "
                      "MAINSEQUENCE_AUTH_MODE=runtime_credential",
                      "set both, or another mode");
    if (!credentials->secret)
        return refuse(err,
                      "MAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET is required with "
                      "MAINSEQUENCE_AUTH_MODE=runtime_credential",
                      "set both, or another mode");
    mseq_value *body = exchange_body(credentials), *reply = NULL;
    if (!body)
        return mseq_error_no_memory(err);
    mseq_error reason = MSEQ_ERROR_INIT;
    int http_status = 0;
    mseq_status status = ask(client, EXCHANGE, NULL, false, body, &http_status, &reply, &reason);
    if (status != MSEQ_OK)
        return renewal_failed("the runtime credential exchange", http_status, &reason,
                              "check MAINSEQUENCE_RUNTIME_CREDENTIAL_ID and _SECRET", err);
    status = take_exchange(client, reply, err);
    mseq_value_free(reply);
    return status;
}

/* ---- What a call needs
 * ----------------------------------------------------------------------------------------- */

bool credentials_renewable(const client_credentials *credentials) {
    if (credentials->mode == MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL)
        return true;
    return credentials->mode == MSEQ_AUTHENTICATION_JWT && credentials->refresh;
}

mseq_status credentials_renew(mseq_client *client, mseq_error *err) {
    client_credentials *credentials = &client->credentials;
    if (credentials->mode == MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL)
        return exchange(client, err);
    return credentials->login ? refresh_stored(client, err) : refresh_tokens(client, err);
}

static bool needs_renewal(const mseq_client *client) {
    const client_credentials *credentials = &client->credentials;
    double margin = credentials->mode == MSEQ_AUTHENTICATION_JWT ? JWT_MARGIN : RUNTIME_MARGIN;
    return credentials_renewable(credentials) &&
           (!credentials->access || ends_soon(credentials, now_seconds(client), margin));
}

/* What is wrong with the settings, if anything is. */
static mseq_status check_settings(const mseq_client *client, mseq_error *err) {
    const client_credentials *credentials = &client->credentials;
    if (credentials->mode == MSEQ_AUTHENTICATION_SESSION_JWT && credentials->refresh)
        return refuse(err,
                      "MAINSEQUENCE_REFRESH_TOKEN is not allowed with "
                      "MAINSEQUENCE_AUTH_MODE=session_jwt",
                      "unset MAINSEQUENCE_REFRESH_TOKEN");
    bool none = !credentials->access && !credentials_renewable(credentials);
    return none && credentials->required ? no_credentials(client, err) : MSEQ_OK;
}

static mseq_status write_header(client_credentials *credentials, mseq_error *err) {
    if (credentials->authorization || !credentials->access)
        return MSEQ_OK;
    const char *scheme = credentials->scheme ? credentials->scheme : "Bearer";
    credentials->authorization = mseq_text_format("%s %s", scheme, credentials->access);
    return credentials->authorization ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status credentials_authorize(mseq_client *client, mseq_error *err) {
    mseq_status status = check_settings(client, err);
    if (status == MSEQ_OK && needs_renewal(client))
        status = credentials_renew(client, err);
    /* A runtime token may come with little left: then one more, as the reference client does. */
    if (status == MSEQ_OK && client->credentials.mode == MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL &&
        needs_renewal(client))
        status = credentials_renew(client, err);
    return status == MSEQ_OK ? write_header(&client->credentials, err) : status;
}

mseq_status credentials_mark_sent(client_credentials *credentials, mseq_error *err) {
    const char *header = credentials->authorization;
    if (!header || (credentials->sent && strcmp(credentials->sent, header) == 0))
        return MSEQ_OK;
    char *copy = mseq_text_dup(header);
    if (!copy)
        return mseq_error_no_memory(err);
    forget_text(&credentials->sent);
    credentials->sent = copy;
    return MSEQ_OK;
}
