/* SPDX-License-Identifier: MIT
 *
 * Frozen tables: userdata that share one reference-counted mseq_table each. Immutable, so any
 * number of Lua states may hold the same one.
 */
#include <string.h>

#include "binding.h"

/* The box of a table; NULL only between its creation and the first assignment. */
typedef struct table_box {
    mseq_table *table;
} table_box;

const mseq_table *mseqi_check_table(lua_State *L, int argument) {
    table_box *box = luaL_checkudata(L, argument, MSEQI_TABLE);
    luaL_argcheck(L, box->table != NULL, argument, "the table was never built");
    return box->table;
}

void mseqi_push_table(lua_State *L, const mseq_table *table) {
    table_box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->table = NULL;
    luaL_setmetatable(L, MSEQI_TABLE);
    box->table = table != NULL ? mseq_table_retain(table) : NULL;
}

void mseqi_push_tables(lua_State *L, const mseq_metadata *metadata) {
    size_t count = mseq_metadata_count(metadata);
    lua_createtable(L, (int)count, 0);
    mseqi_set_array(L);
    for (size_t i = 0; i < count; i++) {
        mseqi_push_table(L, mseq_metadata_at(metadata, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

void mseqi_check_metadata(lua_State *L, int argument, mseq_metadata **slot) {
    luaL_checktype(L, argument, LUA_TTABLE);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_metadata_new(slot, &err), &err);
    lua_Integer count = (lua_Integer)lua_rawlen(L, argument);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, argument, i);
        table_box *box = luaL_testudata(L, -1, MSEQI_TABLE);
        if (box == NULL || box->table == NULL) {
            luaL_argerror(L, argument,
                          lua_pushfstring(L, "item %d is a %s, a frozen table was expected", (int)i,
                                          luaL_typename(L, -1)));
        } else {
            mseqi_check(L, mseq_metadata_add(*slot, box->table, &err), &err);
        }
        lua_pop(L, 1);
    }
}

static int table_gc(lua_State *L) {
    table_box *box = luaL_checkudata(L, 1, MSEQI_TABLE);
    mseq_table_free(box->table);
    box->table = NULL;
    return 0;
}

/* tostring(table) -> 'mainsequence.table: schema.name'    [-0, +1, m] */
static int table_tostring(lua_State *L) {
    const mseq_table *table = mseqi_check_table(L, 1);
    const char *schema = mseq_table_schema(table);
    lua_pushfstring(L, "%s: %s%s%s", MSEQI_TABLE, schema != NULL ? schema : "",
                    schema != NULL ? "." : "", mseq_table_name(table));
    return 1;
}

/* core.table(description) -> table    [-0, +1, v] */
static int table_new(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 1, "description", &scratch->values[0]);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_table_from_description(scratch->values[0], &scratch->table, &err), &err);
    mseqi_push_table(L, scratch->table);
    return 1;
}

/* table:name() -> string    [-0, +1, v] */
static int table_name(lua_State *L) {
    lua_pushstring(L, mseq_table_name(mseqi_check_table(L, 1)));
    return 1;
}

/* table:schema() -> string | nil    [-0, +1, v] */
static int table_schema(lua_State *L) {
    lua_pushstring(L, mseq_table_schema(mseqi_check_table(L, 1)));
    return 1;
}

/* table:kind() -> "plain" | "platform_managed" | "time_index"    [-0, +1, v] */
static int table_kind(lua_State *L) {
    static const char *const kinds[] = {
        [MSEQ_TABLE_PLAIN] = "plain",
        [MSEQ_TABLE_PLATFORM_MANAGED] = "platform_managed",
        [MSEQ_TABLE_TIME_INDEX] = "time_index",
    };
    lua_pushstring(L, kinds[mseq_table_get_meta(mseqi_check_table(L, 1))->kind]);
    return 1;
}

/* table:describe() -> description    [-0, +1, v] */
static int table_describe(lua_State *L) {
    const mseq_table *table = mseqi_check_table(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_table_describe(table, &scratch->values[0], &err), &err);
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

/* table:index_names() -> names    [-0, +1, v] */
static int table_index_names(lua_State *L) {
    const mseq_table *table = mseqi_check_table(L, 1);
    size_t count = mseq_table_index_count(table);
    lua_createtable(L, (int)count, 0);
    mseqi_set_array(L);
    for (size_t i = 0; i < count; i++) {
        /* insertion sort by bytes: a table has a handful of indexes */
        const char *name = mseq_table_index_at(table, i)->name;
        lua_Integer place = (lua_Integer)i + 1;
        for (; place > 1; place--) {
            lua_rawgeti(L, -1, place - 1);
            bool after = strcmp(lua_tostring(L, -1), name) > 0;
            if (after) {
                lua_rawseti(L, -2, place);
            } else {
                lua_pop(L, 1);
                break;
            }
        }
        lua_pushstring(L, name);
        lua_rawseti(L, -2, place);
    }
    return 1;
}

void mseqi_tables_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"name", table_name},         {"schema", table_schema},           {"kind", table_kind},
        {"describe", table_describe}, {"index_names", table_index_names}, {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__gc", table_gc},
        {"__tostring", table_tostring},
        {NULL, NULL},
    };
    mseqi_class_register(L, MSEQI_TABLE, metamethods, methods);
    luaL_getmetatable(L, MSEQI_TABLE);
    lua_getfield(L, -1, "__index");
    luaL_setfuncs(L, mseqi_table_document_methods, 0);
    lua_pop(L, 2);
}

const luaL_Reg mseqi_table_functions[] = {
    {"table", table_new},
    {NULL, NULL},
};
