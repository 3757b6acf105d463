-- Builders of the group cast: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local D1, T1, U1 = constants.D1, constants.T1, constants.U1

-- cast to integer
M["cast-001"] = function(t, sql)
  return sql.select(sql.cast(t.account.name, types.Integer {}))
end

-- cast to string with length
M["cast-003"] = function(t, sql)
  return sql.select(sql.cast(t.account.rank, types.String { length = 10 }))
end

-- cast to text
M["cast-004"] = function(t, sql)
  return sql.select(sql.cast(t.account.rank, types.Text {}))
end

-- cast to numeric
M["cast-005"] = function(t, sql)
  return sql.select(
    sql.cast(t.asset.price, types.Numeric { precision = 10, scale = 2 }), sql.cast(t.asset.price, types.Numeric {})
  )
end

-- cast to float types
M["cast-006"] = function(t, sql)
  return sql.select(
    sql.cast(t.account.name, types.Float {}), sql.cast(t.account.name, types.Float { precision = 53 }),
    sql.cast(t.account.name, types.Double {}), sql.cast(t.account.name, types.REAL {})
  )
end

-- cast to uuid
M["cast-009"] = function(t, sql)
  return sql.select(sql.cast(t.account.name, types.Uuid {}))
end

-- cast bind to uuid
M["cast-010"] = function(_, sql)
  return sql.select(sql.cast("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", types.Uuid {}))
end

-- cast uuid value
M["cast-011"] = function(_, sql)
  return sql.select(sql.cast(U1, types.Uuid {}))
end

-- cast to bool
M["cast-012"] = function(t, sql)
  return sql.select(sql.cast(t.account.rank, types.Boolean {}))
end

-- cast to json and jsonb
M["cast-013"] = function(t, sql)
  return sql.select(sql.cast(t.document.title, types.JSON {}), sql.cast(t.document.body, types.JSONB {}))
end

-- cast null
M["cast-015"] = function(_, sql)
  return sql.select(
    sql.cast(sql.null_(), types.String {}):label("a"), sql.cast(sql.null, types.Integer {}):label("b")
  )
end

-- cast method form and comparison
M["cast-016"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:cast(types.String {}):eq("5"))
end

-- cast of literal value binds with target type
M["cast-018"] = function(_, sql)
  return sql.select(sql.cast(5, types.Numeric { precision = 10, scale = 2 }))
end

-- cast tz datetime value
M["cast-019"] = function(_, sql)
  return sql.select(sql.cast(T1, types.DateTime { timezone = true }))
end

-- cast date value
M["cast-020"] = function(_, sql)
  return sql.select(sql.cast(D1, types.Date {}))
end

-- cast dict value to jsonb
M["cast-021"] = function(_, sql)
  return sql.select(sql.cast({ a = 1 }, types.JSONB {}))
end

-- cast to generic Interval: string bind is mistyped as timestamp and rejected
M["cast-022"] = function(_, sql)
  return sql.select(sql.cast("1 day", types.Interval {}))
end

-- cast to pg INTERVAL
M["cast-023"] = function(_, sql)
  return sql.select(sql.cast("1 day", types.INTERVAL {}))
end

-- type_coerce
M["cast-026"] = function(t, sql)
  return sql.select(sql.type_coerce(t.account.name, types.Integer {}))
end

-- type_coerce arithmetic
M["cast-027"] = function(t, sql)
  return sql.select(sql.type_coerce(t.account.name, types.Integer {}) / 2)
end

-- type_coerce temporal literal
M["cast-029"] = function(_, sql)
  return sql.select(sql.type_coerce("2026-05-28T12:30:00Z", types.DateTime { timezone = true }):label("t"))
end

-- extract
M["cast-031"] = function(t, sql)
  return sql.select(sql.extract("year", t.account.created_at))
end

-- extract in where
M["cast-034"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.extract("dow", t.account.created_at):in_ { 0, 6 })
end

return M
