/* SPDX-License-Identifier: MIT
 * The one table of types: SQLAlchemy's names, the arguments each takes, and what the neutral
 * contract calls it (protocol page, section 7). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

/* Which arguments show in the type's text on SQLAlchemy's default dialect. */
typedef enum shape { PLAIN, LENGTH, PRECISION_SCALE, ZONED, ENUM } shape;

typedef struct type_row {
    const char *name;
    const char *text; /* default dialect */
    shape shape;
    const char *data_type; /* NULL: the text itself through the normaliser */
    const char *arguments; /* accepted, space separated */
} type_row;

static const char TZ[] = "timestamp with time zone";

/* Sorted by name (strcmp). */
static const type_row rows[] = {
    {"ARRAY", "ARRAY", PLAIN, NULL, "item dimensions as_tuple zero_indexes"},
    {"BIGINT", "BIGINT", PLAIN, "int64", ""},
    {"BINARY", "BINARY", LENGTH, NULL, "length"},
    {"BIT", "BIT", PLAIN, NULL, "length varying"},
    {"BLOB", "BLOB", PLAIN, NULL, "length"},
    {"BOOLEAN", "BOOLEAN", PLAIN, "bool", "create_constraint name"},
    {"BYTEA", "BYTEA", PLAIN, NULL, "length"},
    {"BigInteger", "BIGINT", PLAIN, "int64", ""},
    {"Boolean", "BOOLEAN", PLAIN, "bool", "create_constraint name"},
    {"CHAR", "CHAR", LENGTH, "string", "length collation"},
    {"CIDR", "CIDR", PLAIN, NULL, ""},
    {"CITEXT", "CITEXT", PLAIN, NULL, ""},
    {"CLOB", "CLOB", LENGTH, NULL, "length collation"},
    {"DATE", "DATE", PLAIN, "date", ""},
    {"DATEMULTIRANGE", "DATEMULTIRANGE", PLAIN, NULL, ""},
    {"DATERANGE", "DATERANGE", PLAIN, NULL, ""},
    {"DATETIME", "DATETIME", ZONED, TZ, "timezone precision"},
    {"DECIMAL", "DECIMAL", PRECISION_SCALE, "numeric", "precision scale asdecimal"},
    {"DOUBLE", "DOUBLE", PLAIN, "float64", "precision"},
    {"DOUBLE_PRECISION", "DOUBLE PRECISION", PLAIN, "float64", "precision"},
    {"DatabaseType", "", PLAIN, NULL, "text"},
    {"Date", "DATE", PLAIN, "date", ""},
    {"DateTime", "DATETIME", ZONED, TZ, "timezone precision"},
    {"Double", "DOUBLE", PLAIN, "float64", "precision"},
    {"ENUM", "VARCHAR", ENUM, "string",
     "values name native_enum length create_constraint schema inherit_schema create_type"},
    {"Enum", "VARCHAR", ENUM, "string",
     "values name native_enum length create_constraint schema inherit_schema create_type"},
    {"FLOAT", "FLOAT", PLAIN, "float64", "precision"},
    {"Float", "FLOAT", PLAIN, "float64", "precision asdecimal"},
    {"HSTORE", "HSTORE", PLAIN, NULL, ""},
    {"INET", "INET", PLAIN, NULL, ""},
    {"INT", "INTEGER", PLAIN, "int64", ""},
    {"INT4MULTIRANGE", "INT4MULTIRANGE", PLAIN, NULL, ""},
    {"INT4RANGE", "INT4RANGE", PLAIN, NULL, ""},
    {"INT8MULTIRANGE", "INT8MULTIRANGE", PLAIN, NULL, ""},
    {"INT8RANGE", "INT8RANGE", PLAIN, NULL, ""},
    {"INTEGER", "INTEGER", PLAIN, "int64", ""},
    {"INTERVAL", "INTERVAL", PLAIN, NULL, "fields precision"},
    {"Integer", "INTEGER", PLAIN, "int64", ""},
    {"Interval", "DATETIME", PLAIN, TZ, "native second_precision day_precision"},
    {"JSON", "JSON", PLAIN, "json", ""},
    {"JSONB", "JSONB", PLAIN, "jsonb", ""},
    {"JSONPATH", "JSONPATH", PLAIN, NULL, ""},
    {"LargeBinary", "BLOB", PLAIN, NULL, "length"},
    {"MACADDR", "MACADDR", PLAIN, NULL, ""},
    {"MACADDR8", "MACADDR8", PLAIN, NULL, ""},
    {"MONEY", "MONEY", PLAIN, NULL, ""},
    {"NCHAR", "NCHAR", LENGTH, NULL, "length collation"},
    {"NUMERIC", "NUMERIC", PRECISION_SCALE, "numeric", "precision scale asdecimal"},
    {"NUMMULTIRANGE", "NUMMULTIRANGE", PLAIN, NULL, ""},
    {"NUMRANGE", "NUMRANGE", PLAIN, NULL, ""},
    {"NVARCHAR", "NVARCHAR", LENGTH, "string", "length collation"},
    {"NullType", "NULL", PLAIN, NULL, ""},
    {"Numeric", "NUMERIC", PRECISION_SCALE, "numeric", "precision scale asdecimal"},
    {"OID", "OID", PLAIN, NULL, ""},
    {"PgARRAY", "ARRAY", PLAIN, NULL, "item dimensions as_tuple zero_indexes"},
    {"PgBIT", "BIT", PLAIN, NULL, "length varying"},
    {"PgENUM", "VARCHAR", ENUM, "string",
     "values name native_enum length create_constraint schema inherit_schema create_type"},
    {"PgEnum", "VARCHAR", ENUM, "string",
     "values name native_enum length create_constraint schema inherit_schema create_type"},
    {"PgINTERVAL", "INTERVAL", PLAIN, NULL, "fields precision"},
    {"PgInterval", "INTERVAL", PLAIN, NULL, "fields precision"},
    {"PgJSON", "JSON", PLAIN, "json", ""},
    {"PgJSONB", "JSONB", PLAIN, "jsonb", ""},
    {"PgTIME", "TIME", PLAIN, NULL, "timezone precision"},
    {"PgTIMESTAMP", "TIMESTAMP", ZONED, TZ, "timezone precision"},
    {"PgTime", "TIME", PLAIN, NULL, "timezone precision"},
    {"PgTimestamp", "TIMESTAMP", ZONED, TZ, "timezone precision"},
    {"PgUUID", "UUID", PLAIN, "uuid", "as_uuid"},
    {"PickleType", "BLOB", PLAIN, NULL, ""},
    {"REAL", "REAL", PLAIN, "float32", "precision"},
    {"REGCLASS", "REGCLASS", PLAIN, NULL, ""},
    {"REGCONFIG", "REGCONFIG", PLAIN, NULL, ""},
    {"SMALLINT", "SMALLINT", PLAIN, "int16", ""},
    {"SaARRAY", "ARRAY", PLAIN, NULL, "item dimensions as_tuple zero_indexes"},
    {"SmallInteger", "SMALLINT", PLAIN, "int16", ""},
    {"String", "VARCHAR", LENGTH, "string", "length collation"},
    {"TEXT", "TEXT", LENGTH, "string", "length collation"},
    {"TIME", "TIME", PLAIN, NULL, "timezone precision"},
    {"TIMESTAMP", "TIMESTAMP", ZONED, TZ, "timezone precision"},
    {"TINYINT", "TINYINT", PLAIN, NULL, ""},
    {"TSMULTIRANGE", "TSMULTIRANGE", PLAIN, NULL, ""},
    {"TSQUERY", "TSQUERY", PLAIN, NULL, ""},
    {"TSRANGE", "TSRANGE", PLAIN, NULL, ""},
    {"TSTZMULTIRANGE", "TSTZMULTIRANGE", PLAIN, NULL, ""},
    {"TSTZRANGE", "TSTZRANGE", PLAIN, NULL, ""},
    {"TSVECTOR", "TSVECTOR", PLAIN, NULL, ""},
    {"Text", "TEXT", LENGTH, "string", "length collation"},
    {"Time", "TIME", PLAIN, NULL, "timezone precision"},
    {"UUID", "UUID", PLAIN, "uuid", "as_uuid"},
    {"Unicode", "VARCHAR", LENGTH, "string", "length collation"},
    {"UnicodeText", "TEXT", LENGTH, "string", "length collation"},
    {"Uuid", "UUID", PLAIN, "uuid", "as_uuid native_uuid"},
    {"VARBINARY", "VARBINARY", LENGTH, NULL, "length"},
    {"VARCHAR", "VARCHAR", LENGTH, "string", "length collation"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static int compare_row(const void *key, const void *row) {
    return strcmp(key, ((const type_row *)row)->name);
}

static const type_row *find_row(const char *name) {
    return bsearch(name, rows, ROWS, sizeof *rows, compare_row);
}

const char *const *mseq_type_names(size_t *count) {
    /* Two views of one list cannot share memory in C; the compiler checks nothing here, the test
     * does. */
    static const char *const names[] = {"ARRAY",
                                        "BIGINT",
                                        "BINARY",
                                        "BIT",
                                        "BLOB",
                                        "BOOLEAN",
                                        "BYTEA",
                                        "BigInteger",
                                        "Boolean",
                                        "CHAR",
                                        "CIDR",
                                        "CITEXT",
                                        "CLOB",
                                        "DATE",
                                        "DATEMULTIRANGE",
                                        "DATERANGE",
                                        "DATETIME",
                                        "DECIMAL",
                                        "DOUBLE",
                                        "DOUBLE_PRECISION",
                                        "DatabaseType",
                                        "Date",
                                        "DateTime",
                                        "Double",
                                        "ENUM",
                                        "Enum",
                                        "FLOAT",
                                        "Float",
                                        "HSTORE",
                                        "INET",
                                        "INT",
                                        "INT4MULTIRANGE",
                                        "INT4RANGE",
                                        "INT8MULTIRANGE",
                                        "INT8RANGE",
                                        "INTEGER",
                                        "INTERVAL",
                                        "Integer",
                                        "Interval",
                                        "JSON",
                                        "JSONB",
                                        "JSONPATH",
                                        "LargeBinary",
                                        "MACADDR",
                                        "MACADDR8",
                                        "MONEY",
                                        "NCHAR",
                                        "NUMERIC",
                                        "NUMMULTIRANGE",
                                        "NUMRANGE",
                                        "NVARCHAR",
                                        "NullType",
                                        "Numeric",
                                        "OID",
                                        "PgARRAY",
                                        "PgBIT",
                                        "PgENUM",
                                        "PgEnum",
                                        "PgINTERVAL",
                                        "PgInterval",
                                        "PgJSON",
                                        "PgJSONB",
                                        "PgTIME",
                                        "PgTIMESTAMP",
                                        "PgTime",
                                        "PgTimestamp",
                                        "PgUUID",
                                        "PickleType",
                                        "REAL",
                                        "REGCLASS",
                                        "REGCONFIG",
                                        "SMALLINT",
                                        "SaARRAY",
                                        "SmallInteger",
                                        "String",
                                        "TEXT",
                                        "TIME",
                                        "TIMESTAMP",
                                        "TINYINT",
                                        "TSMULTIRANGE",
                                        "TSQUERY",
                                        "TSRANGE",
                                        "TSTZMULTIRANGE",
                                        "TSTZRANGE",
                                        "TSVECTOR",
                                        "Text",
                                        "Time",
                                        "UUID",
                                        "Unicode",
                                        "UnicodeText",
                                        "Uuid",
                                        "VARBINARY",
                                        "VARCHAR"};
    _Static_assert(sizeof names / sizeof *names == ROWS, "every type has a name");
    *count = ROWS;
    return names;
}

/* ---- Reading a type description -----------------------------------------------------------------
 */

static mseq_status check_argument(const type_row *row, const char *what, const char *key,
                                  mseq_error *err) {
    char accepted[160];
    const char *words[16];
    size_t count = 0;
    snprintf(accepted, sizeof accepted, "%s", row->arguments);
    char *rest = accepted;
    for (char *word; (word = strtok_r(rest, " ", &rest)) && count < 16;) {
        if (strcmp(word, key) == 0)
            return MSEQ_OK;
        words[count++] = word;
    }
    mseq_error_set(err, MSEQ_E_SCHEMA, "%s: type %s has no argument '%s'", what, row->name, key);
    const char *near = mseq_text_nearest(key, words, count);
    if (near)
        mseq_error_hint(err, "did you mean '%s'?", near);
    else
        mseq_error_hint(err, count ? "it takes: %s" : "it takes none%s", row->arguments);
    return MSEQ_E_SCHEMA;
}

static mseq_status check_values(const mseq_value *arguments, const char *what, mseq_error *err) {
    static const char *const counts[] = {"length",     "precision",        "scale",
                                         "dimensions", "second_precision", "day_precision"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const mseq_value *value = mseq_object_get(arguments, counts[i]);
        if (mseq_value_is_null(value))
            continue;
        if (mseq_value_kind(value) != MSEQ_INTEGER || mseq_value_get_integer(value, 0) < 0)
            return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: %s must be a whole number of 0 or more",
                                  what, counts[i]);
    }
    const mseq_value *zone = mseq_object_get(arguments, "timezone");
    if (!mseq_value_is_null(zone) && mseq_value_kind(zone) != MSEQ_BOOLEAN)
        return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: timezone must be true or false", what);
    const mseq_value *values = mseq_object_get(arguments, "values");
    if (values && mseq_value_kind(values) != MSEQ_ARRAY)
        return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: values must be a list of strings", what);
    for (size_t i = 0; i < mseq_value_length(values); i++)
        if (!mseq_value_get_text(mseq_array_get(values, i)))
            return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: values must be a list of strings", what);
    return MSEQ_OK;
}

static mseq_status unknown_type(const char *name, const char *what, mseq_error *err) {
    size_t count;
    const char *const *names = mseq_type_names(&count);
    mseq_error_set(err, MSEQ_E_SCHEMA, "%s: unknown type '%s'", what, name);
    const char *near = mseq_text_nearest(name, names, count);
    if (near)
        mseq_error_hint(err, "did you mean '%s'?", near);
    return MSEQ_E_SCHEMA;
}

static mseq_status check_variants(const mseq_value *variants, const char *what, mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(variants); i++) {
        mseq_dialect dialect;
        const char *name = mseq_object_key_at(variants, i);
        if (!mseq_dialect_from_name(name, &dialect))
            return mseq_error_set(err, MSEQ_E_SCHEMA,
                                  "%s: variant for unknown dialect '%s' (postgresql or sqlite)",
                                  what, name);
    }
    return MSEQ_OK;
}

static void read_arguments(mseq_type *type) {
    const mseq_value *args = type->arguments;
    type->length = mseq_object_get_integer(args, "length", -1);
    type->precision = mseq_object_get_integer(args, "precision", -1);
    type->scale = mseq_object_get_integer(args, "scale", -1);
    type->dimensions = mseq_object_get_integer(args, "dimensions", -1);
    const mseq_value *zone = mseq_object_get(args, "timezone");
    type->timezone = mseq_value_is_null(zone) ? -1 : mseq_value_get_boolean(zone, false);
    type->collation = mseq_object_get_text(args, "collation");
    type->text = mseq_object_get_text(args, "text");
}

mseq_status parse_type(table_arena *arena, const mseq_value *description, const char *what,
                       const mseq_type **out, mseq_error *err) {
    static const char *const keys[] = {"name", "args", "variant", NULL};
    const char *name = mseq_value_get_text(description);
    const mseq_value *arguments = NULL, *variants = NULL;
    mseq_status status = MSEQ_OK;
    if (!name) {
        if (mseq_value_kind(description) != MSEQ_OBJECT)
            return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: a type is missing", what);
        status = check_keys(description, what, keys, err);
        if (status == MSEQ_OK)
            status = get_text(description, what, "name", &name, err);
        if (status == MSEQ_OK)
            status = get_object(description, what, "args", &arguments, err);
        if (status == MSEQ_OK)
            status = get_object(description, what, "variant", &variants, err);
        if (status == MSEQ_OK && !name)
            status = mseq_error_set(err, MSEQ_E_SCHEMA, "%s: a type is missing", what);
    }
    const type_row *row = status == MSEQ_OK ? find_row(name) : NULL;
    if (status == MSEQ_OK && !row)
        return unknown_type(name, what, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(arguments); i++)
        status = check_argument(row, what, mseq_object_key_at(arguments, i), err);
    if (status == MSEQ_OK)
        status = check_values(arguments, what, err);
    if (status == MSEQ_OK)
        status = check_variants(variants, what, err);
    if (status != MSEQ_OK)
        return status;
    mseq_type *type = arena_new(arena, sizeof *type);
    if (!type)
        return mseq_error_no_memory(err);
    type->name = row->name;
    type->arguments =
        arena_keep(arena, arguments ? mseq_value_dup(arguments) : mseq_value_object());
    type->variants = variants ? arena_keep(arena, mseq_value_dup(variants)) : NULL;
    if (!type->arguments || (variants && !type->variants))
        return mseq_error_no_memory(err);
    read_arguments(type);
    const mseq_value *item = mseq_object_get(type->arguments, "item");
    if (item)
        status = parse_type(arena, item, what, &type->item, err);
    else if (strstr(row->arguments, "item"))
        status = mseq_error_set(err, MSEQ_E_SCHEMA, "%s: type %s needs an item type", what, name);
    if (status == MSEQ_OK && strcmp(name, "DatabaseType") == 0 && !type->text)
        status = mseq_error_set(err, MSEQ_E_SCHEMA, "%s: type DatabaseType needs its text", what);
    const mseq_type **resolved = type->resolved;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(type->variants); i++) {
        mseq_dialect dialect = MSEQ_SQLITE;
        (void)mseq_dialect_from_name(mseq_object_key_at(type->variants, i), &dialect);
        status = parse_type(arena, mseq_object_value_at(type->variants, i), what,
                            &resolved[dialect == MSEQ_SQLITE], err);
    }
    if (status == MSEQ_OK)
        *out = type;
    return status;
}

const mseq_type *mseq_type_for(const mseq_type *type, mseq_dialect dialect) {
    const mseq_type *variant = type->resolved[dialect == MSEQ_SQLITE];
    return variant ? variant : type;
}

/* ---- Neutral names
 * -------------------------------------------------------------------------------- */

const char *default_type_word(const mseq_type *type) {
    return find_row(type->name)->text;
}

int64_t enum_length(const mseq_type *type) {
    const mseq_value *values = mseq_object_get(type->arguments, "values");
    int64_t longest = 0;
    for (size_t i = 0; i < mseq_value_length(values); i++) {
        int64_t length = (int64_t)mseq_utf8_length(mseq_value_get_text(mseq_array_get(values, i)));
        longest = length > longest ? length : longest;
    }
    return type->length >= 0 ? type->length : longest;
}

static char *default_text(const mseq_type *type, const type_row *row) {
    if (type->text)
        return mseq_text_dup(type->text);
    if (row->shape == LENGTH && type->length >= 0)
        return mseq_text_format("%s(%lld)", row->text, (long long)type->length);
    if (row->shape == PRECISION_SCALE && type->precision >= 0 && type->scale >= 0)
        return mseq_text_format("%s(%lld, %lld)", row->text, (long long)type->precision,
                                (long long)type->scale);
    if (row->shape == PRECISION_SCALE && type->precision >= 0)
        return mseq_text_format("%s(%lld)", row->text, (long long)type->precision);
    if (row->shape == ENUM)
        return mseq_text_format("VARCHAR(%lld)", (long long)enum_length(type));
    return mseq_text_dup(row->text);
}

static mseq_status naive(mseq_error *err) {
    mseq_error_set(
        err, MSEQ_E_CONTRACT,
        "Timezone-naive DateTime columns are not supported by the remote TS Manager contract.");
    mseq_error_hint(err, "declare it with timezone = true");
    return MSEQ_E_CONTRACT;
}

mseq_status mseq_type_neutral(const mseq_type *type, char **data_type, char **backend_type,
                              mseq_error *err) {
    const type_row *row = find_row(type->name);
    if (row->shape == ZONED && type->timezone != 1)
        return naive(err);
    char *backend =
        row->data_type == TZ ? mseq_text_dup("TIMESTAMP WITH TIME ZONE") : default_text(type, row);
    if (!backend)
        return mseq_error_no_memory(err);
    char *data = NULL;
    mseq_status status = MSEQ_OK;
    if (row->data_type)
        data = mseq_text_dup(row->data_type);
    else
        status = mseq_data_type_normalize(backend, &data, err);
    if (status == MSEQ_OK && !data)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK && !row->data_type && strcmp(data, TZ) == 0) {
        free(backend);
        backend = mseq_text_dup("TIMESTAMP WITH TIME ZONE");
        if (!backend)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK) {
        free(backend);
        free(data);
        return status;
    }
    *data_type = data;
    *backend_type = backend;
    return MSEQ_OK;
}
