-- Builders of the group functions: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types

local M = {}

-- func.lower
M["functions-001"] = function(t, sql)
  return sql.select(sql.func.lower(t.account.name))
end

-- func.lower with comparison
M["functions-002"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.func.lower(t.account.name):eq("alice"))
end

-- func.upper labelled
M["functions-003"] = function(t, sql)
  return sql.select(sql.func.upper(t.account.name):label("u"))
end

-- func.coalesce
M["functions-004"] = function(t, sql)
  return sql.select(sql.func.coalesce(t.account.email, t.account.name, "none"))
end

-- func.now
M["functions-006"] = function(_, sql)
  return sql.select(sql.func.now())
end

-- func.current_timestamp renders without parens
M["functions-007"] = function(_, sql)
  return sql.select(sql.func.current_timestamp(), sql.func.current_date(), sql.func.current_user())
end

-- date_trunc via literal_column for stable grouping
M["functions-011"] = function(t, sql)
  local d = sql.func.date_trunc(sql.literal_column("'day'"), t.account.created_at):label("d")
  return sql.select(d, sql.func.count()):group_by(d):order_by(d)
end

-- generic unknown function
M["functions-012"] = function(t, sql)
  return sql.select(sql.func.my_function(t.account.name, 1, "x"))
end

-- function without arguments
M["functions-015"] = function(_, sql)
  return sql.select(sql.func.random())
end

-- three part function
M["functions-017"] = function(t, sql)
  return sql.select(sql.func.db.analytics.score(t.account.rank))
end

-- function in order_by
M["functions-019"] = function(t, sql)
  return sql.select(t.account.uid):order_by(sql.func.lower(t.account.name))
end

-- function arithmetic
M["functions-021"] = function(t, sql)
  return sql.select(sql.func.length(t.account.name) + 1)
end

-- typed function
M["functions-022"] = function(t, sql)
  return sql.select(sql.func.compute(t.account.rank, { type_ = types.Integer {} }) / 2)
end

-- function bind naming
M["functions-023"] = function(t, sql)
  return sql.select(sql.func.round(t.asset.price, 2), sql.func.round(t.asset.price, 3))
end

-- nullif
M["functions-025"] = function(t, sql)
  return sql.select(sql.func.nullif(t.account.rank, 0))
end

-- char_length / substring
M["functions-026"] = function(t, sql)
  return sql.select(sql.func.char_length(t.account.name), sql.func.substring(t.account.name, 1, 3))
end

-- gen_random_uuid
M["functions-027"] = function(_, sql)
  return sql.select(sql.func.gen_random_uuid())
end

-- table valued function generate_series
M["functions-029"] = function(_, sql)
  local s = sql.func.generate_series(1, 5):table_valued("value")
  return sql.select(s)
end

-- column valued function
M["functions-031"] = function(t, sql)
  local s = sql.func.unnest(t.asset.tags):column_valued("tag")
  return sql.select(t.asset.symbol, s)
end

-- table valued render_derived drops the name given earlier
M["functions-033"] = function(t, sql)
  local s = sql.func.jsonb_to_recordset(t.document.attrs)
    :table_valued(sql.column("a", types.Integer {}), sql.column("b", types.String {}), { name = "r" })
    :render_derived { with_types = true }
  return sql.select(t.document.id, s.c.a, s.c.b):select_from(t.document):join(s, sql.true_())
end

-- table valued render_derived with its own name
M["functions-034"] = function(t, sql)
  local s = sql.func.jsonb_to_recordset(t.document.attrs)
    :table_valued(sql.column("a", types.Integer {}), sql.column("b", types.String {}))
    :render_derived { name = "r", with_types = true }
  return sql.select(t.document.id, s.c.a, s.c.b):select_from(t.document):join(s, sql.true_())
end

-- select from function alias
M["functions-035"] = function(_, sql)
  local f = sql.func.generate_series(1, 3):alias("gs")
  return sql.select(f.column)
end

-- as_comparison free boolean function
M["functions-036"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.func.starts_with(t.account.name, "a"))
end

return M
