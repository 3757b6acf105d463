-- The query language: from building a statement to its document, and rendering the document again with other values.
--
--   lua5.4 spec/bench/compile.lua [SECONDS]     microseconds a statement, the best of some rounds
--
-- SECONDS (default 0.5) is the time spent on each line. The figures and what they are compared with stand in README.md.

local query = dofile("spec/support/query.lua")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local shape = require("mainsequence.sql.shape")
local sql = require("mainsequence.sql")

local SECONDS = tonumber(arg[1]) or 0.5
local ROUNDS = 5

local models = query.models()
local Account, Asset, Document = models.Account, models.Asset, models.Document
query.bind(models, { Account = "account-uid", Asset = "asset-uid", Document = "document-uid" })
local OPTIONS = { dialect = "postgresql" }
local shape_of = shape.of

local function document(statement)
  return (compiled_sql.compile_statement(statement, OPTIONS))
end

---The document of a statement of a shape that was not compiled before.
local function first_document(statement)
  shape.of = function(...) return nil, select(2, shape_of(...)) end
  local operation = document(statement)
  shape.of = shape_of
  return operation
end

local function two_tables()
  return sql.select(Asset.uid, Asset.symbol):join(Account, Asset.account_uid:eq(Account.uid))
    :where(Account.name:eq("main"), Asset.symbol:ilike("%BTC%"), Asset.price:gt(1.5))
end

local rows, names = {}, {}
for position = 1, 1000 do
  rows[position] = { uid = ("aaaaaaaa-aaaa-4aaa-8aaa-%012d"):format(position), symbol = "S" .. position, price = position / 2 }
  names[position] = "S" .. position
end

local cases = {
  { "select, one condition", function()
    return document(sql.select(Asset.uid, Asset.symbol):where(Asset.symbol:eq("BTC")))
  end },
  { "select of two tables, three conditions", function() return document(two_tables()) end },
  { "the same, first of its shape", function() return first_document(two_tables()) end },
  { "join of three, filters, order, limit", function()
    return document(sql.select(Asset.uid, Account.name, Document.title):join(Account, Asset.account_uid:eq(Account.uid))
      :join(Document, Document.title:eq(Asset.symbol))
      :where(Account.is_active & (Asset.price:gt(1.5) | Asset.price:is_(sql.null)), Document.id:between(1, 9))
      :order_by(Asset.symbol:desc(), Account.name):limit(10):offset(20))
  end },
  { "upsert from a CTE", function()
    local source = sql.select(Account.uid, Account.name):where(Account.rank:gt(3)):cte("source")
    local insert = sql.insert(Asset):from_select({ "uid", "symbol" }, sql.select(source.c.uid, source.c.name))
    return document(insert:on_conflict_do_update {
      index_elements = { "uid" }, set_ = { symbol = insert.excluded.symbol, price = sql.func.coalesce(Asset.price, 0) },
    })
  end },
  { "insert of 1,000 rows", function() return document(sql.insert(Asset):values(rows)) end },
  { "IN of 1,000 values", function() return document(sql.select(Asset.uid):where(Asset.symbol:in_(names))) end },
}

local again = document(sql.select(Asset.uid, Asset.symbol):join(Account, Asset.account_uid:eq(Account.uid))
  :where(Account.name:eq(sql.bindparam("name")), Asset.symbol:ilike(sql.bindparam("pattern")),
    Asset.price:gt(sql.bindparam("price"))))
cases[#cases + 1] = { "two tables, three conditions, again with other values", function()
  return again:with { name = "main", pattern = "%BTC%", price = 1.5 }
end }
local list = document(sql.select(Asset.uid):where(Asset.symbol:in_(sql.bindparam("names", names, { expanding = true }))))
cases[#cases + 1] = { "IN of 1,000 values, again with others", function() return list:with { names = names } end }

---Seconds of one call: the best of some rounds.
local function measure(call)
  local count, best = 1, math.huge
  while true do
    local start = os.clock()
    for _ = 1, count do call() end
    local spent = os.clock() - start
    if spent > SECONDS / ROUNDS / 4 then
      count = math.max(1, math.floor(count * SECONDS / ROUNDS / spent))
      break
    end
    count = count * 2
  end
  for _ = 1, ROUNDS do
    local start = os.clock()
    for _ = 1, count do call() end
    best = math.min(best, (os.clock() - start) / count)
  end
  return best
end

for _, case in ipairs(cases) do
  print(("%10.1f us  %s"):format(measure(case[2]) * 1e6, case[1]))
end
