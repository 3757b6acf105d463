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

---The metatable of objects with these keys, in this order.
---@param keys string[]
---@return table
function M.shape(keys)
  return { [KEYS] = keys, __pairs = SHAPE.__pairs, __newindex = SHAPE.__newindex, __name = SHAPE.__name }
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

---@class mainsequence.sql.Compiled
---@field sql string
---@field dialect string
---@field names string[] of the parameters, in wire order
---@field values any[] as they travel
---@field tokens (string|false)[] types of temporal ones
---@field binds table<string, mainsequence.sql.Element> by name
---@field tables table<table, "read"|"write"> models that the statement touches
---@field unbound boolean it touches a table that is no model
---@field warnings string[]?

local function untyped(sqltype)
  return sqltype.token and types.null or sqltype
end

local escape = compiler.escape

---@param c mainsequence.sql.Compiler
---@return mainsequence.sql.Compiled
function M.finish(c)
  local names, wires, tokens, count = {}, {}, {}, 0
  local to_wire = c.sqlite and sqlite_wire or plain_wire
  local binds, order, sqlite = c.binds, c.order, c.sqlite
  for position = 1, #order do
    local raw = order[position]
    local element = binds[raw]
    if not element.expanding and not element.literal_execute then
      local name, sqltype = escape(raw), element.type
      -- a parameter whose name had to be changed loses its type, as it does in the reference
      if name ~= raw and not sqlite then sqltype = untyped(sqltype) end
      local wire, token = to_wire(name, c:value(element, raw), sqltype)
      count = count + 1
      names[count], wires[count], tokens[count] = name, wire, token or false
    end
  end
  local expanded = c.expanded
  for position = 1, expanded and #expanded or 0 do
    local member = expanded[position]
    local sqltype = member.type
    local wire, token
    if sqltype.token and type(member.value) == "string" and not c.sqlite then
      -- texts in a list of temporal values are texts in the reference, too
      wire = member.value
    else
      wire, token = to_wire(member.name, member.value, sqltype)
    end
    count = count + 1
    names[count], wires[count], tokens[count] = member.name, wire, token or false
  end
  return {
    sql = table.concat(c.buffer), dialect = c.dialect, names = names, values = wires, tokens = tokens, binds = binds,
    tables = c.tables, unbound = c.unbound or false, warnings = c.warnings, expanded = c.expanded and true or false,
  }
end

---Parameters and their types as documents.
---@param names string[]
---@param wires any[]
---@param tokens (string|false)[]
---@return table parameters, table parameter_types
function M.documents(names, wires, tokens)
  local parameters, token_names, token_values = {}, nil, {}
  for position = 1, #names do
    local name = names[position]
    parameters[name] = wires[position]
    if tokens[position] then
      token_names = token_names or {}
      token_names[#token_names + 1] = name
      token_values[name] = tokens[position]
    end
  end
  return setmetatable(parameters, M.shape(names)), setmetatable(token_values, M.shape(token_names or {}))
end

return M
