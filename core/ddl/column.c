/* SPDX-License-Identifier: MIT
 * Columns: type, default, NOT NULL and what numbers them. */
#include <string.h>

#include "ddl_private.h"

static bool is_integer(const mseq_type *type) {
    static const char *const names[] = {"Integer", "INTEGER",      "INT",     "BigInteger",
                                        "BIGINT",  "SmallInteger", "SMALLINT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(type->name, names[i]) == 0)
            return true;
    return (strcmp(type->name, "Numeric") == 0 || strcmp(type->name, "NUMERIC") == 0 ||
            strcmp(type->name, "DECIMAL") == 0) &&
           type->scale == 0;
}

static bool has_foreign_key(const mseq_table *table, const char *column) {
    for (size_t i = 0; i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *key = mseq_table_constraint_at(table, i);
        for (size_t c = 0; key->kind == MSEQ_FOREIGN_KEY && c < key->column_count; c++)
            if (strcmp(key->columns[c], column) == 0)
                return true;
    }
    return false;
}

/* SQLAlchemy's Table._autoincrement_column: the one integer key column that the database numbers.
 */
static bool is_autoincrement(const mseq_table *table, const mseq_column *column) {
    const mseq_constraint *key = mseq_table_primary_key(table);
    if (!key || !column->primary_key || column->autoincrement == 0 || !is_integer(column->type))
        return false;
    if (column->autoincrement == 1)
        return true;
    return key->column_count == 1 && !has_foreign_key(table, column->name) &&
           !column->has_default && column->server_default.kind == MSEQ_DEFAULT_NONE &&
           !column->identity;
}

static mseq_status append_computed(mseq_dialect dialect, const mseq_column *column,
                                   mseq_buffer *sql, mseq_error *err) {
    const mseq_value *persisted = mseq_object_get(column->computed, "persisted");
    bool given = mseq_value_kind(persisted) == MSEQ_BOOLEAN,
         stored = mseq_value_get_boolean(persisted, false);
    const char *text = mseq_object_get_text(column->computed, "sqltext");
    if (!text)
        return mseq_error_set(err, MSEQ_E_DDL, "column '%s': a computed column needs its SQL text",
                              column->name);
    if (dialect == MSEQ_POSTGRESQL && given && !stored)
        return mseq_error_set(err, MSEQ_E_DDL,
                              "column '%s': PostgreSQL has no virtual computed columns",
                              column->name);
    mseq_buffer_append_format(sql, " GENERATED ALWAYS AS (%s)", text);
    if (dialect == MSEQ_POSTGRESQL || stored)
        mseq_buffer_append_text(sql, " STORED");
    else if (given)
        mseq_buffer_append_text(sql, " VIRTUAL");
    return sql->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static const char *serial_name(const mseq_type *type) {
    if (strcmp(type->name, "BigInteger") == 0 || strcmp(type->name, "BIGINT") == 0)
        return "BIGSERIAL";
    return strcmp(type->name, "SmallInteger") == 0 || strcmp(type->name, "SMALLINT") == 0
               ? "SMALLSERIAL"
               : "SERIAL";
}

static mseq_status append_default(mseq_dialect dialect, const mseq_column *column, mseq_buffer *sql,
                                  mseq_error *err) {
    if (column->server_default.kind == MSEQ_DEFAULT_NONE)
        return MSEQ_OK;
    mseq_buffer_append_text(sql, " DEFAULT ");
    return mseq_ddl_server_default(dialect, &column->server_default, sql, err);
}

static mseq_status postgresql_column(const mseq_table *table, const mseq_column *column,
                                     mseq_buffer *sql, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    bool serial = is_autoincrement(table, column) && !column->identity && !column->has_default;
    if (serial)
        mseq_buffer_append_text(sql, serial_name(mseq_type_for(column->type, MSEQ_POSTGRESQL)));
    else
        status = mseq_ddl_type(MSEQ_POSTGRESQL, column->type, sql, err);
    if (status == MSEQ_OK)
        status = append_default(MSEQ_POSTGRESQL, column, sql, err);
    if (status == MSEQ_OK && column->computed)
        status = append_computed(MSEQ_POSTGRESQL, column, sql, err);
    if (column->identity) {
        mseq_buffer_append_char(sql, ' ');
        mseq_ddl_identity(column->identity, sql);
    }
    if (!column->nullable && !column->identity)
        mseq_buffer_append_text(sql, " NOT NULL");
    else if (column->nullable && column->identity)
        mseq_buffer_append_text(sql, " NULL");
    return status;
}

static mseq_status sqlite_column(const mseq_table *table, const mseq_column *column,
                                 mseq_buffer *sql, mseq_error *err) {
    const mseq_constraint *key = mseq_table_primary_key(table);
    if (column->primary_key && column->autoincrement == 1 && key->column_count > 1)
        return mseq_error_set(
            err, MSEQ_E_DDL,
            "column '%s': SQLite does not support autoincrement for composite primary keys",
            column->name);
    mseq_status status = mseq_ddl_type(MSEQ_SQLITE, column->type, sql, err);
    if (status == MSEQ_OK)
        status = append_default(MSEQ_SQLITE, column, sql, err);
    if (!column->nullable)
        mseq_buffer_append_text(sql, " NOT NULL");
    if (column->primary_key && ddl_sqlite_autoincrement(table))
        mseq_buffer_append_text(sql, " PRIMARY KEY AUTOINCREMENT");
    if (status == MSEQ_OK && column->computed)
        status = append_computed(MSEQ_SQLITE, column, sql, err);
    return status;
}

mseq_status mseq_ddl_column(mseq_dialect dialect, const mseq_table *table,
                            const mseq_column *column, mseq_buffer *sql, mseq_error *err) {
    mseq_ddl_quote(dialect, column->name, column->quote, sql);
    mseq_buffer_append_char(sql, ' ');
    mseq_status status = dialect == MSEQ_SQLITE ? sqlite_column(table, column, sql, err)
                                                : postgresql_column(table, column, sql, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *check = mseq_table_constraint_at(table, i);
        if (check->kind != MSEQ_CHECK || !check->from_column ||
            strcmp(check->columns[0], column->name) != 0)
            continue;
        mseq_buffer_append_char(sql, ' ');
        status = mseq_ddl_constraint(dialect, table, check, sql, err);
    }
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "table '%s', column '%s': ", mseq_table_name(table), column->name);
        return status;
    }
    return sql->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}
