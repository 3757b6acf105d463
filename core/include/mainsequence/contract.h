/* SPDX-License-Identifier: MIT
 *
 * Room `contract`: relational-table.v1. Contracts are documents (values); all functions are pure
 * and may run on any thread. Key order is the reference's (protocol page, section 6).
 */
#ifndef MSEQ_CONTRACT_H
#define MSEQ_CONTRACT_H

#include "mainsequence/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MSEQ_CONTRACT_VERSION "relational-table.v1"

/* Refuses a table without a namespace when `given` (may be NULL) is none either: registrations and
 * fingerprints need one. */
MSEQ_API mseq_status mseq_contract_require_namespace(const mseq_table *table, const char *given,
                                                     mseq_error *err) MSEQ_MUST_CHECK;
/* Normalises a cadence token ("1d"); blank gives NULL; a bad one is refused. malloc'ed. */
MSEQ_API mseq_status mseq_contract_normalize_cadence(const char *text, char **cadence,
                                                     mseq_error *err) MSEQ_MUST_CHECK;

typedef struct mseq_contract_options {
    size_t size;
    const char *authoring_kind; /* "lua", "c"; NULL: "lua" */
    bool relational;  /* the relational form even for a time-indexed table (external request) */
    bool with_schema; /* physical.schema (the dynamic_table/register route) */
    bool include_indexes;
    bool include_foreign_keys;
} mseq_contract_options;
#define MSEQ_CONTRACT_OPTIONS_INIT                                                                 \
    { .size = sizeof(mseq_contract_options) }

/* The contract of a table. Options NULL: defaults. Caller owns *contract. */
MSEQ_API mseq_status mseq_contract_build(const mseq_table *table,
                                         const mseq_contract_options *options,
                                         mseq_value **contract, mseq_error *err) MSEQ_MUST_CHECK;
/* Validates a contract document and fills in defaults (version, constraints [], booleans; data
 * types normalised; indexes and foreign_keys in their full form; unknown keys refused by path). */
MSEQ_API mseq_status mseq_contract_normalize(const mseq_value *contract, mseq_value **normalized,
                                             mseq_error *err) MSEQ_MUST_CHECK;
/* A table as described by a contract (provisioning, drift); types become the database's own. */
MSEQ_API mseq_status mseq_contract_to_table(const mseq_value *contract, mseq_table **table,
                                            mseq_error *err) MSEQ_MUST_CHECK;
/* Column rows of a catalog reply (protocol section 3.0) from a table: name, data_type, … with
 * ordinal_position. */
MSEQ_API mseq_status mseq_contract_column_rows(const mseq_table *table, mseq_value **rows,
                                               mseq_error *err) MSEQ_MUST_CHECK;

/* Drift. Compares what is declared with what a database has (reflected on `dialect`), or with
 * another contract. *differences is an array of {code, object, name, expected, actual, message};
 * empty: clean. Codes: table_missing, column_missing, column_unexpected, type_differs,
 * nullable_differs, primary_key_differs, unique_…, index_…, foreign_key_…, check_… (missing,
 * unexpected, differs). Types compare by the one table of equivalent types. */
MSEQ_API mseq_status mseq_contract_compare_table(const mseq_table *declared,
                                                 const mseq_table *actual, mseq_dialect dialect,
                                                 mseq_value **differences,
                                                 mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_contract_compare(const mseq_value *declared, const mseq_value *actual,
                                           mseq_value **differences,
                                           mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
