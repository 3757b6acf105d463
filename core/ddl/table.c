/* SPDX-License-Identifier: MIT
 * CREATE TABLE, DROP TABLE and what goes with them. */
#include <stdlib.h>
#include <string.h>

#include "ddl_private.h"

/* A foreign key of SQLite stays in its own database file; as in the reference, one that leads out
 * of it is left out. */
static bool leads_out(mseq_dialect dialect, const mseq_table *table, const mseq_constraint *key) {
    const char *here = mseq_table_schema(table), *there = key->referred_schema;
    here = here && strcmp(here, "public") != 0 ? here : "";
    there = there && strcmp(there, "public") != 0 ? there : "";
    return dialect == MSEQ_SQLITE && strcmp(here, there) != 0;
}

static mseq_status append_body(mseq_dialect dialect, const mseq_table *table,
                               const mseq_ddl_options *options, mseq_buffer *sql, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        mseq_buffer_append_text(sql, i ? ", \n\t" : "\n\t");
        status = mseq_ddl_column(dialect, table, mseq_table_column_at(table, i), sql, err);
    }
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(table, i);
        bool key = constraint->kind == MSEQ_FOREIGN_KEY;
        if ((constraint->kind == MSEQ_CHECK && constraint->from_column) ||
            (constraint->kind == MSEQ_PRIMARY_KEY && dialect == MSEQ_SQLITE &&
             ddl_sqlite_autoincrement(table)) ||
            (key && dialect == MSEQ_POSTGRESQL &&
             (options->without_foreign_keys || constraint->use_alter)) ||
            (key && leads_out(dialect, table, constraint)))
            continue;
        mseq_buffer_append_text(sql, ", \n\t");
        status = mseq_ddl_constraint(dialect, table, constraint, sql, err);
    }
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        if (!mseq_ddl_has_type_check(dialect, column))
            continue;
        mseq_buffer_append_text(sql, ", \n\t");
        status = mseq_ddl_type_check_constraint(dialect, table, column, sql, err);
    }
    return status;
}

static void append_tail(mseq_dialect dialect, const mseq_table *table, mseq_buffer *sql) {
    const mseq_value *options = mseq_table_dialect_options(table, dialect);
    static const char *const words[][2] = {{"partition_by", "PARTITION BY"},
                                           {"using", "USING"},
                                           {"on_commit", "ON COMMIT"},
                                           {"tablespace", "TABLESPACE"}};
    for (size_t i = 0; dialect == MSEQ_POSTGRESQL && i < sizeof words / sizeof *words; i++)
        if (mseq_object_get_text(options, words[i][0]))
            mseq_buffer_append_format(sql, "\n %s %s", words[i][1],
                                      mseq_object_get_text(options, words[i][0]));
    if (dialect == MSEQ_SQLITE && !mseq_object_get_boolean(options, "with_rowid", true))
        mseq_buffer_append_text(sql, "\n WITHOUT ROWID");
    if (dialect == MSEQ_SQLITE && mseq_object_get_boolean(options, "strict", false))
        mseq_buffer_append_text(sql, "\n STRICT");
}

static mseq_status add_comment(mseq_dialect dialect, const mseq_table *table,
                               const mseq_column *column, mseq_strings *statements,
                               mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    if (column) {
        mseq_buffer_append_char(&sql, '.');
        mseq_ddl_quote(dialect, column->name, column->quote, &sql);
    }
    mseq_buffer_append_text(&sql, " IS ");
    mseq_ddl_literal(column ? column->comment : mseq_table_comment(table), &sql);
    return ddl_add_statement(statements, &sql, err);
}

static mseq_status add_comments(mseq_dialect dialect, const mseq_table *table,
                                mseq_strings *statements, mseq_error *err) {
    if (dialect == MSEQ_SQLITE)
        return MSEQ_OK;
    mseq_status status =
        mseq_table_comment(table) ? add_comment(dialect, table, NULL, statements, err) : MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++)
        if (mseq_table_column_at(table, i)->comment)
            status = add_comment(dialect, table, mseq_table_column_at(table, i), statements, err);
    return status;
}

static int by_name(const void *left, const void *right) {
    const mseq_index *a = *(const mseq_index *const *)left, *b = *(const mseq_index *const *)right;
    return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static mseq_status add_indexes(mseq_dialect dialect, const mseq_table *table,
                               mseq_strings *statements, mseq_error *err) {
    size_t count = mseq_table_index_count(table);
    const mseq_index **indexes = calloc(count + 1, sizeof(mseq_index *));
    if (!indexes)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        indexes[i] = mseq_table_index_at(table, i);
    qsort(indexes, count, sizeof(mseq_index *), by_name);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++)
        status = mseq_ddl_create_index(dialect, table, indexes[i], NULL, statements, err);
    free(indexes);
    return status;
}

static const mseq_ddl_options defaults = MSEQ_DDL_OPTIONS_INIT;

mseq_status mseq_ddl_create_table(mseq_dialect dialect, const mseq_table *table,
                                  const mseq_ddl_options *options, mseq_strings *statements,
                                  mseq_error *err) {
    options = options ? options : &defaults;
    size_t from = statements->count;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "CREATE ");
    const mseq_value *prefixes = mseq_table_prefixes(table);
    for (size_t i = 0; i < mseq_value_length(prefixes); i++)
        mseq_buffer_append_format(&sql, "%s ", mseq_value_get_text(mseq_array_get(prefixes, i)));
    mseq_buffer_append_text(&sql, options->if_not_exists ? "TABLE IF NOT EXISTS " : "TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table),
                             options->rename_table ? options->rename_table : mseq_table_name(table),
                             &sql);
    mseq_buffer_append_text(&sql, " (");
    mseq_status status = append_body(dialect, table, options, &sql, err);
    mseq_buffer_append_text(&sql, "\n)");
    append_tail(dialect, table, &sql);
    if (status == MSEQ_OK)
        status = ddl_add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    if (status == MSEQ_OK && !options->without_indexes)
        status = add_indexes(dialect, table, statements, err);
    if (status == MSEQ_OK)
        status = add_comments(dialect, table, statements, err);
    return ddl_settle(status, statements, from);
}

mseq_status mseq_ddl_drop_table(mseq_dialect dialect, const mseq_table *table,
                                const mseq_ddl_options *options, mseq_strings *statements,
                                mseq_error *err) {
    options = options ? options : &defaults;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, options->if_exists ? "DROP TABLE IF EXISTS " : "DROP TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    return ddl_add_statement(statements, &sql, err);
}

mseq_status mseq_ddl_add_constraint(mseq_dialect dialect, const mseq_table *table,
                                    const mseq_constraint *constraint, mseq_strings *statements,
                                    mseq_error *err) {
    if (dialect == MSEQ_SQLITE)
        return mseq_error_set(err, MSEQ_E_DDL,
                              "SQLite cannot add a constraint to a table; it needs a rebuild");
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "ALTER TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    mseq_buffer_append_text(&sql, " ADD ");
    mseq_status status = mseq_ddl_constraint(dialect, table, constraint, &sql, err);
    if (status == MSEQ_OK)
        status = ddl_add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    return status;
}
