/* SPDX-License-Identifier: MIT
 * Rebuild of a SQLite table: create under another name, copy, drop, rename, then its indexes,
 * triggers and views again. Foreign keys are off while it runs, so that the DROP deletes no child
 * rows; the runner checks them before COMMIT. (Procedure: https://sqlite.org/lang_altertable.html,
 * section 7; views and triggers go first because RENAME refuses a schema in which they dangle.) */
#include <stdlib.h>
#include <string.h>

#include "migration_private.h"

static mseq_status add_text(render *r, const char *text) {
    return mseq_strings_add(r->statements, text) == MSEQ_OK ? MSEQ_OK
                                                            : mseq_error_no_memory(r->err);
}

static bool is_type(const mseq_value *dependent, const char *type) {
    const char *text = mseq_object_get_text(dependent, "type");
    return text && strcmp(text, type) == 0;
}

/* Triggers first, and views from the last to the first: a later one may read an earlier one. */
static mseq_status drop_dependents(render *r, const char *schema, const char *type) {
    mseq_status status = MSEQ_OK;
    for (size_t i = mseq_value_length(r->dependents); status == MSEQ_OK && i-- > 0;) {
        const mseq_value *dependent = mseq_array_get(r->dependents, i);
        const char *name = mseq_object_get_text(dependent, "name");
        if (!is_type(dependent, type) || !name)
            continue;
        mseq_buffer sql = MSEQ_BUFFER_INIT;
        mseq_buffer_append_text(&sql, strcmp(type, "view") == 0 ? "DROP VIEW "
                                                                : "DROP TRIGGER IF EXISTS ");
        mseq_ddl_table_reference(r->dialect, schema, name, &sql);
        status = render_add(r, &sql);
    }
    return status;
}

static mseq_status create_dependents(render *r, const char *type) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(r->dependents); i++) {
        const mseq_value *dependent = mseq_array_get(r->dependents, i);
        const char *sql = mseq_object_get_text(dependent, "sql");
        if (is_type(dependent, type) && sql)
            status = add_text(r, sql);
    }
    return status;
}

/* INSERT INTO new (…) SELECT … FROM old: the columns that both have and that are not computed. */
static mseq_status copy_rows(render *r, const mseq_table *table, const char *copy) {
    const char *schema = mseq_table_schema(table);
    mseq_buffer names = MSEQ_BUFFER_INIT, sql = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        if (column->computed || !mseq_table_column(r->table, column->name))
            continue;
        if (names.length)
            mseq_buffer_append_text(&names, ", ");
        mseq_ddl_quote(r->dialect, column->name, 1, &names);
    }
    mseq_buffer_append_text(&sql, "INSERT INTO ");
    mseq_ddl_table_reference(r->dialect, schema, copy, &sql);
    mseq_buffer_append_format(&sql, " (%s) SELECT %s FROM ", mseq_buffer_text(&names),
                              mseq_buffer_text(&names));
    mseq_ddl_table_reference(r->dialect, schema, mseq_table_name(table), &sql);
    if (names.status != MSEQ_OK)
        sql.status = names.status;
    mseq_buffer_free(&names);
    return render_add(r, &sql);
}

/* AUTOINCREMENT never hands out a number again: the counter moves along, not just MAX(id). */
static mseq_status copy_sequence(render *r, const mseq_table *table, const char *copy) {
    const mseq_value *options = mseq_table_dialect_options(table, MSEQ_SQLITE);
    if (!mseq_object_get_boolean(options, "autoincrement", false))
        return MSEQ_OK;
    mseq_buffer sequence = MSEQ_BUFFER_INIT, old = MSEQ_BUFFER_INIT, new = MSEQ_BUFFER_INIT;
    mseq_ddl_table_reference(r->dialect, mseq_table_schema(table), "sqlite_sequence", &sequence);
    mseq_ddl_literal(mseq_table_name(table), &old);
    mseq_ddl_literal(copy, &new);
    mseq_buffer delete = MSEQ_BUFFER_INIT, insert = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&delete, "DELETE FROM %s WHERE name = %s",
                              mseq_buffer_text(&sequence), mseq_buffer_text(&new));
    mseq_buffer_append_format(&insert,
                              "INSERT INTO %s (name, seq) SELECT %s, seq FROM %s WHERE name = %s",
                              mseq_buffer_text(&sequence), mseq_buffer_text(&new),
                              mseq_buffer_text(&sequence), mseq_buffer_text(&old));
    if (sequence.status != MSEQ_OK || old.status != MSEQ_OK || new.status != MSEQ_OK)
        delete.status = MSEQ_E_NO_MEMORY;
    mseq_buffer_free(&sequence);
    mseq_buffer_free(&old);
    mseq_buffer_free(&new);
    mseq_status status = render_add(r, &delete);
    if (status == MSEQ_OK)
        status = render_add(r, &insert);
    mseq_buffer_free(&delete);
    mseq_buffer_free(&insert);
    return status;
}

static mseq_status replace(render *r, const mseq_table *table, const char *copy) {
    const char *schema = mseq_table_schema(table);
    mseq_status status = mseq_ddl_drop_table(r->dialect, table, NULL, r->statements, r->err);
    if (status != MSEQ_OK)
        return status;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, schema, copy, &sql);
    mseq_buffer_append_text(&sql, "RENAME TO ");
    mseq_ddl_quote(r->dialect, mseq_table_name(table), -1, &sql);
    status = render_add(r, &sql);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_index_count(table); i++)
        status = mseq_ddl_create_index(r->dialect, table, mseq_table_index_at(table, i), NULL,
                                       r->statements, r->err);
    return status;
}

static mseq_status plan(render *r, const mseq_table *table, const char *copy) {
    const char *schema = mseq_table_schema(table);
    mseq_ddl_options options = MSEQ_DDL_OPTIONS_INIT;
    options.rename_table = copy;
    options.without_indexes = true;
    mseq_status status = drop_dependents(r, schema, "trigger");
    if (status == MSEQ_OK)
        status = drop_dependents(r, schema, "view");
    if (status == MSEQ_OK)
        status = mseq_ddl_create_table(r->dialect, table, &options, r->statements, r->err);
    if (status == MSEQ_OK)
        status = copy_rows(r, table, copy);
    if (status == MSEQ_OK)
        status = copy_sequence(r, table, copy);
    if (status == MSEQ_OK)
        status = replace(r, table, copy);
    if (status == MSEQ_OK)
        status = create_dependents(r, "view");
    return status == MSEQ_OK ? create_dependents(r, "trigger") : status;
}

mseq_status rebuild_table(render *r, mseq_value *description) {
    maker m = {false};
    mseq_table *table = NULL;
    char *copy = NULL;
    /* names of its constraints are what they are, and none stays none */
    maker_put(&m, description, "naming_convention", mseq_value_boolean(false));
    mseq_status status = m.failed ? mseq_error_no_memory(r->err)
                                  : mseq_table_from_description(description, &table, r->err);
    if (status == MSEQ_OK && !(copy = mseq_text_format("_mseq_new_%s", mseq_table_name(table))))
        status = mseq_error_no_memory(r->err);
    if (status == MSEQ_OK)
        status = plan(r, table, copy);
    mseq_table_free(table);
    free(copy);
    return status;
}
