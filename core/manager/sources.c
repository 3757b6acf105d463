/* SPDX-License-Identifier: MIT
 * The databases that the manager knows. The catalog is asked each time, as another server may have
 * added, changed or removed a data source; what is kept is the pool of its connections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "janitor.h"
#include "sources.h"

static void free_source(manager_source *source) {
    mseq_database_close(source->database);
    if (source->uri)
        mseq_secret_erase(source->uri, strlen(source->uri));
    free(source->uri);
    free(source->secret.variable);
    free(source);
}

void manager_sources_close(mseq_manager *manager) {
    while (manager->sources) {
        manager_source *next = manager->sources->next;
        free_source(manager->sources);
        manager->sources = next;
    }
}

static bool is_same(const manager_source *a, const manager_source *b) {
    return strcmp(a->uid, b->uid) == 0 && strcmp(a->uri, b->uri) == 0 &&
           a->parser_only == b->parser_only && a->secret.kind == b->secret.kind &&
           (a->secret.kind != MANAGER_SECRET_VARIABLE ||
            strcmp(a->secret.variable, b->secret.variable) == 0);
}

/* What was read last of its file is what it is compared with from now on. */
static manager_source *known_source(mseq_manager *manager, const manager_source *wanted) {
    pthread_mutex_lock(&manager->lock);
    manager_source *source = manager->sources;
    while (source && !is_same(source, wanted))
        source = source->next;
    if (source && wanted->secret.kind == MANAGER_SECRET_FILE) {
        source->secret.file = wanted->secret.file;
        source->secret.settled = wanted->secret.settled;
    }
    pthread_mutex_unlock(&manager->lock);
    return source;
}

void manager_sources_trim(mseq_manager *manager, const char *uid, const manager_source *except) {
    pthread_mutex_lock(&manager->lock);
    for (manager_source *source = manager->sources; source; source = source->next)
        if (source != except && strcmp(source->uid, uid) == 0)
            mseq_database_trim(source->database);
    pthread_mutex_unlock(&manager->lock);
}

/* Two threads may open the same one; the second gives its own back. */
static manager_source *keep_source(mseq_manager *manager, manager_source *source) {
    pthread_mutex_lock(&manager->lock);
    manager_source *known = manager->sources;
    while (known && !is_same(known, source))
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

static mseq_status read_record(const manager_call *call, const mseq_value *record,
                               manager_source *source, mseq_error *err) {
    const char *class_type = mseq_object_get_text(record, "class_type");
    const char *fence = mseq_object_get_text(record, "fence");
    if (!class_type || !mseq_dialect_from_name(class_type, &source->dialect))
        return mseq_error_set(err, MSEQ_E_DATABASE,
                              "the data source '%s' is of the unknown class '%s'", source->uid,
                              class_type ? class_type : "");
    source->parser_only = fence && strcmp(fence, "parser_only") == 0;
    return manager_source_read_uri(call->manager, record, source, err);
}

/* What the catalog says of a source; it is not opened. */
static mseq_status read_source(const manager_call *call, const char *uid, const mseq_value *record,
                               manager_source **source, mseq_error *err) {
    manager_source *made = calloc(1, sizeof *made);
    if (!made)
        return mseq_error_no_memory(err);
    snprintf(made->uid, sizeof made->uid, "%s", uid);
    mseq_status status = read_record(call, record, made, err);
    if (status != MSEQ_OK) {
        free_source(made);
        return status;
    }
    *source = made;
    return MSEQ_OK;
}

/* Becomes owner of `source`, even on failure. */
static mseq_status open_source(const manager_call *call, manager_source *source,
                               manager_source **found, mseq_error *err) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = source->uri;
    mseq_status status = mseq_database_open(&options, &source->database, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "the data source: ");
        free_source(source);
        return status;
    }
    *found = keep_source(call->manager, source);
    manager_sources_trim(call->manager, (*found)->uid, *found);
    /* credentials that a server before this one gave out expire too */
    return call->manager->served && (*found)->dialect == MSEQ_POSTGRESQL
               ? manager_janitor_schedule(call->manager, *found, 0, err)
               : MSEQ_OK;
}

static mseq_status find_record(const manager_call *call, const char *uid, mseq_value **rows,
                               mseq_error *err) {
    mseq_status status =
        manager_query_known(call, rows, err,
                            "SELECT class_type, location, secret_kind, secret_name, fence"
                            " FROM data_source WHERE uid = ?1 AND organization_uid = ?2",
                            "ss", uid, call->caller->organization_uid);
    if (status == MSEQ_OK && mseq_value_length(*rows) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "data_source_not_found",
                                "there is no data source '%.100s'", uid);
    return status;
}

mseq_status manager_source_find(const manager_call *call, const char *uid, manager_source **source,
                                mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = find_record(call, uid, &rows, err);
    manager_source *wanted = NULL;
    if (status == MSEQ_OK)
        status = read_source(call, uid, mseq_array_get(rows, 0), &wanted, err);
    mseq_value_free(rows);
    if (!wanted)
        return status;
    manager_source *known = known_source(call->manager, wanted);
    if (!known)
        return open_source(call, wanted, source, err);
    free_source(wanted);
    *source = known;
    return MSEQ_OK;
}

mseq_status manager_source_connect(manager_source *source, mseq_connection **connection,
                                   mseq_error *err) {
    mseq_status status = mseq_database_connect(source->database, connection, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the data source: ");
    return status;
}
