/* SPDX-License-Identifier: MIT
 *
 * Room `migration`: operations as data. An operation is an object {op: "add_column", …args} in
 * Alembic's vocabulary (names, argument names and table descriptions as in schema.h; see also
 * spec/golden/ddl). It knows its SQL per dialect, its reverse and its risks. Pure; any thread: what
 * a live database looks like is handed in as reflected tables.
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
/* The operation that undoes it; MSEQ_E_DDL when that is not known from its data. */
MSEQ_API mseq_status mseq_migration_reverse(const mseq_value *operation, mseq_value **reverse,
                                            mseq_error *err) MSEQ_MUST_CHECK;
/* Array of {code, message} an author should know: data loss, rewrite, lock. May be empty. */
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
