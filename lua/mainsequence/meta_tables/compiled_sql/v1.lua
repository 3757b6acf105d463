-- compiled-sql.v1: the envelope in which a statement travels to the TS Manager.

local core = require("mainsequence.core")
local compile = require("mainsequence.sql.compile")
local dml = require("mainsequence.sql.dml")
local fault = require("mainsequence.sql.fault")
local parameters = require("mainsequence.sql.parameters")
local registry = require("mainsequence.schema.registry")
local selectable = require("mainsequence.sql.selectable")
local values = require("mainsequence.sql.values")

local M = {}

M.VERSION = "compiled-sql.v1"

-- ---- The default data source --------------------------------------------------------------------

---The data source of the session, for scopes that name none. Replaceable, for hosts with a session of their own.
---@return table? row, mainsequence.Error? err
function M.session_data_source()
  local client, err = core.client()
  if not client then return nil, err end
  local row, failure = client:session_data_source()
  client:close()
  return row, failure
end

local function default_data_source_uid()
  local row, err = M.session_data_source()
  if not row then error(err, 0) end
  if type(row.uid) ~= "string" then
    fault.raise("the data source of the session has no uid", "give scope.data_source_uid")
  end
  return row.uid
end

-- ---- build_operation ----------------------------------------------------------------------------

local function names_a_timestamp(token)
  local known, name = pcall(core.normalize_data_type, token)
  return known and name == "timestamp with time zone"
end

---A parameter as it travels; temporal values need a type.
local function wire(name, value, token, missing)
  if values.is_value(value) then
    local kind = value.kind
    if kind == "timestamp" or kind == "date" then
      if not token then
        missing[#missing + 1] = name
        return value.wire
      end
      if kind == "date" and names_a_timestamp(token) then return value.wire .. "T00:00:00Z" end
      -- the conversion by type sees what was written: a date keeps the day of its zone
      return value.text or value.wire
    end
    return value.wire
  end
  if type(value) == "number" and (value ~= value or value == math.huge or value == -math.huge) then return core.null end
  if value == nil then return core.null end
  return values.document(value)
end

local function wire_parameters(given, types)
  if given == nil or given == core.null then return core.object() end
  if type(given) == "string" then
    local list = core.array({})
    for _, code in utf8.codes(given) do list[#list + 1] = utf8.char(code) end
    return list
  end
  if type(given) ~= "table" or values.is_value(given) then
    fault.raise(("parameters: an object or a list is expected, got %s"):format(fault.show(given)))
  end
  local missing, result = {}
  if core.is_array(given) or #given > 0 then
    result = core.array({})
    for position = 1, #given do
      result[position] = wire(tostring(position - 1), given[position], types[tostring(position - 1)], missing)
    end
  else
    result = core.object()
    for _, name in ipairs(core.keys(given)) do result[name] = wire(name, given[name], types[name], missing) end
  end
  if #missing > 0 then
    table.sort(missing)
    fault.raise(("parameters need a type in parameter_types: %s"):format(table.concat(missing, ", ")),
      "\"date\" or \"timestamp with time zone\"")
  end
  return result
end

local function with_data_source(scope)
  if type(scope) ~= "table" then fault.raise(("scope: a table is expected, got %s"):format(fault.show(scope))) end
  for _, key in ipairs { "data_source_uid", "dataSourceUid" } do
    if scope[key] ~= nil and scope[key] ~= core.null then return scope end
  end
  local copy = core.object("data_source_uid", default_data_source_uid())
  for _, key in ipairs(core.keys(scope)) do
    if key ~= "data_source_uid" and key ~= "dataSourceUid" then copy[key] = scope[key] end
  end
  return copy
end

local OPTIONS = { "operation", "sql", "parameters", "parameter_types", "scope", "scope_tables", "data_source_uid", "limits",
  "dialect", "paramstyle" }

---The scope as given, or of its parts.
local function scope_of(options)
  if options.scope == nil then
    return core.object("data_source_uid", options.data_source_uid, "tables", options.scope_tables or core.array({}))
  end
  if options.scope_tables ~= nil or options.data_source_uid ~= nil then
    fault.raise("build_operation: scope says it all; scope_tables and data_source_uid stand in its place")
  end
  return options.scope
end

---@class mainsequence.BuildOperationOptions
---@field operation "select"|"insert"|"update"|"delete"|"upsert"
---@field sql string with %(name)s placeholders; "%" is doubled
---@field parameters table? by name, or a list
---@field parameter_types table<string, string>? needed for dates and timestamps
---@field scope table? { data_source_uid =, tables = { { meta_table_uid =, access = } } }
---@field scope_tables table[]? its tables, when scope is left out
---@field data_source_uid string? with scope_tables; default: the session's
---@field limits { max_rows: integer?, offset: integer?, statement_timeout_ms: integer? }?
---@field dialect "postgresql"|"sqlite"|nil
---@field paramstyle "pyformat"|nil

---An operation from SQL text: what the TS Manager is asked to run, and on which tables.
---@param options mainsequence.BuildOperationOptions
---@return table operation
function M.build_operation(options)
  if type(options) ~= "table" then fault.raise("build_operation takes a table of options") end
  fault.check_options("build_operation", options, OPTIONS)
  local types = options.parameter_types
  if types == core.null then types = nil end
  local statement = core.object("sql", options.sql, "parameters", wire_parameters(options.parameters, types or {}))
  if types ~= nil then statement.parameter_types = types end
  statement.paramstyle = options.paramstyle or "pyformat"
  return core.validate_operation(core.object(
    "operation", options.operation == nil and core.null or options.operation, "version", M.VERSION,
    "dialect", options.dialect or "postgresql", "statement", statement, "scope", with_data_source(scope_of(options)),
    "limits", options.limits))
end

-- ---- compile_statement --------------------------------------------------------------------------

local STATEMENT = parameters.shape { "sql", "parameters", "parameter_types", "paramstyle" }
local SCOPE = parameters.shape { "data_source_uid", "tables" }
local SCOPE_TABLE = parameters.shape { "meta_table_uid", "access" }
local LIMITS = parameters.shape { "max_rows", "offset", "statement_timeout_ms" }
local OPERATION_KEYS = { "operation", "version", "dialect", "statement", "scope", "limits" }

local Operation = {}

---The model that a statement is about, to know its database before it is compiled.
local function first_model(statement)
  local from = rawget(statement, "target")
  if not from then
    local list = rawget(statement, "list")
    local first = list and list[1] or rawget(statement, "sources") and statement.sources[1]
    if first then
      from = selectable.is_from(first) and first or first.kind == "column" and selectable.of_column(first) or nil
    end
  end
  while from and from.kind ~= "table" do
    from = from.kind == "join" and from.left or selectable.is_from(from.element) and from.element or nil
  end
  return from and from.model or nil
end

local dialects = {} ---@type table<string, string> of data sources, by uid

---The dialect of a data source, asked once.
---@param uid string
---@return string|nil dialect, mainsequence.Error? err
function M.data_source_dialect(uid)
  if not dialects[uid] then
    local source, err = require("mainsequence.client").DynamicTableDataSource.get(uid)
    if not source then return nil, err or core.error {
      code = "not_found", message = ("data source %s is not there"):format(uid), hint = "say which dialect: dialect = \"sqlite\"",
    } end
    dialects[uid] = source.related_resource_class_type == "sqlite" and "sqlite" or "postgresql"
  end
  return dialects[uid]
end

local function dialect_of(statement)
  local model = first_model(statement)
  local row = model and registry.binding(model)
  if not row then return "postgresql" end
  return M.data_source_dialect(row.data_source_uid)
end

---Whether a model's table comes first in a scope.
local function before(a, b)
  local one, other = registry.definition(a), registry.definition(b)
  if one.tablename ~= other.tablename then return one.tablename < other.tablename end
  return one.class_name < other.class_name
end

---@param models table<table, string>
local function refuse_unbound(models)
  local missing = {}
  for model in next, models do
    if not registry.binding(model) then missing[#missing + 1] = registry.definition(model).class_name end
  end
  table.sort(missing)
  fault.raise(("not bound: %s"):format(table.concat(missing, ", ")), "call meta_tables.bind { … } first, or give scope_tables")
end

---@param models table<table, string>
---@return table[]
local function sorted(models)
  local list = {}
  for model in next, models do list[#list + 1] = model end
  table.sort(list, before)
  return list
end

---Scope of the bound models that a statement touches: sorted by table name, so that it is always the same.
local function derived_scope(compiled, data_source_uid)
  if compiled.unbound or next(compiled.tables) == nil then
    fault.raise("scope_tables is needed: the statement reads what is no bound model",
      "give scope_tables = { { meta_table_uid = …, access = \"read\" } }")
  end
  local models, tables, source = compiled.tables, {}, data_source_uid
  compiled.models = compiled.models or sorted(models)
  for position = 1, #compiled.models do
    local model = compiled.models[position]
    local row = registry.binding(model) or refuse_unbound(models)
    if not source then
      source = row.data_source_uid
    elseif row.data_source_uid ~= source and not data_source_uid then
      fault.raise("the models of the statement belong to different data sources", "one statement runs on one data source")
    end
    tables[position] = setmetatable({ meta_table_uid = row.uid, access = models[model] }, SCOPE_TABLE)
  end
  return setmetatable({ data_source_uid = source, tables = setmetatable(tables, core.array_mt) }, SCOPE)
end

local SKELETON_SQL = "SELECT 1"

---Scope and limits as the user gave them, checked.
local function checked(kind, dialect, scope, limits)
  local record = core.validate_operation(core.object(
    "operation", kind, "version", M.VERSION, "dialect", dialect, "statement", core.object("sql", SKELETON_SQL),
    "scope", scope, "limits", limits))
  return record.scope, record.limits, record.operation
end

local KINDS = { select = "select", compound = "select", text_select = "select", update = "update", delete = "delete" }

---What an operation is called: an insert that may update is an upsert.
local function kind_of(statement)
  if dml.is_change(statement) and statement.kind == "insert" then
    return statement.conflict and statement.conflict.set and "upsert" or "insert"
  end
  local kind = KINDS[statement.kind]
  if not kind then fault.raise("operation is needed for a text", "operation = \"select\"") end
  return kind
end

---The operation as a document that remembers what it was compiled from.
---@param compiled mainsequence.sql.Compiled
---@param wires any[]
---@param tokens table<integer, string>
---@param memory table what Operation:with needs: statement, values and, of the first of these operations, wires and tokens
---@param operation string
---@param scope table
---@param limits table
---@return table operation
local function document(compiled, wires, tokens, memory, operation, scope, limits)
  local given, given_types = parameters.documents(compiled, wires, tokens)
  return setmetatable({
    operation = operation, version = M.VERSION, dialect = compiled.dialect,
    statement = setmetatable({ sql = compiled.sql, parameters = given, parameter_types = given_types, paramstyle = "pyformat" },
      STATEMENT),
    scope = scope, limits = limits,
  }, parameters.shape(OPERATION_KEYS, Operation, memory))
end

local COMPILE_OPTIONS = { "operation", "scope_tables", "dialect", "limits", "data_source_uid", "paramstyle", "values",
  "cartesian_warning" }

---@class mainsequence.CompileOptions
---@field operation string? default: what the statement is
---@field scope_tables table[]? default: the bound models in the statement, "write" for those that it changes
---@field dialect "postgresql"|"sqlite"|nil default: that of the data source of the bound models, else postgresql
---@field limits { max_rows: integer?, offset: integer?, statement_timeout_ms: integer? }?
---@field data_source_uid string? default: that of the bound models, else the session's
---@field values table<string, any>? of bindparams
---@field cartesian_warning boolean? false: no warning about a cartesian product

---The operation of a statement, for MetaTable.execute_operation. It has a method `with`, for other values.
---@param statement any
---@param options mainsequence.CompileOptions?
---@return table|nil operation, mainsequence.Error? err   nil when the data source's dialect cannot be asked
function M.compile_statement(statement, options)
  options = options or {}
  fault.check_options("compile_statement", options, COMPILE_OPTIONS)
  if options.paramstyle ~= nil and options.paramstyle ~= "pyformat" then
    fault.raise(("paramstyle %s is not supported"):format(fault.show(options.paramstyle)), "it is always pyformat")
  end
  if type(statement) ~= "table" or type(rawget(statement, "kind")) ~= "string" then
    fault.raise(("compile_statement: a statement is expected, got %s"):format(fault.show(statement)), "sql.select(…)")
  end
  local dialect = options.dialect
  if dialect == nil then
    local err
    dialect, err = dialect_of(statement)
    if not dialect then return nil, err end
  end
  if dialect ~= "postgresql" and dialect ~= "sqlite" then
    fault.raise(("dialect %s is not supported"):format(fault.show(dialect)), "postgresql or sqlite")
  end
  local compiled, wires, tokens = compile.compile(statement, dialect, options.values, options.cartesian_warning ~= false)
  local operation = options.operation or kind_of(statement)
  local scope, limits
  if options.scope_tables then
    scope = core.object("data_source_uid", options.data_source_uid or default_data_source_uid(), "tables",
      core.array(table.move(options.scope_tables, 1, #options.scope_tables, 1, {})))
  else
    scope = derived_scope(compiled, options.data_source_uid)
  end
  if options.scope_tables or options.limits or options.operation then
    scope, limits, operation = checked(operation, dialect, scope, options.limits)
  else
    limits = setmetatable({ max_rows = 1000, offset = 0, statement_timeout_ms = 15000 }, LIMITS)
  end
  local memory = { compiled = compiled, statement = statement, values = options.values, wires = wires, tokens = tokens }
  return document(compiled, wires, tokens, memory, operation, scope, limits)
end

-- ---- Other values -------------------------------------------------------------------------------

---The same operation with other values of its bindparams; nothing is compiled unless one of them is a list.
---@param given table<string, any>
---@return table operation
function Operation:with(given)
  local source = getmetatable(self).memory
  local compiled = source.compiled
  if type(given) ~= "table" then fault.raise(("with takes a table of values, got %s"):format(fault.show(given))) end
  local merged
  if source.values then
    merged = {}
    for name, value in next, source.values do merged[name] = value end
    for name, value in next, given do merged[name] = value end
  end
  for name in next, given do
    local parameter = compiled.binds[name]
    if not parameter or parameter.unique then
      local names = {}
      for known, other in next, compiled.binds do
        if not other.unique then names[#names + 1] = known end
      end
      table.sort(names)
      fault.raise(("with: the operation has no parameter '%s'"):format(tostring(name)),
        fault.did_you_mean(name, names) or "parameters with names are made by sql.bindparam(\"name\")")
    end
    if parameter.fixed then
      local again, wires, tokens = compile.compile(source.statement, compiled.dialect, merged or given, false)
      local memory = { compiled = again, statement = source.statement, values = merged or given, wires = wires, tokens = tokens }
      return document(again, wires, tokens, memory, self.operation, self.scope, self.limits)
    end
  end
  local wires, values_given = table.move(source.wires, 1, #compiled.names, 1, {}), merged or given
  for position, name in ipairs(compiled.names) do
    local value = values_given[name]
    if value ~= nil then wires[position] = parameters.to_wire(compiled.dialect, name, value, compiled.binds[name].type) end
  end
  local memory = { compiled = compiled, statement = source.statement, values = values_given, wires = source.wires,
    tokens = source.tokens }
  return document(compiled, wires, source.tokens, memory, self.operation, self.scope, self.limits)
end

return M
