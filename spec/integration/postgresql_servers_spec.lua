-- A team's TS Manager: several servers on one PostgreSQL catalog, with a PostgreSQL data source whose role is no
-- superuser. Migrations and queries go through whichever server is asked.

local commands = require("spec.support.command")
local core = require("mainsequence.core")
local postgresql = dofile("spec/support/postgresql.lua")
local projects = dofile("spec/support/migration_project.lua")
local serve = require("spec.support.serve")
local temporary = dofile("spec/support/temporary.lua")

local PROVIDER = " --provider shop.migrations:migration"
local VENUE = "Asset.venue = types.String { length = 16 }"

describe("servers on one PostgreSQL catalog", function()
  local project, command, first, second, data_uri, settings

  local function ask(sql)
    local connection = assert(core.connect(data_uri))
    local rows = assert(connection:execute(sql)).rows
    connection:close()
    return rows
  end

  -- A database that belongs to a role which may make others, and nothing more.
  local function make_data_source()
    local superuser = postgresql.database()
    local connection = assert(core.connect(superuser))
    assert(connection:script("CREATE ROLE shop_keeper LOGIN CREATEROLE PASSWORD 'keeper-secret'"))
    assert(connection:script(("ALTER DATABASE %s OWNER TO shop_keeper"):format(superuser:match("([^/]+)$"))))
    connection:close()
    return (superuser:gsub("//[^@]+@", "//shop_keeper:keeper-secret@"))
  end

  setup(function()
    project = projects.new()
    command = commands.new(project.folder)
    data_uri = make_data_source()
    local administration = { MAINSEQUENCE_CATALOG = postgresql.database(), SHOP_URI = data_uri }
    command:json("manager upgrade", administration)
    command:json("manager data-source add --class postgresql --uri-environment SHOP_URI --name shop --default",
      administration)
    local report = command:json("manager data-source test shop", administration)
    assert(report.ok, core.json_encode(report))
    command:json("manager user add ada --no-password", administration)
    local token = command:json("manager token create spec --user ada", administration)
    first = serve.start(temporary.folder(), nil, administration)
    second = serve.start(temporary.folder(), nil, administration)
    settings = function(server)
      return { MAINSEQUENCE_ENDPOINT = server.url, MAINSEQUENCE_ACCESS_TOKEN = token.access,
        MAIN_SEQUENCE_PROJECT_UID = project.uid }
    end
    local client = assert(core.client { endpoint = first.url, access_token = token.access })
    project.uid = assert(client:list("/orm/api/pods/projects/"))[1].uid
    client:close()
  end)

  teardown(function()
    for _, server in ipairs({ first, second }) do
      server:stop()
      temporary.remove(server.folder)
    end
    project:remove()
  end)

  local function run(server, arguments)
    local status, out, err = command:run(arguments, settings(server))
    assert.are.equal(0, status, err)
    assert.is_nil((out .. err):find("keeper-secret", 1, true))
    return out, err
  end

  it("migrate from models to tables, twice", function()
    run(first, "migrations revision -m 'first tables'" .. PROVIDER)
    run(first, "migrations upgrade head" .. PROVIDER)
    run(second, "migrations upgrade head" .. PROVIDER)
    local rows = ask("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    assert.are.equal(4, #rows)
    for _, row in ipairs(rows) do assert.matches("^mseq_owner_", row.tableowner) end
    local tables = command:json("meta-table list", settings(second))
    assert.are.equal(4, #tables)
    for _, row in ipairs(tables) do assert.are.equal("active", row.provisioning_status, row.physical_table_name) end
  end)

  it("let one of several upgrades at a time do the work", function()
    project:models({ columns = VENUE })
    run(second, "migrations revision -m 'asset venue'" .. PROVIDER)
    local parts = {}
    for number, server in ipairs({ first, second, first }) do
      local environment = ""
      for name, value in pairs(settings(server)) do environment = ("%s %s='%s'"):format(environment, name, value) end
      parts[number] = ("(cd '%s' && env -u MAINSEQUENCE_CATALOG MAINSEQUENCE_HOME=home%s lua5.4 '%s/rocks/bin/mainsequence'"
        .. " migrations upgrade head%s >upgrade%d 2>&1 || echo failed >>failures) &"):format(project.folder, environment,
        io.popen("pwd"):read("l"), PROVIDER, number)
    end
    assert(os.execute(table.concat(parts, "\n") .. "\nwait"))
    for number = 1, 3 do
      local text = temporary.read(("%s/upgrade%d"):format(project.folder, number))
      assert.is_truthy(text:find("ok: true", 1, true), text)
    end
    assert.are.same({ { version_num = "0002" } }, ask("SELECT version_num FROM shop__alembic_version"))
    assert.are.equal(1, #ask("SELECT 1 FROM information_schema.columns WHERE column_name = 'venue'"))
  end)

  it("show the same, whichever is asked", function()
    local description = core.object("description", "changed on the first")
    local row = command:json("meta-table detail shop__asset", settings(first))
    local client = assert(core.client { endpoint = first.url, access_token = settings(first).MAINSEQUENCE_ACCESS_TOKEN })
    assert(client:call("PATCH", "/orm/api/ts_manager/meta_table/" .. row.uid .. "/", { body = description }))
    client:close()
    assert.are.equal("changed on the first", command:json("meta-table detail shop__asset", settings(second)).description)
  end)

  it("go back", function()
    run(second, "migrations downgrade base" .. PROVIDER)
    for _, row in ipairs(command:json("meta-table list", settings(first))) do
      assert.are.equal(row.physical_table_name == "shop__alembic_version" and "active" or "reserved",
        row.provisioning_status, row.physical_table_name)
    end
  end)
end)
