/* SPDX-License-Identifier: MIT
 * Room `database`: reflection of PostgreSQL beyond what the golden data holds. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_helpers.h"

static mseq_connection *connection;

static int connect_all(void **state) {
    (void)state;
    char *uri = postgresql_database("reflected");
    mseq_database *database = open_uri(uri);
    connection = connect_to(database);
    mseq_database_close(database);
    free(uri);
    return 0;
}

static int disconnect_all(void **state) {
    (void)state;
    mseq_connection_release(connection);
    return 0;
}

static mseq_table *reflected(const char *schema, const char *name) {
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_reflect_table(connection, schema, name, &table, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return table;
}

/* A part of a table's description as JSON. */
static void assert_part(const char *schema, const char *name, const char *key,
                        const char *expected) {
    mseq_table *table = reflected(schema, name);
    mseq_value *description = NULL;
    assert_int_equal(mseq_table_describe(table, &description, NULL), MSEQ_OK);
    char *text = text_of(mseq_object_get(description, key));
    assert_string_equal(text, expected);
    free(text);
    mseq_value_free(description);
    mseq_table_free(table);
}

static void test_keys(void **state) {
    (void)state;
    run_script(
        connection,
        "CREATE SCHEMA other; CREATE TABLE other.p (id int PRIMARY KEY);"
        "CREATE TABLE p (a int, b int, c int, PRIMARY KEY (b, a) INCLUDE (c));"
        "CREATE TABLE k (a int, b int, u int CONSTRAINT u UNIQUE DEFERRABLE INITIALLY DEFERRED,"
        "CONSTRAINT f FOREIGN KEY (b, a) REFERENCES p ON DELETE SET NULL (a) ON UPDATE CASCADE);"
        "ALTER TABLE k ADD CONSTRAINT g FOREIGN KEY (a) REFERENCES other.p NOT VALID");
    assert_part(NULL, "p", "primary_key",
                "{\"name\": \"p_pkey\", \"name_final\": true, \"columns\": [\"b\", \"a\"], "
                "\"postgresql\": {\"include\": [\"c\"]}}");
    assert_part(
        NULL, "k", "unique_constraints",
        "[{\"name\": \"u\", \"name_final\": true, \"columns\": [\"u\"], \"deferrable\": true, "
        "\"initially\": \"DEFERRED\"}]");
    assert_part(
        NULL, "k", "foreign_keys",
        "[{\"name\": \"f\", \"name_final\": true, \"columns\": [\"b\", \"a\"], "
        "\"referred_table\": \"p\", \"referred_columns\": [\"b\", \"a\"], \"ondelete\": \"SET "
        "NULL (a)\", \"onupdate\": \"CASCADE\"}, {\"name\": \"g\", \"name_final\": true, "
        "\"columns\": [\"a\"], \"referred_schema\": \"other\", \"referred_table\": \"p\", "
        "\"referred_columns\": [\"id\"], \"postgresql\": {\"not_valid\": true}}]");
}

/* A foreign key to a partitioned table is one, though the catalog has one more a partition. */
static void test_partitions(void **state) {
    (void)state;
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(
        connection,
        "CREATE SCHEMA parts; CREATE TABLE parts.p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE parts.p1 PARTITION OF parts.p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE parts.p2 PARTITION OF parts.p FOR VALUES FROM (10) TO (20);"
        "CREATE TABLE parts.c (id int REFERENCES parts.p)");
    assert_int_equal(mseq_connection_table_names(connection, "parts", &names, &err), MSEQ_OK);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "c");
    assert_string_equal(names.items[1], "p");
    mseq_strings_free(&names);
    mseq_table *table = reflected("parts", "c");
    assert_int_equal(mseq_table_constraint_count(table), 1);
    assert_string_equal(mseq_table_schema(table), "parts");
    mseq_table_free(table);
}

static void test_columns(void **state) {
    (void)state;
    run_script(connection, "CREATE SEQUENCE shared; CREATE TABLE columns (a bigserial, b int "
                           "DEFAULT nextval('shared'),"
                           "c text DEFAULT E'it''s \\\\: x', gone int, d int NOT NULL, \"e \"\" "
                           "e\" jsonb DEFAULT '{}');"
                           "ALTER TABLE columns DROP gone; COMMENT ON COLUMN columns.d IS 'the d'");
    assert_part(
        NULL, "columns", "columns",
        "[{\"name\": \"a\", \"type\": {\"name\": \"BIGINT\"}, \"nullable\": false, "
        "\"server_default\": "
        "{\"text\": \"nextval('columns_a_seq'::regclass)\"}, \"info\": {\"owned_sequence\": "
        "true}}, "
        "{\"name\": \"b\", \"type\": {\"name\": \"INTEGER\"}, \"nullable\": true, "
        "\"server_default\": "
        "{\"text\": \"nextval('shared'::regclass)\"}}, {\"name\": \"c\", \"type\": {\"name\": "
        "\"TEXT\"}, "
        "\"nullable\": true, \"server_default\": {\"text\": \"'it''s \\\\\\\\: x'::text\"}}, "
        "{\"name\": "
        "\"d\", \"type\": {\"name\": \"INTEGER\"}, \"nullable\": false, \"comment\": \"the d\"}, "
        "{\"name\": \"e \\\" e\", \"type\": {\"name\": \"JSONB\"}, \"nullable\": true, "
        "\"server_default\": {\"text\": \"'{}'::jsonb\"}}]");
}

static void test_indexes(void **state) {
    (void)state;
    run_script(connection,
               "CREATE TABLE indexed (a int, b text);"
               "CREATE UNIQUE INDEX i ON indexed (a DESC NULLS LAST, lower(b) text_pattern_ops) "
               "INCLUDE (b) NULLS NOT DISTINCT WITH (fillfactor = 70) WHERE a > 0;"
               "ALTER TABLE indexed ADD EXCLUDE USING hash (b WITH =)");
    assert_part(
        NULL, "indexed", "indexes",
        "[{\"name\": \"i\", \"name_final\": true, \"expressions\": [{\"column\": \"a\", \"order\": "
        "\"desc\", \"nulls\": \"last\"}, {\"text\": \"lower(b)\"}], \"unique\": true, "
        "\"postgresql\": {\"ops\": {\"lower(b)\": \"text_pattern_ops\"}, \"where\": \"(a > 0)\", "
        "\"include\": [\"b\"], \"nulls_not_distinct\": true, \"with\": {\"fillfactor\": "
        "\"70\"}}}]");
}

static void test_what_is_no_table(void **state) {
    (void)state;
    static const struct {
        const char *schema, *name, *message;
    } cases[] = {
        {NULL, "nothing", "there is no table 'nothing' in the database"},
        {"other", "nothing", "there is no table 'nothing' of schema other"},
        {NULL, "seen", "'seen' is a view"},
        {NULL, "materialized", "'materialized' is a view"},
        {NULL, "'; DROP TABLE p; --", "there is no table"},
    };
    run_script(connection, "CREATE VIEW seen AS SELECT 1 AS a;"
                           "CREATE MATERIALIZED VIEW materialized AS SELECT 1 AS a");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_table *table = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(
            mseq_connection_reflect_table(connection, cases[i].schema, cases[i].name, &table, &err),
            MSEQ_E_NOT_FOUND);
        assert_null(table);
        assert_mentions(err.message, cases[i].message);
    }
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_connection_table_names(connection, "missing", &names, &err),
                     MSEQ_E_NOT_FOUND);
    assert_mentions(err.message, "there is no schema 'missing'");
}

/* Another schema that is the default one is not named. */
static void test_search_path(void **state) {
    (void)state;
    mseq_metadata *metadata = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    run_script(connection,
               "CREATE SCHEMA mine; CREATE TABLE mine.t (a int PRIMARY KEY, b int REFERENCES "
               "mine.t); SET search_path TO mine");
    assert_int_equal(mseq_connection_reflect(connection, NULL, &metadata, &err), MSEQ_OK);
    assert_int_equal(mseq_metadata_count(metadata), 1);
    assert_null(mseq_table_schema(mseq_metadata_at(metadata, 0)));
    assert_null(mseq_table_constraint_at(mseq_metadata_at(metadata, 0), 1)->referred_schema);
    mseq_metadata_free(metadata);
    run_script(connection, "RESET search_path");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_columns),     cmocka_unit_test(test_indexes),
        cmocka_unit_test(test_search_path), cmocka_unit_test(test_what_is_no_table),
    };
    return cmocka_run_group_tests(tests, connect_all, disconnect_all);
}
