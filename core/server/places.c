/* SPDX-License-Identifier: MIT
 * Places to work in: so many requests are answered at a time, the rest waits in order of arrival.
 * Requests that run SQL of the caller's have a queue of their own and never take all places: slow
 * queries delay each other, not the catalog. */
#include <time.h>

#include "server_private.h"

enum { LOOK_MS = 50 }; /* how often who waits looks whether its client is still there */

typedef struct server_waiter {
    struct server_waiter *next;
    pthread_cond_t granted_now;
    bool granted;
} waiter;

void server_places_init(mseq_server *server) {
    pthread_mutex_init(&server->places.lock, NULL);
    server->places.statements.last = &server->places.statements.first;
    server->places.others.last = &server->places.others.first;
}

void server_places_destroy(mseq_server *server) {
    pthread_mutex_destroy(&server->places.lock);
}

/* A quarter of the places, one at least, is left to the others (if there is more than one). */
static int most_statements(const mseq_server *server) {
    int count = server->options.workers;
    return count - (count < 4 ? count > 1 : count / 4);
}

static bool is_free(const mseq_server *server, bool statement) {
    const server_places *places = &server->places;
    return places->running < server->options.workers &&
           (!statement || places->running_statements < most_statements(server));
}

static void occupy(server_places *places, bool statement) {
    places->running++;
    places->running_statements += statement;
}

static void enqueue(server_queue *queue, waiter *self) {
    self->next = NULL;
    *queue->last = self;
    queue->last = &self->next;
}

static void dequeue(server_queue *queue, const waiter *self) {
    waiter **at = &queue->first;
    while (*at && *at != self)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = self->next;
    if (queue->last == &self->next)
        queue->last = at;
}

static void grant(mseq_server *server, bool statement) {
    server_places *places = &server->places;
    server_queue *queue = statement ? &places->statements : &places->others;
    while (queue->first && is_free(server, statement)) {
        waiter *next = queue->first;
        dequeue(queue, next);
        places->waiting--;
        next->granted = true;
        occupy(places, statement);
        pthread_cond_signal(&next->granted_now);
    }
}

/* Until it is granted a place or nobody wants its answer any more. */
static void wait_for_grant(server_places *places, waiter *self, const mseq_cancellation *token) {
    while (!self->granted && !mseq_cancellation_is_set(token)) {
        int64_t until = mseq_monotonic_ms() + LOOK_MS;
        struct timespec time = {.tv_sec = until / 1000, .tv_nsec = (long)(until % 1000) * 1000000};
        pthread_cond_timedwait(&self->granted_now, &places->lock, &time);
    }
}

server_place server_place_take(mseq_server *server, bool statement,
                               const mseq_cancellation *token) {
    server_places *places = &server->places;
    server_queue *queue = statement ? &places->statements : &places->others;
    server_place place = SERVER_PLACE_TAKEN;
    pthread_mutex_lock(&places->lock);
    if (!queue->first && is_free(server, statement)) {
        occupy(places, statement);
    } else if (places->waiting >= server->options.maximum_waiting) {
        place = SERVER_PLACE_NONE;
    } else {
        waiter self = {.granted = false};
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&self.granted_now, &attributes);
        pthread_condattr_destroy(&attributes);
        enqueue(queue, &self);
        places->waiting++;
        wait_for_grant(places, &self, token);
        if (!self.granted) {
            dequeue(queue, &self);
            places->waiting--;
            place = SERVER_PLACE_UNWANTED;
        }
        pthread_cond_destroy(&self.granted_now);
    }
    pthread_mutex_unlock(&places->lock);
    return place;
}

void server_place_leave(mseq_server *server, bool statement) {
    server_places *places = &server->places;
    pthread_mutex_lock(&places->lock);
    places->running--;
    places->running_statements -= statement;
    grant(server, false);
    grant(server, true);
    pthread_mutex_unlock(&places->lock);
}
