-- contracts.json: {id, model, expect}. The neutral model is declared through the public front end
-- (mainsequence.schema, mainsequence.meta_tables), as a user's script would.

local core = require("mainsequence.core")
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local same_facts = require("suite_naming").same_facts

local M = {}

local DATA_SOURCE = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
local VERSION_TABLE = "99999999-9999-4999-8999-999999999999"

-- Positional type arguments of this file → the option names of mainsequence.schema.types.
local NUMBER, ZONED, PRECISION, UUID = { "precision", "scale" }, { "timezone", "precision" }, { "precision" }, { "as_uuid" }
local ARGUMENTS = {
  Numeric = NUMBER, DECIMAL = NUMBER, NUMERIC = NUMBER,
  DateTime = ZONED, DATETIME = ZONED, TIMESTAMP = ZONED, PgTIMESTAMP = ZONED, PgTimestamp = ZONED,
  Time = ZONED, TIME = ZONED, PgTIME = ZONED, PgTime = ZONED,
  Float = PRECISION, FLOAT = PRECISION, Double = PRECISION, DOUBLE = PRECISION, REAL = PRECISION, DOUBLE_PRECISION = PRECISION,
  BIT = { "length", "varying" }, PgBIT = { "length", "varying" }, Uuid = UUID, UUID = UUID, PgUUID = UUID,
  Interval = { "native", "second_precision", "day_precision" }, INTERVAL = { "precision", "fields" },
  PgINTERVAL = { "precision", "fields" }, PgInterval = { "precision", "fields" },
  Boolean = { "create_constraint", "name" }, BOOLEAN = { "create_constraint", "name" },
}

local function type_options(declared)
  local options = {}
  local args = declared.args or {}
  if declared.name:lower():find("enum$") then
    options.name = args[1]
    options.values = core.array({})
    for position = 2, #args do options.values[position - 1] = args[position] end
  elseif declared.name:find("ARRAY$") then
    local item = args[1]
    if type(item) == "string" then item = { name = item } end
    options.item = item and schema.types[item.name](type_options(item)) or schema.types.Integer {}
  else
    local names = ARGUMENTS[declared.name] or { "length" }
    for position = 1, #args do
      local value = args[position]
      if value ~= core.null then options[names[position]] = value end
    end
  end
  return options
end

local ACTIONS = { "ondelete", "onupdate", "deferrable", "initially", "match", "name", "use_alter" }

local function plain(value)
  if value == core.null then return nil end
  return value
end

local function reference(key)
  local references = { key.target }
  for _, action in ipairs(ACTIONS) do references[action] = plain(key[action]) end
  return references
end

local function column(declared)
  local options = type_options(declared.type)
  for _, option in ipairs({ "primary_key", "nullable", "unique", "index", "info", "comment" }) do
    options[option] = plain(declared[option])
  end
  if plain(declared.server_default) ~= nil then
    local default = declared.server_default
    options.server_default = type(default) == "table" and default.text and schema.text(default.text) or default
    if type(default) == "table" and default.func then options.server_default = schema.func[default.func]() end
  end
  if plain(declared.foreign_key) then options.references = reference(declared.foreign_key) end
  return schema.types[declared.type.name](options)
end

local function columns_of(model, names)
  local list = {}
  for position, name in ipairs(names) do list[position] = model[name] end
  return list
end

local function index_options(declared)
  local options = { unique = plain(declared.unique), name = plain(declared.name) }
  for _, dialect in ipairs({ "postgresql", "sqlite" }) do
    options[dialect] = plain(declared[dialect])
  end
  return options
end

local function merged(list, options)
  for key, value in pairs(options) do list[key] = value end
  return list
end

local function constrain(model, neutral)
  for _, declared in ipairs(neutral.unique_constraints or {}) do
    schema.constrain(model, schema.UniqueConstraint(merged(columns_of(model, declared.columns), { name = plain(declared.name) })))
  end
  for _, declared in ipairs(neutral.check_constraints or {}) do
    schema.constrain(model, schema.CheckConstraint(merged({ declared.sqltext }, { name = plain(declared.name) })))
  end
  for _, declared in ipairs(neutral.foreign_keys or {}) do
    local options = {}
    for _, action in ipairs(ACTIONS) do options[action] = plain(declared[action]) end
    schema.constrain(model, schema.ForeignKeyConstraint(columns_of(model, declared.columns), declared.targets or declared.target,
      options))
  end
  for _, declared in ipairs(neutral.indexes or {}) do
    schema.constrain(model, schema.Index(merged(columns_of(model, declared.columns), index_options(declared))))
  end
end

local CONSTRUCTORS = {
  platform_managed = meta_tables.PlatformManagedMetaTable,
  time_index = meta_tables.PlatformTimeIndexMetaTable,
  plain = schema.Table,
}

local function declare(neutral, metadata)
  local options = { metadata = metadata, tablename = neutral.table_name, schema = plain(neutral.schema),
    info = plain(neutral.info), module = neutral.module or "app.models" }
  for key, value in pairs(neutral.meta or {}) do
    if value ~= core.null then options[key] = value end
  end
  local model = CONSTRUCTORS[neutral.kind or "plain"](neutral.class_name or neutral.table_name, options)
  for _, declared in ipairs(neutral.columns) do model[declared.name] = column(declared) end
  constrain(model, neutral)
  -- Sealed here: what is wrong with the declaration must show now, not with the first request.
  schema.describe(model)
  return model
end

local function refused(expected, call, what)
  local ok, result = pcall(call)
  if ok then error(what .. ": expected the error " .. expected.message) end
  local message = core.is_error(result) and result.message or tostring(result)
  -- "SQLAlchemy" and its attribute names are the reference's words for what a Lua model calls options.
  local golden = expected.message:gsub("SQLAlchemy ", ""):gsub("__metatable_namespace__", "namespace"):gsub("[%[%]]", "")
  local same, word = same_facts(golden, message)
  if not same then error(("%s: our message %q lacks %q of %q"):format(what, message, word, golden)) end
end

local function fingerprint_options(kwargs)
  local options = {}
  for key, value in pairs(kwargs) do options[key] = value end
  return options
end

function M.run(case, expect)
  local neutral, golden = case.model, case.expect
  local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
  for _, context in ipairs(neutral.context_tables or {}) do
    declare({ kind = "plain", class_name = context.name, table_name = context.name, schema = context.schema,
      columns = context.columns }, metadata)
  end
  if golden.declare_error then
    return refused(golden.declare_error, function() declare(neutral, metadata) end, "declaration")
  end
  local model = declare(neutral, metadata)
  local frozen = require("mainsequence.schema.registry").table_of(model)
  expect(golden.index_names, M.index_names(frozen), "index_names")

  local requests = {
    registration_request = function()
      return meta_tables.build_registration_request(model, { data_source_uid = DATA_SOURCE })
    end,
    external_registration_request = function()
      local meta = neutral.meta or {}
      return meta_tables.external_registered_registration_request_from_model(model, { data_source_uid = DATA_SOURCE,
        labels = { "x" }, namespace = plain(meta.namespace) == nil and "ext-ns" or nil })
    end,
  }
  for _, what in ipairs({ "registration_request", "external_registration_request" }) do
    if golden[what] then expect(golden[what], requests[what](), what) end
    if golden[what .. "_error"] then refused(golden[what .. "_error"], requests[what], what) end
  end
  if golden.reservation_row and golden.reservation_row.value then
    expect(golden.reservation_row.value, frozen:reservation_row { data_source_uid = DATA_SOURCE, migration_package = "app",
      migration_namespace = "app-ns", alembic_version_meta_table_uid = VERSION_TABLE }, "reservation_row")
  end
  for position, vector in ipairs(golden.fingerprints or {}) do
    local what = "fingerprint " .. position
    local function compute()
      return meta_tables.compute_metatable_contract_hash(model, fingerprint_options(vector.kwargs))
    end
    if vector.error then
      refused(vector.error, compute, what)
    else
      local value, text = compute()
      if text ~= vector.canonical_text then
        error(("%s: canonical text differs\n    expected %s\n    got      %s"):format(what, vector.canonical_text, text))
      end
      expect(vector.value, value, what)
    end
  end
end

---index_names of the golden form: [name, columns, unique], sorted by name.
function M.index_names(frozen)
  local list = core.array({})
  for _, index in ipairs(frozen:describe().indexes or {}) do
    local columns = core.array({})
    for position, element in ipairs(index.columns or index.expressions) do
      columns[position] = type(element) == "table" and (element.column or element.text) or element
    end
    list[#list + 1] = core.array({ index.name, columns, index.unique or false })
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

return M
