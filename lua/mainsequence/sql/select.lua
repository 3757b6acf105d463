-- SELECT: columns, FROM, conditions, order and limits. Immutable: every method gives a new statement.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local expression = require("mainsequence.sql.expression")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

local M = {}

---@class mainsequence.sql.Select
---@field kind "select"|"compound"|"text_select"
local methods = {}
M.methods = methods

local NOTHING = {}
for _, field in ipairs {
  "more", "criteria", "setup", "limiting", "skipping", "fetching", "grouping", "filtering", "ordering", "selects",
  "keyword", "text", "named", "state", "recursive_names", "resolved",
  "wide",
} do methods[field] = false end
methods.more = NOTHING

local Select = { __name = "mainsequence.sql.Select", __index = methods }
M.Select = Select

setmetatable(methods, {
  __index = function(_, key)
    local names = {}
    for name, value in next, methods do
      if type(value) == "function" then names[#names + 1] = name end
    end
    table.sort(names)
    fault.raise(("a select has no method '%s'"):format(tostring(key)), fault.did_you_mean(key, names))
  end,
})

---@param fields table
---@return mainsequence.sql.Select
function M.new(fields)
  return setmetatable(fields, Select)
end

---@param value any
---@return boolean
function M.is_select(value)
  return getmetatable(value) == Select
end

-- Fields that few statements have. Those that do are `wide`; the others are copied without them.
local WIDE = { "skipping", "grouping", "filtering", "fetching", "selects", "keyword", "element" }

---A copy that may be changed before it is handed out, but for the fields of WIDE.
local function copy(statement)
  local result = setmetatable({
    kind = statement.kind, list = statement.list, sources = statement.sources, setup = statement.setup,
    criteria = statement.criteria, ordering = statement.ordering, limiting = statement.limiting, more = statement.more,
  }, Select)
  if statement.wide then
    result.wide = true
    for position = 1, #WIDE do result[WIDE[position]] = statement[WIDE[position]] end
  end
  return result
end

---A copy of which the fields of WIDE may be changed, too.
local function wide_copy(statement)
  local result = copy(statement)
  result.wide = true
  return result
end
M.copy = copy
methods.element, methods.list, methods.sources = false, false, false

---A copy whose rarely used property `name` is `value`.
local function with(statement, name, value)
  local result, more = copy(statement), {}
  for key, kept in next, statement.more do more[key] = kept end
  more[name] = value
  result.more = more
  return result
end
M.with = with

---The list with more items.
---@param list any[]|false|nil
---@param items any[]
---@return any[]
local function extended(list, items)
  if not list or #list == 0 then return items end
  local result = table.move(list, 1, #list, 1, {})
  return table.move(items, 1, #items, #result + 1, result)
end
M.extended = extended

local function only_select(statement, method)
  if statement.kind ~= "select" then fault.raise(("%s is a method of select, not of a set operation"):format(method)) end
end

-- ---- Columns ------------------------------------------------------------------------------------

local Element = expression.Element

---What stands in the column list: an expression, a table with all its columns, a text.
local function column(value, clause)
  local meta = getmetatable(value)
  if meta == Element then return value end
  local from = selectable.try_from(value)
  if from then return from end
  if selectable.is_columns(value) then return { kind = "column_list", list = selectable.list_of(value) } end
  if meta and meta.__sql_scalar then return meta.__sql_scalar(value) end
  local fixed = expression.constant(value)
  if fixed then return fixed end
  if type(value) == "string" then
    if value == "*" then return M.literal_column("*") end
    fault.raise(("%s: the text '%s' is no column"):format(clause, value),
      ("a column is sql.column(%q), SQL is sql.text(%q), a value is sql.literal(%q)"):format(value, value, value))
  end
  if type(value) == "number" then return M.literal_column(tostring(value)) end
  fault.raise(("%s: a column or a table is expected, got %s"):format(clause, fault.show(value)),
    value == nil and "a variable or a column's name is misspelt" or nil)
end

local function columns(clause, ...)
  local list, count = { ... }, select("#", ...)
  local plain = true
  for position = 1, count do
    local item = list[position]
    if getmetatable(item) ~= Element then
      item = column(item, clause)
      list[position] = item
      plain = plain and item.kind ~= "column_list"
    end
  end
  if plain then return list end
  local spread = {}
  for position = 1, count do
    local item = list[position]
    if item.kind == "column_list" then
      table.move(item.list, 1, #item.list, #spread + 1, spread)
    else
      spread[#spread + 1] = item
    end
  end
  return spread
end
M.columns = columns

---SELECT columns.
---@param ... any
---@return mainsequence.sql.Select
function M.select(...)
  return setmetatable({
    kind = "select", list = columns("select", ...), sources = NOTHING, setup = false, criteria = false, ordering = false,
    limiting = false, more = NOTHING,
  }, Select)
end

---SELECT of all its columns.
---@return mainsequence.sql.Select
function selectable.methods:select()
  return M.select(self)
end

---SQL text that stands as a column, as it is.
---@param text string
---@param sqltype table?
---@return mainsequence.sql.Element
function M.literal_column(text, sqltype)
  if type(text) ~= "string" then fault.raise(("literal_column: a text is expected, got %s"):format(fault.show(text))) end
  return expression.new { kind = "column", name = text, key = text, is_literal = true,
    type = sqltype and types.resolve(sqltype) or types.null }
end

---@param ... any
---@return mainsequence.sql.Select
function methods:add_columns(...)
  only_select(self, "add_columns")
  local result = copy(self)
  result.list = extended(self.list, columns("add_columns", ...))
  return result
end

---@param ... any
---@return mainsequence.sql.Select
function methods:with_only_columns(...)
  only_select(self, "with_only_columns")
  local result = copy(self)
  result.list = columns("with_only_columns", ...)
  return result
end

---The columns of the result, tables spread out; texts stay as they are.
---@return mainsequence.sql.Element[]
function methods:result_columns()
  if self.kind == "compound" then return self.selects[1].statement:result_columns() end
  if self.kind == "text_select" then return self.list end
  local spread = rawget(self, "spread")
  if spread then return spread end
  spread = self.list
  for position, item in ipairs(self.list) do
    if selectable.is_from(item) then
      spread = table.move(self.list, 1, position - 1, 1, {})
      for rest = position, #self.list do
        local other = self.list[rest]
        local inner = selectable.is_from(other) and selectable.list_of(other.c) or { other }
        table.move(inner, 1, #inner, #spread + 1, spread)
      end
      break
    end
  end
  rawset(self, "spread", spread)
  return spread
end

---The columns as they will be named: sql.columns(statement.selected_columns) … by key.
---@return table
function methods:selected_columns()
  local list = {}
  for _, item in ipairs(self:result_columns()) do
    if item.kind ~= "text" then list[#list + 1] = item end
  end
  return selectable.collection(selectable.new { kind = "subquery", element = self, name = "selected_columns" }, list)
end

-- ---- FROM and WHERE -----------------------------------------------------------------------------

---@param ... any tables, joins, aliases, subqueries
---@return mainsequence.sql.Select
function methods:select_from(...)
  only_select(self, "select_from")
  local sources = {}
  for position = 1, select("#", ...) do sources[position] = selectable.from((select(position, ...)), "select_from") end
  local result = copy(self)
  result.sources = extended(self.sources, sources)
  return result
end

local function add_join(self, left, target, onclause, isouter, full, clause)
  only_select(self, clause)
  local entry = {
    left = left, right = selectable.from(target, clause), isouter = isouter or false, full = full or false,
    onclause = onclause ~= nil and expression.condition(onclause, clause) or nil,
  }
  local result = copy(self)
  result.setup = extended(self.setup, { entry })
  return result
end

---JOIN target ON onclause; without one, a foreign key gives it.
---@param target any
---@param onclause any
---@param options { isouter: boolean?, full: boolean? }?
---@return mainsequence.sql.Select
function methods:join(target, onclause, options)
  if options == nil and getmetatable(onclause) == Element then
    return add_join(self, nil, target, onclause, false, false, "join")
  end
  onclause, options = selectable.join_arguments("join", onclause, options)
  return add_join(self, nil, target, onclause, options.isouter, options.full, "join")
end

---@param target any
---@param onclause any
---@param options { full: boolean? }?
---@return mainsequence.sql.Select
function methods:outerjoin(target, onclause, options)
  onclause, options = selectable.join_arguments("outerjoin", onclause, options)
  return add_join(self, nil, target, onclause, true, options.full, "outerjoin")
end

---@param left any
---@param target any
---@param onclause any
---@param options { isouter: boolean?, full: boolean? }?
---@return mainsequence.sql.Select
function methods:join_from(left, target, onclause, options)
  onclause, options = selectable.join_arguments("join_from", onclause, options)
  return add_join(self, selectable.from(left, "join_from"), target, onclause, options.isouter, options.full, "join_from")
end

---@param left any
---@param target any
---@param onclause any
---@param options { full: boolean? }?
---@return mainsequence.sql.Select
function methods:outerjoin_from(left, target, onclause, options)
  onclause, options = selectable.join_arguments("outerjoin_from", onclause, options)
  return add_join(self, selectable.from(left, "outerjoin_from"), target, onclause, true, options.full, "outerjoin_from")
end

---@param clause string
---@param ... any
---@return mainsequence.sql.Element[]
local function conditions(clause, ...)
  local list = { ... }
  for position = 1, select("#", ...) do
    if getmetatable(list[position]) ~= Element then list[position] = expression.condition(list[position], clause) end
  end
  return list
end
M.conditions = conditions

---Conditions joined by AND, also with those of earlier calls.
---@param ... any
---@return mainsequence.sql.Select
function methods:where(...)
  only_select(self, "where")
  local result = copy(self)
  result.criteria = extended(self.criteria, conditions("where", ...))
  return result
end
methods.filter = methods.where

---column = value for each pair.
---@param values table<string, any>
---@return mainsequence.sql.Select
function methods:filter_by(values)
  only_select(self, "filter_by")
  local source = selectable.from(self.setup and self.setup[#self.setup].right or self.sources[#self.sources]
    or selectable.is_from(self.list[1]) and self.list[1] or selectable.of_column(self.list[1]), "filter_by")
  local list = {}
  for _, key in ipairs(core.keys(values)) do list[#list + 1] = source.c[key]:eq(values[key]) end
  return self:where(table.unpack(list))
end

---@param ... any
---@return mainsequence.sql.Select
function methods:having(...)
  only_select(self, "having")
  local result = wide_copy(self)
  result.filtering = extended(self.filtering, conditions("having", ...))
  return result
end

-- ---- Order and limits ---------------------------------------------------------------------------

---The label that an ordering refers to, or nil: a label, or ASC, DESC … of one.
local function label_in(element)
  if element.kind == "label" then return element end
  if element.kind == "modified" then return label_in(element.element) end
end

---What stands in ORDER BY: an element; one with a label may be printed as that label's name.
---@param value any
---@param clause string
---@return mainsequence.sql.Element
function M.order(value, clause)
  local element = expression.by(value, clause)
  local label = label_in(element)
  if not label then return element end
  return expression.new { kind = "label_reference", element = element, label_element = label, type = types.null }
end

---Expressions and names of labels; none takes the order away.
---@param ... any
---@return mainsequence.sql.Select
function methods:order_by(...)
  local result, count = copy(self), select("#", ...)
  if count == 0 or (count == 1 and (...) == core.null) then
    result.ordering = false
    return result
  end
  local list = {}
  for position = 1, count do list[position] = M.order((select(position, ...)), "order_by") end
  result.ordering = extended(self.ordering, list)
  return result
end

---@param ... any
---@return mainsequence.sql.Select
function methods:group_by(...)
  local list = {}
  for position = 1, select("#", ...) do
    local value = select(position, ...)
    local from = getmetatable(value) ~= Element and selectable.try_from(value)
    if from then
      table.move(selectable.list_of(from.c), 1, #from.c, #list + 1, list)
    else
      list[#list + 1] = expression.by(value, "group_by")
    end
  end
  local result = wide_copy(self)
  result.grouping = extended(self.grouping, list)
  return result
end

---A bound whole number, an expression, or nothing.
local function amount(value, clause)
  if value == nil or value == core.null then return false end
  if getmetatable(value) == Element then return value end
  local meta = getmetatable(value)
  if meta and meta.__sql_scalar then return meta.__sql_scalar(value) end
  local whole = type(value) == "number" and math.tointeger(value)
  if not whole or whole < 0 then
    fault.raise(("%s: a whole number is expected, got %s"):format(clause, fault.show(value)))
  end
  return expression.bind(nil, whole, types.integer)
end

---@param count any
---@return mainsequence.sql.Select
function methods:limit(count)
  local result = copy(self)
  result.limiting = amount(count, "limit")
  if result.wide then result.fetching = false end
  return result
end

---@param count any
---@return mainsequence.sql.Select
function methods:offset(count)
  local result = wide_copy(self)
  result.skipping = amount(count, "offset")
  return result
end

---FETCH FIRST count ROWS ONLY.
---@param count any
---@param options { with_ties: boolean?, percent: boolean? }?
---@return mainsequence.sql.Select
function methods:fetch(count, options)
  options = options or {}
  fault.check_options("fetch", options, { "with_ties", "percent" })
  local result, value = wide_copy(self), amount(count, "fetch")
  result.limiting = false
  result.fetching = value and { count = value, with_ties = options.with_ties, percent = options.percent } or false
  return result
end

---Rows start to stop − 1, as Python slices count them.
---@param start integer
---@param stop integer
---@return mainsequence.sql.Select
function methods:slice(start, stop)
  return self:limit(stop - start):offset(start)
end

---DISTINCT, or DISTINCT ON (columns).
---@param ... any
---@return mainsequence.sql.Select
function methods:distinct(...)
  only_select(self, "distinct")
  local result = with(self, "distinct", true)
  if select("#", ...) > 0 then
    local list = {}
    for position = 1, select("#", ...) do list[position] = expression.by((select(position, ...)), "distinct") end
    result.more.distinct_on = extended(self.more.distinct_on, list)
  end
  return result
end

---@param options { read: boolean?, nowait: boolean?, skip_locked: boolean?, key_share: boolean?, of: any }?
---@return mainsequence.sql.Select
function methods:with_for_update(options)
  options = options or {}
  fault.check_options("with_for_update", options, { "read", "nowait", "skip_locked", "key_share", "of" })
  local of
  if options.of ~= nil then
    local given = options.of
    if selectable.try_from(given) or expression.is_element(given) then given = { given } end
    of = {}
    for position, item in ipairs(given) do
      of[position] = expression.is_element(item) and selectable.of_column(item) or selectable.from(item, "with_for_update")
    end
  end
  return with(self, "for_update", { read = options.read, nowait = options.nowait, skip_locked = options.skip_locked,
    key_share = options.key_share, of = of })
end

---@param ... any tables of an enclosing select that are not repeated here; sql.null: repeat all
---@return mainsequence.sql.Select
function methods:correlate(...)
  local list = {}
  if not (select("#", ...) == 1 and ((...) == core.null or (...) == nil)) then
    for position = 1, select("#", ...) do list[position] = selectable.from((select(position, ...)), "correlate") end
  end
  return with(with(self, "correlate", extended(self.more.correlate, list)), "no_auto_correlation", true)
end

---@param ... any all other tables of enclosing selects are not repeated here
---@return mainsequence.sql.Select
function methods:correlate_except(...)
  local list = {}
  if not (select("#", ...) == 1 and ((...) == core.null or (...) == nil)) then
    for position = 1, select("#", ...) do list[position] = selectable.from((select(position, ...)), "correlate_except") end
  end
  return with(with(self, "correlate_except", extended(self.more.correlate_except, list)), "no_auto_correlation", true)
end

local STYLES = { default = true, none = true, tablename_plus_col = true, disambiguate_only = true }

---How columns are named: "tablename_plus_col" puts the table's name before each.
---@param style string
---@return mainsequence.sql.Select
function methods:set_label_style(style)
  local plain = type(style) == "string" and style:lower():gsub("^label_style_", "") or style
  if not STYLES[plain] then
    fault.raise(("set_label_style: %s is no style"):format(fault.show(style)), "tablename_plus_col, disambiguate_only or none")
  end
  return with(self, "label_style", plain)
end

---The list of texts with more: texts or strings, then maybe { dialect = "postgresql" }.
---@param known { text: any, dialect: string? }[]|false|nil
---@param clause string
---@param ... any
---@return { text: any, dialect: string? }[]
function selectable.add_texts(known, clause, ...)
  local list, dialect = {}, nil
  for _, text in ipairs { ... } do
    if type(text) == "table" and not expression.is_element(text) then
      fault.check_options(clause, text, { "dialect" })
      dialect = text.dialect
    else
      list[#list + 1] = type(text) == "string" and M.text(text) or text
    end
  end
  for position, text in ipairs(list) do list[position] = { text = text, dialect = dialect } end
  return extended(known, list)
end

---Texts behind SELECT.
---@param ... any texts; { dialect = } last
---@return mainsequence.sql.Select
function methods:prefix_with(...)
  return with(self, "prefixes", selectable.add_texts(self.more.prefixes, "prefix_with", ...))
end

---Texts at the end.
---@param ... any
---@return mainsequence.sql.Select
function methods:suffix_with(...)
  return with(self, "suffixes", selectable.add_texts(self.more.suffixes, "suffix_with", ...))
end

---Text at the end, as it is: a hint for an extension of the database.
---@param text string
---@param dialect "postgresql"|"sqlite"|"*"|nil  for which it is meant; default: all
---@return mainsequence.sql.Select
function methods:with_statement_hint(text, dialect)
  only_select(self, "with_statement_hint")
  if type(text) ~= "string" then
    fault.raise(("with_statement_hint: a text is expected, got %s"):format(fault.show(text)))
  end
  return with(self, "hints", extended(self.more.hints, { { text = text, dialect = dialect or "*" } }))
end

---Adds CTEs that the statement itself may not mention.
---@param ... mainsequence.sql.From CTEs; options last
---@return mainsequence.sql.Select
function methods:add_cte(...)
  return with(self, "ctes", extended(self.more.ctes, M.ctes(...)))
end

---@param ... any
---@return table[]
function M.ctes(...)
  local list, options = { ... }, {}
  if type(list[#list]) == "table" and getmetatable(list[#list]) == nil then options = table.remove(list) end
  fault.check_options("add_cte", options, { "nest_here" })
  for position, cte in ipairs(list) do
    if not selectable.is_from(cte) or cte.kind ~= "cte" then
      fault.raise(("add_cte: a CTE is expected, got %s"):format(fault.show(cte)), "write statement:cte(\"name\")")
    end
    list[position] = { cte = cte, nest_here = options.nest_here or false }
  end
  return list
end

require("mainsequence.sql.select_derived")(M)

return M
