/* SPDX-License-Identifier: MIT
 * The checker of requests described as tables of fields. */
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "field.h"

static void print_path(const wire_path *path, mseq_buffer *out) {
    if (!path)
        return;
    print_path(path->parent, out);
    if (path->name)
        mseq_buffer_append_format(out, "%s%s", out->length > 0 ? "." : "", path->name);
    else
        mseq_buffer_append_format(out, "[%zu]", path->index);
}

mseq_status wire_refuse(const wire_path *path, mseq_error *err, const char *code,
                        const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    print_path(path, &text);
    mseq_error_set(err, MSEQ_E_REQUEST, "%s: %s",
                   text.length > 0 ? mseq_buffer_text(&text) : "request", message);
    mseq_error_code(err, code);
    mseq_buffer_free(&text);
    return MSEQ_E_REQUEST;
}

static const char *kind_wanted(wire_type type) {
    switch (type) {
    case WIRE_TEXT:
        return "a string";
    case WIRE_BOOLEAN:
        return "a boolean";
    case WIRE_INTEGER:
        return "an integer";
    case WIRE_STRINGS:
        return "an array of strings";
    case WIRE_RECORDS:
        return "an array of objects";
    case WIRE_CONTAINER:
        return "an object or an array";
    default:
        return "an object";
    }
}

static bool has_kind(const mseq_value *value, wire_type type) {
    mseq_kind kind = mseq_value_kind(value);
    switch (type) {
    case WIRE_TEXT:
        return kind == MSEQ_STRING;
    case WIRE_BOOLEAN:
        return kind == MSEQ_BOOLEAN;
    case WIRE_INTEGER:
        return kind == MSEQ_INTEGER;
    case WIRE_STRINGS:
    case WIRE_RECORDS:
        return kind == MSEQ_ARRAY;
    case WIRE_CONTAINER:
        return kind == MSEQ_OBJECT || kind == MSEQ_ARRAY;
    default:
        return kind == MSEQ_OBJECT;
    }
}

static mseq_status check_text(const mseq_value *value, const wire_path *path,
                              const wire_field *field, mseq_error *err) {
    const char *text = mseq_value_get_text(value);
    if (strlen(text) != mseq_value_get_text_length(value))
        return wire_refuse(path, err, "bad_value", "contains a NUL character");
    if (!*text && (field->flags & WIRE_NOT_EMPTY))
        return wire_refuse(path, err, "bad_value", "must not be empty");
    if (!field->choices)
        return MSEQ_OK;
    mseq_buffer names = MSEQ_BUFFER_INIT;
    size_t count = 0;
    for (; field->choices[count]; count++) {
        if (strcmp(field->choices[count], text) == 0) {
            mseq_buffer_free(&names);
            return MSEQ_OK;
        }
        mseq_buffer_append_format(&names, "%s%s", count ? ", " : "", field->choices[count]);
    }
    wire_refuse(path, err, "bad_value", "'%s' is not one of: %s", text, mseq_buffer_text(&names));
    mseq_buffer_free(&names);
    return MSEQ_E_REQUEST;
}

static mseq_status check_integer(const mseq_value *value, const wire_path *path,
                                 const wire_field *field, mseq_error *err) {
    int64_t number = mseq_value_get_integer(value, 0);
    if (number < field->minimum)
        return wire_refuse(path, err, "bad_value", "%lld is less than %lld", (long long)number,
                           (long long)field->minimum);
    if (field->maximum && number > field->maximum)
        return wire_refuse(path, err, "bad_value", "%lld is more than %lld", (long long)number,
                           (long long)field->maximum);
    return MSEQ_OK;
}

static mseq_status check_strings(const mseq_value *value, const wire_path *path,
                                 const wire_field *field, mseq_error *err) {
    static const wire_field item = {.type = WIRE_TEXT};
    static const wire_field filled = {.type = WIRE_TEXT, .flags = WIRE_NOT_EMPTY};
    for (size_t i = 0; i < mseq_value_length(value); i++) {
        const wire_path here = {path, NULL, i};
        const mseq_value *text = mseq_array_get(value, i);
        if (mseq_value_kind(text) != MSEQ_STRING)
            return wire_refuse(&here, err, "wrong_kind", "must be a string, not %s",
                               mseq_kind_name(mseq_value_kind(text)));
        mseq_status status =
            check_text(text, &here, field->flags & WIRE_NOT_EMPTY ? &filled : &item, err);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

static mseq_status check_records(const mseq_value *value, const wire_path *path,
                                 const wire_field *field, mseq_value **out, mseq_error *err) {
    mseq_value *array = mseq_value_array();
    mseq_status status = array ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(value) && status == MSEQ_OK; i++) {
        const wire_path here = {path, NULL, i};
        mseq_value *record = NULL;
        status = wire_check_record(mseq_array_get(value, i), &here, field->fields, &record, err);
        if (status == MSEQ_OK && mseq_array_add(array, record) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(array);
        return status;
    }
    *out = array;
    return MSEQ_OK;
}

static mseq_status check_value(const mseq_value *value, const wire_path *path,
                               const wire_field *field, mseq_value **out, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (!has_kind(value, field->type))
        return wire_refuse(path, err, "wrong_kind", "must be %s, not %s", kind_wanted(field->type),
                           mseq_kind_name(mseq_value_kind(value)));
    if ((field->flags & WIRE_NOT_EMPTY) && field->type != WIRE_TEXT &&
        mseq_value_length(value) == 0)
        return wire_refuse(path, err, "bad_value", "must not be empty");
    switch (field->type) {
    case WIRE_RECORD:
        return wire_check_record(value, path, field->fields, out, err);
    case WIRE_RECORDS:
        return check_records(value, path, field, out, err);
    case WIRE_TEXT:
        status = check_text(value, path, field, err);
        break;
    case WIRE_INTEGER:
        status = check_integer(value, path, field, err);
        break;
    case WIRE_STRINGS:
        status = check_strings(value, path, field, err);
        break;
    default:
        break;
    }
    if (status != MSEQ_OK)
        return status;
    mseq_value *copy = mseq_value_dup(value);
    if (!copy)
        return mseq_error_no_memory(err);
    *out = copy;
    return MSEQ_OK;
}

/* The value of an absent field; *out stays NULL when it is left out. */
static mseq_status absent_value(const wire_path *path, const wire_field *field, mseq_value **out,
                                mseq_error *err) {
    if (field->flags & WIRE_REQUIRED)
        return wire_refuse(path, err, "missing_field", "is required");
    if (!field->fallback)
        return MSEQ_OK;
    int64_t number = 0;
    mseq_value *value = NULL;
    switch (field->type) {
    case WIRE_BOOLEAN:
        value = mseq_value_boolean(strcmp(field->fallback, "true") == 0);
        break;
    case WIRE_INTEGER:
        if (mseq_parse_integer(field->fallback, &number))
            value = mseq_value_integer(number);
        break;
    case WIRE_TEXT:
        value = mseq_value_string(field->fallback);
        break;
    case WIRE_STRINGS:
    case WIRE_RECORDS:
        value = mseq_value_array();
        break;
    default:
        value = mseq_value_object();
    }
    if (!value)
        return mseq_error_no_memory(err);
    if (field->type == WIRE_RECORD) {
        mseq_status status = wire_check_record(value, path, field->fields, out, err);
        mseq_value_free(value);
        return status;
    }
    *out = value;
    return MSEQ_OK;
}

static mseq_status take_field(const mseq_value *record, const wire_path *path,
                              const wire_field *field, mseq_value **out, mseq_error *err) {
    const wire_path here = {path, field->name, 0};
    const mseq_value *value = mseq_object_get(record, field->name);
    const mseq_value *other = field->alias ? mseq_object_get(record, field->alias) : NULL;
    if (value && other)
        return wire_refuse(&here, err, "bad_value", "is given twice, as %s and %s", field->name,
                           field->alias);
    if (!value)
        value = other;
    if (value && mseq_value_is_null(value) && (field->flags & WIRE_OMIT_NULL))
        value = NULL;
    if (!value)
        return absent_value(&here, field, out, err);
    if (mseq_value_is_null(value) && (field->flags & WIRE_KEEP_NULL)) {
        *out = mseq_value_null();
        return *out ? MSEQ_OK : mseq_error_no_memory(err);
    }
    return check_value(value, &here, field, out, err);
}

static bool is_known(const wire_field *fields, const char *key, size_t length) {
    if (strlen(key) != length)
        return false;
    if (strcmp(key, "orm_class") == 0)
        return true;
    for (const wire_field *field = fields; field->name; field++)
        if (strcmp(field->name, key) == 0 || (field->alias && strcmp(field->alias, key) == 0))
            return true;
    return false;
}

static mseq_status refuse_unknown(const wire_path *path, const wire_field *fields, const char *key,
                                  mseq_error *err) {
    const char *names[48];
    size_t count = 0;
    for (const wire_field *field = fields; field->name && count < 48; field++)
        if (field->type != WIRE_IGNORED)
            names[count++] = field->name;
    const wire_path here = {path, key, 0};
    wire_refuse(&here, err, "unknown_key", "is not a known key");
    const char *nearest = mseq_text_nearest(key, names, count);
    if (nearest)
        mseq_error_hint(err, "did you mean '%s'?", nearest);
    return MSEQ_E_REQUEST;
}

mseq_status wire_check_record(const mseq_value *value, const wire_path *path,
                              const wire_field *fields, mseq_value **out, mseq_error *err) {
    if (mseq_value_kind(value) != MSEQ_OBJECT)
        return wire_refuse(path, err, "wrong_kind", "must be an object, not %s",
                           mseq_kind_name(mseq_value_kind(value)));
    for (size_t i = 0; i < mseq_value_length(value); i++)
        if (!is_known(fields, mseq_object_key_at(value, i), mseq_object_key_length_at(value, i)))
            return refuse_unknown(path, fields, mseq_object_key_at(value, i), err);
    wire_document document;
    wire_begin(&document);
    for (const wire_field *field = fields; field->name; field++) {
        if (field->type == WIRE_IGNORED)
            continue;
        mseq_value *item = NULL;
        mseq_status status = take_field(value, path, field, &item, err);
        if (status != MSEQ_OK) {
            wire_abandon(&document);
            return status;
        }
        if (item)
            wire_put(&document, field->name, item);
    }
    return wire_end(&document, out, err);
}
