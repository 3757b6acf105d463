-- Builders of the group literals: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types

local M = {}

-- null literal
M["literals-001"] = function(_, sql)
  return sql.select(sql.null_())
end

-- true() in where
M["literals-003"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.true_())
end

-- false() in where
M["literals-004"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.false_())
end

-- literal labelled
M["literals-007"] = function(t, sql)
  return sql.select(sql.literal("__count__"):label("row_kind"), t.account.uid)
end

-- literal_column in where
M["literals-009"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.literal_column("xmin"):eq("5"))
end

-- literal_column with type
M["literals-010"] = function(t, sql)
  local since = sql.literal_column("now() - interval '1 day'", types.DateTime { timezone = true })
  return sql.select(t.account.created_at:gt(since))
end

-- literal_execute renders inline
M["literals-011"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:eq(sql.literal(5, nil, { literal_execute = true })))
end

-- bindparam literal_execute string with quote
M["literals-012"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("n", "o'hara", { literal_execute = true })))
end

-- text or-ed with expression
M["literals-016"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(sql.text("rank > 5 OR rank < 2"), t.account.name:eq("x")))
end

-- text in order_by
M["literals-017"] = function(t, sql)
  return sql.select(t.account.uid):order_by(sql.text("rank DESC, name"))
end

-- text column
M["literals-018"] = function(t, sql)
  return sql.select(sql.text("uid, name")):select_from(t.account)
end

-- text as from
M["literals-019"] = function(_, sql)
  return sql.select(sql.text("*")):select_from(sql.text("account AS a"))
end

-- text with escaped colon
M["literals-020"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.text("name = 'a\\:b' AND rank\\:\\:text = :r"):bindparams { r = "5" })
end

-- column() without table
M["literals-023"] = function(_, sql)
  return sql.select(sql.column("a"), sql.column("B")):select_from(sql.text("x")):where(sql.column("a"):gt(5))
end

-- literal_column with percent sign
M["literals-024"] = function(_, sql)
  return sql.select(sql.literal_column("'50%'"))
end

-- text with percent sign
M["literals-025"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.text("name LIKE 'a%'"))
end

-- text bind used twice
M["literals-026"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.text("rank > :a AND balance > :a"):bindparams { a = 5 })
end

return M
