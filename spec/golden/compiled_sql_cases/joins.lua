-- Builders of the group joins: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local T1 = constants.T1

-- join inferred from foreign key
M["joins-001"] = function(t, sql)
  return sql.select(t.asset.symbol, t.account.name):join(t.account)
end

-- join inferred, select_from
M["joins-002"] = function(t, sql)
  return sql.select(t.asset.symbol):select_from(sql.join(t.asset, t.account))
end

-- join with explicit onclause
M["joins-003"] = function(t, sql)
  return sql.select(t.asset.symbol):join(t.account, t.asset.account_uid:eq(t.account.uid))
end

-- outerjoin method
M["joins-005"] = function(t, sql)
  return sql.select(t.asset.symbol):outerjoin(t.account, t.asset.account_uid:eq(t.account.uid))
end

-- join with or onclause
M["joins-008"] = function(t, sql)
  return sql.select(t.asset.symbol):join(
    t.account, sql.or_(t.asset.account_uid:eq(t.account.uid), t.account.name:eq(t.asset.symbol))
  )
end

-- join chain
M["joins-009"] = function(t, sql)
  return sql.select(t.holding.quantity, t.holdings_set.time_index, t.account.name)
    :join_from(t.holding, t.holdings_set):join(t.account, t.holdings_set.account_uid:eq(t.account.uid))
end

-- three joins with where
M["joins-011"] = function(t, sql)
  return sql.select(t.account.name, t.asset.symbol, t.price_history.close)
    :join_from(t.account, t.asset, t.account.uid:eq(t.asset.account_uid))
    :join(t.price_history, t.price_history.asset_uid:eq(t.asset.uid))
    :where(t.account.is_active, t.price_history.time_index:ge(T1))
end

-- self join with anonymous alias
M["joins-013"] = function(t, sql)
  local parent = sql.alias(t.account)
  return sql.select(t.account.name, parent.c.name):outerjoin(parent, t.account.parent_uid:eq(parent.c.uid))
end

-- self join between two aliases
M["joins-014"] = function(t, sql)
  local c, p = sql.alias(t.account, "c"), sql.alias(t.account, "p")
  return sql.select(c.c.name, p.c.name):join_from(c, p, c.c.parent_uid:eq(p.c.uid))
end

-- FK inferred self join through alias
M["joins-015"] = function(t, sql)
  local p = sql.alias(t.account, "p")
  return sql.select(t.asset.symbol, p.c.name):join(p)
end

-- join on true
M["joins-016"] = function(t, sql)
  return sql.select(t.account.name, t.asset.symbol):join(t.asset, sql.true_())
end

-- join_from outer
M["joins-017"] = function(t, sql)
  return sql.select(t.account.name, t.asset.symbol):join_from(t.account, t.asset, { isouter = true })
end

-- nested join on the right
M["joins-018"] = function(t, sql)
  return sql.select(t.account.name):select_from(
    sql.outerjoin(
      t.account, sql.join(t.asset, t.price_history, t.asset.uid:eq(t.price_history.asset_uid)),
      t.account.uid:eq(t.asset.account_uid)
    )
  )
end

-- join to subquery
M["joins-019"] = function(t, sql)
  local sq = sql.select(t.asset.account_uid, sql.func.count():label("n")):group_by(t.asset.account_uid):subquery()
  return sql.select(t.account.name, sq.c.n):join(sq, sq.c.account_uid:eq(t.account.uid))
end

-- multiple FROM tables (implicit cross join)
M["joins-021"] = function(t, sql)
  return sql.select(t.account.name, t.asset.symbol):where(t.account.uid:eq(t.asset.account_uid))
end

-- select_from with two froms
M["joins-022"] = function(t, sql)
  return sql.select(sql.literal_column("1")):select_from(t.account, t.asset)
end

-- FROM order follows columns then where
M["joins-023"] = function(t, sql)
  return sql.select(t.asset.symbol):where(
    t.asset.account_uid:eq(t.account.uid), t.holding.account_uid:eq(t.account.uid)
  )
end

-- join left side chosen from multiple froms
M["joins-026"] = function(t, sql)
  return sql.select(t.account.name, t.asset.symbol, t.holdings_set.time_index)
    :join_from(t.account, t.asset):join(t.holdings_set, t.holdings_set.account_uid:eq(t.account.uid))
end

-- anti join
M["joins-027"] = function(t, sql)
  return sql.select(t.account.uid):outerjoin(t.asset):where(t.asset.uid:eq(sql.null))
end

-- cross join of three tables
M["joins-031"] = function(t, sql)
  return sql.select(t.account.uid, t.asset.uid, t.holdings_set.uid)
end

-- bind in onclause is numbered before where
M["joins-032"] = function(t, sql)
  return sql.select(t.account.name)
    :join(t.asset, sql.and_(t.asset.account_uid:eq(t.account.uid), t.asset.price:gt(1))):where(t.asset.price:lt(9))
end

return M
