-- Builders of the group quoting: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- table and columns with reserved words
M["quoting-001"] = function(t, sql)
  return sql.select(t.order_t)
end

-- reserved column in where
M["quoting-002"] = function(t, sql)
  return sql.select(t.order_t.user):where(t.order_t.select:gt(5))
end

-- camelCase column keeps case in bind
M["quoting-004"] = function(t, sql)
  return sql.select(t.order_t.id):where(t.order_t.camelCase:eq(1))
end

-- mixed case in_
M["quoting-005"] = function(t, sql)
  return sql.select(t.order_t.id):where(t.order_t["Mixed Case"]:in_ { "x", "y" })
end

-- reserved table with tablename_plus_col labels
M["quoting-007"] = function(t, sql)
  return sql.select(t.order_t):set_label_style("tablename_plus_col")
end

-- insert into reserved table
M["quoting-008"] = function(t, sql)
  return sql.insert(t.order_t):values { id = 1, user = "u", select = 2 }
end

-- update reserved table
M["quoting-011"] = function(t, sql)
  return sql.update(t.order_t):where(t.order_t.user:eq("u")):values { select = 5, ["Mixed Case"] = "z" }
end

-- delete reserved table
M["quoting-012"] = function(t, sql)
  return sql.delete(t.order_t):where(t.order_t.user:eq("u"))
end

-- order by and group by reserved column
M["quoting-013"] = function(t, sql)
  return sql.select(t.order_t.user, sql.func.count()):group_by(t.order_t.user):order_by(t.order_t.user)
end

-- identifiers containing double quotes
M["quoting-014"] = function(_, sql)
  local own = sql.table("we\"ird", sql.column("co\"l"))
  return sql.select(own.c["co\"l"]):where(own.c["co\"l"]:eq(1))
end

-- identifier with leading underscore, digits, dollar and non-ascii
M["quoting-015"] = function(_, sql)
  local own = sql.table(
    "t", sql.column("_a"), sql.column("1a"), sql.column("a$b"), sql.column("é"), sql.column("a-b"), sql.column("A")
  )
  return sql.select(own)
end

-- on conflict with reserved columns
M["quoting-019"] = function(t, sql)
  local i = sql.insert(t.order_t):values { id = 1, user = "u", ["Mixed Case"] = "x" }
  return i:on_conflict_do_update {
    index_elements = { "user" }, set_ = { ["Mixed Case"] = i.excluded["Mixed Case"], select = 5 },
  }
end

-- cte and label quoting together
M["quoting-020"] = function(t, sql)
  local c = sql.select(t.order_t.user:label("User Name")):cte("Orders")
  return sql.select(c.c["User Name"])
end

return M
