/* SPDX-License-Identifier: MIT
 * Collections of tables, and their order by foreign keys. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

struct mseq_metadata {
    mseq_table **tables;
    size_t count, capacity;
};

mseq_status mseq_metadata_new(mseq_metadata **metadata, mseq_error *err) {
    mseq_metadata *created = calloc(1, sizeof *created);
    if (!created)
        return mseq_error_no_memory(err);
    *metadata = created;
    return MSEQ_OK;
}

void mseq_metadata_free(mseq_metadata *metadata) {
    if (!metadata)
        return;
    for (size_t i = 0; i < metadata->count; i++)
        mseq_table_free(metadata->tables[i]);
    free(metadata->tables);
    free(metadata);
}

/* The default schema has two spellings. */
static bool same_schema(const char *a, const char *b) {
    a = a ? a : "public";
    b = b ? b : "public";
    return strcmp(a, b) == 0;
}

mseq_status mseq_metadata_add(mseq_metadata *metadata, const mseq_table *table, mseq_error *err) {
    if (mseq_metadata_find(metadata, table->schema, table->name))
        return mseq_error_set(
            err, MSEQ_E_SCHEMA, "table '%s%s%s' is declared twice in one collection",
            table->schema ? table->schema : "", table->schema ? "." : "", table->name);
    if (metadata->count == metadata->capacity) {
        size_t capacity = metadata->capacity ? metadata->capacity * 2 : 8;
        mseq_table **tables = realloc(metadata->tables, capacity * sizeof(mseq_table *));
        if (!tables)
            return mseq_error_no_memory(err);
        metadata->tables = tables;
        metadata->capacity = capacity;
    }
    metadata->tables[metadata->count++] = mseq_table_retain(table);
    return MSEQ_OK;
}

size_t mseq_metadata_count(const mseq_metadata *metadata) {
    return metadata->count;
}

const mseq_table *mseq_metadata_at(const mseq_metadata *metadata, size_t index) {
    return index < metadata->count ? metadata->tables[index] : NULL;
}

const mseq_table *mseq_metadata_find(const mseq_metadata *metadata, const char *schema,
                                     const char *name) {
    for (size_t i = 0; i < metadata->count; i++)
        if (strcmp(metadata->tables[i]->name, name) == 0 &&
            same_schema(metadata->tables[i]->schema, schema))
            return metadata->tables[i];
    return NULL;
}

static int by_name(const void *left, const void *right) {
    const mseq_table *a = *(const mseq_table *const *)left, *b = *(const mseq_table *const *)right;
    int order = strcmp(a->schema ? a->schema : "", b->schema ? b->schema : "");
    return order ? order : strcmp(a->name, b->name);
}

/* depends[i * count + k]: table i refers to table k. */
static bool *dependencies(const mseq_table *const *tables, size_t count) {
    bool *depends = calloc(count * count + 1, sizeof *depends);
    for (size_t i = 0; depends && i < count; i++)
        for (size_t c = 0; c < tables[i]->constraint_count; c++) {
            const mseq_constraint *key = &tables[i]->constraints[c];
            if (key->kind != MSEQ_FOREIGN_KEY || key->use_alter)
                continue;
            for (size_t k = 0; k < count; k++)
                if (k != i && strcmp(tables[k]->name, key->referred_table) == 0 &&
                    same_schema(tables[k]->schema, key->referred_schema))
                    depends[i * count + k] = true;
        }
    return depends;
}

/* Whether `from` can reach `target` along dependencies (depth-first, every table once). */
static bool reaches(const bool *depends, size_t count, size_t from, size_t target, bool *seen,
                    size_t *stack) {
    size_t depth = 0;
    memset(seen, 0, count * sizeof *seen);
    stack[depth++] = from;
    while (depth) {
        size_t at = stack[--depth];
        for (size_t k = 0; k < count; k++) {
            if (!depends[at * count + k] || seen[k])
                continue;
            if (k == target)
                return true;
            seen[k] = true;
            stack[depth++] = k;
        }
    }
    return false;
}

/* Level by level, in the given order inside a level: SQLAlchemy's topological.sort_as_subsets. */
static void sort_levels(const bool *depends, size_t count, bool *done, size_t *positions) {
    size_t filled = 0;
    memset(done, 0, count * sizeof *done);
    while (filled < count) {
        size_t level = filled;
        for (size_t i = 0; i < count; i++) {
            bool ready = !done[i];
            for (size_t k = 0; ready && k < count; k++)
                ready = !depends[i * count + k] || done[k];
            if (ready)
                positions[filled++] = i;
        }
        for (size_t i = level; i < filled; i++)
            done[positions[i]] = true;
    }
}

mseq_status mseq_metadata_sort(const mseq_metadata *metadata, mseq_sort sort,
                               const mseq_table **order, bool *in_cycle, bool *cyclic,
                               mseq_error *err) {
    size_t count = metadata->count;
    if (cyclic)
        *cyclic = false;
    if (count == 0)
        return MSEQ_OK;
    const mseq_table **tables = malloc(count * sizeof(mseq_table *));
    bool *flags = calloc(2 * count, sizeof *flags), *on_cycle = flags ? flags + count : NULL;
    size_t *positions = malloc(count * sizeof *positions);
    if (tables)
        for (size_t i = 0; i < count; i++)
            tables[i] = metadata->tables[i];
    if (tables && sort == MSEQ_SORT_NAME)
        qsort(tables, count, sizeof *tables, by_name); // NOLINT(bugprone-sizeof-expression)
    bool *depends = tables ? dependencies(tables, count) : NULL;
    mseq_status status = MSEQ_OK;
    if (!depends || !flags || !positions) {
        status = mseq_error_no_memory(err);
    } else {
        for (size_t i = 0; i < count; i++)
            on_cycle[i] = reaches(depends, count, i, i, flags, positions);
        for (size_t i = 0; i < count; i++) {
            if (!on_cycle[i])
                continue;
            if (cyclic)
                *cyclic = true;
            memset(depends + i * count, 0,
                   count * sizeof *depends); /* its foreign keys do not count */
        }
        sort_levels(depends, count, flags, positions);
        for (size_t i = 0; i < count; i++) {
            order[i] = tables[positions[i]];
            if (in_cycle)
                in_cycle[i] = on_cycle[positions[i]];
        }
    }
    free(depends);
    free(positions);
    free(flags);
    free(tables);
    return status;
}
