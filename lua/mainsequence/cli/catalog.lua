-- Which TS Manager's catalog a command works on itself, without a client: --catalog and --home.

local cli = require("mainsequence.cli")

local M = {}

---@param command table
function M.add_options(command)
  command:option("--catalog", "sqlite:PATH or postgresql://user@host:port/database. Default: MAINSEQUENCE_CATALOG, else the"
    .. " folder's own. PostgreSQL's password belongs in that variable or in PostgreSQL's password file."):argname("<catalog>")
  command:option("--home", "Folder of the TS Manager. Default: MAINSEQUENCE_HOME."):argname("<folder>")
end

---Refuses a password: other users of the machine see command lines.
---@param options { catalog: string? }
function M.check(options)
  local catalog = options.catalog
  if catalog and catalog:find("^%w+://[^/?]*:[^/?]*@") or catalog and catalog:find("[?&]password=") then
    cli.usage_error("--catalog holds a password, which others can see on a command line",
      "set MAINSEQUENCE_CATALOG instead, or keep the password in ~/.pgpass")
  end
end

return M
