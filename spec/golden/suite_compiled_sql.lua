-- compiled_sql/cases.json: statements over the tables of tables.json beside it, each with the parts of the
-- compiled-sql.v1 document that the reference makes, or a refusal. The statements are written in Lua in a
-- file of builders (--cases): case id → function(t, sql) return statement end.

local core = require("mainsequence.core")
local schema = require("mainsequence.schema")
local sql = require("mainsequence.sql")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local differences = require("known_differences")
local known_statements = require("known_statements")

local M = {}

local types = schema.types

-- neutral name → type of the front end
local TYPES = {
  uuid = "Uuid", string = "String", text = "Text", numeric = "Numeric", float = "Float", boolean = "Boolean",
  integer = "Integer", bigint = "BigInteger", smallint = "SmallInteger", datetime = "DateTime", date = "Date",
  json = "JSON", jsonb = "JSONB", bytes = "LargeBinary", array = "ARRAY", time = "Time", interval = "Interval",
}

---"lower('N/A')" → func.lower("N/A"); anything else stays text.
local function expression_of(text)
  local name, inside = text:match("^([%w_.]+)%((.*)%)$")
  if not name or inside:find("[(,]") then return sql.literal_column(text) end
  local literal = inside:match("^'(.*)'$")
  if inside == "" then return sql.func[name]() end
  return sql.func[name](literal and literal:gsub("''", "'") or tonumber(inside) or sql.literal_column(inside))
end

local function client_default(neutral)
  if neutral == nil then return nil end
  if neutral.kind == "sql" then return expression_of(neutral.sql) end
  if neutral.kind == "callable" then return function() return 1 end end
  return neutral.value
end

local function plain(object)
  local copy = {}
  for key, value in pairs(object) do copy[key] = value end
  return copy
end

local function declare(metadata, neutral)
  local model = schema.Table(neutral.orm_class or neutral.variable, {
    metadata = metadata, tablename = neutral.name, schema = neutral.schema ~= core.null and neutral.schema or nil,
  })
  local keys = {}
  for _, key in ipairs(neutral.foreign_keys) do keys[key.columns[1]] = key end
  for _, column in ipairs(neutral.columns) do
    local options = {
      primary_key = column.primary_key or nil, nullable = column.nullable, default = client_default(column.default),
      onupdate = client_default(column.onupdate), autoincrement = column.autoincrement,
      server_default = column.server_default and schema.text(column.server_default) or nil,
    }
    for name, value in pairs(column.params) do
      if name == "item_type" then options.item = types[TYPES[value]](plain(column.params.item_params))
      elseif name ~= "item_params" then options[name] = value end
    end
    local key = keys[column.name]
    if key then
      local prefix = key.target_schema ~= core.null and key.target_schema .. "." or ""
      options.references = prefix .. key.target_table .. "." .. key.target_columns[1]
    end
    model[column.name] = types[TYPES[column.type]](options)
  end
  for _, unique in ipairs(neutral.unique_constraints) do
    local columns = {}
    for position, name in ipairs(unique.columns) do columns[position] = model[name] end
    columns[#columns + 1] = { name = unique.name }
    schema.constrain(model, schema.UniqueConstraint(table.unpack(columns)))
  end
  return model
end

---The tables of tables.json, by their names there.
---@param path string of tables.json
---@return table<string, table> models, table document
function M.tables(path)
  local file = assert(io.open(path, "r"))
  local document = assert(core.json_decode(file:read("a")))
  file:close()
  local metadata, models = schema.MetaData {}, {}
  for _, neutral in ipairs(document.tables) do models[neutral.variable] = declare(metadata, neutral) end
  return models, document
end

---@param options { path: string, cases: string? }
function M.prepare(options)
  M.models, M.document = M.tables((options.path:match("^(.*/)") or "") .. "tables.json")
  M.builders = options.cases and assert(loadfile(options.cases))() or require("compiled_sql_cases")
  sql.on_warning(false)
end

---Builds and compiles the statement of a case.
---@param case table
---@return table operation
function M.compile(case)
  return compiled_sql.compile_statement(M.builders[case.id](M.models, sql), {
    operation = case.operation, scope_tables = case.scope_tables, limits = case.limits, dialect = case.dialect,
    paramstyle = case.paramstyle, data_source_uid = M.document.data_source_uid, cartesian_warning = false,
  })
end

---What a refusal of the reference is for us, where a rule says that it is none.
local function instead_of_refusal(case, operation)
  if case.dialect == "sqlite" then return operation.dialect end
  local typed = core.array({})
  for _, name in ipairs(core.keys(operation.statement.parameters)) do
    if operation.statement.parameter_types[name] then typed[#typed + 1] = name end
  end
  return typed
end

function M.run(case, expect)
  if not M.builders[case.id] then error("there is no builder for this case", 0) end
  local ok, operation = pcall(M.compile, case)
  if case.error_type then
    if differences.find("compiled_sql", case, "refusal") then
      if not ok then error(operation, 0) end
      expect(core.null, instead_of_refusal(case, operation), "refusal")
      return
    end
    if ok then error("expected a refusal (" .. tostring(case.error_message) .. "), got " .. core.json_encode(operation), 0) end
    if not core.is_error(operation) then error(operation, 0) end
    return
  end
  if not ok then error(operation, 0) end
  local statement = operation.statement
  expect(case.sql, statement.sql, "sql")
  expect(case.parameters, known_statements.without_orm_class(statement.parameters), "parameters")
  expect(core.array({}), known_statements.orm_classes(statement.parameters), "orm_class keys")
  expect(core.keys(case.parameters), core.keys(statement.parameters), "order of parameters")
  expect(case.parameter_types, statement.parameter_types, "parameter_types")
  expect(case.operation, operation.operation, "operation")
  if case.limits_out then expect(case.limits_out, operation.limits, "limits") end
end

return M
