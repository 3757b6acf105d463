-- Builders of the group schema: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- select from schema table
M["schema-001"] = function(t, sql)
  return sql.select(t.currency)
end

-- where on schema table
M["schema-002"] = function(t, sql)
  return sql.select(t.currency.name):where(t.currency.code:eq("EUR"), t.currency.decimals:gt(1))
end

-- anonymous alias of schema table
M["schema-004"] = function(t, sql)
  local c = sql.alias(t.currency)
  return sql.select(c.c.name)
end

-- insert into schema table
M["schema-005"] = function(t, sql)
  return sql.insert(t.currency):values { code = "EUR", name = "Euro", decimals = 2 }
end

-- update schema table
M["schema-006"] = function(t, sql)
  return sql.update(t.currency):where(t.currency.code:eq("EUR")):values { name = "Euro" }
end

-- delete from schema table
M["schema-007"] = function(t, sql)
  return sql.delete(t.currency):where(t.currency.code:eq("EUR")):returning(t.currency.code, t.currency.name)
end

-- tablename_plus_col labels on schema table
M["schema-010"] = function(t, sql)
  return sql.select(t.currency.code, t.currency.name):set_label_style("tablename_plus_col")
end

-- same table name in two schemas
M["schema-011"] = function(_, sql)
  local t1 = sql.table("t", sql.column("id"), { schema = "s1" })
  local t2 = sql.table("t", sql.column("id"), { schema = "s2" })
  return sql.select(t1.c.id, t2.c.id):where(t1.c.id:eq(t2.c.id))
end

return M
