-- The TS Manager that a command talks to, and the line that says which.

local cli = require("mainsequence.cli")

local M = {}

---@param options { endpoint: string? }
---@return mainsequence.Client|nil client, mainsequence.Error?
function M.open(options)
  local client, err = require("mainsequence.client").open { endpoint = options.endpoint }
  if not client then return nil, err end
  cli.say("mainsequence: talking to " .. client:endpoint())
  return client
end

return M
