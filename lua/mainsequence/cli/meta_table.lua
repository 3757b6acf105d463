-- mainsequence meta-table list | detail | delete | graph | search | label | share

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")
local tables = require("mainsequence.cli.tables")

local M = {}

-- Subcommand → the module that runs it; list and detail are here.
local ELSEWHERE = {
  delete = "mainsequence.cli.meta_table_changes", label = "mainsequence.cli.meta_table_changes",
  share = "mainsequence.cli.meta_table_sharing", graph = "mainsequence.cli.meta_table_search",
  search = "mainsequence.cli.meta_table_search",
}

local whole_number = cli.whole_number(0)

function M.add_to_parser(parser, summary)
  local group = parser:command("meta-table", summary):command_target("subcommand"):require_command(true)
  local list = group:command("list", "List tables of the catalog.")
  list:option("--filter", "Only rows with this value, such as namespace=shop or identifier__contains=Asset.")
    :argname("<key=value>"):count("*")
  list:option("--data-source-uid", "Only tables of this data source."):argname("<uid>")
  local detail = group:command("detail", "Show one table.")
  local delete = group:command("delete", "Delete a table's catalog entry, or the table itself.")
  delete:flag("--full-delete-selected", "Drop the table too.")
  delete:flag("--full-delete-downstream-tables", "Drop the tables that depend on it, too.")
  delete:flag("--delete-with-no-table", "Delete entries whose table is gone.")
  delete:flag("--override-protection", "Even if it is protected; for administrators, with --full-delete-selected.")
  delete:flag("--yes", "Do not ask.")
  local graph = group:command("graph", "Show the tables around a table, by foreign keys.")
  graph:option("--depth", "How many steps to go.", "1"):argname("<steps>"):convert(whole_number)
  graph:flag("--include-incoming", "Also the tables that point to it.")
  local search = group:command("search", "Search for tables by words.")
  search:argument("words", "What to look for."):argname("<word>"):args("+")
  search:flag("--columns", "Look at columns instead of descriptions.")
  local label = group:command("label", "Show a table's labels, or change them.")
  label:option("--add", "Give it a label."):argname("<label>"):count("*")
  label:option("--remove", "Take a label away."):argname("<label>"):count("*")
  local share = group:command("share", "Show who may view and edit a table, or change it.")
  share:option("--level", "What is given or taken.", "view"):choices({ "view", "edit" })
  for _, option in ipairs({ "--add-user", "--remove-user", "--add-team", "--remove-team" }) do
    share:option(option, "By number."):argname("<id>"):count("*"):convert(whole_number)
  end
  for _, command in ipairs({ detail, delete, graph, label, share }) do
    command:argument("table", "Its uid, identifier or physical name."):argname("<table>")
  end
  for _, command in ipairs({ list, detail, delete, graph, search, label, share }) do
    cli.add_endpoint(command)
    cli.add_common(command)
  end
end

local text = tables.text

local function filters(session, options)
  local query, names = core.object(), {}
  for name in next, session.classes.MetaTable.filters do names[#names + 1] = name end
  table.sort(names)
  if options.data_source_uid then query.data_source__uid = options.data_source_uid end
  for _, filter in ipairs(options.filter or {}) do
    local key, value = filter:match("^([%w_]+)=(.*)$")
    if not key then cli.usage_error(("--filter '%s' is not key=value"):format(filter)) end
    if not session.classes.MetaTable.filters[key] then
      local near = core.nearest(key, names)
      cli.usage_error(("there is no filter '%s'"):format(key), near and ("did you mean '%s'?"):format(near)
        or "there are: " .. table.concat(names, ", "))
    end
    query[key] = value
  end
  return query
end

local function list_tables(session, options)
  local rows, err = tables.rows(session, filters(session, options))
  if not rows then return nil, err end
  if options.json then
    cli.out_json(rows)
    return cli.DONE
  end
  local lines = {}
  for position, row in ipairs(rows) do
    lines[position] = { text(row.uid), text(row.identifier), text(row.physical_table_name), text(row.provisioning_status),
      text(row.alembic_revision) }
  end
  if #lines == 0 then cli.say("The catalog has no such table.") else
    cli.out_table({ "uid", "identifier", "physical table", "status", "revision" }, lines)
  end
  return cli.DONE
end

local function show_columns(columns)
  local lines = {}
  for position, column in ipairs(columns) do
    lines[position] = { "  " .. column.name, text(column.data_type), text(column.backend_type),
      column.nullable and "" or "not null", column.primary_key and "primary key" or column.unique and "unique" or "" }
  end
  cli.out("columns:\n")
  cli.out_table({ "  column", "data type", "backend type", "", "" }, lines)
end

local function show_detail(session, options)
  local row, err = tables.find(session, options.table)
  if not row then return nil, err end
  if options.json then
    cli.out_json(row)
    return cli.DONE
  end
  for _, key in ipairs(core.keys(row)) do
    local value = row[key]
    local is_empty = value == core.null or (type(value) == "table" and next(value) == nil)
    if not is_empty and key ~= "columns" then cli.out(("%s: %s\n"):format(key, text(value))) end
  end
  if row.columns and #row.columns > 0 then show_columns(row.columns) end
  return cli.DONE
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  if options.subcommand == "list" then return list_tables(session, options) end
  local module = ELSEWHERE[options.subcommand]
  if module then return require(module)[options.subcommand](session, options) end
  return show_detail(session, options)
end

return M
