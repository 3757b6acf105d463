-- Builders of the group delete: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local U1 = constants.U1

-- delete where
M["delete-002"] = function(t, sql)
  return sql.delete(t.asset):where(t.asset.uid:eq(U1))
end

-- returning
M["delete-004"] = function(t, sql)
  return sql.delete(t.asset):where(t.asset.uid:eq(U1)):returning(t.asset.uid, t.asset.symbol)
end

-- using other table
M["delete-007"] = function(t, sql)
  return sql.delete(t.asset):where(t.asset.account_uid:eq(t.account.uid), t.account.name:eq("x"))
end

-- using alias
M["delete-008"] = function(t, sql)
  local a = sql.alias(t.account, "a")
  return sql.delete(t.asset):where(t.asset.account_uid:eq(a.c.uid), a.c.rank:eq(3))
end

-- using two tables with returning
M["delete-009"] = function(t, sql)
  return sql.delete(t.holding)
    :where(t.holding.account_uid:eq(t.account.uid), t.holding.holdings_set_uid:eq(t.holdings_set.uid))
    :returning(t.holding.asset_identifier, t.account.name)
end

-- in subquery
M["delete-010"] = function(t, sql)
  return sql.delete(t.asset):where(
    t.asset.account_uid:in_(sql.select(t.account.uid):where(t.account.is_active:eq(false)))
  )
end

-- exists
M["delete-011"] = function(t, sql)
  return sql.delete(t.asset):where(~sql.exists():where(t.account.uid:eq(t.asset.account_uid)))
end

-- in_ list
M["delete-014"] = function(t, sql)
  return sql.delete(t.asset):where(t.asset.symbol:in_ { "a", "b", "c" })
end

-- bindparam bool guard
M["delete-015"] = function(t, sql)
  return sql.delete(t.holding):where(sql.bindparam("overwrite", true)):where(t.holding.holdings_set_uid:eq(U1))
end

-- delete alias
M["delete-016"] = function(t, sql)
  local a = sql.alias(t.asset, "a")
  return sql.delete(a):where(a.c.price:lt(1))
end

-- using subquery
M["delete-017"] = function(t, sql)
  local sq = sql.select(t.account.uid):where(t.account.rank:gt(5)):subquery()
  return sql.delete(t.asset):where(t.asset.account_uid:eq(sq.c.uid))
end

-- or condition
M["delete-019"] = function(t, sql)
  return sql.delete(t.asset):where(sql.or_(t.asset.price:eq(sql.null), t.asset.quantity:eq(0)))
end

return M
