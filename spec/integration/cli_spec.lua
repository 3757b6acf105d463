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
      for _, command in ipairs({ "contract", "migrations", "migrations upgrade", "meta-table list", "drift", "fingerprint" }) do
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
      fails(2, "migrations upgrade --ttl-seconds 0", "'0' is not a whole number of 1 or more")
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
end)
