-- mainsequence login

local cli = require("mainsequence.cli")
local logins = require("mainsequence.cli.logins")

local M = {}

function M.add_to_parser(parser, summary)
  local command = parser:command("login", summary)
  command:option("--username", "Who logs in. Default: MAINSEQUENCE_USERNAME, else a question."):argname("<name>")
  command:option("--password-file", "File whose first line is the password; - is standard input."):argname("<file>")
  cli.add_endpoint(command)
  cli.add_common(command)
  command:epilog("The password is that of --password-file, else MAINSEQUENCE_PASSWORD, else a question on the terminal. "
    .. "Tokens go to the login store, which the Python SDK shares; that server is then the default.")
end

local function first_line(path)
  local file, reason = io.stdin, nil
  if path ~= "-" then file, reason = io.open(path, "rb") end
  if not file then cli.usage_error(("--password-file: %s"):format(reason)) end
  local line = file:read("l")
  if path ~= "-" then file:close() end
  line = line and line:gsub("\r$", "")
  if not line or line == "" then cli.usage_error(("--password-file: the first line of %s is empty"):format(path)) end
  return line
end

local function username_of(options)
  local name = options.username or logins.environment("MAINSEQUENCE_USERNAME")
  if name then return name end
  io.stderr:write("Username: ")
  name = (io.read("l") or ""):match("^%s*(.-)%s*$")
  if name == "" then cli.usage_error("no user was named", "name one with --username or MAINSEQUENCE_USERNAME") end
  return name
end

local function password_of(options, username, endpoint)
  if options.password_file then return first_line(options.password_file) end
  local password = os.getenv("MAINSEQUENCE_PASSWORD")
  if password and password ~= "" then return password end
  local text, err = require("mainsequence.core").read_password(("Password of %s at %s: "):format(username, endpoint))
  if not text then
    if err.code == "io" then
      cli.usage_error(err.message, "give it in a file (--password-file) or in MAINSEQUENCE_PASSWORD")
    end
    return nil, err
  end
  if text == "" then cli.usage_error("no password was given") end
  return text
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local endpoint, err = logins.server(options.endpoint)
  if not endpoint then return nil, err end
  local username = username_of(options)
  local password, problem = password_of(options, username, endpoint)
  if not password then return nil, problem end
  local client, failure = require("mainsequence.core").client { endpoint = endpoint }
  if not client then return nil, failure end
  local done, refusal = client:log_in(username, password)
  client:close()
  if not done then return nil, refusal end
  if options.json then
    cli.out_json({ endpoint = endpoint, username = username })
  else
    cli.out(("logged in to %s as %s\n"):format(endpoint, username))
  end
  logins.warn_of_environment(endpoint)
  return cli.DONE
end

return M
