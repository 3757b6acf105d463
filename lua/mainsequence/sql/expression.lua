-- The expression class. Everything that can stand in a statement where a value stands is an element: a
-- table with a `kind`, a `type` and this metatable. Elements never change after they are built, so one may
-- be shared by any number of statements.
--
-- Comparisons are methods, because Lua coerces the results of == and < to booleans; logic is & | ~,
-- arithmetic is arithmetic, .. concatenates. This module must not require mainsequence.schema.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local operators = require("mainsequence.sql.operators")
local types = require("mainsequence.sql.types")
local values = require("mainsequence.sql.values")

local M = { operators = operators }

---@class mainsequence.sql.Element
---@field kind string what it is: "column", "bind", "binary", …
---@field type mainsequence.sql.Type
---@operator add: mainsequence.sql.Element
---@operator sub: mainsequence.sql.Element
---@operator mul: mainsequence.sql.Element
---@operator div: mainsequence.sql.Element
---@operator idiv: mainsequence.sql.Element
---@operator mod: mainsequence.sql.Element
---@operator unm: mainsequence.sql.Element
---@operator concat: mainsequence.sql.Element
---@operator band: mainsequence.sql.Element
---@operator bor: mainsequence.sql.Element
---@operator bnot: mainsequence.sql.Element
local methods = {}
local Element = { __index = methods, __name = "mainsequence.sql.Element" }
M.Element, M.methods = Element, methods

-- What elements of some kinds have and others lack reads as false; anything else is a misspelt method.
for _, field in ipairs {
  "name", "key", "table", "operator", "modifier", "negated", "modifiers", "clauses", "element", "value", "base",
  "unique", "callable", "expanding", "literal_execute", "boolean", "is_literal", "group_off", "anonymous",
  "collection", "required", "crud", "constant", "plain", "texts", "serial",
  "columns", "primary_key", "nullable", "default", "onupdate",
} do methods[field] = false end

setmetatable(methods, {
  __index = function(_, key)
    local names = {}
    for name, method in next, methods do
      if type(method) == "function" then names[#names + 1] = name end
    end
    table.sort(names)
    fault.raise(("an expression has no method '%s'"):format(tostring(key)), fault.did_you_mean(key, names))
  end,
})

---@param value any
---@return boolean
function M.is_element(value)
  return getmetatable(value) == Element
end

---Makes an element of a table with `kind` and `type`.
---@param fields table
---@return mainsequence.sql.Element
local function new(fields)
  return setmetatable(fields, Element)
end
M.new = new

-- ---- Leaves -------------------------------------------------------------------------------------

---A column of a model. Called by the schema front end for `Asset.uid = types.Uuid {}`.
---@param options { model: table, key: string, name: string, type: { name: string, args: table? } }  other keys are kept
---@return mainsequence.sql.Element
function M.column(options)
  local element = { kind = "column" }
  for key, value in next, options do element[key] = value end
  element.key = options.key or options.name
  element.table, element.model = options.model, nil
  element.type = types.resolve(options.type)
  return new(element)
end

local null = new { kind = "null", type = types.null }
local true_ = new { kind = "true", type = types.boolean, boolean = true }
local false_ = new { kind = "false", type = types.boolean, boolean = true }
M.null, M.true_, M.false_ = null, true_, false_

---The constant that a Lua value stands for, or nil: sql.null, true and false.
---@param value any
---@return mainsequence.sql.Element?
local function constant(value)
  if value == core.null then return null end
  if value == true then return true_ end
  if value == false then return false_ end
end
M.constant = constant

local CONSTANTS = { null = true, ["true"] = true, ["false"] = true }
M.CONSTANTS = CONSTANTS

---A value to be bound: a `plain` one, which is nothing but a value. `base` is the stem of its name ("param" when
---absent), `sqltype` its type.
---@param base string?
---@param value any
---@param sqltype mainsequence.sql.Type
---@return mainsequence.sql.Element
local function bind(base, value, sqltype)
  return setmetatable({
    kind = "bind", base = base or "param", value = value, type = sqltype, unique = true, plain = true,
  }, Element)
end
M.bind = bind

local BINDABLE = { number = true, string = true, boolean = true, table = true }

---Refuses what cannot be bound.
---@param value any
---@param what string|mainsequence.sql.Element  for messages: a clause, or what the value stands beside
local function check_value(value, what)
  local kind = type(value)
  if BINDABLE[kind] then return end
  if type(what) == "table" then what = what.name and ("'%s'"):format(what.name) or "an expression" end
  if kind == "nil" then
    fault.raise(("%s: the value is nil (a misspelt variable or field?)"):format(what), "NULL is written sql.null")
  elseif value ~= core.null then
    fault.raise(("%s: a %s cannot be bound"):format(what, kind))
  end
end
M.check_value = check_value

-- ---- Parentheses --------------------------------------------------------------------------------

---@param element mainsequence.sql.Element
---@return mainsequence.sql.Element
local function grouping(element)
  return new { kind = "grouping", element = element, type = element.type, boolean = element.boolean }
end
M.grouping = grouping

local and_, or_, inv, as_boolean = operators.and_, operators.or_, operators.inv, operators.as_boolean
local any, all = operators.any, operators.all
local needs_parentheses = operators.needs_parentheses

local function group_operation(element, against)
  local operator = element.operator
  if operator == inv or element.kind == "unary" then
    return operator and needs_parentheses(operator, against) and grouping(element) or element
  end
  if not element.group_off and needs_parentheses(operator, against) or against == inv and not operator.boolean then
    return grouping(element)
  end
  return element
end

-- kind → what stands for the element beside an operator; others are as they are, booleans apart
local group_of = {
  binary = group_operation,
  unary = group_operation,
  list = function(element, against)
    return #element.clauses == 0 and element or group_operation(element, against)
  end,
  label = function(element, against)
    local inner = M.grouped(element.element, against)
    if rawequal(inner, element.element) then return element end
    return M.label(element.name, inner, element.type)
  end,
  type_coerce = function(element, against)
    local inner = M.grouped(element.element, against)
    if rawequal(inner, element.element) then return element end
    return new { kind = "type_coerce", element = inner, type = element.type }
  end,
  text = function(element, against)
    return against == operators.in_ and grouping(element) or element
  end,
}
local function unchanged(element) return element end
for _, kind in ipairs { "grouping", "tuple", "as_boolean", "scalar_subquery", "scalar_values", "slice", "clause_list" } do
  group_of[kind] = unchanged
end
M.group_of = group_of

---The element as it stands beside operator `against` (nil: on its own), in parentheses if it must.
---@param element mainsequence.sql.Element
---@param against mainsequence.sql.Operator?
---@return mainsequence.sql.Element
local function grouped(element, against)
  local rule = group_of[element.kind]
  if rule then return rule(element, against) end
  if against and against.comparison then return element end
  if against == and_ or against == or_ or against == as_boolean then
    if element.type.affinity == "Boolean" then
      return new { kind = "as_boolean", element = element, operator = operators.is_true, type = types.boolean,
        boolean = element.boolean }
    end
  elseif against == any or against == all then
    return grouping(element)
  end
  return element
end
M.grouped = grouped

-- ---- Operations ---------------------------------------------------------------------------------

---left operator right; the operands are put in parentheses where they must be.
---@return mainsequence.sql.Element
local function binary(left, right, operator, sqltype, negated, modifiers)
  return setmetatable({
    kind = "binary", left = grouped(left, operator), right = grouped(right, operator), operator = operator,
    type = sqltype, negated = negated, modifiers = modifiers, boolean = operator.boolean,
  }, Element)
end
M.binary = binary

---A flat list of operands.
---@return mainsequence.sql.Element
local function list(operator, sqltype, clauses, group_off)
  local members = {}
  for position, clause in ipairs(clauses) do
    members[position] = group_off and clause or grouped(clause, operator)
  end
  return new {
    kind = "list", operator = operator, type = sqltype, clauses = members, group_off = group_off,
    boolean = operator.boolean,
  }
end
M.list = list

---@return mainsequence.sql.Element
local function unary(element, operator, sqltype)
  return new {
    kind = "unary", element = grouped(element, operator), operator = operator, type = sqltype,
    boolean = operator.boolean,
  }
end
M.unary = unary

local function flattened(element, operator, sqltype)
  if element.operator ~= operator or not types.same_family(sqltype, element.type) then return end
  if element.kind == "list" then return element.clauses end
  return { element.left, element.right }
end

---left operator right, chained into one list when the operator allows it.
---@return mainsequence.sql.Element
local function construct(left, right, operator, sqltype, negated, modifiers)
  if operator.associative then
    local before, after = flattened(left, operator, sqltype), flattened(right, operator, sqltype)
    if before or after then
      local clauses = {}
      for _, side in ipairs { before or { left }, after or { right } } do table.move(side, 1, #side, #clauses + 1, clauses) end
      return list(operator, sqltype, clauses)
    end
  end
  if right.collection then negated = nil end
  return binary(left, right, operator, sqltype, negated, modifiers)
end

-- ---- Operands -----------------------------------------------------------------------------------

-- kind → stem of the names of values compared with it
local STEMS = { column = true, ["function"] = true }

---Makes the bound value that stands beside `expression`.
---@param expression mainsequence.sql.Element
---@param value any
---@param sqltype mainsequence.sql.Type?  instead of the type that follows from both sides
---@param free boolean? the value may have any type, whatever the expression's
---@return mainsequence.sql.Element
local function bind_beside(expression, value, sqltype, free)
  local kind, compared = expression.kind, expression.type
  if kind == "tuple" then return M.bind_tuple(expression, value) end
  if kind == "array" and type(value) == "table" and not values.is_value(value) then return M.bind_array(expression, value) end
  if kind == "grouping" then return bind_beside(expression.element, value, sqltype, free) end
  if expression.collection then compared = expression.element.type.item or compared end
  if not sqltype then sqltype = values.compared_type(compared, value) end
  if free then
    check_value(value, expression)
  else
    M.check_type(expression, compared, sqltype, value)
  end
  return bind(STEMS[kind] and (expression.key or expression.name), value, sqltype)
end
M.bind_beside = bind_beside

---The element that stands beside `expression`: itself, a subquery, or the value bound.
---@param value any
---@param expression mainsequence.sql.Element
---@param sqltype mainsequence.sql.Type?
---@param free boolean? the value may have any type
---@return mainsequence.sql.Element
local function operand(value, expression, sqltype, free)
  local meta = getmetatable(value)
  if meta ~= Element then
    if not (meta and meta.__sql_scalar) then return bind_beside(expression, value, sqltype, free) end
    value = meta.__sql_scalar(value)
  end
  if value.type == types.null and expression.type ~= types.null then
    return M.with_type(value, sqltype or expression.type)
  end
  return value
end
M.operand = operand

---An untyped bound value takes the type of the other side.
---@param element mainsequence.sql.Element
---@param sqltype mainsequence.sql.Type
---@return mainsequence.sql.Element
function M.with_type(element, sqltype)
  if element.kind == "bind" then
    local copy = {}
    for key, value in next, element do copy[key] = value end
    -- the copy is the same parameter: names are given by the original
    copy.type, copy.original, copy.plain = sqltype, rawget(element, "original") or element, false
    return new(copy)
  elseif element.kind == "grouping" then
    return grouping(M.with_type(element.element, sqltype))
  end
  return element
end

---An element of its own: itself, a subquery, or the value bound as `base` or "param".
---@param value any
---@param what string  for messages
---@param sqltype mainsequence.sql.Type?
---@param base string?
---@return mainsequence.sql.Element
function M.expression(value, what, sqltype, base)
  local meta = getmetatable(value)
  if meta == Element then return value end
  if meta and meta.__sql_scalar then return meta.__sql_scalar(value) end
  check_value(value, what)
  -- a NULL of JSON is bound, since JSON has one of its own
  if value == core.null and not (sqltype and sqltype.json) then return null end
  return bind(base, value, sqltype or values.type_of(value))
end

-- Families that take one another's values without a word: 1 is a fine numeric, and text is how many types
-- are written.
local TAKES = {
  Integer = { Integer = true, Numeric = true }, Numeric = { Integer = true, Numeric = true },
  String = { String = true, Uuid = true }, Boolean = { Boolean = true, Integer = true },
  Date = { Date = true, DateTime = true, String = true, Interval = true, Integer = true },
  DateTime = { Date = true, DateTime = true, String = true, Interval = true, Time = true },
  Time = { Time = true, String = true, Interval = true, Date = true }, Uuid = { Uuid = true, String = true },
  Binary = { Binary = true, String = true },
}

---A value whose type can't belong to the column is a mistake that the database would report much later.
---@param expression mainsequence.sql.Element
---@param compared mainsequence.sql.Type
---@param sqltype mainsequence.sql.Type
---@param value any
function M.check_type(expression, compared, sqltype, value)
  check_value(value, expression)
  if compared == sqltype or expression.kind ~= "column" or not rawget(expression, "table") then return end
  local takes = TAKES[compared.affinity]
  if not takes or takes[sqltype.affinity] or value == core.null then return end
  fault.raise(("column '%s' has type %s, and %s is no value of it"):format(expression.name, compared.name,
    fault.show(value)), ("convert the value, or the column with :cast(types.%s {})"):format(sqltype.name))
end

-- ---- Comparison ---------------------------------------------------------------------------------

local eq, ne, is_, is_not = operators.eq, operators.ne, operators.is, operators.is_not
local PLAIN = { string = true, number = true }
local DISTINCT = { [operators.is_distinct_from] = true, [operators.is_not_distinct_from] = true }

local function compare_constant(left, operator, right)
  if DISTINCT[operator] then return construct(left, right, operator, types.boolean, operator.negated) end
  if (operator == eq or operator == ne) and right.kind ~= "null" then
    return construct(left, right, operator, types.boolean, operator.negated)
  end
  if operator == eq or operator == is_ then return construct(left, right, is_, types.boolean, is_not) end
  if operator == ne or operator == is_not then return construct(left, right, is_not, types.boolean, is_) end
  fault.raise(("%s cannot stand beside null, true or false"):format(operator.text or operator.name),
    "use eq, ne, is_, is_not, is_distinct_from or is_not_distinct_from")
end

---A column compared with a plain value or another column, which is most of what is compared: neither side is put in
---parentheses or takes the type of the other one. nil when it isn't that.
local function compare_column(column, operator, value, modifiers, result)
  local right
  if PLAIN[type(value)] then
    local compared = column.type
    local sqltype = values.compared_type(compared, value)
    if sqltype ~= compared then M.check_type(column, compared, sqltype, value) end
    right = bind(column.key or column.name, value, sqltype)
  elseif getmetatable(value) == Element and value.kind == "column" then
    right = value
  else
    return nil
  end
  return setmetatable({
    kind = "binary", left = column, right = right, operator = operator, type = result or types.boolean,
    negated = operator.negated, modifiers = modifiers, boolean = operator.boolean,
  }, Element)
end

---left operator value, a boolean.
---@param left mainsequence.sql.Element
---@param operator mainsequence.sql.Operator
---@param value any
---@param modifiers table?
---@param result mainsequence.sql.Type?
---@return mainsequence.sql.Element
local function compare(left, operator, value, modifiers, result)
  if left.kind == "column" then
    local element = compare_column(left, operator, value, modifiers, result)
    if element then return element end
  end
  local reverse = left.collection
  if reverse then operator = operator.mirrored or operator end
  local fixed = constant(value)
  if not fixed and getmetatable(value) == Element and CONSTANTS[value.kind] then fixed = value end
  if fixed and not reverse then return compare_constant(left, operator, fixed) end
  local right = fixed or operand(value, left)
  if reverse then left, right = right, left end
  return construct(left, right, operator, result or types.boolean, operator.negated, modifiers)
end
M.compare = compare

for name, operator in next, { eq = eq, ne = ne, lt = operators.lt, le = operators.le, gt = operators.gt,
  ge = operators.ge, is_ = is_, is_not = is_not, is_distinct_from = operators.is_distinct_from,
  is_not_distinct_from = operators.is_not_distinct_from } do
  methods[name] = function(self, value) return compare(self, operator, value) end
end

-- ---- Arithmetic ---------------------------------------------------------------------------------

local CHAINED = { add = true, mul = true, eq = true, ne = true }

---The operator and type of `left operator right`.
local function adapt(operator, left, right)
  local left_type, right_type = left.type, right.type
  if left_type == types.null and right_type ~= types.null and CHAINED[operator.name] then
    left_type, right_type = right_type, left_type
  end
  if operator == operators.add and left_type.concatenable and (right_type.concatenable or right_type == types.null) then
    return operators.concat, left_type
  end
  return operator, types.result(operator.name, left_type, right_type)
end

---self operator value, or value operator self.
---@param self mainsequence.sql.Element
---@param operator mainsequence.sql.Operator
---@param value any
---@param reverse boolean?
---@param result mainsequence.sql.Type?
---@return mainsequence.sql.Element
local function operate(self, operator, value, reverse, result)
  if self.collection then fault.raise("only comparisons may be used with ANY and ALL") end
  local other = operand(value, self, nil, operator.custom or operator == operators.concat)
  local left, right = self, other
  if reverse then left, right = other, self end
  if not result then operator, result = adapt(operator, left, right) end
  return construct(left, right, operator, result)
end
M.operate = operate

local function arithmetic(operator)
  return function(a, b)
    if getmetatable(a) == Element then return operate(a, operator, b) end
    return operate(b, operator, a, true)
  end
end
Element.__add, Element.__sub = arithmetic(operators.add), arithmetic(operators.sub)
Element.__mul, Element.__div = arithmetic(operators.mul), arithmetic(operators.truediv)
Element.__idiv, Element.__mod = arithmetic(operators.floordiv), arithmetic(operators.mod)
Element.__concat = arithmetic(operators.concat)
Element.__unm = function(self) return unary(self, operators.neg, self.type) end

-- ---- Traps --------------------------------------------------------------------------------------

local function trap(symbol, method)
  return function()
    fault.raise(("expressions cannot be compared with %s: Lua turns the result into a boolean"):format(symbol),
      ("write a:%s(b)"):format(method))
  end
end
Element.__eq, Element.__lt, Element.__le = trap("==", "eq"), trap("<", "lt"), trap("<=", "le")
Element.__bxor = function() fault.raise("~ between two expressions means nothing here", "write a:bitwise_xor(b)") end
Element.__len = function() fault.raise("an expression has no length", "write sql.func.length(x)") end
Element.__call = function() fault.raise("an expression cannot be called", "functions are written sql.func.name(…)") end

require("mainsequence.sql.expression_logic")(M)
require("mainsequence.sql.expression_methods")(M)

return M
