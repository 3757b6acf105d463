/* SPDX-License-Identifier: MIT
 * A table's life: draft, freeze, shared and immutable, gone; and what it lets read. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

static const char *const table_keys[] = {"name",
                                         "schema",
                                         "comment",
                                         "prefixes",
                                         "info",
                                         "postgresql",
                                         "sqlite",
                                         "naming_convention",
                                         "columns",
                                         "primary_key",
                                         "unique_constraints",
                                         "check_constraints",
                                         "foreign_keys",
                                         "indexes",
                                         "kind",
                                         "class_name",
                                         "module",
                                         "source",
                                         "line",
                                         "meta",
                                         NULL};

static mseq_status new_table(mseq_value *draft, mseq_table **out, mseq_error *err) {
    mseq_table *table = draft ? calloc(1, sizeof *table) : NULL;
    if (!table) {
        mseq_value_free(draft);
        return mseq_error_no_memory(err);
    }
    atomic_init(&table->owners, 1);
    table->draft = draft;
    *out = table;
    return MSEQ_OK;
}

mseq_table *mseq_table_retain(const mseq_table *table) {
    mseq_table *shared = (mseq_table *)(uintptr_t)table;
    atomic_fetch_add(&shared->owners, 1);
    return shared;
}

void mseq_table_free(mseq_table *table) {
    if (!table || atomic_fetch_sub(&table->owners, 1) > 1)
        return;
    mseq_value_free(table->draft);
    arena_free(&table->arena);
    free(table);
}

mseq_status mseq_table_from_description(const mseq_value *description, mseq_table **out,
                                        mseq_error *err) {
    if (mseq_value_kind(description) != MSEQ_OBJECT)
        return mseq_error_set(err, MSEQ_E_SCHEMA, "a table's description is an object, not %s",
                              mseq_kind_name(mseq_value_kind(description)));
    mseq_table *table = NULL;
    mseq_status status = new_table(mseq_value_dup(description), &table, err);
    if (status == MSEQ_OK)
        status = mseq_table_freeze(table, err);
    if (status != MSEQ_OK) {
        mseq_table_free(table);
        return status;
    }
    *out = table;
    return MSEQ_OK;
}

static const char *kind_name(mseq_table_kind kind) {
    return kind == MSEQ_TABLE_TIME_INDEX         ? "time_index"
           : kind == MSEQ_TABLE_PLATFORM_MANAGED ? "platform_managed"
                                                 : "plain";
}

mseq_status mseq_table_new(const mseq_table_options *options, mseq_table **out, mseq_error *err) {
    if (!options || options->size < sizeof *options || !options->name)
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "mseq_table_new needs options with a name (MSEQ_TABLE_OPTIONS_INIT)");
    mseq_value *draft = mseq_value_object();
    bool ok =
        draft && mseq_object_put_text(draft, "name", options->name) == MSEQ_OK &&
        mseq_object_put_text(draft, "kind", kind_name(options->kind)) == MSEQ_OK &&
        mseq_object_put_boolean(draft, "naming_convention", !options->without_naming_convention) ==
            MSEQ_OK &&
        mseq_object_put_text(draft, "class_name",
                             options->class_name ? options->class_name : options->name) == MSEQ_OK;
    if (ok && options->schema)
        ok = mseq_object_put_text(draft, "schema", options->schema) == MSEQ_OK;
    if (ok && options->module)
        ok = mseq_object_put_text(draft, "module", options->module) == MSEQ_OK;
    if (ok && options->meta)
        ok = mseq_object_put(draft, "meta", mseq_value_dup(options->meta)) == MSEQ_OK;
    if (!ok) {
        mseq_value_free(draft);
        return mseq_error_no_memory(err);
    }
    return new_table(draft, out, err);
}

/* "table.column" or "schema.table.column" → members of a foreign key. */
static mseq_status put_reference(mseq_value *column, const mseq_column_options *options,
                                 mseq_error *err) {
    const char *last = strrchr(options->references, '.');
    if (!last || last == options->references || !last[1])
        return mseq_error_set(err, MSEQ_E_SCHEMA,
                              "column '%s': references '%s' is not table.column", options->name,
                              options->references);
    const char *table = last;
    while (table > options->references && table[-1] != '.')
        table--;
    mseq_value *key = mseq_value_object(), *columns = mseq_value_array();
    bool ok = key && mseq_array_add(columns, mseq_value_string(last + 1)) == MSEQ_OK &&
              mseq_object_put(key, "referred_table",
                              mseq_value_string_n(table, (size_t)(last - table))) == MSEQ_OK;
    if (ok && table > options->references)
        ok = mseq_object_put(key, "referred_schema",
                             mseq_value_string_n(options->references,
                                                 (size_t)(table - 1 - options->references))) ==
             MSEQ_OK;
    if (ok && options->ondelete)
        ok = mseq_object_put_text(key, "ondelete", options->ondelete) == MSEQ_OK;
    if (!ok) {
        mseq_value_free(columns);
        mseq_value_free(key);
        return mseq_error_no_memory(err);
    }
    if (mseq_object_put(key, "referred_columns", columns) != MSEQ_OK ||
        mseq_object_put(column, "foreign_key", key) != MSEQ_OK)
        return mseq_error_no_memory(err); /* put owns its value even on failure */
    return MSEQ_OK;
}

mseq_status mseq_table_add_column(mseq_table *table, const mseq_column_options *options,
                                  mseq_error *err) {
    if (!options || options->size < sizeof *options || !options->name || !options->type)
        return mseq_error_set(
            err, MSEQ_E_ARGUMENT,
            "mseq_table_add_column needs a name and a type (MSEQ_COLUMN_OPTIONS_INIT)");
    mseq_value *column = mseq_value_object(), *type = mseq_value_object();
    mseq_status status = MSEQ_OK;
    bool ok = column && type && mseq_object_put_text(type, "name", options->type) == MSEQ_OK;
    if (ok && options->type_arguments)
        ok = mseq_object_put(type, "args", mseq_value_dup(options->type_arguments)) == MSEQ_OK;
    if (ok)
        ok = mseq_object_put_text(column, "name", options->name) == MSEQ_OK;
    if (!ok)
        mseq_value_free(type);
    else
        ok = mseq_object_put(column, "type", type) == MSEQ_OK;
    if (ok && options->nullable >= 0)
        ok = mseq_object_put_boolean(column, "nullable", options->nullable == 1) == MSEQ_OK;
    ok = ok && mseq_object_put_boolean(column, "primary_key", options->primary_key) == MSEQ_OK &&
         mseq_object_put_boolean(column, "unique", options->unique) == MSEQ_OK &&
         mseq_object_put_boolean(column, "index", options->index) == MSEQ_OK;
    if (ok && options->info)
        ok = mseq_object_put(column, "info", mseq_value_dup(options->info)) == MSEQ_OK;
    if (!ok)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK && options->references)
        status = put_reference(column, options, err);
    if (status != MSEQ_OK) {
        mseq_value_free(column);
        return status;
    }
    status = mseq_table_add(table, "columns", column, err);
    mseq_value_free(column);
    return status;
}

mseq_status mseq_table_add(mseq_table *table, const char *list, const mseq_value *description,
                           mseq_error *err) {
    if (table->frozen)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "table '%s' is frozen: nothing can be added",
                              table->name);
    mseq_value *items = mseq_object_peek(table->draft, list);
    if (!items) {
        if (mseq_object_put(table->draft, list, mseq_value_array()) != MSEQ_OK)
            return mseq_error_no_memory(err);
        items = mseq_object_peek(table->draft, list);
    }
    return mseq_array_add(items, mseq_value_dup(description)) == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_no_memory(err);
}

static mseq_status keep(mseq_table *table, const char *key, const char **out, mseq_error *err) {
    const char *text;
    mseq_status status = get_text(table->draft, "table", key, &text, err);
    if (status == MSEQ_OK && text && !(*out = arena_text(&table->arena, text)))
        status = mseq_error_no_memory(err);
    return status;
}

static mseq_status keep_options(mseq_table *table, const char *key, const mseq_value **out,
                                mseq_error *err) {
    const mseq_value *value;
    mseq_status status = get_object(table->draft, "table", key, &value, err);
    if (status == MSEQ_OK && value && !(*out = arena_keep(&table->arena, mseq_value_dup(value))))
        status = mseq_error_no_memory(err);
    return status;
}

static mseq_status read_head(mseq_table *table, mseq_error *err) {
    mseq_status status = check_keys(table->draft, "table", table_keys, err);
    if (status == MSEQ_OK)
        status = keep(table, "name", &table->name, err);
    if (status == MSEQ_OK &&
        (!table->name || !*table->name || !mseq_utf8_valid(table->name, strlen(table->name))))
        status = mseq_error_set(err, MSEQ_E_SCHEMA, "a table needs a name%s",
                                table->name && *table->name ? " in valid UTF-8" : "");
    if (status == MSEQ_OK)
        status = keep(table, "schema", &table->schema, err);
    if (status == MSEQ_OK)
        status = keep(table, "comment", &table->comment, err);
    if (status == MSEQ_OK)
        status = keep_options(table, "info", &table->info, err);
    if (status == MSEQ_OK)
        status = keep_options(table, "postgresql", &table->postgresql, err);
    if (status == MSEQ_OK)
        status = keep_options(table, "sqlite", &table->sqlite, err);
    const mseq_value *prefixes = NULL;
    if (status == MSEQ_OK)
        status = get_array(table->draft, "table", "prefixes", &prefixes, err);
    if (status == MSEQ_OK && prefixes &&
        !(table->prefixes = arena_keep(&table->arena, mseq_value_dup(prefixes))))
        status = mseq_error_no_memory(err);
    int convention = -1;
    if (status == MSEQ_OK)
        status = get_boolean(table->draft, "table", "naming_convention", &convention, err);
    table->naming_convention = convention != 0;
    return status;
}

/* The platform's own tables: PostgreSQL cuts longer names without a word, and then nothing finds
 * them. Tables that only mirror a database may be called what it takes. */
static mseq_status check_name(const mseq_table *table, mseq_error *err) {
    size_t length = mseq_utf8_length(table->name);
    if (table->meta.kind == MSEQ_TABLE_PLAIN)
        return MSEQ_OK;
    if (length > MSEQ_IDENTIFIER_MAXIMUM) {
        mseq_error_set(err, MSEQ_E_NAME,
                       "table '%s': the name has %zu characters, at most %d are allowed",
                       table->name, length, MSEQ_IDENTIFIER_MAXIMUM);
        mseq_error_hint(err, "schema_table_name keeps to the limit");
        return MSEQ_E_NAME;
    }
    char *part = NULL;
    mseq_status status = mseq_naming_normalize_part(table->name, "The table name", &part, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "table '%s': ", table->name);
    free(part);
    return status;
}

mseq_status mseq_table_freeze(mseq_table *table, mseq_error *err) {
    if (table->frozen)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "table '%s' is frozen already", table->name);
    mseq_status status = read_head(table, err);
    if (status == MSEQ_OK)
        status = parse_meta(table, err);
    if (status == MSEQ_OK)
        status = check_name(table, err);
    if (status == MSEQ_OK)
        status = parse_columns(table, err);
    if (status == MSEQ_OK)
        status = parse_constraints(table, err);
    if (status == MSEQ_OK)
        status = parse_indexes(table, err);
    if (status == MSEQ_OK)
        status = apply_time_index(table, err);
    if (status != MSEQ_OK) {
        if (table->meta.source)
            mseq_error_source(err, table->meta.source, table->meta.line);
        return status;
    }
    mseq_value_free(table->draft);
    table->draft = NULL;
    table->frozen = true;
    return MSEQ_OK;
}

/* ---- Reading
 * ------------------------------------------------------------------------------------- */

const char *mseq_table_name(const mseq_table *table) {
    return table->name;
}

const char *mseq_table_schema(const mseq_table *table) {
    return table->schema;
}

const char *mseq_table_comment(const mseq_table *table) {
    return table->comment;
}

const mseq_table_meta *mseq_table_get_meta(const mseq_table *table) {
    return &table->meta;
}

const mseq_value *mseq_table_prefixes(const mseq_table *table) {
    return table->prefixes;
}

const mseq_value *mseq_table_dialect_options(const mseq_table *table, mseq_dialect dialect) {
    return dialect == MSEQ_SQLITE ? table->sqlite : table->postgresql;
}

bool mseq_table_uses_naming_convention(const mseq_table *table) {
    return table->naming_convention;
}

const mseq_value *mseq_table_info(const mseq_table *table) {
    return table->info;
}

size_t mseq_table_column_count(const mseq_table *table) {
    return table->column_count;
}

const mseq_column *mseq_table_column_at(const mseq_table *table, size_t index) {
    return index < table->column_count ? &table->columns[index] : NULL;
}

const mseq_column *mseq_table_column(const mseq_table *table, const char *name) {
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

size_t mseq_table_constraint_count(const mseq_table *table) {
    return table->constraint_count;
}

const mseq_constraint *mseq_table_constraint_at(const mseq_table *table, size_t index) {
    return index < table->constraint_count ? &table->constraints[index] : NULL;
}

const mseq_constraint *mseq_table_primary_key(const mseq_table *table) {
    if (table->constraint_count && table->constraints[0].kind == MSEQ_PRIMARY_KEY)
        return &table->constraints[0];
    return NULL;
}

size_t mseq_table_index_count(const mseq_table *table) {
    return table->index_count;
}

const mseq_index *mseq_table_index_at(const mseq_table *table, size_t index) {
    return index < table->index_count ? &table->indexes[index] : NULL;
}
