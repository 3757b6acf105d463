-- Builders of the group window: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- row_number over order
M["window-001"] = function(t, sql)
  return sql.select(t.asset.uid, sql.func.row_number():over { order_by = t.asset.price })
end

-- row_number partition and order desc
M["window-002"] = function(t, sql)
  return sql.select(
    sql.func.row_number():over { partition_by = t.asset.asset_class, order_by = t.asset.price:desc() }:label("rn")
  )
end

-- sum over partition
M["window-005"] = function(t, sql)
  return sql.select(sql.func.sum(t.asset.price):over { partition_by = t.asset.asset_class })
end

-- rows frame
M["window-006"] = function(t, sql)
  return sql.select(
    sql.func.avg(t.price_history.close)
      :over { partition_by = t.price_history.asset_uid, order_by = t.price_history.time_index, rows = { -2, 0 } }
      :label("ma3")
  )
end

-- rows unbounded preceding to current
M["window-007"] = function(t, sql)
  return sql.select(
    sql.func.sum(t.price_history.volume):over { order_by = t.price_history.time_index, rows = { sql.null, 0 } }
  )
end

-- rows n preceding m following
M["window-009"] = function(t, sql)
  return sql.select(
    sql.func.sum(t.price_history.volume):over { order_by = t.price_history.time_index, rows = { -5, 3 } }
  )
end

-- range frame unbounded
M["window-010"] = function(t, sql)
  return sql.select(
    sql.func.sum(t.price_history.volume):over {
      order_by = t.price_history.time_index, range_ = { sql.null, sql.null },
    }
  )
end

-- range frame values
M["window-011"] = function(t, sql)
  return sql.select(
    sql.func.sum(t.price_history.volume):over { order_by = t.price_history.volume, range_ = { -10, 10 } }
  )
end

-- difference with lag
M["window-016"] = function(t, sql)
  return sql.select(
    (t.price_history.close - sql.func.lag(t.price_history.close):over { order_by = t.price_history.time_index })
      :label("diff")
  )
end

-- first_value
M["window-017"] = function(t, sql)
  return sql.select(
    sql.func.first_value(t.price_history.close):over {
      partition_by = t.price_history.asset_uid, order_by = t.price_history.time_index:desc():nulls_last(),
    }
  )
end

-- over() function form
M["window-019"] = function(t, sql)
  return sql.select(sql.over(sql.func.ntile(4), { order_by = t.asset.price }))
end

-- window function in order by
M["window-020"] = function(t, sql)
  return sql.select(t.asset.uid):order_by(sql.func.row_number():over { order_by = t.asset.price })
end

-- order by expression with bind in window
M["window-022"] = function(t, sql)
  return sql.select(sql.func.row_number():over { order_by = sql.func.coalesce(t.asset.price, 0) })
end

-- partition by expression
M["window-023"] = function(t, sql)
  return sql.select(sql.func.count():over { partition_by = sql.func.date_trunc("day", t.price_history.time_index) })
end

-- two windows with frames
M["window-024"] = function(t, sql)
  return sql.select(
    sql.func.min(t.price_history.low):over { order_by = t.price_history.time_index, rows = { -4, 0 } }:label("lo"),
    sql.func.max(t.price_history.high):over { order_by = t.price_history.time_index, rows = { -4, 0 } }:label("hi")
  )
end

-- arithmetic on window
M["window-025"] = function(t, sql)
  return sql.select(
    (
      t.price_history.close / sql.func.sum(t.price_history.close):over { partition_by = t.price_history.time_index }
    ) * 100
  )
end

return M
