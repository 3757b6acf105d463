-- Suite `ops`: {id, group, op, args, setup, postgresql{direct…}, sqlite{direct, batch_reflected…}}. On
-- PostgreSQL the statements must be the reference's. On SQLite, where our operations rebuild by themselves
-- what ALTER cannot do, they run on a real database: its tables must afterwards be what the reference's
-- rebuild makes of them (or its direct statements, where it has no rebuild), and every row is still there.

local core = require("mainsequence.core")
local sqlite = require("sqlite_database")
local tables = require("neutral_tables")

local M = {}

---The operation of a case: its arguments, flat.
local function operation_of(case)
  local operation = { op = case.op }
  for key, value in pairs(case.args) do operation[key] = value end
  if case.op == "create_table" then operation.table = tables.description(operation.table) end
  return operation
end

---As Alembic prints: tabs as four spaces, no white space around.
local function printed(statements)
  local list = core.array({})
  for position, text in ipairs(statements) do
    list[position] = (text:gsub("\t", "    "):gsub("^%s+", ""):gsub("%s+$", ""))
  end
  return list
end

---Statements, or the word "error" where one is right.
local function outcome(make)
  local ok, result = pcall(make)
  if ok then return printed(result) end
  if not core.is_error(result) then error(result, 0) end
  return "error", result
end

local function run_postgresql(case, expect)
  local golden = case.postgresql.direct
  local result, err = outcome(function() return core.render_operation(operation_of(case), "postgresql") end)
  if err and not golden.error then error("postgresql direct: " .. tostring(err), 0) end
  expect(golden.error and "error" or golden.sql, result, "postgresql direct")
end

---The reference's statements whose result has to hold on SQLite: what SQLite does by itself, else a
---rebuild; nil when none of them works.
local function golden_statements(case)
  local positioned = case.args.insert_before or case.args.insert_after
  for _, name in ipairs({ "direct", "batch_always", "batch_reflected" }) do
    local side = case.sqlite[name]
    while side and side.same_as do side = case.sqlite[side.same_as] end
    if side and side.sql and side.executes == "ok" and not (positioned and name == "direct") then return side.sql end
  end
end

---What a database holds whose tables are these, each with its row.
---@param setup table[] neutral tables
---@param seeded boolean
function M.state_of(setup, seeded)
  local connection <close> = sqlite.open(setup, seeded)
  return sqlite.state(connection)
end

---What a database with the tables of a case holds after some statements; nil when one of them fails.
function M.state_after(setup, seeded, statements)
  local connection <close> = sqlite.open(setup, seeded)
  return sqlite.script(connection, statements) and sqlite.state(connection)
end

---Whether the tables of a case can hold a row each, before and after.
function M.seeds(case)
  local golden = golden_statements(case)
  return case.op ~= "bulk_insert" and (not golden or M.state_after(case.setup, true, golden) ~= nil)
end

---The clock's time in a row of a bulk_insert of now() → "now", if it has the form of an instant.
local function without_clock(case, rows)
  for position, row in ipairs(case.args.rows or {}) do
    for column, value in pairs(row) do
      local actual = rows[position] and rows[position][column]
      if type(value) == "table" and value["$type"] == "now" and type(actual) == "string" and
        actual:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$") then
        rows[position][column] = "now"
      end
    end
  end
end

local function run_sqlite(case, expect)
  local made, connection = pcall(sqlite.open, case.setup, false)
  if not made then
    if not core.is_error(connection) then error(connection, 0) end
    return -- the tables themselves cannot be on SQLite
  end
  connection:close()
  local golden, seeded = golden_statements(case), M.seeds(case)
  local expected = golden and M.state_after(case.setup, seeded, golden) or "error"
  connection = sqlite.open(case.setup, seeded)
  local ok, done, problem = pcall(sqlite.run, connection, operation_of(case))
  if not ok and not core.is_error(done) then error(done, 0) end
  local actual, reason = "error", ok and problem or done
  if ok and done then
    local violations = assert(connection:execute("PRAGMA foreign_key_check")).rows
    if #violations > 0 then error("sqlite: foreign keys are violated: " .. core.json_encode(violations), 0) end
    actual = sqlite.state(connection)
  end
  connection:close()
  if actual ~= "error" and actual[1] then without_clock(case, actual[1].rows) end
  if actual == "error" and expected ~= "error" then error("sqlite: " .. tostring(reason), 0) end
  expect(expected, actual, "sqlite")
end

function M.run(case, expect)
  run_postgresql(case, expect)
  run_sqlite(case, expect)
end

return M
