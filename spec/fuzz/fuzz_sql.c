/* SPDX-License-Identifier: MIT
 * Any text as a statement with pyformat placeholders, and as a script, on both dialects: pieces of
 * a script hold no statement end of their own, placeholders are counted once each and bound in
 * their order, no value more and none less. */
#include "fuzz.h"

static mseq_status bind(const mseq_sql_text *sql, const mseq_value *parameters,
                        mseq_value **bound) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_sql_bind(sql, parameters, bound, &err);
    fuzz_outcome(status, &err, status == MSEQ_OK);
    return status;
}

/* Its names with their places as values. */
static void bindings(const mseq_sql_text *sql) {
    static const char extra[] = "not a name\x01";
    mseq_value *parameters = mseq_value_object(), *bound = NULL;
    for (size_t i = 0; i < sql->names.count; i++)
        fuzz_check(mseq_object_put_integer(parameters, sql->names.items[i], (int64_t)i) == MSEQ_OK);
    fuzz_check(bind(sql, parameters, &bound) == MSEQ_OK);
    fuzz_check(mseq_value_length(bound) == sql->names.count);
    for (size_t i = 0; i < sql->names.count; i++)
        fuzz_check(mseq_value_get_integer(mseq_array_get(bound, i), -1) == (int64_t)i);
    mseq_value_free(bound);
    bound = NULL;
    if (!mseq_strings_contains(&sql->names, extra)) {
        fuzz_check(mseq_object_put_boolean(parameters, extra, true) == MSEQ_OK);
        fuzz_check(bind(sql, parameters, &bound) == MSEQ_E_STATEMENT && !bound);
    }
    mseq_value_free(parameters);
    parameters = mseq_value_object();
    fuzz_check((bind(sql, parameters, &bound) == MSEQ_OK) == (sql->names.count == 0));
    mseq_value_free(bound);
    mseq_value_free(parameters);
}

static void placeholders(const char *text, size_t size, mseq_dialect dialect) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_sql_text sql = {NULL, 0, MSEQ_STRINGS_INIT};
    mseq_status status = mseq_sql_from_pyformat(text, size, dialect, &sql, &err);
    fuzz_outcome(status, &err, sql.text != NULL);
    if (status == MSEQ_OK) {
        fuzz_check(strlen(sql.text) == sql.length);
        for (size_t i = 0; i < sql.names.count; i++)
            for (size_t k = i + 1; k < sql.names.count; k++)
                fuzz_check(strcmp(sql.names.items[i], sql.names.items[k]) != 0);
        bindings(&sql);
    }
    mseq_sql_text_free(&sql);
}

static void script(const char *text, size_t size, mseq_dialect dialect) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_strings pieces = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_sql_split(text, size, dialect, &pieces, &err);
    if (status != MSEQ_OK)
        fuzz_check(pieces.count == 0 && err.message[0]);
    for (size_t i = 0; i < pieces.count; i++) {
        mseq_strings again = MSEQ_STRINGS_INIT;
        const char *piece = pieces.items[i];
        fuzz_check(mseq_sql_split(piece, strlen(piece), dialect, &again, &err) == MSEQ_OK);
        fuzz_check(again.count == 1 && strcmp(again.items[0], piece) == 0);
        mseq_strings_free(&again);
    }
    mseq_strings_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const mseq_dialect dialects[] = {MSEQ_POSTGRESQL, MSEQ_SQLITE};
    const char *text = (const char *)data;
    for (size_t i = 0; i < 2; i++) {
        char word[16];
        mseq_sql_first_word(text, size, dialects[i], word);
        fuzz_check(strlen(word) < sizeof word);
        (void)mseq_sql_has_words(text, size, dialects[i], "ON", "CONFLICT");
        placeholders(text, size, dialects[i]);
        script(text, size, dialects[i]);
    }
    return 0;
}
