/* SPDX-License-Identifier: MIT
 * Sides of a comparison, and the operations that are made from their parts. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

bool compare_text_equal(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

const char *compare_schema(const char *schema) {
    return schema && strcmp(schema, "public") != 0 ? schema : NULL;
}

/* ---- Sides --------------------------------------------------------------------------------- */

/* The text of a type that reflection could not name: SQLite takes any word, and none. */
static const char *unnamed_type(const mseq_value *column) {
    const char *text = mseq_object_get_text(mseq_object_get(column, "info"), "declared_type"),
               *name = mseq_object_get_text(mseq_object_get(column, "type"), "name");
    return text ? text : name && strcmp(name, "NullType") == 0 ? "" : NULL;
}

static bool restore_types(maker *m, mseq_value *description) {
    bool any = false;
    mseq_value *columns = mseq_object_peek(description, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        mseq_value *column = mseq_array_peek(columns, i);
        const char *text = unnamed_type(column);
        if (!text)
            continue;
        mseq_value *type = maker_object(m), *arguments = maker_object(m);
        maker_text(m, type, "name", "DatabaseType");
        maker_text(m, arguments, "text", text);
        maker_put(m, type, "args", arguments);
        maker_put(m, column, "type", type);
        (void)mseq_object_remove(column, "info");
        any = true;
    }
    return any;
}

mseq_status reflected_description(const mseq_table *table, mseq_value **description, bool *restored,
                                  mseq_error *err) {
    maker m = {false};
    mseq_value *described = NULL;
    mseq_status status = mseq_table_describe(table, &described, err);
    if (status != MSEQ_OK)
        return status;
    *restored = restore_types(&m, described);
    return maker_finish(&m, described, description, err);
}

mseq_status side_open(const mseq_table *table, table_side *side, mseq_error *err) {
    bool restored = false;
    mseq_value *description = NULL;
    mseq_table *own = NULL;
    mseq_status status = reflected_description(table, &description, &restored, err);
    if (status == MSEQ_OK && restored)
        status = mseq_table_from_description(description, &own, err);
    if (status != MSEQ_OK) {
        mseq_value_free(description);
        return status;
    }
    side->table = own ? own : mseq_table_retain(table);
    side->description = description;
    return MSEQ_OK;
}

void side_close(table_side *side) {
    mseq_table_free(side->table);
    mseq_value_free(side->description);
    *side = (table_side){NULL, NULL};
}

const mseq_value *side_column(const table_side *side, const mseq_column *column) {
    return mseq_array_get(mseq_object_get(side->description, "columns"), column->position);
}

const mseq_value *side_index(const table_side *side, size_t index) {
    return mseq_array_get(mseq_object_get(side->description, "indexes"), index);
}

/* The lists of the description keep the order of the constraints. */
const mseq_value *side_constraint(const table_side *side, const mseq_constraint *constraint) {
    static const char *const lists[] = {[MSEQ_PRIMARY_KEY] = "primary_key",
                                        [MSEQ_UNIQUE] = "unique_constraints",
                                        [MSEQ_CHECK] = "check_constraints",
                                        [MSEQ_FOREIGN_KEY] = "foreign_keys",
                                        [MSEQ_EXCLUDE] = "exclude_constraints"};
    const mseq_value *list = mseq_object_get(side->description, lists[constraint->kind]);
    size_t at = 0;
    if (constraint->kind == MSEQ_PRIMARY_KEY)
        return list;
    for (size_t i = 0; mseq_table_constraint_at(side->table, i) != constraint; i++)
        at += mseq_table_constraint_at(side->table, i)->kind == constraint->kind;
    return mseq_array_get(list, at);
}

/* ---- Operations ---------------------------------------------------------------------------- */

mseq_value *compare_operation(compare *c, const char *op) {
    mseq_value *operation = maker_object(&c->m);
    bool key = strcmp(op, "create_foreign_key") == 0;
    maker_text(&c->m, operation, "op", op);
    maker_text(&c->m, operation, key ? "source_table" : "table", c->name);
    maker_text(&c->m, operation, key ? "source_schema" : "schema", c->schema);
    return operation;
}

void compare_emit(compare *c, mseq_value *operation) {
    maker_add(&c->m, c->list, operation);
}

static bool is_integer(const char *type) {
    static const char *const names[] = {"Integer", "INTEGER",     "INT",     "BigInteger",
                                        "BIGINT",  "SMALLINT",    "Numeric", "NUMERIC",
                                        "DECIMAL", "SmallInteger"};
    for (size_t i = 0; type && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], type) == 0)
            return true;
    return false;
}

/* A column whose default counts a sequence of its own goes away with the sequence, so it comes back
 * as SERIAL. */
static void restore_serial(compare *c, mseq_value *column) {
    const char *type = mseq_object_get_text(mseq_object_get(column, "type"), "name");
    if (!type || !mseq_object_get_boolean(mseq_object_get(column, "info"), "owned_sequence", false))
        return;
    mseq_value *serial = maker_object(&c->m), *arguments = maker_object(&c->m);
    maker_text(&c->m, serial, "name", "DatabaseType");
    maker_text(&c->m, arguments, "text",
               strcmp(type, "BIGINT") == 0     ? "BIGSERIAL"
               : strcmp(type, "SMALLINT") == 0 ? "SMALLSERIAL"
                                               : "SERIAL");
    maker_put(&c->m, serial, "args", arguments);
    maker_put(&c->m, column, "type", serial);
    (void)mseq_object_remove(column, "server_default");
}

mseq_value *compare_column(compare *c, const mseq_value *described) {
    mseq_value *column = mseq_value_dup(described);
    c->m.failed = c->m.failed || !column;
    const mseq_value *type = mseq_object_get(column, "type");
    const char *name = mseq_value_get_text(type);
    /* a client-side default prints nothing, but the database must not number the key itself */
    if (mseq_object_get(column, "default") && mseq_object_get(column, "primary_key") &&
        !mseq_object_get(column, "autoincrement") &&
        is_integer(name ? name : mseq_object_get_text(type, "name")))
        maker_put(&c->m, column, "autoincrement", mseq_value_boolean(false));
    restore_serial(c, column);
    (void)mseq_object_remove(column, "default");
    (void)mseq_object_remove(column, "onupdate");
    (void)mseq_object_remove(column, "info");
    return column;
}

/* ---- Indexes ------------------------------------------------------------------------------- */

/* Strings among the arguments of an operation's function are columns; others must be text. */
static mseq_value *portable_element(compare *c, const table_side *side,
                                    const mseq_index_element *element,
                                    const mseq_value *described) {
    bool columns = true;
    for (size_t i = 0; i < mseq_value_length(element->arguments); i++) {
        const char *text = mseq_value_get_text(mseq_array_get(element->arguments, i));
        columns = columns && text && mseq_table_column(side->table, text);
    }
    if (!element->function || columns)
        return mseq_value_dup(described);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (mseq_index_element_text(side->table, element, &text) != MSEQ_OK)
        c->m.failed = true;
    mseq_value *item = maker_object(&c->m);
    maker_text(&c->m, item, "text", mseq_buffer_text(&text));
    maker_copy_keys(&c->m, item, described, (const char *const[]){"order", "nulls", NULL});
    mseq_buffer_free(&text);
    return item;
}

static void put_index(compare *c, mseq_value *out, const table_side *side, size_t at) {
    static const char *const keys[] = {"name_final", "columns", "unique",
                                       "postgresql", "sqlite",  NULL};
    const mseq_value *described = side_index(side, at),
                     *expressions = mseq_object_get(described, "expressions");
    const mseq_index *index = mseq_table_index_at(side->table, at);
    maker_text(&c->m, out, "name", index->name);
    maker_copy_keys(&c->m, out, described, keys);
    for (size_t i = 0; i < mseq_value_length(expressions); i++)
        maker_add(&c->m, maker_list(&c->m, out, "expressions"),
                  portable_element(c, side, &index->elements[i], mseq_array_get(expressions, i)));
}

mseq_value *compare_create_index(compare *c, const table_side *side, size_t index) {
    mseq_value *operation = compare_operation(c, "create_index");
    put_index(c, operation, side, index);
    return operation;
}

mseq_value *compare_drop_index(compare *c, const table_side *side, size_t index) {
    mseq_value *operation = compare_operation(c, "drop_index"), *existing = maker_object(&c->m);
    maker_text(&c->m, operation, "name", mseq_table_index_at(side->table, index)->name);
    put_index(c, existing, side, index);
    maker_put(&c->m, operation, "existing_index", existing);
    return operation;
}

/* ---- Constraints --------------------------------------------------------------------------- */

char *compare_constraint_name(compare *c, const mseq_table *table,
                              const mseq_constraint *constraint) {
    char *name = NULL;
    mseq_status status =
        constraint->name ? MSEQ_OK : op_conventional_name(table, constraint, &name, NULL);
    if (status == MSEQ_E_NAME) /* a table without letters or digits: no convention fits */
        name = mseq_text_dup(op_constraint_type(constraint->kind));
    else if (constraint->name)
        name = mseq_text_dup(constraint->name);
    c->m.failed = c->m.failed || !name;
    return name;
}

static void strip_name(mseq_value *constraint) {
    (void)mseq_object_remove(constraint, "name");
    (void)mseq_object_remove(constraint, "name_final");
    (void)mseq_object_remove(constraint, "use_alter");
}

mseq_value *compare_create_constraint(compare *c, const table_side *side,
                                      const mseq_constraint *constraint) {
    static const char *const ops[] = {[MSEQ_PRIMARY_KEY] = "create_primary_key",
                                      [MSEQ_UNIQUE] = "create_unique_constraint",
                                      [MSEQ_CHECK] = "create_check_constraint",
                                      [MSEQ_FOREIGN_KEY] = "create_foreign_key",
                                      [MSEQ_EXCLUDE] = "create_exclude_constraint"};
    mseq_value *operation = compare_operation(c, ops[constraint->kind]);
    const mseq_value *described = side_constraint(side, constraint);
    for (size_t i = 0; i < mseq_value_length(described); i++)
        if (strcmp(mseq_object_key_at(described, i), "use_alter") != 0)
            maker_copy(&c->m, operation, mseq_object_key_at(described, i),
                       mseq_object_value_at(described, i));
    return operation;
}

mseq_value *compare_drop_constraint(compare *c, const table_side *side,
                                    const mseq_constraint *constraint) {
    mseq_value *operation = compare_operation(c, "drop_constraint"),
               *existing = mseq_value_dup(side_constraint(side, constraint));
    char *name = compare_constraint_name(c, side->table, constraint);
    c->m.failed = c->m.failed || !existing;
    if (existing)
        strip_name(existing);
    maker_text(&c->m, operation, "name", name);
    maker_flag(&c->m, operation, "name_final", true);
    maker_text(&c->m, operation, "type", op_constraint_type(constraint->kind));
    maker_put(&c->m, operation, "existing_constraint", existing);
    free(name);
    return operation;
}
