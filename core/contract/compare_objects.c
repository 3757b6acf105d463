/* SPDX-License-Identifier: MIT
 * Drift of unique constraints, indexes, foreign keys and checks. Names matter only where they tell
 * which of two different things belong together. */
#include <stdlib.h>
#include <string.h>

#include "contract_private.h"

/* One constraint or index on one side. */
typedef struct drift_object {
    const mseq_constraint *constraint;
    const mseq_index *index;
    const char *name;
    char *text; /* owned: how a reader knows it */
    bool matched;
} drift_object;

typedef struct object_list {
    drift_object *items;
    size_t count;
} object_list;

/* Whether two objects are the same, or (second) two states of one. */
typedef bool (*object_test)(contract_drift *drift, const drift_object *a, const drift_object *b);

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_name(contract_drift *drift, const drift_object *a, const drift_object *b) {
    (void)drift;
    return a->name && b->name && strcmp(a->name, b->name) == 0;
}

/* ---- Collecting
 * ------------------------------------------------------------------------------------------ */

static void append_names(mseq_buffer *text, const char *const *names, size_t count) {
    mseq_buffer_append_char(text, '(');
    for (size_t i = 0; i < count; i++)
        mseq_buffer_append_format(text, "%s%s", i ? ", " : "", names[i]);
    mseq_buffer_append_char(text, ')');
}

static char *foreign_key_text(const mseq_constraint *key) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    append_names(&text, key->columns, key->column_count);
    mseq_buffer_append_text(&text, " REFERENCES ");
    if (key->referred_schema)
        mseq_buffer_append_format(&text, "%s.", key->referred_schema);
    mseq_buffer_append_format(&text, "%s ", key->referred_table);
    append_names(&text, key->referred_columns, key->referred_count);
    if (key->ondelete)
        mseq_buffer_append_format(&text, " ON DELETE %s", key->ondelete);
    if (key->onupdate)
        mseq_buffer_append_format(&text, " ON UPDATE %s", key->onupdate);
    if (key->deferrable == 1)
        mseq_buffer_append_text(&text, " DEFERRABLE");
    if (key->initially)
        mseq_buffer_append_format(&text, " INITIALLY %s", key->initially);
    return mseq_buffer_take(&text);
}

static char *index_text(const contract_drift *drift, const mseq_table *table,
                        const mseq_index *index) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    const char *where = mseq_index_where(index, drift->dialect);
    const char *method = mseq_object_get_text(index->postgresql, "using");
    mseq_buffer_append_text(&text, index->unique ? "UNIQUE (" : "(");
    for (size_t i = 0; i < index->element_count; i++) {
        mseq_buffer_append_text(&text, i ? ", " : "");
        contract_element_text(table, &index->elements[i], &text);
    }
    mseq_buffer_append_char(&text, ')');
    if (drift->dialect == MSEQ_POSTGRESQL && method)
        mseq_buffer_append_format(&text, " USING %s", method);
    if (where)
        mseq_buffer_append_format(&text, " WHERE %s", where);
    return mseq_buffer_take(&text);
}

static char *constraint_text(const mseq_constraint *constraint) {
    if (constraint->kind == MSEQ_CHECK)
        return mseq_text_dup(constraint->sqltext);
    if (constraint->kind == MSEQ_FOREIGN_KEY)
        return foreign_key_text(constraint);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    append_names(&text, constraint->columns, constraint->column_count);
    return mseq_buffer_take(&text);
}

/* Room for everything a table can have of one kind; NULL items without memory. */
static object_list new_list(contract_drift *drift, const mseq_table *table) {
    size_t room = mseq_table_constraint_count(table) + mseq_table_index_count(table) +
                  mseq_table_column_count(table);
    object_list list = {calloc(room + 1, sizeof *list.items), 0};
    if (!list.items)
        drift->d.failed = true;
    return list;
}

static void free_list(object_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
}

static object_list collect_constraints(contract_drift *drift, const mseq_table *table,
                                       mseq_constraint_kind kind) {
    object_list list = new_list(drift, table);
    for (size_t i = 0; list.items && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(table, i);
        if (constraint->kind != kind)
            continue;
        drift_object *item = &list.items[list.count++];
        item->constraint = constraint;
        item->name = constraint->name;
        if (!(item->text = constraint_text(constraint)))
            drift->d.failed = true;
    }
    return list;
}

/* PostgreSQL reports the index behind a unique constraint or key under the constraint's name. */
static bool backs_constraint(const mseq_table *table, const mseq_index *index) {
    for (size_t i = 0; index->name && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(table, i);
        if ((constraint->kind == MSEQ_UNIQUE || constraint->kind == MSEQ_PRIMARY_KEY ||
             constraint->kind == MSEQ_EXCLUDE) &&
            same_text(constraint->name, index->name))
            return true;
    }
    return false;
}

static object_list collect_indexes(contract_drift *drift, const mseq_table *table) {
    object_list list = new_list(drift, table);
    for (size_t i = 0; list.items && i < mseq_table_index_count(table); i++) {
        const mseq_index *index = mseq_table_index_at(table, i);
        if (backs_constraint(table, index))
            continue;
        drift_object *item = &list.items[list.count++];
        item->index = index;
        item->name = index->name;
        if (!(item->text = index_text(drift, table, index)))
            drift->d.failed = true;
    }
    return list;
}

/* The CHECK that a type brings along in DDL: Boolean on SQLite, an enumeration that is not native.
 */
static char *bound_check(const mseq_column *column, mseq_dialect dialect) {
    const mseq_type *type = mseq_type_for(column->type, dialect);
    const mseq_value *values = mseq_object_get(type->arguments, "values");
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&text, "\"%s\" IN (", column->name);
    if (!values)
        mseq_buffer_append_text(&text, "0, 1");
    for (size_t i = 0; i < mseq_value_length(values); i++) {
        mseq_buffer_append_text(&text, i ? ", '" : "'");
        for (const char *c = mseq_value_get_text(mseq_array_get(values, i)); *c; c++)
            mseq_buffer_append(&text, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1);
        mseq_buffer_append_char(&text, '\'');
    }
    mseq_buffer_append_char(&text, ')');
    return mseq_buffer_take(&text);
}

static bool brings_check(const mseq_column *column, mseq_dialect dialect) {
    const mseq_type *type = mseq_type_for(column->type, dialect);
    if (!mseq_object_get_boolean(type->arguments, "create_constraint", false))
        return false;
    return dialect == MSEQ_SQLITE ||
           (mseq_object_get(type->arguments, "values") &&
            !mseq_object_get_boolean(type->arguments, "native_enum", true));
}

static object_list collect_checks(contract_drift *drift, const mseq_table *table) {
    object_list list = collect_constraints(drift, table, MSEQ_CHECK);
    for (size_t i = 0; list.items && i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        if (!brings_check(column, drift->dialect))
            continue;
        drift_object *item = &list.items[list.count++];
        if (!(item->text = bound_check(column, drift->dialect)))
            drift->d.failed = true;
    }
    return list;
}

/* ---- Same or not
 * ----------------------------------------------------------------------------------------- */

static bool same_column_set(const char *const *a, size_t a_count, const char *const *b,
                            size_t b_count) {
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = false;
        for (size_t k = 0; k < b_count && !same; k++)
            same = strcmp(a[i], b[k]) == 0;
    }
    return same;
}

static bool nulls_not_distinct(const contract_drift *drift, const mseq_value *options) {
    return drift->dialect == MSEQ_POSTGRESQL &&
           mseq_object_get_boolean(options, "nulls_not_distinct", false);
}

static bool same_unique(contract_drift *drift, const drift_object *a, const drift_object *b) {
    return mseq_unique_equivalent(a->constraint, b->constraint, drift->dialect);
}

/* A unique constraint and a unique index over the same columns keep the same rows out. */
static bool same_rule(contract_drift *drift, const drift_object *a, const drift_object *b) {
    const mseq_constraint *constraint = a->constraint ? a->constraint : b->constraint;
    const mseq_index *index = a->index ? a->index : b->index;
    if (!index->unique || index->element_count != constraint->column_count ||
        mseq_index_where(index, drift->dialect) ||
        nulls_not_distinct(drift, index->postgresql) !=
            nulls_not_distinct(drift, constraint->postgresql))
        return false;
    for (size_t i = 0; i < index->element_count; i++) {
        const char *column = index->elements[i].column;
        bool found = false;
        for (size_t k = 0; column && k < constraint->column_count && !found; k++)
            found = strcmp(column, constraint->columns[k]) == 0;
        if (!found)
            return false;
    }
    return true;
}

static bool same_index(contract_drift *drift, const drift_object *a, const drift_object *b) {
    return mseq_index_equivalent(drift->declared, a->index, drift->actual, b->index, drift->dialect,
                                 &drift->d.failed);
}

static bool same_foreign_key(contract_drift *drift, const drift_object *a, const drift_object *b) {
    return mseq_foreign_key_equivalent(a->constraint, b->constraint, drift->dialect);
}

static bool same_sources(contract_drift *drift, const drift_object *a, const drift_object *b) {
    (void)drift;
    return same_column_set(a->constraint->columns, a->constraint->column_count,
                           b->constraint->columns, b->constraint->column_count);
}

static bool same_check(contract_drift *drift, const drift_object *a, const drift_object *b) {
    return mseq_expression_equivalent(a->text, b->text, &drift->d.failed);
}

/* ---- Matching
 * -------------------------------------------------------------------------------------------- */

static void match(contract_drift *drift, object_list *declared, object_list *actual,
                  object_test test) {
    for (size_t i = 0; i < declared->count; i++)
        for (size_t k = 0; k < actual->count && !declared->items[i].matched; k++)
            if (!actual->items[k].matched && !drift->d.failed &&
                test(drift, &declared->items[i], &actual->items[k]))
                declared->items[i].matched = actual->items[k].matched = true;
}

/* What is left after matching: two states of one thing, then what stands alone. */
static void report(contract_drift *drift, const char *about, object_list *declared,
                   object_list *actual, object_test related) {
    for (size_t i = 0; i < declared->count; i++) {
        drift_object *left = &declared->items[i];
        for (size_t k = 0; k < actual->count && !left->matched; k++) {
            drift_object *right = &actual->items[k];
            if (right->matched || !related(drift, left, right))
                continue;
            contract_differ(drift, about, "differs", left->name, left->text, right->text);
            left->matched = right->matched = true;
        }
    }
    for (size_t i = 0; i < declared->count; i++)
        if (!declared->items[i].matched)
            contract_differ(drift, about, "missing", declared->items[i].name,
                            declared->items[i].text, NULL);
    for (size_t i = 0; i < actual->count; i++)
        if (!actual->items[i].matched)
            contract_differ(drift, about, "unexpected", actual->items[i].name, NULL,
                            actual->items[i].text);
}

static void compare_uniqueness(contract_drift *drift) {
    object_list uniques = collect_constraints(drift, drift->declared, MSEQ_UNIQUE);
    object_list actual_uniques = collect_constraints(drift, drift->actual, MSEQ_UNIQUE);
    object_list indexes = collect_indexes(drift, drift->declared);
    object_list actual_indexes = collect_indexes(drift, drift->actual);
    if (!drift->d.failed) {
        match(drift, &uniques, &actual_uniques, same_unique);
        match(drift, &indexes, &actual_indexes, same_index);
        match(drift, &uniques, &actual_indexes, same_rule);
        match(drift, &indexes, &actual_uniques, same_rule);
        report(drift, "unique", &uniques, &actual_uniques, same_name);
        if (!drift->without_indexes)
            report(drift, "index", &indexes, &actual_indexes, same_name);
    }
    free_list(&uniques);
    free_list(&actual_uniques);
    free_list(&indexes);
    free_list(&actual_indexes);
}

static void compare_lists(contract_drift *drift, const char *about, object_list declared,
                          object_list actual, object_test same, object_test related) {
    if (!drift->d.failed) {
        match(drift, &declared, &actual, same);
        report(drift, about, &declared, &actual, related);
    }
    free_list(&declared);
    free_list(&actual);
}

void contract_compare_objects(contract_drift *drift) {
    compare_uniqueness(drift);
    if (!drift->without_foreign_keys)
        compare_lists(drift, "foreign_key",
                      collect_constraints(drift, drift->declared, MSEQ_FOREIGN_KEY),
                      collect_constraints(drift, drift->actual, MSEQ_FOREIGN_KEY), same_foreign_key,
                      same_sources);
    compare_lists(drift, "check", collect_checks(drift, drift->declared),
                  collect_checks(drift, drift->actual), same_check, same_name);
}
