/* SPDX-License-Identifier: MIT
 *
 * The rows of a select one by one. The environment's failures are false, err, so that a generic for
 * sees them.
 */
#include "binding.h"

#define STREAM "mainsequence.row_stream"

/* User values: the client, which has to live as long, and of the last row the list of its keys and
 * its metatable. */
enum { CLIENT_SLOT = 1, KEYS_SLOT, SHAPE_SLOT, SLOTS = SHAPE_SLOT };

typedef struct stream_box {
    mseq_client_stream *stream; /* NULL: read to its end, or closed */
    uint64_t form;              /* of the rows whose keys and metatable are in the slots */
    bool pushing;               /* a row; still so afterwards when Lua had no memory for it */
    mseq_error err;             /* here because it is large and there are many rows */
} stream_box;

static void release(stream_box *box) {
    mseq_client_stream_close(box->stream);
    box->stream = NULL;
}

/* stream:close(); also __close and __gc. A second time does nothing.    [-0, +0, v] */
static int stream_close(lua_State *L) {
    release(luaL_checkudata(L, 1, STREAM));
    return 0;
}

/* Rows of one result have the same keys: Lua's strings of them are made once.   [-0, +0, m] */
static void keep_keys(lua_State *L, const mseq_row *row) {
    lua_createtable(L, (int)row->count, 0);
    for (size_t i = 0; i < row->count; i++) {
        lua_pushlstring(L, row->keys[i].text, row->keys[i].length);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, KEYS_SLOT);
    mseqi_new_shape(L);
    lua_setiuservalue(L, 1, SHAPE_SLOT);
}

/* [-0, +1, m] */
static void push_row(lua_State *L, const mseq_row *row) {
    lua_getiuservalue(L, 1, KEYS_SLOT);
    int keys = lua_gettop(L);
    lua_createtable(L, 0, (int)row->count);
    for (size_t i = 0; i < row->count; i++) {
        lua_rawgeti(L, keys, (lua_Integer)i + 1);
        mseqi_push_cell(L, &row->cells[i]);
        lua_rawset(L, keys + 1);
    }
    lua_getiuservalue(L, 1, SHAPE_SLOT);
    lua_setmetatable(L, keys + 1);
}

/* stream:next() -> row | nil after the last | false, err    [-0, +1|2, v] */
static int stream_next(lua_State *L) {
    stream_box *box = luaL_checkudata(L, 1, STREAM);
    mseq_row *row = NULL;
    if (box->stream == NULL) {
        lua_pushnil(L);
        return 1;
    }
    if (box->pushing) { /* that row is lost: no other may come in its place */
        release(box);
        return mseqi_raise(L, mseq_error_no_memory(&box->err), &box->err);
    }
    mseq_status status = mseq_client_stream_next_row(box->stream, &row, &box->err);
    if (status != MSEQ_OK || row == NULL) {
        release(box);
    }
    if (status == MSEQ_E_NO_MEMORY || status == MSEQ_E_ARGUMENT) {
        return mseqi_raise(L, status, &box->err);
    }
    if (status != MSEQ_OK) {
        lua_pushboolean(L, 0);
        mseqi_error_push(L, &box->err);
        return 2;
    }
    if (row == NULL) {
        lua_pushnil(L);
        return 1;
    }
    box->pushing = true;
    if (box->form != row->form) {
        keep_keys(L, row);
        box->form = row->form;
    }
    push_row(L, row);
    box->pushing = false;
    return 1;
}

/* client:stream_operation(operation) -> stream | nil, err    [-0, +1|2, v] */
int mseqi_client_stream_operation(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    stream_box *box = lua_newuserdatauv(L, sizeof(*box), SLOTS);
    int place = lua_gettop(L);
    *box = (stream_box){NULL, 0, false, MSEQ_ERROR_INIT};
    luaL_setmetatable(L, STREAM);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, place, CLIENT_SLOT);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseqi_check_value(L, 2, "operation", &scratch->values[0]);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_client_stream_operation(client, scratch->values[0], &box->stream, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushvalue(L, place);
    return 1;
}

void mseqi_streams_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"next", stream_next},
        {"close", stream_close},
        {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__close", stream_close},
        {"__gc", stream_close},
        {NULL, NULL},
    };
    mseqi_class_register(L, STREAM, metamethods, methods);
}
