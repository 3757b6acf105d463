/* SPDX-License-Identifier: MIT
 * Columns, constraints, indexes, CREATE and DROP of one table. */
#include <stdlib.h>
#include <string.h>

#include "ddl_private.h"

/* Adds the buffer's text as a statement; frees the buffer in any case. */
mseq_status add_statement(mseq_strings *statements, mseq_buffer *sql, mseq_error *err) {
    char *text = mseq_buffer_take(sql);
    return mseq_strings_add_take(statements, text) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static void append_columns(mseq_dialect dialect, const mseq_table *table,
                           const char *const *columns, size_t count, mseq_buffer *sql) {
    for (size_t i = 0; i < count; i++) {
        if (i)
            mseq_buffer_append_text(sql, ", ");
        const mseq_column *column = table ? mseq_table_column(table, columns[i]) : NULL;
        mseq_ddl_quote(dialect, columns[i], column ? column->quote : -1, sql);
    }
}

/* Names: final ones are cut on PostgreSQL, explicit longer ones are refused there, SQLite takes
 * any. */
static mseq_status append_name(mseq_dialect dialect, const char *name, bool final, const char *what,
                               mseq_buffer *sql, mseq_error *err) {
    if (dialect == MSEQ_SQLITE || mseq_utf8_length(name) <= MSEQ_IDENTIFIER_MAXIMUM)
        return mseq_ddl_quote(dialect, name, -1, sql);
    if (!final) {
        mseq_error_set(err, MSEQ_E_DDL, "%s name '%s' is longer than %d characters", what, name,
                       MSEQ_IDENTIFIER_MAXIMUM);
        mseq_error_hint(err, "leave the name out and the convention supplies one, or shorten it");
        return MSEQ_E_DDL;
    }
    char *cut = NULL;
    mseq_status status = mseq_naming_truncate_final(name, &cut, err);
    if (status == MSEQ_OK)
        status = mseq_ddl_quote(dialect, cut, -1, sql);
    free(cut);
    return status;
}

/* ---- Columns
 * --------------------------------------------------------------------------------------------- */

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
        return mseq_buffer_append_text(sql, " STORED");
    return given ? mseq_buffer_append_text(sql, " VIRTUAL") : MSEQ_OK;
}

static const char *serial_name(const mseq_type *type) {
    if (strcmp(type->name, "BigInteger") == 0 || strcmp(type->name, "BIGINT") == 0)
        return "BIGSERIAL";
    return strcmp(type->name, "SmallInteger") == 0 || strcmp(type->name, "SMALLINT") == 0
               ? "SMALLSERIAL"
               : "SERIAL";
}

static bool sqlite_autoincrement(const mseq_table *table) {
    const mseq_value *options = mseq_table_dialect_options(table, MSEQ_SQLITE);
    return mseq_object_get_boolean(options, "autoincrement", false);
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
    if (column->primary_key && sqlite_autoincrement(table))
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

/* ---- Constraints
 * ------------------------------------------------------------------------------------------- */

static void append_deferrable(const mseq_constraint *constraint, mseq_buffer *sql) {
    if (constraint->deferrable >= 0)
        mseq_buffer_append_text(sql,
                                constraint->deferrable == 1 ? " DEFERRABLE" : " NOT DEFERRABLE");
    if (constraint->initially)
        mseq_buffer_append_format(sql, " INITIALLY %s", constraint->initially);
}

static void append_include(mseq_dialect dialect, const mseq_value *options, mseq_buffer *sql) {
    const mseq_value *include = mseq_object_get(options, "include");
    if (dialect == MSEQ_SQLITE || !mseq_value_length(include))
        return;
    mseq_buffer_append_text(sql, " INCLUDE (");
    for (size_t i = 0; i < mseq_value_length(include); i++) {
        if (i)
            mseq_buffer_append_text(sql, ", ");
        mseq_ddl_quote(dialect, mseq_value_get_text(mseq_array_get(include, i)), -1, sql);
    }
    mseq_buffer_append_char(sql, ')');
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
    append_columns(dialect, table, key->columns, key->column_count, sql);
    mseq_buffer_append_text(sql, ") REFERENCES ");
    mseq_ddl_table_reference(dialect, dialect == MSEQ_SQLITE ? NULL : key->referred_schema,
                             key->referred_table, sql);
    if (key->referred_count) {
        mseq_buffer_append_text(sql, " (");
        append_columns(dialect, NULL, key->referred_columns, key->referred_count, sql);
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
    append_columns(dialect, table, constraint->columns, constraint->column_count, sql);
    mseq_buffer_append_char(sql, ')');
    append_include(dialect, constraint->postgresql, sql);
}

mseq_status mseq_ddl_constraint(mseq_dialect dialect, const mseq_table *table,
                                const mseq_constraint *constraint, mseq_buffer *sql,
                                mseq_error *err) {
    if (constraint->name) {
        mseq_buffer_append_text(sql, "CONSTRAINT ");
        mseq_status status =
            append_name(dialect, constraint->name, constraint->name_final, "constraint", sql, err);
        if (status != MSEQ_OK)
            return status;
        mseq_buffer_append_char(sql, ' ');
    }
    switch (constraint->kind) {
    case MSEQ_PRIMARY_KEY:
        mseq_buffer_append_text(sql, "PRIMARY KEY (");
        append_columns(dialect, table, constraint->columns, constraint->column_count, sql);
        mseq_buffer_append_char(sql, ')');
        append_include(dialect, constraint->postgresql, sql);
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

/* ---- Tables
 * -------------------------------------------------------------------------------------------------
 */

/* A foreign key of SQLite stays in its own database file; as in the reference, one that leads out
 * of it is left out. */
static bool leads_out(mseq_dialect dialect, const mseq_table *table, const mseq_constraint *key) {
    const char *here = mseq_table_schema(table), *there = key->referred_schema;
    here = here && strcmp(here, "public") != 0 ? here : "";
    there = there && strcmp(there, "public") != 0 ? there : "";
    return dialect == MSEQ_SQLITE && strcmp(here, there) != 0;
}

static mseq_status append_body(mseq_dialect dialect, const mseq_table *table,
                               const mseq_ddl_options *options, mseq_buffer *sql, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        mseq_buffer_append_text(sql, i ? ", \n\t" : "\n\t");
        status = mseq_ddl_column(dialect, table, mseq_table_column_at(table, i), sql, err);
    }
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *constraint = mseq_table_constraint_at(table, i);
        bool key = constraint->kind == MSEQ_FOREIGN_KEY;
        if ((constraint->kind == MSEQ_CHECK && constraint->from_column) ||
            (constraint->kind == MSEQ_PRIMARY_KEY && dialect == MSEQ_SQLITE &&
             sqlite_autoincrement(table)) ||
            (key && dialect == MSEQ_POSTGRESQL &&
             (options->without_foreign_keys || constraint->use_alter)) ||
            (key && leads_out(dialect, table, constraint)))
            continue;
        mseq_buffer_append_text(sql, ", \n\t");
        status = mseq_ddl_constraint(dialect, table, constraint, sql, err);
    }
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        if (!mseq_ddl_has_type_check(dialect, column))
            continue;
        mseq_buffer_append_text(sql, ", \n\t");
        status = mseq_ddl_type_check_constraint(dialect, table, column, sql, err);
    }
    return status;
}

static void append_tail(mseq_dialect dialect, const mseq_table *table, mseq_buffer *sql) {
    const mseq_value *options = mseq_table_dialect_options(table, dialect);
    static const char *const words[][2] = {{"partition_by", "PARTITION BY"},
                                           {"using", "USING"},
                                           {"on_commit", "ON COMMIT"},
                                           {"tablespace", "TABLESPACE"}};
    for (size_t i = 0; dialect == MSEQ_POSTGRESQL && i < sizeof words / sizeof *words; i++)
        if (mseq_object_get_text(options, words[i][0]))
            mseq_buffer_append_format(sql, "\n %s %s", words[i][1],
                                      mseq_object_get_text(options, words[i][0]));
    if (dialect == MSEQ_SQLITE && !mseq_object_get_boolean(options, "with_rowid", true))
        mseq_buffer_append_text(sql, "\n WITHOUT ROWID");
    if (dialect == MSEQ_SQLITE && mseq_object_get_boolean(options, "strict", false))
        mseq_buffer_append_text(sql, "\n STRICT");
}

static mseq_status add_comment(mseq_dialect dialect, const mseq_table *table,
                               const mseq_column *column, mseq_strings *statements,
                               mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, column ? "COMMENT ON COLUMN " : "COMMENT ON TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    if (column) {
        mseq_buffer_append_char(&sql, '.');
        mseq_ddl_quote(dialect, column->name, column->quote, &sql);
    }
    mseq_buffer_append_text(&sql, " IS ");
    mseq_ddl_literal(column ? column->comment : mseq_table_comment(table), &sql);
    return add_statement(statements, &sql, err);
}

static mseq_status add_comments(mseq_dialect dialect, const mseq_table *table,
                                mseq_strings *statements, mseq_error *err) {
    if (dialect == MSEQ_SQLITE)
        return MSEQ_OK;
    mseq_status status =
        mseq_table_comment(table) ? add_comment(dialect, table, NULL, statements, err) : MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++)
        if (mseq_table_column_at(table, i)->comment)
            status = add_comment(dialect, table, mseq_table_column_at(table, i), statements, err);
    return status;
}

static int by_name(const void *left, const void *right) {
    const mseq_index *a = *(const mseq_index *const *)left, *b = *(const mseq_index *const *)right;
    return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static mseq_status add_indexes(mseq_dialect dialect, const mseq_table *table,
                               mseq_strings *statements, mseq_error *err) {
    size_t count = mseq_table_index_count(table);
    const mseq_index **indexes = calloc(count + 1, sizeof(mseq_index *));
    if (!indexes)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        indexes[i] = mseq_table_index_at(table, i);
    qsort(indexes, count, sizeof *indexes, by_name);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++)
        status = mseq_ddl_create_index(dialect, table, indexes[i], NULL, statements, err);
    free(indexes);
    return status;
}

/* Takes back what was added since `from`, so that a failure leaves the list as it was. */
mseq_status settle(mseq_status status, mseq_strings *statements, size_t from) {
    while (status != MSEQ_OK && statements->count > from)
        free(statements->items[--statements->count]);
    return status;
}

static const mseq_ddl_options defaults = MSEQ_DDL_OPTIONS_INIT;

mseq_status mseq_ddl_create_table(mseq_dialect dialect, const mseq_table *table,
                                  const mseq_ddl_options *options, mseq_strings *statements,
                                  mseq_error *err) {
    options = options ? options : &defaults;
    size_t from = statements->count;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "CREATE ");
    const mseq_value *prefixes = mseq_table_prefixes(table);
    for (size_t i = 0; i < mseq_value_length(prefixes); i++)
        mseq_buffer_append_format(&sql, "%s ", mseq_value_get_text(mseq_array_get(prefixes, i)));
    mseq_buffer_append_text(&sql, options->if_not_exists ? "TABLE IF NOT EXISTS " : "TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table),
                             options->rename_table ? options->rename_table : mseq_table_name(table),
                             &sql);
    mseq_buffer_append_text(&sql, " (");
    mseq_status status = append_body(dialect, table, options, &sql, err);
    mseq_buffer_append_text(&sql, "\n)");
    append_tail(dialect, table, &sql);
    if (status == MSEQ_OK)
        status = add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    if (status == MSEQ_OK && !options->without_indexes)
        status = add_indexes(dialect, table, statements, err);
    if (status == MSEQ_OK)
        status = add_comments(dialect, table, statements, err);
    return settle(status, statements, from);
}

mseq_status mseq_ddl_drop_table(mseq_dialect dialect, const mseq_table *table,
                                const mseq_ddl_options *options, mseq_strings *statements,
                                mseq_error *err) {
    options = options ? options : &defaults;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, options->if_exists ? "DROP TABLE IF EXISTS " : "DROP TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    return add_statement(statements, &sql, err);
}

mseq_status mseq_ddl_add_constraint(mseq_dialect dialect, const mseq_table *table,
                                    const mseq_constraint *constraint, mseq_strings *statements,
                                    mseq_error *err) {
    if (dialect == MSEQ_SQLITE)
        return mseq_error_set(err, MSEQ_E_DDL,
                              "SQLite cannot add a constraint to a table; it needs a rebuild");
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "ALTER TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(table), mseq_table_name(table), &sql);
    mseq_buffer_append_text(&sql, " ADD ");
    mseq_status status = mseq_ddl_constraint(dialect, table, constraint, &sql, err);
    if (status == MSEQ_OK)
        status = add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    return status;
}

/* ---- Indexes
 * --------------------------------------------------------------------------------------------------
 */

static void append_element(mseq_dialect dialect, const mseq_table *table,
                           const mseq_index_element *element, const mseq_value *operators,
                           mseq_buffer *sql) {
    if (element->column) {
        append_columns(dialect, table, &element->column, 1, sql);
    } else if (element->function) {
        mseq_buffer_append_format(sql, "%s(", element->function);
        for (size_t i = 0; i < mseq_value_length(element->arguments); i++) {
            const mseq_value *argument = mseq_array_get(element->arguments, i);
            if (i)
                mseq_buffer_append_text(sql, ", ");
            const char *text = mseq_value_get_text(argument);
            if (text && mseq_table_column(table, text))
                append_columns(dialect, table, &text, 1, sql);
            else if (text)
                mseq_ddl_literal(text, sql);
            else if (mseq_json_write(argument, 0, sql, NULL) != MSEQ_OK)
                sql->status = MSEQ_E_DDL;
        }
        mseq_buffer_append_char(sql, ')');
    } else {
        mseq_buffer_append_text(sql, element->text); /* text stands as it is written */
    }
    const char *class = element->column && dialect == MSEQ_POSTGRESQL
                            ? mseq_object_get_text(operators, element->column)
                            : NULL;
    if (class)
        mseq_buffer_append_format(sql, " %s", class);
    if (element->order)
        mseq_buffer_append_text(sql, strcmp(element->order, "desc") == 0 ? " DESC" : " ASC");
    if (element->nulls)
        mseq_buffer_append_text(sql, strcmp(element->nulls, "first") == 0 ? " NULLS FIRST"
                                                                          : " NULLS LAST");
}

/* INCLUDE, NULLS, WITH, TABLESPACE: what stands between the elements and WHERE on PostgreSQL. */
static void append_index_options(const mseq_value *options, mseq_buffer *sql, mseq_error *err) {
    append_include(MSEQ_POSTGRESQL, options, sql);
    if (mseq_value_kind(mseq_object_get(options, "nulls_not_distinct")) == MSEQ_BOOLEAN)
        mseq_buffer_append_text(sql, mseq_object_get_boolean(options, "nulls_not_distinct", false)
                                         ? " NULLS NOT DISTINCT"
                                         : " NULLS DISTINCT");
    const mseq_value *with = mseq_object_get(options, "with");
    for (size_t i = 0; i < mseq_value_length(with); i++) {
        mseq_buffer_append_format(sql, i ? ", %s = " : " WITH (%s = ", mseq_object_key_at(with, i));
        const mseq_value *value = mseq_object_value_at(with, i);
        if (mseq_value_get_text(value))
            mseq_buffer_append_text(sql, mseq_value_get_text(value));
        else if (mseq_json_write(value, 0, sql, err) != MSEQ_OK)
            sql->status = MSEQ_E_DDL;
    }
    if (mseq_value_length(with))
        mseq_buffer_append_char(sql, ')');
    if (mseq_object_get_text(options, "tablespace"))
        mseq_buffer_append_format(sql, " TABLESPACE %s",
                                  mseq_object_get_text(options, "tablespace"));
}

mseq_status mseq_ddl_create_index(mseq_dialect dialect, const mseq_table *table,
                                  const mseq_index *index, const mseq_ddl_options *options,
                                  mseq_strings *statements, mseq_error *err) {
    options = options ? options : &defaults;
    bool postgresql = dialect == MSEQ_POSTGRESQL;
    const mseq_value *own = postgresql ? index->postgresql : index->sqlite;
    if (!index->name)
        return mseq_error_set(err, MSEQ_E_DDL, "table '%s': an index needs a name",
                              mseq_table_name(table));
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    if (postgresql && mseq_object_get_boolean(own, "concurrently", false))
        mseq_buffer_append_text(&sql, "CONCURRENTLY ");
    if (options->if_not_exists)
        mseq_buffer_append_text(&sql, "IF NOT EXISTS ");
    if (!postgresql && mseq_table_schema(table)) { /* SQLite qualifies the index, not the table */
        mseq_ddl_quote(dialect, mseq_table_schema(table), -1, &sql);
        mseq_buffer_append_char(&sql, '.');
    }
    mseq_status status = append_name(dialect, index->name, index->name_final, "index", &sql, err);
    mseq_buffer_append_text(&sql, " ON ");
    mseq_ddl_table_reference(dialect, postgresql ? mseq_table_schema(table) : NULL,
                             mseq_table_name(table), &sql);
    if (postgresql && mseq_object_get_text(own, "using"))
        mseq_buffer_append_format(&sql, " USING %s", mseq_object_get_text(own, "using"));
    mseq_buffer_append_text(&sql, " (");
    for (size_t i = 0; i < index->element_count; i++) {
        if (i)
            mseq_buffer_append_text(&sql, ", ");
        append_element(dialect, table, &index->elements[i], mseq_object_get(own, "ops"), &sql);
    }
    mseq_buffer_append_char(&sql, ')');
    if (postgresql)
        append_index_options(own, &sql, err);
    if (mseq_object_get_text(own, "where"))
        mseq_buffer_append_format(&sql, " WHERE %s", mseq_object_get_text(own, "where"));
    if (status == MSEQ_OK)
        status = add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    return status;
}

mseq_status mseq_ddl_drop_index(mseq_dialect dialect, const char *schema, const char *name,
                                const mseq_ddl_options *options, mseq_strings *statements,
                                mseq_error *err) {
    options = options ? options : &defaults;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, options->if_exists ? "DROP INDEX IF EXISTS " : "DROP INDEX ");
    mseq_ddl_table_reference(dialect, schema, name, &sql);
    return add_statement(statements, &sql, err);
}
