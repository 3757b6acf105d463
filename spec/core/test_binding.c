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

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* memory_is_back(): nothing is refused any more */
static int memory_is_back(lua_State *L) {
    budget *b = lua_touserdata(L, lua_upvalueindex(1));
    b->left = -1;
    return 0;
}

/* Runs a script with the n-th allocation from here on refused; true when it came through. */
static bool survives(const char *script, long n) {
    budget b = {-1};
    lua_State *L = new_state(&b);
    assert_int_equal(luaL_dostring(L, "core = require('mainsequence.core')"), LUA_OK);
    lua_pushlightuserdata(L, &b);
    lua_pushcclosure(L, memory_is_back, 1);
    lua_setglobal(L, "memory_is_back");
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

/* A folder for an embedded TS Manager, made for one test. */
static void test_clients(void **state) {
    (void)state;
    char folder[] = "/tmp/mseq-binding-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char script[1024];
    snprintf(script, sizeof script,
             "local c, source = core.client { endpoint = 'local:%s' }\n"
             "assert(c, source) assert(source == 'argument')\n"
             "local r = assert(c:parallel { { path = '/orm/api/ts_manager/meta_table/' },\n"
             "  { path = '/no/', method = 'POST', query = { a = 1 }, body = { 'x' } } })\n"
             "assert(r[1].body.results and r[2].error.status == 404) c:close()\n"
             "assert(core.resolve_endpoint('http://h/') == 'http://h')",
             folder);
    sweep(script);
    snprintf(script, sizeof script, "rm -r '%s'", folder);
    assert_int_equal(system(script), 0); // NOLINT(cert-env33-c): a fixed command in a test
}

/* A row for which Lua has no memory is lost, and no other comes in its place. */
static void test_streams(void **state) {
    (void)state;
    char folder[] = "/tmp/mseq-binding-XXXXXX";
    assert_non_null(mkdtemp(folder));
    budget b = {-1};
    char script[2048];
    snprintf(script, sizeof script,
             "local core = require('mainsequence.core')\n"
             "local c = assert(core.client { endpoint = 'local:%s' })\n"
             "local function ask(path, body)\n"
             "  local r = assert(c:parallel { { method = body and 'POST' or 'GET', body = body,\n"
             "    path = '/orm/api/ts_manager/' .. path } })[1]\n"
             "  return assert(r.body, r.error)\n"
             "end\n"
             "local source = ask('dynamic_table_data_source/').results[1].uid\n"
             "local uid = ask('meta_table/register/', { data_source_uid = source,\n"
             "  management_mode = 'platform_managed', provisioning = { create_table = true },\n"
             "  table_contract = { physical = { table_name = 'item' }, columns = { { name = 'id',\n"
             "  data_type = 'int64', backend_type = 'BIGINT' } } } }).uid\n"
             "return ([[{ operation = 'select', dialect = 'sqlite', statement = { paramstyle =\n"
             "  'pyformat', parameters = {}, sql = \"SELECT 1 AS n, 'a text that is long enough"
             " not to be kept as one' AS t UNION ALL SELECT 2, '[]' UNION ALL SELECT 3, NULL\" },\n"
             "  scope = { data_source_uid = '%%s', tables = { { meta_table_uid = '%%s', access =\n"
             "  'read' } } } }]]):format(source, uid)",
             folder);
    lua_State *L = new_state(&b);
    if (luaL_dostring(L, script) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    snprintf(
        script, sizeof script,
        "local c = assert(core.client { endpoint = 'local:%s' })\n"
        "local s = assert(c:stream_operation(%s))\n"
        "local n, good, row = 0, true\n"
        "while true do\n"
        "  good, row = pcall(s.next, s)\n"
        "  if not good then break end\n"
        "  if row == nil then assert(n == 3) return c:close() end\n"
        "  n = n + 1 assert(row.n == n)\n"
        "end\n"
        "memory_is_back()\n"
        "local again, other = pcall(s.next, s)\n"
        "assert(not again or other == nil and n == 3 or other.n == n + 1, 'a row was skipped')\n"
        "error(row, 0)",
        folder, lua_tostring(L, -1));
    lua_close(L);
    sweep(script);
    snprintf(script, sizeof script, "rm -r '%s'", folder);
    assert_int_equal(system(script), 0); // NOLINT(cert-env33-c): a fixed command in a test
}

/* ---- The terminal
 * ---------------------------------------------------------------------------------------- */

/* Asks for a password on a terminal of its own where `keys` are typed once it asks; gives what the
 * script printed and all that the terminal showed. */
static void ask_password(const char *keys, char shown[4096]) {
    int terminal = -1;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) {
        budget b = {-1};
        lua_State *L = new_state(&b);
        int failed = luaL_dostring(L, "local core = require('mainsequence.core')\n"
                                      "local text, err = core.read_password('Password: ')\n"
                                      "io.stderr:write('<', text and #text or err.code, '>')");
        lua_close(L);
        _exit(failed ? 1 : 0);
    }
    size_t length = 0;
    bool typed = false;
    for (ssize_t got; length < 4095 && (got = read(terminal, shown + length, 4095 - length)) > 0;) {
        length += (size_t)got;
        shown[length] = '\0';
        if (!typed && strstr(shown, "Password: ")) {
            typed = true;
            assert_int_equal(write(terminal, keys, strlen(keys)), strlen(keys));
        }
    }
    shown[length] = '\0';
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(terminal);
}

static void test_password_is_not_shown(void **state) {
    (void)state;
    static const struct {
        const char *keys;
        const char *result;
    } cases[] = {
        {"hunter2\r", "<7>"},
        {"hunt\x7f\x7f"
         "er\n",
         "<4>"},
        {"x\xc3\xa9\x7f\r", "<1>"},
        {"wrong\x15right\r", "<5>"},
        {"hunter2\x03", "<cancelled>"},
        {"hunter2\x04", "<cancelled>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[4096] = "";
        ask_password(cases[i].keys, shown);
        assert_non_null(strstr(shown, cases[i].result));
        assert_null(strstr(shown, "hunt"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_a_host),
        cmocka_unit_test(test_states_are_independent),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_password_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
