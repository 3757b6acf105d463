-- mainsequence meta-table and data-source, on the embedded TS Manager.

local client = require("mainsequence.client")
local core = require("mainsequence.core")
local temporary = dofile("spec/support/temporary.lua")

local COMMAND = ("lua5.4 '%s/rocks/bin/mainsequence'"):format(require("lfs").currentdir())

describe("mainsequence", function()
  local folder, account

  setup(function()
    folder = temporary.folder()
    local session = client.connect({ endpoint = "local:" .. folder .. "/home" })
    local source = assert(session.DynamicTableDataSource.session())
    local function register(name, columns, foreign_keys)
      return assert(session.MetaTable.register {
        data_source_uid = source.uid, management_mode = "platform_managed", namespace = "shop", identifier = "shop." .. name,
        description = "Trading " .. name .. "s of the shop.", provisioning = { create_table = true, if_not_exists = true },
        table_contract = { physical = { table_name = "shop__" .. name }, columns = columns, foreign_keys = foreign_keys },
      })
    end
    local uid = { name = "uid", data_type = "uuid", nullable = false, primary_key = true }
    account = register("account", { uid, { name = "code", data_type = "string" } })
    register("asset", { uid, { name = "account_uid", data_type = "uuid" } }, { {
      source_columns = { "account_uid" }, target_table = "shop__account", target_columns = { "uid" }, on_delete = "RESTRICT",
    } })
    session:close()
  end)
  teardown(function()
    temporary.remove(folder)
  end)

  ---@return integer status, string out, string err
  local function run(arguments, input)
    local _, _, status = os.execute(("cd '%s' && printf '%%s' '%s' | env -u MAINSEQUENCE_ENDPOINT MAINSEQUENCE_HOME='%s/home' "
      .. "%s %s >out 2>err"):format(folder, input or "", folder, COMMAND, arguments))
    return status, temporary.read(folder .. "/out"), temporary.read(folder .. "/err")
  end

  local function good(arguments, input)
    local status, out, err = run(arguments, input)
    assert.are.equal(0, status, err)
    return out, err
  end

  local function json(arguments)
    return assert(core.json_decode((good(arguments .. " --json"))))
  end

  local function fails(expected, arguments, text)
    local status, out, err = run(arguments)
    assert.are.equal(expected, status, err)
    assert.are.equal("", out)
    assert.has_match(text, err, 1, true)
  end

  it("shows what a table refers to, and what refers to it", function()
    local out = good("meta-table graph shop.asset")
    assert.has_match("shop__asset  account_uid  shop__account  uid", out, 1, true)
    local _, err = good("meta-table graph shop.account")
    assert.has_match("shop__account has no foreign keys within 1 steps", err, 1, true)
    assert.are.equal(1, #json("meta-table graph shop.account --depth 2 --include-incoming").edges)
    fails(2, "meta-table graph shop.account --depth much", "'much' is no whole number")
    fails(1, "meta-table graph nothing", "the catalog has no table 'nothing'")
  end)

  it("searches descriptions and columns", function()
    assert.has_match("shop__account", (good("meta-table search Trading accounts")), 1, true)
    local found = json("meta-table search account_uid --columns")
    assert.are.equal("shop__asset", found[1].physical_table_name)
    assert.are.equal(core.null, found[1].migration_package)
    assert.are.same({}, json("meta-table search zebra"))
    local _, err = good("meta-table search zebra")
    assert.has_match("No table fits 'zebra'.", err, 1, true)
    fails(2, "meta-table search ' '", "there is no word to search for")
  end)

  it("shows and changes labels", function()
    local out = good("meta-table label shop.account --add Core --add ' core ' --add reference")
    assert.are.equal("Core\nreference\n", out)
    assert.are.same({ "Core" }, json("meta-table label shop.account --remove reference").labels)
    assert.are.equal("Core\n", (good("meta-table label shop__account")))
    fails(2, "meta-table label shop.account --add ' '", "a label has at least one character")
  end)

  it("shows and changes who may view and edit", function()
    local states = json("meta-table share shop.account")
    local user = states.view.users[1]
    assert.are.equal("local", user.username)
    assert.are.equal("edit", states.edit.access_level)
    good(("meta-table share shop.account --level edit --add-user %d"):format(user.id))
    assert.has_match("edit  user  " .. user.id, (good("meta-table share shop.account")), 1, true)
    fails(1, "meta-table share shop.account --add-user 4711", "4711")
    fails(1, "meta-table share shop.account --add-team 4711", "4711")
    fails(2, "meta-table share shop.account --add-user ada", "'ada' is no whole number")
    fails(2, "meta-table share shop.account --level own", "must be one of 'view', 'edit'")
  end)

  it("deletes only what was confirmed", function()
    local status, _, err = run("meta-table delete shop.asset", "no\n")
    assert.are.equal(1, status)
    assert.has_match("Type the physical name (shop__asset) to delete the catalog entry: ", err, 1, true)
    assert.has_match("Nothing was deleted.", err, 1, true)
    local out = good("meta-table delete shop.asset --full-delete-selected", "shop__asset\n")
    assert.has_match("deleted shop__asset", out, 1, true)
    fails(1, "meta-table detail shop.asset", "the catalog has no table 'shop.asset'")
    fails(1, "meta-table delete shop.asset --yes", "the catalog has no table 'shop.asset'")
    fails(2, "meta-table delete", "table")
    assert.are.equal(account.uid, json("meta-table detail shop.account").uid)
  end)

  it("lists and shows data sources", function()
    local sources = json("data-source list")
    assert.are.equal(1, #sources)
    assert.are.equal("sqlite", sources[1].related_resource_class_type)
    assert.has_match(sources[1].uid, (good("data-source list --status AVAILABLE")), 1, true)
    assert.are.same(sources[1], json("data-source detail"))
    assert.has_match("class: sqlite", (good("data-source detail " .. sources[1].uid)), 1, true)
    fails(1, "data-source detail nothing", "nothing")
    fails(1, "data-source list --endpoint http://127.0.0.1:1", "127.0.0.1")
  end)
end)
