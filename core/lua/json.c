/* SPDX-License-Identifier: MIT */
#include "binding.h"

/* core.json_encode(value, options?) -> text    [-0, +1, v] */
static int json_encode(lua_State *L) {
    static const char *const names[] = {"sorted", "indent", "unicode", NULL};
    luaL_checkany(L, 1);
    mseqi_check_options(L, 2, names);
    unsigned flags = 0;
    flags |= mseqi_option_boolean(L, 2, "sorted", false) ? MSEQ_JSON_SORTED : 0;
    flags |= mseqi_option_boolean(L, 2, "indent", false) ? MSEQ_JSON_INDENT : 0;
    flags |= mseqi_option_boolean(L, 2, "unicode", false) ? MSEQ_JSON_UNICODE : 0;
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 1, "value", &scratch->values[0]);
    mseq_error err = MSEQ_ERROR_INIT;
    mseqi_check(L, mseq_json_write(scratch->values[0], flags, &scratch->buffer, &err), &err);
    lua_pushlstring(L, mseq_buffer_text(&scratch->buffer), scratch->buffer.length);
    return 1;
}

/* core.json_decode(text) -> value | nil, err    [-0, +1|2, v] */
static int json_decode(lua_State *L) {
    size_t length;
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *text = lua_tolstring(L, 1, &length);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_json_parse(text, length, 0, &scratch->values[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

const luaL_Reg mseqi_json_functions[] = {
    {"json_encode", json_encode},
    {"json_decode", json_decode},
    {NULL, NULL},
};
