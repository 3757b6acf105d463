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
    bool send_once; /* doing it twice is not the same as once: a transport that loses the
                       connection after it sent something fails instead of sending again */
} mseq_request;
#define MSEQ_REQUEST_INIT                                                                          \
    { .size = sizeof(mseq_request) }

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
} mseq_reply;
#define MSEQ_REPLY_INIT                                                                            \
    { 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "" }
MSEQ_API void mseq_reply_free(mseq_reply *reply); /* frees what it holds, not the struct */

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

#ifdef __cplusplus
}
#endif
#endif
