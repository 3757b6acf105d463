/* SPDX-License-Identifier: MIT
 * execute-operation: a compiled statement under the scope it declares. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "execution.h"
#include "routes.h"
#include "sources.h"

/* ---- Running -----------------------------------------------------------------------------------
 */

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

void manager_name_tables(const manager_scope *scope, mseq_governed_table *tables,
                         mseq_governed_statement *statement) {
    for (size_t i = 0; i < scope->count; i++)
        tables[i] =
            (mseq_governed_table){.name = scope->tables[i].name, .access = scope->tables[i].access};
    statement->tables = tables;
    statement->table_count = scope->count;
}

void manager_fill_in(const manager_call *call, const manager_scope *scope,
                     mseq_governed_statement *statement) {
    statement->revision = call->revisions.catalog;
    statement->cancellation = call->request->cancellation;
    statement->with_origins = scope->source->dialect == MSEQ_SQLITE;
    if (call->request->timeout_ms > 0 && call->request->timeout_ms < statement->timeout_ms)
        statement->timeout_ms = call->request->timeout_ms;
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

/* Runs what was judged. Where rows come from matters only when a type is shown otherwise. */
static mseq_status run_judged(const manager_call *call, const manager_scope *scope,
                              mseq_governed_statement *statement, mseq_governed_result *result,
                              mseq_error *err) {
    confirmation asked = {call, scope};
    manager_registry registry = {call->catalog, scope->source->uid};
    whole_run run = {statement, result};
    manager_fill_in(call, scope, statement);
    statement->with_origins = statement->with_origins && scope->shown_types;
    statement->confirm = confirm;
    statement->confirm_data = &asked;
    statement->registered = manager_is_registered;
    statement->registered_data = &registry;
    mseq_status status = manager_run_granted(call, scope, run_whole, &run, err);
    if (status == MSEQ_OK && scope->source->dialect == MSEQ_SQLITE)
        status = show_rows(scope, result, err);
    statement->confirm = NULL;
    statement->confirm_data = NULL;
    statement->registered = NULL;
    statement->registered_data = NULL;
    return status;
}

mseq_status manager_run_statement(const manager_call *call, const manager_scope *scope,
                                  mseq_governed_statement *statement, mseq_governed_result *result,
                                  mseq_error *err) {
    mseq_governed_table *tables = calloc(scope->count + 1, sizeof *tables);
    mseq_status status = tables ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_check_source_takes(call, scope->source->uid, statement->operation, err);
    if (status == MSEQ_OK) {
        manager_name_tables(scope, tables, statement);
        status = run_judged(call, scope, statement, result, err);
    }
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

/* All of an operation but its parameters. What is there of the plan stays when it fails: the log
 * tells its tables. */
static mseq_status make_plan(manager_call *call, const mseq_value *operation, manager_plan *plan,
                             mseq_error *err) {
    plan->operation = manager_without_parameters(operation);
    if (!plan->operation)
        return mseq_error_no_memory(err);
    mseq_status status = manager_operation_scope(call, plan->operation, &plan->scope, err);
    if (status == MSEQ_OK)
        status = manager_check_source_takes(
            call, plan->scope.source->uid, mseq_object_get_text(plan->operation, "operation"), err);
    if (status == MSEQ_OK)
        status = manager_text_read(plan->operation, &plan->scope, &plan->text, err);
    if (status == MSEQ_OK && !(plan->tables = calloc(plan->scope.count + 1, sizeof *plan->tables)))
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK)
        return status;
    manager_statement_describe(plan->operation, &plan->text, &plan->statement);
    manager_name_tables(&plan->scope, plan->tables, &plan->statement);
    return MSEQ_OK;
}

/* A data source whose URI is not in the catalog may be another one by now. */
static mseq_status scope_of_now(const manager_call *call, const manager_plan *plan,
                                manager_scope *scope, mseq_error *err) {
    *scope = plan->scope;
    return manager_source_uri_holds(call->manager, scope->source)
               ? MSEQ_OK
               : manager_source_find(call, plan->scope.source->uid, &scope->source, err);
}

/* One execution: who may access what was looked up, and is still so when the rows are told. */
static mseq_status run_plan(manager_call *call, const manager_plan *plan,
                            const mseq_value *parameters, manager_execution *told,
                            mseq_error *err) {
    manager_scope scope;
    mseq_governed_statement statement = plan->statement;
    mseq_governed_result result = {.rows = NULL};
    mseq_value *bound = NULL;
    mseq_status status = scope_of_now(call, plan, &scope, err);
    if (status == MSEQ_OK)
        status = manager_text_bind(&plan->text, parameters, &bound, err);
    statement.parameters = bound;
    if (status == MSEQ_OK)
        status = run_judged(call, &scope, &statement, &result, err);
    if (status == MSEQ_OK) {
        told->rows = result.has_rows ? (int64_t)mseq_value_length(result.rows) : result.affected;
        status = answer(call, &scope, &statement, &result, err);
    }
    manager_result_free(&result);
    mseq_value_free(bound);
    return status;
}

static manager_execution told_of(const mseq_value *operation, const manager_plan *plan) {
    const char *source =
        mseq_object_get_text(mseq_object_get(operation, "scope"), "data_source_uid");
    return (manager_execution){.operation = mseq_object_get_text(operation, "operation"),
                               .data_source_uid = source,
                               .scope = &plan->scope,
                               .started = mseq_monotonic_ms(),
                               .facts = plan->log_facts};
}

static mseq_status execute(manager_call *call, const mseq_value *operation, mseq_error *err) {
    manager_plan *plan = manager_plan_new();
    if (!plan)
        return mseq_error_no_memory(err);
    manager_execution told = told_of(operation, plan);
    mseq_status status = make_plan(call, operation, plan, err);
    if (status == MSEQ_OK) {
        told.facts = plan->log_facts = manager_log_facts(call->caller, &told);
        status = run_plan(call, plan,
                          mseq_object_get(mseq_object_get(operation, "statement"), "parameters"),
                          &told, err);
    }
    manager_log_execution(call, &told, status, err);
    if (status == MSEQ_OK)
        manager_plan_keep(call, plan);
    manager_plan_release(plan);
    return status;
}

/* The parameters of a request whose other members a plan was made for; false: the whole request is
 * to be looked at, because they are not as they should be. */
static bool take_parameters(const manager_call *call, const manager_plan *plan,
                            const mseq_value **given, mseq_value **converted) {
    const mseq_value *types =
        mseq_object_get(mseq_object_get(plan->operation, "statement"), "parameter_types");
    mseq_kind kind;
    *given = mseq_object_get(mseq_object_get(call->request->body, "statement"), "parameters");
    kind = mseq_value_kind(*given);
    if (*given && kind != MSEQ_OBJECT && kind != MSEQ_ARRAY)
        return false;
    return mseq_wire_convert_parameters(*given, types, converted, NULL) == MSEQ_OK;
}

/* The way of an operation that was executed before. *judged: it is over, as the status says. */
static mseq_status execute_planned(manager_call *call, bool *judged, mseq_error *err) {
    const mseq_value *parameters = NULL;
    mseq_value *converted = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    *judged = false;
    if (manager_revisions_ensure(call, &cause) != MSEQ_OK)
        return MSEQ_OK; /* asked again, which tells what is wrong */
    const manager_plan *plan = manager_plan_find(call);
    if (!plan)
        return MSEQ_OK;
    mseq_status status = MSEQ_OK;
    if (take_parameters(call, plan, &parameters, &converted)) {
        manager_execution told = told_of(plan->operation, plan);
        status = run_plan(call, plan, converted ? converted : parameters, &told, &cause);
        manager_log_execution(call, &told, status, &cause);
        *judged = !manager_access_changed_since(status, &cause);
        if (!*judged)
            call->revisions.catalog = -1; /* to be read again */
    }
    mseq_value_free(converted);
    manager_plan_release(plan);
    if (*judged && status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = cause;
    return *judged ? status : MSEQ_OK;
}

mseq_status manager_execute_operation(manager_call *call, mseq_error *err) {
    bool judged = false;
    mseq_status status = execute_planned(call, &judged, err);
    return judged ? status : manager_judge_operation(call, execute, err);
}
