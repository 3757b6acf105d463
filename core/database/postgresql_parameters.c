/* SPDX-License-Identifier: MIT
 * Parameters on their way to PostgreSQL. They travel typed: an integer as the smallest of int2,
 * int4 and int8, a float as float8, a boolean as bool, bytes as bytea; strings, null and JSON are
 * for the server to type; a list is an array where the server wants an array, else JSON text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_FLOAT8 = 701
};

/* No offset: the value is a borrowed pointer, or NULL. */
static const size_t NO_OFFSET = SIZE_MAX;

static Oid integer_type(int64_t integer) {
    if (integer >= INT16_MIN && integer <= INT16_MAX)
        return OID_INT2;
    return integer >= INT32_MIN && integer <= INT32_MAX ? OID_INT4 : OID_INT8;
}

/* What follows is this parameter's text. */
static void start_text(postgresql_parameters *p, size_t i) {
    p->offsets[i] = p->text.length;
}

static void end_text(postgresql_parameters *p) {
    mseq_buffer_append_char(&p->text, '\0');
}

static mseq_status read_string(postgresql_parameters *p, size_t i, const mseq_value *value,
                               mseq_error *err) {
    const char *text = mseq_value_get_text(value);
    if (strlen(text) != mseq_value_get_text_length(value))
        return mseq_error_set(err, MSEQ_E_STATEMENT,
                              "parameter %zu holds a NUL character, which PostgreSQL cannot store",
                              i + 1);
    p->values[i] = text;
    return MSEQ_OK;
}

static mseq_status read_bytes(postgresql_parameters *p, size_t i, const mseq_value *base64,
                              mseq_error *err) {
    start_text(p, i);
    mseq_status status = mseq_base64_decode(mseq_value_get_text(base64),
                                            mseq_value_get_text_length(base64), &p->text, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "parameter %zu: ", i + 1);
        return status;
    }
    p->types[i] = OID_BYTEA;
    p->formats[i] = 1;
    p->lengths[i] = (int)(p->text.length - p->offsets[i]);
    end_text(p);
    return MSEQ_OK;
}

static mseq_status write_json(postgresql_parameters *p, size_t i, const mseq_value *value,
                              mseq_error *err) {
    start_text(p, i);
    mseq_status status = mseq_json_write(value, 0, &p->text, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "parameter %zu: ", i + 1);
    end_text(p);
    return status;
}

static void write_float(mseq_buffer *buffer, double number) {
    char text[32];
    if (isnan(number)) {
        mseq_buffer_append_text(buffer, "NaN");
    } else if (isinf(number)) {
        mseq_buffer_append_text(buffer, number < 0 ? "-Infinity" : "Infinity");
    } else {
        mseq_format_double(number, text);
        mseq_buffer_append_text(buffer, text);
    }
}

static mseq_status read_value(postgresql_parameters *p, size_t i, const mseq_value *value,
                              mseq_error *err) {
    const mseq_value *bytes;
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        break;
    case MSEQ_BOOLEAN:
        p->types[i] = OID_BOOL;
        p->values[i] = mseq_value_get_boolean(value, false) ? "t" : "f";
        break;
    case MSEQ_INTEGER:
        p->types[i] = integer_type(mseq_value_get_integer(value, 0));
        start_text(p, i);
        mseq_buffer_append_integer(&p->text, mseq_value_get_integer(value, 0));
        end_text(p);
        break;
    case MSEQ_FLOAT:
        p->types[i] = OID_FLOAT8;
        start_text(p, i);
        write_float(&p->text, mseq_value_get_float(value, 0));
        end_text(p);
        break;
    case MSEQ_STRING:
        return read_string(p, i, value, err);
    case MSEQ_ARRAY:
        p->lists = true;
        break;
    default:
        bytes = database_bytes_of(value);
        return bytes ? read_bytes(p, i, bytes, err) : write_json(p, i, value, err);
    }
    return MSEQ_OK;
}

mseq_status postgresql_parameters_read(const mseq_value *given, postgresql_parameters *parameters,
                                       mseq_error *err) {
    postgresql_parameters p = {.given = given, .count = mseq_value_length(given)};
    if (given && mseq_value_kind(given) != MSEQ_ARRAY)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "parameters must be an array, not %s",
                              mseq_kind_name(mseq_value_kind(given)));
    if (p.count > POSTGRESQL_PARAMETER_MAXIMUM) {
        mseq_error_set(err, MSEQ_E_STATEMENT, "%zu parameters are given; PostgreSQL takes %d",
                       p.count, POSTGRESQL_PARAMETER_MAXIMUM);
        mseq_error_hint(err, "split the statement, or pass a list as one array parameter");
        return MSEQ_E_STATEMENT;
    }
    *parameters = p;
    if (!p.count)
        return MSEQ_OK;
    p.types = calloc(p.count, sizeof *p.types);
    p.values = calloc(p.count, sizeof *p.values);
    p.offsets = malloc(p.count * sizeof *p.offsets);
    p.lengths = calloc(p.count, sizeof *p.lengths);
    p.formats = calloc(p.count, sizeof *p.formats);
    if (!p.types || !p.values || !p.offsets || !p.lengths || !p.formats) {
        *parameters = p;
        mseq_error_no_memory(err);
        return MSEQ_E_NO_MEMORY;
    }
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < p.count; i++) {
        p.offsets[i] = NO_OFFSET;
        status = read_value(&p, i, mseq_array_get(given, i), err);
    }
    *parameters = p;
    return status;
}

void postgresql_parameters_declare(postgresql_parameters *p, const char *const *types) {
    static const struct {
        const char *name;
        Oid type;
    } known[] = {{"uuid", 2950},    {"date", 1082},   {"timestamp with time zone", 1184},
                 {"numeric", 1700}, {"json", 114},    {"jsonb", 3802},
                 {"bool", 16},      {"int16", 21},    {"int32", 23},
                 {"int64", 20},     {"float32", 700}, {"float64", 701}};
    for (size_t i = 0; types && i < p->count; i++) {
        mseq_kind kind = mseq_value_kind(mseq_array_get(p->given, i));
        bool text = kind == MSEQ_STRING || kind == MSEQ_NULL || kind == MSEQ_OBJECT;
        bool number = kind == MSEQ_INTEGER || kind == MSEQ_FLOAT;
        for (size_t k = 0; types[i] && k < sizeof known / sizeof *known; k++) {
            bool wide = known[k].type == 1700 || known[k].type == 700 || known[k].type == 701;
            bool whole = known[k].type == 20 && kind == MSEQ_INTEGER;
            if (strcmp(known[k].name, types[i]) == 0 && p->formats[i] == 0 &&
                (text || (number && (wide || whole))))
                p->types[i] = known[k].type;
        }
    }
}

/* ---- Lists -------------------------------------------------------------------------------------
 */

/* PostgreSQL's array text: elements in quotes, with \ before quotes and backslashes. */
static mseq_status write_array(mseq_buffer *buffer, const mseq_value *list, bool json,
                               mseq_error *err);

static void write_quoted(mseq_buffer *buffer, const char *text, size_t length) {
    mseq_buffer_append_char(buffer, '"');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            mseq_buffer_append_char(buffer, '\\');
        mseq_buffer_append_char(buffer, text[i]);
    }
    mseq_buffer_append_char(buffer, '"');
}

static mseq_status write_json_element(mseq_buffer *buffer, const mseq_value *value,
                                      mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(value, 0, &text, err);
    if (status == MSEQ_OK)
        write_quoted(buffer, mseq_buffer_text(&text), text.length);
    mseq_buffer_free(&text);
    return status;
}

static mseq_status write_bytes_element(mseq_buffer *buffer, const mseq_value *base64,
                                       mseq_error *err) {
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_base64_decode(mseq_value_get_text(base64),
                                            mseq_value_get_text_length(base64), &bytes, err);
    mseq_buffer_append_text(buffer, "\"\\\\x");
    for (size_t i = 0; status == MSEQ_OK && i < bytes.length; i++)
        mseq_buffer_append_format(buffer, "%02x", (unsigned char)bytes.data[i]);
    mseq_buffer_append_char(buffer, '"');
    mseq_buffer_free(&bytes);
    return status;
}

static mseq_status write_element(mseq_buffer *buffer, const mseq_value *value, bool json,
                                 mseq_error *err) {
    const char *text = mseq_value_get_text(value);
    const mseq_value *bytes = database_bytes_of(value);
    if (bytes && !json)
        return write_bytes_element(buffer, bytes, err);
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        mseq_buffer_append_text(buffer, "NULL");
        return MSEQ_OK;
    case MSEQ_BOOLEAN:
        mseq_buffer_append_text(buffer, mseq_value_get_boolean(value, false) ? "true" : "false");
        return MSEQ_OK;
    case MSEQ_INTEGER:
        mseq_buffer_append_integer(buffer, mseq_value_get_integer(value, 0));
        return MSEQ_OK;
    case MSEQ_FLOAT:
        write_float(buffer, mseq_value_get_float(value, 0));
        return MSEQ_OK;
    case MSEQ_STRING:
        if (json)
            return write_json_element(buffer, value, err);
        if (strlen(text) != mseq_value_get_text_length(value))
            return mseq_error_set(err, MSEQ_E_STATEMENT,
                                  "an element holds a NUL character, which PostgreSQL cannot "
                                  "store");
        write_quoted(buffer, text, mseq_value_get_text_length(value));
        return MSEQ_OK;
    case MSEQ_ARRAY:
        return json ? write_json_element(buffer, value, err)
                    : write_array(buffer, value, json, err);
    default:
        return write_json_element(buffer, value, err);
    }
}

static mseq_status write_array(mseq_buffer *buffer, const mseq_value *list, bool json,
                               mseq_error *err) {
    mseq_status status = MSEQ_OK;
    mseq_buffer_append_char(buffer, '{');
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(list); i++) {
        if (i)
            mseq_buffer_append_char(buffer, ',');
        status = write_element(buffer, mseq_array_get(list, i), json, err);
    }
    mseq_buffer_append_char(buffer, '}');
    return status;
}

static mseq_status finish_list(const postgresql_session *session, postgresql_parameters *p,
                               size_t i, Oid found, mseq_error *err) {
    const mseq_value *list = mseq_array_get(p->given, i);
    postgresql_type type = postgresql_type_of(session, found);
    if (type.form != POSTGRESQL_ARRAY)
        return write_json(p, i, list, err);
    bool json = postgresql_type_of(session, type.element).form == POSTGRESQL_JSON;
    start_text(p, i);
    mseq_status status = write_array(&p->text, list, json, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "parameter %zu: ", i + 1);
    end_text(p);
    return status;
}

mseq_status postgresql_parameters_finish(const postgresql_session *session,
                                         postgresql_parameters *parameters, const Oid *found,
                                         mseq_error *err) {
    postgresql_parameters *p = parameters;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && p->lists && i < p->count; i++)
        if (mseq_value_kind(mseq_array_get(p->given, i)) == MSEQ_ARRAY)
            status = finish_list(session, p, i, found ? found[i] : 0, err);
    if (status == MSEQ_OK && p->text.status != MSEQ_OK)
        status = p->text.status == MSEQ_E_LIMIT
                     ? mseq_error_set(err, MSEQ_E_LIMIT, "the parameters are too large")
                     : mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < p->count; i++)
        if (p->offsets[i] != NO_OFFSET)
            p->values[i] = p->text.data + p->offsets[i];
    p->lists = false;
    return status;
}

bool postgresql_parameter_is_null(const postgresql_parameters *parameters, size_t position) {
    return mseq_value_is_null(mseq_array_get(parameters->given, position));
}

void postgresql_parameters_free(postgresql_parameters *parameters) {
    free(parameters->types);
    free((void *)parameters->values);
    free(parameters->offsets);
    free(parameters->lengths);
    free(parameters->formats);
    mseq_buffer_free(&parameters->text);
}
