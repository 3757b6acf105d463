-- The parameters of a compiled statement: names in wire order, values as they travel, types of temporal ones.

local core = require("mainsequence.core")
local compiler = require("mainsequence.sql.compiler")
local fault = require("mainsequence.sql.fault")
local types = require("mainsequence.sql.types")
local values = require("mainsequence.sql.values")

local M = {}

local null, is_value, document = core.null, values.is_value, values.document
local TIMESTAMP = "timestamp with time zone"

-- ---- Ordered objects ----------------------------------------------------------------------------

-- An object of the core keeps its keys in the one table of its metatable; objects may share it.
local SHAPE = getmetatable(core.object())
local KEYS
for field, value in next, SHAPE do
  if type(value) == "table" then KEYS = field end
end

local PAIRS, NEWINDEX, NAME = SHAPE.__pairs, SHAPE.__newindex, SHAPE.__name

---The metatable of objects with these keys, in this order. `methods` and `memory` are for operations.
---@param keys string[]
---@param methods table?
---@param memory table?
---@return table
function M.shape(keys, methods, memory)
  return { [KEYS] = keys, __pairs = PAIRS, __newindex = NEWINDEX, __name = NAME, __index = methods, memory = memory }
end

-- ---- Values -------------------------------------------------------------------------------------

local function refuse(name, message, hint)
  fault.raise(("parameter '%s': %s"):format(name, message), hint)
end

---A date: that of a timestamp is the one written, without conversion.
local function date_of(name, value)
  local text = is_value(value) and (value.text or value.wire) or value
  local date = type(text) == "string" and text:match("^%d%d%d%d%-%d%d%-%d%d")
  if not date or not (text == date or text:sub(11, 11):find("[T ]")) then
    refuse(name, ("a date is expected, got %s"):format(fault.show(value)), "sql.date(\"2026-05-28\")")
  end
  return date
end

local function timestamp_of(name, value)
  if is_value(value) and value.kind == "timestamp" then return value.wire end
  local text = is_value(value) and value.wire or value
  local canonical = type(text) == "string" and text:find("[Zz+-][%d:]*$", 12) and core.normalize_time(text)
  if not canonical then
    refuse(name, ("%s has no time and offset"):format(fault.show(is_value(value) and value.wire or value)),
      "a timestamp is sql.timestamp(\"2026-05-28T12:30:00Z\") or a text that ends in Z or +HH:MM")
  end
  return (canonical:gsub("%.000000Z$", "Z"))
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local out = {}
  for position = 1, #text, 3 do
    local a, b, c = text:byte(position, position + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    for shift = 18, 0, -6 do
      local index = bits >> shift & 63
      out[#out + 1] = (shift == 6 and not b or shift == 0 and not c) and "=" or ALPHABET:sub(index + 1, index + 1)
    end
  end
  return table.concat(out)
end

---$.a.b[1]: a path as SQLite writes it.
local function sqlite_path(path)
  local parts = { "$" }
  for position = 1, #path do
    local step = path[position]
    parts[position + 1] = math.type(step) == "integer" and ("[%d]"):format(step) or "." .. core.json_encode(tostring(step))
  end
  return table.concat(parts)
end

local plain_wire

---A value as it travels to a SQLite data source, which converts it by its type: each has one.
local function sqlite_wire(name, value, sqltype)
  if sqltype.naive then return plain_wire(name, value, sqltype) end
  if sqltype == types.json_path and type(value) == "table" and not is_value(value) then return sqlite_path(value), "string" end
  if sqltype.affinity == "Binary" and value ~= null then
    return base64(is_value(value) and value.wire or tostring(value)), "blob"
  end
  local wire, token = plain_wire(name, value, sqltype)
  return wire, token or types.sqlite_token(sqltype)
end

---A value as it travels.
---@param name string
---@param value any
---@param sqltype mainsequence.sql.Type
---@return any wire, string? token
function plain_wire(name, value, sqltype)
  local token = sqltype.token
  if sqltype.naive then
    refuse(name, "timestamps without time zone are not supported", "declare it with types.DateTime { timezone = true }")
  end
  if token then
    if value == nil or value == null or value ~= value then return null, token end
    if token == TIMESTAMP then return timestamp_of(name, value), token end
    return date_of(name, value), token
  end
  local kind = type(value)
  if kind == "string" or kind == "boolean" then
    if sqltype.name == "Interval" then
      refuse(name, "an interval cannot be a parameter of type Interval",
        "write sql.text(\"interval '1 day'\"), func.make_interval(…), or cast it to types.PgInterval {}")
    end
    return value
  end
  if kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then return null end
    return value
  end
  if kind == "table" then
    if is_value(value) then
      local own = value.kind
      if own == "timestamp" or own == "date" then
        refuse(name, ("it is a %s, and it has no type that says so"):format(own),
          "give it one, as in { type = types.DateTime { timezone = true } }; a name with odd characters loses its type")
      elseif own == "interval" and sqltype.name == "Interval" then
        refuse(name, "an interval cannot be a parameter of type Interval",
          "write sql.text(\"interval '1 day'\") or func.make_interval(…)")
      end
      return value.wire
    end
    if next(value) == nil and sqltype.affinity == "ARRAY" then return core.array({}) end
    return document(value)
  end
  if kind == "nil" then return null end
  return value
end

---A value as it travels to a data source of the dialect, and the wire's name of its type if it needs one.
---@param dialect string
---@param name string
---@param value any
---@param sqltype mainsequence.sql.Type
---@return any wire, string? token
function M.to_wire(dialect, name, value, sqltype)
  if dialect == "sqlite" then return sqlite_wire(name, value, sqltype) end
  return plain_wire(name, value, sqltype)
end

-- ---- A finished statement -----------------------------------------------------------------------

---A statement's text and what its parameters are, apart from their values.
---@class mainsequence.sql.Compiled
---@field sql string
---@field dialect string
---@field names string[] of the parameters, in wire order
---@field shape table metatable of the document of parameters
---@field types mainsequence.sql.Type[] of those that are no members of lists
---@field keys (string|false)[] their names as the user gives values for them, false for those that have none
---@field sources table[]|false what holds their values; then what holds the lists
---@field slots integer[]|false places in the slots of a shape, instead of sources; 0: NULL
---@field lists { key: string|false, first: integer, count: integer, type: mainsequence.sql.Type }[]
---@field binds table<string, mainsequence.sql.Parameter> by name
---@field tables table<table, "read"|"write"> models that the statement touches
---@field models table[]? the same, sorted
---@field unbound boolean it touches a table that is no model
---@field warnings string[]?

---@class mainsequence.sql.Parameter
---@field type mainsequence.sql.Type
---@field unique boolean it has no name of its own
---@field fixed boolean its value is in the text, or decides how long the text is

local function untyped(sqltype)
  return sqltype.token and types.null or sqltype
end

local escape = compiler.escape

---@param c mainsequence.sql.Compiler
---@return mainsequence.sql.Compiled
function M.finish(c)
  local names, parameter_types, keys, sources, lists, count = {}, {}, {}, {}, {}, 0
  local binds, order, known = c.binds, c.order, {}
  for position = 1, #order do
    local raw = order[position]
    local element = binds[raw]
    local fixed = element.expanding or element.literal_execute
    known[raw] = { type = element.type, unique = element.unique, fixed = fixed }
    if not fixed then
      local name = escape(raw)
      count = count + 1
      names[count], keys[count], sources[count] = name, not element.unique and raw, element
      -- a parameter whose name had to be changed loses its type, as it does in the reference
      parameter_types[count] = name ~= raw and not c.sqlite and untyped(element.type) or element.type
    end
  end
  for position, list in ipairs(c.lists or {}) do
    local element, members = list.element, list.names
    lists[position] = { key = not element.unique and element.key, first = #names + 1, count = #members, type = element.type,
      types = list.types }
    sources[count + position] = { value = list.values, source = element, texts = not list.types and element.texts }
    table.move(members, 1, #members, #names + 1, names)
  end
  return {
    sql = table.concat(c.buffer), dialect = c.dialect, names = names, shape = M.shape(names), types = parameter_types,
    keys = keys, sources = sources, slots = false, lists = lists, binds = known, tables = c.tables,
    unbound = c.unbound or false, warnings = c.warnings,
  }
end

local NULL = { value = null }

---The value that a parameter has now: one given by name, or its own.
local function value_of(source, key, given)
  if key and given then
    local value = given[key]
    if value ~= nil then return value end
  end
  return source.callable and source.callable() or rawget(source, "value")
end

---Whether texts of the type travel as they are in a list; of a temporal one, too, as in the reference.
local function takes_texts(sqltype)
  return not sqltype.naive and sqltype.name ~= "Interval"
end

---Adds the values of a list's members. `all_texts`: they are known to be nothing but texts.
local function add_members(compiled, list, members, all_texts, wires, tokens)
  local names, first, sqlite = compiled.names, list.first, compiled.dialect == "sqlite"
  if all_texts and not sqlite and not list.types and takes_texts(list.type) then
    table.move(members, 1, list.count, first, wires)
    return
  end
  local to_wire = sqlite and sqlite_wire or plain_wire
  for offset = 1, list.count do
    local position, value, sqltype = first + offset - 1, members[offset], list.types and list.types[offset] or list.type
    if not sqlite and type(value) == "string" and takes_texts(sqltype) then
      wires[position] = value
    else
      wires[position], tokens[position] = to_wire(names[position], value, sqltype)
    end
  end
end

---The values of a statement as they travel, and the wire's names of their types, by position.
---@param compiled mainsequence.sql.Compiled
---@param slots table[]? of the statement's shape, when the compiled one is another of the same shape
---@param given table<string, any>|false|nil values by name
---@return any[] wires, table<integer, string> tokens
function M.values(compiled, slots, given)
  local to_wire = compiled.dialect == "sqlite" and sqlite_wire or plain_wire
  local names, keys, parameter_types, wires, tokens = compiled.names, compiled.keys, compiled.types, {}, {}
  local sources, places = slots or compiled.sources, slots and compiled.slots
  for position = 1, #keys do
    local source = sources[places and places[position] or position] or NULL
    local value
    if source.plain and not given then value = source.value else value = value_of(source, keys[position], given) end
    local wire, token = to_wire(names[position], value, parameter_types[position])
    wires[position] = wire
    if token then tokens[position] = token end
  end
  local lists = compiled.lists
  for index = 1, #lists do
    local list, place = lists[index], #keys + index
    local source = sources[places and places[place] or place]
    -- what the text was written for just now, or the list of a statement like it
    local members = places and value_of(source, list.key, given) or source.value
    add_members(compiled, list, members, source.texts and rawequal(members, source.value), wires, tokens)
  end
  return wires, tokens
end

local NO_TYPES = M.shape {}

---Parameters and their types as documents.
---@param compiled mainsequence.sql.Compiled
---@param wires any[]
---@param tokens table<integer, string>
---@return table parameters, table parameter_types
function M.documents(compiled, wires, tokens)
  local names, parameters = compiled.names, {}
  for position = 1, #names do parameters[names[position]] = wires[position] end
  setmetatable(parameters, compiled.shape)
  if next(tokens) == nil then return parameters, setmetatable({}, NO_TYPES) end
  local typed, token_of = {}, {}
  for position = 1, #names do
    local token = tokens[position]
    if token then
      typed[#typed + 1] = names[position]
      token_of[names[position]] = token
    end
  end
  return parameters, setmetatable(token_of, M.shape(typed))
end

return M
