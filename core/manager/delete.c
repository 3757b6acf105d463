/* SPDX-License-Identifier: MIT
 * Deletion of rows, and of their tables when asked.
 *
 * What goes is decided first, under the catalog's lock; then the tables are dropped in one
 * transaction of the data source, then the rows. A process that dies between leaves rows without
 * tables, which the same request removes when it is repeated. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "provision.h"
#include "routes.h"

typedef struct deletion {
    const manager_call *call;
    bool full;         /* the tables too */
    bool downstream;   /* what refers to them too */
    bool orphans;      /* and what has lost its table */
    bool override;     /* protection does not count */
    manager_row *rows; /* in the order of deletion: who refers comes before whom it refers to */
    size_t count, capacity;
} deletion;

/* ---- What may go -------------------------------------------------------------------------------
 */

static mseq_status in_use_as_registry(const deletion *work, const manager_row *row, bool *in_use,
                                      mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(
        work->call->catalog, &rows, err,
        "SELECT uid FROM meta_table WHERE alembic_version_meta_table_uid = ?1 LIMIT 1", "s",
        manager_row_text(row, "uid"));
    *in_use = mseq_value_length(rows) > 0;
    mseq_value_free(rows);
    return status;
}

static mseq_status refuse_protected(mseq_error *err, const char *code, const char *name,
                                    const char *why) {
    manager_refuse(err, MSEQ_E_CONFLICT, code, "the table '%s' is not deleted: %s", name, why);
    mseq_error_hint(err, "an organization admin may pass full_delete_selected and "
                         "override_protection");
    return MSEQ_E_CONFLICT;
}

static mseq_status check_deletable(const deletion *work, const manager_row *row, mseq_error *err) {
    const char *name = manager_row_text(row, "physical_table_name");
    bool in_use = false;
    if (work->override)
        return MSEQ_OK;
    if (mseq_object_get_boolean(row->document, "protect_from_deletion", false))
        return refuse_protected(err, "protected", name, "it is protected from deletion");
    if (strcmp(manager_row_text(row, "schema_management_mode"), "alembic_managed") == 0)
        return refuse_protected(err, "migration_managed", name, "migrations keep it");
    mseq_status status = in_use_as_registry(work, row, &in_use, err);
    if (status == MSEQ_OK && in_use)
        status = refuse_protected(err, "registry_in_use", name,
                                  "it is the version table of migration-managed tables");
    return status;
}

/* Names the table that refers only to those who may view it. */
static mseq_status refuse_referenced(const deletion *work, const char *name, const char *source,
                                     const char *source_uid, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = manager_row_by_uid(work->call, source_uid, &row, &cause);
    manager_row_free(&row);
    if (status == MSEQ_E_NOT_FOUND) {
        manager_refuse(err, MSEQ_E_CONFLICT, "table_referenced",
                       "the table '%s' is not dropped: other tables depend on it", name);
        mseq_error_hint(err, "ask an organization admin");
        return MSEQ_E_CONFLICT;
    }
    if (status != MSEQ_OK) {
        if (err && err->status == MSEQ_OK)
            *err = cause;
        return status;
    }
    manager_refuse(err, MSEQ_E_CONFLICT, "table_referenced",
                   "the table '%s' is not dropped: the table '%s' refers to it", name, source);
    mseq_error_hint(err, "full_delete_downstream_tables deletes those that refer to it too");
    return MSEQ_E_CONFLICT;
}

/* An application's own table is not ours to drop; one that others refer to cannot be dropped. */
static mseq_status check_droppable(const deletion *work, const manager_row *row, mseq_error *err) {
    const char *name = manager_row_text(row, "physical_table_name");
    const mseq_value *incoming = mseq_object_get(row->document, "incoming_fks");
    if (!work->full)
        return MSEQ_OK;
    if (strcmp(manager_row_text(row, "management_mode"), "external_registered") == 0)
        return manager_refuse(err, MSEQ_E_CONFLICT, "external_table",
                              "the table '%s' belongs to an application and is not dropped here: "
                              "delete its row without full_delete_selected",
                              name);
    for (size_t i = 0; !work->downstream && i < mseq_value_length(incoming); i++) {
        const mseq_value *fragment =
            mseq_object_get(mseq_array_get(incoming, i), "contract_fragment");
        const char *source = mseq_object_get_text(fragment, "source_table");
        if (source && strcmp(source, name) != 0)
            return refuse_referenced(work, name, source,
                                     mseq_object_get_text(fragment, "source_table_uid"), err);
    }
    return MSEQ_OK;
}

/* ---- What goes ---------------------------------------------------------------------------------
 */

static bool is_collected(const deletion *work, const char *uid) {
    for (size_t i = 0; i < work->count; i++)
        if (strcmp(manager_row_text(&work->rows[i], "uid"), uid) == 0)
            return true;
    return false;
}

/* Becomes owner of the row's document, even on failure. */
static mseq_status add_row(deletion *work, manager_row *row, mseq_error *err) {
    mseq_status status = check_deletable(work, row, err);
    if (status == MSEQ_OK)
        status = check_droppable(work, row, err);
    if (status == MSEQ_OK && work->count == work->capacity) {
        size_t capacity = work->capacity ? work->capacity * 2 : 8;
        manager_row *rows = realloc(work->rows, capacity * sizeof *rows);
        if (!rows)
            status = mseq_error_no_memory(err);
        else
            work->rows = rows, work->capacity = capacity;
    }
    if (status != MSEQ_OK) {
        manager_row_free(row);
        return status;
    }
    work->rows[work->count++] = *row;
    *row = (manager_row)MANAGER_ROW_INIT;
    return MSEQ_OK;
}

/* The uid of the table that the incoming key `index` of a row comes from. */
static const char *referrer(const manager_row *row, size_t index) {
    const mseq_value *incoming = mseq_object_get(row->document, "incoming_fks");
    const mseq_value *fragment =
        mseq_object_get(mseq_array_get(incoming, index), "contract_fragment");
    return mseq_object_get_text(fragment, "source_table_uid");
}

/* The rows that refer to those already collected, and who refers to them. */
static mseq_status collect_downstream(deletion *work, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < work->count && status == MSEQ_OK; i++) {
        for (size_t k = 0; status == MSEQ_OK && referrer(&work->rows[i], k); k++) {
            manager_row row = MANAGER_ROW_INIT;
            if (is_collected(work, referrer(&work->rows[i], k)))
                continue;
            status = manager_row_any(work->call, referrer(&work->rows[i], k), &row, err);
            if (status == MSEQ_OK && !row.may_view)
                status =
                    refuse_referenced(work, manager_row_text(&work->rows[i], "physical_table_name"),
                                      NULL, manager_row_text(&row, "uid"), err);
            else if (status == MSEQ_OK)
                status = manager_require_edit(work->call, &row, err);
            if (status == MSEQ_OK)
                status = add_row(work, &row, err);
            else
                manager_row_free(&row);
        }
    }
    return status;
}

/* Tables of the data source that the manager keeps and that are gone from it. */
static mseq_status collect_orphans(deletion *work, mseq_connection *connection,
                                   const char *data_source_uid, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_connection_table_names(connection, NULL, &names, err);
    if (status == MSEQ_OK)
        status = manager_query(work->call->catalog, &records, err,
                               "SELECT " MANAGER_ROW_COLUMNS " FROM meta_table"
                               " WHERE data_source_uid = ?1 AND organization_uid = ?2"
                               " AND schema_management_mode = 'backend_managed'"
                               " AND " MANAGER_MAY_EDIT("?3", "?4"),
                               "ssbs", data_source_uid, work->call->caller->organization_uid,
                               (int)work->call->caller->admin, work->call->caller->user_uid);
    for (size_t i = 0; i < mseq_value_length(records) && status == MSEQ_OK; i++) {
        manager_row row = MANAGER_ROW_INIT;
        status = manager_row_from_record(mseq_array_get(records, i), &row, err);
        if (status != MSEQ_OK)
            break;
        if (mseq_strings_contains(&names, manager_row_text(&row, "physical_table_name")) ||
            is_collected(work, manager_row_text(&row, "uid")) ||
            check_deletable(work, &row, NULL) != MSEQ_OK)
            manager_row_free(&row);
        else
            status = add_row(work, &row, err);
    }
    mseq_value_free(records);
    mseq_strings_free(&names);
    return status;
}

/* Whether a row among those from `first` on, but itself, refers to this one. */
static bool is_referred_to(const deletion *work, size_t first, size_t index) {
    const char *source;
    for (size_t k = 0; (source = referrer(&work->rows[index], k)) != NULL; k++)
        for (size_t i = first; i < work->count; i++)
            if (i != index && strcmp(manager_row_text(&work->rows[i], "uid"), source) == 0)
                return true;
    return false;
}

/* Who refers goes before whom it refers to; in a cycle any may be first. */
static void sort_rows(deletion *work) {
    for (size_t first = 0; first < work->count; first++) {
        size_t pick = first;
        while (pick < work->count && is_referred_to(work, first, pick))
            pick++;
        if (pick == work->count)
            pick = first;
        manager_row row = work->rows[pick];
        memmove(&work->rows[first + 1], &work->rows[first], (pick - first) * sizeof row);
        work->rows[first] = row;
    }
}

/* ---- Doing it ----------------------------------------------------------------------------------
 */

static mseq_status delete_row(const manager_call *call, const manager_row *row, mseq_error *err) {
    mseq_status status = manager_foreign_keys_forget(call, row, err);
    return status == MSEQ_OK
               ? manager_query(call->catalog, NULL, err, "DELETE FROM meta_table WHERE uid = ?1",
                               "s", manager_row_text(row, "uid"))
               : status;
}

static mseq_status drop_tables(const deletion *work, mseq_connection *connection, mseq_error *err) {
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < work->count && status == MSEQ_OK; i++)
        status = mseq_strings_add(&names, manager_row_text(&work->rows[i], "physical_table_name"));
    if (status != MSEQ_OK)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_drop_tables(connection, &names, err);
    mseq_strings_free(&names);
    return status;
}

static mseq_status answer(manager_call *call, const deletion *work, mseq_error *err) {
    manager_draft reply, deleted;
    manager_draft_object(&reply);
    manager_draft_array(&deleted);
    for (size_t i = 0; i < work->count; i++) {
        const mseq_value *document = work->rows[i].document;
        manager_draft one;
        manager_draft_object(&one);
        manager_put_copy(&one, "uid", mseq_object_get(document, "uid"));
        manager_put_copy(&one, "physical_table_name",
                         mseq_object_get(document, "physical_table_name"));
        manager_put_boolean(&one, "table_dropped", work->full);
        manager_append_draft(&deleted, &one);
    }
    manager_put_boolean(&reply, "ok", true);
    manager_put_draft(&reply, "deleted", &deleted);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

static mseq_status run(manager_call *call, deletion *work, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    manager_source *source = NULL;
    mseq_connection *connection = NULL;
    mseq_status status = manager_row_to_edit(call, call->uid, &row, err);
    if (status == MSEQ_OK && (work->full || work->orphans))
        status = manager_source_find(call, manager_row_text(&row, "data_source_uid"), &source, err);
    if (status == MSEQ_OK && source)
        status = manager_source_connect(source, &connection, err);
    if (status == MSEQ_OK)
        status = add_row(work, &row, err);
    if (status == MSEQ_OK && work->downstream)
        status = collect_downstream(work, err);
    if (status == MSEQ_OK && work->orphans)
        status = collect_orphans(work, connection,
                                 manager_row_text(&work->rows[0], "data_source_uid"), err);
    if (status == MSEQ_OK)
        sort_rows(work);
    if (status == MSEQ_OK && work->full)
        status = drop_tables(work, connection, err);
    for (size_t i = 0; i < work->count && status == MSEQ_OK; i++)
        status = delete_row(call, &work->rows[i], err);
    const manager_access_change change = {
        .data_source_uid =
            work->count ? manager_row_text(&work->rows[0], "data_source_uid") : NULL};
    if (status == MSEQ_OK)
        status = manager_access_changed(call, &change, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_connection_release(connection);
    manager_row_free(&row);
    return status;
}

static mseq_status read_flags(const manager_call *call, deletion *work, mseq_error *err) {
    static const char *const names[] = {"full_delete_selected", "full_delete_downstream_tables",
                                        "delete_with_no_table", "override_protection", NULL};
    bool *const flags[] = {&work->full, &work->downstream, &work->orphans, &work->override};
    mseq_status status = manager_check_keys(call->query, "the query", names, err);
    for (size_t i = 0; names[i] && status == MSEQ_OK; i++)
        status = manager_boolean_parameter(call->query, names[i], false, flags[i], err);
    if (status == MSEQ_OK && work->override && !call->caller->admin)
        status = manager_refuse(err, MSEQ_E_PERMISSION, "admin_only",
                                "override_protection is for organization admins");
    if (status == MSEQ_OK && work->override && !work->full)
        status = manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                "override_protection goes together with full_delete_selected");
    return status;
}

mseq_status manager_delete_table(manager_call *call, mseq_error *err) {
    deletion work = {.call = call};
    mseq_status status = read_flags(call, &work, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = run(call, &work, err);
    if (status == MSEQ_OK)
        status = answer(call, &work, err);
    for (size_t i = 0; i < work.count; i++)
        manager_row_free(&work.rows[i]);
    free(work.rows);
    return status;
}
