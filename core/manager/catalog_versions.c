/* SPDX-License-Identifier: MIT
 * The catalog's versions: a script each, run after those before it.
 *
 * Text and integers only, so that one script serves SQLite and PostgreSQL: booleans are 0 or 1,
 * times are text of fixed width, documents JSON text. On PostgreSQL catalog_schema.c makes TEXT
 * compare by bytes and INTEGER 64 bits wide, as both are on SQLite. What only one database has
 * stands in a part of its own. A version that was released is never changed: add another.
 *
 * A row of meta_table carries its ready-made reply in `document`; the other columns are what
 * look-ups need and are derived from it in one place (rows.c). */
#include "catalog.h"

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

/* Data sources of class postgresql. `location` is a URI without a secret, or for SQLite a file; the
 * whole URI is where secret_kind says: 'none' (location is all), 'file' (secrets/<uid>.uri in the
 * folder of the TS Manager), 'environment' (the variable secret_name). A project may be without a
 * data source. */
static const char version_3[] =
    "ALTER TABLE data_source ADD COLUMN secret_kind TEXT NOT NULL DEFAULT 'none';"
    "ALTER TABLE data_source ADD COLUMN secret_name TEXT;"
    "ALTER TABLE data_source ADD COLUMN fence TEXT NOT NULL DEFAULT 'roles';"
    "ALTER TABLE data_source ADD COLUMN capabilities TEXT;" /* what the last test found, JSON */
    "CREATE TABLE project_next ("
    " uid TEXT PRIMARY KEY, organization_uid TEXT NOT NULL REFERENCES organization (uid),"
    " project_name TEXT NOT NULL, data_source_uid TEXT REFERENCES data_source (uid),"
    " created_by_user_uid TEXT NOT NULL REFERENCES platform_user (uid), created_at TEXT NOT NULL);"
    "INSERT INTO project_next (uid, organization_uid, project_name, data_source_uid,"
    " created_by_user_uid, created_at) SELECT uid, organization_uid, project_name,"
    " data_source_uid, created_by_user_uid, created_at FROM project;"
    "DROP TABLE project;"
    "ALTER TABLE project_next RENAME TO project;";

/* What search weighs differently. Tables that are there get it when they are written next; until
 * then all their words count as description, and their names by ASCII letters. */
static const char version_4[] =
    "ALTER TABLE meta_table ADD COLUMN name_text TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE meta_table ADD COLUMN description_text TEXT NOT NULL DEFAULT '';"
    "UPDATE meta_table SET description_text = search_text, name_text = lower(COALESCE(identifier, "
    "'') || ' ' ||"
    " physical_table_name || ' ' || COALESCE(namespace, ''));";

/* An index of trigrams beside the table, kept up to date by it. */
static const char version_4_sqlite[] =
    "CREATE VIRTUAL TABLE table_search USING fts5 (name_text, description_text, column_text,"
    " content = 'meta_table', content_rowid = 'id', tokenize = 'trigram');"
    "INSERT INTO table_search (table_search) VALUES ('rebuild');"
    "CREATE TRIGGER table_search_insert AFTER INSERT ON meta_table BEGIN"
    " INSERT INTO table_search (rowid, name_text, description_text, column_text)"
    " VALUES (new.id, new.name_text, new.description_text, new.column_text); END;"
    "CREATE TRIGGER table_search_delete AFTER DELETE ON meta_table BEGIN"
    " INSERT INTO table_search (table_search, rowid, name_text, description_text, column_text)"
    " VALUES ('delete', old.id, old.name_text, old.description_text, old.column_text); END;"
    "CREATE TRIGGER table_search_update AFTER UPDATE ON meta_table"
    " WHEN old.name_text <> new.name_text OR old.description_text <> new.description_text"
    " OR old.column_text <> new.column_text OR old.id IS NOT new.id BEGIN"
    " INSERT INTO table_search (table_search, rowid, name_text, description_text, column_text)"
    " VALUES ('delete', old.id, old.name_text, old.description_text, old.column_text);"
    " INSERT INTO table_search (rowid, name_text, description_text, column_text)"
    " VALUES (new.id, new.name_text, new.description_text, new.column_text); END;";

/* pg_trgm makes LIKE quick; where it may not be had, LIKE reads all rows. */
static const char version_4_postgresql[] =
    "DO $$ BEGIN"
    " CREATE EXTENSION IF NOT EXISTS pg_trgm;"
    " EXCEPTION WHEN OTHERS THEN NULL;"
    " END $$;"
    "DO $$ DECLARE place text; BEGIN" /* it may be in a schema that search_path leaves out */
    " SELECT nspname INTO place FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace"
    " WHERE extname = 'pg_trgm';"
    " IF place IS NOT NULL THEN"
    " EXECUTE format('CREATE INDEX meta_table_search ON meta_table"
    " USING gin (search_text %I.gin_trgm_ops)', place);"
    " EXECUTE format('CREATE INDEX meta_table_column_search ON meta_table"
    " USING gin (column_text %I.gin_trgm_ops)', place);"
    " END IF; END $$;";

/* Codes of logins through a browser. */
static const char version_5[] =
    "CREATE TABLE authorization_code ("
    " uid TEXT PRIMARY KEY,"
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " digest TEXT NOT NULL, challenge TEXT NOT NULL, redirect_uri TEXT NOT NULL,"
    " expires_at TEXT NOT NULL);";

/* What statements of callers may do in a data source. */
static const char version_6[] =
    "ALTER TABLE data_source ADD COLUMN access_mode TEXT NOT NULL DEFAULT 'read_write'"
    " CHECK (access_mode IN ('read_write', 'read_only', 'disabled'));";

/* Lists of callers who may view few tables start from those. */
static const char version_7[] =
    "CREATE INDEX meta_table_open ON meta_table (open_for_everyone) WHERE open_for_everyone = 1;";

/* The login role of a user in a data source. The password counts only for that role, which may do
 * there what the user may; `revision` is the access revision that its grants are of. */
static const char version_8[] =
    "CREATE TABLE fence_role ("
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " data_source_uid TEXT NOT NULL REFERENCES data_source (uid) ON DELETE CASCADE,"
    " role_name TEXT NOT NULL, password TEXT NOT NULL, schema_name TEXT NOT NULL,"
    " revision INTEGER NOT NULL, PRIMARY KEY (user_uid, data_source_uid));";

/* Grows with every change of the catalog, so that what was read of it may be remembered. */
static const char version_9[] =
    "ALTER TABLE access_state ADD COLUMN catalog_revision INTEGER NOT NULL DEFAULT 0;";

/* Passwords of these roles are made when they are needed, and kept nowhere. Revision 0: what an
 * older TS Manager made is gone over before it is used. */
static const char version_10[] =
    "CREATE TABLE fence_role_next ("
    " user_uid TEXT NOT NULL REFERENCES platform_user (uid) ON DELETE CASCADE,"
    " data_source_uid TEXT NOT NULL REFERENCES data_source (uid) ON DELETE CASCADE,"
    " role_name TEXT NOT NULL UNIQUE, schema_name TEXT NOT NULL, revision INTEGER NOT NULL,"
    " PRIMARY KEY (user_uid, data_source_uid));"
    "INSERT INTO fence_role_next (user_uid, data_source_uid, role_name, schema_name, revision)"
    " SELECT user_uid, data_source_uid, role_name, schema_name, 0 FROM fence_role;"
    "DROP TABLE fence_role;"
    "ALTER TABLE fence_role_next RENAME TO fence_role;";

const manager_catalog_step manager_catalog_steps[] = {
    {.script = version_1},
    {.script = version_2},
    {.script = version_3},
    {.script = version_4, .sqlite = version_4_sqlite, .postgresql = version_4_postgresql},
    {.script = version_5},
    {.script = version_6},
    {.script = version_7},
    {.script = version_8},
    {.script = version_9},
    {.script = version_10},
};
const size_t manager_catalog_step_count =
    sizeof manager_catalog_steps / sizeof *manager_catalog_steps;
