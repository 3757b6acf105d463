/* SPDX-License-Identifier: MIT
 * Private to the room `fingerprint`: the storage identity of a table. */
#ifndef FINGERPRINT_IDENTITY_H
#define FINGERPRINT_IDENTITY_H

#include "mainsequence/fingerprint.h"

/* Appends the canonical text of what `table` stores. After a failure the text is of no use. */
mseq_status fingerprint_identity(const mseq_table *table, bool with_name, mseq_buffer *text,
                                 mseq_error *err);

#endif
