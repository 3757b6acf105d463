/* SPDX-License-Identifier: MIT
 * Inside of the SQLite driver: handles with their statement cache, errors, tokens. */
#ifndef MSEQ_DATABASE_SQLITE_PRIVATE_H
#define MSEQ_DATABASE_SQLITE_PRIVATE_H

#include <sqlite3.h>

#include "driver.h"

/* Where to connect. Immutable after open. */
typedef struct sqlite_target {
    char *path;      /* absolute; NULL for a memory database */
    char *open_name; /* what sqlite3_open_v2 gets */
    bool read_only;
    bool must_exist;
    int64_t busy_timeout_ms;
    sqlite3 *anchor; /* keeps a memory database alive while no session is there */
} sqlite_target;

/* A prepared statement and the keys of its rows. */
typedef struct sqlite_statement {
    sqlite3_stmt *stmt;
    char *key; /* the text */
    size_t key_length;
    char *scope; /* governed statements: operation and tables, packed; else NULL */
    size_t scope_length;
    uint64_t hash;
    bool cached; /* else freed when it is released */
    uint64_t last_used;
    bool busy;
    mseq_row row; /* the last one; its names are unique, and without a form they are not known */
    int prepared; /* SQLITE_STMTSTATUS_REPREPARE when the names were taken */
} sqlite_statement;

enum { LITE_CACHE_SIZE = 64 };

typedef enum sqlite_stop { LITE_STOP_NONE, LITE_STOP_CANCELLED, LITE_STOP_DEADLINE } sqlite_stop;

typedef struct sqlite_guard sqlite_guard; /* sqlite_governed.h */

/* One sqlite3 connection. */
typedef struct sqlite_handle {
    const sqlite_target *target;
    sqlite3 *db;
    sqlite_statement *cache[LITE_CACHE_SIZE];
    size_t cache_count;
    uint64_t clock; /* of the cache: counts uses */
    /* waiting for a lock, and what ends a statement early */
    int64_t wait_since, waited_ms;
    int64_t deadline;   /* monotonic ms; 0: none */
    int64_t timeout_ms; /* of each statement that is not governed; 0: none */
    const mseq_cancellation *cancellation;
    sqlite_stop stop;
    bool wal;            /* the file's journal is a WAL, which the handle has opened */
    bool serious;        /* saw an error after which the handle is not used again */
    bool dirty;          /* a statement may have changed settings of the connection */
    sqlite_guard *guard; /* for governed statements; else NULL */
} sqlite_handle;

/* One connection of the room. */
typedef struct sqlite_session {
    const sqlite_target *target;
    sqlite_handle *handle;                  /* for everything but governed statements */
    sqlite_handle *judge, *reader, *writer; /* for those; opened when first used */
} sqlite_session;

/* ---- sqlite_handle.c */
mseq_status sqlite_handle_open(const sqlite_target *target, sqlite_handle **handle,
                               mseq_error *err);
void sqlite_handle_close(sqlite_handle *handle);
/* Progress handler: reads the deadline and the token of the handle. */
int sqlite_progress(void *handle);

/* ---- sqlite_mark.c */
bool sqlite_mark(const sqlite_handle *handle, mseq_database_mark *mark);

/* ---- sqlite_error.c */
/* Turns the handle's last error into ours; `sql` (may be NULL) is the statement it is about. */
mseq_status sqlite_fail(sqlite_handle *handle, int code, const char *sql, mseq_error *err);

/* ---- sqlite_cache.c: prepared statements by text, governed ones by text, operation and scope.
 * `scope` NULL: no governed statement. */
uint64_t sqlite_cache_hash(const char *sql, size_t length, const mseq_governed_statement *scope);
/* One that is not in use; NULL: none. */
sqlite_statement *sqlite_cache_find(sqlite_handle *handle, const char *sql, size_t length,
                                    uint64_t hash, const mseq_governed_statement *scope);
/* Not prepared yet, not in the cache. NULL without memory. */
sqlite_statement *sqlite_statement_new(const char *sql, size_t length, uint64_t hash,
                                       const mseq_governed_statement *scope);
void sqlite_statement_free(sqlite_statement *statement);
/* Into the cache, in place of the one that was not used longest; stays outside when all are in use.
 */
void sqlite_cache_keep(sqlite_handle *handle, sqlite_statement *statement);
void sqlite_cache_use(sqlite_handle *handle, sqlite_statement *statement); /* until released */
void sqlite_cache_drop(sqlite_handle *handle, sqlite_statement *statement);
void sqlite_release(sqlite_statement *statement);
void sqlite_cache_clear(sqlite_handle *handle);

/* ---- sqlite_statement.c */
/* Names the row's columns when they are not known. After a step. */
mseq_status sqlite_columns(sqlite_statement *statement, mseq_error *err);
mseq_status sqlite_run(sqlite_handle *handle, const char *sql, const mseq_value *parameters,
                       const database_sink *sink, int64_t *affected, mseq_error *err);
mseq_status sqlite_script(sqlite_handle *handle, const char *sql, mseq_error *err);

/* ---- sqlite_values.c */
mseq_status sqlite_bind(sqlite_handle *handle, sqlite3_stmt *stmt, const mseq_value *parameters,
                        mseq_error *err);
/* Reads the current row into the statement's, which borrows from it. */
mseq_status sqlite_row(sqlite_statement *statement, mseq_error *err) MSEQ_MUST_CHECK;
/* The same as an object, owned by the caller. */
mseq_status sqlite_row_object(sqlite_statement *statement, mseq_value **row,
                              mseq_error *err) MSEQ_MUST_CHECK;

/* ---- sqlite_catalog.c */
/* "schema".sqlite_schema, malloc'ed; MSEQ_E_NOT_FOUND for a schema that is not attached. NULL:
 * main.
 */
mseq_status sqlite_catalog_name(sqlite_handle *handle, const char *schema, char **catalog,
                                mseq_error *err);
mseq_status sqlite_table_names(sqlite_handle *handle, const char *schema, mseq_strings *names,
                               mseq_error *err);
mseq_status sqlite_dependents(sqlite_handle *handle, const char *name, mseq_value **dependents,
                              mseq_error *err);

/* ---- sqlite_reflect.c, sqlite_types.c */
/* Rows of a statement with up to two text parameters (NULL: fewer). */
mseq_status sqlite_query(sqlite_handle *handle, const char *sql, const char *first,
                         const char *second, mseq_value **rows, mseq_error *err);
mseq_status sqlite_reflect_table(sqlite_handle *handle, const char *schema, const char *name,
                                 mseq_table **table, mseq_error *err);
/* {name, args} of a declared type, owned by the caller; NULL without memory. *known: the name is
 * one that SQLAlchemy knows, so that nothing of the text is lost but spelling; else the text is
 * kept beside the type, in info.declared_type. */
mseq_value *sqlite_type_description(const char *declared, const char *collation, bool *known);

/* ---- sqlite_tokens.c: SQLite's own tokens */
typedef enum sqlite_token_kind {
    LITE_TOKEN_END,
    LITE_TOKEN_WORD,   /* keyword or plain identifier */
    LITE_TOKEN_QUOTED, /* "a", `a`, [a] */
    LITE_TOKEN_STRING, /* 'a' */
    LITE_TOKEN_NUMBER,
    LITE_TOKEN_OTHER /* one byte, a blob or a variable */
} sqlite_token_kind;

typedef struct sqlite_token {
    sqlite_token_kind kind;
    const char *text; /* in the statement, with its quotes */
    size_t length;
} sqlite_token;

/* Past space, comments and a byte order mark; an open comment reaches to the end. */
const char *sqlite_skip_blank(const char *at, const char *end);
/* Reads the token at *cursor, past space and comments, and moves the cursor behind it. */
sqlite_token sqlite_next_token(const char **cursor, const char *end);
bool sqlite_token_is(const sqlite_token *token, const char *word); /* a WORD, any case */
bool sqlite_token_is_byte(const sqlite_token *token, char byte);
/* The name that a WORD, QUOTED or STRING token stands for, without quotes. malloc'ed or NULL. */
char *sqlite_token_name(const sqlite_token *token);
/* Whether the token stands for this name, in any case. */
bool sqlite_token_names(const sqlite_token *token, const char *name);
/* Whether there is nothing but space, comments and ";". */
bool sqlite_only_blank(const char *text, const char *end);

#endif
