-- Builders of the group limit_offset: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- limit
M["limit_offset-001"] = function(t, sql)
  return sql.select(t.account.uid):limit(10)
end

-- limit and offset
M["limit_offset-003"] = function(t, sql)
  return sql.select(t.account.uid):limit(10):offset(20)
end

-- limit zero
M["limit_offset-005"] = function(t, sql)
  return sql.select(t.account.uid):limit(0)
end

-- limit resets with None
M["limit_offset-006"] = function(t, sql)
  return sql.select(t.account.uid):limit(10):limit(sql.null)
end

-- limit twice keeps the last
M["limit_offset-007"] = function(t, sql)
  return sql.select(t.account.uid):limit(10):limit(5)
end

-- limit expression
M["limit_offset-008"] = function(t, sql)
  return sql.select(t.account.uid):limit(sql.literal_column("5")):offset(sql.bindparam("off", 3))
end

-- fetch first
M["limit_offset-011"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank):fetch(5)
end

-- fetch with ties and offset
M["limit_offset-012"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank):offset(2):fetch(5, { with_ties = true })
end

-- fetch percent
M["limit_offset-013"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank):fetch(5, { percent = true })
end

-- limit inside and outside a subquery
M["limit_offset-014"] = function(t, sql)
  local sq = sql.select(t.account.uid):order_by(t.account.rank):limit(3):subquery()
  return sql.select(sq.c.uid):limit(2)
end

return M
