/* SPDX-License-Identifier: MIT
 * The roles of users in a data source follow the catalog. Who writes first: a role stands in the
 * catalog before it is made and until it is dropped, so that one that no catalog knows is nobody's.
 *
 * What a role is to have is read under the lock that the data source keeps on its roles, so that of
 * several servers the last one to change a role has read the latest; and the catalog is only read
 * there, as others hold its lock while they wait for that one. */
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "fence.h"

/* ---- What the catalog knows --------------------------------------------------------------------
 */

static void copy_text(char *text, size_t size, const mseq_value *row, const char *key) {
    const char *value = mseq_object_get_text(row, key);
    snprintf(text, size, "%s", value ? value : "");
}

static const char ROLE[] = "SELECT role_name, schema_name, revision FROM fence_role"
                           " WHERE user_uid = ?1 AND data_source_uid = ?2";

/* Frees the rows. */
static void take_role(mseq_value *rows, manager_fence_role *known) {
    const mseq_value *row = mseq_array_get(rows, 0);
    copy_text(known->role, sizeof known->role, row, "role_name");
    copy_text(known->schema, sizeof known->schema, row, "schema_name");
    known->revision = mseq_object_get_integer(row, "revision", -1);
    mseq_value_free(rows);
}

mseq_status manager_fence_role_read(mseq_connection *catalog, const char *user_uid,
                                    const char *data_source_uid, manager_fence_role *known,
                                    mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(catalog, &rows, err, ROLE, "ss", user_uid, data_source_uid);
    take_role(rows, known);
    return status;
}

mseq_status manager_fence_role_known(const manager_call *call, const char *data_source_uid,
                                     manager_fence_role *known, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status =
        manager_query_known(call, &rows, err, ROLE, "ss", call->caller->user_uid, data_source_uid);
    take_role(rows, known);
    return status;
}

/* Of two that add one at a time the first counts. */
static mseq_status add_role(mseq_connection *catalog, const char *user_uid,
                            const char *data_source_uid, manager_fence_role *known,
                            mseq_error *err) {
    char name[MANAGER_ROLE_SIZE] = MANAGER_FENCE_PREFIX;
    mseq_status status = manager_random_hex(12, name + strlen(name), err);
    if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err,
                               "INSERT INTO fence_role (user_uid, data_source_uid, role_name,"
                               " schema_name, revision) VALUES (?1, ?2, ?3, '', 0)"
                               " ON CONFLICT DO NOTHING",
                               "sss", user_uid, data_source_uid, name);
    return status == MSEQ_OK
               ? manager_fence_role_read(catalog, user_uid, data_source_uid, known, err)
               : status;
}

/* What the user may do now. */
typedef struct entitlement {
    int64_t revision; /* of who may access what */
    char organization_uid[MANAGER_UID_SIZE];
    mseq_value *tables; /* [{name, may_edit}] */
} entitlement;

/* The revision first: it may be older than what is read then, not newer. */
static mseq_status read_entitlement(mseq_connection *catalog, const char *user_uid,
                                    const char *data_source_uid, entitlement *may,
                                    mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(catalog, &rows, err,
                                       "SELECT access_state.revision AS revision, organization_uid"
                                       " FROM access_state, platform_user WHERE uid = ?1",
                                       "s", user_uid);
    may->revision = mseq_object_get_integer(mseq_array_get(rows, 0), "revision", 0);
    copy_text(may->organization_uid, sizeof may->organization_uid, mseq_array_get(rows, 0),
              "organization_uid");
    mseq_value_free(rows);
    if (status != MSEQ_OK)
        return status;
    return manager_query(
        catalog, &may->tables, err,
        "SELECT meta_table.physical_table_name AS name, CASE WHEN data_source.access_mode ="
        " 'read_write' AND " MANAGER_MAY_EDIT(
            "platform_user.is_admin",
            "platform_user.uid") " THEN 1 ELSE 0 END AS may_edit FROM platform_user JOIN "
                                 "data_source"
                                 " ON data_source.organization_uid = "
                                 "platform_user.organization_uid JOIN meta_table"
                                 " ON meta_table.data_source_uid = data_source.uid"
                                 " AND meta_table.organization_uid = data_source.organization_uid"
                                 " WHERE platform_user.uid = ?1 AND data_source.uid = ?2 AND "
                                 "platform_user.is_disabled = 0"
                                 " AND data_source.access_mode <> 'disabled' AND data_source.fence "
                                 "= 'roles'"
                                 " AND " MANAGER_MAY_VIEW("platform_user.is_admin",
                                                          "platform_user.uid"),
        "ss", user_uid, data_source_uid);
}

/* ---- Following ---------------------------------------------------------------------------------
 */

static mseq_status drop_role(mseq_connection *catalog, mseq_connection *connection,
                             const char *user_uid, const char *data_source_uid,
                             const manager_fence_role *known, mseq_error *err) {
    mseq_status status = manager_fence_drop(connection, known->role, err);
    return status == MSEQ_OK
               ? manager_query(catalog, NULL, err,
                               "DELETE FROM fence_role WHERE user_uid = ?1 AND data_source_uid = ?2"
                               " AND role_name = ?3 AND revision = ?4",
                               "sssi", user_uid, data_source_uid, known->role, known->revision)
               : status;
}

/* Grants what the user may do; *none: nothing at all, and nothing was done. */
static mseq_status grant_role(mseq_connection *catalog, mseq_connection *connection,
                              const char *user_uid, const char *data_source_uid,
                              manager_fence_role *known, bool *none, mseq_error *err) {
    manager_source_facts facts;
    entitlement may = {.tables = NULL};
    mseq_status status = manager_source_facts_read(connection, &facts, err);
    if (status == MSEQ_OK)
        status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = manager_roles_lock(connection, err);
    if (status == MSEQ_OK)
        status = read_entitlement(catalog, user_uid, data_source_uid, &may, err);
    *none = status == MSEQ_OK && mseq_value_length(may.tables) == 0;
    if (status == MSEQ_OK && !*none)
        status = manager_fence_grant(connection, &facts, known->role, may.organization_uid,
                                     may.tables, err);
    if (status == MSEQ_OK && !*none)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    mseq_value_free(may.tables);
    snprintf(known->schema, sizeof known->schema, "%s", facts.schema);
    known->revision = status == MSEQ_OK && !*none ? may.revision : known->revision;
    return status;
}

mseq_status manager_fence_follow(mseq_connection *catalog, mseq_connection *connection,
                                 const char *user_uid, const char *data_source_uid, bool make,
                                 mseq_error *err) {
    manager_fence_role known = {.revision = -1};
    bool none = false;
    mseq_status status = manager_fence_role_read(catalog, user_uid, data_source_uid, &known, err);
    if (status == MSEQ_OK && known.revision < 0 && make)
        status = add_role(catalog, user_uid, data_source_uid, &known, err);
    if (status != MSEQ_OK || known.revision < 0)
        return status;
    status = grant_role(catalog, connection, user_uid, data_source_uid, &known, &none, err);
    if (status == MSEQ_OK && none)
        status = drop_role(catalog, connection, user_uid, data_source_uid, &known, err);
    else if (status == MSEQ_OK)
        status = manager_query(catalog, NULL, err,
                               "UPDATE fence_role SET schema_name = ?4, revision = ?5 WHERE"
                               " user_uid = ?1 AND data_source_uid = ?2 AND role_name = ?3",
                               "ssssi", user_uid, data_source_uid, known.role, known.schema,
                               known.revision);
    return status == MSEQ_OK ? manager_catalog_changed(catalog, err) : status;
}

/* ---- What is left over -------------------------------------------------------------------------
 */

static mseq_status is_known(mseq_connection *catalog, const char *role, bool *known,
                            mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query(
        catalog, &rows, err, "SELECT user_uid FROM fence_role WHERE role_name = ?1", "s", role);
    *known = mseq_value_length(rows) > 0;
    mseq_value_free(rows);
    return status;
}

/* The server is asked before the catalog: a role that is made meanwhile stands in the catalog. */
mseq_status manager_fences_drop_unknown(mseq_connection *catalog, mseq_connection *connection,
                                        const char *organization_uid, mseq_error *err) {
    mseq_value *roles = NULL;
    mseq_status first = manager_fence_list(connection, organization_uid, &roles, err);
    for (size_t i = 0; i < mseq_value_length(roles); i++) {
        const char *role = mseq_object_get_text(mseq_array_get(roles, i), "role");
        bool known = false;
        mseq_status status = is_known(catalog, role, &known, err);
        if (status == MSEQ_OK && !known)
            status = manager_fence_drop(connection, role, err);
        first = first == MSEQ_OK ? status : first;
    }
    mseq_value_free(roles);
    return first;
}

static mseq_status follow_late(mseq_connection *catalog, mseq_connection *connection,
                               const char *data_source_uid, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status first = manager_query(catalog, &rows, err,
                                      "SELECT user_uid FROM fence_role WHERE data_source_uid = ?1"
                                      " AND revision < (SELECT revision FROM access_state)",
                                      "s", data_source_uid);
    for (size_t i = 0; i < mseq_value_length(rows); i++) {
        mseq_status status = manager_fence_follow(
            catalog, connection, mseq_object_get_text(mseq_array_get(rows, i), "user_uid"),
            data_source_uid, false, err);
        first = first == MSEQ_OK ? status : first;
    }
    mseq_value_free(rows);
    return first;
}

mseq_status manager_fences_tend(mseq_connection *catalog, mseq_connection *connection,
                                const char *data_source_uid, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status first = manager_query(catalog, &rows, err,
                                      "SELECT organization_uid FROM data_source WHERE uid = ?1",
                                      "s", data_source_uid);
    const char *organization = mseq_object_get_text(mseq_array_get(rows, 0), "organization_uid");
    if (first == MSEQ_OK && organization) {
        first = follow_late(catalog, connection, data_source_uid, err);
        mseq_status status = manager_fences_drop_unknown(catalog, connection, organization, err);
        first = first == MSEQ_OK ? status : first;
    }
    mseq_value_free(rows);
    return first;
}
