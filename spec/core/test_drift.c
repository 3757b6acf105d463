/* SPDX-License-Identifier: MIT
 * Room `contract`: drift. A table that was just created is clean, every real difference is told. */
#include "mainsequence/contract.h"
#include "mainsequence/database.h"
#include "mainsequence/ddl.h"

#include "support.h"

/* "code name|…" of what differs; the caller frees it. */
static char *drift_of(const mseq_table *declared, const mseq_table *actual, mseq_dialect dialect) {
    mseq_value *differences = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (mseq_contract_compare_table(declared, actual, dialect, &differences, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < mseq_value_length(differences); i++) {
        const mseq_value *row = mseq_array_get(differences, i);
        const char *name = mseq_object_get_text(row, "name");
        assert_non_null(mseq_object_get_text(row, "message"));
        assert_non_null(mseq_object_get_text(row, "object"));
        mseq_buffer_append_format(&text, "%s %s|", mseq_object_get_text(row, "code"),
                                  name ? name : "-");
    }
    mseq_value_free(differences);
    return mseq_buffer_take(&text);
}

/* ---- A real SQLite database
 * ------------------------------------------------------------------------------- */

typedef struct bench {
    mseq_database *database;
    mseq_connection *connection;
} bench;

static bench open_bench(void) {
    bench b = {NULL, NULL};
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = "sqlite://";
    assert_int_equal(mseq_database_open(&options, &b.database, NULL), MSEQ_OK);
    assert_int_equal(mseq_database_connect(b.database, &b.connection, NULL), MSEQ_OK);
    return b;
}

static void close_bench(bench *b) {
    mseq_connection_release(b->connection);
    mseq_database_close(b->database);
}

static void create(bench *b, const mseq_table *table) {
    mseq_strings statements = MSEQ_STRINGS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_ddl_create_table(MSEQ_SQLITE, table, NULL, &statements, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < statements.count; i++)
        if (mseq_connection_script(b->connection, statements.items[i], &err) != MSEQ_OK)
            fail_msg("%s: %s", statements.items[i], err.message);
    mseq_strings_free(&statements);
}

static mseq_table *reflect(bench *b, const char *name) {
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_reflect_table(b->connection, NULL, name, &table, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return table;
}

static const char *const models[] = {
    /* every type that SQLite takes */
    "{'name': 'a__types', 'kind': 'platform_managed', 'columns': [{'name': 'uid', 'type': 'Uuid', "
    "'primary_key': true}, {'name': 's', 'type': {'name': 'String', 'args': {'length': 255}}}, "
    "{'name': 's0', 'type': 'String'}, {'name': 't', 'type': 'Text'}, {'name': 'i', 'type': "
    "'Integer'}, {'name': 'b', 'type': 'BigInteger'}, {'name': 'm', 'type': 'SmallInteger'}, "
    "{'name': 'f', 'type': 'Float'}, {'name': 'd', 'type': 'Double'}, {'name': 'r', 'type': "
    "'REAL'}, "
    "{'name': 'n', 'type': {'name': 'Numeric', 'args': {'precision': 10, 'scale': 2}}}, {'name': "
    "'n0', 'type': 'Numeric'}, {'name': 'dec', 'type': {'name': 'DECIMAL', 'args': {'precision': "
    "8}}}, {'name': 'bo', 'type': 'Boolean'}, {'name': 'da', 'type': 'Date'}, {'name': 'dt', "
    "'type': "
    "{'name': 'DateTime', 'args': {'timezone': true}}}, {'name': 'ts', 'type': {'name': "
    "'TIMESTAMP', "
    "'args': {'timezone': true}}}, {'name': 'ti', 'type': 'Time'}, {'name': 'iv', 'type': "
    "'Interval'}, {'name': 'bl', 'type': 'LargeBinary'}, {'name': 'j', 'type': 'JSON'}, {'name': "
    "'jb', 'type': {'name': 'JSONB', 'variant': {'sqlite': 'JSON'}}}, {'name': 'e', 'type': "
    "{'name': "
    "'Enum', 'args': {'name': 'mood', 'values': ['sad', 'happy']}}}, {'name': 'u', 'type': "
    "'PgUUID'}, "
    "{'name': 'dp', 'type': 'DOUBLE_PRECISION'}, {'name': 'ch', 'type': {'name': 'CHAR', 'args': "
    "{'length': 3}}}, {'name': 'nv', 'type': {'name': 'NVARCHAR', 'args': {'length': 7}}}]}",
    /* keys, uniques, checks, references */
    "{'name': 'a__keys', 'kind': 'platform_managed', 'columns': [{'name': 'id', 'type': 'Integer', "
    "'primary_key': true}, {'name': 'a', 'type': 'Integer', 'unique': true}, {'name': 'b', 'type': "
    "'Text', 'nullable': false, 'checks': [{'name': 'b_known', 'sqltext': 'b IN (`x`, `y`)'}]}, "
    "{'name': 'c', 'type': 'Uuid', 'foreign_key': {'referred_table': 'a__types', "
    "'referred_columns': ['uid'], 'ondelete': 'CASCADE', 'onupdate': 'NO ACTION'}}, {'name': "
    "'end', "
    "'type': 'Integer', 'server_default': {'text': '0'}}], 'unique_constraints': [{'columns': "
    "['b', "
    "'a']}], 'check_constraints': [{'name': 'range', 'sqltext': 'a BETWEEN 1 AND 5'}], "
    "'foreign_keys': [{'columns': ['a', 'b'], 'referred_table': 'a__keys', 'referred_columns': "
    "['id', 'b'], 'deferrable': true, 'initially': 'DEFERRED'}], 'indexes': [{'columns': ['b']}, "
    "{'expressions': [{'column': 'a', 'order': 'desc'}, {'func': 'lower', 'args': ['b']}], "
    "'unique': true, 'sqlite': {'where': 'a > 0'}}]}",
    /* composite key, key without NOT NULL, checks that types bring along */
    "{'name': 'a__pair', 'kind': 'platform_managed', 'columns': [{'name': 'x', 'type': 'Integer', "
    "'primary_key': true, 'nullable': true}, {'name': 'y', 'type': 'Text', 'primary_key': true}, "
    "{'name': 'on', 'type': {'name': 'Boolean', 'args': {'create_constraint': true, 'name': "
    "'on'}}}, "
    "{'name': 'e', 'type': {'name': 'Enum', 'args': {'values': ['a', 'b'], 'native_enum': false, "
    "'create_constraint': true, 'name': 'e'}}}]}",
    /* the grain of a time-indexed table */
    "{'name': 'a__ticks', 'kind': 'time_index', 'columns': [{'name': 'time_index', 'type': "
    "{'name': "
    "'DateTime', 'args': {'timezone': true}}, 'nullable': false}, {'name': 'k', 'type': 'Uuid', "
    "'nullable': false}, {'name': 'v', 'type': 'Float'}], 'meta': {'identity_dimensions': ['k']}}",
};

static void created_tables_are_clean_on_sqlite(void **state) {
    (void)state;
    bench b = open_bench();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        mseq_table *declared = table_of(models[i]);
        create(&b, declared);
        mseq_table *actual = reflect(&b, mseq_table_name(declared));
        char *drift = drift_of(declared, actual, MSEQ_SQLITE);
        assert_string_equal(drift, "");
        free(drift);
        drift = drift_of(declared, declared, MSEQ_POSTGRESQL);
        assert_string_equal(drift, "");
        free(drift);
        mseq_table_free(declared);
        mseq_table_free(actual);
    }
    close_bench(&b);
}

/* The declared keys table against what the script makes of it. */
static void assert_changed(const char *script, const char *expected) {
    bench b = open_bench();
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *declared = table_of(models[1]);
    create(&b, declared);
    if (mseq_connection_script(b.connection, script, &err) != MSEQ_OK)
        fail_msg("%s: %s", script, err.message);
    mseq_table *actual = reflect(&b, "a__keys");
    char *drift = drift_of(declared, actual, MSEQ_SQLITE);
    assert_string_equal(drift, expected);
    free(drift);
    mseq_table_free(declared);
    mseq_table_free(actual);
    close_bench(&b);
}

static void changes_are_told_on_sqlite(void **state) {
    (void)state;
    assert_changed("ALTER TABLE a__keys ADD COLUMN extra TEXT", "column_unexpected extra|");
    assert_changed("ALTER TABLE a__keys DROP COLUMN \"end\"", "column_missing end|");
    assert_changed("DROP INDEX ix__a__keys__b", "index_missing ix__a__keys__b|");
    assert_changed("CREATE INDEX more ON a__keys (a)", "index_unexpected more|");
    assert_changed("DROP INDEX ix__a__keys__b; CREATE INDEX ix__a__keys__b ON a__keys (b DESC)",
                   "index_differs ix__a__keys__b|");
    assert_changed("DROP INDEX ix__a__keys__b; CREATE INDEX another ON a__keys (b)", "");
    assert_changed(
        "DROP TABLE a__keys; CREATE TABLE a__keys (id BIGINT, a INTEGER NOT NULL, b TEXT, "
        "c CHAR(32) REFERENCES a__types (uid) ON DELETE SET NULL, \"end\" INTEGER, CONSTRAINT "
        "ck__a__keys__range CHECK (a BETWEEN 1 AND 6), CHECK (a <> 3))",
        "type_differs id|nullable_differs id|nullable_differs a|nullable_differs b|"
        "primary_key_differs -|unique_missing uq__a__keys__b__a|"
        "unique_missing uq__a__keys__a|index_missing ix__a__keys__b|"
        "index_missing uix__a__keys__a_keys_a_desc__lower|"
        "foreign_key_differs fk__a__keys__c__a__types__uid|"
        "foreign_key_missing fk__a__keys__a__b__a__keys__id__b|"
        "check_differs ck__a__keys__range|check_missing ck__a__keys__b_known|"
        "check_unexpected -|");
}

/* ---- PostgreSQL, as reflection reports it
 * ----------------------------------------------------------------- */

static void assert_drift(mseq_dialect dialect, const char *declared, const char *actual,
                         const char *expected) {
    mseq_table *left = table_of(declared), *right = table_of(actual);
    char *drift = drift_of(left, right, dialect);
    if (strcmp(drift, expected) != 0)
        fail_msg("%s\nagainst %s\ngives %s\ninstead of %s", declared, actual, drift, expected);
    free(drift);
    mseq_table_free(left);
    mseq_table_free(right);
}

#define DB(text) "{'name': 'DatabaseType', 'args': {'text': '" text "'}}"
#define T(columns, rest) "{'name': 't', 'columns': [" columns "]" rest "}"
#define COL(name, type) "{'name': '" name "', 'type': " type "}"
#define A COL("a", "'Integer'")
#define B COL("b", "'Text'")

static void types_on_postgresql(void **state) {
    (void)state;
    static const struct {
        const char *declared, *actual;
        bool same;
    } cases[] = {
        {"'Uuid'", DB("uuid"), true},
        {"'Float'", "'DOUBLE_PRECISION'", true},
        {"{'name': 'String', 'args': {'length': 9}}", DB("character varying(9)"), true},
        {"{'name': 'String', 'args': {'length': 9}}", DB("character varying(8)"), false},
        {"{'name': 'DateTime', 'args': {'timezone': true}}", DB("timestamp with time zone"), true},
        {"{'name': 'DateTime', 'args': {'timezone': true}}", DB("timestamp without time zone"),
         false},
        {"{'name': 'Numeric', 'args': {'precision': 10, 'scale': 2}}", DB("numeric(10,2)"), true},
        {"{'name': 'ARRAY', 'args': {'item': 'Integer'}}", DB("integer[]"), true},
        {"{'name': 'ARRAY', 'args': {'item': 'Integer'}}", DB("integer"), false},
        {"'JSON'", DB("jsonb"), false},
        {"{'name': 'Enum', 'args': {'name': 'mood', 'values': ['a', 'b']}}",
         "{'name': 'ENUM', 'args': {'name': 'mood', 'values': ['a', 'b']}}", true},
        {"{'name': 'Enum', 'args': {'name': 'mood', 'values': ['a', 'b']}}",
         "{'name': 'ENUM', 'args': {'name': 'mood', 'values': ['b', 'a']}}", false},
        {"{'name': 'Enum', 'args': {'name': 'mood', 'values': ['a', 'b']}}", DB("mood"), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *declared = mseq_text_format(T(COL("c", "%s"), ""), cases[i].declared);
        char *actual = mseq_text_format(T(COL("c", "%s"), ""), cases[i].actual);
        assert_drift(MSEQ_POSTGRESQL, declared, actual, cases[i].same ? "" : "type_differs c|");
        free(declared);
        free(actual);
    }
}

static void nullability(void **state) {
    (void)state;
#define KEY "{'name': 'a', 'type': 'Integer', 'primary_key': true"
    assert_drift(MSEQ_POSTGRESQL, T(KEY ", 'nullable': true}", ""), T(KEY "}", ""), "");
    assert_drift(MSEQ_SQLITE, T(KEY ", 'nullable': true}", ""), T(KEY "}", ""), "");
    assert_drift(MSEQ_SQLITE, T("{'name': 'a', 'type': 'Text', 'primary_key': true}", ""),
                 T("{'name': 'a', 'type': 'Text', 'primary_key': true, 'nullable': true}", ""),
                 "nullable_differs a|");
    assert_drift(MSEQ_POSTGRESQL, T(KEY "}", ""), T("{'name': 'a', 'type': 'Integer'}", ""),
                 "nullable_differs a|primary_key_differs -|");
}

static void uniqueness(void **state) {
    (void)state;
#define UNIQUE_AB ", 'unique_constraints': [{'columns': ['a', 'b']}]"
#define UNIQUE_BA                                                                                  \
    ", 'unique_constraints': [{'name': 'mine', 'name_final': true, 'columns': ['b', 'a']}]"
    assert_drift(MSEQ_POSTGRESQL, T(A "," B, UNIQUE_AB), T(A "," B, UNIQUE_BA), "");
    /* PostgreSQL also reports the index behind the constraint */
    assert_drift(MSEQ_POSTGRESQL, T(A "," B, UNIQUE_AB),
                 T(A "," B, UNIQUE_BA
                   ", 'indexes': [{'name': 'mine', 'columns': ['b', 'a'], 'unique': true}]"),
                 "");
    /* a unique index keeps the same rows out, a partial or expression index does not */
    assert_drift(MSEQ_POSTGRESQL, T(A "," B, UNIQUE_AB),
                 T(A "," B, ", 'indexes': [{'name': 'u', 'columns': ['b', 'a'], 'unique': true}]"),
                 "");
    assert_drift(MSEQ_POSTGRESQL,
                 T(A "," B, ", 'indexes': [{'name': 'u', 'columns': ['b', 'a'], 'unique': true}]"),
                 T(A "," B, UNIQUE_AB), "");
    assert_drift(MSEQ_POSTGRESQL, T(A "," B, UNIQUE_AB),
                 T(A "," B, ", 'indexes': [{'name': 'u', 'columns': ['b', 'a'], 'unique': true, "
                            "'postgresql': {'where': 'a > 0'}}]"),
                 "unique_missing uq__t__a__b|index_unexpected u|");
    assert_drift(MSEQ_POSTGRESQL, T(A, ", 'unique_constraints': [{'columns': ['a']}]"),
                 T(A,
                   ", 'unique_constraints': [{'name': 'uq__t__a', 'name_final': true, 'columns': "
                   "['a'], 'postgresql': {'nulls_not_distinct': true}}]"),
                 "unique_differs uq__t__a|");
}

static void indexes(void **state) {
    (void)state;
#define INDEX(body) T(A "," B, ", 'indexes': [{'name': 'i', " body "}]")
    static const struct {
        const char *declared, *actual;
        bool same;
    } cases[] = {
        {INDEX("'columns': ['a', 'b']"), INDEX("'columns': ['b', 'a']"), false},
        {INDEX("'columns': ['a']"), INDEX("'columns': ['a'], 'unique': true"), false},
        {INDEX("'columns': ['a']"), INDEX("'columns': ['a'], 'postgresql': {'using': 'btree'}"),
         true},
        {INDEX("'columns': ['a']"), INDEX("'columns': ['a'], 'postgresql': {'using': 'hash'}"),
         false},
        {INDEX("'columns': ['a']"), INDEX("'columns': ['a'], 'postgresql': {'include': []}"), true},
        {INDEX("'columns': ['a'], 'postgresql': {'include': ['b']}"), INDEX("'columns': ['a']"),
         false},
        {INDEX("'columns': ['b'], 'postgresql': {'ops': {'b': 'text_pattern_ops'}}"),
         INDEX("'columns': ['b']"), false},
        {INDEX("'expressions': [{'column': 'a', 'order': 'asc'}]"), INDEX("'columns': ['a']"),
         true},
        {INDEX("'expressions': [{'column': 'a', 'order': 'desc'}]"),
         INDEX("'expressions': [{'column': 'a', 'order': 'desc', 'nulls': 'first'}]"), true},
        {INDEX("'expressions': [{'column': 'a', 'order': 'desc'}]"),
         INDEX("'expressions': [{'column': 'a', 'order': 'desc', 'nulls': 'last'}]"), false},
        {INDEX("'expressions': [{'func': 'lower', 'args': ['b']}]"),
         INDEX("'expressions': [{'text': 'lower((b)::text)'}]"), true},
        {INDEX("'expressions': [{'func': 'lower', 'args': ['b']}]"),
         INDEX("'expressions': [{'text': 'upper(b)'}]"), false},
        {INDEX("'columns': ['a'], 'postgresql': {'where': 'b = `x`'}"),
         INDEX("'columns': ['a'], 'postgresql': {'where': '(b = `x`::text)'}"), true},
        {INDEX("'columns': ['a'], 'postgresql': {'where': 'b = `x`'}"),
         INDEX("'columns': ['a'], 'postgresql': {'where': '(b = `X`::text)'}"), false},
        {INDEX("'columns': ['a'], 'sqlite': {'where': 'a > 0'}"), INDEX("'columns': ['a']"), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_drift(MSEQ_POSTGRESQL, cases[i].declared, cases[i].actual,
                     cases[i].same ? "" : "index_differs i|");
    assert_drift(MSEQ_SQLITE, INDEX("'columns': ['a'], 'sqlite': {'where': 'a > 0'}"),
                 INDEX("'columns': ['a']"), "index_differs i|");
    assert_drift(MSEQ_SQLITE, INDEX("'expressions': [{'column': 'a', 'order': 'desc'}]"),
                 INDEX("'expressions': [{'column': 'a', 'order': 'desc', 'nulls': 'last'}]"), "");
}

static void foreign_keys(void **state) {
    (void)state;
#define REFERENCE(body)                                                                            \
    T(A "," B, ", 'foreign_keys': [{'name': 'f', 'referred_table': 'p', " body "}]")
#define ONE "'columns': ['a'], 'referred_columns': ['x']"
    static const struct {
        const char *declared, *actual;
        bool same;
    } cases[] = {
        {REFERENCE(ONE), REFERENCE(ONE ", 'referred_schema': 'public'"), true},
        {REFERENCE(ONE), REFERENCE(ONE ", 'referred_schema': 's'"), false},
        {REFERENCE(ONE), REFERENCE(ONE ", 'ondelete': 'NO ACTION', 'onupdate': 'no action'"), true},
        {REFERENCE(ONE ", 'ondelete': 'cascade'"), REFERENCE(ONE ", 'ondelete': 'CASCADE'"), true},
        {REFERENCE(ONE ", 'ondelete': 'CASCADE'"), REFERENCE(ONE), false},
        {REFERENCE(ONE ", 'onupdate': 'SET NULL'"), REFERENCE(ONE), false},
        {REFERENCE(ONE ", 'deferrable': false, 'initially': 'IMMEDIATE'"), REFERENCE(ONE), true},
        {REFERENCE(ONE ", 'deferrable': true"), REFERENCE(ONE), false},
        {REFERENCE(ONE ", 'match': 'SIMPLE'"), REFERENCE(ONE), true},
        {REFERENCE(ONE ", 'match': 'FULL'"), REFERENCE(ONE), false},
        {REFERENCE("'columns': ['a']"), REFERENCE(ONE), true},
        {REFERENCE("'columns': ['a', 'b'], 'referred_columns': ['x', 'y']"),
         REFERENCE("'columns': ['b', 'a'], 'referred_columns': ['y', 'x']"), true},
        {REFERENCE("'columns': ['a', 'b'], 'referred_columns': ['x', 'y']"),
         REFERENCE("'columns': ['b', 'a'], 'referred_columns': ['x', 'y']"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_drift(MSEQ_POSTGRESQL, cases[i].declared, cases[i].actual,
                     cases[i].same ? "" : "foreign_key_differs f|");
    assert_drift(MSEQ_POSTGRESQL, REFERENCE(ONE),
                 T(A "," B, ", 'foreign_keys': [{'name': 'g', 'referred_table': 'p', 'columns': "
                            "['b'], 'referred_columns': ['x']}]"),
                 "foreign_key_missing f|foreign_key_unexpected g|");
}

/* Left: as declared. Right: as PostgreSQL 15 prints it. */
static void checks_as_postgresql_prints_them(void **state) {
    (void)state;
    static const struct {
        const char *declared, *actual;
        bool same;
    } cases[] = {
        {"a > 0", "(a > 0)", true},
        {"a > 0", "a >= 0", false},
        {"A>0 and b!='x'", "((a > 0) AND (b <> 'x'::text))", true},
        {"b IN ('x', 'y')", "(b = ANY (ARRAY['x'::text, 'y'::text]))", true},
        {"b IN ('x', 'y')",
         "((b)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))",
         true},
        {"b IN ('x', 'y')", "(b = ANY (ARRAY['x'::text, 'z'::text]))", false},
        {"b NOT IN ('x', 'y')", "(b <> ALL (ARRAY['x'::text, 'y'::text]))", true},
        {"b IN ('x')", "(b = 'x'::text)", true},
        {"b NOT IN ('x')", "(b <> 'x'::text)", true},
        {"a BETWEEN 1 AND 5", "((a >= 1) AND (a <= 5))", true},
        {"a NOT BETWEEN 1 AND 5", "((a < 1) OR (a > 5))", true},
        {"abs(a) BETWEEN 1 AND 5 OR a IS NULL",
         "(((abs(a) >= 1) AND (abs(a) <= 5)) OR (a IS NULL))", true},
        {"b LIKE 'x%'", "(b ~~ 'x%'::text)", true},
        {"b NOT ILIKE 'x%'", "(b !~~* 'x%'::text)", true},
        {"a > -1", "(a > '-1'::integer)", true},
        {"a=-1", "(a = '-1'::integer)", true},
        {"a > 0.5", "((a)::numeric > 0.5)", true},
        {"CAST(b AS INTEGER) > 1", "((b)::integer > 1)", true},
        {"b = E'a\\\\\\\\b'", "(b = 'a\\\\b'::text)", true},
        {"at > DATE '2020-01-01'", "(at > '2020-01-01'::date)", true},
        {"at > '2020-01-01'", "(at > '2020-01-01 00:00:00+00'::timestamp with time zone)", false},
        {"\\\"end\\\" > 1", "(\\\"end\\\" > 1)", true},
        {"length(b) > 3", "(length((b)::text) > 3)", true},
        {"CASE WHEN a > 1 THEN true ELSE false END",
         "CASE\\n    WHEN (a > 1) THEN true\\n    ELSE false\\nEND", true},
        {"b = 'it''s'", "(b = 'it''s'::text)", true},
        {"b = 'A'", "(b = 'a'::text)", false},
        {"a::numeric(10, 2) > 1", "((a)::numeric(10,2) > (1)::numeric)", true},
        {"coalesce(a, 0) = 0", "(COALESCE(a, 0) = 0)", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char form[] =
            "{\"name\": \"t\", \"columns\": [{\"name\": \"a\", \"type\": \"Integer\"}], "
            "\"check_constraints\": [{\"name\": \"c\", \"name_final\": true, \"sqltext\": "
            "\"%s\"}]}";
        mseq_table *tables[2] = {NULL, NULL};
        const char *texts[] = {cases[i].declared, cases[i].actual};
        for (size_t k = 0; k < 2; k++) {
            char *text = mseq_text_format(form, texts[k]);
            mseq_value *value = NULL;
            mseq_error err = MSEQ_ERROR_INIT;
            if (mseq_json_parse(text, strlen(text), 0, &value, &err) != MSEQ_OK ||
                mseq_table_from_description(value, &tables[k], &err) != MSEQ_OK)
                fail_msg("%s: %s", text, err.message);
            mseq_value_free(value);
            free(text);
        }
        char *drift = drift_of(tables[0], tables[1], MSEQ_POSTGRESQL);
        if (strcmp(drift, cases[i].same ? "" : "check_differs c|") != 0)
            fail_msg("%s against %s: %s", texts[0], texts[1], drift);
        free(drift);
        mseq_table_free(tables[0]);
        mseq_table_free(tables[1]);
    }
}

static void checks_that_types_bring_along(void **state) {
    (void)state;
#define FLAG "{'name': 'on', 'type': {'name': 'Boolean', 'args': {'create_constraint': true}}}"
    assert_drift(MSEQ_SQLITE, T(FLAG, ""), T(COL("on", "'Boolean'"), ""), "check_missing -|");
    assert_drift(MSEQ_POSTGRESQL, T(FLAG, ""), T(COL("on", "'Boolean'"), ""), "");
}

static void missing_tables(void **state) {
    (void)state;
    mseq_table *table = table_of(T(A, ""));
    mseq_value *differences = NULL;
    assert_int_equal(mseq_contract_compare_table(table, NULL, MSEQ_SQLITE, &differences, NULL),
                     MSEQ_OK);
    assert_document(differences,
                    "[{'code': 'table_missing', 'object': 'table', 'name': 't', 'expected': null, "
                    "'actual': null, 'message': 'table `t` is missing'}]");
    mseq_value_free(differences);
    mseq_table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_tables_are_clean_on_sqlite),
        cmocka_unit_test(changes_are_told_on_sqlite),
        cmocka_unit_test(types_on_postgresql),
        cmocka_unit_test(nullability),
        cmocka_unit_test(uniqueness),
        cmocka_unit_test(indexes),
        cmocka_unit_test(foreign_keys),
        cmocka_unit_test(checks_as_postgresql_prints_them),
        cmocka_unit_test(checks_that_types_bring_along),
        cmocka_unit_test(missing_tables),
    };
    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
