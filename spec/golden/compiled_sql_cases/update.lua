-- Builders of the group update: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local T1, T2, U1, U2 = constants.T1, constants.T2, constants.U1, constants.U2

-- simple update
M["update-001"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.uid:eq(U1)):values { price = 2.5 }
end

-- several columns follow table order
M["update-003"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.uid:eq(U1)):values { price = 2.5, symbol = "X", asset_class = sql.null }
end

-- ordered_values keeps order
M["update-004"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.uid:eq(U1)):ordered_values({ t.asset.price, 2.5 }, { t.asset.symbol, "X" })
end

-- set and where on the same column
M["update-005"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.symbol:eq("old")):values { symbol = "new" }
end

-- set and two wheres on the same column
M["update-006"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.symbol:eq("old"), t.asset.symbol:ne("x")):values { symbol = "new" }
end

-- values by column object
M["update-007"] = function(t, sql)
  return sql.update(t.asset):values { [t.asset.price] = 2.5, [t.asset.symbol] = "X" }
end

-- expression and literal
M["update-009"] = function(t, sql)
  return sql.update(t.asset)
    :where(t.asset.quantity:gt(5)):values { quantity = t.asset.quantity * 2, symbol = sql.func.upper(t.asset.symbol) }
end

-- set None
M["update-011"] = function(t, sql)
  return sql.update(t.asset):values { price = sql.null }
end

-- returning
M["update-013"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.uid:eq(U1)):values { price = 1.0 }:returning(t.asset.uid, t.asset.price)
end

-- returning table
M["update-014"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.uid:eq(U1)):values { price = 1.0 }:returning(t.asset)
end

-- update from alias
M["update-016"] = function(t, sql)
  local a = sql.alias(t.account, "a")
  return sql.update(t.asset):where(t.asset.account_uid:eq(a.c.uid)):values { asset_class = a.c.email }
end

-- update from values
M["update-019"] = function(t, sql)
  local v = sql.values(sql.column("uid", types.Uuid {}), sql.column("price", types.Float {}), { name = "v" })
    :data { { U1, 1.5 }, { U2, 2.5 } }
  return sql.update(t.asset):where(t.asset.uid:eq(v.c.uid)):values { price = v.c.price }
end

-- correlated scalar subquery in set
M["update-020"] = function(t, sql)
  return sql.update(t.asset):values {
    asset_class = sql.select(t.account.name):where(t.account.uid:eq(t.asset.account_uid)):scalar_subquery(),
  }
end

-- where in subquery
M["update-021"] = function(t, sql)
  return sql.update(t.asset)
    :where(t.asset.account_uid:in_(sql.select(t.account.uid):where(t.account.rank:gt(3)))):values { price = 0.0 }
end

-- where exists
M["update-022"] = function(t, sql)
  return sql.update(t.asset):where(sql.exists():where(t.account.uid:eq(t.asset.account_uid))):values { price = 0.0 }
end

-- bindparam with explicit name
M["update-023"] = function(t, sql)
  return sql.update(t.asset)
    :where(t.asset.uid:eq(sql.bindparam("b_uid", U1))):values { price = sql.bindparam("b_price", 2.5) }
end

-- temporal set and where
M["update-026"] = function(t, sql)
  return sql.update(t.holding):where(t.holding.time_index:eq(T1)):values { target_trade_time = T2 }
end

-- update without values renders all columns
M["update-027"] = function(t, sql)
  return sql.update(t.currency)
end

-- update alias
M["update-028"] = function(t, sql)
  local a = sql.alias(t.asset, "a")
  return sql.update(a):where(a.c.uid:eq(U1)):values { price = 1.5 }
end

-- jsonb concat in set
M["update-029"] = function(t, sql)
  return sql.update(t.document):where(t.document.id:eq(1)):values { attrs = t.document.attrs + { a = 1 } }
end

-- array append
M["update-031"] = function(t, sql)
  return sql.update(t.asset):values { tags = sql.func.array_append(t.asset.tags, "x") }
end

-- in_ in where
M["update-032"] = function(t, sql)
  return sql.update(t.asset):where(t.asset.symbol:in_ { "a", "b" }):values { symbol = "c" }
end

-- literal_column in set
M["update-033"] = function(t, sql)
  return sql.update(t.asset):values { price = sql.literal_column("price + 1") }
end

return M
