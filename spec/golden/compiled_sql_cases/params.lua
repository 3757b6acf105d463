-- Builders of the group params: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local D1, D2, T1 = constants.D1, constants.D2, constants.T1
local T2, T3, U1, U2 = constants.T2, constants.T3, constants.U1, constants.U2

-- int
M["params-001"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:eq(42))
end

-- negative int
M["params-002"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:eq(-42))
end

-- float
M["params-004"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.price:eq(1.25))
end

-- float with integral value
M["params-005"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.price:eq(2.0))
end

-- float small exponent
M["params-006"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.price:gt(1e-07))
end

-- int bound to float column stays int
M["params-008"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.price:eq(3))
end

-- decimal with trailing zeros and exponent
M["params-010"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.balance:between(sql.decimal("0.00010"), sql.decimal("1E+3")))
end

-- bool
M["params-011"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active:eq(sql.literal(true)))
end

-- none in literal
M["params-013"] = function(_, sql)
  return sql.select(sql.literal(sql.null, types.String {}))
end

-- string with quotes, backslash, newline
M["params-015"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq("o'h\"ara\\\n\t"))
end

-- uuid column compared with an upper case string keeps the text
M["params-018"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:eq("ABCDEFAB-CDEF-4ABC-8DEF-ABCDEFABCDEF"))
end

-- uuid as_uuid False column value string
M["params-019"] = function(_, sql)
  return sql.select(sql.literal("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", types.Uuid { as_uuid = false }))
end

-- tz datetime utc
M["params-021"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge(T1))
end

-- tz datetime with microseconds
M["params-022"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge(T2))
end

-- tz datetime with offset is converted to UTC
M["params-023"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge(T3))
end

-- datetime range on one column
M["params-026"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge(T1), t.account.created_at:lt(T2))
end

-- None on tz column via bindparam
M["params-028"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.created_at:eq(sql.bindparam("ts", sql.null, { type = types.DateTime { timezone = true } }))
  )
end

-- date
M["params-029"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.listed_on:eq(D1))
end

-- date range
M["params-030"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.listed_on:between(D1, D2))
end

-- date string on date column
M["params-031"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.listed_on:eq("2026-05-28"))
end

-- datetime inserted into date column keeps the calendar date without zone conversion
M["params-033"] = function(t, sql)
  return sql.insert(t.asset):values {
    uid = U1, symbol = "x", listed_on = sql.timestamp("2026-05-28T00:30:00+02:00"),
  }
end

-- datetime before 1970 and far future
M["params-035"] = function(t, sql)
  local first, last = sql.timestamp("1905-01-02T03:04:05.000006Z"), sql.timestamp("2262-01-01T00:00:00Z")
  return sql.select(t.account.uid):where(t.account.created_at:between(first, last))
end

-- date and datetime and other params mixed
M["params-036"] = function(t, sql)
  return sql.select(t.asset.uid):join(t.account)
    :where(t.asset.listed_on:gt(D1), t.account.created_at:lt(T1), t.asset.price:gt(1.5), t.account.uid:eq(U1))
end

-- literal tz datetime infers tz type
M["params-037"] = function(_, sql)
  return sql.select(sql.literal(T1))
end

-- pg TIMESTAMP timezone type
M["params-039"] = function(_, sql)
  return sql.select(sql.literal(T1, types.TIMESTAMP { timezone = true }))
end

-- dict with uuid, decimal and datetime inside jsonb value
M["params-042"] = function(_, sql)
  return sql.select(sql.literal({ u = U1, d = sql.decimal("1.10"), t = T1, day = D1 }, types.JSONB {}))
end

-- bytes
M["params-043"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.payload:eq(sql.bytes("abc")))
end

-- float bound to numeric column
M["params-048"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.balance:eq(1.5))
end

-- params() overrides values
M["params-049"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("n", "old"))):params { n = "new" }
end

-- temporal bind on function comparison
M["params-050"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.func.date_trunc("day", t.account.created_at):eq(T1))
end

-- temporal bind against max()
M["params-052"] = function(t, sql)
  return sql.select(t.holding.account_uid)
    :group_by(t.holding.account_uid):having(sql.func.max(t.holding.time_index):ge(T1))
end

-- temporal value in case result
M["params-053"] = function(t, sql)
  return sql.select(sql.case({ t.account.rank:gt(1), T1 }, { else_ = t.account.created_at }))
end

-- offset datetime in insert is converted to UTC
M["params-054"] = function(t, sql)
  return sql.insert(t.holdings_set):values { uid = U1, account_uid = U2, time_index = T3 }
end

-- uuid inside tuple, list and nested dict parameters
M["params-055"] = function(_, sql)
  return sql.select(sql.literal({ U1, { x = { U2, 1 } } }, types.JSONB {}))
end

-- decimal special forms
M["params-056"] = function(_, sql)
  return sql.select(
    sql.literal(sql.decimal("-0.0")), sql.literal(sql.decimal("1E-10")),
    sql.literal(sql.decimal("123456789012345678901234567890.123"))
  )
end

-- float formatting samples
M["params-057"] = function(_, sql)
  return sql.select(
    sql.literal(0.1), sql.literal(-0.0), sql.literal(1e+16), sql.literal(123456789.12345679), sql.literal(1e-05),
    sql.literal(5e-324), sql.literal(1.7976931348623157e+308), sql.literal(1e+20)
  )
end

-- integers around 2^53 and the int64 limits
M["params-058"] = function(_, sql)
  return sql.select(
    sql.literal(9007199254740991), sql.literal(9007199254740993), sql.literal(-9007199254740993),
    sql.literal(math.maxinteger), sql.literal(math.mininteger))
end

-- control characters and non-BMP text
M["params-059"] = function(_, sql)
  return sql.select(sql.literal("\000\031\127\u{2028} é 😀 </script>"))
end

return M
