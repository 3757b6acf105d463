--- The protocol's reply models, and their reader: what a TS Manager sends is checked field by field, with the
--- strictness of the reference's models. Unknown keys, wrong kinds and missing fields are faults; fields that
--- were left out get their defaults. In what is read, null is nil.

local core = require("mainsequence.core")

local M = {}

---@class mainsequence.ReplyField
---@field [1] string name
---@field [2] mainsequence.ReplyKind
---@field required boolean?
---@field default any what stands for a field that was left out; a function makes it

---@class mainsequence.ReplyModel
---@field name string
---@field fields mainsequence.ReplyField[] in the order of documents
---@field known table<string, mainsequence.ReplyField>
---@field dropped table<string, boolean> old keys that are left out without a word
---@field extras boolean? unknown keys are kept

---Reads a value at a path: value and nil, or nil and what is wrong with it. nil, nil stands for null.
---@alias mainsequence.ReplyKind fun(value: any, path: string): any, string?

-- ---- Kinds ---------------------------------------------------------------------------------------

local function show(value)
  if value == core.null then
    return "null"
  end
  if type(value) == "string" then
    return ("'%s'"):format(#value > 60 and value:sub(1, 60) .. "…" or value)
  end
  if type(value) == "table" then
    return core.is_array(value) and "a list" or "an object"
  end
  return tostring(value)
end

local function fault(path, expected, value)
  return nil, ("%s: %s was expected, got %s"):format(path, expected, show(value))
end

local function is_object(value)
  return type(value) == "table" and not core.is_array(value)
end

local kinds = {}

function kinds.any(value)
  return value
end

function kinds.text(value, path)
  if type(value) == "string" then
    return value
  end
  return fault(path, "text", value)
end

local WORDS = {
  ["true"] = true, yes = true, on = true, y = true, t = true, ["1"] = true,
  ["false"] = false, no = false, off = false, n = false, f = false, ["0"] = false,
}

function kinds.flag(value, path)
  local flag = value
  if type(value) == "string" then
    flag = WORDS[value:lower()]
  elseif value == 1 or value == 0 then
    flag = value == 1
  end
  if type(flag) ~= "boolean" then
    return fault(path, "true or false", value)
  end
  return flag
end

function kinds.integer(value, path)
  local integer
  if type(value) == "boolean" then
    integer = value and 1 or 0
  elseif type(value) == "number" then
    integer = math.tointeger(value)
  elseif type(value) == "string" and value:find("^%s*[+-]?%d+%s*$") then
    integer = math.tointeger(tonumber(value))
  end
  if not integer then
    return fault(path, "a whole number", value)
  end
  return integer
end

-- Seconds since 1970, or milliseconds where seconds would be beyond the year 2600.
local SECONDS_LIMIT = 2e10

function kinds.moment(value, path)
  local number = type(value) == "number" and value or type(value) == "string" and value:find("^[+-]?%d+%.?%d*$")
    and tonumber(value)
  if number then
    local seconds = math.abs(number) > SECONDS_LIMIT and number / 1000 or number
    return core.format_time(math.floor(seconds * 1e6), true)
  end
  local text = type(value) == "string" and value or ""
  local date, clock = text:match("^(%d%d%d%d%-%d%d%-%d%d)(.*)$")
  local zoned = date and (clock == "" and date .. "T00:00:00Z" or clock:find("[Zz]$") and text
    or clock:find("[+-]%d%d:?%d%d$") and text or text .. "Z")
  if not zoned or not core.normalize_time((zoned:gsub(" ", "T"))) then
    return fault(path, "a date and time", value)
  end
  return text
end

function kinds.object(value, path)
  if is_object(value) then
    return value
  end
  return fault(path, "an object", value)
end

function kinds.list(value, path)
  if type(value) == "table" and core.is_array(value) then
    return value
  end
  return fault(path, "a list", value)
end

function kinds.cadence(value, path)
  if type(value) ~= "string" then
    return fault(path, "an interval such as 1d", value)
  end
  local good, cadence = pcall(core.normalize_cadence, value)
  if not good then
    return fault(path, "an interval such as 1d", value)
  end
  return cadence
end

-- Type names repeat from column to column; a server that sends thousands of them does not fill the memory.
local REMEMBERED = 1000
local function remembered(normalize)
  local known, count = {}, 0
  return function(text)
    local found = known[text]
    if found == nil then
      local good, result = pcall(normalize, text)
      found = { good, result }
      if count >= REMEMBERED then
        known, count = {}, 0
      end
      known[text], count = found, count + 1
    end
    return found[1], found[2]
  end
end
local data_type, backend_type = remembered(core.normalize_data_type), remembered(core.normalize_backend_type)

-- A type of a column in a remote database: a timestamp without time zone is no such type.
local function type_kind(normalize)
  return function(value, path)
    if type(value) ~= "string" then
      return fault(path, "a type name", value)
    end
    local good, result = normalize(value)
    if not good then
      return nil, ("%s: %s"):format(path, result.message)
    end
    return result
  end
end
kinds.data_type, kinds.backend_type = type_kind(data_type), type_kind(backend_type)

local NAIVE = {
  ["datetime64[ns]"] = true, timestamp = true, ["timestamp without time zone"] = true,
  ["datetime without time zone"] = true, ["datetime naive"] = true,
}

-- As data_type, where timestamps without time zone are allowed too.
function kinds.local_data_type(value, path)
  local key = type(value) == "string" and value:gsub("_", " "):lower():gsub("%s+", " "):match("^ ?(.-) ?$")
  if key and NAIVE[key] then
    return "datetime64[ns]"
  end
  return kinds.data_type(value, path)
end

-- In a map of types, a type may be written as a number too.
local function mapped_data_type(value, path)
  return kinds.local_data_type(type(value) == "number" and tostring(value) or value, path)
end

-- ---- Kinds made of kinds -------------------------------------------------------------------------

---Null is allowed.
local function optional(kind)
  return function(value, path)
    if value == core.null then
      return nil
    end
    return kind(value, path)
  end
end

local function one_of(...)
  local words = table.pack(...)
  return function(value, path)
    for _, word in ipairs(words) do
      if word == value then
        return value
      end
    end
    return fault(path, table.concat(words, " or "), value)
  end
end

---The first kind that reads the value.
local function either(expected, ...)
  local choices = table.pack(...)
  return function(value, path)
    for _, kind in ipairs(choices) do
      local result, wrong = kind(value, path)
      if not wrong then
        return result
      end
    end
    return fault(path, expected, value)
  end
end

local function list_of(kind)
  return function(value, path)
    if type(value) ~= "table" or not core.is_array(value) then
      return fault(path, "a list", value)
    end
    local list = core.array({})
    for position, item in ipairs(value) do
      local result, wrong = kind(item, ("%s[%d]"):format(path, position))
      if wrong then
        return nil, wrong
      end
      list[position] = result
    end
    return list
  end
end

local function map_of(kind)
  return function(value, path)
    if not is_object(value) then
      return fault(path, "an object", value)
    end
    local map = core.object()
    for _, key in ipairs(core.keys(value)) do
      local result, wrong = kind(value[key], path .. "." .. key)
      if wrong then
        return nil, wrong
      end
      map[key] = result
    end
    return map
  end
end

-- ---- Models --------------------------------------------------------------------------------------

---@param name string
---@param fields mainsequence.ReplyField[]
---@param options { dropped: string[]?, extras: boolean?, aliases: table<string, string>?, finish: fun(object: table)? }?
---@return mainsequence.ReplyModel
local function model(name, fields, options)
  options = options or {}
  local made = {
    name = name, fields = fields, known = {}, dropped = { orm_class = true }, extras = options.extras,
    aliases = options.aliases or {}, finish = options.finish,
  }
  for _, field in ipairs(fields) do
    made.known[field[1]] = field
  end
  for _, key in ipairs(options.dropped or {}) do
    made.dropped[key] = true
  end
  return made
end

local function default_of(field)
  if type(field.default) == "function" then
    return field.default()
  end
  return field.default
end

local function take_given(made, document, object, prefix)
  for _, key in ipairs(core.keys(document)) do
    local field = made.known[made.aliases[key] or key]
    if field then
      local value, wrong = field[2](document[key], prefix .. key)
      if wrong then
        return wrong
      end
      object[field[1]] = value
    elseif made.extras and document[key] ~= core.null then
      object[key] = document[key]
    elseif not made.extras and not made.dropped[key] then
      return ("%s%s: no such field"):format(prefix, key)
    end
  end
end

local function has(made, document, name)
  if document[name] ~= nil then
    return true
  end
  for alias, field in next, made.aliases do
    if field == name and document[alias] ~= nil then
      return true
    end
  end
  return false
end

---Reads a document: an object with the model's fields, or nil and what is wrong.
---@param made mainsequence.ReplyModel
---@param document any
---@param path string? where the document stands, for messages
---@return table|nil object, string? wrong
function M.read(made, document, path)
  if not is_object(document) then
    return fault(path or made.name, "an object", document)
  end
  local object, prefix = {}, path and path .. "." or ""
  local wrong = take_given(made, document, object, prefix)
  if wrong then
    return nil, wrong
  end
  for _, field in ipairs(made.fields) do
    if not has(made, document, field[1]) then
      if field.required then
        return nil, ("%s%s: is missing"):format(prefix, field[1])
      end
      object[field[1]] = default_of(field)
    end
  end
  if made.finish then
    made.finish(object)
  end
  return object
end

-- A model as the kind of a field.
local function nested(made)
  return function(value, path)
    return M.read(made, value, path)
  end
end

-- Whether an object can be one of the model's: where either of several was allowed, it need not.
local function fits(made, object)
  for _, field in ipairs(made.fields) do
    if field.required and object[field[1]] == nil then
      return false
    end
  end
  return true
end

---The document of something that was read: every field in the model's order, null for nil.
---@param made mainsequence.ReplyModel
---@param object table
---@return table document
function M.document(made, object)
  local document = core.object()
  for _, field in ipairs(made.fields) do
    local value, inner = object[field[1]], field.model
    if value == nil then
      value = core.null
    elseif inner and core.is_array(value) then
      local list = core.array({})
      for position, item in ipairs(value) do
        list[position] = M.document(inner, item)
      end
      value = list
    elseif inner and type(value) == "table" and fits(inner, value) then
      value = M.document(inner, value)
    end
    document[field[1]] = value
  end
  for _, key in ipairs(made.extras and core.keys(object) or {}) do
    if not made.known[key] then
      document[key] = object[key]
    end
  end
  return document
end

-- ---- The protocol's models -----------------------------------------------------------------------

local function empty_list()
  return core.array({})
end
local function empty_object()
  return core.object()
end

local text, flag, integer, moment = kinds.text, kinds.flag, kinds.integer, kinds.moment
local opt_text, opt_object, opt_integer = optional(text), optional(kinds.object), optional(integer)
local texts = list_of(text)

local function object_field(name)
  return { name, kinds.object, default = empty_object }
end

local function many(name, inner, required)
  return { name, list_of(nested(inner)), model = inner, required = required, default = not required and empty_list or nil }
end

M.DataSource = model("DataSource", {
  { "uid", opt_text }, { "data_source_uid", opt_text }, { "id", opt_integer },
  { "display_name", text, required = true }, { "organization", opt_integer }, { "organization_uid", opt_text },
  { "class_type", text, required = true }, { "status", text, required = true }, { "extra_arguments", opt_object },
})

M.DynamicTableDataSource = model("DynamicTableDataSource", {
  { "uid", opt_text }, { "id", opt_integer },
  { "related_resource", nested(M.DataSource), model = M.DataSource, required = true },
  { "related_resource_class_type", text, required = true },
})

M.Project = model("Project", {
  { "uid", opt_text }, { "project_name", text, required = true },
  { "data_source", optional(nested(M.DynamicTableDataSource)), model = M.DynamicTableDataSource },
  { "git_ssh_url", opt_text }, { "latest_git_version", text, default = "" },
  { "created_by", optional(either("text, a whole number or an object", text, integer, kinds.object)) },
  { "labels", texts, default = empty_list }, { "is_initialized", flag, required = true },
})

M.Column = model("MetaTableColumn", {
  { "name", text, required = true }, { "logical_name", opt_text }, { "data_type", kinds.data_type, required = true },
  { "backend_type", optional(kinds.backend_type) }, { "nullable", flag, default = true },
  { "primary_key", flag, default = false }, { "unique", flag, default = false }, { "server_default", opt_text },
  { "ordinal_position", integer, default = 0 }, { "description", opt_text }, { "label", opt_text },
  object_field("contract_fragment"),
})

M.Index = model("MetaTableIndex", {
  { "name", opt_text }, { "columns", texts, default = empty_list }, { "unique", flag, default = false },
  { "method", opt_text }, { "expression", opt_text }, object_field("contract_fragment"),
})

M.ForeignKey = model("MetaTableForeignKey", {
  { "name", opt_text }, { "source_columns", texts, default = empty_list }, { "target_table_uid", opt_text },
  { "target_columns", texts, default = empty_list }, { "on_delete", opt_text }, object_field("contract_fragment"),
}, { dropped = { "target_table_storage_hash" } })

-- A number, a data source, or any other object.
local data_source = optional(either("a whole number or an object", integer, nested(M.DynamicTableDataSource), kinds.object))

local META_TABLE = {
  { "uid", opt_text }, { "data_source", data_source, model = M.DynamicTableDataSource },
  { "data_source_uid", opt_text }, { "identifier", opt_text },
  { "namespace", opt_text }, { "description", opt_text }, { "labels", texts, default = empty_list },
  { "management_mode", one_of("external_registered", "platform_managed"), required = true },
  { "provisioning_status", one_of("reserved", "active"), default = "active" },
  { "schema_management_mode", one_of("backend_managed", "alembic_managed", "external_registered"),
    default = "backend_managed" },
  object_field("schema_management"), { "migration_package", opt_text }, { "migration_namespace", opt_text },
  { "migration_provider_key", opt_text }, { "alembic_version_meta_table_uid", opt_text }, { "alembic_revision", opt_text },
  { "physical_table_name", text, required = true }, object_field("table_contract"),
  { "contract_version", text, default = "relational-table.v1" }, { "table_kind", opt_text },
  { "time_indexed", optional(flag) }, object_field("introspection_snapshot"),
  { "protect_from_deletion", flag, default = false }, many("columns", M.Column), many("indexes_meta", M.Index),
  many("foreign_keys", M.ForeignKey), many("incoming_fks", M.ForeignKey), { "creation_date", optional(moment) },
  { "created_by_user_uid", opt_text }, { "organization_owner_uid", opt_text }, object_field("registration"),
}
M.MetaTable = model("MetaTable", META_TABLE, { dropped = { "storage_hash" } })

M.ColumnMetadata = model("ColumnMetadata", {
  { "column_name", text, required = true }, { "dtype", kinds.local_data_type, required = true }, { "label", opt_text },
  { "description", opt_text }, { "source_config_id", opt_integer },
}, { aliases = { name = "column_name", data_type = "dtype" } })

-- Without a map of types, the columns tell them.
local function types_from_columns(profile)
  if #core.keys(profile.column_dtypes_map) == 0 then
    for _, column in ipairs(profile.columns) do
      profile.column_dtypes_map[column.name] = column.data_type
    end
  end
end

M.TimeIndexedProfile = model("TimeIndexedProfile", {
  { "column_dtypes_map", map_of(mapped_data_type), default = empty_object }, many("columns", M.Column),
  { "index_names", kinds.list, required = true }, { "dynamic_table_uid", opt_text }, { "related_table_uid", opt_text },
  { "time_index_name", text, required = true }, { "cadence", optional(kinds.cadence) },
  { "partition_strategy", opt_text }, { "last_time_index_value", optional(moment) },
  { "earliest_index_value", optional(moment) }, { "storage_layout", opt_object }, { "physical_index_plan", opt_object },
  { "multi_index_stats", opt_object }, { "multi_index_column_stats", opt_object },
  { "columns_metadata", optional(list_of(nested(M.ColumnMetadata))), model = M.ColumnMetadata },
  { "column_index_names", optional(kinds.list), default = function()
    return core.array({ core.null })
  end },
}, { finish = types_from_columns })

local TIME_INDEX = table.move(META_TABLE, 1, #META_TABLE, 1, {})
for _, field in ipairs({
  { "build_configuration_json_schema", opt_object }, { "data_source_open_for_everyone", flag, default = false },
  { "source_class_name", opt_text }, { "cadence", optional(kinds.cadence) },
  { "time_indexed_profile", optional(nested(M.TimeIndexedProfile)), model = M.TimeIndexedProfile },
  { "table_index_names", opt_object }, { "compression_policy_config", opt_object },
  { "retention_policy_config", opt_object },
}) do
  TIME_INDEX[#TIME_INDEX + 1] = field
end
M.TimeIndexMetaTable = model("TimeIndexMetaTable", TIME_INDEX, { dropped = { "storage_hash" } })

M.MigrationConnection = model("MigrationConnection", {
  { "ok", flag, required = true }, { "data_source_uid", text, required = true }, { "dialect", text, required = true },
  { "credential_kind", text, required = true }, { "role_name", text, required = true }, { "owner_role_name", opt_text },
  { "expires_at", moment, required = true }, { "uri", text, required = true },
}, { extras = true })

M.FinalizeTableResult = model("FinalizeTableResult", {
  { "meta_table_uid", text, required = true }, { "identifier", opt_text }, { "physical_table_name", opt_text },
  { "previous_provisioning_status", text, required = true }, { "provisioning_status", text, required = true },
  { "table_kind", text, required = true }, { "time_indexed", flag, required = true },
  { "cadence", optional(kinds.cadence) }, { "finalized", flag, required = true },
  { "physical_table_exists", flag, required = true }, { "schema_management_mode", opt_text },
  { "migration_package", opt_text }, { "migration_namespace", opt_text }, { "migration_provider_key", opt_text },
  { "alembic_version_meta_table_uid", opt_text }, { "alembic_revision", opt_text }, { "error", opt_object },
}, { dropped = { "storage_hash" } })

M.FinalizeResult = model("FinalizeResult", {
  { "ok", flag, required = true }, { "finalized_count", integer, required = true },
  { "active_count", integer, required = true }, { "reserved_count", integer, required = true },
  { "failed_count", integer, required = true }, many("tables", M.FinalizeTableResult, true),
}, { extras = true })

M.Label = model("Label", {
  { "id", opt_integer }, { "name", text, required = true }, { "slug", opt_text }, { "description", opt_text },
  { "color", opt_text }, { "is_active", optional(flag) }, { "usage_count", opt_integer },
})
M.LabelSet = model("LabelSet", { many("labels", M.Label, true) })

M.User = model("User", {
  { "id", opt_integer }, { "uid", opt_text }, { "first_name", text, required = true },
  { "last_name", text, required = true }, { "username", text, required = true }, { "email", text, required = true },
  { "phone_number", opt_text },
})
M.Team = model("Team", {
  { "id", opt_integer }, { "uid", opt_text }, { "name", text, required = true }, { "description", text, default = "" },
  { "member_count", integer, default = 0 },
})
M.AccessState = model("AccessState", {
  { "object_id", integer, required = true }, { "object_type", text, required = true },
  { "access_level", one_of("view", "edit"), required = true }, many("users", M.User), many("teams", M.Team),
})

return M
