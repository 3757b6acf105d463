/* SPDX-License-Identifier: MIT
 * The way in. Sockets are watched edge-triggered and looked into without taking anything out
 * (MSG_PEEK), so that libmicrohttpd finds the whole request. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server_private.h"

enum {
    EVENTS = 64,
    TICK_MS = 100,
    LINGER_MS = 1000,
    LINGERING_MAXIMUM = 256 /* connections above the limit that still get an answer */
};

/* ---- Leaving -----------------------------------------------------------------------------------
 */

/* An answer is lost when the socket is closed while the client still sends: what comes is thrown
 * away until it stops, or for LINGER_MS. */
static void linger(mseq_server *server, server_connection *connection) {
    pthread_mutex_lock(&server->connections.lock);
    connection->deadline = mseq_monotonic_ms() + LINGER_MS;
    pthread_mutex_unlock(&server->connections.lock);
}

static void hang_up(mseq_server *server, server_connection *connection) {
    close(connection->socket); /* leaves the epoll with it */
    server_connection_remove(server, connection);
}

static void refuse(mseq_server *server, server_connection *connection,
                   const server_refusal *refusal) {
    server_connection_end(server, connection, refusal->status, refusal->code, refusal->detail);
    server_log_connection(server, refusal->status, refusal->code);
    linger(server, connection);
}

static void discard(mseq_server *server, server_connection *connection) {
    char waste[16384];
    ssize_t size;
    while ((size = recv(connection->socket, waste, sizeof waste, MSG_DONTWAIT)) > 0)
        ;
    if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        hang_up(server, connection);
}

/* ---- Entering ----------------------------------------------------------------------------------
 */

static void hand_over(mseq_server *server, server_connection *connection) {
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    int socket = connection->socket;
    if (getpeername(socket, (struct sockaddr *)&from, &size) != 0) {
        hang_up(server, connection);
        return;
    }
    epoll_ctl(server->gate.events, EPOLL_CTL_DEL, socket, NULL);
    pthread_mutex_lock(&server->connections.lock);
    connection->phase = SERVER_HANDED_OVER;
    connection->at_gate = false;
    pthread_mutex_unlock(&server->connections.lock);
    /* From here on the socket is libmicrohttpd's, which closes it even when it fails, and the
     * connection is that of server_connection_notify, if that is called. */
    if (MHD_add_connection(server->daemon, socket, (struct sockaddr *)&from, size) == MHD_YES)
        return;
    pthread_mutex_lock(&server->connections.lock);
    server_connection *at = server->connections.first;
    while (at && !(at == connection && at->phase == SERVER_HANDED_OVER))
        at = at->next;
    pthread_mutex_unlock(&server->connections.lock);
    if (at)
        server_connection_remove(server, at);
}

static void look_into(mseq_server *server, server_connection *connection, uint32_t events,
                      char *bytes) {
    ssize_t size = recv(connection->socket, bytes, SERVER_HEADER_MAXIMUM, MSG_PEEK | MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        hang_up(server, connection);
        return;
    }
    if (size < 0)
        return;
    server_refusal refusal;
    if (server_head_check(bytes, (size_t)size, &refusal)) {
        hand_over(server, connection);
        return;
    }
    if (!refusal.status && (events & EPOLLRDHUP))
        refusal = (server_refusal){400, "truncated", "the request ends within its headers"};
    if (refusal.status)
        refuse(server, connection, &refusal);
}

static void take_in(mseq_server *server, int socket, const struct sockaddr *from) {
    bool refused = false;
    server_connection *connection = server_connection_add(server, socket, from, &refused);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    if (!connection || epoll_ctl(server->gate.events, EPOLL_CTL_ADD, socket, &event) != 0) {
        close(socket);
        if (connection)
            server_connection_remove(server, connection);
        return;
    }
    if (refused) {
        static const server_refusal full = {503, "too_many_connections",
                                            "there are too many connections: try again later"};
        refuse(server, connection, &full);
        if (server_connections_count(server) >
            (size_t)server->options.maximum_connections + LINGERING_MAXIMUM)
            hang_up(server, connection);
    } else if (server->tls) {
        hand_over(server, connection);
    }
}

/* Without a file for it a client can't even be told no, and would be offered to us again and again:
 * the spare file makes room for hanging up. */
static void turn_away(server_gate *gate) {
    close(gate->spare);
    int socket = accept4(gate->listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket >= 0)
        close(socket);
    gate->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_all(mseq_server *server) {
    server_gate *gate = &server->gate;
    for (int i = 0; i < EVENTS; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int socket =
            accept4(gate->listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket >= 0)
            take_in(server, socket, (struct sockaddr *)&from);
        else if (errno == EMFILE || errno == ENFILE)
            turn_away(gate);
        else if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* ---- The thread --------------------------------------------------------------------------------
 */

/* One that has been at the gate for too long, or NULL. */
static server_connection *find_late(mseq_server *server, int64_t now) {
    server_connections *all = &server->connections;
    pthread_mutex_lock(&all->lock);
    server_connection *at = all->first;
    while (at && !(at->at_gate &&
                   (now >= at->deadline || (all->stopping && at->phase == SERVER_AT_GATE))))
        at = at->next;
    pthread_mutex_unlock(&all->lock);
    return at;
}

static void look_at_gate(mseq_server *server) {
    static const server_refusal slow = {408, "request_timeout",
                                        "the request's headers came too slowly"};
    static const server_refusal stopping = {503, "stopping", "the server is being stopped"};
    int64_t now = mseq_monotonic_ms();
    for (server_connection *at; (at = find_late(server, now));) {
        char byte;
        if (at->phase == SERVER_AT_GATE && recv(at->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
            refuse(server, at, now >= at->deadline ? &slow : &stopping);
        else /* said nothing, or has had its answer */
            hang_up(server, at);
    }
}

static void close_listener(server_gate *gate) {
    if (gate->listener >= 0)
        close(gate->listener);
    gate->listener = -1;
}

static void see(mseq_server *server, const struct epoll_event *event, char *bytes) {
    server_gate *gate = &server->gate;
    server_connection *connection = event->data.ptr;
    if (!connection) {
        accept_all(server);
    } else if (event->data.ptr == gate) {
        uint64_t count;
        (void)!read(gate->wake, &count, sizeof count);
    } else if (connection->phase == SERVER_ENDED) {
        discard(server, connection);
    } else {
        look_into(server, connection, event->events, bytes);
    }
}

static void *stand(void *data) {
    mseq_server *server = data;
    server_gate *gate = &server->gate;
    char bytes[SERVER_HEADER_MAXIMUM];
    int64_t looked = 0;
    while (!atomic_load(&gate->ended)) {
        struct epoll_event events[EVENTS];
        bool nobody = server_connections_count(server) == 0;
        int count = epoll_wait(gate->events, events, EVENTS, nobody ? -1 : TICK_MS);
        if (atomic_load(&gate->closed))
            close_listener(gate);
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr || gate->listener >= 0)
                see(server, &events[i], bytes);
        if (mseq_monotonic_ms() - looked < TICK_MS)
            continue;
        looked = mseq_monotonic_ms();
        look_at_gate(server);
        server_connections_look(server);
    }
    return NULL;
}

static void wake_up(const server_gate *gate) {
    uint64_t one = 1;
    (void)!write(gate->wake, &one, sizeof one);
}

static bool watch(const server_gate *gate, int file, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    return file >= 0 && epoll_ctl(gate->events, EPOLL_CTL_ADD, file, &event) == 0;
}

mseq_status server_gate_start(mseq_server *server, int listener, mseq_error *err) {
    server_gate *gate = &server->gate;
    gate->listener = listener;
    gate->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    gate->events = epoll_create1(EPOLL_CLOEXEC);
    gate->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    gate->running = gate->events >= 0 && gate->spare >= 0 && watch(gate, listener, NULL) &&
                    watch(gate, gate->wake, gate) &&
                    pthread_create(&gate->thread, NULL, stand, server) == 0;
    if (!gate->running)
        return mseq_error_set(err, MSEQ_E_IO, "cannot start the server's way in");
    return MSEQ_OK;
}

void server_gate_close(mseq_server *server) {
    atomic_store(&server->gate.closed, true);
    wake_up(&server->gate);
}

void server_gate_stop(mseq_server *server) {
    server_gate *gate = &server->gate;
    if (gate->running) {
        atomic_store(&gate->ended, true);
        wake_up(gate);
        pthread_join(gate->thread, NULL);
    }
    for (server_connection *at; (at = find_late(server, INT64_MAX));)
        hang_up(server, at);
    close_listener(gate);
    int files[] = {gate->wake, gate->events, gate->spare};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] >= 0)
            close(files[i]);
}
