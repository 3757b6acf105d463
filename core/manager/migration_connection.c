/* SPDX-License-Identifier: MIT
 * Credentials for migrations: short-lived, and for the one database only. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "janitor.h"
#include "roles.h"
#include "routes.h"
#include "uris.h"

enum { SECONDS_DEFAULT = 900, SECONDS_MAXIMUM = 86400 };

/* ---- Who may ask -------------------------------------------------------------------------------
 */

/* The request names no table: it says a migration namespace, or nothing. Who may edit none of the
 * tables that it stands for has no business with their owner's rights. A namespace without tables,
 * as before the first revision of a project, is anybody's. */
static const char TABLES_MEANT[] = "SELECT COUNT(*) AS tables, SUM(CASE WHEN " MANAGER_MAY_EDIT(
    "?3", "?4") " THEN 1 ELSE 0 END) AS editable FROM meta_table WHERE data_source_uid = ?1"
                " AND organization_uid = ?2 AND (CAST(?5 AS TEXT) = '' OR"
                " substr(migration_provider_key, length(migration_provider_key)"
                " - length(CAST(?5 AS TEXT))) = ':' || CAST(?5 AS TEXT))";

static mseq_status check_may_migrate(const manager_call *call, const manager_source *source,
                                     const char *name_space, mseq_error *err) {
    mseq_value *rows = NULL;
    if (call->caller->admin)
        return MSEQ_OK;
    mseq_status status =
        manager_query(call->catalog, &rows, err, TABLES_MEANT, "ssbss", source->uid,
                      call->caller->organization_uid, (int)call->caller->admin,
                      call->caller->user_uid, name_space);
    const mseq_value *row = mseq_array_get(rows, 0);
    bool some = mseq_object_get_integer(row, "tables", 0) > 0;
    if (status == MSEQ_OK && some && mseq_object_get_integer(row, "editable", 0) == 0) {
        status = manager_refuse(err, MSEQ_E_PERMISSION, "edit_required",
                                "no credential for migrations: '%s' may change no table of the %s "
                                "'%.200s'",
                                call->caller->username,
                                *name_space ? "migration namespace" : "data source",
                                *name_space ? name_space : source->uid);
        mseq_error_hint(err, "an owner of such a table or an organization admin can grant edit");
    }
    mseq_value_free(rows);
    return status;
}

/* ---- The credential ----------------------------------------------------------------------------
 */

typedef struct grant {
    const char *kind;
    const char *role;
    const char *owner; /* NULL: none */
    const char *expires;
    const char *uri;
} grant;

static mseq_status answer(manager_call *call, const manager_source *source, const grant *given,
                          mseq_error *err) {
    manager_draft reply;
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_text(&reply, "data_source_uid", source->uid);
    manager_put_text(&reply, "dialect", mseq_dialect_name(source->dialect));
    manager_put_text(&reply, "credential_kind", given->kind);
    manager_put_text(&reply, "role_name", given->role);
    manager_put_text(&reply, "owner_role_name", given->owner);
    manager_put_text(&reply, "expires_at", given->expires);
    manager_put_text(&reply, "uri", given->uri);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

/* The file of a SQLite data source is its own credential: who may open it needs no other, and who
 * is on another machine cannot use it. */
static mseq_status answer_sqlite(manager_call *call, const manager_source *source, int64_t seconds,
                                 mseq_error *err) {
    char expires[32];
    if (!call->caller->local) {
        manager_refuse(err, MSEQ_E_CONFLICT, "local_only",
                       "the data source '%s' is a SQLite file, which can be migrated on the "
                       "machine of the TS Manager only",
                       source->uid);
        mseq_error_hint(err, "run the migration on that machine");
        return MSEQ_E_CONFLICT;
    }
    mseq_time_format(mseq_time_now() + seconds * 1000000, true, expires);
    const grant given = {"local_file", call->caller->username, NULL, expires, source->uri};
    return answer(call, source, &given, err);
}

static mseq_status answer_role(manager_call *call, const manager_source *source,
                               const manager_source_facts *facts,
                               const manager_credential *credential, mseq_error *err) {
    char *uri = manager_uri_for_user(source->uri, credential->role, credential->password);
    if (!uri)
        return mseq_error_no_memory(err);
    const grant given = {"database_role", credential->role, facts->owner, credential->expires, uri};
    mseq_status status = answer(call, source, &given, err);
    mseq_secret_erase(uri, strlen(uri));
    free(uri);
    return status;
}

/* What has expired is removed first; where that fails, the janitor tries again. */
static mseq_status issue(manager_call *call, manager_source *source, mseq_connection *connection,
                         int64_t seconds, mseq_error *err) {
    manager_source_facts facts;
    manager_credential credential;
    int64_t next_ms = -1;
    mseq_status status = manager_source_facts_read(connection, &facts, err);
    if (status == MSEQ_OK)
        status = manager_source_require(&facts, source->dialect, source->parser_only,
                                        "supports_table_migration", err);
    if (status == MSEQ_OK)
        status = manager_janitor_schedule(call->manager, source, seconds * 1000, err);
    if (status != MSEQ_OK)
        return status;
    if (manager_credentials_clean(connection, &facts, &next_ms, NULL) != MSEQ_OK)
        next_ms = 0;
    if (next_ms >= 0)
        status = manager_janitor_schedule(call->manager, source, next_ms, err);
    if (status == MSEQ_OK)
        status = manager_credential_issue(connection, &facts, seconds, &credential, err);
    if (status == MSEQ_OK)
        status = answer_role(call, source, &facts, &credential, err);
    mseq_secret_erase(&credential, sizeof credential);
    return status;
}

static mseq_status answer_postgresql(manager_call *call, manager_source *source, int64_t seconds,
                                     mseq_error *err) {
    mseq_connection *connection = NULL;
    mseq_status status = manager_source_connect(source, &connection, err);
    if (status != MSEQ_OK)
        return status;
    mseq_connection_limit(connection, call->request->cancellation, 0);
    status = issue(call, source, connection, seconds, err);
    mseq_connection_release(connection);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "no credential for migrations: ");
    return status;
}

mseq_status manager_migration_connection(manager_call *call, mseq_error *err) {
    mseq_value *request = NULL;
    manager_source *source = NULL;
    mseq_value *empty = call->request->body ? NULL : mseq_value_object();
    mseq_status status = mseq_wire_validate_migration_connection(
        call->request->body ? call->request->body : empty, &request, err);
    mseq_value_free(empty);
    if (status == MSEQ_OK)
        status = manager_source_find(call, call->uid, &source, err);
    if (status == MSEQ_OK)
        status = check_may_migrate(call, source,
                                   mseq_object_get_text(request, "migration_namespace"), err);
    if (status == MSEQ_OK) {
        int64_t seconds = mseq_object_get_integer(request, "ttl_seconds", SECONDS_DEFAULT);
        seconds = seconds > SECONDS_MAXIMUM ? SECONDS_MAXIMUM : seconds;
        status = source->dialect == MSEQ_SQLITE ? answer_sqlite(call, source, seconds, err)
                                                : answer_postgresql(call, source, seconds, err);
    }
    mseq_value_free(request);
    return status;
}
