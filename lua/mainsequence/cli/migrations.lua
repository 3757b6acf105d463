-- mainsequence migrations …

local cli = require("mainsequence.cli")

local M = {}

local function positive(text)
  local number = math.tointeger(tonumber(text))
  if not number or number < 1 then return nil, ("'%s' is not a whole number of 1 or more"):format(text) end
  return number
end

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
  command:option("--ttl-seconds", "How long the database credential lives.", "900"):argname("<seconds>"):convert(positive)
end

-- Subcommand → what it takes, and the options it hands on.
local SUBCOMMANDS = {
  {
    name = "scaffold", summary = "Write the module of a new provider.", without_provider = true,
    options = { "module", "package", "migration_namespace", "source_root", "force" },
    add = function(command)
      command:argument("module", "Lua module of the provider, such as shop.migrations."):argname("<module>")
      command:option("--package", "Name of the package that owns the tables. Default: the module's first part.")
        :argname("<package>")
      command:option("--migration-namespace", "Namespace of its revisions. Default: the package."):argname("<namespace>")
      command:option("--source-root", "Folder in which modules stand.", "."):argname("<folder>")
      command:flag("--force", "Replace files that were changed.")
      cli.add_common(command)
    end,
  },
  {
    name = "revision", summary = "Write a new revision, generated from the models.",
    options = { "message", "autogenerate", "rev_id", "head", "sqlalchemy_url", "timeout", "ttl_seconds" },
    add = function(command)
      add_connection(command)
      command:option("-m --message", "What the revision is about.", "migration"):argname("<text>")
      command:mutex(
        command:flag("--autogenerate", "Compare the models with the database (the default)."),
        command:flag("--no-autogenerate", "Write an empty revision; needs no database."))
      command:option("--rev-id", "Instead of the next number."):argname("<id>")
      command:option("--head", "The revision it follows. Default: head."):argname("<revision>")
      command:option("--sqlalchemy-url", "Compare with this database instead of the data source's."):argname("<url>")
    end,
  },
  {
    name = "upgrade", summary = "Apply revisions, and activate their tables in the catalog.",
    options = { "revision", "timeout", "ttl_seconds" },
    add = function(command)
      add_connection(command)
      command:argument("revision", "Where to go.", "head"):argname("<revision>"):args("?"):convert(revision)
    end,
  },
  {
    name = "downgrade", summary = "Take revisions back.", options = { "revision", "timeout", "ttl_seconds" },
    add = function(command)
      add_connection(command)
      command:argument("revision", "Where to go: base, a revision, -1 …"):argname("<revision>"):convert(revision)
    end,
  },
  {
    name = "current", summary = "Show the revision of the database.", options = { "verbose", "timeout", "ttl_seconds" },
    add = function(command)
      add_connection(command)
      command:flag("-v --verbose", "Show the revision's file and message, too.")
    end,
  },
  { name = "history", summary = "List the revisions, newest first.", options = { "verbose" }, add = function(command)
    add_provider(command)
    command:flag("-v --verbose", "Show the revisions' files, too.")
  end },
  { name = "heads", summary = "List the newest revisions.", options = { "verbose" }, add = function(command)
    add_provider(command)
    command:flag("-v --verbose", "Show the revisions' files, too.")
  end },
  {
    name = "refresh", summary = "Bring changed identifiers, descriptions, labels and contracts to the catalog.",
    options = { "timeout" }, add = add_connection,
  },
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

-- "key: value" lines; lists with commas.
local function show(result)
  local core = require("mainsequence.core")
  for _, key in ipairs(core.keys(result)) do
    local value = result[key]
    if type(value) == "table" then value = core.json_encode(value, { unicode = true }) end
    cli.out(("%s: %s\n"):format(key, value == core.null and "none" or tostring(value)))
  end
end

---@param arguments table
---@return integer|nil status, any err
function M.run(arguments)
  local subcommand = find(arguments.subcommand)
  local migrations = require("mainsequence.meta_tables.migrations")
  local options = { report = cli.say, endpoint = arguments.endpoint }
  for _, name in ipairs(subcommand.options) do options[name] = arguments[name] end
  if subcommand.name == "revision" then options.autogenerate = not arguments.no_autogenerate end
  local result, err
  if subcommand.without_provider then
    result, err = migrations.commands[subcommand.name](options)
  else
    local provider
    provider, err = migrations.load_provider(arguments.provider)
    if provider then result, err = migrations.commands[subcommand.name](provider, options) end
  end
  if result == nil then return nil, err end
  if arguments.json then cli.out_json(result) else show(result) end
  return cli.DONE
end

return M
