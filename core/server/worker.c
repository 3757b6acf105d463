/* SPDX-License-Identifier: MIT
 * The queue and the threads that answer. Requests that run SQL of the caller's wait in a queue of
 * their own and never take all workers: slow queries delay each other, not the catalog. */
#include <stdlib.h>
#include <string.h>

#include "server_private.h"

/* ---- One request -------------------------------------------------------------------------------
 */

static mseq_status read_body(const server_exchange *exchange, mseq_value **body,
                             mseq_request *request, mseq_error *err) {
    const mseq_buffer *bytes = &exchange->body;
    if (bytes->length == 0)
        return MSEQ_OK;
    if (exchange->text) {
        if (!mseq_utf8_valid(bytes->data, bytes->length))
            return mseq_error_set(err, MSEQ_E_REQUEST, "the body is not UTF-8");
        request->text = bytes->data;
        request->text_length = bytes->length;
        return MSEQ_OK;
    }
    mseq_status status = mseq_json_parse(bytes->data, bytes->length, 0, body, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the body: ");
    request->body = *body;
    return status;
}

static const char *header(const server_exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

/* A proxy on this machine speaks for callers who may be anywhere. */
static bool is_local(const server_exchange *exchange) {
    static const char *const proxied[] = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                          "X-Real-IP", "Via"};
    for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++)
        if (header(exchange, proxied[i]))
            return false;
    return exchange->connection->loopback;
}

/* Where the caller believes to be: links in replies lead there. Owned by the caller; NULL: unknown.
 */
static char *origin_of(const server_exchange *exchange) {
    const char *host = header(exchange, "Host");
    const char *scheme = header(exchange, "X-Forwarded-Proto");
    if (!host || !*host || strlen(host) > 300 ||
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") !=
            strlen(host))
        return NULL;
    bool secure = exchange->server->tls || (scheme && strcmp(scheme, "https") == 0);
    return mseq_text_format("%s://%s", secure ? "https" : "http", host);
}

static void answer(server_exchange *exchange) {
    if (server_page(exchange, true))
        return;
    mseq_request request = MSEQ_REQUEST_INIT;
    request.method = strcmp(exchange->method, "HEAD") == 0 ? "GET" : exchange->method;
    request.path = exchange->path;
    request.query = exchange->query;
    request.authorization = header(exchange, "Authorization");
    request.cancellation = exchange->cancellation;
    request.loopback = is_local(exchange);
    char *origin = origin_of(exchange);
    request.origin = origin ? origin : exchange->server->address;
    mseq_value *body = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (read_body(exchange, &body, &request, &err) == MSEQ_OK) {
        mseq_reply reply = MSEQ_REPLY_INIT;
        mseq_manager_handle_remote(exchange->server->options.manager, &request, &reply);
        server_reply(exchange, &reply);
        mseq_reply_free(&reply);
    } else {
        server_reply_refusal(exchange, mseq_status_to_http(err.status), err.code, err.message);
    }
    mseq_value_free(body);
    free(origin);
}

/* ---- The queues --------------------------------------------------------------------------------
 */

static void push(server_queue *queue, server_exchange *exchange) {
    exchange->next = NULL;
    if (!queue->first)
        queue->last = &queue->first;
    *queue->last = exchange;
    queue->last = &exchange->next;
}

static server_exchange *pop(server_queue *queue) {
    server_exchange *exchange = queue->first;
    if (exchange)
        queue->first = exchange->next;
    return exchange;
}

/* Whether the request runs SQL that its caller wrote. */
static bool runs_statement(const server_exchange *exchange) {
    static const char *const endings[] = {"/execute-operation/", "/run_query/"};
    size_t length = strlen(exchange->path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t size = strlen(endings[i]);
        if (length > size && strcmp(exchange->path + length - size, endings[i]) == 0)
            return true;
    }
    return false;
}

/* A quarter of the workers, one at least, is left to the others (if there is more than one). */
static int most_statements(const server_workers *workers) {
    int kept = workers->count < 4 ? workers->count > 1 : workers->count / 4;
    return workers->count - kept;
}

bool server_workers_give(mseq_server *server, server_exchange *exchange) {
    server_workers *workers = &server->workers;
    bool statement = runs_statement(exchange);
    pthread_mutex_lock(&workers->lock);
    bool taken = !workers->ended && workers->queued < server->options.maximum_waiting;
    if (taken) {
        push(statement ? &workers->statements : &workers->others, exchange);
        workers->queued++;
        pthread_cond_signal(&workers->waiting);
    }
    pthread_mutex_unlock(&workers->lock);
    return taken;
}

static server_exchange *take(server_workers *workers, bool *statement) {
    server_exchange *exchange = pop(&workers->others);
    *statement = false;
    if (!exchange && workers->running_statements < most_statements(workers)) {
        exchange = pop(&workers->statements);
        *statement = exchange != NULL;
    }
    workers->queued -= exchange != NULL;
    workers->running_statements += *statement;
    return exchange;
}

static void *work(void *data) {
    mseq_server *server = data;
    server_workers *workers = &server->workers;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        bool statement = false;
        server_exchange *exchange = take(workers, &statement);
        if (!exchange && workers->ended && !workers->statements.first)
            break;
        if (!exchange) {
            pthread_cond_wait(&workers->waiting, &workers->lock);
            continue;
        }
        bool ended = workers->ended;
        pthread_mutex_unlock(&workers->lock);
        if (ended)
            server_reply_refusal(exchange, 503, "stopping", "the server is being stopped");
        else
            answer(exchange);
        exchange->stage = SERVER_ANSWERED;
        MHD_resume_connection(exchange->mhd); /* from here on the exchange is not ours */
        pthread_mutex_lock(&workers->lock);
        if (statement) {
            workers->running_statements--;
            pthread_cond_signal(&workers->waiting); /* one that was held back */
        }
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

mseq_status server_workers_start(mseq_server *server, mseq_error *err) {
    server_workers *workers = &server->workers;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->waiting, NULL);
    workers->threads = calloc((size_t)server->options.workers, sizeof *workers->threads);
    if (!workers->threads)
        return mseq_error_no_memory(err);
    pthread_mutex_lock(&workers->lock); /* `count` is read by threads that run already */
    while (workers->count < server->options.workers &&
           pthread_create(&workers->threads[workers->count], NULL, work, server) == 0)
        workers->count++;
    bool complete = workers->count == server->options.workers;
    pthread_mutex_unlock(&workers->lock);
    return complete ? MSEQ_OK
                    : mseq_error_set(err, MSEQ_E_IO, "cannot start worker %d of %d",
                                     workers->count + 1, server->options.workers);
}

void server_workers_stop(mseq_server *server) {
    server_workers *workers = &server->workers;
    pthread_mutex_lock(&workers->lock);
    workers->ended = true;
    pthread_cond_broadcast(&workers->waiting);
    pthread_mutex_unlock(&workers->lock);
    for (int i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->waiting);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
}
