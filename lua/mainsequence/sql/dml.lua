-- INSERT, UPDATE, DELETE. Immutable: every method gives a new statement.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local expression = require("mainsequence.sql.expression")
local select = require("mainsequence.sql.select")
local selectable = require("mainsequence.sql.selectable")
local values = require("mainsequence.sql.values")

local M = {}

---@class mainsequence.sql.Change
---@field kind "insert"|"update"|"delete"
---@field target mainsequence.sql.From the table
local methods = {}
M.methods = methods

local NOTHING = {}
for _, field in ipairs {
  "criteria", "assignments", "rows", "ordered", "names", "source", "include_defaults", "conflict", "returned", "inline_",
  "return_defaults_", "more", "state",
} do methods[field] = false end
methods.more = NOTHING

local Change = { __name = "mainsequence.sql.Change" }
M.Change = Change

function Change:__index(key)
  local method = methods[key]
  if method ~= nil then return method end
  if key == "excluded" and self.kind == "insert" then
    return selectable.excluded(self.target)
  end
  local names = { "excluded" }
  for name, value in next, methods do
    if type(value) == "function" then names[#names + 1] = name end
  end
  table.sort(names)
  fault.raise(("%s has no method '%s'"):format(self.kind, tostring(key)), fault.did_you_mean(key, names))
end

---@param value any
---@return boolean
function M.is_change(value)
  return getmetatable(value) == Change
end

local function copy(statement)
  local result = {}
  for key, value in next, statement do
    if key ~= "state" then result[key] = value end
  end
  return setmetatable(result, Change)
end

local function with(statement, name, value)
  local result, more = copy(statement), {}
  for key, kept in next, statement.more do more[key] = kept end
  more[name] = value
  result.more = more
  return result
end

local function start(kind)
  return function(target)
    local from = selectable.from(target, kind)
    local base = from
    while base.kind == "alias" do base = base.element end
    if base.kind ~= "table" then fault.raise(("%s: a table is expected, got %s"):format(kind, selectable.describe(from))) end
    if from.kind == "alias" and kind == "insert" then fault.raise("insert: rows go into a table, not into an alias") end
    return setmetatable({ kind = kind, target = from }, Change)
  end
end

---INSERT INTO target.
---@type fun(target: any): mainsequence.sql.Change
M.insert = start("insert")
---@type fun(target: any): mainsequence.sql.Change
M.update = start("update")
---@type fun(target: any): mainsequence.sql.Change
M.delete = start("delete")

-- ---- Values -------------------------------------------------------------------------------------

---The column that a key of values() names: its Lua name, or the column itself.
local function column_of(self, key, clause)
  local columns = self.target.c
  if expression.is_element(key) then
    for _, column in ipairs(selectable.list_of(columns)) do
      if rawequal(column, key) or (key.kind == "column" and selectable.lineage(column)[key]) then return column end
    end
    if key.kind == "column" and key.table then
      fault.raise(("%s: column '%s' belongs to another table than %s"):format(clause, tostring(key.name),
        selectable.describe(self.target)))
    end
    key = key.key
  end
  if type(key) ~= "string" then
    fault.raise(("%s: the name of a column is expected, got %s"):format(clause, fault.show(key)))
  end
  local found = selectable.by_key(columns, key)
  if found then return found end
  local names = {}
  for position, column in ipairs(selectable.list_of(columns)) do names[position] = tostring(column.key) end
  fault.raise(("%s: %s has no column '%s'"):format(clause, selectable.describe(self.target), key),
    fault.did_you_mean(key, names) or "it has: " .. table.concat(names, ", "))
end

---A value for a column: an expression, or what is bound. Which kinds of plain values a type takes is found once.
local function value_for(column, value)
  local kind = type(value)
  if kind == "table" then
    local meta = getmetatable(value)
    if meta == expression.Element then return value end
    if meta and meta.__sql_scalar then return meta.__sql_scalar(value) end
    kind = nil
  elseif kind == "number" then
    kind = math.type(value)
  end
  local sqltype = column.type
  local taken = sqltype.taken
  if not kind or not (taken and taken[kind]) then
    expression.check_type(column, sqltype, values.type_of(value), value)
    if kind == "string" or kind == "integer" or kind == "float" then
      sqltype.taken = taken or {}
      sqltype.taken[kind] = true
    end
  end
  return { kind = "literal_value", value = value, plain = true }
end

---Column → value, of a table with names or columns as keys.
local function assignments(self, given, clause)
  local result, columns = {}, self.target.c
  for key, value in next, given do
    local column = type(key) == "string" and selectable.by_key(columns, key) or column_of(self, key, clause)
    if result[column] then fault.raise(("%s: column '%s' is given twice"):format(clause, column.key)) end
    result[column] = value_for(column, value)
  end
  return result
end

local function positional(self, given, clause)
  local columns, result = selectable.list_of(self.target.c), {}
  if #given > #columns then
    fault.raise(("%s: %d values for the %d columns of %s"):format(clause, #given, #columns, selectable.describe(self.target)))
  end
  for position = 1, #given do result[columns[position]] = value_for(columns[position], given[position]) end
  return result
end

local function is_plain(value)
  return type(value) == "table" and (getmetatable(value) == nil or core.is_array(value)
    or not (expression.is_element(value) or values.is_value(value) or select.is_select(value)))
end

local function row_of(self, given, clause)
  if not is_plain(given) then fault.raise(("%s: a table of values is expected, got %s"):format(clause, fault.show(given))) end
  return #given > 0 and positional(self, given, clause) or assignments(self, given, clause)
end

---The values: { column = value }, a list of values in the order of the columns, or a list of such rows.
---Keys may also be columns: { [Asset.uid] = uid }.
---@param given table
---@return mainsequence.sql.Change
function methods:values(given)
  if self.kind == "delete" then fault.raise("delete has no values") end
  if self.source then fault.raise("this insert takes its rows from a select already") end
  if self.ordered then fault.raise("this update has ordered values already") end
  if not is_plain(given) then fault.raise(("values: a table of values is expected, got %s"):format(fault.show(given))) end
  local result = copy(self)
  if #given > 0 and is_plain(given[1]) then
    if self.kind == "update" then fault.raise("values: an update has one set of values") end
    if self.assignments then fault.raise("values: one row and a list of rows cannot be mixed") end
    local rows = table.move(self.rows or {}, 1, self.rows and #self.rows or 0, 1, {})
    for position = 1, #given do rows[#rows + 1] = row_of(self, given[position], "values") end
    result.rows = rows
    return result
  end
  if self.rows then fault.raise("values: one row and a list of rows cannot be mixed") end
  local merged = {}
  for column, value in next, self.assignments or NOTHING do merged[column] = value end
  for column, value in next, row_of(self, given, "values") do merged[column] = value end
  result.assignments = merged
  return result
end

---SET in the given order: pairs { column, value }.
---@param ... { [1]: any, [2]: any }
---@return mainsequence.sql.Change
function methods:ordered_values(...)
  if self.kind ~= "update" then fault.raise("ordered_values is a method of update") end
  if self.assignments or self.ordered then fault.raise("ordered_values: this update has values already") end
  local result, order, merged = copy(self), {}, {}
  for _, pair in ipairs { ... } do
    local column = column_of(self, pair[1], "ordered_values")
    order[#order + 1] = column
    merged[column] = value_for(column, pair[2])
  end
  result.ordered, result.assignments = order, merged
  return result
end

---INSERT INTO target (names) SELECT ….
---@param names any[] names or columns
---@param source mainsequence.sql.Select
---@param options { include_defaults: boolean? }?
---@return mainsequence.sql.Change
function methods:from_select(names, source, options)
  if self.kind ~= "insert" then fault.raise("from_select is a method of insert") end
  if self.assignments or self.rows then fault.raise("from_select: this insert has values already") end
  if selectable.is_from(source) then source = select.select(source) end
  if not select.is_select(source) then fault.raise(("from_select: a select is expected, got %s"):format(fault.show(source))) end
  options = options or {}
  fault.check_options("from_select", options, { "include_defaults" })
  local result, columns = copy(self), {}
  for position, name in ipairs(names) do columns[position] = column_of(self, name, "from_select") end
  local given = #source:result_columns()
  if given ~= #columns and not (given == 1 and source:result_columns()[1].kind == "text") then
    fault.raise(("from_select: %d columns, and the select has %d"):format(#columns, given))
  end
  result.names, result.source = columns, source
  result.include_defaults = options.include_defaults ~= false
  return result
end

---No RETURNING of generated keys.
---@return mainsequence.sql.Change
function methods:inline()
  local result = copy(self)
  result.inline_ = true
  return result
end

-- ---- WHERE, RETURNING ---------------------------------------------------------------------------

---@param ... any
---@return mainsequence.sql.Change
function methods:where(...)
  if self.kind == "insert" then
    fault.raise("insert has no WHERE", "on_conflict_do_update takes { where = … }")
  end
  local result = copy(self)
  result.criteria = select.extended(self.criteria, select.conditions("where", ...))
  return result
end

---Columns of the rows that were changed.
---@param ... any
---@return mainsequence.sql.Change
function methods:returning(...)
  if self.return_defaults_ then fault.raise("returning: return_defaults is there already") end
  local result = copy(self)
  result.returned = select.extended(self.returned, select.columns("returning", ...))
  return result
end

---RETURNING what the database filled in.
---@param ... any columns; none: all
---@return mainsequence.sql.Change
function methods:return_defaults(...)
  if self.returned then fault.raise("return_defaults: returning is there already") end
  local result = copy(self)
  result.return_defaults_ = select.columns("return_defaults", ...)
  return result
end

---@return mainsequence.sql.Element[]
function methods:result_columns()
  local list = {}
  for _, item in ipairs(self.returned or NOTHING) do
    if selectable.is_from(item) then
      table.move(selectable.list_of(item.c), 1, #item.c, #list + 1, list)
    else
      list[#list + 1] = item
    end
  end
  return list
end

---WITH name AS (INSERT … RETURNING …).
---@param name string?
---@param options { nesting: boolean? }?
---@return mainsequence.sql.From
function methods:cte(name, options)
  return select.make_cte(self, name, options)
end

---@param ... any
---@return mainsequence.sql.Change
function methods:add_cte(...)
  return with(self, "ctes", select.extended(self.more.ctes, select.ctes(...)))
end

---@param ... any texts; { dialect = } last
---@return mainsequence.sql.Change
function methods:prefix_with(...)
  return with(self, "prefixes", selectable.add_texts(self.more.prefixes, "prefix_with", ...))
end

---@param given table<string, any>
---@return mainsequence.sql.Change
function methods:params(given)
  return with(self, "parameters", given)
end

-- ---- ON CONFLICT --------------------------------------------------------------------------------

local function conflict(self, clause, options, known)
  if self.kind ~= "insert" then fault.raise(("%s is a method of insert"):format(clause)) end
  if self.conflict then fault.raise(("%s: this insert says already what happens on conflict"):format(clause)) end
  options = options or {}
  fault.check_options(clause, options, known)
  local constraint, elements = options.constraint, options.index_elements
  if constraint ~= nil and elements ~= nil then
    fault.raise(("%s: constraint and index_elements exclude each other"):format(clause))
  end
  local target
  if constraint ~= nil then
    if type(constraint) ~= "string" then
      fault.raise(("%s: constraint takes a name, got %s"):format(clause, fault.show(constraint)))
    end
    target = { constraint = constraint }
  elseif elements ~= nil then
    if type(elements) ~= "table" or expression.is_element(elements) then elements = { elements } end
    target = { elements = {} }
    for position, element in ipairs(elements) do
      if type(element) ~= "string" and not expression.is_element(element) then
        fault.raise(("%s: index_elements takes columns and their names, got %s"):format(clause, fault.show(element)))
      end
      if type(element) == "string" then column_of(self, element, clause) end
      target.elements[position] = element
    end
    if options.index_where ~= nil then target.where = expression.condition(options.index_where, clause) end
  end
  return target, options
end

local TARGET = { "constraint", "index_elements", "index_where" }

---@param options { constraint: string?, index_elements: any[]?, index_where: any }?
---@return mainsequence.sql.Change
function methods:on_conflict_do_nothing(options)
  local target = conflict(self, "on_conflict_do_nothing", options, TARGET)
  local result = copy(self)
  result.conflict = { target = target }
  return result
end

---@param options { constraint: string?, index_elements: any[]?, index_where: any, set_: table, where: any }  `set` will do, too
---@return mainsequence.sql.Change
function methods:on_conflict_do_update(options)
  local known = { "constraint", "index_elements", "index_where", "set_", "set", "where" }
  local target, given = conflict(self, "on_conflict_do_update", options, known)
  if not target then
    fault.raise("on_conflict_do_update needs a constraint or index_elements", "index_elements = { \"uid\" }")
  end
  local set = given.set_ or given.set
  if type(set) ~= "table" then fault.raise("on_conflict_do_update: set_ takes a table of values") end
  local by_column, others = {}, {}
  if selectable.is_columns(set) then
    for _, column in ipairs(selectable.list_of(set)) do by_column[column_of(self, column.key, "set_")] = column end
  else
    for _, key in ipairs(M.keys(set)) do
      local found
      if type(key) == "string" then
        for _, column in ipairs(selectable.list_of(self.target.c)) do
          if column.key == key then found = column end
        end
        if not found then others[#others + 1] = { name = key, value = expression.expression(set[key], "set_") } end
      else
        found = column_of(self, key, "on_conflict_do_update")
      end
      if found then by_column[found] = value_for(found, set[key]) end
    end
  end
  if next(by_column) == nil and #others == 0 then fault.raise("on_conflict_do_update: set_ is empty") end
  local result = copy(self)
  result.conflict = {
    target = target, set = by_column, others = others,
    where = given.where ~= nil and expression.condition(given.where, "on_conflict_do_update") or nil,
  }
  return result
end

---The keys of a table of values: names in the order of the object if it has one, then columns.
---@param given table
---@return any[]
function M.keys(given)
  local keys, columns, names = {}, {}, {}
  for key in next, given do
    if type(key) == "string" then names[key] = true else columns[#columns + 1] = key end
  end
  local ordered = next(columns) == nil and core.keys(given) or nil
  if ordered then return ordered end
  for name in next, names do keys[#keys + 1] = name end
  table.sort(keys)
  return table.move(columns, 1, #columns, #keys + 1, keys)
end

return M
