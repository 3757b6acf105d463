-- MetaTables for Lua: declare tables, derive contracts, migrate, register, query.

local core = require("mainsequence.core")

---@class mainsequence
---@field _VERSION string
local M = { _VERSION = core._VERSION }

---Sets where clients talk to, for the whole process: endpoint, access_token and the other settings of
---mainsequence.client.configure.
---@param options table
function M.configure(options)
  require("mainsequence.client").configure(options)
end

return M
