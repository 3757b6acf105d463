/* SPDX-License-Identifier: MIT
 * Query strings and path segments, as the reference client spells them. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/wire.h"

void mseq_reply_free(mseq_reply *reply) {
    if (!reply)
        return;
    mseq_value_free(reply->body);
    free(reply->text);
    free(reply->retry_after);
    free(reply->location);
    free(reply->allow);
    mseq_row_stream_free(reply->stream);
    *reply = (mseq_reply)MSEQ_REPLY_INIT;
}

static bool is_unreserved(unsigned char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-' || byte == '~';
}

static mseq_status escape_bytes(const char *text, size_t length, bool query, mseq_buffer *out) {
    static const char digits[] = "0123456789ABCDEF";
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < length && status == MSEQ_OK; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (is_unreserved(byte)) {
            status = mseq_buffer_append_char(out, text[i]);
        } else if (query && byte == ' ') {
            status = mseq_buffer_append_char(out, '+');
        } else {
            char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            status = mseq_buffer_append(out, escape, sizeof escape);
        }
    }
    return status;
}

mseq_status mseq_wire_escape(const char *text, bool query, mseq_buffer *out) {
    return escape_bytes(text, strlen(text), query, out);
}

static mseq_status append_scalar(const char *key, const mseq_value *value, mseq_buffer *out,
                                 mseq_error *err) {
    char number[32];
    switch (mseq_value_kind(value)) {
    case MSEQ_BOOLEAN:
        mseq_buffer_append_text(out, mseq_value_get_boolean(value, false) ? "True" : "False");
        return MSEQ_OK;
    case MSEQ_INTEGER:
        mseq_buffer_append_format(out, "%lld", (long long)mseq_value_get_integer(value, 0));
        return MSEQ_OK;
    case MSEQ_FLOAT:
        mseq_format_double(mseq_value_get_float(value, 0), number);
        escape_bytes(number, strlen(number), true, out);
        return MSEQ_OK;
    case MSEQ_STRING:
        escape_bytes(mseq_value_get_text(value), mseq_value_get_text_length(value), true, out);
        return MSEQ_OK;
    default:
        return mseq_error_set(err, MSEQ_E_REQUEST, "query parameter '%s': %s cannot be sent", key,
                              mseq_kind_name(mseq_value_kind(value)));
    }
}

static mseq_status append_parameter(const char *key, const mseq_value *value, mseq_buffer *out,
                                    mseq_error *err) {
    mseq_wire_escape(key, true, out);
    mseq_buffer_append_char(out, '=');
    if (mseq_value_kind(value) != MSEQ_ARRAY)
        return append_scalar(key, value, out, err);
    for (size_t i = 0; i < mseq_value_length(value); i++) {
        if (i > 0)
            mseq_buffer_append_text(out, "%2C");
        mseq_status status = append_scalar(key, mseq_array_get(value, i), out, err);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

/* The name and value at a position of an object, or of an array of [name, value] pairs. */
static mseq_status parameter_at(const mseq_value *parameters, size_t position, const char **key,
                                const mseq_value **value, mseq_error *err) {
    if (mseq_value_kind(parameters) == MSEQ_OBJECT) {
        *key = mseq_object_key_at(parameters, position);
        *value = mseq_object_value_at(parameters, position);
        return MSEQ_OK;
    }
    const mseq_value *pair = mseq_array_get(parameters, position);
    *key = mseq_value_get_text(mseq_array_get(pair, 0));
    *value = mseq_array_get(pair, 1);
    return mseq_value_length(pair) == 2 && *key
               ? MSEQ_OK
               : mseq_error_set(err, MSEQ_E_REQUEST,
                                "query parameter %zu is no pair of a name and a value",
                                position + 1);
}

mseq_status mseq_wire_query(const mseq_value *parameters, mseq_buffer *out, mseq_error *err) {
    mseq_buffer query = MSEQ_BUFFER_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < mseq_value_length(parameters) && status == MSEQ_OK; i++) {
        const char *key = NULL;
        const mseq_value *value = NULL;
        status = parameter_at(parameters, i, &key, &value, err);
        if (status != MSEQ_OK || mseq_value_is_null(value))
            continue;
        if (query.length > 0)
            mseq_buffer_append_char(&query, '&');
        status = append_parameter(key, value, &query, err);
    }
    if (status == MSEQ_OK && query.status == MSEQ_OK)
        mseq_buffer_append(out, mseq_buffer_text(&query), query.length);
    if (status == MSEQ_OK && (query.status != MSEQ_OK || out->status != MSEQ_OK))
        status = mseq_error_no_memory(err);
    mseq_buffer_free(&query);
    return status;
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Appends the decoded component; false when an escape is broken or stands for NUL. */
static bool unescape(const char *text, size_t length, mseq_buffer *out) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '+') {
            mseq_buffer_append_char(out, ' ');
        } else if (text[i] == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            mseq_buffer_append_char(out, (char)(unsigned char)(high * 16 + low));
            i += 2;
        } else {
            mseq_buffer_append_char(out, text[i]);
        }
    }
    return mseq_utf8_valid(mseq_buffer_text(out), out->length);
}

static mseq_status parse_pair(const char *pair, size_t length, mseq_value *parameters,
                              mseq_error *err) {
    const char *equals = memchr(pair, '=', length);
    size_t key_length = equals ? (size_t)(equals - pair) : length;
    mseq_buffer key = MSEQ_BUFFER_INIT, value = MSEQ_BUFFER_INIT;
    mseq_status status = MSEQ_OK;
    bool decoded = unescape(pair, key_length, &key) &&
                   (!equals || unescape(equals + 1, length - key_length - 1, &value));
    bool held = key.status == MSEQ_OK && value.status == MSEQ_OK;
    if (held && !decoded)
        status = mseq_error_set(err, MSEQ_E_REQUEST,
                                "query string: '%.*s' has a broken escape or is not UTF-8",
                                (int)(length > 200 ? 200 : length), pair);
    else if (!held || mseq_object_put(
                          parameters, mseq_buffer_text(&key),
                          mseq_value_string_n(mseq_buffer_text(&value), value.length)) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    mseq_buffer_free(&key);
    mseq_buffer_free(&value);
    return status;
}

mseq_status mseq_wire_parse_query(const char *query, mseq_value **parameters, mseq_error *err) {
    mseq_value *object = mseq_value_object();
    mseq_status status = object ? MSEQ_OK : mseq_error_no_memory(err);
    const char *pair = query ? query : "";
    while (*pair && status == MSEQ_OK) {
        size_t length = strcspn(pair, "&");
        if (length > 0)
            status = parse_pair(pair, length, object, err);
        pair += length + (pair[length] == '&');
    }
    if (status != MSEQ_OK) {
        mseq_value_free(object);
        return status;
    }
    *parameters = object;
    return MSEQ_OK;
}
