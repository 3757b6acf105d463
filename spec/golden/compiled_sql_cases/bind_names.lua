-- Builders of the group bind_names: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local T1, U1, U2, U3 = constants.T1, constants.U1, constants.U2, constants.U3

-- same column bound twice
M["bind_names-001"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.or_(t.account.name:eq("a"), t.account.name:eq("b")))
end

-- same column bound three times across clauses
M["bind_names-002"] = function(t, sql)
  return sql.select(t.account.uid, t.account.rank + 1):where(t.account.rank:gt(2)):order_by(t.account.rank * 3)
end

-- same column name of different tables
M["bind_names-003"] = function(t, sql)
  return sql.select(t.account.uid):join(t.asset):where(t.account.uid:eq(U1), t.asset.uid:eq(U2))
end

-- explicit bindparam name
M["bind_names-004"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("who", "x")))
end

-- explicit bindparam without value
M["bind_names-005"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("who")))
end

-- two equal bindparams of the same name
M["bind_names-007"] = function(t, sql)
  return sql.select(t.account.uid):where(
    sql.or_(t.account.name:eq(sql.bindparam("who", "x")), t.account.email:eq(sql.bindparam("who", "x")))
  )
end

-- explicit name that equals an anonymous name
M["bind_names-008"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("rank_1", "x")), t.account.rank:eq(5))
end

-- bindparam typed
M["bind_names-010"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.created_at:gt(sql.bindparam("since", T1, { type = types.DateTime { timezone = true } }))
  )
end

-- uuid bindparam takes the cast from the column
M["bind_names-012"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.uid:eq(sql.bindparam("u", U1)))
end

-- callable bindparam
M["bind_names-014"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.name:eq(sql.bindparam("who", nil, { callable = function() return "called" end }))
  )
end

-- expanding bindparam with explicit name
M["bind_names-015"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.uid:in_(sql.bindparam("uids", { U1, U2, U3 }, { expanding = true }))
  )
end

-- expanding bindparam, empty
M["bind_names-016"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.rank:in_(sql.bindparam("ranks", {}, { expanding = true })))
end

-- function argument binds use the function name
M["bind_names-019"] = function(_, sql)
  return sql.select(sql.func.lower("A"), sql.func.lower("B"), sql.func.coalesce(sql.null, 1, 2))
end

-- column name ending in number
M["bind_names-020"] = function(_, sql)
  local own = sql.table("t", sql.column("rank_1", types.Integer {}), sql.column("rank", types.Integer {}))
  return sql.select(own.c.rank):where(own.c.rank:eq(1), own.c.rank_1:eq(2))
end

-- labelled column compare uses its own name
M["bind_names-022"] = function(t, sql)
  local lbl = t.account.rank:label("nr")
  return sql.select(lbl):where(lbl:eq(5))
end

-- leading and trailing underscores are stripped from anonymous bind names
M["bind_names-023"] = function(_, sql)
  local own = sql.table(
    "t", sql.column("_a", types.Integer {}), sql.column("b_", types.Integer {}), sql.column("a", types.Integer {})
  )
  return sql.select(own.c._a):where(own.c._a:eq(1), own.c.b_:eq(2), own.c.a:eq(3))
end

-- runs of space, percent, parenthesis and dollar collapse to one underscore in anonymous bind names
M["bind_names-024"] = function(_, sql)
  local own = sql.table(
    "t", sql.column("a (b) %", types.Integer {}), sql.column("x$y", types.Integer {}),
    sql.column("p.q", types.Integer {}), sql.column("m:n", types.Integer {})
  )
  return sql.select(sql.literal_column("1"))
    :select_from(own):where(own.c["a (b) %"]:eq(1), own.c["x$y"]:eq(2), own.c["p.q"]:eq(3), own.c["m:n"]:eq(4))
end

-- column-named binds of insert are escaped character by character
M["bind_names-025"] = function(_, sql)
  local own = sql.table(
    "t", sql.column("a (b) %", types.Integer {}), sql.column("_x", types.Integer {}),
    sql.column("p.q", types.Integer {})
  )
  return sql.insert(own):values { ["a (b) %"] = 1, _x = 2, ["p.q"] = 3 }
end

-- bind of arithmetic result comparison
M["bind_names-028"] = function(t, sql)
  return sql.select(t.account.uid):where((t.account.rank + 1):eq(5))
end

-- bind of cast comparison
M["bind_names-029"] = function(t, sql)
  return sql.select(t.account.uid):where(sql.cast(t.account.rank, types.String {}):eq("5"))
end

-- bind of jsonb index comparison
M["bind_names-031"] = function(t, sql)
  return sql.select(t.document.id):where(
    t.document.attrs:index("k"):astext():eq("v"), t.document.attrs:index("k2"):astext():eq("w")
  )
end

-- bind name containing a space
M["bind_names-032"] = function(t, sql)
  return sql.select(t.account.uid):where(t.account.name:eq(sql.bindparam("my name", "x")))
end

-- bind names with special characters
M["bind_names-033"] = function(t, sql)
  return sql.select(t.account.uid):where(
    t.account.name:eq(sql.bindparam("a.b", "1")), t.account.email:eq(sql.bindparam("c[d]", "2")),
    t.account.rank:eq(sql.bindparam("p%(x):", 3))
  )
end

-- numbering order follows rendering order
M["bind_names-034"] = function(t, sql)
  return sql.select(sql.case({ t.account.rank:eq(1), "a" }, { else_ = "b" }))
    :where(t.account.rank:eq(2)):group_by(t.account.rank):having(sql.func.max(t.account.rank):eq(3))
    :order_by(t.account.rank + 4):limit(5):offset(6)
end

-- bind name for schema-qualified column
M["bind_names-036"] = function(t, sql)
  return sql.select(t.currency.code):where(t.currency.code:eq("EUR"))
end

return M
