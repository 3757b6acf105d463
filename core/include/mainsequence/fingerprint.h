/* SPDX-License-Identifier: MIT
 *
 * Room `fingerprint`: the reference's contract hash, byte for byte (protocol page, section 10). It
 * tells whether two declarations are the same; it is never identity. Pure; any thread.
 */
#ifndef MSEQ_FINGERPRINT_H
#define MSEQ_FINGERPRINT_H

#include "mainsequence/contract.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MSEQ_FINGERPRINT_SIZE 64 /* bytes, with the NUL */

typedef struct mseq_fingerprint_options {
    size_t size;
    const char *fingerprint_namespace;  /* NULL: the table's */
    const char *schema;                 /* NULL: the table's, else "public" */
    const char *hash_namespace;         /* NULL: the table's */
    const mseq_value *extra_components; /* object merged over the table's; NULL: none */
    bool without_table_name;
} mseq_fingerprint_options;
#define MSEQ_FINGERPRINT_OPTIONS_INIT                                                              \
    { .size = sizeof(mseq_fingerprint_options) }

/* Writes "mt_<namespace>_<32 hex>" to `fingerprint`. `canonical_text`, if not NULL, is cleared and
 * gets the text that was hashed. Options NULL: defaults. */
MSEQ_API mseq_status mseq_fingerprint_table(const mseq_table *table,
                                            const mseq_fingerprint_options *options,
                                            char fingerprint[MSEQ_FINGERPRINT_SIZE],
                                            mseq_buffer *canonical_text,
                                            mseq_error *err) MSEQ_MUST_CHECK;
/* build_meta_table_storage_hash of the reference. `schema` NULL: "public"; hash_namespace NULL:
 * none. */
MSEQ_API mseq_status mseq_fingerprint_storage(const char *meta_namespace, const char *identifier,
                                              const char *schema, const char *hash_namespace,
                                              char fingerprint[MSEQ_FINGERPRINT_SIZE],
                                              mseq_error *err) MSEQ_MUST_CHECK;
/* build_meta_table_configured_storage_hash of the reference. */
MSEQ_API mseq_status mseq_fingerprint_configured_storage(
    const char *meta_namespace, const char *schema, const mseq_value *table_storage_identity,
    const char *hash_namespace, const mseq_value *extra_components,
    char fingerprint[MSEQ_FINGERPRINT_SIZE], mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
