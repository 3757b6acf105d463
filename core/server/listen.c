/* SPDX-License-Identifier: MIT
 * The address to listen on, and the files of TLS. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server_private.h"

enum { HOST_MAXIMUM = 256, FILE_MAXIMUM = 1024 * 1024 };

static const char *reason(char *text, size_t size) {
    return strerror_r(errno, text, size); /* GNU's gives its text back */
}

/* "host:port" or "[host]:port". */
static mseq_status split(const char *address, char host[HOST_MAXIMUM], const char **port,
                         mseq_error *err) {
    bool bracketed = address[0] == '[';
    const char *colon = strrchr(address, ':');
    const char *end = bracketed ? strchr(address, ']') : colon;
    size_t length = end ? (size_t)(end - address) - bracketed : 0;
    int64_t number = 0;
    bool good = colon && end && (bracketed ? colon == end + 1 : !memchr(address, ':', length)) &&
                length > 0 && length < HOST_MAXIMUM && colon[1] && strlen(colon + 1) <= 5 &&
                strspn(colon + 1, "0123456789") == strlen(colon + 1) &&
                mseq_parse_integer(colon + 1, &number) && number <= 65535;
    if (!good) {
        mseq_error_set(err, MSEQ_E_ARGUMENT, "'%.200s' is no address to listen on", address);
        mseq_error_hint(err, "write 127.0.0.1:8765, [::1]:8765, or port 0 for any free one");
        return MSEQ_E_ARGUMENT;
    }
    memcpy(host, address + bracketed, length);
    host[length] = '\0';
    *port = colon + 1;
    return MSEQ_OK;
}

static int open_listener(const struct addrinfo *found, int backlog) {
    int on = 1;
    int listener =
        socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (listener < 0)
        return -1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (found->ai_family == AF_INET6) /* [::] means IPv6 only, whatever the machine's default */
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(listener, found->ai_addr, found->ai_addrlen) == 0 && listen(listener, backlog) == 0)
        return listener;
    int why = errno;
    close(listener);
    errno = why;
    return -1;
}

static char *authority_of(int listener) {
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof bound;
    char host[INET6_ADDRSTRLEN + 16], port[16];
    if (getsockname(listener, (struct sockaddr *)&bound, &size) != 0 ||
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return NULL;
    return mseq_text_format(bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

mseq_status server_listen(const char *address, int backlog, int *listener, char **authority,
                          mseq_error *err) {
    char host[HOST_MAXIMUM], text[128];
    const char *port = NULL;
    mseq_status status = split(address, host, &port, err);
    if (status != MSEQ_OK)
        return status;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "cannot listen on '%.200s': %s", address,
                              gai_strerror(failure));
    int opened = open_listener(found, backlog);
    freeaddrinfo(found);
    if (opened < 0)
        return mseq_error_set(err, MSEQ_E_IO, "cannot listen on '%.200s': %s", address,
                              reason(text, sizeof text));
    char *named = authority_of(opened);
    if (!named) {
        close(opened);
        return mseq_error_no_memory(err);
    }
    *listener = opened;
    *authority = named;
    return MSEQ_OK;
}

mseq_status server_read_file(const char *path, const char *what, char **text, mseq_error *err) {
    char reason_text[128];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return mseq_error_set(err, MSEQ_E_IO, "cannot read the %s '%s': %s", what, path,
                              reason(reason_text, sizeof reason_text));
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    buffer.maximum = FILE_MAXIMUM;
    char piece[4096];
    ssize_t size;
    while ((size = read(file, piece, sizeof piece)) > 0 || (size < 0 && errno == EINTR))
        if (size > 0)
            mseq_buffer_append(&buffer, piece, (size_t)size);
    mseq_status status = MSEQ_OK;
    if (size < 0)
        status = mseq_error_set(err, MSEQ_E_IO, "cannot read the %s '%s': %s", what, path,
                                reason(reason_text, sizeof reason_text));
    else if (buffer.status != MSEQ_OK || buffer.length == 0)
        status = mseq_error_set(err, MSEQ_E_IO, "the %s '%s' is %s", what, path,
                                buffer.length ? "too large" : "empty");
    close(file);
    char *taken = status == MSEQ_OK ? mseq_buffer_take(&buffer) : NULL;
    if (buffer.data) /* what a private key left behind */
        explicit_bzero(buffer.data, buffer.capacity);
    mseq_buffer_free(&buffer);
    explicit_bzero(piece, sizeof piece);
    if (status == MSEQ_OK && !taken)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        *text = taken;
    return status;
}
