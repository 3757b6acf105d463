/* SPDX-License-Identifier: MIT
 *
 * Connections to databases. The environment's failures are nil, err. A connection belongs to its
 * Lua state; closing it rolls back what is open.
 */
#include "binding.h"

/* Both NULL when closed. */
typedef struct connection_box {
    mseq_database *database;
    mseq_connection *connection;
} connection_box;

static mseq_connection *check_connection(lua_State *L) {
    connection_box *box = luaL_checkudata(L, 1, MSEQI_CONNECTION);
    if (box->connection == NULL) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_error_set(&err, MSEQ_E_ARGUMENT, "attempt to use a closed connection");
        mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
    }
    return box->connection;
}

/* connection:close(); also __close and __gc. A second time does nothing.    [-0, +0, v] */
static int connection_close(lua_State *L) {
    connection_box *box = luaL_checkudata(L, 1, MSEQI_CONNECTION);
    if (box->connection != NULL) {
        mseq_connection_release(box->connection);
        box->connection = NULL;
    }
    if (box->database != NULL) {
        mseq_database_close(box->database);
        box->database = NULL;
    }
    return 0;
}

/* tostring(connection): says whether it is open, never where to (a URI may hold a password).
 * [-0, +1, m] */
static int connection_tostring(lua_State *L) {
    connection_box *box = luaL_checkudata(L, 1, MSEQI_CONNECTION);
    lua_pushfstring(L, "%s (%s)", MSEQI_CONNECTION,
                    box->connection != NULL
                        ? mseq_dialect_name(mseq_connection_dialect(box->connection))
                        : "closed");
    return 1;
}

/* core.connect(uri, options?) -> connection | nil, err    [-0, +1|2, v] */
static int connect_database(lua_State *L) {
    static const char *const names[] = {"read_only", "must_exist", "busy_timeout_ms", NULL};
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = mseqi_check_text(L, 1);
    mseqi_check_options(L, 2, names);
    options.read_only = mseqi_option_boolean(L, 2, "read_only", false);
    options.must_exist = mseqi_option_boolean(L, 2, "must_exist", false);
    options.busy_timeout_ms = mseqi_option_integer(L, 2, "busy_timeout_ms", 0);
    connection_box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    *box = (connection_box){NULL, NULL};
    luaL_setmetatable(L, MSEQI_CONNECTION);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_database_open(&options, &box->database, &err);
    if (status == MSEQ_OK) {
        status = mseq_database_connect(box->database, &box->connection, &err);
    }
    return status == MSEQ_OK ? 1 : mseqi_fail(L, status, &err);
}

/* connection:dialect() -> "sqlite" | "postgresql"    [-0, +1, v] */
static int connection_dialect(lua_State *L) {
    lua_pushstring(L, mseq_dialect_name(mseq_connection_dialect(check_connection(L))));
    return 1;
}

/* Whether the table at an argument holds parameters by name. */
static bool has_names(lua_State *L, int argument) {
    lua_pushnil(L);
    if (lua_next(L, argument) == 0) {
        return false;
    }
    bool named = lua_type(L, -2) == LUA_TSTRING;
    lua_pop(L, 2);
    return named;
}

/* %(name)s text and parameters by name → the driver's text and list, both kept by the scratch. */
static mseq_status bind_names(const char *sql, size_t length, mseq_dialect dialect,
                              mseqi_scratch *scratch, mseq_error *err) {
    mseq_sql_text text;
    mseq_status status = mseq_sql_from_pyformat(sql, length, dialect, &text, err);
    if (status != MSEQ_OK) {
        return status;
    }
    scratch->texts[0] = text.text;
    scratch->strings[0] = text.names;
    return mseq_sql_bind(&text, scratch->values[1], &scratch->values[0], err);
}

/* connection:execute(sql, parameters?) -> { rows, affected } | nil, err    [-0, +1|2, v] */
static int connection_execute(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    luaL_checktype(L, 2, LUA_TSTRING);
    size_t length;
    const char *sql = lua_tolstring(L, 2, &length);
    mseqi_check_text(L, 2);
    bool given = !lua_isnoneornil(L, 3);
    if (given) {
        luaL_checktype(L, 3, LUA_TTABLE);
    }
    bool named = given && has_names(L, 3);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = MSEQ_OK;
    if (named) {
        mseqi_check_value(L, 3, "parameters", &scratch->values[1]);
        status = bind_names(sql, length, mseq_connection_dialect(connection), scratch, &err);
        sql = scratch->texts[0];
    } else if (given && lua_rawlen(L, 3) > 0) {
        mseqi_check_value(L, 3, "parameters", &scratch->values[0]);
    }
    int64_t affected = 0;
    if (status == MSEQ_OK) {
        status = mseq_connection_execute(connection, sql, scratch->values[0], &scratch->values[2],
                                         &affected, &err);
    }
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_createtable(L, 0, 2);
    mseqi_push_value(L, scratch->values[2]);
    lua_setfield(L, -2, "rows");
    lua_pushinteger(L, affected);
    lua_setfield(L, -2, "affected");
    return 1;
}

/* true, or nil, err    [-0, +1|2, v] */
static int done(lua_State *L, mseq_status status, const mseq_error *err) {
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, err);
    }
    lua_pushboolean(L, true);
    return 1;
}

/* connection:script(sql) -> true | nil, err    [-0, +1|2, v] */
static int connection_script(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    const char *sql = mseqi_check_text(L, 2);
    mseq_error err = MSEQ_ERROR_INIT;
    return done(L, mseq_connection_script(connection, sql, &err), &err);
}

/* connection:begin(write?) -> true | nil, err    [-0, +1|2, v] */
static int connection_begin(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return done(L, mseq_connection_begin(connection, lua_toboolean(L, 2), &err), &err);
}

/* connection:commit() -> true | nil, err    [-0, +1|2, v] */
static int connection_commit(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    mseq_error err = MSEQ_ERROR_INIT;
    return done(L, mseq_connection_commit(connection, &err), &err);
}

/* connection:rollback() -> true    [-0, +1, v] */
static int connection_rollback(lua_State *L) {
    mseq_connection_rollback(check_connection(L));
    lua_pushboolean(L, true);
    return 1;
}

/* connection:in_transaction() -> boolean    [-0, +1, v] */
static int connection_in_transaction(lua_State *L) {
    lua_pushboolean(L, mseq_connection_in_transaction(check_connection(L)));
    return 1;
}

/* connection:table_names(schema?) -> names | nil, err    [-0, +1|2, v] */
static int connection_table_names(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    const char *schema = mseqi_optional_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_connection_table_names(connection, schema, &scratch->strings[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_strings(L, &scratch->strings[0]);
    return 1;
}

/* connection:reflect_table(name, schema?) -> table | nil, err    [-0, +1|2, v] */
static int connection_reflect_table(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    const char *name = mseqi_check_text(L, 2);
    const char *schema = mseqi_optional_text(L, 3);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status =
        mseq_connection_reflect_table(connection, schema, name, &scratch->table, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_table(L, scratch->table);
    return 1;
}

/* connection:reflect(schema?) -> tables | nil, err    [-0, +1|2, v] */
static int connection_reflect(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    const char *schema = mseqi_optional_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_reflect(connection, schema, &scratch->metadata[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_tables(L, scratch->metadata[0]);
    return 1;
}

/* connection:dependents(name) -> [{ type, name, sql }] | nil, err    [-0, +1|2, v] */
static int connection_dependents(lua_State *L) {
    mseq_connection *connection = check_connection(L);
    const char *name = mseqi_check_text(L, 2);
    mseqi_scratch *scratch = mseqi_scratch_new(L);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_connection_dependents(connection, name, &scratch->values[0], &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    mseqi_push_value(L, scratch->values[0]);
    return 1;
}

void mseqi_connections_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"dialect", connection_dialect},
        {"execute", connection_execute},
        {"script", connection_script},
        {"begin", connection_begin},
        {"commit", connection_commit},
        {"rollback", connection_rollback},
        {"in_transaction", connection_in_transaction},
        {"table_names", connection_table_names},
        {"reflect_table", connection_reflect_table},
        {"reflect", connection_reflect},
        {"dependents", connection_dependents},
        {"close", connection_close},
        {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__close", connection_close},
        {"__gc", connection_close},
        {"__tostring", connection_tostring},
        {NULL, NULL},
    };
    mseqi_class_register(L, MSEQI_CONNECTION, metamethods, methods);
}

const luaL_Reg mseqi_connection_functions[] = {
    {"connect", connect_database},
    {NULL, NULL},
};
