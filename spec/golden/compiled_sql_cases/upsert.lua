-- Builders of the group upsert: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local T1, T2, U1, U2 = constants.T1, constants.T2, constants.U1, constants.U2

-- do nothing without target
M["upsert-001"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }:on_conflict_do_nothing()
end

-- do nothing with index_where
M["upsert-006"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
    :on_conflict_do_nothing { index_elements = { "symbol" }, index_where = t.asset.account_uid:eq(sql.null) }
end

-- do update set excluded
M["upsert-007"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC", price = 1.5 }
  return i:on_conflict_do_update {
    index_elements = { "uid" }, set_ = { symbol = i.excluded.symbol, price = i.excluded.price },
  }
end

-- do update set literal values
M["upsert-008"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
    :on_conflict_do_update { index_elements = { t.asset.uid }, set_ = { symbol = "ETH", price = 2.5 } }
end

-- do update set order follows table columns
M["upsert-009"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
    :on_conflict_do_update { index_elements = { t.asset.uid }, set_ = { price = 2.5, symbol = "ETH" } }
end

-- do update set column object keys
M["upsert-010"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
  return i:on_conflict_do_update {
    index_elements = { t.asset.uid },
    set_ = { [t.asset.price] = i.excluded.price, [t.asset.symbol] = i.excluded.symbol },
  }
end

-- do update with where bind
M["upsert-013"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC", price = 1.5 }
  return i:on_conflict_do_update {
    index_elements = { "uid" }, set_ = { price = i.excluded.price },
    where = sql.and_(t.asset.asset_class:eq("eq"), t.asset.price:ne(3.5)),
  }
end

-- do update with index_where
M["upsert-015"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
  return i:on_conflict_do_update {
    index_elements = { "symbol" }, index_where = t.asset.asset_class:eq("eq"), set_ = { price = i.excluded.price },
  }
end

-- do update by constraint
M["upsert-016"] = function(t, sql)
  local i = sql.insert(t.holdings_set):values { uid = U1, account_uid = U2, time_index = T1 }
  return i:on_conflict_do_update { constraint = "uq_holdings_set_account_time", set_ = { uid = i.excluded.uid } }
end

-- do update by constraint name needing quotes
M["upsert-017"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
  return i:on_conflict_do_update { constraint = "UQ Asset", set_ = { symbol = i.excluded.symbol } }
end

-- do update composite key, multi rows
M["upsert-018"] = function(t, sql)
  local i = sql.insert(t.price_history):values {
    { time_index = T1, asset_uid = U1, close = 1.5 }, { time_index = T2, asset_uid = U2, close = 2.5 },
  }
  return i:on_conflict_do_update {
    index_elements = { "time_index", "asset_uid" }, set_ = { close = i.excluded.close },
  }
end

-- do update with returning
M["upsert-020"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
  return i
    :on_conflict_do_update { index_elements = { "uid" }, set_ = { symbol = i.excluded.symbol } }:returning(t.asset)
end

-- do update with returning subset and label
M["upsert-021"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
  return i:on_conflict_do_update { index_elements = { "uid" }, set_ = { symbol = i.excluded.symbol } }
    :returning(t.asset.uid, sql.literal_column("(xmax = 0)"):label("inserted"))
end

-- do update set None and null()
M["upsert-022"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
    :on_conflict_do_update { index_elements = { "uid" }, set_ = { price = sql.null, quantity = sql.null_() } }
end

-- do update set all excluded via dict
M["upsert-023"] = function(t, sql)
  local i = sql.insert(t.asset):values { uid = U1, symbol = "BTC", price = 1.5 }
  local set = {}
  for _, column in ipairs(sql.columns(i.excluded)) do
    if not column.primary_key then set[column.name] = column end
  end
  return i:on_conflict_do_update { index_elements = { "uid" }, set_ = set }
end

-- do update set excluded collection
M["upsert-024"] = function(t, sql)
  local i = sql.insert(t.currency):values { code = "EUR", name = "Euro" }
  return i:on_conflict_do_update { index_elements = { "code" }, set_ = i.excluded }
end

-- do update set now() and coalesce
M["upsert-026"] = function(t, sql)
  local i = sql.insert(t.currency):values { code = "EUR", name = "Euro" }
  return i:on_conflict_do_update {
    index_elements = { "code" },
    set_ = { name = sql.func.coalesce(i.excluded.name, t.currency.name, "n/a"), updated_at = sql.func.now() },
  }
end

-- serial table do nothing has implicit returning
M["upsert-027"] = function(t, sql)
  return sql.insert(t.document):values { title = "t" }:on_conflict_do_nothing()
end

-- serial table do update has implicit returning
M["upsert-028"] = function(t, sql)
  local i = sql.insert(t.document):values { title = "t" }
  return i:on_conflict_do_update { index_elements = { "title" }, set_ = { priority = 5 } }
end

-- from select with do update and where bind numbering
M["upsert-030"] = function(t, sql)
  local i = sql.insert(t.asset):from_select(
    { "uid", "symbol" }, sql.select(t.account.uid, t.account.name):where(t.account.name:eq("x"))
  )
  return i:on_conflict_do_update {
    index_elements = { "uid" }, set_ = { symbol = i.excluded.symbol }, where = t.asset.symbol:eq("y"),
  }
end

-- conflict target text expression
M["upsert-032"] = function(t, sql)
  return sql.insert(t.asset)
    :values { uid = U1, symbol = "BTC" }:on_conflict_do_nothing { index_elements = { sql.text("lower(symbol)") } }
end

-- set key unknown to the table is rendered last
M["upsert-033"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
    :on_conflict_do_update { index_elements = { "uid" }, set_ = { symbol = "x", extra_col = 5 } }
end

-- jsonb merge
M["upsert-034"] = function(t, sql)
  local i = sql.insert(t.document):values { id = 1, title = "t", attrs = { a = 1 } }
  return i:on_conflict_do_update { index_elements = { "id" }, set_ = { attrs = t.document.attrs + i.excluded.attrs } }
end

return M
