/* SPDX-License-Identifier: MIT
 * Room `migration` when memory is short: every allocation fails once, alone and with all that
 * follow. What comes out is the right result or a clear error, and nothing leaks (sanitizers and
 * valgrind watch). Seeds of the fuzz target are the cases. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mainsequence/migration.h"

#include "failing_allocator.h"

/* What a case gives: statements on both dialects, reverse, risks; or operations. */
typedef struct outcome {
    mseq_status status;
    mseq_strings statements;
    mseq_value *value;
} outcome;

typedef struct input {
    const mseq_value *operation, *dependents;
    mseq_table *table;
    mseq_metadata *before, *after;
} input;

typedef outcome (*action)(const input *in, mseq_error *err);

static outcome render(const input *in, mseq_dialect dialect, mseq_error *err) {
    outcome out = {MSEQ_OK, MSEQ_STRINGS_INIT, NULL};
    mseq_migration_context context = MSEQ_MIGRATION_CONTEXT_INIT;
    context.table = in->table;
    context.dependents = in->dependents;
    out.status = mseq_migration_render(in->operation, dialect, &context, &out.statements, err);
    return out;
}

static outcome render_postgresql(const input *in, mseq_error *err) {
    return render(in, MSEQ_POSTGRESQL, err);
}

static outcome render_sqlite(const input *in, mseq_error *err) {
    return render(in, MSEQ_SQLITE, err);
}

static outcome validate(const input *in, mseq_error *err) {
    return (outcome){mseq_migration_validate(in->operation, err), MSEQ_STRINGS_INIT, NULL};
}

static outcome reverse(const input *in, mseq_error *err) {
    outcome out = {MSEQ_OK, MSEQ_STRINGS_INIT, NULL};
    out.status = mseq_migration_reverse(in->operation, &out.value, err);
    return out;
}

static outcome risks(const input *in, mseq_error *err) {
    outcome out = {MSEQ_OK, MSEQ_STRINGS_INIT, NULL};
    out.status = mseq_migration_risks(in->operation, &out.value, err);
    return out;
}

static outcome compare(const input *in, mseq_dialect dialect, mseq_error *err) {
    outcome out = {MSEQ_OK, MSEQ_STRINGS_INIT, NULL};
    mseq_compare_options options = MSEQ_COMPARE_OPTIONS_INIT;
    options.drop_unknown_tables = true;
    out.status = mseq_migration_compare(in->before, in->after, dialect, &options, &out.value, err);
    return out;
}

static outcome compare_postgresql(const input *in, mseq_error *err) {
    return compare(in, MSEQ_POSTGRESQL, err);
}

static outcome compare_sqlite(const input *in, mseq_error *err) {
    return compare(in, MSEQ_SQLITE, err);
}

static void free_outcome(outcome *out) {
    mseq_strings_free(&out->statements);
    mseq_value_free(out->value);
}

static bool same(const outcome *a, const outcome *b) {
    if (a->status != b->status || a->statements.count != b->statements.count ||
        !mseq_value_equal(a->value, b->value))
        return false;
    for (size_t i = 0; i < a->statements.count; i++)
        if (strcmp(a->statements.items[i], b->statements.items[i]) != 0)
            return false;
    return true;
}

static void sweep(const char *name, const input *in, action act) {
    mseq_error err = MSEQ_ERROR_INIT;
    outcome right = act(in, &err);
    for (int all = 0; all < 2; all++) {
        bool reached = true;
        for (long n = 0; reached; n++) {
            mseq_error_clear(&err);
            allocations_left = n;
            fail_all = all;
            outcome out = act(in, &err);
            reached = all ? allocations_left == 0 : allocations_left < 0;
            allocations_left = -1;
            if (out.status == MSEQ_E_NO_MEMORY) {
                assert_int_equal(err.status, MSEQ_E_NO_MEMORY);
                assert_int_equal(out.statements.count, 0);
                assert_null(out.value);
            } else if (!same(&out, &right)) {
                fail_msg("%s, allocation %ld%s: status %s: %s", name, n,
                         all ? " and all after" : "", mseq_status_name(out.status), err.message);
            }
            free_outcome(&out);
        }
    }
    free_outcome(&right);
}

/* ---- Cases ------------------------------------------------------------------------------------
 */

static mseq_metadata *collect(const mseq_value *list) {
    mseq_metadata *metadata = NULL;
    assert_int_equal(mseq_metadata_new(&metadata, NULL), MSEQ_OK);
    for (size_t i = 0; i < mseq_value_length(list); i++) {
        mseq_table *table = NULL;
        if (mseq_table_from_description(mseq_array_get(list, i), &table, NULL) != MSEQ_OK)
            continue; /* keys of the neutral form that descriptions do not have */
        assert_int_equal(mseq_metadata_add(metadata, table, NULL), MSEQ_OK);
        mseq_table_free(table);
    }
    return metadata;
}

static void run_case(const char *name, const mseq_value *document) {
    input in = {.operation = mseq_object_get(document, "operation"),
                .dependents = mseq_object_get(document, "dependents")};
    if (mseq_object_get(document, "before")) {
        in.before = collect(mseq_object_get(document, "before"));
        in.after = collect(mseq_object_get(document, "after"));
        sweep(name, &in, compare_postgresql);
        sweep(name, &in, compare_sqlite);
    } else {
        static const action actions[] = {validate, render_postgresql, render_sqlite, reverse,
                                         risks};
        if (mseq_object_get(document, "table"))
            assert_int_equal(
                mseq_table_from_description(mseq_object_get(document, "table"), &in.table, NULL),
                MSEQ_OK);
        for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
            sweep(name, &in, actions[i]);
    }
    mseq_metadata_free(in.before);
    mseq_metadata_free(in.after);
    mseq_table_free(in.table);
}

static mseq_value *read_document(const char *path) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_value *document = NULL;
    assert_int_equal(mseq_file_read(path, SIZE_MAX, &text, NULL), MSEQ_OK);
    assert_int_equal(mseq_json_parse(mseq_buffer_text(&text), text.length, 0, &document, NULL),
                     MSEQ_OK);
    mseq_buffer_free(&text);
    return document;
}

static void test_seeds(void **state) {
    (void)state;
    static const char folder[] = MSEQ_SPEC_DIR "/fuzz/corpus/migration";
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        char *path = mseq_text_format("%s/%s", folder, entry->d_name);
        mseq_value *document = read_document(path);
        run_case(entry->d_name, document);
        mseq_value_free(document);
        free(path);
        count++;
    }
    (void)closedir(directory);
    assert_true(count > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
