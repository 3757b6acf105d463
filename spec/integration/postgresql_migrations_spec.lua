-- Migrations of a project whose data source is a PostgreSQL database: the same commands, a real server.

local core = require("mainsequence.core")
local database = require("mainsequence.meta_tables.migrations.database")
local projects = dofile("spec/support/migration_project.lua")
local server = dofile("spec/support/postgresql.lua")
local temporary = dofile("spec/support/temporary.lua")

local project, uri

---A fresh database, made the data source of a fresh project.
local function start(options)
  project = projects.new(options)
  uri = server.database()
  local session = project:client()
  local source = assert(session:call("POST", "/orm/api/ts_manager/data_sources/", {
    body = core.object("class_type", "postgresql", "uri", uri, "is_default", true),
  }))
  project.data_source = source.uid
  session:close()
end

local function with_connection(work)
  local connection = assert(core.connect(uri))
  local result = work(connection)
  connection:close()
  return result
end

local function rows_of(sql)
  return with_connection(function(connection) return assert(connection:execute(sql)).rows end)
end

local function table_names()
  return with_connection(function(connection) return table.concat(assert(connection:table_names()), " ") end)
end

local ACTIVE = {
  shop__account = "active", shop__alembic_version = "active", shop__asset = "active", shop__holding = "active",
}
local ALL = "shop__account shop__alembic_version shop__asset shop__holding"
local VENUE = "Asset.venue = types.String { length = 16 }"

describe("migrations on PostgreSQL", function()
  after_each(function() project:remove() end)

  it("go from models to tables and back, and on", function()
    start()
    local first = assert(project:run("revision", { message = "first tables" }))
    assert.has_match('op.Column%("uid", op.types.Uuid { primary_key = true }%)', temporary.read(first.path))
    local result = assert(project:run("upgrade"))
    assert.are.equal(4, result.active_count)
    assert.are.equal(ALL, table_names())
    assert.are.same(ACTIVE, project:statuses())
    assert.are.same({}, { table.unpack(assert(project:run("check")).differences) })
    assert(project:run("upgrade"))
    assert.are.same({}, { table.unpack(assert(project:run("upgrade")).revisions or {}) })

    project:models({ columns = VENUE })
    local second = assert(project:run("revision", { message = "asset venue" }))
    assert.has_match('op:add_column%("shop__asset", op.Column%("venue", op.types.String { length = 16 }%)%)',
      temporary.read(second.path))
    assert(project:run("upgrade"))
    assert.is_true(assert(project:run("check")).ok)
    assert.are.equal("character varying", rows_of("SELECT data_type FROM information_schema.columns WHERE "
      .. "table_name = 'shop__asset' AND column_name = 'venue'")[1].data_type)

    assert.are.equal(0, assert(project:run("downgrade", { revision = "base" })).failed_count)
    assert.are.equal("shop__alembic_version", table_names())
    assert(project:run("upgrade"))
    assert.are.same(ACTIVE, project:statuses())
  end)

  it("leave tables that belong to the owner, not to the credential", function()
    start()
    assert(project:run("revision"))
    assert(project:run("upgrade"))
    local owners = rows_of("SELECT DISTINCT tableowner AS name FROM pg_tables WHERE schemaname = 'public'")
    assert.are.equal(1, #owners)
    assert.has_match("^mseq_owner_", owners[1].name)
    assert.are.equal(0, #rows_of("SELECT 1 FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolcanlogin "
      .. "AND NOT r.rolsuper"))
  end)

  it("see what somebody changed by hand", function()
    start()
    assert(project:run("revision"))
    assert(project:run("upgrade"))
    local provider = require("shop.migrations").migration
    local session = project:client()
    local drift = require("mainsequence.meta_tables.drift")
    local report = assert(drift.check(provider, session))
    assert.is_true(report.clean, core.json_encode(report))
    with_connection(function(connection)
      assert(connection:script("ALTER TABLE shop__asset ALTER symbol TYPE text; DROP INDEX ix__shop__asset__symbol;"
        .. "ALTER TABLE shop__asset ADD extra int"))
    end)
    report = assert(drift.check(provider, session))
    session:close()
    local codes = {}
    for position, difference in ipairs(report.tables[2].differences) do codes[position] = difference.code end
    table.sort(codes)
    assert.is_false(report.clean)
    assert.are.same({ "column_unexpected", "index_missing", "type_differs" }, codes)
    local revision = assert(project:run("revision", { message = "mend" }))
    local text = temporary.read(revision.path)
    assert.has_match('op:drop_column%("shop__asset", "extra"', text)
    assert.has_match('op:create_index%("ix__shop__asset__symbol"', text)
    assert.has_match('op:alter_column%("shop__asset",%s+"symbol", { type = op.types.String { length = 32 }', text)
    assert(project:run("upgrade"))
    assert.is_true(assert(project:run("check")).ok)
  end)

  it("take back a revision that fails, whole", function()
    start()
    assert(project:run("revision"))
    project:revision("0002_broken", [[
      local R = { revision = "0002", down_revision = "0001" }
      function R.upgrade(op)
        op:create_table("shop__half", op.Column("id", op.types.Integer { primary_key = true }))
        op:execute("SELECT 1/0")
      end
      function R.downgrade(op) op:drop_table("shop__half") end
      return R]])
    local result, err = project:run("upgrade")
    assert.is_nil(result)
    assert.are.equal("22012", err.sqlstate)
    assert.has_match("revision 0002 failed and was rolled back", err.message)
    assert.are.equal(ALL, table_names())
    assert.are.equal("0001", rows_of("SELECT version_num FROM shop__alembic_version")[1].version_num)
  end)

  it("print SQL that does the same", function()
    start()
    assert(project:run("revision"))
    local printed = assert(project:run("upgrade", { sql = true }))
    assert.are.equal("postgresql", printed.dialect)
    local session = project:client()
    local credential = assert(session.DynamicTableDataSource.issue_migration_connection(project.data_source))
    session:close()
    local connection = assert(database.connect(credential))
    assert(connection:script(printed.sql))
    connection:close()
    assert.are.equal(ALL, table_names())
    assert.is_true(assert(project:run("check")).ok)
  end)
end)

describe("migrations on PostgreSQL and other processes", function()
  before_each(function()
    start({ columns = VENUE })
    assert(project:run("revision"))
    for number = 2, 4 do
      project:revision(("%04d_more"):format(number), ([[
        local R = { revision = "%04d", down_revision = "%04d" }
        function R.upgrade(op)
          op:create_table("shop__more%d", op.Column("id", op.types.Integer { primary_key = true }))
          op:execute("SELECT pg_sleep(0.1)")
        end
        function R.downgrade(op) op:drop_table("shop__more%d") end
        return R]]):format(number, number - 1, number, number))
    end
  end)
  after_each(function() project:remove() end)

  it("of several upgrades at once one works, the others wait, all are done", function()
    local parts = {}
    for number = 1, 3 do
      parts[number] = ("(%s; echo $? >'%s/status%d') &"):format(project:process("upgrade"), project.folder, number)
    end
    local _, output = projects.shell(table.concat(parts, " ") .. " wait")
    for number = 1, 3 do
      assert.are.equal("0\n", temporary.read(("%s/status%d"):format(project.folder, number)), output)
    end
    local _, runs = output:gsub("Running upgrade", "")
    assert.are.equal(4, runs, output)
    assert.are.equal("0004", rows_of("SELECT version_num FROM shop__alembic_version")[1].version_num)
    assert.are.same(ACTIVE, project:statuses())
  end)

  it("killed at any status line, an upgrade ends right when it is run again", function()
    local status, output = projects.shell(project:process("upgrade"))
    assert.are.equal(0, status, output)
    local _, count = output:gsub("\n%[mainsequence migrations%]", "")
    for line = 8, count + 8, 3 do
      assert(project:run("downgrade", { revision = "base" }))
      projects.shell(project:process("upgrade", { die_at = line }))
      status, output = projects.shell(project:process("upgrade"))
      assert.are.equal(0, status, ("killed at line %d: %s"):format(line, output))
      assert.are.equal("0004", rows_of("SELECT version_num FROM shop__alembic_version")[1].version_num)
    end
  end)

  it("waits for the lock, says so, and gives up in the end", function()
    local connection = assert(core.connect(uri))
    assert(database.begin(connection, { qualified = function() return "shop__alembic_version" end }))
    local status, output = projects.shell(project:process("upgrade", { lock_timeout = 1 }))
    connection:close()
    assert.are.equal(1, status)
    assert.has_match("Waiting for another process that holds the database's lock", output)
    assert(project:run("upgrade"))
  end)
end)

describe("a migration credential", function()
  it("acts as the owner role that it names", function()
    local admin = assert(core.connect(server.uri()))
    assert(admin:script("CREATE ROLE spec_owner NOLOGIN; CREATE ROLE spec_migration LOGIN PASSWORD 'm' IN ROLE spec_owner"))
    local address = server.uri():match("@.*$")
    local credential = { uri = "postgresql://spec_migration:m" .. address, owner_role_name = "spec_owner" }
    local connection = assert(database.connect(credential))
    assert.are.equal("spec_owner", assert(connection:execute("SELECT current_user AS name")).rows[1].name)
    connection:close()
    credential.owner_role_name = "postgres"
    local refused, err = database.connect(credential)
    assert.is_nil(refused)
    assert.are.equal("insufficient_privilege", err.code)
    assert(admin:script("DROP ROLE spec_migration; DROP ROLE spec_owner"))
    admin:close()
  end)
end)
