-- What specs of the query language share: two models and a plain table, and what a statement compiles to.

local core = require("mainsequence.core")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local meta_tables = require("mainsequence.meta_tables")
local registry = require("mainsequence.schema.registry")
local schema = require("mainsequence.schema")
local types = schema.types

local M = {}

M.DATA_SOURCE = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
M.SCOPE = { { meta_table_uid = "22222222-2222-4222-8222-222222222222", access = "write" } }

---Models Account and Asset (which refers to it) and the plain table Document, in a metadata of their own.
function M.models()
  local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
  local Account = meta_tables.PlatformManagedMetaTable("Account", {
    metadata = metadata, tablename = "account", namespace = "app", identifier = "app.Account",
  })
  Account.uid = types.Uuid { primary_key = true }
  Account.name = types.String { length = 120, nullable = false }
  Account.email = types.String {}
  Account.balance = types.Numeric { precision = 18, scale = 4 }
  Account.is_active = types.Boolean { nullable = false }
  Account.rank = types.Integer {}
  Account.created_at = types.DateTime { timezone = true }

  local Asset = meta_tables.PlatformManagedMetaTable("Asset", {
    metadata = metadata, tablename = "asset", namespace = "app", identifier = "app.Asset",
  })
  Asset.uid = types.Uuid { primary_key = true }
  Asset.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" } }
  Asset.symbol = types.String { length = 32, nullable = false }
  Asset.price = types.Float {}
  Asset.listed_on = types.Date {}

  local Document = schema.Table("Document", { metadata = metadata, tablename = "document" })
  Document.id = types.Integer { primary_key = true }
  Document.title = types.Text { nullable = false }
  Document.body = types.JSON {}
  Document.attrs = types.JSONB {}
  Document.payload = types.LargeBinary {}
  Document.tags = types.ARRAY { item = types.String {} }
  return { Account = Account, Asset = Asset, Document = Document }
end

---Gives models catalog rows, as meta_tables.bind does after asking the TS Manager.
---@param models table<string, table>
---@param uids table<string, string> class name → uid of its row
function M.bind(models, uids)
  for name, uid in pairs(uids) do
    registry.set_binding(models[name], { uid = uid, data_source_uid = M.DATA_SOURCE })
  end
end

---The operation of a statement, for a scope that doesn't matter.
---@param statement any
---@param options table?
function M.compile(statement, options)
  local all = { scope_tables = M.SCOPE, data_source_uid = M.DATA_SOURCE, dialect = "postgresql", operation = "select" }
  for key, value in pairs(options or {}) do all[key] = value end
  if all.scope_tables == false then all.scope_tables = nil end
  if all.operation == false then all.operation = nil end
  return compiled_sql.compile_statement(statement, all)
end

---The SQL of a statement on one line, and its parameters and their types as JSON texts.
---@param statement any
---@param options table?
---@return string sql, string parameters, string parameter_types
function M.compiled(statement, options)
  local parts = M.compile(statement, options).statement
  return (parts.sql:gsub("%s*\n%s*", " ")), core.json_encode(parts.parameters), core.json_encode(parts.parameter_types)
end

---The SQL of an expression, as the only column of a select, without the SELECT and what follows it.
---@param expression any
---@param options table?
function M.expression(expression, options)
  local text = M.compiled(require("mainsequence.sql").select(expression), options)
  return (text:gsub("^SELECT ", ""):gsub(" FROM [%w_, ]+$", ""):gsub(" AS [%w_]+$", ""))
end

---Calls `call` and checks the error: its message, its hint, and that it blames the line of the script. That is
---the line of a function of one statement, or `line`.
---@param here string short_src of the script
---@return table err
function M.refusal(here, call, line)
  local info = debug.getinfo(call, "S")
  line = line or (info.lastlinedefined - info.linedefined < 2 and info.lastlinedefined or info.linedefined + 1)
  local ok, err = pcall(call)
  assert(not ok, "expected a refusal")
  assert(core.is_error(err), tostring(err))
  assert(err.source == here, ("%s is blamed, not %s: %s"):format(tostring(err.source), here, tostring(err)))
  assert(err.line == line, ("line %s is blamed, not %s: %s"):format(tostring(err.line), line, tostring(err)))
  return err
end

return M
