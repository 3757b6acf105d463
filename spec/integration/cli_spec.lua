-- The command as a user runs it: exit codes, what is on standard output and what on standard error.

local core = require("mainsequence.core")

local ROOT = io.popen("pwd"):read("l")
local COMMAND = ("lua5.4 '%s/rocks/bin/mainsequence'"):format(ROOT)

local MODELS = [[
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local types = schema.types
local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
local Account = meta_tables.PlatformManagedMetaTable("Account", {
  metadata = metadata, tablename = "sdk_examples__account", namespace = "sdk-examples", identifier = "sdk_examples.Account",
})
Account.uid = types.Uuid { primary_key = true }
Account.name = types.String { length = 255, nullable = false }
local Asset = meta_tables.PlatformManagedMetaTable("Asset", {
  metadata = metadata, tablename = "sdk_examples__asset", namespace = "sdk-examples", identifier = "sdk_examples.Asset",
})
Asset.uid = types.Uuid { primary_key = true }
Asset.account_uid = types.Uuid { references = { Account.uid, ondelete = "RESTRICT" }, nullable = false }
print("a model script that prints")
io.write("and writes\n")
return { Asset = Asset, Account = Account, metadata = metadata }
]]

describe("mainsequence", function()
  local folder

  local function write(name, text)
    assert(os.execute(("mkdir -p '%s'"):format((folder .. "/" .. name):match("^(.*)/"))))
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end

  local function read(name)
    local file = assert(io.open(folder .. "/" .. name, "r"))
    local text = file:read("a")
    file:close()
    return text
  end

  ---Runs the command in the folder.
  ---@return integer status, string out, string err
  local function run(arguments, environment)
    local settings = ("-u MAINSEQUENCE_ENDPOINT MAINSEQUENCE_HOME='%s/home' %s"):format(folder, environment or "")
    local _, _, status = os.execute(("cd '%s' && env %s %s %s >out 2>err </dev/null"):format(folder, settings, COMMAND,
      arguments))
    return status, read("out"), read("err")
  end

  ---Runs it and wants it to fail: `status`, nothing on standard output, all of the texts on standard error.
  local function fails(status, arguments, ...)
    local got, out, err = run(arguments)
    assert.are.equal(status, got, err)
    assert.are.equal("", out)
    for _, text in ipairs({ ... }) do
      assert.is_truthy(err:find(text, 1, true), ("%q is not in %q"):format(text, err))
    end
    assert.is_nil(err:find("stack traceback", 1, true))
    return err
  end

  local function json(text)
    local value, err = core.json_decode(text)
    assert.is_nil(err, tostring(err) .. "\n" .. text)
    return value
  end

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir '%s'"):format(folder)))
    write("models.lua", MODELS)
  end)
  teardown(function()
    os.execute(("rm -rf '%s'"):format(folder))
  end)

  describe("itself", function()
    it("shows its version", function()
      local status, out, err = run("--version")
      assert.are.equal(0, status)
      assert.are.equal(("mainsequence %s\n"):format(core._VERSION), out)
      assert.are.equal("", err)
      status, out = run("--version --verbose")
      assert.are.equal(0, status)
      assert.is_truthy(out:find("core.so", 1, true))
      assert.is_truthy(out:find(("HTTP server: %s"):format(core.parts.server and "yes" or "no"), 1, true))
      assert.are.equal(status, (run("--verbose --version")))
    end)

    it("helps on standard output when asked, on standard error when not", function()
      local status, out, err = run("--help")
      assert.are.equal(0, status)
      for _, word in ipairs({ "migrations", "meta-table", "contract", "fingerprint", "drift" }) do
        assert.is_truthy(out:find(word, 1, true))
      end
      assert.are.equal("", err)
      fails(2, "", "Usage: mainsequence")
      for _, command in ipairs({ "contract", "migrations", "migrations upgrade", "meta-table list", "data-source list", "drift",
        "fingerprint" }) do
        status, out = run(command .. " --help")
        assert.are.equal(0, status)
        assert.is_truthy(out:find("Usage: mainsequence " .. command, 1, true))
      end
    end)

    it("refuses what it does not know", function()
      fails(2, "contrct models.lua", "unknown command 'contrct'", "did you mean 'contract'?")
      fails(2, "contract models.lua --jsn", "unknown option '--jsn'", "did you mean")
      fails(2, "contract", "missing argument 'file'", "Usage: mainsequence contract")
      fails(2, "migrations upgrad", "unknown command 'upgrad'", "upgrade")
      fails(2, "migrations upgrade --ttl-seconds 0", "'0' is no whole number of at least 1")
      fails(2, "migrations upgrade --timeout soon", "'soon' is not a number of seconds")
      fails(2, "migrations downgrade", "missing argument 'revision'")
    end)
  end)

  describe("contract", function()
    it("of a model file is pure JSON, in declaration order", function()
      local status, out, err = run("contract models.lua --json")
      assert.are.equal(0, status, err)
      local contracts = json(out)
      assert.are.same({ "Account", "Asset" }, core.keys(contracts))
      assert.are.equal("relational-table.v1", contracts.Account.version)
      assert.are.equal("models", contracts.Account.authoring.table_model.module)
      assert.is_truthy(err:find("a model script that prints\nand writes", 1, true))
    end)

    it("of one model is what a contract file holds", function()
      local status, out = run("contract models.lua --json --model sdk_examples__asset")
      assert.are.equal(0, status)
      write("asset.json", out)
      local again
      status, again = run("contract asset.json --json")
      assert.are.equal(0, status)
      assert.are.equal(out, again)
    end)

    it("has indexes and foreign keys when they are asked for", function()
      local status, out = run("contract models.lua --json --model Asset --include indexes --include foreign_keys")
      assert.are.equal(0, status)
      assert.are.equal("sdk_examples__account", json(out).foreign_keys[1].target_table)
      fails(2, "contract asset.json --include indexes", "--include is for files of models")
      fails(2, "contract models.lua --include views", "must be one of 'indexes', 'foreign_keys'")
    end)

    it("is shown for people, too", function()
      local status, out = run("contract models.lua")
      assert.are.equal(0, status)
      assert.is_truthy(out:find("Account: table sdk_examples__account, identifier sdk_examples.Account", 1, true))
      assert.is_truthy(out:find("\n  uid +uuid +UUID +not null +primary key\n"))
      assert.is_truthy(out:find("fingerprint mt_sdk_examples_4f1afdff8a1a2e0990e698f725088ba7", 1, true))
    end)

    it("fills in what a contract file leaves out", function()
      write("small.json", [[{"physical": {"table_name": "t"}, "columns": [{"name": "a", "data_type": "int8"}]}]])
      local status, out = run("contract small.json")
      assert.are.equal(0, status)
      local contract = json(out)
      assert.are.equal("relational-table.v1", contract.version)
      assert.are.equal("int64", contract.columns[1].data_type)
      assert.is_true(contract.columns[1].nullable)
    end)

    it("refuses broken and wrong documents by place and path", function()
      write("broken.json", "{\"version\": \n")
      fails(1, "contract broken.json", "mainsequence: broken.json: not valid JSON at line 2")
      write("twice.json", [[{"a": 1, "a": 2}]])
      fails(1, "contract twice.json", "twice.json: ")
      write("wrong.json", [[{"physical": {"table_name": "t"}, "columns": [{"name": "a", "data_type": 5}]}]])
      fails(1, "contract wrong.json", "wrong.json: columns[0].data_type: must be a string, not integer")
      write("unknown.json", [[{"physical": {"table_name": "t"}, "columns": [], "colour": "red"}]])
      fails(1, "contract unknown.json", "unknown.json: ", "colour")
      fails(2, "contract asset.json --model Asset", "--model is for files of models")
      fails(2, "contract missing.json", "cannot read 'missing.json': No such file or directory")
      fails(2, "contract .", "cannot read '.'")
    end)

    it("blames the script's line", function()
      write("bad.lua", MODELS:gsub("length = 255", "lenght = 255"))
      fails(1, "contract bad.lua", "mainsequence: bad.lua:9: types.String has no option 'lenght'", "hint: did you mean 'length'?")
      write("broken.lua", "local x = \n")
      fails(1, "contract broken.lua", "mainsequence: broken.lua:2:")
      write("nil.lua", "local x\nreturn x.y\n")
      fails(1, "contract nil.lua", "mainsequence: nil.lua:2: attempt to index a nil value")
      write("five.lua", "return 5\n")
      fails(2, "contract five.lua", "'five.lua' returns a number, not models", "return { metadata")
      write("requires.lua", "return require('no.such.module')\n")
      local err = fails(1, "contract requires.lua", "module 'no.such.module' not found", "LUA_PATH")
      assert.is_nil(err:find("no file", 1, true))
      fails(2, "contract models.lua --model Acount", "has no model 'Acount'", "did you mean 'Account'?")
      fails(2, "contract none.lua", "cannot read 'none.lua'")
    end)

    it("shows where in the code only when asked", function()
      local status, _, err = run("contract nil.lua --traceback")
      assert.are.equal(1, status)
      assert.is_truthy(err:find("stack traceback", 1, true))
      _, _, err = run("contract nil.lua", "MSEQ_DEBUG=1")
      assert.is_truthy(err:find("stack traceback", 1, true))
    end)

    it("fails when its result cannot be written", function()
      local _, _, status = os.execute(("cd '%s' && %s contract models.lua >/dev/full 2>err"):format(folder, COMMAND))
      assert.are.equal(1, status)
      assert.is_truthy(read("err"):find("cannot write the result", 1, true))
    end)
  end)

  describe("fingerprint", function()
    it("is one line a model, or JSON", function()
      local status, out = run("fingerprint models.lua")
      assert.are.equal(0, status)
      local lines = {}
      for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
      assert.are.equal(2, #lines)
      assert.are.equal("mt_sdk_examples_4f1afdff8a1a2e0990e698f725088ba7  Account", lines[1])
      status, out = run("fingerprint models.lua --json")
      assert.are.equal(0, status)
      assert.are.equal("mt_sdk_examples_4f1afdff8a1a2e0990e698f725088ba7", json(out).Account)
    end)

    it("takes the options of the library", function()
      local _, out = run("fingerprint models.lua --model Account --no-table-name")
      assert.are.equal("mt_sdk_examples_b55aac9f8fd8aea72f92df0f76ddf773  Account\n", out)
      _, out = run("fingerprint models.lua --model Account --schema markets --json --canonical")
      local account = json(out).Account
      assert.are.equal("mt_sdk_examples_990ad87d8bf304b695f137ccf2486991", account.fingerprint)
      assert.is_truthy(account.canonical_text:find('"schema": "markets"', 1, true))
    end)

    it("needs a namespace", function()
      write("nameless.lua", MODELS:gsub('namespace = "sdk%-examples", ', ""))
      fails(1, "fingerprint nameless.lua", "nameless.lua:5: MetaTable contracts require namespace")
      local status = run("fingerprint nameless.lua --namespace given")
      assert.are.equal(0, status)
    end)
  end)

  -- ---- With a TS Manager -------------------------------------------------------------------------

  describe("with the embedded TS Manager", function()
    local application = 0

    local SHOP = [[
local meta_tables = require("mainsequence.meta_tables")
local schema = require("mainsequence.schema")
local types = schema.types
local metadata = schema.MetaData { naming_convention = meta_tables.naming_convention() }
local Product = meta_tables.PlatformManagedMetaTable("Product", { metadata = metadata, tablename = "shop__product",
  namespace = "shop", identifier = "shop.Product", description = "What is sold." })
Product.uid = types.Uuid { primary_key = true }
Product.name = types.String { length = 255, nullable = false }
local Prices = meta_tables.PlatformTimeIndexMetaTable("Prices", { metadata = metadata, tablename = "shop__prices",
  namespace = "shop", identifier = "shop.Prices", index_names = { "time_index", "product_uid" }, cadence = "1d" })
Prices.time_index = types.DateTime { timezone = true, nullable = false }
Prices.product_uid = types.Uuid { references = Product.uid, nullable = false }
Prices.price = types.Float {}
return { metadata = metadata, Product = Product, Prices = Prices }
]]
    local PROVIDER = "--provider shop.migrations:migration"

    local function good(arguments)
      local status, out, err = run(arguments)
      assert.are.equal(0, status, err)
      -- The credential never shows.
      assert.is_nil(err:find("sqlite://", 1, true))
      return out, err
    end

    local outer
    before_each(function()
      outer, application = folder, application + 1
      folder = ("%s/application%d"):format(folder, application)
      write("shop/models.lua", SHOP)
    end)
    after_each(function() folder = outer end)

    local function migrated()
      good("migrations scaffold shop.migrations --package shop --migration-namespace shop")
      good("migrations revision -m products " .. PROVIDER)
      good("migrations upgrade head " .. PROVIDER)
    end

    it("says where it talks to, and lists nothing in a new catalog", function()
      local out, err = good("meta-table list")
      assert.are.equal("", out)
      assert.is_truthy(err:find(("mainsequence: talking to local:%s/home\n"):format(folder), 1, true))
      out = good("meta-table list --json")
      assert.are.equal("[]\n", out)
      out, err = good(("meta-table list --json --endpoint 'local:%s/elsewhere'"):format(folder))
      assert.are.equal("[]\n", out)
      assert.is_truthy(err:find("/elsewhere\n", 1, true))
    end)

    it("does the main job", function()
      local out = good("migrations scaffold shop.migrations --package shop --migration-namespace shop --json")
      assert.are.equal("created", json(out).files[1].action)
      out = good("migrations revision -m products --json " .. PROVIDER)
      assert.are.equal("0001", json(out).revision)
      local err
      out, err = good("migrations upgrade --json " .. PROVIDER)
      assert.is_true(json(out).ok)
      assert.are.equal(3, json(out).active_count)
      assert.is_truthy(err:find("[mainsequence migrations] ", 1, true))
      out = good("meta-table list")
      assert.is_truthy(out:find("shop__prices +active +0001\n"))
      out = good("migrations current " .. PROVIDER)
      assert.are.equal("<base> -> 0001 (head), products\n", out)
      assert.are.equal(out, (good("migrations heads " .. PROVIDER)))
      assert.are.equal(out, (good("migrations history " .. PROVIDER)))
      assert.is_truthy(good("migrations history -v " .. PROVIDER):find("0001_products.lua\n", 1, true))
      out = good("drift " .. PROVIDER)
      assert.is_truthy(out:find("Product  shop__product: clean\n", 1, true))
      assert.is_true(json((good("drift --json " .. PROVIDER))).clean)
      assert.is_truthy(good("migrations check " .. PROVIDER):find("No new operations", 1, true))
      good("migrations upgrade " .. PROVIDER)
      out = good("migrations downgrade -1 --json " .. PROVIDER)
      assert.are.equal(2, json(out).reserved_count)
      assert.are.equal("", (good("migrations current " .. PROVIDER)))
    end)

    it("shows a table by uid, identifier and physical name", function()
      migrated()
      local row = json((good("meta-table detail shop__product --json")))
      assert.are.equal("shop__product", row.physical_table_name)
      assert.are.same(row, json((good("meta-table detail --json " .. row.uid))))
      local out = good("meta-table detail shop__prices")
      assert.is_truthy(out:find("\n  time_index +timestamp with time zone +TIMESTAMP WITH TIME ZONE +not null\n"))
      fails(1, "meta-table detail shop__produce", "the catalog has no table 'shop__produce'", "meta-table list")
      fails(1, "meta-table detail 00000000-0000-4000-8000-000000000000", "the catalog has no table")
    end)

    it("filters lists of both kinds", function()
      migrated()
      local names = {}
      local out = good("meta-table list --json --filter namespace=shop --filter management_mode=platform_managed")
      for position, row in ipairs(json(out)) do names[position] = row.physical_table_name end
      table.sort(names)
      assert.are.same({ "shop__prices", "shop__product" }, names)
      assert.are.equal(0, #json((good("meta-table list --json --filter provisioning_status__in=reserved,none"))))
      fails(2, "meta-table list --filter nmespace=shop", "there is no filter 'nmespace'", "did you mean 'namespace'?")
      fails(2, "meta-table list --filter shop", "--filter 'shop' is not key=value")
    end)

    it("sees drift of the models, the database and the catalog", function()
      migrated()
      write("shop/models.lua", (SHOP:gsub("What is sold", "Goods")
        :gsub("\nlocal Prices", "\nProduct.ean = types.String {}%0", 1)))
      local status, out = run("drift " .. PROVIDER)
      assert.are.equal(1, status)
      assert.is_truthy(out:find("database  table 'shop__product': column 'ean' is missing", 1, true))
      assert.is_truthy(out:find("the catalog's description is \"What is sold.\", declared \"Goods.\"", 1, true))
      assert.is_truthy(out:find("\ndrift\n", 1, true))
      status, out = run("migrations check " .. PROVIDER)
      assert.are.equal(1, status)
      assert.is_truthy(out:find("shop__product.ean", 1, true))
      -- A revision and a refresh put both right.
      good("migrations revision -m ean " .. PROVIDER)
      good("migrations upgrade " .. PROVIDER)
      status, out = run("drift --json " .. PROVIDER)
      assert.are.equal(1, status)
      local differences = json(out).tables[1].differences
      assert.are.equal(1, #differences)
      assert.are.equal("description_differs", differences[1].code)
      assert.are.equal("catalog", differences[1].where)
      good("migrations refresh " .. PROVIDER)
      good("drift " .. PROVIDER)
      -- A table that somebody dropped.
      local connection = assert(core.connect(("sqlite:///%s/home/data.sqlite"):format(folder)))
      assert(connection:execute("DROP TABLE shop__prices"))
      connection:close()
      status, out = run("drift " .. PROVIDER)
      assert.are.equal(1, status)
      assert.is_truthy(out:find("database  table 'shop__prices' is missing", 1, true))
    end)

    it("has an exit code for what is out of reach", function()
      migrated()
      fails(3, "drift --endpoint local:/proc/nowhere " .. PROVIDER, "/proc/nowhere")
      fails(3, "drift --endpoint ftp://host " .. PROVIDER, "'ftp://host' is no endpoint")
      write("home/data.sqlite", ("no database "):rep(500))
      fails(3, "drift " .. PROVIDER, "data.sqlite")
      write("home/catalog.sqlite", ("no database "):rep(500))
      fails(3, "drift " .. PROVIDER, "catalog.sqlite")
      fails(1, "meta-table list", "catalog.sqlite")
      fails(1, "migrations upgrade " .. PROVIDER, "catalog.sqlite")
    end)

    it("refuses providers that are missing or something else", function()
      good("migrations scaffold shop.migrations")
      for _, command in ipairs({ "migrations upgrade", "migrations heads", "drift" }) do
        fails(2, command .. " --provider shop.migration:migration", "there is no Lua module 'shop.migration'", "LUA_PATH")
        fails(2, command .. " --provider shop.migrations:migratoin", "has no 'migratoin'", "did you mean 'migration'?")
        fails(2, command .. " --provider shop.models:Product", "not a migration provider")
        fails(2, command .. " --provider shop", "must have the shape module.path:migration")
        fails(2, command, "no migration provider given")
      end
      write("shop/broken.lua", "local x\nreturn x.y\n")
      fails(1, "drift --provider shop.broken:migration", "shop/broken.lua:2: attempt to index a nil value")
      -- None of that has opened a TS Manager.
      assert.is_nil(io.open(folder .. "/home/catalog.sqlite"))
    end)

    it("blames a failing revision's line, and applies nothing of it", function()
      migrated()
      write("shop/migrations/versions/shop/0002_bad.lua", [[
local R = { revision = "0002", down_revision = "0001" }
function R.upgrade(op)
  op:add_column("shop__product", op.Column("x", op.types.String { length = 3 }))
  op:add_colum("shop__product")
end
return R
]])
      fails(1, "migrations upgrade " .. PROVIDER, "0002_bad.lua:4: op has no operation 'add_colum'",
        "did you mean 'add_column'?")
      assert.are.equal("<base> -> 0001, products\n", (good("migrations current " .. PROVIDER)))
      write("shop/migrations/versions/shop/0002_bad.lua", "return 5\n")
      fails(1, "migrations upgrade " .. PROVIDER, "0002_bad.lua: a revision file returns a table")
      write("shop/migrations/versions/shop/0002_bad.lua", 'return { revision = "0002", down_revision = "0009", '
        .. 'upgrade = function() end }\n')
      fails(1, "migrations upgrade " .. PROVIDER, "follows '0009', which no file defines")
    end)

    it("prints SQL and plans instead of running them", function()
      migrated()
      local out = good("migrations upgrade base:head --sql " .. PROVIDER)
      assert.is_truthy(out:find("CREATE TABLE shop__product", 1, true))
      out = good("migrations downgrade base --plan --json " .. PROVIDER)
      assert.are.equal("0001", json(out).steps[1].revision)
      assert.is_truthy(good("migrations downgrade base --plan " .. PROVIDER):find("risk: ", 1, true))
      fails(2, "migrations upgrade --sql --plan " .. PROVIDER, "can not be used together")
      assert.are.equal("<base> -> 0001 (head), products\n", (good("migrations current " .. PROVIDER)))
    end)

    it("never prints a token", function()
      for _, variable in ipairs({ "MAINSEQUENCE_ACCESS_TOKEN", "MAINSEQUENCE_REFRESH_TOKEN" }) do
        local status, out, err = run("meta-table list", variable .. "=secret-word-of-mine")
        assert.are.equal(1, status)
        assert.are.equal("", out)
        assert.is_truthy(err:find(variable .. " is set, but no endpoint", 1, true))
        assert.is_nil(err:find("secret-word-of-mine", 1, true))
      end
    end)
  end)
end)
