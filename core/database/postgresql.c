/* SPDX-License-Identifier: MIT
 * The PostgreSQL driver: URIs, sessions, transactions, what happens between two users of a
 * session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_governed.h"
#include "postgresql_reflect.h"

/* Settings that the reading of values relies on. RESET ALL comes back to them. */
static const char SETTINGS[] =
    "-c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC -c extra_float_digits=1 "
    "-c bytea_output=hex -c standard_conforming_strings=on -c backslash_quote=safe_encoding";

/* ---- Targets -----------------------------------------------------------------------------------
 */

static void target_close(void *opened) {
    postgresql_target *target = opened;
    mseq_strings_free(&target->keywords);
    mseq_strings_free(&target->values);
    free((void *)target->keyword_list);
    free((void *)target->value_list);
    free(target->governed_schema);
    free(target->place);
    free(target);
}

static mseq_status add_option(postgresql_target *target, const char *keyword, const char *value,
                              mseq_error *err) {
    if (mseq_strings_add(&target->keywords, keyword) != MSEQ_OK ||
        mseq_strings_add(&target->values, value) != MSEQ_OK)
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static const char *option(const postgresql_target *target, const char *keyword) {
    for (size_t i = 0; i < target->keywords.count && i < target->values.count; i++)
        if (strcmp(target->keywords.items[i], keyword) == 0)
            return target->values.items[i];
    return NULL;
}

/* "postgresql+driver://…", as Python writes it, without the driver. malloc'ed. */
static char *plain_uri(const char *uri) {
    const char *rest = strncmp(uri, "postgresql+", 11) == 0 ? strstr(uri, "://") : NULL;
    return rest ? mseq_text_format("postgresql%s", rest) : strdup(uri);
}

/* What libpq says about a URI repeats parts of it, which may be the password, so it is not told. */
static mseq_status read_uri(const char *uri, postgresql_target *target, mseq_error *err) {
    char *text = NULL, *plain = plain_uri(uri);
    PQconninfoOption *options = plain ? PQconninfoParse(plain, &text) : NULL;
    bool no_memory = !options && !text;
    PQfreemem(text);
    free(plain);
    if (no_memory)
        return mseq_error_no_memory(err);
    mseq_status status = MSEQ_OK;
    for (PQconninfoOption *o = options; status == MSEQ_OK && o && o->keyword; o++)
        if (o->val && strcmp(o->keyword, "options") != 0)
            status = add_option(target, o->keyword, o->val, err);
    const char *host = option(target, "host"), *port = option(target, "port");
    const char *database = option(target, "dbname");
    /* where a password was not encoded, its parts are read as host, port or database */
    bool odd = (host && strchr(host, '@')) || (port && port[strspn(port, "0123456789,")]) ||
               (database && strchr(database, '@') && !strcasestr(uri, "%40"));
    if (status == MSEQ_OK && (!options || odd)) {
        mseq_error_set(err, MSEQ_E_ARGUMENT, "the database URI is not of PostgreSQL's form");
        mseq_error_hint(err, "write postgresql://user:password@host:port/database, and @ : / %% of "
                             "a name or password as %%40 %%3A %%2F %%25");
        status = MSEQ_E_ARGUMENT;
    }
    for (PQconninfoOption *o = options; status == MSEQ_OK && o && o->keyword; o++)
        if (o->val && strcmp(o->keyword, "options") == 0)
            status = add_option(target, "options", o->val, err);
    PQconninfoFree(options);
    return status;
}

/* Those of governed statements that are set in most of them. */
static mseq_status add_governed_settings(const mseq_database_options *given,
                                         postgresql_target *target, mseq_buffer *text,
                                         mseq_error *err) {
    mseq_value *settings = NULL;
    if (!given->governed_schema)
        return MSEQ_OK;
    target->governed_time_ms = given->governed_timeout_ms;
    if (!(target->governed_schema = mseq_text_dup(given->governed_schema)))
        return mseq_error_no_memory(err);
    mseq_status status = postgresql_settings_make(given->governed_schema,
                                                  given->governed_timeout_ms, &settings, err);
    if (status == MSEQ_OK)
        postgresql_settings_append(settings, text);
    mseq_value_free(settings);
    return status;
}

/* "options" is what the URI says and then ours, which win. */
static mseq_status add_settings(const mseq_database_options *given, postgresql_target *target,
                                mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    const char *own = option(target, "options");
    if (own)
        mseq_buffer_append_format(&text, "%s ", own);
    mseq_buffer_append_text(&text, SETTINGS);
    if (given->read_only)
        mseq_buffer_append_text(&text, " -c default_transaction_read_only=on");
    if (given->busy_timeout_ms > 0)
        mseq_buffer_append_format(&text, " -c lock_timeout=%lld",
                                  (long long)given->busy_timeout_ms);
    mseq_status status = add_governed_settings(given, target, &text, err);
    if (status == MSEQ_OK && text.status != MSEQ_OK)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK) /* of two the last counts */
        status = add_option(target, "options", mseq_buffer_text(&text), err);
    mseq_buffer_free(&text);
    if (status == MSEQ_OK)
        status = add_option(target, "client_encoding", "UTF8", err);
    if (status == MSEQ_OK && !option(target, "connect_timeout"))
        status = add_option(target, "connect_timeout", "10", err);
    if (status == MSEQ_OK && !option(target, "application_name"))
        status = add_option(target, "application_name", "mainsequence", err);
    return status;
}

static mseq_status make_lists(postgresql_target *target, mseq_error *err) {
    size_t count = target->keywords.count;
    const char *host = option(target, "host"), *port = option(target, "port");
    target->place = mseq_text_format("%s:%s", host && *host ? host : "the default address",
                                     port && *port ? port : "5432");
    target->keyword_list = calloc(count + 1, sizeof *target->keyword_list);
    target->value_list = calloc(count + 1, sizeof *target->value_list);
    if (!target->place || !target->keyword_list || !target->value_list)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        target->keyword_list[i] = target->keywords.items[i];
        target->value_list[i] = target->values.items[i];
    }
    return MSEQ_OK;
}

static mseq_status target_open(const mseq_database_options *options, void **opened,
                               mseq_error *err) {
    mseq_status status = pq_load(err);
    if (status != MSEQ_OK)
        return status;
    postgresql_target *target = calloc(1, sizeof *target);
    if (!target)
        return mseq_error_no_memory(err);
    status = read_uri(options->uri, target, err);
    if (status == MSEQ_OK)
        status = add_settings(options, target, err);
    if (status == MSEQ_OK)
        status = make_lists(target, err);
    target->ask_password = options->password;
    target->password_data = options->password_data;
    if (status != MSEQ_OK) {
        target_close(target);
        return status;
    }
    *opened = target;
    return MSEQ_OK;
}

/* ---- Sessions ----------------------------------------------------------------------------------
 */

static void session_close(void *closed) {
    postgresql_session *session = closed;
    postgresql_cache_clear(session);
    postgresql_cancel_forget(session);
    PQfinish(session->connection);
    postgresql_verdicts_free(session->verdicts);
    free(session->types);
    free(session);
}

static void ignore_notice(void *data, const char *message) {
    (void)data;
    (void)message; /* libpq would print it */
}

static mseq_status session_open(void *given, void **opened, mseq_error *err) {
    postgresql_target *target = given;
    postgresql_session *session = calloc(1, sizeof *session);
    if (!session)
        return mseq_error_no_memory(err);
    session->target = target;
    mseq_status status = postgresql_connect(target, &session->connection, err);
    if (status == MSEQ_OK && PQsetnonblocking(session->connection, 1) != 0)
        status = postgresql_fail_lost(session, err);
    if (status != MSEQ_OK) {
        session_close(session);
        return status;
    }
    PQsetNoticeProcessor(session->connection, ignore_notice, NULL);
    *opened = session;
    return MSEQ_OK;
}

static void session_limit(void *given, const mseq_cancellation *cancellation, int64_t timeout_ms) {
    postgresql_session *session = given;
    session->cancellation = cancellation;
    session->timeout_ms = timeout_ms;
}

/* ---- Transactions ------------------------------------------------------------------------------
 */

/* What the server says, and what was begun but not sent. A lost one is still open for the user,
 * whose commit must fail. */
static bool session_in_transaction(void *given) {
    postgresql_session *session = given;
    if (PQstatus(session->connection) == CONNECTION_BAD)
        return session->in_transaction;
    if (session->resetting)
        return false;
    PGTransactionStatusType status = PQtransactionStatus(session->connection);
    session->in_transaction = session->begin || status == PQTRANS_INTRANS ||
                              status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
    return session->in_transaction;
}

/* A transaction that does not write sees one state, as on SQLite; one that writes sees what others
 * committed before each statement. */
static mseq_status session_begin(void *given, bool write, mseq_error *err) {
    postgresql_session *session = given;
    mseq_status status = postgresql_ready(session, err);
    if (status != MSEQ_OK)
        return status;
    session->begin = write ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ";
    session->in_transaction = true;
    return MSEQ_OK;
}

static mseq_status session_commit(void *given, mseq_error *err) {
    postgresql_session *session = given;
    char tag[16] = "";
    if (session->begin) { /* nothing was done */
        session->begin = NULL;
        session->in_transaction = false;
        return MSEQ_OK;
    }
    bool usable = !session->lost;
    mseq_status status = postgresql_command(session, "COMMIT", tag, err);
    session->in_transaction = false;
    if (status != MSEQ_OK && usable && session->lost) {
        mseq_error_prefix(err, "whether the transaction was committed is not known: ");
        mseq_error_code(err, "commit_unknown");
    }
    if (status == MSEQ_OK && strcmp(tag, "ROLLBACK") == 0) {
        session->saw_error = true;
        status = mseq_error_set(err, MSEQ_E_DATABASE,
                                "the transaction was rolled back, because a statement in it had "
                                "failed");
    }
    return status;
}

/* Also where the limits of the user's statements are reached. */
static void session_rollback(void *given) {
    enum { ROLLBACK_MS = 10000 };
    postgresql_session *session = given;
    bool sent = !session->begin;
    session->begin = NULL;
    session->in_transaction = false;
    if (!sent || session->lost || PQtransactionStatus(session->connection) == PQTRANS_IDLE)
        return;
    const mseq_cancellation *cancellation = session->cancellation;
    int64_t timeout_ms = session->timeout_ms;
    session_limit(session, NULL, ROLLBACK_MS);
    if (postgresql_command(session, "ROLLBACK", NULL, NULL) != MSEQ_OK)
        session->lost = session->saw_error = true;
    session_limit(session, cancellation, timeout_ms);
}

/* ---- Between two users -------------------------------------------------------------------------
 */

/* The answer is read when the session is used again, so that nobody waits for it. */
static bool session_reset(void *given) {
    postgresql_session *session = given;
    session->cancellation = NULL;
    session->timeout_ms = 0;
    session->begin = NULL;
    session->in_transaction = false;
    if (session->saw_error || session->lost || session->running ||
        PQstatus(session->connection) != CONNECTION_OK)
        return false;
    if (session->use == POSTGRESQL_UNUSED)
        return true;
    if (PQtransactionStatus(session->connection) == PQTRANS_ACTIVE ||
        postgresql_start(session, NULL) != MSEQ_OK)
        return false;
    session->resetting = true;
    return postgresql_reset_send(session) && postgresql_flush(session, NULL) == MSEQ_OK;
}

/* Whether the server has closed the connection. The answer to a reset that the server is still at
 * is read with that of the next statement, where that is a governed one: it waits once then. */
static bool session_alive(void *given) {
    postgresql_session *session = given;
    PGconn *connection = session->connection;
    if (session->saw_error || !PQconsumeInput(connection) || PQstatus(connection) != CONNECTION_OK)
        return false;
    if (session->resetting && session->target->governed_schema && PQisBusy(connection))
        return true;
    if (session->resetting && !(postgresql_reset_receive(session) && PQconsumeInput(connection)))
        return false;
    return !PQisBusy(connection) && PQstatus(connection) == CONNECTION_OK;
}

/* ---- The table ---------------------------------------------------------------------------------
 */

static mseq_status run(void *session, const char *sql, const mseq_value *parameters,
                       const database_sink *sink, int64_t *affected, mseq_error *err) {
    return postgresql_run(session, sql, parameters, sink, affected, err);
}

static mseq_status script(void *session, const char *sql, mseq_error *err) {
    return postgresql_script(session, sql, err);
}

static mseq_status table_names(void *session, const char *schema, mseq_strings *names,
                               mseq_error *err) {
    return postgresql_table_names(session, schema, names, err);
}

static mseq_status reflect_table(void *session, const char *schema, const char *name,
                                 mseq_table **table, mseq_error *err) {
    return postgresql_reflect_table(session, schema, name, table, err);
}

static mseq_status encrypt_password(void *session, const char *role, const char *password,
                                    char **verifier, mseq_error *err) {
    return postgresql_encrypt_password(session, role, password, verifier, err);
}

static mseq_status run_governed(void *session, const mseq_governed_statement *statement,
                                mseq_governed_result *result, mseq_error *err) {
    return postgresql_run_governed(session, statement, result, err);
}

/* Values say their types: nobody asks where they come from. */
static mseq_status cursor_open(void *session, const mseq_governed_statement *statement,
                               void **cursor, mseq_value **origins, mseq_error *err) {
    *origins = NULL;
    return postgresql_cursor_open(session, statement, cursor, err);
}

const database_driver database_postgresql_driver = {
    .dialect = MSEQ_POSTGRESQL,
    .open = target_open,
    .close = target_close,
    .connect = session_open,
    .disconnect = session_close,
    .reset = session_reset,
    .alive = session_alive,
    .limit = session_limit,
    .run = run,
    .script = script,
    .begin = session_begin,
    .commit = session_commit,
    .rollback = session_rollback,
    .in_transaction = session_in_transaction,
    .table_names = table_names,
    .reflect_table = reflect_table,
    .encrypt_password = encrypt_password,
    .run_governed = run_governed,
    .cursor_open = cursor_open,
    .cursor_next = postgresql_cursor_next,
    .cursor_close = postgresql_cursor_close,
};
