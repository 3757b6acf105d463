/* SPDX-License-Identifier: MIT
 * Inside of the room `contract`. */
#ifndef MSEQ_CONTRACT_PRIVATE_H
#define MSEQ_CONTRACT_PRIVATE_H

#include "mainsequence/contract.h"

/* A document under construction: the first failure (always memory) sticks, values are taken over in
 * any case. */
typedef struct document {
    bool failed;
} document;

void put(document *d, mseq_value *object, const char *key, mseq_value *value);
void put_text(document *d, mseq_value *object, const char *key,
              const char *text); /* NULL: left out */
void put_boolean(document *d, mseq_value *object, const char *key, bool boolean);
void put_copy(document *d, mseq_value *object, const char *key,
              const mseq_value *value); /* NULL: left out */
void append(document *d, mseq_value *array, mseq_value *item);
mseq_value *text_list(document *d, const char *const *items, size_t count);

/* gen_random_uuid() is the only server default a contract carries: for a uuid primary key. */
bool generates_uuid(const mseq_column *column, const char *data_type);
mseq_value *index_fragment(document *d, const mseq_index *index);
mseq_value *foreign_key_fragment(document *d, const mseq_constraint *key);

#endif
