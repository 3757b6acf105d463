/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: the catalog's database as a whole: where it is, its versions. */
#ifndef MSEQ_MANAGER_CATALOG_H
#define MSEQ_MANAGER_CATALOG_H

#include "manager_private.h"

/* ---- catalog_versions.c ------------------------------------------------------------------------
 */

/* One version of the catalog: what makes it from the one before. NULL: no such part. */
typedef struct manager_catalog_step {
    const char *script;     /* for both databases */
    const char *sqlite;     /* after it, on SQLite only */
    const char *postgresql; /* after it, on PostgreSQL only */
} manager_catalog_step;
extern const manager_catalog_step manager_catalog_steps[];
extern const size_t manager_catalog_step_count;

/* ---- catalog_place.c ---------------------------------------------------------------------------
 */

typedef struct manager_catalog_place {
    char *uri;  /* may hold a secret */
    char *name; /* for messages: without one */
    char *file; /* of SQLite; else NULL */
} manager_catalog_place;
/* Where the catalog of these options is. `directory` is the prepared folder. */
mseq_status manager_catalog_place_find(const mseq_manager_options *options, const char *directory,
                                       manager_catalog_place *place,
                                       mseq_error *err) MSEQ_MUST_CHECK;
void manager_catalog_place_free(manager_catalog_place *place);

/* ---- catalog_schema.c --------------------------------------------------------------------------
 */

typedef enum manager_catalog_policy {
    MANAGER_CATALOG_AS_IT_IS, /* any other version than ours is refused, and an empty database */
    MANAGER_CATALOG_CREATE,   /* an empty database becomes a catalog, an older one is refused */
    MANAGER_CATALOG_UPGRADE   /* an older one is copied (SQLite) and upgraded */
} manager_catalog_policy;

typedef struct manager_catalog_change {
    int64_t before; /* version; 0: it was empty */
    int64_t after;
    char *copy; /* file of the copy made before, owned; NULL: none */
} manager_catalog_change;

/* Brings the catalog to the version of this program, or says why not. */
mseq_status manager_catalog_prepare(mseq_database *catalog, const manager_catalog_place *place,
                                    manager_catalog_policy policy, manager_catalog_change *change,
                                    mseq_error *err) MSEQ_MUST_CHECK;
/* Inside of a write transaction: waits for the other writers of the catalog, of whatever server,
 * and refuses a catalog that was upgraded since it was opened. */
mseq_status manager_catalog_lock(mseq_connection *catalog, mseq_error *err) MSEQ_MUST_CHECK;
/* Who `local` is. */
mseq_status manager_catalog_local_user(mseq_connection *catalog, manager_caller *caller,
                                       mseq_error *err) MSEQ_MUST_CHECK;

#endif
