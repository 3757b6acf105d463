/* SPDX-License-Identifier: MIT
 * Any JSON as compiled-sql.v1 and the other documents that a TS Manager receives: normalised it
 * stays as it is; an operation's text and parameters then meet the placeholders. */
#include "fuzz.h"

static mseq_status registration(const mseq_value *document, mseq_value **out, mseq_error *err) {
    return mseq_wire_validate_registration(document, false, out, err);
}
static mseq_status time_indexed(const mseq_value *document, mseq_value **out, mseq_error *err) {
    return mseq_wire_validate_registration(document, true, out, err);
}
static mseq_status reservation(const mseq_value *document, mseq_value **out, mseq_error *err) {
    return mseq_wire_validate_reservation(document, false, out, err);
}

static void bind(const mseq_value *operation, mseq_dialect dialect) {
    const mseq_value *statement = mseq_object_get(operation, "statement");
    const mseq_value *sql = mseq_object_get(statement, "sql");
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_sql_text text = {NULL, 0, MSEQ_STRINGS_INIT};
    mseq_value *bound = NULL;
    if (!mseq_value_get_text(sql))
        return;
    mseq_status status = mseq_sql_from_pyformat(
        mseq_value_get_text(sql), mseq_value_get_text_length(sql), dialect, &text, &err);
    fuzz_outcome(status, &err, text.text != NULL);
    if (status == MSEQ_OK) {
        status = mseq_sql_bind(&text, mseq_object_get(statement, "parameters"), &bound, &err);
        fuzz_outcome(status, &err, bound != NULL);
        if (bound)
            fuzz_check(mseq_value_length(bound) == text.names.count);
    }
    mseq_value_free(bound);
    mseq_sql_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const fuzz_normalizer others[] = {registration, time_indexed, reservation,
                                             mseq_wire_validate_finalization,
                                             mseq_wire_validate_migration_connection};
    mseq_value *document = fuzz_json(data, size);
    if (!document)
        return 0;
    mseq_value *operation = fuzz_normalize(mseq_wire_validate_operation, document);
    if (operation) {
        bind(operation, MSEQ_POSTGRESQL);
        bind(operation, MSEQ_SQLITE);
    }
    mseq_value_free(operation);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        mseq_value_free(fuzz_normalize(others[i], document));
    mseq_value_free(document);
    return 0;
}
