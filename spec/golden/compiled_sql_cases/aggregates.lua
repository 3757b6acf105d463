-- Builders of the group aggregates: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- count column
M["aggregates-003"] = function(t, sql)
  return sql.select(sql.func.count(t.account.uid))
end

-- count distinct
M["aggregates-004"] = function(t, sql)
  return sql.select(sql.func.count(sql.distinct(t.account.name)))
end

-- count distinct via method
M["aggregates-005"] = function(t, sql)
  return sql.select(sql.func.count(t.account.name:distinct()))
end

-- min max
M["aggregates-007"] = function(t, sql)
  return sql.select(sql.func.min(t.asset.price), sql.func.max(t.asset.price))
end

-- sum avg
M["aggregates-008"] = function(t, sql)
  return sql.select(sql.func.sum(t.asset.price * t.asset.quantity), sql.func.avg(t.asset.price))
end

-- same aggregate twice
M["aggregates-009"] = function(t, sql)
  return sql.select(sql.func.sum(t.asset.price), sql.func.sum(t.asset.quantity))
end

-- group by one column
M["aggregates-010"] = function(t, sql)
  return sql.select(t.asset.asset_class, sql.func.count()):group_by(t.asset.asset_class)
end

-- group by expression
M["aggregates-012"] = function(t, sql)
  return sql.select(sql.func.lower(t.asset.asset_class), sql.func.count(t.asset.uid))
    :group_by(sql.func.lower(t.asset.asset_class))
end

-- group by string label
M["aggregates-013"] = function(t, sql)
  return sql.select(sql.func.lower(t.asset.asset_class):label("k"), sql.func.count(t.asset.uid)):group_by("k")
end

-- having several
M["aggregates-015"] = function(t, sql)
  return sql.select(t.asset.asset_class)
    :group_by(t.asset.asset_class):having(sql.func.count():gt(5)):having(sql.func.sum(t.asset.price):lt(100.5))
end

-- filter with several criteria
M["aggregates-018"] = function(t, sql)
  return sql.select(
    sql.func.sum(t.asset.quantity):filter(t.asset.price:gt(10), t.asset.asset_class:eq("eq")):label("s")
  )
end

-- two filtered aggregates
M["aggregates-019"] = function(t, sql)
  return sql.select(
    sql.func.count(t.asset.uid):filter(t.asset.asset_class:eq("eq")):label("eq"),
    sql.func.count(t.asset.uid):filter(t.asset.asset_class:eq("fx")):label("fx")
  )
    :group_by(t.asset.account_uid)
end

-- array_agg
M["aggregates-022"] = function(t, sql)
  return sql.select(sql.func.array_agg(t.asset.symbol)):group_by(t.asset.account_uid)
end

-- array_agg with order by
M["aggregates-023"] = function(t, sql)
  return sql.select(sql.func.array_agg(sql.aggregate_order_by(t.asset.symbol, t.asset.price:desc())))
    :group_by(t.asset.account_uid)
end

-- string_agg with order by
M["aggregates-024"] = function(t, sql)
  return sql.select(
    sql.func.string_agg(t.asset.symbol, sql.aggregate_order_by(sql.literal_column("','"), t.asset.symbol))
  )
end

-- bool_and / bool_or
M["aggregates-025"] = function(t, sql)
  return sql.select(sql.func.bool_and(t.account.is_active), sql.func.bool_or(t.account.is_active))
end

-- rollup
M["aggregates-026"] = function(t, sql)
  return sql.select(t.asset.asset_class, t.asset.account_uid, sql.func.count())
    :group_by(sql.func.rollup(t.asset.asset_class, t.asset.account_uid))
end

-- grouping sets
M["aggregates-027"] = function(t, sql)
  return sql.select(t.asset.asset_class, sql.func.count()):group_by(
    sql.func.grouping_sets(sql.tuple_(t.asset.asset_class, t.asset.account_uid), sql.tuple_(t.asset.asset_class))
  )
end

-- count tuple distinct
M["aggregates-028"] = function(t, sql)
  return sql.select(sql.func.count(sql.distinct(sql.tuple_(t.asset.asset_class, t.asset.account_uid))))
end

-- group by then order by aggregate
M["aggregates-029"] = function(t, sql)
  return sql.select(t.asset.asset_class, sql.func.count():label("n"))
    :group_by(t.asset.asset_class):order_by(sql.func.count():desc())
end

return M
