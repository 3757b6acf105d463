/* SPDX-License-Identifier: MIT
 *
 * The embedded TS Manager on HTTP. A build without libmicrohttpd says so.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "binding.h"

#ifdef MSEQ_WITH_SERVER

/* NULL when closed. */
typedef struct server_box {
    mseq_manager *manager;
    mseq_server *server;
} server_box;

static server_box *check_server(lua_State *L) {
    server_box *box = luaL_checkudata(L, 1, MSEQI_SERVER);
    if (box->server == NULL) {
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_error_set(&err, MSEQ_E_ARGUMENT, "attempt to use a closed server");
        mseqi_raise(L, MSEQ_E_ARGUMENT, &err);
    }
    return box;
}

/* server:close(); also __close and __gc. Lets what runs finish. A second time does nothing.
 * [-0, +0, v] */
static int server_close(lua_State *L) {
    server_box *box = luaL_checkudata(L, 1, MSEQI_SERVER);
    mseq_server_stop(box->server);
    box->server = NULL;
    mseq_manager_close(box->manager);
    box->manager = NULL;
    return 0;
}

/* tostring(server)    [-0, +1, m] */
static int server_tostring(lua_State *L) {
    server_box *box = luaL_checkudata(L, 1, MSEQI_SERVER);
    lua_pushfstring(L, "%s (%s)", MSEQI_SERVER,
                    box->server != NULL ? mseq_server_address(box->server) : "closed");
    return 1;
}

/* Log lines go to standard error, each with one call, so that lines of several processes do not
 * mix. What cannot be written is lost: a request does not fail for its log. */
static void write_line(void *data, const char *line) {
    (void)data;
    char text[1024];
    int length = snprintf(text, sizeof(text), "%s\n", line);
    if (length > 0 && (size_t)length < sizeof(text)) {
        ssize_t written = write(STDERR_FILENO, text, (size_t)length);
        (void)written;
    }
}

/* A number of the options; 0 stands for the default. */
static int option_int(lua_State *L, const char *name) {
    lua_Integer number = mseqi_option_integer(L, 1, name, 0);
    if (number < 0 || number > INT_MAX) {
        luaL_error(L, "bad option '%s': a number from 0 to %d expected", name, INT_MAX);
    }
    return (int)number;
}

/* core.server(options) -> server | nil, err    [-0, +1|2, v] */
static int server_new(lua_State *L) {
    static const char *const names[] = {"home",
                                        "catalog",
                                        "listen",
                                        "tls_certificate",
                                        "tls_key",
                                        "workers",
                                        "max_body",
                                        "max_connections",
                                        "max_connections_per_address",
                                        "max_waiting",
                                        "header_ms",
                                        "body_ms",
                                        "write_ms",
                                        "idle_ms",
                                        "drain_ms",
                                        NULL};
    mseqi_check_options(L, 1, names);
    const char *home = mseqi_option_text(L, 1, "home");
    const char *catalog = mseqi_option_text(L, 1, "catalog");
    mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
    options.listen = mseqi_option_text(L, 1, "listen");
    options.certificate = mseqi_option_text(L, 1, "tls_certificate");
    options.key = mseqi_option_text(L, 1, "tls_key");
    options.workers = option_int(L, "workers");
    options.maximum_body = (size_t)option_int(L, "max_body");
    options.maximum_connections = option_int(L, "max_connections");
    options.maximum_connections_per_address = option_int(L, "max_connections_per_address");
    options.maximum_waiting = option_int(L, "max_waiting");
    options.header_ms = option_int(L, "header_ms");
    options.body_ms = option_int(L, "body_ms");
    options.write_ms = option_int(L, "write_ms");
    options.idle_ms = option_int(L, "idle_ms");
    options.drain_ms = option_int(L, "drain_ms");
    options.log = write_line;
    server_box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    *box = (server_box){NULL, NULL};
    luaL_setmetatable(L, MSEQI_SERVER);
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_endpoint_manager(home, catalog, &box->manager, &err);
    options.manager = box->manager;
    if (status == MSEQ_OK) {
        status = mseq_server_signals_hold(&err);
    }
    if (status == MSEQ_OK) {
        status = mseq_server_start(&options, &box->server, &err);
    }
    return status == MSEQ_OK ? 1 : mseqi_fail(L, status, &err);
}

/* server:address() -> "http://127.0.0.1:8765"    [-0, +1, v] */
static int server_address(lua_State *L) {
    lua_pushstring(L, mseq_server_address(check_server(L)->server));
    return 1;
}

/* server:wait() -> the name of the signal that came | nil, err    [-0, +1|2, v] */
static int server_wait(lua_State *L) {
    (void)check_server(L);
    int signal_number = 0;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = mseq_server_signals_wait(&signal_number, &err);
    if (status != MSEQ_OK) {
        return mseqi_fail(L, status, &err);
    }
    lua_pushfstring(L, "SIG%s", sigabbrev_np(signal_number));
    return 1;
}

void mseqi_servers_register(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"address", server_address},
        {"wait", server_wait},
        {"close", server_close},
        {NULL, NULL},
    };
    static const luaL_Reg metamethods[] = {
        {"__close", server_close},
        {"__gc", server_close},
        {"__tostring", server_tostring},
        {NULL, NULL},
    };
    mseqi_class_register(L, MSEQI_SERVER, metamethods, methods);
}

#else

static int server_new(lua_State *L) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_error_set(&err, MSEQ_E_IO, "this build has no HTTP server");
    mseq_error_code(&err, "not_built");
    mseq_error_hint(&err, "build it with libmicrohttpd and -DMSEQ_WITH_SERVER=ON");
    return mseqi_fail(L, MSEQ_E_IO, &err);
}

void mseqi_servers_register(lua_State *L) {
    (void)L;
}

#endif

const luaL_Reg mseqi_server_functions[] = {
    {"server", server_new},
    {NULL, NULL},
};
