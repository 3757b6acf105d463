-- MetaTables for Lua: declare tables, derive contracts, migrate, register, query. The parts are modules of their
-- own (mainsequence.schema, mainsequence.meta_tables, mainsequence.sql, mainsequence.client).

local core = require("mainsequence.core")

---@class mainsequence
---@field _VERSION string
---@field configure fun(options: mainsequence.ClientOptions) where this process talks to (mainsequence.client.configure)
local M = { _VERSION = core._VERSION }

return setmetatable(M, {
  __index = function(module, name)
    if name ~= "configure" then return nil end
    local configure = require("mainsequence.client").configure
    rawset(module, name, configure)
    return configure
  end,
})
