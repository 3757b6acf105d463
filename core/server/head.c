/* SPDX-License-Identifier: MIT
 * The first look at a request's line and headers (RFC 9112 sections 2 to 6), so that what is wrong
 * with them is answered in our words. libmicrohttpd reads them again. */
#include <string.h>
#include <strings.h>

#include "server_private.h"

static bool is_token(const char *bytes, size_t length) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < length; i++) {
        char byte = bytes[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
              (byte >= '0' && byte <= '9') || (byte && strchr(others, byte))))
            return false;
    }
    return length > 0;
}

/* Neither controls nor blanks. */
static bool is_target(const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] <= ' ' || bytes[i] == 0x7f)
            return false;
    return length > 0;
}

static server_refusal check_line(const char *line, size_t length) {
    static const server_refusal malformed = {400, "bad_request", "this is no HTTP request"};
    const char *target = memchr(line, ' ', length);
    if (!target || !is_token(line, (size_t)(target - line)))
        return malformed;
    target++;
    size_t left = length - (size_t)(target - line);
    const char *version = memchr(target, ' ', left);
    if (!version || !is_target(target, (size_t)(version - target)))
        return malformed;
    version++;
    left = length - (size_t)(version - line);
    if (left < 6 || strncmp(version, "HTTP/", 5) != 0)
        return malformed;
    if (left != 8 || (strncmp(version, "HTTP/1.1", 8) != 0 && strncmp(version, "HTTP/1.0", 8) != 0))
        return (server_refusal){505, "version_not_supported", "this server speaks HTTP/1.1"};
    return (server_refusal){0, NULL, NULL};
}

static server_refusal check_content_length(const char *value, size_t length) {
    while (length > 0 && (value[0] == ' ' || value[0] == '\t'))
        value++, length--;
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    size_t digits = 0;
    while (digits < length && value[digits] >= '0' && value[digits] <= '9')
        digits++;
    if (digits == 0 || digits < length)
        return (server_refusal){400, "bad_framing", "Content-Length is no number"};
    if (digits > 18)
        return (server_refusal){413, "body_too_large", "the body is larger than this server takes"};
    return (server_refusal){0, NULL, NULL};
}

static server_refusal check_header(const char *line, size_t length) {
    static const server_refusal malformed = {400, "bad_request",
                                             "one of the request's headers is malformed"};
    const char *colon = memchr(line, ':', length);
    if (!colon || !is_token(line, (size_t)(colon - line)))
        return malformed;
    size_t name = (size_t)(colon - line);
    for (size_t i = name + 1; i < length; i++)
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return malformed;
    if (name == strlen("Content-Length") && strncasecmp(line, "Content-Length", name) == 0)
        return check_content_length(colon + 1, length - name - 1);
    return (server_refusal){0, NULL, NULL};
}

bool server_head_check(const char *bytes, size_t length, server_refusal *refusal) {
    size_t start = 0, lines = 0;
    *refusal = (server_refusal){0, NULL, NULL};
    while (start < length && start < SERVER_HEADER_MAXIMUM) {
        const char *end = memchr(bytes + start, '\n', length - start);
        if (!end)
            break;
        size_t size = (size_t)(end - bytes) - start;
        const char *line = bytes + start;
        start += size + 1;
        if (size > 0 && line[size - 1] == '\r')
            size--;
        if (size == 0 && lines > 0)
            return true;
        if (size == 0)
            continue; /* empty lines before a request do no harm */
        *refusal = lines == 0 ? check_line(line, size) : check_header(line, size);
        if (refusal->status)
            return false;
        lines++;
    }
    if (lines == 0 && start < length && !is_token(bytes + start, 1)) /* TLS, or nonsense */
        *refusal = check_line(bytes + start, length - start);
    else if (length >= SERVER_HEADER_MAXIMUM)
        *refusal =
            lines == 0
                ? (server_refusal){414, "target_too_long", "the request's path is too long"}
                : (server_refusal){431, "headers_too_large", "the request's headers are too large"};
    return false;
}
