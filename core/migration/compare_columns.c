/* SPDX-License-Identifier: MIT
 * Columns and primary keys of a table that both sides have. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* PostgreSQL keeps 63 bytes of a name (whole characters) and folds one that is never quoted; SQLite
 * does not tell cases apart. */
static bool names_same_column(const compare *c, const char *old, const char *new) {
    const mseq_column *column = mseq_table_column(c->new.table, new);
    if (c->dialect == MSEQ_SQLITE || (column && column->quote == 0))
        return strcasecmp(old, new) == 0;
    size_t kept = strlen(new) < MSEQ_IDENTIFIER_MAXIMUM ? strlen(new) : MSEQ_IDENTIFIER_MAXIMUM;
    while (kept && (new[kept] & 0xC0) == 0x80)
        kept--;
    return strlen(old) == kept && strncmp(old, new, kept) == 0;
}

const mseq_column *compare_old_column(const compare *c, const char *name) {
    const mseq_column *exact = mseq_table_column(c->old.table, name);
    for (size_t i = 0; !exact && i < mseq_table_column_count(c->old.table); i++) {
        const mseq_column *column = mseq_table_column_at(c->old.table, i);
        if (!mseq_table_column(c->new.table, column->name) &&
            names_same_column(c, column->name, name))
            exact = column;
    }
    return exact;
}

static bool is_kept(const compare *c, const mseq_column *old) {
    for (size_t i = 0; i < mseq_table_column_count(c->new.table); i++)
        if (compare_old_column(c, mseq_table_column_at(c->new.table, i)->name) == old)
            return true;
    return false;
}

/* ---- Primary key --------------------------------------------------------------------------- */

static bool same_key(const mseq_constraint *a, const mseq_constraint *b) {
    size_t a_count = a ? a->column_count : 0, b_count = b ? b->column_count : 0;
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (strcmp(a->columns[i], b->columns[i]) != 0)
            return false;
    return true;
}

/* A key where there was none, over one new column: the column may bring it along, and so the
 * database fills it (a SERIAL, a rowid). */
static bool key_is_new_column(const compare *c) {
    const mseq_constraint *key = mseq_table_primary_key(c->new.table);
    return key && !mseq_table_primary_key(c->old.table) && key->column_count == 1 &&
           !compare_old_column(c, key->columns[0]);
}

void compare_primary_key_drop(compare *c) {
    const mseq_constraint *old = mseq_table_primary_key(c->old.table);
    if (old && !same_key(old, mseq_table_primary_key(c->new.table)))
        compare_emit(c, compare_drop_constraint(c, &c->old, old));
}

void compare_primary_key_create(compare *c) {
    const mseq_constraint *new = mseq_table_primary_key(c->new.table);
    if (!new || same_key(mseq_table_primary_key(c->old.table), new) ||
        (c->dialect == MSEQ_SQLITE && key_is_new_column(c)))
        return;
    compare_emit(c, compare_create_constraint(c, &c->new, new));
}

/* ---- New columns --------------------------------------------------------------------------- */

static void add_column(compare *c, const mseq_column *column) {
    mseq_value *operation = compare_operation(c, "add_column"),
               *description = compare_column(c, side_column(&c->new, column));
    if (column->primary_key && !key_is_new_column(c)) {
        (void)mseq_object_remove(description, "primary_key");
        if (!c->m.failed && !mseq_object_get(description, "nullable"))
            maker_put(&c->m, description, "nullable", mseq_value_boolean(column->nullable));
    }
    maker_put(&c->m, operation, "column", description);
    compare_emit(c, operation);
}

/* ---- Server defaults ------------------------------------------------------------------------- */

static bool is_boolean(const mseq_type *type, mseq_dialect dialect) {
    const mseq_type *own = mseq_type_for(type, dialect);
    return strcasecmp(own->name, "boolean") == 0 ||
           (own->text && strcasecmp(own->text, "boolean") == 0);
}

/* The default's text without outer parentheses; on PostgreSQL a boolean's also without quotes. */
static char *default_text(compare *c, const mseq_column *column) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    if (mseq_ddl_server_default(c->dialect, &column->server_default, &sql, NULL) != MSEQ_OK)
        c->m.failed = true;
    char *text = mseq_buffer_take(&sql);
    mseq_buffer_free(&sql);
    c->m.failed = c->m.failed || !text;
    size_t length = text ? strlen(text) : 0;
    bool bare = length >= 2 && ((text[0] == '(' && text[length - 1] == ')') ||
                                (c->dialect == MSEQ_POSTGRESQL && text[0] == '\'' &&
                                 text[length - 1] == '\'' && is_boolean(column->type, c->dialect)));
    if (bare) {
        text[length - 1] = '\0';
        memmove(text, text + 1, length - 1);
    }
    return text;
}

/* "'7'" → 7 */
static bool quoted_number(const char *text, double *number) {
    size_t length = strlen(text);
    char digits[64];
    if (length < 3 || length > sizeof digits || text[0] != '\'' || text[length - 1] != '\'')
        return false;
    memcpy(digits, text + 1, length - 2);
    digits[length - 2] = '\0';
    return mseq_parse_double(digits, number);
}

/* PostgreSQL keeps the default '7' of a number as 7. */
static bool same_default_text(compare *c, const char *a, const char *b) {
    double left, right;
    bool number = mseq_parse_double(a, &left), other = mseq_parse_double(b, &right);
    if ((number && other) ||
        (c->dialect == MSEQ_POSTGRESQL &&
         ((number && quoted_number(b, &right)) || (other && quoted_number(a, &left)))))
        return left == right;
    return mseq_expression_equivalent(a, b, c->failed);
}

/* SERIAL: the sequence is the database's own. */
static bool is_sequence(const mseq_column *column) {
    return column->server_default.kind == MSEQ_DEFAULT_TEXT &&
           strncmp(column->server_default.text, "nextval(", 8) == 0;
}

/* PostgreSQL does not keep DEFAULT NULL, which holds anyway. */
static bool has_default(const compare *c, const mseq_column *column) {
    const mseq_server_default *own = &column->server_default;
    bool null = own->kind == MSEQ_DEFAULT_NULL ||
                (own->kind == MSEQ_DEFAULT_TEXT && strcasecmp(own->text, "null") == 0);
    return own->kind != MSEQ_DEFAULT_NONE && !(null && c->dialect == MSEQ_POSTGRESQL);
}

static bool same_default(compare *c, const mseq_column *old, const mseq_column *new) {
    bool before = has_default(c, old), after = has_default(c, new);
    if (!before || !after)
        return before == after || (before && is_sequence(old) && new->primary_key);
    char *a = default_text(c, old), *b = default_text(c, new);
    bool same = a && b && same_default_text(c, a, b);
    free(a);
    free(b);
    return same;
}

/* ---- Identity ----------------------------------------------------------------------------------
 */

/* Options that say what holds anyway. */
static bool is_default_option(const char *key, const mseq_value *value) {
    int64_t number = mseq_value_get_integer(value, -1);
    if (strcmp(key, "start") == 0 || strcmp(key, "increment") == 0 || strcmp(key, "cache") == 0 ||
        strcmp(key, "minvalue") == 0)
        return number == 1;
    if (strcmp(key, "maxvalue") == 0)
        return number == INT16_MAX || number == INT32_MAX || number == INT64_MAX;
    return mseq_value_kind(value) == MSEQ_BOOLEAN &&
           (!mseq_value_get_boolean(value, false) || strncmp(key, "no", 2) == 0);
}

static bool covers(const mseq_value *a, const mseq_value *b) {
    for (size_t i = 0; i < mseq_value_length(a); i++) {
        const char *key = mseq_object_key_at(a, i);
        const mseq_value *value = mseq_object_value_at(a, i), *other = mseq_object_get(b, key);
        if (other ? !mseq_value_equal(value, other) : !is_default_option(key, value))
            return false;
    }
    return true;
}

static bool same_identity(const compare *c, const mseq_column *old, const mseq_column *new) {
    if (c->dialect == MSEQ_SQLITE)
        return true;
    if (!old->identity || !new->identity)
        return !old->identity == !new->identity;
    return covers(old->identity, new->identity) && covers(new->identity, old->identity);
}

/* ---- Changed columns ---------------------------------------------------------------------------
 */

/* An INTEGER primary key of SQLite is the rowid: never NULL, whatever is declared. */
static bool is_rowid(const compare *c, const mseq_column *old) {
    const mseq_constraint *key = mseq_table_primary_key(c->old.table);
    return c->dialect == MSEQ_SQLITE && old->primary_key && key->column_count == 1 &&
           strcmp(mseq_type_for(old->type, c->dialect)->name, "INTEGER") == 0;
}

static bool nullable_differs(const compare *c, const mseq_column *old, const mseq_column *new) {
    if (old->identity || new->identity ||
        ((old->computed || new->computed) && !new->nullable_given))
        return false;
    /* a key is never NULL on PostgreSQL, nor is a rowid */
    if (is_rowid(c, old) || (c->dialect == MSEQ_POSTGRESQL && old->primary_key && new->primary_key))
        return false;
    return old->nullable != new->nullable;
}

static mseq_value *drop_marker(compare *c) {
    mseq_value *none = maker_object(&c->m);
    maker_flag(&c->m, none, "drop", true);
    return none;
}

/* A default as alter_column takes it: the column's own, or its identity. NULL: none. */
static mseq_value *default_value(compare *c, const mseq_value *column) {
    const mseq_value *identity = mseq_object_get(column, "identity"),
                     *own = mseq_object_get(column, "server_default");
    if (!identity) {
        mseq_value *copy = own ? mseq_value_dup(own) : NULL;
        c->m.failed = c->m.failed || (own && !copy);
        return copy;
    }
    mseq_value *wrapped = maker_object(&c->m);
    maker_copy(&c->m, wrapped, "identity", identity);
    return wrapped;
}

static const char *comment_of(const mseq_column *column) {
    return column->comment && *column->comment ? column->comment : NULL;
}

/* What of a column is to change. */
typedef struct change {
    bool name, nullable, type, server_default, comment;
} change;

static change find_change(compare *c, const mseq_column *old, const mseq_column *new) {
    bool computed = old->computed || new->computed;
    return (change){
        .name = c->dialect == MSEQ_SQLITE && strcmp(old->name, new->name) != 0,
        .nullable = nullable_differs(c, old, new),
        .type = !mseq_type_equivalent(old->type, new->type, c->dialect),
        .server_default = !computed && (!same_default(c, old, new) || !same_identity(c, old, new)),
        .comment =
            c->dialect == MSEQ_POSTGRESQL && !compare_text_equal(comment_of(old), comment_of(new)),
    };
}

/* What was there before; {drop: true} says that nothing was, where the reverse has to know. */
static void put_existing(compare *c, mseq_value *operation, const mseq_column *old, change what) {
    const mseq_value *described = side_column(&c->old, old);
    mseq_value *existing = default_value(c, described);
    maker_copy(&c->m, operation, "existing_type", mseq_object_get(described, "type"));
    maker_put(&c->m, operation, "existing_nullable", mseq_value_boolean(old->nullable));
    if (existing || what.server_default)
        maker_put(&c->m, operation, "existing_server_default",
                  existing ? existing : drop_marker(c));
    if (comment_of(old))
        maker_text(&c->m, operation, "existing_comment", old->comment);
    else if (what.comment)
        maker_put(&c->m, operation, "existing_comment", drop_marker(c));
}

static void alter_column(compare *c, const mseq_column *old, const mseq_column *new) {
    change what = find_change(c, old, new);
    if (!what.name && !what.nullable && !what.type && !what.server_default && !what.comment)
        return;
    const mseq_value *described = side_column(&c->new, new);
    mseq_value *operation = compare_operation(c, "alter_column");
    maker_text(&c->m, operation, "column", old->name);
    if (what.nullable)
        maker_put(&c->m, operation, "nullable", mseq_value_boolean(new->nullable));
    if (what.type)
        maker_copy(&c->m, operation, "type", mseq_object_get(described, "type"));
    if (what.server_default) {
        mseq_value *value = default_value(c, described);
        maker_put(&c->m, operation, "server_default", value ? value : drop_marker(c));
    }
    if (what.comment)
        maker_put(&c->m, operation, "comment",
                  comment_of(new) ? mseq_value_string(new->comment) : drop_marker(c));
    if (what.name)
        maker_text(&c->m, operation, "new_name", new->name);
    put_existing(c, operation, old, what);
    compare_emit(c, operation);
}

void compare_columns_add_and_alter(compare *c) {
    for (size_t i = 0; i < mseq_table_column_count(c->new.table); i++) {
        const mseq_column *column = mseq_table_column_at(c->new.table, i);
        if (!compare_old_column(c, column->name))
            add_column(c, column);
    }
    for (size_t i = 0; i < mseq_table_column_count(c->new.table); i++) {
        const mseq_column *new = mseq_table_column_at(c->new.table, i),
                          *old = compare_old_column(c, new->name);
        if (old)
            alter_column(c, old, new);
    }
}

void compare_columns_drop(compare *c) {
    for (size_t i = 0; i < mseq_table_column_count(c->old.table); i++) {
        const mseq_column *column = mseq_table_column_at(c->old.table, i);
        if (is_kept(c, column))
            continue;
        mseq_value *operation = compare_operation(c, "drop_column");
        maker_text(&c->m, operation, "column", column->name);
        maker_put(&c->m, operation, "existing_column",
                  compare_column(c, side_column(&c->old, column)));
        compare_emit(c, operation);
    }
}
