-- mainsequence meta-table share

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local replies = require("mainsequence.client.replies")
local tables = require("mainsequence.cli.tables")

local M = {}

-- Option → the client's method, "%s" for the level.
local CHANGES = {
  { "add_user", "add_to_%s" }, { "remove_user", "remove_from_%s" },
  { "add_team", "add_team_to_%s" }, { "remove_team", "remove_team_from_%s" },
}

local function change(class, row, options)
  for _, entry in ipairs(CHANGES) do
    local option, method = table.unpack(entry)
    for _, id in ipairs(options[option] or {}) do
      local reply, err = class.methods[method:format(options.level)](row.uid, id)
      if not reply then return nil, err end
      if type(reply.detail) == "string" then cli.say(reply.detail) end
    end
  end
  return true
end

local function add_lines(lines, level, state)
  for _, user in ipairs(state.users) do
    lines[#lines + 1] = { level, "user", tables.text(user.id), user.username,
      (user.first_name .. " " .. user.last_name):match("^%s*(.-)%s*$") }
  end
  for _, team in ipairs(state.teams) do
    lines[#lines + 1] = { level, "team", tables.text(team.id), team.name, team.description }
  end
end

---@param session mainsequence.Session
---@param options table
---@return integer|nil status, any err
function M.share(session, options)
  local row, class = tables.find(session, options.table)
  if not row then return nil, class end
  local changed, change_error = change(class, row, options)
  if not changed then return nil, change_error end
  local lines, states = {}, core.object("uid", row.uid, "physical_table_name", row.physical_table_name)
  for _, level in ipairs({ "view", "edit" }) do
    local state, err = class.methods["can_" .. level](row.uid)
    if not state then return nil, err end
    states[level] = replies.document(replies.AccessState, state)
    add_lines(lines, level, state)
  end
  if options.json then
    cli.out_json(states)
  elseif #lines == 0 then
    cli.say("It is shared with nobody.")
  else
    cli.out_table({ "may", "", "id", "name", "" }, lines)
  end
  return cli.DONE
end

return M
