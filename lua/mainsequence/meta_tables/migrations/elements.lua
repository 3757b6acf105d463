--- What revisions say inside operations: columns, constraints, final names. Each is built by the same
--- functions as a model's own, and holds its part of a table's description.

local core = require("mainsequence.core")
local constraints = require("mainsequence.schema.constraints")
local fault = require("mainsequence.schema.fault")
local sqltext = require("mainsequence.schema.sqltext")
local type_calls = require("mainsequence.schema.types")

local M = {}

local Final = { __name = "mainsequence.final_name" }
function Final:__tostring()
  return self.name
end

---@class mainsequence.migrations.Element
---@field role "column"|"constraint"|"table"
---@field what string its constructor, for messages
---@field list string? list of the description that it joins
---@field item table its description
local Element = { __name = "mainsequence.migration_element" }
function Element:__tostring()
  return self.what
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == Element
end

local function element(role, what, list, item)
  return setmetatable({ role = role, what = what, list = list, item = item }, Element)
end

-- ---- Names -------------------------------------------------------------------------------------

---A name that is final: the naming convention neither replaces nor wraps it.
---@param name string
---@param place mainsequence.Place?
---@return table
function M.final_name(name, place)
  if type(name) ~= "string" or name == "" then
    fault.raise(place, ("op.f takes a name, got %s"):format(fault.show(name)))
  end
  return setmetatable({ name = name }, Final)
end

---Turns a final name in `item.name` into the two fields of a description.
---@param item table
---@return table item
function M.settle_name(item)
  if getmetatable(item.name) == Final then
    item.name, item.name_final = item.name.name, true
  end
  return item
end

---A name as text and whether it is final.
---@param name any
---@param what string
---@param place mainsequence.Place?
---@return string? name, true? final
function M.name(name, what, place)
  if getmetatable(name) == Final then
    return name.name, true
  end
  if name == nil or name == core.null then
    return nil
  end
  if type(name) ~= "string" or name == "" then
    fault.raise(place, ("%s: a name is expected, got %s"):format(what, fault.show(name)))
  end
  return name
end

-- ---- Columns and types -------------------------------------------------------------------------

---@param name string
---@param spec mainsequence.TypeSpec
---@param place mainsequence.Place?
---@return table description
function M.column_description(name, spec, place)
  if type(name) ~= "string" or name == "" then
    fault.raise(place, ("op.Column: a column's name is a string, got %s"):format(fault.show(name)))
  end
  local description = type_calls.column_description(name, spec, place)
  description.key = nil
  if description.foreign_key then
    M.settle_name(description.foreign_key)
  end
  for _, check in ipairs(description.checks or {}) do
    M.settle_name(check)
  end
  return description
end

---@return mainsequence.migrations.Element
function M.column(place, name, spec)
  return element("column", "op.Column", "columns", M.column_description(name, spec, place))
end

---The description of a type without column options.
---@param spec mainsequence.TypeSpec
---@param what string
---@param place mainsequence.Place?
---@return table
function M.type_description(spec, what, place)
  type_calls.expect_spec(spec, what, place)
  local extra = fault.sorted_keys(spec.options)[1]
  if extra then
    fault.raise(place, ("%s: only the type counts there, not %s"):format(what, extra))
  end
  return type_calls.column_description("type", spec, place).type
end

---A server default of alter_column: op.null takes it away.
---@param value any
---@param place mainsequence.Place?
---@return table
function M.altered_default(value, place)
  if value == core.null then
    return { drop = true }
  end
  if type(value) == "table" and getmetatable(value) == nil and (value.identity or value.computed) then
    fault.check_options(place, "server_default", value, { "identity", "computed" })
    return value
  end
  return sqltext.server_default(value, place)
end

-- ---- Constraints -------------------------------------------------------------------------------

local function constraint(what, build, place, ...)
  local built = build(place, ...)
  return element("constraint", what, built.list, M.settle_name(built.item))
end

function M.primary_key(place, ...)
  return constraint("op.PrimaryKeyConstraint", constraints.primary_key, place, ...)
end
function M.unique(place, ...)
  return constraint("op.UniqueConstraint", constraints.unique, place, ...)
end
function M.check(place, ...)
  return constraint("op.CheckConstraint", constraints.check, place, ...)
end
function M.foreign_key(place, ...)
  return constraint("op.ForeignKeyConstraint", constraints.foreign_key, place, ...)
end
function M.index(place, ...)
  return constraint("op.Index", constraints.index, place, ...)
end

-- ---- Tables ------------------------------------------------------------------------------------

local TABLE_OPTIONS = { "schema", "comment", "prefixes", "info", "postgresql", "sqlite" }

local function add(description, part, place)
  if part.list == "primary_key" then
    if description.primary_key then
      fault.raise(place, ("table '%s' has two primary key constraints"):format(description.name))
    end
    description.primary_key = part.item
    return
  end
  description[part.list] = description[part.list] or core.array({})
  table.insert(description[part.list], part.item)
end

---The description of a table from the arguments of op:create_table or op.table.
---@param what string
---@param extra string[] options besides those of tables
---@param place mainsequence.Place?
---@param name string
---@param ... any elements, options last
---@return table description, table options
function M.table_description(what, extra, place, name, ...)
  if type(name) ~= "string" or name == "" then
    fault.raise(place, ("%s: a table's name is a string, got %s"):format(what, fault.show(name)))
  end
  local given = table.pack(...)
  local options = {}
  local last = given[given.n]
  if type(last) == "table" and getmetatable(last) == nil then
    options = last
    given.n = given.n - 1
  end
  local known = { table.unpack(TABLE_OPTIONS) }
  table.move(extra, 1, #extra, #known + 1, known)
  fault.check_options(place, what, options, known)
  local description = { name = name, columns = core.array({}) }
  for _, option in ipairs(TABLE_OPTIONS) do
    description[option] = options[option]
  end
  for position = 1, given.n do
    local part = given[position]
    if not M.is(part) or part.role == "table" then
      fault.raise(place, ("%s '%s': argument %d is %s, not a column or a constraint"):format(what, name, position + 1,
        fault.show(part)), "write op.Column(\"name\", op.types.String {}), op.PrimaryKeyConstraint(\"name\"), …")
    end
    add(description, part, place)
  end
  return description, options
end

---@return mainsequence.migrations.Element
function M.table(description)
  return element("table", "op.table", nil, {
    name = description.name, schema = description.schema, columns = description.columns,
  })
end

return M
