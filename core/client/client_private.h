/* SPDX-License-Identifier: MIT
 * Inside of the room `client`. */
#ifndef MSEQ_CLIENT_PRIVATE_H
#define MSEQ_CLIENT_PRIVATE_H

#include "mainsequence/client.h"

/* What time it is, and waiting. Tests bring their own. */
typedef struct client_clock {
    int64_t (*now)(void *data); /* microseconds since 1970 */
    int64_t (*monotonic_ms)(void *data);
    void (*sleep)(void *data, int64_t milliseconds);
    void *data;
} client_clock;
extern const client_clock client_system_clock;

/* Owned texts, NULL for none. */
typedef struct client_credentials {
    mseq_authentication mode;
    bool required;
    char *access;
    char *refresh;
    char *id;     /* runtime credential */
    char *secret; /* runtime credential */
    char *scheme; /* of the header; NULL: Bearer */
    double
        deadline; /* of the access token, where the server said it (seconds since 1970), else 0 */
    char *authorization; /* the header for the access token */
    char *sent;          /* the header of the last ordinary request */
    char *login;         /* see mseq_client_options */
    char *login_folder;
} client_credentials;

struct mseq_client {
    mseq_transport *transport;
    client_credentials credentials;
    char *project_uid; /* or NULL */
    bool only_project;
    int64_t timeout_ms;
    int attempts;
    const mseq_cancellation *cancellation;
    const client_clock *clock;
    mseq_value *session_data_source; /* once it was looked up */
    mseq_client_stream *streams;     /* that are open */
};

/* For also_accept: an object with the key "ok" is an answer whatever the status (run_query). */
#define CLIENT_ACCEPT_ENVELOPE (-1)

/* A request with the client's own settings. */
mseq_request client_request(const mseq_client *client, const char *method, const char *path);
/* Sends a request whose query is text already, and hands out the body of a reply that counts as
 * success: 2xx, or also_accept. http_status and body may be NULL. */
mseq_status client_send(mseq_client *client, const mseq_request *request, int also_accept,
                        int *http_status, mseq_value **body, mseq_error *err);
/* Turns a reply that is no success into an error: protocol section 1.5. */
mseq_status client_refusal(const mseq_client *client, const mseq_request *request,
                           const mseq_reply *reply, mseq_error *err);

/* A success whose body is text that is not JSON. */
mseq_status client_no_json(const mseq_client *client, const mseq_request *request,
                           const mseq_reply *reply, mseq_error *err);
/* Path and query of a link that leads to this client's server, borrowed from it; NULL when it
 * leads elsewhere. */
const char *client_path_of(const mseq_client *client, const char *link);

/* ---- stream.c
 * ------------------------------------------------------------------------------------------- */

/* Ends all streams of the client; their next rows are failures. */
void client_streams_end(mseq_client *client);

/* ---- exchange.c
 * ------------------------------------------------------------------------------------------- */

/* Sends requests with the client's credentials, side by side where the transport can, as often as
 * it takes. `outcomes` come in initialised; the caller frees their replies. */
void client_exchange_many(mseq_client *client, const mseq_request *requests, size_t count,
                          mseq_outcome *outcomes);
/* One request as it is, without the client's credentials; repeated after failures or not. */
void client_exchange_plain(mseq_client *client, const mseq_request *request, bool repeat,
                           mseq_outcome *outcome);
/* As client_send, by client_exchange_plain. *http_status is set whenever a reply came. */
mseq_status client_send_plain(mseq_client *client, const mseq_request *request, bool repeat,
                              int *http_status, mseq_value **body, mseq_error *err);

/* ---- credentials.c
 * ------------------------------------------------------------------------------------------- */

mseq_status credentials_init(client_credentials *credentials, const mseq_client_options *options,
                             mseq_error *err);
void credentials_free(client_credentials *credentials);
/* Takes the tokens of a login to the client's endpoint, which is stored there. */
mseq_status credentials_log_in(mseq_client *client, const char *access, const char *refresh,
                               mseq_error *err);
/* Forgets the tokens. */
void credentials_forget(client_credentials *credentials);
/* Makes `authorization` the header for the next request, renewing tokens that end soon. */
mseq_status credentials_authorize(mseq_client *client, mseq_error *err);
mseq_status credentials_mark_sent(client_credentials *credentials, mseq_error *err);
bool credentials_renewable(const client_credentials *credentials);
/* Gets new tokens, whatever the old ones are. */
mseq_status credentials_renew(mseq_client *client, mseq_error *err);

/* ---- login_store.c
 * ------------------------------------------------------------------------------------------- */

/* The lock of the login store, kept while the tokens of a stored login are renewed. */
mseq_status login_lock(const char *folder, const mseq_cancellation *cancellation, int *lock,
                       mseq_error *err);
void login_unlock(int lock);
/* mseq_login_save for whoever holds the lock; what is chosen stays chosen. */
mseq_status login_save_locked(const char *folder, const char *server, const char *username,
                              const char *access, const char *refresh, mseq_error *err);

#endif
