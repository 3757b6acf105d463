/* SPDX-License-Identifier: MIT
 *
 * The rows of a select one by one. The environment's failures are false, err, so that a generic for
 * sees them.
 */
#include "binding.h"

#define STREAM "mainsequence.row_stream"

/* User values: the client, which has to live as long, and the metatable of the last row. */
enum { CLIENT_SLOT = 1, SHAPE_SLOT, SLOTS = SHAPE_SLOT };

typedef struct stream_box {
    mseq_client_stream *stream; /* NULL: read to its end, or closed */
    mseq_value *row;            /* the last one */
    mseq_error err;             /* here because it is large and there are many rows */
} stream_box;

static void release(stream_box *box) {
    mseq_client_stream_close(box->stream);
    mseq_value_free(box->row);
    box->stream = NULL;
    box->row = NULL;
}

/* stream:close(); also __close and __gc. A second time does nothing.    [-0, +0, v] */
static int stream_close(lua_State *L) {
    release(luaL_checkudata(L, 1, STREAM));
    return 0;
}

/* Rows of one result have the same keys: they share their metatable.   [-0, +1, m] */
static void push_row(lua_State *L, const mseq_value *row, bool shared) {
    if (shared) {
        lua_getiuservalue(L, 1, SHAPE_SLOT);
        mseqi_push_shaped(L, row, lua_gettop(L));
        return;
    }
    mseqi_push_value(L, row);
    lua_getmetatable(L, -1);
    lua_setiuservalue(L, 1, SHAPE_SLOT);
}

/* stream:next() -> row | nil after the last | false, err    [-0, +1|2, v] */
static int stream_next(lua_State *L) {
    stream_box *box = luaL_checkudata(L, 1, STREAM);
    mseq_value *row = NULL;
    if (box->stream == NULL) {
        lua_pushnil(L);
        return 1;
    }
    mseq_status status = mseq_client_stream_next(box->stream, &row, &box->err);
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
    bool shared = box->row != NULL && mseqi_same_keys(box->row, row);
    mseq_value_free(box->row);
    box->row = row;
    push_row(L, row, shared);
    return 1;
}

/* client:stream_operation(operation) -> stream | nil, err    [-0, +1|2, v] */
int mseqi_client_stream_operation(lua_State *L) {
    mseq_client *client = mseqi_check_client(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    stream_box *box = lua_newuserdatauv(L, sizeof(*box), SLOTS);
    int place = lua_gettop(L);
    *box = (stream_box){NULL, NULL, MSEQ_ERROR_INIT};
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
