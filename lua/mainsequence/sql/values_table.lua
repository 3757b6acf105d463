-- sql.values(…): a table of given rows.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local expression = require("mainsequence.sql.expression")
local select = require("mainsequence.sql.select")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

local methods = selectable.methods

selectable.column_builders.values = function(from) return from.list end

---@param fields table
---@param columns mainsequence.sql.Element[]
---@return mainsequence.sql.From
local function make(fields, columns)
  fields.kind = "values"
  local from = selectable.new(fields)
  local list = {}
  for position, column in ipairs(columns) do
    list[position] = expression.new { kind = "column", table = from, name = column.name, key = column.key, type = column.type }
  end
  rawset(from, "list", list)
  return from
end

local function check(from, method)
  if from.kind ~= "values" then fault.raise(("%s is a method of sql.values(…)"):format(method)) end
end

local function row_elements(columns, row, position)
  if type(row) ~= "table" or #row ~= #columns then
    fault.raise(("values: row %d has %d values for %d columns"):format(position, type(row) == "table" and #row or 0, #columns))
  end
  local elements = {}
  for index, column in ipairs(columns) do
    elements[index] = expression.expression(row[index], "values", column.type ~= types.null and column.type or nil)
  end
  return elements
end

---Rows: each a list of as many values as there are columns.
---@param rows any[][]
---@return mainsequence.sql.From
function methods:data(rows)
  check(self, "data")
  local tuples = table.move(self.tuples, 1, #self.tuples, 1, {})
  for position, row in ipairs(rows) do tuples[#tuples + 1] = row_elements(self.list, row, position) end
  return make({ name = self.name, unnamed = self.unnamed, tuples = tuples, literal_binds = self.literal_binds,
    is_lateral = self.is_lateral }, self.list)
end

---The values as one column expression.
---@return mainsequence.sql.Element
function methods:scalar_values()
  check(self, "scalar_values")
  return expression.new { kind = "scalar_values", source = self, type = self.list[1].type }
end
selectable.From.__sql_in = function(from)
  if from.kind == "values" then return from:scalar_values() end
  return select.select(from):scalar_subquery()
end

---A CTE of the values.
---@param name string?
---@param options table?
---@return mainsequence.sql.From
function methods:cte(name, options)
  check(self, "cte")
  return select.make_cte(self, name, options)
end

local plain_alias, plain_lateral = methods.alias, methods.lateral

---@param name string?
---@return mainsequence.sql.From
function methods:alias(name)
  if self.kind ~= "values" then return plain_alias(self, name) end
  return make({ name = name or { base = "anon" }, tuples = self.tuples, literal_binds = self.literal_binds,
    is_lateral = self.is_lateral }, self.list)
end

---@param name string?
---@return mainsequence.sql.From
function methods:lateral(name)
  if self.kind ~= "values" then return plain_lateral(self, name) end
  return make({ name = name or self.name, unnamed = not name and self.unnamed, tuples = self.tuples,
    literal_binds = self.literal_binds, is_lateral = true }, self.list)
end

---A table of given rows: values(sql.column("id", types.Integer), …, { name = "v" }):data { { 1, … }, … }.
---@param ... any columns; options { name =, literal_binds = } last
---@return mainsequence.sql.From
return function(...)
  local list, options = { ... }, {}
  if type(list[#list]) == "table" and getmetatable(list[#list]) == nil then options = table.remove(list) end
  fault.check_options("values", options, { "name", "literal_binds" })
  for _, column in ipairs(list) do
    if not expression.is_element(column) or column.kind ~= "column" then
      fault.raise(("values: sql.column(name, type) is expected, got %s"):format(
        column == core.null and "null" or fault.show(column)))
    end
  end
  if #list == 0 then fault.raise("values needs at least one column") end
  return make({ name = options.name or { base = "anon" }, unnamed = options.name == nil, tuples = {},
    literal_binds = options.literal_binds or false }, list)
end
