/* SPDX-License-Identifier: MIT
 * The description of a reflected SQLite table, and changes to it before a rebuild. */
#include <stdlib.h>
#include <string.h>

#include "on_sqlite.h"

const char *const lite_constraint_lists[] = {"unique_constraints", "check_constraints",
                                             "foreign_keys", NULL};

mseq_status lite_describe(render *r, const mseq_value *operation, mseq_value **description) {
    if (!r->table) {
        mseq_error_set(
            r->err, MSEQ_E_DDL, "%s on SQLite needs to know what table '%s' looks like",
            text_of(operation, "op"),
            text_of(operation, text_of(operation, "source_table") ? "source_table" : "table"));
        mseq_error_hint(r->err, "reflect the table and hand it in, or run on a connection");
        return MSEQ_E_DDL;
    }
    bool restored;
    mseq_status status = reflected_description(r->table, description, &restored, r->err);
    if (status != MSEQ_OK || !mseq_table_schema(r->table))
        return status;
    /* reflected foreign keys stay in their file, whatever it is called */
    maker m = {false};
    mseq_value *keys = mseq_object_peek(*description, "foreign_keys");
    for (size_t i = 0; i < mseq_value_length(keys); i++)
        maker_text(&m, mseq_array_peek(keys, i), "referred_schema", mseq_table_schema(r->table));
    if (!m.failed)
        return MSEQ_OK;
    mseq_value_free(*description);
    *description = NULL;
    return mseq_error_no_memory(r->err);
}

bool lite_same_name(const char *a, const char *b) {
    return a && b && strcasecmp(a, b) == 0;
}

/* The reflected column; SQLite's names do not tell upper from lower case. */
const mseq_column *lite_column(const mseq_table *table, const char *name) {
    for (size_t i = 0; i < mseq_table_column_count(table); i++)
        if (lite_same_name(mseq_table_column_at(table, i)->name, name))
            return mseq_table_column_at(table, i);
    return NULL;
}

mseq_status lite_no_column(render *r, const char *name) {
    mseq_error_set(r->err, MSEQ_E_DDL, "table '%s' has no column '%s'", mseq_table_name(r->table),
                   name);
    size_t count = mseq_table_column_count(r->table);
    const char **names = calloc(count + 1, sizeof *names);
    if (names) {
        for (size_t i = 0; i < count; i++)
            names[i] = mseq_table_column_at(r->table, i)->name;
        const char *near = mseq_text_nearest(name, names, count);
        if (near)
            mseq_error_hint(r->err, "did you mean '%s'?", near);
        free(names);
    }
    return MSEQ_E_DDL;
}

/* Items of the description's list for which `drop[i]` is false. */
void lite_keep(maker *m, mseq_value *description, const char *list, const bool *drop) {
    mseq_value *kept = maker_array(m), *items = mseq_object_take(description, list);
    for (size_t i = 0; i < mseq_value_length(items); i++)
        if (!drop[i])
            maker_add(m, kept, mseq_value_dup(mseq_array_get(items, i)));
    mseq_value_free(items);
    maker_put(m, description, list, kept);
}

/* Without a primary key its columns stay NOT NULL, as on PostgreSQL. */
static void remove_primary_key(maker *m, mseq_value *description) {
    mseq_value *columns = mseq_object_peek(description, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        mseq_value *column = mseq_array_peek(columns, i);
        if (mseq_object_remove(column, "primary_key") && !mseq_object_get(column, "nullable"))
            maker_put(m, column, "nullable", mseq_value_boolean(false));
    }
    (void)mseq_object_remove(description, "primary_key");
}

/* Appends what the stub's description has in `list` to the description. */
void lite_merge(maker *m, mseq_value *description, const mseq_value *from, const char *list) {
    const mseq_value *items = mseq_object_get(from, list);
    for (size_t i = 0; i < mseq_value_length(items); i++)
        maker_add(m, maker_list(m, description, list), mseq_value_dup(mseq_array_get(items, i)));
}

const char *lite_list(mseq_constraint_kind kind) {
    return kind == MSEQ_UNIQUE  ? "unique_constraints"
           : kind == MSEQ_CHECK ? "check_constraints"
                                : "foreign_keys";
}

/* Takes constraints out of the description that `drop` names by their place in r->table. */
void lite_remove_constraints(render *r, maker *m, mseq_value *description, const bool *drop) {
    size_t count = mseq_table_constraint_count(r->table);
    bool *in_list = calloc(count + 1, sizeof *in_list);
    m->failed = m->failed || !in_list;
    for (size_t l = 0; !m->failed && lite_constraint_lists[l]; l++) {
        size_t at = 0;
        bool any = false;
        for (size_t i = 0; i < count; i++) {
            const mseq_constraint *constraint = mseq_table_constraint_at(r->table, i);
            if (constraint->kind == MSEQ_PRIMARY_KEY ||
                strcmp(lite_list(constraint->kind), lite_constraint_lists[l]) != 0)
                continue;
            in_list[at++] = drop[i];
            any = any || drop[i];
        }
        if (any)
            lite_keep(m, description, lite_constraint_lists[l], in_list);
    }
    if (count && drop[0] && mseq_table_primary_key(r->table))
        remove_primary_key(m, description);
    free(in_list);
}
