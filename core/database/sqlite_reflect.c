/* SPDX-License-Identifier: MIT
 * Reflection: PRAGMAs say what columns a table has, the text of CREATE TABLE and CREATE INDEX the
 * rest. Names are those of the database; what has none gets none. Not carried: ON CONFLICT clauses,
 * and collations of columns that are no text. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_parse.h"

/* ---- Questions to the catalog ----------------------------------------------------------------
 */

static mseq_status collect_row(void *rows, mseq_value *row, mseq_error *err) {
    return mseq_array_add(rows, row) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status sqlite_query(sqlite_handle *handle, const char *sql, const char *first,
                         const char *second, mseq_value **rows, mseq_error *err) {
    mseq_value *parameters = mseq_value_array(), *found = mseq_value_array();
    mseq_status status = parameters && found ? MSEQ_OK : mseq_error_no_memory(err);
    const char *const texts[] = {first, second};
    for (size_t i = 0; status == MSEQ_OK && i < 2 && texts[i]; i++)
        if (mseq_array_add(parameters, mseq_value_string(texts[i])) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    database_sink sink = {collect_row, found};
    int64_t affected;
    if (status == MSEQ_OK)
        status = sqlite_run(handle, sql, parameters, &sink, &affected, err);
    mseq_value_free(parameters);
    if (status != MSEQ_OK) {
        mseq_value_free(found);
        return status;
    }
    *rows = found;
    return MSEQ_OK;
}

/* Text of a member; names that are no UTF-8 arrive as bytes and read as NULL. */
static const char *text_at(const mseq_value *rows, size_t row, const char *key) {
    return mseq_object_get_text(mseq_array_get(rows, row), key);
}

/* ---- Columns ---------------------------------------------------------------------------------
 */

/* The default as an expression that may stand alone: PRAGMA gives what was inside "(…)". */
static mseq_value *default_description(const char *text) {
    const char *at = text, *end = text + strlen(text);
    sqlite_token first = sqlite_next_token(&at, end);
    bool single = sqlite_only_blank(at, end);
    bool quoted = first.kind == LITE_TOKEN_STRING || first.kind == LITE_TOKEN_QUOTED;
    bool wrap = (quoted && !single) || sqlite_token_is_byte(&first, '(');
    return database_default_description(text, wrap);
}

/* hidden: 2 a virtual, 3 a stored generated column. */
static bool put_computed(mseq_value *column, int64_t hidden) {
    if (hidden != 2 && hidden != 3)
        return true;
    mseq_value *computed = mseq_value_object();
    if (mseq_object_put(column, "computed", computed) != MSEQ_OK)
        return false;
    return mseq_object_put_boolean(computed, "persisted", hidden == 3) == MSEQ_OK;
}

static mseq_value *column_description(const mseq_value *row) {
    mseq_value *column = mseq_value_object();
    const char *fallback = mseq_object_get_text(row, "dflt_value");
    bool ok =
        column &&
        mseq_object_put_text(column, "name", mseq_object_get_text(row, "name")) == MSEQ_OK &&
        mseq_object_put_text(column, "declared", mseq_object_get_text(row, "type")) == MSEQ_OK &&
        mseq_object_put_boolean(column, "nullable", !mseq_object_get_integer(row, "notnull", 0)) ==
            MSEQ_OK &&
        put_computed(column, mseq_object_get_integer(row, "hidden", 0)) &&
        (!fallback ||
         mseq_object_put(column, "server_default", default_description(fallback)) == MSEQ_OK);
    if (ok)
        return column;
    mseq_value_free(column);
    return NULL;
}

static mseq_status read_columns(sqlite_handle *handle, const char *schema, const char *name,
                                mseq_value *table, mseq_error *err) {
    mseq_value *rows = NULL, *columns = mseq_value_array();
    mseq_status status = sqlite_query(handle,
                                      "SELECT name, type, \"notnull\", dflt_value, hidden FROM "
                                      "pragma_table_xinfo(?1, ?2) WHERE hidden <> 1 ORDER BY cid",
                                      name, schema, &rows, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(rows); i++)
        if (mseq_array_add(columns, column_description(mseq_array_get(rows, i))) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    mseq_value_free(rows);
    if (status != MSEQ_OK) {
        mseq_value_free(columns);
        return status;
    }
    return mseq_object_put(table, "columns", columns) == MSEQ_OK ? MSEQ_OK
                                                                 : mseq_error_no_memory(err);
}

/* With the collation, which the text of CREATE TABLE told, the type is known. */
static mseq_status finish_columns(mseq_value *table, mseq_error *err) {
    mseq_value *columns = mseq_object_peek(table, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        mseq_value *column = mseq_array_peek(columns, i);
        mseq_value *declared = mseq_object_take(column, "declared");
        mseq_value *collation = mseq_object_take(column, "collation");
        const char *text = mseq_value_get_text(declared);
        bool known;
        mseq_value *type =
            sqlite_type_description(text ? text : "", mseq_value_get_text(collation), &known);
        bool ok = mseq_object_put(column, "type", type) == MSEQ_OK;
        if (ok && !known) { /* the type says less than the text */
            mseq_value *info = mseq_value_object();
            ok = info && mseq_object_put_text(info, "declared_type", text) == MSEQ_OK;
            if (ok)
                ok = mseq_object_put(column, "info", info) == MSEQ_OK;
            else
                mseq_value_free(info);
        }
        /* an expression that was not found (never seen) would be refused as no SQL text */
        mseq_value *computed = mseq_object_peek(column, "computed");
        if (ok && computed && !mseq_object_get(computed, "sqltext"))
            mseq_object_remove(column, "computed");
        mseq_value_free(declared);
        mseq_value_free(collation);
        if (!ok)
            return mseq_error_no_memory(err);
    }
    return MSEQ_OK;
}

/* ---- Keys ------------------------------------------------------------------------------------
 */

/* REFERENCES p without columns means the primary key of p; without such a table, columns of the
 * same names. */
static mseq_status complete_reference(sqlite_handle *handle, const char *schema, mseq_value *key,
                                      mseq_error *err) {
    if (mseq_value_length(mseq_object_get(key, "referred_columns")))
        return MSEQ_OK;
    mseq_value *rows = NULL, *names = mseq_value_array();
    mseq_status status =
        sqlite_query(handle, "SELECT name FROM pragma_table_info(?1, ?2) WHERE pk > 0 ORDER BY pk",
                     mseq_object_get_text(key, "referred_table"), schema, &rows, err);
    const mseq_value *columns = mseq_object_get(key, "columns");
    bool of_parent = status == MSEQ_OK && mseq_value_length(rows) == mseq_value_length(columns);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(columns); i++) {
        const char *name =
            of_parent ? text_at(rows, i, "name") : mseq_value_get_text(mseq_array_get(columns, i));
        if (mseq_array_add(names, mseq_value_string(name)) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    mseq_value_free(rows);
    if (status != MSEQ_OK) {
        mseq_value_free(names);
        return status;
    }
    return mseq_object_put(key, "referred_columns", names) == MSEQ_OK ? MSEQ_OK
                                                                      : mseq_error_no_memory(err);
}

static mseq_status complete_foreign_keys(sqlite_handle *handle, const char *schema,
                                         mseq_value *table, mseq_error *err) {
    mseq_value *keys = mseq_object_peek(table, "foreign_keys");
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(keys); i++)
        status = complete_reference(handle, schema, mseq_array_peek(keys, i), err);
    return status;
}

/* ---- Indexes ---------------------------------------------------------------------------------
 */

static mseq_status read_indexes(sqlite_handle *handle, const char *catalog, const char *name,
                                mseq_value *table, mseq_error *err) {
    char *sql = mseq_text_format("SELECT name, sql FROM %s WHERE type = 'index' AND "
                                 "tbl_name = ?1 AND sql IS NOT NULL ORDER BY rowid",
                                 catalog);
    mseq_value *rows = NULL, *indexes = mseq_value_array();
    mseq_status status = sql && indexes ? sqlite_query(handle, sql, name, NULL, &rows, err)
                                        : mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(rows); i++) {
        const char *text = text_at(rows, i, "sql");
        mseq_value *index = NULL;
        if (text)
            status = sqlite_parse_index(text, table, &index, err);
        if (status != MSEQ_OK || !index)
            continue;
        bool ok = mseq_object_put_text(index, "name", text_at(rows, i, "name")) == MSEQ_OK &&
                  mseq_object_put_boolean(index, "name_final", true) == MSEQ_OK;
        if (!ok)
            mseq_value_free(index);
        if (!ok || mseq_array_add(indexes, index) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    free(sql);
    mseq_value_free(rows);
    if (status != MSEQ_OK) {
        mseq_value_free(indexes);
        return status;
    }
    return mseq_object_put(table, "indexes", indexes) == MSEQ_OK ? MSEQ_OK
                                                                 : mseq_error_no_memory(err);
}

/* ---- Tables ----------------------------------------------------------------------------------
 */

/* The row {name, type, sql} of the catalog whose name is spelt so, else in another case. */
static mseq_status find_table(sqlite_handle *handle, const char *catalog, const char *name,
                              mseq_value **row, mseq_error *err) {
    char *sql = mseq_text_format("SELECT name, type, sql FROM %s WHERE type IN ('table', 'view') "
                                 "AND name = ?1 COLLATE NOCASE ORDER BY name <> ?1 LIMIT 1",
                                 catalog);
    mseq_value *rows = NULL;
    mseq_status status =
        sql ? sqlite_query(handle, sql, name, NULL, &rows, err) : mseq_error_no_memory(err);
    free(sql);
    if (status != MSEQ_OK)
        return status;
    const char *type = text_at(rows, 0, "type");
    if (!type || strcmp(type, "table") != 0) {
        mseq_value_free(rows);
        if (type)
            return mseq_error_set(err, MSEQ_E_NOT_FOUND, "'%s' is a view, not a table", name);
        return mseq_error_set(err, MSEQ_E_NOT_FOUND, "there is no table '%s' in the database",
                              name);
    }
    *row = mseq_value_dup(mseq_array_get(rows, 0));
    mseq_value_free(rows);
    return *row ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status describe(sqlite_handle *handle, const char *schema, const char *catalog,
                            const mseq_value *row, mseq_value *table, mseq_error *err) {
    const char *name = mseq_object_get_text(row, "name"), *sql = mseq_object_get_text(row, "sql");
    bool main = strcmp(schema, "main") == 0;
    if (mseq_object_put_text(table, "name", name) != MSEQ_OK ||
        (!main && mseq_object_put_text(table, "schema", schema) != MSEQ_OK) ||
        mseq_object_put_boolean(table, "naming_convention", false) != MSEQ_OK)
        return mseq_error_no_memory(err);
    mseq_status status = read_columns(handle, schema, name, table, err);
    if (status == MSEQ_OK && sql)
        status = sqlite_parse_table(sql, table, err);
    if (status == MSEQ_OK)
        status = finish_columns(table, err);
    if (status == MSEQ_OK)
        status = complete_foreign_keys(handle, schema, table, err);
    if (status == MSEQ_OK)
        status = read_indexes(handle, catalog, name, table, err);
    return status;
}

mseq_status sqlite_reflect_table(sqlite_handle *handle, const char *schema, const char *name,
                                 mseq_table **table, mseq_error *err) {
    schema = schema ? schema : "main";
    char *catalog = NULL;
    mseq_value *row = NULL, *description = NULL;
    mseq_status status = sqlite_catalog_name(handle, schema, &catalog, err);
    if (status == MSEQ_OK)
        status = find_table(handle, catalog, name, &row, err);
    if (status == MSEQ_OK && !(description = mseq_value_object()))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = describe(handle, schema, catalog, row, description, err);
    if (status == MSEQ_OK) {
        status = mseq_table_from_description(description, table, err);
        if (status != MSEQ_OK)
            mseq_error_prefix(err, "reflection of '%s': ", name);
    }
    mseq_value_free(row);
    mseq_value_free(description);
    free(catalog);
    return status;
}
