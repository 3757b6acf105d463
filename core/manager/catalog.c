/* SPDX-License-Identifier: MIT
 * The catalog's database as the other files see it: one statement with parameters, and the call's
 * transaction. The one place that would know about differences between the catalog's databases. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"

mseq_status manager_json_text(const mseq_value *value, char **text, mseq_error *err) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(value, MSEQ_JSON_UNICODE, &buffer, err);
    char *taken = status == MSEQ_OK ? mseq_buffer_take(&buffer) : NULL;
    mseq_buffer_free(&buffer);
    if (status != MSEQ_OK)
        return status;
    if (!taken)
        return mseq_error_no_memory(err);
    *text = taken;
    return MSEQ_OK;
}

static mseq_value *json_parameter(const mseq_value *value, mseq_error *err) {
    char *text = NULL;
    if (manager_json_text(value, &text, err) != MSEQ_OK)
        return NULL;
    mseq_value *parameter = mseq_value_string(text);
    free(text);
    return parameter;
}

/* ?1 is the placeholder of SQLite and of this file; PostgreSQL writes $1. No statement of the
 * catalog has a question mark for anything else. */
static mseq_status run(mseq_connection *catalog, const char *sql, const mseq_value *parameters,
                       mseq_value **rows, mseq_error *err) {
    if (mseq_connection_dialect(catalog) == MSEQ_SQLITE)
        return mseq_connection_execute(catalog, sql, parameters, rows, NULL, err);
    char *text = mseq_text_dup(sql);
    if (!text)
        return mseq_error_no_memory(err);
    for (char *mark = strchr(text, '?'); mark; mark = strchr(mark, '?'))
        *mark = '$';
    mseq_status status = mseq_connection_execute(catalog, text, parameters, rows, NULL, err);
    free(text);
    return status;
}

mseq_status manager_query_list(mseq_connection *catalog, const char *sql,
                               const mseq_value *parameters, mseq_value **rows, mseq_error *err) {
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = run(catalog, sql, parameters, rows, &cause);
    if (status != MSEQ_OK && err && err->status == MSEQ_OK) {
        *err = cause;
        mseq_error_prefix(err, "the catalog: ");
    }
    return status;
}

mseq_status manager_query_arguments(mseq_connection *catalog, mseq_value **rows, mseq_error *err,
                                    const char *sql, const char *types, va_list arguments) {
    manager_draft parameters;
    manager_draft_array(&parameters);
    for (const char *type = types; *type; type++) {
        if (*type == 's')
            manager_append(&parameters, mseq_value_string(va_arg(arguments, const char *)));
        else if (*type == 'i')
            manager_append(&parameters, mseq_value_integer(va_arg(arguments, int64_t)));
        else if (*type == 'b')
            manager_append(&parameters, mseq_value_integer(va_arg(arguments, int) != 0));
        else
            manager_append(&parameters, json_parameter(va_arg(arguments, const mseq_value *), err));
    }
    mseq_value *list = manager_draft_take(&parameters);
    if (!list)
        return mseq_error_no_memory(err);
    mseq_status status = manager_query_list(catalog, sql, list, rows, err);
    mseq_value_free(list);
    return status;
}

mseq_status manager_query(mseq_connection *catalog, mseq_value **rows, mseq_error *err,
                          const char *sql, const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    mseq_status status = manager_query_arguments(catalog, rows, err, sql, types, arguments);
    va_end(arguments);
    return status;
}

mseq_status manager_catalog_changed(mseq_connection *catalog, mseq_error *err) {
    return manager_query(catalog, NULL, err,
                         "UPDATE access_state SET catalog_revision = catalog_revision + 1", "");
}

/* From here on what is asked has to be what the transaction sees. */
mseq_status manager_begin(manager_call *call, mseq_error *err) {
    call->revisions.catalog = -1;
    mseq_status status = mseq_connection_begin(call->catalog, true, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "the catalog: ");
        return status;
    }
    return manager_catalog_lock(call->catalog, err);
}

mseq_status manager_commit_unseen(manager_call *call, mseq_error *err) {
    mseq_status status = mseq_connection_commit(call->catalog, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the catalog: ");
    return status;
}

mseq_status manager_commit(manager_call *call, mseq_error *err) {
    mseq_status status = manager_catalog_changed(call->catalog, err);
    return status == MSEQ_OK ? manager_commit_unseen(call, err) : status;
}
