local lfs = require("lfs")

local core = require("mainsequence.core")
local locations = require("mainsequence.meta_tables.migrations.location")
local meta_tables = require("mainsequence.meta_tables")
local migrations = require("mainsequence.meta_tables.migrations")
local schema = require("mainsequence.schema")
local scripts = require("mainsequence.meta_tables.migrations.scripts")
local temporary = dofile("spec/support/temporary.lua")

local function models()
  local metadata = schema.MetaData({ naming_convention = meta_tables.naming_convention() })
  local function declare(name, options)
    options.metadata, options.namespace = metadata, "app"
    options.tablename = options.tablename or "app__" .. name:lower()
    local model = meta_tables.PlatformManagedMetaTable(name, options)
    model.uid = schema.types.Uuid({ primary_key = true })
    return model
  end
  return metadata, declare
end

local function options_of(metadata, extra)
  local options = {
    package = "app", migration_namespace = "App.Main", script_location = "app.migrations:",
    version_location_prefix = "app.migrations:versions", target_metadata = metadata,
    alembic_registry = migrations.build_alembic_version_metatable({ class_name = "AppVersion", namespace = "app" }),
  }
  for name, value in pairs(extra or {}) do
    options[name] = value ~= "none" and value or nil
  end
  return options
end

local function failure(call, ...)
  local ok, err = pcall(call, ...)
  assert.is_false(ok)
  return tostring(err)
end

describe("build_metatable_migration_provider", function()
  it("knows its key, its places and its models", function()
    local metadata, declare = models()
    local A = declare("A", { identifier = "app.A" })
    schema.Table("plain", { metadata = metadata }).id = schema.types.Integer({ primary_key = true })
    local provider = migrations.build_metatable_migration_provider(options_of(metadata))
    assert.are.equal("app:App.Main", provider.migration_provider_key)
    assert.are.same({ "app.migrations:versions/app_main" }, provider.version_locations)
    assert.are.equal("app.migrations:versions/app_main", provider.version_path)
    assert.are.same({ A }, provider.metatable_models)
    assert.are.equal("AppVersion", provider.alembic_registry.class_name)
    assert.are.equal("alembic_version", provider:version_table_text())
  end)

  it("refuses what is missing or of the wrong kind, at the caller's line", function()
    local metadata, declare = models()
    declare("A", { identifier = "app.A" })
    local build = migrations.build_metatable_migration_provider
    local cases = {
      { { package = "none" }, "needs package" },
      { { migration_namespace = 3 }, "migration_namespace is 3, not text" },
      { { script_location = " " }, "script_location is ' ', not text" },
      { { target_metadata = {} }, "target_metadata is a table" },
      { { alembic_registry = "none" }, "alembic_registry is nil" },
      { { after_register_metatables = 1 }, "after_register_metatables is a function" },
      { { metatable_models = 5 }, "metatable_models is a list" },
      { { metatable_models = { 5 } }, "metatable_models%[1%] is 5, not a model" },
      { { script_locaton = "x" }, "no option 'script_locaton'.*did you mean 'script_location'" },
    }
    for _, case in ipairs(cases) do
      local options = options_of(metadata, case[1])
      assert.has_match("_provider_spec.lua:%d+: .*" .. case[2], failure(function()
        build(options)
      end))
    end
  end)

  it("refuses models that the catalog could not tell apart or would never get", function()
    local build = migrations.build_metatable_migration_provider
    local metadata, declare = models()
    local A = declare("A", { identifier = "app.A" })
    local B = declare("B", { identifier = "app.A", tablename = "app__b" })
    assert.has_match("'A' and 'B' have one identifier, 'app.A'", failure(build, options_of(metadata)))
    assert.has_match("'A' and 'A' have one identifier", failure(build, options_of(metadata, { metatable_models = { A, A } })))

    metadata, declare = models()
    declare("C", {})
    assert.has_match("'C' has no identifier", failure(build, options_of(metadata)))
    assert.has_match("'B' is not in target_metadata", failure(build, options_of(metadata, { metatable_models = { B } })))

    local plain = schema.Table("plain", { metadata = metadata })
    plain.id = schema.types.Integer({ primary_key = true })
    assert.has_match("'plain' is a plain table", failure(build, options_of(metadata, { metatable_models = { plain } })))

    metadata, declare = models()
    declare("D", { identifier = "app.D", schema = "one", tablename = "t" })
    declare("E", { identifier = "app.E", schema = "two", tablename = "t" })
    assert.has_match("'D' and 'E' have one table, 't'", failure(build, options_of(metadata)))

    metadata, declare = models()
    declare("F", { identifier = "app.F", data_source_uid = "u1" })
    declare("G", { identifier = "app.G", data_source_uid = "u2" })
    assert.has_match("must share one data source; 'F' names u1 and 'G' names u2", failure(build, options_of(metadata)))
  end)

  it("needs a place for new revisions when there are several", function()
    local metadata = models()
    local options = options_of(metadata, { version_location_prefix = "none" })
    options.version_locations = { "a:one", "a:two", "a:one" }
    assert.has_match("several version_locations need version_path", failure(migrations.AlembicMetaTableMigration, options))
    options.version_path = "a:two"
    local provider = migrations.AlembicMetaTableMigration(options)
    assert.are.same({ "a:one", "a:two" }, provider.version_locations)
    options.version_locations, options.version_path = nil, nil
    assert.are.same({ "app.migrations:versions" }, migrations.AlembicMetaTableMigration(options).version_locations)
  end)
end)

describe("a migrations folder", function()
  local folder, here, path

  before_each(function()
    folder, here, path = temporary.folder(), lfs.currentdir(), package.path
    package.path = here .. "/lua/?.lua;" .. here .. "/lua/?/init.lua;" .. package.path
    lfs.chdir(folder)
    folder = lfs.currentdir()
  end)
  after_each(function()
    lfs.chdir(here)
    package.path = path
    for name in pairs(package.loaded) do
      if name:match("^shop") or name == "mainsequence_migrations" then
        package.loaded[name] = nil
      end
    end
    temporary.remove(folder)
  end)

  local MODELS = [[
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
local A = meta_tables.PlatformManagedMetaTable("A", { metadata = metadata, tablename = "shop__a", namespace = "shop",
  identifier = "shop.A" })
A.uid = schema.types.Uuid { primary_key = true }
return { metadata = metadata, A = A }
]]

  local function scaffold(options)
    local lines = {}
    local given = { module = "shop.migrations", report = function(line)
      lines[#lines + 1] = line
    end }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    local result, err = migrations.commands.scaffold(given)
    return result, err, lines
  end

  local function actions(result)
    local list = {}
    for position, file in ipairs(result.files) do
      list[position] = file.action
    end
    return table.concat(list, " ")
  end

  it("is written by scaffold, and its provider loads", function()
    temporary.write(folder .. "/shop/models.lua", MODELS)
    local result, _, lines = scaffold()
    assert.are.equal(folder .. "/shop/migrations", result.root)
    assert.are.equal("created created", actions(result))
    assert.are.equal("[mainsequence migrations] Scaffold created " .. folder .. "/shop/migrations/init.lua", lines[1])

    local provider = assert(migrations.load_provider("shop.migrations:migration"))
    assert.are.equal("shop:shop", provider.migration_provider_key)
    assert.are.equal("shop__alembic_version", provider.alembic_registry.table_name)
    assert.are.equal(1, #provider.metatable_models)
    local loaded = assert(scripts.load(provider))
    assert.are.equal(folder .. "/shop/migrations/versions/shop", loaded.version_path)
    assert.are.same({}, loaded.graph.order)
  end)

  it("is left alone by a second scaffold unless it is forced", function()
    assert(scaffold())
    assert.are.equal("skipped skipped", actions(scaffold()))
    temporary.write(folder .. "/shop/migrations/init.lua", "return {}\n")
    os.remove(folder .. "/shop/migrations/versions/shop/.gitkeep")
    local result, err = scaffold()
    assert.is_nil(result)
    assert.are.equal("usage", err.code)
    assert.has_match("refusing to overwrite the existing file .*/init.lua", err.message)
    assert.is_nil(lfs.attributes(folder .. "/shop/migrations/versions/shop/.gitkeep"))
    assert.are.equal("overwritten created", actions(scaffold({ force = true })))
  end)

  it("has a name that Lua can require", function()
    for _, name in ipairs({ "", "a-b", "a..b", "a.", "a/b" }) do
      local result, err = scaffold({ module = name })
      assert.is_nil(result)
      assert.are.equal("usage", err.code)
    end
    assert.has_match("shape module.path:metadata", select(2, scaffold({ metadata = "x" })).message)
    assert.has_match("no option 'modul'", failure(migrations.commands.scaffold, { modul = "x" }))
  end)

  local function refused(reference)
    local provider, err = migrations.load_provider(reference)
    assert.is_nil(provider)
    return err
  end

  it("is found by its conventional names", function()
    local err = refused(nil)
    assert.are.equal("usage", err.code)
    assert.has_match("none found as mainsequence_migrations:migration", err.message)
    temporary.write(folder .. "/my-shop-1-1.rockspec", "package = 'shop'\nversion = '1-1'\n")
    assert.has_match("or shop.migrations:migration", refused(nil).message)
    temporary.write(folder .. "/shop/models.lua", MODELS)
    assert(scaffold())
    assert.are.equal("shop", assert(migrations.load_provider()).package)
    temporary.write(folder .. "/mainsequence_migrations.lua", "error('first')")
    assert.has_match("could not be loaded: .*first", refused(nil).message)
  end)

  it("says what is wrong with a provider module", function()
    assert.are.equal("usage", refused("shop").code)
    assert.has_match("shape module.path:migration", refused("shop").message)
    assert.has_match("no Lua module 'shop.nowhere'", refused("shop.nowhere:migration").message)
    local cases = {
      { "return 5", "usage", "returns 5" },
      { "return { migratoin = 1 }", "usage", "has no 'migration'" },
      { "return { migration = 1 }", "usage", "is 1, not a migration provider" },
      { "local x =", "provider", "shop/p.lua:1" },
      { "require('shop.nothing')", "provider", "module 'shop.nothing' not found" },
      { "local s = require('mainsequence.schema')\ns.Table('t', { tabelname = 1 })", "provider",
        "shop/p.lua:2: .*no option 'tabelname'" },
    }
    for _, case in ipairs(cases) do
      temporary.write(folder .. "/shop/p.lua", case[1])
      package.loaded["shop.p"] = nil
      local err = refused("shop.p:migration")
      assert.are.equal(case[2], err.code)
      assert.has_match(case[3], err.message)
    end
  end)

  it("resolves locations beside modules and in the file system", function()
    temporary.write(folder .. "/shop/init.lua", "return {}")
    temporary.write(folder .. "/shop/tasks.lua", "return {}")
    locations.search_current_directory()
    assert.are.equal(folder .. "/shop/versions", assert(locations.resolve("shop:versions")))
    assert.are.equal(folder .. "/shop", assert(locations.resolve("shop:")))
    assert.are.equal(folder .. "/shop/tasks/versions/x", assert(locations.resolve("shop.tasks:versions/x")))
    assert.are.equal(folder .. "/some/where", assert(locations.resolve("some/where/")))
    assert.are.equal("/abs", assert(locations.resolve("/abs")))
    local result, err = locations.resolve("shop.nowhere:versions")
    assert.is_nil(result)
    assert.has_match("no Lua module 'shop.nowhere'", err.message)
  end)

  it("makes a broken revision an error before anything else happens", function()
    temporary.write(folder .. "/shop/models.lua", MODELS)
    assert(scaffold())
    temporary.write(folder .. "/shop/migrations/versions/shop/0001_x.lua", "return { revision = '0001' }")
    local provider = assert(migrations.load_provider("shop.migrations:migration"))
    local client = setmetatable({}, { __index = function()
      error("the client was used")
    end })
    for _, command in ipairs({ "upgrade", "current", "revision", "history", "heads", "refresh", "check" }) do
      local result, err = migrations.commands[command](provider, { client = client })
      assert.is_nil(result)
      assert.has_match("0001_x.lua: a revision needs a function upgrade", err.message)
    end
  end)

  it("counts and follows revisions without a database", function()
    temporary.write(folder .. "/shop/models.lua", MODELS)
    assert(scaffold())
    local provider = assert(migrations.load_provider("shop.migrations:migration"))
    local function revision(options)
      options.autogenerate = false
      return migrations.commands.revision(provider, options)
    end
    local first = assert(revision({ message = "First one!" }))
    assert.are.equal(folder .. "/shop/migrations/versions/shop/0001_first_one.lua", first.path)
    assert.are.equal('{"revision": "0001", "path": "' .. first.path .. '", "package": "shop", "migration_namespace": "shop"}',
      core.json_encode(first))
    assert.are.equal("0002", assert(revision({})).revision)
    assert.has_match("down_revision = \"0001\"", temporary.read(folder .. "/shop/migrations/versions/shop/0002_migration.lua"))
    assert(revision({ rev_id = "beef", message = "" }))
    assert.has_match("beef.lua$", migrations.commands.heads(provider).revisions[1].path)

    local function refuse(options, text)
      local result, err = revision(options)
      assert.is_nil(result)
      assert.are.equal("usage", err.code)
      assert.has_match(text, err.message)
    end
    refuse({}, "'beef' is no sequential id")
    refuse({ rev_id = "beef" }, "'beef' exists already")
    refuse({ rev_id = "a+b" }, "meaning in revision symbols")
    refuse({ rev_id = "0009", head = "0001" }, "'0001' is not a head")
    refuse({ rev_id = "0009", message = "a\nb" }, "one line")
    refuse({ ttl_seconds = 0, rev_id = "0009" }, "ttl_seconds")
    assert.has_match("did you mean 'message'", failure(migrations.commands.revision, provider, { mesage = "x" }))

    assert(revision({ rev_id = "0009", head = "base" }))
    refuse({ rev_id = "0010" }, "2 heads")
    local merged = assert(revision({ rev_id = "0010", head = "heads" }))
    assert.has_match('down_revision = { "0009", "beef" }', temporary.read(merged.path))

    local history = assert(migrations.commands.history(provider)).revisions
    assert.are.equal("0010", history[1].revision)
    assert.are.same({ "head", "mergepoint" }, { table.unpack(history[1].marks) })
  end)
end)
