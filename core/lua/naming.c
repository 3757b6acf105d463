/* SPDX-License-Identifier: MIT
 *
 * Names. Every function raises on bad input.
 */
#include "binding.h"

/* Gives back the text in the first slot of the scratch.   [-0, +1, v] */
static int name_result(lua_State *L, mseqi_scratch *scratch, mseq_status status,
                       const mseq_error *err) {
    mseqi_check(L, status, err);
    lua_pushstring(L, scratch->texts[0]);
    return 1;
}

/* core.slugify_identifier(text) -> slug    [-0, +1, v] */
static int naming_slugify(lua_State *L) {
    const char *text = mseqi_check_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch, mseq_naming_slugify(text, &scratch->texts[0], &err), &err);
}

/* core.normalize_identifier_part(text, label?) -> part    [-0, +1, v] */
static int naming_normalize_part(lua_State *L) {
    const char *text = mseqi_check_text(L, 1);
    const char *label = mseqi_optional_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch,
                       mseq_naming_normalize_part(text, label, &scratch->texts[0], &err), &err);
}

/* core.bounded_identifier(parts, max_length?) -> name    [-0, +1, v] */
static int naming_bounded(lua_State *L) {
    lua_Integer maximum = luaL_optinteger(L, 2, 0);
    luaL_argcheck(L, maximum >= 0, 2, "a length is not negative");
    size_t count;
    const char *const *parts = mseqi_check_names(L, 1, &count);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(
        L, scratch,
        mseq_naming_bounded_identifier(parts, count, (size_t)maximum, &scratch->texts[0], &err),
        &err);
}

/* core.schema_table_name(app, concept, suffix?) -> name    [-0, +1, v] */
static int naming_table(lua_State *L) {
    const char *app = mseqi_check_text(L, 1);
    const char *concept_name = mseqi_check_text(L, 2);
    const char *suffix = mseqi_optional_text(L, 3);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(
        L, scratch,
        mseq_naming_schema_table_name(app, concept_name, suffix, &scratch->texts[0], &err), &err);
}

/* core.parse_schema_table_name(name) -> { app, concept, suffix? }    [-0, +1, v] */
static int naming_parse_table(lua_State *L) {
    static const char *const fields[] = {"app", "concept", "suffix"};
    const char *name = mseqi_check_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L,
                mseq_naming_parse_schema_table_name(name, &scratch->texts[0], &scratch->texts[1],
                                                    &scratch->texts[2], &err),
                &err);
    lua_createtable(L, 0, 3);
    for (size_t i = 0; i < 3; i++) {
        lua_pushstring(L, scratch->texts[i]);
        lua_setfield(L, -2, fields[i]);
    }
    return 1;
}

/* core.schema_index_name(table, columns, unique?) -> name    [-0, +1, v] */
static int naming_index(lua_State *L) {
    const char *table = mseqi_check_text(L, 1);
    bool unique = lua_toboolean(L, 3);
    size_t count;
    const char *const *columns = mseqi_check_names(L, 2, &count);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(
        L, scratch, mseq_naming_index_name(table, columns, count, unique, &scratch->texts[0], &err),
        &err);
}

/* core.schema_foreign_key_name(table, columns, target_table, target_columns?) -> name    [-0, +1,
 * v] */
static int naming_foreign_key(lua_State *L) {
    const char *table = mseqi_check_text(L, 1);
    const char *target = mseqi_check_text(L, 3);
    size_t count;
    size_t target_count = 0;
    const char *const *columns = mseqi_check_names(L, 2, &count);
    const char *const *target_columns =
        lua_isnoneornil(L, 4) ? NULL : mseqi_check_names(L, 4, &target_count);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch,
                       mseq_naming_foreign_key_name(table, columns, count, target, target_columns,
                                                    target_count, &scratch->texts[0], &err),
                       &err);
}

/* core.schema_primary_key_name(table) -> name    [-0, +1, v] */
static int naming_primary_key(lua_State *L) {
    const char *table = mseqi_check_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch, mseq_naming_primary_key_name(table, &scratch->texts[0], &err),
                       &err);
}

/* core.schema_unique_constraint_name(table, columns) -> name    [-0, +1, v] */
static int naming_unique(lua_State *L) {
    const char *table = mseqi_check_text(L, 1);
    size_t count;
    const char *const *columns = mseqi_check_names(L, 2, &count);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(
        L, scratch,
        mseq_naming_unique_constraint_name(table, columns, count, &scratch->texts[0], &err), &err);
}

/* core.schema_check_constraint_name(table, name?) -> name    [-0, +1, v] */
static int naming_check(lua_State *L) {
    const char *table = mseqi_check_text(L, 1);
    const char *check = mseqi_optional_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch,
                       mseq_naming_check_constraint_name(table, check, &scratch->texts[0], &err),
                       &err);
}

/* core.truncate_final_name(name) -> name    [-0, +1, v] */
static int naming_truncate_final(lua_State *L) {
    const char *name = mseqi_check_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch, mseq_naming_truncate_final(name, &scratch->texts[0], &err),
                       &err);
}

/* core.namespace_version_slug(migration_namespace?) -> slug    [-0, +1, v] */
static int naming_version_slug(lua_State *L) {
    const char *migration_namespace = mseqi_optional_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(
        L, scratch,
        mseq_naming_namespace_version_slug(migration_namespace, &scratch->texts[0], &err), &err);
}

/* core.namespace_version_location(migration_namespace?, prefix?) -> location    [-0, +1, v] */
static int naming_version_location(lua_State *L) {
    const char *migration_namespace = mseqi_optional_text(L, 1);
    const char *prefix = mseqi_optional_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return name_result(L, scratch,
                       mseq_naming_namespace_version_location(migration_namespace, prefix,
                                                              &scratch->texts[0], &err),
                       &err);
}

const luaL_Reg mseqi_naming_functions[] = {
    {"slugify_identifier", naming_slugify},
    {"normalize_identifier_part", naming_normalize_part},
    {"bounded_identifier", naming_bounded},
    {"schema_table_name", naming_table},
    {"parse_schema_table_name", naming_parse_table},
    {"schema_index_name", naming_index},
    {"schema_foreign_key_name", naming_foreign_key},
    {"schema_primary_key_name", naming_primary_key},
    {"schema_unique_constraint_name", naming_unique},
    {"schema_check_constraint_name", naming_check},
    {"truncate_final_name", naming_truncate_final},
    {"namespace_version_slug", naming_version_slug},
    {"namespace_version_location", naming_version_location},
    {NULL, NULL},
};
