/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: the login role of each user in a PostgreSQL data source. It exists
 * while the user may view a table there, and is granted exactly what they may view or edit. */
#ifndef MSEQ_MANAGER_FENCE_H
#define MSEQ_MANAGER_FENCE_H

#include "roles.h"

#define MANAGER_FENCE_PREFIX "mseq_user_"

/* What the catalog knows of a role. */
typedef struct manager_fence_role {
    char role[MANAGER_ROLE_SIZE];
    char schema[MANAGER_IDENTIFIER_SIZE];
    int64_t revision; /* of who may access what, that its grants are of; -1: there is no role */
} manager_fence_role;

/* ---- fence_grants.c: in the data source --------------------------------------------------------
 * Each runs inside of a transaction of the connection that holds manager_roles_lock. */

/* Makes the role when it is missing and grants it those tables, a list of {name, may_edit}, and
 * nothing else. `organization_uid` marks it as one of this catalog's. */
mseq_status manager_fence_grant(mseq_connection *connection, const manager_source_facts *facts,
                                const char *role, const char *organization_uid,
                                const mseq_value *tables, mseq_error *err) MSEQ_MUST_CHECK;
/* A new password (MANAGER_PASSWORD_SIZE), for logins of the next minute. MSEQ_E_DATABASE with
 * SQLSTATE 42704 when there is no such role. */
mseq_status manager_fence_password(mseq_connection *connection, const char *role, char *password,
                                   mseq_error *err) MSEQ_MUST_CHECK;

/* These have transactions of their own. */

/* Takes everything from the role that it has in this database, ends its idle sessions and drops it.
 * One that has rights in another database of the server too stays there, without login. That there
 * is no such role is no failure. */
mseq_status manager_fence_drop(mseq_connection *connection, const char *role,
                               mseq_error *err) MSEQ_MUST_CHECK;
/* Names of the roles that managers of the organization made in this database: [{role}]. */
mseq_status manager_fence_list(mseq_connection *connection, const char *organization_uid,
                               mseq_value **roles, mseq_error *err) MSEQ_MUST_CHECK;

/* ---- fence_roles.c: what the catalog says, done in the data source ----------------------------
 */

/* The role of the caller, as the call's revision of the catalog has it. */
mseq_status manager_fence_role_known(const manager_call *call, const char *data_source_uid,
                                     manager_fence_role *known, mseq_error *err) MSEQ_MUST_CHECK;
/* `known` as it is in the catalog now. */
mseq_status manager_fence_role_read(mseq_connection *catalog, const char *user_uid,
                                    const char *data_source_uid, manager_fence_role *known,
                                    mseq_error *err) MSEQ_MUST_CHECK;
/* Brings the role of that user to what the catalog says now; `make`: also makes one where there is
 * none. A role that may view nothing any more is dropped. */
mseq_status manager_fence_follow(mseq_connection *catalog, mseq_connection *connection,
                                 const char *user_uid, const char *data_source_uid, bool make,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* What no request does: roles that a change of access did not reach, as the server of the data
 * source did not answer, follow it now; those that no user has any more are dropped. The first
 * failure is told, the others are tried all the same. */
mseq_status manager_fences_tend(mseq_connection *catalog, mseq_connection *connection,
                                const char *data_source_uid, mseq_error *err) MSEQ_MUST_CHECK;
/* Drops the roles of a data source that is no longer in the catalog. */
mseq_status manager_fences_drop_unknown(mseq_connection *catalog, mseq_connection *connection,
                                        const char *organization_uid,
                                        mseq_error *err) MSEQ_MUST_CHECK;

/* ---- fence_changes.c: after a change of access ------------------------------------------------
 */

/* Brings the roles of [{user_uid, data_source_uid}] to what the catalog says. Where that fails they
 * stay behind, which the catalog knows: they follow before they are used next, or when the janitor
 * comes by, whichever is first. */
void manager_fences_follow(const manager_call *call, const mseq_value *due);

#endif
