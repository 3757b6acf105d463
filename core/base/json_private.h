/* SPDX-License-Identifier: MIT
 * Inside of the room `base`: reading JSON. */
#ifndef JSON_PRIVATE_H
#define JSON_PRIVATE_H

#include "mainsequence/base.h"

/* The value of text that is plainly valid JSON and nested no deeper; NULL for everything else,
 * memory that ran out included. Owned by the caller. */
mseq_value *json_read_plain(const char *text, size_t length, size_t maximum_depth);
/* The same by jansson, which takes all that is JSON and says what is wrong with the rest. How deep
 * it is nested is for the caller to check before. */
mseq_status json_read_any(const char *text, size_t length, mseq_value **value,
                          mseq_error *err) MSEQ_MUST_CHECK;

#endif
