/* SPDX-License-Identifier: MIT
 *
 * Arguments and tables of options. Everything is checked before anything is acquired.
 */
#include <string.h>

#include "binding.h"

const char *mseqi_check_text(lua_State *L, int argument) {
    luaL_checktype(L, argument, LUA_TSTRING);
    size_t length;
    const char *text = lua_tolstring(L, argument, &length);
    luaL_argcheck(L, strlen(text) == length, argument, "text without NUL bytes expected");
    luaL_argcheck(L, mseq_utf8_valid(text, length), argument, "UTF-8 text expected");
    return text;
}

const char *mseqi_optional_text(lua_State *L, int argument) {
    return lua_isnoneornil(L, argument) ? NULL : mseqi_check_text(L, argument);
}

mseq_dialect mseqi_check_dialect(lua_State *L, int argument) {
    const char *name = mseqi_check_text(L, argument);
    mseq_dialect dialect = MSEQ_POSTGRESQL;
    if (!mseq_dialect_from_name(name, &dialect)) {
        luaL_argerror(
            L, argument,
            lua_pushfstring(L, "unknown dialect '%s' (expected postgresql or sqlite)", name));
    }
    return dialect;
}

const char *const *mseqi_check_names(lua_State *L, int argument, size_t *count) {
    luaL_checktype(L, argument, LUA_TTABLE);
    size_t length = lua_rawlen(L, argument);
    const char **names = lua_newuserdatauv(L, (length + 1) * sizeof(*names), 0);
    for (size_t i = 0; i < length; i++) {
        if (lua_rawgeti(L, argument, (lua_Integer)i + 1) != LUA_TSTRING) {
            luaL_argerror(L, argument,
                          lua_pushfstring(L, "item %d is a %s, a string was expected", (int)i + 1,
                                          luaL_typename(L, -1)));
        }
        size_t size;
        names[i] = lua_tolstring(L, -1, &size);
        if (strlen(names[i]) != size || !mseq_utf8_valid(names[i], size)) {
            luaL_argerror(L, argument,
                          lua_pushfstring(L, "item %d is not UTF-8 text without NUL", (int)i + 1));
        }
        lua_pop(L, 1); /* the table keeps it */
    }
    names[length] = NULL;
    *count = length;
    return names;
}

/* ---- options
 * ------------------------------------------------------------------------------------- */

static void refuse_unknown(lua_State *L, const char *given, const char *const *names) {
    size_t count = 0;
    while (names[count] != NULL) {
        if (strcmp(names[count], given) == 0) {
            return;
        }
        count++;
    }
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_error_set(&err, MSEQ_E_ARGUMENT, "unknown option '%s'", given);
    const char *nearest = mseq_text_nearest(given, names, count);
    if (nearest != NULL) {
        mseq_error_hint(&err, "did you mean '%s'?", nearest);
    }
    mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
}

void mseqi_check_options(lua_State *L, int argument, const char *const *names) {
    if (lua_isnoneornil(L, argument)) {
        return;
    }
    luaL_checktype(L, argument, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, argument) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            luaL_argerror(L, argument, "options have names");
        }
        refuse_unknown(L, lua_tostring(L, -1), names);
    }
}

/* Pushes the option and gives its type; absent and null are LUA_TNIL. */
static int push_option(lua_State *L, int argument, const char *name) {
    if (lua_isnoneornil(L, argument)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    lua_pushstring(L, name);
    int type = lua_rawget(L, argument);
    return type == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == NULL ? LUA_TNIL : type;
}

static void bad_option(lua_State *L, const char *name, const char *expected) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_error_set(&err, MSEQ_E_ARGUMENT, "option '%s': %s expected, got %s", name, expected,
                   luaL_typename(L, -1));
    mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
}

const char *mseqi_option_text(lua_State *L, int argument, const char *name) {
    const char *text = NULL;
    int type = push_option(L, argument, name);
    if (type != LUA_TNIL) {
        size_t length = 0;
        if (type == LUA_TSTRING) {
            text = lua_tolstring(L, -1, &length);
        }
        if (text == NULL || strlen(text) != length || !mseq_utf8_valid(text, length)) {
            bad_option(L, name, "UTF-8 text without NUL");
        }
    }
    lua_pop(L, 1); /* the table of options keeps it */
    return text;
}

const char *mseqi_option_required(lua_State *L, int argument, const char *name) {
    const char *text = mseqi_option_text(L, argument, name);
    if (text == NULL) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_error_set(&err, MSEQ_E_ARGUMENT, "option '%s' is required", name);
        mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
    }
    return text;
}

bool mseqi_option_boolean(lua_State *L, int argument, const char *name, bool otherwise) {
    int type = push_option(L, argument, name);
    bool boolean = otherwise;
    if (type == LUA_TBOOLEAN) {
        boolean = lua_toboolean(L, -1);
    } else if (type != LUA_TNIL) {
        bad_option(L, name, "boolean");
    }
    lua_pop(L, 1);
    return boolean;
}

lua_Integer mseqi_option_integer(lua_State *L, int argument, const char *name,
                                 lua_Integer otherwise) {
    int type = push_option(L, argument, name);
    lua_Integer integer = otherwise;
    if (type == LUA_TNUMBER) {
        int whole = 0;
        integer = lua_tointegerx(L, -1, &whole);
        if (!whole) {
            bad_option(L, name, "whole number");
        }
    } else if (type != LUA_TNIL) {
        bad_option(L, name, "whole number");
    }
    lua_pop(L, 1);
    return integer;
}

void mseqi_option_value(lua_State *L, int argument, const char *name, mseq_value **slot) {
    if (push_option(L, argument, name) != LUA_TNIL) {
        mseqi_check_value(L, -1, name, slot);
    }
    lua_pop(L, 1);
}
