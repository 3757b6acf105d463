-- Values that Lua has no type for: timestamps, dates, times, intervals, decimals, uuids, bytes, JSON.
-- Each knows its type and what travels for it.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")
local types = require("mainsequence.sql.types")

local M = {}

---@class mainsequence.sql.Value
---@field kind string "timestamp", "date", …
---@field wire any what travels
---@field type mainsequence.sql.Type
---@field text string? as written

local Value = { __name = "mainsequence.sql.Value" }
Value.__index = Value
function Value:__tostring() return type(self.wire) == "table" and core.json_encode(self.wire) or tostring(self.wire) end

local function make(kind, wire, sqltype, text)
  return setmetatable({ kind = kind, wire = wire, type = sqltype, text = text }, Value)
end

---@param value any
---@return boolean
function M.is_value(value)
  return getmetatable(value) == Value
end

---"…:00.000000Z" → "…:00Z": the wire shows a fraction only when there is one.
---@param canonical string
---@return string
local function trimmed(canonical)
  return (canonical:gsub("%.000000Z$", "Z"))
end

---A point in time, with its offset.
---@param when string|number  ISO 8601 with an offset or Z, or seconds since 1970 (os.time())
---@return mainsequence.sql.Value
function M.timestamp(when)
  if type(when) == "number" then
    local microseconds = math.type(when) == "integer" and when * 1000000 or math.floor(when * 1e6 + 0.5)
    local text = trimmed(core.format_time(microseconds // 1))
    return make("timestamp", text, types.timestamp, text)
  end
  if type(when) ~= "string" then
    fault.raise(("timestamp: a text or a number of seconds is expected, got %s"):format(fault.show(when)))
  end
  local canonical, err = core.normalize_time(when)
  if not canonical then
    fault.raise(("timestamp: %s"):format(err.message), "write the time with its offset, as in 2026-05-28T12:30:00Z")
  end
  return make("timestamp", trimmed(canonical), types.timestamp, when)
end

---A calendar date.
---@param text string YYYY-MM-DD
---@return mainsequence.sql.Value
function M.date(text)
  local ok = type(text) == "string" and text:find("^%d%d%d%d%-%d%d%-%d%d$") and core.normalize_time(text .. "T00:00:00Z")
  if not ok then fault.raise(("date: YYYY-MM-DD is expected, got %s"):format(fault.show(text))) end
  return make("date", text, types.date, text)
end

---A time of day.
---@param text string HH:MM[:SS[.ffffff]], with or without an offset
---@return mainsequence.sql.Value
function M.time(text)
  local hours, minutes, rest = (type(text) == "string" and text or ""):match("^(%d%d):(%d%d)(.*)$")
  local seconds, fraction, zone = (rest == "" and ":00" or rest or ""):match("^:(%d%d)(%.?%d*)(.*)$")
  local sound = seconds and tonumber(hours) < 24 and tonumber(minutes) < 60 and tonumber(seconds) < 60
    and fraction ~= "." and #fraction <= 7 and (zone == "" or zone == "Z" or zone:find("^[+-]%d%d:%d%d$"))
  if not sound then fault.raise(("time: HH:MM:SS[.ffffff] is expected, got %s"):format(fault.show(text))) end
  if fraction ~= "" then fraction = fraction .. ("0"):rep(7 - #fraction) end
  local wire = ("%s:%s:%s%s%s"):format(hours, minutes, seconds, fraction == ".000000" and "" or fraction, zone)
  return make("time", wire, zone == "" and types.time or types.time_with_zone, text)
end

local INTERVAL_UNITS = { weeks = 604800, days = 86400, hours = 3600, minutes = 60, seconds = 1, milliseconds = 0.001 }
local INTERVAL_NAMES = { "weeks", "days", "hours", "minutes", "seconds", "milliseconds" }

---A length of time, as ISO 8601 writes it.
---@param parts { weeks: number?, days: number?, hours: number?, minutes: number?, seconds: number?, milliseconds: number? }
---@return mainsequence.sql.Value
function M.interval(parts)
  if type(parts) ~= "table" then fault.raise(("interval takes a table of units, got %s"):format(fault.show(parts))) end
  fault.check_options("interval", parts, INTERVAL_NAMES)
  local microseconds = 0
  for _, name in ipairs(INTERVAL_NAMES) do
    local amount = parts[name] or 0
    if type(amount) ~= "number" then fault.raise(("interval: %s must be a number"):format(name)) end
    microseconds = microseconds + math.floor(amount * INTERVAL_UNITS[name] * 1e6 + 0.5)
  end
  local sign = microseconds < 0 and "-" or ""
  local rest = math.tointeger(math.abs(microseconds)) or fault.raise("interval: the length is beyond 64 bits")
  local days, hours, minutes = rest // 86400000000, rest // 3600000000 % 24, rest // 60000000 % 60
  local seconds = ("%d.%06d"):format(rest // 1000000 % 60, rest % 1000000):gsub("0+$", ""):gsub("%.$", "")
  local clock = (hours > 0 and hours .. "H" or "") .. (minutes > 0 and minutes .. "M" or "")
    .. (seconds ~= "0" and seconds .. "S" or "")
  if clock == "" and days == 0 then clock = "0S" end
  local wire = sign .. "P" .. (days > 0 and days .. "D" or "") .. (clock ~= "" and "T" .. clock or "")
  return make("interval", wire, types.interval, wire)
end

---A number in decimal notation that keeps all its digits.
---@param text string e.g. "1.50"
---@return mainsequence.sql.Value
function M.decimal(text)
  if math.type(text) == "integer" then text = tostring(text) end
  local digits, exponent = (type(text) == "string" and text or ""):match("^[+-]?([%d.]+)([eE]?[+-]?%d*)$")
  local sound = digits and digits:find("^%d*%.?%d*$") and digits:find("%d")
    and (exponent == "" or exponent:find("^[eE][+-]?%d+$"))
  if not sound then
    fault.raise(("decimal: a number written as text is expected, got %s"):format(fault.show(text)),
      'write sql.decimal("1.50"); a float has lost digits already')
  end
  return make("decimal", text, types.numeric, text)
end

---@param text string
---@return mainsequence.sql.Value
function M.uuid(text)
  local canonical = type(text) == "string" and core.normalize_uuid(text)
  if not canonical then fault.raise(("uuid: %s is no uuid"):format(fault.show(text))) end
  return make("uuid", canonical, types.uuid, text)
end

---Bytes; they travel as UTF-8 text.
---@param text string
---@return mainsequence.sql.Value
function M.bytes(text)
  if type(text) ~= "string" then fault.raise(("bytes: a string is expected, got %s"):format(fault.show(text))) end
  if not utf8.len(text) then
    fault.raise("bytes: the value is not UTF-8, and bytes travel as text", "encode it, and decode it in the statement: "
      .. 'sql.func.decode(hex, "hex")')
  end
  return make("bytes", text, types.binary, text)
end

---A document: a table with keys 1..n is an array, with string keys an object; `sql.null` is null.
---@param value any
---@return mainsequence.sql.Value
function M.json(value)
  return make("json", M.document(value), types.null)
end

---A table as it travels inside a document: values of ours become their wire form.
---@param value any
---@return any
function M.document(value)
  if type(value) ~= "table" then
    if type(value) == "number" and (value ~= value or value == math.huge or value == -math.huge) then return core.null end
    return value
  end
  if getmetatable(value) == Value then return value.wire end
  if core.is_array(value) or rawlen(value) > 0 then
    local list = core.array({})
    for position = 1, #value do list[position] = M.document(value[position]) end
    return list
  end
  local object = core.object()
  for _, key in ipairs(core.keys(value)) do object[key] = M.document(value[key]) end
  return object
end

---The type that a plain Lua value has on its own.
---@param value any
---@return mainsequence.sql.Type
function M.type_of(value)
  local kind = type(value)
  if kind == "string" then return types.string end
  if kind == "number" then return math.type(value) == "integer" and types.integer or types.float end
  if kind == "boolean" then return types.boolean end
  if kind == "table" and getmetatable(value) == Value then return value.type end
  return types.null
end

---The type of a value that is compared with, or added to, something of `other`.
---@param other mainsequence.sql.Type
---@param value any
---@return mainsequence.sql.Type
function M.compared_type(other, value)
  local own = M.type_of(value)
  if own.affinity == other.affinity or own == types.null then return other end
  -- uuids and bytes are mostly written as text
  if own == types.string and (other.affinity == "Uuid" or other.affinity == "Binary") then return other end
  return own
end

return M
