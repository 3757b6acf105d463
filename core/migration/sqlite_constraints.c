/* SPDX-License-Identifier: MIT
 * Constraints on SQLite: always by a rebuild. */
#include <stdlib.h>
#include <string.h>

#include "on_sqlite.h"

static mseq_status check_new(render *r, const mseq_table *stub, const mseq_constraint *constraint) {
    const char *table = mseq_table_name(r->table), *here = mseq_table_schema(stub),
               *there = constraint->referred_schema;
    if (constraint->kind == MSEQ_FOREIGN_KEY && strcmp(here ? here : "", there ? there : "") != 0)
        return mseq_error_set(
            r->err, MSEQ_E_DDL,
            "table '%s': a foreign key of SQLite cannot refer to another database "
            "('%s')",
            table, there ? there : "main");
    if (constraint->kind != MSEQ_FOREIGN_KEY && constraint->deferrable == 1)
        return mseq_error_set(r->err, MSEQ_E_DDL,
                              "table '%s': SQLite defers foreign keys only, not constraint '%s'",
                              table, constraint->name ? constraint->name : "");
    if (constraint->kind == MSEQ_PRIMARY_KEY && mseq_table_primary_key(r->table))
        return mseq_error_set(r->err, MSEQ_E_DDL, "table '%s' has a primary key already", table);
    for (size_t i = 0; i < mseq_table_constraint_count(r->table); i++)
        if (lite_same_name(mseq_table_constraint_at(r->table, i)->name, constraint->name))
            return mseq_error_set(r->err, MSEQ_E_DDL, "table '%s' has a constraint '%s' already",
                                  table, constraint->name);
    for (size_t i = 0; i < constraint->column_count; i++)
        if (!lite_column(r->table, constraint->columns[i]))
            return lite_no_column(r, constraint->columns[i]);
    return MSEQ_OK;
}

mseq_status op_sqlite_create_constraint(render *r, const mseq_value *operation, op_kind kind) {
    maker m = {false};
    mseq_table *stub = NULL;
    mseq_value *description = NULL, *added = NULL;
    mseq_status status = op_stub(operation, kind, r->convention, &stub, r->err);
    if (status == MSEQ_OK)
        status = lite_describe(r, operation, &description);
    if (status == MSEQ_OK)
        status = check_new(r, stub, stub_constraint(stub, kind));
    if (status == MSEQ_OK)
        status = mseq_table_describe(stub, &added, r->err);
    if (status == MSEQ_OK) {
        if (kind == OP_CREATE_PRIMARY_KEY)
            maker_copy(&m, description, "primary_key", mseq_object_get(added, "primary_key"));
        else
            lite_merge(&m, description, added, lite_list(stub_constraint(stub, kind)->kind));
        status = m.failed ? mseq_error_no_memory(r->err) : rebuild_table(r, description);
    }
    mseq_value_free(description);
    mseq_value_free(added);
    mseq_table_free(stub);
    return status;
}

/* Whether a constraint without a name is the one that the operation says was there. */
static bool is_existing(const render *r, const mseq_value *operation,
                        const mseq_constraint *constraint, bool *failed) {
    mseq_value *create = NULL;
    mseq_table *stub = NULL;
    op_kind kind;
    bool same = false;
    mseq_status status = mseq_migration_reverse(operation, &create, NULL);
    if (status == MSEQ_OK)
        status = op_check(create, &kind, NULL);
    if (status == MSEQ_OK && kind != OP_CREATE_EXCLUDE)
        status = op_stub(create, kind, false, &stub, NULL);
    if (stub) {
        const mseq_constraint *other = stub_constraint(stub, kind);
        same = kind == OP_CREATE_UNIQUE ? mseq_unique_equivalent(other, constraint, r->dialect)
               : kind == OP_CREATE_FOREIGN_KEY
                   ? mseq_foreign_key_equivalent(other, constraint, r->dialect)
                   : kind == OP_CREATE_PRIMARY_KEY ||
                         mseq_expression_equivalent(other->sqltext, constraint->sqltext, failed);
    }
    *failed = *failed || status == MSEQ_E_NO_MEMORY;
    mseq_table_free(stub);
    mseq_value_free(create);
    return same;
}

/* Whether a constraint that has no name answers to one: what the operation says was there, or what
 * the convention would have called it. */
static bool answers_to(const render *r, const mseq_value *operation, const char *name,
                       const mseq_constraint *constraint, bool *failed) {
    if (constraint->name)
        return false;
    if (!mseq_value_is_null(mseq_object_get(operation, "existing_constraint")) &&
        text_of(operation, "type"))
        return is_existing(r, operation, constraint, failed);
    char *given = NULL;
    mseq_status status = op_conventional_name(r->table, constraint, &given, NULL);
    bool same = status == MSEQ_OK && lite_same_name(given, name);
    *failed = *failed || status == MSEQ_E_NO_MEMORY;
    free(given);
    return same;
}

/* *at: its place in r->table, or the number of constraints when it is not there. */
static mseq_status find_constraint(const render *r, const mseq_value *operation, const char *name,
                                   size_t *at) {
    const char *type = text_of(operation, "type");
    size_t count = mseq_table_constraint_count(r->table);
    mseq_constraint_kind kind = MSEQ_UNIQUE;
    bool any = !type || !op_constraint_kind(type, &kind), failed = false, found = false;
    *at = count;
    for (int unnamed = 0; unnamed < 2; unnamed++)
        for (size_t i = 0; i < count && !found && !failed; i++) {
            const mseq_constraint *constraint = mseq_table_constraint_at(r->table, i);
            found = (any || constraint->kind == kind) &&
                    (unnamed ? answers_to(r, operation, name, constraint, &failed)
                             : lite_same_name(constraint->name, name));
            if (found)
                *at = i;
        }
    return failed ? mseq_error_no_memory(r->err) : MSEQ_OK;
}

static mseq_status no_constraint(render *r, const char *name) {
    mseq_error_set(r->err, MSEQ_E_DDL, "table '%s' has no constraint '%s'",
                   mseq_table_name(r->table), name);
    mseq_buffer names = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < mseq_table_constraint_count(r->table); i++)
        if (mseq_table_constraint_at(r->table, i)->name)
            mseq_buffer_append_format(&names, "%s%s", names.length ? ", " : "",
                                      mseq_table_constraint_at(r->table, i)->name);
    if (names.length)
        mseq_error_hint(r->err, "it has: %s", mseq_buffer_text(&names));
    mseq_buffer_free(&names);
    return MSEQ_E_DDL;
}

mseq_status op_sqlite_drop_constraint(render *r, const mseq_value *operation) {
    maker m = {false};
    char *name = NULL;
    mseq_value *description = NULL;
    mseq_status status = op_drop_name(operation, r->convention, &name, r->err);
    if (status == MSEQ_OK)
        status = lite_describe(r, operation, &description);
    size_t at = 0, count = status == MSEQ_OK ? mseq_table_constraint_count(r->table) : 0;
    if (status == MSEQ_OK)
        status = find_constraint(r, operation, name, &at);
    if (status == MSEQ_OK && at < count) {
        bool *drop = calloc(count, sizeof *drop);
        m.failed = !drop;
        if (drop) {
            drop[at] = true;
            lite_remove_constraints(r, &m, description, drop);
        }
        free(drop);
        status = m.failed ? mseq_error_no_memory(r->err) : rebuild_table(r, description);
    } else if (status == MSEQ_OK && !mseq_object_get_boolean(operation, "if_exists", false)) {
        status = no_constraint(r, name);
    }
    mseq_value_free(description);
    free(name);
    return status;
}
