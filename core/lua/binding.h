/* SPDX-License-Identifier: MIT
 *
 * Private to core/lua: what its files share.
 *
 * How memory is kept. A binding function checks its arguments first, then calls mseqi_scratch_new,
 * and keeps everything that C owns in the scratch until it returns. The scratch is a to-be-closed
 * userdata: whether the function returns or a Lua error unwinds it, what it holds is released.
 */
#ifndef MSEQI_BINDING_H
#define MSEQI_BINDING_H

#include <lauxlib.h>
#include <lua.h>

#include "mainsequence/lua.h"
#include "mainsequence/mainsequence.h"

#define MSEQI_CONNECTION "mainsequence.connection"
#define MSEQI_CLIENT "mainsequence.client"
#define MSEQI_SERVER "mainsequence.server"
#define MSEQI_TABLE "mainsequence.table"
#define MSEQI_ERROR "mainsequence.error"
#define MSEQI_ARRAY "mainsequence.array"
#define MSEQI_OBJECT "mainsequence.object"

MSEQ_API int luaopen_mainsequence_core(lua_State *L);

/* ---- scratch.c: C memory of one call -----------------------------------------------------------
 */

typedef struct mseqi_scratch {
    mseq_value *values[5];
    char *texts[3];
    mseq_buffer buffer;
    mseq_strings strings[2];
    mseq_table *table;
    mseq_metadata *metadata[2];
} mseqi_scratch;

/* Pushes an empty scratch, to be closed.   [-0, +1, m] */
mseqi_scratch *mseqi_scratch_new(lua_State *L);
void mseqi_scratch_register(lua_State *L);

/* ---- errors.c
 * ------------------------------------------------------------------------------------ */

/* Pushes an error object.   [-0, +1, m] */
void mseqi_error_push(lua_State *L, const mseq_error *err);
/* Raises it; out of memory as Lua's own text.   [-0, +0, v] */
int mseqi_raise(lua_State *L, mseq_status status, const mseq_error *err);
/* nil, err for the environment's failures; raises misuse and out of memory.   [-0, +2, v] */
int mseqi_fail(lua_State *L, mseq_status status, const mseq_error *err);
/* Raises unless the status is OK.   [-0, +0, v] */
void mseqi_check(lua_State *L, mseq_status status, const mseq_error *err);
void mseqi_errors_register(lua_State *L);
extern const luaL_Reg mseqi_error_functions[];

/* ---- arguments.c
 * --------------------------------------------------------------------------------- */

/* A string without NUL bytes; numbers are not taken for strings.   [-0, +0, v] */
const char *mseqi_check_text(lua_State *L, int argument);
const char *mseqi_optional_text(lua_State *L, int argument); /* NULL for none and nil */
mseq_dialect mseqi_check_dialect(lua_State *L, int argument);
/* An array of strings as C pointers, in memory of Lua's that is pushed.   [-0, +1, v] */
const char *const *mseqi_check_names(lua_State *L, int argument, size_t *count);

/* A table of options at `argument`, nil or none. Unknown keys raise with a near miss. `names` ends
 * with NULL.   [-0, +0, v] */
void mseqi_check_options(lua_State *L, int argument, const char *const *names);
/* One option; absent, nil and null give the default. Text and values stay owned by the table. */
const char *mseqi_option_text(lua_State *L, int argument, const char *name);
const char *mseqi_option_required(lua_State *L, int argument, const char *name);
bool mseqi_option_boolean(lua_State *L, int argument, const char *name, bool otherwise);
lua_Integer mseqi_option_integer(lua_State *L, int argument, const char *name,
                                 lua_Integer otherwise);
/* Converts an option into *slot, which a scratch owns; leaves it alone when absent. */
void mseqi_option_value(lua_State *L, int argument, const char *name, mseq_value **slot);

/* ---- convert_in.c, convert_out.c, ordered.c: documents
 * ------------------------------------------- */

/* A new value from what stands at `index`. A refusal is NULL and *err, whose message begins with
 * the path from `name`. May raise only before anything is acquired.   [-0, +0, m] */
mseq_value *mseqi_to_value(lua_State *L, int index, const char *name, mseq_error *err);
/* The same into a slot of a scratch, raising.   [-0, +0, v] */
void mseqi_check_value(lua_State *L, int index, const char *name, mseq_value **slot);
/* Pushes a value as a Lua document. The value must be anchored.   [-0, +1, m] */
void mseqi_push_value(lua_State *L, const mseq_value *value);
/* The same for a cell of a row.   [-0, +1, m] */
void mseqi_push_cell(lua_State *L, const mseq_cell *cell);
/* Pushes an array of strings.   [-0, +1, m] */
void mseqi_push_strings(lua_State *L, const mseq_strings *strings);

/* Gives the table on top of the stack the metatable of arrays.   [-0, +0, m] */
void mseqi_set_array(lua_State *L);
/* Pops an array of keys and pushes a metatable for objects with these keys.   [-1, +1, m] */
void mseqi_new_shape(lua_State *L);
/* Pushes the keys of the object at `index` in its order; the list may be shared, don't change it.
 * [-0, +1, v] */
void mseqi_push_keys(lua_State *L, int index);
void mseqi_ordered_register(lua_State *L);
extern const luaL_Reg mseqi_ordered_functions[];

/* ---- classes of userdata
 * ----------------------------------------------------------------------------- */

/* Makes the metatable of a class once per state; `methods` become its __index.   [-0, +0, m] */
void mseqi_class_register(lua_State *L, const char *name, const luaL_Reg *metamethods,
                          const luaL_Reg *methods);
void mseqi_connections_register(lua_State *L);
void mseqi_clients_register(lua_State *L);
void mseqi_servers_register(lua_State *L);
void mseqi_streams_register(lua_State *L);
/* The client at the first argument; a closed one raises.   [-0, +0, v] */
mseq_client *mseqi_check_client(lua_State *L);
int mseqi_client_stream_operation(lua_State *L); /* stream.c: a method of clients */

/* ---- tables.c: frozen tables
 * ------------------------------------------------------------------------- */

/* The table at an argument, borrowed from its userdata.   [-0, +0, v] */
const mseq_table *mseqi_check_table(lua_State *L, int argument);
/* Pushes a userdata with a reference of its own.   [-0, +1, m] */
void mseqi_push_table(lua_State *L, const mseq_table *table);
/* Pushes an array of the tables of a collection.   [-0, +1, m] */
void mseqi_push_tables(lua_State *L, const mseq_metadata *metadata);
/* A collection from an array of tables, into a slot of a scratch.   [-0, +0, v] */
void mseqi_check_metadata(lua_State *L, int argument, mseq_metadata **slot);
void mseqi_tables_register(lua_State *L);
/* Methods of tables that make documents (contracts.c). */
extern const luaL_Reg mseqi_table_document_methods[];

#define MSEQI_KEYS "__mseq_keys"

/* ---- one list of functions a theme
 * --------------------------------------------------------------- */

extern const luaL_Reg mseqi_json_functions[];
extern const luaL_Reg mseqi_system_functions[];
extern const luaL_Reg mseqi_naming_functions[];
extern const luaL_Reg mseqi_table_functions[];
extern const luaL_Reg mseqi_contract_functions[];
extern const luaL_Reg mseqi_ddl_functions[];
extern const luaL_Reg mseqi_connection_functions[];
extern const luaL_Reg mseqi_migration_functions[];
extern const luaL_Reg mseqi_client_functions[];
extern const luaL_Reg mseqi_terminal_functions[];
extern const luaL_Reg mseqi_manager_functions[];
extern const luaL_Reg mseqi_server_functions[];

#endif
