/* SPDX-License-Identifier: MIT
 *
 * Room `client`: the calls of the protocol over a transport. Error mapping, pagination, retry. One
 * thread at a time per client. Replies are values owned by the caller.
 */
#ifndef MSEQ_CLIENT_H
#define MSEQ_CLIENT_H

#include "mainsequence/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mseq_client mseq_client;

typedef struct mseq_client_options {
    size_t size;
    const char *access_token; /* NULL: none */
    const char *project_uid;  /* MAIN_SEQUENCE_PROJECT_UID; NULL: none */
    bool only_project;        /* without a project_uid, the only project there is counts */
    int64_t timeout_ms;       /* per call; 0: 120000 */
    const mseq_cancellation *cancellation;
} mseq_client_options;
#define MSEQ_CLIENT_OPTIONS_INIT                                                                   \
    { .size = sizeof(mseq_client_options) }

/* Becomes owner of the transport, even on failure. Options NULL: defaults. */
MSEQ_API mseq_status mseq_client_new(mseq_transport *transport, const mseq_client_options *options,
                                     mseq_client **client, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_client_free(mseq_client *client);
MSEQ_API const char *mseq_client_endpoint(const mseq_client *client); /* where it talks to */

/* One call. `query` and `body` may be NULL. A 2xx reply's body is given to the caller (NULL when
 * empty); anything else becomes an error: status by protocol section 1.5, message
 * "<status> <METHOD> <url>: <text>", err->http_status. */
MSEQ_API mseq_status mseq_client_call(mseq_client *client, const char *method, const char *path,
                                      const mseq_value *query, const mseq_value *body,
                                      mseq_value **reply, mseq_error *err) MSEQ_MUST_CHECK;
/* As mseq_client_call, but a reply with `also_accept` (e.g. 409 of finalize-managed) is no error;
 * *http_status tells. */
MSEQ_API mseq_status mseq_client_call_accepting(mseq_client *client, const char *method,
                                                const char *path, const mseq_value *query,
                                                const mseq_value *body, int also_accept,
                                                int *http_status, mseq_value **reply,
                                                mseq_error *err) MSEQ_MUST_CHECK;
/* As mseq_client_call, with a text/plain body (run_query). An object with the key "ok" is an answer
 * whatever its status. */
MSEQ_API mseq_status mseq_client_call_text(mseq_client *client, const char *method,
                                           const char *path, const char *text, size_t length,
                                           mseq_value **reply, mseq_error *err) MSEQ_MUST_CHECK;
/* One page of a list. `link` is the collection's path, or what an earlier call gave as *next; then
 * query is NULL. *rows is an array; *next (free()) is where the next page is, NULL after the last.
 */
MSEQ_API mseq_status mseq_client_page(mseq_client *client, const char *link,
                                      const mseq_value *query, mseq_value **rows, char **next,
                                      mseq_error *err) MSEQ_MUST_CHECK;
/* A list: follows `next` until the end. *rows is an array. */
MSEQ_API mseq_status mseq_client_list(mseq_client *client, const char *path,
                                      const mseq_value *query, mseq_value **rows,
                                      mseq_error *err) MSEQ_MUST_CHECK;
/* The session data source (protocol section 2): a DynamicTableDataSource object. */
MSEQ_API mseq_status mseq_client_session_data_source(mseq_client *client, mseq_value **data_source,
                                                     mseq_error *err) MSEQ_MUST_CHECK;

/* Registers a table (platform-managed, time-indexed, or external when `external`) and gives the
 * MetaTable row. data_source_uid NULL: the table's, else the session data source's. */
MSEQ_API mseq_status mseq_client_register_table(mseq_client *client, const mseq_table *table,
                                                const char *data_source_uid, bool external,
                                                mseq_value **row, mseq_error *err) MSEQ_MUST_CHECK;
/* execute-operation with the client's pagination of selects (protocol section 3.8). */
MSEQ_API mseq_status mseq_client_execute_operation(mseq_client *client, const mseq_value *operation,
                                                   mseq_value **result,
                                                   mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
