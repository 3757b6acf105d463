/* SPDX-License-Identifier: MIT
 * Autogenerate: the operations that lead from one collection of tables to another, always in the
 * same order, and in one that the database accepts: parents are made before children and dropped
 * after them; foreign keys of a cycle are added when all its tables are there. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

typedef struct sorted {
    const mseq_table **tables;
    bool *in_cycle;
    size_t count;
} sorted;

static mseq_status sort_tables(const mseq_metadata *metadata, sorted *s, mseq_error *err) {
    s->count = mseq_metadata_count(metadata);
    s->tables = calloc(s->count + 1, sizeof(mseq_table *));
    s->in_cycle = calloc(s->count + 1, sizeof *s->in_cycle);
    if (!s->tables || !s->in_cycle)
        return mseq_error_no_memory(err);
    return mseq_metadata_sort(metadata, MSEQ_SORT_NAME, s->tables, s->in_cycle, NULL, err);
}

static void free_sorted(sorted *s) {
    free(s->tables);
    free(s->in_cycle);
}

static int by_schema_and_name(const void *left, const void *right) {
    const mseq_table *a = *(const mseq_table *const *)left, *b = *(const mseq_table *const *)right;
    const char *a_schema = compare_schema(mseq_table_schema(a)),
               *b_schema = compare_schema(mseq_table_schema(b));
    int order = strcmp(a_schema ? a_schema : "", b_schema ? b_schema : "");
    return order ? order : strcmp(mseq_table_name(a), mseq_table_name(b));
}

static void set_table(compare *c, const mseq_table *table) {
    c->name = mseq_table_name(table);
    c->schema = mseq_table_schema(table);
}

/* Indexes of one side by name. */
static int by_index_name(const void *left, const void *right) {
    const mseq_index *a = *(const mseq_index *const *)left, *b = *(const mseq_index *const *)right;
    return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static void emit_indexes(compare *c, const table_side *side, bool make) {
    size_t count = mseq_table_index_count(side->table);
    const mseq_index **indexes = calloc(count + 1, sizeof(mseq_index *));
    c->m.failed = c->m.failed || !indexes;
    if (!indexes)
        return;
    for (size_t i = 0; i < count; i++)
        indexes[i] = mseq_table_index_at(side->table, i);
    qsort(indexes, count, sizeof(mseq_index *), by_index_name);
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (mseq_table_index_at(side->table, at) != indexes[i])
            at++;
        compare_emit(c, make ? compare_create_index(c, side, at) : compare_drop_index(c, side, at));
    }
    free(indexes);
}

/* The table as a revision states it: columns and constraints, nothing that only the program knows.
 */
static mseq_value *plain_description(compare *c, const table_side *side) {
    static const char *const keys[] = {
        "name",        "schema",     "naming_convention",  "comment",           "prefixes",
        "primary_key", "postgresql", "unique_constraints", "check_constraints", "foreign_keys",
        "sqlite",      NULL};
    const mseq_value *columns = mseq_object_get(side->description, "columns");
    mseq_value *description = maker_object(&c->m), *list = maker_array(&c->m);
    for (size_t i = 0; i < mseq_value_length(columns); i++)
        maker_add(&c->m, list, compare_column(c, mseq_array_get(columns, i)));
    maker_copy_keys(&c->m, description, side->description, keys);
    maker_put(&c->m, description, "columns", list);
    return description;
}

/* ---- New tables --------------------------------------------------------------------------------
 */

/* Foreign keys that CREATE TABLE cannot have yet: of a cycle, or by the author's word. SQLite takes
 * any. */
static bool comes_later(const compare *c, const mseq_constraint *key, bool in_cycle) {
    bool self = strcmp(key->referred_table, c->name) == 0 &&
                compare_text_equal(compare_schema(key->referred_schema), compare_schema(c->schema));
    return c->dialect == MSEQ_POSTGRESQL && key->kind == MSEQ_FOREIGN_KEY && !self &&
           (in_cycle || key->use_alter);
}

static void split_foreign_keys(compare *c, const table_side *side, mseq_value *description,
                               bool in_cycle) {
    mseq_value *inline_keys = maker_array(&c->m);
    for (size_t i = 0; i < mseq_table_constraint_count(side->table); i++) {
        const mseq_constraint *key = mseq_table_constraint_at(side->table, i);
        if (key->kind != MSEQ_FOREIGN_KEY)
            continue;
        if (comes_later(c, key, in_cycle)) {
            maker_add(&c->m, c->last, compare_create_constraint(c, side, key));
            continue;
        }
        mseq_value *copy = mseq_value_dup(side_constraint(side, key));
        if (copy)
            (void)mseq_object_remove(copy, "use_alter");
        c->m.failed = c->m.failed || !copy;
        maker_add(&c->m, inline_keys, copy);
    }
    (void)mseq_object_remove(description, "foreign_keys");
    if (mseq_value_length(inline_keys))
        maker_put(&c->m, description, "foreign_keys", inline_keys);
    else
        mseq_value_free(inline_keys);
}

static mseq_status create_table(compare *c, const mseq_table *table, bool in_cycle,
                                mseq_error *err) {
    table_side side = {NULL, NULL};
    mseq_status status = side_open(table, &side, err);
    if (status != MSEQ_OK)
        return status;
    set_table(c, table);
    mseq_value *operation = maker_object(&c->m), *description = plain_description(c, &side);
    if (!c->m.failed)
        split_foreign_keys(c, &side, description, in_cycle);
    maker_text(&c->m, operation, "op", "create_table");
    maker_put(&c->m, operation, "table", description);
    compare_emit(c, operation);
    emit_indexes(c, &side, true);
    side_close(&side);
    return MSEQ_OK;
}

/* ---- Tables that both have ---------------------------------------------------------------------
 */

static void compare_comment(compare *c) {
    const char *old = mseq_table_comment(c->old.table), *new = mseq_table_comment(c->new.table);
    old = old && *old ? old : NULL; /* an empty comment is none */
    new = new &&*new ? new : NULL;
    if (c->dialect == MSEQ_SQLITE || compare_text_equal(old, new))
        return;
    mseq_value *operation =
        compare_operation(c, new ? "create_table_comment" : "drop_table_comment");
    maker_text(&c->m, operation, "comment", new);
    maker_text(&c->m, operation, "existing_comment", old);
    compare_emit(c, operation);
}

static mseq_status alter_table(compare *c, const mseq_table *before, const mseq_table *after,
                               mseq_error *err) {
    mseq_status status = side_open(before, &c->old, err);
    if (status == MSEQ_OK)
        status = side_open(after, &c->new, err);
    if (status == MSEQ_OK) {
        c->name = mseq_table_name(after);
        c->schema = compare_schema(mseq_table_schema(before));
        compare_primary_key_drop(c);
        compare_columns_add_and_alter(c);
        compare_primary_key_create(c);
        compare_indexes(c);
        compare_foreign_keys(c);
        compare_comment(c);
        compare_checks(c);
        compare_columns_drop(c);
    }
    side_close(&c->old);
    side_close(&c->new);
    return status;
}

/* ---- Tables that are gone ----------------------------------------------------------------------
 */

static bool refers_to(const mseq_table *child, const mseq_table *parent) {
    for (size_t i = 0; child != parent && i < mseq_table_constraint_count(child); i++) {
        const mseq_constraint *key = mseq_table_constraint_at(child, i);
        if (key->kind == MSEQ_FOREIGN_KEY &&
            strcmp(key->referred_table, mseq_table_name(parent)) == 0 &&
            compare_text_equal(compare_schema(key->referred_schema),
                               compare_schema(mseq_table_schema(parent))))
            return true;
    }
    return false;
}

static mseq_status drop_table(compare *c, const mseq_table *table, mseq_error *err) {
    table_side side = {NULL, NULL};
    mseq_status status = side_open(table, &side, err);
    if (status != MSEQ_OK)
        return status;
    set_table(c, table);
    emit_indexes(c, &side, false);
    mseq_value *operation = maker_object(&c->m);
    maker_text(&c->m, operation, "op", "drop_table");
    maker_text(&c->m, operation, "name", c->name);
    maker_text(&c->m, operation, "schema", compare_schema(c->schema));
    maker_put(&c->m, operation, "existing_table", plain_description(c, &side));
    compare_emit(c, operation);
    side_close(&side);
    return MSEQ_OK;
}

/* The foreign keys among tables that refer to each other in a circle go first. */
static mseq_status break_cycle(compare *c, const mseq_table *const *tables, const bool *done,
                               size_t count, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++) {
        table_side side = {NULL, NULL};
        if (done[i] || (status = side_open(tables[i], &side, err)) != MSEQ_OK)
            continue;
        set_table(c, tables[i]);
        c->schema = compare_schema(c->schema);
        for (size_t k = 0; k < mseq_table_constraint_count(side.table); k++) {
            const mseq_constraint *key = mseq_table_constraint_at(side.table, k);
            bool self = key->kind == MSEQ_FOREIGN_KEY && strcmp(key->referred_table, c->name) == 0;
            if (key->kind == MSEQ_FOREIGN_KEY && !self)
                compare_emit(c, compare_drop_constraint(c, &side, key));
        }
        side_close(&side);
    }
    return status;
}

/* Children first, ties by name: a table goes when no table that is left refers to it. */
static mseq_status drop_tables(compare *c, const mseq_table **tables, size_t count,
                               mseq_error *err) {
    bool *done = calloc(2 * count + 1, sizeof *done);
    if (!done)
        return mseq_error_no_memory(err);
    bool *ready = done + count;
    mseq_status status = MSEQ_OK;
    qsort(tables, count, sizeof(mseq_table *), by_schema_and_name);
    for (size_t left = count, free_of_cycles = 0; status == MSEQ_OK && left;) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
            ready[i] = !done[i];
            for (size_t k = 0; ready[i] && !free_of_cycles && k < count; k++)
                ready[i] = done[k] || !refers_to(tables[k], tables[i]);
            found += ready[i];
        }
        if (!found) {
            free_of_cycles = 1; /* no foreign key is left among the rest */
            if (c->dialect == MSEQ_POSTGRESQL)
                status = break_cycle(c, tables, done, count, err);
            continue;
        }
        for (size_t i = 0; status == MSEQ_OK && i < count; i++)
            if (ready[i]) {
                status = drop_table(c, tables[i], err);
                done[i] = true;
            }
        left -= found;
    }
    free(done);
    return status;
}

/* ---- All ---------------------------------------------------------------------------------------
 */

static bool is_version_table(const mseq_compare_options *options, const mseq_table *table) {
    return options->version_table && strcmp(options->version_table, mseq_table_name(table)) == 0;
}

static mseq_status compare_new(compare *c, const sorted *after, const mseq_compare_options *options,
                               mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < after->count; i++) {
        const mseq_table *table = after->tables[i];
        if (!is_version_table(options, table) &&
            !mseq_metadata_find(c->before, mseq_table_schema(table), mseq_table_name(table)))
            status = create_table(c, table, after->in_cycle[i], err);
    }
    return status;
}

static mseq_status compare_both(compare *c, sorted *after, const mseq_compare_options *options,
                                mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (after->count)
        qsort(after->tables, after->count, sizeof(mseq_table *), by_schema_and_name);
    for (size_t i = 0; status == MSEQ_OK && i < after->count; i++) {
        const mseq_table *table = after->tables[i],
                         *before = mseq_metadata_find(c->before, mseq_table_schema(table),
                                                      mseq_table_name(table));
        if (before && !is_version_table(options, table))
            status = alter_table(c, before, table, err);
    }
    return status;
}

static mseq_status compare_gone(compare *c, const mseq_compare_options *options, mseq_error *err) {
    size_t count = 0;
    const mseq_table **gone = calloc(mseq_metadata_count(c->before) + 1, sizeof(mseq_table *));
    if (!gone)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_metadata_count(c->before); i++) {
        const mseq_table *table = mseq_metadata_at(c->before, i);
        if (!is_version_table(options, table) &&
            !mseq_metadata_find(c->after, mseq_table_schema(table), mseq_table_name(table)))
            gone[count++] = table;
    }
    mseq_status status = count ? drop_tables(c, gone, count, err) : MSEQ_OK;
    free(gone);
    return status;
}

static void append_all(maker *m, mseq_value *to, const mseq_value *from) {
    for (size_t i = 0; i < mseq_value_length(from); i++)
        maker_add(m, to, mseq_value_dup(mseq_array_get(from, i)));
}

mseq_status mseq_migration_compare(const mseq_metadata *before, const mseq_metadata *after,
                                   mseq_dialect dialect, const mseq_compare_options *options,
                                   mseq_value **operations, mseq_error *err) {
    static const mseq_compare_options defaults = MSEQ_COMPARE_OPTIONS_INIT;
    options = options ? options : &defaults;
    compare c = {.dialect = dialect, .before = before, .after = after};
    sorted tables = {NULL, NULL, 0};
    c.failed = &c.m.failed;
    c.first = maker_array(&c.m);
    c.list = maker_array(&c.m);
    c.last = maker_array(&c.m);
    mseq_status status = sort_tables(after, &tables, err);
    if (status == MSEQ_OK)
        status = compare_new(&c, &tables, options, err);
    if (status == MSEQ_OK)
        status = compare_both(&c, &tables, options, err);
    if (status == MSEQ_OK && options->drop_unknown_tables)
        status = compare_gone(&c, options, err);
    append_all(&c.m, c.first, c.list);
    append_all(&c.m, c.first, c.last);
    free_sorted(&tables);
    mseq_value_free(c.list);
    mseq_value_free(c.last);
    if (status != MSEQ_OK) {
        mseq_value_free(c.first);
        return op_settle(status, err);
    }
    return maker_finish(&c.m, c.first, operations, err);
}
