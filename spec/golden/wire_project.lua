-- The project of wire/migrations.json in Lua, in a folder of its own: models, provider, revisions, and databases at each
-- of its versions. The models have two forms: the recorded project's, and that after its change.

local temporary = dofile("spec/support/temporary.lua")

local M = {}

local MODELS = [[
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local types = schema.types
local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }

local Account = meta_tables.PlatformManagedMetaTable("Account", { metadata = metadata,
  tablename = meta_tables.schema_table_name("golden_demo", "account"), namespace = "golden-demo",
  identifier = "golden_demo.Account", description = "Trading accounts.", labels = { "core" } })
Account.uid = types.Uuid { primary_key = true }
Account.code = types.String { length = 64, nullable = false, label = "Code" }
Account.opened_on = types.Date { nullable = true }

local Asset = meta_tables.PlatformManagedMetaTable("Asset", { metadata = metadata,
  tablename = meta_tables.schema_table_name("golden_demo", "asset"), namespace = "golden-demo",
  identifier = "golden_demo.Asset" })
Asset.uid = types.Uuid { primary_key = true }
Asset.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
@COLUMNS@
schema.constrain(Asset, schema.Index(Asset.symbol))

local AccountHoldings = meta_tables.PlatformTimeIndexMetaTable("AccountHoldings", { metadata = metadata,
  tablename = meta_tables.schema_table_name("golden_demo", "account_holdings"), namespace = "golden-demo",
  identifier = "golden_demo.AccountHoldings", time_index_name = "time_index",
  index_names = { "time_index", "account_uid", "asset_uid" }, cadence = "1d" })
AccountHoldings.time_index = types.DateTime { timezone = true, nullable = false }
AccountHoldings.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
AccountHoldings.asset_uid = types.Uuid { references = { Asset.uid, ondelete = "RESTRICT" }, nullable = false }
AccountHoldings.quantity = types.Float { nullable = true }

return { metadata = metadata, Account = Account, Asset = Asset, AccountHoldings = AccountHoldings }
]]

local COLUMNS = {
  "Asset.symbol = types.String { length = 32, nullable = false }",
  "Asset.symbol = types.String { length = 48, nullable = false }\nAsset.note = types.String { length = 200, nullable = true }",
}

local PROVIDER = [[
local migrations = require("mainsequence.meta_tables.migrations")
local models = require("golden_demo.models")
return { migration = migrations.build_metatable_migration_provider {
  package = "golden_demo", migration_namespace = "golden-demo", script_location = "migrations:",
  version_location_prefix = "migrations:versions", target_metadata = models.metadata,
  alembic_registry = migrations.build_alembic_version_metatable { class_name = "ProjectAlembicVersion",
    namespace = "golden-demo", identifier = "golden_demo.alembic_version", schema = @SCHEMA@, table_name = "alembic_version" },
  metatable_models = { models.Account, models.Asset, models.AccountHoldings },
} }
]]

---@class wire.Project
---@field folder string
local Project = {}
Project.__index = Project

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---Runs the command in the project, in an environment of its own.
---@param variables string[] "NAME=value"
---@param arguments string[]
---@return boolean ok, integer status, string output of both streams
function Project:command(variables, arguments)
  local words = { "cd", quoted(self.folder), "&& env -i" }
  local root = self.root
  local paths = { "PATH=" .. os.getenv("PATH"), "HOME=" .. self.folder .. "/home",
    "LUA_PATH=" .. ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(root, root),
    "LUA_CPATH=" .. (os.getenv("MSEQ_BUILD") or root .. "/build") .. "/lua/?.so;;" }
  for _, list in ipairs({ paths, variables }) do
    for _, variable in ipairs(list) do words[#words + 1] = quoted(variable) end
  end
  words[#words + 1] = "lua5.4 " .. quoted(root .. "/rocks/bin/mainsequence") .. " migrations"
  for _, argument in ipairs(arguments) do words[#words + 1] = quoted(argument) end
  local process = assert(io.popen(table.concat(words, " ") .. " 2>&1 < /dev/null"))
  local output = process:read("a")
  local ok, _, status = process:close()
  return ok == true, status, output
end

local function must(ok, _, output)
  if not ok then error(output, 0) end
end

function Project:write_models(form)
  temporary.write(self.folder .. "/golden_demo/models.lua", (MODELS:gsub("@COLUMNS@", COLUMNS[form])))
end

function Project:versions_folder()
  return self.folder .. "/migrations/versions/golden_demo"
end

local function revision_file(folder, number)
  for name in require("lfs").dir(folder) do
    if name:find("^" .. number .. "_") then return folder .. "/" .. name end
  end
  error("revision " .. number .. " was not written", 0)
end

-- Revisions 0001 and 0002, and a database at each version: none, base, 0001, 0002.
local function prepare(project)
  local data_source = project.folder .. "/local"
  local environment = { "MAINSEQUENCE_ENDPOINT=local:" .. data_source }
  project.revisions, project.databases = {}, { none = "" }
  local function keep(version)
    project.databases[version] = temporary.read(data_source .. "/data.sqlite")
  end
  for form, number in ipairs({ "0001", "0002" }) do
    project:write_models(form)
    must(project:command(environment, { "revision", "-m", "step", "--rev-id", number, "--provider", "migrations:migration" }))
    project.revisions[form] = temporary.read(revision_file(project:versions_folder(), number))
    must(project:command(environment, { "upgrade", "--provider", "migrations:migration" }))
    keep(number)
  end
  must(project:command(environment, { "downgrade", "base", "--provider", "migrations:migration" }))
  keep("base")
end

---Brings the project to a state.
---@param version "none"|"base"|"0001"|"0002" of the database
---@param revisions integer how many revisions there are
---@param form 1|2 of the models
function Project:reset(version, revisions, form)
  local folder = self:versions_folder()
  temporary.remove(folder)
  for number = 1, revisions do
    temporary.write(("%s/%04d_step.lua"):format(folder, number), self.revisions[number])
  end
  self:write_models(form)
  for _, suffix in ipairs({ "-wal", "-shm" }) do os.remove(self.database .. suffix) end
  temporary.write(self.database, self.databases[version])
end

---@return wire.Project
function M.new()
  local project = setmetatable({ folder = temporary.folder(), root = require("lfs").currentdir() }, Project)
  project.database = project.folder .. "/data_source.db"
  -- SQLite has no schema "public"
  temporary.write(project.folder .. "/migrations/init.lua", (PROVIDER:gsub("@SCHEMA@", "nil")))
  prepare(project)
  return project
end

function Project:remove()
  temporary.remove(self.folder)
end

return M
