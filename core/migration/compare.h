/* SPDX-License-Identifier: MIT
 * Comparison of two schemas: what its files share. */
#ifndef MSEQ_MIGRATION_COMPARE_H
#define MSEQ_MIGRATION_COMPARE_H

#include "migration_private.h"

/* One state of a table: frozen, and as a description whose parts go into operations. */
typedef struct table_side {
    mseq_table *table;
    mseq_value *description;
} table_side;

mseq_status side_open(const mseq_table *table, table_side *side, mseq_error *err);
void side_close(table_side *side);
const mseq_value *side_column(const table_side *side, const mseq_column *column);
const mseq_value *side_constraint(const table_side *side, const mseq_constraint *constraint);
const mseq_value *side_index(const table_side *side, size_t index);

typedef struct compare {
    mseq_dialect dialect;
    maker m;
    bool *failed;      /* = &m.failed: for predicates of `schema` */
    mseq_value *first; /* constraints that others stand in the way of, before everything */
    mseq_value *list;  /* operations in their order */
    mseq_value *last;  /* foreign keys that need what comes after their table */
    const mseq_metadata *before, *after;
    const char *schema; /* of the table that is being compared, as in the database; NULL: default */
    const char *name;
    table_side old, new;
} compare;

/* An operation on the table that is being compared. */
mseq_value *compare_operation(compare *c, const char *op);
void compare_emit(compare *c, mseq_value *operation);
/* A column for add_column and create_table: without what only the program knows. */
mseq_value *compare_column(compare *c, const mseq_value *described);
mseq_value *compare_create_index(compare *c, const table_side *side, size_t index);
mseq_value *compare_drop_index(compare *c, const table_side *side, size_t index);
mseq_value *compare_create_constraint(compare *c, const table_side *side,
                                      const mseq_constraint *constraint);
mseq_value *compare_drop_constraint(compare *c, const table_side *side,
                                    const mseq_constraint *constraint);
/* Its name, or the one that the convention would give it. malloc'ed; NULL: *c failed. */
char *compare_constraint_name(compare *c, const mseq_table *table,
                              const mseq_constraint *constraint);
bool compare_text_equal(const char *a, const char *b); /* NULL equals NULL */
/* The column of the old side that a column of the new one is: by name as the database has it. */
const mseq_column *compare_old_column(const compare *c, const char *name);
/* NULL and "public" are the default schema. */
const char *compare_schema(const char *schema);

/* compare_columns.c */
void compare_primary_key_drop(compare *c);
void compare_primary_key_create(compare *c);
void compare_columns_add_and_alter(compare *c);
void compare_columns_drop(compare *c);
/* compare_objects.c */
void compare_indexes(compare *c);
void compare_foreign_keys(compare *c);
void compare_checks(compare *c);

#endif
