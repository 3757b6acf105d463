--- Where the command gets a password from: a file, the environment, or whoever sits at the terminal. Never from
--- the command line, which other users of the machine can see.

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

M.VARIABLE = "MAINSEQUENCE_PASSWORD"

---@param parser table
function M.add_to_parser(parser)
  parser:option("--password-file", ("File whose first line is the password; - is standard input. Default: %s, else it"
    .. " is asked for at the terminal."):format(M.VARIABLE)):argname("<file>")
end

local function from_file(name)
  local file, reason = io.stdin, nil
  if name ~= "-" then file, reason = io.open(name, "rb") end
  if not file then
    return nil, core.error { code = "io", message = ("the password file cannot be read: %s"):format(reason) }
  end
  local line = file:read("l")
  if name ~= "-" then file:close() end
  line = line and line:gsub("\r$", "")
  if not line or line == "" then
    return nil, core.error { code = "request", message = ("the password file '%s' starts with an empty line"):format(name) }
  end
  return line
end

-- The shell gives the terminal its echo back whatever ends it.
local ASK = [[exec </dev/tty 2>/dev/null || exit 1
before=$(stty -g) || exit 1
trap 'stty "$before"' EXIT
trap 'exit 1' INT TERM HUP
stty -echo
IFS= read -r line || exit 1
printf '%s' "$line"]]

local function from_terminal(question)
  io.stderr:write(question, ": ")
  local shell <close> = assert(io.popen(ASK, "r"))
  local line = shell:read("a")
  io.stderr:write("\n")
  return line ~= "" and line or nil
end

---A password; `twice` asks the terminal for it a second time.
---@param options { password_file: string? }
---@param username string
---@param twice boolean
---@return string|nil password, mainsequence.Error?
function M.read(options, username, twice)
  if options.password_file then return from_file(options.password_file) end
  local set = os.getenv(M.VARIABLE)
  if set and set ~= "" then return set end
  local password = from_terminal(("Password of %s"):format(username))
  if not password then
    cli.usage_error("there is no password, and no terminal to ask for one",
      ("pass --password-file, or set %s"):format(M.VARIABLE))
  end
  if twice and from_terminal("The same again") ~= password then
    return nil, core.error { code = "request", message = "the two passwords differ" }
  end
  return password
end

return M
