/* SPDX-License-Identifier: MIT
 * SQLite's result codes → our statuses. */
#include <stdio.h>
#include <string.h>

#include "sqlite_governed.h"

typedef struct code_row {
    int code; /* extended */
    const char *name;
    const char *sqlstate; /* of the SQL standard; NULL: none fits */
} code_row;

static const code_row constraint_codes[] = {
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK", "23514"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY", "23503"},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL", "23502"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY", "23505"},
    {SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID", "23505"},
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE", "23505"},
    {SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE", "22000"},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER", "23000"},
};

static void add_extended(int code, mseq_error *err) {
    if (!err)
        return;
    for (size_t i = 0; i < sizeof constraint_codes / sizeof *constraint_codes; i++) {
        if (constraint_codes[i].code == code) {
            snprintf(err->sqlstate, sizeof err->sqlstate, "%s", constraint_codes[i].sqlstate);
            mseq_error_detail(err, "%s (%d)", constraint_codes[i].name, code);
            return;
        }
    }
    mseq_error_detail(err, "SQLite result code %d (%s)", code, sqlite3_errstr(code));
}

/* "database '/path'". What strangers asked must not tell them where files are. */
static const char *subject(const sqlite_handle *handle, char text[300]) {
    const char *path = handle->target->path;
    if (handle->guard)
        return "the database";
    if (!path)
        return "the memory database";
    size_t length = strlen(path);
    snprintf(text, 300, "database '%s%s'", length > 250 ? "..." : "",
             path + (length > 250 ? length - 250 : 0));
    return text;
}

static mseq_status fail_busy(const sqlite_handle *handle, int code, mseq_error *err) {
    char text[300];
    if ((code & 0xFF) == SQLITE_LOCKED)
        return mseq_error_set(err, MSEQ_E_DATABASE_LOCKED,
                              "%s: a table is in use by another statement of the same "
                              "connection",
                              subject(handle, text));
    if (code == SQLITE_BUSY_SNAPSHOT) {
        mseq_error_set(err, MSEQ_E_DATABASE_LOCKED,
                       "%s was changed by another connection since this transaction "
                       "read it",
                       subject(handle, text));
        mseq_error_hint(err, "begin a transaction that will write as a write transaction");
        return MSEQ_E_DATABASE_LOCKED;
    }
    mseq_error_set(err, MSEQ_E_DATABASE_LOCKED,
                   "%s is locked by another connection; waited %lld ms", subject(handle, text),
                   (long long)handle->waited_ms);
    mseq_error_hint(err, "end the process or transaction that holds the lock, or try again");
    return MSEQ_E_DATABASE_LOCKED;
}

static mseq_status fail_full(const sqlite_handle *handle, int code, mseq_error *err) {
    char text[300];
    mseq_error_set(err, MSEQ_E_DATABASE_FULL, "%s cannot grow: %s", subject(handle, text),
                   code == SQLITE_FULL ? "the disk is full or its page limit is reached"
                                       : sqlite3_errmsg(handle->db));
    mseq_error_hint(err, "free space on the disk and try again");
    return MSEQ_E_DATABASE_FULL;
}

/* "… constraint failed: table.column, table.column" of a table that an author may hear of? Cascades
 * reach others. What names no table (CHECK, FOREIGN KEY) is told. */
static bool may_be_told(const mseq_governed_statement *statement, const char *message) {
    const char *at = strstr(message, " constraint failed: ");
    if (!at || strncmp(message, "CHECK", 5) == 0)
        return true;
    at += strlen(" constraint failed: ");
    for (size_t i = 0; i < statement->table_count; i++) {
        const char *name = statement->tables[i].name;
        size_t length = strlen(name);
        if (sqlite3_strnicmp(at, name, (int)length) == 0 && at[length] == '.')
            return true;
    }
    return false;
}

static mseq_status fail_constraint(const sqlite_handle *handle, int code, mseq_error *err) {
    const sqlite_guard *guard = handle->guard;
    const char *message = sqlite3_errmsg(handle->db);
    bool first = err && err->status == MSEQ_OK;
    if (guard && guard->statement && !may_be_told(guard->statement, message))
        message = "the statement violates a constraint of a table outside its scope";
    mseq_error_set(err, MSEQ_E_DATABASE_CONSTRAINT, "%s", message);
    add_extended(code, err);
    if (guard && first && strcmp(err->sqlstate, "23505") == 0)
        mseq_error_code(err, "unique_violation");
    else if (guard && first && strcmp(err->sqlstate, "23503") == 0)
        mseq_error_code(err, "foreign_key_violation");
    return MSEQ_E_DATABASE_CONSTRAINT;
}

static mseq_status fail_stopped(const sqlite_handle *handle, mseq_error *err) {
    if (handle->stop == LITE_STOP_CANCELLED)
        return mseq_error_set(err, MSEQ_E_CANCELLED, "the statement was cancelled");
    return mseq_error_set(err, MSEQ_E_TIMEOUT, "the statement passed its time limit");
}

static mseq_status fail_other(const sqlite_handle *handle, int code, const char *sql,
                              mseq_error *err) {
    char text[300];
    mseq_error_set(err, MSEQ_E_DATABASE, "%s: %s", subject(handle, text),
                   sqlite3_errmsg(handle->db));
    int offset = sql ? sqlite3_error_offset(handle->db) : -1;
    if (offset >= 0)
        mseq_error_detail(err, "near byte %d of: %.200s", offset + 1, sql);
    else if (sql)
        mseq_error_detail(err, "SQLite result code %d in: %.200s", code, sql);
    else
        add_extended(code, err);
    return MSEQ_E_DATABASE;
}

mseq_status sqlite_fail(sqlite_handle *handle, int code, const char *sql, mseq_error *err) {
    char text[300];
    int extended = sqlite3_extended_errcode(handle->db);
    if ((extended & 0xFF) == (code & 0xFF))
        code = extended; /* says more */
    if (handle->stop != LITE_STOP_NONE)
        return fail_stopped(handle, err);
    switch (code & 0xFF) {
    case SQLITE_NOMEM:
        handle->serious = true;
        return mseq_error_no_memory(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail_busy(handle, code, err);
    case SQLITE_READONLY:
        mseq_error_set(err, MSEQ_E_DATABASE_READ_ONLY, "%s is read-only", subject(handle, text));
        add_extended(code, err);
        return MSEQ_E_DATABASE_READ_ONLY;
    case SQLITE_FULL:
        return fail_full(handle, code, err);
    case SQLITE_CONSTRAINT:
        return fail_constraint(handle, code, err);
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_INTERNAL:
    case SQLITE_PROTOCOL:
        handle->serious = true;
        mseq_error_set(err, MSEQ_E_DATABASE, "%s: %s", subject(handle, text),
                       sqlite3_errmsg(handle->db));
        add_extended(code, err);
        return MSEQ_E_DATABASE;
    default:
        return fail_other(handle, code, sql, err);
    }
}
