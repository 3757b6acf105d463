-- Builders of the group subquery_from: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- subquery with labelled column
M["subquery_from-002"] = function(t, sql)
  local sq = sql.select(t.account.uid, (t.account.rank + 1):label("r1")):subquery("s")
  return sql.select(sq.c.r1, sq.c.uid)
end

-- select * of a subquery of join with duplicate names
M["subquery_from-005"] = function(t, sql)
  local sq = sql.select(t.account.uid, t.asset.uid):select_from(sql.join(t.account, t.asset)):subquery()
  return sql.select(sq)
end

-- aggregate over subquery
M["subquery_from-007"] = function(t, sql)
  local sq = sql.select(t.asset.asset_class, sql.func.sum(t.asset.price):label("p"))
    :group_by(t.asset.asset_class):subquery()
  return sql.select(sql.func.max(sq.c.p))
end

-- latest row per group
M["subquery_from-008"] = function(t, sql)
  local latest = sql.select(t.price_history.asset_uid, sql.func.max(t.price_history.time_index):label("last_time"))
    :group_by(t.price_history.asset_uid):subquery("latest")
  return sql.select(t.price_history):join(
    latest,
    sql.and_(t.price_history.asset_uid:eq(latest.c.asset_uid), t.price_history.time_index:eq(latest.c.last_time))
  )
end

-- subquery with order and limit
M["subquery_from-009"] = function(t, sql)
  local sq = sql.select(t.account):order_by(t.account.rank:desc()):limit(5):subquery("top5")
  return sql.select(sq.c.name):order_by(sq.c.name)
end

-- subquery of anonymous function columns
M["subquery_from-010"] = function(t, sql)
  local sq = sql.select(sql.func.count(), sql.func.max(t.account.rank)):subquery()
  return sql.select(sq)
end

return M
