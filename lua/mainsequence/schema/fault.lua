-- Errors that blame a place in the user's script, and the checks of options that raise them.

local core = require("mainsequence.core")

local M = {}

---@class mainsequence.Place
---@field source string short name of the chunk
---@field line integer

---Where the function that calls `here` was called: level 1 its caller, 2 that one's caller …
---@param level integer
---@return mainsequence.Place? place  nil when a tail call or a C function stands there
function M.here(level)
  local source, line = core.where(level + 2)
  return source and { source = source, line = line } or nil
end

---Raises an error of a declaration.
---@param place mainsequence.Place?
---@param message string
---@param hint string?
function M.raise(place, message, hint)
  error(core.error {
    code = "schema", message = message, hint = hint, source = place and place.source, line = place and place.line,
  }, 0)
end

---"file:line" of a place, for messages that name a second one.
---@param place mainsequence.Place?
---@return string
function M.text(place)
  return place and ("%s:%d"):format(place.source, place.line) or "an unknown place"
end

---"did you mean 'x'?", when there is something near.
---@param word any
---@param candidates string[]
---@return string?
function M.did_you_mean(word, candidates)
  local near = type(word) == "string" and #candidates > 0 and core.nearest(word, candidates)
  return near and ("did you mean '%s'?"):format(near) or nil
end

---A short form of any value for messages.
---@param value any
---@return string
function M.show(value)
  if type(value) == "string" then return ("'%s'"):format(#value > 60 and value:sub(1, 57) .. "…" or value) end
  if type(value) == "number" or type(value) == "boolean" or value == nil then return tostring(value) end
  if value == core.null then return "null" end
  return "a " .. type(value)
end

---The keys of a table in a fixed order: numbers first, then text, then the rest.
---@param t table
---@return any[]
function M.sorted_keys(t)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  local function rank(key) return type(key) == "number" and 1 or type(key) == "string" and 2 or 3 end
  table.sort(keys, function(a, b)
    local left, right = rank(a), rank(b)
    if left ~= right then return left < right end
    if left == 3 then return tostring(a) < tostring(b) end
    return a < b
  end)
  return keys
end

---Whether a value is a table of data: none of ours with a meaning of its own, such as a model or a type.
---@param value any
---@return boolean
function M.is_data(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return meta == nil or core.is_array(value) or (type(meta) == "table" and meta.__name == "mainsequence.object")
end

---Refuses options that nobody knows.
---@param place mainsequence.Place?
---@param what string  whose options they are
---@param options any
---@param known string[]
function M.check_options(place, what, options, known)
  if not M.is_data(options) then
    M.raise(place, ("%s takes a table of options, got %s"):format(what, M.show(options)))
  end
  local accepted = {}
  for _, name in ipairs(known) do accepted[name] = true end
  for _, key in ipairs(M.sorted_keys(options)) do
    if not accepted[key] then
      M.raise(place, ("%s has no option %s"):format(what, M.show(key)),
        M.did_you_mean(key, known) or "it takes: " .. table.concat(known, ", "))
    end
  end
end

---Runs `call`; an error object that it raises is blamed on `place`.
---@param place mainsequence.Place?
---@param call function
---@param ... any
---@return any
function M.blame(place, call, ...)
  local ok, result = pcall(call, ...)
  if ok then return result end
  if core.is_error(result) and place then
    result.source, result.line = place.source, place.line
  end
  error(result, 0)
end

return M
