/* SPDX-License-Identifier: MIT
 * Room migration: operations → SQL, validation, reverse, risks. Golden texts for PostgreSQL stand
 * in spec/golden; here is what they do not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mainsequence/migration.h"

static mseq_value *json(const char *text) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = NULL;
    if (mseq_json_parse(text, strlen(text), 0, &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", err.message, text);
    return value;
}

static mseq_table *table(const char *text) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *description = json(text);
    mseq_table *made = NULL;
    if (mseq_table_from_description(description, &made, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_value_free(description);
    return made;
}

/* Statements joined by a line of "--". */
static char *joined(const mseq_strings *statements) {
    mseq_buffer all = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < statements->count; i++)
        mseq_buffer_append_format(&all, i ? "\n--\n%s" : "%s", statements->items[i]);
    char *text = mseq_text_dup(mseq_buffer_text(&all));
    mseq_buffer_free(&all);
    return text;
}

static void renders_with(const char *operation_text, mseq_dialect dialect, const char *table_text,
                         const char *dependents_text, const char *expected) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_migration_context context = MSEQ_MIGRATION_CONTEXT_INIT;
    mseq_value *operation = json(operation_text),
               *dependents = dependents_text ? json(dependents_text) : NULL;
    mseq_table *reflected = table_text ? table(table_text) : NULL;
    mseq_strings statements = MSEQ_STRINGS_INIT;
    context.table = reflected;
    context.dependents = dependents;
    if (mseq_migration_validate(operation, &err) != MSEQ_OK ||
        mseq_migration_render(operation, dialect, &context, &statements, &err) != MSEQ_OK)
        fail_msg("%s: %s", operation_text, err.message);
    char *text = joined(&statements);
    assert_string_equal(text, expected);
    free(text);
    mseq_strings_free(&statements);
    mseq_table_free(reflected);
    mseq_value_free(operation);
    mseq_value_free(dependents);
}

static void renders(const char *operation, mseq_dialect dialect, const char *expected) {
    renders_with(operation, dialect, NULL, NULL, expected);
}

/* Rendering fails, the message holds `part`, and the list is as it was. */
static void refuses_with(const char *operation_text, mseq_dialect dialect, const char *table_text,
                         const char *part) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_migration_context context = MSEQ_MIGRATION_CONTEXT_INIT;
    mseq_value *operation = json(operation_text);
    mseq_table *reflected = table_text ? table(table_text) : NULL;
    mseq_strings statements = MSEQ_STRINGS_INIT;
    context.table = reflected;
    assert_int_equal(mseq_strings_add(&statements, "kept"), MSEQ_OK);
    if (mseq_migration_render(operation, dialect, &context, &statements, &err) == MSEQ_OK)
        fail_msg("rendered: %s", operation_text);
    if (!strstr(err.message, part))
        fail_msg("'%s' is not in '%s'", part, err.message);
    assert_int_equal(statements.count, 1);
    mseq_strings_free(&statements);
    mseq_table_free(reflected);
    mseq_value_free(operation);
}

static void refuses(const char *operation, mseq_dialect dialect, const char *part) {
    refuses_with(operation, dialect, NULL, part);
}

static void reverses(const char *operation_text, const char *expected_text) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operation = json(operation_text), *reverse = NULL;
    if (mseq_migration_reverse(operation, &reverse, &err) != MSEQ_OK)
        fail_msg("%s: %s", operation_text, err.message);
    mseq_value *expected = json(expected_text);
    if (!mseq_value_equal(reverse, expected)) {
        mseq_buffer text = MSEQ_BUFFER_INIT;
        assert_int_equal(mseq_json_write(reverse, 0, &text, NULL), MSEQ_OK);
        fail_msg("expected %s\ngot      %s", expected_text, mseq_buffer_text(&text));
    }
    mseq_value_free(operation);
    mseq_value_free(reverse);
    mseq_value_free(expected);
}

static void does_not_reverse(const char *operation_text, const char *part) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operation = json(operation_text), *reverse = NULL;
    assert_int_equal(mseq_migration_reverse(operation, &reverse, &err), MSEQ_E_DDL);
    assert_null(reverse);
    assert_non_null(strstr(err.message, part));
    mseq_value_free(operation);
}

/* Codes of the risks, joined by spaces. */
static void risks(const char *operation_text, const char *codes) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operation = json(operation_text), *list = NULL;
    assert_int_equal(mseq_migration_risks(operation, &list, &err), MSEQ_OK);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < mseq_value_length(list); i++) {
        const mseq_value *risk = mseq_array_get(list, i);
        assert_true(strlen(mseq_object_get_text(risk, "message")) > 20);
        mseq_buffer_append_format(&text, i ? " %s" : "%s", mseq_object_get_text(risk, "code"));
    }
    assert_string_equal(mseq_buffer_text(&text), codes);
    mseq_buffer_free(&text);
    mseq_value_free(operation);
    mseq_value_free(list);
}

static void test_misuse(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operation = json("{\"op\":\"add_colum\"}");
    assert_int_equal(mseq_migration_validate(operation, &err), MSEQ_E_SCHEMA);
    assert_non_null(strstr(err.message, "add_colum"));
    assert_non_null(strstr(err.hint, "add_column"));
    mseq_value_free(operation);
    refuses("[]", MSEQ_SQLITE, "an operation is an object");
    refuses("{\"op\":\"drop_table\",\"nam\":\"t\"}", MSEQ_SQLITE, "no argument 'nam'");
    refuses("{\"op\":\"drop_table\"}", MSEQ_SQLITE, "needs 'name'");
    refuses("{\"op\":\"drop_table\",\"name\":\"\"}", MSEQ_SQLITE, "not empty");
    refuses("{\"op\":\"drop_table\",\"name\":7}", MSEQ_SQLITE,
            "name must be a string, not integer");
    refuses("{\"op\":\"drop_table\",\"name\":\"t\",\"if_exists\":1}", MSEQ_SQLITE, "true or false");
    refuses(
        "{\"op\":\"add_column\",\"table\":\"t\",\"column\":{\"name\":\"c\",\"type\":\"Strin\"}}",
        MSEQ_POSTGRESQL, "Strin");
    refuses("{\"op\":\"create_unique_constraint\",\"table\":\"t\",\"columns\":[]}", MSEQ_POSTGRESQL,
            "columns must be a list of names");
    refuses("{\"op\":\"drop_constraint\",\"table\":\"t\",\"name\":\"x\",\"type\":\"uniq\"}",
            MSEQ_POSTGRESQL, "uniq");
    refuses("{\"op\":\"alter_column\",\"table\":\"t\",\"column\":\"c\",\"comment\":5}",
            MSEQ_POSTGRESQL, "comment must be");
}

static void test_execute(void **state) {
    (void)state;
    renders(
        "{\"op\":\"execute\",\"sql\":\"SELECT ':a', \\\":b\\\", 1::int, 'it''s :c' -- :d\\n, :e "
        "/* :f */ FROM t WHERE x = '\\\\:y'\",\"binds\":{\"e\":\"it's\"}}",
        MSEQ_POSTGRESQL,
        "SELECT ':a', \":b\", 1::int, 'it''s :c' -- :d\n, 'it''s' /* :f */ FROM t WHERE x = "
        "':y'");
    renders("{\"op\":\"execute\",\"sql\":\"DO $body$ BEGIN x := :y; END $body$\"}", MSEQ_POSTGRESQL,
            "DO $body$ BEGIN x := :y; END $body$");
    refuses("{\"op\":\"execute\",\"sql\":\"SELECT :missing\"}", MSEQ_POSTGRESQL, ":missing");
    refuses("{\"op\":\"execute\",\"sql\":\"SELECT 1\",\"binds\":{\"spare\":1}}", MSEQ_POSTGRESQL,
            ":spare");
    renders("{\"op\":\"execute\",\"sql\":\"SELECT :u, :t, :b\",\"binds\":{"
            "\"u\":{\"$type\":\"uuid\",\"value\":\"12345678123456781234567812345678\"},"
            "\"t\":{\"$type\":\"datetime\",\"value\":\"2024-01-02T03:04:05+01:00\"},"
            "\"b\":{\"$bytes\":\"AP8Q\"}}}",
            MSEQ_SQLITE,
            "SELECT '12345678-1234-5678-1234-567812345678', '2024-01-02T02:04:05.000000Z', "
            "X'00ff10'");
    refuses("{\"op\":\"execute\",\"sql\":\"SELECT :u\",\"binds\":{\"u\":{\"$type\":\"uuid\","
            "\"value\":\"x\"}}}",
            MSEQ_SQLITE, "no uuid");
    refuses("{\"op\":\"execute\",\"sql\":\"SELECT :u\",\"binds\":{\"u\":{\"$type\":\"decimal\","
            "\"value\":\"1; DROP TABLE t\"}}}",
            MSEQ_SQLITE, "no decimal");
    refuses("{\"op\":\"execute\",\"sql\":\"SELECT :u\",\"binds\":{\"u\":{\"$type\":\"bytes_hex\","
            "\"value\":\"0g\"}}}",
            MSEQ_SQLITE, "hex");
    refuses("{\"op\":\"execute\",\"sql\":\"SELECT :u\",\"binds\":{\"u\":\"a\\u0000b\"}}",
            MSEQ_SQLITE, "NUL");
}

static void test_bulk_insert(void **state) {
    (void)state;
    static const char head[] =
        "{\"op\":\"bulk_insert\",\"table\":{\"name\":\"t\",\"columns\":[{\"name\":\"id\",\"type\":"
        "\"Integer\"},{\"name\":\"j\",\"type\":\"JSON\"},{\"name\":\"u\",\"type\":\"Uuid\"},{"
        "\"name\":"
        "\"b\",\"type\":\"LargeBinary\"},{\"name\":\"c\",\"type\":{\"name\":\"DateTime\",\"args\":{"
        "\"timezone\":true}}}]},\"rows\":";
    char *text = mseq_text_format(
        "%s[{\"id\":1,\"j\":{\"s\":\"it's\"},\"u\":\"{12345678-1234-5678-1234-56781234567A}\","
        "\"b\":\"a\\u0000\",\"c\":\"2024-01-02T03:04:05+00:00\"},{},{\"j\":null}]}",
        head);
    renders(text, MSEQ_SQLITE,
            "INSERT INTO t (id, j, u, b, c) VALUES (1, '{\"s\": \"it''s\"}', "
            "'12345678-1234-5678-1234-56781234567a', X'6100', '2024-01-02T03:04:05.000000Z')\n--\n"
            "INSERT INTO t DEFAULT VALUES\n--\nINSERT INTO t (j) VALUES (NULL)");
    renders(text, MSEQ_POSTGRESQL,
            "INSERT INTO t (id, j, u, b, c) VALUES (1, '{\"s\": \"it''s\"}', "
            "'12345678-1234-5678-1234-56781234567a', '\\x6100', '2024-01-02 03:04:05+00:00')\n--\n"
            "INSERT INTO t DEFAULT VALUES\n--\nINSERT INTO t (j) VALUES (NULL)");
    free(text);
    text = mseq_text_format("%s[{\"id\":1},{\"x\":1}]}", head);
    refuses(text, MSEQ_SQLITE, "row 2 has 'x'");
    free(text);
    text = mseq_text_format("%s[{\"id\":[1]}]}", head);
    refuses(text, MSEQ_SQLITE, "JSON columns only");
    free(text);
    text = mseq_text_format("%s[7]}", head);
    refuses(text, MSEQ_SQLITE, "row 1 is no table");
    free(text);
}

static void test_reverse(void **state) {
    (void)state;
    reverses(
        "{\"op\":\"create_unique_constraint\",\"table\":\"t\",\"columns\":[\"a\"]}",
        "{\"op\":\"drop_constraint\",\"name\":\"uq__t__a\",\"name_final\":true,\"table\":\"t\","
        "\"type\":\"unique\",\"existing_constraint\":{\"columns\":[\"a\"]}}");
    reverses(
        "{\"op\":\"drop_constraint\",\"name\":\"uq__t__a\",\"name_final\":true,\"table\":\"t\","
        "\"type\":\"unique\",\"existing_constraint\":{\"columns\":[\"a\"]}}",
        "{\"op\":\"create_unique_constraint\",\"name\":\"uq__t__a\",\"name_final\":true,"
        "\"table\":\"t\",\"columns\":[\"a\"]}");
    reverses("{\"op\":\"create_index\",\"table\":\"t\",\"columns\":[\"a\"],\"unique\":true}",
             "{\"op\":\"drop_index\",\"name\":\"uix__t__a\",\"table\":\"t\",\"existing_index\":{"
             "\"name\":\"uix__t__a\",\"columns\":[\"a\"],\"unique\":true}}");
    reverses("{\"op\":\"alter_column\",\"table\":\"t\",\"column\":\"a\",\"nullable\":false,"
             "\"comment\":{\"drop\":true},\"existing_comment\":\"x\",\"new_name\":\"b\","
             "\"existing_type\":\"Integer\"}",
             "{\"op\":\"alter_column\",\"table\":\"t\",\"column\":\"b\",\"nullable\":true,"
             "\"existing_nullable\":false,\"existing_type\":\"Integer\",\"comment\":\"x\","
             "\"existing_comment\":{\"drop\":true},\"new_name\":\"a\"}");
    reverses("{\"op\":\"rename_table\",\"old_name\":\"a\",\"new_name\":\"b\"}",
             "{\"op\":\"rename_table\",\"old_name\":\"b\",\"new_name\":\"a\"}");
    reverses("{\"op\":\"create_table_comment\",\"table\":\"t\",\"comment\":\"c\"}",
             "{\"op\":\"drop_table_comment\",\"table\":\"t\",\"existing_comment\":\"c\"}");
    does_not_reverse("{\"op\":\"drop_table\",\"name\":\"t\"}", "existing_table");
    does_not_reverse("{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"c\"}",
                     "existing_column");
    does_not_reverse("{\"op\":\"execute\",\"sql\":\"SELECT 1\"}", "cannot be reversed");
    does_not_reverse("{\"op\":\"alter_column\",\"table\":\"t\",\"column\":\"c\",\"type\":\"Text\"}",
                     "existing_type");
}

static void test_risks(void **state) {
    (void)state;
    risks("{\"op\":\"drop_table\",\"name\":\"t\"}", "data_loss");
    risks("{\"op\":\"drop_column\",\"table\":\"t\",\"column\":\"c\"}", "data_loss");
    risks(
        "{\"op\":\"add_column\",\"table\":\"t\",\"column\":{\"name\":\"c\",\"type\":\"Integer\"}}",
        "");
    risks("{\"op\":\"add_column\",\"table\":\"t\",\"column\":{\"name\":\"c\",\"type\":\"Integer\","
          "\"nullable\":false}}",
          "not_null_without_default");
    risks("{\"op\":\"create_index\",\"table\":\"t\",\"columns\":[\"a\"]}", "index_blocks_writes");
    risks("{\"op\":\"create_index\",\"table\":\"t\",\"columns\":[\"a\"],\"postgresql\":{"
          "\"concurrently\":true},\"unique\":true}",
          "duplicates");
    risks(
        "{\"op\":\"alter_column\",\"table\":\"t\",\"column\":\"c\",\"type\":{\"name\":\"String\","
        "\"args\":{\"length\":5}},\"existing_type\":{\"name\":\"String\",\"args\":{\"length\":9}}}",
        "type_narrowing table_rewrite");
    risks("{\"op\":\"alter_column\",\"table\":\"t\",\"column\":\"c\",\"type\":\"BigInteger\","
          "\"existing_type\":\"Integer\",\"nullable\":false,\"new_name\":\"d\"}",
          "table_rewrite not_null breaks_readers");
    risks("{\"op\":\"create_check_constraint\",\"table\":\"t\",\"sqltext\":\"a > 0\"}",
          "validation_lock");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misuse),      cmocka_unit_test(test_execute),
        cmocka_unit_test(test_bulk_insert), cmocka_unit_test(test_reverse),
        cmocka_unit_test(test_risks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
