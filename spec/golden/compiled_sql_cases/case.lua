-- Builders of the group case: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- searched case
M["case-001"] = function(t, sql)
  return sql.select(sql.case({ t.account.rank:gt(5), "high" }, { t.account.rank:gt(2), "mid" }, { else_ = "low" }))
end

-- searched case without else
M["case-002"] = function(t, sql)
  return sql.select(sql.case { t.account.rank:gt(5), "high" })
end

-- simple case with dict and value
M["case-003"] = function(t, sql)
  return sql.select(sql.case({ "a", 1 }, { "b", 2 }, { value = t.account.name, else_ = 0 }))
end

-- case returning columns
M["case-005"] = function(t, sql)
  return sql.select(sql.case({ t.account.email:ne(sql.null), t.account.email }, { else_ = t.account.name }))
end

-- case in where
M["case-006"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.case({ t.account.rank:gt(5), 1 }, { else_ = 0 }):eq(1))
end

-- nested case
M["case-008"] = function(t, sql)
  return sql.select(
    sql.case(
      { t.account.rank:gt(5), sql.case({ t.account.is_active, "a" }, { else_ = "b" }) }, { else_ = sql.null_() }
    )
  )
end

-- case with and/or conditions
M["case-009"] = function(t, sql)
  return sql.select(
    sql.case(
      { sql.and_(t.account.rank:gt(5), sql.or_(t.account.name:eq("x"), t.account.is_active)), 1.5 },
      { else_ = sql.null }
    )
  )
end

-- case inside sum
M["case-010"] = function(t, sql)
  return sql.select(
    sql.func.sum(sql.case({ t.asset.asset_class:eq("eq"), t.asset.quantity }, { else_ = 0 })):label("eq_qty")
  )
end

return M
