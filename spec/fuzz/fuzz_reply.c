/* SPDX-License-Identifier: MIT
 * Any bytes as what a server sends: the whole way through libcurl, the reply parser and the client.
 * The server is a thread that gives every request the input and closes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

static struct {
    pthread_mutex_t lock;
    int listener;
    int port;
    uint8_t *bytes; /* what the next connections get */
    size_t size;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .listener = -1};

static void answer(int connection) {
    char request[4096];
    pthread_mutex_lock(&server.lock);
    size_t size = server.size;
    uint8_t *bytes = malloc(size + 1);
    fuzz_check(bytes);
    memcpy(bytes, server.bytes, size);
    pthread_mutex_unlock(&server.lock);
    if (recv(connection, request, sizeof request, 0) > 0)
        for (size_t done = 0; done < size;) {
            ssize_t sent = send(connection, bytes + done, size - done, MSG_NOSIGNAL);
            if (sent <= 0)
                break;
            done += (size_t)sent;
        }
    free(bytes);
    close(connection);
}

static void *serve(void *data) {
    (void)data;
    for (;;) {
        int connection = accept(server.listener, NULL, NULL);
        if (connection >= 0)
            answer(connection);
    }
}

static void start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_check(server.listener >= 0 &&
               bind(server.listener, (struct sockaddr *)&address, size) == 0 &&
               listen(server.listener, 16) == 0 &&
               getsockname(server.listener, (struct sockaddr *)&address, &size) == 0);
    server.port = ntohs(address.sin_port);
    setenv("no_proxy", "*", 1);
    fuzz_check(pthread_create(&thread, NULL, serve, NULL) == 0 && pthread_detach(thread) == 0);
}

static void show_to_server(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1);
    fuzz_check(copy);
    memcpy(copy, data, size);
    pthread_mutex_lock(&server.lock);
    free(server.bytes);
    server.bytes = copy;
    server.size = size;
    pthread_mutex_unlock(&server.lock);
}

static mseq_client *connect_client(void) {
    char origin[64];
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", server.port);
    mseq_transport *transport = NULL;
    mseq_client *client = NULL;
    mseq_http_options http = MSEQ_HTTP_OPTIONS_INIT;
    http.maximum_reply = 1 << 20;
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    options.attempts = 1;
    options.timeout_ms = 5000;
    options.access_token = "a";
    options.refresh_token = "r"; /* so that a 401 is met with a refresh, whose reply is the same */
    options.project_uid = "p";
    fuzz_check(mseq_transport_http_new(origin, &http, &transport, NULL) == MSEQ_OK);
    fuzz_check(mseq_client_new(transport, &options, &client, NULL) == MSEQ_OK);
    return client;
}

static void check(mseq_status status, const mseq_error *err, mseq_value *body) {
    if (status != MSEQ_OK)
        fuzz_check(err->status == status && err->message[0] && !body);
    if (body) {
        mseq_buffer text = MSEQ_BUFFER_INIT;
        fuzz_check(mseq_json_write(body, 0, &text, NULL) == MSEQ_OK);
        mseq_buffer_free(&text);
    }
    mseq_value_free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (server.listener < 0)
        start();
    show_to_server(data, size);
    mseq_client *client = connect_client();
    mseq_value *body = NULL;
    char *next = NULL;
    mseq_error errors[3];
    memset(errors, 0, sizeof errors);
    mseq_status status = mseq_client_call(client, "GET", "/a/", NULL, NULL, &body, &errors[0]);
    check(status, &errors[0], body);
    body = NULL;
    status = mseq_client_page(client, "/b/", NULL, &body, &next, &errors[1]);
    check(status, &errors[1], body);
    free(next);
    body = NULL;
    status = mseq_client_session_data_source(client, &body, &errors[2]);
    check(status, &errors[2], body);
    mseq_client_free(client);
    return 0;
}
