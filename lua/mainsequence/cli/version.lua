-- mainsequence --version --verbose

local cli = require("mainsequence.cli")

local M = {}

---Where a module was loaded from.
local function place(name)
  if package.preload[name] then return "built into the program" end
  return package.searchpath(name, package.path) or package.searchpath(name, package.cpath) or "?"
end

---What the command is made of, and where it would talk to.
function M.show()
  cli.out(("  %-9s %s\n"):format("Lua", _VERSION:match("%d.*")))
  cli.out(("  %-9s %s\n"):format("core", place("mainsequence.core")))
  cli.out(("  %-9s %s\n"):format("modules", (place("mainsequence.cli"):gsub("/cli/init%.lua$", ""))))
  local names = {}
  for _, name in ipairs({ "argparse", "lfs", "cjson" }) do
    names[#names + 1] = name .. (place(name) == "?" and " (missing)" or "")
  end
  cli.out(("  %-9s %s\n"):format("with", table.concat(names, ", ")))
  local parts = require("mainsequence.core").parts
  cli.out(("  %-9s PostgreSQL: %s, HTTP server: %s\n"):format("parts", parts.postgresql and "yes" or "no",
    parts.server and "yes" or "no"))
  local endpoint, source = require("mainsequence.client").endpoint()
  cli.out(("  %-9s %s\n"):format("endpoint", endpoint and ("%s (%s)"):format(endpoint, source) or "unclear: " .. source.message))
end

return M
