-- sql.func.NAME(…): any function of the database, with the result types that are known; windows, filters,
-- ordered sets; functions that give rows.

local fault = require("mainsequence.sql.fault")
local expression = require("mainsequence.sql.expression")
local operators = require("mainsequence.sql.operators")
local select = require("mainsequence.sql.select")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

local M = {}
local new, methods = expression.new, expression.methods

for _, field in ipairs { "arguments", "package", "ordinality", "order", "partition", "frame", "criterion", "statement",
  "row_type", "bare", "is_from", "whens", "else_", "field", "left", "right", "original", "anonymous", "label_element" } do
  methods[field] = false
end

-- ---- Result types -------------------------------------------------------------------------------

local function first_type(arguments)
  for _, argument in ipairs(arguments) do
    if argument.type ~= types.null then return argument.type end
  end
  return types.null
end

local FIXED = {
  now = types.date_time, concat = types.string, char_length = types.integer, count = types.integer,
  current_date = types.date, current_time = types.time, current_timestamp = types.date_time, current_user = types.string,
  localtime = types.date_time, localtimestamp = types.date_time, session_user = types.string, sysdate = types.date_time,
  user = types.string, rank = types.integer, dense_rank = types.integer, percent_rank = types.numeric,
  cume_dist = types.numeric, to_tsvector = types.named("TSVECTOR"), to_tsquery = types.named("TSQUERY"),
  plainto_tsquery = types.named("TSQUERY"), phraseto_tsquery = types.named("TSQUERY"),
  websearch_to_tsquery = types.named("TSQUERY"), ts_headline = types.text,
}
local FROM_ARGUMENTS = { coalesce = true, max = true, min = true, sum = true }
-- The result is of the type of the ordering inside WITHIN GROUP.
local ORDERED_SETS = { mode = true, percentile_cont = true, percentile_disc = true }
local TEXT_SEARCH = { to_tsvector = true, to_tsquery = true, plainto_tsquery = true, phraseto_tsquery = true,
  websearch_to_tsquery = true }
-- Known functions are printed in lower case, however they are written.
local KNOWN = { array_agg = true, random = true, cube = true, rollup = true, grouping_sets = true, aggregate_strings = true }
for _, set in ipairs { FIXED, FROM_ARGUMENTS, ORDERED_SETS } do
  for name in next, set do KNOWN[name] = true end
end

local function result_type(name, arguments)
  if FIXED[name] then return FIXED[name] end
  if FROM_ARGUMENTS[name] then return first_type(arguments) end
  if name == "array_agg" then
    local item = first_type(arguments)
    return item.affinity == "ARRAY" and item or types.array_of(item)
  end
  if name == "aggregate_strings" then return types.string end
  return types.null
end

-- ---- Calls --------------------------------------------------------------------------------------

-- What func knows by name and is no function in SQL.
local constructs = {
  extract = function(field, value) return expression.extract(field, value) end,
  cast = function(value, sqltype) return expression.cast(value, sqltype) end,
}

local function call(package, name, ...)
  local construct = #package == 0 and constructs[name:lower()]
  if construct then return construct(...) end
  local count, options = _G.select("#", ...), {}
  local last = count > 0 and (_G.select(count, ...)) or nil
  if type(last) == "table" and getmetatable(last) == nil and (last.type_ ~= nil or last.type ~= nil) and #last == 0 then
    fault.check_options(name, last, { "type_", "type" })
    options, count = last, count - 1
  end
  local known = #package == 0 and name:lower()
  if known and KNOWN[known] then name = known else known = nil end
  local arguments = {}
  for position = 1, count do
    local given = (_G.select(position, ...))
    local sqltype = known and TEXT_SEARCH[known] and position == 1 and count > 1 and types.named("REGCONFIG") or nil
    -- a row of columns is given as a select or a table only where a table function takes it
    arguments[position] = expression.expression(given, name, sqltype, known ~= "array_agg" and name or nil)
  end
  if known == "count" and count == 0 then arguments[1] = select.literal_column("*") end
  local given_type = options.type_ or options.type
  return new {
    kind = "function", name = name, package = package, arguments = arguments, known = known or false,
    type = given_type ~= nil and types.resolve(given_type) or result_type(known, arguments),
  }
end
methods.known = false

local Generator = { __name = "mainsequence.sql.func" }
local PATH = {}

function Generator:__index(name)
  if type(name) ~= "string" then fault.raise("func: the name of a function is expected") end
  local path = table.move(self[PATH], 1, #self[PATH], 1, {})
  path[#path + 1] = name:gsub("_$", "")
  local generator = setmetatable({ [PATH] = path }, Generator)
  if #self[PATH] == 0 then rawset(self, name, generator) end
  return generator
end
function Generator:__call(...)
  local path = self[PATH]
  if #path == 0 then fault.raise("func is called by a name: func.lower(x)") end
  return call(table.move(path, 1, #path - 1, 1, {}), path[#path], ...)
end

---func.lower(x), func.pg_catalog.now(): any function. A table { type_ = types.Integer } as the last argument
---gives its result type.
M.func = setmetatable({ [PATH] = {} }, Generator)

expression.group_of["function"] = function(element, against)
  if against == operators.getitem and element.type.affinity == "ARRAY" then return expression.grouping(element) end
  if (against == operators.and_ or against == operators.or_ or against == operators.as_boolean)
    and element.type.affinity == "Boolean" then
    return new { kind = "as_boolean", element = element, operator = operators.is_true, type = types.boolean }
  end
  if against == operators.any or against == operators.all then return expression.grouping(element) end
  return element
end

-- ---- Windows, filters, ordered sets -------------------------------------------------------------

local CALLS = { ["function"] = true, function_filter = true, within_group = true }

local function check_call(element, method)
  if not CALLS[element.kind] then fault.raise(("%s is a method of functions: func.sum(x):%s"):format(method, method)) end
end

local function by_list(value, clause)
  if value == nil then return false end
  if type(value) ~= "table" or getmetatable(value) ~= nil then value = { value } end
  local list = {}
  for position, item in ipairs(value) do list[position] = expression.by(item, clause) end
  return list
end

local UNBOUNDED, CURRENT = "unbounded", "current"

local function bound(value, what)
  if value == nil or value == require("mainsequence.core").null then return UNBOUNDED end
  local whole = type(value) == "number" and math.tointeger(value)
  if not whole then
    fault.raise(("over: %s takes whole numbers and sql.null, got %s"):format(what, fault.show(value)),
      "{ -2, 0 }: from 2 rows before to the current one; sql.null: unbounded")
  end
  return whole == 0 and CURRENT or whole
end

local FRAMES = { rows = "ROWS", range_ = "RANGE", groups = "GROUPS" }

local function frame_of(options)
  local frame
  for _, name in ipairs { "range_", "rows", "groups" } do
    local given = options[name]
    if given ~= nil then
      if frame then fault.raise("over: only one of rows, range_ and groups may be given") end
      if type(given) ~= "table" then fault.raise(("over: %s takes a pair, got %s"):format(name, fault.show(given))) end
      frame = { unit = FRAMES[name], from = bound(given[1], name), to = bound(given[2], name) }
    end
  end
  return frame or false
end

---Function OVER (PARTITION BY … ORDER BY … ROWS …). A frame is a pair of row counts: negative before, 0
---the current row, sql.null unbounded.
---@param options { partition_by: any, order_by: any, rows: table?, range_: table?, groups: table? }?
---@return mainsequence.sql.Element
function methods:over(options)
  check_call(self, "over")
  options = options or {}
  fault.check_options("over", options, { "partition_by", "order_by", "rows", "range_", "groups" })
  return new {
    kind = "over", element = self, partition = by_list(options.partition_by, "partition_by"),
    order = by_list(options.order_by, "order_by"), frame = frame_of(options), type = self.type,
  }
end

---@param element mainsequence.sql.Element
---@param options table?
---@return mainsequence.sql.Element
function M.over(element, options)
  return element:over(options)
end

---Function WITHIN GROUP (ORDER BY …).
---@param ... any
---@return mainsequence.sql.Element
function methods:within_group(...)
  check_call(self, "within_group")
  local order = by_list({ ... }, "within_group")
  local call_element = self.kind == "function_filter" and self.element or self
  local sqltype = self.type
  if ORDERED_SETS[call_element.known or ""] and order[1] then
    sqltype = order[1].type
    local first = call_element.arguments[1]
    if call_element.known ~= "mode" and first and first.type.affinity == "ARRAY" then sqltype = types.array_of(sqltype) end
  end
  return new { kind = "within_group", element = self, order = order, type = sqltype }
end

---@param element mainsequence.sql.Element
---@param ... any
---@return mainsequence.sql.Element
function M.within_group(element, ...)
  return element:within_group(...)
end

---Function FILTER (WHERE …).
---@param ... any
---@return mainsequence.sql.Element
function methods:filter(...)
  check_call(self, "filter")
  local criterion, element = nil, self
  if self.kind == "function_filter" then criterion, element = self.criterion, self.element end
  for _, condition in ipairs(select.conditions("filter", ...)) do
    criterion = criterion and expression.conjunction(operators.and_, { criterion, condition }) or condition
  end
  if not criterion then return self end
  return new { kind = "function_filter", element = element, criterion = criterion, type = element.type }
end

---@param element mainsequence.sql.Element
---@param ... any
---@return mainsequence.sql.Element
function M.funcfilter(element, ...)
  return element:filter(...)
end

expression.group_of.function_filter = function(element, against)
  if operators.needs_parentheses(operators.filter, against) then return expression.grouping(element) end
  return element
end

---x ORDER BY y inside an aggregate: func.array_agg(sql.aggregate_order_by(x, y:desc())).
---@param target any
---@param ... any
---@return mainsequence.sql.Element
function M.aggregate_order_by(target, ...)
  local inner = expression.expression(target, "aggregate_order_by")
  local order = by_list({ ... }, "aggregate_order_by")
  if #order == 0 then fault.raise("aggregate_order_by needs at least one ordering") end
  return new { kind = "aggregate_order_by", element = inner, order = order, type = inner.type }
end

-- ---- Functions in FROM --------------------------------------------------------------------------

selectable.column_builders.function_alias = function(from)
  local list = {}
  for position, column in ipairs(from.row_type) do
    list[position] = expression.new {
      kind = "column", table = from, name = column.name, key = column.key, type = column.type,
    }
  end
  return list
end

local function function_alias(element, name, row_type, fields)
  fields = fields or {}
  fields.row_type = row_type
  if not name then fields.name = { base = "anon" } end
  return selectable.derive("function_alias", element, name, fields)
end

---The rows of a function as a table: columns by name, or sql.column(name, type).
---@param ... any columns; options { name =, with_ordinality =, joins_implicitly = } last
---@return mainsequence.sql.From
function methods:table_valued(...)
  check_call(self, "table_valued")
  local list, options = { ... }, {}
  if type(list[#list]) == "table" and getmetatable(list[#list]) == nil then options = table.remove(list) end
  fault.check_options("table_valued", options, { "name", "with_ordinality", "joins_implicitly" })
  if options.with_ordinality then list[#list + 1] = options.with_ordinality end
  for position, item in ipairs(list) do
    list[position] = type(item) == "string" and selectable.column(item) or item
  end
  return function_alias(self, options.name, list, { ordinality = options.with_ordinality ~= nil })
end

---The one column of a function's rows, by the name of the function's alias.
---@param name string?
---@return mainsequence.sql.Element
function methods:column_valued(name)
  check_call(self, "column_valued")
  return function_alias(self, name, {}):column_of()
end

---The function as a table of one column.
---@param name string?
---@return mainsequence.sql.From
function methods:alias(name)
  check_call(self, "alias")
  return function_alias(self, name, {})
end

---The row of a function's alias as one value: its name alone.
---@return mainsequence.sql.Element
function selectable.methods:column_of()
  return new { kind = "table_valued_column", name = self.name, key = type(self.name) == "string" and self.name or false,
    source = self, type = self.element.type }
end
methods.source = false

---AS name(column type, …).
---@param options { name: string?, with_types: boolean? }?
---@return mainsequence.sql.From
function selectable.methods:render_derived(options)
  options = options or {}
  fault.check_options("render_derived", options, { "name", "with_types" })
  if self.kind ~= "function_alias" then fault.raise("render_derived is a method of func.x(…):table_valued(…)") end
  return function_alias(self.element, options.name, self.row_type, {
    derived = true, derived_types = options.with_types or false, ordinality = self.ordinality, is_lateral = self.is_lateral,
  })
end

local plain_lateral, plain_alias = selectable.methods.lateral, selectable.methods.alias

---@param name string?
---@return mainsequence.sql.From
function selectable.methods:lateral(name)
  if self.kind ~= "function_alias" then return plain_lateral(self, name) end
  return function_alias(self.element, name, self.row_type, { is_lateral = true, ordinality = self.ordinality })
end

---@param name string?
---@return mainsequence.sql.From
function selectable.methods:alias(name)
  if self.kind ~= "function_alias" then return plain_alias(self, name) end
  return function_alias(self.element, name, self.row_type, {
    derived = self.derived, derived_types = self.derived_types, is_lateral = self.is_lateral, ordinality = self.ordinality,
  })
end

return M
