-- compiled_sql.v1: what statements become on the wire, their scope, and operations with other values.

local core = require("mainsequence.core")
local query = dofile("spec/support/query.lua")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local sql = require("mainsequence.sql")
local types = require("mainsequence.schema").types

local HERE = debug.getinfo(1, "S").short_src
local UIDS = { Account = "11111111-1111-4111-8111-111111111111", Asset = "22222222-2222-4222-8222-222222222222" }
local U1 = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"

local function refused(message, hint, call)
  local err = query.refusal(HERE, call)
  assert.is_truthy(err.message:find(message, 1, true), ("%q is not in %q"):format(message, err.message))
  if hint then
    assert.is_truthy(err.hint and err.hint:find(hint, 1, true), ("%q is not in %q"):format(hint, tostring(err.hint)))
  end
end

describe("values on the wire", function()
  local Account, Asset, Document = query.models().Account, query.models().Asset, query.models().Document

  -- { what, expression, parameters, parameter_types }
  for _, case in ipairs {
    { "integers", Account.rank:eq(42), '{"rank_1": 42}' },
    { "floats keep their point", Asset.price:eq(2.0), '{"price_1": 2.0}' },
    { "booleans", sql.literal(true), '{"param_1": true}' },
    { "strings", Account.name:eq("it's"), [[{"name_1": "it's"}]] },
    { "null in a list", Account.rank:in_ { 1, sql.null }, '{"rank_1_1": 1, "rank_1_2": null}' },
    { "uuid strings", Account.uid:eq(U1), '{"uid_1": "' .. U1 .. '"}' },
    { "decimals", Account.balance:eq(sql.decimal("1.50")), '{"balance_1": "1.50"}' },
    { "timestamps in UTC", Account.created_at:ge(sql.timestamp("2026-05-28T12:30:00+02:00")),
      '{"created_at_1": "2026-05-28T10:30:00Z"}', '{"created_at_1": "timestamp with time zone"}' },
    { "fractions of seconds", Account.created_at:ge(sql.timestamp("2026-05-29T01:02:03.000045Z")),
      '{"created_at_1": "2026-05-29T01:02:03.000045Z"}', '{"created_at_1": "timestamp with time zone"}' },
    { "dates", Asset.listed_on:eq(sql.date("2026-05-28")), '{"listed_on_1": "2026-05-28"}', '{"listed_on_1": "date"}' },
    { "dates in a list have a type each", Asset.listed_on:in_ { sql.date("2026-05-28"), sql.date("2026-06-01") },
      '{"listed_on_1_1": "2026-05-28", "listed_on_1_2": "2026-06-01"}', '{"listed_on_1_1": "date", "listed_on_1_2": "date"}' },
    { "documents", Document.attrs:contains(sql.json { a = { 1, sql.null } }), '{"attrs_1": {"a": [1, null]}}' },
    { "documents keep keys named orm_class", Document.attrs:contains { orm_class = "x" }, '{"attrs_1": {"orm_class": "x"}}' },
    { "bytes", Document.payload:eq(sql.bytes("abc")), '{"payload_1": "abc"}' },
    { "no number", Asset.price:eq(0 / 0), '{"price_1": null}' },
  } do
    it(case[1], function()
      local _, parameters, parameter_types = query.compiled(sql.select(sql.literal_column("1")):where(case[2]))
      assert.are.equal(case[3], parameters)
      assert.are.equal(case[4] or "{}", parameter_types)
    end)
  end

  it("types every value for SQLite", function()
    local statement = sql.insert(Document):values { id = 1, title = "x", body = { a = 1 }, payload = sql.bytes("abc") }:inline()
    local _, parameters, parameter_types = query.compiled(statement, { dialect = "sqlite" })
    assert.are.equal('{"id": 1, "title": "x", "body": {"a": 1}, "payload": "YWJj"}', parameters)
    assert.are.equal('{"id": "int64", "title": "string", "body": "json", "payload": "blob"}', parameter_types)
  end)
end)

describe("scope", function()
  local models, Account, Asset, Document
  before_each(function()
    models = query.models()
    Account, Asset, Document = models.Account, models.Asset, models.Document
    query.bind(models, UIDS)
  end)

  local function scope(statement, options)
    options = options or {}
    options.dialect = options.dialect or "postgresql"
    local operation = compiled_sql.compile_statement(statement, options)
    local texts = {}
    for position, entry in ipairs(operation.scope.tables) do
      texts[position] = entry.meta_table_uid:sub(1, 1) .. " " .. entry.access
    end
    return table.concat(texts, ", "), operation
  end

  it("holds the tables that are read", function()
    assert.are.equal("1 read", scope(sql.select(Account.uid)))
    assert.are.equal("1 read, 2 read", scope(sql.select(Asset.uid):join(Account)))
    assert.are.equal("1 read, 2 read", scope(sql.select(Asset.uid):where(Asset.account_uid:in_(sql.select(Account.uid)))))
    assert.are.equal("1 read", scope(sql.select(sql.alias(Account, "a").c.uid)))
  end)

  it("says write for those that are changed", function()
    assert.are.equal("2 write", scope(sql.insert(Asset):values { uid = U1, symbol = "x" }))
    assert.are.equal("1 read, 2 write", scope(sql.insert(Asset):from_select({ "uid" }, sql.select(Account.uid))))
    assert.are.equal("1 read, 2 write", scope(sql.update(Asset):values { symbol = Account.name }
      :where(Asset.account_uid:eq(Account.uid))))
    assert.are.equal("2 write", scope(sql.delete(Asset):where(Asset.uid:in_(sql.select(Asset.uid)))))
  end)

  it("looks into CTEs that change data", function()
    local moved = sql.delete(Asset):returning(Asset.account_uid):cte("moved")
    assert.are.equal("1 read, 2 write", scope(sql.select(Account.uid):join(moved, moved.c.account_uid:eq(Account.uid))))
    local changed = sql.update(Account):values { rank = 1 }:cte("changed")
    assert.are.equal("1 write, 2 read", scope(sql.select(Asset.uid):add_cte(changed)))
  end)

  it("names the operation and its data source", function()
    local _, operation = scope(sql.insert(Asset):values { uid = U1, symbol = "x" }:on_conflict_do_update {
      index_elements = { "uid" }, set_ = { symbol = "y" } })
    assert.are.equal("upsert", operation.operation)
    assert.are.equal(query.DATA_SOURCE, operation.scope.data_source_uid)
    assert.are.equal('{"max_rows": 1000, "offset": 0, "statement_timeout_ms": 15000}', core.json_encode(operation.limits))
    assert.are.equal("select", select(2, scope(sql.select(Account.uid))).operation)
    assert.are.equal("delete", select(2, scope(sql.delete(Account))).operation)
  end)

  it("gives way to an explicit one", function()
    assert.are.equal("9 write", scope(sql.select(Account.uid), { scope_tables = { { meta_table_uid = "9", access = "write" } } ,
      data_source_uid = query.DATA_SOURCE }))
  end)

  it("refuses to guess", function()
    refused("not bound: Document", "meta_tables.bind", function()
      local _ = compiled_sql.compile_statement(sql.select(Document.id), { dialect = "postgresql" })
    end)
    refused("scope_tables is needed", "scope_tables", function()
      local _ = compiled_sql.compile_statement(sql.select(sql.text("1")), { dialect = "postgresql" })
    end)
    refused("compile_statement has no option 'scope_table'", "scope_tables", function()
      local _ = compiled_sql.compile_statement(sql.select(Account.uid), { scope_table = {} })
    end)
    refused("dialect 'mysql' is not supported", "postgresql or sqlite", function()
      local _ = compiled_sql.compile_statement(sql.select(Account.uid), { dialect = "mysql" })
    end)
    refused("a statement is expected", "sql.select", function() local _ = compiled_sql.compile_statement({}, {}) end)
  end)
end)

describe("an operation with other values", function()
  local models = query.models()
  local Account, Asset = models.Account, models.Asset
  local statement = sql.select(Account.uid):where(Account.name:eq(sql.bindparam("name")),
    Account.created_at:ge(sql.bindparam("since", nil, { type = types.DateTime { timezone = true } })), Account.rank:gt(3))

  it("is the same text with other parameters", function()
    local first = query.compile(statement)
    local second = first:with { name = "x", since = sql.timestamp("2026-05-28T12:30:00+02:00") }
    assert.are.equal(first.statement.sql, second.statement.sql)
    assert.are.equal('{"name": "x", "since": "2026-05-28T10:30:00Z", "rank_1": 3}', core.json_encode(second.statement.parameters))
    assert.are.equal('{"since": "timestamp with time zone"}', core.json_encode(second.statement.parameter_types))
    assert.are.equal('{"name": null, "since": null, "rank_1": 3}', core.json_encode(first.statement.parameters))
    local third = second:with { name = "y" }
    assert.are.equal('{"name": "y", "since": "2026-05-28T10:30:00Z", "rank_1": 3}', core.json_encode(third.statement.parameters))
    assert.are.equal("x", second.statement.parameters.name)
  end)

  it("does not compile", function()
    local first = query.compile(statement)
    local compile = require("mainsequence.sql.compile")
    local whole = compile.compile
    compile.compile = function() error("compiled again") end
    local ok, second = pcall(first.with, first, { name = "x" })
    compile.compile = whole
    assert.is_true(ok, tostring(second))
    assert.are.equal("x", second.statement.parameters.name)
  end)

  it("takes lists, whose length changes the text", function()
    local symbols = sql.bindparam("symbols", { "a" }, { expanding = true })
    local list = query.compile(sql.select(Asset.uid):where(Asset.symbol:in_(symbols)))
    local other = list:with { symbols = { "b", "c" } }
    assert.are.equal('{"symbols_1": "b", "symbols_2": "c"}', core.json_encode(other.statement.parameters))
    assert.is_truthy(other.statement.sql:find("IN (%(symbols_1)s, %(symbols_2)s)", 1, true))
  end)

  it("knows its parameters", function()
    local first = query.compile(statement)
    refused("with: the operation has no parameter 'nam'", "name", function() local _ = first:with { nam = "x" } end)
    refused("with: the operation has no parameter 'rank_1'", nil, function() local _ = first:with { rank_1 = 3 } end)
    refused("with takes a table of values", nil, function() local _ = first:with("x") end)
    refused("parameter 'since':", "sql.timestamp", function() local _ = first:with { since = "2026-05-28" } end)
  end)

  it("takes values when it is compiled, too", function()
    local operation = query.compile(statement, { values = { name = "z" } })
    assert.are.equal("z", operation.statement.parameters.name)
  end)
end)

describe("models and plain tables", function()
  it("are used alike", function()
    local models = query.models()
    assert.are.equal("SELECT document.id, document.title FROM document WHERE document.title = %(title_1)s",
      (query.compiled(sql.select(models.Document.id, models.Document.title):where(models.Document.title:eq("x")))))
    assert.are.equal("SELECT account.uid FROM account WHERE account.name = %(name_1)s",
      (query.compiled(sql.select(models.Account.uid):where(models.Account.name:eq("x")))))
  end)
end)

describe("statements", function()
  it("never change", function()
    local Account = query.models().Account
    local base = sql.select(Account.uid)
    local narrowed = base:where(Account.rank:gt(1)):order_by(Account.name):limit(3)
    assert.are.equal("SELECT account.uid FROM account", (query.compiled(base)))
    assert.are.equal("SELECT account.uid FROM account WHERE account.rank > %(rank_1)s",
      (query.compiled(base:where(Account.rank:gt(1)))))
    assert.are.equal("SELECT account.uid FROM account WHERE account.rank > %(rank_1)s ORDER BY account.name LIMIT %(param_1)s",
      (query.compiled(narrowed)))
    local insert = sql.insert(Account):values { name = "x" }
    local more = insert:values { rank = 1 }:returning(Account.uid)
    assert.are.equal('{"name": "x"}', select(2, query.compiled(insert:inline())))
    assert.are.equal('{"name": "x", "rank": 1}', select(2, query.compiled(more)))
  end)
end)
