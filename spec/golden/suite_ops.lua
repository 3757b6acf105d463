-- Suite `ops`: {id, group, op, args, setup, postgresql{direct…}, sqlite{direct, batch_reflected…}}. On
-- PostgreSQL the statements must be the reference's. On SQLite, where our operations rebuild by themselves
-- what ALTER cannot do, they run on a real database: its tables must afterwards be what the reference's
-- rebuild makes of them (or its direct statements, where it has no rebuild), and every row is still there.

local core = require("mainsequence.core")
local tables = require("neutral_tables")

local M = {}

-- Attached databases: the schemas that the cases use.
local SCHEMAS = { "mkt", "ref", "My Schema" }

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

---A database with the tables, one row in each if asked.
local function database(setup, seeded)
  local connection = assert(core.connect("sqlite://"))
  for _, schema in ipairs(SCHEMAS) do
    assert(connection:script("ATTACH ':memory:' AS " .. core.quote("sqlite", schema)))
  end
  local made = {}
  for position, neutral in ipairs(setup) do made[position] = core.table(tables.description(neutral)) end
  for _, statement in ipairs(core.create_all("sqlite", made)) do assert(connection:script(statement)) end
  for _, one in ipairs(seeded and core.sort_tables(made) or {}) do
    local description, names, marks = one:describe(), {}, {}
    for _, column in ipairs(description.columns) do
      if not column.computed then
        names[#names + 1] = core.quote("sqlite", column.name)
        marks[#marks + 1] = "1"
      end
    end
    local schema = one:schema()
    assert(connection:script(("INSERT INTO %s%s (%s) VALUES (%s)"):format(schema and core.quote("sqlite", schema) .. "." or "",
      core.quote("sqlite", one:name()), table.concat(names, ", "), table.concat(marks, ", "))))
  end
  return connection
end

local function script(connection, statements)
  for _, statement in ipairs(statements) do
    local ok, err = connection:script(statement)
    if not ok then return nil, tostring(err) .. "\n" .. statement end
  end
  return true
end

---What the database holds: every table as reflection sees it, and its rows.
local function state(connection)
  local list = core.array({})
  for _, schema in ipairs({ "main", table.unpack(SCHEMAS) }) do
    for _, name in ipairs(assert(connection:table_names(schema))) do
      local description = assert(connection:reflect_table(name, schema)):describe()
      tables.sort_objects(description)
      local rows = assert(connection:execute(("SELECT * FROM %s.%s ORDER BY 1"):format(core.quote("sqlite", schema),
        core.quote("sqlite", name)))).rows
      list[#list + 1] = core.object("table", description, "rows", core.array(rows))
    end
  end
  return list
end

---As the runner does: reflect the table that the operation names, with what depends on it.
local function run_operation(connection, operation)
  local context = {}
  local name = core.operation_needs_table(operation, "sqlite")
  if name then
    context.table = assert(connection:reflect_table(name, operation.schema or operation.source_schema))
    context.dependents = assert(connection:dependents(name))
  end
  return script(connection, core.render_operation(operation, "sqlite", context))
end

---What a database holds whose tables are these, each with its row.
---@param setup table[] neutral tables
---@param seeded boolean
function M.state_of(setup, seeded)
  local connection <close> = database(setup, seeded)
  return state(connection)
end

---What a database with the tables of a case holds after some statements; nil when one of them fails.
function M.state_after(setup, seeded, statements)
  local connection <close> = database(setup, seeded)
  return script(connection, statements) and state(connection)
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
  local made, connection = pcall(database, case.setup, false)
  if not made then
    if not core.is_error(connection) then error(connection, 0) end
    return -- the tables themselves cannot be on SQLite
  end
  connection:close()
  local golden, seeded = golden_statements(case), M.seeds(case)
  local expected = golden and M.state_after(case.setup, seeded, golden) or "error"
  connection = database(case.setup, seeded)
  local ok, done, problem = pcall(run_operation, connection, operation_of(case))
  if not ok and not core.is_error(done) then error(done, 0) end
  local actual, reason = "error", ok and problem or done
  if ok and done then
    local violations = assert(connection:execute("PRAGMA foreign_key_check")).rows
    if #violations > 0 then error("sqlite: foreign keys are violated: " .. core.json_encode(violations), 0) end
    actual = state(connection)
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
