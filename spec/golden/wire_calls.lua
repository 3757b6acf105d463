-- The calls of the transcripts: a neutral call { resource, method, args } → the call of our client.

local client = require("mainsequence.client")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local core = require("mainsequence.core")
local meta_tables = require("mainsequence.meta_tables")
local models = require("wire_models")
local sql = require("mainsequence.sql")

local M = {}

-- ---- Values --------------------------------------------------------------------------------------

local FLOATS = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

local TAGS = {
  ["$date"] = sql.date, ["$datetime"] = sql.timestamp, ["$time"] = sql.time, ["$uuid"] = sql.uuid,
  ["$decimal"] = sql.decimal, ["$bytes"] = sql.bytes, ["$timestamp_ns"] = sql.timestamp, ["$naive_datetime"] = sql.timestamp,
  ["$duration_s"] = function(seconds) return sql.interval { seconds = seconds } end,
  ["$float"] = function(text) return FLOATS[text] or tonumber(text) end,
}

-- The value with its tagged parts made what they stand for.
local function untag(value)
  if type(value) ~= "table" then return value end
  local keys = core.keys(value)
  if not core.is_array(value) and #keys == 1 and TAGS[keys[1]] then return TAGS[keys[1]](value[keys[1]]) end
  local copy = core.is_array(value) and core.array({}) or core.object()
  if core.is_array(value) then
    for position, item in ipairs(value) do copy[position] = untag(item) end
  else
    for _, key in ipairs(keys) do copy[key] = untag(value[key]) end
  end
  return copy
end

local function is_tagged(value)
  if type(value) ~= "table" then return false end
  for _, key in ipairs(core.is_array(value) and {} or core.keys(value)) do
    if TAGS[key] or is_tagged(value[key]) then return true end
  end
  for _, item in ipairs(core.is_array(value) and value or {}) do
    if is_tagged(item) then return true end
  end
  return false
end

-- Arguments without those named.
local function without(args, ...)
  local left_out, rest = {}, core.object()
  for _, name in ipairs({ ... }) do left_out[name] = true end
  for _, key in ipairs(core.keys(args)) do
    if not left_out[key] then rest[key] = args[key] end
  end
  return rest
end

-- ---- Tables --------------------------------------------------------------------------------------

local function without_mark(request)
  local contract = request.table_contract
  if type(contract) == "table" and contract.typed == true then
    request.table_contract = without(contract, "typed") -- an object of a class, in Python
  end
  return request
end

-- The request that the arguments are: a mapping of Python's, or keywords.
local function raw_or(args, ...)
  if args.raw then
    local request = core.object()
    for _, key in ipairs(core.keys(args.raw)) do request[key] = args.raw[key] end
    for _, key in ipairs(core.keys(without(args, "raw", ...))) do request[key] = args[key] end
    return request
  end
  return without_mark(without(args, ...))
end

local function register_model(class, args)
  if type(args.platform_model) == "string" then
    -- "Account.register": a model has columns only
    local any = { table = "t", namespace = "n", columns = { { name = "uid", type = "Uuid()" } } }
    return models.declare_all({ any }, true)[1].register
  end
  if args.external_model then
    local model = models.declare_all({ args.external_model }, false)[1]
    return meta_tables.register_external_model(model, without(args, "external_model", "schema"))
  end
  local model = models.declare_all({ args.platform_model }, true)[1]
  local uid = args.data_source_uid
  if not uid then
    local source, err = client.DynamicTableDataSource.session()
    if not source then return nil, err end
    uid = source.uid
  end
  return class.register(meta_tables.build_registration_request(model, { data_source_uid = uid }))
end

local function reservation_rows(args)
  local registry, rows = require("mainsequence.schema.registry"), core.array({})
  for position, model in ipairs((models.declare_all(args.models, true))) do
    rows[position] = registry.table_of(model):reservation_row {
      data_source_uid = args.data_source_uid, migration_package = args.migration_package,
      migration_namespace = args.migration_namespace, migration_provider_key = args.migration_provider_key,
      alembic_version_meta_table_uid = args.alembic_version_meta_table_uid,
    }
  end
  return rows
end

local function execute(class, args, call)
  if args.sqlalchemy then return class.execute_operation(call.recorded_operation) end
  if not is_tagged(args) then return class.execute_operation(args) end
  local statement = untag(args.statement)
  local operation = compiled_sql.build_operation {
    operation = args.operation, sql = statement.sql, parameters = statement.parameters,
    parameter_types = statement.parameter_types ~= core.null and statement.parameter_types or nil, scope = args.scope,
    limits = args.limits,
  }
  return class.execute_operation(operation)
end

local function iterate(class, args)
  local next_object = class.iter_filter(args.filters, { max_items = args.max_items })
  if args.iterate == false then return next_object end
  local list = core.array({})
  for object, err in next_object do
    if not object then return nil, err end
    list[#list + 1] = object
  end
  return list
end

-- Everything but "uid" is an option, unless it is named.
local function on_object(method, ...)
  local names = { ... }
  return function(class, args, call)
    local values = {}
    for position, name in ipairs(names) do values[position] = untag(args[name]) end
    local options = untag(without(args, "uid", table.unpack(names)))
    if #core.keys(options) == 0 then options = nil end
    values[#names + 1] = options
    return class[method](call.object, table.unpack(values, 1, #names + 1))
  end
end

local function get(method)
  return function(class, args)
    local key = args.pk or args.uid
    return class[method](key or args.filters, key and args.params)
  end
end

local TABLE_METHODS = {
  get_by_uid = function(class, args) return class.get_by_uid(args.uid, args.params) end,
  get = get("get"), get_or_none = get("get_or_none"),
  filter = function(class, args) return class.filter(args.filters) end,
  iter_filter = iterate,
  filter_by_body = function(class, args) return class.filter_by_body(args) end,
  update_or_create = function(class, args) return class.update_or_create(args) end,
  get_or_create = function(class, args) return class.get_or_create(args) end,
  patch = on_object("patch"), delete = on_object("delete"),
  destroy_by_uid = function(class, args) return class.destroy_by_uid(args.uid, without(args, "uid")) end,
  add_label = on_object("add_label", "labels"), remove_label = on_object("remove_label", "labels"),
  introspect = on_object("introspect"), get_schema_graph = on_object("get_schema_graph"),
  refresh_table_search_index = on_object("refresh_table_search_index"), run_query = on_object("run_query", "sql"),
  register = function(class, args)
    if args.platform_model or args.external_model then return register_model(class, args) end
    return class.register(raw_or(args))
  end,
  bulk_create = function(class, args)
    return class.bulk_create(args.rows or reservation_rows(args))
  end,
  finalize_managed = function(class, args) return class.finalize_managed(raw_or(args)) end,
  validate_contract = function(class, args) return class.validate_contract(raw_or(args)) end,
  validate_existing_contract = function(class, args, call)
    return class.validate_existing_contract(call.object, raw_or(args, "uid"))
  end,
  description_search = function(class, args) return class.description_search(args.q, without(args, "q")) end,
  column_search = function(class, args) return class.column_search(args.q, args.filters) end,
  execute_operation = execute,
  get_data_updates = on_object("get_data_updates"), get_last_observation = on_object("get_last_observation"),
  delete_after_date = on_object("delete_after_date", "after_date"),
  get_data_between_dates = function(class, args, call)
    local options = untag(without(args, "uid"))
    local count = type(options.dimension_range_map) == "string" and options.dimension_range_map:match("^(%d+) entries")
    if count then
      options.dimension_range_map = core.array({})
      for number = 0, count - 1 do
        options.dimension_range_map[number + 1] = { coordinate = { account_uid = tostring(number) } }
      end
    end
    return class.get_data_between_dates(call.object, options)
  end,
  get_data_between_dates_from_node_identifier = function(class, args)
    return class.get_data_between_dates_from_node_identifier(args.node_identifier, untag(without(args, "node_identifier")))
  end,
}
for _, subject in ipairs({ "", "team_" }) do
  for _, verb in ipairs({ "add", "remove" }) do
    for _, level in ipairs({ "view", "edit" }) do
      local method = ("%s_%s%s_%s"):format(verb, subject, verb == "add" and "to" or "from", level)
      TABLE_METHODS[method] = on_object(method, subject == "" and "user_id" or "team_id")
    end
  end
end
for _, state in ipairs({ "can_view", "users_can_view", "list_users_can_view", "can_edit", "users_can_edit",
  "list_users_can_edit" }) do
  TABLE_METHODS[state] = on_object(state)
end

-- ---- Data sources and sessions -------------------------------------------------------------------

local DATA_SOURCE_METHODS = {
  filter = TABLE_METHODS.filter, iter_filter = iterate, get_by_uid = TABLE_METHODS.get_by_uid,
  get = TABLE_METHODS.get, get_or_none = TABLE_METHODS.get_or_none,
  issue_migration_connection = on_object("issue_migration_connection"),
}

local SESSION_METHODS = {
  default_data_source = function() return client.DynamicTableDataSource.session() end,
}

local AUTHENTICATION_METHODS = {
  login = function(_, args)
    local opened, err = client.session():client()
    if not opened then return nil, err end
    return opened:log_in(args.username, args.password)
  end,
}

-- ---- Migrations ----------------------------------------------------------------------------------

local function migration_context(args)
  local migrations = require("mainsequence.meta_tables.migrations")
  local declared, metadata = models.declare_all(args.models, true)
  local version = args.version_table
  local provider = migrations.build_metatable_migration_provider {
    package = args.package, migration_namespace = args.migration_namespace, script_location = args.package .. ".migrations:",
    version_location_prefix = args.package .. ".migrations:versions", target_metadata = metadata, metatable_models = declared,
    alembic_registry = migrations.build_alembic_version_metatable {
      namespace = version.namespace or args.migration_namespace, identifier = version.identifier, table_name = version.table_name,
      schema = version.schema ~= core.null and version.schema or nil, version_column = version.column_name,
      description = args.description,
    },
  }
  local opened, err = client.session():client()
  if not opened then return nil, err end
  return { provider = provider, client = opened, classes = client.session().classes, rows = {}, report = function() end }
end

local REGISTRY_FIELDS = { "labels", "protect_from_deletion", "introspect" }

-- Registers the version table in a given data source, with more fields than a provider gives it.
local function register_version(context, args, data_source_uid)
  local request = context.provider.alembic_registry:registration_request(data_source_uid)
  for _, name in ipairs(REGISTRY_FIELDS) do
    if args[name] ~= nil then request[name] = args[name] end
  end
  return client.MetaTable.register(request)
end

local function migration(run)
  return function(_, args, call)
    local catalog = require("mainsequence.meta_tables.migrations.catalog")
    local context, err = migration_context(args)
    if not context then return nil, err end
    return run(context, catalog, args, call)
  end
end

local function prepared(context, catalog)
  local row, err = catalog.ensure_registry(context)
  if not row then return nil, err end
  return catalog.reserve(context)
end

local MIGRATION_METHODS = {
  ensure_registry = migration(function(context, catalog, args, call)
    local row, err
    if call.data_source_uid then
      row, err = register_version(context, args, call.data_source_uid)
    else
      row, err = catalog.ensure_registry(context)
    end
    if row and call.python_method == "alembic_table_path" then return context.provider.alembic_registry.table_name end
    return row, err
  end),
  prepare = migration(function(context, catalog)
    local ok, err = prepared(context, catalog)
    if not ok then return nil, err end
    local uids, reserved = core.array({}), core.array({})
    for position, model in ipairs(context.provider.metatable_models) do
      uids[position] = context.rows[model].uid
      if context.rows[model].provisioning_status == "reserved" then reserved[#reserved + 1] = context.rows[model] end
    end
    return { data_source_uid = context.data_source_uid, meta_table_uids = uids, reserved_tables = reserved }
  end),
  finalize = migration(function(context, catalog, args)
    local ok, err = prepared(context, catalog)
    if not ok then return nil, err end
    return require("mainsequence.meta_tables.migrations.finalization").finalize(context, "upgrade", args.alembic_revision)
  end),
  -- the requests of a refresh, without the look-ups that make sure of the rows
  sync_catalog = migration(function(context, catalog, args)
    local registry, rows = require("mainsequence.schema.registry"), core.array({})
    local uid, err = catalog.resolve_data_source(context)
    if not uid then return nil, err end
    for position, model in ipairs(context.provider.metatable_models) do
      local class = registry.definition(model).kind == "time_index" and client.TimeIndexMetaTable or client.MetaTable
      local row, register_error = class.register(registry.table_of(model):refresh_request {
        data_source_uid = uid, migration_package = args.package, migration_namespace = args.migration_namespace,
        migration_provider_key = context.provider.migration_provider_key,
      })
      if not row then return nil, register_error end
      rows[position] = row
    end
    return rows
  end),
}

-- ---- Dispatch ------------------------------------------------------------------------------------

local RESOURCES = {
  MetaTable = TABLE_METHODS, TimeIndexMetaTable = TABLE_METHODS, DynamicTableDataSource = DATA_SOURCE_METHODS,
  Session = SESSION_METHODS, Auth = AUTHENTICATION_METHODS, MigrationProvider = MIGRATION_METHODS,
}

-- "a then b" and "a twice" name several calls: which of them is the next.
local function method_of(neutral, python_method)
  local method = neutral.method:gsub(" twice$", "")
  local first, second = method:match("^(.-) then (.*)$")
  if not first then return method end
  return python_method == second and second or first
end

---The function for a call, or nil when our client has none.
---@param neutral table
---@param python_method string
---@return function?
function M.find(neutral, python_method)
  if type(neutral.args) == "table" and neutral.args.on_status then return nil end -- a callback for progress
  local methods = RESOURCES[neutral.resource]
  return methods and methods[method_of(neutral, python_method)]
end

return M
