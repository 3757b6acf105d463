/* SPDX-License-Identifier: MIT
 * The one table of equivalent types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mainsequence/schema.h"

/* A table of one column whose type is `type` (JSON). */
static mseq_table *table_of(const char *type) {
    mseq_error err = MSEQ_ERROR_INIT;
    char *text =
        mseq_text_format("{\"name\":\"t\",\"columns\":[{\"name\":\"c\",\"type\":%s}]}", type);
    mseq_value *description = NULL;
    mseq_table *table = NULL;
    assert_non_null(text);
    if (mseq_json_parse(text, strlen(text), 0, &description, &err) != MSEQ_OK ||
        mseq_table_from_description(description, &table, &err) != MSEQ_OK)
        fail_msg("%s: %s", type, err.message);
    mseq_value_free(description);
    free(text);
    return table;
}

static bool equivalent(const char *a, const char *b, mseq_dialect dialect) {
    mseq_table *left = table_of(a), *right = table_of(b);
    const mseq_type *one = mseq_table_column_at(left, 0)->type,
                    *other = mseq_table_column_at(right, 0)->type;
    bool equal = mseq_type_equivalent(one, other, dialect);
    assert_int_equal(mseq_type_equivalent(other, one, dialect), equal); /* symmetric */
    assert_true(mseq_type_equivalent(one, one, dialect));
    mseq_table_free(left);
    mseq_table_free(right);
    return equal;
}

#define DATABASE(text) "{\"name\":\"DatabaseType\",\"args\":{\"text\":\"" text "\"}}"
#define STRING(n) "{\"name\":\"String\",\"args\":{\"length\":" #n "}}"
#define NUMERIC(p, s) "{\"name\":\"Numeric\",\"args\":{\"precision\":" #p ",\"scale\":" #s "}}"
#define ZONED(tz) "{\"name\":\"DateTime\",\"args\":{\"timezone\":" #tz "}}"
#define ENUM(name, values)                                                                         \
    "{\"name\":\"Enum\",\"args\":{\"name\":\"" name "\",\"values\":[" values "]}}"

typedef struct pair {
    const char *a, *b;
    bool postgresql, sqlite;
} pair;

static const pair pairs[] = {
    {"\"Integer\"", DATABASE("int4"), true, true},
    {"\"PgUUID\"", "\"NUMERIC\"", false, true}, /* what SQLite's reflection says of UUID */
    {"\"Uuid\"", "\"NUMERIC\"", false, false},
    {"\"DOUBLE_PRECISION\"", "\"REAL\"", false, true},
    {"\"Text\"", "\"NUMERIC\"", false, false},
    {"\"Integer\"", DATABASE("INTEGER"), true, true},
    {"\"Integer\"", "\"BigInteger\"", false, false},
    {STRING(10), DATABASE("character varying(10)"), true, true},
    {STRING(10), STRING(20), false, false},
    {STRING(10), "\"String\"", true, true},
    {STRING(10), "\"Text\"", false, false},
    {STRING(3), "{\"name\":\"CHAR\",\"args\":{\"length\":3}}", false, false},
    {NUMERIC(10, 2), DATABASE("numeric(10,2)"), true, true},
    {NUMERIC(10, 2), NUMERIC(12, 2), false, false},
    {NUMERIC(12, 4), "{\"name\":\"Numeric\",\"args\":{\"precision\":10}}", true, true},
    {"\"Numeric\"", "\"DECIMAL\"", true, true},
    {"\"Float\"", "\"Double\"", true, false},
    {"\"REAL\"", "\"Float\"", false, false},
    {"{\"name\":\"Float\",\"args\":{\"precision\":24}}", "\"REAL\"", true, false},
    {"\"Float\"", DATABASE("double precision"), true, false},
    {ZONED(true), ZONED(false), false, true},
    {ZONED(true), DATABASE("timestamp with time zone"), true, true},
    {ZONED(true), DATABASE("timestamptz(6)"), true, true},
    {ZONED(true), DATABASE("DATETIME"), false, true},
    {"{\"name\":\"PgTIMESTAMP\",\"args\":{\"precision\":3}}", DATABASE("timestamp(6)"), false,
     true},
    {"\"Interval\"", ZONED(false), false, true},
    {"\"Interval\"", DATABASE("interval day to second(3)"), true, false},
    {"\"Uuid\"", DATABASE("CHAR(32)"), false, true},
    {"\"Uuid\"", DATABASE("uuid"), true, true},
    {"\"Uuid\"", DATABASE("CHAR(36)"), false, false},
    {"\"JSON\"", "\"JSONB\"", false, true},
    {"\"LargeBinary\"", DATABASE("bytea"), true, true},
    {"\"Boolean\"", DATABASE("bool"), true, true},
    {"\"Integer\"", "{\"name\":\"ARRAY\",\"args\":{\"item\":\"Integer\"}}", false, false},
    {DATABASE("integer[]"), "{\"name\":\"ARRAY\",\"args\":{\"item\":\"Integer\"}}", true, true},
    {"{\"name\":\"BIT\",\"args\":{\"length\":4}}", "\"BIT\"", false, false},
    {"{\"name\":\"BIT\",\"args\":{\"length\":4,\"varying\":true}}", DATABASE("bit varying(4)"),
     true, true},
    {ENUM("kind", "\"a\""), ENUM("kind", "\"a\",\"b\""), true, true},
    {ENUM("kind", "\"a\""), ENUM("kind", "\"bbb\""), true, false},
    {ENUM("My Kind", "\"a\""), DATABASE("s1.\\\"My Kind\\\""), true, false},
    {"{\"name\":\"String\",\"args\":{\"length\":9,\"collation\":\"C\"}}",
     DATABASE("VARCHAR(9) COLLATE \\\"C\\\""), true, true},
    {"\"NullType\"", "\"Integer\"", true, true},
    {DATABASE(""), "\"Integer\"", true, true},
    {"{\"name\":\"JSON\",\"variant\":{\"postgresql\":\"JSONB\"}}", "\"JSONB\"", true, true},
};

static void test_pairs(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (equivalent(pairs[i].a, pairs[i].b, MSEQ_POSTGRESQL) != pairs[i].postgresql)
            fail_msg("postgresql: %s ~ %s", pairs[i].a, pairs[i].b);
        if (equivalent(pairs[i].a, pairs[i].b, MSEQ_SQLITE) != pairs[i].sqlite)
            fail_msg("sqlite: %s ~ %s", pairs[i].a, pairs[i].b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
