-- mainsequence manager team add | list | show | delete | add-member | remove-member

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local group = require("mainsequence.cli.manager.group")

local M = {}

local function team(command)
  command:argument("team", "Name, or uid."):argname("<team>")
end

local function member(command)
  team(command)
  command:argument("user", "Username, or uid."):argname("<user>")
end

function M.add_to_parser(parser)
  group.add_to_parser(parser, "team", "Users whom tables are shared with together.", {
    { "add", "Add a team.", function(command)
      team(command)
      command:option("--description"):argname("<text>")
    end },
    { "list", "List the teams." },
    { "show", "Show a team and its members.", team },
    { "delete", "Delete a team, and what was shared with it.", team },
    { "add-member", "Put a user in a team.", member },
    { "remove-member", "Take a user out of a team.", member },
  })
end

local actions = {}

function actions.add(session, options)
  local body = core.object("name", options.team)
  body.description = options.description
  return group.call(session, options, "POST", group.path("teams"), body, ("added the team %s"):format(options.team))
end

function actions.list(session, options)
  return group.list(session, options, "teams", { "id", "name", "members", "description", "uid" }, function(row)
    return { group.text(row.id), row.name, group.text(row.member_count), row.description, row.uid }
  end)
end

function actions.show(session, options)
  local found, err = session:call("GET", group.path("teams", options.team))
  if not found then return nil, err end
  if options.json then
    cli.out_json(found)
    return cli.DONE
  end
  cli.out(("%s, id %s, uid %s\n%s"):format(found.name, group.text(found.id), found.uid,
    found.description ~= "" and found.description .. "\n" or ""))
  local lines = {}
  for position, user in ipairs(found.members) do
    lines[position] = { group.text(user.id), user.username, user.email }
  end
  cli.out_table({ "id", "username", "email" }, lines)
  return cli.DONE
end

function actions.delete(session, options)
  return group.call(session, options, "DELETE", group.path("teams", options.team), nil,
    ("deleted the team %s"):format(options.team))
end

local function change_member(session, options, verb, text)
  return group.call(session, options, "POST", group.path("teams", options.team, verb),
    core.object("user", options.user), text:format(options.user, options.team))
end

actions["add-member"] = function(session, options)
  return change_member(session, options, "add-member", "%s is in the team %s")
end
actions["remove-member"] = function(session, options)
  return change_member(session, options, "remove-member", "%s is not in the team %s")
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  return group.run(options, actions)
end

return M
