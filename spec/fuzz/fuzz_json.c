/* SPDX-License-Identifier: MIT
 * Any text as JSON: what was read, written in each form and read again is the same. */
#include "fuzz.h"

/* As a row, also when its keys are known already, it is the same object and the same text. */
static void check_row(mseq_row *row, const char *text, size_t length, const mseq_value *value,
                      const mseq_buffer *written) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *object = NULL;
    mseq_buffer again = MSEQ_BUFFER_INIT;
    fuzz_check(mseq_row_parse(row, text, length, &object, &err) == MSEQ_OK);
    if (mseq_value_kind(value) == MSEQ_OBJECT) {
        fuzz_check(!object && row->count == mseq_value_length(value));
        fuzz_check(mseq_row_write(row, &again, &err) == MSEQ_OK);
        fuzz_check(again.length == written->length &&
                   memcmp(again.data, written->data, again.length) == 0);
        fuzz_check(mseq_row_to_object(row, &object, &err) == MSEQ_OK);
    }
    fuzz_check(mseq_value_equal(object, value));
    mseq_value_free(object);
    mseq_buffer_free(&again);
}

static void check_rows(const uint8_t *data, size_t size, const mseq_value *value) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer written = MSEQ_BUFFER_INIT;
    mseq_row row = MSEQ_ROW_INIT;
    fuzz_check(mseq_json_write(value, 0, &written, &err) == MSEQ_OK);
    for (int i = 0; i < 2; i++)
        check_row(&row, (const char *)data, size, value, &written);
    check_row(&row, written.data, written.length, value, &written);
    mseq_row_free(&row);
    mseq_buffer_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned forms[] = {0, MSEQ_JSON_SORTED, MSEQ_JSON_INDENT, MSEQ_JSON_UNICODE,
                                     MSEQ_JSON_SORTED | MSEQ_JSON_INDENT | MSEQ_JSON_UNICODE};
    mseq_value *value = fuzz_json(data, size);
    if (!value)
        return 0;
    check_rows(data, size, value);
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
