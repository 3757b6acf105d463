/* SPDX-License-Identifier: MIT
 * What a data source's database lets the manager do: asked once, judged in one table of checks. */
#include <stdio.h>
#include <string.h>

#include "source_facts.h"

/* ---- Asking ------------------------------------------------------------------------------------
 */

/* Who owns what the manager and migrations make in a database: one role for each database of a
 * server, found again by its name. PostgreSQL cuts names at 63 bytes. */
static mseq_status name_owner(const char *database, char owner[MANAGER_IDENTIFIER_SIZE],
                              mseq_error *err) {
    enum { LONGEST = 63 };
    char digest[33];
    int length = snprintf(owner, MANAGER_IDENTIFIER_SIZE, "mseq_owner_%s", database);
    if (length > 0 && length <= LONGEST)
        return MSEQ_OK;
    mseq_status status = mseq_md5_hex(database, strlen(database), digest);
    if (status != MSEQ_OK)
        return mseq_error_set(err, status, "no digest of the database's name");
    snprintf(owner, MANAGER_IDENTIFIER_SIZE, "mseq_owner_%s", digest);
    return MSEQ_OK;
}

static void copy_text(char text[MANAGER_IDENTIFIER_SIZE], const mseq_value *row, const char *key) {
    const char *value = mseq_object_get_text(row, key);
    snprintf(text, MANAGER_IDENTIFIER_SIZE, "%s", value ? value : "");
}

static mseq_status ask_place(mseq_connection *connection, manager_source_facts *facts,
                             mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = mseq_connection_execute(
        connection,
        "SELECT current_setting('server_version') AS version,"
        " CAST(current_setting('server_version_num') AS integer) AS version_number,"
        " current_user AS role_name, current_database() AS database_name,"
        " current_schema() AS schema_name, rolsuper OR rolcreaterole AS may_create_roles,"
        " NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable"
        " FROM pg_roles WHERE rolname = current_user",
        NULL, &rows, NULL, err);
    const mseq_value *row = mseq_array_get(rows, 0);
    if (status == MSEQ_OK) {
        const char *version = mseq_object_get_text(row, "version");
        snprintf(facts->version, sizeof facts->version, "%s", version ? version : "");
        facts->version_number = mseq_object_get_integer(row, "version_number", 0);
        facts->writable = mseq_object_get_boolean(row, "writable", false);
        facts->may_create_roles = mseq_object_get_boolean(row, "may_create_roles", false);
        copy_text(facts->role, row, "role_name");
        copy_text(facts->database, row, "database_name");
        copy_text(facts->schema, row, "schema_name");
        status = name_owner(facts->database, facts->owner, err);
    }
    mseq_value_free(rows);
    return status;
}

/* A schema's rights are given away by its owner; has_schema_privilege knows also what a role has
 * through others. */
static mseq_status ask_rights(mseq_connection *connection, manager_source_facts *facts,
                              mseq_error *err) {
    mseq_value *rows = NULL, *parameters = mseq_value_array();
    if (!parameters || mseq_array_add(parameters, mseq_value_string(facts->schema)) != MSEQ_OK ||
        mseq_array_add(parameters, mseq_value_string(facts->owner)) != MSEQ_OK) {
        mseq_value_free(parameters);
        return mseq_error_no_memory(err);
    }
    mseq_status status = mseq_connection_execute(
        connection,
        "SELECT has_schema_privilege(n.oid, 'CREATE') AS may_create_tables,"
        " o.oid IS NOT NULL AS owner_exists,"
        " COALESCE(has_schema_privilege(o.oid, n.oid, 'CREATE'), false)"
        " OR pg_has_role(n.nspowner, 'USAGE') AS owner_may_create"
        " FROM pg_namespace AS n LEFT JOIN pg_roles AS o ON o.rolname = $2 WHERE n.nspname = $1",
        parameters, &rows, NULL, err);
    const mseq_value *row = mseq_array_get(rows, 0);
    facts->may_create_tables = mseq_object_get_boolean(row, "may_create_tables", false);
    facts->owner_exists = mseq_object_get_boolean(row, "owner_exists", false);
    facts->owner_may_create = mseq_object_get_boolean(row, "owner_may_create", false);
    mseq_value_free(rows);
    mseq_value_free(parameters);
    return status;
}

/* A write transaction tells whether the file may be written; a locked one may. */
static mseq_status ask_sqlite(mseq_connection *connection, manager_source_facts *facts,
                              mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_execute(connection, "SELECT sqlite_version() AS version",
                                                 NULL, &rows, NULL, err);
    if (status == MSEQ_OK) {
        const char *version = mseq_object_get_text(mseq_array_get(rows, 0), "version");
        snprintf(facts->version, sizeof facts->version, "%s", version ? version : "");
        mseq_status begun = mseq_connection_begin(connection, true, &cause);
        facts->writable = begun == MSEQ_OK || begun == MSEQ_E_DATABASE_LOCKED;
        mseq_connection_rollback(connection);
    }
    mseq_value_free(rows);
    return status;
}

mseq_status manager_source_facts_read(mseq_connection *connection, manager_source_facts *facts,
                                      mseq_error *err) {
    *facts = (manager_source_facts){.writable = false};
    if (mseq_connection_dialect(connection) == MSEQ_SQLITE)
        return ask_sqlite(connection, facts, err);
    mseq_status status = ask_place(connection, facts, err);
    return status == MSEQ_OK ? ask_rights(connection, facts, err) : status;
}

/* ---- Judging -----------------------------------------------------------------------------------
 */

enum {
    NEEDS_VERSION = 1,
    NEEDS_WRITABLE = 2,
    NEEDS_SCHEMA = 4,
    NEEDS_TABLES = 8, /* the manager may make tables */
    NEEDS_ROLES = 16, /* it may make roles */
    NEEDS_OWNER = 32, /* the owner role may make tables */
    NEEDS_FENCE = 64  /* roles, or the operator's word that the parser is enough */
};

static unsigned missing_needs(const manager_source_facts *facts, mseq_dialect dialect,
                              bool parser_only) {
    unsigned missing = facts->writable ? 0 : NEEDS_WRITABLE;
    if (dialect == MSEQ_SQLITE)
        return missing;
    if (facts->version_number < MANAGER_POSTGRESQL_MINIMUM)
        missing |= NEEDS_VERSION;
    if (!facts->schema[0])
        missing |= NEEDS_SCHEMA;
    else if (!facts->may_create_tables)
        missing |= NEEDS_TABLES;
    if (!facts->may_create_roles)
        missing |= NEEDS_ROLES;
    if (facts->schema[0] && facts->may_create_roles && !facts->owner_may_create)
        missing |= NEEDS_OWNER;
    if (!facts->may_create_roles && !parser_only)
        missing |= NEEDS_FENCE;
    return missing;
}

static const struct {
    const char *name;
    unsigned needs;
} capabilities[] = {
    {"supports_table_registration", 0},
    {"supports_table_introspection", NEEDS_VERSION},
    {"supports_table_ddl", NEEDS_VERSION | NEEDS_WRITABLE | NEEDS_SCHEMA | NEEDS_TABLES},
    {"supports_table_migration",
     NEEDS_VERSION | NEEDS_WRITABLE | NEEDS_SCHEMA | NEEDS_ROLES | NEEDS_OWNER},
    {"supports_compiled_select", NEEDS_VERSION | NEEDS_FENCE},
    {"supports_compiled_insert", NEEDS_VERSION | NEEDS_FENCE | NEEDS_WRITABLE},
    {"supports_compiled_update", NEEDS_VERSION | NEEDS_FENCE | NEEDS_WRITABLE},
    {"supports_compiled_upsert", NEEDS_VERSION | NEEDS_FENCE | NEEDS_WRITABLE},
    {"supports_compiled_delete", NEEDS_VERSION | NEEDS_FENCE | NEEDS_WRITABLE},
};

mseq_value *manager_source_capabilities(const manager_source_facts *facts, mseq_dialect dialect,
                                        bool parser_only) {
    unsigned missing = missing_needs(facts, dialect, parser_only);
    manager_draft list;
    manager_draft_object(&list);
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
        manager_put_boolean(&list, capabilities[i].name, (capabilities[i].needs & missing) == 0);
    return manager_draft_take(&list);
}

/* ---- Telling -----------------------------------------------------------------------------------
 */

typedef struct check {
    const char *name;
    unsigned need;
    bool postgresql_only;
} check;

static const check checks[] = {
    {"version", NEEDS_VERSION, true},       {"writable", NEEDS_WRITABLE, false},
    {"schema", NEEDS_SCHEMA, true},         {"create_tables", NEEDS_TABLES, true},
    {"create_roles", NEEDS_ROLES, true},    {"owner_role", NEEDS_OWNER, true},
    {"execution_fence", NEEDS_FENCE, true},
};

/* What is so, and what would change it (empty: nothing has to). */
static void describe(const manager_source_facts *facts, mseq_dialect dialect, unsigned need,
                     bool missing, mseq_buffer *detail, mseq_buffer *hint) {
    const char *role = facts->role;
    switch (need) {
    case NEEDS_VERSION:
        mseq_buffer_append_format(detail, "PostgreSQL %s", facts->version);
        mseq_buffer_append_text(hint, "PostgreSQL 13 or newer is needed");
        break;
    case NEEDS_WRITABLE:
        mseq_buffer_append_text(detail, missing ? "the database takes no changes"
                                                : "the database takes changes");
        mseq_buffer_append_text(hint, dialect == MSEQ_SQLITE
                                          ? "make the file and its folder writable"
                                          : "name the primary server, not a replica, and no "
                                            "read-only session");
        break;
    case NEEDS_SCHEMA:
        mseq_buffer_append_format(
            detail, missing ? "there is no schema for tables" : "tables are in the schema '%s'",
            facts->schema);
        mseq_buffer_append_text(hint, "create the schema that search_path names");
        break;
    case NEEDS_TABLES:
        mseq_buffer_append_format(detail, "the role '%s' may %screate tables in the schema '%s'",
                                  role, missing ? "not " : "", facts->schema);
        mseq_buffer_append_format(hint, "GRANT CREATE, USAGE ON SCHEMA \"%s\" TO \"%s\"",
                                  facts->schema, role);
        break;
    case NEEDS_ROLES:
        mseq_buffer_append_format(detail, "the role '%s' may %screate roles", role,
                                  missing ? "not " : "");
        mseq_buffer_append_format(hint, "ALTER ROLE \"%s\" CREATEROLE", role);
        break;
    case NEEDS_OWNER:
        mseq_buffer_append_format(
            detail,
            missing ? "the role '%s', which owns what migrations make, may not create tables"
                    : "the role '%s' owns what migrations make",
            facts->owner);
        mseq_buffer_append_text(hint, "as the owner of the schema: ");
        if (!facts->owner_exists)
            mseq_buffer_append_format(hint, "CREATE ROLE \"%s\" NOLOGIN; ", facts->owner);
        mseq_buffer_append_format(hint, "GRANT CREATE, USAGE ON SCHEMA \"%s\" TO \"%s\"",
                                  facts->schema, facts->owner);
        break;
    default:
        mseq_buffer_append_text(detail, missing
                                            ? "statements cannot run under roles of their callers"
                                            : "statements may be executed");
        mseq_buffer_append_format(hint,
                                  "ALTER ROLE \"%s\" CREATEROLE, or add the data source with "
                                  "--fence parser_only",
                                  role);
    }
}

static mseq_value *check_object(const manager_source_facts *facts, mseq_dialect dialect,
                                const check *one, bool missing) {
    mseq_buffer detail = MSEQ_BUFFER_INIT, hint = MSEQ_BUFFER_INIT;
    manager_draft object;
    manager_draft_object(&object);
    describe(facts, dialect, one->need, missing, &detail, &hint);
    manager_put_text(&object, "name", one->name);
    manager_put_boolean(&object, "ok", !missing);
    manager_put_text(&object, "detail", mseq_buffer_text(&detail));
    manager_put_text(&object, "hint", missing ? mseq_buffer_text(&hint) : NULL);
    object.failed = object.failed || detail.status != MSEQ_OK || hint.status != MSEQ_OK;
    mseq_buffer_free(&detail);
    mseq_buffer_free(&hint);
    return manager_draft_take(&object);
}

mseq_value *manager_source_checks(const manager_source_facts *facts, mseq_dialect dialect,
                                  bool parser_only) {
    unsigned missing = missing_needs(facts, dialect, parser_only);
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (dialect == MSEQ_POSTGRESQL || !checks[i].postgresql_only)
            manager_append(
                &list, check_object(facts, dialect, &checks[i], (checks[i].need & missing) != 0));
    return manager_draft_take(&list);
}

mseq_status manager_source_require(const manager_source_facts *facts, mseq_dialect dialect,
                                   bool parser_only, const char *capability, mseq_error *err) {
    unsigned missing = missing_needs(facts, dialect, parser_only);
    size_t i = 0;
    while (strcmp(capabilities[i].name, capability) != 0)
        i++;
    missing &= capabilities[i].needs;
    for (size_t k = 0; missing && k < sizeof checks / sizeof *checks; k++) {
        mseq_buffer detail = MSEQ_BUFFER_INIT, hint = MSEQ_BUFFER_INIT;
        if (!(checks[k].need & missing))
            continue;
        describe(facts, dialect, checks[k].need, true, &detail, &hint);
        manager_refuse(err, MSEQ_E_CONFLICT, "capability_missing",
                       "the data source lacks the capability %s: %s", capability,
                       mseq_buffer_text(&detail));
        mseq_error_hint(err, "%s", mseq_buffer_text(&hint));
        mseq_buffer_free(&detail);
        mseq_buffer_free(&hint);
        return MSEQ_E_CONFLICT;
    }
    return MSEQ_OK;
}
