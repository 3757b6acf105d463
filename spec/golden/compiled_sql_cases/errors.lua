-- Builders of the group errors: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local D1, T1, U1, U2 = constants.D1, constants.T1, constants.U1, constants.U2

-- in_ list over dates loses types
M["errors-002"] = function(t, sql)
  return sql.select(t.asset.uid):where(t.asset.listed_on:in_ { D1 })
end

-- in_ over tz timestamps given as strings passes untyped
M["errors-003"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:in_ { "2026-05-28T12:30:00Z" })
end

-- naive datetime on tz column
M["errors-004"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge(sql.timestamp("2026-05-28T12:30:00")))
end

-- naive DateTime typed bind
M["errors-006"] = function(_, sql)
  return sql.select(
    sql.bindparam("seen_at", sql.timestamp("2026-05-28T12:30:00"), { type = types.DateTime { timezone = false } })
  )
end

-- naive DateTime typed bind even with aware value
M["errors-007"] = function(_, sql)
  return sql.select(sql.bindparam("seen_at", T1, { type = types.DateTime {} }))
end

-- string without offset compared with tz column is bound as plain string
M["errors-009"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge("2026-05-28T12:30:00"))
end

-- tz-typed bind with string without offset
M["errors-010"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.created_at:ge(sql.literal("2026-05-28T12:30:00", types.DateTime { timezone = true }))
  )
end

-- tz-typed bind with date-only string
M["errors-011"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.created_at:ge(sql.bindparam("since", "2026-05-28", { type = types.DateTime { timezone = true } }))
  )
end

-- insert tz column with string without offset
M["errors-012"] = function(t, sql)
  return sql.insert(t.holdings_set):values { uid = U1, account_uid = U2, time_index = "2026-05-28T12:30:00" }
end

-- insert date column with a timestamp string keeps the date part
M["errors-014"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "x", listed_on = "2026-05-28T23:30:00-05:00" }
end

-- column name with space: anonymous temporal bind keeps its type
M["errors-017"] = function(t, sql)
  return sql.select(t.order_t.id):where(t.order_t["due at"]:ge(T1))
end

-- insert into column with space: temporal bind is renamed and loses its type
M["errors-018"] = function(t, sql)
  return sql.insert(t.order_t):values { id = 1, ["due at"] = T1 }
end

-- explicit temporal bindparam with special characters loses its type
M["errors-019"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.created_at:ge(sql.bindparam("since.start", T1)))
end

-- empty scope
M["errors-023"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- scope entry with bad access
M["errors-026"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- operation upper case
M["errors-028"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- operation does not have to match the statement
M["errors-029"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- negative offset
M["errors-031"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- unknown limit key
M["errors-033"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- several limit errors at once
M["errors-034"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- numeric string limit is coerced
M["errors-035"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- unsupported dialect
M["errors-036"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- unsupported paramstyle
M["errors-037"] = function(t, sql)
  return sql.select(t.account.uid)
end

-- insert with unknown column
M["errors-040"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, nope = 1 }
end

-- update with unknown column
M["errors-041"] = function(t, sql)
  return sql.update(t.asset):values { nope = 1 }
end

-- explicit bindparam named like its own column inside an expression
M["errors-042"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = sql.func.lower(sql.bindparam("symbol", "x")) }
end

-- conflicting unique and non-unique bind names
M["errors-044"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.name:eq(sql.bindparam("n_1", "a")), t.account.email:eq(sql.bindparam("n", "b", { unique = true }))
  )
end

-- on conflict do update without target
M["errors-045"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "x" }:on_conflict_do_update { set_ = { symbol = "y" } }
end

-- on conflict do update with empty set
M["errors-046"] = function(t, sql)
  return sql.insert(t.asset)
    :values { uid = U1, symbol = "x" }:on_conflict_do_update { index_elements = { "uid" }, set_ = {} }
end

-- on conflict with both constraint and index_elements
M["errors-047"] = function(t, sql)
  return sql.insert(t.asset)
    :values { uid = U1, symbol = "x" }:on_conflict_do_nothing { index_elements = { "uid" }, constraint = "c" }
end

-- from_select then values
M["errors-048"] = function(t, sql)
  return sql.insert(t.asset):from_select({ "uid" }, sql.select(t.account.uid)):values { symbol = "x" }
end

-- union with different column counts
M["errors-049"] = function(t, sql)
  return sql.union(sql.select(t.account.uid), sql.select(t.asset.uid, t.asset.symbol))
end

-- order_by unknown string label
M["errors-050"] = function(t, sql)
  return sql.select(t.account.uid):order_by("nope desc")
end

-- two ctes with the same name
M["errors-051"] = function(t, sql)
  local c1, c2 = sql.select(t.account.uid):cte("c"), sql.select(t.asset.uid):cte("c")
  return sql.select(c1.c.uid, c2.c.uid)
end

-- explicitly correlated subquery without any FROM
M["errors-052"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.rank:eq(sql.select(sql.func.max(t.account.rank)):correlate(t.account):scalar_subquery())
  )
end

-- multi-row insert with a key missing in a later row
M["errors-053"] = function(t, sql)
  return sql.insert(t.asset):values { { uid = U1, symbol = "a" }, { uid = U2 } }
end

-- and_ without arguments is dropped
M["errors-055"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.and_())
end

-- rows frame bound has the wrong type
M["errors-057"] = function(t, sql)
  return sql.select(sql.func.sum(t.asset.price):over { order_by = t.asset.price, rows = { "a", 0 } })
end

-- invalid utf-8 bytes
M["errors-060"] = function(t, sql)
  return sql.select(t.document.id):where(t.document.payload:eq(sql.bytes("\xff\xfe")))
end

-- filter on a label string
M["errors-062"] = function(t, sql)
  return sql.select(t.account.uid):where("name = 'x'")
end

return M
