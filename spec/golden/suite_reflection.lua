-- reflection.json: {id, group, dialect, schemas, ddl[], expected[tables], views?}: a database is made by the
-- statements and read back; lists sorted by name, unnamed last. PostgreSQL cases get a database each on a private
-- server; `--dialect sqlite` leaves them out.

local core = require("mainsequence.core")
local postgresql_form = require("reflection_postgresql")

local M = {}

---Sorted by name, unnamed last, those by their columns.
local function sorted(list)
  table.sort(list, function(a, b)
    if (a.name == nil) ~= (b.name == nil) then return a.name ~= nil end
    local left = a.name or table.concat(a.columns or {}, ",")
    local right = b.name or table.concat(b.columns or {}, ",")
    return left < right
  end)
  return core.array(list)
end

local function type_text(dialect, type)
  return type.name == "NullType" and "NULL" or core.type_text(dialect, type)
end

local function columns_of(dialect, described)
  local positions = {}
  for position, name in ipairs(described.primary_key and described.primary_key.columns or {}) do
    positions[name] = position
  end
  local columns = {}
  for position, column in ipairs(described.columns) do
    columns[position] = {
      name = column.name,
      type = type_text(dialect, column.type),
      nullable = column.nullable ~= false,
      primary_key_position = positions[column.name],
      default = column.server_default and column.server_default.text,
      computed = column.computed,
    }
  end
  return core.array(columns)
end

local OPTIONS = { "ondelete", "onupdate", "deferrable", "initially", "match" }

local function foreign_keys_of(described)
  local keys = {}
  for position, key in ipairs(described.foreign_keys or {}) do
    local options
    for _, name in ipairs(OPTIONS) do
      if key[name] ~= nil then
        options = options or {}
        options[name] = key[name]
      end
    end
    keys[position] = {
      name = key.name, columns = key.columns, referred_table = key.referred_table,
      referred_columns = key.referred_columns, options = options,
    }
  end
  return sorted(keys)
end

local function picked(list, ...)
  local out = {}
  for position, item in ipairs(list or {}) do
    local copy = {}
    for _, name in ipairs({ ... }) do copy[name] = item[name] end
    out[position] = copy
  end
  return sorted(out)
end

local function indexes_of(described)
  local indexes = picked(described.indexes, "name", "columns", "expressions", "unique", "sqlite")
  for _, index in ipairs(indexes) do index.unique = index.unique == true end
  return indexes
end

local function table_of(dialect, described)
  local key = described.primary_key
  return {
    name = described.name,
    columns = columns_of(dialect, described),
    primary_key = { name = key and key.name, columns = key and key.columns or core.array({}) },
    foreign_keys = foreign_keys_of(described),
    unique_constraints = picked(described.unique_constraints, "name", "columns"),
    indexes = indexes_of(described),
    check_constraints = picked(described.check_constraints, "name", "sqltext"),
  }
end

local VIEWS = {
  sqlite = "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name",
  postgresql = "SELECT viewname AS name FROM pg_views WHERE schemaname = current_schema() ORDER BY viewname",
}

local function connect(dialect)
  if dialect == "sqlite" then return assert(core.connect("sqlite://")) end
  return assert(core.connect(require("support.postgresql").database()))
end

function M.run(case, expect)
  local connection = connect(case.dialect)
  for _, statement in ipairs(case.ddl) do assert(connection:script(statement)) end
  local tables = {}
  for _, schema in ipairs(case.schemas) do
    for _, reflected in ipairs(assert(connection:reflect(schema ~= "(default)" and schema or nil))) do
      local described = reflected:describe()
      tables[#tables + 1] = case.dialect == "sqlite" and table_of(case.dialect, described)
        or postgresql_form.table_of(described)
    end
  end
  expect(case.expected, sorted(tables), "tables")
  if case.views then
    local rows = assert(connection:execute(VIEWS[case.dialect])).rows
    local names = core.array({})
    for position, row in ipairs(rows) do names[position] = row.name end
    expect(case.views, names, "views")
  end
  connection:close()
end

return M
