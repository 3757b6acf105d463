/* SPDX-License-Identifier: MIT
 *
 * Room `lua`: the binding, for C programs that embed Lua. Lua's symbols come from the host.
 */
#ifndef MSEQ_LUA_H
#define MSEQ_LUA_H

#include "mainsequence/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lua_State;

/* Puts `mainsequence.core` into package.preload of L, so that require finds this library's copy
 * before any installed one.   [-0, +0, m] */
MSEQ_API void mseq_lua_preload(struct lua_State *L);

#ifdef __cplusplus
}
#endif
#endif
