/* SPDX-License-Identifier: MIT
 * Inside of the room `server`.
 *
 * The threads. The gate (gate.c) accepts connections and holds each back until the headers of its
 * first request are there and well-formed; what is wrong with them is answered by it. Then the
 * connection goes to libmicrohttpd, which has a thread for each and calls exchange.c. A complete
 * request waits for a place to work in (places.c) and is answered in that thread (answer.c). The
 * gate also looks at all connections ten times a second (connections.c): it enforces the deadlines,
 * which libmicrohttpd's own timeout does not (a byte now and then keeps that one from firing), and
 * sees clients that went away while their request is answered.
 */
#ifndef SERVER_PRIVATE_H
#define SERVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "mainsequence/server.h"
#include "microhttpd_library.h"

enum {
    SERVER_HEADER_MAXIMUM = 32 * 1024, /* bytes of a request's line and headers */
    SERVER_ADDRESS_SIZE = 16,          /* an IPv6 address; IPv4 ones are mapped */
    SERVER_ID_SIZE = 32
};

/* ---- connections.c: who is connected, and how long it may take ---------------------------------
 */

typedef enum server_phase {
    SERVER_AT_GATE,     /* the first headers come; the socket is the gate's */
    SERVER_HANDED_OVER, /* between the gate and libmicrohttpd */
    SERVER_READING_HEADERS,
    SERVER_READING_BODY,
    SERVER_ANSWERING, /* waits for a place or has one */
    SERVER_WRITING,
    SERVER_STREAMING, /* the client takes a piece of rows, others may follow */
    SERVER_IDLE,
    SERVER_ENDED /* refused or timed out: nothing it still says counts */
} server_phase;

typedef struct server_connection {
    struct server_connection *next, *previous;
    int socket;   /* open as long as this is in the list and not being handed over */
    bool at_gate; /* the socket is the gate's, else libmicrohttpd's */
    bool loopback;
    unsigned char address[SERVER_ADDRESS_SIZE];
    server_phase phase;
    int64_t deadline;    /* monotonic milliseconds; 0: none */
    uint64_t received;   /* bytes the client had sent at the last look at an idle connection */
    int64_t half_closed; /* since when the client sends no more; 0: it may */
    mseq_cancellation *cancellation; /* of the request that is being answered, borrowed */
} server_connection;

typedef struct server_connections {
    pthread_mutex_t lock;
    pthread_cond_t gone; /* a connection went */
    server_connection *first;
    size_t count;
    bool stopping; /* connections without a request are closed */
} server_connections;

void server_connections_init(mseq_server *server);
void server_connections_destroy(mseq_server *server);
/* A new one, in the list; NULL without memory. *refused: it is one too many. */
server_connection *server_connection_add(mseq_server *server, int socket,
                                         const struct sockaddr *from, bool *refused);
size_t server_connections_count(mseq_server *server);
/* Takes it out of the list and frees it. */
void server_connection_remove(mseq_server *server, server_connection *connection);
/* A last word, where it can be said (not inside TLS; status 0: none), and the end of what we send.
 */
void server_connection_end(mseq_server *server, server_connection *connection, int status,
                           const char *code, const char *detail);
/* Enforces the deadlines of all that libmicrohttpd has. */
void server_connections_look(mseq_server *server);
/* Waits until nobody is connected, `ms` at most. */
bool server_connections_wait(mseq_server *server, int64_t ms);
/* From now on connections without a request are closed. */
void server_connections_drain(mseq_server *server);
/* Ends what is under way: sets the tokens of requests that are being answered, and refuses those
 * that are still coming. */
void server_connections_cancel(mseq_server *server);
/* libmicrohttpd's notification (MHD_OPTION_NOTIFY_CONNECTION). */
void server_connection_notify(void *server, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code);
/* The next phase begins; false when the connection has ended. `bytes` is what is to be written. */
bool server_connection_enter(mseq_server *server, server_connection *connection, server_phase phase,
                             size_t bytes, mseq_cancellation *cancellation);

/* ---- exchange.c: one request and its reply -----------------------------------------------------
 */

typedef enum server_stage {
    SERVER_ARRIVED,    /* the request line is read */
    SERVER_COLLECTING, /* the headers are, the body comes */
    SERVER_ANSWERED    /* there is a response, or none for lack of memory */
} server_stage;

/* What is wrong with a request before any handler saw it. */
typedef struct server_refusal {
    int status; /* HTTP; 0: nothing */
    const char *code;
    const char *detail;
} server_refusal;

typedef struct server_exchange {
    mseq_server *server;
    struct MHD_Connection *mhd;
    server_connection *connection;
    server_stage stage;
    char id[SERVER_ID_SIZE];
    int64_t begun_us;
    char *method;
    char *target; /* the path as it came; the query follows behind its NUL */
    const char *path;
    const char *query; /* or NULL */
    bool text;         /* the body is text/plain */
    mseq_buffer body;
    size_t reserved; /* of the server's budget for bodies */
    server_refusal refusal;
    mseq_cancellation *cancellation;
    /* the answer */
    struct MHD_Response *response;
    struct server_stream *stream; /* of a response that has one, borrowed from it */
    size_t response_length;
    int status;
    const char *route; /* static; NULL: none */
    char user[64];
    char code[64]; /* of a refusal */
} server_exchange;

/* libmicrohttpd's callbacks. */
void *server_exchange_new(void *server, const char *uri, struct MHD_Connection *connection);
enum MHD_Result server_exchange_step(void *server, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *upload, size_t *upload_size, void **context);
void server_exchange_end(void *server, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code);

/* ---- gate.c: the way in ------------------------------------------------------------------------
 */

typedef struct server_gate {
    int listener;
    int wake;   /* an eventfd: something is to be looked at */
    int events; /* an epoll */
    int spare;  /* a file to give up when there are no more: for telling one more client so */
    atomic_bool closed; /* the listener is */
    atomic_bool ended;  /* the thread shall return */
    pthread_t thread;
    bool running;
} server_gate;

/* Becomes owner of the listener, even on failure. */
mseq_status server_gate_start(mseq_server *server, int listener, mseq_error *err) MSEQ_MUST_CHECK;
void server_gate_close(mseq_server *server); /* nobody new comes in */
void server_gate_stop(mseq_server *server);

/* ---- head.c ------------------------------------------------------------------------------------
 */

/* Whether the headers of a request are complete in these bytes; what is wrong with them, or with
 * what there is of them, goes to *refusal. */
bool server_head_check(const char *bytes, size_t length, server_refusal *refusal);

/* ---- places.c ----------------------------------------------------------------------------------
 */

typedef struct server_queue {
    struct server_waiter *first, **last;
} server_queue;

typedef struct server_places {
    pthread_mutex_t lock;
    server_queue statements; /* requests that run SQL of the caller's: may take long */
    server_queue others;
    int waiting;
    int running;
    int running_statements;
} server_places;

typedef enum server_place {
    SERVER_PLACE_TAKEN,
    SERVER_PLACE_NONE,    /* too many wait already */
    SERVER_PLACE_UNWANTED /* the token was set meanwhile */
} server_place;

void server_places_init(mseq_server *server);
void server_places_destroy(mseq_server *server);
/* Waits for a place; who has one gives it back with server_place_leave. */
server_place server_place_take(mseq_server *server, bool statement, const mseq_cancellation *token);
void server_place_leave(mseq_server *server, bool statement);

/* ---- answer.c ----------------------------------------------------------------------------------
 */

/* Fills the answer of a complete request. */
void server_answer(server_exchange *exchange);

/* ---- reply.c: responses ------------------------------------------------------------------------
 */

/* Each fills the exchange's answer; without memory its response stays NULL. */
void server_reply(server_exchange *exchange, mseq_reply *reply);
/* Becomes owner of `text` (malloc'ed), even on failure. */
void server_reply_text(server_exchange *exchange, int status, const char *type, char *text);
void server_reply_refusal(server_exchange *exchange, int status, const char *code,
                          const char *detail);
/* The reason phrase that goes with a status: libmicrohttpd's. A whole response as text for
 * connections that libmicrohttpd cannot answer. */
size_t server_reply_raw(int status, const char *code, const char *detail, char *text, size_t size);

/* ---- stream.c: replies whose rows are read while they are sent ---------------------------------
 */

typedef struct server_stream server_stream;
/* Whether one more may be begun; it counts until it ends, or until server_stream_denied. */
bool server_stream_allowed(mseq_server *server);
void server_stream_denied(mseq_server *server);
/* A response that sends the rows as lines; becomes their owner, even on failure (NULL). */
struct MHD_Response *server_stream_response(server_exchange *exchange, mseq_row_stream *rows);
/* Ends the statement behind it, whatever was sent. */
void server_stream_end(server_stream *stream);

/* ---- pages.c: what the server answers itself ---------------------------------------------------
 */

/* True when the path is one of its pages ("/", "/healthz", "/readyz"). */
bool server_page(server_exchange *exchange);

/* ---- listen.c, tls.c ---------------------------------------------------------------------------
 */

/* A listening socket; *authority gets "127.0.0.1:8765" with the real port, owned by the caller. */
mseq_status server_listen(const char *address, int backlog, int *listener, char **authority,
                          mseq_error *err) MSEQ_MUST_CHECK;
/* A small text file, owned by the caller. `what` names it in errors. */
mseq_status server_read_file(const char *path, const char *what, char **text,
                             mseq_error *err) MSEQ_MUST_CHECK;

/* ---- log.c -------------------------------------------------------------------------------------
 */

int64_t server_now_us(void); /* a clock that never goes back */
void server_log_exchange(const server_exchange *exchange, bool complete);
/* A connection that was refused or timed out before there was a request. */
void server_log_connection(mseq_server *server, int status, const char *code);

/* ---- The server --------------------------------------------------------------------------------
 */

struct mseq_server {
    mseq_server_options options; /* with the defaults filled in; texts are not kept */
    char *address;
    struct MHD_Daemon *daemon;
    bool tls;
    char prefix[9]; /* of request ids */
    atomic_uint_fast64_t requests;
    atomic_size_t body_bytes; /* of all requests */
    atomic_int streams;       /* that are open */
    atomic_bool stopping;
    pthread_mutex_t log_lock;
    server_connections connections;
    server_gate gate;
    server_places places;
};

#endif
