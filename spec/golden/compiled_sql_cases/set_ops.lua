-- Builders of the group set_ops: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- union all
M["set_ops-002"] = function(t, sql)
  return sql.union_all(sql.select(t.account.uid), sql.select(t.asset.uid))
end

-- intersect
M["set_ops-003"] = function(t, sql)
  return sql.intersect(sql.select(t.account.uid), sql.select(t.asset.account_uid))
end

-- except
M["set_ops-004"] = function(t, sql)
  return sql.except_(sql.select(t.account.uid), sql.select(t.asset.account_uid))
end

-- intersect all and except all
M["set_ops-005"] = function(t, sql)
  return sql.intersect_all(
    sql.select(t.account.uid), sql.except_all(sql.select(t.asset.account_uid), sql.select(t.holdings_set.account_uid))
  )
end

-- union via method
M["set_ops-006"] = function(t, sql)
  return sql.select(t.account.uid):union(sql.select(t.asset.uid))
end

-- union with outer order and limit
M["set_ops-008"] = function(t, sql)
  return sql.union(sql.select(t.account.uid, t.account.name), sql.select(t.asset.uid, t.asset.symbol))
    :order_by("name"):limit(5):offset(2)
end

-- union with order by selected column
M["set_ops-009"] = function(t, sql)
  local u = sql.union_all(sql.select(t.account.name), sql.select(t.asset.symbol))
  return u:order_by(u:selected_columns().name:desc())
end

-- union of limited selects is parenthesized
M["set_ops-010"] = function(t, sql)
  return sql.union_all(sql.select(t.account.uid):order_by(t.account.rank):limit(1), sql.select(t.asset.uid):limit(2))
end

-- union with same-named binds
M["set_ops-014"] = function(t, sql)
  return sql.union(
    sql.select(t.account.uid):where(t.account.rank:eq(1)), sql.select(t.account.uid):where(t.account.rank:eq(2))
  )
end

-- union in in_
M["set_ops-015"] = function(t, sql)
  return sql.select(t.holdings_set.uid):where(
    t.holdings_set.account_uid:in_(sql.union(sql.select(t.account.uid), sql.select(t.asset.account_uid)))
  )
end

-- union with literals as discriminator
M["set_ops-016"] = function(t, sql)
  return sql.union_all(
    sql.select(sql.literal("a"):label("k"), t.account.name), sql.select(sql.literal("b"):label("k"), t.asset.symbol)
  )
    :order_by("k", "name")
end

-- union as cte then aggregated
M["set_ops-019"] = function(t, sql)
  local u = sql.union_all(sql.select(t.account.uid), sql.select(t.asset.uid)):cte("u")
  return sql.select(sql.func.count(sql.distinct(u.c.uid)))
end

return M
