--- Scaffold: the files of a new migration module.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local locations = require("mainsequence.meta_tables.migrations.location")
local source = require("mainsequence.meta_tables.migrations.source")

local M = {}

local INIT = [[
-- The migration provider: which tables its revisions manage, and where the revisions are.

local migrations = require("mainsequence.meta_tables.migrations")
local models = require(@MODELS@)

local ProjectAlembicVersion = migrations.build_alembic_version_metatable {
  class_name = "ProjectAlembicVersion",
  namespace = @NAMESPACE@,
  identifier = @IDENTIFIER@,
  table_name = @VERSION_TABLE@,
}

-- Every table of the metadata that the platform manages; metatable_models = { … } would name some of them.
local migration = migrations.build_metatable_migration_provider {
  package = @PACKAGE@,
  migration_namespace = @NAMESPACE@,
  script_location = @LOCATION@,
  version_location_prefix = @PREFIX@,
  target_metadata = models.@METADATA@,
  alembic_registry = ProjectAlembicVersion,
}

return { migration = migration }
]]

local KEEP = "Revisions stand in this folder. This file keeps it in version control.\n"

local OPTIONS = { "force", "metadata", "migration_namespace", "module", "package", "report", "source_root", "table_name" }

local function usage(message, hint)
  return nil, core.error({ code = "usage", message = message, hint = hint })
end

local function is_module(name)
  return type(name) == "string" and name:match("^[%w_]+[%w_.]*$") and not name:find("..", 1, true)
    and not name:match("%.$")
end

-- Option values with their defaults.
local function settings_of(options)
  if not is_module(options.module) then
    return usage(("'%s' is no name of a Lua module"):format(tostring(options.module)), "it is such as shop.migrations")
  end
  local package = options.package or options.module:match("^[^.]+")
  local metadata = options.metadata or package .. ".models:metadata"
  local models, attribute = metadata:match("^([^:]+):([%a_][%w_.]*)$")
  if not models or not is_module(models) then
    return usage(("metadata '%s' must have the shape module.path:metadata"):format(metadata))
  end
  local table_name = options.table_name
  if not table_name then
    local named
    named, table_name = pcall(core.schema_table_name, package, "alembic_version")
    if not named then
      return usage(("package '%s': %s"):format(package, core.is_error(table_name) and table_name.message or table_name))
    end
  end
  local namespace = options.migration_namespace or package
  return {
    MODELS = source.quote(models), METADATA = attribute, PACKAGE = source.quote(package),
    NAMESPACE = source.quote(namespace), IDENTIFIER = source.quote(package .. ".alembic_version"),
    VERSION_TABLE = source.quote(table_name), LOCATION = source.quote(options.module .. ":"),
    PREFIX = source.quote(options.module .. ":versions"),
    slug = core.namespace_version_slug(namespace),
    root = locations.join(locations.absolute(options.source_root or "."), (options.module:gsub("%.", "/"))),
  }
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  return text
end

---@class mainsequence.migrations.ScaffoldOptions
---@field module string "shop.migrations"
---@field package string? default: the module's first part
---@field migration_namespace string? default: the package
---@field metadata string? "module.path:attribute"; default: "<package>.models:metadata"
---@field table_name string? of the version table; default: "<package>__alembic_version"
---@field source_root string? folder in which modules stand; default: the current one
---@field force boolean?
---@field report fun(line: string)?

---Writes the files; identical ones are skipped, changed ones need `force`. Nothing is written when one of
---them is refused.
---@param options mainsequence.migrations.ScaffoldOptions
---@param place mainsequence.Place?
---@return table|nil result { root, files: { path, action }[] }, mainsequence.Error?
function M.run(options, place)
  fault.check_options(place, "scaffold", options, OPTIONS)
  local settings, err = settings_of(options)
  if not settings then
    return nil, err
  end
  local report = options.report or function() end
  local files = {
    { path = locations.join(settings.root, "init.lua"), text = (INIT:gsub("@([A-Z_]+)@", settings)) },
    { path = locations.join(settings.root, "versions/" .. settings.slug .. "/.gitkeep"), text = KEEP },
  }
  for _, file in ipairs(files) do
    local present = read(file.path)
    file.action = present == nil and "created" or present == file.text and "skipped" or "overwritten"
    if file.action == "overwritten" and not options.force then
      return usage("refusing to overwrite the existing file " .. file.path, "pass --force to replace it")
    end
  end
  local listed = core.array({})
  for position, file in ipairs(files) do
    if file.action ~= "skipped" then
      local ok, write_error = locations.make_directory(file.path:match("^(.*)/"))
      if ok then
        ok, write_error = core.write_file(file.path, file.text)
      end
      if not ok then
        return nil, write_error
      end
    end
    report(("[mainsequence migrations] Scaffold %s %s"):format(file.action, file.path))
    listed[position] = core.object("path", file.path, "action", file.action)
  end
  return core.object("root", settings.root, "files", listed)
end

return M
