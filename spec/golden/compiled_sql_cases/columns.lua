-- Builders of the group columns: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- single column
M["columns-001"] = function(t, sql)
  return sql.select(t.account.name)
end

-- two columns
M["columns-002"] = function(t, sql)
  return sql.select(t.account.uid, t.account.name)
end

-- all columns of a table
M["columns-003"] = function(t, sql)
  return sql.select(t.account)
end

-- all columns plus an extra column of a second table
M["columns-005"] = function(t, sql)
  return sql.select(t.account, t.asset.symbol)
end

-- select() without columns but with FROM
M["columns-006"] = function(t, sql)
  return sql.select():select_from(t.account)
end

-- same column twice is de-duplicated by __N suffix
M["columns-007"] = function(t, sql)
  return sql.select(t.account.uid, t.account.uid)
end

-- same-named columns of two tables in one select
M["columns-008"] = function(t, sql)
  return sql.select(t.account.uid, t.asset.uid):where(t.account.uid:eq(t.asset.account_uid))
end

-- with_only_columns
M["columns-012"] = function(t, sql)
  return sql.select(t.account):where(t.account.rank:gt(3)):with_only_columns(t.account.uid, t.account.name)
end

-- add_columns
M["columns-013"] = function(t, sql)
  return sql.select(t.account.uid):add_columns(t.account.name, sql.literal(1):label("one"))
end

-- select from nothing: expression only
M["columns-014"] = function(_, sql)
  return sql.select(sql.literal(1) + 2)
end

-- several anonymous expressions get anon_1, anon_2
M["columns-015"] = function(t, sql)
  return sql.select(t.account.rank + 1, t.account.rank * 2, -t.account.rank)
end

return M
