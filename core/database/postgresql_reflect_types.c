/* SPDX-License-Identifier: MIT
 * The type of a reflected column: SQLAlchemy's class for the name that format_type gives; domains
 * and types that SQLAlchemy does not know keep their text. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_reflect.h"

typedef enum argument { NONE, LENGTH, NUMBERS, ZONE, BITS, FIELDS } argument;

/* By the name without what stands in parentheses. */
static const struct {
    const char *text;
    const char *name;
    argument takes;
    bool flag; /* with a time zone; bit varying */
} rows[] = {
    {"integer", "INTEGER", NONE, false},
    {"bigint", "BIGINT", NONE, false},
    {"smallint", "SMALLINT", NONE, false},
    {"character varying", "VARCHAR", LENGTH, false},
    {"character", "CHAR", LENGTH, false},
    {"bpchar", "CHAR", NONE, false},
    {"\"char\"", "String", NONE, false},
    {"name", "String", NONE, false},
    {"text", "TEXT", NONE, false},
    {"numeric", "NUMERIC", NUMBERS, false},
    {"real", "REAL", NONE, false},
    {"double precision", "DOUBLE_PRECISION", NONE, false},
    {"boolean", "BOOLEAN", NONE, false},
    {"date", "DATE", NONE, false},
    {"timestamp without time zone", "PgTIMESTAMP", ZONE, false},
    {"timestamp with time zone", "PgTIMESTAMP", ZONE, true},
    {"time without time zone", "PgTIME", ZONE, false},
    {"time with time zone", "PgTIME", ZONE, true},
    {"interval", "PgINTERVAL", FIELDS, false},
    {"bytea", "BYTEA", NONE, false},
    {"uuid", "PgUUID", NONE, false},
    {"json", "JSON", NONE, false},
    {"jsonb", "JSONB", NONE, false},
    {"jsonpath", "JSONPATH", NONE, false},
    {"bit", "PgBIT", BITS, false},
    {"bit varying", "PgBIT", BITS, true},
    {"inet", "INET", NONE, false},
    {"cidr", "CIDR", NONE, false},
    {"macaddr", "MACADDR", NONE, false},
    {"macaddr8", "MACADDR8", NONE, false},
    {"money", "MONEY", NONE, false},
    {"oid", "OID", NONE, false},
    {"regclass", "REGCLASS", NONE, false},
    {"regconfig", "REGCONFIG", NONE, false},
    {"tsvector", "TSVECTOR", NONE, false},
    {"tsquery", "TSQUERY", NONE, false},
    {"citext", "CITEXT", NONE, false},
    {"hstore", "HSTORE", NONE, false},
    {"int4range", "INT4RANGE", NONE, false},
    {"int8range", "INT8RANGE", NONE, false},
    {"numrange", "NUMRANGE", NONE, false},
    {"daterange", "DATERANGE", NONE, false},
    {"tsrange", "TSRANGE", NONE, false},
    {"tstzrange", "TSTZRANGE", NONE, false},
    {"int4multirange", "INT4MULTIRANGE", NONE, false},
    {"int8multirange", "INT8MULTIRANGE", NONE, false},
    {"nummultirange", "NUMMULTIRANGE", NONE, false},
    {"datemultirange", "DATEMULTIRANGE", NONE, false},
    {"tsmultirange", "TSMULTIRANGE", NONE, false},
    {"tstzmultirange", "TSTZMULTIRANGE", NONE, false},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* A type's text, taken apart: "numeric(10,2)", "timestamp(3) with time zone",
 * "interval day to second(3)". */
typedef struct type_text {
    char base[96];
    char fields[32]; /* of an interval */
    long numbers[2];
    size_t count;
} type_text;

static bool read_text(const char *text, type_text *out) {
    const char *open = strchr(text, '('), *close = open ? strchr(open, ')') : NULL;
    size_t head = open ? (size_t)(open - text) : strlen(text);
    const char *tail = close ? close + 1 : "";
    *out = (type_text){.count = 0};
    if ((open && !close) || head + strlen(tail) >= sizeof out->base)
        return false;
    memcpy(out->base, text, head);
    strcpy(out->base + head, tail); // NOLINT(clang-analyzer-security.insecureAPI.strcpy): measured
    for (char *at = open ? (char *)open + 1 : NULL; at && at < close && out->count < 2;) {
        char *end;
        out->numbers[out->count++] = strtol(at, &end, 10);
        if (end == at)
            return false;
        at = *end == ',' ? end + 1 : (char *)close;
    }
    static const char interval[] = "interval ";
    if (strncmp(out->base, interval, sizeof interval - 1) == 0) {
        const char *fields = out->base + sizeof interval - 1;
        if (strlen(fields) >= sizeof out->fields)
            return false;
        memcpy(out->fields, fields, strlen(fields) + 1);
        out->base[sizeof interval - 2] = '\0';
    }
    return true;
}

static bool put_arguments(mseq_value *args, argument takes, bool flag, const type_text *text) {
    bool ok = true;
    switch (takes) {
    case LENGTH:
        ok = !text->count || mseq_object_put_integer(args, "length", text->numbers[0]) == MSEQ_OK;
        break;
    case NUMBERS:
        ok = (text->count < 1 ||
              mseq_object_put_integer(args, "precision", text->numbers[0]) == MSEQ_OK) &&
             (text->count < 2 ||
              mseq_object_put_integer(args, "scale", text->numbers[1]) == MSEQ_OK);
        break;
    case ZONE:
        ok = mseq_object_put_boolean(args, "timezone", flag) == MSEQ_OK &&
             (!text->count ||
              mseq_object_put_integer(args, "precision", text->numbers[0]) == MSEQ_OK);
        break;
    case BITS:
        ok = (!text->count ||
              mseq_object_put_integer(args, "length", text->numbers[0]) == MSEQ_OK) &&
             (!flag || mseq_object_put_boolean(args, "varying", true) == MSEQ_OK);
        break;
    case FIELDS:
        ok = (!text->fields[0] || mseq_object_put_text(args, "fields", text->fields) == MSEQ_OK) &&
             (!text->count ||
              mseq_object_put_integer(args, "precision", text->numbers[0]) == MSEQ_OK);
        break;
    case NONE:
        break;
    }
    return ok;
}

/* Takes over args. */
static mseq_value *make(const char *name, mseq_value *args) {
    mseq_value *type = mseq_value_object();
    if (mseq_object_put(type, "args", args) == MSEQ_OK &&
        mseq_object_put_text(type, "name", name) == MSEQ_OK)
        return type;
    mseq_value_free(type);
    return NULL;
}

static mseq_value *database_type(const char *text) {
    mseq_value *args = mseq_value_object();
    if (args && mseq_object_put_text(args, "text", text) != MSEQ_OK) {
        mseq_value_free(args);
        args = NULL;
    }
    return args ? make("DatabaseType", args) : NULL;
}

static mseq_value *enumeration(const mseq_value *column) {
    mseq_value *args = mseq_value_object();
    const char *schema = mseq_object_get_text(column, "enum_schema");
    bool ok =
        args &&
        mseq_object_put_text(args, "name", mseq_object_get_text(column, "enum_name")) == MSEQ_OK &&
        (!schema || mseq_object_put_text(args, "schema", schema) == MSEQ_OK) &&
        mseq_object_put(args, "values", mseq_value_dup(mseq_object_get(column, "labels"))) ==
            MSEQ_OK;
    if (ok)
        return make("PgENUM", args);
    mseq_value_free(args);
    return NULL;
}

static mseq_value *named_type(const char *text, const char *collation) {
    type_text parts;
    size_t i = ROWS;
    if (read_text(text, &parts))
        for (i = 0; i < ROWS && strcmp(rows[i].text, parts.base) != 0;)
            i++;
    /* NUMERIC(3, -2) is none of SQLAlchemy's */
    if (i == ROWS || parts.numbers[0] < 0 || parts.numbers[1] < 0)
        return database_type(text);
    mseq_value *args = mseq_value_object();
    bool ok = args && put_arguments(args, rows[i].takes, rows[i].flag, &parts) &&
              (!collation || mseq_object_put_text(args, "collation", collation) == MSEQ_OK);
    if (ok)
        return make(rows[i].name, args);
    mseq_value_free(args);
    return NULL;
}

mseq_value *postgresql_type_description(const mseq_value *column) {
    const char *text = mseq_object_get_text(column, "item");
    const char *kind = mseq_object_get_text(column, "item_kind");
    mseq_value *item;
    if (kind && *kind == 'e' && mseq_value_length(mseq_object_get(column, "labels")))
        item = enumeration(column);
    else if (kind && *kind == 'd')
        item = database_type(text);
    else
        item = named_type(text, mseq_object_get_text(column, "collation"));
    if (!item || !mseq_object_get_boolean(column, "array", false))
        return item;
    mseq_value *args = mseq_value_object();
    if (mseq_object_put(args, "item", item) == MSEQ_OK)
        return make("ARRAY", args);
    mseq_value_free(args);
    return NULL;
}
