-- Builders of the group order_by: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- order by column
M["order_by-001"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.name)
end

-- order by desc
M["order_by-002"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.name:desc())
end

-- order by desc() function
M["order_by-004"] = function(t, sql)
  return sql.select(t.account.uid):order_by(sql.desc(t.account.name), sql.asc(t.account.rank))
end

-- nulls first
M["order_by-005"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank:desc():nulls_first())
end

-- asc nulls last
M["order_by-007"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank:asc():nulls_last(), t.account.name)
end

-- nulls_last function form
M["order_by-008"] = function(t, sql)
  return sql.select(t.account.uid):order_by(sql.nulls_last(sql.desc(t.account.rank)), sql.nulls_first(t.account.name))
end

-- order by string label name
M["order_by-009"] = function(t, sql)
  return sql.select(t.account.uid, sql.func.lower(t.account.name):label("lname")):order_by("lname")
end

-- order by desc string label
M["order_by-010"] = function(t, sql)
  return sql.select(t.account.uid, sql.func.lower(t.account.name):label("lname")):order_by(sql.desc("lname"))
end

-- order by label inside an expression expands it
M["order_by-012"] = function(t, sql)
  local lbl = sql.func.lower(t.account.name):label("lname")
  return sql.select(t.account.uid, lbl):order_by(lbl + "x")
end

-- order by labelled column object not in select list
M["order_by-013"] = function(t, sql)
  local lbl = sql.func.lower(t.account.name):label("lname")
  return sql.select(t.account.uid):order_by(lbl)
end

-- order by expression
M["order_by-016"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank * (-1), t.account.balance - 5)
end

-- order by boolean expression
M["order_by-017"] = function(t, sql)
  return sql.select(t.account.uid):order_by(t.account.rank:gt(5), t.account.is_active:desc())
end

-- order by null
M["order_by-018"] = function(t, sql)
  return sql.select(t.account.uid):order_by(sql.null_())
end

-- order by scalar subquery label
M["order_by-021"] = function(t, sql)
  local sub = sql.select(sql.func.count(t.asset.uid))
    :where(t.asset.account_uid:eq(t.account.uid)):scalar_subquery():label("n")
  return sql.select(t.account.uid, sub):order_by(sub:desc())
end

return M
