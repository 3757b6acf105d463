-- Builders of the group insert: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local D1, T1, T2, U1, U2, U3 = constants.D1, constants.T1, constants.T2, constants.U1, constants.U2, constants.U3

-- single row
M["insert-001"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC", price = 1.5 }
end

-- values order follows table column order, not argument order
M["insert-002"] = function(t, sql)
  return sql.insert(t.asset):values { price = 1.5, symbol = "BTC", uid = U1 }
end

-- values by column object
M["insert-003"] = function(t, sql)
  return sql.insert(t.asset):values { [t.asset.uid] = U1, [t.asset.symbol] = "BTC" }
end

-- positional values
M["insert-004"] = function(t, sql)
  return sql.insert(t.currency):values { "EUR", "Euro", 2, T1, U1 }
end

-- serial primary key adds implicit RETURNING
M["insert-007"] = function(t, sql)
  return sql.insert(t.document):values { title = "t" }
end

-- serial primary key given
M["insert-008"] = function(t, sql)
  return sql.insert(t.document):values { id = 5, title = "t" }
end

-- insert without values renders all columns
M["insert-010"] = function(t, sql)
  return sql.insert(t.asset)
end

-- insert default values
M["insert-011"] = function(t, sql)
  return sql.insert(t.document):values {}
end

-- explicit None value
M["insert-012"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC", price = sql.null }
end

-- expression value
M["insert-014"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = sql.func.upper("btc"), price = sql.literal_column("1 + 1") }
end

-- now() and gen_random_uuid()
M["insert-016"] = function(t, sql)
  return sql.insert(t.account):values {
    uid = sql.func.gen_random_uuid(), name = "x", is_active = true, created_at = sql.func.now(),
  }
end

-- scalar subquery value
M["insert-017"] = function(t, sql)
  return sql.insert(t.asset):values {
    uid = U1, symbol = "BTC", account_uid = sql.select(t.account.uid):where(t.account.name:eq("x")):scalar_subquery(),
  }
end

-- plain bindparam value with own name
M["insert-019"] = function(t, sql)
  return sql.insert(t.asset):values { uid = sql.bindparam("my_uid", U1), symbol = sql.bindparam("my_symbol", "BTC") }
end

-- returning one column
M["insert-020"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }:returning(t.asset.uid)
end

-- returning several columns
M["insert-021"] = function(t, sql)
  return sql.insert(t.account):values { name = "x", is_active = true }:returning(t.account.uid, t.account.created_at)
end

-- returning the table
M["insert-022"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }:returning(t.asset)
end

-- returning expression with label and bind
M["insert-023"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC" }
    :returning(t.asset.uid, (t.asset.price * 2):label("dbl"), sql.func.lower(t.asset.symbol))
end

-- multi-row values
M["insert-025"] = function(t, sql)
  return sql.insert(t.asset):values { { uid = U1, symbol = "BTC" }, { uid = U2, symbol = "ETH" } }
end

-- multi-row values three rows with None
M["insert-026"] = function(t, sql)
  return sql.insert(t.asset):values {
    { uid = U1, symbol = "BTC", price = 1.5 }, { uid = U2, symbol = "ETH", price = sql.null },
    { uid = U3, symbol = "SOL", price = 3.0 },
  }
end

-- multi-row one element list
M["insert-028"] = function(t, sql)
  return sql.insert(t.asset):values { { uid = U1, symbol = "BTC" } }
end

-- multi-row with bindparams
M["insert-031"] = function(t, sql)
  return sql.insert(t.asset):values {
    { uid = sql.bindparam("u0", U1), symbol = "A" }, { uid = sql.bindparam("u1", U2), symbol = "B" },
  }
end

-- multi-row positional
M["insert-032"] = function(t, sql)
  return sql.insert(t.currency):values { { "EUR", "Euro", 2, T1, U1 }, { "USD", "Dollar", 2, T2, U2 } }
end

-- multi-row temporal parameters
M["insert-033"] = function(t, sql)
  return sql.insert(t.price_history):values {
    { time_index = T1, asset_uid = U1, close = 1.5 }, { time_index = T2, asset_uid = U1, close = 2.5 },
  }
end

-- multi-row key order in later rows may differ
M["insert-034"] = function(t, sql)
  return sql.insert(t.asset):values { { uid = U1, symbol = "BTC" }, { symbol = "ETH", uid = U2 } }
end

-- insert json/jsonb/bool/numeric/date/smallint/bytes
M["insert-038"] = function(t, sql)
  return sql.insert(t.document):values {
    id = 1, title = "t", body = { a = 1 }, attrs = { "x" }, is_public = true, amount = sql.decimal("10.10"),
    published_on = D1, priority = 3, payload = sql.bytes("raw"),
  }
end

-- insert array value
M["insert-039"] = function(t, sql)
  return sql.insert(t.asset):values { uid = U1, symbol = "BTC", tags = { "a", "b" } }
end

-- insert json None and null()
M["insert-040"] = function(t, sql)
  return sql.insert(t.document):values { id = 1, title = "t", body = sql.null_(), attrs = sql.null }
end

-- from select with column objects
M["insert-042"] = function(t, sql)
  return sql.insert(t.asset):from_select({ t.asset.uid, t.asset.symbol }, sql.select(t.account.uid, t.account.name))
end

-- from select with literal and returning
M["insert-043"] = function(t, sql)
  return sql.insert(t.asset)
    :from_select({ "uid", "symbol", "asset_class" }, sql.select(t.account.uid, t.account.name, sql.literal("acc")))
    :returning(t.asset.uid)
end

-- prefix_with
M["insert-047"] = function(t, sql)
  return sql.insert(t.asset):prefix_with("/* c */"):values { uid = U1, symbol = "BTC" }
end

-- insert with table-level alias free returning of reserved
M["insert-048"] = function(t, sql)
  return sql.insert(t.order_t)
    :values { user = "u", ["due at"] = sql.null }:returning(t.order_t.id, t.order_t.user, t.order_t["Mixed Case"])
end

return M
