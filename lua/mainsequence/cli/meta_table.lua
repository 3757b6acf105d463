-- mainsequence meta-table list | detail

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

local CLASSES = { "MetaTable", "TimeIndexMetaTable" }

function M.add_to_parser(parser, summary)
  local group = parser:command("meta-table", summary):command_target("subcommand"):require_command(true)
  local list = group:command("list", "List tables of the catalog.")
  list:option("--filter", "Only rows with this value, such as namespace=shop or identifier__contains=Asset.")
    :argname("<key=value>"):count("*")
  list:option("--data-source-uid", "Only tables of this data source."):argname("<uid>")
  local detail = group:command("detail", "Show one table.")
  detail:argument("table", "Its uid, identifier or physical name."):argname("<table>")
  for _, command in ipairs({ list, detail }) do
    cli.add_endpoint(command)
    cli.add_common(command)
  end
end

local function text(value)
  if value == nil or value == core.null then return "" end
  if type(value) == "table" then return core.json_encode(value, { unicode = true }) end
  return tostring(value)
end

-- Whether a row has the value, or one of the values, that a filter asks for.
local function matches(row, key, value)
  local field, several = key:gsub("__in$", "")
  if several == 0 then return text(row[field]) == value end
  for word in value:gmatch("[^,]+") do
    if text(row[field]) == word then return true end
  end
  return false
end

---Rows of one kind. Time-indexed tables have fewer filters than the others: the rest is done here.
local function rows_of_class(session, class, query)
  local asked, rest = core.object(), {}
  for _, key in ipairs(core.keys(query)) do
    if class.filters[key] then asked[key] = query[key] else rest[#rest + 1] = key end
  end
  local list, err = session:list(class.path, asked)
  if not list then return nil, err end
  local rows = {}
  for _, row in ipairs(list) do
    local good = true
    for _, key in ipairs(rest) do good = good and matches(row, key, query[key]) end
    if good then rows[#rows + 1] = row end
  end
  return rows
end

---Rows of both kinds as the TS Manager gives them, oldest first.
local function rows_of(session, query)
  local rows = core.array({})
  for _, name in ipairs(CLASSES) do
    local list, err = rows_of_class(session, session.classes[name], query)
    if not list then return nil, err end
    table.move(list, 1, #list, #rows + 1, rows)
  end
  table.sort(rows, function(a, b)
    local left, right = text(a.creation_date), text(b.creation_date)
    if left ~= right then return left < right end
    return text(a.uid) < text(b.uid)
  end)
  return rows
end

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
  local rows, err = rows_of(session, filters(session, options))
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

local function find(session, word)
  for _, key in ipairs({ core.normalize_uuid(word) and "uid" or "identifier", "physical_table_name" }) do
    local rows, err = rows_of(session, core.object(key, word))
    if not rows then return nil, err end
    if #rows > 1 then
      return nil, core.error { code = "conflict", message = ("%d tables have the %s '%s'"):format(#rows, key, word),
        hint = "name one by its uid" }
    end
    if rows[1] then return rows[1] end
  end
  return nil, core.error { code = "not_found", message = ("the catalog has no table '%s'"):format(word),
    hint = "mainsequence meta-table list shows what it has" }
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
  local row, err = find(session, options.table)
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
  return show_detail(session, options)
end

return M
