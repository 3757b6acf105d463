/* SPDX-License-Identifier: MIT
 * Which rows of a time-indexed table a request is about: coordinates and times. Everything that is
 * said must hold; of several coordinates or ranges any. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "series.h"

enum { COORDINATES_MAXIMUM = 1000 };

mseq_status manager_series_read_time(const char *name, const mseq_value *value,
                                     int64_t *microseconds, mseq_error *err) {
    double seconds = mseq_value_get_float(value, NAN);
    const char *text = mseq_value_get_text(value);
    if (text) {
        mseq_error cause = MSEQ_ERROR_INIT;
        if (mseq_time_parse(text, microseconds, &cause) == MSEQ_OK)
            return MSEQ_OK;
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "%s: %s", name, cause.message);
    }
    /* years 0001 to 9999 */
    if (!(seconds >= -62135596800.0 && seconds < 253402300800.0))
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "%s must be seconds since 1970 or an ISO 8601 time", name);
    *microseconds = mseq_value_kind(value) == MSEQ_INTEGER
                        ? mseq_value_get_integer(value, 0) * 1000000
                        : (int64_t)llround(seconds * 1e6);
    return MSEQ_OK;
}

/* ---- Times -------------------------------------------------------------------------------------
 */

static void compare_time(manager_series_query *query, const char *operand, int64_t microseconds) {
    manager_series_name(query, query->series->time);
    manager_series_text(query, operand);
    manager_series_time(query, microseconds);
}

/* A bound of the request; without a word on it, the bound itself belongs to the range. */
static mseq_status add_date(manager_series_query *query, const mseq_value *request,
                            const char *date, const char *equal, const char *sign,
                            mseq_error *err) {
    const mseq_value *value = mseq_object_get(request, date);
    const mseq_value *inclusive = mseq_object_get(request, equal);
    int64_t microseconds = 0;
    if (!mseq_value_is_null(inclusive) && mseq_value_kind(inclusive) != MSEQ_BOOLEAN)
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind", "%s must be a boolean", equal);
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    mseq_status status = manager_series_read_time(date, value, &microseconds, err);
    if (status != MSEQ_OK)
        return status;
    manager_series_text(query, " AND ");
    char operand[8];
    snprintf(operand, sizeof operand, " %s%s ", sign,
             mseq_value_get_boolean(inclusive, true) ? "=" : "");
    compare_time(query, operand, microseconds);
    return MSEQ_OK;
}

/* ---- Coordinates -------------------------------------------------------------------------------
 */

static bool is_dimension(const mseq_value *dimensions, const char *name) {
    for (size_t i = 0; i < mseq_value_length(dimensions); i++)
        if (strcmp(mseq_value_get_text(mseq_array_get(dimensions, i)), name) == 0)
            return true;
    return false;
}

static mseq_status unknown_dimension(const manager_series_query *query, const char *what,
                                     const char *name, mseq_error *err) {
    return manager_refuse(err, MSEQ_E_REQUEST, "unknown_dimension",
                          "%s: '%.100s' is no dimension of the table '%s'", what, name,
                          manager_row_text(&query->series->row, "physical_table_name"));
}

static bool is_scalar(const mseq_value *value) {
    mseq_kind kind = mseq_value_kind(value);
    return kind != MSEQ_ARRAY && kind != MSEQ_OBJECT;
}

static void equal(manager_series_query *query, const char *name, const mseq_value *value) {
    manager_series_name(query, name);
    if (mseq_value_is_null(value)) {
        manager_series_text(query, " IS NULL");
    } else {
        manager_series_text(query, " = ");
        manager_series_value(query, value, NULL);
    }
}

/* {dimension: [values]}: each dimension holds one of its values. */
static mseq_status add_filters(manager_series_query *query, const mseq_value *filters,
                               const mseq_value *dimensions, mseq_error *err) {
    static const char what[] = "dimension_filters";
    if (mseq_value_kind(filters) != MSEQ_OBJECT)
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind", "%s must be an object", what);
    for (size_t i = 0; i < mseq_value_length(filters); i++) {
        const char *name = mseq_object_key_at(filters, i);
        const mseq_value *values = mseq_object_value_at(filters, i);
        if (!is_dimension(dimensions, name))
            return unknown_dimension(query, what, name, err);
        if (mseq_value_kind(values) != MSEQ_ARRAY)
            return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                                  "%s.%.100s must be an array of values", what, name);
        manager_series_text(query, " AND (0 = 1");
        for (size_t k = 0; k < mseq_value_length(values); k++) {
            if (!is_scalar(mseq_array_get(values, k)))
                return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                                      "%s.%.100s[%zu] must be a single value", what, name, k);
            manager_series_text(query, " OR ");
            equal(query, name, mseq_array_get(values, k));
        }
        manager_series_text(query, ")");
    }
    return MSEQ_OK;
}

/* " OR (" and the members of `coordinate` that are dimensions; the caller closes. */
static mseq_status open_coordinate(manager_series_query *query, const char *what,
                                   const mseq_value *coordinate, const mseq_value *dimensions,
                                   mseq_error *err) {
    if (mseq_value_kind(coordinate) != MSEQ_OBJECT)
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind", "%s: a coordinate is an object",
                              what);
    manager_series_text(query, " OR (1 = 1");
    for (size_t i = 0; i < mseq_value_length(dimensions); i++) {
        const char *name = mseq_value_get_text(mseq_array_get(dimensions, i));
        const mseq_value *value = mseq_object_get(coordinate, name);
        if (!value)
            continue;
        if (!is_scalar(value))
            return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                                  "%s: '%s' must be a single "
                                  "value",
                                  what, name);
        manager_series_text(query, " AND ");
        equal(query, name, value);
    }
    return MSEQ_OK;
}

static mseq_status check_list(const char *what, const mseq_value *list, mseq_error *err) {
    if (mseq_value_kind(list) != MSEQ_ARRAY)
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind", "%s must be an array", what);
    return mseq_value_length(list) <= COORDINATES_MAXIMUM
               ? MSEQ_OK
               : manager_refuse(err, MSEQ_E_LIMIT, "too_many_coordinates",
                                "%s: at most %d in one request", what, COORDINATES_MAXIMUM);
}

/* [{dimension: value}]: one of them, which may leave dimensions open. */
static mseq_status add_coordinates(manager_series_query *query, const mseq_value *list,
                                   const mseq_value *dimensions, mseq_error *err) {
    static const char what[] = "index_coordinates";
    mseq_status status = check_list(what, list, err);
    manager_series_text(query, " AND (0 = 1");
    for (size_t i = 0; i < mseq_value_length(list) && status == MSEQ_OK; i++) {
        const mseq_value *coordinate = mseq_array_get(list, i);
        for (size_t k = 0; k < mseq_value_length(coordinate) && status == MSEQ_OK; k++)
            if (mseq_value_kind(coordinate) == MSEQ_OBJECT &&
                !is_dimension(dimensions, mseq_object_key_at(coordinate, k)))
                status = unknown_dimension(query, what, mseq_object_key_at(coordinate, k), err);
        if (status == MSEQ_OK)
            status = open_coordinate(query, what, coordinate, dimensions, err);
        manager_series_text(query, ")");
    }
    manager_series_text(query, ")");
    return status;
}

static mseq_status add_bound(manager_series_query *query, const mseq_value *range, const char *date,
                             const char *operand, const char *const operands[2], mseq_error *err) {
    const mseq_value *value = mseq_object_get(range, date);
    const char *given = mseq_object_get_text(range, operand);
    int64_t microseconds = 0;
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    if (given && strcmp(given, operands[0]) != 0 && strcmp(given, operands[1]) != 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "dimension_range_map: %s must be '%s' or '%s', not '%.20s'", operand,
                              operands[0], operands[1], given);
    mseq_status status = manager_series_read_time(date, value, &microseconds, err);
    if (status != MSEQ_OK)
        return status;
    manager_series_text(query, " AND ");
    compare_time(query, given ? given : operands[0], microseconds);
    return MSEQ_OK;
}

/* [{coordinate, start_date, start_date_operand, end_date, end_date_operand}]: a whole coordinate
 * each, with bounds of its own. */
static mseq_status add_range(manager_series_query *query, const mseq_value *range,
                             const mseq_value *dimensions, mseq_error *err) {
    static const char what[] = "dimension_range_map";
    static const char *const from[] = {">=", ">"}, *const to[] = {"<=", "<"};
    const mseq_value *coordinate = mseq_object_get(range, "coordinate");
    for (size_t i = 0; i < mseq_value_length(dimensions); i++) {
        const char *name = mseq_value_get_text(mseq_array_get(dimensions, i));
        if (!mseq_object_get(coordinate, name))
            return manager_refuse(err, MSEQ_E_REQUEST, "missing_field",
                                  "%s: a coordinate lacks the dimension '%s'", what, name);
    }
    mseq_status status = open_coordinate(query, what, coordinate, dimensions, err);
    if (status == MSEQ_OK)
        status = add_bound(query, range, "start_date", "start_date_operand", from, err);
    if (status == MSEQ_OK)
        status = add_bound(query, range, "end_date", "end_date_operand", to, err);
    manager_series_text(query, ")");
    return status;
}

static mseq_status add_ranges(manager_series_query *query, const mseq_value *list,
                              const mseq_value *dimensions, mseq_error *err) {
    mseq_status status = check_list("dimension_range_map", list, err);
    manager_series_text(query, " AND (0 = 1");
    for (size_t i = 0; i < mseq_value_length(list) && status == MSEQ_OK; i++)
        status = add_range(query, mseq_array_get(list, i), dimensions, err);
    manager_series_text(query, ")");
    return status;
}

mseq_status manager_series_where(manager_series_query *query, const mseq_value *request, bool dates,
                                 mseq_error *err) {
    const mseq_value *filters = mseq_object_get(request, "dimension_filters");
    const mseq_value *coordinates = mseq_object_get(request, "index_coordinates");
    const mseq_value *ranges = mseq_object_get(request, "dimension_range_map");
    mseq_value *dimensions = manager_series_dimensions(query->series);
    mseq_status status = dimensions ? MSEQ_OK : mseq_error_no_memory(err);
    manager_series_text(query, " WHERE 1 = 1");
    if (status == MSEQ_OK && dates)
        status = add_date(query, request, "start_date", "great_or_equal", ">", err);
    if (status == MSEQ_OK && dates)
        status = add_date(query, request, "end_date", "less_or_equal", "<", err);
    if (status == MSEQ_OK && !mseq_value_is_null(filters))
        status = add_filters(query, filters, dimensions, err);
    if (status == MSEQ_OK && !mseq_value_is_null(coordinates))
        status = add_coordinates(query, coordinates, dimensions, err);
    if (status == MSEQ_OK && !mseq_value_is_null(ranges))
        status = add_ranges(query, ranges, dimensions, err);
    mseq_value_free(dimensions);
    return status;
}
