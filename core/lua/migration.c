/* SPDX-License-Identifier: MIT
 *
 * Migration operations as data, and what autogenerate makes of two schemas. Pure, so a wrong
 * operation raises; only an operation that cannot be reversed is nil, err.
 */
#include "binding.h"

/* Leaves the operation at an argument in the second slot of the scratch.   [-0, +0, v] */
static const mseq_value *check_operation(lua_State *L, int argument, mseqi_scratch *scratch) {
    mseqi_check_value(L, argument, "operation", &scratch->values[1]);
    return scratch->values[1];
}

/* core.validate_operation_data(operation)    [-0, +0, v] */
static int validate_operation_data(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_migration_validate(check_operation(L, 1, scratch), &err), &err);
    return 0;
}

/* core.operation_needs_table(operation, dialect) -> name | nil    [-0, +1, v] */
static int operation_needs_table(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseq_dialect dialect = mseqi_check_dialect(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    lua_pushstring(L, mseq_migration_needs_table(check_operation(L, 1, scratch), dialect));
    return 1;
}

/* core.render_operation(operation, dialect, context?) -> statements    [-0, +1, v] */
static int render_operation(lua_State *L) {
    static const char *const names[] = {"table", "dependents", "naming_convention", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    mseq_dialect dialect = mseqi_check_dialect(L, 2);
    mseqi_check_options(L, 3, names);
    mseq_migration_context context = MSEQ_MIGRATION_CONTEXT_INIT;
    context.without_naming_convention = !mseqi_option_boolean(L, 3, "naming_convention", true);
    if (!lua_isnoneornil(L, 3)) {
        lua_getfield(L, 3, "table");
        context.table = lua_isnil(L, -1) ? NULL : mseqi_check_table(L, lua_gettop(L));
    }
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_option_value(L, 3, "dependents", &scratch->values[0]);
    context.dependents = scratch->values[0];
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L,
                mseq_migration_render(check_operation(L, 1, scratch), dialect, &context,
                                      &scratch->strings[0], &err),
                &err);
    mseqi_push_strings(L, &scratch->strings[0]);
    return 1;
}

/* core.reverse_operation(operation) -> reverse | nil, err    [-0, +1|2, v] */
static int reverse_operation(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_migration_reverse(check_operation(L, 1, scratch), &scratch->values[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

/* core.operation_risks(operation) -> [{ code, message }]    [-0, +1, v] */
static int operation_risks(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_migration_risks(check_operation(L, 1, scratch), &scratch->values[0], &err),
                &err);
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

/* core.compare_schemas(dialect, before, after, options?) -> operations    [-0, +1, v] */
static int compare_schemas(lua_State *L) {
    static const char *const names[] = {"drop_unknown_tables", "version_table", NULL};
    mseq_dialect dialect = mseqi_check_dialect(L, 1);
    mseqi_check_options(L, 4, names);
    mseq_compare_options options = MSEQ_COMPARE_OPTIONS_INIT;
    options.drop_unknown_tables = mseqi_option_boolean(L, 4, "drop_unknown_tables", false);
    options.version_table = mseqi_option_text(L, 4, "version_table");
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_metadata(L, 2, &scratch->metadata[0]);
    mseqi_check_metadata(L, 3, &scratch->metadata[1]);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L,
                mseq_migration_compare(scratch->metadata[0], scratch->metadata[1], dialect,
                                       &options, &scratch->values[0], &err),
                &err);
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

const luaL_Reg mseqi_migration_functions[] = {
    {"compare_schemas", compare_schemas},
    {"validate_operation_data", validate_operation_data},
    {"operation_needs_table", operation_needs_table},
    {"render_operation", render_operation},
    {"reverse_operation", reverse_operation},
    {"operation_risks", operation_risks},
    {NULL, NULL},
};
