/* SPDX-License-Identifier: MIT
 * Any text as JSON: what was read, written in each form and read again is the same. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned forms[] = {0, MSEQ_JSON_SORTED, MSEQ_JSON_INDENT, MSEQ_JSON_UNICODE,
                                     MSEQ_JSON_SORTED | MSEQ_JSON_INDENT | MSEQ_JSON_UNICODE};
    mseq_value *value = fuzz_json(data, size);
    if (!value)
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_buffer text = MSEQ_BUFFER_INIT;
        fuzz_check(mseq_json_write(value, forms[i], &text, &err) == MSEQ_OK);
        mseq_value *again = fuzz_json((const uint8_t *)mseq_buffer_text(&text), text.length);
        fuzz_check(again != NULL);
        /* sorting changes the order of keys, so texts are compared there */
        if (forms[i] & MSEQ_JSON_SORTED) {
            mseq_buffer other = MSEQ_BUFFER_INIT;
            fuzz_check(mseq_json_write(again, forms[i], &other, &err) == MSEQ_OK);
            fuzz_check(strcmp(mseq_buffer_text(&text), mseq_buffer_text(&other)) == 0);
            mseq_buffer_free(&other);
        } else {
            fuzz_check(mseq_value_equal(value, again));
        }
        mseq_value_free(again);
        mseq_buffer_free(&text);
    }
    mseq_value_free(value);
    return 0;
}
