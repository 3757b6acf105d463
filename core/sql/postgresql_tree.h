/* SPDX-License-Identifier: MIT
 * Inside of the room `sql`: walking libpg_query's tree. */
#ifndef MSEQ_SQL_POSTGRESQL_TREE_H
#define MSEQ_SQL_POSTGRESQL_TREE_H

#include <pg_query/pg_query.pb-c.h>

#include "statement.h"

/* Notes what the statement is and touches; refuses what is not allowed in any. */
mseq_status sql_walk_tree(const PgQuery__ParseResult *tree, mseq_sql_statement *statement,
                          mseq_error *err) MSEQ_MUST_CHECK;

/* ---- postgresql_walk.c → postgresql_nodes.c
 * ------------------------------------------------------ */

/* A name of WITH that is visible; the innermost first. */
typedef struct tree_name {
    const struct tree_name *outer;
    const char *name;
} tree_name;

/* A function in FROM by its alias, and the columns it is known to have. */
typedef struct tree_function {
    const char *alias;
    const PgQuery__RangeFunction *node;
} tree_function;

/* a.b */
typedef struct tree_attribute {
    const char *qualifier, *name;
} tree_attribute;

typedef struct tree_walk {
    mseq_sql_statement *statement;
    mseq_error *err;
    const tree_name *names;
    size_t references; /* to tables */
    size_t with_queries;
    tree_function *functions;
    size_t function_count, function_capacity;
    tree_attribute *attributes;
    size_t attribute_count, attribute_capacity;
} tree_walk;

/* Walks a node that stands alone (NULL: none), or all that a message holds. */
mseq_status tree_walk_message(tree_walk *walk, const ProtobufCMessage *message) MSEQ_MUST_CHECK;
mseq_status tree_walk_children(tree_walk *walk, const ProtobufCMessage *message) MSEQ_MUST_CHECK;

/* What is special about a kind of node: checks it and walks what it holds. NULL: nothing is, its
 * children are walked. */
typedef mseq_status (*tree_visit)(tree_walk *walk, const ProtobufCMessage *message);
/* False: statements may not hold such nodes. */
bool tree_visit_of(const ProtobufCMessageDescriptor *descriptor, tree_visit *visit);

#endif
