-- mainsequence.sql: expressions, each construct with the text it becomes.

local query = dofile("spec/support/query.lua")
local sql = require("mainsequence.sql")
local types = require("mainsequence.schema").types

local models = query.models()
local Account, Asset, Document = models.Account, models.Asset, models.Document

-- { what, expression, text }
local function check(cases)
  for _, case in ipairs(cases) do
    it(case[1], function() assert.are.equal(case[3], query.expression(case[2])) end)
  end
end

describe("comparisons", function()
  local rank, name = Account.rank, Account.name
  check {
    { "eq", rank:eq(1), "account.rank = %(rank_1)s" },
    { "ne", rank:ne(1), "account.rank != %(rank_1)s" },
    { "lt", rank:lt(1), "account.rank < %(rank_1)s" },
    { "le", rank:le(1), "account.rank <= %(rank_1)s" },
    { "gt", rank:gt(1), "account.rank > %(rank_1)s" },
    { "ge", rank:ge(1), "account.rank >= %(rank_1)s" },
    { "null", rank:eq(sql.null), "account.rank IS NULL" },
    { "not null", rank:ne(sql.null), "account.rank IS NOT NULL" },
    { "is_", Account.is_active:is_(true), "account.is_active IS true" },
    { "is_not", rank:is_not(sql.null), "account.rank IS NOT NULL" },
    { "is_distinct_from", rank:is_distinct_from(2), "account.rank IS DISTINCT FROM %(rank_1)s" },
    { "is_not_distinct_from", rank:is_not_distinct_from(2), "account.rank IS NOT DISTINCT FROM %(rank_1)s" },
    { "between", rank:between(1, 2), "account.rank BETWEEN %(rank_1)s AND %(rank_2)s" },
    { "between, negated", ~rank:between(1, 2), "account.rank NOT BETWEEN %(rank_1)s AND %(rank_2)s" },
    { "between symmetric", rank:between(2, 1, { symmetric = true }),
      "account.rank BETWEEN SYMMETRIC %(rank_1)s AND %(rank_2)s" },
    { "in_", rank:in_ { 1, 2 }, "account.rank IN (%(rank_1_1)s, %(rank_1_2)s)" },
    { "not_in", rank:not_in { 1 }, "(account.rank NOT IN (%(rank_1_1)s))" },
    { "in_ of nothing", rank:in_ {}, "account.rank IN (NULL) AND (1 != 1)" },
    { "in_ of rows", sql.tuple_(name, rank):in_ { { "a", 1 }, { "b", 2 } },
      "(account.name, account.rank) IN ((%(param_1_1_1)s, %(param_1_1_2)s), (%(param_1_2_1)s, %(param_1_2_2)s))" },
    { "like", name:like("a%"), "account.name LIKE %(name_1)s" },
    { "not_ilike", name:not_ilike("a%"), "account.name NOT ILIKE %(name_1)s" },
    { "like with escape", name:like("a/%", { escape = "/" }), "account.name LIKE %(name_1)s ESCAPE '/'" },
    { "startswith", name:startswith("a"), "account.name LIKE %(name_1)s || '%%'" },
    { "icontains", name:icontains("a"), "account.name ILIKE '%%' || %(name_1)s || '%%'" },
    { "endswith, negated", ~name:endswith("a"), "account.name NOT LIKE '%%' || %(name_1)s" },
    { "regexp_match", name:regexp_match("^a", "i"), "account.name ~* %(name_1)s" },
    { "regexp_replace", name:regexp_replace("a", "b", "g"), "REGEXP_REPLACE(account.name, %(name_1)s, %(name_2)s, 'g')" },
    { "match", Document.title:match("price"), "document.title @@ plainto_tsquery(%(title_1)s)" },
    { "collate", name:collate("C"):lt("b"), '(account.name COLLATE "C") < %(param_1)s' },
    { "op", rank:op("&")(4), "account.rank & %(rank_1)s" },
    { "bool_op", name:bool_op("~")("a"), "account.name ~ %(name_1)s" },
  }
end)

describe("logic", function()
  local a, b, c = Account.rank:gt(1), Account.name:eq("x"), Account.is_active
  check {
    { "&", a & b, "account.rank > %(rank_1)s AND account.name = %(name_1)s" },
    { "|", a | b, "account.rank > %(rank_1)s OR account.name = %(name_1)s" },
    { "~", ~a, "account.rank <= %(rank_1)s" },
    { "& binds tighter than |", a & b | c, "account.rank > %(rank_1)s AND account.name = %(name_1)s OR account.is_active" },
    { "parentheses", a & (b | c), "account.rank > %(rank_1)s AND (account.name = %(name_1)s OR account.is_active)" },
    { "~ of &", ~(a & b), "NOT (account.rank > %(rank_1)s AND account.name = %(name_1)s)" },
    { "and_, or_, not_", sql.and_(a, sql.or_(b, sql.not_(c))),
      "account.rank > %(rank_1)s AND (account.name = %(name_1)s OR NOT account.is_active)" },
    { "true_ vanishes in and_", sql.and_(sql.true_(), a), "account.rank > %(rank_1)s" },
    { "false_ decides and_", sql.and_(sql.false_(), a), "false" },
    { "any_", sql.literal("x"):eq(sql.any_(Document.tags)), "%(param_1)s = ANY (document.tags)" },
    { "all_", sql.literal("x"):ne(sql.all_(Document.tags)), "%(param_1)s != ALL (document.tags)" },
  }
end)

describe("arithmetic", function()
  local rank, price = Account.rank, Asset.price
  check {
    { "+", rank + 1, "account.rank + %(rank_1)s" },
    { "-, a value first", 1 - rank, "%(rank_1)s - account.rank" },
    { "* beside +", (rank + 1) * 2, "(account.rank + %(rank_1)s) * %(param_1)s" },
    { "- groups both ways", rank - (rank - 1), "account.rank - (account.rank - %(rank_1)s)" },
    { "/", price / 2, "asset.price / CAST(%(price_1)s AS NUMERIC)" },
    { "//", rank // 2, "account.rank / %(rank_1)s" },
    { "%", rank % 2, "account.rank %% %(rank_1)s" },
    { "unary -", -rank, "-account.rank" },
    { "..", Account.name .. "!", "account.name || %(name_1)s" },
    { "+ of texts", Account.name + "!", "account.name || %(name_1)s" },
    { "bitwise_and", rank:bitwise_and(4), "account.rank & %(rank_1)s" },
    { "bitwise_xor", rank:bitwise_xor(4), "account.rank # %(rank_1)s" },
    { "bitwise_not", rank:bitwise_not(), "~account.rank" },
  }
end)

describe("functions, CASE, CAST", function()
  check {
    { "func", sql.func.lower(Account.name), "lower(account.name)" },
    { "func of a schema", sql.func.app.price_of(1), "app.price_of(%(price_of_2)s)" },
    { "count", sql.func.count(), "count(*)" },
    { "now", sql.func.now(), "now()" },
    { "current_timestamp", sql.func.current_timestamp(), "CURRENT_TIMESTAMP" },
    { "distinct", sql.func.count(Account.name:distinct()), "count(DISTINCT account.name)" },
    { "filter", sql.func.count():filter(Account.rank:gt(1)), "count(*) FILTER (WHERE account.rank > %(rank_1)s)" },
    { "over", sql.func.sum(Account.rank):over { partition_by = Account.name, order_by = Account.rank:desc(), rows = { -1, 0 } },
      "sum(account.rank) OVER (PARTITION BY account.name ORDER BY account.rank DESC "
        .. "ROWS BETWEEN %(param_1)s PRECEDING AND CURRENT ROW)" },
    { "frames without an end", sql.func.sum(Account.rank):over { order_by = Account.rank, range_ = { sql.null, sql.null } },
      "sum(account.rank) OVER (ORDER BY account.rank RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)" },
    { "within_group", sql.func.percentile_cont(0.5):within_group(Account.rank:desc()),
      "percentile_cont(%(percentile_cont_1)s) WITHIN GROUP (ORDER BY account.rank DESC)" },
    { "aggregate_order_by", sql.func.array_agg(sql.aggregate_order_by(Account.name, Account.rank)),
      "array_agg(account.name ORDER BY account.rank)" },
    { "case", sql.case({ Account.rank:gt(5), "high" }, { else_ = "low" }),
      "CASE WHEN (account.rank > %(rank_1)s) THEN %(param_1)s ELSE %(param_2)s END" },
    { "case of a value", sql.case({ 1, "one" }, { value = Account.rank }),
      "CASE account.rank WHEN %(param_1)s THEN %(param_2)s END" },
    { "cast", Account.rank:cast(types.String { length = 5 }), "CAST(account.rank AS VARCHAR(5))" },
    { "type_coerce", sql.type_coerce(Account.rank, types.String {}), "account.rank" },
    { "extract", sql.extract("year", Account.created_at), "EXTRACT(year FROM account.created_at)" },
    { "literal", sql.literal("x"), "%(param_1)s" },
    { "literal_column", sql.literal_column("1 + 1"), "1 + 1" },
    { "null_", sql.null_(), "NULL" },
  }
end)

describe("documents and arrays", function()
  local attrs, body, tags = Document.attrs, Document.body, Document.tags
  check {
    { "index of JSONB", attrs:index("k"), "document.attrs[%(attrs_1)s]" },
    { "index of JSON", body:index("k"), "document.body -> %(body_1)s" },
    { "astext", body:index("k"):astext(), "document.body ->> %(body_1)s" },
    { "path", body:index({ "a", "b" }):astext(), "document.body #>> %(body_1)s" },
    { "as_integer", body:index("k"):as_integer(), "CAST(document.body ->> %(body_1)s AS INTEGER)" },
    { "contains", attrs:contains { a = 1 }, "document.attrs @> %(attrs_1)s::JSONB" },
    { "has_key", attrs:has_key("a"), "document.attrs ? %(attrs_1)s" },
    { "array", sql.array { 1, 2 }, "ARRAY[%(param_1)s, %(param_2)s]" },
    { "index of an array", tags:index(1), "document.tags[%(tags_1)s]" },
    { "slice", tags:slice(1, 2), "document.tags[%(tags_1)s:%(tags_2)s]" },
    { "any", tags:any("x"), "%(tags_1)s = ANY (document.tags)" },
    { "overlap", tags:overlap { "x" }, "document.tags && %(tags_1)s::VARCHAR[]" },
  }
end)

describe("immutability", function()
  it("shares parts between statements", function()
    local rank = Account.rank:gt(1)
    local both = rank & Account.name:eq("x")
    assert.are.equal("account.rank > %(rank_1)s", query.expression(rank))
    assert.are.equal("NOT (account.rank > %(rank_1)s AND account.name = %(name_1)s)", query.expression(~both))
    assert.are.equal("account.rank > %(rank_1)s AND account.name = %(name_1)s", query.expression(both))
    assert.are.equal("account.rank > %(rank_1)s", query.expression(rank))
  end)

  it("reads as text", function()
    assert.are.equal("account.rank > %(rank_1)s", tostring(Account.rank:gt(1)))
    assert.are.equal("SELECT account.rank \nFROM account", tostring(sql.select(Account.rank)))
  end)
end)
