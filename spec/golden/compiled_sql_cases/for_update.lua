-- Builders of the group for_update: the statements of cases.json, as a user of mainsequence.sql writes them.

local constants = require("compiled_sql_cases.constants")

local M = {}
local U1 = constants.U1

-- for update
M["for_update-001"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:eq(U1)):with_for_update()
end

-- for update skip locked
M["for_update-003"] = function(t, sql)
  return sql.select(t.account.uid):with_for_update { skip_locked = true }
end

-- for share
M["for_update-004"] = function(t, sql)
  return sql.select(t.account.uid):with_for_update { read = true }
end

-- for update of table
M["for_update-007"] = function(t, sql)
  return sql.select(t.account.uid, t.asset.uid):join_from(t.account, t.asset):with_for_update { of = t.account }
end

-- for update of two tables skip locked
M["for_update-008"] = function(t, sql)
  return sql.select(t.account.uid, t.asset.uid)
    :join_from(t.account, t.asset):with_for_update { of = { t.account, t.asset }, skip_locked = true }
end

-- for update of alias with limit
M["for_update-009"] = function(t, sql)
  local a = sql.alias(t.account, "a")
  return sql.select(a.c.uid):order_by(a.c.rank):limit(1):with_for_update { of = a, nowait = true }
end

return M
