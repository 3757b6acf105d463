/* SPDX-License-Identifier: MIT
 *
 * What Lua's standard library lacks: uuids, digests, clocks, times, near misses, places in scripts,
 * and files that are either old or new, never half.
 */
#include <unistd.h>

#include "binding.h"

/* core.uuid() -> text    [-0, +1, v] */
static int system_uuid(lua_State *L) {
    char text[37];
    mseqi_check(L, mseq_uuid_new(text), NULL);
    lua_pushstring(L, text);
    return 1;
}

/* core.md5(bytes) -> hex    [-0, +1, v] */
static int system_md5(lua_State *L) {
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    char hex[33];
    mseqi_check(L, mseq_md5_hex(bytes, length, hex), NULL);
    lua_pushstring(L, hex);
    return 1;
}

/* core.sha256(bytes) -> hex    [-0, +1, v] */
static int system_sha256(lua_State *L) {
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    char hex[65];
    mseqi_check(L, mseq_sha256_hex(bytes, length, hex), NULL);
    lua_pushstring(L, hex);
    return 1;
}

/* core.time() -> seconds    [-0, +1, -] */
static int system_time(lua_State *L) {
    lua_pushnumber(L, (lua_Number)mseq_time_now() / 1e6);
    return 1;
}

/* core.monotonic_ms() -> milliseconds    [-0, +1, -] */
static int system_monotonic(lua_State *L) {
    lua_pushinteger(L, mseq_monotonic_ms());
    return 1;
}

/* core.format_time(microseconds?, trimmed?) -> text    [-0, +1, v] */
static int system_format_time(lua_State *L) {
    lua_Integer microseconds = lua_isnoneornil(L, 1) ? mseq_time_now() : luaL_checkinteger(L, 1);
    char text[32];
    mseq_time_format(microseconds, lua_toboolean(L, 2), text);
    lua_pushstring(L, text);
    return 1;
}

/* core.normalize_time(text) -> canonical | nil, err    [-0, +1|2, v] */
static int system_normalize_time(lua_State *L) {
    const char *text = mseqi_check_text(L, 1);
    int64_t microseconds = 0;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_time_parse(text, &microseconds, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    char canonical[32];
    mseq_time_format(microseconds, false, canonical);
    lua_pushstring(L, canonical);
    return 1;
}

/* core.parse_time(text) -> microseconds since 1970 | nil, err    [-0, +1|2, v] */
static int system_parse_time(lua_State *L) {
    int64_t microseconds = 0;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_time_parse(mseqi_check_text(L, 1), &microseconds, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushinteger(L, (lua_Integer)microseconds);
    return 1;
}

/* core.casefold(text) -> text    [-0, +1, v] */
static int system_casefold(lua_State *L) {
    const char *text = mseqi_check_text(L, 1);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    scratch->texts[0] = mseq_text_casefold(text);
    if (scratch->texts[0] == NULL) {
        return luaL_error(L, "not enough memory, or the text is not UTF-8");
    }
    lua_pushstring(L, scratch->texts[0]);
    return 1;
}

/* core.normalize_uuid(text) -> canonical | nil    [-0, +1, v] */
static int system_normalize_uuid(lua_State *L) {
    char canonical[37];
    if (mseq_uuid_normalize(mseqi_check_text(L, 1), canonical)) {
        lua_pushstring(L, canonical);
    } else {
        luaL_pushfail(L);
    }
    return 1;
}

/* core.nearest(word, candidates) -> candidate | nil    [-0, +1, v] */
static int system_nearest(lua_State *L) {
    const char *word = mseqi_check_text(L, 1);
    size_t count;
    const char *const *candidates = mseqi_check_names(L, 2, &count);
    lua_pushstring(L, mseq_text_nearest(word, candidates, count));
    return 1;
}

/* core.where(level) -> source, line | nil: level 1 is where core.where was called, 2 the caller of
 * that function. A tail call leaves no caller behind: nil, rather than somebody else's line. [-0,
 * +1|2, v] */
static int system_where(lua_State *L) {
    lua_Integer level = luaL_checkinteger(L, 1);
    luaL_argcheck(L, level >= 1 && level < 1000, 1, "a level from 1 to 999 expected");
    lua_Debug frame;
    lua_Debug below;
    bool found = lua_getstack(L, (int)level, &frame) && lua_getstack(L, (int)level - 1, &below) &&
                 lua_getinfo(L, "t", &below) && !below.istailcall && lua_getinfo(L, "Sl", &frame) &&
                 frame.currentline > 0;
    if (!found) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushstring(L, frame.short_src);
    lua_pushinteger(L, frame.currentline);
    return 2;
}

/* core.write_file(path, text) -> true | nil, err    [-0, +1|2, v] */
static int system_write_file(lua_State *L) {
    const char *path = mseqi_check_text(L, 1);
    size_t length;
    luaL_checktype(L, 2, LUA_TSTRING);
    const char *text = lua_tolstring(L, 2, &length);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_file_replace(path, text, length, 0, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* core.is_terminal() -> boolean    [-0, +1, -] */
static int system_is_terminal(lua_State *L) {
    lua_pushboolean(L, isatty(STDOUT_FILENO));
    return 1;
}

const luaL_Reg mseqi_system_functions[] = {
    {"uuid", system_uuid},
    {"md5", system_md5},
    {"sha256", system_sha256},
    {"time", system_time},
    {"monotonic_ms", system_monotonic},
    {"format_time", system_format_time},
    {"normalize_time", system_normalize_time},
    {"parse_time", system_parse_time},
    {"casefold", system_casefold},
    {"normalize_uuid", system_normalize_uuid},
    {"nearest", system_nearest},
    {"where", system_where},
    {"write_file", system_write_file},
    {"is_terminal", system_is_terminal},
    {NULL, NULL},
};
