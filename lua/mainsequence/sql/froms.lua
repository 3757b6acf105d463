-- Which tables a statement reads: the FROM elements inside expressions, joins put together, correlation.

local fault = require("mainsequence.sql.fault")
local selectable = require("mainsequence.sql.selectable")

local M = {}
local From, table_of = selectable.From, selectable.table_of

-- ---- Inside expressions -------------------------------------------------------------------------

---@class mainsequence.sql.FromSet
---@field [integer] mainsequence.sql.From in the order found; a FROM element as key is true

local function add(set, from)
  if not set[from] then
    set[from] = true
    set[#set + 1] = from
  end
end
M.add = add

local walk

local function walk_list(list, set)
  for position = 1, #list do walk(list[position], set) end
end

local function walk_inner(element, set) walk(element.element, set) end

-- kind → what it reads; kinds that aren't here read nothing of their own (binds, texts, subqueries)
local readers = {
  column = function(element, set)
    local owner = element.table
    if owner then add(set, getmetatable(owner) == From and owner or table_of(owner)) end
  end,
  table_valued_column = function(element, set) add(set, element.source) end,
  binary = function(element, set)
    walk(element.left, set)
    walk(element.right, set)
  end,
  list = function(element, set) walk_list(element.clauses, set) end,
  case = function(element, set)
    if element.value then walk(element.value, set) end
    for _, when in ipairs(element.whens) do
      walk(when[1], set)
      walk(when[2], set)
    end
    if element.else_ then walk(element.else_, set) end
  end,
  ["function"] = function(element, set) walk_list(element.arguments, set) end,
  over = function(element, set)
    walk(element.element, set)
    if element.partition then walk_list(element.partition, set) end
    if element.order then walk_list(element.order, set) end
  end,
  within_group = function(element, set)
    walk(element.element, set)
    walk_list(element.order, set)
  end,
  function_filter = function(element, set)
    walk(element.element, set)
    walk(element.criterion, set)
  end,
  aggregate_order_by = function(element, set)
    walk(element.element, set)
    walk_list(element.order, set)
  end,
}
readers.tuple, readers.clause_list, readers.array = readers.list, readers.list, readers.list
for _, kind in ipairs { "grouping", "unary", "modified", "as_boolean", "cast", "type_coerce", "extract", "label" } do
  readers[kind] = walk_inner
end

---Adds the FROM elements that an expression reads.
---@param element mainsequence.sql.Element
---@param set mainsequence.sql.FromSet
function walk(element, set)
  local reader = readers[element.kind]
  if reader then return reader(element, set) end
end
M.walk = walk
M.readers = readers

---Adds what an item of a column list reads: a table itself, a join with all that it joins.
local function walk_item(item, set)
  if getmetatable(item) == From then
    for _, from in ipairs(selectable.collect(item, {})) do add(set, from) end
  else
    walk(item, set)
  end
end
M.walk_item = walk_item

-- ---- Joins --------------------------------------------------------------------------------------

local function contains(from, target)
  if rawequal(from, target) then return true end
  local kind = from.kind
  if kind == "join" then return contains(from.left, target) or contains(from.right, target) end
  return kind == "from_grouping" and contains(from.element, target)
end

---Marks what stands inside a join.
local function hide(join, hidden)
  for _, side in ipairs { join.left, join.right } do
    if side.kind == "from_grouping" then side = side.element end
    hidden[side] = true
    if side.kind == "join" then hide(side, hidden) end
  end
end

local function columns_in(element)
  local set = {}
  walk(element, set)
  return set
end

---Whether all that the ON clause reads is the target or stands inside the candidate.
local function reads_only(wanted, candidate, target)
  for index = 1, #wanted do
    local from = wanted[index]
    if not rawequal(from, target) and not contains(candidate, from) then return false end
  end
  return true
end

---The position of the only candidate that the ON clause links with the target, or nil: the common case.
local function only_left_side(candidates, target, wanted)
  if target.kind == "join" or #wanted == 0 then return nil end
  local found
  for position = 1, #candidates do
    local candidate = candidates[position]
    if not rawequal(candidate, target) and reads_only(wanted, candidate, target) then
      if found then return nil end
      found = position
    end
  end
  return found
end

---Positions of the candidates that the target can be joined to.
local function left_sides(candidates, target, onclause, wanted)
  local positions = {}
  local targets = selectable.collect(target, {})
  for position, candidate in ipairs(candidates) do
    for _, inner in ipairs(targets) do
      local fits = not rawequal(inner, candidate)
      if fits and wanted and #wanted > 0 then
        fits = fits and reads_only(wanted, candidate, inner)
      elseif fits and not onclause then
        fits = selectable.can_join(candidate, inner)
      end
      if fits then
        positions[#positions + 1] = position
        break
      end
    end
  end
  if #positions > 1 then
    local hidden = {}
    for _, candidate in ipairs(candidates) do
      if candidate.kind == "join" then
        hide(candidate, hidden)
      end
    end
    local open = {}
    for _, position in ipairs(positions) do
      if not hidden[candidates[position]] then open[#open + 1] = position end
    end
    positions = open
  end
  if #positions == 0 and onclause then
    for position = 1, #candidates do positions[position] = position end
  end
  return positions
end

---Adds what the columns and the conditions of a select read.
local function walk_select(statement, set)
  local list, criteria = statement.list, statement.criteria
  for position = 1, #list do walk_item(list[position], set) end
  for position = 1, criteria and #criteria or 0 do walk(criteria[position], set) end
  return set
end

---The left side of a join that names none: its position among `candidates`.
local function implicit_left(candidates, entry)
  local wanted = #candidates > 1 and entry.onclause and columns_in(entry.onclause)
  local only = wanted and only_left_side(candidates, entry.right, wanted)
  if only then return only end
  local positions = left_sides(candidates, entry.right, entry.onclause, wanted)
  if #positions > 1 then
    fault.raise(("join: %s can be joined to several of the tables"):format(selectable.describe(entry.right)),
      "say which with select_from(table) or join_from(table, …)")
  elseif #positions == 0 then
    fault.raise(("join: nothing is there to join %s to"):format(selectable.describe(entry.right)),
      "name the left side with select_from(table), and the ON clause when no foreign key gives it")
  end
  return positions[1]
end

---The explicit FROM list of a select, its joins put together, and what the rest reads if that had to be found.
---@param statement mainsequence.sql.Select
---@return mainsequence.sql.From[] sources, mainsequence.sql.FromSet? read
local function sources_of(statement)
  local sources = statement.sources
  if not statement.setup then return sources end
  local read
  sources = table.move(sources, 1, #sources, 1, {})
  for _, entry in ipairs(statement.setup) do
    local left, position = entry.left, nil
    if not left and #sources == 0 then
      read = read or walk_select(statement, {})
      left = read[implicit_left(read, entry)]
    elseif left then
      for index, source in ipairs(sources) do
        if contains(source, left) then position = index end
      end
      if position then left = sources[position] end
    else
      position = implicit_left(sources, entry)
      left = sources[position]
    end
    sources[position or #sources + 1] = selectable.join(left, entry.right, entry.onclause, entry)
  end
  return sources, read
end

---All FROM elements of a select, in order: explicit ones and joins, those of the columns, those of WHERE. What
---stands inside a join is not repeated.
---@param statement mainsequence.sql.Select
---@return mainsequence.sql.From[]
function M.of_select(statement)
  local known = rawget(statement, "froms")
  if known then return known end
  local set = {}
  local sources, read = sources_of(statement)
  for position = 1, #sources do add(set, sources[position]) end
  if read then
    for position = 1, #read do add(set, read[position]) end
  else
    walk_select(statement, set)
  end
  local hidden
  for position = 1, #set do
    local from = set[position]
    if from.kind == "join" then
      hidden = hidden or {}
      hide(from, hidden)
    end
  end
  local froms = {}
  for position = 1, #set do
    if not hidden or not hidden[set[position]] then froms[#froms + 1] = set[position] end
  end
  rawset(statement, "froms", froms)
  return froms
end

-- ---- Correlation --------------------------------------------------------------------------------

local function without(froms, remove)
  local kept = {}
  for _, from in ipairs(froms) do
    if not remove(from) then kept[#kept + 1] = from end
  end
  return kept
end

---What of the FROM list is written, inside statements that read `explicit` (may be correlated by request) and
---`implicit` (are correlated by themselves).
---@param statement mainsequence.sql.Select
---@param explicit table<mainsequence.sql.From, boolean>
---@param implicit table<mainsequence.sql.From, boolean>
---@return mainsequence.sql.From[]
function M.displayed(statement, explicit, implicit)
  local froms = M.of_select(statement)
  local more = statement.more
  if more.correlate and #more.correlate > 0 then
    local wanted = {}
    for _, from in ipairs(more.correlate) do wanted[from] = true end
    froms = without(froms, function(from) return explicit[from] and wanted[from] end)
  end
  if more.correlate_except then
    local kept = {}
    for _, from in ipairs(more.correlate_except) do kept[from] = true end
    froms = without(froms, function(from) return explicit[from] and not kept[from] end)
  end
  if not more.no_auto_correlation and next(implicit) ~= nil and #froms > 1 then
    froms = without(froms, function(from) return implicit[from] end)
    if #froms == 0 then
      fault.raise("all tables of a subquery belong to the enclosing statement, so that it has no FROM of its own",
        "say which with :correlate(tables)")
    end
  end
  return froms
end

---The set of the FROM elements, joins taken apart.
---@param froms mainsequence.sql.From[]
---@param also table<mainsequence.sql.From, boolean>?
---@return table<mainsequence.sql.From, boolean>
function M.set_of(froms, also)
  local set = {}
  if also then
    for from in next, also do set[from] = true end
  end
  for position = 1, #froms do
    local from = froms[position]
    if from.kind == "join" then
      set[from] = true
      hide(from, set)
    else
      set[from.kind == "from_grouping" and from.element or from] = true
    end
  end
  return set
end

return M
