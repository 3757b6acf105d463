-- luacheck: no max line length

local core = require("mainsequence.core")
local client = require("mainsequence.client")
local meta_tables = require("mainsequence.meta_tables")
local projects = dofile("spec/support/migration_project.lua")
local temporary = dofile("spec/support/temporary.lua")

local project

local function rows_of(connection, sql)
  return assert(connection:execute(sql)).rows
end

-- Everything that the data source knows of its tables, as one text.
local function database_text()
  local connection = project:database()
  local lines = {}
  for position, row in ipairs(rows_of(connection, "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY type, name")) do
    lines[position] = row.sql
  end
  for _, name in ipairs(assert(connection:table_names())) do
    if name == "shop__alembic_version" then
      for _, row in ipairs(rows_of(connection, "SELECT version_num FROM shop__alembic_version")) do
        lines[#lines + 1] = "at " .. row.version_num
      end
    end
  end
  connection:close()
  return table.concat(lines, "\n")
end

local function failure(result, err)
  assert.is_nil(result)
  return err
end

local ACTIVE = {
  shop__account = "active", shop__alembic_version = "active", shop__asset = "active", shop__holding = "active",
}
local RESERVED = {
  shop__account = "reserved", shop__alembic_version = "active", shop__asset = "reserved", shop__holding = "reserved",
}
local VENUE = "Asset.venue = types.String { length = 16 }"

describe("migrations on the embedded TS Manager", function()
  before_each(function()
    project = projects.new()
  end)
  after_each(function()
    project:remove()
  end)

  it("go from models to tables and back, and on", function()
    local first = assert(project:run("revision", { message = "first tables" }))
    assert.are.equal(project:versions() .. "/0001_first_tables.lua", first.path)
    local text = temporary.read(first.path)
    assert.has_match('op:create_table%("shop__account"', text)
    assert.has_match('op.Column%("uid", op.types.Uuid { primary_key = true }%)', text)
    assert.has_match('op:create_index%("ix__shop__asset__symbol", "shop__asset", { "symbol" }%)', text)

    local result = assert(project:run("upgrade"))
    assert.are.equal(3, result.finalized_count)
    assert.are.equal(4, result.active_count)
    assert.are.same(ACTIVE, project:statuses())
    assert.are.same({}, { table.unpack(assert(project:run("check")).differences) })
    assert.are.equal("0001", assert(project:run("current")).revisions[1].revision)

    local connection = project:database()
    rows_of(connection, "INSERT INTO shop__account VALUES ('a1', 'main')")
    rows_of(connection, "INSERT INTO shop__asset VALUES ('b1', 'a1', 'BTC')")
    connection:close()

    project:models({ columns = VENUE })
    local second = assert(project:run("revision", { message = "asset venue" }))
    assert.are.equal("0002", second.revision)
    assert.has_match('op:add_column%("shop__asset", op.Column%("venue", op.types.String { length = 16 }%)%)',
      temporary.read(second.path))
    assert(project:run("upgrade"))
    assert.is_true(assert(project:run("check")).ok)

    connection = project:database()
    assert.are.equal("BTC", rows_of(connection, "SELECT symbol, venue FROM shop__asset")[1].symbol)
    rows_of(connection, "DELETE FROM shop__asset")
    rows_of(connection, "DELETE FROM shop__account")
    connection:close()

    assert(project:run("downgrade", { revision = "-1" }))
    assert.is_false(assert(project:run("current")).up_to_date)
    local based = assert(project:run("downgrade", { revision = "base" }))
    assert.are.equal(0, based.failed_count)
    assert.are.same(RESERVED, project:statuses())
    assert(project:run("upgrade"))
    assert.are.same(ACTIVE, project:statuses())
  end)

  it("write the same revision for the same models", function()
    local first = assert(project:run("revision"))
    local text = temporary.read(first.path)
    for _ = 1, 3 do
      os.remove(first.path)
      local status, output = projects.shell(project:process("revision"))
      assert.are.equal(0, status, output)
      assert.are.equal(text, temporary.read(first.path))
    end
  end)

  it("write an empty revision when nothing changed, unless told not to", function()
    assert(project:run("revision"))
    assert.has_match("not up to date: it is at base", failure(project:run("revision")).message)
    assert(project:run("upgrade"))
    local skipped = assert(project:run("revision", { skip_empty = true }))
    assert.are.equal(core.null, skipped.revision)
    local empty = assert(project:run("revision"))
    assert.has_match("No differences between", table.concat(project.lines, "\n"))
    assert.are.equal("0002", empty.revision)
    assert(project:run("upgrade"))
    assert.is_true(assert(project:run("current")).up_to_date)
  end)

  it("make the protocol's calls in the protocol's order", function()
    assert(project:run("revision"))
    local calls = {}
    -- a client that tells what passes through it
    local function recorder()
      local session = project:client()
      local inner = assert(session:client())
      calls = {}
      return setmetatable({
        call = function(_, method, path, options)
          calls[#calls + 1] = { method .. " " .. path:gsub("%x%x%x%x%x%x%x%x%-[%x-]+", "UID"), options and options.body }
          return inner:call(method, path, options)
        end,
        session_data_source = function()
          calls[#calls + 1] = { "GET project" }
          return inner:session_data_source()
        end,
        endpoint = function()
          return inner:endpoint()
        end,
      }, { __index = function(_, name)
        if name ~= "client" and name ~= "classes" then
          error("unexpected use of " .. tostring(name))
        end
      end })
    end
    local function names()
      local list = {}
      for position, call in ipairs(calls) do
        list[position] = call[1]:gsub("/orm/api/ts_manager", "")
      end
      return list
    end
    local connect = { "GET /dynamic_table_data_source/UID/", "POST /dynamic_table_data_source/UID/migration-connection/" }

    assert(project:run("current", { client = recorder() }))
    assert.are.same({ "GET project", "POST /meta_table/register/", connect[1], connect[2] }, names())
    local pointer = core.json_encode(calls[2][2])

    local result = assert(project:run("upgrade", { client = recorder() }))
    assert.are.same({
      "GET project", "POST /meta_table/register/", "POST /meta_table/filter/", "POST /dynamic_table/filter/",
      "POST /meta_table/", "POST /dynamic_table/", connect[1], connect[2], "POST /meta_table/finalize-managed/",
    }, names())
    assert.are.equal(pointer, core.json_encode(calls[2][2]))
    assert.are.equal('{"physical_table_name__in": ["shop__account", "shop__asset"], "limit": 2}', core.json_encode(calls[3][2]))
    assert.are.equal('{"physical_table_name__in": ["shop__holding"], "limit": 1}', core.json_encode(calls[4][2]))
    assert.are.same({ 2, 1 }, { #calls[5][2], #calls[6][2] })
    local row = calls[5][2][1]
    assert.are.same({
      "data_source_uid", "identifier", "namespace", "description", "labels", "management_mode", "provisioning_status",
      "is_alembic_managed", "migration_package", "migration_namespace", "migration_provider_key",
      "alembic_version_meta_table_uid", "alembic_revision", "physical_table_name", "protect_from_deletion", "table_contract",
    }, core.keys(row))
    assert.are.same({ "shop__account", "Accounts.", true, "shop:shop", core.null },
      { row.identifier, row.description, row.is_alembic_managed, row.migration_provider_key, row.alembic_revision })
    assert.are.equal('{"purpose": "schema_migration", "package": "shop", "migration_namespace": "shop", "ttl_seconds": 900}',
      core.json_encode(calls[8][2]))
    assert.are.equal(core.json_encode(core.object("meta_table_uids", result.meta_table_uids, "migration_package", "shop",
      "migration_namespace", "shop", "migration_provider_key", "shop:shop", "alembic_version_meta_table_uid",
      result.meta_table_uids[1], "alembic_revision", "head")), core.json_encode(calls[9][2]))
    assert.are.equal(row.alembic_version_meta_table_uid, result.meta_table_uids[1])

    assert(project:run("upgrade", { client = recorder(), ttl_seconds = 60 }))
    assert.are.same({
      "GET project", "POST /meta_table/register/", "POST /meta_table/filter/", "POST /dynamic_table/filter/",
      connect[1], connect[2], "POST /meta_table/finalize-managed/",
    }, names())
    assert.are.equal(60, calls[6][2].ttl_seconds)

    project:models({ columns = VENUE })
    assert(project:run("revision", { client = recorder() }))
    assert.are.same({ "GET project", connect[1], connect[2] }, names())
    assert(project:run("revision", { client = recorder(), rev_id = "0003", autogenerate = false }))
    assert.are.same({}, names())

    assert(project:run("downgrade", { client = recorder(), revision = "base" }))
    assert.are.equal("POST /meta_table/finalize-managed/", names()[7])
    assert.are.equal("base", calls[7][2].alembic_revision)

    failure(project:run("upgrade", { client = recorder(), revision = "beef" }))
    assert.are.equal(6, #calls)
  end)

  it("tell what they do, line by line", function()
    assert(project:run("revision"))
    assert(project:run("upgrade"))
    local text = table.concat(project.lines, "\n"):gsub("%x%x%x%x%x%x%x%x%-[%x-]+", "UID"):gsub(project.endpoint:gsub("%p", "%%%0"),
      "ORIGIN"):gsub(project.folder:gsub("%p", "%%%0"), "FOLDER"):gsub("bytes=%d+", "bytes=N")
    assert.are.equal([[
[mainsequence migrations] Loading migration provider shop.migrations:migration...
[mainsequence migrations] Loaded migration provider package=shop migration_namespace=shop
[mainsequence migrations] Ensuring Alembic registry MetaTable...
POST /orm/api/ts_manager/meta_table/register/ registered MetaTable identifier=shop.alembic_version model=ShopVersion uid=UID physical_table=shop__alembic_version provisioning_status=active
[mainsequence migrations] Preparing platform-managed MetaTable reservations...
[mainsequence migrations] Found existing MetaTables by table name count=0.
[mainsequence migrations] Sending POST /orm/api/ts_manager/meta_table/ collection-create request for 2 MetaTables table_names=shop__account,shop__asset
[mainsequence migrations] Serializing POST ORIGIN/orm/api/ts_manager/meta_table/ payload...
[mainsequence migrations] Serialized POST ORIGIN/orm/api/ts_manager/meta_table/ payload bytes=N.
[mainsequence migrations] Building API session for POST ORIGIN/orm/api/ts_manager/meta_table/...
[mainsequence migrations] Sending HTTP POST ORIGIN/orm/api/ts_manager/meta_table/...
[mainsequence migrations] Received HTTP 201 from POST ORIGIN/orm/api/ts_manager/meta_table/.
POST /orm/api/ts_manager/meta_table/ reserved MetaTable identifier=shop__account model=Account uid=UID physical_table=shop__account provisioning_status=reserved
POST /orm/api/ts_manager/meta_table/ reserved MetaTable identifier=shop__asset model=Asset uid=UID physical_table=shop__asset provisioning_status=reserved
[mainsequence migrations] Sending POST /orm/api/ts_manager/dynamic_table/ collection-create request for 1 MetaTables table_names=shop__holding
[mainsequence migrations] Serializing POST ORIGIN/orm/api/ts_manager/dynamic_table/ payload...
[mainsequence migrations] Serialized POST ORIGIN/orm/api/ts_manager/dynamic_table/ payload bytes=N.
[mainsequence migrations] Building API session for POST ORIGIN/orm/api/ts_manager/dynamic_table/...
[mainsequence migrations] Sending HTTP POST ORIGIN/orm/api/ts_manager/dynamic_table/...
[mainsequence migrations] Received HTTP 201 from POST ORIGIN/orm/api/ts_manager/dynamic_table/.
POST /orm/api/ts_manager/dynamic_table/ reserved MetaTable identifier=shop__holding model=Holding uid=UID physical_table=shop__holding provisioning_status=reserved
[mainsequence migrations] Prepared migration scope data_source_uid=UID meta_table_count=4
[mainsequence migrations] Loading DynamicTableDataSource uid=UID...
[mainsequence migrations] Requesting migration connection ttl_seconds=900...
[mainsequence migrations] Migration connection acquired.
[mainsequence migrations] Alembic script context script_location=shop.migrations: version_locations=shop.migrations:versions/shop version_table=shop__alembic_version
[mainsequence migrations] Alembic script directory resolved path=FOLDER/shop/migrations versions=FOLDER/shop/migrations/versions/shop
[mainsequence migrations] Alembic heads=0001
[mainsequence migrations] Alembic revision resolved revision=0001 path=FOLDER/shop/migrations/versions/shop/0001_migration.lua down_revision=None
[mainsequence migrations] Starting Alembic upgrade now target=head...
[mainsequence migrations] Running upgrade  -> 0001, migration
[mainsequence migrations] Finalizing MetaTable catalog after upgrade...
[mainsequence migrations] Serializing POST ORIGIN/orm/api/ts_manager/meta_table/finalize-managed/ payload...
[mainsequence migrations] Serialized POST ORIGIN/orm/api/ts_manager/meta_table/finalize-managed/ payload bytes=N.
[mainsequence migrations] Building API session for POST ORIGIN/orm/api/ts_manager/meta_table/finalize-managed/...
[mainsequence migrations] Sending HTTP POST ORIGIN/orm/api/ts_manager/meta_table/finalize-managed/...
[mainsequence migrations] Received HTTP 200 from POST ORIGIN/orm/api/ts_manager/meta_table/finalize-managed/.
[mainsequence migrations] Finalize-managed response ok=True finalized=3 active=4 reserved=0 failed=0.
POST /orm/api/ts_manager/meta_table/finalize-managed/ finalized MetaTable identifier=shop__account model=Account uid=UID physical_table=shop__account provisioning_status=active finalized=True physical_table_exists=True
POST /orm/api/ts_manager/meta_table/finalize-managed/ finalized MetaTable identifier=shop__asset model=Asset uid=UID physical_table=shop__asset provisioning_status=active finalized=True physical_table_exists=True
POST /orm/api/ts_manager/meta_table/finalize-managed/ finalized MetaTable identifier=shop__holding model=Holding uid=UID physical_table=shop__holding provisioning_status=active finalized=True physical_table_exists=True
[mainsequence migrations] MetaTable catalog finalization finished.]], text)
  end)

  it("leave nothing of a revision that fails, and go on once it is mended", function()
    assert(project:run("revision"))
    project:revision("0002_bad", [[
      local R = { revision = "0002", down_revision = "0001" }
      function R.upgrade(op)
        op:add_column("shop__asset", op.Column("venue", op.types.String { length = 16 }))
        op:add_column("shop__nowhere", op.Column("venue", op.types.String { length = 16 }))
      end
      return R]])
    local err = failure(project:run("upgrade"))
    assert.has_match("upgrade of revision 0002 failed and was rolled back: .*0002_bad.lua:4: .*shop__nowhere", err.message)
    assert.is_nil(database_text():find("venue", 1, true))
    assert.has_match("at 0001", database_text())
    assert.are.same(RESERVED, project:statuses())
    project:revision("0002_bad", [[
      local R = { revision = "0002", down_revision = "0001" }
      function R.upgrade(op) op:add_column("shop__asset", op.Column("venue", op.types.String { length = 16 })) end
      return R]])
    assert(project:run("upgrade"))
    assert.are.same(ACTIVE, project:statuses())
  end)

  it("report a table that no revision creates", function()
    project:revision("0001_part", [[
      local R = { revision = "0001" }
      function R.upgrade(op) op:create_table("shop__account", op.Column("uid", op.types.Uuid { primary_key = true })) end
      return R]])
    local err = failure(project:run("upgrade"))
    assert.are.equal("physical_state", err.code)
    assert.has_match("shop__asset%(shop__asset%):status=reserved:physical_table_exists=False", err.message)
    assert.are.same("active", project:statuses().shop__account)
  end)

  it("bind the models and run the hook", function()
    local seen
    rawset(_G, "SHOP_HOOK", function(context)
      seen = context
    end)
    assert(project:run("revision"))
    assert(project:run("upgrade"))
    rawset(_G, "SHOP_HOOK", nil)
    local models = require("shop.models")
    assert.are.equal("shop", seen.package)
    assert.are.equal("reconcile", seen.reserved_policy)
    assert.are.equal(3, #seen.registered_metatables)
    assert.are.equal(models.Account, seen.metatable_models[1])
    local row = meta_tables.meta_table(models.Holding)
    assert.are.equal("active", row.provisioning_status)
    assert.are.equal(seen.registered_metatables[3].uid, row.uid)
    assert(project:run("downgrade", { revision = "base" }))
    assert.has_error(function()
      meta_tables.meta_table(models.Holding)
    end)
  end)

  it("report a hook that fails", function()
    rawset(_G, "SHOP_HOOK", function()
      error("hook trouble")
    end)
    assert(project:run("revision"))
    local err = failure(project:run("upgrade"))
    rawset(_G, "SHOP_HOOK", nil)
    assert.are.equal("hook", err.code)
    assert.has_match("after_register_metatables failed: .*hook trouble", err.message)
    assert.are.same(ACTIVE, project:statuses())
  end)

  it("bring what the models say now to the catalog", function()
    assert(project:run("revision"))
    assert.has_match("no row for shop__account, shop__asset, shop__holding", failure(project:run("refresh")).message)
    assert(project:run("upgrade"))
    project:models({ description = "Accounts that own assets." })
    local result = assert(project:run("refresh"))
    assert.are.equal(3, #result.meta_table_uids)
    local session = project:client()
    local row = assert(session.MetaTable.get({ physical_table_name = "shop__account" }))
    assert.are.equal(0, assert(row:run_query("SELECT count(*) AS n FROM shop__account")).results[1].n)
    assert.are.equal("Accounts that own assets.", row.description)
    assert.are.equal("shop.Account", row.identifier)
    assert.are.equal("active", row.provisioning_status)
    assert.are.equal("alembic_managed", row.schema_management_mode)
    session:close()
  end)

  it("bind models in a new process", function()
    client.configure({ endpoint = project.endpoint })
    local models = require("shop.models")
    local err = failure(meta_tables.bind({ models.Account, models.Holding, models.Asset }))
    assert.has_match("shop__account %(not registered%), shop__asset %(not registered%), shop__holding %(not registered%)",
      err.message)
    assert(project:run("revision"))
    assert(project:run("upgrade"))
    assert(project:run("downgrade", { revision = "base" }))
    assert.has_match("shop__asset %(reserved: its revision has not run%)", failure(meta_tables.bind({ models.Asset })).message)
    assert(project:run("upgrade"))
    project:forget()
    models = require("shop.models")
    assert.has_error(function()
      meta_tables.meta_table(models.Asset)
    end)
    assert.is_true(meta_tables.bind({ models.Account, models.Holding, models.Asset }))
    assert.are.equal("shop__holding", meta_tables.meta_table(models.Holding).physical_table_name)
    client.configure({})
  end)

  it("adopt a database that Alembic migrated", function()
    assert(project:run("revision"))
    assert(project:run("upgrade"))
    local text = database_text()
    local connection = project:database()
    rows_of(connection, "DROP TABLE shop__alembic_version")
    rows_of(connection, "CREATE TABLE shop__alembic_version (version_num VARCHAR(32) NOT NULL, "
      .. "CONSTRAINT shop__alembic_version_pkc PRIMARY KEY (version_num))")
    rows_of(connection, "INSERT INTO shop__alembic_version VALUES ('0001')")
    connection:close()
    assert(project:run("upgrade"))
    assert.are.equal(#text:gsub("%s", ""), #database_text():gsub("%s", ""))

    connection = project:database()
    rows_of(connection, "UPDATE shop__alembic_version SET version_num = 'beef'")
    connection:close()
    for _, command in ipairs({ "upgrade", "current", "check" }) do
      assert.are.equal("unknown_revision", failure(project:run(command)).code)
    end
    assert(project:run("stamp", { revision = "head", purge = true }))
    assert(project:run("upgrade"))
  end)

  it("print SQL that does the same", function()
    assert(project:run("revision"))
    local printed = assert(project:run("upgrade", { sql = true }))
    assert.are.equal("sqlite", printed.dialect)
    assert(project:run("upgrade"))
    local wanted = database_text()
    local other = assert(core.connect("sqlite:///" .. project.folder .. "/other.db"))
    assert(other:script(printed.sql))
    local lines = {}
    for position, row in ipairs(rows_of(other, "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY type, name")) do
      lines[position] = row.sql
    end
    lines[#lines + 1] = "at " .. rows_of(other, "SELECT version_num FROM shop__alembic_version")[1].version_num
    assert.are.equal(wanted, table.concat(lines, "\n"))
    local back = assert(project:run("downgrade", { sql = true, revision = "head:base" }))
    assert(other:script(back.sql))
    assert.are.equal(1, #rows_of(other, "SELECT name FROM sqlite_master WHERE type = 'table'"))
    other:close()
    assert.has_match("needs a range", failure(project:run("downgrade", { sql = true, revision = "base" })).message)
    local postgresql = assert(project:run("upgrade", { sql = true, dialect = "postgresql" }))
    assert.has_match("uid UUID NOT NULL", postgresql.sql)
    assert.is_nil(postgresql.sql:find("PRAGMA", 1, true))
  end)

  it("list a plan without running it", function()
    assert(project:run("revision"))
    local plan = assert(project:run("upgrade", { plan = true }))
    assert.are.equal("0001", plan.steps[1].revision)
    assert.are.equal("create_table", plan.steps[1].operations[1].op)
    assert.are.equal("", database_text())
  end)

  it("refuse an endpoint that is none, and say which", function()
    assert(project:run("revision"))
    local err = failure(project:run("upgrade", { endpoint = "localhost:8000" }))
    assert.has_match("'localhost:8000' is no endpoint", err.message)
  end)
end)

describe("migrations and other processes", function()
  before_each(function()
    project = projects.new({ columns = VENUE })
    assert(project:run("revision"))
    for number = 2, 5 do
      project:revision(("%04d_more"):format(number), ([[
        local R = { revision = "%04d", down_revision = "%04d" }
        function R.upgrade(op)
          local t = op:create_table("shop__more%d", op.Column("id", op.types.Integer { primary_key = true }))
          local rows = {}
          for id = 1, 300 do rows[id] = { id = id } end
          op:bulk_insert(t, rows)
        end
        function R.downgrade(op) op:drop_table("shop__more%d") end
        return R]]):format(number, number - 1, number, number))
    end
  end)
  after_each(function()
    project:remove()
  end)

  local function check_done()
    local text = database_text()
    for number = 2, 5 do
      assert.has_match("shop__more" .. number, text)
    end
    assert.has_match("at 0005", text)
    assert.are.same(ACTIVE, project:statuses())
    local connection = project:database()
    assert.are.equal(300, rows_of(connection, "SELECT count(*) AS n FROM shop__more5")[1].n)
    connection:close()
  end

  it("of several upgrades at once one works, the others wait, all are done", function()
    for _ = 1, 3 do
      local parts = {}
      for number = 1, 3 do
        parts[number] = ("(%s; echo $? >'%s/status%d') &"):format(project:process("upgrade"), project.folder, number)
      end
      local _, output = projects.shell(table.concat(parts, " ") .. " wait")
      for number = 1, 3 do
        assert.are.equal("0\n", temporary.read(("%s/status%d"):format(project.folder, number)), output)
      end
      check_done()
      assert(project:run("downgrade", { revision = "base" }))
    end
  end)

  it("killed at any status line, an upgrade ends right when it is run again", function()
    local status, output = projects.shell(project:process("upgrade"))
    assert.are.equal(0, status, output)
    local _, count = output:gsub("\n%[mainsequence migrations%]", "")
    for line = 3, count + 8 do
      assert(project:run("downgrade", { revision = "base" }))
      if line % 4 == 0 then
        temporary.remove(project.home)
      end
      projects.shell(project:process("upgrade", { die_at = line }))
      status, output = projects.shell(project:process("upgrade"))
      assert.are.equal(0, status, ("killed at line %d: %s"):format(line, output))
      check_done()
    end
  end)

  it("killed at any moment, an upgrade ends right when it is run again", function()
    local seed = os.time()
    math.randomseed(seed)
    for round = 1, 12 do
      if round % 3 == 0 then
        temporary.remove(project.home)
      end
      for _ = 1, 3 do
        projects.shell(("%s & pid=$!; sleep 0.%03d; kill -9 $pid; wait"):format(project:process("upgrade"),
          math.random(0, 120)))
      end
      local status, output = projects.shell(project:process("upgrade"))
      assert.are.equal(0, status, ("seed %d, round %d: %s"):format(seed, round, output))
      check_done()
      assert(project:run("downgrade", { revision = "base" }))
    end
  end)

  it("waits for a lock, says so, and gives up in the end", function()
    local connection = project:database()
    assert(connection:begin(true))
    local status, output = projects.shell(project:process("upgrade", { lock_timeout = 1 }))
    connection:rollback()
    connection:close()
    assert.are.equal(1, status)
    assert.has_match("Waiting for another process that holds the database's lock", output)
    assert.are.equal(RESERVED.shop__asset, project:statuses().shop__asset)
    assert(project:run("upgrade"))
    check_done()
  end)

  it("survives a disk that is full", function()
    -- a limit on the size of files, with the signal that goes with it ignored
    local failures = 0
    local status, output
    for blocks = 40, 4000, 40 do
      status, output = projects.shell(("trap '' XFSZ; ulimit -f %d; %s"):format(blocks, project:process("upgrade")))
      if status == 0 then
        break
      end
      failures = failures + 1
      assert.are.equal(1, status, output)
      assert.has_match("disk I/O error", output)
    end
    assert.are.equal(0, status, output)
    assert.is_true(failures > 1)
    check_done()
  end)

  it("takes back a revision that the disk has no room for", function()
    assert(project:run("upgrade"))
    project:revision("0006_big", [[
      local R = { revision = "0006", down_revision = "0005" }
      function R.upgrade(op)
        op:create_table("shop__big", op.Column("id", op.types.LargeBinary {}))
        op:execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
          .. " INSERT INTO shop__big SELECT zeroblob(100000) FROM n")
      end
      return R]])
    local status, output = projects.shell("trap '' XFSZ; ulimit -f 8000; " .. project:process("upgrade"))
    assert.are.equal(1, status, output)
    assert.has_match("upgrade of revision 0006 failed and was rolled back: .*0006_big.lua:4", output)
    check_done()
    assert.is_nil(database_text():find("shop__big", 1, true))
    assert(project:run("upgrade"))
    assert.has_match("at 0006", database_text())
  end)
end)
