--- Lua source text of plain values, the same on every run.

local core = require("mainsequence.core")

local M = {}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then
  true until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

---A string as a Lua literal on one line.
---@param text string
---@return string
function M.quote(text)
  return (("%q"):format(text):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t"))
end

---A key of a table constructor.
---@param name string
---@return string
function M.key(name)
  if name:match("^[%a_][%w_]*$") and not KEYWORDS[name] then
    return name
  end
  return "[" .. M.quote(name) .. "]"
end

local function number(value)
  if math.type(value) == "integer" then
    return value == math.mininteger and "math.mininteger" or tostring(value)
  end
  if value ~= value or value == math.huge or value == -math.huge then
    error(core.error({ code = "render", message = ("%s has no literal"):format(tostring(value)) }), 0)
  end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then
      return text:find("[.e]") and text or text .. ".0"
    end
  end
end

---A constructor of named fields, in the order given; values are source text. Empty gives nil.
---@param fields { [1]: string, [2]: string }[]
---@return string?
function M.fields(fields)
  local parts = {}
  for position, field in ipairs(fields) do
    parts[position] = ("%s = %s"):format(M.key(field[1]), field[2])
  end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or nil
end

---A list of source texts as a constructor.
---@param parts string[]
---@return string
function M.list(parts)
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

---Any document: strings, numbers, booleans, null (as op.null), arrays and objects.
---@param value any
---@return string
function M.value(value)
  if value == core.null then
    return "op.null"
  end
  local kind = type(value)
  if kind == "string" then
    return M.quote(value)
  elseif kind == "number" then
    return number(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind ~= "table" then
    error(core.error({ code = "render", message = ("a %s has no literal"):format(kind) }), 0)
  end
  if core.is_array(value) then
    local parts = {}
    for position, item in ipairs(value) do
      parts[position] = M.value(item)
    end
    return M.list(parts)
  end
  local fields = {}
  for position, key in ipairs(core.keys(value)) do
    fields[position] = { key, M.value(value[key]) }
  end
  return M.fields(fields) or "{}"
end

---A list of names.
---@param names string[]
---@return string
function M.names(names)
  local parts = {}
  for position, name in ipairs(names) do
    parts[position] = M.quote(name)
  end
  return M.list(parts)
end

return M
