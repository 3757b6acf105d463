-- A project with models and a migration provider in a folder of its own, and a TS Manager beside it.

local temporary = dofile("spec/support/temporary.lua")

local M = {}

-- Root of the repository, as the driver of subprocesses needs it.
local root = require("lfs").currentdir()

local PROVIDER = [[
local migrations = require("mainsequence.meta_tables.migrations")
local models = require("shop.models")
local version = migrations.build_alembic_version_metatable {
  class_name = "ShopVersion", namespace = "shop", identifier = "shop.alembic_version", table_name = "shop__alembic_version",
}
return { migration = migrations.build_metatable_migration_provider {
  package = "shop", migration_namespace = "shop", script_location = "shop.migrations:",
  version_location_prefix = "shop.migrations:versions", target_metadata = models.metadata, alembic_registry = version,
  metatable_models = { models.Account, models.Asset, models.Holding },
  after_register_metatables = rawget(_G, "SHOP_HOOK"),
} }
]]

local MODELS = [[
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local types = schema.types
local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }

local Account = meta_tables.PlatformManagedMetaTable("Account", { metadata = metadata, tablename = "shop__account",
  namespace = "shop", identifier = "shop.Account", description = "@DESCRIPTION@", labels = { "core" } })
Account.uid = types.Uuid { primary_key = true }
Account.name = types.String { length = 64, nullable = false, label = "Name" }

local Asset = meta_tables.PlatformManagedMetaTable("Asset", { metadata = metadata, tablename = "shop__asset",
  namespace = "shop", identifier = "shop.Asset" })
Asset.uid = types.Uuid { primary_key = true }
Asset.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
Asset.symbol = types.String { length = 32, nullable = false }
@COLUMNS@
schema.constrain(Asset, schema.Index(Asset.symbol))

local Holding = meta_tables.PlatformTimeIndexMetaTable("Holding", { metadata = metadata, tablename = "shop__holding",
  namespace = "shop", identifier = "shop.Holding", time_index_name = "time_index",
  index_names = { "time_index", "asset_uid" }, cadence = "1d" })
Holding.time_index = types.DateTime { timezone = true, nullable = false }
Holding.asset_uid = types.Uuid { references = { Asset.uid, ondelete = "RESTRICT" }, nullable = false }
Holding.quantity = types.Float { nullable = false }

return { metadata = metadata, Account = Account, Asset = Asset, Holding = Holding }
]]

---@class spec.Project
---@field folder string
---@field home string
local Project = {}
Project.__index = Project

---@param options { columns: string?, description: string? }?
function M.new(options)
  local project = setmetatable({ folder = temporary.folder() }, Project)
  project.home = project.folder .. "/home"
  project.endpoint = "local:" .. project.home
  project.path = package.path
  temporary.write(project.folder .. "/shop/migrations/init.lua", PROVIDER)
  project:models(options or {})
  package.path = project.folder .. "/?.lua;" .. project.folder .. "/?/init.lua;" .. package.path
  return project
end

---Writes the models (again): more columns of Asset, another description of Account.
function Project:models(options)
  local text = MODELS:gsub("@(%u+)@", { COLUMNS = options.columns or "", DESCRIPTION = options.description or "Accounts." })
  temporary.write(self.folder .. "/shop/models.lua", text)
  self:forget()
end

---Has the next command load models and provider from their files again.
function Project.forget()
  for name in pairs(package.loaded) do
    if name:match("^shop%.") then
      package.loaded[name] = nil
    end
  end
end

function Project:versions()
  return self.folder .. "/shop/migrations/versions/shop"
end

---Writes a revision file.
function Project:revision(name, text)
  temporary.write(("%s/%s.lua"):format(self:versions(), name), text)
end

---A command in this process.
function Project:run(command, options)
  local given = { endpoint = self.endpoint, report = function(line)
    self.lines[#self.lines + 1] = line
  end }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  self.lines = {}
  local migrations = require("mainsequence.meta_tables.migrations")
  return migrations.commands[command]("shop.migrations:migration", given)
end

---The shell command of a process that runs a command; extra settings by name.
function Project:process(command, settings)
  local parts = { ("lua5.4 '%s/spec/support/migrate.lua' '%s' '%s' %s"):format(root, self.folder, self.endpoint, command) }
  for name, value in pairs(settings or {}) do
    parts[#parts + 1] = ("'%s=%s'"):format(name, value)
  end
  return table.concat(parts, " ")
end

---Runs shell text; gives exit status and what it printed.
function M.shell(text)
  local name = os.tmpname()
  local _, _, status = os.execute(("(%s) >'%s' 2>&1"):format(text, name))
  local output = temporary.read(name)
  os.remove(name)
  return status, output
end

function Project:client()
  return require("mainsequence.client").connect({ endpoint = self.endpoint })
end

---A connection to the data source.
function Project:database()
  local session = self:client()
  local data_source = assert(session.DynamicTableDataSource.session())
  local credential = assert(session.DynamicTableDataSource.issue_migration_connection(data_source))
  session:close()
  return assert(require("mainsequence.core").connect(credential.uri))
end

---Physical table → status of its catalog row.
function Project:statuses()
  local session = self:client()
  local statuses = {}
  for _, class in ipairs({ session.MetaTable, session.TimeIndexMetaTable }) do
    for _, row in ipairs(assert(class.list())) do
      statuses[row.physical_table_name] = row.provisioning_status
    end
  end
  session:close()
  return statuses
end

function Project:remove()
  self:forget()
  package.path = self.path
  temporary.remove(self.folder)
end

return M
