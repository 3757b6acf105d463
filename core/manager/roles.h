/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: roles that the manager makes on PostgreSQL. */
#ifndef MSEQ_MANAGER_ROLES_H
#define MSEQ_MANAGER_ROLES_H

#include "source_facts.h"

enum { MANAGER_ROLE_SIZE = 64, MANAGER_PASSWORD_SIZE = 65, MANAGER_EXPIRY_SIZE = 40 };

typedef struct manager_credential {
    char role[MANAGER_ROLE_SIZE];
    char password[MANAGER_PASSWORD_SIZE]; /* erase it after use */
    char expires[MANAGER_EXPIRY_SIZE];    /* by the database's clock */
} manager_credential;

/* Runs a statement about roles, in which %I stands for the next identifier and %L for the next
 * literal. Nothing of it is a parameter: PostgreSQL takes none in such statements. */
mseq_status manager_role_run(mseq_connection *connection, mseq_error *err, const char *sql,
                             const char *const *words) MSEQ_MUST_CHECK;
#define MANAGER_ROLE_RUN(connection, err, sql, ...)                                                \
    manager_role_run(connection, err, sql, (const char *const[]){__VA_ARGS__, NULL})
/* The rows (may be NULL) of a question with one text as its parameter; NULL: it has none. */
mseq_status manager_role_ask(mseq_connection *connection, mseq_value **rows, mseq_error *err,
                             const char *sql, const char *parameter) MSEQ_MUST_CHECK;
/* Roles are changed by one session at a time, to the end of its transaction: PostgreSQL answers
 * "tuple concurrently updated" otherwise. */
mseq_status manager_roles_lock(mseq_connection *connection, mseq_error *err) MSEQ_MUST_CHECK;
/* At most 32 random bytes as hex digits. */
mseq_status manager_random_hex(size_t bytes, char *text, mseq_error *err) MSEQ_MUST_CHECK;
/* The time by the database's clock that many seconds from now. */
mseq_status manager_expiry_after(mseq_connection *connection, int64_t seconds,
                                 char expires[MANAGER_EXPIRY_SIZE],
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* Makes the owner role of the database when it is missing, with the rights to make tables. Inside
 * of a transaction. */
mseq_status manager_owner_prepare(mseq_connection *connection, const manager_source_facts *facts,
                                  mseq_error *err) MSEQ_MUST_CHECK;
/* From now to the end of the transaction, what is made belongs to the owner role, where the manager
 * may make roles at all. Refuses a database that lacks the capability supports_table_ddl. */
mseq_status manager_owner_assume(mseq_connection *connection, bool parser_only,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* A new login role of random name and password, member of the owner role, for that many seconds.
 * Nothing of it stays when it fails. */
mseq_status manager_credential_issue(mseq_connection *connection, const manager_source_facts *facts,
                                     int64_t seconds, manager_credential *credential,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* Ends the sessions of the database's expired roles, gives what they own to the owner role and
 * drops them. Of several that clean at a time one does it. *next_ms gets the time until the next
 * one expires, -1: there is none. The first failure is told, the others are tried all the same. */
mseq_status manager_credentials_clean(mseq_connection *connection,
                                      const manager_source_facts *facts, int64_t *next_ms,
                                      mseq_error *err) MSEQ_MUST_CHECK;

#endif
