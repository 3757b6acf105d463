/* SPDX-License-Identifier: MIT
 * The tables that an operation declares: known to the caller, of one data source, there. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "execution.h"

void manager_scope_free(manager_scope *scope) {
    for (size_t i = 0; i < scope->count; i++) {
        free(scope->tables[i].uid);
        free(scope->tables[i].name);
        mseq_value_free(scope->tables[i].types);
    }
    free(scope->tables);
    *scope = (manager_scope)MANAGER_SCOPE_INIT;
}

const char *manager_scope_type(const manager_scope *scope, const char *column) {
    const char *type = NULL;
    for (size_t i = 0; i < scope->count; i++) {
        const char *here = mseq_object_get_text(scope->tables[i].types, column);
        if (here && type && strcmp(here, type) != 0)
            return NULL;
        type = here ? here : type;
    }
    return type;
}

/* ---- A reserved table --------------------------------------------------------------------------
 */

/* Writes after a migration may come before its finalization: the table is looked for, and its row
 * becomes active when it is there. */
static mseq_status reconcile(manager_call *call, const char *uid, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    manager_source *source = NULL;
    mseq_connection *connection = NULL;
    mseq_table *table = NULL;
    mseq_status status = manager_row_by_uid(call, uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_source_find(call, manager_row_text(&row, "data_source_uid"), &source, err);
    if (status == MSEQ_OK)
        status = manager_source_connect(source, &connection, err);
    if (status == MSEQ_OK)
        status = manager_reflect(connection, &row, &table, err);
    mseq_connection_release(connection);
    if (status == MSEQ_OK && !table)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "physical_table_missing",
                                "the table '%s' is reserved and does not exist in its data source",
                                manager_row_text(&row, "physical_table_name"));
    manager_row_free(&row);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_row_by_uid(call, uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_row_introspected(call, &row, table, source->dialect, err);
    if (status == MSEQ_OK &&
        mseq_object_put_text(row.document, "provisioning_status", "active") != MSEQ_OK)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_row_update(call, &row, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_table_free(table);
    manager_row_free(&row);
    return status;
}

static mseq_status check_active(manager_call *call, const mseq_value *declared,
                                const mseq_value *record, bool *reconciled, mseq_error *err) {
    const char *policy = mseq_object_get_text(declared, "reserved_policy");
    const char *state = mseq_object_get_text(record, "provisioning_status");
    if (strcmp(state, "active") == 0)
        return MSEQ_OK;
    if (policy && strcmp(policy, "reconcile") == 0) {
        *reconciled = true;
        return reconcile(call, mseq_object_get_text(record, "uid"), err);
    }
    manager_refuse(err, MSEQ_E_CONFLICT, "table_reserved",
                   "the table '%s' is reserved: its migration has not been finalized",
                   mseq_object_get_text(record, "physical_table_name"));
    mseq_error_hint(err, "run the migration, or pass reserved_policy \"reconcile\"");
    return MSEQ_E_CONFLICT;
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

static mseq_status find_record(const manager_call *call, const char *uid, mseq_value **records,
                               mseq_error *err) {
    mseq_status status =
        manager_query_known(call, records, err,
                            "SELECT uid, data_source_uid, physical_table_name, provisioning_status,"
                            " column_types, CASE WHEN " MANAGER_MAY_EDIT(
                                "?3", "?4") " THEN 1 ELSE 0 END AS may_edit FROM meta_table"
                                            " WHERE uid = ?1 AND organization_uid = ?2"
                                            " AND " MANAGER_MAY_VIEW("?3", "?4"),
                            "ssbs", uid, call->caller->organization_uid, (int)call->caller->admin,
                            call->caller->user_uid);
    if (status == MSEQ_OK && mseq_value_length(*records) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "not_found",
                                "there is no MetaTable '%.100s'", uid);
    return status;
}

static mseq_status check_source(const mseq_value *operation, const mseq_value *record,
                                mseq_error *err) {
    const char *declared =
        mseq_object_get_text(mseq_object_get(operation, "scope"), "data_source_uid");
    const char *source = mseq_object_get_text(record, "data_source_uid");
    if (strcmp(declared, source) == 0)
        return MSEQ_OK;
    return manager_refuse(err, MSEQ_E_REQUEST, "data_source_mismatch",
                          "scope: the table '%s' lives in the data source '%s', not in '%.100s'",
                          mseq_object_get_text(record, "physical_table_name"), source, declared);
}

mseq_status manager_scope_add(manager_scope *scope, const mseq_value *record, mseq_access access,
                              mseq_error *err) {
    const char *types = mseq_object_get_text(record, "column_types");
    manager_scope_table *table = &scope->tables[scope->count++];
    table->access = access;
    table->uid = mseq_text_dup(mseq_object_get_text(record, "uid"));
    table->name = mseq_text_dup(mseq_object_get_text(record, "physical_table_name"));
    if (!table->uid || !table->name)
        return mseq_error_no_memory(err);
    if (strcmp(types, "{}") == 0)
        return MSEQ_OK;
    mseq_status status = mseq_json_parse(types, strlen(types), 0, &table->types, err);
    for (size_t i = 0; i < mseq_value_length(table->types) && !scope->shown_types; i++)
        scope->shown_types =
            manager_type_is_shown(mseq_value_get_text(mseq_object_value_at(table->types, i)));
    return status;
}

static mseq_status resolve_table(manager_call *call, const mseq_value *operation,
                                 const mseq_value *declared, manager_scope *scope,
                                 mseq_error *err) {
    const char *uid = mseq_object_get_text(declared, "meta_table_uid");
    bool writes = strcmp(mseq_object_get_text(declared, "access"), "write") == 0;
    for (size_t i = 0; i < scope->count; i++) {
        if (strcmp(scope->tables[i].uid, uid) == 0) { /* twice: the stronger access holds */
            if (writes)
                scope->tables[i].access = MSEQ_ACCESS_WRITE;
            return MSEQ_OK;
        }
    }
    mseq_value *records = NULL;
    bool reconciled = false;
    mseq_status status = find_record(call, uid, &records, err);
    const mseq_value *record = mseq_array_get(records, 0);
    if (status == MSEQ_OK)
        status = check_source(operation, record, err);
    if (status == MSEQ_OK && writes && !mseq_object_get_integer(record, "may_edit", 0))
        status = manager_refuse_edit(call, uid, mseq_object_get_text(record, "physical_table_name"),
                                     err);
    if (status == MSEQ_OK)
        status = check_active(call, declared, record, &reconciled, err);
    if (status == MSEQ_OK && reconciled) { /* its columns are known now */
        mseq_value_free(records);
        records = NULL;
        status = find_record(call, uid, &records, err);
        record = mseq_array_get(records, 0);
    }
    if (status == MSEQ_OK)
        status =
            manager_scope_add(scope, record, writes ? MSEQ_ACCESS_WRITE : MSEQ_ACCESS_READ, err);
    mseq_value_free(records);
    return status;
}

static mseq_status check_aliases(const mseq_value *tables, mseq_error *err) {
    mseq_value *seen = mseq_value_object();
    mseq_status status = seen ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(tables) && status == MSEQ_OK; i++) {
        const char *alias = mseq_object_get_text(mseq_array_get(tables, i), "alias");
        if (!alias)
            continue;
        if (mseq_object_get(seen, alias))
            status = manager_refuse(err, MSEQ_E_REQUEST, "repeated_alias",
                                    "scope.tables[%zu].alias: '%.100s' is given twice", i, alias);
        else if (mseq_object_put_boolean(seen, alias, true) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    mseq_value_free(seen);
    return status;
}

mseq_status manager_scope_resolve(manager_call *call, const mseq_value *operation,
                                  manager_scope *scope, mseq_error *err) {
    const mseq_value *declared = mseq_object_get(operation, "scope");
    const mseq_value *tables = mseq_object_get(declared, "tables");
    mseq_status status = check_aliases(tables, err);
    *scope = (manager_scope)MANAGER_SCOPE_INIT;
    if (status == MSEQ_OK && mseq_value_length(tables) > MANAGER_BULK_MAXIMUM)
        status = manager_refuse(err, MSEQ_E_LIMIT, "too_many_tables",
                                "at most %d tables in one scope", MANAGER_BULK_MAXIMUM);
    if (status == MSEQ_OK) /* before the tables: a change between is seen */
        status = manager_revisions_ensure(call, err);
    scope->access_revision = call->revisions.access;
    if (status == MSEQ_OK) {
        scope->tables = calloc(mseq_value_length(tables), sizeof *scope->tables);
        scope->count = 0;
        status = scope->tables ? MSEQ_OK : mseq_error_no_memory(err);
    }
    for (size_t i = 0; i < mseq_value_length(tables) && status == MSEQ_OK; i++)
        status = resolve_table(call, operation, mseq_array_get(tables, i), scope, err);
    if (status == MSEQ_OK)
        status = manager_source_find(call, mseq_object_get_text(declared, "data_source_uid"),
                                     &scope->source, err);
    return status;
}
