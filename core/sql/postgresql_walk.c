/* SPDX-License-Identifier: MIT
 * Walks libpg_query's tree by the descriptors of its messages, so that no field can be forgotten:
 * a message that postgresql_nodes.c does not know is refused, whatever holds it. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_tree.h"

static mseq_status refuse_node(tree_walk *walk, const ProtobufCMessageDescriptor *descriptor) {
    static const char suffix[] = "Stmt";
    size_t length = strlen(descriptor->short_name), tail = sizeof suffix - 1;
    bool statement = length > tail && strcmp(descriptor->short_name + length - tail, suffix) == 0;
    sql_refuse(walk->err, "statement_not_allowed",
               statement ? "the statement is of a kind that is not allowed in a governed operation"
                           " (%.*s)"
                         : "the construct %.*s is not allowed in a governed operation",
               (int)(statement ? length - tail : length), descriptor->short_name);
    mseq_error_hint(walk->err, "write SELECT, INSERT, UPDATE or DELETE of harmless expressions");
    return MSEQ_E_STATEMENT;
}

mseq_status tree_walk_message(tree_walk *walk, const ProtobufCMessage *message) {
    tree_visit visit = NULL;
    if (!message)
        return MSEQ_OK;
    if (!tree_visit_of(message->descriptor, &visit))
        return refuse_node(walk, message->descriptor);
    return visit ? visit(walk, message) : tree_walk_children(walk, message);
}

/* protobuf-c keeps a field at an offset in its struct; of a oneof only the chosen one is there. */
static mseq_status walk_field(tree_walk *walk, const char *message,
                              const ProtobufCFieldDescriptor *field) {
    const void *place = message + field->offset;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return MSEQ_OK;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        uint32_t chosen = field->id;
        if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            memcpy(&chosen, message + field->quantifier_offset, sizeof chosen);
        return chosen == field->id ? tree_walk_message(walk, *(ProtobufCMessage *const *)place)
                                   : MSEQ_OK;
    }
    size_t count;
    memcpy(&count, message + field->quantifier_offset, sizeof count);
    ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)place;
    for (size_t i = 0; i < count; i++) {
        mseq_status status = tree_walk_message(walk, items[i]);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

mseq_status tree_walk_children(tree_walk *walk, const ProtobufCMessage *message) {
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        mseq_status status = walk_field(walk, (const char *)message, &descriptor->fields[i]);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

/* ---- a.b ---------------------------------------------------------------------------------------
 */

static int compare_functions(const void *left, const void *right) {
    const tree_function *a = left, *b = right;
    return strcmp(a->alias, b->alias);
}

static bool has_column(const PgQuery__RangeFunction *node, const char *name) {
    static const char *const usual[] = {"ordinality", "key", "value"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(name, usual[i]) == 0)
            return true;
    for (size_t i = 0; node->alias && i < node->alias->n_colnames; i++) {
        const PgQuery__Node *column = node->alias->colnames[i];
        if (column->node_case == PG_QUERY__NODE__NODE_STRING &&
            strcmp(column->string->sval, name) == 0)
            return true;
    }
    for (size_t i = 0; i < node->n_coldeflist; i++)
        if (node->coldeflist[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF &&
            strcmp(node->coldeflist[i]->column_def->colname, name) == 0)
            return true;
    return false;
}

/* PostgreSQL takes a.b, when a has no column b, for the call b(a). Where a is a row only functions
 * of rows fit; where a is a function in FROM it may be any value, and b any function. */
static mseq_status check_attribute(const tree_walk *walk, const tree_attribute *attribute) {
    size_t low = 0, high = walk->function_count;
    while (low < high) { /* the first function of that alias */
        size_t middle = (low + high) / 2;
        if (strcmp(walk->functions[middle].alias, attribute->qualifier) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < walk->function_count &&
           strcmp(walk->functions[low].alias, attribute->qualifier) == 0;
         low++) {
        if (strcmp(attribute->name, attribute->qualifier) == 0 ||
            has_column(walk->functions[low].node, attribute->name))
            continue;
        sql_refuse(walk->err, "function_not_allowed",
                   "'%s.%s' may be a call of the function '%s' on the value of '%s'",
                   attribute->qualifier, attribute->name, attribute->name, attribute->qualifier);
        mseq_error_hint(walk->err, "name the columns of a function in FROM: AS %s(%s)",
                        attribute->qualifier, attribute->name);
        return MSEQ_E_STATEMENT;
    }
    return MSEQ_OK;
}

static mseq_status check_attributes(tree_walk *walk) {
    if (walk->function_count)
        qsort(walk->functions, walk->function_count, sizeof *walk->functions, compare_functions);
    for (size_t i = 0; i < walk->attribute_count; i++) {
        mseq_status status = check_attribute(walk, &walk->attributes[i]);
        if (status != MSEQ_OK)
            return status;
        if (mseq_strings_add(&walk->statement->attributes, walk->attributes[i].name) != MSEQ_OK)
            return mseq_error_no_memory(walk->err);
    }
    return MSEQ_OK;
}

/* ---- The whole ---------------------------------------------------------------------------------
 */

mseq_status sql_walk_tree(const PgQuery__ParseResult *tree, mseq_sql_statement *statement,
                          mseq_error *err) {
    if (tree->n_stmts != 1)
        return sql_refuse(err, tree->n_stmts ? "multiple_statements" : "kind_mismatch",
                          tree->n_stmts ? "there is more than one statement"
                                        : "there is no statement in the text");
    tree_walk walk = {.statement = statement, .err = err};
    const PgQuery__Node *top = tree->stmts[0]->stmt;
    switch (top->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        statement->kind = MSEQ_SQL_SELECT;
        break;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
        statement->kind = MSEQ_SQL_INSERT;
        break;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
        statement->kind = MSEQ_SQL_UPDATE;
        break;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        statement->kind = MSEQ_SQL_DELETE;
        break;
    default: /* the walk refuses it by its name */
        break;
    }
    mseq_status status = tree_walk_message(&walk, &top->base);
    if (status == MSEQ_OK)
        status = check_attributes(&walk);
    free(walk.functions);
    free(walk.attributes);
    return status;
}
