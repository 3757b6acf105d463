/* SPDX-License-Identifier: MIT
 *
 * Clients of a TS Manager. The environment's failures are nil, err.
 */
#include <string.h>

#include "binding.h"

/* NULL when closed. */
typedef struct client_box {
    mseq_client *client;
} client_box;

mseq_client *mseqi_check_client(lua_State *L) {
    client_box *box = luaL_checkudata(L, 1, MSEQI_CLIENT);
    if (box->client == NULL) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_error_set(&err, MSEQ_E_ARGUMENT, "attempt to use a closed client");
        mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
    }
    return box->client;
}

/* client:close(); also __close and __gc. A second time does nothing.    [-0, +0, v] */
static int client_close(lua_State *L) {
    client_box *box = luaL_checkudata(L, 1, MSEQI_CLIENT);
    mseq_client_free(box->client);
    box->client = NULL;
    return 0;
}

/* tostring(client)    [-0, +1, m] */
static int client_tostring(lua_State *L) {
    client_box *box = luaL_checkudata(L, 1, MSEQI_CLIENT);
    lua_pushfstring(L, "%s (%s)", MSEQI_CLIENT,
                    box->client != NULL ? mseq_client_endpoint(box->client) : "closed");
    return 1;
}

/* The options that name a mode of authentication; NULL for none.   [-0, +0, v] */
static mseq_authentication check_authentication(lua_State *L, const char *mode) {
    if (mode == NULL || strcmp(mode, "jwt") == 0) {
        return MSEQ_AUTHENTICATION_JWT;
    }
    if (strcmp(mode, "session_jwt") == 0) {
        return MSEQ_AUTHENTICATION_SESSION_JWT;
    }
    if (strcmp(mode, "runtime_credential") != 0) {
        luaL_error(L, "authentication is '%s', not jwt, session_jwt or runtime_credential", mode);
    }
    return MSEQ_AUTHENTICATION_RUNTIME_CREDENTIAL;
}

/* core.client(options?) -> client, source | nil, err    [-0, +2, v] */
static int client_new(lua_State *L) {
    static const char *const names[] = {"endpoint",
                                        "home",
                                        "access_token",
                                        "refresh_token",
                                        "authentication",
                                        "runtime_credential_id",
                                        "runtime_credential_secret",
                                        "login",
                                        "project_uid",
                                        "timeout_ms",
                                        NULL};
    mseqi_check_options(L, 1, names);
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    const char *endpoint = mseqi_option_text(L, 1, "endpoint");
    const char *home = mseqi_option_text(L, 1, "home");
    options.access_token = mseqi_option_text(L, 1, "access_token");
    options.refresh_token = mseqi_option_text(L, 1, "refresh_token");
    options.authentication = check_authentication(L, mseqi_option_text(L, 1, "authentication"));
    options.runtime_credential_id = mseqi_option_text(L, 1, "runtime_credential_id");
    options.runtime_credential_secret = mseqi_option_text(L, 1, "runtime_credential_secret");
    options.login = mseqi_option_text(L, 1, "login");
    options.project_uid = mseqi_option_text(L, 1, "project_uid");
    options.timeout_ms = mseqi_option_integer(L, 1, "timeout_ms", 0);
    client_box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->client = NULL;
    luaL_setmetatable(L, MSEQI_CLIENT);
    const char *source = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_endpoint_connect(endpoint, home, &options, &box->client, &source, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushstring(L, source);
    return 2;
}

/* client:endpoint() -> where it talks to    [-0, +1, v] */
static int client_endpoint(lua_State *L) {
    lua_pushstring(L, mseq_client_endpoint(mseqi_check_client(L)));
    return 1;
}

/* Pushes the document in the first slot of the scratch, or fails.   [-0, +1|2, v] */
static int reply_result(lua_State *L, const mseqi_scratch *scratch, mseq_status status,
                        const mseq_error *err) {
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, err);
    }
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

/* client:call(method, path, options?) -> body, http_status | nil, err    [-0, +2, v] */
static int client_call(lua_State *L) {
    static const char *const names[] = {"query", "body", "text", "accept", NULL};
    mseq_client *client = mseqi_check_client(L);
    const char *method = mseqi_check_text(L, 2);
    const char *path = mseqi_check_text(L, 3);
    mseqi_check_options(L, 4, names);
    int accept = (int)mseqi_option_integer(L, 4, "accept", 0);
    const char *text = mseqi_option_text(L, 4, "text");
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_option_value(L, 4, "query", &scratch->values[1]);
    mseqi_option_value(L, 4, "body", &scratch->values[2]);
    int http_status = 200;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = text != NULL
                             ? mseq_client_call_text(client, method, path, text, strlen(text),
                                                     &scratch->values[0], &err)
                             : mseq_client_call_accepting(client, method, path, scratch->values[1],
                                                          scratch->values[2], accept, &http_status,
                                                          &scratch->values[0], &err);
    int results = reply_result(L, scratch, status, &err);
    if (status == MSEQ_OK) {
        lua_pushinteger(L, http_status);
        results = 2;
    }
    return results;
}

/* client:list(path, query?) -> rows | nil, err    [-0, +1|2, v] */
static int client_list(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    const char *path = mseqi_check_text(L, 2);
    bool given = !lua_isnoneornil(L, 3);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    if (given) {
        mseqi_check_value(L, 3, "query", &scratch->values[1]);
    }
    mseq_error err = MSEQ_ERROR_INIT;
    return reply_result(
        L, scratch, mseq_client_list(client, path, scratch->values[1], &scratch->values[0], &err),
        &err);
}

/* client:page(link, query?) -> rows, next | nil, err    [-0, +2, v] */
static int client_page(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    const char *link = mseqi_check_text(L, 2);
    bool given = !lua_isnoneornil(L, 3);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    if (given) {
        mseqi_check_value(L, 3, "query", &scratch->values[1]);
    }
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_client_page(client, link, scratch->values[1], &scratch->values[0],
                                          &scratch->texts[0], &err);
    int results = reply_result(L, scratch, status, &err);
    if (status == MSEQ_OK) {
        lua_pushstring(L, scratch->texts[0]);
        results = 2;
    }
    return results;
}

/* client:session_data_source() -> data source | nil, err    [-0, +1|2, v] */
static int client_session_data_source(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return reply_result(L, scratch,
                        mseq_client_session_data_source(client, &scratch->values[0], &err), &err);
}

/* client:register_table(table, options?) -> row | nil, err    [-0, +1|2, v] */
static int client_register_table(lua_State *L) {
    static const char *const names[] = {"data_source_uid", "external", NULL};
    mseq_client *client = mseqi_check_client(L);
    const mseq_table *table = mseqi_check_table(L, 2);
    mseqi_check_options(L, 3, names);
    const char *data_source_uid = mseqi_option_text(L, 3, "data_source_uid");
    bool external = mseqi_option_boolean(L, 3, "external", false);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return reply_result(L, scratch,
                        mseq_client_register_table(client, table, data_source_uid, external,
                                                   &scratch->values[0], &err),
                        &err);
}

/* client:execute_operation(operation) -> result | nil, err    [-0, +1|2, v] */
static int client_execute_operation(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 2, "operation", &scratch->values[1]);
    mseq_error err = MSEQ_ERROR_INIT;
    return reply_result(
        L, scratch,
        mseq_client_execute_operation(client, scratch->values[1], &scratch->values[0], &err), &err);
}

/* The calls of client:parallel as C structs in memory of Lua's, which is pushed; they borrow from
 * the array of objects `given`.   [-0, +1, v] */
static mseq_call *check_calls(lua_State *L, const mseq_value *given, size_t *count) {
    *count = mseq_value_kind(given) == MSEQ_ARRAY ? mseq_value_length(given) : 0;
    luaL_argcheck(L, mseq_value_kind(given) == MSEQ_ARRAY || mseq_value_length(given) == 0, 2,
                  "an array of calls expected");
    mseq_call *calls = lua_newuserdatauv(L, (*count + 1) * sizeof(*calls), 0);
    for (size_t i = 0; i < *count; i++) {
        const mseq_value *call = mseq_array_get(given, i);
        const char *method = mseq_object_get_text(call, "method");
        calls[i] = (mseq_call){method != NULL ? method : "GET", mseq_object_get_text(call, "path"),
                               mseq_object_get(call, "query"), mseq_object_get(call, "body")};
        if (calls[i].path == NULL) {
            luaL_argerror(L, 2, lua_pushfstring(L, "call %d has no path", (int)i + 1));
        }
    }
    return calls;
}

/* client:parallel(calls) -> results | nil, err    [-0, +1|2, v] */
static int client_parallel(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 2, "calls", &scratch->values[1]);
    size_t count = 0;
    const mseq_call *calls = check_calls(L, scratch->values[1], &count);
    mseq_error *errors = lua_newuserdatauv(L, (count + 1) * sizeof(*errors), 0);
    memset(errors, 0, (count + 1) * sizeof(*errors));
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_client_parallel(client, calls, count, &scratch->values[0], errors, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_createtable(L, 0, 1);
        if (errors[i].status == MSEQ_OK) {
            mseqi_push_value(L, mseq_array_get(scratch->values[0], i));
            lua_setfield(L, -2, "body");
        } else {
            mseqi_error_push(L, &errors[i]);
            lua_setfield(L, -2, "error");
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* client:log_in(username, password) -> true | nil, err    [-0, +1|2, v] */
static int client_log_in(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    const char *username = mseqi_check_text(L, 2);
    const char *password = mseqi_check_text(L, 3);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_client_log_in(client, username, password, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* client:log_out() -> revoked | nil, err    [-0, +1|2, v] */
static int client_log_out(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    bool revoked = false;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_client_log_out(client, &revoked, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushboolean(L, revoked);
    return 1;
}

/* core.resolve_endpoint(given?) -> endpoint, source | nil, err    [-0, +2, v] */
static int resolve_endpoint(lua_State *L) {
    const char *given = mseqi_optional_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    const char *source = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_endpoint_resolve(given, &scratch->texts[0], &source, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushstring(L, scratch->texts[0]);
    lua_pushstring(L, source);
    return 2;
}

/* core.logins() -> array of {endpoint, username} | nil, err    [-0, +1|2, v] */
static int stored_logins(lua_State *L) {
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_logins_read(NULL, &scratch->values[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    size_t count = mseq_value_length(scratch->values[0]);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        const char *username =
            mseq_object_get_text(mseq_object_value_at(scratch->values[0], i), "username");
        lua_createtable(L, 0, 2);
        lua_pushstring(L, mseq_object_key_at(scratch->values[0], i));
        lua_setfield(L, -2, "endpoint");
        lua_pushstring(L, username != NULL ? username : "");
        lua_setfield(L, -2, "username");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void mseqi_clients_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"endpoint", client_endpoint},
        {"call", client_call},
        {"list", client_list},
        {"page", client_page},
        {"session_data_source", client_session_data_source},
        {"register_table", client_register_table},
        {"execute_operation", client_execute_operation},
        {"stream_operation", mseqi_client_stream_operation},
        {"parallel", client_parallel},
        {"log_in", client_log_in},
        {"log_out", client_log_out},
        {"close", client_close},
        {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__close", client_close},
        {"__gc", client_close},
        {"__tostring", client_tostring},
        {NULL, NULL},
    };
    mseqi_class_register(L, MSEQI_CLIENT, metamethods, methods);
}

const luaL_Reg mseqi_client_functions[] = {
    {"client", client_new},
    {"resolve_endpoint", resolve_endpoint},
    {"logins", stored_logins},
    {NULL, NULL},
};
