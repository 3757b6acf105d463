-- Builders of the group distinct: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- distinct
M["distinct-001"] = function(t, sql)
  return sql.select(t.account.name):distinct()
end

-- distinct two columns with order
M["distinct-002"] = function(t, sql)
  return sql.select(t.account.name, t.account.rank):distinct():order_by(t.account.name)
end

-- distinct on one column
M["distinct-003"] = function(t, sql)
  return sql.select(t.account.name, t.account.rank):distinct(t.account.name)
end

-- distinct on two columns with order by
M["distinct-004"] = function(t, sql)
  return sql.select(t.price_history)
    :distinct(t.price_history.asset_uid):order_by(t.price_history.asset_uid, t.price_history.time_index:desc())
end

-- distinct on expression
M["distinct-005"] = function(t, sql)
  return sql.select(t.account.uid):distinct(sql.func.lower(t.account.name))
end

-- distinct() function column
M["distinct-007"] = function(t, sql)
  return sql.select(sql.distinct(t.account.name))
end

return M
