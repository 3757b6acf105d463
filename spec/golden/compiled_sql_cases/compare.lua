-- Builders of the group compare: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local U1 = constants.U1

-- inequality
M["compare-002"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:ne("alice"))
end

-- less than
M["compare-003"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:lt(10))
end

-- less or equal
M["compare-004"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:le(10))
end

-- greater than
M["compare-005"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:gt(10))
end

-- greater or equal
M["compare-006"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:ge(10))
end

-- == None renders IS NULL
M["compare-007"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:eq(sql.null))
end

-- != None renders IS NOT NULL
M["compare-008"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:ne(sql.null))
end

-- is_not(None)
M["compare-010"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:is_not(sql.null))
end

-- == null()
M["compare-011"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:eq(sql.null_()))
end

-- is_(true())
M["compare-012"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active:is_(sql.true_()))
end

-- is_distinct_from value
M["compare-014"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:is_distinct_from("x"))
end

-- is_distinct_from None
M["compare-015"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:is_distinct_from(sql.null))
end

-- is_not_distinct_from column
M["compare-016"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.email:is_not_distinct_from(t.account.name))
end

-- not between via ~
M["compare-018"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.rank:between(1, 5))
end

-- between symmetric
M["compare-019"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:between(5, 1, { symmetric = true }))
end

-- between with expressions
M["compare-020"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.price:between(t.asset.quantity - 1, t.asset.quantity + 1))
end

-- literal on the left is flipped
M["compare-023"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:gt(5))
end

-- comparison nested in is_(None)
M["compare-026"] = function(t, sql)
  return sql.select(t.account.uid):where((t.account.rank + 1):is_(sql.null))
end

-- negated comparison flips operator
M["compare-027"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.rank:eq(5))
end

-- not_ of less-than flips operator
M["compare-028"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.not_(t.account.rank:lt(5)))
end

-- negated is_distinct_from
M["compare-030"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.email:is_distinct_from("x"))
end

-- bool_op
M["compare-033"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:bool_op("~")("^a") & t.account.rank:eq(1))
end

-- negated custom operator
M["compare-034"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.name:op("~*")("^a"))
end

-- uuid equality carries a cast
M["compare-036"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:eq(U1))
end

-- uuid compared with string value
M["compare-037"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:eq("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"))
end

return M
