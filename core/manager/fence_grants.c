/* SPDX-License-Identifier: MIT
 * The login role of a user in a data source's PostgreSQL server: made, granted, dropped. Nothing of
 * its password is kept anywhere: each is random, is told the server as its verifier only, and lets
 * no one in after a minute. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fence.h"

enum { PASSWORD_SECONDS = 60 };

/* ---- Making ------------------------------------------------------------------------------------
 */

/* Stands as a comment on the role: whose it is, for whoever finds it. */
static void mark_of(const char *organization_uid, char mark[128]) {
    snprintf(mark, 128, "mainsequence: a user of the organization %s", organization_uid);
}

/* What a session of the role starts with. Statements set their own, tighter limits; these hold for
 * whatever a session does besides. */
static const struct {
    const char *name, *value;
    bool guarded; /* only some roles may set it */
} settings[] = {
    {"statement_timeout", "300s", false},
    {"lock_timeout", "10s", false},
    {"idle_in_transaction_session_timeout", "60s", false},
    {"temp_file_limit", "1GB", true},
};

/* Superusers, and since PostgreSQL 15 whom they have granted it. */
static mseq_status may_set(mseq_connection *connection, const manager_source_facts *facts,
                           const char *name, bool *may, mseq_error *err) {
    enum { PARAMETER_PRIVILEGES = 150000 };
    mseq_value *rows = NULL;
    mseq_status status = manager_role_ask(
        connection, &rows, err,
        facts->version_number >= PARAMETER_PRIVILEGES
            ? "SELECT has_parameter_privilege($1, 'SET') AS may"
            : "SELECT rolsuper AND $1 <> '' AS may FROM pg_roles WHERE rolname = current_user",
        name);
    *may = mseq_object_get_boolean(mseq_array_get(rows, 0), "may", false);
    mseq_value_free(rows);
    return status;
}

static mseq_status set_limits(mseq_connection *connection, const manager_source_facts *facts,
                              const char *role, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < sizeof settings / sizeof *settings && status == MSEQ_OK; i++) {
        bool may = true;
        if (settings[i].guarded)
            status = may_set(connection, facts, settings[i].name, &may, err);
        if (status == MSEQ_OK && may)
            status = MANAGER_ROLE_RUN(connection, err, "ALTER ROLE %I SET %I = %L", role,
                                      settings[i].name, settings[i].value);
    }
    return status;
}

/* The manager is a member too: only members may end a role's sessions and take what it owns. */
static mseq_status dress(mseq_connection *connection, const manager_source_facts *facts,
                         const char *role, const char *mark, mseq_error *err) {
    mseq_status status =
        MANAGER_ROLE_RUN(connection, err, "ALTER ROLE %I LOGIN PASSWORD NULL", role);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT %I TO CURRENT_USER", role);
    if (status == MSEQ_OK)
        status = set_limits(connection, facts, role, err);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT CONNECT ON DATABASE %I TO %I",
                                  facts->database, role);
    return status == MSEQ_OK
               ? MANAGER_ROLE_RUN(connection, err, "COMMENT ON ROLE %I IS %L", role, mark)
               : status;
}

static mseq_status make_role(mseq_connection *connection, const manager_source_facts *facts,
                             const char *role, const char *organization_uid, mseq_error *err) {
    char mark[128];
    mseq_value *rows = NULL;
    mark_of(organization_uid, mark);
    mseq_status status =
        manager_role_ask(connection, &rows, err,
                         "SELECT CASE WHEN rolcanlogin THEN shobj_description(oid, 'pg_authid')"
                         " END AS mark FROM pg_roles WHERE rolname = $1",
                         role);
    const char *found = mseq_object_get_text(mseq_array_get(rows, 0), "mark");
    bool exists = mseq_value_length(rows) > 0, good = found && strcmp(found, mark) == 0;
    mseq_value_free(rows);
    if (status == MSEQ_OK && !exists)
        status =
            MANAGER_ROLE_RUN(connection, err,
                             "CREATE ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE"
                             " NOREPLICATION NOBYPASSRLS",
                             role);
    return status == MSEQ_OK && !good ? dress(connection, facts, role, mark, err) : status;
}

/* ---- Granting ----------------------------------------------------------------------------------
 */

/* $1: the role; $2: the schema; $3, $4: names of tables and whether they may be edited. What the
 * role is to have, as far as the manager may pass it on, against what it has: a row for each
 * statement that is to be run. Sequences of a table's columns are part of writing it. */
static const char DIFFERENCE[] =
    "WITH grantee AS (SELECT oid FROM pg_roles WHERE rolname = $1),"
    " wanted AS (SELECT t.oid, w.may_edit"
    " AND has_table_privilege(t.oid, 'INSERT WITH GRANT OPTION')"
    " AND has_table_privilege(t.oid, 'UPDATE WITH GRANT OPTION')"
    " AND has_table_privilege(t.oid, 'DELETE WITH GRANT OPTION') AS may_edit"
    " FROM ROWS FROM (unnest($3::text[]), unnest($4::bool[])) AS w(name, may_edit)"
    " JOIN pg_namespace n ON n.nspname = $2"
    " JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = w.name"
    " AND t.relkind IN ('r', 'p', 'v', 'm')"
    " WHERE has_table_privilege(t.oid, 'SELECT WITH GRANT OPTION')),"
    " due AS (SELECT oid, 'SELECT' AS privilege FROM wanted"
    " UNION SELECT oid, p FROM wanted, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS p"
    " WHERE may_edit"
    " UNION SELECT s.oid, 'USAGE' FROM wanted JOIN pg_depend d ON d.refobjid = wanted.oid"
    " AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass"
    " AND d.deptype = 'a' JOIN pg_class s ON s.oid = d.objid"
    " WHERE may_edit AND CASE WHEN s.relkind = 'S'" /* partitions hang on their table likewise */
    " THEN has_sequence_privilege(s.oid, 'USAGE WITH GRANT OPTION') ELSE false END),"
    " held AS (SELECT t.oid, a.privilege_type AS privilege FROM pg_class t"
    " CROSS JOIN LATERAL aclexplode(t.relacl) AS a JOIN grantee ON grantee.oid = a.grantee),"
    " changes AS (SELECT 'GRANT' AS action, g.* FROM (TABLE due EXCEPT TABLE held) AS g"
    " UNION ALL SELECT 'REVOKE', r.* FROM (TABLE held EXCEPT TABLE due) AS r)"
    " SELECT action, string_agg(privilege, ', ') AS privileges, t.relkind = 'S' AS is_sequence,"
    " n.nspname AS schema, t.relname AS name FROM changes JOIN pg_class t ON t.oid = changes.oid"
    " JOIN pg_namespace n ON n.oid = t.relnamespace"
    " GROUP BY action, t.relkind, n.nspname, t.relname ORDER BY action DESC";

static mseq_value *difference_parameters(const manager_source_facts *facts, const char *role,
                                         const mseq_value *tables) {
    manager_draft list, names, edits;
    manager_draft_array(&list);
    manager_draft_array(&names);
    manager_draft_array(&edits);
    for (size_t i = 0; i < mseq_value_length(tables); i++) {
        const mseq_value *table = mseq_array_get(tables, i);
        manager_append(&names, mseq_value_string(mseq_object_get_text(table, "name")));
        manager_append(&edits,
                       mseq_value_boolean(mseq_object_get_integer(table, "may_edit", 0) != 0));
    }
    manager_append(&list, mseq_value_string(role));
    manager_append(&list, mseq_value_string(facts->schema));
    manager_append_draft(&list, &names);
    manager_append_draft(&list, &edits);
    return manager_draft_take(&list);
}

/* The words of `privileges` are PostgreSQL's own. */
static mseq_status change_one(mseq_connection *connection, const mseq_value *row, const char *role,
                              mseq_error *err) {
    bool grant = strcmp(mseq_object_get_text(row, "action"), "GRANT") == 0;
    char *sql =
        mseq_text_format("%s %s ON %s %%I.%%I %s %%I", grant ? "GRANT" : "REVOKE",
                         mseq_object_get_text(row, "privileges"),
                         mseq_object_get_boolean(row, "is_sequence", false) ? "SEQUENCE" : "TABLE",
                         grant ? "TO" : "FROM");
    if (!sql)
        return mseq_error_no_memory(err);
    mseq_status status = MANAGER_ROLE_RUN(connection, err, sql, mseq_object_get_text(row, "schema"),
                                          mseq_object_get_text(row, "name"), role);
    free(sql);
    return status;
}

mseq_status manager_fence_grant(mseq_connection *connection, const manager_source_facts *facts,
                                const char *role, const char *organization_uid,
                                const mseq_value *tables, mseq_error *err) {
    mseq_value *rows = NULL, *parameters = difference_parameters(facts, role, tables);
    mseq_status status = parameters ? make_role(connection, facts, role, organization_uid, err)
                                    : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT USAGE ON SCHEMA %I TO %I", facts->schema,
                                  role);
    if (status == MSEQ_OK)
        status = mseq_connection_execute(connection, DIFFERENCE, parameters, &rows, NULL, err);
    for (size_t i = 0; i < mseq_value_length(rows) && status == MSEQ_OK; i++)
        status = change_one(connection, mseq_array_get(rows, i), role, err);
    mseq_value_free(rows);
    mseq_value_free(parameters);
    return status;
}

/* ---- Passwords ---------------------------------------------------------------------------------
 */

mseq_status manager_fence_password(mseq_connection *connection, const char *role, char *password,
                                   mseq_error *err) {
    char *verifier = NULL, expires[MANAGER_EXPIRY_SIZE];
    mseq_status status = manager_random_hex(32, password, err);
    if (status == MSEQ_OK)
        status = mseq_connection_encrypt_password(connection, role, password, &verifier, err);
    if (status == MSEQ_OK)
        status = manager_expiry_after(connection, PASSWORD_SECONDS, expires, err);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "ALTER ROLE %I PASSWORD %L VALID UNTIL %L", role,
                                  verifier, expires);
    free(verifier);
    return status;
}

/* ---- Dropping ----------------------------------------------------------------------------------
 */

/* In one transaction, so that nobody meets half of it. A session in the midst of a statement goes
 * on without a right; it is closed when it is given back. */
static mseq_status take_all(mseq_connection *connection, const char *role, bool drop,
                            mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = manager_roles_lock(connection, err);
    if (status == MSEQ_OK)
        status = manager_role_ask(
            connection, &rows, err,
            "SELECT pg_has_role(oid, 'MEMBER') AS is_mine FROM pg_roles WHERE rolname = $1", role);
    bool exists = mseq_value_length(rows) > 0;
    bool mine = mseq_object_get_boolean(mseq_array_get(rows, 0), "is_mine", false);
    mseq_value_free(rows);
    if (status == MSEQ_OK && exists && !mine)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT %I TO CURRENT_USER", role);
    if (status == MSEQ_OK && exists)
        status = MANAGER_ROLE_RUN(connection, err, "ALTER ROLE %I NOLOGIN PASSWORD NULL", role);
    if (status == MSEQ_OK && exists)
        status = manager_role_ask(connection, NULL, err,
                                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE usename = $1 AND state = 'idle'",
                                  role);
    if (status == MSEQ_OK && exists)
        status = MANAGER_ROLE_RUN(connection, err, "DROP OWNED BY %I", role);
    if (status == MSEQ_OK && exists && drop)
        status = MANAGER_ROLE_RUN(connection, err, "DROP ROLE %I", role);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    return status;
}

mseq_status manager_fence_drop(mseq_connection *connection, const char *role, mseq_error *err) {
    static const char dependent_objects_still_exist[] = "2BP01";
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = take_all(connection, role, true, &cause);
    if (status != MSEQ_OK && strcmp(cause.sqlstate, dependent_objects_still_exist) == 0)
        return take_all(connection, role, false, err);
    if (status != MSEQ_OK && err && err->status == MSEQ_OK)
        *err = cause;
    return status;
}

mseq_status manager_fence_list(mseq_connection *connection, const char *organization_uid,
                               mseq_value **roles, mseq_error *err) {
    char mark[128];
    mark_of(organization_uid, mark);
    return manager_role_ask(
        connection, roles, err,
        "SELECT r.rolname AS role FROM pg_roles AS r"
        " WHERE starts_with(r.rolname, '" MANAGER_FENCE_PREFIX "')"
        " AND shobj_description(r.oid, 'pg_authid') = $1 AND EXISTS (SELECT FROM pg_database"
        " AS d CROSS JOIN LATERAL aclexplode(d.datacl) AS a"
        " WHERE d.datname = current_database() AND a.grantee = r.oid)",
        mark);
}
