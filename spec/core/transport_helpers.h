/* SPDX-License-Identifier: MIT
 * For the tests of requests over HTTP: a transport, a server with a list of answers, what came. */
#ifndef SPEC_TRANSPORT_HELPERS_H
#define SPEC_TRANSPORT_HELPERS_H

#include "http_server.h"

#include "support.h"

#include "mainsequence/transport.h"

#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

typedef struct scene {
    http_server server;
    mseq_transport *transport;
    char origin[64];
    mseq_request request;
    mseq_reply reply;
    mseq_error err;
} scene;

static inline void scene_begin(scene *s, const http_answer *answers, size_t count,
                               const mseq_http_options *options) {
    memset(s, 0, sizeof *s);
    http_server_start(&s->server, answers, count);
    snprintf(s->origin, sizeof s->origin, "http://127.0.0.1:%d", s->server.port);
    s->request = (mseq_request)MSEQ_REQUEST_INIT;
    s->request.method = "GET";
    s->request.path = "/x/";
    if (mseq_transport_http_new(s->origin, options, &s->transport, &s->err) != MSEQ_OK)
        fail_msg("%s", s->err.message);
}

#define SCENE(s, answers) scene_begin(&(s), answers, COUNT(answers), NULL)

static inline mseq_status scene_send(scene *s) {
    mseq_reply_free(&s->reply);
    mseq_error_clear(&s->err);
    return mseq_transport_send(s->transport, &s->request, &s->reply, &s->err);
}

static inline void scene_end(scene *s) {
    mseq_reply_free(&s->reply);
    mseq_transport_free(s->transport);
    http_server_stop(&s->server);
}

static inline void expect_sent(scene *s, size_t index, const char *part) {
    const char *request = s->server.requests[index];
    if (!request || !strstr(request, part))
        fail_msg("'%s' is not in:\n%s", part, request ? request : "(no request)");
}

static inline void expect_not_sent(scene *s, size_t index, const char *part) {
    if (strcasestr(s->server.requests[index], part))
        fail_msg("'%s' is in:\n%s", part, s->server.requests[index]);
}

static inline char *repeat(const char *head, const char *unit, size_t count) {
    size_t head_length = strlen(head), length = strlen(unit);
    char *text = malloc(head_length + length * count + 1);
    assert_non_null(text);
    memcpy(text, head, head_length);
    for (size_t i = 0; i < count; i++)
        memcpy(text + head_length + i * length, unit, length);
    text[head_length + length * count] = '\0';
    return text;
}

#endif
