/* SPDX-License-Identifier: MIT
 * A contract → the table it describes, in the form of a description (mainsequence/schema.h). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "contract_private.h"

/* ---- Types
 * --------------------------------------------------------------------------------------------- */

/* Backend text without its arguments → the type that a model would have declared, and the one that
 * stands for it on SQLite where that has no such type. */
static const struct {
    const char *text;
    const char *type;
    const char *sqlite;
} backend_types[] = {
    {"VARCHAR", "String", NULL},
    {"CHARACTER VARYING", "String", NULL},
    {"TEXT", "Text", NULL},
    {"CHAR", "CHAR", NULL},
    {"CHARACTER", "CHAR", NULL},
    {"NVARCHAR", "NVARCHAR", NULL},
    {"NCHAR", "NCHAR", NULL},
    {"CLOB", "CLOB", NULL},
    {"INTEGER", "Integer", NULL},
    {"INT", "Integer", NULL},
    {"INT4", "Integer", NULL},
    {"BIGINT", "BigInteger", NULL},
    {"INT8", "BigInteger", NULL},
    {"SMALLINT", "SmallInteger", NULL},
    {"INT2", "SmallInteger", NULL},
    {"FLOAT", "Float", NULL},
    {"DOUBLE", "Double", NULL},
    {"DOUBLE PRECISION", "DOUBLE_PRECISION", NULL},
    {"FLOAT8", "DOUBLE_PRECISION", NULL},
    {"REAL", "REAL", NULL},
    {"FLOAT4", "REAL", NULL},
    {"NUMERIC", "Numeric", NULL},
    {"DECIMAL", "DECIMAL", NULL},
    {"BOOLEAN", "Boolean", NULL},
    {"BOOL", "Boolean", NULL},
    {"DATE", "Date", NULL},
    {"TIMESTAMP WITH TIME ZONE", "DateTime", NULL},
    {"TIME", "Time", NULL},
    {"INTERVAL", "INTERVAL", "Interval"},
    {"UUID", "Uuid", NULL},
    {"JSON", "JSON", NULL},
    {"JSONB", "JSONB", "JSON"},
    {"BLOB", "LargeBinary", NULL},
    {"BYTEA", "BYTEA", "LargeBinary"},
    {"BINARY", "BINARY", NULL},
    {"VARBINARY", "VARBINARY", NULL},
};

/* Where a contract names no backend type. */
static const struct {
    const char *token;
    const char *type;
} data_types[] = {
    {"string", "String"},
    {"uuid", "Uuid"},
    {"json", "JSON"},
    {"jsonb", "JSONB"},
    {"bool", "Boolean"},
    {"int16", "SmallInteger"},
    {"int32", "Integer"},
    {"int64", "BigInteger"},
    {"float32", "REAL"},
    {"float64", "Double"},
    {"numeric", "Numeric"},
    {"date", "Date"},
    {"timestamp with time zone", "DateTime"},
};

/* "NUMERIC (10, 2)" → word "NUMERIC" and its numbers; false for text of another form. */
static bool split_type(const char *text, char word[40], int64_t numbers[2], size_t *count) {
    size_t length = strcspn(text, "(");
    const char *rest = text + length;
    while (length && text[length - 1] == ' ')
        length--;
    if (length >= 40)
        return false;
    for (size_t i = 0; i < length; i++)
        word[i] = (char)toupper((unsigned char)text[i]);
    word[length] = '\0';
    *count = 0;
    if (!*rest)
        return true;
    while (*count < 2 && (*rest == '(' || *rest == ',')) {
        char *end = NULL;
        rest += 1 + strspn(rest + 1, " ");
        numbers[*count] = strtoll(rest, &end, 10);
        if (end == rest || numbers[*count] < 0)
            return false;
        ++*count;
        rest = end + strspn(end, " ");
    }
    return *rest == ')' && !rest[1];
}

/* Arguments by the type's kind; false when it takes no such number of them. */
static bool put_arguments(contract_document *d, const char *type, const int64_t *numbers,
                          size_t count, mseq_value *args) {
    bool numeric = strcmp(type, "Numeric") == 0 || strcmp(type, "DECIMAL") == 0;
    static const char *const lengths[] = {"String", "Text", "CHAR",   "NVARCHAR",
                                          "NCHAR",  "CLOB", "BINARY", "VARBINARY"};
    if (strcmp(type, "DateTime") == 0)
        contract_put_boolean(d, args, "timezone", true);
    if (count == 0)
        return true;
    if (numeric) {
        contract_put(d, args, "precision", mseq_value_integer(numbers[0]));
        if (count == 2)
            contract_put(d, args, "scale", mseq_value_integer(numbers[1]));
        return true;
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (strcmp(type, lengths[i]) == 0 && count == 1) {
            contract_put(d, args, "length", mseq_value_integer(numbers[0]));
            return true;
        }
    if (strcmp(type, "Float") == 0 && count == 1) {
        contract_put(d, args, "precision", mseq_value_integer(numbers[0]));
        return true;
    }
    return false;
}

static const char *known_type(const char *word, const char *backend, const char *data_type,
                              const char **sqlite) {
    for (size_t i = 0; backend && i < sizeof backend_types / sizeof *backend_types; i++)
        if (strcmp(word, backend_types[i].text) == 0) {
            *sqlite = backend_types[i].sqlite;
            return backend_types[i].type;
        }
    for (size_t i = 0; !backend && i < sizeof data_types / sizeof *data_types; i++)
        if (strcmp(data_type, data_types[i].token) == 0) {
            *sqlite = strcmp(data_type, "jsonb") == 0 ? "JSON" : NULL;
            return data_types[i].type;
        }
    return NULL;
}

/* The declared type, or the database's own text where there is none. */
static mseq_value *type_description(contract_document *d, const mseq_value *column) {
    const char *backend = mseq_object_get_text(column, "backend_type");
    const char *data_type = mseq_object_get_text(column, "data_type");
    char word[40] = "";
    int64_t numbers[2] = {0, 0};
    size_t count = 0;
    bool readable = !backend || split_type(backend, word, numbers, &count);
    const char *sqlite = NULL;
    const char *type = readable ? known_type(word, backend, data_type, &sqlite) : NULL;
    mseq_value *out = mseq_value_object(), *args = mseq_value_object();
    if (type && !put_arguments(d, type, numbers, count, args))
        type = NULL;
    if (!type)
        contract_put_text(d, args, "text", backend ? backend : data_type);
    contract_put_text(d, out, "name", type ? type : "DatabaseType");
    contract_put(d, out, "args", args);
    if (type && sqlite) {
        mseq_value *variant = mseq_value_object();
        contract_put_text(d, variant, "sqlite", sqlite);
        contract_put(d, out, "variant", variant);
    }
    return out;
}

/* ---- Columns, indexes, constraints
 * ----------------------------------------------------------------------- */

static mseq_value *column_description(contract_document *d, const mseq_value *column) {
    static const char *const info_keys[] = {"description", "label", "logical_name"};
    mseq_value *out = mseq_value_object(), *info = mseq_value_object();
    const char *server_default = mseq_object_get_text(column, "server_default");
    contract_put_text(d, out, "name", mseq_object_get_text(column, "name"));
    contract_put(d, out, "type", type_description(d, column));
    contract_put_copy(d, out, "nullable", mseq_object_get(column, "nullable"));
    contract_put_copy(d, out, "primary_key", mseq_object_get(column, "primary_key"));
    contract_put_copy(d, out, "unique", mseq_object_get(column, "unique"));
    /* Every uuid key says gen_random_uuid(): it tells a TS Manager that it may supply values, and
     * models do not declare it. */
    if (server_default && strcmp(server_default, "gen_random_uuid()") != 0) {
        mseq_value *text = mseq_value_object();
        contract_put_text(d, text, "text", server_default);
        contract_put(d, out, "server_default", text);
    }
    for (size_t i = 0; i < sizeof info_keys / sizeof *info_keys; i++)
        contract_put_text(d, info, info_keys[i], mseq_object_get_text(column, info_keys[i]));
    contract_put(d, out, "info", info);
    return out;
}

static bool is_column(const mseq_value *columns, const char *text, size_t length) {
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        const char *name = mseq_object_get_text(mseq_array_get(columns, i), "name");
        if (strncmp(name, text, length) == 0 && !name[length])
            return true;
    }
    return false;
}

/* Cuts `suffix` off the first *length bytes of the text. */
static bool cut_suffix(const char *text, size_t *length, const char *suffix) {
    size_t tail = strlen(suffix);
    if (*length <= tail || strncasecmp(text + *length - tail, suffix, tail) != 0)
        return false;
    *length -= tail;
    return true;
}

/* The way back of contract_element_text: a column, a column with an order, or an expression. */
static mseq_value *element_description(contract_document *d, const mseq_value *columns,
                                       const char *text) {
    size_t length = strlen(text);
    mseq_value *out = mseq_value_object();
    if (is_column(columns, text, length)) {
        contract_put_text(d, out, "column", text);
        return out;
    }
    const char *nulls = cut_suffix(text, &length, " NULLS FIRST")  ? "first"
                        : cut_suffix(text, &length, " NULLS LAST") ? "last"
                                                                   : NULL;
    const char *order = cut_suffix(text, &length, " DESC")  ? "desc"
                        : cut_suffix(text, &length, " ASC") ? "asc"
                                                            : NULL;
    contract_put(d, out, is_column(columns, text, length) ? "column" : "text",
                 mseq_value_string_n(text, length));
    contract_put_text(d, out, "order", order);
    contract_put_text(d, out, "nulls", nulls);
    return out;
}

static mseq_value *index_description(contract_document *d, const mseq_value *columns,
                                     const mseq_value *index) {
    mseq_value *out = mseq_value_object(), *elements = mseq_value_array();
    mseq_value *postgresql = mseq_value_object(), *sqlite = mseq_value_object();
    const mseq_value *names = mseq_object_get(index, "columns");
    for (size_t i = 0; i < mseq_value_length(names); i++)
        contract_append(
            d, elements,
            element_description(d, columns, mseq_value_get_text(mseq_array_get(names, i))));
    contract_put_text(d, out, "name", mseq_object_get_text(index, "name"));
    contract_put(d, out, "expressions", elements);
    contract_put_copy(d, out, "unique", mseq_object_get(index, "unique"));
    contract_put_text(d, postgresql, "using", mseq_object_get_text(index, "method"));
    contract_put_text(d, postgresql, "where", mseq_object_get_text(index, "where"));
    contract_put_text(d, sqlite, "where", mseq_object_get_text(index, "where"));
    contract_put(d, out, "postgresql", postgresql);
    contract_put(d, out, "sqlite", sqlite);
    return out;
}

static mseq_value *foreign_key_description(contract_document *d, const mseq_value *key) {
    static const char *const names[][2] = {
        {"name", "name"},
        {"source_columns", "columns"},
        {"target_schema", "referred_schema"},
        {"target_table", "referred_table"},
        {"target_columns", "referred_columns"},
        {"on_delete", "ondelete"},
        {"on_update", "onupdate"},
        {"deferrable", "deferrable"},
        {"initially", "initially"},
        {"match", "match"},
    };
    mseq_value *out = mseq_value_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        contract_put_copy(d, out, names[i][1], mseq_object_get(key, names[i][0]));
    return out;
}

/* Entries of `constraints` are free-form on the wire; these two kinds can be built. */
static mseq_status put_constraints(contract_document *d, const mseq_value *contract,
                                   mseq_value *out, mseq_error *err) {
    static const mseq_field unique_fields[] = {
        {.name = "kind", .flags = MSEQ_FIELD_REQUIRED},
        {.name = "name", .flags = MSEQ_FIELD_OMIT_NULL},
        {.name = "columns",
         .type = MSEQ_FIELD_STRINGS,
         .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
        {.name = NULL},
    };
    static const mseq_field check_fields[] = {
        {.name = "kind", .flags = MSEQ_FIELD_REQUIRED},
        {.name = "name", .flags = MSEQ_FIELD_OMIT_NULL},
        {.name = "expression",
         .alias = "sqltext",
         .flags = MSEQ_FIELD_REQUIRED | MSEQ_FIELD_NOT_EMPTY},
        {.name = NULL},
    };
    const mseq_value *list = mseq_object_get(contract, "constraints");
    const mseq_path list_path = {NULL, "constraints", 0};
    mseq_value *uniques = mseq_value_array(), *checks = mseq_value_array();
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(list); i++) {
        const mseq_path path = {&list_path, NULL, i}, kind_path = {&path, "kind", 0};
        const mseq_value *item = mseq_array_get(list, i);
        const char *kind = mseq_object_get_text(item, "kind");
        bool unique = kind && strcmp(kind, "unique") == 0;
        mseq_value *record = NULL;
        if (!unique && !(kind && strcmp(kind, "check") == 0))
            status = mseq_path_refuse(&kind_path, MSEQ_E_CONTRACT, err, "bad_value",
                                      "a table can be made of constraints of kind unique or check");
        else
            status = mseq_record_check(item, MSEQ_E_CONTRACT, &path,
                                       unique ? unique_fields : check_fields, &record, err);
        if (status != MSEQ_OK)
            break;
        mseq_object_remove(record, "kind");
        if (!unique)
            contract_put(d, record, "sqltext", mseq_object_take(record, "expression"));
        contract_append(d, unique ? uniques : checks, record);
    }
    contract_put(d, out, "unique_constraints", uniques);
    contract_put(d, out, "check_constraints", checks);
    return status;
}

/* ---- The table
 * ------------------------------------------------------------------------------------------------
 */

/* Name, schema and what authoring tells. */
static void put_head(contract_document *d, const mseq_value *contract, mseq_value *out) {
    static const char *const profile_keys[] = {"time_index_name", "index_names", "cadence",
                                               "storage_layout"};
    const mseq_value *physical = mseq_object_get(contract, "physical");
    const mseq_value *authoring = mseq_object_get(contract, "authoring");
    const mseq_value *model = mseq_object_get(authoring, "table_model");
    const mseq_value *profile = mseq_object_get(authoring, "time_indexed");
    bool time_indexed = mseq_object_get(contract, "table_kind") && profile;
    contract_put_text(d, out, "name", mseq_object_get_text(physical, "table_name"));
    contract_put_text(d, out, "schema", mseq_object_get_text(physical, "schema"));
    contract_put_text(d, out, "kind", time_indexed ? "time_index" : "platform_managed");
    contract_put_text(d, out, "class_name", mseq_object_get_text(model, "qualname"));
    contract_put_text(d, out, "module", mseq_object_get_text(model, "module"));
    mseq_value *meta = mseq_value_object();
    for (size_t i = 0; time_indexed && i < sizeof profile_keys / sizeof *profile_keys; i++)
        contract_put_copy(d, meta, profile_keys[i], mseq_object_get(profile, profile_keys[i]));
    contract_put(d, out, "meta", meta);
}

static mseq_status describe_contract(const mseq_value *contract, mseq_value **description,
                                     mseq_error *err) {
    contract_document d = {false};
    mseq_value *out = mseq_value_object(), *columns = mseq_value_array();
    mseq_value *indexes = mseq_value_array(), *keys = mseq_value_array();
    const mseq_value *column_list = mseq_object_get(contract, "columns");
    const mseq_value *index_list = mseq_object_get(contract, "indexes");
    const mseq_value *key_list = mseq_object_get(contract, "foreign_keys");
    put_head(&d, contract, out);
    for (size_t i = 0; i < mseq_value_length(column_list); i++)
        contract_append(&d, columns, column_description(&d, mseq_array_get(column_list, i)));
    for (size_t i = 0; i < mseq_value_length(index_list); i++)
        contract_append(&d, indexes,
                        index_description(&d, column_list, mseq_array_get(index_list, i)));
    for (size_t i = 0; i < mseq_value_length(key_list); i++)
        contract_append(&d, keys, foreign_key_description(&d, mseq_array_get(key_list, i)));
    contract_put(&d, out, "columns", columns);
    mseq_status status = put_constraints(&d, contract, out, err);
    contract_put(&d, out, "indexes", indexes);
    contract_put(&d, out, "foreign_keys", keys);
    if (status == MSEQ_OK && d.failed)
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_value_free(out);
        return status;
    }
    *description = out;
    return MSEQ_OK;
}

mseq_status mseq_contract_to_table(const mseq_value *contract, mseq_table **table,
                                   mseq_error *err) {
    mseq_value *normalized = NULL, *description = NULL;
    mseq_status status = mseq_contract_normalize(contract, &normalized, err);
    if (status == MSEQ_OK)
        status = describe_contract(normalized, &description, err);
    if (status == MSEQ_OK)
        status = mseq_table_from_description(description, table, err);
    mseq_value_free(description);
    mseq_value_free(normalized);
    return status;
}
