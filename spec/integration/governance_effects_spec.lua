-- What a statement does beyond its text: cascades, triggers, rules, views, defaults, partitions, functions of the
-- database's own, errors and locks (F1 to F18 of core/manager/GOVERNANCE.md), through a TS Manager on both databases.
-- That the role of a principal refuses by itself is in spec/core/test_postgresql_fence.c.

local core = require("mainsequence.core")
local governed = require("spec.support.governed")

local SCRIPT = [[
CREATE TABLE account (uid INTEGER PRIMARY KEY, s VARCHAR(200), h INTEGER DEFAULT 4, CHECK (h < 100));
CREATE TABLE child (id INTEGER PRIMARY KEY, account_uid INTEGER REFERENCES account (uid) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE strict (id INTEGER PRIMARY KEY, account_uid INTEGER REFERENCES account (uid));
CREATE TABLE twin (id INTEGER PRIMARY KEY, a INTEGER REFERENCES account (uid) ON UPDATE CASCADE);
CREATE UNIQUE INDEX twin_a ON twin ((a % 100));
CREATE TABLE hidden (id INTEGER PRIMARY KEY, v VARCHAR(20) UNIQUE);
CREATE TABLE log (n INTEGER);
CREATE VIEW v_account AS SELECT uid, s FROM account;
CREATE VIEW v_hidden AS SELECT v FROM hidden;
INSERT INTO account (uid, s) VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO child VALUES (1, 1), (2, 2); INSERT INTO strict VALUES (1, 3);
INSERT INTO twin VALUES (1, 2), (2, 3); INSERT INTO hidden VALUES (1, 'secret');
]]

for _, dialect in ipairs({ "sqlite", "postgresql" }) do
  local postgresql = dialect == "postgresql"

  describe("effects of governed statements on " .. dialect, function()
    local world
    local fresh = 0

    lazy_setup(function()
      world = governed.new(dialect, SCRIPT, { fence = "parser_only" })
      world:register("account", { { "uid", "int32", "INTEGER" } })
    end)
    lazy_teardown(function() world:close() end)

    local function allowed(kind, text, changes)
      return world:run(kind, text, nil, nil, changes)
    end

    local function refused(code, kind, text, status)
      local err = world:refused(status or 400, code, world:operation(kind, text))
      assert.is_nil((err.message .. tostring(err.hint) .. tostring(err.detail)):find("secret", 1, true))
      return err
    end

    ---With texts that were not judged before: a change of the tables by others may be seen five seconds late.
    local function refuses_all(code, kinds)
      fresh = fresh + 1
      local texts = { select = "SELECT s, %d AS n FROM account", insert = "INSERT INTO account (uid) VALUES (90 + %d)",
        update = "UPDATE account SET s = 'x' WHERE uid = 90 + %d", delete = "DELETE FROM account WHERE uid = 90 + %d" }
      for _, kind in ipairs(kinds) do refused(code, kind, texts[kind]:format(fresh)) end
    end

    it("follow the foreign keys of what is deleted (F1)", function()
      assert.are.equal(1, allowed("delete", "DELETE FROM account WHERE uid = 1").row_count)
      assert.are.equal(0, world:ask("SELECT count(*) AS n FROM child WHERE id = 1"))
      -- what the statement names itself isn't authorised by a key
      refused("scope_violation", "delete", "DELETE FROM account WHERE uid IN (SELECT account_uid FROM child)")
      refused("scope_violation", "delete", "DELETE FROM child")
    end)

    it("follow the foreign keys of what is changed (F2)", function()
      assert.are.equal(1, allowed("update", "UPDATE account SET uid = 20 WHERE uid = 2").row_count)
      assert.are.equal(20, world:ask("SELECT account_uid AS n FROM child WHERE id = 2"))
      allowed("update", "UPDATE account SET uid = 2 WHERE uid = 20")
    end)

    it("know nothing of triggers (F3, F4)", function()
      world:script(postgresql and [[CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN INSERT INTO log VALUES (1); RETURN NEW; END $$;
        CREATE TRIGGER noting BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION note()]]
        or "CREATE TRIGGER noting AFTER INSERT ON account BEGIN INSERT INTO log SELECT id FROM hidden; END")
      finally(function()
        world:script(postgresql and "DROP TRIGGER noting ON account; DROP FUNCTION note()" or "DROP TRIGGER noting")
      end)
      if postgresql then
        refuses_all("relation_not_allowed", { "insert" })
        assert.are.equal(0, world:ask("SELECT count(*) AS n FROM log"))
      else
        -- SQLite's triggers are part of the table: who may make one may change every table of the file
        assert.are.equal(1, allowed("insert", "INSERT INTO account (uid) VALUES (90)").row_count)
        assert.are.equal(1, world:ask("SELECT count(*) AS n FROM log"))
        allowed("delete", "DELETE FROM account WHERE uid = 90")
      end
      allowed("select", "SELECT s FROM account")
    end)

    if postgresql then
      it("keep off tables with rules (F5)", function()
        world:script("CREATE RULE noting AS ON UPDATE TO account DO ALSO INSERT INTO log VALUES (1)")
        finally(function() world:script("DROP RULE noting ON account") end)
        refuses_all("relation_not_allowed", { "select", "insert", "update", "delete" })
        assert.are.equal(0, world:ask("SELECT count(*) AS n FROM log WHERE n = 1"))
      end)
    end

    it("read registered views, write none (F6)", function()
      refused("scope_violation", "select", "SELECT s FROM v_account")
      refused("scope_violation", "select", "SELECT count(*) AS n FROM v_hidden")
      local uid = world:register("v_account", { { "uid", "int32", "INTEGER" }, { "s", "string", "VARCHAR(200)" } })
      assert.is_truthy(uid)
      if postgresql then
        assert.are.equal("two", allowed("select", "SELECT s FROM v_account WHERE uid = 2").rows[1].s)
        assert.are.equal(2, allowed("select", "SELECT count(*) AS n FROM v_account").rows[1].n)
      else
        -- its authorizer tells the reading of a view from that of a WITH of the same name by nothing
        refused("scope_violation", "select", "SELECT s FROM v_account WHERE uid = 2")
        refused("scope_violation", "select", "WITH v_account AS (SELECT v FROM hidden) SELECT v FROM v_account")
      end
      for kind, text in pairs({ insert = "INSERT INTO v_account (uid) VALUES (90)",
        update = "UPDATE v_account SET s = 'x'", delete = "DELETE FROM v_account" }) do
        refused(nil, kind, text)
      end
      assert.are.equal(2, world:ask("SELECT count(*) AS n FROM account"))
      world.tables.v_account = nil
    end)

    it("compute defaults and checks, but with no function of a user's (F7)", function()
      allowed("insert", "INSERT INTO account (uid) VALUES (91)")
      assert.are.equal(4, allowed("select", "SELECT h FROM account WHERE uid = 91").rows[1].h)
      refused(nil, "update", "UPDATE account SET h = 100 WHERE uid = 91", 409)
      allowed("delete", "DELETE FROM account WHERE uid = 91")
      if postgresql then
        world:script("CREATE FUNCTION roll() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 4'; "
          .. "ALTER TABLE account ALTER h SET DEFAULT roll()")
        finally(function() world:script("ALTER TABLE account ALTER h SET DEFAULT 4; DROP FUNCTION roll()") end)
        refuses_all("relation_not_allowed", { "insert", "update" })
        allowed("select", "SELECT h FROM account")
      end
    end)

    if postgresql then
      it("route into partitions (F9)", function()
        world:script([[CREATE TABLE split (k int) PARTITION BY LIST (k);
          CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1); CREATE TABLE split_2 PARTITION OF split FOR VALUES IN (2)]])
        world:register("split", { { "k", "int32", "INTEGER" } })
        allowed("insert", "INSERT INTO split VALUES (1), (2)")
        assert.are.equal(1, world:ask("SELECT count(*) AS n FROM split_2"))
        allowed("update", "UPDATE split SET k = 2 WHERE k = 1")
        assert.are.equal(2, world:ask("SELECT count(*) AS n FROM split_2"))
        refused("scope_violation", "select", "SELECT k FROM split_2")
        assert.are.equal(2, allowed("delete", "DELETE FROM split").row_count)
        world.tables.split = nil
      end)

      it("keep off foreign tables (F11)", function()
        world:script([[CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
          CREATE FOREIGN TABLE far (line text) SERVER files OPTIONS (filename '/etc/passwd')]])
        world:register("far", { { "line", "string", "TEXT" } })
        refused("relation_not_allowed", "select", "SELECT line FROM far")
        refused("relation_not_allowed", "select", "SELECT count(*) AS n FROM account WHERE s IN (SELECT line FROM far)")
        world.tables.far = nil
      end)

      it("take operators, casts and functions from PostgreSQL alone (F12, F13)", function()
        world:script([[CREATE FUNCTION leak(int, text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT v FROM hidden';
          CREATE OPERATOR + (LEFTARG = int, RIGHTARG = text, FUNCTION = leak);
          CREATE FUNCTION lower(int) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT v FROM hidden';
          CREATE FUNCTION abs(text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT v FROM hidden';
          CREATE DOMAIN own AS int;
          CREATE FUNCTION own_text(own) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT v FROM hidden']])
        refused("operator_not_allowed", "select", "SELECT 1 + 'a'::text AS v")
        refused("operator_not_allowed", "select", "SELECT 1 OPERATOR(public.+) 'a'::text AS v")
        refused("function_not_allowed", "select", "SELECT lower(1) AS v")
        refused("function_not_allowed", "select", "SELECT public.lower(1) AS v")
        refused("function_not_allowed", "select", "SELECT abs('1'::text) AS v")
        refused(nil, "select", "SELECT 1::own AS v")
        refused(nil, "select", "SELECT CAST(1 AS public.own) AS v")
        -- nor is a name of PostgreSQL's trusted while the database has a function of that name
        refused("function_not_allowed", "select", "SELECT lower('A') AS v")
        world:script("DROP FUNCTION lower(int)")
        assert.are.equal("a", allowed("select", "SELECT lower('A') AS v").rows[1].v)
      end)
    else
      it("take functions from SQLite's list alone (F13)", function()
        refused("function_not_allowed", "select", "SELECT load_extension('x') AS v")
          refused("invalid_statement", "select", "SELECT readfile('/etc/passwd') AS v")
        assert.are.equal("a", allowed("select", "SELECT lower('A') AS v").rows[1].v)
      end)
    end

    it("tell of constraints no more than the scope holds (F14)", function()
      local err = refused(nil, "delete", "DELETE FROM account WHERE uid = 3", 409)
      assert.is_nil(err.message:find("strict", 1, true), err.message)
      assert.are.equal("foreign_key_violation", err.code)
      err = refused("unique_violation", "insert", "INSERT INTO account (uid) VALUES (2)", 409)
      assert.is_truthy(err.message:find("account", 1, true), err.message)
      assert.is_nil(err.message:find("two", 1, true), err.message)
      -- a cascade that meets a constraint of a table outside the scope
      err = refused("unique_violation", "update", "UPDATE account SET uid = 103 WHERE uid = 2", 409)
      assert.is_truthy(err.message:find("outside its scope", 1, true), err.message)
      -- nothing that would fail differently for a value that is there
      for _, value in ipairs({ "secret", "nothing" }) do
        err = refused("scope_violation", "insert", ("INSERT INTO hidden (id, v) VALUES (5, '%s')"):format(value))
        assert.is_nil(err.message:find(value, 1, true), err.message)
      end
    end)

    it("wait for a lock no longer than they may run (F18)", function()
      local holder = assert(core.connect(world.uri))
      assert(holder:begin(true))
      assert(holder:execute("UPDATE account SET s = 'held' WHERE uid = 2"))
      local operation = world:operation("update", "UPDATE account SET s = 'mine' WHERE uid = 2", nil, nil,
        { ["limits.statement_timeout_ms"] = 300 })
      -- on SQLite waiting for the lock is part of the statement's time
      world:refused(postgresql and 503 or 408, postgresql and "database_locked" or "timeout", operation)
      -- readers don't wait
      assert.are.equal("two", allowed("select", "SELECT s FROM account WHERE uid = 2").rows[1].s)
      holder:rollback()
      holder:close()
      assert.are.equal(1, assert(world:send(operation)).row_count)
      allowed("update", "UPDATE account SET s = 'two' WHERE uid = 2")
    end)
  end)
end
