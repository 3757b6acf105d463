/* SPDX-License-Identifier: MIT
 * stream-operation: the rows of a select one by one, under the checks of execute-operation. What
 * fails before the first row is an ordinary reply; later failures are told by the stream. */
#include <stdlib.h>
#include <string.h>

#include "execution.h"
#include "routes.h"

enum { CONFIRMED_MS = 1000 }; /* how long access that was taken away may go unnoticed */

/* Outlives the request, of which it keeps what it needs. */
typedef struct operation_stream {
    manager_call call;
    mseq_request request;
    manager_caller caller;
    mseq_value *operation;
    manager_scope scope;
    manager_statement statement;
    mseq_governed_table *tables;
    char *schema;
    mseq_connection *connection;
    mseq_governed_cursor *cursor;
    const char **types; /* of the columns, where they matter */
    size_t type_count;
    mseq_row *first; /* was read before the reply, and is still to be handed out; or NULL */
    bool ended;
    int64_t rows, started;
    int64_t confirmed; /* coarse ms: when access was last known to be as it was */
    mseq_error failure;
} operation_stream;

/* ---- Rows --------------------------------------------------------------------------------------
 */

static mseq_status read_row(operation_stream *stream, mseq_row **row, mseq_error *err) {
    mseq_row *read = NULL;
    mseq_status status = mseq_governed_cursor_next(stream->cursor, &read, err);
    if (status == MSEQ_OK && read && stream->type_count)
        status = manager_row_out(read, stream->types, stream->type_count, err);
    if (status != MSEQ_OK)
        return status;
    stream->ended = !read;
    *row = read;
    return MSEQ_OK;
}

/* ---- Access ------------------------------------------------------------------------------------
 */

static mseq_status find_caller(operation_stream *stream, mseq_error *err) {
    mseq_value *users = NULL;
    mseq_status status = manager_query(stream->call.catalog, &users, err,
                                       "SELECT uid, organization_uid, username, is_admin FROM"
                                       " platform_user WHERE uid = ?1 AND is_disabled = 0",
                                       "s", stream->caller.user_uid);
    if (status == MSEQ_OK && mseq_value_length(users) == 0)
        status = manager_refuse(err, MSEQ_E_AUTHENTICATION, "user_disabled",
                                "the user who asked for the rows is disabled, or there no more");
    if (status == MSEQ_OK)
        status = manager_caller_from_record(mseq_array_get(users, 0), &stream->caller, err);
    mseq_value_free(users);
    return status;
}

static bool same_tables(const manager_scope *a, const manager_scope *b) {
    bool same = a->source == b->source && a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->tables[i].uid, b->tables[i].uid) == 0 &&
               strcmp(a->tables[i].name, b->tables[i].name) == 0;
    return same;
}

/* Who may access what has changed: whether this caller still may read what is read. */
static mseq_status judge_anew(operation_stream *stream, const mseq_error *change, mseq_error *err) {
    manager_scope now = MANAGER_SCOPE_INIT;
    stream->call.revisions.catalog = -1; /* to be read again */
    mseq_status status = find_caller(stream, err);
    if (status == MSEQ_OK)
        status = manager_operation_scope(&stream->call, stream->operation, &now, err);
    if (status == MSEQ_OK)
        status = manager_check_source_takes(&stream->call, now.source->uid, "select", err);
    if (status == MSEQ_OK && !same_tables(&now, &stream->scope)) {
        *err = *change;
        status = change->status;
    }
    if (status == MSEQ_OK)
        stream->scope.access_revision = now.access_revision;
    manager_scope_free(&now);
    return status;
}

/* The request's own connection is long gone. */
static mseq_status confirm(void *data, mseq_error *err) {
    operation_stream *stream = data;
    mseq_connection *catalog = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_database_connect(stream->call.manager->catalog, &catalog, &cause);
    stream->call.catalog = catalog;
    if (status == MSEQ_OK)
        status = manager_check_revision(&stream->call, &stream->scope, &cause);
    if (manager_access_changed_since(status, &cause)) {
        mseq_error change = cause;
        mseq_error_clear(&cause);
        status = judge_anew(stream, &change, &cause);
    }
    mseq_connection_release(catalog);
    stream->call.catalog = NULL;
    stream->confirmed = mseq_monotonic_coarse_ms();
    if (status != MSEQ_OK)
        *err = cause;
    return status;
}

/* ---- As a stream -------------------------------------------------------------------------------
 */

/* A row that is not the last one is confirmed with those of its second. */
static mseq_status read_next(operation_stream *stream, mseq_row **row, mseq_error *err) {
    mseq_status status = read_row(stream, row, err);
    if (status == MSEQ_OK && !stream->ended &&
        mseq_monotonic_coarse_ms() - stream->confirmed >= CONFIRMED_MS)
        status = confirm(stream, err);
    return status;
}

static mseq_status next_row(void *data, mseq_row **row, mseq_error *err) {
    operation_stream *stream = data;
    mseq_row *next = stream->first;
    mseq_status status = MSEQ_OK;
    if (!next && !stream->ended)
        status = read_next(stream, &next, &stream->failure);
    stream->first = NULL;
    if (status != MSEQ_OK) {
        stream->failure.http_status = manager_http_status(&stream->failure);
        *err = stream->failure;
        return status;
    }
    stream->rows += next != NULL;
    *row = next;
    return MSEQ_OK;
}

static bool is_truncated(const void *data) {
    const operation_stream *stream = data;
    return mseq_governed_cursor_has_more(stream->cursor);
}

/* ---- The end -----------------------------------------------------------------------------------
 */

static void log_end(const operation_stream *stream) {
    mseq_error early = MSEQ_ERROR_INIT;
    const mseq_error *err = &stream->failure;
    manager_execution told = {.operation = "select",
                              .data_source_uid = mseq_object_get_text(
                                  mseq_object_get(stream->operation, "scope"), "data_source_uid"),
                              .scope = &stream->scope,
                              .rows = stream->rows,
                              .started = stream->started};
    if (err->status == MSEQ_OK && !stream->ended) {
        mseq_error_set(&early, MSEQ_E_CANCELLED, "the reader left before the last row");
        mseq_error_code(&early, "closed_early");
        err = &early;
    }
    manager_log_execution(&stream->call, &told, err->status, err);
}

static void release(operation_stream *stream) {
    mseq_governed_cursor_close(stream->cursor);
    mseq_connection_release(stream->connection);
    manager_statement_free(&stream->statement);
    manager_scope_free(&stream->scope);
    mseq_value_free(stream->operation);
    free((void *)stream->types);
    free(stream->tables);
    free(stream->schema);
    free(stream);
}

static void close_stream(void *data) {
    log_end(data);
    release(data);
}

/* ---- The beginning -----------------------------------------------------------------------------
 */

static mseq_status read_first(operation_stream *stream, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    const mseq_value *origins = mseq_governed_cursor_origins(stream->cursor);
    if (origins)
        status =
            manager_column_types(&stream->scope, origins, &stream->types, &stream->type_count, err);
    return status == MSEQ_OK ? read_row(stream, &stream->first, err) : status;
}

/* May be called a second time, when grants were missing. */
static mseq_status open_cursor(void *data, mseq_connection *connection, char *schema,
                               mseq_error *err) {
    operation_stream *stream = data;
    stream->statement.governed.schema = schema;
    mseq_status status =
        mseq_governed_cursor_open(connection, &stream->statement.governed, &stream->cursor, err);
    if (status == MSEQ_OK)
        status = read_first(stream, err);
    if (status == MSEQ_OK) {
        stream->connection = connection;
        stream->schema = schema;
        return MSEQ_OK;
    }
    mseq_governed_cursor_close(stream->cursor);
    free((void *)stream->types);
    stream->cursor = NULL;
    stream->types = NULL;
    mseq_connection_release(connection);
    stream->statement.governed.schema = NULL;
    free(schema);
    return status;
}

/* limits.max_rows counts when the request gives it: there is no page that would need a default. */
static int64_t row_limit(const operation_stream *stream, const mseq_value *body) {
    const mseq_value *given = mseq_object_get(mseq_object_get(body, "limits"), "max_rows");
    return mseq_value_is_null(given)
               ? INT64_MAX
               : mseq_object_get_integer(mseq_object_get(stream->operation, "limits"), "max_rows",
                                         INT64_MAX);
}

static mseq_status begin(manager_call *call, operation_stream *stream, mseq_error *err) {
    mseq_status status = manager_operation_scope(call, stream->operation, &stream->scope, err);
    if (status == MSEQ_OK)
        status = manager_check_source_takes(call, stream->scope.source->uid, "select", err);
    if (status == MSEQ_OK)
        status =
            manager_statement_prepare(stream->operation, &stream->scope, &stream->statement, err);
    if (status != MSEQ_OK)
        return status;
    mseq_governed_statement *statement = &stream->statement.governed;
    stream->tables = calloc(stream->scope.count + 1, sizeof *stream->tables);
    if (!stream->tables)
        return mseq_error_no_memory(err);
    manager_registry registry = {call->catalog, stream->scope.source->uid};
    manager_name_tables(&stream->scope, stream->tables, statement);
    manager_fill_in(&stream->call, &stream->scope, statement);
    statement->max_rows = row_limit(stream, call->request->body);
    statement->confirm = confirm;
    statement->confirm_data = stream;
    statement->registered = manager_is_registered; /* asked when the cursor is opened */
    statement->registered_data = &registry;
    status = manager_run_granted(call, &stream->scope, open_cursor, stream, err);
    statement->registered = NULL;
    statement->registered_data = NULL;
    return status;
}

static mseq_status check_kind(const mseq_value *operation, mseq_error *err) {
    const char *kind = mseq_object_get_text(operation, "operation");
    if (strcmp(kind, "select") == 0)
        return MSEQ_OK;
    manager_refuse(err, MSEQ_E_REQUEST, "not_a_select",
                   "operation: only a select is read row by row, not '%s'", kind);
    mseq_error_hint(err, "send it to execute-operation/");
    return MSEQ_E_REQUEST;
}

static operation_stream *new_stream(const manager_call *call, const mseq_value *operation) {
    operation_stream *stream = calloc(1, sizeof *stream);
    mseq_value *copy = mseq_value_dup(operation);
    if (!stream || !copy) {
        free(stream);
        mseq_value_free(copy);
        return NULL;
    }
    stream->operation = copy;
    stream->started = mseq_monotonic_ms();
    stream->confirmed = mseq_monotonic_coarse_ms();
    stream->caller = *call->caller;
    stream->request = (mseq_request){.size = sizeof stream->request,
                                     .timeout_ms = call->request->timeout_ms,
                                     .cancellation = call->request->cancellation};
    stream->call = (manager_call){
        .manager = call->manager, .request = &stream->request, .caller = &stream->caller};
    return stream;
}

static mseq_status open_stream(manager_call *call, const mseq_value *operation, mseq_error *err) {
    static const mseq_row_stream_functions functions = {.size = sizeof functions,
                                                        .next = next_row,
                                                        .truncated = is_truncated,
                                                        .close = close_stream};
    operation_stream *stream = new_stream(call, operation);
    if (!stream)
        return mseq_error_no_memory(err);
    mseq_status status = check_kind(operation, err);
    if (status == MSEQ_OK)
        status = begin(call, stream, err);
    if (status != MSEQ_OK) {
        stream->failure = *err;
        close_stream(stream);
        return status;
    }
    status = mseq_row_stream_new(&functions, stream, &call->reply->stream, err);
    if (status == MSEQ_OK)
        call->reply->status = 200;
    return status;
}

mseq_status manager_stream_operation(manager_call *call, mseq_error *err) {
    if (call->request->takes_stream)
        return manager_judge_operation(call, open_stream, err);
    manager_refuse(err, MSEQ_E_REQUEST, "stream_not_taken",
                   "the reply is a stream of rows, which this caller does not take");
    mseq_error_hint(err, "read it with mseq_client_stream_operation, or MetaTable.iter_operation");
    return MSEQ_E_REQUEST;
}
