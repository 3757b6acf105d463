/* SPDX-License-Identifier: MIT
 * Constraints, written in CREATE TABLE and ALTER TABLE alike. */
#include <stdlib.h>
#include <string.h>

#include "ddl_private.h"

static void append_deferrable(const mseq_constraint *constraint, mseq_buffer *sql) {
    if (constraint->deferrable >= 0)
        mseq_buffer_append_text(sql,
                                constraint->deferrable == 1 ? " DEFERRABLE" : " NOT DEFERRABLE");
    if (constraint->initially)
        mseq_buffer_append_format(sql, " INITIALLY %s", constraint->initially);
}

/* The actions of SQL; PostgreSQL 15 also takes a column list behind SET NULL and SET DEFAULT. */
static mseq_status check_action(mseq_dialect dialect, const mseq_table *table, const char *option,
                                const char *action, mseq_error *err) {
    static const char *const actions[] = {"SET NULL", "SET DEFAULT", "RESTRICT", "CASCADE",
                                          "NO ACTION"};
    for (size_t i = 0; action && i < sizeof actions / sizeof *actions; i++) {
        size_t length = strlen(actions[i]);
        if (strncasecmp(action, actions[i], length) != 0)
            continue;
        bool columns =
            i < 2 && dialect == MSEQ_POSTGRESQL && strncmp(action + length, " (", 2) == 0;
        if (!action[length] || columns)
            return MSEQ_OK;
    }
    if (!action)
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_DDL, "table '%s': %s has the action '%s', which %s does not know",
                   mseq_table_name(table), option, action, mseq_dialect_name(dialect));
    mseq_error_hint(err, "use RESTRICT, CASCADE, SET NULL, SET DEFAULT or NO ACTION");
    return MSEQ_E_DDL;
}

static void append_foreign_key(mseq_dialect dialect, const mseq_table *table,
                               const mseq_constraint *key, mseq_buffer *sql) {
    mseq_buffer_append_text(sql, "FOREIGN KEY(");
    ddl_append_columns(dialect, table, key->columns, key->column_count, sql);
    mseq_buffer_append_text(sql, ") REFERENCES ");
    mseq_ddl_table_reference(dialect, dialect == MSEQ_SQLITE ? NULL : key->referred_schema,
                             key->referred_table, sql);
    if (key->referred_count) {
        mseq_buffer_append_text(sql, " (");
        ddl_append_columns(dialect, NULL, key->referred_columns, key->referred_count, sql);
        mseq_buffer_append_char(sql, ')');
    }
    if (key->match)
        mseq_buffer_append_format(sql, " MATCH %s", key->match);
    if (key->ondelete)
        mseq_buffer_append_format(sql, " ON DELETE %s", key->ondelete);
    if (key->onupdate)
        mseq_buffer_append_format(sql, " ON UPDATE %s", key->onupdate);
}

static void append_unique(mseq_dialect dialect, const mseq_table *table,
                          const mseq_constraint *constraint, mseq_buffer *sql) {
    mseq_buffer_append_text(sql, "UNIQUE ");
    if (dialect == MSEQ_POSTGRESQL &&
        mseq_value_kind(mseq_object_get(constraint->postgresql, "nulls_not_distinct")) ==
            MSEQ_BOOLEAN)
        mseq_buffer_append_text(
            sql, mseq_object_get_boolean(constraint->postgresql, "nulls_not_distinct", false)
                     ? "NULLS NOT DISTINCT "
                     : "NULLS DISTINCT ");
    mseq_buffer_append_char(sql, '(');
    ddl_append_columns(dialect, table, constraint->columns, constraint->column_count, sql);
    mseq_buffer_append_char(sql, ')');
    ddl_append_include(dialect, constraint->postgresql, sql);
}

mseq_status mseq_ddl_constraint(mseq_dialect dialect, const mseq_table *table,
                                const mseq_constraint *constraint, mseq_buffer *sql,
                                mseq_error *err) {
    if (constraint->name) {
        mseq_buffer_append_text(sql, "CONSTRAINT ");
        mseq_status status = ddl_append_name(dialect, constraint->name, constraint->name_final,
                                             "constraint", sql, err);
        if (status != MSEQ_OK)
            return status;
        mseq_buffer_append_char(sql, ' ');
    }
    switch (constraint->kind) {
    case MSEQ_PRIMARY_KEY:
        mseq_buffer_append_text(sql, "PRIMARY KEY (");
        ddl_append_columns(dialect, table, constraint->columns, constraint->column_count, sql);
        mseq_buffer_append_char(sql, ')');
        ddl_append_include(dialect, constraint->postgresql, sql);
        break;
    case MSEQ_UNIQUE:
        append_unique(dialect, table, constraint, sql);
        break;
    case MSEQ_CHECK:
        mseq_buffer_append_format(sql, "CHECK (%s)", constraint->sqltext);
        break;
    case MSEQ_FOREIGN_KEY: {
        mseq_status status = check_action(dialect, table, "ondelete", constraint->ondelete, err);
        if (status == MSEQ_OK)
            status = check_action(dialect, table, "onupdate", constraint->onupdate, err);
        if (status != MSEQ_OK)
            return status;
        append_foreign_key(dialect, table, constraint, sql);
        break;
    }
    case MSEQ_EXCLUDE:
        return mseq_error_set(err, MSEQ_E_DDL, "EXCLUDE constraints stand in operations only");
    }
    append_deferrable(constraint, sql);
    if (dialect == MSEQ_POSTGRESQL &&
        mseq_object_get_boolean(constraint->postgresql, "not_valid", false))
        mseq_buffer_append_text(sql, " NOT VALID");
    return sql->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

bool mseq_ddl_has_type_check(mseq_dialect dialect, const mseq_column *column) {
    const mseq_type *type = mseq_type_for(column->type, dialect);
    bool boolean = strcasecmp(type->name, "Boolean") == 0;
    bool native = dialect == MSEQ_POSTGRESQL &&
                  (boolean || mseq_object_get_boolean(type->arguments, "native_enum", true));
    return !native && mseq_object_get_boolean(type->arguments, "create_constraint", false);
}

mseq_status mseq_ddl_type_check(mseq_dialect dialect, const mseq_column *column, mseq_buffer *sql) {
    if (!mseq_ddl_has_type_check(dialect, column))
        return sql->status;
    const mseq_type *type = mseq_type_for(column->type, dialect);
    const mseq_value *values = mseq_object_get(type->arguments, "values");
    mseq_ddl_quote(dialect, column->name, column->quote, sql);
    mseq_buffer_append_text(sql, values ? " IN (" : " IN (0, 1");
    for (size_t i = 0; i < mseq_value_length(values); i++) {
        if (i)
            mseq_buffer_append_text(sql, ", ");
        mseq_ddl_literal(mseq_value_get_text(mseq_array_get(values, i)), sql);
    }
    return mseq_buffer_append_char(sql, ')');
}

mseq_status mseq_ddl_type_check_constraint(mseq_dialect dialect, const mseq_table *table,
                                           const mseq_column *column, mseq_buffer *sql,
                                           mseq_error *err) {
    const mseq_type *type = mseq_type_for(column->type, dialect);
    const char *given = mseq_object_get_text(type->arguments, "name");
    char *name = NULL;
    mseq_status status = MSEQ_OK;
    if (mseq_table_uses_naming_convention(table))
        status = mseq_naming_check_constraint_name(mseq_table_name(table), given, &name, err);
    if (status == MSEQ_OK && (name || given)) {
        mseq_buffer_append_text(sql, "CONSTRAINT ");
        mseq_ddl_quote(dialect, name ? name : given, -1, sql);
        mseq_buffer_append_char(sql, ' ');
    }
    free(name);
    mseq_buffer_append_text(sql, "CHECK (");
    mseq_ddl_type_check(dialect, column, sql);
    mseq_buffer_append_char(sql, ')');
    return status;
}
