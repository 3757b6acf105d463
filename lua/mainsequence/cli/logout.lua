-- mainsequence logout

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local logins = require("mainsequence.cli.logins")

local M = {}

function M.add_to_parser(parser, summary)
  local command = parser:command("logout", summary)
  cli.add_endpoint(command)
  cli.add_common(command)
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local endpoint, err = logins.server(options.endpoint)
  if not endpoint then return nil, err end
  local stored, problem = logins.is_stored(endpoint)
  if stored == nil then return nil, problem end
  if not stored then
    return nil, core.error { code = "authentication", message = "nobody is logged in to " .. endpoint }
  end
  local client, failure = core.client { endpoint = endpoint, login = endpoint }
  if not client then return nil, failure end
  local revoked, refusal = client:log_out()
  client:close()
  if revoked == nil then
    cli.say("mainsequence: the tokens are deleted here, but the server did not revoke them: " .. tostring(refusal))
  end
  if options.json then
    cli.out_json({ endpoint = endpoint, revoked = revoked or false })
  else
    cli.out(("logged out of %s\n"):format(endpoint))
  end
  return cli.DONE
end

return M
