-- The query language: what SQLAlchemy Core users write, in Lua. Comparisons are methods, logic is & | ~,
-- arithmetic is arithmetic, .. concatenates; statements and expressions never change. Names are SQLAlchemy's.
--
--   local statement = sql.select(Asset.uid, Asset.symbol)
--     :join(Account, Asset.account_uid:eq(Account.uid))
--     :where(Account.name:eq("main") & Asset.symbol:ilike("%BTC%"))
--     :order_by(Asset.symbol)
--
-- compiled_sql.compile_statement(statement) makes the operation that MetaTable.execute_operation takes.

local core = require("mainsequence.core")
local constructs = require("mainsequence.sql.constructs")
local dml = require("mainsequence.sql.dml")
local expression = require("mainsequence.sql.expression")
local functions = require("mainsequence.sql.functions")
local linter = require("mainsequence.sql.linter")
local operators = require("mainsequence.sql.operators")
local select = require("mainsequence.sql.select")
local structured = require("mainsequence.sql.structured")
local values = require("mainsequence.sql.values")

---@class mainsequence.sql
local M = {}

for name, construct in next, constructs do M[name] = construct end

M.select, M.insert, M.update, M.delete = select.select, dml.insert, dml.update, dml.delete
M.union, M.union_all, M.intersect, M.intersect_all = select.union, select.union_all, select.intersect, select.intersect_all
M.except_, M.except_all = select.except_, select.except_all

M.func, M.over, M.within_group, M.funcfilter = functions.func, functions.over, functions.within_group, functions.funcfilter
M.aggregate_order_by = functions.aggregate_order_by
M.array = structured.array
M.values = require("mainsequence.sql.values_table")
M.operators = operators.by_name

M.null = core.null
M.timestamp, M.date, M.time, M.interval = values.timestamp, values.date, values.time, values.interval
M.decimal, M.uuid, M.bytes, M.json = values.decimal, values.uuid, values.bytes, values.json

---@param value any
---@return boolean
function M.is_expression(value) return expression.is_element(value) end

---@param value any
---@return boolean
function M.is_statement(value)
  return select.is_select(value) or dml.is_change(value) or (expression.is_element(value) and value.kind == "text")
end

---Where warnings go (a cartesian product, a key of set_ that is no column): a function, false for nowhere,
---nil for standard error.
---@param handler fun(message: string)|false|nil
function M.on_warning(handler)
  linter.handler = handler
end

return M
