/* SPDX-License-Identifier: MIT
 * Routes by which admins add, list, test and remove data sources. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "directory.h"
#include "fence.h"
#include "routes.h"
#include "source_facts.h"
#include "sources.h"
#include "uris.h"

/* ---- What they look like -----------------------------------------------------------------------
 */

#define ADMIN_COLUMNS                                                                              \
    "uid, id, display_name, class_type, status, location, secret_kind, secret_name, fence,"        \
    " access_mode, capabilities, created_at, (SELECT COUNT(*) FROM project WHERE "                 \
    "project.data_source_uid ="                                                                    \
    " data_source.uid) AS projects"

static mseq_value *parsed(const mseq_value *text) {
    mseq_value *value = NULL;
    if (mseq_value_kind(text) != MSEQ_STRING)
        return mseq_value_null();
    return mseq_json_parse(mseq_value_get_text(text), mseq_value_get_text_length(text), 0, &value,
                           NULL) == MSEQ_OK
               ? value
               : NULL;
}

static mseq_value *admin_object(const mseq_value *record) {
    static const char *const keys[] = {"uid",    "id",       "display_name", "class_type",
                                       "status", "location", "secret_kind",  "secret_name"};
    manager_draft object;
    manager_draft_object(&object);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        manager_put_copy(&object, keys[i], mseq_object_get(record, keys[i]));
    if (strcmp(mseq_object_get_text(record, "class_type"), "postgresql") == 0)
        manager_put_copy(&object, "fence", mseq_object_get(record, "fence"));
    manager_put_copy(&object, "access_mode", mseq_object_get(record, "access_mode"));
    manager_put_boolean(&object, "is_default", mseq_object_get_integer(record, "projects", 0) > 0);
    manager_put(&object, "capabilities", parsed(mseq_object_get(record, "capabilities")));
    manager_put_copy(&object, "created_at", mseq_object_get(record, "created_at"));
    return manager_draft_take(&object);
}

static mseq_status find_record(const manager_call *call, const char *uid, mseq_value **rows,
                               mseq_error *err) {
    mseq_status status = manager_query(call->catalog, rows, err,
                                       "SELECT " ADMIN_COLUMNS " FROM data_source WHERE uid = ?1"
                                       " AND organization_uid = ?2",
                                       "ss", uid, call->caller->organization_uid);
    if (status == MSEQ_OK && mseq_value_length(*rows) == 0)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "data_source_not_found",
                                "there is no data source '%.100s'", uid);
    return status;
}

static mseq_status answer_one(manager_call *call, const char *uid, int http_status,
                              mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = find_record(call, uid, &rows, err);
    if (status == MSEQ_OK)
        status = manager_answer(call, http_status, admin_object(mseq_array_get(rows, 0)), err);
    mseq_value_free(rows);
    return status;
}

mseq_status manager_admin_list_sources(manager_call *call, mseq_error *err) {
    static const char *const filters[] = {NULL};
    mseq_value *rows = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_check_keys(call->query, "the query", filters, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, &rows, err,
                               "SELECT " ADMIN_COLUMNS " FROM data_source"
                               " WHERE organization_uid = ?1 ORDER BY created_at, uid",
                               "s", call->caller->organization_uid);
    return status == MSEQ_OK ? manager_answer_list(call, rows, admin_object, err) : status;
}

/* ---- What is asked for -------------------------------------------------------------------------
 */

/* A data source that is about to be added. */
typedef struct addition {
    mseq_value *request;
    char uid[MANAGER_UID_SIZE];
    const char *class_type;
    const char *display_name; /* NULL: `name` */
    const char *fence;
    const char *secret_kind;
    const char *secret_name; /* NULL: none */
    char *uri;               /* may hold a secret */
    char *location;          /* does not */
    char *name;              /* of the database or file */
    mseq_value *capabilities;
} addition;

static void free_addition(addition *work) {
    if (work->uri)
        mseq_secret_erase(work->uri, strlen(work->uri));
    free(work->uri);
    free(work->location);
    free(work->name);
    mseq_value_free(work->capabilities);
    mseq_value_free(work->request);
}

/* A name is a file of the folder; every other path is absolute, as the folder that the server was
 * started in means nothing. */
static mseq_status take_path(const manager_call *call, addition *work, mseq_error *err) {
    const char *path = mseq_object_get_text(work->request, "path");
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!path || !*path)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "path: a data source of class sqlite needs one");
    if (path[0] != '/' && (slash || path[0] == '.'))
        return manager_refuse(
            err, MSEQ_E_REQUEST, "bad_value",
            "path: '%.200s' must be absolute, or the name of a file in the folder "
            "of the TS Manager",
            path);
    if (strcmp(path, MANAGER_CATALOG_FILE) == 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "path: '%.200s' is the catalog",
                              path);
    work->secret_kind = "none";
    work->location = mseq_text_dup(path);
    work->name = mseq_text_dup(slash ? slash + 1 : path);
    if (!work->location || !work->name)
        return mseq_error_no_memory(err);
    char *file = NULL;
    if (path[0] == '/')
        file = mseq_text_dup(path);
    else if (manager_folder_path(call->manager->directory, path, &file, err) != MSEQ_OK)
        return MSEQ_E_NO_MEMORY;
    mseq_status status = file ? manager_folder_make_file(file, err) : mseq_error_no_memory(err);
    if (status == MSEQ_OK && !(work->uri = mseq_text_format("sqlite:///%s", file)))
        status = mseq_error_no_memory(err);
    free(file);
    return status;
}

static mseq_status take_uri(addition *work, mseq_error *err) {
    const char *uri = mseq_object_get_text(work->request, "uri");
    const char *variable = mseq_object_get_text(work->request, "uri_environment");
    if (!uri == !variable)
        return manager_refuse(
            err, MSEQ_E_REQUEST, "bad_value",
            "a data source of class postgresql needs either uri or uri_environment");
    mseq_status status = variable ? manager_source_environment(variable, &uri, err) : MSEQ_OK;
    if (status != MSEQ_OK)
        return status;
    if (strncmp(uri, "postgresql://", 13) != 0 && strncmp(uri, "postgres://", 11) != 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "%s: a PostgreSQL URI starts with postgresql://",
                              variable ? "uri_environment" : "uri");
    work->uri = mseq_text_dup(uri);
    work->location = manager_uri_without_secret(uri);
    work->name = manager_uri_database(uri);
    if (!work->uri || !work->location || !work->name)
        return mseq_error_no_memory(err);
    work->secret_name = variable;
    work->secret_kind = variable                           ? "environment"
                        : strcmp(uri, work->location) == 0 ? "none"
                                                           : "file";
    return MSEQ_OK;
}

static mseq_status read_addition(const manager_call *call, addition *work, mseq_error *err) {
    static const char *const classes[] = {"sqlite", "postgresql", NULL};
    static const char *const fences[] = {"roles", "parser_only", NULL};
    static const mseq_field known[] = {
        {.name = "class_type", .flags = MSEQ_FIELD_REQUIRED, .choices = classes},
        {.name = "display_name", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
        {.name = "uri", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
        {.name = "uri_environment", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
        {.name = "path", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
        {.name = "fence", .flags = MSEQ_FIELD_OMIT_NULL, .choices = fences, .fallback = "roles"},
        {.name = "is_default", .type = MSEQ_FIELD_BOOLEAN, .fallback = "false"},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &work->request, err);
    if (status != MSEQ_OK)
        return status;
    work->class_type = mseq_object_get_text(work->request, "class_type");
    work->display_name = mseq_object_get_text(work->request, "display_name");
    work->fence = mseq_object_get_text(work->request, "fence");
    bool sqlite = strcmp(work->class_type, "sqlite") == 0;
    if (sqlite && (mseq_object_get(work->request, "uri") ||
                   mseq_object_get(work->request, "uri_environment")))
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "a data source of class sqlite has a path, no uri");
    if (!sqlite && mseq_object_get(work->request, "path"))
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "a data source of class postgresql has a uri, no path");
    return sqlite ? take_path(call, work, err) : take_uri(work, err);
}

/* ---- Looking at the database -------------------------------------------------------------------
 */

static mseq_status read_facts(const manager_call *call, mseq_database *database,
                              manager_source_facts *facts, mseq_error *err) {
    mseq_connection *connection = NULL;
    mseq_status status = mseq_database_connect(database, &connection, err);
    if (status != MSEQ_OK)
        return status;
    mseq_connection_limit(connection, call->request->cancellation, 0);
    status = manager_source_facts_read(connection, facts, err);
    mseq_connection_release(connection);
    return status;
}

/* One that cannot be reached is not added: its name, user or password are wrong more often than it
 * is down. */
static mseq_status examine_addition(const manager_call *call, addition *work, mseq_error *err) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_database *database = NULL;
    manager_source_facts facts;
    options.uri = work->uri;
    options.must_exist = true;
    mseq_status status = mseq_database_open(&options, &database, err);
    if (status == MSEQ_OK)
        status = read_facts(call, database, &facts, err);
    if (status == MSEQ_OK) {
        work->capabilities = manager_source_capabilities(&facts, mseq_database_dialect(database),
                                                         strcmp(work->fence, "parser_only") == 0);
        status = work->capabilities ? MSEQ_OK : mseq_error_no_memory(err);
    }
    mseq_database_close(database);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "the data source is not added: ");
    return status;
}

/* ---- Adding ------------------------------------------------------------------------------------
 */

static mseq_status check_new(const manager_call *call, const addition *work, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status =
        manager_query(call->catalog, &rows, err,
                      "SELECT uid FROM data_source WHERE organization_uid = ?1 AND location = ?2",
                      "ss", call->caller->organization_uid, work->location);
    if (status == MSEQ_OK && mseq_value_length(rows) > 0)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "data_source_exists",
                                "'%.300s' is the data source '%s' already", work->location,
                                mseq_object_get_text(mseq_array_get(rows, 0), "uid"));
    mseq_value_free(rows);
    return status;
}

static mseq_status make_default(const manager_call *call, const char *uid, mseq_error *err) {
    return manager_query(call->catalog, NULL, err,
                         "UPDATE project SET data_source_uid = ?1 WHERE organization_uid = ?2",
                         "ss", uid, call->caller->organization_uid);
}

static mseq_status insert(const manager_call *call, const addition *work, mseq_error *err) {
    char now[32];
    mseq_time_format(mseq_time_now(), false, now);
    mseq_status status = manager_query(
        call->catalog, NULL, err,
        "INSERT INTO data_source (uid, id, organization_uid, display_name, class_type, status,"
        " location, secret_kind, secret_name, fence, capabilities, created_at)"
        " VALUES (?1, (SELECT COALESCE(MAX(id), 0) + 1 FROM data_source), ?2, ?3, ?4, 'AVAILABLE',"
        " ?5, ?6, ?7, ?8, ?9, ?10)",
        "ssssssssjs", work->uid, call->caller->organization_uid,
        work->display_name ? work->display_name : work->name, work->class_type, work->location,
        work->secret_kind, work->secret_name, work->fence, work->capabilities, now);
    if (status == MSEQ_OK && mseq_object_get_boolean(work->request, "is_default", false))
        status = make_default(call, work->uid, err);
    return status;
}

/* The file goes before the row: a row without its file could not be used. */
static mseq_status add(manager_call *call, addition *work, mseq_error *err) {
    bool with_file = strcmp(work->secret_kind, "file") == 0;
    if (mseq_uuid_new(work->uid) != MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_IO, "no random uid");
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = check_new(call, work, err);
    if (status == MSEQ_OK && with_file)
        status = manager_source_secret_write(call->manager, work->uid, work->uri, err);
    if (status == MSEQ_OK)
        status = insert(call, work, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status != MSEQ_OK && with_file)
        manager_source_secret_remove(call->manager, work->uid);
    return status;
}

mseq_status manager_admin_add_source(manager_call *call, mseq_error *err) {
    addition work = {.request = NULL};
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = read_addition(call, &work, err);
    if (status == MSEQ_OK)
        status = examine_addition(call, &work, err);
    if (status == MSEQ_OK)
        status = add(call, &work, err);
    if (status == MSEQ_OK)
        status = answer_one(call, work.uid, 201, err);
    free_addition(&work);
    return status;
}

/* ---- Testing -----------------------------------------------------------------------------------
 */

static mseq_value *reachable(bool ok, const mseq_error *cause) {
    manager_draft check;
    manager_draft_object(&check);
    manager_put_text(&check, "name", "reachable");
    manager_put_boolean(&check, "ok", ok);
    manager_put_text(&check, "detail", ok ? "the database answers" : cause->message);
    manager_put_text(&check, "hint", ok || !cause->hint[0] ? NULL : cause->hint);
    return manager_draft_take(&check);
}

static bool all_good(const mseq_value *checks) {
    for (size_t i = 0; i < mseq_value_length(checks); i++)
        if (!mseq_object_get_boolean(mseq_array_get(checks, i), "ok", false))
            return false;
    return true;
}

static mseq_status answer_test(manager_call *call, const manager_source *source,
                               const manager_source_facts *facts, const mseq_error *cause,
                               mseq_error *err) {
    manager_draft reply, checks;
    manager_draft_object(&reply);
    manager_draft_array(&checks);
    manager_append(&checks, reachable(facts != NULL, cause));
    mseq_value *found =
        facts ? manager_source_checks(facts, source->dialect, source->parser_only) : NULL;
    for (size_t i = 0; i < mseq_value_length(found); i++)
        manager_append(&checks, mseq_value_dup(mseq_array_get(found, i)));
    if (facts && !found)
        checks.failed = true;
    manager_put_text(&reply, "data_source_uid", call->uid);
    manager_put_boolean(&reply, "ok", facts && all_good(found));
    manager_put_draft(&reply, "checks", &checks);
    if (facts)
        manager_put(&reply, "capabilities",
                    manager_source_capabilities(facts, source->dialect, source->parser_only));
    mseq_value_free(found);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

static mseq_status keep_capabilities(manager_call *call, const manager_source *source,
                                     const manager_source_facts *facts, mseq_error *err) {
    mseq_value *capabilities =
        manager_source_capabilities(facts, source->dialect, source->parser_only);
    mseq_status status = capabilities ? manager_begin(call, err) : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "UPDATE data_source SET capabilities = ?2 WHERE uid = ?1", "sj",
                               call->uid, capabilities);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(capabilities);
    return status;
}

/* That the database does not answer is a result; everything else that fails is a failure. */
mseq_status manager_admin_test_source(manager_call *call, mseq_error *err) {
    mseq_value *rows = NULL;
    manager_source *source = NULL;
    manager_source_facts facts;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = find_record(call, call->uid, &rows, err);
    mseq_value_free(rows);
    if (status != MSEQ_OK)
        return status;
    mseq_status found = manager_source_find(call, call->uid, &source, &cause);
    if (found == MSEQ_OK)
        found = read_facts(call, source->database, &facts, &cause);
    if (found == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (found == MSEQ_OK)
        status = keep_capabilities(call, source, &facts, err);
    return status == MSEQ_OK
               ? answer_test(call, source, found == MSEQ_OK ? &facts : NULL, &cause, err)
               : status;
}

/* ---- Changing and removing ---------------------------------------------------------------------
 */

mseq_status manager_admin_patch_source(manager_call *call, mseq_error *err) {
    static const char *const modes[] = {"read_write", "read_only", "disabled", NULL};
    static const char *const fences[] = {"roles", "parser_only", NULL};
    static const mseq_field known[] = {
        {.name = "display_name", .flags = MSEQ_FIELD_OMIT_NULL | MSEQ_FIELD_NOT_EMPTY},
        {.name = "fence", .flags = MSEQ_FIELD_OMIT_NULL, .choices = fences},
        {.name = "access_mode", .flags = MSEQ_FIELD_OMIT_NULL, .choices = modes},
        {.name = "is_default", .type = MSEQ_FIELD_BOOLEAN},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_value *patch = NULL, *rows = NULL;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, known, &patch, err);
    if (status == MSEQ_OK && !mseq_object_get_boolean(patch, "is_default", true))
        status = manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                                "is_default: make another data source the default instead");
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = find_record(call, call->uid, &rows, err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err,
                               "UPDATE data_source SET display_name = COALESCE(?2, display_name),"
                               " fence = COALESCE(?3, fence),"
                               " access_mode = COALESCE(?4, access_mode) WHERE uid = ?1",
                               "ssss", call->uid, mseq_object_get_text(patch, "display_name"),
                               mseq_object_get_text(patch, "fence"),
                               mseq_object_get_text(patch, "access_mode"));
    const manager_access_change change = {.data_source_uid = call->uid};
    bool access = mseq_object_get(patch, "fence") || mseq_object_get(patch, "access_mode");
    if (status == MSEQ_OK && access)
        status = manager_access_changed(call, &change, err);
    if (status == MSEQ_OK && mseq_object_get_boolean(patch, "is_default", false))
        status = make_default(call, call->uid, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status == MSEQ_OK)
        status = answer_one(call, call->uid, 200, err);
    mseq_value_free(rows);
    mseq_value_free(patch);
    return status;
}

static mseq_status check_unused(const manager_call *call, const mseq_value *record,
                                mseq_error *err) {
    mseq_value *rows = NULL;
    if (mseq_object_get_integer(record, "projects", 0) > 0) {
        manager_refuse(err, MSEQ_E_CONFLICT, "data_source_in_use",
                       "the data source '%s' is the one of the project", call->uid);
        mseq_error_hint(err, "make another one the default first");
        return MSEQ_E_CONFLICT;
    }
    mseq_status status = manager_query(
        call->catalog, &rows, err,
        "SELECT COUNT(*) AS count FROM meta_table WHERE data_source_uid = ?1", "s", call->uid);
    int64_t count = mseq_object_get_integer(mseq_array_get(rows, 0), "count", 0);
    if (status == MSEQ_OK && count > 0)
        status = manager_refuse(err, MSEQ_E_CONFLICT, "data_source_in_use",
                                "the data source '%s' has %lld tables in the catalog: delete them "
                                "first",
                                call->uid, (long long)count);
    mseq_value_free(rows);
    return status;
}

/* The roles of users go. Where the server does not answer they stay, without a password that counts
 * and until the database is a data source again. */
static bool drop_roles(const manager_call *call, manager_source *source) {
    mseq_connection *connection = NULL;
    mseq_status status = manager_source_connect(source, &connection, NULL);
    if (status == MSEQ_OK)
        status = manager_fences_drop_unknown(call->catalog, connection,
                                             call->caller->organization_uid, NULL);
    mseq_connection_release(connection);
    return status == MSEQ_OK;
}

/* The database itself stays as it is. */
mseq_status manager_admin_remove_source(manager_call *call, mseq_error *err) {
    mseq_value *rows = NULL;
    manager_source *source = NULL;
    mseq_status status = manager_require_admin(call, err);
    /* one that cannot be reached can be removed all the same */
    mseq_status found =
        status == MSEQ_OK ? manager_source_find(call, call->uid, &source, NULL) : MSEQ_E_NOT_FOUND;
    bool postgresql = found == MSEQ_OK && source->dialect == MSEQ_POSTGRESQL;
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = find_record(call, call->uid, &rows, err);
    if (status == MSEQ_OK)
        status = check_unused(call, mseq_array_get(rows, 0), err);
    if (status == MSEQ_OK)
        status = manager_query(call->catalog, NULL, err, "DELETE FROM data_source WHERE uid = ?1",
                               "s", call->uid);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    mseq_value_free(rows);
    if (status != MSEQ_OK)
        return status;
    bool dropped = postgresql && drop_roles(call, source);
    manager_source_secret_remove(call->manager, call->uid);
    manager_sources_trim(call->manager, call->uid, NULL);
    manager_draft reply;
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_text(&reply, "data_source_uid", call->uid);
    if (postgresql || found != MSEQ_OK)
        manager_put_boolean(&reply, "roles_dropped", dropped);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}
