--- Runs revisions on a connection: one transaction each, which holds the revision's operations, the check
--- of foreign keys and the version row, so that whatever happens the schema and the version row agree.
--
-- Several processes may run at once. Each step takes the lock first, reads the version rows again and plans
-- again; so one works while the others wait, and then find less to do, or nothing.

local core = require("mainsequence.core")
local database = require("mainsequence.meta_tables.migrations.database")
local registry = require("mainsequence.schema.registry")
local version_tables = require("mainsequence.meta_tables.migrations.version_table")

local M = {}

---Seconds to wait for another process's write lock before giving up.
M.LOCK_TIMEOUT = 300

---@class mainsequence.migrations.Run
---@field connection mainsequence.Connection
---@field graph mainsequence.migrations.Graph
---@field versions mainsequence.migrations.VersionTable
---@field naming_convention boolean
---@field report fun(line: string)
---@field lock_timeout number seconds
---@field open fun(): mainsequence.Connection|nil, mainsequence.Error? another connection, read-only
---@field down boolean
---@field symbol string
---@field target any what the symbol means, once it has been resolved

-- ---- Planning ----------------------------------------------------------------------------------

---What is to do for a database at `rows`. The symbol is resolved once: "+1" is one step from where the
---database was when it was first looked at under the lock.
local function plan_for(run, rows)
  local ok, unknown = run.graph:check_current(rows)
  if not ok then
    return nil, unknown
  end
  local err
  local target = run.target
  if target == nil then
    if run.down then
      target, err = run.graph:downgrade_target(run.symbol, rows)
    else
      target, err = run.graph:upgrade_targets(run.symbol, rows)
    end
    if not target then
      return nil, err
    end
  end
  local plan, plan_error
  if run.down then
    plan, plan_error = run.graph:downgrade_plan(target, rows)
  else
    plan = run.graph:upgrade_plan(target, rows)
  end
  return plan, plan_error, target
end

-- Two runs that pull in opposite directions would never end.
local function check_direction(run, rows)
  local present = run.graph:ancestors(rows)
  for id in pairs(run.present or {}) do
    if not run.down and not present[id] then
      return nil, core.error({
        code = "concurrent_migration",
        message = ("another process took back revision '%s' while this one was upgrading"):format(id),
        hint = "run one direction at a time",
      })
    end
  end
  for id in pairs(present) do
    if run.down and run.present and not run.present[id] then
      return nil, core.error({
        code = "concurrent_migration",
        message = ("another process applied revision '%s' while this one was downgrading"):format(id),
        hint = "run one direction at a time",
      })
    end
  end
  run.present = present
  return true
end

-- ---- The lock ----------------------------------------------------------------------------------

---Tries until the lock is free, saying so, or until the lock timeout has passed. Each attempt waits as
---long as the connection's own busy timeout.
local function locked(run, attempt)
  local started = core.monotonic_ms()
  while true do
    local ok, err = attempt(run.connection)
    if ok then
      return true
    end
    local waited = (core.monotonic_ms() - started) / 1000
    if err.code ~= "database_locked" or waited >= run.lock_timeout then
      return nil, err
    end
    run.report(("[mainsequence migrations] Waiting for another process that holds the database's lock (%.0f s of %.0f s)...")
      :format(waited, run.lock_timeout))
  end
end

local function begin(run)
  return locked(run, function(connection)
    return database.begin(connection, run.versions)
  end)
end

-- A reader can keep SQLite from committing; the transaction stays open meanwhile.
local function commit(run)
  return locked(run, function(connection)
    return connection:commit()
  end)
end

---How long one attempt of a connection for migrations waits.
---@param lock_timeout number? seconds
---@return integer milliseconds
function M.busy_timeout_ms(lock_timeout)
  return math.floor(math.max(10, math.min(10000, (lock_timeout or M.LOCK_TIMEOUT) * 250)))
end

-- ---- Foreign keys (SQLite) ---------------------------------------------------------------------

-- Violations by (child table, parent table), or nil, err.
local function violations(connection)
  local result, err = connection:execute("PRAGMA foreign_key_check")
  if not result then
    return nil, err
  end
  local counts, keys = {}, {}
  for _, row in ipairs(result.rows) do
    local key = ("%s → %s"):format(tostring(row.table), tostring(row.parent))
    if not counts[key] then
      keys[#keys + 1] = key
    end
    counts[key] = (counts[key] or 0) + 1
  end
  table.sort(keys)
  return counts, keys
end

---A revision may not leave rows that point at nothing. Rows that did so before it ran are not its fault.
local function check_foreign_keys(run)
  local counts, keys = violations(run.connection)
  if not counts then
    return nil, keys
  end
  if #keys == 0 then
    return true
  end
  local before = {}
  local other = run.open()
  if other then
    before = violations(other) or {}
    other:close()
  end
  for _, key in ipairs(keys) do
    if counts[key] > (before[key] or 0) then
      return nil, core.error({
        code = "foreign_key_violation",
        message = ("%d rows of %s point at rows that do not exist"):format(counts[key] - (before[key] or 0), key),
        hint = "repair or delete these rows in the revision before it adds or keeps the foreign key",
      })
    end
  end
  return true
end

-- ---- One revision ------------------------------------------------------------------------------

local function describe(revision)
  return revision.message ~= "" and ("%s (%s)"):format(revision.revision, revision.message) or revision.revision
end

local function as_error(value)
  if core.is_error(value) then
    return value
  end
  return core.error({ code = "revision_failed", message = tostring(value) })
end

---The error of a revision that failed, told with its name.
local function revision_error(run, revision, cause)
  local err = as_error(cause)
  local where = err.source and ("%s:%s: "):format(err.source, tostring(err.line)) or ""
  local wrapped = core.error({
    code = err.code, sqlstate = err.sqlstate, detail = err.detail, hint = err.hint,
    message = ("%s of revision %s failed and was rolled back: %s%s"):format(
      run.down and "downgrade" or "upgrade", describe(revision), where, err.message),
  })
  wrapped.revision = revision.revision
  return wrapped
end

local function call(run, revision)
  local step, missing = revision:step(run.down)
  if not step then
    return nil, missing
  end
  -- loaded here, because a run that has nothing to do needs neither
  local operations = require("mainsequence.meta_tables.migrations.operations")
  local sinks = require("mainsequence.meta_tables.migrations.sinks")
  local op = operations.new(sinks.online(run.connection, run.naming_convention))
  local ok, failure = pcall(step, op)
  if not ok then
    return nil, as_error(failure)
  end
  if not run.connection:in_transaction() then
    return nil, core.error({
      code = "revision_failed", message = "it ended the transaction that it runs in",
      hint = "leave BEGIN, COMMIT and ROLLBACK to the runner",
    })
  end
  return true
end

local function parents_text(run, revision)
  local from, to = table.concat(revision.down_revisions, ", "), revision.revision
  if run.down then
    from, to = to, from
  end
  return ("%s -> %s"):format(from, to)
end

-- Inside the transaction: everything of one revision up to COMMIT.
local function apply(run, revision, rows, exists)
  local verb = run.down and "downgrade" or "upgrade"
  run.report(("[mainsequence migrations] Running %s %s%s"):format(verb, parents_text(run, revision),
    revision.message ~= "" and ", " .. revision.message or ""))
  if not exists then
    local created, create_error = run.versions:create()
    if not created then
      return nil, create_error
    end
  end
  local ok, err = call(run, revision)
  if ok and run.connection:dialect() == "sqlite" then
    ok, err = check_foreign_keys(run)
  end
  if ok then
    ok, err = run.versions:apply(rows, run.graph:rows_after(rows, revision.revision, run.down))
  end
  return ok, err
end

-- One step under the lock. Returns the revision that ran; nothing when there was nothing to do.
local function step(run)
  local ok, err = begin(run)
  if not ok then
    return nil, err
  end
  local rows, exists = run.versions:read()
  local plan, target
  if rows then
    ok, err = check_direction(run, rows)
    if ok then
      plan, err, target = plan_for(run, rows)
    end
  else
    err = exists
  end
  local revision = plan and plan[1]
  if not revision then
    run.connection:rollback()
    return nil, err
  end
  run.target = target
  ok, err = apply(run, revision, rows, exists)
  if ok then
    ok, err = commit(run)
  end
  if not ok then
    run.connection:rollback()
    return nil, revision_error(run, revision, err)
  end
  run.present = run.graph:ancestors(run.graph:rows_after(rows, revision.revision, run.down))
  return revision
end

-- ---- All of them -------------------------------------------------------------------------------

---@param connection mainsequence.Connection
---@param provider mainsequence.migrations.Provider
---@param graph mainsequence.migrations.Graph
---@param options { symbol: string, down: boolean?, report: fun(line: string), lock_timeout: number?, open: function }
---@return { revisions: string[], rows: string[] }|nil result, mainsequence.Error?
function M.run(connection, provider, graph, options)
  local run = {
    connection = connection, graph = graph, symbol = options.symbol, down = options.down == true,
    versions = version_tables.new(connection, provider.alembic_registry), report = options.report,
    lock_timeout = options.lock_timeout or M.LOCK_TIMEOUT, open = options.open,
    naming_convention = registry.collection(provider.target_metadata).naming_convention,
  }
  if connection:dialect() == "sqlite" then
    -- A rebuild drops tables; with foreign keys on that would delete their children's rows.
    local off, err = connection:execute("PRAGMA foreign_keys = OFF")
    if not off then
      return nil, err
    end
  end
  local rows, read_error = run.versions:read()
  if not rows then
    return nil, read_error
  end
  local plan, plan_error = plan_for(run, rows)
  if not plan then
    return nil, plan_error
  end
  local done = {}
  while #plan > 0 do
    local revision, err = step(run)
    if err then
      return nil, err
    end
    if not revision then
      break
    end
    done[#done + 1] = revision.revision
  end
  rows, read_error = run.versions:read()
  if not rows then
    return nil, read_error
  end
  return { revisions = done, rows = rows }
end

---The rows of the version table, checked against the files.
---@param connection mainsequence.Connection
---@param provider mainsequence.migrations.Provider
---@return string[]|nil rows, mainsequence.Error?
function M.current(connection, provider)
  local rows, err = version_tables.new(connection, provider.alembic_registry):read()
  if not rows then
    return nil, err
  end
  return rows
end

---The revisions that a run would work through.
---@param graph mainsequence.migrations.Graph
---@param rows string[]
---@param symbol string
---@param down boolean?
---@return mainsequence.migrations.Revision[]|nil plan, mainsequence.Error?
function M.plan(graph, rows, symbol, down)
  local plan, err = plan_for({ graph = graph, symbol = symbol, down = down == true }, rows)
  return plan, err
end

---Rewrites the version rows without running anything.
---@param connection mainsequence.Connection
---@param provider mainsequence.migrations.Provider
---@param graph mainsequence.migrations.Graph
---@param options { ids: string[], purge: boolean?, report: fun(line: string), lock_timeout: number? }
---@return string[]|nil rows, mainsequence.Error?
function M.stamp(connection, provider, graph, options)
  local versions = version_tables.new(connection, provider.alembic_registry)
  local run = {
    connection = connection, versions = versions, report = options.report,
    lock_timeout = options.lock_timeout or M.LOCK_TIMEOUT,
  }
  local ok, err = begin(run)
  if not ok then
    return nil, err
  end
  local rows, exists = versions:read()
  if rows and not options.purge then
    ok, err = graph:check_current(rows)
  elseif not rows then
    ok, err = nil, exists
  end
  if ok and not exists then
    ok, err = versions:create()
  end
  -- of revisions on one line only the topmost is a row
  local wanted = {}
  for _, id in ipairs(options.ids) do
    local others = {}
    for _, other in ipairs(options.ids) do
      if other ~= id then
        others[#others + 1] = other
      end
    end
    if not graph:ancestors(others)[id] then
      wanted[#wanted + 1] = id
    end
  end
  if ok then
    ok, err = versions:apply(rows, wanted)
  end
  if ok then
    ok, err = commit(run)
  end
  if not ok then
    connection:rollback()
    return nil, err
  end
  table.sort(wanted)
  return wanted
end

return M
