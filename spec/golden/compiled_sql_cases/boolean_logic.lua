-- Builders of the group boolean_logic: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- two where calls are ANDed
M["boolean_logic-001"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:gt(1)):where(t.account.name:eq("x"))
end

-- and_
M["boolean_logic-003"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.and_(t.account.rank:gt(1), t.account.name:eq("x")))
end

-- or_
M["boolean_logic-004"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(t.account.rank:gt(1), t.account.name:eq("x")))
end

-- and inside or needs no parens
M["boolean_logic-006"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.or_(sql.and_(t.account.rank:gt(1), t.account.rank:lt(9)), t.account.name:eq("x"))
  )
end

-- or inside and
M["boolean_logic-007"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.and_(sql.or_(t.account.rank:gt(1), t.account.rank:eq(0)), t.account.name:eq("x"))
  )
end

-- nested or_ flattened
M["boolean_logic-009"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.or_(t.account.rank:gt(1), sql.or_(t.account.name:eq("x"), t.account.email:eq("y")))
  )
end

-- & and | operators
M["boolean_logic-010"] = function(t, sql)
  return sql.select(t.account.uid):where((t.account.rank:gt(1) & t.account.name:eq("x")) | t.account.email:eq("y"))
end

-- not of and
M["boolean_logic-012"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.not_(sql.and_(t.account.rank:gt(1), t.account.name:eq("x"))))
end

-- double negation of and
M["boolean_logic-014"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.not_(sql.not_(sql.and_(t.account.rank:gt(1), t.account.name:eq("x")))))
end

-- single-element or_
M["boolean_logic-016"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(t.account.rank:gt(1)))
end

-- and_(true(), expr)
M["boolean_logic-017"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.and_(sql.true_(), t.account.rank:gt(1)))
end

-- and_(false(), expr)
M["boolean_logic-018"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.and_(sql.false_(), t.account.rank:gt(1)))
end

-- or_(false(), expr)
M["boolean_logic-019"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(sql.false_(), t.account.rank:gt(1)))
end

-- and_ of only true()
M["boolean_logic-021"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.and_(sql.true_()))
end

-- and_ built incrementally from true()
M["boolean_logic-024"] = function(t, sql)
  local cond = sql.true_()
  for _, name in ipairs { "a", "b" } do cond = sql.and_(cond, t.account.name:ne(name)) end
  return sql.select(t.account.uid):where(cond)
end

-- deep nesting
M["boolean_logic-025"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.or_(
      sql.and_(t.account.rank:eq(1), sql.or_(t.account.name:eq("a"), t.account.name:eq("b"))),
      sql.and_(t.account.rank:eq(2), sql.not_(sql.or_(t.account.name:eq("c"), t.account.email:eq(sql.null))))
    )
  )
end

-- boolean expression as select column
M["boolean_logic-027"] = function(t, sql)
  return sql.select(
    sql.or_(t.account.rank:gt(1), t.account.name:eq("x")):label("ok"),
    sql.and_(t.account.rank:gt(1), t.account.email:eq(sql.null))
  )
end

-- boolean expression compared to boolean
M["boolean_logic-028"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.and_(t.account.rank:gt(1), t.account.name:eq("x")):eq(true))
end

-- or_ with in_ and like and is null
M["boolean_logic-029"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.or_(
      t.account.name:in_ { "a" }, t.account.name:like("b%"), t.account.email:is_(sql.null),
      t.account.rank:between(1, 2)
    )
  )
end

-- where with python True
M["boolean_logic-031"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.true_())
end

-- where with python False
M["boolean_logic-032"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.false_())
end

return M
