/* SPDX-License-Identifier: MIT
 * Values out of PostgreSQL's text. Nothing is lost: integers are exact; a numeric with a fraction,
 * or beyond 64 bits, stays text; NaN and infinities are text; JSON that a value cannot hold stays
 * text. A timestamp has the fixed width that it has on SQLite: YYYY-MM-DDTHH:MM:SS.ffffff, with Z
 * when it has a zone; one that this form cannot hold (before our era, infinity) stays as it is. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

static mseq_value *float_value(const char *text, size_t length) {
    double number;
    return mseq_parse_double(text, &number) && isfinite(number) ? mseq_value_float(number)
                                                                : mseq_value_string_n(text, length);
}

/* "12" is an integer, "1.50" stays text: a float would lose the scale. */
static mseq_value *integer_value(const char *text, size_t length) {
    int64_t integer;
    return mseq_parse_integer(text, &integer) ? mseq_value_integer(integer)
                                              : mseq_value_string_n(text, length);
}

static mseq_value *json_value(const char *text, size_t length) {
    mseq_value *value = NULL;
    mseq_status status = mseq_json_parse(text, length, 0, &value, NULL);
    if (status == MSEQ_OK)
        return value;
    return status == MSEQ_E_NO_MEMORY ? NULL : mseq_value_string_n(text, length);
}

static int nibble(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "\xdeadbeef" */
static mseq_value *bytes_value(const char *text, size_t length) {
    if (length < 2 || text[0] != '\\' || text[1] != 'x')
        return mseq_value_string_n(text, length);
    size_t count = (length - 2) / 2;
    char *bytes = malloc(count + 1);
    if (!bytes)
        return NULL;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(nibble(text[2 + 2 * i]) << 4 | nibble(text[3 + 2 * i]));
    mseq_value *value = database_bytes_value(bytes, count);
    free(bytes);
    return value;
}

/* Whether the text has the form "dddd-dd-dd dd:dd:dd". */
static bool is_timestamp(const char *text, size_t length) {
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    if (length < sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    return true;
}

static mseq_value *timestamp_value(const char *text, size_t length, bool zoned) {
    enum { SECONDS = 19, FRACTION = 6 };
    if (!is_timestamp(text, length))
        return mseq_value_string_n(text, length);
    const char *at = text + SECONDS;
    size_t digits = *at == '.' ? strspn(at + 1, "0123456789") : 0;
    const char *zone = at + (digits ? digits + 1 : 0);
    if (digits > FRACTION || (zoned ? strcmp(zone, "+00") : *zone) != 0) {
        char fixed[32];
        int64_t microseconds; /* the session has another time zone */
        if (!zoned || mseq_time_parse(text, &microseconds, NULL) != MSEQ_OK)
            return mseq_value_string_n(text, length);
        mseq_time_format(microseconds, false, fixed);
        return mseq_value_string(fixed);
    }
    char fixed[32] = "";
    memcpy(fixed, text, SECONDS);
    fixed[10] = 'T';
    memcpy(fixed + SECONDS, ".000000Z", 9);
    memcpy(fixed + SECONDS + 1, at + 1, digits);
    return mseq_value_string_n(fixed, SECONDS + 1 + FRACTION + (zoned ? 1 : 0));
}

/* ---- Arrays ------------------------------------------------------------------------------------
 */

typedef struct array_reader {
    const postgresql_session *session;
    Oid element;
    const char *at, *end;
    bool failed;
} array_reader;

/* An element in quotes or bare. NULL: memory is short. */
static mseq_value *read_element(array_reader *reader) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    bool quoted = reader->at < reader->end && *reader->at == '"';
    reader->at += quoted;
    while (reader->at < reader->end &&
           (quoted ? *reader->at != '"' : *reader->at != ',' && *reader->at != '}')) {
        if (*reader->at == '\\' && reader->at + 1 < reader->end)
            reader->at++;
        mseq_buffer_append_char(&text, *reader->at++);
    }
    reader->at += quoted && reader->at < reader->end;
    mseq_value *value = NULL;
    if (text.status == MSEQ_OK)
        value = !quoted && strcmp(mseq_buffer_text(&text), "NULL") == 0
                    ? mseq_value_null()
                    : postgresql_value(reader->session, reader->element, mseq_buffer_text(&text),
                                       text.length);
    mseq_buffer_free(&text);
    return value;
}

/* "{…}" at reader->at; PostgreSQL has at most six dimensions. */
static mseq_value *read_array(array_reader *reader, int depth) { // NOLINT(misc-no-recursion)
    mseq_value *list = mseq_value_array();
    reader->at++;
    while (list && !reader->failed && reader->at < reader->end && *reader->at != '}') {
        mseq_value *item = NULL;
        if (*reader->at == '{' && depth < 6)
            item = read_array(reader, depth + 1);
        else
            item = read_element(reader);
        if (mseq_array_add(list, item) != MSEQ_OK)
            reader->failed = true;
        if (reader->at < reader->end && *reader->at == ',')
            reader->at++;
    }
    reader->at += reader->at < reader->end;
    return list;
}

static mseq_value *array_value(const postgresql_session *session, Oid element, const char *text,
                               size_t length) {
    array_reader reader = {session, element, text, text + length, false};
    if (text[0] == '[') { /* bounds that do not start at 1: "[0:1]={…}" */
        const char *equals = strchr(text, '=');
        reader.at = equals ? equals + 1 : text;
    }
    if (*reader.at != '{')
        return mseq_value_string_n(text, length);
    mseq_value *list = read_array(&reader, 1);
    if (!reader.failed)
        return list;
    mseq_value_free(list);
    return NULL;
}

/* ---- Values and rows ---------------------------------------------------------------------------
 */

mseq_value *postgresql_value(const postgresql_session *session,
                             Oid type, // NOLINT(misc-no-recursion)
                             const char *text, size_t length) {
    postgresql_type known = postgresql_type_of(session, type);
    switch (known.form) {
    case POSTGRESQL_INTEGER:
    case POSTGRESQL_NUMERIC:
        return integer_value(text, length);
    case POSTGRESQL_FLOAT:
        return float_value(text, length);
    case POSTGRESQL_BOOLEAN:
        return mseq_value_boolean(text[0] == 't');
    case POSTGRESQL_BYTES:
        return bytes_value(text, length);
    case POSTGRESQL_JSON:
        return json_value(text, length);
    case POSTGRESQL_TIMESTAMP:
    case POSTGRESQL_TIMESTAMP_ZONED:
        return timestamp_value(text, length, known.form == POSTGRESQL_TIMESTAMP_ZONED);
    case POSTGRESQL_ARRAY:
        return array_value(session, known.element, text, length);
    default:
        return mseq_value_string_n(text, length);
    }
}

mseq_status postgresql_row(const postgresql_session *session, const postgresql_statement *statement,
                           const PGresult *result, int row, mseq_value **object, mseq_error *err) {
    mseq_value *made = mseq_value_object();
    bool ok = made;
    for (size_t i = 0; ok && i < statement->column_count; i++) {
        const postgresql_column *column = &statement->columns[i];
        int number = (int)i;
        mseq_value *value =
            PQgetisnull(result, row, number)
                ? mseq_value_null()
                : postgresql_value(session, column->type, PQgetvalue(result, row, number),
                                   (size_t)PQgetlength(result, row, number));
        ok = mseq_object_put(made, column->name, value) == MSEQ_OK;
    }
    if (!ok) {
        mseq_value_free(made);
        return mseq_error_no_memory(err);
    }
    *object = made;
    return MSEQ_OK;
}
