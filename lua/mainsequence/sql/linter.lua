-- The cartesian product check: every FROM element of a select should be linked to the others by a comparison
-- or a join; one that isn't multiplies the rows, which is mostly a forgotten condition.

local froms = require("mainsequence.sql.froms")
local selectable = require("mainsequence.sql.selectable")

local M = {}

---Where warnings go. nil: standard error.
---@type fun(message: string)|false|nil
M.handler = nil

---@param message string
function M.warn(message)
  if M.handler == false then return end
  if M.handler then return M.handler(message) end
  io.stderr:write("mainsequence.sql: warning: ", message, "\n")
end

local function link(groups, a, b)
  local first, second = groups[a], groups[b]
  if not first or not second or first == second then return end
  for from, group in next, groups do
    if group == second then groups[from] = first end
  end
end

local walk

local function link_sides(groups, left, right)
  local a, b = {}, {}
  froms.walk(left, a)
  froms.walk(right, b)
  for _, one in ipairs(a) do
    for _, other in ipairs(b) do link(groups, one, other) end
  end
end

---Links what comparisons inside a condition compare.
function walk(groups, element)
  local kind = element.kind
  if kind == "binary" then
    if element.operator.comparison then link_sides(groups, element.left, element.right) end
    walk(groups, element.left)
    walk(groups, element.right)
  elseif kind == "list" or kind == "tuple" then
    for _, clause in ipairs(element.clauses) do walk(groups, clause) end
  elseif kind == "grouping" or kind == "unary" or kind == "as_boolean" then
    walk(groups, element.element)
  end
end

---@param from mainsequence.sql.From
local function name_of(from)
  return type(from.name) == "string" and from.name or from.kind
end

---Warns when the tables of a select fall into groups that nothing links.
---@param c mainsequence.sql.Compiler
---@param statement { criteria: mainsequence.sql.Element[]|false }
---@param list mainsequence.sql.From[]
function M.check(c, statement, list)
  local groups, members, named = {}, {}, {}
  for position, from in ipairs(list) do
    for _, inner in ipairs(selectable.collect(from, {})) do groups[inner] = position end
    -- what sees the tables before it is linked to them
    if from.kind == "lateral" or from.kind == "function_alias" or from.kind == "text" then groups[from] = nil end
  end
  for _, condition in ipairs(statement.criteria or {}) do walk(groups, condition) end
  for _, from in ipairs(list) do
    local group = groups[from]
    if group and not named[group] then
      named[group] = true
      members[#members + 1] = name_of(from.kind == "join" and selectable.collect(from, {})[2] or from)
    end
  end
  if #members < 2 then return end
  c.warnings = c.warnings or {}
  c.warnings[#c.warnings + 1] = ("cartesian product: nothing links %s; add a condition or a join, or switch this warning off")
    :format(table.concat(members, " and "))
end

return M
