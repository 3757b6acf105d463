/* SPDX-License-Identifier: MIT
 *
 * Error objects: tables with code, message, status, detail, hint, sqlstate, source, line.
 */
#include <string.h>

#include "binding.h"

static void set_text(lua_State *L, const char *field, const char *text) {
    if (text[0] != '\0') {
        lua_pushstring(L, text);
        lua_setfield(L, -2, field);
    }
}

static void set_integer(lua_State *L, const char *field, lua_Integer integer) {
    if (integer != 0) {
        lua_pushinteger(L, integer);
        lua_setfield(L, -2, field);
    }
}

void mseqi_error_push(lua_State *L, const mseq_error *err) {
    lua_createtable(L, 0, 8);
    set_text(L, "code", err->code[0] != '\0' ? err->code : mseq_status_name(err->status));
    set_text(L, "message", err->message);
    set_text(L, "detail", err->detail);
    set_text(L, "hint", err->hint);
    set_text(L, "sqlstate", err->sqlstate);
    set_text(L, "source", err->source);
    set_integer(L, "line", err->line);
    set_integer(L, "status", err->http_status);
    luaL_setmetatable(L, MSEQI_ERROR);
}

/* Functions without an error parameter, and those that could not fill it, still have a status. */
static void push_any(lua_State *L, mseq_status status, const mseq_error *err) {
    if (err != NULL && err->status != MSEQ_OK) {
        mseqi_error_push(L, err);
        return;
    }
    mseq_error bare = MSEQ_ERROR_INIT;
    mseq_error_set(&bare, status, "the call failed (%s)", mseq_status_name(status));
    mseqi_error_push(L, &bare);
}

int mseqi_raise(lua_State *L, mseq_status status, const mseq_error *err) {
    if (status == MSEQ_E_NO_MEMORY) {
        return luaL_error(L, "not enough memory");
    }
    push_any(L, status, err);
    return lua_error(L);
}

int mseqi_fail(lua_State *L, mseq_status status, const mseq_error *err) {
    if (status == MSEQ_E_NO_MEMORY || status == MSEQ_E_ARGUMENT) {
        return mseqi_raise(L, status, err);
    }
    luaL_pushfail(L);
    push_any(L, status, err);
    return 2;
}

void mseqi_check(lua_State *L, mseq_status status, const mseq_error *err) {
    if (status != MSEQ_OK) {
        mseqi_raise(L, status, err);
    }
}

/* core.error(fields) -> err    [-0, +1, v] */
static int error_new(lua_State *L) {
    static const char *const names[] = {"code",     "message", "hint", "detail", "status",
                                        "sqlstate", "source",  "line", NULL};
    mseqi_check_options(L, 1, names);
    mseqi_option_required(L, 1, "code");
    mseqi_option_required(L, 1, "message");
    lua_createtable(L, 0, 8);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (lua_getfield(L, 1, names[i]) == LUA_TLIGHTUSERDATA) {
            lua_pop(L, 1);
            lua_pushnil(L);
        }
        lua_setfield(L, -2, names[i]);
    }
    luaL_setmetatable(L, MSEQI_ERROR);
    return 1;
}

static bool is_error(lua_State *L, int index) {
    if (!lua_istable(L, index) || !lua_getmetatable(L, index)) {
        return false;
    }
    luaL_getmetatable(L, MSEQI_ERROR);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* core.is_error(value) -> boolean    [-0, +1, m] */
static int error_is(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, is_error(L, 1));
    return 1;
}

/* Appends "<before><field>" when the field is there. */
static void add_field(lua_State *L, luaL_Buffer *text, const char *before, const char *field) {
    lua_pushstring(L, field);
    bool there = lua_rawget(L, 1) == LUA_TSTRING || lua_isnumber(L, -1);
    lua_pop(L, 1); /* the buffer needs the top of the stack for itself */
    if (there) {
        luaL_addstring(text, before);
        lua_pushstring(L, field);
        lua_rawget(L, 1);
        luaL_addvalue(text);
    }
}

/* tostring(err) -> "source:line: message", detail and hint on lines of their own    [-0, +1, m] */
static int error_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushstring(L, "source");
    bool has_source = lua_rawget(L, 1) == LUA_TSTRING;
    lua_pop(L, 1);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    if (has_source) {
        add_field(L, &text, "", "source");
        add_field(L, &text, ":", "line");
        luaL_addstring(&text, ": ");
    }
    add_field(L, &text, "", "message");
    add_field(L, &text, "\n  ", "detail");
    add_field(L, &text, "\n  hint: ", "hint");
    luaL_pushresult(&text);
    return 1;
}

/* err .. text, text .. err    [-0, +1, v] */
static int error_concat(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

void mseqi_errors_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"__tostring", error_tostring},
        {"__concat", error_concat},
        {NULL, NULL},
    };
    luaL_newmetatable(L, MSEQI_ERROR);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}

const luaL_Reg mseqi_error_functions[] = {
    {"error", error_new},
    {"is_error", error_is},
    {NULL, NULL},
};
