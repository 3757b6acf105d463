-- The TS Manager that a command talks to, and the line that says which.

local cli = require("mainsequence.cli")

local M = {}

---Opens the process's own session and says where it talks to. An --endpoint is set for the whole process, so that
---providers and models talk to the same place.
---@param options { endpoint: string? }
---@return mainsequence.Session|nil session, mainsequence.Error?
function M.open(options)
  local client = require("mainsequence.client")
  if options.endpoint then client.configure { endpoint = options.endpoint } end
  local session = client.session()
  local handle, err = session:client()
  if not handle then return nil, err end
  cli.say("mainsequence: talking to " .. handle:endpoint())
  return session
end

return M
