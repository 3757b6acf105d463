-- What the expression language must know of a type: its family, the type of `a op b`, the cast a bound
-- value carries, and the wire's name of temporal types. A type is resolved once and then compared by
-- identity; `schema.types` descriptions ({ name, args }) are accepted everywhere.

local core = require("mainsequence.core")
local fault = require("mainsequence.sql.fault")

local M = {}

---@class mainsequence.sql.Type
---@field name string SQLAlchemy's name, e.g. "String"
---@field args table
---@field affinity string the family, e.g. "Integer" for SmallInteger
---@field concatenable boolean `+` between two of them concatenates
---@field token string? the wire's name of a temporal type
---@field naive boolean a timestamp without time zone
---@field item mainsequence.sql.Type? element type of arrays
---@field cast boolean a bound value of it carries a cast on PostgreSQL
---@field mark string|false|nil see M.mark
---@field taken table<string, boolean>? kinds of plain values that columns of the type were seen to take

-- family → names of its types
local FAMILIES = {
  Integer = "BIGINT BigInteger INT INTEGER Integer SMALLINT SmallInteger TINYINT",
  Numeric = "DECIMAL DOUBLE DOUBLE_PRECISION Double FLOAT Float NUMERIC Numeric REAL",
  String = "CHAR CITEXT CLOB ENUM Enum NCHAR NVARCHAR PgENUM PgEnum String TEXT Text Unicode UnicodeText VARCHAR",
  Boolean = "BOOLEAN Boolean",
  Date = "DATE Date",
  DateTime = "DATETIME DateTime PgTIMESTAMP PgTimestamp TIMESTAMP",
  Time = "PgTIME PgTime TIME Time",
  Interval = "INTERVAL Interval PgINTERVAL PgInterval",
  JSON = "JSON JSONB PgJSON PgJSONB",
  ARRAY = "ARRAY PgARRAY SaARRAY",
  Uuid = "PgUUID UUID Uuid",
  Binary = "BINARY BLOB BYTEA LargeBinary PickleType VARBINARY",
  Range = "DATEMULTIRANGE DATERANGE INT4MULTIRANGE INT4RANGE INT8MULTIRANGE INT8RANGE NUMMULTIRANGE NUMRANGE "
    .. "TSMULTIRANGE TSRANGE TSTZMULTIRANGE TSTZRANGE",
  Null = "NullType",
}
local AFFINITY = {} ---@type table<string, string>
for family, names in next, FAMILIES do
  for name in names:gmatch("%S+") do AFFINITY[name] = family end
end

local CONCATENABLE = { String = true, JSON = true, ARRAY = true }
local CASTS = { Uuid = true, JSON = true, ARRAY = true, Range = true }
-- Families whose arithmetic looks the other operand's family up.
local ADAPTING = { Integer = true, Numeric = true, Date = true, DateTime = true, Time = true, Interval = true }

local function token_of(affinity, args)
  if affinity == "Date" then return "date" end
  if affinity == "DateTime" and args.timezone then return "timestamp with time zone" end
end

---@return mainsequence.sql.Type
local function build(name, args)
  local affinity = AFFINITY[name] or name
  local item = args.item and M.resolve(args.item) or nil
  return {
    name = name, args = args, affinity = affinity,
    concatenable = CONCATENABLE[affinity] or name == "HSTORE", adapting = ADAPTING[affinity] or false,
    cast = CASTS[affinity] or false, token = token_of(affinity, args),
    naive = affinity == "DateTime" and not args.timezone, item = item, is_type = true,
    json = affinity == "JSON", jsonb = name == "JSONB" or name == "PgJSONB",
  }
end

local resolved = setmetatable({}, { __mode = "k" }) ---@type table<table, mainsequence.sql.Type>
local plain = {} ---@type table<string, mainsequence.sql.Type>

---The type of a name without arguments.
---@param name string
---@return mainsequence.sql.Type
function M.named(name)
  local found = plain[name]
  if not found then
    found = build(name, {})
    plain[name] = found
  end
  return found
end

---@param description any  a type of schema.types (or its constructor), or a resolved type
---@return mainsequence.sql.Type
function M.resolve(description)
  if type(description) == "table" then
    if rawget(description, "is_type") then return description end
    local known = resolved[description]
    if known then return known end
  end
  local given = description
  if type(given) == "function" then given = given {} end
  local name = type(given) == "table" and (rawget(given, "type_name") or rawget(given, "name"))
  if type(name) ~= "string" then
    fault.raise(("a type is expected, got %s"):format(fault.show(description)),
      "write a type of mainsequence.schema, as in types.String { length = 5 }")
  end
  local args = rawget(given, "args") or {}
  local found = next(args) == nil and M.named(name) or build(name, args)
  if type(description) == "table" then resolved[description] = found end
  return found
end

M.null = M.named("NullType")
M.boolean = M.named("Boolean")
M.integer = M.named("Integer")
M.big_integer = M.named("BigInteger")
M.numeric = M.named("Numeric")
M.float = M.named("Float")
M.string = M.named("String")
M.text = M.named("Text")
M.unicode = M.named("Unicode")
M.uuid = M.named("Uuid")
M.date = M.named("Date")
M.time = M.named("Time")
M.interval = M.named("Interval")
M.binary = M.named("LargeBinary")
M.json = M.named("JSON")
M.json_path = M.named("JSONPATH")
-- Results of date arithmetic are DateTime without arguments; what is compared with them carries its own type.
M.date_time = M.named("DateTime")
M.timestamp = build("DateTime", { timezone = true })
M.time_with_zone = build("Time", { timezone = true })
-- A match against a text search query is a boolean that stays as it is when it is negated.
M.match = M.named("MatchType")

---A word that tells the type from others, or nil: types that are declared alike have the same one.
---@param sqltype mainsequence.sql.Type
---@return string?
function M.mark(sqltype)
  if sqltype.mark ~= nil then return sqltype.mark or nil end
  local parts = {}
  for key, value in next, sqltype.args do
    local kind = type(value)
    if key == "item" then
      parts[#parts + 1] = "item=" .. (M.mark(sqltype.item) or "")
    elseif kind == "string" or kind == "number" or kind == "boolean" then
      parts[#parts + 1] = ("%s=%q"):format(key, value)
    else
      parts = nil
      break
    end
  end
  if parts then table.sort(parts) end
  sqltype.mark = parts and not sqltype.types and ("%s(%s);"):format(sqltype.name, table.concat(parts, ",")) or false
  return sqltype.mark or nil
end

---@param item mainsequence.sql.Type
---@return mainsequence.sql.Type
function M.array_of(item)
  local found = item.array
  if not found then
    found = build("ARRAY", { item = item })
    item.array = found
  end
  return found
end

---A row type, of tuple_() and the columns of a table function.
---@param types mainsequence.sql.Type[]
---@return mainsequence.sql.Type
function M.tuple_of(types)
  local tuple = build("TupleType", {})
  tuple.types = types
  return tuple
end

-- [operator][family of left][family of right] → the result's family; "self" is the left type without its
-- arguments. What isn't here has the left type.
local ADAPTATIONS = {
  add = {
    Integer = { Date = "Date", Integer = "self", Numeric = "Numeric" },
    Numeric = { Numeric = "self", Integer = "self" },
    DateTime = { Interval = "self" },
    Date = { Integer = "self", Interval = "DateTime", Time = "DateTime" },
    Time = { Date = "DateTime", Interval = "self" },
    Interval = { Date = "DateTime", Interval = "self", DateTime = "DateTime", Time = "Time" },
  },
  sub = {
    Integer = { Integer = "self", Numeric = "Numeric" },
    Numeric = { Numeric = "self", Integer = "self" },
    DateTime = { Interval = "self", DateTime = "Interval" },
    Date = { Integer = "self", Date = "Integer", Interval = "DateTime", DateTime = "Interval" },
    Time = { Time = "Interval", Interval = "self" },
    Interval = { Interval = "self" },
  },
  mul = {
    Integer = { Interval = "Interval", Integer = "self", Numeric = "Numeric" },
    Numeric = { Interval = "Interval", Numeric = "self", Integer = "self" },
    Interval = { Numeric = "self" },
  },
  truediv = {
    Integer = { Integer = "Numeric", Numeric = "Numeric" },
    Numeric = { Numeric = "self", Integer = "self" },
    Interval = { Numeric = "self" },
  },
  floordiv = { Integer = { Integer = "self", Numeric = "Numeric" } },
}

---The type of `left operator right`.
---@param operator string  name of an arithmetic operator
---@param left mainsequence.sql.Type
---@param right mainsequence.sql.Type
---@return mainsequence.sql.Type
function M.result(operator, left, right)
  if not left.adapting then return left end
  local rules = ADAPTATIONS[operator]
  rules = rules and rules[left.affinity]
  local family = rules and rules[right.affinity]
  if not family then return left end
  if family == "self" then family = left.name end
  if family == right.affinity then return right end
  return family == left.affinity and left or M.named(family)
end

---Whether two types are of one family.
---@param a mainsequence.sql.Type
---@param b mainsequence.sql.Type
---@return boolean
function M.same_family(a, b)
  return a.affinity == b.affinity
end

---The type as the core takes it.
local function describe(sqltype)
  if not sqltype.item then return { name = sqltype.name, args = sqltype.args } end
  local args = {}
  for key, value in next, sqltype.args do args[key] = value end
  args.item = describe(sqltype.item)
  return { name = sqltype.name, args = args }
end

local texts = { postgresql = setmetatable({}, { __mode = "k" }), sqlite = setmetatable({}, { __mode = "k" }) }

---The type as it stands in CAST(… AS type).
---@param dialect string
---@param sqltype mainsequence.sql.Type
---@return string
function M.ddl_text(dialect, sqltype)
  local cache = texts[dialect]
  local text = cache[sqltype]
  if not text then
    if sqltype == M.null then
      fault.raise("a CAST needs a type, and this expression has none", "give one, as in types.Integer {}")
    end
    text = core.type_text(dialect, describe(sqltype))
    cache[sqltype] = text
  end
  return text
end

-- SQLite keeps values as they travel: these are all text there, and a cast to their own name would make
-- numbers of them.
local SQLITE_TEXT = { DateTime = true, Date = true, Time = true, Uuid = true, JSON = true, ARRAY = true, Interval = true }

---The type as it stands in a CAST on SQLite.
---@param sqltype mainsequence.sql.Type
---@return string
function M.sqlite_cast(sqltype)
  if SQLITE_TEXT[sqltype.affinity] or sqltype.affinity == "String" then return "TEXT" end
  if sqltype.affinity == "Boolean" or sqltype.affinity == "Integer" then return "INTEGER" end
  if sqltype.affinity == "Binary" then return "BLOB" end
  return M.ddl_text("sqlite", sqltype)
end

local SQLITE_TOKENS = {
  Uuid = "uuid", DateTime = "timestamp with time zone", Date = "date", Integer = "int64", String = "string",
  Boolean = "bool", JSON = "json", ARRAY = "json", Binary = "blob",
}

---The wire's name of a type for SQLite data sources, where every value is converted by it.
---@param sqltype mainsequence.sql.Type
---@return string?
function M.sqlite_token(sqltype)
  if sqltype.affinity == "Numeric" then
    local exact = sqltype.name == "Numeric" or sqltype.name == "NUMERIC" or sqltype.name == "DECIMAL"
    return exact and "numeric" or "float64"
  end
  return SQLITE_TOKENS[sqltype.affinity]
end

return M
