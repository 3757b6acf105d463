/* SPDX-License-Identifier: MIT
 * Opening a sqlite3 connection: settings, the file, waiting for locks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_governed.h"

/* Like SQLite's own busy handler, but it says how long it waited and can be stopped. */
static int wait_for_lock(void *data, int count) {
    static const int delays[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    sqlite_handle *handle = data;
    int64_t now = mseq_monotonic_ms();
    if (count == 0)
        handle->wait_since = now;
    handle->waited_ms = now - handle->wait_since;
    if (mseq_cancellation_is_set(handle->cancellation)) {
        handle->stop = LITE_STOP_CANCELLED;
        return 0;
    }
    int64_t left = handle->target->busy_timeout_ms - handle->waited_ms;
    if (handle->deadline && handle->deadline - now < left) {
        left = handle->deadline - now;
        if (left <= 0)
            handle->stop = LITE_STOP_DEADLINE;
    }
    if (left <= 0)
        return 0;
    int last = (int)(sizeof delays / sizeof *delays) - 1;
    int delay = delays[count < last ? count : last];
    sqlite3_sleep(left < delay ? (int)left : delay);
    return 1;
}

/* Every thousand instructions of SQLite's machine. Not 0 ends the statement. */
int sqlite_progress(void *data) {
    sqlite_handle *handle = data;
    if (mseq_cancellation_is_set(handle->cancellation))
        handle->stop = LITE_STOP_CANCELLED;
    else if (handle->deadline && mseq_monotonic_ms() >= handle->deadline)
        handle->stop = LITE_STOP_DEADLINE;
    return handle->stop != LITE_STOP_NONE;
}

/* SQLite would create the file for all to read; its journals take the file's mode. A file that is
 * there is not opened: closing it would end the locks that this process holds on it through SQLite
 * (POSIX locks belong to the process), and another process would take the WAL away as the last. */
static mseq_status create_file(const sqlite_target *target, mseq_error *err) {
    bool create = !target->read_only && !target->must_exist;
    struct stat facts;
    bool found = stat(target->path, &facts) == 0;
    if (found && !S_ISREG(facts.st_mode))
        return mseq_error_set(err, MSEQ_E_DATABASE, "'%s' is not a file", target->path);
    if (found && faccessat(AT_FDCWD, target->path, R_OK, AT_EACCESS) == 0)
        return MSEQ_OK;
    if (!found && errno == ENOENT && create) {
        int file = open(target->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file >= 0)
            close(file);
        if (file >= 0 || errno == EEXIST)
            return MSEQ_OK;
    }
    int why = errno;
    if (why == ENOENT && !create) {
        mseq_error_set(err, MSEQ_E_DATABASE, "database file '%s' does not exist", target->path);
    } else if (why == ENOENT) {
        mseq_error_set(err, MSEQ_E_DATABASE, "the folder of database file '%s' does not exist",
                       target->path);
        mseq_error_hint(err, "create the folder first");
    } else {
        mseq_error_set(err, MSEQ_E_DATABASE, "cannot open database file '%s': %s", target->path,
                       strerror(why));
    }
    if (why == ENOENT)
        mseq_error_code(err, "database_missing");
    return MSEQ_E_DATABASE;
}

static mseq_status pragma(sqlite_handle *handle, const char *sql, mseq_error *err) {
    int code = sqlite3_exec(handle->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? MSEQ_OK : sqlite_fail(handle, code, sql, err);
}

/* Also reads the file's head, so that what is no database is found here. */
static int read_journal_mode(sqlite_handle *handle) {
    sqlite3_stmt *stmt;
    int code = sqlite3_prepare_v2(handle->db, "PRAGMA journal_mode", -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(stmt);
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    handle->wal = mode && strcmp(mode, "wal") == 0;
    int finished = sqlite3_finalize(stmt);
    return code == SQLITE_ROW ? SQLITE_OK : finished;
}

/* Another process may be about to switch the journal itself, for which SQLite does not wait: so we
 * do. */
static mseq_status use_wal(sqlite_handle *handle, mseq_error *err) {
    int code = read_journal_mode(handle);
    if (code == SQLITE_OK && handle->wal)
        return MSEQ_OK;
    for (int count = 0; code == SQLITE_OK; count++) {
        code = sqlite3_exec(handle->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if ((code & 0xFF) != SQLITE_BUSY)
            break;
        if (wait_for_lock(handle, count))
            code = SQLITE_OK;
    }
    if (code == SQLITE_OK) /* some file systems cannot have one */
        code = read_journal_mode(handle);
    if (code == SQLITE_OK && handle->wal) /* it is opened by the first read behind the switch */
        code = sqlite3_exec(handle->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    return code == SQLITE_OK ? MSEQ_OK : sqlite_fail(handle, code, NULL, err);
}

static mseq_status configure(sqlite_handle *handle, mseq_error *err) {
    const sqlite_target *target = handle->target;
    sqlite3_extended_result_codes(handle->db, 1);
    sqlite3_busy_handler(handle->db, wait_for_lock, handle);
    sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    /* "text" in double quotes is an identifier or an error, never a string */
    sqlite3_db_config(handle->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (target->path && !target->read_only && sqlite3_db_readonly(handle->db, "main") == 0)
        return use_wal(handle, err);
    return pragma(handle, "SELECT 1 FROM sqlite_schema LIMIT 1", err);
}

mseq_status sqlite_handle_open(const sqlite_target *target, sqlite_handle **handle,
                               mseq_error *err) {
    mseq_status status = target->path ? create_file(target, err) : MSEQ_OK;
    if (status != MSEQ_OK)
        return status;
    sqlite_handle *opened = calloc(1, sizeof *opened);
    if (!opened)
        return mseq_error_no_memory(err);
    opened->target = target;
    int flags = (target->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                SQLITE_OPEN_NOMUTEX | (target->path ? 0 : SQLITE_OPEN_URI | SQLITE_OPEN_CREATE);
    int code = sqlite3_open_v2(target->open_name, &opened->db, flags, NULL);
    if (!opened->db)
        status = mseq_error_no_memory(err);
    else if (code != SQLITE_OK)
        status = sqlite_fail(opened, code, NULL, err);
    else
        status = configure(opened, err);
    if (status != MSEQ_OK) {
        sqlite_handle_close(opened);
        return status;
    }
    *handle = opened;
    return MSEQ_OK;
}

void sqlite_handle_close(sqlite_handle *handle) {
    if (!handle)
        return;
    sqlite_cache_clear(handle);
    sqlite3_close(handle->db);
    sqlite_guard_free(handle);
    free(handle);
}
