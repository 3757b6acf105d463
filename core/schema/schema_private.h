/* SPDX-License-Identifier: MIT
 * Inside of the room `schema`. */
#ifndef MSEQ_SCHEMA_PRIVATE_H
#define MSEQ_SCHEMA_PRIVATE_H

#include <stdatomic.h>

#include "mainsequence/schema.h"

/* Everything a table owns is allocated here and freed at once. */
typedef struct table_arena {
    struct arena_block *blocks;
} table_arena;

void *arena_new(table_arena *arena, size_t size); /* zeroed; NULL when memory is short */
const char *arena_text(table_arena *arena, const char *text);
const mseq_value *arena_keep(table_arena *arena,
                             mseq_value *value); /* becomes owner, even on failure */
void arena_free(table_arena *arena);

struct mseq_table {
    atomic_int owners;
    bool frozen;
    bool naming_convention;
    table_arena arena;
    mseq_value *draft; /* the description so far; NULL once frozen */
    const char *name, *schema, *comment;
    const mseq_value *prefixes, *info, *postgresql, *sqlite;
    mseq_table_meta meta;
    mseq_column *columns;
    size_t column_count;
    mseq_constraint *constraints;
    size_t constraint_count, constraint_capacity;
    mseq_index *indexes;
    size_t index_count, index_capacity;
};

/* Refuses members of `object` that are not in `keys` (NULL-terminated), with a near miss. */
mseq_status check_keys(const mseq_value *object, const char *what, const char *const *keys,
                       mseq_error *err);
/* Member of the right kind or absent (null counts as absent); refuses others by name. */
mseq_status get_text(const mseq_value *object, const char *what, const char *key, const char **text,
                     mseq_error *err);
/* As get_text, copied into the table's arena. */
mseq_status keep_text(mseq_table *table, const mseq_value *source, const char *what,
                      const char *key, const char **out, mseq_error *err);
mseq_status get_boolean(const mseq_value *object, const char *what, const char *key, int *boolean,
                        mseq_error *err);
mseq_status get_object(const mseq_value *object, const char *what, const char *key,
                       const mseq_value **member, mseq_error *err);
mseq_status get_array(const mseq_value *object, const char *what, const char *key,
                      const mseq_value **member, mseq_error *err);

mseq_status parse_type(table_arena *arena, const mseq_value *description, const char *what,
                       const mseq_type **type, mseq_error *err);
/* The type's name on SQLAlchemy's default dialect, without arguments. Static. */
const char *default_type_word(const mseq_type *type);
/* Characters of a VARCHAR that holds every value of a non-native enum. */
int64_t enum_length(const mseq_type *type);
mseq_status parse_columns(mseq_table *table, mseq_error *err);
mseq_status parse_constraints(mseq_table *table, mseq_error *err);
mseq_status parse_indexes(mseq_table *table, mseq_error *err);
mseq_status parse_meta(mseq_table *table, mseq_error *err);
/* Time-indexed tables: checks the grain and adds its unique index unless there is one. */
mseq_status apply_time_index(mseq_table *table, mseq_error *err);

mseq_constraint *add_constraint(mseq_table *table);
mseq_index *add_index(mseq_table *table);
/* A text array in the arena from a value array whose items are column names of the table. */
mseq_status parse_column_names(mseq_table *table, const mseq_value *names, const char *what,
                               const char *const **columns, size_t *count, mseq_error *err);
mseq_status resolve_constraint_name(mseq_table *table, mseq_constraint *constraint,
                                    mseq_error *err);
mseq_status resolve_index_name(mseq_table *table, mseq_index *index, mseq_error *err);
bool same_column_set(const char *const *a, size_t a_count, const char *const *b, size_t b_count);

#endif
