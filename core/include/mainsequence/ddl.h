/* SPDX-License-Identifier: MIT
 *
 * Room `ddl`: tables → SQL text, per dialect, as SQLAlchemy 2.0 writes it (golden data:
 * spec/golden/ddl). Pure; any thread. A construct that the dialect cannot express is MSEQ_E_DDL and
 * names it. Statements carry no terminator; "%" stands single. They are appended to the caller's
 * list, which is untouched on failure.
 */
#ifndef MSEQ_DDL_H
#define MSEQ_DDL_H

#include "mainsequence/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The identifier, quoted when the dialect needs it (reserved word, upper case, odd characters).
 * `quote`: -1 by rule, 0 never, 1 always. */
MSEQ_API mseq_status mseq_ddl_quote(mseq_dialect dialect, const char *identifier, int quote,
                                    mseq_buffer *sql);
MSEQ_API bool mseq_ddl_is_reserved(mseq_dialect dialect, const char *lower_case_word);
/* 'text' with quotes doubled. */
MSEQ_API mseq_status mseq_ddl_literal(const char *text, mseq_buffer *sql);
/* schema.table, quoted. */
MSEQ_API mseq_status mseq_ddl_table_reference(mseq_dialect dialect, const char *schema,
                                              const char *name, mseq_buffer *sql);
/* DDL text of a type, e.g. VARCHAR(255). */
MSEQ_API mseq_status mseq_ddl_type(mseq_dialect dialect, const mseq_type *type, mseq_buffer *sql,
                                   mseq_error *err) MSEQ_MUST_CHECK;
/* The native enum type that a column of PostgreSQL needs (an array: that of its items), or NULL. */
MSEQ_API const mseq_type *mseq_ddl_enum_type(const mseq_column *column);
/* CREATE TYPE … AS ENUM (…); `if_missing`: harmless when the type is there. */
MSEQ_API mseq_status mseq_ddl_create_enum(const mseq_type *type, bool if_missing, mseq_buffer *sql,
                                          mseq_error *err) MSEQ_MUST_CHECK;
/* Text of a server default as it stands after DEFAULT. Nothing is written for MSEQ_DEFAULT_NONE. */
MSEQ_API mseq_status mseq_ddl_server_default(mseq_dialect dialect,
                                             const mseq_server_default *server_default,
                                             mseq_buffer *sql, mseq_error *err) MSEQ_MUST_CHECK;
/* GENERATED … AS IDENTITY (…), and one of its options, e.g. INCREMENT BY 7 (nothing when it is not
 * given). */
MSEQ_API mseq_status mseq_ddl_identity(const mseq_value *identity, mseq_buffer *sql);
MSEQ_API mseq_status mseq_ddl_identity_option(const mseq_value *identity, const char *key,
                                              mseq_buffer *sql);
/* name TYPE DEFAULT … NOT NULL, as in CREATE TABLE and ADD COLUMN. */
MSEQ_API mseq_status mseq_ddl_column(mseq_dialect dialect, const mseq_table *table,
                                     const mseq_column *column, mseq_buffer *sql,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* CONSTRAINT name …, as in CREATE TABLE and ADD CONSTRAINT. */
MSEQ_API mseq_status mseq_ddl_constraint(mseq_dialect dialect, const mseq_table *table,
                                         const mseq_constraint *constraint, mseq_buffer *sql,
                                         mseq_error *err) MSEQ_MUST_CHECK;

/* The check that a type brings along: Boolean{create_constraint} on SQLite, an Enum that is not
 * native. Its expression (nothing without one), and the constraint as it stands in CREATE TABLE. */
MSEQ_API bool mseq_ddl_has_type_check(mseq_dialect dialect, const mseq_column *column);
MSEQ_API mseq_status mseq_ddl_type_check(mseq_dialect dialect, const mseq_column *column,
                                         mseq_buffer *sql);
MSEQ_API mseq_status mseq_ddl_type_check_constraint(mseq_dialect dialect, const mseq_table *table,
                                                    const mseq_column *column, mseq_buffer *sql,
                                                    mseq_error *err) MSEQ_MUST_CHECK;

typedef struct mseq_ddl_options {
    size_t size;
    bool if_not_exists;
    bool if_exists;
    bool without_foreign_keys; /* CREATE TABLE leaves them to ALTER (cycles) */
    bool without_indexes;
    const char *rename_table; /* CREATE TABLE under another name (SQLite rebuild); NULL: its own */
} mseq_ddl_options;
#define MSEQ_DDL_OPTIONS_INIT                                                                      \
    { .size = sizeof(mseq_ddl_options) }

/* CREATE TABLE, its CREATE INDEX by name, and on PostgreSQL COMMENT ON. Options NULL: defaults. */
MSEQ_API mseq_status mseq_ddl_create_table(mseq_dialect dialect, const mseq_table *table,
                                           const mseq_ddl_options *options,
                                           mseq_strings *statements,
                                           mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_ddl_drop_table(mseq_dialect dialect, const mseq_table *table,
                                         const mseq_ddl_options *options, mseq_strings *statements,
                                         mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_ddl_create_index(mseq_dialect dialect, const mseq_table *table,
                                           const mseq_index *index, const mseq_ddl_options *options,
                                           mseq_strings *statements,
                                           mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_ddl_drop_index(mseq_dialect dialect, const char *schema, const char *name,
                                         const mseq_ddl_options *options, mseq_strings *statements,
                                         mseq_error *err) MSEQ_MUST_CHECK;
/* ALTER TABLE … ADD CONSTRAINT (PostgreSQL). */
MSEQ_API mseq_status mseq_ddl_add_constraint(mseq_dialect dialect, const mseq_table *table,
                                             const mseq_constraint *constraint,
                                             mseq_strings *statements,
                                             mseq_error *err) MSEQ_MUST_CHECK;
/* All of a collection: SQLAlchemy's create_all and drop_all without existence checks. */
MSEQ_API mseq_status mseq_ddl_create_all(mseq_dialect dialect, const mseq_metadata *metadata,
                                         mseq_strings *statements, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_ddl_drop_all(mseq_dialect dialect, const mseq_metadata *metadata,
                                       mseq_strings *statements, mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
