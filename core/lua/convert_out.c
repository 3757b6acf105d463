/* SPDX-License-Identifier: MIT
 *
 * Value → Lua. Everything here may raise (memory), so the value belongs to a scratch.
 */
#include <string.h>

#include "binding.h"

/* `shape` is the stack index of a shape that fits, or 0. */
static void push_nested(lua_State *L, const mseq_value *value, int shape);

static bool same_keys(const mseq_value *a, const mseq_value *b) {
    size_t count = mseq_value_length(a);
    if (mseq_value_kind(a) != MSEQ_OBJECT || mseq_value_length(b) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = mseq_object_key_length_at(a, i);
        if (mseq_object_key_length_at(b, i) != length ||
            memcmp(mseq_object_key_at(a, i), mseq_object_key_at(b, i), length) != 0) {
            return false;
        }
    }
    return true;
}

/* Rows of one result have the same keys: neighbours share their shape. */
static void push_array(lua_State *L, const mseq_value *array) {
    size_t count = mseq_value_length(array);
    const mseq_value *previous = NULL;
    lua_createtable(L, (int)count, 0);
    int table = lua_gettop(L);
    lua_pushnil(L); /* the shape of the previous object */
    for (size_t i = 0; i < count; i++) {
        const mseq_value *item = mseq_array_get(array, i);
        bool is_object = mseq_value_kind(item) == MSEQ_OBJECT;
        bool shared = is_object && previous != NULL && same_keys(previous, item);
        push_nested(L, item, shared ? table + 1 : 0);
        if (is_object && !shared) {
            lua_getmetatable(L, -1);
            lua_replace(L, table + 1);
        }
        previous = is_object ? item : previous;
        lua_rawseti(L, table, (lua_Integer)i + 1);
    }
    lua_settop(L, table);
    mseqi_set_array(L);
}

static void push_object(lua_State *L, const mseq_value *object, int shape) {
    size_t count = mseq_value_length(object);
    lua_createtable(L, 0, (int)count);
    int table = lua_gettop(L);
    if (shape == 0) {
        lua_createtable(L, (int)count, 0);
    }
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, mseq_object_key_at(object, i), mseq_object_key_length_at(object, i));
        if (shape == 0) {
            lua_pushvalue(L, -1);
            lua_rawseti(L, table + 1, (lua_Integer)i + 1);
        }
        push_nested(L, mseq_object_value_at(object, i), 0);
        lua_rawset(L, table);
    }
    if (shape == 0) {
        mseqi_new_shape(L);
    } else {
        lua_pushvalue(L, shape);
    }
    lua_setmetatable(L, table);
}

/* The shape is of an object; for other cells it is 0. */
static void push_cell(lua_State *L, const mseq_cell *cell, int shape) {
    switch (cell->kind) {
    case MSEQ_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    case MSEQ_BOOLEAN:
        lua_pushboolean(L, cell->as.boolean);
        break;
    case MSEQ_INTEGER:
        lua_pushinteger(L, cell->as.integer);
        break;
    case MSEQ_FLOAT:
        lua_pushnumber(L, cell->as.number);
        break;
    case MSEQ_STRING:
        lua_pushlstring(L, cell->text, cell->as.length);
        break;
    case MSEQ_ARRAY:
        push_array(L, cell->value);
        break;
    case MSEQ_OBJECT:
        push_object(L, cell->value, shape);
        break;
    }
}

static void push_nested(lua_State *L, const mseq_value *value, int shape) {
    mseq_cell cell;
    luaL_checkstack(L, 12, "too many nested documents");
    mseq_cell_borrow(&cell, value);
    push_cell(L, &cell, shape);
}

void mseqi_push_cell(lua_State *L, const mseq_cell *cell) {
    push_cell(L, cell, 0);
}

void mseqi_push_value(lua_State *L, const mseq_value *value) {
    push_nested(L, value, 0);
}

void mseqi_push_strings(lua_State *L, const mseq_strings *strings) {
    lua_createtable(L, (int)strings->count, 0);
    for (size_t i = 0; i < strings->count; i++) {
        lua_pushstring(L, strings->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    mseqi_set_array(L);
}
