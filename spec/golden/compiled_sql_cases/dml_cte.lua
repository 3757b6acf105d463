-- Builders of the group dml_cte: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local T1, T2, U1, U2 = constants.T1, constants.T2, constants.U1, constants.U2

-- insert in cte, select from it
M["dml_cte-001"] = function(t, sql)
  local ins = sql.insert(t.account):values { name = "x", is_active = true }:returning(t.account.uid):cte("ins")
  return sql.select(ins.c.uid)
end

-- update in cte
M["dml_cte-003"] = function(t, sql)
  local u = sql.update(t.asset)
    :where(t.asset.price:lt(1)):values { price = 1.5 }:returning(t.asset.uid, t.asset.symbol):cte("updated")
  return sql.select(u.c.symbol):order_by(u.c.symbol)
end

-- move rows: delete returning then insert from select
M["dml_cte-004"] = function(t, sql)
  local d = sql.delete(t.asset):where(t.asset.account_uid:eq(U1)):returning(t.asset.uid, t.asset.symbol):cte("moved")
  return sql.insert(t.document):from_select({ "title" }, sql.select(d.c.symbol))
end

-- insert ... select joined to dml cte with add_cte
M["dml_cte-005"] = function(t, sql)
  local ins = sql.insert(t.holdings_set)
    :values { uid = U1, account_uid = U2, time_index = T1 }:returning(t.holdings_set.uid):cte("hs")
  return sql.insert(t.asset):from_select({ "uid", "symbol" }, sql.select(ins.c.uid, sql.literal("SYM"))):add_cte(ins)
end

-- upsert in cte
M["dml_cte-006"] = function(t, sql)
  local up = sql.insert(t.account):values { uid = U1, name = "x", is_active = true }
  up = up:on_conflict_do_update { index_elements = { t.account.uid }, set_ = { name = up.excluded.name } }
    :returning(t.account.uid):cte("up")
  return sql.select(up.c.uid)
end

-- add_cte on select with delete not referenced
M["dml_cte-007"] = function(t, sql)
  local d = sql.delete(t.asset):where(t.asset.price:lt(1)):cte("d")
  return sql.select(t.account.uid):add_cte(d)
end

-- update with cte in where
M["dml_cte-008"] = function(t, sql)
  local c = sql.select(t.account.uid):where(t.account.rank:gt(5)):cte("top")
  return sql.update(t.asset):where(t.asset.account_uid:in_(sql.select(c.c.uid))):values { price = 1.0 }
end

-- delete with cte
M["dml_cte-010"] = function(t, sql)
  local c = sql.select(t.account.uid):where(t.account.is_active:eq(false)):cte("inactive")
  return sql.delete(t.asset):where(t.asset.account_uid:in_(sql.select(c.c.uid)))
end

-- delete using cte
M["dml_cte-011"] = function(t, sql)
  local c = sql.select(t.account.uid):where(t.account.is_active:eq(false)):cte("inactive")
  return sql.delete(t.asset):where(t.asset.account_uid:eq(c.c.uid)):returning(t.asset.uid)
end

-- insert from select with cte
M["dml_cte-012"] = function(t, sql)
  local c = sql.select(t.account.uid, t.account.name):where(t.account.rank:gt(5)):cte("top")
  return sql.insert(t.asset):from_select({ "uid", "symbol" }, sql.select(c.c.uid, c.c.name))
end

-- replace snapshot pattern, one position
M["dml_cte-013"] = function(t, sql)
  local hs_uid = sql.bindparam("holdings_set_uid", U1, { type = types.Uuid {} })
  local acc_uid = sql.bindparam("account_uid", U2, { type = types.Uuid {} })
  local day = sql.bindparam("holdings_date", T1, { type = types.DateTime { timezone = true } })
  local overwrite = sql.bindparam("overwrite", true)
  local hs = sql.insert(t.holdings_set):values {
      uid = sql.cast(hs_uid, types.Uuid {}), account_uid = sql.cast(acc_uid, types.Uuid {}),
      time_index = sql.cast(day, types.DateTime { timezone = true }),
    }
    :on_conflict_do_update {
      index_elements = { t.holdings_set.account_uid, t.holdings_set.time_index },
      set_ = {
        time_index = sql.cast(
          sql.bindparam("holdings_date", T1, { type = types.DateTime { timezone = true } }),
          types.DateTime { timezone = true }
        ),
      }, where = overwrite,
    }
    :returning(t.holdings_set.uid):cte("holdings_set")
  local rows = sql.values(
    sql.column("asset_identifier", types.String {}), sql.column("quantity", types.Float {}),
    sql.column("direction", types.SmallInteger {}),
    sql.column("target_trade_time", types.DateTime { timezone = true }), sql.column("extra_details", types.JSONB {}),
    { name = "input_rows" }
  )
    :data {
      {
        sql.bindparam("asset_identifier_0", "BTC", { type = types.String {} }),
        sql.cast(sql.bindparam("quantity_0", 1.5, { type = types.Float {} }), types.Float {}),
        sql.cast(sql.bindparam("direction_0", 1, { type = types.SmallInteger {} }), types.SmallInteger {}), sql.cast(
          sql.bindparam("target_trade_time_0", T1, { type = types.DateTime { timezone = true } }),
          types.DateTime { timezone = true }
        ), sql.cast(sql.bindparam("extra_details_0", {}, { type = types.JSONB {} }), types.JSONB {}),
      },
    }
    :cte("input_rows")
  local deleted = sql.delete(t.holding)
    :where(overwrite):where(t.holding.holdings_set_uid:eq(hs.c.uid)):returning(sql.true_()):cte("deleted")
  local gate = sql.select(sql.func.count():label("deleted_count")):select_from(deleted):cte("deleted_gate")
  return sql.insert(t.holding):from_select(
      {
        "time_index", "account_uid", "asset_identifier", "holdings_set_uid", "is_trade_snapshot", "quantity",
        "direction", "target_trade_time", "extra_details",
      },
      sql.select(
        sql.cast(day, types.DateTime { timezone = true }), sql.cast(acc_uid, types.Uuid {}), rows.c.asset_identifier,
        hs.c.uid, sql.false_(), rows.c.quantity, rows.c.direction, rows.c.target_trade_time, rows.c.extra_details
      )
        :select_from(rows:join(hs, sql.true_()):join(gate, sql.true_()))
    )
    :returning(t.holding):add_cte(hs):add_cte(deleted):add_cte(gate)
end

-- replace snapshot pattern, three positions and overwrite false
M["dml_cte-014"] = function(t, sql)
  local acc_uid, day, overwrite = sql.bindparam(
    "account_uid", U2, { type = types.Uuid {} }
  ), sql.bindparam("holdings_date", T2, { type = types.DateTime { timezone = true } }), sql.bindparam("overwrite", false)
  local hs = sql.insert(t.holdings_set):values {
      uid = sql.cast(sql.bindparam("holdings_set_uid", U1, { type = types.Uuid {} }), types.Uuid {}),
      account_uid = sql.cast(acc_uid, types.Uuid {}), time_index = sql.cast(day, types.DateTime { timezone = true }),
    }
    :on_conflict_do_update {
      index_elements = { t.holdings_set.account_uid, t.holdings_set.time_index },
      set_ = {
        time_index = sql.cast(
          sql.bindparam("holdings_date", T2, { type = types.DateTime { timezone = true } }),
          types.DateTime { timezone = true }
        ),
      }, where = overwrite,
    }
    :returning(t.holdings_set.uid):cte("holdings_set")
  local positions = {}
  for i, position in ipairs { { "BTC", 1.5 }, { "ETH", sql.null }, { "SOL", -2.0 } } do
    positions[i] = {
      sql.bindparam("asset_identifier_" .. i - 1, position[1], { type = types.String {} }),
      sql.cast(sql.bindparam("quantity_" .. i - 1, position[2], { type = types.Float {} }), types.Float {}),
      sql.cast(sql.bindparam("extra_details_" .. i - 1, sql.json { n = i - 1 }, { type = types.JSONB {} }), types.JSONB {}),
    }
  end
  local rows = sql.values(
    sql.column("asset_identifier", types.String {}), sql.column("quantity", types.Float {}),
    sql.column("extra_details", types.JSONB {}), { name = "input_rows" }
  )
    :data(positions):cte("input_rows")
  local deleted = sql.delete(t.holding)
    :where(overwrite):where(t.holding.holdings_set_uid:eq(hs.c.uid)):returning(t.holding.asset_identifier)
    :cte("deleted")
  return sql.insert(t.holding):from_select(
      {
        "time_index", "account_uid", "asset_identifier", "holdings_set_uid", "is_trade_snapshot", "quantity",
        "extra_details",
      },
      sql.select(
        sql.cast(day, types.DateTime { timezone = true }), sql.cast(acc_uid, types.Uuid {}), rows.c.asset_identifier,
        hs.c.uid, sql.false_(), rows.c.quantity, rows.c.extra_details
      )
        :select_from(rows:join(hs, sql.true_()))
    )
    :returning(t.holding.time_index, t.holding.asset_identifier):add_cte(hs):add_cte(deleted)
end

-- implicit RETURNING is lost with an independent update cte
M["dml_cte-018"] = function(t, sql)
  local u = sql.update(t.asset):where(t.asset.price:lt(1)):values { price = 2.0 }:cte("u")
  return sql.insert(t.document):values { title = "x" }:add_cte(u)
end

-- multi-row insert inside a cte
M["dml_cte-020"] = function(t, sql)
  local i = sql.insert(t.asset)
    :values { { uid = U1, symbol = "A" }, { uid = U2, symbol = "B" } }:returning(t.asset.uid):cte("i")
  return sql.select(sql.func.count():label("n")):select_from(i)
end

-- insert in cte with explicit bindparams keeps their names
M["dml_cte-021"] = function(t, sql)
  local i = sql.insert(t.asset)
    :values { uid = sql.bindparam("new_uid", U1), symbol = sql.bindparam("new_symbol", "A") }:returning(t.asset.uid)
    :cte("i")
  return sql.select(i.c.uid)
end

-- two inserts in ctes into the same table share the param counter
M["dml_cte-022"] = function(t, sql)
  local a = sql.insert(t.asset):values { uid = U1, symbol = "A" }:returning(t.asset.uid):cte("a")
  local b = sql.insert(t.asset):values { uid = U2, symbol = "B" }:returning(t.asset.uid):cte("b")
  return sql.union_all(sql.select(a.c.uid), sql.select(b.c.uid))
end

-- update cte with explicit returning label and main update
M["dml_cte-024"] = function(t, sql)
  local u = sql.update(t.account)
    :where(t.account.uid:eq(U1)):values { rank = t.account.rank + 1 }:returning(t.account.rank:label("r")):cte("u")
  return sql.update(t.asset)
    :where(t.asset.account_uid:eq(U1)):values { quantity = sql.select(u.c.r):scalar_subquery() }
end

return M
