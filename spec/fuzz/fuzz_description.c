/* SPDX-License-Identifier: MIT
 * Any JSON as the description of a table: described again it is the same table; its
 * fingerprint, contract, request and SQL on both dialects are made or refused with a reason. */
#include "fuzz.h"

static void fingerprint(const mseq_table *table) {
    char text[MSEQ_FINGERPRINT_SIZE];
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_fingerprint_options options = MSEQ_FINGERPRINT_OPTIONS_INIT;
    options.fingerprint_namespace = "fuzz";
    text[0] = '\0';
    mseq_status status = mseq_fingerprint_table(table, &options, text, NULL, &err);
    fuzz_outcome(status, &err, text[0] != '\0');
}

static void contract(const mseq_table *table) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *made = NULL, *normalized = NULL;
    mseq_contract_options options = MSEQ_CONTRACT_OPTIONS_INIT;
    options.include_indexes = true;
    options.include_foreign_keys = true;
    fuzz_outcome(mseq_contract_build(table, &options, &made, &err), &err, made != NULL);
    if (made)
        fuzz_outcome(mseq_contract_normalize(made, &normalized, &err), &err, normalized != NULL);
    mseq_value_free(normalized);
    mseq_value_free(made);
}

static void request(const mseq_table *table) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *made = NULL, *normalized = NULL;
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    options.data_source_uid = "00000000-0000-4000-8000-000000000001";
    mseq_status status = mseq_wire_registration_request(table, &options, &made, &err);
    fuzz_outcome(status, &err, made != NULL);
    if (made) {
        status = mseq_wire_validate_registration(made, mseq_wire_is_time_indexed(table),
                                                 &normalized, &err);
        fuzz_outcome(status, &err, normalized != NULL);
    }
    mseq_value_free(normalized);
    mseq_value_free(made);
}

static void statements(const mseq_table *table) {
    static const mseq_dialect dialects[] = {MSEQ_POSTGRESQL, MSEQ_SQLITE};
    for (size_t i = 0; i < 2; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_strings list = MSEQ_STRINGS_INIT;
        mseq_status status = mseq_ddl_create_table(dialects[i], table, NULL, &list, &err);
        fuzz_outcome(status, &err, list.count > 0);
        mseq_strings_free(&list);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mseq_value *description = fuzz_json(data, size);
    if (!description)
        return 0;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_table *table = NULL, *again = NULL;
    fuzz_outcome(mseq_table_from_description(description, &table, &err), &err, table != NULL);
    if (table) {
        mseq_value *first = NULL, *second = NULL;
        fuzz_check(mseq_table_describe(table, &first, &err) == MSEQ_OK);
        fuzz_check(mseq_table_from_description(first, &again, &err) == MSEQ_OK);
        fuzz_check(mseq_table_describe(again, &second, &err) == MSEQ_OK);
        fuzz_check(mseq_value_equal(first, second));
        fingerprint(table);
        contract(table);
        request(table);
        statements(table);
        mseq_value_free(first);
        mseq_value_free(second);
    }
    mseq_table_free(again);
    mseq_table_free(table);
    mseq_value_free(description);
    return 0;
}
