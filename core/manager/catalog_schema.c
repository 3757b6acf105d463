/* SPDX-License-Identifier: MIT
 * The catalog's schema: its versions, how it is made, upgraded and refused.
 *
 * Text and integers only, so that the same statements serve SQLite and PostgreSQL: booleans are 0
 * or 1, times are text of fixed width, documents JSON text. A row of meta_table carries its
 * ready-made reply in `document`; the other columns are what look-ups need and are derived from it
 * in one place (rows.c). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mainsequence/ddl.h"

#include "manager_private.h"

static const char version_1[] =
    "CREATE TABLE organization ("
    " uid TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL);"
    "CREATE TABLE platform_user ("
    " uid TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE,"
    " organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " username TEXT NOT NULL, is_admin INTEGER NOT NULL, created_at TEXT NOT NULL,"
    " UNIQUE (organization_uid, username));"
    "CREATE TABLE data_source ("
    " uid TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE,"
    " organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " display_name TEXT NOT NULL, class_type TEXT NOT NULL, status TEXT NOT NULL,"
    " location TEXT NOT NULL, created_at TEXT NOT NULL);" /* of sqlite: a file of the folder */
    "CREATE TABLE project ("
    " uid TEXT PRIMARY KEY, organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " project_name TEXT NOT NULL, data_source_uid TEXT NOT NULL REFERENCES data_source (uid),"
    " created_by_user_uid TEXT NOT NULL REFERENCES platform_user (uid), created_at TEXT NOT NULL);"
    "CREATE TABLE meta_table ("
    " uid TEXT PRIMARY KEY,"
    " organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " data_source_uid TEXT NOT NULL REFERENCES data_source (uid),"
    " physical_table_name TEXT NOT NULL, identifier TEXT, namespace TEXT,"
    " time_indexed INTEGER NOT NULL, management_mode TEXT NOT NULL,"
    " provisioning_status TEXT NOT NULL, schema_management_mode TEXT NOT NULL,"
    " migration_provider_key TEXT, alembic_version_meta_table_uid TEXT,"
    " was_seen INTEGER NOT NULL," /* its physical table existed at some time */
    " open_for_everyone INTEGER NOT NULL,"
    " created_at TEXT NOT NULL,"
    " created_by_user_uid TEXT NOT NULL REFERENCES platform_user (uid),"
    " search_text TEXT NOT NULL, column_text TEXT NOT NULL," /* case folded */
    " column_types TEXT NOT NULL," /* {column: data type}, of those that values depend on */
    " document TEXT NOT NULL,"
    " UNIQUE (data_source_uid, physical_table_name));"
    "CREATE UNIQUE INDEX meta_table_identifier ON meta_table"
    " (organization_uid, data_source_uid, identifier);"
    "CREATE INDEX meta_table_identifier_alone ON meta_table (identifier);"
    "CREATE INDEX meta_table_physical_name ON meta_table (physical_table_name);"
    "CREATE INDEX meta_table_creation ON meta_table (organization_uid, time_indexed, created_at, "
    "uid);"
    "CREATE INDEX meta_table_registry ON meta_table (alembic_version_meta_table_uid);"
    "CREATE TABLE foreign_key ("
    " source_uid TEXT NOT NULL REFERENCES meta_table (uid) ON DELETE CASCADE,"
    " ordinal INTEGER NOT NULL, data_source_uid TEXT NOT NULL, name TEXT,"
    " source_columns TEXT NOT NULL, target_table TEXT NOT NULL,"
    " target_uid TEXT REFERENCES meta_table (uid) ON DELETE SET NULL,"
    " target_columns TEXT NOT NULL, on_delete TEXT, on_update TEXT,"
    " PRIMARY KEY (source_uid, ordinal));"
    "CREATE INDEX foreign_key_target ON foreign_key (target_uid);"
    "CREATE INDEX foreign_key_target_name ON foreign_key (data_source_uid, target_table);"
    "CREATE TABLE label ("
    " id INTEGER PRIMARY KEY, organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " name TEXT NOT NULL, folded TEXT NOT NULL, slug TEXT NOT NULL, created_at TEXT NOT NULL,"
    " UNIQUE (organization_uid, folded));"
    "CREATE TABLE meta_table_label ("
    " meta_table_uid TEXT NOT NULL REFERENCES meta_table (uid) ON DELETE CASCADE,"
    " label_id INTEGER NOT NULL REFERENCES label (id), ordinal INTEGER NOT NULL,"
    " PRIMARY KEY (meta_table_uid, label_id));"
    "CREATE INDEX meta_table_label_label ON meta_table_label (label_id);";

/* Who may do what, and how they show who they are. Of a token or a password only a digest is kept.
 * A grant of edit holds for viewing too. */
static const char version_2[] =
    "ALTER TABLE platform_user ADD COLUMN first_name TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE platform_user ADD COLUMN last_name TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE platform_user ADD COLUMN email TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE platform_user ADD COLUMN is_disabled INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE platform_user ADD COLUMN password_hash TEXT;" /* NULL: cannot log in by one */
    "CREATE UNIQUE INDEX platform_user_username ON platform_user (username);"
    "CREATE TABLE team ("
    " uid TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE,"
    " organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " name TEXT NOT NULL, description TEXT NOT NULL, created_at TEXT NOT NULL,"
    " UNIQUE (organization_uid, name));"
    "CREATE TABLE team_member ("
    " team_uid TEXT NOT NULL REFERENCES team (uid) ON DELETE CASCADE,"
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " PRIMARY KEY (user_uid, team_uid));"
    "CREATE INDEX team_member_team ON team_member (team_uid);"
    "CREATE TABLE user_grant ("
    " meta_table_uid TEXT NOT NULL REFERENCES meta_table (uid) ON DELETE CASCADE,"
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " access TEXT NOT NULL CHECK (access IN ('view', 'edit')),"
    " PRIMARY KEY (meta_table_uid, user_uid, access));"
    "CREATE INDEX user_grant_user ON user_grant (user_uid);"
    "CREATE TABLE team_grant ("
    " meta_table_uid TEXT NOT NULL REFERENCES meta_table (uid) ON DELETE CASCADE,"
    " team_uid TEXT NOT NULL REFERENCES team (uid) ON DELETE CASCADE,"
    " access TEXT NOT NULL CHECK (access IN ('view', 'edit')),"
    " PRIMARY KEY (meta_table_uid, team_uid, access));"
    "CREATE INDEX team_grant_team ON team_grant (team_uid);"
    "CREATE TABLE access_state (revision INTEGER NOT NULL);" /* changes with every change of access
                                                              */
    "INSERT INTO access_state (revision) VALUES (1);"
    "CREATE TABLE access_token ("
    " uid TEXT PRIMARY KEY,"
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " kind TEXT NOT NULL CHECK (kind IN ('session', 'runtime', 'personal')), name TEXT,"
    " digest TEXT NOT NULL,"
    " family_uid TEXT,"                            /* session: the login; runtime: the credential */
    " created_at TEXT NOT NULL, expires_at TEXT);" /* NULL: never */
    "CREATE INDEX access_token_user ON access_token (user_uid, expires_at);"
    "CREATE INDEX access_token_family ON access_token (family_uid);"
    "CREATE TABLE refresh_token ("
    " uid TEXT PRIMARY KEY, family_uid TEXT NOT NULL,"
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " digest TEXT NOT NULL, is_used INTEGER NOT NULL,"
    " created_at TEXT NOT NULL, expires_at TEXT NOT NULL);"
    "CREATE INDEX refresh_token_user ON refresh_token (user_uid, expires_at);"
    "CREATE INDEX refresh_token_family ON refresh_token (family_uid);"
    "CREATE TABLE runtime_credential ("
    " uid TEXT PRIMARY KEY,"
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " name TEXT, digest TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT);"
    "CREATE INDEX runtime_credential_user ON runtime_credential (user_uid);"
    "ALTER TABLE meta_table ADD COLUMN id INTEGER;"
    "UPDATE meta_table SET id = numbered.position FROM (SELECT uid, ROW_NUMBER() OVER"
    " (ORDER BY created_at, uid) AS position FROM meta_table) AS numbered"
    " WHERE numbered.uid = meta_table.uid;"
    "CREATE UNIQUE INDEX meta_table_id ON meta_table (id);"
    "CREATE INDEX meta_table_creator ON meta_table (created_by_user_uid);";

const manager_catalog_step manager_catalog_steps[] = {{version_1}, {version_2}};
const size_t manager_catalog_step_count =
    sizeof manager_catalog_steps / sizeof *manager_catalog_steps;

/* *version is 0 for a database without tables. */
static mseq_status read_version(mseq_connection *catalog, int64_t *version, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_connection_table_names(catalog, NULL, &names, err);
    if (status != MSEQ_OK)
        return status;
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

static mseq_status check_version(int64_t version, size_t count, mseq_error *err) {
    if (version >= 0 && version <= (int64_t)count)
        return MSEQ_OK;
    if (version < 0)
        return mseq_error_set(err, MSEQ_E_DATABASE, "its version cannot be read");
    manager_refuse(err, MSEQ_E_DATABASE, "catalog_too_new",
                   "it has version %lld, this program knows versions up to %zu", (long long)version,
                   count);
    mseq_error_hint(err, "use the newer version of mainsequence that wrote it");
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
                                mseq_error *err) {
    char *temporary = mseq_text_format("%s.copy", path);
    char *final = mseq_text_format("%s.version-%lld", path, (long long)version);
    mseq_status status =
        temporary && final ? copy_to(catalog, temporary, final, err) : mseq_error_no_memory(err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "it was not upgraded, because the copy before failed: ");
    free(temporary);
    free(final);
    return status;
}

/* ---- Making and upgrading ----------------------------------------------------------------------
 */

static mseq_status seed(mseq_connection *catalog, mseq_error *err) {
    char organization[37], user[37], source[37], project[37], now[32];
    mseq_status status = mseq_uuid_new(organization);
    if (status == MSEQ_OK)
        status = mseq_uuid_new(user);
    if (status == MSEQ_OK)
        status = mseq_uuid_new(source);
    if (status == MSEQ_OK)
        status = mseq_uuid_new(project);
    if (status != MSEQ_OK)
        return mseq_error_set(err, status, "no random uid");
    mseq_time_format(mseq_time_now(), false, now);
    status =
        manager_query(catalog, NULL, err,
                      "INSERT INTO organization (uid, name, created_at) VALUES (?1, 'local', ?2)",
                      "ss", organization, now);
    if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err,
                               "INSERT INTO platform_user (uid, id, organization_uid, username,"
                               " is_admin, created_at) VALUES (?1, 1, ?2, 'local', 1, ?3)",
                               "sss", user, organization, now);
    if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err,
                               "INSERT INTO data_source (uid, id, organization_uid, display_name,"
                               " class_type, status, location, created_at)"
                               " VALUES (?1, 1, ?2, 'local', 'sqlite', 'AVAILABLE', ?3, ?4)",
                               "ssss", source, organization, MANAGER_DATA_FILE, now);
    if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err,
                               "INSERT INTO project (uid, organization_uid, project_name,"
                               " data_source_uid, created_by_user_uid, created_at)"
                               " VALUES (?1, ?2, 'local', ?3, ?4, ?5)",
                               "sssss", project, organization, source, user, now);
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

static mseq_status run_steps(mseq_connection *catalog, const manager_catalog_step *steps,
                             int64_t from, size_t count, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (from == 0)
        status = mseq_connection_script(
            catalog,
            "CREATE TABLE catalog_version (version INTEGER NOT NULL, changed_at TEXT NOT NULL)",
            err);
    for (size_t i = (size_t)from; i < count && status == MSEQ_OK; i++)
        status = mseq_connection_script(catalog, steps[i].script, err);
    if (status == MSEQ_OK && from == 0)
        status = seed(catalog, err);
    if (status == MSEQ_OK)
        status = write_version(catalog, count, from == 0, err);
    return status;
}

/* Under the write lock: of several processes one does the work, the others find it done. */
static mseq_status bring_up(mseq_database *database, mseq_connection *catalog, const char *path,
                            const manager_catalog_step *steps, size_t count, mseq_error *err) {
    int64_t version = 0;
    mseq_status status = mseq_connection_begin(catalog, true, err);
    if (status == MSEQ_OK)
        status = read_version(catalog, &version, err);
    if (status == MSEQ_OK)
        status = check_version(version, count, err);
    if (status == MSEQ_OK && version > 0 && version < (int64_t)count)
        status = copy_catalog(database, path, version, err);
    if (status == MSEQ_OK && version < (int64_t)count)
        status = run_steps(catalog, steps, version, count, err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(catalog, err);
    return status;
}

mseq_status manager_catalog_prepare(mseq_database *catalog, const char *path,
                                    const manager_catalog_step *steps, size_t count,
                                    mseq_error *err) {
    mseq_connection *connection = NULL;
    int64_t version = 0;
    mseq_status status = mseq_database_connect(catalog, &connection, err);
    if (status == MSEQ_OK)
        status = read_version(connection, &version, err);
    if (status == MSEQ_OK)
        status = check_version(version, count, err);
    if (status == MSEQ_OK && version < (int64_t)count)
        status = bring_up(catalog, connection, path, steps, count, err);
    mseq_connection_release(connection);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the catalog '%s': ", path);
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
