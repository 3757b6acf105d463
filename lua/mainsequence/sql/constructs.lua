-- What sql.* makes besides statements and functions: values, parameters, text, logic, CASE, CAST, tuples.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local expression = require("mainsequence.sql.expression")
local operators = require("mainsequence.sql.operators")
local select = require("mainsequence.sql.select")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")
local values = require("mainsequence.sql.values")

local M = {}
local new, is_element = expression.new, expression.is_element
local nargs, nth = _G.select, function(position, ...) return (_G.select(position, ...)) end

-- ---- Values and parameters ----------------------------------------------------------------------

local function type_argument(given)
  return given ~= nil and types.resolve(given) or nil
end

---A bound value where an expression is needed.
---@param value any
---@param sqltype table?
---@param options { literal_execute: boolean? }?
---@return mainsequence.sql.Element
function M.literal(value, sqltype, options)
  expression.check_value(value, "literal")
  if options then fault.check_options("literal", options, { "literal_execute" }) end
  if is_element(value) then return value end
  local element = expression.bind(nil, value, type_argument(sqltype) or values.type_of(value))
  if options and options.literal_execute then element.literal_execute, element.plain = true, false end
  return element
end

local BIND_OPTIONS = { "type", "unique", "expanding", "literal_execute", "callable", "required" }

---A parameter with a name of its own: its value may come later, with operation:with { name = value }.
---@param name string
---@param value any
---@param options { type: table?, unique: boolean?, expanding: boolean?, literal_execute: boolean?, callable: function? }?
---@return mainsequence.sql.Element
function M.bindparam(name, value, options)
  if type(name) ~= "string" or name == "" then fault.raise(("bindparam: a name is expected, got %s"):format(fault.show(name))) end
  if options == nil and type(value) == "table" and getmetatable(value) == nil and not core.is_array(value) then
    local looks_like_options = next(value) ~= nil
    for key in next, value do
      local known = false
      for _, option in ipairs(BIND_OPTIONS) do known = known or option == key end
      looks_like_options = looks_like_options and known
    end
    if looks_like_options then value, options = nil, value end
  end
  options = options or {}
  fault.check_options("bindparam", options, BIND_OPTIONS)
  if type(value) == "function" then
    fault.raise(("bindparam '%s': a function cannot be bound"):format(name), "write { callable = function() … end }")
  end
  local given = value
  if options.expanding and type(value) == "table" then given = value[1] end
  local sqltype = type_argument(options.type) or (given == nil and types.null or values.type_of(given))
  return new {
    kind = "bind", key = name, base = name, value = value, type = sqltype, unique = options.unique or false,
    expanding = options.expanding or false, literal_execute = options.literal_execute or false,
    callable = options.callable or false,
  }
end

---NULL, the keyword. (sql.null is the value.)
function M.null_() return expression.null end
function M.true_() return expression.true_ end
function M.false_() return expression.false_ end

-- ---- Text ---------------------------------------------------------------------------------------

---The pieces of a text and the parameters ":name" in it; "\:" is a colon, "::" stays.
local function parse(text)
  local pieces, names, seen, literal, position = {}, {}, {}, {}, 1
  local function flush()
    if #literal > 0 then pieces[#pieces + 1] = table.concat(literal) end
    literal = {}
  end
  while position <= #text do
    local character = text:sub(position, position)
    local before = position > 1 and text:sub(position - 1, position - 1) or ""
    local name = character == ":" and not before:find("[:%w_\\\128-\255]") and text:match("^:([%w_\128-\255]+)", position)
    if name and text:sub(position + #name + 1, position + #name + 1) == ":" then
      -- the longest name that isn't followed by a colon
      name = #name > 1 and name:sub(1, -2) or nil
    end
    if name then
      flush()
      pieces[#pieces + 1] = { name = name }
      if not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
      position = position + 1 + #name
    elseif character == "\\" and text:find("^\\:", position) then
      literal[#literal + 1] = ":"
      position = position + 2
    else
      literal[#literal + 1] = character == "%" and "%%" or character
      position = position + 1
    end
  end
  flush()
  return pieces, names
end

---SQL as it is; ":name" is a parameter, "\:" a colon.
---@param text string
---@return mainsequence.sql.Element
function M.text(text)
  if type(text) ~= "string" then fault.raise(("text: SQL as a string is expected, got %s"):format(fault.show(text))) end
  local pieces, names = parse(text)
  local parameters = {}
  for _, name in ipairs(names) do parameters[name] = M.bindparam(name) end
  return new { kind = "text", text = text, pieces = pieces, names = names, parameters = parameters, type = types.null }
end
select.text = M.text

---Values for the parameters of a text: by name, and bindparams for those with a type.
---@param ... any
---@return mainsequence.sql.Element
function expression.methods:bindparams(...)
  if self.kind ~= "text" then fault.raise("bindparams is a method of sql.text(…)") end
  local parameters = {}
  for _, name in ipairs(self.names) do parameters[name] = self.parameters[name] end
  local function check(name)
    if not parameters[name] then
      fault.raise(("bindparams: the text has no parameter '%s'"):format(tostring(name)), fault.did_you_mean(name, self.names))
    end
  end
  for position = 1, nargs("#", ...) do
    local given = nth(position, ...)
    if is_element(given) and given.kind == "bind" then
      check(given.base)
      parameters[given.base] = given
    elseif type(given) == "table" and getmetatable(given) == nil then
      for _, name in ipairs(core.keys(given)) do
        check(name)
        local old = parameters[name]
        parameters[name] = M.bindparam(name, given[name], { type = old.type ~= types.null and old.type or nil })
      end
    else
      fault.raise(("bindparams takes { name = value } and bindparams, got %s"):format(fault.show(given)))
    end
  end
  return new { kind = "text", text = self.text, pieces = self.pieces, names = self.names, parameters = parameters,
    type = types.null }
end
expression.methods.pieces, expression.methods.names, expression.methods.parameters = false, false, false

---The text as a SELECT with these columns.
---@param ... mainsequence.sql.Element
---@return mainsequence.sql.Select
local function text_columns(self, ...)
  if self.kind ~= "text" then fault.raise("columns is a method of sql.text(…)") end
  local list = {}
  for position = 1, nargs("#", ...) do
    local given = nth(position, ...)
    if not is_element(given) then fault.raise(("columns: a column is expected, got %s"):format(fault.show(given))) end
    list[position] = given
  end
  return select.new { kind = "text_select", element = self, list = list, wide = true }
end
expression.methods.columns = text_columns

-- ---- Logic --------------------------------------------------------------------------------------

for name, operator in next, { and_ = operators.and_, or_ = operators.or_ } do
  ---@param ... any conditions
  ---@return mainsequence.sql.Element
  M[name] = function(...)
    if nargs("#", ...) == 0 then
      return new { kind = "list", operator = operator, type = types.boolean, clauses = {}, boolean = true }
    end
    return expression.conjunction(operator, select.conditions(name, ...))
  end
end

---NOT condition.
---@param condition any
---@return mainsequence.sql.Element
function M.not_(condition)
  return expression.negate(expression.condition(condition, "not_"))
end

for name, operator in next, { any_ = operators.any, all_ = operators.all } do
  ---ANY (array) or ALL (array); also of a subquery.
  ---@param value any
  ---@return mainsequence.sql.Element
  M[name] = function(value)
    local inner = expression.expression(value, name)
    return new { kind = "unary", operator = operator, element = expression.grouped(inner, operator), type = types.boolean,
      collection = true, boolean = false }
  end
  expression.methods[name] = function(self) return M[name](self) end
end

M.asc, M.desc, M.nulls_first, M.nulls_last = expression.asc, expression.desc, expression.nulls_first, expression.nulls_last

---DISTINCT value, as in count(DISTINCT name).
---@param value any
---@return mainsequence.sql.Element
function M.distinct(value)
  local inner = expression.expression(value, "distinct")
  return expression.unary(inner, operators.distinct, inner.type)
end

---@param value any
---@param low any
---@param high any
---@param options { symmetric: boolean? }?
---@return mainsequence.sql.Element
function M.between(value, low, high, options)
  return expression.expression(value, "between"):between(low, high, options)
end

---EXISTS (SELECT …): of a select, of columns, or of what follows with :where(…).
---@param ... any
---@return mainsequence.sql.Element
function M.exists(...)
  local first = ...
  if nargs("#", ...) == 0 then return select.exists_of(select.select("*")) end
  if select.is_select(first) then return first:exists() end
  if is_element(first) and first.kind == "scalar_subquery" then return select.exists_of(first.statement) end
  return select.exists_of(select.select(...))
end

---SELECT EXISTS (…).
---@return mainsequence.sql.Select
function expression.methods:select()
  if self.operator ~= operators.exists then fault.raise("select is a method of tables, subqueries and EXISTS") end
  return select.select(self)
end

for _, name in ipairs { "where", "select_from", "correlate", "correlate_except" } do
  ---Of EXISTS and scalar subqueries: the same of the select inside.
  expression.methods[name] = function(self, ...)
    local statement = rawget(self, "statement")
    if not statement then
      fault.raise(("%s is a method of statements, EXISTS and scalar subqueries"):format(name))
    end
    local changed = statement[name](statement, ...)
    if self.kind == "unary" then return select.exists_of(changed) end
    return changed:scalar_subquery()
  end
end

-- ---- CASE, CAST, tuples -------------------------------------------------------------------------

local function last_type(whens, otherwise)
  for position = #whens, 1, -1 do
    if whens[position][2].type ~= types.null then return whens[position][2].type end
  end
  return otherwise and otherwise.type or types.null
end

---CASE WHEN condition THEN result … ELSE else_ END: pairs { condition, result }, then { else_ = … }.
---With { value = x } the pairs are values of x.
---@param ... table
---@return mainsequence.sql.Element
function M.case(...)
  local whens, options = {}, {}
  for position = 1, nargs("#", ...) do
    local given = nth(position, ...)
    if type(given) ~= "table" or getmetatable(given) ~= nil then
      fault.raise(("case: a pair { condition, result } is expected, got %s"):format(fault.show(given)))
    end
    if given[1] == nil and given[2] == nil then
      options = given
    else
      whens[#whens + 1] = given
    end
  end
  fault.check_options("case", options, { "else_", "value" })
  if #whens == 0 then fault.raise("case needs at least one pair { condition, result }") end
  local subject = options.value ~= nil and expression.expression(options.value, "case") or false
  local pairs_ = {}
  for position, pair in ipairs(whens) do
    local condition = subject and expression.expression(pair[1], "case") or expression.condition(pair[1], "case")
    pairs_[position] = { expression.grouped(condition), expression.expression(pair[2], "case") }
  end
  local otherwise = options.else_ ~= nil and options.else_ ~= core.null and expression.expression(options.else_, "case") or false
  return new { kind = "case", whens = pairs_, value = subject, else_ = otherwise, type = last_type(pairs_, otherwise) }
end

M.cast = expression.cast

---The value with another type on our side: nothing is rendered.
---@param value any
---@param sqltype table
---@return mainsequence.sql.Element
function M.type_coerce(value, sqltype)
  local target = types.resolve(sqltype)
  return new { kind = "type_coerce", element = expression.expression(value, "type_coerce", target), type = target }
end

M.extract = expression.extract

---(a, b, …), for comparison with rows and IN.
---@param ... any
---@return mainsequence.sql.Element
function M.tuple_(...)
  local clauses, item_types = {}, {}
  for position = 1, nargs("#", ...) do
    clauses[position] = expression.expression(nth(position, ...), "tuple_")
    item_types[position] = clauses[position].type
  end
  return new { kind = "tuple", clauses = clauses, type = types.tuple_of(item_types) }
end

---The type of the rows in a tuple's IN list.
---@param tuple mainsequence.sql.Element
---@param rows table[]
---@return mainsequence.sql.Type
function expression.tuple_type(tuple, rows)
  local item_types = {}
  for position, sqltype in ipairs(tuple.type.types) do
    local value = rows[1] and rows[1][position]
    item_types[position] = value ~= nil and values.compared_type(sqltype, value) or sqltype
  end
  return types.tuple_of(item_types)
end

---A row compared with a tuple.
---@param tuple mainsequence.sql.Element
---@param row table
---@return mainsequence.sql.Element
function expression.bind_tuple(tuple, row)
  if type(row) ~= "table" then fault.raise(("a tuple is compared with a list, got %s"):format(fault.show(row))) end
  local clauses = {}
  for position, sqltype in ipairs(tuple.type.types) do
    clauses[position] = expression.bind(nil, row[position], values.compared_type(sqltype, row[position]))
  end
  return new { kind = "tuple", clauses = clauses, type = tuple.type }
end

---COLLATE, as in collate(name, "C").
---@param value any
---@param collation string
---@return mainsequence.sql.Element
function M.collate(value, collation)
  return expression.expression(value, "collate"):collate(collation)
end

---@param name string
---@param value any
---@return mainsequence.sql.Element
function M.label(name, value)
  return expression.expression(value, "label"):label(name)
end

-- ---- FROM ---------------------------------------------------------------------------------------

---An alias of a table, a subquery or a join.
---@param value any
---@param name string?
---@return mainsequence.sql.From
function M.alias(value, name)
  if select.is_select(value) then return value:subquery(name) end
  return selectable.from(value, "alias"):alias(name)
end

local FROM = {}
local Aliased = {
  __name = "mainsequence.sql.Aliased",
  __index = function(self, key) return rawget(self, FROM).c[key] end,
  __newindex = function() fault.raise("an alias cannot be changed") end,
  __sql_from = function(self) return rawget(self, FROM) end,
}

---An alias that is used like a model: its columns stand on it directly.
---@param value any
---@param name string?
---@return table
function M.aliased(value, name)
  return setmetatable({ [FROM] = M.alias(value, name) }, Aliased)
end

---@param value any
---@param sampling any
---@param options { name: string?, seed: any }?
---@return mainsequence.sql.From
function M.tablesample(value, sampling, options)
  options = options or {}
  fault.check_options("tablesample", options, { "name", "seed" })
  return selectable.from(value, "tablesample"):tablesample(sampling, options.name, options.seed)
end

---left JOIN right ON onclause, for select_from.
---@param left any
---@param right any
---@param onclause any
---@param options { isouter: boolean?, full: boolean? }?
---@return mainsequence.sql.From
function M.join(left, right, onclause, options)
  return selectable.from(left, "join"):join(right, onclause, options)
end

---@param left any
---@param right any
---@param onclause any
---@param options { full: boolean? }?
---@return mainsequence.sql.From
function M.outerjoin(left, right, onclause, options)
  return selectable.from(left, "outerjoin"):outerjoin(right, onclause, options)
end

M.table, M.column, M.literal_column = selectable.table, selectable.column, select.literal_column

---@param statement mainsequence.sql.Select
---@param name string?
---@return mainsequence.sql.From
function M.lateral(statement, name)
  return statement:lateral(name)
end

---@param statement table
---@param name string?
---@param options { recursive: boolean?, nesting: boolean? }?
---@return mainsequence.sql.From
function M.cte(statement, name, options)
  return statement:cte(name, options)
end

---The columns of anything that can stand in FROM, in order.
---@param value any
---@return mainsequence.sql.Element[]
function M.columns(value)
  local columns = selectable.is_columns(value) and value or selectable.from(value, "columns").c
  return table.move(selectable.list_of(columns), 1, #columns, 1, {})
end

return M
