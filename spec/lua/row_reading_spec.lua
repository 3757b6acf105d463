-- MetaTable.iter_operation against a TS Manager that has no streams, and what a loop sees of failures.

local client = require("mainsequence.client")
local core = require("mainsequence.core")

local SCOPE = { data_source_uid = "s", tables = { { meta_table_uid = "u" } } }
local WITHOUT = core.error({ code = "unknown_route", status = 404, message = "404 POST …: there is no route" })

local function operation(limits)
  return { operation = "select", statement = { sql = "SELECT 1" }, scope = SCOPE, limits = limits }
end

---A session whose TS Manager has `total` rows {n = …} and gives `most` of them at a time; and what it was asked.
local function paged(total, most, refusal)
  local asked = {}
  local session = client.connect({ endpoint = "local:" })
  session.opened = {
    stream_operation = function(_, sent)
      asked[#asked + 1] = { "stream", sent.limits.max_rows }
      return nil, refusal or WITHOUT
    end,
    execute_operation = function(_, sent)
      local limits, rows = sent.limits, {}
      asked[#asked + 1] = { limits.offset, limits.max_rows }
      local last = math.min(total, limits.offset + math.min(limits.max_rows, most))
      for n = limits.offset + 1, last do rows[#rows + 1] = { n = n } end
      return { rows = rows, truncated = last < total }
    end,
    close = function() end,
  }
  return session, asked
end

local function read(session, ...)
  local numbers, failure = {}, nil
  for row, err in session.MetaTable.iter_operation(...) do
    if row then numbers[#numbers + 1] = row.n else failure = err end
  end
  return numbers, failure
end

describe("MetaTable.iter_operation without streams", function()
  it("reads pages until there are no more", function()
    local session, asked = paged(7, 100)
    assert.are.same({ 1, 2, 3, 4, 5, 6, 7 }, (read(session, operation({ max_rows = 3 }))))
    assert.are.same({ { "stream" }, { 0, 3 }, { 3, 3 }, { 6, 3 } }, asked)
    session, asked = paged(7, 100)
    assert.are.same({ 6, 7 }, (read(session, operation({ offset = 5 }))))
    assert.are.same({ { "stream" }, { 5, 1000 } }, asked)
    session = paged(7, 2)
    assert.are.equal(7, #read(session, operation()))
    assert.are.equal(0, #read(paged(0, 2), operation()))
  end)

  it("reads no more rows than are wanted", function()
    local session, asked = paged(70, 100)
    assert.are.equal(8, #read(session, operation({ max_rows = 5 }), { max_rows = 8 }))
    assert.are.same({ { "stream", 8 }, { 0, 5 }, { 5, 3 } }, asked)
  end)

  it("takes a 405 for the lack of the route too, and tells other refusals", function()
    local wrong_method = core.error({ code = "api", status = 405, message = "405" })
    assert.are.equal(7, #read(paged(7, 100, wrong_method), operation()))
    local denied = core.error({ code = "scope_violation", status = 400, message = "400" })
    local numbers, err = read(paged(7, 100, denied), operation())
    assert.are.same({}, numbers)
    assert.are.equal(denied, err)
  end)

  it("ends with the failure of a page, once", function()
    local session = paged(7, 100)
    local gone, asked = core.error({ code = "server", status = 500, message = "gone" }), 0
    local whole = session.opened.execute_operation
    session.opened.execute_operation = function(...)
      asked = asked + 1
      if asked == 2 then return nil, gone end
      return whole(...)
    end
    local numbers, err = read(session, operation({ max_rows = 3 }))
    assert.are.same({ 1, 2, 3 }, numbers)
    assert.are.equal(gone, err)
    assert.are.equal(2, asked)
  end)

  it("blames the script for what is no select and for wrong options", function()
    local session = paged(1, 1)
    local function blamed(words, ...)
      local ok, failure = pcall(session.MetaTable.iter_operation, ...)
      assert.is_false(ok)
      assert.has_match(words, tostring(failure))
    end
    blamed("takes a select operation", nil)
    blamed("takes a select operation", { operation = "delete" })
    blamed("max_rows is a whole number above 0", operation(), { max_rows = 1.5 })
    blamed("max_row", operation(), { max_row = 1 })
  end)
end)
