/* SPDX-License-Identifier: MIT
 * Room `base`: rows, their cells and keys, as objects and as JSON text. */
#include <math.h>

#include "support.h"

static void set_keys(mseq_row *row, size_t count) {
    static const char *const keys[] = {"id", "n\"m", "", "\u00fc"};
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_row_set_keys(row, keys, NULL, count, &err), MSEQ_OK);
}

/* The row's JSON text, which its object has too; the row is as good as read afterwards. */
static void expect(mseq_row *row, const char *text) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer written = MSEQ_BUFFER_INIT;
    mseq_value *object = NULL;
    assert_int_equal(mseq_row_write(row, &written, &err), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&written), text);
    assert_int_equal(written.length, strlen(text));
    assert_int_equal(mseq_row_to_object(row, &object, &err), MSEQ_OK);
    char *same = text_of(object);
    assert_string_equal(same, text);
    free(same);
    mseq_value_free(object);
    mseq_buffer_free(&written);
}

static void test_cells(void **state) {
    (void)state;
    mseq_row row = MSEQ_ROW_INIT;
    set_keys(&row, 4);
    expect(&row, "{\"id\": null, \"n\\\"m\": null, \"\": null, \"\\u00fc\": null}");
    mseq_cell_integer(&row.cells[0], INT64_MIN);
    mseq_cell_float(&row.cells[1], -0.0);
    mseq_cell_boolean(&row.cells[2], true);
    mseq_cell_text(&row.cells[3], "plain text that goes on", 10);
    expect(&row, "{\"id\": -9223372036854775808, \"n\\\"m\": -0.0, \"\": true, \"\\u00fc\": "
                 "\"plain text\"}");
    mseq_row_clear(&row);
    mseq_cell_integer(&row.cells[0], 0);
    mseq_cell_boolean(&row.cells[1], false);
    mseq_cell_copy(&row.cells[2], "a\0\x7f\"", 4);
    mseq_cell_text(&row.cells[3], "", 0);
    expect(&row,
           "{\"id\": 0, \"n\\\"m\": false, \"\": \"a\\u0000\\u007f\\\"\", \"\\u00fc\": \"\"}");
    mseq_row_free(&row);
    assert_int_equal(row.count, 0);
    assert_null(row.cells);
}

/* What a cell owns goes into the object; what it borrows is copied. */
static void test_owned(void **state) {
    (void)state;
    mseq_row row = MSEQ_ROW_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *lent = document("[1, {'a': null}]"), *given = document("{'b': [2.5]}");
    mseq_value *object = NULL;
    set_keys(&row, 2);
    mseq_cell_borrow(&row.cells[0], lent);
    assert_true(mseq_cell_take(&row.cells[1], given));
    assert_false(mseq_cell_take(&row.cells[0], NULL));
    assert_int_equal(mseq_row_to_object(&row, &object, &err), MSEQ_OK);
    assert_ptr_equal(mseq_object_value_at(object, 1), given);
    assert_true(mseq_object_value_at(object, 0) != lent);
    assert_true(mseq_value_equal(mseq_object_value_at(object, 0), lent));
    assert_int_equal(row.cells[1].kind, MSEQ_NULL);
    mseq_value_free(object);
    /* owned and never read */
    assert_true(mseq_cell_take(&row.cells[1], mseq_value_string("text")));
    assert_string_equal(row.cells[1].text, "text");
    mseq_row_clear(&row);
    assert_int_equal(row.cells[1].kind, MSEQ_NULL);
    assert_true(mseq_cell_take(&row.cells[1], mseq_value_string("text")));
    set_keys(&row, 1);
    mseq_row_free(&row);
    mseq_value_free(lent);
}

static void take(mseq_row *row, const char *text) {
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_row_take_object(row, document(text), &err), MSEQ_OK);
}

static void test_form(void **state) {
    (void)state;
    mseq_row row = MSEQ_ROW_INIT;
    take(&row, "{'a': 1, 'b': [2]}");
    uint64_t first = row.form;
    assert_true(first > 0);
    take(&row, "{'a': 'x', 'b': null}");
    assert_int_equal(row.form, first);
    expect(&row, "{\"a\": \"x\", \"b\": null}");
    static const char *const others[] = {"{'b': 1, 'a': 2}", "{'b': 1}", "{}", "{'a': 1, 'bc': 2}",
                                         "{'a': 1, 'b': 2}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        take(&row, others[i]);
        assert_true(row.form > first);
        first = row.form;
    }
    expect(&row, "{\"a\": 1, \"b\": 2}");
    mseq_row_free(&row);
}

static void test_parse(void **state) {
    (void)state;
    mseq_row row = MSEQ_ROW_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *other = NULL;
    /* each with keys that are not known yet, and again with those; {} stays what it is */
    static const char *const texts[] = {
        "{\"a\": 1, \"b\": \"x\"}",
        "{\"a\": -2.5, \"b\": \"\\u00fc\\n\"}",
        "{\"a\": [1, {\"c\": []}], \"b\": 1e-07}",
        "{\"a\": 0.30000000000000004, \"b\": 1234567890123456789}",
        "{\"a\": true, \"b\": null, \"c\": false}",
        "{\"\\u00fc\\\"\": {}}",
        "{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (int again = 0; again < 2; again++) {
            uint64_t form = row.form;
            assert_int_equal(mseq_row_parse(&row, texts[i], strlen(texts[i]), &other, &err),
                             MSEQ_OK);
            assert_null(other);
            assert_true(!again || row.form == form);
            expect(&row, texts[i]);
        }
    }
    static const char *const values[] = {"[{\"a\": 1}]", "1", "null", "\"{}\""};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(mseq_row_parse(&row, values[i], strlen(values[i]), &other, &err), MSEQ_OK);
        char *same = text_of(other);
        assert_string_equal(same, values[i]);
        free(same);
        mseq_value_free(other);
    }
    mseq_row_free(&row);
}

static void test_parse_failures(void **state) {
    (void)state;
    mseq_row row = MSEQ_ROW_INIT;
    mseq_value *other = NULL;
    static const char *const texts[] = {
        "",
        "{",
        "{\"a\": 1, \"b\": }",
        "{\"a\": 1, \"b\": 2",
        "{\"a\": 1, \"b\": 2}}",
        "{\"a\": 1, \"b\": 2} x",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": 01, \"b\": 2}",
        "{\"a\": 1, \"b\": \"\xff\"}",
        "{\"a\": 1, \"b\": \"x}",
        "{\"a\": 1, \"b\": 99999999999999999999}",
        "{\"a\": [[], \"b\": 2}",
        "{\"a\": 1, \"b\": tru}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        take(&row, "{'a': 1, 'b': 2}");
        assert_int_equal(mseq_row_parse(&row, texts[i], strlen(texts[i]), &other, &err),
                         MSEQ_E_JSON);
        assert_null(other);
        assert_int_equal(err.status, MSEQ_E_JSON);
    }
    /* as deep as JSON may be, whether the keys are known or not */
    for (int known = 0; known < 2; known++) {
        for (int more = 0; more < 2; more++) {
            mseq_error err = MSEQ_ERROR_INIT;
            mseq_buffer text = MSEQ_BUFFER_INIT;
            take(&row, known ? "{'a': 1}" : "{'z': 1}");
            mseq_buffer_append_text(&text, "{\"a\": ");
            for (int i = 0; i < 199 + more; i++)
                mseq_buffer_append_char(&text, '[');
            for (int i = 0; i < 199 + more; i++)
                mseq_buffer_append_char(&text, ']');
            mseq_buffer_append_char(&text, '}');
            assert_int_equal(mseq_row_parse(&row, text.data, text.length, &other, &err),
                             more ? MSEQ_E_LIMIT : MSEQ_OK);
            mseq_buffer_free(&text);
        }
    }
    mseq_row_free(&row);
}

/* A buffer's maximum holds to the byte. */
static void test_maximum(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": -12, \"b\": \"xy\", \"c\": [true], \"d\": \"\\n\", \"e\": 0.5}";
    mseq_row row = MSEQ_ROW_INIT;
    mseq_value *other = NULL;
    assert_int_equal(mseq_row_parse(&row, text, sizeof text - 1, &other, NULL), MSEQ_OK);
    for (size_t maximum = 1; maximum < sizeof text; maximum++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_buffer written = MSEQ_BUFFER_INIT;
        written.maximum = maximum;
        bool fits = maximum == sizeof text - 1;
        assert_int_equal(mseq_row_write(&row, &written, &err), fits ? MSEQ_OK : MSEQ_E_LIMIT);
        assert_true(written.length <= maximum);
        mseq_buffer_free(&written);
    }
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer written = MSEQ_BUFFER_INIT;
    mseq_cell_clear(&row.cells[0]);
    mseq_cell_float(&row.cells[0], (double)INFINITY);
    assert_int_equal(mseq_row_write(&row, &written, &err), MSEQ_E_JSON);
    assert_non_null(strstr(err.message, "a: "));
    mseq_buffer_free(&written);
    mseq_row_free(&row);
}

/* So many keys that the object has an index of them. */
static void test_many_keys(void **state) {
    (void)state;
    enum { KEYS = 300 };
    char text[KEYS][8];
    const char *keys[KEYS];
    size_t lengths[KEYS];
    mseq_row row = MSEQ_ROW_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *object = NULL;
    for (int i = 0; i < KEYS; i++) {
        lengths[i] = (size_t)snprintf(text[i], sizeof text[i], "k%d", i);
        keys[i] = text[i];
    }
    assert_int_equal(mseq_row_set_keys(&row, keys, lengths, KEYS, &err), MSEQ_OK);
    for (int i = 0; i < KEYS; i++)
        mseq_cell_integer(&row.cells[i], i);
    assert_int_equal(mseq_row_to_object(&row, &object, &err), MSEQ_OK);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(mseq_object_get_integer(object, keys[i], -1), i);
    /* and it can be changed as every object */
    assert_int_equal(mseq_object_put_text(object, "another", "x"), MSEQ_OK);
    assert_int_equal(mseq_object_put_text(object, "k7", "y"), MSEQ_OK);
    assert_true(mseq_object_remove(object, "k0"));
    assert_int_equal(mseq_value_length(object), KEYS);
    assert_string_equal(mseq_object_get_text(object, "k7"), "y");
    mseq_value_free(object);
    mseq_row_free(&row);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),    cmocka_unit_test(test_owned),
        cmocka_unit_test(test_form),     cmocka_unit_test(test_parse),
        cmocka_unit_test(test_maximum),  cmocka_unit_test(test_parse_failures),
        cmocka_unit_test(test_many_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
