/* SPDX-License-Identifier: MIT
 * Connections and their deadlines. libmicrohttpd tells when one comes and goes; a connection is in
 * the list from the one to the other, so that its socket may be used under the lock. */
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
    TICK_MS = 100,
    /* A client that closed its sending half may still want the answer: it is waited for that long.
     */
    HALF_CLOSED_MS = 1000,
    WRITE_RATE = 64 /* bytes a millisecond that a client takes at least */
};

/* ---- Saying no without libmicrohttpd -----------------------------------------------------------
 */

/* A last word, where it can be said (not inside TLS), and the end of the connection. */
static void cut_off(mseq_server *server, server_connection *connection, int status,
                    const char *code, const char *detail) {
    char text[1024];
    if (status && !server->tls) {
        size_t length = server_reply_raw(status, code, detail, text, sizeof text);
        (void)send(connection->socket, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    shutdown(connection->socket, SHUT_RDWR);
    connection->phase = SERVER_ENDED;
    connection->deadline = 0;
}

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

static void add(mseq_server *server, struct MHD_Connection *mhd, void **context) {
    const union MHD_ConnectionInfo *socket =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    server_connection *connection = calloc(1, sizeof *connection);
    if (!socket || !connection) {
        if (socket)
            shutdown(socket->connect_fd, SHUT_RDWR);
        free(connection);
        return;
    }
    connection->socket = socket->connect_fd;
    set_address(connection, from ? from->client_addr : NULL);
    connection->phase = SERVER_READING_HEADERS;
    connection->deadline = mseq_monotonic_ms() + server->options.header_ms;
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    bool refused = is_too_many(server, connection);
    if (refused)
        cut_off(server, connection, 503, "too_many_connections",
                "there are too many connections: try again later");
    connection->next = all->first;
    if (all->first)
        all->first->previous = connection;
    all->first = connection;
    all->count++;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    *context = connection;
    if (refused)
        server_log_connection(server, 503, "too_many_connections");
}

static void drop(mseq_server *server, void **context) {
    server_connection *connection = *context;
    server_connections *all = &server->connections;
    if (!connection)
        return;
    pthread_mutex_lock(&all->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        all->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    all->count--;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    free(connection);
    *context = NULL;
}

void server_connection_notify(void *server, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        add(server, connection, context);
    else
        drop(server, context);
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
        if (phase == SERVER_IDLE)
            connection->received = bytes_received(connection);
    }
    connection->cancellation = cancellation;
    pthread_mutex_unlock(&server->connections.lock);
    return alive;
}

/* ---- The watchdog ------------------------------------------------------------------------------
 */

static void close_late(mseq_server *server, server_connection *connection) {
    switch (connection->phase) {
    case SERVER_READING_HEADERS:
        if (bytes_received(connection) == connection->received) { /* said nothing at all */
            cut_off(server, connection, 0, NULL, NULL);
            break;
        }
        cut_off(server, connection, 408, "request_timeout",
                "the request's headers came too slowly");
        server_log_connection(server, 408, "request_timeout");
        break;
    case SERVER_READING_BODY:
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

static void watch_one(mseq_server *server, server_connection *connection, int64_t now) {
    if (connection->phase == SERVER_ANSWERING && connection->cancellation)
        look_for_client(connection, now);
    if (connection->phase == SERVER_IDLE &&
        bytes_received(connection) != connection->received) { /* the next request has begun */
        connection->phase = SERVER_READING_HEADERS;
        connection->deadline = now + server->options.header_ms;
    }
    bool unused = connection->phase == SERVER_IDLE ||
                  (connection->phase == SERVER_READING_HEADERS && connection->received == 0 &&
                   bytes_received(connection) == 0);
    if (server->connections.stopping && unused)
        cut_off(server, connection, 0, NULL, NULL);
    else if (connection->deadline && now >= connection->deadline)
        close_late(server, connection);
}

static void wait_until(server_connections *all, int64_t milliseconds) {
    struct timespec until = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    pthread_cond_timedwait(&all->changed, &all->lock, &until);
}

static void *watch(void *data) {
    mseq_server *server = data;
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    while (!all->ended) {
        if (!all->first) {
            pthread_cond_wait(&all->changed, &all->lock);
            continue;
        }
        int64_t now = mseq_monotonic_ms();
        for (server_connection *at = all->first; at; at = at->next)
            watch_one(server, at, now);
        /* Comings and goings wake it early; it need not look again at once. */
        for (int64_t next = now + TICK_MS; !all->ended && mseq_monotonic_ms() < next;)
            wait_until(all, next);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

/* ---- As a whole --------------------------------------------------------------------------------
 */

mseq_status server_connections_start(mseq_server *server, mseq_error *err) {
    server_connections *all = &server->connections;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&all->lock, NULL);
    all->watched = pthread_create(&all->watchdog, NULL, watch, server) == 0;
    return all->watched ? MSEQ_OK
                        : mseq_error_set(err, MSEQ_E_IO, "cannot start the server's watchdog");
}

bool server_connections_wait(mseq_server *server, int64_t ms) {
    server_connections *all = &server->connections;
    int64_t until = mseq_monotonic_ms() + ms;
    pthread_mutex_lock(&all->lock);
    while (all->count > 0 && mseq_monotonic_ms() < until)
        wait_until(all, until);
    bool gone = all->count == 0;
    pthread_mutex_unlock(&all->lock);
    return gone;
}

void server_connections_drain(mseq_server *server) {
    pthread_mutex_lock(&server->connections.lock);
    server->connections.stopping = true;
    pthread_cond_broadcast(&server->connections.changed);
    pthread_mutex_unlock(&server->connections.lock);
}

void server_connections_cancel(mseq_server *server) {
    pthread_mutex_lock(&server->connections.lock);
    for (server_connection *at = server->connections.first; at; at = at->next)
        if (at->cancellation)
            mseq_cancellation_set(at->cancellation);
    pthread_mutex_unlock(&server->connections.lock);
}

void server_connections_stop(mseq_server *server) {
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    all->ended = true;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    if (all->watched)
        pthread_join(all->watchdog, NULL);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
}
