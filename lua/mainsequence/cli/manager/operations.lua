-- mainsequence manager operations: what was executed

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

function M.add_to_parser(parser)
  local command = parser:command("operations", "Show what was executed: who, what kind, which tables, how many rows and"
    .. " milliseconds, and the verdict. The latest first.")
  cli.add_endpoint(command)
  cli.add_common(command)
  command:option("--limit", "How many, at most 1000.", "100"):convert(cli.whole_number(1, 1000)):argname("<number>")
end

local function text(value)
  return (value == nil or value == core.null) and "" or tostring(value)
end

local function tables_of(operation)
  local names = {}
  for position, one in ipairs(operation.tables) do
    names[position] = one.name .. (one.access == "write" and " (write)" or "")
  end
  return table.concat(names, ", ")
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local session, err = require("mainsequence.cli.endpoint").open(options)
  if not session then return nil, err end
  local page, refused = session:call("GET", "/orm/api/ts_manager/operations/", { query = { limit = options.limit } })
  if not page then return nil, refused end
  if options.json then
    cli.out_json(page.results)
    return cli.DONE
  end
  local rows = {}
  for position, one in ipairs(page.results) do
    rows[position] = { one.at, text(one.username), text(one.operation), tables_of(one), text(one.rows),
      text(one.milliseconds), one.verdict }
  end
  if #rows == 0 then cli.say("Nothing was executed yet.") return cli.DONE end
  cli.out_table({ "at", "user", "kind", "tables", "rows", "ms", "verdict" }, rows)
  return cli.DONE
end

return M
