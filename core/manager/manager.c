/* SPDX-License-Identifier: MIT
 * The manager as a whole: opening, closing, the databases it knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"

/* OWASP's recommendation for scrypt (Password Storage Cheat Sheet, 2023) with the least memory but
 * one. */
static const mseq_scrypt_cost password_cost = {.log2_n = 14, .block = 8, .parallel = 5};

static mseq_status connect_catalog(const manager_catalog_place *place, mseq_database **catalog,
                                   mseq_error *err) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = place->uri;
    options.must_exist = true;
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
    mseq_status status = manager_folder_prepare(options->directory, directory, err);
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

static void free_source(manager_source *source) {
    mseq_database_close(source->database);
    free(source->uri);
    free(source);
}

void mseq_manager_close(mseq_manager *manager) {
    if (!manager)
        return;
    while (manager->sources) {
        manager_source *next = manager->sources->next;
        free_source(manager->sources);
        manager->sources = next;
    }
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

/* ---- Data sources ------------------------------------------------------------------------------
 */

static manager_source *known_source(mseq_manager *manager, const char *uid) {
    pthread_mutex_lock(&manager->lock);
    manager_source *source = manager->sources;
    while (source && strcmp(source->uid, uid) != 0)
        source = source->next;
    pthread_mutex_unlock(&manager->lock);
    return source;
}

/* Two threads may open the same one; the second gives its own back. */
static manager_source *keep_source(mseq_manager *manager, manager_source *source) {
    pthread_mutex_lock(&manager->lock);
    manager_source *known = manager->sources;
    while (known && strcmp(known->uid, source->uid) != 0)
        known = known->next;
    if (!known) {
        source->next = manager->sources;
        manager->sources = source;
    }
    pthread_mutex_unlock(&manager->lock);
    if (!known)
        return source;
    free_source(source);
    return known;
}

static mseq_status open_source(const manager_call *call, const mseq_value *record,
                               manager_source *source, mseq_error *err) {
    const char *location = mseq_object_get_text(record, "location");
    const char *class_type = mseq_object_get_text(record, "class_type");
    if (!location || !class_type || !mseq_dialect_from_name(class_type, &source->dialect) ||
        source->dialect != MSEQ_SQLITE)
        return mseq_error_set(err, MSEQ_E_DATABASE,
                              "the data source '%s' is of the unknown class '%s'", source->uid,
                              class_type ? class_type : "");
    mseq_status status = manager_folder_uri(call->manager->directory, location, &source->uri, err);
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = source->uri;
    return status == MSEQ_OK ? mseq_database_open(&options, &source->database, err) : status;
}

mseq_status manager_source_find(const manager_call *call, const char *uid, manager_source **source,
                                mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(call->catalog, &rows, err,
                                       "SELECT class_type, location FROM data_source"
                                       " WHERE uid = ?1 AND organization_uid = ?2",
                                       "ss", uid, call->caller->organization_uid);
    if (status == MSEQ_OK && mseq_value_length(rows) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "data_source_not_found",
                                "there is no data source '%.100s'", uid);
    manager_source *found = status == MSEQ_OK ? known_source(call->manager, uid) : NULL;
    if (status == MSEQ_OK && !found) {
        manager_source *opened = calloc(1, sizeof *opened);
        if (!opened) {
            status = mseq_error_no_memory(err);
        } else {
            snprintf(opened->uid, sizeof opened->uid, "%s", uid);
            status = open_source(call, mseq_array_get(rows, 0), opened, err);
            if (status == MSEQ_OK)
                found = keep_source(call->manager, opened);
            else
                free_source(opened);
        }
    }
    mseq_value_free(rows);
    if (status == MSEQ_OK)
        *source = found;
    return status;
}

mseq_status manager_source_connect(manager_source *source, mseq_connection **connection,
                                   mseq_error *err) {
    mseq_status status = mseq_database_connect(source->database, connection, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the data source: ");
    return status;
}
