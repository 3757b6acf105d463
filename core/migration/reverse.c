/* SPDX-License-Identifier: MIT
 * The operation that undoes an operation. */
#include <stdlib.h>
#include <string.h>

#include "migration_private.h"

static mseq_value *start(maker *m, const char *op) {
    mseq_value *reverse = maker_object(m);
    maker_text(m, reverse, "op", op);
    return reverse;
}

static mseq_status unknown(const mseq_value *operation, const char *missing, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_DDL, "%s cannot be reversed: it does not say %s",
                   text_of(operation, "op"), missing);
    mseq_error_hint(err, "write the downgrade by hand");
    return MSEQ_E_DDL;
}

/* The operation plus `key`, or an error when its data does not hold what is needed. */
static mseq_status need(const mseq_value *operation, const char *key, const mseq_value **value,
                        mseq_error *err) {
    *value = mseq_object_get(operation, key);
    return mseq_value_is_null(*value) ? unknown(operation, key, err) : MSEQ_OK;
}

/* ---- Tables and columns ---------------------------------------------------------------------- */

static mseq_status reverse_create_table(maker *m, const mseq_value *operation, mseq_value **out) {
    const mseq_value *table = mseq_object_get(operation, "table");
    *out = start(m, "drop_table");
    maker_text(m, *out, "name", text_of(table, "name"));
    maker_text(m, *out, "schema", text_of(table, "schema"));
    maker_copy(m, *out, "existing_table", table);
    return MSEQ_OK;
}

static mseq_status reverse_drop_table(maker *m, const mseq_value *operation, mseq_value **out,
                                      mseq_error *err) {
    const mseq_value *table;
    mseq_status status = need(operation, "existing_table", &table, err);
    if (status != MSEQ_OK)
        return status;
    *out = start(m, "create_table");
    maker_copy(m, *out, "table", table);
    return MSEQ_OK;
}

static mseq_status reverse_rename_table(maker *m, const mseq_value *operation, mseq_value **out) {
    *out = start(m, "rename_table");
    maker_text(m, *out, "old_name", text_of(operation, "new_name"));
    maker_text(m, *out, "new_name", text_of(operation, "old_name"));
    maker_text(m, *out, "schema", text_of(operation, "schema"));
    return MSEQ_OK;
}

static const char *const table_keys[] = {"table", "schema", NULL};

static mseq_status reverse_add_column(maker *m, const mseq_value *operation, mseq_value **out) {
    const mseq_value *column = mseq_object_get(operation, "column");
    *out = start(m, "drop_column");
    maker_copy_keys(m, *out, operation, table_keys);
    maker_text(m, *out, "column", text_of(column, "name"));
    maker_copy(m, *out, "existing_column", column);
    return MSEQ_OK;
}

static mseq_status reverse_drop_column(maker *m, const mseq_value *operation, mseq_value **out,
                                       mseq_error *err) {
    const mseq_value *column;
    mseq_status status = need(operation, "existing_column", &column, err);
    if (status != MSEQ_OK)
        return status;
    *out = start(m, "add_column");
    maker_copy_keys(m, *out, operation, table_keys);
    maker_copy(m, *out, "column", column);
    return MSEQ_OK;
}

/* {drop: true} stands for "there was none". */
static void put_or_drop(maker *m, mseq_value *object, const char *key, const mseq_value *value) {
    if (!mseq_value_is_null(value)) {
        maker_copy(m, object, key, value);
        return;
    }
    mseq_value *none = maker_object(m);
    maker_flag(m, none, "drop", true);
    maker_put(m, object, key, none);
}

/* Swaps one aspect of a column with its existing_ twin. */
static mseq_status swap(maker *m, const mseq_value *operation, mseq_value *out, const char *key,
                        mseq_error *err) {
    const mseq_value *now = mseq_object_get(operation, key);
    char *existing = mseq_text_format("existing_%s", key);
    if (!existing)
        return mseq_error_no_memory(err);
    const mseq_value *before = mseq_object_get(operation, existing);
    mseq_status status = MSEQ_OK;
    if (mseq_value_is_null(now))
        maker_copy(m, out, existing, before);
    else if (mseq_value_is_null(before) && strcmp(key, "nullable") == 0)
        maker_put(m, out, key, mseq_value_boolean(!mseq_value_get_boolean(now, false)));
    else if (mseq_value_is_null(before))
        status = unknown(operation, existing, err);
    else
        put_or_drop(m, out, key, before);
    if (status == MSEQ_OK && !mseq_value_is_null(now))
        maker_copy(m, out, existing, now);
    free(existing);
    return status;
}

static mseq_status reverse_alter_column(maker *m, const mseq_value *operation, mseq_value **out,
                                        mseq_error *err) {
    static const char *const aspects[] = {"nullable", "type", "server_default", "comment", NULL};
    const char *new_name = text_of(operation, "new_name"), *name = text_of(operation, "column");
    *out = start(m, "alter_column");
    maker_copy_keys(m, *out, operation, table_keys);
    maker_text(m, *out, "column", new_name ? new_name : name);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && aspects[i]; i++)
        status = swap(m, operation, *out, aspects[i], err);
    if (new_name)
        maker_text(m, *out, "new_name", name);
    return status;
}

/* ---- Indexes and constraints ------------------------------------------------------------------
 */

static mseq_status reverse_create_index(maker *m, const mseq_value *operation, mseq_value **out,
                                        mseq_error *err) {
    static const char *const keys[] = {"columns",    "expressions", "unique",
                                       "postgresql", "sqlite",      NULL};
    mseq_table *stub = NULL;
    mseq_status status = op_stub(operation, OP_CREATE_INDEX, true, &stub, err);
    if (status != MSEQ_OK)
        return status;
    *out = start(m, "drop_index");
    maker_text(m, *out, "name", mseq_table_index_at(stub, 0)->name);
    maker_copy_keys(m, *out, operation, table_keys);
    mseq_value *index = maker_object(m);
    maker_text(m, index, "name", mseq_table_index_at(stub, 0)->name);
    maker_copy(m, index, "name_final", mseq_object_get(operation, "name_final"));
    maker_copy_keys(m, index, operation, keys);
    maker_put(m, *out, "existing_index", index);
    mseq_table_free(stub);
    return MSEQ_OK;
}

static mseq_status reverse_drop_index(maker *m, const mseq_value *operation, mseq_value **out,
                                      mseq_error *err) {
    static const char *const keys[] = {"name_final", "columns", "expressions", "unique",
                                       "postgresql", "sqlite",  NULL};
    const mseq_value *index;
    mseq_status status = need(operation, "existing_index", &index, err);
    if (status == MSEQ_OK && !text_of(operation, "table"))
        status = unknown(operation, "table", err);
    if (status != MSEQ_OK)
        return status;
    *out = start(m, "create_index");
    maker_text(m, *out, "name", text_of(operation, "name"));
    maker_copy_keys(m, *out, operation, table_keys);
    maker_copy_keys(m, *out, index, keys);
    return MSEQ_OK;
}

static const char *const constraint_keys[] = {
    "columns",    "sqltext",  "referred_table", "referred_schema", "referred_columns",
    "ondelete",   "onupdate", "deferrable",     "initially",       "match",
    "postgresql", "elements", "using",          "where",           NULL};

static mseq_status reverse_create_constraint(maker *m, const mseq_value *operation, op_kind kind,
                                             mseq_value **out, mseq_error *err) {
    bool key = kind == OP_CREATE_FOREIGN_KEY;
    mseq_table *stub = NULL;
    const char *name = text_of(operation, "name"), *type = "exclude";
    mseq_status status =
        kind == OP_CREATE_EXCLUDE ? MSEQ_OK : op_stub(operation, kind, true, &stub, err);
    if (status != MSEQ_OK)
        return status;
    if (stub) {
        name = stub_constraint(stub, kind)->name;
        type = op_constraint_type(stub_constraint(stub, kind)->kind);
    }
    *out = start(m, "drop_constraint");
    maker_text(m, *out, "name", name);
    maker_flag(m, *out, "name_final", true);
    maker_text(m, *out, "table", text_of(operation, key ? "source_table" : "table"));
    maker_text(m, *out, "schema", text_of(operation, key ? "source_schema" : "schema"));
    maker_text(m, *out, "type", type);
    mseq_value *constraint = maker_object(m);
    maker_copy_keys(m, constraint, operation, constraint_keys);
    maker_put(m, *out, "existing_constraint", constraint);
    mseq_table_free(stub);
    return MSEQ_OK;
}

static mseq_status reverse_drop_constraint(maker *m, const mseq_value *operation, mseq_value **out,
                                           mseq_error *err) {
    static const struct {
        const char *type;
        const char *op;
    } creates[] = {{"unique", "create_unique_constraint"},
                   {"check", "create_check_constraint"},
                   {"primary", "create_primary_key"},
                   {"foreignkey", "create_foreign_key"},
                   {"exclude", "create_exclude_constraint"}};
    const mseq_value *constraint, *type;
    const char *op = NULL;
    char *name = NULL;
    mseq_status status = need(operation, "existing_constraint", &constraint, err);
    if (status == MSEQ_OK)
        status = need(operation, "type", &type, err);
    if (status == MSEQ_OK)
        status = op_drop_name(operation, true, &name, err);
    if (status != MSEQ_OK)
        return status;
    for (size_t i = 0; i < sizeof creates / sizeof *creates; i++)
        if (strcmp(creates[i].type, mseq_value_get_text(type)) == 0)
            op = creates[i].op;
    bool key = strcmp(op, "create_foreign_key") == 0;
    *out = start(m, op);
    maker_text(m, *out, "name", name);
    maker_flag(m, *out, "name_final", true);
    maker_text(m, *out, key ? "source_table" : "table", text_of(operation, "table"));
    maker_text(m, *out, key ? "source_schema" : "schema", text_of(operation, "schema"));
    maker_copy_keys(m, *out, constraint, constraint_keys);
    free(name);
    return MSEQ_OK;
}

/* ---- Comments ----------------------------------------------------------------------------------
 */

static mseq_status reverse_comment(maker *m, const mseq_value *operation, op_kind kind,
                                   mseq_value **out, mseq_error *err) {
    const char *existing = text_of(operation, "existing_comment"),
               *comment = text_of(operation, "comment");
    if (kind == OP_DROP_TABLE_COMMENT && !existing)
        return unknown(operation, "existing_comment", err);
    *out = start(m, existing ? "create_table_comment" : "drop_table_comment");
    maker_copy_keys(m, *out, operation, table_keys);
    maker_text(m, *out, "comment", existing);
    maker_text(m, *out, "existing_comment", comment);
    return MSEQ_OK;
}

/* ---- All ---------------------------------------------------------------------------------------
 */

static mseq_status dispatch(maker *m, const mseq_value *operation, op_kind kind, mseq_value **out,
                            mseq_error *err) {
    switch (kind) {
    case OP_CREATE_TABLE:
        return reverse_create_table(m, operation, out);
    case OP_DROP_TABLE:
        return reverse_drop_table(m, operation, out, err);
    case OP_RENAME_TABLE:
        return reverse_rename_table(m, operation, out);
    case OP_ADD_COLUMN:
        return reverse_add_column(m, operation, out);
    case OP_DROP_COLUMN:
        return reverse_drop_column(m, operation, out, err);
    case OP_ALTER_COLUMN:
        return reverse_alter_column(m, operation, out, err);
    case OP_CREATE_INDEX:
        return reverse_create_index(m, operation, out, err);
    case OP_DROP_INDEX:
        return reverse_drop_index(m, operation, out, err);
    case OP_CREATE_UNIQUE:
    case OP_CREATE_CHECK:
    case OP_CREATE_PRIMARY_KEY:
    case OP_CREATE_FOREIGN_KEY:
    case OP_CREATE_EXCLUDE:
        return reverse_create_constraint(m, operation, kind, out, err);
    case OP_DROP_CONSTRAINT:
        return reverse_drop_constraint(m, operation, out, err);
    case OP_CREATE_TABLE_COMMENT:
    case OP_DROP_TABLE_COMMENT:
        return reverse_comment(m, operation, kind, out, err);
    case OP_EXECUTE:
        return unknown(operation, "what the SQL text undoes", err);
    case OP_BULK_INSERT:
        return unknown(operation, "which rows were there before", err);
    }
    return MSEQ_E_INTERNAL;
}

mseq_status mseq_migration_reverse(const mseq_value *operation, mseq_value **reverse,
                                   mseq_error *err) {
    op_kind kind;
    maker m = {false};
    mseq_value *made = NULL;
    mseq_status status = op_check(operation, &kind, err);
    if (status == MSEQ_OK)
        status = dispatch(&m, operation, kind, &made, err);
    if (status != MSEQ_OK) {
        mseq_value_free(made);
        return op_settle(status, err);
    }
    return maker_finish(&m, made, reverse, err);
}
