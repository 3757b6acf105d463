/* SPDX-License-Identifier: MIT
 * Which handler answers a request. Paths are taken raw: they are cut at "/" first and each piece is
 * decoded then, so that an escaped slash is part of a uid and never of the route. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fence.h"
#include "manager_private.h"
#include "routes.h"

enum { PATH_MAXIMUM = 4096, PIECES_MAXIMUM = 8, METHODS_MAXIMUM = 64 };

/* Every path ends with a slash. {kind} is meta_table or dynamic_table; {uid} anything. What is
 * written out wins over {uid}: GET …/register/ is a wrong method, not the table "register". */
typedef struct route {
    const char *method;
    const char *pattern;
    manager_handler handler;
    bool open; /* answers callers who have not shown who they are */
} route;

static const route routes[] = {
    {"GET", "orm/api/ts_manager/{kind}", manager_list_tables, false},
    {"POST", "orm/api/ts_manager/{kind}", manager_reserve_tables, false},
    {"POST", "orm/api/ts_manager/{kind}/register", manager_register_table, false},
    {"POST", "orm/api/ts_manager/{kind}/filter", manager_filter_tables, false},
    {"POST", "orm/api/ts_manager/{kind}/validate-contract", manager_validate_contract, false},
    {"POST", "orm/api/ts_manager/{kind}/finalize-managed", manager_finalize_tables, false},
    {"POST", "orm/api/ts_manager/{kind}/execute-operation", manager_execute_operation, false},
    {"POST", "orm/api/ts_manager/{kind}/stream-operation", manager_stream_operation, false},
    {"POST", "orm/api/ts_manager/{kind}/description-search", manager_description_search, false},
    {"GET", "orm/api/ts_manager/{kind}/description-search", manager_description_search, false},
    {"GET", "orm/api/ts_manager/{kind}/column-search", manager_column_search, false},
    {"POST", "orm/api/ts_manager/dynamic_table/get_or_create", manager_register_table, false},
    {"POST", "orm/api/ts_manager/dynamic_table/get_data_between_dates_from_node_identifier",
     manager_read_range_by_identifier, false},
    {"GET", "orm/api/ts_manager/{kind}/{uid}", manager_get_table, false},
    {"PATCH", "orm/api/ts_manager/{kind}/{uid}", manager_patch_table, false},
    {"DELETE", "orm/api/ts_manager/{kind}/{uid}", manager_delete_table, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/validate-contract", manager_validate_table_contract,
     false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/introspect", manager_introspect_table, false},
    {"GET", "orm/api/ts_manager/{kind}/{uid}/schema-graph", manager_schema_graph, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/run_query", manager_run_query, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/refresh-table-search-index", manager_refresh_search,
     false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/add-label", manager_add_labels, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/remove-label", manager_remove_labels, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/add-to-view", manager_add_to_view, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/add-to-edit", manager_add_to_edit, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/add-team-to-view", manager_add_team_to_view, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/add-team-to-edit", manager_add_team_to_edit, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/remove-from-view", manager_remove_from_view, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/remove-from-edit", manager_remove_from_edit, false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/remove-team-from-view", manager_remove_team_from_view,
     false},
    {"POST", "orm/api/ts_manager/{kind}/{uid}/remove-team-from-edit", manager_remove_team_from_edit,
     false},
    {"GET", "orm/api/ts_manager/dynamic_table/{uid}/get-stats", manager_series_get_stats, false},
    {"POST", "orm/api/ts_manager/dynamic_table/{uid}/get_data_between_dates_from_remote",
     manager_read_range, false},
    {"POST", "orm/api/ts_manager/dynamic_table/{uid}/get_last_observation",
     manager_last_observation, false},
    {"POST", "orm/api/ts_manager/dynamic_table/{uid}/delete_after_date", manager_delete_after,
     false},
    {"GET", "orm/api/ts_manager/{kind}/{uid}/can-view", manager_can_view, false},
    {"GET", "orm/api/ts_manager/{kind}/{uid}/can-edit", manager_can_edit, false},
    {"GET", "orm/api/ts_manager/users", manager_list_users, false},
    {"POST", "orm/api/ts_manager/users", manager_create_user, false},
    {"GET", "orm/api/ts_manager/users/{uid}", manager_get_user, false},
    {"PATCH", "orm/api/ts_manager/users/{uid}", manager_patch_user, false},
    {"POST", "orm/api/ts_manager/users/{uid}/set-password", manager_set_password, false},
    {"GET", "orm/api/ts_manager/teams", manager_list_teams, false},
    {"POST", "orm/api/ts_manager/teams", manager_create_team, false},
    {"GET", "orm/api/ts_manager/teams/{uid}", manager_get_team, false},
    {"PATCH", "orm/api/ts_manager/teams/{uid}", manager_patch_team, false},
    {"DELETE", "orm/api/ts_manager/teams/{uid}", manager_delete_team, false},
    {"POST", "orm/api/ts_manager/teams/{uid}/add-member", manager_add_member, false},
    {"POST", "orm/api/ts_manager/teams/{uid}/remove-member", manager_remove_member, false},
    {"GET", "orm/api/ts_manager/tokens", manager_list_tokens, false},
    {"POST", "orm/api/ts_manager/tokens", manager_create_token, false},
    {"DELETE", "orm/api/ts_manager/tokens/{uid}", manager_delete_token, false},
    {"GET", "orm/api/ts_manager/operations", manager_list_operations, false},
    {"GET", "orm/api/ts_manager/data_sources", manager_admin_list_sources, false},
    {"POST", "orm/api/ts_manager/data_sources", manager_admin_add_source, false},
    {"PATCH", "orm/api/ts_manager/data_sources/{uid}", manager_admin_patch_source, false},
    {"DELETE", "orm/api/ts_manager/data_sources/{uid}", manager_admin_remove_source, false},
    {"POST", "orm/api/ts_manager/data_sources/{uid}/test", manager_admin_test_source, false},
    {"GET", "orm/api/ts_manager/dynamic_table_data_source", manager_list_data_sources, false},
    {"GET", "orm/api/ts_manager/dynamic_table_data_source/{uid}", manager_get_data_source, false},
    {"POST", "orm/api/ts_manager/dynamic_table_data_source/{uid}/migration-connection",
     manager_migration_connection, false},
    {"GET", "orm/api/pods/projects", manager_list_projects, false},
    {"GET", "orm/api/pods/projects/{uid}", manager_get_project, false},
    {"GET", "user/api/user/get_user_details", manager_user_details, false},
    {"GET", "auth/rest-auth/user", manager_user, false},
    {"POST", "auth/jwt-token/token", manager_login, true},
    {"POST", "auth/jwt-token/token/refresh", manager_refresh, true},
    {"POST", "auth/jwt-token/logout", manager_logout, false},
    {"POST", "auth/cli/revoke", manager_revoke, true},
    {"GET", "auth/cli/authorize", manager_authorize_page, true},
    {"POST", "auth/cli/authorize", manager_authorize, true},
    {"POST", "auth/cli/token", manager_exchange_code, true},
    {"POST", "orm/api/pods/runtime-credentials/token", manager_exchange_credential, true},
};

/* ---- The path ----------------------------------------------------------------------------------
 */

typedef struct path_pieces {
    char text[PATH_MAXIMUM];
    const char *piece[PIECES_MAXIMUM];
    size_t count;
    bool slash; /* ends with one */
} path_pieces;

static mseq_status unknown_route(const mseq_request *request, mseq_error *err) {
    return manager_refuse(err, MSEQ_E_NOT_FOUND, "unknown_route", "there is no route %s %.300s",
                          request->method ? request->method : "",
                          request->path ? request->path : "");
}

static int hex(char digit) {
    const char *digits = "0123456789abcdef", *at;
    if (digit >= 'A' && digit <= 'F')
        digit = (char)(digit - 'A' + 'a');
    return digit && (at = strchr(digits, digit)) ? (int)(at - digits) : -1;
}

/* Decodes in place; false when an escape is broken, stands for NUL, or the text is not UTF-8. */
static bool decode(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++, to++) {
        *to = *from;
        if (*from != '%')
            continue;
        int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to = (char)(unsigned char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return mseq_utf8_valid(text, strlen(text));
}

static mseq_status cut_path(const mseq_request *request, path_pieces *pieces, mseq_error *err) {
    const char *path = request->path ? request->path : "";
    size_t length = strlen(path);
    pieces->count = 0;
    pieces->slash = false;
    if (length >= sizeof pieces->text || path[0] != '/')
        return unknown_route(request, err);
    memcpy(pieces->text, path + 1, length);
    pieces->slash = length > 1 && path[length - 1] == '/';
    for (char *at = pieces->text; *at;) {
        size_t size = strcspn(at, "/");
        bool more = at[size] == '/';
        at[size] = '\0';
        if (size == 0 || pieces->count == PIECES_MAXIMUM)
            return unknown_route(request, err);
        if (!decode(at))
            return manager_refuse(err, MSEQ_E_REQUEST, "bad_path",
                                  "the path has a broken escape or is not UTF-8");
        pieces->piece[pieces->count++] = at;
        at += size + more;
    }
    return MSEQ_OK;
}

/* ---- Matching ----------------------------------------------------------------------------------
 */

typedef struct match {
    const char *uid;
    bool time_indexed;
    const char *pattern; /* of the route, whatever its method */
} match;

static bool piece_matches(const char *pattern, size_t length, const char *piece, match *found) {
    if (length == 5 && strncmp(pattern, "{uid}", 5) == 0) {
        found->uid = piece;
        return true;
    }
    if (length == 6 && strncmp(pattern, "{kind}", 6) == 0) {
        found->time_indexed = strcmp(piece, "dynamic_table") == 0;
        return found->time_indexed || strcmp(piece, "meta_table") == 0;
    }
    if (strlen(piece) != length || strncmp(pattern, piece, length) != 0)
        return false;
    found->time_indexed = found->time_indexed || strcmp(piece, "dynamic_table") == 0;
    return true;
}

/* Most routes differ in the last piece, which is looked at first. */
static bool may_match(const char *pattern, const path_pieces *pieces) {
    const char *last = strrchr(pattern, '/') + 1;
    return *last == '{' ||
           (pieces->count > 0 && strcmp(last, pieces->piece[pieces->count - 1]) == 0);
}

static bool route_matches(const char *pattern, const path_pieces *pieces, match *found) {
    *found = (match){NULL, false, NULL};
    if (!may_match(pattern, pieces))
        return false;
    for (size_t i = 0; i < pieces->count; i++) {
        size_t length = strcspn(pattern, "/");
        if (length == 0 || !piece_matches(pattern, length, pieces->piece[i], found))
            return false;
        pattern += length + (pattern[length] == '/');
    }
    return *pattern == '\0';
}

/* The methods of a pattern: "GET, POST". */
static void allowed_methods(const char *pattern, char *allowed, size_t size) {
    allowed[0] = '\0';
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t used = strlen(allowed);
        if (strcmp(routes[i].pattern, pattern) == 0)
            snprintf(allowed + used, size - used, "%s%s", used ? ", " : "", routes[i].method);
    }
}

static mseq_status wrong_method(const mseq_request *request, const char *pattern, mseq_error *err) {
    char allowed[METHODS_MAXIMUM];
    allowed_methods(pattern, allowed, sizeof allowed);
    manager_refuse(err, MSEQ_E_API, "method_not_allowed", "%s is not allowed here, but %s",
                   request->method ? request->method : "", allowed);
    if (err)
        err->http_status = 405;
    return MSEQ_E_API;
}

static mseq_status find_route(const mseq_request *request, const path_pieces *pieces,
                              const route **found, match *values, mseq_error *err) {
    const char *pattern = NULL;
    *found = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        match here = {NULL, false, NULL};
        if (pattern ? strcmp(pattern, routes[i].pattern) != 0
                    : !route_matches(routes[i].pattern, pieces, &here))
            continue;
        if (!pattern)
            *values = here;
        values->pattern = pattern = routes[i].pattern;
        if (request->method && strcmp(request->method, routes[i].method) == 0) {
            *found = &routes[i];
            break;
        }
    }
    if (!pattern)
        return unknown_route(request, err);
    if (!pieces->slash) {
        manager_refuse(err, MSEQ_E_NOT_FOUND, "missing_trailing_slash",
                       "there is no route %.300s: paths end with a slash", request->path);
        return MSEQ_E_NOT_FOUND;
    }
    return *found ? MSEQ_OK : wrong_method(request, pattern, err);
}

/* ---- Answering ---------------------------------------------------------------------------------
 */

static mseq_status answer(manager_call *call, const route *found, const match *values,
                          manager_caller *remote, mseq_error *err) {
    call->time_indexed = values->time_indexed;
    if (values->uid && !(call->uid = mseq_text_dup(values->uid)))
        return mseq_error_no_memory(err);
    mseq_status status = manager_parse_query(call->request->query, &call->query, err);
    if (status == MSEQ_OK && mseq_cancellation_is_set(call->request->cancellation))
        status = mseq_error_set(err, MSEQ_E_CANCELLED, "the request was cancelled");
    if (status == MSEQ_OK)
        status = mseq_database_connect(call->manager->catalog, &call->catalog, err);
    if (status == MSEQ_OK && remote && !found->open) {
        status = manager_revisions_read(call, &call->revisions, err);
        if (status == MSEQ_OK)
            status = manager_authenticate(call, remote, err);
    }
    if (status == MSEQ_OK && !(call->due_roles = mseq_value_array()))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = found->handler(call, err);
    if (status == MSEQ_OK)
        manager_fences_follow(call, call->due_roles);
    mseq_connection_release(call->catalog); /* rolls back what was not committed */
    mseq_value_free(call->due_roles);
    mseq_value_free(call->query);
    free(call->uid);
    return status;
}

/* What goes with a reply whatever it says. */
static void add_facts(const manager_call *call, const char *pattern, mseq_reply *reply) {
    reply->route = pattern;
    memcpy(reply->user_uid, call->caller->user_uid, sizeof reply->user_uid);
    if (reply->status != 405 || !pattern)
        return;
    char allowed[METHODS_MAXIMUM];
    allowed_methods(pattern, allowed, sizeof allowed);
    reply->allow = mseq_text_dup(allowed);
}

/* `remote` is who the request will turn out to be from; NULL: from `local`. */
static void handle(mseq_manager *self, const mseq_request *request, manager_caller *remote,
                   mseq_reply *reply) {
    mseq_error err = MSEQ_ERROR_INIT;
    path_pieces pieces;
    const route *found = NULL;
    match values = {NULL, false, NULL};
    *reply = (mseq_reply)MSEQ_REPLY_INIT;
    manager_call call = {.manager = self,
                         .request = request,
                         .caller = remote ? remote : &self->local,
                         .revisions = {.catalog = -1},
                         .reply = reply};
    mseq_status status = cut_path(request, &pieces, &err);
    if (status == MSEQ_OK)
        status = find_route(request, &pieces, &found, &values, &err);
    if (status == MSEQ_OK)
        status = answer(&call, found, &values, remote, &err);
    if (status != MSEQ_OK) {
        if (err.status == MSEQ_OK)
            mseq_error_set(&err, status, "%s", mseq_status_name(status));
        manager_answer_error(reply, &err);
    }
    add_facts(&call, values.pattern, reply);
}

void mseq_manager_handle(void *manager, const mseq_request *request, mseq_reply *reply) {
    handle(manager, request, NULL, reply);
}

void mseq_manager_handle_remote(void *manager, const mseq_request *request, mseq_reply *reply) {
    manager_caller caller = {.local = request->loopback};
    handle(manager, request, &caller, reply);
}

bool mseq_manager_route(size_t index, const char **method, const char **pattern) {
    if (index >= sizeof routes / sizeof *routes)
        return false;
    *method = routes[index].method;
    *pattern = routes[index].pattern;
    return true;
}
