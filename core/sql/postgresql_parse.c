/* SPDX-License-Identifier: MIT
 * libpg_query on a thread of its own. The parser, the writer and the reader of its tree and our
 * walk call themselves as deep as the statement nests, which nesting.c bounds; what they need fits
 * into the thread's stack whatever the caller's size. */
#include <pg_query.h>
#include <string.h>

#include "postgresql_tree.h"

static const size_t STACK_SIZE = (size_t)64 * 1024 * 1024;

typedef struct job {
    const char *sql;
    mseq_sql_statement *statement;
} job;

/* The parser's message names what it stumbled over; its place is counted in characters from 1. */
static mseq_status syntax_error(const PgQueryError *error, mseq_error *err) {
    const char *message = error->message ? error->message : "not understood";
    if (strcmp(message, "out of memory") == 0) /* a message may quote the statement's own words */
        return mseq_error_no_memory(err);
    sql_refuse(err, "invalid_statement", "%s", message);
    if (error->cursorpos > 0)
        mseq_error_detail(err, "at character %d of the statement", error->cursorpos);
    return MSEQ_E_STATEMENT;
}

static mseq_status parse(void *data, mseq_error *err) {
    const job *j = data;
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(j->sql);
    mseq_status status = MSEQ_OK;
    if (parsed.error) {
        status = syntax_error(parsed.error, err);
    } else {
        PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
            NULL, parsed.parse_tree.len, (const uint8_t *)parsed.parse_tree.data);
        status = tree ? sql_walk_tree(tree, j->statement, err) : mseq_error_no_memory(err);
        if (tree)
            pg_query__parse_result__free_unpacked(tree, NULL);
    }
    pg_query_free_protobuf_parse_result(parsed);
    return status;
}

mseq_status sql_parse_postgresql(const char *sql, mseq_sql_statement *statement, mseq_error *err) {
    job j = {sql, statement};
    return mseq_on_stack(STACK_SIZE, parse, &j, err);
}
