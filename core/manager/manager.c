/* SPDX-License-Identifier: MIT
 * The manager as a whole: opening, closing, upgrading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "execution.h"
#include "janitor.h"
#include "sources.h"

/* OWASP's recommendation for scrypt (Password Storage Cheat Sheet, 2023) with the least memory but
 * one. */
static const mseq_scrypt_cost password_cost = {.log2_n = 14, .block = 8, .parallel = 5};

enum { CATALOG_LOCK_MS = 10000 }; /* how long a writer waits for the others */

static mseq_status connect_catalog(const manager_catalog_place *place, mseq_database **catalog,
                                   mseq_error *err) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = place->uri;
    options.must_exist = true;
    options.busy_timeout_ms = CATALOG_LOCK_MS;
    mseq_status status = mseq_database_open(&options, catalog, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the catalog '%s': ", place->name);
    return status;
}

/* Where the catalog is, with its folder there; *directory is owned by the caller, also on failure.
 */
static mseq_status find_place(const mseq_manager_options *options, char **directory,
                              manager_catalog_place *place, mseq_error *err) {
    if (!options->directory || !*options->directory)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "a TS Manager needs a folder");
    mseq_status status =
        manager_folder_prepare(options->directory, !options->catalog, directory, err);
    return status == MSEQ_OK ? manager_catalog_place_find(options, *directory, place, err) : status;
}

static mseq_status open_catalog(mseq_manager *manager, const manager_catalog_place *place,
                                manager_catalog_policy policy, mseq_error *err) {
    mseq_connection *connection = NULL;
    manager_catalog_change change;
    mseq_status status = connect_catalog(place, &manager->catalog, err);
    if (status != MSEQ_OK)
        return status;
    status = manager_catalog_prepare(manager->catalog, place, policy, &change, err);
    free(change.copy);
    if (status == MSEQ_OK)
        status = mseq_database_connect(manager->catalog, &connection, err);
    if (status == MSEQ_OK)
        status = manager_catalog_local_user(connection, &manager->local, err);
    mseq_connection_release(connection);
    return status;
}

mseq_status mseq_manager_open(const mseq_manager_options *options, mseq_manager **manager,
                              mseq_error *err) {
    manager_catalog_place place = {NULL, NULL, NULL};
    if (!manager || !options)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "a TS Manager needs options");
    mseq_manager *opened = calloc(1, sizeof *opened);
    if (!opened)
        return mseq_error_no_memory(err);
    pthread_mutex_init(&opened->lock, NULL);
    pthread_mutex_init(&opened->log_lock, NULL);
    opened->log_file = -1;
    opened->revisions.catalog = -1;
    opened->served = options->served || options->catalog;
    opened->clock = options->clock ? options->clock : mseq_time_now;
    opened->password_cost = options->password_cost.log2_n ? options->password_cost : password_cost;
    mseq_status status = find_place(options, &opened->directory, &place, err);
    if (status == MSEQ_OK)
        status = open_catalog(opened, &place,
                              options->catalog  ? MANAGER_CATALOG_AS_IT_IS
                              : options->served ? MANAGER_CATALOG_CREATE
                                                : MANAGER_CATALOG_UPGRADE,
                              err);
    opened->catalog_name = place.name;
    place.name = NULL;
    manager_catalog_place_free(&place);
    if (status != MSEQ_OK) {
        mseq_manager_close(opened);
        return status;
    }
    *manager = opened;
    return MSEQ_OK;
}

static mseq_value *report_of(const manager_catalog_place *place,
                             const manager_catalog_change *change) {
    manager_draft report;
    manager_draft_object(&report);
    manager_put_text(&report, "catalog", place->name);
    manager_put_integer(&report, "version_before", change->before);
    manager_put_integer(&report, "version", change->after);
    manager_put_text(&report, "copy", change->copy);
    return manager_draft_take(&report);
}

mseq_status mseq_manager_upgrade(const mseq_manager_options *options, mseq_value **report,
                                 mseq_error *err) {
    manager_catalog_place place = {NULL, NULL, NULL};
    manager_catalog_change change = {0, 0, NULL};
    mseq_database *catalog = NULL;
    if (!report || !options)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "an upgrade needs options");
    char *directory = NULL;
    mseq_status status = find_place(options, &directory, &place, err);
    if (status == MSEQ_OK && place.file)
        status = manager_folder_make_file(place.file, err);
    if (status == MSEQ_OK)
        status = connect_catalog(&place, &catalog, err);
    if (status == MSEQ_OK)
        status = manager_catalog_prepare(catalog, &place, MANAGER_CATALOG_UPGRADE, &change, err);
    mseq_value *made = status == MSEQ_OK ? report_of(&place, &change) : NULL;
    if (status == MSEQ_OK && !made)
        status = mseq_error_no_memory(err);
    mseq_database_close(catalog);
    manager_catalog_place_free(&place);
    free(change.copy);
    free(directory);
    if (status == MSEQ_OK)
        *report = made;
    return status;
}

void mseq_manager_close(mseq_manager *manager) {
    if (!manager)
        return;
    manager_janitor_stop(manager);
    manager_fences_close(manager);
    manager_sources_close(manager);
    manager_query_cache_free(manager);
    manager_plan_cache_free(manager);
    manager_log_close(manager);
    mseq_database_close(manager->catalog);
    pthread_mutex_destroy(&manager->lock);
    free(manager->catalog_name);
    free(manager->directory);
    free(manager);
}

const char *mseq_manager_directory(const mseq_manager *manager) {
    return manager->directory;
}

const char *mseq_manager_catalog(const mseq_manager *manager) {
    return manager->catalog_name;
}

mseq_status mseq_manager_ready(mseq_manager *manager, mseq_error *err) {
    mseq_connection *catalog = NULL;
    mseq_status status = mseq_database_connect(manager->catalog, &catalog, err);
    if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err, "SELECT uid FROM organization LIMIT 1", "");
    mseq_connection_release(catalog);
    return status;
}
