/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: search in what rows say of their tables. */
#ifndef MSEQ_MANAGER_SEARCH_H
#define MSEQ_MANAGER_SEARCH_H

#include "filters.h"

/* Only tables whose `column` ("search_text" or "column_text") holds all of the words, best first.
 * Words and `text`, which is all of them, are case folded. */
mseq_status manager_search_match(manager_filter *filter, const char *column,
                                 const mseq_strings *words, const char *text,
                                 mseq_error *err) MSEQ_MUST_CHECK;

#endif
