/* SPDX-License-Identifier: MIT
 * Database URIs as text: scheme://[user[:password]@][address][/database][?parameters], as libpq
 * reads them ("Connection URIs" in its documentation). */
#include <string.h>

#include "manager_private.h"
#include "uris.h"

typedef struct uri_parts {
    const char *scheme;
    size_t scheme_length; /* with "://" */
    const char *user;
    size_t user_length;
    const char *address; /* with the database */
    size_t address_length;
    const char *parameters;
} uri_parts;

/* As libpq does it: a user ends at the first "@" that no slash precedes. */
static bool cut(const char *uri, uri_parts *parts) {
    const char *rest = strstr(uri, "://");
    if (!rest)
        return false;
    rest += 3;
    size_t length = strcspn(rest, "@/");
    const char *at = rest[length] == '@' ? rest + length : NULL;
    const char *address = at ? at + 1 : rest;
    const char *mark = address + strcspn(address, "?");
    *parts = (uri_parts){.scheme = uri,
                         .scheme_length = (size_t)(rest - uri),
                         .user = rest,
                         .user_length = at ? strcspn(rest, ":@") : 0,
                         .address = address,
                         .address_length = (size_t)(mark - address),
                         .parameters = *mark ? mark + 1 : mark};
    return true;
}

/* Appends "?a=b&c=d" without the parameters of those names. */
static void append_parameters(mseq_buffer *text, const char *parameters, const char *const *names,
                              size_t count) {
    char separator = '?';
    while (*parameters) {
        size_t length = strcspn(parameters, "&"), name = strcspn(parameters, "=&"), i = 0;
        while (i < count && (strlen(names[i]) != name || strncmp(names[i], parameters, name) != 0))
            i++;
        if (length > 0 && i == count) {
            mseq_buffer_append_char(text, separator);
            mseq_buffer_append(text, parameters, length);
            separator = '&';
        }
        parameters += length + (parameters[length] == '&');
    }
}

static char *finish(mseq_buffer *text) {
    char *taken = text->status == MSEQ_OK ? mseq_buffer_take(text) : NULL;
    mseq_buffer_free(text);
    return taken;
}

char *manager_uri_without_secret(const char *uri) {
    static const char *const secrets[] = {"password", "sslpassword"};
    mseq_buffer text = MSEQ_BUFFER_INIT;
    uri_parts parts;
    if (strncmp(uri, "sqlite:", 7) == 0 || !cut(uri, &parts))
        return mseq_text_dup(uri);
    mseq_buffer_append(&text, parts.scheme, parts.scheme_length);
    /* where a password was not escaped, parts of it are taken for something else */
    if (strchr(parts.address, '@')) {
        mseq_buffer_append_text(&text, "...");
        return finish(&text);
    }
    mseq_buffer_append(&text, parts.user, parts.user_length);
    if (parts.user_length)
        mseq_buffer_append_char(&text, '@');
    mseq_buffer_append(&text, parts.address, parts.address_length);
    append_parameters(&text, parts.parameters, secrets, sizeof secrets / sizeof *secrets);
    return finish(&text);
}

char *manager_uri_for_user(const char *uri, const char *user, const char *password) {
    /* what names another user, or files of the TS Manager's machine */
    static const char *const own[] = {"user",    "password", "sslpassword", "passfile",
                                      "sslcert", "sslkey",   "sslcrl"};
    mseq_buffer text = MSEQ_BUFFER_INIT;
    uri_parts parts;
    if (!cut(uri, &parts))
        return mseq_text_dup(uri);
    mseq_buffer_append_format(&text, "postgresql://%s", user);
    if (password)
        mseq_buffer_append_format(&text, ":%s", password);
    mseq_buffer_append_char(&text, '@');
    mseq_buffer_append(&text, parts.address, parts.address_length);
    append_parameters(&text, parts.parameters, own, sizeof own / sizeof *own);
    return finish(&text);
}

char *manager_uri_database(const char *uri) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    uri_parts parts;
    const char *slash = NULL;
    if (cut(uri, &parts))
        slash = memchr(parts.address, '/', parts.address_length);
    if (slash)
        mseq_buffer_append(&text, slash + 1,
                           parts.address_length - (size_t)(slash + 1 - parts.address));
    return finish(&text);
}
