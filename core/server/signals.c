/* SPDX-License-Identifier: MIT
 * Serving until a signal says stop. The signals are held back and read (signalfd): no handler, no
 * global state. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "mainsequence/server.h"

static void stop_signals(sigset_t *signals) {
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

mseq_status mseq_server_signals_hold(mseq_error *err) {
    sigset_t signals;
    stop_signals(&signals);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
        return mseq_error_set(err, MSEQ_E_IO, "cannot hold signals back");
    return MSEQ_OK;
}

mseq_status mseq_server_signals_wait(int *signal_number, mseq_error *err) {
    sigset_t signals;
    stop_signals(&signals);
    int file = signalfd(-1, &signals, SFD_CLOEXEC);
    if (file < 0)
        return mseq_error_set(err, MSEQ_E_IO, "cannot wait for signals: %s",
                              strerrordesc_np(errno));
    struct signalfd_siginfo came;
    ssize_t size;
    do
        size = read(file, &came, sizeof came);
    while (size < 0 && errno == EINTR);
    close(file);
    if (size != (ssize_t)sizeof came)
        return mseq_error_set(err, MSEQ_E_IO, "cannot wait for signals");
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    *signal_number = (int)came.ssi_signo;
    return MSEQ_OK;
}
