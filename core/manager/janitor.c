/* SPDX-License-Identifier: MIT
 * One thread a manager, asleep until the next credential expires. */
#include <stdlib.h>
#include <time.h>

#include "fence.h"
#include "janitor.h"

enum {
    AGAIN_MS = 60000, /* after a failure */
    LATE_MS = 100,    /* so that what expires now has expired by the database's clock too */
    STATEMENT_MS = 30000
};

struct manager_janitor {
    pthread_t thread;
    pthread_cond_t wake; /* with the manager's lock */
    bool stop;
    mseq_cancellation *cancellation;
};

/* Roles of users that are behind, or nobody's. */
static mseq_status tend_fences(mseq_manager *manager, const manager_source *source,
                               mseq_connection *connection) {
    mseq_connection *catalog = NULL;
    mseq_status status = mseq_database_connect(manager->catalog, &catalog, NULL);
    if (status == MSEQ_OK)
        status = manager_fences_tend(catalog, connection, source->uid, NULL);
    mseq_connection_release(catalog);
    return status;
}

/* What the thread does for one source; *next_ms: when it is due again, -1: not. */
static mseq_status clean(mseq_manager *manager, manager_source *source,
                         const mseq_cancellation *cancellation, int64_t *next_ms) {
    mseq_connection *connection = NULL;
    manager_source_facts facts;
    mseq_status status = manager_source_connect(source, &connection, NULL);
    if (status != MSEQ_OK)
        return status;
    mseq_connection_limit(connection, cancellation, STATEMENT_MS);
    status = manager_source_facts_read(connection, &facts, NULL);
    if (status == MSEQ_OK)
        status = manager_credentials_clean(connection, &facts, next_ms, NULL);
    if (status == MSEQ_OK && facts.may_create_roles)
        status = tend_fences(manager, source, connection);
    mseq_connection_release(connection);
    return status;
}

/* The source that is due first; NULL: none. Under the lock. */
static manager_source *first_due(const mseq_manager *manager) {
    manager_source *first = NULL;
    for (manager_source *source = manager->sources; source; source = source->next)
        if (source->clean_at && (!first || source->clean_at < first->clean_at))
            first = source;
    return first;
}

/* Under the lock. */
static void put_down(manager_source *source, int64_t milliseconds) {
    int64_t due = mseq_monotonic_ms() + milliseconds + LATE_MS;
    if (!source->clean_at || due < source->clean_at)
        source->clean_at = due;
}

static void sleep_until(mseq_manager *manager, const manager_source *source) {
    struct timespec until;
    if (!source) {
        pthread_cond_wait(&manager->janitor->wake, &manager->lock);
        return;
    }
    int64_t wait = source->clean_at - mseq_monotonic_ms();
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + (wait > 0 ? wait : 0) * 1000000;
    until.tv_sec += (time_t)(nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    pthread_cond_timedwait(&manager->janitor->wake, &manager->lock, &until);
}

static void *work(void *given) {
    mseq_manager *manager = given;
    manager_janitor *janitor = manager->janitor;
    pthread_mutex_lock(&manager->lock);
    while (!janitor->stop) {
        manager_source *source = first_due(manager);
        if (!source || source->clean_at > mseq_monotonic_ms()) {
            sleep_until(manager, source);
            continue;
        }
        int64_t next_ms = -1;
        source->clean_at = 0;
        pthread_mutex_unlock(&manager->lock);
        mseq_status status = clean(manager, source, janitor->cancellation, &next_ms);
        pthread_mutex_lock(&manager->lock);
        if (status != MSEQ_OK)
            put_down(source, AGAIN_MS);
        else if (next_ms >= 0)
            put_down(source, next_ms);
    }
    pthread_mutex_unlock(&manager->lock);
    return NULL;
}

static void free_janitor(manager_janitor *janitor) {
    pthread_cond_destroy(&janitor->wake);
    mseq_cancellation_free(janitor->cancellation);
    free(janitor);
}

/* Under the lock, which the thread waits for. */
static mseq_status start(mseq_manager *manager, mseq_error *err) {
    pthread_condattr_t attributes;
    manager_janitor *janitor = calloc(1, sizeof *janitor);
    if (!janitor)
        return mseq_error_no_memory(err);
    janitor->cancellation = mseq_cancellation_new();
    if (!janitor->cancellation) {
        free(janitor);
        return mseq_error_no_memory(err);
    }
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&janitor->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    manager->janitor = janitor;
    if (pthread_create(&janitor->thread, NULL, work, manager) == 0)
        return MSEQ_OK;
    manager->janitor = NULL;
    free_janitor(janitor);
    return mseq_error_set(err, MSEQ_E_IO, "no thread can be started that removes expired roles");
}

mseq_status manager_janitor_schedule(mseq_manager *manager, manager_source *source,
                                     int64_t milliseconds, mseq_error *err) {
    pthread_mutex_lock(&manager->lock);
    mseq_status status = manager->janitor ? MSEQ_OK : start(manager, err);
    if (manager->janitor) {
        put_down(source, milliseconds);
        pthread_cond_signal(&manager->janitor->wake);
    }
    pthread_mutex_unlock(&manager->lock);
    return status;
}

void manager_janitor_stop(mseq_manager *manager) {
    manager_janitor *janitor = manager->janitor;
    if (!janitor)
        return;
    pthread_mutex_lock(&manager->lock);
    janitor->stop = true;
    mseq_cancellation_set(janitor->cancellation);
    pthread_cond_signal(&janitor->wake);
    pthread_mutex_unlock(&manager->lock);
    pthread_join(janitor->thread, NULL);
    free_janitor(janitor);
    manager->janitor = NULL;
}
