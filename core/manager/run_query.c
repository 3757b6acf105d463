/* SPDX-License-Identifier: MIT
 * run_query: one SELECT, as plain text or (later SDKs) as a JSON string. Its scope is what it
 * names: the tables of that data source that the caller may view. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "execution.h"
#include "routes.h"

enum { QUERY_ROWS = 1000, NAMES_MAXIMUM = 2000 };

typedef struct query_text {
    const char *sql; /* NULL: the body is something else */
    size_t length;
} query_text;

static query_text text_of(const manager_call *call) {
    if (call->request->text)
        return (query_text){call->request->text, call->request->text_length};
    return (query_text){mseq_value_get_text(call->request->body),
                        mseq_value_get_text_length(call->request->body)};
}

/* ---- The tables that are named -----------------------------------------------------------------
 */

static mseq_status add_name(mseq_value *names, const char *text, size_t length, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (length == 0 || length > 255 || mseq_value_length(names) >= NAMES_MAXIMUM ||
        !mseq_utf8_valid(text, length))
        return MSEQ_OK;
    char word[256];
    memcpy(word, text, length);
    word[length] = '\0';
    status = mseq_object_put_boolean(names, word, true);
    /* SQLite does not tell upper case from lower case, and tables are mostly written in lower. */
    for (size_t i = 0; i < length; i++)
        word[i] = (char)tolower((unsigned char)word[i]);
    if (status == MSEQ_OK)
        status = mseq_object_put_boolean(names, word, true);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static bool name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || byte == '$' ||
           (unsigned char)byte >= 0x80;
}

/* Every word and every quoted text of the statement: more than its tables, never fewer. */
static mseq_status names_in(const char *sql, size_t length, mseq_value *names, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t at = 0; at < length && status == MSEQ_OK;) {
        size_t end = at;
        char close = sql[at] == '[' ? ']' : sql[at];
        if (name_byte(sql[at])) {
            while (end < length && name_byte(sql[end]))
                end++;
            status = add_name(names, sql + at, end - at, err);
        } else if (close == '"' || close == '`' || close == ']' || close == '\'') {
            for (end = at + 1; end < length && sql[end] != close;)
                end++;
            status = add_name(names, sql + at + 1, end - at - 1, err);
            end = at + 1; /* the words in it count too */
        } else {
            end++;
        }
        at = end;
    }
    return status;
}

static mseq_status find_tables(const manager_call *call, const mseq_value *names,
                               const char *data_source_uid, mseq_value **records, mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    manager_draft parameters;
    manager_draft_array(&parameters);
    manager_append(&parameters, mseq_value_string(data_source_uid));
    manager_append(&parameters, mseq_value_string(call->caller->organization_uid));
    manager_append(&parameters, mseq_value_integer(call->caller->admin));
    manager_append(&parameters, mseq_value_string(call->caller->user_uid));
    mseq_buffer_append_text(&sql,
                            "SELECT uid, physical_table_name, column_types FROM meta_table"
                            " WHERE data_source_uid = ?1 AND organization_uid = ?2"
                            " AND provisioning_status = 'active'"
                            " AND " MANAGER_MAY_VIEW("?3", "?4") " AND physical_table_name IN (");
    for (size_t i = 0; i < mseq_value_length(names); i++) {
        mseq_buffer_append_format(&sql, "%s?%zu", i ? ", " : "", i + 5);
        manager_append(&parameters, mseq_value_string(mseq_object_key_at(names, i)));
    }
    mseq_buffer_append_text(&sql, ") ORDER BY uid");
    mseq_value *list = manager_draft_take(&parameters);
    mseq_status status =
        list && sql.status == MSEQ_OK
            ? manager_query_list(call->catalog, mseq_buffer_text(&sql), list, records, err)
            : mseq_error_no_memory(err);
    mseq_value_free(list);
    mseq_buffer_free(&sql);
    return status;
}

static mseq_status query_scope(manager_call *call, const manager_row *row, manager_scope *scope,
                               mseq_error *err) {
    const char *source = manager_row_text(row, "data_source_uid");
    mseq_value *names = mseq_value_object(), *records = NULL;
    const query_text text = text_of(call);
    mseq_status status = names ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_revisions_ensure(call, err);
    scope->access_revision = call->revisions.access;
    if (status == MSEQ_OK)
        status = manager_source_find(call, source, &scope->source, err);
    if (status == MSEQ_OK)
        status = names_in(text.sql, text.length, names, err);
    if (status == MSEQ_OK)
        status = find_tables(call, names, source, &records, err);
    if (status == MSEQ_OK) {
        scope->tables = calloc(mseq_value_length(records) + 1, sizeof *scope->tables);
        status = scope->tables ? MSEQ_OK : mseq_error_no_memory(err);
    }
    for (size_t i = 0; i < mseq_value_length(records) && status == MSEQ_OK; i++)
        status = manager_scope_add(scope, mseq_array_get(records, i), MSEQ_ACCESS_READ, err);
    mseq_value_free(names);
    mseq_value_free(records);
    return status;
}

/* ---- The reply ---------------------------------------------------------------------------------
 */

/* Takes over the rows. */
static mseq_status answer(manager_call *call, mseq_governed_result *result, int64_t max_rows,
                          mseq_error *err) {
    char query[MANAGER_UID_SIZE];
    manager_draft reply;
    if (mseq_uuid_new(query) != MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_IO, "no random uid");
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_text(&reply, "query_id", query);
    manager_put_text(&reply, "meta_table_uid", call->uid);
    manager_put_integer(&reply, "row_count", (int64_t)mseq_value_length(result->rows));
    manager_put(&reply, "results", result->rows);
    result->rows = NULL;
    manager_put_boolean(&reply, "truncated", result->has_more);
    manager_put_integer(&reply, "max_rows", max_rows);
    manager_put_text(&reply, "error", NULL);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

static const char *kind_of(mseq_status status) {
    switch (status) {
    case MSEQ_E_TIMEOUT:
        return "timeout";
    case MSEQ_E_CANCELLED:
        return "cancelled";
    case MSEQ_E_DATABASE_LOCKED:
        return "unavailable";
    case MSEQ_E_STATEMENT:
    case MSEQ_E_REQUEST:
        return "validation_error";
    default:
        return "execution_error";
    }
}

/* A statement that is refused or fails is an answer of this route's own shape. */
static mseq_status answer_failure(manager_call *call, const mseq_error *cause, mseq_error *err) {
    manager_draft reply, problem;
    manager_draft_object(&reply);
    manager_draft_object(&problem);
    manager_put_text(&problem, "kind", kind_of(cause->status));
    manager_put_text(&problem, "code", cause->code);
    manager_put_text(&problem, "message", cause->message);
    manager_put_boolean(&problem, "retryable", cause->status == MSEQ_E_DATABASE_LOCKED);
    manager_put_text(&problem, "sqlstate", cause->sqlstate[0] ? cause->sqlstate : NULL);
    manager_put_boolean(&reply, "ok", false);
    manager_put_text(&reply, "meta_table_uid", call->uid);
    manager_put(&reply, "results", mseq_value_array());
    manager_put_integer(&reply, "row_count", 0);
    manager_put_boolean(&reply, "truncated", false);
    manager_put_draft(&reply, "error", &problem);
    return manager_answer(call, mseq_status_to_http(cause->status), manager_draft_take(&reply),
                          err);
}

/* ---- The route ---------------------------------------------------------------------------------
 */

static mseq_status check_text(const manager_call *call, mseq_error *err) {
    const query_text text = text_of(call);
    if (!text.sql)
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                              "the request's body must be the statement as plain text or as a JSON "
                              "string");
    if (text.length > MANAGER_SQL_MAXIMUM)
        return manager_refuse(err, MSEQ_E_LIMIT, "statement_too_long",
                              "the statement has more than %d bytes", MANAGER_SQL_MAXIMUM);
    if (memchr(text.sql, '\0', text.length) || !mseq_utf8_valid(text.sql, text.length))
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "the statement is not UTF-8 or holds a NUL character");
    return MSEQ_OK;
}

/* One judgement; *cause gets why it was refused. */
static mseq_status run_once(manager_call *call, const manager_row *row, manager_scope *scope,
                            manager_execution *told, mseq_governed_result *result,
                            mseq_error *cause) {
    mseq_governed_statement statement = MSEQ_GOVERNED_STATEMENT_INIT;
    statement.operation = "select";
    const query_text text = text_of(call);
    statement.sql = text.sql;
    statement.sql_length = text.length;
    statement.max_rows = QUERY_ROWS;
    statement.timeout_ms = MANAGER_TIMEOUT_MS;
    mseq_status status = query_scope(call, row, scope, cause);
    if (status == MSEQ_OK)
        status = manager_run_statement(call, scope, &statement, result, cause);
    told->rows = (int64_t)mseq_value_length(result->rows);
    return status;
}

static mseq_status run(manager_call *call, const manager_row *row, mseq_error *err) {
    enum { ATTEMPTS = 3 };
    mseq_governed_result result = {.rows = NULL};
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = MSEQ_OK;
    for (int i = 0; i < ATTEMPTS; i++) {
        manager_scope scope = MANAGER_SCOPE_INIT;
        manager_execution told = {.operation = "select",
                                  .data_source_uid = manager_row_text(row, "data_source_uid"),
                                  .scope = &scope,
                                  .started = mseq_monotonic_ms()};
        mseq_error_clear(&cause);
        status = run_once(call, row, &scope, &told, &result, &cause);
        manager_log_execution(call, &told, status, &cause);
        manager_scope_free(&scope);
        if (!manager_access_changed_since(status, &cause))
            break;
        call->revisions.catalog = -1; /* to be read again */
    }
    if (status == MSEQ_OK)
        status = answer(call, &result, QUERY_ROWS, err);
    else if (status == MSEQ_E_NO_MEMORY)
        status = mseq_error_no_memory(err);
    else
        status = answer_failure(call, &cause, err);
    manager_result_free(&result);
    return status;
}

mseq_status manager_run_query(manager_call *call, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_row_by_uid(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = check_text(call, err);
    if (status == MSEQ_OK)
        status = run(call, &row, err);
    manager_row_free(&row);
    return status;
}
