--- What every command begins with: its options, the provider, the revision files, a client, and the
--- credential for the database.

local core = require("mainsequence.core")
local catalog = require("mainsequence.meta_tables.migrations.catalog")
local client = require("mainsequence.client")
local database = require("mainsequence.meta_tables.migrations.database")
local fault = require("mainsequence.schema.fault")
local finalization = require("mainsequence.meta_tables.migrations.finalization")
local progress = require("mainsequence.meta_tables.migrations.progress")
local providers = require("mainsequence.meta_tables.migrations.provider")
local runner = require("mainsequence.meta_tables.migrations.runner")
local scripts = require("mainsequence.meta_tables.migrations.scripts")

local M = {}

---@class mainsequence.migrations.Options
---@field client mainsequence.Session|mainsequence.Client|nil default: the process's own session
---@field endpoint string? where to talk to instead
---@field timeout number? seconds a call may take
---@field ttl_seconds integer? life of the database credential; default 900
---@field lock_timeout number? seconds to wait for another process's write lock; default 300
---@field report fun(line: string)? status lines; default: nowhere
---@field revision string? target, e.g. "head", "0002", "+1"
---@field message string?
---@field autogenerate boolean? default true
---@field rev_id string?
---@field head string? what a new revision follows; default "head"
---@field sqlalchemy_url string? the database to compare with, instead of the data source's
---@field skip_empty boolean? write no revision when nothing changed
---@field sql boolean? print SQL instead of running it
---@field dialect string? of that SQL; default: the data source's
---@field plan boolean? list operations and their risks instead of running them
---@field purge boolean? stamp: forget all rows first
---@field verbose boolean?

local CONNECTION = { "client", "endpoint", "lock_timeout", "report", "timeout", "ttl_seconds" }

---An error of the caller's: the command exits with 2.
function M.usage(message, hint)
  return nil, core.error({ code = "usage", message = message, hint = hint })
end

local function known_options(extra)
  local list = { table.unpack(CONNECTION) }
  table.move(extra, 1, #extra, #list + 1, list)
  return list
end

-- ---- Beginnings --------------------------------------------------------------------------------

local function load_provider(context, provider, place)
  if not providers.is(provider) then
    if provider ~= nil and type(provider) ~= "string" then
      fault.raise(place, ("a migration provider or a reference to one is expected, got %s"):format(fault.show(provider)))
    end
    progress.say(context, "Loading migration provider %s...", provider or "<default>")
    local err
    provider, err = providers.load(provider)
    if not provider then
      return nil, err
    end
  end
  progress.say(context, "Loaded migration provider package=%s migration_namespace=%s", provider.package,
    provider.migration_namespace)
  context.provider = provider
  return provider
end

---The session that the options name: the caller's, one of their own (to be closed in the end), or the
---process's.
---@return mainsequence.Session|mainsequence.Client session, boolean own
local function session_of(options)
  if options.client ~= nil then
    return options.client, false
  end
  local default = client.session()
  if options.endpoint == nil and options.timeout == nil then
    return default, false
  end
  local settings = {}
  for key, value in next, default.options do
    settings[key] = value
  end
  settings.endpoint, settings.timeout = options.endpoint or settings.endpoint, options.timeout or settings.timeout
  return client.connect(settings), true
end

local function check_ttl(options)
  local ttl = options.ttl_seconds or 900
  if math.type(ttl) ~= "integer" or ttl < 1 then
    return M.usage(("ttl_seconds is a whole number of at least 1, got %s"):format(fault.show(ttl)))
  end
  return ttl
end

-- A context is a to-be-closed value: a session of its own ends with the command.
local Context = {}

function Context.__close(context)
  if context.own_session then
    context.own_session:close()
  end
end

-- Context and scripts of a command; the client is opened when it is needed.
function M.start(what, provider, options, extra, place)
  fault.check_options(place, what, options, known_options(extra))
  local context = setmetatable({ report = options.report or function() end, rows = {} }, Context)
  local ttl, ttl_error = check_ttl(options)
  if not ttl then
    return nil, ttl_error
  end
  context.ttl_seconds = ttl
  local loaded, err = load_provider(context, provider, place)
  if not loaded then
    return nil, err
  end
  context.scripts, err = scripts.load(loaded)
  if not context.scripts then
    return nil, err
  end
  return context
end

---Opens the client of a command. Models are bound to objects of its session, if it has one.
---@param context mainsequence.migrations.Context
---@param options mainsequence.migrations.Options
---@return mainsequence.Client|nil client, mainsequence.Error?
function M.open_client(context, options)
  local session, own = session_of(options)
  context.own_session = own and session or nil
  local classes = session.classes
  local opened = session
  if classes then
    local err
    opened, err = session:client()
    if not opened then
      return nil, err
    end
  end
  context.client, context.classes = opened, classes or client.session().classes
  return opened
end

function M.tell_scripts(context, target)
  local provider, graph = context.provider, context.scripts.graph
  progress.say(context, "Alembic script context script_location=%s version_locations=%s version_table=%s",
    provider.script_location, table.concat(provider.version_locations, ","), provider:version_table_text())
  progress.say(context, "Alembic script directory resolved path=%s versions=%s", context.scripts.path,
    table.concat(context.scripts.versions, ","))
  progress.say(context, "Alembic heads=%s", #graph.heads > 0 and table.concat(graph.heads, ",") or "<none>")
  if not target then
    return
  end
  local ids, err = graph:resolve(target)
  if not ids then
    progress.say(context, "Alembic revision %s could not be resolved: %s", target, err.message)
  end
  for _, id in ipairs(ids or {}) do
    local revision = graph.revisions[id]
    progress.say(context, "Alembic revision resolved revision=%s path=%s down_revision=%s", id, revision.path,
      #revision.down_revisions > 0 and table.concat(revision.down_revisions, ",") or "None")
  end
end

---Runs `work` on a connection to the database of the credential and closes it.
---@param credential { uri: string, owner_role_name: string? }
---@param lock_timeout number?
---@param work fun(connection: mainsequence.Connection, open: function): ...
function M.on_database(credential, lock_timeout, work)
  local connection, err = database.connect(credential, { busy_timeout_ms = runner.busy_timeout_ms(lock_timeout) })
  if not connection then
    return nil, err
  end
  local function open()
    return database.connect(credential, { read_only = true })
  end
  local result = table.pack(pcall(work, connection, open))
  connection:close()
  if not result[1] then
    error(result[2], 0)
  end
  return table.unpack(result, 2, result.n)
end

M.MIGRATION = {
  loading = "Loading DynamicTableDataSource uid=%s...", requesting = "Requesting migration connection ttl_seconds=%d...",
  acquired = "Migration connection acquired.",
}
M.REVISION = {
  loading = "Loading DynamicTableDataSource uid=%s for revision...",
  requesting = "Requesting revision migration connection ttl_seconds=%d...",
  acquired = "Revision migration connection acquired.",
}

-- Catalog rows, credential, scripts: what comes before the revisions of upgrade and downgrade.
function M.prepare(context, options, read_only)
  local ok, err = M.open_client(context, options)
  if not ok then
    return nil, err
  end
  ok, err = catalog.ensure_registry(context)
  if not ok then
    return nil, err
  end
  local count = 1
  if read_only then
    progress.say(context, "Skipping provider MetaTable reservations for read-only Alembic command.")
  else
    ok, err = catalog.reserve(context)
    if not ok then
      return nil, err
    end
    count = #finalization.uids(context)
  end
  progress.say(context, "Prepared migration scope data_source_uid=%s meta_table_count=%d", context.data_source_uid, count)
  return catalog.request_connection(context, context.ttl_seconds, M.MIGRATION)
end

return M
