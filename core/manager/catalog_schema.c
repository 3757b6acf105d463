/* SPDX-License-Identifier: MIT
 * The catalog's schema: how it is made, upgraded and refused. Its versions: catalog_versions.c. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mainsequence/ddl.h"

#include "catalog.h"

/* *version is 0 for a database without tables. */
static mseq_status read_version(mseq_connection *catalog, int64_t *version, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_connection_table_names(catalog, NULL, &names, err);
    if (status != MSEQ_OK) {
        mseq_strings_free(&names);
        return status;
    }
    if (names.count == 0) {
        *version = 0;
    } else if (!mseq_strings_contains(&names, "catalog_version")) {
        status = mseq_error_set(err, MSEQ_E_DATABASE,
                                "it is a database, but no catalog of a TS Manager (it holds the "
                                "table '%s')",
                                names.items[0]);
    } else {
        status = manager_query(catalog, &rows, err, "SELECT version FROM catalog_version", "");
        if (status == MSEQ_OK)
            *version = mseq_object_get_integer(mseq_array_get(rows, 0), "version", -1);
        mseq_value_free(rows);
    }
    mseq_strings_free(&names);
    return status;
}

/* The version, and the row it stands in for this transaction: who writes to the catalog takes it
 * first, so that writers come one after the other, as on SQLite, whose transaction has the whole
 * database. */
static mseq_status lock_version(mseq_connection *catalog, int64_t *version, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(catalog, &rows, err,
                                       mseq_connection_dialect(catalog) == MSEQ_SQLITE
                                           ? "SELECT version FROM catalog_version"
                                           : "SELECT version FROM catalog_version FOR UPDATE",
                                       "");
    if (status == MSEQ_OK)
        *version = mseq_object_get_integer(mseq_array_get(rows, 0), "version", -1);
    mseq_value_free(rows);
    return status;
}

mseq_status manager_catalog_lock(mseq_connection *catalog, mseq_error *err) {
    int64_t version = 0, ours = (int64_t)manager_catalog_step_count;
    mseq_status status = lock_version(catalog, &version, err);
    if (status != MSEQ_OK || version == ours)
        return status;
    manager_refuse(err, MSEQ_E_DATABASE, "catalog_changed",
                   "the catalog was brought to version %lld while this program, which knows "
                   "version %lld, was running",
                   (long long)version, (long long)ours);
    mseq_error_hint(err, "start it again in the version of mainsequence that upgraded the catalog");
    return MSEQ_E_DATABASE;
}

static mseq_status refuse_newer(int64_t version, mseq_error *err) {
    manager_refuse(err, MSEQ_E_DATABASE, "catalog_too_new",
                   "it has version %lld, this program knows versions up to %zu", (long long)version,
                   manager_catalog_step_count);
    mseq_error_hint(err, "use the newer version of mainsequence that wrote it");
    return MSEQ_E_DATABASE;
}

/* Whether the policy lets this program use or change a catalog of that version. */
static mseq_status check_version(int64_t version, manager_catalog_policy policy, mseq_error *err) {
    int64_t ours = (int64_t)manager_catalog_step_count;
    if (version < 0)
        return mseq_error_set(err, MSEQ_E_DATABASE, "its version cannot be read");
    if (version > ours)
        return refuse_newer(version, err);
    if (version == ours || policy == MANAGER_CATALOG_UPGRADE ||
        (version == 0 && policy == MANAGER_CATALOG_CREATE))
        return MSEQ_OK;
    if (version == 0)
        manager_refuse(err, MSEQ_E_DATABASE, "catalog_missing", "it is empty");
    else
        manager_refuse(err, MSEQ_E_DATABASE, "catalog_too_old",
                       "it has version %lld, this program needs version %lld", (long long)version,
                       (long long)ours);
    mseq_error_hint(err, "run 'mainsequence manager upgrade' with the same catalog%s",
                    version > 0 ? ", after its servers have stopped" : "");
    return MSEQ_E_DATABASE;
}

/* ---- A copy before an upgrade ------------------------------------------------------------------
 */

/* A consistent copy beside the catalog, through a second connection: the caller holds the write
 * lock, so nothing changes meanwhile. Under a temporary name first, so that an interrupted copy is
 * never taken for a good one. */
static mseq_status copy_to(mseq_database *catalog, const char *temporary, const char *final,
                           mseq_error *err) {
    mseq_connection *reader = NULL;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    unlink(temporary);
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return mseq_error_set(err, MSEQ_E_IO, "cannot create '%s'", temporary);
    close(descriptor);
    mseq_status status = mseq_database_connect(catalog, &reader, err);
    if (status == MSEQ_OK) {
        mseq_buffer_append_text(&sql, "VACUUM INTO ");
        mseq_ddl_literal(temporary, &sql);
        status = sql.status == MSEQ_OK ? mseq_connection_script(reader, mseq_buffer_text(&sql), err)
                                       : mseq_error_no_memory(err);
        mseq_connection_release(reader);
    }
    if (status == MSEQ_OK && rename(temporary, final) != 0)
        status = mseq_error_set(err, MSEQ_E_IO, "cannot write '%s'", final);
    if (status != MSEQ_OK)
        unlink(temporary);
    mseq_buffer_free(&sql);
    return status;
}

static mseq_status copy_catalog(mseq_database *catalog, const char *path, int64_t version,
                                char **copy, mseq_error *err) {
    char *temporary = mseq_text_format("%s.copy", path);
    char *final = mseq_text_format("%s.version-%lld", path, (long long)version);
    mseq_status status =
        temporary && final ? copy_to(catalog, temporary, final, err) : mseq_error_no_memory(err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "it was not upgraded, because the copy before failed: ");
    else
        *copy = final;
    free(temporary);
    if (status != MSEQ_OK)
        free(final);
    return status;
}

/* ---- Making and upgrading ----------------------------------------------------------------------
 */

/* A file of the folder is a data source for those who share the folder; servers that share a
 * database do not. */
static mseq_status seed_source(mseq_connection *catalog, const char *organization,
                               const char *source, const char *now, mseq_error *err) {
    return manager_query(catalog, NULL, err,
                         "INSERT INTO data_source (uid, id, organization_uid, display_name,"
                         " class_type, status, location, created_at)"
                         " VALUES (?1, 1, ?2, 'local', 'sqlite', 'AVAILABLE', ?3, ?4)",
                         "ssss", source, organization, MANAGER_DATA_FILE, now);
}

static mseq_status seed(mseq_connection *catalog, mseq_error *err) {
    char organization[37], user[37], source[37], project[37], now[32];
    bool with_source = mseq_connection_dialect(catalog) == MSEQ_SQLITE;
    if (mseq_uuid_new(organization) != MSEQ_OK || mseq_uuid_new(user) != MSEQ_OK ||
        mseq_uuid_new(source) != MSEQ_OK || mseq_uuid_new(project) != MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_IO, "no random uid");
    mseq_time_format(mseq_time_now(), false, now);
    mseq_status status =
        manager_query(catalog, NULL, err,
                      "INSERT INTO organization (uid, name, created_at) VALUES (?1, 'local', ?2)",
                      "ss", organization, now);
    if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err,
                               "INSERT INTO platform_user (uid, id, organization_uid, username,"
                               " is_admin, created_at) VALUES (?1, 1, ?2, 'local', 1, ?3)",
                               "sss", user, organization, now);
    if (status == MSEQ_OK && with_source)
        status = seed_source(catalog, organization, source, now, err);
    if (status == MSEQ_OK)
        status =
            manager_query(catalog, NULL, err,
                          "INSERT INTO project (uid, organization_uid, project_name,"
                          " data_source_uid, created_by_user_uid, created_at)"
                          " VALUES (?1, ?2, 'local', ?3, ?4, ?5)",
                          "sssss", project, organization, with_source ? source : NULL, user, now);
    return status;
}

static mseq_status write_version(mseq_connection *catalog, size_t version, bool fresh,
                                 mseq_error *err) {
    char now[32];
    mseq_time_format(mseq_time_now(), false, now);
    return manager_query(catalog, NULL, err,
                         fresh ? "INSERT INTO catalog_version (version, changed_at) VALUES (?1, ?2)"
                               : "UPDATE catalog_version SET version = ?1, changed_at = ?2",
                         "is", (int64_t)version, now);
}

/* ---- One script, two databases ------------------------------------------------------------------
 */

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The types of a script as PostgreSQL has them. Their names stand in scripts for nothing else. */
static void append_for_postgresql(mseq_buffer *text, const char *script) {
    static const char *const types[][2] = {{"TEXT", "TEXT COLLATE \"C\""}, {"INTEGER", "BIGINT"}};
    while (*script) {
        size_t length = 0, type = 0;
        while (is_word(script[length]))
            length++;
        while (type < 2 &&
               (strlen(types[type][0]) != length || strncmp(script, types[type][0], length) != 0))
            type++;
        if (type < 2)
            mseq_buffer_append_text(text, types[type][1]);
        else
            mseq_buffer_append(text, script, length ? length : 1);
        script += length ? length : 1;
    }
}

static mseq_status run_script(mseq_connection *catalog, const char *script, mseq_error *err) {
    if (!script)
        return MSEQ_OK;
    if (mseq_connection_dialect(catalog) == MSEQ_SQLITE)
        return mseq_connection_script(catalog, script, err);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    append_for_postgresql(&text, script);
    mseq_status status = text.status == MSEQ_OK
                             ? mseq_connection_script(catalog, mseq_buffer_text(&text), err)
                             : mseq_error_no_memory(err);
    mseq_buffer_free(&text);
    return status;
}

static mseq_status run_steps(mseq_connection *catalog, int64_t from, mseq_error *err) {
    bool sqlite = mseq_connection_dialect(catalog) == MSEQ_SQLITE;
    size_t count = manager_catalog_step_count;
    mseq_status status = MSEQ_OK;
    if (from == 0)
        status = run_script(
            catalog,
            "CREATE TABLE catalog_version (version INTEGER NOT NULL, changed_at TEXT NOT NULL)",
            err);
    for (size_t i = (size_t)from; i < count && status == MSEQ_OK; i++) {
        const manager_catalog_step *step = &manager_catalog_steps[i];
        status = run_script(catalog, step->script, err);
        if (status == MSEQ_OK)
            status = run_script(catalog, sqlite ? step->sqlite : step->postgresql, err);
    }
    if (status == MSEQ_OK && from == 0)
        status = seed(catalog, err);
    if (status == MSEQ_OK)
        status = write_version(catalog, count, from == 0, err);
    return status;
}

/* ---- Bringing up to date -----------------------------------------------------------------------
 */

/* What must wait in line on PostgreSQL before there is a table to lock. */
static mseq_status lock_database(mseq_connection *catalog, mseq_error *err) {
    if (mseq_connection_dialect(catalog) == MSEQ_SQLITE)
        return MSEQ_OK;
    return manager_query(catalog, NULL, err,
                         "SELECT pg_advisory_xact_lock(hashtext('mainsequence catalog'))", "");
}

/* Under the write lock: of several processes one does the work, the others find it done. */
static mseq_status bring_up(mseq_database *database, mseq_connection *catalog,
                            const manager_catalog_place *place, manager_catalog_policy policy,
                            manager_catalog_change *change, mseq_error *err) {
    int64_t ours = (int64_t)manager_catalog_step_count;
    mseq_status status = mseq_connection_begin(catalog, true, err);
    if (status == MSEQ_OK)
        status = lock_database(catalog, err);
    if (status == MSEQ_OK)
        status = read_version(catalog, &change->before, err);
    if (status == MSEQ_OK && change->before > 0)
        status = lock_version(catalog, &change->before, err);
    if (status == MSEQ_OK)
        status = check_version(change->before, policy, err);
    if (status == MSEQ_OK && place->file && change->before > 0 && change->before < ours)
        status = copy_catalog(database, place->file, change->before, &change->copy, err);
    if (status == MSEQ_OK && change->before < ours)
        status = run_steps(catalog, change->before, err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(catalog, err);
    return status;
}

mseq_status manager_catalog_prepare(mseq_database *catalog, const manager_catalog_place *place,
                                    manager_catalog_policy policy, manager_catalog_change *change,
                                    mseq_error *err) {
    mseq_connection *connection = NULL;
    *change = (manager_catalog_change){0, (int64_t)manager_catalog_step_count, NULL};
    mseq_status status = mseq_database_connect(catalog, &connection, err);
    if (status == MSEQ_OK)
        status = read_version(connection, &change->before, err);
    if (status == MSEQ_OK)
        status = check_version(change->before, policy, err);
    if (status == MSEQ_OK && change->before < change->after)
        status = bring_up(catalog, connection, place, policy, change, err);
    mseq_connection_release(connection);
    if (status != MSEQ_OK) {
        free(change->copy);
        change->copy = NULL;
        mseq_error_prefix(err, "the catalog '%s': ", place->name);
    }
    return status;
}

mseq_status manager_catalog_local_user(mseq_connection *catalog, manager_caller *caller,
                                       mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(catalog, &rows, err,
                                       "SELECT uid, organization_uid, username, is_admin"
                                       " FROM platform_user WHERE id = 1",
                                       "");
    if (status == MSEQ_OK)
        status = manager_caller_from_record(mseq_array_get(rows, 0), caller, err);
    caller->local = status == MSEQ_OK;
    mseq_value_free(rows);
    return status;
}
