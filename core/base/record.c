/* SPDX-License-Identifier: MIT
 * The checker of documents described as tables of fields. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mainsequence/base.h"

static void print_path(const mseq_path *path, mseq_buffer *out) {
    if (!path)
        return;
    print_path(path->parent, out);
    if (path->name)
        mseq_buffer_append_format(out, "%s%s", out->length > 0 ? "." : "", path->name);
    else
        mseq_buffer_append_format(out, "[%zu]", path->index);
}

mseq_status mseq_path_refuse(const mseq_path *path, mseq_status status, mseq_error *err,
                             const char *code, const char *format, ...) {
    char message[sizeof((mseq_error *)0)->message]; /* longer ones are cut by mseq_error_set */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    print_path(path, &text);
    mseq_error_set(err, status, "%s: %s",
                   text.length > 0 ? mseq_buffer_text(&text) : "the document", message);
    mseq_error_code(err, code);
    mseq_buffer_free(&text);
    return status;
}

/* Where refusals go. */
typedef struct refusals {
    mseq_status status;
    mseq_error *err;
} refusals;

#define refuse(to, path, ...) mseq_path_refuse(path, (to)->status, (to)->err, __VA_ARGS__)

static const char *kind_wanted(mseq_field_type type) {
    switch (type) {
    case MSEQ_FIELD_TEXT:
        return "a string";
    case MSEQ_FIELD_BOOLEAN:
        return "a boolean";
    case MSEQ_FIELD_STRINGS:
        return "an array of strings";
    case MSEQ_FIELD_OBJECTS:
    case MSEQ_FIELD_RECORDS:
        return "an array of objects";
    case MSEQ_FIELD_CONTAINER:
        return "an object or an array";
    default:
        return "an object";
    }
}

static bool has_kind(const mseq_value *value, mseq_field_type type) {
    mseq_kind kind = mseq_value_kind(value);
    switch (type) {
    case MSEQ_FIELD_TEXT:
        return kind == MSEQ_STRING;
    case MSEQ_FIELD_BOOLEAN:
        return kind == MSEQ_BOOLEAN;
    case MSEQ_FIELD_STRINGS:
    case MSEQ_FIELD_OBJECTS:
    case MSEQ_FIELD_RECORDS:
        return kind == MSEQ_ARRAY;
    case MSEQ_FIELD_CONTAINER:
        return kind == MSEQ_OBJECT || kind == MSEQ_ARRAY;
    default:
        return kind == MSEQ_OBJECT;
    }
}

static mseq_status check_text(const mseq_value *value, const mseq_path *path,
                              const mseq_field *field, const refusals *to) {
    const char *text = mseq_value_get_text(value);
    if (strlen(text) != mseq_value_get_text_length(value))
        return refuse(to, path, "bad_value", "contains a NUL character");
    if (!*text && (field->flags & MSEQ_FIELD_NOT_EMPTY))
        return refuse(to, path, "bad_value", "must not be empty");
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
    refuse(to, path, "bad_value", "'%s' is not one of: %s", text, mseq_buffer_text(&names));
    mseq_buffer_free(&names);
    return to->status;
}

/* A float without a fraction and a text of digits are integers too where a field is lenient, as the
 * reference takes them. False: it is none. */
static bool read_integer(const mseq_value *value, const mseq_field *field, int64_t *number) {
    if (mseq_value_kind(value) == MSEQ_INTEGER) {
        *number = mseq_value_get_integer(value, 0);
        return true;
    }
    if (!(field->flags & MSEQ_FIELD_LENIENT))
        return false;
    if (mseq_value_kind(value) == MSEQ_STRING)
        return strlen(mseq_value_get_text(value)) == mseq_value_get_text_length(value) &&
               mseq_parse_integer(mseq_value_get_text(value), number);
    double real = mseq_value_get_float(value, NAN);
    if (mseq_value_kind(value) != MSEQ_FLOAT || !(fabs(real) < 9.2e18) || real != floor(real))
        return false;
    *number = (int64_t)real;
    return true;
}

static mseq_status check_integer(const mseq_value *value, const mseq_path *path,
                                 const mseq_field *field, mseq_value **out, const refusals *to) {
    int64_t number = 0;
    if (!read_integer(value, field, &number))
        return refuse(to, path, "wrong_kind", "must be an integer, not %s",
                      mseq_kind_name(mseq_value_kind(value)));
    if (number < field->minimum)
        return refuse(to, path, "bad_value", "%lld is less than %lld", (long long)number,
                      (long long)field->minimum);
    if (field->maximum && number > field->maximum)
        return refuse(to, path, "bad_value", "%lld is more than %lld", (long long)number,
                      (long long)field->maximum);
    *out = mseq_value_integer(number);
    return *out ? MSEQ_OK : mseq_error_no_memory(to->err);
}

static mseq_status check_strings(const mseq_value *value, const mseq_path *path,
                                 const mseq_field *field, const refusals *to) {
    static const mseq_field item = {.type = MSEQ_FIELD_TEXT};
    static const mseq_field filled = {.type = MSEQ_FIELD_TEXT, .flags = MSEQ_FIELD_NOT_EMPTY};
    for (size_t i = 0; i < mseq_value_length(value); i++) {
        const mseq_path here = {path, NULL, i};
        const mseq_value *text = mseq_array_get(value, i);
        if (mseq_value_kind(text) != MSEQ_STRING)
            return refuse(to, &here, "wrong_kind", "must be a string, not %s",
                          mseq_kind_name(mseq_value_kind(text)));
        mseq_status status =
            check_text(text, &here, field->flags & MSEQ_FIELD_NOT_EMPTY ? &filled : &item, to);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

static mseq_status check_objects(const mseq_value *value, const mseq_path *path,
                                 const refusals *to) {
    for (size_t i = 0; i < mseq_value_length(value); i++) {
        const mseq_path here = {path, NULL, i};
        mseq_kind kind = mseq_value_kind(mseq_array_get(value, i));
        if (kind != MSEQ_OBJECT)
            return refuse(to, &here, "wrong_kind", "must be an object, not %s",
                          mseq_kind_name(kind));
    }
    return MSEQ_OK;
}

static mseq_status check_record(const mseq_value *value, const mseq_path *path,
                                const mseq_field *fields, mseq_value **out, const refusals *to);

static mseq_status check_records(const mseq_value *value, const mseq_path *path,
                                 const mseq_field *field, mseq_value **out, const refusals *to) {
    mseq_value *array = mseq_value_array();
    mseq_status status = array ? MSEQ_OK : mseq_error_no_memory(to->err);
    for (size_t i = 0; i < mseq_value_length(value) && status == MSEQ_OK; i++) {
        const mseq_path here = {path, NULL, i};
        mseq_value *record = NULL;
        status = check_record(mseq_array_get(value, i), &here, field->fields, &record, to);
        if (status == MSEQ_OK && mseq_array_add(array, record) != MSEQ_OK)
            status = mseq_error_no_memory(to->err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(array);
        return status;
    }
    *out = array;
    return MSEQ_OK;
}

static mseq_status check_value(const mseq_value *value, const mseq_path *path,
                               const mseq_field *field, mseq_value **out, const refusals *to) {
    mseq_status status = MSEQ_OK;
    if (field->type == MSEQ_FIELD_INTEGER)
        return check_integer(value, path, field, out, to);
    if (!has_kind(value, field->type))
        return refuse(to, path, "wrong_kind", "must be %s, not %s", kind_wanted(field->type),
                      mseq_kind_name(mseq_value_kind(value)));
    if ((field->flags & MSEQ_FIELD_NOT_EMPTY) && field->type != MSEQ_FIELD_TEXT &&
        mseq_value_length(value) == 0)
        return refuse(to, path, "bad_value", "must not be empty");
    switch (field->type) {
    case MSEQ_FIELD_RECORD:
        return check_record(value, path, field->fields, out, to);
    case MSEQ_FIELD_RECORDS:
        return check_records(value, path, field, out, to);
    case MSEQ_FIELD_TEXT:
        status = check_text(value, path, field, to);
        break;
    case MSEQ_FIELD_STRINGS:
        status = check_strings(value, path, field, to);
        break;
    case MSEQ_FIELD_OBJECTS:
        status = check_objects(value, path, to);
        break;
    default:
        break;
    }
    if (status != MSEQ_OK)
        return status;
    mseq_value *copy = mseq_value_dup(value);
    if (!copy)
        return mseq_error_no_memory(to->err);
    *out = copy;
    return MSEQ_OK;
}

/* The value of an absent field; *out stays NULL when it is left out. */
static mseq_status absent_value(const mseq_path *path, const mseq_field *field, mseq_value **out,
                                const refusals *to) {
    if (field->flags & MSEQ_FIELD_REQUIRED)
        return refuse(to, path, "missing_field", "is required");
    if (!field->fallback)
        return MSEQ_OK;
    int64_t number = 0;
    mseq_value *value = NULL;
    switch (field->type) {
    case MSEQ_FIELD_BOOLEAN:
        value = mseq_value_boolean(strcmp(field->fallback, "true") == 0);
        break;
    case MSEQ_FIELD_INTEGER:
        if (mseq_parse_integer(field->fallback, &number))
            value = mseq_value_integer(number);
        break;
    case MSEQ_FIELD_TEXT:
        value = mseq_value_string(field->fallback);
        break;
    case MSEQ_FIELD_STRINGS:
    case MSEQ_FIELD_OBJECTS:
    case MSEQ_FIELD_RECORDS:
        value = mseq_value_array();
        break;
    default:
        value = mseq_value_object();
    }
    if (!value)
        return mseq_error_no_memory(to->err);
    if (field->type == MSEQ_FIELD_RECORD) {
        mseq_status status = check_record(value, path, field->fields, out, to);
        mseq_value_free(value);
        return status;
    }
    *out = value;
    return MSEQ_OK;
}

static mseq_status take_field(const mseq_value *record, const mseq_path *path,
                              const mseq_field *field, mseq_value **out, const refusals *to) {
    const mseq_path here = {path, field->name, 0};
    const mseq_value *value = mseq_object_get(record, field->name);
    const mseq_value *other = field->alias ? mseq_object_get(record, field->alias) : NULL;
    if (value && other)
        return refuse(to, &here, "bad_value", "is given twice, as %s and %s", field->name,
                      field->alias);
    if (!value)
        value = other;
    if (value && mseq_value_is_null(value) && (field->flags & MSEQ_FIELD_OMIT_NULL))
        value = NULL;
    if (!value)
        return absent_value(&here, field, out, to);
    if (mseq_value_is_null(value) && (field->flags & MSEQ_FIELD_KEEP_NULL)) {
        *out = mseq_value_null();
        return *out ? MSEQ_OK : mseq_error_no_memory(to->err);
    }
    return check_value(value, &here, field, out, to);
}

static bool is_known(const mseq_field *fields, const char *key, size_t length) {
    if (strlen(key) != length)
        return false;
    if (strcmp(key, "orm_class") == 0)
        return true;
    for (const mseq_field *field = fields; field->name; field++)
        if (strcmp(field->name, key) == 0 || (field->alias && strcmp(field->alias, key) == 0))
            return true;
    return false;
}

static mseq_status refuse_unknown(const mseq_path *path, const mseq_field *fields, const char *key,
                                  const refusals *to) {
    const char *names[48];
    size_t count = 0;
    for (const mseq_field *field = fields; field->name && count < 48; field++)
        if (field->type != MSEQ_FIELD_IGNORED)
            names[count++] = field->name;
    const mseq_path here = {path, key, 0};
    refuse(to, &here, "unknown_key", "is not a known key");
    const char *nearest = mseq_text_nearest(key, names, count);
    if (nearest)
        mseq_error_hint(to->err, "did you mean '%s'?", nearest);
    return to->status;
}

static mseq_status check_record(const mseq_value *value, const mseq_path *path,
                                const mseq_field *fields, mseq_value **out, const refusals *to) {
    if (mseq_value_kind(value) != MSEQ_OBJECT)
        return refuse(to, path, "wrong_kind", "must be an object, not %s",
                      mseq_kind_name(mseq_value_kind(value)));
    for (size_t i = 0; i < mseq_value_length(value); i++)
        if (!is_known(fields, mseq_object_key_at(value, i), mseq_object_key_length_at(value, i)))
            return refuse_unknown(path, fields, mseq_object_key_at(value, i), to);
    mseq_value *record = mseq_value_object();
    mseq_status status = record ? MSEQ_OK : mseq_error_no_memory(to->err);
    for (const mseq_field *field = fields; status == MSEQ_OK && field->name; field++) {
        mseq_value *item = NULL;
        if (field->type != MSEQ_FIELD_IGNORED)
            status = take_field(value, path, field, &item, to);
        if (item && mseq_object_put(record, field->name, item) != MSEQ_OK)
            status = mseq_error_no_memory(to->err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(record);
        return status;
    }
    *out = record;
    return MSEQ_OK;
}

mseq_status mseq_record_check(const mseq_value *value, mseq_status refusal, const mseq_path *path,
                              const mseq_field *fields, mseq_value **out, mseq_error *err) {
    const refusals to = {refusal, err};
    return check_record(value, path, fields, out, &to);
}
