--- Offline mode: the SQL of a range of revisions as a script, without a database.

local core = require("mainsequence.core")
local operations = require("mainsequence.meta_tables.migrations.operations")
local registry = require("mainsequence.schema.registry")
local sinks = require("mainsequence.meta_tables.migrations.sinks")
local version_tables = require("mainsequence.meta_tables.migrations.version_table")

local M = {}

local function failure(code, message, hint)
  return nil, core.error({ code = code, message = message, hint = hint })
end

-- What version_table needs of a connection to write its statements.
local function paper(dialect)
  return {
    dialect = function()
      return dialect
    end,
  }
end

local function literal(text)
  return "'" .. text:gsub("'", "''") .. "'"
end

local function change_text(change)
  return (change.sql:gsub("%%%((%a+)%)s", function(name)
    return (literal(change.values[name]))
  end)) .. ";"
end

-- "from:to" or "to"; downgrades need both ends.
local function range(graph, symbol, down)
  local from, to = symbol:match("^(.*):(.*)$")
  if not from then
    from, to = "base", symbol
    if down then
      return failure("usage", ("downgrade --sql needs a range, got '%s'"):format(symbol),
        "write from:to, such as head:base")
    end
  end
  local start, err = graph:resolve(from == "" and "base" or from)
  if not start then
    return nil, err
  end
  return { start = start, to = to == "" and (down and "base" or "head") or to }
end

local function plan_of(graph, ends, down)
  if not down then
    local targets, err = graph:upgrade_targets(ends.to, ends.start)
    return targets and graph:upgrade_plan(targets, ends.start), err
  end
  local target, err = graph:downgrade_target(ends.to, ends.start)
  if not target then
    return nil, err
  end
  return graph:downgrade_plan(target, ends.start)
end

local function write_revision(script, revision, rows, down)
  local arrow = down and { revision.revision, table.concat(revision.down_revisions, ", ") }
    or { table.concat(revision.down_revisions, ", "), revision.revision }
  local lines = script.lines
  lines[#lines + 1] = ("-- Running %s %s -> %s%s"):format(down and "downgrade" or "upgrade", arrow[1], arrow[2],
    revision.message ~= "" and ", " .. revision.message or "")
  local step, missing = revision:step(down)
  if not step then
    return nil, missing
  end
  local ok, err = pcall(step, operations.new(sinks.offline(script.dialect, script.naming_convention, lines)))
  if not ok then
    return nil, core.is_error(err) and err or core.error({ code = "revision_failed", message = tostring(err) })
  end
  local after = script.graph:rows_after(rows, revision.revision, down)
  for _, change in ipairs(script.versions:changes(rows, after)) do
    lines[#lines + 1] = change_text(change)
  end
  return after
end

---@param provider mainsequence.migrations.Provider
---@param graph mainsequence.migrations.Graph
---@param options { symbol: string, down: boolean?, dialect: "postgresql"|"sqlite" }
---@return string|nil sql, mainsequence.Error?
function M.script(provider, graph, options)
  local ends, err = range(graph, options.symbol, options.down)
  if not ends then
    return nil, err
  end
  local plan, plan_error = plan_of(graph, ends, options.down)
  if not plan then
    return nil, plan_error
  end
  local script = {
    lines = {}, dialect = options.dialect, graph = graph,
    naming_convention = registry.collection(provider.target_metadata).naming_convention,
    versions = version_tables.new(paper(options.dialect), provider.alembic_registry),
  }
  local lines = script.lines
  if options.dialect == "sqlite" and #plan > 0 then
    lines[#lines + 1] = "PRAGMA foreign_keys = OFF;"
  end
  local rows = ends.start
  for _, revision in ipairs(plan) do
    lines[#lines + 1] = "BEGIN;"
    if #rows == 0 and not options.down and revision == plan[1] then
      lines[#lines + 1] = script.versions:create_sql() .. ";"
    end
    local after, write_error = write_revision(script, revision, rows, options.down)
    if not after then
      return nil, write_error
    end
    rows = after
    lines[#lines + 1] = "COMMIT;"
  end
  return table.concat(lines, "\n\n") .. (#lines > 0 and "\n" or "")
end

---The operations of the revisions of a plan, with their risks, for people and programs to look at.
---@param plan mainsequence.migrations.Revision[]
---@param down boolean?
---@return table[]|nil steps, mainsequence.Error?
function M.plan(plan, down)
  local steps = core.array({})
  for position, revision in ipairs(plan) do
    local recorded = core.array({})
    local step, missing = revision:step(down)
    if not step then
      return nil, missing
    end
    local ok, err = pcall(step, operations.new(sinks.recorder(recorded)))
    if not ok then
      return nil, core.is_error(err) and err or core.error({ code = "revision_failed", message = tostring(err) })
    end
    local risks = core.array({})
    for _, operation in ipairs(recorded) do
      for _, risk in ipairs(core.operation_risks(operation)) do
        risks[#risks + 1] = risk
      end
    end
    steps[position] = core.object("revision", revision.revision, "message", revision.message, "operations", recorded,
      "risks", risks)
  end
  return steps
end

return M
