/* SPDX-License-Identifier: MIT
 * Routes that read and cut the data of time-indexed tables. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "routes.h"
#include "series.h"

static mseq_status open_by_uid(const manager_call *call, bool edit, manager_series *series,
                               mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = edit ? manager_row_to_edit(call, call->uid, &row, err)
                              : manager_row_by_uid(call, call->uid, &row, err);
    return status == MSEQ_OK ? manager_series_open(call, &row, series, err) : status;
}

/* ---- A range -----------------------------------------------------------------------------------
 */

/* The index's columns are always there: without them nobody knows what a row is about. */
static mseq_status select_columns(manager_series_query *query, const mseq_value *wanted,
                                  mseq_error *err) {
    const manager_series *series = query->series;
    mseq_value *all = manager_series_columns(series), *chosen = NULL;
    manager_draft list;
    if (!all)
        return mseq_error_no_memory(err);
    manager_draft_array(&list);
    for (size_t i = 0; i < mseq_value_length(all); i++) {
        const mseq_value *name = mseq_array_get(all, i);
        bool asked = mseq_value_is_null(wanted);
        for (size_t k = 0; k < mseq_value_length(wanted) && !asked; k++)
            asked = mseq_value_equal(name, mseq_array_get(wanted, k));
        for (size_t k = 0; k < mseq_value_length(series->names) && !asked; k++)
            asked = mseq_value_equal(name, mseq_array_get(series->names, k));
        if (asked)
            manager_append(&list, mseq_value_dup(name));
    }
    chosen = manager_draft_take(&list);
    mseq_status status = chosen ? MSEQ_OK : mseq_error_no_memory(err);
    manager_series_names(query, chosen, "SELECT ");
    mseq_value_free(all);
    mseq_value_free(chosen);
    return status;
}

static mseq_status check_columns(const manager_series *series, const mseq_value *wanted,
                                 mseq_error *err) {
    if (!mseq_value_is_null(wanted) && mseq_value_kind(wanted) != MSEQ_ARRAY)
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                              "columns must be an array of names");
    for (size_t i = 0; i < mseq_value_length(wanted); i++) {
        const char *name = mseq_value_get_text(mseq_array_get(wanted, i));
        if (!name || !manager_series_has(series, name))
            return manager_refuse(err, MSEQ_E_REQUEST, "unknown_column",
                                  "columns[%zu]: the table '%s' has no column '%.100s'", i,
                                  manager_row_text(&series->row, "physical_table_name"),
                                  name ? name : "");
    }
    return MSEQ_OK;
}

static mseq_status read_offset(const mseq_value *request, int64_t *offset, mseq_error *err) {
    const mseq_value *value = mseq_object_get(request, "offset");
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    *offset = mseq_value_get_integer(value, -1);
    return *offset >= 0 ? MSEQ_OK
                        : manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                         "offset must be an integer of at least 0");
}

/* `storage` (may be NULL, taken over) is shown beside the rows. */
static mseq_status read_range(manager_call *call, const manager_series *series,
                              const mseq_value *request, mseq_value *storage, mseq_error *err) {
    const mseq_value *columns = mseq_object_get(request, "columns");
    manager_series_query query;
    mseq_governed_result result = {.rows = NULL};
    int64_t offset = 0;
    manager_series_begin(series, &query);
    mseq_status status = read_offset(request, &offset, err);
    if (status == MSEQ_OK)
        status = check_columns(series, columns, err);
    if (status == MSEQ_OK)
        status = select_columns(&query, columns, err);
    manager_series_text(&query, " FROM ");
    manager_series_table(&query);
    if (status == MSEQ_OK)
        status = manager_series_where(&query, request, true, err);
    manager_series_text(&query, " ORDER BY ");
    manager_series_name(&query, series->time);
    manager_series_names(&query, series->names, ", ");
    if (status == MSEQ_OK)
        status =
            manager_series_run(call, &query, "select", MANAGER_ROWS_MAXIMUM, offset, &result, err);
    if (status == MSEQ_OK) {
        int64_t count = (int64_t)mseq_value_length(result.rows);
        manager_draft reply;
        manager_draft_object(&reply);
        manager_put(&reply, "results", result.rows);
        result.rows = NULL;
        manager_put(&reply, "next_offset",
                    result.has_more ? mseq_value_integer(offset + count) : mseq_value_null());
        if (storage)
            manager_put(&reply, "storage_node", storage);
        storage = NULL;
        status = manager_answer(call, 200, manager_draft_take(&reply), err);
    }
    manager_result_free(&result);
    manager_series_end(&query);
    mseq_value_free(storage);
    return status;
}

/* The body of both routes; `identifier` is of one of them. */
static mseq_status range_request(const manager_call *call, bool identifier,
                                 const mseq_value **request, mseq_error *err) {
    static const char *const names[] = {"start_date",
                                        "end_date",
                                        "great_or_equal",
                                        "less_or_equal",
                                        "columns",
                                        "offset",
                                        "dimension_filters",
                                        "index_coordinates",
                                        "dimension_range_map",
                                        "node_identifier",
                                        NULL};
    mseq_status status = manager_object_body(call, false, request, err);
    if (status == MSEQ_OK)
        status = manager_check_keys(*request, "the request", names, err);
    if (status == MSEQ_OK && identifier && !mseq_object_get_text(*request, "node_identifier"))
        status = manager_refuse(err, MSEQ_E_REQUEST, "missing_field",
                                "node_identifier: the identifier of a table is required");
    return status;
}

mseq_status manager_read_range(manager_call *call, mseq_error *err) {
    manager_series series = MANAGER_SERIES_INIT;
    const mseq_value *request = NULL;
    mseq_status status = range_request(call, false, &request, err);
    if (status == MSEQ_OK)
        status = open_by_uid(call, false, &series, err);
    if (status == MSEQ_OK)
        status = read_range(call, &series, request, NULL, err);
    manager_series_close(&series);
    return status;
}

/* An identifier is unique within a data source only. */
static mseq_status find_identifier(const manager_call *call, const char *identifier,
                                   manager_row *row, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = manager_query(
        call->catalog, &records, err,
        "SELECT uid FROM meta_table WHERE organization_uid = ?3 AND identifier = ?4"
        " AND time_indexed = 1 AND " MANAGER_MAY_VIEW("?1", "?2") " ORDER BY created_at LIMIT 2",
        "bsss", (int)call->caller->admin, call->caller->user_uid, call->caller->organization_uid,
        identifier);
    size_t count = mseq_value_length(records);
    if (status == MSEQ_OK && count == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "not_found",
                                "there is no time-indexed MetaTable with the identifier '%.200s'",
                                identifier);
    if (status == MSEQ_OK && count > 1) {
        manager_refuse(err, MSEQ_E_CONFLICT, "identifier_ambiguous",
                       "tables of several data sources have the identifier '%.200s'", identifier);
        mseq_error_hint(err, "read by uid");
        status = MSEQ_E_CONFLICT;
    }
    if (status == MSEQ_OK)
        status = manager_row_by_uid(call, mseq_object_get_text(mseq_array_get(records, 0), "uid"),
                                    row, err);
    mseq_value_free(records);
    return status;
}

mseq_status manager_read_range_by_identifier(manager_call *call, mseq_error *err) {
    manager_series series = MANAGER_SERIES_INIT;
    manager_row row = MANAGER_ROW_INIT, shown = MANAGER_ROW_INIT;
    const mseq_value *request = NULL;
    mseq_value *storage = NULL;
    mseq_status status = range_request(call, true, &request, err);
    const char *identifier = mseq_object_get_text(request, "node_identifier");
    if (status == MSEQ_OK)
        status = find_identifier(call, identifier, &row, err);
    if (status == MSEQ_OK) {
        shown = row;
        shown.document = mseq_value_dup(row.document);
        status = shown.document ? manager_row_reply(call, &shown, &storage, err)
                                : mseq_error_no_memory(err);
    }
    if (status == MSEQ_OK)
        status = manager_series_open(call, &row, &series, err);
    if (status == MSEQ_OK)
        status = read_range(call, &series, request, storage, err);
    else
        mseq_value_free(storage);
    manager_series_close(&series);
    manager_row_free(&shown);
    manager_row_free(&row);
    return status;
}

/* ---- The last rows -----------------------------------------------------------------------------
 */

/* SELECT columns FROM (SELECT columns, ROW_NUMBER() … AS position FROM table WHERE …) AS ranked
 * WHERE position = 1: the latest row of each coordinate, of a table without dimensions its last. */
static mseq_status build_last(manager_series_query *query, const mseq_value *request,
                              mseq_error *err) {
    static const char position[] = "series_position";
    const manager_series *series = query->series;
    mseq_value *columns = manager_series_columns(series);
    mseq_value *dimensions = manager_series_dimensions(series);
    mseq_status status = columns && dimensions ? MSEQ_OK : mseq_error_no_memory(err);
    manager_series_names(query, columns, "SELECT ");
    manager_series_text(query, " FROM (");
    manager_series_names(query, columns, "SELECT ");
    manager_series_text(query, ", ROW_NUMBER() OVER (");
    manager_series_names(query, dimensions, "PARTITION BY ");
    manager_series_text(query, " ORDER BY ");
    manager_series_name(query, series->time);
    manager_series_text(query, " DESC) AS ");
    manager_series_text(query, position);
    manager_series_text(query, " FROM ");
    manager_series_table(query);
    if (status == MSEQ_OK)
        status = manager_series_where(query, request, false, err);
    manager_series_text(query, ") AS ranked WHERE ");
    manager_series_text(query, position);
    manager_series_text(query, " = 1");
    manager_series_names(query, dimensions, " ORDER BY ");
    mseq_value_free(columns);
    mseq_value_free(dimensions);
    return status;
}

mseq_status manager_last_observation(manager_call *call, mseq_error *err) {
    static const char *const names[] = {"dimension_filters", "index_coordinates",
                                        "dimension_range_map", NULL};
    manager_series series = MANAGER_SERIES_INIT;
    manager_series_query query = {.series = NULL};
    mseq_governed_result result = {.rows = NULL};
    const mseq_value *request = NULL;
    mseq_status status = manager_object_body(call, true, &request, err);
    if (status == MSEQ_OK)
        status = manager_check_keys(request, "the request", names, err);
    if (status == MSEQ_OK)
        status = open_by_uid(call, false, &series, err);
    if (status == MSEQ_OK) {
        manager_series_begin(&series, &query);
        status = build_last(&query, request, err);
    }
    if (status == MSEQ_OK)
        status = manager_series_run(call, &query, "select", MANAGER_ROWS_MAXIMUM, 0, &result, err);
    if (status == MSEQ_OK && result.has_more)
        status = manager_refuse(err, MSEQ_E_LIMIT, "too_many_coordinates",
                                "the table has last rows of more than %d coordinates: ask for some",
                                MANAGER_ROWS_MAXIMUM);
    if (status == MSEQ_OK) {
        status = manager_answer(call, 200, result.rows, err);
        result.rows = NULL;
    }
    manager_result_free(&result);
    manager_series_end(&query);
    manager_series_close(&series);
    return status;
}

/* ---- Statistics --------------------------------------------------------------------------------
 */

mseq_status manager_series_get_stats(manager_call *call, mseq_error *err) {
    static const char *const none[] = {NULL};
    manager_series series = MANAGER_SERIES_INIT;
    mseq_value *stats = NULL;
    mseq_status status = manager_check_keys(call->query, "the query", none, err);
    if (status == MSEQ_OK)
        status = open_by_uid(call, false, &series, err);
    if (status == MSEQ_OK)
        status = manager_series_stats(call, &series, &stats, err);
    manager_series_close(&series);
    return status == MSEQ_OK ? manager_answer(call, 200, stats, err) : status;
}

/* ---- Deleting the tail -------------------------------------------------------------------------
 */

static mseq_status answer_deleted(manager_call *call, const manager_series *series, int64_t count,
                                  mseq_error *err) {
    mseq_value *stats = NULL;
    int64_t id = 0;
    mseq_status status = manager_row_id(call, &series->row, &id, err);
    if (status == MSEQ_OK)
        status = manager_series_stats(call, series, &stats, err);
    if (status != MSEQ_OK)
        return status;
    const mseq_value *whole = mseq_object_get(stats, "global_index_progress");
    manager_draft reply, shown, nested;
    manager_draft_object(&nested);
    manager_put_copy(&nested, "_GLOBAL_", whole);
    manager_put_copy(&nested, "index_progress", mseq_object_get(stats, "index_progress"));
    manager_put_copy(&nested, "index_min", mseq_object_get(stats, "index_min"));
    manager_draft_object(&shown);
    manager_put_copy(&shown, "last_time_index_value", mseq_object_get(whole, "max"));
    manager_put_copy(&shown, "earliest_index_value", mseq_object_get(whole, "min"));
    manager_put_draft(&shown, "multi_index_stats", &nested);
    manager_put(&shown, "multi_index_column_stats", mseq_value_object());
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_integer(&reply, "dynamic_table_id", id);
    manager_put_integer(&reply, "deleted_count", count);
    manager_put_boolean(&reply, "table_empty", mseq_value_is_null(mseq_object_get(whole, "max")));
    manager_put_draft(&reply, "stats", &shown);
    mseq_value_free(stats);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

static mseq_status delete_from(manager_call *call, const manager_series *series,
                               const mseq_value *request, int64_t *count, mseq_error *err) {
    manager_series_query query;
    mseq_governed_result result = {.rows = NULL};
    int64_t after = 0;
    mseq_status status =
        manager_series_read_time("after_date", mseq_object_get(request, "after_date"), &after, err);
    manager_series_begin(series, &query);
    manager_series_text(&query, "DELETE FROM ");
    manager_series_table(&query);
    if (status == MSEQ_OK)
        status = manager_series_where(&query, request, false, err);
    manager_series_text(&query, " AND ");
    manager_series_name(&query, series->time);
    manager_series_text(&query, " >= ");
    manager_series_time(&query, after);
    if (status == MSEQ_OK)
        status = manager_series_run(call, &query, "delete", 1, 0, &result, err);
    *count = result.affected;
    manager_result_free(&result);
    manager_series_end(&query);
    return status;
}

/* The cutoff itself goes too. */
mseq_status manager_delete_after(manager_call *call, mseq_error *err) {
    static const char *const names[] = {"after_date", "dimension_filters", "index_coordinates",
                                        "dimension_range_map", NULL};
    manager_series series = MANAGER_SERIES_INIT;
    const mseq_value *request = NULL;
    int64_t count = 0;
    mseq_status status = manager_object_body(call, false, &request, err);
    if (status == MSEQ_OK)
        status = manager_check_keys(request, "the request", names, err);
    if (status == MSEQ_OK)
        status = open_by_uid(call, true, &series, err);
    if (status == MSEQ_OK)
        status = delete_from(call, &series, request, &count, err);
    if (status == MSEQ_OK)
        status = answer_deleted(call, &series, count, err);
    manager_series_close(&series);
    return status;
}
