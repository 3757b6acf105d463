/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: governed statements. */
#ifndef MSEQ_MANAGER_EXECUTION_H
#define MSEQ_MANAGER_EXECUTION_H

#include "manager_private.h"

enum {
    MANAGER_ROWS_MAXIMUM = 10000,        /* rows of one reply; a select goes on with next_offset */
    MANAGER_TIMEOUT_MS = 15000,          /* of a statement that says none */
    MANAGER_TIMEOUT_MAXIMUM_MS = 300000, /* of a statement */
    MANAGER_SQL_MAXIMUM = 1000000,       /* bytes of a statement */
    MANAGER_PARAMETERS_SQLITE = 32766,   /* placeholders that a database takes */
    MANAGER_PARAMETERS_POSTGRESQL = 65535
};

/* A table that a statement may touch. */
typedef struct manager_scope_table {
    char *uid;
    char *name;        /* physical */
    mseq_value *types; /* {column: data type} of the columns whose values depend on it */
    mseq_access access;
} manager_scope_table;

typedef struct manager_scope {
    manager_source *source;
    manager_scope_table *tables;
    size_t count;
    int64_t access_revision; /* of the catalog, when the tables were looked up */
    bool shown_types;        /* a column has a type that manager_type_is_shown */
} manager_scope;
#define MANAGER_SCOPE_INIT                                                                         \
    { .source = NULL }

/* ---- scope.c ------------------------------------------------------------------------------------
 */

/* The tables of a normalised operation: known, active (or reconciled), of one data source. */
mseq_status manager_scope_resolve(manager_call *call, const mseq_value *operation,
                                  manager_scope *scope, mseq_error *err) MSEQ_MUST_CHECK;
/* Adds a record of {uid, physical_table_name, column_types}; `tables` has room for it. */
mseq_status manager_scope_add(manager_scope *scope, const mseq_value *record, mseq_access access,
                              mseq_error *err) MSEQ_MUST_CHECK;
void manager_scope_free(manager_scope *scope);
/* The data type of a column by its name alone; NULL when no table has it, it needs no type, or the
 * tables differ. */
const char *manager_scope_type(const manager_scope *scope, const char *column);

/* ---- execution_checks.c -------------------------------------------------------------------------
 */

/* Whether the data source takes the operation: its access mode, and what its last test found. */
mseq_status manager_check_source_takes(const manager_call *call, const char *data_source_uid,
                                       const char *operation, mseq_error *err) MSEQ_MUST_CHECK;
/* MSEQ_E_CONFLICT with the code access_changed when who may access what has changed since the scope
 * was resolved. */
mseq_status manager_check_revision(const manager_call *call, const manager_scope *scope,
                                   mseq_error *err) MSEQ_MUST_CHECK;
/* mseq_governed_statement.registered of the tables of a data source. */
typedef struct manager_registry {
    mseq_connection *catalog;
    const char *data_source_uid;
} manager_registry;
mseq_status manager_is_registered(void *registry, const char *name, bool *registered,
                                  mseq_error *err) MSEQ_MUST_CHECK;
/* Whether a refusal is of that kind: what was judged has to be judged again. */
bool manager_access_changed_since(mseq_status status, const mseq_error *err);

/* ---- fence.c ------------------------------------------------------------------------------------
 */

/* A connection for a statement of the caller. On PostgreSQL, unless its operator chose otherwise,
 * it is one of the caller's own login role, which is granted exactly what the caller may view or
 * edit there; `anew` grants it again although nothing seems to have changed. `schema` (owned by the
 * caller, or NULL) gets where the data source's tables are. */
mseq_status manager_fence_connect(const manager_call *call, const manager_scope *scope, bool anew,
                                  mseq_connection **connection, char **schema,
                                  mseq_error *err) MSEQ_MUST_CHECK;
void manager_fences_close(mseq_manager *manager);

/* ---- operation_log.c ----------------------------------------------------------------------------
 */

/* What is told of an execution. */
typedef struct manager_execution {
    const char *operation; /* NULL: not known */
    const char *data_source_uid;
    const manager_scope *scope; /* may be empty */
    int64_t rows;
    int64_t started;   /* monotonic ms */
    const char *facts; /* manager_log_facts of this caller and what stands above; NULL: not made */
} manager_execution;
/* The part of a row that is the same for every execution of one operation by one caller: who, what,
 * which tables. Owned by the caller; NULL without memory. */
char *manager_log_facts(const manager_caller *caller, const manager_execution *execution);
/* Writes the row of an execution that ended so. A log that cannot be written is no failure of the
 * execution. */
void manager_log_execution(const manager_call *call, const manager_execution *execution,
                           mseq_status status, const mseq_error *err);
void manager_log_close(mseq_manager *manager);

/* ---- execute.c ----------------------------------------------------------------------------------
 */

/* Runs a statement whose text, parameters and limits are set; scope and cancellation are filled in.
 * The rows come back as a reply shows them. */
mseq_status manager_run_statement(const manager_call *call, const manager_scope *scope,
                                  mseq_governed_statement *statement, mseq_governed_result *result,
                                  mseq_error *err) MSEQ_MUST_CHECK;
/* Runs a normalised operation under its resolved scope. *run gets the limits that held, without
 * text, parameters and tables. */
mseq_status manager_run_operation(const manager_call *call, const mseq_value *operation,
                                  const manager_scope *scope, mseq_governed_statement *run,
                                  mseq_governed_result *result, mseq_error *err) MSEQ_MUST_CHECK;
void manager_result_free(mseq_governed_result *result);

/* The tables of the scope as the driver takes them; `tables` has room for as many. Their names are
 * the scope's. */
void manager_name_tables(const manager_scope *scope, mseq_governed_table *tables,
                         mseq_governed_statement *statement);
/* Cancellation, revision and the request's own time. */
void manager_fill_in(const manager_call *call, const manager_scope *scope,
                     mseq_governed_statement *statement);
/* The scope of a normalised operation, whose dialect is that of its data source. */
mseq_status manager_operation_scope(manager_call *call, const mseq_value *operation,
                                    manager_scope *scope, mseq_error *err) MSEQ_MUST_CHECK;

/* Does the work on a connection of the caller's; becomes owner of both, also when it fails. */
typedef mseq_status (*manager_runner)(void *data, mseq_connection *connection, char *schema,
                                      mseq_error *err);
/* Behind the fence. A table that was made or made again since lacks its grants: they are given once
 * more. */
mseq_status manager_run_granted(const manager_call *call, const manager_scope *scope,
                                manager_runner runner, void *data, mseq_error *err) MSEQ_MUST_CHECK;
/* Types of columns by where they come from (see mseq_governed_result); NULL for a computed one.
 * Free the list, not its texts, which are the scope's. */
mseq_status manager_column_types(const manager_scope *scope, const mseq_value *origins,
                                 const char ***types, size_t *count,
                                 mseq_error *err) MSEQ_MUST_CHECK;

/* One judgement of a normalised operation; it logs itself and sets the error of its failure. */
typedef mseq_status (*manager_judgement)(manager_call *call, const mseq_value *operation,
                                         mseq_error *err);
/* Checks the envelope of the request's operation and has it judged, again when who may access what
 * has changed meanwhile. */
mseq_status manager_judge_operation(manager_call *call, manager_judgement judgement,
                                    mseq_error *err) MSEQ_MUST_CHECK;

/* ---- bind_types.c -------------------------------------------------------------------------------
 */

/* What a placeholder stands beside. */
typedef enum manager_role {
    MANAGER_ROLE_NONE,
    MANAGER_ROLE_COMPARED,
    MANAGER_ROLE_STORED
} manager_role;
typedef struct manager_placeholder {
    manager_role role;
    char column[128]; /* "" without a role */
} manager_placeholder;
/* Which column each placeholder of the text (?1 … ?count, $1 …) is stored in or compared with, as
 * far as the text shows it plainly: INSERT … (columns) VALUES (placeholders), column = placeholder.
 */
void manager_placeholders(const char *sql, size_t length, manager_placeholder *placeholders,
                          size_t count);

/* ---- statement.c --------------------------------------------------------------------------------
 */

typedef struct manager_parameter manager_parameter;
/* The statement of an operation without the values of its parameters. Borrows from the operation
 * and its scope. */
typedef struct manager_text {
    mseq_sql_text sql;
    const char **types;            /* as parameter_types has them, by placeholder */
    manager_parameter *parameters; /* by placeholder */
} manager_text;
/* Failure leaves nothing to free. */
mseq_status manager_text_read(const mseq_value *operation, const manager_scope *scope,
                              manager_text *text, mseq_error *err) MSEQ_MUST_CHECK;
void manager_text_free(manager_text *text);
/* The parameters of a request (object or array) in the order of the placeholders, as the data
 * source keeps values of their types. */
mseq_status manager_text_bind(const manager_text *text, const mseq_value *parameters,
                              mseq_value **bound, mseq_error *err) MSEQ_MUST_CHECK;
/* What a normalised operation says of its statement; tables, parameters and cancellation are left
 * out. Borrows from both. */
void manager_statement_describe(const mseq_value *operation, const manager_text *text,
                                mseq_governed_statement *statement);

/* All of it for one execution. */
typedef struct manager_statement {
    mseq_governed_statement governed; /* borrows from the operation and from what follows */
    manager_text text;
    mseq_value *bound;
} manager_statement;
/* Text, parameters and limits of a normalised operation; tables and cancellation are left to
 * manager_fill_in. Failure leaves nothing to free. */
mseq_status manager_statement_prepare(const mseq_value *operation, const manager_scope *scope,
                                      manager_statement *prepared, mseq_error *err) MSEQ_MUST_CHECK;
void manager_statement_free(manager_statement *prepared);

/* ---- plan_cache.c -------------------------------------------------------------------------------
 */

/* A normalised operation of one caller that was judged: all of it that the values of its parameters
 * have no part in. Immutable once it is kept, and shared. */
typedef struct manager_plan {
    mseq_value *operation; /* without parameters */
    manager_scope scope;
    manager_text text;
    mseq_governed_statement statement; /* as manager_statement_describe, with tables */
    mseq_governed_table *tables;
    char *log_facts; /* NULL: made when they are written */
} manager_plan;
/* The plan that was made for the same document, but for its parameters, of the same caller under
 * the call's revisions; give it back with manager_plan_release. NULL: none. */
const manager_plan *manager_plan_find(const manager_call *call);
void manager_plan_release(const manager_plan *plan);
/* Empty; NULL without memory. */
manager_plan *manager_plan_new(void);
/* Remembers a plan for the request of the call, unless it is too large or memory is short. */
void manager_plan_keep(const manager_call *call, manager_plan *plan);
void manager_plan_cache_free(mseq_manager *manager);
/* A copy of a document of an operation without the parameters of its statement; NULL without
 * memory. */
mseq_value *manager_without_parameters(const mseq_value *document);

/* ---- values.c -----------------------------------------------------------------------------------
 */

/* A parameter as SQLite keeps values of that type (design: values are kept as they travel). `type`
 * NULL: only what holds for every value. `declared`: by the request's parameter_types. *value is
 * replaced. */
mseq_status manager_value_in(const char *name, const char *type, bool declared, manager_role role,
                             mseq_value **value, mseq_error *err) MSEQ_MUST_CHECK;
/* Whether manager_value_in leaves every number as it is for that type. */
bool manager_type_takes_numbers(const char *type);
/* Whether values of the type are bytes, which travel as base64 text. */
bool manager_type_is_bytes(const char *type);
/* Whether a reply shows values of that type (may be NULL) in another way than they are kept. */
bool manager_type_is_shown(const char *type);
/* A row as a reply shows it; `types` has a data type or NULL for each key of it. */
mseq_status manager_row_out(mseq_row *row, const char *const *types, size_t count,
                            mseq_error *err) MSEQ_MUST_CHECK;
/* The same for objects. */
mseq_status manager_values_out(mseq_value *rows, const char *const *types, size_t count,
                               mseq_error *err) MSEQ_MUST_CHECK;

#endif
