-- What login, logout and whoami share.

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

local TOKENS = { "MAINSEQUENCE_ACCESS_TOKEN", "MAINSEQUENCE_REFRESH_TOKEN", "MAINSEQUENCE_RUNTIME_CREDENTIAL_ID" }

---A variable of the environment; blank counts as unset.
---@param name string
---@return string?
function M.environment(name)
  local value = os.getenv(name)
  return value and value:find("%S") and value or nil
end

---The server that is meant: --endpoint, else as everywhere. The embedded TS Manager knows no logins.
---@param given string?
---@return string|nil endpoint, any err
function M.server(given)
  local endpoint, source = core.resolve_endpoint(given)
  if not endpoint then return nil, source end
  if endpoint:find("^local:") then
    cli.usage_error(("%s is the embedded TS Manager, which needs no login"):format(endpoint),
      "name a server with --endpoint or MAINSEQUENCE_ENDPOINT")
  end
  return endpoint
end

---Whether the store holds a login to a server.
---@param endpoint string
---@return boolean|nil found, any err
function M.is_stored(endpoint)
  local logins, err = core.logins()
  if not logins then return nil, err end
  for _, login in ipairs(logins) do
    if login.endpoint == endpoint then return true end
  end
  return false
end

---Credentials of the environment go before the stored ones, which whoever has just logged in may not expect.
---@param endpoint string
function M.warn_of_environment(endpoint)
  local named = M.environment("MAINSEQUENCE_ENDPOINT")
  if named and core.resolve_endpoint() ~= endpoint then return end
  for _, name in ipairs(TOKENS) do
    if M.environment(name) then
      cli.say(("mainsequence: %s is set and goes before the stored login"):format(name))
      return
    end
  end
end

return M
