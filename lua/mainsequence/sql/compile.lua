-- The whole compiler: all visitors loaded, one entry.

local compiler = require("mainsequence.sql.compile_dml")
local dml = require("mainsequence.sql.dml")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local linter = require("mainsequence.sql.linter")
local parameters = require("mainsequence.sql.parameters")
local select = require("mainsequence.sql.select")
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
local function check_parameters(c)
  for name in next, c.parameters or {} do
    local element = c.binds[name]
    if not element then
      local names = {}
      for known, other in next, c.binds do
        if not other.unique then names[#names + 1] = known end
      end
      table.sort(names)
      fault.raise(("params: the statement has no parameter '%s'"):format(tostring(name)), fault.did_you_mean(name, names))
    end
  end
end

---@param statement any a select, insert, update, delete or text
---@param dialect "postgresql"|"sqlite"
---@param options { values: table<string, any>?, lint: boolean? }?
---@return mainsequence.sql.Compiled
function M.compile(statement, dialect, options)
  local c = compiler.new(dialect)
  c.lint = not options or options.lint ~= false
  if options and options.values then c:set_parameters(options.values) end
  local kind = type(statement) == "table" and rawget(statement, "kind")
  if not (select.is_select(statement) or dml.is_change(statement) or expression.is_element(statement)) then
    fault.raise(("a statement is expected, got %s"):format(fault.show(statement)), "sql.select(…), sql.insert(…) …")
  end
  if kind == "text" then c.unbound = true end
  c.visitors[kind](c, statement)
  if c.parameters then check_parameters(c) end
  local compiled = parameters.finish(c)
  for _, warning in ipairs(compiled.warnings or {}) do linter.warn(warning) end
  return compiled
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
