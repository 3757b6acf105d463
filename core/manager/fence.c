/* SPDX-License-Identifier: MIT
 * The second fence of statements on PostgreSQL: one login role for each user and data source, which
 * may do there what the user may and nothing else. Its grants are of an access revision of the
 * catalog; before a statement of a user whose revision is older, they are given anew. Nobody but
 * the TS Manager knows its password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "execution.h"
#include "roles.h"
#include "uris.h"

enum { FENCES = 32 /* users whose connections are kept, of all data sources */ };

#define ROLE_PREFIX "mseq_user_"

/* The connections of a role. */
struct manager_fence {
    manager_fence *next;
    char role[MANAGER_ROLE_SIZE];
    char *uri; /* holds a secret */
    mseq_database *database;
    unsigned users; /* threads that are about to connect; guarded by the manager's lock */
};

/* What the catalog knows of a role. */
typedef struct fence_role {
    char role[MANAGER_ROLE_SIZE];
    char password[MANAGER_PASSWORD_SIZE];
    char schema[MANAGER_IDENTIFIER_SIZE];
    int64_t revision; /* -1: there is none yet */
} fence_role;

#define RUN(connection, err, sql, ...)                                                             \
    manager_role_run(connection, err, sql, (const char *const[]){__VA_ARGS__, NULL})

/* ---- Connections -------------------------------------------------------------------------------
 */

static void free_fence(manager_fence *fence) {
    mseq_database_close(fence->database);
    if (fence->uri)
        mseq_secret_erase(fence->uri, strlen(fence->uri));
    free(fence->uri);
    free(fence);
}

void manager_fences_close(mseq_manager *manager) {
    while (manager->fences) {
        manager_fence *next = manager->fences->next;
        free_fence(manager->fences);
        manager->fences = next;
    }
}

/* Takes out those behind the first FENCES that nobody is about to use. */
static manager_fence *take_surplus(mseq_manager *manager) {
    size_t count = 0;
    for (manager_fence **at = &manager->fences; *at; at = &(*at)->next) {
        manager_fence *fence = *at;
        if (++count > FENCES && fence->users == 0) {
            *at = fence->next;
            return fence;
        }
        if (!fence->next)
            break;
    }
    return NULL;
}

/* The one of that role and password, in front now; NULL: none. */
static manager_fence *find_fence(mseq_manager *manager, const char *role, const char *uri) {
    for (manager_fence **at = &manager->fences; *at; at = &(*at)->next) {
        manager_fence *fence = *at;
        if (strcmp(fence->role, role) == 0 && strcmp(fence->uri, uri) == 0) {
            *at = fence->next;
            fence->next = manager->fences;
            manager->fences = fence;
            fence->users++;
            return fence;
        }
    }
    return NULL;
}

/* Takes over `uri`. */
static mseq_status open_fence(const char *role, char *uri, manager_fence **fence, mseq_error *err) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    manager_fence *made = calloc(1, sizeof *made);
    if (!made) {
        mseq_secret_erase(uri, strlen(uri));
        free(uri);
        return mseq_error_no_memory(err);
    }
    made->uri = uri;
    made->users = 1;
    snprintf(made->role, sizeof made->role, "%s", role);
    options.uri = uri;
    mseq_status status = mseq_database_open(&options, &made->database, err);
    if (status != MSEQ_OK) {
        free_fence(made);
        return status;
    }
    *fence = made;
    return MSEQ_OK;
}

static mseq_status connect_as(mseq_manager *manager, const manager_source *source,
                              const fence_role *known, mseq_connection **connection,
                              mseq_error *err) {
    char *uri = manager_uri_for_user(source->uri, known->role, known->password);
    if (!uri)
        return mseq_error_no_memory(err);
    pthread_mutex_lock(&manager->lock);
    manager_fence *fence = find_fence(manager, known->role, uri);
    pthread_mutex_unlock(&manager->lock);
    if (fence) {
        mseq_secret_erase(uri, strlen(uri));
        free(uri);
    } else {
        mseq_status status = open_fence(known->role, uri, &fence, err);
        if (status != MSEQ_OK)
            return status;
        pthread_mutex_lock(&manager->lock);
        fence->next = manager->fences;
        manager->fences = fence;
        pthread_mutex_unlock(&manager->lock);
    }
    mseq_status status = mseq_database_connect(fence->database, connection, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the data source: ");
    pthread_mutex_lock(&manager->lock);
    fence->users--;
    manager_fence *surplus = take_surplus(manager);
    pthread_mutex_unlock(&manager->lock);
    if (surplus)
        free_fence(surplus);
    return status;
}

/* ---- What the catalog knows --------------------------------------------------------------------
 */

static void copy_text(char *text, size_t size, const mseq_value *row, const char *key) {
    const char *value = mseq_object_get_text(row, key);
    snprintf(text, size, "%s", value ? value : "");
}

/* `anew`: as it is now; else as the call's revision of the catalog has it. */
static mseq_status read_role(const manager_call *call, const manager_source *source, bool anew,
                             fence_role *known, mseq_error *err) {
    static const char question[] =
        "SELECT role_name, password, schema_name, revision FROM fence_role"
        " WHERE user_uid = ?1 AND data_source_uid = ?2";
    mseq_value *rows = NULL;
    mseq_status status = anew ? manager_query(call->catalog, &rows, err, question, "ss",
                                              call->caller->user_uid, source->uid)
                              : manager_query_known(call, &rows, err, question, "ss",
                                                    call->caller->user_uid, source->uid);
    const mseq_value *row = mseq_array_get(rows, 0);
    copy_text(known->role, sizeof known->role, row, "role_name");
    copy_text(known->password, sizeof known->password, row, "password");
    copy_text(known->schema, sizeof known->schema, row, "schema_name");
    known->revision = mseq_object_get_integer(row, "revision", -1);
    mseq_value_free(rows);
    return status;
}

/* Of two that write at a time the role stays that of the first. */
static mseq_status keep_role(const manager_call *call, const manager_source *source,
                             const fence_role *known, mseq_error *err) {
    mseq_status status =
        manager_query(call->catalog, NULL, err,
                      "INSERT INTO fence_role (user_uid, data_source_uid, role_name, password,"
                      " schema_name, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                      " ON CONFLICT (user_uid, data_source_uid) DO UPDATE SET"
                      " schema_name = excluded.schema_name, revision = excluded.revision"
                      " WHERE fence_role.role_name = excluded.role_name",
                      "sssssi", call->caller->user_uid, source->uid, known->role, known->password,
                      known->schema, known->revision);
    return status == MSEQ_OK ? manager_catalog_changed(call, err) : status;
}

/* Names of the tables that the caller may view, and whether they may edit them. */
static mseq_status list_tables(const manager_call *call, const manager_source *source,
                               mseq_value **rows, mseq_error *err) {
    return manager_query(call->catalog, rows, err,
                         "SELECT physical_table_name AS name, CASE WHEN " MANAGER_MAY_EDIT(
                             "?3", "?4") " THEN 1 ELSE 0 END AS may_edit FROM meta_table"
                                         " WHERE data_source_uid = ?1 AND organization_uid = ?2"
                                         " AND " MANAGER_MAY_VIEW("?3", "?4"),
                         "ssbs", source->uid, call->caller->organization_uid,
                         (int)call->caller->admin, call->caller->user_uid);
}

/* ---- Roles and grants --------------------------------------------------------------------------
 */

static mseq_status create_role(mseq_connection *connection, fence_role *known, mseq_error *err) {
    char *verifier = NULL;
    snprintf(known->role, sizeof known->role, "%s", ROLE_PREFIX);
    mseq_status status = manager_random_hex(12, known->role + strlen(ROLE_PREFIX), err);
    if (status == MSEQ_OK)
        status = manager_random_hex(32, known->password, err);
    if (status == MSEQ_OK)
        status = mseq_connection_encrypt_password(connection, known->role, known->password,
                                                  &verifier, err);
    if (status == MSEQ_OK)
        status = RUN(connection, err,
                     "CREATE ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE"
                     " NOREPLICATION PASSWORD %L",
                     known->role, verifier);
    free(verifier);
    return status;
}

/* Sequences of the table's columns: their values are part of writing it. */
static mseq_status grant_sequences(mseq_connection *connection, const fence_role *known,
                                   const char *table, mseq_error *err) {
    mseq_value *rows = NULL, *parameters = mseq_value_array();
    if (!parameters || mseq_array_add(parameters, mseq_value_string(known->schema)) != MSEQ_OK ||
        mseq_array_add(parameters, mseq_value_string(table)) != MSEQ_OK) {
        mseq_value_free(parameters);
        return mseq_error_no_memory(err);
    }
    mseq_status status = mseq_connection_execute(
        connection,
        "SELECT s.relname AS name, n.nspname AS schema FROM pg_class AS s"
        " JOIN pg_namespace AS n ON n.oid = s.relnamespace"
        " JOIN pg_depend AS d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass"
        " AND d.deptype = 'a' JOIN pg_class AS t ON t.oid = d.refobjid"
        " JOIN pg_namespace AS tn ON tn.oid = t.relnamespace"
        " WHERE s.relkind = 'S' AND tn.nspname = $1 AND t.relname = $2",
        parameters, &rows, NULL, err);
    for (size_t i = 0; i < mseq_value_length(rows) && status == MSEQ_OK; i++) {
        const mseq_value *row = mseq_array_get(rows, i);
        status = RUN(connection, err, "GRANT USAGE ON SEQUENCE %I.%I TO %I",
                     mseq_object_get_text(row, "schema"), mseq_object_get_text(row, "name"),
                     known->role);
    }
    mseq_value_free(rows);
    mseq_value_free(parameters);
    return status;
}

/* What the TS Manager itself may pass on of a table. */
typedef struct grantable {
    bool read, write;
} grantable;

static mseq_status ask_grantable(mseq_connection *connection, const fence_role *known,
                                 const char *table, grantable *may, mseq_error *err) {
    mseq_value *rows = NULL, *parameters = mseq_value_array();
    if (!parameters || mseq_array_add(parameters, mseq_value_string(known->schema)) != MSEQ_OK ||
        mseq_array_add(parameters, mseq_value_string(table)) != MSEQ_OK) {
        mseq_value_free(parameters);
        return mseq_error_no_memory(err);
    }
    mseq_status status = mseq_connection_execute(
        connection,
        "SELECT has_table_privilege(t.oid, 'SELECT WITH GRANT OPTION') AS read,"
        " has_table_privilege(t.oid, 'INSERT WITH GRANT OPTION')"
        " AND has_table_privilege(t.oid, 'UPDATE WITH GRANT OPTION')"
        " AND has_table_privilege(t.oid, 'DELETE WITH GRANT OPTION') AS write"
        " FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace"
        " WHERE n.nspname = $1 AND t.relname = $2 AND t.relkind IN ('r', 'p', 'v', 'm')",
        parameters, &rows, NULL, err);
    may->read = mseq_object_get_boolean(mseq_array_get(rows, 0), "read", false);
    may->write = mseq_object_get_boolean(mseq_array_get(rows, 0), "write", false);
    mseq_value_free(rows);
    mseq_value_free(parameters);
    return status;
}

/* Everything that the role was granted in this database's tables and sequences. */
static mseq_status revoke_all(mseq_connection *connection, const fence_role *known,
                              mseq_error *err) {
    mseq_value *rows = NULL, *parameters = mseq_value_array();
    if (!parameters || mseq_array_add(parameters, mseq_value_string(known->role)) != MSEQ_OK) {
        mseq_value_free(parameters);
        return mseq_error_no_memory(err);
    }
    mseq_status status = mseq_connection_execute(
        connection,
        "SELECT DISTINCT n.nspname AS schema, t.relname AS name, t.relkind = 'S' AS is_sequence"
        " FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace"
        " CROSS JOIN LATERAL aclexplode(t.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee"
        " WHERE r.rolname = $1",
        parameters, &rows, NULL, err);
    for (size_t i = 0; i < mseq_value_length(rows) && status == MSEQ_OK; i++) {
        const mseq_value *row = mseq_array_get(rows, i);
        status = RUN(connection, err,
                     mseq_object_get_boolean(row, "is_sequence", false)
                         ? "REVOKE ALL ON SEQUENCE %I.%I FROM %I"
                         : "REVOKE ALL ON TABLE %I.%I FROM %I",
                     mseq_object_get_text(row, "schema"), mseq_object_get_text(row, "name"),
                     known->role);
    }
    mseq_value_free(rows);
    mseq_value_free(parameters);
    return status;
}

static mseq_status grant_table(mseq_connection *connection, const fence_role *known,
                               const mseq_value *row, mseq_error *err) {
    const char *table = mseq_object_get_text(row, "name");
    grantable may = {false, false};
    mseq_status status = ask_grantable(connection, known, table, &may, err);
    if (status != MSEQ_OK || !may.read) /* reserved only, gone, or another's */
        return status;
    bool edit = may.write && mseq_object_get_integer(row, "may_edit", 0) != 0;
    status = RUN(connection, err,
                 edit ? "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %I.%I TO %I"
                      : "GRANT SELECT ON TABLE %I.%I TO %I",
                 known->schema, table, known->role);
    return status == MSEQ_OK && edit ? grant_sequences(connection, known, table, err) : status;
}

/* In one transaction: nobody sees the role between its old grants and its new ones. */
static mseq_status grant(mseq_connection *connection, const mseq_value *tables, fence_role *known,
                         mseq_error *err) {
    manager_source_facts facts;
    mseq_status status = manager_source_facts_read(connection, &facts, err);
    if (status == MSEQ_OK)
        status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = manager_roles_lock(connection, err);
    if (status == MSEQ_OK && known->revision < 0)
        status = create_role(connection, known, err);
    snprintf(known->schema, sizeof known->schema, "%s", facts.schema);
    if (status == MSEQ_OK)
        status =
            RUN(connection, err, "GRANT CONNECT ON DATABASE %I TO %I", facts.database, known->role);
    if (status == MSEQ_OK)
        status = revoke_all(connection, known, err);
    if (status == MSEQ_OK)
        status = RUN(connection, err, "GRANT USAGE ON SCHEMA %I TO %I", known->schema, known->role);
    for (size_t i = 0; i < mseq_value_length(tables) && status == MSEQ_OK; i++)
        status = grant_table(connection, known, mseq_array_get(tables, i), err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    return status;
}

static mseq_status grant_anew(const manager_call *call, const manager_scope *scope,
                              fence_role *known, mseq_error *err) {
    mseq_connection *connection = NULL;
    mseq_value *tables = NULL;
    mseq_status status = list_tables(call, scope->source, &tables, err);
    if (status == MSEQ_OK)
        status = manager_source_connect(scope->source, &connection, err);
    if (status == MSEQ_OK)
        status = grant(connection, tables, known, err);
    mseq_connection_release(connection);
    mseq_value_free(tables);
    known->revision = scope->access_revision;
    if (status == MSEQ_OK)
        status = keep_role(call, scope->source, known, err);
    if (status == MSEQ_OK) /* another thread may have been first: its role counts */
        status = read_role(call, scope->source, true, known, err);
    else
        mseq_error_prefix(err, "the role of '%s' in the data source '%s': ", call->caller->username,
                          scope->source->uid);
    return status;
}

/* As the data source's own role, whose search path says where the tables are. */
static mseq_status connect_unfenced(manager_source *source, mseq_connection **connection,
                                    char **schema, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_source_connect(source, connection, err);
    if (status != MSEQ_OK || source->dialect != MSEQ_POSTGRESQL)
        return status;
    status = mseq_connection_execute(*connection, "SELECT current_schema() AS schema", NULL, &rows,
                                     NULL, err);
    const char *found = mseq_object_get_text(mseq_array_get(rows, 0), "schema");
    if (status == MSEQ_OK && !(*schema = mseq_text_dup(found ? found : "public")))
        status = mseq_error_no_memory(err);
    mseq_value_free(rows);
    return status;
}

mseq_status manager_fence_connect(const manager_call *call, const manager_scope *scope, bool anew,
                                  mseq_connection **connection, char **schema, mseq_error *err) {
    fence_role known = {.revision = -1};
    if (scope->source->dialect != MSEQ_POSTGRESQL || scope->source->parser_only)
        return connect_unfenced(scope->source, connection, schema, err);
    mseq_status status = read_role(call, scope->source, false, &known, err);
    bool good = !anew && known.revision == scope->access_revision;
    if (status == MSEQ_OK && !good)
        status = read_role(call, scope->source, true, &known, err);
    if (status == MSEQ_OK && (anew || known.revision != scope->access_revision))
        status = grant_anew(call, scope, &known, err);
    if (status == MSEQ_OK && !(*schema = mseq_text_dup(known.schema)))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = connect_as(call->manager, scope->source, &known, connection, err);
    mseq_secret_erase(known.password, sizeof known.password);
    return status;
}
