-- Builders of the group exists: the statements of cases.json, as a user of mainsequence.sql writes them.

local M = {}

-- exists with correlated where
M["exists-001"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.exists():where(t.asset.account_uid:eq(t.account.uid)))
end

-- select(...).exists()
M["exists-003"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.select(t.asset.uid):where(t.asset.account_uid:eq(t.account.uid)):exists()
  )
end

-- not select exists
M["exists-004"] = function(t, sql)
  return sql.select(t.account.uid):where(
    ~sql.select(sql.literal(1)):where(t.asset.account_uid:eq(t.account.uid)):exists()
  )
end

-- exists as column
M["exists-006"] = function(t, sql)
  return sql.select(sql.exists():where(t.account.name:eq("x")))
end

-- exists labelled
M["exists-007"] = function(t, sql)
  return sql.select(t.account.uid, sql.exists():where(t.asset.account_uid:eq(t.account.uid)):label("has_assets"))
end

-- exists in or
M["exists-008"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.or_(sql.exists():where(t.asset.account_uid:eq(t.account.uid)), t.account.rank:gt(5))
  )
end

-- nested exists
M["exists-010"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.exists():where(t.asset.account_uid:eq(t.account.uid))
      :where(sql.exists():where(t.price_history.asset_uid:eq(t.asset.uid)))
  )
end

return M
