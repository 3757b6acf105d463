/* SPDX-License-Identifier: MIT
 * Running a governed statement: a transaction of its own, READ ONLY for a select, with the search
 * path and the limits set in it.
 *
 * A select whose rows may be many is read by a cursor, so that the server stops where we stop; one
 * whose rows were few before runs as the prepared statement that it is, in one round trip with its
 * transaction. A write is committed only when its rows were within the limits and the caller has
 * confirmed it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_governed.h"

enum {
    GRACE_MS = 1000,        /* the server's own limit comes first */
    NO_LIMIT_MS = 86400000, /* a statement without a limit: a day */
    SMALL_ROWS = 200
};

static const char SETTINGS[] =
    "SELECT pg_catalog.set_config('search_path', $1, true), "
    "pg_catalog.set_config('statement_timeout', $2, true), "
    "pg_catalog.set_config('lock_timeout', $3, true), "
    "pg_catalog.set_config('idle_in_transaction_session_timeout', '60000', true)";

/* ---- Settings ----------------------------------------------------------------------------------
 */

static int64_t time_limit(const postgresql_governed *run) {
    int64_t limit = run->statement->timeout_ms;
    return limit > 0 && limit < NO_LIMIT_MS ? limit : NO_LIMIT_MS;
}

static const char *schema_of(const postgresql_governed *run) {
    return run->statement->schema ? run->statement->schema : "public";
}

static bool is_at_defaults(const postgresql_governed *run) {
    const postgresql_target *target = run->session->target;
    return target->governed_schema && strcmp(target->governed_schema, schema_of(run)) == 0 &&
           target->governed_time_ms == time_limit(run);
}

static mseq_status make_settings(postgresql_governed *run, mseq_error *err) {
    return run->settings
               ? MSEQ_OK
               : postgresql_settings_make(schema_of(run), time_limit(run), &run->settings, err);
}

/* What is left of the statement's time, and a little more for the server's own limit to come. */
static void arm(postgresql_governed *run) {
    int64_t left = run->deadline - mseq_monotonic_ms();
    run->session->cancellation = run->statement->cancellation;
    run->session->timeout_ms = (left > 0 ? left : 0) + GRACE_MS;
}

/* ---- Preparing ---------------------------------------------------------------------------------
 */

static mseq_status acquire(postgresql_governed *run, const char *sql,
                           postgresql_parameters *parameters, postgresql_statement **statement,
                           mseq_error *err) {
    bool kept = false;
    mseq_status status = postgresql_acquire(run->session, sql, parameters, statement, &kept, err);
    if (status == MSEQ_OK && !kept) { /* its first word was checked, so this cannot be */
        postgresql_statement_free(*statement);
        *statement = NULL;
        status = mseq_error_set(err, MSEQ_E_INTERNAL, "a governed statement was not prepared");
    }
    return status;
}

/* With round trips of its own: begins, sets, asks the database about the statement, prepares. */
static mseq_status prepare(postgresql_governed *run, mseq_error *err) {
    postgresql_session *session = run->session;
    database_sink nothing = {NULL, NULL};
    int64_t affected;
    session->begin = run->select ? "BEGIN READ ONLY" : "BEGIN";
    mseq_status status = postgresql_ready(session, err);
    if (status != MSEQ_OK)
        return status;
    arm(run);
    status = postgresql_fixed_prepare(session, err);
    if (status == MSEQ_OK)
        status = make_settings(run, err);
    if (status != MSEQ_OK)
        return status;
    status = postgresql_run(session, SETTINGS, run->settings, &nothing, &affected, err);
    run->begun = true;
    if (status == MSEQ_OK && !run->verdict.checked)
        status = postgresql_verdict_check(session, run->statement, run->verdict.facts, err);
    if (status != MSEQ_OK)
        return status;
    arm(run);
    status = postgresql_start(session, err);
    if (status != MSEQ_OK)
        return status;
    return acquire(run, run->verdict.sql, &run->parameters, &run->prepared, err);
}

/* What has to be sent is in the cache: one round trip will do. */
static mseq_status find_prepared(postgresql_governed *run, mseq_error *err) {
    postgresql_session *session = run->session;
    if (run->verdict.checked && !session->deallocate) {
        if (!run->at_defaults)
            run->prepared_settings =
                postgresql_cache_find(session, SETTINGS, &run->settings_parameters);
        if (run->at_defaults || run->prepared_settings)
            run->prepared = postgresql_cache_find(session, run->verdict.sql, &run->parameters);
    }
    return run->prepared ? MSEQ_OK : prepare(run, err);
}

/* ---- Sending -----------------------------------------------------------------------------------
 */

static void add_step(postgresql_governed *run, const char *text,
                     const postgresql_statement *prepared,
                     const postgresql_parameters *parameters) {
    run->steps[run->step_count++] = (postgresql_step){text, prepared, parameters};
}

static bool send_step(postgresql_session *session, const postgresql_step *s) {
    if (s->prepared)
        return postgresql_send(session, s->prepared, s->parameters);
    const postgresql_parameters *p = s->parameters;
    return p ? PQsendQueryParams(session->connection, s->text, (int)p->count, p->types, p->values,
                                 p->lengths, p->formats, 0)
             : postgresql_fixed_send(session, s->text);
}

static mseq_status send_steps(postgresql_governed *run, mseq_error *err) {
    postgresql_session *session = run->session;
    bool ok = PQenterPipelineMode(session->connection);
    for (size_t i = 0; ok && i < run->step_count; i++)
        ok = send_step(session, &run->steps[i]);
    if (!ok || !PQpipelineSync(session->connection))
        return postgresql_fail_send(session, err);
    return postgresql_flush(session, err);
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

mseq_status postgresql_governed_row(const postgresql_governed *run, const PGresult *result,
                                    int number, mseq_error *err) {
    mseq_status status = postgresql_columns_read(run->prepared, result, err);
    return status == MSEQ_OK
               ? postgresql_row(run->session, run->prepared, result, number, true, err)
               : status;
}

static mseq_status take_row(postgresql_governed *run, const PGresult *result, int number,
                            mseq_error *err) {
    mseq_value *row = NULL;
    if (run->skip > 0) {
        run->skip--;
        return MSEQ_OK;
    }
    if (++run->row_count > run->statement->max_rows) {
        run->has_more = true;
        return MSEQ_OK;
    }
    mseq_status status = postgresql_governed_row(run, result, number, err);
    if (status == MSEQ_OK)
        status = mseq_row_to_object(&run->prepared->row, &row, err);
    return status == MSEQ_OK ? governed_keep_row(run->statement, run->rows, row, &run->bytes, err)
                             : status;
}

/* A result of the wanted step. */
static mseq_status take_rows(postgresql_governed *run, PGresult *result, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    run->has_rows = run->has_rows || PQnfields(result) > 0;
    for (int i = 0; status == MSEQ_OK && i < PQntuples(result); i++)
        status = take_row(run, result, i, err);
    if (status == MSEQ_OK && !run->select && PQresultStatus(result) != PGRES_SINGLE_TUPLE)
        mseq_parse_integer(PQcmdTuples(result), &run->affected);
    return status;
}

/* Reads on only for what has to be read: the server is asked to stop when a select has enough, or
 * when its rows are no longer wanted. */
static void stop_when_done(postgresql_governed *run, mseq_status status) {
    if (status != MSEQ_OK || (run->select && run->has_more && run->prepared->small))
        postgresql_cancel(run->session, POSTGRESQL_STOP_UNWANTED);
}

static mseq_status take_result(postgresql_governed *run, size_t number, PGresult *result,
                               mseq_error *err) {
    mseq_status status = MSEQ_OK;
    switch (PQresultStatus(result)) {
    case PGRES_FATAL_ERROR:
        run->stale = number <= run->main && postgresql_is_stale(result);
        return postgresql_fail_governed(run->session, result, run->statement, err);
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (number == run->main && run->session->stop == POSTGRESQL_RUNNING) {
            status = take_rows(run, result, err);
            stop_when_done(run, status);
        }
        return status;
    default: /* of a pipeline that failed before */
        return MSEQ_OK;
    }
}

static bool enough(const postgresql_governed *run) {
    return run->session->stop == POSTGRESQL_STOP_UNWANTED;
}

/* Of the reset before, whose answer nobody has waited for. */
static void take_reset(postgresql_governed *run, const PGresult *result, mseq_status *first,
                       mseq_error *err) {
    postgresql_session *session = run->session;
    ExecStatusType kind = result ? PQresultStatus(result) : PGRES_COMMAND_OK;
    if (kind == PGRES_PIPELINE_SYNC)
        session->resetting = false;
    if (kind != PGRES_FATAL_ERROR || *first != MSEQ_OK)
        return;
    run->unclean = run->stale = postgresql_is_stale(result);
    *first = postgresql_fail_governed(session, result, run->statement, err);
}

static mseq_status read_steps(postgresql_governed *run, mseq_error *err) {
    postgresql_session *session = run->session;
    mseq_status first = MSEQ_OK;
    for (size_t number = 0, single = SIZE_MAX;;) {
        PGresult *result = NULL;
        if (!session->resetting && number == run->main && single != number) {
            PQsetSingleRowMode(session->connection);
            single = number;
        }
        mseq_status status = postgresql_result(session, &result, first == MSEQ_OK ? err : NULL);
        if (status == MSEQ_OK && !result && PQstatus(session->connection) == CONNECTION_BAD)
            status = postgresql_fail_lost(session, first == MSEQ_OK ? err : NULL);
        if (status != MSEQ_OK) {
            PQclear(result);
            return first != MSEQ_OK ? first : status;
        }
        bool end = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        bool before = session->resetting;
        if (before)
            take_reset(run, result, &first, err);
        else if (!result)
            number++;
        else if (first == MSEQ_OK && !end && !enough(run))
            first = take_result(run, number, result, err);
        PQclear(result);
        if (end && !before)
            break;
    }
    if (!PQexitPipelineMode(session->connection) && first == MSEQ_OK)
        first = postgresql_fail_send(session, err);
    return first;
}

/* ---- Running -----------------------------------------------------------------------------------
 */

/* FETCH and MOVE count in 32 bits. */
static mseq_status cursor_steps(postgresql_governed *run, char texts[2][64], char **declare,
                                mseq_error *err) {
    const mseq_governed_statement *statement = run->statement;
    if (statement->offset > INT_MAX || statement->max_rows >= INT_MAX) {
        mseq_error_set(err, MSEQ_E_LIMIT, "offset and max_rows can be %d at most", INT_MAX - 1);
        mseq_error_hint(err, "continue behind the last row by its key: WHERE key > …");
        return MSEQ_E_LIMIT;
    }
    *declare = mseq_text_format("DECLARE mseq_rows NO SCROLL CURSOR WITHOUT HOLD FOR %s",
                                run->verdict.sql);
    if (!*declare)
        return mseq_error_no_memory(err);
    add_step(run, *declare, NULL, &run->parameters);
    if (statement->offset > 0) {
        snprintf(texts[0], sizeof texts[0], "MOVE FORWARD %lld IN mseq_rows",
                 (long long)statement->offset);
        add_step(run, texts[0], NULL, NULL);
    }
    snprintf(texts[1], sizeof texts[1], "FETCH FORWARD %lld FROM mseq_rows",
             (long long)statement->max_rows + 1);
    run->main = run->step_count;
    add_step(run, texts[1], NULL, NULL);
    return MSEQ_OK;
}

/* The server knows the types of parameters whose values do not say theirs. */
static void use_found_types(postgresql_governed *run) {
    for (size_t i = 0; i < run->parameters.count; i++)
        run->parameters.types[i] = run->prepared->found[i];
}

static mseq_status run_pipeline(postgresql_governed *run, mseq_error *err) {
    postgresql_session *session = run->session;
    char texts[2][64], *declare = NULL;
    mseq_status status = MSEQ_OK;
    run->has_rows = run->select;
    bool direct = !run->select || run->prepared->small;
    if (!run->begun) {
        add_step(run, run->select ? "BEGIN READ ONLY" : "BEGIN", NULL, NULL);
        if (run->prepared_settings)
            add_step(run, NULL, run->prepared_settings, &run->settings_parameters);
    }
    if (direct) {
        run->skip = run->select ? run->statement->offset : 0;
        run->main = run->step_count;
        add_step(run, NULL, run->prepared, &run->parameters);
    } else {
        use_found_types(run);
        status = cursor_steps(run, texts, &declare, err);
    }
    if (status == MSEQ_OK &&
        run->select) /* it changed nothing, and keeps no setting of anybody's */
        add_step(run, "ROLLBACK", NULL, NULL);
    if (status == MSEQ_OK) {
        arm(run);
        status = postgresql_start(session, err);
    }
    if (status == MSEQ_OK) {
        run->begun = session->in_transaction = true;
        status = send_steps(run, err);
        if (status == MSEQ_OK)
            status = read_steps(run, err);
    }
    free(declare);
    return status;
}

/* Whether a COMMIT whose answer did not come has happened, nobody but the database knows. */
static mseq_status commit(postgresql_governed *run, mseq_error *err) {
    char tag[16] = "";
    mseq_error raw = MSEQ_ERROR_INIT;
    arm(run);
    mseq_status status = postgresql_command(run->session, "COMMIT", tag, &raw);
    if (status == MSEQ_OK && strcmp(tag, "COMMIT") == 0)
        return MSEQ_OK;
    if (run->session->lost || run->session->stop != POSTGRESQL_RUNNING) {
        mseq_error_set(err, MSEQ_E_DATABASE,
                       "the connection was lost while the change was being committed; whether it "
                       "was made is not known");
        mseq_error_hint(err, "read the rows before you send the change again");
        mseq_error_code(err, "reconciliation_required");
        return MSEQ_E_DATABASE;
    }
    if (status == MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_DATABASE, "the transaction was rolled back");
    /* a constraint that is checked at the end */
    if (strncmp(raw.sqlstate, "23", 2) == 0) {
        mseq_error_set(err, MSEQ_E_DATABASE_CONSTRAINT,
                       "the change violates a constraint that is checked at the end of the "
                       "transaction");
        if (err)
            memcpy(err->sqlstate, raw.sqlstate, sizeof err->sqlstate);
        return MSEQ_E_DATABASE_CONSTRAINT;
    }
    return postgresql_filter_error(&raw, run->statement, err);
}

static mseq_status finish(postgresql_governed *run, mseq_error *err) {
    run->prepared->small =
        run->select && !run->has_more && run->row_count + run->statement->offset <= SMALL_ROWS;
    if (!run->select && run->has_more)
        return governed_too_many_rows(run->statement, run->row_count, err);
    mseq_status status = governed_confirm(run->statement, err);
    return status == MSEQ_OK && !run->select ? commit(run, err) : status;
}

static mseq_status read_parameters(postgresql_governed *run, mseq_error *err) {
    mseq_status status =
        postgresql_parameters_read(run->statement->parameters, &run->parameters, err);
    if (status != MSEQ_OK)
        return status;
    postgresql_parameters_declare(&run->parameters, run->statement->parameter_types);
    return run->at_defaults
               ? MSEQ_OK
               : postgresql_parameters_read(run->settings, &run->settings_parameters, err);
}

static mseq_status run_once(postgresql_governed *run, mseq_error *err) {
    mseq_error raw = MSEQ_ERROR_INIT;
    mseq_status status = read_parameters(run, err);
    if (status != MSEQ_OK)
        return status;
    status = find_prepared(run, &raw);
    if (status != MSEQ_OK) /* what it says may be about names outside the scope */
        return postgresql_filter_error(&raw, run->statement, err);
    status =
        postgresql_parameters_finish(run->session, &run->parameters, run->prepared->found, err);
    if (status == MSEQ_OK)
        status = postgresql_parameters_finish(run->session, &run->settings_parameters, NULL, err);
    if (status == MSEQ_OK)
        status = run_pipeline(run, err);
    return status == MSEQ_OK ? finish(run, err) : status;
}

void postgresql_governed_end(postgresql_governed *run, mseq_status status) {
    if (status != MSEQ_OK || run->session->stop != POSTGRESQL_RUNNING)
        database_postgresql_driver.rollback(run->session);
    run->session->begin = NULL;
    run->session->in_transaction = false;
    postgresql_parameters_free(&run->parameters);
    postgresql_parameters_free(&run->settings_parameters);
    run->parameters = run->settings_parameters = (postgresql_parameters){.given = NULL};
    run->prepared = run->prepared_settings = NULL;
    run->step_count = 0;
    run->begun = false;
}

/* What the user before had prepared statements forgotten by is still there. */
static mseq_status clean_up(postgresql_governed *run, mseq_error *err) {
    if (!run->unclean || postgresql_reset_anew(run->session))
        return MSEQ_OK;
    return postgresql_fail_lost(run->session, err);
}

/* A plan that no longer holds has done nothing: once more, with a new one. */
static mseq_status run_attempts(postgresql_governed *run, mseq_error *err) {
    mseq_error failure = MSEQ_ERROR_INIT;
    bool healthy = !run->session->saw_error;
    mseq_status status = run_once(run, &failure);
    postgresql_governed_end(run, status);
    if (run->stale && !run->session->lost) {
        mseq_error_clear(&failure);
        run->stale = run->verdict.checked = run->verdict.plain = false;
        run->session->saw_error = !healthy;
        postgresql_cache_clear(run->session);
        status = clean_up(run, &failure);
        if (status == MSEQ_OK)
            status = run_once(run, &failure);
        postgresql_governed_end(run, status);
    }
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = failure;
    return status;
}

mseq_status postgresql_governed_start(postgresql_governed *run, postgresql_session *session,
                                      const mseq_governed_statement *statement, mseq_error *err) {
    *run = (postgresql_governed){.session = session, .statement = statement};
    mseq_status status = governed_check_arguments(statement, err);
    if (status == MSEQ_OK && database_postgresql_driver.in_transaction(session))
        status = mseq_error_set(err, MSEQ_E_ARGUMENT,
                                "a governed statement needs a transaction of its own");
    if (status == MSEQ_OK)
        status = postgresql_verdict_find(session, statement, &run->verdict, err);
    run->before = session->use;
    if (status == MSEQ_OK)
        status = postgresql_usable(session, err);
    if (status != MSEQ_OK)
        return status;
    run->select = run->verdict.facts->kind == MSEQ_SQL_SELECT;
    run->deadline = mseq_monotonic_ms() + time_limit(run);
    /* bytes travel as hexadecimal, half as long again as in a reply */
    session->message_maximum = 2 * governed_max_bytes(statement);
    run->at_defaults = is_at_defaults(run);
    return run->at_defaults ? MSEQ_OK : make_settings(run, err);
}

void postgresql_governed_stop(postgresql_governed *run) {
    if (!run->deadline) /* it has not come to setting limits */
        return;
    run->session->cancellation = NULL;
    run->session->timeout_ms = 0;
    run->session->message_maximum = 0;
    mseq_value_free(run->settings);
}

mseq_status postgresql_governed_prepare(postgresql_governed *run, mseq_error *err) {
    mseq_error raw = MSEQ_ERROR_INIT;
    mseq_status status = read_parameters(run, err);
    if (status != MSEQ_OK)
        return status;
    status = prepare(run, &raw);
    if (status != MSEQ_OK) /* what it says may be about names outside the scope */
        return postgresql_filter_error(&raw, run->statement, err);
    return postgresql_parameters_finish(run->session, &run->parameters, run->prepared->found, err);
}

mseq_status postgresql_run_governed(postgresql_session *session,
                                    const mseq_governed_statement *statement,
                                    mseq_governed_result *result, mseq_error *err) {
    postgresql_governed run;
    mseq_status status = postgresql_governed_start(&run, session, statement, err);
    if (status == MSEQ_OK && !(run.rows = mseq_value_array()))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = run_attempts(&run, err);
    if (status == MSEQ_OK && run.verdict.plain && session->stop == POSTGRESQL_RUNNING)
        postgresql_use_plainly(session, run.before, !run.select);
    postgresql_governed_stop(&run);
    if (status != MSEQ_OK) {
        mseq_value_free(run.rows);
        return status;
    }
    *result = (mseq_governed_result){.rows = run.rows,
                                     .has_more = run.has_more,
                                     .has_rows = run.has_rows,
                                     .affected = run.affected};
    return MSEQ_OK;
}
