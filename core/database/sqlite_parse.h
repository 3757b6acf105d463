/* SPDX-License-Identifier: MIT
 * Inside of the SQLite driver: what CREATE TABLE and CREATE INDEX say. */
#ifndef MSEQ_DATABASE_SQLITE_PARSE_H
#define MSEQ_DATABASE_SQLITE_PARSE_H

#include "sqlite_private.h"

/* Reads tokens one ahead. The first failure (no memory) sticks. */
typedef struct sqlite_reader {
    const char *at, *end;
    sqlite_token token;      /* the next one */
    const char *behind_last; /* the first byte after the one taken last */
    bool failed;
} sqlite_reader;

void sqlite_reader_start(sqlite_reader *reader, const char *sql);
void sqlite_reader_next(sqlite_reader *reader);
bool sqlite_reader_is(const sqlite_reader *reader, const char *word);
bool sqlite_reader_is_byte(const sqlite_reader *reader, char byte);
/* Takes the word, or the byte, if it is next. */
bool sqlite_reader_take(sqlite_reader *reader, const char *word);
bool sqlite_reader_take_byte(sqlite_reader *reader, char byte);
/* Takes a name of any form; NULL without one or without memory. malloc'ed. */
char *sqlite_reader_name(sqlite_reader *reader);
/* Whether a name can stand here. */
bool sqlite_reader_at_name(const sqlite_reader *reader);
/* Takes "(…)"; *text and *length get what is between, without space and comments at its ends. False
 * when no "(" is next. */
bool sqlite_reader_group(sqlite_reader *reader, const char **text, size_t *length);

/* Puts into the description `table` (which has "columns") what the text says beyond PRAGMAs:
 * primary_key, unique_constraints, check_constraints, foreign_keys, sqlite options; and into each
 * column its "computed" text and the "collation" of its type. Text that is not understood adds
 * nothing. MSEQ_E_NO_MEMORY is the only failure. */
mseq_status sqlite_parse_table(const char *sql, mseq_value *table, mseq_error *err);
/* {name, unique, columns or expressions, sqlite{where}}, owned by the caller; a null value when the
 * text is not understood. */
mseq_status sqlite_parse_index(const char *sql, const mseq_value *table, mseq_value **index,
                               mseq_error *err);
/* The name of the table's column that is spelt like `name` in any case, else `name` itself. */
const char *sqlite_column_spelling(const mseq_value *table, const char *name);

#endif
