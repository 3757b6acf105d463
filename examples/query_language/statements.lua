-- One statement a construct: { construct, the same in SQLAlchemy, a function that builds it }. All of them run on
-- PostgreSQL and on SQLite.

local models = require("models")
local schema = require("mainsequence.schema")
local sql = require("mainsequence.sql")

local Account, Asset, Document = models.Account, models.Asset, models.Document
local types, func = schema.types, sql.func
local MAIN = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"

return {
  -- columns and conditions
  { "columns", "select(Asset.uid, Asset.symbol)", function() return sql.select(Asset.uid, Asset.symbol) end },
  { "a whole table", "select(Account)", function() return sql.select(Account) end },
  { "comparison", "where(Asset.price >= 1.5)", function() return sql.select(Asset.uid):where(Asset.price:ge(1.5)) end },
  { "a uuid", "where(Account.uid == uid)", function() return sql.select(Account.name):where(Account.uid:eq(MAIN)) end },
  { "NULL", "where(Account.email == None)", function() return sql.select(Account.uid):where(Account.email:eq(sql.null)) end },
  { "and, or, not", "where(a & (b | ~c))", function()
    return sql.select(Account.uid):where(Account.is_active & (Account.rank:gt(3) | ~Account.name:eq("x")))
  end },
  { "and_, or_, not_", "where(and_(a, or_(b, not_(c))))", function()
    return sql.select(Account.uid):where(sql.and_(Account.is_active, sql.or_(Account.rank:gt(3), sql.not_(Account.name:eq("x")))))
  end },
  { "IN", "where(Asset.symbol.in_([\"BTC\", \"ETH\"]))", function()
    return sql.select(Asset.uid):where(Asset.symbol:in_ { "BTC", "ETH" })
  end },
  { "IN (SELECT)", "where(Asset.account_uid.in_(select(Account.uid)))", function()
    return sql.select(Asset.uid):where(Asset.account_uid:in_(sql.select(Account.uid):where(Account.is_active)))
  end },
  { "BETWEEN", "where(Asset.price.between(1, 5))", function() return sql.select(Asset.uid):where(Asset.price:between(1, 5)) end },
  { "LIKE", "where(Asset.symbol.ilike(\"%btc%\"))", function()
    return sql.select(Asset.uid):where(Asset.symbol:ilike("%btc%"))
  end },
  { "startswith", "where(~Account.name.startswith(\"a_\", autoescape=True))", function()
    return sql.select(Account.uid):where(~Account.name:startswith("a_", { autoescape = true }))
  end },
  { "a timestamp", "where(Account.created_at > datetime(…, tzinfo=utc))", function()
    return sql.select(Account.uid):where(Account.created_at:gt(sql.timestamp("2026-05-28T12:00:00Z")))
  end },
  { "a date", "where(Asset.listed_on == date(2026, 5, 28))", function()
    return sql.select(Asset.uid):where(Asset.listed_on:eq(sql.date("2026-05-28")))
  end },
  -- expressions
  { "arithmetic", "select((Asset.price * Asset.quantity).label(\"value\"))", function()
    return sql.select((Asset.price * Asset.quantity):label("value"))
  end },
  { "concatenation", "select(Account.name + \"!\")", function() return sql.select(Account.name .. "!") end },
  { "a function", "select(func.coalesce(Account.email, \"none\"))", function()
    return sql.select(func.coalesce(Account.email, "none"))
  end },
  { "CASE", "case((Account.rank > 3, \"high\"), else_=\"low\")", function()
    return sql.select(sql.case({ Account.rank:gt(3), "high" }, { else_ = "low" }):label("level"))
  end },
  { "CAST", "cast(Account.rank, String)", function() return sql.select(Account.rank:cast(types.String {})) end },
  { "EXTRACT", "extract(\"year\", Account.created_at)", function()
    return sql.select(sql.extract("year", Account.created_at))
  end },
  { "a literal", "select(literal(1))", function() return sql.select(sql.literal(1)) end },
  { "an element of a document", "Document.body[\"k\"].as_string()", function()
    return sql.select(Document.body:index("k"):as_string())
  end },
  -- order, groups, windows
  { "ORDER BY", "order_by(Asset.price.desc().nulls_last(), Asset.symbol)", function()
    return sql.select(Asset.symbol):order_by(Asset.price:desc():nulls_last(), Asset.symbol)
  end },
  { "LIMIT and OFFSET", "limit(2).offset(1)", function()
    return sql.select(Asset.symbol):order_by(Asset.symbol):limit(2):offset(1)
  end },
  { "DISTINCT", "select(Asset.asset_class).distinct()", function() return sql.select(Asset.asset_class):distinct() end },
  { "GROUP BY and HAVING", "group_by(Asset.asset_class).having(func.count() > 1)", function()
    return sql.select(Asset.asset_class, func.count():label("n")):group_by(Asset.asset_class):having(func.count():gt(1))
  end },
  { "FILTER", "func.count().filter(Asset.price > 2)", function() return sql.select(func.count():filter(Asset.price:gt(2))) end },
  { "a window", "func.row_number().over(partition_by=…, order_by=…)", function()
    local number = func.row_number():over { partition_by = Asset.asset_class, order_by = Asset.symbol }
    return sql.select(Asset.symbol, number:label("n"))
  end },
  -- several tables
  { "JOIN by a foreign key", "select(Asset.symbol, Account.name).join(Account)", function()
    return sql.select(Asset.symbol, Account.name):join(Account)
  end },
  { "JOIN … ON", "join(Account, Asset.account_uid == Account.uid)", function()
    return sql.select(Asset.symbol, Account.name):join(Account, Asset.account_uid:eq(Account.uid))
  end },
  { "LEFT OUTER JOIN", "select(Account.name, Asset.symbol).outerjoin(Asset)", function()
    return sql.select(Account.name, Asset.symbol):select_from(Account):outerjoin(Asset)
  end },
  { "an alias", "parent = aliased(Account, name=\"parent\")", function()
    local parent = sql.aliased(Account, "parent")
    return sql.select(Account.name, parent.name:label("parent")):join(parent, parent.uid:eq(Account.parent_uid))
  end },
  { "a subquery", "sq = select(…).subquery(\"held\"); sq.c.n", function()
    local held = sql.select(Asset.account_uid, func.count():label("n")):group_by(Asset.account_uid):subquery("held")
    return sql.select(Account.name, held.c.n):join(held, held.c.account_uid:eq(Account.uid))
  end },
  { "a scalar subquery", "select(…).scalar_subquery()", function()
    local count = sql.select(func.count(Asset.uid)):where(Asset.account_uid:eq(Account.uid)):scalar_subquery()
    return sql.select(Account.name, count:label("n"))
  end },
  { "EXISTS", "where(exists(select(…)))", function()
    return sql.select(Account.name):where(sql.exists(sql.select(Asset.uid):where(Asset.account_uid:eq(Account.uid))))
  end },
  { "a CTE", "select(…).cte(\"active\")", function()
    local active = sql.select(Account.uid, Account.name):where(Account.is_active):cte("active")
    return sql.select(active.c.name, Asset.symbol):join(Asset, Asset.account_uid:eq(active.c.uid))
  end },
  { "a recursive CTE", "tree = tree.union_all(select(…).join(tree, …))", function()
    local tree = sql.select(Account.uid, sql.literal(0):label("depth")):where(Account.parent_uid:is_(sql.null))
      :cte("tree", { recursive = true })
    local child = sql.aliased(Account, "child")
    tree = tree:union_all(sql.select(child.uid, tree.c.depth + 1):join(tree, child.parent_uid:eq(tree.c.uid)))
    return sql.select(tree.c.uid, tree.c.depth)
  end },
  { "UNION", "union(select(…), select(…)).order_by(\"name\")", function()
    return sql.union(sql.select(Account.name), sql.select(Asset.symbol)):order_by("name")
  end },
  { "VALUES", "values(column(\"a\", Integer), name=\"v\").data([(1,), (2,)])", function()
    local given = sql.values(sql.column("a", types.Integer {}), { name = "v" }):data { { 1 }, { 2 } }
    return sql.select(given.c.a)
  end },
  { "text", "text(\"SELECT name FROM account WHERE rank > :rank\")", function()
    return sql.text("SELECT name FROM account WHERE rank > :rank"):bindparams { rank = 1 }
  end },
  -- changes
  { "INSERT", "insert(Document).values(id=7, title=\"t\")", function()
    return sql.insert(Document):values { id = 7, title = "t", body = sql.json { k = { 1, 2 } } }
  end },
  { "INSERT of rows, RETURNING", "insert(Document).values([{…}, {…}]).returning(Document.id)", function()
    return sql.insert(Document):values { { id = 8, title = "a" }, { id = 9, title = "b" } }:returning(Document.id)
  end },
  { "INSERT … SELECT", "insert(Document).from_select([\"title\"], select(…))", function()
    return sql.insert(Document):from_select({ "id", "title" }, sql.select(Account.rank + 100, Account.name)
      :where(Account.rank:is_not(sql.null)))
  end },
  { "upsert", "i.on_conflict_do_update(index_elements=[…], set_={… i.excluded.title})", function()
    local insert = sql.insert(Document):values { id = 1, title = "new" }
    return insert:on_conflict_do_update { index_elements = { "id" }, set_ = { title = insert.excluded.title } }
      :returning(Document.id, Document.title)
  end },
  { "UPDATE", "update(Account).values(rank=Account.rank + 1).where(…)", function()
    return sql.update(Account):values { rank = Account.rank + 1 }:where(Account.uid:eq(MAIN)):returning(Account.rank)
  end },
  { "DELETE", "delete(Document).where(Document.id == 2)", function() return sql.delete(Document):where(Document.id:eq(2)) end },
  -- parameters with names
  { "a parameter with a name", "bindparam(\"rank\")", function()
    return sql.select(Account.name):where(Account.rank:ge(sql.bindparam("rank", 1)))
  end },
}
