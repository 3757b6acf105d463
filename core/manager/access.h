/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: who may see and who may change a table.
 *
 * An organization admin and the creator of a table may edit it; a user or a team may be granted
 * view or edit; a table that is open for everyone is seen by the whole organization. Who may edit
 * may view. */
#ifndef MSEQ_MANAGER_ACCESS_H
#define MSEQ_MANAGER_ACCESS_H

#include "rows.h"

/* Conditions on a row of `meta_table` (under that name) in a statement; `admin` and `user` are the
 * placeholders of the caller's `admin` ('b') and `user_uid` ('s'). The cheap reasons come first. */
#define MANAGER_GRANTED(user, and_edit)                                                            \
    " OR EXISTS (SELECT 1 FROM user_grant WHERE user_grant.meta_table_uid = meta_table.uid"        \
    " AND user_grant.user_uid = " user and_edit ")"                                                \
    " OR EXISTS (SELECT 1 FROM team_grant JOIN team_member"                                        \
    " ON team_member.team_uid = team_grant.team_uid"                                               \
    " WHERE team_grant.meta_table_uid = meta_table.uid AND team_member.user_uid = " user and_edit  \
    "))"
#define MANAGER_MAY_VIEW(admin, user)                                                              \
    "(" admin " = 1 OR meta_table.created_by_user_uid = " user                                     \
    " OR meta_table.open_for_everyone = 1" MANAGER_GRANTED(user, "")
#define MANAGER_MAY_EDIT(admin, user)                                                              \
    "(" admin " = 1 OR meta_table.created_by_user_uid = " user MANAGER_GRANTED(                    \
        user, " AND access = 'edit'")

/* The uids of what a user who is no admin may view, some of them more than once: quick when they
 * are few. The same tables as MANAGER_MAY_VIEW("0", user). */
#define MANAGER_VIEWED_UIDS(user)                                                                  \
    "SELECT uid FROM meta_table WHERE created_by_user_uid = " user                                 \
    " UNION ALL SELECT uid FROM meta_table WHERE open_for_everyone = 1"                            \
    " UNION ALL SELECT meta_table_uid FROM user_grant WHERE user_uid = " user                      \
    " UNION ALL SELECT team_grant.meta_table_uid FROM team_member JOIN team_grant"                 \
    " ON team_grant.team_uid = team_member.team_uid WHERE team_member.user_uid = " user

/* MSEQ_E_PERMISSION, naming who can grant it, unless the caller may edit a row that they may view.
 */
mseq_status manager_require_edit(const manager_call *call, const manager_row *row,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* The same for a row whose may_edit is not at hand. */
mseq_status manager_refuse_edit(const manager_call *call, const char *uid,
                                const char *physical_table_name, mseq_error *err);
/* Of a list of uids those whose tables the caller may view: an object with the uids as keys. */
mseq_status manager_visible_uids(const manager_call *call, const mseq_value *uids,
                                 mseq_value **visible, mseq_error *err) MSEQ_MUST_CHECK;
/* Takes out of a document what tells of tables that the caller may not view: keys that lead to one
 * look as those to a table that is not registered. */
mseq_status manager_conceal(const manager_call *call, mseq_value *document,
                            mseq_error *err) MSEQ_MUST_CHECK;

/* ---- fence_changes.c ---------------------------------------------------------------------------
 */

/* Whose access a change can be about. NULL: that does not narrow it. */
typedef struct manager_access_change {
    const char *user_uid;
    const char *team_uid; /* its members, now */
    const char *data_source_uid;
    const char *creator_uid; /* this user and admins */
    bool can_wait; /* nobody may do less than before: roles follow when they are used next */
} manager_access_change;
/* Who may access what has changed, or is about to in this transaction: the catalog's access
 * revision goes on, and the roles concerned follow when it is committed. In the call's write
 * transaction. */
mseq_status manager_access_changed(const manager_call *call, const manager_access_change *change,
                                   mseq_error *err) MSEQ_MUST_CHECK;

#endif
