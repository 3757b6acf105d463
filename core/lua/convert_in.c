/* SPDX-License-Identifier: MIT
 *
 * Lua → value. While a value is being built it is owned by nobody that Lua knows, so nothing here
 * may raise: only calls of Lua's API that neither allocate nor run metamethods, and failures come
 * back as NULL. What allocates (fetching the names it compares with) happens before the first
 * value.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"

#define MAXIMUM_DEPTH 200

typedef struct converter {
    lua_State *L;
    mseq_error *err;
    const char *root;
    int keys_name;   /* stack index of MSEQI_KEYS */
    int array;       /* … of the metatable of arrays */
    int array_like;  /* … of cjson.array_mt or nil */
    int empty_array; /* … of cjson.empty_array_mt or nil */
    int empty_value; /* … of cjson.empty_array or nil */
} converter;

/* Where we are: the way back to the root. A key of NULL is an item of an array. */
typedef struct place {
    const struct place *parent;
    const void *table; /* the table that holds what stands here, to see cycles */
    const char *key;
    size_t key_length;
    lua_Integer index;
    int depth;
} place;

typedef struct member {
    const char *key;
    size_t length;
    mseq_value *value;
} member;

static mseq_value *convert(converter *c, int index, const place *here);

/* ---- errors with a path
 * ---------------------------------------------------------------------------- */

static void append_path(mseq_buffer *path, const place *here) {
    if (here->parent == NULL) {
        return;
    }
    append_path(path, here->parent);
    if (here->key != NULL) {
        mseq_buffer_append_char(path, '.');
        mseq_buffer_append(path, here->key, here->key_length);
    } else {
        mseq_buffer_append_format(path, "[%lld]", (long long)here->index);
    }
}

static mseq_value *refuse(converter *c, const place *here, const char *problem) {
    mseq_buffer path = MSEQ_BUFFER_INIT;
    path.maximum = 512;
    append_path(&path, here);
    mseq_error_set(c->err, MSEQ_E_ARGUMENT, "%s%s: %s", c->root,
                   path.data == NULL ? "" : mseq_buffer_text(&path), problem);
    mseq_buffer_free(&path);
    return NULL;
}

static mseq_value *made(converter *c, mseq_value *value) {
    if (value == NULL) {
        mseq_error_no_memory(c->err);
    }
    return value;
}

/* ---- leaves
 * ------------------------------------------------------------------------------------------ */

static mseq_value *convert_string(converter *c, int index, const place *here) {
    size_t length;
    const char *text = lua_tolstring(c->L, index, &length);
    if (!mseq_utf8_valid(text, length)) {
        return refuse(c, here, "the text is not UTF-8");
    }
    return made(c, mseq_value_string_n(text, length));
}

static mseq_value *convert_number(converter *c, int index, const place *here) {
    if (lua_isinteger(c->L, index)) {
        return made(c, mseq_value_integer(lua_tointeger(c->L, index)));
    }
    double number = lua_tonumber(c->L, index);
    if (!isfinite(number)) {
        return refuse(c, here, "NaN and infinities cannot stand in a document");
    }
    return made(c, mseq_value_float(number));
}

static mseq_value *convert_pointer(converter *c, int index, const place *here) {
    if (lua_touserdata(c->L, index) == NULL) {
        return made(c, mseq_value_null());
    }
    if (lua_rawequal(c->L, index, c->empty_value)) {
        return made(c, mseq_value_array());
    }
    return refuse(c, here, "a light userdata cannot stand in a document");
}

/* ---- arrays
 * ------------------------------------------------------------------------------------------ */

static mseq_value *convert_array(converter *c, int index, lua_Integer length, const place *here) {
    mseq_value *array = made(c, mseq_value_array());
    for (lua_Integer i = 1; array != NULL && i <= length; i++) {
        place item = {here, lua_topointer(c->L, index), NULL, 0, i, here->depth + 1};
        lua_rawgeti(c->L, index, i);
        mseq_value *value = convert(c, lua_gettop(c->L), &item);
        lua_pop(c->L, 1);
        if (value == NULL) {
            goto fail;
        }
        if (mseq_array_add(array, value) != MSEQ_OK) {
            mseq_error_no_memory(c->err);
            goto fail;
        }
    }
    return array;
fail:
    mseq_value_free(array);
    return NULL;
}

/* ---- objects
 * ----------------------------------------------------------------------------------------- */

static int compare_members(const void *a, const void *b) {
    const member *left = a;
    const member *right = b;
    size_t length = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->key, right->key, length);
    if (order != 0) {
        return order;
    }
    return (left->length > right->length) - (left->length < right->length);
}

/* Converts the value on top of the stack, whose key stands at `key_index`, into *out. */
static bool convert_member(converter *c, const void *table, int key_index, const place *here,
                           member *out) {
    out->key = lua_tolstring(c->L, key_index, &out->length);
    place there = {here, table, out->key, out->length, 0, here->depth + 1};
    if (!mseq_utf8_valid(out->key, out->length)) {
        refuse(c, here, "a key is not UTF-8");
        return false;
    }
    out->value = convert(c, lua_gettop(c->L), &there);
    return out->value != NULL;
}

/* Takes the members that the shape lists, in its order. The list stands on top of the stack. */
static bool take_listed(converter *c, int index, const place *here, member *members, size_t count,
                        size_t *taken) {
    lua_State *L = c->L;
    int keys = lua_gettop(L);
    size_t length = lua_rawlen(L, keys);
    for (size_t i = 1; i <= length && *taken < count; i++) {
        bool good = true;
        if (lua_rawgeti(L, keys, (lua_Integer)i) == LUA_TSTRING) {
            lua_pushvalue(L, -1);
            if (lua_rawget(L, index) != LUA_TNIL) {
                good = convert_member(c, lua_topointer(L, index), keys + 1, here, &members[*taken]);
                *taken += good ? 1 : 0;
            }
        }
        lua_settop(L, keys);
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool is_taken(const member *members, size_t count, const char *key, size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (members[i].length == length && memcmp(members[i].key, key, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the members that no list names, sorted. */
static bool take_sorted(converter *c, int index, const place *here, member *members, size_t count,
                        size_t *taken) {
    lua_State *L = c->L;
    int top = lua_gettop(L);
    size_t listed = *taken;
    bool good = true;
    lua_pushnil(L);
    while (good && *taken < count && lua_next(L, index) != 0) {
        size_t length;
        const char *key = lua_tolstring(L, top + 1, &length);
        if (!is_taken(members, listed, key, length)) {
            good = convert_member(c, lua_topointer(L, index), top + 1, here, &members[*taken]);
            *taken += good ? 1 : 0;
        }
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    qsort(members + listed, *taken - listed, sizeof(*members), compare_members);
    return good;
}

/* Pushes the list of keys of the table's shape; false, pushing nothing, when it has none. */
static bool push_listed_keys(converter *c, int index) {
    if (!lua_getmetatable(c->L, index)) {
        return false;
    }
    lua_pushvalue(c->L, c->keys_name);
    if (lua_rawget(c->L, -2) != LUA_TTABLE) {
        lua_pop(c->L, 2);
        return false;
    }
    lua_remove(c->L, -2);
    return true;
}

static mseq_value *convert_object(converter *c, int index, size_t count, const place *here) {
    mseq_value *object = made(c, mseq_value_object());
    member *members = calloc(count + 1, sizeof(*members));
    size_t taken = 0;
    size_t put = 0;
    if (object == NULL || members == NULL) {
        mseq_error_no_memory(c->err);
        goto fail;
    }
    if (push_listed_keys(c, index)) {
        bool good = take_listed(c, index, here, members, count, &taken);
        lua_pop(c->L, 1);
        if (!good) {
            goto fail;
        }
    }
    if (taken < count && !take_sorted(c, index, here, members, count, &taken)) {
        goto fail;
    }
    while (put < taken) {
        const member *next = &members[put++]; /* the object owns it from here, also on failure */
        if (mseq_object_put_n(object, next->key, next->length, next->value) != MSEQ_OK) {
            mseq_error_no_memory(c->err);
            goto fail;
        }
    }
    free(members);
    return object;
fail:
    while (members != NULL && put < taken) {
        mseq_value_free(members[put++].value);
    }
    free(members);
    mseq_value_free(object);
    return NULL;
}

/* ---- tables
 * ------------------------------------------------------------------------------------------ */

typedef struct census {
    size_t integers; /* keys 1..n */
    size_t strings;
    size_t others;
    lua_Integer highest;
} census;

static census count_keys(lua_State *L, int index) {
    census keys = {0, 0, 0, 0};
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            keys.strings++;
        } else if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1) {
            lua_Integer key = lua_tointeger(L, -1);
            keys.highest = key > keys.highest ? key : keys.highest;
            keys.integers++;
        } else {
            keys.others++;
        }
    }
    return keys;
}

static bool is_marked_array(converter *c, int index) {
    lua_State *L = c->L;
    if (!lua_getmetatable(L, index)) {
        return false;
    }
    int metatable = lua_gettop(L);
    bool marked = lua_rawequal(L, metatable, c->array) ||
                  lua_rawequal(L, metatable, c->array_like) ||
                  lua_rawequal(L, metatable, c->empty_array);
    lua_pop(L, 1);
    return marked;
}

static mseq_value *convert_table(converter *c, int index, const place *here) {
    const void *table = lua_topointer(c->L, index);
    for (const place *above = here; above != NULL; above = above->parent) {
        if (above->table == table) {
            return refuse(c, here, "the table contains itself");
        }
    }
    if (here->depth >= MAXIMUM_DEPTH || !lua_checkstack(c->L, 10)) {
        return refuse(c, here, "nested deeper than 200 levels");
    }
    census keys = count_keys(c->L, index);
    if (keys.others > 0) {
        return refuse(c, here, "keys are strings, or the numbers 1 to n");
    }
    if (keys.integers > 0 && keys.strings > 0) {
        return refuse(c, here, "string keys and number keys in one table");
    }
    if ((size_t)keys.highest != keys.integers) {
        return refuse(c, here, "an array with holes");
    }
    bool array = keys.integers > 0 || (keys.strings == 0 && is_marked_array(c, index));
    return array ? convert_array(c, index, keys.highest, here)
                 : convert_object(c, index, keys.strings, here);
}

static mseq_value *convert(converter *c, int index, const place *here) {
    switch (lua_type(c->L, index)) {
    case LUA_TNIL:
        return made(c, mseq_value_null());
    case LUA_TBOOLEAN:
        return made(c, mseq_value_boolean(lua_toboolean(c->L, index)));
    case LUA_TNUMBER:
        return convert_number(c, index, here);
    case LUA_TSTRING:
        return convert_string(c, index, here);
    case LUA_TLIGHTUSERDATA:
        return convert_pointer(c, index, here);
    case LUA_TTABLE:
        return convert_table(c, index, here);
    case LUA_TFUNCTION:
        return refuse(c, here, "a function cannot stand in a document");
    case LUA_TTHREAD:
        return refuse(c, here, "a coroutine cannot stand in a document");
    default:
        return refuse(c, here, "a userdata cannot stand in a document");
    }
}

/* Pushes a field of package.loaded.cjson, or nil. */
static void push_cjson(lua_State *L, const char *field) {
    int top = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_istable(L, -1)) {
        lua_pushstring(L, "cjson");
        if (lua_rawget(L, -2) == LUA_TTABLE) {
            lua_pushstring(L, field);
            lua_rawget(L, -2);
            lua_replace(L, top + 1);
            lua_settop(L, top + 1);
            return;
        }
    }
    lua_settop(L, top);
    lua_pushnil(L);
}

mseq_value *mseqi_to_value(lua_State *L, int index, const char *name, mseq_error *err) {
    static const place root = {NULL, NULL, NULL, 0, 0, 0};
    int top = lua_gettop(L);
    index = lua_absindex(L, index);
    luaL_checkstack(L, 16, "converting a document");
    lua_pushstring(L, MSEQI_KEYS);
    luaL_getmetatable(L, MSEQI_ARRAY);
    push_cjson(L, "array_mt");
    push_cjson(L, "empty_array_mt");
    push_cjson(L, "empty_array");
    converter c = {L, err, name, top + 1, top + 2, top + 3, top + 4, top + 5};
    mseq_value *value = convert(&c, index, &root);
    lua_settop(L, top);
    return value;
}

void mseqi_check_value(lua_State *L, int index, const char *name, mseq_value **slot) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *value = mseqi_to_value(L, index, name, &err);
    if (value == NULL) {
        mseqi_raise(L, err.status, &err);
    }
    *slot = value;
}
