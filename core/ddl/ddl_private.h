/* SPDX-License-Identifier: MIT
 * Inside of the room `ddl`. */
#ifndef MSEQ_DDL_PRIVATE_H
#define MSEQ_DDL_PRIVATE_H

#include "mainsequence/ddl.h"

/* Adds the buffer's text as a statement; frees the buffer in any case. */
mseq_status ddl_add_statement(mseq_strings *statements, mseq_buffer *sql, mseq_error *err);
/* On failure takes back what was added since `from`, so that the list is as it was. Returns
 * `status`. */
mseq_status ddl_settle(mseq_status status, mseq_strings *statements, size_t from);

/* Names in a row, "a, b"; columns of `table` (NULL: another's) keep their own rule of quotes. */
void ddl_append_columns(mseq_dialect dialect, const mseq_table *table, const char *const *columns,
                        size_t count, mseq_buffer *sql);
/* The name of a constraint or an index: final ones are cut on PostgreSQL, explicit longer ones are
 * refused there, SQLite takes any. */
mseq_status ddl_append_name(mseq_dialect dialect, const char *name, bool final, const char *what,
                            mseq_buffer *sql, mseq_error *err);
/* INCLUDE (…) of an index or a unique constraint. */
void ddl_append_include(mseq_dialect dialect, const mseq_value *options, mseq_buffer *sql);
/* Whether the table asks for SQLite's AUTOINCREMENT. */
bool ddl_sqlite_autoincrement(const mseq_table *table);

#endif
