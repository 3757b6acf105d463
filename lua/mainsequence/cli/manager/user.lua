-- mainsequence manager user add | list | enable | disable | passwd

local core = require("mainsequence.core")
local group = require("mainsequence.cli.manager.group")
local password = require("mainsequence.cli.password")

local M = {}

local function name(command)
  command:argument("user", "Username, or uid."):argname("<user>")
end

function M.add_to_parser(parser)
  group.add_to_parser(parser, "user", "Who may use the TS Manager.", {
    { "add", "Add a user.", function(command)
      command:argument("user", "Username: letters, digits and . _ - @ +"):argname("<user>")
      command:option("--email"):argname("<address>")
      command:option("--first-name"):argname("<name>")
      command:option("--last-name"):argname("<name>")
      command:flag("--admin", "An admin of the organization: may do everything.")
      command:flag("--no-password", "They log in with tokens only.")
      password.add_to_parser(command)
    end },
    { "list", "List the users." },
    { "disable", "End a user's sessions, and let none of their tokens count.", name },
    { "enable", "Undo disable.", name },
    { "passwd", "Set a user's password. Their sessions end.", function(command)
      name(command)
      password.add_to_parser(command)
    end },
  })
end

local actions = {}

function actions.add(session, options)
  local body = core.object("username", options.user)
  body.email, body.first_name, body.last_name = options.email, options.first_name, options.last_name
  body.is_organization_admin = options.admin or false
  if not options.no_password then
    local secret, err = password.read(options, options.user, true)
    if not secret then return nil, err end
    body.password = secret
  end
  return group.call(session, options, "POST", group.path("users"), body, ("added the user %s"):format(options.user))
end

function actions.list(session, options)
  return group.list(session, options, "users", { "id", "username", "email", "", "", "uid" }, function(user)
    return { group.text(user.id), user.username, user.email, user.is_organization_admin and "admin" or "",
      user.is_disabled and "disabled" or "", user.uid }
  end)
end

local function set_disabled(session, options, disabled)
  return group.call(session, options, "PATCH", group.path("users", options.user),
    core.object("is_disabled", disabled), ("%s the user %s"):format(disabled and "disabled" or "enabled", options.user))
end

function actions.disable(session, options) return set_disabled(session, options, true) end
function actions.enable(session, options) return set_disabled(session, options, false) end

function actions.passwd(session, options)
  local secret, err = password.read(options, options.user, true)
  if not secret then return nil, err end
  return group.call(session, options, "POST", group.path("users", options.user, "set-password"),
    core.object("password", secret), ("set the password of %s"):format(options.user))
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  return group.run(options, actions)
end

return M
