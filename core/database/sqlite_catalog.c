/* SPDX-License-Identifier: MIT
 * What is in a database: names of tables. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

/* "main", or the schema's name as a quoted identifier; refused when it is not attached. */
static mseq_status schema_prefix(sqlite_handle *handle, const char *schema, mseq_buffer *sql,
                                 mseq_error *err) {
    if (!schema)
        schema = "main";
    if (sqlite3_db_readonly(handle->db, schema) < 0) {
        mseq_error_set(err, MSEQ_E_NOT_FOUND, "there is no schema '%s' in this database", schema);
        return MSEQ_E_NOT_FOUND;
    }
    mseq_buffer_append_char(sql, '"');
    for (const char *c = schema; *c; c++)
        mseq_buffer_append(sql, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    mseq_buffer_append_char(sql, '"');
    return MSEQ_OK;
}

static mseq_status add_name(void *data, mseq_value *row, mseq_error *err) {
    mseq_status status = mseq_strings_add(data, mseq_object_get_text(row, "name"));
    mseq_value_free(row);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status sqlite_table_names(sqlite_handle *handle, const char *schema, mseq_strings *names,
                               mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_strings found = MSEQ_STRINGS_INIT;
    mseq_buffer_append_text(&sql, "SELECT name FROM ");
    mseq_status status = schema_prefix(handle, schema, &sql, err);
    mseq_buffer_append_text(&sql, ".sqlite_schema WHERE type = 'table' AND "
                                  "name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name");
    if (status == MSEQ_OK && sql.status != MSEQ_OK)
        status = mseq_error_no_memory(err);
    database_sink sink = {add_name, &found};
    int64_t affected;
    if (status == MSEQ_OK)
        status = sqlite_run(handle, mseq_buffer_text(&sql), NULL, &sink, &affected, err);
    mseq_buffer_free(&sql);
    size_t before = names->count;
    for (size_t i = 0; status == MSEQ_OK && i < found.count; i++)
        if (mseq_strings_add(names, found.items[i]) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    while (status != MSEQ_OK && names->count > before)
        free(names->items[--names->count]);
    mseq_strings_free(&found);
    return status;
}
