/* SPDX-License-Identifier: MIT
 * The one canonical writer: the text of Python's json.dumps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer_private.h"
#include "json_private.h"
#include "number_private.h"

static void write_escaped(mseq_buffer *buffer, uint32_t codepoint) {
    char text[16];
    if (codepoint >= 0x10000) {
        uint32_t rest = codepoint - 0x10000;
        snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xD800 + (rest >> 10),
                 0xDC00 + (rest & 0x3FF));
    } else {
        snprintf(text, sizeof text, "\\u%04x", codepoint);
    }
    mseq_buffer_append_text(buffer, text);
}

static const char *short_escape(unsigned char byte) {
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    default:
        return NULL;
    }
}

/* DEL is escaped in ASCII text only, as Python does. */
void json_write_string(const char *bytes, size_t length, unsigned flags, mseq_buffer *buffer) {
    mseq_buffer_append_char(buffer, '"');
    size_t plain = 0; /* start of the bytes that need no escape */
    for (size_t i = json_plain_length(bytes, length); i < length;) {
        unsigned char byte = (unsigned char)bytes[i];
        uint32_t codepoint = byte;
        size_t size = byte < 0x80 ? 1 : mseq_utf8_next(bytes + i, length - i, &codepoint);
        if ((size > 1 || byte == 0x7F) && (flags & MSEQ_JSON_UNICODE)) {
            i += size;
            i += json_plain_length(bytes + i, length - i);
            continue;
        }
        mseq_buffer_append(buffer, bytes + plain, i - plain);
        const char *escape = size ? short_escape(byte) : NULL;
        if (size == 0) { /* not UTF-8: the replacement character, so that the text stays JSON */
            codepoint = 0xFFFD;
            size = 1;
        }
        if (escape)
            mseq_buffer_append_text(buffer, escape);
        else
            write_escaped(buffer, codepoint);
        i += size;
        plain = i;
        i += json_plain_length(bytes + i, length - i);
    }
    mseq_buffer_append(buffer, bytes + plain, length - plain);
    mseq_buffer_append_char(buffer, '"');
}

void mseq_json_write_text(const char *text, mseq_buffer *buffer) {
    if (text)
        json_write_string(text, strlen(text), 0, buffer);
    else
        mseq_buffer_append(buffer, "null", 4);
}

static void write_separator(bool first, unsigned flags, int depth, mseq_buffer *buffer) {
    if (!(flags & MSEQ_JSON_INDENT)) {
        if (!first)
            mseq_buffer_append(buffer, ", ", 2);
        return;
    }
    mseq_buffer_append_text(buffer, first ? "\n" : ",\n");
    for (int i = 0; i < depth; i++)
        mseq_buffer_append(buffer, "  ", 2);
}

static void write_end(char end, bool empty, unsigned flags, int depth, mseq_buffer *buffer) {
    if ((flags & MSEQ_JSON_INDENT) && !empty)
        write_separator(true, flags, depth, buffer);
    mseq_buffer_append_char(buffer, end);
}

static mseq_status write_value(const mseq_value *value, unsigned flags, int depth,
                               mseq_buffer *buffer, mseq_error *err);

typedef struct key_position {
    const char *key;
    size_t length;
    size_t position;
} key_position;

/* UTF-8 sorts by code point when compared by bytes. */
static int compare_keys(const void *left, const void *right) {
    const key_position *a = left, *b = right;
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = shorter ? memcmp(a->key, b->key, shorter) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* By insertion while there are few, which is the rule. */
static void sort_keys(key_position *order, size_t count) {
    enum { FEW = 16 };
    if (count > FEW) {
        qsort(order, count, sizeof *order, compare_keys);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        key_position moved = order[i];
        size_t at = i;
        for (; at && compare_keys(&moved, &order[at - 1]) < 0; at--)
            order[at] = order[at - 1];
        order[at] = moved;
    }
}

static mseq_status write_members(const mseq_value *object, size_t count, const key_position *order,
                                 unsigned flags, int depth, mseq_buffer *buffer, mseq_error *err) {
    for (size_t i = 0; i < count; i++) {
        size_t position = order ? order[i].position : i;
        write_separator(i == 0, flags, depth + 1, buffer);
        json_write_string(mseq_object_key_at(object, position),
                          mseq_object_key_length_at(object, position), flags, buffer);
        mseq_buffer_append(buffer, ": ", 2);
        mseq_status status =
            write_value(mseq_object_value_at(object, position), flags, depth + 1, buffer, err);
        if (status != MSEQ_OK) {
            mseq_error_prefix(err, "%s: ", mseq_object_key_at(object, position));
            return status;
        }
    }
    return MSEQ_OK;
}

static mseq_status write_object(const mseq_value *object, unsigned flags, int depth,
                                mseq_buffer *buffer, mseq_error *err) {
    enum { ON_STACK = 24 };
    key_position small[ON_STACK], *order = NULL;
    size_t count = mseq_value_length(object);
    if (flags & MSEQ_JSON_SORTED) {
        order = count <= ON_STACK ? small : malloc(count * sizeof *order);
        if (!order)
            return mseq_error_no_memory(err);
        for (size_t i = 0; i < count; i++)
            order[i] = (key_position){mseq_object_key_at(object, i),
                                      mseq_object_key_length_at(object, i), i};
        sort_keys(order, count);
    }
    mseq_buffer_append_char(buffer, '{');
    mseq_status status = write_members(object, count, order, flags, depth, buffer, err);
    write_end('}', count == 0, flags, depth, buffer);
    if (order != small)
        free(order);
    return status;
}

static mseq_status write_array(const mseq_value *array, unsigned flags, int depth,
                               mseq_buffer *buffer, mseq_error *err) {
    size_t count = mseq_value_length(array);
    mseq_buffer_append_char(buffer, '[');
    for (size_t i = 0; i < count; i++) {
        write_separator(i == 0, flags, depth + 1, buffer);
        mseq_status status = write_value(mseq_array_get(array, i), flags, depth + 1, buffer, err);
        if (status != MSEQ_OK) {
            mseq_error_prefix(err, "[%zu]: ", i);
            return status;
        }
    }
    write_end(']', count == 0, flags, depth, buffer);
    return MSEQ_OK;
}

static mseq_status write_float(double number, mseq_buffer *buffer, mseq_error *err) {
    char text[32];
    if (!isfinite(number))
        return mseq_error_set(err, MSEQ_E_JSON, "NaN and infinities have no JSON form");
    mseq_format_double(number, text);
    mseq_buffer_append_text(buffer, text);
    return MSEQ_OK;
}

static mseq_status write_cell(const mseq_cell *cell, unsigned flags, int depth, mseq_buffer *buffer,
                              mseq_error *err) {
    switch (cell->kind) {
    case MSEQ_NULL:
        mseq_buffer_append(buffer, "null", 4);
        break;
    case MSEQ_BOOLEAN:
        mseq_buffer_append_text(buffer, cell->as.boolean ? "true" : "false");
        break;
    case MSEQ_INTEGER:
        mseq_buffer_append_integer(buffer, cell->as.integer);
        break;
    case MSEQ_FLOAT:
        return write_float(cell->as.number, buffer, err);
    case MSEQ_STRING:
        json_write_string(cell->text, cell->as.length, flags, buffer);
        break;
    case MSEQ_ARRAY:
        return write_array(cell->value, flags, depth, buffer, err);
    case MSEQ_OBJECT:
        return write_object(cell->value, flags, depth, buffer, err);
    }
    return MSEQ_OK;
}

static mseq_status write_value(const mseq_value *value, unsigned flags, int depth,
                               mseq_buffer *buffer, mseq_error *err) {
    mseq_cell cell;
    mseq_cell_borrow(&cell, value);
    return write_cell(&cell, flags, depth, buffer, err);
}

static mseq_status end_writing(const mseq_buffer *buffer, mseq_error *err) {
    if (buffer->status == MSEQ_E_LIMIT)
        return mseq_error_set(err, MSEQ_E_LIMIT, "the JSON text is larger than its buffer may be");
    return buffer->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status mseq_json_write(const mseq_value *value, unsigned flags, mseq_buffer *buffer,
                            mseq_error *err) {
    mseq_status status = write_value(value, flags, 0, buffer, err);
    return status == MSEQ_OK ? end_writing(buffer, err) : status;
}

/* Appends the key and what stands in JSON as it is, as one piece. */
static void append_cell(const mseq_row_key *key, const char *text, size_t length, bool quoted,
                        mseq_buffer *buffer) {
    size_t size = key->json_length + length + (quoted ? 2 : 0);
    char *at = buffer_room(buffer, size);
    if (!at)
        return;
    at = mempcpy(at, key->json, key->json_length);
    if (quoted)
        *at++ = '"';
    at = mempcpy(at, text, length);
    if (quoted)
        *at++ = '"';
    *at = '\0';
    buffer->length += size;
}

/* Most cells are that simple. False: it is another, and nothing was written. */
static bool write_simple(const mseq_row_key *key, const mseq_cell *cell, mseq_buffer *buffer) {
    char digits[20];
    switch (cell->kind) {
    case MSEQ_NULL:
        append_cell(key, "null", 4, false, buffer);
        return true;
    case MSEQ_BOOLEAN:
        append_cell(key, cell->as.boolean ? "true" : "false", cell->as.boolean ? 4 : 5, false,
                    buffer);
        return true;
    case MSEQ_INTEGER:
        append_cell(key, digits, (size_t)(number_write_integer(cell->as.integer, digits) - digits),
                    false, buffer);
        return true;
    case MSEQ_STRING:
        if (json_plain_length(cell->text, cell->as.length) < cell->as.length)
            return false;
        append_cell(key, cell->text, cell->as.length, true, buffer);
        return true;
    default:
        return false;
    }
}

mseq_status mseq_row_write(const mseq_row *row, mseq_buffer *buffer, mseq_error *err) {
    if (row->count == 0)
        mseq_buffer_append_char(buffer, '{');
    for (size_t i = 0; i < row->count; i++) {
        const mseq_row_key *key = &row->keys[i];
        if (write_simple(key, &row->cells[i], buffer))
            continue;
        mseq_buffer_append(buffer, key->json, key->json_length);
        mseq_status status = write_cell(&row->cells[i], 0, 1, buffer, err);
        if (status != MSEQ_OK) {
            mseq_error_prefix(err, "%s: ", key->text);
            return status;
        }
    }
    mseq_buffer_append_char(buffer, '}');
    return end_writing(buffer, err);
}
