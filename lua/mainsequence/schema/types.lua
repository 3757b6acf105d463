-- schema.types.<SQLAlchemy name> { options }: one call declares a type and the column that has it.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local registry = require("mainsequence.schema.registry")
local sqltext = require("mainsequence.schema.sqltext")

local M = {}

-- Arguments that types take, and the types that take them. The core checks their values; the words stand here
-- for its hints, and spec/lua/schema_spec.lua compares them with the core.
local NONE = {}
local LENGTH = { "length" }
local TEXT = { "length", "collation" }
local NUMERIC = { "precision", "scale", "asdecimal" }
local PRECISION = { "precision" }
local ZONED = { "timezone", "precision" }
local ENUM = { "values", "name", "native_enum", "length", "create_constraint", "schema", "inherit_schema", "create_type" }
local ARRAY = { "item", "dimensions", "as_tuple", "zero_indexes" }
local BOOLEAN = { "create_constraint", "name" }
local INTERVAL = { "fields", "precision" }
local BITS = { "length", "varying" }
local UUID = { "as_uuid" }

---Type name → its arguments.
---@type table<string, string[]>
M.arguments = {
  ARRAY = ARRAY, BIGINT = NONE, BINARY = LENGTH, BIT = BITS, BLOB = LENGTH, BOOLEAN = BOOLEAN, BYTEA = LENGTH,
  BigInteger = NONE, Boolean = BOOLEAN, CHAR = TEXT, CIDR = NONE, CITEXT = NONE, CLOB = TEXT, DATE = NONE,
  DATEMULTIRANGE = NONE, DATERANGE = NONE, DATETIME = ZONED, DECIMAL = NUMERIC, DOUBLE = PRECISION,
  DOUBLE_PRECISION = PRECISION, DatabaseType = { "text" }, Date = NONE, DateTime = ZONED, Double = PRECISION, ENUM = ENUM,
  Enum = ENUM, FLOAT = PRECISION, Float = { "precision", "asdecimal" }, HSTORE = NONE, INET = NONE, INT = NONE,
  INT4MULTIRANGE = NONE, INT4RANGE = NONE, INT8MULTIRANGE = NONE, INT8RANGE = NONE, INTEGER = NONE,
  INTERVAL = INTERVAL, Integer = NONE, Interval = { "native", "second_precision", "day_precision" }, JSON = NONE,
  JSONB = NONE, JSONPATH = NONE, LargeBinary = LENGTH, MACADDR = NONE, MACADDR8 = NONE, MONEY = NONE, NCHAR = TEXT,
  NUMERIC = NUMERIC, NUMMULTIRANGE = NONE, NUMRANGE = NONE, NVARCHAR = TEXT, NullType = NONE, Numeric = NUMERIC,
  OID = NONE, PgARRAY = ARRAY, PgBIT = BITS, PgENUM = ENUM, PgEnum = ENUM, PgINTERVAL = INTERVAL, PgInterval = INTERVAL,
  PgJSON = NONE, PgJSONB = NONE, PgTIME = ZONED, PgTIMESTAMP = ZONED, PgTime = ZONED, PgTimestamp = ZONED,
  PgUUID = UUID, PickleType = NONE, REAL = PRECISION, REGCLASS = NONE, REGCONFIG = NONE, SMALLINT = NONE,
  SaARRAY = ARRAY, SmallInteger = NONE, String = TEXT, TEXT = TEXT, TIME = ZONED, TIMESTAMP = ZONED, TINYINT = NONE,
  TSMULTIRANGE = NONE, TSQUERY = NONE, TSRANGE = NONE, TSTZMULTIRANGE = NONE, TSTZRANGE = NONE, TSVECTOR = NONE,
  Text = TEXT, Time = ZONED, UUID = UUID, Unicode = TEXT, UnicodeText = TEXT, Uuid = { "as_uuid", "native_uuid" },
  VARBINARY = LENGTH, VARCHAR = TEXT,
}

local COLUMN_OPTIONS = {
  "primary_key", "nullable", "unique", "index", "default", "onupdate", "server_default", "comment", "info", "label",
  "description", "logical_name", "references", "identity", "computed", "checks", "quote", "name", "column_name",
  "autoincrement", "variant",
}
local REFERENCE_OPTIONS = { "ondelete", "onupdate", "deferrable", "initially", "match", "name", "use_alter" }

local Spec = { __name = "mainsequence.type" }
function Spec:__tostring() return ("types.%s {…}"):format(self.type_name) end

---@class mainsequence.TypeSpec
---@field type_name string
---@field args table
---@field options table column options
---@field place mainsequence.Place?

local constructors = setmetatable({}, { __mode = "k" }) ---@type table<function, string>

---@param value any
---@return boolean
function M.is_spec(value)
  return getmetatable(value) == Spec
end

---Refuses what is no type call, with the word that was forgotten.
---@param value any
---@param what string
---@param place mainsequence.Place?
---@return mainsequence.TypeSpec
function M.expect_spec(value, what, place)
  if M.is_spec(value) then return value end
  if constructors[value] then
    fault.raise(place, ("%s: a type is called with its options"):format(what),
      ("write types.%s {}"):format(constructors[value]))
  end
  if registry.is_column(value) then
    fault.raise(place, ("%s: %s is another model's column"):format(what, registry.column_label(value)),
      "write its type again; a function that takes the model can add the same columns to several")
  end
  fault.raise(place, ("%s: a type is expected, got %s"):format(what, fault.show(value)),
    "write types.String { length = 64 }")
end

local function known_words(type_name)
  local words = {}
  for _, list in ipairs({ M.arguments[type_name], COLUMN_OPTIONS }) do
    for _, word in ipairs(list) do words[#words + 1] = word end
  end
  return words
end

local function split(type_name, options, place)
  local args, column = {}, {}
  local is_argument = {}
  for _, name in ipairs(M.arguments[type_name]) do is_argument[name] = true end
  fault.check_options(place, "types." .. type_name, options, known_words(type_name))
  for key, value in next, options do
    if is_argument[key] then args[key] = value else column[key] = value end
  end
  return args, column
end

local function type_description(spec)
  local description = { name = spec.type_name }
  if next(spec.args) ~= nil then description.args = spec.args end
  if spec.variant then description.variant = spec.variant end
  return description
end

local function nested(value, what, place)
  local spec = M.expect_spec(value, what, place)
  if next(spec.options) ~= nil then
    fault.raise(place, ("%s: only the type counts there, not %s"):format(what, fault.sorted_keys(spec.options)[1]))
  end
  return type_description(spec)
end

local function make(type_name, options, place)
  if options == nil then options = {} end
  if type(options) ~= "table" or #options > 0 then
    local first = type(options) == "table" and options[1] or options
    local argument = M.arguments[type_name][1]
    fault.raise(place, ("types.%s takes a table of named options, got %s"):format(type_name, fault.show(first)),
      argument and ("write types.%s { %s = %s }"):format(type_name, argument,
        type(first) == "number" and tostring(first) or "…") or ("write types.%s {}"):format(type_name))
  end
  local args, column = split(type_name, options, place)
  local spec = setmetatable({ type_name = type_name, args = args, options = column, place = place }, Spec)
  if args.item ~= nil then args.item = nested(args.item, ("types.%s: item"):format(type_name), place) end
  if args.values then args.values = core.array(args.values) end
  if column.variant ~= nil then
    fault.check_options(place, "variant", column.variant, { "postgresql", "sqlite" })
    spec.variant = {}
    for _, dialect in ipairs(fault.sorted_keys(column.variant)) do
      spec.variant[dialect] = nested(column.variant[dialect], "variant." .. dialect, place)
    end
    column.variant = nil
  end
  return spec
end

local by_name = {} ---@type table<string, function>

---types.String { length = 64 } and its like.
---@type table<string, fun(options: mainsequence.ColumnOptions?): mainsequence.TypeSpec>
M.types = setmetatable({}, {
  __name = "mainsequence.types",
  __index = function(_, name)
    if by_name[name] then return by_name[name] end
    if not M.arguments[name] then
      fault.raise(fault.here(1), ("there is no type %s"):format(fault.show(name)),
        fault.did_you_mean(name, fault.sorted_keys(M.arguments)))
    end
    local function constructor(options)
      local spec = make(name, options, fault.here(1))
      return spec
    end
    constructors[constructor] = name
    by_name[name] = constructor
    return constructor
  end,
  __newindex = function()
    fault.raise(fault.here(1), "types cannot be changed")
  end,
})

---Column options, besides the type's own arguments.
---@class mainsequence.ColumnOptions
---@field primary_key boolean?
---@field nullable boolean? default: not primary_key
---@field unique boolean?
---@field index boolean?
---@field default any constant or function that gives the value, on the client's side
---@field onupdate any as default, for updates
---@field server_default string|boolean|mainsequence.SqlText|mainsequence.SqlCall|nil
---@field references table|string|nil a column, "table.column", or { either, ondelete =, onupdate =, deferrable =, … }
---@field name string? physical name when it is not the Lua key (the type's own name for enums and booleans)
---@field column_name string? physical name, for every type
---@field label string?
---@field description string?
---@field logical_name string?
---@field info table?
---@field comment string?
---@field checks table?
---@field identity table|boolean|nil
---@field computed string|table|nil
---@field quote boolean?
---@field autoincrement boolean|string|nil
---@field variant table? { postgresql = type, sqlite = type }
---@field length integer?
---@field collation string?
---@field precision integer?
---@field scale integer?
---@field timezone boolean?
---@field values string[]?
---@field item mainsequence.TypeSpec?
---@field dimensions integer?

-- ---- A column's description --------------------------------------------------------------------

---Where a reference leads: a column, or "[schema.]table.column".
---@param value any
---@param what string
---@param place mainsequence.Place?
---@return string? schema, string table, string column
function M.target(value, what, place)
  if registry.is_column(value) then
    local record = registry.column(value)
    local definition = registry.definition(record.model)
    return registry.effective_schema(definition), definition.tablename, record.name
  end
  if registry.is_model(value) then
    fault.raise(place, ("%s leads to a column, got the model '%s'"):format(what, registry.definition(value).class_name),
      ("name one of its columns, as in %s.uid"):format(registry.definition(value).class_name))
  end
  local head, column
  if type(value) == "string" then head, column = value:match("^(.+)%.([^.]+)$") end
  if not head then
    fault.raise(place, ("%s leads to a column, got %s"):format(what, fault.show(value)),
      "it is a column such as Account.uid, or \"table.column\" for a table that is declared later")
  end
  local schema, name = head:match("^(.+)%.([^.]+)$")
  return schema, name or head, column
end

---Actions and name of a foreign key.
---@param from table
---@param into table
---@return table into
function M.copy_actions(from, into)
  for _, action in ipairs(REFERENCE_OPTIONS) do into[action] = from[action] end
  return into
end
M.REFERENCE_OPTIONS = REFERENCE_OPTIONS

local function foreign_key(value, place)
  local options, target = {}, value
  if type(value) == "table" and not registry.is_column(value) and not registry.is_model(value) then
    target = value[1]
    for key, option in next, value do
      if key ~= 1 then options[key] = option end
    end
    fault.check_options(place, "references", options, REFERENCE_OPTIONS)
  end
  local schema, name, column = M.target(target, "references", place)
  return M.copy_actions(options, {
    referred_schema = schema, referred_table = name, referred_columns = core.array({ column }),
  })
end

-- Constants that a document can hold are told; anything else (a function, an expression) is only known to exist.
local function client_value(value)
  if type(value) == "function" or (type(value) == "table" and not fault.is_data(value)) then return { callable = true } end
  return { value = value }
end

local function column_info(options, place)
  local info
  for _, key in ipairs({ "label", "description", "logical_name" }) do
    if options[key] ~= nil then
      if type(options[key]) ~= "string" then
        fault.raise(place, ("%s must be a string, got %s"):format(key, fault.show(options[key])))
      end
      info = info or {}
      info[key] = options[key]
    end
  end
  if options.info == nil then return info end
  if type(options.info) ~= "table" then
    fault.raise(place, ("info must be a table, got %s"):format(fault.show(options.info)))
  end
  local merged = {}
  for key, value in next, options.info do merged[key] = value end
  for key, value in next, info or {} do
    if merged[key] ~= nil then fault.raise(place, ("%s is given twice: as an option and in info"):format(key)) end
    merged[key] = value
  end
  return next(merged) ~= nil and merged or nil
end

local function computed(value, place)
  if type(value) ~= "table" or sqltext.text_of(value) then return { sqltext = sqltext.sql(value, "computed", place) } end
  fault.check_options(place, "computed", value, { "sqltext", "persisted" })
  return { sqltext = sqltext.sql(value.sqltext, "computed.sqltext", place), persisted = value.persisted }
end

local function checks(value, place)
  if type(value) ~= "table" or sqltext.text_of(value) or value.sqltext then value = { value } end
  local list = core.array({})
  for position, check in ipairs(value) do
    if type(check) == "table" and not sqltext.text_of(check) then
      fault.check_options(place, "a check", check, { "sqltext", "name" })
      list[position] = { sqltext = sqltext.sql(check.sqltext, "checks", place), name = check.name }
    else
      list[position] = { sqltext = sqltext.sql(check, "checks", place) }
    end
  end
  return list
end

---The physical name of a column: its key unless the options say otherwise.
---@param key string
---@param spec mainsequence.TypeSpec
---@return string
function M.column_name(key, spec)
  return spec.options.column_name or spec.options.name or key
end

---A column's part of a table's description (form: mainsequence/schema.h), from its name and a type call.
---Also the meaning of op.Column in revisions.
---@param key string
---@param value mainsequence.TypeSpec
---@param place mainsequence.Place? default: where the type was called
---@return table
function M.column_description(key, value, place)
  local spec = M.expect_spec(value, ("column '%s'"):format(key), place)
  local options = spec.options
  place = spec.place or place
  local name = M.column_name(key, spec)
  local description = {
    name = name, key = key ~= name and key or nil, type = type_description(spec), info = column_info(options, place),
  }
  for _, option in ipairs({ "primary_key", "nullable", "unique", "index", "comment", "quote", "autoincrement" }) do
    description[option] = options[option]
  end
  if options.default ~= nil then description.default = client_value(options.default) end
  if options.onupdate ~= nil then description.onupdate = client_value(options.onupdate) end
  if options.server_default ~= nil then description.server_default = sqltext.server_default(options.server_default, place) end
  if options.references ~= nil then description.foreign_key = foreign_key(options.references, place) end
  if options.computed ~= nil then description.computed = computed(options.computed, place) end
  if options.checks ~= nil then description.checks = checks(options.checks, place) end
  if options.identity == true then description.identity = {} else description.identity = options.identity or nil end
  return description
end

return M
