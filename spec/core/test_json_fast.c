/* SPDX-License-Identifier: MIT
 * Room `base`: the quick reader of JSON against jansson, which is the authority. What the quick one
 * takes, jansson takes, and both make the same of it. */
#include "support.h"

#include "../../core/base/json_private.h"

/* Whether the quick reader took it. */
static bool compare(const char *text, size_t length) {
    mseq_value *quick = json_read_plain(text, length, 20), *any = NULL;
    mseq_status status = json_read_any(text, length, &any, NULL);
    bool taken = quick != NULL;
    if (taken && (status != MSEQ_OK || !mseq_value_equal(quick, any)))
        fail_msg("read differently: %.*s", (int)length, text);
    mseq_value_free(quick);
    mseq_value_free(any);
    return taken;
}

static void test_taken(void **state) {
    (void)state;
    static const char *const texts[] = {"null",
                                        "true",
                                        "false",
                                        " [ ] ",
                                        "{}",
                                        "0",
                                        "-1",
                                        "123456789012345678",
                                        "1.0",
                                        "-0.0",
                                        "0.1",
                                        "-12.5",
                                        "123456789012.345",
                                        "0.00000000000001",
                                        "1.5e3",
                                        "1e3",
                                        "-1E-07",
                                        "2.5e+300",
                                        "5e-324",
                                        "1e-400",
                                        "0.1234567890123456",
                                        "1234567890123456.5",
                                        "0.30000000000000004",
                                        "123456789012345678.25",
                                        "[1e1, 2E2]",
                                        "\"\"",
                                        "\"plain\"",
                                        "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                        "\"a\\n\\\"\\\\\\/\\b\\f\\r\\tb\"",
                                        "[1, [2, {\"a\": [null, true]}], \"x\"]",
                                        "{\"a\": 1, \"b\": {\"a\": 2}, \"\": 3}",
                                        "\r\n\t{ \"a\" : [ 1 , 2 ] }\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!compare(texts[i], strlen(texts[i])))
            fail_msg("left to jansson: %s", texts[i]);
}

static void test_left(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "nul",
                                        "truefalse",
                                        "true false",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "{",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":1",
                                        "{\"a\":1,",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{\"a\":1,\"a\":2}",
                                        "]",
                                        "}",
                                        "1 2",
                                        "01",
                                        "-",
                                        "-0",
                                        "+1",
                                        "1.",
                                        "1.x",
                                        ".5",
                                        "00.5",
                                        "-.5",
                                        "1e",
                                        "1e+",
                                        "1.e3",
                                        "01e3",
                                        "1e400",
                                        "1.5x",
                                        "1e3x",
                                        "-e3",
                                        "1234567890123456789",
                                        "-9223372036854775808",
                                        "99999999999999999999",
                                        "NaN",
                                        "\"",
                                        "\"a",
                                        "\"a\\",
                                        "\"a\\\"",
                                        "\"\\u0041\"",
                                        "\"\\x\"",
                                        "\"\t\"",
                                        "\"\x7f\x80\"",
                                        "\"\xff\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xc0\x80\"",
                                        "{\"\xff\":1}",
                                        "{\"\\n\":1}",
                                        "\xef\xbb\xbf{}",
                                        "'a'",
                                        "[1]]",
                                        "{} {}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (compare(texts[i], strlen(texts[i])))
            fail_msg("not left to jansson: %s", texts[i]);
    assert_false(compare("\"a\0b\"", 5));
    assert_false(compare("1\0", 2));
    assert_false(compare("[1\0]", 4));
}

static void test_depth(void **state) {
    (void)state;
    static const char text[] = "[{\"a\": [1]}, [[]]]";
    mseq_value *value = json_read_plain(text, strlen(text), 3);
    assert_non_null(value);
    mseq_value_free(value);
    assert_null(json_read_plain(text, strlen(text), 2));
}

/* Every prefix, and every text that differs in one byte. */
static void test_neighbours(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": [1, -20, true, null, \"x\\n\xc3\xa4\"], \"b\": {\"c\": false}}";
    static const char bytes[] = "{}[]\",:\\0123456789-+.eEtfnau \n\t\xc3\xa4\x80\xff\x01";
    char copy[sizeof text];
    for (size_t length = 0; length < sizeof text; length++)
        compare(text, length);
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            memcpy(copy, text, sizeof text);
            copy[at] = bytes[i];
            compare(copy, sizeof text - 1);
        }
    }
}

/* A document of every kind, many times broken at random places. */
static void test_mutations(void **state) {
    (void)state;
    static const char text[] = "[{\"uid\": \"6f1c\", \"n\": [0, 1, -2, 3.5, 1e5], \"deep\": "
                               "[[[[{\"x\": [\"\\u00e4\", \"\\t\"]}]]]],"
                               " \"empty\": [{}, [], \"\"], \"long\": "
                               "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4\"}, null, true]";
    unsigned seed = 1;
    char copy[sizeof text];
    for (int round = 0; round < 50000; round++) {
        size_t length = sizeof text - 1;
        memcpy(copy, text, sizeof text);
        for (int change = rand_r(&seed) % 4; change >= 0; change--) {
            size_t at = (size_t)rand_r(&seed) % length, from = (size_t)rand_r(&seed) % length;
            size_t size = (size_t)rand_r(&seed) % 8;
            if (at + size < length && from + size < length)
                memmove(copy + at, copy + from, size);
            else
                copy[at] = (char)rand_r(&seed);
        }
        compare(copy, length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),     cmocka_unit_test(test_left),
        cmocka_unit_test(test_depth),     cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
