/* SPDX-License-Identifier: MIT
 *
 * Room `sql`: statements as text. pyformat placeholders → the driver's; what kind a statement is.
 * Pure; any thread.
 */
#ifndef MSEQ_SQL_H
#define MSEQ_SQL_H

#include "mainsequence/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Text for a driver: "?1" (SQLite) or "$1" (PostgreSQL) in place of %(name)s, "%%" → "%".
 * names.items[i] is the parameter of placeholder i+1 (each name once, in order of first
 * appearance). Free with mseq_sql_text_free. */
typedef struct mseq_sql_text {
    char *text;
    size_t length;
    mseq_strings names;
} mseq_sql_text;
/* Knows string literals (also E'…' and dollar quotes on PostgreSQL), quoted identifiers (also []
 * and `` on SQLite), line and nested block comments: placeholders inside them are left alone, "%%"
 * counts everywhere (the compiler doubled it everywhere). Refuses (MSEQ_E_STATEMENT): a bare "%",
 * an unfinished placeholder, quote or comment, a NUL. */
MSEQ_API mseq_status mseq_sql_from_pyformat(const char *sql, size_t length, mseq_dialect dialect,
                                            mseq_sql_text *out, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_sql_text_free(mseq_sql_text *text);
/* Parameters by placeholder order (array, owned by the caller) from an object by name or an array
 * by position ("%(0)s"). Refuses missing and unused ones by name. */
MSEQ_API mseq_status mseq_sql_bind(const mseq_sql_text *text, const mseq_value *parameters,
                                   mseq_value **bound, mseq_error *err) MSEQ_MUST_CHECK;

/* First keyword (upper case, at most 15 letters) after white space, comments and "(": "SELECT",
 * "WITH", "INSERT"; "" when there is none. */
MSEQ_API void mseq_sql_first_word(const char *sql, size_t length, mseq_dialect dialect,
                                  char word[16]);
/* Whether the words stand behind each other outside quotes and comments ("ON", "CONFLICT"). */
MSEQ_API bool mseq_sql_has_words(const char *sql, size_t length, mseq_dialect dialect,
                                 const char *first, const char *second);
/* Splits a script into statements at top-level ";" (quotes, comments, and on SQLite trigger bodies
 * respected). */
MSEQ_API mseq_status mseq_sql_split(const char *sql, size_t length, mseq_dialect dialect,
                                    mseq_strings *statements, mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
