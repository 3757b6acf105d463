/* SPDX-License-Identifier: MIT
 * The SQLite driver: URIs, sessions, transactions.
 *
 * A memory database (sqlite://) is one database for all connections of its mseq_database: it lives
 * in SQLite's "memdb" file system under a name nobody else knows. A writer there locks readers out
 * (no WAL), who wait as for a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sqlite_governed.h"

static const int64_t BUSY_TIMEOUT_MS = 10000;

/* The path is taken as it stands: no percent decoding and no "?options", so that every file can be
 * named. A relative one holds for the folder of now. */
static mseq_status read_uri(const char *uri, sqlite_target *target, mseq_error *err) {
    const char *path = NULL;
    if (strcmp(uri, "sqlite://") == 0 || strcmp(uri, "sqlite:///") == 0 ||
        strcmp(uri, "sqlite:///:memory:") == 0)
        path = "";
    else if (strncmp(uri, "sqlite:///", 10) == 0)
        path = uri + 10;
    if (!path) {
        mseq_error_set(err, MSEQ_E_ARGUMENT, "the database URI '%s' is not of SQLite's form", uri);
        mseq_error_hint(err, "write sqlite:////absolute/path, sqlite:///relative/path or sqlite:// "
                             "(memory)");
        return MSEQ_E_ARGUMENT;
    }
    char name[37];
    if (path[0] == '\0') {
        mseq_status status = mseq_uuid_new(name);
        if (status != MSEQ_OK)
            return mseq_error_set(err, status, "no random name for a memory database");
        target->open_name = mseq_text_format("file:/mainsequence-%s?vfs=memdb", name);
    } else if (path[0] == '/') {
        target->path = strdup(path);
    } else {
        char *folder = getcwd(NULL, 0);
        if (!folder)
            return mseq_error_set(err, MSEQ_E_IO, "the current folder cannot be read: %s",
                                  strerror(errno));
        target->path = mseq_text_format("%s/%s", folder, path);
        free(folder);
    }
    if (!target->open_name && target->path)
        target->open_name = strdup(target->path);
    return target->open_name ? MSEQ_OK : mseq_error_no_memory(err);
}

static void target_close(void *opened) {
    sqlite_target *target = opened;
    sqlite3_close(target->anchor);
    free(target->path);
    free(target->open_name);
    free(target);
}

static mseq_status target_open(const mseq_database_options *options, void **opened,
                               mseq_error *err) {
    sqlite_target *target = calloc(1, sizeof *target);
    if (!target)
        return mseq_error_no_memory(err);
    target->read_only = options->read_only;
    target->must_exist = options->must_exist;
    target->busy_timeout_ms =
        options->busy_timeout_ms > 0 ? options->busy_timeout_ms : BUSY_TIMEOUT_MS;
    mseq_status status = read_uri(options->uri, target, err);
    if (status == MSEQ_OK && !target->path) {
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
        int code = sqlite3_open_v2(target->open_name, &target->anchor, flags, NULL);
        /* the database is there from the first access on */
        if (code == SQLITE_OK)
            code = sqlite3_exec(target->anchor, "PRAGMA user_version = 0", NULL, NULL, NULL);
        if (code != SQLITE_OK)
            status = code == SQLITE_NOMEM
                         ? mseq_error_no_memory(err)
                         : mseq_error_set(err, MSEQ_E_DATABASE, "no memory database: %s",
                                          sqlite3_errstr(code));
    }
    if (status != MSEQ_OK) {
        target_close(target);
        return status;
    }
    *opened = target;
    return MSEQ_OK;
}

static void session_close(void *closed) {
    sqlite_session *session = closed;
    sqlite_handle_close(session->judge);
    sqlite_handle_close(session->reader);
    sqlite_handle_close(session->writer);
    sqlite_handle_close(session->handle);
    free(session);
}

static mseq_status session_open(void *target, void **opened, mseq_error *err) {
    sqlite_session *session = calloc(1, sizeof *session);
    if (!session)
        return mseq_error_no_memory(err);
    session->target = target;
    mseq_status status = sqlite_handle_open(target, &session->handle, err);
    if (status != MSEQ_OK) {
        session_close(session);
        return status;
    }
    *opened = session;
    return MSEQ_OK;
}

static sqlite_handle *handle_of(void *session) {
    return ((sqlite_session *)session)->handle;
}

static bool session_in_transaction(void *session) {
    return !sqlite3_get_autocommit(handle_of(session)->db);
}

/* The clock of a statement that is not governed. */
static void start_clock(sqlite_handle *handle) {
    handle->stop = LITE_STOP_NONE;
    handle->deadline = handle->timeout_ms > 0 ? mseq_monotonic_ms() + handle->timeout_ms : 0;
}

static mseq_status run(void *session, const char *sql, const mseq_value *parameters,
                       const database_sink *sink, int64_t *affected, mseq_error *err) {
    start_clock(handle_of(session));
    return sqlite_run(handle_of(session), sql, parameters, sink, affected, err);
}

static mseq_status script(void *session, const char *sql, mseq_error *err) {
    start_clock(handle_of(session));
    return sqlite_script(handle_of(session), sql, err);
}

static mseq_status run_plain(void *session, const char *sql, mseq_error *err) {
    database_sink nothing = {NULL, NULL};
    int64_t affected;
    return run(session, sql, NULL, &nothing, &affected, err);
}

static mseq_status session_begin(void *session, bool write, mseq_error *err) {
    sqlite_handle *handle = handle_of(session);
    if (write && sqlite3_db_readonly(handle->db, "main") == 1) /* SQLite would let it begin */
        return sqlite_fail(handle, SQLITE_READONLY, NULL, err);
    return run_plain(session, write ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

static mseq_status session_commit(void *session, mseq_error *err) {
    return run_plain(session, "COMMIT", err);
}

static void session_rollback(void *session) {
    sqlite_handle *handle = handle_of(session);
    if (run_plain(session, "ROLLBACK", NULL) != MSEQ_OK && session_in_transaction(session))
        handle->serious = true;
}

static bool is_fit(const sqlite_handle *handle) {
    return !handle || (!handle->serious && sqlite3_get_autocommit(handle->db));
}

static void session_limit(void *session, const mseq_cancellation *cancellation,
                          int64_t timeout_ms) {
    sqlite_handle *handle = handle_of(session);
    handle->cancellation = cancellation;
    handle->timeout_ms = timeout_ms;
    handle->deadline = 0;
    handle->stop = LITE_STOP_NONE;
    bool limited = cancellation || timeout_ms > 0;
    sqlite3_progress_handler(handle->db, limited ? 1000 : 0, limited ? sqlite_progress : NULL,
                             handle);
}

static bool session_reset(void *given) {
    sqlite_session *session = given;
    session_limit(session, NULL, 0);
    if (session_in_transaction(session))
        session_rollback(session);
    return !session->handle->dirty && is_fit(session->handle) && is_fit(session->judge) &&
           is_fit(session->reader) && is_fit(session->writer);
}

static bool session_mark(void *session, mseq_database_mark *mark) {
    return sqlite_mark(handle_of(session), mark);
}

static mseq_status session_table_names(void *session, const char *schema, mseq_strings *names,
                                       mseq_error *err) {
    return sqlite_table_names(handle_of(session), schema, names, err);
}

static mseq_status session_reflect_table(void *session, const char *schema, const char *name,
                                         mseq_table **table, mseq_error *err) {
    return sqlite_reflect_table(handle_of(session), schema, name, table, err);
}

static mseq_status session_dependents(void *session, const char *name, mseq_value **dependents,
                                      mseq_error *err) {
    return sqlite_dependents(handle_of(session), name, dependents, err);
}

static mseq_status session_run_governed(void *session, const mseq_governed_statement *statement,
                                        mseq_governed_result *result, mseq_error *err) {
    return sqlite_run_governed(session, statement, result, err);
}

static mseq_status session_cursor_open(void *session, const mseq_governed_statement *statement,
                                       void **cursor, mseq_value **origins, mseq_error *err) {
    return sqlite_cursor_open(session, statement, cursor, origins, err);
}

const database_driver database_sqlite_driver = {
    .dialect = MSEQ_SQLITE,
    .open = target_open,
    .close = target_close,
    .connect = session_open,
    .disconnect = session_close,
    .reset = session_reset,
    .limit = session_limit,
    .run = run,
    .script = script,
    .begin = session_begin,
    .commit = session_commit,
    .rollback = session_rollback,
    .in_transaction = session_in_transaction,
    .mark = session_mark,
    .table_names = session_table_names,
    .reflect_table = session_reflect_table,
    .dependents = session_dependents,
    .run_governed = session_run_governed,
    .cursor_open = session_cursor_open,
    .cursor_next = sqlite_cursor_next,
    .cursor_close = sqlite_cursor_close,
};
