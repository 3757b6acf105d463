/* SPDX-License-Identifier: MIT
 * Enum types of PostgreSQL. */
#include <string.h>

#include "mainsequence/ddl.h"

const mseq_type *mseq_ddl_enum_type(const mseq_column *column) {
    const mseq_type *type = mseq_type_for(column->type, MSEQ_POSTGRESQL);
    type = type->item ? type->item : type;
    bool native = mseq_object_get(type->arguments, "values") &&
                  mseq_object_get_boolean(type->arguments, "native_enum", true) &&
                  mseq_object_get_boolean(type->arguments, "create_type", true);
    return native ? type : NULL;
}

static void append_create(const mseq_type *type, mseq_buffer *sql) {
    const mseq_value *values = mseq_object_get(type->arguments, "values");
    mseq_buffer_append_text(sql, "CREATE TYPE ");
    mseq_ddl_table_reference(MSEQ_POSTGRESQL, mseq_object_get_text(type->arguments, "schema"),
                             mseq_object_get_text(type->arguments, "name"), sql);
    mseq_buffer_append_text(sql, " AS ENUM (");
    for (size_t i = 0; i < mseq_value_length(values); i++) {
        if (i)
            mseq_buffer_append_text(sql, ", ");
        mseq_ddl_literal(mseq_value_get_text(mseq_array_get(values, i)), sql);
    }
    mseq_buffer_append_char(sql, ')');
}

mseq_status mseq_ddl_create_enum(const mseq_type *type, bool if_missing, mseq_buffer *sql,
                                 mseq_error *err) {
    mseq_buffer create = MSEQ_BUFFER_INIT, tag = MSEQ_BUFFER_INIT;
    if (!mseq_object_get_text(type->arguments, "name"))
        return mseq_error_set(err, MSEQ_E_DDL, "PostgreSQL ENUM type requires a name");
    append_create(type, &create);
    mseq_buffer_append_text(&tag, "$mseq$");
    while (tag.status == MSEQ_OK && strstr(mseq_buffer_text(&create), mseq_buffer_text(&tag))) {
        tag.data[--tag.length] = '\0'; /* a label holds the quote: a longer one */
        mseq_buffer_append_text(&tag, "q$");
    }
    if (if_missing)
        mseq_buffer_append_format(
            sql, "DO %s BEGIN %s; EXCEPTION WHEN duplicate_object THEN NULL; END %s",
            mseq_buffer_text(&tag), mseq_buffer_text(&create), mseq_buffer_text(&tag));
    else
        mseq_buffer_append_text(sql, mseq_buffer_text(&create));
    if (create.status != MSEQ_OK || tag.status != MSEQ_OK)
        sql->status = MSEQ_E_NO_MEMORY;
    mseq_buffer_free(&create);
    mseq_buffer_free(&tag);
    return sql->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}
