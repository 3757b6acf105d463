-- Three tables: accounts, the assets they trade, and what each account holds at a time.

local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local types = schema.types

local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }

local Account = meta_tables.PlatformManagedMetaTable("Account", {
  metadata = metadata,
  tablename = meta_tables.schema_table_name("sdk_examples", "account"),
  namespace = "sdk-examples",
  identifier = "sdk_examples.Account",
  description = "Accounts that own assets and holdings.",
  labels = { "sdk-example" },
})
Account.uid = types.Uuid { primary_key = true }
Account.name = types.String { length = 255, nullable = false }

local Asset = meta_tables.PlatformManagedMetaTable("Asset", {
  metadata = metadata,
  tablename = meta_tables.schema_table_name("sdk_examples", "asset"),
  namespace = "sdk-examples",
  identifier = "sdk_examples.Asset",
  description = "What an account trades.",
})
Asset.uid = types.Uuid { primary_key = true }
Asset.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
Asset.symbol = types.String { length = 64, nullable = false }
schema.constrain(Asset, schema.Index(Asset.account_uid))

local AccountHoldings = meta_tables.PlatformTimeIndexMetaTable("AccountHoldings", {
  metadata = metadata,
  tablename = meta_tables.schema_table_name("sdk_examples", "account_holdings"),
  namespace = "sdk-examples",
  identifier = "sdk_examples.AccountHoldings",
  description = "How much of an asset an account holds on a day.",
  time_index_name = "time_index",
  index_names = { "time_index", "account_uid", "unique_identifier" },
  cadence = "1d",
})
AccountHoldings.time_index = types.DateTime { timezone = true, nullable = false }
AccountHoldings.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
AccountHoldings.unique_identifier = types.String { length = 255, nullable = false }
AccountHoldings.quantity = types.Float { nullable = false }

return { metadata = metadata, Account = Account, Asset = Asset, AccountHoldings = AccountHoldings }
