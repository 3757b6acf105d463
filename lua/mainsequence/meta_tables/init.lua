-- Models of the platform, their names, contracts, requests and fingerprints.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local models = require("mainsequence.schema.model")
local registry = require("mainsequence.schema.registry")

---@class mainsequence.meta_tables
local M = {}

-- ---- Models --------------------------------------------------------------------------------------

---Options of models. Columns follow as assignments: Asset.uid = types.Uuid { primary_key = true }.
---@class mainsequence.ModelOptions
---@field metadata table schema.MetaData
---@field tablename string name in the database
---@field schema string?
---@field namespace string? needed for requests and fingerprints
---@field identifier string?
---@field description string?
---@field labels string[]|string|nil
---@field provisioning table?
---@field protect_from_deletion boolean?
---@field introspect boolean?
---@field hash_namespace string?
---@field extra_hash_components table?
---@field data_source_uid string?
---@field info table?
---@field comment string?
---@field module string? default: the `require` name of the declaring chunk
---@field time_index_name string? time-indexed models only, as are the following
---@field index_names string[]? the grain, time index first
---@field identity_dimensions string[]? the grain after the time index
---@field cadence string? "1d", "5m" …
---@field storage_layout string?

---A table that the platform manages.
---@param class_name string
---@param options mainsequence.ModelOptions
---@return table model
function M.PlatformManagedMetaTable(class_name, options)
  local model = models.declare("platform_managed", class_name, options, fault.here(1), models.module_name(1))
  return model
end

---A table that the platform manages, indexed by time.
---@param class_name string
---@param options mainsequence.ModelOptions
---@return table model
function M.PlatformTimeIndexMetaTable(class_name, options)
  local model = models.declare("time_index", class_name, options, fault.here(1), models.module_name(1))
  return model
end

---Alembic's version table as a catalog entry. See mainsequence.meta_tables.alembic_version.
---@param options mainsequence.AlembicVersionOptions
---@return mainsequence.AlembicVersionMetaTable
function M.AlembicVersionMetaTable(options)
  local registry_table = require("mainsequence.meta_tables.alembic_version").new(options, fault.here(1))
  return registry_table
end

-- ---- Names ---------------------------------------------------------------------------------------

---Calls the core and blames the script's line for what it refuses.
local function guarded(call)
  return function(...)
    local ok, first, second = pcall(call, ...)
    if ok then return first, second end
    local place = fault.here(1)
    if not core.is_error(first) then fault.raise(place, (tostring(first):gsub("mainsequence%.core%.", ""))) end
    if place and not first.source then first.source, first.line = place.source, place.line end
    error(first, 0)
  end
end

---app__concept[__suffix], at most 63 characters.
---@type fun(app: string, concept: string, suffix: string?): string
M.schema_table_name = guarded(core.schema_table_name)
---@type fun(name: string): { app: string, concept: string, suffix: string? }
M.parse_schema_table_name = guarded(core.parse_schema_table_name)
---@type fun(table_name: string, columns: string[], unique: boolean?): string
M.schema_index_name = guarded(core.schema_index_name)
---@type fun(table_name: string, columns: string[], target_table: string, target_columns: string[]?): string
M.schema_foreign_key_name = guarded(core.schema_foreign_key_name)
---@type fun(table_name: string): string
M.schema_primary_key_name = guarded(core.schema_primary_key_name)
---@type fun(table_name: string, columns: string[]): string
M.schema_unique_constraint_name = guarded(core.schema_unique_constraint_name)
---@type fun(table_name: string, name: string?): string
M.schema_check_constraint_name = guarded(core.schema_check_constraint_name)
---@type fun(parts: string[], max_length: integer?): string
M.bounded_identifier = guarded(core.bounded_identifier)
---@type fun(text: string): string
M.slugify_identifier = guarded(core.slugify_identifier)
---@type fun(text: string, label: string?): string
M.normalize_identifier_part = guarded(core.normalize_identifier_part)

---The naming convention of the platform, for schema.MetaData: kind of object → the function that names it.
---@return { ix: function, fk: function, pk: function, uq: function, ck: function }
function M.naming_convention()
  return (models.naming_convention {
    ix = M.schema_index_name, fk = M.schema_foreign_key_name, pk = M.schema_primary_key_name,
    uq = M.schema_unique_constraint_name, ck = M.schema_check_constraint_name,
  })
end

-- ---- Requests and fingerprints -------------------------------------------------------------------

local function frozen(model, what, place)
  if not registry.is_model(model) then
    fault.raise(place, ("%s takes a model, got %s"):format(what, fault.show(model)),
      registry.is_column(model) and "it is given one of the model's columns" or nil)
  end
  return registry.table_of(model)
end

-- The uid of the data source, nearest first: the call, the declaration, the bound catalog row.
local function data_source_uid(model, options, what, place)
  local definition = registry.definition(model)
  local row = definition.row
  local uid = options.data_source_uid or definition.description.meta.data_source_uid or (row and row.data_source_uid)
  if type(uid) ~= "string" or not uid:find("%S") then
    fault.raise(place, ("%s of model '%s' needs data_source_uid, got %s"):format(what, definition.class_name, fault.show(uid)),
      "give it in the call, or to the model; client.DynamicTableDataSource.session() knows the project's own")
  end
  return uid
end

local function request(method, what, known, model, options, place)
  local table_of_model = frozen(model, what, place)
  options = options or {}
  fault.check_options(place, what, options, known)
  local copy = {}
  for key, value in next, options do copy[key] = value end
  copy.data_source_uid = data_source_uid(model, options, what, place)
  if copy.labels then copy.labels = core.array(table.move(copy.labels, 1, #copy.labels, 1, {})) end
  return fault.blame(registry.definition(model).place, table_of_model[method], table_of_model, copy)
end

local REQUEST_OPTIONS = { "data_source_uid", "labels", "namespace" }

---Body of the registration of a platform-managed or time-indexed table.
---@param model table
---@param options { data_source_uid: string?, labels: string[]?, namespace: string? }?
---@return table request
function M.build_registration_request(model, options)
  local body = request("registration_request", "build_registration_request", REQUEST_OPTIONS,
    model, options, fault.here(1))
  return body
end

---Body of the registration of a table that the application owns.
---@param model table
---@param options { data_source_uid: string?, labels: string[]?, namespace: string? }?
---@return table request
function M.external_registered_registration_request_from_model(model, options)
  local body = request("external_registration_request", "external_registered_registration_request_from_model",
    REQUEST_OPTIONS, model, options, fault.here(1))
  return body
end

---@class mainsequence.FingerprintOptions
---@field namespace string?
---@field schema string? default: the table's, else "public"
---@field hash_namespace string?
---@field extra_components table?
---@field include_table_name boolean? default true

local FINGERPRINT_OPTIONS = { "namespace", "schema", "hash_namespace", "extra_components", "include_table_name" }

---The fingerprint of what a model stores: it tells whether two declarations are the same. It is never identity;
---labels, descriptions, runtime options and uids do not belong into extra_components.
---@param model table
---@param options mainsequence.FingerprintOptions?
---@return string fingerprint, string canonical_text
function M.compute_metatable_contract_hash(model, options)
  local place = fault.here(1)
  local table_of_model = frozen(model, "compute_metatable_contract_hash", place)
  fault.check_options(place, "compute_metatable_contract_hash", options or {}, FINGERPRINT_OPTIONS)
  local ok, fingerprint, text = pcall(table_of_model.fingerprint, table_of_model, options or {})
  if ok then return fingerprint, text end
  local declared = registry.definition(model).place
  if core.is_error(fingerprint) and declared then fingerprint.source, fingerprint.line = declared.source, declared.line end
  error(fingerprint, 0)
end

-- ---- Later parts, loaded when they are asked for --------------------------------------------------

local LAZY = {
  bind = "mainsequence.meta_tables.bind",
  meta_table = "mainsequence.meta_tables.bind",
  register_external_model = "mainsequence.meta_tables.register",
}

return setmetatable(M, {
  __index = function(module, name)
    if not LAZY[name] then return nil end
    local value = require(LAZY[name])[name]
    rawset(module, name, value)
    return value
  end,
})
