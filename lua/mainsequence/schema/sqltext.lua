-- Pieces of SQL inside declarations: raw text, function calls, what is indexed. Nodes of mainsequence.sql are
-- taken too, where they can say the same.

local core = require("mainsequence.core")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.schema.fault")
local operators = require("mainsequence.sql.operators")
local registry = require("mainsequence.schema.registry")

local M = {}

local Text = { __name = "mainsequence.text" }
local Call = { __name = "mainsequence.function" }

function Text:__tostring() return self.text end
function Call:__tostring() return self.func .. "(…)" end

---Raw SQL: for server defaults, computed columns, index expressions and conditions.
---@param text string
---@return mainsequence.SqlText
function M.text(text)
  if type(text) ~= "string" or not text:find("%S") then
    fault.raise(fault.here(1), ("text() takes SQL as a string, got %s"):format(fault.show(text)))
  end
  return setmetatable({ text = text }, Text)
end

---@class mainsequence.SqlText
---@field text string

---func.now() and every other function: schema.func.NAME(…). Arguments are columns and constants.
---@type table<string, fun(...): mainsequence.SqlCall>
M.func = setmetatable({}, {
  __index = function(_, name)
    return function(...)
      return setmetatable({ func = name, args = table.pack(...) }, Call)
    end
  end,
})

---@class mainsequence.SqlCall
---@field func string
---@field args table

local function is_element(value, kind)
  return type(value) == "table" and getmetatable(value) == expression.Element and value.kind == kind
end

---SQL text of this module's text() or of sql.text(), else nil.
---@param value any
---@return string?
function M.text_of(value)
  if getmetatable(value) == Text or is_element(value, "text") then return value.text end
end

-- A function of this module or of mainsequence.sql: { func, args }.
local function call_of(value)
  if getmetatable(value) == Call then return value end
  if not is_element(value, "function") then return nil end
  local args = { n = #value.arguments }
  for position, argument in ipairs(value.arguments) do
    args[position] = is_element(argument, "bind") and argument.value or argument
  end
  local name = table.move(value.package or {}, 1, #(value.package or {}), 1, {})
  name[#name + 1] = value.name
  return { func = table.concat(name, "."), args = args }
end

local function describe_call(call, place)
  local list = core.array({})
  for position = 1, call.args.n do
    local argument = call.args[position]
    if registry.is_column(argument) then
      list[position] = registry.column(argument).name
    elseif type(argument) == "string" or type(argument) == "number" then
      list[position] = argument
    else
      fault.raise(place, ("%s(): argument %d is %s; a column, a string or a number can stand there"):format(call.func,
        position, fault.show(argument)))
    end
  end
  return { func = call.func, args = list }
end

---A server default → its description.
---@param value any
---@param place mainsequence.Place?
---@return table
function M.server_default(value, place)
  if type(value) == "string" then return { literal = value } end
  if type(value) == "boolean" then return { bool = value } end
  if value == core.null then return { null = true } end
  local text, call = M.text_of(value), call_of(value)
  if text then return { text = text } end
  if call then return describe_call(call, place) end
  fault.raise(place, ("server_default is %s"):format(fault.show(value)),
    "a string is a quoted literal, schema.text(\"…\") raw SQL, schema.func.now() a function, a boolean itself")
end

-- column:desc():nulls_last() → { column, order, nulls }.
local function ordered(value, place)
  local modifiers = {
    [operators.desc] = { "order", "desc" }, [operators.asc] = { "order", "asc" },
    [operators.nulls_first] = { "nulls", "first" }, [operators.nulls_last] = { "nulls", "last" },
  }
  local element, described = value, {}
  while is_element(element, "modified") do
    local modifier = modifiers[element.modifier]
    described[modifier[1]] = modifier[2]
    element = element.element
  end
  if not registry.is_column(element) then
    fault.raise(place, "only a column can be ordered in an index", "write the expression with schema.text(\"… DESC\")")
  end
  described.column = registry.column(element).name
  return described
end

---What is indexed → an element of the index's description.
---@param value any
---@param place mainsequence.Place?
---@return string|table
function M.index_element(value, place)
  if registry.is_column(value) then return registry.column(value).name end
  if type(value) == "string" then return value end
  if is_element(value, "modified") then return ordered(value, place) end
  local text, call = M.text_of(value), call_of(value)
  if text then return { text = text } end
  if call then return describe_call(call, place) end
  fault.raise(place, ("an index is on columns and expressions, got %s"):format(fault.show(value)),
    "schema.text(\"…\") and schema.func.lower(column) are expressions")
end

---SQL given as a string or as text().
---@param value any
---@param what string
---@param place mainsequence.Place?
---@return string
function M.sql(value, what, place)
  local text = M.text_of(value)
  if text then return text end
  if type(value) == "string" and value:find("%S") then return value end
  fault.raise(place, ("%s is SQL text, got %s"):format(what, fault.show(value)),
    getmetatable(value) == expression.Element and "write the condition as SQL: schema.text(\"quantity > 0\")" or nil)
end

return M
