-- Governed statements through a TS Manager on both databases: the envelope, parameters and limits (E1 to E33 of the
-- list of cases), and how values travel.

package.path = (debug.getinfo(1, "S").source:match("^@(.*)integration/") or "spec/") .. "?.lua;" .. package.path

local core = require("mainsequence.core")
local postgresql = require("support.postgresql")
local temporary = require("support.temporary")

local EXECUTE = "/orm/api/ts_manager/meta_table/execute-operation/"
local SCHEMA = "CREATE TABLE account (uid INTEGER PRIMARY KEY, s VARCHAR(200), t %s, n NUMERIC(30, 5), j %s, b %s);"
local TYPES = { postgresql = { "timestamptz", "jsonb", "bytea" }, sqlite = { "TIMESTAMP", "JSON", "BLOB" } }
local CLASSES = { { "uid", "int32", "INTEGER" }, { "s", "string", "VARCHAR(200)" },
  { "t", "timestamp with time zone", "TIMESTAMP WITH TIME ZONE" }, { "n", "numeric", "NUMERIC(30, 5)" },
  { "j", "json", "JSON" }, { "b", "bytea", "BYTEA" } }

local session, folder

local function call(method, path, body)
  return session:call(method, path, { body = body })
end

local function register(source, name, created)
  local columns = {}
  for position, column in ipairs(CLASSES) do
    columns[position] = core.object("name", column[1], "data_type", column[2], "backend_type", column[3])
  end
  return assert(call("POST", "/orm/api/ts_manager/meta_table/register/", core.object("data_source_uid", source,
    "table_contract", core.object("version", "relational-table.v1", "physical", core.object("table_name", name),
      "columns", core.array(columns), "constraints", core.array({})),
    "identifier", "app." .. name, "namespace", "app", "labels", core.array({}),
    "management_mode", "external_registered", "introspect", created)))
end

local function prepare(dialect)
  local schema = SCHEMA:format(table.unpack(TYPES[dialect]))
  local place, uri
  if dialect == "sqlite" then
    local path = temporary.folder() .. "/data.sqlite"
    uri, place = "sqlite:///" .. path, core.object("class_type", "sqlite", "path", path)
  else
    uri = postgresql.database()
    place = core.object("class_type", "postgresql", "uri", uri)
  end
  local connection = assert(core.connect(uri))
  assert(connection:script(schema))
  connection:close()
  local source = assert(call("POST", "/orm/api/ts_manager/data_sources/", place)).uid
  return { dialect = dialect, source = source, account = register(source, "account", true).uid, uri = uri }
end

setup(function()
  folder = temporary.folder()
  local client = require("mainsequence.client")
  client.configure { endpoint = "local:" .. folder }
  session = client.session()
end)

teardown(function()
  session:close()
  temporary.remove(folder)
end)

for _, dialect in ipairs({ "sqlite", "postgresql" }) do
  describe("governed statements on " .. dialect, function()
    local world

    setup(function() world = prepare(dialect) end)

    ---A whole operation; `changes` gets it before it is sent.
    local function operation(kind, sql, parameters, changes)
      local made = core.object("operation", kind, "version", "compiled-sql.v1", "dialect", dialect,
        "statement", core.object("sql", sql, "parameters", parameters or core.object(), "paramstyle", "pyformat"),
        "scope", core.object("data_source_uid", world.source, "tables",
          core.array({ core.object("meta_table_uid", world.account, "access", "write") })),
        "limits", core.object("max_rows", 100, "offset", 0, "statement_timeout_ms", 5000))
      if changes then changes(made) end
      return made
    end

    local function run(...)
      local reply, err = call("POST", EXECUTE, operation(...))
      assert(reply, err and tostring(err))
      return reply
    end

    local function refused(status, code, ...)
      local reply, err = call("POST", EXECUTE, operation(...))
      assert.is_nil(reply)
      assert.are.equal(status, err.status, tostring(err))
      if code then assert.are.equal(code, err.code, tostring(err)) end
      return err
    end

    local function changed(path, value)
      return function(made)
        local at = made
        for key in path:gmatch("([^.]+)%.") do at = at[key] end
        at[path:match("[^.]+$")] = value
      end
    end

    it("refuse a wrong envelope (E1 to E6)", function()
      refused(400, nil, "select", "SELECT 1", nil, changed("version", "compiled-sql.v2"))
      refused(400, nil, "merge", "SELECT 1")
      refused(400, nil, "SELECT", "SELECT 1")
      refused(400, nil, "select", "SELECT 1", nil, changed("operation", core.null))
      refused(400, nil, "select", "SELECT 1", nil, changed("dialect", "mysql"))
      refused(400, "dialect_mismatch", "select", "SELECT 1", nil,
        changed("dialect", dialect == "sqlite" and "postgresql" or "sqlite"))
      refused(400, nil, "select", "SELECT 1", nil, changed("statement.paramstyle", "qmark"))
      for _, key in ipairs({ "skope", "scope.skope", "statement.x", "limits.x", "project_context" }) do
        local err = refused(400, nil, "select", "SELECT 1", nil, changed(key, 1))
        assert.is_truthy(err.message:find(key:match("[^.]+$"), 1, true), err.message)
      end
      refused(400, nil, "select", "SELECT 1", nil, changed("scope.tables", core.array({})))
      refused(400, nil, "select", "SELECT 1", nil, changed("scope.tables", core.null))
    end)

    it("judge the scope (E7, E9 to E12)", function()
      local function with(...)
        local tables = {}
        for position, one in ipairs({ ... }) do tables[position] = core.object(table.unpack(one)) end
        return changed("scope.tables", core.array(tables))
      end
      local nobody = "00000000-0000-4000-8000-000000000000"
      refused(404, "not_found", "select", "SELECT 1", nil, with({ "meta_table_uid", nobody }))
      refused(400, "data_source_mismatch", "select", "SELECT 1", nil, changed("scope.data_source_uid", nobody))
      refused(400, "repeated_alias", "select", "SELECT 1", nil, with(
        { "meta_table_uid", world.account, "alias", "a" }, { "meta_table_uid", world.account, "alias", "a" }))
      -- the stronger access of two counts
      run("update", "UPDATE account SET s = 'x' WHERE uid = -1", nil, with(
        { "meta_table_uid", world.account, "access", "read" }, { "meta_table_uid", world.account, "access", "write" }))
      refused(400, "write_not_permitted", "update", "UPDATE account SET s = 'x'", nil,
        with({ "meta_table_uid", world.account, "access", "read" }))
    end)

    it("keep limits (E14 to E17, E31, E32)", function()
      for _, value in ipairs({ 0, -1 }) do
        refused(400, nil, "select", "SELECT 1", nil, changed("limits.max_rows", value))
        refused(400, nil, "select", "SELECT 1", nil, changed("limits.statement_timeout_ms", value))
      end
      refused(400, nil, "select", "SELECT 1", nil, changed("limits.offset", -1))
      assert.are.equal(10000, run("select", "SELECT 1 AS n", nil, changed("limits.max_rows", 1000000000)).max_rows)
      run("select", "SELECT 1 AS n", nil, changed("limits.statement_timeout_ms", 86400000))
      refused(413, "statement_too_long", "select", "SELECT 1" .. (" "):rep(1000000))
      local reply = run("select", "SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 ORDER BY n", nil,
        changed("limits.max_rows", 2))
      assert.is_true(reply.truncated)
      assert.is_true(reply.pagination.has_more)
      assert.are.equal(2, reply.pagination.next_offset)
      local err = refused(400, "row_limit", "insert",
        "INSERT INTO account (uid) VALUES (901), (902), (903) RETURNING uid", nil, changed("limits.max_rows", 2))
      assert.is_truthy(err.message:find("3 rows", 1, true))
      assert.are.equal(0, run("select", "SELECT uid FROM account WHERE uid > 900").row_count)
    end)

    it("bind parameters and never text (E18 to E28)", function()
      refused(400, nil, "select", "SELECT 'a\0b'")
      refused(400, nil, "select", "SELECT %(a)s AS a", core.object("a", "x\0y"))
      local err = refused(400, "parameter_missing", "select", "SELECT %(a)s AS a")
      assert.is_truthy(err.message:find("'a'", 1, true))
      refused(400, "parameter_unused", "select", "SELECT 1 AS a", core.object("a", 1))
      assert.are.equal("%(a)s", run("select", "SELECT '%(a)s' AS v /* %(b)s */").rows[1].v)
      assert.are.equal("50%", run("select", "SELECT '50%%' AS v").rows[1].v)
      assert.are.equal(1, run("select", "SELECT 7 %% 2 AS v").rows[1].v)
      refused(400, nil, "select", "SELECT 7 % 2 AS v")
      for position, text in ipairs({ "'; DROP TABLE account; --", "back\\slash \\' $$ %s %(x)s", "\u{1F600}" }) do
        run("insert", "INSERT INTO account (uid, s) VALUES (%(u)s, %(s)s)", core.object("u", 100 + position, "s", text))
        local row = run("select", "SELECT s FROM account WHERE uid = %(u)s", core.object("u", 100 + position)).rows[1]
        assert.are.equal(text, row.s)
      end
      local ordered = run("select", "SELECT uid FROM account WHERE uid > 100 ORDER BY %(c)s, uid", core.object("c", "s"))
      assert.are.equal(101, ordered.rows[1].uid)
      refused(400, nil, "select", "SELECT %(t)s AS t", core.object("t", "2024-01-01T00:00:00"),
        changed("statement.parameter_types", core.object("t", "timestamp with time zone")))
      for _, count in ipairs({ 1, 1000 }) do
        local names, parameters = {}, core.object()
        for i = 1, count do
          names[i] = ("%%(v_%d)s"):format(i)
          parameters["v_" .. i] = 100 + i
        end
        local reply = run("select", "SELECT uid FROM account WHERE uid IN (" .. table.concat(names, ", ") .. ")", parameters)
        assert.are.equal(math.min(count, 3), reply.row_count)
      end
    end)

    it("take no more parameters than the database (E29)", function()
      local most = dialect == "sqlite" and 32766 or 65535
      local names, parameters = {}, core.object()
      for i = 1, most + 1 do
        names[i] = ("%%(v%d)s"):format(i)
        parameters["v" .. i] = i
      end
      local err = refused(400, "too_many_parameters", "select",
        "SELECT uid FROM account WHERE uid IN (" .. table.concat(names, ",") .. ")", parameters)
      assert.is_truthy(err.hint)
    end)

    it("carry values there and back (E30)", function()
      local parameters = core.object("t", "2024-02-29T10:00:00+02:00", "n", "12345678.12345",
        "j", core.object("a", core.array({ 1, core.null, true })), "b", "AP8=", "s", "ü")
      run("upsert", [[INSERT INTO account (uid, s, t, n, j, b) VALUES (500, %(s)s, %(t)s, %(n)s, %(j)s, %(b)s)
        ON CONFLICT (uid) DO UPDATE SET s = excluded.s]], parameters,
        changed("statement.parameter_types", core.object("t", "timestamp with time zone")))
      local row = run("select", "SELECT s, t, n, j, b FROM account WHERE uid = 500").rows[1]
      assert.are.equal("ü", row.s)
      assert.are.equal("2024-02-29T08:00:00.000000Z", row.t)
      assert.are.equal(12345678.12345, tonumber(row.n))
      assert.are.equal('{"a": [1, null, true]}', core.json_encode(row.j))
      assert.are.equal("AP8=", row.b)
      local large = run("select", "SELECT %(a)s AS a, %(b)s AS b, %(c)s AS c",
        core.object("a", math.maxinteger, "b", -math.maxinteger, "c", 1.5)).rows[1]
      assert.are.equal(math.maxinteger, large.a)
      assert.are.equal(-math.maxinteger, large.b)
      assert.are.equal(1.5, large.c)
      local text = ("x"):rep(1024 * 1024)
      assert.are.equal(text, run("select", "SELECT CAST(%(x)s AS TEXT) AS x", core.object("x", text)).rows[1].x)
    end)

    it("give rows one by one", function()
      local function count(kind, sql, changes)
        local rows, failure = 0, nil
        for row, err in session.MetaTable.iter_operation(operation(kind, sql, nil, changes)) do
          if row then rows = rows + 1 else failure = err end
        end
        return rows, failure
      end
      local numbers = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 250) SELECT n FROM r ORDER BY n"
      assert.are.equal(250, (count("select", numbers)))
      assert.are.equal(250, (count("select", numbers, changed("limits.max_rows", 50))))
      assert.are.equal(10, (count("select", numbers, changed("limits.offset", 240))))
      assert.are.equal(0, (count("select", numbers .. " LIMIT 0")))
      local rows, err = count("select", "SELECT nothing FROM account")
      assert.are.equal(0, rows)
      assert.are.equal("invalid_statement", err.code)
      assert.has_error(function() session.MetaTable.iter_operation(operation("insert", "INSERT")) end)
    end)

    it("end work without bounds", function()
      refused(408, "timeout", "select",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS n FROM r", nil,
        changed("limits.statement_timeout_ms", 200))
    end)

    it("follow changes of the tables (E39, E40)", function()
      assert.are.equal(1, run("select", "SELECT count(*) AS n FROM account WHERE uid = 500").rows[1].n)
      local connection = assert(core.connect(world.uri))
      assert(connection:script("ALTER TABLE account RENAME TO moved"))
      refused(400, nil, "select", "SELECT count(*) AS n FROM account WHERE uid = 500")
      assert(connection:script("ALTER TABLE moved RENAME TO account"))
      connection:close()
      assert.are.equal(1, run("select", "SELECT count(*) AS n FROM account WHERE uid = 500").rows[1].n)
    end)
  end)
end
