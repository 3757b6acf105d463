/* SPDX-License-Identifier: MIT
 * Roles on PostgreSQL: the owner of what migrations make in a database, and the short-lived logins
 * that act for it. Who they are and how long they live stands in the server's own catalog, so that
 * every TS Manager sees the same, and one that dies leaves nothing unknown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mainsequence/ddl.h"

#include "roles.h"

#define CREDENTIAL_PREFIX "mseq_migration_"

/* ---- Statements --------------------------------------------------------------------------------
 */

mseq_status manager_role_run(mseq_connection *connection, mseq_error *err, const char *sql,
                             const char *const *words) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    for (; *sql; sql++) {
        if (sql[0] == '%' && sql[1] == 'I')
            mseq_ddl_quote(MSEQ_POSTGRESQL, *words++, 1, &text);
        else if (sql[0] == '%' && sql[1] == 'L')
            mseq_ddl_literal(*words++, &text);
        else
            mseq_buffer_append_char(&text, *sql);
        if (sql[0] == '%')
            sql++;
    }
    mseq_status status =
        text.status == MSEQ_OK
            ? mseq_connection_execute(connection, mseq_buffer_text(&text), NULL, NULL, NULL, err)
            : mseq_error_no_memory(err);
    if (text.data)
        mseq_secret_erase(text.data, text.length);
    mseq_buffer_free(&text);
    return status;
}

mseq_status manager_role_ask(mseq_connection *connection, mseq_value **rows, mseq_error *err,
                             const char *sql, const char *parameter) {
    manager_draft list;
    manager_draft_array(&list);
    if (parameter)
        manager_append(&list, mseq_value_string(parameter));
    mseq_value *parameters = manager_draft_take(&list);
    if (!parameters)
        return mseq_error_no_memory(err);
    mseq_status status = mseq_connection_execute(connection, sql, parameters, rows, NULL, err);
    mseq_value_free(parameters);
    return status;
}

/* ---- The owner ---------------------------------------------------------------------------------
 */

mseq_status manager_roles_lock(mseq_connection *connection, mseq_error *err) {
    return manager_role_ask(connection, NULL, err,
                            "SELECT set_config('lock_timeout', '10s', true),"
                            " pg_advisory_xact_lock(hashtext('mainsequence roles'))",
                            NULL);
}

typedef struct owner_state {
    bool exists, is_mine, may_create, may_connect;
} owner_state;

static mseq_status ask_owner(mseq_connection *connection, const manager_source_facts *facts,
                             owner_state *state, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_role_ask(
        connection, &rows, err,
        "SELECT pg_has_role(oid, 'USAGE') AS is_mine,"
        " has_schema_privilege(oid, current_schema(), 'CREATE')"
        " AND has_schema_privilege(oid, current_schema(), 'USAGE') AS may_create,"
        " has_database_privilege(oid, current_database(), 'CONNECT') AS may_connect"
        " FROM pg_roles WHERE rolname = $1",
        facts->owner);
    const mseq_value *row = mseq_array_get(rows, 0);
    *state = (owner_state){.exists = row != NULL,
                           .is_mine = mseq_object_get_boolean(row, "is_mine", false),
                           .may_create = mseq_object_get_boolean(row, "may_create", false),
                           .may_connect = mseq_object_get_boolean(row, "may_connect", false)};
    mseq_value_free(rows);
    return status;
}

static mseq_status refuse_owner(const manager_source_facts *facts, const char *what,
                                mseq_error *err) {
    manager_refuse(err, MSEQ_E_CONFLICT, "capability_missing",
                   "the data source lacks the capability supports_table_migration: the role '%s' "
                   "may not be given the right to %s",
                   facts->owner, what);
    mseq_error_hint(err,
                    "the owner of the database can: GRANT CONNECT ON DATABASE \"%s\" TO "
                    "\"%s\"; GRANT CREATE, USAGE ON SCHEMA \"%s\" TO \"%s\"",
                    facts->database, facts->owner, facts->schema, facts->owner);
    return MSEQ_E_CONFLICT;
}

mseq_status manager_owner_prepare(mseq_connection *connection, const manager_source_facts *facts,
                                  mseq_error *err) {
    owner_state state;
    mseq_status status = manager_roles_lock(connection, err);
    if (status == MSEQ_OK)
        status = ask_owner(connection, facts, &state, err);
    if (status != MSEQ_OK ||
        (state.exists && state.is_mine && state.may_create && state.may_connect))
        return status;
    if (!state.exists)
        status = MANAGER_ROLE_RUN(connection, err, "CREATE ROLE %I NOLOGIN", facts->owner);
    if (status == MSEQ_OK && !state.is_mine)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT %I TO CURRENT_USER", facts->owner);
    if (status == MSEQ_OK && !state.may_create)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT CREATE, USAGE ON SCHEMA %I TO %I",
                                  facts->schema, facts->owner);
    if (status == MSEQ_OK)
        status = ask_owner(connection, facts, &state, err);
    if (status == MSEQ_OK && !state.may_connect)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT CONNECT ON DATABASE %I TO %I",
                                  facts->database, facts->owner);
    if (status == MSEQ_OK)
        status = ask_owner(connection, facts, &state, err);
    if (status == MSEQ_OK && !state.may_create) /* without the right to, GRANT does nothing */
        status = refuse_owner(facts, "make tables", err);
    if (status == MSEQ_OK && !state.may_connect)
        status = refuse_owner(facts, "connect", err);
    return status;
}

mseq_status manager_owner_assume(mseq_connection *connection, bool parser_only, mseq_error *err) {
    manager_source_facts facts;
    mseq_dialect dialect = mseq_connection_dialect(connection);
    if (dialect != MSEQ_POSTGRESQL)
        return MSEQ_OK;
    mseq_status status = manager_source_facts_read(connection, &facts, err);
    if (status == MSEQ_OK)
        status = manager_source_require(&facts, dialect, parser_only, "supports_table_ddl", err);
    if (status != MSEQ_OK || !facts.may_create_roles || !facts.owner_may_create)
        return status;
    status = manager_owner_prepare(connection, &facts, err);
    return status == MSEQ_OK ? MANAGER_ROLE_RUN(connection, err, "SET LOCAL ROLE %I", facts.owner)
                             : status;
}

/* ---- Credentials -------------------------------------------------------------------------------
 */

mseq_status manager_random_hex(size_t bytes, char *text, mseq_error *err) {
    unsigned char random[32];
    mseq_status status = mseq_random_bytes(random, bytes);
    if (status != MSEQ_OK)
        return mseq_error_set(err, status, "no random bytes");
    for (size_t i = 0; i < bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    mseq_secret_erase(random, sizeof random);
    return MSEQ_OK;
}

mseq_status manager_expiry_after(mseq_connection *connection, int64_t seconds,
                                 char expires[MANAGER_EXPIRY_SIZE], mseq_error *err) {
    mseq_value *rows = NULL;
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)seconds);
    mseq_status status = manager_role_ask(
        connection, &rows, err,
        "SELECT clock_timestamp() + CAST($1 AS integer) * interval '1 second' AS expires", text);
    const char *expiry = mseq_object_get_text(mseq_array_get(rows, 0), "expires");
    if (status == MSEQ_OK && !expiry)
        status = mseq_error_set(err, MSEQ_E_DATABASE, "the database tells no time");
    else if (status == MSEQ_OK)
        snprintf(expires, MANAGER_EXPIRY_SIZE, "%s", expiry);
    mseq_value_free(rows);
    return status;
}

/* The password goes as what the server keeps of it, so that it stands in no log of the server. The
 * manager becomes a member too, as only members may end a role's sessions and take what it owns. */
static mseq_status create_role(mseq_connection *connection, const manager_source_facts *facts,
                               const manager_credential *credential, mseq_error *err) {
    char *verifier = NULL;
    mseq_status status = mseq_connection_encrypt_password(connection, credential->role,
                                                          credential->password, &verifier, err);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(
            connection, err,
            "CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
            " PASSWORD %L VALID UNTIL %L IN ROLE %I",
            credential->role, verifier, credential->expires, facts->owner);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "GRANT %I TO CURRENT_USER", credential->role);
    free(verifier);
    return status;
}

mseq_status manager_credential_issue(mseq_connection *connection, const manager_source_facts *facts,
                                     int64_t seconds, manager_credential *credential,
                                     mseq_error *err) {
    snprintf(credential->role, sizeof credential->role, "%s", CREDENTIAL_PREFIX);
    mseq_status status = manager_random_hex(12, credential->role + strlen(CREDENTIAL_PREFIX), err);
    if (status == MSEQ_OK)
        status = manager_random_hex(32, credential->password, err);
    if (status == MSEQ_OK)
        status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = manager_owner_prepare(connection, facts, err);
    if (status == MSEQ_OK)
        status = manager_expiry_after(connection, seconds, credential->expires, err);
    if (status == MSEQ_OK)
        status = create_role(connection, facts, credential, err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    return status;
}

/* ---- Cleaning ----------------------------------------------------------------------------------
 */

/* Waits until the sessions that were told to end have ended, for at most five seconds. */
static mseq_status end_sessions(mseq_connection *connection, const char *role, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_role_ask(
        connection, &rows, err,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role);
    for (int i = 0; i < 50 && status == MSEQ_OK && mseq_value_length(rows) > 0; i++) {
        mseq_value_free(rows);
        rows = NULL;
        status = manager_role_ask(connection, NULL, err, "SELECT pg_sleep(0.1)", NULL);
        if (status == MSEQ_OK)
            status = manager_role_ask(connection, &rows, err,
                                      "SELECT pid FROM pg_stat_activity WHERE usename = $1", role);
    }
    mseq_value_free(rows);
    return status;
}

/* First no new session, then no session, then no role: a failure between is repaired by the next
 * time. */
static mseq_status clean_role(mseq_connection *connection, const manager_source_facts *facts,
                              const char *role, mseq_error *err) {
    mseq_status status = MANAGER_ROLE_RUN(connection, err, "ALTER ROLE %I NOLOGIN", role);
    if (status == MSEQ_OK)
        status = end_sessions(connection, role, err);
    if (status == MSEQ_OK)
        status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = manager_roles_lock(connection, err);
    if (status == MSEQ_OK)
        status =
            MANAGER_ROLE_RUN(connection, err, "REASSIGN OWNED BY %I TO %I", role, facts->owner);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "DROP OWNED BY %I", role);
    if (status == MSEQ_OK)
        status = MANAGER_ROLE_RUN(connection, err, "DROP ROLE %I", role);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the expired role '%s': ", role);
    return status;
}

/* Roles of the database, by the time they have left, in milliseconds. */
static mseq_status list_roles(mseq_connection *connection, const manager_source_facts *facts,
                              mseq_value **rows, mseq_error *err) {
    return manager_role_ask(
        connection, rows, err,
        "SELECT r.rolname AS role, CAST(GREATEST(-1, EXTRACT(EPOCH FROM r.rolvaliduntil -"
        " clock_timestamp()) * 1000) AS bigint) AS left_ms"
        " FROM pg_roles AS r JOIN pg_auth_members AS m ON m.member = r.oid"
        " JOIN pg_roles AS o ON o.oid = m.roleid WHERE o.rolname = $1"
        " AND starts_with(r.rolname, '" CREDENTIAL_PREFIX "')"
        " AND isfinite(r.rolvaliduntil) ORDER BY r.rolvaliduntil",
        facts->owner);
}

static mseq_status clean_roles(mseq_connection *connection, const manager_source_facts *facts,
                               int64_t *next_ms, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status first = list_roles(connection, facts, &rows, err);
    for (size_t i = 0; i < mseq_value_length(rows); i++) {
        const mseq_value *row = mseq_array_get(rows, i);
        int64_t left = mseq_object_get_integer(row, "left_ms", 0);
        if (left > 0) {
            *next_ms = left;
            break;
        }
        mseq_status status = clean_role(connection, facts, mseq_object_get_text(row, "role"), err);
        first = first == MSEQ_OK ? status : first;
    }
    mseq_value_free(rows);
    return first;
}

mseq_status manager_credentials_clean(mseq_connection *connection,
                                      const manager_source_facts *facts, int64_t *next_ms,
                                      mseq_error *err) {
    mseq_value *rows = NULL;
    *next_ms = -1;
    mseq_status status = manager_role_ask(
        connection, &rows, err,
        "SELECT pg_try_advisory_lock(hashtext('mainsequence expired roles')) AS mine", NULL);
    bool mine = mseq_object_get_boolean(mseq_array_get(rows, 0), "mine", false);
    mseq_value_free(rows);
    if (status != MSEQ_OK || !mine)
        return status;
    status = clean_roles(connection, facts, next_ms, err);
    mseq_status unlocked =
        manager_role_ask(connection, NULL, NULL,
                         "SELECT pg_advisory_unlock(hashtext('mainsequence expired roles'))", NULL);
    (void)unlocked; /* a session that is lost has lost its locks too */
    return status;
}
