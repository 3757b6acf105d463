-- The tables of compiled_sql/tables.json, with the same rows, on a SQLite database and on a PostgreSQL one, and
-- running a compiled statement on either as a TS Manager does: values as they travel are converted by their types.

local core = require("mainsequence.core")
local registry = require("mainsequence.schema.registry")
local sql = require("mainsequence.sql")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")

local M = {}

local SCOPE = { { meta_table_uid = "22222222-2222-4222-8222-222222222222", access = "write" } }

---The operation of a statement; its kind and its scope do not matter here.
---@param statement any
---@param dialect "postgresql"|"sqlite"
---@param values table?
function M.compile(statement, dialect, values)
  return compiled_sql.compile_statement(statement, { operation = "select", scope_tables = SCOPE,
    data_source_uid = SCOPE[1].meta_table_uid, dialect = dialect, cartesian_warning = false, values = values })
end

-- ---- Values in ----------------------------------------------------------------------------------

local function base64_decoded(text)
  local bits, count, bytes = 0, 0, {}
  for character in text:gmatch("[%w+/]") do
    local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bits, count = bits << 6 | (alphabet:find(character, 1, true) - 1), count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(bits >> count & 255)
    end
  end
  return table.concat(bytes)
end

local CONVERSIONS = {
  ["timestamp with time zone"] = function(value) return assert(core.normalize_time(value)) end,
  bool = function(value) return value and 1 or 0 end,
  blob = base64_decoded,
  numeric = function(value) return tonumber(value) end,
  float64 = function(value) return value + 0.0 end,
}

local function as_array(list)
  local parts = {}
  for position, item in ipairs(list) do
    parts[position] = type(item) == "string" and '"' .. item:gsub('["\\]', "\\%0") .. '"' or tostring(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function driver_values(operation)
  local statement, result = operation.statement, {}
  for _, name in ipairs(core.keys(statement.parameters)) do
    local value, token = statement.parameters[name], statement.parameter_types[name]
    local convert = operation.dialect == "sqlite" and CONVERSIONS[token]
    if value ~= core.null and convert and (token ~= "bool" or type(value) == "boolean") then
      value = convert(value)
    elseif type(value) == "table" then
      local array = operation.dialect == "postgresql" and core.is_array(value)
        and statement.sql:find("%(" .. name .. "%)s::%w+%[%]")
      value = array and as_array(value) or core.json_encode(value)
    elseif type(value) == "boolean" and operation.dialect == "sqlite" then
      value = value and 1 or 0
    end
    result[name] = value
  end
  return result
end

---Rows of an operation on a connection; nil and the error when the database refuses it.
function M.execute(connection, operation)
  local values = driver_values(operation)
  local text = operation.statement.sql
  if next(values) == nil then text = text:gsub("%%%%", "%%") return connection:execute(text) end
  return connection:execute(text, values)
end

-- ---- Values out ---------------------------------------------------------------------------------

local function canonical_number(value)
  return ("%.9g"):format(value)
end

---A value as both databases would write it: numbers rounded, booleans as numbers, documents without spaces.
function M.canonical(value)
  if value == nil or value == core.null then return "null" end
  if type(value) == "boolean" then return value and "1" or "0" end
  if type(value) == "number" then return canonical_number(value) end
  if type(value) == "table" then return M.canonical_document(value) end
  local number = tonumber(value)
  if number and value:find("^[-+%d.]") then return canonical_number(number) end
  local time = value:find("^%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d") and core.normalize_time((value:gsub("([+-]%d%d)$", "%1:00")))
  if time then return time end
  if value:find("^[%[{\"]") then
    local document = core.json_decode(value)
    if document ~= nil then return M.canonical(document) end
  end
  return value
end

function M.canonical_document(document)
  local parts = {}
  -- how PostgreSQL's bytes come back
  if document["$bytes"] then return base64_decoded(document["$bytes"]) end
  if core.is_array(document) then
    for position, item in ipairs(document) do parts[position] = M.canonical(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for _, key in ipairs(core.keys(document)) do parts[#parts + 1] = key .. ":" .. M.canonical(document[key]) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

---The rows as texts; in the order of the database if that was asked for, else sorted.
function M.canonical_rows(rows, ordered)
  local texts = {}
  for position, row in ipairs(rows) do
    local cells = {}
    for _, name in ipairs(core.keys(row)) do cells[#cells + 1] = M.canonical(row[name]) end
    texts[position] = table.concat(cells, " | ")
  end
  if not ordered then table.sort(texts) end
  return texts
end

-- ---- Tables and rows ----------------------------------------------------------------------------

local SQLITE_TYPES = { Integer = "INTEGER", BigInteger = "INTEGER", SmallInteger = "INTEGER", Float = "REAL",
  Numeric = "NUMERIC", Boolean = "INTEGER", LargeBinary = "BLOB" }

local function sqlite_table(description)
  local parts, keys = {}, description.primary_key and description.primary_key.columns or {}
  for position, column in ipairs(description.columns) do
    local alone = #keys == 1 and keys[1] == column.name
    parts[position] = core.quote("sqlite", column.name) .. " " .. (SQLITE_TYPES[column.type.name] or "TEXT")
      .. (alone and " PRIMARY KEY" or "")
  end
  if #keys > 1 then
    local names = {}
    for position, name in ipairs(keys) do names[position] = core.quote("sqlite", name) end
    parts[#parts + 1] = "PRIMARY KEY (" .. table.concat(names, ", ") .. ")"
  end
  for _, unique in ipairs(description.unique_constraints or {}) do
    local names = {}
    for position, name in ipairs(unique.columns) do names[position] = core.quote("sqlite", name) end
    parts[#parts + 1] = "UNIQUE (" .. table.concat(names, ", ") .. ")"
  end
  local prefix = description.schema and core.quote("sqlite", description.schema) .. "." or ""
  return ("CREATE TABLE %s%s (%s)"):format(prefix, core.quote("sqlite", description.name), table.concat(parts, ", "))
end

local function uuid(letter) return (("x"):rep(8) .. "-xxxx-4xxx-8xxx-" .. ("x"):rep(12)):gsub("x", letter) end
local U1, U2, U3 = uuid("a"), uuid("b"), uuid("c")

---table → its rows, parents first
local function rows_of(t)
  local stamp = function(day) return sql.timestamp(("2026-05-%02dT12:30:00Z"):format(day)) end
  return {
    { t.account, {
      { uid = U1, name = "x", email = "one@example.com", balance = 1.5, is_active = true, rank = 1, created_at = stamp(28) },
      { uid = U2, name = "alpha", email = sql.null, balance = 20, is_active = false, rank = 5, parent_uid = U1,
        created_at = stamp(1) },
      { uid = U3, name = "Beta", email = "b@example.com", balance = sql.null, is_active = true, rank = sql.null, parent_uid = U1,
        created_at = sql.null },
    } },
    { t.asset, {
      { uid = U1, symbol = "BTC", asset_class = "crypto", account_uid = U1, price = 1.25, quantity = 10,
        listed_on = sql.date("2026-05-28") },
      { uid = U2, symbol = "ETH", asset_class = "crypto", account_uid = U1, price = 9.5, quantity = 3,
        listed_on = sql.date("2026-06-01") },
      { uid = U3, symbol = "x", asset_class = sql.null, account_uid = U2, price = sql.null, quantity = sql.null,
        listed_on = sql.null },
    } },
    { t.holdings_set, {
      { uid = U1, account_uid = U1, time_index = stamp(28) }, { uid = U2, account_uid = U2, time_index = stamp(29) },
    } },
    { t.holding, {
      { time_index = stamp(28), account_uid = U1, asset_identifier = "BTC", holdings_set_uid = U1, is_trade_snapshot = false,
        quantity = 2.5, direction = 1, target_trade_time = sql.null, extra_details = sql.json { k = "v" } },
      { time_index = stamp(29), account_uid = U2, asset_identifier = "ETH", holdings_set_uid = U2, is_trade_snapshot = true,
        quantity = 4, direction = -1, target_trade_time = stamp(30), extra_details = sql.null },
    } },
    { t.price_history, {
      { time_index = stamp(28), asset_uid = U1, open = 1, high = 2, low = 0.5, close = 1.5, volume = 100 },
      { time_index = stamp(29), asset_uid = U1, open = 2, high = 3, low = 1.5, close = 2.5, volume = 50 },
      { time_index = stamp(28), asset_uid = U2, open = 4, high = 5, low = 3.5, close = 4.5, volume = 10 },
    } },
    { t.document, {
      { id = 1, title = "x", body = sql.json { a = { b = 1 }, k = "v" }, attrs = sql.json { a = { b = "c" }, k = "v", n = 5 },
        is_public = true, amount = sql.decimal("1.50"), published_on = sql.date("2026-05-28"), priority = 1,
        payload = sql.bytes("abc") },
      { id = 2, title = "Price", body = sql.null, attrs = sql.json { k = "w" }, is_public = sql.null, amount = sql.null,
        published_on = sql.null, priority = 2, payload = sql.null },
    } },
    { t.currency, { { code = "EUR", name = "Euro", decimals = 2, updated_at = stamp(28), account_uid = U1 },
      { code = "USD", name = "Dollar", decimals = 2, updated_at = sql.null, account_uid = U2 } } },
    { t.order_t, { { id = 1, user = "u", select = 2, ["Mixed Case"] = "x", camelCase = 3, ["pct%"] = 5.5, account_uid = U1 },
      { id = 2, user = "v", select = 9, ["Mixed Case"] = "a%", camelCase = 1, ["pct%"] = 1, account_uid = U2 } } },
    { t.event_log, {
      { id = 1, kind = "a", seq = 1, note = "n", created_at = stamp(28), revision = 1 },
      { id = 2, kind = "b", seq = 2, note = "m", created_at = stamp(29), revision = 1 },
    } },
    { t.wide, { { id = 1, a_really_long_column_name_that_is_close_to_the_identifier_limit = "x",
      another_quite_long_column_name_used_for_truncation_checks = 1 } } },
  }
end

---@class spec.Databases
---@field sqlite mainsequence.Connection
---@field postgresql mainsequence.Connection
local Databases = {}
Databases.__index = Databases

function Databases:connect(dialect)
  if self[dialect] then self[dialect]:close() end
  self[dialect] = assert(core.connect(self.uris[dialect]))
  local ready = dialect == "sqlite" and "ATTACH ':memory:' AS ref_data" or "SET TIME ZONE 'UTC'"
  assert(self[dialect]:script(ready))
end

function Databases:close()
  self.sqlite:close()
  self.postgresql:close()
end

---Runs an operation and takes back what it changed.
---@param operation table
---@param after string? SQL of a select to run when the operation is done
---@return { rows: table[], affected: integer }|nil result, mainsequence.Error|table[]|nil err_or_rows of `after`
function Databases:try(operation, after)
  local connection = self[operation.dialect]
  assert(connection:begin(true))
  local ran, result, err = pcall(M.execute, connection, operation)
  if not ran then result, err = nil, result end
  if not result and operation.dialect == "postgresql" then
    -- a connection that saw an error isn't used again
    self:connect("postgresql")
    return nil, err
  end
  local rows = result and after and assert(connection:execute(after)).rows
  assert(connection:rollback())
  return result, err or rows
end

---Makes the tables and their rows.
---@param t table<string, table> models of tables.json
---@param postgresql_uri string of an empty database
---@return spec.Databases
function M.open(t, postgresql_uri)
  local tables = {}
  for _, model in pairs(t) do tables[#tables + 1] = registry.table_of(model) end
  local databases = setmetatable({ uris = { sqlite = "sqlite://", postgresql = postgresql_uri } }, Databases)
  databases:connect("sqlite")
  databases:connect("postgresql")
  for _, one in ipairs(tables) do assert(databases.sqlite:script(sqlite_table(one:describe()))) end
  assert(databases.postgresql:script("CREATE SCHEMA ref_data"))
  for _, statement in ipairs(core.create_all("postgresql", core.sort_tables(tables))) do
    assert(databases.postgresql:script(statement))
  end
  for _, dialect in ipairs { "sqlite", "postgresql" } do
    for _, entry in ipairs(rows_of(t)) do
      for _, row in ipairs(entry[2]) do
        assert(M.execute(databases[dialect], M.compile(sql.insert(entry[1]):values(row):inline(), dialect)))
      end
    end
  end
  return databases
end

return M
