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

/* How a client shows who it is (protocol section 1.2). */
typedef enum mseq_authentication {
    MSEQ_AUTHENTICATION_JWT,               /* an access token, a refresh token, or both */
    MSEQ_AUTHENTICATION_SESSION_JWT,       /* an access token that is never refreshed */
    MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL /* id and secret are exchanged for access tokens */
} mseq_authentication;

/* Texts are copied. Blank ones count as NULL: none. */
typedef struct mseq_client_options {
    size_t size;
    const char *access_token;
    const char *project_uid; /* MAIN_SEQUENCE_PROJECT_UID */
    bool only_project;       /* without a project_uid, the only project there is counts */
    int64_t timeout_ms;      /* of a call with all its attempts; 0: 120000 */
    int attempts;            /* to send a request, at most; 0: 4 */
    const mseq_cancellation *cancellation; /* borrowed while the client lives */
    mseq_authentication authentication;
    bool authentication_required; /* without credentials a call fails before it is sent */
    const char *refresh_token;
    const char *runtime_credential_id;
    const char *runtime_credential_secret;
    /* The server under which the tokens stand in the login store: renewed ones are stored there,
     * and those that another process stored are taken. NULL: they are not from the store. */
    const char *login;
    const char *login_folder; /* of the login store; NULL: the default */
} mseq_client_options;
#define MSEQ_CLIENT_OPTIONS_INIT                                                                   \
    { .size = sizeof(mseq_client_options) }

/* Becomes owner of the transport, even on failure. Options NULL: defaults. */
MSEQ_API mseq_status mseq_client_new(mseq_transport *transport, const mseq_client_options *options,
                                     mseq_client **client, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_client_free(mseq_client *client);
MSEQ_API const char *mseq_client_endpoint(const mseq_client *client); /* where it talks to */

/* One call. `query` and `body` may be NULL. Before it, tokens that end within a minute (runtime
 * credentials: half a minute) are renewed; after a 401 they are renewed once and the call is sent
 * again. A refused or broken connection, 429, 500, 502, 503 and 504 (413 with Retry-After) are
 * followed by up to three more attempts, after 0, 1 and 2 seconds or what Retry-After says, within
 * the client's timeout. Calls that must not happen twice (run_query, execute-operation other than
 * select, delete_after_date, insert_data_into_table) are repeated only when nothing was sent, and
 * on 429 and 503 with a Retry-After that can be read. A 2xx reply's body is given to the caller
 * (NULL when empty); anything else becomes an error: status by protocol section 1.5, message
 * "<status> <METHOD> <url>: <text>", err->http_status. */
MSEQ_API mseq_status mseq_client_call(mseq_client *client, const char *method, const char *path,
                                      const mseq_value *query, const mseq_value *body,
                                      mseq_value **reply, mseq_error *err) MSEQ_MUST_CHECK;
/* One of several calls. */
typedef struct mseq_call {
    const char *method;
    const char *path;
    const mseq_value *query; /* or NULL */
    const mseq_value *body;  /* or NULL */
} mseq_call;
/* Several calls side by side (eight at a time over HTTP, in turn in this process), for look-ups
 * that don't depend on each other. *bodies is an array with the body of each reply, null where
 * there is none; errors[i] says what became of calls[i]. One failure doesn't stop the others; the
 * client's timeout holds for each attempt of each. Fails itself only when memory is short. */
MSEQ_API mseq_status mseq_client_parallel(mseq_client *client, const mseq_call *calls, size_t count,
                                          mseq_value **bodies, mseq_error *errors,
                                          mseq_error *err) MSEQ_MUST_CHECK;
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

/* The rows of a select one by one, in the memory of a few rows (stream-operation): one statement,
 * one state of the data. Only an operation whose limits name max_rows is limited. The client's
 * timeout holds for the beginning, and for every wait for a row. A TS Manager without the route
 * answers 404 or 405. Other calls of the client go on while a stream is open. */
typedef struct mseq_client_stream mseq_client_stream;
MSEQ_API mseq_status mseq_client_stream_operation(mseq_client *client, const mseq_value *operation,
                                                  mseq_client_stream **stream,
                                                  mseq_error *err) MSEQ_MUST_CHECK;
/* The next row, owned by the caller; NULL after the last one. A failure is final. What the TS
 * Manager tells in the midst of the rows is an error like any other; a stream that breaks off is
 * MSEQ_E_TRANSPORT with the code stream_incomplete; after the client was freed, MSEQ_E_ARGUMENT. */
MSEQ_API mseq_status mseq_client_stream_next(mseq_client_stream *stream, mseq_value **row,
                                             mseq_error *err) MSEQ_MUST_CHECK;
/* The same as cells that hold until the next call, which costs less. The caller may change them. */
MSEQ_API mseq_status mseq_client_stream_next_row(mseq_client_stream *stream, mseq_row **row,
                                                 mseq_error *err) MSEQ_MUST_CHECK;
/* After the last row: whether max_rows kept back others. */
MSEQ_API bool mseq_client_stream_truncated(const mseq_client_stream *stream);
/* Also in the midst of the rows: ends the statement. */
MSEQ_API void mseq_client_stream_close(mseq_client_stream *stream);

/* ---- Logging in
 * ----------------------------------------------------------------------------------------- */

/* Gets tokens for a user and a password, and uses them from now on (mode JWT). They are stored in
 * the login store under the client's endpoint, which becomes the server that is meant when none is
 * named. AUTHENTICATION when the server doesn't know them. */
MSEQ_API mseq_status mseq_client_log_in(mseq_client *client, const char *username,
                                        const char *password, mseq_error *err) MSEQ_MUST_CHECK;
/* Has the server revoke the client's refresh token, if it has one and the server can. *revoked
 * tells (may be NULL); the tokens are forgotten in any case, in the login store too. */
MSEQ_API mseq_status mseq_client_log_out(mseq_client *client, bool *revoked,
                                         mseq_error *err) MSEQ_MUST_CHECK;

/* The login store: files of the Python SDK's command in $XDG_CONFIG_HOME/mainsequence, else
 * ~/.config/mainsequence (`folder` NULL). Files are replaced whole and have mode 0600; a lock keeps
 * processes of ours apart. Any thread. A store that cannot be read is MSEQ_E_IO. */

/* Logins that hold a token: server → {username, access, refresh}. */
MSEQ_API mseq_status mseq_logins_read(const char *folder, mseq_value **logins,
                                      mseq_error *err) MSEQ_MUST_CHECK;
/* The server that is meant when none is named: that of the only login, or of several the one that
 * was logged in to last. NULL when nobody is logged in. malloc'ed. */
MSEQ_API mseq_status mseq_logins_chosen(const char *folder, char **server,
                                        mseq_error *err) MSEQ_MUST_CHECK;
/* Stores a login and makes its server the one that is meant. Texts may be NULL. */
MSEQ_API mseq_status mseq_login_save(const char *folder, const char *server, const char *username,
                                     const char *access, const char *refresh,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* Removes a login; *removed (may be NULL) tells whether there was one. */
MSEQ_API mseq_status mseq_login_remove(const char *folder, const char *server, bool *removed,
                                       mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
