-- mainsequence migrations …

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

local function seconds(text)
  local number = tonumber(text)
  if not number or number ~= number or number <= 0 or number == math.huge then
    return nil, ("'%s' is not a number of seconds above 0"):format(text)
  end
  return number
end

-- A step such as -1 looks like an option: it goes through the parser in disguise.
local DISGUISE = "step:"
local function revision(text)
  return (text:gsub("^" .. DISGUISE, ""))
end

---@param arguments string[]
---@return string[]
function M.prepare(arguments)
  local list = {}
  for position, argument in ipairs(arguments) do
    list[position] = argument:find("^%-%d+$") and DISGUISE .. argument or argument
  end
  return list
end

local function add_provider(command)
  command:option("--provider", "The migration provider. Default: mainsequence_migrations:migration, then"
    .. " <rockspec's package>.migrations:migration."):argname("<module:attribute>")
  cli.add_common(command)
end

local function add_connection(command)
  add_provider(command)
  cli.add_endpoint(command)
  command:option("--timeout", "Seconds that one request may take."):argname("<seconds>"):convert(seconds)
  command:option("--ttl-seconds", "How long the database credential lives.", "900"):argname("<seconds>")
    :convert(cli.whole_number(1))
end

local function add_lock(command)
  command:option("--lock-timeout", "Seconds to wait for another process that migrates."):argname("<seconds>"):convert(seconds)
end

local function add_offline(command)
  command:mutex(
    command:flag("--sql", "Print the SQL instead of running it; takes a range such as 0001:head."),
    command:flag("--plan", "Print the operations and their risks instead of running them."))
  command:option("--dialect", "Dialect of --sql. Default: the data source's."):choices({ "postgresql", "sqlite" })
end

local function add_verbose(command)
  command:flag("-v --verbose", "Show the revisions' files, too.")
end

local CONNECTION = { "timeout", "ttl_seconds" }
local MIGRATION = { "revision", "timeout", "ttl_seconds", "lock_timeout", "sql", "plan", "dialect" }

-- Subcommand → what it takes, the options it hands on, and whether it talks to a TS Manager.
local SUBCOMMANDS = {
  {
    name = "scaffold", summary = "Write the module of a new provider.",
    options = { "module", "package", "migration_namespace", "metadata", "table_name", "source_root", "force" },
    add = function(command)
      command:argument("module", "Lua module of the provider, such as shop.migrations."):argname("<module>")
      command:option("--package", "Name of the package that owns the tables. Default: the module's first part.")
        :argname("<package>")
      command:option("--migration-namespace", "Namespace of its revisions. Default: the package."):argname("<namespace>")
      command:option("--metadata", "Where the models' metadata is. Default: <package>.models:metadata.")
        :argname("<module:attribute>")
      command:option("--table-name", "Name of the version table. Default: <package>__alembic_version."):argname("<name>")
      command:option("--source-root", "Folder in which modules stand. Default: the current one."):argname("<folder>")
      command:flag("--force", "Replace files that were changed.")
      cli.add_common(command)
    end,
  },
  {
    name = "revision", summary = "Write a new revision, generated from the models.",
    options = { "message", "rev_id", "head", "sqlalchemy_url", "skip_empty", "timeout", "ttl_seconds" },
    add = function(command)
      add_connection(command)
      command:option("-m --message", "What the revision is about.", "migration"):argname("<text>")
      command:mutex(
        command:flag("--autogenerate", "Compare the models with the database (the default)."),
        command:flag("--no-autogenerate", "Write an empty revision; needs no database."))
      command:flag("--skip-empty", "Write nothing when nothing has changed.")
      command:option("--rev-id", "Instead of the next number."):argname("<id>")
      command:option("--head", "The revision it follows. Default: head."):argname("<revision>")
      command:option("--sqlalchemy-url", "Compare with this database instead of the data source's."):argname("<url>")
    end,
  },
  { name = "upgrade", summary = "Apply revisions, and activate their tables in the catalog.", options = MIGRATION,
    online = true, add = function(command)
    add_connection(command)
    add_lock(command)
    add_offline(command)
    command:argument("revision", "Where to go.", "head"):argname("<revision>"):args("?"):convert(revision)
  end },
  { name = "downgrade", summary = "Take revisions back.", options = MIGRATION, online = true, add = function(command)
    add_connection(command)
    add_lock(command)
    add_offline(command)
    command:argument("revision", "Where to go: base, a revision, -1 …"):argname("<revision>"):convert(revision)
  end },
  { name = "current", summary = "Show the revision of the database.", options = CONNECTION, online = true,
    add = function(command)
    add_connection(command)
    add_verbose(command)
  end },
  { name = "history", summary = "List the revisions, newest first.", options = {}, add = function(command)
    add_provider(command)
    add_verbose(command)
  end },
  { name = "heads", summary = "List the newest revisions.", options = {}, add = function(command)
    add_provider(command)
    add_verbose(command)
  end },
  { name = "check", summary = "Compare the models with the database; exit status 1 when a revision is due.",
    options = { "sqlalchemy_url", "timeout", "ttl_seconds" }, add = function(command)
    add_connection(command)
    command:option("--sqlalchemy-url", "Compare with this database instead of the data source's."):argname("<url>")
  end },
  { name = "stamp", summary = "Write down a revision as the database's without running anything.",
    options = { "revision", "purge", "timeout", "ttl_seconds", "lock_timeout" }, online = true, add = function(command)
    add_connection(command)
    add_lock(command)
    command:argument("revision", "The revision."):argname("<revision>")
    command:flag("--purge", "Forget what the database says now, also revisions that are unknown here.")
  end },
  { name = "refresh", summary = "Bring changed identifiers, descriptions, labels and contracts to the catalog.",
    options = CONNECTION, online = true, add = add_connection },
}

function M.add_to_parser(parser, summary)
  local group = parser:command("migrations", summary):command_target("subcommand"):require_command(true)
  for _, subcommand in ipairs(SUBCOMMANDS) do
    subcommand.add(group:command(subcommand.name, subcommand.summary))
  end
end

local function find(name)
  for _, subcommand in ipairs(SUBCOMMANDS) do
    if subcommand.name == name then return subcommand end
  end
end

-- ---- Results -------------------------------------------------------------------------------------

local function text(value)
  if value == core.null then return "none" end
  return type(value) == "table" and core.json_encode(value, { unicode = true }) or tostring(value)
end

-- "key: value" lines.
local function show_fields(result)
  for _, key in ipairs(core.keys(result)) do cli.out(("%s: %s\n"):format(key, text(result[key]))) end
end

-- One line a revision: "0001 -> 0002 (head), asset venue".
local function show_revisions(result, arguments)
  if #result.revisions == 0 then cli.say("There is no revision.") end
  for _, entry in ipairs(result.revisions) do
    local marks = #entry.marks > 0 and (" (%s)"):format(table.concat(entry.marks, ", ")) or ""
    local from = #entry.down_revision > 0 and table.concat(entry.down_revision, ", ") or "<base>"
    cli.out(("%s -> %s%s%s\n"):format(from, entry.revision, marks, entry.message ~= "" and ", " .. entry.message or ""))
    if arguments.verbose then cli.out(("  %s\n"):format(text(entry.path))) end
  end
end

local function show_differences(result)
  for _, difference in ipairs(result.differences) do cli.out(difference .. "\n") end
  cli.out(result.ok and "No new operations.\n" or "New operations: a revision is due.\n")
end

local function show_steps(result)
  for _, step in ipairs(result.steps) do
    cli.out(("%s%s\n"):format(step.revision, step.message ~= "" and ", " .. step.message or ""))
    for _, operation in ipairs(step.operations) do cli.out(("  %s\n"):format(text(operation))) end
    for _, risk in ipairs(step.risks) do cli.out(("  risk: %s\n"):format(risk.message)) end
  end
end

local function show(result, arguments)
  if result.sql then
    cli.out(result.sql)
  elseif result.steps then
    show_steps(result)
  elseif result.differences then
    show_differences(result)
  elseif arguments.subcommand == "stamp" then
    show_fields(result)
  elseif result.revisions then
    show_revisions(result, arguments)
  else
    show_fields(result)
  end
end

-- The provider, and only then the TS Manager: a misspelt provider leaves no trace there.
local function load_provider(arguments, online)
  cli.say(("[mainsequence migrations] Loading migration provider %s..."):format(arguments.provider or "<default>"))
  local provider, err = require("mainsequence.meta_tables.migrations").load_provider(arguments.provider)
  if provider and online then
    local session
    session, err = require("mainsequence.cli.endpoint").open(arguments)
    if not session then return nil, err end
  end
  return provider, err
end

---@param arguments table
---@return integer|nil status, any err
function M.run(arguments)
  local subcommand = find(arguments.subcommand)
  local options = { report = cli.say }
  for _, name in ipairs(subcommand.options) do options[name] = arguments[name] end
  local online = subcommand.online
  if subcommand.name == "revision" then
    options.autogenerate = not arguments.no_autogenerate
    online = options.autogenerate and not options.sqlalchemy_url
  elseif subcommand.name == "check" then
    online = not options.sqlalchemy_url
  end
  local commands = require("mainsequence.meta_tables.migrations.commands")
  local result, err
  if subcommand.name == "scaffold" then
    result, err = commands.scaffold(options)
  else
    local provider
    provider, err = load_provider(arguments, online)
    if not provider then return nil, err end
    result, err = commands[subcommand.name](provider, options)
  end
  if result == nil then return nil, err end
  if arguments.json then cli.out_json(result) else show(result, arguments) end
  return (subcommand.name == "check" and not result.ok) and cli.FAILED or cli.DONE
end

return M
