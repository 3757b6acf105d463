-- mainsequence project list: the value of MAIN_SEQUENCE_PROJECT_UID.

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

local PATH = "/orm/api/pods/projects/"

function M.add_to_parser(parser, summary)
  local group = parser:command("project", summary):command_target("subcommand"):require_command(true)
  local list = group:command("list", "List projects: the uid is what MAIN_SEQUENCE_PROJECT_UID wants.")
  cli.add_endpoint(list)
  cli.add_common(list)
end

local function text(value)
  return (value == nil or value == core.null) and "" or tostring(value)
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  local rows, refusal = session:list(PATH)
  if not rows then return nil, refusal end
  if options.json then
    cli.out_json(rows)
    return cli.DONE
  end
  local lines = {}
  for position, row in ipairs(rows) do
    local source = type(row.data_source) == "table" and row.data_source or {}
    local related = type(source.related_resource) == "table" and source.related_resource or source
    lines[position] = { text(row.uid), text(row.project_name), text(source.uid), text(related.class_type) }
  end
  cli.out_table({ "uid", "project", "data source", "class" }, lines)
  return cli.DONE
end

return M
