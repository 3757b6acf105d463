-- mainsequence manager upgrade

local commands = require("spec.support.command")
local temporary = require("spec.support.temporary")

describe("mainsequence manager upgrade", function()
  local command

  before_each(function() command = commands.new() end)
  after_each(function() command:remove() end)

  it("makes a catalog, and finds it made", function()
    local status, out = command:run("manager upgrade --catalog sqlite:served.sqlite")
    assert.are.equal(0, status)
    assert.is_truthy(out:find("^made the catalog .*/served.sqlite, version %d+\n$"))
    local report = command:json("manager upgrade --catalog sqlite:served.sqlite")
    assert.are.equal(report.version, report.version_before)
    assert.are.equal(0, (command:run("meta-table list", { MAINSEQUENCE_CATALOG = "sqlite:served.sqlite" })))
  end)

  it("takes the catalog from the environment", function()
    local report = command:json("manager upgrade", { MAINSEQUENCE_CATALOG = "sqlite:there.sqlite" })
    assert.is_truthy(report.catalog:find("/there.sqlite", 1, true))
    assert.is_truthy(command:json("manager upgrade").catalog:find("/home/catalog.sqlite", 1, true))
  end)

  it("says how to upgrade an older one that a server uses", function()
    local core = require("mainsequence.core")
    local connection = assert(core.connect("sqlite:///" .. command.folder .. "/old.sqlite"))
    assert(connection:script(temporary.read("spec/golden/catalog/version_1.sql")))
    connection:close()
    local old = { MAINSEQUENCE_CATALOG = "sqlite:old.sqlite" }
    command:fails(1, "meta-table list", old, "it has version 1", "mainsequence manager upgrade")
    local report = command:json("manager upgrade", old)
    assert.are.equal(1, report.version_before)
    assert.is_truthy(report.copy:find("/old.sqlite.version-1", 1, true))
    local rows = command:json("meta-table list", old)
    assert.are.equal(2, #rows)
  end)

  it("takes no password from the command line", function()
    local err = command:fails(2, "manager upgrade --catalog postgresql://me:secret@host/catalog", nil, "~/.pgpass")
    assert.is_nil(err:find("secret", 1, true))
    command:fails(2, "manager upgrade --catalog 'postgresql://me@host/catalog?password=secret'", nil, "~/.pgpass")
  end)

  it("needs to know what to do", function()
    command:fails(2, "manager", nil, "a command is required")
  end)
end)
