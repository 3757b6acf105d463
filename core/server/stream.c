/* SPDX-License-Identifier: MIT
 * A reply whose rows are read while it is sent. libmicrohttpd asks for bytes when the socket has
 * taken the last ones, in the connection's own thread: a slow client slows its statement, and
 * nothing is kept but one piece. A place to work in is held while rows are read and given back
 * while the client takes them, so that slow clients hold none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server_private.h"

enum {
    PIECE_BYTES = 128 * 1024, /* rows that are read for one piece, unless one is longer */
    PROMPT_MS = 50            /* rows that are there are not kept back longer for others */
};

struct server_stream {
    server_exchange *exchange; /* NULL: it has ended */
    mseq_row_stream *rows;
    mseq_buffer piece;
    size_t sent; /* of the piece */
    bool ended;  /* the last line is in the piece */
};

/* False when there is nothing to send: without memory, or when the client went while it waited. */
static bool read_piece(server_stream *stream) {
    mseq_error err = MSEQ_ERROR_INIT;
    int64_t begun = mseq_monotonic_coarse_ms();
    stream->sent = 0;
    mseq_buffer_clear(&stream->piece);
    while (!stream->ended && stream->piece.length < PIECE_BYTES &&
           (!stream->piece.length || mseq_monotonic_coarse_ms() - begun < PROMPT_MS))
        stream->ended = !mseq_row_stream_write(stream->rows, &stream->piece, &err);
    if (err.status != MSEQ_OK)
        snprintf(stream->exchange->code, sizeof stream->exchange->code, "%s", err.code);
    return stream->piece.status == MSEQ_OK && stream->piece.length > 0;
}

/* In its turn, as a request is answered. */
static bool produce(server_stream *stream) {
    server_exchange *exchange = stream->exchange;
    mseq_server *server = exchange->server;
    if (!server_connection_enter(server, exchange->connection, SERVER_ANSWERING, 0,
                                 exchange->cancellation))
        return false;
    /* who is not granted one has lost its client, and the statement says so */
    server_place place = server_place_take(server, true, exchange->cancellation);
    bool good = place != SERVER_PLACE_NONE && read_piece(stream);
    if (place == SERVER_PLACE_TAKEN)
        server_place_leave(server, true);
    return good && server_connection_enter(server, exchange->connection, SERVER_STREAMING, 0,
                                           exchange->cancellation);
}

static ssize_t give_bytes(void *data, uint64_t position, char *room, size_t size) {
    server_stream *stream = data;
    (void)position;
    if (!stream->exchange)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (stream->sent == stream->piece.length) {
        if (stream->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!produce(stream))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t left = stream->piece.length - stream->sent, given = size < left ? size : left;
    memcpy(room, stream->piece.data + stream->sent, given);
    stream->sent += given;
    return (ssize_t)given;
}

void server_stream_end(server_stream *stream) {
    if (!stream || !stream->exchange)
        return;
    atomic_fetch_sub(&stream->exchange->server->streams, 1);
    mseq_row_stream_free(stream->rows);
    stream->rows = NULL;
    stream->exchange = NULL;
    mseq_buffer_free(&stream->piece);
}

/* libmicrohttpd lets go of the response. */
static void release(void *data) {
    server_stream_end(data);
    free(data);
}

bool server_stream_allowed(mseq_server *server) {
    int most = 2 * server->options.workers;
    if (atomic_fetch_add(&server->streams, 1) < most)
        return true;
    atomic_fetch_sub(&server->streams, 1);
    return false;
}

void server_stream_denied(mseq_server *server) {
    atomic_fetch_sub(&server->streams, 1);
}

struct MHD_Response *server_stream_response(server_exchange *exchange, mseq_row_stream *rows) {
    server_stream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response = NULL;
    if (stream) {
        stream->exchange = exchange;
        stream->rows = rows;
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, give_bytes,
                                                     stream, release);
    }
    if (response) {
        exchange->stream = stream;
        return response;
    }
    free(stream);
    mseq_row_stream_free(rows);
    return NULL;
}
