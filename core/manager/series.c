/* SPDX-License-Identifier: MIT
 * Statements on a time-indexed table, built from its profile and run under the rules of
 * execute-operation. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/ddl.h"

#include "series.h"

enum { TIMEOUT_MS = 100000 }; /* clients wait for 120 s */

/* ---- The table ---------------------------------------------------------------------------------
 */

void manager_series_close(manager_series *series) {
    manager_row_free(&series->row);
    *series = (manager_series)MANAGER_SERIES_INIT;
}

mseq_status manager_series_open(const manager_call *call, manager_row *row, manager_series *series,
                                mseq_error *err) {
    manager_series opened = {.row = *row};
    *row = (manager_row)MANAGER_ROW_INIT;
    const mseq_value *profile = mseq_object_get(opened.row.document, "time_indexed_profile");
    opened.columns = mseq_object_get(opened.row.document, "columns");
    opened.names = mseq_object_get(profile, "index_names");
    opened.time = mseq_object_get_text(profile, "time_index_name");
    const mseq_value *column = manager_find_by_name(opened.columns, opened.time);
    opened.time_type = mseq_object_get_text(column, "data_type");
    mseq_status status = MSEQ_OK;
    if (!opened.time || !opened.time_type || mseq_value_length(opened.names) == 0)
        status = manager_refuse(err, MSEQ_E_REQUEST, "not_time_indexed",
                                "the table '%s' has no time index",
                                manager_row_text(&opened.row, "physical_table_name"));
    if (status == MSEQ_OK)
        status = manager_source_find(call, manager_row_text(&opened.row, "data_source_uid"),
                                     &opened.source, err);
    if (status == MSEQ_OK)
        *series = opened;
    else
        manager_series_close(&opened);
    return status;
}

bool manager_series_has(const manager_series *series, const char *column) {
    return manager_find_by_name(series->columns, column) != NULL;
}

mseq_value *manager_series_dimensions(const manager_series *series) {
    manager_draft dimensions;
    manager_draft_array(&dimensions);
    for (size_t i = 0; i < mseq_value_length(series->names); i++) {
        const mseq_value *name = mseq_array_get(series->names, i);
        if (strcmp(mseq_value_get_text(name), series->time) != 0)
            manager_append(&dimensions, mseq_value_dup(name));
    }
    return manager_draft_take(&dimensions);
}

mseq_value *manager_series_columns(const manager_series *series) {
    manager_draft names;
    manager_draft_array(&names);
    for (size_t i = 0; i < mseq_value_length(series->columns); i++)
        manager_append(&names,
                       mseq_value_dup(mseq_object_get(mseq_array_get(series->columns, i), "name")));
    return manager_draft_take(&names);
}

/* ---- The statement -----------------------------------------------------------------------------
 */

void manager_series_begin(const manager_series *series, manager_series_query *query) {
    *query = (manager_series_query){.series = series};
    manager_draft_object(&query->parameters);
    manager_draft_object(&query->types);
}

void manager_series_end(manager_series_query *query) {
    mseq_buffer_free(&query->sql);
    manager_draft_free(&query->parameters);
    manager_draft_free(&query->types);
}

void manager_series_text(manager_series_query *query, const char *text) {
    mseq_buffer_append_text(&query->sql, text);
}

/* In pyformat text a percent sign is written twice. */
void manager_series_name(manager_series_query *query, const char *name) {
    mseq_buffer quoted = MSEQ_BUFFER_INIT;
    if (mseq_ddl_quote(query->series->source->dialect, name, 1, &quoted) != MSEQ_OK)
        query->sql.status = MSEQ_E_NO_MEMORY;
    for (const char *at = mseq_buffer_text(&quoted); *at; at++)
        mseq_buffer_append(&query->sql, *at == '%' ? "%%" : at, *at == '%' ? 2 : 1);
    mseq_buffer_free(&quoted);
}

void manager_series_table(manager_series_query *query) {
    manager_series_name(query, manager_row_text(&query->series->row, "physical_table_name"));
}

void manager_series_names(manager_series_query *query, const mseq_value *names,
                          const char *before) {
    for (size_t i = 0; i < mseq_value_length(names); i++) {
        manager_series_text(query, i ? ", " : before);
        manager_series_name(query, mseq_value_get_text(mseq_array_get(names, i)));
    }
}

void manager_series_value(manager_series_query *query, const mseq_value *value,
                          const char *data_type) {
    char *name = mseq_text_format("p%zu", mseq_value_length(query->parameters.value) + 1);
    if (name) {
        mseq_buffer_append_format(&query->sql, "%%(%s)s", name);
        manager_put_copy(&query->parameters, name, value);
        if (data_type)
            manager_put_text(&query->types, name, data_type);
    } else {
        query->sql.status = MSEQ_E_NO_MEMORY;
    }
    free(name);
}

void manager_series_time(manager_series_query *query, int64_t microseconds) {
    char text[32];
    bool date = strcmp(query->series->time_type, "date") == 0;
    mseq_time_format(microseconds, false, text);
    if (date)
        text[10] = '\0';
    mseq_value *value = mseq_value_string(text);
    if (value)
        manager_series_value(query, value, query->series->time_type);
    else
        query->sql.status = MSEQ_E_NO_MEMORY;
    mseq_value_free(value);
}

/* ---- Running -----------------------------------------------------------------------------------
 */

static mseq_value *scope_of(const manager_series *series, const char *access) {
    manager_draft scope, tables, table;
    manager_draft_object(&scope);
    manager_draft_array(&tables);
    manager_draft_object(&table);
    manager_put_text(&table, "meta_table_uid", manager_row_text(&series->row, "uid"));
    manager_put_text(&table, "access", access);
    manager_append_draft(&tables, &table);
    manager_put_text(&scope, "data_source_uid", series->source->uid);
    manager_put_draft(&scope, "tables", &tables);
    return manager_draft_take(&scope);
}

/* Takes the parameters out of the query. */
static mseq_value *operation_of(manager_series_query *query, const char *operation,
                                int64_t max_rows, int64_t offset) {
    manager_draft document, statement, limits;
    manager_draft_object(&statement);
    manager_put(&statement, "sql",
                query->sql.status == MSEQ_OK ? mseq_value_string(mseq_buffer_text(&query->sql))
                                             : NULL);
    manager_put_draft(&statement, "parameters", &query->parameters);
    manager_put_draft(&statement, "parameter_types", &query->types);
    manager_draft_object(&limits);
    manager_put_integer(&limits, "max_rows", max_rows);
    manager_put_integer(&limits, "offset", offset);
    manager_put_integer(&limits, "statement_timeout_ms", TIMEOUT_MS);
    manager_draft_object(&document);
    manager_put_text(&document, "operation", operation);
    manager_put_text(&document, "dialect", mseq_dialect_name(query->series->source->dialect));
    manager_put_draft(&document, "statement", &statement);
    manager_put(&document, "scope",
                scope_of(query->series, strcmp(operation, "select") == 0 ? "read" : "write"));
    manager_put_draft(&document, "limits", &limits);
    return manager_draft_take(&document);
}

mseq_status manager_series_run(manager_call *call, manager_series_query *query,
                               const char *operation, int64_t max_rows, int64_t offset,
                               mseq_governed_result *result, mseq_error *err) {
    mseq_value *document = operation_of(query, operation, max_rows, offset), *checked = NULL;
    manager_scope scope = MANAGER_SCOPE_INIT;
    mseq_governed_statement run = MSEQ_GOVERNED_STATEMENT_INIT;
    mseq_status status = document ? mseq_wire_validate_operation(document, &checked, err)
                                  : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_scope_resolve(call, checked, &scope, err);
    if (status == MSEQ_OK)
        status = manager_run_operation(call, checked, &scope, &run, result, err);
    manager_scope_free(&scope);
    mseq_value_free(checked);
    mseq_value_free(document);
    return status;
}
