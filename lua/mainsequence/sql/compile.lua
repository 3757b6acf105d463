-- The whole compiler: all visitors loaded, one entry.

local compiler = require("mainsequence.sql.compile_dml")
local dml = require("mainsequence.sql.dml")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local linter = require("mainsequence.sql.linter")
local parameters = require("mainsequence.sql.parameters")
local select = require("mainsequence.sql.select")
local shape = require("mainsequence.sql.shape")
require("mainsequence.sql.compile_sqlite")

local M = {}

local Compiler = compiler.Compiler

---Values for parameters by name, of statement:params { … }. Those of outer statements win.
---@param given table<string, any>
function Compiler:set_parameters(given)
  local merged = {}
  for name, value in next, given do merged[name] = value end
  for name, value in next, self.parameters or {} do merged[name] = value end
  self.parameters = merged
end

---Refuses values for parameters that the statement doesn't have.
local function check_parameters(given, binds)
  for name in next, given do
    if not binds[name] then
      local names = {}
      for known, parameter in next, binds do
        if not parameter.unique then names[#names + 1] = known end
      end
      table.sort(names)
      fault.raise(("params: the statement has no parameter '%s'"):format(tostring(name)), fault.did_you_mean(name, names))
    end
  end
end

---Writes the text of a statement.
---@return mainsequence.sql.Compiled, table<string, any>|false given
local function write(statement, dialect, values, lint)
  local c = compiler.new(dialect)
  c.lint = lint
  if values then c:set_parameters(values) end
  if statement.kind == "text" then c.unbound = true end
  c.visitors[statement.kind](c, statement)
  return parameters.finish(c), c.parameters
end

-- ---- Statements of a known shape ----------------------------------------------------------------

-- Two generations: when the younger is full, the older is forgotten. What is used moves to the younger.
local FULL, OVERHEAD = 20000, 20
local young, old, weight = {}, {}, 0

---@param key string
---@param compiled mainsequence.sql.Compiled
local function remember(key, compiled)
  weight = weight + OVERHEAD + #compiled.names
  if weight > FULL then young, old, weight = {}, young, OVERHEAD + #compiled.names end
  young[key] = compiled
end

---@param key string
---@return mainsequence.sql.Compiled?
local function recall(key)
  local compiled = young[key]
  if compiled then return compiled end
  compiled = old[key]
  if compiled then remember(key, compiled) end
  return compiled
end

---Keeps what other statements of the shape can use: all but the values. A parameter whose value isn't in one of the
---slots, or in two, is nothing that another statement could give.
local function keep(key, compiled, slots)
  if #compiled.names > FULL // 4 then return end
  local place_of, places = {}, {}
  for place, slot in ipairs(slots) do
    local identity = slot.original or slot
    if place_of[identity] then return end
    place_of[identity] = place
  end
  for position, source in ipairs(compiled.sources) do
    local identity = source.source or source.original or source
    places[position] = identity.constant and 0 or place_of[identity]
    if not places[position] then return end
  end
  compiled.slots, compiled.sources = places, false
  remember(key, compiled)
end

---Compiles a statement. One of a shape that was compiled before only gives its values: SQLite has none of that,
---because there the text may depend on them.
---@param statement any a select, insert, update, delete or text
---@param dialect "postgresql"|"sqlite"
---@param values table<string, any>? of parameters
---@param lint boolean whether FROM is checked for a forgotten condition
---@return mainsequence.sql.Compiled compiled, any[] wires, table<integer, string> tokens
function M.compile(statement, dialect, values, lint)
  if not (select.is_select(statement) or dml.is_change(statement) or expression.is_element(statement)) then
    fault.raise(("a statement is expected, got %s"):format(fault.show(statement)), "sql.select(…), sql.insert(…) …")
  end
  local key, slots
  if dialect == "postgresql" then key, slots = shape.of(statement, values, lint) end
  local compiled, given = key and recall(key), values
  local wires, tokens
  if compiled then
    if given then check_parameters(given, compiled.binds) end
    wires, tokens = parameters.values(compiled, slots, given)
  else
    compiled, given = write(statement, dialect, values, lint)
    if given then check_parameters(given, compiled.binds) end
    wires, tokens = parameters.values(compiled, nil, given)
    if key then keep(key, compiled, slots) end
  end
  for _, warning in ipairs(compiled.warnings or {}) do linter.warn(warning) end
  return compiled, wires, tokens
end

---The text of an expression or a statement, for messages and for reading.
---@param value any
---@return string
function M.text(value)
  local c = compiler.new("postgresql")
  c:visit(value)
  return table.concat(c.buffer)
end

local function to_text(value)
  local ok, text = pcall(M.text, value)
  return ok and text or ("<%s>"):format(value.kind)
end
expression.Element.__tostring = to_text
select.Select.__tostring = to_text
dml.Change.__tostring = to_text

return M
