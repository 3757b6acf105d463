-- The tables of the examples.

local schema = require("mainsequence.schema")
local types = schema.types

local metadata = schema.MetaData {}

local Account = schema.Table("Account", { metadata = metadata, tablename = "account" })
Account.uid = types.Uuid { primary_key = true }
Account.name = types.String { length = 120, nullable = false }
Account.email = types.String {}
Account.is_active = types.Boolean { nullable = false }
Account.rank = types.Integer {}
Account.parent_uid = types.Uuid { references = "account.uid" }
Account.created_at = types.DateTime { timezone = true }

local Asset = schema.Table("Asset", { metadata = metadata, tablename = "asset" })
Asset.uid = types.Uuid { primary_key = true }
Asset.symbol = types.String { length = 32, nullable = false }
Asset.asset_class = types.String {}
Asset.account_uid = types.Uuid { references = { Account.uid } }
Asset.price = types.Float {}
Asset.quantity = types.BigInteger {}
Asset.listed_on = types.Date {}

local Document = schema.Table("Document", { metadata = metadata, tablename = "document" })
Document.id = types.Integer { primary_key = true }
Document.title = types.Text { nullable = false }
Document.body = types.JSON {}

return { Account = Account, Asset = Asset, Document = Document }
