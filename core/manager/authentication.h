/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: tokens in the catalog. */
#ifndef MSEQ_MANAGER_AUTHENTICATION_H
#define MSEQ_MANAGER_AUTHENTICATION_H

#include "secrets.h"

enum {
    MANAGER_ACCESS_SECONDS = 3600,           /* of a session's or a runtime credential's token */
    MANAGER_REFRESH_SECONDS = 30 * 24 * 3600 /* each rotation starts anew */
};

/* Keeps a new access token: kind "session", "runtime" or "personal". `seconds` 0: never expires. In
 * the call's write transaction. `family_uid` (may be NULL) is what it ends with. */
mseq_status manager_issue_access(manager_call *call, const char *user_uid, const char *kind,
                                 const char *name, const char *family_uid, int64_t seconds,
                                 manager_token *token, mseq_error *err) MSEQ_MUST_CHECK;
/* Starts a session in a family: the reply with an access and a refresh token, and the commit. In
 * the call's write transaction. */
mseq_status manager_give_session(manager_call *call, const char *user_uid, const char *family_uid,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* The user of that name and password; MSEQ_E_AUTHENTICATION, with no word on what is wrong. */
mseq_status manager_check_login(manager_call *call, const char *username, const char *password,
                                char user_uid[MANAGER_UID_SIZE], mseq_error *err) MSEQ_MUST_CHECK;
/* Ends all sessions of a user, or what belongs to a family. In the call's write transaction. */
mseq_status manager_end_sessions(const manager_call *call, const char *user_uid,
                                 mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_end_family(const manager_call *call, const char *family_uid,
                               mseq_error *err) MSEQ_MUST_CHECK;
/* The time of the manager's clock plus so many seconds, as the catalog keeps it. */
void manager_time_after(const manager_call *call, int64_t seconds, char text[32]);
/* One of few places in which a password may be derived; MSEQ_E_RATE_LIMIT when all are taken. */
mseq_status manager_hash_begin(mseq_manager *manager, mseq_error *err) MSEQ_MUST_CHECK;
void manager_hash_end(mseq_manager *manager);

#endif
