/* SPDX-License-Identifier: MIT
 * Stubs: a table that holds only what an operation names. The rooms below then check it, give it
 * its name and print it, as they do for whole tables. */
#include <stdlib.h>
#include <string.h>

#include "migration_private.h"

/* Adds columns of no type, each name once. */
static void add_columns(maker *m, mseq_value *description, const mseq_value *names) {
    mseq_value *columns = maker_list(m, description, "columns");
    for (size_t i = 0; !m->failed && i < mseq_value_length(names); i++) {
        const mseq_value *item = mseq_array_get(names, i);
        const char *name = mseq_value_get_text(item);
        if (mseq_value_kind(item) == MSEQ_OBJECT) {
            add_columns(m, description, mseq_object_get(item, "args"));
            name = mseq_object_get_text(item, "column");
        }
        bool known = !name || !*name;
        for (size_t c = 0; !known && c < mseq_value_length(columns); c++)
            known = strcmp(mseq_object_get_text(mseq_array_get(columns, c), "name"), name) == 0;
        if (known)
            continue;
        mseq_value *column = maker_object(m);
        maker_text(m, column, "name", name);
        maker_text(m, column, "type", "NullType");
        maker_add(m, columns, column);
    }
}

/* A table has at least one column: for constraints that name none. */
static void add_placeholder(maker *m, mseq_value *description) {
    mseq_value *columns = maker_list(m, description, "columns");
    if (m->failed || mseq_value_length(columns))
        return;
    mseq_value *column = maker_object(m);
    maker_text(m, column, "name", "_");
    maker_text(m, column, "type", "NullType");
    maker_add(m, columns, column);
}

/* text(): "\:" stands for a colon that is no bind. malloc'ed. */
static char *unescape(const char *text) {
    char *copy = mseq_text_dup(text), *to = copy;
    for (const char *c = text; copy && *c; c++) {
        if (*c == '\\' && c[1] == ':')
            c++;
        *to++ = *c;
    }
    if (copy)
        *to = '\0';
    return copy;
}

static void add_constraint(maker *m, mseq_value *description, const mseq_value *operation,
                           op_kind kind) {
    static const char *const keys[] = {
        "name",     "name_final", "columns",    "referred_table", "referred_schema",
        "ondelete", "onupdate",   "deferrable", "initially",      "match",
        "sqltext",  "postgresql", NULL};
    mseq_value *constraint = maker_object(m);
    maker_copy_keys(m, constraint, operation, keys);
    maker_copy(m, constraint, "referred_columns", mseq_object_get(operation, "referred_columns"));
    add_columns(m, description, mseq_object_get(operation, "columns"));
    add_placeholder(m, description);
    const char *sqltext = mseq_object_get_text(operation, "sqltext");
    if (sqltext) {
        char *plain = unescape(sqltext);
        m->failed = m->failed || !plain;
        maker_text(m, constraint, "sqltext", plain);
        free(plain);
    }
    if (kind == OP_CREATE_PRIMARY_KEY)
        maker_put(m, description, "primary_key", constraint);
    else
        maker_add(m,
                  maker_list(m, description,
                             kind == OP_CREATE_UNIQUE  ? "unique_constraints"
                             : kind == OP_CREATE_CHECK ? "check_constraints"
                                                       : "foreign_keys"),
                  constraint);
}

static void add_index(maker *m, mseq_value *description, const mseq_value *operation) {
    static const char *const keys[] = {"name",   "name_final", "columns", "expressions",
                                       "unique", "postgresql", "sqlite",  NULL};
    mseq_value *index = maker_object(m);
    maker_copy_keys(m, index, operation, keys);
    add_columns(m, description, mseq_object_get(operation, "columns"));
    add_columns(m, description, mseq_object_get(operation, "expressions"));
    add_placeholder(m, description);
    maker_add(m, maker_list(m, description, "indexes"), index);
}

static mseq_status build(maker *m, mseq_value *description, mseq_table **table, mseq_error *err) {
    mseq_value *finished = NULL;
    mseq_status status = maker_finish(m, description, &finished, err);
    if (status == MSEQ_OK)
        status = mseq_table_from_description(finished, table, err);
    mseq_value_free(finished);
    return status;
}

mseq_status op_stub(const mseq_value *operation, op_kind kind, bool convention, mseq_table **stub,
                    mseq_error *err) {
    maker m = {false};
    mseq_value *description = maker_object(&m);
    bool key = kind == OP_CREATE_FOREIGN_KEY;
    maker_text(&m, description, "name",
               mseq_object_get_text(operation, key ? "source_table" : "table"));
    maker_text(&m, description, "schema",
               mseq_object_get_text(operation, key ? "source_schema" : "schema"));
    maker_put(&m, description, "naming_convention", mseq_value_boolean(convention));
    if (kind == OP_ADD_COLUMN)
        maker_add(&m, maker_list(&m, description, "columns"),
                  mseq_value_dup(mseq_object_get(operation, "column")));
    else if (kind == OP_CREATE_INDEX)
        add_index(&m, description, operation);
    else
        add_constraint(&m, description, operation, kind);
    return build(&m, description, stub, err);
}

const mseq_constraint *stub_constraint(const mseq_table *stub, op_kind kind) {
    static const mseq_constraint_kind kinds[] = {[OP_CREATE_UNIQUE] = MSEQ_UNIQUE,
                                                 [OP_CREATE_CHECK] = MSEQ_CHECK,
                                                 [OP_CREATE_PRIMARY_KEY] = MSEQ_PRIMARY_KEY,
                                                 [OP_CREATE_FOREIGN_KEY] = MSEQ_FOREIGN_KEY};
    for (size_t i = 0; i < mseq_table_constraint_count(stub); i++)
        if (mseq_table_constraint_at(stub, i)->kind == kinds[kind])
            return mseq_table_constraint_at(stub, i);
    return NULL;
}

mseq_status op_drop_name(const mseq_value *operation, bool convention, char **name,
                         mseq_error *err) {
    const char *given = mseq_object_get_text(operation, "name"),
               *type = mseq_object_get_text(operation, "type");
    mseq_constraint_kind kind;
    if (type && !op_constraint_kind(type, &kind)) {
        mseq_error_set(err, MSEQ_E_SCHEMA, "drop_constraint: there is no type '%s'", type);
        mseq_error_hint(err, "it is one of unique, check, primary, foreignkey, exclude");
        return MSEQ_E_SCHEMA;
    }
    if (convention && type && kind == MSEQ_CHECK &&
        !mseq_object_get_boolean(operation, "name_final", false))
        return mseq_naming_check_constraint_name(mseq_object_get_text(operation, "table"), given,
                                                 name, err);
    char *copy = mseq_text_dup(given);
    if (!copy)
        return mseq_error_no_memory(err);
    *name = copy;
    return MSEQ_OK;
}

mseq_status op_conventional_name(const mseq_table *table, const mseq_constraint *constraint,
                                 char **name, mseq_error *err) {
    const char *of = mseq_table_name(table);
    switch (constraint->kind) {
    case MSEQ_PRIMARY_KEY:
        return mseq_naming_primary_key_name(of, name, err);
    case MSEQ_UNIQUE:
        return mseq_naming_unique_constraint_name(of, constraint->columns, constraint->column_count,
                                                  name, err);
    case MSEQ_FOREIGN_KEY:
        return mseq_naming_foreign_key_name(
            of, constraint->columns, constraint->column_count, constraint->referred_table,
            constraint->referred_columns, constraint->referred_count, name, err);
    default:
        return mseq_naming_check_constraint_name(of, NULL, name, err);
    }
}

mseq_status op_table(const mseq_value *operation, bool convention, mseq_table **table,
                     mseq_error *err) {
    const mseq_value *given = mseq_object_get(operation, "table");
    if (convention || mseq_object_get(given, "naming_convention"))
        return mseq_table_from_description(given, table, err);
    maker m = {false};
    mseq_value *description = mseq_value_dup(given);
    m.failed = !description;
    maker_put(&m, description, "naming_convention", mseq_value_boolean(false));
    return build(&m, description, table, err);
}
