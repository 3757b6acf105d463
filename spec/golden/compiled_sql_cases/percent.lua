-- Builders of the group percent: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- literal percent in value is not doubled in parameters
M["percent-001"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq("100%"))
end

-- percent in literal_column is doubled
M["percent-003"] = function(_, sql)
  return sql.select(sql.literal_column("'100%'"):label("p"))
end

-- percent in column name
M["percent-005"] = function(t, sql)
  return sql.select(t.order_t["pct%"])
end

-- percent in label
M["percent-007"] = function(t, sql)
  return sql.select(t.account.rank:label("%rank%")):order_by(sql.literal_column("\"%rank%\""))
end

-- modulo operator is doubled
M["percent-008"] = function(t, sql)
  return sql.select(t.account.uid):where((t.account.rank % 10):eq(3))
end

-- percent in op()
M["percent-009"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:op("%")("abc"))
end

-- percent in alias name
M["percent-010"] = function(t, sql)
  local a = sql.alias(t.account, "a%b")
  return sql.select(a.c.uid):where(a.c.name:eq("x"))
end

-- percent column in insert
M["percent-011"] = function(t, sql)
  return sql.insert(t.order_t):values { id = 1, ["pct%"] = 5.5 }
end

-- percent in collation and literal_execute
M["percent-014"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("n", "50%", { literal_execute = true })))
end

return M
