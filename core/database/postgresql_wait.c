/* SPDX-License-Identifier: MIT
 * Waiting for the server: nothing here blocks longer than the deadline, and the cancellation token
 * is read while we wait. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include "postgresql_private.h"

enum {
    SLICE_MS = 20,       /* how often the token is read */
    ANSWER_MS = 2000,    /* the server has this long to confirm a cancel request */
    DRAIN_MAXIMUM = 1000 /* results that are read to spare a new connection */
};

/* ---- Cancel requests ---------------------------------------------------------------------------
 */

/* PQcancel connects anew and may block as long as the network lets it, so it has a thread. The one
 * of thread and session that is done last frees this. */
struct postgresql_cancel_request {
    PGcancel *request;
    atomic_bool left; /* by one of the two */
};

static void leave_cancel(struct postgresql_cancel_request *sent) {
    if (!atomic_exchange(&sent->left, true))
        return;
    PQfreeCancel(sent->request);
    free(sent);
}

static void *send_cancel(void *given) {
    char text[256];
    struct postgresql_cancel_request *sent = given;
    PQcancel(sent->request, text, sizeof text); /* when it fails, the wait for the answer ends it */
    leave_cancel(sent);
    return NULL;
}

void postgresql_cancel(postgresql_session *session, postgresql_stop why) {
    if (session->stop != POSTGRESQL_RUNNING)
        return;
    session->stop = why;
    session->saw_error = true;
    session->deadline = mseq_monotonic_ms() + ANSWER_MS;
    if (session->cancelling)
        return;
    struct postgresql_cancel_request *sent = calloc(1, sizeof *sent);
    pthread_t thread;
    if (!sent)
        return;
    sent->request = PQgetCancel(session->connection);
    session->cancelling = sent;
    if (sent->request && pthread_create(&thread, NULL, send_cancel, sent) == 0)
        pthread_detach(thread);
    else if (sent->request)
        send_cancel(sent);
    else
        leave_cancel(sent);
}

void postgresql_cancel_forget(postgresql_session *session) {
    if (session->cancelling)
        leave_cancel(session->cancelling);
    session->cancelling = NULL;
}

/* A request that is on its way when its statement has ended would hit the next one. The server
 * closes the connection of a request when it has signalled, and a session that waits for a command
 * takes no notice of a signal. */
static bool cancel_is_over(postgresql_session *session) {
    static const struct timespec pause = {0, 200000};
    int64_t last = mseq_monotonic_ms() + ANSWER_MS;
    if (!session->cancelling)
        return true;
    while (!atomic_load(&session->cancelling->left) && mseq_monotonic_ms() < last)
        nanosleep(&pause, NULL);
    bool over = atomic_load(&session->cancelling->left);
    postgresql_cancel_forget(session);
    return over;
}

/* ---- The clock of a statement ------------------------------------------------------------------
 */

mseq_status postgresql_start(postgresql_session *session, mseq_error *err) {
    if (!cancel_is_over(session))
        return postgresql_fail_lost(session, err);
    session->stop = POSTGRESQL_RUNNING;
    session->deadline = session->timeout_ms > 0 ? mseq_monotonic_ms() + session->timeout_ms : 0;
    if (mseq_cancellation_is_set(session->cancellation))
        return mseq_error_set(err, MSEQ_E_CANCELLED, "the statement was cancelled");
    return MSEQ_OK;
}

/* Milliseconds to wait now; negative: without end. */
static int wait_time(const postgresql_session *session) {
    int64_t left = -1;
    if (session->deadline) {
        left = session->deadline - mseq_monotonic_ms();
        left = left < 0 ? 0 : left;
    }
    bool listening = session->cancellation && session->stop == POSTGRESQL_RUNNING;
    if (listening && (left < 0 || left > SLICE_MS))
        return SLICE_MS;
    return left > 60000 ? 60000 : (int)left;
}

/* False: the answer to a cancel request did not come, the connection is of no use. */
static bool check_limits(postgresql_session *session) {
    bool late = session->deadline && mseq_monotonic_ms() >= session->deadline;
    if (session->stop != POSTGRESQL_RUNNING)
        return !late;
    if (mseq_cancellation_is_set(session->cancellation))
        postgresql_cancel(session, POSTGRESQL_STOP_CANCELLED);
    else if (late)
        postgresql_cancel(session, POSTGRESQL_STOP_DEADLINE);
    return true;
}

static bool wait_for(postgresql_session *session, bool write) {
    struct pollfd fd = {PQsocket(session->connection), (short)(POLLIN | (write ? POLLOUT : 0)), 0};
    if (fd.fd < 0 || !check_limits(session))
        return false;
    return poll(&fd, 1, wait_time(session)) >= 0 || errno == EINTR;
}

mseq_status postgresql_flush(postgresql_session *session, mseq_error *err) {
    for (;;) {
        int state = PQflush(session->connection);
        if (state == 0)
            return MSEQ_OK;
        /* the server may want to be read before it reads on */
        if (state < 0 || !wait_for(session, true) || !PQconsumeInput(session->connection))
            return postgresql_fail_lost(session, err);
    }
}

/* Bytes that wait in the socket, encrypted or not. */
static int64_t arrived(const postgresql_session *session) {
    int count = 0;
    return ioctl(PQsocket(session->connection), FIONREAD, &count) == 0 ? count : 0;
}

/* libpq keeps a row until it is whole, and a row may have a gigabyte. What waits before each
 * reading is counted, so that it mostly ends where nobody would take it. It is no bound: one call
 * of libpq reads on while more arrives. */
mseq_status postgresql_result(postgresql_session *session, PGresult **result, mseq_error *err) {
    int64_t came = 0;
    if (session->stop == POSTGRESQL_RUNNING)
        check_limits(session);
    while (PQisBusy(session->connection)) {
        if (!wait_for(session, false))
            return postgresql_fail_lost(session, err);
        if (session->message_maximum && (came += arrived(session)) > session->message_maximum)
            return postgresql_fail_too_large(session, err);
        if (!PQconsumeInput(session->connection) && PQstatus(session->connection) != CONNECTION_BAD)
            return postgresql_fail_lost(session, err);
        /* of a lost connection there is a last result, which may say why */
    }
    *result = PQgetResult(session->connection);
    return MSEQ_OK;
}

void postgresql_drain(postgresql_session *session) {
    bool pipeline = PQpipelineStatus(session->connection) != PQ_PIPELINE_OFF;
    bool synchronised = !pipeline;
    for (size_t count = 0;; count++) {
        PGresult *result = NULL;
        if (count == DRAIN_MAXIMUM)
            postgresql_cancel(session, POSTGRESQL_STOP_UNWANTED);
        if (postgresql_result(session, &result, NULL) != MSEQ_OK ||
            PQstatus(session->connection) == CONNECTION_BAD) {
            PQclear(result);
            session->lost = session->saw_error = true;
            return;
        }
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC)
            synchronised = true;
        if (status == PGRES_COPY_IN)
            PQputCopyEnd(session->connection, "COPY is not supported here");
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) { /* data may come without end */
            session->lost = session->saw_error = true;
            return;
        }
        if (status == PGRES_PIPELINE_SYNC || (!result && synchronised))
            break;
    }
    if (pipeline && !PQexitPipelineMode(session->connection))
        session->lost = session->saw_error = true;
}
