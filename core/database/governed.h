/* SPDX-License-Identifier: MIT
 * Inside of the room `database`: what the drivers' governed statements share. */
#ifndef MSEQ_DATABASE_GOVERNED_H
#define MSEQ_DATABASE_GOVERNED_H

#include "mainsequence/database.h"

/* Bytes that the rows of a reply may take. */
int64_t governed_max_bytes(const mseq_governed_statement *statement);
/* What must hold before a database is asked. */
mseq_status governed_check_arguments(const mseq_governed_statement *statement, mseq_error *err);
/* Adds a row (owned by `rows` afterwards, also on failure); *bytes counts what it is as JSON. */
mseq_status governed_keep_row(const mseq_governed_statement *statement, mseq_value *rows,
                              mseq_value *row, int64_t *bytes, mseq_error *err);
/* The refusal of a write that returns `count` rows, more than max_rows. */
mseq_status governed_too_many_rows(const mseq_governed_statement *statement, int64_t count,
                                   mseq_error *err);
/* The refusal of a statement whose rows cannot be read one by one. */
mseq_status governed_no_cursor(const mseq_governed_statement *statement, mseq_error *err);
/* Asks the caller whether what was done may count. */
mseq_status governed_confirm(const mseq_governed_statement *statement, mseq_error *err);

#endif
