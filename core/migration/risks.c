/* SPDX-License-Identifier: MIT
 * What an author should know before an operation runs: lost data, failures on existing rows, locks,
 * readers that break. */
#include <stdlib.h>
#include <string.h>

#include "migration_private.h"

typedef struct list {
    maker m;
    mseq_value *risks;
} list;

static void add(list *l, const char *code, char *message) {
    mseq_value *risk = maker_object(&l->m);
    l->m.failed = l->m.failed || !message;
    maker_text(&l->m, risk, "code", code);
    maker_text(&l->m, risk, "message", message);
    maker_add(&l->m, l->risks, risk);
    free(message);
}

static bool given(const mseq_value *operation, const char *key) {
    return !mseq_value_is_null(mseq_object_get(operation, key));
}

static bool postgresql_flag(const mseq_value *operation, const char *key) {
    return mseq_object_get_boolean(mseq_object_get(operation, "postgresql"), key, false);
}

static void of_add_column(list *l, const mseq_value *operation) {
    const mseq_value *column = mseq_object_get(operation, "column");
    const char *table = text_of(operation, "table"), *name = text_of(column, "name");
    bool filled =
        given(column, "server_default") || given(column, "computed") || given(column, "identity");
    bool required = mseq_object_get_boolean(column, "primary_key", false) ||
                    !mseq_object_get_boolean(column, "nullable", true);
    if (required && !filled)
        add(l, "not_null_without_default",
            mseq_text_format(
                "column '%s' is NOT NULL without a server default: it fails as soon as "
                "table '%s' has rows",
                name ? name : "", table));
    if (given(column, "computed"))
        add(l, "table_rewrite",
            mseq_text_format("the computed column '%s' rewrites table '%s' under an exclusive lock",
                             name ? name : "", table));
}

/* Types of one kind, whatever they are called; the first three widen in this order, the last takes
 * anything. -1: another. */
static int kind_of(const mseq_type *type) {
    static const char *const kinds[][4] = {
        {"SmallInteger", "SMALLINT"},      {"Integer", "INTEGER", "INT"},
        {"BigInteger", "BIGINT"},          {"String", "VARCHAR", "Unicode"},
        {"Numeric", "NUMERIC", "DECIMAL"}, {"Text", "TEXT", "UnicodeText", "CLOB"}};
    for (int kind = 0; kind < (int)(sizeof kinds / sizeof *kinds); kind++)
        for (size_t i = 0; i < 4 && kinds[kind][i]; i++)
            if (strcmp(type->name, kinds[kind][i]) == 0)
                return kind;
    return -1;
}

/* Whether every value of `from` surely fits into `to`; when that is not plain, it does not. */
static bool widens(const mseq_type *from, const mseq_type *to) {
    int a = kind_of(from), b = kind_of(to);
    if (b == 5)
        return to->length < 0;
    if (a >= 0 && a <= 2 && b >= 0 && b <= 2)
        return a <= b;
    if (a != b || (a < 0 && (from->text || strcmp(from->name, to->name) != 0)))
        return false;
    if (to->length >= 0 && (from->length < 0 || from->length > to->length))
        return false;
    if (to->precision < 0)
        return true;
    int64_t to_scale = to->scale < 0 ? 0 : to->scale,
            from_scale = from->scale < 0 ? 0 : from->scale;
    return from->precision >= 0 && from_scale <= to_scale &&
           from->precision - from_scale <= to->precision - to_scale;
}

/* A column of the operation's type; NULL when it has none that can be told. */
static mseq_table *column_of(list *l, const mseq_value *operation, const char *type_key) {
    mseq_table *table = NULL;
    if (given(operation, type_key) &&
        op_altered_column(operation, type_key, "none", &table, NULL) == MSEQ_E_NO_MEMORY)
        l->m.failed = true;
    return table;
}

static void of_type(list *l, const mseq_value *operation) {
    mseq_table *before = column_of(l, operation, "existing_type"),
               *after = column_of(l, operation, "type");
    if (!before || !after ||
        !widens(mseq_table_column_at(before, 0)->type, mseq_table_column_at(after, 0)->type))
        add(l, "type_narrowing",
            mseq_text_format("the new type of '%s.%s' may not hold every value of the old one",
                             text_of(operation, "table"), text_of(operation, "column")));
    add(l, "table_rewrite",
        mseq_text_format(
            "changing the type of '%s.%s' may rewrite the table under an exclusive lock",
            text_of(operation, "table"), text_of(operation, "column")));
    mseq_table_free(before);
    mseq_table_free(after);
}

static void of_alter_column(list *l, const mseq_value *operation) {
    if (given(operation, "type"))
        of_type(l, operation);
    if (given(operation, "nullable") && !mseq_object_get_boolean(operation, "nullable", true))
        add(l, "not_null",
            mseq_text_format("'%s.%s' becomes NOT NULL: it fails while a row holds NULL, and scans "
                             "the table under an exclusive lock",
                             text_of(operation, "table"), text_of(operation, "column")));
    if (given(operation, "new_name"))
        add(l, "breaks_readers",
            mseq_text_format("column '%s.%s' is renamed to '%s': statements that use the old name "
                             "fail from then on",
                             text_of(operation, "table"), text_of(operation, "column"),
                             text_of(operation, "new_name")));
}

static void of_index(list *l, const mseq_value *operation) {
    const char *table = text_of(operation, "table");
    if (!postgresql_flag(operation, "concurrently"))
        add(l, "index_blocks_writes",
            mseq_text_format("on PostgreSQL the index blocks writes to '%s' while it is built; "
                             "postgresql = {concurrently = true} does not",
                             table));
    if (mseq_object_get_boolean(operation, "unique", false))
        add(l, "duplicates",
            mseq_text_format("the unique index fails while '%s' holds duplicates", table));
}

static void of_constraint(list *l, const mseq_value *operation, op_kind kind) {
    bool key = kind == OP_CREATE_FOREIGN_KEY;
    const char *table = text_of(operation, key ? "source_table" : "table");
    if (kind == OP_CREATE_UNIQUE || kind == OP_CREATE_PRIMARY_KEY)
        add(l, "duplicates",
            mseq_text_format("the constraint fails while '%s' holds duplicates%s, and its index is "
                             "built under an exclusive lock",
                             table, kind == OP_CREATE_PRIMARY_KEY ? " or NULL" : ""));
    else if (!postgresql_flag(operation, "not_valid"))
        add(l, "validation_lock",
            mseq_text_format("the constraint checks every row of '%s' under a lock that blocks "
                             "writes; postgresql = {not_valid = true} does not",
                             table));
}

static void of_drop(list *l, const mseq_value *operation, op_kind kind) {
    if (kind == OP_DROP_TABLE)
        add(l, "data_loss",
            mseq_text_format("table '%s' is dropped with all its rows",
                             text_of(operation, "name")));
    else
        add(l, "data_loss",
            mseq_text_format("column '%s.%s' is dropped with its values",
                             text_of(operation, "table"), text_of(operation, "column")));
}

static void collect(list *l, const mseq_value *operation, op_kind kind) {
    switch (kind) {
    case OP_DROP_TABLE:
    case OP_DROP_COLUMN:
        of_drop(l, operation, kind);
        break;
    case OP_RENAME_TABLE:
        add(l, "breaks_readers",
            mseq_text_format("table '%s' is renamed to '%s': statements that use the old name fail "
                             "from then on",
                             text_of(operation, "old_name"), text_of(operation, "new_name")));
        break;
    case OP_ADD_COLUMN:
        of_add_column(l, operation);
        break;
    case OP_ALTER_COLUMN:
        of_alter_column(l, operation);
        break;
    case OP_CREATE_INDEX:
        of_index(l, operation);
        break;
    case OP_CREATE_UNIQUE:
    case OP_CREATE_CHECK:
    case OP_CREATE_PRIMARY_KEY:
    case OP_CREATE_FOREIGN_KEY:
        of_constraint(l, operation, kind);
        break;
    case OP_EXECUTE:
        add(l, "opaque", mseq_text_dup("what the SQL text does is not known; it is not reversed"));
        break;
    default:
        break;
    }
}

mseq_status mseq_migration_risks(const mseq_value *operation, mseq_value **risks, mseq_error *err) {
    op_kind kind;
    mseq_status status = op_check(operation, &kind, err);
    if (status != MSEQ_OK)
        return status;
    list l = {.m = {false}};
    l.risks = maker_array(&l.m);
    collect(&l, operation, kind);
    return maker_finish(&l.m, l.risks, risks, err);
}
