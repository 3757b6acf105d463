/* SPDX-License-Identifier: MIT
 * execute and bulk_insert: values as SQL text. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "migration_private.h"

static mseq_status refuse(render *r, const char *what, const char *problem) {
    return mseq_error_set(r->err, MSEQ_E_DDL, "%s: %s", what, problem);
}

/* ---- Typed values: {"$type": …, "value": …} and {"$bytes": base64} -----------------------------
 */

static void append_hex(render *r, const char *bytes, size_t length, mseq_buffer *sql) {
    mseq_buffer_append_text(sql, r->dialect == MSEQ_SQLITE ? "X'" : "'\\x");
    for (size_t i = 0; i < length; i++)
        mseq_buffer_append_format(sql, "%02x", (unsigned char)bytes[i]);
    mseq_buffer_append_char(sql, '\'');
}

static mseq_status append_base64(render *r, const char *text, const char *what, mseq_buffer *sql) {
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_base64_decode(text, strlen(text), &bytes, r->err);
    if (status == MSEQ_OK)
        append_hex(r, mseq_buffer_text(&bytes), bytes.length, sql);
    else
        mseq_error_prefix(r->err, "%s: ", what);
    mseq_buffer_free(&bytes);
    return status;
}

static mseq_status append_hex_text(render *r, const char *text, const char *what,
                                   mseq_buffer *sql) {
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (text[digits] || digits % 2)
        return refuse(r, what, "bytes_hex is no even number of hex digits");
    mseq_buffer_append_format(sql, r->dialect == MSEQ_SQLITE ? "X'%s'" : "'\\x%s'", text);
    return MSEQ_OK;
}

static mseq_status append_uuid(render *r, const char *text, const char *what, mseq_buffer *sql) {
    char canonical[37];
    if (!mseq_uuid_normalize(text, canonical))
        return refuse(r, what, "the value is no uuid");
    return mseq_ddl_literal(canonical, sql);
}

/* SQLite keeps instants in one fixed form that sorts; PostgreSQL reads what Python prints. A text
 * without an offset is no instant and stays as it is. */
static mseq_status append_instant(render *r, const char *text, mseq_buffer *sql) {
    char canonical[32];
    int64_t microseconds;
    if (r->dialect == MSEQ_SQLITE) {
        if (mseq_time_parse(text, &microseconds, NULL) != MSEQ_OK)
            return mseq_ddl_literal(text, sql);
        mseq_time_format(microseconds, false, canonical);
        return mseq_ddl_literal(canonical, sql);
    }
    char *spaced = mseq_text_dup(text), *mark = spaced ? strchr(spaced, 'T') : NULL;
    if (!spaced)
        return mseq_error_no_memory(r->err);
    if (mark && mark - spaced == 10)
        *mark = ' ';
    mseq_status status = mseq_ddl_literal(spaced, sql);
    free(spaced);
    return status;
}

static mseq_status append_decimal(render *r, const char *text, const char *what, mseq_buffer *sql) {
    double number;
    if (!mseq_parse_double(text, &number) || text[strspn(text, "0123456789+-.eE")])
        return refuse(r, what, "the value is no decimal number");
    return mseq_buffer_append_text(sql, text);
}

static mseq_status append_typed(render *r, const char *type, const mseq_value *holder,
                                const char *what, mseq_buffer *sql) {
    const char *text = mseq_object_get_text(holder, "value");
    if (strcmp(type, "now") == 0)
        return mseq_buffer_append_text(
            sql, r->dialect == MSEQ_SQLITE ? "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')" : "now()");
    if (!text)
        return refuse(r, what, "a typed value needs its text in 'value'");
    if (strcmp(type, "date") == 0 || strcmp(type, "time") == 0)
        return mseq_ddl_literal(text, sql);
    if (strcmp(type, "datetime") == 0)
        return append_instant(r, text, sql);
    if (strcmp(type, "uuid") == 0)
        return append_uuid(r, text, what, sql);
    if (strcmp(type, "decimal") == 0)
        return append_decimal(r, text, what, sql);
    if (strcmp(type, "bytes_hex") == 0)
        return append_hex_text(r, text, what, sql);
    if (strcmp(type, "sql") == 0)
        return mseq_buffer_append_text(sql, text);
    mseq_error_set(r->err, MSEQ_E_DDL, "%s: there is no value type '%s'", what, type);
    mseq_error_hint(r->err,
                    "it is one of date, time, datetime, uuid, decimal, bytes_hex, now, sql");
    return MSEQ_E_DDL;
}

/* ---- Values by the type of their column --------------------------------------------------------
 */

static bool type_is(const mseq_type *type, const char *const *names) {
    for (; type && *names; names++)
        if (strcmp(type->name, *names) == 0)
            return true;
    return false;
}

static const char *const json_types[] = {"JSON", "JSONB", "PgJSON", "PgJSONB", NULL};
static const char *const uuid_types[] = {"Uuid", "UUID", "PgUUID", NULL};
static const char *const time_types[] = {"DateTime",    "DATETIME",    "TIMESTAMP",
                                         "PgTIMESTAMP", "PgTimestamp", NULL};
static const char *const byte_types[] = {"LargeBinary", "BLOB",      "BYTEA",
                                         "BINARY",      "VARBINARY", NULL};

static mseq_status append_json(render *r, const mseq_value *value, const char *what,
                               mseq_buffer *sql) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(value, 0, &text, r->err);
    if (status == MSEQ_OK)
        mseq_ddl_literal(mseq_buffer_text(&text), sql);
    else
        mseq_error_prefix(r->err, "%s: ", what);
    mseq_buffer_free(&text);
    return status;
}

static mseq_status append_string(render *r, const mseq_value *value, const mseq_type *type,
                                 const char *what, mseq_buffer *sql) {
    const char *text = mseq_value_get_text(value);
    if (type_is(type, byte_types)) {
        append_hex(r, text, mseq_value_get_text_length(value), sql);
        return MSEQ_OK;
    }
    if (strlen(text) != mseq_value_get_text_length(value))
        return refuse(r, what, "the text holds a NUL character");
    if (type_is(type, uuid_types))
        return append_uuid(r, text, what, sql);
    return type_is(type, time_types) ? append_instant(r, text, sql) : mseq_ddl_literal(text, sql);
}

static mseq_status append_value(render *r, const mseq_value *value, const mseq_type *type,
                                const char *what, mseq_buffer *sql) {
    const char *tag = mseq_object_get_text(value, "$type");
    if (tag)
        return append_typed(r, tag, value, what, sql);
    if (mseq_object_get_text(value, "$bytes"))
        return append_base64(r, mseq_object_get_text(value, "$bytes"), what, sql);
    if (type_is(type, json_types) && !mseq_value_is_null(value))
        return append_json(r, value, what, sql);
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        return mseq_buffer_append_text(sql, "NULL");
    case MSEQ_BOOLEAN:
        return mseq_buffer_append_text(sql, r->dialect == MSEQ_SQLITE
                                                ? (mseq_value_get_boolean(value, false) ? "1" : "0")
                                            : mseq_value_get_boolean(value, false) ? "true"
                                                                                   : "false");
    case MSEQ_INTEGER:
        return mseq_buffer_append_format(sql, "%lld", (long long)mseq_value_get_integer(value, 0));
    case MSEQ_FLOAT:
        return mseq_json_write(value, 0, sql, r->err);
    case MSEQ_STRING:
        return append_string(r, value, type, what, sql);
    default:
        return refuse(r, what, "a list or a table goes into JSON columns only");
    }
}

/* ---- bulk_insert -------------------------------------------------------------------------------
 */

static mseq_status check_row(render *r, const mseq_table *table, const mseq_value *row,
                             size_t position) {
    if (mseq_value_kind(row) != MSEQ_OBJECT &&
        (mseq_value_kind(row) != MSEQ_ARRAY || mseq_value_length(row)))
        return mseq_error_set(r->err, MSEQ_E_DDL, "bulk_insert: row %zu is no table of columns",
                              position + 1);
    for (size_t i = 0; i < mseq_value_length(row); i++)
        if (!mseq_table_column(table, mseq_object_key_at(row, i)))
            return mseq_error_set(r->err, MSEQ_E_DDL,
                                  "bulk_insert: row %zu has '%s', which is no column of '%s'",
                                  position + 1, mseq_object_key_at(row, i), mseq_table_name(table));
    return MSEQ_OK;
}

static mseq_status insert_row(render *r, const mseq_table *table, const mseq_value *row,
                              size_t position) {
    mseq_status status = check_row(r, table, row, position);
    if (status != MSEQ_OK)
        return status;
    mseq_buffer sql = MSEQ_BUFFER_INIT, values = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "INSERT INTO ");
    mseq_ddl_table_reference(r->dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        const mseq_value *value = mseq_object_get(row, column->name);
        if (!value)
            continue;
        mseq_buffer_append_text(&sql, values.length ? ", " : " (");
        mseq_buffer_append_text(&values, values.length ? ", " : ") VALUES (");
        mseq_ddl_quote(r->dialect, column->name, column->quote, &sql);
        status =
            append_value(r, value, mseq_type_for(column->type, r->dialect), column->name, &values);
    }
    if (values.length)
        mseq_buffer_append_format(&sql, "%s)", mseq_buffer_text(&values));
    else
        mseq_buffer_append_text(&sql, " DEFAULT VALUES");
    if (values.status != MSEQ_OK)
        sql.status = values.status;
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    else
        mseq_error_prefix(r->err, "bulk_insert into '%s', row %zu: ", mseq_table_name(table),
                          position + 1);
    mseq_buffer_free(&sql);
    mseq_buffer_free(&values);
    return status;
}

mseq_status render_bulk_insert(render *r, const mseq_value *operation) {
    mseq_table *table = NULL;
    const mseq_value *rows = mseq_object_get(operation, "rows");
    mseq_status status = op_table(operation, r->convention, &table, r->err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(rows); i++)
        status = insert_row(r, table, mseq_array_get(rows, i), i);
    mseq_table_free(table);
    return status;
}

/* ---- execute -----------------------------------------------------------------------------------
 */

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Where the string, quoted name, comment or dollar quote that starts at `c` ends; `c` itself when
 * none starts there. */
static const char *skip_opaque(mseq_dialect dialect, const char *c) {
    const char *end = NULL;
    if (*c == '\'' || *c == '"') {
        for (end = c + 1; *end && *end != *c;)
            end++; /* a doubled quote starts another string at once: the same to us */
        return *end ? end + 1 : end;
    }
    if (c[0] == '-' && c[1] == '-')
        return c + strcspn(c, "\n");
    if (c[0] == '/' && c[1] == '*')
        return (end = strstr(c + 2, "*/")) ? end + 2 : c + strlen(c);
    if (*c == '$' && dialect == MSEQ_POSTGRESQL) {
        size_t length = 1;
        while (is_word(c[length]))
            length++;
        if (c[length] != '$' || isdigit((unsigned char)c[1]))
            return c;
        char tag[66];
        if (length + 2 > sizeof tag)
            return c;
        memcpy(tag, c, length + 1);
        tag[length + 1] = '\0';
        return (end = strstr(c + length + 1, tag)) ? end + length + 1 : c + strlen(c);
    }
    return c;
}

/* Text that is taken as it is, but for "\:". */
static void append_plain(const char *from, const char *to, mseq_buffer *sql) {
    for (; from < to; from++) {
        if (*from == '\\' && from[1] == ':')
            from++;
        mseq_buffer_append_char(sql, *from);
    }
}

/* :name at `c`; *length is that of the name, 0 when it is no bind. */
static size_t bind_length(const char *text, const char *c) {
    size_t length = 0;
    if (*c != ':' || c[1] == ':' || (c > text && (c[-1] == ':' || c[-1] == '\\' || is_word(c[-1]))))
        return 0;
    while (is_word(c[1 + length]))
        length++;
    return c[1 + length] == ':' ? 0 : length;
}

static mseq_status append_bind(render *r, const mseq_value *binds, const char *name,
                               mseq_strings *used, mseq_buffer *sql) {
    const mseq_value *bind = mseq_object_get(binds, name);
    if (!bind) {
        mseq_error_set(r->err, MSEQ_E_DDL, "execute: ':%s' in the SQL text has no value", name);
        mseq_error_hint(r->err, "give it in binds, or write \\:%s if it is no bind", name);
        return MSEQ_E_DDL;
    }
    if (mseq_strings_add(used, name) != MSEQ_OK)
        return mseq_error_no_memory(r->err);
    bool wrapped = mseq_value_kind(bind) == MSEQ_OBJECT && mseq_object_get(bind, "value") &&
                   !mseq_object_get(bind, "$type");
    return append_value(r, wrapped ? mseq_object_get(bind, "value") : bind, NULL, name, sql);
}

static mseq_status substitute(render *r, const char *text, const mseq_value *binds,
                              mseq_strings *used, mseq_buffer *sql) {
    mseq_status status = MSEQ_OK;
    for (const char *c = text; status == MSEQ_OK && *c;) {
        const char *end = skip_opaque(r->dialect, c);
        size_t length = bind_length(text, c);
        if (end != c) {
            append_plain(c, end, sql);
            c = end;
        } else if (length) {
            char *name = mseq_text_format("%.*s", (int)(length > 512 ? 512 : length), c + 1);
            status = name ? append_bind(r, binds, name, used, sql) : mseq_error_no_memory(r->err);
            free(name);
            c += 1 + length;
        } else {
            end = c[0] == '\\' && c[1] == ':' ? c + 2 : c + 1;
            append_plain(c, end, sql);
            c = end;
        }
    }
    return status;
}

mseq_status render_execute(render *r, const mseq_value *operation) {
    const mseq_value *binds = mseq_object_get(operation, "binds");
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_strings used = MSEQ_STRINGS_INIT;
    mseq_status status = substitute(r, mseq_object_get_text(operation, "sql"), binds, &used, &sql);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(binds); i++)
        if (!mseq_strings_contains(&used, mseq_object_key_at(binds, i)))
            status = mseq_error_set(r->err, MSEQ_E_DDL,
                                    "execute: the SQL text has no ':%s', which binds gives",
                                    mseq_object_key_at(binds, i));
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    mseq_strings_free(&used);
    return status;
}
