/* SPDX-License-Identifier: MIT
 * Connections and their deadlines. A connection is in the list before its socket is handed to
 * libmicrohttpd and until just before that closes it, so that the socket may be used under the
 * lock. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server_private.h"

enum {
    /* A client that closed its sending half may still want the answer: it is waited for that long.
     */
    HALF_CLOSED_MS = 1000,
    WRITE_RATE = 1024, /* bytes a millisecond that a client takes at least */
    /* A program that works on rows while it reads them may take longer for a piece of a stream:
     * write_ms so many times. */
    STREAM_PATIENCE = 10
};

static const uint64_t RECEIVED_UNKNOWN = UINT64_MAX;

/* ---- Coming and going --------------------------------------------------------------------------
 */

static void set_address(server_connection *connection, const struct sockaddr *from) {
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned char *address = connection->address;
    if (from && from->sa_family == AF_INET) {
        struct sockaddr_in peer;
        memcpy(&peer, from, sizeof peer);
        memcpy(address, mapped, sizeof mapped);
        memcpy(address + sizeof mapped, &peer.sin_addr, 4);
    } else if (from && from->sa_family == AF_INET6) {
        struct sockaddr_in6 peer;
        memcpy(&peer, from, sizeof peer);
        memcpy(address, &peer.sin6_addr, SERVER_ADDRESS_SIZE);
    }
    struct in6_addr whole;
    memcpy(&whole, address, sizeof whole);
    connection->loopback = IN6_IS_ADDR_LOOPBACK(&whole) ||
                           (memcmp(address, mapped, sizeof mapped) == 0 && address[12] == 127);
}

static bool is_too_many(const mseq_server *server, const server_connection *connection) {
    const server_connections *all = &server->connections;
    size_t same = 0;
    for (const server_connection *at = all->first; at; at = at->next)
        same += memcmp(at->address, connection->address, SERVER_ADDRESS_SIZE) == 0;
    return all->count >= (size_t)server->options.maximum_connections ||
           same >= (size_t)server->options.maximum_connections_per_address;
}

server_connection *server_connection_add(mseq_server *server, int socket,
                                         const struct sockaddr *from, bool *refused) {
    server_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->socket = socket;
    connection->at_gate = true;
    set_address(connection, from);
    connection->phase = SERVER_AT_GATE;
    connection->deadline = mseq_monotonic_ms() + server->options.header_ms;
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    *refused = is_too_many(server, connection);
    connection->next = all->first;
    if (all->first)
        all->first->previous = connection;
    all->first = connection;
    all->count++;
    pthread_mutex_unlock(&all->lock);
    return connection;
}

void server_connection_remove(mseq_server *server, server_connection *connection) {
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        all->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    all->count--;
    pthread_cond_broadcast(&all->gone);
    pthread_mutex_unlock(&all->lock);
    free(connection);
}

/* libmicrohttpd has taken over a socket: which connection is it? */
static server_connection *receive(mseq_server *server, int socket) {
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    server_connection *at = all->first;
    while (at && !(at->socket == socket && at->phase == SERVER_HANDED_OVER))
        at = at->next;
    if (at) {
        at->phase = SERVER_READING_HEADERS;
        at->deadline = mseq_monotonic_ms() + server->options.header_ms;
    }
    pthread_mutex_unlock(&all->lock);
    return at;
}

void server_connection_notify(void *server, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info ? receive(server, info->connect_fd) : NULL;
    } else if (*context) {
        server_connection_remove(server, *context);
        *context = NULL;
    }
}

size_t server_connections_count(mseq_server *server) {
    pthread_mutex_lock(&server->connections.lock);
    size_t count = server->connections.count;
    pthread_mutex_unlock(&server->connections.lock);
    return count;
}

/* ---- The end -----------------------------------------------------------------------------------
 */

/* Under the lock. */
static void cut_off(mseq_server *server, server_connection *connection, int status,
                    const char *code, const char *detail) {
    char text[1024];
    if (status && !server->tls) {
        size_t length = server_reply_raw(status, code, detail, text, sizeof text);
        (void)send(connection->socket, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    /* libmicrohttpd notices the end of what it reads; the gate reads on, to the client's end. */
    shutdown(connection->socket, connection->at_gate ? SHUT_WR : SHUT_RDWR);
    connection->phase = SERVER_ENDED;
    connection->deadline = 0;
}

void server_connection_end(mseq_server *server, server_connection *connection, int status,
                           const char *code, const char *detail) {
    pthread_mutex_lock(&server->connections.lock);
    cut_off(server, connection, status, code, detail);
    pthread_mutex_unlock(&server->connections.lock);
}

/* ---- Phases ------------------------------------------------------------------------------------
 */

/* Bytes that have come from the client, as TCP counts them: the only sign of a request that has
 * begun and is not complete. */
static uint64_t bytes_received(const server_connection *connection) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(connection->socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return 0;
    return info.tcpi_bytes_received;
}

bool server_connection_enter(mseq_server *server, server_connection *connection, server_phase phase,
                             size_t bytes, mseq_cancellation *cancellation) {
    const mseq_server_options *options = &server->options;
    int64_t now = mseq_monotonic_ms(), deadline = 0;
    switch (phase) {
    case SERVER_READING_HEADERS:
        deadline = now + options->header_ms;
        break;
    case SERVER_READING_BODY:
        deadline = now + options->body_ms;
        break;
    case SERVER_WRITING:
        deadline = now + options->write_ms + (int64_t)(bytes / WRITE_RATE);
        break;
    case SERVER_STREAMING:
        deadline = now + STREAM_PATIENCE * options->write_ms;
        break;
    case SERVER_IDLE:
        deadline = now + options->idle_ms;
        break;
    default:
        break;
    }
    pthread_mutex_lock(&server->connections.lock);
    bool alive = connection->phase != SERVER_ENDED;
    if (alive) {
        connection->phase = phase;
        connection->deadline = deadline;
        connection->received = RECEIVED_UNKNOWN;
    }
    connection->cancellation = cancellation;
    pthread_mutex_unlock(&server->connections.lock);
    return alive;
}

/* ---- Deadlines ------------------------------------------------------------------------------
 */

static void close_late(mseq_server *server, server_connection *connection) {
    switch (connection->phase) {
    case SERVER_READING_HEADERS:
        cut_off(server, connection, 408, "request_timeout",
                "the request's headers came too slowly");
        server_log_connection(server, 408, "request_timeout");
        break;
    case SERVER_READING_BODY: /* exchange.c logs it */
        cut_off(server, connection, 408, "request_timeout", "the request's body came too slowly");
        break;
    default:
        cut_off(server, connection, 0, NULL, NULL);
    }
}

/* A reset is certain; the end of what the client sends may be the end of the client. */
static void look_for_client(server_connection *connection, int64_t now) {
    struct pollfd look = {.fd = connection->socket, .events = POLLRDHUP};
    if (poll(&look, 1, 0) <= 0)
        return;
    if (!connection->half_closed)
        connection->half_closed = now;
    if ((look.revents & (POLLERR | POLLHUP)) || now - connection->half_closed >= HALF_CLOSED_MS)
        mseq_cancellation_set(connection->cancellation);
}

/* Bytes that come on an idle connection are the next request's first. They are counted from the
 * first look on: counting with every reply would cost a system call a request. */
static void look_for_request(const mseq_server *server, server_connection *connection,
                             int64_t now) {
    uint64_t received = bytes_received(connection);
    if (connection->received != RECEIVED_UNKNOWN && received != connection->received) {
        connection->phase = SERVER_READING_HEADERS;
        connection->deadline = now + server->options.header_ms;
    }
    connection->received = received;
}

static void look_at(mseq_server *server, server_connection *connection, int64_t now) {
    if (connection->phase == SERVER_ANSWERING && connection->cancellation)
        look_for_client(connection, now);
    if (connection->phase == SERVER_IDLE)
        look_for_request(server, connection, now);
    if (server->connections.stopping && connection->phase == SERVER_IDLE)
        cut_off(server, connection, 0, NULL, NULL);
    else if (connection->deadline && now >= connection->deadline)
        close_late(server, connection);
}

void server_connections_look(mseq_server *server) {
    server_connections *all = &server->connections;
    int64_t now = mseq_monotonic_ms();
    pthread_mutex_lock(&all->lock);
    for (server_connection *at = all->first; at; at = at->next)
        if (!at->at_gate && at->phase != SERVER_HANDED_OVER && at->phase != SERVER_ENDED)
            look_at(server, at, now);
    pthread_mutex_unlock(&all->lock);
}

/* ---- As a whole --------------------------------------------------------------------------------
 */

void server_connections_init(mseq_server *server) {
    server_connections *all = &server->connections;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all->gone, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&all->lock, NULL);
}

void server_connections_destroy(mseq_server *server) {
    pthread_cond_destroy(&server->connections.gone);
    pthread_mutex_destroy(&server->connections.lock);
}

bool server_connections_wait(mseq_server *server, int64_t ms) {
    server_connections *all = &server->connections;
    int64_t until = mseq_monotonic_ms() + ms;
    struct timespec time = {.tv_sec = until / 1000, .tv_nsec = (long)(until % 1000) * 1000000};
    pthread_mutex_lock(&all->lock);
    while (all->count > 0 && mseq_monotonic_ms() < until)
        pthread_cond_timedwait(&all->gone, &all->lock, &time);
    bool gone = all->count == 0;
    pthread_mutex_unlock(&all->lock);
    return gone;
}

void server_connections_drain(mseq_server *server) {
    pthread_mutex_lock(&server->connections.lock);
    server->connections.stopping = true;
    pthread_mutex_unlock(&server->connections.lock);
}

void server_connections_cancel(mseq_server *server) {
    pthread_mutex_lock(&server->connections.lock);
    for (server_connection *at = server->connections.first; at; at = at->next) {
        if (at->cancellation)
            mseq_cancellation_set(at->cancellation);
        else if (at->phase == SERVER_READING_HEADERS || at->phase == SERVER_READING_BODY)
            cut_off(server, at, 503, "stopping", "the server is being stopped");
    }
    pthread_mutex_unlock(&server->connections.lock);
}
