/* SPDX-License-Identifier: MIT
 *
 * Room `wire`: the protocol's documents as values, known to both ends. Builds requests from tables,
 * and validates requests that arrive. No sockets, no drivers, no Lua. Pure; any thread. Key order
 * and null removal as the reference sends them (protocol page, sections 3, 4, 6, 8).
 */
#ifndef MSEQ_WIRE_H
#define MSEQ_WIRE_H

#include "mainsequence/fingerprint.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A request and its reply, whatever carries them ---------------------------------------------
 */

typedef struct mseq_request {
    size_t size;
    const char *method;     /* "GET", "POST", "PATCH", "DELETE" */
    const char *path;       /* raw path from the origin: "/orm/api/ts_manager/meta_table/" */
    const char *query;      /* raw query string without "?", or NULL */
    const mseq_value *body; /* JSON document, or NULL */
    const char *text;       /* text/plain body (run_query) instead of `body`, or NULL */
    size_t text_length;
    const char *authorization;             /* header value, or NULL */
    const char *origin;                    /* "https://host:port" that the caller used; NULL:
                                              in-process, links start with "local:" */
    int64_t timeout_ms;                    /* whole call; 0: the transport's default */
    const mseq_cancellation *cancellation; /* or NULL */
    bool loopback;                         /* the peer is on this machine */
    bool send_once;    /* doing it twice is not the same as once: a transport that loses the
                          connection after it sent something fails instead of sending again */
    bool takes_stream; /* the reply may be a stream of rows */
} mseq_request;
#define MSEQ_REQUEST_INIT                                                                          \
    { .size = sizeof(mseq_request) }

/* Rows that come one by one: see below. */
typedef struct mseq_row_stream mseq_row_stream;

typedef struct mseq_reply {
    int status;        /* HTTP status */
    mseq_value *body;  /* decoded JSON, owned by the reply; NULL when the body was empty */
    char *text;        /* the body when it is not JSON, owned; else NULL */
    char *retry_after; /* header value, owned, or NULL */
    char *location;    /* header value of a redirect, owned, or NULL */
    char *allow;       /* methods of the route, with status 405: "GET, POST"; owned, or NULL */
    const char *content_type; /* of `text`, static; NULL: text/plain */
    /* for logs */
    const char *route; /* pattern of the route that answered; static; NULL: none */
    char user_uid[37]; /* who asked; "": nobody known */
    /* the body as rows that are still to come, owned, in place of `body` and `text`; only for a
     * request that takes it */
    mseq_row_stream *stream;
} mseq_reply;
#define MSEQ_REPLY_INIT                                                                            \
    { 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "", NULL }
MSEQ_API void mseq_reply_free(mseq_reply *reply); /* frees what it holds, not the struct */

/* ---- A refusal
 * ---------------------------------------------------------------------------------- */

/* {"detail", "code", "hint"?, "sqlstate"?} of an error, owned by the caller: what replies show of
 * it. Text that is no UTF-8 is mended. NULL without memory. */
MSEQ_API mseq_value *mseq_wire_refusal(const mseq_error *err);
/* The way back: sets the error that such an object and its HTTP status tell. Returns its status. */
MSEQ_API mseq_status mseq_wire_read_refusal(const mseq_value *refusal, int http_status,
                                            mseq_error *err);

/* ---- Rows that come one by one (stream-operation)
 * ---------------------------------------------------------------------------------------------
 *
 * As bytes, a stream is one JSON text a line. A row is an object. The last line is an array with
 * one object, so that it cannot be taken for a row:
 *   [{"ok": true, "row_count": 3, "truncated": false}]
 *   [{"ok": false, "row_count": 2, "status": 408, "detail": "…", "code": "timeout", …}]
 * A stream without it is not whole. */

#define MSEQ_ROW_STREAM_TYPE "application/x-ndjson"
#define MSEQ_ROW_LINE_MAXIMUM ((size_t)64 * 1024 * 1024) /* bytes of one line */

/* Where rows come from. One thread at a time. */
typedef struct mseq_row_stream_functions {
    size_t size;
    /* The next row, which holds until the next call; the caller may change its cells. NULL after
     * the last one. Not called again after that or after a failure. */
    mseq_status (*next)(void *data, mseq_row **row, mseq_error *err);
    /* After the last row: whether a limit of rows kept others back. NULL: never. */
    bool (*truncated)(const void *data);
    void (*close)(void *data); /* also in the midst of the rows; destroys data */
} mseq_row_stream_functions;

/* Becomes owner of `data`, even on failure. */
MSEQ_API mseq_status mseq_row_stream_new(const mseq_row_stream_functions *functions, void *data,
                                         mseq_row_stream **stream, mseq_error *err) MSEQ_MUST_CHECK;
/* The next row, which holds until the next call; the caller may change its cells. NULL after the
 * last one, as often as it is asked. A failure is final: it comes again. */
MSEQ_API mseq_status mseq_row_stream_next(mseq_row_stream *stream, mseq_row **row,
                                          mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API int64_t mseq_row_stream_count(const mseq_row_stream *stream); /* rows so far */
MSEQ_API bool mseq_row_stream_truncated(const mseq_row_stream *stream);
/* Releases all that the stream holds, whatever is left of it. */
MSEQ_API void mseq_row_stream_free(mseq_row_stream *stream);

/* Appends the next line. False when it was the last one; then *err says why the stream failed, if
 * it did. Without memory for that line the buffer's status tells. */
MSEQ_API bool mseq_row_stream_write(mseq_row_stream *stream, mseq_buffer *buffer, mseq_error *err);

/* Reads such lines from bytes that come in pieces. */
typedef struct mseq_row_lines mseq_row_lines;
typedef enum mseq_row_lines_state {
    MSEQ_ROW_LINES_ROW,  /* there was a row */
    MSEQ_ROW_LINES_MORE, /* no whole line is there */
    MSEQ_ROW_LINES_END   /* the last line has come, and says that all went well */
} mseq_row_lines_state;
MSEQ_API mseq_status mseq_row_lines_new(mseq_row_lines **lines, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_row_lines_free(mseq_row_lines *lines);
MSEQ_API mseq_status mseq_row_lines_feed(mseq_row_lines *lines, const char *bytes, size_t length,
                                         mseq_error *err) MSEQ_MUST_CHECK;
/* The next row of what was fed, which holds until more is fed or asked for; the caller may change
 * its cells. The error that a last line tells is the failure; lines that are not of this form are
 * MSEQ_E_TRANSPORT with the code malformed_stream. */
MSEQ_API mseq_status mseq_row_lines_next(mseq_row_lines *lines, mseq_row_lines_state *state,
                                         mseq_row **row, mseq_error *err) MSEQ_MUST_CHECK;
/* The bytes have ended: MSEQ_E_TRANSPORT with the code stream_incomplete unless the last line has
 * come. */
MSEQ_API mseq_status mseq_row_lines_finish(const mseq_row_lines *lines,
                                           mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API size_t mseq_row_lines_pending(const mseq_row_lines *lines); /* bytes not read yet */
MSEQ_API bool mseq_row_lines_truncated(const mseq_row_lines *lines); /* what the last line says */

/* ---- Paths and queries
 * ------------------------------------------------------------------------------------------ */

/* Percent-encodes a path segment or a query component and appends it (space becomes "+" in
 * queries). */
MSEQ_API mseq_status mseq_wire_escape(const char *text, bool query, mseq_buffer *out);
/* Query string from an object (strings, numbers, booleans as True/False, arrays joined with commas,
 * null left out), in key order; or from an array of [name, value] pairs, for names that repeat. */
MSEQ_API mseq_status mseq_wire_query(const mseq_value *parameters, mseq_buffer *out,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* The way back: an object of strings; the last of equal keys wins. */
MSEQ_API mseq_status mseq_wire_parse_query(const char *query, mseq_value **parameters,
                                           mseq_error *err) MSEQ_MUST_CHECK;

/* ---- Building requests from tables
 * ---------------------------------------------------------------- */

typedef struct mseq_wire_options {
    size_t size;
    const char *data_source_uid; /* required */
    const char *authoring_kind;  /* NULL: "lua" */
    /* reservation and refresh */
    const char *migration_package;
    const char *migration_namespace;
    const char *migration_provider_key; /* NULL: "<package>:<namespace>" */
    const char *alembic_version_meta_table_uid;
    /* overrides for external registration */
    const mseq_value *labels;
    const char *meta_namespace;
} mseq_wire_options;
#define MSEQ_WIRE_OPTIONS_INIT                                                                     \
    { .size = sizeof(mseq_wire_options) }

/* True for time-indexed tables: their routes are /dynamic_table/…, else /meta_table/…. */
MSEQ_API bool mseq_wire_is_time_indexed(const mseq_table *table);
/* Body of …/register/ for a platform-managed or time-indexed table. */
MSEQ_API mseq_status mseq_wire_registration_request(const mseq_table *table,
                                                    const mseq_wire_options *options,
                                                    mseq_value **request,
                                                    mseq_error *err) MSEQ_MUST_CHECK;
/* One row of the collection create (reservation). */
MSEQ_API mseq_status mseq_wire_reservation_row(const mseq_table *table,
                                               const mseq_wire_options *options, mseq_value **row,
                                               mseq_error *err) MSEQ_MUST_CHECK;
/* Body of …/register/ for a table that the application owns. */
MSEQ_API mseq_status mseq_wire_external_registration_request(const mseq_table *table,
                                                             const mseq_wire_options *options,
                                                             mseq_value **request,
                                                             mseq_error *err) MSEQ_MUST_CHECK;
/* Body of …/register/ that refreshes a migration-managed row (refresh_metatable_catalog):
 * provisioning create_table false, schema_management alembic_managed. */
MSEQ_API mseq_status mseq_wire_refresh_request(const mseq_table *table,
                                               const mseq_wire_options *options,
                                               mseq_value **request,
                                               mseq_error *err) MSEQ_MUST_CHECK;
/* Registration of Alembic's version table (protocol 6.3). NULL: column "version_num", schema
 * "public". */
MSEQ_API mseq_status mseq_wire_alembic_version_request(
    const char *data_source_uid, const char *identifier, const char *meta_namespace,
    const char *description, const char *schema, const char *table_name, const char *version_column,
    mseq_value **request, mseq_error *err) MSEQ_MUST_CHECK;

/* ---- Validating what arrives (and what is about to be sent)
 * --------------------------------------- */
/* Each returns a normalised copy; unknown keys, wrong kinds and missing fields are MSEQ_E_REQUEST
 * with the field's path. */

MSEQ_API mseq_status mseq_wire_validate_registration(const mseq_value *request, bool time_indexed,
                                                     mseq_value **normalized,
                                                     mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_wire_validate_reservation(const mseq_value *rows, bool time_indexed,
                                                    mseq_value **normalized,
                                                    mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_wire_validate_finalization(const mseq_value *request,
                                                     mseq_value **normalized,
                                                     mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_wire_validate_migration_connection(const mseq_value *request,
                                                             mseq_value **normalized,
                                                             mseq_error *err) MSEQ_MUST_CHECK;
/* compiled-sql.v1 (protocol section 8): keys in wire order, defaults filled in, parameters
 * converted by parameter_types, aliases resolved. dialect "sqlite" is accepted besides
 * "postgresql". */
MSEQ_API mseq_status mseq_wire_validate_operation(const mseq_value *operation,
                                                  mseq_value **normalized,
                                                  mseq_error *err) MSEQ_MUST_CHECK;
/* Converts the parameters of a statement by parameter_types that are normalised, as
 * mseq_wire_validate_operation does. *converted stays NULL when they hold as they are. */
MSEQ_API mseq_status mseq_wire_convert_parameters(const mseq_value *parameters,
                                                  const mseq_value *types, mseq_value **converted,
                                                  mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
