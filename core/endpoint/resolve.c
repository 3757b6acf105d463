/* SPDX-License-Identifier: MIT
 * Where a client talks to, and as whom, when the caller leaves it open: the environment and the
 * login store. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mainsequence/endpoint.h"

#define LOCAL "local:"
#define ENDPOINT "MAINSEQUENCE_ENDPOINT"

/* ---- The environment
 * ------------------------------------------------------------------------------------------- */

/* A variable without white space around it, malloc'ed; NULL when unset or blank. */
static mseq_status variable(const char *name, char **value, mseq_error *err) {
    const char *text = getenv(name);
    char *trimmed = text ? mseq_text_trim(text) : NULL;
    if (text && !trimmed)
        return mseq_error_no_memory(err);
    if (trimmed && !*trimmed) {
        free(trimmed);
        trimmed = NULL;
    }
    *value = trimmed;
    return MSEQ_OK;
}

static bool is_set(const char *name) {
    char *value = NULL;
    bool found = variable(name, &value, NULL) != MSEQ_OK || value;
    free(value);
    return found;
}

/* ---- The form of an endpoint
 * ------------------------------------------------------------------------------------------- */

static mseq_status refuse(mseq_error *err, const char *from, const char *what) {
    mseq_error_set(err, MSEQ_E_REQUEST, "%s%s", from, what);
    mseq_error_code(err, "endpoint");
    mseq_error_hint(err, "an endpoint is https://host, http://host:port, local: or local:FOLDER");
    return MSEQ_E_REQUEST;
}

/* The rest of a URL after http:// or https://, else NULL. */
static const char *after_scheme(const char *text) {
    if (strncasecmp(text, "http://", 7) == 0)
        return text + 7;
    return strncasecmp(text, "https://", 8) == 0 ? text + 8 : NULL;
}

static mseq_status refuse_text(mseq_error *err, const char *from, const char *text,
                               const char *what) {
    char *message = mseq_text_format(": '%s' %s", text, what);
    if (!message)
        return mseq_error_no_memory(err);
    refuse(err, from, message);
    free(message);
    return MSEQ_E_REQUEST;
}

mseq_status mseq_endpoint_check(const char *text, const char *from, char **endpoint,
                                mseq_error *err) {
    size_t length = strlen(text);
    if (strncmp(text, LOCAL, strlen(LOCAL)) != 0) {
        const char *host = after_scheme(text);
        size_t host_length = host ? strcspn(host, "/?#") : 0;
        if (host && memchr(host, '@', host_length))
            return refuse(err, from,
                          ": the URL holds a user or a password; log in with "
                          "mainsequence login");
        if (!host)
            return refuse_text(err, from, text, "is no endpoint");
        if (host_length == 0)
            return refuse_text(err, from, text, "names no host");
        if (strpbrk(host, "?#"))
            return refuse_text(err, from, text, "holds a query or a fragment");
        while (text[length - 1] == '/')
            length--;
    }
    char *copy = mseq_text_format("%.*s", (int)length, text);
    if (!copy)
        return mseq_error_no_memory(err);
    *endpoint = copy;
    return MSEQ_OK;
}

/* ---- Which endpoint
 * ------------------------------------------------------------------------------------------- */

/* Credentials make no sense without a server to show them to. */
static mseq_status no_stray_credentials(mseq_error *err) {
    static const char *const names[] = {"MAINSEQUENCE_ACCESS_TOKEN", "MAINSEQUENCE_REFRESH_TOKEN",
                                        "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID",
                                        "MAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!is_set(names[i]))
            continue;
        mseq_error_set(err, MSEQ_E_REQUEST, "%s is set, but no endpoint to send it to", names[i]);
        mseq_error_code(err, "endpoint");
        mseq_error_hint(err,
                        "set " ENDPOINT " to the server's URL, or to local: for the embedded TS "
                        "Manager, or unset %s",
                        names[i]);
        return MSEQ_E_REQUEST;
    }
    return MSEQ_OK;
}

static mseq_status from_environment(char **endpoint, mseq_error *err) {
    char *value = NULL;
    mseq_status status = variable(ENDPOINT, &value, err);
    if (status == MSEQ_OK && value)
        status = mseq_endpoint_check(value, ENDPOINT, endpoint, err);
    free(value);
    return status;
}

static mseq_status from_login(char **endpoint, mseq_error *err) {
    char *server = NULL;
    mseq_status status = mseq_logins_chosen(NULL, &server, err);
    if (status == MSEQ_OK && server)
        status = mseq_endpoint_check(server, "the stored login", endpoint, err);
    free(server);
    return status;
}

/* Machines without a home have no logins. */
static bool can_have_logins(void) {
    return is_set("XDG_CONFIG_HOME") || is_set("HOME");
}

mseq_status mseq_endpoint_resolve(const char *given, char **endpoint, const char **source,
                                  mseq_error *err) {
    char *found = NULL;
    const char *from = "argument";
    mseq_status status = MSEQ_OK;
    if (given)
        status = mseq_endpoint_check(given, "endpoint", &found, err);
    if (status == MSEQ_OK && !found) {
        from = "environment";
        status = from_environment(&found, err);
    }
    if (status == MSEQ_OK && !found)
        status = no_stray_credentials(err);
    if (status == MSEQ_OK && !found && can_have_logins()) {
        from = "login";
        status = from_login(&found, err);
    }
    if (status == MSEQ_OK && !found) {
        from = "default";
        found = mseq_text_dup(LOCAL);
        status = found ? MSEQ_OK : mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK)
        return status;
    *endpoint = found;
    if (source)
        *source = from;
    return MSEQ_OK;
}

/* ---- Whose credentials
 * ------------------------------------------------------------------------------------------- */

/* What the options borrow while the client is made. */
typedef struct identity {
    char *texts[5];
    mseq_value *logins;
} identity;

static void identity_free(identity *own) {
    for (size_t i = 0; i < sizeof own->texts / sizeof *own->texts; i++) {
        if (own->texts[i])
            explicit_bzero(own->texts[i], strlen(own->texts[i]));
        free(own->texts[i]);
    }
    mseq_value_free(own->logins);
}

/* Credentials of the environment are for the server that the environment names; where it names
 * none, for the one that the caller does. */
static mseq_status environment_is_meant(const char *endpoint, bool *meant, mseq_error *err) {
    char *named = NULL;
    mseq_status status = from_environment(&named, err);
    *meant = status == MSEQ_OK && (!named || strcmp(named, endpoint) == 0);
    free(named);
    return status;
}

static mseq_authentication mode_of(const char *text) {
    if (text && strcasecmp(text, "session_jwt") == 0)
        return MSEQ_AUTHENTICATION_SESSION_JWT;
    if (text && strcasecmp(text, "runtime_credential") == 0)
        return MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL;
    return MSEQ_AUTHENTICATION_JWT;
}

static mseq_status take_environment(mseq_client_options *options, identity *own, mseq_error *err) {
    static const char *const names[] = {"MAINSEQUENCE_ACCESS_TOKEN", "MAINSEQUENCE_REFRESH_TOKEN",
                                        "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID",
                                        "MAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET",
                                        "MAINSEQUENCE_AUTH_MODE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mseq_status status = variable(names[i], &own->texts[i], err);
        if (status != MSEQ_OK)
            return status;
    }
    options->access_token = own->texts[0];
    options->refresh_token = own->texts[1];
    options->runtime_credential_id = own->texts[2];
    options->runtime_credential_secret = own->texts[3];
    options->authentication = mode_of(own->texts[4]);
    return MSEQ_OK;
}

/* Takes the tokens of the login to that server, if there is one. */
static mseq_status take_login(const char *server, mseq_client_options *options, identity *own,
                              mseq_error *err) {
    if (!can_have_logins() && !options->login_folder)
        return MSEQ_OK;
    mseq_status status = mseq_logins_read(options->login_folder, &own->logins, err);
    const mseq_value *login = mseq_object_get(own->logins, server);
    if (status != MSEQ_OK || !login)
        return status;
    options->access_token = mseq_object_get_text(login, "access");
    options->refresh_token = mseq_object_get_text(login, "refresh");
    options->login = server;
    return MSEQ_OK;
}

static bool has_credentials(const mseq_client_options *options) {
    return options->access_token || options->refresh_token || options->runtime_credential_id ||
           options->runtime_credential_secret;
}

/* The credentials come from one place: the caller, the environment, or the login store. */
static mseq_status identify(const char *endpoint, mseq_client_options *options, identity *own,
                            mseq_error *err) {
    options->authentication_required = true;
    bool meant = false;
    mseq_status status = MSEQ_OK;
    if (has_credentials(options))
        return MSEQ_OK;
    if (options->login)
        return take_login(options->login, options, own, err);
    status = environment_is_meant(endpoint, &meant, err);
    if (status == MSEQ_OK && meant)
        status = take_environment(options, own, err);
    bool wants_login =
        !has_credentials(options) && options->authentication == MSEQ_AUTHENTICATION_JWT;
    if (status == MSEQ_OK && wants_login)
        status = take_login(endpoint, options, own, err);
    return status;
}

mseq_status mseq_endpoint_connect(const char *given, const char *home,
                                  const mseq_client_options *options, mseq_client **client,
                                  const char **source, mseq_error *err) {
    mseq_client_options own = MSEQ_CLIENT_OPTIONS_INIT;
    if (options)
        own = *options;
    identity borrowed = {{NULL}, NULL};
    char *endpoint = NULL, *project = NULL;
    mseq_status status = mseq_endpoint_resolve(given, &endpoint, source, err);
    if (status == MSEQ_OK && strncmp(endpoint, LOCAL, strlen(LOCAL)) != 0)
        status = identify(endpoint, &own, &borrowed, err);
    if (status == MSEQ_OK && !own.project_uid) {
        status = variable("MAIN_SEQUENCE_PROJECT_UID", &project, err);
        own.project_uid = project;
    }
    if (status == MSEQ_OK)
        status = mseq_endpoint_open(endpoint, home, &own, client, err);
    identity_free(&borrowed);
    free(endpoint);
    free(project);
    return status;
}
