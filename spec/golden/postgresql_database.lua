-- A scratch PostgreSQL database for real runs of golden data: the tables of a case, emptied for the next.

local core = require("mainsequence.core")
local tables = require("neutral_tables")

local M = {}

-- What the cases take for granted.
local SCHEMAS = { "mkt", "ref", "s1", "s2", "other", "My Schema" }
local EXTENSIONS = { "hstore", "citext" }

---Statements one by one, as text that is executed.
---@param statements string[]
---@return true|nil, string? problem
function M.script(connection, statements)
  for _, statement in ipairs(statements) do
    local ok, err = connection:script(statement)
    if not ok then return nil, tostring(err) .. "\n" .. statement end
  end
  return true
end

function M.models(neutral_list)
  local list = core.array({})
  for position, neutral in ipairs(neutral_list) do list[position] = core.table(tables.description(neutral)) end
  return list
end

---Schemas and extensions as new.
function M.reset(connection)
  local statements = { "DROP SCHEMA public CASCADE", "CREATE SCHEMA public" }
  for _, schema in ipairs(SCHEMAS) do
    local name = core.quote("postgresql", schema)
    statements[#statements + 1] = "DROP SCHEMA IF EXISTS " .. name .. " CASCADE"
    statements[#statements + 1] = "CREATE SCHEMA " .. name
  end
  for _, extension in ipairs(EXTENSIONS) do statements[#statements + 1] = "CREATE EXTENSION " .. extension end
  assert(M.script(connection, statements))
end

---A connection to a database of its own.
---@param uri string
function M.open(uri)
  local connection = assert(core.connect(uri))
  M.reset(connection)
  return connection
end

---Every table of every schema, as reflection sees it.
---@return mainsequence.Table[]
function M.reflect(connection)
  local list = core.array({})
  for _, schema in ipairs({ "", table.unpack(SCHEMAS) }) do
    for _, one in ipairs(assert(connection:reflect(schema ~= "" and schema or nil))) do list[#list + 1] = one end
  end
  return list
end

---As the runner does with an operation.
---@return true|nil, string? problem
function M.run(connection, operation)
  return M.script(connection, core.render_operation(operation, "postgresql", {}))
end

return M
