/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

#define SCRATCH "mainsequence.scratch"
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Runs twice on every scratch: when its function ends, and when the collector finds it. */
static int scratch_close(lua_State *L) {
    mseqi_scratch *scratch = luaL_checkudata(L, 1, SCRATCH);
    for (size_t i = 0; i < LENGTH(scratch->values); i++) {
        mseq_value_free(scratch->values[i]);
    }
    for (size_t i = 0; i < LENGTH(scratch->texts); i++) {
        free(scratch->texts[i]);
    }
    mseq_buffer_free(&scratch->buffer);
    for (size_t i = 0; i < LENGTH(scratch->strings); i++) {
        mseq_strings_free(&scratch->strings[i]);
    }
    mseq_table_free(scratch->table);
    for (size_t i = 0; i < LENGTH(scratch->metadata); i++) {
        mseq_metadata_free(scratch->metadata[i]);
    }
    memset(scratch, 0, sizeof(*scratch));
    return 0;
}

mseqi_scratch *mseqi_scratch_new(lua_State *L) {
    mseqi_scratch *scratch = lua_newuserdatauv(L, sizeof(*scratch), 0);
    memset(scratch, 0, sizeof(*scratch));
    luaL_setmetatable(L, SCRATCH);
    lua_toclose(L, -1);
    return scratch;
}

void mseqi_scratch_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"__close", scratch_close},
        {"__gc", scratch_close},
        {NULL, NULL},
    };
    luaL_newmetatable(L, SCRATCH);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}
