/* SPDX-License-Identifier: MIT
 * A nanosleep that does not sleep, for LD_PRELOAD: tests of retries see how long a program would
 * have waited without waiting themselves. Each pause is a line of milliseconds in the file that
 * MSEQ_SPEC_PAUSES names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) int nanosleep(const struct timespec *requested,
                                                     struct timespec *remaining) {
    const char *path = getenv("MSEQ_SPEC_PAUSES");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        char line[32];
        long long milliseconds = (long long)requested->tv_sec * 1000 + requested->tv_nsec / 1000000;
        int length = snprintf(line, sizeof line, "%lld\n", milliseconds);
        ssize_t written = write(file, line, (size_t)length);
        (void)written;
        close(file);
    }
    if (remaining)
        *remaining = (struct timespec){0, 0};
    return 0;
}
