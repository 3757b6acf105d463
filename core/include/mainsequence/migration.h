/* SPDX-License-Identifier: MIT
 *
 * Room `migration`: operations as data. An operation is an object {op: "add_column", …args} in
 * Alembic's vocabulary. It knows its SQL per dialect, its reverse and its risks. Pure; any thread:
 * what a live database looks like is handed in as reflected tables.
 *
 * Operations and their arguments (null counts as absent; `*` is required; tables, columns, types,
 * indexes and defaults are described as in schema.h). `schema` may stand beside every `table`.
 *   create_table  table*: description, if_not_exists
 *   drop_table    name*, schema, if_exists, existing_table
 *   rename_table  old_name*, new_name*, schema
 *   add_column    table*, column*: description, if_not_exists, insert_before, insert_after (SQLite)
 *   drop_column   table*, column*: name, if_exists, existing_column
 *   alter_column  table*, column*: name, nullable, type, server_default, comment, new_name,
 *                 postgresql_using, existing_type, existing_nullable, existing_server_default,
 *                 existing_comment; a default is a column's, or {identity: {…}}; {drop: true} takes
 *                 a default or a comment away
 *   create_index  table*, name, columns or expressions, unique, postgresql, sqlite, if_not_exists;
 *                 strings among the arguments of an index function are columns, other text is
 * {text} drop_index    name*, table, if_exists, postgresql {concurrently}, existing_index
 *   create_unique_constraint, create_primary_key  table*, columns*, name, deferrable, initially, …
 *   create_check_constraint    table*, sqltext*, name, postgresql {not_valid}
 *   create_foreign_key         source_table*, referred_table*, columns*, referred_columns, name,
 *                              source_schema, referred_schema, ondelete, onupdate, deferrable,
 *                              initially, match, postgresql {not_valid}
 *   create_exclude_constraint  table*, name*, elements*: [[expression, operator]], using, where, …
 *   drop_constraint  table*, name*, type ("unique", "check", "primary", "foreignkey"), if_exists,
 *                    existing_constraint
 *   create_table_comment  table*, comment*, existing_comment; drop_table_comment  table*, …
 *   execute       sql*, binds {name: value}: ":name" outside strings and comments is a bind, "\\:"
 * a colon bulk_insert   table*: description, rows*: [{column: value}] What existed before
 * (existing_…) is what a reverse needs; it changes no SQL but identity's. Names: absent, the
 * convention supplies one; given, it is subject to the convention (which wraps a check's name and
 * replaces a unique constraint's); with name_final it stands as it is. Values in binds and rows:
 * scalars; in JSON columns anything; strings in binary columns are bytes;
 * {$type, value} with $type date, time, datetime, uuid, decimal, bytes_hex, sql, or {$type: "now"};
 * {$bytes: base64}. On SQLite instants are stored as YYYY-MM-DDTHH:MM:SS.ffffffZ, uuids with
 * dashes.
 */
#ifndef MSEQ_MIGRATION_H
#define MSEQ_MIGRATION_H

#include "mainsequence/ddl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checks an operation's name and arguments (unknown ones get a near-miss hint). */
MSEQ_API mseq_status mseq_migration_validate(const mseq_value *operation,
                                             mseq_error *err) MSEQ_MUST_CHECK;
/* The table whose present form the operation needs on this dialect (SQLite rebuild, indexes of a
 * dropped table, …), as a name borrowed from the operation; NULL when it needs none. */
MSEQ_API const char *mseq_migration_needs_table(const mseq_value *operation, mseq_dialect dialect);

/* What the caller knows of the database. */
typedef struct mseq_migration_context {
    size_t size;
    bool without_naming_convention;
    const mseq_table
        *table; /* the reflected table that mseq_migration_needs_table named, or NULL */
    /* SQLite: sql texts of the triggers and views that depend on that table, from sqlite_master;
     * they are dropped before and created again after a rebuild. Array of {type, name, sql} or
     * NULL. */
    const mseq_value *dependents;
} mseq_migration_context;
#define MSEQ_MIGRATION_CONTEXT_INIT                                                                \
    { .size = sizeof(mseq_migration_context) }

/* SQL of one operation. Appends to *statements; nothing on failure. On SQLite what ALTER TABLE
 * cannot do becomes a rebuild (create, copy, drop, rename, indexes, triggers, views) that keeps
 * every row; the runner has foreign keys off and checks them before COMMIT. */
MSEQ_API mseq_status mseq_migration_render(const mseq_value *operation, mseq_dialect dialect,
                                           const mseq_migration_context *context,
                                           mseq_strings *statements,
                                           mseq_error *err) MSEQ_MUST_CHECK;
/* The operation that undoes it (names that the convention supplied are spelled out);
 * MSEQ_E_DDL when that is not known from its data. */
MSEQ_API mseq_status mseq_migration_reverse(const mseq_value *operation, mseq_value **reverse,
                                            mseq_error *err) MSEQ_MUST_CHECK;
/* Array of {code, message} an author should know; may be empty. Codes: data_loss, type_narrowing,
 * not_null, not_null_without_default, duplicates, breaks_readers, table_rewrite,
 * index_blocks_writes, validation_lock, opaque. */
MSEQ_API mseq_status mseq_migration_risks(const mseq_value *operation, mseq_value **risks,
                                          mseq_error *err) MSEQ_MUST_CHECK;

/* Autogenerate: the operations that lead from `before` (reflected) to `after` (models), in the
 * order of migrations.md section 3.1, deterministic. Tables that only `before` has are left alone
 * unless drop_unknown_tables. `version_table` is never proposed. Array of operations, owned by the
 * caller. */
typedef struct mseq_compare_options {
    size_t size;
    bool drop_unknown_tables;
    const char *version_table;
} mseq_compare_options;
#define MSEQ_COMPARE_OPTIONS_INIT                                                                  \
    { .size = sizeof(mseq_compare_options) }
MSEQ_API mseq_status mseq_migration_compare(const mseq_metadata *before, const mseq_metadata *after,
                                            mseq_dialect dialect,
                                            const mseq_compare_options *options,
                                            mseq_value **operations,
                                            mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
