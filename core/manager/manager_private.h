/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`.
 *
 * A request becomes a `manager_call`: the router fills it, one handler a route answers it. A
 * handler returns MSEQ_OK after manager_answer, or an error that the router turns into a reply.
 * What the handler changed in the catalog counts only after manager_commit: a call that ends in a
 * transaction is rolled back.
 */
#ifndef MSEQ_MANAGER_PRIVATE_H
#define MSEQ_MANAGER_PRIVATE_H

#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "mainsequence/manager.h"

enum {
    MANAGER_PAGE = 100,             /* rows of a list page */
    MANAGER_FILTER_MAXIMUM = 10000, /* rows of a filter/ reply, and names in one filter */
    MANAGER_BULK_MAXIMUM = 10000,   /* tables in one bulk request */
    MANAGER_UID_SIZE = 37,
    MANAGER_NAME_SIZE = 151,   /* of a user or team, with the NUL */
    MANAGER_HASHES_MAXIMUM = 4 /* passwords that are derived at a time: each takes 16 MiB */
};

/* Who asks. In-process requests come from the folder's user `local`. */
typedef struct manager_caller {
    char user_uid[MANAGER_UID_SIZE];
    char organization_uid[MANAGER_UID_SIZE];
    char username[MANAGER_NAME_SIZE];
    bool admin; /* of the organization */
    bool local; /* on this machine: in-process or loopback */
} manager_caller;

/* Where a URI was read that is not in the catalog, so that it may change without it. */
typedef struct manager_secret {
    enum { MANAGER_SECRET_NONE, MANAGER_SECRET_VARIABLE, MANAGER_SECRET_FILE } kind;
    char *variable; /* of the environment */
    bool settled;   /* the file had not changed for a while when it was read */
    struct stat file;
} manager_secret;

/* A database that tables live in. Immutable but for clean_at and the secret's file; lives as long
 * as the manager: one whose URI or fence was changed since is another one of the same uid. */
typedef struct manager_source {
    struct manager_source *next;
    char uid[MANAGER_UID_SIZE];
    mseq_dialect dialect;
    bool parser_only;      /* PostgreSQL: statements run without a role of their caller's own */
    manager_secret secret; /* its file is guarded by the manager's lock */
    char *uri;             /* may hold a secret: never in a reply but migration-connection */
    mseq_database *database;
    int64_t clean_at; /* when expired credentials are removed; guarded by the manager's lock */
} manager_source;

typedef struct manager_janitor manager_janitor;         /* janitor.h */
typedef struct manager_fence manager_fence;             /* fence.c */
typedef struct manager_query_cache manager_query_cache; /* query_cache.c */
typedef struct manager_plan_cache manager_plan_cache;   /* plan_cache.c */

/* Of the catalog: they grow in the transactions that change it. */
typedef struct manager_revisions {
    int64_t access;  /* who may access what */
    int64_t catalog; /* anything; negative: not read */
} manager_revisions;

struct mseq_manager {
    char *directory; /* absolute */
    char *catalog_name;
    bool served; /* by a process that stays */
    mseq_database *catalog;
    manager_caller local;
    int64_t (*clock)(void); /* microseconds, as mseq_time_now */
    mseq_scrypt_cost password_cost;
    pthread_mutex_t lock; /* guards what follows */
    manager_source *sources;
    manager_fence *fences;        /* the one used last first */
    manager_janitor *janitor;     /* NULL until there is something to clean */
    unsigned hashes;              /* passwords being derived */
    manager_query_cache *queries; /* NULL until something is remembered */
    manager_plan_cache *plans;    /* the same */
    manager_revisions revisions;  /* as they were at that mark of the catalog */
    mseq_database_mark revisions_mark;
    pthread_mutex_t log_lock; /* guards what follows */
    int log_file;             /* of executions; -1: not open */
    int64_t log_checked;      /* monotonic ms when its name and size were looked at */
    int64_t log_size;         /* then, and what was written since */
};

typedef struct manager_call {
    mseq_manager *manager;
    const mseq_request *request;
    const manager_caller *caller;
    mseq_connection *catalog;
    manager_revisions revisions; /* read before what is asked of the catalog */
    mseq_value *query;           /* object of strings; repeated keys joined with commas */
    char *uid;                   /* the {uid} of the path, or NULL */
    bool time_indexed;           /* the route is one of dynamic_table/ */
    mseq_value *due_roles; /* [{user_uid, data_source_uid}]: they follow what the call changes */
    mseq_reply *reply;
} manager_call;

typedef mseq_status (*manager_handler)(manager_call *call, mseq_error *err);

/* ---- reply.c: answers and refusals ------------------------------------------------------------
 */

/* Becomes owner of `body`, even on failure; NULL is out of memory. */
mseq_status manager_answer(manager_call *call, int http_status, mseq_value *body, mseq_error *err);
/* Answers with a page that holds all of these rows, and their count if asked. Takes them over; NULL
 * is out of memory. */
mseq_status manager_answer_page(manager_call *call, mseq_value *rows, bool counted,
                                mseq_error *err);
/* The same with the records as `object` shows them. */
mseq_status manager_answer_list(manager_call *call, mseq_value *records,
                                mseq_value *(*object)(const mseq_value *record), mseq_error *err);
/* Sets an error with a code of its own. */
mseq_status manager_refuse(mseq_error *err, mseq_status status, const char *code,
                           const char *format, ...) MSEQ_PRINTF(4, 5);
#ifdef __clang_analyzer__ /* as mseq_error_set in base.h */
#define manager_refuse(err, status, code, ...)                                                     \
    ((void)(manager_refuse)(err, status, code, __VA_ARGS__), status)
#endif
/* The HTTP status that an error is answered with. */
int manager_http_status(const mseq_error *err);
/* Turns an error into the reply: status, {"detail", "code", "hint"?}. Never fails: without memory
 * the body stays empty. */
void manager_answer_error(mseq_reply *reply, const mseq_error *err);

/* ---- caller.c -----------------------------------------------------------------------------------
 */

/* Fills in the user of the request's access token; MSEQ_E_AUTHENTICATION when it has none that
 * counts. */
mseq_status manager_authenticate(manager_call *call, manager_caller *caller,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* From a record of {uid, organization_uid, username, is_admin}; `local` stays. */
mseq_status manager_caller_from_record(const mseq_value *record, manager_caller *caller,
                                       mseq_error *err) MSEQ_MUST_CHECK;

/* ---- draft.c: objects built without a check after every key ------------------------------------
 */

typedef struct manager_draft {
    mseq_value *value;
    bool failed; /* out of memory; what is put later is freed */
} manager_draft;
void manager_draft_object(manager_draft *draft);
void manager_draft_array(manager_draft *draft);
/* Each becomes owner of what it is given; NULL is out of memory. */
void manager_put(manager_draft *draft, const char *key, mseq_value *value);
void manager_put_text(manager_draft *draft, const char *key, const char *text); /* NULL: null */
void manager_put_boolean(manager_draft *draft, const char *key, bool boolean);
void manager_put_integer(manager_draft *draft, const char *key, int64_t integer);
void manager_put_copy(manager_draft *draft, const char *key, const mseq_value *value);
void manager_put_draft(manager_draft *draft, const char *key, manager_draft *child);
void manager_append(manager_draft *draft, mseq_value *item);
void manager_append_draft(manager_draft *draft, manager_draft *child);
/* The value, owned by the caller; NULL when memory ran out. */
mseq_value *manager_draft_take(manager_draft *draft);
/* Gives the value if `status` and memory allow, and says what came of it. Ends the draft either
 * way. */
mseq_status manager_draft_end(manager_draft *draft, mseq_status status, mseq_value **out,
                              mseq_error *err) MSEQ_MUST_CHECK;
void manager_draft_free(manager_draft *draft);

/* ---- catalog.c: the catalog's database ---------------------------------------------------------
 */

/* Runs one statement of the catalog. SQL is what SQLite and PostgreSQL both understand, with ?1,
 * ?2, … as placeholders. `types` has a letter a parameter: 's' text (NULL: null), 'i' int64_t, 'b'
 * int as 0 or 1, 'j' const mseq_value * as JSON text. `rows` may be NULL. */
mseq_status manager_query(mseq_connection *catalog, mseq_value **rows, mseq_error *err,
                          const char *sql, const char *types, ...) MSEQ_MUST_CHECK;
mseq_status manager_query_arguments(mseq_connection *catalog, mseq_value **rows, mseq_error *err,
                                    const char *sql, const char *types,
                                    va_list arguments) MSEQ_MUST_CHECK;
/* The same with a list of parameters (NULL: none). */
mseq_status manager_query_list(mseq_connection *catalog, const char *sql,
                               const mseq_value *parameters, mseq_value **rows,
                               mseq_error *err) MSEQ_MUST_CHECK;
/* Starts the one write transaction of the call, or ends it. Writers of one catalog come one after
 * the other, of whatever thread, process or server. */
mseq_status manager_begin(manager_call *call, mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_commit(manager_call *call, mseq_error *err) MSEQ_MUST_CHECK;
/* As manager_commit, but the catalog's revision stays: no answer of manager_query_known is another
 * than before. So for what only gives out tokens, whose uids nobody can have asked for yet, and
 * forgets expired ones, which are refused by their time while they are remembered. Never for what
 * takes a right away. */
mseq_status manager_commit_unseen(manager_call *call, mseq_error *err) MSEQ_MUST_CHECK;
/* Raises the catalog's revision, which manager_commit does by itself: behind a change that stands
 * in no transaction. */
mseq_status manager_catalog_changed(mseq_connection *catalog, mseq_error *err) MSEQ_MUST_CHECK;
/* JSON text of a value as the catalog keeps it, owned by the caller. */
mseq_status manager_json_text(const mseq_value *value, char **text,
                              mseq_error *err) MSEQ_MUST_CHECK;

/* ---- query_cache.c -----------------------------------------------------------------------------
 */

/* The revisions of the catalog as they are now. */
mseq_status manager_revisions_read(const manager_call *call, manager_revisions *revisions,
                                   mseq_error *err) MSEQ_MUST_CHECK;
/* Reads those of the call unless they are known. */
mseq_status manager_revisions_ensure(manager_call *call, mseq_error *err) MSEQ_MUST_CHECK;
/* As manager_query on the call's catalog, for a constant text that only reads what transactions of
 * manager_begin write, with 's' and 'b' alone; not inside of such a transaction. The answer may be
 * one that was given under the call's revisions before; when they are not read it is asked for. */
mseq_status manager_query_known(const manager_call *call, mseq_value **rows, mseq_error *err,
                                const char *sql, const char *types, ...) MSEQ_MUST_CHECK;
void manager_query_cache_free(mseq_manager *manager);

/* ---- folder.c ----------------------------------------------------------------------------------
 */

#define MANAGER_CATALOG_FILE "catalog.sqlite"
#define MANAGER_DATA_FILE "data.sqlite"
/* Creates the folder and its files when they are missing; *absolute is owned by the caller. */
mseq_status manager_folder_prepare(const char *directory, bool with_catalog, char **absolute,
                                   mseq_error *err) MSEQ_MUST_CHECK;
/* An empty file is an empty SQLite database; it is made here so that nobody else may read it. */
mseq_status manager_folder_make_file(const char *path, mseq_error *err) MSEQ_MUST_CHECK;
/* Path of a file in the folder, and its database URI; owned by the caller. */
mseq_status manager_folder_path(const char *directory, const char *file, char **path,
                                mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_folder_uri(const char *directory, const char *file, char **uri,
                               mseq_error *err) MSEQ_MUST_CHECK;

/* ---- sources.c: data sources --------------------------------------------------------------------
 */

/* *source is borrowed from the manager. MSEQ_E_NOT_FOUND when the caller's organization has none of
 * that uid. */
mseq_status manager_source_find(const manager_call *call, const char *uid, manager_source **source,
                                mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_source_connect(manager_source *source, mseq_connection **connection,
                                   mseq_error *err) MSEQ_MUST_CHECK;

/* ---- parameters.c: what a request says ---------------------------------------------------------
 */

/* The query string as an object of strings; values of repeated keys are joined with commas. */
mseq_status manager_parse_query(const char *query, mseq_value **parameters,
                                mseq_error *err) MSEQ_MUST_CHECK;
/* true/false/1/0/yes/no in any case; absent: `otherwise`. */
mseq_status manager_boolean_parameter(const mseq_value *query, const char *name, bool otherwise,
                                      bool *boolean, mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_integer_parameter(const mseq_value *query, const char *name, int64_t otherwise,
                                      int64_t *integer, mseq_error *err) MSEQ_MUST_CHECK;
/* Refuses keys of `object` that are not in `names` (ends with NULL), with a near miss. */
mseq_status manager_check_keys(const mseq_value *object, const char *what, const char *const *names,
                               mseq_error *err) MSEQ_MUST_CHECK;
/* The request's body, which must be an object (NULL body: an empty one when `optional`). */
mseq_status manager_object_body(const manager_call *call, bool optional, const mseq_value **body,
                                mseq_error *err) MSEQ_MUST_CHECK;

#endif
