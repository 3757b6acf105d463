/* SPDX-License-Identifier: MIT
 * Inside of the room `database`: what a database must be able to do for database.c. One constant
 * table a driver; a target is where to connect, a session one connection to it. Contracts are those
 * of mainsequence/database.h where nothing is said. */
#ifndef MSEQ_DATABASE_DRIVER_H
#define MSEQ_DATABASE_DRIVER_H

#include "mainsequence/database.h"

/* Gets each row and becomes its owner, also when it fails. */
typedef struct database_sink {
    mseq_status (*take)(void *data, mseq_value *row, mseq_error *err); /* NULL: rows are dropped */
    void *data;
} database_sink;

typedef struct database_driver {
    mseq_dialect dialect;
    mseq_status (*open)(const mseq_database_options *options, void **target, mseq_error *err);
    void (*close)(void *target); /* after the last session */
    mseq_status (*connect)(void *target, void **session, mseq_error *err);
    void (*disconnect)(void *session);
    /* Rolls back what is open and undoes what a user may have left behind. False: the session is
     * not fit for the next user. */
    bool (*reset)(void *session);
    /* Whether a session that was idle can be used: the database may have gone since. NULL: always.
     */
    bool (*alive)(void *session);
    /* What ends the statements that follow early, until the next reset. */
    void (*limit)(void *session, const mseq_cancellation *cancellation, int64_t timeout_ms);
    mseq_status (*run)(void *session, const char *sql, const mseq_value *parameters,
                       const database_sink *sink, int64_t *affected, mseq_error *err);
    mseq_status (*script)(void *session, const char *sql, mseq_error *err);
    mseq_status (*begin)(void *session, bool write, mseq_error *err);
    mseq_status (*commit)(void *session, mseq_error *err);
    void (*rollback)(void *session);
    bool (*in_transaction)(void *session);
    bool (*mark)(void *session, mseq_database_mark *mark); /* NULL: there is none */
    mseq_status (*table_names)(void *session, const char *schema, mseq_strings *names,
                               mseq_error *err);
    mseq_status (*reflect_table)(void *session, const char *schema, const char *name,
                                 mseq_table **table, mseq_error *err);
    mseq_status (*dependents)(void *session, const char *name, mseq_value **dependents,
                              mseq_error *err); /* NULL: nothing hangs on a table that a rebuild
                                                   would lose */
    mseq_status (*run_governed)(void *session, const mseq_governed_statement *statement,
                                mseq_governed_result *result, mseq_error *err);
    /* A governed select row by row; statement as in mseq_governed_cursor_open. *origins (owned by
     * the caller) as asked for, else NULL. */
    mseq_status (*cursor_open)(void *session, const mseq_governed_statement *statement,
                               void **cursor, mseq_value **origins, mseq_error *err);
    /* A row that holds until the next call, and may be changed; NULL: the end. */
    mseq_status (*cursor_next)(void *cursor, mseq_row **row, mseq_error *err);
    void (*cursor_close)(void *cursor);
    /* NULL: the database has no roles */
    mseq_status (*encrypt_password)(void *session, const char *role, const char *password,
                                    char **verifier, mseq_error *err);
} database_driver;

extern const database_driver database_sqlite_driver;
#ifdef MSEQ_WITH_POSTGRESQL
extern const database_driver database_postgresql_driver;
#endif

/* ---- governed_cursor.c */
mseq_status database_cursor_open(const database_driver *driver, void *session,
                                 const mseq_governed_statement *statement,
                                 mseq_governed_cursor **cursor, mseq_error *err);

/* ---- values.c: what drivers share */
/* Names the columns of a row. It is an object, so a second column of one name gets "_1" (then "_2",
 * …) behind it. */
mseq_status database_row_columns(mseq_row *row, const char *const *names, size_t count,
                                 mseq_error *err);
/* {"$bytes": base64}, or its base64 `plain`; owned by the caller; NULL without memory. */
mseq_value *database_bytes_value(const void *bytes, size_t length, bool plain);
/* The base64 string of such a value, borrowed; NULL when it is none. */
const mseq_value *database_bytes_of(const mseq_value *value);
/* The server_default of a description from SQL text, `wrap`ped in parentheses or not; NULL without
 * memory. */
mseq_value *database_default_description(const char *text, bool wrap);

#endif
