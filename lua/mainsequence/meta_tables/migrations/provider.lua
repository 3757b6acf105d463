--- Migration providers: what a project migrates, as one object, and how the command finds it.

local lfs = require("lfs")

local core = require("mainsequence.core")
local alembic_version = require("mainsequence.meta_tables.alembic_version")
local fault = require("mainsequence.schema.fault")
local locations = require("mainsequence.meta_tables.migrations.location")
local registry = require("mainsequence.schema.registry")

local M = {}

M.DEFAULT_REFERENCE = "mainsequence_migrations:migration"
local DEFAULT_PREFIX = "migrations:versions"

---@class mainsequence.migrations.Provider
---@field package string
---@field migration_namespace string
---@field migration_provider_key string "package:namespace"
---@field script_location string
---@field version_locations string[]
---@field version_path string where new revisions go
---@field target_metadata table schema.MetaData
---@field alembic_registry mainsequence.AlembicVersionMetaTable
---@field metatable_models table[] in the order of the catalog's requests
---@field after_register_metatables function?
local Provider = { __name = "mainsequence.migration_provider" }
Provider.__index = Provider

function Provider:__tostring()
  return ("migration provider %s (%d models)"):format(self.migration_provider_key, #self.metatable_models)
end

---The version table as a name for people: "schema.table", or the table alone.
---@return string
function Provider:version_table_text()
  local version = self.alembic_registry
  return version.schema and (version.schema .. "." .. version.table_name) or version.table_name
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == Provider
end

-- ---- Declaring ---------------------------------------------------------------------------------

local REQUIRED = { "package", "migration_namespace", "script_location" }
local OPTIONS = {
  "after_register_metatables", "alembic_registry", "metatable_models", "migration_namespace", "package",
  "script_location", "target_metadata", "version_locations", "version_path",
}

local function text_option(what, options, name, place)
  local value = options[name]
  if value == nil then
    fault.raise(place, ("%s needs %s"):format(what, name))
  end
  if type(value) ~= "string" or not value:find("%S") then
    fault.raise(place, ("%s: %s is %s, not text"):format(what, name, fault.show(value)))
  end
  return value:match("^%s*(.-)%s*$")
end

local function version_locations(what, value, place)
  if type(value) == "string" then
    value = { value }
  end
  if type(value) ~= "table" then
    fault.raise(place, ("%s: version_locations is a location or a list of them, got %s"):format(what, fault.show(value)))
  end
  local list, seen = {}, {}
  for position, location in ipairs(value) do
    if type(location) ~= "string" or not location:find("%S") then
      fault.raise(place, ("%s: version_locations[%d] is %s, not text"):format(what, position, fault.show(location)))
    end
    location = location:match("^%s*(.-)%s*$")
    if not seen[location] then
      seen[location] = true
      list[#list + 1] = location
    end
  end
  if #list == 0 then
    fault.raise(place, what .. ": version_locations cannot be empty")
  end
  return list
end

-- Managed models of the collection: the default of metatable_models.
local function managed_models(metadata)
  local list = {}
  for _, model in ipairs(registry.models(metadata)) do
    if registry.definition(model).kind ~= "plain" then
      list[#list + 1] = model
    end
  end
  return list
end

local function check_model(what, model, position, metadata, place)
  if not registry.is_model(model) then
    fault.raise(place, ("%s: metatable_models[%d] is %s, not a model"):format(what, position, fault.show(model)))
  end
  local definition = registry.definition(model)
  local name = definition.class_name
  if definition.kind == "plain" then
    fault.raise(place, ("%s: model '%s' is a plain table, which the platform does not manage"):format(what, name),
      "declare it with PlatformManagedMetaTable or PlatformTimeIndexMetaTable, or leave it out")
  end
  if definition.metadata ~= metadata then
    fault.raise(place, ("%s: model '%s' is not in target_metadata, so no revision would create its table"):format(what, name))
  end
  registry.table_of(model)
  return definition, definition.description.meta
end

---Refuses models that the catalog could not tell apart.
local function check_models(what, models, metadata, place)
  local identifiers, tables, uid, uid_model = {}, {}, nil, nil
  for position, model in ipairs(models) do
    local definition, meta = check_model(what, model, position, metadata, place)
    local name = definition.class_name
    if type(meta.identifier) ~= "string" or not meta.identifier:find("%S") then
      fault.raise(place, ("%s: model '%s' has no identifier"):format(what, name), "give it identifier = \"package.Name\"")
    end
    if identifiers[meta.identifier] then
      fault.raise(place, ("%s: models '%s' and '%s' have one identifier, '%s'"):format(
        what, identifiers[meta.identifier], name, meta.identifier))
    end
    identifiers[meta.identifier] = name
    if tables[definition.tablename] then
      fault.raise(place, ("%s: models '%s' and '%s' have one table, '%s'"):format(
        what, tables[definition.tablename], name, definition.tablename))
    end
    tables[definition.tablename] = name
    local own = meta.data_source_uid
    if own and uid and own ~= uid then
      fault.raise(place, ("%s: models must share one data source; '%s' names %s and '%s' names %s"):format(
        what, uid_model, uid, name, own), "make a provider for each data source")
    end
    uid, uid_model = own or uid, own and name or uid_model
  end
end

local function models_option(what, options, place)
  local models = options.metatable_models
  if models == nil then
    return managed_models(options.target_metadata)
  end
  if type(models) ~= "table" or registry.is_model(models) then
    fault.raise(place, ("%s: metatable_models is a list of models, got %s"):format(what,
      registry.is_model(models) and "one model" or fault.show(models)))
  end
  local list = {}
  for position, model in ipairs(models) do
    list[position] = model
  end
  return list
end

---@param what string
---@param options table
---@param place mainsequence.Place?
---@return mainsequence.migrations.Provider
local function new(what, options, place)
  local self = {}
  for _, name in ipairs(REQUIRED) do
    self[name] = text_option(what, options, name, place)
  end
  if not registry.is_metadata(options.target_metadata) then
    fault.raise(place, ("%s: target_metadata is %s"):format(what, fault.show(options.target_metadata)),
      "it is the schema.MetaData of the models")
  end
  if not alembic_version.is(options.alembic_registry) then
    fault.raise(place, ("%s: alembic_registry is %s"):format(what, fault.show(options.alembic_registry)),
      "it is what build_alembic_version_metatable { … } gives")
  end
  local hook = options.after_register_metatables
  if hook ~= nil and type(hook) ~= "function" then
    fault.raise(place, ("%s: after_register_metatables is a function, got %s"):format(what, fault.show(hook)))
  end
  self.target_metadata, self.alembic_registry, self.after_register_metatables =
    options.target_metadata, options.alembic_registry, hook
  self.version_locations = version_locations(what, options.version_locations, place)
  if options.version_path ~= nil then
    self.version_path = text_option(what, options, "version_path", place)
  elseif #self.version_locations > 1 then
    fault.raise(place, what .. ": several version_locations need version_path, the one that new revisions go to")
  else
    self.version_path = self.version_locations[1]
  end
  self.metatable_models = models_option(what, options, place)
  check_models(what, self.metatable_models, self.target_metadata, place)
  self.migration_provider_key = self.package .. ":" .. self.migration_namespace
  return setmetatable(self, Provider)
end

-- "versions" in the script folder.
local function default_versions(script_location)
  local separator = script_location:match("[:/]$") and "" or "/"
  return script_location .. separator .. "versions"
end

---A provider with its locations written out.
---@param options table
---@param place mainsequence.Place?
---@return mainsequence.migrations.Provider
function M.new(options, place)
  local what = "AlembicMetaTableMigration"
  fault.check_options(place, what, options, OPTIONS)
  if options.version_locations == nil then
    local copy = {}
    for key, value in next, options do
      copy[key] = value
    end
    copy.version_locations = default_versions(text_option(what, options, "script_location", place))
    options = copy
  end
  return new(what, options, place)
end

local BUILD_OPTIONS = {
  "after_register_metatables", "alembic_registry", "metatable_models", "migration_namespace", "package",
  "script_location", "target_metadata", "version_location_prefix",
}

---A provider whose revisions stand in a folder named after its namespace, so that several share a prefix.
---@param options table
---@param place mainsequence.Place?
---@return mainsequence.migrations.Provider
function M.build(options, place)
  local what = "build_metatable_migration_provider"
  fault.check_options(place, what, options, BUILD_OPTIONS)
  local copy = {}
  for key, value in next, options do
    copy[key] = value
  end
  copy.version_location_prefix = nil
  copy.version_locations = fault.blame(place, core.namespace_version_location,
    text_option(what, options, "migration_namespace", place), options.version_location_prefix or DEFAULT_PREFIX)
  return new(what, copy, place)
end

-- ---- Finding -----------------------------------------------------------------------------------

local function usage(message, hint)
  return nil, core.error({ code = "usage", message = message, hint = hint })
end

local function module_missing(name, reason)
  return reason:find(("module '%s' not found"):format(name), 1, true) ~= nil
end

local function exported(value)
  local names = {}
  for name in pairs(value) do
    if type(name) == "string" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

-- Second result: an error; third: true when the module itself is not there.
local function load_reference(reference)
  local module, attribute = reference:match("^([^:]+):([^:]+)$")
  if not module then
    return usage(("provider '%s' must have the shape module.path:migration"):format(reference))
  end
  local ok, value = pcall(require, module)
  if not ok then
    if type(value) == "string" and module_missing(module, value) then
      local _, err = usage(("there is no Lua module '%s' for provider '%s'"):format(module, reference),
        "run the command in the project's folder, or put the folder on LUA_PATH")
      return nil, err, true
    end
    return nil, core.error({
      code = "provider", message = ("provider '%s' could not be loaded: %s"):format(reference, tostring(value)),
    })
  end
  if type(value) ~= "table" then
    return usage(("module '%s' returns %s; a provider module returns a table with '%s'"):format(
      module, fault.show(value), attribute), ("end it with `return { %s = %s }`"):format(attribute, attribute))
  end
  local provider = rawget(value, attribute)
  if provider == nil then
    return usage(("module '%s' has no '%s'"):format(module, attribute), fault.did_you_mean(attribute, exported(value)))
  end
  if not M.is(provider) then
    return usage(("'%s' of module '%s' is %s, not a migration provider"):format(attribute, module, fault.show(provider)),
      "build it with migrations.build_metatable_migration_provider { … }")
  end
  return provider
end

-- The package name of the only rockspec in the current folder, as a module name.
local function project_name()
  local found
  for name in lfs.dir(".") do
    if name:match("%.rockspec$") then
      if found then
        return nil
      end
      found = name
    end
  end
  local file = found and io.open(found, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  local environment = {}
  local chunk = load(text, "@" .. found, "t", environment)
  if not chunk or not pcall(chunk) or type(environment.package) ~= "string" then
    return nil
  end
  return (environment.package:gsub("-", "_"))
end

---The references tried when none is given, in order.
---@return string[]
function M.default_references()
  local name = project_name()
  return name and { M.DEFAULT_REFERENCE, name .. ".migrations:migration" } or { M.DEFAULT_REFERENCE }
end

---Loads "module.path:attribute"; nil tries the conventional places. The current folder is searched first.
---@param reference string?
---@return mainsequence.migrations.Provider|nil, mainsequence.Error?
function M.load(reference)
  locations.search_current_directory()
  if reference ~= nil then
    local provider, err = load_reference(reference)
    return provider, err
  end
  local tried = M.default_references()
  for _, candidate in ipairs(tried) do
    local provider, err, missing = load_reference(candidate)
    if provider or not missing then
      return provider, err
    end
  end
  return usage(("no migration provider given, and none found as %s"):format(table.concat(tried, " or ")),
    "pass --provider module.path:migration")
end

return M
