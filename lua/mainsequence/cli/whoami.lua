-- mainsequence whoami

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

function M.add_to_parser(parser, summary)
  local command = parser:command("whoami", summary)
  cli.add_endpoint(command)
  cli.add_common(command)
end

local function text(value)
  return type(value) == "string" and value or nil
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  local details, refusal = session:call("GET", "/user/api/user/get_user_details/")
  if details == nil then return nil, refusal end
  if type(details) ~= "table" then
    return nil, core.error { code = "transport", message = "the server's answer is no user" }
  end
  local user = type(details.user) == "table" and details.user or details
  local organization = type(user.organization) == "table" and user.organization.name or user.organization_name
  local username = text(user.username)
  if not username then
    return nil, core.error { code = "transport", message = "the server's answer names no user" }
  end
  local endpoint = session:endpoint()
  if options.json then
    cli.out_json(core.object("endpoint", endpoint, "username", username, "organization", text(organization) or core.null,
      "user", user))
  else
    cli.out(("%s%s at %s\n"):format(username, text(organization) and (" (%s)"):format(organization) or "", endpoint))
  end
  return cli.DONE
end

return M
