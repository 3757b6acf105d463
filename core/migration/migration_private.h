/* SPDX-License-Identifier: MIT
 * Inside of the room `migration`. */
#ifndef MSEQ_MIGRATION_PRIVATE_H
#define MSEQ_MIGRATION_PRIVATE_H

#include "mainsequence/migration.h"

typedef enum op_kind {
    OP_CREATE_TABLE,
    OP_DROP_TABLE,
    OP_RENAME_TABLE,
    OP_ADD_COLUMN,
    OP_DROP_COLUMN,
    OP_ALTER_COLUMN,
    OP_CREATE_INDEX,
    OP_DROP_INDEX,
    OP_CREATE_UNIQUE,
    OP_CREATE_CHECK,
    OP_CREATE_PRIMARY_KEY,
    OP_CREATE_FOREIGN_KEY,
    OP_CREATE_EXCLUDE,
    OP_DROP_CONSTRAINT,
    OP_CREATE_TABLE_COMMENT,
    OP_DROP_TABLE_COMMENT,
    OP_EXECUTE,
    OP_BULK_INSERT
} op_kind;

/* ---- vocabulary.c: names and arguments ---- */

/* Checks the operation's name and the kinds of its arguments; *kind tells which it is. */
mseq_status op_check(const mseq_value *operation, op_kind *kind, mseq_error *err);
/* A failure always has an error: buffers know only that memory is short or a limit was passed. */
mseq_status op_settle(mseq_status status, mseq_error *err);
/* Arguments of an operation that op_check has seen. */
static inline const char *text_of(const mseq_value *operation, const char *key) {
    return mseq_object_get_text(operation, key);
}
static inline bool flag_of(const mseq_value *operation, const char *key) {
    return mseq_object_get_boolean(operation, key, false);
}
/* "unique", "check", "primary", "foreignkey" of a drop_constraint; false for another word. */
bool op_constraint_kind(const char *type, mseq_constraint_kind *kind);
const char *op_constraint_type(mseq_constraint_kind kind);

/* ---- value.c: building documents; the first failure (memory) sticks in `failed` ---- */

typedef struct maker {
    bool failed;
} maker;

mseq_value *maker_object(maker *m);
mseq_value *maker_array(maker *m);
void maker_put(maker *m, mseq_value *object, const char *key, mseq_value *value);
void maker_text(maker *m, mseq_value *object, const char *key, const char *text); /* NULL: none */
void maker_flag(maker *m, mseq_value *object, const char *key, bool flag);        /* only true */
void maker_copy(maker *m, mseq_value *object, const char *key, const mseq_value *value);
/* Copies members of `from` that are there and not null. `keys` ends with NULL. */
void maker_copy_keys(maker *m, mseq_value *object, const mseq_value *from, const char *const *keys);
void maker_add(maker *m, mseq_value *array, mseq_value *item);
/* The list under `key`, made if it is not there. */
mseq_value *maker_list(maker *m, mseq_value *object, const char *key);
/* The result if nothing failed; else frees it and reports memory. */
mseq_status maker_finish(maker *m, mseq_value *value, mseq_value **out, mseq_error *err);

/* ---- stub.c: an operation's own piece of a table ---- */

/* A table that holds just what the operation names (columns of no type, the one constraint, index
 * or column), so that `schema` checks it and gives it its name, and `ddl` can print it. */
mseq_status op_stub(const mseq_value *operation, op_kind kind, bool convention, mseq_table **stub,
                    mseq_error *err);
/* The constraint of a stub of create_*_constraint. */
const mseq_constraint *stub_constraint(const mseq_table *stub, op_kind kind);
/* The name that a drop_constraint means: the convention wraps a plain check name. malloc'ed. */
mseq_status op_drop_name(const mseq_value *operation, bool convention, char **name,
                         mseq_error *err);
/* The name that the convention gives a constraint that has none. malloc'ed. */
mseq_status op_conventional_name(const mseq_table *table, const mseq_constraint *constraint,
                                 char **name, mseq_error *err);
/* The table description of a create_table, with the context's word on the convention. */
mseq_status op_table(const mseq_value *operation, bool convention, mseq_table **table,
                     mseq_error *err);

/* compare_side.c: the description of a reflected table; types that reflection could only guess
 * (info.declared_type; *restored) are the database's own in it. */
mseq_status reflected_description(const mseq_table *table, mseq_value **description, bool *restored,
                                  mseq_error *err);

/* ---- Rendering ---- */

typedef struct render {
    mseq_dialect dialect;
    bool convention;
    const mseq_table *table;      /* reflected, or NULL */
    const mseq_value *dependents; /* or NULL */
    mseq_strings *statements;
    mseq_error *err;
} render;

/* Adds the buffer's text as a statement; frees the buffer in any case. */
mseq_status render_add(render *r, mseq_buffer *sql);
/* "ALTER TABLE schema.table " */
void render_alter(render *r, const char *schema, const char *table, mseq_buffer *sql);
void render_comment(render *r, const char *schema, const char *table, const char *column,
                    const char *comment, mseq_buffer *sql);

/* PostgreSQL: the enum type of a column, if it is missing. */
mseq_status render_enum(render *r, const mseq_column *column);

/* alter_column.c: ALTER COLUMN on PostgreSQL */
mseq_status render_alter_column(render *r, const mseq_value *operation);
/* A column of the operation's type and server default, for text and for rebuilds. */
mseq_status op_altered_column(const mseq_value *operation, const char *type_key,
                              const char *default_key, mseq_table **stub, mseq_error *err);
bool op_is_drop(const mseq_value *value); /* {drop: true} */

/* sqlite_columns.c, sqlite_constraints.c: what SQLite can do by itself, and what needs a rebuild */
bool op_sqlite_needs_table(const mseq_value *operation, op_kind kind);
mseq_status op_sqlite_add_column(render *r, const mseq_value *operation);
mseq_status op_sqlite_drop_column(render *r, const mseq_value *operation);
mseq_status op_sqlite_alter_column(render *r, const mseq_value *operation);
mseq_status op_sqlite_create_constraint(render *r, const mseq_value *operation, op_kind kind);
mseq_status op_sqlite_drop_constraint(render *r, const mseq_value *operation);

/* rebuild.c: create, copy, drop, rename, indexes, triggers, views. Takes `description` (what the
 * table is to be, made from r->table), whose columns are filled from columns of the same name. */
mseq_status rebuild_table(render *r, mseq_value *description);

/* data.c: execute and bulk_insert */
mseq_status render_execute(render *r, const mseq_value *operation);
mseq_status render_bulk_insert(render *r, const mseq_value *operation);

/* identifiers.c */
/* Whether SQL text mentions an identifier (case-insensitive unless quoted; not inside strings). */
bool sql_mentions(const char *sql, const char *identifier);

#endif
