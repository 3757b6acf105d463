/* SPDX-License-Identifier: MIT
 * What the author of a governed statement may hear of the database's error. Messages about the text
 * and the values of the statement are passed on; those about constraints name table and constraint
 * if the table is in the scope; anything else only says what kind of error it was. */
#include <stdio.h>
#include <string.h>

#include "postgresql_private.h"

static bool in_scope(const mseq_governed_statement *statement, const char *table) {
    for (size_t i = 0; table && i < statement->table_count; i++)
        if (strcmp(statement->tables[i].name, table) == 0)
            return true;
    return false;
}

static bool is_class(const char *sqlstate, const char *class) {
    return strncmp(sqlstate, class, 2) == 0;
}

static mseq_status constraint(const char *sqlstate, const char *table, const char *name,
                              const char *column, const mseq_governed_statement *statement,
                              mseq_error *err) {
    bool known = in_scope(statement, table);
    if (!known)
        mseq_error_set(err, MSEQ_E_DATABASE_CONSTRAINT,
                       "the statement violates a constraint of a table outside its scope");
    else if (strcmp(sqlstate, "23502") == 0 && column)
        mseq_error_set(err, MSEQ_E_DATABASE_CONSTRAINT, "column '%s' of table '%s' may not be null",
                       column, table);
    else
        mseq_error_set(err, MSEQ_E_DATABASE_CONSTRAINT,
                       "the statement violates the constraint '%s' of table '%s'", name ? name : "",
                       table);
    if (strcmp(sqlstate, "23505") == 0)
        mseq_error_code(err, "unique_violation");
    else if (strcmp(sqlstate, "23503") == 0)
        mseq_error_code(err, "foreign_key_violation");
    return MSEQ_E_DATABASE_CONSTRAINT;
}

/* Errors in what the author wrote: the text, its types, its values. */
static bool about_statement(const char *sqlstate) {
    static const char *const classes[] = {"42", "22", "0A", "21", "2F", "54", "P0", "44"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (is_class(sqlstate, classes[i]))
            return strcmp(sqlstate, "42501") != 0;
    return false;
}

static mseq_status limit_passed(const mseq_error *raw, const mseq_governed_statement *statement,
                                mseq_error *err) {
    if (raw->status == MSEQ_E_CANCELLED)
        return mseq_error_set(err, MSEQ_E_CANCELLED, "the statement was cancelled");
    mseq_error_set(err, MSEQ_E_TIMEOUT, "the statement passed its time limit of %lld ms",
                   (long long)statement->timeout_ms);
    mseq_error_hint(err, "ask for less, or raise limits.statement_timeout_ms");
    return MSEQ_E_TIMEOUT;
}

static mseq_status filtered(const mseq_error *raw, const mseq_governed_statement *statement,
                            mseq_error *err) {
    const char *sqlstate = raw->sqlstate;
    if (raw->status == MSEQ_E_TIMEOUT || raw->status == MSEQ_E_CANCELLED)
        return limit_passed(raw, statement, err);
    if (!sqlstate[0] || is_class(sqlstate, "08")) { /* ours, libpq's, or of the network */
        if (err && err->status == MSEQ_OK)
            *err = *raw;
        return raw->status;
    }
    if (about_statement(sqlstate)) {
        mseq_error_set(err, MSEQ_E_STATEMENT, "%s", raw->message);
        mseq_error_code(err, is_class(sqlstate, "22") ? "invalid_value" : "invalid_statement");
        return MSEQ_E_STATEMENT;
    }
    if (strcmp(sqlstate, "42501") == 0) {
        mseq_error_set(err, MSEQ_E_PERMISSION, "the database refuses this to the caller's role");
        mseq_error_code(err, "insufficient_privilege");
        return MSEQ_E_PERMISSION;
    }
    if (strcmp(sqlstate, "53400") == 0) { /* temp_file_limit of the role */
        mseq_error_set(err, MSEQ_E_LIMIT,
                       "the statement needs more temporary files for sorting and joining than the "
                       "caller's role may use");
        mseq_error_hint(err, "select fewer rows or columns, or let an index sort them");
        mseq_error_code(err, "temporary_files");
        return MSEQ_E_LIMIT;
    }
    if (raw->status == MSEQ_E_DATABASE_LOCKED)
        mseq_error_set(err, raw->status, "%s",
                       strcmp(sqlstate, "55P03") == 0 ? "another session holds a lock on the rows"
                                                      : raw->message);
    else
        mseq_error_set(err, raw->status, "the database could not run the statement (SQLSTATE %s)",
                       sqlstate);
    mseq_error_code(err, raw->code);
    if (raw->hint[0])
        mseq_error_hint(err, "%s", raw->hint);
    return raw->status;
}

static void keep_sqlstate(const mseq_error *raw, bool first, mseq_error *err) {
    if (first && err)
        memcpy(err->sqlstate, raw->sqlstate, sizeof err->sqlstate);
}

mseq_status postgresql_filter_error(const mseq_error *raw, const mseq_governed_statement *statement,
                                    mseq_error *err) {
    bool first = err && err->status == MSEQ_OK;
    mseq_status status = filtered(raw, statement, err);
    keep_sqlstate(raw, first, err);
    return status;
}

mseq_status postgresql_fail_governed(postgresql_session *session, const PGresult *result,
                                     const mseq_governed_statement *statement, mseq_error *err) {
    mseq_error raw = MSEQ_ERROR_INIT;
    bool first = err && err->status == MSEQ_OK;
    postgresql_fail(session, result, NULL, &raw);
    if (!is_class(raw.sqlstate, "23"))
        return postgresql_filter_error(&raw, statement, err);
    mseq_status status =
        constraint(raw.sqlstate, PQresultErrorField(result, PG_DIAG_TABLE_NAME),
                   PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME),
                   PQresultErrorField(result, PG_DIAG_COLUMN_NAME), statement, err);
    keep_sqlstate(&raw, first, err);
    return status;
}
