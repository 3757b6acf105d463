-- Visitors of expressions. Each appends the element's text to the compiler's buffer.

local core = require("mainsequence.core")
local compiler = require("mainsequence.sql.compiler")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local operators = require("mainsequence.sql.operators")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")
local values = require("mainsequence.sql.values")

local visitors, sqlite = compiler.visitors.postgresql, compiler.visitors.sqlite
local Compiler = compiler.Compiler

-- ---- Columns ------------------------------------------------------------------------------------

local MEMO = { postgresql = "text_postgresql", sqlite = "text_sqlite" }
expression.methods.text_postgresql, expression.methods.text_sqlite = false, false

---The name of a FROM element as a column's prefix, with its schema.
local function prefix(c, owner)
  local schema = owner.schema
  if schema then return c:quote(schema) .. "." .. c:quote(owner.name) end
  local name = owner.name
  if c.ambiguous and not schema and owner.kind == "table" and c.ambiguous[name] then name = c.ambiguous[name] end
  return c:quote(c:name(name, "alias"))
end
Compiler.prefix = prefix

visitors.column = function(c, element)
  local buffer = c.buffer
  local plain = c.include_table and not c.ambiguous
  local memo = plain and element[MEMO[c.dialect]]
  if memo then
    buffer[#buffer + 1] = memo
    return
  end
  if element.is_literal then
    buffer[#buffer + 1] = (element.name:gsub("%%", "%%%%"))
    return
  end
  local name = element.name
  local text = c:quote(c:name(name, "colident"))
  local owner = c.include_table and selectable.of_column(element)
  if owner and owner.name and not owner.unnamed then
    text = prefix(c, owner) .. "." .. text
    if plain and type(name) == "string" and type(owner.name) == "string" then rawset(element, MEMO[c.dialect], text) end
  end
  buffer[#buffer + 1] = text
end

visitors.table_valued_column = function(c, element)
  c.buffer[#c.buffer + 1] = c:quote(c:name(element.name, "alias"))
end

visitors.collation = function(c, element)
  c.buffer[#c.buffer + 1] = c:quote(element.name)
end

-- ---- Values -------------------------------------------------------------------------------------

---The value of a parameter: the statement's own, or one given with params().
---@param element mainsequence.sql.Element
---@param name string?
---@return any
function Compiler:value(element, name)
  local overrides = self.parameters
  if overrides and not element.unique then
    local given = overrides[name or element.key]
    if given ~= nil then return given end
  end
  if element.callable then return element.callable() end
  return rawget(element, "value")
end

---The cast that a bound value carries, or nil.
local function bind_cast(c, sqltype)
  if not sqltype.cast or c.sqlite then return nil end
  local text = sqltype.bind_text
  if not text then
    text = ")s::" .. types.ddl_text("postgresql", sqltype)
    sqltype.bind_text = text
  end
  return text
end

---A text in quotes. Backslashes are doubled on PostgreSQL, as the reference does without a connection.
local function quote_literal(c, text)
  if not c.sqlite then text = text:gsub("\\", "\\\\") end
  return "'" .. text:gsub("'", "''"):gsub("%%", "%%%%") .. "'"
end
Compiler.quote_literal = quote_literal

---A value written into the text.
local function literal_text(c, value)
  if value == nil or value == core.null then return "NULL" end
  if type(value) == "boolean" then
    if c.sqlite then return value and "1" or "0" end
    return value and "true" or "false"
  end
  if type(value) == "number" then return core.json_encode(value) end
  if type(value) == "string" then return quote_literal(c, value) end
  if values.is_value(value) then
    local kind = value.kind
    if kind == "decimal" then return value.wire end
    if kind == "timestamp" then return quote_literal(c, (value.wire:gsub("T", " "):gsub("Z$", "+00:00"))) end
    if kind == "json" then return quote_literal(c, core.json_encode(value.wire)) end
    return quote_literal(c, value.wire)
  end
  return quote_literal(c, core.json_encode(values.document(value)))
end

---The placeholder of one bound value.
local function placeholder(c, name, cast)
  local buffer = c.buffer
  local length = #buffer
  buffer[length + 1], buffer[length + 2], buffer[length + 3] = "%(", name, cast or ")s"
end

local function empty_list(c, sqltype)
  local width = sqltype.types and #sqltype.types or 1
  local nulls = width > 1 and "(" .. ("NULL, "):rep(width - 1) .. "NULL)" or "NULL"
  return nulls .. (c.expand_operator == operators.not_in and ") OR (1 = 1" or ") AND (1 != 1")
end

---Members of a list that are rows: a parameter for each value of a row.
local function expand_rows(c, sqltype, name, rows, list)
  local buffer = c.buffer
  list.types = {}
  for position = 1, #rows do
    buffer[#buffer + 1] = position > 1 and ", (" or "("
    local row = rows[position]
    for index = 1, #row do
      local count = #list.names + 1
      list.names[count], list.values[count] = name .. "_" .. position .. "_" .. index, row[index]
      list.types[count] = sqltype.types and sqltype.types[index] or values.type_of(row[index])
      if index > 1 then buffer[#buffer + 1] = ", " end
      placeholder(c, list.names[count])
    end
    buffer[#buffer + 1] = ")"
  end
end

---The members of a list: a parameter each, which come after all others.
local function expand(c, element, name, members)
  local buffer = c.buffer
  local sqltype, count = element.type, #members
  buffer[#buffer + 1] = c.sqlite and sqltype.types and "(VALUES " or "("
  if count == 0 then
    buffer[#buffer + 1] = empty_list(c, sqltype)
  elseif element.literal_execute or c.literal_binds then
    for position = 1, count do
      buffer[#buffer + 1] = (position > 1 and ", " or "") .. literal_text(c, members[position])
    end
  else
    local list = { element = element, names = {}, values = members, types = false }
    c.lists = c.lists or {}
    c.lists[#c.lists + 1] = list
    if sqltype.types or (sqltype == types.null and type(members[1]) == "table" and not values.is_value(members[1])) then
      list.values = {}
      expand_rows(c, sqltype, name, members, list)
    else
      local names, stem, close = list.names, name .. "_", bind_cast(c, sqltype) or ")s"
      for position = 1, count do names[position] = stem .. position end
      buffer[#buffer + 1] = "%(" .. table.concat(names, close .. ", %(") .. close
    end
  end
  buffer[#buffer + 1] = ")"
end

local escape = compiler.escape

visitors.bind = function(c, element)
  if c.literal_binds then
    if element.expanding then return expand(c, element, "", c:value(element) or {}) end
    c.buffer[#c.buffer + 1] = literal_text(c, c:value(element))
    return
  end
  local name = c:bind_name(element)
  if element.expanding then
    local given = c:value(element, name)
    if given == nil or given == core.null then
      fault.raise(("parameter '%s' stands for a list and has none"):format(name))
    end
    return expand(c, element, escape(name), values.is_value(given) and given.wire or given)
  end
  if element.literal_execute then
    local text = literal_text(c, c:value(element, name))
    c.buffer[#c.buffer + 1] = element.type.affinity == "Uuid" and not c.sqlite and text .. "::UUID" or text
    return
  end
  placeholder(c, escape(name), bind_cast(c, element.type))
end

visitors.null = function(c) c.buffer[#c.buffer + 1] = "NULL" end
visitors["true"] = function(c) c.buffer[#c.buffer + 1] = "true" end
visitors["false"] = function(c) c.buffer[#c.buffer + 1] = "false" end
sqlite["true"] = function(c) c.buffer[#c.buffer + 1] = "1" end
sqlite["false"] = function(c) c.buffer[#c.buffer + 1] = "0" end

-- ---- Operations ---------------------------------------------------------------------------------

local by_operator = {} ---@type table<mainsequence.sql.Operator, fun(c: mainsequence.sql.Compiler, element: any)>
local by_operator_sqlite = setmetatable({}, { __index = by_operator })
compiler.by_operator = { postgresql = by_operator, sqlite = by_operator_sqlite }

---left text right. Some operators get parentheses whenever they stand inside another operation.
local function infix(c, element, text, eager)
  local outer = c.in_operation
  eager = eager and outer
  c.in_operation = true
  if eager then c.buffer[#c.buffer + 1] = "(" end
  c:visit(element.left)
  c.buffer[#c.buffer + 1] = text
  c:visit(element.right)
  if eager then c.buffer[#c.buffer + 1] = ")" end
  c.in_operation = outer
end
compiler.infix = infix

---left text right, which says nothing about what stands around.
local function plain_infix(c, element, text)
  c:visit(element.left)
  c.buffer[#c.buffer + 1] = text
  c:visit(element.right)
end

visitors.binary = function(c, element)
  local operator = element.operator
  local special = (c.sqlite and by_operator_sqlite or by_operator)[operator]
  if special then return special(c, element) end
  return infix(c, element, operator.text, operator.eager)
end

by_operator[operators.in_] = function(c, element)
  local outer = c.expand_operator
  c.expand_operator = operators.in_
  infix(c, element, " IN ")
  c.expand_operator = outer
end
by_operator[operators.not_in] = function(c, element)
  local outer = c.expand_operator
  c.expand_operator = operators.not_in
  c.buffer[#c.buffer + 1] = "("
  infix(c, element, " NOT IN ")
  c.buffer[#c.buffer + 1] = ")"
  c.expand_operator = outer
end

by_operator[operators.between] = function(c, element)
  infix(c, element, element.modifiers and element.modifiers.symmetric and " BETWEEN SYMMETRIC " or " BETWEEN ")
end
by_operator[operators.not_between] = function(c, element)
  infix(c, element, element.modifiers and element.modifiers.symmetric and " NOT BETWEEN SYMMETRIC " or " NOT BETWEEN ")
end

by_operator[operators.truediv] = function(c, element)
  local right = element.right
  local target = right.type.affinity == "Numeric" and right.type or types.numeric
  c:visit(element.left)
  c.buffer[#c.buffer + 1] = " / CAST("
  c:visit(right)
  c.buffer[#c.buffer + 1] = " AS " .. types.ddl_text(c.dialect, target) .. ")"
end
by_operator[operators.floordiv] = function(c, element)
  if element.left.type.affinity == "Integer" and element.right.type.affinity == "Integer" then
    return plain_infix(c, element, " / ")
  end
  c.buffer[#c.buffer + 1] = "FLOOR("
  plain_infix(c, element, " / ")
  c.buffer[#c.buffer + 1] = ")"
end

local function with_escape(text)
  return function(c, element, right)
    c:visit(element.left)
    c.buffer[#c.buffer + 1] = text
    if right then right(c, element) else c:visit(element.right) end
    local mark = element.modifiers and element.modifiers.escape
    if mark then c.buffer[#c.buffer + 1] = " ESCAPE " .. quote_literal(c, mark) end
  end
end
local LIKE = {
  like = with_escape(" LIKE "), not_like = with_escape(" NOT LIKE "),
  ilike = with_escape(" ILIKE "), not_ilike = with_escape(" NOT ILIKE "),
}
for name, write in next, LIKE do by_operator[operators[name]] = write end

---The right side of startswith and its like: a pattern made in SQL.
local function pattern(before, after)
  return function(c, element)
    if before then c.buffer[#c.buffer + 1] = "'%%' || " end
    local outer = c.in_operation
    c.in_operation = true
    c:visit(element.right)
    c.in_operation = outer
    if after then c.buffer[#c.buffer + 1] = " || '%%'" end
  end
end
compiler.patterns = { startswith = pattern(false, true), endswith = pattern(true, false), contains = pattern(true, true) }

for name, right in next, compiler.patterns do
  for _, negated in ipairs { "", "not_" } do
    for _, insensitive in ipairs { "", "i" } do
      local write = LIKE[negated .. insensitive .. "like"]
      by_operator[operators[negated .. insensitive .. name]] = function(c, element) write(c, element, right) end
    end
  end
end

by_operator[operators.match] = function(c, element)
  local config = element.modifiers and element.modifiers.postgresql_regconfig
  plain_infix(c, element, " @@ plainto_tsquery(" .. (config and quote_literal(c, config) .. ", " or ""))
  c.buffer[#c.buffer + 1] = ")"
end
by_operator[operators.not_match] = function(c, element)
  c.buffer[#c.buffer + 1] = "NOT "
  by_operator[operators.match](c, element)
end

local function regexp(symbol)
  return function(c, element)
    local flags = element.modifiers.flags
    if not flags then return infix(c, element, " " .. symbol .. " ") end
    if flags == "i" then return infix(c, element, " " .. symbol .. "* ") end
    plain_infix(c, element, (" %s CONCAT('(?', %s, ')', "):format(symbol, quote_literal(c, flags)))
    c.buffer[#c.buffer + 1] = ")"
  end
end
by_operator[operators.regexp_match], by_operator[operators.not_regexp_match] = regexp("~"), regexp("!~")

by_operator[operators.regexp_replace] = function(c, element)
  local flags = element.modifiers.flags
  c.buffer[#c.buffer + 1] = "REGEXP_REPLACE("
  plain_infix(c, element, ", ")
  c.buffer[#c.buffer + 1] = flags and ", " .. quote_literal(c, flags) .. ")" or ")"
end

visitors.list = function(c, element)
  local clauses = element.clauses
  local separator, buffer = element.operator.text, c.buffer
  local wrote, outer = false, c.in_operation
  c.in_operation = true
  for position = 1, #clauses do
    local clause = clauses[position]
    if clause.kind ~= "list" or #clause.clauses > 0 then
      if wrote then buffer[#buffer + 1] = separator end
      wrote = true
      c:visit(clause)
    end
  end
  c.in_operation = outer
end

visitors.clause_list = function(c, element)
  if element.parentheses then c.buffer[#c.buffer + 1] = "(" end
  c:visit_list(element.clauses, ", ")
  if element.parentheses then c.buffer[#c.buffer + 1] = ")" end
end
expression.methods.parentheses = false

visitors.tuple = function(c, element)
  c.buffer[#c.buffer + 1] = "("
  c:visit_list(element.clauses, ", ")
  c.buffer[#c.buffer + 1] = ")"
end

visitors.grouping = function(c, element)
  c.buffer[#c.buffer + 1] = "("
  c:visit(element.element)
  c.buffer[#c.buffer + 1] = ")"
end

visitors.unary = function(c, element)
  c.buffer[#c.buffer + 1] = element.operator.text
  c:visit(element.element)
end

visitors.modified = function(c, element)
  c:visit(element.element)
  c.buffer[#c.buffer + 1] = element.modifier.text
end

visitors.as_boolean = function(c, element)
  if element.operator == operators.is_false then c.buffer[#c.buffer + 1] = "NOT " end
  c:visit(element.element)
end

-- ---- Labels -------------------------------------------------------------------------------------

visitors.label = function(c, element)
  if rawequal(c.label_shown, element) then
    c.buffer[#c.buffer + 1] = c:quote(c:name(element.name, "colident"))
    return
  end
  return c:visit(element.element)
end

-- ---- CASE, CAST, functions ----------------------------------------------------------------------

visitors.case = function(c, element)
  local buffer = c.buffer
  buffer[#buffer + 1] = "CASE "
  if element.value then
    c:visit(element.value)
    buffer[#buffer + 1] = " "
  end
  for _, when in ipairs(element.whens) do
    buffer[#buffer + 1] = "WHEN "
    c:visit(when[1])
    buffer[#buffer + 1] = " THEN "
    c:visit(when[2])
    buffer[#buffer + 1] = " "
  end
  if element.else_ then
    buffer[#buffer + 1] = "ELSE "
    c:visit(element.else_)
    buffer[#buffer + 1] = " "
  end
  buffer[#buffer + 1] = "END"
end

visitors.cast = function(c, element)
  local text, collation = types.ddl_text(c.dialect, element.type), ""
  local head, tail = text:match("^(.*)( COLLATE .*)$")
  if head then text, collation = head, tail end
  c.buffer[#c.buffer + 1] = "CAST("
  c:visit(element.element)
  c.buffer[#c.buffer + 1] = " AS " .. text .. ")" .. collation
end

visitors.type_coerce = function(c, element)
  local inner = element.element
  if inner.kind ~= "bind" then return c:visit(inner) end
  return c:visit(element.coerced or (function()
    local copy = {}
    for key, value in next, inner do copy[key] = value end
    copy.type = element.type
    copy = expression.new(copy)
    rawset(element, "coerced", copy)
    return copy
  end)())
end
expression.methods.coerced = false

visitors.extract = function(c, element)
  c.buffer[#c.buffer + 1] = "EXTRACT(" .. element.field .. " FROM "
  c:visit(element.element)
  c.buffer[#c.buffer + 1] = ")"
end

-- Functions that SQL writes without parentheses, and those with a spelling of their own.
local SPELLING = {
  current_date = "CURRENT_DATE", current_time = "CURRENT_TIME", current_timestamp = "CURRENT_TIMESTAMP",
  current_user = "CURRENT_USER", localtime = "LOCALTIME", localtimestamp = "LOCALTIMESTAMP",
  session_user = "SESSION_USER", user = "USER", sysdate = "sysdate", cube = "CUBE", rollup = "ROLLUP",
  grouping_sets = "GROUPING SETS",
}

local functions = {} ---@type table<string, fun(c: mainsequence.sql.Compiler, element: any)>
local functions_sqlite = setmetatable({}, { __index = functions })
compiler.functions = { postgresql = functions, sqlite = functions_sqlite }

functions.substring = function(c, element)
  local buffer, arguments = c.buffer, element.arguments
  if #arguments < 2 then fault.raise("func.substring takes a text, a start and maybe a length") end
  buffer[#buffer + 1] = "SUBSTRING("
  c:visit(arguments[1])
  buffer[#buffer + 1] = " FROM "
  c:visit(arguments[2])
  if arguments[3] then
    buffer[#buffer + 1] = " FOR "
    c:visit(arguments[3])
  end
  buffer[#buffer + 1] = ")"
end
functions.aggregate_strings = function(c, element)
  c.buffer[#c.buffer + 1] = "string_agg("
  c:visit_list(element.arguments, ", ")
  c.buffer[#c.buffer + 1] = ")"
end

---Only odd characters make a function's name quoted, not reserved words.
local function function_name(c, name)
  if name:find("^[%w_$]+$") then return name end
  return c:quote(name)
end

visitors["function"] = function(c, element)
  local buffer = c.buffer
  local special = (c.sqlite and functions_sqlite or functions)[element.name:lower()]
  if special then
    special(c, element)
  else
    for _, part in ipairs(element.package) do buffer[#buffer + 1] = function_name(c, part) .. "." end
    local spelling = element.known and SPELLING[element.name]
    buffer[#buffer + 1] = spelling or function_name(c, element.name)
    if not spelling or #element.arguments > 0 then
      buffer[#buffer + 1] = "("
      c:visit_list(element.arguments, ", ")
      buffer[#buffer + 1] = ")"
    end
  end
end

local function by(c, word, list)
  c.buffer[#c.buffer + 1] = word
  c:visit_list(list, ", ")
end

local function frame_bound(c, value, word)
  local buffer = c.buffer
  if value == "unbounded" then
    buffer[#buffer + 1] = "UNBOUNDED " .. word
  elseif value == "current" then
    buffer[#buffer + 1] = "CURRENT ROW"
  else
    c:visit(expression.bind(nil, math.abs(value), types.integer))
    buffer[#buffer + 1] = value < 0 and " PRECEDING" or " FOLLOWING"
  end
end

visitors.over = function(c, element)
  local buffer = c.buffer
  c:visit(element.element)
  buffer[#buffer + 1] = " OVER ("
  local space = ""
  if element.partition and #element.partition > 0 then
    by(c, "PARTITION BY ", element.partition)
    space = " "
  end
  if element.order and #element.order > 0 then
    buffer[#buffer + 1] = space .. "ORDER BY "
    c:visit_order(element.order)
    space = " "
  end
  local frame = element.frame
  if frame then
    buffer[#buffer + 1] = space .. frame.unit .. " BETWEEN "
    frame_bound(c, frame.from, "PRECEDING")
    buffer[#buffer + 1] = " AND "
    frame_bound(c, frame.to, "FOLLOWING")
  end
  buffer[#buffer + 1] = ")"
end

visitors.within_group = function(c, element)
  c:visit(element.element)
  by(c, " WITHIN GROUP (ORDER BY ", element.order)
  c.buffer[#c.buffer + 1] = ")"
end

visitors.function_filter = function(c, element)
  c:visit(element.element)
  c.buffer[#c.buffer + 1] = " FILTER (WHERE "
  c:visit(element.criterion)
  c.buffer[#c.buffer + 1] = ")"
end

visitors.aggregate_order_by = function(c, element)
  c:visit(element.element)
  by(c, " ORDER BY ", element.order)
end

-- ---- Text ---------------------------------------------------------------------------------------

visitors.text = function(c, element)
  local buffer = c.buffer
  for _, piece in ipairs(element.pieces) do
    if type(piece) == "string" then
      buffer[#buffer + 1] = piece
    else
      c:visit(element.parameters[piece.name])
    end
  end
end

return compiler
