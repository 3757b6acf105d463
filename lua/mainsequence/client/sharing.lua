--- Who may view and who may edit a table: users and teams, by their numbers.

local core = require("mainsequence.core")
local fault = require("mainsequence.schema.fault")
local replies = require("mainsequence.client.replies")
local resource = require("mainsequence.client.resource")

local M = {}

---@class mainsequence.AccessState
---@field object_id integer
---@field object_type string
---@field access_level "view"|"edit"
---@field users { id: integer?, uid: string?, username: string, first_name: string, last_name: string, email: string }[]
---@field teams { id: integer?, uid: string?, name: string, description: string, member_count: integer }[]

-- The number of a user or a team: itself, or of an object that has one.
local function subject_of(what, subject, place)
  local id = subject
  if type(subject) == "table" then
    id = subject.id
  end
  if math.type(id) ~= "integer" then
    fault.raise(place, ("%s takes the id of a user or a team, or an object with one, got %s"):format(what, fault.show(id)))
  end
  return id
end

local CHANGES = {
  { "add_to_view", "add-to-view/", "user_id" }, { "remove_from_view", "remove-from-view/", "user_id" },
  { "add_to_edit", "add-to-edit/", "user_id" }, { "remove_from_edit", "remove-from-edit/", "user_id" },
  { "add_team_to_view", "add-team-to-view/", "team_id" }, { "remove_team_from_view", "remove-team-from-view/", "team_id" },
  { "add_team_to_edit", "add-team-to-edit/", "team_id" }, { "remove_team_from_edit", "remove-team-from-edit/", "team_id" },
}

local STATES = { can_view = "can-view/", can_edit = "can-edit/" }
local ALIASES = {
  users_can_view = "can_view", list_users_can_view = "can_view",
  users_can_edit = "can_edit", list_users_can_edit = "can_edit",
}

---Gives a class the calls of sharing:
---add_to_view, add_to_edit, remove_from_view, remove_from_edit (object, user), the same with a team
---(add_team_to_view …), and can_view, can_edit (object) → mainsequence.AccessState. A change gives the reply's object.
---@param class table
function M.add(class)
  local methods, session, name = class.methods, class.session, class.name
  for _, change in ipairs(CHANGES) do
    local method, suffix, key = table.unpack(change)
    local what = ("%s.%s"):format(name, method)
    methods[method] = function(object, subject)
      local place = fault.here(1)
      local body = core.object(key, subject_of(what, subject, place))
      local reply, err = session:call("POST", class.path_of(what, object, place, suffix), { body = body })
      if resource.failed(reply, err) then
        return nil, err
      end
      if reply == nil then
        return core.object()
      end
      return resource.object(reply, what)
    end
  end
  for method, suffix in next, STATES do
    local what = ("%s.%s"):format(name, method)
    methods[method] = function(object)
      local place = fault.here(1)
      local reply, err = session:call("GET", class.path_of(what, object, place, suffix))
      if resource.failed(reply, err) then
        return nil, err
      end
      return resource.read(replies.AccessState, reply, what)
    end
  end
  for alias, method in next, ALIASES do
    methods[alias] = methods[method]
  end
end

return M
