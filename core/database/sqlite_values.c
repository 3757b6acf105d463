/* SPDX-License-Identifier: MIT
 * Values to and from SQLite: integers exact, NULL, text as it is, BLOB ↔ {"$bytes": base64}. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

/* What was bound as text or bytes of our own making is freed by SQLite. */
static int bind_buffer(sqlite3_stmt *stmt, int position, mseq_buffer *buffer, bool blob) {
    size_t length = buffer->length;
    char *bytes = mseq_buffer_take(buffer);
    if (!bytes)
        return SQLITE_NOMEM;
    return blob ? sqlite3_bind_blob64(stmt, position, bytes, length, free)
                : sqlite3_bind_text64(stmt, position, bytes, length, free, SQLITE_UTF8);
}

static mseq_status bind_container(sqlite_handle *handle, sqlite3_stmt *stmt, int position,
                                  const mseq_value *value, mseq_error *err) {
    const mseq_value *bytes = database_bytes_of(value);
    const char *base64 = mseq_value_get_text(bytes);
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    mseq_status status =
        base64 ? mseq_base64_decode(base64, mseq_value_get_text_length(bytes), &buffer, err)
               : mseq_json_write(value, 0, &buffer, err);
    if (status != MSEQ_OK) {
        mseq_buffer_free(&buffer);
        mseq_error_prefix(err, "parameter %d: ", position);
        return status;
    }
    int code = bind_buffer(stmt, position, &buffer, base64 != NULL);
    return code == SQLITE_OK ? MSEQ_OK : sqlite_fail(handle, code, NULL, err);
}

static mseq_status bind_value(sqlite_handle *handle, sqlite3_stmt *stmt, int position,
                              const mseq_value *value, mseq_error *err) {
    int code = SQLITE_OK;
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        code = sqlite3_bind_null(stmt, position);
        break;
    case MSEQ_BOOLEAN:
        code = sqlite3_bind_int(stmt, position, mseq_value_get_boolean(value, false));
        break;
    case MSEQ_INTEGER:
        code = sqlite3_bind_int64(stmt, position, mseq_value_get_integer(value, 0));
        break;
    case MSEQ_FLOAT: {
        double number = mseq_value_get_float(value, 0);
        if (isnan(number)) /* SQLite would store NULL */
            return mseq_error_set(err, MSEQ_E_STATEMENT,
                                  "parameter %d is not a number, which SQLite cannot keep",
                                  position);
        code = sqlite3_bind_double(stmt, position, number);
        break;
    }
    case MSEQ_STRING:
        /* the value outlives the run, after which bindings are cleared */
        code = sqlite3_bind_text64(stmt, position, mseq_value_get_text(value),
                                   mseq_value_get_text_length(value), SQLITE_STATIC, SQLITE_UTF8);
        break;
    default:
        return bind_container(handle, stmt, position, value, err);
    }
    if (code == SQLITE_TOOBIG)
        return mseq_error_set(err, MSEQ_E_LIMIT, "parameter %d is longer than SQLite takes",
                              position);
    return code == SQLITE_OK ? MSEQ_OK : sqlite_fail(handle, code, NULL, err);
}

mseq_status sqlite_bind(sqlite_handle *handle, sqlite3_stmt *stmt, const mseq_value *parameters,
                        mseq_error *err) {
    size_t wanted = (size_t)sqlite3_bind_parameter_count(stmt);
    size_t given = mseq_value_length(parameters);
    if (parameters && mseq_value_kind(parameters) != MSEQ_ARRAY)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "parameters must be an array, not %s",
                              mseq_kind_name(mseq_value_kind(parameters)));
    if (wanted != given) {
        mseq_error_set(err, MSEQ_E_STATEMENT, "the statement has %zu parameters, %zu are given",
                       wanted, given);
        mseq_error_code(err, given < wanted ? "parameter_missing" : "parameter_unused");
        return MSEQ_E_STATEMENT;
    }
    for (size_t i = 0; i < given; i++) {
        mseq_status status =
            bind_value(handle, stmt, (int)i + 1, mseq_array_get(parameters, i), err);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

/* Infinities are text, as on PostgreSQL; SQLite keeps no NaN. */
static void read_float(double number, mseq_cell *cell) {
    const char *text = number < 0 ? "-Infinity" : "Infinity";
    if (isfinite(number))
        mseq_cell_float(cell, number);
    else
        mseq_cell_text(cell, text, strlen(text));
}

/* SQLite does not check text; what is no UTF-8 travels as bytes, so that nothing is lost. False:
 * memory is short. */
static bool read_text(const char *text, size_t length, mseq_cell *cell) {
    if (!text)
        return false;
    if (!mseq_utf8_valid(text, length))
        return mseq_cell_take(cell, database_bytes_value(text, length, false));
    mseq_cell_text(cell, text, length);
    return true;
}

/* Into a cell that is null. False: memory is short. */
static bool read_column(sqlite3_stmt *stmt, int column, mseq_cell *cell) {
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        mseq_cell_integer(cell, sqlite3_column_int64(stmt, column));
        return true;
    case SQLITE_FLOAT:
        read_float(sqlite3_column_double(stmt, column), cell);
        return true;
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        return read_text(text, (size_t)sqlite3_column_bytes(stmt, column), cell);
    }
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_column_blob(stmt, column); /* NULL when empty */
        size_t length = (size_t)sqlite3_column_bytes(stmt, column);
        return (bytes || length == 0) &&
               mseq_cell_take(cell, database_bytes_value(bytes ? bytes : "", length, false));
    }
    default:
        return true;
    }
}

mseq_status sqlite_row(sqlite_statement *statement, mseq_error *err) {
    mseq_row *row = &statement->row;
    mseq_status status = sqlite_columns(statement, err);
    mseq_row_clear(row);
    for (size_t i = 0; status == MSEQ_OK && i < row->count; i++)
        if (!read_column(statement->stmt, (int)i, &row->cells[i]))
            status = mseq_error_no_memory(err);
    return status;
}

mseq_status sqlite_row_object(sqlite_statement *statement, mseq_value **row, mseq_error *err) {
    mseq_status status = sqlite_row(statement, err);
    return status == MSEQ_OK ? mseq_row_to_object(&statement->row, row, err) : status;
}
