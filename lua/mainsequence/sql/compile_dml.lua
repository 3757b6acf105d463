-- Visitors of INSERT, UPDATE, DELETE and VALUES.

local core = require("mainsequence.core")
local compiler = require("mainsequence.sql.compile_cte")
local dml = require("mainsequence.sql.dml")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local froms = require("mainsequence.sql.froms")
local linter = require("mainsequence.sql.linter")
local naming = require("mainsequence.sql.naming")
local selectable = require("mainsequence.sql.selectable")
local types = require("mainsequence.sql.types")

local visitors = compiler.visitors.postgresql
local Compiler = compiler.Compiler
local NOTHING = {}
local LITERAL = "literal_value"
-- what stands for a default that the client would compute: named by its column even inside a CTE
local NULL_VALUE = { kind = LITERAL, value = core.null, own_name = true, constant = true }

function dml.methods:proxies_for(owner)
  return naming.proxies(owner, self:result_columns(), nil)
end

-- ---- Values of columns --------------------------------------------------------------------------

local function column_key(column)
  return type(column.key) == "string" and column.key or column.name
end

---A literal value as a parameter that is named by a number.
local function numbered_bind(column, literal)
  local element = expression.bind(nil, literal.value, column.type)
  element.source, element.plain = literal, false
  return element
end

---A parameter that is named by its column; inside a CTE by a number, since the names could clash.
local function column_bind(c, column, literal, suffix)
  if c.in_cte and not literal.own_name then return numbered_bind(column, literal) end
  local key = column_key(column)
  return expression.new { kind = "bind", key = suffix and key .. suffix or key, base = key, value = literal.value,
    type = column.type, crud = true, source = literal }
end

---The text of what a column is set to. A literal has the column's name, too, but not in `later` rows.
local function write_value(c, column, value, suffix, later)
  if value.kind == LITERAL then
    c:visit(column_bind(c, column, value, suffix))
  elseif value.kind == "bind" then
    if value.type == types.null then value = expression.with_type(value, column.type) end
    if value.unique and not c.in_cte and not later then c:name_bind(value, column_key(column) .. (suffix or "")) end
    c:visit(value)
  else
    c:visit(expression.grouped(value))
  end
end

local function is_expression(default)
  return expression.is_element(default)
end

---The column of a table whose values the database counts up, or nil.
local function autoincrement_column(from)
  if rawget(from, "autoincrement") ~= nil then return from.autoincrement or nil end
  local found = false
  if from.model and #from.primary_key == 1 then
    for position, column in ipairs(from.list) do
      local described = from.described[position]
      if column.name == from.primary_key[1] and column.type.affinity == "Integer" and described.autoincrement ~= false
        and not described.server_default and not column.default then
        local references = false
        for _, key in ipairs(from.foreign_keys) do
          for _, name in ipairs(key.columns) do references = references or name == column.name end
        end
        if not references or described.autoincrement then found = column end
      end
    end
  end
  rawset(from, "autoincrement", found)
  return found or nil
end

local function facts(from)
  if from.facts then return from.facts end
  local server, keys = {}, {}
  for position, column in ipairs(from.list) do
    local described = from.described and from.described[position]
    server[column] = described and (described.server_default or described.identity or described.computed) and true or false
  end
  for _, name in ipairs(from.primary_key) do keys[name] = true end
  local result = { server_default = server, primary_key = keys }
  rawset(from, "facts", result)
  return result
end

---What RETURNING adds by itself for a column without a value, and the default that stands for it.
local function without_value(c, column, plan, known)
  local default = column.default
  if plan.keys_wanted and known.primary_key[column.name] then
    if is_expression(default) then
      c.implicit[#c.implicit + 1] = column
      return default
    elseif default then
      return NULL_VALUE
    elseif rawequal(column, plan.autoincrement) or known.server_default[column] then
      c.implicit[#c.implicit + 1] = column
    end
    return nil
  end
  if default then
    if is_expression(default) then
      if plan.defaults and plan.defaults[column] then c.implicit[#c.implicit + 1] = column end
      return default
    end
    return NULL_VALUE
  end
  if plan.defaults and plan.defaults[column] then c.implicit[#c.implicit + 1] = column end
  return nil
end

---Whether the value makes the database's key worth returning: an expression does.
local function note_value(c, column, value, plan, known)
  if value.kind == LITERAL or value.kind == "bind" then return end
  if known.primary_key[column.name] then
    if plan.keys_wanted then c.implicit[#c.implicit + 1] = column end
  elseif plan.defaults and plan.defaults[column] then
    c.implicit[#c.implicit + 1] = column
  end
end

local function insert_plan(c, statement, toplevel)
  local wanted = toplevel and not statement.inline_ and not statement.returned and not statement.rows and not statement.source
  local defaults
  if statement.return_defaults_ and wanted then
    defaults = {}
    local list = statement.return_defaults_
    for _, column in ipairs(#list > 0 and list or selectable.list_of(statement.target.c)) do defaults[column] = true end
  end
  return { keys_wanted = wanted, defaults = defaults, autoincrement = autoincrement_column(statement.target), compiler = c }
end

-- ---- INSERT -------------------------------------------------------------------------------------

---Column names and texts of the first row: what is given, then defaults, in the order of the table.
local function first_row(c, statement, given, plan, suffix)
  local columns, texts = {}, {}
  local known = facts(statement.target)
  for _, column in ipairs(statement.target.list) do
    local value = given[column]
    local named = suffix
    if value == nil then
      value = without_value(c, column, plan, known)
      named = nil
    else
      note_value(c, column, value, plan, known)
    end
    if value ~= nil then
      columns[#columns + 1] = column
      texts[#texts + 1] = c:capture(write_value, column, value, named)
    end
  end
  return columns, texts
end

---@return integer given how many of the columns the row has itself
local function write_row(c, row, columns, index)
  local buffer, suffix, given = c.buffer, "_m" .. index, 0
  buffer[#buffer + 1] = "("
  for position = 1, #columns do
    local column = columns[position]
    local value = row[column]
    if position > 1 then buffer[#buffer + 1] = ", " end
    if value ~= nil then
      given = given + 1
    else
      local default = column.default
      if not default then
        fault.raise(("values: row %d has no value for column '%s', which the first row has"):format(index + 1, column.key),
          "give every row the same columns; NULL is sql.null")
      end
      value = is_expression(default) and default or NULL_VALUE
    end
    write_value(c, column, value, suffix, true)
  end
  buffer[#buffer + 1] = ")"
  return given
end

---Refuses a column that the first row hasn't.
local function check_row(statement, row, columns, index)
  local known = {}
  for _, column in ipairs(columns) do known[column] = true end
  for column in next, row do
    if not known[column] then
      fault.raise(("values: row %d of %s has column '%s', which the first row has not"):format(index + 1,
        selectable.describe(statement.target), column.key), "give every row the same columns; NULL is sql.null")
    end
  end
end

---The rows after the first.
local function write_later_rows(c, statement, columns)
  local rows, buffer = statement.rows, c.buffer
  for index = 2, #rows do
    if index > 2 then buffer[#buffer + 1] = ", " end
    local row, members = rows[index], 0
    local given = write_row(c, row, columns, index - 1)
    for _ in next, row do members = members + 1 end
    if members ~= given then check_row(statement, row, columns, index - 1) end
  end
end

local function all_columns(c, statement)
  local columns, texts = {}, {}
  for position, column in ipairs(statement.target.list) do
    columns[position] = column
    texts[position] = c:capture(write_value, column, NULL_VALUE)
  end
  return columns, texts
end

---The select of INSERT … SELECT, with the defaults of columns that it doesn't give.
local function source_with_defaults(c, statement)
  local columns, source = table.move(statement.names, 1, #statement.names, 1, {}), statement.source
  local given, extra = {}, {}
  for _, column in ipairs(columns) do given[column] = true end
  for _, column in ipairs(statement.include_defaults and statement.target.list or NOTHING) do
    if not given[column] and column.default then
      columns[#columns + 1] = column
      extra[#extra + 1] = is_expression(column.default) and expression.grouped(column.default)
        or column_bind(c, column, NULL_VALUE)
    end
  end
  if #extra == 0 then return columns, source end
  if source.kind ~= "select" then
    fault.raise("from_select: defaults cannot be added to a set operation",
      "select from it as a subquery, or pass { include_defaults = false }")
  end
  return columns, source:add_columns(table.unpack(extra))
end

local function names_of(c, columns)
  local names = {}
  for position, column in ipairs(columns) do names[position] = c:quote(column.name) end
  return table.concat(names, ", ")
end

local function check_returning(list, target)
  local read = {}
  for _, element in ipairs(list) do froms.walk(element, read) end
  for _, from in ipairs(read) do
    if not rawequal(from, target) then
      fault.raise("SQLite has no RETURNING of columns of another table", "select them afterwards")
    end
  end
end

local function write_returning(c, list, target)
  local buffer = c.buffer
  buffer[#buffer + 1] = "RETURNING "
  local outer = c.include_table
  -- SQLite knows only the columns of the changed table there, and not by its schema
  if c.sqlite then check_returning(list, target) end
  c.include_table = not c.sqlite
  for position, entry in ipairs(naming.result_columns(list, nil, true)) do
    if position > 1 then buffer[#buffer + 1] = ", " end
    c:result_column(entry, false)
  end
  c.include_table = outer
end

local function enter(c, statement, set)
  c.stack[#c.stack + 1] = { from = set, correlate = set, statement = false, froms = NOTHING }
  if statement.more.parameters then c:set_parameters(statement.more.parameters) end
  local target = statement.target
  while target.kind == "alias" do target = target.element end
  if target.model then c.tables[target.model] = "write" else c.unbound = true end
  c.implicit = {}
end

---Puts the finished text behind what the compiler has so far, the CTEs of its level before it.
local function leave(c, text, following)
  c:write_ctes(#c.stack, following)
  c.buffer[#c.buffer + 1] = text
  c.stack[#c.stack] = nil
end

local function on_conflict_target(c, target)
  if not target then return "" end
  if target.constraint then return " ON CONSTRAINT " .. c:quote(target.constraint) end
  local outer = c.include_table
  c.include_table = false
  local parts = {}
  for position, element in ipairs(target.elements) do
    parts[position] = type(element) == "string" and c:quote(element) or c:capture(c.visit, element)
  end
  local text = " (" .. table.concat(parts, ", ") .. ")"
  if target.where then text = text .. " WHERE " .. c:capture(c.visit, target.where) end
  c.include_table = outer
  return text
end

local function conflict_value(c, column, value)
  if value.kind == LITERAL then return c:visit(numbered_bind(column, value)) end
  if value.kind == "bind" and value.type == types.null then value = expression.with_type(value, column.type) end
  return c:visit(expression.grouped(value))
end

local function on_conflict(c, statement)
  local conflict = statement.conflict
  local text = "ON CONFLICT" .. on_conflict_target(c, conflict.target)
  if not conflict.set then return text .. " DO NOTHING" end
  local parts = {}
  for _, column in ipairs(statement.target.list) do
    local value = conflict.set[column]
    if value ~= nil then
      parts[#parts + 1] = c:quote(column.name) .. " = " .. c:capture(conflict_value, column, value)
    end
  end
  local unknown = {}
  for _, other in ipairs(conflict.others) do
    unknown[#unknown + 1] = "'" .. other.name .. "'"
    parts[#parts + 1] = c:quote(other.name) .. " = " .. c:capture(c.visit, other.value)
  end
  if #unknown > 0 then
    c.warnings = c.warnings or {}
    c.warnings[#c.warnings + 1] = ("on_conflict_do_update: %s has no column %s"):format(
      selectable.describe(statement.target), table.concat(unknown, ", "))
  end
  text = text .. " DO UPDATE SET " .. table.concat(parts, ", ")
  if conflict.where then text = text .. " WHERE " .. c:capture(c.visit, conflict.where) end
  return text
end

visitors.insert = function(c, statement)
  local toplevel = #c.stack == 0
  local outer_include, outer_label = c.include_table, c.label_shown
  c.include_table, c.label_shown = true, false
  enter(c, statement, NOTHING)
  local plan = insert_plan(c, statement, toplevel)
  local columns, texts, source
  if statement.source then
    columns, source = source_with_defaults(c, statement)
  elseif statement.rows then
    columns, texts = first_row(c, statement, statement.rows[1], plan, "_m0")
    texts = { "(" .. table.concat(texts, ", ") .. ")" }
    if #statement.rows > 1 then texts[2] = c:capture(write_later_rows, statement, columns) end
  elseif statement.assignments then
    columns, texts = first_row(c, statement, statement.assignments, plan)
    texts = { "(" .. table.concat(texts, ", ") .. ")" }
  else
    columns, texts = all_columns(c, statement)
    texts = { "(" .. table.concat(texts, ", ") .. ")" }
  end
  local more, parts = statement.more, { "INSERT " }
  if more.prefixes then parts[#parts + 1] = c:texts(more.prefixes) end
  parts[#parts + 1] = "INTO "
  if more.ctes then c:independent_ctes(more.ctes) end
  local target = statement.target
  parts[#parts + 1] = (target.schema and c:quote(target.schema) .. "." or "") .. c:quote(target.name)
  if #columns > 0 then parts[#parts + 1] = " (" .. names_of(c, columns) .. ")" end
  local returned = #c.implicit > 0 and c.implicit or statement:result_columns()
  local returning = #returned > 0 and c:capture(write_returning, returned, statement.target)
  if source then
    parts[#parts + 1] = " " .. c:capture(c.visitors[source.kind], source, { into = true, inside = c.in_cte })
  elseif #columns == 0 then
    parts[#parts + 1] = " DEFAULT VALUES"
  else
    parts[#parts + 1] = " VALUES " .. table.concat(texts, ", ")
  end
  if statement.conflict then
    -- SQLite takes ON after a SELECT for the ON of a join unless there is a WHERE
    if c.sqlite and source and (source.kind ~= "select" or not source.criteria) then
      fault.raise("SQLite needs a WHERE in the select of an insert with ON CONFLICT", "add :where(sql.true_())")
    end
    parts[#parts + 1] = " " .. on_conflict(c, statement)
  end
  if returning then parts[#parts + 1] = " " .. returning end
  leave(c, table.concat(parts), true)
  c.include_table, c.label_shown = outer_include, outer_label
end

-- ---- UPDATE, DELETE -----------------------------------------------------------------------------

---The table, its alias included, and the other tables that conditions and values read.
local function tables_of(statement)
  local set = {}
  set[statement.target] = true
  for _, condition in ipairs(statement.criteria or NOTHING) do froms.walk(condition, set) end
  if statement.kind == "update" then
    for _, column in ipairs(statement.ordered or statement.target.list or selectable.list_of(statement.target.c)) do
      local value = statement.assignments and statement.assignments[column]
      if value and value.kind ~= LITERAL then froms.walk(value, set) end
    end
  end
  local extra = table.move(set, 1, #set, 1, {})
  local own = { [statement.target] = true }
  for _, from in ipairs(extra) do own[from] = true end
  return extra, own
end

local function target_text(c, target)
  return c:capture(c.from, target)
end

local function assign(c, column, value, parts)
  parts[#parts + 1] = c:quote(column.name) .. "=" .. c:capture(write_value, column, value)
end

local function assignments_text(c, statement)
  local parts, given, done = {}, statement.assignments, {}
  local list = selectable.list_of(statement.target.c)
  if not given then
    for _, column in ipairs(list) do assign(c, column, NULL_VALUE, parts) end
    return table.concat(parts, ", ")
  end
  for _, column in ipairs(statement.ordered or NOTHING) do
    assign(c, column, given[column], parts)
    done[column] = true
  end
  for _, column in ipairs(list) do
    local value = given[column]
    if value == nil and column.onupdate then
      value = is_expression(column.onupdate) and column.onupdate or NULL_VALUE
    end
    if value ~= nil and not done[column] then assign(c, column, value, parts) end
  end
  if #parts == 0 then fault.raise("update: there is nothing to set") end
  return table.concat(parts, ", ")
end

local function from_texts(c, list)
  local texts = {}
  for position, from in ipairs(list) do texts[position] = c:capture(c.from, from) end
  return table.concat(texts, ", ")
end

local function write_where(c, statement)
  compiler.write_conditions(c, " WHERE ", statement.criteria)
end

visitors.update = function(c, statement)
  local outer_include, outer_label = c.include_table, c.label_shown
  c.include_table, c.label_shown = true, false
  local extra, own = tables_of(statement)
  enter(c, statement, own)
  local more, parts = statement.more, { "UPDATE " }
  if more.prefixes then parts[#parts + 1] = c:texts(more.prefixes) end
  local target = target_text(c, statement.target)
  local assignments = assignments_text(c, statement)
  if more.ctes then c:independent_ctes(more.ctes) end
  parts[#parts + 1] = target .. " SET " .. assignments
  if #extra > 0 then parts[#parts + 1] = " FROM " .. from_texts(c, extra) end
  if statement.criteria then parts[#parts + 1] = c:capture(write_where, statement) end
  local returned = statement:result_columns()
  if #returned > 0 then parts[#parts + 1] = " " .. c:capture(write_returning, returned, statement.target) end
  if #extra > 0 and c.lint then
    linter.check(c, statement, table.move(extra, 1, #extra, 2, { statement.target }))
  end
  leave(c, table.concat(parts), false)
  c.include_table, c.label_shown = outer_include, outer_label
end

visitors.delete = function(c, statement)
  local outer_include, outer_label = c.include_table, c.label_shown
  c.include_table, c.label_shown = true, false
  local extra, own = tables_of(statement)
  if #extra > 0 and c.sqlite then
    fault.raise("SQLite has no DELETE … USING", "delete by a subquery: where(column:in_(sql.select(…)))")
  end
  enter(c, statement, own)
  local more, parts = statement.more, { "DELETE " }
  if more.prefixes then parts[#parts + 1] = c:texts(more.prefixes) end
  local target = target_text(c, statement.target)
  if more.ctes then c:independent_ctes(more.ctes) end
  parts[#parts + 1] = "FROM " .. target
  if #extra > 0 then parts[#parts + 1] = " USING " .. from_texts(c, extra) end
  if statement.criteria then parts[#parts + 1] = c:capture(write_where, statement) end
  local returned = statement:result_columns()
  if #returned > 0 then parts[#parts + 1] = " " .. c:capture(write_returning, returned, statement.target) end
  if #extra > 0 and c.lint then
    linter.check(c, statement, table.move(extra, 1, #extra, 2, { statement.target }))
  end
  leave(c, table.concat(parts), false)
  c.include_table, c.label_shown = outer_include, outer_label
end

-- ---- VALUES -------------------------------------------------------------------------------------

---VALUES (…), (…).
---@param from mainsequence.sql.From
function Compiler:values(from)
  local outer, buffer = self.literal_binds, self.buffer
  self.literal_binds = outer or from.literal_binds
  buffer[#buffer + 1] = "VALUES "
  for position, row in ipairs(from.tuples) do
    buffer[#buffer + 1] = position > 1 and ", (" or "("
    self:visit_list(row, ", ")
    buffer[#buffer + 1] = ")"
  end
  self.literal_binds = outer
end

visitors.scalar_values = function(c, element)
  c.buffer[#c.buffer + 1] = "("
  c:values(element.source)
  c.buffer[#c.buffer + 1] = ")"
end

return compiler
