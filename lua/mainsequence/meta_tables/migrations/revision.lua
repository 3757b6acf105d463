--- One revision file: what it must return, and how it is loaded.
--
-- A revision is a Lua chunk that returns a table. It is loaded as text only, in an environment that
-- reads through to the globals and refuses to write them, so that two revisions never talk through a
-- name somebody forgot to make local.

local core = require("mainsequence.core")

local M = {}

-- The column that records it in the database is a VARCHAR(32), as Alembic's.
local MAX_ID_LENGTH = 32
-- Characters that mean something in a revision symbol ("branch@head+1", "0001:0004").
local FORBIDDEN = "[@%-+:%s,]"

local FIELDS = { "branch_labels", "depends_on", "down_revision", "downgrade", "message", "revision", "upgrade" }
local LISTS = {
  { field = "down_revision", target = "down_revisions" },
  { field = "branch_labels", target = "branch_labels" },
  { field = "depends_on", target = "depends_on" },
}

---@class mainsequence.migrations.Revision
---@field revision string
---@field down_revisions string[] its parents; empty for a base
---@field branch_labels string[]
---@field depends_on string[]
---@field message string
---@field path string? the file it came from
---@field upgrade fun(op: table)
---@field downgrade fun(op: table)|nil

local Revision = {}
Revision.__index = Revision

---The function that runs the revision in a direction.
---@param down boolean?
---@return function|nil step, mainsequence.Error?
function Revision:step(down)
  if not down then
    return self.upgrade
  end
  if not self.downgrade then
    return nil, core.error({
      code = "revision_failed", message = ("revision %s has no function downgrade(op)"):format(self.revision),
      hint = ("write `function R.downgrade(op) … end` in %s"):format(self.path or "its file"),
    })
  end
  return self.downgrade
end

---@return nil, mainsequence.Error
local function fail(path, message, hint)
  return nil, core.error({ code = "revision_file", message = path .. ": " .. message, hint = hint })
end

---Why a text cannot be a revision id; nil when it can.
---@param id any
---@return string? reason
function M.id_problem(id)
  if type(id) ~= "string" or id == "" then
    return "a revision id is a non-empty string"
  end
  if id:find(FORBIDDEN) then
    return ("revision id '%s' contains one of @ - + : , or a space, which have a meaning in revision symbols"):format(id)
  end
  if #id > MAX_ID_LENGTH then
    return ("revision id '%s' has %d characters; the version table keeps %d"):format(id, #id, MAX_ID_LENGTH)
  end
  return nil
end

-- nil, a string or a list of strings → a list.
local function id_list(value, field)
  if value == nil or value == core.null then
    return {}
  end
  if type(value) == "string" then
    value = { value }
  end
  if type(value) ~= "table" then
    return nil, ("%s must be a string, a list of strings or nil, not a %s"):format(field, type(value))
  end
  local list, seen = {}, {}
  for position, entry in ipairs(value) do
    local problem = M.id_problem(entry)
    if problem then
      return nil, ("%s[%d]: %s"):format(field, position, problem)
    end
    if seen[entry] then
      return nil, ("%s names '%s' twice"):format(field, entry)
    end
    seen[entry] = true
    list[position] = entry
  end
  if next(value) ~= nil and #list == 0 then
    return nil, ("%s must be a list of strings"):format(field)
  end
  return list
end

---Checks what a chunk returned and puts it into the form the graph works with.
---@param value any
---@param path string for messages
---@return mainsequence.migrations.Revision|nil, mainsequence.Error?
function M.from_table(value, path)
  if type(value) ~= "table" then
    return fail(path, ("a revision file returns a table, this one returns %s"):format(
      value == nil and "nothing" or "a " .. type(value)), "end the file with `return R`")
  end
  local names = {}
  for name in pairs(value) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local known = false
    for _, field in ipairs(FIELDS) do
      known = known or field == name
    end
    if not known then
      local near = core.nearest(name, FIELDS)
      return fail(path, ("a revision has no field '%s'"):format(name), near and ("did you mean '%s'?"):format(near))
    end
  end
  local problem = M.id_problem(value.revision)
  if problem then
    return fail(path, "revision: " .. problem)
  end
  local revision = { revision = value.revision, path = path, upgrade = value.upgrade, downgrade = value.downgrade }
  for _, list in ipairs(LISTS) do
    local ids, reason = id_list(value[list.field], list.field)
    if not ids then
      return fail(path, reason)
    end
    revision[list.target] = ids
  end
  if value.message ~= nil and type(value.message) ~= "string" then
    return fail(path, ("message must be a string, not a %s"):format(type(value.message)))
  end
  revision.message = value.message or ""
  if type(value.upgrade) ~= "function" then
    return fail(path, "a revision needs a function upgrade(op)", "write `function R.upgrade(op) … end`")
  end
  if value.downgrade ~= nil and type(value.downgrade) ~= "function" then
    return fail(path, ("downgrade must be a function, not a %s"):format(type(value.downgrade)))
  end
  return setmetatable(revision, Revision)
end

local function environment()
  return setmetatable({}, {
    __index = _G,
    __newindex = function(_, name)
      error(("a revision may not set the global '%s': declare it with `local`"):format(tostring(name)), 2)
    end,
  })
end

---@param path string
---@return mainsequence.migrations.Revision|nil, mainsequence.Error?
function M.load(path)
  local file, reason = io.open(path, "rb")
  if not file then
    return fail(path, ("the revision file cannot be read: %s"):format((reason:gsub("^.-: ", ""))))
  end
  local text, read_error = file:read("a")
  file:close()
  if not text then
    return fail(path, ("the revision file cannot be read: %s"):format(tostring(read_error)))
  end
  local chunk, syntax = load(text, "@" .. path, "t", environment())
  if not chunk then
    return nil, core.error({ code = "revision_file", message = syntax })
  end
  local ok, value = pcall(chunk)
  if not ok then
    return nil, core.error({
      code = "revision_file",
      message = tostring(value),
      hint = ("the revision file %s failed while it was loaded"):format(path),
    })
  end
  return M.from_table(value, path)
end

return M
