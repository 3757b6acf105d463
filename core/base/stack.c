/* SPDX-License-Identifier: MIT
 * Work that recurses as deep as its input nests, on a stack of its own size: the caller's may be
 * small. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "mainsequence/base.h"

typedef struct job {
    mseq_status (*task)(void *data, mseq_error *err);
    void *data;
    mseq_error *err;
    mseq_status status;
} job;

static void *run(void *data) {
    job *j = data;
    j->status = j->task(j->data, j->err);
    return NULL;
}

/* Signals are for the program's own threads; the new thread inherits that none comes to it. */
static int start(pthread_t *thread, size_t size, job *j) {
    pthread_attr_t attributes;
    sigset_t all, before;
    int failure = pthread_attr_init(&attributes);
    if (failure)
        return failure;
    failure = pthread_attr_setstacksize(&attributes, size);
    sigfillset(&all);
    if (!failure)
        failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failure) {
        failure = pthread_create(thread, &attributes, run, j);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return failure;
}

mseq_status mseq_on_stack(size_t size, mseq_status (*task)(void *data, mseq_error *err), void *data,
                          mseq_error *err) {
    job j = {.task = task, .data = data, .err = err};
    pthread_t thread;
    int failure = start(&thread, size, &j);
    if (failure)
        return mseq_error_set(err, MSEQ_E_NO_MEMORY, "no thread with a stack of %zu bytes: %s",
                              size, strerror(failure)); // NOLINT(concurrency-mt-unsafe)
    pthread_join(thread, NULL);
    return j.status;
}
