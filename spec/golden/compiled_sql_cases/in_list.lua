-- Builders of the group in_list: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local U1, U2 = constants.U1, constants.U2

-- empty list on integer column
M["in_list-004"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:in_ {})
end

-- empty list on uuid column
M["in_list-005"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:in_ {})
end

-- not_in three values
M["in_list-006"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:not_in { 1, 2, 3 })
end

-- not_in one value
M["in_list-007"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:not_in { 1 })
end

-- not_in empty
M["in_list-008"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:not_in {})
end

-- ~ of in_
M["in_list-009"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.rank:in_ { 1, 2 })
end

-- in_ with uuid values
M["in_list-011"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:in_ { U1, U2 })
end

-- in_ twice on the same column
M["in_list-012"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:in_ { 1, 2 }, t.account.rank:not_in { 3 })
end

-- in_ combined with plain equality on the same column
M["in_list-013"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:eq(9), t.account.rank:in_ { 1, 2 }, t.account.rank:eq(8))
end

-- in_ subquery
M["in_list-014"] = function(t, sql)
  return sql.select(t.asset.symbol):where(
    t.asset.account_uid:in_(sql.select(t.account.uid):where(t.account.rank:gt(3)))
  )
end

-- tuple in, empty
M["in_list-018"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.tuple_(t.account.name, t.account.rank):in_ {})
end

-- tuple not in
M["in_list-019"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.tuple_(t.account.name, t.account.rank):not_in { { "a", 1 } })
end

-- in_ on expression
M["in_list-022"] = function(t, sql)
  return sql.select(t.account.uid):where((t.account.rank % 2):in_ { 0, 1 })
end

-- in_ on function
M["in_list-023"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.func.lower(t.account.name):in_ { "a", "b" })
end

-- in_ with explicit expanding bindparam
M["in_list-024"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.name:in_(sql.bindparam("names", { "x", "y" }, { expanding = true }))
  )
end

-- in_ with column expressions in the list
M["in_list-025"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:in_ { t.account.email, sql.literal("b"), "c" })
end

-- in_ with numeric values
M["in_list-026"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.balance:in_ { sql.decimal("1.50"), sql.decimal("2") })
end

-- in_ combined with or
M["in_list-028"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(t.account.name:in_ { "a", "b" }, t.account.rank:in_ {}))
end

-- in_ with twelve values
M["in_list-029"] = function(t, sql)
  local ranks = {}
  for rank = 0, 11 do ranks[#ranks + 1] = rank end
  return sql.select(t.account.uid):where(t.account.rank:in_(ranks))
end

-- in_ on cast column
M["in_list-030"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.cast(t.account.rank, types.String {}):in_ { "1", "2" })
end

-- in_ select with bind on both sides
M["in_list-032"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.rank:gt(1),
    t.account.uid:in_(sql.select(t.asset.account_uid):where(t.asset.symbol:in_ { "a", "b" }, t.asset.price:gt(2))),
    t.account.rank:lt(9)
  )
end

-- empty not_in inside not_
M["in_list-034"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.not_(t.account.name:not_in {}))
end

-- empty in_ negated with ~
M["in_list-035"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.name:in_ {})
end

return M
