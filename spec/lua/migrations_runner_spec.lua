local core = require("mainsequence.core")
local graphs = require("mainsequence.meta_tables.migrations.graph")
local migrations = require("mainsequence.meta_tables.migrations")
local revisions = require("mainsequence.meta_tables.migrations.revision")
local runner = require("mainsequence.meta_tables.migrations.runner")
local schema = require("mainsequence.schema")
local temporary = dofile("spec/support/temporary.lua")

local folder, uri, connection, lines

local function provider()
  return migrations.build_metatable_migration_provider({
    package = "app", migration_namespace = "app", script_location = folder, version_location_prefix = folder,
    target_metadata = schema.MetaData({ naming_convention = true }),
    alembic_registry = migrations.build_alembic_version_metatable({ table_name = "app_version" }),
  })
end

local function revision(id, down, upgrade, downgrade, extra)
  local fields = { revision = id, down_revision = down, upgrade = upgrade, downgrade = downgrade, message = "step " .. id }
  for name, value in pairs(extra or {}) do
    fields[name] = value
  end
  return assert(revisions.from_table(fields, id .. ".lua"))
end

local function create(name)
  return function(op)
    op:create_table(name, op.Column("id", op.types.Integer { primary_key = true }), op.Column("v", op.types.Text {}))
  end
end
local function drop(name)
  return function(op)
    op:drop_table(name)
  end
end

local function line_of_three()
  return assert(graphs.new({
    revision("0001", nil, create("one"), drop("one")), revision("0002", "0001", create("two"), drop("two")),
    revision("0003", "0002", create("three"), drop("three")),
  }))
end

local function run(graph, symbol, down, options)
  options = options or {}
  return runner.run(options.connection or connection, provider(), graph, {
    symbol = symbol, down = down, lock_timeout = options.lock_timeout,
    report = function(line)
      lines[#lines + 1] = line
    end,
    open = function()
      return core.connect(uri, { read_only = true })
    end,
  })
end

local function tables()
  return table.concat(assert(connection:table_names()), " ")
end

local function rows()
  return assert(runner.current(connection, provider()))
end

local function sql(text)
  return assert(connection:execute(text)).rows
end

describe("migrations.runner on SQLite", function()
  before_each(function()
    folder = temporary.folder()
    uri = "sqlite:///" .. folder .. "/data.db"
    connection = assert(core.connect(uri))
    lines = {}
  end)
  after_each(function()
    connection:close()
    temporary.remove(folder)
  end)

  it("runs what is missing, one revision after the other", function()
    local done = assert(run(line_of_three(), "head"))
    assert.are.same({ "0001", "0002", "0003" }, done.revisions)
    assert.are.same({ "0003" }, done.rows)
    assert.are.equal("app_version one three two", tables())
    assert.are.equal("[mainsequence migrations] Running upgrade  -> 0001, step 0001", lines[1])
    assert.are.equal("[mainsequence migrations] Running upgrade 0001 -> 0002, step 0002", lines[2])
    assert.are.same({}, assert(run(line_of_three(), "head")).revisions)
  end)

  it("makes Alembic's version table", function()
    assert(run(line_of_three(), "0001"))
    local text = sql("SELECT sql FROM sqlite_master WHERE name = 'app_version'")[1].sql
    assert.has_match("version_num VARCHAR%(32%) NOT NULL", text)
    assert.has_match("CONSTRAINT app_version_pkc PRIMARY KEY %(version_num%)", text)
  end)

  it("leaves the version table away when it only looks", function()
    assert.are.same({}, rows())
    assert.are.equal("", tables())
    assert(run(line_of_three(), "base"))
    assert.are.equal("", tables())
  end)

  it("takes revisions back, down to base, and keeps the version table", function()
    assert(run(line_of_three(), "head"))
    local done = assert(run(line_of_three(), "-1", true))
    assert.are.same({ "0003" }, done.revisions)
    assert.are.equal("[mainsequence migrations] Running downgrade 0003 -> 0002, step 0003", lines[#lines])
    assert.are.same({ "0002", "0001" }, assert(run(line_of_three(), "base", true)).revisions)
    assert.are.equal("app_version", tables())
    assert.are.same({}, rows())
  end)

  it("counts steps from where the database was", function()
    assert.are.same({ "0001" }, assert(run(line_of_three(), "+1")).revisions)
    assert.are.same({ "0002", "0003" }, assert(run(line_of_three(), "+2")).revisions)
    local result, err = run(line_of_three(), "+1")
    assert.is_nil(result)
    assert.has_match("only 0", tostring(err))
  end)

  it("adopts a database that Alembic stamped", function()
    sql("CREATE TABLE app_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT app_version_pkc PRIMARY KEY (version_num))")
    sql("INSERT INTO app_version VALUES ('0002')")
    assert.are.same({ "0003" }, assert(run(line_of_three(), "head")).revisions)
  end)

  it("refuses a database whose revision no file defines", function()
    sql("CREATE TABLE app_version (version_num VARCHAR(32) NOT NULL)")
    sql("INSERT INTO app_version VALUES ('beef')")
    local result, err = run(line_of_three(), "head")
    assert.is_nil(result)
    assert.are.equal("unknown_revision", err.code)
    assert.has_match("'beef', which no file here defines", err.message)
  end)

  it("keeps forks and merges as rows", function()
    local graph = assert(graphs.new({
      revision("a001", nil, create("a"), drop("a")), revision("b001", "a001", create("b"), drop("b")),
      revision("c001", "a001", create("c"), drop("c")), revision("m001", { "b001", "c001" }, create("m"), drop("m")),
    }))
    assert(run(graph, "b001"))
    assert(run(graph, "c001"))
    assert.are.same({ "b001", "c001" }, rows())
    assert(run(graph, "head"))
    assert.are.same({ "m001" }, rows())
    assert(run(graph, "-1@", true) == nil)
    assert(run(graph, "b001", true))
    assert.are.same({ "b001", "c001" }, rows())
    assert.are.equal("a app_version b c", tables())
  end)

  describe("when a revision fails", function()
    local function failing(upgrade)
      return assert(graphs.new({
        revision("0001", nil, create("one"), drop("one")),
        revision("0002", "0001", function(op)
          create("two")(op)
          upgrade(op)
        end),
      }))
    end
    local function failure(upgrade)
      local result, err = run(failing(upgrade), "head")
      assert.is_nil(result)
      assert.are.equal("app_version one", tables())
      assert.are.same({ "0001" }, rows())
      assert.is_false(connection:in_transaction())
      return err
    end

    it("keeps nothing of it, and everything before it", function()
      local err = failure(function()
        error("no more")
      end)
      assert.has_match("upgrade of revision 0002 %(step 0002%) failed and was rolled back: .*_runner_spec.lua:%d+: no more",
        err.message)
    end)

    it("tells which statement the database refused", function()
      local err = failure(function(op)
        op:execute("INSERT INTO nowhere VALUES (1)")
      end)
      assert.has_match("nowhere", err.message)
      assert.has_match("migrations_runner_spec.lua:%d+", err.message)
      assert.has_match("INSERT INTO nowhere VALUES", err.detail)
    end)

    it("refuses operations that are wrong", function()
      assert.has_match("has no operation 'drop_tabel'", failure(function(op)
        op:drop_tabel("one")
      end).message)
    end)

    it("refuses rows that point at nothing", function()
      local err = failure(function(op)
        op:create_table("kids", op.Column("id", op.types.Integer { primary_key = true }),
          op.Column("one_id", op.types.Integer { references = "one.id" }))
        op:execute("INSERT INTO kids VALUES (1, 7)")
      end)
      assert.are.equal("foreign_key_violation", err.code)
      assert.has_match("1 rows of kids → one", err.message)
    end)

    it("does not let it commit by itself", function()
      local graph = failing(function(op)
        op:get_bind():execute("COMMIT")
      end)
      local result, err = run(graph, "head")
      assert.is_nil(result)
      assert.has_match("ended the transaction", err.message)
    end)

    it("says that a downgrade is missing", function()
      assert(run(failing(function() end), "head"))
      local result, err = run(failing(function() end), "-1", true)
      assert.is_nil(result)
      assert.has_match("has no function downgrade", err.message)
    end)
  end)

  it("does not blame a revision for violations that were there before", function()
    sql("PRAGMA foreign_keys = OFF")
    sql("CREATE TABLE p (id INTEGER PRIMARY KEY)")
    sql("CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id))")
    sql("INSERT INTO c VALUES (1, 5)")
    assert(run(line_of_three(), "head"))
  end)

  it("gives revisions a connection to read and move data", function()
    local seen = {}
    local graph = assert(graphs.new({
      revision("0001", nil, create("one")),
      revision("0002", "0001", function(op)
        local bind = op:get_bind()
        bind:execute("INSERT INTO one (id, v) VALUES (%(id)s, %(v)s)", { id = 7, v = "x" })
        bind:execute("INSERT INTO one (id, v) VALUES (?1, ?2)", { 8, core.null })
        seen.count = bind:scalar("SELECT count(*) AS n FROM one")
        seen.rows = bind:execute("SELECT id, v FROM one ORDER BY id").rows
        seen.tables = bind:table_names()
        seen.has, seen.has_not = bind:has_table("one"), bind:has_table("two")
        seen.columns = bind:columns("one")
        seen.dialect = bind:dialect()
        seen.failure = select(2, pcall(bind.execute, bind, "SELECT nothing FROM one"))
      end),
    }))
    assert(run(graph, "head"))
    assert.are.equal(2, seen.count)
    assert.are.equal("x", seen.rows[1].v)
    assert.are.equal(core.null, seen.rows[2].v)
    assert.are.same({ "app_version", "one" }, { table.unpack(seen.tables) })
    assert.is_true(seen.has)
    assert.is_false(seen.has_not)
    assert.are.equal("v", seen.columns[2].name)
    assert.are.equal("sqlite", seen.dialect)
    assert.has_match("nothing", tostring(seen.failure))
  end)

  it("keeps children's rows when it rebuilds their parent", function()
    sql("CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY, v VARCHAR(3) NOT NULL)")
    sql("CREATE TABLE c (id INTEGER NOT NULL PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE)")
    sql("INSERT INTO p VALUES (1, 'a')")
    sql("INSERT INTO c VALUES (1, 1)")
    local graph = assert(graphs.new({ revision("0001", nil, function(op)
      op:alter_column("p", "v", { nullable = true, type = op.types.Text {} })
    end) }))
    assert(run(graph, "head"))
    assert.are.equal(1, #sql("SELECT * FROM c"))
    assert.has_match("v TEXT", sql("SELECT sql FROM sqlite_master WHERE name = 'p'")[1].sql)
  end)

  it("keeps triggers, views, indexes and checks of a table that it rebuilds", function()
    sql("CREATE TABLE p (id INTEGER NOT NULL PRIMARY KEY, v VARCHAR(3) CHECK (v <> ''), w INTEGER)")
    sql("CREATE INDEX low ON p (lower(v)) WHERE w > 0")
    sql("CREATE TABLE log (v TEXT)")
    sql("CREATE TRIGGER told AFTER INSERT ON p BEGIN INSERT INTO log VALUES (new.v); END")
    sql("CREATE VIEW seen AS SELECT v FROM p")
    sql("INSERT INTO p VALUES (1, 'a', 1)")
    local graph = assert(graphs.new({ revision("0001", nil, function(op)
      op:alter_column("p", "w", { nullable = false, existing_type = op.types.Integer {} })
    end) }))
    assert(run(graph, "head"))
    sql("INSERT INTO p VALUES (2, 'b', 1)")
    assert.are.equal(2, #sql("SELECT v FROM seen"))
    assert.are.equal(2, #sql("SELECT v FROM log"))
    assert.has_match("lower%(v%)%) WHERE w > 0", sql("SELECT sql FROM sqlite_master WHERE name = 'low'")[1].sql)
    assert.is_nil((connection:execute("INSERT INTO p VALUES (3, '', 1)")))
    assert.is_nil((connection:execute("INSERT INTO p VALUES (3, 'c', NULL)")))
  end)

  it("takes percent signs, colons and Lua's keywords as they are", function()
    local graph = assert(graphs.new({ revision("0001", nil, function(op)
      op:create_table("t", op.Column("end", op.types.Text {}), op.Column("return", op.types.Text {}),
        op.CheckConstraint("\"end\" NOT LIKE '%x:y'"))
      op:execute("INSERT INTO t VALUES ('100% at 12:30', 'a%(b)s')")
      op:execute("INSERT INTO t (\"end\") VALUES (:value)", { value = "it's 5%" })
    end, function(op)
      op:drop_column("t", "return")
      op:drop_table("t")
    end) }))
    assert(run(graph, "head"))
    local rows_now = sql("SELECT * FROM t")
    assert.are.same({ "100% at 12:30", "a%(b)s", "it's 5%" }, { rows_now[1]["end"], rows_now[1]["return"], rows_now[2]["end"] })
    assert(run(graph, "base", true))
  end)

  it("waits for another writer, says so, and gives up after the lock timeout", function()
    connection:close()
    connection = assert(core.connect(uri, { busy_timeout_ms = 20 }))
    local other = assert(core.connect(uri))
    assert(other:begin(true))
    local result, err = run(line_of_three(), "head", false, { lock_timeout = 0.1 })
    other:rollback()
    other:close()
    assert.is_nil(result)
    assert.are.equal("database_locked", err.code)
    assert.has_match("Waiting for another process that holds the database's lock", lines[1])
  end)

  -- The connection, with something that another process does before the second step takes the lock.
  local function raced(action)
    local begun = 0
    return setmetatable({
      begin = function(_, write)
        begun = begun + 1
        if begun == 2 then
          local other = assert(core.connect(uri))
          action(other)
          other:close()
        end
        return connection:begin(write)
      end,
    }, {
      __index = function(_, name)
        return function(_, ...)
          return connection[name](connection, ...)
        end
      end,
    })
  end

  it("does less when another process was faster", function()
    local proxy = raced(function(other)
      assert(run(line_of_three(), "0002", false, { connection = other }))
    end)
    local result = assert(run(line_of_three(), "head", false, { connection = proxy }))
    assert.are.same({ "0001", "0003" }, result.revisions)
    assert.are.same({ "0003" }, result.rows)
  end)

  it("stops when another process goes the other way", function()
    local result, err = run(line_of_three(), "head", false, { connection = raced(function(other)
      assert(run(line_of_three(), "base", true, { connection = other }))
    end) })
    assert.is_nil(result)
    assert.has_match("took back revision '0001'", err.message)

    assert(run(line_of_three(), "head"))
    result, err = run(line_of_three(), "base", true, { connection = raced(function(other)
      assert(run(line_of_three(), "head", false, { connection = other }))
    end) })
    assert.is_nil(result)
    assert.has_match("applied revision '0003'", err.message)
  end)

  it("runs on a read-only or full database not at all", function()
    connection:close()
    connection = assert(core.connect(uri))
    sql("CREATE TABLE t (x)")
    connection:close()
    connection = assert(core.connect(uri, { read_only = true }))
    local result, err = run(line_of_three(), "head")
    assert.is_nil(result)
    assert.are.equal("database_read_only", err.code)

    connection:close()
    connection = assert(core.connect(uri))
    sql("PRAGMA max_page_count = 3")
    result, err = run(line_of_three(), "head")
    assert.is_nil(result)
    assert.are.equal("database_full", err.code)
    assert.is_false(connection:in_transaction())
    sql("PRAGMA max_page_count = 1000")
    assert.are.equal("t", (tables():gsub("app_version one ", "")))
  end)

  describe("stamp", function()
    local function stamp(ids, purge)
      return runner.stamp(connection, provider(), line_of_three(), { ids = ids, purge = purge, report = print })
    end

    it("writes rows and runs nothing", function()
      assert.are.same({ "0002" }, assert(stamp({ "0002" })))
      assert.are.equal("app_version", tables())
      assert.are.same({ "0003" }, assert(run(line_of_three(), "head")).revisions)
      assert.are.same({}, assert(stamp({})))
    end)

    it("repairs an unknown revision only when it is told to purge", function()
      assert(stamp({ "0001" }))
      sql("UPDATE app_version SET version_num = 'beef'")
      local result, err = stamp({ "0002" })
      assert.is_nil(result)
      assert.are.equal("unknown_revision", err.code)
      assert.are.same({ "0002" }, assert(stamp({ "0002" }, true)))
    end)
  end)
end)
