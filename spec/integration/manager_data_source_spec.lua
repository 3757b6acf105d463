-- mainsequence manager data-source, on the embedded TS Manager.

local commands = require("spec.support.command")
local core = require("mainsequence.core")
local postgresql = dofile("spec/support/postgresql.lua")
local temporary = dofile("spec/support/temporary.lua")

describe("mainsequence manager data-source", function()
  local command

  setup(function() command = commands.new() end)
  teardown(function() command:remove() end)

  local function run(arguments)
    local status, out, err = command:run("manager data-source " .. arguments)
    assert.are.equal(0, status, err)
    return out
  end

  local function add(name, uri)
    temporary.write(command.folder .. "/" .. name, uri .. "\n")
    assert(os.execute(("chmod 600 '%s/%s'"):format(command.folder, name)))
    return command:json(("manager data-source add --class postgresql --uri-file %s --name %s"):format(name, name)).uid
  end

  it("removes one and says what became of the roles of its users", function()
    local uid = add("shop", postgresql.database())
    assert.are.equal(("removed the data source %s (shop)\nthe roles of its users were dropped\n"):format(uid),
      run("remove shop"))
  end)

  it("removes one that does not answer, and says what stays there", function()
    local uri = postgresql.database()
    add("away", uri)
    local superuser = assert(core.connect(postgresql.uri()))
    assert(superuser:script(("DROP DATABASE %s WITH (FORCE)"):format(uri:match("([^/]+)$"))))
    superuser:close()
    local out = run("remove away")
    assert.has_match("the database did not answer: the roles of its users are still there", out, 1, true)
    assert.has_match("DROP OWNED BY", out, 1, true)
    assert.is_nil(run("list"):find("away", 1, true))
  end)

  it("says nothing of roles where there are none", function()
    local uid = command:json("manager data-source add --class sqlite --path more.sqlite --name more").uid
    assert.are.equal(("removed the data source %s (more)\n"):format(uid), run("remove more"))
  end)

  it("refuses what it cannot use, and says what is wrong", function()
    temporary.write(command.folder .. "/open", "postgresql://u:hush@127.0.0.1:1/x\n")
    assert(os.execute(("chmod 644 '%s/open'"):format(command.folder)))
    command:fails(1, "manager data-source add --class postgresql --uri-file open", nil, "'open'", "chmod 600")
    command:fails(1, "manager data-source add --class postgresql --uri-file none", nil, "none")
    command:fails(2, "manager data-source add --class postgresql", nil, "--uri-file")
    command:fails(2, "manager data-source add --class sqlite", nil, "--path")
    command:fails(1, "manager data-source remove nothing", nil, "there is no data source 'nothing'", "data-source list")
    assert(os.execute(("chmod 600 '%s/open'"):format(command.folder)))
    local err = command:fails(1, "manager data-source add --class postgresql --uri-file open", nil, "127.0.0.1:1")
    assert.is_nil(err:find("hush", 1, true))
  end)
end)
