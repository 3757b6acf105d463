/* SPDX-License-Identifier: MIT
 * Growing buffers with a maximum, string lists, small text helpers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer_private.h"
#include "number_private.h"

/* Makes room for `extra` bytes and the NUL. */
static mseq_status reserve(mseq_buffer *buffer, size_t extra) {
    if (buffer->status != MSEQ_OK)
        return buffer->status;
    size_t maximum = buffer->maximum ? buffer->maximum : MSEQ_BUFFER_MAXIMUM;
    if (buffer->length > maximum || extra > maximum - buffer->length)
        return buffer->status = MSEQ_E_LIMIT;
    size_t needed = buffer->length + extra + 1;
    if (needed <= buffer->capacity)
        return MSEQ_OK;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < needed)
        capacity *= 2; /* cannot overflow: needed <= maximum + 1, far below SIZE_MAX / 2 */
    if (capacity > maximum)
        capacity = maximum + 1; /* so that what fits never passes the maximum */
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return buffer->status = MSEQ_E_NO_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return MSEQ_OK;
}

char *buffer_room(mseq_buffer *buffer, size_t length) {
    bool fits = buffer->status == MSEQ_OK && buffer->capacity > buffer->length &&
                buffer->capacity - buffer->length > length;
    return fits || reserve(buffer, length) == MSEQ_OK ? buffer->data + buffer->length : NULL;
}

mseq_status mseq_buffer_append(mseq_buffer *buffer, const char *bytes, size_t length) {
    char *room = buffer_room(buffer, length);
    if (!room)
        return buffer->status;
    if (length)
        memcpy(room, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return MSEQ_OK;
}

mseq_status mseq_buffer_append_text(mseq_buffer *buffer, const char *text) {
    return mseq_buffer_append(buffer, text, strlen(text));
}

mseq_status mseq_buffer_append_char(mseq_buffer *buffer, char byte) {
    return mseq_buffer_append(buffer, &byte, 1);
}

mseq_status mseq_buffer_append_integer(mseq_buffer *buffer, int64_t integer) {
    char text[20]; /* the sign and 19 digits */
    return mseq_buffer_append(buffer, text, (size_t)(number_write_integer(integer, text) - text));
}

mseq_status mseq_buffer_append_format(mseq_buffer *buffer, const char *format, ...) {
    if (buffer->status != MSEQ_OK)
        return buffer->status;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return buffer->status = MSEQ_E_INTERNAL;
    mseq_status status = reserve(buffer, (size_t)length);
    if (status != MSEQ_OK)
        return status;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
    return MSEQ_OK;
}

const char *mseq_buffer_text(const mseq_buffer *buffer) {
    return buffer->data ? buffer->data : "";
}

char *mseq_buffer_take(mseq_buffer *buffer) {
    char *data = NULL;
    if (buffer->status == MSEQ_OK && reserve(buffer, 0) == MSEQ_OK) {
        data = buffer->data;
        data[buffer->length] = '\0';
        buffer->data = NULL;
    }
    mseq_buffer_free(buffer);
    return data;
}

void mseq_buffer_clear(mseq_buffer *buffer) {
    buffer->length = 0;
    buffer->status = MSEQ_OK;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void mseq_buffer_free(mseq_buffer *buffer) {
    free(buffer->data);
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
    buffer->status = MSEQ_OK;
}

mseq_status mseq_strings_add(mseq_strings *list, const char *text) {
    return mseq_strings_add_take(list, mseq_text_dup(text));
}

mseq_status mseq_strings_add_take(mseq_strings *list, char *text) {
    if (!text)
        return MSEQ_E_NO_MEMORY;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        char **items = realloc(list->items, capacity * sizeof *items);
        if (!items) {
            free(text);
            return MSEQ_E_NO_MEMORY;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = text;
    return MSEQ_OK;
}

bool mseq_strings_contains(const mseq_strings *list, const char *text) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

void mseq_strings_free(mseq_strings *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (mseq_strings)MSEQ_STRINGS_INIT;
}

char *mseq_text_dup(const char *text) {
    return text ? strdup(text) : NULL;
}

char *mseq_text_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : text;
}
