/* SPDX-License-Identifier: MIT
 * Inside of the room `contract`. */
#ifndef MSEQ_CONTRACT_PRIVATE_H
#define MSEQ_CONTRACT_PRIVATE_H

#include "mainsequence/contract.h"

/* A document under construction: the first failure (always memory) sticks, values are taken over in
 * any case. */
typedef struct contract_document {
    bool failed;
} contract_document;

void contract_put(contract_document *d, mseq_value *object, const char *key, mseq_value *value);
/* NULL: left out. */
void contract_put_text(contract_document *d, mseq_value *object, const char *key, const char *text);
void contract_put_boolean(contract_document *d, mseq_value *object, const char *key, bool boolean);
/* NULL: left out. */
void contract_put_copy(contract_document *d, mseq_value *object, const char *key,
                       const mseq_value *value);
void contract_append(contract_document *d, mseq_value *array, mseq_value *item);
mseq_value *contract_text_list(contract_document *d, const char *const *items, size_t count);

/* One element of an index as a contract writes it: a column or an expression, then its order. */
mseq_status contract_element_text(const mseq_table *table, const mseq_index_element *element,
                                  mseq_buffer *text);
mseq_value *contract_index_fragment(contract_document *d, const mseq_table *table,
                                    const mseq_index *index);
mseq_value *contract_foreign_key_fragment(contract_document *d, const mseq_constraint *key);
/* ---- Drift
 * --------------------------------------------------------------------------------------------- */

typedef struct contract_drift {
    contract_document d;
    mseq_value *differences;
    mseq_dialect dialect;
    const char *table_name; /* for messages */
    const mseq_table *declared, *actual;
    bool without_indexes; /* one of two contracts does not tell its indexes */
    bool without_foreign_keys;
} contract_drift;

/* One difference; NULL texts are null. The message starts with the table's name. */
void contract_differ(contract_drift *drift, const char *object, const char *change,
                     const char *name, const char *expected, const char *actual);
/* Unique constraints, indexes, foreign keys, checks. */
void contract_compare_objects(contract_drift *drift);

#endif
