--- Filters of lists, checked before anything is sent: names, kinds, and the form they travel in.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

-- lookup → how its values travel
local LOOKUPS = { [""] = "text", ["in"] = "list", contains = "text", isnull = "flag" }

---Parameter name → kind, from { field = { "", "in", "contains" } }. Kinds: text, list, flag; uid fields take
---objects with a uid too.
---@param declared table<string, string[]>
---@return table<string, string> known
function M.declare(declared)
  local known = {}
  for field, lookups in next, declared do
    for _, lookup in ipairs(lookups) do
      known[lookup == "" and field or field .. "__" .. lookup] = LOOKUPS[lookup]
    end
  end
  return known
end

local TRUE = { ["1"] = true, ["true"] = true, yes = true }
local FALSE = { ["0"] = true, ["false"] = true, no = true }

local function flag(name, value, place)
  local word = tostring(value):lower()
  if type(value) == "boolean" or TRUE[word] or FALSE[word] then
    return value == true or TRUE[word] == true
  end
  fault.raise(place, ("filter %s is true or false, got %s"):format(name, fault.show(value)))
end

local function text(name, value, place)
  if type(value) == "table" and type(value.uid) == "string" then
    value = value.uid
  end
  if type(value) == "number" or type(value) == "boolean" then
    return value
  end
  if type(value) ~= "string" then
    fault.raise(place, ("filter %s takes text, got %s"):format(name, fault.show(value)))
  end
  return (value:match("^%s*(.-)%s*$"))
end

local function list(name, value, place)
  if type(value) ~= "table" or value.uid then
    value = { value }
  end
  local parts = core.array({})
  for position, item in ipairs(value) do
    parts[position] = text(name, item, place)
  end
  return parts
end

---The query of a list: known names only, null left out.
---@param what string
---@param known table<string, string>? nil: the resource takes any filter
---@param given table?
---@param place mainsequence.Place?
---@return table query
function M.query(what, known, given, place)
  local query = core.object()
  if given == nil then
    return query
  end
  if type(given) ~= "table" then
    fault.raise(place, ("%s takes a table of filters, got %s"):format(what, fault.show(given)))
  end
  for _, name in ipairs(core.keys(given)) do
    local value = given[name]
    local kind = known == nil and (type(value) == "table" and not value.uid and "list" or "text") or known[name]
    if not kind then
      local names = fault.sorted_keys(known)
      fault.raise(place, ("%s has no filter '%s'"):format(what, name),
        fault.did_you_mean(name, names) or "it takes: " .. table.concat(names, ", "))
    end
    if value ~= core.null then
      if kind == "flag" then
        query[name] = flag(name, value, place)
      elseif kind == "list" then
        query[name] = list(name, value, place)
      else
        query[name] = text(name, value, place)
      end
    end
  end
  return query
end

return M
