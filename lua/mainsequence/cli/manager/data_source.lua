-- mainsequence manager data-source add | list | test | default | access | remove

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

local PATH = "/orm/api/ts_manager/data_sources/"

local function add_common(...)
  for _, command in ipairs({ ... }) do
    cli.add_endpoint(command)
    cli.add_common(command)
  end
end

local function add_uid(command)
  command:argument("data_source", "Its uid or name."):argname("<data source>")
end

function M.add_to_parser(parser)
  local group = parser:command("data-source", "Databases that tables live in."):command_target("subcommand")
    :require_command(true)
  local add = group:command("add", "Add a database.")
  add:option("--class", "postgresql or sqlite."):choices({ "postgresql", "sqlite" }):count(1)
  add:mutex(
    add:option("--uri-file", "PostgreSQL: file whose first line is the URI; others must not be able to read it.")
      :argname("<file>"),
    add:option("--uri-environment", "PostgreSQL: environment variable of the TS Manager that holds the URI.")
      :argname("<variable>"),
    add:option("--path", "SQLite: absolute path, or name of a file in the TS Manager's folder."):argname("<path>"))
  add:option("--name", "What it is called. Default: the name of the database or file."):argname("<name>")
  add:option("--fence", "PostgreSQL: what keeps statements apart. parser_only: no role for each user, where the TS Manager"
    .. " may not create roles."):choices({ "roles", "parser_only" })
  add:flag("--default", "Make it the data source of the project.")
  local list = group:command("list", "List them.")
  local test = group:command("test", "Say what a database lets the TS Manager do, and what is missing.")
  local default = group:command("default", "Make one the data source of the project.")
  local access = group:command("access", "Say what statements may do in one.")
  local remove = group:command("remove", "Forget one that has no tables in the catalog; the database stays as it is.")
  add_common(add, list, test, default, access, remove)
  for _, command in ipairs({ test, default, access, remove }) do add_uid(command) end
  access:argument("mode", "What is allowed."):choices({ "read_write", "read_only", "disabled" })
end

local function text(value)
  return (value == nil or value == core.null) and "" or tostring(value)
end

-- ---- Adding --------------------------------------------------------------------------------------

-- The file holds a password: one that others can read is refused rather than used once more.
local function read_uri(path)
  local permissions = require("lfs").attributes(path, "permissions")
  if not permissions then return nil, core.error { code = "io", message = ("cannot read '%s'"):format(path) } end
  if permissions:sub(4) ~= "------" then
    return nil, core.error { code = "io", message = ("'%s' holds a password and can be read by others"):format(path),
      hint = ("chmod 600 '%s'"):format(path) }
  end
  local file, reason = io.open(path, "r")
  if not file then return nil, core.error { code = "io", message = ("cannot read %s"):format(reason) } end
  local line = file:read("l")
  file:close()
  if not line or not line:find("%S") then
    return nil, core.error { code = "io", message = ("the first line of '%s' is no URI"):format(path) }
  end
  return (line:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function body_of(options)
  if options.class == "postgresql" and not options.uri_file and not options.uri_environment then
    cli.usage_error("a PostgreSQL data source needs --uri-file or --uri-environment")
  elseif options.class == "sqlite" and not options.path then
    cli.usage_error("a SQLite data source needs --path")
  elseif options.class == "sqlite" and options.fence then
    cli.usage_error("--fence is for PostgreSQL data sources")
  end
  local body = core.object("class_type", options.class)
  if options.uri_file then
    local uri, err = read_uri(options.uri_file)
    if not uri then return nil, err end
    body.uri = uri
  end
  body.uri_environment, body.path = options.uri_environment, options.path
  body.display_name, body.fence = options.name, options.fence
  if options.default then body.is_default = true end
  return body
end

-- ---- Showing -------------------------------------------------------------------------------------

local function missing_capabilities(source)
  local names = {}
  if type(source.capabilities) ~= "table" then return names end
  for _, name in ipairs(core.keys(source.capabilities)) do
    if not source.capabilities[name] then names[#names + 1] = name end
  end
  return names
end

local function describe(source)
  local lines = { ("data source %s (%s): %s"):format(source.uid, source.display_name, source.location) }
  local missing = missing_capabilities(source)
  if #missing > 0 then
    lines[2] = ("it lacks %s\n  hint: mainsequence manager data-source test %s says why"):format(
      table.concat(missing, ", "), source.uid)
  end
  return table.concat(lines, "\n")
end

local function show_list(options, sources)
  if options.json then
    cli.out_json(sources)
    return cli.DONE
  end
  if #sources == 0 then
    cli.say("There is no data source.")
    return cli.DONE
  end
  local rows = {}
  for position, source in ipairs(sources) do
    rows[position] = { source.uid, source.display_name, source.class_type, source.location,
      source.secret_kind == "none" and "" or source.secret_kind .. " " .. text(source.secret_name),
      source.is_default and "default" or "" }
  end
  cli.out_table({ "uid", "name", "class", "location", "secret", "" }, rows)
  return cli.DONE
end

local function show_test(options, report)
  if options.json then
    cli.out_json(report)
  else
    for _, check in ipairs(report.checks) do
      cli.out(("%-7s  %s: %s\n"):format(check.ok and "ok" or "missing", check.name, check.detail))
      if check.hint ~= core.null then cli.out(("         hint: %s\n"):format(check.hint)) end
    end
  end
  return report.ok and cli.DONE or cli.FAILED
end

-- ---- Running -------------------------------------------------------------------------------------

local function find(session, word)
  local sources, err = session:list(PATH)
  if not sources then return nil, err end
  local found
  for _, source in ipairs(sources) do
    if source.uid == word then return source end
    if source.display_name == word then
      if found then
        return nil, core.error { code = "conflict", message = ("two data sources have the name '%s'"):format(word),
          hint = "name one by its uid" }
      end
      found = source
    end
  end
  if found then return found end
  return nil, core.error { code = "not_found", message = ("there is no data source '%s'"):format(word),
    hint = "mainsequence manager data-source list shows them" }
end

local commands = {}

function commands.add(session, options)
  local body, err = body_of(options)
  if not body then return nil, err end
  local source, refused = session:call("POST", PATH, { body = body })
  if not source then return nil, refused end
  return require("mainsequence.cli.manager").answer(options, source, "added the " .. describe(source))
end

function commands.list(session, options)
  local sources, err = session:list(PATH)
  if not sources then return nil, err end
  return show_list(options, core.array(sources))
end

function commands.test(session, options, source)
  local report, err = session:call("POST", PATH .. source.uid .. "/test/", { body = core.object() })
  if not report then return nil, err end
  return show_test(options, report)
end

commands["default"] = function(session, options, source)
  local changed, err = session:call("PATCH", PATH .. source.uid .. "/", { body = core.object("is_default", true) })
  if not changed then return nil, err end
  return require("mainsequence.cli.manager").answer(options, changed, "the project uses the " .. describe(changed))
end

function commands.access(session, options, source)
  local changed, err = session:call("PATCH", PATH .. source.uid .. "/",
    { body = core.object("access_mode", options.mode) })
  if not changed then return nil, err end
  return require("mainsequence.cli.manager").answer(options, changed, ("the data source %s (%s) is now %s"):format(
    changed.uid, changed.display_name, changed.access_mode))
end

-- What became of the login roles of users; SQLite has none.
local ROLES = {
  [true] = "\nthe roles of its users were dropped",
  [false] = "\nthe database did not answer: the roles of its users are still there, without a password that counts"
    .. "\n  hint: add the database again, or in it, for each role that begins with mseq_user_:"
    .. ' DROP OWNED BY "<role>"; DROP ROLE "<role>"',
}

function commands.remove(session, options, source)
  local reply, err = session:call("DELETE", PATH .. source.uid .. "/")
  if not reply then return nil, err end
  return require("mainsequence.cli.manager").answer(options, reply, ("removed the data source %s (%s)%s"):format(source.uid,
    source.display_name, ROLES[reply.roles_dropped] or ""))
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  local source
  if options.data_source then
    source, err = find(session, options.data_source)
    if not source then return nil, err end
  end
  return commands[options.subcommand](session, options, source)
end

return M
