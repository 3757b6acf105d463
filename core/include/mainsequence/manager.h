/* SPDX-License-Identifier: MIT
 *
 * Room `manager`: a TS Manager behind one handler. Router, catalog, provisioning, execution,
 * migration credentials. Internally locked: one manager may be used by many threads; several
 * processes may open one folder.
 */
#ifndef MSEQ_MANAGER_H
#define MSEQ_MANAGER_H

#include "mainsequence/database.h"
#include "mainsequence/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mseq_manager mseq_manager;

typedef struct mseq_manager_options {
    size_t size;
    const char *directory; /* the folder of the TS Manager; created (0700) when missing */
    /* Where the catalog is: "sqlite:PATH", "postgresql://user@host:port/database" (a password is
     * better left to libpq's password file), NULL: in the folder. Never printed with a secret. */
    const char *catalog;
    bool served; /* the folder's catalog is used by servers: it is not upgraded at open */
    int64_t (*clock)(void); /* microseconds since 1970 that tokens expire by; NULL: mseq_time_now */
    mseq_scrypt_cost password_cost; /* of new passwords; zeros: 2^14 steps, block 8, 5 times */
} mseq_manager_options;
#define MSEQ_MANAGER_OPTIONS_INIT                                                                  \
    { .size = sizeof(mseq_manager_options) }

/* Opens or creates the folder. A folder's own catalog is made when it is missing: one organization,
 * one user `local`, one project and one SQLite data source; unless `served`, an older one is copied
 * and upgraded. A catalog that is named in `catalog` is only ever made and upgraded by
 * mseq_manager_upgrade. Otherwise older ones are refused with the code catalog_too_old, empty ones
 * with catalog_missing, newer ones always with catalog_too_new. */
MSEQ_API mseq_status mseq_manager_open(const mseq_manager_options *options, mseq_manager **manager,
                                       mseq_error *err) MSEQ_MUST_CHECK;
/* Makes the catalog of these options or brings it to the version of this library, after a copy
 * beside it on SQLite and in one transaction on both databases. Its servers must have stopped.
 * *report, owned by the caller, gets {catalog, version_before, version, copy}: version_before 0
 * means that it was empty; copy is a path or null. */
MSEQ_API mseq_status mseq_manager_upgrade(const mseq_manager_options *options, mseq_value **report,
                                          mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_manager_close(mseq_manager *manager);
/* Answers a request of the caller `local`. Always fills *reply; never fails. Has the form of
 * mseq_handler: `manager` is a mseq_manager. */
MSEQ_API void mseq_manager_handle(void *manager, const mseq_request *request, mseq_reply *reply);
/* The same for a caller who must show who they are: the user is the one of the access token in
 * request->authorization. Without a valid one every route but those that give out tokens answers
 * 401. */
MSEQ_API void mseq_manager_handle_remote(void *manager, const mseq_request *request,
                                         mseq_reply *reply);
/* Whether the catalog answers. Errors: the database's. */
MSEQ_API mseq_status mseq_manager_ready(mseq_manager *manager, mseq_error *err) MSEQ_MUST_CHECK;
/* The routes in the order of their definition; false after the last. Patterns are without the first
 * and the last slash: "orm/api/ts_manager/{kind}/{uid}". Static texts. */
MSEQ_API bool mseq_manager_route(size_t index, const char **method, const char **pattern);
/* Both borrowed from the manager: its folder, and the catalog's name without a secret. */
MSEQ_API const char *mseq_manager_directory(const mseq_manager *manager);
MSEQ_API const char *mseq_manager_catalog(const mseq_manager *manager);

#ifdef __cplusplus
}
#endif
#endif
