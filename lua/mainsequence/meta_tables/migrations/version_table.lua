--- Alembic's version table: one row for each head that the database is at.

local core = require("mainsequence.core")

local M = {}

---@class mainsequence.migrations.VersionTable
---@field connection mainsequence.Connection
---@field name string
---@field schema string? nil: the default one
---@field column string
local VersionTable = {}
VersionTable.__index = VersionTable

---@param connection mainsequence.Connection
---@param registry mainsequence.AlembicVersionMetaTable
---@return mainsequence.migrations.VersionTable
function M.new(connection, registry)
  local schema = registry.schema
  -- SQLite has no schemas; "public" is what the platform calls the default one.
  if connection:dialect() == "sqlite" and schema == "public" then
    schema = nil
  end
  return setmetatable({
    connection = connection, name = registry.table_name, schema = schema, column = registry.version_column,
  }, VersionTable)
end

function VersionTable:qualified()
  local dialect = self.connection:dialect()
  local name = core.quote(dialect, self.name)
  return self.schema and core.quote(dialect, self.schema) .. "." .. name or name
end

function VersionTable:quoted_column()
  return core.quote(self.connection:dialect(), self.column)
end

---SQL that makes the table, as Alembic does.
---@return string
function VersionTable:create_sql()
  return ("CREATE TABLE %s (\n\t%s VARCHAR(32) NOT NULL, \n\tCONSTRAINT %s PRIMARY KEY (%s)\n)"):format(self:qualified(),
    self:quoted_column(), core.quote(self.connection:dialect(), self.name .. "_pkc"), self:quoted_column())
end

---@return boolean|nil, mainsequence.Error?
function VersionTable:exists()
  local names, err = self.connection:table_names(self.schema)
  if not names then
    return nil, err
  end
  for _, name in ipairs(names) do
    if name == self.name then
      return true
    end
  end
  return false
end

---The rows, sorted. A table that is not there has none; reading never makes it.
---@return string[]|nil rows, mainsequence.Error|boolean|nil err_or_exists
function VersionTable:read()
  local exists, err = self:exists()
  if exists == nil then
    return nil, err
  end
  if not exists then
    return {}, false
  end
  local result, read_error = self.connection:execute(("SELECT %s AS version FROM %s"):format(
    self:quoted_column(), self:qualified()))
  if not result then
    return nil, read_error
  end
  local rows = {}
  for position, row in ipairs(result.rows) do
    rows[position] = tostring(row.version)
  end
  table.sort(rows)
  return rows, true
end

---@return true|nil, mainsequence.Error?
function VersionTable:create()
  local result, err = self.connection:execute(self:create_sql())
  if not result then
    return nil, err
  end
  return true
end

local function missing(from, other)
  local set, list = {}, {}
  for _, id in ipairs(other) do
    set[id] = true
  end
  for _, id in ipairs(from) do
    if not set[id] then
      list[#list + 1] = id
    end
  end
  return list
end

---The changes that lead from the rows `before` to `after`: one row is updated where one goes and one
---comes, so that a line of history is one row that moves.
---@param before string[]
---@param after string[]
---@return { sql: string, values: string[] }[] statements with %(…)s placeholders, values by name
function VersionTable:changes(before, after)
  local going, coming = missing(before, after), missing(after, before)
  local column, name = self:quoted_column(), self:qualified()
  local list = {}
  for position = 1, math.max(#going, #coming) do
    local old, new = going[position], coming[position]
    if old and new then
      list[#list + 1] = {
        sql = ("UPDATE %s SET %s = %%(new)s WHERE %s = %%(old)s"):format(name, column, column),
        values = { new = new, old = old },
      }
    elseif old then
      list[#list + 1] = { sql = ("DELETE FROM %s WHERE %s = %%(old)s"):format(name, column), values = { old = old } }
    else
      list[#list + 1] = { sql = ("INSERT INTO %s (%s) VALUES (%%(new)s)"):format(name, column), values = { new = new } }
    end
  end
  return list
end

---Writes the rows `after` over the rows `before`; each statement must hit exactly one row.
---@param before string[]
---@param after string[]
---@return true|nil, mainsequence.Error?
function VersionTable:apply(before, after)
  for _, change in ipairs(self:changes(before, after)) do
    local result, err = self.connection:execute(change.sql, change.values)
    if not result then
      return nil, err
    end
    if result.affected ~= 1 then
      return nil, core.error({
        code = "version_table",
        message = ("the version table %s changed meanwhile: moving %s to %s met %d rows instead of one"):format(
          self.name, change.values.old or "base", change.values.new or "base", result.affected),
      })
    end
  end
  return true
end

return M
