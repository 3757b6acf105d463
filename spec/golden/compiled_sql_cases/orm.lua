-- Builders of the group orm: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local T1, U1, U2 = constants.T1, constants.U1, constants.U2

-- select entity
M["orm-001"] = function(t, sql)
  return sql.select(t.account)
end

-- select entity attributes
M["orm-002"] = function(t, sql)
  return sql.select(t.account.uid, t.account.name:label("n"))
end

-- entity where and order
M["orm-003"] = function(t, sql)
  return sql.select(t.account):where(t.account.is_active, t.account.rank:gt(3)):order_by(t.account.name):limit(5)
end

-- docs example
M["orm-006"] = function(t, sql)
  return sql.select(t.asset.uid, t.asset.symbol)
    :join(t.account, t.asset.account_uid:eq(t.account.uid)):where(t.account.uid:eq(U1))
    :where(t.asset.symbol:ilike("%BTC%"))
end

-- aliased entity with name
M["orm-008"] = function(t, sql)
  local P = sql.aliased(t.account, "p")
  return sql.select(P):where(P.name:eq("x"))
end

-- insert entity returning entity
M["orm-010"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }:returning(t.asset)
end

-- bulk upsert entity
M["orm-013"] = function(t, sql)
  local i = sql.insert(t.asset):values {
    { [t.asset.uid] = U1, [t.asset.symbol] = "BTC" }, { [t.asset.uid] = U2, [t.asset.symbol] = "ETH" },
  }
  return i:on_conflict_do_update { index_elements = { t.asset.uid }, set_ = { [t.asset.symbol] = i.excluded.symbol } }
    :returning(t.asset)
end

-- delete entity
M["orm-015"] = function(t, sql)
  return sql.delete(t.asset):where(t.asset.uid:eq(U1))
end

-- count over filtered entity subquery
M["orm-016"] = function(t, sql)
  local sq = sql.select(t.account)
    :where(t.account.name:eq("x"), sql.func.lower(t.account.email):contains("a")):subquery()
  return sql.select(sql.func.count():label("count")):select_from(sq)
end

-- get by uid with limit
M["orm-017"] = function(t, sql)
  return sql.select(t.account):where(t.account.uid:eq(U1)):limit(1)
end

-- search with in, contains and offset
M["orm-018"] = function(t, sql)
  return sql.select(t.account):where(t.account.rank:eq(1)):where(t.account.uid:in_ { U1, U2 })
    :where(sql.func.lower(t.account.name):contains("ab")):limit(500):offset(100)
end

-- same column name from two entities
M["orm-019"] = function(t, sql)
  return sql.select(t.account.uid, t.asset.uid):join(t.asset)
end

-- holdings by set, exists correlated
M["orm-020"] = function(t, sql)
  return sql.select(t.holding):where(
    sql.exists():where(t.holdings_set.uid:eq(t.holding.holdings_set_uid), t.holdings_set.time_index:ge(T1))
  )
end

return M
