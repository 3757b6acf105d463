/* SPDX-License-Identifier: MIT
 * A contract document → its normal form (protocol page, sections 6 and 7.1). */
#include <stdlib.h>
#include <string.h>

#include "contract_private.h"

static const char *const versions[] = {MSEQ_CONTRACT_VERSION, NULL};
static const char *const table_kinds[] = {"relational", "time_indexed", NULL};

static const mseq_field physical_fields[] = {
    {.name = "schema", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "table_name", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = NULL},
};

static const mseq_field column_fields[] = {
    {.name = "name", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "data_type", .flags = MSEQ_FIELD_REQUIRED},
    {.name = "backend_type", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "nullable", .type = MSEQ_FIELD_BOOLEAN, .fallback = "true"},
    {.name = "primary_key", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
    {.name = "unique", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
    {.name = "server_default", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "description", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "label", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "logical_name", .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = NULL},
};

static const mseq_field index_fields[] = {
    {.name = "name", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "columns",
     .type = MSEQ_FIELD_STRINGS,
     .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "unique", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
    {.name = "method", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "where", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = NULL},
};

static const mseq_field foreign_key_fields[] = {
    {.name = "name", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "source_columns",
     .type = MSEQ_FIELD_STRINGS,
     .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "target_schema", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "target_table", .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
    {.name = "target_columns", .type = MSEQ_FIELD_STRINGS, .fallback = ""}, /* none: its key */
    {.name = "on_delete", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "on_update", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "deferrable", .type = MSEQ_FIELD_BOOLEAN, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "initially", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = "match", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
    {.name = NULL},
};

/* The two forms order their members differently, as the reference writes them. */
static const mseq_field relational_fields[] = {
    {.name = "version", .fallback = MSEQ_CONTRACT_VERSION, .choices = versions},
    {.name = "table_kind", .type = MSEQ_FIELD_IGNORED},
    {.name = "physical",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_REQUIRED,
     .fields = physical_fields},
    {.name = "columns",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_REQUIRED,
     .fields = column_fields},
    {.name = "constraints", .type = MSEQ_FIELD_OBJECTS, .fallback = ""},
    {.name = "authoring", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "indexes",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = index_fields},
    {.name = "foreign_keys",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = foreign_key_fields},
    {.name = NULL},
};

static const mseq_field time_indexed_fields[] = {
    {.name = "version", .fallback = MSEQ_CONTRACT_VERSION, .choices = versions},
    {.name = "table_kind", .choices = table_kinds},
    {.name = "authoring", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "physical",
     .type = MSEQ_FIELD_RECORD,
     .flags = MSEQ_FIELD_REQUIRED,
     .fields = physical_fields},
    {.name = "columns",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_REQUIRED,
     .fields = column_fields},
    {.name = "constraints", .type = MSEQ_FIELD_OBJECTS, .flags = MSEQ_FIELD_OMIT_NULL},
    {.name = "indexes",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = index_fields},
    {.name = "foreign_keys",
     .type = MSEQ_FIELD_RECORDS,
     .flags = MSEQ_FIELD_OMIT_NULL,
     .fields = foreign_key_fields},
    {.name = NULL},
};

/* Refuses a value whose own error is in `cause`, with its hint; memory stays memory. */
static mseq_status refuse_cause(const mseq_path *path, const mseq_error *cause, mseq_error *err) {
    if (cause->status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    mseq_path_refuse(path, MSEQ_E_CONTRACT, err, "bad_value", "%s", cause->message);
    if (cause->hint[0])
        mseq_error_hint(err, "%s", cause->hint);
    return MSEQ_E_CONTRACT;
}

/* Puts a normalised text; takes it over. NULL removes the member. */
static mseq_status replace_text(mseq_value *object, const char *key, char *text, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (!text)
        mseq_object_remove(object, key);
    else if (mseq_object_put_text(object, key, text) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    free(text);
    return status;
}

static mseq_status normalize_types(mseq_value *column, const mseq_path *path, mseq_error *err) {
    char *text = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    const mseq_path data_type = {path, "data_type", 0}, backend_type = {path, "backend_type", 0};
    if (mseq_data_type_normalize(mseq_object_get_text(column, "data_type"), &text, &cause) !=
        MSEQ_OK)
        return refuse_cause(&data_type, &cause, err);
    mseq_status status = replace_text(column, "data_type", text, err);
    text = NULL;
    if (status == MSEQ_OK &&
        mseq_backend_type_normalize(mseq_object_get_text(column, "backend_type"), &text, &cause) !=
            MSEQ_OK)
        return refuse_cause(&backend_type, &cause, err);
    return status == MSEQ_OK ? replace_text(column, "backend_type", text, err) : status;
}

static mseq_status normalize_columns(mseq_value *contract, mseq_error *err) {
    mseq_value *columns = mseq_object_peek(contract, "columns"), *seen = mseq_value_object();
    const mseq_path list = {NULL, "columns", 0};
    mseq_status status = seen ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(columns); i++) {
        const mseq_path path = {&list, NULL, i}, name_path = {&path, "name", 0};
        mseq_value *column = mseq_array_peek(columns, i);
        const char *name = mseq_object_get_text(column, "name");
        int64_t first = mseq_object_get_integer(seen, name, -1);
        if (first >= 0)
            status = mseq_path_refuse(&name_path, MSEQ_E_CONTRACT, err, "bad_value",
                                      "column '%s' is declared twice, first as columns[%lld]", name,
                                      (long long)first);
        else if (mseq_object_put_integer(seen, name, (int64_t)i) != MSEQ_OK)
            status = mseq_error_no_memory(err);
        if (status == MSEQ_OK)
            status = normalize_types(column, &path, err);
    }
    mseq_value_free(seen);
    return status;
}

static bool has_column(const mseq_value *contract, const char *name) {
    const mseq_value *columns = mseq_object_get(contract, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++)
        if (strcmp(mseq_object_get_text(mseq_array_get(columns, i), "name"), name) == 0)
            return true;
    return false;
}

/* Every item of the list of texts must name a column of the contract. */
static mseq_status check_names(const mseq_value *contract, const mseq_value *names,
                               const mseq_path *path, mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(names); i++) {
        const mseq_path here = {path, NULL, i};
        const char *name = mseq_value_get_text(mseq_array_get(names, i));
        if (!name)
            return mseq_path_refuse(&here, MSEQ_E_CONTRACT, err, "wrong_kind",
                                    "must be a column name, not %s",
                                    mseq_kind_name(mseq_value_kind(mseq_array_get(names, i))));
        if (!has_column(contract, name))
            return mseq_path_refuse(&here, MSEQ_E_CONTRACT, err, "bad_value",
                                    "the contract has no column '%s'", name);
    }
    return MSEQ_OK;
}

static mseq_status check_foreign_keys(const mseq_value *contract, mseq_error *err) {
    const mseq_value *keys = mseq_object_get(contract, "foreign_keys");
    const mseq_path list = {NULL, "foreign_keys", 0};
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(keys); i++) {
        const mseq_path path = {&list, NULL, i};
        const mseq_path sources = {&path, "source_columns", 0};
        const mseq_path targets = {&path, "target_columns", 0};
        const mseq_value *key = mseq_array_get(keys, i);
        size_t source_count = mseq_value_length(mseq_object_get(key, "source_columns"));
        size_t target_count = mseq_value_length(mseq_object_get(key, "target_columns"));
        status = check_names(contract, mseq_object_get(key, "source_columns"), &sources, err);
        if (status == MSEQ_OK && target_count && source_count != target_count)
            status = mseq_path_refuse(&targets, MSEQ_E_CONTRACT, err, "bad_value",
                                      "there are %zu target columns for %zu source columns",
                                      target_count, source_count);
    }
    return status;
}

/* The profile that a time-indexed contract carries under authoring, where there is one. */
static mseq_status check_profile(const mseq_value *contract, mseq_error *err) {
    const mseq_value *profile =
        mseq_object_get(mseq_object_get(contract, "authoring"), "time_indexed");
    const mseq_value *names = mseq_object_get(profile, "index_names");
    const char *time_index = mseq_object_get_text(profile, "time_index_name");
    const mseq_path top = {NULL, "authoring", 0}, path = {&top, "time_indexed", 0},
                    names_path = {&path, "index_names", 0},
                    time_path = {&path, "time_index_name", 0};
    if (mseq_value_is_null(profile))
        return MSEQ_OK;
    if (!time_index)
        return mseq_path_refuse(&time_path, MSEQ_E_CONTRACT, err, "missing_field", "is required");
    if (!has_column(contract, time_index))
        return mseq_path_refuse(&time_path, MSEQ_E_CONTRACT, err, "bad_value",
                                "the contract has no column '%s'", time_index);
    if (names && mseq_value_kind(names) != MSEQ_ARRAY)
        return mseq_path_refuse(&names_path, MSEQ_E_CONTRACT, err, "wrong_kind",
                                "must be an array of strings, not %s",
                                mseq_kind_name(mseq_value_kind(names)));
    mseq_status status = check_names(contract, names, &names_path, err);
    const char *first = mseq_value_get_text(mseq_array_get(names, 0));
    if (status == MSEQ_OK && first && strcmp(first, time_index) != 0)
        status =
            mseq_path_refuse(&names_path, MSEQ_E_CONTRACT, err, "bad_value",
                             "must start with the time index '%s', not '%s'", time_index, first);
    return status;
}

/* Which of the two forms it is; the member decides, not a guess. */
static mseq_status read_kind(const mseq_value *contract, bool *time_indexed, mseq_error *err) {
    const mseq_value *kind = mseq_object_get(contract, "table_kind");
    const char *text = mseq_value_get_text(kind);
    const mseq_path path = {NULL, "table_kind", 0};
    *time_indexed = text && strcmp(text, "time_indexed") == 0;
    if (*time_indexed || mseq_value_is_null(kind) || (text && strcmp(text, "relational") == 0))
        return MSEQ_OK;
    if (!text)
        return mseq_path_refuse(&path, MSEQ_E_CONTRACT, err, "wrong_kind",
                                "must be a string, not %s", mseq_kind_name(mseq_value_kind(kind)));
    return mseq_path_refuse(&path, MSEQ_E_CONTRACT, err, "bad_value",
                            "'%s' is not one of: relational, time_indexed", text);
}

mseq_status mseq_contract_normalize(const mseq_value *contract, mseq_value **normalized,
                                    mseq_error *err) {
    bool time_indexed = false;
    mseq_value *record = NULL;
    mseq_status status = read_kind(contract, &time_indexed, err);
    if (status == MSEQ_OK)
        status =
            mseq_record_check(contract, MSEQ_E_CONTRACT, NULL,
                              time_indexed ? time_indexed_fields : relational_fields, &record, err);
    if (status == MSEQ_OK)
        status = normalize_columns(record, err);
    if (status == MSEQ_OK)
        status = check_foreign_keys(record, err);
    if (status == MSEQ_OK && time_indexed)
        status = check_profile(record, err);
    if (status != MSEQ_OK) {
        mseq_value_free(record);
        return status;
    }
    *normalized = record;
    return MSEQ_OK;
}
