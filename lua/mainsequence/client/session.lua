--- One place to talk to: an endpoint and its settings. The client itself is opened at the first call, so
--- that loading a module never touches a file or a network.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")

local M = {}

---@class mainsequence.ClientOptions
---@field endpoint string? a URL, "local:" or "local:FOLDER"
---@field home string? folder of the embedded TS Manager for "local:"
---@field access_token string? credentials left out come from the environment, else from the stored login
---@field refresh_token string?
---@field authentication "jwt"|"session_jwt"|"runtime_credential"|nil default: jwt
---@field runtime_credential_id string?
---@field runtime_credential_secret string?
---@field project_uid string? default: MAIN_SEQUENCE_PROJECT_UID
---@field timeout number? seconds for each call; default 120

local OPTIONS = {
  "access_token", "authentication", "endpoint", "home", "project_uid", "refresh_token", "runtime_credential_id",
  "runtime_credential_secret", "timeout",
}
local MODES = { jwt = true, session_jwt = true, runtime_credential = true }

---@class mainsequence.Session
---@field options mainsequence.ClientOptions
---@field source string? what decided the endpoint
local Session = { __name = "mainsequence.session" }
Session.__index = Session

function Session:__tostring()
  return ("session (%s)"):format(self.opened and self.opened:endpoint() or self.options.endpoint or "not opened yet")
end

---Checks options; what is wrong blames `place`.
---@param what string
---@param options mainsequence.ClientOptions
---@param place mainsequence.Place?
---@return mainsequence.ClientOptions copy
function M.check_options(what, options, place)
  fault.check_options(place, what, options, OPTIONS)
  local copy = {}
  for _, name in ipairs(OPTIONS) do
    local value = options[name]
    if name == "timeout" then
      if value ~= nil and (type(value) ~= "number" or value <= 0 or value ~= value) then
        fault.raise(place, ("%s: timeout is a number of seconds above 0, got %s"):format(what, fault.show(value)))
      end
    elseif value ~= nil and (type(value) ~= "string" or not value:find("%S")) then
      fault.raise(place, ("%s: %s is %s, not text"):format(what, name, fault.show(value)))
    elseif name == "authentication" and value ~= nil and not MODES[value] then
      fault.raise(place, ("%s: authentication is %s, not jwt, session_jwt or runtime_credential"):format(what, fault.show(value)))
    end
    copy[name] = value
  end
  return copy
end

---@param options mainsequence.ClientOptions
---@return mainsequence.Session
function M.new(options)
  return setmetatable({ options = options }, Session)
end

---The open client.
---@return mainsequence.Client|nil client, mainsequence.Error?
function Session:client()
  if self.opened then
    return self.opened
  end
  local options = self.options
  local client, source = core.client({
    endpoint = options.endpoint, home = options.home, access_token = options.access_token,
    refresh_token = options.refresh_token, authentication = options.authentication,
    runtime_credential_id = options.runtime_credential_id, runtime_credential_secret = options.runtime_credential_secret,
    project_uid = options.project_uid,
    timeout_ms = options.timeout and math.max(1, math.floor(options.timeout * 1000)) or nil,
  })
  if not client then
    return nil, source
  end
  self.opened, self.source = client, source
  return client
end

---Where it talks to, without opening it.
---@return string|nil endpoint, string|mainsequence.Error source_or_err
function Session:endpoint()
  if self.opened then
    return self.opened:endpoint(), self.source
  end
  return core.resolve_endpoint(self.options.endpoint)
end

---@return any|nil body nil also where the reply has none, or null
---@return integer|mainsequence.Error status_or_err
function Session:call(method, path, options)
  local client, err = self:client()
  if not client then
    return nil, err
  end
  local body, status_or_err = client:call(method, path, options)
  if body == core.null then
    return nil, status_or_err
  end
  return body, status_or_err
end

---All pages of a list.
---@return table[]|nil rows, mainsequence.Error?
function Session:list(path, query)
  local client, err = self:client()
  if not client then
    return nil, err
  end
  return client:list(path, query)
end

---One page of a list: the collection's path, or the `next` of an earlier page (then without query).
---@return table[]|nil rows, string|mainsequence.Error|nil next_or_err
function Session:page(link, query)
  local client, err = self:client()
  if not client then
    return nil, err
  end
  return client:page(link, query)
end

---Several calls side by side; the results come in their order, each with `body` or `error`.
---@param calls { path: string, method: string?, query: table?, body: any }[]  method: default GET
---@return { body: any, error: mainsequence.Error? }[]|nil results, mainsequence.Error?
function Session:parallel(calls)
  local client, err = self:client()
  if not client then
    return nil, err
  end
  return client:parallel(calls)
end

---Closes the client; the next call opens it again.
function Session:close()
  if self.opened then
    self.opened:close()
    self.opened = nil
  end
end

return M
