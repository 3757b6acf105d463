/* SPDX-License-Identifier: MIT
 * What is in a database: names of tables, and what hangs on a table. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

mseq_status sqlite_catalog_name(sqlite_handle *handle, const char *schema, char **catalog,
                                mseq_error *err) {
    schema = schema ? schema : "main";
    if (sqlite3_db_readonly(handle->db, schema) < 0)
        return mseq_error_set(err, MSEQ_E_NOT_FOUND, "there is no schema '%s' in this database",
                              schema);
    mseq_buffer name = MSEQ_BUFFER_INIT;
    mseq_buffer_append_char(&name, '"');
    for (const char *c = schema; *c; c++) {
        if (*c == '"')
            mseq_buffer_append_char(&name, '"');
        mseq_buffer_append_char(&name, *c);
    }
    mseq_buffer_append_text(&name, "\".sqlite_schema");
    *catalog = mseq_buffer_take(&name);
    return *catalog ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status sqlite_table_names(sqlite_handle *handle, const char *schema, mseq_strings *names,
                               mseq_error *err) {
    char *catalog = NULL;
    mseq_status status = sqlite_catalog_name(handle, schema, &catalog, err);
    if (status != MSEQ_OK)
        return status;
    char *sql = mseq_text_format("SELECT name FROM %s WHERE type = 'table' AND "
                                 "name NOT LIKE 'sqlite~_%%' ESCAPE '~' ORDER BY name",
                                 catalog);
    free(catalog);
    mseq_value *rows = NULL;
    status = sql ? sqlite_query(handle, sql, NULL, NULL, &rows, err) : mseq_error_no_memory(err);
    free(sql);
    size_t before = names->count;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(rows); i++) {
        const char *name = mseq_object_get_text(mseq_array_get(rows, i), "name");
        if (!name)
            status = mseq_error_set(err, MSEQ_E_DATABASE, "the name of a table is not valid UTF-8");
        else if (mseq_strings_add(names, name) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    while (status != MSEQ_OK && names->count > before)
        free(names->items[--names->count]);
    mseq_value_free(rows);
    return status;
}

/* ---- Dependents ------------------------------------------------------------------------------
 */

/* Whether a name stands in the text as a whole token, quoted or not, in any case. */
static bool mentions(const char *sql, const char *name) {
    const char *at = sql, *end = sql + strlen(sql);
    for (;;) {
        sqlite_token token = sqlite_next_token(&at, end);
        if (token.kind == LITE_TOKEN_END)
            return false;
        if (sqlite_token_names(&token, name))
            return true;
    }
}

static bool depends(const mseq_value *row, const mseq_strings *names) {
    const char *sql = mseq_object_get_text(row, "sql");
    const char *table = mseq_object_get_text(row, "tbl_name");
    for (size_t i = 0; i < names->count; i++)
        if ((table && sqlite3_stricmp(table, names->items[i]) == 0) ||
            (sql && mentions(sql, names->items[i])))
            return true;
    return false;
}

static mseq_value *dependent(const mseq_value *row) {
    static const char *const keys[] = {"type", "name", "sql"};
    mseq_value *object = mseq_value_object();
    for (size_t i = 0; object && i < 3; i++)
        if (mseq_object_put(object, keys[i], mseq_value_dup(mseq_object_get(row, keys[i]))) !=
            MSEQ_OK) {
            mseq_value_free(object);
            return NULL;
        }
    return object;
}

/* Marks what mentions the table, then what mentions a view that is marked, and so on. */
static mseq_status mark(const mseq_value *rows, const char *name, bool *marked, mseq_error *err) {
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status =
        mseq_strings_add(&names, name) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
    for (bool again = true; status == MSEQ_OK && again;) {
        again = false;
        for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(rows); i++) {
            const mseq_value *row = mseq_array_get(rows, i);
            if (marked[i] || !depends(row, &names))
                continue;
            marked[i] = true;
            const char *type = mseq_object_get_text(row, "type");
            const char *view = mseq_object_get_text(row, "name");
            if (!type || !view || strcmp(type, "view") != 0)
                continue;
            again = true;
            if (mseq_strings_add(&names, view) != MSEQ_OK)
                status = mseq_error_no_memory(err);
        }
    }
    mseq_strings_free(&names);
    return status;
}

mseq_status sqlite_dependents(sqlite_handle *handle, const char *name, mseq_value **dependents,
                              mseq_error *err) {
    mseq_value *rows = NULL, *found = NULL;
    mseq_status status =
        sqlite_query(handle,
                     "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE type IN "
                     "('view', 'trigger') ORDER BY rowid",
                     NULL, NULL, &rows, err);
    if (status != MSEQ_OK)
        return status;
    size_t count = mseq_value_length(rows);
    bool *marked = calloc(count + 1, sizeof *marked);
    found = mseq_value_array();
    status = marked && found ? mark(rows, name, marked, err) : mseq_error_no_memory(err);
    for (size_t i = 0; marked && status == MSEQ_OK && i < count; i++)
        if (marked[i] && mseq_array_add(found, dependent(mseq_array_get(rows, i))) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    free(marked);
    mseq_value_free(rows);
    if (status != MSEQ_OK) {
        mseq_value_free(found);
        return status;
    }
    *dependents = found;
    return MSEQ_OK;
}
