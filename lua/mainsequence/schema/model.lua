-- Models: the class body form. A model is an empty table; what it is stands in the registry, so that assigning
-- and reading its columns always comes by here.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local registry = require("mainsequence.schema.registry")
local type_calls = require("mainsequence.schema.types")

local M = {}

-- ---- MetaData -----------------------------------------------------------------------------------

local MetaData = { __name = "mainsequence.metadata" }

function MetaData:__tostring()
  return ("MetaData (%d tables)"):format(#registry.collection(self).models)
end
MetaData.__index = function(_, key)
  fault.raise(fault.here(1), ("metadata has no field %s"):format(fault.show(key)))
end
MetaData.__newindex = function(_, key)
  fault.raise(fault.here(1), ("metadata has no field %s"):format(fault.show(key)), "tables join it by their option metadata")
end

local conventions = setmetatable({}, { __mode = "k" })

---Marks a table as the reference's naming convention (mainsequence.meta_tables.naming_convention gives one).
---@param convention table
---@return table
function M.naming_convention(convention)
  conventions[convention] = true
  return convention
end

---@param options { naming_convention: table|boolean|nil, schema: string? }?
---@param place mainsequence.Place?
---@return table metadata
function M.metadata(options, place)
  options = options or {}
  fault.check_options(place, "MetaData", options, { "naming_convention", "schema" })
  local convention = options.naming_convention
  if convention ~= nil and type(convention) ~= "boolean" and not conventions[convention] then
    fault.raise(place, ("naming_convention is %s"):format(fault.show(convention)),
      "it is meta_tables.naming_convention(), or left out")
  end
  if options.schema ~= nil and type(options.schema) ~= "string" then
    fault.raise(place, ("schema must be a string, got %s"):format(fault.show(options.schema)))
  end
  local metadata = setmetatable({}, MetaData)
  registry.add_metadata(metadata, { models = {}, naming_convention = convention and true or false, schema = options.schema })
  return metadata
end

-- ---- Where a model is declared -------------------------------------------------------------------

local function strip(path)
  return (path:gsub("^%./", ""):gsub("//+", "/"))
end

-- The name by which `require` finds the file: every template of package.path that fits gives a candidate, and
-- the one that leads back to this very file is right ("a.b" rather than "a.b.init").
local function require_name(path)
  local found
  for template in package.path:gmatch("[^;]+") do
    local before, after = strip(template):match("^(.-)%?(.*)$")
    local plain = strip(path)
    if before and #plain > #before + #after and plain:sub(1, #before) == before and plain:sub(-#after) == after then
      local name = plain:sub(#before + 1, #plain - #after)
      local candidate = name:gsub("/", ".")
      local back = not name:find(".", 1, true) and package.searchpath(candidate, package.path)
      if back and strip(back) == plain and (not found or #candidate < #found) then found = candidate end
    end
  end
  return found
end

local names = {} ---@type table<string, string>

---The `require` name of the chunk that stands `level` above the caller, else its file's name.
---@param level integer as in fault.here
---@return string
function M.module_name(level)
  local info = debug and debug.getinfo(level + 2, "S")
  local source = info and info.source or "=main"
  if source:sub(1, 1) ~= "@" then return source:sub(1, 1) == "=" and source:sub(2) or "main" end
  local path = source:sub(2)
  local memo = package.path .. "\n" .. path
  names[memo] = names[memo] or require_name(path) or path:match("[^/]+$") or path
  return names[memo]
end

-- ---- The model itself ----------------------------------------------------------------------------

local Model = { __name = "mainsequence.model" }

function Model:__tostring()
  local definition = registry.definition(self)
  return ("model %s (table %s)"):format(definition.class_name, definition.tablename)
end

function Model:__index(key)
  local definition = registry.definition(self)
  local column = definition.by_key[key]
  if column ~= nil then return column end
  fault.raise(fault.here(1), ("model '%s' has no column %s"):format(definition.class_name, fault.show(key)),
    fault.did_you_mean(key, fault.sorted_keys(definition.by_key)))
end

function Model:__pairs()
  local definition = registry.definition(self)
  local position = 0
  return function()
    position = position + 1
    local column = definition.columns[position]
    if column then return registry.column(column).key, column end
  end
end

local function check_new_column(definition, key, place)
  if definition.table then
    fault.raise(place, ("model '%s' is sealed: its table has been read, column %s comes too late"):format(
      definition.class_name, fault.show(key)), "declare all columns before the model is used")
  end
  if type(key) ~= "string" or key == "" then
    fault.raise(place, ("model '%s': a column's name is a string, got %s"):format(definition.class_name, fault.show(key)))
  end
  local earlier = definition.by_key[key]
  if earlier then
    fault.raise(place, ("model '%s' has column '%s' twice, first at %s"):format(definition.class_name, key,
      fault.text(registry.column(earlier).place)))
  end
end

local function check_physical_name(definition, name, place)
  for _, column in ipairs(definition.columns) do
    local record = registry.column(column)
    if record.name == name then
      fault.raise(place, ("model '%s': two columns are named '%s' in the database: '%s' at %s is the first"):format(
        definition.class_name, name, record.key, fault.text(record.place)))
    end
  end
end

---What is wrong with one column, or one constraint, shows at its own statement: the core builds a table of the
---columns so far with nothing else in it.
---@param definition mainsequence.Definition
---@param place mainsequence.Place?
---@param columns table[]
---@param list string?
---@param item table?
function M.check(definition, place, columns, list, item)
  local draft = { name = definition.tablename, columns = columns,
    naming_convention = definition.description.naming_convention }
  if list == "primary_key" then draft.primary_key = item elseif list then draft[list] = { item } end
  fault.blame(place, core.table, draft)
end

function Model:__newindex(key, value)
  local place = fault.here(1)
  local definition = registry.definition(self)
  check_new_column(definition, key, place)
  local spec = type_calls.expect_spec(value, ("column '%s'"):format(key), place)
  place = spec.place or place
  local description = type_calls.column_description(key, spec, place)
  check_physical_name(definition, description.name, place)
  M.check(definition, place, { description })
  local element = require("mainsequence.sql.expression").column {
    model = self, key = key, name = description.name, type = description.type,
    primary_key = description.primary_key == true, nullable = description.nullable,
    default = spec.options.default, onupdate = spec.options.onupdate,
  }
  registry.add_column(element, {
    model = self, key = key, name = description.name, description = description, options = spec.options, place = place,
  })
end

-- ---- Declaring -----------------------------------------------------------------------------------

local META = {
  "namespace", "identifier", "description", "labels", "provisioning", "protect_from_deletion", "introspect",
  "hash_namespace", "extra_hash_components", "data_source_uid",
}
local TIME = { "time_index_name", "index_names", "identity_dimensions", "cadence", "storage_layout" }
local HEAD = { "metadata", "tablename", "schema", "comment", "prefixes", "info", "postgresql", "sqlite", "module" }
local NAMES = { plain = "Table", platform_managed = "PlatformManagedMetaTable", time_index = "PlatformTimeIndexMetaTable" }

local function joined(...)
  local list = {}
  for _, part in ipairs({ ... }) do
    for _, word in ipairs(part) do list[#list + 1] = word end
  end
  return list
end
local OPTIONS = { plain = joined(HEAD, META), platform_managed = joined(HEAD, META), time_index = joined(HEAD, META, TIME) }

---What the model says beside its columns; what it does not say, its table's info may (as in the reference).
local function meta_of(kind, options)
  local meta = {}
  local info = type(options.info) == "table" and options.info or {}
  for _, key in ipairs(kind == "time_index" and joined(META, TIME) or META) do
    local value = options[key]
    if value == nil then value = info[key] end
    if value ~= nil and value ~= core.null then
      if (key == "index_names" or key == "identity_dimensions") and type(value) == "table" then
        local list = core.array({})
        for position, name in ipairs(value) do
          list[position] = registry.is_column(name) and registry.column(name).name or name
        end
        value = list
      elseif key == "labels" and type(value) == "table" then
        value = core.array(table.move(value, 1, #value, 1, {}))
      end
      meta[key] = value
    end
  end
  return meta
end

local function check_head(what, class_name, options, place)
  if type(class_name) ~= "string" or not class_name:find("%S") then
    fault.raise(place, ("%s: a model's name is a string, got %s"):format(what, fault.show(class_name)))
  end
  if not registry.is_metadata(options.metadata) then
    fault.raise(place, ("%s '%s' needs metadata, got %s"):format(what, class_name, fault.show(options.metadata)),
      "metadata = schema.MetaData { … }, one for all tables of a database")
  end
  if type(options.tablename) ~= "string" or options.tablename == "" then
    fault.raise(place, ("%s '%s' needs tablename, the table's name in the database; got %s"):format(what, class_name,
      fault.show(options.tablename)), "tablename = meta_tables.schema_table_name(\"app\", \"concept\")")
  end
end

local function check_free(definition, place)
  for _, model in ipairs(registry.models(definition.metadata)) do
    local other = registry.definition(model)
    if other.tablename == definition.tablename
        and registry.effective_schema(other) == registry.effective_schema(definition) then
      fault.raise(place, ("table '%s' of model '%s' is declared twice in this metadata: '%s' at %s is the first"):format(
        definition.tablename, definition.class_name, other.class_name, fault.text(other.place)))
    end
  end
end

---Declares a model.
---@param kind "plain"|"platform_managed"|"time_index"
---@param class_name string
---@param options table
---@param place mainsequence.Place?
---@param module string
---@return table model
function M.declare(kind, class_name, options, place, module)
  local what = NAMES[kind]
  fault.check_options(place, what, options, OPTIONS[kind])
  if kind == "plain" and options.tablename == nil and type(class_name) == "string" then
    local copy = { tablename = class_name }
    for key, value in next, options do copy[key] = value end
    options = copy
  end
  check_head(what, class_name, options, place)
  local collection = registry.collection(options.metadata)
  local schema = options.schema or collection.schema
  local definition = {
    model = setmetatable({}, Model), class_name = class_name, tablename = options.tablename, schema = schema,
    metadata = options.metadata, kind = kind, module = options.module or module, options = options, columns = {},
    by_key = {}, place = place, foreign_key_places = {},
  }
  definition.description = {
    name = options.tablename, schema = schema, comment = options.comment, prefixes = options.prefixes,
    info = options.info, postgresql = options.postgresql, sqlite = options.sqlite,
    naming_convention = collection.naming_convention, columns = core.array({}), kind = kind, class_name = class_name,
    module = definition.module, source = place and place.source, line = place and place.line,
    meta = meta_of(kind, options),
  }
  check_free(definition, place)
  registry.add_model(definition)
  return definition.model
end

return M
