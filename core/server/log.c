/* SPDX-License-Identifier: MIT
 * One line of JSON for every request: who, which route, how it ended, how long it took. No bodies,
 * no query strings, no header but the method: nothing in it can be a secret. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server_private.h"

int64_t server_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A JSON string; bytes that are not UTF-8 (methods are the client's) become "?". */
static void append_text(mseq_buffer *line, const char *key, const char *text) {
    mseq_buffer_append_format(line, ", \"%s\": ", key);
    if (!text || !*text) {
        mseq_buffer_append_text(line, "null");
        return;
    }
    mseq_buffer_append_char(line, '"');
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            mseq_buffer_append_format(line, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            mseq_buffer_append_format(line, "\\u%04x", byte);
        else
            mseq_buffer_append_char(line, byte < 0x80 ? *at : '?');
    }
    mseq_buffer_append_char(line, '"');
}

static void begin_line(mseq_buffer *line) {
    char time_text[32];
    mseq_time_format(mseq_time_now(), false, time_text);
    mseq_buffer_append_format(line, "{\"time\": \"%s\"", time_text);
}

static void end_line(mseq_server *server, mseq_buffer *line) {
    mseq_buffer_append_char(line, '}');
    if (line->status == MSEQ_OK) {
        pthread_mutex_lock(&server->log_lock);
        server->options.log(server->options.log_data, mseq_buffer_text(line));
        pthread_mutex_unlock(&server->log_lock);
    }
    mseq_buffer_free(line);
}

void server_log_exchange(const server_exchange *exchange, bool complete) {
    if (!exchange->server->options.log)
        return;
    int64_t taken = server_now_us() - exchange->begun_us;
    mseq_buffer line = MSEQ_BUFFER_INIT;
    char route[256]; /* the manager's are without the first and the last slash */
    snprintf(route, sizeof route, !exchange->route || exchange->route[0] == '/' ? "%s" : "/%s/",
             exchange->route ? exchange->route : "");
    begin_line(&line);
    append_text(&line, "id", exchange->id);
    append_text(&line, "user", exchange->user);
    append_text(&line, "method", exchange->method);
    append_text(&line, "route", exchange->route ? route : NULL);
    mseq_buffer_append_format(&line, ", \"status\": %d, \"ms\": %lld.%03d", exchange->status,
                              (long long)(taken / 1000), (int)(taken % 1000));
    if (exchange->code[0])
        append_text(&line, "code", exchange->code);
    if (!complete)
        mseq_buffer_append_text(&line, ", \"complete\": false");
    end_line(exchange->server, &line);
}

void server_log_connection(mseq_server *server, int status, const char *code) {
    if (!server->options.log)
        return;
    mseq_buffer line = MSEQ_BUFFER_INIT;
    begin_line(&line);
    mseq_buffer_append_format(&line, ", \"status\": %d", status);
    append_text(&line, "code", code);
    end_line(server, &line);
}
