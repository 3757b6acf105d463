/* SPDX-License-Identifier: MIT
 * Columns of a description. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

static const char *const column_keys[] = {
    "name",           "type",          "nullable", "primary_key", "unique",
    "index",          "autoincrement", "quote",    "default",     "onupdate",
    "server_default", "identity",      "computed", "comment",     "info",
    "checks",         "foreign_key",   "key",      NULL};

static mseq_status keep_object(mseq_table *table, const mseq_value *source, const char *what,
                               const char *key, const mseq_value **out, mseq_error *err) {
    const mseq_value *member;
    mseq_status status = get_object(source, what, key, &member, err);
    if (status == MSEQ_OK && member && !(*out = arena_keep(&table->arena, mseq_value_dup(member))))
        status = mseq_error_no_memory(err);
    return status;
}

static mseq_status parse_server_default(mseq_table *table, const mseq_value *value,
                                        const char *what, mseq_server_default *out,
                                        mseq_error *err) {
    static const char *const keys[] = {"literal", "text", "func", "args", "bool", "null", NULL};
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    const mseq_value *kept = arena_keep(&table->arena, mseq_value_dup(value));
    if (!kept)
        return mseq_error_no_memory(err);
    if (mseq_value_kind(kept) == MSEQ_STRING) {
        *out = (mseq_server_default){MSEQ_DEFAULT_LITERAL, mseq_value_get_text(kept), NULL, false};
        return MSEQ_OK;
    }
    if (mseq_value_kind(kept) == MSEQ_BOOLEAN) {
        *out = (mseq_server_default){MSEQ_DEFAULT_BOOLEAN, NULL, NULL,
                                     mseq_value_get_boolean(kept, false)};
        return MSEQ_OK;
    }
    mseq_status status = check_keys(kept, what, keys, err);
    if (status != MSEQ_OK)
        return status;
    if ((out->text = mseq_object_get_text(kept, "literal"))) {
        out->kind = MSEQ_DEFAULT_LITERAL;
    } else if ((out->text = mseq_object_get_text(kept, "text"))) {
        out->kind = MSEQ_DEFAULT_TEXT;
    } else if ((out->text = mseq_object_get_text(kept, "func"))) {
        out->kind = MSEQ_DEFAULT_FUNCTION;
        out->arguments = mseq_object_get(kept, "args");
    } else if (mseq_value_kind(mseq_object_get(kept, "bool")) == MSEQ_BOOLEAN) {
        out->kind = MSEQ_DEFAULT_BOOLEAN;
        out->boolean = mseq_object_get_boolean(kept, "bool", false);
    } else if (mseq_object_get_boolean(kept, "null", false)) {
        out->kind = MSEQ_DEFAULT_NULL;
    } else {
        mseq_error_set(err, MSEQ_E_SCHEMA, "%s: server_default is none of the known forms", what);
        mseq_error_hint(
            err, "a string is a quoted literal, text(\"…\") raw SQL, func.name() a function");
        return MSEQ_E_SCHEMA;
    }
    return MSEQ_OK;
}

static mseq_status read_options(mseq_table *table, const mseq_value *source, const char *what,
                                mseq_column *column, mseq_error *err) {
    static const char *const identity_keys[] = {"always",   "start",      "increment",  "minvalue",
                                                "maxvalue", "nominvalue", "nomaxvalue", "cycle",
                                                "cache",    "on_null",    "order",      NULL};
    static const char *const computed_keys[] = {"sqltext", "persisted", NULL};
    int nullable, primary_key, unique, index, autoincrement, quote;
    mseq_status status = get_boolean(source, what, "nullable", &nullable, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "primary_key", &primary_key, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "unique", &unique, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "index", &index, err);
    if (status == MSEQ_OK && mseq_object_get_text(source, "autoincrement"))
        autoincrement = -1; /* "auto" */
    else if (status == MSEQ_OK)
        status = get_boolean(source, what, "autoincrement", &autoincrement, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "quote", &quote, err);
    if (status == MSEQ_OK)
        status = keep_object(table, source, what, "identity", &column->identity, err);
    if (status == MSEQ_OK && !column->identity &&
        mseq_value_kind(mseq_object_get(source, "identity")) == MSEQ_OBJECT &&
        !(column->identity = arena_keep(&table->arena, mseq_value_object())))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK && column->identity)
        status = check_keys(column->identity, what, identity_keys, err);
    if (status == MSEQ_OK)
        status = keep_object(table, source, what, "computed", &column->computed, err);
    if (status == MSEQ_OK && column->computed)
        status = check_keys(column->computed, what, computed_keys, err);
    if (status == MSEQ_OK)
        status = keep_object(table, source, what, "info", &column->info, err);
    if (status == MSEQ_OK)
        status = keep_text(table, source, what, "comment", &column->comment, err);
    if (status == MSEQ_OK)
        status = parse_server_default(table, mseq_object_get(source, "server_default"), what,
                                      &column->server_default, err);
    if (status != MSEQ_OK)
        return status;
    column->primary_key = primary_key == 1;
    column->unique = unique == 1;
    column->index = index == 1;
    column->autoincrement = autoincrement;
    column->quote = quote;
    column->nullable_given = nullable >= 0;
    column->nullable = nullable >= 0 ? nullable == 1 : !column->primary_key && !column->identity;
    column->has_onupdate = !mseq_value_is_null(mseq_object_get(source, "onupdate"));
    const mseq_value *fallback = mseq_object_get(source, "default");
    column->has_default = !mseq_value_is_null(fallback);
    if (mseq_object_get(fallback, "value") &&
        !(column->default_value =
              arena_keep(&table->arena, mseq_value_dup(mseq_object_get(fallback, "value")))))
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static mseq_status parse_column(mseq_table *table, size_t position, const mseq_value *source,
                                mseq_error *err) {
    mseq_column *column = &table->columns[position];
    char *what = mseq_text_format("table '%s', column %zu", table->name, position + 1);
    if (!what)
        return mseq_error_no_memory(err);
    const char *name = NULL;
    mseq_status status = MSEQ_OK;
    if (mseq_value_kind(source) != MSEQ_OBJECT)
        status = mseq_error_set(err, MSEQ_E_SCHEMA, "%s: a column is a table of options", what);
    if (status == MSEQ_OK)
        status = get_text(source, what, "name", &name, err);
    if (status == MSEQ_OK && (!name || !*name))
        status = mseq_error_set(err, MSEQ_E_SCHEMA, "%s: a column needs a name", what);
    free(what);
    if (status != MSEQ_OK)
        return status;
    for (size_t i = 0; i < position; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return mseq_error_set(err, MSEQ_E_SCHEMA,
                                  "table '%s': column '%s' is declared twice (columns %zu and %zu)",
                                  table->name, name, i + 1, position + 1);
    column->name = arena_text(&table->arena, name);
    column->position = position;
    what = mseq_text_format("table '%s', column '%s'", table->name, name);
    if (!column->name || !what) {
        free(what);
        return mseq_error_no_memory(err);
    }
    status = check_keys(source, what, column_keys, err);
    if (status == MSEQ_OK && !mseq_utf8_valid(name, strlen(name)))
        status = mseq_error_set(err, MSEQ_E_SCHEMA, "%s: the name is not valid UTF-8", what);
    if (status == MSEQ_OK)
        status =
            parse_type(&table->arena, mseq_object_get(source, "type"), what, &column->type, err);
    if (status == MSEQ_OK)
        status = read_options(table, source, what, column, err);
    free(what);
    return status;
}

mseq_status parse_columns(mseq_table *table, mseq_error *err) {
    const mseq_value *list;
    mseq_status status = get_array(table->draft, table->name, "columns", &list, err);
    if (status != MSEQ_OK)
        return status;
    size_t count = mseq_value_length(list);
    if (count == 0) {
        mseq_error_set(err, MSEQ_E_SCHEMA, "table '%s' has no columns", table->name);
        mseq_error_hint(err, "declare at least one column before it is used");
        return MSEQ_E_SCHEMA;
    }
    table->columns = arena_new(&table->arena, count * sizeof *table->columns);
    if (!table->columns)
        return mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < count; i++) {
        status = parse_column(table, i, mseq_array_get(list, i), err);
        table->column_count = i + 1;
    }
    return status;
}
