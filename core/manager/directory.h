/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: the users and teams of an organization. */
#ifndef MSEQ_MANAGER_DIRECTORY_H
#define MSEQ_MANAGER_DIRECTORY_H

#include "manager_private.h"

/* Records of the caller's organization, owned by the caller; MSEQ_E_NOT_FOUND when there is none.
 * `reference` is a uid or a name. */
mseq_status manager_find_user(const manager_call *call, const char *reference, mseq_value **user,
                              mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_find_team(const manager_call *call, const char *reference, mseq_value **team,
                              mseq_error *err) MSEQ_MUST_CHECK;
/* The same by the number under which the protocol knows them. */
mseq_status manager_find_user_id(const manager_call *call, int64_t id, mseq_value **user,
                                 mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_find_team_id(const manager_call *call, int64_t id, mseq_value **team,
                                 mseq_error *err) MSEQ_MUST_CHECK;

/* What these records hold, for statements of others that are FROM platform_user, or FROM team. */
#define MANAGER_USER_COLUMNS                                                                       \
    "platform_user.uid AS uid, platform_user.id AS id, username, first_name, last_name, email,"    \
    " is_admin, is_disabled, platform_user.created_at AS created_at"
#define MANAGER_TEAM_COLUMNS                                                                       \
    "team.uid AS uid, team.id AS id, name, description, team.created_at AS created_at,"            \
    " (SELECT COUNT(*) FROM team_member WHERE team_member.team_uid = team.uid) AS member_count"

/* As sharing shows them (UserSummary and ShareableTeamSummary of the protocol). */
mseq_value *manager_user_summary(const mseq_value *record);
mseq_value *manager_team_summary(const mseq_value *record);

/* MSEQ_E_PERMISSION unless the caller is an admin of the organization. */
mseq_status manager_require_admin(const manager_call *call, mseq_error *err) MSEQ_MUST_CHECK;
/* Trims a name, and refuses one that could not stand in a command or a path: letters, digits and
 * ". _ - @ +" only, with `spaces` also single spaces inside, and no uid. Owned by the caller. */
mseq_status manager_check_name(const char *what, const char *given, bool spaces, char **name,
                               mseq_error *err) MSEQ_MUST_CHECK;

#endif
