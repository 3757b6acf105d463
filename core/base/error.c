/* SPDX-License-Identifier: MIT
 * Status names and the error object. */
#include <stdio.h>
#include <string.h>

#include "mainsequence/base.h"

const char *mseq_version(void) {
    return MSEQ_VERSION_STRING;
}

/* The one table of statuses: symbolic name, and the HTTP status that stands for it in a reply. */
static const struct {
    mseq_status status;
    const char *name;
    int http;
} statuses[] = {
    {MSEQ_OK, "ok", 200},
    {MSEQ_E_ARGUMENT, "argument", 500},
    {MSEQ_E_NO_MEMORY, "no_memory", 500},
    {MSEQ_E_LIMIT, "limit", 413},
    {MSEQ_E_CANCELLED, "cancelled", 499},
    {MSEQ_E_INTERNAL, "internal", 500},
    {MSEQ_E_IO, "io", 500},
    {MSEQ_E_NAME, "name", 400},
    {MSEQ_E_SCHEMA, "schema", 400},
    {MSEQ_E_JSON, "json", 400},
    {MSEQ_E_CONTRACT, "contract", 400},
    {MSEQ_E_DDL, "ddl", 400},
    {MSEQ_E_REQUEST, "request", 400},
    {MSEQ_E_AUTHENTICATION, "authentication", 401},
    {MSEQ_E_PERMISSION, "permission", 403},
    {MSEQ_E_NOT_FOUND, "not_found", 404},
    {MSEQ_E_CONFLICT, "conflict", 409},
    {MSEQ_E_RATE_LIMIT, "rate_limit", 429},
    {MSEQ_E_SERVER, "server", 500},
    {MSEQ_E_API, "api", 400},
    {MSEQ_E_TRANSPORT, "transport", 502},
    {MSEQ_E_TIMEOUT, "timeout", 408},
    {MSEQ_E_STATEMENT, "statement", 400},
    {MSEQ_E_DATABASE, "database", 500},
    {MSEQ_E_DATABASE_LOCKED, "database_locked", 503},
    {MSEQ_E_DATABASE_READ_ONLY, "database_read_only", 409},
    {MSEQ_E_DATABASE_FULL, "database_full", 507},
    {MSEQ_E_DATABASE_CONSTRAINT, "database_constraint", 409},
};

const char *mseq_status_name(mseq_status status) {
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return "unknown";
}

int mseq_status_to_http(mseq_status status) {
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].http;
    return 500;
}

mseq_status mseq_status_from_http(int http_status) {
    switch (http_status) {
    case 400:
        return MSEQ_E_REQUEST;
    case 401:
        return MSEQ_E_AUTHENTICATION;
    case 403:
        return MSEQ_E_PERMISSION;
    case 404:
        return MSEQ_E_NOT_FOUND;
    case 409:
        return MSEQ_E_CONFLICT;
    case 429:
        return MSEQ_E_RATE_LIMIT;
    default:
        if (http_status >= 200 && http_status <= 299)
            return MSEQ_OK;
        return http_status >= 500 && http_status <= 599 ? MSEQ_E_SERVER : MSEQ_E_API;
    }
}

/* A cut may fall inside a character: drop its first bytes too. */
static void cut_at_character(char *text) {
    size_t length = strlen(text), position = 0;
    while (position < length) {
        uint32_t codepoint;
        size_t size = mseq_utf8_next(text + position, length - position, &codepoint);
        if (size == 0) {
            if (length - position < 4) {
                text[position] = '\0';
                return;
            }
            size = 1;
        }
        position += size;
    }
}

MSEQ_PRINTF(3, 0)
static void format_into(char *field, size_t size, const char *format, va_list arguments) {
    int length = vsnprintf(field, size, format, arguments);
    if (length < 0)
        field[0] = '\0';
    else if ((size_t)length >= size)
        cut_at_character(field);
}

mseq_status(mseq_error_set)(mseq_error *err, mseq_status status, const char *format, ...) {
    if (!err || err->status != MSEQ_OK)
        return status;
    err->status = status;
    va_list arguments;
    va_start(arguments, format);
    format_into(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    mseq_error_code(err, mseq_status_name(status));
    return status;
}

mseq_status(mseq_error_no_memory)(mseq_error *err) {
    return mseq_error_set(err, MSEQ_E_NO_MEMORY, "out of memory");
}

void mseq_error_code(mseq_error *err, const char *code) {
    if (err && err->status != MSEQ_OK)
        snprintf(err->code, sizeof err->code, "%s", code);
}

void mseq_error_hint(mseq_error *err, const char *format, ...) {
    if (!err || err->status == MSEQ_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    format_into(err->hint, sizeof err->hint, format, arguments);
    va_end(arguments);
}

void mseq_error_detail(mseq_error *err, const char *format, ...) {
    if (!err || err->status == MSEQ_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    format_into(err->detail, sizeof err->detail, format, arguments);
    va_end(arguments);
}

void mseq_error_prefix(mseq_error *err, const char *format, ...) {
    if (!err || err->status == MSEQ_OK)
        return;
    char text[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    format_into(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t prefix = strlen(text), room = sizeof err->message - 1;
    size_t keep = strlen(err->message);
    if (prefix > room)
        prefix = room;
    if (keep > room - prefix)
        keep = room - prefix;
    memmove(err->message + prefix, err->message, keep);
    memcpy(err->message, text, prefix);
    err->message[prefix + keep] = '\0';
    cut_at_character(err->message);
}

void mseq_error_source(mseq_error *err, const char *source, int line) {
    if (!err || err->status == MSEQ_OK || !source)
        return;
    size_t length = strlen(source), room = sizeof err->source - 1;
    if (length > room) /* the tail of a long path says more than its head */
        snprintf(err->source, sizeof err->source, "...%s", source + (length - room + 3));
    else
        memcpy(err->source, source, length + 1);
    err->line = line;
}

void mseq_error_clear(mseq_error *err) {
    if (err)
        memset(err, 0, sizeof *err);
}
