/* SPDX-License-Identifier: MIT
 * Indexes, unique constraints, foreign keys and checks of a table that both sides have. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* An index or a constraint of one side. */
typedef struct object {
    const table_side *side;
    const mseq_constraint *constraint; /* NULL: an index */
    size_t index;
    char *name; /* owned; as the database has it */
    bool unnamed;
    bool matched;
} object;

typedef struct object_list {
    object *items;
    size_t count;
} object_list;

static const mseq_index *index_of(const object *item) {
    return mseq_table_index_at(item->side->table, item->index);
}

/* ---- Collecting ------------------------------------------------------------------------------ */

/* PostgreSQL cuts final names that are too long. */
static char *database_name(compare *c, const char *name) {
    char *cut = NULL;
    if (c->dialect == MSEQ_SQLITE || mseq_naming_truncate_final(name, &cut, NULL) == MSEQ_E_NAME)
        cut = mseq_text_dup(name);
    c->m.failed = c->m.failed || !cut;
    return cut;
}

static object_list new_list(compare *c, const table_side *side) {
    size_t room = mseq_table_constraint_count(side->table) + mseq_table_index_count(side->table) +
                  mseq_table_column_count(side->table);
    object_list list = {calloc(room + 1, sizeof *list.items), 0};
    c->m.failed = c->m.failed || !list.items;
    return list;
}

static void free_list(object_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
}

static int by_name(const void *left, const void *right) {
    const object *a = left, *b = right;
    int order = strcmp(a->name ? a->name : "", b->name ? b->name : "");
    return order ? order : (a->constraint != NULL) - (b->constraint != NULL);
}

static void sort(object_list *list) {
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, by_name);
}

static void collect_constraints(compare *c, const table_side *side, mseq_constraint_kind kind,
                                object_list *list) {
    for (size_t i = 0; !c->m.failed && i < mseq_table_constraint_count(side->table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(side->table, i);
        if (constraint->kind != kind)
            continue;
        char *name = compare_constraint_name(c, side->table, constraint);
        list->items[list->count++] = (object){.side = side,
                                              .constraint = constraint,
                                              .name = name ? database_name(c, name) : NULL,
                                              .unnamed = constraint->name == NULL};
        free(name);
    }
}

/* A database may report the index behind a unique constraint or key under the constraint's name. */
static bool backs_constraint(const mseq_table *table, const mseq_index *index) {
    for (size_t i = 0; index->name && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(table, i);
        if (constraint->kind != MSEQ_FOREIGN_KEY && constraint->kind != MSEQ_CHECK &&
            compare_text_equal(constraint->name, index->name))
            return true;
    }
    return false;
}

static void collect_indexes(compare *c, const table_side *side, object_list *list) {
    for (size_t i = 0; !c->m.failed && i < mseq_table_index_count(side->table); i++) {
        const mseq_index *index = mseq_table_index_at(side->table, i);
        if (!index->name || backs_constraint(side->table, index))
            continue;
        list->items[list->count++] =
            (object){.side = side, .index = i, .name = database_name(c, index->name)};
    }
}

/* ---- Matching -------------------------------------------------------------------------------- */

typedef bool (*object_test)(compare *c, const object *old, const object *new);

static void match(compare *c, object_list *old, object_list *new, object_test same) {
    for (size_t i = 0; i < new->count; i++)
        for (size_t k = 0; k < old->count && !new->items[i].matched; k++)
            if (!old->items[k].matched && !c->m.failed && same(c, &old->items[k], &new->items[i]))
                new->items[i].matched = old->items[k].matched = true;
}

static bool same_name(const object *a, const object *b) {
    return !a->constraint == !b->constraint && compare_text_equal(a->name, b->name);
}

static bool equivalent(compare *c, const object *old, const object *new) {
    if (!old->constraint != !new->constraint)
        return false;
    if (!old->constraint)
        return mseq_index_equivalent(old->side->table, index_of(old), new->side->table,
                                     index_of(new), c->dialect, c->failed);
    switch (old->constraint->kind) {
    case MSEQ_UNIQUE:
        return mseq_unique_equivalent(old->constraint, new->constraint, c->dialect);
    case MSEQ_FOREIGN_KEY:
        return mseq_foreign_key_equivalent(old->constraint, new->constraint, c->dialect);
    default:
        return mseq_expression_equivalent(old->constraint->sqltext, new->constraint->sqltext,
                                          c->failed);
    }
}

static bool same_in_name_and_content(compare *c, const object *old, const object *new) {
    return same_name(old, new) && equivalent(c, old, new);
}

/* What has no name in the database answers to any name. */
static bool same_but_for_missing_name(compare *c, const object *old, const object *new) {
    return (old->unnamed || new->unnamed) && equivalent(c, old, new);
}

/* ---- Emitting -------------------------------------------------------------------------------- */

static mseq_value *drop(compare *c, const object *item) {
    return item->constraint ? compare_drop_constraint(c, item->side, item->constraint)
                            : compare_drop_index(c, item->side, item->index);
}

static mseq_value *create(compare *c, const object *item) {
    return item->constraint ? compare_create_constraint(c, item->side, item->constraint)
                            : compare_create_index(c, item->side, item->index);
}

static object *find_changed(object_list *new, const object *old) {
    for (size_t i = 0; i < new->count; i++)
        if (!new->items[i].matched && same_name(old, &new->items[i]))
            return &new->items[i];
    return NULL;
}

/* Removed ones by name, then changed ones (drop, create), then added ones. */
static void emit_in_order(compare *c, object_list *old, object_list *new) {
    sort(old);
    sort(new);
    for (size_t i = 0; i < old->count; i++)
        if (!old->items[i].matched && !find_changed(new, &old->items[i]))
            compare_emit(c, drop(c, &old->items[i]));
    for (size_t i = 0; i < old->count; i++) {
        object *changed = old->items[i].matched ? NULL : find_changed(new, &old->items[i]);
        if (!changed)
            continue;
        compare_emit(c, drop(c, &old->items[i]));
        compare_emit(c, create(c, changed));
        changed->matched = true;
    }
    for (size_t i = 0; i < new->count; i++)
        if (!new->items[i].matched)
            compare_emit(c, create(c, &new->items[i]));
}

void compare_indexes(compare *c) {
    object_list old = new_list(c, &c->old), new = new_list(c, &c->new);
    if (!c->m.failed) {
        collect_constraints(c, &c->old, MSEQ_UNIQUE, &old);
        collect_constraints(c, &c->new, MSEQ_UNIQUE, &new);
        collect_indexes(c, &c->old, &old);
        collect_indexes(c, &c->new, &new);
        match(c, &old, &new, same_in_name_and_content);
        match(c, &old, &new, same_but_for_missing_name);
        emit_in_order(c, &old, &new);
    }
    free_list(&old);
    free_list(&new);
}

/* ---- Foreign keys ---------------------------------------------------------------------------- */

/* Whether the referred table is one that both sides have and that is compared `later` (or earlier)
 * than this one: what it gets or loses comes then. */
static bool refers_to_compared(const compare *c, const mseq_constraint *key, bool later) {
    if (!mseq_metadata_find(c->before, key->referred_schema, key->referred_table) ||
        !mseq_metadata_find(c->after, key->referred_schema, key->referred_table))
        return false;
    const char *schema = compare_schema(key->referred_schema);
    int order = strcmp(schema ? schema : "", c->schema ? c->schema : "");
    order = order ? order : strcmp(key->referred_table, c->name);
    return later ? order > 0 : order < 0;
}

/* Whether the referred columns are no key of the table yet (or no more), so that the order of
 * operations matters. */
static bool is_key(const mseq_table *table, const mseq_constraint *key) {
    for (size_t i = 0; i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *unique = mseq_table_constraint_at(table, i);
        bool same = (unique->kind == MSEQ_UNIQUE || unique->kind == MSEQ_PRIMARY_KEY) &&
                    unique->column_count == key->referred_count;
        for (size_t k = 0; same && k < key->referred_count; k++)
            same = strcmp(unique->columns[k], key->referred_columns[k]) == 0;
        if (same)
            return true;
    }
    return false;
}

static bool needs_later(const compare *c, const mseq_constraint *key) {
    const mseq_table *old =
        mseq_metadata_find(c->before, key->referred_schema, key->referred_table);
    return refers_to_compared(c, key, true) && !is_key(old, key);
}

static bool needed_earlier(const compare *c, const mseq_constraint *key) {
    const mseq_table *new = mseq_metadata_find(c->after, key->referred_schema, key->referred_table);
    return refers_to_compared(c, key, false) && !is_key(new, key);
}

static bool foreign_key_same(compare *c, const object *old, const object *new) {
    return equivalent(c, old, new);
}

void compare_foreign_keys(compare *c) {
    object_list old = new_list(c, &c->old), new = new_list(c, &c->new);
    if (!c->m.failed) {
        collect_constraints(c, &c->old, MSEQ_FOREIGN_KEY, &old);
        collect_constraints(c, &c->new, MSEQ_FOREIGN_KEY, &new);
        match(c, &old, &new, foreign_key_same); /* names do not count */
        sort(&old);
        sort(&new);
        for (size_t i = 0; i < old.count; i++)
            if (!old.items[i].matched)
                maker_add(&c->m, needed_earlier(c, old.items[i].constraint) ? c->first : c->list,
                          drop(c, &old.items[i]));
        for (size_t i = 0; i < new.count; i++)
            if (!new.items[i].matched)
                maker_add(&c->m, needs_later(c, new.items[i].constraint) ? c->last : c->list,
                          create(c, &new.items[i]));
    }
    free_list(&old);
    free_list(&new);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

/* The check that a column's type brings along (Boolean, Enum with create_constraint) is the type's:
 * one in the database that says the same is accounted for; true when there is one to be made. */
static bool match_type_check(compare *c, const mseq_column *column, object_list *old) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (mseq_ddl_type_check(c->dialect, column, &text) != MSEQ_OK)
        c->m.failed = true;
    bool found = text.length == 0;
    for (size_t k = 0; k < old->count && !found; k++) {
        found = !old->items[k].matched &&
                mseq_expression_equivalent(old->items[k].constraint->sqltext,
                                           mseq_buffer_text(&text), c->failed);
        old->items[k].matched = old->items[k].matched || found;
    }
    mseq_buffer_free(&text);
    return !found;
}

static void create_type_check(compare *c, const mseq_column *column) {
    const mseq_type *type = mseq_type_for(column->type, c->dialect);
    const char *given = mseq_object_get_text(type->arguments, "name");
    char *name = given ? mseq_text_dup(given) : NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    bool ok = mseq_ddl_type_check(c->dialect, column, &text) == MSEQ_OK && (!given || name);
    if (ok && mseq_table_uses_naming_convention(c->new.table)) {
        free(name);
        name = NULL;
        ok = mseq_naming_check_constraint_name(c->name, given, &name, NULL) != MSEQ_E_NO_MEMORY;
    }
    c->m.failed = c->m.failed || !ok;
    mseq_value *operation = compare_operation(c, "create_check_constraint");
    maker_text(&c->m, operation, "name", name);
    maker_flag(&c->m, operation, "name_final", name != NULL);
    maker_text(&c->m, operation, "sqltext", mseq_buffer_text(&text));
    compare_emit(c, operation);
    mseq_buffer_free(&text);
    free(name);
}

void compare_checks(compare *c) {
    object_list old = new_list(c, &c->old), new = new_list(c, &c->new);
    size_t count = mseq_table_column_count(c->new.table);
    bool *make = calloc(count + 1, sizeof *make);
    c->m.failed = c->m.failed || !make;
    if (!c->m.failed) {
        collect_constraints(c, &c->old, MSEQ_CHECK, &old);
        collect_constraints(c, &c->new, MSEQ_CHECK, &new);
        match(c, &old, &new, same_in_name_and_content);
        match(c, &old, &new, same_but_for_missing_name);
        for (size_t i = 0; i < count; i++)
            make[i] = match_type_check(c, mseq_table_column_at(c->new.table, i), &old);
        emit_in_order(c, &old, &new);
    }
    for (size_t i = 0; make && i < count; i++) { /* a new column brings its own */
        const mseq_column *column = mseq_table_column_at(c->new.table, i);
        if (make[i] && compare_old_column(c, column->name))
            create_type_check(c, column);
    }
    free(make);
    free_list(&old);
    free_list(&new);
}
