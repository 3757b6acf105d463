/* SPDX-License-Identifier: MIT
 * The pure rooms when memory is short (base, naming, schema, contract, fingerprint, ddl, wire,
 * sql): every allocation fails once, alone and with all that follow. The result is MSEQ_E_NO_MEMORY
 * and nothing else, or what it is with memory; sanitizers and valgrind watch for leaks. */
#include "failing_allocator.h"
#include "mainsequence/mainsequence.h"
#include "support.h"

/* What every act gets. */
typedef struct input {
    const mseq_value *description;
    const mseq_table *table;
    const mseq_value *contract;
    const mseq_value *operation;
} input;

/* One thing a program would do; its result as text, NULL when it failed. */
typedef mseq_status (*action)(const input *in, mseq_buffer *text, mseq_error *err);

static mseq_status write_down(const mseq_value *value, mseq_buffer *text, mseq_error *err) {
    return mseq_json_write(value, MSEQ_JSON_INDENT, text, err);
}

static mseq_status finish(mseq_status status, mseq_value *value, mseq_buffer *text,
                          mseq_error *err) {
    if (status == MSEQ_OK)
        status = write_down(value, text, err);
    mseq_value_free(value);
    return status;
}

static mseq_status names(const input *in, mseq_buffer *text, mseq_error *err) {
    static const char *const columns[] = {"a_rather_long_name_of_a_column", "another_long_name"};
    (void)in;
    char *made[3] = {NULL, NULL, NULL};
    mseq_status status = mseq_naming_schema_table_name(
        "Some App", "a concept whose name is too long for the limit of sixty-three", "x", &made[0],
        err);
    if (status == MSEQ_OK)
        status = mseq_naming_index_name(made[0], columns, 2, true, &made[1], err);
    if (status == MSEQ_OK)
        status = mseq_naming_namespace_version_location("Namespace One", NULL, &made[2], err);
    for (size_t i = 0; i < 3; i++) {
        if (status == MSEQ_OK && mseq_buffer_append_format(text, "%s\n", made[i]) != MSEQ_OK)
            status = mseq_error_no_memory(err);
        free(made[i]);
    }
    return status;
}

static mseq_status describe(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_table *table = NULL;
    mseq_value *description = NULL;
    mseq_status status = mseq_table_from_description(in->description, &table, err);
    if (status == MSEQ_OK)
        status = mseq_table_describe(table, &description, err);
    mseq_table_free(table);
    return finish(status, description, text, err);
}

static mseq_status build_contract(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.include_indexes = options.include_foreign_keys = true;
    mseq_value *contract = NULL;
    mseq_status status = mseq_contract_build(in->table, &options, &contract, err);
    return finish(status, contract, text, err);
}

static mseq_status normalize_contract(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_value *normalized = NULL;
    mseq_status status = mseq_contract_normalize(in->contract, &normalized, err);
    return finish(status, normalized, text, err);
}

static mseq_status compare_contract(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_table *table = NULL;
    mseq_value *differences = NULL;
    mseq_status status = mseq_contract_to_table(in->contract, &table, err);
    if (status == MSEQ_OK)
        status = mseq_contract_compare_table(in->table, table, MSEQ_POSTGRESQL, &differences, err);
    mseq_table_free(table);
    return finish(status, differences, text, err);
}

static mseq_status fingerprint(const input *in, mseq_buffer *text, mseq_error *err) {
    char digest[MSEQ_FINGERPRINT_SIZE];
    return mseq_fingerprint_table(in->table, NULL, digest, text, err);
}

static mseq_status registration(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    options.data_source_uid = "00000000-0000-4000-8000-000000000001";
    mseq_value *request = NULL, *normalized = NULL;
    mseq_status status = mseq_wire_registration_request(in->table, &options, &request, err);
    if (status == MSEQ_OK)
        status = mseq_wire_validate_registration(request, mseq_wire_is_time_indexed(in->table),
                                                 &normalized, err);
    mseq_value_free(request);
    return finish(status, normalized, text, err);
}

static mseq_status reservation(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    options.data_source_uid = "00000000-0000-4000-8000-000000000001";
    options.migration_package = "memory";
    options.migration_namespace = "memory";
    options.alembic_version_meta_table_uid = "00000000-0000-4000-8000-000000000002";
    mseq_value *row = NULL;
    mseq_status status = mseq_wire_reservation_row(in->table, &options, &row, err);
    return finish(status, row, text, err);
}

static mseq_status create_table(const input *in, mseq_dialect dialect, mseq_buffer *text,
                                mseq_error *err) {
    mseq_strings statements = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_ddl_create_table(dialect, in->table, NULL, &statements, err);
    for (size_t i = 0; status == MSEQ_OK && i < statements.count; i++)
        if (mseq_buffer_append_format(text, "%s;\n", statements.items[i]) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    mseq_strings_free(&statements);
    return status;
}

static mseq_status create_on_postgresql(const input *in, mseq_buffer *text, mseq_error *err) {
    return create_table(in, MSEQ_POSTGRESQL, text, err);
}

static mseq_status create_on_sqlite(const input *in, mseq_buffer *text, mseq_error *err) {
    return create_table(in, MSEQ_SQLITE, text, err);
}

static mseq_status bind_operation(const input *in, mseq_buffer *text, mseq_error *err) {
    mseq_value *operation = NULL, *bound = NULL;
    mseq_sql_text sql = {NULL, 0, MSEQ_STRINGS_INIT};
    mseq_status status = mseq_wire_validate_operation(in->operation, &operation, err);
    if (status == MSEQ_OK) {
        const mseq_value *statement = mseq_object_get(operation, "statement");
        const mseq_value *written = mseq_object_get(statement, "sql");
        status =
            mseq_sql_from_pyformat(mseq_value_get_text(written),
                                   mseq_value_get_text_length(written), MSEQ_POSTGRESQL, &sql, err);
        if (status == MSEQ_OK)
            status = mseq_sql_bind(&sql, mseq_object_get(statement, "parameters"), &bound, err);
    }
    if (status == MSEQ_OK && mseq_buffer_append_text(text, sql.text) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    mseq_sql_text_free(&sql);
    mseq_value_free(operation);
    return finish(status, bound, text, err);
}

/* ---- The sweep ---------------------------------------------------------------------------------
 */

static void attempt(const input *in, action act, const char *right, long n, bool all,
                    bool *reached) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    allocations_left = n;
    fail_all = all;
    mseq_status status = act(in, &text, &err);
    *reached = all ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    if (status == MSEQ_OK) {
        if (strcmp(mseq_buffer_text(&text), right) != 0)
            fail_msg("allocation %ld%s: a result that is wrong:\n%s", n,
                     all ? " and all after" : "", mseq_buffer_text(&text));
    } else if (status != MSEQ_E_NO_MEMORY || err.status != MSEQ_E_NO_MEMORY) {
        fail_msg("allocation %ld%s: %s: %s", n, all ? " and all after" : "",
                 mseq_status_name(status), err.message);
    }
    mseq_buffer_free(&text);
}

static void sweep(const input *in, action act) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer right = MSEQ_BUFFER_INIT;
    if (act(in, &right, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    assert_true(right.length > 0);
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n++)
            attempt(in, act, mseq_buffer_text(&right), n, all, &reached);
    }
    mseq_buffer_free(&right);
}

static const char PRICES[] =
    "{'name': 'memory__prices', 'kind': 'time_index', 'class_name': 'Prices', 'meta': {'namespace':"
    " 'memory', 'identifier': 'memory.Prices', 'description': 'of a `day`', 'labels': ['a', 'b'],"
    " 'time_index_name': 'time_index', 'index_names': ['time_index', 'asset'], 'cadence': '1d'},"
    "'columns': [{'name': 'time_index', 'type': {'name': 'DateTime', 'args': {'timezone': true}},"
    " 'nullable': false}, {'name': 'asset', 'type': {'name': 'Uuid'}, 'nullable': false, 'index':"
    " true, 'foreign_key': {'referred_table': 'memory__asset', 'referred_columns': ['uid'],"
    " 'ondelete': 'CASCADE'}}, {'name': 'state', 'type': {'name': 'Enum', 'args': {'values':"
    " ['open', 'it`s'], 'name': 'state'}}}, {'name': 'price', 'type': {'name': 'Numeric', 'args':"
    " {'precision': 12, 'scale': 2}}, 'server_default': {'literal': '0'}, 'comment': 'in "
    "`units`'}],"
    "'check_constraints': [{'name': 'positive', 'sqltext': 'price >= 0'}],"
    "'unique_constraints': [{'columns': ['asset', 'state']}]}";

static const char OPERATION[] =
    "{'operation': 'select', 'version': 'compiled-sql.v1', 'dialect': 'sqlite', 'statement':"
    " {'sql': 'SELECT %(a)s, %(b)s, `%%`', 'parameters': {'a': 1, 'b': '2026-05-28T01:02:03Z'},"
    " 'parameter_types': {'b': 'timestamptz'}}, 'scope': {'data_source_uid': 'D', 'tables':"
    " [{'meta_table_uid': 'M', 'access': 'read'}]}, 'limits': {'max_rows': 10}}";

static void test_sweep(void **state) {
    (void)state;
    static const struct {
        const char *name;
        action act;
    } acts[] = {
        {"names", names},
        {"describe", describe},
        {"build_contract", build_contract},
        {"normalize_contract", normalize_contract},
        {"compare_contract", compare_contract},
        {"fingerprint", fingerprint},
        {"registration", registration},
        {"reservation", reservation},
        {"create_on_postgresql", create_on_postgresql},
        {"create_on_sqlite", create_on_sqlite},
        {"bind_operation", bind_operation},
    };
    mseq_value *description = document(PRICES), *contract = NULL, *operation = document(OPERATION);
    mseq_table *table = table_of(PRICES);
    assert_int_equal(mseq_contract_build(table, NULL, &contract, NULL), MSEQ_OK);
    input in = {description, table, contract, operation};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        print_message("%s\n", acts[i].name);
        sweep(&in, acts[i].act);
    }
    mseq_value_free(contract);
    mseq_value_free(operation);
    mseq_value_free(description);
    mseq_table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sweep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
