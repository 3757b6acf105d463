-- Pieces of SQL inside declarations: raw text, function calls, what is indexed. Nodes of mainsequence.sql are
-- taken too, where they can say the same.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
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

---@param value any
---@return boolean
function M.is_text(value) return getmetatable(value) == Text end
---@param value any
---@return boolean
function M.is_call(value) return getmetatable(value) == Call end

local function arguments(call, place)
  local list = core.array({})
  for position = 1, call.args.n or #call.args do
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
  return list
end

---A server default → its description.
---@param value any
---@param place mainsequence.Place?
---@return table
function M.server_default(value, place)
  if type(value) == "string" then return { literal = value } end
  if type(value) == "boolean" then return { bool = value } end
  if value == core.null then return { null = true } end
  if M.is_text(value) then return { text = value.text } end
  if M.is_call(value) then return { func = value.func, args = arguments(value, place) } end
  fault.raise(place, ("server_default is %s"):format(fault.show(value)),
    "a string is a quoted literal, schema.text(\"…\") raw SQL, schema.func.now() a function, a boolean itself")
end

---What is indexed → an element of the index's description.
---@param value any
---@param place mainsequence.Place?
---@return string|table
function M.index_element(value, place)
  if registry.is_column(value) then return registry.column(value).name end
  if type(value) == "string" then return value end
  if M.is_text(value) then return { text = value.text } end
  if M.is_call(value) then return { func = value.func, args = arguments(value, place) } end
  fault.raise(place, ("an index is on columns and expressions, got %s"):format(fault.show(value)),
    "schema.text(\"…\") and schema.func.lower(column) are expressions")
end

---SQL given as a string or as text().
---@param value any
---@param what string
---@param place mainsequence.Place?
---@return string
function M.sql(value, what, place)
  if M.is_text(value) then return value.text end
  if type(value) == "string" and value:find("%S") then return value end
  fault.raise(place, ("%s is SQL text, got %s"):format(what, fault.show(value)))
end

return M
