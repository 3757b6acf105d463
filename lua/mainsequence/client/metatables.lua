--- Builders of request bodies: unknown keys, wrong kinds and missing fields raise before anything is sent;
--- keys come in the protocol's order, defaults filled in, what is not given left out.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

-- ---- Fields ------------------------------------------------------------------------------------

local function is_list(value)
  return type(value) == "table" and (core.is_array(value) or next(value) == nil or #value > 0)
end

local CHECKS = {
  text = function(value)
    return type(value) == "string" and value ~= "", "text"
  end,
  flag = function(value)
    return type(value) == "boolean", "true or false"
  end,
  count = function(value)
    return math.type(value) == "integer" and value >= 1, "a whole number of at least 1"
  end,
  object = function(value)
    return type(value) == "table" and not core.is_array(value), "a table of named fields"
  end,
  texts = function(value)
    if not is_list(value) then
      return false, "a list of texts"
    end
    for _, item in ipairs(value) do
      if type(item) ~= "string" then
        return false, "a list of texts"
      end
    end
    return true
  end,
}

---@class mainsequence.RequestField
---@field [1] string name
---@field [2] string kind
---@field required boolean?
---@field default any
---@field one_of string[]?

local function check_field(what, field, value, place)
  local good, expected = CHECKS[field[2]](value)
  if not good then
    fault.raise(place, ("%s: %s must be %s, got %s"):format(what, field[1], expected, fault.show(value)))
  end
  if field.one_of then
    for _, word in ipairs(field.one_of) do
      if word == value then
        return
      end
    end
    fault.raise(place, ("%s: %s is %s"):format(what, field[1], fault.show(value)),
      fault.did_you_mean(value, field.one_of) or "it is one of: " .. table.concat(field.one_of, ", "))
  end
end

local function build(what, fields, given, place)
  if type(given) ~= "table" then
    fault.raise(place, ("%s takes a table of fields, got %s"):format(what, fault.show(given)))
  end
  local names, known = {}, {}
  for position, field in ipairs(fields) do
    names[position], known[field[1]] = field[1], true
  end
  -- a key of former versions, left out without a word
  known.storage_hash = fields.former_hash
  for _, key in ipairs(fault.sorted_keys(given)) do
    if not known[key] then
      fault.raise(place, ("%s has no field %s"):format(what, fault.show(key)),
        fault.did_you_mean(key, names) or "its fields are: " .. table.concat(names, ", "))
    end
  end
  local body = core.object()
  for _, field in ipairs(fields) do
    local value = given[field[1]]
    if value == nil or value == core.null then
      if field.required then
        fault.raise(place, ("%s needs %s"):format(what, field[1]))
      end
      value = field.default
      if type(value) == "function" then
        value = value()
      end
    else
      check_field(what, field, value, place)
      if field[2] == "texts" then
        value = core.array(table.move(value, 1, #value, 1, {}))
      end
    end
    body[field[1]] = value
  end
  return body
end

local function empty_list()
  return core.array({})
end

-- ---- Contracts ---------------------------------------------------------------------------------

-- A contract that lacks what a whole one has: as it is, its types in their normal form.
local function normalize_types(contract)
  local copy = core.object()
  for _, key in ipairs(core.keys(contract)) do
    copy[key] = contract[key]
  end
  if type(contract.columns) ~= "table" then
    return copy
  end
  copy.columns = core.array({})
  for position, column in ipairs(contract.columns) do
    if type(column) == "table" and not core.is_array(column) then
      local typed = core.object()
      for _, key in ipairs(core.keys(column)) do
        typed[key] = column[key]
      end
      if type(column.data_type) == "string" then
        typed.data_type = core.normalize_data_type(column.data_type)
      end
      if type(column.backend_type) == "string" then
        typed.backend_type = core.normalize_backend_type(column.backend_type)
      end
      column = typed
    end
    copy.columns[position] = column
  end
  return copy
end

---A contract as it is sent: a whole one in its normal form, an incomplete one with its types normalised; the TS
---Manager judges the rest.
---@param contract table
---@param place mainsequence.Place?
---@return table contract
function M.contract(contract, place)
  local whole, normal = pcall(core.normalize_contract, contract)
  if not whole then
    return fault.blame(place, normalize_types, contract)
  end
  -- where a table stands is the data source's business, as the protocol has it
  normal.physical.schema = nil
  return normal
end

-- ---- Who manages the schema ----------------------------------------------------------------------

local MODES = { backend_managed = true, alembic_managed = true, external_registered = true }
local ALEMBIC = { package = true, migration_namespace = true, provider_key = true, alembic_version_meta_table_uid = true,
  revision = true }

local function has_only(object, known)
  for _, key in ipairs(core.keys(object)) do
    if not known[key] then
      return false
    end
  end
  return true
end

local function without_nulls(object)
  local copy = core.object()
  for _, key in ipairs(core.keys(object)) do
    if object[key] ~= core.null then
      copy[key] = object[key]
    end
  end
  return copy
end

-- schema_management of the protocol's form goes without nulls; any other is the TS Manager's to judge.
local function schema_management(given)
  local alembic = given and given.alembic
  local known = given and MODES[given.mode] and has_only(given, { mode = true, alembic = true })
    and (alembic == nil or type(alembic) == "table" and has_only(alembic, ALEMBIC))
  if not known then
    return given
  end
  local copy = without_nulls(given)
  copy.alembic = alembic and without_nulls(alembic)
  return copy
end

-- ---- Registration ------------------------------------------------------------------------------

local REGISTRATION = {
  { "data_source_uid", "text", required = true },
  { "table_contract", "object", required = true },
  { "identifier", "text" },
  { "namespace", "text" },
  { "description", "text" },
  { "protect_from_deletion", "flag", default = false },
  { "labels", "texts", default = empty_list },
  { "schema_management", "object" },
  { "management_mode", "text", required = true, one_of = { "external_registered", "platform_managed" } },
  { "provisioning", "object" },
  { "introspect", "flag", default = false },
  former_hash = true,
}

---Body of MetaTable.register.
---@param given table
---@param place mainsequence.Place?
---@return table request
function M.registration(given, place)
  local what = "MetaTableRegistrationRequest"
  local body = build(what, REGISTRATION, given, place)
  body.table_contract = M.contract(body.table_contract, place)
  body.schema_management = schema_management(body.schema_management)
  return body
end

local TIME_INDEX_REGISTRATION = {
  { "data_source_uid", "text", required = true },
  { "identifier", "text" },
  { "namespace", "text" },
  { "description", "text" },
  { "labels", "texts", default = empty_list },
  { "protect_from_deletion", "flag", default = false },
  { "schema_management", "object" },
  { "provisioning", "object", default = function()
    return core.object("create_table", true, "if_not_exists", true)
  end },
  { "time_index_name", "text", required = true },
  { "cadence", "text" },
  { "partition_strategy", "text", default = "backend_default" },
  { "table_contract", "object", required = true },
  former_hash = true,
}

-- What stands in the contract's own places, not in the request or beside it.
local MISPLACED = { "dynamic_table", "index_names", "storage_layout", "physical_index_plan" }

---Body of TimeIndexMetaTable.register.
---@param given table
---@param place mainsequence.Place?
---@return table request
function M.time_index_registration(given, place)
  local what = "TimeIndexMetaTableRegistrationRequest"
  local body = build(what, TIME_INDEX_REGISTRATION, given, place)
  for _, key in ipairs(MISPLACED) do
    if body.table_contract[key] ~= nil then
      fault.raise(place, ("%s: table_contract.%s is not allowed"):format(what, key),
        "index names and storage layout stand in table_contract.authoring.time_indexed")
    end
  end
  body.schema_management = schema_management(body.schema_management)
  if body.cadence then
    body.cadence = fault.blame(place, core.normalize_cadence, body.cadence)
  end
  local contract = core.object("version", "relational-table.v1", "table_kind", "time_indexed")
  for _, key in ipairs(core.keys(body.table_contract)) do
    if key ~= "table_kind" then
      contract[key] = body.table_contract[key]
    end
  end
  contract.physical = contract.physical or core.object()
  body.table_contract = contract
  return body
end

-- ---- Migrations --------------------------------------------------------------------------------

local FINALIZE = {
  { "meta_table_uids", "texts", required = true },
  { "migration_package", "text" },
  { "migration_namespace", "text" },
  { "migration_provider_key", "text" },
  { "alembic_version_meta_table_uid", "text" },
  { "alembic_revision", "text" },
}

---Body of MetaTable.finalize_managed.
---@param given table
---@param place mainsequence.Place?
---@return table request
function M.finalize(given, place)
  local body = build("ManagedMetaTableFinalizeRequest", FINALIZE, given, place)
  if #body.meta_table_uids == 0 then
    fault.raise(place, "ManagedMetaTableFinalizeRequest: meta_table_uids needs at least one uid")
  end
  return body
end

local VALIDATION = {
  { "table_contract", "object", required = true },
  { "management_mode", "text", one_of = { "external_registered", "platform_managed" } },
  former_hash = true,
}

---Body of MetaTable.validate_contract.
---@param given table
---@param place mainsequence.Place?
---@return table request
function M.validation(given, place)
  local body = build("MetaTableValidateContractRequest", VALIDATION, given, place)
  body.table_contract = M.contract(body.table_contract, place)
  return body
end

local CONNECTION = {
  { "purpose", "text", default = "schema_migration" },
  { "package", "text", default = "" },
  { "migration_namespace", "text", default = "" },
  { "ttl_seconds", "count", default = 900 },
}

---Body of DynamicTableDataSource.migration_connection.
---@param given table?
---@param place mainsequence.Place?
---@return table request
function M.migration_connection(given, place)
  return build("DataSourceMigrationConnectionRequest", CONNECTION, given or {}, place)
end

-- ---- Labels ------------------------------------------------------------------------------------

---Labels as they are sent: trimmed, blanks and repetitions (without regard to case) left out. None at all raises.
---@param what string
---@param labels string|number|(string|number)[]
---@param place mainsequence.Place?
---@return string[]
function M.labels(what, labels, place)
  if type(labels) ~= "table" then
    labels = { labels }
  end
  local list, seen = core.array({}), {}
  for _, label in ipairs(labels) do
    if type(label) ~= "string" and type(label) ~= "number" then
      fault.raise(place, ("%s: labels must be a list of texts, got %s"):format(what, fault.show(label)))
    end
    label = tostring(label):match("^%s*(.-)%s*$")
    local folded = core.casefold(label)
    if label ~= "" and not seen[folded] then
      seen[folded] = true
      list[#list + 1] = label
    end
  end
  if #list == 0 then
    fault.raise(place, what .. " needs at least one label")
  end
  return list
end

-- ---- Public names ------------------------------------------------------------------------------

local function public(builder)
  return function(given)
    local body = builder(given, fault.here(1))
    return body
  end
end

M.MetaTableValidateContractRequest = public(M.validation)
M.MetaTableRegistrationRequest = public(M.registration)
M.TimeIndexMetaTableRegistrationRequest = public(M.time_index_registration)
M.ManagedMetaTableFinalizeRequest = public(M.finalize)
M.DataSourceMigrationConnectionRequest = public(M.migration_connection)
---An operation of compiled-sql.v1, checked and with its defaults.
M.MetaTableCompiledSQLOperation = public(function(given, place)
  return fault.blame(place, core.validate_operation, given)
end)

return M
