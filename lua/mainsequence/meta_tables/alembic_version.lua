-- Alembic's version table as a catalog entry (protocol page, section 6.3).

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

---@class mainsequence.AlembicVersionOptions
---@field namespace string?
---@field identifier string? default "alembic_version"
---@field table_name string? default "alembic_version"
---@field schema string?
---@field version_column string? default "version_num"
---@field description string?

---@class mainsequence.AlembicVersionMetaTable : mainsequence.AlembicVersionOptions
---@field row table? the catalog row, once registered
local AlembicVersion = { __name = "mainsequence.alembic_version" }
AlembicVersion.__index = AlembicVersion
M.mt = AlembicVersion

local OPTIONS = { "namespace", "identifier", "table_name", "schema", "version_column", "description" }
local DEFAULTS = { namespace = "mainsequence.migrations", identifier = "alembic_version", table_name = "alembic_version",
  version_column = "version_num" }

---@param options mainsequence.AlembicVersionOptions?
---@param place mainsequence.Place?
---@return mainsequence.AlembicVersionMetaTable
function M.new(options, place)
  options = options or {}
  fault.check_options(place, "AlembicVersionMetaTable", options, OPTIONS)
  local self = {}
  for _, name in ipairs(OPTIONS) do
    local value = options[name]
    if value ~= nil and (type(value) ~= "string" or not value:find("%S")) then
      fault.raise(place, ("AlembicVersionMetaTable: %s is %s, not text"):format(name, fault.show(value)))
    end
    self[name] = value or DEFAULTS[name]
  end
  return setmetatable(self, AlembicVersion)
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == AlembicVersion
end

function AlembicVersion:__tostring()
  return ("AlembicVersionMetaTable %s (table %s)"):format(self.identifier, self.table_name)
end

---Body of its registration. The same whatever stands in the database.
---@param data_source_uid string
---@return table
function AlembicVersion:registration_request(data_source_uid)
  return core.alembic_version_request {
    data_source_uid = data_source_uid, identifier = self.identifier, namespace = self.namespace,
    description = self.description, schema = self.schema, table_name = self.table_name,
    version_column = self.version_column,
  }
end

return M
