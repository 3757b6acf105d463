/* SPDX-License-Identifier: MIT
 * CREATE INDEX and DROP INDEX. */
#include <string.h>

#include "ddl_private.h"

static const mseq_ddl_options defaults = MSEQ_DDL_OPTIONS_INIT;

static void append_element(mseq_dialect dialect, const mseq_table *table,
                           const mseq_index_element *element, const mseq_value *operators,
                           mseq_buffer *sql) {
    if (element->column) {
        ddl_append_columns(dialect, table, &element->column, 1, sql);
    } else if (element->function) {
        mseq_buffer_append_format(sql, "%s(", element->function);
        for (size_t i = 0; i < mseq_value_length(element->arguments); i++) {
            const mseq_value *argument = mseq_array_get(element->arguments, i);
            if (i)
                mseq_buffer_append_text(sql, ", ");
            const char *text = mseq_value_get_text(argument);
            if (text && mseq_table_column(table, text))
                ddl_append_columns(dialect, table, &text, 1, sql);
            else if (text)
                mseq_ddl_literal(text, sql);
            else if (mseq_json_write(argument, 0, sql, NULL) != MSEQ_OK)
                sql->status = MSEQ_E_DDL;
        }
        mseq_buffer_append_char(sql, ')');
    } else {
        mseq_buffer_append_text(sql, element->text); /* text stands as it is written */
    }
    const char *class = element->column && dialect == MSEQ_POSTGRESQL
                            ? mseq_object_get_text(operators, element->column)
                            : NULL;
    if (class)
        mseq_buffer_append_format(sql, " %s", class);
    if (element->order)
        mseq_buffer_append_text(sql, strcmp(element->order, "desc") == 0 ? " DESC" : " ASC");
    if (element->nulls)
        mseq_buffer_append_text(sql, strcmp(element->nulls, "first") == 0 ? " NULLS FIRST"
                                                                          : " NULLS LAST");
}

/* INCLUDE, NULLS, WITH, TABLESPACE: what stands between the elements and WHERE on PostgreSQL. */
static void append_index_options(const mseq_value *options, mseq_buffer *sql, mseq_error *err) {
    ddl_append_include(MSEQ_POSTGRESQL, options, sql);
    if (mseq_value_kind(mseq_object_get(options, "nulls_not_distinct")) == MSEQ_BOOLEAN)
        mseq_buffer_append_text(sql, mseq_object_get_boolean(options, "nulls_not_distinct", false)
                                         ? " NULLS NOT DISTINCT"
                                         : " NULLS DISTINCT");
    const mseq_value *with = mseq_object_get(options, "with");
    for (size_t i = 0; i < mseq_value_length(with); i++) {
        mseq_buffer_append_format(sql, i ? ", %s = " : " WITH (%s = ", mseq_object_key_at(with, i));
        const mseq_value *value = mseq_object_value_at(with, i);
        if (mseq_value_get_text(value))
            mseq_buffer_append_text(sql, mseq_value_get_text(value));
        else if (mseq_json_write(value, 0, sql, err) != MSEQ_OK)
            sql->status = MSEQ_E_DDL;
    }
    if (mseq_value_length(with))
        mseq_buffer_append_char(sql, ')');
    if (mseq_object_get_text(options, "tablespace"))
        mseq_buffer_append_format(sql, " TABLESPACE %s",
                                  mseq_object_get_text(options, "tablespace"));
}

mseq_status mseq_ddl_create_index(mseq_dialect dialect, const mseq_table *table,
                                  const mseq_index *index, const mseq_ddl_options *options,
                                  mseq_strings *statements, mseq_error *err) {
    options = options ? options : &defaults;
    bool postgresql = dialect == MSEQ_POSTGRESQL;
    const mseq_value *own = postgresql ? index->postgresql : index->sqlite;
    if (!index->name)
        return mseq_error_set(err, MSEQ_E_DDL, "table '%s': an index needs a name",
                              mseq_table_name(table));
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    if (postgresql && mseq_object_get_boolean(own, "concurrently", false))
        mseq_buffer_append_text(&sql, "CONCURRENTLY ");
    if (options->if_not_exists)
        mseq_buffer_append_text(&sql, "IF NOT EXISTS ");
    if (!postgresql && mseq_table_schema(table)) { /* SQLite qualifies the index, not the table */
        mseq_ddl_quote(dialect, mseq_table_schema(table), -1, &sql);
        mseq_buffer_append_char(&sql, '.');
    }
    mseq_status status =
        ddl_append_name(dialect, index->name, index->name_final, "index", &sql, err);
    mseq_buffer_append_text(&sql, " ON ");
    mseq_ddl_table_reference(dialect, postgresql ? mseq_table_schema(table) : NULL,
                             mseq_table_name(table), &sql);
    if (postgresql && mseq_object_get_text(own, "using"))
        mseq_buffer_append_format(&sql, " USING %s", mseq_object_get_text(own, "using"));
    mseq_buffer_append_text(&sql, " (");
    for (size_t i = 0; i < index->element_count; i++) {
        if (i)
            mseq_buffer_append_text(&sql, ", ");
        append_element(dialect, table, &index->elements[i], mseq_object_get(own, "ops"), &sql);
    }
    mseq_buffer_append_char(&sql, ')');
    if (postgresql)
        append_index_options(own, &sql, err);
    if (mseq_object_get_text(own, "where"))
        mseq_buffer_append_format(&sql, " WHERE %s", mseq_object_get_text(own, "where"));
    if (status == MSEQ_OK)
        status = ddl_add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    return status;
}

mseq_status mseq_ddl_drop_index(mseq_dialect dialect, const char *schema, const char *name,
                                const mseq_ddl_options *options, mseq_strings *statements,
                                mseq_error *err) {
    options = options ? options : &defaults;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, options->if_exists ? "DROP INDEX IF EXISTS " : "DROP INDEX ");
    mseq_ddl_table_reference(dialect, schema, name, &sql);
    return ddl_add_statement(statements, &sql, err);
}
