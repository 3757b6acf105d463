/* SPDX-License-Identifier: MIT
 * UTF-8, Unicode classes (utf8proc), near misses, base64. */
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "mainsequence/base.h"

/* RFC 3629, table 3-7 of the Unicode standard. */
size_t mseq_utf8_next(const char *text, size_t length, uint32_t *codepoint) {
    const unsigned char *s = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (s[0] < 0x80) {
        *codepoint = s[0];
        return 1;
    }
    size_t size = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                  : (s[0] & 0xF0) == 0xE0        ? 3
                  : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                 : 0;
    if (size == 0 || size > length)
        return 0;
    uint32_t code = s[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        code = (code << 6) | (s[i] & 0x3Fu);
    }
    if ((size == 3 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) ||
        (size == 4 && (code < 0x10000 || code > 0x10FFFF)))
        return 0;
    *codepoint = code;
    return size;
}

/* How many of the bytes up to the first that is not ASCII can be passed eight at a time. */
static size_t ascii_words(const char *bytes, size_t length) {
    size_t position = 0;
    uint64_t word;
    while (length - position >= sizeof word) {
        memcpy(&word, bytes + position, sizeof word);
        if (word & 0x8080808080808080u)
            break;
        position += sizeof word;
    }
    return position;
}

bool mseq_utf8_valid(const char *bytes, size_t length) {
    for (size_t position = 0; position < length;) {
        uint32_t codepoint;
        position += ascii_words(bytes + position, length - position);
        if (position == length)
            break;
        size_t size = mseq_utf8_next(bytes + position, length - position, &codepoint);
        if (size == 0)
            return false;
        position += size;
    }
    return true;
}

size_t mseq_utf8_length(const char *text) {
    size_t count = 0, length = strlen(text);
    for (size_t position = 0; position < length; count++) {
        uint32_t codepoint;
        size_t size = mseq_utf8_next(text + position, length - position, &codepoint);
        position += size ? size : 1;
    }
    return count;
}

bool mseq_unicode_is_alphanumeric(uint32_t codepoint) {
    switch (utf8proc_category((utf8proc_int32_t)codepoint)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

bool mseq_unicode_is_space(uint32_t codepoint) {
    if (codepoint < 0x80)
        return (codepoint >= 0x09 && codepoint <= 0x0D) || (codepoint >= 0x1C && codepoint <= 0x20);
    return codepoint == 0x85 || codepoint == 0xA0 || codepoint == 0x1680 ||
           (codepoint >= 0x2000 && codepoint <= 0x200A) || codepoint == 0x2028 ||
           codepoint == 0x2029 || codepoint == 0x202F || codepoint == 0x205F || codepoint == 0x3000;
}

char *mseq_text_casefold(const char *text) {
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t length =
        utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded,
                     (utf8proc_option_t)(UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_CASEFOLD));
    return length < 0 ? NULL : (char *)folded; /* malloc'ed by utf8proc */
}

/* Size of the white-space character that text[0, length) ends with, 0 when it ends with another. */
static size_t space_at_end(const char *text, size_t length) {
    size_t size = 1;
    while (size < 4 && size < length && ((unsigned char)text[length - size] & 0xC0) == 0x80)
        size++;
    uint32_t codepoint = 0;
    return mseq_utf8_next(text + length - size, size, &codepoint) == size &&
                   mseq_unicode_is_space(codepoint)
               ? size
               : 0;
}

const char *mseq_text_trimmed(const char *text, size_t *length) {
    size_t left = strlen(text), size = 0;
    uint32_t codepoint = 0;
    while ((size = mseq_utf8_next(text, left, &codepoint)) && mseq_unicode_is_space(codepoint)) {
        text += size;
        left -= size;
    }
    while (left && (size = space_at_end(text, left)))
        left -= size;
    *length = left;
    return text;
}

char *mseq_text_trim(const char *text) {
    size_t length = 0;
    const char *trimmed = mseq_text_trimmed(text, &length);
    return strndup(trimmed, length);
}

/* Optimal string alignment distance over bytes, at most `limit` + 1. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    enum { LONGEST = 64 };
    size_t rows[3][LONGEST + 1];
    if (a_length > LONGEST || b_length > LONGEST)
        return SIZE_MAX;
    size_t *before = rows[0], *previous = rows[1], *current = rows[2];
    memset(before, 0, sizeof rows[0]);
    for (size_t j = 0; j <= b_length; j++)
        previous[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = previous[j - 1] + (a[i - 1] != b[j - 1]);
            if (previous[j] + 1 < best)
                best = previous[j] + 1;
            if (current[j - 1] + 1 < best)
                best = current[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            current[j] = best;
        }
        size_t *oldest = before;
        before = previous;
        previous = current;
        current = oldest;
    }
    return previous[b_length];
}

const char *mseq_text_nearest(const char *word, const char *const *candidates, size_t count) {
    size_t length = strlen(word);
    size_t best = length / 3 > 1 ? length / 3 : 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(word, candidates[i]) == 0)
            return candidates[i];
        size_t found = distance(word, length, candidates[i], strlen(candidates[i]));
        if (found < best || (found == best && !nearest)) {
            best = found;
            nearest = candidates[i];
        }
    }
    return nearest;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

mseq_status mseq_base64_encode(const void *bytes, size_t length, mseq_buffer *buffer) {
    const unsigned char *s = bytes;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t group = (uint32_t)s[i] << 16;
        if (i + 1 < length)
            group |= (uint32_t)s[i + 1] << 8;
        if (i + 2 < length)
            group |= s[i + 2];
        char text[4] = {base64_digits[group >> 18], base64_digits[(group >> 12) & 63],
                        i + 1 < length ? base64_digits[(group >> 6) & 63] : '=',
                        i + 2 < length ? base64_digits[group & 63] : '='};
        mseq_buffer_append(buffer, text, 4);
    }
    return buffer->status;
}

mseq_status mseq_base64_decode(const char *text, size_t length, mseq_buffer *buffer,
                               mseq_error *err) {
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    if (length % 4 != 0)
        return mseq_error_set(err, MSEQ_E_REQUEST,
                              "base64 text has %zu characters, not a multiple of 4", length);
    uint32_t group = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(base64_digits, text[i]) : NULL;
        bool pad = i >= length - padding;
        if (!digit && !pad)
            return mseq_error_set(err, MSEQ_E_REQUEST,
                                  "base64 text has a wrong character at position %zu", i + 1);
        group = (group << 6) | (uint32_t)(pad ? 0 : digit - base64_digits);
        if (i % 4 == 3) {
            char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
            bool last = i + 1 == length;
            mseq_buffer_append(buffer, bytes, last ? 3 - padding : 3);
            group = 0;
        }
    }
    return buffer->status == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_set(err, buffer->status, "decoded base64 does not fit");
}
