--- Filters of lists, checked before anything is sent: names, kinds, and the form they travel in.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

---How the values of a field travel: "text", "uid" (text, or an object with a uid), "flag".
---@alias mainsequence.FilterKind "text"|"uid"|"flag"

---Parameter name → kind, from { field = { lookups…, kind = … } }. Lookups: "", "in", "contains", "isnull".
---@param declared table<string, table>
---@return table<string, { kind: mainsequence.FilterKind, list: boolean }> known
function M.declare(declared)
  local known = {}
  for field, lookups in next, declared do
    for _, lookup in ipairs(lookups) do
      known[lookup == "" and field or field .. "__" .. lookup] = {
        kind = lookup == "isnull" and "flag" or lookups.kind or "text", list = lookup == "in",
      }
    end
  end
  return known
end

local WORDS = { ["1"] = true, ["true"] = true, yes = true, ["0"] = false, ["false"] = false, no = false }

local function flag(name, value, place)
  local found = value
  if type(value) == "string" then
    found = WORDS[value:lower():match("^%s*(.-)%s*$")]
  end
  if type(found) ~= "boolean" then
    fault.raise(place, ("filter %s is true or false, got %s"):format(name, fault.show(value)))
  end
  return found
end

local function text(name, value, place)
  if type(value) == "number" or type(value) == "boolean" then
    return value
  end
  if type(value) ~= "string" then
    fault.raise(place, ("filter %s takes text, got %s"):format(name, fault.show(value)))
  end
  return (value:match("^%s*(.-)%s*$"))
end

local function uid(name, value, place)
  if type(value) == "table" then
    value = value.uid
  end
  if type(value) ~= "string" then
    fault.raise(place, ("filter %s takes a uid, or an object with one, got %s"):format(name, fault.show(value)))
  end
  return text(name, value, place)
end

local READERS = { text = text, uid = uid, flag = flag }

local function list(name, value, read, place)
  if type(value) ~= "table" or value.uid then
    value = { value }
  end
  local parts = core.array({})
  for position, item in ipairs(value) do
    parts[position] = read(name, item, place)
  end
  return parts
end

local function check_names(what, known, given, place)
  local unknown = {}
  for _, name in ipairs(core.keys(given)) do
    if not known[name] then
      unknown[#unknown + 1] = name
    end
  end
  if #unknown == 0 then
    return
  end
  table.sort(unknown)
  local names = fault.sorted_keys(known)
  local message = #unknown == 1 and ("%s has no filter '%s'"):format(what, unknown[1])
    or ("%s has no filters '%s'"):format(what, table.concat(unknown, "', '"))
  fault.raise(place, message, #unknown == 1 and fault.did_you_mean(unknown[1], names)
    or "it takes: " .. table.concat(names, ", "))
end

-- Any filter, as it was written; objects with a uid stand for it.
local function as_given(name, value, place)
  if type(value) == "table" and not value.uid then
    return list(name, value, as_given, place)
  end
  if type(value) == "table" then
    return uid(name, value, place)
  end
  return value
end

---The query of a list: known names only, null left out.
---@param what string
---@param known table<string, table>? nil: the resource takes any filter
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
  if known then
    check_names(what, known, given, place)
  end
  for _, name in ipairs(core.keys(given)) do
    local value, filter = given[name], known and known[name]
    if value ~= core.null then
      if not filter then
        query[name] = as_given(name, value, place)
      elseif filter.list then
        query[name] = list(name, value, READERS[filter.kind], place)
      else
        query[name] = READERS[filter.kind](name, value, place)
      end
    end
  end
  return query
end

---A query as pairs: each value of a list under its name again, null left out. For searches.
---@param what string
---@param first { [1]: string, [2]: any }
---@param given table?
---@param place mainsequence.Place?
---@return table pairs array of { name, value }
function M.pairs(what, first, given, place)
  local query = core.array({ core.array(first) })
  local rest = M.query(what, nil, given, place)
  for _, name in ipairs(core.keys(rest)) do
    local value = rest[name]
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      query[#query + 1] = core.array({ name, item })
    end
  end
  return query
end

return M
