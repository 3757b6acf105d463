-- Where compiled statements differ from the reference's on purpose. See known_differences.lua.

local core = require("mainsequence.core")

local M = {}

---The document without keys named orm_class, at any depth, as the reference has it.
---@param value any
---@return any
function M.without_orm_class(value)
  if type(value) ~= "table" then return value end
  if core.is_array(value) then
    local list = core.array({})
    for position, item in ipairs(value) do list[position] = M.without_orm_class(item) end
    return list
  end
  local object = core.object()
  for _, key in ipairs(core.keys(value)) do
    if key ~= "orm_class" then object[key] = M.without_orm_class(value[key]) end
  end
  return object
end

---The values of keys named orm_class, in order.
---@param value any
---@param found any[]?
---@return any[]
function M.orm_classes(value, found)
  found = found or core.array({})
  if type(value) ~= "table" then return found end
  for _, key in ipairs(core.is_array(value) and {} or core.keys(value)) do
    if key == "orm_class" then found[#found + 1] = value[key] else M.orm_classes(value[key], found) end
  end
  if core.is_array(value) then
    for _, item in ipairs(value) do M.orm_classes(item, found) end
  end
  return found
end

---'… Missing: ['a_1_1', 'a_1_2']' → the names, when the case is an IN list of temporal values.
local function names_without_type(case)
  local message = case.error_message or ""
  local list = message:match("require statement%.parameter_types entries%. Missing: %[(.-)%]")
  if not list or not (case.sqlalchemy or ""):find("in_%s*%(") then return nil end
  local names = core.array({})
  for name in list:gmatch("'([^']+)'") do
    -- a list numbers its members: name_1_1
    if not name:find("_%d+$") then return nil end
    names[#names + 1] = name
  end
  return names
end

---Every object under "parameters" in the arguments that has a key orm_class.
local function given_orm_classes(case)
  if case.args then return M.orm_classes(case.args.parameters or case.args.statement and case.args.statement.parameters) end
  local found = core.array({})
  for name in (case.sqlalchemy or ""):gmatch("[\"']orm_class[\"']%s*:%s*[\"']([^\"']*)[\"']") do found[#found + 1] = name end
  return found
end

M.rules = {
  {
    suite = "compiled_sql",
    reason = "a list of temporal values carries a type for every name that is rendered; the reference refuses its own text",
    applies = function(case, what) return what == "refusal" and names_without_type(case) ~= nil end,
    result = names_without_type,
  },
  {
    suite = "compiled_sql",
    reason = "dialect sqlite is our extension of compiled-sql.v1, for SQLite data sources",
    applies = function(case, what) return what == "refusal" and case.dialect == "sqlite" end,
    result = function() return "sqlite" end,
  },
  {
    suite = "build_operation",
    reason = "dialect sqlite is our extension of compiled-sql.v1, for SQLite data sources",
    applies = function(case, what) return what == "refusal" and case.args.dialect == "sqlite" end,
    result = function(case)
      local args = case.args
      local statement = core.object("sql", args.sql, "parameters", args.parameters or core.object())
      if args.parameter_types then statement.parameter_types = args.parameter_types end
      statement.paramstyle = "pyformat"
      return core.object("operation", args.operation, "version", "compiled-sql.v1", "dialect", "sqlite",
        "statement", statement, "scope", args.scope,
        "limits", core.object("max_rows", 1000, "offset", 0, "statement_timeout_ms", 15000))
    end,
  },
}

for _, suite in ipairs { "compiled_sql", "build_operation" } do
  M.rules[#M.rules + 1] = {
    suite = suite,
    reason = "keys named orm_class inside values are values; the reference drops them",
    applies = function(case, what) return what == "orm_class keys" and #given_orm_classes(case) > 0 end,
    result = given_orm_classes,
  }
end

return M
