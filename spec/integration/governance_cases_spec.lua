-- Cases of the envelope, of parameters and of the life of a statement that need users, a second data source or a server
-- on HTTP, on both databases.

local core = require("mainsequence.core")
local compiled_sql = require("mainsequence.meta_tables.compiled_sql.v1")
local governed = require("spec.support.governed")
local sql = require("mainsequence.sql")

local COLUMNS = { { "uid", "int32", "INTEGER" }, { "s", "string", "VARCHAR(200)" }, { "n", "numeric", "NUMERIC" },
  { "big", "int64", "BIGINT" }, { "f", "float64", "DOUBLE PRECISION" }, { "at", "timestamp with time zone",
    "TIMESTAMP WITH TIME ZONE" }, { "born", "date", "DATE" } }
local SCRIPT = [[CREATE TABLE account (uid INTEGER PRIMARY KEY, s VARCHAR(200), n NUMERIC, big BIGINT, f DOUBLE PRECISION,
  at %s, born DATE); CREATE TABLE hidden (id INTEGER PRIMARY KEY);
  INSERT INTO account (uid, s) VALUES (1, 'one'), (2, 'two');]]
local NOBODY = "00000000-0000-4000-8000-000000000000"

for _, dialect in ipairs({ "sqlite", "postgresql" }) do
  describe("governed statements of users on " .. dialect, function()
    local world

    lazy_setup(function()
      world = governed.new(dialect, SCRIPT:format(dialect == "sqlite" and "TIMESTAMP" or "TIMESTAMP WITH TIME ZONE"))
      world:register("account", COLUMNS)
      world:register("hidden")
      world:serve("reader", "writer")
      world:share("account", "reader", "add-to-view")
      world:share("account", "writer", "add-to-edit")
    end)
    lazy_teardown(function() world:close() end)

    local ACCOUNT, WRITE = { account = "read" }, { account = "write" }

    local function select(scope, changes)
      return world:operation("select", "SELECT uid FROM account ORDER BY uid", nil, scope or ACCOUNT, changes)
    end

    it("tell nobody of a table that they may not view (E7)", function()
      local there = world:refused(404, "not_found", select({ hidden = "read" }), "reader")
      local gone = world:refused(404, "not_found", select(nil, { ["scope.tables"] = core.array({
        core.object("meta_table_uid", NOBODY) }) }), "reader")
      local unknown = "there is no MetaTable '%s'"
      assert.is_truthy(there.message:find(unknown:format(world.tables.hidden), 1, true), there.message)
      assert.is_truthy(gone.message:find(unknown:format(NOBODY), 1, true), gone.message)
      assert.are.equal(gone.hint, there.hint)
      world:refused(404, "not_found", select({ hidden = "write" }), "reader")
    end)

    it("name who can grant what is missing (E8)", function()
      assert.are.equal(2, assert(world:send(select(), "reader")).row_count)
      local err = world:refused(403, "edit_required", select(WRITE), "reader")
      assert.is_truthy(err.message:find("'account'", 1, true), err.message)
      assert.is_truthy(err.hint:find("'local'", 1, true), err.hint)
      local insert = world:operation("insert", "INSERT INTO account (uid) VALUES (3)", nil, WRITE)
      world:refused(403, "edit_required", insert, "reader")
      assert.are.equal(1, assert(world:send(insert, "writer")).row_count)
      -- what the scope does not declare for writing isn't written, whoever asks
      world:refused(400, "write_not_permitted", world:operation("delete", "DELETE FROM account", nil, ACCOUNT), "writer")
      world:run("delete", "DELETE FROM account WHERE uid = 3")
    end)

    it("look for a reserved table when asked to (E9)", function()
      local rows = world:call("POST", "meta_table/", core.array({ core.object("data_source_uid", world.source,
        "identifier", "app.late", "namespace", "app", "migration_package", "app", "migration_namespace", "app",
        "physical_table_name", "late", "table_contract", core.object("physical", core.object("table_name", "late"),
          "columns", core.array({ core.object("name", "id", "data_type", "int32", "backend_type", "INTEGER") }))) }))
      local function late(policy)
        return world:operation("select", "SELECT id FROM late", nil, {}, { ["scope.tables"] = core.array({
          core.object("meta_table_uid", rows[1].uid, "reserved_policy", policy) }) })
      end
      assert.is_truthy(world:refused(409, "table_reserved", late("reject")).hint:find("reconcile", 1, true))
      world:refused(409, "table_reserved", late(nil))
      world:refused(409, "physical_table_missing", late("reconcile"))
      world:script("CREATE TABLE late (id INTEGER); INSERT INTO late VALUES (7)")
      world:refused(409, "table_reserved", late("reject"))
      assert.are.equal(7, assert(world:send(late("reconcile"))).rows[1].id)
      assert.are.equal(7, assert(world:send(late("reject"))).rows[1].id)
      assert.are.equal("active", world:call("GET", "meta_table/" .. rows[1].uid .. "/").provisioning_status)
    end)

    it("keep to one data source (E10, E11)", function()
      local other = world:add_source("CREATE TABLE elsewhere (id INTEGER)")
      local elsewhere = world:register("elsewhere", nil, other)
      world.tables.elsewhere = nil
      local both = core.array({ core.object("meta_table_uid", world.tables.account), core.object("meta_table_uid", elsewhere) })
      local err = world:refused(400, "data_source_mismatch", select(nil, { ["scope.tables"] = both }))
      assert.is_truthy(err.message:find("'elsewhere'", 1, true), err.message)
      world:refused(400, "data_source_mismatch", select(nil, { ["scope.data_source_uid"] = other }))
      world:refused(400, "data_source_mismatch", select(nil, { ["scope.data_source_uid"] = NOBODY }))
      world:refused(400, nil, select(nil, { ["scope.data_source_uid"] = "" }))
    end)

    it("keep to the access mode of the data source (E13)", function()
      local function mode(name)
        world:call("PATCH", "data_sources/" .. world.source .. "/", core.object("access_mode", name))
      end
      local insert = world:operation("insert", "INSERT INTO account (uid) VALUES (4)", nil, WRITE)
      finally(function() mode("read_write") end)
      mode("read_only")
      assert.is_truthy(world:refused(409, "data_source_access", insert, "writer").message:find("reading only", 1, true))
      assert.are.equal(2, assert(world:send(select(), "reader")).row_count)
      mode("disabled")
      assert.is_truthy(world:refused(409, "data_source_access", select(), "reader").message:find("disabled", 1, true))
      world:refused(409, "data_source_access", insert)
      mode("read_write")
      assert.are.equal(1, assert(world:send(insert, "writer")).row_count)
      world:run("delete", "DELETE FROM account WHERE uid = 4")
    end)

    it("say how a percent sign is written (E23)", function()
      for _, text in ipairs({ "SELECT 7 % 2 AS v", "SELECT '5%' AS v", 'SELECT 1 AS "5%"', "SELECT 7 %s" }) do
        local err = world:refused(400, "statement", world:operation("select", text, nil, ACCOUNT))
        assert.is_truthy(err.hint:find("%%", 1, true), err.hint)
      end
    end)

    it("want the types of dates and times (E27)", function()
      local types = core.object("t", "timestamp with time zone")
      for _, text in ipairs({ "2026-05-28T10:00:00", "2026-05-28 10:00", "2026-05-28", "28.5.2026" }) do
        world:refused(400, "bad_value", world:operation("select", "SELECT %(t)s AS t", core.object("t", text), ACCOUNT,
          { ["statement.parameter_types"] = types }))
      end
      for _, naive in ipairs({ "timestamp", "datetime naive", "timestamp without time zone" }) do
        world:refused(400, nil, world:operation("select", "SELECT %(t)s AS t", core.object("t", "2026-05-28T10:00:00Z"),
          ACCOUNT, { ["statement.parameter_types"] = core.object("t", naive) }))
      end
      world:refused(400, "bad_value", world:operation("select", "SELECT %(d)s AS d", core.object("d", "2026-02-30"), ACCOUNT,
        { ["statement.parameter_types"] = core.object("d", "date") }))
      -- on the wire an untyped date is a text; that it lacks its type is seen where the value is still a date
      local scope = { { meta_table_uid = world.tables.account } }
      for _, value in ipairs({ sql.date("2026-05-28"), sql.timestamp("2026-05-28T10:00:00Z") }) do
        assert.has_error(function()
          compiled_sql.build_operation { operation = "select", sql = "SELECT %(t)s", parameters = { t = value },
            scope_tables = scope, data_source_uid = world.source, dialect = dialect }
        end)
      end
      -- a column knows its own
      world:run("upsert", [[INSERT INTO account (uid, born, at) VALUES (2, %(d)s, %(t)s)
        ON CONFLICT (uid) DO UPDATE SET born = excluded.born, at = excluded.at]],
        core.object("d", "2024-02-29", "t", "2024-02-29T10:00:00+02:00"))
      local row = world:run("select", "SELECT born, at FROM account WHERE uid = 2").rows[1]
      assert.are.equal("2024-02-29", row.born)
      assert.are.equal("2024-02-29T08:00:00.000000Z", row.at)
    end)

    it("compare with a list of no values, and with typed ones (E28)", function()
      local schema = require("mainsequence.schema")
      local account = schema.Table("account", { metadata = schema.MetaData {} })
      account.uid = schema.types.Integer { primary_key = true }
      account.born = schema.types.Date {}
      account.at = schema.types.DateTime { timezone = true }
      local function rows(condition)
        local operation = compiled_sql.compile_statement(sql.select(account.uid):where(condition), { operation = "select",
          scope_tables = { { meta_table_uid = world.tables.account } }, data_source_uid = world.source, dialect = dialect })
        return assert(world:send(operation)).row_count
      end
      assert.are.equal(0, rows(account.uid:in_ {}))
      assert.are.equal(2, rows(~account.uid:in_ {}))
      assert.are.equal(1, rows(account.uid:in_ { 1 }))
      local many = {}
      for i = 1, 1000 do many[i] = i end
      assert.are.equal(2, rows(account.uid:in_(many)))
      world:run("update", "UPDATE account SET born = %(d)s, at = %(t)s WHERE uid = 1",
        core.object("d", "2020-01-01", "t", "2020-01-01T01:00:00+01:00"))
      assert.are.equal(1, rows(account.born:in_ { sql.date("2020-01-01"), sql.date("2021-01-01") }))
      assert.are.equal(1, rows(account.at:in_ { sql.timestamp("2020-01-01T00:00:00Z"), sql.timestamp("1999-01-01T00:00:00Z") }))
    end)

    it("take as many parameters as the database (E29)", function()
      local names, parameters = {}, core.object()
      for i = 1, dialect == "sqlite" and 32766 or 65535 do
        names[i] = ("%%(v%d)s"):format(i)
        parameters["v" .. i] = i
      end
      local text = "SELECT uid FROM account WHERE uid IN (" .. table.concat(names, ",") .. ")"
      local reply = world:run("select", text, parameters, nil, { ["limits.statement_timeout_ms"] = 120000 })
      assert.are.equal(2, reply.row_count)
    end)

    it("write many rows in one statement (E29)", function()
      local rows, parameters = {}, core.object("at", "2026-05-28T00:00:00Z", "born", "2026-05-28")
      for i = 1, 5000 do
        rows[i] = ("(%%(u%d)s, %%(s%d)s, %%(at)s, %%(born)s)"):format(i, i)
        parameters["u" .. i], parameters["s" .. i] = 1000 + i, "row " .. i
      end
      local reply = world:run("insert", "INSERT INTO account (uid, s, at, born) VALUES " .. table.concat(rows, ", ")
        .. " RETURNING uid, s, at, born", parameters, nil,
        { ["limits.max_rows"] = 5000, ["limits.statement_timeout_ms"] = 120000 })
      assert.are.equal(5000, reply.row_count)
      local last = reply.rows[5000]
      assert.are.same({ 6000, "row 5000", "2026-05-28T00:00:00.000000Z", "2026-05-28" },
        { last.uid, last.s, last.at, last.born })
      assert.are.equal(5000, world:run("delete", "DELETE FROM account WHERE uid > 1000").row_count)
    end)

    it("lose nothing of what is hard to carry, or refuse it (E30)", function()
      local function value(column, given)
        world:run("update", ("UPDATE account SET %s = %%(v)s WHERE uid = 1"):format(column), core.object("v", given))
        return world:run("select", ("SELECT %s AS v FROM account WHERE uid = 1"):format(column)).rows[1].v
      end
      local function bad(column, given, code, words)
        local err = world:refused(400, code, world:operation("update",
          ("UPDATE account SET %s = %%(v)s WHERE uid = 1"):format(column), core.object("v", given), WRITE))
        if words then assert.is_truthy(err.message:find(words, 1, true), err.message) end
      end
      local wrong = dialect == "sqlite" and "bad_value" or "invalid_value"
      for _, text in ipairs({ "Infinity", "-Infinity" }) do assert.are.equal(text, value("f", text)) end
      bad("f", "1e400", wrong)
      bad("f", "abc", wrong)
      bad("big", "9223372036854775808", wrong)
      bad("big", "1.5", wrong)
      assert.are.equal(math.maxinteger, value("big", "9223372036854775807"))
      assert.are.equal(math.mininteger, value("big", math.mininteger))
      local huge = "1" .. ("0"):rep(400)
      if dialect == "sqlite" then
        bad("f", "NaN", wrong, "'v'")
        bad("n", "NaN", wrong, "'v'")
        bad("n", huge, wrong, "'v'")
        bad("n", "9223372036854775808", wrong, "15 significant digits")
      else
        assert.are.equal("NaN", value("f", "NaN"))
        assert.are.equal("NaN", value("n", "NaN"))
        assert.are.equal(huge, value("n", huge))
        assert.are.equal("9223372036854775808", value("n", "9223372036854775808"))
        assert.are.equal("0." .. ("0"):rep(399) .. "1", value("n", "1e-400"))
      end
      local megabyte = ("\u{1F600}"):rep(256 * 1024)
      assert.are.equal(megabyte, world:run("select", "SELECT CAST(%(v)s AS TEXT) AS v", core.object("v", megabyte)).rows[1].v)
      -- a document of 10,000 levels: as a text it is one, as a value it is refused before anything recurses
      local deep = ("["):rep(10000) .. ("]"):rep(10000)
      assert.are.equal(deep, world:run("select", "SELECT CAST(%(v)s AS TEXT) AS v", core.object("v", deep)).rows[1].v)
      local body = core.json_encode(world:operation("select", "SELECT %(v)s AS v", core.object("v", "DEEP"), ACCOUNT))
      local reply, err = world.clients.writer:call("POST", "/orm/api/ts_manager/meta_table/execute-operation/",
        { text = (body:gsub('"DEEP"', (deep:gsub("%%", "%%%%")))) })
      assert.is_nil(reply)
      assert.are.equal(400, err.status, tostring(err))
    end)

    it("send a write once, whatever it returns (E33)", function()
      local client = world.clients.writer
      local before = world:logged()
      local numbers = [[WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10001) SELECT n FROM r]]
      local reply = assert(client:execute_operation(world:operation("select", numbers, nil, ACCOUNT,
        { ["limits.max_rows"] = 20000 })))
      assert.are.equal(10001, #reply.rows)
      assert.are.equal(before + 2, world:logged())
      reply = assert(client:execute_operation(world:operation("insert",
        "INSERT INTO account (uid) VALUES (901), (902), (903) RETURNING uid", nil, WRITE, { ["limits.max_rows"] = 3 })))
      assert.are.equal(3, #reply.rows)
      assert.are.equal(before + 3, world:logged())
      local refusal
      reply, refusal = client:execute_operation(world:operation("delete", "DELETE FROM account WHERE uid > 900 RETURNING uid",
        nil, WRITE, { ["limits.max_rows"] = 2 }))
      assert.is_nil(reply)
      assert.are.equal("row_limit", refusal.code)
      assert.are.equal(before + 4, world:logged())
      assert.are.equal(3, world:run("delete", "DELETE FROM account WHERE uid > 900").row_count)
    end)

    it("leave nothing in a session for the next user (E37)", function()
      local attempts = { "PREPARE p AS SELECT 1", "CREATE TEMP TABLE t (id INTEGER)", "BEGIN", "SAVEPOINT s",
        "SELECT pg_advisory_lock(1)", "SELECT set_config('search_path', 'pg_temp', false)", "SET search_path = pg_temp",
        "PRAGMA case_sensitive_like = 1", "ATTACH ':memory:' AS other", "LISTEN x", "DECLARE c CURSOR WITH HOLD FOR SELECT 1" }
      for _, text in ipairs(attempts) do
        for _, kind in ipairs({ "select", "insert" }) do
          world:refused(400, nil, world:operation(kind, text, nil, WRITE), "writer")
        end
        local reply = world.clients.writer:call("POST",
          ("/orm/api/ts_manager/meta_table/%s/run_query/"):format(world.tables.account), { text = text, accept = 400 })
        assert.is_false(reply.ok)
      end
      assert.are.equal(2, assert(world:send(select(), "reader")).row_count)
      assert.are.equal("B", world:run("select", "SELECT CASE WHEN 'A' LIKE 'a' THEN 'A' ELSE 'B' END AS v").rows[1].v
        == (dialect == "sqlite" and "A" or "B") and "B" or "changed")
      if dialect == "postgresql" then
        assert.are.equal(0, world:ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
        assert.are.equal(0, world:ask("SELECT count(*) FROM pg_class WHERE relpersistence = 't'"))
        assert.are.equal(0, world:ask([[SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle']]))
      end
    end)

    it("refuse what was allowed a moment ago (E38)", function()
      local insert = world:operation("upsert", "INSERT INTO account (uid) VALUES (1) ON CONFLICT (uid) DO NOTHING", nil, WRITE)
      assert(world:send(select(), "reader"))
      assert(world:send(insert, "writer"))
      world:share("account", "reader", "remove-from-view")
      world:refused(404, "not_found", select(), "reader")
      world:share("account", "writer", "remove-from-edit")
      world:refused(404, "not_found", insert, "writer")
      world:share("account", "writer", "add-to-view")
      world:refused(403, "edit_required", insert, "writer")
      world:share("account", "reader", "add-to-view")
      world:share("account", "writer", "add-to-edit")
      assert(world:send(select(), "reader"))
      assert(world:send(insert, "writer"))
    end)

    it("judge each user and scope anew (E40)", function()
      local text = "SELECT count(*) AS n FROM hidden"
      for _ = 1, 3 do
        world:run("select", text, nil, { hidden = "read" })
        world:refused(404, "not_found", world:operation("select", text, nil, { hidden = "read" }), "writer")
        world:refused(400, "scope_violation", world:operation("select", text, nil, ACCOUNT), "writer")
        world:refused(400, "scope_violation", world:operation("select", text, nil, ACCOUNT))
        world:refused(400, "kind_mismatch", world:operation("delete", text, nil, { hidden = "write" }))
      end
    end)
  end)
end
