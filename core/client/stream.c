/* SPDX-License-Identifier: MIT
 * stream-operation: the rows of a select one by one. */
#include <stdlib.h>

#include "client_private.h"

#define STREAM_OPERATION "/orm/api/ts_manager/meta_table/stream-operation/"

/* In the client's list, so that none outlives what it reads from. */
struct mseq_client_stream {
    mseq_client *client; /* NULL: it was freed */
    mseq_client_stream *next, *previous;
    mseq_row_stream *rows; /* NULL: the client was freed */
    bool lost;             /* a row was, for want of memory: no other may come in its place */
};

static void link_stream(mseq_client *client, mseq_client_stream *stream) {
    stream->client = client;
    stream->next = client->streams;
    if (client->streams)
        client->streams->previous = stream;
    client->streams = stream;
}

static void unlink_stream(mseq_client_stream *stream) {
    if (stream->previous)
        stream->previous->next = stream->next;
    else if (stream->client)
        stream->client->streams = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    stream->client = NULL;
    stream->next = stream->previous = NULL;
}

void client_streams_end(mseq_client *client) {
    while (client->streams) {
        mseq_client_stream *stream = client->streams;
        mseq_row_stream_free(stream->rows);
        stream->rows = NULL;
        unlink_stream(stream);
    }
}

static mseq_status take_stream(mseq_client *client, const mseq_request *request,
                               mseq_outcome *outcome, mseq_client_stream *stream, mseq_error *err) {
    mseq_reply *reply = &outcome->reply;
    mseq_status status = outcome->error.status;
    if (status != MSEQ_OK) {
        if (err && err->status == MSEQ_OK)
            *err = outcome->error;
        return status;
    }
    if (reply->status < 200 || reply->status > 299)
        status = client_refusal(client, request, reply, err);
    else if (!reply->stream)
        status = mseq_error_set(err, MSEQ_E_TRANSPORT,
                                "%d %s %s%s: the reply is no stream of rows, is this a TS Manager?",
                                reply->status, request->method, mseq_client_endpoint(client),
                                request->path);
    if (status == MSEQ_OK) {
        stream->rows = reply->stream;
        reply->stream = NULL;
    }
    mseq_reply_free(reply);
    return status;
}

mseq_status mseq_client_stream_operation(mseq_client *client, const mseq_value *operation,
                                         mseq_client_stream **stream, mseq_error *err) {
    mseq_client_stream *made = calloc(1, sizeof *made);
    if (!made)
        return mseq_error_no_memory(err);
    mseq_outcome outcome = MSEQ_OUTCOME_INIT;
    mseq_request request = client_request(client, "POST", STREAM_OPERATION);
    request.body = operation;
    request.takes_stream = true;
    client_exchange_many(client, &request, 1, &outcome);
    mseq_status status = take_stream(client, &request, &outcome, made, err);
    if (status != MSEQ_OK) {
        free(made);
        return status;
    }
    link_stream(client, made);
    *stream = made;
    return MSEQ_OK;
}

mseq_status mseq_client_stream_next_row(mseq_client_stream *stream, mseq_row **row,
                                        mseq_error *err) {
    bool first = err && err->status == MSEQ_OK;
    if (!stream->rows)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "the client of this stream was closed");
    if (stream->lost)
        return mseq_error_no_memory(err);
    mseq_status status = mseq_row_stream_next(stream->rows, row, err);
    /* a refusal in the midst of the rows reads as one before them */
    if (status != MSEQ_OK && first && err->http_status)
        mseq_error_prefix(err, "%d POST %s%s: ", err->http_status,
                          mseq_client_endpoint(stream->client), STREAM_OPERATION);
    return status;
}

mseq_status mseq_client_stream_next(mseq_client_stream *stream, mseq_value **row, mseq_error *err) {
    mseq_row *next = NULL;
    mseq_value *object = NULL;
    mseq_status status = mseq_client_stream_next_row(stream, &next, err);
    if (status == MSEQ_OK && next)
        status = mseq_row_to_object(next, &object, err);
    if (status == MSEQ_OK)
        *row = object;
    else
        stream->lost = next != NULL;
    return status;
}

bool mseq_client_stream_truncated(const mseq_client_stream *stream) {
    return stream->rows && mseq_row_stream_truncated(stream->rows);
}

void mseq_client_stream_close(mseq_client_stream *stream) {
    if (!stream)
        return;
    unlink_stream(stream);
    mseq_row_stream_free(stream->rows);
    free(stream);
}
