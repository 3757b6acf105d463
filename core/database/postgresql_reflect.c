/* SPDX-License-Identifier: MIT
 * A table's description from its row of the catalog. Names are those of the database. Not carried:
 * exclusion constraints, storage, inheritance and partitions, collations of index elements. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_reflect.h"

/* The member, unless it is null or absent. */
static const mseq_value *given(const mseq_value *object, const char *key) {
    const mseq_value *value = mseq_object_get(object, key);
    return mseq_value_is_null(value) ? NULL : value;
}

static bool copy(mseq_value *to, const char *key, const mseq_value *from, const char *from_key) {
    const mseq_value *value = given(from, from_key);
    return !value || mseq_object_put(to, key, mseq_value_dup(value)) == MSEQ_OK;
}

/* As put, but an empty object is dropped. */
static bool put_unless_empty(mseq_value *to, const char *key, mseq_value *object) {
    if (object && mseq_value_length(object) == 0) {
        mseq_value_free(object);
        return true;
    }
    return mseq_object_put(to, key, object) == MSEQ_OK;
}

static bool put_true(mseq_value *to, const char *key, const mseq_value *from) {
    return !mseq_object_get_boolean(from, key, false) ||
           mseq_object_put_boolean(to, key, true) == MSEQ_OK;
}

static bool put_name(mseq_value *to, const mseq_value *from) {
    return copy(to, "name", from, "name") &&
           mseq_object_put_boolean(to, "name_final", true) == MSEQ_OK;
}

/* The object if it is whole; else it is freed. */
static mseq_value *whole(mseq_value *object, bool ok) {
    if (ok)
        return object;
    mseq_value_free(object);
    return NULL;
}

/* ---- Columns -----------------------------------------------------------------------------------
 */

static bool put_identity(mseq_value *column, const mseq_value *row) {
    const char *kind = mseq_object_get_text(row, "identity");
    if (!kind || !*kind)
        return true;
    mseq_value *identity = mseq_value_object();
    const mseq_value *sequence = mseq_object_get(row, "sequence");
    bool ok = identity && mseq_object_put_boolean(identity, "always", *kind == 'a') == MSEQ_OK;
    for (size_t i = 0; ok && i < mseq_value_length(sequence); i++)
        ok = copy(identity, mseq_object_key_at(sequence, i), sequence,
                  mseq_object_key_at(sequence, i));
    identity = whole(identity, ok);
    return mseq_object_put(column, "identity", identity) == MSEQ_OK;
}

/* Comparison needs to know that the sequence comes and goes with the column (SERIAL). */
static bool put_owned_sequence(mseq_value *column, const mseq_value *row) {
    mseq_value *info = mseq_value_object();
    return put_unless_empty(column, "info",
                            whole(info, info && put_true(info, "owned_sequence", row)));
}

/* A default, or what a generated column is computed from. */
static bool put_expression(mseq_value *column, const mseq_value *row) {
    const char *text = mseq_object_get_text(row, "default");
    const char *generated = mseq_object_get_text(row, "generated");
    if (!text)
        return true;
    if (!generated || !*generated)
        return mseq_object_put(column, "server_default",
                               database_default_description(text, false)) == MSEQ_OK &&
               (strncmp(text, "nextval(", 8) != 0 || put_owned_sequence(column, row));
    mseq_value *computed = mseq_value_object();
    computed = whole(
        computed, computed && mseq_object_put_text(computed, "sqltext", text) == MSEQ_OK &&
                      mseq_object_put_boolean(computed, "persisted", *generated == 's') == MSEQ_OK);
    return mseq_object_put(column, "computed", computed) == MSEQ_OK;
}

static mseq_value *column_description(const mseq_value *row) {
    mseq_value *column = mseq_value_object();
    return whole(column,
                 column && copy(column, "name", row, "name") &&
                     mseq_object_put(column, "type", postgresql_type_description(row)) == MSEQ_OK &&
                     copy(column, "nullable", row, "nullable") &&
                     copy(column, "comment", row, "comment") && put_identity(column, row) &&
                     put_expression(column, row));
}

/* ---- Constraints -------------------------------------------------------------------------------
 */

/* RESTRICT and its like; NULL for NO ACTION, which holds anyway. */
static const char *action(const char *letter) {
    switch (letter ? *letter : '\0') {
    case 'r':
        return "RESTRICT";
    case 'c':
        return "CASCADE";
    case 'n':
        return "SET NULL";
    case 'd':
        return "SET DEFAULT";
    default:
        return NULL;
    }
}

static bool put_ondelete(mseq_value *key, const mseq_value *row) {
    const char *text = action(mseq_object_get_text(row, "ondelete"));
    const char *columns = mseq_object_get_text(row, "ondelete_columns");
    if (!text || !columns)
        return !text || mseq_object_put_text(key, "ondelete", text) == MSEQ_OK;
    char *full = mseq_text_format("%s (%s)", text, columns);
    bool ok = full && mseq_object_put_text(key, "ondelete", full) == MSEQ_OK;
    free(full);
    return ok;
}

static bool put_foreign_key(mseq_value *key, const mseq_value *row) {
    const char *onupdate = action(mseq_object_get_text(row, "onupdate"));
    const char *match = mseq_object_get_text(row, "match");
    return copy(key, "referred_table", row, "referred_table") &&
           copy(key, "referred_schema", row, "referred_schema") &&
           copy(key, "referred_columns", row, "referred_columns") && put_ondelete(key, row) &&
           (!onupdate || mseq_object_put_text(key, "onupdate", onupdate) == MSEQ_OK) &&
           (!match || *match != 'f' || mseq_object_put_text(key, "match", "FULL") == MSEQ_OK);
}

static bool put_timing(mseq_value *constraint, const mseq_value *row) {
    return put_true(constraint, "deferrable", row) &&
           (!mseq_object_get_boolean(row, "deferred", false) ||
            mseq_object_put_text(constraint, "initially", "DEFERRED") == MSEQ_OK);
}

static bool put_options(mseq_value *constraint, const mseq_value *row) {
    mseq_value *options = mseq_value_object();
    options = whole(options, options && copy(options, "include", row, "include") &&
                                 put_true(options, "nulls_not_distinct", row) &&
                                 put_true(options, "not_valid", row) &&
                                 put_true(options, "no_inherit", row) &&
                                 copy(options, "comment", row, "comment"));
    return put_unless_empty(constraint, "postgresql", options);
}

static mseq_value *constraint_description(const mseq_value *row, char kind) {
    mseq_value *constraint = mseq_value_object();
    bool ok = constraint && put_name(constraint, row) &&
              (kind == 'c'
                   ? copy(constraint, "sqltext", row, "sqltext")
                   : copy(constraint, "columns", row, "columns") && put_timing(constraint, row)) &&
              (kind != 'f' || put_foreign_key(constraint, row)) && put_options(constraint, row);
    return whole(constraint, ok);
}

static bool put_constraints(mseq_value *table, const mseq_value *row) {
    const mseq_value *list = mseq_object_get(row, "constraints");
    mseq_value *unique = mseq_value_array(), *checks = mseq_value_array(),
               *keys = mseq_value_array();
    bool ok = mseq_object_put(table, "unique_constraints", unique) == MSEQ_OK;
    ok = mseq_object_put(table, "check_constraints", checks) == MSEQ_OK && ok;
    ok = mseq_object_put(table, "foreign_keys", keys) == MSEQ_OK && ok;
    for (size_t i = 0; ok && i < mseq_value_length(list); i++) {
        const mseq_value *item = mseq_array_get(list, i);
        char kind = *mseq_object_get_text(item, "kind");
        mseq_value *constraint = constraint_description(item, kind);
        if (kind == 'p')
            ok = mseq_object_put(table, "primary_key", constraint) == MSEQ_OK;
        else
            ok = mseq_array_add(kind == 'u'   ? unique
                                : kind == 'c' ? checks
                                              : keys,
                                constraint) == MSEQ_OK;
    }
    return ok;
}

/* ---- Indexes -----------------------------------------------------------------------------------
 */

enum { DESCENDING = 1, NULLS_FIRST = 2 }; /* bits of pg_index.indoption */

/* What deviates from the order that holds anyway: ascending with nulls last, descending with nulls
 * first. */
static bool put_order(mseq_value *element, int64_t options) {
    bool descending = options & DESCENDING, first = options & NULLS_FIRST;
    return (!descending || mseq_object_put_text(element, "order", "desc") == MSEQ_OK) &&
           (descending == first ||
            mseq_object_put_text(element, "nulls", first ? "first" : "last") == MSEQ_OK);
}

static mseq_value *element_description(const mseq_value *row) {
    mseq_value *element = mseq_value_object();
    const char *name = mseq_object_get_text(row, "column") ? "column" : "text";
    return whole(element, element && copy(element, name, row, name) &&
                              put_order(element, mseq_object_get_integer(row, "options", 0)));
}

static bool put_elements(mseq_value *index, mseq_value *options, const mseq_value *row) {
    const mseq_value *list = mseq_object_get(row, "elements");
    mseq_value *elements = mseq_value_array(), *classes = mseq_value_object();
    bool ok = mseq_object_put(index, "expressions", elements) == MSEQ_OK;
    for (size_t i = 0; ok && i < mseq_value_length(list); i++) {
        const mseq_value *item = mseq_array_get(list, i);
        const char *column = mseq_object_get_text(item, "column");
        ok = mseq_array_add(elements, element_description(item)) == MSEQ_OK && classes &&
             copy(classes, column ? column : mseq_object_get_text(item, "text"), item, "class");
    }
    return put_unless_empty(options, "ops", classes) && ok;
}

/* {"fillfactor": "70"} from ["fillfactor=70"] */
static bool put_storage(mseq_value *options, const mseq_value *row) {
    const mseq_value *list = given(row, "with");
    mseq_value *storage = mseq_value_object();
    bool ok = storage;
    for (size_t i = 0; ok && i < mseq_value_length(list); i++) {
        const char *text = mseq_value_get_text(mseq_array_get(list, i)),
                   *equals = text ? strchr(text, '=') : NULL;
        if (equals)
            ok = mseq_object_put_n(storage, text, (size_t)(equals - text),
                                   mseq_value_string(equals + 1)) == MSEQ_OK;
    }
    return put_unless_empty(options, "with", whole(storage, ok));
}

static mseq_value *index_description(const mseq_value *row) {
    mseq_value *index = mseq_value_object(), *options = mseq_value_object();
    const char *method = mseq_object_get_text(row, "using");
    bool ok = index && options && put_name(index, row) && copy(index, "unique", row, "unique") &&
              put_elements(index, options, row) &&
              (!method || strcmp(method, "btree") == 0 ||
               mseq_object_put_text(options, "using", method) == MSEQ_OK) &&
              copy(options, "where", row, "where") && copy(options, "include", row, "include") &&
              put_true(options, "nulls_not_distinct", row) && put_storage(options, row);
    if (!index) {
        mseq_value_free(options);
        return NULL;
    }
    return whole(index, put_unless_empty(index, "postgresql", whole(options, ok)) && ok);
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

static bool put_list(mseq_value *table, const char *key, const mseq_value *rows,
                     mseq_value *(*describe)(const mseq_value *row)) {
    mseq_value *list = mseq_value_array();
    bool ok = mseq_object_put(table, key, list) == MSEQ_OK;
    for (size_t i = 0; ok && i < mseq_value_length(rows); i++)
        ok = mseq_array_add(list, describe(mseq_array_get(rows, i))) == MSEQ_OK;
    return ok;
}

mseq_value *postgresql_table_description(const mseq_value *row) {
    mseq_value *table = mseq_value_object();
    bool own_schema = !mseq_object_get_boolean(row, "is_default", false);
    return whole(
        table,
        table && copy(table, "name", row, "name") &&
            (!own_schema || copy(table, "schema", row, "namespace")) &&
            copy(table, "comment", row, "comment") &&
            mseq_object_put_boolean(table, "naming_convention", false) == MSEQ_OK &&
            put_list(table, "columns", mseq_object_get(row, "columns"), column_description) &&
            put_constraints(table, row) &&
            put_list(table, "indexes", mseq_object_get(row, "indexes"), index_description));
}
