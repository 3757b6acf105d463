-- The operators of the expression language: their text, how tightly they bind, and what negation,
-- mirroring and chaining make of them. An operator is a table that is compared by identity.

local M = {}

---@class mainsequence.sql.Operator
---@field name string
---@field text string what stands between the operands, spaces included; `%` is doubled
---@field precedence integer? higher binds tighter
---@field negated mainsequence.sql.Operator? what NOT makes of it
---@field mirrored mainsequence.sql.Operator? the operator for exchanged operands
---@field comparison boolean its result is a boolean by nature
---@field associative boolean `a op b op c` is one flat list
---@field chains boolean `(a op b) op c` needs no parentheses
---@field boolean boolean a comparison or a logical operator
---@field eager boolean? put in parentheses inside any other operation
---@field mark string what tells it from others in the shape of a statement (see shape.lua)
---@field condition_mark string the same, for an operation that gives a boolean and has no modifiers

local function define(name, text, precedence, comparison)
  M[name] = {
    name = name, text = text, precedence = precedence, comparison = comparison or false, associative = false,
    chains = false, boolean = comparison or false, mark = name .. ";", condition_mark = name .. ";?",
  }
end

local COMPARISON = true

define("any", "ANY ", 15)
define("all", "ALL ", 15)
define("getitem", nil, 15)
define("json_getitem", nil, 15)
define("json_path_getitem", nil, 15)
define("as_comparison", nil, 15, COMPARISON)
define("mul", " * ", 8)
define("truediv", " / ", 8)
define("floordiv", " / ", 8)
define("mod", " %% ", 8)
define("neg", "-", 8)
define("bitwise_not", "~", 8)
define("add", " + ", 7)
define("sub", " - ", 7)
define("bitwise_xor", " # ", 7)
define("bitwise_or", " | ", 7)
define("bitwise_and", " & ", 7)
define("bitwise_lshift", " << ", 7)
define("bitwise_rshift", " >> ", 7)
define("filter", nil, 6)
define("concat", " || ", 5)
define("regexp_replace", nil, 5)
define("distinct", "DISTINCT ", 5)
define("inv", "NOT ", 5)
define("is_true", nil, 5)
define("is_false", nil, 5)
define("collate", " COLLATE ", 4)
define("and_", " AND ", 3)
define("desc", " DESC", 3)
define("asc", " ASC", 3)
define("or_", " OR ", 2)
define("exists", "EXISTS ", 0)
define("comma", ", ", -1)
define("as", nil, -1)
define("as_boolean", nil, -10)
-- without a place in the table of precedences: weakest inside, strongest around
define("nulls_first", " NULLS FIRST")
define("nulls_last", " NULLS LAST")

for _, pair in ipairs {
  { "eq", " = ", "ne", " != " },
  { "lt", " < ", "ge", " >= " },
  { "gt", " > ", "le", " <= " },
  { "is", " IS ", "is_not", " IS NOT " },
  { "is_distinct_from", " IS DISTINCT FROM ", "is_not_distinct_from", " IS NOT DISTINCT FROM " },
  { "like", " LIKE ", "not_like", " NOT LIKE " },
  { "ilike", " ILIKE ", "not_ilike", " NOT ILIKE " },
  { "in_", " IN ", "not_in", " NOT IN " },
  { "between", " BETWEEN ", "not_between", " NOT BETWEEN " },
  { "match", " @@ ", "not_match" },
  { "regexp_match", " ~ ", "not_regexp_match", " !~ " },
} do
  define(pair[1], pair[2], 5, COMPARISON)
  define(pair[3], pair[4], 5, COMPARISON)
  M[pair[1]].negated, M[pair[3]].negated = M[pair[3]], M[pair[1]]
end

-- These have no place in the table of precedences either.
for _, name in ipairs { "startswith", "endswith", "contains", "istartswith", "iendswith", "icontains" } do
  define(name, nil, nil, COMPARISON)
  define("not_" .. name, nil, nil, COMPARISON)
  M[name].negated, M["not_" .. name].negated = M["not_" .. name], M[name]
end

M.lt.mirrored, M.gt.mirrored = M.gt, M.lt
M.le.mirrored, M.ge.mirrored = M.ge, M.le

for _, name in ipairs { "add", "mul", "concat", "and_", "or_" } do
  M[name].associative, M[name].chains = true, true
end
for _, name in ipairs { "getitem", "json_getitem", "json_path_getitem" } do M[name].chains = true end
for _, name in ipairs { "inv", "is_true", "is_false", "and_", "or_" } do M[name].boolean = true end

M.by_name = {} ---@type table<string, mainsequence.sql.Operator>
for name, operator in next, M do M.by_name[name] = operator end
M.by_name.by_name = nil

---An operator of the user's own: `column:op("&")(4)`.
---@param text string
---@param options { precedence: integer?, comparison: boolean?, natural_self_precedent: boolean?, eager: boolean? }?
---@return mainsequence.sql.Operator
function M.custom(text, options)
  options = options or {}
  local written = " " .. text:gsub("%%", "%%%%") .. " "
  local comparison, eager = options.comparison or false, options.eager or false
  -- one of the user's own is told by what is written
  local mark = ("op%s%s%d;%s"):format(eager and "e" or "-", comparison and "c" or "-", #written, written)
  return {
    name = "op", text = written, precedence = options.precedence or 0, comparison = comparison, associative = false,
    chains = options.natural_self_precedent or false, boolean = comparison, custom = true, eager = eager, mark = mark,
    condition_mark = mark .. "?",
  }
end

---Whether an expression of operator `inner` needs parentheses beside `outer` (nil: on its own).
---@param inner mainsequence.sql.Operator
---@param outer mainsequence.sql.Operator?
---@return boolean
function M.needs_parentheses(inner, outer)
  if inner == outer and inner.chains then return false end
  if not outer then return true end
  return (inner.precedence or -100) <= (outer.precedence or 100)
end

return M
