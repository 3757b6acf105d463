/* SPDX-License-Identifier: MIT
 * execute-operation: a compiled statement under the scope it declares. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "execution.h"
#include "routes.h"

/* ---- Parameters --------------------------------------------------------------------------------
 */

static const char *type_of(const mseq_value *declared, const manager_scope *scope,
                           const manager_placeholder *placeholder, const char *name) {
    const char *type = mseq_object_get_text(declared, name);
    return type ? type : placeholder->role ? manager_scope_type(scope, placeholder->column) : NULL;
}

/* PostgreSQL takes values as they are; only bytes look like any other text. */
static const char *type_to_convert(const manager_scope *scope, const char *type) {
    bool sqlite = scope->source->dialect == MSEQ_SQLITE;
    return type && (sqlite || manager_type_is_bytes(type)) ? type : NULL;
}

/* Every parameter as the data source keeps values of its type, in the order of the placeholders. */
static mseq_status convert_parameters(const mseq_value *statement, const manager_scope *scope,
                                      const mseq_sql_text *text, mseq_value **bound,
                                      mseq_error *err) {
    const mseq_value *declared = mseq_object_get(statement, "parameter_types");
    size_t count = text->names.count;
    manager_placeholder *placeholders = calloc(count + 1, sizeof *placeholders);
    manager_draft list;
    mseq_status status = placeholders ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        manager_placeholders(text->text, text->length, placeholders, count);
    manager_draft_array(&list);
    for (size_t i = 0; i < count && status == MSEQ_OK; i++) {
        const char *name = text->names.items[i];
        const char *type = type_to_convert(scope, type_of(declared, scope, &placeholders[i], name));
        mseq_value *value = mseq_value_dup(mseq_array_get(*bound, i));
        status = value ? manager_value_in(name, type, mseq_object_get(declared, name) != NULL,
                                          placeholders[i].role, &value, err)
                       : mseq_error_no_memory(err);
        manager_append(&list, value);
    }
    free(placeholders);
    mseq_value *made = manager_draft_take(&list);
    if (status == MSEQ_OK && !made)
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_value_free(made);
        return status;
    }
    mseq_value_free(*bound);
    *bound = made;
    return MSEQ_OK;
}

static mseq_status bind(const mseq_value *operation, const manager_scope *scope,
                        mseq_sql_text *text, mseq_value **bound, mseq_error *err) {
    const mseq_value *statement = mseq_object_get(operation, "statement");
    const mseq_value *sql = mseq_object_get(statement, "sql");
    mseq_status status =
        mseq_sql_from_pyformat(mseq_value_get_text(sql), mseq_value_get_text_length(sql),
                               scope->source->dialect, text, err);
    size_t most = scope->source->dialect == MSEQ_SQLITE ? MANAGER_PARAMETERS_SQLITE
                                                        : MANAGER_PARAMETERS_POSTGRESQL;
    if (status == MSEQ_OK && text->names.count > most) {
        manager_refuse(err, MSEQ_E_REQUEST, "too_many_parameters",
                       "the statement has %zu parameters, at most %zu are possible",
                       text->names.count, most);
        mseq_error_hint(err, "write fewer rows in one statement");
        return MSEQ_E_REQUEST;
    }
    if (status == MSEQ_OK)
        status = mseq_sql_bind(text, mseq_object_get(statement, "parameters"), bound, err);
    if (status == MSEQ_OK)
        status = convert_parameters(statement, scope, text, bound, err);
    return status;
}

/* ---- Running -----------------------------------------------------------------------------------
 */

static int64_t at_most(int64_t number, int64_t maximum) {
    return number < maximum ? number : maximum;
}

void manager_result_free(mseq_governed_result *result) {
    mseq_value_free(result->rows);
    mseq_value_free(result->origins);
    result->rows = NULL;
    result->origins = NULL;
}

static const manager_scope_table *table_of(const manager_scope *scope, const char *name) {
    for (size_t i = 0; name && i < scope->count; i++)
        if (strcasecmp(scope->tables[i].name, name) == 0)
            return &scope->tables[i];
    return NULL;
}

mseq_status manager_column_types(const manager_scope *scope, const mseq_value *origins,
                                 const char ***types, size_t *count, mseq_error *err) {
    *count = mseq_value_length(origins) / 2;
    *types = calloc(*count + 1, sizeof **types);
    if (!*types)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < *count; i++) {
        const char *table = mseq_value_get_text(mseq_array_get(origins, 2 * i));
        const char *column = mseq_value_get_text(mseq_array_get(origins, 2 * i + 1));
        const manager_scope_table *from = table_of(scope, table);
        (*types)[i] = from && column ? mseq_object_get_text(from->types, column) : NULL;
    }
    return MSEQ_OK;
}

static mseq_status show_rows(const manager_scope *scope, mseq_governed_result *result,
                             mseq_error *err) {
    const char **types = NULL;
    size_t count = 0;
    mseq_status status = manager_column_types(scope, result->origins, &types, &count, err);
    if (status == MSEQ_OK)
        status = manager_values_out(result->rows, types, count, err);
    free((void *)types);
    return status;
}

typedef struct confirmation {
    const manager_call *call;
    const manager_scope *scope;
} confirmation;

static mseq_status confirm(void *data, mseq_error *err) {
    const confirmation *asked = data;
    return manager_check_revision(asked->call, asked->scope, err);
}

void manager_fill_in(const manager_call *call, const manager_scope *scope,
                     mseq_governed_table *tables, mseq_governed_statement *statement) {
    for (size_t i = 0; i < scope->count; i++)
        tables[i] =
            (mseq_governed_table){.name = scope->tables[i].name, .access = scope->tables[i].access};
    statement->tables = tables;
    statement->table_count = scope->count;
    statement->revision = call->revisions.catalog;
    statement->cancellation = call->request->cancellation;
    statement->with_origins = scope->source->dialect == MSEQ_SQLITE;
    if (call->request->timeout_ms > 0)
        statement->timeout_ms = at_most(statement->timeout_ms, call->request->timeout_ms);
}

typedef struct whole_run {
    mseq_governed_statement *statement;
    mseq_governed_result *result;
} whole_run;

static mseq_status run_whole(void *data, mseq_connection *connection, char *schema,
                             mseq_error *err) {
    const whole_run *run = data;
    run->statement->schema = schema;
    mseq_status status = mseq_connection_run_governed(connection, run->statement, run->result, err);
    mseq_connection_release(connection);
    run->statement->schema = NULL;
    free(schema);
    return status;
}

/* On a connection of the caller's. */
static mseq_status run_behind_fence(const manager_call *call, const manager_scope *scope, bool anew,
                                    manager_runner runner, void *data, mseq_error *err) {
    mseq_connection *connection = NULL;
    char *schema = NULL;
    mseq_status status = manager_fence_connect(call, scope, anew, &connection, &schema, err);
    if (status == MSEQ_OK)
        return runner(data, connection, schema, err);
    mseq_connection_release(connection);
    free(schema);
    return status;
}

mseq_status manager_run_granted(const manager_call *call, const manager_scope *scope,
                                manager_runner runner, void *data, mseq_error *err) {
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = run_behind_fence(call, scope, false, runner, data, &cause);
    if (status == MSEQ_E_PERMISSION && strcmp(cause.code, "insufficient_privilege") == 0) {
        mseq_error_clear(&cause);
        status = run_behind_fence(call, scope, true, runner, data, &cause);
    }
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = cause;
    return status;
}

mseq_status manager_run_statement(const manager_call *call, const manager_scope *scope,
                                  mseq_governed_statement *statement, mseq_governed_result *result,
                                  mseq_error *err) {
    confirmation asked = {call, scope};
    manager_registry registry = {call->catalog, scope->source->uid};
    mseq_governed_table *tables = calloc(scope->count + 1, sizeof *tables);
    mseq_status status = tables ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_check_source_takes(call, scope->source->uid, statement->operation, err);
    if (status == MSEQ_OK) {
        whole_run run = {statement, result};
        manager_fill_in(call, scope, tables, statement);
        statement->confirm = confirm;
        statement->confirm_data = &asked;
        statement->registered = manager_is_registered;
        statement->registered_data = &registry;
        status = manager_run_granted(call, scope, run_whole, &run, err);
    }
    if (status == MSEQ_OK && scope->source->dialect == MSEQ_SQLITE)
        status = show_rows(scope, result, err);
    statement->confirm = NULL;
    statement->confirm_data = NULL;
    statement->registered = NULL;
    statement->registered_data = NULL;
    free(tables);
    return status;
}

/* ---- The reply ---------------------------------------------------------------------------------
 */

static mseq_value *pagination_of(const mseq_governed_statement *statement,
                                 const mseq_governed_result *result) {
    int64_t count = (int64_t)mseq_value_length(result->rows);
    manager_draft pagination;
    manager_draft_object(&pagination);
    manager_put_integer(&pagination, "limit", statement->max_rows);
    manager_put_integer(&pagination, "offset", statement->offset);
    manager_put_integer(&pagination, "returned_count", count);
    manager_put_boolean(&pagination, "has_more", result->has_more);
    manager_put(&pagination, "next_offset",
                result->has_more ? mseq_value_integer(statement->offset + count)
                                 : mseq_value_null());
    return manager_draft_take(&pagination);
}

static mseq_value *scope_of(const manager_scope *scope) {
    manager_draft shown, uids;
    manager_draft_object(&shown);
    manager_draft_array(&uids);
    for (size_t i = 0; i < scope->count; i++)
        manager_append(&uids, mseq_value_string(scope->tables[i].uid));
    manager_put_draft(&shown, "meta_table_uids", &uids);
    manager_put_text(&shown, "data_source_uid", scope->source->uid);
    return manager_draft_take(&shown);
}

/* Takes over the rows. A statement without rows counts what it changed. */
static mseq_status answer(manager_call *call, const manager_scope *scope,
                          const mseq_governed_statement *statement, mseq_governed_result *result,
                          mseq_error *err) {
    manager_draft reply;
    mseq_value *pagination = pagination_of(statement, result);
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_text(&reply, "operation", statement->operation);
    manager_put_text(&reply, "dialect", mseq_dialect_name(scope->source->dialect));
    manager_put_integer(&reply, "row_count",
                        result->has_rows ? (int64_t)mseq_value_length(result->rows)
                                         : result->affected);
    manager_put(&reply, "rows", result->rows ? result->rows : mseq_value_array());
    result->rows = NULL;
    manager_put_boolean(&reply, "truncated", result->has_more);
    manager_put_integer(&reply, "max_rows", statement->max_rows);
    manager_put(&reply, "pagination", pagination);
    manager_put(&reply, "scope", scope_of(scope));
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

/* ---- The route ---------------------------------------------------------------------------------
 */

static mseq_status check_dialect(const mseq_value *operation, const manager_scope *scope,
                                 mseq_error *err) {
    const char *given = mseq_object_get_text(operation, "dialect");
    const char *wanted = mseq_dialect_name(scope->source->dialect);
    if (strcmp(given, wanted) == 0)
        return MSEQ_OK;
    manager_refuse(err, MSEQ_E_REQUEST, "dialect_mismatch",
                   "dialect: the statement is written for '%s', and the data source '%s' is '%s'",
                   given, scope->source->uid, wanted);
    mseq_error_hint(err, "compile it with dialect \"%s\"", wanted);
    return MSEQ_E_REQUEST;
}

static mseq_status check_size(const mseq_value *operation, mseq_error *err) {
    const mseq_value *sql = mseq_object_get(mseq_object_get(operation, "statement"), "sql");
    if (mseq_value_get_text_length(sql) <= MANAGER_SQL_MAXIMUM)
        return MSEQ_OK;
    return manager_refuse(err, MSEQ_E_LIMIT, "statement_too_long",
                          "statement.sql has more than %d bytes", MANAGER_SQL_MAXIMUM);
}

/* What parameter_types says, in the order of the placeholders. */
static mseq_status declared_types(const mseq_value *operation, const mseq_sql_text *text,
                                  const char ***types, mseq_error *err) {
    const mseq_value *declared =
        mseq_object_get(mseq_object_get(operation, "statement"), "parameter_types");
    *types = calloc(text->names.count + 1, sizeof **types);
    if (!*types)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < text->names.count; i++)
        (*types)[i] = mseq_object_get_text(declared, text->names.items[i]);
    return MSEQ_OK;
}

mseq_status manager_statement_prepare(const mseq_value *operation, const manager_scope *scope,
                                      manager_statement *prepared, mseq_error *err) {
    const mseq_value *limits = mseq_object_get(operation, "limits");
    mseq_governed_statement *statement = &prepared->governed;
    *prepared = (manager_statement){.governed = MSEQ_GOVERNED_STATEMENT_INIT};
    mseq_status status = bind(operation, scope, &prepared->text, &prepared->bound, err);
    if (status == MSEQ_OK)
        status = declared_types(operation, &prepared->text, &prepared->types, err);
    if (status != MSEQ_OK) {
        manager_statement_free(prepared);
        return status;
    }
    statement->parameter_types = prepared->types;
    statement->operation = mseq_object_get_text(operation, "operation");
    statement->sql = prepared->text.text;
    statement->sql_length = prepared->text.length;
    statement->parameters = prepared->bound;
    statement->max_rows =
        at_most(mseq_object_get_integer(limits, "max_rows", 1000), MANAGER_ROWS_MAXIMUM);
    statement->offset = mseq_object_get_integer(limits, "offset", 0);
    statement->timeout_ms =
        at_most(mseq_object_get_integer(limits, "statement_timeout_ms", MANAGER_TIMEOUT_MS),
                MANAGER_TIMEOUT_MAXIMUM_MS);
    return MSEQ_OK;
}

void manager_statement_free(manager_statement *prepared) {
    free((void *)prepared->types);
    mseq_value_free(prepared->bound);
    mseq_sql_text_free(&prepared->text);
    *prepared = (manager_statement){.governed = MSEQ_GOVERNED_STATEMENT_INIT};
}

mseq_status manager_run_operation(const manager_call *call, const mseq_value *operation,
                                  const manager_scope *scope, mseq_governed_statement *run,
                                  mseq_governed_result *result, mseq_error *err) {
    manager_statement prepared;
    mseq_status status = manager_statement_prepare(operation, scope, &prepared, err);
    if (status != MSEQ_OK)
        return status;
    status = manager_run_statement(call, scope, &prepared.governed, result, err);
    *run = prepared.governed;
    run->parameter_types = NULL;
    run->sql = NULL;
    run->parameters = NULL;
    run->tables = NULL;
    manager_statement_free(&prepared);
    return status;
}

mseq_status manager_operation_scope(manager_call *call, const mseq_value *operation,
                                    manager_scope *scope, mseq_error *err) {
    mseq_status status = manager_scope_resolve(call, operation, scope, err);
    return status == MSEQ_OK ? check_dialect(operation, scope, err) : status;
}

/* One judgement: who may access what is looked up, and still so when the rows are handed out. */
static mseq_status execute_once(manager_call *call, const mseq_value *operation,
                                manager_scope *scope, manager_execution *told, mseq_error *err) {
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    mseq_governed_result result = {.rows = NULL};
    mseq_status status = manager_operation_scope(call, operation, scope, err);
    if (status == MSEQ_OK)
        status = manager_run_operation(call, operation, scope, &statement, &result, err);
    if (status == MSEQ_OK) {
        told->rows = result.has_rows ? (int64_t)mseq_value_length(result.rows) : result.affected;
        status = answer(call, scope, &statement, &result, err);
    }
    manager_result_free(&result);
    return status;
}

mseq_status manager_judge_operation(manager_call *call, manager_judgement judgement,
                                    mseq_error *err) {
    enum { ATTEMPTS = 3 };
    mseq_value *operation = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    manager_execution told = {.started = mseq_monotonic_ms()};
    mseq_status status = mseq_wire_validate_operation(call->request->body, &operation, &cause);
    if (status == MSEQ_OK)
        status = check_size(operation, &cause);
    if (status != MSEQ_OK)
        manager_log_execution(call, &told, status, &cause);
    bool judged = status != MSEQ_OK;
    for (int i = 0; i < ATTEMPTS && !judged; i++) {
        mseq_error_clear(&cause);
        status = judgement(call, operation, &cause);
        judged = !manager_access_changed_since(status, &cause);
        if (!judged)
            call->revisions.catalog = -1; /* to be read again */
    }
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = cause;
    mseq_value_free(operation);
    return status;
}

static mseq_status execute(manager_call *call, const mseq_value *operation, mseq_error *err) {
    manager_scope scope = MANAGER_SCOPE_INIT;
    manager_execution told = {.operation = mseq_object_get_text(operation, "operation"),
                              .data_source_uid = mseq_object_get_text(
                                  mseq_object_get(operation, "scope"), "data_source_uid"),
                              .scope = &scope,
                              .started = mseq_monotonic_ms()};
    mseq_status status = execute_once(call, operation, &scope, &told, err);
    manager_log_execution(call, &told, status, err);
    manager_scope_free(&scope);
    return status;
}

mseq_status manager_execute_operation(manager_call *call, mseq_error *err) {
    return manager_judge_operation(call, execute, err);
}
