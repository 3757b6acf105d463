-- A scratch SQLite database for the suites, and what a runner does with an operation.

local core = require("mainsequence.core")
local tables = require("neutral_tables")

local M = {}

-- Attached databases: the schemas that the cases use.
local SCHEMAS = { "mkt", "ref", "My Schema" }

---@param statements string[]
---@return true|nil, string? problem
function M.script(connection, statements)
  for _, statement in ipairs(statements) do
    local ok, err = connection:script(statement)
    if not ok then return nil, tostring(err) .. "\n" .. statement end
  end
  return true
end

local function seed(connection, one)
  local names, marks = {}, {}
  for _, column in ipairs(one:describe().columns) do
    if not column.computed then
      names[#names + 1] = core.quote("sqlite", column.name)
      marks[#marks + 1] = "1"
    end
  end
  local schema = one:schema()
  assert(connection:script(("INSERT INTO %s%s (%s) VALUES (%s)"):format(schema and core.quote("sqlite", schema) .. "." or "",
    core.quote("sqlite", one:name()), table.concat(names, ", "), table.concat(marks, ", "))))
end

---A database with the tables, one row in each if asked.
---@param neutral_list table[]
---@param seeded boolean?
function M.open(neutral_list, seeded)
  local connection = assert(core.connect("sqlite://"))
  assert(connection:script("PRAGMA foreign_keys = OFF"))
  for _, schema in ipairs(SCHEMAS) do
    assert(connection:script("ATTACH ':memory:' AS " .. core.quote("sqlite", schema)))
  end
  local made = {}
  for position, neutral in ipairs(neutral_list) do made[position] = core.table(tables.description(neutral)) end
  local done, problem = M.script(connection, core.create_all("sqlite", made))
  if not done then error(problem, 0) end
  if seeded then
    for _, one in ipairs(core.sort_tables(made)) do seed(connection, one) end
  end
  return connection
end

---What the database holds: every table as reflection sees it, and its rows.
function M.state(connection)
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
---@return true|nil, string? problem
function M.run(connection, operation)
  local context = {}
  local name = core.operation_needs_table(operation, "sqlite")
  if name then
    context.table = assert(connection:reflect_table(name, operation.schema or operation.source_schema))
    context.dependents = assert(connection:dependents(name))
  end
  return M.script(connection, core.render_operation(operation, "sqlite", context))
end

return M
