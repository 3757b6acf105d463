-- Builders of the group arithmetic: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- addition
M["arithmetic-001"] = function(t, sql)
  return sql.select(t.account.rank + 1)
end

-- reverse addition
M["arithmetic-002"] = function(t, sql)
  return sql.select(1 + t.account.rank)
end

-- multiplication
M["arithmetic-004"] = function(t, sql)
  return sql.select(t.account.rank * 2)
end

-- true division float
M["arithmetic-006"] = function(t, sql)
  return sql.select(t.asset.price / 2)
end

-- reverse division
M["arithmetic-009"] = function(t, sql)
  return sql.select(10 / t.account.rank)
end

-- floor division integers
M["arithmetic-010"] = function(t, sql)
  return sql.select(t.account.rank // 2)
end

-- floor division floats
M["arithmetic-011"] = function(t, sql)
  return sql.select(t.asset.price // 2)
end

-- modulo
M["arithmetic-012"] = function(t, sql)
  return sql.select(t.account.rank % 2)
end

-- string concatenation with +
M["arithmetic-014"] = function(t, sql)
  return sql.select(t.account.name + "!")
end

-- string concatenation with column
M["arithmetic-015"] = function(t, sql)
  return sql.select(t.account.name + " <" + t.account.email + ">")
end

-- func.concat
M["arithmetic-018"] = function(t, sql)
  return sql.select(sql.func.concat(t.account.name, "-", t.account.rank))
end

-- left associative subtraction
M["arithmetic-021"] = function(t, sql)
  return sql.select(t.account.rank - 1 - 2)
end

-- left grouped addition chain
M["arithmetic-023"] = function(t, sql)
  return sql.select(t.account.rank + 1 + 2 + 3)
end

-- right grouped addition
M["arithmetic-024"] = function(t, sql)
  return sql.select(t.account.rank + (t.account.rank + 3))
end

-- right grouped multiplication
M["arithmetic-025"] = function(t, sql)
  return sql.select(t.account.rank * (t.account.rank * 3))
end

-- product of division
M["arithmetic-027"] = function(t, sql)
  return sql.select((t.asset.price / 100) * t.asset.quantity)
end

-- unary minus
M["arithmetic-030"] = function(t, sql)
  return sql.select(-t.account.rank)
end

-- unary minus of expression
M["arithmetic-031"] = function(t, sql)
  return sql.select(-(t.account.rank + 1))
end

-- double unary minus
M["arithmetic-032"] = function(t, sql)
  return sql.select(-(-t.account.rank))
end

-- subtracting a negated column
M["arithmetic-033"] = function(t, sql)
  return sql.select(t.account.rank - (-t.account.rank))
end

-- arithmetic within comparison
M["arithmetic-034"] = function(t, sql)
  return sql.select(t.asset.uid):where((t.asset.price * t.asset.quantity):gt(1000))
end

-- arithmetic with or_ precedence
M["arithmetic-035"] = function(t, sql)
  return sql.select(t.asset.uid):where((t.asset.price + 1):gt(5) | (t.asset.quantity - 1):lt(5))
end

-- concat precedence with like
M["arithmetic-037"] = function(t, sql)
  return sql.select(t.account.uid):where((t.account.name + t.account.email):like("%x%"))
end

-- bitwise and
M["arithmetic-039"] = function(t, sql)
  return sql.select(t.account.rank:bitwise_and(4))
end

-- bitwise or
M["arithmetic-040"] = function(t, sql)
  return sql.select(t.account.rank:bitwise_or(4))
end

-- bitwise xor
M["arithmetic-041"] = function(t, sql)
  return sql.select(t.account.rank:bitwise_xor(4))
end

-- bitwise not
M["arithmetic-042"] = function(t, sql)
  return sql.select(t.account.rank:bitwise_not())
end

-- bitwise shifts
M["arithmetic-043"] = function(t, sql)
  return sql.select(t.account.rank:bitwise_lshift(1), t.account.rank:bitwise_rshift(2))
end

-- bitwise and in comparison
M["arithmetic-044"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:bitwise_and(4):eq(4))
end

-- mix bitwise and arithmetic
M["arithmetic-045"] = function(t, sql)
  return sql.select((t.account.rank:bitwise_and(7) + 1):bitwise_or(8))
end

-- op precedence default
M["arithmetic-046"] = function(t, sql)
  return sql.select(t.account.rank:op("&")(4):eq(4))
end

-- timestamp plus timedelta: interval bind is mistyped as timestamp and rejected
M["arithmetic-049"] = function(t, sql)
  return sql.select(t.account.created_at + sql.interval { days = 1, hours = 2 })
end

-- now() minus an interval literal_column
M["arithmetic-050"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.created_at:gt(sql.func.now() - sql.literal_column("interval '1 day'"))
  )
end

-- now() minus an interval text fragment
M["arithmetic-051"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:gt(sql.func.now() - sql.text("interval '1 day'")))
end

-- make_interval function
M["arithmetic-053"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:gt(sql.func.now() - sql.func.make_interval(0, 0, 0, 5)))
end

-- timestamp minus timestamp
M["arithmetic-054"] = function(t, sql)
  return sql.select(t.holding.target_trade_time - t.holding.time_index)
end

-- literal plus literal
M["arithmetic-057"] = function(_, sql)
  return sql.select(sql.literal(1) + sql.literal(2))
end

-- not of arithmetic comparison
M["arithmetic-059"] = function(t, sql)
  return sql.select(t.account.uid):where(~(t.account.rank + 1):gt(2))
end

-- negated boolean column inside arithmetic-free select
M["arithmetic-060"] = function(t, sql)
  return sql.select(~t.account.rank:gt(2))
end

return M
