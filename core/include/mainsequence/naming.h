/* SPDX-License-Identifier: MIT
 *
 * Room `naming`: names of tables, columns, constraints, indexes, namespaces. Pure functions; any
 * thread. Results are malloc'ed text owned by the caller, untouched on failure. Every failure is
 * MSEQ_E_NAME (or NO_MEMORY) and names the part and its value. The algorithms are the reference's
 * (protocol page, section 9); "letters or digits" are Unicode's.
 */
#ifndef MSEQ_NAMING_H
#define MSEQ_NAMING_H

#include "mainsequence/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MSEQ_IDENTIFIER_MAXIMUM 63 /* characters: PostgreSQL's limit, kept for every dialect */

/* [A-Za-z0-9] runs joined by one "_", lower case; empty gives "table"; a leading digit gets "t_".
 */
MSEQ_API mseq_status mseq_naming_slugify(const char *text, char **slug, mseq_error *err);
/* Trim, refuse empty ("<label> is required.") and text without letters or digits, slugify. `label`
 * NULL means "Schema identifier part". */
MSEQ_API mseq_status mseq_naming_normalize_part(const char *text, const char *label, char **part,
                                                mseq_error *err);
/* Parts (each may hold "__") joined with "__", cut to `maximum` characters (0: 63) with "_" and 10
 * hex digits of the MD5 of the whole. */
MSEQ_API mseq_status mseq_naming_bounded_identifier(const char *const *parts, size_t count,
                                                    size_t maximum, char **name, mseq_error *err);
/* app__concept or app__concept__suffix; `suffix` NULL means none. */
MSEQ_API mseq_status mseq_naming_schema_table_name(const char *app, const char *concept_name,
                                                   const char *suffix, char **name,
                                                   mseq_error *err);
/* The parts of a schema table name; *suffix is NULL when there is none. All three are owned. */
MSEQ_API mseq_status mseq_naming_parse_schema_table_name(const char *name, char **app,
                                                         char **concept_name, char **suffix,
                                                         mseq_error *err);

MSEQ_API mseq_status mseq_naming_index_name(const char *table, const char *const *columns,
                                            size_t count, bool unique, char **name,
                                            mseq_error *err);
MSEQ_API mseq_status mseq_naming_foreign_key_name(const char *table, const char *const *columns,
                                                  size_t count, const char *target_table,
                                                  const char *const *target_columns,
                                                  size_t target_count, char **name,
                                                  mseq_error *err);
MSEQ_API mseq_status mseq_naming_primary_key_name(const char *table, char **name, mseq_error *err);
MSEQ_API mseq_status mseq_naming_unique_constraint_name(const char *table,
                                                        const char *const *columns, size_t count,
                                                        char **name, mseq_error *err);
/* `check` NULL or "" means no name of its own: ck__<table>. */
MSEQ_API mseq_status mseq_naming_check_constraint_name(const char *table, const char *check,
                                                       char **name, mseq_error *err);
/* A name that the author marked final (Alembic's op.f): past 63 characters it is cut to 55 and gets
 * "_" and the last 4 hex digits of its MD5 (SQLAlchemy's truncation). */
MSEQ_API mseq_status mseq_naming_truncate_final(const char *name, char **truncated,
                                                mseq_error *err);

/* Slug of a migration namespace (at most 48 characters, SHA-1 digest); NULL or blank is "default".
 */
MSEQ_API mseq_status mseq_naming_namespace_version_slug(const char *migration_namespace,
                                                        char **slug, mseq_error *err);
/* prefix (NULL: "migrations:versions"; blank is refused) + "/" + slug. */
MSEQ_API mseq_status mseq_naming_namespace_version_location(const char *migration_namespace,
                                                            const char *prefix, char **location,
                                                            mseq_error *err);

#ifdef __cplusplus
}
#endif
#endif
