/* A host program that embeds Lua and runs a model script with its own copy of the library.
 *
 *   cc embed.c $(pkg-config --cflags --libs mainsequence-lua lua5.4) -o embed
 *   LUA_PATH="PREFIX/share/lua/5.4/?.lua;PREFIX/share/lua/5.4/?/init.lua;;" ./embed fingerprint.lua
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <mainsequence/lua.h>

#include <stdio.h>

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: %s SCRIPT.lua\n", arguments[0]);
        return 2;
    }
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        fputs("not enough memory\n", stderr);
        return 1;
    }
    luaL_openlibs(L);
    mseq_lua_preload(
        L); /* require("mainsequence.core") finds this program's copy, not an installed one */
    int failed = luaL_dofile(L, arguments[1]);
    if (failed) { /* an error object of ours prints well through its __tostring */
        fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    }
    lua_close(L);
    return failed ? 1 : 0;
}
