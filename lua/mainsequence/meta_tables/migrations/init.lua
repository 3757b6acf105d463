--- Migrations: providers, revisions, and the commands that run them.

local alembic_version = require("mainsequence.meta_tables.alembic_version")
local fault = require("mainsequence.schema.fault")
local providers = require("mainsequence.meta_tables.migrations.provider")

---@class mainsequence.meta_tables.migrations
local M = {}

---Alembic's version table as a catalog entry.
---@param options mainsequence.AlembicVersionOptions
---@return mainsequence.AlembicVersionMetaTable
function M.AlembicVersionMetaTable(options)
  local version = alembic_version.new(options, fault.here(1))
  return version
end

---The version table of a provider. class_name is what the status lines call it.
---@param options mainsequence.AlembicVersionOptions|{ class_name: string? }
---@return mainsequence.AlembicVersionMetaTable
function M.build_alembic_version_metatable(options)
  local place = fault.here(1)
  if type(options) ~= "table" then
    fault.raise(place, ("build_alembic_version_metatable takes a table of options, got %s"):format(fault.show(options)))
  end
  local copy = {}
  for key, value in next, options do
    copy[key] = value
  end
  local class_name = copy.class_name
  if class_name ~= nil and type(class_name) ~= "string" then
    fault.raise(place, ("build_alembic_version_metatable: class_name is %s, not text"):format(fault.show(class_name)))
  end
  copy.class_name = nil
  local version = alembic_version.new(copy, place)
  version.class_name = class_name
  return version
end

---A provider with its version locations written out.
---@param options table package, migration_namespace, script_location, version_locations, version_path,
--- target_metadata, alembic_registry, metatable_models, after_register_metatables
---@return mainsequence.migrations.Provider
function M.AlembicMetaTableMigration(options)
  local provider = providers.new(options, fault.here(1))
  return provider
end

---A provider whose revisions stand in a folder named after its namespace.
---@param options table as AlembicMetaTableMigration, with version_location_prefix for the locations
---@return mainsequence.migrations.Provider
function M.build_metatable_migration_provider(options)
  local provider = providers.build(options, fault.here(1))
  return provider
end

---Loads "module.path:attribute"; nil tries the conventional places. The current folder is searched first.
---@param reference string?
---@return mainsequence.migrations.Provider|nil, mainsequence.Error?
function M.load_provider(reference)
  local provider, err = providers.load(reference)
  return provider, err
end

---Brings changed identifiers, descriptions, labels and contracts of a provider's models to the catalog.
---@param provider mainsequence.migrations.Provider|string
---@param options mainsequence.migrations.Options?
---@return table|nil result, mainsequence.Error?
function M.refresh_metatable_catalog(provider, options)
  local result, err = M.commands.refresh(provider, options)
  return result, err
end
M.sync_metatable_catalog = M.refresh_metatable_catalog

-- Loaded when they are asked for: declaring a provider needs no client.
local LAZY = {
  autogenerate = "mainsequence.meta_tables.migrations.autogenerate",
  commands = "mainsequence.meta_tables.migrations.commands",
  graph = "mainsequence.meta_tables.migrations.graph",
  operations = "mainsequence.meta_tables.migrations.operations",
}

return setmetatable(M, {
  __index = function(module, name)
    if LAZY[name] then
      local value = require(LAZY[name])
      rawset(module, name, value)
      return value
    end
  end,
})
