-- mainsequence manager …: the TS Manager's own administration. Each group is a module beside this one.

local cli = require("mainsequence.cli")

local M = {}

local GROUPS = { "user", "team", "token", "data-source", "operations", "upgrade" }

local function module_of(name)
  return require("mainsequence.cli.manager." .. name:gsub("-", "_"))
end

function M.add_to_parser(parser, summary)
  local command = parser:command("manager", summary):command_target("group"):require_command(true)
  for _, name in ipairs(GROUPS) do module_of(name).add_to_parser(command) end
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  return module_of(options.group).run(options)
end

---Says that something was done.
---@param options { json: boolean? }
---@param document table the reply
---@param text string what a reader wants to know of it
---@return integer status
function M.answer(options, document, text)
  if options.json then cli.out_json(document) else cli.out(text .. "\n") end
  return cli.DONE
end

return M
