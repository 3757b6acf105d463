/* SPDX-License-Identifier: MIT
 *
 * The module `mainsequence.core`. It may be opened any number of times: each time gives a new
 * module table, the metatables stay the same.
 */
#include <string.h>

#include "binding.h"

void mseqi_class_register(lua_State *L, const char *name, const luaL_Reg *metamethods,
                          const luaL_Reg *methods) {
    if (luaL_newmetatable(L, name)) {
        luaL_setfuncs(L, metamethods, 0);
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
}

/* What this build has of what may be left out: {server: boolean, postgresql: boolean}. */
static void push_parts(lua_State *L) {
#ifdef MSEQ_WITH_SERVER
    bool server = true;
#else
    bool server = false;
#endif
#ifdef MSEQ_WITH_POSTGRESQL
    bool postgresql = true;
#else
    bool postgresql = false;
#endif
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, server);
    lua_setfield(L, -2, "server");
    lua_pushboolean(L, postgresql);
    lua_setfield(L, -2, "postgresql");
}

int luaopen_mainsequence_core(lua_State *L) {
    static const luaL_Reg *const themes[] = {
        mseqi_error_functions,     mseqi_ordered_functions, mseqi_json_functions,
        mseqi_system_functions,    mseqi_naming_functions,  mseqi_table_functions,
        mseqi_contract_functions,  mseqi_ddl_functions,     mseqi_connection_functions,
        mseqi_migration_functions, mseqi_client_functions,  mseqi_terminal_functions,
        mseqi_manager_functions,   mseqi_server_functions,
    };
    luaL_checkversion(L);
    if (strcmp(mseq_version(), MSEQ_VERSION_STRING) != 0) {
        return luaL_error(L, "mainsequence.core %s was loaded with library version %s",
                          MSEQ_VERSION_STRING, mseq_version());
    }
    mseqi_scratch_register(L);
    mseqi_errors_register(L);
    mseqi_ordered_register(L);
    mseqi_tables_register(L);
    mseqi_connections_register(L);
    mseqi_clients_register(L);
    mseqi_streams_register(L);
    mseqi_servers_register(L);
    lua_createtable(L, 0, 96);
    for (size_t i = 0; i < sizeof(themes) / sizeof(themes[0]); i++) {
        luaL_setfuncs(L, themes[i], 0);
    }
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    luaL_getmetatable(L, MSEQI_ARRAY);
    lua_setfield(L, -2, "array_mt");
    lua_pushstring(L, MSEQ_VERSION_STRING);
    lua_setfield(L, -2, "_VERSION");
    push_parts(L);
    lua_setfield(L, -2, "parts");
    return 1;
}

void mseq_lua_preload(lua_State *L) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_mainsequence_core);
    lua_setfield(L, -2, "mainsequence.core");
    lua_pop(L, 1);
}
