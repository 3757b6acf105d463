--- The command `revision`: a new revision file, written by comparing the models with the database; and
--- `check`, which only compares.

local core = require("mainsequence.core")
local autogenerate = require("mainsequence.meta_tables.migrations.autogenerate")
local catalog = require("mainsequence.meta_tables.migrations.catalog")
local contexts = require("mainsequence.meta_tables.migrations.context")
local fault = require("mainsequence.schema.fault")
local locations = require("mainsequence.meta_tables.migrations.location")
local progress = require("mainsequence.meta_tables.migrations.progress")
local render = require("mainsequence.meta_tables.migrations.render")
local revisions = require("mainsequence.meta_tables.migrations.revision")

local M = {}

-- ---- revision ----------------------------------------------------------------------------------

---What the new revision follows.
local function parents_of(graph, options)
  local symbol = options.head or "head"
  local ids, err = graph:resolve(symbol)
  if not ids then
    if err.code == "multiple_heads" then
      err.code, err.hint = "usage", "name the one to continue with --head, or --head heads to join them"
    end
    return nil, err
  end
  for _, id in ipairs(ids) do
    if #graph.children[id] > 0 then
      return contexts.usage(("revision '%s' is not a head: a second line of history would start there"):format(id),
        "continue a head; branches are written by hand")
    end
  end
  return ids
end

local function new_id(context, options)
  local graph = context.scripts.graph
  progress.say(context, "Scanning Alembic revision directory for next sequential id...")
  if options.rev_id == nil then
    local id, err = graph:next_id()
    if id then
      progress.say(context, "Next Alembic revision id is %s.", id)
    end
    return id, err
  end
  local problem = revisions.id_problem(options.rev_id)
  if problem then
    return contexts.usage(problem)
  end
  if graph.revisions[options.rev_id] then
    return contexts.usage(("revision '%s' exists already (%s)"):format(options.rev_id, graph.revisions[options.rev_id].path))
  end
  return options.rev_id
end

-- The operations of a new revision, or nil, err.
local function compare_on(context, connection)
  local ok, err = autogenerate.check_up_to_date(connection, context.provider, context.scripts.graph)
  if not ok then
    return nil, err
  end
  local operations, compare_error = autogenerate.compare(connection, context.provider)
  if not operations then
    return nil, compare_error
  end
  for _, operation in ipairs(operations) do
    progress.say(context, "Detected %s", autogenerate.describe(operation))
  end
  if #operations == 0 then
    progress.say(context, "No differences between the models and the database.")
  end
  return operations
end

local function revision_credential(context, options)
  if options.sqlalchemy_url then
    return { uri = options.sqlalchemy_url }
  end
  local ok, err = contexts.open_client(context, options)
  if not ok then
    return nil, err
  end
  ok, err = catalog.resolve_data_source(context)
  if not ok then
    return nil, err
  end
  return catalog.request_connection(context, context.ttl_seconds, contexts.REVISION)
end

local function compare(context, options)
  local credential, err = revision_credential(context, options)
  if not credential then
    return nil, err
  end
  contexts.tell_scripts(context, #context.scripts.graph.heads == 1 and "head" or nil)
  return contexts.on_database(credential, options.lock_timeout, function(connection)
    return compare_on(context, connection)
  end)
end

-- "Asset venue!" → "asset_venue", at most 40 characters.
local function slug(message)
  local text = message:lower():gsub("[^%w]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  return (text:sub(1, 40):gsub("_+$", ""))
end

local function write_revision(context, revision, operations)
  local name = slug(revision.message)
  local folder = context.scripts.version_path
  local path = locations.join(folder, revision.revision .. (name ~= "" and "_" .. name or "") .. ".lua")
  local existing = io.open(path, "rb")
  if existing then
    existing:close()
    return contexts.usage("the file " .. path .. " exists already")
  end
  local ok, err = locations.make_directory(folder)
  if not ok then
    return nil, err
  end
  local text = render.revision(revision, operations, operations and autogenerate.reverse(operations))
  ok, err = core.write_file(path, text)
  if not ok then
    return nil, err
  end
  return path
end

---Writes a new revision.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result { revision, path, package, migration_namespace }, mainsequence.Error?
function M.revision(provider, options)
  options = options or {}
  local context <close>, err = contexts.start("revision", provider, options,
    { "autogenerate", "head", "message", "rev_id", "skip_empty", "sqlalchemy_url" }, fault.here(1))
  if not context then
    return nil, err
  end
  local message = options.message or "migration"
  if type(message) ~= "string" or message:find("\n") then
    return contexts.usage(("message is one line of text, got %s"):format(fault.show(message)))
  end
  local id, id_error = new_id(context, options)
  if not id then
    return nil, id_error
  end
  local parents, parents_error = parents_of(context.scripts.graph, options)
  if not parents then
    return nil, parents_error
  end
  local operations
  if options.autogenerate ~= false then
    operations, err = compare(context, options)
    if not operations then
      return nil, err
    end
  else
    contexts.tell_scripts(context, #context.scripts.graph.heads == 1 and "head" or nil)
  end
  local path
  if not (options.skip_empty and operations and #operations == 0) then
    path, err = write_revision(context, { revision = id, down_revisions = parents, message = message }, operations)
    if not path then
      return nil, err
    end
  end
  progress.say(context, "Alembic revision finished.")
  return core.object("revision", path and id or core.null, "path", path or core.null, "package",
    context.provider.package, "migration_namespace", context.provider.migration_namespace)
end

---Compares the models with the database, writes nothing.
---@param provider mainsequence.migrations.Provider|string|nil
---@param options mainsequence.migrations.Options?
---@return table|nil result { ok, differences }, mainsequence.Error?
function M.check(provider, options)
  options = options or {}
  local context <close>, err = contexts.start("check", provider, options, { "sqlalchemy_url" }, fault.here(1))
  if not context then
    return nil, err
  end
  local operations, compare_error = compare(context, options)
  if not operations then
    return nil, compare_error
  end
  local differences = core.array({})
  for position, operation in ipairs(operations) do
    differences[position] = autogenerate.describe(operation)
  end
  return core.object("ok", #operations == 0, "differences", differences)
end

return M
