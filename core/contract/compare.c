/* SPDX-License-Identifier: MIT
 * Drift: what is declared against what a database has, or against another contract. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract_private.h"

/* ---- Differences
 * ------------------------------------------------------------------------------------------- */

/* What a difference is about → the object it is found on, and how a message names it. */
static const struct {
    const char *about;
    const char *object;
    const char *subject;
} subjects[] = {
    {"table", "table", NULL},
    {"property", "table", "property"},
    {"column", "column", "column"},
    {"type", "column", "the type of column"},
    {"nullable", "column", "column"},
    {"primary_key", "primary_key", "the primary key"},
    {"unique", "unique_constraint", "unique constraint"},
    {"index", "index", "index"},
    {"foreign_key", "foreign_key", "foreign key"},
    {"check", "check_constraint", "check constraint"},
};

static char *difference_message(const contract_drift *drift, const char *subject,
                                const char *change, const char *name, const char *expected,
                                const char *actual) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&text, "table '%s'", drift->table_name);
    if (subject)
        mseq_buffer_append_format(&text, ": %s", subject);
    if (subject && name)
        mseq_buffer_append_format(&text, " '%s'", name);
    if (strcmp(change, "missing") == 0) {
        mseq_buffer_append_text(&text, " is missing");
        if (expected)
            mseq_buffer_append_format(&text, ", declared %s", expected);
    } else if (strcmp(change, "unexpected") == 0) {
        mseq_buffer_append_text(&text, " is not declared");
        if (actual)
            mseq_buffer_append_format(&text, ", it is %s", actual);
    } else {
        mseq_buffer_append_format(&text, " is %s, declared %s", actual ? actual : "not there",
                                  expected ? expected : "to have none");
    }
    return mseq_buffer_take(&text);
}

void contract_differ(contract_drift *drift, const char *about, const char *change, const char *name,
                     const char *expected, const char *actual) {
    size_t row = 0;
    while (strcmp(subjects[row].about, about) != 0)
        row++;
    char *code = mseq_text_format("%s_%s", about, change);
    char *message =
        difference_message(drift, subjects[row].subject, change, name, expected, actual);
    mseq_value *out = mseq_value_object();
    contract_document *d = &drift->d;
    contract_put(d, out, "code", code ? mseq_value_string(code) : NULL);
    contract_put_text(d, out, "object", subjects[row].object);
    contract_put(d, out, "name", mseq_value_string(name));
    contract_put(d, out, "expected", mseq_value_string(expected));
    contract_put(d, out, "actual", mseq_value_string(actual));
    contract_put(d, out, "message", message ? mseq_value_string(message) : NULL);
    contract_append(d, drift->differences, out);
    free(code);
    free(message);
}

/* ---- Columns
 * --------------------------------------------------------------------------------------------- */

/* A type as a reader knows it; malloc'ed, NULL without memory. */
static char *type_text(const mseq_type *given, mseq_dialect dialect) {
    const mseq_type *type = mseq_type_for(given, dialect);
    char *data_type = NULL, *backend_type = NULL;
    if (type->item) {
        char *item = type_text(type->item, dialect), *text = NULL;
        if (item)
            text = mseq_text_format("%s[]", item);
        free(item);
        return text;
    }
    const char *name = mseq_object_get_text(type->arguments, "name");
    if (name && mseq_object_get(type->arguments, "values")) { /* an enumeration with its labels */
        mseq_buffer text = MSEQ_BUFFER_INIT;
        mseq_buffer_append_format(&text, "%s ", name);
        if (mseq_json_write(mseq_object_get(type->arguments, "values"), MSEQ_JSON_UNICODE, &text,
                            NULL) != MSEQ_OK) {
            mseq_buffer_free(&text);
            return NULL;
        }
        return mseq_buffer_take(&text);
    }
    mseq_status status = mseq_type_neutral(type, &data_type, &backend_type, NULL);
    if (status == MSEQ_E_NO_MEMORY)
        return NULL;
    if (status != MSEQ_OK)
        return mseq_text_dup(type->timezone < 0 ? type->name : "TIMESTAMP WITHOUT TIME ZONE");
    free(data_type);
    return backend_type;
}

/* Labels of an enumeration count where both sides tell them. */
static bool same_labels(const mseq_type *a, const mseq_type *b) {
    const mseq_value *left = mseq_object_get(a->arguments, "values");
    const mseq_value *right = mseq_object_get(b->arguments, "values");
    return !left || !right || mseq_value_equal(left, right);
}

/* Whether the database itself keeps NULL out of the column, whatever was written. */
static bool is_never_null(const contract_drift *drift, const mseq_table *table,
                          const mseq_column *column) {
    const mseq_constraint *key = mseq_table_primary_key(table);
    if (!column->nullable)
        return true;
    if (drift->dialect == MSEQ_POSTGRESQL)
        return column->primary_key || column->identity;
    return column->primary_key && key && key->column_count == 1 &&
           strcasecmp(mseq_type_for(column->type, MSEQ_SQLITE)->name, "INTEGER") == 0;
}

static void compare_column(contract_drift *drift, const mseq_column *declared,
                           const mseq_column *actual) {
    const mseq_type *left = mseq_type_for(declared->type, drift->dialect);
    const mseq_type *right = mseq_type_for(actual->type, drift->dialect);
    if (!mseq_type_equivalent(left, right, drift->dialect) || !same_labels(left, right)) {
        char *expected = type_text(left, drift->dialect), *found = type_text(right, drift->dialect);
        if (!expected || !found)
            drift->d.failed = true;
        contract_differ(drift, "type", "differs", declared->name, expected, found);
        free(expected);
        free(found);
    }
    bool expected = is_never_null(drift, drift->declared, declared);
    bool found = is_never_null(drift, drift->actual, actual);
    if (expected != found)
        contract_differ(drift, "nullable", "differs", declared->name,
                        expected ? "NOT NULL" : "NULL", found ? "NOT NULL" : "NULL");
}

static void compare_columns(contract_drift *drift) {
    for (size_t i = 0; i < mseq_table_column_count(drift->declared); i++) {
        const mseq_column *declared = mseq_table_column_at(drift->declared, i);
        const mseq_column *actual = mseq_table_column(drift->actual, declared->name);
        if (actual) {
            compare_column(drift, declared, actual);
            continue;
        }
        char *type = type_text(declared->type, drift->dialect);
        contract_differ(drift, "column", "missing", declared->name, type, NULL);
        free(type);
    }
    for (size_t i = 0; i < mseq_table_column_count(drift->actual); i++) {
        const mseq_column *actual = mseq_table_column_at(drift->actual, i);
        if (mseq_table_column(drift->declared, actual->name))
            continue;
        char *type = type_text(actual->type, drift->dialect);
        contract_differ(drift, "column", "unexpected", actual->name, NULL, type);
        free(type);
    }
}

/* "(a, b)"; malloc'ed, NULL for no key or without memory. */
static char *key_text(const mseq_constraint *key) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (!key)
        return NULL;
    for (size_t i = 0; i < key->column_count; i++)
        mseq_buffer_append_format(&text, "%s%s", i ? ", " : "(", key->columns[i]);
    mseq_buffer_append_char(&text, ')');
    return mseq_buffer_take(&text);
}

static void compare_primary_key(contract_drift *drift) {
    const mseq_constraint *declared = mseq_table_primary_key(drift->declared);
    const mseq_constraint *actual = mseq_table_primary_key(drift->actual);
    char *expected = key_text(declared), *found = key_text(actual);
    if ((declared && !expected) || (actual && !found))
        drift->d.failed = true;
    else if (!declared != !actual || (expected && strcmp(expected, found) != 0))
        contract_differ(drift, "primary_key", "differs", NULL, expected, found);
    free(expected);
    free(found);
}

/* ---- Tables
 * ---------------------------------------------------------------------------------------------- */

static mseq_status finish(contract_drift *drift, mseq_value **differences, mseq_error *err) {
    if (drift->d.failed || !drift->differences) {
        mseq_value_free(drift->differences);
        return mseq_error_no_memory(err);
    }
    *differences = drift->differences;
    return MSEQ_OK;
}

static void compare_tables(contract_drift *drift) {
    if (!drift->actual) {
        contract_differ(drift, "table", "missing", drift->table_name, NULL, NULL);
        return;
    }
    compare_columns(drift);
    compare_primary_key(drift);
    contract_compare_objects(drift);
}

mseq_status mseq_contract_compare_table(const mseq_table *declared, const mseq_table *actual,
                                        mseq_dialect dialect, mseq_value **differences,
                                        mseq_error *err) {
    contract_drift drift = {.differences = mseq_value_array(),
                            .dialect = dialect,
                            .table_name = mseq_table_name(declared),
                            .declared = declared,
                            .actual = actual};
    compare_tables(&drift);
    return finish(&drift, differences, err);
}

/* ---- Contracts
 * ------------------------------------------------------------------------------------------- */

static void compare_property(contract_drift *drift, const char *name, const mseq_value *declared,
                             const mseq_value *actual) {
    mseq_buffer expected = MSEQ_BUFFER_INIT, found = MSEQ_BUFFER_INIT;
    if (mseq_value_is_null(declared) && mseq_value_is_null(actual))
        return;
    if (mseq_value_equal(declared, actual))
        return;
    if (declared && mseq_json_write(declared, MSEQ_JSON_UNICODE, &expected, NULL) != MSEQ_OK)
        drift->d.failed = true;
    if (actual && mseq_json_write(actual, MSEQ_JSON_UNICODE, &found, NULL) != MSEQ_OK)
        drift->d.failed = true;
    contract_differ(drift, "property", "differs", name,
                    declared ? mseq_buffer_text(&expected) : NULL,
                    actual ? mseq_buffer_text(&found) : NULL);
    mseq_buffer_free(&expected);
    mseq_buffer_free(&found);
}

static const char *contract_schema(const mseq_value *contract) {
    const char *schema = mseq_object_get_text(mseq_object_get(contract, "physical"), "schema");
    return schema ? schema : "public";
}

/* What a contract says beside its columns; "public" is no schema. */
static void compare_properties(contract_drift *drift, const mseq_value *declared,
                               const mseq_value *actual) {
    static const char *const keys[] = {"time_index_name", "index_names", "cadence",
                                       "storage_layout"};
    const char *left = contract_schema(declared), *right = contract_schema(actual);
    compare_property(drift, "table_name",
                     mseq_object_get(mseq_object_get(declared, "physical"), "table_name"),
                     mseq_object_get(mseq_object_get(actual, "physical"), "table_name"));
    if (strcmp(left, right) != 0)
        contract_differ(drift, "property", "differs", "schema", left, right);
    compare_property(drift, "table_kind", mseq_object_get(declared, "table_kind"),
                     mseq_object_get(actual, "table_kind"));
    const mseq_value *expected =
        mseq_object_get(mseq_object_get(declared, "authoring"), "time_indexed");
    const mseq_value *found = mseq_object_get(mseq_object_get(actual, "authoring"), "time_indexed");
    for (size_t i = 0; expected && found && i < sizeof keys / sizeof *keys; i++)
        compare_property(drift, keys[i], mseq_object_get(expected, keys[i]),
                         mseq_object_get(found, keys[i]));
}

/* A contract without columns makes no table: every column of the other side is a difference. */
static void compare_one_sided(contract_drift *drift, const mseq_value *contract, bool declared) {
    const mseq_value *columns = mseq_object_get(contract, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        const mseq_value *column = mseq_array_get(columns, i);
        const char *backend = mseq_object_get_text(column, "backend_type");
        const char *type = backend ? backend : mseq_object_get_text(column, "data_type");
        contract_differ(drift, "column", declared ? "missing" : "unexpected",
                        mseq_object_get_text(column, "name"), declared ? type : NULL,
                        declared ? NULL : type);
    }
}

/* Both in normal form. */
static mseq_status compare_forms(contract_drift *drift, const mseq_value *declared,
                                 const mseq_value *actual, mseq_error *err) {
    mseq_table *left = NULL, *right = NULL;
    mseq_status status = MSEQ_OK;
    compare_properties(drift, declared, actual);
    if (!mseq_value_length(mseq_object_get(declared, "columns")) ||
        !mseq_value_length(mseq_object_get(actual, "columns"))) {
        compare_one_sided(drift, declared, true);
        compare_one_sided(drift, actual, false);
        return MSEQ_OK;
    }
    status = mseq_contract_to_table(declared, &left, err);
    if (status == MSEQ_OK)
        status = mseq_contract_to_table(actual, &right, err);
    drift->declared = left;
    drift->actual = right;
    if (status == MSEQ_OK)
        compare_tables(drift);
    mseq_table_free(left);
    mseq_table_free(right);
    return status;
}

static bool both_tell(const mseq_value *declared, const mseq_value *actual, const char *key) {
    return mseq_object_get(declared, key) && mseq_object_get(actual, key);
}

mseq_status mseq_contract_compare(const mseq_value *declared, const mseq_value *actual,
                                  mseq_value **differences, mseq_error *err) {
    mseq_value *left = NULL, *right = NULL;
    mseq_status status = mseq_contract_normalize(declared, &left, err);
    if (status == MSEQ_OK)
        status = mseq_contract_normalize(actual, &right, err);
    if (status == MSEQ_OK) {
        contract_drift drift = {
            .differences = mseq_value_array(),
            .dialect = MSEQ_POSTGRESQL, /* types as contracts spell them */
            .table_name = mseq_object_get_text(mseq_object_get(left, "physical"), "table_name"),
            .without_indexes = !both_tell(left, right, "indexes"),
            .without_foreign_keys = !both_tell(left, right, "foreign_keys")};
        status = compare_forms(&drift, left, right, err);
        if (status == MSEQ_OK)
            status = finish(&drift, differences, err);
        else
            mseq_value_free(drift.differences);
    }
    mseq_value_free(left);
    mseq_value_free(right);
    return status;
}
