-- Names of result columns: which get a label, which labels the statement has to invent, and what a column
-- is called from outside a subquery.
--
-- A name is a string; { base = } is one that the compiler numbers ("anon_1", "lower_1"), told apart by
-- identity; { text = } is one that it may have to shorten; { enclosing = , base = } hangs a number on another.

local compiler = require("mainsequence.sql.compiler")
local expression = require("mainsequence.sql.expression")
local selectable = require("mainsequence.sql.selectable")

local M = {}

local WRAPPERS = { cast = true, type_coerce = true, as_boolean = true }

---The name that the element has by nature in a result, or nil.
---@param element mainsequence.sql.Element
---@return string|table|nil
local function natural(element)
  local kind = element.kind
  if kind == "column" or kind == "label" or kind == "table_valued_column" then return element.name end
  if kind == "grouping" then return natural(element.element) end
end
M.natural = natural

---The stem of an invented name.
local function stem(element)
  if element.kind == "grouping" then return stem(element.element) end
  return element.name or nil
end

local function anonymous(seed)
  if type(seed) == "table" and not seed.text then return { enclosing = seed, base = "" } end
  return { base = type(seed) == "table" and seed.text or seed or "anon" }
end

---The name that the statement gives the element when it needs one.
---@param element mainsequence.sql.Element
---@return string|table
local function invented(element)
  if WRAPPERS[element.kind] and element.element.kind ~= "text" then
    return natural(element.element) or invented(element.element)
  end
  local found = rawget(element, "anonymous")
  if not found then
    found = anonymous(stem(element))
    rawset(element, "anonymous", found)
  end
  return found
end
M.invented = invented

---"<table>_<column>" and what comes nearest to it.
---@param element mainsequence.sql.Element
---@return string|table|nil
local function qualified(element)
  local kind = element.kind
  if WRAPPERS[kind] then return qualified(element.element) end
  if kind == "label" then return element.name end
  if kind == "grouping" then return qualified(element.element) or invented(element) end
  if kind ~= "column" or element.is_literal then return nil end
  local owner = selectable.of_column(element)
  if not owner or not owner.name then return element.name end
  if type(owner.name) == "table" or type(element.name) == "table" then
    local found = rawget(element, "qualified_name")
    if not found then
      found = { parts = { owner.name, "_", element.name } }
      rawset(element, "qualified_name", found)
    end
    return found
  end
  local prefix = owner.schema and owner.schema:gsub("%.", "_") .. "_" or ""
  local label, counter = prefix .. owner.name .. "_" .. element.name, 0
  local taken = {}
  for _, column in ipairs(selectable.list_of(owner.c)) do taken[column.key] = true end
  local free = label
  while taken[free] do
    counter = counter + 1
    free = label .. "_" .. counter
  end
  return { text = free }
end
M.qualified = qualified

---The key under which a subquery offers the element, or nil.
---@param element mainsequence.sql.Element
---@return string?
local function proxy_key(element)
  if WRAPPERS[element.kind] and element.element.kind ~= "text" then return proxy_key(element.element) end
  local key = element.kind ~= "bind" and element.key or element.kind == "bind" and not element.unique and element.key
  local name = key or natural(element)
  return type(name) == "string" and name or nil
end
M.proxy_key = proxy_key

local function memo(element, key, make)
  local kept = rawget(element, "repeats")
  if not kept then
    kept = {}
    rawset(element, "repeats", kept)
  end
  if not kept[key] then kept[key] = make() end
  return kept[key]
end

---The name of a repeated column: only its place counts, so it has two underscores.
local function repeated_name(element, index, table_qualified)
  local kind = element.kind
  if not table_qualified and WRAPPERS[kind] and natural(element.element) then
    return memo(element, "wrapped", function() return anonymous(natural(element.element) .. "_") end)
  end
  local seed = not table_qualified and stem(element) or qualified(element) or "anon"
  if type(seed) == "table" then seed = seed.text or seed end
  return memo(element, index, function()
    return anonymous(type(seed) == "string" and seed .. "_" or seed)
  end)
end

local function identity(name) return type(name) == "table" and name.text or name end

---Keys of columns as a subquery offers them: unlike ones for columns of one name.
local function key_convention(style)
  local counters, names = {}, {}
  local function numbered(base)
    counters[base] = (counters[base] or 0) + 1
    return base .. "_" .. counters[base]
  end
  return function(element)
    if element.kind == "text" then return nil end
    local name = style == "tablename_plus_col" and identity(qualified(element)) or proxy_key(element)
    if type(name) == "table" then name = proxy_key(element) end
    if style == "none" then return name or "_no_label" end
    if not name then
      if names._no_label then return numbered("_no_label") end
      names._no_label = true
      return "_no_label"
    end
    if names[name] then return numbered(name) end
    names[name] = true
    return name
  end
end

---@class mainsequence.sql.ResultColumn
---@field element mainsequence.sql.Element
---@field label string|table|nil the label it must have
---@field fallback string|table|nil the label it gets where one is needed
---@field key string? how a subquery offers it
---@field repeated boolean

local function renders_label(element)
  if element.kind == "text" then return false end
  return element.kind ~= "column" or element.table ~= false
end

---Names of the columns of a result.
---@param elements mainsequence.sql.Element[]
---@param style string?
---@param number_repeats boolean a column that stands there twice gets a label the second time
---@return mainsequence.sql.ResultColumn[]
function M.result_columns(elements, style, number_repeats)
  local table_qualified, names, result, repeats = style == "tablename_plus_col", {}, {}, 0
  local key_of = key_convention(style)

  local function repeat_label(element)
    repeats = repeats + 1
    return repeated_name(element, repeats, table_qualified)
  end

  ---A label for a column whose name another one has already.
  local function disambiguate(element)
    local label = table_qualified and anonymous(identity(qualified(element))) or invented(element)
    if table_qualified then label = memo(element, "qualified", function() return label end) end
    if number_repeats and names[identity(label)] then return repeat_label(element), true end
    names[identity(label)] = element
    return label, false
  end

  for position, element in ipairs(elements) do
    local label, fallback, repeated, name = nil, nil, false, nil
    if not renders_label(element) then
      name = nil
    elseif style == "none" then
      fallback = natural(element) or invented(element)
    else
      if table_qualified then
        name = qualified(element)
        label = name
      else
        name = natural(element)
      end
      fallback = name
      if name == nil then
        local own = invented(element)
        repeated = names[identity(own)] ~= nil
        names[identity(own)] = element
        label, fallback = nil, repeated and repeat_label(element) or own
      end
    end
    if name ~= nil then
      local known = names[identity(name)]
      if known == nil then
        names[identity(name)] = element
      elseif not rawequal(known, element) then
        label, repeated = disambiguate(element)
        fallback = label
      elseif number_repeats then
        label, repeated = repeat_label(element), true
        fallback = label
      end
    end
    result[position] = { element = element, label = label, fallback = fallback, key = key_of(element), repeated = repeated }
  end
  return result
end

---A name that the statement gives and may shorten: a label is left as the user wrote it.
local function shortened(name)
  return type(name) == "string" and { text = name } or name
end

---The column of `owner` that stands for an element of its statement.
local function proxy(owner, entry)
  local element, name = entry.element, shortened(entry.label)
  if element.kind == "column" or element.kind == "label" or element.kind == "table_valued_column" then
    local own = name or element.name
    if element.kind == "column" and type(own) == "string" and #own > compiler.LONGEST then own = shortened(own) end
    local key = (element.kind == "label" and element.key) or not name and element.key or entry.key
    return selectable.proxy(owner, element, key, own)
  end
  return expression.new {
    kind = "column", table = owner, name = name or shortened(invented(element)), key = entry.key, type = element.type,
    proxies = { element },
  }
end

---The columns that a statement offers as a FROM element.
---@param owner mainsequence.sql.From
---@param elements mainsequence.sql.Element[]
---@param style string?
---@return mainsequence.sql.Element[]
function M.proxies(owner, elements, style)
  local list = {}
  for _, entry in ipairs(M.result_columns(elements, style, false)) do
    if entry.element.kind ~= "text" then list[#list + 1] = proxy(owner, entry) end
  end
  return list
end

return M
