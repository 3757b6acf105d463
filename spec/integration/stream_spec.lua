-- The rows of a select one by one, through the embedded TS Manager and through a server of its own, on both databases.

local core = require("mainsequence.core")
local postgresql = dofile("spec/support/postgresql.lua")
local serve = require("spec.support.serve")
local sessions = require("mainsequence.client.session")
local tables = require("mainsequence.client.meta_table")
local temporary = require("spec.support.temporary")

local COLUMNS = { { "id", "int32", "INTEGER" }, { "symbol", "string", "VARCHAR(64)" },
  { "price", "numeric", "NUMERIC(20, 4)" }, { "ratio", "float64", "FLOAT" },
  { "seen", "timestamp with time zone", "TIMESTAMP WITH TIME ZONE" }, { "active", "bool", "BOOLEAN" },
  { "facts", "json", "JSON" }, { "image", "bytea", "BYTEA" } }
local TYPES = { postgresql = { "timestamptz", "jsonb", "bytea" }, sqlite = { "TIMESTAMP", "JSON", "BLOB" } }
local ROWS = 2000
local FILL = {
  sqlite = [[WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %d)
    INSERT INTO asset SELECT n, 'ü' || n, n * 1.5, n / 7.0, '2024-02-29T08:00:00.000000Z', n %% 2,
      CASE WHEN n %% 3 = 0 THEN NULL ELSE '{"n": ' || n || '}' END, x'00ff' FROM r]],
  postgresql = [[INSERT INTO asset SELECT n, 'ü' || n, n * 1.5, n / 7.0::float8, '2024-02-29T08:00:00Z', n %% 2 = 1,
      CASE WHEN n %% 3 = 0 THEN NULL ELSE jsonb_build_object('n', n) END, '\x00ff' FROM generate_series(1, %d) AS n]],
}
-- Half a million rows of any data source, without a table.
local NUMBERS = [[WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %d) SELECT n FROM r]]
local DIVIDED = { sqlite = "json_extract(CASE WHEN n = %d THEN '{' ELSE '1' END, '$')", postgresql = "1 / (n - %d)" }

local function await(condition, what)
  local deadline = core.monotonic_ms() + 20000
  while not condition() do
    assert(core.monotonic_ms() < deadline, "waited in vain until " .. what)
    os.execute("sleep 0.02")
  end
end

local function resident_kilobytes(pid)
  for line in io.lines(("/proc/%s/status"):format(pid)) do
    local size = line:match("^VmRSS:%s*(%d+)")
    if size then return tonumber(size) end
  end
end

---Where the rows come from: `session` reads, `administration` changes the catalog.
local function embedded()
  local folder = temporary.folder()
  local session = sessions.new { endpoint = "local:" .. folder }
  return { session = session, administration = session, folder = folder, remove = function()
    session:close()
    temporary.remove(folder)
  end }
end

local function served()
  local server = serve.start(temporary.folder())
  local administration = sessions.new { endpoint = "local:" .. server.home }
  local token = assert(administration:call("POST", "/orm/api/ts_manager/tokens/", { body = { name = "spec" } })).access
  local session = sessions.new { endpoint = server.url, access_token = token }
  return { session = session, administration = administration, folder = server.folder, server = server,
    open = function() return sessions.new { endpoint = server.url, access_token = token } end,
    remove = function()
      session:close()
      administration:close()
      server:stop()
      temporary.remove(server.folder)
    end }
end

local function add_table(place, dialect)
  local uri, source
  if dialect == "sqlite" then
    local path = temporary.folder() .. "/data.sqlite"
    uri, source = "sqlite:///" .. path, core.object("class_type", "sqlite", "path", path)
  else
    uri = postgresql.database()
    source = core.object("class_type", "postgresql", "uri", uri)
  end
  local connection = assert(core.connect(uri))
  local times, json, bytes = table.unpack(TYPES[dialect])
  assert(connection:script(("CREATE TABLE asset (id INTEGER PRIMARY KEY, symbol VARCHAR(64), price NUMERIC(20, 4), " ..
    "ratio FLOAT, seen %s, active BOOLEAN, facts %s, image %s);"):format(times, json, bytes)))
  assert(connection:script(FILL[dialect]:format(ROWS)))
  local made = assert(place.administration:call("POST", "/orm/api/ts_manager/data_sources/", { body = source }))
  local columns = {}
  for i, column in ipairs(COLUMNS) do
    columns[i] = core.object("name", column[1], "data_type", column[2], "backend_type", column[3])
  end
  local row = assert(place.administration:call("POST", "/orm/api/ts_manager/meta_table/register/", { body = core.object(
    "data_source_uid", made.uid, "table_contract", core.object("version", "relational-table.v1", "physical",
      core.object("table_name", "asset"), "columns", core.array(columns), "constraints", core.array({})),
    "identifier", "app.asset." .. dialect, "namespace", "app", "labels", core.array({}),
    "management_mode", "external_registered", "introspect", true) }))
  return { source = made.uid, uid = row.uid, connection = connection }
end

for _, way in ipairs({ "local", "http" }) do
  for _, dialect in ipairs({ "sqlite", "postgresql" }) do
    describe(("rows of %s one by one, %s"):format(dialect, way), function()
      local place, world, MetaTable

      setup(function()
        place = way == "local" and embedded() or served()
        world = add_table(place, dialect)
        MetaTable = tables.classes(place.session).methods
      end)

      teardown(function()
        world.connection:close()
        place.remove()
      end)

      local function operation(sql, limits, parameters)
        return core.object("operation", "select", "version", "compiled-sql.v1", "dialect", dialect,
          "statement", core.object("sql", sql, "parameters", parameters or core.object(), "paramstyle", "pyformat"),
          "scope", core.object("data_source_uid", world.source, "tables",
            core.array({ core.object("meta_table_uid", world.uid, "access", "read") })),
          "limits", limits or core.object("max_rows", 1000, "offset", 0, "statement_timeout_ms", 60000))
      end

      ---What the loop brings: the number of rows, the error of its end.
      local function read(...)
        local count, failure = 0, nil
        for row, err in MetaTable.iter_operation(...) do
          if row then count = count + 1 else failure = err end
        end
        return count, failure
      end

      -- Statements and transactions of others on the data source's database.
      local function busy()
        if dialect == "sqlite" then return 0 end
        return assert(world.connection:execute([[SELECT count(*) AS n FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle']])).rows[1].n
      end

      it("are those of execute_operation, in their order", function()
        local sql = "SELECT * FROM asset ORDER BY id DESC"
        local whole = assert(MetaTable.execute_operation(operation(sql, core.object("max_rows", ROWS))))
        assert.are.equal(ROWS, #whole.rows)
        local position = 0
        for row, err in MetaTable.iter_operation(operation(sql)) do
          assert(row, err)
          position = position + 1
          if core.json_encode(whole.rows[position]) ~= core.json_encode(row) then
            assert.are.equal(core.json_encode(whole.rows[position]), core.json_encode(row))
          end
        end
        assert.are.equal(ROWS, position)
      end)

      it("take parameters, offsets and limits", function()
        local some = "SELECT id FROM asset WHERE id > %(a)s ORDER BY id"
        assert.are.equal(100, (read(operation(some, nil, core.object("a", ROWS - 100)))))
        assert.are.equal(7, (read(operation("SELECT id FROM asset", core.object("offset", ROWS - 7)))))
        assert.are.equal(0, (read(operation("SELECT id FROM asset", core.object("offset", ROWS + 7)))))
        assert.are.equal(0, (read(operation("SELECT id FROM asset WHERE id < 0"))))
        assert.are.equal(1, (read(operation("SELECT id FROM asset"), { max_rows = 1 })))
        assert.are.equal(1234, (read(operation("SELECT id FROM asset", core.object("max_rows", 10)), { max_rows = 1234 })))
        assert.are.equal(ROWS, (read(operation("SELECT id FROM asset"), { max_rows = ROWS })))
        assert.has_error(function() MetaTable.iter_operation(operation("SELECT 1 AS n"), { max_rows = 0 }) end)
        assert.has_error(function() MetaTable.iter_operation(operation("SELECT 1 AS n"), { most = 1 }) end)
      end)

      it("are refused before the first one as they are by execute_operation", function()
        for sql, code in pairs({ ["SELECT nothing FROM asset"] = "invalid_statement",
          ["SELECT * FROM hidden"] = "scope_violation", ["DELETE FROM asset"] = "kind_mismatch",
          ["SELECT 1; SELECT 2"] = "multiple_statements" }) do
          local _, expected = MetaTable.execute_operation(operation(sql))
          local count, err = read(operation(sql))
          assert.are.equal(0, count)
          assert.are.equal(code, err.code, tostring(err))
          assert.are.equal(expected.code, err.code)
          assert.are.equal(expected.status, err.status)
          assert.are.equal((expected.message:gsub("execute%-operation", "stream-operation")), err.message)
        end
        local _, err = place.session:client():stream_operation(core.object("operation", "delete", "dialect", dialect,
          "statement", core.object("sql", "DELETE FROM asset", "parameters", core.object(), "paramstyle", "pyformat"),
          "scope", operation("SELECT 1").scope))
        assert.are.equal("not_a_select", err.code)
        assert.are.equal(400, err.status)
      end)

      it("end with the error that comes in their midst", function()
        local sql = ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5000) SELECT n, %s AS d FROM r")
          :format(DIVIDED[dialect]:format(4321))
        local count, err = read(operation(sql))
        assert.are.equal(4320, count)
        assert.are.equal(400, err.status, tostring(err))
        if dialect == "postgresql" then
          assert.are.equal("22012", err.sqlstate)
          assert.are.equal("invalid_value", err.code)
          assert.is_truthy(err.message:find("division by zero", 1, true))
        end
        assert.is_truthy(err.message:find("stream-operation", 1, true))
        assert.are.equal(ROWS, (read(operation("SELECT id FROM asset"))))
      end)

      it("end with the statement's time", function()
        local endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"
        local count, err = read(operation(endless, core.object("statement_timeout_ms", 700)))
        assert.is_true(count > 0)
        assert.are.equal(408, err.status, tostring(err))
        assert.are.equal("timeout", err.code)
        local none, early = read(operation(endless .. " WHERE n < 0", core.object("statement_timeout_ms", 300)))
        assert.are.equal(0, none)
        assert.are.equal(408, early.status, tostring(early))
      end)

      it("let the loop end early, and other calls go on meanwhile", function()
        for _ = 1, 30 do
          local seen = 0
          for row in MetaTable.iter_operation(operation(NUMBERS:format(500000))) do
            seen = row.n
            if seen == 5 then break end
          end
          assert.are.equal(5, seen)
        end
        local ok, failure = pcall(function()
          for row in MetaTable.iter_operation(operation(NUMBERS:format(500000))) do
            assert(row.n < 3, "the loop's own")
          end
        end)
        assert.is_false(ok)
        assert.is_truthy(tostring(failure):find("the loop's own", 1, true))
        local sum = 0
        for row in MetaTable.iter_operation(operation("SELECT id FROM asset ORDER BY id"), { max_rows = 40 }) do
          local one = assert(MetaTable.execute_operation(operation("SELECT price FROM asset WHERE id = %(i)s", nil,
            core.object("i", row.id))))
          sum = sum + #one.rows
          for inner in MetaTable.iter_operation(operation("SELECT id FROM asset"), { max_rows = 2 }) do
            sum = sum + (inner and 0 or 1000)
          end
        end
        assert.are.equal(40, sum)
        await(function() return busy() == 0 end, "no statement is left")
      end)

      it("leave nothing when they are forgotten", function()
        do
          local next_row, state = MetaTable.iter_operation(operation(NUMBERS:format(500000)))
          assert.are.equal(1, next_row(state).n)
        end
        collectgarbage()
        collectgarbage()
        await(function() return busy() == 0 end, "no statement is left")
      end)

      it("are of one state of the data", function()
        local seen = 0
        for row, err in MetaTable.iter_operation(operation("SELECT id FROM asset ORDER BY id")) do
          assert(row, err)
          seen = seen + 1
          if seen == 1 then assert(world.connection:execute("DELETE FROM asset WHERE id > 1990")) end
        end
        assert.are.equal(ROWS, seen)
        assert.are.equal(1990, (read(operation("SELECT id FROM asset"))))
      end)

      it("go on when the access of others has changed", function()
        local name = "late-" .. core.monotonic_ms()
        local seen = 0
        for row, err in MetaTable.iter_operation(operation(NUMBERS:format(100000))) do
          assert(row, err)
          seen = seen + 1
          if seen == 1 then
            assert(place.administration:call("POST", "/orm/api/ts_manager/users/", { body = { username = name } }))
          end
        end
        assert.are.equal(100000, seen)
      end)

      it("take the memory of a few, however many there are", function()
        local pid = place.server and place.server.pid
        read(operation(NUMBERS:format(1000)))
        collectgarbage()
        local before, own = pid and resident_kilobytes(pid), resident_kilobytes("self")
        local wide = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 100000) " ..
          "SELECT n, 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz' AS a, n AS b, n AS c FROM r"
        local most, count = own, 0
        for row, err in MetaTable.iter_operation(operation(wide)) do
          assert(row, err)
          count = count + 1
          if count % 10000 == 0 then
            collectgarbage()
            most = math.max(most, resident_kilobytes("self"))
          end
        end
        assert.are.equal(100000, count)
        assert.is_true(most - own < 12 * 1024, ("%d kB more here"):format(most - own))
        if pid then
          local more = resident_kilobytes(pid) - before
          assert.is_true(more < 12 * 1024, ("%d kB more in the server"):format(more))
        end
      end)

      if way == "http" then
        -- A user of the server who may view the table, and what an admin changes.
        local function viewer()
          local name = "viewer-" .. core.monotonic_ms()
          local function post(path, body)
            return assert(place.administration:call("POST", "/orm/api/ts_manager/" .. path, { body = body }))
          end
          local user = post("users/", { username = name })
          local token = post("tokens/", { name = "spec", user = name }).access
          local session = sessions.new { endpoint = place.server.url, access_token = token }
          local function share(change)
            place.administration:call("POST", ("/orm/api/ts_manager/meta_table/%s/%s/"):format(world.uid, change),
              { body = { user_id = user.id } })
          end
          share("add-to-view")
          return { session = session, share = share, uid = user.uid }
        end

        -- Reads rows without end until a failure; changes access behind the first.
        local function lose(user, change)
          local seen, failure = 0, nil
          for row, err in tables.classes(user.session).methods.iter_operation(operation(NUMBERS:format(50000000))) do
            if row then seen = seen + 1 else failure = err end
            if seen == 1 and row then change() end
          end
          user.session:close()
          assert.is_true(seen < 50000000)
          await(function() return busy() == 0 end, "no statement is left")
          return failure
        end

        it("end when their reader may not see the table any more", function()
          local user = viewer()
          local failure = lose(user, function() user.share("remove-from-view") end)
          assert.are.same({ 404, "not_found" }, { failure.status, failure.code })
        end)

        it("end when their reader is disabled", function()
          local user = viewer()
          local failure = lose(user, function()
            assert(place.administration:call("PATCH", ("/orm/api/ts_manager/users/%s/"):format(user.uid),
              { body = { is_disabled = true } }))
          end)
          assert.are.same({ 401, "user_disabled" }, { failure.status, failure.code })
        end)

        it("end with their client", function()
          local other = place.open()
          local stream = assert(other:client():stream_operation(operation(NUMBERS:format(50000000),
            core.object("offset", 0))))
          assert.are.equal(1, stream:next().n)
          assert.is_true(dialect == "sqlite" or busy() > 0)
          other:close()
          assert.has_error(function() stream:next() end)
          await(function() return busy() == 0 end, "no statement is left")
          assert.are.equal(1, (read(operation("SELECT 1 AS n"))))
        end)
      end
    end)
  end
end

describe("rows one by one", function()
  it("end with an error when the server is gone", function()
    local place = served()
    finally(function() place.remove() end)
    local world = add_table(place, "sqlite")
    finally(function()
      world.connection:close()
      place.remove()
    end)
    local MetaTable = tables.classes(place.session).methods
    local seen, failure = 0, nil
    for row, err in MetaTable.iter_operation(core.object("operation", "select", "dialect", "sqlite", "statement",
      core.object("sql", NUMBERS:format(50000000), "parameters", core.object(), "paramstyle", "pyformat"), "scope",
      core.object("data_source_uid", world.source, "tables", core.array({ core.object("meta_table_uid", world.uid,
        "access", "read") })))) do
      if row then seen = seen + 1 else failure = err end
      if row and seen == 10 then place.server:signal("KILL") end
    end
    assert.is_true(seen >= 10)
    assert.are.equal("stream_incomplete", failure.code, tostring(failure))
    assert.is_truthy(failure.message:find("ended before its last line", 1, true))
  end)
end)
