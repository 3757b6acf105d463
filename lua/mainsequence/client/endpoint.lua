--- Where a client talks to: the argument, else MAINSEQUENCE_ENDPOINT, else the stored login, else the
--- embedded TS Manager (`local:`). Never a silent switch.

local core = require("mainsequence.core")

local M = {}

-- Settings that make no sense without a server to send them to.
local TOKENS = {
  "MAINSEQUENCE_ACCESS_TOKEN", "MAINSEQUENCE_REFRESH_TOKEN", "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID",
  "MAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET",
}

local function failure(message, hint)
  return nil, core.error({ code = "endpoint", message = message, hint = hint })
end

---A variable of the environment; blank counts as unset.
---@param name string
---@return string?
function M.environment(name)
  local value = os.getenv(name)
  value = value and value:match("^%s*(.-)%s*$")
  return value ~= "" and value or nil
end

---Checks the form of an endpoint and takes slashes off its end.
---@param endpoint string
---@param from string who says so, for messages
---@return string|nil endpoint, mainsequence.Error?
function M.check(endpoint, from)
  if endpoint:match("^local:") then
    return endpoint
  end
  local scheme = endpoint:match("^(%a[%w+.-]*)://")
  if scheme and (scheme:lower() == "http" or scheme:lower() == "https") then
    if not endpoint:match("^%a+://[^/?#]+") then
      return failure(("%s: '%s' names no host"):format(from, endpoint))
    end
    return (endpoint:gsub("/+$", ""))
  end
  return failure(("%s: '%s' is no endpoint"):format(from, endpoint),
    "an endpoint is https://host, http://host:port, local: or local:FOLDER")
end

local function read_json(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  local value, err = core.json_decode(text or "")
  if value == nil then
    return failure(("the login store %s is not readable JSON: %s"):format(path, err.message),
      "repair or delete the file")
  end
  return value
end

local function store_folder()
  local base = M.environment("XDG_CONFIG_HOME") or (M.environment("HOME") and M.environment("HOME") .. "/.config")
  return base and base .. "/mainsequence"
end

local function logins_of(store)
  local origins = {}
  if type(store) == "table" and type(store.by_backend) == "table" then
    for _, origin in ipairs(core.keys(store.by_backend)) do
      local login = store.by_backend[origin]
      if type(login) == "table" and (type(login.access) == "string" or type(login.refresh) == "string") then
        origins[#origins + 1] = origin
      end
    end
  end
  return origins
end

---The origin of the stored login (the store is that of the Python SDK); nil when nobody logged in.
---@return string|nil endpoint, mainsequence.Error?
function M.stored_login()
  local folder = store_folder()
  if not folder then
    return nil
  end
  local store, err = read_json(folder .. "/auth.json")
  if store == nil then
    return nil, err
  end
  local origins = logins_of(store)
  if #origins <= 1 then
    return origins[1]
  end
  local config, config_error = read_json(folder .. "/config.json")
  if config_error then
    return nil, config_error
  end
  for _, origin in ipairs(origins) do
    if type(config) == "table" and config.backend_url == origin then
      return origin
    end
  end
  return failure(("there are logins for several servers: %s"):format(table.concat(origins, ", ")),
    "choose one with MAINSEQUENCE_ENDPOINT")
end

---@param explicit string? the caller's own choice
---@return string|nil endpoint, string|mainsequence.Error source_or_err  "argument", "environment", "login" or "default"
function M.resolve(explicit)
  if explicit ~= nil then
    local endpoint, err = M.check(explicit, "endpoint")
    return endpoint, err or "argument"
  end
  local from_environment = M.environment("MAINSEQUENCE_ENDPOINT")
  if from_environment then
    local endpoint, err = M.check(from_environment, "MAINSEQUENCE_ENDPOINT")
    return endpoint, err or "environment"
  end
  for _, name in ipairs(TOKENS) do
    if M.environment(name) then
      return failure(("%s is set, but no endpoint to send it to"):format(name),
        "set MAINSEQUENCE_ENDPOINT to the server's URL, or to local: for the embedded TS Manager, or unset " .. name)
    end
  end
  local login, login_error = M.stored_login()
  if login_error then
    return nil, login_error
  end
  if login then
    local endpoint, err = M.check(login, "the stored login")
    return endpoint, err or "login"
  end
  return "local:", "default"
end

return M
