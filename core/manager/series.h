/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: statements on a time-indexed table, built from its profile. */
#ifndef MSEQ_MANAGER_SERIES_H
#define MSEQ_MANAGER_SERIES_H

#include "execution.h"
#include "rows.h"

/* A time-indexed table of which data is asked for. What it points to belongs to `row`. */
typedef struct manager_series {
    manager_row row;
    manager_source *source;
    const char *time;          /* the time index */
    const char *time_type;     /* its data type */
    const mseq_value *names;   /* of the index, the time index among them */
    const mseq_value *columns; /* column rows of the document */
} manager_series;
#define MANAGER_SERIES_INIT                                                                        \
    { MANAGER_ROW_INIT, NULL, NULL, NULL, NULL, NULL }

/* Takes over the document of `row`, even on failure. Refuses a table that has no time index. */
mseq_status manager_series_open(const manager_call *call, manager_row *row, manager_series *series,
                                mseq_error *err) MSEQ_MUST_CHECK;
void manager_series_close(manager_series *series);

/* A statement in the making. Failures of memory stick until it is run. */
typedef struct manager_series_query {
    const manager_series *series;
    mseq_buffer sql; /* with pyformat placeholders */
    manager_draft parameters, types;
} manager_series_query;
void manager_series_begin(const manager_series *series, manager_series_query *query);
void manager_series_end(manager_series_query *query);
void manager_series_text(manager_series_query *query, const char *text);
/* An identifier, quoted; the table itself; the columns of a list of names with commas between. */
void manager_series_name(manager_series_query *query, const char *name);
void manager_series_table(manager_series_query *query);
void manager_series_names(manager_series_query *query, const mseq_value *names, const char *before);
/* A value of `data_type` (NULL: that of what it stands beside). */
void manager_series_value(manager_series_query *query, const mseq_value *value,
                          const char *data_type);
/* A time as the time index holds it. */
void manager_series_time(manager_series_query *query, int64_t microseconds);

/* Index names without the time index, and the names of all columns; owned by the caller, NULL
 * without memory. */
mseq_value *manager_series_dimensions(const manager_series *series);
mseq_value *manager_series_columns(const manager_series *series);
bool manager_series_has(const manager_series *series, const char *column);

/* Runs "select" or "delete" under the rules of execute-operation, as the caller. */
mseq_status manager_series_run(manager_call *call, manager_series_query *query,
                               const char *operation, int64_t max_rows, int64_t offset,
                               mseq_governed_result *result, mseq_error *err) MSEQ_MUST_CHECK;

/* ---- series_window.c ----------------------------------------------------------------------------
 */

/* Appends " WHERE …" for what a request says of coordinates (dimension_filters, index_coordinates,
 * dimension_range_map) and, with `dates`, of start_date and end_date with their operands. */
mseq_status manager_series_where(manager_series_query *query, const mseq_value *request, bool dates,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* A time of a request: seconds since 1970 as a number, or ISO 8601 text. */
mseq_status manager_series_read_time(const char *name, const mseq_value *value,
                                     int64_t *microseconds, mseq_error *err) MSEQ_MUST_CHECK;

/* ---- series_stats.c -----------------------------------------------------------------------------
 */

/* Earliest and latest time of the table and of each coordinate: {global_index_progress,
 * index_progress, index_min, multi_index_column_stats}, owned by the caller. */
mseq_status manager_series_stats(manager_call *call, const manager_series *series,
                                 mseq_value **stats, mseq_error *err) MSEQ_MUST_CHECK;

#endif
