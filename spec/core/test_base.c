/* SPDX-License-Identifier: MIT
 * Room `base`: errors, buffers, values, records, text, digests, uuids, cancellation. */
#include <pthread.h>
#include <signal.h>

#include "support.h"

/* ---- Errors
 * ---------------------------------------------------------------------------------------------- */

static void first_error_wins(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_error_set(&err, MSEQ_E_NAME, "name '%s'", "x"), MSEQ_E_NAME);
    assert_int_equal(mseq_error_set(&err, MSEQ_E_JSON, "later"), MSEQ_E_JSON);
    assert_error(&err, MSEQ_E_NAME, "name 'x'", "");
    assert_string_equal(err.code, "name");
    mseq_error_code(&err, "finer");
    mseq_error_hint(&err, "do %d", 1);
    mseq_error_detail(&err, "because");
    mseq_error_prefix(&err, "column '%s': ", "a");
    assert_string_equal(err.code, "finer");
    assert_string_equal(err.message, "column 'a': name 'x'");
    assert_string_equal(err.detail, "because");
    mseq_error_clear(&err);
    assert_int_equal(err.status, MSEQ_OK);
    assert_string_equal(err.message, "");
}

static void additions_need_an_error(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_error_hint(&err, "x");
    mseq_error_detail(&err, "x");
    mseq_error_prefix(&err, "x");
    mseq_error_code(&err, "x");
    mseq_error_source(&err, "x", 1);
    assert_string_equal(err.hint, "");
    assert_string_equal(err.message, "");
    assert_string_equal(err.source, "");
    assert_int_equal(mseq_error_set(NULL, MSEQ_E_NAME, "x"), MSEQ_E_NAME);
    assert_int_equal(mseq_error_no_memory(NULL), MSEQ_E_NO_MEMORY);
    mseq_error_clear(NULL);
}

static void long_text_is_cut_at_a_character(void **state) {
    (void)state;
    char long_text[3000];
    for (size_t i = 0; i + 1 < sizeof long_text; i++)
        long_text[i] = i % 2 ? '\xA9' : '\xC3'; /* é */
    long_text[sizeof long_text - 1] = '\0';
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_error_set(&err, MSEQ_E_NAME, "%s", long_text);
    assert_true(mseq_utf8_valid(err.message, strlen(err.message)));
    assert_in_range(strlen(err.message), sizeof err.message - 4, sizeof err.message - 1);
    mseq_error_prefix(&err, "x%s", long_text);
    assert_true(mseq_utf8_valid(err.message, strlen(err.message)));
    mseq_error_hint(&err, "x%s", long_text);
    assert_true(mseq_utf8_valid(err.hint, strlen(err.hint)));
    mseq_error_source(&err, long_text, 7);
    assert_int_equal(err.line, 7);
    assert_memory_equal(err.source, "...", 3);
    mseq_error_source(&err, "models.lua", 8);
    assert_string_equal(err.source, "models.lua");
}

static void statuses_have_names_and_http_numbers(void **state) {
    (void)state;
    assert_string_equal(mseq_status_name(MSEQ_E_NOT_FOUND), "not_found");
    assert_string_equal(mseq_status_name((mseq_status)9999), "unknown");
    assert_int_equal(mseq_status_to_http(MSEQ_E_NOT_FOUND), 404);
    assert_int_equal(mseq_status_to_http((mseq_status)9999), 500);
    static const int numbers[] = {400, 401, 403, 404, 409, 429, 500};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(mseq_status_to_http(mseq_status_from_http(numbers[i])), numbers[i]);
    assert_int_equal(mseq_status_from_http(204), MSEQ_OK);
    assert_int_equal(mseq_status_from_http(503), MSEQ_E_SERVER);
    assert_int_equal(mseq_status_from_http(418), MSEQ_E_API);
}

/* ---- Buffers
 * --------------------------------------------------------------------------------------------- */

static void buffers_grow_and_keep_zero_bytes(void **state) {
    (void)state;
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    assert_string_equal(mseq_buffer_text(&buffer), "");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(mseq_buffer_append_format(&buffer, "%d,", i), MSEQ_OK);
    assert_int_equal(buffer.length, 3890);
    assert_int_equal(strlen(buffer.data), buffer.length);
    mseq_buffer_clear(&buffer);
    mseq_buffer_append(&buffer, "a\0b", 3);
    mseq_buffer_append_char(&buffer, 'c');
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.data, "a\0bc", 5);
    char *taken = mseq_buffer_take(&buffer);
    assert_memory_equal(taken, "a\0bc", 5);
    assert_int_equal(buffer.length, 0);
    free(taken);
    taken = mseq_buffer_take(&buffer); /* an empty buffer gives "" */
    assert_string_equal(taken, "");
    free(taken);
}

static void a_full_buffer_stays_full(void **state) {
    (void)state;
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    buffer.maximum = 4;
    assert_int_equal(mseq_buffer_append_text(&buffer, "abcd"), MSEQ_OK);
    assert_int_equal(mseq_buffer_append_char(&buffer, 'e'), MSEQ_E_LIMIT);
    assert_int_equal(mseq_buffer_append_format(&buffer, "%s", ""), MSEQ_E_LIMIT);
    assert_string_equal(mseq_buffer_text(&buffer), "abcd");
    assert_null(mseq_buffer_take(&buffer));
    assert_int_equal(buffer.status, MSEQ_OK);
    mseq_value *value = document("['0123456789']");
    buffer.maximum = 4;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_json_write(value, 0, &buffer, &err), MSEQ_E_LIMIT);
    assert_error(&err, MSEQ_E_LIMIT, "larger", NULL);
    mseq_buffer_free(&buffer);
    mseq_value_free(value);
}

static void string_lists(void **state) {
    (void)state;
    mseq_strings list = MSEQ_STRINGS_INIT;
    for (int i = 0; i < 20; i++)
        assert_int_equal(mseq_strings_add_take(&list, mseq_text_format("s%d", i)), MSEQ_OK);
    assert_int_equal(mseq_strings_add(&list, "last"), MSEQ_OK);
    assert_int_equal(mseq_strings_add(&list, NULL), MSEQ_E_NO_MEMORY);
    assert_int_equal(list.count, 21);
    assert_string_equal(list.items[20], "last");
    assert_true(mseq_strings_contains(&list, "s7"));
    assert_false(mseq_strings_contains(&list, "s21"));
    mseq_strings_free(&list);
    assert_null(list.items);
}

/* ---- Values
 * ---------------------------------------------------------------------------------------------- */

static void absent_values_read_as_null(void **state) {
    (void)state;
    assert_int_equal(mseq_value_kind(NULL), MSEQ_NULL);
    assert_true(mseq_value_is_null(NULL));
    assert_int_equal(mseq_value_length(NULL), 0);
    assert_null(mseq_object_get(NULL, "a"));
    assert_null(mseq_array_get(NULL, 0));
    assert_null(mseq_object_key_at(NULL, 0));
    assert_null(mseq_value_get_text(NULL));
    assert_int_equal(mseq_value_get_integer(NULL, 7), 7);
    assert_true(mseq_value_get_boolean(NULL, true));
    assert_true(mseq_value_get_float(NULL, 1.5) == 1.5);
    assert_true(mseq_value_equal(NULL, NULL));
    assert_string_equal(mseq_kind_name(MSEQ_OBJECT), "object");
    assert_string_equal(mseq_kind_name((mseq_kind)99), "unknown");
    mseq_value_free(NULL);
}

static void integers_and_floats_stay_apart(void **state) {
    (void)state;
    mseq_value *one = mseq_value_integer(1), *float_one = mseq_value_float(1.0);
    assert_false(mseq_value_equal(one, float_one));
    assert_true(mseq_value_get_float(one, 0) == 1.0);
    assert_int_equal(mseq_value_get_integer(float_one, -1), -1);
    mseq_value_free(one);
    mseq_value_free(float_one);
    mseq_value *text = mseq_value_string_n("a\0b", 3), *null = mseq_value_string(NULL);
    assert_int_equal(mseq_value_get_text_length(text), 3);
    assert_int_equal(mseq_value_kind(null), MSEQ_NULL);
    mseq_value_free(text);
    mseq_value_free(null);
}

/* Small objects are searched, large ones have an index; both keep the order of their keys. */
static void objects_keep_order(void **state) {
    (void)state;
    enum { COUNT = 500 };
    mseq_value *object = mseq_value_object();
    char key[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "k%d", i * 7 % COUNT);
        assert_int_equal(mseq_object_put_integer(object, key, i), MSEQ_OK);
    }
    assert_int_equal(mseq_value_length(object), COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "k%d", i * 7 % COUNT);
        assert_string_equal(mseq_object_key_at(object, (size_t)i), key);
        assert_int_equal(mseq_object_get_integer(object, key, -1), i);
    }
    mseq_value *copy = mseq_value_dup(object);
    assert_true(mseq_value_equal(object, copy));
    assert_int_equal(mseq_object_put_text(object, "k7", "new"), MSEQ_OK); /* keeps its place */
    assert_string_equal(mseq_object_key_at(object, 1), "k7");
    assert_false(mseq_value_equal(object, copy));
    for (int i = 0; i < COUNT; i += 2) {
        snprintf(key, sizeof key, "k%d", i);
        assert_true(mseq_object_remove(object, key));
        assert_false(mseq_object_remove(object, key));
    }
    assert_int_equal(mseq_value_length(object), COUNT / 2);
    assert_string_equal(mseq_object_get_text(object, "k7"), "new");
    mseq_value *taken = mseq_object_take(object, "k7");
    assert_string_equal(mseq_value_get_text(taken), "new");
    assert_null(mseq_object_get(object, "k7"));
    mseq_value_free(taken);
    mseq_value_free(object);
    mseq_value_free(copy);
}

static void equality_ignores_key_order(void **state) {
    (void)state;
    mseq_value *a = document("{'a': 1, 'b': [1, 2.5, null, true, 'x']}");
    mseq_value *b = document("{'b': [1, 2.5, null, true, 'x'], 'a': 1}");
    mseq_value *c = document("{'b': [1, 2.5, null, 'x', true], 'a': 1}");
    assert_true(mseq_value_equal(a, b));
    assert_false(mseq_value_equal(a, c));
    mseq_value_free(a);
    mseq_value_free(b);
    mseq_value_free(c);
}

static void wrong_containers_free_what_they_are_given(void **state) {
    (void)state;
    mseq_value *text = mseq_value_string("x");
    assert_int_equal(mseq_array_add(text, mseq_value_null()), MSEQ_E_ARGUMENT);
    assert_int_equal(mseq_object_put(text, "a", mseq_value_null()), MSEQ_E_ARGUMENT);
    mseq_value *array = mseq_value_array();
    assert_int_equal(mseq_array_add(array, NULL), MSEQ_E_NO_MEMORY);
    assert_int_equal(mseq_object_put(array, "a", NULL), MSEQ_E_NO_MEMORY);
    mseq_value_free(array);
    mseq_value_free(text);
}

/* ---- Records
 * --------------------------------------------------------------------------------------------- */

static const char *const colours[] = {"red", "green", NULL};
static const mseq_field item_fields[] = {{.name = "id", .flags = MSEQ_FIELD_REQUIRED},
                                         {.name = NULL}};
static const mseq_field fields[] = {
    {.name = "name", .alias = "theName", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "colour", .fallback = "red", .choices = colours},
    {.name = "count", .type = MSEQ_FIELD_INTEGER, .minimum = 1, .maximum = 9, .fallback = "3"},
    {.name = "on", .type = MSEQ_FIELD_BOOLEAN, .fallback = "true"},
    {.name = "free", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "kept", .flags = MSEQ_FIELD_KEEP_NULL},
    {.name = "tags", .type = MSEQ_FIELD_STRINGS, .fallback = ""},
    {.name = "any", .type = MSEQ_FIELD_CONTAINER, .fallback = ""},
    {.name = "items", .type = MSEQ_FIELD_RECORDS, .fallback = "", .fields = item_fields},
    {.name = "item",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = item_fields},
    {.name = "objects", .type = MSEQ_FIELD_OBJECTS, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "old", .type = MSEQ_FIELD_IGNORED},
    {.name = NULL},
};

static void records_are_completed(void **state) {
    (void)state;
    mseq_value *given = document("{'kept': null, 'free': null, 'theName': 'x', 'orm_class': 'C', "
                                 "'old': [], 'items': [{'id': 'a'}], 'tags': ['t']}");
    mseq_value *out = NULL;
    assert_int_equal(mseq_record_check(given, MSEQ_E_REQUEST, NULL, fields, &out, NULL), MSEQ_OK);
    assert_document(out, "{'name': 'x', 'colour': 'red', 'count': 3, 'on': true, 'kept': null, "
                         "'tags': ['t'], 'any': {}, 'items': [{'id': 'a'}]}");
    mseq_value_free(given);
    mseq_value_free(out);
}

static void records_are_refused_by_path(void **state) {
    (void)state;
    static const struct {
        const char *given, *message, *code, *hint;
    } cases[] = {
        {"[]", "the document: must be an object, not array", "wrong_kind", NULL},
        {"{}", "name: is required", "missing_field", NULL},
        {"{'name': ''}", "name: must not be empty", "bad_value", NULL},
        {"{'name': 5}", "name: must be a string, not integer", "wrong_kind", NULL},
        {"{'name': 'a\\u0000'}", "name: contains a NUL", "bad_value", NULL},
        {"{'name': 'a', 'theName': 'b'}", "name: is given twice, as name and theName", "bad_value",
         NULL},
        {"{'name': 'a', 'nmae': 'b'}", "nmae: is not a known key", "unknown_key", "'name'"},
        {"{'name': 'a', 'colour': 'blue'}", "colour: 'blue' is not one of: red, green", "bad_value",
         NULL},
        {"{'name': 'a', 'count': 0}", "count: 0 is less than 1", "bad_value", NULL},
        {"{'name': 'a', 'count': 10}", "count: 10 is more than 9", "bad_value", NULL},
        {"{'name': 'a', 'count': 1.0}", "count: must be an integer, not float", "wrong_kind", NULL},
        {"{'name': 'a', 'tags': ['x', null]}", "tags[1]: must be a string, not null", "wrong_kind",
         NULL},
        {"{'name': 'a', 'any': 'x'}", "any: must be an object or an array", "wrong_kind", NULL},
        {"{'name': 'a', 'items': [{'id': 'a'}, {}]}", "items[1].id: is required", "missing_field",
         NULL},
        {"{'name': 'a', 'items': [[]]}", "items[0]: must be an object", "wrong_kind", NULL},
        {"{'name': 'a', 'item': {'di': 1}}", "item.di: is not a known key", "unknown_key", "'id'"},
        {"{'name': 'a', 'objects': [1]}", "objects[0]: must be an object, not integer",
         "wrong_kind", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_value *given = document(cases[i].given), *out = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_record_check(given, MSEQ_E_CONTRACT, NULL, fields, &out, &err),
                         MSEQ_E_CONTRACT);
        assert_error(&err, MSEQ_E_CONTRACT, cases[i].message, cases[i].hint);
        assert_string_equal(err.code, cases[i].code);
        assert_null(out);
        mseq_value_free(given);
    }
}

/* ---- Text
 * ------------------------------------------------------------------------------------------------
 */

static void utf8(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",         "\xC0\x80",         "\xC3",
                                      "\xE0\x80\x80", "\xED\xA0\x80",     "\xF0\x80\x80\x80",
                                      "\xF5\x80\x80", "\xF4\x90\x80\x80", "a\xFF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(mseq_utf8_valid(bad[i], strlen(bad[i])));
    const char good[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    assert_true(mseq_utf8_valid(good, sizeof good - 1));
    assert_int_equal(mseq_utf8_length(good), 4);
    assert_int_equal(mseq_utf8_length("a\xFF"), 2);
    uint32_t codepoint = 0;
    assert_int_equal(mseq_utf8_next(good + 6, 4, &codepoint), 4);
    assert_int_equal(codepoint, 0x1F600);
    assert_int_equal(mseq_utf8_next(good, 0, &codepoint), 0);
}

static void unicode_classes(void **state) {
    (void)state;
    static const uint32_t alphanumeric[] = {'a', '0', 0xE9, 0xB2, 0xBD, 0x2167, 0x4E00, 0x10400};
    static const uint32_t other[] = {'_', ' ', '-', 0x20AC, 0x301, 0x1F600};
    for (size_t i = 0; i < sizeof alphanumeric / sizeof *alphanumeric; i++)
        assert_true(mseq_unicode_is_alphanumeric(alphanumeric[i]));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_false(mseq_unicode_is_alphanumeric(other[i]));
    char *trimmed = mseq_text_trim("\x1C\xC2\xA0 a\xE2\x80\x83 b\xE3\x80\x80\t");
    assert_string_equal(trimmed, "a\xE2\x80\x83 b");
    free(trimmed);
    trimmed = mseq_text_trim(" \xE2\x80\xA9 ");
    assert_string_equal(trimmed, "");
    free(trimmed);
    trimmed = mseq_text_trim("\xE2\x80\x8B"); /* zero width space is no white space */
    assert_string_equal(trimmed, "\xE2\x80\x8B");
    free(trimmed);
    char *folded = mseq_text_casefold("Stra\xC3\x9F"
                                      "E");
    assert_string_equal(folded, "strasse");
    free(folded);
    assert_null(mseq_text_casefold("\xFF"));
}

static void near_misses(void **state) {
    (void)state;
    static const char *const words[] = {"nullable", "primary_key", "unique", "index"};
    assert_string_equal(mseq_text_nearest("nulable", words, 4), "nullable");
    assert_string_equal(mseq_text_nearest("NULLABLE", words, 4), "nullable");
    assert_string_equal(mseq_text_nearest("unqiue", words, 4), "unique");
    assert_null(mseq_text_nearest("comment", words, 4));
    assert_null(mseq_text_nearest("", words, 4));
    char word[200];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_null(mseq_text_nearest(word, words, 4));
}

static void base64(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        mseq_buffer text = MSEQ_BUFFER_INIT, bytes = MSEQ_BUFFER_INIT;
        assert_int_equal(mseq_base64_encode(pairs[i][0], strlen(pairs[i][0]), &text), MSEQ_OK);
        assert_string_equal(mseq_buffer_text(&text), pairs[i][1]);
        assert_int_equal(mseq_base64_decode(pairs[i][1], strlen(pairs[i][1]), &bytes, NULL),
                         MSEQ_OK);
        assert_string_equal(mseq_buffer_text(&bytes), pairs[i][0]);
        mseq_buffer_free(&text);
        mseq_buffer_free(&bytes);
    }
    static const char *const bad[] = {"Zg=", "Zm9v!A==", "Z===", "====", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mseq_buffer bytes = MSEQ_BUFFER_INIT;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_base64_decode(bad[i], strlen(bad[i]), &bytes, &err), MSEQ_E_REQUEST);
        assert_error(&err, MSEQ_E_REQUEST, "base64", NULL);
        mseq_buffer_free(&bytes);
    }
}

/* ---- Digests, uuids, cancellation, dialects
 * ------------------------------------------------------------- */

static void digests(void **state) {
    (void)state;
    char md5[33], sha1[41], sha256[65];
    assert_int_equal(mseq_md5_hex("abc", 3, md5), MSEQ_OK);
    assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
    assert_int_equal(mseq_md5_hex("", 0, md5), MSEQ_OK);
    assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
    assert_int_equal(mseq_sha1_hex("abc", 3, sha1), MSEQ_OK);
    assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(mseq_sha256_hex("abc", 3, sha256), MSEQ_OK);
    assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void uuids(void **state) {
    (void)state;
    char a[37], b[37], canonical[37];
    assert_int_equal(mseq_uuid_new(a), MSEQ_OK);
    assert_int_equal(mseq_uuid_new(b), MSEQ_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(a[14], '4');
    assert_true(mseq_uuid_normalize(a, canonical));
    assert_string_equal(a, canonical);
    static const char *const spellings[] = {
        "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
        "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b8109dad11d180b400c04fd430c8"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        assert_true(mseq_uuid_normalize(spellings[i], canonical));
        assert_string_equal(canonical, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    }
    assert_false(mseq_uuid_normalize("", canonical));
    assert_false(mseq_uuid_normalize("6ba7b8109dad11d180b400c04fd430c", canonical));
    assert_false(mseq_uuid_normalize("6ba7b8109dad11d180b400c04fd430cg", canonical));
    assert_false(mseq_uuid_normalize("6ba7b8109dad11d180b400c04fd430c8a", canonical));
}

static mseq_cancellation *signalled;

static void on_signal(int number) {
    (void)number;
    mseq_cancellation_set(signalled);
}

static void *set_from_thread(void *token) {
    mseq_cancellation_set(token);
    return NULL;
}

static void cancellation(void **state) {
    (void)state;
    assert_false(mseq_cancellation_is_set(NULL));
    mseq_cancellation *token = mseq_cancellation_new();
    assert_false(mseq_cancellation_is_set(token));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, set_from_thread, token), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(mseq_cancellation_is_set(token));
    mseq_cancellation_free(token);
    signalled = mseq_cancellation_new();
    struct sigaction action = {.sa_handler = on_signal}, before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(mseq_cancellation_is_set(signalled));
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    mseq_cancellation_free(signalled);
    mseq_cancellation_free(NULL);
}

static void dialects(void **state) {
    (void)state;
    mseq_dialect dialect = MSEQ_SQLITE;
    assert_string_equal(mseq_dialect_name(MSEQ_POSTGRESQL), "postgresql");
    assert_true(mseq_dialect_from_name("postgresql", &dialect));
    assert_int_equal(dialect, MSEQ_POSTGRESQL);
    assert_true(mseq_dialect_from_name("sqlite", &dialect));
    assert_int_equal(dialect, MSEQ_SQLITE);
    assert_false(mseq_dialect_from_name("mysql", &dialect));
    assert_int_equal(dialect, MSEQ_SQLITE);
    assert_string_equal(mseq_version(), MSEQ_VERSION_STRING);
}

/* ---- Shared libraries */

static void test_library(void **state) {
    (void)state;
    static const char *const names[] = {"zlibVersion", "no_such_function"};
    struct {
        const char *(*version)(void);
        void (*nothing)(void);
    } functions = {NULL, NULL};
    mseq_library library = {.file = "libz.so.1",
                            .package = "zlib1g",
                            .names = names,
                            .functions = &functions,
                            .count = 2};
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_library_load(&library, &err), MSEQ_E_IO);
    assert_non_null(strstr(err.message, "libz.so.1"));
    assert_non_null(strstr(err.message, "no_such_function"));
    assert_non_null(strstr(err.hint, "zlib1g"));
    library.count = 1; /* a failure is not kept */
    assert_int_equal(mseq_library_load(&library, NULL), MSEQ_OK);
    assert_int_equal(functions.version()[0], '1');
    functions.version = NULL;
    assert_int_equal(mseq_library_load(&library, NULL), MSEQ_OK);
    assert_null(functions.version); /* once is enough */
    mseq_library missing = {.file = "libnothing.so.9", .package = "libnothing9"};
    mseq_error_clear(&err);
    assert_int_equal(mseq_library_load(&missing, &err), MSEQ_E_IO);
    assert_non_null(strstr(err.message, "cannot load the library libnothing.so.9"));
    assert_int_equal(mseq_library_load(&missing, NULL), MSEQ_E_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library),
        cmocka_unit_test(first_error_wins),
        cmocka_unit_test(additions_need_an_error),
        cmocka_unit_test(long_text_is_cut_at_a_character),
        cmocka_unit_test(statuses_have_names_and_http_numbers),
        cmocka_unit_test(buffers_grow_and_keep_zero_bytes),
        cmocka_unit_test(a_full_buffer_stays_full),
        cmocka_unit_test(string_lists),
        cmocka_unit_test(absent_values_read_as_null),
        cmocka_unit_test(integers_and_floats_stay_apart),
        cmocka_unit_test(objects_keep_order),
        cmocka_unit_test(equality_ignores_key_order),
        cmocka_unit_test(wrong_containers_free_what_they_are_given),
        cmocka_unit_test(records_are_completed),
        cmocka_unit_test(records_are_refused_by_path),
        cmocka_unit_test(utf8),
        cmocka_unit_test(unicode_classes),
        cmocka_unit_test(near_misses),
        cmocka_unit_test(base64),
        cmocka_unit_test(digests),
        cmocka_unit_test(uuids),
        cmocka_unit_test(cancellation),
        cmocka_unit_test(dialects),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
