/* SPDX-License-Identifier: MIT
 *
 * Arrays and objects as Lua tables. An array carries one shared metatable, so that it stays an
 * array when it is empty. An object carries a metatable, its shape, which lists the keys in order.
 * Objects that came out of one document may share a shape; it is never changed. The first
 * assignment of a new key gives the object a shape of its own, marked by an index of its keys, and
 * later ones append to it.
 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

#define INDEX "__mseq_index"

typedef struct text_key {
    const char *text;
    size_t length;
} text_key;

/* Bytes of UTF-8 sort as code points do. */
static int compare_keys(const void *a, const void *b) {
    const text_key *left = a;
    const text_key *right = b;
    size_t length = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->text, right->text, length);
    if (order != 0) {
        return order;
    }
    return (left->length > right->length) - (left->length < right->length);
}

static size_t count_members(lua_State *L, int index) {
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        count++;
    }
    return count;
}

/* Appends the string keys of the table at `index` that the set at `listed` (0: none) does not have,
 * in code point order, to the array on top.   [-0, +0, m] */
static void append_sorted(lua_State *L, int index, int listed) {
    int list = lua_gettop(L);
    text_key *keys = lua_newuserdatauv(L, (count_members(L, index) + 1) * sizeof(*keys), 0);
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        bool wanted = lua_type(L, -1) == LUA_TSTRING;
        if (wanted && listed != 0) {
            lua_pushvalue(L, -1);
            wanted = lua_rawget(L, listed) == LUA_TNIL;
            lua_pop(L, 1);
        }
        if (wanted) {
            keys[count].text = lua_tolstring(L, -1, &keys[count].length);
            count++;
        }
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    lua_Integer next = (lua_Integer)lua_rawlen(L, list) + 1;
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, keys[i].text, keys[i].length);
        lua_rawseti(L, list, next++);
    }
    lua_pop(L, 1);
}

/* Pushes the listed keys of the object that are still there, as a new array, and a set of them.
 * [-0, +2, m] */
static void push_present(lua_State *L, int index, int keys) {
    lua_newtable(L);
    lua_newtable(L);
    int present = lua_gettop(L) - 1;
    size_t length = lua_rawlen(L, keys);
    lua_Integer next = 1;
    for (size_t i = 1; i <= length; i++) {
        lua_rawgeti(L, keys, (lua_Integer)i);
        lua_pushvalue(L, -1);
        bool there = lua_rawget(L, index) != LUA_TNIL;
        lua_pop(L, 1);
        if (there) {
            lua_pushvalue(L, -1);
            lua_rawseti(L, present, next++);
            lua_pushboolean(L, 1);
            lua_rawset(L, present + 1);
        } else {
            lua_pop(L, 1);
        }
    }
}

/* Pushes the list of keys of a shape, or nil; true when there is one.   [-0, +1, m] */
static bool push_shape_keys(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, MSEQI_KEYS) == LUA_TNIL) {
        lua_pushnil(L);
        return false;
    }
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        lua_pushnil(L);
        return false;
    }
    return true;
}

/* Whether the list names every member of the object and nothing else. */
static bool is_complete(lua_State *L, int index, int keys) {
    size_t length = lua_rawlen(L, keys);
    if (count_members(L, index) != length) {
        return false;
    }
    for (size_t i = 1; i <= length; i++) {
        lua_rawgeti(L, keys, (lua_Integer)i);
        bool there = lua_rawget(L, index) != LUA_TNIL;
        lua_pop(L, 1);
        if (!there) {
            return false;
        }
    }
    return true;
}

void mseqi_push_keys(lua_State *L, int index) {
    index = lua_absindex(L, index);
    luaL_checkstack(L, 12, "too many nested documents");
    if (!push_shape_keys(L, index)) {
        lua_pop(L, 1);
        lua_newtable(L);
        append_sorted(L, index, 0);
        return;
    }
    int keys = lua_gettop(L);
    if (is_complete(L, index, keys)) {
        return;
    }
    push_present(L, index, keys);
    lua_pushvalue(L, keys + 1);
    append_sorted(L, index, keys + 2);
    lua_replace(L, keys);
    lua_settop(L, keys);
}

/* ---- metamethods
 * ---------------------------------------------------------------------------------- */

/* The iterator of pairs: skips what was removed meanwhile.   [-0, +1|2, m] */
static int next_member(lua_State *L) {
    lua_Integer position = lua_tointeger(L, lua_upvalueindex(2));
    for (;;) {
        if (lua_rawgeti(L, lua_upvalueindex(1), ++position) == LUA_TNIL) {
            return 1;
        }
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 1) != LUA_TNIL) {
            lua_pushinteger(L, position);
            lua_replace(L, lua_upvalueindex(2));
            return 2;
        }
        lua_pop(L, 2);
    }
}

/* __pairs(object) -> iterator, object, nil    [-0, +3, m] */
static int object_pairs(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_push_keys(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_member, 2);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* Gives the object a shape that only it has.   [-0, +0, m] */
static void own_shape(lua_State *L, int index) {
    if (!push_shape_keys(L, index)) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    int keys = lua_gettop(L);
    push_present(L, index, keys);
    lua_pushvalue(L, keys + 1);
    mseqi_new_shape(L);
    lua_pushvalue(L, keys + 2);
    lua_setfield(L, -2, INDEX);
    lua_setmetatable(L, index);
    lua_settop(L, keys - 1);
}

/* __newindex(object, key, value): remembers the place of a new key    [-0, +0, m] */
static int object_newindex(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 3);
    if (lua_type(L, 2) == LUA_TSTRING && !lua_isnil(L, 3)) {
        if (luaL_getmetafield(L, 1, INDEX) == LUA_TNIL) {
            own_shape(L, 1);
            luaL_getmetafield(L, 1, INDEX);
        }
        lua_pushvalue(L, 2);
        if (lua_rawget(L, 4) == LUA_TNIL) {
            luaL_getmetafield(L, 1, MSEQI_KEYS);
            lua_pushvalue(L, 2);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
            lua_pushvalue(L, 2);
            lua_pushboolean(L, 1);
            lua_rawset(L, 4);
        }
        lua_settop(L, 3);
    }
    lua_rawset(L, 1);
    return 0;
}

void mseqi_new_shape(lua_State *L) {
    lua_createtable(L, 0, 5);
    lua_insert(L, -2);
    lua_setfield(L, -2, MSEQI_KEYS);
    lua_pushcfunction(L, object_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushcfunction(L, object_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushstring(L, MSEQI_OBJECT);
    lua_setfield(L, -2, "__name");
}

void mseqi_set_array(lua_State *L) {
    luaL_setmetatable(L, MSEQI_ARRAY);
}

void mseqi_ordered_register(lua_State *L) {
    luaL_newmetatable(L, MSEQI_ARRAY);
    lua_pop(L, 1);
}

/* ---- functions
 * -------------------------------------------------------------------------------------- */

/* core.array(t?) -> t    [-0, +1, v] */
static int ordered_array(lua_State *L) {
    if (lua_isnoneornil(L, 1)) {
        lua_newtable(L);
    } else {
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_settop(L, 1);
    }
    mseqi_set_array(L);
    return 1;
}

/* core.object(key, value, …) -> object; nil values are left out    [-0, +1, v] */
static int ordered_object(lua_State *L) {
    int count = lua_gettop(L);
    luaL_argcheck(L, count % 2 == 0, count, "a key without a value");
    for (int i = 1; i < count; i += 2) {
        luaL_checktype(L, i, LUA_TSTRING);
    }
    lua_createtable(L, 0, count / 2);
    lua_newtable(L);
    mseqi_new_shape(L);
    lua_setmetatable(L, -2);
    for (int i = 1; i < count; i += 2) {
        lua_pushvalue(L, i);
        lua_pushvalue(L, i + 1);
        lua_settable(L, count + 1);
    }
    return 1;
}

/* core.keys(object) -> array of its keys, the caller's own    [-0, +1, v] */
static int ordered_keys(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_push_keys(L, 1);
    size_t length = lua_rawlen(L, -1);
    lua_createtable(L, (int)length, 0);
    for (size_t i = 1; i <= length; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    mseqi_set_array(L);
    return 1;
}

/* core.is_array(t) -> boolean: made one, or has an item 1    [-0, +1, m] */
static int ordered_is_array(lua_State *L) {
    luaL_checkany(L, 1);
    bool array = false;
    if (lua_istable(L, 1)) {
        array = lua_rawlen(L, 1) > 0;
        if (!array && lua_getmetatable(L, 1)) {
            luaL_getmetatable(L, MSEQI_ARRAY);
            array = lua_rawequal(L, -1, -2);
        }
    }
    lua_pushboolean(L, array);
    return 1;
}

const luaL_Reg mseqi_ordered_functions[] = {
    {"array", ordered_array},
    {"object", ordered_object},
    {"keys", ordered_keys},
    {"is_array", ordered_is_array},
    {NULL, NULL},
};
