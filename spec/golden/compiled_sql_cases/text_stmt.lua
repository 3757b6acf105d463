-- Builders of the group text_stmt: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local D1, U1 = constants.D1, constants.U1

-- plain text statement
M["text_stmt-001"] = function(_, sql)
  return sql.text("SELECT 1")
end

-- text with binds
M["text_stmt-002"] = function(_, sql)
  return sql.text("SELECT * FROM account WHERE name = :n AND rank > :r"):bindparams { n = "x", r = 5 }
end

-- text with typed date bind
M["text_stmt-004"] = function(_, sql)
  return sql.text("SELECT * FROM asset WHERE listed_on = :d"):bindparams(
    sql.bindparam("d", D1, { type = types.Date {} })
  )
end

-- text with bind lacking a value
M["text_stmt-007"] = function(_, sql)
  return sql.text("SELECT * FROM account WHERE name = :n")
end

-- text().columns() as subquery
M["text_stmt-009"] = function(t, sql)
  local own = sql.text("SELECT uid, name FROM account"):columns(t.account.uid, t.account.name):subquery("st")
  return sql.select(own.c.name):where(own.c.uid:eq(U1))
end

-- text().columns() joined to table
M["text_stmt-010"] = function(t, sql)
  local raw = sql.text("SELECT uid AS auid FROM account WHERE rank > :r"):bindparams { r = 3 }
    :columns(sql.column("auid", types.Uuid {})):cte("raw")
  return sql.select(t.asset.symbol):join(raw, t.asset.account_uid:eq(raw.c.auid))
end

return M
