/* SPDX-License-Identifier: MIT
 * Running statements. What reads or changes rows is prepared once and kept; the rest runs once. A
 * BEGIN that was asked for travels with the first statement after it (pipeline mode), which saves a
 * round trip. Rows arrive one by one (single-row mode), so memory is that of one row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

mseq_status postgresql_usable(postgresql_session *session, mseq_error *err) {
    if (session->running)
        return mseq_error_set(err, MSEQ_E_ARGUMENT,
                              "the connection still reads the rows of another statement");
    if (session->lost || PQstatus(session->connection) == CONNECTION_BAD)
        return postgresql_fail_lost(session, err);
    session->use = POSTGRESQL_USED;
    return MSEQ_OK;
}

mseq_status postgresql_ready(postgresql_session *session, mseq_error *err) {
    mseq_status status = postgresql_usable(session, err);
    if (status == MSEQ_OK && session->resetting && !postgresql_reset_receive(session))
        status = postgresql_fail_lost(session, err);
    return status;
}

mseq_status postgresql_fail_send(postgresql_session *session, mseq_error *err) {
    if (PQstatus(session->connection) == CONNECTION_BAD)
        return postgresql_fail_lost(session, err);
    session->saw_error = session->lost = true;
    return mseq_error_set(err, MSEQ_E_DATABASE, "the PostgreSQL client library: %s",
                          PQerrorMessage(session->connection));
}

/* ---- Sending -----------------------------------------------------------------------------------
 */

/* Commands of ours that travel before the statement in one pipeline. */
typedef struct preamble {
    const char *commands[2];
    size_t count;
} preamble;

static preamble take_begin(postgresql_session *session) {
    preamble before = {{session->begin}, session->begin ? 1 : 0};
    session->begin = NULL;
    return before;
}

static bool send_preamble(postgresql_session *session, const preamble *before) {
    for (size_t i = 0; i < before->count; i++)
        if (!PQsendQueryParams(session->connection, before->commands[i], 0, NULL, NULL, NULL, NULL,
                               0))
            return false;
    return true;
}

bool postgresql_send(postgresql_session *session, const postgresql_statement *statement,
                     const postgresql_parameters *p) {
    int count = (int)p->count;
    if (statement->name[0])
        return PQsendQueryPrepared(session->connection, statement->name, count, p->values,
                                   p->lengths, p->formats, 0);
    return PQsendQueryParams(session->connection, statement->sql, count, p->types, p->values,
                             p->lengths, p->formats, 0);
}

/* ---- Receiving ---------------------------------------------------------------------------------
 */

/* Reads the results of the preamble and then of one command up to the pipeline's end. Every
 * result is handed to `take`, with its number; the first failure is kept. */
typedef mseq_status (*result_taker)(void *data, size_t number, const PGresult *result,
                                    mseq_error *err);

static mseq_status read_pipeline(postgresql_session *session, result_taker take, void *data,
                                 const char *sql, mseq_error *err) {
    mseq_status first = MSEQ_OK;
    for (size_t number = 0;;) {
        PGresult *result = NULL;
        mseq_status status = postgresql_result(session, &result, err);
        if (status != MSEQ_OK)
            return status;
        if (!result && PQstatus(session->connection) == CONNECTION_BAD)
            return first != MSEQ_OK ? first : postgresql_fail_lost(session, err);
        ExecStatusType kind = result ? PQresultStatus(result) : PGRES_EMPTY_QUERY;
        if (!result)
            number++;
        else if (first == MSEQ_OK && kind == PGRES_FATAL_ERROR)
            first = postgresql_fail(session, result, sql, err);
        else if (first == MSEQ_OK && kind != PGRES_PIPELINE_SYNC)
            first = take(data, number, result, err);
        PQclear(result);
        if (kind == PGRES_PIPELINE_SYNC)
            break;
    }
    if (!PQexitPipelineMode(session->connection))
        return first != MSEQ_OK ? first : postgresql_fail_send(session, err);
    return first;
}

static mseq_status take_nothing(void *data, size_t number, const PGresult *result,
                                mseq_error *err) {
    (void)data, (void)number, (void)result, (void)err;
    return MSEQ_OK;
}

mseq_status postgresql_pipeline_end(postgresql_session *session, mseq_error *err) {
    return read_pipeline(session, take_nothing, NULL, NULL, err);
}

/* ---- Preparing ---------------------------------------------------------------------------------
 */

mseq_status postgresql_columns_read(postgresql_statement *statement, const PGresult *result,
                                    mseq_error *err) {
    size_t count = (size_t)PQnfields(result);
    if (statement->row.form)
        return MSEQ_OK;
    const char **names = calloc(count + 1, sizeof *names);
    Oid *types = calloc(count + 1, sizeof *types);
    mseq_status status = names && types ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < count; i++) {
        names[i] = PQfname(result, (int)i);
        types[i] = PQftype(result, (int)i);
    }
    if (status == MSEQ_OK)
        status = database_row_columns(&statement->row, names, count, err);
    free((void *)names);
    if (status != MSEQ_OK) {
        free(types);
        return status;
    }
    free(statement->column_types);
    statement->column_types = types;
    return MSEQ_OK;
}

typedef struct description {
    postgresql_statement *statement;
    size_t number; /* of the command that describes, among those of the pipeline */
    size_t wanted; /* parameters */
} description;

/* The types as the text of an array, "{23,25}". */
static void take_types(description *to, const PGresult *result) {
    const char *at = PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "";
    while (*at && *at != '}') {
        char *end = NULL;
        unsigned long type = strtoul(at + 1, &end, 10);
        if (end == at + 1)
            break;
        if (to->wanted < to->statement->type_count)
            to->statement->found[to->wanted] = (Oid)type;
        to->wanted++;
        at = end;
    }
}

static mseq_status take_description(void *data, size_t number, const PGresult *result,
                                    mseq_error *err) {
    description *to = data;
    if (number != to->number)
        return MSEQ_OK;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        take_types(to, result);
        return MSEQ_OK;
    }
    to->wanted = (size_t)PQnparams(result);
    for (size_t i = 0; i < to->wanted && i < to->statement->type_count; i++)
        to->statement->found[i] = PQparamtype(result, (int)i);
    return postgresql_columns_read(to->statement, result, err);
}

static mseq_status check_count(size_t wanted, size_t given, mseq_error *err) {
    if (wanted == given)
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_STATEMENT, "the statement has %zu parameters, %zu are given", wanted,
                   given);
    mseq_error_code(err, given < wanted ? "parameter_missing" : "parameter_unused");
    return MSEQ_E_STATEMENT;
}

/* Asks for the types of the parameters and the columns; of a statement with more parameters than
 * libpq can be told of, for the types alone, in another way. */
static bool send_describe(PGconn *connection, const postgresql_statement *statement) {
    char sql[160];
    if (statement->type_count <= POSTGRESQL_DESCRIBED_MAXIMUM)
        return PQsendDescribePrepared(connection, statement->name);
    snprintf(sql, sizeof sql,
             "SELECT parameter_types::pg_catalog.oid[]::pg_catalog.text"
             " FROM pg_catalog.pg_prepared_statements WHERE name = '%s'",
             statement->name);
    return PQsendQueryParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* Prepares and describes in one round trip. */
static mseq_status prepare(postgresql_session *session, postgresql_statement *statement,
                           mseq_error *err) {
    char room[16], forget[40] = "DEALLOCATE ALL";
    preamble before = take_begin(session);
    postgresql_cache_make_room(session, room);
    if (room[0] && !session->deallocate)
        snprintf(forget, sizeof forget, "DEALLOCATE %s", room);
    if (room[0] || session->deallocate)
        before.commands[before.count++] = forget;
    session->fixed = session->fixed && !session->deallocate;
    session->deallocate = false;
    snprintf(statement->name, sizeof statement->name, "m%u", ++session->name_count);
    PGconn *connection = session->connection;
    if (!PQenterPipelineMode(connection) || !send_preamble(session, &before) ||
        !PQsendPrepare(connection, statement->name, statement->sql, (int)statement->type_count,
                       statement->types) ||
        !send_describe(connection, statement) || !PQpipelineSync(connection))
        return postgresql_fail_send(session, err);
    description to = {statement, before.count + 1, 0};
    mseq_status status = postgresql_flush(session, err);
    if (status == MSEQ_OK)
        status = read_pipeline(session, take_description, &to, statement->sql, err);
    if (status == MSEQ_OK)
        status = check_count(to.wanted, statement->type_count, err);
    return status;
}

/* The types that rows and parameters have, among them those that the database made. */
static mseq_status load_types(postgresql_session *session, const postgresql_statement *statement,
                              mseq_error *err) {
    mseq_status status =
        postgresql_types_load(session, statement->found, statement->type_count, err);
    return status == MSEQ_OK
               ? postgresql_types_load(session, statement->column_types, statement->row.count, err)
               : status;
}

/* Whether the server can keep a plan for it. */
static bool is_kept(const char *sql) {
    static const char *const words[] = {"SELECT", "INSERT", "UPDATE", "DELETE",
                                        "WITH",   "VALUES", "MERGE",  "TABLE"};
    char word[16];
    mseq_sql_first_word(sql, strlen(sql), MSEQ_POSTGRESQL, word);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

mseq_status postgresql_acquire(postgresql_session *session, const char *sql,
                               postgresql_parameters *parameters, postgresql_statement **statement,
                               bool *kept, mseq_error *err) {
    *kept = is_kept(sql);
    postgresql_statement *found = *kept ? postgresql_cache_find(session, sql, parameters) : NULL;
    mseq_status status = MSEQ_OK;
    if (!found) {
        found = postgresql_statement_new(sql, parameters->types, parameters->count);
        if (!found) {
            mseq_error_no_memory(err);
            return MSEQ_E_NO_MEMORY;
        }
        if (*kept) {
            status = prepare(session, found, err);
            if (status == MSEQ_OK)
                status = load_types(session, found, err);
        } else { /* it may change tables, types and settings that plans were made for */
            postgresql_cache_clear(session);
        }
        if (status != MSEQ_OK) {
            session->deallocate = true;
            postgresql_statement_free(found);
            return status;
        }
        if (*kept)
            postgresql_cache_keep(session, found);
    }
    *statement = found;
    return MSEQ_OK;
}

/* ---- Running -----------------------------------------------------------------------------------
 */

typedef struct running {
    postgresql_session *session;
    postgresql_statement *statement;
    const database_sink *sink;
    int64_t *affected;
    bool stale; /* the server's plan no longer holds, nothing was done */
} running;

/* Numbers of changed rows: SELECT and what only moves rows count none. */
static int64_t changed_rows(PGresult *result) {
    static const char *const words[] = {"INSERT", "UPDATE", "DELETE", "MERGE"};
    const char *tag = PQcmdStatus(result);
    int64_t count = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(tag, words[i], strlen(words[i])) == 0)
            mseq_parse_integer(PQcmdTuples(result), &count);
    return count;
}

static mseq_status hand_out(const running *run, const PGresult *result, mseq_error *err) {
    if (!run->sink->take)
        return MSEQ_OK;
    mseq_status status = postgresql_columns_read(run->statement, result, err);
    for (int row = 0; status == MSEQ_OK && row < PQntuples(result); row++) {
        mseq_value *object = NULL;
        status = postgresql_row(run->session, run->statement, result, row, false, err);
        if (status == MSEQ_OK)
            status = mseq_row_to_object(&run->statement->row, &object, err);
        if (status == MSEQ_OK)
            status = run->sink->take(run->sink->data, object, err);
    }
    return status;
}

bool postgresql_is_stale(const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    return sqlstate &&
           (strcmp(sqlstate, "26000") == 0 || (strcmp(sqlstate, "0A000") == 0 && function &&
                                               strcmp(function, "RevalidateCachedQuery") == 0));
}

static mseq_status take_result(running *run, PGresult *result, mseq_error *err) {
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (PQresultStatus(result) != PGRES_SINGLE_TUPLE)
            *run->affected = changed_rows(result);
        return hand_out(run, result, err);
    case PGRES_EMPTY_QUERY:
        return mseq_error_set(err, MSEQ_E_STATEMENT, "there is no statement in the text");
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        return mseq_error_set(err, MSEQ_E_STATEMENT, "COPY to or from the client is not supported");
    default:
        run->stale = run->statement->name[0] && postgresql_is_stale(result);
        return postgresql_fail(run->session, result, run->statement->sql, err);
    }
}

static bool is_last(const PGresult *result) {
    return PQresultStatus(result) != PGRES_SINGLE_TUPLE;
}

/* Results of commands that travelled before. */
static mseq_status skip_preamble(postgresql_session *session, size_t count, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    while (status == MSEQ_OK && count) {
        PGresult *result = NULL;
        status = postgresql_result(session, &result, err);
        if (status == MSEQ_OK && !result)
            count--;
        else if (status == MSEQ_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
            status = postgresql_fail(session, result, NULL, err);
        PQclear(result);
    }
    return status;
}

static mseq_status receive(running *run, size_t preamble_count, mseq_error *err) {
    postgresql_session *session = run->session;
    mseq_status status = skip_preamble(session, preamble_count, err);
    if (status == MSEQ_OK)
        PQsetSingleRowMode(session->connection);
    for (bool last = false; status == MSEQ_OK && !last;) {
        PGresult *result = NULL;
        status = postgresql_result(session, &result, err);
        if (status == MSEQ_OK && !result)
            status = postgresql_fail_lost(session, err);
        if (status == MSEQ_OK) {
            last = is_last(result);
            status = take_result(run, result, err);
        }
        PQclear(result);
    }
    if (!session->lost)
        postgresql_drain(session);
    return status;
}

static mseq_status execute(running *run, const postgresql_parameters *parameters, mseq_error *err) {
    postgresql_session *session = run->session;
    preamble before = take_begin(session);
    bool pipeline = before.count > 0;
    if ((pipeline && !PQenterPipelineMode(session->connection)) ||
        !send_preamble(session, &before) || !postgresql_send(session, run->statement, parameters) ||
        (pipeline && !PQpipelineSync(session->connection)))
        return postgresql_fail_send(session, err);
    mseq_status status = postgresql_flush(session, err);
    if (status == MSEQ_OK)
        status = receive(run, before.count, err);
    return status;
}

/* ---- Commands and scripts ----------------------------------------------------------------------
 */

static void keep_tag(PGresult *result, char tag[16]) {
    snprintf(tag, 16, "%s", PQcmdStatus(result));
    tag[strcspn(tag, " ")] = '\0';
}

/* Sends by the simple protocol and reads what comes. */
static mseq_status send_simple(postgresql_session *session, const char *sql, char tag[16],
                               mseq_error *err) {
    if (!PQsendQuery(session->connection, sql))
        return postgresql_fail_send(session, err);
    mseq_status status = postgresql_flush(session, err);
    while (status == MSEQ_OK) {
        PGresult *result = NULL;
        status = postgresql_result(session, &result, err);
        if (status != MSEQ_OK || !result)
            return status;
        running run = {.session = session, .affected = &(int64_t){0}};
        postgresql_statement text = {.sql = (char *)sql};
        run.statement = &text;
        run.sink = &(database_sink){NULL, NULL};
        status =
            PQresultStatus(result) == PGRES_EMPTY_QUERY ? MSEQ_OK : take_result(&run, result, err);
        if (status == MSEQ_OK && tag)
            keep_tag(result, tag);
        PQclear(result);
    }
    if (!session->lost)
        postgresql_drain(session);
    return status;
}

mseq_status postgresql_command(postgresql_session *session, const char *sql, char tag[16],
                               mseq_error *err) {
    mseq_status status = postgresql_ready(session, err);
    if (status == MSEQ_OK)
        status = postgresql_start(session, err);
    if (status != MSEQ_OK)
        return status;
    return send_simple(session, sql, tag, err);
}

/* Every statement is sent alone: those of one message would share a transaction. */
mseq_status postgresql_script(postgresql_session *session, const char *sql, mseq_error *err) {
    mseq_strings statements = MSEQ_STRINGS_INIT;
    mseq_status status = postgresql_ready(session, err);
    if (status == MSEQ_OK)
        status = mseq_sql_split(sql, strlen(sql), MSEQ_POSTGRESQL, &statements, err);
    if (status == MSEQ_OK && session->begin) {
        const char *begin = session->begin;
        session->begin = NULL;
        status = postgresql_command(session, begin, NULL, err);
    }
    postgresql_cache_clear(session);
    for (size_t i = 0; status == MSEQ_OK && i < statements.count; i++) {
        status = postgresql_command(session, statements.items[i], NULL, err);
        if (status != MSEQ_OK)
            mseq_error_prefix(err, "statement %zu of the script: ", i + 1);
    }
    mseq_strings_free(&statements);
    return status;
}

/* ---- Statements with parameters ----------------------------------------------------------------
 */

static mseq_status run_once(postgresql_session *session, const char *sql,
                            const mseq_value *parameters, const database_sink *sink,
                            int64_t *affected, bool *stale, mseq_error *err) {
    running run = {.session = session, .sink = sink, .affected = affected};
    postgresql_parameters p = {.given = NULL};
    bool kept = false;
    mseq_status status = postgresql_parameters_read(parameters, &p, err);
    if (status == MSEQ_OK)
        status = postgresql_acquire(session, sql, &p, &run.statement, &kept, err);
    if (status == MSEQ_OK)
        status = postgresql_parameters_finish(session, &p, kept ? run.statement->found : NULL, err);
    if (status == MSEQ_OK) {
        session->running = true;
        status = execute(&run, &p, err);
        session->running = false;
    }
    *stale = run.stale;
    if (run.stale)
        postgresql_cache_clear(session);
    else if (!kept)
        postgresql_statement_free(run.statement);
    postgresql_parameters_free(&p);
    return status;
}

mseq_status postgresql_run(postgresql_session *session, const char *sql,
                           const mseq_value *parameters, const database_sink *sink,
                           int64_t *affected, mseq_error *err) {
    mseq_status status = postgresql_ready(session, err);
    if (status == MSEQ_OK)
        status = postgresql_start(session, err);
    if (status != MSEQ_OK)
        return status;
    const char *begin = session->begin;
    bool alone = begin || PQtransactionStatus(session->connection) == PQTRANS_IDLE;
    bool stale = false, healthy = !session->saw_error;
    mseq_error failure = MSEQ_ERROR_INIT;
    status = run_once(session, sql, parameters, sink, affected, &stale, &failure);
    if (stale && alone) { /* nothing was done, and no transaction of the user's was spoilt */
        mseq_error_clear(&failure);
        if (begin)
            status = send_simple(session, "ROLLBACK", NULL, &failure);
        session->begin = begin;
        session->saw_error = !healthy;
    }
    if (stale && alone && failure.status == MSEQ_OK) {
        status = run_once(session, sql, parameters, sink, affected, &stale, &failure);
    }
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = failure;
    return status;
}
