/* SPDX-License-Identifier: MIT
 * Room `schema`: declarations that are right, and every way in which one can be wrong. */
#include "support.h"

#define UID "{'name': 'uid', 'type': 'Uuid', 'primary_key': true}"
#define TIME                                                                                       \
    "{'name': 'ts', 'type': {'name': 'DateTime', 'args': {'timezone': true}}, 'nullable': false}"
#define TICKS(columns, meta)                                                                       \
    "{'name': 'a__ticks', 'kind': 'time_index', 'columns': [" columns "], 'meta': {" meta "}}"

/* ---- What is refused
 * ------------------------------------------------------------------------------------- */

typedef struct refusal {
    const char *description;
    mseq_status status;
    const char *message, *hint;
} refusal;

static void assert_refused(const refusal *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        mseq_value *description = document(cases[i].description);
        mseq_table *table = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_status status = mseq_table_from_description(description, &table, &err);
        if (status == MSEQ_OK)
            fail_msg("accepted: %s", cases[i].description);
        assert_int_equal(status, cases[i].status);
        assert_error(&err, cases[i].status, cases[i].message, cases[i].hint);
        assert_null(table);
        mseq_value_free(description);
    }
}
#define REFUSED(cases) assert_refused(cases, sizeof(cases) / sizeof *(cases))

static void bad_tables(void **state) {
    (void)state;
    static const refusal cases[] = {
        {"[]", MSEQ_E_SCHEMA, "not array", NULL},
        {"{}", MSEQ_E_SCHEMA, "a table needs a name", NULL},
        {"{'name': ''}", MSEQ_E_SCHEMA, "a table needs a name", NULL},
        {"{'name': 5}", MSEQ_E_SCHEMA, "name must be a string, not integer", NULL},
        {"{'name': 'a\\u0000b'}", MSEQ_E_SCHEMA, "name holds a NUL", NULL},
        {"{'name': 't'}", MSEQ_E_SCHEMA, "table 't' has no columns", "at least one column"},
        {"{'name': 't', 'columns': []}", MSEQ_E_SCHEMA, "table 't' has no columns", NULL},
        {"{'name': 't', 'columns': {'a': 1}}", MSEQ_E_SCHEMA, "columns must be a list", NULL},
        {"{'name': 't', 'colums': []}", MSEQ_E_SCHEMA, "unknown option 'colums'", "'columns'"},
        {"{'name': 't', 'kind': 'view', 'columns': [" UID "]}", MSEQ_E_SCHEMA, "kind is 'view'",
         NULL},
        {"{'name': 't', 'naming_convention': 1, 'columns': [" UID "]}", MSEQ_E_SCHEMA,
         "naming_convention must be true or false", NULL},
        {"{'name': 't', 'columns': [" UID "], 'meta': {'identifer': 'x'}}", MSEQ_E_SCHEMA,
         "unknown option 'identifer'", "'identifier'"},
        {"{'name': 't', 'columns': [" UID "], 'meta': {'labels': [1]}}", MSEQ_E_SCHEMA,
         "labels[1] is not a string", NULL},
        {"{'name': '!!!', 'kind': 'platform_managed', 'columns': [" UID "]}", MSEQ_E_NAME,
         "letters or digits", NULL},
        {"{'name': '  ', 'kind': 'platform_managed', 'columns': [" UID "]}", MSEQ_E_NAME,
         "is required", NULL},
        {"{'name': 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'kind': "
         "'platform_managed', 'columns': [" UID "]}",
         MSEQ_E_NAME, "has 64 characters, at most 63", "schema_table_name"},
    };
    REFUSED(cases);
}

static void bad_columns(void **state) {
    (void)state;
    static const refusal cases[] = {
        {"{'name': 't', 'columns': ['a']}", MSEQ_E_SCHEMA, "column 1: a column is a table", NULL},
        {"{'name': 't', 'columns': [{'type': 'Uuid'}]}", MSEQ_E_SCHEMA, "a column needs a name",
         NULL},
        {"{'name': 't', 'columns': [{'name': '', 'type': 'Uuid'}]}", MSEQ_E_SCHEMA,
         "a column needs a name", NULL},
        {"{'name': 't', 'columns': [" UID ", {'name': 'a', 'type': 'Date'}, " UID "]}",
         MSEQ_E_SCHEMA, "column 'uid' is declared twice (columns 1 and 3)", NULL},
        {"{'name': 't', 'columns': [{'name': 'a'}]}", MSEQ_E_SCHEMA,
         "column 'a': a type is missing", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Sting'}]}", MSEQ_E_SCHEMA,
         "table 't', column 'a': unknown type 'Sting'", "'String'"},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Zzzzzzzz'}]}", MSEQ_E_SCHEMA,
         "unknown type", ""},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'String', 'args': {'lenght': "
         "5}}}]}",
         MSEQ_E_SCHEMA, "type String has no argument 'lenght'", "'length'"},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'Date', 'args': {'x': 5}}}]}",
         MSEQ_E_SCHEMA, "type Date has no argument 'x'", "takes none"},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'String', 'args': {'length': "
         "-1}}}]}",
         MSEQ_E_SCHEMA, "length must be a whole number", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'Numeric', 'args': "
         "{'precision': 1.5}}}]}",
         MSEQ_E_SCHEMA, "precision must be a whole number", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'DateTime', 'args': "
         "{'timezone': 'yes'}}}]}",
         MSEQ_E_SCHEMA, "timezone must be true or false", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'Enum', 'args': {'values': "
         "[1]}}}]}",
         MSEQ_E_SCHEMA, "values must be a list of strings", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'ARRAY'}]}", MSEQ_E_SCHEMA,
         "needs an item type", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'DatabaseType'}]}", MSEQ_E_SCHEMA,
         "needs its text", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': {'name': 'JSON', 'variant': {'mysql': "
         "'Text'}}}]}",
         MSEQ_E_SCHEMA, "unknown dialect 'mysql'", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Date', 'nulable': true}]}",
         MSEQ_E_SCHEMA, "column 'a': unknown option 'nulable'", "'nullable'"},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Date', 'nullable': 'no'}]}",
         MSEQ_E_SCHEMA, "nullable must be true or false, not string", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Date', 'server_default': 5}]}",
         MSEQ_E_SCHEMA, "server_default is none of the known forms", "quoted literal"},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Date', 'server_default': {'txt': "
         "'now()'}}]}",
         MSEQ_E_SCHEMA, "unknown option 'txt'", "'text'"},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Integer', 'identity': {'star': 1}}]}",
         MSEQ_E_SCHEMA, "unknown option 'star'", "'start'"},
    };
    REFUSED(cases);
}

static void bad_constraints(void **state) {
    (void)state;
    static const refusal cases[] = {
        {"{'name': 't', 'columns': [" UID "], 'primary_key': {'columns': ['udi']}}", MSEQ_E_SCHEMA,
         "the primary key names column 'udi'", "'uid'"},
        {"{'name': 't', 'columns': [" UID "], 'unique_constraints': [{'columns': ['x']}]}",
         MSEQ_E_SCHEMA, "table 't': a unique constraint names column 'x'", NULL},
        {"{'name': 't', 'columns': [" UID "], 'unique_constraints': [{'columns': []}]}",
         MSEQ_E_SCHEMA, "at least one column", NULL},
        {"{'name': 't', 'columns': [" UID "], 'unique_constraints': ['uid']}", MSEQ_E_SCHEMA,
         "unique_constraints[1] is no table", NULL},
        {"{'name': 't', 'columns': [" UID "], 'check_constraints': [{'name': 'c'}]}", MSEQ_E_SCHEMA,
         "needs its SQL text", NULL},
        {"{'name': 't', 'columns': [" UID "], 'check_constraints': [{'sql': 'x'}]}", MSEQ_E_SCHEMA,
         "unknown option 'sql'", NULL},
        {"{'name': 't', 'columns': [" UID "], 'check_constraints': [{'name': '!', 'sqltext': "
         "'x'}]}",
         MSEQ_E_NAME, "letters or digits", NULL},
        {"{'name': 't', 'columns': [" UID "], 'foreign_keys': [{'columns': ['uid']}]}",
         MSEQ_E_SCHEMA, "needs columns and a referred table", NULL},
        {"{'name': 't', 'columns': [" UID "], 'foreign_keys': [{'columns': ['nope'], "
         "'referred_table': 'p'}]}",
         MSEQ_E_SCHEMA, "a foreign key names column 'nope'", NULL},
        {"{'name': 't', 'columns': [" UID "], 'foreign_keys': [{'columns': ['uid'], "
         "'referred_table': 'p', 'referred_columns': ['a', 'b']}]}",
         MSEQ_E_SCHEMA, "to 'p' has 1 columns but refers to 2", NULL},
        {"{'name': 't', 'columns': [{'name': 'a', 'type': 'Uuid', 'foreign_key': {'refered_table': "
         "'p'}}]}",
         MSEQ_E_SCHEMA, "unknown option 'refered_table'", "'referred_table'"},
        {"{'name': 't', 'columns': [" UID "], 'indexes': [{'columns': ['nope']}]}", MSEQ_E_SCHEMA,
         "an index names column 'nope'", NULL},
        {"{'name': 't', 'columns': [" UID "], 'indexes': [{'columns': []}]}", MSEQ_E_SCHEMA,
         "an index needs at least one column", NULL},
        {"{'name': 't', 'columns': [" UID "], 'indexes': [{'expressions': [{}]}]}", MSEQ_E_SCHEMA,
         "needs column, func or text", NULL},
        {"{'name': 't', 'columns': [" UID "], 'indexes': [{'expressions': [{'column': 'uid', "
         "'order': 'up'}]}]}",
         MSEQ_E_SCHEMA, "index order is 'up', not 'asc' or 'desc'", NULL},
        {"{'name': 't', 'columns': [" UID "], 'indexes': [{'expressions': [5]}]}", MSEQ_E_SCHEMA,
         "a column name or an expression", NULL},
        {"{'name': 't', 'columns': [" UID "], 'indexes': [{'columns': ['uid'], 'uniqe': true}]}",
         MSEQ_E_SCHEMA, "unknown option 'uniqe'", "'unique'"},
    };
    REFUSED(cases);
}

static void bad_time_indexes(void **state) {
    (void)state;
    static const refusal cases[] = {
        {TICKS(TIME, ""), MSEQ_E_SCHEMA, "must all exist as table columns", NULL},
        {TICKS(TIME, "'time_index_name': 'ts', 'index_names': ['ts', 'x']"), MSEQ_E_SCHEMA,
         "Missing columns: ['x']", NULL},
        {TICKS("{'name': 'ts', 'type': {'name': 'DateTime', 'args': {'timezone': true}}}",
               "'time_index_name': 'ts'"),
         MSEQ_E_SCHEMA, "must be non-nullable. Nullable index columns: ['ts']", NULL},
        {TICKS("{'name': 'ts', 'type': 'String', 'nullable': false}", "'time_index_name': 'ts'"),
         MSEQ_E_SCHEMA, "must reference a temporal column. Column 'ts' has type 'string'", NULL},
        {TICKS("{'name': 'ts', 'type': 'DateTime', 'nullable': false}", "'time_index_name': 'ts'"),
         MSEQ_E_CONTRACT, "column 'ts': Timezone-naive", "timezone = true"},
        {TICKS(TIME ", {'name': 'a', 'type': 'Uuid', 'nullable': false}",
               "'time_index_name': 'ts', 'index_names': ['a', 'ts']"),
         MSEQ_E_SCHEMA, "must start with the time_index_name. Expected 'ts', got 'a'", NULL},
        {TICKS(TIME, "'time_index_name': 'ts', 'index_names': ['ts', 'ts']"), MSEQ_E_SCHEMA,
         "must be unique. Duplicate: 'ts'", NULL},
        {TICKS(TIME, "'time_index_name': 'ts', 'index_names': []"), MSEQ_E_SCHEMA,
         "must not be empty", NULL},
        {TICKS(TIME, "'time_index_name': 'ts', 'index_names': [5]"), MSEQ_E_SCHEMA,
         "list of column names", NULL},
    };
    REFUSED(cases);
}

static void errors_name_the_script(void **state) {
    (void)state;
    mseq_value *description = document("{'name': 't', 'source': 'models.lua', 'line': 12}");
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_table_from_description(description, &table, &err), MSEQ_E_SCHEMA);
    assert_string_equal(err.source, "models.lua");
    assert_int_equal(err.line, 12);
    mseq_value_free(description);
}

/* ---- What is kept
 * ----------------------------------------------------------------------------------------- */

static const char asset[] =
    "{'name': 'a__asset', 'schema': 'public', 'kind': 'platform_managed', 'class_name': 'Asset', "
    "'columns': [" UID ", {'name': 'account_uid', 'type': 'Uuid', 'nullable': false, "
    "'foreign_key': {'referred_table': 'a__account', 'referred_columns': ['uid'], 'ondelete': "
    "'RESTRICT'}}, {'name': 'symbol', 'type': {'name': 'String', 'args': {'length': 64}}, "
    "'unique': true}, {'name': 'kind', 'type': 'Text', 'index': true, 'checks': [{'sqltext': "
    "'length(kind) > 1'}]}], 'indexes': [{'expressions': ['account_uid', {'func': 'lower', "
    "'args': ['symbol']}], 'unique': true}], 'unique_constraints': [{'name': 'mine', 'columns': "
    "['kind', 'symbol']}], 'meta': {'namespace': 'n', 'labels': 'one'}}";

static void declared_tables_are_complete(void **state) {
    (void)state;
    mseq_table *table = table_of(asset);
    assert_string_equal(mseq_table_name(table), "a__asset");
    assert_null(mseq_table_schema(table)); /* "public" is the default of platform tables */
    assert_int_equal(mseq_table_column_count(table), 4);
    assert_null(mseq_table_column_at(table, 4));
    const mseq_column *uid = mseq_table_column(table, "uid");
    assert_true(uid->primary_key && !uid->nullable && !uid->nullable_given);
    assert_true(mseq_table_column(table, "symbol")->nullable);
    assert_null(mseq_table_column(table, "none"));
    static const struct {
        mseq_constraint_kind kind;
        const char *name;
    } constraints[] = {
        {MSEQ_PRIMARY_KEY, "pk__a__asset"},
        {MSEQ_UNIQUE, "uq__a__asset__kind__symbol"}, /* a plain name does not survive */
        {MSEQ_FOREIGN_KEY, "fk__a__asset__account_uid__a__account__uid"},
        {MSEQ_UNIQUE, "uq__a__asset__symbol"},
        {MSEQ_CHECK, "ck__a__asset"},
    };
    assert_int_equal(mseq_table_constraint_count(table), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(mseq_table_constraint_at(table, i)->kind, constraints[i].kind);
        assert_string_equal(mseq_table_constraint_at(table, i)->name, constraints[i].name);
    }
    assert_ptr_equal(mseq_table_primary_key(table), mseq_table_constraint_at(table, 0));
    assert_int_equal(mseq_table_index_count(table), 2);
    assert_string_equal(mseq_table_index_at(table, 0)->name, "uix__a__asset__account_uid__lower");
    assert_string_equal(mseq_table_index_at(table, 1)->name, "ix__a__asset__kind");
    assert_document(mseq_table_get_meta(table)->labels, "['one']");
    mseq_table_free(table);
}

static void descriptions_describe_themselves(void **state) {
    (void)state;
    mseq_table *table = table_of(asset), *again = NULL;
    mseq_value *first = NULL, *second = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_table_describe(table, &first, &err), MSEQ_OK);
    if (mseq_table_from_description(first, &again, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    assert_int_equal(mseq_table_describe(again, &second, &err), MSEQ_OK);
    char *left = text_of(first), *right = text_of(second);
    assert_string_equal(left, right);
    free(left);
    free(right);
    mseq_value_free(first);
    mseq_value_free(second);
    mseq_table_free(table);
    mseq_table_free(again);
}

static size_t unique_indexes(const char *description) {
    mseq_table *table = table_of(description);
    size_t count = 0;
    for (size_t i = 0; i < mseq_table_index_count(table); i++)
        count += mseq_table_index_at(table, i)->unique;
    mseq_table_free(table);
    return count;
}

static void the_grain_gets_an_index(void **state) {
    (void)state;
#define GRAIN "'meta': {'time_index_name': 'ts', 'identity_dimensions': ['a']}"
#define COLUMNS "'columns': [" TIME ", {'name': 'a', 'type': 'Uuid', 'nullable': false}]"
    mseq_table *table = table_of("{'name': 'a__t', 'kind': 'time_index', " COLUMNS ", " GRAIN "}");
    assert_string_equal(mseq_table_index_at(table, 0)->name, "uix__a__t__ts__a");
    assert_true(mseq_table_index_at(table, 0)->automatic);
    mseq_table_free(table);
    /* the same columns in any order make it superfluous; a primary key does not */
    assert_int_equal(unique_indexes("{'name': 'a__t', 'kind': 'time_index', " COLUMNS ", " GRAIN
                                    ", 'indexes': [{'columns': ['a', 'ts'], 'unique': true}]}"),
                     1);
    assert_int_equal(unique_indexes("{'name': 'a__t', 'kind': 'time_index', " COLUMNS ", " GRAIN
                                    ", 'unique_constraints': [{'columns': ['a', 'ts']}]}"),
                     0);
    assert_int_equal(unique_indexes("{'name': 'a__t', 'kind': 'time_index', " COLUMNS ", " GRAIN
                                    ", 'primary_key': {'columns': ['ts', 'a']}}"),
                     1);
    assert_int_equal(unique_indexes("{'name': 'a__t', 'kind': 'time_index', " COLUMNS ", " GRAIN
                                    ", 'indexes': [{'columns': ['a', 'ts']}]}"),
                     1);
}

/* ---- Step by step
 * ----------------------------------------------------------------------------------------- */

static mseq_status add_column(mseq_table *table, const char *name, const char *type,
                              const char *references, mseq_error *err) {
    mseq_column_options options = MSEQ_COLUMN_OPTIONS_INIT;
    options.name = name;
    options.type = type;
    options.references = references;
    options.ondelete = references ? "CASCADE" : NULL;
    return mseq_table_add_column(table, &options, err);
}

static void tables_are_built_step_by_step(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *table = NULL;
    mseq_table_options options = MSEQ_TABLE_OPTIONS_INIT;
    options.name = "a__t";
    options.kind = MSEQ_TABLE_PLATFORM_MANAGED;
    assert_int_equal(mseq_table_new(&options, &table, &err), MSEQ_OK);
    assert_int_equal(add_column(table, "uid", "Uuid", NULL, &err), MSEQ_OK);
    assert_int_equal(add_column(table, "parent", "Uuid", "mkt.parents.uid", &err), MSEQ_OK);
    assert_int_equal(add_column(table, "bad", "Uuid", "nodot", &err), MSEQ_E_SCHEMA);
    assert_error(&err, MSEQ_E_SCHEMA, "references 'nodot' is not table.column", NULL);
    mseq_error_clear(&err);
    mseq_value *index = document("{'columns': ['parent']}");
    assert_int_equal(mseq_table_add(table, "indexes", index, &err), MSEQ_OK);
    mseq_value_free(index);
    assert_int_equal(mseq_table_freeze(table, &err), MSEQ_OK);
    assert_int_equal(mseq_table_freeze(table, &err), MSEQ_E_ARGUMENT);
    mseq_error_clear(&err);
    assert_int_equal(add_column(table, "late", "Uuid", NULL, &err), MSEQ_E_ARGUMENT);
    assert_error(&err, MSEQ_E_ARGUMENT, "frozen", NULL);
    const mseq_constraint *key = mseq_table_constraint_at(table, 0);
    assert_int_equal(key->kind, MSEQ_FOREIGN_KEY);
    assert_string_equal(key->referred_schema, "mkt");
    assert_string_equal(key->referred_table, "parents");
    assert_string_equal(key->referred_columns[0], "uid");
    assert_string_equal(key->ondelete, "CASCADE");
    mseq_table *shared = mseq_table_retain(table);
    mseq_table_free(table);
    assert_string_equal(mseq_table_name(shared), "a__t");
    mseq_table_free(shared);
    mseq_error_clear(&err);
    options.name = NULL;
    assert_int_equal(mseq_table_new(&options, &table, &err), MSEQ_E_ARGUMENT);
    mseq_table_free(NULL);
}

/* ---- Collections
 * ------------------------------------------------------------------------------------------ */

static mseq_metadata *collection(const char *const *descriptions, size_t count) {
    mseq_metadata *metadata = NULL;
    assert_int_equal(mseq_metadata_new(&metadata, NULL), MSEQ_OK);
    for (size_t i = 0; i < count; i++) {
        mseq_table *table = table_of(descriptions[i]);
        assert_int_equal(mseq_metadata_add(metadata, table, NULL), MSEQ_OK);
        mseq_table_free(table);
    }
    return metadata;
}

#define TABLE(name, referred)                                                                      \
    "{'name': '" name "', 'columns': [" UID ", {'name': 'r', 'type': 'Uuid', 'foreign_key': "      \
    "{'referred_table': '" referred "', 'referred_columns': ['uid']}}]}"

static void assert_order(const mseq_metadata *metadata, mseq_sort sort, const char *expected,
                         bool cyclic_expected) {
    const mseq_table *order[8];
    bool in_cycle[8], cyclic = false;
    char names[64] = "";
    assert_int_equal(mseq_metadata_sort(metadata, sort, order, in_cycle, &cyclic, NULL), MSEQ_OK);
    for (size_t i = 0; i < mseq_metadata_count(metadata); i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s ", mseq_table_name(order[i]),
                 in_cycle[i] ? "*" : "");
    }
    assert_string_equal(names, expected);
    assert_int_equal(cyclic, cyclic_expected);
}

static void parents_come_first(void **state) {
    (void)state;
    const char *const chain[] = {TABLE("c", "b"), TABLE("b", "a"), TABLE("z", "z"),
                                 "{'name': 'a', 'columns': [" UID "]}"};
    mseq_metadata *metadata = collection(chain, 4);
    assert_order(metadata, MSEQ_SORT_DECLARATION, "z a b c ", false);
    assert_order(metadata, MSEQ_SORT_NAME, "a z b c ", false);
    assert_non_null(mseq_metadata_find(metadata, NULL, "b"));
    assert_non_null(mseq_metadata_find(metadata, "public", "b"));
    assert_null(mseq_metadata_find(metadata, "other", "b"));
    assert_null(mseq_metadata_at(metadata, 4));
    mseq_table *twin = table_of(chain[3]);
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_metadata_add(metadata, twin, &err), MSEQ_E_SCHEMA);
    assert_error(&err, MSEQ_E_SCHEMA, "table 'a' is declared twice", NULL);
    mseq_table_free(twin);
    mseq_metadata_free(metadata);
    const char *const cycle[] = {TABLE("x", "y"), TABLE("y", "x"),
                                 "{'name': 'free', 'columns': [" UID "]}"};
    metadata = collection(cycle, 3);
    assert_order(metadata, MSEQ_SORT_DECLARATION, "x* y* free ", true);
    mseq_metadata_free(metadata);
    mseq_metadata_free(NULL);
}

/* ---- Types
 * ------------------------------------------------------------------------------------------------
 */

static void neutral_names(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"'Uuid'", "uuid", "UUID"},
        {"{'name': 'String', 'args': {'length': 64}}", "string", "VARCHAR(64)"},
        {"{'name': 'Text', 'args': {'length': 100}}", "string", "TEXT(100)"},
        {"{'name': 'NCHAR', 'args': {'length': 3}}", "NCHAR(3)", "NCHAR(3)"},
        {"'Integer'", "int64", "INTEGER"},
        {"'SmallInteger'", "int16", "SMALLINT"},
        {"{'name': 'Float', 'args': {'precision': 53}}", "float64", "FLOAT"},
        {"'REAL'", "float32", "REAL"},
        {"{'name': 'Numeric', 'args': {'precision': 10, 'scale': 2}}", "numeric", "NUMERIC(10, 2)"},
        {"{'name': 'NUMERIC', 'args': {'precision': 12}}", "numeric", "NUMERIC(12)"},
        {"{'name': 'DateTime', 'args': {'timezone': true}}", "timestamp with time zone",
         "TIMESTAMP WITH TIME ZONE"},
        {"'Interval'", "timestamp with time zone", "TIMESTAMP WITH TIME ZONE"},
        {"'PgINTERVAL'", "INTERVAL", "INTERVAL"},
        {"'LargeBinary'", "BLOB", "BLOB"},
        {"{'name': 'Enum', 'args': {'values': ['a', '\\u00e9\\u00e9\\u00e9']}}", "string",
         "VARCHAR(3)"},
        {"{'name': 'ARRAY', 'args': {'item': 'Integer'}}", "ARRAY", "ARRAY"},
        {"{'name': 'JSON', 'variant': {'postgresql': 'JSONB'}}", "json", "JSON"},
        {"'NullType'", "NULL", "NULL"},
        {"{'name': 'DatabaseType', 'args': {'text': 'int4'}}", "int32", "int4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *description =
            mseq_text_format("{'name': 't', 'columns': [{'name': 'c', 'type': %s}]}", cases[i][0]);
        mseq_table *table = table_of(description);
        char *data_type = NULL, *backend_type = NULL;
        assert_int_equal(mseq_type_neutral(mseq_table_column_at(table, 0)->type, &data_type,
                                           &backend_type, NULL),
                         MSEQ_OK);
        assert_string_equal(data_type, cases[i][1]);
        assert_string_equal(backend_type, cases[i][2]);
        free(data_type);
        free(backend_type);
        free(description);
        mseq_table_free(table);
    }
    mseq_table *naive = table_of("{'name': 't', 'columns': [{'name': 'c', 'type': 'DateTime'}]}");
    char *data_type = NULL, *backend_type = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(
        mseq_type_neutral(mseq_table_column_at(naive, 0)->type, &data_type, &backend_type, &err),
        MSEQ_E_CONTRACT);
    assert_null(data_type);
    mseq_table_free(naive);
}

static void type_names_are_sorted_and_known(void **state) {
    (void)state;
    size_t count = 0;
    const char *const *names = mseq_type_names(&count);
    assert_true(count > 80);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
        char *description = mseq_text_format(
            "{'name': 't', 'columns': [{'name': 'c', 'type': {'name': '%s', 'args': {%s}}}]}",
            names[i],
            strstr(names[i], "ARRAY")               ? "'item': 'Integer'"
            : strcmp(names[i], "DatabaseType") == 0 ? "'text': 'x'"
                                                    : "");
        mseq_table *table = table_of(description);
        assert_string_equal(mseq_table_column_at(table, 0)->type->name, names[i]);
        mseq_table_free(table);
        free(description);
    }
}

static void data_types_are_normalized(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {" Date ", "date"},
        {"datetime64[ns, UTC]", "timestamp with time zone"},
        {"TIMESTAMPTZ", "timestamp with time zone"},
        {"character varying(10)", "string"},
        {"my_varchar_thing", "string"},
        {"postgresql_uuid", "uuid"},
        {"u u i d", "uuid"},
        {"bool_", "bool"},
        {"uint32", "int64"},
        {"numeric(10,2)", "numeric"},
        {"double__precision", "float64"},
        {" Money ", "Money"},
        {"decimal(10,2)", "decimal(10,2)"},
        {"timestamp(6)", "timestamp(6)"},
        {"datetime64[ns,UTC]", "datetime64[ns,UTC]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *token = NULL;
        assert_int_equal(mseq_data_type_normalize(cases[i][0], &token, NULL), MSEQ_OK);
        assert_string_equal(token, cases[i][1]);
        free(token);
    }
    static const char *const bad[] = {"", "  ", "timestamp", "datetime64[ns]",
                                      "Timestamp_Without  time zone"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *token = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_data_type_normalize(bad[i], &token, &err), MSEQ_E_CONTRACT);
        assert_null(token);
    }
    char *text = NULL;
    assert_int_equal(mseq_backend_type_normalize(" ", &text, NULL), MSEQ_OK);
    assert_null(text);
    assert_int_equal(mseq_backend_type_normalize(" varchar(10) ", &text, NULL), MSEQ_OK);
    assert_string_equal(text, " varchar(10) ");
    free(text);
    assert_int_equal(mseq_backend_type_normalize("timestamptz", &text, NULL), MSEQ_OK);
    assert_string_equal(text, "TIMESTAMP WITH TIME ZONE");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_tables),
        cmocka_unit_test(bad_columns),
        cmocka_unit_test(bad_constraints),
        cmocka_unit_test(bad_time_indexes),
        cmocka_unit_test(errors_name_the_script),
        cmocka_unit_test(declared_tables_are_complete),
        cmocka_unit_test(descriptions_describe_themselves),
        cmocka_unit_test(the_grain_gets_an_index),
        cmocka_unit_test(tables_are_built_step_by_step),
        cmocka_unit_test(parents_come_first),
        cmocka_unit_test(neutral_names),
        cmocka_unit_test(type_names_are_sorted_and_known),
        cmocka_unit_test(data_types_are_normalized),
    };
    return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
