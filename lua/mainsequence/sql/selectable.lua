-- What can stand in FROM: tables, aliases, subqueries, CTEs, joins, VALUES, functions that give rows. All
-- are immutable. The columns of one are its `c`: `alias.c.name`, `alias.c["odd name"]`; sql.columns(x) lists them.

local fault = require("mainsequence.sql.fault")
local registry = require("mainsequence.schema.registry")
local expression = require("mainsequence.sql.expression")
local types = require("mainsequence.sql.types")

local M = {}

---@class mainsequence.sql.From
---@field kind string "table", "alias", "subquery", "cte", "join", "values", …
---@field name string|table|false its name; a table when the statement finds one
---@field c table<string, mainsequence.sql.Element> its columns
local methods = {}
M.methods = methods
local Element = expression.Element

for _, field in ipairs {
  "name", "schema", "model", "element", "recursive", "restates", "cte_alias", "nesting", "prefixes",
  "suffixes", "derived", "derived_types", "method", "seed", "literal_binds", "ordinality", "unnamed", "onclause",
  "left", "right", "isouter", "full", "tuples", "options", "foreign_keys", "primary_key", "joins_implicitly",
  "row_type", "ctes", "facts", "list", "described", "autoincrement", "unnamed", "is_lateral",
} do methods[field] = false end

-- ---- Columns ------------------------------------------------------------------------------------

local LIST, KEYS, OWNER = {}, {}, {}
local Columns = { __name = "mainsequence.sql.Columns" }

function Columns:__index(key)
  local found = rawget(self, KEYS)[key]
  if found then return found end
  local names = {}
  for name in next, rawget(self, KEYS) do names[#names + 1] = tostring(name) end
  table.sort(names)
  fault.raise(("%s has no column '%s'"):format(M.describe(rawget(self, OWNER)), tostring(key)),
    fault.did_you_mean(key, names) or "it has: " .. table.concat(names, ", "))
end
function Columns:__newindex() fault.raise(("the columns of %s cannot be changed"):format(M.describe(rawget(self, OWNER)))) end
function Columns:__pairs()
  local position, list = 0, rawget(self, LIST)
  return function()
    position = position + 1
    if list[position] then return list[position].key, list[position] end
  end
end
function Columns:__len() return #rawget(self, LIST) end

---The key of a column in a join, where its own one could be that of another table, too.
local function join_key(column)
  local owner = M.of_column(column)
  if not owner or type(owner.name) ~= "string" or type(column.key) ~= "string" then return column.key end
  return (owner.schema and owner.schema .. "_" or "") .. owner.name .. "_" .. column.key
end

---A collection of the columns; the first of equal keys is the one found by name.
local function collection(owner, list)
  local keys, joined = {}, owner.kind == "join"
  for position = 1, #list do
    local column = list[position]
    local key = joined and join_key(column) or column.key
    if key and not keys[key] then keys[key] = column end
  end
  return setmetatable({ [LIST] = list, [KEYS] = keys, [OWNER] = owner }, Columns)
end
M.collection = collection

---@param value any
---@return boolean
function M.is_columns(value)
  return getmetatable(value) == Columns
end

---The column of a collection with this key, or nil.
---@param columns table
---@param key any
---@return mainsequence.sql.Element?
function M.by_key(columns, key)
  return columns[KEYS][key]
end

---The columns of a collection, in order.
---@param columns table
---@return mainsequence.sql.Element[]
function M.list_of(columns)
  return rawget(columns, LIST)
end

local builders = {} ---@type table<string, fun(from: mainsequence.sql.From): mainsequence.sql.Element[]>
M.column_builders = builders

local From = { __name = "mainsequence.sql.From" }
M.From = From

function From:__index(key)
  local method = methods[key]
  if method ~= nil then return method end
  if key == "c" or key == "columns" then
    local columns = collection(self, builders[self.kind](self))
    rawset(self, "c", columns)
    rawset(self, "columns", columns)
    return columns
  end
  if key == "column" and self.kind == "function_alias" then return self:column_of() end
  local names = { "c" }
  for name, value in next, methods do
    if type(value) == "function" then names[#names + 1] = name end
  end
  table.sort(names)
  fault.raise(("%s has no method '%s'"):format(M.describe(self), tostring(key)),
    fault.did_you_mean(key, names) or ("columns are found under c: x.c[%q]"):format(tostring(key)))
end

---@param fields table
---@return mainsequence.sql.From
local function new(fields)
  return setmetatable(fields, From)
end
M.new = new

---@param value any
---@return boolean
function M.is_from(value)
  return getmetatable(value) == From
end

---How messages call it.
---@param from mainsequence.sql.From
---@return string
function M.describe(from)
  local name = from.name
  if from.kind == "join" then return "a join" end
  local text = type(name) == "string" and ("'%s'"):format(name) or "without name"
  return (from.kind == "cte" and "CTE " or from.kind:gsub("_", " ") .. " ") .. text
end

---A column of `owner` that stands for `column`.
---@param owner mainsequence.sql.From
---@param column mainsequence.sql.Element
---@param key string?
---@param name string|table|nil
---@return mainsequence.sql.Element
local function proxy(owner, column, key, name)
  return setmetatable({
    kind = "column", table = owner, name = name or column.name, key = key or column.key, type = column.type,
    proxies = { column }, is_literal = column.is_literal and not name, primary_key = column.primary_key,
  }, Element)
end
M.proxy = proxy

-- ---- Tables -------------------------------------------------------------------------------------

local tables = setmetatable({}, { __mode = "k" }) ---@type table<table, mainsequence.sql.From>

---Foreign keys as column names: { columns, schema, table, targets }, in the order of their first column.
local function foreign_keys(description)
  local keys, position = {}, {}
  for index, column in ipairs(description.columns) do position[column.name] = index end
  for index, key in ipairs(description.foreign_keys or {}) do
    keys[index] = { columns = key.columns, schema = key.referred_schema, table = key.referred_table,
      targets = key.referred_columns }
  end
  table.sort(keys, function(a, b) return position[a.columns[1]] < position[b.columns[1]] end)
  return keys
end

---The table of a model. Seals the model.
---@param model table
---@return mainsequence.sql.From
local function table_of(model)
  local found = tables[model]
  if found then return found end
  local definition = registry.definition(model)
  local description = registry.table_of(model):describe()
  found = new {
    kind = "table", model = model, name = definition.tablename, schema = registry.effective_schema(definition) or false,
    list = definition.columns, foreign_keys = foreign_keys(description),
    primary_key = description.primary_key and description.primary_key.columns or {}, described = description.columns,
  }
  tables[model] = found
  return found
end
M.table_of = table_of

builders.table = function(from) return from.list end

---A table that is only a name and some columns: sql.table("t", sql.column("id"), { schema = "s" }).
---@param name string
---@param ... any columns, options last
---@return mainsequence.sql.From
function M.table(name, ...)
  local columns, options = { ... }, {}
  local last = columns[#columns]
  if last ~= nil and not expression.is_element(last) then options = table.remove(columns) end
  if type(options) ~= "table" then fault.raise(("table: a column is expected, got %s"):format(fault.show(options))) end
  fault.check_options("table", options, { "schema" })
  if type(name) ~= "string" then fault.raise(("table: a name is expected, got %s"):format(fault.show(name))) end
  local from = new { kind = "table", name = name, schema = options.schema or false, list = {}, foreign_keys = {},
    primary_key = {} }
  for position, column in ipairs(columns) do
    if not expression.is_element(column) or column.kind ~= "column" then
      fault.raise(("table '%s': sql.column(…) is expected, got %s"):format(name, fault.show(column)))
    end
    from.list[position] = expression.new {
      kind = "column", table = from, name = column.name, key = column.key, type = column.type,
    }
  end
  return from
end

---A column by name alone.
---@param name string
---@param sqltype table?
---@return mainsequence.sql.Element
function M.column(name, sqltype)
  if type(name) ~= "string" then fault.raise(("column: a name is expected, got %s"):format(fault.show(name))) end
  return expression.new { kind = "column", name = name, key = name, type = sqltype and types.resolve(sqltype) or types.null }
end

-- ---- What users hand over -----------------------------------------------------------------------

---The FROM element that a value stands for, or nil: a model, an alias, a subquery, a text.
---@param value any
---@return mainsequence.sql.From|mainsequence.sql.Element|nil
function M.try_from(value)
  local meta = getmetatable(value)
  if meta == From then return value end
  if meta and meta.__sql_from then return meta.__sql_from(value) end
  if type(value) == "table" and registry.is_model(value) then return table_of(value) end
end

---@param value any
---@param clause string
---@return mainsequence.sql.From|mainsequence.sql.Element
function M.from(value, clause)
  local from = M.try_from(value)
  if from then return from end
  if expression.is_element(value) and value.kind == "text" then return value end
  local meta = getmetatable(value)
  if meta and meta.__sql_scalar then
    fault.raise(("%s: a select cannot stand in FROM as it is"):format(clause),
      "name it: select:subquery(\"name\") or :cte(\"name\")")
  end
  fault.raise(("%s: a table, an alias or a subquery is expected, got %s"):format(clause, fault.show(value)),
    type(value) == "string" and ("SQL is written sql.text(%q)"):format(value) or nil)
end

---The FROM element that a column belongs to, or nil.
---@param column mainsequence.sql.Element
---@return mainsequence.sql.From?
function M.of_column(column)
  local owner = column.table
  if not owner or getmetatable(owner) == From then return owner or nil end
  return table_of(owner)
end

-- ---- Aliases ------------------------------------------------------------------------------------

local function anonymous_name(element)
  local name = getmetatable(element) == From and element.kind ~= "join" and element.name
  return { base = type(name) == "string" and name or "anon" }
end

---Any of the named derivations of a FROM element or statement.
---@param kind string
---@param element table
---@param name string?
---@param fields table?
---@return mainsequence.sql.From
function M.derive(kind, element, name, fields)
  if name ~= nil and (type(name) ~= "string" or name == "") then
    fault.raise(("%s: a name is expected, got %s"):format(kind, fault.show(name)))
  end
  local from = fields or {}
  from.kind, from.element, from.name = kind, element, name or from.name or anonymous_name(element)
  return new(from)
end

---The columns of the row that an INSERT could not add: the same for all inserts into the table.
---@param from mainsequence.sql.From
---@return table
function M.excluded(from)
  local excluded = rawget(from, "excluded")
  if not excluded then
    excluded = M.derive("alias", from, "excluded").c
    rawset(from, "excluded", excluded)
  end
  return excluded
end

---Columns of a derivation: those of the element, each standing for the original.
local function derived_columns(from)
  local list = {}
  local element = from.element
  if element.proxies_for then return element:proxies_for(from) end
  local columns = M.list_of(element.c)
  for position = 1, #columns do list[position] = proxy(from, columns[position]) end
  return list
end
for _, kind in ipairs { "alias", "subquery", "cte", "lateral", "tablesample" } do builders[kind] = derived_columns end
methods.proxies_for = false

---FROM element AS name.
---@param name string?
---@return mainsequence.sql.From
function methods:alias(name)
  if self.kind == "cte" then
    return M.derive("cte", self.element, name, { cte_alias = self, recursive = self.recursive, prefixes = self.prefixes,
      suffixes = self.suffixes, nesting = self.nesting })
  end
  return M.derive("alias", self, name)
end

local function adding(name)
  return function(self, ...)
    if self.kind ~= "cte" then fault.raise(("%s is a method of statements and CTEs"):format(name)) end
    local fields = {}
    for key, value in next, self do
      if key ~= "c" and key ~= "columns" then fields[key] = value end
    end
    local field = name == "prefix_with" and "prefixes" or "suffixes"
    fields[field] = M.add_texts(self[field], name, ...)
    -- the columns stay those of the CTE that was given out before
    fields.restates = self.restates or self
    return new(fields)
  end
end
---Texts between AS and the parenthesis: "MATERIALIZED", { dialect = "postgresql" }.
---@type fun(self: mainsequence.sql.From, ...: any): mainsequence.sql.From
methods.prefix_with = adding("prefix_with")
---@type fun(self: mainsequence.sql.From, ...: any): mainsequence.sql.From
methods.suffix_with = adding("suffix_with")

---TABLESAMPLE. `sampling` is a percentage or a function such as sql.func.bernoulli(10).
---@param sampling any
---@param name string?
---@param seed any
---@return mainsequence.sql.From
function methods:tablesample(sampling, name, seed)
  return M.derive("tablesample", self, name, {
    method = sampling, seed = seed ~= nil and expression.expression(seed, "tablesample") or false,
  })
end

---@param name string?
---@return mainsequence.sql.From
function methods:lateral(name)
  return M.derive("lateral", self, name)
end

-- ---- Joins --------------------------------------------------------------------------------------

builders.join = function(from)
  local list = table.move(M.list_of(from.left.c), 1, #from.left.c, 1, {})
  return table.move(M.list_of(from.right.c), 1, #from.right.c, #list + 1, list)
end

---All that a column stands for, itself first.
---@param column mainsequence.sql.Element
---@param found table<mainsequence.sql.Element, boolean>?
---@return table<mainsequence.sql.Element, boolean>
function M.lineage(column, found)
  found = found or {}
  found[column] = true
  for _, source in ipairs(rawget(column, "proxies") or {}) do M.lineage(source, found) end
  return found
end

---The column of a model that a column stands for, and the model's table.
local function base_of(column)
  local owner = M.of_column(column)
  if owner and owner.kind == "table" then return column, owner end
  for _, source in ipairs(rawget(column, "proxies") or {}) do
    local base, base_table = base_of(source)
    if base then return base, base_table end
  end
end

local function corresponding(from, schema, name, column_name)
  for _, column in ipairs(M.list_of(from.c)) do
    local base, owner = base_of(column)
    if base and base.name == column_name and owner.name == name and (owner.schema or nil) == schema then return column end
  end
end

---Adds to `found` the foreign keys of `from` that lead into `target`.
local function scan(from, target, found)
  for _, column in ipairs(M.list_of(from.c)) do
    local base, owner = base_of(column)
    for _, key in ipairs(base and owner.foreign_keys or {}) do
      for position, name in ipairs(key.columns) do
        local referred = name == base.name and corresponding(target, key.schema, key.table, key.targets[position])
        if referred then
          if not found[key] then
            found[key] = {}
            found[#found + 1] = key
          end
          table.insert(found[key], { referred, column })
        end
      end
    end
  end
end

---The foreign keys between two FROM elements; of a join on the left its right side counts first.
local function keys_between(left, right)
  local found = {}
  for _, side in ipairs { left.kind == "join" and left.right or left, left } do
    scan(right, side, found)
    if not rawequal(side, right) then scan(side, right, found) end
    if #found > 0 then break end
  end
  return found
end

---Whether a foreign key joins them.
---@param left mainsequence.sql.From
---@param right mainsequence.sql.From
---@return boolean
function M.can_join(left, right)
  return left.kind ~= "text" and right.kind ~= "text" and #keys_between(left, right) > 0
end

---The ON clause that follows from a foreign key.
---@param left mainsequence.sql.From
---@param right mainsequence.sql.From
---@return mainsequence.sql.Element
local function natural_condition(left, right)
  local found = keys_between(left, right)
  if #found == 0 then
    fault.raise(("no foreign key joins %s and %s"):format(M.describe(left), M.describe(right)), "give the ON clause")
  end
  local conditions, distinct = {}, {}
  for index, key in ipairs(found) do
    local texts = {}
    for position, pair in ipairs(found[key]) do
      texts[position] = ("%p=%p"):format(pair[1], pair[2])
      if index == 1 then conditions[position] = expression.compare(pair[1], expression.operators.eq, pair[2]) end
    end
    distinct[table.concat(texts, ",")] = true
  end
  if next(distinct, next(distinct)) then
    fault.raise(("several foreign keys join %s and %s"):format(M.describe(left), M.describe(right)), "give the ON clause")
  end
  return #conditions == 1 and conditions[1] or expression.conjunction(expression.operators.and_, conditions)
end

---@param left mainsequence.sql.From
---@param right mainsequence.sql.From
---@param onclause any
---@param options { isouter: boolean?, full: boolean? }?
---@return mainsequence.sql.From
function M.join(left, right, onclause, options)
  if right.kind == "join" then right = new { kind = "from_grouping", element = right } end
  local condition
  if onclause == nil then
    condition = natural_condition(left, right)
  else
    condition = expression.grouped(expression.condition(onclause, "join"), expression.operators.as_boolean)
  end
  return new {
    kind = "join", left = left, right = right, onclause = condition,
    isouter = options and options.isouter or false, full = options and options.full or false,
  }
end

builders.from_grouping = function(from) return M.list_of(from.element.c) end

---Splits the arguments of the join methods: the ON clause and the options may each be left out.
---@param clause string
---@param onclause any
---@param options table?
---@return any onclause, table options
function M.join_arguments(clause, onclause, options)
  if options == nil and type(onclause) == "table" and getmetatable(onclause) == nil then
    onclause, options = nil, onclause
  end
  options = options or {}
  fault.check_options(clause, options, { "isouter", "full" })
  return onclause, options
end

---self JOIN target ON onclause; without one, a foreign key gives it.
---@param target any
---@param onclause any
---@param options { isouter: boolean?, full: boolean? }?
---@return mainsequence.sql.From
function methods:join(target, onclause, options)
  onclause, options = M.join_arguments("join", onclause, options)
  return M.join(self, M.from(target, "join"), onclause, options)
end

---@param target any
---@param onclause any
---@param options { full: boolean? }?
---@return mainsequence.sql.From
function methods:outerjoin(target, onclause, options)
  onclause, options = M.join_arguments("outerjoin", onclause, options)
  return M.join(self, M.from(target, "outerjoin"), onclause, { isouter = true, full = options.full })
end

---All FROM elements inside, itself first.
---@param from mainsequence.sql.From
---@param list mainsequence.sql.From[]
---@return mainsequence.sql.From[]
function M.collect(from, list)
  if from.kind == "from_grouping" then return M.collect(from.element, list) end
  list[#list + 1] = from
  if from.kind == "join" then
    M.collect(from.left, list)
    M.collect(from.right, list)
  end
  return list
end

return M
