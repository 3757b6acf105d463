/* SPDX-License-Identifier: MIT
 * CREATE TABLE: the constraints of columns and of the table. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_parse.h"

typedef struct table_reader {
    sqlite_reader tokens;
    mseq_value *table;     /* the description that is filled */
    char *constraint_name; /* of CONSTRAINT name, for the constraint that follows */
    mseq_value *last_key;  /* the last foreign key: DEFERRABLE belongs to it */
    size_t column;         /* number of the column definition */
} table_reader;

static void put(table_reader *r, mseq_value *object, const char *key, mseq_value *value) {
    if (mseq_object_put(object, key, value) != MSEQ_OK)
        r->tokens.failed = true;
}

static void put_text(table_reader *r, mseq_value *object, const char *key, const char *text) {
    put(r, object, key, mseq_value_string(text));
}

/* A new constraint in a list of the table, with the name that waits. NULL without memory. */
static mseq_value *add_constraint(table_reader *r, const char *list) {
    mseq_value *constraint = mseq_value_object();
    if (!mseq_object_get(r->table, list))
        put(r, r->table, list, mseq_value_array());
    mseq_value *into = mseq_object_peek(r->table, list);
    if (mseq_array_add(into, constraint) != MSEQ_OK) {
        r->tokens.failed = true;
        constraint = NULL;
    }
    if (constraint && r->constraint_name) {
        put_text(r, constraint, "name", r->constraint_name);
        put(r, constraint, "name_final", mseq_value_boolean(true));
    }
    free(r->constraint_name);
    r->constraint_name = NULL;
    return constraint;
}

/* "(a, b COLLATE x DESC, …)" → names as the table spells them, or as written. */
static mseq_value *read_columns(table_reader *r, bool own) {
    mseq_value *names = mseq_value_array();
    if (!sqlite_reader_take_byte(&r->tokens, '('))
        return names;
    while (r->tokens.token.kind != LITE_TOKEN_END && !r->tokens.failed) {
        char *name = sqlite_reader_name(&r->tokens);
        const char *spelt = name && own ? sqlite_column_spelling(r->table, name) : name;
        if (!names || (spelt && mseq_array_add(names, mseq_value_string(spelt)) != MSEQ_OK))
            r->tokens.failed = true;
        free(name);
        while (r->tokens.token.kind != LITE_TOKEN_END && !sqlite_reader_is_byte(&r->tokens, ',') &&
               !sqlite_reader_is_byte(&r->tokens, ')')) {
            if (own && sqlite_reader_is(&r->tokens, "AUTOINCREMENT"))
                put(r, mseq_object_peek(r->table, "sqlite"), "autoincrement",
                    mseq_value_boolean(true));
            sqlite_reader_next(&r->tokens);
        }
        if (!sqlite_reader_take_byte(&r->tokens, ','))
            break;
    }
    sqlite_reader_take_byte(&r->tokens, ')');
    return names;
}

static mseq_value *this_column(table_reader *r) {
    mseq_value *columns = mseq_object_peek(r->table, "columns");
    return mseq_array_peek(columns, r->column);
}

static const char *this_column_name(table_reader *r) {
    return mseq_object_get_text(this_column(r), "name");
}

static void add_this_column(table_reader *r, mseq_value *constraint, const char *key) {
    mseq_value *names = mseq_value_array();
    if (!names || mseq_array_add(names, mseq_value_string(this_column_name(r))) != MSEQ_OK)
        r->tokens.failed = true;
    put(r, constraint, key, names);
}

static void skip_conflict(table_reader *r) {
    if (sqlite_reader_is(&r->tokens, "ON")) {
        sqlite_reader_next(&r->tokens);
        sqlite_reader_take(&r->tokens, "CONFLICT");
        sqlite_reader_next(&r->tokens);
    }
}

/* ---- Constraints that columns and tables share ------------------------------------------------
 */

static void read_primary_key(table_reader *r, bool of_column) {
    mseq_value *key = mseq_value_object();
    sqlite_reader_take(&r->tokens, "KEY");
    if (of_column)
        add_this_column(r, key, "columns");
    else
        put(r, key, "columns", read_columns(r, true));
    if (r->constraint_name) {
        put_text(r, key, "name", r->constraint_name);
        put(r, key, "name_final", mseq_value_boolean(true));
        free(r->constraint_name);
        r->constraint_name = NULL;
    }
    put(r, r->table, "primary_key", key);
    if (!sqlite_reader_take(&r->tokens, "ASC"))
        sqlite_reader_take(&r->tokens, "DESC");
    skip_conflict(r);
    if (sqlite_reader_take(&r->tokens, "AUTOINCREMENT"))
        put(r, mseq_object_peek(r->table, "sqlite"), "autoincrement", mseq_value_boolean(true));
}

static void read_unique(table_reader *r, bool of_column) {
    mseq_value *unique = add_constraint(r, "unique_constraints");
    if (!unique)
        return;
    if (of_column)
        add_this_column(r, unique, "columns");
    else
        put(r, unique, "columns", read_columns(r, true));
    skip_conflict(r);
}

static void read_check(table_reader *r) {
    const char *text;
    size_t length;
    if (!sqlite_reader_group(&r->tokens, &text, &length))
        return;
    mseq_value *check = add_constraint(r, "check_constraints");
    if (check)
        put(r, check, "sqltext", mseq_value_string_n(text, length));
    skip_conflict(r);
}

/* ON DELETE SET NULL, … as written in capitals; NULL for NO ACTION, which is the default. */
static const char *read_action(table_reader *r) {
    if (sqlite_reader_take(&r->tokens, "CASCADE"))
        return "CASCADE";
    if (sqlite_reader_take(&r->tokens, "RESTRICT"))
        return "RESTRICT";
    if (sqlite_reader_take(&r->tokens, "SET")) {
        if (sqlite_reader_take(&r->tokens, "NULL"))
            return "SET NULL";
        return sqlite_reader_take(&r->tokens, "DEFAULT") ? "SET DEFAULT" : NULL;
    }
    if (sqlite_reader_take(&r->tokens, "NO"))
        sqlite_reader_take(&r->tokens, "ACTION");
    return NULL;
}

static void read_references(table_reader *r, mseq_value *key) {
    char *table = sqlite_reader_name(&r->tokens);
    put_text(r, key, "referred_table", table ? table : "");
    free(table);
    put(r, key, "referred_columns", read_columns(r, false));
    for (;;) {
        if (sqlite_reader_take(&r->tokens, "ON")) {
            bool deletes = sqlite_reader_is(&r->tokens, "DELETE");
            bool updates = sqlite_reader_is(&r->tokens, "UPDATE");
            sqlite_reader_next(&r->tokens);
            const char *action = read_action(r);
            if (action && (deletes || updates))
                put_text(r, key, deletes ? "ondelete" : "onupdate", action);
        } else if (sqlite_reader_take(&r->tokens, "MATCH")) {
            char *match = sqlite_reader_name(&r->tokens);
            put_text(r, key, "match", match);
            free(match);
        } else {
            break;
        }
    }
    r->last_key = key;
}

/* [NOT] DEFERRABLE [INITIALLY x]; false when it is something else. */
static bool read_deferrable(table_reader *r) {
    sqlite_reader before = r->tokens;
    bool not = sqlite_reader_take(&r->tokens, "NOT");
    if (!sqlite_reader_take(&r->tokens, "DEFERRABLE")) {
        r->tokens = before;
        return false;
    }
    const char *initially = NULL;
    if (sqlite_reader_take(&r->tokens, "INITIALLY")) {
        initially = sqlite_reader_is(&r->tokens, "DEFERRED") ? "DEFERRED" : "IMMEDIATE";
        sqlite_reader_next(&r->tokens);
    }
    if (r->last_key) {
        put(r, r->last_key, "deferrable", mseq_value_boolean(!not ));
        if (initially)
            put_text(r, r->last_key, "initially", initially);
    }
    return true;
}

static void take_constraint_name(table_reader *r) {
    free(r->constraint_name);
    r->constraint_name = sqlite_reader_name(&r->tokens);
}

static void drop_constraint_name(table_reader *r) {
    free(r->constraint_name);
    r->constraint_name = NULL;
}

/* ---- Columns ---------------------------------------------------------------------------------
 */

static void read_computed(table_reader *r) {
    const char *text;
    size_t length;
    mseq_value *computed = mseq_object_peek(this_column(r), "computed");
    if (sqlite_reader_group(&r->tokens, &text, &length) && computed)
        put(r, computed, "sqltext", mseq_value_string_n(text, length));
    drop_constraint_name(r);
}

static void skip_default(table_reader *r) {
    const char *text;
    size_t length;
    if (sqlite_reader_group(&r->tokens, &text, &length))
        return;
    if (!sqlite_reader_take_byte(&r->tokens, '-'))
        sqlite_reader_take_byte(&r->tokens, '+');
    sqlite_reader_next(&r->tokens);
}

static void read_collation(table_reader *r) {
    char *name = sqlite_reader_name(&r->tokens);
    if (name)
        put_text(r, this_column(r), "collation", name);
    free(name);
}

static bool at_column_end(const table_reader *r) {
    return r->tokens.token.kind == LITE_TOKEN_END || sqlite_reader_is_byte(&r->tokens, ',') ||
           sqlite_reader_is_byte(&r->tokens, ')');
}

static void read_column_constraint(table_reader *r) {
    if (sqlite_reader_take(&r->tokens, "CONSTRAINT")) {
        take_constraint_name(r);
        return;
    }
    if (sqlite_reader_take(&r->tokens, "PRIMARY")) {
        read_primary_key(r, true);
    } else if (sqlite_reader_take(&r->tokens, "UNIQUE")) {
        read_unique(r, true);
    } else if (sqlite_reader_take(&r->tokens, "CHECK")) {
        read_check(r);
    } else if (sqlite_reader_take(&r->tokens, "DEFAULT")) {
        skip_default(r);
        drop_constraint_name(r);
    } else if (sqlite_reader_take(&r->tokens, "COLLATE")) {
        read_collation(r);
    } else if (sqlite_reader_take(&r->tokens, "REFERENCES")) {
        mseq_value *key = add_constraint(r, "foreign_keys");
        if (key) {
            add_this_column(r, key, "columns");
            read_references(r, key);
        }
    } else if (sqlite_reader_take(&r->tokens, "AS")) {
        read_computed(r);
    } else if (!read_deferrable(r)) { /* NOT NULL, NULL, GENERATED ALWAYS, STORED */
        if (sqlite_reader_is(&r->tokens, "NULL"))
            drop_constraint_name(r);
        sqlite_reader_next(&r->tokens);
        skip_conflict(r);
    }
}

/* Words of a type reach to the first word that starts a constraint. */
static bool at_constraint(const table_reader *r) {
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "NOT",      "NULL",
                                        "UNIQUE",     "CHECK",   "DEFAULT",  "COLLATE",
                                        "REFERENCES", "AS",      "GENERATED"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sqlite_reader_is(&r->tokens, words[i]))
            return true;
    return false;
}

/* Column definitions come in the order of the table's columns. */
static void read_column(table_reader *r) {
    const char *text;
    size_t length;
    sqlite_reader_next(&r->tokens); /* its name */
    while (!at_column_end(r) && !at_constraint(r))
        if (!sqlite_reader_group(&r->tokens, &text, &length))
            sqlite_reader_next(&r->tokens);
    while (!at_column_end(r) && !r->tokens.failed)
        read_column_constraint(r);
    drop_constraint_name(r);
    r->last_key = NULL;
    r->column++;
}

/* ---- The table -------------------------------------------------------------------------------
 */

static bool at_table_constraint(const table_reader *r) {
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sqlite_reader_is(&r->tokens, words[i]))
            return true;
    return false;
}

static void read_table_constraint(table_reader *r) {
    if (sqlite_reader_take(&r->tokens, "CONSTRAINT")) {
        take_constraint_name(r);
    } else if (sqlite_reader_take(&r->tokens, "PRIMARY")) {
        read_primary_key(r, false);
    } else if (sqlite_reader_take(&r->tokens, "UNIQUE")) {
        read_unique(r, false);
    } else if (sqlite_reader_take(&r->tokens, "CHECK")) {
        read_check(r);
    } else if (sqlite_reader_take(&r->tokens, "FOREIGN")) {
        sqlite_reader_take(&r->tokens, "KEY");
        mseq_value *key = add_constraint(r, "foreign_keys");
        if (!key)
            return;
        put(r, key, "columns", read_columns(r, true));
        if (sqlite_reader_take(&r->tokens, "REFERENCES"))
            read_references(r, key);
    } else if (!read_deferrable(r)) {
        sqlite_reader_next(&r->tokens);
    }
}

static void read_tail(table_reader *r) {
    mseq_value *options = mseq_object_peek(r->table, "sqlite");
    while (r->tokens.token.kind != LITE_TOKEN_END && !r->tokens.failed) {
        if (sqlite_reader_take(&r->tokens, "WITHOUT"))
            put(r, options, "with_rowid", mseq_value_boolean(false));
        else if (sqlite_reader_is(&r->tokens, "STRICT"))
            put(r, options, "strict", mseq_value_boolean(true));
        sqlite_reader_next(&r->tokens);
    }
}

mseq_status sqlite_parse_table(const char *sql, mseq_value *table, mseq_error *err) {
    table_reader r = {.table = table};
    sqlite_reader_start(&r.tokens, sql);
    sqlite_reader_take(&r.tokens, "CREATE");
    if (!sqlite_reader_take(&r.tokens, "TEMP"))
        sqlite_reader_take(&r.tokens, "TEMPORARY");
    if (!sqlite_reader_take(&r.tokens, "TABLE"))
        return MSEQ_OK; /* a virtual table */
    put(&r, table, "sqlite", mseq_value_object());
    while (r.tokens.token.kind != LITE_TOKEN_END && !sqlite_reader_take_byte(&r.tokens, '('))
        sqlite_reader_next(&r.tokens);
    while (!r.tokens.failed && r.tokens.token.kind != LITE_TOKEN_END && !at_table_constraint(&r)) {
        read_column(&r);
        if (!sqlite_reader_take_byte(&r.tokens, ','))
            break;
    }
    /* commas between table constraints may be missing */
    while (!r.tokens.failed && r.tokens.token.kind != LITE_TOKEN_END &&
           !sqlite_reader_take_byte(&r.tokens, ')'))
        read_table_constraint(&r);
    read_tail(&r);
    drop_constraint_name(&r);
    return r.tokens.failed ? mseq_error_no_memory(err) : MSEQ_OK;
}
