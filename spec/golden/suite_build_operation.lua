-- compiled_sql/build_operation.json: {id, entry, args, session_data_source?} → the wire document, or a refusal.
-- `entry` is build_operation, or MetaTableCompiledSQLOperation for whole documents. Arguments may hold tagged
-- values: $date $datetime $time $timedelta_seconds $uuid $decimal $bytes_hex $float $tuple.

local core = require("mainsequence.core")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local differences = require("known_differences")
local known_statements = require("known_statements")
local sql = require("mainsequence.sql")

local M = {}

local FLOATS = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }
local untag

local TAGS = {
  ["$date"] = sql.date, ["$datetime"] = sql.timestamp, ["$time"] = sql.time, ["$uuid"] = sql.uuid,
  ["$decimal"] = sql.decimal,
  ["$timedelta_seconds"] = function(seconds) return sql.interval { seconds = seconds } end,
  ["$bytes_hex"] = function(hex)
    return sql.bytes((hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)))
  end,
  ["$float"] = function(text) return FLOATS[text] or tonumber(text) end,
  ["$tuple"] = function(list) return untag(list) end,
}

---The value with its tagged parts made what they stand for.
---@param value any
---@return any
function untag(value)
  if type(value) ~= "table" then return value end
  local keys = core.keys(value)
  if #keys == 1 and TAGS[keys[1]] then return TAGS[keys[1]](value[keys[1]]) end
  if core.is_array(value) then
    local list = core.array({})
    for position, item in ipairs(value) do list[position] = untag(item) end
    return list
  end
  local object = core.object()
  for _, key in ipairs(keys) do object[key] = untag(value[key]) end
  return object
end

---A whole document is JSON already: its temporal values are texts.
local function as_text(value)
  if type(value) ~= "table" then return value end
  if getmetatable(value) == getmetatable(sql.date("2026-01-01")) then return value.text or value.wire end
  for key, item in next, value do rawset(value, key, as_text(item)) end
  return value
end

local function build(case)
  local args = untag(case.args)
  if case.entry ~= "build_operation" then return core.validate_operation(as_text(args)) end
  local options, real = {}, compiled_sql.session_data_source
  for _, key in ipairs(core.keys(args)) do options[key] = args[key] end
  if case.session_data_source then compiled_sql.session_data_source = function() return case.session_data_source end end
  local ok, operation = pcall(compiled_sql.build_operation, options)
  compiled_sql.session_data_source = real
  if not ok then error(operation, 0) end
  return operation
end

function M.run(case, expect)
  local ok, operation = pcall(build, case)
  if case.error_type then
    local rule = differences.find("build_operation", case, "refusal")
    if not rule then
      if ok then error("expected a refusal (" .. tostring(case.error_message) .. "), got " .. core.json_encode(operation), 0) end
      if not core.is_error(operation) then error(operation, 0) end
      return
    end
  end
  if not ok then error(operation, 0) end
  expect(case.wire or core.null, known_statements.without_orm_class(operation), case.error_type and "refusal" or "wire")
  expect(core.array({}), known_statements.orm_classes(operation), "orm_class keys")
end

return M
