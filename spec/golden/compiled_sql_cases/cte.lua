-- Builders of the group cte: the statements of cases.json, as a user of mainsequence.sql writes them.

local types = require("mainsequence.schema").types
local constants = require("compiled_sql_cases.constants")

local M = {}
local U1 = constants.U1

-- anonymous cte
M["cte-002"] = function(t, sql)
  local c = sql.select(t.account.uid):where(t.account.rank:gt(1)):cte()
  return sql.select(c.c.uid)
end

-- cte used twice through alias
M["cte-003"] = function(t, sql)
  local c = sql.select(t.account.uid, t.account.parent_uid):cte("tree")
  local p = c:alias("p")
  return sql.select(c.c.uid, p.c.uid):join_from(c, p, c.c.parent_uid:eq(p.c.uid))
end

-- cte referenced by both main and another cte
M["cte-006"] = function(t, sql)
  local c1 = sql.select(t.account.uid, t.account.rank):cte("c1")
  local c2 = sql.select(sql.func.max(c1.c.rank):label("m")):cte("c2")
  return sql.select(c1.c.uid):join(c2, c1.c.rank:eq(c2.c.m))
end

-- recursive cte
M["cte-007"] = function(t, sql)
  local tree = sql.select(t.account.uid, t.account.parent_uid, sql.literal(0):label("depth"))
    :where(t.account.parent_uid:eq(sql.null)):cte("tree", { recursive = true })
  tree = tree:union_all(
    sql.select(t.account.uid, t.account.parent_uid, tree.c.depth + 1):where(t.account.parent_uid:eq(tree.c.uid))
  )
  return sql.select(tree.c.uid, tree.c.depth):where(tree.c.depth:lt(5))
end

-- recursive cte with aliased child and union
M["cte-008"] = function(t, sql)
  local tree = sql.select(t.account.uid, t.account.parent_uid)
    :where(t.account.uid:eq(U1)):cte("tree", { recursive = true })
  local child = sql.alias(t.account, "child")
  tree = tree:union(sql.select(child.c.uid, child.c.parent_uid):join(tree, child.c.parent_uid:eq(tree.c.uid)))
  return sql.select(t.account.name):join(tree, tree.c.uid:eq(t.account.uid))
end

-- recursive number series
M["cte-009"] = function(_, sql)
  local n = sql.select(sql.literal(1):label("n")):cte("numbers", { recursive = true })
  n = n:union_all(sql.select(n.c.n + 1):where(n.c.n:lt(10)))
  return sql.select(n.c.n)
end

-- materialized prefix
M["cte-011"] = function(t, sql)
  local c = sql.select(t.account.uid):cte("m"):prefix_with("MATERIALIZED", { dialect = "postgresql" })
  return sql.select(c.c.uid)
end

-- cte in exists
M["cte-013"] = function(t, sql)
  local c = sql.select(t.asset.account_uid):where(t.asset.price:gt(1)):cte("pricey")
  return sql.select(t.account.uid):where(sql.exists():where(c.c.account_uid:eq(t.account.uid)))
end

-- cte in subquery is hoisted to the top
M["cte-014"] = function(t, sql)
  local c = sql.select(t.asset.account_uid):where(t.asset.price:gt(1)):cte("pricey")
  local sq = sql.select(c.c.account_uid):subquery()
  return sql.select(t.account.uid):where(t.account.uid:in_(sql.select(sq.c.account_uid)), t.account.rank:gt(2))
end

-- cte bind numbering precedes main
M["cte-016"] = function(t, sql)
  local c = sql.select(t.account.uid):where(t.account.rank:gt(1)):cte("c")
  return sql.select(t.account.uid):where(t.account.rank:gt(2), t.account.uid:in_(sql.select(c.c.uid)))
end

-- add_cte unused by the select
M["cte-017"] = function(t, sql)
  local c = sql.select(t.account.uid):cte("unused")
  return sql.select(t.asset.symbol):add_cte(c)
end

-- cte with duplicate column names
M["cte-019"] = function(t, sql)
  local c = sql.select(t.account.uid, t.asset.uid):join_from(t.account, t.asset):cte("c")
  return sql.select(c)
end

-- cte with limit and order in main
M["cte-020"] = function(t, sql)
  local c = sql.select(t.account):cte("everything")
  return sql.select(c.c.uid, c.c.name):order_by(c.c.name):limit(3):offset(1)
end

-- paged candidates pattern (count branch union data branch)
M["cte-021"] = function(t, sql)
  local cand = sql.union_all(
    sql.select(sql.literal("asset"):label("kind"), t.asset.uid, t.asset.symbol:label("name")),
    sql.select(sql.literal("account"):label("kind"), t.account.uid, t.account.name)
  )
    :cte("candidates")
  local paged = sql.select(cand.c.kind, cand.c.uid, cand.c.name)
    :order_by(cand.c.kind, cand.c.name):limit(25):offset(0):cte("paged_candidates")
  return sql.union_all(
    sql.select(
      sql.literal("__count__"):label("row_kind"), sql.cast(sql.null_(), types.String {}):label("kind"),
      sql.cast(sql.null_(), types.Uuid {}):label("uid"), sql.cast(sql.null_(), types.String {}):label("name"),
      sql.func.count():label("total_count")
    )
      :select_from(cand),
    sql.select(
      sql.literal("data"):label("row_kind"), paged.c.kind, paged.c.uid, paged.c.name,
      sql.cast(sql.null_(), types.Integer {}):label("total_count")
    )
      :select_from(paged)
  )
end

return M
