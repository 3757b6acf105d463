-- What a model is, behind the empty table that the user sees. Other modules find here its columns, its
-- frozen table and its catalog row.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

---@class mainsequence.Definition
---@field model table the user's model
---@field class_name string
---@field tablename string
---@field schema string? as given
---@field metadata table
---@field kind "plain"|"platform_managed"|"time_index"
---@field module string
---@field options table the options as given
---@field columns table[] column elements in declaration order
---@field by_key table<string, table> column elements by their Lua name
---@field description table what mainsequence.core is told
---@field place mainsequence.Place? where the model was declared
---@field table mainsequence.Table? once sealed
---@field row table? the bound catalog row

---@class mainsequence.ColumnRecord
---@field model table
---@field key string
---@field name string
---@field description table the column's part of the table's description
---@field options table options as given
---@field place mainsequence.Place? where it was declared

local definitions = setmetatable({}, { __mode = "k" }) ---@type table<table, mainsequence.Definition>
local columns = setmetatable({}, { __mode = "k" }) ---@type table<table, mainsequence.ColumnRecord>
local collections = setmetatable({}, { __mode = "k" }) ---@type table<table, table>

---@param value any
---@return boolean
function M.is_model(value)
  return definitions[value] ~= nil
end

---@param value any
---@return boolean
function M.is_column(value)
  return columns[value] ~= nil
end

---@param value any
---@return boolean
function M.is_metadata(value)
  return collections[value] ~= nil
end

---@param model table
---@return mainsequence.Definition
function M.definition(model)
  local definition = definitions[model]
  if not definition then
    fault.raise(fault.here(2), ("a model is expected, got %s"):format(
      columns[model] and "the column " .. M.column_label(model) or fault.show(model)))
  end
  return definition
end

---@param column table
---@return mainsequence.ColumnRecord
function M.column(column)
  return columns[column] or fault.raise(fault.here(2), ("a column is expected, got %s"):format(fault.show(column)))
end

---"Asset.symbol", for messages.
---@param column table
---@return string
function M.column_label(column)
  local record = columns[column]
  return definitions[record.model].class_name .. "." .. record.key
end

---Column elements in declaration order. Does not seal the model.
---@param model table
---@return table[]
function M.columns(model)
  local list = {}
  for position, column in ipairs(M.definition(model).columns) do list[position] = column end
  return list
end

---Models of a collection in declaration order.
---@param metadata table
---@return table[]
function M.models(metadata)
  local collection = collections[metadata]
  if not collection then
    fault.raise(fault.here(1), ("schema.MetaData is expected, got %s"):format(fault.show(metadata)))
  end
  local list = {}
  for position, model in ipairs(collection.models) do list[position] = model end
  return list
end

---@param metadata table
---@return { models: table[], naming_convention: boolean, schema: string? }?
function M.collection(metadata)
  return collections[metadata]
end

---@param metadata table
---@param collection table
function M.add_metadata(metadata, collection)
  collections[metadata] = collection
end

---@param definition mainsequence.Definition
function M.add_model(definition)
  definitions[definition.model] = definition
  local models = collections[definition.metadata].models
  models[#models + 1] = definition.model
end

---@param element table
---@param record mainsequence.ColumnRecord
function M.add_column(element, record)
  columns[element] = record
  local definition = definitions[record.model]
  definition.columns[#definition.columns + 1] = element
  definition.by_key[record.key] = element
  local described = definition.description.columns
  described[#described + 1] = record.description
end

---The schema as the database knows it: the platform's own tables live in the default one.
---@param definition mainsequence.Definition
---@return string?
function M.effective_schema(definition)
  if definition.kind ~= "plain" and definition.schema == "public" then return nil end
  return definition.schema
end

local function find_table(definition, schema, name)
  for _, model in ipairs(collections[definition.metadata].models) do
    local candidate = definitions[model]
    if candidate.tablename == name and M.effective_schema(candidate) == schema then return candidate end
  end
end

local function has_column(definition, name)
  local names = {}
  for position, described in ipairs(definition.description.columns) do
    if described.name == name then return true end
    names[position] = described.name
  end
  return false, names
end

---References by text ("table.column") are looked up when the model is sealed: a cycle needs them, and the
---table may be unknown here, but a known table must have the column.
local function check_reference(definition, key, place)
  local target = find_table(definition, key.referred_schema, key.referred_table)
  for _, name in ipairs(target and key.referred_columns or {}) do
    local found, names = has_column(target, name)
    if not found then
      fault.raise(place, ("table '%s' refers to column '%s.%s', which does not exist"):format(definition.tablename,
        key.referred_table, name), fault.did_you_mean(name, names))
    end
  end
end

local function check_references(definition)
  for _, element in ipairs(definition.columns) do
    local record = columns[element]
    if record.description.foreign_key then check_reference(definition, record.description.foreign_key, record.place) end
  end
  for position, key in ipairs(definition.description.foreign_keys or {}) do
    check_reference(definition, key, definition.foreign_key_places[position])
  end
end

---The frozen table of a model. The first call seals the model; what is wrong with its declaration raises.
---@param model table
---@return mainsequence.Table
function M.table_of(model)
  local definition = M.definition(model)
  if not definition.table then
    if #definition.columns == 0 then
      fault.raise(definition.place, ("model '%s' (table '%s') has no columns"):format(definition.class_name,
        definition.tablename), ("declare one, as in %s.uid = types.Uuid { primary_key = true }"):format(definition.class_name))
    end
    check_references(definition)
    definition.table = core.table(definition.description)
  end
  return definition.table
end

---The frozen tables of a collection, or of a list of models, in declaration order.
---@param models table  schema.MetaData or a list of models
---@return mainsequence.Table[]
function M.tables_of(models)
  local list = {}
  for position, model in ipairs(collections[models] and collections[models].models or models) do
    list[position] = M.table_of(model)
  end
  return list
end

---The catalog row that the model is bound to, or nil.
---@param model table
---@return table?
function M.binding(model)
  return M.definition(model).row
end

---@param model table
---@param row table?
function M.set_binding(model, row)
  M.definition(model).row = row
end

return M
