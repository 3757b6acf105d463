-- mainsequence.meta_tables: names, requests, fingerprints, where models come from.

local core = require("mainsequence.core")
local meta_tables = require("mainsequence.meta_tables")
local registry = require("mainsequence.schema.registry")
local schema = require("mainsequence.schema")
local types = schema.types

local HERE = debug.getinfo(1, "S").short_src
local DATA_SOURCE = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"

---Calls `call` and checks the error; the line of its only statement is to blame unless `at` names another.
local function refused(at, message, hint, call, ...)
  if not at then
    local info = debug.getinfo(call, "S")
    at = info.lastlinedefined - info.linedefined < 2 and info.lastlinedefined or info.linedefined + 1
  end
  local ok, err = pcall(call, ...)
  assert.is_false(ok)
  assert.is_true(core.is_error(err), tostring(err))
  assert.is_truthy(err.message:find(message, 1, true), ("%q is not in %q"):format(message, err.message))
  if hint then
    assert.is_truthy(err.hint and err.hint:find(hint, 1, true), ("%q is not in %q"):format(hint, tostring(err.hint)))
  end
  assert.are.equal(HERE, err.source)
  assert.are.equal(at, err.line)
end

local function asset(options)
  local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
  local all = { metadata = metadata, tablename = "app__asset", namespace = "app", identifier = "app.Asset" }
  for key, value in pairs(options or {}) do all[key] = value ~= core.null and value or nil end
  local at = debug.getinfo(1, "l").currentline + 1
  local Asset = meta_tables.PlatformManagedMetaTable("Asset", all)
  Asset.uid = types.Uuid { primary_key = true }
  Asset.symbol = types.String { length = 64, nullable = false }
  return Asset, at
end

describe("mainsequence.meta_tables", function()
  describe("names", function()
    it("come from the core", function()
      assert.are.equal("sdk_examples__account_holdings", meta_tables.schema_table_name("SDK Examples", "Account Holdings"))
      assert.are.equal("a__b__c", meta_tables.schema_table_name("a", "b", "c"))
      assert.are.same({ app = "a", concept = "b", suffix = "c__d" }, meta_tables.parse_schema_table_name("a__b__c__d"))
      assert.are.equal("uix__t__a__b", meta_tables.schema_index_name("t", { "a", "b" }, true))
      assert.are.equal("fk__t__a__o__uid", meta_tables.schema_foreign_key_name("t", { "a" }, "o", { "uid" }))
      assert.are.equal("pk__t", meta_tables.schema_primary_key_name("t"))
      assert.are.equal("uq__t__a", meta_tables.schema_unique_constraint_name("t", { "a" }))
      assert.are.equal("ck__t__positive", meta_tables.schema_check_constraint_name("t", "positive"))
      assert.are.equal("a__b", meta_tables.bounded_identifier({ "a", "b" }))
      assert.are.equal("t_9lives", meta_tables.slugify_identifier("9lives"))
      assert.are.equal("table", meta_tables.normalize_identifier_part("é"))
    end)

    it("refuse empty, wordless and too long parts at the script's line", function()
      refused(nil, "Schema table name app is required.", nil, function() local _ = meta_tables.schema_table_name("", "x") end)
      refused(nil, "concept must contain letters or digits", nil, function()
        local _ = meta_tables.schema_table_name("a", "…!") end)
      refused(nil, "app is too long", nil, function()
        local _ = meta_tables.schema_table_name(("a"):rep(51), "concept_long_enough") end)
      refused(nil, "string expected, got number", nil, function() local _ = meta_tables.schema_table_name(5, "x") end)
      refused(nil, "string expected, got no value", nil, function() local _ = meta_tables.schema_table_name("a") end)
      refused(nil, "At least one column", nil, function() local _ = meta_tables.schema_index_name("t", {}) end)
      refused(nil, "Schema table name", nil, function() local _ = meta_tables.parse_schema_table_name("justone") end)
    end)

    it("make a convention", function()
      local convention = meta_tables.naming_convention()
      assert.are.equal("pk__t", convention.pk("t"))
      assert.are.equal("ix__t__a", convention.ix("t", { "a" }))
    end)
  end)

  describe("requests", function()
    it("of a platform-managed table", function()
      local request = meta_tables.build_registration_request((asset({ module = "app.models" })),
        { data_source_uid = DATA_SOURCE })
      assert.are.equal(DATA_SOURCE, request.data_source_uid)
      assert.are.equal("app.Asset", request.identifier)
      assert.are.equal("platform_managed", request.management_mode)
      assert.are.same({ kind = "lua", module = "app.models", qualname = "Asset" }, request.table_contract.authoring.table_model)
      assert.are.same({ "data_source_uid", "table_contract", "identifier", "namespace", "protect_from_deletion", "labels",
        "management_mode", "provisioning", "introspect" }, core.keys(request))
    end)

    it("of an external table", function()
      local metadata = schema.MetaData {}
      local Legacy = schema.Table("legacy", { metadata = metadata, module = "m" })
      Legacy.id = types.Integer { primary_key = true }
      local request = meta_tables.external_registered_registration_request_from_model(Legacy,
        { data_source_uid = DATA_SOURCE, labels = { "x" }, namespace = "ext" })
      assert.are.equal("external_registered", request.management_mode)
      assert.are.equal("ext", request.namespace)
      assert.are.same({ "x" }, request.labels)
      assert.is_true(request.introspect)
    end)

    it("find the data source with the model, or in its row", function()
      local request = meta_tables.build_registration_request((asset({ data_source_uid = DATA_SOURCE })))
      assert.are.equal(DATA_SOURCE, request.data_source_uid)
      local Asset = asset()
      registry.set_binding(Asset, { uid = "u", data_source_uid = DATA_SOURCE })
      assert.are.equal(DATA_SOURCE, meta_tables.build_registration_request(Asset).data_source_uid)
      assert.are.equal("u", registry.binding(Asset).uid)
    end)

    it("refuse a missing namespace at the model's line", function()
      local Asset, at = asset({ namespace = core.null })
      refused(at, "MetaTable contracts require namespace: table 'app__asset' has none.", "namespace",
        meta_tables.build_registration_request, Asset, { data_source_uid = DATA_SOURCE })
    end)

    it("refuse a naive timestamp and a bad cadence at the model's line", function()
      local Asset, at = asset()
      Asset.at = types.DateTime {}
      refused(at, "Timezone-naive DateTime columns are not supported", "timezone = true",
        meta_tables.build_registration_request, Asset, { data_source_uid = DATA_SOURCE })
      local Prices = meta_tables.PlatformTimeIndexMetaTable("Prices", { metadata = schema.MetaData {}, tablename = "app__prices",
        namespace = "app", cadence = "fortnightly" })
      local line = debug.getinfo(1, "l").currentline - 2
      Prices.time_index = types.DateTime { timezone = true, nullable = false }
      refused(line, "cadence must be an interval token", nil, meta_tables.build_registration_request, Prices,
        { data_source_uid = DATA_SOURCE })
      refused(line, "cadence must be an interval token", nil, meta_tables.compute_metatable_contract_hash, Prices)
    end)

    it("refuse wrong arguments at the caller's line", function()
      local Asset = asset()
      refused(nil, "build_registration_request of model 'Asset' needs data_source_uid, got nil", "give it in the call", function()
        local _ = meta_tables.build_registration_request(Asset) end)
      refused(nil, "build_registration_request has no option 'data_source'", "data_source_uid", function()
        local _ = meta_tables.build_registration_request(Asset, { data_source = DATA_SOURCE }) end)
      refused(nil, "build_registration_request takes a model, got nil", nil, function()
        local _ = meta_tables.build_registration_request(nil, {}) end)
      refused(nil, "takes a model, got a table", "one of the model's columns", function()
        local _ = meta_tables.compute_metatable_contract_hash(Asset.uid) end)
      refused(nil, "compute_metatable_contract_hash has no option 'namespce'", "namespace", function()
        local _ = meta_tables.compute_metatable_contract_hash(Asset, { namespce = "x" }) end)
    end)
  end)

  describe("fingerprints", function()
    local function account()
      local metadata = schema.MetaData {}
      local Account = meta_tables.PlatformManagedMetaTable("Account", { metadata = metadata,
        tablename = "sdk_examples__account", namespace = "sdk-examples" })
      Account.uid = types.Uuid { primary_key = true }
      Account.name = types.String { length = 255, nullable = false }
      return Account
    end

    -- The worked example of the protocol page, section 10.4.
    it("are the reference's", function()
      local fingerprint, text = meta_tables.compute_metatable_contract_hash(account())
      assert.are.equal("mt_sdk_examples_4f1afdff8a1a2e0990e698f725088ba7", fingerprint)
      assert.are.equal(473, #text)
      assert.are.equal("mt_sdk_examples_b55aac9f8fd8aea72f92df0f76ddf773",
        (meta_tables.compute_metatable_contract_hash(account(), { include_table_name = false })))
      assert.are.equal("mt_sdk_examples_990ad87d8bf304b695f137ccf2486991",
        (meta_tables.compute_metatable_contract_hash(account(), { schema = "markets" })))
    end)

    -- … and its second one: foreign key, indexes, hash namespace, extra components with a tuple.
    it("know keys, indexes and extra components", function()
      local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
      local Account = meta_tables.PlatformManagedMetaTable("Account", { metadata = metadata,
        tablename = "sdk_examples__account" })
      Account.uid = types.Uuid { primary_key = true }
      local Asset = meta_tables.PlatformManagedMetaTable("Asset", { metadata = metadata, tablename = "sdk_examples__asset",
        namespace = "sdk-examples" })
      Asset.uid = types.Uuid { primary_key = true }
      Asset.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
      Asset.symbol = types.String { length = 64, unique = true, nullable = false }
      schema.constrain(Asset, schema.Index(Asset.account_uid),
        schema.Index(Asset.symbol, Asset.account_uid, { unique = true, postgresql_using = "btree",
          postgresql_where = schema.text("symbol <> ''") }))
      local _, text = meta_tables.compute_metatable_contract_hash(Asset, {
        hash_namespace = "test",
        extra_components = { z = { 1, { ["__type__"] = "tuple", items = { 2, 3 } } } },
      })
      local tail = [[ "foreign_keys": [{"elements": [{"ondelete": "RESTRICT", "source_column": "account_uid", ]]
        .. [["target_column": "uid", "target_schema": null, "target_table": "sdk_examples__account"}], ]]
        .. [["ondelete": "RESTRICT"}], ]]
        .. [["indexes": [{"columns": ["account_uid"], "unique": false}, {"columns": ["symbol", "account_uid"], ]]
        .. [["dialect_kwargs": {"postgresql_using": "btree", "postgresql_where": "symbol <> ''"}, "unique": true}], ]]
        .. [["physical_table_name": "sdk_examples__asset"}, "z": [1, {"__type__": "tuple", "items": [2, 3]}]}]]
      assert.are.equal(tail, text:sub(-#tail))
    end)

    it("do not depend on identifier, labels, descriptions, module", function()
      local one = meta_tables.compute_metatable_contract_hash((asset({ labels = { "a" }, description = "x", module = "m" })))
      local two = meta_tables.compute_metatable_contract_hash((asset({ identifier = "other.Name", module = "n" })))
      assert.are.equal(one, two)
      assert.are_not.equal(one, (meta_tables.compute_metatable_contract_hash((asset({ namespace = "other" })))))
    end)

    it("refuse what no document can hold", function()
      local Asset, at = asset()
      refused(at, "extra_components.f: a function cannot stand in a document", nil,
        meta_tables.compute_metatable_contract_hash, Asset, { extra_components = { f = print } })
    end)
  end)

  describe("AlembicVersionMetaTable", function()
    it("has Alembic's defaults and the reference's request", function()
      local version = meta_tables.AlembicVersionMetaTable { namespace = "app" }
      assert.are.equal("alembic_version", version.table_name)
      assert.are.equal("version_num", version.version_column)
      local request = version:registration_request(DATA_SOURCE)
      assert.are.equal("external_registered", request.management_mode)
      assert.is_false(request.introspect)
      assert.are.equal("version_num", request.table_contract.columns[1].name)
      assert.are.same({ owner = "alembic", schema = "public", version_table = "alembic_version" },
        request.table_contract.authoring)
      assert.are.equal("AlembicVersionMetaTable alembic_version (table alembic_version)", tostring(version))
    end)

    it("refuses wrong options", function()
      refused(nil, "AlembicVersionMetaTable has no option 'tablename'", "table_name", function()
        local _ = meta_tables.AlembicVersionMetaTable { tablename = "x" } end)
      refused(nil, "table_name is ' ', not text", nil, function()
        local _ = meta_tables.AlembicVersionMetaTable { table_name = " " } end)
    end)
  end)

  describe("a model's module", function()
    local folder, path
    before_each(function()
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute(("mkdir -p '%s/shop/parts'"):format(folder)))
      path = package.path
      package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua"
    end)
    after_each(function()
      package.path = path
      os.execute(("rm -r '%s'"):format(folder))
    end)
    local function write(name)
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write([[
        local schema = require("mainsequence.schema")
        local Model = require("mainsequence.meta_tables").PlatformManagedMetaTable("M",
          { metadata = schema.MetaData {}, tablename = "m" })
        return Model
      ]])
      file:close()
      local Model = assert(loadfile(folder .. "/" .. name))()
      return registry.definition(Model).module
    end

    it("is the name by which require finds it", function()
      assert.are.equal("shop.models", write("shop/models.lua"))
      assert.are.equal("shop.parts", write("shop/parts/init.lua"))
      assert.are.equal("models", write("models.lua"))
    end)

    it("is the file's name where require does not find it", function()
      package.path = "/nowhere/?.lua"
      assert.are.equal("models.lua", write("models.lua"))
    end)
  end)

  it("loads later parts only when they are asked for", function()
    assert.is_nil(meta_tables.no_such_thing)
  end)

  describe("register_external_model", function()
    local folder, session
    before_each(function()
      folder = os.tmpname()
      os.remove(folder)
      session = require("mainsequence.client").connect { endpoint = "local:" .. folder }
    end)
    after_each(function()
      session:close()
      os.execute(("rm -rf '%s'"):format(folder))
    end)
    local function legacy()
      local Legacy = schema.Table("legacy", { metadata = schema.MetaData {}, namespace = "old" })
      local at = debug.getinfo(1, "l").currentline - 1
      Legacy.id = types.Integer { primary_key = true }
      return Legacy, at
    end

    it("puts a table of the application's own into the catalog", function()
      local Legacy = legacy()
      local row = assert(meta_tables.register_external_model(Legacy, { session = session, labels = { "x" } }))
      assert.are.equal("external_registered", row.management_mode)
      assert.are.equal("legacy", row.physical_table_name)
      assert.are.same({ "x" }, row.labels)
      assert.are.equal(row, meta_tables.meta_table(Legacy))
      -- Again is the same row.
      assert.are.equal(row.uid, assert(meta_tables.register_external_model(Legacy, { session = session })).uid)
    end)

    it("refuses wrong arguments and models", function()
      local Legacy = legacy()
      refused(nil, "register_external_model takes a model, got 'legacy'", nil, function()
        local _ = meta_tables.register_external_model("legacy") end)
      refused(nil, "register_external_model has no option 'label'", "did you mean 'labels'?", function()
        local _ = meta_tables.register_external_model(Legacy, { label = { "x" } }) end)
      local Naive, at = legacy()
      Naive.at = types.DateTime {}
      refused(at, "Timezone-naive DateTime columns are not supported", nil, meta_tables.register_external_model, Naive,
        { session = session })
      assert.is_nil(registry.binding(Naive))
    end)

    it("gives the environment's failures back", function()
      local unreachable = require("mainsequence.client").connect { endpoint = "local:/proc/nowhere" }
      local row, err = meta_tables.register_external_model(legacy(), { session = unreachable })
      assert.is_nil(row)
      assert.is_truthy(err.message:find("/proc/nowhere", 1, true))
    end)
  end)
end)
