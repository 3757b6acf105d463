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

static mseq_client *check_client(lua_State *L) {
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

/* core.client(options?) -> client | nil, err    [-0, +1|2, v] */
static int client_new(lua_State *L) {
    static const char *const names[] = {"endpoint",    "home",       "access_token",
                                        "project_uid", "timeout_ms", NULL};
    mseqi_check_options(L, 1, names);
    mseq_client_options options = MSEQ_CLIENT_OPTIONS_INIT;
    const char *endpoint = mseqi_option_text(L, 1, "endpoint");
    const char *home = mseqi_option_text(L, 1, "home");
    options.access_token = mseqi_option_text(L, 1, "access_token");
    options.project_uid = mseqi_option_text(L, 1, "project_uid");
    options.timeout_ms = mseqi_option_integer(L, 1, "timeout_ms", 0);
    client_box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->client = NULL;
    luaL_setmetatable(L, MSEQI_CLIENT);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_endpoint_open(endpoint, home, &options, &box->client, &err);
    return status == MSEQ_OK ? 1 : mseqi_fail(L, status, &err);
}

/* client:endpoint() -> where it talks to    [-0, +1, v] */
static int client_endpoint(lua_State *L) {
    lua_pushstring(L, mseq_client_endpoint(check_client(L)));
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
    mseq_client *client = check_client(L);
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
    mseq_client *client = check_client(L);
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
    mseq_client *client = check_client(L);
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
    mseq_client *client = check_client(L);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return reply_result(L, scratch,
                        mseq_client_session_data_source(client, &scratch->values[0], &err), &err);
}

/* client:register_table(table, options?) -> row | nil, err    [-0, +1|2, v] */
static int client_register_table(lua_State *L) {
    static const char *const names[] = {"data_source_uid", "external", NULL};
    mseq_client *client = check_client(L);
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
    mseq_client *client = check_client(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 2, "operation", &scratch->values[1]);
    mseq_error err = MSEQ_ERROR_INIT;
    return reply_result(
        L, scratch,
        mseq_client_execute_operation(client, scratch->values[1], &scratch->values[0], &err), &err);
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
    {NULL, NULL},
};
