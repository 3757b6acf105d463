-- governance.json: {setting, cases: {id, sql, postgresql: {kind → allow | deny}, sqlite_authorizer, why}}: each text is
-- sent as each kind of operation through a TS Manager, to a data source with the tables of the setting.
-- `--dialect postgresql` (the default) on a private server, `--dialect sqlite` on a file. Work without bounds is allowed
-- and ended by its time limit; what fails for its values was allowed too. SQLite's verdict is PostgreSQL's, but text
-- that SQLite cannot read, REPLACE, and text that starts empty are denied.

package.path = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/../?.lua;" .. package.path

local core = require("mainsequence.core")
local temporary = require("support.temporary")

local M = {}

local OPERATIONS = { "select", "insert", "update", "delete", "upsert" }
local TIMEOUT_MS = 500

local SCHEMA = [[
  CREATE TABLE asset (uid INTEGER PRIMARY KEY, symbol VARCHAR(64), name VARCHAR(64), price NUMERIC, q INTEGER);
  CREATE TABLE account (uid INTEGER PRIMARY KEY, s VARCHAR(64), name VARCHAR(64), asset_uid INTEGER, q INTEGER);
  CREATE TABLE holding_set (uid INTEGER PRIMARY KEY, s VARCHAR(64));
  CREATE TABLE holding (set_uid INTEGER, q INTEGER, uid INTEGER, account_uid INTEGER);
  CREATE TABLE hidden (id INTEGER PRIMARY KEY, v VARCHAR(64));
  CREATE VIEW v_hidden AS SELECT v FROM hidden;
  INSERT INTO asset (uid, symbol) VALUES (1, 'a'), (2, 'b');
  INSERT INTO account (uid, s, asset_uid) VALUES (1, 'x', 1);
  INSERT INTO hidden VALUES (1, 'secret');
]]

local ON_POSTGRESQL = [[
  CREATE SCHEMA other_schema;
  CREATE TABLE other_schema.asset (uid INTEGER);
  CREATE SCHEMA evil;
  CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS 'SELECT v FROM public.hidden';
  CREATE FUNCTION evil.plus(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
  CREATE OPERATOR evil.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.plus);
  CREATE PROCEDURE p() LANGUAGE sql AS 'DELETE FROM public.hidden';
  CREATE MATERIALIZED VIEW m AS SELECT v FROM hidden;
]]

-- How a statement ends that its judges let through: by a limit, or by what is in its values and tables.
local ENDED = { timeout = true, limit = true, response_too_large = true, row_limit = true, unique_violation = true,
  foreign_key_violation = true, database_constraint = true, invalid_value = true }

local session, source_uid, scope, dialect

local function call(method, path, body)
  local reply, err = session:call(method, path, { body = body })
  return reply, err
end

local function add_source()
  if dialect == "sqlite" then
    local folder = temporary.folder()
    local path = folder .. "/governed.sqlite"
    local connection = assert(core.connect("sqlite:///" .. path))
    assert(connection:script(SCHEMA))
    connection:close()
    return assert(call("POST", "/orm/api/ts_manager/data_sources/", core.object("class_type", "sqlite", "path", path)))
  end
  local uri = require("support.postgresql").database()
  local connection = assert(core.connect(uri))
  assert(connection:script(SCHEMA))
  assert(connection:script(ON_POSTGRESQL))
  connection:close()
  return assert(call("POST", "/orm/api/ts_manager/data_sources/", core.object("class_type", "postgresql", "uri", uri)))
end

local function register(name)
  return assert(call("POST", "/orm/api/ts_manager/meta_table/register/", core.object(
    "data_source_uid", source_uid,
    "table_contract", core.object("version", "relational-table.v1", "physical", core.object("table_name", name),
      "columns", core.array({ core.object("name", "uid", "data_type", "int32", "backend_type", "INTEGER") }),
      "constraints", core.array({})),
    "identifier", "app." .. name, "namespace", "app", "labels", core.array({}),
    "management_mode", "external_registered", "introspect", true)))
end

function M.cases(document)
  M.setting = document.setting
  return document.cases
end

function M.prepare(options)
  dialect = options.dialect or "postgresql"
  local folder = temporary.folder()
  local client = require("mainsequence.client")
  client.configure { endpoint = "local:" .. folder }
  session = client.session()
  source_uid = add_source().uid
  local tables = {}
  for _, name in ipairs(core.keys(M.setting.scope)) do
    tables[#tables + 1] = core.object("meta_table_uid", register(name).uid, "access", M.setting.scope[name])
  end
  register("hidden")
  scope = core.object("data_source_uid", source_uid, "tables", core.array(tables))
end

local function parameters_of(text)
  local parameters = core.object()
  for name in text:gmatch("%%%(([^)]*)%)s") do parameters[name] = 1 end
  return parameters
end

---@return string verdict, any? err
local function verdict_of(operation, text)
  local reply, err = call("POST", "/orm/api/ts_manager/meta_table/execute-operation/", core.object(
    "operation", operation, "version", "compiled-sql.v1", "dialect", dialect,
    "statement", core.object("sql", text, "parameters", parameters_of(text), "paramstyle", "pyformat"),
    "scope", scope, "limits", core.object("max_rows", 100, "statement_timeout_ms", TIMEOUT_MS)))
  if reply then return "allow" end
  return ENDED[err.code] and "allow" or "deny", err
end

local function unread_by_sqlite(case, text)
  return case.sqlite_authorizer:find("^D parse") or case.sqlite_authorizer:find("^D tail") and not text:find("^[^;]*;[%s;]*$")
    or text:upper():find("^%s*REPLACE") or text:find("^%s*;") or not text:find("%S")
end

function M.run(case, expect)
  local text = case.sql == "(empty)" and "" or case.sql
  for _, operation in ipairs(OPERATIONS) do
    local expected = case.postgresql[operation]
    if dialect == "sqlite" and unread_by_sqlite(case, text) then expected = "deny" end
    local verdict, err = verdict_of(operation, text)
    expect(expected, verdict, operation .. (err and (" (%s: %s)"):format(err.code, err.message) or ""))
  end
end

return M
