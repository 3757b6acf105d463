/* SPDX-License-Identifier: MIT
 * Inside of the PostgreSQL driver: sessions, waiting, prepared statements, values. */
#ifndef MSEQ_DATABASE_POSTGRESQL_PRIVATE_H
#define MSEQ_DATABASE_POSTGRESQL_PRIVATE_H

#include "driver.h"
#include "postgresql_library.h"

/* Where to connect. Immutable after open. */
typedef struct postgresql_target {
    mseq_strings keywords, values; /* of PQconnectdbParams, one beside the other */
    const char **keyword_list, **value_list;
    char *place; /* "host:port", for messages */
    /* asked for each connection's own password; NULL: that one holds for all */
    mseq_status (*ask_password)(void *data, const char *refused, char **password, mseq_error *err);
    void *password_data;
    char *governed_schema;    /* sessions begin with the settings of governed statements of that */
    int64_t governed_time_ms; /* schema that have that time; NULL: they do not */
} postgresql_target;

/* How the text of a value is read. */
typedef enum postgresql_form {
    POSTGRESQL_TEXT,
    POSTGRESQL_INTEGER,
    POSTGRESQL_FLOAT,
    POSTGRESQL_NUMERIC,
    POSTGRESQL_BOOLEAN,
    POSTGRESQL_BYTES,
    POSTGRESQL_JSON,
    POSTGRESQL_TIMESTAMP,
    POSTGRESQL_TIMESTAMP_ZONED,
    POSTGRESQL_ARRAY
} postgresql_form;

typedef struct postgresql_type {
    Oid oid;
    postgresql_form form;
    Oid element; /* of arrays */
} postgresql_type;

/* A statement and what its rows look like. */
typedef struct postgresql_statement {
    char *sql;
    size_t length;
    uint64_t hash;
    char name[16]; /* on the server; "" is not prepared */
    Oid *types;    /* of the parameters, as they were given: 0 is for the server to find out */
    Oid *found;    /* what the server made of them */
    size_t type_count;
    mseq_row row; /* the last one; its names are unique, and without a form they are not known
                     before the first result */
    Oid *column_types;
    postgresql_type *column_forms; /* how they are read; NULL: no row has come yet */
    bool small;                    /* its rows, as a governed select, were few the last time */
    uint64_t last_used;
} postgresql_statement;

enum {
    POSTGRESQL_CACHE_SIZE = 64,
    POSTGRESQL_PARAMETER_MAXIMUM = 65535,
    /* libpq (15) takes a description of more parameters, 30,000 bytes, for garbage, and hangs up */
    POSTGRESQL_DESCRIBED_MAXIMUM = 7498
};

typedef enum postgresql_stop {
    POSTGRESQL_RUNNING,
    POSTGRESQL_STOP_CANCELLED,
    POSTGRESQL_STOP_DEADLINE,
    POSTGRESQL_STOP_UNWANTED /* the receiver of the rows failed */
} postgresql_stop;

/* What a session was used for since it was reset. */
typedef enum postgresql_use {
    POSTGRESQL_UNUSED,
    POSTGRESQL_USED_PLAINLY, /* by governed writes that ran no code of anybody */
    POSTGRESQL_USED
} postgresql_use;

/* One connection of the room. */
typedef struct postgresql_session {
    const postgresql_target *target;
    PGconn *connection;
    postgresql_statement *cache[POSTGRESQL_CACHE_SIZE];
    size_t cache_count;
    uint64_t clock;      /* of the cache: counts uses */
    unsigned name_count; /* names given to prepared statements */
    bool fixed;          /* the commands of postgresql_fixed.c are prepared */
    bool deallocate;     /* prepared statements on the server that the cache has forgotten */
    const char *begin;   /* a BEGIN that travels with the next statement; NULL: none */
    bool in_transaction; /* begun and not ended, also when the connection was lost since */
    bool running;        /* rows of a statement are being read */
    postgresql_use use;
    int64_t reset_at;       /* monotonic ms of the last whole reset; 0: none yet */
    bool resetting;         /* the answer to a reset is on its way */
    bool saw_error;         /* not for the next user */
    bool lost;              /* of no use at all */
    postgresql_type *types; /* of the database's own types */
    size_t type_count;
    struct postgresql_verdicts *verdicts; /* of governed statements; NULL: none yet */
    /* what ends a statement early */
    const mseq_cancellation *cancellation;
    int64_t timeout_ms; /* 0: none */
    int64_t deadline;   /* monotonic ms of the statement that runs; 0: none */
    postgresql_stop stop;
    struct postgresql_cancel_request *cancelling; /* the last one; NULL: none is on its way */
    int64_t message_maximum; /* bytes that one result may take, about; 0: as libpq can */
} postgresql_session;

typedef struct postgresql_parameters {
    const mseq_value *given; /* borrowed array, or NULL */
    size_t count;
    Oid *types;
    const char **values;
    size_t *offsets; /* of values in `text` */
    int *lengths, *formats;
    bool lists; /* some can only be written when the server told their types */
    mseq_buffer text;
} postgresql_parameters;

/* ---- postgresql_error.c */
/* The error of a result; `sql` (may be NULL) is the statement it is about. */
mseq_status postgresql_fail(postgresql_session *session, const PGresult *result, const char *sql,
                            mseq_error *err);
/* One result takes more bytes than it may: the connection, which brings the rest, is not used
 * again.
 */
mseq_status postgresql_fail_too_large(postgresql_session *session, mseq_error *err);
/* Sending or receiving failed: the connection is gone. */
mseq_status postgresql_fail_lost(postgresql_session *session, mseq_error *err);
/* There is no connection; `connection` says why. */
mseq_status postgresql_fail_connect(const postgresql_target *target, const PGconn *connection,
                                    mseq_error *err);

/* ---- postgresql_connect.c */
/* A new connection to the target. */
mseq_status postgresql_connect(const postgresql_target *target, PGconn **connection,
                               mseq_error *err);

/* ---- postgresql_wait.c */
/* Starts the clock of a statement, once no cancel request of the one before can hit it; refuses one
 * whose token is set already. */
mseq_status postgresql_start(postgresql_session *session, mseq_error *err);
/* Asks the server to end what it does; the connection is not used again after the answer. */
void postgresql_cancel(postgresql_session *session, postgresql_stop why);
/* The session ends: nobody waits for its cancel request any more. */
void postgresql_cancel_forget(postgresql_session *session);
/* Sends what is in libpq's buffer. */
mseq_status postgresql_flush(postgresql_session *session, mseq_error *err);
/* The next result as PQgetResult gives it, also NULL; the caller clears it. */
mseq_status postgresql_result(postgresql_session *session, PGresult **result, mseq_error *err);
/* Reads and drops results until the server waits for the next command. */
void postgresql_drain(postgresql_session *session);

/* ---- postgresql_statement.c */
mseq_status postgresql_run(postgresql_session *session, const char *sql,
                           const mseq_value *parameters, const database_sink *sink,
                           int64_t *affected, mseq_error *err);
mseq_status postgresql_script(postgresql_session *session, const char *sql, mseq_error *err);
/* A statement of ours without parameters and rows. *tag (may be NULL) gets the first word of its
 * command tag. */
mseq_status postgresql_command(postgresql_session *session, const char *sql, char tag[16],
                               mseq_error *err);
/* Whether a command can be sent, behind what is on its way. */
mseq_status postgresql_usable(postgresql_session *session, mseq_error *err);
/* Whether a command can be sent now, with nothing on its way. */
mseq_status postgresql_ready(postgresql_session *session, mseq_error *err);

/* Sending failed: the connection is gone or memory is short. */
mseq_status postgresql_fail_send(postgresql_session *session, mseq_error *err);
/* Sends a statement, by its name if it is prepared. False: postgresql_fail_send says why. */
bool postgresql_send(postgresql_session *session, const postgresql_statement *statement,
                     const postgresql_parameters *parameters);
/* The statement to run, prepared and described if the server can keep a plan for it; one that is
 * not `kept` by the cache is freed by the caller. */
mseq_status postgresql_acquire(postgresql_session *session, const char *sql,
                               postgresql_parameters *parameters, postgresql_statement **statement,
                               bool *kept, mseq_error *err);
/* The columns of a statement that was prepared without them, from its first result; harmless where
 * they are known. */
mseq_status postgresql_columns_read(postgresql_statement *statement, const PGresult *result,
                                    mseq_error *err);
/* Whether the plan was made for another form of the table, or is gone (DEALLOCATE, DISCARD). */
bool postgresql_is_stale(const PGresult *result);

/* Reads a pipeline of commands to its end and leaves it. */
mseq_status postgresql_pipeline_end(postgresql_session *session, mseq_error *err);

/* ---- postgresql_fixed.c */
/* Prepares what every use of the session needs, once; outside of a pipeline and a transaction. */
mseq_status postgresql_fixed_prepare(postgresql_session *session, mseq_error *err);
/* Sends a command without parameters, by its name if it is one of those. */
bool postgresql_fixed_send(postgresql_session *session, const char *text);
/* Sends what undoes whatever a user of the session may have left behind. False: not sent. */
bool postgresql_reset_send(postgresql_session *session);
/* The use that has just ended, of a session that was used as `before` says, ran no code of anybody
 * as far as is known, and so has left nothing behind. Should an owner have slipped some in since
 * the verdict: what a select set was rolled back, after a write settings are reset, and a whole
 * reset is never put off for longer than a verdict is believed. */
void postgresql_use_plainly(postgresql_session *session, postgresql_use before, bool write);
/* The same at once, by its text: a user may have had prepared statements forgotten. */
bool postgresql_reset_anew(postgresql_session *session);
/* Reads the answer to that, unless it was read. False: the session is of no use any more. */
bool postgresql_reset_receive(postgresql_session *session);

/* ---- postgresql_password.c */
mseq_status postgresql_encrypt_password(postgresql_session *session, const char *role,
                                        const char *password, char **verifier, mseq_error *err);

/* ---- postgresql_types.c */
/* How values of a type are read; text when it is not known. */
postgresql_type postgresql_type_of(const postgresql_session *session, Oid oid);
/* Asks for the types among these that the database made itself and that are not known yet. */
mseq_status postgresql_types_load(postgresql_session *session, const Oid *oids, size_t count,
                                  mseq_error *err);

/* ---- postgresql_parameters.c */

mseq_status postgresql_parameters_read(const mseq_value *given, postgresql_parameters *parameters,
                                       mseq_error *err);
/* Parameters whose types are said (data types as a request names them; NULL for one: by its value).
 */
void postgresql_parameters_declare(postgresql_parameters *parameters, const char *const *types);
/* Writes the lists by the types that the server found (NULL: as JSON) and sets `values`. */
mseq_status postgresql_parameters_finish(const postgresql_session *session,
                                         postgresql_parameters *parameters, const Oid *found,
                                         mseq_error *err);
bool postgresql_parameter_is_null(const postgresql_parameters *parameters, size_t position);
void postgresql_parameters_free(postgresql_parameters *parameters);

/* ---- postgresql_cache.c: prepared statements by text and types of their parameters */
/* One that serves these values; NULL: none, and then types of parameters may have become those
 * that also serve the values which the statement had before. */
postgresql_statement *postgresql_cache_find(postgresql_session *session, const char *sql,
                                            postgresql_parameters *parameters);
/* Not prepared yet, not in the cache. NULL without memory. */
postgresql_statement *postgresql_statement_new(const char *sql, const Oid *types,
                                               size_t type_count);
void postgresql_statement_free(postgresql_statement *statement);
/* Forgets the one that was not used longest when the cache is full; `name` gets its name, or "". */
void postgresql_cache_make_room(postgresql_session *session, char name[16]);
/* Into the cache, which has room. */
void postgresql_cache_keep(postgresql_session *session, postgresql_statement *statement);
/* Out of the cache, if it is there, and freed. */
void postgresql_cache_drop(postgresql_session *session, postgresql_statement *statement);
/* Forgets all; the server forgets them with the next statement or reset. */
void postgresql_cache_clear(postgresql_session *session);

/* ---- postgresql_values.c */
/* Reads a row of a result into the statement's row, which borrows from the result. Bytes are
 * {"$bytes": base64}, or `plain` base64 text. */
mseq_status postgresql_row(const postgresql_session *session, postgresql_statement *statement,
                           const PGresult *result, int number, bool plain,
                           mseq_error *err) MSEQ_MUST_CHECK;

/* ---- postgresql_verdict.c: what is known about texts of governed statements */
typedef struct postgresql_verdict {
    const mseq_sql_statement *facts; /* borrowed until the next call of postgresql_verdict_find */
    const char *sql;                 /* from its first word on; borrowed likewise */
    bool checked;                    /* postgresql_verdict_check was asked lately */
    bool plain; /* and found that no code of the tables' owners runs with the statement */
} postgresql_verdict;

/* What the statement is and touches, if its operation, its scope and the database allow it, as far
 * as that can be said without asking the database. */
mseq_status postgresql_verdict_find(postgresql_session *session,
                                    const mseq_governed_statement *statement,
                                    postgresql_verdict *known, mseq_error *err);
/* Asks the database what only it knows: kinds of tables, rules, triggers, functions of the same
 * name. Inside a transaction whose search path is set. */
mseq_status postgresql_verdict_check(postgresql_session *session,
                                     const mseq_governed_statement *statement,
                                     const mseq_sql_statement *facts, mseq_error *err);
void postgresql_verdicts_free(struct postgresql_verdicts *verdicts);

/* ---- postgresql_governed_error.c */
/* postgresql_fail for an author's statement: no text about what is not in its scope. */
mseq_status postgresql_fail_governed(postgresql_session *session, const PGresult *result,
                                     const mseq_governed_statement *statement, mseq_error *err);
/* The same for an error that was set already by a function that does not know of scopes. */
mseq_status postgresql_filter_error(const mseq_error *raw, const mseq_governed_statement *statement,
                                    mseq_error *err);

/* ---- postgresql_governed.c */
mseq_status postgresql_run_governed(postgresql_session *session,
                                    const mseq_governed_statement *statement,
                                    mseq_governed_result *result, mseq_error *err);

#endif
