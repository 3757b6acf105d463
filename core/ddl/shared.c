/* SPDX-License-Identifier: MIT
 * What the files of the room share. */
#include <stdlib.h>
#include <string.h>

#include "ddl_private.h"

mseq_status ddl_add_statement(mseq_strings *statements, mseq_buffer *sql, mseq_error *err) {
    char *text = mseq_buffer_take(sql);
    return mseq_strings_add_take(statements, text) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status ddl_settle(mseq_status status, mseq_strings *statements, size_t from) {
    while (status != MSEQ_OK && statements->count > from)
        free(statements->items[--statements->count]);
    return status;
}

void ddl_append_columns(mseq_dialect dialect, const mseq_table *table, const char *const *columns,
                        size_t count, mseq_buffer *sql) {
    for (size_t i = 0; i < count; i++) {
        if (i)
            mseq_buffer_append_text(sql, ", ");
        const mseq_column *column = table ? mseq_table_column(table, columns[i]) : NULL;
        mseq_ddl_quote(dialect, columns[i], column ? column->quote : -1, sql);
    }
}

mseq_status ddl_append_name(mseq_dialect dialect, const char *name, bool final, const char *what,
                            mseq_buffer *sql, mseq_error *err) {
    if (dialect == MSEQ_SQLITE || mseq_utf8_length(name) <= MSEQ_IDENTIFIER_MAXIMUM)
        return mseq_ddl_quote(dialect, name, -1, sql) == MSEQ_OK ? MSEQ_OK
                                                                 : mseq_error_no_memory(err);
    if (!final) {
        mseq_error_set(err, MSEQ_E_DDL, "%s name '%s' is longer than %d characters", what, name,
                       MSEQ_IDENTIFIER_MAXIMUM);
        mseq_error_hint(err, "leave the name out and the convention supplies one, or shorten it");
        return MSEQ_E_DDL;
    }
    char *cut = NULL;
    mseq_status status = mseq_naming_truncate_final(name, &cut, err);
    if (status == MSEQ_OK && mseq_ddl_quote(dialect, cut, -1, sql) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    free(cut);
    return status;
}

void ddl_append_include(mseq_dialect dialect, const mseq_value *options, mseq_buffer *sql) {
    const mseq_value *include = mseq_object_get(options, "include");
    if (dialect == MSEQ_SQLITE || !mseq_value_length(include))
        return;
    mseq_buffer_append_text(sql, " INCLUDE (");
    for (size_t i = 0; i < mseq_value_length(include); i++) {
        if (i)
            mseq_buffer_append_text(sql, ", ");
        mseq_ddl_quote(dialect, mseq_value_get_text(mseq_array_get(include, i)), -1, sql);
    }
    mseq_buffer_append_char(sql, ')');
}

bool ddl_sqlite_autoincrement(const mseq_table *table) {
    const mseq_value *options = mseq_table_dialect_options(table, MSEQ_SQLITE);
    return mseq_object_get_boolean(options, "autoincrement", false);
}
