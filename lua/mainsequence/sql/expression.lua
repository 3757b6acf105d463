-- Expressions of statements.

local M = {}

local Column = { __name = "mainsequence.sql.column" }
Column.__index = Column

---A column of a model, as an expression.
---@param fields { model: table, key: string, name: string, type: table }
---@return table
function M.column(fields)
  return setmetatable(fields, Column)
end

return M
