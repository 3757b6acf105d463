--- The catalog's side of a migration: the version table's entry, reserved rows before the revisions run,
--- the credential for the database. The order of calls is the protocol's (section 11).

local core = require("mainsequence.core")
local data_sources = require("mainsequence.client.data_source")
local meta_tables = require("mainsequence.client.meta_table")
local progress = require("mainsequence.meta_tables.migrations.progress")
local registry = require("mainsequence.schema.registry")
local resource = require("mainsequence.client.resource")

local M = {}

---@class mainsequence.migrations.Context
---@field provider mainsequence.migrations.Provider
---@field client mainsequence.Client
---@field classes table classes of the objects that models are bound to
---@field report fun(line: string)
---@field own_session mainsequence.Session? closed with the context
---@field data_source_uid string?
---@field registry_row table?
---@field rows table<table, table> model → catalog row

local function failure(code, format, ...)
  return nil, core.error({ code = code, message = format:format(...) })
end

local function check_row(row, what)
  for _, field in ipairs({ "uid", "data_source_uid" }) do
    if type(row[field]) ~= "string" or row[field] == "" then
      return failure("catalog", "the catalog row of %s has no %s", what, field)
    end
  end
  return true
end

-- ---- Data source and version table -------------------------------------------------------------

-- The models' own data source, when each of them names it.
local function declared_data_source(provider)
  local uid
  for _, model in ipairs(provider.metatable_models) do
    local own = registry.definition(model).description.meta.data_source_uid
    if not own then
      return nil
    end
    uid = own
  end
  return uid
end

---The one data source of the provider: that of its models, else the session's.
---@param context mainsequence.migrations.Context
---@return string|nil uid, mainsequence.Error?
function M.resolve_data_source(context)
  local uid = declared_data_source(context.provider)
  if not uid then
    local data_source, err = context.client:session_data_source()
    if not data_source then
      return nil, err
    end
    uid = data_source.uid
    for _, model in ipairs(context.provider.metatable_models) do
      local definition = registry.definition(model)
      local own = definition.description.meta.data_source_uid
      if own and own ~= uid then
        return failure("catalog", "models must share one data source: '%s' names %s, the session's is %s",
          definition.class_name, own, uid)
      end
    end
  end
  context.data_source_uid = uid
  return uid
end

---Registers the version table (again: the call is the same every time).
---@param context mainsequence.migrations.Context
---@return table|nil row, mainsequence.Error?
function M.ensure_registry(context)
  progress.say(context, "Ensuring Alembic registry MetaTable...")
  local uid, err = M.resolve_data_source(context)
  if not uid then
    return nil, err
  end
  local version = context.provider.alembic_registry
  local path = meta_tables.META_TABLE_PATH .. "register/"
  local reply, call_error = context.client:call("POST", path, { body = version:registration_request(uid) })
  if reply == nil then
    return nil, call_error
  end
  local row, row_error = resource.object(reply, path)
  if not row then
    return nil, row_error
  end
  local ok, check_error = check_row(row, version.identifier)
  if not ok then
    return nil, check_error
  end
  context.report(progress.row(path, "registered", row, version.class_name))
  if row.data_source_uid ~= uid then
    return failure("catalog", "models must share one data source; the models' is %s, that of the version table %s", uid,
      row.data_source_uid)
  end
  version.row = row
  context.registry_row = row
  return row
end

-- ---- Reservation -------------------------------------------------------------------------------

local KINDS = {
  platform_managed = { path = meta_tables.META_TABLE_PATH, class = "MetaTable" },
  time_index = { path = meta_tables.DYNAMIC_TABLE_PATH, class = "TimeIndexMetaTable" },
}

-- Models by kind, kinds in the order of their first model.
local function groups_of(models)
  local groups, by_path = {}, {}
  for _, model in ipairs(models) do
    local kind = KINDS[registry.definition(model).kind]
    local group = by_path[kind.path]
    if not group then
      group = { path = kind.path, class = kind.class, models = {}, names = core.array({}) }
      by_path[kind.path] = group
      groups[#groups + 1] = group
    end
    group.models[#group.models + 1] = model
    group.names[#group.names + 1] = registry.definition(model).tablename
  end
  return groups
end
M.groups_of = groups_of

---Rows of tables by physical name, one call for each kind. Shared with meta_tables.bind.
---@param call fun(path: string, body: table): any, any
---@param models table[]
---@return table<string, table>|nil rows, mainsequence.Error?
function M.find_rows(call, models)
  local found, all, seen = {}, {}, {}
  local groups = groups_of(models)
  for _, group in ipairs(groups) do
    for _, name in ipairs(group.names) do
      all[name] = true
    end
  end
  for _, group in ipairs(groups) do
    local body = core.object("physical_table_name__in", group.names, "limit", #group.names)
    local reply, err = call(group.path .. "filter/", body)
    if reply == nil then
      return nil, err
    end
    local rows, rows_error = resource.rows(reply, group.path .. "filter/")
    if not rows then
      return nil, rows_error
    end
    local asked = {}
    for _, name in ipairs(group.names) do
      asked[name] = true
    end
    for _, row in ipairs(rows) do
      local name = row.physical_table_name
      if not progress.given(name) and #group.names == 1 then
        name = group.names[1]
      end
      if not progress.given(name) then
        return failure("catalog", "a catalog row without physical_table_name came back for %s",
          table.concat(group.names, ", "))
      end
      -- a name of another kind's model counts too: one name is one table
      if all[name] and seen[name] then
        return failure("catalog", "the physical table name '%s' has several catalog rows", name)
      end
      seen[name] = true
      if asked[name] then
        found[name] = row
      end
    end
  end
  return found
end

local function reservation_body(context, models)
  local provider = context.provider
  local rows = core.array({})
  for position, model in ipairs(models) do
    rows[position] = registry.table_of(model):reservation_row({
      data_source_uid = context.data_source_uid, migration_package = provider.package,
      migration_namespace = provider.migration_namespace, migration_provider_key = provider.migration_provider_key,
      alembic_version_meta_table_uid = context.registry_row.uid,
    })
  end
  return rows
end

local function reserve_group(context, group, missing)
  local names = {}
  for position, model in ipairs(missing) do
    names[position] = registry.definition(model).tablename
  end
  progress.say(context, "Sending POST %s collection-create request for %d MetaTables table_names=%s", group.path, #missing,
    table.concat(names, ","))
  local reply, err = progress.post(context, group.path, reservation_body(context, missing))
  if reply == nil then
    return nil, err
  end
  if not core.is_array(reply) then
    return failure("transport", "%s.bulk_create: the reply is no list", group.class)
  end
  if #reply ~= #missing then
    return failure("catalog", "%s.bulk_create response row count mismatch; requested %d, got %d.", group.class, #missing,
      #reply)
  end
  for position, model in ipairs(missing) do
    local row = reply[position]
    local ok, check_error = check_row(row, names[position])
    if not ok then
      return nil, check_error
    end
    context.rows[model] = row
    context.report(progress.row(group.path, "reserved", row, registry.definition(model).class_name))
  end
  return true
end

local function take_found(context, group, found)
  local missing = {}
  for position, model in ipairs(group.models) do
    local name = group.names[position]
    local row = found[name]
    if row then
      local status = row.provisioning_status
      if progress.given(status) and status ~= "active" and status ~= "reserved" then
        return failure("catalog", "the catalog row of '%s' has the status '%s', neither active nor reserved", name, status)
      end
      local ok, err = check_row(row, name)
      if not ok then
        return nil, err
      end
      context.rows[model] = row
      if status == "reserved" then
        progress.say(context, "Reusing existing reserved MetaTable table_name=%s.", name)
      end
    else
      missing[#missing + 1] = model
    end
  end
  return missing
end

---Finds the models' rows, and reserves those that are missing.
---@param context mainsequence.migrations.Context
---@return true|nil, mainsequence.Error?
function M.reserve(context)
  local models = context.provider.metatable_models
  progress.say(context, "Preparing platform-managed MetaTable reservations...")
  local found, err = M.find_rows(function(path, body)
    return context.client:call("POST", path, { body = body })
  end, models)
  if not found then
    return nil, err
  end
  local count = 0
  for _ in pairs(found) do
    count = count + 1
  end
  progress.say(context, "Found existing MetaTables by table name count=%d.", count)
  local todo = {}
  for _, group in ipairs(groups_of(models)) do
    local missing, take_error = take_found(context, group, found)
    if not missing then
      return nil, take_error
    end
    todo[#todo + 1] = { group, missing }
  end
  for _, entry in ipairs(todo) do
    if #entry[2] > 0 then
      local ok, reserve_error = reserve_group(context, entry[1], entry[2])
      if not ok then
        return nil, reserve_error
      end
    end
  end
  local uid = context.data_source_uid
  for _, model in ipairs(models) do
    if context.rows[model].data_source_uid ~= uid then
      return failure("catalog", "models must share one data source; the row of '%s' is on %s, the others on %s",
        registry.definition(model).tablename, context.rows[model].data_source_uid, uid)
    end
  end
  return true
end

-- ---- The database ------------------------------------------------------------------------------

---A migration credential for the provider's data source.
---@param context mainsequence.migrations.Context
---@param ttl_seconds integer
---@param words { loading: string, requesting: string, acquired: string }
---@return table|nil credential, mainsequence.Error?
function M.request_connection(context, ttl_seconds, words)
  local path = data_sources.DATA_SOURCE_PATH .. resource.segment(context.data_source_uid) .. "/"
  progress.say(context, words.loading, context.data_source_uid)
  local data_source, err = context.client:call("GET", path)
  if data_source == nil then
    return nil, err
  end
  progress.say(context, words.requesting, ttl_seconds)
  local body = core.object("purpose", "schema_migration", "package", context.provider.package, "migration_namespace",
    context.provider.migration_namespace, "ttl_seconds", ttl_seconds)
  local reply, call_error = context.client:call("POST", path .. "migration-connection/", { body = body })
  if reply == nil then
    return nil, call_error
  end
  if type(reply) ~= "table" or type(reply.uri) ~= "string" or reply.uri == "" then
    return failure("transport", "the migration connection has no uri")
  end
  progress.say(context, words.acquired)
  return reply
end

-- ---- Refresh -----------------------------------------------------------------------------------

---Sends what the models say now (identifier, description, labels, contract) to their catalog rows.
---@param context mainsequence.migrations.Context
---@return table[]|nil rows, mainsequence.Error?
function M.refresh(context)
  local provider = context.provider
  local found, err = M.find_rows(function(path, body)
    return context.client:call("POST", path, { body = body })
  end, provider.metatable_models)
  if not found then
    return nil, err
  end
  local missing = {}
  for _, model in ipairs(provider.metatable_models) do
    if not found[registry.definition(model).tablename] then
      missing[#missing + 1] = registry.definition(model).tablename
    end
  end
  if #missing > 0 then
    return nil, core.error({
      code = "not_found", message = "the catalog has no row for " .. table.concat(missing, ", "),
      hint = "mainsequence migrations upgrade registers the tables",
    })
  end
  local rows = {}
  for position, model in ipairs(provider.metatable_models) do
    local definition = registry.definition(model)
    local path = KINDS[definition.kind].path .. "register/"
    local reply, call_error = context.client:call("POST", path, {
      body = registry.table_of(model):refresh_request({
        data_source_uid = context.data_source_uid, migration_package = provider.package,
        migration_namespace = provider.migration_namespace, migration_provider_key = provider.migration_provider_key,
        alembic_version_meta_table_uid = context.registry_row.uid,
      }),
    })
    if reply == nil then
      return nil, call_error
    end
    local row, row_error = resource.object(reply, path)
    if not row then
      return nil, row_error
    end
    context.report(progress.row(path, "registered", row, definition.class_name))
    rows[position] = row
  end
  return rows
end

return M
