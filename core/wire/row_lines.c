/* SPDX-License-Identifier: MIT
 * The lines of a row stream → rows. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/wire.h"

struct mseq_row_lines {
    mseq_buffer bytes;
    size_t at;      /* of the first byte that was not read */
    size_t scanned; /* bytes from there on in which there is no line end */
    int64_t count;
    bool ended, truncated;
    mseq_row row; /* the last one */
};

mseq_status mseq_row_lines_new(mseq_row_lines **lines, mseq_error *err) {
    mseq_row_lines *made = calloc(1, sizeof *made);
    if (!made)
        return mseq_error_no_memory(err);
    *lines = made;
    return MSEQ_OK;
}

void mseq_row_lines_free(mseq_row_lines *lines) {
    if (!lines)
        return;
    mseq_buffer_free(&lines->bytes);
    mseq_row_free(&lines->row);
    free(lines);
}

static mseq_status malformed(const mseq_row_lines *lines, const char *why, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_TRANSPORT, "line %lld of the stream %s",
                   (long long)lines->count + 1 + lines->ended, why);
    mseq_error_code(err, "malformed_stream");
    return MSEQ_E_TRANSPORT;
}

size_t mseq_row_lines_pending(const mseq_row_lines *lines) {
    return lines->bytes.length - lines->at;
}

bool mseq_row_lines_truncated(const mseq_row_lines *lines) {
    return lines->truncated;
}

/* Moves what was not read to the front when that costs less than it frees. */
static void compact(mseq_row_lines *lines) {
    mseq_buffer *bytes = &lines->bytes;
    size_t left = bytes->length - lines->at;
    if (lines->at < left || lines->at == 0)
        return;
    if (left)
        memmove(bytes->data, bytes->data + lines->at, left);
    bytes->data[left] = '\0';
    bytes->length = left;
    lines->at = 0;
}

mseq_status mseq_row_lines_feed(mseq_row_lines *lines, const char *bytes, size_t length,
                                mseq_error *err) {
    if (lines->ended && length)
        return malformed(lines, "comes after the last one", err);
    compact(lines);
    if (mseq_buffer_append(&lines->bytes, bytes, length) == MSEQ_OK)
        return MSEQ_OK;
    return lines->bytes.status == MSEQ_E_LIMIT
               ? malformed(lines, "is longer than a line may be", err)
               : mseq_error_no_memory(err);
}

static mseq_status read_last(mseq_row_lines *lines, const mseq_value *line, mseq_error *err) {
    const mseq_value *end = mseq_array_get(line, 0), *ok = mseq_object_get(end, "ok");
    const mseq_value *count = mseq_object_get(end, "row_count");
    if (mseq_value_length(line) != 1 || mseq_value_kind(ok) != MSEQ_BOOLEAN ||
        mseq_value_kind(count) != MSEQ_INTEGER)
        return malformed(lines, "is neither a row nor the last line", err);
    if (!mseq_value_get_boolean(ok, false)) {
        int64_t status = mseq_object_get_integer(end, "status", 500);
        return mseq_wire_read_refusal(end, status >= 400 && status <= 599 ? (int)status : 500, err);
    }
    if (mseq_value_get_integer(count, 0) != lines->count) {
        mseq_error_set(err, MSEQ_E_TRANSPORT,
                       "the stream has brought %lld rows, and ends with a "
                       "count of %lld",
                       (long long)lines->count, (long long)mseq_value_get_integer(count, 0));
        mseq_error_code(err, "malformed_stream");
        return MSEQ_E_TRANSPORT;
    }
    lines->ended = true;
    lines->truncated = mseq_object_get_boolean(end, "truncated", false);
    return MSEQ_OK;
}

/* *is_row: it was one; else it was the last line. */
static mseq_status read_line(mseq_row_lines *lines, const char *text, size_t length, bool *is_row,
                             mseq_error *err) {
    mseq_value *line = NULL;
    mseq_error reason = MSEQ_ERROR_INIT;
    mseq_status status = mseq_row_parse(&lines->row, text, length, &line, &reason);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        status = malformed(lines, "is not JSON", err);
        mseq_error_detail(err, "%s", reason.message);
        return status;
    }
    if (!line) {
        lines->count++;
        *is_row = true;
        return MSEQ_OK;
    }
    status = mseq_value_kind(line) == MSEQ_ARRAY
                 ? read_last(lines, line, err)
                 : malformed(lines, "is neither a row nor the last line", err);
    mseq_value_free(line);
    return status;
}

/* The whole line that is there, without its end; NULL: none is. */
static const char *find_line(mseq_row_lines *lines, size_t *length) {
    size_t left = mseq_row_lines_pending(lines);
    const char *from = left ? lines->bytes.data + lines->at : NULL;
    const char *end =
        left > lines->scanned ? memchr(from + lines->scanned, '\n', left - lines->scanned) : NULL;
    lines->scanned = end ? 0 : left;
    if (end)
        *length = (size_t)(end - from);
    return end ? from : NULL;
}

mseq_status mseq_row_lines_next(mseq_row_lines *lines, mseq_row_lines_state *state, mseq_row **row,
                                mseq_error *err) {
    size_t length = 0;
    bool is_row = false;
    if (lines->ended && mseq_row_lines_pending(lines))
        return malformed(lines, "comes after the last one", err);
    const char *text = lines->ended ? NULL : find_line(lines, &length);
    if (!text && mseq_row_lines_pending(lines) > MSEQ_ROW_LINE_MAXIMUM)
        return malformed(lines, "is longer than a line may be", err);
    if (text) {
        mseq_status status = read_line(lines, text, length, &is_row, err);
        if (status != MSEQ_OK)
            return status;
        lines->at += length + 1;
    }
    if (lines->ended && mseq_row_lines_pending(lines))
        return malformed(lines, "comes after the last one", err);
    *state = is_row ? MSEQ_ROW_LINES_ROW : lines->ended ? MSEQ_ROW_LINES_END : MSEQ_ROW_LINES_MORE;
    *row = is_row ? &lines->row : NULL;
    return MSEQ_OK;
}

mseq_status mseq_row_lines_finish(const mseq_row_lines *lines, mseq_error *err) {
    if (lines->ended)
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_TRANSPORT, "the stream ended before its last line, after %lld rows",
                   (long long)lines->count);
    mseq_error_hint(err, "the server or something on the way to it broke off: what was read is not "
                         "all there is");
    mseq_error_code(err, "stream_incomplete");
    return MSEQ_E_TRANSPORT;
}
