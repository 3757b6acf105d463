-- What SQLite writes otherwise, and what it cannot express at all: that is refused by the construct's name.
-- Values stand in the database as they travel: timestamps as text of fixed width in UTC, uuids as text, JSON
-- as text, booleans as 0 and 1. Casts and functions keep to that.

local compiler = require("mainsequence.sql.compile_dml")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local operators = require("mainsequence.sql.operators")
local selectable = require("mainsequence.sql.selectable")
local structured = require("mainsequence.sql.structured")
local types = require("mainsequence.sql.types")

local visitors = compiler.visitors.sqlite
local by_operator = compiler.by_operator.sqlite
local functions = compiler.functions.sqlite
local base = compiler.visitors.postgresql
local base_operator = compiler.by_operator.postgresql

local function refuse(construct, hint)
  fault.raise(("SQLite has no %s"):format(construct), hint)
end

local function refusing(construct, hint)
  return function() refuse(construct, hint) end
end

local function write(c, text)
  c.buffer[#c.buffer + 1] = text
end

-- ---- Operators ----------------------------------------------------------------------------------

local function infix_of(text)
  return function(c, element) compiler.infix(c, element, text) end
end
by_operator[operators.is_distinct_from] = infix_of(" IS NOT ")
by_operator[operators.is_not_distinct_from] = infix_of(" IS ")

-- LIKE ignores the case of ASCII letters there, GLOB doesn't. Its wildcards are * ? [ ].
local GLOB = { ["%"] = "*", ["_"] = "?", ["*"] = "[*]", ["?"] = "[?]", ["["] = "[[]" }

---A pattern of LIKE as one of GLOB.
---@param pattern string
---@param escape string
local function glob_of(pattern, escape)
  local parts, literal = {}, false
  for _, code in utf8.codes(pattern, true) do
    local character = utf8.char(code)
    if not literal and character == escape then
      literal = true
    else
      local wildcard = character == "%" or character == "_"
      parts[#parts + 1] = not (literal and wildcard) and GLOB[character] or character
      literal = false
    end
  end
  return table.concat(parts)
end

---Writes what `write_inner` writes inside calls of replace(), the first pair innermost.
local function replaced(c, pairs_, write_inner)
  write(c, ("replace("):rep(#pairs_))
  write_inner()
  for _, pair in ipairs(pairs_) do write(c, (", %s, %s)"):format(pair[1], pair[2])) end
end

-- what stands for escaped characters meanwhile
local PERCENT, UNDERSCORE, ESCAPE = "char(1)", "char(2)", "char(3)"

---A pattern that is known only to the database, made one of GLOB there.
local function write_glob(c, escape, write_pattern)
  local mark = c:quote_literal(escape)
  local function pair_with(character) return c:quote_literal(escape .. character) end
  replaced(c, {
    { pair_with(escape), ESCAPE }, { pair_with("%"), PERCENT }, { pair_with("_"), UNDERSCORE },
    { "'['", "'[[]'" }, { "'*'", "'[*]'" }, { "'?'", "'[?]'" }, { "'%%'", "'*'" }, { "'_'", "'?'" },
    { PERCENT, "'%%'" }, { UNDERSCORE, "'_'" }, { ESCAPE, mark },
  }, write_pattern)
end

---The bound pattern with its value as GLOB takes it, or nil when the value may be another one later.
local function glob_bind(c, element, escape, before, after)
  local right = element.right
  local value = right.kind == "bind" and right.unique and not right.expanding and rawget(right, "value")
  if type(value) ~= "string" or c.literal_binds then return nil end
  local copy = expression.with_type(right, right.type)
  copy.value = before .. glob_of(value, escape) .. after
  return copy
end

local function case_sensitive(keyword, before, after)
  return function(c, element)
    local escape = element.modifiers and element.modifiers.escape or "\\"
    c:visit(element.left)
    write(c, keyword)
    local bound = glob_bind(c, element, escape, before, after)
    if bound then return c:visit(bound) end
    if before ~= "" then write(c, "'*' || ") end
    write_glob(c, escape, function() c:visit(element.right) end)
    if after ~= "" then write(c, " || '*'") end
  end
end

for name, ends in next, { like = { "", "" }, startswith = { "", "*" }, endswith = { "*", "" }, contains = { "*", "*" } } do
  by_operator[operators[name]] = case_sensitive(" GLOB ", ends[1], ends[2])
  by_operator[operators["not_" .. name]] = case_sensitive(" NOT GLOB ", ends[1], ends[2])
end

-- lower() folds the same letters as LIKE does.
for name, keyword in next, { ilike = " LIKE ", not_ilike = " NOT LIKE " } do
  local function write_ilike(c, element, right)
    write(c, "lower(")
    c:visit(element.left)
    write(c, ")" .. keyword .. "lower(")
    if right then right(c, element) else c:visit(element.right) end
    write(c, ")")
    local mark = element.modifiers and element.modifiers.escape
    if mark then write(c, " ESCAPE " .. c:quote_literal(mark)) end
  end
  by_operator[operators[name]] = write_ilike
  for search, pattern in next, compiler.patterns do
    local negated = name == "ilike" and "i" or "not_i"
    by_operator[operators[negated .. search]] = function(c, element) write_ilike(c, element, pattern) end
  end
end

for _, name in ipairs { "between", "not_between" } do
  local operator = operators[name]
  by_operator[operator] = function(c, element)
    if element.modifiers and element.modifiers.symmetric then refuse("BETWEEN SYMMETRIC", "order the bounds yourself") end
    base_operator[operator](c, element)
  end
end

by_operator[operators.truediv] = function(c, element)
  c:visit(element.left)
  write(c, " / (")
  c:visit(element.right)
  write(c, " + 0.0)")
end

by_operator[operators.bitwise_xor] = function(c, element)
  write(c, "((")
  compiler.infix(c, element, " | ")
  write(c, ") - (")
  compiler.infix(c, element, " & ")
  write(c, "))")
end

for name, construct in next, { match = "full text search (@@)", not_match = "full text search (@@)",
  regexp_match = "regular expressions", not_regexp_match = "regular expressions",
  regexp_replace = "REGEXP_REPLACE" } do
  by_operator[operators[name]] = refusing(construct, name:find("regexp") and "use like, or func.replace" or "use like")
end

local TEMPORAL = { DateTime = true, Date = true, Time = true, Interval = true }

for _, name in ipairs { "add", "sub", "mul" } do
  local operator = operators[name]
  by_operator[operator] = function(c, element)
    if TEMPORAL[element.left.type.affinity] or TEMPORAL[element.right.type.affinity] then
      refuse("arithmetic of dates and times", "use func.julianday(x), or func.strftime(format, x, modifier)")
    end
    compiler.infix(c, element, operator.text)
  end
end

local text_list = base.list
visitors.list = function(c, element)
  local operator = element.operator
  if (operator == operators.add or operator == operators.mul) and TEMPORAL[element.type.affinity] then
    refuse("arithmetic of dates and times", "use func.julianday(x), or func.strftime(format, x, modifier)")
  end
  return text_list(c, element)
end

visitors.as_boolean = function(c, element)
  if element.boolean then return base.as_boolean(c, element) end
  c:visit(element.element)
  write(c, element.operator == operators.is_false and " = 0" or " = 1")
end

visitors.unary = function(c, element)
  if element.collection then refuse(element.operator.text:gsub(" $", "") .. " (array)", "write column:in_(list)") end
  if element.operator == operators.distinct and element.element.kind == "tuple" then
    refuse("DISTINCT of rows inside an aggregate", "count over a subquery: sql.select(a, b):distinct():subquery()")
  end
  return base.unary(c, element)
end

-- ---- JSON and arrays ----------------------------------------------------------------------------

local JSON_TEXT = { JSON = true }

by_operator[operators.json_getitem] = function(c, element)
  if not JSON_TEXT[element.type.affinity] then
    write(c, "CAST(")
    compiler.infix(c, element, " ->> ", true)
    return write(c, " AS " .. types.sqlite_cast(element.type) .. ")")
  end
  compiler.infix(c, element, " -> ", true)
end
by_operator[operators.json_path_getitem] = by_operator[operators.json_getitem]

local json = structured.operators
by_operator[json.path_as_text] = function(c, element) compiler.infix(c, element, " ->> ", true) end
by_operator[json.has_key] = function(c, element)
  write(c, "(json_type(")
  c:visit(element.left)
  write(c, ", '$.' || json_quote(")
  c:visit(element.right)
  write(c, ")) IS NOT NULL)")
end
for name, construct in next, { contains = "containment (@>)", contained_by = "containment (<@)", overlap = "array overlap (&&)",
  has_all = "?& of documents", has_any = "?| of documents", delete_path = "#- of documents",
  path_exists = "JSON path predicates (@?)", path_match = "JSON path predicates (@@)" } do
  by_operator[json[name]] = refusing(construct)
end
by_operator[operators.getitem] = refusing("arrays", "keep lists as JSON")
visitors.array = refusing("arrays", "keep lists as JSON")

by_operator[operators.concat] = function(c, element)
  if element.type.affinity == "JSON" or element.type.affinity == "ARRAY" then
    refuse("|| of documents and arrays", "func.json_patch(a, b) merges two objects")
  end
  compiler.infix(c, element, " || ")
end

-- ---- Casts and dates ----------------------------------------------------------------------------

visitors.cast = function(c, element)
  local affinity = element.type.affinity
  if affinity == "Interval" then refuse("intervals", "keep a number of seconds") end
  if affinity == "Boolean" then
    write(c, "(")
    c:visit(expression.grouped(element.element, operators.ne))
    return write(c, " != 0)")
  end
  write(c, "CAST(")
  c:visit(element.element)
  write(c, " AS " .. types.sqlite_cast(element.type) .. ")")
end

-- field → format of strftime
local FIELDS = { year = "%Y", month = "%m", day = "%d", hour = "%H", minute = "%M", doy = "%j", dow = "%w", epoch = "%s" }

visitors.extract = function(c, element)
  local field = element.field:lower()
  if field == "second" then
    write(c, "CAST(strftime('%%f', ")
    c:visit(element.element)
    return write(c, ") AS REAL)")
  elseif field == "quarter" then
    write(c, "((CAST(strftime('%%m', ")
    c:visit(element.element)
    return write(c, ") AS INTEGER) + 2) / 3)")
  end
  local format = FIELDS[field] or refuse(("EXTRACT(%s)"):format(element.field), "use func.strftime(format, x)")
  write(c, "CAST(strftime('" .. format:gsub("%%", "%%%%") .. "', ")
  c:visit(element.element)
  write(c, ") AS INTEGER)")
end

local NOW = "(strftime('%%Y-%%m-%%dT%%H:%%M:%%f', 'now') || '000Z')"
for _, name in ipairs { "now", "current_timestamp", "localtimestamp" } do
  functions[name] = function(c) write(c, NOW) end
end

local TRUNCATED = {
  year = "%%Y-01-01T00:00:00.000000Z", month = "%%Y-%%m-01T00:00:00.000000Z", day = "%%Y-%%m-%%dT00:00:00.000000Z",
  hour = "%%Y-%%m-%%dT%%H:00:00.000000Z", minute = "%%Y-%%m-%%dT%%H:%%M:00.000000Z", second = "%%Y-%%m-%%dT%%H:%%M:%%S.000000Z",
}

functions.date_trunc = function(c, element)
  local unit = element.arguments[1]
  local field = unit and (unit.kind == "bind" and unit.value or unit.is_literal and unit.name:match("^'(.*)'$"))
  local format = TRUNCATED[field]
    or refuse(("date_trunc of %s"):format(tostring(field)), "year, month, day, hour, minute or second")
  write(c, "strftime('" .. format .. "', ")
  c:visit(element.arguments[2])
  write(c, ")")
end

-- ---- Functions ----------------------------------------------------------------------------------

local function renamed(name)
  return function(c, element)
    write(c, name .. "(")
    c:visit_list(element.arguments, ", ")
    write(c, ")")
  end
end
for name, own in next, { char_length = "length", character_length = "length", substring = "substr", greatest = "max",
  least = "min", bool_and = "min", bool_or = "max", every = "min", string_agg = "group_concat",
  aggregate_strings = "group_concat", ceiling = "ceil", to_json = "json_quote", json_agg = "json_group_array",
  jsonb_agg = "json_group_array", json_build_object = "json_object", jsonb_build_object = "json_object",
  json_build_array = "json_array", jsonb_build_array = "json_array", power = "power", strpos = "instr" } do
  functions[name] = renamed(own)
end

-- NULLs are left out, and numbers become text.
functions.concat = function(c, element)
  write(c, "(")
  for position, argument in ipairs(element.arguments) do
    write(c, position > 1 and " || coalesce(" or "coalesce(")
    c:visit(argument)
    write(c, ", '')")
  end
  write(c, ")")
end

functions.starts_with = function(c, element)
  write(c, "(substr(")
  c:visit(element.arguments[1])
  write(c, ", 1, length(")
  c:visit(element.arguments[2])
  write(c, ")) = ")
  c:visit(element.arguments[2])
  write(c, ")")
end

functions.gen_random_uuid = function(c)
  write(c, "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || "
    .. "substr('89AB', 1 + (abs(random()) %% 4), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))")
end

for _, name in ipairs { "array_agg", "array_append", "array_cat", "array_length", "array_position", "array_prepend",
  "array_remove", "array_to_string", "cardinality", "unnest", "generate_series", "jsonb_to_recordset", "json_to_recordset",
  "jsonb_array_elements", "json_array_elements", "jsonb_array_elements_text", "jsonb_each", "jsonb_set", "jsonb_object_keys",
  "to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery", "ts_headline", "age",
  "make_interval", "make_date", "make_timestamp", "to_char", "to_date", "to_timestamp", "date_part", "date_bin",
  "percentile_cont", "percentile_disc", "mode", "rollup", "cube", "grouping_sets", "regexp_matches", "regexp_split_to_array",
  "current_user", "session_user", "user", "bernoulli", "setseed", "format_type", "nextval", "currval", "stddev", "variance",
  "corr", "split_part", "localtime", "position" } do
  functions[name] = refusing(("function %s"):format(name))
end

visitors.aggregate_order_by = refusing("ORDER BY inside an aggregate", "order a subquery and aggregate that")
visitors.within_group = refusing("WITHIN GROUP")
visitors.collation = function(c, element)
  local name = element.name
  write(c, (name == "C" or name == "POSIX" or name == "ucs_basic") and "BINARY" or c:quote(name))
end

-- ---- Order ------------------------------------------------------------------------------------------

local function joins_outer(from)
  if from.kind ~= "join" then return false end
  return from.isouter or from.full or joins_outer(from.left) or joins_outer(from.right)
end

---Whether the expression may be NULL for all that is known.
local function nullable(c, element)
  local required = element.kind == "column" and not rawget(element, "proxies")
    and (element.primary_key or rawget(element, "nullable") == false)
  if not required then return true end
  local entry = c.stack[#c.stack]
  for _, from in ipairs(entry and entry.froms or {}) do
    if joins_outer(from) then return true end
  end
  return false
end

---An item of ORDER BY: NULLs come last, and first in a descending order, as on PostgreSQL.
---@param element mainsequence.sql.Element
function visitors.ordered(c, element)
  c:visit(element)
  local inner, descending = element, false
  while inner.kind == "label_reference" or inner.kind == "modified" do
    local modifier = inner.modifier
    if modifier == operators.nulls_first or modifier == operators.nulls_last then return end
    descending = descending or modifier == operators.desc
    inner = inner.element
  end
  if inner.kind ~= "text" and not inner.is_literal and nullable(c, inner) then
    write(c, descending and " NULLS FIRST" or " NULLS LAST")
  end
end

-- ---- Rows and VALUES ----------------------------------------------------------------------------

---VALUES has no list of column names there; they are column1, column2, …
visitors.from_values = function(c, from)
  if from.is_lateral then refuse("LATERAL") end
  local name = not from.unnamed and c:name(from.name, "values")
  local columns = {}
  for position, column in ipairs(selectable.list_of(from.c)) do
    columns[position] = ("column%d AS %s"):format(position, c:quote(column.name))
  end
  write(c, "(SELECT " .. table.concat(columns, ", ") .. " FROM (")
  c:values(from)
  write(c, "))" .. (name and " AS " .. c:quote(name) or ""))
end

visitors.from_function_alias = refusing("functions in FROM that the data source allows",
  "select from a table, from sql.values(…) or from a recursive CTE")

local compound_of = base.compound
visitors.compound = function(c, statement, place)
  if statement.keyword == "INTERSECT ALL" or statement.keyword == "EXCEPT ALL" then refuse(statement.keyword) end
  return compound_of(c, statement, place)
end

-- Operators of op(): SQLite's own, as users write them.
local OWN_OPERATORS = {}
for text in ("|| -> ->> * / % + - & | << >> < > <= >= = == <> != IS LIKE GLOB AND OR"):gmatch("%S+") do
  OWN_OPERATORS[text] = true
end

local binary_of = base.binary
visitors.binary = function(c, element)
  local operator = element.operator
  if operator.custom and not operator.eager then
    local text = operator.text:gsub("^ ", ""):gsub(" $", ""):gsub("%%%%", "%%")
    if not OWN_OPERATORS[text:upper()] then
      refuse(("operator %s"):format(text), "write what it does with functions of SQLite")
    end
  end
  return binary_of(c, element)
end

local select_of = base.select
visitors.select = function(c, statement, place)
  if #statement.list == 0 then refuse("SELECT without columns") end
  return select_of(c, statement, place)
end

for _, kind in ipairs { "insert", "update", "delete" } do
  local change = base[kind]
  visitors[kind] = function(c, statement)
    if c.in_cte then refuse(("%s inside WITH"):format(kind:upper()), "run the statements one after the other") end
    if statement.conflict and statement.conflict.target and statement.conflict.target.constraint then
      refuse("ON CONFLICT ON CONSTRAINT", "name the columns: index_elements = { … }")
    end
    return change(c, statement)
  end
end

return compiler
