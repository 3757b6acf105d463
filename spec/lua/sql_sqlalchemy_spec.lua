-- Statements beside those of cases.json, with the text that SQLAlchemy 2.0 makes of them: variations.json holds each
-- in Python and in Lua. They came from varying every group until nothing differed any more.

package.path = "spec/golden/?.lua;" .. package.path

local core = require("mainsequence.core")
local schema = require("mainsequence.schema")
local sql = require("mainsequence.sql")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local constants = require("compiled_sql_cases.constants")
local suite = require("suite_compiled_sql")

local FOLDER = "spec/golden/compiled_sql/"
local SCOPE = { { meta_table_uid = "22222222-2222-4222-8222-222222222222" } }

local function read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("a")
  file:close()
  return assert(core.json_decode(text))
end

describe("SQLAlchemy's text", function()
  local tables = suite.tables(FOLDER .. "tables.json")
  setup(function() sql.on_warning(false) end)
  teardown(function() sql.on_warning(nil) end)

  for _, case in ipairs(read(FOLDER .. "variations.json")) do
    it(case.id .. ": " .. case.sqlalchemy:gsub("%s+", " "), function()
      local build = assert(load("local t, sql, types, k = ...\n" .. case.lua, "=" .. case.id))
      local operation = compiled_sql.compile_statement(build(tables, sql, schema.types, constants), {
        operation = "select", scope_tables = SCOPE, data_source_uid = SCOPE[1].meta_table_uid, dialect = "postgresql",
      })
      local statement = operation.statement
      assert.are.equal(case.sql, statement.sql)
      assert.are.equal(core.json_encode(case.parameters), core.json_encode(statement.parameters))
      assert.are.equal(core.json_encode(case.parameter_types), core.json_encode(statement.parameter_types))
    end)
  end
end)
