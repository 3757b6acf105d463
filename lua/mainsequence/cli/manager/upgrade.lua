-- mainsequence manager upgrade

local catalogs = require("mainsequence.cli.catalog")
local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

function M.add_to_parser(parser)
  local command = parser:command("upgrade", "Make a TS Manager's catalog, or bring it to this version.")
  catalogs.add_options(command)
  cli.add_common(command)
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  catalogs.check(options)
  local report, err = core.manager_upgrade { home = options.home, catalog = options.catalog }
  if not report then return nil, err end
  local text
  if report.version_before == 0 then
    text = ("made the catalog %s, version %d"):format(report.catalog, report.version)
  elseif report.version_before == report.version then
    text = ("the catalog %s has version %d already"):format(report.catalog, report.version)
  else
    text = ("brought the catalog %s from version %d to %d"):format(report.catalog, report.version_before, report.version)
  end
  if report.copy ~= core.null then text = text .. "\na copy from before is " .. report.copy end
  return require("mainsequence.cli.manager").answer(options, report, text)
end

return M
