/* SPDX-License-Identifier: MIT
 * Any JSON as {operation, table, dependents} or {before: [tables], after: [tables]}: validate,
 * render on both dialects, reverse, risks; compare. Failures leave outputs alone and say why; a
 * schema does not differ from itself. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/migration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const mseq_dialect dialects[] = {MSEQ_POSTGRESQL, MSEQ_SQLITE};

static void check(bool condition) {
    if (!condition)
        abort();
}

static void check_error(mseq_status status, const mseq_error *err) {
    check(err->status == status && err->message[0]);
}

static void reverse(const mseq_value *operation, int depth) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *made = NULL;
    mseq_status status = mseq_migration_reverse(operation, &made, &err);
    check((status == MSEQ_OK) == (made != NULL));
    if (status != MSEQ_OK)
        check_error(status, &err);
    else if (depth < 2)
        reverse(made, depth + 1);
    mseq_value_free(made);
}

static void run(const mseq_value *operation, const mseq_table *table,
                const mseq_value *dependents) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status valid = mseq_migration_validate(operation, &err);
    if (valid != MSEQ_OK)
        check_error(valid, &err);
    for (size_t i = 0; i < 2; i++)
        for (int known = 0; known < 2; known++) {
            mseq_migration_context context = MSEQ_MIGRATION_CONTEXT_INIT;
            context.without_naming_convention = known;
            context.table = known ? table : NULL;
            context.dependents = dependents;
            mseq_strings statements = MSEQ_STRINGS_INIT;
            mseq_error_clear(&err);
            mseq_status status =
                mseq_migration_render(operation, dialects[i], &context, &statements, &err);
            if (status != MSEQ_OK) {
                check_error(status, &err);
                check(statements.count == 0);
            } else if (mseq_migration_needs_table(operation, dialects[i])) {
                check(context.table != NULL);
            }
            mseq_strings_free(&statements);
        }
    mseq_value *risks = NULL;
    if (mseq_migration_risks(operation, &risks, NULL) == MSEQ_OK)
        check(mseq_value_kind(risks) == MSEQ_ARRAY);
    mseq_value_free(risks);
    reverse(operation, 0);
}

static mseq_metadata *collect(const mseq_value *list) {
    mseq_metadata *metadata = NULL;
    check(mseq_metadata_new(&metadata, NULL) == MSEQ_OK);
    for (size_t i = 0; i < mseq_value_length(list) && i < 8; i++) {
        mseq_table *table = NULL;
        if (mseq_table_from_description(mseq_array_get(list, i), &table, NULL) != MSEQ_OK)
            continue;
        (void)!mseq_metadata_add(metadata, table, NULL); /* a second of one name is refused */
        mseq_table_free(table);
    }
    return metadata;
}

static mseq_value *compare(const mseq_metadata *before, const mseq_metadata *after,
                           mseq_dialect dialect) {
    mseq_compare_options options = MSEQ_COMPARE_OPTIONS_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *operations = NULL;
    options.drop_unknown_tables = true;
    mseq_status status =
        mseq_migration_compare(before, after, dialect, &options, &operations, &err);
    if (status != MSEQ_OK)
        check_error(status, &err);
    return operations;
}

static void compare_all(const mseq_value *before_list, const mseq_value *after_list) {
    mseq_metadata *before = collect(before_list), *after = collect(after_list);
    for (size_t i = 0; i < 2; i++) {
        mseq_value *first = compare(before, after, dialects[i]),
                   *second = compare(before, after, dialects[i]),
                   *same = compare(before, before, dialects[i]);
        check(mseq_value_equal(first, second));
        check(mseq_value_length(same) == 0);
        for (size_t k = 0; k < mseq_value_length(first); k++)
            run(mseq_array_get(first, k), NULL, NULL);
        mseq_value_free(first);
        mseq_value_free(second);
        mseq_value_free(same);
    }
    mseq_metadata_free(before);
    mseq_metadata_free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mseq_value *input = NULL;
    mseq_table *table = NULL;
    if (size > 20000 || mseq_json_parse((const char *)data, size, 0, &input, NULL) != MSEQ_OK)
        return 0;
    if (mseq_object_get(input, "before") || mseq_object_get(input, "after")) {
        compare_all(mseq_object_get(input, "before"), mseq_object_get(input, "after"));
    } else {
        (void)!mseq_table_from_description(mseq_object_get(input, "table"), &table, NULL);
        run(mseq_object_get(input, "operation"), table, mseq_object_get(input, "dependents"));
    }
    mseq_table_free(table);
    mseq_value_free(input);
    return 0;
}
