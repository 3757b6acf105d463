-- Builders of the group lateral: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- lateral subquery join on true
M["lateral-001"] = function(t, sql)
  local l = sql.select(t.price_history.close, t.price_history.time_index)
    :where(t.price_history.asset_uid:eq(t.asset.uid)):order_by(t.price_history.time_index:desc()):limit(1)
    :lateral("last_price")
  return sql.select(t.asset.symbol, l.c.close):join(l, sql.true_())
end

-- lateral in comma FROM
M["lateral-003"] = function(t, sql)
  local l = sql.select(t.price_history.close):where(t.price_history.asset_uid:eq(t.asset.uid)):lateral("lp")
  return sql.select(t.asset.symbol, l.c.close):select_from(t.asset, l)
end

-- lateral function
M["lateral-005"] = function(t, sql)
  local f = sql.func.jsonb_array_elements(t.document.attrs):table_valued("value", { name = "elem" }):lateral("elem")
  return sql.select(t.document.id, f.c.value):select_from(t.document):join(f, sql.true_())
end

-- lateral with column function
M["lateral-006"] = function(t, sql)
  local f = sql.func.unnest(t.asset.tags):table_valued("tag"):lateral("t")
  return sql.select(t.asset.symbol, f.c.tag):select_from(t.asset, f)
end

return M
