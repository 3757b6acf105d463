/* SPDX-License-Identifier: MIT
 * What fuzz targets share. A property that does not hold aborts: that is the finding. */
#ifndef MSEQ_FUZZ_H
#define MSEQ_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "mainsequence/mainsequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(bool condition) {
    if (!condition)
        abort();
}

/* A failure says what it is and why, and gives nothing. */
static inline void fuzz_outcome(mseq_status status, const mseq_error *err, bool made) {
    fuzz_check((status == MSEQ_OK) == made);
    if (status != MSEQ_OK)
        fuzz_check(err->status == status && err->message[0]);
}

/* The input as JSON; NULL when it is none. */
static inline mseq_value *fuzz_json(const uint8_t *data, size_t size) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = NULL;
    mseq_status status = mseq_json_parse((const char *)data, size, 0, &value, &err);
    fuzz_outcome(status, &err, value != NULL);
    return value;
}

typedef mseq_status (*fuzz_normalizer)(const mseq_value *document, mseq_value **normalized,
                                       mseq_error *err);
/* Normalising what was normalised changes nothing. The caller owns the result; NULL: refused. */
static inline mseq_value *fuzz_normalize(fuzz_normalizer normalize, const mseq_value *document) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *once = NULL, *twice = NULL;
    fuzz_outcome(normalize(document, &once, &err), &err, once != NULL);
    if (!once)
        return NULL;
    fuzz_check(normalize(once, &twice, &err) == MSEQ_OK);
    fuzz_check(mseq_value_equal(once, twice));
    mseq_value_free(twice);
    return once;
}

#endif
