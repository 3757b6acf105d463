/* SPDX-License-Identifier: MIT
 * Room `naming`. The golden data has the many cases (spec/golden); here: ownership, errors, edges.
 */
#include "mainsequence/naming.h"

#include "support.h"

static const char long_word[] =
    "very_long_concept_name_that_would_exceed_the_postgres_identifier_limit";

/* The name, or the error's message; the caller frees it. */
static char *table_name(const char *app, const char *concept_name, const char *suffix) {
    char *name = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_naming_schema_table_name(app, concept_name, suffix, &name, &err);
    if (status == MSEQ_OK)
        return name;
    assert_int_equal(status, MSEQ_E_NAME);
    assert_null(name);
    return strdup(err.message);
}

static void assert_text(char *text, const char *expected) {
    assert_string_equal(text, expected);
    free(text);
}

static void schema_table_names(void **state) {
    (void)state;
    assert_text(table_name("SDK Examples", "Account Holdings", NULL),
                "sdk_examples__account_holdings");
    assert_text(table_name("ms-markets", "Asset", "mainsequence.examples"),
                "ms_markets__asset__mainsequence_examples");
    assert_text(table_name("sdk_examples", long_word, NULL),
                "sdk_examples__very_long_concept_name_that_would_exce_32e21d4e2c");
    assert_text(table_name("sdk_examples", long_word, "mainsequence_examples"),
                "sdk_examples__very_long_concept_5cd0c22089__nsequence_examples");
    assert_text(table_name("\xC3\xA9", "a", NULL), "table__a");
    assert_text(table_name("", "a", NULL), "Schema table name app is required.");
    assert_text(table_name("a", " \xC2\xA0 ", NULL), "Schema table name concept is required.");
    assert_text(table_name("a", "b", ""), "Schema table name suffix is required.");
    assert_text(table_name("!!!", "b", NULL),
                "Schema table name app must contain letters or digits.");
    assert_text(table_name("a\xFF", "b", NULL), "Schema table name app is not valid UTF-8.");
}

static void apps_that_leave_no_room(void **state) {
    (void)state;
    char app[64];
    memset(app, 'a', sizeof app - 1);
    app[sizeof app - 1] = '\0';
    char *name = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    app[49] = '\0';
    assert_int_equal(mseq_naming_schema_table_name(app, "concept_long_enough", NULL, &name, &err),
                     MSEQ_OK);
    assert_int_equal(strlen(name), 63);
    free(name);
    name = NULL;
    app[49] = 'a';
    app[51] = '\0';
    assert_int_equal(mseq_naming_schema_table_name(app, "concept_long_enough", NULL, &name, &err),
                     MSEQ_E_NAME);
    assert_error(&err, MSEQ_E_NAME, "app is too long", "no room for the concept");
    assert_null(name);
}

static void bounded_identifiers(void **state) {
    (void)state;
    const char *const parts[] = {
        "ix", "sdk_examples__account_holdings",
        "very_long_column_name_that_would_exceed_postgres_identifier_limits"};
    const char *const small[] = {"a", "b c", "D"}, *const tiny[] = {"abcdef", "ghijkl"};
    char *name = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_naming_bounded_identifier(parts, 3, 0, &name, &err), MSEQ_OK);
    assert_text(name, "ix__sdk_examples__account_holdings__very_long_column_589a0a5516");
    assert_int_equal(mseq_naming_bounded_identifier(small, 3, 0, &name, &err), MSEQ_OK);
    assert_text(name, "a__b_c__d");
    assert_int_equal(mseq_naming_bounded_identifier(tiny, 2, 12, &name, &err), MSEQ_OK);
    assert_text(name, "a_d0b683a6a9");
    assert_int_equal(mseq_naming_bounded_identifier(NULL, 0, 0, &name, &err), MSEQ_OK);
    assert_text(name, "");
    name = NULL;
    assert_int_equal(mseq_naming_bounded_identifier(tiny, 2, 11, &name, &err), MSEQ_E_NAME);
    assert_error(&err, MSEQ_E_NAME, "max_length is too small: 11", NULL);
    assert_null(name);
}

static void parsed_names(void **state) {
    (void)state;
    char *app = NULL, *concept_name = NULL, *suffix = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(
        mseq_naming_parse_schema_table_name("a__b__c__d", &app, &concept_name, &suffix, &err),
        MSEQ_OK);
    assert_text(app, "a");
    assert_text(concept_name, "b");
    assert_text(suffix, "c__d");
    suffix = NULL;
    assert_int_equal(mseq_naming_parse_schema_table_name("MS Markets__Asset", &app, &concept_name,
                                                         &suffix, &err),
                     MSEQ_OK);
    assert_text(app, "ms_markets");
    assert_text(concept_name, "asset");
    assert_null(suffix);
    static const char *const bad[][2] = {{"", "is required"},
                                         {"justone", "app__concept"},
                                         {"a__", "part is required"},
                                         {"a____b", "part is required"},
                                         {"-", "letters or digits"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        app = NULL;
        mseq_error_clear(&err);
        assert_int_equal(
            mseq_naming_parse_schema_table_name(bad[i][0], &app, &concept_name, &suffix, &err),
            MSEQ_E_NAME);
        assert_error(&err, MSEQ_E_NAME, bad[i][1], NULL);
        assert_null(app);
    }
}

static void object_names(void **state) {
    (void)state;
    const char *const columns[] = {"account_uid"}, *const target[] = {"uid"};
    const char table[] = "sdk_examples__account_holding";
    char *name = NULL;
    assert_int_equal(mseq_naming_index_name(table, columns, 1, false, &name, NULL), MSEQ_OK);
    assert_text(name, "ix__sdk_examples__account_holding__account_uid");
    assert_int_equal(mseq_naming_index_name(table, columns, 1, true, &name, NULL), MSEQ_OK);
    assert_text(name, "uix__sdk_examples__account_holding__account_uid");
    assert_int_equal(mseq_naming_foreign_key_name(table, columns, 1, "sdk_examples__account",
                                                  target, 1, &name, NULL),
                     MSEQ_OK);
    assert_text(name, "fk__sdk_examples__account_holding__account_uid__sdk_7620762ba5");
    assert_int_equal(mseq_naming_primary_key_name(table, &name, NULL), MSEQ_OK);
    assert_text(name, "pk__sdk_examples__account_holding");
    assert_int_equal(mseq_naming_check_constraint_name(table, NULL, &name, NULL), MSEQ_OK);
    assert_text(name, "ck__sdk_examples__account_holding");
    assert_int_equal(mseq_naming_check_constraint_name(table, "positive_qty", &name, NULL),
                     MSEQ_OK);
    assert_text(name, "ck__sdk_examples__account_holding__positive_qty");
    name = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_naming_index_name(table, NULL, 0, false, &name, &err), MSEQ_E_NAME);
    assert_error(&err, MSEQ_E_NAME, "At least one column is required", NULL);
    assert_null(name);
}

static void final_names_are_cut(void **state) {
    (void)state;
    char long_name[80], *name = NULL;
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(mseq_naming_truncate_final(long_name, &name, NULL), MSEQ_OK);
    assert_int_equal(strlen(name), 60); /* 55 characters, "_", 4 digits */
    assert_int_equal(name[55], '_');
    free(name);
    assert_int_equal(mseq_naming_truncate_final("short", &name, NULL), MSEQ_OK);
    assert_text(name, "short");
}

static void namespace_slugs(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"MainSequence.Examples", "mainsequence_examples"},
                                           {"\xC3\xB1"
                                            "and\xC3\xBA",
                                            "and"},
                                           {"  ", "default"},
                                           {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_1e666934c5"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *slug = NULL;
        assert_int_equal(mseq_naming_namespace_version_slug(pairs[i][0], &slug, NULL), MSEQ_OK);
        assert_text(slug, pairs[i][1]);
    }
    char *location = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_naming_namespace_version_slug(NULL, &location, NULL), MSEQ_OK);
    assert_text(location, "default");
    assert_int_equal(
        mseq_naming_namespace_version_location("sdk-examples", "a:b/", &location, NULL), MSEQ_OK);
    assert_text(location, "a:b/sdk_examples");
    location = NULL;
    assert_int_equal(mseq_naming_namespace_version_location("x", " ", &location, &err),
                     MSEQ_E_NAME);
    assert_null(location);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_table_names),  cmocka_unit_test(apps_that_leave_no_room),
        cmocka_unit_test(bounded_identifiers), cmocka_unit_test(parsed_names),
        cmocka_unit_test(object_names),        cmocka_unit_test(final_names_are_cut),
        cmocka_unit_test(namespace_slugs),
    };
    return cmocka_run_group_tests_name("naming", tests, NULL, NULL);
}
