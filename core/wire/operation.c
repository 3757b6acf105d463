/* SPDX-License-Identifier: MIT
 * compiled-sql.v1: the envelope of a governed statement (protocol page, section 8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "field.h"

static const char *const operations[] = {"select", "insert", "update", "delete", "upsert", NULL};
static const char *const versions[] = {"compiled-sql.v1", NULL};
static const char *const dialects[] = {"postgresql", "sqlite", NULL};
static const char *const paramstyles[] = {"pyformat", NULL};
static const char *const accesses[] = {"read", "write", NULL};
static const char *const policies[] = {"reject", "reconcile", NULL};

static const mseq_field statement_fields[] = {
    {.name = "sql", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "parameters", .type = MSEQ_FIELD_CONTAINER, .fallback = ""},
    {.name = "parameter_types", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "paramstyle", .fallback = "pyformat", .choices = paramstyles},
    {.name = NULL},
};

static const mseq_field scope_table_fields[] = {
    {.name = "meta_table_uid", .alias = "metaTableUid", .flags = MSEQ_FIELD_REQUIRED},
    {.name = "alias", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "access", .fallback = "read", .choices = accesses},
    {.name = "reserved_policy",
     .alias = "reservedPolicy",
     .flags = MSEQ_FIELD_OMIT_NULL,
     .choices = policies},
    {.name = NULL},
};

static const mseq_field scope_fields[] = {
    {.name = "data_source_uid",
     .alias = "dataSourceUid",
     .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "tables",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY,
     .fields = scope_table_fields},
    {.name = NULL},
};

static const mseq_field limits_fields[] = {
    {.name = "max_rows",
     .type = MSEQ_FIELD_INTEGER,
     .flags = MSEQ_FIELD_LENIENT,
     .minimum = 1,
     .fallback = "1000"},
    {.name = "offset",
     .type = MSEQ_FIELD_INTEGER,
     .flags = MSEQ_FIELD_LENIENT,
     .minimum = 0,
     .fallback = "0"},
    {.name = "statement_timeout_ms",
     .type = MSEQ_FIELD_INTEGER,
     .flags = MSEQ_FIELD_LENIENT,
     .minimum = 1,
     .fallback = "15000"},
    {.name = NULL},
};

static const mseq_field operation_fields[] = {
    {.name = "operation", .flags = MSEQ_FIELD_REQUIRED, .choices = operations},
    {.name = "version", .fallback = "compiled-sql.v1", .choices = versions},
    {.name = "dialect", .fallback = "postgresql", .choices = dialects},
    {.name = "statement",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_REQUIRED,
     .fields = statement_fields},
    {.name = "scope",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_REQUIRED,
     .fields = scope_fields},
    {.name = "limits",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fallback = "",
     .fields = limits_fields},
    {.name = NULL},
};

static const mseq_path statement_path = {NULL, "statement", 0};

/* Writes the timestamp as pandas prints it: no fraction when it is zero, six digits, or nine when
 * there are nanoseconds (0 to 999). */
static void format_timestamp(int64_t microseconds, int nanoseconds, char text[40]) {
    char whole[32];
    mseq_time_format(microseconds, nanoseconds == 0, whole);
    if (nanoseconds == 0) {
        snprintf(text, 40, "%s", whole);
        return;
    }
    snprintf(text, 40, "%.26s%03dZ", whole, nanoseconds);
}

/* The seventh to ninth digit of the fraction. */
static int nanoseconds_of(const char *text) {
    const char *point = strpbrk(text, ".,");
    int digits[3] = {0, 0, 0};
    if (!point || strspn(point + 1, "0123456789") <= 6)
        return 0;
    for (int i = 0; i < 3 && point[7 + i] >= '0' && point[7 + i] <= '9'; i++)
        digits[i] = point[7 + i] - '0';
    return digits[0] * 100 + digits[1] * 10 + digits[2];
}

static mseq_status convert_timestamp(const mseq_value *value, const mseq_path *path,
                                     mseq_value **out, mseq_error *err) {
    char text[40];
    if (mseq_value_kind(value) == MSEQ_INTEGER) { /* nanoseconds since 1970 */
        int64_t number = mseq_value_get_integer(value, 0);
        int64_t micros = number / 1000 - (number % 1000 < 0);
        format_timestamp(micros, (int)(number - micros * 1000), text);
    } else if (mseq_value_kind(value) == MSEQ_STRING) {
        const char *given = mseq_value_get_text(value);
        int64_t micros = 0;
        mseq_error cause = MSEQ_ERROR_INIT;
        if (strlen(given) != mseq_value_get_text_length(value))
            return wire_refuse(path, err, "bad_value", "contains a NUL character");
        if (mseq_time_parse(given, &micros, &cause) != MSEQ_OK) {
            wire_refuse(path, err, "bad_value", "%s", cause.message);
            mseq_error_hint(err, "write the time with an explicit offset or Z");
            return MSEQ_E_REQUEST;
        }
        format_timestamp(micros, nanoseconds_of(given), text);
    } else {
        return wire_refuse(path, err, "wrong_kind",
                           "a timestamp must be a string with an offset, not %s",
                           mseq_kind_name(mseq_value_kind(value)));
    }
    *out = mseq_value_string(text);
    return *out ? MSEQ_OK : mseq_error_no_memory(err);
}

/* A calendar date, or the date part of a timestamp as written, without zone conversion. */
static mseq_status convert_date(const mseq_value *value, const mseq_path *path, mseq_value **out,
                                mseq_error *err) {
    const char *text = mseq_value_get_text(value);
    char date[11] = "";
    if (text && strlen(text) == mseq_value_get_text_length(value))
        snprintf(date, sizeof date, "%.10s", text);
    if (!text || !mseq_date_valid(date) || (text[10] != '\0' && text[10] != 'T' && text[10] != ' '))
        return wire_refuse(path, err, "bad_value", "must be a date YYYY-MM-DD");
    *out = mseq_value_string(date);
    return *out ? MSEQ_OK : mseq_error_no_memory(err);
}

/* The value as its type has it; *converted stays NULL when it holds as it is. */
static mseq_status convert_value(const mseq_value *value, const char *name, const char *token,
                                 mseq_value **converted, mseq_error *err) {
    const mseq_path list = {&statement_path, "parameters", 0}, path = {&list, name, 0};
    if (!value || mseq_value_is_null(value))
        return MSEQ_OK;
    if (strcmp(token, "timestamp with time zone") == 0)
        return convert_timestamp(value, &path, converted, err);
    return strcmp(token, "date") == 0 ? convert_date(value, &path, converted, err) : MSEQ_OK;
}

static mseq_status convert_parameter(mseq_value *parameters, const char *name, const char *token,
                                     mseq_error *err) {
    mseq_value *converted = NULL;
    mseq_status status =
        convert_value(mseq_object_get(parameters, name), name, token, &converted, err);
    if (status == MSEQ_OK && converted && mseq_object_put(parameters, name, converted) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    return status;
}

static mseq_status normalize_token(mseq_value *types, const char *name, mseq_error *err) {
    const mseq_path list = {&statement_path, "parameter_types", 0}, path = {&list, name, 0};
    const mseq_value *type = mseq_object_get(types, name);
    if (mseq_value_kind(type) != MSEQ_STRING)
        return wire_refuse(&path, err, "wrong_kind", "must be a string, not %s",
                           mseq_kind_name(mseq_value_kind(type)));
    char *token = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_data_type_normalize(mseq_value_get_text(type), &token, &cause);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK)
        return wire_refuse(&path, err, "bad_value", "%s", cause.message);
    status = mseq_object_put_text(types, name, token);
    free(token);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Tokens are normalised; parameters of an object are converted by them, those of an array are sent
 * as they are. */
static mseq_status apply_types(mseq_value *statement, mseq_error *err) {
    mseq_value *types = mseq_object_peek(statement, "parameter_types");
    mseq_value *parameters = mseq_object_peek(statement, "parameters");
    for (size_t i = 0; i < mseq_value_length(types); i++) {
        const char *name = mseq_object_key_at(types, i);
        if (strlen(name) != mseq_object_key_length_at(types, i))
            return wire_refuse(&statement_path, err, "bad_value",
                               "a name in parameter_types contains a NUL character");
        mseq_status status = normalize_token(types, name, err);
        if (status == MSEQ_OK && mseq_value_kind(parameters) == MSEQ_OBJECT)
            status = convert_parameter(parameters, name, mseq_object_get_text(types, name), err);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

mseq_status mseq_wire_validate_operation(const mseq_value *operation, mseq_value **normalized,
                                         mseq_error *err) {
    mseq_value *record = NULL;
    mseq_status status =
        mseq_record_check(operation, MSEQ_E_REQUEST, NULL, operation_fields, &record, err);
    if (status == MSEQ_OK)
        status = apply_types(mseq_object_peek(record, "statement"), err);
    if (status != MSEQ_OK) {
        mseq_value_free(record);
        return status;
    }
    *normalized = record;
    return MSEQ_OK;
}

mseq_status mseq_wire_convert_parameters(const mseq_value *parameters, const mseq_value *types,
                                         mseq_value **converted, mseq_error *err) {
    mseq_value *copy = NULL;
    mseq_status status = MSEQ_OK;
    bool named = mseq_value_kind(parameters) == MSEQ_OBJECT;
    for (size_t i = 0; named && i < mseq_value_length(types) && status == MSEQ_OK; i++) {
        const char *name = mseq_object_key_at(types, i);
        mseq_value *made = NULL;
        status = convert_value(mseq_object_get(parameters, name), name,
                               mseq_object_get_text(types, name), &made, err);
        if (!made)
            continue;
        if (!copy && !(copy = mseq_value_dup(parameters)))
            mseq_value_free(made);
        if (!copy || mseq_object_put(copy, name, made) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(copy);
        return status;
    }
    *converted = copy;
    return MSEQ_OK;
}
