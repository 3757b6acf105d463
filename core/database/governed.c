/* SPDX-License-Identifier: MIT
 * What the drivers' governed statements share: arguments, rows and their limits. */
#include <string.h>

#include "governed.h"

static const int64_t DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

int64_t governed_max_bytes(const mseq_governed_statement *statement) {
    return statement->max_bytes > 0 ? statement->max_bytes : DEFAULT_MAX_BYTES;
}

mseq_status governed_check_arguments(const mseq_governed_statement *statement, mseq_error *err) {
    if (!statement->sql || statement->size < sizeof *statement || statement->max_rows < 1 ||
        statement->offset < 0)
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "a governed statement needs SQL, max_rows of at least 1 and an "
                              "offset of at least 0");
    if (statement->sql_length > 4 * 1024 * 1024)
        return mseq_error_set(err, MSEQ_E_LIMIT, "the statement is longer than 4 MiB");
    if (memchr(statement->sql, '\0', statement->sql_length))
        return mseq_error_set(err, MSEQ_E_STATEMENT, "the statement holds a NUL character");
    if (mseq_cancellation_is_set(statement->cancellation))
        return mseq_error_set(err, MSEQ_E_CANCELLED, "the statement was cancelled");
    return MSEQ_OK;
}

/* Bytes of the value as JSON, escapes of characters not counted. */
static int64_t value_bytes(const mseq_value *value) { // NOLINT(misc-no-recursion): parsed JSON
    int64_t bytes = 2;
    switch (mseq_value_kind(value)) {
    case MSEQ_STRING:
        return bytes + (int64_t)mseq_value_get_text_length(value);
    case MSEQ_OBJECT:
        for (size_t i = 0; i < mseq_value_length(value); i++)
            bytes += (int64_t)mseq_object_key_length_at(value, i) + 6 +
                     value_bytes(mseq_object_value_at(value, i));
        return bytes;
    case MSEQ_ARRAY:
        for (size_t i = 0; i < mseq_value_length(value); i++)
            bytes += 2 + value_bytes(mseq_array_get(value, i));
        return bytes;
    case MSEQ_NULL:
        return 4;
    default: /* numbers: what a long one takes */
        return 20;
    }
}

mseq_status governed_keep_row(const mseq_governed_statement *statement, mseq_value *rows,
                              mseq_value *row, int64_t *bytes, mseq_error *err) {
    int64_t most = governed_max_bytes(statement);
    *bytes += value_bytes(row);
    if (mseq_array_add(rows, row) != MSEQ_OK)
        return mseq_error_no_memory(err);
    if (*bytes <= most)
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_LIMIT, "the rows pass %lld bytes", (long long)most);
    mseq_error_hint(err, "ask for fewer rows or columns");
    mseq_error_code(err, "response_too_large");
    return MSEQ_E_LIMIT;
}

mseq_status governed_too_many_rows(const mseq_governed_statement *statement, int64_t count,
                                   mseq_error *err) {
    mseq_error_set(err, MSEQ_E_STATEMENT,
                   "the statement returns %lld rows, max_rows is %lld; nothing was written",
                   (long long)count, (long long)statement->max_rows);
    mseq_error_hint(err, "raise max_rows or change fewer rows at once");
    mseq_error_code(err, "row_limit");
    return MSEQ_E_STATEMENT;
}

mseq_status governed_no_cursor(const mseq_governed_statement *statement, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_ARGUMENT, "only a select is read row by row, not a statement '%s'",
                   statement->operation);
    return MSEQ_E_ARGUMENT;
}

mseq_status governed_confirm(const mseq_governed_statement *statement, mseq_error *err) {
    return statement->confirm ? statement->confirm(statement->confirm_data, err) : MSEQ_OK;
}
