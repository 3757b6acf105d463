/* SPDX-License-Identifier: MIT
 * Room `base`: numbers, times and JSON; the same under a locale that writes decimals with a comma.
 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static mseq_status parse(const char *text, size_t length, mseq_value **value, mseq_error *err) {
    return mseq_json_parse(text, length, 0, value, err);
}

/* The text that the canonical writer makes of JSON text. */
static char *rewrite(const char *text, unsigned flags) {
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    if (parse(text, strlen(text), &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", text, err.message);
    assert_int_equal(mseq_json_write(value, flags, &buffer, &err), MSEQ_OK);
    mseq_value_free(value);
    return mseq_buffer_take(&buffer);
}

static void assert_rewrites(const char *text, unsigned flags, const char *expected) {
    char *written = rewrite(text, flags);
    assert_string_equal(written, expected);
    free(written);
}

/* ---- Numbers
 * --------------------------------------------------------------------------------------------- */

/* Texts are Python's repr. */
static void floats_are_pythons(void **state) {
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {1e-4, "0.0001"},
        {1.5e-4, "0.00015"},
        {9.5e-5, "9.5e-05"},
        {1e-7, "1e-07"},
        {123456.789, "123456.789"},
        {1e15, "1000000000000000.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e16, "1e+16"},
        {1.2345678901234567e16, "1.2345678901234568e+16"},
        {1e22, "1e+22"},
        {1e100, "1e+100"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {4.9406564584124654e-324, "5e-324"},
        {9007199254740993.0, "9007199254740992.0"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        mseq_format_double(cases[i].number, text);
        assert_string_equal(text, cases[i].text);
        double back = 0;
        if (isfinite(cases[i].number)) {
            assert_true(mseq_parse_double(text, &back));
            assert_true(back == cases[i].number);
            assert_int_equal(signbit(back) != 0, signbit(cases[i].number) != 0);
        }
    }
}

static void random_floats_round_trip(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252u; /* xorshift64, Marsaglia */
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double number, back = 0;
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        char text[32];
        mseq_format_double(number, text);
        assert_true(mseq_parse_double(text, &back));
        assert_memory_equal(&back, &number, sizeof number);
    }
}

/* Decimals of up to fifteen digits come back as they were written, and the quick reader makes of
 * them what the C library does. */
static void decimals_keep_their_text(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        unsigned decimals = 1 + (unsigned)(bits % 14), whole = 15 - decimals;
        uint64_t limit = 1, number = bits >> 8;
        for (unsigned digit = (unsigned)(bits >> 4) % (whole + 1) + decimals; digit; digit--)
            limit *= 10;
        char text[64], written[32];
        snprintf(text, sizeof text, "%0*llu", (int)decimals + 1,
                 (unsigned long long)(number % limit | 1)); /* no zero at its end */
        size_t length = strlen(text), point = length - decimals;
        memmove(text + point + 1, text + point, decimals + 1);
        text[point] = '.';
        double expected = strtod(text, NULL); // NOLINT(cert-err34-c): the text is our own
        mseq_value *value = NULL;
        assert_int_equal(mseq_json_parse(text, length + 1, 0, &value, NULL), MSEQ_OK);
        assert_true(mseq_value_get_float(value, 0) == expected);
        mseq_value_free(value);
        mseq_format_double(expected, written);
        if (expected >= 1e-4)
            assert_string_equal(written, text);
    }
}

static void numbers_are_whole_texts(void **state) {
    (void)state;
    double number = 7;
    int64_t integer = 7;
    static const char *const bad[] = {"", " 1", "1 ", "1x", "x", "1,5", "--1", "1e", "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(mseq_parse_double(bad[i], &number));
        assert_false(mseq_parse_integer(bad[i], &integer));
    }
    assert_true(number == 7 && integer == 7); /* untouched */
    assert_true(mseq_parse_double("-1.5e3", &number));
    assert_true(number == -1500);
    assert_false(mseq_parse_integer("1.0", &integer));
    assert_true(mseq_parse_integer("9223372036854775807", &integer));
    assert_true(integer == INT64_MAX);
    assert_true(mseq_parse_integer("-9223372036854775808", &integer));
    assert_true(integer == INT64_MIN);
    assert_false(mseq_parse_integer("9223372036854775808", &integer));
}

/* ---- Times
 * -----------------------------------------------------------------------------------------------
 */

static void times(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t microseconds;
        const char *fixed, *trimmed;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00Z"},
        {"2026-05-28T01:02:03.000045Z", 1779930123000045, "2026-05-28T01:02:03.000045Z",
         "2026-05-28T01:02:03.000045Z"},
        {"2026-05-28 12:30+02:00", 1779964200000000, "2026-05-28T10:30:00.000000Z",
         "2026-05-28T10:30:00Z"},
        {"2026-05-28T12:30:00-0530", 1779991200000000, "2026-05-28T18:00:00.000000Z",
         "2026-05-28T18:00:00Z"},
        {"1969-12-31T23:59:59.999999z", -1, "1969-12-31T23:59:59.999999Z",
         "1969-12-31T23:59:59.999999Z"},
        {"2000-02-29T00:00:00.123456789Z", 951782400123456, "2000-02-29T00:00:00.123456Z",
         "2000-02-29T00:00:00.123456Z"},
        {"0001-01-01T00:00:00Z", -62135596800000000, "0001-01-01T00:00:00.000000Z",
         "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59,5Z", 253402300799500000, "9999-12-31T23:59:59.500000Z",
         "9999-12-31T23:59:59.500000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t microseconds = 0;
        mseq_error err = MSEQ_ERROR_INIT;
        char text[32];
        if (mseq_time_parse(cases[i].text, &microseconds, &err) != MSEQ_OK)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_true(microseconds == cases[i].microseconds);
        mseq_time_format(microseconds, false, text);
        assert_string_equal(text, cases[i].fixed);
        assert_int_equal(strlen(text), 27);
        mseq_time_format(microseconds, true, text);
        assert_string_equal(text, cases[i].trimmed);
    }
}

static void bad_times(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "no ISO 8601"},
        {"2026-05-28", "no ISO 8601"},
        {"2026-02-29T00:00:00Z", "no ISO 8601"},
        {"2026-13-01T00:00:00Z", "no ISO 8601"},
        {"2026-05-28T24:00:00Z", "no ISO 8601"},
        {"2026-05-28T12:00:60Z", "no ISO 8601"},
        {"2026-05-28T12:00:00.Z", "no ISO 8601"},
        {"2026-05-28T12:00:00.1234567890Z", "no ISO 8601"},
        {"0000-01-01T00:00:00Z", "no ISO 8601"},
        {"2026-05-28T12:00:00", "no offset"},
        {"2026-05-28T12:00:00+2", "ends in something"},
        {"2026-05-28T12:00:00+24:00", "ends in something"},
        {"2026-05-28T12:00:00Zx", "ends in something"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t microseconds = 5;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_time_parse(cases[i][0], &microseconds, &err), MSEQ_E_REQUEST);
        assert_error(&err, MSEQ_E_REQUEST, cases[i][1], NULL);
        assert_true(microseconds == 5);
    }
    assert_true(mseq_date_valid("2024-02-29"));
    assert_false(mseq_date_valid("2023-02-29"));
    assert_false(mseq_date_valid("2024-2-29"));
    assert_false(mseq_date_valid("2024-02-29 "));
    assert_true(mseq_time_now() > 1700000000000000);
    assert_true(mseq_monotonic_ms() <= mseq_monotonic_ms());
}

/* ---- JSON
 * ------------------------------------------------------------------------------------------------
 */

static void json_is_pythons(void **state) {
    (void)state;
    assert_rewrites("[1,2.50,true,null,\"x\",{},[]]", 0, "[1, 2.5, true, null, \"x\", {}, []]");
    assert_rewrites("{\"b\":1,\"a\":{\"d\":2,\"c\":3}}", 0,
                    "{\"b\": 1, \"a\": {\"d\": 2, \"c\": 3}}");
    assert_rewrites("{\"b\":1,\"a\":{\"d\":2,\"c\":3}}", MSEQ_JSON_SORTED,
                    "{\"a\": {\"c\": 3, \"d\": 2}, \"b\": 1}");
    assert_rewrites("[-0.0, 1e-07, 1E100, -0, 9007199254740993, 9223372036854775807]", 0,
                    "[-0.0, 1e-07, 1e+100, 0, 9007199254740993, 9223372036854775807]");
    assert_rewrites("-9223372036854775808", 0, "-9223372036854775808");
    assert_rewrites(
        "\"\\u00e9 \\\"q\\\" \\\\ \\/ \\u0001\\b\\f\\n\\r\\t\\u007f\\u2028\\ud83d\\ude00\"", 0,
        "\"\\u00e9 \\\"q\\\" \\\\ / \\u0001\\b\\f\\n\\r\\t\\u007f\\u2028\\ud83d\\ude00\"");
    assert_rewrites("\"\\u00e9\\u0001\"", MSEQ_JSON_UNICODE, "\"\xC3\xA9\\u0001\"");
    assert_rewrites("{\"a\":[1,{\"b\":[]}],\"c\":{}}", MSEQ_JSON_INDENT,
                    "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    /* keys sort by code point, not by UTF-16 unit: U+FFFD before U+1F600 */
    assert_rewrites(
        "{\"\\ud83d\\ude00\":1,\"\\ufffd\":2,\"z\":3,\"Z\":4,\"\":5,\"za\":6}", MSEQ_JSON_SORTED,
        "{\"\": 5, \"Z\": 4, \"z\": 3, \"za\": 6, \"\\ufffd\": 2, \"\\ud83d\\ude00\": 1}");
}

static void zero_bytes_survive(void **state) {
    (void)state;
    assert_rewrites("{\"a\":\"b\\u0000\"}", 0, "{\"a\": \"b\\u0000\"}");
    mseq_value *object = mseq_value_object(), *back = NULL;
    assert_int_equal(mseq_object_put_n(object, "a\0b", 3, mseq_value_null()), MSEQ_OK);
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_json_write(object, 0, &buffer, NULL), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&buffer), "{\"a\\u0000b\": null}");
    mseq_error err = MSEQ_ERROR_INIT; /* jansson takes them in strings, not in keys */
    assert_int_equal(parse(buffer.data, buffer.length, &back, &err), MSEQ_E_JSON);
    assert_error(&err, MSEQ_E_JSON, "NUL byte in object key", NULL);
    mseq_buffer_free(&buffer);
    mseq_value_free(object);
}

static void broken_utf8_is_written_as_replacement(void **state) {
    (void)state;
    mseq_value *value = mseq_value_string("a\xFF"
                                          "b");
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_json_write(value, 0, &buffer, NULL), MSEQ_OK);
    assert_string_equal(mseq_buffer_text(&buffer), "\"a\\ufffdb\"");
    mseq_buffer_free(&buffer);
    mseq_value_free(value);
}

static void infinities_have_no_json(void **state) {
    (void)state;
    mseq_value *object = mseq_value_object(), *array = mseq_value_array();
    assert_int_equal(mseq_array_add(array, mseq_value_float(1)), MSEQ_OK);
    assert_int_equal(mseq_array_add(array, mseq_value_float(NAN)), MSEQ_OK);
    assert_int_equal(mseq_object_put(object, "k", array), MSEQ_OK);
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_json_write(object, 0, &buffer, &err), MSEQ_E_JSON);
    assert_error(&err, MSEQ_E_JSON, "k: [1]: NaN", NULL);
    mseq_buffer_free(&buffer);
    mseq_value_free(object);
}

static void bad_json(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        int line;
    } cases[] = {
        {"", "not valid JSON", 1},
        {"{", "line 1", 1},
        {"[1,]", "not valid JSON", 1},
        {"[1] 2", "not valid JSON", 1},
        {"{\"a\":1,\n\"b\":,}", "line 2", 2},
        {"{\"a\":1,\"a\":2}", "duplicate", 1},
        {"[NaN]", "not valid JSON", 1},
        {"[Infinity]", "not valid JSON", 1},
        {"[01]", "not valid JSON", 1},
        {"['x']", "not valid JSON", 1},
        {"\"\\ud800\"", "not valid JSON", 1},
        {"\"\xC3\"", "not valid JSON", 1},
        {"\"a\nb\"", "not valid JSON", 1},
        {"{\"name\": \"x\",\n\"max_rows\": 9223372036854775808}", "field 'max_rows'", 2},
        {"{\"a\": -9223372036854775809}", "field 'a'", 1},
        {"{\"a\": [1, 1e999]}", "field 'a'", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_value *value = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &value, &err), MSEQ_E_JSON);
        assert_error(&err, MSEQ_E_JSON, cases[i].message, NULL);
        assert_int_equal(err.line, cases[i].line);
        assert_null(value);
    }
    mseq_value *value = NULL;
    assert_int_equal(parse("[1]\0", 4, &value, NULL), MSEQ_E_JSON); /* the length counts */
    assert_int_equal(parse("[1]x", 3, &value, NULL), MSEQ_OK);
    mseq_value_free(value);
}

static void depth_is_bounded(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(DEEP * 2 + 1);
    assert_non_null(text);
    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    text[DEEP * 2] = '\0';
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(parse(text, DEEP * 2, &value, &err), MSEQ_E_LIMIT);
    assert_error(&err, MSEQ_E_LIMIT, "100000 levels deep, at most 200", NULL);
    assert_int_equal(parse(text + DEEP - 200, 400, &value, NULL), MSEQ_OK);
    mseq_value_free(value);
    value = NULL;
    assert_int_equal(mseq_json_parse(text + DEEP - 3, 6, 2, &value, NULL), MSEQ_E_LIMIT);
    assert_int_equal(mseq_json_parse("\"[[[[\"", 6, 2, &value, NULL), MSEQ_OK); /* only text */
    mseq_value_free(value);
    free(text);
}

/* ---- A comma locale
 * -------------------------------------------------------------------------------------- */

static const char comma_locale[] = "LC_NUMERIC\n"
                                   "decimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\n"
                                   "END LC_NUMERIC\n";

/* Compiles a locale of our own (libc's localedef) into `folder`; false when there is no localedef.
 */
static bool compile_locale(const char *folder) {
    char source[256], target[256];
    snprintf(source, sizeof source, "%s/comma", folder);
    snprintf(target, sizeof target, "%s/xx_XX", folder);
    FILE *file = fopen(source, "w");
    assert_non_null(file);
    assert_true(fputs(comma_locale, file) >= 0);
    assert_int_equal(fclose(file), 0);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(127);
        execlp("localedef", "localedef", "-c", "-i", source, "-f", "ANSI_X3.4-1968", target,
               (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) != 127;
}

static void remove_folder(const char *folder) {
    pid_t child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_comma_locale_changes_nothing(void **state) {
    char folder[] = "/tmp/mseq-locale-XXXXXX", sample[16];
    assert_non_null(mkdtemp(folder));
    bool compiled = compile_locale(folder);
    assert_int_equal(setenv("LOCPATH", folder, 1), 0);
    bool set = compiled && setlocale(LC_ALL, "xx_XX");
    remove_folder(folder);
    if (!set)
        skip();
    snprintf(sample, sizeof sample, "%.1f", 1.5);
    assert_string_equal(sample, "1,5"); /* the locale is what we think it is */
    floats_are_pythons(state);
    random_floats_round_trip(state);
    numbers_are_whole_texts(state);
    times(state);
    json_is_pythons(state);
    bad_json(state);
    setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_pythons),
        cmocka_unit_test(random_floats_round_trip),
        cmocka_unit_test(decimals_keep_their_text),
        cmocka_unit_test(numbers_are_whole_texts),
        cmocka_unit_test(times),
        cmocka_unit_test(bad_times),
        cmocka_unit_test(json_is_pythons),
        cmocka_unit_test(zero_bytes_survive),
        cmocka_unit_test(broken_utf8_is_written_as_replacement),
        cmocka_unit_test(infinities_have_no_json),
        cmocka_unit_test(bad_json),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_comma_locale_changes_nothing),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
