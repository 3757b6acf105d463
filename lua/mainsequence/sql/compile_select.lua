-- Visitors of SELECT and set operations.

local compiler = require("mainsequence.sql.compile_expression")
local expression = require("mainsequence.sql.expression")
local fault = require("mainsequence.sql.fault")
local froms = require("mainsequence.sql.froms")
local linter = require("mainsequence.sql.linter")
local naming = require("mainsequence.sql.naming")
local selectable = require("mainsequence.sql.selectable")

local visitors = compiler.visitors.postgresql
local Compiler = compiler.Compiler
local NOTHING = {}

-- ---- Columns of a statement as a FROM element ---------------------------------------------------

local methods = require("mainsequence.sql.select").methods

---@param owner mainsequence.sql.From
---@return mainsequence.sql.Element[]
function methods:proxies_for(owner)
  if self.kind == "text_select" then
    local list = {}
    for position, column in ipairs(self.list) do
      list[position] = selectable.proxy(owner, column, naming.proxy_key(column), nil)
    end
    return list
  end
  local style = self.more.label_style
  if self.kind == "compound" then
    local first = self.selects[1].statement
    return style and naming.proxies(owner, first:result_columns(), style) or first:proxies_for(owner)
  end
  return naming.proxies(owner, self:result_columns(), style)
end

-- ---- The column list ----------------------------------------------------------------------------

local UNNAMED_INSIDE = { unary = true, as_boolean = true }

local function wraps_unnamed(element)
  local inner = element.element
  while inner.kind == "grouping" do inner = inner.element end
  return naming.natural(inner) == nil
end

---Whether a column without a label of its own gets one.
local function needs_label(c, element, inside)
  local kind = element.kind
  if kind == "column" then return inside and not element.is_literal and element.table ~= false end
  if kind == "text" then return false end
  if kind == "as_boolean" and c.sqlite and not element.boolean then return true end
  if UNNAMED_INSIDE[kind] then return inside or wraps_unnamed(element) end
  return naming.natural(element) == nil
end

local function write_labelled(c, element, name)
  local text = c:quote(c:name(name, "colident"))
  c:visit(element)
  local buffer = c.buffer
  buffer[#buffer + 1] = " AS "
  buffer[#buffer + 1] = text
end

---One column of a result: an expression, maybe AS a name.
---@param entry mainsequence.sql.ResultColumn
---@param inside boolean in a subquery, where every column has a name
function Compiler:result_column(entry, inside)
  local element = entry.element
  if element.kind == "label" then return write_labelled(self, element.element, element.name) end
  if entry.label then return write_labelled(self, element, entry.label) end
  if needs_label(self, element, inside) then
    local name = entry.fallback or naming.invented(element)
    return write_labelled(self, element, type(name) == "string" and { text = name } or name)
  end
  return self:visit(element)
end

---The columns when all of them are columns of tables with names of their own: nothing has to be named.
local function simple_columns(c, list, inside)
  local seen = {}
  for position = 1, #list do
    local element = list[position]
    local name = element.name
    if element.kind ~= "column" or element.is_literal or type(name) ~= "string" or seen[name] or #name > 57
      or element.table == false then
      return false
    end
    seen[name] = true
  end
  local buffer = c.buffer
  for position = 1, #list do
    if position > 1 then buffer[#buffer + 1] = ", " end
    c:visit(list[position])
    if inside then
      buffer[#buffer + 1] = " AS "
      buffer[#buffer + 1] = c:quote(list[position].name)
    end
  end
  return true
end

---@param list mainsequence.sql.Element[]
---@param style string?
---@param inside boolean
function Compiler:result_columns(list, style, inside)
  if not style and simple_columns(self, list, inside) then return end
  local buffer = self.buffer
  for position, entry in ipairs(naming.result_columns(list, style, true)) do
    if position > 1 then buffer[#buffer + 1] = ", " end
    self:result_column(entry, inside)
  end
end

-- ---- Clauses ------------------------------------------------------------------------------------

local function write_conditions(c, word, conditions)
  local buffer = c.buffer
  local clauses = expression.where_list(conditions)
  for position = 1, #clauses do
    local clause = clauses[position]
    if clause.kind ~= "list" or #clause.clauses > 0 then
      buffer[#buffer + 1] = word
      word = " AND "
      c:visit(clause)
    end
  end
end

local function write_fetch(c, statement)
  local buffer, fetch = c.buffer, statement.fetching
  if statement.skipping then
    buffer[#buffer + 1] = "\n OFFSET ("
    c:visit(statement.skipping)
    buffer[#buffer + 1] = ") ROWS"
  end
  buffer[#buffer + 1] = "\n FETCH FIRST ("
  c:visit(fetch.count)
  buffer[#buffer + 1] = ")" .. (fetch.percent and " PERCENT" or "") .. " ROWS " .. (fetch.with_ties and "WITH TIES" or "ONLY")
end

local function write_limit(c, statement)
  local buffer, fetch = c.buffer, statement.fetching
  if fetch and not c.sqlite then return write_fetch(c, statement) end
  if fetch and (fetch.with_ties or fetch.percent) then
    fault.raise("SQLite has no FETCH … WITH TIES or PERCENT", "use limit()")
  end
  local limit = statement.limiting or fetch and fetch.count
  if limit then
    buffer[#buffer + 1] = " \n LIMIT "
    c:visit(limit)
  end
  if statement.skipping then
    if not limit then buffer[#buffer + 1] = c.sqlite and "\n LIMIT -1" or "\n LIMIT ALL" end
    buffer[#buffer + 1] = " OFFSET "
    c:visit(statement.skipping)
  end
end

local function write_for_update(c, lock)
  if c.sqlite then
    fault.raise("SQLite has no FOR UPDATE", "leave with_for_update() out: a SQLite transaction locks the whole database")
  end
  local text = lock.read and (lock.key_share and " FOR KEY SHARE" or " FOR SHARE")
    or lock.key_share and " FOR NO KEY UPDATE" or " FOR UPDATE"
  if lock.of then
    local names, seen = {}, {}
    for _, from in ipairs(lock.of) do
      for _, inner in ipairs(selectable.collect(from, {})) do
        if inner.kind ~= "join" and not seen[inner] then
          seen[inner] = true
          names[#names + 1] = c:quote(c:name(inner.name, "alias"))
        end
      end
    end
    text = text .. " OF " .. table.concat(names, ", ")
  end
  c.buffer[#c.buffer + 1] = text .. (lock.nowait and " NOWAIT" or "") .. (lock.skip_locked and " SKIP LOCKED" or "")
end

---Texts before or behind a part of a statement, each followed by a space.
---@param list { text: any, dialect: string? }[]
---@return string
function Compiler:texts(list)
  local texts = {}
  for _, item in ipairs(list) do
    if not item.dialect or item.dialect == "*" or item.dialect == self.dialect then
      texts[#texts + 1] = self:capture(self.visit, item.text) .. " "
    end
  end
  return table.concat(texts)
end

local function write_hints(c, hints)
  for _, hint in ipairs(hints) do
    if hint.dialect == "*" or hint.dialect == c.dialect then c.buffer[#c.buffer + 1] = " " .. hint.text end
  end
end

---Renders CTEs that the statement names only with add_cte.
---@param list { cte: mainsequence.sql.From, nest_here: boolean }[]
function Compiler:independent_ctes(list)
  for _, item in ipairs(list) do
    if item.nest_here and not item.cte.nesting then
      self.nested_here = self.nested_here or {}
      self.nested_here[item.cte] = true
    end
    self:cte(item.cte)
  end
end

-- ---- SELECT -------------------------------------------------------------------------------------

local ROOT = { correlate = NOTHING, from = NOTHING }

local function write_from(c, list)
  local buffer = c.buffer
  buffer[#buffer + 1] = " \nFROM "
  for position = 1, #list do
    if position > 1 then buffer[#buffer + 1] = ", " end
    c:from(list[position])
  end
end

---Tables whose names stand also for one with a schema are aliased, so that the columns stay unambiguous.
local function note_ambiguous(from, found)
  local kind = from.kind
  if kind == "join" then
    return note_ambiguous(from.right, note_ambiguous(from.left, found))
  elseif kind == "from_grouping" then
    return note_ambiguous(from.element, found)
  elseif kind == "table" and from.schema and not (found and found[from.name]) then
    found = found or {}
    found[from.name] = { base = from.name }
  end
  return found
end

local function ambiguous_names(list)
  local found = false
  for position = 1, #list do found = note_ambiguous(list[position], found) end
  return found
end

local function select_body(c, statement, list, inside)
  local buffer, more = c.buffer, statement.more
  buffer[#buffer + 1] = "SELECT "
  if more.ctes then c:independent_ctes(more.ctes) end
  if more.prefixes then buffer[#buffer + 1] = c:texts(more.prefixes) end
  if more.distinct then
    if more.distinct_on then
      if c.sqlite then
        fault.raise("SQLite has no DISTINCT ON", "use a window: func.row_number():over{ partition_by = … }")
      end
      buffer[#buffer + 1] = "DISTINCT ON ("
      c:visit_list(more.distinct_on, ", ")
      buffer[#buffer + 1] = ") "
    else
      buffer[#buffer + 1] = "DISTINCT "
    end
  end
  local columns = statement:result_columns()
  if #columns == 0 then
    buffer[#buffer] = buffer[#buffer]:gsub("%s+$", "")
  else
    c:result_columns(columns, more.label_style, inside)
  end
  if #list > 0 then write_from(c, list) end
  if statement.criteria then write_conditions(c, " \nWHERE ", statement.criteria) end
  if #list > 1 and c.lint then linter.check(c, statement, list) end
  if statement.grouping then
    buffer[#buffer + 1] = " GROUP BY "
    c:visit_list(statement.grouping, ", ")
  end
  if statement.filtering then write_conditions(c, " \nHAVING ", statement.filtering) end
  if statement.ordering then
    buffer[#buffer + 1] = " ORDER BY "
    c:visit_order(statement.ordering)
  end
  if statement.limiting or statement.skipping or statement.fetching then write_limit(c, statement) end
  if more.for_update then write_for_update(c, more.for_update) end
  if more.hints then write_hints(c, more.hints) end
end

---@param c mainsequence.sql.Compiler
---@param statement mainsequence.sql.Select
---@param place { inside: boolean?, lateral: boolean?, compound: integer?, into: boolean? }?
visitors.select = function(c, statement, place)
  place = place or NOTHING
  local stack = c.stack
  local depth = #stack
  local entry = stack[depth] or ROOT
  local more = statement.more
  if more.parameters then c:set_parameters(more.parameters) end
  local list
  if depth == 0 then
    list = froms.of_select(statement)
  elseif place.inside and not place.lateral then
    local explicit = {}
    for from in next, entry.correlate do
      if not entry.from[from] then explicit[from] = true end
    end
    list = froms.displayed(statement, explicit, NOTHING)
  else
    list = froms.displayed(statement, entry.correlate, entry.from)
  end
  local own = froms.set_of(list)
  stack[depth + 1] = { from = own, correlate = depth == 0 and own or froms.set_of(list, entry.correlate),
    statement = statement, froms = list }
  local outer_ambiguous, outer_label = c.ambiguous, c.label_shown
  local outer_include = c.include_table
  c.ambiguous, c.label_shown, c.include_table = ambiguous_names(list), false, true
  local outer_buffer = c.buffer
  c.buffer = {}
  select_body(c, statement, list, place.inside or false)
  local buffer = c.buffer
  c.buffer = outer_buffer
  if (depth == 0 or not (place.compound or place.into)) then c:write_ctes(depth + 1, false) end
  if depth == 0 and #outer_buffer == 0 then
    c.buffer = buffer
  else
    table.move(buffer, 1, #buffer, #outer_buffer + 1, outer_buffer)
  end
  if more.suffixes then c.buffer[#c.buffer + 1] = " " .. c:texts(more.suffixes) end
  c.ambiguous, c.label_shown, c.include_table = outer_ambiguous, outer_label, outer_include
  stack[depth + 1] = nil
end

visitors.text_select = function(c, statement)
  local stack = c.stack
  stack[#stack + 1] = { from = NOTHING, correlate = NOTHING, statement = statement, froms = NOTHING }
  if statement.more.ctes then c:independent_ctes(statement.more.ctes) end
  local text = c:capture(c.visit, statement.element)
  c:write_ctes(#stack, false)
  c.buffer[#c.buffer + 1] = text
  stack[#stack] = nil
end

-- ---- Set operations -----------------------------------------------------------------------------

local function check_counts(statement)
  local expected
  for position, item in ipairs(statement.selects) do
    local count = #item.statement:result_columns()
    expected = expected or count
    if count ~= expected then
      fault.raise(("select %d of a set operation has %d columns, the first has %d"):format(position, count, expected))
    end
  end
end

local function compound_body(c, statement, place)
  local buffer, more = c.buffer, statement.more
  if more.ctes then c:independent_ctes(more.ctes) end
  for position, item in ipairs(statement.selects) do
    if position > 1 then buffer[#buffer + 1] = " " .. statement.keyword .. " " end
    -- SQLite takes no parentheses there
    local wrap = item.parentheses
    if wrap and c.sqlite then
      fault.raise("SQLite takes no ORDER BY, LIMIT or set operation inside a member of a set operation",
        "select from it: sql.select(member:subquery())")
    end
    if wrap then buffer[#buffer + 1] = "(" end
    c.visitors[item.statement.kind](c, item.statement, { inside = place.inside, compound = not wrap and position or nil })
    if wrap then buffer[#buffer + 1] = ")" end
  end
  local outer_include = c.include_table
  c.include_table = false
  if statement.grouping then
    buffer[#buffer + 1] = " GROUP BY "
    c:visit_list(statement.grouping, ", ")
  end
  if statement.ordering then
    buffer[#buffer + 1] = " ORDER BY "
    c:visit_order(statement.ordering)
  end
  write_limit(c, statement)
  c.include_table = outer_include
end

visitors.compound = function(c, statement, place)
  place = place or NOTHING
  check_counts(statement)
  local stack = c.stack
  local depth = #stack
  local entry = stack[depth] or ROOT
  if statement.more.parameters then c:set_parameters(statement.more.parameters) end
  stack[depth + 1] = { from = entry.from, correlate = entry.correlate, statement = statement, froms = NOTHING }
  local outer = c.buffer
  c.buffer = {}
  compound_body(c, statement, place)
  local buffer = c.buffer
  c.buffer = outer
  c:write_ctes(depth + 1, true)
  table.move(buffer, 1, #buffer, #outer + 1, outer)
  stack[depth + 1] = nil
end

---A SELECT in parentheses where a value stands.
visitors.scalar_subquery = function(c, element)
  local buffer = c.buffer
  buffer[#buffer + 1] = "("
  c.visitors[element.statement.kind](c, element.statement, NOTHING)
  buffer = c.buffer
  buffer[#buffer + 1] = ")"
end

-- ---- Labels in ORDER BY -------------------------------------------------------------------------

---Names that ORDER BY can use, as SQLAlchemy finds them: of selected columns, then of all columns of FROM.
local function resolvable(c)
  local entry = c.stack[#c.stack]
  if not entry or not entry.statement then return NOTHING, NOTHING end
  if entry.resolvable then return entry.resolvable, entry.selected end
  local all, selected = {}, {}
  local statement = entry.statement
  if statement.kind == "compound" then
    for _, column in ipairs(statement:proxies_for(selectable.new { kind = "subquery", element = statement })) do
      if type(column.key) == "string" then all[column.key], selected[column.key] = column, column end
    end
  elseif statement.kind == "select" then
    for _, element in ipairs(statement:result_columns()) do
      local name = element.kind ~= "text" and (naming.qualified(element) or element.key)
      if type(name) == "table" then name = name.text or name end
      if name then all[name], selected[name] = element, element end
    end
    for _, from in ipairs(froms.of_select(statement)) do
      for _, column in ipairs(from.kind ~= "text" and selectable.list_of(from.c) or NOTHING) do
        -- of two tables with such a column, the later one counts
        if column.key and not selected[column.key] then all[column.key] = column end
      end
    end
  end
  entry.resolvable, entry.selected = all, selected
  return all, selected
end

visitors.label_reference = function(c, element)
  local label = element.label_element
  local _, selected = resolvable(c)
  local found = selected[label.name]
  local outer = c.label_shown
  if found then
    local lineage, known = selectable.lineage(found), false
    for other in next, selectable.lineage(label) do known = known or lineage[other] end
    if known or rawequal(found, label) then c.label_shown = label end
  end
  c:visit(element.element)
  c.label_shown = outer
end

visitors.label_name = function(c, element)
  local all = resolvable(c)
  local found = all[element.name]
  if not found then
    local names = {}
    for name in next, all do
      if type(name) == "string" then names[#names + 1] = name end
    end
    table.sort(names)
    fault.raise(("ORDER BY, GROUP BY: '%s' is no label and no column of the statement"):format(element.name),
      fault.did_you_mean(element.name, names) or ("SQL is written sql.text(%q)"):format(element.name))
  end
  local outer = c.label_shown
  c.label_shown = found
  c:visit(found)
  c.label_shown = outer
end

compiler.write_conditions = write_conditions

return compiler
