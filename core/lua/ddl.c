/* SPDX-License-Identifier: MIT
 *
 * Tables and types → SQL text, and SQL text for drivers.
 */
#include "binding.h"

/* core.quote(dialect, identifier) -> text    [-0, +1, v] */
static int ddl_quote(lua_State *L) {
    mseq_dialect dialect = mseqi_check_dialect(L, 1);
    const char *identifier = mseqi_check_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check(L, mseq_ddl_quote(dialect, identifier, -1, &scratch->buffer), NULL);
    lua_pushlstring(L, mseq_buffer_text(&scratch->buffer), scratch->buffer.length);
    return 1;
}

/* A column type stands in a table; the smallest one is built around it.   [-0, +0, v] */
static const mseq_type *check_type(lua_State *L, int argument, mseqi_scratch *scratch) {
    mseqi_check_value(L, argument, "type", &scratch->values[0]);
    const char *name = mseq_object_get_text(scratch->values[0], "name");
    mseq_error err = MSEQ_ERROR_INIT;
    if (name == NULL) {
        mseq_error_set(&err, MSEQ_E_ARGUMENT, "a type is {name = …, args = {…}}");
        mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
    }
    mseq_table_options table = MSEQ_TABLE_OPTIONS_INIT;
    table.name = "t";
    table.without_naming_convention = true;
    mseqi_check(L, mseq_table_new(&table, &scratch->table, &err), &err);
    mseq_column_options column = MSEQ_COLUMN_OPTIONS_INIT;
    column.name = "c";
    column.type = name;
    column.type_arguments = mseq_object_get(scratch->values[0], "args");
    mseqi_check(L, mseq_table_add_column(scratch->table, &column, &err), &err);
    mseqi_check(L, mseq_table_freeze(scratch->table, &err), &err);
    return mseq_table_column_at(scratch->table, 0)->type;
}

/* core.type_text(dialect, type) -> text    [-0, +1, v] */
static int ddl_type_text(lua_State *L) {
    mseq_dialect dialect = mseqi_check_dialect(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    const mseq_type *type = check_type(L, 2, scratch);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_ddl_type(dialect, type, &scratch->buffer, &err), &err);
    lua_pushlstring(L, mseq_buffer_text(&scratch->buffer), scratch->buffer.length);
    return 1;
}

/* core.column_types(type) -> data_type, backend_type    [-0, +2, v] */
static int column_types(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    const mseq_type *type = check_type(L, 1, scratch);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_type_neutral(type, &scratch->texts[0], &scratch->texts[1], &err), &err);
    lua_pushstring(L, scratch->texts[0]);
    lua_pushstring(L, scratch->texts[1]);
    return 2;
}

typedef mseq_status (*all_renderer)(mseq_dialect dialect, const mseq_metadata *metadata,
                                    mseq_strings *statements, mseq_error *err);

static int render_all(lua_State *L, all_renderer render) {
    mseq_dialect dialect = mseqi_check_dialect(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_metadata(L, 2, &scratch->metadata[0]);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, render(dialect, scratch->metadata[0], &scratch->strings[0], &err), &err);
    mseqi_push_strings(L, &scratch->strings[0]);
    return 1;
}

/* core.create_all(dialect, tables) -> statements    [-0, +1, v] */
static int ddl_create_all(lua_State *L) {
    return render_all(L, mseq_ddl_create_all);
}

/* core.drop_all(dialect, tables) -> statements    [-0, +1, v] */
static int ddl_drop_all(lua_State *L) {
    return render_all(L, mseq_ddl_drop_all);
}

/* core.sort_tables(tables, order?) -> tables, parents first    [-0, +1, v] */
static int sort_tables(lua_State *L) {
    static const char *const orders[] = {"declaration", "name", NULL};
    mseq_sort sort =
        luaL_checkoption(L, 2, "declaration", orders) == 0 ? MSEQ_SORT_DECLARATION : MSEQ_SORT_NAME;
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_metadata(L, 1, &scratch->metadata[0]);
    size_t count = mseq_metadata_count(scratch->metadata[0]);
    const mseq_table **order = lua_newuserdatauv(L, (count + 1) * sizeof(const mseq_table *), 0);
    bool cyclic = false;
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_metadata_sort(scratch->metadata[0], sort, order, NULL, &cyclic, &err),
                &err);
    lua_createtable(L, (int)count, 0);
    mseqi_set_array(L);
    for (size_t i = 0; i < count; i++) {
        mseqi_push_table(L, order[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.from_pyformat(sql, dialect) -> text, names    [-0, +2, v] */
static int from_pyformat(lua_State *L) {
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t length;
    const char *sql = lua_tolstring(L, 1, &length);
    mseq_dialect dialect = mseqi_check_dialect(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_sql_text text;
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_sql_from_pyformat(sql, length, dialect, &text, &err), &err);
    scratch->texts[0] = text.text;
    scratch->strings[0] = text.names;
    lua_pushlstring(L, text.text, text.length);
    mseqi_push_strings(L, &scratch->strings[0]);
    return 2;
}

/* core.split_statements(sql, dialect) -> statements    [-0, +1, v] */
static int split_statements(lua_State *L) {
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t length;
    const char *sql = lua_tolstring(L, 1, &length);
    mseq_dialect dialect = mseqi_check_dialect(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_sql_split(sql, length, dialect, &scratch->strings[0], &err), &err);
    mseqi_push_strings(L, &scratch->strings[0]);
    return 1;
}

const luaL_Reg mseqi_ddl_functions[] = {
    {"quote", ddl_quote},
    {"type_text", ddl_type_text},
    {"column_types", column_types},
    {"create_all", ddl_create_all},
    {"drop_all", ddl_drop_all},
    {"sort_tables", sort_tables},
    {"from_pyformat", from_pyformat},
    {"split_statements", split_statements},
    {NULL, NULL},
};
