-- The command `mainsequence`. It owns the exit codes; modules under it print results on standard output and
-- everything else on standard error, and give errors back.

local M = {}

---Exit codes.
M.DONE, M.FAILED, M.USAGE, M.UNREACHABLE = 0, 1, 2, 3

-- Command → its module. A command's own module is loaded only when it is asked for, so that each starts fast.
local COMMANDS = {
  { name = "migrations", summary = "Generate, apply and inspect revisions." },
  { name = "meta-table", summary = "List, show, search, label, share and delete the catalog's tables." },
  { name = "data-source", summary = "List data sources, or show one." },
  { name = "project", summary = "List projects, each with its data source." },
  { name = "contract", summary = "Show the contracts of models, or check a contract file." },
  { name = "fingerprint", summary = "Show the fingerprints of models." },
  { name = "manager", summary = "Administer a TS Manager: users, teams, tokens, data sources, its catalog." },
  { name = "serve", summary = "Put a TS Manager on HTTP." },
  { name = "login", summary = "Log in to a TS Manager; the login is stored." },
  { name = "logout", summary = "Revoke and delete a stored login." },
  { name = "whoami", summary = "Show who a TS Manager takes you for." },
  { name = "drift", summary = "Compare models with the live database and the catalog." },
}

local function module_of(name)
  return require("mainsequence.cli." .. name:gsub("-", "_"))
end

-- What stands for wrong usage on its way up.
local Usage = { __name = "mainsequence.usage" }

---A line on standard error.
---@param text string
function M.say(text)
  io.stderr:write(text, "\n")
end

---Text on standard output; a full disk or a closed pipe is an error like any other.
---@param text string
function M.out(text)
  local ok, reason = io.stdout:write(text)
  if not ok then error(("cannot write the result: %s"):format(reason), 0) end
end

---@param value any
function M.out_json(value)
  M.out(require("mainsequence.core").json_encode(value, { indent = true, unicode = true }) .. "\n")
end

---Rows as a table with a heading, columns as wide as their widest cell.
---@param heading string[]
---@param rows string[][]
function M.out_table(heading, rows)
  local lines, widths = { heading }, {}
  for _, row in ipairs(rows) do lines[#lines + 1] = row end
  for position in ipairs(heading) do
    widths[position] = 0
    for _, line in ipairs(lines) do
      widths[position] = math.max(widths[position], utf8.len(line[position]) or #line[position])
    end
  end
  for _, line in ipairs(lines) do
    local cells = {}
    for position, text in ipairs(line) do
      cells[position] = text .. (" "):rep(widths[position] - (utf8.len(text) or #text))
    end
    M.out((table.concat(cells, "  "):gsub("%s+$", "")) .. "\n")
  end
end

---Ends the command as wrongly used.
---@param message string
---@param hint string?
function M.usage_error(message, hint)
  error(setmetatable({ message = message, hint = hint }, Usage), 0)
end

-- ---- The parser ----------------------------------------------------------------------------------

local function find_command(word)
  for _, command in ipairs(COMMANDS) do
    if command.name == word then return command end
  end
end

---Options that every command has.
---@param parser table
function M.add_common(parser)
  parser:flag("--json", "Print the result as JSON, and nothing else, on standard output.")
  parser:flag("--traceback", "Show where in the code an error came from.")
end

---Options of commands that talk to a TS Manager.
---@param parser table
function M.add_endpoint(parser)
  parser:option("--endpoint", "TS Manager: a URL, local: or local:DIR. Default: MAINSEQUENCE_ENDPOINT, the login, local:.")
    :argname("<endpoint>")
end

---A converter for arguments that are whole numbers.
---@param minimum integer
---@param maximum integer?
---@return fun(text: string): integer?, string?
function M.whole_number(minimum, maximum)
  local range = maximum and ("from %d to %d"):format(minimum, maximum) or ("of at least %d"):format(minimum)
  return function(text)
    local number = text:find("^%d+$") and math.tointeger(tonumber(text))
    if number and number >= minimum and number <= (maximum or number) then return number end
    return nil, ("'%s' is no whole number %s"):format(text, range)
  end
end

local function build_parser(only)
  local parser = require("argparse")("mainsequence", "Declare tables in Lua, migrate, register and query them.")
  parser:command_target("command"):require_command(true)
  parser:flag("--version", "Show the version and exit; with --verbose also what it is made of.")
  parser:flag("--verbose"):hidden(true)
  parser:epilog("Exit status: 0 done, 1 failed, 2 wrong usage; drift: 1 differences, 3 out of reach.")
  for _, command in ipairs(COMMANDS) do
    if not only or only == command then
      module_of(command.name).add_to_parser(parser, command.summary)
    end
  end
  parser.error = function(at, message)
    local usage = at:get_usage()
    io.stderr:write(usage, "\n")
    -- argparse puts its suggestion on a second line.
    local problem, hint = message:match("^([^\n]*)\n?(.*)$")
    local group = usage:match("^Usage: (.-) %[")
    if hint == "" and group and (problem == "a command is required" or problem:find("^unknown command")) then
      hint = group .. " --help lists the commands"
    end
    M.usage_error(problem, hint ~= "" and hint:gsub("^D", "d"):gsub("\n", " ") or nil)
  end
  return parser
end

local function show_version(verbose)
  local core = require("mainsequence.core")
  M.out(("mainsequence %s\n"):format(core._VERSION))
  if verbose then require("mainsequence.cli.version").show() end
  return M.DONE
end

local function has(arguments, word)
  for _, argument in ipairs(arguments) do
    if argument == word then return true end
  end
  return false
end

-- ---- Running -------------------------------------------------------------------------------------

-- Standard output is for results: what model scripts and revisions print goes to standard error.
local function divert_output()
  function _G.print(...)
    local words = table.pack(...)
    for position = 1, words.n do words[position] = tostring(words[position]) end
    M.say(table.concat(words, "\t"))
  end
  io.output(io.stderr)
end

local function run(arguments)
  local first = arguments[1]
  if first == nil then
    M.say(build_parser():get_help())
    return M.USAGE
  end
  if first == "--version" or (first == "--verbose" and has(arguments, "--version")) then
    return show_version(has(arguments, "--verbose"))
  end
  local command = find_command(first)
  local prepare = command and module_of(first).prepare
  local options = build_parser(command):parse(prepare and prepare(arguments) or arguments)
  divert_output()
  local status, err = module_of(options.command).run(options)
  if status == nil then error(err, 0) end
  return status
end

local function failure_status(err)
  if type(err) == "table" and (getmetatable(err) == Usage or rawget(err, "code") == "usage") then return M.USAGE end
  return M.FAILED
end

local function describe(err)
  if type(err) == "table" and getmetatable(err) == Usage then
    return err.message .. (err.hint and "\n  hint: " .. err.hint or "")
  end
  local text = tostring(err)
  -- Lua lists every place that it searched for a module.
  local missing = text:match("^(.-module '[^']+' not found):")
  if not missing then return text end
  return missing .. "\n  hint: start it in the folder that holds the module, or name that folder in LUA_PATH"
end

---Says an error on standard error, as the command does at its end.
---@param err any
function M.report_error(err)
  M.say("mainsequence: " .. describe(err))
end

---Runs the command.
---@param arguments string[]
---@return integer status
function M.main(arguments)
  local original_print, original_output = print, io.output()
  local traced = has(arguments, "--traceback") or (os.getenv("MSEQ_DEBUG") or "") ~= ""
  local trace
  local ok, result = xpcall(run, function(err)
    if traced then trace = debug.traceback(nil, 2) end
    return err
  end, arguments)
  local client = package.loaded["mainsequence.client"]
  if client then client.session():close() end
  _G.print = original_print
  io.output(original_output)
  local flushed, reason = io.stdout:flush()
  if ok and not flushed then ok, result = false, ("cannot write the result: %s"):format(reason) end
  if ok then return result end
  M.report_error(result)
  if trace then M.say(trace) end
  return failure_status(result)
end

return M
