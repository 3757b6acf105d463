/* SPDX-License-Identifier: MIT
 * JSON text → value. What is not plainly valid (json_fast.c) is parsed by jansson, whose tree is
 * converted into ours. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "json_private.h"

enum { DEPTH_DEFAULT = 200 };

static mseq_value *convert(const json_t *json);

static mseq_value *convert_array(const json_t *json) {
    mseq_value *array = mseq_value_array();
    for (size_t i = 0; array && i < json_array_size(json); i++) {
        if (mseq_array_add(array, convert(json_array_get(json, i))) != MSEQ_OK) {
            mseq_value_free(array);
            return NULL;
        }
    }
    return array;
}

static mseq_value *convert_object(const json_t *json) {
    mseq_value *object = mseq_value_object();
    /* jansson's iterator takes a json_t that it does not change */
    json_t *source = (json_t *)(uintptr_t)json;
    for (void *at = json_object_iter(source); object && at;
         at = json_object_iter_next(source, at)) {
        if (mseq_object_put_n(object, json_object_iter_key(at), json_object_iter_key_len(at),
                              convert(json_object_iter_value(at))) != MSEQ_OK) {
            mseq_value_free(object);
            return NULL;
        }
    }
    return object;
}

static mseq_value *convert(const json_t *json) {
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return convert_object(json);
    case JSON_ARRAY:
        return convert_array(json);
    case JSON_STRING:
        return mseq_value_string_n(json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return mseq_value_integer(json_integer_value(json));
    case JSON_REAL:
        return mseq_value_float(json_real_value(json));
    case JSON_TRUE:
        return mseq_value_boolean(true);
    case JSON_FALSE:
        return mseq_value_boolean(false);
    default:
        return mseq_value_null();
    }
}

/* Deepest nesting of brackets outside strings; enough to bound recursion before anything recurses.
 */
static size_t nesting(const char *text, size_t length) {
    size_t depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        if (quoted) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                quoted = false;
        } else if (byte == '"') {
            quoted = true;
        } else if (byte == '[' || byte == '{') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((byte == ']' || byte == '}') && depth) {
            depth--;
        }
    }
    return deepest;
}

/* The last key before `position`: `"key" :`. Writes it (without its quotes) or nothing. */
static void field_before(const char *text, size_t position, char field[64]) {
    field[0] = '\0';
    size_t start = 0, end = 0;
    for (size_t i = 0; i < position; i++) {
        if (text[i] != '"')
            continue;
        size_t first = ++i;
        while (i < position && text[i] != '"')
            i += text[i] == '\\' ? 2 : 1;
        size_t after = i + 1;
        while (after < position && strchr(" \t\r\n", text[after]))
            after++;
        if (after < position && text[after] == ':') {
            start = first;
            end = i;
        }
    }
    size_t size = end - start < 63 ? end - start : 63;
    memcpy(field, text + start, size);
    field[size] = '\0';
}

static mseq_status refuse(const char *text, size_t length, const json_error_t *problem,
                          mseq_error *err) {
    enum json_error_code code = json_error_code(problem);
    if (code == json_error_out_of_memory)
        return mseq_error_no_memory(err);
    if (code == json_error_numeric_overflow) {
        char field[64];
        size_t position = problem->position > 0 ? (size_t)problem->position : 0;
        field_before(text, position < length ? position : length, field);
        mseq_error_set(err, MSEQ_E_JSON, "field '%s' holds a number beyond %s (line %d)", field,
                       "64-bit integers and finite floats", problem->line);
        mseq_error_hint(err, "send it as a string");
    } else {
        mseq_error_set(err, MSEQ_E_JSON, "not valid JSON at line %d, column %d: %s", problem->line,
                       problem->column, problem->text);
    }
    if (err && err->status == MSEQ_E_JSON)
        err->line = problem->line;
    return MSEQ_E_JSON;
}

mseq_status json_read_any(const char *text, size_t length, mseq_value **value, mseq_error *err) {
    /* jansson reads numbers with the thread's locale. */
    locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!c_locale)
        return mseq_error_no_memory(err);
    locale_t before = uselocale(c_locale);
    json_error_t problem;
    json_t *json = json_loadb(text, length,
                              JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    uselocale(before);
    freelocale(c_locale);
    if (!json)
        return refuse(text, length, &problem, err);
    mseq_value *converted = convert(json);
    json_decref(json);
    if (!converted)
        return mseq_error_no_memory(err);
    *value = converted;
    return MSEQ_OK;
}

mseq_status mseq_json_parse(const char *text, size_t length, size_t maximum_depth,
                            mseq_value **value, mseq_error *err) {
    size_t limit = maximum_depth ? maximum_depth : DEPTH_DEFAULT;
    mseq_value *plain = json_read_plain(text, length, limit);
    if (plain) {
        *value = plain;
        return MSEQ_OK;
    }
    size_t depth = nesting(text, length);
    if (depth > limit)
        return mseq_error_set(err, MSEQ_E_LIMIT,
                              "JSON is nested %zu levels deep, at most %zu are allowed", depth,
                              limit);
    return json_read_any(text, length, value, err);
}

mseq_status mseq_row_parse(mseq_row *row, const char *text, size_t length, mseq_value **other,
                           mseq_error *err) {
    mseq_value *value = NULL;
    mseq_row_clear(row);
    if (json_read_row(text, length, DEPTH_DEFAULT, row)) {
        *other = NULL;
        return MSEQ_OK;
    }
    mseq_row_clear(row);
    mseq_status status = mseq_json_parse(text, length, 0, &value, err);
    if (status == MSEQ_OK && mseq_value_kind(value) == MSEQ_OBJECT) {
        status = mseq_row_take_object(row, value, err);
        value = NULL;
    }
    if (status == MSEQ_OK)
        *other = value;
    return status;
}
