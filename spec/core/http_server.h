/* SPDX-License-Identifier: MIT
 * A server for tests: one thread, a free port of 127.0.0.1, and a list of answers, one a request.
 * An answer is raw bytes, so that it can be anything. */
#ifndef SPEC_HTTP_SERVER_H
#define SPEC_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum http_ending {
    HTTP_KEEP,  /* the connection stays open for the next request */
    HTTP_CLOSE, /* closed after the answer */
    HTTP_RESET, /* broken off after the answer */
    HTTP_SILENT /* nothing more comes, the connection stays open */
} http_ending;

typedef struct http_answer {
    const char *bytes; /* NULL: none */
    size_t length;     /* 0: strlen(bytes) */
    http_ending ending;
} http_answer;

typedef struct http_server {
    const http_answer *answers;
    size_t answer_count;
    int listener;
    int stop[2];
    int port;
    pthread_t thread;
    pthread_mutex_t lock;
    size_t served;      /* requests read */
    size_t connections; /* accepted */
    char **requests;    /* heads and bodies */
} http_server;

/* Waits until the socket has something, or the test is over (false). */
static inline bool http_wait(http_server *server, int socket) {
    struct pollfd ends[2] = {{socket, POLLIN, 0}, {server->stop[0], POLLIN, 0}};
    return poll(ends, 2, 20000) > 0 && !(ends[1].revents & POLLIN);
}

/* Whether the bytes hold a whole request. */
static inline bool http_whole(const char *bytes, size_t length) {
    const char *end = strstr(bytes, "\r\n\r\n");
    if (!end)
        return false;
    const char *header = strcasestr(bytes, "\r\ncontent-length:");
    size_t body = header && header < end ? strtoul(header + 17, NULL, 10) : 0;
    return length >= (size_t)(end - bytes) + 4 + body;
}

/* One request; NULL when the client closed or the test is over. */
static inline char *http_read(http_server *server, int connection) {
    size_t capacity = 1 << 16, length = 0;
    char *bytes = calloc(1, capacity);
    while (bytes && !http_whole(bytes, length)) {
        if (length + 1 == capacity) {
            char *more = realloc(bytes, capacity * 2);
            if (!more)
                break;
            bytes = more;
            capacity *= 2;
        }
        ssize_t got = http_wait(server, connection)
                          ? recv(connection, bytes + length, capacity - length - 1, 0)
                          : 0;
        if (got <= 0) {
            free(bytes);
            return NULL;
        }
        length += (size_t)got;
        bytes[length] = '\0';
    }
    return bytes;
}

static inline void http_write(int connection, const http_answer *answer) {
    size_t length = answer->length ? answer->length : strlen(answer->bytes);
    for (size_t done = 0; done < length;) {
        ssize_t sent = send(connection, answer->bytes + done, length - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += (size_t)sent;
    }
}

static inline const http_answer *http_next(http_server *server, char *request) {
    pthread_mutex_lock(&server->lock);
    const http_answer *answer = NULL;
    if (server->served < server->answer_count) {
        server->requests[server->served] = request;
        answer = &server->answers[server->served++];
    } else {
        free(request);
    }
    pthread_mutex_unlock(&server->lock);
    return answer;
}

typedef struct http_connection {
    http_server *server;
    int socket;
} http_connection;

static inline void *http_serve(void *data) {
    http_connection *connection = data;
    for (bool open = true; open;) {
        char *request = http_read(connection->server, connection->socket);
        const http_answer *answer = request ? http_next(connection->server, request) : NULL;
        if (answer && answer->bytes)
            http_write(connection->socket, answer);
        if (answer && answer->ending == HTTP_SILENT) {
            char byte;
            while (http_wait(connection->server, connection->socket) &&
                   recv(connection->socket, &byte, 1, 0) > 0)
                continue;
        }
        if (answer && answer->ending == HTTP_RESET)
            setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                       sizeof(struct linger));
        open = answer && answer->ending == HTTP_KEEP;
    }
    close(connection->socket);
    free(connection);
    return NULL;
}

#define HTTP_SERVER_CONNECTIONS 64

static inline void *http_accept(void *data) {
    http_server *server = data;
    pthread_t threads[HTTP_SERVER_CONNECTIONS];
    size_t count = 0;
    while (count < HTTP_SERVER_CONNECTIONS && http_wait(server, server->listener)) {
        int socket = accept(server->listener, NULL, NULL);
        http_connection *connection = socket >= 0 ? malloc(sizeof *connection) : NULL;
        if (!connection)
            break;
        *connection = (http_connection){server, socket};
        pthread_mutex_lock(&server->lock);
        server->connections++;
        pthread_mutex_unlock(&server->lock);
        if (pthread_create(&threads[count], NULL, http_serve, connection) == 0)
            count++;
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return NULL;
}

/* A socket that listens on a free port. */
static inline int http_listen(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    *port = ntohs(address.sin_port);
    return listener;
}

static inline void http_server_start(http_server *server, const http_answer *answers,
                                     size_t count) {
    *server = (http_server){.answers = answers, .answer_count = count};
    server->requests = calloc(count + 1, sizeof *server->requests);
    server->listener = http_listen(&server->port);
    pthread_mutex_init(&server->lock, NULL);
    if (!server->requests || pipe(server->stop) != 0 ||
        pthread_create(&server->thread, NULL, http_accept, server) != 0)
        abort();
}

static inline size_t http_server_served(http_server *server) {
    pthread_mutex_lock(&server->lock);
    size_t served = server->served;
    pthread_mutex_unlock(&server->lock);
    return served;
}

static inline void http_server_stop(http_server *server) {
    if (write(server->stop[1], "x", 1) != 1)
        abort();
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->served; i++)
        free(server->requests[i]);
    free(server->requests);
    close(server->listener);
    close(server->stop[0]);
    close(server->stop[1]);
    pthread_mutex_destroy(&server->lock);
}

#endif
