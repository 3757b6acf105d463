/* SPDX-License-Identifier: MIT
 * Inside of the PostgreSQL driver: what a governed statement that runs whole
 * (postgresql_governed.c) and one that is read by a cursor (postgresql_cursor.c) share. */
#ifndef MSEQ_DATABASE_POSTGRESQL_GOVERNED_H
#define MSEQ_DATABASE_POSTGRESQL_GOVERNED_H

#include "governed.h"
#include "postgresql_private.h"

enum { POSTGRESQL_STEPS = 6 };

/* One command of a pipeline: a prepared statement, or text with or without its parameters. */
typedef struct postgresql_step {
    const char *text;
    const postgresql_statement *prepared;
    const postgresql_parameters *parameters;
} postgresql_step;

typedef struct postgresql_governed {
    postgresql_session *session;
    const mseq_governed_statement *statement;
    postgresql_verdict verdict;
    bool select;
    postgresql_use before; /* of the session */
    bool begun;
    bool at_defaults; /* the session began with the settings of this statement */
    bool unclean;     /* the reset before it has failed */
    bool stale;       /* the plan no longer holds, nothing was done */
    int64_t deadline;
    mseq_value *settings; /* made when they are needed */
    postgresql_statement *prepared, *prepared_settings;
    postgresql_parameters parameters, settings_parameters;
    postgresql_step steps[POSTGRESQL_STEPS];
    size_t step_count, main; /* the step whose rows are wanted */
    int64_t skip;            /* rows before the first that is wanted */
    mseq_value *rows;
    int64_t row_count; /* rows that came, skipped ones not included */
    int64_t bytes, affected;
    bool has_more, has_rows;
} postgresql_governed;

/* Judges the statement, as far as that goes without the database, and takes its limits over.
 * `run` comes in zeroed; end with postgresql_governed_stop, also after a failure. */
mseq_status postgresql_governed_start(postgresql_governed *run, postgresql_session *session,
                                      const mseq_governed_statement *statement, mseq_error *err);
void postgresql_governed_stop(postgresql_governed *run);
/* Begins the transaction with its settings, asks the database about the statement and prepares it,
 * with round trips of its own. What goes wrong is told as the author may hear it. */
mseq_status postgresql_governed_prepare(postgresql_governed *run, mseq_error *err);
/* Reads a row as a reply shows it into the prepared statement's row, which borrows from the result.
 */
mseq_status postgresql_governed_row(const postgresql_governed *run, const PGresult *result,
                                    int number, mseq_error *err);
/* Ends the transaction of an attempt; what failed is rolled back. */
void postgresql_governed_end(postgresql_governed *run, mseq_status status);

/* ---- postgresql_settings.c: what holds while a governed statement runs */
/* {search path, time of the statement, time for a lock}, owned by the caller. */
mseq_status postgresql_settings_make(const char *schema, int64_t time_ms, mseq_value **settings,
                                     mseq_error *err);
/* Appends them as options of a connection. */
void postgresql_settings_append(const mseq_value *settings, mseq_buffer *text);

/* ---- postgresql_cursor.c: as in driver.h */
mseq_status postgresql_cursor_open(postgresql_session *session,
                                   const mseq_governed_statement *statement, void **opened,
                                   mseq_error *err);
mseq_status postgresql_cursor_next(void *cursor, mseq_row **row, mseq_error *err);
void postgresql_cursor_close(void *cursor);

#endif
