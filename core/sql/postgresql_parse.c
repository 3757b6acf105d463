/* SPDX-License-Identifier: MIT
 * libpg_query on a thread of its own. The parser, the writer and the reader of its tree and our
 * walk call themselves as deep as the statement nests, which nesting.c bounds; what they need fits
 * into the thread's stack whatever the caller's size. */
#include <pg_query.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "postgresql_tree.h"

static const size_t STACK_SIZE = (size_t)64 * 1024 * 1024;

typedef struct job {
    const char *sql;
    mseq_sql_statement *statement;
    mseq_error *err;
    mseq_status status;
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

static mseq_status parse(job *j) {
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(j->sql);
    mseq_status status = MSEQ_OK;
    if (parsed.error) {
        status = syntax_error(parsed.error, j->err);
    } else {
        PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
            NULL, parsed.parse_tree.len, (const uint8_t *)parsed.parse_tree.data);
        status = tree ? sql_walk_tree(tree, j->statement, j->err) : mseq_error_no_memory(j->err);
        if (tree)
            pg_query__parse_result__free_unpacked(tree, NULL);
    }
    pg_query_free_protobuf_parse_result(parsed);
    return status;
}

static void *run(void *data) {
    job *j = data;
    j->status = parse(j);
    return NULL;
}

/* Signals are for the program's own threads; the new thread inherits that none comes to it. */
static int start(pthread_t *thread, job *j) {
    pthread_attr_t attributes;
    sigset_t all, before;
    int failure = pthread_attr_init(&attributes);
    if (failure)
        return failure;
    failure = pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    if (!failure)
        failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failure) {
        failure = pthread_create(thread, &attributes, run, j);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return failure;
}

mseq_status sql_parse_postgresql(const char *sql, mseq_sql_statement *statement, mseq_error *err) {
    job j = {.sql = sql, .statement = statement, .err = err};
    pthread_t thread;
    int failure = start(&thread, &j);
    if (failure)
        return mseq_error_set(err, MSEQ_E_NO_MEMORY, "no thread for the SQL parser: %s",
                              strerror(failure));
    pthread_join(thread, NULL);
    return j.status;
}
