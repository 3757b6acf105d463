-- Indexes and constraints: each constructor remembers its line, schema.constrain adds them to a model.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local models = require("mainsequence.schema.model")
local registry = require("mainsequence.schema.registry")
local sqltext = require("mainsequence.schema.sqltext")
local type_calls = require("mainsequence.schema.types")

local M = {}

local Constraint = { __name = "mainsequence.constraint" }
function Constraint:__tostring() return self.what end

---@class mainsequence.Constraint
---@field what string name of its constructor
---@field list string list of the description that it joins
---@field item table its description
---@field columns table[] the column elements that it names
---@field place mainsequence.Place?

-- f(column, column, { options }) and f { column, column, option = … } say the same.
local function arguments(what, place, known, ...)
  local given = table.pack(...)
  local items, options = {}, {}
  local last = given[given.n]
  local is_options = fault.is_data(last)
  for position = 1, given.n - (is_options and 1 or 0) do
    if given[position] == nil then fault.raise(place, ("%s: argument %d is nil"):format(what, position)) end
    items[position] = given[position]
  end
  for _, key in ipairs(is_options and fault.sorted_keys(last) or {}) do
    if type(key) == "number" then items[#items + 1] = last[key] else options[key] = last[key] end
  end
  fault.check_options(place, what, options, known)
  return items, options
end

local function name_of(value, what, place)
  if registry.is_column(value) then return registry.column(value).name end
  if type(value) == "string" and value ~= "" then return value end
  fault.raise(place, ("%s: a column is expected, got %s"):format(what, fault.show(value)))
end

local function column_names(items, what, place)
  if #items == 0 then fault.raise(place, what .. " needs at least one column") end
  local list = core.array({})
  for position, item in ipairs(items) do list[position] = name_of(item, what, place) end
  return list
end

-- Elements that are columns, to check that they belong to the model that is constrained.
local function elements(items)
  local list = {}
  for _, item in ipairs(items) do
    if registry.is_column(item) then list[#list + 1] = item end
  end
  return list
end

local function new(what, list, item, items, place)
  return setmetatable({ what = what, list = list, item = item, columns = elements(items), place = place }, Constraint)
end

-- Options of one dialect. Conditions may be text(); everything else goes to the core as it is.
local function dialect_options(options, dialect, what, place)
  local given = options[dialect]
  local out = {}
  if given ~= nil and type(given) ~= "table" then
    fault.raise(place, ("%s: %s must be a table of options, got %s"):format(what, dialect, fault.show(given)))
  end
  for key, value in next, given or {} do out[key] = value end
  for key, value in next, options do
    local short = key:match("^" .. dialect .. "_(.+)$")
    if short then out[short] = value end
  end
  if out.where ~= nil then out.where = sqltext.sql(out.where, what .. ": where", place) end
  for _, key in ipairs({ "include" }) do
    if type(out[key]) == "table" then
      local list = core.array({})
      for position, value in ipairs(out[key]) do list[position] = name_of(value, what, place) end
      out[key] = list
    end
  end
  return next(out) ~= nil and out or nil
end

local INDEX_OPTIONS = {
  "name", "unique", "postgresql", "sqlite", "postgresql_using", "postgresql_where", "postgresql_include", "postgresql_ops",
  "postgresql_with", "postgresql_concurrently", "postgresql_nulls_not_distinct", "postgresql_tablespace", "sqlite_where",
}

---schema.Index(Asset.account_uid, Asset.symbol, { unique = true, name = … })
---@param place mainsequence.Place?
---@param ... any
---@return mainsequence.Constraint
function M.index(place, ...)
  local what = "Index"
  local items, options = arguments(what, place, INDEX_OPTIONS, ...)
  if #items == 0 then fault.raise(place, what .. " needs at least one column") end
  local described, plain = core.array({}), true
  for position, item in ipairs(items) do
    described[position] = sqltext.index_element(item, place)
    plain = plain and type(described[position]) == "string"
  end
  local index = {
    name = options.name, unique = options.unique, [plain and "columns" or "expressions"] = described,
    postgresql = dialect_options(options, "postgresql", what, place),
    sqlite = dialect_options(options, "sqlite", what, place),
  }
  return new(what, "indexes", index, items, place)
end

local KEY_OPTIONS = { "name", "deferrable", "initially", "postgresql" }

local function key_constraint(what, list, place, ...)
  local items, options = arguments(what, place, KEY_OPTIONS, ...)
  return new(what, list, {
    name = options.name, columns = column_names(items, what, place), deferrable = options.deferrable,
    initially = options.initially, postgresql = dialect_options(options, "postgresql", what, place),
  }, items, place)
end

---@param place mainsequence.Place?
---@param ... any
---@return mainsequence.Constraint
function M.unique(place, ...)
  return key_constraint("UniqueConstraint", "unique_constraints", place, ...)
end

---@param place mainsequence.Place?
---@param ... any
---@return mainsequence.Constraint
function M.primary_key(place, ...)
  return key_constraint("PrimaryKeyConstraint", "primary_key", place, ...)
end

---@param place mainsequence.Place?
---@param ... any
---@return mainsequence.Constraint
function M.check(place, ...)
  local what = "CheckConstraint"
  local items, options = arguments(what, place, { "name", "postgresql" }, ...)
  if #items ~= 1 then fault.raise(place, ("%s takes one condition, got %d"):format(what, #items)) end
  return new(what, "check_constraints", {
    name = options.name, sqltext = sqltext.sql(items[1], what, place),
    postgresql = dialect_options(options, "postgresql", what, place),
  }, {}, place)
end

local function targets(value, what, place)
  if type(value) ~= "table" or registry.is_column(value) or registry.is_model(value) then value = { value } end
  local schema, name
  local list = core.array({})
  for position, target in ipairs(value) do
    local its_schema, its_name, column = type_calls.target(target, what, place)
    if position > 1 and (its_schema ~= schema or its_name ~= name) then
      fault.raise(place, ("%s: the targets stand in two tables, '%s' and '%s'"):format(what, name, its_name))
    end
    schema, name, list[position] = its_schema, its_name, column
  end
  if #list == 0 then fault.raise(place, what .. " needs a target") end
  return schema, name, list
end

---schema.ForeignKeyConstraint({ columns }, { targets }, { ondelete = … })
---@param place mainsequence.Place?
---@param columns any
---@param to any
---@param options table?
---@return mainsequence.Constraint
function M.foreign_key(place, columns, to, options)
  local what = "ForeignKeyConstraint"
  options = options or {}
  fault.check_options(place, what, options, type_calls.REFERENCE_OPTIONS)
  if type(columns) ~= "table" or registry.is_column(columns) then columns = { columns } end
  local schema, name, referred = targets(to, what, place)
  local item = type_calls.copy_actions(options, {
    columns = column_names(columns, what, place), referred_schema = schema, referred_table = name,
    referred_columns = referred,
  })
  return new(what, "foreign_keys", item, columns, place)
end

local function check_owner(definition, constraint, place)
  for _, column in ipairs(constraint.columns) do
    if registry.column(column).model ~= definition.model then
      fault.raise(constraint.place or place, ("%s of model '%s' names %s, another model's column"):format(constraint.what,
        definition.class_name, registry.column_label(column)))
    end
  end
end

---Adds constraints to a model.
---@param place mainsequence.Place?
---@param model table
---@param ... mainsequence.Constraint
function M.constrain(place, model, ...)
  if not registry.is_model(model) then
    fault.raise(place, ("constrain takes a model first, got %s"):format(fault.show(model)))
  end
  local definition = registry.definition(model)
  if definition.table then
    fault.raise(place, ("model '%s' is sealed: its table has been read, a constraint comes too late"):format(
      definition.class_name), "constrain the model before it is used")
  end
  local given = table.pack(...)
  if given.n == 0 then fault.raise(place, "constrain needs an index or a constraint") end
  for position = 1, given.n do
    local constraint = given[position]
    if getmetatable(constraint) ~= Constraint then
      fault.raise(place, ("constrain: argument %d is %s, not an index or a constraint"):format(position + 1,
        fault.show(constraint)), "write schema.Index(…), schema.UniqueConstraint(…), schema.CheckConstraint(…)")
    end
    check_owner(definition, constraint, place)
    M.add(definition, constraint, constraint.place or place)
  end
end

---@param definition mainsequence.Definition
---@param constraint mainsequence.Constraint
---@param place mainsequence.Place?
function M.add(definition, constraint, place)
  local description = definition.description
  models.check(definition, place, description.columns, constraint.list, constraint.item)
  if constraint.list == "primary_key" then
    if description.primary_key then
      fault.raise(place, ("model '%s' has two primary key constraints"):format(definition.class_name))
    end
    description.primary_key = constraint.item
    return
  end
  description[constraint.list] = description[constraint.list] or core.array({})
  local list = description[constraint.list]
  list[#list + 1] = constraint.item
  if constraint.list == "foreign_keys" then definition.foreign_key_places[#list] = place end
end

return M
