/* SPDX-License-Identifier: MIT
 * The nodes of libpg_query's tree that a governed statement may hold, and what is checked of each.
 *
 * Which table a name means: a name of WITH hides a table for what stands in the query that the WITH
 * belongs to, and without RECURSIVE only for later queries of the same WITH. The target of a change
 * and a name with a schema are always tables. (PostgreSQL: parse_relation.c, parse_cte.c.) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_tree.h"

/* ---- Names -------------------------------------------------------------------------------------
 */

static const char *text_of(const PgQuery__Node *node) {
    return node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : "";
}

/* The last part of a name that may only be qualified with pg_catalog; NULL when it is otherwise. */
static const char *system_name(PgQuery__Node *const *parts, size_t count) {
    if (count == 1)
        return text_of(parts[0]);
    if (count == 2 && strcmp(text_of(parts[0]), "pg_catalog") == 0)
        return text_of(parts[1]);
    return NULL;
}

/* "a.b.c" for a message. */
static void join_names(PgQuery__Node *const *parts, size_t count, char text[128]) {
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && length < 127; i++) {
        const char *part = text_of(parts[i]);
        size_t size = strlen(part), room = 127 - length - (i > 0);
        if (i > 0)
            text[length++] = '.';
        size = size < room ? size : room;
        memcpy(text + length, part, size);
        length += size;
        text[length] = '\0';
    }
}

static mseq_status check_name(tree_walk *walk, PgQuery__Node *const *parts, size_t count,
                              bool (*allowed)(const char *name), const char *what,
                              mseq_strings *notes) {
    const char *name = system_name(parts, count);
    if (!name || !allowed(name)) {
        char code[64], shown[128];
        join_names(parts, count, shown);
        snprintf(code, sizeof code, "%s_not_allowed", what);
        return sql_refuse(walk->err, code, "%s '%s' is not allowed", what, shown);
    }
    if (notes && mseq_strings_add(notes, name) != MSEQ_OK)
        return mseq_error_no_memory(walk->err);
    return MSEQ_OK;
}

static mseq_status check_operator(tree_walk *walk, PgQuery__Node *const *parts, size_t count) {
    return count == 0 ? MSEQ_OK
                      : check_name(walk, parts, count, sql_operator_allowed, "operator",
                                   &walk->statement->operators);
}

static mseq_status not_allowed(tree_walk *walk, const char *what) {
    return sql_refuse(walk->err, "statement_not_allowed",
                      "%s is not allowed in a governed operation", what);
}

/* ---- WITH --------------------------------------------------------------------------------------
 */

static mseq_status walk_with_queries(tree_walk *walk, const PgQuery__WithClause *with,
                                     tree_name *names) {
    const tree_name *outer = walk->names;
    for (size_t i = 0; i < with->n_ctes; i++) {
        if (with->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR)
            return not_allowed(walk, "this WITH");
        names[i] = (tree_name){.outer = i ? &names[i - 1] : outer,
                               .name = with->ctes[i]->common_table_expr->ctename};
    }
    for (size_t i = 0; i < with->n_ctes; i++) {
        size_t visible = with->recursive ? with->n_ctes : i;
        walk->names = visible ? &names[visible - 1] : outer;
        mseq_status status = tree_walk_children(walk, &with->ctes[i]->common_table_expr->base);
        if (status != MSEQ_OK)
            return status;
    }
    walk->names = &names[with->n_ctes - 1];
    return MSEQ_OK;
}

/* A query with its WITH, whose names are visible in all of it. */
static mseq_status walk_query(tree_walk *walk, const ProtobufCMessage *query,
                              const PgQuery__WithClause *with) {
    const tree_name *outer = walk->names;
    if (!with || with->n_ctes == 0)
        return tree_walk_children(walk, query);
    walk->with_queries += with->n_ctes;
    if (walk->with_queries > SQL_NESTING_MAXIMUM)
        return sql_refuse(walk->err, "nesting_too_deep",
                          "the statement has more than %d queries in WITH", SQL_NESTING_MAXIMUM);
    tree_name *names = calloc(with->n_ctes, sizeof *names);
    if (!names)
        return mseq_error_no_memory(walk->err);
    mseq_status status = walk_with_queries(walk, with, names);
    if (status == MSEQ_OK)
        status = tree_walk_children(walk, query);
    walk->names = outer;
    free(names);
    return status;
}

/* walk_query has walked it. */
static mseq_status visit_with(tree_walk *walk, const ProtobufCMessage *message) {
    (void)walk;
    (void)message;
    return MSEQ_OK;
}

/* ---- Statements --------------------------------------------------------------------------------
 */

static mseq_status visit_select(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__SelectStmt *select = (const PgQuery__SelectStmt *)message;
    if (select->into_clause)
        return not_allowed(walk, "SELECT INTO");
    if (select->n_locking_clause)
        return not_allowed(walk, "a row lock (FOR UPDATE, FOR SHARE, …)");
    return walk_query(walk, message, select->with_clause);
}

static mseq_status note_change(tree_walk *walk, const PgQuery__RangeVar *target,
                               mseq_sql_kind kind) {
    walk->statement->changes |= 1u << kind;
    if (!target)
        return not_allowed(walk, "a change without a table");
    return sql_note_relation(walk->statement, target->schemaname, target->relname, true) == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_no_memory(walk->err);
}

static mseq_status visit_insert(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__InsertStmt *insert = (const PgQuery__InsertStmt *)message;
    const PgQuery__OnConflictClause *conflict = insert->on_conflict_clause;
    if (conflict) {
        walk->statement->on_conflict = true;
        if (conflict->action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING)
            walk->statement->conflict_update = true;
    }
    mseq_status status = note_change(walk, insert->relation, MSEQ_SQL_INSERT);
    return status == MSEQ_OK ? walk_query(walk, message, insert->with_clause) : status;
}

static mseq_status visit_update(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__UpdateStmt *update = (const PgQuery__UpdateStmt *)message;
    mseq_status status = note_change(walk, update->relation, MSEQ_SQL_UPDATE);
    return status == MSEQ_OK ? walk_query(walk, message, update->with_clause) : status;
}

static mseq_status visit_delete(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__DeleteStmt *delete = (const PgQuery__DeleteStmt *)message;
    mseq_status status = note_change(walk, delete->relation, MSEQ_SQL_DELETE);
    return status == MSEQ_OK ? walk_query(walk, message, delete->with_clause) : status;
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

static mseq_status visit_relation(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__RangeVar *relation = (const PgQuery__RangeVar *)message;
    if (*relation->catalogname)
        return sql_refuse(walk->err, "scope_violation",
                          "table '%s.%s.%s' is not in the scope of the statement",
                          relation->catalogname, relation->schemaname, relation->relname);
    if (++walk->references > SQL_REFERENCES_MAXIMUM)
        return sql_refuse(walk->err, "nesting_too_deep", "the statement names more than %d tables",
                          SQL_REFERENCES_MAXIMUM);
    if (!*relation->schemaname)
        for (const tree_name *name = walk->names; name; name = name->outer)
            if (strcmp(name->name, relation->relname) == 0)
                return tree_walk_children(walk, message);
    if (sql_note_relation(walk->statement, relation->schemaname, relation->relname, false) !=
        MSEQ_OK)
        return mseq_error_no_memory(walk->err);
    return tree_walk_children(walk, message);
}

/* The alias of a function in FROM is its own name when none is given. */
static const char *function_alias(const PgQuery__RangeFunction *range) {
    if (range->alias)
        return range->alias->aliasname;
    const PgQuery__Node *first = range->n_functions ? range->functions[0] : NULL;
    if (!first || first->node_case != PG_QUERY__NODE__NODE_LIST || first->list->n_items == 0)
        return NULL;
    const PgQuery__Node *call = first->list->items[0];
    if (call->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || call->func_call->n_funcname == 0)
        return NULL;
    return text_of(call->func_call->funcname[call->func_call->n_funcname - 1]);
}

static mseq_status visit_range_function(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__RangeFunction *range = (const PgQuery__RangeFunction *)message;
    const char *alias = function_alias(range);
    if (alias && walk->function_count == walk->function_capacity) {
        size_t capacity = walk->function_capacity * 2 + 8;
        tree_function *more = realloc(walk->functions, capacity * sizeof *more);
        if (!more)
            return mseq_error_no_memory(walk->err);
        walk->functions = more;
        walk->function_capacity = capacity;
    }
    if (alias)
        walk->functions[walk->function_count++] = (tree_function){alias, range};
    return tree_walk_children(walk, message);
}

static bool is_sampling(const char *name) {
    return strcmp(name, "bernoulli") == 0 || strcmp(name, "system") == 0;
}

static mseq_status visit_sample(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__RangeTableSample *sample = (const PgQuery__RangeTableSample *)message;
    mseq_status status = check_name(walk, sample->method, sample->n_method, is_sampling, "function",
                                    &walk->statement->functions);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

/* ---- Expressions -------------------------------------------------------------------------------
 */

static mseq_status visit_function(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__FuncCall *call = (const PgQuery__FuncCall *)message;
    mseq_status status = check_name(walk, call->funcname, call->n_funcname, sql_function_allowed,
                                    "function", &walk->statement->functions);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

static mseq_status visit_type(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__TypeName *type = (const PgQuery__TypeName *)message;
    if (type->setof || type->pct_type)
        return sql_refuse(walk->err, "type_not_allowed", "SETOF and %%TYPE are not allowed");
    mseq_status status =
        check_name(walk, type->names, type->n_names, sql_type_allowed, "type", NULL);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

static mseq_status visit_operator(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__AExpr *expression = (const PgQuery__AExpr *)message;
    /* BETWEEN is kept under its word */
    bool between = expression->kind >= PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN &&
                   expression->kind <= PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    mseq_status status =
        between ? MSEQ_OK : check_operator(walk, expression->name, expression->n_name);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

static mseq_status visit_sublink(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__SubLink *link = (const PgQuery__SubLink *)message;
    mseq_status status = check_operator(walk, link->oper_name, link->n_oper_name);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

static mseq_status visit_sort(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__SortBy *sort = (const PgQuery__SortBy *)message;
    mseq_status status = check_operator(walk, sort->use_op, sort->n_use_op);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

static bool any_name(const char *name) {
    return *name != '\0';
}

static mseq_status visit_collation(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__CollateClause *collation = (const PgQuery__CollateClause *)message;
    mseq_status status =
        check_name(walk, collation->collname, collation->n_collname, any_name, "collation", NULL);
    return status == MSEQ_OK ? tree_walk_children(walk, message) : status;
}

/* CURRENT_DATE and the like; those that tell who and where one is are not allowed. */
static mseq_status visit_value_function(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__SQLValueFunction *function = (const PgQuery__SQLValueFunction *)message;
    if (function->op >= PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE &&
        function->op <= PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N)
        return MSEQ_OK;
    return sql_refuse(walk->err, "function_not_allowed",
                      "CURRENT_USER, CURRENT_ROLE, CURRENT_SCHEMA and the like are not allowed");
}

static mseq_status visit_column(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__ColumnRef *column = (const PgQuery__ColumnRef *)message;
    if (column->n_fields < 2 ||
        column->fields[column->n_fields - 1]->node_case != PG_QUERY__NODE__NODE_STRING)
        return tree_walk_children(walk, message);
    if (walk->attribute_count == walk->attribute_capacity) {
        size_t capacity = walk->attribute_capacity * 2 + 32;
        tree_attribute *more = realloc(walk->attributes, capacity * sizeof *more);
        if (!more)
            return mseq_error_no_memory(walk->err);
        walk->attributes = more;
        walk->attribute_capacity = capacity;
    }
    walk->attributes[walk->attribute_count++] =
        (tree_attribute){text_of(column->fields[column->n_fields - 2]),
                         text_of(column->fields[column->n_fields - 1])};
    return tree_walk_children(walk, message);
}

/* (expression).name may be the call name(expression). */
static mseq_status visit_indirection(tree_walk *walk, const ProtobufCMessage *message) {
    const PgQuery__AIndirection *indirection = (const PgQuery__AIndirection *)message;
    for (size_t i = 0; i < indirection->n_indirection; i++) {
        if (indirection->indirection[i]->node_case != PG_QUERY__NODE__NODE_STRING)
            continue;
        sql_refuse(walk->err, "function_not_allowed",
                   "'(…).%s' is not allowed: it may be a call of the function '%s'",
                   text_of(indirection->indirection[i]), text_of(indirection->indirection[i]));
        mseq_error_hint(walk->err, "select the column from a sub-query in FROM");
        return MSEQ_E_STATEMENT;
    }
    return tree_walk_children(walk, message);
}

/* ---- The list ----------------------------------------------------------------------------------
 */

static const struct {
    const ProtobufCMessageDescriptor *descriptor;
    tree_visit visit;
} known[] = {
    {&pg_query__node__descriptor, NULL},
    {&pg_query__column_ref__descriptor, visit_column},
    {&pg_query__a__const__descriptor, NULL},
    {&pg_query__string__descriptor, NULL},
    {&pg_query__integer__descriptor, NULL},
    {&pg_query__res_target__descriptor, NULL},
    {&pg_query__a__expr__descriptor, visit_operator},
    {&pg_query__range_var__descriptor, visit_relation},
    {&pg_query__alias__descriptor, NULL},
    {&pg_query__func_call__descriptor, visit_function},
    {&pg_query__type_name__descriptor, visit_type},
    {&pg_query__type_cast__descriptor, NULL},
    {&pg_query__list__descriptor, NULL},
    {&pg_query__param_ref__descriptor, NULL},
    {&pg_query__bool_expr__descriptor, NULL},
    {&pg_query__select_stmt__descriptor, visit_select},
    {&pg_query__insert_stmt__descriptor, visit_insert},
    {&pg_query__update_stmt__descriptor, visit_update},
    {&pg_query__delete_stmt__descriptor, visit_delete},
    {&pg_query__with_clause__descriptor, visit_with},
    {&pg_query__on_conflict_clause__descriptor, NULL},
    {&pg_query__infer_clause__descriptor, NULL},
    {&pg_query__index_elem__descriptor, NULL},
    {&pg_query__a__array_expr__descriptor, NULL},
    {&pg_query__a__indices__descriptor, NULL},
    {&pg_query__a__indirection__descriptor, visit_indirection},
    {&pg_query__a__star__descriptor, NULL},
    {&pg_query__bit_string__descriptor, NULL},
    {&pg_query__boolean__descriptor, NULL},
    {&pg_query__boolean_test__descriptor, NULL},
    {&pg_query__case_expr__descriptor, NULL},
    {&pg_query__case_when__descriptor, NULL},
    {&pg_query__coalesce_expr__descriptor, NULL},
    {&pg_query__collate_clause__descriptor, visit_collation},
    {&pg_query__column_def__descriptor, NULL},
    {&pg_query__ctecycle_clause__descriptor, NULL},
    {&pg_query__ctesearch_clause__descriptor, NULL},
    {&pg_query__float__descriptor, NULL},
    {&pg_query__grouping_func__descriptor, NULL},
    {&pg_query__grouping_set__descriptor, NULL},
    {&pg_query__join_expr__descriptor, NULL},
    {&pg_query__min_max_expr__descriptor, NULL},
    {&pg_query__multi_assign_ref__descriptor, NULL},
    {&pg_query__named_arg_expr__descriptor, NULL},
    {&pg_query__null_test__descriptor, NULL},
    {&pg_query__range_function__descriptor, visit_range_function},
    {&pg_query__range_subselect__descriptor, NULL},
    {&pg_query__range_table_sample__descriptor, visit_sample},
    {&pg_query__row_expr__descriptor, NULL},
    {&pg_query__set_to_default__descriptor, NULL},
    {&pg_query__sort_by__descriptor, visit_sort},
    {&pg_query__sqlvalue_function__descriptor, visit_value_function},
    {&pg_query__sub_link__descriptor, visit_sublink},
    {&pg_query__window_def__descriptor, NULL},
};

bool tree_visit_of(const ProtobufCMessageDescriptor *descriptor, tree_visit *visit) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].descriptor == descriptor) {
            *visit = known[i].visit;
            return true;
        }
    }
    return false;
}
