--- What op:get_bind() gives: the migration's own connection, inside its transaction, for revisions that
--- read or move data. Failures raise, as everything in a revision does.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

---@class mainsequence.migrations.Bind
local Bind = { __name = "mainsequence.migration_bind" }
Bind.__index = Bind

local function checked(place, value, err)
  if value == nil and err ~= nil then
    if core.is_error(err) and place and not err.source then
      err.source, err.line = place.source, place.line
    end
    error(err, 0)
  end
  return value
end

---@return "postgresql"|"sqlite"
function Bind:dialect()
  return self.connection:dialect()
end

---Runs one statement. Values are bound: %(name)s with a table of names, the driver's placeholders (?1, $1)
---with a list.
---@param sql string
---@param parameters table?
---@return { rows: table[], affected: integer }
function Bind:execute(sql, parameters)
  local place = fault.here(1)
  return checked(place, self.connection:execute(sql, parameters))
end

---The first column of the first row; nil without a row.
---@param sql string
---@param parameters table?
---@return any
function Bind:scalar(sql, parameters)
  local place = fault.here(1)
  local result = checked(place, self.connection:execute(sql, parameters))
  local row = result.rows[1]
  return row and row[core.keys(row)[1]]
end

---@param schema string?
---@return string[]
function Bind:table_names(schema)
  local place = fault.here(1)
  return checked(place, self.connection:table_names(schema))
end

---@param name string
---@param schema string?
---@return boolean
function Bind:has_table(name, schema)
  local place = fault.here(1)
  for _, other in ipairs(checked(place, self.connection:table_names(schema))) do
    if other == name then
      return true
    end
  end
  return false
end

-- A list of the description of a table that stands in the database.
local function described(self, place, list, name, schema)
  local reflected = checked(place, self.connection:reflect_table(name, schema))
  return reflected:describe()[list] or core.array({})
end

---Columns as the database has them (form: the description of a table).
---@param name string
---@param schema string?
---@return table[]
function Bind:columns(name, schema)
  local place = fault.here(1)
  return described(self, place, "columns", name, schema)
end

---@param name string
---@param schema string?
---@return table[]
function Bind:indexes(name, schema)
  local place = fault.here(1)
  return described(self, place, "indexes", name, schema)
end

---@param name string
---@param schema string?
---@return table[]
function Bind:foreign_keys(name, schema)
  local place = fault.here(1)
  return described(self, place, "foreign_keys", name, schema)
end

---@param connection mainsequence.Connection
---@return mainsequence.migrations.Bind
function M.new(connection)
  return setmetatable({ connection = connection }, Bind)
end

return M
