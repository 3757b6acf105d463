/* SPDX-License-Identifier: MIT
 * Operations → SQL. What both dialects write alike stands here. */
#include <stdlib.h>
#include <string.h>

#include "migration_private.h"

mseq_status render_add(render *r, mseq_buffer *sql) {
    return mseq_strings_add_take(r->statements, mseq_buffer_take(sql)) == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_no_memory(r->err);
}

void render_alter(render *r, const char *schema, const char *table, mseq_buffer *sql) {
    mseq_buffer_append_text(sql, "ALTER TABLE ");
    mseq_ddl_table_reference(r->dialect, schema, table, sql);
    mseq_buffer_append_char(sql, ' ');
}

void render_comment(render *r, const char *schema, const char *table, const char *column,
                    const char *comment, mseq_buffer *sql) {
    mseq_buffer_append_text(sql, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    mseq_ddl_table_reference(r->dialect, schema, table, sql);
    if (column) {
        mseq_buffer_append_char(sql, '.');
        mseq_ddl_quote(r->dialect, column, -1, sql);
    }
    mseq_buffer_append_text(sql, " IS ");
    if (comment)
        mseq_ddl_literal(comment, sql);
    else
        mseq_buffer_append_text(sql, "NULL");
}

/* ---- Tables -------------------------------------------------------------------------------- */

static mseq_status create_table(render *r, const mseq_value *operation) {
    mseq_table *table = NULL;
    mseq_metadata *metadata = NULL;
    mseq_ddl_options options = MSEQ_DDL_OPTIONS_INIT;
    options.if_not_exists = flag_of(operation, "if_not_exists");
    mseq_status status = op_table(operation, r->convention, &table, r->err);
    if (status == MSEQ_OK && options.if_not_exists)
        status = mseq_ddl_create_table(r->dialect, table, &options, r->statements, r->err);
    else if (status == MSEQ_OK && (status = mseq_metadata_new(&metadata, r->err)) == MSEQ_OK)
        status = mseq_metadata_add(metadata, table, r->err);
    if (status == MSEQ_OK && metadata) /* with enum types and what use_alter leaves to ALTER */
        status = mseq_ddl_create_all(r->dialect, metadata, r->statements, r->err);
    mseq_metadata_free(metadata);
    mseq_table_free(table);
    return status;
}

static mseq_status drop_table(render *r, const mseq_value *operation) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, flag_of(operation, "if_exists") ? "DROP TABLE IF EXISTS "
                                                                  : "DROP TABLE ");
    mseq_ddl_table_reference(r->dialect, text_of(operation, "schema"), text_of(operation, "name"),
                             &sql);
    return render_add(r, &sql);
}

static mseq_status rename_table(render *r, const mseq_value *operation) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, text_of(operation, "schema"), text_of(operation, "old_name"), &sql);
    mseq_buffer_append_text(&sql, "RENAME TO ");
    mseq_ddl_quote(r->dialect, text_of(operation, "new_name"), -1, &sql);
    return render_add(r, &sql);
}

static mseq_status table_comment(render *r, const mseq_value *operation) {
    if (r->dialect == MSEQ_SQLITE) /* which keeps no comments */
        return MSEQ_OK;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_comment(r, text_of(operation, "schema"), text_of(operation, "table"), NULL,
                   text_of(operation, "comment"), &sql);
    return render_add(r, &sql);
}

/* ---- Columns ------------------------------------------------------------------------------- */

static mseq_status add_type_check(render *r, const mseq_table *stub, const mseq_column *column) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, mseq_table_schema(stub), mseq_table_name(stub), &sql);
    mseq_buffer_append_text(&sql, "ADD ");
    mseq_status status = mseq_ddl_type_check_constraint(r->dialect, stub, column, &sql, r->err);
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    return status;
}

/* Constraints that a column brings along, after ADD COLUMN. */
static mseq_status column_constraints(render *r, const mseq_table *stub) {
    const mseq_column *column = mseq_table_column_at(stub, 0);
    mseq_status status =
        mseq_ddl_has_type_check(r->dialect, column) ? add_type_check(r, stub, column) : MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(stub); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(stub, i);
        if (constraint->kind == MSEQ_UNIQUE || constraint->kind == MSEQ_FOREIGN_KEY)
            status = mseq_ddl_add_constraint(r->dialect, stub, constraint, r->statements, r->err);
    }
    return status;
}

mseq_status render_enum(render *r, const mseq_column *column) {
    const mseq_type *type = mseq_ddl_enum_type(column);
    if (!type)
        return MSEQ_OK;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_ddl_create_enum(type, true, &sql, r->err);
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    return status;
}

static mseq_status add_column(render *r, const mseq_value *operation) {
    mseq_table *stub = NULL;
    mseq_status status = op_stub(operation, OP_ADD_COLUMN, r->convention, &stub, r->err);
    if (status == MSEQ_OK)
        status = render_enum(r, mseq_table_column_at(stub, 0));
    if (status != MSEQ_OK) {
        mseq_table_free(stub);
        return status;
    }
    const char *schema = text_of(operation, "schema"), *table = text_of(operation, "table");
    const mseq_column *column = mseq_table_column_at(stub, 0);
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, schema, table, &sql);
    mseq_buffer_append_text(&sql, flag_of(operation, "if_not_exists") ? "ADD COLUMN IF NOT EXISTS "
                                                                      : "ADD COLUMN ");
    status = mseq_ddl_column(r->dialect, stub, column, &sql, r->err);
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    if (status == MSEQ_OK)
        status = column_constraints(r, stub);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_index_count(stub); i++)
        status = mseq_ddl_create_index(r->dialect, stub, mseq_table_index_at(stub, i), NULL,
                                       r->statements, r->err);
    if (status == MSEQ_OK && column->comment) {
        mseq_buffer comment = MSEQ_BUFFER_INIT;
        render_comment(r, schema, table, column->name, column->comment, &comment);
        status = render_add(r, &comment);
    }
    mseq_table_free(stub);
    return status;
}

static mseq_status drop_column(render *r, const mseq_value *operation) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), &sql);
    mseq_buffer_append_text(&sql, flag_of(operation, "if_exists") ? "DROP COLUMN IF EXISTS "
                                                                  : "DROP COLUMN ");
    mseq_ddl_quote(r->dialect, text_of(operation, "column"), -1, &sql);
    return render_add(r, &sql);
}

/* ---- Indexes and constraints ---------------------------------------------------------------- */

static mseq_status create_index(render *r, const mseq_value *operation) {
    mseq_table *stub = NULL;
    mseq_ddl_options options = MSEQ_DDL_OPTIONS_INIT;
    options.if_not_exists = flag_of(operation, "if_not_exists");
    mseq_status status = op_stub(operation, OP_CREATE_INDEX, r->convention, &stub, r->err);
    if (status == MSEQ_OK)
        status = mseq_ddl_create_index(r->dialect, stub, mseq_table_index_at(stub, 0), &options,
                                       r->statements, r->err);
    mseq_table_free(stub);
    return status;
}

static mseq_status drop_index(render *r, const mseq_value *operation) {
    bool concurrently =
        r->dialect == MSEQ_POSTGRESQL &&
        mseq_object_get_boolean(mseq_object_get(operation, "postgresql"), "concurrently", false);
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&sql, "DROP INDEX %s%s", concurrently ? "CONCURRENTLY " : "",
                              flag_of(operation, "if_exists") ? "IF EXISTS " : "");
    mseq_ddl_table_reference(r->dialect, text_of(operation, "schema"), text_of(operation, "name"),
                             &sql);
    return render_add(r, &sql);
}

static mseq_status create_constraint(render *r, const mseq_value *operation, op_kind kind) {
    if (r->dialect == MSEQ_SQLITE)
        return op_sqlite_create_constraint(r, operation, kind);
    mseq_table *stub = NULL;
    mseq_status status = op_stub(operation, kind, r->convention, &stub, r->err);
    if (status == MSEQ_OK)
        status = mseq_ddl_add_constraint(r->dialect, stub, stub_constraint(stub, kind),
                                         r->statements, r->err);
    mseq_table_free(stub);
    return status;
}

/* EXCLUDE stands in operations only, so it is written here. */
static mseq_status create_exclude(render *r, const mseq_value *operation) {
    if (r->dialect == MSEQ_SQLITE)
        return mseq_error_set(r->err, MSEQ_E_DDL, "SQLite has no EXCLUDE constraints");
    const char *using = text_of(operation, "using");
    const mseq_value *elements = mseq_object_get(operation, "elements");
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), &sql);
    mseq_buffer_append_text(&sql, "ADD CONSTRAINT ");
    mseq_ddl_quote(r->dialect, text_of(operation, "name"), -1, &sql);
    mseq_buffer_append_format(&sql, " EXCLUDE USING %s (", using ? using : "gist");
    for (size_t i = 0; i < mseq_value_length(elements); i++) {
        const mseq_value *pair = mseq_array_get(elements, i);
        const char *expression = mseq_value_get_text(mseq_array_get(pair, 0)),
                   *operator= mseq_value_get_text(mseq_array_get(pair, 1));
        if (mseq_value_kind(pair) != MSEQ_ARRAY || !expression || !operator) {
            mseq_buffer_free(&sql);
            return mseq_error_set(
                r->err, MSEQ_E_SCHEMA,
                "create_exclude_constraint: elements are pairs of expression and operator");
        }
        mseq_buffer_append_format(&sql, "%s%s WITH %s", i ? ", " : "", expression, operator);
    }
    mseq_buffer_append_char(&sql, ')');
    if (text_of(operation, "where"))
        mseq_buffer_append_format(&sql, " WHERE (%s)", text_of(operation, "where"));
    if (mseq_object_get(operation, "deferrable"))
        mseq_buffer_append_text(&sql, flag_of(operation, "deferrable") ? " DEFERRABLE"
                                                                       : " NOT DEFERRABLE");
    if (text_of(operation, "initially"))
        mseq_buffer_append_format(&sql, " INITIALLY %s", text_of(operation, "initially"));
    return render_add(r, &sql);
}

static mseq_status drop_constraint(render *r, const mseq_value *operation) {
    if (r->dialect == MSEQ_SQLITE)
        return op_sqlite_drop_constraint(r, operation);
    char *name = NULL, *cut = NULL;
    mseq_status status = op_drop_name(operation, r->convention, &name, r->err);
    if (status == MSEQ_OK)
        status = mseq_naming_truncate_final(name, &cut, r->err);
    if (status == MSEQ_OK) {
        mseq_buffer sql = MSEQ_BUFFER_INIT;
        render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), &sql);
        mseq_buffer_append_text(&sql, flag_of(operation, "if_exists") ? "DROP CONSTRAINT IF EXISTS "
                                                                      : "DROP CONSTRAINT ");
        mseq_ddl_quote(r->dialect, cut, -1, &sql);
        status = render_add(r, &sql);
    }
    free(name);
    free(cut);
    return status;
}

/* ---- All ------------------------------------------------------------------------------------- */

static mseq_status render_sqlite_column(render *r, const mseq_value *operation, op_kind kind) {
    return kind == OP_ADD_COLUMN    ? op_sqlite_add_column(r, operation)
           : kind == OP_DROP_COLUMN ? op_sqlite_drop_column(r, operation)
                                    : op_sqlite_alter_column(r, operation);
}

static mseq_status render_postgresql_column(render *r, const mseq_value *operation, op_kind kind) {
    return kind == OP_ADD_COLUMN    ? add_column(r, operation)
           : kind == OP_DROP_COLUMN ? drop_column(r, operation)
                                    : render_alter_column(r, operation);
}

static mseq_status dispatch(render *r, const mseq_value *operation, op_kind kind) {
    switch (kind) {
    case OP_CREATE_TABLE:
        return create_table(r, operation);
    case OP_DROP_TABLE:
        return drop_table(r, operation);
    case OP_RENAME_TABLE:
        return rename_table(r, operation);
    case OP_ADD_COLUMN:
    case OP_DROP_COLUMN:
    case OP_ALTER_COLUMN:
        return r->dialect == MSEQ_SQLITE ? render_sqlite_column(r, operation, kind)
                                         : render_postgresql_column(r, operation, kind);
    case OP_CREATE_INDEX:
        return create_index(r, operation);
    case OP_DROP_INDEX:
        return drop_index(r, operation);
    case OP_CREATE_UNIQUE:
    case OP_CREATE_CHECK:
    case OP_CREATE_PRIMARY_KEY:
    case OP_CREATE_FOREIGN_KEY:
        return create_constraint(r, operation, kind);
    case OP_CREATE_EXCLUDE:
        return create_exclude(r, operation);
    case OP_DROP_CONSTRAINT:
        return drop_constraint(r, operation);
    case OP_CREATE_TABLE_COMMENT:
    case OP_DROP_TABLE_COMMENT:
        return table_comment(r, operation);
    case OP_EXECUTE:
        return render_execute(r, operation);
    case OP_BULK_INSERT:
        return render_bulk_insert(r, operation);
    }
    return MSEQ_E_INTERNAL;
}

mseq_status mseq_migration_render(const mseq_value *operation, mseq_dialect dialect,
                                  const mseq_migration_context *context, mseq_strings *statements,
                                  mseq_error *err) {
    op_kind kind;
    size_t from = statements->count;
    mseq_status status = op_check(operation, &kind, err);
    if (status != MSEQ_OK)
        return status;
    render r = {.dialect = dialect, .convention = true, .statements = statements, .err = err};
    if (context) {
        r.convention = !context->without_naming_convention;
        r.table = context->table;
        r.dependents = context->dependents;
    }
    status = dispatch(&r, operation, kind);
    while (status != MSEQ_OK && statements->count > from)
        free(statements->items[--statements->count]);
    return op_settle(status, err);
}

/* A create_table and the stubs of the others are built in full: that is their check. */
mseq_status mseq_migration_validate(const mseq_value *operation, mseq_error *err) {
    op_kind kind;
    mseq_status status = op_check(operation, &kind, err);
    if (status != MSEQ_OK)
        return status;
    mseq_table *table = NULL;
    char *name = NULL;
    switch (kind) {
    case OP_CREATE_TABLE:
    case OP_BULK_INSERT:
        status = op_table(operation, true, &table, err);
        break;
    case OP_ADD_COLUMN:
    case OP_CREATE_INDEX:
    case OP_CREATE_UNIQUE:
    case OP_CREATE_CHECK:
    case OP_CREATE_PRIMARY_KEY:
    case OP_CREATE_FOREIGN_KEY:
        status = op_stub(operation, kind, true, &table, err);
        break;
    case OP_ALTER_COLUMN:
        status = op_altered_column(operation, "type", "server_default", &table, err);
        break;
    case OP_DROP_CONSTRAINT:
        status = op_drop_name(operation, true, &name, err);
        break;
    default:
        break;
    }
    mseq_table_free(table);
    free(name);
    return op_settle(status, err);
}

const char *mseq_migration_needs_table(const mseq_value *operation, mseq_dialect dialect) {
    op_kind kind;
    if (dialect != MSEQ_SQLITE || op_check(operation, &kind, NULL) != MSEQ_OK ||
        !op_sqlite_needs_table(operation, kind))
        return NULL;
    return text_of(operation, kind == OP_CREATE_FOREIGN_KEY ? "source_table" : "table");
}
