/* SPDX-License-Identifier: MIT
 *
 * Room `database`: one function table, one family of files a database (sqlite*.c, postgresql*.c).
 * Connections with bound parameters, transactions, reflection into `schema`, governed statements.
 * A database handle may be shared by threads; a connection belongs to one thread at a time.
 */
#ifndef MSEQ_DATABASE_H
#define MSEQ_DATABASE_H

#include "mainsequence/schema.h"
#include "mainsequence/sql.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mseq_database mseq_database;     /* where to connect, and idle connections */
typedef struct mseq_connection mseq_connection; /* one session */

typedef struct mseq_database_options {
    size_t size;
    /* "sqlite:////absolute/path", "sqlite:///relative", "sqlite://" (memory), "postgresql://…".
     * Never printed. */
    const char *uri;
    bool read_only;
    bool must_exist;         /* SQLite: do not create the file */
    int64_t busy_timeout_ms; /* 0: 10000 */
    /* PostgreSQL: asked for the password of each new connection, by the thread that makes it, in
     * place of the URI's; NULL: the URI has it. `refused`: the one that did not let in; it is asked
     * a few times. *password is malloc'ed; the database erases and frees it. */
    mseq_status (*password)(void *data, const char *refused, char **password, mseq_error *err);
    void *password_data; /* lives as long as connections are made */
    /* PostgreSQL: connections are for governed statements of that schema, most of which have that
     * time (positive): they begin with both set, which then need not be set for each statement.
     * NULL: they are for anything. */
    const char *governed_schema;
    int64_t governed_timeout_ms;
} mseq_database_options;
#define MSEQ_DATABASE_OPTIONS_INIT                                                                 \
    { .size = sizeof(mseq_database_options) }

MSEQ_API mseq_status mseq_database_open(const mseq_database_options *options,
                                        mseq_database **database, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_database_close(mseq_database *database);
MSEQ_API mseq_dialect mseq_database_dialect(const mseq_database *database);
/* A connection from the idle ones or a new one; give it back with mseq_connection_release, which
 * rolls back what is open and closes it if it saw a serious error. */
MSEQ_API mseq_status mseq_database_connect(mseq_database *database, mseq_connection **connection,
                                           mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_connection_release(mseq_connection *connection);
/* Closes the idle connections: of a database that will be used no more, or rarely. */
MSEQ_API void mseq_database_trim(mseq_database *database);

/* What ends the statements of this connection early, from now until it is released: the token
 * (borrowed; NULL: none) is set (MSEQ_E_CANCELLED), or a statement runs longer than that many
 * milliseconds (0: no limit; MSEQ_E_TIMEOUT). */
MSEQ_API void mseq_connection_limit(mseq_connection *connection,
                                    const mseq_cancellation *cancellation, int64_t timeout_ms);

/* Runs one statement with the driver's placeholders (?1 or $1) and an array of parameters (NULL:
 * none). Values: null, boolean (0/1 on SQLite), integer, float, string; arrays and objects as JSON
 * text (on PostgreSQL an array where the statement wants an array); bytes as {"$bytes": base64}.
 *
 * PostgreSQL types parameters: an integer is the smallest of int2, int4 and int8 that holds it, a
 * float float8, a boolean bool, bytes bytea; a string, null and an object are of the type that the
 * statement asks for (write CAST($1 AS type) where it does not say). Its values come back as:
 * integers, also numerics without fraction up to 64 bits; other numerics as text, so that neither
 * digits nor scale are lost; float4 and float8 as floats, NaN and infinities as text; json and
 * jsonb as what they hold; bytea as bytes; timestamp and timestamptz in UTC as
 * YYYY-MM-DDTHH:MM:SS.ffffff, the latter with Z; intervals in ISO 8601 (P1DT2H); arrays as arrays;
 * everything else as PostgreSQL writes it.
 *
 * SQLite gives its own five kinds: null, integer, float (an infinity as the text "Infinity" or
 * "-Infinity"; NaN is refused, for SQLite would keep null), text, bytes.
 *
 * *rows (may be NULL) gets an array of objects, columns in order; *affected (may be NULL) the
 * number of changed rows. */
MSEQ_API mseq_status mseq_connection_execute(mseq_connection *connection, const char *sql,
                                             const mseq_value *parameters, mseq_value **rows,
                                             int64_t *affected, mseq_error *err) MSEQ_MUST_CHECK;
/* Row by row, in the memory of one row: `row` borrows an object; a status other than OK stops and
 * is returned. On PostgreSQL the callback cannot run other statements on the connection. */
typedef mseq_status (*mseq_row_callback)(void *data, const mseq_value *row, mseq_error *err);
MSEQ_API mseq_status mseq_connection_each(mseq_connection *connection, const char *sql,
                                          const mseq_value *parameters, mseq_row_callback callback,
                                          void *data, mseq_error *err) MSEQ_MUST_CHECK;
/* A script of several statements without parameters. */
MSEQ_API mseq_status mseq_connection_script(mseq_connection *connection, const char *sql,
                                            mseq_error *err) MSEQ_MUST_CHECK;

/* Transactions. `write` takes the write lock at once on SQLite (BEGIN IMMEDIATE); on PostgreSQL it
 * is READ COMMITTED, and one that is not for writing REPEATABLE READ, so that on both it sees one
 * state. On PostgreSQL it begins with the first statement. A commit whose answer is lost has the
 * code commit_unknown. */
MSEQ_API mseq_status mseq_connection_begin(mseq_connection *connection, bool write,
                                           mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_connection_commit(mseq_connection *connection,
                                            mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void
mseq_connection_rollback(mseq_connection *connection); /* harmless without a transaction */
MSEQ_API bool mseq_connection_in_transaction(const mseq_connection *connection);
MSEQ_API mseq_dialect mseq_connection_dialect(const mseq_connection *connection);

/* A state of a database: between two equal marks nothing was committed in it. */
typedef struct mseq_database_mark {
    unsigned char bytes[48];
} mseq_database_mark;
/* The mark of now, without a statement or a lock: what was committed before the call, by whatever
 * thread or process, has changed it. What the connection's own transaction has not committed is not
 * in it. False, *mark as it was: it cannot be told so cheaply, because the database is on
 * PostgreSQL, in memory or for reading only, or a commit is under way. */
MSEQ_API bool mseq_connection_mark(const mseq_connection *connection, mseq_database_mark *mark);

/* Reflection. Schema NULL: the default. MSEQ_E_NOT_FOUND when the table is not there. */
MSEQ_API mseq_status mseq_connection_table_names(mseq_connection *connection, const char *schema,
                                                 mseq_strings *names,
                                                 mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_connection_reflect_table(mseq_connection *connection, const char *schema,
                                                   const char *name, mseq_table **table,
                                                   mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_connection_reflect(mseq_connection *connection, const char *schema,
                                             mseq_metadata **metadata,
                                             mseq_error *err) MSEQ_MUST_CHECK;
/* SQLite: triggers on the table and views that mention it, [{type, name, sql}], for rebuilds. */
MSEQ_API mseq_status mseq_connection_dependents(mseq_connection *connection, const char *name,
                                                mseq_value **dependents,
                                                mseq_error *err) MSEQ_MUST_CHECK;

/* PostgreSQL: what CREATE ROLE … PASSWORD takes in place of the password itself, so that it stands
 * in no log of the server. *verifier is owned by the caller. */
MSEQ_API mseq_status mseq_connection_encrypt_password(mseq_connection *connection, const char *role,
                                                      const char *password, char **verifier,
                                                      mseq_error *err) MSEQ_MUST_CHECK;

/* ---- A governed statement
 * ------------------------------------------------------------------------ */

typedef struct mseq_governed_statement {
    size_t size;
    const char *operation; /* "select", "insert", "update", "delete", "upsert" */
    const char *sql;       /* driver placeholders */
    size_t sql_length;
    const mseq_value *parameters; /* array in placeholder order */
    const mseq_governed_table *tables;
    size_t table_count;
    int64_t max_rows;  /* rows handed out */
    int64_t offset;    /* rows skipped first (select) */
    int64_t max_bytes; /* of rows handed out, as JSON; 0: 64 MiB */
    int64_t timeout_ms;
    const mseq_cancellation *cancellation;
    bool with_origins; /* tell where result columns come from */
    /* Data types of the parameters in their order, as a request's parameter_types says them
     * ("uuid", "date", "timestamp with time zone", …); NULL for one, or for all: by its value.
     * Only PostgreSQL uses them. */
    const char *const *parameter_types;
    const char *schema; /* PostgreSQL: where names without a schema are looked for; NULL: public */
    /* Asked when the statement has run, before its changes are committed or its rows handed out. A
     * failure rolls it back and is the failure of the statement. NULL: nobody is asked. */
    mseq_status (*confirm)(void *data, mseq_error *err);
    void *confirm_data;
    /* PostgreSQL: asked whether a table of that schema has an owner of its own, when a table of the
     * statement has tables that inherit from it, whose rows are its rows too. One that does must be
     * listed. NULL: none does. */
    mseq_status (*registered)(void *data, const char *name, bool *registered, mseq_error *err);
    void *registered_data;
    /* PostgreSQL: of what the caller knows of the tables. What the database was asked about a text
     * is asked again under another one; negative: each time; and after five seconds, as tables may
     * change without the caller. */
    int64_t revision;
} mseq_governed_statement;
#define MSEQ_GOVERNED_STATEMENT_INIT                                                               \
    { .size = sizeof(mseq_governed_statement) }

typedef struct mseq_governed_result {
    mseq_value *rows; /* array of objects, owned by the caller */
    bool has_more;    /* select: there is at least one row after these */
    bool has_rows;    /* the statement produces rows (select, RETURNING) */
    int64_t affected; /* rows changed */
    /* Where the columns of the rows come from, when it was asked for: table, column, table, column,
     * …, nulls for a computed one; an array owned by the caller. */
    mseq_value *origins;
} mseq_governed_result;

/* Checks and runs one statement inside a transaction of its own: exactly one statement, its kind is
 * the operation's, every table it touches is listed (written ones with write access), values bound,
 * limits and deadline kept. A refusal is MSEQ_E_STATEMENT with a code (scope_violation,
 * kind_mismatch, multiple_statements, …), a passed deadline MSEQ_E_TIMEOUT. A write whose RETURNING
 * rows pass max_rows is rolled back and refused. SQLite: authorizer, read-only for select,
 * DEFENSIVE, progress handler. PostgreSQL: mseq_sql_inspect; views are for reading only, tables
 * with rules, foreign tables, and for writing those with triggers or defaults that run code of
 * their owner are refused (relation_not_allowed); READ ONLY for select, limits on the server and a
 * cancel request of ours behind them; rows come by a cursor; values are as a reply shows them
 * (bytes as base64 text). A connection that is lost after COMMIT was sent: code
 * reconciliation_required, and nobody but the database knows whether the change was made. */
MSEQ_API mseq_status mseq_connection_run_governed(mseq_connection *connection,
                                                  const mseq_governed_statement *statement,
                                                  mseq_governed_result *result,
                                                  mseq_error *err) MSEQ_MUST_CHECK;

/* The rows of a governed select one by one, in the memory of a few rows: one statement of one
 * transaction, so that all of them are of one state. The connection belongs to the cursor until it
 * is closed. */
typedef struct mseq_governed_cursor mseq_governed_cursor;

/* Checks the statement as mseq_connection_run_governed does, starts it and waits for its first row,
 * so that most of what can go wrong goes wrong here. Everything in `statement` is borrowed until
 * the cursor is closed; max_bytes does not count, and max_rows INT64_MAX is no limit. timeout_ms is
 * the time that the database works: while nobody waits for a row it stands still. On PostgreSQL
 * all of it, with the reader's own time, may take an hour longer. */
MSEQ_API mseq_status mseq_governed_cursor_open(mseq_connection *connection,
                                               const mseq_governed_statement *statement,
                                               mseq_governed_cursor **cursor,
                                               mseq_error *err) MSEQ_MUST_CHECK;
/* The next row, which holds until the next call; the caller may change its cells. NULL after the
 * last one, once `confirm` has agreed. After a failure there is nothing more to read. */
MSEQ_API mseq_status mseq_governed_cursor_next(mseq_governed_cursor *cursor, mseq_row **row,
                                               mseq_error *err) MSEQ_MUST_CHECK;
/* As mseq_governed_result.origins, borrowed; NULL when it was not asked for. */
MSEQ_API const mseq_value *mseq_governed_cursor_origins(const mseq_governed_cursor *cursor);
/* After the end: whether max_rows kept back rows. */
MSEQ_API bool mseq_governed_cursor_has_more(const mseq_governed_cursor *cursor);
/* Ends the statement, also in the midst of its rows, and its transaction. The connection can be
 * used again, or is closed when it is released. */
MSEQ_API void mseq_governed_cursor_close(mseq_governed_cursor *cursor);

#ifdef __cplusplus
}
#endif
#endif
