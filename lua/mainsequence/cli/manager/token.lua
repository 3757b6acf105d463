-- mainsequence manager token create | list | revoke

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local group = require("mainsequence.cli.manager.group")

local M = {}

function M.add_to_parser(parser)
  group.add_to_parser(parser, "token", "Access tokens and runtime credentials for programs.", {
    { "create", "Make one, and show its secret: this once.", function(command)
      command:argument("name", "What it is for."):argname("<name>")
      command:option("--user", "Whose it is. Default: the caller's."):argname("<user>")
      command:flag("--runtime-credential", "An id and a secret that programs exchange for short-lived tokens.")
      command:mutex(
        command:option("--days", "How long it lasts. Default: 90."):argname("<number>"):convert(cli.whole_number(1)),
        command:flag("--never-expires"))
    end },
    { "list", "List them, without their secrets." },
    { "revoke", "End one.", function(command)
      command:argument("token", "Its uid."):argname("<uid>")
    end },
  })
end

local actions = {}

-- What a program needs goes to standard output alone, so that a script can take it from there.
function actions.create(session, options)
  local body = core.object("name", options.name)
  body.user = options.user
  body.kind = options.runtime_credential and "runtime_credential" or "personal"
  if options.never_expires then body.expires_in_days = core.null else body.expires_in_days = options.days end
  return group.call(session, options, "POST", group.path("tokens"), body, function(token)
    cli.say(("made the token %s of %s; its secret is not shown again"):format(token.uid, token.username))
    if not options.runtime_credential then return token.access end
    return ("MAINSEQUENCE_RUNTIME_CREDENTIAL_ID=%s\nMAINSEQUENCE_RUNTIME_CREDENTIAL_SECRET=%s"):format(
      token.credential_id, token.credential_secret)
  end)
end

function actions.list(session, options)
  return group.list(session, options, "tokens", { "uid", "kind", "name", "user", "expires" }, function(token)
    local expires = group.text(token.expires_at)
    return { token.uid, token.kind, group.text(token.name), token.username, expires == "" and "never" or expires }
  end)
end

function actions.revoke(session, options)
  return group.call(session, options, "DELETE", group.path("tokens", options.token), nil,
    ("revoked the token %s"):format(options.token))
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  return group.run(options, actions)
end

return M
