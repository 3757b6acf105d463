-- Conditions: AND, OR and NOT, as SQLAlchemy folds and flattens them. Loaded by expression.lua, which hands
-- itself over.

local fault = require("mainsequence.sql.fault")
local operators = require("mainsequence.sql.operators")
local types = require("mainsequence.sql.types")

local and_, or_, inv, as_boolean = operators.and_, operators.or_, operators.inv, operators.as_boolean

---@param M table mainsequence.sql.expression
local function install(M)
  local Element, new, unary, grouped = M.Element, M.new, M.unary, M.grouped
  local true_, false_ = M.true_, M.false_

  ---A condition: an element, a text, a subquery's EXISTS.
  ---@param value any
  ---@param clause string  for messages
  ---@return mainsequence.sql.Element
  local function condition(value, clause)
    local meta = getmetatable(value)
    if meta == Element then return value end
    if meta and meta.__sql_scalar then return meta.__sql_scalar(value) end
    if type(value) == "boolean" then
      fault.raise(("%s: a condition is expected, got the boolean %s"):format(clause, tostring(value)),
        "== between expressions gives a boolean: write a:eq(b); a constant is sql.true_() or sql.false_()")
    end
    if type(value) == "string" then
      fault.raise(("%s: the text '%s' is no condition"):format(clause, value), ("write sql.text(%q)"):format(value))
    end
    fault.raise(("%s: a condition is expected, got %s"):format(clause, fault.show(value)),
      value == nil and "a variable is misspelt, or `a and b` stands where a & b is meant" or nil)
  end
  M.condition = condition

  ---Drops what changes nothing, and puts the rest in parentheses: all of them, or the one that decides.
  local function reduce(operator, neutral, absorbing, clauses)
    local kept, seen_neutral = {}, nil
    for position = 1, #clauses do
      local clause = clauses[position]
      if rawequal(clause, neutral) then
        seen_neutral = clause
      elseif rawequal(clause, absorbing) then
        kept = { clause }
        break
      else
        kept[#kept + 1] = clause
      end
    end
    if #kept == 0 and seen_neutral then kept[1] = seen_neutral end
    local against = #kept > 1 and operator or as_boolean
    for position = 1, #kept do kept[position] = grouped(kept[position], against) end
    return kept
  end

  local function boolean_list(operator, clauses)
    return new { kind = "list", operator = operator, type = types.boolean, clauses = clauses, boolean = true }
  end

  ---The conditions joined by AND or OR.
  ---@param operator mainsequence.sql.Operator
  ---@param conditions mainsequence.sql.Element[]
  ---@return mainsequence.sql.Element
  local function conjunction(operator, conditions)
    local neutral, absorbing = true_, false_
    if operator == or_ then neutral, absorbing = false_, true_ end
    local kept = reduce(operator, neutral, absorbing, conditions)
    if #kept == 1 then return kept[1] end
    local clauses = {}
    for _, clause in ipairs(kept) do
      if clause.operator == operator then
        local inner = clause.clauses or { clause.left, clause.right }
        table.move(inner, 1, #inner, #clauses + 1, clauses)
      else
        clauses[#clauses + 1] = clause
      end
    end
    return boolean_list(operator, clauses)
  end
  M.conjunction = conjunction

  ---The conditions of a WHERE, which are joined by AND without flattening.
  ---@param conditions mainsequence.sql.Element[]
  ---@return mainsequence.sql.Element[]
  function M.where_list(conditions)
    return reduce(and_, true_, false_, conditions)
  end

  Element.__band = function(a, b) return conjunction(and_, { condition(a, "&"), condition(b, "&") }) end
  Element.__bor = function(a, b) return conjunction(or_, { condition(a, "|"), condition(b, "|") }) end

  local function default_negation(element)
    if element.type.affinity == "Boolean" then
      return new { kind = "as_boolean", element = element, operator = operators.is_false, type = types.boolean,
        boolean = element.boolean }
    end
    return unary(grouped(element, inv), inv, types.null)
  end

  local negation_of = {
    ["true"] = function() return false_ end,
    ["false"] = function() return true_ end,
    binary = function(element)
      local negated = element.negated
      if not negated then return M.negate(grouped(element)) end
      return new {
        kind = "binary", left = element.left, right = element.right, operator = negated, negated = element.operator,
        type = element.type, modifiers = element.modifiers, boolean = negated.boolean,
      }
    end,
    list = function(element) return unary(grouped(element, inv), inv, types.null) end,
    unary = function(element)
      if element.type.affinity ~= "Boolean" then return default_negation(element) end
      return unary(grouped(element, inv), inv, types.boolean)
    end,
    as_boolean = function(element)
      if M.CONSTANTS[element.element.kind] then return M.negate(element.element) end
      local operator = element.operator == operators.is_true and operators.is_false or operators.is_true
      return new { kind = "as_boolean", element = element.element, operator = operator, type = types.boolean,
        boolean = element.boolean }
    end,
    label = function(element) return M.label(element.name, M.negate(element.element), element.type) end,
  }
  M.negation_of = negation_of

  ---NOT element.
  ---@param element mainsequence.sql.Element
  ---@return mainsequence.sql.Element
  function M.negate(element)
    return (negation_of[element.kind] or default_negation)(element)
  end

  Element.__bnot = function(self) return M.negate(condition(self, "~")) end
end

return install
