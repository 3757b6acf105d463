-- Builders of the group alias: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- named table alias
M["alias-001"] = function(t, sql)
  local a = sql.alias(t.account, "a")
  return sql.select(a.c.uid, a.c.name)
end

-- two anonymous aliases of the same table
M["alias-003"] = function(t, sql)
  local a, b = sql.alias(t.account), sql.alias(t.account)
  return sql.select(a.c.uid, b.c.uid):where(a.c.parent_uid:eq(b.c.uid))
end

-- alias all columns
M["alias-008"] = function(t, sql)
  return sql.select(sql.alias(t.asset, "x"))
end

-- alias of alias
M["alias-009"] = function(t, sql)
  local a = sql.alias(t.account, "a"):alias("b")
  return sql.select(a.c.uid)
end

-- anonymous subquery
M["alias-010"] = function(t, sql)
  local sq = sql.select(t.account.uid, t.account.name):where(t.account.rank:gt(1)):subquery()
  return sql.select(sq.c.name)
end

-- named subquery
M["alias-011"] = function(t, sql)
  local sq = sql.select(t.account.uid, t.account.name):where(t.account.rank:gt(1)):subquery("top_accounts")
  return sql.select(sq.c.name):where(sq.c.name:ne("z"))
end

-- two anonymous subqueries
M["alias-012"] = function(t, sql)
  local s1 = sql.select(t.account.uid):subquery()
  local s2 = sql.select(t.asset.account_uid):subquery()
  return sql.select(s1.c.uid):join(s2, s1.c.uid:eq(s2.c.account_uid))
end

-- alias of a subquery
M["alias-013"] = function(t, sql)
  local sq = sql.select(t.account.uid):subquery():alias("again")
  return sql.select(sq)
end

-- tablesample
M["alias-014"] = function(t, sql)
  local own = sql.tablesample(t.account, sql.func.bernoulli(10), { name = "ts", seed = sql.func.random() })
  return sql.select(own.c.uid)
end

return M
