-- Statements → SQL text and parameters. This file holds the state of one compilation: the text so far, the
-- names given, the parameters met. The visitors of compile_*.lua append to it. Names are numbered in the
-- order in which things are visited, as in SQLAlchemy, whose text this is.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")

local M = {}

---@class mainsequence.sql.Compiler
---@field dialect string
---@field buffer string[] pieces of the text being written
---@field visitors table<string, function>
local Compiler = {}
Compiler.__index = Compiler
M.Compiler = Compiler

-- Names longer than this are cut when it is us who made them: 63 less room for a counter.
local LONGEST = 57
M.LONGEST = LONGEST

local NOTHING = {}

local visitors = {} ---@type table<string, table<string, fun(c: mainsequence.sql.Compiler, element: any, ...)>>
visitors.postgresql = {}
visitors.sqlite = setmetatable({}, { __index = visitors.postgresql })
M.visitors = visitors

---A dialect's own way with a kind of element.
---@param dialect string
---@param kind string
---@param visitor function
function M.define(dialect, kind, visitor)
  visitors[dialect][kind] = visitor
end

---@param dialect string
---@return mainsequence.sql.Compiler
function M.new(dialect)
  return setmetatable({
    dialect = dialect, visitors = visitors[dialect], sqlite = dialect == "sqlite", buffer = {},
    resolved = false, counters = {}, truncated = false, cuts = false,
    bind_names = {}, binds = {}, order = {}, stack = {}, ctes = NOTHING, cte_by_name = false, cte_seen = false,
    include_table = true, label_shown = false, literal_binds = false, in_operation = false,
    tables = {}, ambiguous = false, lists = false, parameters = false, in_cte = false, warnings = false,
  }, Compiler)
end

-- ---- Text ---------------------------------------------------------------------------------------

---@param element any
function Compiler:visit(element)
  local visitor = self.visitors[element.kind]
  if not visitor then
    fault.raise(("a %s cannot stand in this place of a statement"):format((tostring(element.kind):gsub("_", " "))))
  end
  return visitor(self, element)
end

---Appends the elements with `separator` between.
---@param list any[]
---@param separator string
function Compiler:visit_list(list, separator)
  local buffer = self.buffer
  for position = 1, #list do
    if position > 1 then buffer[#buffer + 1] = separator end
    self:visit(list[position])
  end
end

---Appends the items of an ORDER BY.
---@param list any[]
function Compiler:visit_order(list)
  local ordered = self.sqlite and self.visitors.ordered
  if not ordered then return self:visit_list(list, ", ") end
  local buffer = self.buffer
  for position = 1, #list do
    if position > 1 then buffer[#buffer + 1] = ", " end
    ordered(self, list[position])
  end
end

---What `write` appends, as a text of its own.
---@param write fun(c: mainsequence.sql.Compiler, ...)
---@param ... any
---@return string
function Compiler:capture(write, ...)
  local outer = self.buffer
  self.buffer = {}
  write(self, ...)
  local text = table.concat(self.buffer)
  self.buffer = outer
  return text
end

-- ---- Identifiers --------------------------------------------------------------------------------

local quoted = { postgresql = {}, sqlite = {} }

---The identifier as it stands in SQL: quoted when it must be, "%" doubled.
---@param name string
---@return string
function Compiler:quote(name)
  local cache = quoted[self.dialect]
  local text = cache[name]
  if not text then
    text = core.quote(self.dialect, name):gsub("%%", "%%%%")
    cache[name] = text
  end
  return text
end

local sanitized = {}

---A stem as it can stand in names that are made of it.
local function sanitize(stem)
  local text = sanitized[stem]
  if not text then
    text = stem:gsub("[%%() $]+", "_")
    sanitized[stem] = text
  end
  return text
end

local stripped = {}

---A stem of a parameter's name: also without underscores at its ends.
local function strip(stem)
  local text = stripped[stem]
  if not text then
    text = sanitize(stem):gsub("^_+", ""):gsub("_+$", "")
    stripped[stem] = text
  end
  return text
end

---Numbers a stem: "rank" → "rank_1", "rank_2" …
local function number(self, stem)
  local counters = self.counters
  local count = (counters[stem] or 0) + 1
  counters[stem] = count
  return stem .. "_" .. count
end

---The text of a name that the compiler makes (see naming.lua), before it is cut.
local function resolve(self, name)
  local resolved = self.resolved or {}
  self.resolved = resolved
  local text = resolved[name]
  if text then return text end
  if name.parts then
    local parts = {}
    for position, part in ipairs(name.parts) do
      parts[position] = type(part) == "string" and part or part.text or resolve(self, part)
    end
    text = table.concat(parts)
  else
    text = number(self, sanitize(name.base))
    if name.enclosing then text = resolve(self, name.enclosing) .. text end
  end
  resolved[name] = text
  return text
end

---The text of a name.
---@param name string|table
---@param class "colident"|"alias"|"bindparam"|"values" what it names: each class counts its cut names by itself
---@return string
function Compiler:name(name, class)
  if type(name) == "string" then return name end
  local full = name.text or resolve(self, name)
  if #full <= LONGEST or (utf8.len(full) or #full) <= LONGEST then return full end
  return self:cut(full, class, name.text or name)
end

---@param full string
---@param class string
---@param identity any
---@return string
function Compiler:cut(full, class, identity)
  if not self.truncated then self.truncated, self.cuts = {}, {} end
  local known = self.truncated[class]
  if not known then
    known = {}
    self.truncated[class] = known
  end
  local short = known[identity]
  if not short then
    local count = (self.cuts[class] or 0) + 1
    self.cuts[class] = count
    short = full:sub(1, (utf8.offset(full, LONGEST + 1) or #full + 1) - 1) .. ("_%x"):format(count)
    known[identity] = short
  end
  return short
end

-- ---- Parameters ---------------------------------------------------------------------------------

local ESCAPES = { ["%"] = "P", ["("] = "A", [")"] = "Z", [":"] = "C", ["."] = "_", ["["] = "_", ["]"] = "_", [" "] = "_" }
local escaped = {}

---The name of a parameter as it can stand in a placeholder.
---@param name string
---@return string
local function escape(name)
  local text = escaped[name]
  if not text then
    text = name:gsub("[%%():%.%[%] ]", ESCAPES)
    escaped[name] = text
  end
  return text
end
M.escape = escape

local function check_same(name, known, element)
  if rawequal(known.original or known, element.original or element) then return end
  if known.unique or element.unique then
    fault.raise(("parameter '%s' has the name of another one"):format(name), "give the bindparam another name")
  elseif known.expanding ~= element.expanding then
    fault.raise(("parameter '%s' stands for a list in one place and for a value in another"):format(name),
      "use two parameters")
  elseif known.crud or element.crud then
    fault.raise(("the name '%s' belongs to the column that VALUES or SET fills"):format(name),
      ("give the bindparam another name, as in b_%s"):format(name))
  end
end

---Names a parameter that has no name of its own yet.
---@param element mainsequence.sql.Element
---@param name string
function Compiler:name_bind(element, name)
  local identity = element.original or element
  if self.bind_names[identity] then return end
  self.bind_names[identity] = name
  if not self.binds[name] then self.order[#self.order + 1] = name end
  self.binds[name] = element
end

---The name of a parameter; the first call makes it known.
---@param element mainsequence.sql.Element
---@return string
function Compiler:bind_name(element)
  local identity = element.original or element
  local name = self.bind_names[identity]
  if name then return name end
  if element.unique then
    name = number(self, strip(element.base))
    if #name > LONGEST and (utf8.len(name) or #name) > LONGEST then name = self:cut(name, "bindparam", identity) end
  else
    name = element.key
  end
  self.bind_names[identity] = name
  local known = self.binds[name]
  if known then
    if not rawequal(known, element) then check_same(name, known, element) end
  else
    self.order[#self.order + 1] = name
  end
  self.binds[name] = element
  return name
end

return M
