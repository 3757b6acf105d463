/* SPDX-License-Identifier: MIT
 * Inside of the room `base`: reading and writing JSON. */
#ifndef JSON_PRIVATE_H
#define JSON_PRIVATE_H

#include <string.h>

#include "mainsequence/base.h"

/* The value of text that is plainly valid JSON and nested no deeper; NULL for everything else,
 * memory that ran out included. Owned by the caller. */
mseq_value *json_read_plain(const char *text, size_t length, size_t maximum_depth);
/* The same by jansson, which takes all that is JSON and says what is wrong with the rest. How deep
 * it is nested is for the caller to check before. */
mseq_status json_read_any(const char *text, size_t length, mseq_value **value,
                          mseq_error *err) MSEQ_MUST_CHECK;
/* An object that has the keys of the row, plainly written as we write them, into its cells. False
 * for everything else; the cells are then of no meaning. */
bool json_read_row(const char *text, size_t length, size_t maximum_depth, mseq_row *row);

/* Appends a string; flags of mseq_json_write. */
void json_write_string(const char *bytes, size_t length, unsigned flags, mseq_buffer *buffer);

/* How many bytes from the first on are printable ASCII other than a quote and a backslash: they
 * stand in JSON text as they are. Eight at a time by H. S. Warren, "Hacker's Delight", 6-1: x - 1
 * takes the high bit of a byte that is zero, and only of such bytes and those above one. */
static inline size_t json_plain_length(const char *bytes, size_t length) {
    static const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    size_t at = 0;
    for (; length - at >= 8; at += 8) {
        uint64_t x;
        memcpy(&x, bytes + at, 8);
        uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\', delete = x ^ ones * 0x7F;
        uint64_t unusual = ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
                           ((backslash - ones) & ~backslash) | ((delete - ones) & ~delete) | x;
        if (unusual & highs)
            break;
    }
    while (at < length) {
        unsigned char byte = (unsigned char)bytes[at];
        if (byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\')
            break;
        at++;
    }
    return at;
}

#endif
