-- Misuse of the query language: an error object that blames the line of the user's script.

local core = require("mainsequence.core")

local M = {}

-- Everything beside and below this folder is ours; the first other frame is the user's.
local FOLDER = debug.getinfo(1, "S").source:match("^(.*[/\\])sql[/\\][^/\\]*$") or "@mainsequence/"

---The first place on the stack outside mainsequence.
---@return string? source, integer? line
local function place()
  local level = 3
  while true do
    local frame = debug.getinfo(level, "Sl")
    if not frame then return nil end
    if frame.currentline > 0 and frame.source:sub(1, #FOLDER) ~= FOLDER then
      return frame.short_src, frame.currentline
    end
    level = level + 1
  end
end

---Raises. `message` names the thing and the value, `hint` says what to write.
---@param message string
---@param hint string?
---@param code string?  default "statement"
function M.raise(message, hint, code)
  local source, line = place()
  error(core.error { code = code or "statement", message = message, hint = hint, source = source, line = line }, 0)
end

---A short form of any value for messages.
---@param value any
---@return string
function M.show(value)
  if type(value) == "string" then
    return ("'%s'"):format(#value > 60 and value:sub(1, 57) .. "…" or value)
  end
  if type(value) == "table" then
    local kind = rawget(value, "kind")
    return type(kind) == "string" and ("a %s"):format((kind:gsub("_", " "))) or "a table"
  end
  if value == core.null then return "null" end
  return type(value) == "number" and tostring(value) or type(value) == "boolean" and tostring(value) or "a " .. type(value)
end

---"did you mean 'x'?", when there is something near.
---@param word any
---@param candidates string[]
---@return string?
function M.did_you_mean(word, candidates)
  local near = type(word) == "string" and #candidates > 0 and core.nearest(word, candidates)
  return near and ("did you mean '%s'?"):format(near) or nil
end

local function unknown_options(options, known)
  local accepted, unknown = {}, {}
  for _, name in ipairs(known) do accepted[name] = true end
  for key in next, options do
    if not accepted[key] then unknown[#unknown + 1] = tostring(key) end
  end
  return unknown
end

---Raises for the first key of `options` that is not known.
---@param what string
---@param options table
---@param known string[]
function M.check_options(what, options, known)
  local all_known = true
  for key in next, options do
    local found = false
    for position = 1, #known do
      if known[position] == key then
        found = true
        break
      end
    end
    all_known = all_known and found
  end
  if all_known then return end
  local unknown = unknown_options(options, known)
  table.sort(unknown)
  M.raise(("%s has no option '%s'"):format(what, unknown[1]),
    M.did_you_mean(unknown[1], known) or "it takes: " .. table.concat(known, ", "))
end

return M
