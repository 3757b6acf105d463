-- mainsequence data-source list | detail

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local tables = require("mainsequence.cli.tables")

local M = {}

local text = tables.text

function M.add_to_parser(parser, summary)
  local group = parser:command("data-source", summary):command_target("subcommand"):require_command(true)
  local list = group:command("list", "List data sources.")
  list:option("--status", "Only those of this status, such as AVAILABLE."):argname("<status>")
  local detail = group:command("detail", "Show one data source.")
  detail:argument("uid", "Its uid; the project's own when there is none."):argname("<uid>"):args("?")
  for _, command in ipairs({ list, detail }) do
    cli.add_endpoint(command)
    cli.add_common(command)
  end
end

local function list_sources(session, options)
  local class = session.classes.DynamicTableDataSource
  local found, err = class.methods.filter({ related_resource__status = options.status })
  if not found then return nil, err end
  local documents, lines = core.array({}), {}
  for position, source in ipairs(found) do
    documents[position] = class.document(source)
    lines[position] = { text(source.uid), source.related_resource_class_type, source.related_resource.status,
      source.related_resource.display_name }
  end
  if options.json then
    cli.out_json(documents)
  elseif #lines == 0 then
    cli.say("There is no such data source.")
  else
    cli.out_table({ "uid", "class", "status", "name" }, lines)
  end
  return cli.DONE
end

local function show_source(session, options)
  local class = session.classes.DynamicTableDataSource
  local source, err
  if options.uid then
    source, err = class.methods.get_by_uid(options.uid)
  else
    source, err = class.methods.session()
  end
  if not source then return nil, err end
  local document = class.document(source)
  if options.json then
    cli.out_json(document)
    return cli.DONE
  end
  cli.out(("uid: %s\nclass: %s\n"):format(text(source.uid), source.related_resource_class_type))
  for _, key in ipairs(core.keys(document.related_resource)) do
    local value = document.related_resource[key]
    if value ~= core.null and key ~= "uid" then cli.out(("%s: %s\n"):format(key, text(value))) end
  end
  return cli.DONE
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  if options.subcommand == "list" then return list_sources(session, options) end
  return show_source(session, options)
end

return M
