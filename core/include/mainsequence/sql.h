/* SPDX-License-Identifier: MIT
 *
 * Room `sql`: statements as text. pyformat placeholders → the driver's; what kind a statement is;
 * what a PostgreSQL statement touches. No I/O; any thread.
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
 * respected). *statements is replaced; on failure it is left as it was. A NUL is refused. */
MSEQ_API mseq_status mseq_sql_split(const char *sql, size_t length, mseq_dialect dialect,
                                    mseq_strings *statements, mseq_error *err) MSEQ_MUST_CHECK;

/* ---- A PostgreSQL statement under an operation and its scope ------------------------------------
 */

typedef enum mseq_sql_kind {
    MSEQ_SQL_SELECT = 1, /* also VALUES and TABLE */
    MSEQ_SQL_INSERT,
    MSEQ_SQL_UPDATE,
    MSEQ_SQL_DELETE
} mseq_sql_kind;

typedef struct mseq_sql_relation {
    char *schema; /* NULL: as the search path has it */
    char *name;
    bool written; /* target of INSERT, UPDATE or DELETE */
} mseq_sql_relation;

/* What a statement is and touches. Names are as PostgreSQL reads them (folded to lower case unless
 * quoted), each once, in their order. Free with mseq_sql_statement_free. */
typedef struct mseq_sql_statement {
    size_t start;         /* first byte behind empty statements and comments */
    mseq_sql_kind kind;   /* of the statement itself */
    unsigned changes;     /* 1u << kind for every data change in it, those in WITH included */
    bool on_conflict;     /* an INSERT in it has ON CONFLICT */
    bool conflict_update; /* … DO UPDATE */
    mseq_sql_relation *relations; /* tables, without the names that stand for a WITH query */
    size_t relation_count;
    mseq_strings functions; /* called by name */
    mseq_strings operators;
    mseq_strings attributes; /* b of a.b: a column, or a function of the row if a has no such one */
} mseq_sql_statement;

/* Reads one statement. Refuses (MSEQ_E_STATEMENT, with a code) what a governed operation may not
 * be, whatever its scope: no or several statements (multiple_statements); another kind, MERGE,
 * locks, INTO (statement_not_allowed); functions, operators and types that are not on the lists of
 * harmless ones (function_not_allowed, operator_not_allowed, type_not_allowed); text that
 * PostgreSQL cannot read (invalid_statement); more than 2,000 operators or NOTs in one expression,
 * parentheses, brackets and CASEs inside each other, SELECTs, set operators, or joins
 * (nesting_too_deep). Parameters are $1, $2, …. The parser (libpg_query) runs on a thread of its
 * own with a stack of 64 MiB: the caller's stack may be small. */
MSEQ_API mseq_status mseq_sql_inspect(const char *sql, size_t length, mseq_sql_statement *statement,
                                      mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_sql_statement_free(mseq_sql_statement *statement);
/* Whether the statement is of the operation ("select", "insert", "update", "delete", "upsert").
 * insert: no DO UPDATE. upsert: an INSERT with ON CONFLICT somewhere in it. Data changes of another
 * kind in WITH only under upsert. Refusal: kind_mismatch. */
MSEQ_API mseq_status mseq_sql_check_operation(const mseq_sql_statement *statement,
                                              const char *operation,
                                              mseq_error *err) MSEQ_MUST_CHECK;

typedef enum mseq_access { MSEQ_ACCESS_READ = 1, MSEQ_ACCESS_WRITE = 2 } mseq_access;
typedef struct mseq_governed_table {
    const char *name; /* physical name */
    mseq_access access;
    const char *schema; /* PostgreSQL; NULL: the default one */
} mseq_governed_table;

/* Whether every table of the statement is listed, those it changes with write access. Refusals:
 * scope_violation, write_not_permitted. */
MSEQ_API mseq_status mseq_sql_check_scope(const mseq_sql_statement *statement,
                                          const mseq_governed_table *tables, size_t count,
                                          const char *default_schema,
                                          mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
