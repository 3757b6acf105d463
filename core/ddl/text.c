/* SPDX-License-Identifier: MIT
 * Identifiers, literals, types and server defaults as text. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/ddl.h"

/* SQLAlchemy's rule: reserved, starts with a digit or "$", holds anything outside [A-Za-z0-9_$], or
 * is not all lower case. */
static bool needs_quotes(mseq_dialect dialect, const char *identifier) {
    if (!*identifier || (*identifier >= '0' && *identifier <= '9') || *identifier == '$')
        return true;
    for (const char *c = identifier; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '$'))
            return true;
    return mseq_ddl_is_reserved(dialect, identifier);
}

static mseq_status append_doubled(const char *text, char quote, mseq_buffer *sql) {
    mseq_buffer_append_char(sql, quote);
    for (const char *c = text; *c; c++) {
        if (*c == quote)
            mseq_buffer_append_char(sql, quote);
        mseq_buffer_append_char(sql, *c);
    }
    return mseq_buffer_append_char(sql, quote);
}

mseq_status mseq_ddl_quote(mseq_dialect dialect, const char *identifier, int quote,
                           mseq_buffer *sql) {
    if (quote == 1 || (quote < 0 && needs_quotes(dialect, identifier)))
        return append_doubled(identifier, '"', sql);
    return mseq_buffer_append_text(sql, identifier);
}

mseq_status mseq_ddl_literal(const char *text, mseq_buffer *sql) {
    return append_doubled(text, '\'', sql);
}

mseq_status mseq_ddl_table_reference(mseq_dialect dialect, const char *schema, const char *name,
                                     mseq_buffer *sql) {
    if (schema) {
        mseq_ddl_quote(dialect, schema, -1, sql);
        mseq_buffer_append_char(sql, '.');
    }
    return mseq_ddl_quote(dialect, name, -1, sql);
}

/* ---- Types
 * --------------------------------------------------------------------------------------------- */

/* How the arguments stand behind the name. */
typedef enum shape {
    PLAIN,
    LENGTH,
    PRECISION,
    PRECISION_SCALE,
    ZONED,
    INTERVAL,
    BITS,
    ENUM,
    ARRAY,
    TEXT
} shape;

/* Text per dialect where it is not the type's own name in capitals; NULL on a side: it cannot be
 * expressed. */
static const struct {
    const char *name;
    const char *postgresql;
    const char *sqlite;
    shape shape;
} rows[] = {
    {"String", "VARCHAR", "VARCHAR", LENGTH},
    {"Unicode", "VARCHAR", "VARCHAR", LENGTH},
    {"VARCHAR", "VARCHAR", "VARCHAR", LENGTH},
    {"NVARCHAR", "NVARCHAR", "NVARCHAR", LENGTH},
    {"CHAR", "CHAR", "CHAR", LENGTH},
    {"NCHAR", "NCHAR", "NCHAR", LENGTH},
    {"Text", "TEXT", "TEXT", LENGTH},
    {"UnicodeText", "TEXT", "TEXT", LENGTH},
    {"TEXT", "TEXT", "TEXT", LENGTH},
    {"CLOB", "CLOB", "CLOB", LENGTH},
    {"Integer", "INTEGER", "INTEGER", PLAIN},
    {"INT", "INTEGER", "INTEGER", PLAIN},
    {"INTEGER", "INTEGER", "INTEGER", PLAIN},
    {"BigInteger", "BIGINT", "BIGINT", PLAIN},
    {"BIGINT", "BIGINT", "BIGINT", PLAIN},
    {"SmallInteger", "SMALLINT", "SMALLINT", PLAIN},
    {"SMALLINT", "SMALLINT", "SMALLINT", PLAIN},
    {"TINYINT", "TINYINT", "TINYINT", PLAIN},
    {"Float", "FLOAT", "FLOAT", PRECISION},
    {"FLOAT", "FLOAT", "FLOAT", PRECISION},
    {"REAL", "REAL", "REAL", PLAIN},
    {"Double", "DOUBLE PRECISION", "DOUBLE", PLAIN},
    {"DOUBLE", "DOUBLE", "DOUBLE", PLAIN},
    {"DOUBLE_PRECISION", "DOUBLE PRECISION", "DOUBLE PRECISION", PLAIN},
    {"Numeric", "NUMERIC", "NUMERIC", PRECISION_SCALE},
    {"NUMERIC", "NUMERIC", "NUMERIC", PRECISION_SCALE},
    {"DECIMAL", "DECIMAL", "DECIMAL", PRECISION_SCALE},
    {"Boolean", "BOOLEAN", "BOOLEAN", PLAIN},
    {"BOOLEAN", "BOOLEAN", "BOOLEAN", PLAIN},
    {"Date", "DATE", "DATE", PLAIN},
    {"DATE", "DATE", "DATE", PLAIN},
    {"DateTime", "TIMESTAMP", "DATETIME", ZONED},
    {"DATETIME", "DATETIME", "DATETIME", PLAIN},
    {"TIMESTAMP", "TIMESTAMP", "TIMESTAMP", ZONED},
    {"PgTIMESTAMP", "TIMESTAMP", "TIMESTAMP", ZONED},
    {"PgTimestamp", "TIMESTAMP", "TIMESTAMP", ZONED},
    {"Time", "TIME", "TIME", ZONED},
    {"TIME", "TIME", "TIME", ZONED},
    {"PgTIME", "TIME", "TIME", ZONED},
    {"PgTime", "TIME", "TIME", ZONED},
    {"Interval", "INTERVAL", "DATETIME", INTERVAL},
    {"INTERVAL", "INTERVAL", NULL, INTERVAL},
    {"PgINTERVAL", "INTERVAL", NULL, INTERVAL},
    {"PgInterval", "INTERVAL", NULL, INTERVAL},
    {"LargeBinary", "BYTEA", "BLOB", PLAIN},
    {"PickleType", "BYTEA", "BLOB", PLAIN},
    {"BLOB", "BLOB", "BLOB", PLAIN},
    {"BINARY", "BINARY", "BINARY", LENGTH},
    {"VARBINARY", "VARBINARY", "VARBINARY", LENGTH},
    {"BYTEA", "BYTEA", NULL, PLAIN},
    {"Uuid", "UUID", "CHAR(32)", PLAIN},
    {"UUID", "UUID", "UUID", PLAIN},
    {"PgUUID", "UUID", "UUID", PLAIN},
    {"JSON", "JSON", "JSON", PLAIN},
    {"PgJSON", "JSON", "JSON", PLAIN},
    {"JSONB", "JSONB", NULL, PLAIN},
    {"PgJSONB", "JSONB", NULL, PLAIN},
    {"Enum", "", "VARCHAR", ENUM},
    {"ENUM", "", "VARCHAR", ENUM},
    {"PgEnum", "", "VARCHAR", ENUM},
    {"PgENUM", "", "VARCHAR", ENUM},
    {"ARRAY", "", NULL, ARRAY},
    {"SaARRAY", "", NULL, ARRAY},
    {"PgARRAY", "", NULL, ARRAY},
    {"BIT", "BIT", NULL, BITS},
    {"PgBIT", "BIT", NULL, BITS},
    {"NullType", NULL, NULL, PLAIN},
    {"DatabaseType", "", "", TEXT},
};

static void append_length(int64_t length, mseq_buffer *sql) {
    if (length >= 0)
        mseq_buffer_append_format(sql, "(%lld)", (long long)length);
}

static void append_zoned(mseq_dialect dialect, const mseq_type *type, mseq_buffer *sql) {
    if (dialect == MSEQ_SQLITE)
        return;
    append_length(type->precision, sql);
    mseq_buffer_append_text(sql, type->timezone == 1 ? " WITH TIME ZONE" : " WITHOUT TIME ZONE");
}

static void append_interval(mseq_dialect dialect, const mseq_type *type, mseq_buffer *sql) {
    if (dialect == MSEQ_SQLITE)
        return;
    const char *fields = mseq_object_get_text(type->arguments, "fields");
    int64_t precision =
        mseq_object_get_integer(type->arguments, "second_precision", type->precision);
    if (fields)
        mseq_buffer_append_format(sql, " %s", fields);
    if (precision >= 0)
        mseq_buffer_append_format(sql, " (%lld)", (long long)precision);
}

static void append_bits(const mseq_type *type, mseq_buffer *sql) {
    if (mseq_object_get_boolean(type->arguments, "varying", false)) {
        mseq_buffer_append_text(sql, " VARYING");
        append_length(type->length, sql);
    } else {
        append_length(type->length >= 0 ? type->length : 1, sql);
    }
}

static bool is_native_enum(mseq_dialect dialect, const mseq_type *type) {
    return dialect == MSEQ_POSTGRESQL &&
           mseq_object_get_boolean(type->arguments, "native_enum", true);
}

static size_t longest_value(const mseq_type *type) {
    size_t longest = 0;
    const mseq_value *values = mseq_object_get(type->arguments, "values");
    for (size_t i = 0; i < mseq_value_length(values); i++) {
        size_t length = mseq_utf8_length(mseq_value_get_text(mseq_array_get(values, i)));
        longest = length > longest ? length : longest;
    }
    return longest;
}

static mseq_status append_enum(mseq_dialect dialect, const mseq_type *type, mseq_buffer *sql,
                               mseq_error *err) {
    const char *name = mseq_object_get_text(type->arguments, "name");
    if (!is_native_enum(dialect, type)) {
        if (dialect == MSEQ_POSTGRESQL)
            mseq_buffer_append_text(sql, "VARCHAR");
        append_length(type->length >= 0 ? type->length : (int64_t)longest_value(type), sql);
        return MSEQ_OK;
    }
    if (!name)
        return mseq_error_set(err, MSEQ_E_DDL, "PostgreSQL ENUM type requires a name");
    mseq_ddl_table_reference(dialect, mseq_object_get_text(type->arguments, "schema"), name, sql);
    return sql->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status refuse_type(mseq_dialect dialect, const mseq_type *type, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_DDL, "%s has no type %s", mseq_dialect_name(dialect), type->name);
    mseq_error_hint(err, "give the column a variant for %s", mseq_dialect_name(dialect));
    return MSEQ_E_DDL;
}

static mseq_status append_array(mseq_dialect dialect, const mseq_type *type, mseq_buffer *sql,
                                mseq_error *err) {
    mseq_status status = mseq_ddl_type(dialect, type->item, sql, err);
    for (int64_t i = 0; i < (type->dimensions > 1 ? type->dimensions : 1); i++)
        mseq_buffer_append_text(sql, "[]");
    return status;
}

static mseq_status append_shape(mseq_dialect dialect, const mseq_type *type, shape how,
                                mseq_buffer *sql, mseq_error *err) {
    switch (how) {
    case LENGTH:
        append_length(type->length, sql);
        break;
    case PRECISION:
        if (dialect == MSEQ_POSTGRESQL)
            append_length(type->precision, sql);
        break;
    case PRECISION_SCALE:
        if (type->precision >= 0 && type->scale >= 0)
            mseq_buffer_append_format(sql, "(%lld, %lld)", (long long)type->precision,
                                      (long long)type->scale);
        else
            append_length(type->precision, sql);
        break;
    case ZONED:
        append_zoned(dialect, type, sql);
        break;
    case INTERVAL:
        append_interval(dialect, type, sql);
        break;
    case BITS:
        append_bits(type, sql);
        break;
    case ENUM:
        return append_enum(dialect, type, sql, err);
    case ARRAY:
        return append_array(dialect, type, sql, err);
    case TEXT:
        mseq_buffer_append_text(sql, type->text);
        break;
    case PLAIN:
        break;
    }
    return MSEQ_OK;
}

mseq_status mseq_ddl_type(mseq_dialect dialect, const mseq_type *given, mseq_buffer *sql,
                          mseq_error *err) {
    const mseq_type *type = mseq_type_for(given, dialect);
    if (strcmp(type->name, "Interval") == 0 && dialect == MSEQ_POSTGRESQL &&
        !mseq_object_get_boolean(type->arguments, "native", true))
        return mseq_buffer_append_text(sql, "TIMESTAMP WITHOUT TIME ZONE");
    mseq_status status = MSEQ_OK;
    size_t i = 0, count = sizeof rows / sizeof *rows;
    while (i < count && strcmp(rows[i].name, type->name) != 0)
        i++;
    if (i == count) { /* what has no row is PostgreSQL's own, under its own name */
        if (dialect == MSEQ_SQLITE)
            return refuse_type(dialect, type, err);
        mseq_buffer_append_text(sql, type->name);
    } else {
        const char *text = dialect == MSEQ_SQLITE ? rows[i].sqlite : rows[i].postgresql;
        if (!text)
            return refuse_type(dialect, type, err);
        mseq_buffer_append_text(sql, text);
        status = append_shape(dialect, type, rows[i].shape, sql, err);
    }
    if (status == MSEQ_OK && type->collation) {
        mseq_buffer_append_text(sql, " COLLATE ");
        append_doubled(type->collation, '"', sql);
    }
    if (status != MSEQ_OK)
        return status;
    return sql->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

/* ---- Server defaults
 * ------------------------------------------------------------------------------------- */

static void append_argument(const mseq_value *argument, mseq_buffer *text, mseq_error *err) {
    if (mseq_value_kind(argument) == MSEQ_STRING)
        mseq_ddl_literal(mseq_value_get_text(argument), text);
    else if (mseq_json_write(argument, 0, text, err) != MSEQ_OK)
        text->status = MSEQ_E_DDL;
}

static void append_function(mseq_dialect dialect, const mseq_server_default *from,
                            mseq_buffer *text, mseq_error *err) {
    static const char *const bare[] = {
        "current_timestamp", "current_date", "current_time", "localtime",
        "localtimestamp",    "current_user", "session_user", "user"};
    if (dialect == MSEQ_SQLITE && strcmp(from->text, "now") == 0) {
        mseq_buffer_append_text(text, "CURRENT_TIMESTAMP");
        return;
    }
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        if (strcmp(from->text, bare[i]) == 0) {
            for (const char *c = from->text; *c; c++)
                mseq_buffer_append_char(text,
                                        *c >= 'a' && *c <= 'z' ? (char)(*c - ('a' - 'A')) : *c);
            return;
        }
    mseq_buffer_append_format(text, "%s(", from->text);
    for (size_t i = 0; i < mseq_value_length(from->arguments); i++) {
        if (i)
            mseq_buffer_append_text(text, ", ");
        append_argument(mseq_array_get(from->arguments, i), text, err);
    }
    mseq_buffer_append_char(text, ')');
}

/* text(): "\:" stands for a colon that is no bind. */
static void append_text(const char *from, mseq_buffer *text) {
    for (const char *c = from; *c; c++) {
        if (*c == '\\' && c[1] == ':')
            c++;
        mseq_buffer_append_char(text, *c);
    }
}

/* SQLite takes expressions only in parentheses. */
static bool needs_parentheses(const char *text) {
    const char *c = text;
    while (*c == ' ' || *c == '\t' || *c == '\n')
        c++;
    if (*c == '\'' || *c == '"' || *c == '(')
        return false;
    for (; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '_'))
            return true;
    return false;
}

mseq_status mseq_ddl_server_default(mseq_dialect dialect, const mseq_server_default *from,
                                    mseq_buffer *sql, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    switch (from->kind) {
    case MSEQ_DEFAULT_NONE:
        return MSEQ_OK;
    case MSEQ_DEFAULT_LITERAL:
        mseq_ddl_literal(from->text, &text);
        break;
    case MSEQ_DEFAULT_TEXT:
        append_text(from->text, &text);
        break;
    case MSEQ_DEFAULT_FUNCTION:
        append_function(dialect, from, &text, err);
        break;
    case MSEQ_DEFAULT_BOOLEAN:
        mseq_buffer_append_text(&text, dialect == MSEQ_SQLITE ? (from->boolean ? "1" : "0")
                                       : from->boolean        ? "true"
                                                              : "false");
        break;
    case MSEQ_DEFAULT_NULL:
        mseq_buffer_append_text(&text, "NULL");
        break;
    }
    bool wrap = dialect == MSEQ_SQLITE && needs_parentheses(mseq_buffer_text(&text));
    mseq_buffer_append_format(sql, wrap ? "(%s)" : "%s", mseq_buffer_text(&text));
    mseq_status status = text.status != MSEQ_OK ? text.status : sql->status;
    mseq_buffer_free(&text);
    return status == MSEQ_OK ? MSEQ_OK
                             : mseq_error_set(err, status, "a server default cannot be written");
}
