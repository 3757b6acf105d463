local graphs = require("mainsequence.meta_tables.migrations.graph")
local revisions = require("mainsequence.meta_tables.migrations.revision")

local function revision(id, down, extra)
  local fields = { revision = id, down_revision = down, upgrade = function() end, downgrade = function() end }
  for name, value in pairs(extra or {}) do
    fields[name] = value
  end
  return assert(revisions.from_table(fields, id .. ".lua"))
end

local function graph(...)
  return assert(graphs.new({ ... }))
end

local function failure(...)
  local result, err = graphs.new({ ... })
  assert.is_nil(result)
  return tostring(err)
end

local function ids(plan)
  local list = {}
  for position, entry in ipairs(plan) do
    list[position] = entry.revision
  end
  return table.concat(list, " ")
end

local function resolve(g, symbol)
  return table.concat(assert(g:resolve(symbol)), " ")
end

local function refused(result, err)
  assert.is_nil(result)
  return tostring(err)
end

-- 0001 ─ 0002 ─ 0003
local function line()
  return graph(revision("0003", "0002"), revision("0001"), revision("0002", "0001"))
end

--         ┌ b1 ─ b2 (label beta)
-- a1 ─ a2 ┤
--         └ c1 ─ c2
local function forked()
  return graph(revision("a1xx"), revision("a2xx", "a1xx"),
    revision("b1xx", "a2xx", { branch_labels = "beta" }), revision("b2xx", "b1xx"),
    revision("c1xx", "a2xx"), revision("c2xx", "c1xx"))
end

describe("migrations.graph", function()
  it("orders parents before children whatever the order of the files", function()
    assert.are.equal("0001 0002 0003", table.concat(line().order, " "))
    assert.are.same({ "0003" }, line().heads)
    assert.are.same({ "0001" }, line().bases)
  end)

  it("counts ids as numbers", function()
    local g = graph(revision("9999"), revision("10000", "9999"))
    assert.are.equal("10001", assert(g:next_id()))
    assert.are.equal("0001", assert(graphs.new({})):next_id())
  end)

  it("refuses to count past an id that is no number", function()
    assert.has_match("sequential", refused(graph(revision("0001"), revision("beef", "0001")):next_id()))
  end)

  describe("refuses", function()
    it("a missing parent, naming file and near miss", function()
      local text = failure(revision("0001"), revision("0002", "0011"))
      assert.has_match("'0002' %(0002.lua%) follows '0011'", text)
      assert.has_match("did you mean '0001'", text)
    end)

    it("a missing dependency", function()
      assert.has_match("depends on 'nope'", failure(revision("0001", nil, { depends_on = "nope" })))
    end)

    it("one id twice, naming both files", function()
      local other = revision("0001")
      other.path = "other.lua"
      local text = failure(revision("0001"), other)
      assert.has_match("0001.lua and other.lua", text)
    end)

    it("cycles of parents and of dependencies", function()
      assert.has_match("cycle: 0001 → 0002 → 0001", failure(revision("0001", "0002"), revision("0002", "0001")))
      assert.has_match("cycle: 0001 → 0001", failure(revision("0001", "0001")))
      assert.has_match("cycle", failure(revision("0001", nil, { depends_on = "0002" }), revision("0002", "0001")))
    end)

    it("a label declared twice or equal to an id", function()
      assert.has_match("declared by", failure(revision("0001", nil, { branch_labels = "x" }),
        revision("0002", nil, { branch_labels = "x" })))
      assert.has_match("also the id", failure(revision("0001", nil, { branch_labels = "0002" }), revision("0002")))
    end)
  end)

  describe("symbols", function()
    it("name heads, base, ids and prefixes of four characters or more", function()
      local g = graph(revision("abcd1111"), revision("abcd2222", "abcd1111"))
      assert.are.equal("abcd2222", resolve(g, "head"))
      assert.are.equal("abcd2222", resolve(g, "heads"))
      assert.are.equal("", resolve(g, "base"))
      assert.are.equal("abcd1111", resolve(g, "abcd1"))
      assert.has_match("beginning of several", refused(g:resolve("abcd")))
      assert.has_match("no revision 'abc'", refused(g:resolve("abc")))
      assert.has_match("no revision 'beef'", refused(g:resolve("beef")))
    end)

    it("prefer a whole id to a prefix", function()
      local g = graph(revision("0001"), revision("00011", "0001"))
      assert.are.equal("0001", resolve(g, "0001"))
    end)

    it("step from a revision", function()
      assert.are.equal("0003", resolve(line(), "0001+2"))
      assert.are.equal("0001", resolve(line(), "0003-2"))
      assert.are.equal("", resolve(line(), "0003-3"))
      assert.are.equal("0002", resolve(line(), "head-1"))
      assert.are.equal("0002", resolve(line(), "base+2"))
      assert.has_match("only 2", refused(line():resolve("0001+3")))
      assert.has_match("only 3", refused(line():resolve("0003-4")))
      assert.has_match("ambiguous", refused(forked():resolve("a2xx+1")))
    end)

    it("name branches by label or by any revision", function()
      local g = forked()
      assert.has_match("2 heads %(b2xx, c2xx%)", refused(g:resolve("head")))
      assert.are.equal("b2xx c2xx", resolve(g, "heads"))
      assert.are.equal("b2xx", resolve(g, "beta@head"))
      assert.are.equal("c2xx", resolve(g, "c1xx@head"))
      assert.are.equal("b2xx", resolve(g, "beta@a2xx+2"))
      assert.are.equal("b1xx", resolve(g, "beta"))
      assert.has_match("no branch 'bta'", refused(g:resolve("bta@head")))
      assert.has_match("not on the branch", refused(g:resolve("beta@c1xx")))
      assert.has_match("no revision symbol", refused(g:resolve("a@b@c")))
    end)

    it("need a database to count from nothing", function()
      assert.has_match("name a revision", refused(line():resolve("+1")))
    end)
  end)

  describe("upgrade", function()
    local function plan(g, symbol, current)
      return ids(g:upgrade_plan(assert(g:upgrade_targets(symbol, current)), current))
    end

    it("runs what is missing, and nothing when the target is there", function()
      assert.are.equal("0001 0002 0003", plan(line(), "head", {}))
      assert.are.equal("0002", plan(line(), "0002", { "0001" }))
      assert.are.equal("", plan(line(), "0001", { "0003" }))
      assert.are.equal("", plan(line(), "base", { "0003" }))
    end)

    it("steps from the database", function()
      assert.are.equal("0001", plan(line(), "+1", {}))
      assert.are.equal("0002 0003", plan(line(), "+2", { "0001" }))
      assert.has_match("only 0", refused(line():upgrade_targets("+1", { "0003" })))
      assert.has_match("only 2", refused(line():upgrade_targets("+5", { "0001" })))
      assert.has_match("upgrade takes %+N", refused(line():upgrade_targets("-1", { "0003" })))
      assert.has_match("to each of b1xx, c1xx", refused(forked():upgrade_targets("+1", { "a2xx" })))
      assert.has_match("database is at b1xx, c1xx", refused(forked():upgrade_targets("+1", { "b1xx", "c1xx" })))
      assert.are.equal("c2xx", plan(forked(), "c2xx@+1", { "b1xx", "c1xx" }))
    end)

    it("runs parents of every branch and dependencies first", function()
      local g = graph(revision("0001"), revision("0002", "0001", { depends_on = "zzzz" }), revision("zzzz"))
      assert.are.equal("0001 zzzz 0002", plan(g, "0002", {}))
      assert.are.equal("a1xx a2xx b1xx b2xx c1xx c2xx", plan(forked(), "heads", {}))
    end)
  end)

  describe("downgrade", function()
    local function plan(g, symbol, current)
      return ids(assert(g:downgrade_plan(assert(g:downgrade_target(symbol, current)), current)))
    end

    it("takes back what is above the target", function()
      assert.are.equal("0003 0002", plan(line(), "0001", { "0003" }))
      assert.are.equal("0002 0001", plan(line(), "base", { "0002" }))
      assert.are.equal("", plan(line(), "0002", { "0002" }))
      assert.are.equal("0003", plan(line(), "-1", { "0003" }))
      assert.are.equal("0003 0002 0001", plan(line(), "-3", { "0003" }))
      assert.are.equal("0003 0002", plan(line(), "0003-2", { "0003" }))
    end)

    it("refuses targets above the database and steps that lead nowhere", function()
      local g = line()
      assert.has_match("no target to downgrade to", refused(g:downgrade_plan({ id = "0003" }, { "0001" })))
      assert.has_match("only 3", refused(g:downgrade_target("-4", { "0003" })))
      assert.has_match("downgrade takes %-N", refused(g:downgrade_target("+1", { "0001" })))
    end)

    it("takes one branch back and leaves the other", function()
      assert.are.equal("b2xx", plan(forked(), "beta@-1", { "b2xx", "c2xx" }))
      assert.are.equal("b2xx b1xx", plan(forked(), "beta@a2xx", { "b2xx", "c2xx" }))
      assert.has_match("ambiguous", refused(forked():downgrade_target("-1", { "b2xx", "c2xx" })))
    end)

    it("takes along what depends on it", function()
      local g = graph(revision("0001"), revision("0002", "0001"), revision("zzzz", nil, { depends_on = "0002" }))
      assert.are.equal("zzzz 0002", plan(g, "0001", { "zzzz" }))
    end)

    it("goes to the base of the database's own line only", function()
      local g = graph(revision("0001"), revision("zzzz"))
      assert.are.equal("0001", plan(g, "0001@base", { "0001", "zzzz" }))
      assert.are.equal("zzzz", plan(g, "zzzz@-1", { "0001", "zzzz" }))
    end)
  end)

  describe("version rows", function()
    it("follow a line", function()
      assert.are.same({ "0001" }, line():rows_after({}, "0001", false))
      assert.are.same({ "0002" }, line():rows_after({ "0001" }, "0002", false))
      assert.are.same({ "0001" }, line():rows_after({ "0002" }, "0002", true))
      assert.are.same({}, line():rows_after({ "0001" }, "0001", true))
    end)

    it("fork and merge", function()
      local g = graph(revision("a1xx"), revision("b1xx", "a1xx"), revision("c1xx", "a1xx"),
        revision("m1xx", { "b1xx", "c1xx" }))
      assert.are.same({ "b1xx", "c1xx" }, g:rows_after({ "b1xx" }, "c1xx", false))
      assert.are.same({ "m1xx" }, g:rows_after({ "b1xx", "c1xx" }, "m1xx", false))
      assert.are.same({ "b1xx", "c1xx" }, g:rows_after({ "m1xx" }, "m1xx", true))
      assert.are.same({ "b1xx" }, g:rows_after({ "b1xx", "c1xx" }, "c1xx", true))
    end)

    it("leave out a head that others depend on", function()
      local g = graph(revision("0001"), revision("zzzz", nil, { depends_on = "0001" }))
      assert.are.same({ "zzzz" }, g:rows_after({ "0001" }, "zzzz", false))
      assert.are.same({ "0001" }, g:rows_after({ "zzzz" }, "zzzz", true))
    end)
  end)

  it("names a revision of the database that no file defines", function()
    assert.has_match("'beef', which no file here defines", refused(line():check_current({ "beef" })))
    assert.is_true(line():check_current({ "0002" }))
  end)
end)

describe("migrations.revision", function()
  local path

  before_each(function()
    path = os.tmpname()
  end)
  after_each(function()
    os.remove(path)
  end)

  local function load_text(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return revisions.load(path)
  end
  local function message(text)
    return refused(load_text(text))
  end

  it("loads what the file returns", function()
    local loaded = assert(load_text([[
      local R = { revision = "0002", down_revision = { "0001", "beef" }, message = "two" }
      function R.upgrade(op) return op end
      return R]]))
    assert.are.equal("0002", loaded.revision)
    assert.are.same({ "0001", "beef" }, loaded.down_revisions)
    assert.are.equal("two", loaded.message)
    assert.are.equal(path, loaded.path)
    assert.is_nil(loaded.downgrade)
  end)

  it("reads globals and refuses to write them, with file and line", function()
    assert(load_text("assert(type(require) == 'function' and math.pi > 3)\nreturn { revision = '1', upgrade = print }"))
    assert.has_match(path:gsub("%W", "%%%0") .. ":2: a revision may not set the global 'x'", message("local y = 1\nx = y"))
  end)

  it("refuses bytecode", function()
    assert.has_match("binary", message(string.dump(function() return {} end)))
  end)

  it("says what is wrong with a file", function()
    assert.has_match(":1:", message("return {"))
    assert.has_match("boom", message("error('boom')"))
    assert.has_match("boom", message("error(setmetatable({}, { __tostring = function() return 'boom' end }))"))
    assert.has_match("returns nothing", message("local R = {}"))
    assert.has_match("returns a string", message("return 'x'"))
    assert.has_match("no field 'down_revison'.*did you mean 'down_revision'",
      message("return { revision = '2', down_revison = '1', upgrade = print }"))
    assert.has_match("needs a function upgrade", message("return { revision = '2' }"))
    assert.has_match("downgrade must be a function", message("return { revision = '2', upgrade = print, downgrade = 3 }"))
    assert.has_match("non%-empty string", message("return { revision = 2, upgrade = print }"))
    assert.has_match("meaning in revision symbols", message("return { revision = 'a+b', upgrade = print }"))
    assert.has_match("33 characters", message(("return { revision = '%s', upgrade = print }"):format(("x"):rep(33))))
    assert.has_match("list of strings", message("return { revision = '2', down_revision = { x = 1 }, upgrade = print }"))
    assert.has_match("twice", message("return { revision = '2', down_revision = { 'a', 'a' }, upgrade = print }"))
    assert.has_match("message must be", message("return { revision = '2', message = 1, upgrade = print }"))
  end)

  it("says that a file cannot be read", function()
    assert.has_match("cannot be read: No such file", refused(revisions.load(path .. ".missing")))
  end)
end)
