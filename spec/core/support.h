/* SPDX-License-Identifier: MIT
 * What the tests of the pure rooms share: documents and tables from text, and readable failures. */
#ifndef SPEC_SUPPORT_H
#define SPEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mainsequence/schema.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* A value from JSON with ' in place of " and ` in place of '. */
static inline mseq_value *document(const char *text) {
    char *quoted = strdup(text);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = NULL;
    assert_non_null(quoted);
    for (char *c = quoted; *c; c++)
        if (*c == '\'' || *c == '`')
            *c = *c == '`' ? '\'' : '"';
    if (mseq_json_parse(quoted, strlen(quoted), 0, &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", text, err.message);
    free(quoted);
    return value;
}

/* The document's text in its own key order; the caller frees it. */
static inline char *text_of(const mseq_value *value) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_json_write(value, 0, &buffer, NULL), MSEQ_OK);
    return mseq_buffer_take(&buffer);
}

/* Same text, key order included; `expected` with ' in place of ". */
static inline void assert_document(const mseq_value *value, const char *expected) {
    mseq_value *wanted = document(expected);
    char *left = text_of(value), *right = text_of(wanted);
    assert_string_equal(left, right);
    free(left);
    free(right);
    mseq_value_free(wanted);
}

/* A frozen table from its description (JSON with '). */
static inline mseq_table *table_of(const char *description) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = document(description);
    mseq_table *table = NULL;
    if (mseq_table_from_description(value, &table, &err) != MSEQ_OK)
        fail_msg("%s: %s", description, err.message);
    mseq_value_free(value);
    return table;
}

/* The error has that status, and its message and hint hold those words (NULL: not asked). */
static inline void assert_error(const mseq_error *err, mseq_status status, const char *message,
                                const char *hint) {
    if (err->status != status || (message && !strstr(err->message, message)) ||
        (hint && !strstr(err->hint, hint)))
        fail_msg("got %s: %s (hint: %s), expected %s: %s (hint: %s)", mseq_status_name(err->status),
                 err->message, err->hint, mseq_status_name(status), message ? message : "",
                 hint ? hint : "");
}

#endif
