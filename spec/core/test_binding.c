/* SPDX-License-Identifier: MIT
 * Room `lua`: a host program's view, and memory that runs out. Each script is run under an
 * allocator that refuses the n-th request, for n = 1, 2, 3 … until the script comes through:
 * whatever fails, Lua says "not enough memory" and nothing of C's is lost (the sanitizers and
 * valgrind watch that). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "mainsequence/lua.h"

typedef struct budget {
    long left; /* allocations until one is refused; negative: never */
} budget;

static void *allocate(void *data, void *pointer, size_t old_size, size_t new_size) {
    budget *b = data;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    bool grows = pointer == NULL || new_size > old_size;
    if (grows && b->left == 0)
        return NULL;
    if (grows && b->left > 0)
        b->left--;
    return realloc(pointer, new_size);
}

static lua_State *new_state(budget *b) {
    lua_State *L = lua_newstate(allocate, b);
    assert_non_null(L);
    luaL_openlibs(L);
    mseq_lua_preload(L);
    return L;
}

/* Runs a script with the n-th allocation from here on refused; true when it came through. */
static bool survives(const char *script, long n) {
    budget b = {-1};
    lua_State *L = new_state(&b);
    assert_int_equal(luaL_dostring(L, "core = require('mainsequence.core')"), LUA_OK);
    assert_int_equal(luaL_loadstring(L, script), LUA_OK);
    b.left = n;
    int status = lua_pcall(L, 0, 0, 0);
    b.left = -1;
    if (status != LUA_OK) {
        const char *message = luaL_tolstring(L, -1, NULL);
        if (!strstr(message, "memory"))
            fail_msg("allocation %ld: %s", n, message);
    }
    lua_close(L);
    return status == LUA_OK;
}

static void sweep(const char *script) {
    long n = 0;
    while (!survives(script, n)) {
        n++;
        assert_true(n < 20000);
    }
    assert_true(n > 0); /* the script does allocate */
}

static void test_documents(void **state) {
    (void)state;
    sweep("local v = assert(core.json_decode('{\"a\": [1, 2.5, null, \"x\", {\"b\": []}], \"c\": "
          "{}}'))\n"
          "v.d = core.object('k', 1, 'l', {1, 2})\n"
          "assert(#core.json_encode(v) > 20) assert(#core.keys(v) == 3)");
}

static const char account[] =
    "local t = core.table { name = 'app__account', kind = 'platform_managed', meta = { namespace = "
    "'app' },"
    " columns = { { name = 'uid', type = { name = 'Uuid' }, primary_key = true },"
    " { name = 'name', type = { name = 'String', args = { length = 9 } }, index = true } } }\n"
    "t:describe() t:contract() t:fingerprint() t:registration_request { data_source_uid = 'd' }\n"
    "t:index_names() core.create_all('postgresql', { t }) core.sort_tables({ t })\n"
    "core.compare_tables(t, t, 'sqlite') core.normalize_contract(t:contract())";

static void test_tables(void **state) {
    (void)state;
    sweep(account);
}

static void test_connections(void **state) {
    (void)state;
    sweep("local c = assert(core.connect('sqlite://'))\n"
          "assert(c:script('create table t (a integer primary key, b text)'))\n"
          "assert(c:execute('insert into t values (%(a)s, %(b)s)', { a = 1, b = 'x' }))\n"
          "assert(c:execute('select * from t where a = ?1', { 1 }).rows[1].b == 'x')\n"
          "assert(c:reflect_table('t'):name() == 't') assert(#c:reflect() == 1)\n"
          "assert(c:execute('select nonsense') == nil) c:close()");
}

static void test_errors(void **state) {
    (void)state;
    sweep("local ok, e = pcall(core.table, { name = 't', colums = {} })\n"
          "if not ok and core.is_error(e) then assert(#tostring(e) > 0) else error(e, 0) end\n"
          "core.validate_operation_data { op = 'drop_table', name = 't' }\n"
          "core.render_operation({ op = 'drop_table', name = 't' }, 'sqlite')");
}

/* The host's own copy of the binding is found, may be opened twice, and its metatables stay. */
static void test_a_host(void **state) {
    (void)state;
    budget b = {-1};
    lua_State *L = new_state(&b);
    int failed =
        luaL_dostring(L, "package.path, package.cpath = '', ''\n"
                         "local core = require('mainsequence.core')\n"
                         "local t = core.table { name = 't', columns = { { name = 'a', type = { "
                         "name = 'Integer' } } } }\n"
                         "package.loaded['mainsequence.core'] = nil\n"
                         "local again = require('mainsequence.core')\n"
                         "assert(again ~= core and #again.create_all('sqlite', { t }) == 1)\n"
                         "assert(core.null == again.null and core.array_mt == again.array_mt)");
    if (failed)
        fail_msg("%s", luaL_tolstring(L, -1, NULL));
    lua_close(L);
}

/* Two states share nothing but immutable tables, and those only inside one state. */
static void test_states_are_independent(void **state) {
    (void)state;
    budget a = {-1}, b = {-1};
    lua_State *first = new_state(&a), *second = new_state(&b);
    assert_int_equal(luaL_dostring(first, "core = require('mainsequence.core')"), LUA_OK);
    assert_int_equal(luaL_dostring(second, "core = require('mainsequence.core')"), LUA_OK);
    lua_close(first);
    assert_int_equal(luaL_dostring(second, "assert(core.json_encode({1}) == '[1]')"), LUA_OK);
    lua_close(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),   cmocka_unit_test(test_tables),
        cmocka_unit_test(test_connections), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_a_host),      cmocka_unit_test(test_states_are_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
