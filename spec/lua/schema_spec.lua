-- mainsequence.schema: declaring tables, and what wrong declarations say.

local core = require("mainsequence.core")
local meta_tables = require("mainsequence.meta_tables")
local registry = require("mainsequence.schema.registry")
local schema = require("mainsequence.schema")
local type_calls = require("mainsequence.schema.types")
local types = schema.types

local HERE = debug.getinfo(1, "S").short_src

-- The line that calls it.
local function line()
  return debug.getinfo(2, "l").currentline
end

---Calls `declare` and checks the error: message, hint, and that this file and the line are blamed. `at` nil: the
---line of the function's only statement.
local function refused(at, message, hint, declare, ...)
  if not at then
    local info = debug.getinfo(declare, "S")
    at = info.lastlinedefined - info.linedefined < 2 and info.lastlinedefined or info.linedefined + 1
  end
  local ok, err = pcall(declare, ...)
  assert.is_false(ok)
  assert.is_true(core.is_error(err), tostring(err))
  assert.is_truthy(err.message:find(message, 1, true), ("%q is not in %q"):format(message, err.message))
  if hint then
    assert.is_truthy(err.hint, "no hint in: " .. tostring(err))
    assert.is_truthy(err.hint:find(hint, 1, true), ("%q is not in %q"):format(hint, err.hint))
  end
  assert.are.equal(HERE, err.source)
  assert.are.equal(at, err.line)
  return err
end

describe("mainsequence.schema", function()
  local metadata

  local function model(name, options)
    local all = { metadata = metadata, tablename = "app__" .. name:lower(), namespace = "app" }
    for key, value in pairs(options or {}) do all[key] = value end
    local declared = meta_tables.PlatformManagedMetaTable(name, all)
    return declared
  end

  before_each(function()
    metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
  end)

  describe("models", function()
    it("keep the order of statements", function()
      local Asset = model("Asset")
      for _, name in ipairs({ "uid", "zeta", "alpha", "name", "table", "type" }) do Asset[name] = types.String { length = 8 } end
      local keys, columns = {}, {}
      for key, column in pairs(Asset) do
        keys[#keys + 1] = key
        assert.are.equal(column, Asset[key])
      end
      for position, column in ipairs(registry.columns(Asset)) do columns[position] = column.name end
      assert.are.same({ "uid", "zeta", "alpha", "name", "table", "type" }, keys)
      assert.are.same(keys, columns)
      local described = {}
      for position, column in ipairs(schema.describe(Asset).columns) do described[position] = column.name end
      assert.are.same(keys, described)
    end)

    it("take reserved words as column names", function()
      local Span = model("Span")
      Span["end"] = types.Date { nullable = false }
      assert.are.equal("end", Span["end"].name)
    end)

    it("may give a column another name in the database", function()
      local Asset = model("Asset")
      Asset.kind = types.String { name = "type", length = 8 }
      Asset.state = types.Enum { values = { "on", "off" }, name = "state_enum", column_name = "status" }
      assert.are.equal("type", Asset.kind.name)
      local columns = schema.describe(Asset).columns
      assert.are.equal("type", columns[1].name)
      assert.are.equal("status", columns[2].name)
      assert.are.equal("state_enum", columns[2].type.args.name)
    end)

    it("can share columns through a plain function", function()
      local function stamped(Model)
        Model.created_at = types.DateTime { timezone = true, nullable = false }
      end
      local One, Two = model("One"), model("Two")
      stamped(One)
      stamped(Two)
      assert.are.equal("created_at", One.created_at.key)
      assert.is_false(rawequal(One.created_at, Two.created_at))
    end)

    it("expose only their columns, and name themselves", function()
      local Asset = model("Asset")
      Asset.register = types.Boolean {}
      assert.are.equal("model Asset (table app__asset)", tostring(Asset))
      assert.is_true(registry.is_column(Asset.register))
      refused(nil, "model 'Asset' has no column 'describe'", nil, function() return Asset.describe end)
    end)

    it("are sealed when their table is read, not when a column is", function()
      local Asset = model("Asset")
      Asset.uid = types.Uuid { primary_key = true }
      assert.is_truthy(Asset.uid)
      Asset.symbol = types.String { length = 8 }
      schema.describe(Asset)
      local call = function() Asset.late = types.Integer {} end
      refused(nil, "model 'Asset' is sealed", "before the model is used", call)
      refused(nil, "is sealed", nil, function() schema.constrain(Asset, schema.Index(Asset.symbol)) end)
    end)

    it("know the module that declares them", function()
      local definition = registry.definition(model("Asset"))
      assert.are.equal("string", type(definition.module))
      assert.are.equal("app.models", registry.definition(model("Other", { module = "app.models" })).module)
    end)

    it("give the same description on every run", function()
      local texts = {}
      for run = 1, 2 do
        metadata = schema.MetaData { naming_convention = true }
        local Asset = model("Asset", { labels = { "b", "a" } })
        Asset.uid = types.Uuid { primary_key = true, info = { z = 1, a = 2, label = "L" } }
        Asset.price = types.Numeric { precision = 12, scale = 2, comment = "c", server_default = schema.text("0") }
        schema.constrain(Asset, schema.Index { Asset.price, unique = true,
          postgresql = { using = "btree", where = "price > 0" } })
        texts[run] = core.json_encode(schema.describe(Asset))
      end
      assert.are.equal(texts[1], texts[2])
    end)
  end)

  describe("metadata", function()
    it("turns the naming convention on and off", function()
      for _, case in ipairs({ { true, "ix__app__asset__symbol" }, { false, "ix_app__asset_symbol" } }) do
        metadata = schema.MetaData { naming_convention = case[1] and meta_tables.naming_convention() or nil }
        local Asset = model("Asset")
        Asset.symbol = types.String { index = true }
        assert.are.equal(case[2], schema.describe(Asset).indexes[1].name)
      end
    end)

    it("lists its models in the order of their declaration", function()
      local first, second = model("Zeta"), model("Alpha")
      assert.are.same({ first, second }, registry.models(metadata))
    end)

    it("refuses what it does not know", function()
      refused(nil, "MetaData has no option 'naming_conventions'", "naming_convention", function()
        local _ = schema.MetaData { naming_conventions = true } end)
      refused(nil, "naming_convention is 'on'", "meta_tables.naming_convention()", function()
        local _ = schema.MetaData { naming_convention = "on" } end)
      refused(nil, "metadata has no field 'tables'", nil, function() return metadata.tables end)
    end)

    it("refuses one table twice, and says where the first is", function()
      local first = line() + 1
      local _ = meta_tables.PlatformManagedMetaTable("Asset", { metadata = metadata, tablename = "app__asset" })
      local err = refused(nil, "is declared twice in this metadata", nil, function()
        local _ = meta_tables.PlatformManagedMetaTable("B", { metadata = metadata, tablename = "app__asset", schema = "public" })
      end)
      assert.is_truthy(err.message:find(("%s:%d"):format(HERE, first), 1, true))
    end)
  end)

  describe("types", function()
    it("are exactly those of the core, with its arguments", function()
      for _, name in ipairs(require("mainsequence.schema.fault").sorted_keys(type_calls.arguments)) do
        local _, err = pcall(core.column_types, { name = name, args = { no_such_argument = 1 } })
        assert.is_true(core.is_error(err), tostring(err))
        assert.is_truthy(err.message:find("no argument", 1, true), tostring(err))
        local words = {}
        for _, word in ipairs(type_calls.arguments[name]) do
          words[#words + 1] = word
          local ok, problem = pcall(core.column_types, { name = name, args = { [word] = true } })
          assert.is_true(ok or not problem.message:find("no argument", 1, true), name .. "." .. word)
        end
        if err.hint and err.hint:find("^it takes: ") then
          assert.are.equal("it takes: " .. table.concat(words, " "), err.hint)
        end
      end
    end)

    it("refuse unknown names and options at their line", function()
      refused(nil, "there is no type 'Strng'", "did you mean 'String'?", function() return types.Strng end)
      refused(nil, "types.String has no option 'lenght'", "did you mean 'length'?", function()
        local _ = types.String { lenght = 5 } end)
      refused(nil, "types.Uuid has no option 'nulable'", "did you mean 'nullable'?", function()
        local _ = types.Uuid { nulable = false } end)
      refused(nil, "types.String takes a table of named options, got 255", "types.String { length = 255 }", function()
        local _ = types.String(255) end)
      refused(nil, "types.String takes a table of named options, got 255", "types.String { length = 255 }", function()
        local _ = types.String { 255 } end)
      refused(nil, "types cannot be changed", nil, function() types.String = nil end)
    end)

    it("refuse wrong values at the column's line", function()
      local Asset = model("Asset")
      local function declare(options) Asset.symbol = types.String(options) end
      local at = line() - 1
      refused(at, "column 'symbol': length must be a whole number", nil, declare, { length = "x" })
      refused(at, "column 'symbol': length must be a whole number", nil, declare, { length = -1 })
      refused(at, "column 'symbol'", nil, declare, { nullable = "no" })
      refused(at, "server_default is 5", "schema.text", declare, { server_default = 5 })
      refused(at, "label must be a string, got 5", nil, declare, { label = 5 })
      refused(at, "label is given twice", nil, declare, { label = "a", info = { label = "b" } })
      -- nothing of that was kept
      assert.are.same({}, registry.columns(Asset))
    end)

    it("say what was forgotten", function()
      local Asset, Other = model("Asset"), model("Other")
      Other.uid = types.Uuid {}
      refused(nil, "column 'a': a type is called with its options", "write types.Uuid {}", function() Asset.a = types.Uuid end)
      refused(nil, "column 'a': a type is expected, got 'Uuid'", "types.String", function() Asset.a = "Uuid" end)
      refused(nil, "column 'a': a type is expected, got nil", nil, function() Asset.a = nil end)
      refused(nil, "column 'a': Other.uid is another model's column", nil, function() Asset.a = Other.uid end)
      refused(nil, "a column's name is a string, got 1", nil, function() Asset[1] = types.Uuid {} end)
      refused(nil, "a column's name is a string, got ''", nil, function() Asset[""] = types.Uuid {} end)
    end)

    it("nest", function()
      local Asset = model("Asset")
      Asset.tags = types.ARRAY { item = types.String { length = 8 }, dimensions = 2 }
      refused(nil, "column 'list': type ARRAY needs an item type", nil, function() Asset.list = types.ARRAY {} end)
      Asset.payload = types.JSON { variant = { postgresql = types.JSONB {} } }
      local columns = schema.describe(Asset).columns
      assert.are.same({ name = "String", args = { length = 8 } }, columns[1].type.args.item)
      assert.are.same({ postgresql = { name = "JSONB" } }, columns[2].type.variant)
      refused(nil, "item: only the type counts there, not nullable", nil, function()
        local _ = types.ARRAY { item = types.String { nullable = true } } end)
      refused(nil, "variant has no option 'postgres'", "postgresql", function()
        local _ = types.JSON { variant = { postgres = types.JSONB {} } } end)
    end)

    it("blame the line of the constructor, also in a statement of several lines", function()
      local Asset = model("Asset")
      local at = line() + 2
      local ok, err = pcall(function()
        Asset.symbol = types.String {
          length = 5,
          nullabel = true,
        }
      end)
      assert.is_false(ok)
      assert.are.equal(at, err.line)
    end)
  end)

  describe("columns", function()
    it("refuse a second one of the same name and name both lines", function()
      local Asset = model("Asset")
      Asset.uid = types.Uuid {}
      local first = line() - 1
      local err = refused(nil, "model 'Asset' has column 'uid' twice", nil, function() Asset.uid = types.Uuid {} end)
      assert.is_truthy(err.message:find(("%s:%d"):format(HERE, first), 1, true))
      err = refused(nil, "two columns are named 'uid' in the database", nil, function()
        Asset.id = types.Uuid { name = "uid" } end)
      assert.is_truthy(err.message:find(("%s:%d"):format(HERE, first), 1, true))
    end)

    it("hint at the near miss when they are missing", function()
      local Asset = model("Asset")
      Asset.symbol = types.String {}
      refused(nil, "model 'Asset' has no column 'symbl'", "did you mean 'symbol'?", function() return Asset.symbl end)
      refused(nil, "has no column 'volume'", nil, function() return schema.Index(Asset.volume) end)
    end)

    it("keep defaults of the client apart from those of the database", function()
      local Asset = model("Asset")
      Asset.a = types.Integer { default = 5 }
      Asset.b = types.Uuid { default = core.uuid, onupdate = core.uuid }
      Asset.c = types.JSON { default = { x = 1 } }
      Asset.c2 = types.JSON { default = core.object("x", 1) }
      Asset.d = types.DateTime { timezone = true, server_default = schema.func.now() }
      Asset.e = types.Boolean { server_default = false }
      Asset.f = types.String { server_default = "open" }
      Asset.g = types.String { server_default = core.null }
      Asset.h = types.Integer { server_default = schema.text("1 + 1") }
      local columns = schema.describe(Asset).columns
      assert.are.same({ value = 5 }, columns[1].default)
      assert.are.same({ callable = true }, columns[2].default)
      assert.are.same({ callable = true }, columns[2].onupdate)
      assert.are.same({ value = { x = 1 } }, columns[3].default)
      assert.are.same({ value = { x = 1 } }, columns[4].default)
      assert.are.equal("now", columns[5].server_default.func)
      assert.are.same({ bool = false }, columns[6].server_default)
      assert.are.same({ literal = "open" }, columns[7].server_default)
      assert.are.same({ null = true }, columns[8].server_default)
      assert.are.same({ text = "1 + 1" }, columns[9].server_default)
      assert.are.equal(5, Asset.a.default)
      assert.are.equal(core.uuid, Asset.b.onupdate)
    end)

    it("carry label, description and logical name", function()
      local Asset = model("Asset")
      Asset.a = types.Integer { label = "L", description = "D", logical_name = "N", info = { more = true } }
      assert.are.same({ label = "L", description = "D", logical_name = "N", more = true }, schema.describe(Asset).columns[1].info)
    end)

    it("may be computed, counted, checked", function()
      local Asset = model("Asset")
      Asset.id = types.BigInteger { primary_key = true, identity = { start = 10 } }
      Asset.n = types.Integer { identity = true }
      Asset.double = types.Integer { computed = "id * 2" }
      Asset.stored = types.Integer { computed = { sqltext = "id * 3", persisted = true } }
      Asset.low = types.Integer { checks = { "low > 0", { sqltext = "low < 9", name = "upper" } } }
      refused(nil, "computed has no option 'persistent'", "persisted", function()
        Asset.x = types.Integer { computed = { sqltext = "1", persistent = true } } end)
      local described = schema.describe(Asset)
      assert.are.equal(10, described.columns[1].identity.start)
      assert.is_truthy(described.columns[2].identity)
      assert.are.same({ sqltext = "id * 2" }, described.columns[3].computed)
      assert.are.same({ sqltext = "id * 3", persisted = true }, described.columns[4].computed)
      assert.are.equal(2, #described.check_constraints)
      assert.are.equal("ck__app__asset__upper", described.check_constraints[2].name)
    end)
  end)

  describe("references", function()
    local Account
    before_each(function()
      Account = model("Account")
      Account.uid = types.Uuid { primary_key = true }
    end)

    it("are a column, text, or either with actions", function()
      local Asset = model("Asset")
      Asset.a = types.Uuid { references = Account.uid }
      Asset.b = types.Uuid { references = { Account.uid, ondelete = "RESTRICT", onupdate = "CASCADE", deferrable = true } }
      Asset.c = types.Uuid { references = "app__account.uid" }
      Asset.d = types.Uuid { references = { "other.elsewhere.uid", name = "fk_d" } }
      local keys = schema.describe(Asset).foreign_keys
      assert.are.equal("app__account", keys[1].referred_table)
      assert.are.equal("fk__app__asset__a__app__account__uid", keys[1].name)
      assert.are.equal("RESTRICT", keys[2].ondelete)
      assert.is_true(keys[2].deferrable)
      assert.are.equal("app__account", keys[3].referred_table)
      assert.are.equal("other", keys[4].referred_schema)
      assert.are.equal("elsewhere", keys[4].referred_table)
      assert.are.equal("fk_d", keys[4].name)
    end)

    it("may lead to the table itself", function()
      local Node = model("Node")
      Node.uid = types.Uuid { primary_key = true }
      Node.parent = types.Uuid { references = { Node.uid, ondelete = "SET NULL" } }
      assert.are.equal("app__node", schema.describe(Node).foreign_keys[1].referred_table)
    end)

    it("to a missing column are refused at their line", function()
      local Asset = model("Asset")
      refused(nil, "model 'Account' has no column 'uidd'", "did you mean 'uid'?", function()
        Asset.a = types.Uuid { references = Account.uidd } end)
      Asset.b = types.Uuid { references = "app__account.uuid" }
      refused(line() - 1, "refers to column 'app__account.uuid', which does not exist", "uid", schema.describe, Asset)
    end)

    it("refuse other things", function()
      local Asset = model("Asset")
      refused(nil, "references leads to a column, got 'uid'", "table.column", function()
        Asset.a = types.Uuid { references = "uid" } end)
      refused(nil, "references leads to a column, got the model 'Account'", "Account.uid", function()
        Asset.a = types.Uuid { references = Account } end)
      refused(nil, "references has no option 'on_delete'", "ondelete", function()
        Asset.a = types.Uuid { references = { Account.uid, on_delete = "CASCADE" } } end)
    end)
  end)

  describe("constraints", function()
    local Asset
    before_each(function()
      Asset = model("Asset")
      Asset.uid = types.Uuid { primary_key = true }
      Asset.symbol = types.String { length = 8 }
      Asset.venue = types.String { length = 8 }
    end)

    it("are added in their order", function()
      schema.constrain(Asset,
        schema.Index(Asset.symbol),
        schema.Index(Asset.symbol, Asset.venue, { unique = true, name = "my_index" }),
        schema.Index { schema.func.lower(Asset.symbol), Asset.venue },
        schema.Index { schema.text("(symbol || venue)"), postgresql_using = "gin", sqlite_where = schema.text("venue = 'x'") },
        schema.UniqueConstraint(Asset.symbol, Asset.venue),
        schema.CheckConstraint("symbol <> ''", { name = "symbol_there" }),
        schema.ForeignKeyConstraint({ Asset.symbol, Asset.venue }, { "a.x", "a.y" }, { ondelete = "CASCADE" }))
      local described = schema.describe(Asset)
      assert.are.equal("ix__app__asset__symbol", described.indexes[1].name)
      assert.are.equal("my_index", described.indexes[2].name)
      assert.is_true(described.indexes[2].unique)
      assert.are.equal("lower", described.indexes[3].expressions[1].func)
      assert.are.equal("gin", described.indexes[4].postgresql.using)
      assert.are.equal("venue = 'x'", described.indexes[4].sqlite.where)
      assert.are.same({ "symbol", "venue" }, described.unique_constraints[1].columns)
      assert.are.equal("ck__app__asset__symbol_there", described.check_constraints[1].name)
      assert.are.same({ "x", "y" }, described.foreign_keys[1].referred_columns)
      assert.are.equal("a", described.foreign_keys[1].referred_table)
    end)

    it("take ordered columns", function()
      schema.constrain(Asset, schema.Index(Asset.symbol:desc():nulls_last(), Asset.venue))
      assert.are.same({ { column = "symbol", order = "desc", nulls = "last" }, "venue" },
        schema.describe(Asset).indexes[1].expressions)
      local Other = model("Other")
      Other.n = types.Integer {}
      refused(nil, "only a column can be ordered in an index", "schema.text", function()
        local _ = schema.Index((Other.n + 1):desc()) end)
      refused(nil, "an index is on columns and expressions, got a table", nil, function()
        local _ = schema.Index(Other.n:eq(1)) end)
      refused(nil, "Index: where is SQL text, got a table", "write the condition as SQL", function()
        local _ = schema.Index(Other.n, { postgresql_where = Other.n:eq(1) }) end)
    end)

    it("may be the primary key", function()
      local Pair = model("Pair")
      Pair.a = types.Integer {}
      Pair.b = types.Integer {}
      schema.constrain(Pair, schema.PrimaryKeyConstraint(Pair.b, Pair.a, { name = "pair_key" }))
      local key = schema.describe(Pair).primary_key
      assert.are.equal("pair_key", key.name)
      assert.are.same({ "b", "a" }, key.columns)
    end)

    it("are refused at their own line", function()
      local Other = model("Other")
      Other.uid = types.Uuid {}
      refused(nil, "Index of model 'Asset' names Other.uid, another model's column", nil, function()
        schema.constrain(Asset, schema.Index(Other.uid)) end)
      refused(nil, "Index has no option 'uniqe'", "did you mean 'unique'?", function()
        schema.constrain(Asset, schema.Index(Asset.symbol, { uniqe = true })) end)
      refused(nil, "Index needs at least one column", nil, function() local _ = schema.Index() end)
      refused(nil, "Index: argument 1 is nil", nil, function() local _ = schema.Index(nil, Asset.uid) end)
      refused(nil, "column 'symbl', which the table does not have", "symbol", function()
        schema.constrain(Asset, schema.Index("symbl")) end)
      refused(nil, "UniqueConstraint needs at least one column", nil, function() local _ = schema.UniqueConstraint {} end)
      refused(nil, "CheckConstraint is SQL text, got 5", nil, function() local _ = schema.CheckConstraint(5) end)
      refused(nil, "CheckConstraint takes one condition, got 0", nil, function() local _ = schema.CheckConstraint() end)
      refused(nil, "the targets stand in two tables", nil, function()
        local _ = schema.ForeignKeyConstraint({ Asset.symbol, Asset.venue }, { "a.x", "b.y" }) end)
      refused(nil, "has 2 columns but refers to 1", nil, function()
        schema.constrain(Asset, schema.ForeignKeyConstraint({ Asset.symbol, Asset.venue }, "a.x")) end)
      refused(nil, "argument 2 is a table, not an index or a constraint", "schema.Index", function()
        schema.constrain(Asset, { Asset.symbol }) end)
      refused(nil, "constrain takes a model first", nil, function() schema.constrain(schema.Index(Asset.uid)) end)
      refused(nil, "needs an index or a constraint", nil, function() schema.constrain(Asset) end)
      -- nothing of that was kept
      assert.is_nil(schema.describe(Asset).indexes)
    end)
  end)

  describe("time-indexed models", function()
    local function time_model(options)
      local all = { metadata = metadata, tablename = "app__prices", namespace = "app", time_index_name = "at",
        index_names = { "at", "asset" }, cadence = "1d" }
      for key, value in pairs(options) do all[key] = value ~= core.null and value or nil end
      local declared = meta_tables.PlatformTimeIndexMetaTable("Prices", all)
      return declared, line() - 1
    end
    local function columns(Prices)
      Prices.at = types.DateTime { timezone = true, nullable = false }
      Prices.asset = types.String { length = 8, nullable = false }
    end

    it("gain the unique index of their grain", function()
      local Prices = time_model({})
      columns(Prices)
      local indexes = schema.describe(Prices).indexes
      assert.are.same({ "at", "asset" }, indexes[1].columns)
      assert.is_true(indexes[1].unique)
      assert.are.equal("uix__app__prices__at__asset", indexes[1].name)
    end)

    it("take the grain from identity dimensions and columns", function()
      local Prices = time_model({ index_names = core.null, identity_dimensions = { "asset" } })
      columns(Prices)
      assert.are.same({ "at", "asset" }, schema.describe(Prices).meta.index_names)
    end)

    it("refuse a wrong grain", function()
      local cases = {
        { { index_names = { "asset", "at" } }, "index_names must start with the time_index_name. Expected 'at', got 'asset'" },
        { { index_names = { "at", "asset", "asset" } }, "index_names must be unique. Duplicate: 'asset'" },
        { { index_names = { "at", "venue" } }, "index_names must all exist as table columns. Missing columns: ['venue']" },
        { { index_names = core.array({}) }, "index_names must not be empty" },
        { { time_index_name = core.null, index_names = core.null }, "Missing columns: ['time_index']" },
      }
      for _, case in ipairs(cases) do
        metadata = schema.MetaData {}
        local Prices, at = time_model(case[1])
        columns(Prices)
        refused(at, case[2], nil, schema.describe, Prices)
      end
    end)

    it("refuse a time index that is nullable, naive or no time", function()
      local cases = {
        { types.DateTime { timezone = true }, "index columns must be non-nullable. Nullable index columns: ['at']" },
        { types.DateTime { nullable = false }, "Timezone-naive DateTime columns are not supported" },
        { types.String { nullable = false }, "must reference a temporal column. Column 'at' has type 'string'" },
      }
      for _, case in ipairs(cases) do
        metadata = schema.MetaData {}
        local Prices, at = time_model({})
        Prices.at = case[1]
        Prices.asset = types.String { nullable = false }
        refused(at, case[2], nil, schema.describe, Prices)
      end
    end)
  end)

  describe("declarations", function()
    it("need metadata and a table's name", function()
      refused(nil, "PlatformManagedMetaTable 'A' needs metadata, got nil", "schema.MetaData", function()
        local _ = meta_tables.PlatformManagedMetaTable("A", { tablename = "a__b" }) end)
      refused(nil, "PlatformManagedMetaTable 'A' needs tablename", "schema_table_name", function()
        local _ = meta_tables.PlatformManagedMetaTable("A", { metadata = metadata }) end)
      refused(nil, "a model's name is a string, got 5", nil, function()
        local _ = meta_tables.PlatformManagedMetaTable(5, { metadata = metadata, tablename = "a__b" }) end)
      refused(nil, "PlatformManagedMetaTable takes a table of options, got nil", nil, function()
        local _ = meta_tables.PlatformManagedMetaTable("A") end)
      refused(nil, "PlatformManagedMetaTable has no option 'cadence'", "it takes", function()
        local _ = meta_tables.PlatformManagedMetaTable("A", { metadata = metadata, tablename = "a", cadence = "1d" }) end)
      refused(nil, "has no option 'identifer'", "did you mean 'identifier'?", function()
        local _ = meta_tables.PlatformManagedMetaTable("A", { metadata = metadata, tablename = "a", identifer = "x" }) end)
    end)

    it("refuse a table without columns", function()
      local at = line() + 1
      local Empty = meta_tables.PlatformManagedMetaTable("Empty", { metadata = metadata, tablename = "a__b" })
      refused(at, "model 'Empty' (table 'a__b') has no columns", "Empty.uid", schema.describe, Empty)
    end)

    it("of plain tables are named after the table", function()
      local asset = schema.Table("asset", { metadata = metadata })
      asset.uid = types.Uuid { primary_key = true }
      local described = schema.describe(asset)
      assert.are.equal("asset", described.name)
      assert.is_nil(described.kind)
    end)

    it("fall back to the table's info", function()
      local asset = schema.Table("asset", { metadata = metadata, info = { namespace = "from-info", labels = { "x" } } })
      asset.uid = types.Uuid {}
      local described = schema.describe(asset)
      assert.are.equal("from-info", described.meta.namespace)
      assert.are.same({ "x" }, described.meta.labels)
    end)

    it("survive a tail call, without a line", function()
      local function declare()
        return meta_tables.PlatformManagedMetaTable("Tail", { metadata = metadata, tablename = "" })
      end
      local ok, err = pcall(declare)
      assert.is_false(ok)
      assert.is_nil(err.line)
      assert.is_truthy(err.message:find("needs tablename", 1, true))
    end)
  end)
end)
