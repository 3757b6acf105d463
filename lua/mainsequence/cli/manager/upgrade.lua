-- mainsequence manager upgrade

local cli = require("mainsequence.cli")
local core = require("mainsequence.core")

local M = {}

function M.add_to_parser(parser)
  local command = parser:command("upgrade", "Make a TS Manager's catalog, or bring it to this version.")
  command:option("--catalog", "sqlite:PATH or postgresql://user@host:port/database. Default: MAINSEQUENCE_CATALOG, else the"
    .. " folder's own. PostgreSQL's password belongs in that variable or in PostgreSQL's password file."):argname("<catalog>")
  command:option("--home", "Folder of the TS Manager. Default: MAINSEQUENCE_HOME."):argname("<folder>")
  cli.add_common(command)
end

-- Other users of the machine see command lines.
local function refuse_password(catalog)
  if catalog and catalog:find("^%w+://[^/?]*:[^/?]*@") or catalog and catalog:find("[?&]password=") then
    cli.usage_error("--catalog holds a password, which others can see on a command line",
      "set MAINSEQUENCE_CATALOG instead, or keep the password in ~/.pgpass")
  end
end

---@param options table
---@return integer|nil status, any err
function M.run(options)
  refuse_password(options.catalog)
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
