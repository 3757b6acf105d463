/* SPDX-License-Identifier: MIT
 * How far the data of a time-indexed table reaches, as a whole and for each coordinate. */
#include <stdlib.h>
#include <string.h>

#include "series.h"

enum { COORDINATES_MAXIMUM = 200000 };

#define EARLIEST "series_earliest"
#define LATEST "series_latest"

/* SELECT dimensions, MIN(time), MAX(time) … GROUP BY dimensions */
static void build(manager_series_query *query, const mseq_value *dimensions) {
    const char *time = query->series->time;
    manager_series_names(query, dimensions, "SELECT ");
    manager_series_text(query, mseq_value_length(dimensions) ? ", MIN(" : "SELECT MIN(");
    manager_series_name(query, time);
    manager_series_text(query, ") AS " EARLIEST ", MAX(");
    manager_series_name(query, time);
    manager_series_text(query, ") AS " LATEST " FROM ");
    manager_series_table(query);
    manager_series_names(query, dimensions, " GROUP BY ");
    manager_series_names(query, dimensions, " ORDER BY ");
}

/* A time of the statement as replies show it: an aggregate has no column to take its type from. */
static mseq_value *time_of(const mseq_value *row, const char *key) {
    const mseq_value *value = mseq_object_get(row, key);
    const char *text = mseq_value_get_text(value);
    int64_t microseconds = 0;
    char shown[32];
    if (!text || mseq_time_parse(text, &microseconds, NULL) != MSEQ_OK)
        return value ? mseq_value_dup(value) : mseq_value_null();
    mseq_time_format(microseconds, false, shown);
    return mseq_value_string(shown);
}

/* A dimension's value as the key that it is in a JSON object. */
static char *key_of(const mseq_value *row, const char *dimension) {
    const mseq_value *value = mseq_object_get(row, dimension);
    char *text = NULL;
    if (mseq_value_kind(value) == MSEQ_STRING)
        return mseq_text_dup(mseq_value_get_text(value));
    return manager_json_text(value, &text, NULL) == MSEQ_OK ? text : NULL;
}

/* Puts a time under one key a dimension, nested in their order. Takes over the time. */
static bool put_nested(mseq_value *tree, const mseq_value *row, const mseq_value *dimensions,
                       size_t from, mseq_value *time) {
    char *key = key_of(row, mseq_value_get_text(mseq_array_get(dimensions, from)));
    bool last = from + 1 == mseq_value_length(dimensions), good = false;
    if (key && last) {
        good = mseq_object_put(tree, key, time) == MSEQ_OK;
        time = NULL;
    } else if (key) {
        mseq_value *child = mseq_object_peek(tree, key);
        if (!child && mseq_object_put(tree, key, mseq_value_object()) == MSEQ_OK)
            child = mseq_object_peek(tree, key);
        if (child) {
            good = put_nested(child, row, dimensions, from + 1, time);
            time = NULL;
        }
    }
    mseq_value_free(time);
    free(key);
    return good;
}

typedef struct sums {
    manager_draft progress, minimum;
    mseq_value *earliest, *latest; /* of the whole table; NULL: no rows yet */
} sums;

/* `sign` 1 keeps the later, -1 the earlier. Texts of one width in UTC compare as times do. */
static bool keep_extreme(mseq_value **kept, const mseq_value *time, int sign) {
    const char *text = mseq_value_get_text(time), *before = mseq_value_get_text(*kept);
    int order = text && before ? strcmp(text, before) : 1;
    if (!text || (before && (order == 0 || (order > 0) != (sign > 0))))
        return true;
    mseq_value *copy = mseq_value_dup(time);
    if (!copy)
        return false;
    mseq_value_free(*kept);
    *kept = copy;
    return true;
}

static mseq_status add_row(sums *all, const mseq_value *row, const mseq_value *dimensions,
                           mseq_error *err) {
    mseq_value *earliest = time_of(row, EARLIEST), *latest = time_of(row, LATEST);
    bool good = earliest && latest && !all->progress.failed && !all->minimum.failed &&
                keep_extreme(&all->earliest, earliest, -1) && keep_extreme(&all->latest, latest, 1);
    if (good && mseq_value_length(dimensions) > 0) {
        bool progress = put_nested(all->progress.value, row, dimensions, 0, latest);
        bool minimum = put_nested(all->minimum.value, row, dimensions, 0, earliest);
        return progress && minimum ? MSEQ_OK : mseq_error_no_memory(err);
    }
    mseq_value_free(earliest);
    mseq_value_free(latest);
    return good ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status read_page(manager_call *call, const manager_series *series,
                             const mseq_value *dimensions, int64_t offset, sums *all, bool *more,
                             mseq_error *err) {
    manager_series_query query;
    mseq_governed_result result = {.rows = NULL};
    manager_series_begin(series, &query);
    build(&query, dimensions);
    mseq_status status =
        manager_series_run(call, &query, "select", MANAGER_ROWS_MAXIMUM, offset, &result, err);
    for (size_t i = 0; i < mseq_value_length(result.rows) && status == MSEQ_OK; i++)
        status = add_row(all, mseq_array_get(result.rows, i), dimensions, err);
    *more = result.has_more;
    manager_result_free(&result);
    manager_series_end(&query);
    return status;
}

static mseq_value *stats_of(sums *all) {
    manager_draft stats, whole;
    manager_draft_object(&stats);
    manager_draft_object(&whole);
    manager_put_copy(&whole, "max", all->latest);
    manager_put_copy(&whole, "min", all->earliest);
    manager_put_draft(&stats, "global_index_progress", &whole);
    manager_put_draft(&stats, "index_progress", &all->progress);
    manager_put_draft(&stats, "index_min", &all->minimum);
    manager_put(&stats, "multi_index_column_stats", mseq_value_object());
    return manager_draft_take(&stats);
}

mseq_status manager_series_stats(manager_call *call, const manager_series *series,
                                 mseq_value **stats, mseq_error *err) {
    mseq_value *dimensions = manager_series_dimensions(series), *made = NULL;
    mseq_status status = dimensions ? MSEQ_OK : mseq_error_no_memory(err);
    sums all = {.earliest = NULL};
    bool more = true;
    manager_draft_object(&all.progress);
    manager_draft_object(&all.minimum);
    for (int64_t offset = 0; more && status == MSEQ_OK; offset += MANAGER_ROWS_MAXIMUM) {
        status = offset < COORDINATES_MAXIMUM
                     ? read_page(call, series, dimensions, offset, &all, &more, err)
                     : manager_refuse(err, MSEQ_E_LIMIT, "too_many_coordinates",
                                      "the table '%s' has more than %d coordinates",
                                      manager_row_text(&series->row, "physical_table_name"),
                                      COORDINATES_MAXIMUM);
    }
    if (status == MSEQ_OK && !(made = stats_of(&all)))
        status = mseq_error_no_memory(err);
    manager_draft_free(&all.progress);
    manager_draft_free(&all.minimum);
    mseq_value_free(all.earliest);
    mseq_value_free(all.latest);
    mseq_value_free(dimensions);
    if (status == MSEQ_OK)
        *stats = made;
    return status;
}
