/* SPDX-License-Identifier: MIT
 * Room `contract`: build, normalise, tables from contracts, drift. */
#include "mainsequence/contract.h"

#include "support.h"

static const char account[] =
    "{'name': 'a__account', 'kind': 'platform_managed', 'class_name': 'Account', 'module': "
    "'models', "
    "'columns': [{'name': 'uid', 'type': 'Uuid', 'primary_key': true}, {'name': 'name', 'type': "
    "{'name': 'String', 'args': {'length': 255}}, 'nullable': false, 'unique': true, 'info': "
    "{'label': 'Name', 'description': 'd', 'other': 1}}, {'name': 'parent_uid', 'type': 'Uuid', "
    "'foreign_key': {'referred_table': 'a__account', 'referred_columns': ['uid'], 'ondelete': "
    "'SET NULL', 'deferrable': true}}], 'indexes': [{'expressions': [{'column': 'name', 'order': "
    "'desc'}, {'func': 'lower', 'args': ['name', 'x', 1]}], 'unique': true, 'postgresql': "
    "{'where': 'name > 0', 'using': 'btree'}}], 'meta': {'namespace': 'n'}}";

static const char ticks[] =
    "{'name': 'a__ticks', 'kind': 'time_index', 'class_name': 'Ticks', 'module': 'models', "
    "'columns': [{'name': 'ts', 'type': {'name': 'DateTime', 'args': {'timezone': true}}, "
    "'nullable': false}, {'name': 'a', 'type': 'Uuid', 'nullable': false}, {'name': 'v', 'type': "
    "'Float'}], 'meta': {'namespace': 'n', 'time_index_name': 'ts', 'identity_dimensions': ['a'], "
    "'cadence': ' 1D ', 'storage_layout': 'row'}}";

/* ---- Building
 * --------------------------------------------------------------------------------------------- */

static mseq_value *contract_of(const mseq_table *table, const mseq_contract_options *options) {
    mseq_value *contract = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_contract_build(table, options, &contract, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return contract;
}

#define UID_COLUMN                                                                                 \
    "{'name': 'uid', 'data_type': 'uuid', 'backend_type': 'UUID', 'nullable': false, "             \
    "'primary_key': true, 'unique': false, 'server_default': 'gen_random_uuid()'}"

static void relational_contracts(void **state) {
    (void)state;
    mseq_table *table = table_of(account);
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    mseq_value *plain = contract_of(table, NULL);
    options.authoring_kind = "c";
    options.include_indexes = options.include_foreign_keys = true;
    mseq_value *full = contract_of(table, &options);
#define ACCOUNT_COLUMNS                                                                            \
    "'columns': [" UID_COLUMN ", {'name': 'name', 'data_type': 'string', 'backend_type': "         \
    "'VARCHAR(255)', 'nullable': false, 'primary_key': false, 'unique': true, 'description': "     \
    "'d', "                                                                                        \
    "'label': 'Name'}, {'name': 'parent_uid', 'data_type': 'uuid', 'backend_type': 'UUID', "       \
    "'nullable': true, 'primary_key': false, 'unique': false}]"
    assert_document(plain, "{'version': 'relational-table.v1', 'physical': {'table_name': "
                           "'a__account'}, " ACCOUNT_COLUMNS
                           ", 'constraints': [], 'authoring': {'table_model': {'kind': 'lua', "
                           "'module': 'models', 'qualname': 'Account'}}}");
    mseq_value *indexes = mseq_object_take(full, "indexes");
    char *text = text_of(indexes);
    assert_string_equal(text,
                        "[{\"name\": \"uix__a__account__a_account_name_desc__lower\", "
                        "\"columns\": [\"name DESC\", \"lower(name, 'x', 1)\"], \"unique\": true, "
                        "\"method\": \"btree\", \"where\": \"name > 0\"}]");
    free(text);
    mseq_value_free(indexes);
    assert_document(mseq_object_get(full, "foreign_keys"),
                    "[{'name': 'fk__a__account__parent_uid__a__account__uid', 'source_columns': "
                    "['parent_uid'], 'target_table': 'a__account', 'target_columns': ['uid'], "
                    "'on_delete': 'SET NULL', 'deferrable': true}]");
    mseq_value_free(plain);
    mseq_value_free(full);
    mseq_table_free(table);
}

static void time_indexed_contracts(void **state) {
    (void)state;
    mseq_table *table = table_of(ticks);
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.with_schema = true;
    mseq_value *contract = contract_of(table, &options);
    mseq_value_free(mseq_object_take(contract, "columns"));
    assert_document(contract,
                    "{'version': 'relational-table.v1', 'table_kind': 'time_indexed', 'authoring': "
                    "{'table_model': {'kind': 'lua', 'module': 'models', 'qualname': 'Ticks'}, "
                    "'time_indexed': {'time_index_name': 'ts', 'index_names': ['ts', 'a'], "
                    "'cadence': '1d', 'storage_layout': 'row'}}, 'physical': {'schema': 'public', "
                    "'table_name': 'a__ticks'}}");
    mseq_value_free(contract);
    options.relational = true;
    contract = contract_of(table, &options);
    assert_null(mseq_object_get(contract, "table_kind"));
    assert_null(mseq_object_get(mseq_object_get(contract, "physical"), "schema"));
    mseq_value_free(contract);
    mseq_table_free(table);
}

static void contracts_that_cannot_be_built(void **state) {
    (void)state;
    mseq_value *contract = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *naive = table_of("{'name': 't', 'columns': [{'name': 'at', 'type': 'DateTime'}]}");
    assert_int_equal(mseq_contract_build(naive, NULL, &contract, &err), MSEQ_E_CONTRACT);
    assert_error(&err, MSEQ_E_CONTRACT, "table 't', column 'at': Timezone-naive",
                 "timezone = true");
    assert_null(contract);
    mseq_error_clear(&err);
    assert_int_equal(mseq_contract_require_namespace(naive, NULL, &err), MSEQ_E_CONTRACT);
    assert_error(&err, MSEQ_E_CONTRACT, "require namespace: table 't' has none", "namespace");
    mseq_error_clear(&err);
    assert_int_equal(mseq_contract_require_namespace(naive, " ", &err), MSEQ_E_CONTRACT);
    assert_int_equal(mseq_contract_require_namespace(naive, "n", NULL), MSEQ_OK);
    mseq_table_free(naive);
    mseq_error_clear(&err);
    mseq_table *bad = table_of(
        "{'name': 'a__t', 'kind': 'time_index', 'columns': [{'name': 'time_index', 'type': 'Date', "
        "'nullable': false}], 'meta': {'cadence': '01d'}}");
    assert_int_equal(mseq_contract_build(bad, NULL, &contract, &err), MSEQ_E_CONTRACT);
    assert_error(&err, MSEQ_E_CONTRACT, "cadence must be an interval token", NULL);
    mseq_table_free(bad);
}

static void cadences(void **state) {
    (void)state;
    static const char *const good[][2] = {{"1d", "1d"}, {" 15M ", "15m"}, {"1mo", "1mo"},
                                          {"2q", "2q"}, {"10y", "10y"},   {"30s", "30s"}};
    static const char *const bad[] = {"d",   "0d",   "01d", "1",
                                      "1x",  "1 d",  "-1d", "1.5d",
                                      "1dd", "1mon", "d1",  "1111111111111111111111111111111111d"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *cadence = NULL;
        assert_int_equal(mseq_contract_normalize_cadence(good[i][0], &cadence, NULL), MSEQ_OK);
        assert_string_equal(cadence, good[i][1]);
        free(cadence);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *cadence = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_contract_normalize_cadence(bad[i], &cadence, &err), MSEQ_E_CONTRACT);
        assert_error(&err, MSEQ_E_CONTRACT, bad[i], NULL);
        assert_null(cadence);
    }
    char *none = (char *)"x";
    assert_int_equal(mseq_contract_normalize_cadence("  ", &none, NULL), MSEQ_OK);
    assert_null(none);
    assert_int_equal(mseq_contract_normalize_cadence(NULL, &none, NULL), MSEQ_OK);
    assert_null(none);
}

static void column_rows(void **state) {
    (void)state;
    mseq_table *table = table_of(ticks);
    mseq_value *rows = NULL;
    assert_int_equal(mseq_contract_column_rows(table, &rows, NULL), MSEQ_OK);
    assert_document(mseq_array_get(rows, 2),
                    "{'name': 'v', 'data_type': 'float64', 'backend_type': 'FLOAT', 'nullable': "
                    "true, 'primary_key': false, 'unique': false, 'ordinal_position': 2}");
    mseq_value_free(rows);
    mseq_table_free(table);
}

/* ---- Normalising
 * ------------------------------------------------------------------------------------------ */

static mseq_value *normal_form(const char *text) {
    mseq_value *given = document(text), *normalized = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_contract_normalize(given, &normalized, &err) != MSEQ_OK)
        fail_msg("%s: %s", text, err.message);
    mseq_value_free(given);
    return normalized;
}

static void contracts_are_completed(void **state) {
    (void)state;
    mseq_value *contract = normal_form(
        "{'orm_class': 'C', 'columns': [{'data_type': ' VarChar(5) ', 'name': 'a', 'label': null, "
        "'orm_class': 'C'}, {'name': 'at', 'data_type': 'timestamptz', 'backend_type': "
        "'timestamptz', 'nullable': false}, {'name': 'n', 'data_type': 'numeric(10,2)', "
        "'backend_type': ' '}], 'physical': {'table_name': 't', 'schema': null}, 'authoring': "
        "null, "
        "'foreign_keys': [{'source_columns': ['a'], 'target_table': 'p'}], 'indexes': [{'columns': "
        "['lower(a)']}]}");
    assert_document(
        contract,
        "{'version': 'relational-table.v1', 'physical': {'table_name': 't'}, 'columns': [{'name': "
        "'a', 'data_type': 'string', 'nullable': true, 'primary_key': false, 'unique': false}, "
        "{'name': 'at', 'data_type': 'timestamp with time zone', 'backend_type': 'TIMESTAMP WITH "
        "TIME ZONE', 'nullable': false, 'primary_key': false, 'unique': false}, {'name': 'n', "
        "'data_type': 'numeric', 'nullable': true, 'primary_key': false, 'unique': false}], "
        "'constraints': [], 'indexes': [{'columns': ['lower(a)'], 'unique': false}], "
        "'foreign_keys': [{'source_columns': ['a'], 'target_table': 'p', 'target_columns': []}]}");
    mseq_value_free(contract);
    contract = normal_form("{'table_kind': 'time_indexed', 'columns': [{'name': 'd', 'data_type': "
                           "'date'}], 'physical': {'schema': 'public', 'table_name': 't'}}");
    assert_document(contract, "{'version': 'relational-table.v1', 'table_kind': 'time_indexed', "
                              "'physical': {'schema': 'public', 'table_name': 't'}, 'columns': "
                              "[{'name': 'd', 'data_type': 'date', 'nullable': true, "
                              "'primary_key': false, 'unique': false}]}");
    mseq_value_free(contract);
}

/* What build makes is normal already. */
static void built_contracts_are_normal(void **state) {
    (void)state;
    static const char *const tables[] = {account, ticks};
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.include_indexes = options.include_foreign_keys = options.with_schema = true;
    for (size_t i = 0; i < 2; i++) {
        mseq_table *table = table_of(tables[i]);
        mseq_value *contract = contract_of(table, &options), *normalized = NULL;
        assert_int_equal(mseq_contract_normalize(contract, &normalized, NULL), MSEQ_OK);
        char *left = text_of(contract), *right = text_of(normalized);
        assert_string_equal(left, right);
        free(left);
        free(right);
        mseq_value_free(contract);
        mseq_value_free(normalized);
        mseq_table_free(table);
    }
}

static void bad_contracts(void **state) {
    (void)state;
#define PHYSICAL "'physical': {'table_name': 't'}"
#define COLUMN_A "{'name': 'a', 'data_type': 'string'}"
    static const char *const cases[][2] = {
        {"[]", "the document: must be an object"},
        {"{}", "physical: is required"},
        {"{" PHYSICAL "}", "columns: is required"},
        {"{'physical': {}, 'columns': []}", "physical.table_name: is required"},
        {"{'physical': {'table_name': ''}, 'columns': []}",
         "physical.table_name: must not be empty"},
        {"{" PHYSICAL ", 'columns': [], 'version': 'v2'}",
         "version: 'v2' is not one of: relational"},
        {"{" PHYSICAL ", 'columns': [], 'table_kind': 'other'}",
         "table_kind: 'other' is not one of"},
        {"{" PHYSICAL ", 'columns': [], 'table_kind': 5}", "table_kind: must be a string"},
        {"{" PHYSICAL ", 'columns': [], 'colums': []}", "colums: is not a known key"},
        {"{" PHYSICAL ", 'columns': [{'name': 'a'}]}", "columns[0].data_type: is required"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A ", {'name': 'b', 'data_type': 'timestamp'}]}",
         "columns[1].data_type: "},
        {"{" PHYSICAL ", 'columns': [{'name': 'b', 'data_type': ' '}]}", "columns[0].data_type: "},
        {"{" PHYSICAL
         ", 'columns': [{'name': 'b', 'data_type': 'x', 'backend_type': 'datetime naive'}]}",
         "columns[0].backend_type: "},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A ", " COLUMN_A "]}",
         "columns[1].name: column 'a' is declared twice, first as columns[0]"},
        {"{" PHYSICAL ", 'columns': [{'name': 'a', 'data_type': 'x', 'ordinal_position': 1}]}",
         "columns[0].ordinal_position: is not a known key"},
        {"{" PHYSICAL ", 'columns': [{'name': 'a', 'data_type': 'x', 'nullable': null}]}",
         "columns[0].nullable: must be a boolean, not null"},
        {"{" PHYSICAL ", 'columns': [], 'constraints': [1]}", "constraints[0]: must be an object"},
        {"{" PHYSICAL ", 'columns': [], 'authoring': []}", "authoring: must be an object"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A "], 'indexes': [{'columns': []}]}",
         "indexes[0].columns: must not be empty"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A
         "], 'foreign_keys': [{'source_columns': ['b'], 'target_table': 'p'}]}",
         "foreign_keys[0].source_columns[0]: the contract has no column 'b'"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A "], 'foreign_keys': [{'source_columns': ['a'], "
         "'target_table': 'p', 'target_columns': ['x', 'y']}]}",
         "foreign_keys[0].target_columns: there are 2 target columns for 1 source columns"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A
         "], 'table_kind': 'time_indexed', 'authoring': {'time_indexed': {}}}",
         "authoring.time_indexed.time_index_name: is required"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A "], 'table_kind': 'time_indexed', 'authoring': "
         "{'time_indexed': {'time_index_name': 'x'}}}",
         "authoring.time_indexed.time_index_name: the contract has no column 'x'"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A
         "], 'table_kind': 'time_indexed', 'authoring': {'time_indexed': {'time_index_name': 'a', "
         "'index_names': ['a', 'b']}}}",
         "authoring.time_indexed.index_names[1]: the contract has no column 'b'"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A
         "], 'table_kind': 'time_indexed', 'authoring': {'time_indexed': {'time_index_name': 'a', "
         "'index_names': 'a'}}}",
         "authoring.time_indexed.index_names: must be an array"},
        {"{" PHYSICAL ", 'columns': [], 'table_kind': 'time_indexed', 'index_names': []}",
         "index_names: is not a known key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_value *given = document(cases[i][0]), *normalized = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_contract_normalize(given, &normalized, &err), MSEQ_E_CONTRACT);
        assert_error(&err, MSEQ_E_CONTRACT, cases[i][1], NULL);
        assert_null(normalized);
        mseq_value_free(given);
    }
}

/* ---- Tables from contracts
 * ---------------------------------------------------------------------------------- */

/* Columns of every type that a contract can tell apart. */
static const char all_types[] =
    "{'name': 'a__t', 'kind': 'platform_managed', 'class_name': 'T', 'module': 'm', 'columns': ["
    "{'name': 'c0', 'type': 'Uuid', 'primary_key': true},"
    "{'name': 'c1', 'type': {'name': 'String', 'args': {'length': 9}}}, {'name': 'c2', 'type': "
    "'Text'},"
    "{'name': 'c3', 'type': {'name': 'CHAR', 'args': {'length': 3}}}, {'name': 'c4', 'type': "
    "'Integer'},"
    "{'name': 'c5', 'type': 'BigInteger'}, {'name': 'c6', 'type': 'SmallInteger'},"
    "{'name': 'c7', 'type': 'Float'}, {'name': 'c8', 'type': 'Double'}, {'name': 'c9', 'type': "
    "'REAL'},"
    "{'name': 'd0', 'type': {'name': 'Numeric', 'args': {'precision': 12, 'scale': 4}}},"
    "{'name': 'd1', 'type': {'name': 'DECIMAL', 'args': {'precision': 5}}}, {'name': 'd2', 'type': "
    "'Boolean'},"
    "{'name': 'd3', 'type': 'Date'}, {'name': 'd4', 'type': {'name': 'DateTime', 'args': "
    "{'timezone': true}}},"
    "{'name': 'd5', 'type': 'Time'}, {'name': 'd6', 'type': 'PgINTERVAL'}, {'name': 'd7', 'type': "
    "'JSON'},"
    "{'name': 'd8', 'type': 'JSONB'}, {'name': 'd9', 'type': 'LargeBinary'}, {'name': 'e0', "
    "'type': 'BYTEA'},"
    "{'name': 'e1', 'type': 'INET'}, {'name': 'e2', 'type': {'name': 'ARRAY', 'args': {'item': "
    "'Integer'}}},"
    "{'name': 'e3', 'type': {'name': 'Enum', 'args': {'name': 'e', 'values': ['ab', 'c']}}},"
    "{'name': 'e4', 'type': 'DOUBLE_PRECISION'}, {'name': 'e5', 'type': 'CITEXT'},"
    "{'name': 'e6', 'type': {'name': 'VARBINARY', 'args': {'length': 4}}}],"
    "'meta': {'namespace': 'n'}}";

static void contracts_survive_the_round_trip(void **state) {
    (void)state;
    static const char *const tables[] = {account, ticks, all_types};
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.include_indexes = options.include_foreign_keys = true;
    for (size_t i = 0; i < 3; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_table *table = table_of(tables[i]), *back = NULL;
        mseq_value *contract = contract_of(table, &options);
        if (mseq_contract_to_table(contract, &back, &err) != MSEQ_OK)
            fail_msg("%s", err.message);
        mseq_value *again = contract_of(back, &options);
        char *left = text_of(contract), *right = text_of(again);
        assert_string_equal(left, right);
        free(left);
        free(right);
        mseq_value_free(contract);
        mseq_value_free(again);
        mseq_table_free(table);
        mseq_table_free(back);
    }
}

static mseq_table *table_from(const char *contract) {
    mseq_value *value = document(contract);
    mseq_table *table = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_contract_to_table(value, &table, &err) != MSEQ_OK)
        fail_msg("%s: %s", contract, err.message);
    mseq_value_free(value);
    return table;
}

static void tables_from_foreign_contracts(void **state) {
    (void)state;
    mseq_table *table = table_from(
        "{'physical': {'table_name': 't', 'schema': 'mkt'}, 'columns': [{'name': 'a', 'data_type': "
        "'int32'}, {'name': 'b', 'data_type': 'jsonb', 'server_default': 'now()'}, {'name': 'c', "
        "'data_type': 'x', 'backend_type': 'NUMERIC(1,2,3)'}, {'name': 'd', 'data_type': "
        "'citext'}], "
        "'constraints': [{'kind': 'unique', 'columns': ['a', 'b']}, {'kind': 'check', 'name': "
        "'positive', 'expression': 'a > 0'}], 'indexes': [{'name': 'i', 'columns': ['a', 'b desc "
        "nulls last', 'lower(c)'], 'where': 'a > 1'}]}");
    assert_string_equal(mseq_table_schema(table), "mkt");
    assert_string_equal(mseq_table_column(table, "a")->type->name, "Integer");
    assert_string_equal(mseq_table_column(table, "b")->type->name, "JSONB");
    assert_string_equal(mseq_type_for(mseq_table_column(table, "b")->type, MSEQ_SQLITE)->name,
                        "JSON");
    assert_string_equal(mseq_table_column(table, "b")->server_default.text, "now()");
    assert_string_equal(mseq_table_column(table, "c")->type->text, "NUMERIC(1,2,3)");
    assert_string_equal(mseq_table_column(table, "d")->type->text, "citext");
    assert_int_equal(mseq_table_constraint_count(table), 2);
    assert_string_equal(mseq_table_constraint_at(table, 1)->name, "ck__t__positive");
    const mseq_index *index = mseq_table_index_at(table, 0);
    assert_string_equal(index->elements[1].column, "b");
    assert_string_equal(index->elements[1].order, "desc");
    assert_string_equal(index->elements[1].nulls, "last");
    assert_string_equal(index->elements[2].text, "lower(c)");
    assert_string_equal(mseq_object_get_text(index->sqlite, "where"), "a > 1");
    mseq_table_free(table);
}

static void contracts_without_a_table(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{" PHYSICAL ", 'columns': []}", "table 't' has no columns"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A "], 'constraints': [{'kind': 'exclude'}]}",
         "constraints[0].kind: a table can be made of"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A "], 'constraints': [{}]}", "constraints[0].kind"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A "], 'constraints': [{'kind': 'check'}]}",
         "constraints[0].expression: is required"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A
         "], 'constraints': [{'kind': 'unique', 'columns': ['a', 5]}]}",
         "constraints[0].columns[1]: must be a string"},
        {"{" PHYSICAL ", 'columns': [" COLUMN_A
         "], 'constraints': [{'kind': 'unique', 'columns': ['b']}]}",
         "names column 'b'"},
        {"{}", "physical: is required"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mseq_value *contract = document(cases[i][0]);
        mseq_table *table = NULL;
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_not_equal(mseq_contract_to_table(contract, &table, &err), MSEQ_OK);
        assert_error(&err, err.status, cases[i][1], NULL);
        assert_null(table);
        mseq_value_free(contract);
    }
}

/* ---- Drift
 * -----------------------------------------------------------------------------------------------
 */

/* The differences of two contracts as lines "code name expected actual". */
static void assert_contracts(const char *declared, const char *actual, const char *expected) {
    mseq_value *left = document(declared), *right = document(actual), *differences = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (mseq_contract_compare(left, right, &differences, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < mseq_value_length(differences); i++) {
        const mseq_value *row = mseq_array_get(differences, i);
        mseq_buffer_append_format(&text, "%s|", mseq_object_get_text(row, "message"));
    }
    assert_string_equal(mseq_buffer_text(&text), expected);
    mseq_buffer_free(&text);
    mseq_value_free(left);
    mseq_value_free(right);
    mseq_value_free(differences);
}

static void contracts_are_compared(void **state) {
    (void)state;
#define HEAD "'physical': {'table_name': 't'}"
#define A "{'name': 'a', 'data_type': 'int64', 'backend_type': 'BIGINT'}"
    assert_contracts("{" HEAD ", 'columns': [" A "]}", "{" HEAD ", 'columns': [" A "]}", "");
    assert_contracts("{" HEAD ", 'columns': [" A "]}",
                     "{'physical': {'table_name': 't', 'schema': 'public'}, 'columns': [{'name': "
                     "'a', 'data_type': 'int64', 'backend_type': 'int8'}]}",
                     "");
    assert_contracts(
        "{" HEAD ", 'columns': [" A ", {'name': 'b', 'data_type': 'string', 'backend_type': "
        "'VARCHAR(5)'}, {'name': 'x', 'data_type': 'date'}]}",
        "{'physical': {'table_name': 'u', 'schema': 's'}, 'columns': [{'name': 'a', 'data_type': "
        "'int64', 'backend_type': 'BIGINT', 'nullable': false}, {'name': 'b', 'data_type': "
        "'string', "
        "'backend_type': 'VARCHAR(9)', 'unique': true}, {'name': 'y', 'data_type': 'json'}]}",
        "table 't': property 'table_name' is \"u\", declared \"t\"|"
        "table 't': property 'schema' is s, declared public|"
        "table 't': column 'a' is NOT NULL, declared NULL|"
        "table 't': the type of column 'b' is VARCHAR(9), declared VARCHAR(5)|"
        "table 't': column 'x' is missing, declared DATE|"
        "table 't': column 'y' is not declared, it is JSON|"
        "table 't': unique constraint 'uq__u__b' is not declared, it is (b)|");
    /* what one side does not tell is not compared */
    assert_contracts("{" HEAD ", 'columns': [" A "], 'indexes': [{'columns': ['a']}]}",
                     "{" HEAD ", 'columns': [" A "]}", "");
    assert_contracts("{" HEAD ", 'columns': [" A "], 'indexes': [{'columns': ['a']}], "
                     "'foreign_keys': [{'source_columns': ['a'], 'target_table': 'p'}]}",
                     "{" HEAD ", 'columns': [" A "], 'indexes': [], 'foreign_keys': []}",
                     "table 't': index 'ix__t__a' is missing, declared (a)|"
                     "table 't': foreign key 'fk__t__a__p' is missing, declared (a) REFERENCES p "
                     "()|");
}

static void time_indexes_are_compared(void **state) {
    (void)state;
#define TIME_HEAD                                                                                  \
    "'table_kind': 'time_indexed', " HEAD ", 'columns': [{'name': 'ts', 'data_type': 'date', "     \
    "'nullable': false}], 'authoring': {'time_indexed': {'time_index_name': 'ts', 'index_names': " \
    "['ts']"
    assert_contracts("{" TIME_HEAD ", 'cadence': '1d'}}}", "{" TIME_HEAD ", 'cadence': '1h'}}}",
                     "table 't': property 'cadence' is \"1h\", declared \"1d\"|");
    assert_contracts("{" TIME_HEAD "}}}",
                     "{" HEAD
                     ", 'columns': [{'name': 'ts', 'data_type': 'date', 'nullable': false}]}",
                     "table 't': property 'table_kind' is not there, declared \"time_indexed\"|");
}

static void contracts_without_columns_are_compared(void **state) {
    (void)state;
    assert_contracts("{" HEAD ", 'columns': [" A "]}", "{" HEAD ", 'columns': []}",
                     "table 't': column 'a' is missing, declared BIGINT|");
    assert_contracts("{" HEAD ", 'columns': []}", "{" HEAD ", 'columns': [" A "]}",
                     "table 't': column 'a' is not declared, it is BIGINT|");
    assert_contracts("{" HEAD ", 'columns': []}", "{" HEAD ", 'columns': []}", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relational_contracts),
        cmocka_unit_test(time_indexed_contracts),
        cmocka_unit_test(contracts_that_cannot_be_built),
        cmocka_unit_test(cadences),
        cmocka_unit_test(column_rows),
        cmocka_unit_test(contracts_are_completed),
        cmocka_unit_test(built_contracts_are_normal),
        cmocka_unit_test(bad_contracts),
        cmocka_unit_test(contracts_survive_the_round_trip),
        cmocka_unit_test(tables_from_foreign_contracts),
        cmocka_unit_test(contracts_without_a_table),
        cmocka_unit_test(contracts_are_compared),
        cmocka_unit_test(time_indexes_are_compared),
        cmocka_unit_test(contracts_without_columns_are_compared),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
