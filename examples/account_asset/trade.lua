-- Writes rows and reads them back through governed operations: each says which tables it touches and how,
-- and the TS Manager holds it to that.

local client = require("mainsequence.client")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local meta_tables = require("mainsequence.meta_tables")
local models = require("sdk_examples.models")
local sql = require("mainsequence.sql")
local print_rows = require("print_rows")

local MetaTable = client.MetaTable
local Account, Asset, AccountHoldings = models.Account, models.Asset, models.AccountHoldings

-- A new process finds the tables of its models in the catalog by their physical names.
assert(meta_tables.bind { Account, Asset, AccountHoldings })

local function run(title, statement, operation)
  local document = compiled_sql.compile_statement(statement, { operation = operation })
  local result = assert(MetaTable.execute_operation(document))
  print(title)
  print_rows(result.rows)
  return result.rows
end

local MAIN = "8f14e45f-ceea-467f-a0e6-1a2b3c4d5e6f"
local HEDGE = "c9f0f895-fb98-4b91-a9c5-0a1b2c3d4e5f"
local BTC = "45c48cce-2e2d-4fbd-8a11-5e6f7a8b9c0d"

run("insert: two accounts", sql.insert(Account)
  :values { { uid = MAIN, name = "main" }, { uid = HEDGE, name = "hedge" } }
  :returning(Account.uid, Account.name), "insert")

run("insert: an asset of each account", sql.insert(Asset)
  :values { { uid = BTC, account_uid = MAIN, symbol = "BTC-USD" },
    { uid = "d3d94468-02a4-4259-b55d-38e6d163e820", account_uid = HEDGE, symbol = "ETH-USD" } }
  :returning(Asset.symbol), "insert")

-- The same key twice: the second time the quantity is replaced.
for _, quantity in ipairs { 1.5, 2.25 } do
  local insert = sql.insert(AccountHoldings):values {
    time_index = sql.timestamp("2026-05-28T00:00:00Z"), account_uid = MAIN,
    unique_identifier = "BTC-USD", quantity = quantity,
  }
  run(("upsert: main holds %g BTC-USD"):format(quantity), insert
    :on_conflict_do_update {
      index_elements = { AccountHoldings.time_index, AccountHoldings.account_uid, AccountHoldings.unique_identifier },
      set = { quantity = insert.excluded.quantity },
    }
    :returning(AccountHoldings.unique_identifier, AccountHoldings.quantity), "upsert")
end

run("select: who holds what", sql.select(Account.name, Asset.symbol, AccountHoldings.time_index, AccountHoldings.quantity)
  :join(Asset, Asset.account_uid:eq(Account.uid))
  :join(AccountHoldings, AccountHoldings.account_uid:eq(Account.uid)
    & AccountHoldings.unique_identifier:eq(Asset.symbol))
  :where(Account.name:eq("main") & Asset.symbol:ilike("%BTC%"))
  :order_by(Asset.symbol), "select")

-- What an operation does not declare it may not touch.
local sneaky = compiled_sql.compile_statement(sql.select(Account.name), {
  operation = "select", scope_tables = { { meta_table_uid = meta_tables.meta_table(Asset).uid, access = "read" } },
})
local result, err = MetaTable.execute_operation(sneaky)
assert(result == nil, "a statement outside its scope was executed")
print("refused: " .. err.message)
