/* SPDX-License-Identifier: MIT
 * Inside of the room `ddl`. */
#ifndef MSEQ_DDL_PRIVATE_H
#define MSEQ_DDL_PRIVATE_H

#include "mainsequence/ddl.h"

/* Adds the buffer's text as a statement; frees the buffer in any case. */
mseq_status add_statement(mseq_strings *statements, mseq_buffer *sql, mseq_error *err);
/* On failure takes back what was added since `from`. Returns `status`. */
mseq_status settle(mseq_status status, mseq_strings *statements, size_t from);

#endif
