-- mainsequence meta-table delete | label

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local tables = require("mainsequence.cli.tables")

local M = {}

local FLAGS = {
  "full_delete_selected", "full_delete_downstream_tables", "delete_with_no_table", "override_protection",
}

-- Asks for the physical name; an answer that is another, or none, leaves everything as it is.
local function is_confirmed(row, options)
  if options.yes then return true end
  io.stderr:write(("Type the physical name (%s) to delete %s: "):format(row.physical_table_name,
    options.full_delete_selected and "the table" or "the catalog entry"))
  return (io.read("l") or "") == row.physical_table_name
end

---@param session mainsequence.Session
---@param options table
---@return integer|nil status, any err
function M.delete(session, options)
  local row, class = tables.find(session, options.table)
  if not row then return nil, class end
  if not is_confirmed(row, options) then
    cli.say("Nothing was deleted.")
    return cli.FAILED
  end
  local flags = {}
  for _, flag in ipairs(FLAGS) do flags[flag] = options[flag] or nil end
  local reply, err = class.methods.delete(row.uid, flags)
  if not reply then return nil, err end
  if options.json then
    cli.out_json(core.object("uid", row.uid, "physical_table_name", row.physical_table_name, "deleted", true,
      "reply", type(reply) == "table" and reply or core.null))
  else
    cli.out(("deleted %s (%s)\n"):format(row.physical_table_name, row.uid))
  end
  return cli.DONE
end

---@param session mainsequence.Session
---@param options table
---@return integer|nil status, any err
function M.label(session, options)
  for _, labels in ipairs({ options.add or {}, options.remove or {} }) do
    for _, label in ipairs(labels) do
      if not label:find("%S") then cli.usage_error("a label has at least one character") end
    end
  end
  local row, class = tables.find(session, options.table)
  if not row then return nil, class end
  local names = row.labels
  for _, change in ipairs({ { "add_label", options.add }, { "remove_label", options.remove } }) do
    local method, labels = table.unpack(change)
    if labels and #labels > 0 then
      local set, err = class.methods[method](row.uid, labels)
      if not set then return nil, err end
      names = core.array({})
      for position, label in ipairs(set.labels) do names[position] = label.name end
    end
  end
  if options.json then
    cli.out_json(core.object("uid", row.uid, "physical_table_name", row.physical_table_name, "labels", names))
    return cli.DONE
  end
  if #names == 0 then cli.say(row.physical_table_name .. " has no labels.") end
  for _, name in ipairs(names) do cli.out(name .. "\n") end
  return cli.DONE
end

return M
