/* SPDX-License-Identifier: MIT
 * A server on a folder and a free port, and clients that speak to it over raw sockets. */
#ifndef SERVER_HELPERS_H
#define SERVER_HELPERS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mainsequence/server.h"

#include "manager_helpers.h"

/* Long enough for any machine: what takes longer has failed. */
enum { PATIENCE_MS = 20000 };

typedef struct served {
    fixture *made; /* the manager and its folder */
    mseq_server *server;
    uint16_t port;
    char *token;          /* of the user `local`; NULL until `log_in` */
    pthread_mutex_t lock; /* guards `log` */
    mseq_buffer log;      /* lines */
} served;

static inline void keep_line(void *data, const char *line) {
    served *own = data;
    pthread_mutex_lock(&own->lock);
    mseq_buffer_append_text(&own->log, line);
    mseq_buffer_append_char(&own->log, '\n');
    pthread_mutex_unlock(&own->lock);
}

/* Whether a line with that text is in the log, soon. */
static inline bool logged(served *own, const char *text) {
    for (int64_t end = mseq_monotonic_ms() + PATIENCE_MS; mseq_monotonic_ms() < end;) {
        pthread_mutex_lock(&own->lock);
        bool found = strstr(mseq_buffer_text(&own->log), text) != NULL;
        pthread_mutex_unlock(&own->lock);
        if (found)
            return true;
        poll(NULL, 0, 5);
    }
    print_error("not in the log: %s\n%s", text, mseq_buffer_text(&own->log));
    return false;
}

/* Whether no line has had that text so far. */
static inline bool unlogged(served *own, const char *text) {
    pthread_mutex_lock(&own->lock);
    bool missing = strstr(mseq_buffer_text(&own->log), text) == NULL;
    pthread_mutex_unlock(&own->lock);
    return missing;
}

static inline void start_server(served *own, const mseq_server_options *given) {
    mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    if (given)
        options = *given;
    options.manager = own->made->manager;
    if (!options.listen)
        options.listen = "127.0.0.1:0";
    options.log = keep_line;
    options.log_data = own;
    if (mseq_server_start(&options, &own->server, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    own->port = (uint16_t)atoi(strrchr(mseq_server_address(own->server), ':') + 1);
}

static inline void restart_server(served *own, const mseq_server_options *options) {
    mseq_server_stop(own->server);
    own->server = NULL;
    start_server(own, options);
}

static inline int set_up_server(void **state) {
    served *own = calloc(1, sizeof *own);
    void *made = NULL;
    if (!own || set_up(&made) != 0)
        return -1;
    own->made = made;
    pthread_mutex_init(&own->lock, NULL);
    start_server(own, NULL);
    *state = own;
    return 0;
}

static inline int tear_down_server(void **state) {
    served *own = *state;
    void *made = own->made;
    mseq_server_stop(own->server);
    mseq_buffer_free(&own->log);
    free(own->token);
    pthread_mutex_destroy(&own->lock);
    free(own);
    return tear_down(&made);
}

/* ---- Clients -----------------------------------------------------------------------------------
 */

static inline int dial(const served *own) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(own->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    if (connect(client, (struct sockaddr *)&to, sizeof to) != 0)
        fail_msg("cannot connect: %s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    return client;
}

/* Sends what the server takes; it may have hung up. */
static inline bool say_n(int client, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t size = send(client, bytes, length, MSG_NOSIGNAL);
        if (size <= 0)
            return false;
        bytes += size;
        length -= (size_t)size;
    }
    return true;
}

static inline bool say(int client, const char *text) {
    return say_n(client, text, strlen(text));
}

/* One reply, or what came of it before the end. */
typedef struct heard {
    int status; /* 0: none came */
    char *head; /* status line and headers */
    char *body;
    size_t body_length;
    bool closed; /* the connection's end was seen */
} heard;

static inline void heard_free(heard *reply) {
    free(reply->head);
    free(reply->body);
    *reply = (heard){0, NULL, NULL, 0, false};
}

/* Reads some bytes more; false at the end. */
static inline bool hear_some(int client, mseq_buffer *bytes, size_t most) {
    char piece[4096];
    struct pollfd look = {.fd = client, .events = POLLIN};
    int ready = poll(&look, 1, PATIENCE_MS);
    if (ready == 0)
        fail_msg("the server says nothing");
    ssize_t size = recv(client, piece, most < sizeof piece ? most : sizeof piece, 0);
    if (size <= 0)
        return false;
    mseq_buffer_append(bytes, piece, (size_t)size);
    return true;
}

static inline heard hear(int client) {
    mseq_buffer head = MSEQ_BUFFER_INIT, body = MSEQ_BUFFER_INIT;
    heard reply = {0, NULL, NULL, 0, false};
    while (!reply.closed && !strstr(mseq_buffer_text(&head), "\r\n\r\n"))
        reply.closed = !hear_some(client, &head, 1);
    if (head.length) {
        const char *length = strcasestr(head.data, "\r\nContent-Length:");
        size_t wanted = length ? (size_t)atol(length + 17) : 0;
        reply.status = strncmp(head.data, "HTTP/1.", 7) == 0 ? atoi(head.data + 9) : 0;
        while (!reply.closed && body.length < wanted)
            reply.closed = !hear_some(client, &body, wanted - body.length);
    }
    reply.body_length = body.length;
    reply.head = head.length ? mseq_buffer_take(&head) : strdup("");
    reply.body = body.length ? mseq_buffer_take(&body) : strdup("");
    mseq_buffer_free(&head);
    mseq_buffer_free(&body);
    return reply;
}

/* The connection's end, and nothing before it. */
static inline bool hears_end(int client) {
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    bool end = !hear_some(client, &bytes, 1);
    mseq_buffer_free(&bytes);
    return end;
}

/* The reply is JSON {"detail", "code"} with that status and code. */
static inline void expect_refused_at(const char *file, int line, heard *reply, int status,
                                     const char *code) {
    mseq_value *body = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (reply->status != status ||
        mseq_json_parse(reply->body, reply->body_length, 0, &body, &err) != MSEQ_OK ||
        strcmp(text_at(body, "code"), code) != 0 || !mseq_object_get_text(body, "detail") ||
        !strcasestr(reply->head, "\r\nContent-Type: application/json\r\n")) {
        print_error("%s:%d: not refused with %d %s:\n%s%s\n", file, line, status, code, reply->head,
                    reply->body);
        fail();
    }
    mseq_value_free(body);
    heard_free(reply);
}
#define expect_refused(reply, status, code)                                                        \
    expect_refused_at(__FILE__, __LINE__, reply, status, code)

/* A new connection, the bytes, the refusal. */
static inline void refused_at(const char *file, int line, const served *own, const char *bytes,
                              size_t length, int status, const char *code) {
    int client = dial(own);
    (void)say_n(client, bytes, length);
    heard reply = hear(client);
    expect_refused_at(file, line, &reply, status, code);
    close(client);
}
#define refused(own, text, status, code)                                                           \
    refused_at(__FILE__, __LINE__, own, text, strlen(text), status, code)

/* ---- Requests under a token --------------------------------------------------------------------
 */

static inline void log_in(served *own) {
    mseq_value *token = expect(own->made->manager, "POST", "/orm/api/ts_manager/tokens/",
                               "{\"name\": \"spec\"}", 201);
    own->token = strdup(text_at(token, "access"));
    mseq_value_free(token);
}

/* Text of a request; free() it. `headers` are further ones, each with its line end. */
static inline char *request_text(const served *own, const char *method, const char *path,
                                 const char *headers, const char *body) {
    return mseq_text_format("%s %s HTTP/1.1\r\nHost: example.org:1\r\nAuthorization: Bearer %s\r\n"
                            "%sContent-Length: %zu\r\n\r\n%s",
                            method, path, own->token, headers, strlen(body), body);
}

/* A connection on which a request has been sent. */
static inline int ask(const served *own, const char *method, const char *path, const char *headers,
                      const char *body) {
    char *text = request_text(own, method, path, headers, body);
    int client = dial(own);
    (void)say(client, text);
    free(text);
    return client;
}

/* A statement that runs until it is cancelled or times out. */
#define ENDLESS                                                                                    \
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

/* A table to query; its uid is text. */
static inline char *make_table(const served *own, const char *name) {
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
        " \"provisioning\": {\"create_table\": true}, \"table_contract\": {\"physical\":"
        " {\"table_name\": \"%s\"}, \"columns\": [{\"name\": \"word\", \"data_type\": \"string\","
        " \"backend_type\": \"TEXT\"}]}}",
        own->made->source, name);
    mseq_value *row = expect(own->made->manager, "POST", META "register/", body, 201);
    char *uid = strdup(text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
    return uid;
}

static inline int query_endlessly(const served *own, const char *uid) {
    char path[128];
    snprintf(path, sizeof path, META "%s/run_query/", uid);
    return ask(own, "POST", path, "Content-Type: text/plain\r\n", ENDLESS);
}

/* The server is up and well. */
static inline void expect_alive(const served *own) {
    int client = dial(own);
    assert_true(say(client, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"));
    heard reply = hear(client);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "{\"status\": \"ready\"}");
    heard_free(&reply);
    close(client);
}

#endif
