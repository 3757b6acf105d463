/* SPDX-License-Identifier: MIT
 * Physical tables of rows that no migration keeps: made from the contract, dropped with the row. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/ddl.h"

#include "provision.h"
#include "roles.h"

/* ---- Dropping ----------------------------------------------------------------------------------
 */

static mseq_status drop_table(mseq_connection *connection, const char *name, mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "DROP TABLE IF EXISTS ");
    mseq_ddl_quote(mseq_connection_dialect(connection), name, -1, &sql);
    mseq_status status =
        sql.status == MSEQ_OK
            ? mseq_connection_execute(connection, mseq_buffer_text(&sql), NULL, NULL, NULL, err)
            : mseq_error_no_memory(err);
    mseq_buffer_free(&sql);
    return status;
}

mseq_status manager_drop_tables(mseq_connection *connection, const mseq_strings *names,
                                mseq_error *err) {
    if (names->count == 0)
        return MSEQ_OK;
    mseq_status status = mseq_connection_begin(connection, true, err);
    for (size_t i = 0; i < names->count && status == MSEQ_OK; i++)
        status = drop_table(connection, names->items[i], err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the data source: ");
    return status;
}

/* ---- Making ------------------------------------------------------------------------------------
 */

typedef struct provision {
    const manager_call *call;
    const char *data_source_uid;
    mseq_connection *connection;
    mseq_strings visited; /* tables that are made or being made: cycles end here */
    mseq_strings *created;
} provision;

static mseq_status exists(mseq_connection *connection, const char *name, bool *there,
                          mseq_error *err) {
    mseq_table *table = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_reflect_table(connection, NULL, name, &table, &cause);
    *there = status == MSEQ_OK;
    mseq_table_free(table);
    if (status == MSEQ_OK || status == MSEQ_E_NOT_FOUND)
        return MSEQ_OK;
    if (err && err->status == MSEQ_OK)
        *err = cause;
    return status;
}

static mseq_status run_statements(provision *work, const mseq_table *table, mseq_error *err) {
    mseq_strings statements = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_ddl_create_table(mseq_connection_dialect(work->connection), table,
                                               NULL, &statements, err);
    for (size_t i = 0; i < statements.count && status == MSEQ_OK; i++)
        status =
            mseq_connection_execute(work->connection, statements.items[i], NULL, NULL, NULL, err);
    if (status == MSEQ_OK && mseq_strings_add(work->created, mseq_table_name(table)) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    mseq_strings_free(&statements);
    return status;
}

static mseq_status make(provision *work, const mseq_value *contract, mseq_error *err);

/* A referenced table that is not there is made when the manager keeps it. One that the caller may
 * not view is no table that they could refer to. */
static mseq_status make_referenced(provision *work, const char *from, const char *name,
                                   mseq_error *err) {
    bool there = false;
    manager_row row = MANAGER_ROW_INIT;
    if (mseq_strings_contains(&work->visited, name))
        return MSEQ_OK;
    mseq_status status = manager_row_by_name(work->call, work->data_source_uid, name, &row, err);
    bool hidden = row.document && !row.may_view;
    if (status == MSEQ_OK && !hidden)
        status = exists(work->connection, name, &there, err);
    if (status != MSEQ_OK || there) {
        manager_row_free(&row);
        return status;
    }
    const char *mode = row.document ? manager_row_text(&row, "schema_management_mode") : "";
    if (!row.document || hidden) {
        status = manager_refuse(
            err, MSEQ_E_CONFLICT, "referenced_table_missing",
            "the table '%s' refers to '%s', which is neither there nor registered", from, name);
        mseq_error_hint(err, "register '%s' first", name);
    } else if (strcmp(mode, "backend_managed") != 0) {
        status = manager_refuse(
            err, MSEQ_E_CONFLICT, "referenced_table_missing",
            "the table '%s' refers to '%s', which is not there and is %s", from, name,
            strcmp(mode, "alembic_managed") == 0 ? "kept by migrations" : "the application's own");
    } else {
        status = make(work, mseq_object_get(row.document, "table_contract"), err);
    }
    manager_row_free(&row);
    return status;
}

static mseq_status make(provision *work, const mseq_value *contract, mseq_error *err) {
    mseq_table *table = NULL;
    mseq_status status = mseq_contract_to_table(contract, &table, err);
    if (status == MSEQ_OK && mseq_strings_add(&work->visited, mseq_table_name(table)) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *key = mseq_table_constraint_at(table, i);
        if (key->kind == MSEQ_FOREIGN_KEY)
            status = make_referenced(work, mseq_table_name(table), key->referred_table, err);
    }
    if (status == MSEQ_OK)
        status = run_statements(work, table, err);
    mseq_table_free(table);
    return status;
}

mseq_status manager_provision(const manager_call *call, manager_source *source,
                              mseq_connection *connection, const manager_row *row,
                              bool if_not_exists, mseq_strings *created, mseq_error *err) {
    const char *name = manager_row_text(row, "physical_table_name");
    provision work = {.call = call,
                      .data_source_uid = source->uid,
                      .connection = connection,
                      .visited = MSEQ_STRINGS_INIT,
                      .created = created};
    bool there = false;
    mseq_status status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = exists(connection, name, &there, err);
    if (status == MSEQ_OK && !there)
        status = manager_owner_assume(connection, source->parser_only, err);
    if (status == MSEQ_OK && there && !if_not_exists)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "table_exists",
                                "the table '%s' exists already in its data source", name);
    else if (status == MSEQ_OK && !there)
        status = make(&work, mseq_object_get(row->document, "table_contract"), err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    mseq_strings_free(&work.visited);
    return status;
}
