/* SPDX-License-Identifier: MIT
 * An error as replies show it, and the way back. */
#include <string.h>

#include "mainsequence/wire.h"

/* A message may quote a value that was cut inside a character. */
static bool put_text(mseq_value *body, const char *key, const char *text) {
    mseq_buffer clean = MSEQ_BUFFER_INIT;
    size_t length = strlen(text);
    for (size_t position = 0; position < length;) {
        uint32_t codepoint;
        size_t size = mseq_utf8_next(text + position, length - position, &codepoint);
        if (size)
            mseq_buffer_append(&clean, text + position, size);
        else
            mseq_buffer_append_char(&clean, '?');
        position += size ? size : 1;
    }
    bool put = clean.status == MSEQ_OK &&
               mseq_object_put(body, key, mseq_value_string(mseq_buffer_text(&clean))) == MSEQ_OK;
    mseq_buffer_free(&clean);
    return put;
}

/* Databases explain themselves in `detail`; what they say about a catalog is no business of the
 * caller, so only the message goes out. */
mseq_value *mseq_wire_refusal(const mseq_error *err) {
    mseq_value *body = mseq_value_object();
    if (body && put_text(body, "detail", err->message) && put_text(body, "code", err->code) &&
        (!err->hint[0] || put_text(body, "hint", err->hint)) &&
        (!err->sqlstate[0] || put_text(body, "sqlstate", err->sqlstate)))
        return body;
    mseq_value_free(body);
    return NULL;
}

mseq_status mseq_wire_read_refusal(const mseq_value *refusal, int http_status, mseq_error *err) {
    mseq_status status = mseq_status_from_http(http_status);
    const char *detail = mseq_object_get_text(refusal, "detail");
    const char *code = mseq_object_get_text(refusal, "code");
    const char *hint = mseq_object_get_text(refusal, "hint");
    const char *sqlstate = mseq_object_get_text(refusal, "sqlstate");
    if (status == MSEQ_OK)
        status = MSEQ_E_API;
    bool first = err && err->status == MSEQ_OK;
    mseq_error_set(err, status, "%s",
                   detail ? detail : "the TS Manager refused without saying why");
    if (!first)
        return status;
    err->http_status = http_status;
    if (code)
        mseq_error_code(err, code);
    if (hint)
        mseq_error_hint(err, "%s", hint);
    if (sqlstate && strlen(sqlstate) < sizeof err->sqlstate)
        memcpy(err->sqlstate, sqlstate, strlen(sqlstate) + 1);
    return status;
}
