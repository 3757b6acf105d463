-- Drift: models against the live database and the catalog. Nothing is changed.

local core = require("mainsequence.core")
local database = require("mainsequence.meta_tables.migrations.database")
local registry = require("mainsequence.schema.registry")

local M = {}

---@class mainsequence.Difference
---@field where "database"|"catalog"
---@field code string
---@field object string
---@field name string?
---@field expected any
---@field actual any
---@field message string

---@class mainsequence.DriftReport
---@field clean boolean
---@field tables { model: string, table: string, differences: mainsequence.Difference[] }[]

local CLASSES = { platform_managed = "MetaTable", time_index = "TimeIndexMetaTable" }

---Catalog rows of models by physical name: one request a kind.
---@param session mainsequence.Session
---@param models table[]
---@return table<string, table>|nil rows, mainsequence.Error?
local function catalog_rows(session, models)
  local rows = {}
  for _, kind in ipairs({ "platform_managed", "time_index" }) do
    local names = core.array({})
    for _, model in ipairs(models) do
      local definition = registry.definition(model)
      if definition.kind == kind then names[#names + 1] = definition.tablename end
    end
    if #names > 0 then
      local found, err = session[CLASSES[kind]].filter_by_body { physical_table_name__in = names, limit = #names }
      if not found then return nil, err end
      for _, row in ipairs(found) do rows[row.physical_table_name] = row end
    end
  end
  return rows
end

local function data_source_uid(session, models, rows)
  for _, model in ipairs(models) do
    local definition = registry.definition(model)
    local row = rows[definition.tablename]
    local uid = definition.description.meta.data_source_uid or (row and row.data_source_uid)
    if type(uid) == "string" then return uid end
  end
  local source, err = session.DynamicTableDataSource.session()
  if not source then return nil, err end
  return source.uid
end

---A read-only connection to the data source, with a credential of a few minutes.
local function connect(session, uid, provider)
  local credential, err = session.DynamicTableDataSource.issue_migration_connection(uid, {
    package = provider.package, migration_namespace = provider.migration_namespace, ttl_seconds = 300,
  })
  if not credential then return nil, err end
  return database.connect(credential, { read_only = true })
end

local function add(list, where, differences)
  for _, difference in ipairs(differences) do
    list[#list + 1] = core.object("where", where, "code", difference.code, "object", difference.object,
      "name", difference.name, "expected", difference.expected, "actual", difference.actual, "message", difference.message)
  end
end

local function compare_database(list, connection, declared)
  local actual, err = connection:reflect_table(declared:name(), declared:schema())
  if actual then
    add(list, "database", core.compare_tables(declared, actual, connection:dialect()))
  elseif err.code == "not_found" then
    add(list, "database", { { code = "table_missing", object = "table", name = declared:name(),
      message = ("table '%s' is missing"):format(declared:name()) } })
  else
    return nil, err
  end
  return true
end

local function plain(value)
  if value == core.null then return nil end
  return value
end

local function same_list(left, right)
  left, right = left or {}, right or {}
  if #left ~= #right then return false end
  local seen = {}
  for _, item in ipairs(left) do seen[item] = true end
  for _, item in ipairs(right) do
    if not seen[item] then return false end
  end
  return true
end

-- Words that the catalog keeps of a model. A reserved row carries the physical name until a refresh gives it the
-- model's identifier.
local function compare_words(list, declared, row)
  local meta = declared.meta or {}
  local function differ(field, expected, actual)
    add(list, "catalog", { { code = field .. "_differs", object = "row", name = field, expected = expected, actual = actual,
      message = ("table '%s': the catalog's %s is %s, declared %s"):format(declared.name, field,
        actual == nil and "not set" or core.json_encode(actual, { unicode = true }),
        expected == nil and "as none" or core.json_encode(expected, { unicode = true })) } })
  end
  for _, field in ipairs({ "identifier", "namespace", "description", "cadence" }) do
    local expected, actual = meta[field], plain(row[field])
    if expected ~= actual and not (field == "identifier" and (expected == nil or actual == declared.name)) then
      differ(field, expected, actual)
    end
  end
  local labels = plain(row.labels) or core.array({})
  if not same_list(meta.labels, labels) then differ("labels", meta.labels or core.array({}), labels) end
end

-- The catalog's columns, which it takes from the database when it finalizes, against the declared ones.
local function compare_columns(list, declared, row)
  if plain(row.columns) == nil or #row.columns == 0 then return end
  local columns = core.array({})
  for position, column in ipairs(row.columns) do
    columns[position] = {
      name = column.name, data_type = column.data_type, backend_type = plain(column.backend_type),
      nullable = column.nullable, primary_key = column.primary_key, unique = column.unique,
    }
  end
  local kept = { version = "relational-table.v1", physical = { table_name = row.physical_table_name }, columns = columns }
  add(list, "catalog", core.compare_contracts(declared:contract({ relational = true }), kept))
end

local function compare_catalog(list, declared, row)
  if not row then
    add(list, "catalog", { { code = "row_missing", object = "row", name = declared:name(),
      message = ("table '%s' is not in the catalog"):format(declared:name()) } })
    return
  end
  if row.provisioning_status == "reserved" then
    add(list, "catalog", { { code = "row_reserved", object = "row", name = declared:name(), expected = "active",
      actual = "reserved", message = ("table '%s' is only reserved in the catalog"):format(declared:name()) } })
  end
  compare_words(list, declared:describe(), row)
  compare_columns(list, declared, row)
end

---Compares models with the database and the catalog.
---@param provider mainsequence.migrations.Provider
---@param session mainsequence.Session
---@return mainsequence.DriftReport|nil report, mainsequence.Error?
function M.check(provider, session)
  local models = provider.metatable_models
  local rows, err = catalog_rows(session, models)
  if not rows then return nil, err end
  local uid, uid_error = data_source_uid(session, models, rows)
  if not uid then return nil, uid_error end
  local connection, connection_error = connect(session, uid, provider)
  if not connection then return nil, connection_error end
  local report = core.object("clean", true, "tables", core.array({}))
  for position, model in ipairs(models) do
    local definition = registry.definition(model)
    local declared = registry.table_of(model)
    local differences = core.array({})
    local ok, database_error = compare_database(differences, connection, declared)
    if not ok then
      connection:close()
      return nil, database_error
    end
    compare_catalog(differences, declared, rows[definition.tablename])
    report.clean = report.clean and #differences == 0
    report.tables[position] = core.object("model", definition.class_name, "table", definition.tablename,
      "differences", differences)
  end
  connection:close()
  return report
end

return M
