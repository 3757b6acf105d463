/* SPDX-License-Identifier: MIT
 * For the tests of data sources on PostgreSQL: databases and roles on a private server, a folder
 * whose project has such a data source, its migration credentials. */
#ifndef SPEC_SOURCE_HELPERS_H
#define SPEC_SOURCE_HELPERS_H

#include "access_helpers.h"
#include "postgresql_helpers.h"

#define ADMIN "/orm/api/ts_manager/data_sources/"
#define KEEPER_PASSWORD "the-keepers-secret"

/* ---- Databases ---------------------------------------------------------------------------------
 */

/* What the superuser gets in a database; see value_on. */
static inline char *ask(const char *database, const char *sql) {
    char *uri = postgresql_uri_of(database);
    char *text = value_on(uri, sql);
    free(uri);
    return text;
}

static inline void expect_answer(const char *database, const char *sql, const char *expected) {
    char *uri = postgresql_uri_of(database);
    expect_on(uri, sql, expected);
    free(uri);
}

static inline void wait_for_answer(const char *database, const char *sql, const char *expected) {
    char *uri = postgresql_uri_of(database);
    wait_on(uri, sql, expected);
    free(uri);
}

/* A database of a role of that name and those attributes; its URI, owned by the caller. */
static inline char *make_database(const char *role, const char *attributes, const char *database) {
    char *sql = mseq_text_format("DROP DATABASE IF EXISTS %s", database);
    free(ask("postgres", sql));
    free(sql);
    sql = mseq_text_format("DROP ROLE IF EXISTS %s", role);
    free(ask("postgres", sql));
    free(sql);
    sql = mseq_text_format("CREATE ROLE %s LOGIN %s PASSWORD '" KEEPER_PASSWORD "'", role,
                           attributes);
    free(ask("postgres", sql));
    free(sql);
    sql = mseq_text_format("CREATE DATABASE %s OWNER %s", database, role);
    free(ask("postgres", sql));
    free(sql);
    const char *uri = postgresql_uri(), *address = strrchr(uri, '@') + 1;
    return mseq_text_format("postgresql://%s:" KEEPER_PASSWORD "@%.*s/%s", role,
                            (int)(strrchr(address, '/') - address), address, database);
}

/* ---- Fixtures ----------------------------------------------------------------------------------
 */

static inline char *add_body(const char *uri, const char *tail) {
    return mseq_text_format("{\"class_type\": \"postgresql\", \"uri\": \"%s\"%s}", uri, tail);
}

/* A folder whose project has a data source on PostgreSQL, kept by a role that may create roles. */
static inline int set_up_source(void **state) {
    if (set_up(state) != 0)
        return -1;
    fixture *made = *state;
    char *uri = make_database("keeper", "CREATEROLE", "shop");
    char *body = add_body(uri, ", \"is_default\": true");
    mseq_value *source = expect(made->manager, "POST", ADMIN, body, 201);
    snprintf(made->source, sizeof made->source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    free(body);
    free(uri);
    return 0;
}

/* Roles outlive databases: what a test left must not meet the next one. */
static inline int tear_down_source(void **state) {
    int status = tear_down(state);
    free(ask("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE datname = 'shop'"));
    free(ask("postgres", "DROP DATABASE shop WITH (FORCE)"));
    free(ask("postgres", "DROP ROLE IF EXISTS mseq_owner_shop"));
    char *roles = ask("postgres", "SELECT COALESCE(string_agg(rolname, ', '), '') FROM pg_roles"
                                  " WHERE starts_with(rolname, 'mseq_migration_')");
    if (roles[0]) {
        char *sql = mseq_text_format("DROP ROLE %s", roles);
        free(ask("postgres", sql));
        free(sql);
    }
    free(roles);
    return status;
}

static inline void path_of(const fixture *made, const char *tail, char path[160]) {
    snprintf(path, 160, ADMIN "%s/%s", made->source, tail);
}

static inline mseq_value *issue(const fixture *made, const char *request, int status) {
    char path[160];
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", made->source);
    return expect(made->manager, "POST", path, request, status);
}

/* ---- Credentials -------------------------------------------------------------------------------
 */

static inline mseq_connection *use_credential(const mseq_value *credential,
                                              mseq_database **database) {
    *database = open_uri(text_at(credential, "uri"));
    return connect_to(*database);
}

#endif
