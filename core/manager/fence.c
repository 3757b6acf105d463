/* SPDX-License-Identifier: MIT
 * The second fence of statements on PostgreSQL: they run on connections of their user's own login
 * role, which may do in the data source what the user may and nothing else. The role follows the
 * catalog with every change of access; one that is behind all the same follows before it is used.
 *
 * A connection is opened with a password that was made for it, or for another one of this process a
 * moment ago. So there is none to keep: not in the catalog, not in a file. Several processes that
 * set one at the same time meet a refusal, and set another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execution.h"
#include "fence.h"
#include "uris.h"

enum {
    FENCES = 32,             /* users whose connections are kept, of all data sources */
    PASSWORD_USE_MS = 20000, /* it lets in for longer: clocks and waiting differ */
    SETTING_MS = 10000       /* most that setting one may take */
};

/* The connections of a role. */
struct manager_fence {
    manager_fence *next;
    char role[MANAGER_ROLE_SIZE];
    manager_source *source; /* borrowed: it lives as long as the manager */
    mseq_database *database;
    unsigned users;       /* threads that are about to connect; guarded by the manager's lock */
    pthread_mutex_t lock; /* guards what follows; held while a password is set */
    char password[MANAGER_PASSWORD_SIZE];
    int64_t password_made; /* monotonic ms; 0: there is none yet */
};

/* ---- Passwords ---------------------------------------------------------------------------------
 */

static mseq_status set_password(manager_fence *fence, mseq_error *err) {
    mseq_connection *connection = NULL;
    int64_t now = mseq_monotonic_ms();
    mseq_status status = manager_source_connect(fence->source, &connection, err);
    if (status != MSEQ_OK)
        return status;
    mseq_connection_limit(connection, NULL, SETTING_MS);
    status = mseq_connection_begin(connection, true, err);
    if (status == MSEQ_OK)
        status = manager_roles_lock(connection, err);
    if (status == MSEQ_OK)
        status = manager_fence_password(connection, fence->role, fence->password, err);
    if (status == MSEQ_OK)
        status = mseq_connection_commit(connection, err);
    mseq_connection_rollback(connection);
    mseq_connection_release(connection);
    fence->password_made = status == MSEQ_OK ? now : 0;
    return status;
}

/* For a new connection. `refused` did not let in: where another thread has set one since, that one
 * is tried. */
static mseq_status give_password(void *data, const char *refused, char **password,
                                 mseq_error *err) {
    manager_fence *fence = data;
    mseq_status status = MSEQ_OK;
    pthread_mutex_lock(&fence->lock);
    if (!fence->password_made || mseq_monotonic_ms() - fence->password_made > PASSWORD_USE_MS ||
        (refused && strcmp(refused, fence->password) == 0))
        status = set_password(fence, err);
    if (status == MSEQ_OK && !(*password = mseq_text_dup(fence->password)))
        status = mseq_error_no_memory(err);
    pthread_mutex_unlock(&fence->lock);
    return status;
}

/* ---- Connections -------------------------------------------------------------------------------
 */

static void free_fence(manager_fence *fence) {
    mseq_database_close(fence->database);
    mseq_secret_erase(fence->password, sizeof fence->password);
    pthread_mutex_destroy(&fence->lock);
    free(fence);
}

void manager_fences_close(mseq_manager *manager) {
    while (manager->fences) {
        manager_fence *next = manager->fences->next;
        free_fence(manager->fences);
        manager->fences = next;
    }
}

/* Takes out those behind the first FENCES that nobody is about to use. */
static manager_fence *take_surplus(mseq_manager *manager) {
    size_t count = 0;
    for (manager_fence **at = &manager->fences; *at; at = &(*at)->next) {
        manager_fence *fence = *at;
        if (++count > FENCES && fence->users == 0) {
            *at = fence->next;
            return fence;
        }
        if (!fence->next)
            break;
    }
    return NULL;
}

/* The one of that role, in front now; NULL: none. */
static manager_fence *find_fence(mseq_manager *manager, const manager_source *source,
                                 const char *role) {
    for (manager_fence **at = &manager->fences; *at; at = &(*at)->next) {
        manager_fence *fence = *at;
        if (fence->source == source && strcmp(fence->role, role) == 0) {
            *at = fence->next;
            fence->next = manager->fences;
            manager->fences = fence;
            fence->users++;
            return fence;
        }
    }
    return NULL;
}

static mseq_status open_fence(manager_source *source, const manager_fence_role *known,
                              manager_fence **fence, mseq_error *err) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    manager_fence *made = calloc(1, sizeof *made);
    char *uri = manager_uri_for_user(source->uri, known->role, NULL);
    if (!made || !uri) {
        free(made);
        free(uri);
        return mseq_error_no_memory(err);
    }
    pthread_mutex_init(&made->lock, NULL);
    made->source = source;
    made->users = 1;
    snprintf(made->role, sizeof made->role, "%s", known->role);
    options.uri = uri;
    options.password = give_password;
    options.password_data = made;
    options.governed_schema = known->schema;
    options.governed_timeout_ms = MANAGER_TIMEOUT_MS;
    mseq_status status = mseq_database_open(&options, &made->database, err);
    free(uri);
    if (status != MSEQ_OK) {
        free_fence(made);
        return status;
    }
    *fence = made;
    return MSEQ_OK;
}

static mseq_status connect_as(mseq_manager *manager, manager_source *source,
                              const manager_fence_role *known, mseq_connection **connection,
                              mseq_error *err) {
    pthread_mutex_lock(&manager->lock);
    manager_fence *fence = find_fence(manager, source, known->role);
    pthread_mutex_unlock(&manager->lock);
    if (!fence) {
        mseq_status status = open_fence(source, known, &fence, err);
        if (status != MSEQ_OK)
            return status;
        pthread_mutex_lock(&manager->lock);
        fence->next = manager->fences;
        manager->fences = fence;
        pthread_mutex_unlock(&manager->lock);
    }
    mseq_status status = mseq_database_connect(fence->database, connection, err);
    pthread_mutex_lock(&manager->lock);
    fence->users--;
    manager_fence *surplus = take_surplus(manager);
    pthread_mutex_unlock(&manager->lock);
    if (surplus)
        free_fence(surplus);
    return status;
}

/* ---- Roles -------------------------------------------------------------------------------------
 */

/* Without a role the caller may view nothing there any more: what was judged is judged anew. */
static mseq_status renew(const manager_call *call, const manager_scope *scope,
                         manager_fence_role *known, mseq_error *err) {
    mseq_connection *connection = NULL;
    const char *user = call->caller->user_uid, *source = scope->source->uid;
    mseq_status status = manager_source_connect(scope->source, &connection, err);
    if (status == MSEQ_OK) {
        mseq_connection_limit(connection, call->request->cancellation, 0);
        status = manager_fence_follow(call->catalog, connection, user, source, true, err);
    }
    mseq_connection_release(connection);
    if (status == MSEQ_OK)
        status = manager_fence_role_read(call->catalog, user, source, known, err);
    if (status == MSEQ_OK && known->revision < 0)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "access_changed",
                                "who may access what has changed while the statement was judged");
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the role of '%s' in the data source '%s': ", call->caller->username,
                          source);
    return status;
}

/* A role that somebody has dropped is made again. */
static mseq_status connect_fenced(const manager_call *call, const manager_scope *scope,
                                  manager_fence_role *known, mseq_connection **connection,
                                  mseq_error *err) {
    static const char undefined_object[] = "42704";
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = connect_as(call->manager, scope->source, known, connection, &cause);
    if (status != MSEQ_OK && strcmp(cause.sqlstate, undefined_object) == 0) {
        mseq_error_clear(&cause);
        status = renew(call, scope, known, &cause);
        if (status == MSEQ_OK)
            status = connect_as(call->manager, scope->source, known, connection, &cause);
    }
    if (status != MSEQ_OK) {
        mseq_error_prefix(&cause, "the data source: ");
        if (err && err->status == MSEQ_OK)
            *err = cause;
    }
    return status;
}

/* As the data source's own role, whose search path says where the tables are. */
static mseq_status connect_unfenced(manager_source *source, mseq_connection **connection,
                                    char **schema, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_source_connect(source, connection, err);
    if (status != MSEQ_OK || source->dialect != MSEQ_POSTGRESQL)
        return status;
    status = mseq_connection_execute(*connection, "SELECT current_schema() AS schema", NULL, &rows,
                                     NULL, err);
    const char *found = mseq_object_get_text(mseq_array_get(rows, 0), "schema");
    if (status == MSEQ_OK && !(*schema = mseq_text_dup(found ? found : "public")))
        status = mseq_error_no_memory(err);
    mseq_value_free(rows);
    return status;
}

mseq_status manager_fence_connect(const manager_call *call, const manager_scope *scope, bool anew,
                                  mseq_connection **connection, char **schema, mseq_error *err) {
    manager_fence_role known = {.revision = -1};
    if (scope->source->dialect != MSEQ_POSTGRESQL || scope->source->parser_only)
        return connect_unfenced(scope->source, connection, schema, err);
    mseq_status status = manager_fence_role_known(call, scope->source->uid, &known, err);
    if (status == MSEQ_OK && (anew || known.revision < scope->access_revision))
        status = renew(call, scope, &known, err);
    if (status == MSEQ_OK)
        status = connect_fenced(call, scope, &known, connection, err);
    if (status == MSEQ_OK && !(*schema = mseq_text_dup(known.schema))) {
        mseq_connection_release(*connection);
        *connection = NULL;
        status = mseq_error_no_memory(err);
    }
    return status;
}
