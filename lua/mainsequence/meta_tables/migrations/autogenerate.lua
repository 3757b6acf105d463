--- Autogenerate: what leads from the database as it is to the models as they are.

local core = require("mainsequence.core")
local registry = require("mainsequence.schema.registry")
local version_tables = require("mainsequence.meta_tables.migrations.version_table")

local M = {}

-- Schemas that the models use; the default one (false) first.
local function schemas_of(tables)
  local list, seen = { false }, { [false] = true }
  for _, each in ipairs(tables) do
    local schema = each:schema() or false
    if not seen[schema] then
      seen[schema] = true
      list[#list + 1] = schema
    end
  end
  return list
end

---The tables of the database in the schemas of `tables`.
local function reflect(connection, tables)
  local list = {}
  for _, schema in ipairs(schemas_of(tables)) do
    local found, err = connection:reflect(schema or nil)
    if not found then
      return nil, err
    end
    table.move(found, 1, #found, #list + 1, list)
  end
  return list
end

---The operations that lead from the database to the provider's models. Tables that the models do not know
---are left alone.
---@param connection mainsequence.Connection
---@param provider mainsequence.migrations.Provider
---@return table[]|nil operations, mainsequence.Error?
function M.compare(connection, provider)
  local after = registry.tables_of(provider.target_metadata)
  local before, err = reflect(connection, after)
  if not before then
    return nil, err
  end
  local ok, operations = pcall(core.compare_schemas, connection:dialect(), before, after,
    { version_table = provider.alembic_registry.table_name })
  if not ok then
    if core.is_error(operations) then
      return nil, operations
    end
    error(operations, 0)
  end
  return operations
end

---The way back: the operations reversed, in reverse order. What cannot be taken back says so when it is
---run.
---@param operations table[]
---@return table[]
function M.reverse(operations)
  local list = {}
  for position = #operations, 1, -1 do
    local reverse, err = core.reverse_operation(operations[position])
    list[#list + 1] = reverse
      or { irreversible = ("%s cannot be taken back: %s"):format(operations[position].op, err.message) }
  end
  return list
end

---Fails unless the database is exactly at all heads: a comparison with any other state would repeat what
---revisions that have not run already say.
---@param connection mainsequence.Connection
---@param provider mainsequence.migrations.Provider
---@param graph mainsequence.migrations.Graph
---@return true|nil, mainsequence.Error?
function M.check_up_to_date(connection, provider, graph)
  local rows, err = version_tables.new(connection, provider.alembic_registry):read()
  if not rows then
    return nil, err
  end
  local ok, unknown = graph:check_current(rows)
  if not ok then
    return nil, unknown
  end
  local behind = graph:upgrade_plan(graph.heads, rows)
  if #behind > 0 then
    return nil, core.error({
      code = "not_up_to_date",
      message = ("the database is not up to date: it is at %s, the revisions go on to %s"):format(
        #rows > 0 and table.concat(rows, ", ") or "base", table.concat(graph.heads, ", ")),
      hint = "run `mainsequence migrations upgrade heads` first",
    })
  end
  return true
end

-- ---- In words ----------------------------------------------------------------------------------

local WORDS = {
  create_table = function(o)
    return ("added table '%s'"):format(o.table.name)
  end,
  drop_table = function(o)
    return ("removed table '%s'"):format(o.name)
  end,
  add_column = function(o)
    return ("added column '%s.%s'"):format(o.table, o.column.name)
  end,
  drop_column = function(o)
    return ("removed column '%s.%s'"):format(o.table, o.column)
  end,
  alter_column = function(o)
    return ("changed column '%s.%s'"):format(o.table, o.column)
  end,
  create_index = function(o)
    return ("added index '%s' on '%s'"):format(o.name, o.table)
  end,
  drop_index = function(o)
    return ("removed index '%s'%s"):format(o.name, o.table and (" on '%s'"):format(o.table) or "")
  end,
  create_foreign_key = function(o)
    return ("added foreign key '%s' on '%s'"):format(o.name, o.source_table)
  end,
  drop_constraint = function(o)
    return ("removed constraint '%s' on '%s'"):format(o.name, o.table)
  end,
}

---What an operation found, for the status lines.
---@param operation table
---@return string
function M.describe(operation)
  local words = WORDS[operation.op]
  if words then
    return words(operation)
  end
  local subject = type(operation.table) == "string" and operation.table or "?"
  return ("%s on '%s'"):format(operation.op:gsub("_", " "), subject)
end

return M
