/* SPDX-License-Identifier: MIT
 * The statement of an operation in the form that a driver takes: its text with placeholders, which
 * the parameters' values have no part in, and the values, converted and bound. */
#include <stdlib.h>
#include <string.h>

#include "execution.h"

/* What of a parameter is known before its value. */
struct manager_parameter {
    const char *type; /* the value is converted to; NULL: as it is */
    bool declared;    /* by parameter_types */
    bool number;      /* a number is kept as it is */
    manager_role role;
};

/* ---- The text ----------------------------------------------------------------------------------
 */

static const char *type_of(const char *declared, const manager_scope *scope,
                           const manager_placeholder *placeholder) {
    return declared            ? declared
           : placeholder->role ? manager_scope_type(scope, placeholder->column)
                               : NULL;
}

/* PostgreSQL takes values as they are; only bytes look like any other text. */
static const char *type_to_convert(const manager_scope *scope, const char *type) {
    bool sqlite = scope->source->dialect == MSEQ_SQLITE;
    return type && (sqlite || manager_type_is_bytes(type)) ? type : NULL;
}

static mseq_status read_parameters(const mseq_value *declared, const manager_scope *scope,
                                   manager_text *text, mseq_error *err) {
    size_t count = text->sql.names.count;
    manager_placeholder *placeholders = calloc(count + 1, sizeof *placeholders);
    text->types = calloc(count + 1, sizeof *text->types);
    text->parameters = calloc(count + 1, sizeof *text->parameters);
    if (!placeholders || !text->types || !text->parameters) {
        free(placeholders);
        return mseq_error_no_memory(err);
    }
    manager_placeholders(text->sql.text, text->sql.length, placeholders, count);
    for (size_t i = 0; i < count; i++) {
        const char *name = text->sql.names.items[i];
        text->types[i] = mseq_object_get_text(declared, name);
        const char *type = type_to_convert(scope, type_of(text->types[i], scope, &placeholders[i]));
        text->parameters[i] =
            (manager_parameter){.type = type,
                                .declared = mseq_object_get(declared, name) != NULL,
                                .number = !type || manager_type_takes_numbers(type),
                                .role = placeholders[i].role};
    }
    free(placeholders);
    return MSEQ_OK;
}

static mseq_status check_count(const manager_text *text, mseq_dialect dialect, mseq_error *err) {
    size_t most =
        dialect == MSEQ_SQLITE ? MANAGER_PARAMETERS_SQLITE : MANAGER_PARAMETERS_POSTGRESQL;
    if (text->sql.names.count <= most)
        return MSEQ_OK;
    manager_refuse(err, MSEQ_E_REQUEST, "too_many_parameters",
                   "the statement has %zu parameters, at most %zu are possible",
                   text->sql.names.count, most);
    mseq_error_hint(err, "write fewer rows in one statement");
    return MSEQ_E_REQUEST;
}

mseq_status manager_text_read(const mseq_value *operation, const manager_scope *scope,
                              manager_text *text, mseq_error *err) {
    const mseq_value *statement = mseq_object_get(operation, "statement");
    const mseq_value *sql = mseq_object_get(statement, "sql");
    manager_text read = {.types = NULL};
    mseq_status status =
        mseq_sql_from_pyformat(mseq_value_get_text(sql), mseq_value_get_text_length(sql),
                               scope->source->dialect, &read.sql, err);
    if (status == MSEQ_OK)
        status = check_count(&read, scope->source->dialect, err);
    if (status == MSEQ_OK)
        status = read_parameters(mseq_object_get(statement, "parameter_types"), scope, &read, err);
    if (status != MSEQ_OK) {
        manager_text_free(&read);
        return status;
    }
    *text = read;
    return MSEQ_OK;
}

void manager_text_free(manager_text *text) {
    free((void *)text->types);
    free(text->parameters);
    mseq_sql_text_free(&text->sql);
    *text = (manager_text){.types = NULL};
}

/* ---- Values ------------------------------------------------------------------------------------
 */

static mseq_status convert(const manager_text *text, size_t index, mseq_value *bound,
                           mseq_error *err) {
    const manager_parameter *parameter = &text->parameters[index];
    mseq_value *value = mseq_value_dup(mseq_array_get(bound, index));
    if (!value)
        return mseq_error_no_memory(err);
    mseq_status status = manager_value_in(text->sql.names.items[index], parameter->type,
                                          parameter->declared, parameter->role, &value, err);
    if (status == MSEQ_OK)
        return mseq_array_set(bound, index, value);
    mseq_value_free(value);
    return status;
}

/* What is kept as it is needs no copy. */
static bool may_convert(const manager_parameter *parameter, const mseq_value *value) {
    mseq_kind kind = mseq_value_kind(value);
    return kind == MSEQ_INTEGER || kind == MSEQ_FLOAT ? !parameter->number
                                                      : parameter->type || kind == MSEQ_STRING;
}

mseq_status manager_text_bind(const manager_text *text, const mseq_value *parameters,
                              mseq_value **bound, mseq_error *err) {
    mseq_value *list = NULL;
    mseq_status status = mseq_sql_bind(&text->sql, parameters, &list, err);
    for (size_t i = 0; i < text->sql.names.count && status == MSEQ_OK; i++)
        if (may_convert(&text->parameters[i], mseq_array_get(list, i)))
            status = convert(text, i, list, err);
    if (status != MSEQ_OK) {
        mseq_value_free(list);
        return status;
    }
    *bound = list;
    return MSEQ_OK;
}

/* ---- Both --------------------------------------------------------------------------------------
 */

static int64_t at_most(int64_t number, int64_t maximum) {
    return number < maximum ? number : maximum;
}

void manager_statement_describe(const mseq_value *operation, const manager_text *text,
                                mseq_governed_statement *statement) {
    const mseq_value *limits = mseq_object_get(operation, "limits");
    *statement = (mseq_governed_statement)MSEQ_GOVERNED_STATEMENT_INIT;
    statement->parameter_types = text->types;
    statement->operation = mseq_object_get_text(operation, "operation");
    statement->sql = text->sql.text;
    statement->sql_length = text->sql.length;
    statement->max_rows =
        at_most(mseq_object_get_integer(limits, "max_rows", 1000), MANAGER_ROWS_MAXIMUM);
    statement->offset = mseq_object_get_integer(limits, "offset", 0);
    statement->timeout_ms =
        at_most(mseq_object_get_integer(limits, "statement_timeout_ms", MANAGER_TIMEOUT_MS),
                MANAGER_TIMEOUT_MAXIMUM_MS);
}

mseq_status manager_statement_prepare(const mseq_value *operation, const manager_scope *scope,
                                      manager_statement *prepared, mseq_error *err) {
    const mseq_value *parameters =
        mseq_object_get(mseq_object_get(operation, "statement"), "parameters");
    *prepared = (manager_statement){.governed = MSEQ_GOVERNED_STATEMENT_INIT};
    mseq_status status = manager_text_read(operation, scope, &prepared->text, err);
    if (status == MSEQ_OK)
        status = manager_text_bind(&prepared->text, parameters, &prepared->bound, err);
    if (status != MSEQ_OK) {
        manager_statement_free(prepared);
        return status;
    }
    manager_statement_describe(operation, &prepared->text, &prepared->governed);
    prepared->governed.parameters = prepared->bound;
    return MSEQ_OK;
}

void manager_statement_free(manager_statement *prepared) {
    mseq_value_free(prepared->bound);
    manager_text_free(&prepared->text);
    *prepared = (manager_statement){.governed = MSEQ_GOVERNED_STATEMENT_INIT};
}
