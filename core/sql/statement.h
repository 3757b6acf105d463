/* SPDX-License-Identifier: MIT
 * Inside of the room `sql`: what a PostgreSQL statement is and touches. */
#ifndef MSEQ_SQL_STATEMENT_H
#define MSEQ_SQL_STATEMENT_H

#include "lexer.h"

/* Most of each construct that nests, in one statement. */
enum { SQL_NESTING_MAXIMUM = 2000 };
/* Most references to tables in one statement. */
enum { SQL_REFERENCES_MAXIMUM = 10000 };

/* ---- nesting.c: before the parser
 * ---------------------------------------------------------------- */

/* Refuses text that a recursive parser had better not see: what nests deeper than
 * SQL_NESTING_MAXIMUM, more than one statement, a statement of another kind by its first word.
 * *start gets where it begins. */
mseq_status sql_check_nesting(const char *sql, size_t length, size_t *start,
                              mseq_error *err) MSEQ_MUST_CHECK;

/* ---- allowed.c: what a governed statement may use of PostgreSQL
 * ---------------------------------- */

bool sql_function_allowed(const char *name);
bool sql_operator_allowed(const char *name);
bool sql_type_allowed(const char *name);

/* ---- postgresql_parse.c
 * ------------------------------------------------------------------------- */

/* Parses and walks on a thread of its own. */
mseq_status sql_parse_postgresql(const char *sql, mseq_sql_statement *statement,
                                 mseq_error *err) MSEQ_MUST_CHECK;

/* ---- statement.c: facts that the walker notes ---------------------------------------------------
 */

/* `schema` may be NULL or "". */
mseq_status sql_note_relation(mseq_sql_statement *statement, const char *schema, const char *name,
                              bool written) MSEQ_MUST_CHECK;
/* Each fact once, in order of name. */
void sql_finish_notes(mseq_sql_statement *statement);

/* Refusal of a statement with a code. Returns MSEQ_E_STATEMENT. */
mseq_status sql_refuse(mseq_error *err, const char *code, const char *format, ...)
    MSEQ_PRINTF(3, 4);

#endif
