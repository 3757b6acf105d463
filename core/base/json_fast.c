/* SPDX-License-Identifier: MIT
 * JSON text → value without a tree in between, for text that is plainly valid. It never judges:
 * whatever is the least unusual is left to jansson (json_read.c), which accepts it or says what is
 * wrong with it. So there is one authority on what JSON we take, and catalog rows, of which a
 * server reads thousands a second, are read at a sixth of its price. */
#include <string.h>

#include "json_private.h"

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
    const char *at = in->at;
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
static mseq_value *read_string(reader *in) {
    const char *bytes, *start = in->at;
    size_t length;
    if (read_plain(in, &bytes, &length))
        return mseq_value_string_n(bytes, length);
    in->at = start;
    return read_escaped(in);
}

/* ---- Numbers and words -------------------------------------------------------------------------
 */

static bool ends_number(const reader *in, const char *at) {
    return at == in->end || strchr(",]} \n\r\t", *at);
}

/* Digits of the whole part and the fraction as one number, and how many are the fraction's. A
 * double holds numbers of 15 digits and powers of ten up to 22 exactly, so that their quotient is
 * the double next to the decimal (W. Clinger, 1990). */
static mseq_value *read_fraction(reader *in, const char *at, int64_t number, size_t digits,
                                 bool negative) {
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t decimals = 0;
    for (; at < in->end && *at >= '0' && *at <= '9' && digits + decimals < 15; decimals++)
        number = number * 10 + (*at++ - '0');
    if (decimals == 0 || !ends_number(in, at))
        return NULL;
    in->at = at;
    double value = (double)number / powers[decimals];
    return mseq_value_float(negative ? -value : value);
}

/* Integers that surely fit into 64 bits and short decimals; exponents are for jansson. */
static mseq_value *read_number(reader *in) {
    bool negative = *in->at == '-';
    const char *at = in->at + negative, *first = at;
    int64_t number = 0;
    while (at < in->end && *at >= '0' && *at <= '9' && at - first < 18)
        number = number * 10 + (*at++ - '0');
    if (at == first || (*first == '0' && at - first > 1))
        return NULL;
    if (at < in->end && *at == '.')
        return at - first > 15 ? NULL
                               : read_fraction(in, at + 1, number, (size_t)(at - first), negative);
    if ((negative && number == 0) || !ends_number(in, at))
        return NULL;
    in->at = at;
    return mseq_value_integer(negative ? -number : number);
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

static mseq_value *read_value(reader *in) {
    skip_space(in);
    if (in->at == in->end)
        return NULL;
    switch (*in->at) {
    case '{':
    case '[':
        return read_container(in);
    case '"':
        in->at++;
        return read_string(in);
    case 't':
        return take_word(in, "true") ? mseq_value_boolean(true) : NULL;
    case 'f':
        return take_word(in, "false") ? mseq_value_boolean(false) : NULL;
    case 'n':
        return take_word(in, "null") ? mseq_value_null() : NULL;
    default:
        return read_number(in);
    }
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
