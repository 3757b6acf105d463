-- One statement, two databases: the golden cases that SQLite can express give the same rows there as on PostgreSQL,
-- and so do random statements; the rest is refused by the construct's name.

package.path = "spec/golden/?.lua;spec/?.lua;" .. package.path

local core = require("mainsequence.core")
local sql = require("mainsequence.sql")
local both = require("support.both_databases")
local postgresql = require("support.postgresql")
local random_statements = require("support.random_statements")
local suite = require("suite_compiled_sql")

local FOLDER = "spec/golden/compiled_sql/"
-- At least so many of the cases run on both.
local SAMPLE = 450
local RANDOM_STATEMENTS, SEED = 300, 20260528

-- Cases whose results differ by their nature.
local UNEQUAL = {
  ["functions-006"] = "now()", ["upsert-026"] = "now()", ["functions-015"] = "random()", ["functions-027"] = "gen_random_uuid()",
  ["insert-016"] = "gen_random_uuid()", ["insert-021"] = "a default that only PostgreSQL's table has",
  ["params-057"] = "SQLite has no negative zero", ["errors-003"] = "a text beside timestamps is compared as a text",
  ["literals-017"] = "ORDER BY in SQL text puts NULLs elsewhere", ["percent-007"] = "ORDER BY in SQL text puts NULLs elsewhere",
  ["set_ops-008"] = "equal rows in any order",
}
-- Cases with SQL text of the user's own that is PostgreSQL's.
local OWN_TEXT = { ["literals-009"] = true, ["literals-010"] = true, ["literals-020"] = true, ["upsert-021"] = true }

local function cases()
  local file = assert(io.open(FOLDER .. "cases.json", "r"))
  local list = assert(core.json_decode(file:read("a")))
  file:close()
  return list
end

describe("one statement on two databases", function()
  local tables = suite.tables(FOLDER .. "tables.json")
  local builders = require("compiled_sql_cases")
  local databases

  setup(function()
    sql.on_warning(false)
    databases = both.open(tables, postgresql.database())
  end)
  teardown(function()
    sql.on_warning(nil)
    databases:close()
  end)

  ---What a statement gives on a database: its rows, how many it changed, and the table that it changed.
  local function outcome(operation, statement)
    local target = rawget(statement, "target")
    local name = target and target.kind == "table" and core.quote(operation.dialect, target.name)
    if name and target.schema then name = core.quote(operation.dialect, target.schema) .. "." .. name end
    local result, after = databases:try(operation, name and "SELECT * FROM " .. name)
    if not result then return nil, after end
    return {
      rows = both.canonical_rows(result.rows, rawget(statement, "ordering") and true), affected = result.affected,
      after = after and both.canonical_rows(after) or nil,
    }
  end

  local executed = 0
  for _, case in ipairs(cases()) do
    if not case.error_type and not UNEQUAL[case.id] and not OWN_TEXT[case.id] then
      it(case.id .. ": " .. case.title, function()
        local statement = builders[case.id](tables, sql)
        local ok, on_sqlite = pcall(both.compile, statement, "sqlite")
        if not ok then
          assert.is_true(core.is_error(on_sqlite), tostring(on_sqlite))
          assert.is_truthy(on_sqlite.message:find("^SQLite ") or on_sqlite.message:find("sqlite has no type", 1, true),
            on_sqlite.message)
          return
        end
        local expected = outcome(both.compile(statement, "postgresql"), statement)
        -- functions and tables that aren't there, rows that are there already, casts of texts that are no numbers
        if not expected then return end
        local actual, err = outcome(on_sqlite, statement)
        assert(actual, ("%s\n%s"):format(tostring(err), on_sqlite.statement.sql))
        assert.are.same(expected, actual)
        executed = executed + 1
      end)
    end
  end

  it(("runs at least %d of the cases on both"):format(SAMPLE), function()
    assert.is_true(executed >= SAMPLE, ("only %d ran on both"):format(executed))
  end)

  it(("%d random statements are sound on PostgreSQL and agree on both"):format(RANDOM_STATEMENTS), function()
    local next_statement = random_statements.generator(tables, random_statements.random(SEED))
    for position = 1, RANDOM_STATEMENTS do
      local statement = next_statement()
      local operation = both.compile(statement, "postgresql")
      local place = ("statement %d: %s\n%s"):format(position, operation.statement.sql,
        core.json_encode(operation.statement.parameters))
      local expected, refusal = outcome(operation, statement)
      assert(expected, ("%s\n%s"):format(place, tostring(refusal)))
      local actual, err = outcome(both.compile(statement, "sqlite"), statement)
      assert(actual, ("%s\n%s"):format(place, tostring(err)))
      assert.are.same(expected, actual, place)
    end
  end)
end)
