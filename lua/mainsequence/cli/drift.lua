-- mainsequence drift

local cli = require("mainsequence.cli")

local M = {}

function M.add_to_parser(parser, summary)
  local command = parser:command("drift", summary)
  command:option("--provider", "The migration provider whose models are compared."):argname("<module:attribute>")
  cli.add_endpoint(command)
  cli.add_common(command)
  command:epilog("Exit status: 0 no difference, 1 differences, 2 wrong usage, 3 the database or the catalog is out of reach.")
end

local function show(report)
  for _, entry in ipairs(report.tables) do
    local count = #entry.differences
    cli.out(("%s  %s: %s\n"):format(entry.model, entry.table,
      count == 0 and "clean" or count == 1 and "1 difference" or count .. " differences"))
    for _, difference in ipairs(entry.differences) do
      cli.out(("  %-8s  %s\n"):format(difference.where, difference.message))
    end
  end
  cli.out(report.clean and "clean\n" or "drift\n")
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  local provider, err = require("mainsequence.meta_tables.migrations").load_provider(options.provider)
  if not provider then return nil, err end
  local session, unreachable = require("mainsequence.cli.endpoint").open(options)
  local report
  if session then
    report, unreachable = require("mainsequence.meta_tables.drift").check(provider, session)
  end
  if not report then
    cli.report_error(unreachable)
    return cli.UNREACHABLE
  end
  if options.json then cli.out_json(report) else show(report) end
  return report.clean and cli.DONE or cli.FAILED
end

return M
