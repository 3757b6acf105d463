-- The examples of the query language: each statement runs on PostgreSQL and on SQLite, with the same rows.

package.path = "spec/golden/?.lua;spec/?.lua;examples/query_language/?.lua;" .. package.path

local both = require("support.both_databases")
local postgresql = require("support.postgresql")
local suite = require("suite_compiled_sql")

describe("examples/query_language", function()
  local databases
  setup(function()
    databases = both.open(suite.tables("spec/golden/compiled_sql/tables.json"), postgresql.database())
  end)
  teardown(function() databases:close() end)

  for _, example in ipairs(require("statements")) do
    it(example[1], function()
      local statement, outcomes = example[3](), {}
      for _, dialect in ipairs { "postgresql", "sqlite" } do
        local result = assert(databases:try(both.compile(statement, dialect)))
        outcomes[dialect] = { rows = both.canonical_rows(result.rows, rawget(statement, "ordering") and true),
          affected = result.affected }
      end
      assert.are.same(outcomes.postgresql, outcomes.sqlite)
      assert.is_true(#outcomes.sqlite.rows > 0 or outcomes.sqlite.affected > 0, "it gives nothing")
    end)
  end

  it("are printed", function()
    local pipe = assert(io.popen("lua5.4 examples/query_language/print.lua sqlite 2>&1"))
    local text = pipe:read("a")
    assert.is_true(pipe:close(), text)
    local heading = "-- JOIN by a foreign key: select(Asset.symbol, Account.name).join(Account)\n"
    assert.is_truthy(text:find(heading .. "SELECT asset.symbol", 1, true))
  end)
end)
