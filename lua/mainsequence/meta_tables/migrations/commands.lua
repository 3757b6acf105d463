--- The commands of `mainsequence migrations`, as functions: (provider or reference, options) → result, or
--- nil and an error. What they are doing they tell to options.report, line by line.

local core = require("mainsequence.core")
local catalog = require("mainsequence.meta_tables.migrations.catalog")
local contexts = require("mainsequence.meta_tables.migrations.context")
local fault = require("mainsequence.schema.fault")
local finalization = require("mainsequence.meta_tables.migrations.finalization")
local progress = require("mainsequence.meta_tables.migrations.progress")
local runner = require("mainsequence.meta_tables.migrations.runner")

local M = {}

-- What a plain upgrade does not need is loaded when it is asked for: every command starts fast.
local function lazy(name)
  return setmetatable({}, { __index = function(_, member)
    return require("mainsequence.meta_tables.migrations." .. name)[member]
  end })
end

local new_revision, offline, scaffold = lazy("new_revision"), lazy("offline"), lazy("scaffold")

-- ---- upgrade and downgrade ---------------------------------------------------------------------

local function migration_result(context, target, finalized)
  return core.object("ok", true, "revision", target, "package", context.provider.package, "migration_namespace",
    context.provider.migration_namespace, "meta_table_uids", finalization.uids(context), "finalized_count",
    finalized.finalized_count, "active_count", finalized.active_count, "reserved_count", finalized.reserved_count,
    "failed_count", finalized.failed_count)
end

local function dialect_of(context, options)
  if options.dialect then
    if options.dialect ~= "postgresql" and options.dialect ~= "sqlite" then
      return contexts.usage(("dialect is postgresql or sqlite, got %s"):format(fault.show(options.dialect)))
    end
    return options.dialect
  end
  local opened, err = contexts.open_client(context, options)
  if not opened then
    return nil, err
  end
  local data_source, lookup_error = opened:session_data_source()
  if not data_source then
    return nil, lookup_error
  end
  return data_source.related_resource_class_type == "sqlite" and "sqlite" or "postgresql"
end

local function print_sql(context, options, target, down)
  local dialect, err = dialect_of(context, options)
  if not dialect then
    return nil, err
  end
  local text, script_error = offline.script(context.provider, context.scripts.graph,
    { symbol = target, down = down, dialect = dialect })
  if not text then
    return nil, script_error
  end
  return core.object("ok", true, "revision", target, "dialect", dialect, "sql", text)
end

local function show_plan(context, options, target, down)
  local credential, err = contexts.prepare(context, options, true)
  if not credential then
    return nil, err
  end
  local graph = context.scripts.graph
  local rows, read_error = contexts.on_database(credential, options.lock_timeout, function(connection)
    return runner.current(connection, context.provider)
  end)
  if not rows then
    return nil, read_error
  end
  local plan, plan_error = runner.plan(graph, rows, target, down)
  if not plan then
    return nil, plan_error
  end
  local steps, steps_error = offline.plan(plan, down)
  if not steps then
    return nil, steps_error
  end
  return core.object("ok", true, "revision", target, "current", core.array(rows), "steps", steps)
end

local function migrate(verb, provider, options, place)
  local down = verb == "downgrade"
  local context <close>, err = contexts.start(verb, provider, options, { "revision", "sql", "dialect", "plan" }, place)
  if not context then
    return nil, err
  end
  local target = options.revision or not down and "head" or nil
  if type(target) ~= "string" or target == "" then
    return contexts.usage(verb .. " needs the revision to go to", "such as base, -1 or a revision's id")
  end
  if options.sql then
    return print_sql(context, options, target, down)
  end
  if options.plan then
    return show_plan(context, options, target, down)
  end
  local credential, prepare_error = contexts.prepare(context, options, false)
  if not credential then
    return nil, prepare_error
  end
  contexts.tell_scripts(context, target)
  progress.say(context, "Starting Alembic %s now target=%s...", verb, target)
  local done, run_error = contexts.on_database(credential, options.lock_timeout, function(connection, open)
    return runner.run(connection, context.provider, context.scripts.graph, {
      symbol = target, down = down, report = context.report, lock_timeout = options.lock_timeout, open = open,
    })
  end)
  if not done then
    return nil, run_error
  end
  local finalized, finalize_error = finalization.finalize(context, verb, target)
  if not finalized then
    return nil, finalize_error
  end
  return migration_result(context, target, finalized)
end

---Applies revisions and activates their tables in the catalog.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result, mainsequence.Error?
function M.upgrade(provider, options)
  local result, err = migrate("upgrade", provider, options or {}, fault.here(1))
  return result, err
end

---Takes revisions back.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options
---@return table|nil result, mainsequence.Error?
function M.downgrade(provider, options)
  local result, err = migrate("downgrade", provider, options or {}, fault.here(1))
  return result, err
end

-- ---- Reading -----------------------------------------------------------------------------------

local function revision_entry(graph, id, current)
  local revision = graph.revisions[id]
  local marks = {}
  for _, head in ipairs(graph.heads) do
    if head == id then
      marks[#marks + 1] = "head"
    end
  end
  if #graph.children[id] > 1 then
    marks[#marks + 1] = "branchpoint"
  end
  if #revision.down_revisions > 1 then
    marks[#marks + 1] = "mergepoint"
  end
  if current and current[id] then
    marks[#marks + 1] = "current"
  end
  return core.object("revision", id, "down_revision", core.array(table.move(revision.down_revisions, 1,
    #revision.down_revisions, 1, {})), "branch_labels", core.array(revision.branch_labels), "marks", core.array(marks),
    "message", revision.message, "path", revision.path)
end

local function entries(graph, ids, current)
  local list = core.array({})
  for position, id in ipairs(ids) do
    list[position] = revision_entry(graph, id, current)
  end
  return list
end

---Where the database is.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result { revisions, heads, up_to_date }, mainsequence.Error?
function M.current(provider, options)
  options = options or {}
  local context <close>, err = contexts.start("current", provider, options, { "verbose" }, fault.here(1))
  if not context then
    return nil, err
  end
  local credential, prepare_error = contexts.prepare(context, options, true)
  if not credential then
    return nil, prepare_error
  end
  contexts.tell_scripts(context)
  progress.say(context, "Starting Alembic current now...")
  local rows, read_error = contexts.on_database(credential, options.lock_timeout, function(connection)
    return runner.current(connection, context.provider)
  end)
  if not rows then
    return nil, read_error
  end
  local graph = context.scripts.graph
  local ok, unknown = graph:check_current(rows)
  if not ok then
    return nil, unknown
  end
  if #rows == 0 then
    progress.say(context, "Alembic current produced no revision output. The version table is empty or not there.")
  end
  progress.say(context, "Alembic current finished.")
  return core.object("revisions", entries(graph, rows), "heads", core.array(graph.heads), "up_to_date",
    #graph:upgrade_plan(graph.heads, rows) == 0)
end

---All revisions, newest first.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result { revisions }, mainsequence.Error?
function M.history(provider, options)
  local context <close>, err = contexts.start("history", provider, options or {}, { "verbose" }, fault.here(1))
  if not context then
    return nil, err
  end
  local graph, ids = context.scripts.graph, {}
  for position = #graph.order, 1, -1 do
    ids[#ids + 1] = graph.order[position]
  end
  return core.object("revisions", entries(graph, ids))
end

---The newest revisions.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result { revisions }, mainsequence.Error?
function M.heads(provider, options)
  local context <close>, err = contexts.start("heads", provider, options or {}, { "verbose" }, fault.here(1))
  if not context then
    return nil, err
  end
  return core.object("revisions", entries(context.scripts.graph, context.scripts.graph.heads))
end

-- ---- stamp, refresh, scaffold ------------------------------------------------------------------

---Writes version rows without running anything, for databases whose schema is known to match.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options
---@return table|nil result { revisions }, mainsequence.Error?
function M.stamp(provider, options)
  options = options or {}
  local context <close>, err = contexts.start("stamp", provider, options, { "revision", "purge" }, fault.here(1))
  if not context then
    return nil, err
  end
  if type(options.revision) ~= "string" then
    return contexts.usage("stamp needs the revision to write")
  end
  local ids, resolve_error = context.scripts.graph:resolve(options.revision)
  if not ids then
    return nil, resolve_error
  end
  local credential, prepare_error = contexts.prepare(context, options, true)
  if not credential then
    return nil, prepare_error
  end
  local rows, stamp_error = contexts.on_database(credential, options.lock_timeout, function(connection)
    return runner.stamp(connection, context.provider, context.scripts.graph,
      { ids = ids, purge = options.purge, report = context.report, lock_timeout = options.lock_timeout })
  end)
  if not rows then
    return nil, stamp_error
  end
  return core.object("ok", true, "revisions", core.array(rows))
end

---Brings changed identifiers, descriptions, labels and contracts of the models to the catalog.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result { ok, meta_table_uids }, mainsequence.Error?
function M.refresh(provider, options)
  options = options or {}
  local context <close>, err = contexts.start("refresh", provider, options, {}, fault.here(1))
  if not context then
    return nil, err
  end
  local ok, client_error = contexts.open_client(context, options)
  if not ok then
    return nil, client_error
  end
  ok, err = catalog.ensure_registry(context)
  if not ok then
    return nil, err
  end
  local rows, refresh_error = catalog.refresh(context)
  if not rows then
    return nil, refresh_error
  end
  local uids = core.array({})
  for position, row in ipairs(rows) do
    uids[position] = row.uid
  end
  return core.object("ok", true, "package", context.provider.package, "migration_namespace",
    context.provider.migration_namespace, "meta_table_uids", uids)
end

---Writes the module of a new provider.
---@param options table see scaffold
---@return table|nil result, mainsequence.Error?
function M.scaffold(options)
  local result, err = scaffold.run(options, fault.here(1))
  return result, err
end

-- revision and check
return setmetatable(M, { __index = function(_, name)
  if name == "revision" or name == "check" then
    return new_revision[name]
  end
end })
