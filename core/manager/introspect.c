/* SPDX-License-Identifier: MIT
 * What a database says about a table → what its row says. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/ddl.h"

#include "routes.h"
#include "rows.h"

mseq_status manager_reflect(mseq_connection *connection, const manager_row *row, mseq_table **table,
                            mseq_error *err) {
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_table *found = NULL;
    mseq_status status = mseq_connection_reflect_table(
        connection, NULL, manager_row_text(row, "physical_table_name"), &found, &cause);
    if (status != MSEQ_OK && status != MSEQ_E_NOT_FOUND) {
        if (err && err->status == MSEQ_OK)
            *err = cause;
        mseq_error_prefix(err, "the data source: ");
        return status;
    }
    *table = status == MSEQ_OK ? found : NULL;
    return MSEQ_OK;
}

/* ---- Differences -------------------------------------------------------------------------------
 */

/* A contract without `indexes` or `foreign_keys` says nothing about them, so that those of the
 * table are no difference. */
static bool concerns(const char *code, const mseq_value *contract) {
    if (strncmp(code, "index_", 6) == 0)
        return mseq_object_get(contract, "indexes") || strcmp(code, "index_missing") == 0;
    if (strncmp(code, "foreign_key_", 12) == 0)
        return mseq_object_get(contract, "foreign_keys") != NULL;
    if (strncmp(code, "unique_", 7) == 0 || strncmp(code, "check_", 6) == 0)
        return mseq_value_length(mseq_object_get(contract, "constraints")) > 0;
    return true;
}

/* A contract that no table can be made of (types or constraints of another world) cannot be
 * compared; it is said, and the table counts. */
static mseq_status compare(const mseq_value *contract, const mseq_table *table,
                           mseq_dialect dialect, mseq_value **differences, mseq_error *err) {
    mseq_table *declared = NULL;
    mseq_value *all = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_contract_to_table(contract, &declared, &cause);
    if (status == MSEQ_OK)
        status = mseq_contract_compare_table(declared, table, dialect, &all, &cause);
    mseq_table_free(declared);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    manager_draft list;
    manager_draft_array(&list);
    if (status != MSEQ_OK) {
        manager_draft difference;
        manager_draft_object(&difference);
        manager_put_text(&difference, "code", "contract_not_comparable");
        manager_put_text(&difference, "message", cause.message);
        manager_append_draft(&list, &difference);
    }
    for (size_t i = 0; i < mseq_value_length(all); i++) {
        const mseq_value *difference = mseq_array_get(all, i);
        if (concerns(mseq_object_get_text(difference, "code"), contract))
            manager_append(&list, mseq_value_dup(difference));
    }
    mseq_value_free(all);
    mseq_value *made = manager_draft_take(&list);
    if (!made)
        return mseq_error_no_memory(err);
    *differences = made;
    return MSEQ_OK;
}

static bool type_differs(const mseq_value *differences, const char *column) {
    for (size_t i = 0; i < mseq_value_length(differences); i++) {
        const mseq_value *difference = mseq_array_get(differences, i);
        const char *code = mseq_object_get_text(difference, "code");
        const char *name = mseq_object_get_text(difference, "name");
        if (strcmp(code, "contract_not_comparable") == 0 ||
            (strcmp(code, "type_differs") == 0 && name && strcmp(name, column) == 0))
            return true;
    }
    return false;
}

/* ---- Columns -----------------------------------------------------------------------------------
 */

static bool is_unique(const mseq_table *table, const char *column, bool by_index) {
    for (size_t i = 0; i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(table, i);
        if (constraint->kind == MSEQ_UNIQUE && constraint->column_count == 1 &&
            strcmp(constraint->columns[0], column) == 0)
            return true;
    }
    for (size_t i = 0; by_index && i < mseq_table_index_count(table); i++) {
        const mseq_index *index = mseq_table_index_at(table, i);
        if (index->unique && index->element_count == 1 && index->elements[0].column &&
            strcmp(index->elements[0].column, column) == 0)
            return true;
    }
    return false;
}

/* A declared type that the database has under a name of its own stays the declared one: CHAR(32) is
 * how SQLite keeps a uuid. A time without a zone is what SQLite calls each of them. */
static mseq_status put_types(manager_draft *row, const mseq_column *column, mseq_dialect dialect,
                             const mseq_value *declared, mseq_error *err) {
    if (declared) {
        manager_put_copy(row, "data_type", mseq_object_get(declared, "data_type"));
        manager_put_copy(row, "backend_type", mseq_object_get(declared, "backend_type"));
        return MSEQ_OK;
    }
    char *data_type = NULL, *backend_type = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_type_neutral(mseq_type_for(column->type, dialect), &data_type, &backend_type, &cause);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    manager_put_text(row, "data_type", status == MSEQ_OK ? data_type : "timestamp with time zone");
    manager_put_text(row, "backend_type",
                     status == MSEQ_OK ? backend_type : "TIMESTAMP WITH TIME ZONE");
    free(data_type);
    free(backend_type);
    return MSEQ_OK;
}

static mseq_status put_default(manager_draft *row, const mseq_column *column, mseq_dialect dialect,
                               const mseq_value *declared, mseq_error *err) {
    const char *generated = mseq_object_get_text(declared, "server_default");
    if (generated && strcmp(generated, "gen_random_uuid()") == 0) {
        manager_put_text(row, "server_default", generated);
        return MSEQ_OK;
    }
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_ddl_server_default(dialect, &column->server_default, &text, err);
    if (status == MSEQ_OK)
        manager_put_text(row, "server_default", text.length ? mseq_buffer_text(&text) : NULL);
    mseq_buffer_free(&text);
    return status;
}

/* What people wrote about a column, in the contract or, if not there, in the row so far. */
static const mseq_value *written(const mseq_value *contract_column, const mseq_value *row_column,
                                 const char *key) {
    const mseq_value *value = mseq_object_get(contract_column, key);
    return value && !mseq_value_is_null(value) ? value : mseq_object_get(row_column, key);
}

/* Column `position` as a row of the reply. */
static mseq_status column_row(const manager_row *row, const mseq_table *table, size_t position,
                              mseq_dialect dialect, const mseq_value *differences, mseq_value **out,
                              mseq_error *err) {
    const mseq_column *column = mseq_table_column_at(table, position);
    const mseq_value *contract = mseq_object_get(row->document, "table_contract");
    const mseq_value *declared =
        manager_find_by_name(mseq_object_get(contract, "columns"), column->name);
    const mseq_value *before =
        manager_find_by_name(mseq_object_get(row->document, "columns"), column->name);
    bool flagged = mseq_object_get_boolean(declared, "unique", false);
    manager_draft made, fragment;
    manager_draft_object(&made);
    manager_draft_object(&fragment);
    manager_put_text(&made, "name", column->name);
    manager_put_copy(&made, "logical_name", written(declared, before, "logical_name"));
    mseq_status status = put_types(&made, column, dialect,
                                   type_differs(differences, column->name) ? NULL : declared, err);
    manager_put_boolean(&made, "nullable", column->nullable);
    manager_put_boolean(&made, "primary_key", column->primary_key);
    manager_put_boolean(&made, "unique", is_unique(table, column->name, flagged));
    if (status == MSEQ_OK)
        status = put_default(&made, column, dialect, declared, err);
    manager_put_integer(&made, "ordinal_position", (int64_t)position);
    manager_put_copy(&made, "description", written(declared, before, "description"));
    manager_put_copy(&made, "label", written(declared, before, "label"));
    manager_put_draft(&made, "contract_fragment", &fragment);
    *out = manager_draft_take(&made);
    if (status == MSEQ_OK && !*out)
        status = mseq_error_no_memory(err);
    return status;
}

/* A column row as the contract writes it: without position, nulls left out. */
static mseq_value *contract_column(const mseq_value *row) {
    static const char *const keys[] = {
        "name",   "data_type",      "backend_type", "nullable", "primary_key",
        "unique", "server_default", "description",  "label",    "logical_name"};
    manager_draft column;
    manager_draft_object(&column);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const mseq_value *value = mseq_object_get(row, keys[i]);
        if (value && !mseq_value_is_null(value))
            manager_put_copy(&column, keys[i], value);
    }
    return manager_draft_take(&column);
}

static mseq_status rewrite_columns(manager_row *row, const mseq_table *table, mseq_dialect dialect,
                                   const mseq_value *differences, mseq_error *err) {
    manager_draft columns, declared;
    manager_draft_array(&columns);
    manager_draft_array(&declared);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < mseq_table_column_count(table) && status == MSEQ_OK; i++) {
        mseq_value *column = NULL;
        status = column_row(row, table, i, dialect, differences, &column, err);
        if (status == MSEQ_OK) {
            manager_append(&declared, contract_column(column));
            manager_append(&columns, column);
        } else {
            mseq_value_free(column);
        }
    }
    mseq_value *rows = manager_draft_take(&columns), *list = manager_draft_take(&declared);
    mseq_value *contract = mseq_object_peek(row->document, "table_contract");
    if (status != MSEQ_OK || !rows || !list) {
        mseq_value_free(rows);
        mseq_value_free(list);
        return status != MSEQ_OK ? status : mseq_error_no_memory(err);
    }
    mseq_status first = mseq_object_put(row->document, "columns", rows);
    mseq_status second = mseq_object_put(contract, "columns", list);
    return first == MSEQ_OK && second == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

/* ---- Indexes, constraints, keys ----------------------------------------------------------------
 */

static mseq_value *names_list(const char *const *names, size_t count) {
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < count; i++)
        manager_append(&list, mseq_value_string(names[i]));
    return manager_draft_take(&list);
}

static mseq_value *index_row(const mseq_index *index, mseq_dialect dialect) {
    const mseq_value *options = dialect == MSEQ_SQLITE ? index->sqlite : index->postgresql;
    const char *expression = NULL;
    manager_draft row, columns, fragment;
    manager_draft_object(&row);
    manager_draft_array(&columns);
    manager_draft_object(&fragment);
    for (size_t i = 0; i < index->element_count; i++) {
        const mseq_index_element *element = &index->elements[i];
        const char *text = element->text ? element->text : element->function;
        if (element->column)
            manager_append(&columns, mseq_value_string(element->column));
        else if (!expression)
            expression = text;
    }
    if (mseq_object_get(options, "where"))
        manager_put_copy(&fragment, "where", mseq_object_get(options, "where"));
    manager_put_text(&row, "name", index->name);
    manager_put_draft(&row, "columns", &columns);
    manager_put_boolean(&row, "unique", index->unique);
    manager_put_copy(&row, "method", mseq_object_get(index->postgresql, "using"));
    manager_put_text(&row, "expression", expression);
    manager_put_draft(&row, "contract_fragment", &fragment);
    return manager_draft_take(&row);
}

static mseq_value *index_rows(const mseq_table *table, mseq_dialect dialect) {
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_table_index_count(table); i++)
        manager_append(&list, index_row(mseq_table_index_at(table, i), dialect));
    return manager_draft_take(&list);
}

static mseq_value *constraint_row(const mseq_constraint *constraint) {
    static const char *const kinds[] = {"primary_key", "unique", "check", "foreign_key", "exclude"};
    manager_draft row;
    manager_draft_object(&row);
    manager_put_text(&row, "kind", kinds[constraint->kind]);
    manager_put_text(&row, "name", constraint->name);
    manager_put(&row, "columns", names_list(constraint->columns, constraint->column_count));
    if (constraint->sqltext)
        manager_put_text(&row, "expression", constraint->sqltext);
    if (constraint->kind == MSEQ_FOREIGN_KEY) {
        manager_put_text(&row, "target_table", constraint->referred_table);
        manager_put(&row, "target_columns",
                    names_list(constraint->referred_columns, constraint->referred_count));
        manager_put_text(&row, "on_delete", constraint->ondelete);
        manager_put_text(&row, "on_update", constraint->onupdate);
    }
    return manager_draft_take(&row);
}

static mseq_value *constraint_rows(const mseq_table *table) {
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_table_constraint_count(table); i++)
        manager_append(&list, constraint_row(mseq_table_constraint_at(table, i)));
    return manager_draft_take(&list);
}

static mseq_value *foreign_keys_of(const mseq_table *table) {
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *key = mseq_table_constraint_at(table, i);
        if (key->kind != MSEQ_FOREIGN_KEY)
            continue;
        manager_draft row;
        manager_draft_object(&row);
        manager_put_text(&row, "name", key->name);
        manager_put(&row, "source_columns", names_list(key->columns, key->column_count));
        manager_put_text(&row, "target_table", key->referred_table);
        manager_put(&row, "target_columns", names_list(key->referred_columns, key->referred_count));
        manager_put_text(&row, "on_delete", key->ondelete);
        manager_put_text(&row, "on_update", key->onupdate);
        manager_append_draft(&list, &row);
    }
    return manager_draft_take(&list);
}

/* ---- The snapshot: the table as it is, whatever was declared
 * ------------------------------------- */

static mseq_status snapshot_column(const mseq_column *column, mseq_dialect dialect,
                                   manager_draft *list, mseq_error *err) {
    manager_draft row;
    mseq_buffer type = MSEQ_BUFFER_INIT;
    manager_draft_object(&row);
    mseq_status status = mseq_ddl_type(dialect, mseq_type_for(column->type, dialect), &type, NULL);
    if (status == MSEQ_E_NO_MEMORY)
        mseq_error_no_memory(err);
    else /* a column without a type has no text for it */
        status = MSEQ_OK;
    manager_put_text(&row, "name", column->name);
    manager_put_text(&row, "type", type.length ? mseq_buffer_text(&type) : NULL);
    manager_put_boolean(&row, "nullable", column->nullable);
    manager_put_boolean(&row, "primary_key", column->primary_key);
    mseq_buffer_free(&type);
    if (status == MSEQ_OK)
        status = put_default(&row, column, dialect, NULL, err);
    manager_append_draft(list, &row);
    return status;
}

static mseq_status snapshot_of(const mseq_table *table, mseq_dialect dialect,
                               mseq_value *differences, mseq_value **snapshot, mseq_error *err) {
    manager_draft made, columns;
    mseq_status status = MSEQ_OK;
    manager_draft_object(&made);
    manager_draft_array(&columns);
    for (size_t i = 0; i < mseq_table_column_count(table) && status == MSEQ_OK; i++)
        status = snapshot_column(mseq_table_column_at(table, i), dialect, &columns, err);
    manager_put_text(&made, "schema", mseq_table_schema(table));
    manager_put_text(&made, "table_name", mseq_table_name(table));
    manager_put_draft(&made, "columns", &columns);
    manager_put(&made, "indexes", index_rows(table, dialect));
    manager_put(&made, "constraints", constraint_rows(table));
    manager_put(&made, "differences", differences);
    *snapshot = manager_draft_take(&made);
    if (status == MSEQ_OK && !*snapshot)
        status = mseq_error_no_memory(err);
    return status;
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static mseq_status put_snapshot(manager_row *row, const mseq_table *table, mseq_dialect dialect,
                                mseq_value *differences, mseq_error *err) {
    mseq_value *snapshot = NULL;
    mseq_status status = snapshot_of(table, dialect, differences, &snapshot, err);
    if (status != MSEQ_OK) {
        mseq_value_free(snapshot);
        return status;
    }
    mseq_status first = mseq_object_put(row->document, "introspection_snapshot", snapshot);
    mseq_status second = mseq_object_put(row->document, "indexes_meta", index_rows(table, dialect));
    return first == MSEQ_OK && second == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status manager_row_introspected(const manager_call *call, manager_row *row,
                                     const mseq_table *table, mseq_dialect dialect,
                                     mseq_error *err) {
    mseq_value *differences = NULL;
    mseq_status status = compare(mseq_object_get(row->document, "table_contract"), table, dialect,
                                 &differences, err);
    if (status == MSEQ_OK)
        status = rewrite_columns(row, table, dialect, differences, err);
    if (status == MSEQ_OK)
        status = put_snapshot(row, table, dialect, differences, err);
    else
        mseq_value_free(differences);
    if (status == MSEQ_OK && row->time_indexed)
        status = manager_row_refresh_profile(row->document, err);
    if (status != MSEQ_OK)
        return status;
    mseq_value *keys = foreign_keys_of(table);
    status = keys ? manager_foreign_keys_store(call, row, keys, err) : mseq_error_no_memory(err);
    mseq_value_free(keys);
    row->was_seen = true;
    return status;
}

mseq_status manager_row_gone(const manager_call *call, manager_row *row, mseq_error *err) {
    manager_draft document = {row->document, false}, none;
    manager_draft_array(&none);
    manager_put(&document, "columns",
                manager_columns_of_contract(mseq_object_get(row->document, "table_contract")));
    manager_put(&document, "indexes_meta", mseq_value_array());
    manager_put(&document, "introspection_snapshot", mseq_value_object());
    mseq_value *keys = manager_draft_take(&none);
    mseq_status status = document.failed || !keys ? mseq_error_no_memory(err) : MSEQ_OK;
    if (status == MSEQ_OK && row->time_indexed)
        status = manager_row_refresh_profile(row->document, err);
    if (status == MSEQ_OK)
        status = manager_foreign_keys_store(call, row, keys, err);
    mseq_value_free(keys);
    return status;
}

/* ---- The route ---------------------------------------------------------------------------------
 */

/* The table is read before the catalog is locked. */
static mseq_status reflect_of_call(const manager_call *call, manager_source **source,
                                   mseq_table **table, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_connection *connection = NULL;
    mseq_status status = manager_row_to_edit(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_source_find(call, manager_row_text(&row, "data_source_uid"), source, err);
    if (status == MSEQ_OK)
        status = manager_source_connect(*source, &connection, err);
    if (status == MSEQ_OK)
        status = manager_reflect(connection, &row, table, err);
    if (status == MSEQ_OK && !*table)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "physical_table_missing",
                                "the table '%s' does not exist in its data source",
                                manager_row_text(&row, "physical_table_name"));
    mseq_connection_release(connection);
    manager_row_free(&row);
    return status;
}

mseq_status manager_introspect_table(manager_call *call, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    manager_source *source = NULL;
    mseq_table *table = NULL;
    mseq_status status = reflect_of_call(call, &source, &table, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_row_to_edit(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_row_introspected(call, &row, table, source->dialect, err);
    if (status == MSEQ_OK)
        status = manager_row_update(call, &row, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status == MSEQ_OK) {
        manager_draft reply;
        manager_draft_object(&reply);
        manager_put_boolean(&reply, "ok", true);
        manager_put_text(&reply, "meta_table_uid", manager_row_text(&row, "uid"));
        manager_put_copy(&reply, "introspection_snapshot",
                         mseq_object_get(row.document, "introspection_snapshot"));
        status = manager_answer(call, 200, manager_draft_take(&reply), err);
    }
    mseq_table_free(table);
    manager_row_free(&row);
    return status;
}
