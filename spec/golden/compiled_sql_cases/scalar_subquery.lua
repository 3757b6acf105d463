-- Builders of the group scalar_subquery: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- scalar subquery column
M["scalar_subquery-001"] = function(t, sql)
  return sql.select(
    t.account.uid,
    sql.select(sql.func.count(t.asset.uid)):where(t.asset.account_uid:eq(t.account.uid)):scalar_subquery()
  )
end

-- scalar subquery in where
M["scalar_subquery-003"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.price:gt(sql.select(sql.func.avg(t.asset.price)):scalar_subquery()))
end

-- correlated scalar subquery over alias
M["scalar_subquery-004"] = function(t, sql)
  local a2 = sql.alias(t.asset)
  return sql.select(t.asset.uid):where(
    t.asset.price:eq(
      sql.select(sql.func.max(a2.c.price)):where(a2.c.asset_class:eq(t.asset.asset_class)):scalar_subquery()
    )
  )
end

-- explicit correlate
M["scalar_subquery-006"] = function(t, sql)
  local sub = sql.select(t.asset.symbol)
    :where(t.asset.account_uid:eq(t.account.uid)):limit(1):correlate(t.account):scalar_subquery()
  return sql.select(t.account.name, sub)
end

-- correlate(None) disables correlation
M["scalar_subquery-007"] = function(t, sql)
  local sub = sql.select(sql.func.count(t.asset.uid))
    :where(t.asset.account_uid:eq(t.account.uid)):correlate(sql.null):scalar_subquery()
  return sql.select(t.account.name, sub:label("n"))
end

-- correlate_except
M["scalar_subquery-008"] = function(t, sql)
  local sub = sql.select(sql.func.count(t.asset.uid))
    :where(t.asset.account_uid:eq(t.account.uid)):correlate_except(t.asset):scalar_subquery()
  return sql.select(t.account.name, sub:label("n"))
end

-- scalar subquery arithmetic
M["scalar_subquery-009"] = function(t, sql)
  local sub = sql.select(sql.func.max(t.asset.price)):scalar_subquery()
  return sql.select(sub + 1, sub * 2)
end

-- scalar subquery in order_by
M["scalar_subquery-010"] = function(t, sql)
  local sub = sql.select(sql.func.count(t.asset.uid)):where(t.asset.account_uid:eq(t.account.uid)):scalar_subquery()
  return sql.select(t.account.uid):order_by(sub:desc())
end

-- any with scalar subquery
M["scalar_subquery-013"] = function(t, sql)
  return sql.select(t.asset.uid):where(
    t.asset.quantity:eq(sql.any_(sql.select(t.account.rank):where(t.account.rank:gt(3)):scalar_subquery()))
  )
end

-- scalar subquery inside function
M["scalar_subquery-014"] = function(t, sql)
  return sql.select(sql.func.coalesce(sql.select(sql.func.max(t.asset.price)):scalar_subquery(), 0))
end

return M
