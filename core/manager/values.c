/* SPDX-License-Identifier: MIT
 * Values on their way into a SQLite data source and out of it. What travels is what is kept: uuids
 * in lower case with dashes, times in UTC with fixed width so that they sort, booleans as 0 and 1,
 * bytes as BLOB, JSON as text. A number that SQLite would round is refused. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "execution.h"

static mseq_status refuse_value(const char *name, mseq_error *err, const char *why) {
    return manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "parameter '%.100s': %s", name, why);
}

/* Takes over `made`, which replaces the value. */
static mseq_status replace(mseq_value **value, mseq_value *made, mseq_error *err) {
    if (!made)
        return mseq_error_no_memory(err);
    mseq_value_free(*value);
    *value = made;
    return MSEQ_OK;
}

/* ---- In ----------------------------------------------------------------------------------------
 */

static mseq_status uuid_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    char canonical[37];
    const char *text = mseq_value_get_text(*value);
    if (text && mseq_uuid_normalize(text, canonical))
        return replace(value, mseq_value_string(canonical), err);
    return strict ? refuse_value(name, err, "it is no uuid") : MSEQ_OK;
}

/* Digits of the fraction beyond microseconds, unless they are zeros. */
static bool finer_than_microseconds(const char *text) {
    const char *point = strpbrk(text, ".,");
    size_t digits = point ? strspn(point + 1, "0123456789") : 0;
    return digits > 6 && strspn(point + 7, "0") < digits - 6;
}

static mseq_status timestamp_in(const char *name, bool strict, mseq_value **value,
                                mseq_error *err) {
    char fixed[32];
    int64_t micros = 0;
    const char *text = mseq_value_get_text(*value);
    mseq_error cause = MSEQ_ERROR_INIT;
    if (!text)
        return strict ? refuse_value(name, err, "a timestamp must be a string") : MSEQ_OK;
    if (mseq_time_parse(text, &micros, &cause) != MSEQ_OK)
        return strict ? refuse_value(name, err, cause.message) : MSEQ_OK;
    if (finer_than_microseconds(text))
        return refuse_value(name, err,
                            "the data source keeps microseconds, and finer digits would be lost");
    mseq_time_format(micros, false, fixed);
    return replace(value, mseq_value_string(fixed), err);
}

/* [+-]digits[.digits][e[+-]digits]; *significant counts digits without zeros at the ends. */
static bool read_number(const char *text, size_t *significant, bool *whole) {
    const char *at = text + (*text == '+' || *text == '-');
    size_t digits = 0, zeros = 0;
    bool point = false;
    *significant = 0;
    for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        digits++;
        if (*at != '0') {
            *significant += *significant ? zeros + 1 : 1;
            zeros = 0;
        } else {
            zeros++;
        }
    }
    *whole = !point && *at == '\0';
    if (digits && (*at == 'e' || *at == 'E')) {
        at += 1 + (at[1] == '+' || at[1] == '-');
        digits = strspn(at, "0123456789");
        at += digits;
    }
    return digits && *at == '\0';
}

static mseq_status numeric_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    const char *text = mseq_value_get_text(*value);
    size_t significant = 0;
    bool whole = false;
    double number = 0;
    int64_t integer = 0;
    if (!text)
        return MSEQ_OK;
    if (!read_number(text, &significant, &whole))
        return strict ? refuse_value(name, err, "it is no number") : MSEQ_OK;
    if (whole && mseq_parse_integer(text, &integer))
        return replace(value, mseq_value_integer(integer), err);
    if (significant > 15)
        return refuse_value(
            name, err,
            "a SQLite data source keeps 15 significant digits of a number, and this "
            "one has more");
    if (!mseq_parse_double(text, &number) || !isfinite(number))
        return refuse_value(name, err, "the number is out of range");
    return replace(value, mseq_value_float(number), err);
}

/* INTEGER would take a larger number as a float, and any other text as it is. */
static mseq_status integer_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    const char *text = mseq_value_get_text(*value);
    int64_t integer = 0;
    if (!text)
        return MSEQ_OK;
    if (mseq_parse_integer(text, &integer))
        return replace(value, mseq_value_integer(integer), err);
    return strict ? refuse_value(name, err, "it is no integer of 64 bits") : MSEQ_OK;
}

/* "Infinity", "-inf" … as PostgreSQL reads them. */
static bool read_infinity(const char *text, double *number) {
    const char *word = text + (*text == '+' || *text == '-');
    if (strcasecmp(word, "infinity") != 0 && strcasecmp(word, "inf") != 0)
        return false;
    *number = *text == '-' ? -HUGE_VAL : HUGE_VAL;
    return true;
}

static mseq_status float_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    const char *text = mseq_value_get_text(*value);
    size_t significant = 0;
    bool whole = false;
    double number = 0;
    if (!text)
        return MSEQ_OK;
    if (read_infinity(text, &number))
        return replace(value, mseq_value_float(number), err);
    if (strict && strcasecmp(text, "nan") == 0)
        return refuse_value(name, err, "a SQLite data source keeps no NaN; write null");
    if (!read_number(text, &significant, &whole))
        return strict ? refuse_value(name, err, "it is no number") : MSEQ_OK;
    if (!mseq_parse_double(text, &number) || !isfinite(number))
        return refuse_value(name, err, "the number is out of range");
    return replace(value, mseq_value_float(number), err);
}

static mseq_status boolean_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    const char *text = mseq_value_get_text(*value);
    if (mseq_value_kind(*value) == MSEQ_BOOLEAN)
        return MSEQ_OK;
    if (mseq_value_kind(*value) == MSEQ_INTEGER && (mseq_value_get_integer(*value, 0) & ~1) == 0)
        return MSEQ_OK;
    if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))
        return replace(value, mseq_value_boolean(strcasecmp(text, "true") == 0), err);
    return strict ? refuse_value(name, err, "it is no boolean") : MSEQ_OK;
}

/* A string is JSON text already; every other value becomes it. */
static mseq_status json_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    mseq_value *parsed = NULL;
    char *text = NULL;
    if (mseq_value_kind(*value) == MSEQ_STRING) {
        mseq_status status = mseq_json_parse(mseq_value_get_text(*value),
                                             mseq_value_get_text_length(*value), 0, &parsed, NULL);
        mseq_value_free(parsed);
        if (status == MSEQ_E_NO_MEMORY)
            return mseq_error_no_memory(err);
        return status != MSEQ_OK && strict ? refuse_value(name, err, "it is no JSON text")
                                           : MSEQ_OK;
    }
    mseq_status status = manager_json_text(*value, &text, err);
    if (status == MSEQ_OK)
        status = replace(value, mseq_value_string(text), err);
    free(text);
    return status;
}

static mseq_status bytes_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    const char *text = mseq_value_get_text(*value);
    mseq_status status =
        text ? mseq_base64_decode(text, mseq_value_get_text_length(*value), &bytes, NULL)
             : MSEQ_E_REQUEST;
    mseq_buffer_free(&bytes);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK)
        return strict ? refuse_value(name, err, "bytes travel as base64 text") : MSEQ_OK;
    manager_draft wrapped;
    manager_draft_object(&wrapped);
    manager_put_copy(&wrapped, "$bytes", *value);
    return replace(value, manager_draft_take(&wrapped), err);
}

bool manager_type_is_bytes(const char *type) {
    static const char *const words[] = {"blob", "bytea", "binary", "varbinary"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncasecmp(type, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static mseq_status date_in(const char *name, bool strict, mseq_value **value, mseq_error *err) {
    const char *text = mseq_value_get_text(*value);
    return strict && !(text && mseq_date_valid(text))
               ? refuse_value(name, err, "it is no date YYYY-MM-DD")
               : MSEQ_OK;
}

bool manager_type_takes_numbers(const char *type) {
    static const char *const types[] = {"int64", "float64", "int32", "int16", "float32", "numeric"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

mseq_status manager_value_in(const char *name, const char *type, bool declared, manager_role role,
                             mseq_value **value, mseq_error *err) {
    static const struct {
        const char *type;
        mseq_status (*convert)(const char *name, bool strict, mseq_value **value, mseq_error *err);
    } conversions[] = {
        {"uuid", uuid_in},       {"timestamp with time zone", timestamp_in},
        {"numeric", numeric_in}, {"int16", integer_in},
        {"int32", integer_in},   {"int64", integer_in},
        {"float32", float_in},   {"float64", float_in},
        {"bool", boolean_in},    {"json", json_in},
        {"jsonb", json_in},      {"date", date_in},
    };
    const char *text = mseq_value_get_text(*value);
    bool strict = declared || role == MANAGER_ROLE_STORED;
    if (text && strlen(text) != mseq_value_get_text_length(*value))
        return refuse_value(name, err, "a text may not hold a NUL character");
    if (!type || mseq_value_is_null(*value))
        return MSEQ_OK;
    for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++)
        if (strcmp(type, conversions[i].type) == 0)
            return conversions[i].convert(name, strict, value, err);
    return manager_type_is_bytes(type) ? bytes_in(name, strict, value, err) : MSEQ_OK;
}

/* ---- Out ---------------------------------------------------------------------------------------
 */

/* The cell becomes a value of its own; false without memory. */
static bool show_value(mseq_cell *cell, mseq_value *made) {
    if (!made)
        return false;
    mseq_cell_clear(cell);
    return mseq_cell_take(cell, made);
}

/* Whether text has the form in which times are kept: that is shown as it is. */
static bool is_kept_time(const char *text, size_t length) {
    static const char form[] = "dddd-dd-ddThd:sd:sd.ddddddZ";
    bool kept = length == sizeof form - 1;
    for (size_t i = 0; kept && i < length; i++) {
        char least = form[i] == 'd' || form[i] == 'h' || form[i] == 's' ? '0' : form[i];
        char most = form[i] == 'd' ? '9' : form[i] == 'h' ? '1' : form[i] == 's' ? '5' : form[i];
        kept = text[i] >= least && text[i] <= most;
    }
    return kept;
}

/* What SQLite's own clock writes has no zone; it is UTC. */
static void show_timestamp(mseq_cell *cell) {
    char zoned[64], fixed[32];
    int64_t micros = 0;
    size_t length = cell->kind == MSEQ_STRING ? cell->as.length : 0;
    if (length < 19 || length > 40 || is_kept_time(cell->text, length) ||
        memchr(cell->text, '\0', length))
        return;
    memcpy(zoned, cell->text, length);
    zoned[length] = '\0';
    if (mseq_time_parse(zoned, &micros, NULL) != MSEQ_OK) {
        memcpy(zoned + length, "Z", 2);
        if (mseq_time_parse(zoned, &micros, NULL) != MSEQ_OK)
            return;
    }
    mseq_time_format(micros, false, fixed);
    mseq_cell_clear(cell);
    mseq_cell_copy(cell, fixed, strlen(fixed));
}

/* Text that is no JSON stays a text. */
static bool show_json(mseq_cell *cell) {
    mseq_value *parsed = NULL;
    if (cell->kind != MSEQ_STRING)
        return true;
    mseq_status status = mseq_json_parse(cell->text, cell->as.length, 0, &parsed, NULL);
    return status == MSEQ_OK ? show_value(cell, parsed) : status != MSEQ_E_NO_MEMORY;
}

bool manager_type_is_shown(const char *type) {
    return type && (strcmp(type, "bool") == 0 || strcmp(type, "timestamp with time zone") == 0 ||
                    strcmp(type, "json") == 0 || strcmp(type, "jsonb") == 0);
}

/* The cell as the reply shows it. False: memory is short. */
static bool show_cell(const char *type, mseq_cell *cell) {
    if (cell->kind == MSEQ_OBJECT)
        return show_value(cell, mseq_value_dup(mseq_object_get(cell->value, "$bytes")));
    if (!manager_type_is_shown(type) || cell->kind == MSEQ_NULL)
        return true;
    if (strcmp(type, "bool") == 0 && cell->kind == MSEQ_INTEGER)
        mseq_cell_boolean(cell, cell->as.integer != 0);
    else if (strcmp(type, "timestamp with time zone") == 0)
        show_timestamp(cell);
    else if (strcmp(type, "bool") != 0)
        return show_json(cell);
    return true;
}

mseq_status manager_row_out(mseq_row *row, const char *const *types, size_t count,
                            mseq_error *err) {
    for (size_t i = 0; i < row->count; i++)
        if (!show_cell(i < count ? types[i] : NULL, &row->cells[i]))
            return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static bool is_shown(const mseq_cell *cell, const mseq_value *value) {
    return !cell->owned && cell->kind == mseq_value_kind(value) &&
           (cell->kind != MSEQ_STRING || cell->text == mseq_value_get_text(value));
}

static mseq_status show_member(mseq_value *object, size_t position, const char *type) {
    const mseq_value *value = mseq_object_value_at(object, position);
    mseq_cell cell = {.kind = MSEQ_NULL};
    mseq_cell_borrow(&cell, value);
    if (!show_cell(type, &cell))
        return MSEQ_E_NO_MEMORY;
    return is_shown(&cell, value) ? MSEQ_OK
                                  : mseq_object_put(object, mseq_object_key_at(object, position),
                                                    mseq_cell_to_value(&cell));
}

mseq_status manager_values_out(mseq_value *rows, const char *const *types, size_t count,
                               mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(rows); i++) {
        mseq_value *row = mseq_array_peek(rows, i);
        for (size_t k = 0; k < mseq_value_length(row); k++)
            if (show_member(row, k, k < count ? types[k] : NULL) != MSEQ_OK)
                return mseq_error_no_memory(err);
    }
    return MSEQ_OK;
}
