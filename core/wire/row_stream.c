/* SPDX-License-Identifier: MIT
 * Rows that come one by one, and how they are written as lines. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/wire.h"

struct mseq_row_stream {
    mseq_row_stream_functions functions;
    void *data;
    int64_t count;
    bool ended;
    mseq_error *failure; /* NULL: none */
};

mseq_status mseq_row_stream_new(const mseq_row_stream_functions *functions, void *data,
                                mseq_row_stream **stream, mseq_error *err) {
    mseq_row_stream *made = calloc(1, sizeof *made);
    if (made)
        made->failure = calloc(1, sizeof *made->failure);
    if (!made || !made->failure) {
        free(made);
        functions->close(data);
        return mseq_error_no_memory(err);
    }
    size_t known =
        functions->size < sizeof made->functions ? functions->size : sizeof made->functions;
    memcpy(&made->functions, functions, known);
    made->data = data;
    *stream = made;
    return MSEQ_OK;
}

mseq_status mseq_row_stream_next(mseq_row_stream *stream, mseq_row **row, mseq_error *err) {
    mseq_row *next = NULL;
    mseq_error *failure = stream->failure;
    if (!stream->ended && failure->status == MSEQ_OK) {
        mseq_status status = stream->functions.next(stream->data, &next, failure);
        if (status != MSEQ_OK) /* whatever the function did with its error */
            mseq_error_set(failure, status, "%s", mseq_status_name(status));
        stream->ended = status == MSEQ_OK && !next;
        stream->count += next != NULL;
    }
    if (failure->status != MSEQ_OK) {
        if (err && err->status == MSEQ_OK)
            *err = *failure;
        return failure->status;
    }
    *row = next;
    return MSEQ_OK;
}

int64_t mseq_row_stream_count(const mseq_row_stream *stream) {
    return stream->count;
}

bool mseq_row_stream_truncated(const mseq_row_stream *stream) {
    return stream->ended && stream->functions.truncated &&
           stream->functions.truncated(stream->data);
}

void mseq_row_stream_free(mseq_row_stream *stream) {
    if (!stream)
        return;
    stream->functions.close(stream->data);
    free(stream->failure);
    free(stream);
}

/* ---- Lines -------------------------------------------------------------------------------------
 */

/* A line that failed leaves nothing behind. */
static mseq_status end_line(mseq_status written, size_t before, size_t maximum, mseq_buffer *buffer,
                            mseq_error *err) {
    mseq_status status = written;
    if (status == MSEQ_OK && mseq_buffer_append_char(buffer, '\n') != MSEQ_OK)
        status = mseq_error_set(err, buffer->status, "there is no room for a row");
    buffer->maximum = maximum;
    if (status != MSEQ_OK) {
        buffer->length = before;
        buffer->status = MSEQ_OK;
    }
    return status;
}

/* Bounds what the buffer takes to one line more, and gives the maximum it had. */
static size_t begin_line(mseq_buffer *buffer) {
    size_t maximum = buffer->maximum, most = buffer->length + MSEQ_ROW_LINE_MAXIMUM;
    buffer->maximum = maximum && maximum < most ? maximum : most;
    return maximum;
}

static mseq_status write_row(const mseq_row *row, mseq_buffer *buffer, mseq_error *err) {
    size_t before = buffer->length, maximum = begin_line(buffer);
    mseq_status status = end_line(mseq_row_write(row, buffer, err), before, maximum, buffer, err);
    if (status != MSEQ_E_LIMIT || !err)
        return status;
    mseq_error_clear(err);
    mseq_error_set(err, MSEQ_E_LIMIT, "a row passes %zu bytes", MSEQ_ROW_LINE_MAXIMUM);
    mseq_error_hint(err, "ask for fewer columns");
    mseq_error_code(err, "response_too_large");
    return MSEQ_E_LIMIT;
}

static mseq_status write_value(const mseq_value *value, mseq_buffer *buffer) {
    size_t before = buffer->length, maximum = begin_line(buffer);
    return end_line(mseq_json_write(value, 0, buffer, NULL), before, maximum, buffer, NULL);
}

static bool put_end(mseq_value *end, const mseq_row_stream *stream, bool ok) {
    return mseq_object_put_boolean(end, "ok", ok) == MSEQ_OK &&
           mseq_object_put_integer(end, "row_count", stream->count) == MSEQ_OK &&
           (!ok || mseq_object_put_boolean(end, "truncated", mseq_row_stream_truncated(stream)) ==
                       MSEQ_OK);
}

static bool put_failure(mseq_value *end, const mseq_error *err) {
    int status = err->http_status ? err->http_status : mseq_status_to_http(err->status);
    mseq_value *refusal = mseq_wire_refusal(err);
    bool put = refusal && mseq_object_put_integer(end, "status", status) == MSEQ_OK;
    for (size_t i = 0; put && i < mseq_value_length(refusal); i++)
        put = mseq_object_put(end, mseq_object_key_at(refusal, i),
                              mseq_value_dup(mseq_object_value_at(refusal, i))) == MSEQ_OK;
    mseq_value_free(refusal);
    return put;
}

static void write_last(const mseq_row_stream *stream, mseq_buffer *buffer) {
    const mseq_error *failure = stream->failure;
    bool ok = failure->status == MSEQ_OK;
    mseq_value *line = mseq_value_array(), *end = mseq_value_object();
    bool whole = line && end && put_end(end, stream, ok) && (ok || put_failure(end, failure));
    if (!whole)
        mseq_value_free(end);
    whole = whole && mseq_array_add(line, end) == MSEQ_OK;
    mseq_status status = whole ? write_value(line, buffer) : MSEQ_E_NO_MEMORY;
    if (status != MSEQ_OK)
        buffer->status = status;
    mseq_value_free(line);
}

bool mseq_row_stream_write(mseq_row_stream *stream, mseq_buffer *buffer, mseq_error *err) {
    mseq_row *row = NULL;
    mseq_error *failure = stream->failure;
    mseq_status status = mseq_row_stream_next(stream, &row, NULL);
    if (status == MSEQ_OK && row) {
        status = write_row(row, buffer, failure);
        if (status == MSEQ_OK)
            return true;
        stream->count--; /* it was not handed out */
    }
    write_last(stream, buffer);
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = *failure;
    return false;
}
