/* SPDX-License-Identifier: MIT
 * A reply that is no success → an error (protocol section 1.5). */
#include <string.h>

#include "client_private.h"

/* A value that says something: a non-empty text, number, list or object. */
static bool says_something(const mseq_value *value) {
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        return false;
    case MSEQ_BOOLEAN:
        return mseq_value_get_boolean(value, false);
    case MSEQ_INTEGER:
    case MSEQ_FLOAT:
        return mseq_value_get_float(value, 0) != 0;
    case MSEQ_STRING:
        return mseq_value_get_text_length(value) > 0;
    default:
        return mseq_value_length(value) > 0;
    }
}

/* The first telling of the keys, as text; anything but a string as JSON. */
static void append_message(const mseq_value *body, mseq_buffer *message) {
    static const char *const keys[] = {"detail", "error", "message", "non_field_errors", "errors"};
    const mseq_value *found = NULL;
    for (size_t i = 0; !found && i < sizeof keys / sizeof *keys; i++) {
        const mseq_value *value = mseq_object_get(body, keys[i]);
        if (says_something(value))
            found = value;
    }
    found = found ? found : body;
    mseq_error ignored = MSEQ_ERROR_INIT;
    if (mseq_value_kind(found) == MSEQ_STRING)
        mseq_buffer_append(message, mseq_value_get_text(found), mseq_value_get_text_length(found));
    else if (mseq_json_write(found, MSEQ_JSON_UNICODE, message, &ignored) != MSEQ_OK)
        mseq_buffer_clear(message);
}

mseq_status client_refusal(const mseq_client *client, const mseq_request *request,
                           const mseq_reply *reply, mseq_error *err) {
    mseq_status status = mseq_status_from_http(reply->status);
    if (status == MSEQ_OK) /* a success that this call does not accept */
        status = MSEQ_E_API;
    mseq_buffer message = MSEQ_BUFFER_INIT;
    if (reply->body)
        append_message(reply->body, &message);
    const char *text = message.length ? mseq_buffer_text(&message)
                       : reply->text && reply->text[0]
                           ? reply->text
                           : "the TS Manager refused without saying why";
    mseq_error_set(err, status, "%d %s %s%s%s%s: %s", reply->status, request->method,
                   mseq_client_endpoint(client), request->path, request->query ? "?" : "",
                   request->query ? request->query : "", text);
    mseq_buffer_free(&message);
    if (err && err->http_status == 0)
        err->http_status = reply->status;
    const char *code = mseq_object_get_text(reply->body, "code");
    if (code)
        mseq_error_code(err, code);
    const char *sqlstate = mseq_object_get_text(reply->body, "sqlstate");
    if (err && sqlstate && !err->sqlstate[0] && strlen(sqlstate) < sizeof err->sqlstate)
        memcpy(err->sqlstate, sqlstate, strlen(sqlstate) + 1);
    if (reply->retry_after)
        mseq_error_detail(err, "Retry-After: %s", reply->retry_after);
    const char *hint = mseq_object_get_text(reply->body, "hint");
    if (hint)
        mseq_error_hint(err, "%s", hint);
    else if (reply->status == 401 && (!code || strcmp(code, "bad_credentials") != 0))
        mseq_error_hint(err, "log in again with mainsequence login");
    else if (reply->location)
        mseq_error_hint(err,
                        "the server redirects to %.*s, which is not followed: set the endpoint "
                        "to where it leads",
                        (int)strcspn(reply->location, "?#"), reply->location);
    return status;
}

mseq_status client_no_json(const mseq_client *client, const mseq_request *request,
                           const mseq_reply *reply, mseq_error *err) {
    mseq_error reason = MSEQ_ERROR_INIT;
    mseq_value *none = NULL;
    mseq_error_set(err, MSEQ_E_TRANSPORT,
                   "%d %s %s%s: the reply is not JSON, is this a TS Manager?", reply->status,
                   request->method, mseq_client_endpoint(client), request->path);
    if (mseq_json_parse(reply->text, strlen(reply->text), 0, &none, &reason) != MSEQ_OK)
        mseq_error_detail(err, "%s", reason.message);
    mseq_value_free(none);
    return MSEQ_E_TRANSPORT;
}
