/* SPDX-License-Identifier: MIT
 * Inside of the SQLite driver: governed statements.
 *
 * Two sqlite3 connections share the work. The *judge* never runs an author's statement: it prepares
 * it with foreign keys, triggers and views switched off, so that what its authorizer hears is what
 * the author wrote and nothing else, and compares that with the scope. A *runner* (one that only
 * reads, one that writes) prepares the same text with everything on. What its authorizer hears more
 * comes from triggers and foreign keys, which belong to the schema: their effects on tables outside
 * the scope are allowed, as the rights of their owner are used on other databases. A verdict holds
 * for one text, operation and scope, and for one version of the schema: both connections must have
 * seen the same, and a runner that SQLite makes prepare again (the schema changed) is refused by
 * its authorizer, which sends the statement back to the judge. */
#ifndef MSEQ_DATABASE_SQLITE_GOVERNED_H
#define MSEQ_DATABASE_SQLITE_GOVERNED_H

#include "sqlite_private.h"

typedef enum lite_operation {
    LITE_SELECT = 1,
    LITE_INSERT,
    LITE_UPDATE,
    LITE_DELETE,
    LITE_UPSERT
} lite_operation;

typedef enum lite_phase {
    LITE_PHASE_INTERNAL, /* statements of ours */
    LITE_PHASE_JUDGE,
    LITE_PHASE_PREPARE,
    LITE_PHASE_STEP
} lite_phase;

/* What the authorizer of a governed handle knows and finds. */
struct sqlite_guard {
    lite_phase phase;
    const mseq_governed_statement *statement;
    lite_operation operation;
    bool wrote;         /* judge: the statement changes a table in the way of its operation */
    bool prepared_anew; /* runner: SQLite prepared again while it ran */
    bool no_memory;
    const char *code; /* of the first refusal, or NULL */
    char message[256];
    mseq_strings unclear; /* judge: names that are a CTE of the statement, if no object has them */
};

/* ---- sqlite_kind.c: what the words of a statement say */
/* Refuses what is not one statement of the operation's kind, as far as words tell. */
mseq_status sqlite_check_kind(const char *sql, size_t length, lite_operation operation,
                              mseq_error *err);
bool sqlite_operation_from_name(const char *name, lite_operation *operation);

/* ---- sqlite_guard.c: the authorizer */
/* Makes a fresh handle fit for text of strangers: settings, limits, authorizer. */
mseq_status sqlite_guard_install(sqlite_handle *handle, bool judge, bool query_only,
                                 mseq_error *err);
void sqlite_guard_free(sqlite_handle *handle);
void sqlite_guard_enter(sqlite_guard *guard, lite_phase phase,
                        const mseq_governed_statement *statement, lite_operation operation);
void sqlite_guard_leave(sqlite_guard *guard);
/* The table in the scope that has this name in any case, or NULL. */
const mseq_governed_table *sqlite_in_scope(const mseq_governed_statement *statement,
                                           const char *name);
/* The error of a refusal that the guard noted. */
mseq_status sqlite_guard_error(const sqlite_guard *guard, mseq_error *err);
/* Error of preparing an author's statement. */
mseq_status sqlite_guard_fail(sqlite_handle *handle, int code,
                              const mseq_governed_statement *statement, mseq_error *err);

/* ---- sqlite_judge.c */
/* Whether the statement (NUL-terminated) may run; *version gets the schema it was judged by. */
mseq_status sqlite_judge(sqlite_handle *judge, const char *sql, size_t length,
                         const mseq_governed_statement *statement, lite_operation operation,
                         int64_t *version, mseq_error *err);
/* Begins a read transaction in which the connection's idea of the schema is the file's; the version
 * of that schema. End it with sqlite_schema_leave. */
mseq_status sqlite_schema_enter(sqlite_handle *handle, int64_t *version, mseq_error *err);
/* Ends it; returns `status`, or if that is OK how it ended. */
mseq_status sqlite_schema_leave(sqlite_handle *handle, mseq_status status, mseq_error *err);

/* ---- sqlite_governed.c, sqlite_cursor.c */

enum { LITE_SCHEMA_ATTEMPTS = 8 }; /* a schema that changes more often meanwhile is an error */

typedef struct sqlite_governed {
    const mseq_governed_statement *statement;
    lite_operation operation;
    sqlite_handle *judge, *runner;
    sqlite_statement *prepared;
    int64_t deadline; /* monotonic ms; 0: none */
    mseq_value *rows, *origins;
    int64_t row_count; /* rows the statement produced, skipped ones included */
    int64_t bytes;
    bool has_more, has_rows;
    int64_t affected;
    bool again; /* the schema changed under the prepared statement: judge anew */
} sqlite_governed;

/* Opens what the statement runs on and sets its limits. End with sqlite_governed_stop, also after a
 * failure. */
mseq_status sqlite_governed_start(sqlite_governed *run, sqlite_session *session,
                                  const mseq_governed_statement *statement, mseq_error *err);
void sqlite_governed_stop(sqlite_governed *run);
/* Judges and prepares the statement, or finds it in the cache. */
mseq_status sqlite_governed_obtain(sqlite_governed *run, mseq_error *err);
/* Table and column behind each column of the rows. */
mseq_status sqlite_governed_origins(sqlite_governed *run, mseq_error *err);
/* The refusal of a statement whose schema does not stay. */
mseq_status sqlite_schema_moved(mseq_error *err);

mseq_status sqlite_run_governed(sqlite_session *session, const mseq_governed_statement *statement,
                                mseq_governed_result *result, mseq_error *err);

/* ---- sqlite_cursor.c: as in driver.h */
mseq_status sqlite_cursor_open(sqlite_session *session, const mseq_governed_statement *statement,
                               void **opened, mseq_value **origins, mseq_error *err);
mseq_status sqlite_cursor_next(void *cursor, mseq_row **row, mseq_error *err);
void sqlite_cursor_close(void *cursor);

#endif
