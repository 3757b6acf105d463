/* SPDX-License-Identifier: MIT
 * Values out of PostgreSQL's text. Nothing is lost: integers are exact; a numeric with a fraction,
 * or beyond 64 bits, stays text; NaN and infinities are text; JSON that a value cannot hold stays
 * text. A timestamp has the fixed width that it has on SQLite: YYYY-MM-DDTHH:MM:SS.ffffff, with Z
 * when it has a zone; one that this form cannot hold (before our era, infinity) stays as it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

/* Who reads a value: its session knows the types. */
typedef struct value_reader {
    const postgresql_session *session;
    bool plain; /* bytes are base64 text and no object */
} value_reader;

/* Each fills a cell that is null, from text that ends with NUL. False: memory is short. */

static bool read_float(const char *text, size_t length, mseq_cell *cell) {
    double number;
    if (mseq_parse_double(text, &number) && isfinite(number))
        mseq_cell_float(cell, number);
    else
        mseq_cell_text(cell, text, length);
    return true;
}

/* "12" is an integer, "1.50" stays text: a float would lose the scale. */
static bool read_integer(const char *text, size_t length, mseq_cell *cell) {
    int64_t integer;
    if (mseq_parse_integer(text, &integer))
        mseq_cell_integer(cell, integer);
    else
        mseq_cell_text(cell, text, length);
    return true;
}

static bool read_json(const char *text, size_t length, mseq_cell *cell) {
    mseq_value *value = NULL;
    mseq_status status = mseq_json_parse(text, length, 0, &value, NULL);
    if (status == MSEQ_OK)
        return mseq_cell_take(cell, value);
    mseq_cell_text(cell, text, length);
    return status != MSEQ_E_NO_MEMORY;
}

static int nibble(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "\xdeadbeef" */
static bool read_bytes(const char *text, size_t length, bool plain, mseq_cell *cell) {
    if (length < 2 || text[0] != '\\' || text[1] != 'x') {
        mseq_cell_text(cell, text, length);
        return true;
    }
    size_t count = (length - 2) / 2;
    char *bytes = malloc(count + 1);
    if (!bytes)
        return false;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(nibble(text[2 + 2 * i]) << 4 | nibble(text[3 + 2 * i]));
    bool taken = mseq_cell_take(cell, database_bytes_value(bytes, count, plain));
    free(bytes);
    return taken;
}

/* Whether eight bytes have a form: what differs from it is a number up to 9 at a digit ('0') and
 * nothing at another byte. Adding `most` takes whatever is more to the high bit of its byte. */
static bool has_form(const char *text, const char *form, const char *most) {
    uint64_t bytes, forms, mosts;
    memcpy(&bytes, text, sizeof bytes);
    memcpy(&forms, form, sizeof forms);
    memcpy(&mosts, most, sizeof mosts);
    bytes ^= forms;
    return (((bytes + mosts) | bytes) & 0x8080808080808080u) == 0;
}

#define D "\x76" /* a digit: 0x7F - 9 */
#define O "\x7f" /* another byte */

/* Whether the text has the form "dddd-dd-dd dd:dd:dd". */
static bool is_timestamp(const char *text, size_t length) {
    return length >= 19 && has_form(text, "0000-00-", D D D D O D D O) &&
           has_form(text + 8, "00 00:00", D D O D D O D D) &&
           has_form(text + 11, "00:00:00", D D O D D O D D);
}

#undef D
#undef O

static void read_timestamp(const char *text, size_t length, bool zoned, mseq_cell *cell) {
    enum { SECONDS = 19, FRACTION = 6 };
    mseq_cell_text(cell, text, length);
    if (!is_timestamp(text, length))
        return;
    const char *at = text + SECONDS;
    size_t digits = *at == '.' ? strspn(at + 1, "0123456789") : 0;
    const char *zone = at + (digits ? digits + 1 : 0);
    if (digits > FRACTION || (zoned ? strcmp(zone, "+00") : *zone) != 0) {
        char fixed[32];
        int64_t microseconds; /* the session has another time zone */
        if (!zoned || mseq_time_parse(text, &microseconds, NULL) != MSEQ_OK)
            return;
        mseq_time_format(microseconds, false, fixed);
        mseq_cell_copy(cell, fixed, strlen(fixed));
        return;
    }
    char fixed[32] = "";
    memcpy(fixed, text, SECONDS);
    fixed[10] = 'T';
    memcpy(fixed + SECONDS, ".000000Z", 9);
    memcpy(fixed + SECONDS + 1, at + 1, digits);
    mseq_cell_copy(cell, fixed, SECONDS + 1 + FRACTION + (zoned ? 1 : 0));
}

/* ---- Arrays ------------------------------------------------------------------------------------
 */

static bool read_value(const value_reader *reader, postgresql_type type, const char *text,
                       size_t length, mseq_cell *cell);

typedef struct array_reader {
    const value_reader *values;
    postgresql_type element;
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
    mseq_cell cell = {.kind = MSEQ_NULL};
    bool null = !quoted && strcmp(mseq_buffer_text(&text), "NULL") == 0;
    if (text.status == MSEQ_OK && (null || read_value(reader->values, reader->element,
                                                      mseq_buffer_text(&text), text.length, &cell)))
        value = mseq_cell_to_value(&cell);
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

static bool read_list(const value_reader *values, Oid element, const char *text, size_t length,
                      mseq_cell *cell) {
    array_reader reader = {values, postgresql_type_of(values->session, element), text,
                           text + length, false};
    if (text[0] == '[') { /* bounds that do not start at 1: "[0:1]={…}" */
        const char *equals = strchr(text, '=');
        reader.at = equals ? equals + 1 : text;
    }
    if (*reader.at != '{') {
        mseq_cell_text(cell, text, length);
        return true;
    }
    mseq_value *list = read_array(&reader, 1);
    if (!reader.failed)
        return mseq_cell_take(cell, list);
    mseq_value_free(list);
    return false;
}

/* ---- Values and rows ---------------------------------------------------------------------------
 */

static bool read_value(const value_reader *reader, // NOLINT(misc-no-recursion)
                       postgresql_type type, const char *text, size_t length, mseq_cell *cell) {
    switch (type.form) {
    case POSTGRESQL_INTEGER:
    case POSTGRESQL_NUMERIC:
        return read_integer(text, length, cell);
    case POSTGRESQL_FLOAT:
        return read_float(text, length, cell);
    case POSTGRESQL_BOOLEAN:
        mseq_cell_boolean(cell, text[0] == 't');
        return true;
    case POSTGRESQL_BYTES:
        return read_bytes(text, length, reader->plain, cell);
    case POSTGRESQL_JSON:
        return read_json(text, length, cell);
    case POSTGRESQL_TIMESTAMP:
    case POSTGRESQL_TIMESTAMP_ZONED:
        read_timestamp(text, length, type.form == POSTGRESQL_TIMESTAMP_ZONED, cell);
        return true;
    case POSTGRESQL_ARRAY:
        return read_list(reader, type.element, text, length, cell);
    default:
        mseq_cell_text(cell, text, length);
        return true;
    }
}

/* How the columns are read; the types of the database's own are known by the first row. */
static mseq_status find_forms(const postgresql_session *session, postgresql_statement *statement,
                              mseq_error *err) {
    postgresql_type *forms = calloc(statement->row.count + 1, sizeof *forms);
    if (!forms)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < statement->row.count; i++)
        forms[i] = postgresql_type_of(session, statement->column_types[i]);
    statement->column_forms = forms;
    return MSEQ_OK;
}

mseq_status postgresql_row(const postgresql_session *session, postgresql_statement *statement,
                           const PGresult *result, int number, bool plain, mseq_error *err) {
    value_reader reader = {session, plain};
    mseq_row *row = &statement->row;
    mseq_status status = statement->column_forms ? MSEQ_OK : find_forms(session, statement, err);
    mseq_row_clear(row);
    for (size_t i = 0; status == MSEQ_OK && i < row->count; i++) {
        int column = (int)i;
        const char *text = PQgetvalue(result, number, column);
        size_t length = (size_t)PQgetlength(result, number, column);
        if (length == 0 && PQgetisnull(result, number, column))
            continue;
        if (!read_value(&reader, statement->column_forms[i], text, length, &row->cells[i]))
            status = mseq_error_no_memory(err);
    }
    return status;
}
