/* SPDX-License-Identifier: MIT
 * A change of who may access what, and the roles of data sources that it concerns. In the
 * transaction of the change the catalog marks them as behind; after it, before the change is
 * answered, they follow. A data source that does not answer holds no change up for long, and none
 * back: what nobody could be told stays marked. */
#include <string.h>

#include "access.h"
#include "fence.h"
#include "janitor.h"

enum { AGAIN_MS = 60000, STATEMENT_MS = 5000 };

/* ---- In the transaction ------------------------------------------------------------------------
 */

/* Who is concerned, as a condition on fence_role. */
#define CONCERNED                                                                                  \
    "(CAST(?1 AS TEXT) IS NULL OR user_uid = ?1)"                                                  \
    " AND (CAST(?2 AS TEXT) IS NULL OR data_source_uid = ?2)"                                      \
    " AND (CAST(?3 AS TEXT) IS NULL OR user_uid IN"                                                \
    " (SELECT user_uid FROM team_member WHERE team_uid = ?3))"                                     \
    " AND (CAST(?4 AS TEXT) IS NULL OR user_uid = ?4 OR user_uid IN"                               \
    " (SELECT uid FROM platform_user WHERE is_admin = 1))"

static mseq_status query(const manager_call *call, const manager_access_change *change,
                         const char *sql, mseq_value **rows, mseq_error *err) {
    return manager_query(call->catalog, rows, err, sql, "ssss", change->user_uid,
                         change->data_source_uid, change->team_uid, change->creator_uid);
}

/* Roles that were up to date and are not concerned are up to date still. */
mseq_status manager_access_changed(const manager_call *call, const manager_access_change *change,
                                   mseq_error *err) {
    mseq_value *due = NULL;
    mseq_status status = manager_query(call->catalog, NULL, err,
                                       "UPDATE access_state SET revision = revision + 1", "");
    if (status == MSEQ_OK)
        status = query(call, change,
                       "UPDATE fence_role SET revision = revision + 1 WHERE revision ="
                       " (SELECT revision - 1 FROM access_state) AND NOT (" CONCERNED ")",
                       NULL, err);
    if (status == MSEQ_OK && !change->can_wait)
        status = query(call, change,
                       "SELECT user_uid, data_source_uid FROM fence_role WHERE " CONCERNED
                       " ORDER BY data_source_uid",
                       &due, err);
    for (size_t i = 0; i < mseq_value_length(due) && status == MSEQ_OK; i++)
        if (mseq_array_add(call->due_roles, mseq_value_dup(mseq_array_get(due, i))) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    mseq_value_free(due);
    return status;
}

/* ---- After it ----------------------------------------------------------------------------------
 */

static mseq_status follow_in_source(const manager_call *call, manager_source *source,
                                    const mseq_value *due) {
    mseq_connection *connection = NULL;
    mseq_status first = manager_source_connect(source, &connection, NULL);
    if (first != MSEQ_OK)
        return first;
    mseq_connection_limit(connection, NULL, STATEMENT_MS);
    for (size_t i = 0; i < mseq_value_length(due); i++) {
        const mseq_value *role = mseq_array_get(due, i);
        if (strcmp(mseq_object_get_text(role, "data_source_uid"), source->uid) != 0)
            continue;
        mseq_status status =
            manager_fence_follow(call->catalog, connection, mseq_object_get_text(role, "user_uid"),
                                 source->uid, false, NULL);
        first = first == MSEQ_OK ? status : first;
    }
    mseq_connection_release(connection);
    return first;
}

void manager_fences_follow(const manager_call *call, const mseq_value *due) {
    const char *last = "";
    for (size_t i = 0; i < mseq_value_length(due); i++) {
        const char *uid = mseq_object_get_text(mseq_array_get(due, i), "data_source_uid");
        manager_source *source = NULL;
        if (strcmp(uid, last) == 0)
            continue;
        last = uid;
        /* one whose URI cannot be read now is met again when its statements are */
        if (manager_source_find(call, uid, &source, NULL) != MSEQ_OK ||
            source->dialect != MSEQ_POSTGRESQL)
            continue;
        if (follow_in_source(call, source, due) != MSEQ_OK) {
            mseq_status scheduled = manager_janitor_schedule(call->manager, source, AGAIN_MS, NULL);
            (void)scheduled; /* without a janitor they follow when they are used */
        }
    }
}
