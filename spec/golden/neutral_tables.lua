-- The neutral table of the ddl files → a description of mainsequence/schema.h, and order for comparing.

local core = require("mainsequence.core")

local M = {}

---@param neutral table
---@return table description
function M.description(neutral)
  local copy = {}
  for key, value in pairs(neutral) do copy[key] = value end
  if copy.time_index then
    copy.kind, copy.meta, copy.time_index = "time_index", copy.time_index, nil
  elseif copy.platform_managed then
    copy.kind = "platform_managed"
  end
  copy.platform_managed = nil
  return copy
end

---Constraints and indexes of a description in an order of their own: by name, then by their text.
---@param description table  changed in place
function M.sort_objects(description)
  for _, list in ipairs({ "unique_constraints", "check_constraints", "foreign_keys", "indexes" }) do
    if description[list] then
      table.sort(description[list], function(a, b)
        return (a.name or "") .. core.json_encode(a) < (b.name or "") .. core.json_encode(b)
      end)
    end
  end
end

return M
