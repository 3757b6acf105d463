/* SPDX-License-Identifier: MIT
 * Login of the command through a browser: OAuth 2.0 for native apps (RFC 8252) with PKCE (RFC
 * 7636).
 *
 * The browser shows a page that asks for username and password, posts them here and goes on to the
 * command's own loopback address with a code. The command exchanges the code for a session, with
 * the verifier whose digest the browser brought. A code is good for one exchange and five minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authentication.h"
#include "routes.h"

enum { CODE_SECONDS = 300, CHALLENGE_LENGTH = 43, VERIFIER_MINIMUM = 43, VERIFIER_MAXIMUM = 128 };

static const char client_id[] = "mainsequence-cli";

/* Nothing of the request is written into it: its script reads the address by itself. */
static const char page[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; connect-src 'self';"
    " script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
    "<title>Log in</title>\n"
    "<style>body{font:1rem sans-serif;max-width:20rem;margin:4rem auto}label,input,button{display:"
    "block;width:100%;box-sizing:border-box;margin:.4rem 0}</style></head><body>\n"
    "<h1>Log in</h1><p>The command <code>mainsequence login</code> asks for it.</p>\n"
    "<form id=\"form\"><label>Username<input id=\"username\" autocomplete=\"username\" required"
    " autofocus></label>\n"
    "<label>Password<input id=\"password\" type=\"password\" autocomplete=\"current-password\""
    " required></label>\n"
    "<button>Log in</button><p id=\"problem\" role=\"alert\"></p></form>\n"
    "<script>\n"
    "document.getElementById('form').addEventListener('submit', async (event) => {\n"
    "  event.preventDefault();\n"
    "  const body = Object.fromEntries(new URLSearchParams(location.search));\n"
    "  for (const name of ['username', 'password'])\n"
    "    body[name] = document.getElementById(name).value;\n"
    "  const problem = document.getElementById('problem');\n"
    "  try {\n"
    "    const answer = await fetch(location.pathname, {method: 'POST',\n"
    "      headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});\n"
    "    const reply = await answer.json();\n"
    "    if (answer.ok) location.replace(reply.redirect_to);\n"
    "    else problem.textContent = reply.detail;\n"
    "  } catch (error) { problem.textContent = String(error); }\n"
    "});\n"
    "</script></body></html>\n";

/* ---- What a request for a code says ------------------------------------------------------------
 */

/* http://127.0.0.1:port/…, [::1] or localhost: a command on the browser's own machine. */
static bool is_loopback(const char *address) {
    static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};
    for (const char *at = address; *at; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || strchr("\"'<>\\#", *at))
            return false;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t length = strlen(hosts[i]);
        if (strncmp(address, hosts[i], length) != 0)
            continue;
        const char *rest = address + length;
        if (*rest == ':')
            rest += 1 + strspn(rest + 1, "0123456789");
        return *rest == '/' || *rest == '\0';
    }
    return false;
}

static bool is_url_text(const char *text, size_t minimum, size_t maximum) {
    size_t length = strlen(text);
    return length >= minimum && length <= maximum &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") ==
               length;
}

static mseq_status check_client(const mseq_value *fields, mseq_error *err) {
    if (strcmp(mseq_object_get_text(fields, "client_id"), client_id) != 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "unknown_client",
                              "client_id: only '%s' is known", client_id);
    return is_loopback(mseq_object_get_text(fields, "redirect_uri"))
               ? MSEQ_OK
               : manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                "redirect_uri: it must be an http address of this machine, as "
                                "http://127.0.0.1:PORT/callback");
}

static mseq_status check_authorization(const mseq_value *given, const mseq_field *known,
                                       mseq_value **fields, mseq_error *err) {
    mseq_value *checked = NULL;
    mseq_status status = mseq_record_check(given, MSEQ_E_REQUEST, NULL, known, &checked, err);
    if (status == MSEQ_OK)
        status = check_client(checked, err);
    if (status == MSEQ_OK && !is_url_text(mseq_object_get_text(checked, "code_challenge"),
                                          CHALLENGE_LENGTH, CHALLENGE_LENGTH))
        status = manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                "code_challenge: it must be a SHA-256 in base64url");
    if (status == MSEQ_OK)
        *fields = checked;
    else
        mseq_value_free(checked);
    return status;
}

#define AUTHORIZATION_FIELDS                                                                       \
    {.name = "client_id", .flags = MSEQ_FIELD_REQUIRED},                                           \
        {.name = "response_type", .flags = MSEQ_FIELD_REQUIRED, .choices = response_types},        \
        {.name = "state", .flags = MSEQ_FIELD_OMIT_NULL, .fallback = ""},                          \
        {.name = "redirect_uri", .flags = MSEQ_FIELD_REQUIRED},                                    \
        {.name = "code_challenge", .flags = MSEQ_FIELD_REQUIRED}, {                                \
        .name = "code_challenge_method", .flags = MSEQ_FIELD_REQUIRED, .choices = methods          \
    }

static const char *const response_types[] = {"code", NULL};
static const char *const methods[] = {"S256", NULL};

mseq_status manager_authorize_page(manager_call *call, mseq_error *err) {
    static const mseq_field known[] = {AUTHORIZATION_FIELDS, {.name = NULL}};
    mseq_value *fields = NULL;
    mseq_status status = check_authorization(call->query, known, &fields, err);
    mseq_value_free(fields);
    if (status != MSEQ_OK)
        return status;
    char *text = mseq_text_dup(page);
    if (!text)
        return mseq_error_no_memory(err);
    call->reply->status = 200;
    call->reply->text = text;
    call->reply->content_type = "text/html; charset=utf-8";
    return MSEQ_OK;
}

/* ---- The code ----------------------------------------------------------------------------------
 */

static mseq_status store_code(const manager_call *call, const manager_token *code,
                              const char *user_uid, const mseq_value *fields, mseq_error *err) {
    char now[32], expires[32];
    manager_time_after(call, 0, now);
    manager_time_after(call, CODE_SECONDS, expires);
    mseq_status status = manager_query(
        call->catalog, NULL, err, "DELETE FROM authorization_code WHERE expires_at < ?1", "s", now);
    return status == MSEQ_OK
               ? manager_query(call->catalog, NULL, err,
                               "INSERT INTO authorization_code (uid, user_uid, digest, challenge,"
                               " redirect_uri, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                               "ssssss", code->uid, user_uid, code->digest,
                               mseq_object_get_text(fields, "code_challenge"),
                               mseq_object_get_text(fields, "redirect_uri"), expires)
               : status;
}

static mseq_status answer_code(manager_call *call, const mseq_value *fields, const char *code,
                               mseq_error *err) {
    const char *address = mseq_object_get_text(fields, "redirect_uri");
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&text, "%s%scode=%s&state=", address,
                              strchr(address, '?') ? "&" : "?", code);
    mseq_status status = mseq_wire_escape(mseq_object_get_text(fields, "state"), true, &text);
    if (status != MSEQ_OK || text.status != MSEQ_OK) {
        mseq_buffer_free(&text);
        return mseq_error_no_memory(err);
    }
    manager_draft reply;
    manager_draft_object(&reply);
    manager_put_text(&reply, "redirect_to", mseq_buffer_text(&text));
    mseq_buffer_free(&text);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

mseq_status manager_authorize(manager_call *call, mseq_error *err) {
    static const mseq_field known[] = {AUTHORIZATION_FIELDS,
                                       {.name = "username", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = "password", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = NULL}};
    const mseq_value *body = NULL;
    mseq_value *fields = NULL;
    manager_token code = MANAGER_TOKEN_INIT;
    char user[MANAGER_UID_SIZE] = "";
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = check_authorization(body, known, &fields, err);
    if (status == MSEQ_OK)
        status = manager_check_login(call, mseq_object_get_text(fields, "username"),
                                     mseq_object_get_text(fields, "password"), user, err);
    if (status == MSEQ_OK)
        status = manager_token_opaque(&code, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = store_code(call, &code, user, fields, err);
    if (status == MSEQ_OK)
        status = answer_code(call, fields, code.text, err);
    if (status == MSEQ_OK)
        status = manager_commit_unseen(call, err);
    manager_token_free(&code);
    mseq_value_free(fields);
    return status;
}

/* ---- The exchange ------------------------------------------------------------------------------
 */

static mseq_status refuse_code(mseq_error *err) {
    manager_refuse(err, MSEQ_E_AUTHENTICATION, "invalid_code",
                   "the code is unknown here, used, or expired, or was given out for another "
                   "command");
    mseq_error_hint(err, "log in again");
    return MSEQ_E_AUTHENTICATION;
}

static bool matches(const manager_call *call, const mseq_value *record, const manager_token *code,
                    const mseq_value *fields) {
    char now[32], challenge[64];
    const char *verifier = mseq_object_get_text(fields, "code_verifier");
    const char *wanted = mseq_object_get_text(record, "challenge");
    manager_time_after(call, 0, now);
    return manager_token_matches(code, mseq_object_get_text(record, "digest")) &&
           strcmp(mseq_object_get_text(record, "expires_at"), now) > 0 &&
           !mseq_object_get_integer(record, "is_disabled", 1) &&
           strcmp(mseq_object_get_text(record, "redirect_uri"),
                  mseq_object_get_text(fields, "redirect_uri")) == 0 &&
           is_url_text(verifier, VERIFIER_MINIMUM, VERIFIER_MAXIMUM) &&
           manager_url_digest(verifier, challenge) && strlen(wanted) == strlen(challenge) &&
           mseq_secret_equal(wanted, challenge, strlen(challenge));
}

/* Whatever comes of it, the code is used up. */
static mseq_status exchange(manager_call *call, const mseq_value *fields, mseq_error *err) {
    manager_token code = MANAGER_TOKEN_INIT;
    mseq_value *records = NULL;
    char family[MANAGER_UID_SIZE];
    if (!manager_token_read(mseq_object_get_text(fields, "code"), &code))
        return refuse_code(err);
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &records, err,
                               "SELECT user_uid, digest, challenge, redirect_uri, expires_at,"
                               " is_disabled FROM authorization_code JOIN platform_user"
                               " ON platform_user.uid = authorization_code.user_uid"
                               " WHERE authorization_code.uid = ?1",
                               "s", code.uid);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "DELETE FROM authorization_code WHERE uid = ?1", "s", code.uid);
    const mseq_value *record = mseq_array_get(records, 0);
    bool good = status == MSEQ_OK && record && matches(call, record, &code, fields);
    if (status == MSEQ_OK)
        status = mseq_uuid_new(family);
    if (status == MSEQ_OK && good) {
        status = manager_give_session(call, mseq_object_get_text(record, "user_uid"), family, err);
    } else if (status == MSEQ_OK) {
        status = manager_commit_unseen(call, err);
        if (status == MSEQ_OK)
            status = refuse_code(err);
    }
    mseq_value_free(records);
    return status;
}

mseq_status manager_exchange_code(manager_call *call, mseq_error *err) {
    static const mseq_field known[] = {{.name = "client_id", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = "code", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = "code_verifier", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = "redirect_uri", .flags = MSEQ_FIELD_REQUIRED},
                                       {.name = NULL}};
    const mseq_value *body = NULL;
    mseq_value *fields = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &fields, err);
    if (status == MSEQ_OK)
        status = check_client(fields, err);
    if (status == MSEQ_OK)
        status = exchange(call, fields, err);
    mseq_value_free(fields);
    return status;
}
