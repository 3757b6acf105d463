/* SPDX-License-Identifier: MIT
 * What PostgreSQL says went wrong → our statuses. No message of ours holds a password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

typedef struct condition {
    const char *sqlstate; /* a whole one, or a class of two characters */
    mseq_status status;
    const char *code; /* NULL: the status's name */
    const char *hint;
} condition;

/* PostgreSQL's appendix "Error Codes"; the first that fits counts. */
static const condition conditions[] = {
    {"25006", MSEQ_E_DATABASE_READ_ONLY, NULL, NULL},
    {"40001", MSEQ_E_DATABASE_LOCKED, "serialization_failure",
     "another transaction changed the same rows; run the transaction again"},
    {"40P01", MSEQ_E_DATABASE_LOCKED, "deadlock", "run the transaction again"},
    {"55P03", MSEQ_E_DATABASE_LOCKED, NULL,
     "end the session or transaction that holds the lock, or try again"},
    {"53100", MSEQ_E_DATABASE_FULL, NULL, "free space on the server's disk and try again"},
    {"53300", MSEQ_E_DATABASE, "database_unavailable",
     "the server has no free connection; use fewer or raise max_connections"},
    {"57P01", MSEQ_E_DATABASE, "database_unavailable", "try again"},
    {"57P02", MSEQ_E_DATABASE, "database_unavailable", "try again"},
    {"57P03", MSEQ_E_DATABASE, "database_unavailable", "try again"},
    {"57P05", MSEQ_E_DATABASE, "database_unavailable", "try again"},
    {"08", MSEQ_E_DATABASE, "database_unavailable", "try again"},
    {"23", MSEQ_E_DATABASE_CONSTRAINT, NULL, NULL},
    {"42501", MSEQ_E_DATABASE, "insufficient_privilege", NULL},
    {"42P01", MSEQ_E_DATABASE, "undefined_table", NULL},
    {"42P18", MSEQ_E_DATABASE, NULL, "give the parameter a type: CAST($1 AS text)"},
};

static const condition *find_condition(const char *sqlstate) {
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (strncmp(conditions[i].sqlstate, sqlstate, strlen(conditions[i].sqlstate)) == 0)
            return &conditions[i];
    return NULL;
}

static mseq_status fail_stopped(const postgresql_session *session, mseq_error *err) {
    if (session->stop == POSTGRESQL_STOP_DEADLINE)
        return mseq_error_set(err, MSEQ_E_TIMEOUT, "the statement passed its time limit");
    return mseq_error_set(err, MSEQ_E_CANCELLED, "the statement was cancelled");
}

/* query_canceled that we did not ask for: the server's own limit, or someone else. */
static mseq_status fail_cancelled(const char *message, mseq_error *err) {
    bool timeout = strstr(message, "timeout") != NULL;
    return mseq_error_set(err, timeout ? MSEQ_E_TIMEOUT : MSEQ_E_CANCELLED, "%s", message);
}

/* The part of the text where the error is, unless it may hold a password. */
static void add_place(const PGresult *result, const char *sql, mseq_error *err) {
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (!sql || strcasestr(sql, "password"))
        return;
    long character = position ? strtol(position, NULL, 10) : 0;
    const char *at = sql;
    for (long i = 1; i < character && *at; i++) {
        uint32_t codepoint;
        size_t size = mseq_utf8_next(at, strlen(at), &codepoint);
        at += size ? size : 1;
    }
    if (character > 0)
        mseq_error_detail(err, "at: %.200s", at);
    else
        mseq_error_detail(err, "in: %.200s", sql);
}

static void add_facts(const PGresult *result, const char *sql, const condition *found,
                      mseq_error *err) {
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (detail)
        mseq_error_detail(err, "%s", detail);
    else
        add_place(result, sql, err);
    if (hint)
        mseq_error_hint(err, "%s", hint);
    else if (found && found->hint)
        mseq_error_hint(err, "%s", found->hint);
    if (found && found->code)
        mseq_error_code(err, found->code);
}

mseq_status postgresql_fail(postgresql_session *session, const PGresult *result, const char *sql,
                            mseq_error *err) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    session->saw_error = true;
    if (!sqlstate || !message) /* libpq's own */
        return PQstatus(session->connection) == CONNECTION_BAD
                   ? postgresql_fail_lost(session, err)
                   : mseq_error_set(err, MSEQ_E_DATABASE, "the PostgreSQL client library: %s",
                                    PQresultErrorMessage(result));
    mseq_status status;
    const condition *found = find_condition(sqlstate);
    bool first = err && err->status == MSEQ_OK;
    if (strcmp(sqlstate, "57014") == 0) {
        status = session->stop != POSTGRESQL_RUNNING ? fail_stopped(session, err)
                                                     : fail_cancelled(message, err);
    } else {
        status = mseq_error_set(err, found ? found->status : MSEQ_E_DATABASE, "%s", message);
        if (first)
            add_facts(result, sql, found, err);
    }
    if (first)
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    return status;
}

static mseq_status unavailable(mseq_error *err) {
    if (err && !err->sqlstate[0])
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", "08006");
    mseq_error_code(err, "database_unavailable");
    return MSEQ_E_DATABASE;
}

mseq_status postgresql_fail_too_large(postgresql_session *session, mseq_error *err) {
    session->lost = session->saw_error = true;
    mseq_error_set(err, MSEQ_E_LIMIT, "a row passes %lld bytes",
                   (long long)session->message_maximum);
    mseq_error_hint(err, "ask for fewer columns, or for parts of long values: substring(…)");
    mseq_error_code(err, "response_too_large");
    return MSEQ_E_LIMIT;
}

mseq_status postgresql_fail_lost(postgresql_session *session, mseq_error *err) {
    session->saw_error = true;
    session->lost = true;
    if (session->stop == POSTGRESQL_STOP_CANCELLED || session->stop == POSTGRESQL_STOP_DEADLINE)
        return fail_stopped(session, err);
    if (err && err->status != MSEQ_OK)
        return err->status;
    mseq_error_set(err, MSEQ_E_DATABASE, "the connection to the PostgreSQL server at %s was lost",
                   session->target->place);
    mseq_error_hint(err, "what ran was rolled back, unless it was a COMMIT; try again");
    return unavailable(err);
}

/* The reason is told as it is: libpq and PostgreSQL name host, user and database in it, and never
 * repeat a password. It is not searched for one either: what is hidden where the password's letters
 * stand by chance in a text that everybody knows would tell the password. */
mseq_status postgresql_fail_connect(const postgresql_target *target, const PGconn *connection,
                                    mseq_error *err) {
    const char *reason = PQerrorMessage(connection);
    size_t length = strlen(reason);
    while (length && strchr(" \n", reason[length - 1]))
        length--;
    mseq_error_set(err, MSEQ_E_DATABASE, "cannot connect to the PostgreSQL server at %s: %.*s",
                   target->place, (int)length, reason);
    mseq_error_hint(err, "%s",
                    strstr(reason, "authentication failed")
                        ? "check user and password of the database URI"
                        : "check that the server runs, takes connections at that address and has a "
                          "free one");
    return unavailable(err);
}
