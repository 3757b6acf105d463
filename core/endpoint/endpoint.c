/* SPDX-License-Identifier: MIT
 * An endpoint's name → a client. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/endpoint.h"

#define LOCAL "local:"

/* The folder of the embedded TS Manager when nothing names one (XDG base directory specification).
 */
static mseq_status default_directory(char **directory, mseq_error *err) {
    static const struct {
        const char *variable;
        const char *below;
    } places[] = {
        {"MAINSEQUENCE_HOME", ""},
        {"XDG_DATA_HOME", "/mainsequence"},
        {"HOME", "/.local/share/mainsequence"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i].variable);
        if (!value || !*value)
            continue;
        char *path = mseq_text_format("%s%s", value, places[i].below);
        if (!path)
            return mseq_error_no_memory(err);
        *directory = path;
        return MSEQ_OK;
    }
    mseq_error_set(err, MSEQ_E_REQUEST, "no folder for the embedded TS Manager");
    mseq_error_hint(err, "set MAINSEQUENCE_HOME, or name one: local:DIR");
    return MSEQ_E_REQUEST;
}

static void close_manager(void *manager) {
    mseq_manager_close(manager);
}

static const char *catalog_of_environment(void) {
    const char *catalog = getenv("MAINSEQUENCE_CATALOG");
    return catalog && *catalog ? catalog : NULL;
}

static char *describe(const mseq_manager *manager, const mseq_manager_options *options) {
    const char *directory = mseq_manager_directory(manager);
    if (!options->catalog)
        return mseq_text_format(LOCAL "%s", directory);
    return mseq_text_format(LOCAL "%s (catalog %s)", directory, mseq_manager_catalog(manager));
}

static mseq_status open_local(const char *directory, const mseq_client_options *options,
                              mseq_client **client, mseq_error *err) {
    mseq_manager_options manager_options = MSEQ_MANAGER_OPTIONS_INIT;
    manager_options.directory = directory;
    manager_options.catalog = catalog_of_environment();
    mseq_manager *manager = NULL;
    mseq_status status = mseq_manager_open(&manager_options, &manager, err);
    if (status != MSEQ_OK)
        return status;
    char *description = describe(manager, &manager_options);
    if (!description) {
        mseq_manager_close(manager);
        return mseq_error_no_memory(err);
    }
    mseq_transport *transport = NULL;
    status = mseq_transport_local_new(mseq_manager_handle, manager, close_manager, description,
                                      &transport, err);
    free(description);
    if (status != MSEQ_OK)
        return status;
    mseq_client_options own = MSEQ_CLIENT_OPTIONS_INIT;
    if (options)
        own = *options;
    own.attempts = 1;        /* no network between us: what fails would fail again */
    own.only_project = true; /* a folder has one project: nobody has to name it */
    return mseq_client_new(transport, &own, client, err);
}

/* The folder that `named` (may be empty) or `home` (may be NULL) says, else the default. */
static mseq_status find_directory(const char *named, const char *home, char **directory,
                                  mseq_error *err) {
    if (!*named && !home)
        return default_directory(directory, err);
    char *copy = mseq_text_dup(*named ? named : home);
    if (!copy)
        return mseq_error_no_memory(err);
    *directory = copy;
    return MSEQ_OK;
}

static mseq_status open_embedded(const char *named, const char *home,
                                 const mseq_client_options *options, mseq_client **client,
                                 mseq_error *err) {
    char *directory = NULL;
    mseq_status status = find_directory(named, home, &directory, err);
    if (status == MSEQ_OK)
        status = open_local(directory, options, client, err);
    free(directory);
    return status;
}

static mseq_status open_url(const char *url, const mseq_client_options *options,
                            mseq_client **client, mseq_error *err) {
    mseq_http_options http_options = MSEQ_HTTP_OPTIONS_INIT;
    const char *ca_file = getenv("MAINSEQUENCE_CA_FILE");
    if (ca_file && *ca_file)
        http_options.ca_file = ca_file;
    mseq_transport *transport = NULL;
    mseq_status status = mseq_transport_http_new(url, &http_options, &transport, err);
    return status == MSEQ_OK ? mseq_client_new(transport, options, client, err) : status;
}

mseq_status mseq_endpoint_open(const char *endpoint, const char *home,
                               const mseq_client_options *options, mseq_client **client,
                               mseq_error *err) {
    const char *given = endpoint ? endpoint : LOCAL;
    if (strncmp(given, LOCAL, strlen(LOCAL)) == 0)
        return open_embedded(given + strlen(LOCAL), home, options, client, err);
    return open_url(given, options, client, err);
}

mseq_status mseq_endpoint_upgrade(const char *home, const char *catalog, mseq_value **report,
                                  mseq_error *err) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    char *directory = NULL;
    mseq_status status = find_directory("", home, &directory, err);
    options.directory = directory;
    options.catalog = catalog ? catalog : catalog_of_environment();
    if (status == MSEQ_OK)
        status = mseq_manager_upgrade(&options, report, err);
    free(directory);
    return status;
}

mseq_status mseq_endpoint_manager(const char *home, const char *catalog, mseq_manager **manager,
                                  mseq_error *err) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    char *directory = NULL;
    mseq_status status = find_directory("", home, &directory, err);
    options.directory = directory;
    options.catalog = catalog ? catalog : catalog_of_environment();
    options.served = true;
    if (status == MSEQ_OK)
        status = mseq_manager_open(&options, manager, err);
    free(directory);
    return status;
}
