/* SPDX-License-Identifier: MIT
 * JSON text → value without a tree in between, for text that is plainly valid. It never judges:
 * whatever is the least unusual is left to jansson (json_read.c), which accepts it or says what is
 * wrong with it. So there is one authority on what JSON we take, and catalog rows, of which a
 * server reads thousands a second, are read at a sixth of its price. The lines of a row stream are
 * read into cells, with nothing in between. */
#include <string.h>

#include "json_private.h"
#include "number_private.h"

enum { STRING_MAXIMUM = 64 * 1024 }; /* escaped strings longer than this are left to jansson */

typedef struct reader {
    const char *at, *end;
    size_t depth; /* levels that may still be opened */
} reader;

static mseq_value *read_value(reader *in);

static void skip_space(reader *in) {
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\n' || *in->at == '\r' || *in->at == '\t'))
        in->at++;
}

static bool take(reader *in, char byte) {
    skip_space(in);
    if (in->at == in->end || *in->at != byte)
        return false;
    in->at++;
    return true;
}

/* ---- Strings -----------------------------------------------------------------------------------
 */

/* The bytes up to the closing quote, when there is nothing to decode in them. */
static bool read_plain(reader *in, const char **bytes, size_t *length) {
    const char *at = in->at + json_plain_length(in->at, (size_t)(in->end - in->at));
    bool ascii = true;
    while (at < in->end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        ascii = ascii && (unsigned char)*at < 0x80;
        at++;
    }
    if (at == in->end || *at != '"')
        return false;
    *bytes = in->at;
    *length = (size_t)(at - in->at);
    in->at = at + 1;
    return ascii || mseq_utf8_valid(*bytes, *length);
}

/* \n and the like; \u escapes are for jansson. */
static char unescaped(char letter) {
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

static mseq_value *read_escaped(reader *in) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    text.maximum = STRING_MAXIMUM;
    mseq_value *string = NULL;
    while (in->at < in->end && *in->at != '"') {
        const char *from = in->at;
        while (in->at < in->end && *in->at != '"' && *in->at != '\\' &&
               (unsigned char)*in->at >= 0x20)
            in->at++;
        mseq_buffer_append(&text, from, (size_t)(in->at - from));
        if (in->at == in->end || *in->at == '"')
            break;
        char byte = *in->at == '\\' && in->at + 1 < in->end ? unescaped(in->at[1]) : '\0';
        if (!byte || mseq_buffer_append_char(&text, byte) != MSEQ_OK) {
            mseq_buffer_free(&text);
            return NULL;
        }
        in->at += 2;
    }
    if (in->at < in->end && text.status == MSEQ_OK &&
        mseq_utf8_valid(mseq_buffer_text(&text), text.length))
        string = mseq_value_string_n(mseq_buffer_text(&text), text.length);
    in->at += in->at < in->end;
    mseq_buffer_free(&text);
    return string;
}

/* After the opening quote. */
static bool read_string(reader *in, mseq_cell *cell) {
    const char *bytes, *start = in->at;
    size_t length;
    if (!read_plain(in, &bytes, &length)) {
        in->at = start;
        return mseq_cell_take(cell, read_escaped(in));
    }
    mseq_cell_text(cell, bytes, length);
    return true;
}

/* ---- Numbers and words -------------------------------------------------------------------------
 */

static bool is_digit(const char *at) {
    return *at >= '0' && *at <= '9';
}

/* The end of a number as JSON writes it, whose text ends with NUL; NULL: it is none. */
static const char *number_end(const char *at) {
    at += *at == '-';
    if (!is_digit(at) || (*at == '0' && is_digit(at + 1)))
        return NULL;
    while (is_digit(at))
        at++;
    if (*at == '.' && !is_digit(++at))
        return NULL;
    while (is_digit(at))
        at++;
    if (*at != 'e' && *at != 'E')
        return at;
    at += 1 + (at[1] == '+' || at[1] == '-');
    if (!is_digit(at))
        return NULL;
    while (is_digit(at))
        at++;
    return at;
}

static bool ends_number(const reader *in, const char *at) {
    if (at == in->end)
        return true;
    switch (*at) {
    case ',':
    case ']':
    case '}':
    case ' ':
    case '\n':
    case '\r':
    case '\t':
        return true;
    default:
        return false;
    }
}

/* A float of many digits or with an exponent; integers of many digits are for jansson. */
static bool read_long_float(reader *in, mseq_cell *cell) {
    char text[64];
    size_t left = (size_t)(in->end - in->at),
           length = left < sizeof text - 1 ? left : sizeof text - 1;
    double number = 0;
    memcpy(text, in->at, length);
    text[length] = '\0';
    const char *end = number_end(text);
    if (!end || end == text + sizeof text - 1)
        return false;
    text[end - text] = '\0';
    if (!ends_number(in, in->at + (end - text)) || !strpbrk(text, ".eE") ||
        !mseq_parse_double(text, &number))
        return false;
    in->at += end - text;
    mseq_cell_float(cell, number);
    return true;
}

/* What it does not take is for jansson: -0, integers of more than 18 digits, what is no number. */
static bool read_number(reader *in, mseq_cell *cell) {
    const char *at = in->at, *first = at + (*at == '-');
    plain_number plain;
    if (!number_read_plain(&at, in->end, &plain) || !ends_number(in, at))
        return read_long_float(in, cell);
    bool zero_first = *first == '0' && at - first > 1 && first[1] != '.';
    if (zero_first || (plain.whole && plain.integer == 0 && first != in->at))
        return false;
    in->at = at;
    if (plain.whole)
        mseq_cell_integer(cell, plain.integer);
    else
        mseq_cell_float(cell, plain.number);
    return true;
}

static bool take_word(reader *in, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0)
        return false;
    in->at += length;
    return true;
}

/* ---- Containers --------------------------------------------------------------------------------
 */

static mseq_value *read_array(reader *in) {
    mseq_value *array = mseq_value_array();
    if (!array || take(in, ']'))
        return array;
    do {
        if (mseq_array_add(array, read_value(in)) != MSEQ_OK) {
            mseq_value_free(array);
            return NULL;
        }
    } while (take(in, ','));
    if (take(in, ']'))
        return array;
    mseq_value_free(array);
    return NULL;
}

/* False for a key that needs decoding or is there already, too. */
static bool read_member(reader *in, mseq_value *object) {
    const char *key;
    size_t length, count = mseq_value_length(object);
    if (!take(in, '"') || !read_plain(in, &key, &length) || !take(in, ':'))
        return false;
    return mseq_object_put_n(object, key, length, read_value(in)) == MSEQ_OK &&
           mseq_value_length(object) == count + 1;
}

static mseq_value *read_object(reader *in) {
    mseq_value *object = mseq_value_object();
    if (!object || take(in, '}'))
        return object;
    do {
        if (!read_member(in, object)) {
            mseq_value_free(object);
            return NULL;
        }
    } while (take(in, ','));
    if (take(in, '}'))
        return object;
    mseq_value_free(object);
    return NULL;
}

static mseq_value *read_container(reader *in) {
    if (in->depth == 0)
        return NULL;
    in->depth--;
    mseq_value *value = *in->at++ == '{' ? read_object(in) : read_array(in);
    in->depth++;
    return value;
}

static bool read_word(reader *in, mseq_cell *cell) {
    if (take_word(in, "null")) {
        cell->kind = MSEQ_NULL;
        return true;
    }
    bool is_true = take_word(in, "true");
    if (!is_true && !take_word(in, "false"))
        return false;
    mseq_cell_boolean(cell, is_true);
    return true;
}

/* Into a cell that is null; it borrows from the text. */
static bool read_cell(reader *in, mseq_cell *cell) {
    skip_space(in);
    if (in->at == in->end)
        return false;
    switch (*in->at) {
    case '{':
    case '[':
        return mseq_cell_take(cell, read_container(in));
    case '"':
        in->at++;
        return read_string(in, cell);
    case 't':
    case 'f':
    case 'n':
        return read_word(in, cell);
    default:
        return read_number(in, cell);
    }
}

static mseq_value *read_value(reader *in) {
    mseq_cell cell;
    cell.kind = MSEQ_NULL;
    cell.owned = NULL;
    return read_cell(in, &cell) ? mseq_cell_to_value(&cell) : NULL;
}

mseq_value *json_read_plain(const char *text, size_t length, size_t maximum_depth) {
    reader in = {text, text + length, maximum_depth};
    mseq_value *value = read_value(&in);
    skip_space(&in);
    if (in.at == in.end)
        return value;
    mseq_value_free(value);
    return NULL;
}

bool json_read_row(const char *text, size_t length, size_t maximum_depth, mseq_row *row) {
    reader in = {text, text + length, maximum_depth - 1};
    for (size_t i = 0; i < row->count; i++) {
        const mseq_row_key *key = &row->keys[i];
        if ((size_t)(in.end - in.at) < key->json_length ||
            memcmp(in.at, key->json, key->json_length) != 0)
            return false;
        in.at += key->json_length;
        if (!read_cell(&in, &row->cells[i]))
            return false;
    }
    return row->count && in.end - in.at == 1 && *in.at == '}';
}
