-- Builders of the group bool_columns: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types

local M = {}

-- where bool column
M["bool_columns-001"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active)
end

-- where not bool column
M["bool_columns-002"] = function(t, sql)
  return sql.select(t.account.uid):where(~t.account.is_active)
end

-- bool column == True
M["bool_columns-003"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active:eq(true))
end

-- bool column != True
M["bool_columns-005"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active:ne(true))
end

-- bool column is_(True)
M["bool_columns-006"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active:is_(true))
end

-- and of bool columns
M["bool_columns-008"] = function(t, sql)
  return sql.select(t.holding.quantity):where(sql.and_(t.holding.is_trade_snapshot, t.holding.direction:eq(1)))
end

-- not of and of bool columns
M["bool_columns-010"] = function(t, sql)
  return sql.select(t.holding.quantity):where(
    sql.not_(sql.and_(t.holding.is_trade_snapshot, t.holding.direction:eq(1)))
  )
end

-- bool column == true()
M["bool_columns-011"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.is_active:eq(sql.true_()))
end

-- bool bindparam in where
M["bool_columns-012"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.bindparam("overwrite", true))
end

-- literal bool
M["bool_columns-014"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.literal(true))
end

-- negated bool select column
M["bool_columns-017"] = function(t, sql)
  return sql.select(~t.account.is_active, sql.not_(t.account.is_active):label("inactive"))
end

-- negated bool function
M["bool_columns-019"] = function(t, sql)
  return sql.select(t.account.uid):where(~sql.func.is_ok(t.account.name, { type_ = types.Boolean {} }))
end

-- negated untyped function
M["bool_columns-020"] = function(t, sql)
  return sql.select(t.account.uid):where(~sql.func.is_ok(t.account.name))
end

return M
